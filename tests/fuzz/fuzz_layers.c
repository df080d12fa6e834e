/* SPDX-License-Identifier: MIT */
/*
 * Layers cut from one input: what can be merged must be written, and what was written must be
 * read back as the same names.  A layer: a byte for its kind, two for its length, its bytes.
 */
#include "fuzz_archive.h"

#define LAYERS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *write_image(struct om_tree *tree, uint64_t *ret_size)
{
	struct om_image_sink sink = { 0 };
	enum om_status status;

	if (om_image_layout(tree, &sink.size) != OM_OK)
		return NULL;
	sink.base = malloc(sink.size);
	FUZZ_CHECK(sink.base != NULL);
	status = om_image_write(tree, &sink);
	FUZZ_CHECK(status == OM_OK || status == OM_CHECKSUM);
	*ret_size = sink.size;
	if (status == OM_OK)
		return sink.base;
	free(sink.base);
	return NULL;
}

static void read_back(const struct om_tree *tree, const uint8_t *image, uint64_t size)
{
	struct om_tree_options options = { .no_devices = true, .no_manifest = true };
	struct om_source source = { .size = size, .base = image, .name = "image" };
	struct om_tree again;

	FUZZ_CHECK(om_tree_init(&again, &fuzz_mem, &options) == OM_OK);
	FUZZ_CHECK(om_tree_add_cpio(&again, "image", &source) == OM_OK);
	FUZZ_CHECK(om_tree_finish(&again) == OM_OK);
	FUZZ_CHECK(again.node_count == tree->node_count);
	FUZZ_CHECK(again.data_bytes == tree->data_bytes);
	om_tree_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct om_tree_options options = { .source_date_epoch = 1700000000 };
	static const char *const names[LAYERS] = { "one", "two", "three", "four" };
	struct om_source source[LAYERS];
	struct om_span span[LAYERS];
	enum om_status status = OM_OK;
	struct om_tree tree;
	uint64_t image_size;
	uint8_t *image;

	options.page_align = size & 1;
	FUZZ_CHECK(om_tree_init(&tree, &fuzz_mem, &options) == OM_OK);
	for (int i = 0; i < LAYERS && size >= 3 && status == OM_OK; i++) {
		uint8_t kind = data[0];
		size_t len = om_get_le16(data + 1);

		data += 3;
		size -= 3;
		len = len < size ? len : size;
		span[i] = (struct om_span){ data, len };
		source[i] = (struct om_source){ .read_at = fuzz_read_at, .ctx = &span[i],
						.size = len, .base = kind & 2 ? data : NULL };
		status = kind & 1 ? om_tree_add_tar(&tree, names[i], &source[i]) :
				    om_tree_add_cpio(&tree, names[i], &source[i]);
		data += len;
		size -= len;
	}
	if (status == OM_OK)
		status = om_tree_finish(&tree);
	FUZZ_CHECK((status == OM_OK) == (tree.diag.text[0] == '\0'));
	if (status == OM_OK) {
		image = write_image(&tree, &image_size);
		if (image)
			read_back(&tree, image, image_size);
		free(image);
	}
	om_tree_release(&tree);
	return 0;
}
