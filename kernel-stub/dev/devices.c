/* SPDX-License-Identifier: MIT */
/* All devices, in the order in which they can be used. */
#include "console.h"
#include "drivers.h"
#include "pci.h"

void devices_init(void)
{
	virtio_blk_init();
	tty_init();
}

void devices_look(void)
{
	pci_power_slots();
	virtio_blk_look();
}

void devices_release_late(void)
{
	virtio_blk_release_late();
}
