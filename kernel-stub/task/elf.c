/* SPDX-License-Identifier: MIT */
/* A static ELF64 program into memory: ET_EXEC where it wants to be, ET_DYN at PIE_BASE. */
#include <overmount/bytes.h>

#include "exec.h"

#define EHDR_SIZE	64u
#define PHDR_SIZE	56u
#define PHDRS_MAX	32u
#define ET_EXEC		2u
#define ET_DYN		3u
#define EM_X86_64	62u
#define PT_LOAD		1u
#define PT_INTERP	3u
#define PF_X		1u
#define PF_W		2u
#define PF_R		4u

struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz;
};

static int read_at(struct file *file, uint64_t pos, void *buf, size_t len)
{
	struct uio uio = uio_kernel(buf, len);
	long n;

	while (uio.left > 0) {
		n = file_read(file, &uio, &pos);
		if (n <= 0)
			return n < 0 ? (int)n : -ENOEXEC;
	}
	return 0;
}

static struct phdr get_phdr(const uint8_t *at)
{
	return (struct phdr){ om_get_le32(at), om_get_le32(at + 4), om_get_le64(at + 8),
			      om_get_le64(at + 16), om_get_le64(at + 32), om_get_le64(at + 40) };
}

static uintptr_t page_down(uintptr_t address)
{
	return address & ~(uintptr_t)(PAGE_SIZE - 1);
}

static uintptr_t page_up(uintptr_t address)
{
	return page_down(address + PAGE_SIZE - 1);
}

static unsigned prot_of(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
	       (flags & PF_X ? PROT_EXEC : 0);
}

/* One PT_LOAD: pages of the file, then zeros. */
static int map_segment(struct mm *mm, struct file *file, const struct phdr *phdr, uintptr_t base)
{
	uintptr_t start = base + phdr->vaddr, file_end, end;
	uintptr_t first = page_down(start);
	uint64_t skew = start - first;
	int err;

	if (phdr->filesz > phdr->memsz || phdr->memsz > USER_TOP || start < USER_LOWEST ||
	    start > USER_TOP - phdr->memsz || (phdr->offset & (PAGE_SIZE - 1)) != skew ||
	    !om_range_inside(phdr->offset, phdr->filesz, file->inode->size))
		return -ENOEXEC;
	file_end = start + phdr->filesz;
	end = page_up(start + phdr->memsz);
	if (phdr->filesz > 0) {
		err = mm_map(mm, first, page_up(file_end), prot_of(phdr->flags), 0, file,
			     (phdr->offset - skew) >> PAGE_SHIFT);
		if (err)
			return err;
	}
	if (end > page_up(file_end) || phdr->filesz == 0) {
		err = mm_map(mm, phdr->filesz ? page_up(file_end) : first, end,
			     prot_of(phdr->flags), 0, NULL, 0);
		if (err)
			return err;
	}
	/* The rest of the last page of the file is not the program's. */
	if (phdr->filesz > 0 && phdr->memsz > phdr->filesz && (phdr->flags & PF_W) &&
	    page_up(file_end) > file_end)
		return clear_user(file_end, page_up(file_end) - file_end);
	return 0;
}

static int map_all(struct mm *mm, struct file *file, const uint8_t *headers, unsigned count,
		   uintptr_t base, uint64_t phoff, struct exec_image *image)
{
	uintptr_t high = 0;
	unsigned i;
	int err;

	for (i = 0; i < count; i++) {
		struct phdr phdr = get_phdr(headers + i * PHDR_SIZE);

		if (phdr.type == PT_INTERP)
			return -ENOEXEC;	/* no dynamic loader here */
		if (phdr.type != PT_LOAD || phdr.memsz == 0)
			continue;
		err = map_segment(mm, file, &phdr, base);
		if (err)
			return err;
		if (base + phdr.vaddr + phdr.memsz > high)
			high = base + phdr.vaddr + phdr.memsz;
		if (phoff >= phdr.offset && phoff < phdr.offset + phdr.filesz)
			image->phdr = base + phdr.vaddr + (phoff - phdr.offset);
	}
	mm->brk_start = mm->brk = page_up(high);
	return high ? 0 : -ENOEXEC;
}

int elf_load(struct mm *mm, struct file *file, struct exec_image *ret_image)
{
	struct exec_image image = { 0, 0, PHDR_SIZE, 0 };
	uint8_t head[EHDR_SIZE], *headers;
	uint64_t phoff;
	uintptr_t base;
	unsigned type, count;
	int err;

	err = read_at(file, 0, head, sizeof(head));
	if (err)
		return err;
	type = om_get_le16(head + 16);
	count = om_get_le16(head + 56);
	phoff = om_get_le64(head + 32);
	if (memcmp(head, "\177ELF\2\1\1", 7) != 0 || om_get_le16(head + 18) != EM_X86_64 ||
	    (type != ET_EXEC && type != ET_DYN) || om_get_le16(head + 54) != PHDR_SIZE ||
	    count == 0 || count > PHDRS_MAX)
		return -ENOEXEC;
	headers = kmalloc(count * PHDR_SIZE);
	if (!headers)
		return -ENOMEM;
	err = read_at(file, phoff, headers, count * PHDR_SIZE);
	base = type == ET_DYN ? PIE_BASE : 0;
	if (!err)
		err = map_all(mm, file, headers, count, base, phoff, &image);
	kfree(headers);
	if (err)
		return err;
	image.phnum = count;
	image.entry = base + om_get_le64(head + 24);
	if (image.entry >= USER_TOP)
		return -ENOEXEC;
	*ret_image = image;
	return 0;
}
