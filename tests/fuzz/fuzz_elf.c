/* SPDX-License-Identifier: MIT */
/* Kernels and images: an ELF that is accepted keeps what om_elf_parse() promises. */
#include <stdlib.h>

#include <overmount/probe.h>

static void check(const struct om_elf *elf, size_t size)
{
	bool entry = false;

	if (elf->segment_count == 0 || elf->segment_count > OM_ELF_SEGMENTS_MAX)
		abort();
	if (elf->vaddr_low % OM_PAGE_SIZE || elf->vaddr_high % OM_PAGE_SIZE ||
	    elf->vaddr_low >= elf->vaddr_high)
		abort();
	for (uint32_t i = 0; i < elf->segment_count; i++) {
		const struct om_elf_segment *segment = &elf->segments[i];

		if (segment->vaddr < elf->vaddr_low || segment->file_size > segment->mem_size ||
		    segment->mem_size > elf->vaddr_high - segment->vaddr ||
		    !om_range_inside(segment->file_offset, segment->file_size, size))
			abort();
		if (segment->executable && elf->entry - segment->vaddr < segment->mem_size)
			entry = true;
		for (uint32_t k = 0; k < i; k++) {
			const struct om_elf_segment *other = &elf->segments[k];

			if (segment->vaddr - other->vaddr < other->mem_size ||
			    other->vaddr - segment->vaddr < segment->mem_size)
				abort();
		}
	}
	if (!entry)
		abort();
}

static void emit(void *ctx, const struct om_diag *diag)
{
	(void)ctx;
	if (diag->text[0] == '\0' || !memchr(diag->text, '\0', sizeof(diag->text)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct om_diag_sink sink = { emit, NULL };
	struct om_span file = { data, size };
	enum om_kernel_kind kind;
	struct om_elf elf;

	if (om_elf_parse(file, &sink, &elf) == OM_OK)
		check(&elf, size);
	if (om_kernel_probe(file, &sink, &kind) == OM_OK && kind == OM_KERNEL_UNKNOWN)
		abort();
	om_image_kind_text(om_image_probe(file));
	return 0;
}
