/* SPDX-License-Identifier: MIT */
/* The VMM begins here, in 64-bit mode, with a stack, and its argument in %rdi.
 * After a reset, what .bss has is from before. */
	.section .text.start, "ax"
	.globl start
start:
	cld
	mov %rdi, %rdx
	mov $bss_start, %edi
	mov $bss_end, %ecx
	sub %edi, %ecx
	xor %eax, %eax
	rep stosb
	mov %rdx, %rdi
	call firmware_main
	movzbl %al, %eax
	out %al, $0xf4 /* PORT_EXIT */
1:	hlt
	jmp 1b
