/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_DISK_H
#define TOOLS_DISK_H
/* Disk images, made without root and the same every time. */
#include "host.h"

/* Names of a tree, sorted within each directory, a directory before what is in it. */
struct tree_list {
	struct om_arena arena;
	const char **paths;		/* relative to the tree */
	uint64_t *sizes;
	int64_t *times;
	bool *directories;
	size_t count, room;
	int64_t newest;
	uint64_t data_bytes;		/* in clusters of 4 KiB */
};

int tree_list_read(struct tree_list *list, const char *directory);
void tree_list_release(struct tree_list *list);

/* SIZE_MIB 0: as much as DIRECTORY needs. */
int disk_esp(const char *output, uint64_t size_mib, const char *directory);

struct root_options {
	uint64_t size_mib;
	const char *type, *uuid, *label;
	bool keep_owners;
};

int disk_root(const char *output, const struct root_options *options, const char *directory);

/* PARTS: FILE[:TYPE[:NAME[:PARTUUID]]] */
int disk_gpt(const char *output, int count, char **parts);

bool uuid_is(const char *text);
/* A UUID (version 8 form) made of what is given, the same every time. */
void uuid_derive(const char *what, uint64_t number, char ret_text[37]);
/* An empty file of SIZE bytes beside OUTPUT, to be renamed when it is filled; NULL after a message. */
char *disk_begin(const char *output, uint64_t size);
/* RESULT DONE: it gets its name; else it goes. Gives RESULT back; frees TEMPORARY. */
int disk_end(char *temporary, const char *output, int result);

#endif
