/* SPDX-License-Identifier: MIT */
/* Would this file of the absolute root start? */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "dry_run.h"
#include "handoff.h"

#define INTERPRETERS_MAX 4		/* #! of #! of ..., as Linux */
#define HEADERS_MAX 64

struct program {
	const struct om_node *node;
	uint64_t size;
};

static bool open_program(struct om_tree *tree, const char *path, struct program *program,
			 char *reason, size_t size)
{
	struct om_member member;
	const char *layer;
	int err = tree_check_program(tree, path);

	if (err) {
		snprintf(reason, size, "%s: %s", path, err == -OM_EACCES ?
			 "is not an executable file" : om_errno_text(err));
		return false;
	}
	if (om_tree_lookup(tree, path, &program->node) != OM_OK)
		return false;
	om_node_describe(tree, program->node, &member, &layer);
	program->size = member.size;
	return true;
}

/* The path after #!, cut at the first blank. */
static bool script_interpreter(const uint8_t *head, size_t len, char *ret_path, size_t size)
{
	size_t at = 2, used = 0;

	while (at < len && (head[at] == ' ' || head[at] == '\t'))
		at++;
	while (at < len && used + 1 < size && head[at] > ' ')
		ret_path[used++] = (char)head[at++];
	ret_path[used] = '\0';
	return used > 0 && ret_path[0] == '/';
}

/* PT_INTERP, or "" when there is none. */
static bool elf_interpreter(const struct program *program, const uint8_t *head, char *ret_path,
			    size_t size, char *reason, size_t reason_size)
{
	uint64_t table = om_get_le64(head + 32);
	uint16_t entry_size = om_get_le16(head + 54), count = om_get_le16(head + 56), i;
	uint8_t header[56];
	bool load = false;

	ret_path[0] = '\0';
	if (entry_size < sizeof(header) || count == 0 || count > HEADERS_MAX) {
		snprintf(reason, reason_size, "has no usable ELF program headers");
		return false;
	}
	for (i = 0; i < count; i++) {
		uint64_t offset, len;

		if (om_node_read(program->node, table + (uint64_t)i * entry_size, header,
				 sizeof(header)) != OM_OK) {
			snprintf(reason, reason_size, "ends before its ELF program headers");
			return false;
		}
		offset = om_get_le64(header + 8);
		len = om_get_le64(header + 32);
		if (om_get_le32(header) == PT_LOAD) {
			load = true;
			if (!om_range_inside(offset, len, program->size)) {
				snprintf(reason, reason_size, "is cut off: a segment ends at byte %llu "
					 "of %llu", (unsigned long long)(offset + len),
					 (unsigned long long)program->size);
				return false;
			}
		}
		if (om_get_le32(header) != PT_INTERP)
			continue;
		if (len == 0 || len >= size ||
		    om_node_read(program->node, offset, ret_path, (size_t)len) != OM_OK) {
			snprintf(reason, reason_size, "names its interpreter outside of the file");
			return false;
		}
		ret_path[len] = '\0';
	}
	if (!load)
		snprintf(reason, reason_size, "is ELF, but nothing in it is to be loaded");
	return load;
}

static bool is_elf64(const uint8_t *head, size_t len)
{
	return len >= sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0 &&
	       head[EI_CLASS] == ELFCLASS64 && head[EI_DATA] == ELFDATA2LSB &&
	       om_get_le16(head + 18) == EM_X86_64 &&
	       (om_get_le16(head + 16) == ET_EXEC || om_get_le16(head + 16) == ET_DYN);
}

/* *RET_NEXT is the interpreter, or "": the file starts by itself. */
static bool look_at(const struct program *program, char *ret_next, size_t next_size, char *reason,
		    size_t size)
{
	uint8_t head[256] = { 0 };
	size_t len = program->size < sizeof(head) ? (size_t)program->size : sizeof(head);

	if (om_node_read(program->node, 0, head, len) != OM_OK) {
		snprintf(reason, size, "cannot be read");
		return false;
	}
	if (len >= 2 && head[0] == '#' && head[1] == '!') {
		if (script_interpreter(head, len, ret_next, next_size))
			return true;
		snprintf(reason, size, "has no interpreter after #!");
		return false;
	}
	if (is_elf64(head, len))
		return elf_interpreter(program, head, ret_next, next_size, reason, size);
	if (len >= 4 && memcmp(head, ELFMAG, SELFMAG) == 0)
		snprintf(reason, size, "is ELF, but not for x86-64");
	else
		snprintf(reason, size, "is neither an ELF64 program nor a script with #!");
	return false;
}

bool program_check(struct om_tree *tree, const char *path, char *ret_reason, size_t size)
{
	char current[OM_PATH_MAX], next[OM_PATH_MAX], why[160];
	struct program program;
	int depth;

	snprintf(current, sizeof(current), "%s", path);
	for (depth = 0; depth <= INTERPRETERS_MAX; depth++) {
		if (!open_program(tree, current, &program, ret_reason, size))
			return false;
		if (!look_at(&program, next, sizeof(next), why, sizeof(why))) {
			snprintf(ret_reason, size, "%s: %s", current, why);
			return false;
		}
		if (!next[0])
			return true;
		memcpy(current, next, sizeof(current));
	}
	snprintf(ret_reason, size, "%s: more than %d interpreters in a row", path,
		 INTERPRETERS_MAX);
	return false;
}
