/* SPDX-License-Identifier: MIT */
/* What boot entries say of the system that they boot: its id, its name, its command line. */
#include <stdlib.h>
#include <string.h>

#include "install.h"

#define TEXT_MAX (64u << 10)

/* The head of ROOT/PATH, or NULL; files of /proc have no size. */
static char *read_text(const char *root, const char *path)
{
	char *full = xprintf("%s/%s", root, path), *text = NULL;
	FILE *file = fopen(full, "re");
	size_t len;

	if (file) {
		text = xalloc(TEXT_MAX);
		len = fread(text, 1, TEXT_MAX - 1, file);
		text[len] = '\0';
		fclose(file);
	}
	free(full);
	return text;
}

static char *read_first(const char *root, const char *const *paths)
{
	char *text = NULL;

	for (; !text && *paths; paths++)
		text = read_text(root, *paths);
	return text;
}

/* ------------------------------------------------------------------ who it is */

static char *machine_id(const char *root)
{
	char *text = read_text(root, "etc/machine-id");

	if (text && strspn(text, "0123456789abcdef") == 32 && (!text[32] || text[32] == '\n')) {
		text[32] = '\0';
		return text;
	}
	free(text);
	return xprintf("%s", "");
}

/* NAME=VALUE as a shell would read it; only blanks and quotes are known here. */
static char *release_value(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text && *text) {
		size_t line = strcspn(text, "\n");

		if (line > len && strncmp(text, name, len) == 0 && text[len] == '=') {
			const char *value = text + len + 1;
			size_t size = line - len - 1;

			while (size && strchr(" \t\r", value[size - 1]))
				size--;
			if (size >= 2 && (*value == '"' || *value == '\'') &&
			    value[size - 1] == *value) {
				value++;
				size -= 2;
			}
			return size ? xstrndup(value, size) : NULL;
		}
		text += line + (text[line] == '\n');
	}
	return NULL;
}

/* ------------------------------------------------------------------ the command line */

/* The length of a word as Linux cuts them: blanks inside double quotes belong to it. */
static size_t word_length(const char *text)
{
	bool quoted = false;
	size_t len;

	for (len = 0; text[len] && (quoted || !strchr(" \t\r\n", text[len])); len++)
		if (text[len] == '"')
			quoted = !quoted;
	return len;
}

/* What the loader before us added for itself. */
static bool of_a_loader(const char *word)
{
	return strncmp(word, "BOOT_IMAGE=", 11) == 0 || strncmp(word, "initrd=", 7) == 0;
}

/* One line of words; BOOTED: without what a loader added. */
static char *one_line(const char *text, bool booted)
{
	char *line = xalloc(strlen(text) + 2);
	size_t used = 0, len;

	for (;;) {
		text += strspn(text, " \t\r\n");
		if (!*text)
			break;
		len = word_length(text);
		if (!booted || !of_a_loader(text)) {
			if (used)
				line[used++] = ' ';
			memcpy(line + used, text, len);
			used += len;
		}
		text += len;
	}
	return line;
}

/* Files of /etc may have lines that are comments. */
static void blank_comments(char *text)
{
	while (*text) {
		size_t line = strcspn(text, "\n");

		if (text[strspn(text, " \t")] == '#')
			memset(text, ' ', line);
		text += line + (text[line] == '\n');
	}
}

static char *kernel_options(const struct install *install)
{
	static const char *const files[] = { "etc/kernel/cmdline", "usr/lib/kernel/cmdline", NULL };
	char *text, *line;
	bool booted = false;

	if (install->options)
		return one_line(install->options, false);
	text = read_first(install->root, files);
	if (text) {
		blank_comments(text);
	} else if (strcmp(install->root, "/") == 0) {
		/* That of the running system is only the right one for this very system. */
		text = read_text("/", "proc/cmdline");
		booted = true;
	}
	line = one_line(text ? text : "", booted);
	free(text);
	return line;
}

void system_facts_read(struct system_facts *facts, const struct install *install)
{
	static const char *const releases[] = { "etc/os-release", "usr/lib/os-release", NULL };
	char *release = read_first(install->root, releases);

	facts->machine_id = machine_id(install->root);
	facts->id = release_value(release, "ID");
	facts->title = release_value(release, "PRETTY_NAME");
	if (!facts->id)
		facts->id = xprintf("linux");
	if (!facts->title)
		facts->title = xprintf("Linux");
	facts->options = kernel_options(install);
	free(release);
}

void system_facts_release(struct system_facts *facts)
{
	free(facts->machine_id);
	free(facts->id);
	free(facts->title);
	free(facts->options);
}
