/* SPDX-License-Identifier: MIT */
/* Names, limits, numbers: what programs ask the system about itself. */
#include "boot.h"
#include "device.h"
#include "syscall.h"

#define UTS_LEN		65
#define RLIM_INFINITY	UINT64_MAX
#define RLIMIT_COUNT	16u
#define GETRANDOM_STEP	256u

static char host_name[UTS_LEN] = "overmount";
static char domain_name[UTS_LEN] = "(none)";

const char *host_name_text(void)
{
	return host_name;
}

DEFINE_SYSCALL(uname)
{
	char uts[6][UTS_LEN] = { "Linux", "", OS_RELEASE, "#1", "x86_64", "" };

	memcpy(uts[1], host_name, sizeof(uts[1]));
	memcpy(uts[5], domain_name, sizeof(uts[5]));
	return copy_to_user(args->a[0], uts, sizeof(uts));
}

static long set_name(const struct syscall_args *args, char *name)
{
	char text[UTS_LEN] = "";

	if (current->euid != 0)
		return -EPERM;
	if (args->a[1] >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, args->a[0], args->a[1]) < 0)
		return -EFAULT;
	memcpy(name, text, sizeof(text));
	return 0;
}

DEFINE_SYSCALL(sethostname)
{
	return set_name(args, host_name);
}

DEFINE_SYSCALL(setdomainname)
{
	return set_name(args, domain_name);
}

DEFINE_SYSCALL(sysinfo)
{
	struct {
		int64_t uptime;
		uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
		uint16_t procs, pad;
		uint32_t pad2;
		uint64_t totalhigh, freehigh;
		uint32_t mem_unit;
		uint32_t pad3;
	} info = { .uptime = (int64_t)(clock_ns() / 1000000000u), .mem_unit = PAGE_SIZE };

	memory_counts(&info.totalram, &info.freeram);
	for (unsigned i = 0; i < TASKS_MAX; i++)
		info.procs += tasks[i].state != TASK_FREE;
	return copy_to_user(args->a[0], &info, sizeof(info));
}

/* ------------------------------------------------------------------ limits: told, not enforced */

struct rlimit_u {
	uint64_t soft, hard;
};

static struct rlimit_u limit(uint64_t which)
{
	switch (which) {
	case 3:		/* RLIMIT_STACK */
		return (struct rlimit_u){ 8u << 20, RLIM_INFINITY };
	case 4:		/* RLIMIT_CORE */
		return (struct rlimit_u){ 0, RLIM_INFINITY };
	case 6:		/* RLIMIT_NPROC */
		return (struct rlimit_u){ TASKS_MAX, TASKS_MAX };
	case 7:		/* RLIMIT_NOFILE */
		return (struct rlimit_u){ FILES_MAX, FILES_MAX };
	}
	return (struct rlimit_u){ RLIM_INFINITY, RLIM_INFINITY };
}

static long get_limit(uint64_t which, uintptr_t where)
{
	struct rlimit_u value = limit(which);

	if (which >= RLIMIT_COUNT)
		return -EINVAL;
	return where ? copy_to_user(where, &value, sizeof(value)) : 0;
}

static long set_limit(uint64_t which, uintptr_t where)
{
	struct rlimit_u value;

	if (which >= RLIMIT_COUNT)
		return -EINVAL;
	if (where && copy_from_user(&value, where, sizeof(value)) < 0)
		return -EFAULT;
	return where && value.soft > value.hard ? -EINVAL : 0;
}

DEFINE_SYSCALL(getrlimit)
{
	return get_limit(args->a[0], args->a[1]);
}

DEFINE_SYSCALL(setrlimit)
{
	return set_limit(args->a[0], args->a[1]);
}

DEFINE_SYSCALL(prlimit64)
{
	int pid = (int)args->a[0];
	long err;

	if (pid != 0 && pid != current->pid)
		return task_find(pid) ? -EPERM : -ESRCH;
	err = get_limit(args->a[1], args->a[3]);
	return err ? err : set_limit(args->a[1], args->a[2]);
}

DEFINE_SYSCALL(getrusage)
{
	struct {
		int64_t user_sec, user_usec;
		int64_t rest[16];
	} usage = { .user_sec = (int64_t)(current->cpu_ns / 1000000000u),
		    .user_usec = (int64_t)(current->cpu_ns % 1000000000u / 1000) };

	return copy_to_user(args->a[1], &usage, sizeof(usage));
}

/* ------------------------------------------------------------------ the rest */

