/* SPDX-License-Identifier: MIT */
/* ip= as Linux' nfsroot.rst has it, DHCP messages byte by byte, and what an NFS root is called. */
#include <overmount/network.h>

#include "support.h"

#define IP(a, b, c, d)	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* ------------------------------------------------------------------ addresses */

static void addresses(void **state)
{
	static const char *const wrong[] = {
		"", "1", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.256", "1.2.3.4.", "1.2.3.4.5",
		"1.2.3.0004", "0x1.2.3.4", "1.2.3.4 ", "-1.2.3.4", "a.b.c.d",
	};
	uint32_t address = 7;
	char text[OM_IPV4_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (om_ipv4_parse(om_str_from(wrong[i]), &address))
			fail_msg("'%s' is taken for an address", wrong[i]);
	assert_int_equal(address, 7);
	assert_true(om_ipv4_parse(OM_STR("192.0.2.255"), &address));
	assert_int_equal(address, IP(192, 0, 2, 255));
	om_ipv4_format(IP(255, 255, 255, 255), text, sizeof(text));
	assert_string_equal(text, "255.255.255.255");
	/* RFC 791: classes A, B and C */
	assert_int_equal(om_ipv4_class_mask(IP(127, 0, 0, 1)), IP(255, 0, 0, 0));
	assert_int_equal(om_ipv4_class_mask(IP(128, 0, 0, 1)), IP(255, 255, 0, 0));
	assert_int_equal(om_ipv4_class_mask(IP(191, 255, 0, 1)), IP(255, 255, 0, 0));
	assert_int_equal(om_ipv4_class_mask(IP(192, 0, 2, 1)), IP(255, 255, 255, 0));
	assert_int_equal(om_ipv4_mask_bits(0), 0);
	assert_int_equal(om_ipv4_mask_bits(IP(255, 255, 254, 0)), 23);
	assert_int_equal(om_ipv4_mask_bits(UINT32_MAX), 32);
}

/* ------------------------------------------------------------------ ip= */

static const struct {
	const char *text;
	struct om_net_config want;
} parameters[] = {
	{ "dhcp", { .method = OM_NET_DHCP } },
	{ "on", { .method = OM_NET_ANY } },
	{ "any", { .method = OM_NET_ANY } },
	{ "bootp", { .method = OM_NET_BOOTP } },
	{ "both", { .method = OM_NET_BOOTP } },
	{ "off", { .method = OM_NET_OFF } },
	{ "none", { .method = OM_NET_OFF } },
	{ "", { .method = OM_NET_OFF } },
	{ "::::::dhcp", { .method = OM_NET_DHCP } },
	{ ":::::eth1:dhcp", { .method = OM_NET_DHCP, .device = "eth1" } },
	/* dracut.cmdline(7) */
	{ "eth1:dhcp", { .method = OM_NET_DHCP, .device = "eth1" } },
	{ "enp0s3:on", { .method = OM_NET_ANY, .device = "enp0s3" } },
	{ "eth1:off", { .method = OM_NET_OFF, .device = "eth1" } },
	{ "dhcp,1,52:54:x", { .method = OM_NET_DHCP, .client_id = "\1" "52:54:x", .client_id_len = 8 } },
	{ ":::::eth1:dhcp,0,b", { .method = OM_NET_DHCP, .device = "eth1", .client_id = { 0, 'b' },
				  .client_id_len = 2 } },
	{ ":::::eth1", { .method = OM_NET_ANY, .device = "eth1" } },
	{ "::10.0.0.1:255.255.0.0::eth1:bootp", { .method = OM_NET_BOOTP, .gateway = IP(10, 0, 0, 1),
						  .netmask = IP(255, 255, 0, 0), .device = "eth1" } },
	{ "::::box:eth1:off", { .method = OM_NET_OFF, .host_name = "box", .device = "eth1" } },
	{ "10.1.2.3", { .method = OM_NET_STATIC, .address = IP(10, 1, 2, 3),
			.netmask = IP(255, 0, 0, 0), .broadcast = IP(10, 255, 255, 255) } },
	{ "192.0.2.7:192.0.2.1:192.0.2.254:255.255.255.128:box.example.org:eth0:off:192.0.2.2:192.0.2.3:"
	  "192.0.2.4",
	  { .method = OM_NET_STATIC, .address = IP(192, 0, 2, 7), .server = IP(192, 0, 2, 1),
	    .gateway = IP(192, 0, 2, 254), .netmask = IP(255, 255, 255, 128),
	    .broadcast = IP(192, 0, 2, 127), .host_name = "box", .domain = "example.org",
	    .device = "eth0", .dns = { IP(192, 0, 2, 2), IP(192, 0, 2, 3) } } },
	/* RFC 3021: the other one of two is nobody's broadcast. */
	{ "192.0.2.6:::255.255.255.254", { .method = OM_NET_STATIC, .address = IP(192, 0, 2, 6),
					   .netmask = IP(255, 255, 255, 254) } },
	{ ":192.0.2.1::::::192.0.2.2", { .method = OM_NET_ANY, .server = IP(192, 0, 2, 1),
					 .dns = { IP(192, 0, 2, 2) } } },
};

static void parameter_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		struct om_net_config config = { 0 };
		struct test_sink sink;

		test_sink_init(&sink);
		if (om_ip_parameter_parse(om_str_from(parameters[i].text), &sink.sink, &config) != OM_OK) {
			test_sink_print(&sink);
			fail_msg("ip=%s is refused", parameters[i].text);
		}
		if (memcmp(&config, &parameters[i].want, sizeof(config)) != 0)
			fail_msg("ip=%s is read as method %d, %x/%x %x %x %x %x '%s' '%s' '%s'",
				 parameters[i].text, config.method, config.address, config.netmask,
				 config.broadcast, config.gateway, config.server, config.dns[0],
				 config.host_name, config.domain, config.device);
	}
}

