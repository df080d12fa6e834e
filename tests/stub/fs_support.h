/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STUB_FS_SUPPORT_H
#define TESTS_STUB_FS_SUPPORT_H
/* The disk of a test, a small world to mount it in, and programs to judge it. */
#include "port_host.h"

/* The one disk, /dev/disk in the world. */
extern struct host_disk *disk;
/* A directory of this program's own below TMPDIR, removed at exit. */
const char *scratch(void);
/* A shell command made by printf, in the scratch directory: its exit status. */
int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As above, its output (NUL-terminated, to be freed); the test fails if the command does. */
char *shell_output(const char *format, ...) __attribute__((format(printf, 1, 2)));

void disk_load(const char *name);	/* file in the scratch directory */
void disk_store(const char *name);
void disk_copy(const uint8_t *bytes, size_t size);
void disk_reset(void);			/* as if it had just come: nothing cached or counted */
void disk_free(void);

/* A ramfs with /dev/disk and /mnt, root as the current task; the end checks that nothing leaked. */
void world_begin(void);
void world_end(void);
int world_mount(const char *type, unsigned flags, const char *data);	/* disk on /mnt */
int world_umount(void);
struct fs_struct *world_fs(void);

int stat_at(const char *name, bool follow, struct inode *ret_copy);
int read_file(const char *name, uint64_t pos, void *buf, size_t size);	/* bytes or -errno */
int write_file(const char *name, unsigned flags, uint64_t pos, const void *buf, size_t size);
int truncate_file(const char *name, uint64_t size);
int read_link(const char *name, char *buf, size_t size);
int chmod_file(const char *name, uint32_t mode, uint32_t uid, uint32_t gid);
/* Names sorted, each followed by a newline, without . and ..; to be freed, NULL on failure. */
char *list_dir(const char *name, int *ret_err);
int link_file(const char *old, const char *name);
int rename_file(const char *old, const char *name);

/* Bytes that depend on SEED and their place only. */
void pattern(uint8_t *buf, size_t size, uint64_t seed, uint64_t pos);
/* Store the disk and let e2fsck -fn judge it: its exit status; the report goes to stderr. */
int e2fsck(const char *name);

#endif
