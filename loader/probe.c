/* SPDX-License-Identifier: MIT */
/*
 * What kernel is this?  ELF64 for the handoff protocol, PE with or without the Linux EFI stub;
 * anything else is refused by its name.
 */
#include <overmount/fmt.h>
#include <overmount/probe.h>

/* System V ABI, ELF-64 object file format. */
#define ELF_HEADER_SIZE		64u
#define ELF_PROGRAM_SIZE	56u
#define ELF_CLASS_64		2u
#define ELF_LITTLE_ENDIAN	1u
#define ELF_TYPE_EXEC		2u
#define ELF_MACHINE_X86_64	62u
#define ELF_PT_LOAD		1u
#define ELF_PT_INTERP		3u
#define ELF_PF_X		1u
#define ELF_PF_W		2u

/* PE/COFF. */
#define PE_MACHINE_X64		0x8664u
#define PE_OFFSET_AT		0x3cu

/* The x86 boot protocol: Documentation/arch/x86/boot.rst of Linux. */
#define LINUX_BOOT_FLAG_AT	0x1feu
#define LINUX_MAGIC_AT		0x202u

#define NAME_MAX_LEN 96u

struct numbered {
	uint32_t number;
	const char *name;
};

static const char *name_of(const struct numbered *list, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].number == number)
			return list[i].name;
	}
	return NULL;
}

static bool starts_with(struct om_span file, const char *magic, size_t len)
{
	return file.len >= len && memcmp(file.ptr, magic, len) == 0;
}

static bool is_elf(struct om_span file)
{
	return starts_with(file, "\x7f" "ELF", 4);
}

/* ------------------------------------------------------------------ what it is instead */

static void name_elf(struct om_span file, char name[NAME_MAX_LEN])
{
	static const struct numbered machines[] = {
		{ 2, "SPARC" }, { 3, "i386" }, { 8, "MIPS" }, { 20, "PowerPC" }, { 21, "PowerPC64" },
		{ 22, "s390" }, { 40, "ARM" }, { 43, "SPARC64" }, { 50, "IA-64" }, { 183, "arm64" },
		{ 243, "RISC-V" }, { 258, "LoongArch" },
	};
	static const struct numbered types[] = {
		{ 1, "an ELF object file that has not been linked" },
		{ 3, "a position-independent ELF or shared library" },
		{ 4, "an ELF core dump" },
	};
	const char *machine, *type;
	uint32_t number;

	if (file.len < ELF_HEADER_SIZE) {
		om_format(name, NAME_MAX_LEN, "an ELF that ends inside its header");
		return;
	}
	if (file.ptr[5] != ELF_LITTLE_ENDIAN) {
		om_format(name, NAME_MAX_LEN, "a big-endian ELF");
		return;
	}
	number = om_get_le16(file.ptr + 18);
	machine = name_of(machines, sizeof(machines) / sizeof(machines[0]), number);
	if (file.ptr[4] != ELF_CLASS_64) {
		om_format(name, NAME_MAX_LEN, "a 32-bit ELF%s%s%s", machine ? " (" : "",
			  machine ? machine : "", machine ? ")" : "");
	} else if (number != ELF_MACHINE_X86_64 && machine) {
		om_format(name, NAME_MAX_LEN, "%s %s ELF", number == 183 || number == 50 ? "an" : "a",
			  machine);
	} else if (number != ELF_MACHINE_X86_64) {
		om_format(name, NAME_MAX_LEN, "an ELF for machine %u", number);
	} else {
		number = om_get_le16(file.ptr + 16);
		type = name_of(types, sizeof(types) / sizeof(types[0]), number);
		if (type)
			om_format(name, NAME_MAX_LEN, "%s", type);
		else
			om_format(name, NAME_MAX_LEN, "an ELF of type %u", number);
	}
}

/* The COFF header behind "PE\0\0"; NULL if there is none. */
static const uint8_t *coff_header(struct om_span file)
{
	uint64_t offset;

	if (!starts_with(file, "MZ", 2) || file.len < PE_OFFSET_AT + 4)
		return NULL;
	offset = om_get_le32(file.ptr + PE_OFFSET_AT);
	if (!om_range_inside(offset, 24, file.len) || memcmp(file.ptr + offset, "PE\0\0", 4) != 0)
		return NULL;
	return file.ptr + offset + 4;
}

