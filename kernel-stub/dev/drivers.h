/* SPDX-License-Identifier: MIT */
#ifndef DEV_DRIVERS_H
#define DEV_DRIVERS_H
/* The drivers that devices.c starts. */

void virtio_blk_init(void);
/* Disks that were plugged in since. */
void virtio_blk_look(void);
void virtio_blk_release_late(void);

#endif
