/* SPDX-License-Identifier: MIT */
#ifndef STUB_TASK_H
#define STUB_TASK_H
/* Tasks, as the rest of the kernel sees them. */
#include "vfs.h"

#define TASKS_MAX	256
#define NSIG		64

struct mm;
struct trap_frame;

enum task_state { TASK_FREE = 0, TASK_RUNNABLE, TASK_SLEEPING, TASK_STOPPED, TASK_ZOMBIE };

struct sigaction_k {			/* the kernel's layout of rt_sigaction */
	uintptr_t handler;
	uint64_t flags;
	uintptr_t restorer;
	uint64_t mask;
};

struct sighand {
	unsigned count;
	struct sigaction_k action[NSIG];
};

struct task {
	int pid, tgid;
	int ppid_at_exit;
	int pgid, sid;
	enum task_state state;
	struct task *parent;
	struct task *run_next;		/* scheduler */
	struct task *wait_next;		/* waitq */
	struct waitq *waiting_on;
	uint64_t wake_at;		/* clock_ns(), 0 = no timeout */
	struct waitq child_exit;
	int exit_code;			/* as wait4 reports */

	struct mm *mm;			/* NULL for kernel threads */
	struct fs_struct *fs;
	struct files_struct *files;
	struct mnt_namespace *ns;
	struct sighand *sighand;
	uint64_t sig_pending, sig_blocked, sig_saved;
	bool sig_restore;
	struct tty *tty;		/* controlling */

	uint32_t uid, euid, suid, gid, egid, sgid;
	uint32_t groups[32];
	unsigned group_count;
	char comm[16];
	struct file *exe;		/* /proc/PID/exe */
	uint64_t start_ns, cpu_ns;

	uint8_t *kstack;		/* lowest address */
	uint64_t ksp;			/* saved when not running */
	struct trap_frame *frame;	/* user registers of the running system call */
	uint64_t fs_base, gs_base;
	uint64_t alarm_at, alarm_every;	/* ITIMER_REAL in clock_ns(); 0 = off */
	uintptr_t clear_child_tid;
	void *fpu;			/* 512 bytes, 16-aligned (fxsave) */
	bool vfork_wait;
};

extern struct task *current;
extern struct task tasks[TASKS_MAX];

struct task *task_find(int pid);
/* SIGNO to one task, or to all of a process group (-ESRCH when it is empty); wakes sleepers. */
void signal_task(struct task *task, int signo);
int signal_group(int pgid, int signo);
/* Is the running task in a process group without a parent in the session that could continue it? */
bool group_is_orphaned(int pgid);
/* Is SIGNO blocked or ignored by the running task? (a tty decides between SIGTTIN and -EIO) */
bool signal_unwanted(int signo);

/* -- user memory: 0 or -EFAULT; lengths are bytes --------------------------------------------- */
int copy_from_user(void *dst, uintptr_t src, size_t n);
int copy_to_user(uintptr_t dst, const void *src, size_t n);
int clear_user(uintptr_t dst, size_t n);
/* Copies a NUL-terminated string: its length, -EFAULT or -ENAMETOOLONG. */
long strncpy_from_user(char *dst, uintptr_t src, size_t size);

/* -- what /proc shows of a task ----------------------------------------------------------------- */
/* Arguments as in /proc/PID/cmdline: bytes or -errno. */
long task_cmdline(struct task *task, char *buf, size_t size);
uint64_t task_memory_pages(struct task *task);
/* Start a program from kernel context as this task (late boot: PID 1); returns only on failure. */
int kernel_execve(const char *path, const char *const *argv, const char *const *envp);
/* Free and total pages of the machine. */
void memory_counts(uint64_t *ret_total, uint64_t *ret_free);

#endif