static bool has_linux_header(struct om_span file)
{
	return file.len >= LINUX_MAGIC_AT + 4 &&
	       memcmp(file.ptr + LINUX_MAGIC_AT, "HdrS", 4) == 0 &&
	       om_get_le16(file.ptr + LINUX_BOOT_FLAG_AT) == 0xaa55;
}

static void name_pe(const uint8_t *coff, bool is_linux, char name[NAME_MAX_LEN])
{
	static const struct numbered machines[] = {
		{ 0x14c, "32-bit x86" }, { 0x1c0, "ARM" }, { 0x1c2, "ARM" }, { 0x1c4, "ARM" },
		{ 0x200, "IA-64" }, { 0xaa64, "arm64" }, { 0x5032, "RISC-V" }, { 0x5064, "RISC-V" },
		{ 0x6264, "LoongArch" }, { PE_MACHINE_X64, "x64" },
	};
	uint32_t number = om_get_le16(coff);
	const char *machine = name_of(machines, sizeof(machines) / sizeof(machines[0]), number);

	if (number == PE_MACHINE_X64 && !is_linux)
		om_format(name, NAME_MAX_LEN, "a PE without the Linux EFI stub");
	else if (number == PE_MACHINE_X64)
		om_format(name, NAME_MAX_LEN, "a PE with the Linux EFI stub");
	else if (machine)
		om_format(name, NAME_MAX_LEN, "a PE%s for %s", is_linux ? " with a Linux kernel" : "",
			  machine);
	else
		om_format(name, NAME_MAX_LEN, "a PE for machine 0x%x", number);
}

static bool all_bytes(struct om_span file, bool (*fits)(uint8_t c))
{
	size_t len = file.len < 512 ? file.len : 512;

	for (size_t i = 0; i < len; i++) {
		if (!fits(file.ptr[i]))
			return false;
	}
	return true;
}

static bool is_zero(uint8_t c)
{
	return c == 0;
}

