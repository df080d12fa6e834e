/* SPDX-License-Identifier: MIT */
/*
 * DHCP messages in the IP packets that carry them, since who has no address yet is sent to and
 * sends by hand.  RFC 2131 for the message, 2132 for the options, 791 and 768 for the rest.
 */
#include <overmount/network.h>

#define IP_HEADER	20u
#define UDP_HEADER	8u
#define BOOTP_FIXED	236u
#define COOKIE		0x63825363u
#define MESSAGE_MIN	300u		/* RFC 951; relays drop what is shorter */
#define CLIENT_PORT	68u
#define SERVER_PORT	67u
#define EVERYBODY	0xffffffffu
#define AT_SOURCE	12u		/* in the packet */

/* Places in the message. */
#define AT_OP		0u
#define AT_HTYPE	1u
#define AT_HLEN		2u
#define AT_XID		4u
#define AT_SECS		8u
#define AT_FLAGS	10u
#define AT_YIADDR	16u
#define AT_SIADDR	20u
#define AT_CHADDR	28u
#define AT_SNAME	44u
#define AT_FILE		108u
#define SNAME_SIZE	64u
#define FILE_SIZE	128u

enum option {
	OPT_PAD = 0, OPT_NETMASK = 1, OPT_ROUTER = 3, OPT_DNS = 6, OPT_HOST_NAME = 12, OPT_DOMAIN = 15,
	OPT_ROOT_PATH = 17, OPT_MTU = 26, OPT_BROADCAST = 28, OPT_ADDRESS = 50, OPT_LEASE = 51,
	OPT_OVERLOAD = 52, OPT_TYPE = 53, OPT_SERVER_ID = 54, OPT_WANTED = 55, OPT_SIZE_MAX = 57,
	OPT_CLIENT_ID = 61,
	OPT_TFTP_NAME = 66, OPT_END = 255,
};

static uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* The sum of 16-bit words, to be folded. */
static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get_be16(bytes + i);
	return len % 2 ? sum + (uint32_t)(bytes[len - 1] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ------------------------------------------------------------------ what the client sends */

static uint8_t *put_option(uint8_t *at, enum option option, const void *value, size_t len)
{
	*at++ = (uint8_t)option;
	*at++ = (uint8_t)len;
	memcpy(at, value, len);
	return at + len;
}

static uint8_t *put_option_be32(uint8_t *at, enum option option, uint32_t value)
{
	uint8_t bytes[4];

	om_put_be32(bytes, value);
	return put_option(at, option, bytes, sizeof(bytes));
}

static size_t put_message(enum om_dhcp_type type, const struct om_dhcp_client *client,
			  uint32_t address, uint32_t server_id, uint8_t *message)
{
	static const uint8_t wanted[] = { OPT_NETMASK, OPT_ROUTER, OPT_DNS, OPT_HOST_NAME, OPT_DOMAIN,
					  OPT_ROOT_PATH, OPT_MTU, OPT_BROADCAST, OPT_LEASE, OPT_TFTP_NAME };
	static const uint8_t size_max[] = { OM_DHCP_PACKET_MAX >> 8, OM_DHCP_PACKET_MAX & 0xff };
	size_t name_len = strlen(client->host_name), len;
	uint8_t *at = message + BOOTP_FIXED, kind = (uint8_t)type;

	message[AT_OP] = 1;		/* BOOTREQUEST */
	message[AT_HTYPE] = 1;		/* Ethernet */
	message[AT_HLEN] = 6;
	om_put_be32(message + AT_XID, client->xid);
	put_be16(message + AT_SECS, client->seconds);
	/* The answer may come to everybody: some interfaces take nothing else yet. */
	put_be16(message + AT_FLAGS, 0x8000);
	memcpy(message + AT_CHADDR, client->mac, sizeof(client->mac));
	om_put_be32(at, COOKIE);
	at += 4;
	if (type != OM_DHCP_NONE)
		at = put_option(at, OPT_TYPE, &kind, 1);
	if (type == OM_DHCP_REQUEST) {
		at = put_option_be32(at, OPT_ADDRESS, address);
		at = put_option_be32(at, OPT_SERVER_ID, server_id);
	}
	if (name_len && name_len < OM_HOST_NAME_MAX)
		at = put_option(at, OPT_HOST_NAME, client->host_name, name_len);
	if (type != OM_DHCP_NONE) {
		if (client->id.len && client->id.len <= OM_CLIENT_ID_MAX)
			at = put_option(at, OPT_CLIENT_ID, client->id.ptr, client->id.len);
		at = put_option(at, OPT_SIZE_MAX, size_max, sizeof(size_max));
		at = put_option(at, OPT_WANTED, wanted, sizeof(wanted));
	}
	*at++ = OPT_END;
	len = (size_t)(at - message);
	return len < MESSAGE_MIN ? MESSAGE_MIN : len;
}

size_t om_dhcp_write(enum om_dhcp_type type, const struct om_dhcp_client *client, uint32_t address,
		     uint32_t server_id, uint8_t packet[OM_DHCP_PACKET_MAX])
{
	uint8_t *udp = packet + IP_HEADER;
	size_t udp_len, len;
	uint16_t sum;

	memset(packet, 0, OM_DHCP_PACKET_MAX);
	udp_len = UDP_HEADER + put_message(type, client, address, server_id, udp + UDP_HEADER);
	len = IP_HEADER + udp_len;
	put_be16(udp, CLIENT_PORT);
	put_be16(udp + 2, SERVER_PORT);
	put_be16(udp + 4, (uint32_t)udp_len);
	packet[0] = 0x45;		/* version 4, five words */
	put_be16(packet + 2, (uint32_t)len);
	packet[6] = 0x40;		/* not to be cut into fragments */
	packet[8] = 64;			/* hops */
	packet[9] = 17;			/* UDP */
	om_put_be32(packet + 16, EVERYBODY);
	/* UDP counts the addresses, the protocol and its length, too. */
	sum = fold(add_words(17 + (uint32_t)udp_len + 2 * 0xffff, udp, udp_len));
	put_be16(udp + 6, sum ? sum : 0xffff);
	put_be16(packet + 10, fold(add_words(0, packet, IP_HEADER)));
	return len;
}

/* ------------------------------------------------------------------ what it gets */

/*
 * The message in PACKET, when this is UDP from a server's port to a client's, whole.  The sum of
 * UDP is left alone: between virtual machines nobody has computed it yet when it arrives here.
 */
static bool unwrap(struct om_span packet, struct om_span *ret_message)
{
	size_t header, total, udp_len;
	const uint8_t *udp;

	if (packet.len < IP_HEADER || packet.ptr[0] >> 4 != 4)
		return false;
	header = (size_t)(packet.ptr[0] & 0xf) * 4;
	total = get_be16(packet.ptr + 2);
	if (header < IP_HEADER || total > packet.len || total < header + UDP_HEADER ||
	    fold(add_words(0, packet.ptr, header)) != 0)
		return false;
	if (packet.ptr[9] != 17 || get_be16(packet.ptr + 6) & 0x3fff)
		return false;		/* not UDP, or a fragment */
	udp = packet.ptr + header;
	udp_len = get_be16(udp + 4);
	if (get_be16(udp) != SERVER_PORT || get_be16(udp + 2) != CLIENT_PORT ||
	    udp_len < UDP_HEADER + BOOTP_FIXED + 4 || udp_len > total - header)
		return false;
	*ret_message = (struct om_span){ udp + UDP_HEADER, udp_len - UDP_HEADER };
	return true;
}

/* What an option must look like, and where it goes. */
static bool take_address(struct om_span value, bool list, uint32_t *place)
{
	if (value.len != 4 && !(list && value.len >= 4 && value.len % 4 == 0))
		return false;
	*place = om_get_be32(value.ptr);
	return true;
}

/* Text with anything strange in it is left out as if it had not come: it goes into the log. */
static void take_text(struct om_span value, char *place, size_t size)
{
	size_t i;

	while (value.len && value.ptr[value.len - 1] == '\0')
		value.len--;
	if (value.len >= size)
		return;
	for (i = 0; i < value.len; i++)
		if (value.ptr[i] <= ' ' || value.ptr[i] >= 0x7f)
			return;
	memcpy(place, value.ptr, value.len);
	place[value.len] = '\0';
}

struct reader {
	struct om_dhcp_reply reply;
	uint32_t tftp;			/* option 66 when it is an address */
	uint8_t type, overload;
};

static bool take_option(struct reader *reader, uint8_t option, struct om_span value)
{
	struct om_net_config *config = &reader->reply.config;
	struct om_str text = { (const char *)value.ptr, value.len };

	switch (option) {
	case OPT_NETMASK:
		return take_address(value, false, &config->netmask) &&
		       (~config->netmask & (~config->netmask + 1)) == 0;
	case OPT_ROUTER:
		return take_address(value, true, &config->gateway);
	case OPT_DNS:
		config->dns[1] = value.len >= 8 ? om_get_be32(value.ptr + 4) : 0;
		return take_address(value, true, &config->dns[0]);
	case OPT_HOST_NAME:
		take_text(value, config->host_name, sizeof(config->host_name));
		return true;
	case OPT_DOMAIN:
		take_text(value, config->domain, sizeof(config->domain));
		return true;
	case OPT_ROOT_PATH:
		take_text(value, config->root_path, sizeof(config->root_path));
		return true;
	case OPT_TFTP_NAME:
		(void)om_ipv4_parse(text, &reader->tftp);
		return true;
	case OPT_MTU:
		if (value.len != 2)
			return false;
		/* RFC 2132, 5.1; there are servers that say 0 for "I do not know". */
		config->mtu = get_be16(value.ptr);
		if (config->mtu < 68)
			config->mtu = 0;
		return true;
	case OPT_BROADCAST:
		return take_address(value, false, &config->broadcast);
	case OPT_LEASE:
		return take_address(value, false, &config->lease_s);
	case OPT_SERVER_ID:
		return take_address(value, false, &reader->reply.server_id);
	case OPT_TYPE:
		if (value.len != 1)
			return false;
		reader->type = value.ptr[0];
		return reader->type != OM_DHCP_NONE;
	case OPT_OVERLOAD:
		if (value.len != 1 || value.ptr[0] < 1 || value.ptr[0] > 3)
			return false;
		reader->overload = value.ptr[0];
		return true;
	default:
		return true;
	}
}

static bool take_options(struct reader *reader, struct om_span field)
{
	size_t at = 0, len;
	uint8_t option;

	while (at < field.len && field.ptr[at] != OPT_END) {
		option = field.ptr[at++];
		if (option == OPT_PAD)
			continue;
		if (at == field.len)
			return false;
		len = field.ptr[at++];
		if (len > field.len - at ||
		    !take_option(reader, option, (struct om_span){ field.ptr + at, len }))
			return false;
		at += len;
	}
	return true;
}

/* Options may go on in the places of two names. */
static bool take_message(struct reader *reader, struct om_span message)
{
	uint8_t overload;

	/* BOOTP is older than that. */
	if (om_get_be32(message.ptr + BOOTP_FIXED) != COOKIE)
		return true;
	if (!take_options(reader, (struct om_span){ message.ptr + BOOTP_FIXED + 4,
						    message.len - BOOTP_FIXED - 4 }))
		return false;
	overload = reader->overload;
	if (overload & 1 && !take_options(reader, (struct om_span){ message.ptr + AT_FILE, FILE_SIZE }))
		return false;
	return !(overload & 2) ||
	       take_options(reader, (struct om_span){ message.ptr + AT_SNAME, SNAME_SIZE });
}

static bool is_for(struct om_span message, const struct om_dhcp_client *client)
{
	return message.ptr[AT_OP] == 2 && message.ptr[AT_HTYPE] == 1 && message.ptr[AT_HLEN] == 6 &&
	       om_get_be32(message.ptr + AT_XID) == client->xid &&
	       memcmp(message.ptr + AT_CHADDR, client->mac, sizeof(client->mac)) == 0;
}

/* A kind of message that CLIENT can do something with, and whose it is. */
static bool is_wanted(const struct reader *reader, const struct om_dhcp_client *client)
{
	switch (reader->type) {
	case OM_DHCP_NONE:
		return client->method == OM_NET_BOOTP || client->method == OM_NET_ANY;
	case OM_DHCP_OFFER:
	case OM_DHCP_ACK:
	case OM_DHCP_NAK:
		return client->method != OM_NET_BOOTP && reader->reply.server_id;
	default:
		return false;
	}
}

bool om_dhcp_read(struct om_span packet, const struct om_dhcp_client *client,
		  struct om_dhcp_reply *ret_reply)
{
	struct reader reader = { .type = OM_DHCP_NONE };
	struct om_net_config *config = &reader.reply.config;
	struct om_span message;

	if (!unwrap(packet, &message) || !is_for(message, client) || !take_message(&reader, message) ||
	    !is_wanted(&reader, client))
		return false;
	reader.reply.type = reader.type;
	config->method = OM_NET_DHCP;
	config->dhcp_server = reader.reply.server_id;
	if (reader.type == OM_DHCP_NONE) {
		config->method = OM_NET_BOOTP;
		config->dhcp_server = om_get_be32(packet.ptr + AT_SOURCE);
		config->lease_s = 0;
	}
	config->address = om_get_be32(message.ptr + AT_YIADDR);
	config->server = om_get_be32(message.ptr + AT_SIADDR);
	if (!config->server)
		config->server = reader.tftp;
	if (config->lease_s == UINT32_MAX)
		config->lease_s = 0;
	if (!config->netmask)
		config->netmask = om_ipv4_class_mask(config->address);
	if (!config->broadcast)
		config->broadcast = om_ipv4_broadcast(config->address, config->netmask);
	/* Nobody can have such an address. */
	if (reader.type != OM_DHCP_NAK &&
	    (config->address >> 24 == 0 || config->address >> 24 == 127 || config->address >> 28 >= 0xe))
		return false;
	*ret_reply = reader.reply;
	return true;
}
