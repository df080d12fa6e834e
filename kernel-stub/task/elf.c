/* SPDX-License-Identifier: MIT */
/*
 * An ELF64 program into memory: ET_EXEC where it wants to be, ET_DYN at PIE_BASE; and the
 * interpreter that it names, which is started in its place and finds it through auxv.
 */
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

/* A file whose headers make sense. */
struct program {
	struct file *file;
	unsigned type;			/* ET_EXEC, ET_DYN */
	uint64_t entry, phoff;
	uint8_t *headers;		/* to be freed */
	unsigned count;
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

static struct phdr header(const struct program *program, unsigned number)
{
	return get_phdr(program->headers + number * PHDR_SIZE);
}

/* What a file gives that is no such program, or ends before it could tell. */
static int program_read(struct file *file, int err_format, int err_short, struct program *ret)
{
	struct program program = { .file = file };
	uint8_t head[EHDR_SIZE];
	int err = read_at(file, 0, head, sizeof(head));

	if (err)
		return err == -ENOEXEC ? err_short : err;
	program.type = om_get_le16(head + 16);
	program.count = om_get_le16(head + 56);
	program.entry = om_get_le64(head + 24);
	program.phoff = om_get_le64(head + 32);
	if (memcmp(head, "\177ELF\2\1\1", 7) != 0 || om_get_le16(head + 18) != EM_X86_64 ||
	    (program.type != ET_EXEC && program.type != ET_DYN) ||
	    om_get_le16(head + 54) != PHDR_SIZE || program.count == 0 ||
	    program.count > PHDRS_MAX)
		return err_format;
	program.headers = kmalloc(program.count * PHDR_SIZE);
	if (!program.headers)
		return -ENOMEM;
	err = read_at(file, program.phoff, program.headers, program.count * PHDR_SIZE);
	if (err) {
		kfree(program.headers);
		return err == -ENOEXEC ? err_format : err;
	}
	*ret = program;
	return 0;
}

/* From the page of the first segment to the end of the last one; no bytes: no segment. */
static void span_of(const struct program *program, uint64_t *ret_low, uint64_t *ret_high)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (unsigned i = 0; i < program->count; i++) {
		struct phdr phdr = header(program, i);

		if (phdr.type != PT_LOAD || phdr.memsz == 0 || phdr.vaddr > USER_TOP ||
		    phdr.memsz > USER_TOP)
			continue;
		if (phdr.vaddr < low)
			low = page_down(phdr.vaddr);
		if (phdr.vaddr + phdr.memsz > high)
			high = phdr.vaddr + phdr.memsz;
	}
	*ret_low = low < high ? low : high;
	*ret_high = high;
}

static int map_all(struct mm *mm, const struct program *program, uintptr_t base,
		   struct exec_image *image)
{
	bool any = false;
	int err;

	for (unsigned i = 0; i < program->count; i++) {
		struct phdr phdr = header(program, i);

		if (phdr.type != PT_LOAD || phdr.memsz == 0)
			continue;
		err = map_segment(mm, program->file, &phdr, base);
		if (err)
			return err;
		any = true;
		if (program->phoff >= phdr.offset && program->phoff < phdr.offset + phdr.filesz)
			image->phdr = base + phdr.vaddr + (program->phoff - phdr.offset);
	}
	return any ? 0 : -ENOEXEC;
}

/* -- the interpreter ------------------------------------------------------------------------------ */

/* Its name, in NAME; empty when there is none. */
static int interpreter_name(const struct program *program, char name[PATH_MAX])
{
	int err;

	name[0] = '\0';
	for (unsigned i = 0; i < program->count; i++) {
		struct phdr phdr = header(program, i);

		if (phdr.type != PT_INTERP)
			continue;
		if (phdr.filesz < 2 || phdr.filesz > PATH_MAX)
			return -ENOEXEC;
		err = read_at(program->file, phdr.offset, name, (size_t)phdr.filesz);
		if (err)
			return err;
		return name[phdr.filesz - 1] == '\0' ? 0 : -ENOEXEC;
	}
	return 0;
}

static int interpreter_map(struct mm *mm, const struct program *interpreter,
			   struct exec_image *image)
{
	struct exec_image unused = { 0 };
	uint64_t low, high;
	uintptr_t place;
	int err;

	span_of(interpreter, &low, &high);
	if (interpreter->type == ET_DYN) {
		place = mm_hole(mm, page_up(high) - low);
		if (!place)
			return -ENOMEM;
		image->base = place - low;
	}
	err = map_all(mm, interpreter, image->base, &unused);
	image->start = image->base + interpreter->entry;
	return err == -ENOEXEC ? -EINVAL : err;
}

static int interpreter_load(struct mm *mm, const char *name, struct exec_image *image)
{
	struct program interpreter;
	struct file *file;
	int err = exec_open(name, &file);

	if (err)
		return err;
	err = program_read(file, -ELIBBAD, -EIO, &interpreter);
	if (!err) {
		err = interpreter_map(mm, &interpreter, image);
		kfree(interpreter.headers);
	}
	file_put(file);
	return err;
}

/* -- the program ------------------------------------------------------------------------------------ */

static int load(struct mm *mm, const struct program *program, char *name,
		struct exec_image *image)
{
	uintptr_t base = program->type == ET_DYN ? PIE_BASE : 0;
	uint64_t low, high;
	int err = interpreter_name(program, name);

	if (!err)
		err = map_all(mm, program, base, image);
	if (err)
		return err;
	span_of(program, &low, &high);
	mm->brk_start = mm->brk = page_up(base + high);
	image->phnum = program->count;
	image->entry = image->start = base + program->entry;
	if (name[0])
		err = interpreter_load(mm, name, image);
	if (!err && (image->entry >= USER_TOP || image->start >= USER_TOP))
		err = -ENOEXEC;
	return err;
}

int elf_load(struct mm *mm, struct file *file, struct exec_image *ret_image)
{
	struct exec_image image = { .phent = PHDR_SIZE };
	struct program program;
	char *name = kmalloc(PATH_MAX);
	int err;

	if (!name)
		return -ENOMEM;
	err = program_read(file, -ENOEXEC, -ENOEXEC, &program);
	if (!err) {
		err = load(mm, &program, name, &image);
		kfree(program.headers);
	}
	kfree(name);
	if (!err)
		*ret_image = image;
	return err;
}
