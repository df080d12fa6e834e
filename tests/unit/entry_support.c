/* SPDX-License-Identifier: MIT */
#include "entry_support.h"

void text_add(struct text_buf *buf, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(buf->text + buf->len, sizeof(buf->text) - buf->len, format, args);
	va_end(args);
	assert_true(len >= 0 && buf->len + (size_t)len < sizeof(buf->text));
	buf->len += (size_t)len;
}

static bool matches(const struct finding *want, const struct om_diag *diag)
{
	return want->line == diag->line && want->column == diag->column &&
	       want->length == diag->length && want->warning == diag->warning &&
	       (want->warning || want->status == diag->status) && strstr(diag->text, want->text) &&
	       (!want->hint || (want->hint[0] ? strstr(diag->hint, want->hint) != NULL :
						diag->hint[0] == '\0'));
}

void test_assert_findings(const char *name, const struct test_sink *sink,
			  const struct finding *findings)
{
	size_t i;

	for (i = 0; i < FINDINGS_MAX && findings[i].text; i++) {
		if (i < sink->count && matches(&findings[i], &sink->diags[i]))
			continue;
		test_sink_print(sink);
		fail_msg("%s: expected finding %zu: %u:%u (+%u) %s: %s -- %s", name, i + 1,
			 findings[i].line, findings[i].column, findings[i].length,
			 findings[i].warning ? "warning" : om_status_text(findings[i].status),
			 findings[i].text, findings[i].hint ? findings[i].hint : "(any)");
	}
	if (sink->count != i) {
		test_sink_print(sink);
		fail_msg("%s: %zu findings, expected %zu", name, sink->count, i);
	}
}

static void add_str(struct text_buf *buf, struct om_str text)
{
	text_add(buf, "%.*s", (int)text.len, text.ptr ? text.ptr : "");
}

static void dump_path(struct text_buf *buf, const char *name, const struct om_path_ref *ref)
{
	if (ref->path.text.len == 0)
		return;
	text_add(buf, " %s", name);
	if (ref->label.len)
		text_add(buf, "LABEL=%.*s:", (int)ref->label.len, ref->label.ptr);
	add_str(buf, ref->path.text);
	if (ref->has_digest)
		text_add(buf, "#%02x..%02x", ref->digest[0], ref->digest[OM_SHA256_SIZE - 1]);
}

static void dump_layers(const struct om_entry *entry, struct text_buf *buf)
{
	static const char *const roles[] = { "ramfs:", "initrd:", "overlay:", "file:" };

	for (uint32_t i = 0; i < entry->layer_count; i++) {
		const struct om_layer_ref *layer = &entry->layers[i];

		dump_path(buf, roles[layer->role], &layer->source);
		if (layer->role == OM_LAYER_FILE)
			text_add(buf, ">%.*s,%o,%u,%u", (int)layer->dest.len, layer->dest.ptr,
				 layer->mode, layer->uid, layer->gid);
	}
	for (uint32_t i = 0; i < entry->ramdisk_count; i++) {
		const struct om_ramdisk_ref *ramdisk = &entry->ramdisks[i];

		text_add(buf, " ramdisk:%u,%u", ramdisk->index, ramdisk->start_kib);
		for (uint32_t j = 0; j < ramdisk->volume_count; j++)
			dump_path(buf, "", &ramdisk->volumes[j]);
	}
	if (entry->ramdisk_prompt)
		text_add(buf, " prompt");
}

static void dump_root(const struct om_root *root, struct text_buf *buf)
{
	static const char *const modes[] = { "", "ro", "rw" };
	static const char *const linuxrc[] = { "auto", "no", "" };
	static const char *const keep[] = { "no", "skeleton", "yes" };
	char spec[512];

	for (uint32_t i = 0; i < root->candidate_count; i++) {
		const struct om_candidate *candidate = &root->candidates[i];

		om_rootspec_format(&candidate->spec, spec, sizeof(spec));
		text_add(buf, " root:%s(%.*s;%.*s;%s)", spec, (int)candidate->fstypes.len,
			 candidate->fstypes.ptr, (int)candidate->flags.len, candidate->flags.ptr,
			 modes[candidate->mode]);
	}
	if (root->wait_ms == OM_WAIT_FOREVER)
		text_add(buf, " wait=forever");
	else if (root->wait_ms)
		text_add(buf, " wait=%u", root->wait_ms);
	if (root->delay_ms)
		text_add(buf, " delay=%u", root->delay_ms);
	if (root->linuxrc != OM_LINUXRC_AUTO)
		text_add(buf, " linuxrc=%s%.*s", linuxrc[root->linuxrc],
			 (int)root->linuxrc_path.len, root->linuxrc_path.ptr);
	if (root->init_count)
		text_add(buf, " init:");
	for (uint32_t i = 0; i < root->init_count; i++)
		text_add(buf, "[%.*s]", (int)root->init[i].len, root->init[i].ptr);
	if (root->rdinit.len)
		text_add(buf, " rdinit=%.*s", (int)root->rdinit.len, root->rdinit.ptr);
	if (root->devfs != (OM_DEVFS_INITRD | OM_DEVFS_ROOT))
		text_add(buf, " devfs=%u", root->devfs);
	if (root->keep != OM_KEEP_SKELETON)
		text_add(buf, " keep=%s", keep[root->keep]);
	if (!root->real_root_dev_compat)
		text_add(buf, " rrd=off");
	if (root->attach != OM_ATTACH_LOOP)
		text_add(buf, " attach=%u", root->attach);
	if (root->overlay != OM_OVERLAY_NONE)
		text_add(buf, " overlay=%u", root->overlay);
	if (root->verity.hash_len) {
		text_add(buf, " verity=%u:%02x..%02x@%llu", root->verity.hash_len,
			 root->verity.root_hash[0],
			 root->verity.root_hash[root->verity.hash_len - 1],
			 (unsigned long long)root->verity.offset);
		if (root->verity.device.kind) {
			om_rootspec_format(&root->verity.device, spec, sizeof(spec));
			text_add(buf, ",%s", spec);
		}
	}
	for (uint32_t i = 0; i < root->module_count; i++)
		text_add(buf, " module:%.*s", (int)root->modules[i].len, root->modules[i].ptr);
}

void entry_dump(const struct om_entry *entry, struct text_buf *buf)
{
	buf->len = 0;
	buf->text[0] = '\0';
	dump_path(buf, "kernel=", &entry->kernel);
	dump_path(buf, "linux=", &entry->linux_image);
	dump_path(buf, "efi=", &entry->efi);
	dump_layers(entry, buf);
	dump_root(&entry->root, buf);
	/* without the first blank */
	if (buf->len > 0)
		memmove(buf->text, buf->text + 1, buf->len--);
}

enum om_status entry_kit_parse(struct entry_kit *kit, struct om_str text, bool global)
{
	enum om_status status;

	test_mem_init(&kit->mem, 0);
	om_arena_init(&kit->arena, &kit->mem.mem);
	test_sink_init(&kit->sink);
	kit->entry = malloc(sizeof(*kit->entry));
	assert_non_null(kit->entry);
	memset(kit->entry, 0x5a, sizeof(*kit->entry));
	status = om_entry_parse(text, OM_STR("x.conf"), global, &kit->arena, &kit->sink.sink,
				kit->entry);
	assert_int_equal(kit->entry->error_count, kit->sink.errors);
	assert_int_equal(kit->entry->warning_count, kit->sink.warnings);
	return status;
}

void entry_kit_release(struct entry_kit *kit)
{
	free(kit->entry);
	om_arena_release(&kit->arena);
	test_mem_check(&kit->mem);
}
