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
	struct task *vfork_parent;	/* sleeps until this one has its own memory, or ends */
	struct waitq vfork_done;
	uint64_t syscall;		/* number of the running system call; SYSCALL_NONE */
	uintptr_t altstack;
	uint64_t altstack_size;
	int stop_signal;		/* 0, or what stopped it and was not yet waited for */
	bool continued;			/* and not yet waited for */
	bool dead;			/* nobody waits: freed by whoever runs next */
	/* Of /linuxrc as PID 1 (first.c): */
	bool may_end;			/* late boot goes on when it does; false: it has become init */
	bool mortal;			/* signals end it like any other program */
	const struct super_block *initrd;	/* what it started on */
	struct {
		int code;
		uintptr_t address;
	} fault;			/* siginfo of the last synchronous signal */
};

#define SYSCALL_NONE UINT64_MAX

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
/* -- task/ among itself and with sys/ ------------------------------------------------------------- */
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGSEGV 11
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGWINCH 28
#define SIG_BIT(signo)	(UINT64_C(1) << ((signo) - 1))
#define SIG_DFL 0u
#define SIG_IGN 1u
#define SA_NOCLDSTOP	1u
#define SA_NOCLDWAIT	2u
#define SA_ONSTACK	0x08000000u
#define SA_RESTART	0x10000000u
#define SA_NODEFER	0x40000000u
#define SA_RESETHAND	0x80000000u

#define CLONE_VM	0x100u
#define CLONE_FS	0x200u
#define CLONE_FILES	0x400u
#define CLONE_SIGHAND	0x800u
#define CLONE_VFORK	0x4000u
#define CLONE_PARENT	0x8000u
#define CLONE_THREAD	0x10000u
#define CLONE_NEWNS	0x20000u
#define CLONE_SETTLS	0x80000u
#define CLONE_PARENT_SETTID 0x100000u
#define CLONE_CHILD_CLEARTID 0x200000u
#define CLONE_CHILD_SETTID 0x1000000u

/* sched.c */
void task_init(void);			/* the boot context becomes task 0, which only idles */
void schedule(void);
void task_yield(void);
void task_wake(struct task *task);	/* runnable, whatever it waited for */
struct trap_frame *task_frame(struct task *task);	/* where its user registers are kept */
/* task.c */
struct task *task_alloc(void);		/* with stack, FPU state and PID; NULL = none left */
void task_free(struct task *task);
int kernel_thread(void (*function)(void), struct task **ret_task);
struct clone_args {
	uint64_t flags;
	uintptr_t stack, parent_tid, child_tid, tls;
};
long task_clone(const struct clone_args *args);
void fpu_reset(struct task *task);
/* first.c */
/* Run START as PID 1 in a task of its own; 0 and how it ended, or why it could not be made. */
int first_run(void (*start)(void), int *ret_status);
void first_execs(void);
/* exit.c */
void task_exit(int code) __attribute__((noreturn));	/* CODE as wait4() reports */
void task_release(struct task *task);	/* memory, files, places: all but the task itself */
void vfork_finish(struct task *task);
#define WNOHANG 1
#define WUNTRACED 2
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x01000000
/* PID and OPTIONS as for waitid(): its number, 0 with WNOHANG, or -errno. */
long task_wait(int pid, int options, int *ret_status);
/* signal.c */
bool signal_ignored(const struct task *task, int signo);
uint64_t signal_deliverable(const struct task *task);
void force_signal(int signo, int code, uintptr_t address);
/* deliver.c: act on pending signals; may change FRAME, stop or end the task. */
void signals_deliver(struct trap_frame *frame);
long signal_return(struct trap_frame *frame);
/* exec.c */
struct exec_args;
struct exec_args *exec_args_new(void);
void exec_args_free(struct exec_args *args);
int exec_args_user(struct exec_args *args, uintptr_t argv, uintptr_t envp);
int exec_args_kernel(struct exec_args *args, const char *const *argv, const char *const *envp);
int task_exec(const char *path, struct exec_args *args, struct trap_frame *frame);

/* Start a program from kernel context as this task (late boot: PID 1); returns only on failure. */
int kernel_execve(const char *path, const char *const *argv, const char *const *envp);
/* sys/misc.c */
#define OS_RELEASE "6.1.0-overmount"
const char *host_name_text(void);

/* Free and total pages of the machine. */
void memory_counts(uint64_t *ret_total, uint64_t *ret_free);

#endif
