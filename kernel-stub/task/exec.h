/* SPDX-License-Identifier: MIT */
#ifndef TASK_EXEC_H
#define TASK_EXEC_H
/* What exec.c, exec_args.c and elf.c share. */
#include "mm.h"
#include "task.h"

#define EXEC_PAGES	64u		/* 256 KiB of words; Linux allows a quarter of the stack */
#define EXEC_WORD_MAX	(128u << 10)	/* one of them; MAX_ARG_STRLEN of Linux */
#define EXEC_SCRIPTS	4u		/* scripts that are run by scripts */
#define EXEC_PREFIX	(EXEC_SCRIPTS * 2 + 2)

struct exec_args {
	void *pages[EXEC_PAGES];	/* argv, then envp: strings with their NULs */
	size_t used;
	unsigned argc, envc;
	/* Interpreters and their argument, then the script: in front of argv[1]. */
	char *prefix[EXEC_PREFIX];
	unsigned prefix_count;
};

/* Where a loaded program begins, for registers and auxv. */
struct exec_image {
	uintptr_t start;		/* where to begin: the program's entry, or its interpreter's */
	uintptr_t entry;		/* the program's */
	uintptr_t base;			/* what was added to the interpreter's addresses */
	uintptr_t phdr;
	uint64_t phent, phnum;
};

int exec_args_stack(struct exec_args *args, const struct exec_image *image, const char *path,
		    uintptr_t *ret_sp);
/* A file that may be executed; -errno as execve(2). */
int exec_open(const char *path, struct file **ret_file);
/* Map FILE into MM, which is loaded (bss is cleared through it). */
int elf_load(struct mm *mm, struct file *file, struct exec_image *ret_image);

#endif
