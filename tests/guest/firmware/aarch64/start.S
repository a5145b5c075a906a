/* SPDX-License-Identifier: MIT */
/*
 * AArch64, QEMU's virt: from reset or PSCI's CPU_ON (EL1) to C, with the first
 * GiB mapped one to one as devices and the second as cached memory, without
 * which no unaligned access and no exclusive one is promised.
 */
#define STACK_SIZE 16384

	.text
	.globl start
start:
	ldr x0, =bss_start
	ldr x1, =bss_end
1:	cmp x0, x1
	b.hs 2f
	str xzr, [x0], #8
	b 1b
2:	mov x0, #0

	/* Every CPU, its index in x0. */
	.globl start_cpu
start_cpu:
	ldr x1, =stacks + STACK_SIZE
	mov x2, #STACK_SIZE
	madd x1, x0, x2, x1
	mov sp, x1
	msr tpidr_el1, x0

	ldr x1, =0x00ff /* attribute 0: cached; 1: device */
	msr mair_el1, x1
	ldr x1, =0x00803520 /* 32 bits of address, cached walks, no upper half */
	msr tcr_el1, x1
	ldr x1, =page_table
	msr ttbr0_el1, x1
	isb
	mrs x1, sctlr_el1
	ldr x2, =0x1005 /* I, C, M */
	orr x1, x1, x2
	msr sctlr_el1, x1
	ldr x1, =vectors
	msr vbar_el1, x1
	isb

	cbnz x0, 3f
	bl firmware_main
3:	bl firmware_cpu
	b .

	.balign 4096
page_table:
	.quad 0x00000405 /* a block, accessed, attribute 1 */
	.quad 0x40000701 /* a block, accessed, shared, attribute 0 */
	.quad 0, 0

	.balign 2048
vectors:
	.rept 4
	b fault
	.balign 128
	.endr
	b fault
	.balign 128
	b interrupt
	.balign 128
	.rept 10
	b fault
	.balign 128
	.endr

fault:
	mov w0, #'!'
	bl machine_put
	b .

interrupt:
	sub sp, sp, #176
	stp x0, x1, [sp]
	stp x2, x3, [sp, #16]
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x30, [sp, #144]
	mrs x0, elr_el1
	mrs x1, spsr_el1
	stp x0, x1, [sp, #160]
	bl machine_interrupt
	ldp x0, x1, [sp, #160]
	msr elr_el1, x0
	msr spsr_el1, x1
	ldp x18, x30, [sp, #144]
	ldp x16, x17, [sp, #128]
	ldp x14, x15, [sp, #112]
	ldp x12, x13, [sp, #96]
	ldp x10, x11, [sp, #80]
	ldp x8, x9, [sp, #64]
	ldp x6, x7, [sp, #48]
	ldp x4, x5, [sp, #32]
	ldp x2, x3, [sp, #16]
	ldp x0, x1, [sp]
	add sp, sp, #176
	eret

	.bss
	.balign 16
stacks:
	.skip MACHINE_CPUS * STACK_SIZE