static void parameter_refused(void **state)
{
	static const struct {
		const char *text, *words;
		enum om_status status;
		uint32_t column;
	} wrong[] = {
		{ "dchp", "'dchp' is not one of", OM_SYNTAX, 1 },
		{ "rarp", "'rarp' is not supported", OM_UNSUPPORTED, 1 },
		{ "::::::rarp", "'rarp' is not supported", OM_UNSUPPORTED, 7 },
		{ "1.2.3:::", "'1.2.3' is no IPv4 address for CLIENT", OM_SYNTAX, 1 },
		{ "eth0:dhcp6", "'dhcp6' is not one of", OM_SYNTAX, 6 },
		{ "eth0:dhcp:1500", "'eth0' is no IPv4 address for CLIENT", OM_SYNTAX, 1 },
		{ "eth0:10.0.0.1", "'eth0' is no IPv4 address for CLIENT", OM_SYNTAX, 1 },
		{ "10.0.0:dhcp", "'10.0.0' is no IPv4 address for CLIENT", OM_SYNTAX, 1 },
		{ "12345678901234567:dhcp", "is no IPv4 address for CLIENT", OM_SYNTAX, 1 },
		{ "abcdefghijklmnop:dhcp", "is too long", OM_LIMIT, 1 },
		{ "dhcp,", "is not dhcp,TYPE,VALUE", OM_SYNTAX, 1 },
		{ "dhcp,1", "is not dhcp,TYPE,VALUE", OM_SYNTAX, 1 },
		{ "dhcp,1,", "is not dhcp,TYPE,VALUE", OM_SYNTAX, 1 },
		{ "dhcp,256,a", "is not dhcp,TYPE,VALUE", OM_SYNTAX, 1 },
		{ ":::::eth1:dhcp,a,b", "is not dhcp,TYPE,VALUE", OM_SYNTAX, 11 },
		{ "dhcp,1,1234567890123456789012345678901234567890123456789012345678901234", "is too long",
		  OM_LIMIT, 8 },
		{ ":[2001:db8::1]", "'[2001' is no IPv4 address for SERVER", OM_SYNTAX, 2 },
		{ "1.2.3.4::x", "'x' is no IPv4 address for GATEWAY", OM_SYNTAX, 10 },
		{ "1.2.3.4:::24", "'24' is no NETMASK", OM_SYNTAX, 11 },
		{ "1.2.3.4:::255.0.255.0", "'255.0.255.0' is no NETMASK", OM_SYNTAX, 11 },
		{ "1.2.3.4::::::1500", "'1500' is not one of", OM_SYNTAX, 14 },
		{ "1.2.3.4:::::::1500", "'1500' is no IPv4 address for DNS0", OM_SYNTAX, 15 },
		{ ":::::::::pool.ntp.org", "is no IPv4 address for NTP0", OM_SYNTAX, 10 },
		{ "1.2.3.4:::::12345678901234567", "is too long", OM_LIMIT, 13 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct om_net_config config = { .mtu = 7 };
		struct test_sink sink;

		test_sink_init(&sink);
		if (om_ip_parameter_parse(om_str_from(wrong[i].text), &sink.sink, &config) !=
		    wrong[i].status)
			fail_msg("ip=%s: another status", wrong[i].text);
		assert_int_equal(sink.count, 1);
		test_sink_assert_has(&sink, wrong[i].words);
		assert_int_equal(sink.diags[0].column, wrong[i].column);
		assert_int_equal(config.mtu, 7);
	}
}

/* What is said on the command line is not what the lease may change. */
static void overlay(void **state)
{
	struct om_net_config said, lease = { .method = OM_NET_DHCP, .address = IP(10, 1, 2, 3),
		.netmask = IP(255, 0, 0, 0), .broadcast = IP(10, 255, 255, 255), .gateway = IP(10, 0, 0, 1),
		.server = IP(10, 0, 0, 2), .dns = { IP(10, 0, 0, 3), IP(10, 0, 0, 4) }, .mtu = 1400,
		.dhcp_server = IP(10, 0, 0, 5), .lease_s = 60, .host_name = "lease", .domain = "lease.org",
		.root_path = "/lease" }, before = lease;

	(void)state;
	assert_int_equal(om_ip_parameter_parse(OM_STR("dhcp"), NULL, &said), OM_OK);
	om_net_overlay(&said, &lease);
	assert_memory_equal(&lease, &before, sizeof(lease));
	assert_int_equal(om_ip_parameter_parse(OM_STR(":10.0.9.2:10.0.9.1:255.255.0.0:own.own.org:eth0:dhcp"
						      ":10.0.9.3"), NULL, &said), OM_OK);
	om_net_overlay(&said, &lease);
	before.server = IP(10, 0, 9, 2);
	before.gateway = IP(10, 0, 9, 1);
	before.netmask = IP(255, 255, 0, 0);
	before.broadcast = IP(10, 1, 255, 255);
	before.dns[0] = IP(10, 0, 9, 3);
	before.dns[1] = 0;
	memcpy(before.device, said.device, sizeof(before.device));
	assert_string_equal(lease.device, "eth0");
	assert_string_equal(lease.host_name, "own");
	assert_string_equal(lease.domain, "own.org");
	memcpy(before.host_name, lease.host_name, sizeof(before.host_name));
	memcpy(before.domain, lease.domain, sizeof(before.domain));
	assert_memory_equal(&lease, &before, sizeof(lease));
}

static void command_line(void **state)
{
	static const struct {
		const char *line, *want;	/* NULL = none */
	} lines[] = {
		{ "", NULL }, { "ip", NULL }, { "zip=a", NULL }, { "ipx=a", NULL },
		{ "ro ip=dhcp quiet\n", "dhcp" }, { "ip=off ip=on", "on" }, { "ip= x", "" },
		{ "a=\"x ip=off\" ip=\"on\"", "on" }, { "ip=on -- ip=off", "on" },
		{ "root=/dev/nfs\tip=::::::dhcp", "::::::dhcp" }, { "\"ip=on\" ro", "on" },
		{ "ip=on \"--\" ip=off", "on" }, { "\"ip=on", "on" }, { "\"", NULL }, { "ip=\"", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct om_str value = { NULL, 0 };
		bool found = om_command_line_value(om_str_from(lines[i].line), "ip", &value);

		if (found != (lines[i].want != NULL) || (found && !om_str_is(value, lines[i].want)))
			fail_msg("'%s': '%.*s'", lines[i].line, (int)value.len, value.ptr);
	}
}

/* ------------------------------------------------------------------ DHCP: what is sent */

static const struct om_dhcp_client client = {
	.mac = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, .xid = 0x01020304, .seconds = 5, .host_name = "",
	.method = OM_NET_DHCP,
};

/* RFC 1071, the other way round than the code: over all words, with the sum in it, nothing is left. */
static bool sum_is_right(const uint8_t *bytes, size_t len, uint32_t start)
{
	uint32_t sum = start;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | (i + 1 < len ? bytes[i + 1] : 0);
	while (sum >> 16)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum == 0xffff;
}

static void discover(void **state)
{
	uint8_t packet[OM_DHCP_PACKET_MAX], want[64];
	size_t len = om_dhcp_write(OM_DHCP_DISCOVER, &client, 0, 0, packet);

	(void)state;
	assert_int_equal(len, 20 + 8 + 300);
	assert_true(sum_is_right(packet, 20, 0));
	assert_true(sum_is_right(packet + 20, len - 20, 17 + (uint32_t)len - 20 + 2 * 0xffff));
	test_from_hex("45 00 01 48 00 00 40 00 40 11", want, sizeof(want));
	test_assert_bytes(packet, 10, want, 10);
	test_from_hex("00000000 ffffffff 0044 0043 0134", want, sizeof(want));
	test_assert_bytes(packet + 12, 14, want, 14);
	test_from_hex("01 01 06 00 01020304 0005 8000", want, sizeof(want));
	test_assert_bytes(packet + 28, 12, want, 12);
	test_assert_bytes(packet + 28 + 28, 6, client.mac, 6);
	test_from_hex("63825363 350101 39020240 370a 01 03 06 0c 0f 11 1a 1c 33 42 ff", want, sizeof(want));
	test_assert_bytes(packet + 28 + 236, 24, want, 24);
}

static void request(void **state)
{
	struct om_dhcp_client named = client;
	uint8_t packet[OM_DHCP_PACKET_MAX], want[64];
	char longest[OM_HOST_NAME_MAX];
	size_t len;

	(void)state;
	named.host_name = "box";
	om_dhcp_write(OM_DHCP_REQUEST, &named, IP(10, 0, 2, 15), IP(10, 0, 2, 2), packet);
	test_from_hex("63825363 350103 32040a00020f 36040a000202 0c03626f78 39", want, sizeof(want));
	test_assert_bytes(packet + 28 + 236, 25, want, 25);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	named.host_name = longest;
	len = om_dhcp_write(OM_DHCP_REQUEST, &named, IP(10, 0, 2, 15), IP(10, 0, 2, 2), packet);
	assert_true(len <= OM_DHCP_PACKET_MAX);
	named.host_name = "";
	named.id = (struct om_span){ (const uint8_t *)"\1ab", 3 };
	om_dhcp_write(OM_DHCP_DISCOVER, &named, 0, 0, packet);
	test_from_hex("63825363 350101 3d03016162 39", want, sizeof(want));
	test_assert_bytes(packet + 28 + 236, 13, want, 13);
	named.host_name = longest;
	named.id = (struct om_span){ (const uint8_t *)longest, OM_CLIENT_ID_MAX };
	len = om_dhcp_write(OM_DHCP_REQUEST, &named, IP(10, 0, 2, 15), IP(10, 0, 2, 2), packet);
	assert_true(len <= OM_DHCP_PACKET_MAX);
	assert_true(sum_is_right(packet + 20, len - 20, 17 + (uint32_t)len - 20 + 2 * 0xffff));
}

/* RFC 951 has no options; what a server may not know is not sent. */
static void bootp_request(void **state)
{
	uint8_t packet[OM_DHCP_PACKET_MAX], want[64];
	size_t len = om_dhcp_write(OM_DHCP_NONE, &client, 0, 0, packet);

	(void)state;
	assert_int_equal(len, 20 + 8 + 300);
	assert_true(sum_is_right(packet + 20, len - 20, 17 + (uint32_t)len - 20 + 2 * 0xffff));
	test_from_hex("01 01 06 00 01020304 0005 8000", want, sizeof(want));
	test_assert_bytes(packet + 28, 12, want, 12);
	test_from_hex("63825363 ff 00", want, sizeof(want));
	test_assert_bytes(packet + 28 + 236, 6, want, 6);
}

/* ------------------------------------------------------------------ DHCP: what comes */

struct packet {
	uint8_t bytes[1024];
	size_t len;
};

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Lengths and the sum of the IP header, as they must be. */
static void seal(struct packet *packet)
{
	uint32_t sum = 0;

	put16(packet->bytes + 2, packet->len);
	put16(packet->bytes + 24, packet->len - 20);
	put16(packet->bytes + 10, 0);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)packet->bytes[i] << 8 | packet->bytes[i + 1];
	sum = (sum >> 16) + (sum & 0xffff);
	put16(packet->bytes + 10, (uint16_t)~(sum + (sum >> 16)));
}

static struct packet reply(const char *options)
{
	struct packet packet = { .len = 20 + 8 + 236 };
	uint8_t *bytes = packet.bytes;

	test_from_hex("4500 0000 0001 0000 4011 0000 0a000202 ffffffff 0043 0044 0000 0000"
		      "02010600 01020304 0000 8000 00000000 0a00020f 0a000209", bytes, sizeof(packet.bytes));
	memcpy(bytes + 56, client.mac, 6);
	packet.len += test_from_hex("63825363", bytes + packet.len, 4);
	packet.len += test_from_hex(options, bytes + packet.len, sizeof(packet.bytes) - packet.len);
	seal(&packet);
	return packet;
}

static bool is_read_by(const struct om_dhcp_client *whose, const struct packet *packet,
		       struct om_dhcp_reply *ret_reply)
{
	/* Of exactly this length, so that a sanitizer sees what lies behind. */
	uint8_t *copy = malloc(packet->len ? packet->len : 1);
	bool good;

	memcpy(copy, packet->bytes, packet->len);
	good = om_dhcp_read((struct om_span){ copy, packet->len }, whose, ret_reply);
	free(copy);
	return good;
}

static bool is_read(const struct packet *packet, struct om_dhcp_reply *ret_reply)
{
	return is_read_by(&client, packet, ret_reply);
}

#define ACK	"350105 36040a000202 "
static void lease(void **state)
{
	struct packet packet = reply(ACK "0104ffffff00 03080a0002020a000203 060c0a0002030a0002040a000205"
				     "0c03626f78 0f05612e622e63 11072f7372762f2573 1a0205dc 1c040a0002fe"
				     "33040001518000 ff");
	struct om_dhcp_reply got = { 0 };
	struct om_net_config *config = &got.config;

	(void)state;
	assert_true(is_read(&packet, &got));
	assert_int_equal(got.type, OM_DHCP_ACK);
	assert_int_equal(got.server_id, IP(10, 0, 2, 2));
	assert_int_equal(config->method, OM_NET_DHCP);
	assert_int_equal(config->address, IP(10, 0, 2, 15));
	assert_int_equal(config->server, IP(10, 0, 2, 9));
	assert_int_equal(config->netmask, IP(255, 255, 255, 0));
	assert_int_equal(config->gateway, IP(10, 0, 2, 2));
	assert_int_equal(config->dns[0], IP(10, 0, 2, 3));
	assert_int_equal(config->dns[1], IP(10, 0, 2, 4));
	assert_string_equal(config->host_name, "box");
	assert_string_equal(config->domain, "a.b.c");
	assert_string_equal(config->root_path, "/srv/%s");
	assert_int_equal(config->mtu, 1500);
	assert_int_equal(config->broadcast, IP(10, 0, 2, 254));
	assert_int_equal(config->lease_s, 86400);
}

/* What is not said, said elsewhere, or said strangely. */
static void lease_without(void **state)
{
	struct om_dhcp_reply got = { 0 };
	struct packet packet = reply(ACK "3304ffffffff 0c04612062 63 11022fff ff 1a");

	(void)state;
	assert_true(is_read(&packet, &got));
	assert_int_equal(got.config.netmask, IP(255, 0, 0, 0));
	assert_int_equal(got.config.broadcast, IP(10, 255, 255, 255));
	assert_int_equal(got.config.lease_s, 0);
	assert_string_equal(got.config.host_name, "");
	assert_string_equal(got.config.root_path, "");
	/* Option 66 counts when the header names nobody; both fields may hold options. */
	packet = reply("36040a000202 340103 ff");
	memset(packet.bytes + 28 + 20, 0, 4);
	test_from_hex("350105 ff", packet.bytes + 28 + 108, 128);
	test_from_hex("42093139322e302e322e31 ff", packet.bytes + 28 + 44, 64);
	seal(&packet);
	assert_true(is_read(&packet, &got));
	assert_int_equal(got.config.server, IP(192, 0, 2, 1));
	/* An MTU that nothing can have is none. */
	packet = reply(ACK "1a020043 ff");
	assert_true(is_read(&packet, &got));
	assert_int_equal(got.config.mtu, 0);
	packet = reply("350106 36040a000202");
	assert_true(is_read(&packet, &got));
	assert_int_equal(got.type, OM_DHCP_NAK);
}

/* Which kind of message, by DHCP or BOOTP, is whose. */
static void by_bootp(void **state)
{
	static const struct {
		const char *options;
		bool dhcp, bootp, any;
	} kinds[] = {
		{ "0104ffffff00 ff", false, true, true }, { "ff", false, true, true },
		{ "0104ffffff", false, false, false }, { ACK "ff", true, false, true },
		{ "350102 36040a000202 ff", true, false, true }, { "350100 ff", false, false, false },
		{ "350105 ff", false, false, false }, { "36040a000202 ff", false, true, true },
	};
	struct om_dhcp_client bootp = client, any = client;
	struct om_dhcp_reply got = { 0 };
	struct packet packet;

	(void)state;
	bootp.method = OM_NET_BOOTP;
	any.method = OM_NET_ANY;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		packet = reply(kinds[i].options);
		if (is_read(&packet, &got) != kinds[i].dhcp ||
		    is_read_by(&bootp, &packet, &got) != kinds[i].bootp ||
		    is_read_by(&any, &packet, &got) != kinds[i].any)
			fail_msg("options %s go to another", kinds[i].options);
	}
	packet = reply("0104ffffff00 11042f737276 330400000e10 ff");
	assert_true(is_read_by(&bootp, &packet, &got));
	assert_int_equal(got.type, OM_DHCP_NONE);
	assert_int_equal(got.config.method, OM_NET_BOOTP);
	assert_int_equal(got.config.address, IP(10, 0, 2, 15));
	assert_int_equal(got.config.netmask, IP(255, 255, 255, 0));
	assert_int_equal(got.config.server, IP(10, 0, 2, 9));
	assert_int_equal(got.config.dhcp_server, IP(10, 0, 2, 2));
	assert_int_equal(got.config.lease_s, 0);
	assert_string_equal(got.config.root_path, "/srv");
	/* Without the cookie there are no options; an address all the same. */
	packet.bytes[28 + 236] = 0;
	seal(&packet);
	assert_false(is_read(&packet, &got));
	assert_true(is_read_by(&bootp, &packet, &got));
	assert_int_equal(got.config.netmask, IP(255, 0, 0, 0));
	assert_string_equal(got.config.root_path, "");
	for (size_t len = 0, whole = packet.len; len < whole; len++) {
		packet.len = len;
		if (is_read_by(&bootp, &packet, &got))
			fail_msg("%zu of %zu bytes are taken", len, whole);
	}
}

