/* SPDX-License-Identifier: MIT */
#ifndef UNIT_ENTRY_SUPPORT_H
#define UNIT_ENTRY_SUPPORT_H
/* An entry as one line of text, and findings compared with a table. */
#include <overmount/plan.h>

#include "support.h"

/* One finding that must come, in this order. TEXT and HINT are parts; NULL hint = anything. */
struct finding {
	uint32_t line, column, length;
	bool warning;
	enum om_status status;		/* not compared for warnings */
	const char *text, *hint;
};

#define E(line, column, length, status, text, hint) \
	{ line, column, length, false, status, text, hint }
#define W(line, column, length, text, hint) { line, column, length, true, OM_OK, text, hint }

#define FINDINGS_MAX 4u

void test_assert_findings(const char *name, const struct test_sink *sink,
			  const struct finding *findings);

struct text_buf {
	char text[4096];
	size_t len;
};

void text_add(struct text_buf *buf, const char *format, ...) OM_PRINTF(2, 3);

/*
 * Only what is not the default, in a fixed order, blanks between:
 * kernel= linux= efi= options= ramfs: initrd: overlay: file: ramdisk: root: wait= delay=
 * linuxrc= init: rdinit= devfs= keep= rrd=off module: prompt
 */
void entry_dump(const struct om_entry *entry, struct text_buf *buf);

/* A kit of one parse: memory, arena, sink and entry (static: it is large). */
struct entry_kit {
	struct test_mem mem;
	struct om_arena arena;
	struct test_sink sink;
	struct om_entry *entry;
};

enum om_status entry_kit_parse(struct entry_kit *kit, struct om_str text, bool global);
void entry_kit_release(struct entry_kit *kit);

#endif
