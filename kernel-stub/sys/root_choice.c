/* SPDX-License-Identifier: MIT */
/*
 * What /linuxrc may decide about the root while it runs: lines of the entry's own grammar written
 * to /proc/root-descriptor, or the old number in /proc/sys/kernel/real-root-dev.  The last word
 * counts.
 */
#include <overmount/descriptor.h>
#include <overmount/entry.h>

#include "proc.h"
#include "root_choice.h"

#define CHOICE_TEXT_MAX	4096u

static struct {
	const struct om_root *root;	/* as handed over; NULL before late boot read it */
	bool open;			/* /linuxrc runs */
	bool compat;
	bool numbered;			/* the number was written after the lines */
	uint32_t number;
	char text[CHOICE_TEXT_MAX];	/* the lines so far, LEN bytes of them accepted */
	size_t len;
	char accepted[CHOICE_TEXT_MAX];	/* what the candidates' strings point into */
	struct om_candidate candidates[OM_CANDIDATES_MAX];
	uint32_t candidate_count;
} choice;

/* The 32-bit form that programs see: 12 bits of major between 8 and 12 of minor. */
static uint32_t number_encode(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | major << 8 | (minor & ~UINT32_C(0xff)) << 12;
}

void root_choice_root(const struct om_root *root)
{
	choice.root = root;
}

void root_choice_open(uint32_t major, uint32_t minor)
{
	choice.open = true;
	choice.compat = choice.root->real_root_dev_compat;
	choice.number = number_encode(major, minor);
}

void root_choice_close(struct om_choice *ret_choice)
{
	choice.open = false;
	if (choice.numbered) {
		/* As ever: how it is mounted stays what root= and its kin said. */
		choice.candidates[0] = choice.root->candidate_count ? choice.root->candidates[0] :
			(struct om_candidate){ .fstypes = { "", 0 }, .flags = { "", 0 } };
		choice.candidates[0].spec = (struct om_rootspec){
			.kind = OM_ROOT_NUMBER, .text = { "", 0 },
			.major = choice.number >> 8 & 0xfff,
			.minor = (choice.number & 0xff) | (choice.number >> 12 & 0xfff00),
		};
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

/* Is the first word of each line one that says something about the root? */
static bool only_root_lines(struct om_str text)
{
	static const char *const keys[] = { "root", "root-fstype", "root-flags", "root-mode" };
	unsigned number = 1, i;

	for (; text.len; number++) {
		size_t line = 0, word;

		while (line < text.len && text.ptr[line] != '\n')
			line++;
		while (line && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
			text = om_str_skip(text, 1), line--;
		for (word = 0; word < line && text.ptr[word] != ' ' && text.ptr[word] != '\t'; word++)
			;
		for (i = 0; i < 4 && !om_str_is((struct om_str){ text.ptr, word }, keys[i]); i++)
			;
		if (i == 4 && word && text.ptr[0] != '#') {
			klog("root-descriptor: %u:1: expected root, root-fstype, root-flags or "
			     "root-mode, found '%.*s'", number, (int)word, text.ptr);
			return false;
		}
		text = om_str_skip(text, line + 1);
	}
	return true;
}

/* The lines as candidates, whose strings point into choice.accepted. */
static int read_lines(struct om_str text)
{
	static const struct om_mem mem = { mem_alloc, mem_free, NULL };
	const struct om_diag_sink sink = { say_diag, NULL };
	enum om_status status;
	struct om_entry *entry;
	struct om_arena arena;

	if (!only_root_lines(text))
		return -EINVAL;
	entry = kmalloc(sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	om_arena_init(&arena, &mem);
	/* Once to see whether it is right, once more where it stays. */
	status = om_entry_parse(text, OM_STR("root-descriptor"), false, &arena, &sink, entry);
	if (status == OM_OK) {
		memcpy(choice.accepted, text.ptr, text.len);
		text.ptr = choice.accepted;
		status = om_entry_parse(text, OM_STR("root-descriptor"), false, &arena, &sink,
					entry);
	}
	if (status == OM_OK) {
		memcpy(choice.candidates, entry->root.candidates, sizeof(choice.candidates));
		choice.candidate_count = entry->root.candidate_count;
		choice.numbered = false;
	}
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
	if (len > CHOICE_TEXT_MAX - before) {
		klog("root-descriptor: more than %u bytes", CHOICE_TEXT_MAX);
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

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Decimal, 0x hexadecimal or 0 octal, as sysctl has always read them. */
int real_root_dev_write(const char *bytes, size_t len, bool first)
{
	unsigned base = 10;
	uint64_t value = 0;
	size_t at = 0, digits = 0;

	(void)first;
	if (!real_root_dev_exists())
		return -EPERM;
	while (at < len && (bytes[at] == ' ' || bytes[at] == '\t'))
		at++;
	if (at + 1 < len && bytes[at] == '0') {
		base = (bytes[at + 1] | 32) == 'x' ? 16 : 8;
		at += base == 16 ? 2 : 0;
	}
	for (; at < len && digit_of(bytes[at]) < (int)base && value <= UINT32_MAX; at++, digits++)
		value = value * base + (unsigned)digit_of(bytes[at]);
	while (at < len && (bytes[at] == '\n' || bytes[at] == ' ' || bytes[at] == '\0'))
		at++;
	if (!digits || at < len || value > UINT32_MAX)
		return -EINVAL;
	choice.number = (uint32_t)value;
	choice.numbered = true;
	return 0;
}