static void refused_options(void **state)
{
	static const char *const wrong[] = {
		"", "ff", "36040a000202 ff", "350105 ff", ACK "35", ACK "01", ACK "01 04 ff ff ff",
		ACK "01 03 ffffff ff", ACK "0104ff00ff00 ff", ACK "0300 ff", ACK "03050102030405 ff",
		ACK "0606010203040506 ff", ACK "1a01ff ff", ACK "1c03010203 ff",
		ACK "330300ffff ff", "350102 3603010203 ff", "35020502 36040a000202 ff",
		"350101 36040a000202 ff", "350104 36040a000202 ff", "350100 36040a000202 ff",
		ACK "340104 ff", ACK "34020101 ff", ACK "11ff2f ff", ACK "c8ff",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct packet packet = reply(wrong[i]);
		struct om_dhcp_reply got = { .server_id = 7 };

		if (is_read(&packet, &got))
			fail_msg("options %s are taken", wrong[i]);
		assert_int_equal(got.server_id, 7);
	}
}

/* One byte that is not what it has to be; where the sum of the header counts, it is right. */
static void refused_packets(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint8_t value;
	} wrong[] = {
		{ "IP version 6", 0, 0x65 }, { "a header of four words", 0, 0x44 },
		{ "a header of 60 bytes", 0, 0x4f }, { "more fragments", 6, 0x20 },
		{ "a fragment", 7, 1 }, { "TCP", 9, 6 }, { "from another port", 21, 0x42 },
		{ "to another port", 23, 0x42 }, { "a request", 28, 1 }, { "no Ethernet", 29, 6 },
		{ "addresses of 16 bytes", 30, 16 }, { "another's number", 35, 5 },
		{ "another's address", 61, 0x57 }, { "no cookie", 28 + 236, 0 },
		{ "an address of this network", 28 + 16, 0 }, { "loopback", 28 + 16, 127 },
		{ "multicast", 28 + 16, 224 },
	};
	struct packet good = reply(ACK "0104ffffff00 ff"), packet;
	struct om_dhcp_reply got = { 0 };

	(void)state;
	assert_true(is_read(&good, &got));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		packet = good;
		packet.bytes[wrong[i].at] = wrong[i].value;
		seal(&packet);
		if (is_read(&packet, &got))
			fail_msg("%s is taken", wrong[i].what);
	}
	packet = good;
	packet.bytes[10] ^= 1;
	assert_false(is_read(&packet, &got));
	packet = good;
	put16(packet.bytes + 24, packet.len - 19);	/* UDP is longer than IP */
	assert_false(is_read(&packet, &got));
	/* An Ethernet frame may have bytes behind the packet, but it may not end before it does. */
	for (size_t len = 0; len < good.len; len++) {
		packet = good;
		packet.len = len;
		if (is_read(&packet, &got))
			fail_msg("%zu of %zu bytes are taken", len, good.len);
	}
	good.len += 18;
	assert_true(is_read(&good, &got));
}

