/* SPDX-License-Identifier: MIT */
/* The superblock of a verity hash tree, and the device mapper's line for it. */
#include <overmount/fmt.h>
#include <overmount/verity.h>

/* Of the superblock; behind the salt there is nothing yet. */
enum {
	AT_MAGIC = 0, AT_VERSION = 8, AT_TYPE = 12, AT_UUID = 16, AT_ALGORITHM = 32,
	AT_DATA_BLOCK = 64, AT_HASH_BLOCK = 68, AT_DATA_BLOCKS = 72, AT_SALT_SIZE = 80, AT_SALT = 88,
};

#define BLOCK_MAX	(512u << 10)	/* that the format allows; kernels take less */

struct reader {
	const uint8_t *bytes;
	const struct om_verity *verity;
	const struct om_device *data, *hash;
	const struct om_diag_sink *sink;
};

static enum om_status read_block_size(const struct reader *reader, unsigned at, const char *what,
				      uint32_t *ret_size)
{
	uint32_t size = om_get_le32(reader->bytes + at);

	if (size < OM_VERITY_UNIT || size > BLOCK_MAX || (size & (size - 1)))
		return om_diag_binary(reader->sink, OM_SYNTAX, at, "superblock: %s blocks of %u bytes: expected "
				      "a power of two from %u to %u", what, size, OM_VERITY_UNIT,
				      BLOCK_MAX);
	*ret_size = size;
	return OM_OK;
}

/* One word of the device mapper's line, and nothing that could be two. */
static enum om_status read_algorithm(const struct reader *reader, char *algorithm)
{
	const uint8_t *from = reader->bytes + AT_ALGORITHM;
	size_t len = 0;

	while (len < OM_VERITY_ALGORITHM_MAX && from[len] > ' ' && from[len] < 0x7f && from[len] != '\\')
		len++;
	if (len == 0 || (len < OM_VERITY_ALGORITHM_MAX && from[len] != '\0'))
		return om_diag_binary(reader->sink, OM_SYNTAX, AT_ALGORITHM + len,
				      "superblock: the hash algorithm is not a word");
	memcpy(algorithm, from, len);
	algorithm[len] = '\0';
	return OM_OK;
}

/* What the kernel calls otherwise ("sm3", "sha256-generic"), it measures itself. */
static enum om_status check_digest(const struct reader *reader, const char *algorithm)
{
	static const struct {
		const char *name;
		uint32_t len;
	} known[] = { { "sha1", 20 }, { "sha256", 32 }, { "sha384", 48 }, { "sha512", 64 } };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (om_str_is(om_str_from(algorithm), known[i].name) &&
		    known[i].len != reader->verity->hash_len)
			return om_diag_binary(reader->sink, OM_CONFLICT, AT_ALGORITHM,
					      "the root hash has %u bytes, and %s, which the superblock "
					      "names, makes %u", reader->verity->hash_len, algorithm,
					      known[i].len);
	return OM_OK;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

/* Each level has one hash for each block of the one below, as many to a block as a power of two. */
static uint64_t tree_blocks(const struct om_verity_tree *tree, uint32_t hash_len)
{
	uint64_t blocks = tree->data_blocks, total = 0, each = 1;

	while (each * 2 * hash_len <= tree->hash_block)
		each *= 2;
	while (blocks > 1) {
		blocks = divide_up(blocks, each);
		total += blocks;
	}
	return total;
}

static bool same_device(const struct om_device *a, const struct om_device *b)
{
	return a->major == b->major && a->minor == b->minor;
}

/* No overflow: offset and data are less than 2^63, and a tree has at most 64 bytes a hash, and a half more. */
static enum om_status check_room(const struct reader *reader, const struct om_verity_tree *tree)
{
	const struct om_device *data = reader->data, *hash = reader->hash;
	uint64_t end = (tree->first + tree->hash_blocks) * tree->hash_block;

	if (tree->size > data->size)
		return om_diag_binary(reader->sink, OM_LIMIT, AT_DATA_BLOCKS, "the superblock speaks of %llu "
				      "bytes of data, and /dev/%s has %llu",
				      (unsigned long long)tree->size, data->name,
				      (unsigned long long)data->size);
	if (end > hash->size)
		return om_diag_binary(reader->sink, OM_LIMIT, AT_DATA_BLOCKS, "the hash tree ends at byte %llu, "
				      "and /dev/%s has %llu", (unsigned long long)end, hash->name,
				      (unsigned long long)hash->size);
	if (same_device(data, hash) && tree->size > reader->verity->offset)
		return om_diag_binary(reader->sink, OM_CONFLICT, AT_DATA_BLOCKS, "the data reaches to byte %llu, "
				      "and the hash tree of the same device begins at %llu",
				      (unsigned long long)tree->size,
				      (unsigned long long)reader->verity->offset);
	return OM_OK;
}

static enum om_status read_counts(const struct reader *reader, struct om_verity_tree *tree)
{
	uint64_t blocks = om_get_le64(reader->bytes + AT_DATA_BLOCKS);
	uint32_t salt_len = om_get_le16(reader->bytes + AT_SALT_SIZE);

