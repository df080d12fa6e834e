/* SPDX-License-Identifier: MIT */
/* The plan: what an entry and the files it names come to, and what contradicts itself. */
#include "entry_support.h"

/*
 * The facts of a case, one word for each file: "K" kernel kind, then the layers and the ram
 * disks in the order of the entry.  NULL: nobody has looked.
 *	cpio tar gzip ext2 romfs ? (not recognised) dir gone empty; :N gives the size in bytes
 */
struct plan_case {
	const char *name, *text;
	const char *kernel, *layers, *ramdisks;
	uint64_t memory;
	const char *expected;		/* dump of the plan; NULL when refused */
	struct finding findings[FINDINGS_MAX];
};

static void set_facts(const char **words, struct om_file_facts *facts)
{
	static const struct {
		const char *word;
		enum om_image_kind kind;
	} kinds[] = {
		{ "cpio", OM_IMAGE_CPIO }, { "tar", OM_IMAGE_TAR }, { "gzip", OM_IMAGE_GZIP }, { "lzo", OM_IMAGE_LZO },
		{ "ext2", OM_IMAGE_EXT2 }, { "romfs", OM_IMAGE_ROMFS }, { "?", OM_IMAGE_UNKNOWN },
		{ "dir", OM_IMAGE_UNKNOWN }, { "gone", OM_IMAGE_UNKNOWN }, { "empty", OM_IMAGE_UNKNOWN },
		{ "-", OM_IMAGE_UNKNOWN },
	};
	size_t len = strcspn(*words, " :"), i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].word) == len && memcmp(kinds[i].word, *words, len) == 0)
			break;
	assert_true(i < ARRAY_SIZE(kinds));
	facts->known = **words != '-';
	facts->exists = strncmp(*words, "gone", 4) != 0;
	facts->directory = strncmp(*words, "dir", 3) == 0;
	facts->size = strncmp(*words, "empty", 5) == 0 ? 0 : 1 << 20;
	facts->image = kinds[i].kind;
	*words += len;
	if (**words == ':')
		facts->size = strtoull(*words + 1, (char **)(uintptr_t)words, 10);
	while (**words == ' ')
		(*words)++;
}

static struct om_plan_facts *make_facts(const struct plan_case *c, const struct om_entry *entry)
{
	static const char *const kinds[] = { "?", "elf", "linux", "pe" };
	struct om_plan_facts *facts;
	const char *words;
	uint32_t i;

	if (!c->kernel)
		return NULL;
	facts = calloc(1, sizeof(*facts));
	assert_non_null(facts);
	facts->kernel = (struct om_file_facts){ .known = true, .exists = strcmp(c->kernel, "gone") != 0,
						.directory = strcmp(c->kernel, "dir") == 0,
						.size = 1 << 20 };
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], c->kernel) == 0)
			facts->kernel_kind = (enum om_kernel_kind)i;
	words = c->layers ? c->layers : "";
	for (i = 0; i < entry->layer_count && *words; i++)
		set_facts(&words, &facts->layers[i]);
	words = c->ramdisks ? c->ramdisks : "";
	for (i = 0; i < entry->ramdisk_count && *words; i++)
		set_facts(&words, &facts->ramdisks[i]);
	facts->memory_bytes = c->memory;
	return facts;
}

