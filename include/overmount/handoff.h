/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_HANDOFF_H
#define OVERMOUNT_HANDOFF_H
/*
 * What a handoff kernel finds at entry; docs/handoff.md is the specification.
 *
 * The stage jumps to the ELF entry point with
 *	rdi = physical (= identity-mapped) address of struct om_handoff,
 *	rsp = top of a 16 KiB identity-mapped stack, 16-byte aligned (a return address of 0 pushed),
 *	CR3 = page tables that map, writable and executable, all of the memory map and at least
 *	      the first 4 GiB one to one, and the kernel's PT_LOADs at their virtual addresses,
 *	IF = 0, DF = 0, boot services gone, SSE usable.
 * The block, everything it points to, the kernel's segments, the tables and the stack lie in
 * memory of type EfiLoaderData, and nothing else that is needed lies there.
 *
 * Every field is a little-endian fixed-width integer at a fixed offset; addresses are physical.
 */
#include <stdint.h>

#define OM_HANDOFF_MAGIC	UINT64_C(0x46464f444e48564f)	/* "OVHNDOFF" */
#define OM_HANDOFF_MAJOR	1u
#define OM_HANDOFF_MINOR	0u

struct om_handoff_range {
	uint64_t addr;		/* page-aligned */
	uint64_t len;		/* bytes used; pages are owned up to the next page boundary */
};

struct om_handoff_image {
	struct om_handoff_range data;
	uint32_t index;		/* ram disk number: /dev/ramINDEX */
	uint32_t flags;		/* OM_HANDOFF_IMAGE_* */
};

#define OM_HANDOFF_IMAGE_INITRD	1u	/* came as a classic initrd */

struct om_handoff_framebuffer {
	uint64_t addr;			/* 0 = none */
	uint64_t len;
	uint32_t width, height;		/* pixels */
	uint32_t stride;		/* pixels from one line to the next */
	uint32_t format;		/* 0: bytes R G B x; 1: bytes B G R x */
};

struct om_handoff {
	uint64_t magic;			/*   0 */
	uint16_t major, minor;		/*   8 */
	uint32_t size;			/*  12  of this block as the stage knew it */
	uint32_t crc32;			/*  16  CRC-32 (IEEE) of SIZE bytes with this field 0 */
	uint32_t image_count;		/*  20 */
	struct om_handoff_range descriptor;	/*  24 */
	struct om_handoff_range archive;	/*  40  the absolute root image, newc, page-aligned data */
	uint64_t images;		/*  56  array of struct om_handoff_image */
	uint64_t cmdline;		/*  64  NUL-terminated */
	struct om_handoff_range memory_map;	/*  72  EFI_MEMORY_DESCRIPTORs */
	uint32_t memory_descriptor_size;	/*  88 */
	uint32_t memory_descriptor_version;	/*  92 */
	uint64_t acpi_rsdp;		/*  96  0 = none */
	uint64_t smbios;		/* 104  0 = none */
	uint64_t efi_system_table;	/* 112  for runtime services (physical mode) */
	struct om_handoff_framebuffer framebuffer;	/* 120 */
	struct om_handoff_range kernel;	/* 152  one block, vaddr_low maps to its start */
	uint64_t kernel_vaddr;		/* 168 */
	struct om_handoff_range tables;	/* 176  page tables; free once CR3 is another */
	struct om_handoff_range stack;	/* 192  free once rsp is elsewhere */
	uint64_t tsc_entry;		/* 208  time stamp counter when the stage began, */
	uint64_t tsc_selected;		/* 216  when the entry was chosen, */
	uint64_t tsc_jump;		/* 224  and right before the jump */
	uint64_t tsc_hz;		/* 232  measured by the stage */
	uint64_t unix_time;		/* 240  seconds at the jump, from the firmware's clock; 0 = unknown */
	uint64_t reserved;		/* 248  0 */
};

_Static_assert(sizeof(struct om_handoff) == 256, "the handoff block is 256 bytes");

#endif
