/* SPDX-License-Identifier: MIT */
/*
 * Who runs.  One queue, in turn.  The kernel is never preempted; a program is, by the timer.
 * A task is on the queue when it is runnable and not running.
 */
#include "arch.h"
#include "device.h"
#include "mm.h"
#include "syscall.h"

#define TICK_NS UINT64_C(10000000)

struct task *current;
struct task tasks[TASKS_MAX];

static struct task *queue_first, *queue_last;
static struct task *to_free;		/* ended on the stack it stood on */
static bool turn_over;

void task_first(void);

static uintptr_t stack_top(const struct task *task)
{
	return (uintptr_t)task->kstack + STACK_SIZE;
}

struct trap_frame *task_frame(struct task *task)
{
	return (struct trap_frame *)(stack_top(task) - sizeof(struct trap_frame));
}

/* ------------------------------------------------------------------ the queue */

static void enqueue(struct task *task)
{
	task->run_next = NULL;
	if (queue_last)
		queue_last->run_next = task;
	else
		queue_first = task;
	queue_last = task;
}

static struct task *dequeue(void)
{
	struct task *task = queue_first;

	if (!task)
		return NULL;
	queue_first = task->run_next;
	if (!queue_first)
		queue_last = NULL;
	return task;
}

/* ------------------------------------------------------------------ the switch */

/* First thing after a switch, on the new task's stack. */
static void switch_finish(void)
{
	struct task *task = to_free;

	to_free = NULL;
	if (task)
		task_free(task);
}

void task_first(void)
{
	switch_finish();
}

static void switch_to(struct task *next)
{
	struct task *prev = current;

	if (prev->fpu)
		__asm__ volatile("fxsave64 (%0)" : : "r"(prev->fpu) : "memory");
	if (prev->dead)
		to_free = prev;
	current = next;
	set_kernel_stack(stack_top(next));
	mm_switch(next->mm);
	wrmsr(MSR_FS_BASE, next->fs_base);
	wrmsr(MSR_GS_BASE, next->gs_base);
	if (next->fpu)
		__asm__ volatile("fxrstor64 (%0)" : : "r"(next->fpu) : "memory");
	context_switch(&prev->ksp, next->ksp);
	switch_finish();
}

void schedule(void)
{
	struct task *next;

	turn_over = false;
	while (!(next = dequeue())) {
		if (current->state == TASK_RUNNABLE)
			return;
		cpu_idle();
	}
	if (next != current)
		switch_to(next);
}

void task_yield(void)
{
	enqueue(current);
	schedule();
}

void task_init(void)
{
	tasks[0] = (struct task){ .state = TASK_SLEEPING, .comm = "idle" };
	current = &tasks[0];
}

/* ------------------------------------------------------------------ sleeping */

static void queue_leave(struct task *task)
{
	struct task **link;

	if (!task->waiting_on)
		return;
	for (link = &task->waiting_on->first; *link; link = &(*link)->wait_next) {
		if (*link == task) {
			*link = task->wait_next;
			break;
		}
	}
	task->waiting_on = NULL;
}

void task_wake(struct task *task)
{
	if (task->state != TASK_SLEEPING && task->state != TASK_STOPPED)
		return;
	queue_leave(task);
	task->wake_at = 0;
	task->state = TASK_RUNNABLE;
	/* The idle loop of schedule() runs in the sleeper's own context: it takes itself off. */
	enqueue(task);
}

void wake_up(struct waitq *queue)
{
	while (queue->first)
		task_wake(queue->first);
}

bool signal_pending(void)
{
	return signal_deliverable(current) != 0;
}

static int sleep_until_woken(struct waitq *queue, uint64_t wake_at)
{
	if (signal_pending())
		return -EINTR;
	current->wait_next = queue->first;
	queue->first = current;
	current->waiting_on = queue;
	current->wake_at = wake_at;
	current->state = TASK_SLEEPING;
	schedule();
	queue_leave(current);
	current->wake_at = 0;
	return signal_pending() ? -EINTR : 0;
}

int sleep_on(struct waitq *queue)
{
	return sleep_until_woken(queue, 0);
}

int sleep_on_timeout(struct waitq *queue, uint64_t ns)
{
	uint64_t until = clock_ns() + ns;
	int err;

	if (until < ns)
		until = UINT64_MAX;
	err = sleep_until_woken(queue, until);
	if (err == 0 && clock_ns() >= until)
		return -ETIMEDOUT;
	return err;
}

/* ------------------------------------------------------------------ the tick */

void timer_tick(struct trap_frame *frame)
{
	uint64_t now = clock_ns();
	unsigned i;

	if (frame_is_user(frame)) {
		current->cpu_ns += TICK_NS;
		turn_over = true;
	}
	console_poll();
	alarms_check(now);
	for (i = 0; i < TASKS_MAX; i++)
		if (tasks[i].state == TASK_SLEEPING && tasks[i].wake_at && tasks[i].wake_at <= now)
			task_wake(&tasks[i]);
}

void leave_kernel(struct trap_frame *frame)
{
	current->frame = frame;
	do {
		if (turn_over)
			task_yield();
		if (signal_pending())
			signals_deliver(frame);
	} while (turn_over);
	current->syscall = SYSCALL_NONE;
}

void syscall_enter(struct trap_frame *frame)
{
	struct syscall_args args = { { frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8,
				       frame->r9 } };

	current->frame = frame;
	current->syscall = frame->error;
	frame->rax = (uint64_t)syscall_call(frame->error, &args);
}
