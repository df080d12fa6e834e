/* SPDX-License-Identifier: MIT */
/* All devices, in the order in which they can be used. */
#include "console.h"
#include "drivers.h"

void devices_init(void)
{
	virtio_blk_init();
	tty_init();
}
