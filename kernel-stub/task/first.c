/* SPDX-License-Identifier: MIT */
/*
 * /linuxrc is PID 1.  While it runs, late boot steps aside: a task of its own has the number and
 * places of its own, late boot waits without one.  When that task ends, late boot is PID 1 again
 * and inherits what it left running; when it becomes the system's init, late boot waits for ever.
 */
#include "boot.h"
#include "task.h"

int first_run(void (*start)(void), int *ret_status)
{
	struct task *boot = current, *first;
	int err = kernel_thread(start, &first), code;

	if (err)
		return err;
	first->fs = fs_copy(boot->fs);
	first->files = files_new();
	if (!first->fs || !first->files) {
		task_release(first);
		task_free(first);
		return -ENOMEM;
	}
	first->ns = mnt_ns_get(boot->ns);
	first->parent = boot;
	memcpy(first->comm, "linuxrc", sizeof("linuxrc"));
	boot->pid = boot->tgid = boot->pgid = boot->sid = 0;
	first->pid = first->tgid = first->pgid = first->sid = 1;
	first->may_end = first->mortal = true;
	task_wake(first);
	while (first->state != TASK_ZOMBIE)
		(void)sleep_on(&boot->child_exit);
	code = first->exit_code;
	task_free(first);
	boot->pid = boot->tgid = boot->pgid = boot->sid = 1;
	*ret_status = code;
	return 0;
}

/* Another program in PID 1: no signal ends it from here on, and elsewhere than on the initrd it is init. */
void first_execs(void)
{
	current->mortal = false;
	if (current->fs->root.mnt->sb != current->initrd)
		current->may_end = false;
}
