/* SPDX-License-Identifier: MIT */
/* Tasks come into being: alone for the kernel, or as the copy of another. */
#include "arch.h"
#include "mm.h"
#include "task.h"

#define PID_MAX 32768
#define FPU_SIZE 512

static int last_pid;

static uint8_t *slot_stack(const struct task *task)
{
	return (uint8_t *)(STACK_BASE + (uintptr_t)(task - tasks + 1) * STACK_SLOT - STACK_SIZE);
}

/* Pages of the slot; what lies below stays unmapped, so that an overflow is seen at once. */
static bool stack_map(struct task *task)
{
	uint8_t *stack = slot_stack(task);
	size_t at;
	void *page;

	for (at = 0; at < STACK_SIZE; at += PAGE_SIZE) {
		page = page_alloc();
		if (!page || !kernel_map((uintptr_t)stack + at, page_phys(page), PTE_W | PTE_NX)) {
			if (page)
				page_put(page);
			while (at > 0) {
				at -= PAGE_SIZE;
				page_put(kernel_unmap((uintptr_t)stack + at));
			}
			return false;
		}
	}
	task->kstack = stack;
	return true;
}

static void stack_unmap(struct task *task)
{
	size_t at;

	for (at = 0; at < STACK_SIZE; at += PAGE_SIZE)
		page_put(kernel_unmap((uintptr_t)task->kstack + at));
}

struct task *task_find(int pid)
{
	unsigned i;

	for (i = 1; i < TASKS_MAX; i++)
		if (tasks[i].state != TASK_FREE && tasks[i].pid == pid)
			return &tasks[i];
	return NULL;
}

static bool pid_in_use(int pid)
{
	unsigned i;

	for (i = 1; i < TASKS_MAX; i++)
		if (tasks[i].state != TASK_FREE &&
		    (tasks[i].pid == pid || tasks[i].pgid == pid || tasks[i].sid == pid))
			return true;
	return false;
}

void fpu_reset(struct task *task)
{
	uint32_t mxcsr = 0x1f80;
	uint16_t control = 0x37f;

	memset(task->fpu, 0, FPU_SIZE);
	memcpy((uint8_t *)task->fpu, &control, sizeof(control));
	memcpy((uint8_t *)task->fpu + 24, &mxcsr, sizeof(mxcsr));
	if (task == current)
		__asm__ volatile("fxrstor64 (%0)" : : "r"(task->fpu) : "memory");
}

struct task *task_alloc(void)
{
	struct task *task = NULL;
	unsigned i;

	for (i = 1; i < TASKS_MAX && !task; i++)
		if (tasks[i].state == TASK_FREE)
			task = &tasks[i];
	if (!task)
		return NULL;
	*task = (struct task){ .state = TASK_FREE, .syscall = SYSCALL_NONE };
	task->fpu = kmalloc(FPU_SIZE);
	if (!task->fpu)
		return NULL;
	if (!stack_map(task)) {
		kfree(task->fpu);
		return NULL;
	}
	fpu_reset(task);
	do {
		last_pid = last_pid < PID_MAX - 1 ? last_pid + 1 : 2;
	} while (pid_in_use(last_pid));
	task->pid = task->tgid = last_pid;
	task->start_ns = clock_ns();
	return task;
}

void task_free(struct task *task)
{
	stack_unmap(task);
	kfree(task->fpu);
	task->fpu = NULL;
	task->state = TASK_FREE;
}

/* The stack as context_switch() expects it: six registers and where to go on. */
static void stack_prepare(struct task *task, uintptr_t sp, void (*start)(void))
{
	uint64_t *stack = (uint64_t *)sp;

	*--stack = (uint64_t)(uintptr_t)start;
	memset(stack - 6, 0, 6 * sizeof(*stack));
	task->ksp = (uint64_t)(uintptr_t)(stack - 6);
}

int kernel_thread(void (*function)(void), struct task **ret_task)
{
	struct task *task = task_alloc();

	if (!task)
		return -ENOMEM;
	task->sighand = kzalloc(sizeof(*task->sighand));
	if (!task->sighand) {
		task_free(task);
		return -ENOMEM;
	}
	task->sighand->count = 1;
	/* As after a call: FUNCTION never returns. */
	stack_prepare(task, (uintptr_t)task_frame(task) - 8, function);
	task->state = TASK_SLEEPING;
	*ret_task = task;
	return 0;
}

/* ------------------------------------------------------------------ clone */

static int copy_memory(struct task *task, uint64_t flags)
{
	task->mm = flags & CLONE_VM ? mm_get(current->mm) : mm_fork(current->mm);
	return task->mm ? 0 : -ENOMEM;
}