static void dump_plan(const struct om_plan *plan, struct text_buf *buf)
{
	static const char *const paths[] = { "handoff", "linux", "efi" };
	static const char *const modes[] = { "", "ro", "rw" };
	char spec[256];

	buf->len = 0;
	text_add(buf, "%s=%.*s", paths[plan->path], (int)plan->kernel.path.text.len,
		 plan->kernel.path.text.ptr);
	for (uint32_t i = 0; i < plan->layer_count; i++)
		text_add(buf, " %.*s%s", (int)plan->layers[i].source.path.text.len,
			 plan->layers[i].source.path.text.ptr,
			 plan->layers[i].untouched ? "=as-is" : "");
	assert_int_equal(plan->ramdisk_count, plan->root.ramdisk_count);
	for (uint32_t i = 0; i < plan->ramdisk_count; i++) {
		const struct om_ramdisk *ramdisk = &plan->root.ramdisks[i];

		assert_int_equal(ramdisk->index, plan->ramdisks[i].index);
		text_add(buf, " ram%u:%.*s,%llu%s%s%s", ramdisk->index, (int)ramdisk->text.len,
			 ramdisk->text.ptr, (unsigned long long)ramdisk->size,
			 ramdisk->classic_initrd ? ",classic" : "",
			 ramdisk->in_archive ? ",inside" : "",
			 ramdisk->has_digest && ramdisk->digest[31] == 0x55 ? ",digest" : "");
	}
	for (uint32_t i = 0; i < plan->root.candidate_count; i++) {
		const struct om_candidate *candidate = &plan->root.candidates[i];

		om_rootspec_format(&candidate->spec, spec, sizeof(spec));
		text_add(buf, " root:%s(%.*s;%s)", spec, (int)candidate->fstypes.len,
			 candidate->fstypes.ptr, modes[candidate->mode]);
	}
	if (plan->root.rdinit.len)
		text_add(buf, " rdinit=%.*s", (int)plan->root.rdinit.len, plan->root.rdinit.ptr);
	if (plan->path == OM_BOOT_LINUX && !plan->archive)
		text_add(buf, " bare");
	if (plan->bytes_needed)
		text_add(buf, " need=%llu", (unsigned long long)plan->bytes_needed);
}

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct plan_case cases[] = {
	/* what is booted */
	{ .name = "handoff", .text = "kernel /k\nroot /dev/vda2\n", .expected = "handoff=/k root:/dev/vda2(;)" },
	{ .name = "linux", .text = "linux /k\nroot /dev/vda2\n", .expected = "linux=/k root:/dev/vda2(;)" },
	{ .name = "efi", .text = "efi /k\n", .expected = "efi=/k" },
	{ .name = "nothing", .text = "title x\n", .findings = { E(0, 0, 0, OM_MISSING, "nothing to boot", NULL),
	  } },
	{ .name = "keys of a stock Linux", .text = "linux /k\nroot /dev/vda2\nroot-overlay tmpfs\nroot-verity "
	  HASH " hash=/dev/vdb\n", .expected = "linux=/k root:/dev/vda2(;)" },
	{ .name = "attach without a ram disk", .text = "linux /k\nroot 8:1\ninitrd-attach pmem\n",
	  .expected = "linux=/k root:8:1(;)",
	  .findings = { W(3, 15, 4, "no ram disk for 'initrd-attach'", NULL) } },
	{ .name = "keys of a stock Linux with kernel", .text = "kernel /k\nroot 8:1\nroot-overlay tmpfs\n"
	  "root-verity " HASH " hash=/dev/vdb\ninitrd-attach pmem\n",
	  .findings = { W(5, 15, 4, "no effect without 'linux'", NULL),
			E(3, 14, 5, OM_UNSUPPORTED, "'root-overlay' is for 'linux'", NULL),
			E(4, 13, 64, OM_UNSUPPORTED, "'root-verity' is for 'linux'", NULL) } },
	{ .name = "two of them", .text = "kernel /k\nlinux /l\nroot 8:1\n",
	  .findings = { E(2, 7, 2, OM_CONFLICT, "'kernel' and 'linux' exclude each other", "keep one") } },
	{ .name = "three of them", .text = "efi /e\nlinux /l\nkernel /k\nroot 8:1\n",
	  .findings = { E(2, 7, 2, OM_CONFLICT, "'kernel' and 'linux'", NULL),
			E(1, 5, 2, OM_CONFLICT, "'kernel' and 'efi'", NULL) } },
	{ .name = "this machine", .text = "kernel /k\nroot 8:1\narchitecture X64\n", .expected = "handoff=/k root:8:1(;)" },
	{ .name = "another machine", .text = "kernel /k\nroot 8:1\narchitecture aa64\n",
	  .findings = { E(3, 14, 4, OM_UNSUPPORTED, "'aa64', this machine is x64", "") } },
	{ .name = "efi with layers", .text = "efi /e\noverlay /o\nroot 8:1\nramdisk /r\n", .expected = "efi=/e root:8:1(;)",
	  .findings = { W(2, 9, 2, "layers have no effect", NULL), W(4, 9, 2, "ram disks have no effect", NULL),
			W(3, 6, 3, "root has no effect", NULL) } },
	{ .name = "an entry with errors", .text = "kernel /k\nroot vda\n",
	  .findings = { E(0, 0, 0, OM_SYNTAX, "the entry has 1 error", NULL) } },
	/* the kernel's file */
	{ .name = "kernel gone", .text = "kernel /k\nroot 8:1\n", .kernel = "gone",
	  .findings = { E(1, 8, 2, OM_MISSING, "kernel '/k' is not there", NULL) } },
	{ .name = "kernel is a directory", .text = "linux /k\nroot 8:1\n", .kernel = "dir",
	  .findings = { E(1, 7, 2, OM_TYPE, "linux '/k' is a directory; expected a Linux kernel", NULL) } },
	{ .name = "Linux as kernel", .text = "kernel /k\nroot 8:1\n", .kernel = "linux",
	  .findings = { E(1, 8, 2, OM_TYPE, "is a Linux kernel; expected an ELF64 kernel", "write 'linux' instead of 'kernel'") } },
	{ .name = "ELF as linux", .text = "linux /k\nroot 8:1\n", .kernel = "elf",
	  .findings = { E(1, 7, 2, OM_TYPE, "is an ELF64 program; expected a Linux kernel", "write 'kernel'") } },
	{ .name = "EFI program as linux", .text = "linux /k\nroot 8:1\n", .kernel = "pe",
	  .findings = { E(1, 7, 2, OM_TYPE, "is an EFI program", "write 'efi'") } },
	{ .name = "ELF as efi", .text = "efi /k\n", .kernel = "elf",
	  .findings = { E(1, 5, 2, OM_TYPE, "expected an EFI program", "write 'kernel'") } },
	{ .name = "Linux as efi is one", .text = "efi /k\n", .kernel = "linux", .expected = "efi=/k" },
	/* layers */
	{ .name = "layers", .text = "kernel /k\nramfs /b\noverlay /d\ninitrd /i\nfile /f /x\n",
	  .kernel = "elf", .layers = "tar dir cpio ?",
	  .expected = "handoff=/k /b /d /i /f need=6291456" },
	{ .name = "layer gone", .text = "kernel /k\nramfs /b\noverlay /o\n", .kernel = "elf", .layers = "cpio gone",
	  .findings = { E(3, 9, 2, OM_MISSING, "overlay '/o' is not there", NULL) } },
	{ .name = "compressed layer", .text = "kernel /k\noverlay /i.gz\n", .kernel = "elf", .layers = "gzip",
	  .findings = { E(2, 9, 5, OM_UNSUPPORTED, "overlay '/i.gz' is compressed (gzip)", "unpacked") } },
	{ .name = "compressed initrd of Linux", .text = "linux /k\ninitrd /ucode /i.gz\n", .kernel = "linux",
	  .layers = "cpio gzip", .expected = "linux=/k /ucode=as-is /i.gz=as-is bare need=5242880" },
	{ .name = "compressed layers of Linux", .text = "linux /k\nramfs /b.gz\noverlay /o\ninitrd /i\noverlay /p.gz\n",
	  .kernel = "linux", .layers = "gzip cpio cpio lzo",
	  .expected = "linux=/k /b.gz=as-is /o /i=as-is /p.gz=as-is need=7340032" },
	{ .name = "a tar as initrd of Linux is made a cpio", .text = "linux /k\ninitrd /i\n", .kernel = "linux",
	  .layers = "tar", .expected = "linux=/k /i need=4194304" },
	{ .name = "a key of ours beside an initrd", .text = "linux /k\ninitrd /i\nroot 8:1\n", .kernel = "linux",
	  .layers = "cpio", .expected = "linux=/k /i=as-is root:8:1(;) need=4194304" },
	{ .name = "a classic root beside an initrd", .text = "linux /k\ninitrd /i\noptions root=/dev/sda1 ro init=/x\n",
	  .kernel = "linux", .layers = "cpio", .expected = "linux=/k /i=as-is root:/dev/sda1(;ro) bare need=4194304" },
	{ .name = "nothing but a kernel", .text = "linux /k\noptions root=/dev/sda1\n", .kernel = "linux",
	  .expected = "linux=/k root:/dev/sda1(;) bare need=3145728" },
	{ .name = "an image for the firmware's RAM disk", .text = "linux /k\nramdisk index=2 /i\ninitrd-attach pmem\n"
	  "root /dev/ram2\n", .kernel = "linux", .ramdisks = "ext2",
	  .expected = "linux=/k ram2:/i,1048576 root:/dev/ram2(;) need=4194304" },
	{ .name = "image as a layer", .text = "kernel /k\nramfs /i\n", .kernel = "elf", .layers = "ext2",
	  .findings = { E(2, 7, 2, OM_TYPE, "ramfs '/i' is a file-system image (ext2)", "'initrd' or 'ramdisk'") } },
	{ .name = "something else", .text = "kernel /k\noverlay /x\n", .kernel = "elf", .layers = "?",
	  .findings = { E(2, 9, 2, OM_TYPE, "neither a cpio nor a tar archive nor a directory", "file SOURCE DESTINATION") } },
	{ .name = "an initrd of an unknown kind", .text = "linux /k\ninitrd /x\n", .kernel = "linux", .layers = "?",
	  .findings = { E(2, 8, 2, OM_TYPE, "neither a cpio nor a tar archive nor a file-system image",
			  "write 'ramdisk' for an image of a kind that is not known here") } },
	{ .name = "empty layer", .text = "kernel /k\noverlay /x\n", .kernel = "elf", .layers = "empty",
	  .findings = { E(2, 9, 2, OM_TYPE, "overlay '/x' is empty", NULL) } },
	{ .name = "empty file is fine", .text = "kernel /k\nfile /f /etc/x\n", .kernel = "elf", .layers = "empty",
	  .expected = "handoff=/k /f need=3145728" },
	{ .name = "directory as initrd", .text = "kernel /k\ninitrd /x\n", .kernel = "elf", .layers = "dir",
	  .findings = { E(2, 8, 2, OM_TYPE, "initrd '/x' is a directory", "'overlay'") } },
	{ .name = "directory as file", .text = "kernel /k\nfile /x /y\n", .kernel = "elf", .layers = "dir",
	  .findings = { E(2, 6, 2, OM_TYPE, "file '/x' is a directory", "'overlay'") } },
	{ .name = "digest of a directory", .text = "kernel /k\noverlay /x#sha256="
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n", .kernel = "elf", .layers = "dir",
	  .findings = { E(2, 9, 2, OM_TYPE, "which has no digest", "archive") } },
	{ .name = "two files of one place", .text = "kernel /k\nfile /a /etc/x\nfile /b //etc/./x\n",
	  .findings = { E(3, 6, 2, OM_CONFLICT, "'//etc/./x' is the place of the file of line 2", NULL) } },
	{ .name = "two files of one folder", .text = "kernel /k\nfile /a /etc/x\nfile /b /etc/x/y\n",
	  .expected = "handoff=/k /a /b" },
	{ .name = "reserved place", .text = "kernel /k\nfile /a /.overmount/x\n",
	  .findings = { E(2, 6, 2, OM_CONFLICT, "/.overmount is made by the stage", NULL) } },
	/* classic initrd */
	{ .name = "classic initrd as root", .text = "linux /k\ninitrd /i\noptions root=/dev/ram0 rw\n",
	  .kernel = "linux", .layers = "romfs:4096",
	  .expected = "linux=/k ram0:/.overmount/ramdisk.0,4096,classic,inside root:/dev/ram0(;rw) need=3149824" },
	{ .name = "classic initrd, no root", .text = "kernel /k\ninitrd /i\noptions rw rootfstype=romfs\n",
	  .kernel = "elf", .layers = "romfs:4096",
	  .expected = "handoff=/k ram0:/i,4096,classic root:/dev/ram0(romfs;rw) need=3149824" },
	{ .name = "classic initrd and a root", .text = "kernel /k\ninitrd /i\nroot 8:1\nlinuxrc /linuxrc\n",
	  .kernel = "elf", .layers = "ext2:4096",
	  .expected = "handoff=/k ram0:/i,4096,classic root:8:1(;) need=3149824" },
	{ .name = "compressed classic initrd", .text = "kernel /k\ninitrd /i.gz\nroot /dev/ram0\n",
	  .kernel = "elf", .layers = "gzip:4096",
	  .expected = "handoff=/k ram0:/i.gz,4096,classic root:/dev/ram0(;) need=3149824" },
	{ .name = "archive and classic initrd", .text = "kernel /k\ninitrd /a /i\nroot 0x100\n", .kernel = "elf",
	  .layers = "cpio:512 ext2:4096",
	  .expected = "handoff=/k /a ram0:/i,4096,classic root:1:0(;) need=3150336" },
	{ .name = "two classic initrds", .text = "kernel /k\ninitrd /a /i\n", .kernel = "elf", .layers = "ext2 ext2",
	  .findings = { E(2, 11, 2, OM_CONFLICT, "'/i' is a second classic initrd", NULL) } },
	{ .name = "classic initrd and ram disk 0", .text = "kernel /k\ninitrd /i\nramdisk /r\n", .kernel = "elf",
	  .layers = "ext2", .ramdisks = "ext2",
	  .findings = { E(3, 9, 2, OM_CONFLICT, "'/r' and '/i' are both ram disk 0", "index=") } },
	{ .name = "linuxrc without a classic initrd", .text = "kernel /k\ninitrd /i\nlinuxrc /linuxrc\n",
	  .kernel = "elf", .layers = "cpio",
	  .findings = { E(3, 9, 8, OM_CONFLICT, "'linuxrc' needs a classic initrd", NULL) } },
	{ .name = "linuxrc, nobody has looked", .text = "kernel /k\ninitrd /i\nlinuxrc /linuxrc\nroot /dev/ram0\n",
	  .expected = "handoff=/k /i root:/dev/ram0(;)" },
	{ .name = "root=/dev/ram0 and an archive", .text = "linux /k\ninitrd /i\noptions root=/dev/ram0\n",
	  .kernel = "linux", .layers = "cpio:512",
	  .expected = "linux=/k /i=as-is bare need=3146240",
	  .findings = { W(3, 14, 9, "root= is ignored", "leave it out") } },
	/* as Linux: with an initramfs root= is what its /init makes of it */
	{ .name = "classic root= and an archive", .text = "kernel /k\ninitrd /i\noptions root=/dev/vda\n",
	  .kernel = "elf", .layers = "cpio:512",
	  .expected = "handoff=/k /i root:/dev/vda(;) rdinit=/init need=3146240" },
	{ .name = "classic root= and who knows what", .text = "kernel /k\ninitrd /i\noptions root=/dev/vda\n",
	  .expected = "handoff=/k /i root:/dev/vda(;)" },
	{ .name = "the same with rdinit=", .text = "kernel /k\ninitrd /i\noptions root=/dev/vda rdinit=/x\n",
	  .expected = "handoff=/k /i root:/dev/vda(;) rdinit=/x" },
	{ .name = "key root and an archive", .text = "kernel /k\ninitrd /i\nroot /dev/vda\n",
	  .expected = "handoff=/k /i root:/dev/vda(;)" },
	{ .name = "classic root= and a base", .text = "kernel /k\nramfs /b\noptions root=/dev/vda\n",
	  .expected = "handoff=/k /b root:/dev/vda(;)" },
	{ .name = "root /dev/ram0 and an archive", .text = "kernel /k\ninitrd /i\nroot /dev/ram0\n",
	  .kernel = "elf", .layers = "cpio",
	  .findings = { E(3, 6, 9, OM_CONFLICT, "there is no ram disk 0", "initrd PATH") } },
	/* ram disks */
	{ .name = "ram disks in order", .text = "kernel /k\nramdisk index=2 /c\nramdisk index=1 start=1 /b /b2\n"
	  "root /dev/ram2\n", .kernel = "elf", .ramdisks = "ext2:4096 ?:5120",
	  .expected = "handoff=/k ram1:/b,4096 ram2:/c,4096 root:/dev/ram2(;) need=3154944" },
	{ .name = "digest of a ram disk", .text = "kernel /k\nramdisk /a#sha256="
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nroot /dev/ram0\n",
	  .expected = "handoff=/k ram0:/a,0,digest root:/dev/ram0(;)" },
	{ .name = "digest of one volume of two", .text = "kernel /k\nramdisk /a#sha256="
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 /b\nroot /dev/ram0\n",
	  .expected = "handoff=/k ram0:/a,0 root:/dev/ram0(;)" },
	{ .name = "one index twice", .text = "kernel /k\nramdisk index=1 /a\nramdisk index=1 /b\nroot /dev/ram1\n",
	  .findings = { E(3, 17, 2, OM_CONFLICT, "'/b' and '/a' are both ram disk 1", "index=") } },
	{ .name = "no such ram disk", .text = "kernel /k\nramdisk /a\nroot /dev/ram3\n",
	  .findings = { E(3, 6, 9, OM_CONFLICT, "there is no ram disk 3", "ramdisk index=3 PATH") } },
	{ .name = "no such ram disk by number", .text = "kernel /k\nroot 1:3\n",
	  .findings = { E(2, 6, 3, OM_CONFLICT, "there is no ram disk 3", NULL) } },
	{ .name = "ram disk gone", .text = "kernel /k\nramdisk /a\nroot /dev/ram0\n", .kernel = "elf", .ramdisks = "gone",
	  .findings = { E(2, 9, 2, OM_MISSING, "ramdisk '/a' is not there", NULL) } },
	{ .name = "ram disk is a directory", .text = "kernel /k\nramdisk /a\nroot /dev/ram0\n", .kernel = "elf",
	  .ramdisks = "dir", .findings = { E(2, 9, 2, OM_TYPE, "is a directory", NULL) } },
	{ .name = "ram disk is compressed", .text = "kernel /k\nramdisk /a\nroot /dev/ram0\n", .kernel = "elf",
	  .ramdisks = "gzip:512", .expected = "handoff=/k ram0:/a,512 root:/dev/ram0(;) need=3146240" },
	{ .name = "ram disk is compressed with lzo", .text = "kernel /k\nramdisk /a\nroot /dev/ram0\n", .kernel = "elf",
	  .ramdisks = "lzo", .findings = { E(2, 9, 2, OM_UNSUPPORTED, "compressed with lzo", "gzip") } },
	{ .name = "ram disk is an archive", .text = "kernel /k\nramdisk /a\nroot /dev/ram0\n", .kernel = "elf",
	  .ramdisks = "tar", .findings = { E(2, 9, 2, OM_TYPE, "is an archive (tar)", "'overlay'") } },
	{ .name = "ram disk is unknown", .text = "kernel /k\nramdisk /a\nroot /dev/ram0\n", .kernel = "elf",
	  .ramdisks = "?:512", .expected = "handoff=/k ram0:/a,512 root:/dev/ram0(;) need=3146240",
	  .findings = { W(2, 9, 2, "no file system is recognised", "") } },
	{ .name = "start behind the end", .text = "kernel /k\nramdisk start=4 /a\nroot /dev/ram0\n", .kernel = "elf",
	  .ramdisks = "?:4096", .findings = { E(2, 17, 2, OM_TYPE, "ends before start=", NULL) } },
	/* candidates */
	{ .name = "nothing to run", .text = "kernel /k\n",
	  .findings = { E(1, 8, 2, OM_MISSING, "nothing to run", "ramfs, initrd or root") } },
	{ .name = "Linux may have its own", .text = "linux /k\n", .expected = "linux=/k bare" },
	{ .name = "layers and no root", .text = "kernel /k\nramfs /b\n", .expected = "handoff=/k /b" },
	{ .name = "ramfs before others", .text = "kernel /k\nroot ramfs\nroot 8:1\n",
	  .expected = "handoff=/k root:ramfs(;) root:8:1(;)",
	  .findings = { W(3, 6, 3, "never tried", "last") } },
	/* memory */
	{ .name = "memory that is just enough", .text = "kernel /k\nramfs /b\n", .kernel = "elf",
	  .layers = "cpio:1048576", .memory = 4 << 20, .expected = "handoff=/k /b need=4194304" },
	{ .name = "too little memory", .text = "kernel /k\nramfs /b\nramdisk /r\n", .kernel = "elf",
	  .layers = "cpio:134217728", .ramdisks = "ext2:1048577", .memory = (100 << 20) + 1,
	  .findings = { E(0, 0, 0, OM_NO_MEMORY, "the entry needs 133 MiB, 100 MiB are free", NULL) } },
	{ .name = "sizes that overflow", .text = "kernel /k\nramfs /b\noverlay /c\n", .kernel = "elf",
	  .layers = "cpio:18446744073709551615 cpio:18446744073709551615", .memory = 1 << 20,
	  .findings = { E(0, 0, 0, OM_NO_MEMORY, "too little memory", NULL) } },
	{ .name = "a size not known", .text = "kernel /k\nramfs /b\n", .kernel = "elf", .layers = "-", .memory = 1,
	  .expected = "handoff=/k /b" },
};