DEFINE_SYSCALL(getrandom)
{
	uint8_t bytes[GETRANDOM_STEP];
	uint64_t done = 0, len = args->a[1];

	if (len > INT32_MAX)
		len = INT32_MAX;
	while (done < len) {
		uint64_t step = len - done < sizeof(bytes) ? len - done : sizeof(bytes);

		random_bytes(bytes, step);
		if (copy_to_user(args->a[0] + done, bytes, step) < 0)
			return done ? (long)done : -EFAULT;
		done += step;
	}
	return (long)done;
}

#define SYSLOG_READ_ALL		3
#define SYSLOG_CONSOLE_LEVEL	8
#define SYSLOG_SIZE_BUFFER	10

DEFINE_SYSCALL(syslog)
{
	size_t size = args->a[2] < 65536 ? args->a[2] : 65536;
	char *text;
	long result;

	switch (args->a[0]) {
	case SYSLOG_SIZE_BUFFER:
		return 65536;
	case SYSLOG_READ_ALL:
		text = kmalloc(size ? size : 1);
		if (!text)
			return -ENOMEM;
		size = log_read(text, size);
		result = copy_to_user(args->a[1], text, size) < 0 ? -EFAULT : (long)size;
		kfree(text);
		return result;
	}
	/* The others change what is printed where; there is one console and it gets everything. */
	return args->a[0] <= SYSLOG_CONSOLE_LEVEL ? 0 : -EINVAL;
}

#define LINUX_REBOOT_MAGIC1	0xfee1deadu
#define LINUX_REBOOT_MAGIC2	672274793u
#define REBOOT_RESTART		0x01234567u
#define REBOOT_HALT		0xcdef0123u
#define REBOOT_POWER_OFF	0x4321fedcu
#define REBOOT_CAD_ON		0x89abcdefu
#define REBOOT_CAD_OFF		0u

DEFINE_SYSCALL(reboot)
{
	if (current->euid != 0)
		return -EPERM;
	if ((uint32_t)args->a[0] != LINUX_REBOOT_MAGIC1 ||
	    (uint32_t)args->a[1] != LINUX_REBOOT_MAGIC2)
		return -EINVAL;
	switch ((uint32_t)args->a[2]) {
	case REBOOT_RESTART:
		machine_stop(VERDICT_REBOOT);
	case REBOOT_HALT:
	case REBOOT_POWER_OFF:
		machine_stop(VERDICT_POWEROFF);
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0;
	}
	return -EINVAL;
}

#define PR_SET_PDEATHSIG	1
#define PR_SET_DUMPABLE		4
#define PR_GET_DUMPABLE		3
#define PR_SET_NAME		15
#define PR_GET_NAME		16

DEFINE_SYSCALL(prctl)
{
	char name[sizeof(current->comm)] = "";
	long len;

	switch (args->a[0]) {
	case PR_SET_NAME:
		len = strncpy_from_user(name, args->a[1], sizeof(name));
		if (len == -EFAULT)
			return len;
		name[sizeof(name) - 1] = '\0';
		memcpy(current->comm, name, sizeof(name));
		return 0;
	case PR_GET_NAME:
		return copy_to_user(args->a[1], current->comm, sizeof(current->comm));
	case PR_GET_DUMPABLE:
		return 1;
	case PR_SET_DUMPABLE:
		return 0;
	}
	return -EINVAL;
}

DEFINE_SYSCALL(getpriority)
{
	(void)args;
	return 20;		/* nice 0, as the system call counts it */
}

DEFINE_SYSCALL(setpriority)
{
	(void)args;
	return 0;
}

DEFINE_SYSCALL(sched_getaffinity)
{
	uint64_t mask = 1;

	if (args->a[1] < sizeof(mask))
		return -EINVAL;
	return copy_to_user(args->a[2], &mask, sizeof(mask)) < 0 ? -EFAULT : (long)sizeof(mask);
}

DEFINE_SYSCALL(sched_setaffinity)
{
	(void)args;
	return 0;
}

/* One thread a process: nothing is ever contended, and nobody waits. */
DEFINE_SYSCALL(futex)
{
	unsigned op = (unsigned)args->a[1] & 127;

	return op == 1 ? 0 : op == 0 ? -EAGAIN : -ENOSYS;
}

DEFINE_SYSCALL(rseq)
{
	(void)args;
	return -ENOSYS;		/* as on a kernel without it: the C library goes on */
}

DEFINE_SYSCALL(set_robust_list)
{
	(void)args;
	return 0;
}
