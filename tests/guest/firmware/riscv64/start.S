/* SPDX-License-Identifier: MIT */
/*
 * RISC-V 64, QEMU's virt with -bios none: all harts come from reset in machine
 * mode; those beyond the first wait until they are let go.
 */
#define STACK_SIZE 16384

	.section .text.start, "ax"
	.globl start
start:
	csrr a0, mhartid
	mv tp, a0
	la sp, stacks + STACK_SIZE
	li t0, STACK_SIZE
	mul t0, t0, a0
	add sp, sp, t0
	bnez a0, 3f

	la t0, bss_start
	la t1, bss_end
1:	bgeu t0, t1, 2f
	sd zero, 0(t0)
	addi t0, t0, 8
	j 1b
2:	call firmware_main

3:	la t0, others_go
4:	lw t1, 0(t0)
	beqz t1, 4b
	fence
	call firmware_cpu

	/* Not in .bss: it is looked at before that is cleared. */
	.data
	.balign 4
	.globl others_go
others_go:
	.word 0

	.bss
	.balign 16
stacks:
	.skip MACHINE_CPUS * STACK_SIZE
