/* SPDX-License-Identifier: MIT */
/*
 * Test builds only (OM_STAGE_FAULTS): make the N-th allocation or read of a boot attempt fail,
 * for every N, in one run of the stage.  QEMU asks for it with
 *	-fw_cfg name=opt/overmount/fail-alloc,string=all	(or fail-read)
 * With opt/overmount/no-keyboard nobody can be asked.
 * With opt/overmount/plain-read the same files are first read into memory with nothing else
 * done to them: what `make bench` compares the assembly with.
 */
#include "stage.h"

#if OM_STAGE_FAULTS

#define FW_CFG_SELECT	0x510
#define FW_CFG_DATA	0x511
#define FW_CFG_DIR	0x19u
#define LOOP_MAX	20000u

static void fw_select(uint16_t key)
{
	__asm__ volatile("outw %0, %1" : : "a"(key), "Nd"((uint16_t)FW_CFG_SELECT));
}

static void fw_read(void *buf, size_t len)
{
	uint8_t *at = buf;

	while (len--)
		__asm__ volatile("inb %1, %0" : "=a"(*at++) : "Nd"((uint16_t)FW_CFG_DATA));
}

/* The text of a named item, "" when there is none. */
static void fw_text(const char *name, char *buf, size_t size)
{
	uint8_t head[4], file[64];
	uint32_t count, i;
	size_t len;

	buf[0] = '\0';
	fw_select(0);
	fw_read(head, 4);
	if (memcmp(head, "QEMU", 4) != 0)
		return;
	fw_select(FW_CFG_DIR);
	fw_read(head, 4);
	count = om_get_be32(head);
	for (i = 0; i < count && i < 1024; i++) {
		fw_read(file, sizeof(file));
		if (memcmp(file + 8, name, strlen(name) + 1) != 0)
			continue;
		len = om_get_be32(file);
		if (len >= size)
			len = size - 1;
		fw_select((uint16_t)(file[4] << 8 | file[5]));
		fw_read(buf, len);
		buf[len] = '\0';
		return;
	}
}

static void loop(struct stage *stage, struct boot_item *item, const char *what, bool alloc)
{
	struct stage_account before = stage->account;
	uint32_t n, clean = 0, level = stage->log_level;
	enum om_status status = OM_IO;
	bool reached = true;

	for (n = 1; n < LOOP_MAX && reached; n++) {
		stage->faults = (struct stage_faults){ alloc ? n : 0, alloc ? 0 : n, 0, 0 };
		stage->log_level = LEVEL_ERROR;
		status = stage_boot(stage, item, BOOT_REHEARSE);
		stage->log_level = level;
		reached = (alloc ? stage->faults.allocs : stage->faults.reads) >= n;
		if (memcmp(&before, &stage->account, sizeof(before)) != 0) {
			stage_log(stage, LEVEL_ERROR, "faults: %s %u: LEAK", what, n);
			before = stage->account;
		} else if (reached && status == OM_OK) {
			stage_log(stage, LEVEL_INFO, "faults: %s %u: not needed", what, n);
			clean++;
		} else if (reached) {
			clean++;
		}
	}
	stage_log(stage, LEVEL_INFO, "faults: %s: %u made, %u clean, then %s", what, n - 2, clean,
		  om_status_text(status));
	memset(&stage->faults, 0, sizeof(stage->faults));
}

struct plain {
	uint64_t bytes, usec;
};

/* Giving the pages back does not count: firmware that clears them then spends more than on reading. */
static void read_plainly(struct stage *stage, struct om_str path, struct plain *plain)
{
	struct stage_file *file = stage->mem.alloc(stage->mem.ctx, sizeof(*file));
	uint64_t start = stage_usec(stage);

	if (!file || path.len == 0)
		goto free;
	memset(file, 0, sizeof(*file));
	if (stage_file_open(stage, file, path) == OM_OK) {
		if (!file->directory && stage_file_load(file) == OM_OK)
			plain->bytes += file->source.size;
		stage_file_close(file);
		plain->usec += stage_usec(stage) - start;
		stage_file_release(file);
	}
free:
	stage->mem.free(stage->mem.ctx, file, sizeof(*file));
}

static struct plain read_all(struct stage *stage, const struct om_entry *entry)
{
	struct plain plain = { 0, 0 };
	uint32_t i, volume;

	read_plainly(stage, entry->kernel.path.text, &plain);
	read_plainly(stage, entry->linux_image.path.text, &plain);
	for (i = 0; i < entry->layer_count; i++)
		read_plainly(stage, entry->layers[i].source.path.text, &plain);
	for (i = 0; i < entry->ramdisk_count; i++)
		for (volume = 0; volume < entry->ramdisks[i].volume_count; volume++)
			read_plainly(stage, entry->ramdisks[i].volumes[volume].path.text, &plain);
	return plain;
}

/* Twice: the first pays for caches and for the first touch of every page, the assembly will not. */
static void plain_read(struct stage *stage, const struct om_entry *entry)
{
	struct plain plain;

	read_all(stage, entry);
	plain = read_all(stage, entry);
	stage_log(stage, LEVEL_INFO, "plain read: %llu bytes in %llu us",
		  (unsigned long long)plain.bytes, (unsigned long long)plain.usec);
}

void stage_faults_init(struct stage *stage)
{
	char text[16];

	fw_text("opt/overmount/no-keyboard", text, sizeof(text));
	if (text[0])
		stage->in = NULL;
}

void stage_faults_loop(struct stage *stage, struct boot_item *item)
{
	char text[16];

	fw_text("opt/overmount/plain-read", text, sizeof(text));
	if (text[0])
		plain_read(stage, item->entry);

	fw_text("opt/overmount/fail-alloc", text, sizeof(text));
	if (text[0])
		loop(stage, item, "allocation", true);
	fw_text("opt/overmount/fail-read", text, sizeof(text));
	if (text[0])
		loop(stage, item, "read", false);
	stage->message[0] = '\0';
}

#else

void stage_faults_init(struct stage *stage)
{
	(void)stage;
}

void stage_faults_loop(struct stage *stage, struct boot_item *item)
{
	(void)stage;
	(void)item;
}

#endif
