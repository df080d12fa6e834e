/* SPDX-License-Identifier: MIT */
/* Catch what the protocol promises about registers before C code touches any. */
	.section .text
	.globl _start
_start:
	mov	%rsp, %rsi		/* 2nd argument: rsp as found */
	pushfq
	pop	%rdx			/* 3rd: flags as found */
	mov	%cr3, %rcx		/* 4th */
	lea	_start(%rip), %r8	/* 5th: where we run */
	sub	$8, %rsp
	call	handoff_main
1:	hlt
	jmp	1b

	.section .note.GNU-stack, "", @progbits
