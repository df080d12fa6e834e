/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a boot entry, the plan of whatever came of it, and its descriptor: what a plan
 * holds can be encoded, and what is encoded can be read.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include <overmount/descriptor.h>
#include <overmount/plan.h>

static void *take(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void give_back(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	(void)size;
	free(ptr);
}

static void count(void *ctx, const struct om_diag *diag)
{
	uint32_t *errors = ctx;

	assert(diag->text[0]);
	*errors += !diag->warning;
}

static void read_line(void *ctx, const char *text)
{
	*(size_t *)ctx += strlen(text);
}

/* The last byte decides what the files are found to be. */
static void make_facts(uint8_t seed, struct om_plan_facts *facts)
{
	uint32_t i;

	facts->kernel = (struct om_file_facts){ .known = true, .exists = true, .size = seed };
	facts->kernel_kind = (enum om_kernel_kind)(seed % 4);
	for (i = 0; i < OM_LAYERS_MAX; i++)
		facts->layers[i] = (struct om_file_facts){
			.known = true, .exists = (seed + i) % 7 != 0, .directory = (seed + i) % 5 == 0,
			.size = (uint64_t)seed << (i % 60),
			.image = (enum om_image_kind)((seed + i) % OM_IMAGE_KIND_COUNT),
		};
	for (i = 0; i < OM_IMAGES_MAX; i++)
		facts->ramdisks[i] = facts->layers[(i + seed) % OM_LAYERS_MAX];
	facts->memory_bytes = (uint64_t)seed << 20;
}

static void check_descriptor(const struct om_root *root)
{
	static uint8_t bytes[OM_DESCRIPTOR_MAX];
	static struct om_root decoded;
	enum om_status status;
	size_t len;

	status = om_descriptor_encode(root, bytes, sizeof(bytes), &len);
	assert(status == OM_OK || status == OM_LIMIT);
	if (status != OM_OK)
		return;
	status = om_descriptor_decode((struct om_span){ bytes, len }, NULL, &decoded);
	assert(status == OM_OK);
	assert(decoded.candidate_count == root->candidate_count);
	assert(decoded.init_count == root->init_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct om_entry entry;
	static struct om_plan plan;
	static struct om_plan_facts facts;
	struct om_mem mem = { take, give_back, NULL };
	uint32_t errors = 0;
	struct om_diag_sink sink = { count, &errors };
	struct om_str text = { (const char *)data, size };
	uint8_t seed = size ? data[size - 1] : 0;
	struct om_arena arena;
	enum om_status status;
	size_t total = 0;

	om_arena_init(&arena, &mem);
	status = om_entry_parse(text, OM_STR("fuzz.conf"), seed % 2, &arena, &sink, &entry);
	assert((status == OM_OK) == (errors == 0));
	assert(entry.error_count == errors);
	(void)om_entry_compare(&entry, &entry);
	(void)om_entry_id_matches(entry.title.text, entry.version.text);
	make_facts(seed, &facts);
	if (om_plan_make(&entry, seed & 4 ? &facts : NULL, &arena, &sink, &plan) == OM_OK) {
		om_plan_describe(&plan, read_line, &total);
		check_descriptor(&plan.root);
	}
	om_arena_release(&arena);
	return 0;
}
