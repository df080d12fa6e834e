/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>
#include "init.h"
int world_run_linuxrc(void *ctx, const char *root, const char *program, int *ret_status)
{ (void)ctx, (void)root, (void)program, (void)ret_status; return -ENOSYS; }
void world_linuxrc_choice(void *ctx, struct om_choice *ret_choice) { (void)ctx; ret_choice->candidate_count = 0; }
void first_wait(int fd) { (void)fd; _exit(1); }
int first_exec(const char *path, const char *const *argv) { (void)path, (void)argv; return -ENOSYS; }
