/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_LINUX_LAYER_H
#define TOOLS_LINUX_LAYER_H
/* What an absolute root needs to boot a stock Linux: our /init, and kernel modules in their order. */
#include "host.h"

#define LINUX_RELEASES_MAX	8
#define LINUX_MODULES_MAX	128
#define LINUX_ALIASES_MAX	64

struct linux_layer {
	const char *init;		/* NULL: the one beside this program */
	const char *releases[LINUX_RELEASES_MAX];
	int release_count;
	const char *modules[LINUX_MODULES_MAX];
	int module_count;
	const char *aliases[LINUX_ALIASES_MAX];	/* what a release does not know is left out */
	int alias_count;
	const char *directory;		/* has a folder for each release; NULL: /lib/modules */
};

/* The options that say it on a command line. */
enum { LINUX_OPTION_MODULE = 1000, LINUX_OPTION_DIRECTORY, LINUX_OPTION_INIT };
#define LINUX_LAYER_OPTIONS \
	{ "module", required_argument, NULL, LINUX_OPTION_MODULE }, \
	{ "modules-dir", required_argument, NULL, LINUX_OPTION_DIRECTORY }, \
	{ "init", required_argument, NULL, LINUX_OPTION_INIT }
/* False: too many of them. */
bool linux_layer_option(struct linux_layer *layer, int option, const char *value);
bool linux_layer_release(struct linux_layer *layer, const char *release);

/* Is anything of it asked for? */
bool linux_layer_wanted(const struct linux_layer *layer);

/* ------------------------------------------------------------------ linux_files.c */

/*
 * The whole file, without the compression that its name tells of: without such an ending it is as the
 * kernel wants it, whatever it looks like.
 */
int unpacked_read(const char *path, uint8_t **ret_bytes, size_t *ret_len);
/* Where the kernel looks, in its order, beside DIRECTORY; NULL: it is nowhere. */
char *firmware_find(const char *directory, const char *release, const char *name);

/* ------------------------------------------------------------------ linux_layer.c */

/* OUTPUT becomes an archive of FIRST, if it is wanted, and of COUNT further LAYERS over it. */
int linux_layer_archive(const struct linux_layer *first, int count, char *const *layers,
			const struct om_tree_options *options, const char *output);

#endif
