/* SPDX-License-Identifier: MIT */
/* From the stage's registers to C: a stack of our own, then kernel_main(handoff). */
	.section .text.entry, "ax"
	.globl kernel_entry
kernel_entry:
	cli
	cld
	mov	$boot_stack_top, %rsp
	xor	%ebp, %ebp
	call	kernel_main
1:	cli
	hlt
	jmp	1b

	.section .bss
	.balign	4096
	.globl boot_stack
boot_stack:
	.skip	32768
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
