/* SPDX-License-Identifier: MIT */
/* The file systems that this kernel has; those with a device are tried in this order. */
#include "boot.h"
#include "device.h"
#include "vfs.h"

int vfs_init(void)
{
	register_filesystem(&ramfs_type);
	register_filesystem(&tmpfs_type);
	register_filesystem(&devfs_type);
	register_filesystem(&devtmpfs_type);
	register_filesystem(&proc_type);
	register_filesystem(&ext2_type);
	register_filesystem(&ext3_type);
	register_filesystem(&ext4_type);
	register_filesystem(&minix_type);
	register_filesystem(&romfs_type);
	register_filesystem(&cramfs_type);
	register_filesystem(&squashfs_type);
	register_filesystem(&erofs_type);
	if (memfd_init() < 0)
		return -ENOMEM;
	return memory_devices_register();
}