/* ------------------------------------------------------------------ NFS */

#define ME	IP(10, 0, 2, 15)

static const struct {
	const char *text, *flags, *root_path, *host;
	uint32_t server;		/* who gave the lease is 10.0.2.2, if that is 8 */
	uint32_t want_server;		/* 0 = refused with WANT_PATH as the reason */
	const char *want_path, *want_options;
} roots[] = {
	{ "10.0.2.2:/srv", "", "", "", 0, IP(10, 0, 2, 2), "/srv", "" },
	{ "10.0.2.2:/srv,vers=3,port=1", "ro", "", "", 0, IP(10, 0, 2, 2), "/srv", "vers=3,port=1,ro" },
	{ "/srv", "", "", "", 9, 9, "/srv", "" },
	{ "/srv/%s", "", "", "box", 9, 9, "/srv/box", "" },
	{ "/srv/%s/%s%", "", "", "", 9, 9, "/srv/10.0.2.15/10.0.2.15%", "" },
	{ "", "", "", "", 9, 9, "/tftpboot/10.0.2.15", "" },
	{ "", "", "", "box", 9, 9, "/tftpboot/box", "" },
	{ ",vers=3", "", "", "box", 9, 9, "/tftpboot/box", "vers=3" },
	{ "client1", "", "", "", 9, 9, "/tftpboot/client1", "" },
	{ "10.0.2.2:", "", "/x", "", 9, IP(10, 0, 2, 2), "/x", "" },
	{ "", "", "192.0.2.1:/x,vers=4.1", "", 9, IP(192, 0, 2, 1), "/x", "vers=4.1" },
	{ "/y,soft", "", "192.0.2.1:/x,vers=4.1", "", 9, IP(192, 0, 2, 1), "/y", "vers=4.1,soft" },
	{ "10.0.2.2:/y", "a,b", "192.0.2.1:/x", "", 9, IP(10, 0, 2, 2), "/y", "a,b" },
	{ "/a:b", "", "", "", 9, 9, "/a:b", "" },
	{ "", "", "nfs:192.0.2.1:/x,vers=4.1", "", 9, IP(192, 0, 2, 1), "/x", "vers=4.1" },
	{ "", "", "nfs:/x", "", 9, 9, "/x", "" },
	{ "/srv", "", "", "", 8, IP(10, 0, 2, 2), "/srv", "" },
	{ "10.0.2.9:/srv", "", "", "", 8, IP(10, 0, 2, 9), "/srv", "" },
	{ "/srv", "", "", "", 0, 0, "1: neither the specification nor", NULL },
	{ "files:/srv", "", "", "", 9, 0, "1: the server cannot be looked up by name", NULL },
	{ "10.0.2.9:b:/srv", "", "", "", 9, 0, "10: the server cannot be looked up by name", NULL },
	{ "", "", "files:/srv", "", 9, 0, "1: the server cannot be looked up by name", NULL },
	{ "[2001:db8::1]:/srv", "", "", "", 9, 0, "1: the server cannot be looked up by name", NULL },
	{ "/srv,port=nfs", "", "", "", 9, 0, "1: a port is a number", NULL },
	{ "/srv,port=0", "", "", "", 9, 0, "1: a port is a number", NULL },
	{ "10.0.2.9:/srv", "port=65536", "", "", 9, 0, "10: a port is a number", NULL },
	{ "/srv,mountport=", "", "", "", 9, 0, "1: a port is a number", NULL },
	{ "/srv,port=65535,mountport=1", "", "", "", 9, 9, "/srv", "port=65535,mountport=1" },
};

