/* SPDX-License-Identifier: MIT */
/* DHCP messages from anybody on the wire, and with them the texts that name an NFS root. */
#include <stdlib.h>

#include <overmount/network.h>

/* Takes everything that anybody takes. */
static const struct om_dhcp_client client = {
	.mac = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, .xid = 0x01020304, .host_name = "",
	.method = OM_NET_ANY,
};

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static const struct om_str *checked;

static void emit(void *ctx, const struct om_diag *diag)
{
	(void)ctx;
	/* The place lies in the text, or behind its end. */
	if (diag->column == 0 || diag->column + diag->length > checked->len + 1)
		abort();
}

/* What names a root and how to get there, as a user or a server of DHCP writes it. */
static void read_text(struct om_str text)
{
	const struct om_diag_sink sink = { emit, NULL };
	struct om_net_config config = { .server = 1, .address = 2 }, said;
	struct om_nfs_root root;

	checked = &text;
	if (om_nfs_root_resolve(text, OM_STR(""), &config, &sink, &root) == OM_OK &&
	    (!ends(root.path, sizeof(root.path)) || root.path[0] != '/' || !root.server))
		abort();
	if (om_ip_parameter_parse(text, &sink, &said) != OM_OK)
		return;
	if (!said.method || !ends(said.host_name, sizeof(said.host_name)) ||
	    !ends(said.device, sizeof(said.device)))
		abort();
	om_net_overlay(&said, &config);
	if (!ends(config.host_name, sizeof(config.host_name)))
		abort();
}

static void check(const struct om_dhcp_reply *reply)
{
	const struct om_net_config *config = &reply->config;
	struct om_nfs_root root;

	if ((reply->type != OM_DHCP_NONE && !reply->server_id) || !ends(config->host_name, sizeof(config->host_name)) ||
	    !ends(config->domain, sizeof(config->domain)) ||
	    !ends(config->root_path, sizeof(config->root_path)) ||
	    om_ipv4_mask_bits(config->netmask) != (unsigned int)__builtin_popcount(config->netmask))
		abort();
	if (om_nfs_root_resolve(OM_STR(""), OM_STR("soft"), config, NULL, &root) == OM_OK &&
	    (!ends(root.path, sizeof(root.path)) || !ends(root.options, sizeof(root.options)) ||
	     !root.server))
		abort();
}

/* The message in a packet whose header is right, so that what is inside gets its turn. */
static void read_message(const uint8_t *data, size_t size)
{
	struct om_dhcp_reply reply;
	uint32_t sum = 0;
	uint8_t *packet;
	size_t i;

	if (size > 1472)
		return;
	packet = calloc(1, 28 + size);
	if (!packet)
		return;
	if (size)
		memcpy(packet + 28, data, size);
	packet[0] = 0x45;
	put16(packet + 2, 28 + size);
	packet[9] = 17;
	put16(packet + 20, 67);
	put16(packet + 22, 68);
	put16(packet + 24, 8 + size);
	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)packet[i] << 8 | packet[i + 1];
	put16(packet + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	if (om_dhcp_read((struct om_span){ packet, 28 + size }, &client, &reply))
		check(&reply);
	free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct om_str text = { (const char *)data, size }, value;
	struct om_dhcp_reply reply;

	if (om_dhcp_read((struct om_span){ data, size }, &client, &reply))
		check(&reply);
	read_message(data, size);
	read_text(text);
	if (om_command_line_value(text, "ip", &value) &&
	    (value.ptr < text.ptr || value.ptr + value.len > text.ptr + text.len))
		abort();
	return 0;
}