static int copy_places(struct task *task, uint64_t flags)
{
	if (flags & CLONE_FS) {
		current->fs->count++;
		task->fs = current->fs;
	} else {
		task->fs = fs_copy(current->fs);
		if (!task->fs)
			return -ENOMEM;
	}
	if (flags & CLONE_NEWNS)
		return mnt_ns_copy(current->ns, task->fs, &task->ns);
	task->ns = mnt_ns_get(current->ns);
	return 0;
}

static int copy_files(struct task *task, uint64_t flags)
{
	if (flags & CLONE_FILES) {
		current->files->count++;
		task->files = current->files;
	} else {
		task->files = files_copy(current->files);
	}
	return task->files ? 0 : -ENOMEM;
}

static int copy_sighand(struct task *task, uint64_t flags)
{
	if (flags & CLONE_SIGHAND) {
		current->sighand->count++;
		task->sighand = current->sighand;
		return 0;
	}
	task->sighand = kmalloc(sizeof(*task->sighand));
	if (!task->sighand)
		return -ENOMEM;
	*task->sighand = *current->sighand;
	task->sighand->count = 1;
	return 0;
}

static void copy_identity(struct task *task)
{
	task->parent = current;
	task->pgid = current->pgid;
	task->sid = current->sid;
	task->tty = current->tty;
	task->sig_blocked = current->sig_blocked;
	task->altstack = current->altstack;
	task->altstack_size = current->altstack_size;
	task->uid = current->uid;
	task->euid = current->euid;
	task->suid = current->suid;
	task->gid = current->gid;
	task->egid = current->egid;
	task->sgid = current->sgid;
	task->group_count = current->group_count;
	memcpy(task->groups, current->groups, sizeof(task->groups));
	memcpy(task->comm, current->comm, sizeof(task->comm));
	task->fs_base = current->fs_base;
	task->gs_base = current->gs_base;
	task->exe = current->exe ? file_get(current->exe) : NULL;
}

static void copy_registers(struct task *task, const struct clone_args *args)
{
	struct trap_frame *frame = task_frame(task);

	*frame = *current->frame;
	frame->rax = 0;
	if (args->stack)
		frame->rsp = args->stack;
	if (args->flags & CLONE_SETTLS)
		task->fs_base = args->tls;
	task->frame = frame;
	__asm__ volatile("fxsave64 (%0)" : : "r"(task->fpu) : "memory");
	stack_prepare(task, (uintptr_t)frame, task_first_return);
}

/* A number in the memory of the child, before it has run. */
static int put_child_tid(struct task *task, uintptr_t where)
{
	struct mm *mine = current->mm;
	int pid = task->pid, err;

	current->mm = task->mm;
	err = copy_to_user(where, &pid, sizeof(pid));
	current->mm = mine;
	return err;
}

long task_clone(const struct clone_args *args)
{
	const uint64_t flags = args->flags;
	struct task *task;
	int pid, err;

	/* One thread a process; a stack of its own with shared memory would be a second one. */
	if ((flags & CLONE_THREAD) || ((flags & CLONE_VM) && !(flags & CLONE_VFORK)))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_NEWNS) && ((flags & CLONE_FS) || current->euid != 0))
		return flags & CLONE_FS ? -EINVAL : -EPERM;
	task = task_alloc();
	if (!task)
		return -EAGAIN;
	copy_identity(task);
	err = copy_memory(task, flags);
	if (!err)
		err = copy_places(task, flags);
	if (!err)
		err = copy_files(task, flags);
	if (!err)
		err = copy_sighand(task, flags);
	if (!err && (flags & CLONE_CHILD_SETTID))
		err = put_child_tid(task, args->child_tid);
	if (err) {
		task_release(task);
		task_free(task);
		return err == -ENOMEM ? -EAGAIN : err;
	}
	copy_registers(task, args);
	if (flags & CLONE_CHILD_CLEARTID)
		task->clear_child_tid = args->child_tid;
	pid = task->pid;
	if ((flags & CLONE_PARENT_SETTID) &&
	    copy_to_user(args->parent_tid, &pid, sizeof(pid)) < 0)
		pid = task->pid;	/* as Linux: too late to take it back */
	task->state = TASK_SLEEPING;
	if (flags & CLONE_VFORK)
		task->vfork_parent = current;
	task_wake(task);
	/* The child runs first: until it has set its signals it ignores what its shell ignores,
	 * and `kill %1` in the same line would be lost on one processor. */
	if (!(flags & CLONE_VFORK))
		task_yield();
	/* Only a signal that kills may end this wait early; the child then is on its own. */
	while ((flags & CLONE_VFORK) && task->pid == pid && task->vfork_parent == current)
		if (sleep_on(&current->vfork_done) < 0 &&
		    (current->sig_pending & SIG_BIT(SIGKILL)))
			break;
		else if (task->vfork_parent == current)
			task_yield();
	if (task->pid == pid && task->vfork_parent == current)
		task->vfork_parent = NULL;
	return pid;
}