static void nfs_roots(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		struct om_net_config config = { .address = ME };
		struct om_nfs_root root = { 0 };
		struct test_sink sink;
		enum om_status status;
		char told[OM_DIAG_TEXT_MAX + 16];

		config.server = roots[i].server == 8 ? 0 : roots[i].server;
		config.dhcp_server = roots[i].server == 8 ? IP(10, 0, 2, 2) : 0;

		snprintf(config.root_path, sizeof(config.root_path), "%s", roots[i].root_path);
		snprintf(config.host_name, sizeof(config.host_name), "%s", roots[i].host);
		test_sink_init(&sink);
		status = om_nfs_root_resolve(om_str_from(roots[i].text), om_str_from(roots[i].flags),
					     &config, &sink.sink, &root);
		if (!roots[i].want_server) {
			assert_int_not_equal(status, OM_OK);
			assert_int_equal(sink.count, 1);
			snprintf(told, sizeof(told), "%u: %s", sink.diags[0].column, sink.diags[0].text);
			if (strncmp(told, roots[i].want_path, strlen(roots[i].want_path)) != 0)
				fail_msg("'%s': %s", roots[i].text, told);
			continue;
		}
		if (status != OM_OK)
			fail_msg("'%s' is refused", roots[i].text);
		assert_int_equal(root.server, roots[i].want_server);
		assert_string_equal(root.path, roots[i].want_path);
		assert_string_equal(root.options, roots[i].want_options);
	}
}

