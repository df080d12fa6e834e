/* SPDX-License-Identifier: MIT */
/* Who a task is.  No capabilities: user 0 may everything that anybody may. */
#include "syscall.h"

#define KEEP UINT32_MAX			/* -1: leave this one */

DEFINE_SYSCALL(getuid) { (void)args; return current->uid; }
DEFINE_SYSCALL(geteuid) { (void)args; return current->euid; }
DEFINE_SYSCALL(getgid) { (void)args; return current->gid; }
DEFINE_SYSCALL(getegid) { (void)args; return current->egid; }

/* One of the three that the task has already, or it is root. */
static bool may(uint32_t id, uint32_t real, uint32_t effective, uint32_t saved)
{
	return current->euid == 0 || id == KEEP || id == real || id == effective || id == saved;
}

static bool may_uid(uint32_t id)
{
	return may(id, current->uid, current->euid, current->suid);
}

static bool may_gid(uint32_t id)
{
	return may(id, current->gid, current->egid, current->sgid);
}

static long set_uids(uint32_t real, uint32_t effective, uint32_t saved)
{
	if (!may_uid(real) || !may_uid(effective) || !may_uid(saved))
		return -EPERM;
	if (real != KEEP)
		current->uid = real;
	if (effective != KEEP)
		current->euid = effective;
	if (saved != KEEP)
		current->suid = saved;
	return 0;
}

static long set_gids(uint32_t real, uint32_t effective, uint32_t saved)
{
	if (!may_gid(real) || !may_gid(effective) || !may_gid(saved))
		return -EPERM;
	if (real != KEEP)
		current->gid = real;
	if (effective != KEEP)
		current->egid = effective;
	if (saved != KEEP)
		current->sgid = saved;
	return 0;
}

DEFINE_SYSCALL(setuid)
{
	uint32_t id = (uint32_t)args->a[0];

	if (id == KEEP)
		return -EINVAL;
	return current->euid == 0 ? set_uids(id, id, id) : set_uids(KEEP, id, KEEP);
}

DEFINE_SYSCALL(setgid)
{
	uint32_t id = (uint32_t)args->a[0];

	if (id == KEEP)
		return -EINVAL;
	return current->euid == 0 ? set_gids(id, id, id) : set_gids(KEEP, id, KEEP);
}

/* The saved one follows the effective one when the real one was set. */
DEFINE_SYSCALL(setreuid)
{
	uint32_t real = (uint32_t)args->a[0], effective = (uint32_t)args->a[1];
	long err = set_uids(real, effective, KEEP);

	if (err == 0 && (real != KEEP || (effective != KEEP && effective != current->uid)))
		current->suid = current->euid;
	return err;
}

DEFINE_SYSCALL(setregid)
{
	uint32_t real = (uint32_t)args->a[0], effective = (uint32_t)args->a[1];
	long err = set_gids(real, effective, KEEP);

	if (err == 0 && (real != KEEP || (effective != KEEP && effective != current->gid)))
		current->sgid = current->egid;
	return err;
}

DEFINE_SYSCALL(setresuid)
{
	return set_uids((uint32_t)args->a[0], (uint32_t)args->a[1], (uint32_t)args->a[2]);
}

DEFINE_SYSCALL(setresgid)
{
	return set_gids((uint32_t)args->a[0], (uint32_t)args->a[1], (uint32_t)args->a[2]);
}

static long put_three(const struct syscall_args *args, uint32_t a, uint32_t b, uint32_t c)
{
	if (copy_to_user(args->a[0], &a, sizeof(a)) < 0 ||
	    copy_to_user(args->a[1], &b, sizeof(b)) < 0 ||
	    copy_to_user(args->a[2], &c, sizeof(c)) < 0)
		return -EFAULT;
	return 0;
}

DEFINE_SYSCALL(getresuid)
{
	return put_three(args, current->uid, current->euid, current->suid);
}

DEFINE_SYSCALL(getresgid)
{
	return put_three(args, current->gid, current->egid, current->sgid);
}

DEFINE_SYSCALL(getgroups)
{
	int room = (int)args->a[0];

	if (room == 0)
		return current->group_count;
	if (room < (int)current->group_count)
		return -EINVAL;
	if (copy_to_user(args->a[1], current->groups,
			 current->group_count * sizeof(current->groups[0])) < 0)
		return -EFAULT;
	return current->group_count;
}

DEFINE_SYSCALL(setgroups)
{
	uint32_t groups[sizeof(current->groups) / sizeof(current->groups[0])];
	uint64_t count = args->a[0];

	if (current->euid != 0)
		return -EPERM;
	if (count > sizeof(groups) / sizeof(groups[0]))
		return -EINVAL;
	if (copy_from_user(groups, args->a[1], count * sizeof(groups[0])) < 0)
		return -EFAULT;
	/* Kept in order, as Linux shows them. */
	for (uint64_t i = 1; i < count; i++)
		for (uint64_t j = i; j > 0 && groups[j - 1] > groups[j]; j--) {
			uint32_t group = groups[j];

			groups[j] = groups[j - 1];
			groups[j - 1] = group;
		}
	memcpy(current->groups, groups, count * sizeof(groups[0]));
	current->group_count = (unsigned)count;
	return 0;
}
