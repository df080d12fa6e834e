/* SPDX-License-Identifier: MIT */
/* The words of a new program on their way from one address space to the other. */
#include "exec.h"

struct exec_args *exec_args_new(void)
{
	return kzalloc(sizeof(struct exec_args));
}

void exec_args_free(struct exec_args *args)
{
	unsigned i;

	if (!args)
		return;
	for (i = 0; i < EXEC_PAGES; i++)
		if (args->pages[i])
			page_put(args->pages[i]);
	for (i = 0; i < args->prefix_count; i++)
		kfree(args->prefix[i]);
	kfree(args);
}

/* Room in the current page; NULL with *ret_err set when there is none. */
static char *room(struct exec_args *args, size_t *ret_left, int *ret_err)
{
	size_t page = args->used / PAGE_SIZE, at = args->used % PAGE_SIZE;

	if (page >= EXEC_PAGES) {
		*ret_err = -E2BIG;
		return NULL;
	}
	if (!args->pages[page])
		args->pages[page] = page_alloc();
	if (!args->pages[page]) {
		*ret_err = -ENOMEM;
		return NULL;
	}
	*ret_left = PAGE_SIZE - at;
	return (char *)args->pages[page] + at;
}

static int add_user(struct exec_args *args, uintptr_t text)
{
	size_t left, start = args->used;
	long len;
	char *to;
	int err = 0;

	for (;;) {
		to = room(args, &left, &err);
		if (!to)
			return err;
		len = strncpy_from_user(to, text, left);
		if (len == -EFAULT)
			return -EFAULT;
		if (len >= 0) {
			args->used += (size_t)len + 1;
			if (args->used - start > EXEC_WORD_MAX)
				return -E2BIG;
			return 0;
		}
		args->used += left;
		text += left;
		if (args->used - start > EXEC_WORD_MAX)
			return -E2BIG;
	}
}

static int add_kernel(struct exec_args *args, const char *text)
{
	size_t len = strlen(text) + 1, left;
	char *to;
	int err = 0;

	while (len > 0) {
		to = room(args, &left, &err);
		if (!to)
			return err;
		if (left > len)
			left = len;
		memcpy(to, text, left);
		args->used += left;
		text += left;
		len -= left;
	}
	return 0;
}

static int add_list(struct exec_args *args, uintptr_t list, unsigned *count)
{
	uintptr_t text;
	int err;

	for (; list; list += sizeof(text)) {
		err = copy_from_user(&text, list, sizeof(text));
		if (err || !text)
			return err;
		err = add_user(args, text);
		if (err)
			return err;
		(*count)++;
	}
	return 0;
}

int exec_args_user(struct exec_args *args, uintptr_t argv, uintptr_t envp)
{
	int err = add_list(args, argv, &args->argc);

	return err ? err : add_list(args, envp, &args->envc);
}

int exec_args_kernel(struct exec_args *args, const char *const *argv, const char *const *envp)
{
	int err = 0;

	for (; !err && *argv; argv++, args->argc++)
		err = add_kernel(args, *argv);
	for (; !err && *envp; envp++, args->envc++)
		err = add_kernel(args, *envp);
	return err;
}

/* Length with the NUL of the string at OFFSET. */
static size_t length_at(const struct exec_args *args, size_t offset)
{
	size_t len = 0;

	while (((const char *)args->pages[(offset + len) / PAGE_SIZE])[(offset + len) % PAGE_SIZE])
		len++;
	return len + 1;
}

static int copy_out(const struct exec_args *args, size_t offset, size_t len, uintptr_t to)
{
	int err = 0;

	while (!err && len > 0) {
		size_t at = offset % PAGE_SIZE;
		size_t step = PAGE_SIZE - at < len ? PAGE_SIZE - at : len;

		err = copy_to_user(to, (const char *)args->pages[offset / PAGE_SIZE] + at, step);
		offset += step;
		to += step;
		len -= step;
	}
	return err;
}

static int put_word(uintptr_t *at, uint64_t value)
{
	int err = copy_to_user(*at, &value, sizeof(value));

	*at += sizeof(value);
	return err;
}

/* A script's words stand for the program's own first one. */
static unsigned skipped(const struct exec_args *args)
{
	return args->prefix_count && args->argc ? 1 : 0;
}

/*
 * From the top: strings, 16 random bytes, then (16-aligned) argc, argv, envp, auxv.
 * The new program's memory is already loaded.
 */
int exec_args_stack(struct exec_args *args, const struct exec_image *image, const char *path,
		    uintptr_t *ret_sp)
{
	const uint64_t auxv[] = {
		3, image->phdr, 4, image->phent, 5, image->phnum, 6, PAGE_SIZE,
		7, image->base, 8, 0,
		9, image->entry, 11, current->uid, 12, current->euid, 13, current->gid,
		14, current->egid, 16, 0, 17, 100, 23, 0,
	};
	unsigned argc = args->argc - skipped(args) + args->prefix_count, i;
	size_t path_len = strlen(path) + 1, prefix_len = 0, offset = 0, words;
	uintptr_t strings, random, execfn, at, text;
	uint8_t bytes[16];
	int err;

	for (i = 0; i < args->prefix_count; i++)
		prefix_len += strlen(args->prefix[i]) + 1;
	execfn = STACK_TOP - 8 - path_len;
	strings = execfn - args->used - prefix_len;
	random = (strings - sizeof(bytes)) & ~(uintptr_t)15;
	words = 1 + argc + 1 + args->envc + 1 + sizeof(auxv) / sizeof(auxv[0]) + 6;
	at = (random - words * sizeof(uint64_t)) & ~(uintptr_t)15;
	*ret_sp = at;

	random_bytes(bytes, sizeof(bytes));
	err = copy_to_user(random, bytes, sizeof(bytes));
	if (!err)
		err = copy_to_user(execfn, path, path_len);
	if (!err)
		err = put_word(&at, argc);
	text = strings;
	current->mm->arg_start = text;
	for (i = 0; !err && i < args->prefix_count; i++) {
		size_t len = strlen(args->prefix[i]) + 1;

		err = copy_to_user(text, args->prefix[i], len);
		if (!err)
			err = put_word(&at, text);
		text += len;
	}
	for (i = 0; !err && i < args->argc + args->envc; i++) {
		size_t len = length_at(args, offset);

		if (i == args->argc) {
			current->mm->arg_end = text;
			err = put_word(&at, 0);
		}
		if (i >= skipped(args) && !err) {
			err = copy_out(args, offset, len, text);
			if (!err)
				err = put_word(&at, text);
			text += len;
		}
		offset += len;
	}
	if (args->envc == 0 && !err) {
		current->mm->arg_end = text;
		err = put_word(&at, 0);
	}
	if (!err)
		err = put_word(&at, 0);
	for (i = 0; !err && i < sizeof(auxv) / sizeof(auxv[0]); i++)
		err = put_word(&at, auxv[i]);
	if (!err)
		err = put_word(&at, 25);	/* AT_RANDOM */
	if (!err)
		err = put_word(&at, random);
	if (!err)
		err = put_word(&at, 31);	/* AT_EXECFN */
	if (!err)
		err = put_word(&at, execfn);
	if (!err)
		err = put_word(&at, 0);
	return err ? err : put_word(&at, 0);
}