static void nfs_too_long(void **state)
{
	struct om_net_config config = { .address = ME, .server = 9 };
	char text[OM_NFS_OPTIONS_MAX + 8];
	struct om_nfs_root root;

	(void)state;
	memset(text, 'x', sizeof(text));
	/* The longest that fits, with its NUL. */
	text[0] = '/';
	assert_int_equal(om_nfs_root_resolve((struct om_str){ text, OM_NFS_PATH_MAX - 1 },
					     OM_STR(""), &config, NULL, &root), OM_OK);
	assert_int_equal(om_nfs_root_resolve((struct om_str){ text, OM_NFS_PATH_MAX },
					     OM_STR(""), &config, NULL, &root), OM_LIMIT);
	text[0] = 'x';
	assert_int_equal(om_nfs_root_resolve((struct om_str){ text, OM_NFS_PATH_MAX - 1 },
					     OM_STR(""), &config, NULL, &root), OM_LIMIT);
	assert_int_equal(om_nfs_root_resolve(OM_STR("/a"), (struct om_str){ text, OM_NFS_OPTIONS_MAX - 1 },
					     &config, NULL, &root), OM_OK);
	assert_int_equal(om_nfs_root_resolve(OM_STR("/a"), (struct om_str){ text, OM_NFS_OPTIONS_MAX },
					     &config, NULL, &root), OM_LIMIT);
}

