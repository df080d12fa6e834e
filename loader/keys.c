/* SPDX-License-Identifier: MIT */
/* The one table of keys; docs/boot-entry.md and overmount.conf(5) are checked against it. */
#include <overmount/entry.h>

#define KEY(id, name, type, repeatable, global, choices, default_text, summary) \
	[id] = { name, type, repeatable, global, choices, default_text, summary }

const struct om_key_info om_entry_keys[OM_KEY_COUNT] = {
	/* Boot Loader Specification, type #1 */
	KEY(OM_KEY_TITLE, "title", OM_TYPE_TEXT, false, false, NULL, "",
	    "What the menu shows; without it the name of the file."),
	KEY(OM_KEY_VERSION, "version", OM_TYPE_TEXT, false, false, NULL, "",
	    "Version, by which entries are put in order, newest first."),
	KEY(OM_KEY_MACHINE_ID, "machine-id", OM_TYPE_TEXT, false, false, NULL, "",
	    "The installation the entry belongs to."),
	KEY(OM_KEY_SORT_KEY, "sort-key", OM_TYPE_TEXT, false, false, NULL, "",
	    "Group of the entry in the menu; entries with it come before those without."),
	KEY(OM_KEY_LINUX, "linux", OM_TYPE_PATH, false, false, NULL, "",
	    "A Linux kernel with the EFI stub; the absolute root becomes its initrd."),
	KEY(OM_KEY_INITRD, "initrd", OM_TYPE_PATHS, true, false, NULL, "",
	    "An archive laid over the absolute root, or a file-system image (by content): "
	    "a classic initrd, which becomes ram disk 0."),
	KEY(OM_KEY_EFI, "efi", OM_TYPE_PATH, false, false, NULL, "",
	    "Another EFI program that is just started."),
	KEY(OM_KEY_OPTIONS, "options", OM_TYPE_TEXT, true, false, NULL, "",
	    "The kernel command line; the classic root parameters in it are understood."),
	KEY(OM_KEY_ARCHITECTURE, "architecture", OM_TYPE_TEXT, false, false, NULL, "x64",
	    "The machine the entry is for; any other than x64 is refused."),
	/* ours */
	KEY(OM_KEY_KERNEL, "kernel", OM_TYPE_PATH, false, false, NULL, "",
	    "A kernel for the handoff protocol, ELF64."),
	KEY(OM_KEY_RAMFS, "ramfs", OM_TYPE_PATH, true, false, NULL, "",
	    "Base layer of the absolute root: a directory, or a cpio or tar archive."),
	KEY(OM_KEY_OVERLAY, "overlay", OM_TYPE_PATH, true, false, NULL, "",
	    "A further layer, laid over those before it in the file."),
	KEY(OM_KEY_FILE, "file", OM_TYPE_FILE, true, false, NULL, "mode=0644 uid=0 gid=0",
	    "One file of the boot volume, put at one place of the absolute root."),
	KEY(OM_KEY_ROOT, "root", OM_TYPE_ROOT, true, false, NULL, "",
	    "One candidate for the final root; the first that works is taken."),
	KEY(OM_KEY_ROOT_FSTYPE, "root-fstype", OM_TYPE_TEXT, false, false, NULL, "",
	    "File system types for every candidate that names none; "
	    "without it every type the kernel has."),
	KEY(OM_KEY_ROOT_FLAGS, "root-flags", OM_TYPE_TEXT, false, false, NULL, "",
	    "Mount options for every candidate that has none."),
	KEY(OM_KEY_ROOT_MODE, "root-mode", OM_TYPE_CHOICE, false, false, "ro|rw", "ro",
	    "How a candidate that does not say is mounted."),
	KEY(OM_KEY_ROOT_WAIT, "root-wait", OM_TYPE_MILLISECONDS, false, false, NULL, "0",
	    "How long to wait for a candidate to appear, or forever."),
	KEY(OM_KEY_ROOT_DELAY, "root-delay", OM_TYPE_MILLISECONDS, false, false, NULL, "0",
	    "How long to wait before the first look at the candidates."),
	KEY(OM_KEY_RAMDISK, "ramdisk", OM_TYPE_PATHS, true, false, NULL, "index=next start=0",
	    "An image, in one or more volumes, that becomes /dev/ramN."),
	KEY(OM_KEY_RAMDISK_PROMPT, "ramdisk-prompt", OM_TYPE_BOOLEAN, false, false, "yes|no", "no",
	    "Ask before each volume of a ram disk: by number and label, until it is right."),
	KEY(OM_KEY_LINUXRC, "linuxrc", OM_TYPE_CHOICE, false, false, "auto|no|PATH", "auto",
	    "The program of a classic initrd that runs before the final root is mounted."),
	KEY(OM_KEY_INIT, "init", OM_TYPE_WORDS, false, false, NULL, "",
	    "The program that becomes PID 1, and its arguments; without it "
	    "/sbin/init, /bin/init, /etc/init and /bin/sh are tried."),
	KEY(OM_KEY_DEVFS, "devfs", OM_TYPE_CHOICE, false, false, "no|initrd|root|both", "both",
	    "Where device nodes are mounted on /dev."),
	KEY(OM_KEY_MODULE, "module", OM_TYPE_PATHS, true, false, NULL, "",
	    "Kernel modules of the absolute root, in the order in which they are loaded."),
	KEY(OM_KEY_KEEP_RAMFS, "keep-ramfs", OM_TYPE_CHOICE, false, false, "no|skeleton|yes",
	    "skeleton",
	    "What is left of the absolute root once the final root covers it."),
	KEY(OM_KEY_REAL_ROOT_DEV, "real-root-dev", OM_TYPE_CHOICE, false, false, "compat|off",
	    "compat",
	    "Whether /proc/sys/kernel/real-root-dev exists for a classic initrd."),
	KEY(OM_KEY_INITRD_ATTACH, "initrd-attach", OM_TYPE_CHOICE, false, false, "loop|ramdisk|pmem",
	    "loop",
	    "How a stock Linux gets the device of a ram disk's image: a loop device, a writable "
	    "copy, or the firmware's RAM disk without any copy."),
	KEY(OM_KEY_ROOT_OVERLAY, "root-overlay", OM_TYPE_CHOICE, false, false, "no|tmpfs", "no",
	    "A writable layer in memory over the final root, which itself stays read-only."),
	KEY(OM_KEY_ROOT_VERITY, "root-verity", OM_TYPE_WORDS, false, false, NULL, "",
	    "The root hash of dm-verity, through which the final root is read."),
	/* overmount.conf only */
	KEY(OM_KEY_TIMEOUT, "timeout", OM_TYPE_SECONDS, false, true, NULL, "5",
	    "How long the menu waits for a key before it boots, or forever."),
	KEY(OM_KEY_DEFAULT, "default", OM_TYPE_TEXT, false, true, NULL, "",
	    "Which entry is chosen first: a file name, with *, ? and [a-z], or @saved; "
	    "without it the first that has no error."),
	KEY(OM_KEY_CONSOLE, "console", OM_TYPE_CHOICE, false, true, "auto|text|serial|both", "auto",
	    "Where the stage writes."),
	KEY(OM_KEY_LOG_LEVEL, "log-level", OM_TYPE_CHOICE, false, true, "error|warning|info|debug",
	    "info",
	    "How much the stage says; 0 to 3 mean the same."),
};