/* UTF-8 passes. */
static bool is_text(uint8_t c)
{
	return (c >= ' ' && c != 0x7f) || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* The article goes by the sound: "an ext2", "an xz", "an f2fs". */
static void name_image(enum om_image_kind kind, char name[NAME_MAX_LEN])
{
	bool vowel = kind == OM_IMAGE_EXT2 || kind == OM_IMAGE_EROFS || kind == OM_IMAGE_ISO9660 ||
		     kind == OM_IMAGE_XFS || kind == OM_IMAGE_XZ || kind == OM_IMAGE_LZMA ||
		     kind == OM_IMAGE_LZ4 || kind == OM_IMAGE_LZO || kind == OM_IMAGE_F2FS ||
		     kind == OM_IMAGE_EXFAT || kind == OM_IMAGE_NTFS;
	const char *what = om_image_is_archive(kind) ? "archive" :
			   om_image_is_compressed(kind) ? "stream" : "file system";

	om_format(name, NAME_MAX_LEN, "%s %s %s", vowel ? "an" : "a", om_image_kind_text(kind), what);
}

static void name_file(struct om_span file, char name[NAME_MAX_LEN])
{
	const uint8_t *coff = coff_header(file);
	enum om_image_kind kind;

	if (is_elf(file)) {
		name_elf(file, name);
		return;
	}
	if (coff) {
		name_pe(coff, has_linux_header(file), name);
		return;
	}
	kind = om_image_probe(file);
	if (file.len == 0)
		om_format(name, NAME_MAX_LEN, "an empty file");
	else if (has_linux_header(file))
		om_format(name, NAME_MAX_LEN, "a Linux kernel without the EFI stub");
	else if (kind != OM_IMAGE_UNKNOWN)
		name_image(kind, name);
	else if (starts_with(file, "MZ", 2))
		om_format(name, NAME_MAX_LEN, "a DOS program");
	else if (starts_with(file, "#!", 2))
		om_format(name, NAME_MAX_LEN, "a text file starting with '#!'");
	else if (all_bytes(file, is_zero))
		om_format(name, NAME_MAX_LEN, "nothing but zero bytes");
	else if (all_bytes(file, is_text))
		om_format(name, NAME_MAX_LEN, "a text file");
	else
		om_format(name, NAME_MAX_LEN, "something unknown");
}

static enum om_status refuse(struct om_span file, const struct om_diag_sink *sink,
			     enum om_status status, const char *expected)
{
	char name[NAME_MAX_LEN];

	name_file(file, name);
	return om_diag_binary(sink, status, 0, "it is %s; expected %s", name, expected);
}

/* ------------------------------------------------------------------ ELF */

/* Is it the kind of ELF we want?  Nothing behind the header is looked at. */
static bool is_handoff_elf(struct om_span file)
{
	return file.len >= ELF_HEADER_SIZE && is_elf(file) && file.ptr[4] == ELF_CLASS_64 &&
	       file.ptr[5] == ELF_LITTLE_ENDIAN && om_get_le16(file.ptr + 16) == ELF_TYPE_EXEC &&
	       om_get_le16(file.ptr + 18) == ELF_MACHINE_X86_64;
}

/* Bits 47 to 63 are the same. */
static bool is_canonical(uint64_t addr)
{
	uint64_t high = addr >> 47;

	return high == 0 || high == 0x1ffff;
}

static enum om_status read_segment(struct om_span file, const struct om_diag_sink *sink,
				   uint64_t offset, struct om_elf_segment *ret_segment)
{
	const uint8_t *header = file.ptr + offset;
	uint32_t flags = om_get_le32(header + 4);
	struct om_elf_segment segment = {
		.file_offset = om_get_le64(header + 8),
		.vaddr = om_get_le64(header + 16),
		.file_size = om_get_le64(header + 32),
		.mem_size = om_get_le64(header + 40),
		.writable = flags & ELF_PF_W,
		.executable = flags & ELF_PF_X,
	};
	uint64_t end;

	if (segment.mem_size == 0 && segment.file_size == 0) {
		*ret_segment = segment;
		return OM_OK;
	}
	if (segment.file_size > segment.mem_size)
		return om_diag_binary(sink, OM_SYNTAX, offset,
				      "a segment has 0x%llx bytes in the file, but only 0x%llx in memory",
				      (unsigned long long)segment.file_size,
				      (unsigned long long)segment.mem_size);
	if (!om_range_inside(segment.file_offset, segment.file_size, file.len))
		return om_diag_binary(sink, OM_TRUNCATED, offset,
				      "a segment at 0x%llx with 0x%llx bytes ends behind the file (0x%zx)",
				      (unsigned long long)segment.file_offset,
				      (unsigned long long)segment.file_size, file.len);
	/* One page is kept free at the top, so that rounding up does not wrap. */
	if (!om_add_u64(segment.vaddr, segment.mem_size, &end) ||
	    end > UINT64_MAX - OM_PAGE_SIZE || !is_canonical(segment.vaddr) ||
	    !is_canonical(end - 1) || segment.vaddr >> 63 != (end - 1) >> 63)
		return om_diag_binary(sink, OM_SYNTAX, offset,
				      "a segment at 0x%llx with 0x%llx bytes is not in the address space",
				      (unsigned long long)segment.vaddr,
				      (unsigned long long)segment.mem_size);
	*ret_segment = segment;
	return OM_OK;
}

static const struct om_elf_segment *find_overlap(const struct om_elf *elf,
						 const struct om_elf_segment *segment)
{
	for (uint32_t i = 0; i < elf->segment_count; i++) {
		const struct om_elf_segment *other = &elf->segments[i];

		if (segment->vaddr < other->vaddr + other->mem_size &&
		    other->vaddr < segment->vaddr + segment->mem_size)
			return other;
	}
	return NULL;
}

static enum om_status add_segment(struct om_elf *elf, const struct om_diag_sink *sink,
				  uint64_t offset, const struct om_elf_segment *segment)
{
	const struct om_elf_segment *other;
	uint64_t low = segment->vaddr & ~(uint64_t)(OM_PAGE_SIZE - 1);
	uint64_t high = om_align_up(segment->vaddr + segment->mem_size, OM_PAGE_SIZE);

	if (segment->mem_size == 0)
		return OM_OK;
	if (elf->segment_count == OM_ELF_SEGMENTS_MAX)
		return om_diag_binary(sink, OM_LIMIT, offset, "more than %u segments to load",
				      OM_ELF_SEGMENTS_MAX);
	other = find_overlap(elf, segment);
	if (other)
		return om_diag_binary(sink, OM_CONFLICT, offset,
				      "the segments at 0x%llx and 0x%llx overlap",
				      (unsigned long long)other->vaddr,
				      (unsigned long long)segment->vaddr);
	if (elf->segment_count == 0 || low < elf->vaddr_low)
		elf->vaddr_low = low;
	if (elf->segment_count == 0 || high > elf->vaddr_high)
		elf->vaddr_high = high;
	elf->segments[elf->segment_count++] = *segment;
	return OM_OK;
}

static enum om_status read_segments(struct om_span file, const struct om_diag_sink *sink,
				    struct om_elf *elf)
{
	uint64_t table = om_get_le64(file.ptr + 32);
	uint32_t entry_size = om_get_le16(file.ptr + 54), count = om_get_le16(file.ptr + 56);
	enum om_status status;

	if (count == 0 || entry_size != ELF_PROGRAM_SIZE)
		return om_diag_binary(sink, OM_SYNTAX, 54,
				      "%u program headers of %u bytes; expected one or more of %u",
				      count, entry_size, ELF_PROGRAM_SIZE);
	if (!om_range_inside(table, (uint64_t)count * ELF_PROGRAM_SIZE, file.len))
		return om_diag_binary(sink, OM_TRUNCATED, 32,
				      "%u program headers at 0x%llx end behind the file (0x%zx)", count,
				      (unsigned long long)table, file.len);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t offset = table + (uint64_t)i * ELF_PROGRAM_SIZE;
		uint32_t type = om_get_le32(file.ptr + offset);
		struct om_elf_segment segment;

		if (type == ELF_PT_INTERP)
			return om_diag_binary(sink, OM_UNSUPPORTED, offset,
					      "it needs an interpreter: a program, not a kernel");
		if (type != ELF_PT_LOAD)
			continue;
		status = read_segment(file, sink, offset, &segment);
		if (status == OM_OK)
			status = add_segment(elf, sink, offset, &segment);
		if (status != OM_OK)
			return status;
	}
	return OM_OK;
}

