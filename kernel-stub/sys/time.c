/* SPDX-License-Identifier: MIT */
/* Clocks, sleeping, alarms. */
#include "syscall.h"

#define NSEC_PER_SEC	UINT64_C(1000000000)
#define NSEC_PER_USEC	UINT64_C(1000)
#define TICKS_PER_SEC	100u		/* what times(2) counts in */
#define SIGALRM		14

#define CLOCK_REALTIME	0
#define CLOCK_MONOTONIC	1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME	7
#define TIMER_ABSTIME	1
#define ITIMER_REAL	0

struct timespec_u {
	int64_t sec, nsec;
};

struct timeval_u {
	int64_t sec, usec;
};

static int64_t realtime_shift;		/* seconds that settimeofday() added */

static struct timespec_u from_ns(uint64_t ns)
{
	return (struct timespec_u){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC) };
}

static struct timespec_u realtime(void)
{
	return (struct timespec_u){ (int64_t)clock_unix() + realtime_shift,
				    (int64_t)(clock_ns() % NSEC_PER_SEC) };
}

/* 0 or -EINVAL. */
static int clock_read(uint64_t id, struct timespec_u *ret)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ret = realtime();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ret = from_ns(clock_ns());
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		*ret = from_ns(current->cpu_ns);
		return 0;
	}
	return -EINVAL;
}

DEFINE_SYSCALL(clock_gettime)
{
	struct timespec_u now;
	int err = clock_read(args->a[0], &now);

	return err ? err : copy_to_user(args->a[1], &now, sizeof(now));
}

DEFINE_SYSCALL(clock_getres)
{
	struct timespec_u now, one = { 0, 1 };
	int err = clock_read(args->a[0], &now);

	if (err || !args->a[1])
		return err;
	return copy_to_user(args->a[1], &one, sizeof(one));
}

DEFINE_SYSCALL(gettimeofday)
{
	struct timespec_u now = realtime();
	struct timeval_u tv = { now.sec, now.nsec / (int64_t)NSEC_PER_USEC };

	return args->a[0] ? copy_to_user(args->a[0], &tv, sizeof(tv)) : 0;
}

DEFINE_SYSCALL(settimeofday)
{
	struct timeval_u tv;
	int err;

	if (current->euid != 0)
		return -EPERM;
	if (!args->a[0])
		return 0;
	err = copy_from_user(&tv, args->a[0], sizeof(tv));
	if (err)
		return err;
	realtime_shift = tv.sec - (int64_t)clock_unix();
	return 0;
}

DEFINE_SYSCALL(time)
{
	int64_t now = realtime().sec;

	if (args->a[0] && copy_to_user(args->a[0], &now, sizeof(now)) < 0)
		return -EFAULT;
	return now;
}

DEFINE_SYSCALL(times)
{
	int64_t ticks[4] = { (int64_t)(current->cpu_ns / (NSEC_PER_SEC / TICKS_PER_SEC)) };

	if (args->a[0] && copy_to_user(args->a[0], ticks, sizeof(ticks)) < 0)
		return -EFAULT;
	return (long)(clock_ns() / (NSEC_PER_SEC / TICKS_PER_SEC));
}

/* Sleep until clock_ns() is END; the rest goes to REM when a signal ends it early. */
static long sleep_until(uint64_t end, uintptr_t rem)
{
	struct waitq queue = { NULL };
	struct timespec_u left;
	uint64_t now;
	int err;

	while ((now = clock_ns()) < end) {
		err = sleep_on_timeout(&queue, end - now);
		if (err != -EINTR)
			continue;
		now = clock_ns();
		left = from_ns(now < end ? end - now : 0);
		if (rem && copy_to_user(rem, &left, sizeof(left)) < 0)
			return -EFAULT;
		return -EINTR;
	}
	return 0;
}

static long sleep_for(uintptr_t request, uintptr_t rem, bool absolute, int64_t base_sec)
{
	struct timespec_u want;
	uint64_t ns;

	if (copy_from_user(&want, request, sizeof(want)) < 0)
		return -EFAULT;
	if (want.sec < 0 || want.nsec < 0 || want.nsec >= (int64_t)NSEC_PER_SEC)
		return -EINVAL;
	want.sec -= base_sec;
	if (want.sec < 0)
		return 0;
	if (want.sec > INT32_MAX)
		want.sec = INT32_MAX;
	ns = (uint64_t)want.sec * NSEC_PER_SEC + (uint64_t)want.nsec;
	return sleep_until(absolute ? ns : clock_ns() + ns, absolute ? 0 : rem);
}

DEFINE_SYSCALL(nanosleep)
{
	return sleep_for(args->a[0], args->a[1], false, 0);
}

DEFINE_SYSCALL(clock_nanosleep)
{
	bool absolute = args->a[1] & TIMER_ABSTIME;
	struct timespec_u now;
	int err = clock_read(args->a[0], &now);

	if (err)
		return err;
	/* An absolute time of the wall clock, seen from the clock since the start. */
	return sleep_for(args->a[2], args->a[3], absolute,
			 absolute ? now.sec - (int64_t)(clock_ns() / NSEC_PER_SEC) : 0);
}

/* ------------------------------------------------------------------ alarms */

void alarms_check(uint64_t now_ns)
{
	for (struct task *task = tasks; task < tasks + TASKS_MAX; task++) {
		if (task->state == TASK_FREE || task->state == TASK_ZOMBIE || !task->alarm_at ||
		    task->alarm_at > now_ns)
			continue;
		task->alarm_at = task->alarm_every ? now_ns + task->alarm_every : 0;
		signal_task(task, SIGALRM);
	}
}

static uint64_t alarm_left(void)
{
	uint64_t now = clock_ns();

	if (!current->alarm_at)
		return 0;
	return current->alarm_at > now ? current->alarm_at - now : 1;
}

DEFINE_SYSCALL(alarm)
{
	uint64_t left = alarm_left();
	uint32_t seconds = (uint32_t)args->a[0];

	current->alarm_at = seconds ? clock_ns() + seconds * NSEC_PER_SEC : 0;
	current->alarm_every = 0;
	return (long)((left + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
}

static long put_itimer(uintptr_t where)
{
	uint64_t left = alarm_left();
	struct timeval_u value[2] = {
		{ (int64_t)(current->alarm_every / NSEC_PER_SEC),
		  (int64_t)(current->alarm_every % NSEC_PER_SEC / NSEC_PER_USEC) },
		{ (int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC / NSEC_PER_USEC) },
	};

	return where ? copy_to_user(where, value, sizeof(value)) : 0;
}

DEFINE_SYSCALL(getitimer)
{
	return args->a[0] == ITIMER_REAL ? put_itimer(args->a[1]) : -EINVAL;
}

DEFINE_SYSCALL(setitimer)
{
	struct timeval_u value[2] = { { 0, 0 }, { 0, 0 } };
	uint64_t ns[2];
	long err;

	if (args->a[0] != ITIMER_REAL)
		return -EINVAL;
	if (args->a[1] && copy_from_user(value, args->a[1], sizeof(value)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (value[i].sec < 0 || value[i].sec > INT32_MAX || value[i].usec < 0 ||
		    value[i].usec >= 1000000)
			return -EINVAL;
		ns[i] = (uint64_t)value[i].sec * NSEC_PER_SEC +
			(uint64_t)value[i].usec * NSEC_PER_USEC;
	}
	err = put_itimer(args->a[2]);
	if (err)
		return err;
	current->alarm_every = ns[0];
	current->alarm_at = ns[1] ? clock_ns() + ns[1] : 0;
	return 0;
}