static void nfs_data(void **state)
{
	static const struct {
		const char *options;
		unsigned int at;
		const char *want;	/* NULL = there is no such attempt */
		const char *version;
	} cases[] = {
		{ "", 0, "vers=4.2,addr=10.0.2.2,clientaddr=10.0.2.15", "4.2" },
		{ "", 1, "vers=4.1,addr=10.0.2.2,clientaddr=10.0.2.15", "4.1" },
		{ "", 2, "vers=4.0,addr=10.0.2.2,clientaddr=10.0.2.15", "4.0" },
		{ "", 3, "vers=3,nolock,addr=10.0.2.2", "3" },
		{ "", 4, NULL, NULL },
		{ "lock", 3, "vers=3,addr=10.0.2.2,lock", "3" },
		{ "vers=3,port=1", 0, "nolock,addr=10.0.2.2,vers=3,port=1", "3" },
		{ "vers=3,port=1", 1, NULL, NULL },
		{ "nfsvers=4.1", 0, "addr=10.0.2.2,clientaddr=10.0.2.15,nfsvers=4.1", "4.1" },
		{ "v3", 0, "nolock,addr=10.0.2.2,v3", "3" },
		{ "conv3=1,vers=4", 0, "addr=10.0.2.2,clientaddr=10.0.2.15,conv3=1,vers=4", "4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct om_nfs_root root = { .server = IP(10, 0, 2, 2), .path = "/x" };
		char data[128] = "", small[128];
		struct om_str version;
		enum om_status status;

		snprintf(root.options, sizeof(root.options), "%s", cases[i].options);
		status = om_nfs_mount_data(&root, ME, cases[i].at, data, sizeof(data), &version);
		assert_int_equal(status, cases[i].want ? OM_OK : OM_MISSING);
		if (!cases[i].want)
			continue;
		assert_string_equal(data, cases[i].want);
		test_assert_str(version, cases[i].version);
		for (size_t size = 1; size <= strlen(data); size++)
			assert_int_equal(om_nfs_mount_data(&root, ME, cases[i].at, small, size, &version),
					 OM_LIMIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(parameter_understood),
		cmocka_unit_test(parameter_refused), cmocka_unit_test(overlay),
		cmocka_unit_test(command_line), cmocka_unit_test(bootp_request), cmocka_unit_test(by_bootp),
		cmocka_unit_test(discover), cmocka_unit_test(request), cmocka_unit_test(lease),
		cmocka_unit_test(lease_without), cmocka_unit_test(refused_options),
		cmocka_unit_test(refused_packets), cmocka_unit_test(nfs_roots),
		cmocka_unit_test(nfs_too_long), cmocka_unit_test(nfs_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
