/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_PROBE_H
#define OVERMOUNT_PROBE_H
/* What is this file?  By content, never by name. */
#include <overmount/bytes.h>
#include <overmount/status.h>

enum om_kernel_kind {
	OM_KERNEL_UNKNOWN = 0,
	OM_KERNEL_ELF64,	/* x86-64 ET_EXEC for the handoff protocol */
	OM_KERNEL_LINUX_PE,	/* PE with the Linux EFI stub */
	OM_KERNEL_PE,		/* some other EFI application */
};

/* One PT_LOAD of a handoff kernel, checked against the file's size. */
struct om_elf_segment {
	uint64_t vaddr, file_offset, file_size, mem_size;
	bool writable, executable;
};

#define OM_ELF_SEGMENTS_MAX 16u

struct om_elf {
	uint64_t entry;			/* virtual; inside an executable segment */
	struct om_elf_segment segments[OM_ELF_SEGMENTS_MAX];
	uint32_t segment_count;
	uint64_t vaddr_low, vaddr_high;	/* page-aligned hull of the segments */
};

/* FILE is the whole kernel.  The refusal (a diagnostic) names what was found instead. */
enum om_status om_kernel_probe(struct om_span file, const struct om_diag_sink *sink,
			       enum om_kernel_kind *ret_kind) OM_CHECKED;
enum om_status om_elf_parse(struct om_span file, const struct om_diag_sink *sink,
			    struct om_elf *ret_elf) OM_CHECKED;

enum om_image_kind {
	OM_IMAGE_UNKNOWN = 0,
	/* archives */
	OM_IMAGE_CPIO, OM_IMAGE_TAR,
	/* compressed streams */
	OM_IMAGE_GZIP, OM_IMAGE_BZIP2, OM_IMAGE_LZMA, OM_IMAGE_XZ, OM_IMAGE_LZO, OM_IMAGE_LZ4,
	OM_IMAGE_ZSTD,
	/* file systems */
	OM_IMAGE_EXT2, OM_IMAGE_ROMFS, OM_IMAGE_CRAMFS, OM_IMAGE_MINIX, OM_IMAGE_SQUASHFS,
	OM_IMAGE_EROFS, OM_IMAGE_ISO9660, OM_IMAGE_FAT, OM_IMAGE_XFS, OM_IMAGE_BTRFS, OM_IMAGE_F2FS,
	OM_IMAGE_UDF, OM_IMAGE_EXFAT, OM_IMAGE_NTFS,
	OM_IMAGE_KIND_COUNT
};

/* HEAD: the first OM_IMAGE_PROBE_BYTES bytes, or the whole file if it is shorter. */
enum om_image_kind om_image_probe(struct om_span head);
const char *om_image_kind_text(enum om_image_kind kind);	/* "ext2", "gzip", ... */
bool om_image_is_filesystem(enum om_image_kind kind);
bool om_image_is_archive(enum om_image_kind kind);
bool om_image_is_compressed(enum om_image_kind kind);

#endif
