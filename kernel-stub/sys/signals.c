/* SPDX-License-Identifier: MIT */
#include "arch.h"
#include "syscall.h"

#define SIG_BLOCK	0
#define SIG_UNBLOCK	1
#define SIG_SETMASK	2
#define UNBLOCKABLE	(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))
#define SS_ONSTACK	1u
#define SS_DISABLE	2u
#define SS_AUTODISARM	(1u << 31)
#define MINSIGSTKSZ	2048u
#define NSEC_PER_SEC	UINT64_C(1000000000)

static bool mask_size_ok(uint64_t size)
{
	return size == sizeof(uint64_t);
}

DEFINE_SYSCALL(rt_sigaction)
{
	struct sigaction_k new;
	int signo = (int)args->a[0];

	if (!mask_size_ok(args->a[3]) || signo < 1 || signo > NSIG ||
	    (args->a[1] && (signo == SIGKILL || signo == SIGSTOP)))
		return -EINVAL;
	if (args->a[1] && copy_from_user(&new, args->a[1], sizeof(new)) < 0)
		return -EFAULT;
	if (args->a[2] && copy_to_user(args->a[2], &current->sighand->action[signo - 1],
				       sizeof(new)) < 0)
		return -EFAULT;
	if (!args->a[1])
		return 0;
	new.mask &= ~UNBLOCKABLE;
	current->sighand->action[signo - 1] = new;
	if (signal_ignored(current, signo))
		current->sig_pending &= ~SIG_BIT(signo);
	return 0;
}

DEFINE_SYSCALL(rt_sigprocmask)
{
	uint64_t old = current->sig_blocked, set;

	if (!mask_size_ok(args->a[3]))
		return -EINVAL;
	if (args->a[1]) {
		if (copy_from_user(&set, args->a[1], sizeof(set)) < 0)
			return -EFAULT;
		set &= ~UNBLOCKABLE;
		if (args->a[0] == SIG_BLOCK)
			current->sig_blocked |= set;
		else if (args->a[0] == SIG_UNBLOCK)
			current->sig_blocked &= ~set;
		else if (args->a[0] == SIG_SETMASK)
			current->sig_blocked = set;
		else
			return -EINVAL;
	}
	return args->a[2] ? copy_to_user(args->a[2], &old, sizeof(old)) : 0;
}

DEFINE_SYSCALL(rt_sigpending)
{
	uint64_t pending = current->sig_pending & current->sig_blocked;

	return copy_to_user(args->a[0], &pending, sizeof(pending));
}

DEFINE_SYSCALL(rt_sigreturn)
{
	(void)args;
	return signal_return(current->frame);
}

static long sleep_for_signal(void)
{
	struct waitq queue = { NULL };

	while (sleep_on(&queue) == 0)
		;
	return -EINTR;
}

DEFINE_SYSCALL(pause)
{
	(void)args;
	return sleep_for_signal();
}

DEFINE_SYSCALL(rt_sigsuspend)
{
	uint64_t mask;

	if (!mask_size_ok(args->a[1]))
		return -EINVAL;
	if (copy_from_user(&mask, args->a[0], sizeof(mask)) < 0)
		return -EFAULT;
	current->sig_saved = current->sig_blocked;
	current->sig_blocked = mask & ~UNBLOCKABLE;
	current->sig_restore = true;
	return sleep_for_signal();
}

DEFINE_SYSCALL(rt_sigtimedwait)
{
	uint64_t set, blocked = current->sig_blocked, end = UINT64_MAX;
	struct waitq queue = { NULL };
	int64_t timeout[2];
	int32_t info[32] = { 0 };
	long result = -EAGAIN;

	if (!mask_size_ok(args->a[3]))
		return -EINVAL;
	if (copy_from_user(&set, args->a[0], sizeof(set)) < 0)
		return -EFAULT;
	if (args->a[2]) {
		if (copy_from_user(timeout, args->a[2], sizeof(timeout)) < 0)
			return -EFAULT;
		if (timeout[0] < 0 || timeout[0] > INT32_MAX || timeout[1] < 0 ||
		    timeout[1] >= (int64_t)NSEC_PER_SEC)
			return -EINVAL;
		end = clock_ns() + (uint64_t)timeout[0] * NSEC_PER_SEC + (uint64_t)timeout[1];
	}
	set &= ~UNBLOCKABLE;
	/* Unblocked for the wait, so that they end the sleep; taken here, so never delivered. */
	current->sig_blocked &= ~set;
	for (;;) {
		uint64_t ready = current->sig_pending & set, now = clock_ns();

		if (ready) {
			result = __builtin_ctzll(ready) + 1;
			current->sig_pending &= ~SIG_BIT(result);
			break;
		}
		if (now >= end)
			break;
		if (signal_pending()) {
			result = -EINTR;
			break;
		}
		if (end == UINT64_MAX)
			sleep_on(&queue);
		else
			sleep_on_timeout(&queue, end - now);
	}
	current->sig_blocked = blocked;
	if (result > 0 && args->a[1]) {
		info[0] = (int32_t)result;
		if (copy_to_user(args->a[1], info, sizeof(info)) < 0)
			return -EFAULT;
	}
	return result;
}

