/* SPDX-License-Identifier: MIT */
#ifndef DEV_DRIVERS_H
#define DEV_DRIVERS_H
/* The drivers that devices_init() starts. */

void virtio_blk_init(void);

#endif
