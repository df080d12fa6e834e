/* SPDX-License-Identifier: MIT */
/* A source that is hashed while it is read for other reasons. */
#include <overmount/segments.h>

/* Up to END, into the scratch. */
static enum om_status hash_to(struct om_verified *verified, uint64_t end)
{
	const struct om_source *inner = verified->inner;
	enum om_status status;
	size_t part;

	for (; verified->at < end; verified->at += part) {
		part = end - verified->at < verified->scratch_size ? (size_t)(end - verified->at) :
								     verified->scratch_size;
		status = inner->read_at(inner->ctx, verified->at, verified->scratch, part);
		if (status != OM_OK)
			return status;
		om_sha256_update(&verified->sha, verified->scratch, part);
	}
	return OM_OK;
}

static enum om_status read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct om_verified *verified = ctx;
	const struct om_source *inner = verified->inner;
	enum om_status status;

	if (!verified->active)
		return inner->read_at(inner->ctx, offset, buf, len);
	/* A second time would be other bytes than those that were hashed. */
	if (offset < verified->at)
		return OM_MISUSE;
	status = hash_to(verified, offset);
	if (status == OM_OK)
		status = inner->read_at(inner->ctx, offset, buf, len);
	if (status != OM_OK)
		return status;
	om_sha256_update(&verified->sha, buf, len);
	verified->at = offset + len;
	return OM_OK;
}

void om_verified_init(struct om_verified *verified, const struct om_source *inner,
		      const uint8_t *digest, uint8_t *scratch, size_t scratch_size)
{
	*verified = (struct om_verified){
		.source = { .read_at = read_at, .ctx = verified, .size = inner->size,
			    .name = inner->name },
		.inner = inner,
		.digest = digest,
		.scratch = scratch,
		.scratch_size = scratch_size,
	};
}

void om_verified_begin(struct om_verified *verified)
{
	om_sha256_init_fast(&verified->sha);
	verified->at = 0;
	verified->active = true;
}

enum om_status om_verified_end(struct om_verified *verified)
{
	uint8_t found[OM_SHA256_SIZE];
	enum om_status status;

	verified->active = false;
	status = hash_to(verified, verified->inner->size);
	if (status != OM_OK)
		return status;
	om_sha256_final(&verified->sha, found);
	return memcmp(found, verified->digest, sizeof(found)) == 0 ? OM_OK : OM_CHECKSUM;
}
