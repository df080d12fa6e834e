/* SPDX-License-Identifier: MIT */
/* Processes: birth, another program, the end, and who belongs to whom. */
#include "arch.h"
#include "syscall.h"

#define AT_FDCWD	(-100)
#define P_ALL		0
#define P_PID		1
#define P_PGID		2

DEFINE_SYSCALL(clone)
{
	struct clone_args clone = { args->a[0] & ~UINT64_C(0xff), args->a[1], args->a[2],
				    args->a[3], args->a[4] };

	return task_clone(&clone);
}

DEFINE_SYSCALL(fork)
{
	struct clone_args clone = { 0 };

	(void)args;
	return task_clone(&clone);
}

DEFINE_SYSCALL(vfork)
{
	struct clone_args clone = { .flags = CLONE_VM | CLONE_VFORK };

	(void)args;
	return task_clone(&clone);
}

static long exec_user(uintptr_t path, uintptr_t argv, uintptr_t envp)
{
	struct exec_args *words = exec_args_new();
	char *name = kmalloc(PATH_MAX);
	long err = -ENOMEM;

	if (!words || !name)
		goto out;
	err = strncpy_from_user(name, path, PATH_MAX);
	if (err >= 0)
		err = *name ? 0 : -ENOENT;
	if (!err)
		err = exec_args_user(words, argv, envp);
	if (!err)
		err = task_exec(name, words, current->frame);
out:
	kfree(name);
	exec_args_free(words);
	return err;
}

DEFINE_SYSCALL(execve)
{
	return exec_user(args->a[0], args->a[1], args->a[2]);
}

DEFINE_SYSCALL(execveat)
{
	char first[2];

	if (copy_from_user(first, args->a[1], 1) < 0)
		return -EFAULT;
	if ((int)args->a[0] != AT_FDCWD && first[0] != '/')
		return -ENOSYS;
	return exec_user(args->a[1], args->a[2], args->a[3]);
}

DEFINE_SYSCALL(exit)
{
	task_exit((int)(args->a[0] & 0xff) << 8);
}

DEFINE_SYSCALL(exit_group)
{
	task_exit((int)(args->a[0] & 0xff) << 8);
}

DEFINE_SYSCALL(wait4)
{
	int status = 0;
	long pid;

	if (args->a[2] & ~(uint64_t)(WNOHANG | WUNTRACED | WCONTINUED | 0x60000000u))
		return -EINVAL;
	pid = task_wait((int)args->a[0], (int)args->a[2] | WEXITED, &status);
	if (pid > 0 && args->a[1] && copy_to_user(args->a[1], &status, sizeof(status)) < 0)
		return -EFAULT;
	if (pid > 0 && args->a[3] && clear_user(args->a[3], 144) < 0)	/* struct rusage */
		return -EFAULT;
	return pid;
}

DEFINE_SYSCALL(waitid)
{
	int status = 0, which = (int)args->a[1], options = (int)args->a[3];
	int32_t info[32] = { 0 };
	long pid;

	if ((options & ~(WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT)) ||
	    !(options & (WUNTRACED | WEXITED | WCONTINUED)))
		return -EINVAL;
	if (args->a[0] == P_ALL)
		which = -1;
	else if (args->a[0] == P_PGID)
		which = which ? -which : 0;
	else if (args->a[0] != P_PID)
		return -EINVAL;
	pid = task_wait(which, options, &status);
	if (pid < 0)
		return pid;
	if (pid > 0) {
		info[0] = SIGCHLD;
		/* CLD_EXITED, CLD_KILLED, CLD_STOPPED, CLD_CONTINUED */
		info[2] = status == 0xffff ? 6 : (status & 0xff) == 0x7f ? 5 :
			  status & 0x7f ? 2 : 1;
		info[4] = (int32_t)pid;
		info[6] = status == 0xffff ? SIGCONT : status & 0x7f ? status & 0x7f : status >> 8;
		if ((status & 0xff) == 0x7f)
			info[6] = status >> 8;
	}
	return args->a[2] ? copy_to_user(args->a[2], info, sizeof(info)) : 0;
}

