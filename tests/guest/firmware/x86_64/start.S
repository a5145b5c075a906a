/* SPDX-License-Identifier: MIT */
/*
 * x86-64: from a PVH entry (32 bits, no paging) or a start-up IPI to C, with
 * the first 4 GiB mapped one to one.
 */
#define STACK_SIZE 16384

	.section .note.pvh, "a", @note
	.long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long start

	.text
	.code32
	.globl start
start:
	cld
	mov $bss_start, %edi
	mov $bss_end, %ecx
	sub %edi, %ecx
	xor %eax, %eax
	rep stosb

	/* 2,048 pages of 2 MiB, present, writable. */
	mov $page_directories, %edi
	mov $0x83, %eax
1:	mov %eax, (%edi)
	add $8, %edi
	add $0x200000, %eax
	jnc 1b
	/* ... in four directories. */
	mov $page_pointers, %edi
	mov $page_directories + 3, %eax
	mov $4, %ecx
2:	mov %eax, (%edi)
	add $8, %edi
	add $4096, %eax
	loop 2b
	movl $page_pointers + 3, page_root

	lgdt gdt_pointer
	ljmp $0x08, $start_cpu

	/* Every CPU: its index is how many came before it. */
start_cpu:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $page_root, %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x20, %eax /* PAE */
	mov %eax, %cr4
	mov $0xc0000080, %ecx /* EFER */
	rdmsr
	or $0x100, %eax /* LME */
	wrmsr
	mov %cr0, %eax
	or $0x80000001, %eax /* PG, PE */
	mov %eax, %cr0
	ljmp $0x18, $start_long

	.code64
start_long:
	mov $1, %edi
	lock xadd %edi, cpus_started
	mov %edi, %eax
	inc %eax
	imul $STACK_SIZE, %eax, %eax
	lea stacks(%rax), %rsp
	/* %gs:0 is the CPU's index. */
	lea cpu_index(,%rdi,4), %eax
	mov %edi, (%rax)
	xor %edx, %edx
	mov $0xc0000101, %ecx /* GS_BASE */
	wrmsr
	call machine_start_cpu
3:	hlt
	jmp 3b

	/* What a start-up IPI runs, copied to TRAMPOLINE; 16 bits. */
	.code16
	.globl trampoline, trampoline_end
trampoline:
	cli
	lgdtl %cs:gdt_pointer - trampoline_origin
	mov $1, %eax
	mov %eax, %cr0
	ljmpl $0x08, $start_cpu
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt
trampoline_end:
	.set trampoline_origin, trampoline

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff /* 0x08: code, 32 bits */
	.quad 0x00cf92000000ffff /* 0x10: data */
	.quad 0x00af9a000000ffff /* 0x18: code, 64 bits */
gdt_end:

	.bss
	.balign 4096
page_root:
	.skip 4096
page_pointers:
	.skip 4096
page_directories:
	.skip 4 * 4096
	.balign 16
stacks:
	.skip MACHINE_CPUS * STACK_SIZE
cpus_started:
	.skip 4
cpu_index:
	.skip 4 * MACHINE_CPUS