static void run_case(const struct plan_case *c)
{
	struct om_plan *plan = malloc(sizeof(*plan)), *before = malloc(sizeof(*plan));
	struct om_plan_facts *facts;
	struct entry_kit kit;
	struct test_sink sink;
	struct text_buf buf;
	enum om_status status, want = OM_OK;

	assert_non_null(plan);
	assert_non_null(before);
	memset(plan, 0x33, sizeof(*plan));
	memset(before, 0x33, sizeof(*plan));
	(void)!entry_kit_parse(&kit, om_str_from(c->text), false);
	facts = make_facts(c, kit.entry);
	test_sink_init(&sink);
	status = om_plan_make(kit.entry, facts, &kit.arena, &sink.sink, plan);
	test_assert_findings(c->name, &sink, c->findings);
	for (size_t i = 0; i < FINDINGS_MAX && c->findings[i].text && want == OM_OK; i++)
		want = c->findings[i].warning ? OM_OK : c->findings[i].status;
	if (status != want)
		fail_msg("%s: %s, expected %s", c->name, om_status_text(status), om_status_text(want));
	if (status == OM_OK) {
		dump_plan(plan, &buf);
		if (!c->expected || strcmp(buf.text, c->expected) != 0)
			fail_msg("%s:\nfound    '%s'\nexpected '%s'", c->name, buf.text,
				 c->expected ? c->expected : "");
	} else {
		assert_null(c->expected);
		assert_memory_equal(plan, before, sizeof(*plan));
	}
	free(facts);
	free(plan);
	free(before);
	entry_kit_release(&kit);
}