DEFINE_SYSCALL(sigaltstack)
{
	struct {
		uint64_t sp;
		uint32_t flags, pad;
		uint64_t size;
	} new, old = { current->altstack, current->altstack_size ? 0 : SS_DISABLE, 0,
		       current->altstack_size };
	uint64_t sp = current->frame->rsp;

	if (current->altstack_size && sp - current->altstack <= current->altstack_size)
		old.flags = SS_ONSTACK;

	if (args->a[0] && copy_from_user(&new, args->a[0], sizeof(new)) < 0)
		return -EFAULT;
	if (args->a[1] && copy_to_user(args->a[1], &old, sizeof(old)) < 0)
		return -EFAULT;
	if (!args->a[0])
		return 0;
	if (old.flags & SS_ONSTACK)
		return -EPERM;
	new.flags &= ~SS_AUTODISARM;
	if (new.flags != 0 && new.flags != SS_ONSTACK && new.flags != SS_DISABLE)
		return -EINVAL;
	if (new.flags & SS_DISABLE) {
		current->altstack = current->altstack_size = 0;
		return 0;
	}
	if (new.size < MINSIGSTKSZ)
		return -ENOMEM;
	current->altstack = new.sp;
	current->altstack_size = new.size;
	return 0;
}

/* ------------------------------------------------------------------ kill */

static bool may_signal(const struct task *task, int signo)
{
	return current->euid == 0 || current->euid == task->uid || current->uid == task->uid ||
	       current->euid == task->suid || current->uid == task->suid ||
	       (signo == SIGCONT && current->sid == task->sid);
}

static long signal_one(int pid, int signo)
{
	struct task *task = task_find(pid);

	if (!task)
		return -ESRCH;
	if (!may_signal(task, signo))
		return -EPERM;
	if (signo)
		signal_task(task, signo);
	return 0;
}

/* All but PID 1 and the caller, as kill(-1): that nobody may be signalled is no error there. */
static long signal_all(int signo)
{
	long result = -ESRCH;

	for (unsigned i = 1; i < TASKS_MAX; i++) {
		struct task *task = &tasks[i];

		if (task->state == TASK_FREE || task->pid == 1 || task == current)
			continue;
		result = 0;
		if (signo && may_signal(task, signo))
			signal_task(task, signo);
	}
	return result;
}

/* One that may be signalled is enough; the others are left alone. */
static long signal_members(int pgid, int signo)
{
	long result = -ESRCH;

	for (unsigned i = 1; i < TASKS_MAX; i++) {
		struct task *task = &tasks[i];

		if (task->state == TASK_FREE || task->pgid != pgid)
			continue;
		if (!may_signal(task, signo)) {
			result = result == 0 ? 0 : -EPERM;
			continue;
		}
		result = 0;
		if (signo)
			signal_task(task, signo);
	}
	return result;
}

DEFINE_SYSCALL(kill)
{
	int pid = (int)args->a[0], signo = (int)args->a[1];

	if (signo < 0 || signo > NSIG)
		return -EINVAL;
	if (pid > 0)
		return signal_one(pid, signo);
	if (pid == 0)
		return signal_members(current->pgid, signo);
	return pid == -1 ? signal_all(signo) : signal_members(-pid, signo);
}

DEFINE_SYSCALL(tkill)
{
	int signo = (int)args->a[1];

	if ((int)args->a[0] <= 0)
		return -EINVAL;
	return signo < 0 || signo > NSIG ? -EINVAL : signal_one((int)args->a[0], signo);
}

DEFINE_SYSCALL(tgkill)
{
	int signo = (int)args->a[2];

	if ((int)args->a[0] <= 0 || (int)args->a[1] <= 0)
		return -EINVAL;
	if (args->a[0] != args->a[1])
		return -ESRCH;		/* one thread a process */
	return signo < 0 || signo > NSIG ? -EINVAL : signal_one((int)args->a[1], signo);
}
