/* SPDX-License-Identifier: MIT */
#ifndef STUB_PROC_H
#define STUB_PROC_H
/* What the files of proc share. */
#include <overmount/status.h>

#include "task.h"

/* A text that grows. */
struct text {
	char *buf;
	size_t used, size;
	bool failed;			/* no memory */
};

void text_add(struct text *text, const char *format, ...) OM_PRINTF(2, 3);
void text_bytes(struct text *text, const void *bytes, size_t len);
/* Blanks, tabs, newlines and backslashes as \ooo, as in /proc/mounts. */
void text_escaped(struct text *text, const char *bytes);

/* What a name in proc is: 0 or -errno; TASK is NULL outside of PID directories. */
struct proc_file {
	const char *name;
	uint32_t mode;			/* with type */
	int (*show)(struct text *text, struct task *task);
	/* magic links */
	int (*follow)(struct task *task, struct path *ret_path);
	/* other links */
	int (*link)(struct text *text, struct task *task);
	/* One write(2): all of it or -errno; FIRST of this opening.  NULL: read-only. */
	int (*write)(const char *bytes, size_t len, bool first);
	/* NULL: always */
	bool (*exists)(void);
};

extern const struct proc_file proc_system_files[], proc_kernel_files[], proc_task_files[];
extern const unsigned proc_system_count, proc_kernel_count, proc_task_count;

/* root_choice.c */
int root_choice_show(struct text *text, struct task *task);
int root_choice_write(const char *bytes, size_t len, bool first);
int real_root_dev_show(struct text *text, struct task *task);
int real_root_dev_write(const char *bytes, size_t len, bool first);
bool real_root_dev_exists(void);
/* proc_mounts.c */
int proc_show_mounts(struct text *text, struct task *task);
int proc_show_mountinfo(struct text *text, struct task *task);

#endif
