/* SPDX-License-Identifier: MIT */
/*
 * The table of keys against what people read: docs/boot-entry.md and overmount.conf(5) have
 * every key with its type, default and meaning, and no other; the examples are right.
 */
#include "entry_support.h"

#define DOC "docs/boot-entry.md"
#define MAN "man/overmount.conf.5"

static const char *type_text(enum om_key_type type)
{
	static const char *const texts[] = {
		[OM_TYPE_TEXT] = "text", [OM_TYPE_PATH] = "path", [OM_TYPE_PATHS] = "paths",
		[OM_TYPE_FILE] = "file", [OM_TYPE_ROOT] = "root", [OM_TYPE_WORDS] = "words",
		[OM_TYPE_MILLISECONDS] = "seconds", [OM_TYPE_SECONDS] = "seconds",
		[OM_TYPE_CHOICE] = "choice", [OM_TYPE_BOOLEAN] = "boolean",
	};

	return texts[type];
}

/* "one of `ro`, `rw`" */
static void add_choices(struct text_buf *buf, const char *choices)
{
	text_add(buf, "one of `");
	for (; *choices; choices++)
		if (*choices == '|')
			text_add(buf, "`, `");
		else
			text_add(buf, "%c", *choices);
	text_add(buf, "`");
}

static void table_row(const struct om_key_info *key, struct text_buf *buf)
{
	const char *quote = key->default_text[0] ? "`" : "";

	buf->len = 0;
	text_add(buf, "\n| `%s` | ", key->name);
	if (key->choices)
		add_choices(buf, key->choices);
	else
		text_add(buf, "%s", type_text(key->type));
	text_add(buf, "%s | %s%s%s | %s |\n", key->repeatable ? ", repeatable" : "", quote,
		 key->default_text[0] ? key->default_text : "none", quote, key->summary);
}

static void man_item(const struct om_key_info *key, struct text_buf *buf)
{
	buf->len = 0;
	text_add(buf, "\n.It Ic %s", key->name);
	if (key->choices)
		text_add(buf, " Ar %s", key->choices);
	text_add(buf, "\n.Pq %s%s, default %s\n%s\n", type_text(key->type),
		 key->repeatable ? ", repeatable" : "",
		 key->default_text[0] ? key->default_text : "none", key->summary);
}

/* Lines beginning with START and the rows of the tables under HEAD (NULL: anywhere). */
static size_t count_lines(const char *text, const char *head, const char *start)
{
	const char *at = text, *end;
	size_t count = 0;

	while ((at = strstr(at, head ? head : start))) {
		end = head ? strstr(at, "\n\n") : at + 1;
		for (at += head ? 1 : 0; head && at && at < end; at++)
			count += strncmp(at, start, strlen(start)) == 0;
		if (!head) {
			count++;
			at++;
		}
	}
	return count;
}

static void every_key(const char *path, const char *text,
		      void (*compose)(const struct om_key_info *key, struct text_buf *buf))
{
	struct text_buf buf;

	for (int i = 0; i < OM_KEY_COUNT; i++) {
		compose(&om_entry_keys[i], &buf);
		if (!strstr(text, buf.text))
			fail_msg("%s does not have:%s", path, buf.text);
	}
}

static void document(void **state)
{
	size_t len;
	char *text = test_read_file(DOC, &len);

	(void)state;
	every_key(DOC, text, table_row);
	assert_int_equal(count_lines(text, "| key | value | default | meaning |", "\n| `"), OM_KEY_COUNT);
	free(text);
}

static void manual_page(void **state)
{
	size_t len;
	char *text = test_read_file(MAN, &len);

	(void)state;
	every_key(MAN, text, man_item);
	assert_int_equal(count_lines(text, NULL, "\n.It Ic "), OM_KEY_COUNT);
	free(text);
}

/* Each block of the document is an entry without a finding. */
static void examples(void **state)
{
	static const char start[] = "\n```conf\n";
	struct entry_kit kit;
	size_t len, count = 0;
	char *text = test_read_file(DOC, &len), *at = text, *end;

	(void)state;
	while ((at = strstr(at, start))) {
		at += sizeof(start) - 1;
		end = strstr(at, "```");
		assert_non_null(end);
		if (entry_kit_parse(&kit, (struct om_str){ at, (size_t)(end - at) }, false) != OM_OK ||
		    kit.sink.count != 0) {
#ifdef OM_SMALL_LIMITS
			assert_true(test_sink_has(&kit.sink, "more than"));
#else
			test_sink_print(&kit.sink);
			fail_msg("%s: an example has findings:\n%.*s", DOC, (int)(end - at), at);
#endif
		}
		entry_kit_release(&kit);
		at = end;
		count++;
	}
	assert_true(count >= 5);
	free(text);
}

/* What is called the default is what happens when nothing is said. */
static void defaults(void **state)
{
	struct text_buf nothing, said;
	struct entry_kit kit;

	(void)state;
	assert_int_equal(entry_kit_parse(&kit, OM_STR(""), false), OM_OK);
	entry_dump(kit.entry, &nothing);
	entry_kit_release(&kit);
	for (int i = 0; i < OM_KEY_COUNT; i++) {
		const struct om_key_info *key = &om_entry_keys[i];
		char line[64];
		bool mode;

		assert_true((key->type == OM_TYPE_CHOICE || key->type == OM_TYPE_BOOLEAN) ==
			    (key->choices != NULL));
		if (!key->choices && key->type != OM_TYPE_MILLISECONDS)
			continue;
		snprintf(line, sizeof(line), "%s %s\n", key->name, key->default_text);
		assert_int_equal(entry_kit_parse(&kit, om_str_from(line), true), OM_OK);
		entry_dump(kit.entry, &said);
		assert_string_equal(said.text, nothing.text);
		assert_int_equal(kit.entry->log_level, 2);
		/* "not said" and "ro" are told apart, but mean the same */
		mode = kit.entry->root_default.mode == OM_MODE_RW;
		assert_false(mode);
		entry_kit_release(&kit);
	}
}

static void table_is_sound(void **state)
{
	(void)state;
	for (int i = 0; i < OM_KEY_COUNT; i++) {
		const struct om_key_info *key = &om_entry_keys[i];

		assert_non_null(key->name);
		assert_int_equal(key->summary[strlen(key->summary) - 1], '.');
		assert_true(key->global == (i >= OM_KEY_TIMEOUT));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(key->name, om_entry_keys[j].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(document),
		cmocka_unit_test(manual_page),
		cmocka_unit_test(examples),
		cmocka_unit_test(defaults),
	};

	return cmocka_run_group_tests_name("keys_doc", tests, NULL, NULL);
}
