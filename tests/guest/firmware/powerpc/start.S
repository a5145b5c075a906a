/* SPDX-License-Identifier: MIT */
/*
 * PowerPC, QEMU's ppce500 (Book E): from the loader's entry, or the spin
 * table's, to C, with 256 MiB of RAM and the devices' registers mapped.
 */
#define STACK_SIZE 16384

#define SPR_IVPR 63
#define SPR_PIR 286
#define SPR_MAS0 624
#define SPR_MAS1 625
#define SPR_MAS2 626
#define SPR_MAS3 627
#define SPR_MAS7 944
#define SPR_IVOR(n) (400 + (n))

#define SET(reg, value)                 \
	lis reg, (value)@h;             \
	ori reg, reg, (value)@l

/* Write an entry of the second TLB: number, size (4^n KiB), address, its upper
 * and lower half in the bus' 36 bits, attributes. */
#define MAP(number, size, address, upper, lower, attributes) \
	SET(%r4, 0x10000000 | (number) << 16);                \
	mtspr SPR_MAS0, %r4;                                  \
	SET(%r4, 0xc0000000 | (size) << 8);                   \
	mtspr SPR_MAS1, %r4;                                  \
	SET(%r4, (address) | (attributes));                   \
	mtspr SPR_MAS2, %r4;                                  \
	SET(%r4, (lower) | 0x15); /* the supervisor's, all rights */ \
	mtspr SPR_MAS3, %r4;                                  \
	li %r4, upper;                                        \
	mtspr SPR_MAS7, %r4;                                  \
	isync;                                                \
	tlbwe;                                                \
	isync

	.section .text.start, "ax"
	.globl start
start:
	li %r3, 0
	SET(%r5, bss_start)
	SET(%r6, bss_end)
	li %r0, 0
1:	cmplw %r5, %r6
	bge start_cpu
	stw %r0, 0(%r5)
	addi %r5, %r5, 4
	b 1b

	/* Every CPU, its index in r3. It runs in entry 0 or 1, which the last
	 * two lines replace; the same addresses are no matter to QEMU. */
	.globl start_cpu
start_cpu:
	MAP(2, 5, 0xe0000000, 0xf, 0xe0000000, 0x0a) /* 1 MiB: devices */
	MAP(3, 5, 0xef000000, 0xf, 0xef000000, 0x0a) /* the spin table */
	MAP(0, 9, 0x00000000, 0x0, 0x00000000, 0x04) /* 256 MiB: RAM */
	MAP(1, 9, 0x00000000, 0x0, 0x00000000, 0x04)

	SET(%r1, stacks + STACK_SIZE - 16)
	mulli %r4, %r3, STACK_SIZE
	add %r1, %r1, %r4
	mtspr 272, %r3 /* SPRG0: this CPU's index */

	SET(%r4, vectors)
	mtspr SPR_IVPR, %r4
	li %r4, fault - vectors
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15
	mtspr SPR_IVOR(\n), %r4
	.endr
	li %r4, decrementer - vectors
	mtspr SPR_IVOR(10), %r4

	cmpwi %r3, 0
	bne 2f
	bl firmware_main
2:	bl firmware_cpu
	b .

	/* The prefix has no lower 16 bits, an offset no more than those. */
	.balign 65536
vectors:
fault:
	li %r3, '!'
	bl machine_put
	b .

	.balign 16
decrementer:
	stwu %r1, -80(%r1)
	stw %r0, 8(%r1)
	stw %r3, 12(%r1)
	stw %r4, 16(%r1)
	stw %r5, 20(%r1)
	stw %r6, 24(%r1)
	stw %r7, 28(%r1)
	stw %r8, 32(%r1)
	stw %r9, 36(%r1)
	stw %r10, 40(%r1)
	stw %r11, 44(%r1)
	stw %r12, 48(%r1)
	mflr %r3
	mfctr %r4
	mfxer %r5
	mfcr %r6
	stw %r3, 52(%r1)
	stw %r4, 56(%r1)
	stw %r5, 60(%r1)
	stw %r6, 64(%r1)
	mfsrr0 %r3
	mfsrr1 %r4
	stw %r3, 68(%r1)
	stw %r4, 72(%r1)
	bl machine_decrementer
	lwz %r3, 68(%r1)
	lwz %r4, 72(%r1)
	rlwinm %r4, %r4, 0, 14, 12 /* what waited does so no more: not MSR_WE */
	mtsrr0 %r3
	mtsrr1 %r4
	lwz %r3, 52(%r1)
	lwz %r4, 56(%r1)
	lwz %r5, 60(%r1)
	lwz %r6, 64(%r1)
	mtlr %r3
	mtctr %r4
	mtxer %r5
	mtcr %r6
	lwz %r0, 8(%r1)
	lwz %r3, 12(%r1)
	lwz %r4, 16(%r1)
	lwz %r5, 20(%r1)
	lwz %r6, 24(%r1)
	lwz %r7, 28(%r1)
	lwz %r8, 32(%r1)
	lwz %r9, 36(%r1)
	lwz %r10, 40(%r1)
	lwz %r11, 44(%r1)
	lwz %r12, 48(%r1)
	addi %r1, %r1, 80
	rfi

	.bss
	.balign 16
stacks:
	.skip MACHINE_CPUS * STACK_SIZE
