/* SPDX-License-Identifier: MIT */
/*
 * SPARC V8, a SPARCstation 5's PROM: from reset to C. The C code is compiled
 * with -mflat and turns no register windows, so there is one for the main flow
 * and one for its interrupts.
 */
#define PSR_START 0x00000fc7 /* supervisor, no traps, no interrupts, window 7 */
#define FRAME 96

#define TRAP(handler)     \
	rd %psr, %l0;     \
	sethi %hi(handler), %l3; \
	jmp %l3 + %lo(handler); \
	nop

	.section .text.start, "ax"
	.globl start
start:
	/* Begins with the trap of a reset; 4096 bytes, 16 each. */
traps:
	sethi %hi(reset), %g1
	jmp %g1 + %lo(reset)
	nop
	nop
	.rept 0x1a - 1
	TRAP(fault)
	.endr
	TRAP(interrupt) /* 0x1a: level 10 */
	.rept 0x100 - 0x1b
	TRAP(fault)
	.endr

reset:
	set PSR_START, %g1
	wr %g1, %psr
	nop
	nop
	nop
	wr %g0, %wim
	set traps, %g1
	wr %g1, %tbr
	/* Until here instructions came from the PROM whatever the address. */
	sta %g0, [%g0] 4 /* the MMU's control: not booting, not on */
	nop
	nop
	nop

	set data_load, %g1
	set data_start, %g2
	set data_end, %g3
1:	cmp %g2, %g3
	bgeu 2f
	nop
	ld [%g1], %g4
	st %g4, [%g2]
	add %g1, 4, %g1
	ba 1b
	add %g2, 4, %g2
2:	set bss_start, %g2
	set bss_end, %g3
3:	cmp %g2, %g3
	bgeu 4f
	nop
	st %g0, [%g2]
	ba 3b
	add %g2, 4, %g2

4:	set stack_end - FRAME, %sp
	set PSR_START | 0x20, %g1 /* traps on, interrupts still off */
	wr %g1, %psr
	nop
	nop
	nop
	call firmware_main
	nop

fault:
	set stack_end - FRAME, %sp
	call machine_put
	mov '!', %o0
	ba .
	nop

	/* In the next window: its locals are free, its ins are what it
	 * interrupted's outs, which C keeps. */
interrupt:
	sub %fp, 128, %sp
	rd %y, %l3
	std %g2, [%sp + 96]
	std %g4, [%sp + 104]
	std %g6, [%sp + 112]
	mov %g1, %l4
	call machine_interrupt
	nop
	mov %l4, %g1
	ldd [%sp + 96], %g2
	ldd [%sp + 104], %g4
	ldd [%sp + 112], %g6
	wr %l3, %y
	wr %l0, %psr
	nop
	nop
	nop
	jmp %l1
	rett %l2

	.section .bss
	.align 8
	.skip 16384
stack_end:
