/* SPDX-License-Identifier: MIT */
/*
 * Into the kernel and out of it.  Every way in builds a struct trap_frame; every way out is
 * return_to_frame(), with iretq: it has none of sysret's traps about canonical addresses.
 *
 * The kernel itself uses neither FS nor GS, so both bases stay the program's.
 */
	.text

	.macro push_registers
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	.endm

/* One stub a vector: 16 bytes each, so that the table needs no list of addresses. */
	.balign	16
	.globl trap_stubs
trap_stubs:
	vector = 0
	.rept	256
	.balign	16
	.if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
	.else
	push	$0
	.endif
	push	$vector
	jmp	trap_common
	vector = vector + 1
	.endr

trap_common:
	push_registers
	mov	%rsp, %rdi
	call	trap_enter
	mov	%rsp, %rdi
	jmp	return_to_frame

/* rcx = rip, r11 = rflags of the program; interrupts are off by SFMASK. */
	.globl syscall_entry
syscall_entry:
	mov	%rsp, user_rsp(%rip)
	mov	kernel_stack_top(%rip), %rsp
	push	$0x1b			/* USER_SS */
	push	user_rsp(%rip)
	push	%r11
	push	$0x23			/* USER_CS */
	push	%rcx
	push	%rax			/* frame->error: the number */
	push	$256			/* VECTOR_SYSCALL */
	push_registers
	mov	%rsp, %rdi
	call	syscall_enter
	mov	%rsp, %rdi
	jmp	return_to_frame

	.globl task_first_return
task_first_return:
	mov	%rsp, %rdi
	call	task_first
	mov	%rsp, %rdi
	/* fall through */

	.globl return_to_frame
return_to_frame:
	mov	%rdi, %rsp
	testb	$3, 144(%rsp)		/* cs */
	jz	1f
	call	leave_kernel		/* rdi = frame */
1:	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	add	$16, %rsp
	iretq

	.section .bss
	.balign	8
user_rsp:
	.skip	8
	.globl kernel_stack_top
kernel_stack_top:
	.skip	8

	.section .note.GNU-stack, "", @progbits