static void plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run_case(&cases[i]);
}

/* A classic initrd needs a ram disk of its own. */
static void too_many_ramdisks(void **state)
{
	struct om_plan *plan = malloc(sizeof(*plan));
	struct plan_case c = { .kernel = "elf", .layers = "ext2" };
	struct om_plan_facts *facts;
	struct text_buf text = { .len = 0 };
	struct entry_kit kit;

	(void)state;
	assert_non_null(plan);
	text_add(&text, "kernel /k\ninitrd /i\n");
	for (unsigned i = 1; i <= OM_IMAGES_MAX; i++)
		text_add(&text, "ramdisk index=%u /r%u\n", i, i);
	assert_int_equal(entry_kit_parse(&kit, om_str_from(text.text), false), OM_OK);
	facts = make_facts(&c, kit.entry);
	assert_int_equal(om_plan_make(kit.entry, facts, &kit.arena, &kit.sink.sink, plan), OM_LIMIT);
	test_sink_assert_has(&kit.sink, "ram disks");
	free(facts);
	free(plan);
	entry_kit_release(&kit);
}

struct one_plan {
	const struct om_entry *entry;
	const struct om_plan_facts *facts;
	struct om_plan *plan;
};

static enum om_status make_plan(const struct om_mem *mem, void *ctx)
{
	struct one_plan *one = ctx;
	struct om_arena arena;
	enum om_status status;

