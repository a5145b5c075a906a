/* SPDX-License-Identifier: MIT */
/* Cortex-M3: the vectors, and from reset to C. */
	.syntax unified
	.thumb

	.section .vectors, "a"
	.word stack_end
	.word start
	.rept 13
	.word fault
	.endr
	.word machine_systick

	.text
	.globl start
	.type start, %function
start:
	ldr r0, =bss_start
	ldr r1, =bss_end
	movs r2, #0
1:	cmp r0, r1
	bhs 2f
	str r2, [r0], #4
	b 1b
2:	bl firmware_main

	.type fault, %function
fault:
	movs r0, #'!'
	bl machine_put
	b .

	.bss
	.balign 8
	.skip 16384
stack_end:
