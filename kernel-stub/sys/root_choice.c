/* SPDX-License-Identifier: MIT */
/*
 * What /linuxrc may decide about the root while it runs: lines of the entry's own grammar written
 * to /proc/root-descriptor, or the old number in /proc/sys/kernel/real-root-dev.  The last word
 * counts.
 */
#include <overmount/descriptor.h>
#include <overmount/choice.h>

#include "proc.h"
#include "root_choice.h"

static struct {
	const struct om_root *root;	/* as handed over; NULL before late boot read it */
	bool open;			/* /linuxrc runs */
	bool compat;
	bool numbered;			/* the number was written after the lines */
	uint32_t number;
	char text[OM_CHOICE_TEXT_MAX];	/* the lines so far, LEN bytes of them accepted */
	size_t len;
	char accepted[OM_CHOICE_TEXT_MAX];	/* what the candidates' strings point into */
	struct om_candidate candidates[OM_CANDIDATES_MAX];
	uint32_t candidate_count;
} choice;

void root_choice_root(const struct om_root *root)
{
	choice.root = root;
}

void root_choice_open(uint32_t major, uint32_t minor)
{
	choice.open = true;
	choice.compat = choice.root->real_root_dev_compat;
	choice.number = om_device_number(major, minor);
}

void root_choice_close(struct om_choice *ret_choice)
{
	choice.open = false;
	if (choice.numbered) {
		choice.candidates[0] = om_choice_number(choice.root, choice.number);
		choice.candidate_count = 1;
	}
	*ret_choice = (struct om_choice){ choice.candidates, choice.candidate_count };
}

/* ------------------------------------------------------------------ lines */

static void *mem_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return kmalloc(size);
}

static void mem_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx, (void)size;
	kfree(ptr);
}

static void say_diag(void *ctx, const struct om_diag *diag)
{
	(void)ctx;
	klog("root-descriptor: %u:%u: %s%s%s", diag->line, diag->column, diag->text,
	     diag->hint[0] ? "; " : "", diag->hint);
}

/* The lines as candidates, whose strings point into choice.accepted. */
static int read_lines(struct om_str text)
{
	static const struct om_mem mem = { mem_alloc, mem_free, NULL };
	static struct om_candidate candidates[OM_CANDIDATES_MAX];
	const struct om_diag_sink sink = { say_diag, NULL };
	enum om_status status;
	struct om_entry *entry;
	struct om_arena arena;
	uint32_t count;

	entry = kmalloc(sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	om_arena_init(&arena, &mem);
	/* Once to see whether it is right, once more where it stays. */
	status = om_choice_lines(text, &arena, entry, &sink, candidates, &count);
	if (status == OM_OK) {
		memcpy(choice.accepted, text.ptr, text.len);
		text.ptr = choice.accepted;
		status = om_choice_lines(text, &arena, entry, &sink, choice.candidates,
					 &choice.candidate_count);
	}
	if (status == OM_OK)
		choice.numbered = false;
	om_arena_release(&arena);
	kfree(entry);
	return status == OM_OK ? 0 : status == OM_NO_MEMORY ? -ENOMEM : -EINVAL;
}

/* Not any more once /linuxrc has become init. */
static bool may_choose(void)
{
	const struct task *first = choice.open ? task_find(1) : NULL;

	return first && first->may_end;
}

int root_choice_write(const char *bytes, size_t len, bool first)
{
	size_t before;
	int err;

	if (!may_choose())
		return -EPERM;
	if (first)
		choice.len = 0;
	before = choice.len;
	if (len > OM_CHOICE_TEXT_MAX - before) {
		klog("root-descriptor: more than %u bytes", OM_CHOICE_TEXT_MAX);
		return -EINVAL;
	}
	memcpy(choice.text + before, bytes, len);
	err = read_lines((struct om_str){ choice.text, before + len });
	if (!err)
		choice.len = before + len;
	return err;
}

static void put_line(void *ctx, const char *line)
{
	text_add(ctx, "%s\n", line);
}

int root_choice_show(struct text *text, struct task *task)
{
	struct om_root *root;

	(void)task;
	if (!choice.root)
		return 0;
	root = kmalloc(sizeof(*root));
	if (!root)
		return -ENOMEM;
	*root = *choice.root;
	if (choice.candidate_count) {
		memcpy(root->candidates, choice.candidates, sizeof(root->candidates));
		root->candidate_count = choice.candidate_count;
	}
	om_descriptor_to_text(root, put_line, text);
	kfree(root);
	return 0;
}

/* ------------------------------------------------------------------ the old number */

bool real_root_dev_exists(void)
{
	return choice.compat && may_choose();
}

int real_root_dev_show(struct text *text, struct task *task)
{
	(void)task;
	text_add(text, "%u\n", choice.number);
	return 0;
}

/* Decimal, 0x hexadecimal or 0 octal, as sysctl has always read them. */
int real_root_dev_write(const char *bytes, size_t len, bool first)
{
	uint32_t number;

	(void)first;
	if (!real_root_dev_exists())
		return -EPERM;
	if (!om_device_number_parse((struct om_str){ bytes, len }, &number))
		return -EINVAL;
	choice.number = number;
	choice.numbered = true;
	return 0;
}