	if (blocks == 0 || blocks > INT64_MAX / tree->data_block)
		return om_diag_binary(reader->sink, OM_SYNTAX, AT_DATA_BLOCKS,
				      "superblock: %llu blocks of data", (unsigned long long)blocks);
	if (salt_len > OM_VERITY_SALT_MAX)
		return om_diag_binary(reader->sink, OM_SYNTAX, AT_SALT_SIZE,
				      "superblock: a salt of %u bytes: at most %u have room", salt_len,
				      OM_VERITY_SALT_MAX);
	tree->data_blocks = blocks;
	tree->size = blocks * tree->data_block;
	tree->salt_len = salt_len;
	memcpy(tree->salt, reader->bytes + AT_SALT, salt_len);
	tree->first = divide_up(reader->verity->offset + OM_VERITY_SUPERBLOCK_SIZE, tree->hash_block);
	tree->hash_blocks = tree_blocks(tree, reader->verity->hash_len);
	return check_room(reader, tree);
}

static enum om_status read_kind(const struct reader *reader, struct om_verity_tree *tree)
{
	uint32_t version = om_get_le32(reader->bytes + AT_VERSION);

	if (memcmp(reader->bytes + AT_MAGIC, "verity\0\0", 8) != 0)
		return om_diag_binary(reader->sink, OM_SYNTAX, AT_MAGIC,
				      "no verity superblock at byte %llu of /dev/%s",
				      (unsigned long long)reader->verity->offset, reader->hash->name);
	if (version != 1)
		return om_diag_binary(reader->sink, OM_VERSION, AT_VERSION,
				      "superblock: version %u; this program knows 1", version);
	tree->type = om_get_le32(reader->bytes + AT_TYPE);
	if (tree->type > 1)
		return om_diag_binary(reader->sink, OM_VERSION, AT_TYPE,
				      "superblock: hash type %u; this program knows 0 and 1", tree->type);
	memcpy(tree->uuid, reader->bytes + AT_UUID, sizeof(tree->uuid));
	return OM_OK;
}

enum om_status om_verity_read(struct om_span bytes, const struct om_verity *verity,
			      const struct om_device *data, const struct om_device *hash,
			      const struct om_diag_sink *sink, struct om_verity_tree *ret_tree)
{
	const struct reader reader = { bytes.ptr, verity, data, hash, sink };
	struct om_verity_tree tree = { 0 };
	enum om_status status;

	if (bytes.len < OM_VERITY_SUPERBLOCK_SIZE)
		return om_diag_binary(sink, OM_TRUNCATED, bytes.len, "/dev/%s ends before byte %llu, where the "
				      "verity superblock should end", hash->name,
				      (unsigned long long)verity->offset + OM_VERITY_SUPERBLOCK_SIZE);
	status = read_kind(&reader, &tree);
	if (status == OM_OK)
		status = read_algorithm(&reader, tree.algorithm);
	if (status == OM_OK)
		status = check_digest(&reader, tree.algorithm);
	if (status == OM_OK)
		status = read_block_size(&reader, AT_DATA_BLOCK, "data", &tree.data_block);
	if (status == OM_OK)
		status = read_block_size(&reader, AT_HASH_BLOCK, "hash", &tree.hash_block);
	if (status == OM_OK)
		status = read_counts(&reader, &tree);
	if (status == OM_OK)
		*ret_tree = tree;
	return status;
}

static size_t append_hex(char *buf, size_t size, size_t used, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		used += om_format(buf + used, used < size ? size - used : 0, "%02x", bytes[i]);
	return used;
}

size_t om_verity_line(const struct om_verity_tree *tree, const struct om_verity *verity,
		      const struct om_device *data, const struct om_device *hash, char *buf,
		      size_t size)
{
	size_t used = om_format(buf, size, "%u %u:%u %u:%u %u %u %llu %llu %s ", tree->type, data->major,
				data->minor, hash->major, hash->minor, tree->data_block,
				tree->hash_block, (unsigned long long)tree->data_blocks,
				(unsigned long long)tree->first, tree->algorithm);

	used = append_hex(buf, size, used, verity->root_hash, verity->hash_len);
	used += om_format(buf + used, used < size ? size - used : 0, tree->salt_len ? " " : " -");
	return append_hex(buf, size, used, tree->salt, tree->salt_len);
}
