/* SPDX-License-Identifier: MIT */
/* Signals become pending; deliver.c acts on them. */
#include "arch.h"
#include "task.h"

#define STOP_SIGNALS (SIG_BIT(SIGSTOP) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))

static bool ignored_by_default(int signo)
{
	return signo == SIGCHLD || signo == SIGCONT || signo == SIGURG || signo == SIGWINCH;
}

bool signal_ignored(const struct task *task, int signo)
{
	uintptr_t handler = task->sighand ? task->sighand->action[signo - 1].handler : SIG_DFL;

	/* PID 1 gets only what it asked for; that includes SIGKILL and SIGSTOP. */
	if (task->pid == 1 && !task->mortal && handler == SIG_DFL)
		return true;
	return handler == SIG_IGN || (handler == SIG_DFL && ignored_by_default(signo));
}

bool signal_unwanted(int signo)
{
	return (current->sig_blocked & SIG_BIT(signo)) || signal_ignored(current, signo);
}

uint64_t signal_deliverable(const struct task *task)
{
	return task->sig_pending & (~task->sig_blocked | SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
}

/* What stop and continue do to each other happens at once, also when blocked or ignored. */
static void stop_and_continue(struct task *task, int signo)
{
	if (SIG_BIT(signo) & STOP_SIGNALS)
		task->sig_pending &= ~SIG_BIT(SIGCONT);
	if (signo != SIGCONT && signo != SIGKILL)
		return;
	if (signo == SIGCONT)
		task->sig_pending &= ~STOP_SIGNALS;
	if (task->state != TASK_STOPPED)
		return;
	task->stop_signal = 0;
	if (signo == SIGCONT) {
		task->continued = true;
		if (task->parent) {
			struct sighand *sighand = task->parent->sighand;

			if (sighand && !(sighand->action[SIGCHLD - 1].flags & SA_NOCLDSTOP))
				signal_task(task->parent, SIGCHLD);
			wake_up(&task->parent->child_exit);
		}
	}
	task_wake(task);
}

void signal_task(struct task *task, int signo)
{
	if (task->state == TASK_FREE || task->state == TASK_ZOMBIE || signo < 1 || signo > NSIG)
		return;
	stop_and_continue(task, signo);
	if (signal_ignored(task, signo) && !(task->sig_blocked & SIG_BIT(signo)))
		return;
	task->sig_pending |= SIG_BIT(signo);
	if (task->state == TASK_SLEEPING && (signal_deliverable(task) & SIG_BIT(signo)))
		task_wake(task);
}

int signal_group(int pgid, int signo)
{
	int err = -ESRCH;
	unsigned i;

	for (i = 1; i < TASKS_MAX; i++) {
		struct task *task = &tasks[i];

		if (task->state == TASK_FREE || task->pgid != pgid)
			continue;
		err = 0;
		if (signo)
			signal_task(task, signo);
	}
	return err;
}

void signal_self(int signo)
{
	signal_task(current, signo);
}

/* A program did this to itself: neither blocking nor ignoring helps, not even as PID 1. */
void force_signal(int signo, int code, uintptr_t address)
{
	struct sigaction_k *action = &current->sighand->action[signo - 1];

	if (action->handler == SIG_IGN || (current->sig_blocked & SIG_BIT(signo)))
		action->handler = SIG_DFL;
	current->sig_blocked &= ~SIG_BIT(signo);
	current->fault.code = code;
	current->fault.address = address;
	if (action->handler == SIG_DFL)
		task_exit(signo);
	current->sig_pending |= SIG_BIT(signo);
}