	om_arena_init(&arena, mem);
	status = om_plan_make(one->entry, one->facts, &arena, NULL, one->plan);
	om_arena_release(&arena);
	return status;
}

static void every_allocation_fails(void **state)
{
	struct plan_case c = { .kernel = "linux", .layers = "cpio ext2" };
	struct one_plan one;
	struct entry_kit kit;

	(void)state;
	assert_int_equal(entry_kit_parse(&kit, OM_STR("linux /k\ninitrd /a /b\nramdisk index=1 /c\n"),
					 false), OM_OK);
	one.entry = kit.entry;
	one.facts = make_facts(&c, kit.entry);
	one.plan = malloc(sizeof(*one.plan));
	assert_non_null(one.plan);
	assert_true(test_each_allocation_fails(make_plan, &one) >= 1);
	free(one.plan);
	free((void *)(uintptr_t)one.facts);
	entry_kit_release(&kit);
}

/* ------------------------------------------------------------------ in words */

static void add_line(void *ctx, const char *text)
{
	assert_true(strlen(text) < OM_LOG_LINE_MAX);
	assert_null(strchr(text, '\n'));
	text_add(ctx, "%s\n", text);
}

static void check_text(const char *text, const char *kernel, const char *layers, const char *ramdisks,
		       const char *expected)
{
	struct plan_case c = { .kernel = kernel, .layers = layers, .ramdisks = ramdisks };
	struct om_plan *plan = malloc(sizeof(*plan));
	struct om_plan_facts *facts;
	struct text_buf buf = { .len = 0 };
	struct entry_kit kit;

	assert_non_null(plan);
	assert_int_equal(entry_kit_parse(&kit, om_str_from(text), false), OM_OK);
	facts = make_facts(&c, kit.entry);
	assert_int_equal(om_plan_make(kit.entry, facts, &kit.arena, &kit.sink.sink, plan), OM_OK);
	om_plan_describe(plan, add_line, &buf);
	assert_string_equal(buf.text, expected);
	free(facts);
	free(plan);
	entry_kit_release(&kit);
}

