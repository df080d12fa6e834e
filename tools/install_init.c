/* SPDX-License-Identifier: MIT */
/* --module: an archive with our /init for each kernel, and what its entry says of the root. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "install.h"

/* Drivers find their disks while we look already. */
#define ROOT_WAIT	"root-wait  10\n"

bool install_init_wanted(const struct install *install)
{
	return install->init.module_count > 0 || install->modules_of_root;
}

/* The root= of the options as a line of the entry; NULL: there is none that /init can look for. */
static char *root_line(const struct om_entry *entry)
{
	const struct om_rootspec *spec = &entry->root.candidates[0].spec;
	struct om_str text = entry->candidates_at[0].text;
	bool nfs = spec->kind == OM_ROOT_NFS && spec->text.len > 0;
	const char *quote;

	if (entry->root.candidate_count != 1 || om_rootspec_is_ram(spec))
		return NULL;
	if (nfs)
		text = spec->text;
	quote = memchr(text.ptr, ' ', text.len) ? "\"" : "";
	return xprintf("root       %s%s%.*s%s\n", quote, nfs ? "nfs:" : "", (int)text.len, text.ptr,
		       quote);
}

/* With the time that it may take to appear; NULL as above. */
static char *root_lines(const char *options)
{
	char *text = xprintf("linux /linux\noptions %s\n", options), *line = NULL, *lines = NULL;
	struct om_entry *entry = xalloc(sizeof(*entry));
	struct om_arena arena;

	om_arena_init(&arena, &host_mem);
	if (om_entry_parse(om_str_from(text), om_str_from("options"), false, &arena, NULL, entry) ==
	    OM_OK)
		line = root_line(entry);
	if (line)
		lines = xprintf("%s%s", line, entry->root.wait_ms ? "" : ROOT_WAIT);
	free(line);
	om_arena_release(&arena);
	free(entry);
	free(text);
	return lines;
}

int install_init_begin(struct install *install, const char *options, char **ret_root)
{
	int result = DONE;

	*ret_root = root_lines(options);
	if (!*ret_root) {
		refuse(NULL, "--module: the options name no root= that /init can look for");
		hint("such as --options 'root=UUID=... ro'; overmount.conf(5) has the forms of a root");
		return REFUSED;
	}
	if (install->modules_of_root)
		result = root_aliases(install->root, &install->init);
	if (result == DONE)
		install->work = temporary_directory();
	return install->work ? DONE : REFUSED;
}

int install_init_want(struct install *install, char *path, const char *version, bool *ret_done)
{
	struct om_tree_options options = { .source_date_epoch = source_date_epoch(INT64_MAX) };
	struct linux_layer layer = install->init;
	char *directory = layer.directory ? xprintf("%s", layer.directory) :
			  xprintf("%s/lib/modules", strcmp(install->root, "/") ? install->root : "");
	char *modules = xprintf("%s/%s", directory, version), *init = NULL, *made;
	int result = DONE;

	*ret_done = access(modules, F_OK) == 0;
	if (!*ret_done) {
		install_say("skip", "", "an entry without an initramfs for %s: there is no %s", version,
			    modules);
		free(path);
		goto free;
	}
	layer.directory = directory;
	linux_layer_release(&layer, version);
	if (!layer.init)
		layer.init = init = install_program(install, "linux/init");
	made = xprintf("%s/%s", install->work, version);
	result = linux_layer_archive(&layer, 0, NULL, &options, made);
	install_want(install, path, made, NULL);
free:
	free(init);
	free(modules);
	free(directory);
	return result;
}
