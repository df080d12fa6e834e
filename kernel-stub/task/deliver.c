/* SPDX-License-Identifier: MIT */
/*
 * Acting on signals, on the way back to the program: the frame that Linux builds on the
 * program's stack, and rt_sigreturn that takes it down again.
 */
#include "arch.h"
#include "mm.h"
#include "syscall.h"

#define RED_ZONE	128u
#define FPU_SIZE	512u
#define SS_ONSTACK	1u
#define SS_DISABLE	2u
#define SI_KERNEL	0x80
#define MXCSR_OFFSET	24u
#define MXCSR_KNOWN	0xffffu

struct sigcontext {			/* x86-64, from the Linux ABI */
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate;
	uint64_t reserved[8];
};

struct ucontext {
	uint64_t flags, link;
	uint64_t stack_sp;
	uint32_t stack_flags, pad;
	uint64_t stack_size;
	struct sigcontext context;
	uint64_t mask;
};

struct siginfo {
	int32_t signo, error, code, pad;
	uint64_t address;
	uint64_t rest[13];
};

struct signal_frame {
	uint64_t restorer;
	struct ucontext uc;
	struct siginfo info;
};

_Static_assert(sizeof(struct sigcontext) == 256, "sigcontext");
_Static_assert(sizeof(struct siginfo) == 128, "siginfo");

/* ------------------------------------------------------------------ restarting */

static bool may_restart(uint64_t number)
{
	switch (number) {
	case 0: case 1: case 2: case 16: case 19: case 20: case 61: case 72: case 73: case 247:
	case 257: case 17: case 18:
		return true;	/* read write open ioctl readv writev wait4 fcntl flock waitid ... */
	}
	return false;
}

static bool never_restarts(uint64_t number)
{
	/* pause, rt_sigsuspend, rt_sigtimedwait wait for the signal itself */
	return number == 34 || number == 130 || number == 128;
}

/* -EINTR of a system call; with a handler ACTION, without one NULL. */
static void restart(struct trap_frame *frame, const struct sigaction_k *action)
{
	if (frame->vector != VECTOR_SYSCALL || current->syscall == SYSCALL_NONE ||
	    (int64_t)frame->rax != -EINTR)
		return;
	if (action ? !((action->flags & SA_RESTART) && may_restart(current->syscall)) :
		     never_restarts(current->syscall))
		return;
	frame->rax = current->syscall;
	frame->rip -= 2;		/* the length of `syscall` */
	current->syscall = SYSCALL_NONE;
}

/* ------------------------------------------------------------------ into the handler */

static bool on_altstack(uint64_t sp)
{
	return current->altstack_size && sp - current->altstack <= current->altstack_size;
}

static void context_save(struct sigcontext *context, const struct trap_frame *frame)
{
	*context = (struct sigcontext){
		.r8 = frame->r8, .r9 = frame->r9, .r10 = frame->r10, .r11 = frame->r11,
		.r12 = frame->r12, .r13 = frame->r13, .r14 = frame->r14, .r15 = frame->r15,
		.rdi = frame->rdi, .rsi = frame->rsi, .rbp = frame->rbp, .rbx = frame->rbx,
		.rdx = frame->rdx, .rax = frame->rax, .rcx = frame->rcx, .rsp = frame->rsp,
		.rip = frame->rip, .eflags = frame->rflags, .cs = USER_CS, .ss = USER_SS,
		.err = frame->error, .trapno = frame->vector,
		.oldmask = current->sig_blocked, .cr2 = current->fault.address,
	};
}

/* -EFAULT: there is no stack to put it on. */
static int push_frame(struct trap_frame *frame, int signo, const struct sigaction_k *action,
		      uint64_t mask)
{
	struct signal_frame out = { .restorer = action->restorer };
	uint64_t sp = frame->rsp - RED_ZONE, fpu;
	int err;

	if ((action->flags & SA_ONSTACK) && current->altstack_size && !on_altstack(frame->rsp))
		sp = current->altstack + current->altstack_size;
	fpu = (sp - FPU_SIZE) & ~UINT64_C(63);
	sp = ((fpu - sizeof(out)) & ~UINT64_C(15)) - 8;		/* as after a call */
	out.uc.flags = 0;
	out.uc.stack_sp = current->altstack;
	out.uc.stack_size = current->altstack_size;
	out.uc.stack_flags = !current->altstack_size ? SS_DISABLE :
			     on_altstack(frame->rsp) ? SS_ONSTACK : 0;
	context_save(&out.uc.context, frame);
	out.uc.context.fpstate = fpu;
	out.uc.mask = mask;
	out.info = (struct siginfo){ .signo = signo, .code = current->fault.code,
				     .address = current->fault.address };
	__asm__ volatile("fxsave64 (%0)" : : "r"(current->fpu) : "memory");
	err = copy_to_user(fpu, current->fpu, FPU_SIZE);
	if (!err)
		err = copy_to_user(sp, &out, sizeof(out));
	if (err)
		return err;
	frame->rdi = (uint64_t)signo;
	frame->rsi = sp + offsetof(struct signal_frame, info);
	frame->rdx = sp + offsetof(struct signal_frame, uc);
	frame->rax = 0;
	frame->rsp = sp;
	frame->rip = action->handler;
	frame->rflags &= ~(uint64_t)(RFLAGS_TF | RFLAGS_DF);
	return 0;
}