static void in_words(void **state)
{
	(void)state;
	check_text("kernel /stub.elf\nramfs /base.cpio\noverlay /etc\n"
		   "file /motd /etc/motd mode=4711 uid=1 gid=2\nramdisk index=1 start=8 /d1 /d2 /d3\n"
		   "ramdisk-prompt yes\nroot PARTUUID=12-34 fstype=ext4,ext2 flags=noatime rw\n"
		   "root /dev/ram1\nroot-wait 1.5\nroot-delay 2\ninit /bin/sh -l\ndevfs root\nkeep-ramfs no\n"
		   "module /m/a.ko\noptions quiet rdinit=/rd\n",
		   "elf", "tar:1024 dir ?:10", "ext2:33554432",
		   "layer 1: base /base.cpio\n"
		   "layer 2: overlay /etc\n"
		   "layer 3: file /motd, goes to /etc/motd, mode 4711, owner 1:2\n"
		   "ram disk 1: /d1 and 2 more volumes, from KiB 8 on, 31 MiB, asked for first\n"
		   "memory: about 35 MiB needed\n"
		   "kernel: hand over to /stub.elf\n"
		   "command line: quiet rdinit=/rd\n"
		   "module: /m/a.ko\n"
		   "rdinit: /rd of the absolute root takes over, if it is there\n"
		   "root: wait 2 s before the first look\n"
		   "root 1: PARTUUID=12-34, read-write, as ext4,ext2, with noatime\n"
		   "root 2: else /dev/ram1, read-only\n"
		   "root: wait up to 1.500 s for one of them to appear\n"
		   "devfs: on the final root\n"
		   "absolute root: once covered, all of it is given back\n"
		   "init: /bin/sh -l\n");
	check_text("linux /l#sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
		   "initrd /i\noptions root=/dev/sda1 rootwait\n", "linux", "ext2:4096", NULL,
		   "layers: none, the absolute root has only what is always there\n"
		   "ram disk 0: /i, 4 KiB, a classic initrd\n"
		   "memory: about 3076 KiB needed\n"
		   "linux: start /l, its SHA-256 is checked\n"
		   "command line: root=/dev/sda1 rootwait\n"
		   "linuxrc: /linuxrc of the initrd runs as PID 1, unless the initrd is the root\n"
		   "root 1: /dev/sda1, read-only\n"
		   "root: wait as long as it takes for one of them to appear\n"
		   "devfs: on a classic initrd and on the final root\n"
		   "absolute root: once covered, its skeleton stays\n"
		   "init: the first of /sbin/init, /bin/init, /etc/init, /bin/sh\n");
	check_text("kernel /k\ninitrd /i\nroot /dev/a\nlinuxrc /sbin/setup\ndevfs no\n", "elf", "ext2:1048576",
		   NULL,
		   "layers: none, the absolute root has only what is always there\n"
		   "ram disk 0: /i, 1024 KiB, a classic initrd\n"
		   "memory: about 4096 KiB needed\n"
		   "kernel: hand over to /k\n"
		   "linuxrc: /sbin/setup of the initrd runs as PID 1\n"
		   "root 1: /dev/a, read-only\n"
		   "devfs: nowhere\n"
		   "absolute root: once covered, its skeleton stays\n"
		   "init: the first of /sbin/init, /bin/init, /etc/init, /bin/sh\n");
	check_text("kernel /k\ninitrd /i\nlinuxrc no\ndevfs initrd\nkeep-ramfs yes\n", "elf", "ext2:1048576",
		   NULL,
		   "layers: none, the absolute root has only what is always there\n"
		   "ram disk 0: /i, 1024 KiB, a classic initrd\n"
		   "memory: about 4096 KiB needed\n"
		   "kernel: hand over to /k\n"
		   "linuxrc: not run\n"
		   "root 1: /dev/ram0, read-only\n"
		   "devfs: while a classic initrd is the root\n"
		   "absolute root: once covered, it stays as it is\n"
		   "init: the first of /sbin/init, /bin/init, /etc/init, /bin/sh\n");
	check_text("kernel /k\nramfs /b\n", NULL, NULL, NULL,
		   "layer 1: base /b\n"
		   "kernel: hand over to /k\n"
		   "root: none, /init of the absolute root runs if there is one, else its init\n"
		   "devfs: on a classic initrd and on the final root\n"
		   "init: the first of /sbin/init, /bin/init, /etc/init, /bin/sh\n");
	check_text("kernel /k\nramfs /b\nroot ramfs\n", NULL, NULL, NULL,
		   "layer 1: base /b\n"
		   "kernel: hand over to /k\n"
		   "root 1: the absolute root stays, nothing is mounted over it\n"
		   "devfs: on a classic initrd and on the final root\n"
		   "absolute root: once covered, its skeleton stays\n"
		   "init: the first of /sbin/init, /bin/init, /etc/init, /bin/sh\n");
	check_text("linux /l\nramfs /b\nroot /dev/a rw\nroot-overlay tmpfs\nroot-verity "
		   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		   " hash=PARTLABEL=hashes offset=4096\n", "linux", NULL, NULL,
		   "layer 1: base /b\n"
		   "linux: start /l\n"
		   "root 1: /dev/a, read-write\n"
		   "verity: read-only, as far as it matches the hash tree on PARTLABEL=hashes, byte 4096\n"
		   "overlay: a tmpfs takes what is written, the root stays read-only\n"
		   "devfs: on a classic initrd and on the final root\n"
		   "absolute root: once covered, its skeleton stays\n"
		   "init: the first of /sbin/init, /bin/init, /etc/init, /bin/sh\n");
	check_text("efi /shell.efi\noptions -nomap\n", "pe", NULL, NULL,
		   "efi: start /shell.efi\n"
		   "command line: -nomap\n");
}

