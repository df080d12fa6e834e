/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_LINUX_LAYER_H
#define TOOLS_LINUX_LAYER_H
/* What an absolute root needs to boot a stock Linux: our /init, and kernel modules in their order. */
#include "host.h"

#define LINUX_RELEASES_MAX	8
#define LINUX_MODULES_MAX	128

struct linux_layer {
	const char *init;		/* NULL: the one beside this program */
	const char *releases[LINUX_RELEASES_MAX];
	int release_count;
	const char *modules[LINUX_MODULES_MAX];
	int module_count;
	const char *directory;		/* has a folder for each release; NULL: /lib/modules */
};

/* TREE gets the layer; its bytes live in STORE. */
int linux_layer_add(const struct linux_layer *wanted, struct om_tree *tree,
		    struct layer_store *store);

#endif
