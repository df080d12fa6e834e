/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_VERSION_H
#define OVERMOUNT_VERSION_H
/* What `overmount --version` says, and the stage to the operating system. */
#define OVERMOUNT_VERSION "0.1.0"

#endif
