/* SPDX-License-Identifier: MIT */
/* From QEMU's -kernel (a PVH entry: 32 bits, no paging, %ebx points to what the
 * firmware is told) to C. */
	.section .note.pvh, "a", @note
	.long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long start

	.text
	.globl start
start:
	cli
	cld
	mov $bss_start, %edi
	mov $bss_end, %ecx
	sub %edi, %ecx
	xor %eax, %eax
	rep stosb
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $stack_end, %esp
	push %ebx
	call firmware_main
2:	hlt
	jmp 2b

	.globl timer_tick
timer_tick:
	push %eax
	mov $0x20, %al /* end of interrupt */
	out %al, $0x20
	pop %eax
	iret

	.section .rodata
	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff /* 0x08: code */
	.quad 0x00cf92000000ffff /* 0x10: data */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt

	.bss
	.balign 16
	.skip 16384
stack_end:
