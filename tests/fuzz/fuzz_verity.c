/* SPDX-License-Identifier: MIT */
/*
 * The superblock of a hash tree, from a disk that anybody may have written: what is accepted has the
 * levels that the kernel would compute, has room, and makes a line of ten words.
 *
 * An input is 32 bytes of surroundings (which hash, whether one device has both, offset, two sizes) and
 * the superblock.
 */
#include <stdio.h>
#include <stdlib.h>

#include <overmount/verity.h>

#define SURROUNDINGS 32u

static unsigned int findings;

static void emit(void *ctx, const struct om_diag *diag)
{
	(void)ctx;
	findings++;
	if (diag->text[0] == '\0' || !memchr(diag->text, '\0', sizeof(diag->text)) ||
	    diag->offset > OM_VERITY_SUPERBLOCK_SIZE)
		abort();
}

static const struct om_diag_sink sink = { emit, NULL };

/* Accepted, or refused with one reason and the result left alone. */
static bool reads(struct om_span bytes, const struct om_verity *verity, const struct om_device *data,
		  const struct om_device *hash, struct om_verity_tree *ret_tree)
{
	static const struct om_verity_tree untouched;
	bool accepted;

	findings = 0;
	*ret_tree = untouched;
	accepted = om_verity_read(bytes, verity, data, hash, &sink, ret_tree) == OM_OK;
	if (findings != !accepted || (!accepted && memcmp(ret_tree, &untouched, sizeof(untouched)) != 0))
		abort();
	return accepted;
}

/* As drivers/md/dm-verity-target.c of Linux documents its format: from the leaves, by shifts. */
static unsigned __int128 kernel_end(const struct om_verity_tree *tree, uint32_t hash_len)
{
	unsigned __int128 blocks = tree->first, one = 1;
	unsigned int bits = 0, shift;

	while ((uint64_t)hash_len << (bits + 1) <= tree->hash_block)
		bits++;
	for (shift = 0; shift < 64 && (tree->data_blocks - 1) >> shift; shift += bits)
		blocks += (tree->data_blocks + (one << (shift + bits)) - 1) >> (shift + bits);
	return blocks * tree->hash_block;
}

static void check_line(const struct om_verity_tree *tree, const struct om_verity *verity,
		       const struct om_device *data, const struct om_device *hash)
{
	char line[OM_VERITY_LINE_MAX], part[64], algorithm[64];
	unsigned long long blocks, first;
	size_t len, i, spaces = 0;
	unsigned int numbers[7];
	int used = 0;

	memset(line, 'x', sizeof(line));
	len = om_verity_line(tree, verity, data, hash, line, sizeof(line));
	if (len >= sizeof(line) || line[len] != '\0' || strlen(line) != len)
		abort();
	for (i = 0; i < len; i++) {
		spaces += line[i] == ' ';
		if (line[i] < ' ' || line[i] > '~' || line[i] == '\\')
			abort();
	}
	if (sscanf(line, "%u %u:%u %u:%u %u %u %llu %llu %63s %n", &numbers[0], &numbers[1], &numbers[2],
		   &numbers[3], &numbers[4], &numbers[5], &numbers[6], &blocks, &first, algorithm,
		   &used) != 10 || spaces != 9 || numbers[0] != tree->type || numbers[5] != tree->data_block ||
	    numbers[6] != tree->hash_block || blocks != tree->data_blocks || first != tree->first ||
	    strcmp(algorithm, tree->algorithm) != 0 ||
	    strcspn(line + used, " ") != (size_t)2 * verity->hash_len)
		abort();
	/* Into less room: its start. */
	if (om_verity_line(tree, verity, data, hash, part, sizeof(part)) != len ||
	    strlen(part) != sizeof(part) - 1 || memcmp(part, line, sizeof(part) - 1) != 0)
		abort();
}

static void check(const struct om_verity_tree *tree, const struct om_verity *verity,
		  const struct om_device *data, const struct om_device *hash)
{
	unsigned __int128 end = kernel_end(tree, verity->hash_len);
	uint32_t rest = (tree->data_block & (tree->data_block - 1)) | (tree->hash_block & (tree->hash_block - 1));

	if (rest || tree->data_block < OM_VERITY_UNIT || tree->hash_block < OM_VERITY_UNIT || tree->type > 1 ||
	    tree->size / tree->data_block != tree->data_blocks || tree->size > data->size ||
	    end > hash->size || end != (tree->first + tree->hash_blocks) * tree->hash_block ||
	    tree->first * tree->hash_block < verity->offset + OM_VERITY_SUPERBLOCK_SIZE ||
	    (data->minor == hash->minor && tree->size > verity->offset))
		abort();
	check_line(tree, verity, data, hash);
}

/* With as much room as there can be; then just enough, then a byte less. */
static void find_room(struct om_span bytes, const struct om_verity *verity, struct om_device data,
		      struct om_device hash)
{
	struct om_verity_tree tree, again;
	uint64_t end;

	data.size = hash.size = UINT64_MAX;
	if (!reads(bytes, verity, &data, &hash, &tree))
		return;
	check(&tree, verity, &data, &hash);
	end = (tree.first + tree.hash_blocks) * tree.hash_block;
	hash.size = end;
	data.size = data.minor == hash.minor ? end : tree.size;
	if (!reads(bytes, verity, &data, &hash, &again) || again.first != tree.first ||
	    again.hash_blocks != tree.hash_blocks)
		abort();
	hash.size--;
	if (reads(bytes, verity, &data, &hash, &again))
		abort();
	hash.size++;
	data.size = tree.size - 1;
	if (reads(bytes, verity, &data, &hash, &again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t lengths[] = { 32, 20, 48, 64 };
	struct om_device disk = { .name = "vda1", .major = 254, .minor = 1 };
	struct om_device hash = { .name = "vda2", .major = 254, .minor = 2 };
	struct om_verity verity = { 0 };
	struct om_verity_tree tree;
	struct om_span bytes;

	if (size < SURROUNDINGS)
		return 0;
	verity.hash_len = lengths[data[0] & 3];
	/* What a descriptor can say. */
	verity.offset = om_get_le64(data + 8) & (uint64_t)(INT64_MAX - OM_VERITY_UNIT + 1);
	disk.size = om_get_le64(data + 16);
	hash.size = om_get_le64(data + 24);
	if (data[0] & 4)
		hash = disk;
	bytes = (struct om_span){ data + SURROUNDINGS, size - SURROUNDINGS };
	if (reads(bytes, &verity, &disk, &hash, &tree))
		check(&tree, &verity, &disk, &hash);
	find_room(bytes, &verity, disk, hash);
	return 0;
}
