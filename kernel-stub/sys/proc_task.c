/* SPDX-License-Identifier: MIT */
/* The files of a task's directory. */
#include "mm.h"
#include "proc.h"

#define NS_PER_TICK	UINT64_C(10000000)	/* USER_HZ is 100 */
#define CMDLINE_MAX	4096u

static char state_of(const struct task *task)
{
	switch (task->state) {
	case TASK_RUNNABLE:
		return 'R';
	case TASK_SLEEPING:
		return 'S';
	case TASK_STOPPED:
		return 'T';
	case TASK_ZOMBIE:
		return 'Z';
	case TASK_FREE:
		break;
	}
	return 'X';
}

static int parent_of(const struct task *task)
{
	return task->parent ? task->parent->pid : 0;
}

static int show_cmdline(struct text *text, struct task *task)
{
	char *buf;
	long len;

	if (!task->mm && task != current)
		return 0;
	buf = kmalloc(CMDLINE_MAX);
	if (!buf)
		return -ENOMEM;
	len = task_cmdline(task, buf, CMDLINE_MAX);
	if (len > 0)
		text_bytes(text, buf, (size_t)len);
	kfree(buf);
	return len < 0 ? (int)len : 0;
}

static int show_comm(struct text *text, struct task *task)
{
	text_add(text, "%.16s\n", task->comm);
	return 0;
}

static int show_stat(struct text *text, struct task *task)
{
	unsigned long ticks = (unsigned long)(task->cpu_ns / NS_PER_TICK);
	unsigned long start = (unsigned long)(task->start_ns / NS_PER_TICK);
	unsigned long pages = (unsigned long)task_memory_pages(task);

	text_add(text, "%d (%.16s) %c %d %d %d %d %d 0 0 0 0 0 %lu 0 0 0 20 0 1 0 %lu %lu %lu", task->pid,
		 task->comm, state_of(task), parent_of(task), task->pgid, task->sid,
		 task->tty ? 0x501 : 0, -1, ticks, start, pages * PAGE_SIZE, pages);
	text_add(text, " 18446744073709551615 0 0 0 0 0 %lu %lu 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 %d\n",
		 (unsigned long)task->sig_pending, (unsigned long)task->sig_blocked,
		 task->exit_code);
	return 0;
}

static const char *state_text(const struct task *task)
{
	switch (state_of(task)) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'T':
		return "T (stopped)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "X (dead)";
	}
}

static int show_status(struct text *text, struct task *task)
{
	unsigned long kib = (unsigned long)task_memory_pages(task) * (PAGE_SIZE / 1024);
	uint64_t ignored = 0, caught = 0;

	text_add(text, "Name:\t%.16s\nState:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		 task->comm, state_text(task), task->tgid, task->pid, parent_of(task));
	text_add(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t",
		 task->uid, task->euid, task->suid, task->euid, task->gid, task->egid, task->sgid,
		 task->egid, FILES_MAX);
	for (unsigned i = 0; i < task->group_count; i++)
		text_add(text, "%u ", task->groups[i]);
	text_add(text, "\nVmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nThreads:\t1\n", kib, kib);
	text_add(text, "SigPnd:\t%016lx\nSigBlk:\t%016lx\n", (unsigned long)task->sig_pending,
		 (unsigned long)task->sig_blocked);
	for (int signo = 1; task->sighand && signo <= NSIG; signo++) {
		uintptr_t handler = task->sighand->action[signo - 1].handler;

		ignored |= handler == SIG_IGN ? SIG_BIT(signo) : 0;
		caught |= handler != SIG_IGN && handler != SIG_DFL ? SIG_BIT(signo) : 0;
	}
	text_add(text, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", (unsigned long)ignored,
		 (unsigned long)caught);
	return 0;
}

static int show_statm(struct text *text, struct task *task)
{
	unsigned long pages = (unsigned long)task_memory_pages(task);

	text_add(text, "%lu %lu 0 0 0 %lu 0\n", pages, pages, pages);
	return 0;
}

static int show_maps(struct text *text, struct task *task)
{
	char *buf;

	if (!task->mm)
		return 0;
	if (current->euid != 0 && current->euid != task->euid)
		return -EACCES;
	buf = kmalloc(PATH_MAX);
	if (!buf)
		return -ENOMEM;
	for (const struct vma *vma = task->mm->vmas; vma; vma = vma->next) {
		const struct inode *inode = vma->file ? vma->file->inode : NULL;
		uint32_t dev = inode ? inode->sb->dev : 0;
		const char *name = vma->flags & VMA_STACK ? "[stack]" : "";

		if (vma->file)
			name = path_text(&vma->file->path, &current->fs->root, buf, PATH_MAX);
		text_add(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", (unsigned long)vma->start,
			 (unsigned long)vma->end, vma->prot & PROT_READ ? 'r' : '-',
			 vma->prot & PROT_WRITE ? 'w' : '-', vma->prot & PROT_EXEC ? 'x' : '-',
			 vma->flags & VMA_SHARED ? 's' : 'p',
			 (unsigned long)(vma->index * PAGE_SIZE), MAJOR(dev), MINOR(dev),
			 inode ? (unsigned long)inode->ino : 0ul);
		text_add(text, "%s", name && *name ? "\t" : "");
		text_bytes(text, name ? name : "", name ? strlen(name) : 0);
		text_add(text, "\n");
	}
	kfree(buf);
	return 0;
}

static int follow_place(const struct path *place, struct path *ret_path)
{
	*ret_path = *place;
	path_get(ret_path);
	return 0;
}

static int follow_cwd(struct task *task, struct path *ret_path)
{
	return task->fs ? follow_place(&task->fs->cwd, ret_path) : -ENOENT;
}

static int follow_root(struct task *task, struct path *ret_path)
{
	return task->fs ? follow_place(&task->fs->root, ret_path) : -ENOENT;
}

static int follow_exe(struct task *task, struct path *ret_path)
{
	return task->exe ? follow_place(&task->exe->path, ret_path) : -ENOENT;
}

#define FILE_MODE	(S_IFREG | 0444)
#define LINK_MODE	(S_IFLNK | 0777)

const struct proc_file proc_task_files[] = {
	{ "cmdline", FILE_MODE, show_cmdline, NULL, NULL, NULL, NULL },
	{ "comm", FILE_MODE, show_comm, NULL, NULL, NULL, NULL },
	{ "stat", FILE_MODE, show_stat, NULL, NULL, NULL, NULL },
	{ "statm", FILE_MODE, show_statm, NULL, NULL, NULL, NULL },
	{ "status", FILE_MODE, show_status, NULL, NULL, NULL, NULL },
	{ "maps", FILE_MODE, show_maps, NULL, NULL, NULL, NULL },
	{ "mounts", FILE_MODE, proc_show_mounts, NULL, NULL, NULL, NULL },
	{ "mountinfo", FILE_MODE, proc_show_mountinfo, NULL, NULL, NULL, NULL },
	{ "cwd", LINK_MODE, NULL, follow_cwd, NULL, NULL, NULL },
	{ "root", LINK_MODE, NULL, follow_root, NULL, NULL, NULL },
	{ "exe", LINK_MODE, NULL, follow_exe, NULL, NULL, NULL },
};
const unsigned proc_task_count = sizeof(proc_task_files) / sizeof(proc_task_files[0]);
