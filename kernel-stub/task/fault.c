/* SPDX-License-Identifier: MIT */
/* Exceptions of a program become pages or signals. */
#include "arch.h"
#include "mm.h"
#include "task.h"

#define FAULT_WRITE	2u
#define FAULT_FETCH	16u
#define SEGV_MAPERR	1
#define SEGV_ACCERR	2
#define BUS_ADRERR	2
#define FPE_INTDIV	1
#define ILL_ILLOPN	2
#define SI_KERNEL	0x80

static void page_fault(struct trap_frame *frame)
{
	uintptr_t address = read_cr2();
	enum access access = frame->error & FAULT_WRITE ? ACCESS_WRITE :
			     frame->error & FAULT_FETCH ? ACCESS_EXEC : ACCESS_READ;

	switch (mm_fault(current->mm, address, access)) {
	case 0:
		return;
	case -ENOMEM:
		klog("memory: none left; task %d (%s) with %llu pages is ended", current->pid,
		     current->comm, (unsigned long long)current->mm->pages);
		task_exit(SIGKILL);
	case -EIO:
		force_signal(SIGBUS, BUS_ADRERR, address);
		return;
	default:
		force_signal(SIGSEGV, vma_find(current->mm, address) ? SEGV_ACCERR : SEGV_MAPERR,
			     address);
	}
}

void trap_from_user(struct trap_frame *frame)
{
	current->frame = frame;
	switch (frame->vector) {
	case VECTOR_PAGE_FAULT:
		page_fault(frame);
		return;
	case VECTOR_DIVIDE:
		force_signal(SIGFPE, FPE_INTDIV, frame->rip);
		return;
	case VECTOR_X87:
	case VECTOR_SIMD:
		force_signal(SIGFPE, 0, frame->rip);
		return;
	case VECTOR_INVALID_OPCODE:
		force_signal(SIGILL, ILL_ILLOPN, frame->rip);
		return;
	case VECTOR_DEBUG:
	case VECTOR_BREAKPOINT:
		force_signal(SIGTRAP, SI_KERNEL, 0);
		return;
	case VECTOR_STACK_SEGMENT:
	case VECTOR_ALIGNMENT:
		force_signal(SIGBUS, SI_KERNEL, 0);
		return;
	case VECTOR_NMI:
		return;
	default:
		force_signal(SIGSEGV, SI_KERNEL, 0);
	}
}