static bool is_executable_at(const struct om_elf *elf, uint64_t addr)
{
	for (uint32_t i = 0; i < elf->segment_count; i++) {
		const struct om_elf_segment *segment = &elf->segments[i];

		if (segment->executable && addr >= segment->vaddr &&
		    addr - segment->vaddr < segment->mem_size)
			return true;
	}
	return false;
}

enum om_status om_elf_parse(struct om_span file, const struct om_diag_sink *sink,
			    struct om_elf *ret_elf)
{
	struct om_elf elf = { 0 };
	enum om_status status;

	if (!is_handoff_elf(file))
		return refuse(file, sink, OM_UNSUPPORTED, "an x86-64 ELF linked to a fixed address");
	if (file.ptr[6] != 1 || om_get_le32(file.ptr + 20) != 1)
		return om_diag_binary(sink, OM_VERSION, 20, "version %u of ELF; expected 1",
				      om_get_le32(file.ptr + 20));
	status = read_segments(file, sink, &elf);
	if (status != OM_OK)
		return status;
	if (elf.segment_count == 0)
		return om_diag_binary(sink, OM_MISSING, 56, "no segment to load");
	elf.entry = om_get_le64(file.ptr + 24);
	if (!is_executable_at(&elf, elf.entry))
		return om_diag_binary(sink, OM_SYNTAX, 24,
				      "the entry point 0x%llx is in no executable segment",
				      (unsigned long long)elf.entry);
	*ret_elf = elf;
	return OM_OK;
}

/* ------------------------------------------------------------------ any kernel */

enum om_status om_kernel_probe(struct om_span file, const struct om_diag_sink *sink,
			       enum om_kernel_kind *ret_kind)
{
	const uint8_t *coff = coff_header(file);

	if (is_handoff_elf(file)) {
		*ret_kind = OM_KERNEL_ELF64;
		return OM_OK;
	}
	if (coff && om_get_le16(coff) == PE_MACHINE_X64) {
		*ret_kind = has_linux_header(file) ? OM_KERNEL_LINUX_PE : OM_KERNEL_PE;
		return OM_OK;
	}
	return refuse(file, sink, OM_UNSUPPORTED,
		      "an x86-64 ELF for the handoff protocol or a PE for x64");
}
