/* SPDX-License-Identifier: MIT */
/* Tasks end, and parents are told. */
#include "arch.h"
#include "boot.h"
#include "device.h"
#include "mm.h"
#include "task.h"

/* Who gets the children of a task that ends; those of /linuxrc go to late boot. */
static struct task *init_task(void)
{
	return current->may_end ? current->parent : task_find(1);
}

void vfork_finish(struct task *task)
{
	struct task *parent = task->vfork_parent;

	task->vfork_parent = NULL;
	if (parent)
		wake_up(&parent->vfork_done);
}

void task_release(struct task *task)
{
	if (task->exe)
		file_put(task->exe);
	task->exe = NULL;
	if (task->files)
		files_put(task->files);
	task->files = NULL;
	if (task->fs)
		fs_put(task->fs);
	task->fs = NULL;
	if (task->ns)
		mnt_ns_put(task->ns);
	task->ns = NULL;
	if (task == current)
		mm_switch(NULL);
	mm_put(task->mm);
	task->mm = NULL;
	if (task->sighand && --task->sighand->count == 0)
		kfree(task->sighand);
	task->sighand = NULL;
	vfork_finish(task);
}

/* ------------------------------------------------------------------ process groups */

static bool alive(const struct task *task)
{
	return task->state != TASK_FREE && task->state != TASK_ZOMBIE;
}

/*
 * A group whose members have no parent outside it in their session: nobody could continue it.
 * Linux never counts PID 1 as such a parent; here it counts like any other, so that a shell
 * as PID 1 has job control.
 */
bool group_is_orphaned(int pgid)
{
	unsigned i;

	for (i = 1; i < TASKS_MAX; i++) {
		const struct task *task = &tasks[i], *parent = task->parent;

		if (alive(task) && task->pgid == pgid && parent &&
		    parent->pgid != pgid && parent->sid == task->sid)
			return false;
	}
	return true;
}

static bool group_has_stopped(int pgid)
{
	unsigned i;

	for (i = 1; i < TASKS_MAX; i++)
		if (tasks[i].state == TASK_STOPPED && tasks[i].pgid == pgid)
			return true;
	return false;
}

static void orphan_check(int pgid)
{
	if (!group_has_stopped(pgid) || !group_is_orphaned(pgid))
		return;
	signal_group(pgid, SIGHUP);
	signal_group(pgid, SIGCONT);
}

/* ------------------------------------------------------------------ exit */

static bool parent_ignores(const struct task *parent)
{
	return parent->sighand && (parent->sighand->action[SIGCHLD - 1].handler == SIG_IGN ||
				   (parent->sighand->action[SIGCHLD - 1].flags & SA_NOCLDWAIT));
}

static void give_children_away(void)
{
	struct task *init = init_task();
	unsigned i;

	for (i = 1; i < TASKS_MAX; i++) {
		struct task *child = &tasks[i];

		if (child->state == TASK_FREE || child->parent != current)
			continue;
		child->parent = init;
		if (child->state == TASK_ZOMBIE && init && parent_ignores(init))
			task_free(child);
		else if (child->state == TASK_ZOMBIE && init)
			signal_task(init, SIGCHLD);
		if (child->pgid != current->pgid)
			orphan_check(child->pgid);
	}
	if (init)
		wake_up(&init->child_exit);
}

static void pid1_died(int code)
{
	if (code & 0x7f)
		klog("PID 1 died: signal %d", code & 0x7f);
	else
		klog("PID 1 died: exit status %d", code >> 8 & 0xff);
	klog("nothing is left to run; the machine stops");
	machine_stop(VERDICT_STOPPED);
}

void task_exit(int code)
{
	struct task *task = current, *parent = task->parent;
	uint32_t zero = 0;

	if (task->pid == 1 && !task->may_end)
		pid1_died(code);
	if (task->clear_child_tid && task->mm)
		(void)copy_to_user(task->clear_child_tid, &zero, sizeof(zero));
	if (task->sid == task->pid)
		tty_hangup_session(task);
	task->alarm_at = 0;
	task_release(task);
	task->exit_code = code;
	task->ppid_at_exit = parent ? parent->pid : 0;
	task->state = TASK_ZOMBIE;
	give_children_away();
	orphan_check(task->pgid);
	if (!parent || parent_ignores(parent)) {
		task->dead = true;
		task->parent = NULL;
	}
	if (parent) {
		signal_task(parent, SIGCHLD);
		wake_up(&parent->child_exit);
	}
	schedule();
	panic("task %d ran after its end", task->pid);
}

/* ------------------------------------------------------------------ wait */

static bool wanted(const struct task *child, int pid)
{
	if (child->state == TASK_FREE || child->parent != current || child->dead)
		return false;
	if (pid > 0)
		return child->pid == pid;
	if (pid == 0)
		return child->pgid == current->pgid;
	return pid == -1 || child->pgid == -pid;
}

/* Something to tell about CHILD: its PID, or 0. */
static int report(struct task *child, int options, int *ret_status)
{
	bool keep = options & WNOWAIT;
	int pid = child->pid;

	if (child->state == TASK_ZOMBIE && (options & WEXITED)) {
		*ret_status = child->exit_code;
		if (keep)
			return pid;
		current->cpu_ns += child->cpu_ns;
		task_free(child);
		return pid;
	}
	if (child->state == TASK_STOPPED && child->stop_signal && (options & WUNTRACED)) {
		*ret_status = child->stop_signal << 8 | 0x7f;
		child->stop_signal = keep ? child->stop_signal : 0;
		return pid;
	}
	if (child->continued && (options & WCONTINUED)) {
		*ret_status = 0xffff;
		child->continued = keep;
		return pid;
	}
	return 0;
}

long task_wait(int pid, int options, int *ret_status)
{
	bool interrupted = false;

	for (;;) {
		bool any = false;
		unsigned i;
		int found;

		for (i = 1; i < TASKS_MAX; i++) {
			if (!wanted(&tasks[i], pid))
				continue;
			any = true;
			found = report(&tasks[i], options, ret_status);
			if (found)
				return found;
		}
		if (!any)
			return -ECHILD;
		if (options & WNOHANG)
			return 0;
		/* A child that has gone meanwhile counts before the signal that told of it. */
		if (interrupted)
			return -EINTR;
		interrupted = sleep_on(&current->child_exit) < 0;
	}
}
