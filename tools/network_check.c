/* SPDX-License-Identifier: MIT */
/*
 * What /init would only say at boot: ip=, and the roots on other machines, as it will read them.
 * Entries without any key of ours are left to the initrd that they bring.
 */
#include <overmount/network.h>

#include "host.h"

/* The place in the text that a key or a parameter has as its value, made one in the file. */
struct place {
	struct diag_printer *printer;
	struct om_value at;
};

static void emit(void *ctx, const struct om_diag *diag)
{
	struct place *place = ctx;
	struct om_diag moved = *diag;

	moved.line = place->at.line;
	moved.column += place->at.column - 1;
	place->printer->sink.emit(place->printer->sink.ctx, &moved);
}

/* Where the text of candidate I stands: behind "nfs:", or as nfsroot=. */
static struct om_value text_of(const struct om_entry *entry, uint32_t i)
{
	struct om_value at = entry->candidates_at[i];
	struct om_str text = entry->root.candidates[i].spec.text;

	if (text.len && text.ptr == entry->nfsroot.text.ptr)
		return entry->nfsroot;
	if (om_str_starts(at.text, "nfs:"))
		at.column += 4;
	at.text = text;
	return at;
}

static int check_ip(struct entry_file *file, struct om_net_config *ret_config)
{
	const struct om_entry *entry = &file->entry;
	struct place place = { &file->printer, entry->ip };
	const struct om_diag_sink sink = { emit, &place };

	*ret_config = (struct om_net_config){ .method = OM_NET_DHCP };
	if (!entry->ip.text.len)
		return DONE;
	if (om_ip_parameter_parse(entry->ip.text, &sink, ret_config) != OM_OK)
		return REFUSED;
	if (ret_config->method != OM_NET_OFF)
		return DONE;
	om_diag_text(&sink, OM_CONFLICT, false, 1, 1, (uint32_t)entry->ip.text.len,
		     "write ip=dhcp, or an address", "ip= switches off the network that the root needs");
	return REFUSED;
}

int network_check(struct entry_file *file)
{
	const struct om_entry *entry = &file->entry;
	struct om_net_config config = { 0 };
	struct om_nfs_root root;
	int result = DONE;
	uint32_t i;

	if (!entry->linux_image.path.text.len || entry->plain)
		return DONE;
	for (i = 0; i < entry->root.candidate_count; i++) {
		const struct om_candidate *candidate = &entry->root.candidates[i];
		struct place place = { &file->printer, text_of(entry, i) };
		const struct om_diag_sink sink = { emit, &place };

		if (candidate->spec.kind != OM_ROOT_NFS)
			continue;
		if (!config.method && check_ip(file, &config) != DONE)
			return REFUSED;
		/* What a lease may still say is taken for said. */
		if (config.method != OM_NET_STATIC && !config.server)
			config.server = 1;
		if (om_nfs_root_resolve(candidate->spec.text, candidate->flags, &config, &sink, &root) != OM_OK)
			result = REFUSED;
	}
	return result;
}
