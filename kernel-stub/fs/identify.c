/* SPDX-License-Identifier: MIT */
/* Type, UUID and label of a file system, in the forms that blkid made usual. */
#include <overmount/bytes.h>
#include <overmount/fmt.h>
#include <overmount/limits.h>

#include "identify.h"

#define HEAD_ORDER 5u		/* 128 KiB; the probe wants 68 */
#define SUPERBLOCK 1024u

/* ext: features that only a newer relative has */
#define EXT_HAS_JOURNAL		0x4u
#define EXT3_INCOMPAT		0x16u	/* file types, recovery, meta_bg: also without extents */
#define EXT3_RO_COMPAT		0x7u

struct head {
	const uint8_t *bytes;
	size_t len;
};

/* NULL when the device is too short for it. */
static const uint8_t *field(const struct head *head, size_t offset, size_t len)
{
	return offset <= head->len && len <= head->len - offset ? head->bytes + offset : NULL;
}

static void set_uuid(struct identity *id, const uint8_t *u)
{
	bool empty = true;

	for (unsigned i = 0; u && i < 16; i++)
		empty = empty && u[i] == 0;
	if (!u || empty)
		return;
	om_format(id->uuid, sizeof(id->uuid),
		  "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
		  u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
		  u[15]);
}

/* Up to a NUL; spaces at the end are padding. */
static void set_label(struct identity *id, const uint8_t *text, size_t size)
{
	size_t len = 0;

	if (!text)
		return;
	while (len < size && len < sizeof(id->label) - 1 && text[len])
		len++;
	while (len > 0 && text[len - 1] == ' ')
		len--;
	memcpy(id->label, text, len);
	id->label[len] = '\0';
}

static void set_type(struct identity *id, const char *type)
{
	om_format(id->type, sizeof(id->type), "%s", type);
}

static void identify_ext(struct identity *id, const struct head *head)
{
	const uint8_t *sb = field(head, SUPERBLOCK, 1024);

	if (!sb)
		return;
	/* Revision 0 has no features, and no names either. */
	if (om_get_le32(sb + 76) == 0)
		return;
	if ((om_get_le32(sb + 96) & ~EXT3_INCOMPAT) || (om_get_le32(sb + 100) & ~EXT3_RO_COMPAT))
		set_type(id, "ext4");
	else if (om_get_le32(sb + 92) & EXT_HAS_JOURNAL)
		set_type(id, "ext3");
	set_uuid(id, sb + 104);
	set_label(id, sb + 120, 16);
}

static void identify_fat(struct identity *id, const struct head *head)
{
	const uint8_t *sector = field(head, 0, 512), *tail;

	if (!sector)
		return;
	/* FAT32 has no 16-bit size of a FAT, and its names further behind. */
	tail = sector + (om_get_le16(sector + 22) ? 38 : 66);
	set_type(id, "vfat");
	if (tail[0] != 0x28 && tail[0] != 0x29)
		return;
	om_format(id->uuid, sizeof(id->uuid), "%04X-%04X", om_get_le16(tail + 3),
		  om_get_le16(tail + 1));
	if (tail[0] == 0x29 && memcmp(tail + 5, "NO NAME    ", 11) != 0)
		set_label(id, tail + 5, 11);
}

/* The time of the last change (else of creation) serves as a number. */
static void identify_iso(struct identity *id, const struct head *head)
{
	const uint8_t *volume = field(head, 32768, 2048), *t;

	if (!volume)
		return;
	set_label(id, volume + 40, 32);
	t = volume + 830;
	if (memcmp(t, "0000000000000000", 16) == 0 || t[0] < '0')
		t = volume + 813;
	if (t[0] < '0' || t[0] > '9' || memcmp(t, "0000000000000000", 16) == 0)
		return;
	om_format(id->uuid, sizeof(id->uuid), "%.*s-%.*s-%.*s-%.*s-%.*s-%.*s-%.*s", 4,
		  (const char *)t, 2, (const char *)t + 4, 2, (const char *)t + 6, 2,
		  (const char *)t + 8, 2, (const char *)t + 10, 2, (const char *)t + 12, 2,
		  (const char *)t + 14);
}

static void fill(struct identity *id, const struct head *head)
{
	const uint8_t *sb;

	set_type(id, om_image_kind_text(id->kind));
	switch (id->kind) {
	case OM_IMAGE_EXT2:
		identify_ext(id, head);
		break;
	case OM_IMAGE_FAT:
		identify_fat(id, head);
		break;
	case OM_IMAGE_ISO9660:
		identify_iso(id, head);
		break;
	case OM_IMAGE_EROFS:
		set_uuid(id, field(head, SUPERBLOCK + 48, 16));
		set_label(id, field(head, SUPERBLOCK + 64, 16), 16);
		break;
	case OM_IMAGE_XFS:
		set_uuid(id, field(head, 32, 16));
		set_label(id, field(head, 108, 12), 12);
		break;
	case OM_IMAGE_BTRFS:
		set_uuid(id, field(head, 65536 + 32, 16));
		set_label(id, field(head, 65536 + 299, 256), 256);
		break;
	case OM_IMAGE_F2FS:
		set_uuid(id, field(head, SUPERBLOCK + 108, 16));
		break;
	case OM_IMAGE_ROMFS:
		set_label(id, field(head, 16, 16), 16);
		break;
	case OM_IMAGE_CRAMFS:
		/* The superblock is at 512 where a boot sector stands in front. */
		sb = field(head, 0, 4);
		set_label(id, field(head, sb && om_get_le32(sb) == 0x28cd3d45 ? 48 : 560, 16), 16);
		break;
	default:
		break;
	}
}

int identify(struct block_device *bdev, struct identity *ret_identity)
{
	struct identity id = { .kind = OM_IMAGE_UNKNOWN };
	uint64_t size = bdev->sectors * SECTOR_SIZE;
	uint8_t *bytes = pages_alloc(HEAD_ORDER);
	struct head head = { bytes, size < OM_IMAGE_PROBE_BYTES ? size : OM_IMAGE_PROBE_BYTES };
	int err;

	if (!bytes)
		return -ENOMEM;
	err = block_read(bdev, 0, bytes, head.len);
	if (err < 0)
		goto out;
	id.kind = om_image_probe((struct om_span){ bytes, head.len });
	if (id.kind != OM_IMAGE_UNKNOWN)
		fill(&id, &head);
	*ret_identity = id;
out:
	pages_free(bytes, HEAD_ORDER);
	return err;
}