static void handle(struct trap_frame *frame, int signo, struct sigaction_k *action)
{
	uint64_t mask = current->sig_restore ? current->sig_saved : current->sig_blocked;
	struct sigaction_k used = *action;

	/* An address that is not canonical would fault in the kernel's iretq. */
	if (used.handler >= USER_TOP || push_frame(frame, signo, &used, mask) < 0) {
		klog("task %d (%s): no handler or stack for signal %d", current->pid, current->comm, signo);
		task_exit(SIGSEGV);
	}
	current->sig_restore = false;
	current->sig_blocked |= used.mask;
	if (!(used.flags & SA_NODEFER))
		current->sig_blocked |= SIG_BIT(signo);
	if (used.flags & SA_RESETHAND)
		action->handler = SIG_DFL;
	current->fault.code = 0;
	current->fault.address = 0;
}

static void stop(int signo)
{
	struct task *parent = current->parent;

	current->stop_signal = signo;
	current->continued = false;
	current->state = TASK_STOPPED;
	if (parent && parent->sighand) {
		if (!(parent->sighand->action[SIGCHLD - 1].flags & SA_NOCLDSTOP))
			signal_task(parent, SIGCHLD);
		wake_up(&parent->child_exit);
	}
	schedule();
}

/* The default action of a signal that is not ignored. */
static void by_default(int signo)
{
	switch (signo) {
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		if (group_is_orphaned(current->pgid))
			return;
		/* fall through */
	case SIGSTOP:
		stop(signo);
		return;
	}
	task_exit(signo);
}

void signals_deliver(struct trap_frame *frame)
{
	bool handled = false;
	uint64_t ready;

	/* All that are ready get their frames at once: the last handler of the row runs first. */
	while ((ready = signal_deliverable(current)) != 0) {
		int signo = (ready & SIG_BIT(SIGKILL)) ? SIGKILL : __builtin_ctzll(ready) + 1;
		struct sigaction_k *action = &current->sighand->action[signo - 1];

		current->sig_pending &= ~SIG_BIT(signo);
		if (signal_ignored(current, signo))
			continue;
		if (action->handler == SIG_DFL) {
			by_default(signo);
			continue;
		}
		restart(frame, action);
		handle(frame, signo, action);
		handled = true;
	}
	if (handled)
		return;
	/* Nothing was handled: as if there had been no signal. */
	restart(frame, NULL);
	if (current->sig_restore) {
		current->sig_restore = false;
		current->sig_blocked = current->sig_saved;
	}
}

/* ------------------------------------------------------------------ and back */

long signal_return(struct trap_frame *frame)
{
	struct signal_frame in;
	const struct sigcontext *context = &in.uc.context;
	uint32_t mxcsr;

	/* The handler's ret took the restorer off. */
	if (copy_from_user(&in, frame->rsp - 8, sizeof(in)) < 0)
		task_exit(SIGSEGV);
	if (context->fpstate && copy_from_user(current->fpu, context->fpstate, FPU_SIZE) < 0)
		task_exit(SIGSEGV);
	memcpy(&mxcsr, (uint8_t *)current->fpu + MXCSR_OFFSET, sizeof(mxcsr));
	mxcsr &= MXCSR_KNOWN;
	memcpy((uint8_t *)current->fpu + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
	__asm__ volatile("fxrstor64 (%0)" : : "r"(current->fpu) : "memory");

	frame->r8 = context->r8;
	frame->r9 = context->r9;
	frame->r10 = context->r10;
	frame->r11 = context->r11;
	frame->r12 = context->r12;
	frame->r13 = context->r13;
	frame->r14 = context->r14;
	frame->r15 = context->r15;
	frame->rdi = context->rdi;
	frame->rsi = context->rsi;
	frame->rbp = context->rbp;
	frame->rbx = context->rbx;
	frame->rdx = context->rdx;
	frame->rcx = context->rcx;
	frame->rsp = context->rsp;
	frame->rip = context->rip;
	/* A return address that is not canonical would fault in the kernel's iretq. */
	if (frame->rip >= USER_TOP)
		task_exit(SIGSEGV);
	frame->rflags = (context->eflags & RFLAGS_USER) | RFLAGS_FIXED | RFLAGS_IF;
	current->sig_blocked = in.uc.mask & ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
	current->syscall = SYSCALL_NONE;
	return (long)context->rax;
}