/* Lines are cut, never broken. */
static void long_lines(void **state)
{
	struct om_plan *plan = malloc(sizeof(*plan));
	struct text_buf text = { .len = 0 }, buf = { .len = 0 };
	struct entry_kit kit;

	(void)state;
	assert_non_null(plan);
	text_add(&text, "kernel /k\nramfs /%01000d\nroot LABEL=%0256d flags=%01000d\n", 1, 2, 3);
	assert_int_equal(entry_kit_parse(&kit, om_str_from(text.text), false), OM_OK);
	assert_int_equal(om_plan_make(kit.entry, NULL, &kit.arena, &kit.sink.sink, plan), OM_OK);
	om_plan_describe(plan, add_line, &buf);
	free(plan);
	entry_kit_release(&kit);
}

/* What the kernel's EFI stub cuts off at a word is told before. */
static void options_of_a_stock_linux(void **state)
{
	static const struct {
		const char *key;
		int len;
		uint32_t warnings;
	} lines[] = {
		{ "linux", 2047, 0 }, { "linux", 2048, 1 }, { "kernel", 2048, 0 }, { "efi", 2048, 0 },
	};
	struct om_plan *plan = malloc(sizeof(*plan));
	struct text_buf text;
	struct entry_kit kit;
	size_t i;

	(void)state;
	assert_non_null(plan);
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		text.len = 0;
		text_add(&text, "%s /k\noptions root=8:1\noptions %0*d\n", lines[i].key,
			 lines[i].len - 9, 0);
		assert_int_equal(entry_kit_parse(&kit, om_str_from(text.text), false), OM_OK);
		assert_int_equal(om_plan_make(kit.entry, NULL, &kit.arena, &kit.sink.sink, plan), OM_OK);
		assert_int_equal(kit.sink.count, lines[i].warnings);
		if (lines[i].warnings) {
			assert_int_equal(kit.sink.diags[0].line, 2);
			assert_non_null(strstr(kit.sink.diags[0].text, "the options have 2048 bytes"));
		}
		entry_kit_release(&kit);
	}
	free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(too_many_ramdisks),
		cmocka_unit_test(every_allocation_fails),
		cmocka_unit_test(in_words),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(options_of_a_stock_linux),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
