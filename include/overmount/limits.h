/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_LIMITS_H
#define OVERMOUNT_LIMITS_H
/*
 * Every limit of the library, on one page.  A build with -DOM_SMALL_LIMITS makes them tiny,
 * so that tests reach each edge cheaply.
 */
#ifdef OM_SMALL_LIMITS
#define OM_ENTRY_BYTES_MAX	4096u
#define OM_ENTRY_LINES_MAX	64u
#define OM_LAYERS_MAX		4u
#define OM_IMAGES_MAX		2u
#define OM_VOLUMES_MAX		3u
#define OM_CANDIDATES_MAX	3u
#define OM_MODULES_MAX		4u
#define OM_ARGS_MAX		4u
#define OM_ARENA_CHUNK		512u
#define OM_MEMBERS_MAX		64u
#define OM_FAILURE_MAX		128u
#define OM_FAILURE_LINES_MAX	4u
#define OM_FAILURE_LINE_MAX	40u
#else
#define OM_ENTRY_BYTES_MAX	65536u	/* a boot entry file; systemd-boot reads no more either */
#define OM_ENTRY_LINES_MAX	1024u
#define OM_LAYERS_MAX		64u	/* ramfs + overlay + file + initrd lines */
#define OM_IMAGES_MAX		16u	/* ram disks; Linux' brd has 16 by default */
#define OM_VOLUMES_MAX		64u	/* floppies in one ramdisk line */
#define OM_CANDIDATES_MAX	16u	/* root lines */
#define OM_MODULES_MAX		128u
#define OM_ARGS_MAX		32u	/* words of init; the kernel's own MAX_INIT_ARGS */
#define OM_ARENA_CHUNK		65536u	/* bytes asked from the port at once */
#define OM_MEMBERS_MAX		4194304u /* members of one absolute root image */
#define OM_FAILURE_MAX		2048u	/* bytes in the firmware's memory */
#define OM_FAILURE_LINES_MAX	24u	/* of it that a menu shows: a screen has 25 */
#define OM_FAILURE_LINE_MAX	160u	/* two rows of a screen */
#endif

#define OM_PATH_MAX		4096u	/* with the NUL, as in Linux; newc name fields too */
#define OM_NAME_MAX		255u	/* one component */
#define OM_VOLUME_LABEL_MAX	36u	/* of GPT names; FAT has 11 */
#define OM_PARTLABEL_MAX	108u	/* bytes of a GPT name as UTF-8 */
#define OM_FSTYPE_MAX		32u	/* with NUL; the longest that libblkid has takes 27 */
#define OM_LABEL_MAX		256u	/* bytes of a file system's; btrfs has most */
#define OM_DEPTH_MAX		256u	/* components of one path */
#define OM_SYMLINKS_MAX		40u	/* followed in one resolution, as in Linux */
#define OM_CMDLINE_MAX		4096u	/* options, joined */
#define OM_LINUX_CMDLINE_MAX	2047u	/* of them that a stock Linux reads: x86's COMMAND_LINE_SIZE without the NUL */
#define OM_DESCRIPTOR_MAX	65536u
#define OM_DIAG_TEXT_MAX	256u
#define OM_DIAG_HINT_MAX	160u
#define OM_LOG_LINE_MAX		512u
#define OM_PAGE_SIZE		4096u
#define OM_IMAGE_PROBE_BYTES	69632u	/* a superblock (btrfs: at 64 KiB) lies inside this head */

#endif