DEFINE_SYSCALL(unshare)
{
	uint64_t flags = args->a[0];
	struct mnt_namespace *ns;
	struct fs_struct *fs;
	struct files_struct *files;
	int err;

	if (flags & ~(uint64_t)(CLONE_NEWNS | CLONE_FS | CLONE_FILES))
		return -EINVAL;
	if ((flags & CLONE_NEWNS) && current->euid != 0)
		return -EPERM;
	if (flags & CLONE_FILES) {
		files = files_copy(current->files);
		if (!files)
			return -ENOMEM;
		files_put(current->files);
		current->files = files;
	}
	/* A namespace of its own needs places of its own. */
	if ((flags & (CLONE_FS | CLONE_NEWNS)) && current->fs->count > 1) {
		fs = fs_copy(current->fs);
		if (!fs)
			return -ENOMEM;
		fs_put(current->fs);
		current->fs = fs;
	}
	if (!(flags & CLONE_NEWNS))
		return 0;
	err = mnt_ns_copy(current->ns, current->fs, &ns);
	if (err)
		return err;
	mnt_ns_put(current->ns);
	current->ns = ns;
	return 0;
}

DEFINE_SYSCALL(sched_yield)
{
	(void)args;
	task_yield();
	return 0;
}

/* ------------------------------------------------------------------ numbers */

DEFINE_SYSCALL(getpid) { (void)args; return current->tgid; }
DEFINE_SYSCALL(gettid) { (void)args; return current->pid; }
DEFINE_SYSCALL(getpgrp) { (void)args; return current->pgid; }

DEFINE_SYSCALL(getppid)
{
	(void)args;
	return current->parent ? current->parent->pid : 0;
}

static struct task *task_or_self(uint64_t pid)
{
	return pid == 0 ? current : task_find((int)pid);
}

DEFINE_SYSCALL(getpgid)
{
	struct task *task = task_or_self(args->a[0]);

	return task ? task->pgid : -ESRCH;
}

DEFINE_SYSCALL(getsid)
{
	struct task *task = task_or_self(args->a[0]);

	return task ? task->sid : -ESRCH;
}

static bool group_in_session(int pgid, int sid)
{
	for (unsigned i = 1; i < TASKS_MAX; i++)
		if (tasks[i].state != TASK_FREE && tasks[i].pgid == pgid && tasks[i].sid == sid)
			return true;
	return false;
}

DEFINE_SYSCALL(setpgid)
{
	struct task *task = task_or_self(args->a[0]);
	int pgid = (int)args->a[1];

	if (pgid < 0)
		return -EINVAL;
	if (!task || (task != current && task->parent != current))
		return -ESRCH;
	if (pgid == 0)
		pgid = task->pid;
	if (task->sid == task->pid || task->sid != current->sid)
		return -EPERM;
	if (pgid != task->pid && !group_in_session(pgid, task->sid))
		return -EPERM;
	task->pgid = pgid;
	return 0;
}

DEFINE_SYSCALL(setsid)
{
	(void)args;
	/* PID 1 leads session 1 already and may say so again, as under Linux. */
	if (current->pgid == current->pid && !(current->pid == 1 && current->sid == 1 &&
					       !current->tty))
		return -EPERM;
	current->sid = current->pgid = current->pid;
	current->tty = NULL;
	return current->sid;
}

DEFINE_SYSCALL(set_tid_address)
{
	current->clear_child_tid = args->a[0];
	return current->pid;
}

#define ARCH_SET_GS	0x1001
#define ARCH_SET_FS	0x1002
#define ARCH_GET_FS	0x1003
#define ARCH_GET_GS	0x1004
#define CANONICAL_TOP	UINT64_C(0x0000800000000000)

DEFINE_SYSCALL(arch_prctl)
{
	uint64_t value = args->a[1];

	switch (args->a[0]) {
	case ARCH_SET_FS:
		if (value >= CANONICAL_TOP)
			return -EPERM;
		current->fs_base = value;
		wrmsr(MSR_FS_BASE, value);
		return 0;
	case ARCH_SET_GS:
		if (value >= CANONICAL_TOP)
			return -EPERM;
		current->gs_base = value;
		wrmsr(MSR_GS_BASE, value);
		return 0;
	case ARCH_GET_FS:
		return copy_to_user(value, &current->fs_base, sizeof(current->fs_base));
	case ARCH_GET_GS:
		return copy_to_user(value, &current->gs_base, sizeof(current->gs_base));
	}
	return -EINVAL;
}
