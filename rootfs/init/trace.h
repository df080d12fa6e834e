/* SPDX-License-Identifier: MIT */
#ifndef ROOTFS_INIT_TRACE_H
#define ROOTFS_INIT_TRACE_H
/*
 * /linuxrc as PID 1, watched by a child of it: linuxrc.c tells the story, trace.c does ptrace(),
 * choice.c has the two files that modern kernels do not.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* PID 1 finds its end of the socket here after it has been made to run this program again. */
#define FIRST_SOCKET	1000

/* -- choice.c ------------------------------------------------------------------------------- */

/* The number is that of DEVICE's major and minor, until something else is written. */
int choice_open(uint32_t major, uint32_t minor);
void choice_close(void);
/*
 * TID is about to open PATH (FOR_WRITE: and may change it).  True: it is one of the files, and
 * RET_PATH (of SIZE) is what to open in its place.
 */
bool choice_path(pid_t tid, const char *path, bool for_write, char *ret_path, size_t size);
/* It will open that. */
void choice_opened(void);

/* -- trace.c -------------------------------------------------------------------------------- */

/* From now on PID 1 and what it starts stop for us at every system call; it is stopped already. */
int trace_start(void);
/*
 * Until PID 1 wants to end or is killed: true, *RET_STATUS as of wait(2), and it is stopped for
 * good.  False: it has become the system's init; INITRD is the device of the initrd's root.
 */
bool trace_run(dev_t initrd, int *ret_status);
/* Make it run PROGRAM (a descriptor of ours) with SOCKET as FIRST_SOCKET; 0 or -errno. */
int trace_replace(int program, int socket);
/* Let everybody go. */
void trace_end(void);

#endif
