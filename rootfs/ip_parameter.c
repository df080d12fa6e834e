/* SPDX-License-Identifier: MIT */
/* ip= of the kernel command line, and addresses as text. */
#include <overmount/fmt.h>
#include <overmount/network.h>

/* ------------------------------------------------------------------ addresses */

/* Up to three digits at *AT, which moves behind them: a number from 0 to 255. */
static bool take_byte(struct om_str text, size_t *at, uint32_t *ret_byte)
{
	size_t start = *at;

	*ret_byte = 0;
	for (; *at < text.len && *at < start + 3 && text.ptr[*at] >= '0' && text.ptr[*at] <= '9'; (*at)++)
		*ret_byte = *ret_byte * 10 + (uint32_t)(text.ptr[*at] - '0');
	return *at > start && *ret_byte <= 255;
}

bool om_ipv4_parse(struct om_str text, uint32_t *ret_address)
{
	uint32_t address = 0, part;
	size_t at = 0;
	int i;

	for (i = 0; i < 4; i++) {
		if (i > 0 && (at >= text.len || text.ptr[at++] != '.'))
			return false;
		if (!take_byte(text, &at, &part))
			return false;
		address = address << 8 | part;
	}
	if (at != text.len)
		return false;
	*ret_address = address;
	return true;
}

size_t om_ipv4_format(uint32_t address, char *buf, size_t size)
{
	return om_format(buf, size, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
			 address >> 8 & 0xff, address & 0xff);
}

uint32_t om_ipv4_class_mask(uint32_t address)
{
	if (address >> 31 == 0)
		return 0xff000000;
	return address >> 30 == 2 ? 0xffff0000 : 0xffffff00;
}

unsigned int om_ipv4_mask_bits(uint32_t netmask)
{
	unsigned int bits = 0;

	while (bits < 32 && netmask >> (31 - bits) & 1)
		bits++;
	return bits;
}

uint32_t om_ipv4_broadcast(uint32_t address, uint32_t netmask)
{
	return om_ipv4_mask_bits(netmask) < 31 ? address | ~netmask : 0;
}

/* ------------------------------------------------------------------ ip= */

/* CLIENT:SERVER:GATEWAY:NETMASK:HOSTNAME:DEVICE:AUTOCONF:DNS0:DNS1:NTP0 */
enum { CLIENT, SERVER, GATEWAY, NETMASK, HOST, DEVICE, AUTOCONF, DNS0, DNS1, NTP0, FIELD_COUNT };

#define FORM_HINT "CLIENT:SERVER:GATEWAY:NETMASK:HOST:DEVICE:METHOD:DNS0:DNS1:NTP0"

struct ip_parser {
	struct om_str fields[FIELD_COUNT];
	struct om_str text;
	const struct om_diag_sink *sink;
	struct om_net_config config;
};

static enum om_status complain(const struct ip_parser *parser, enum om_status status,
			       struct om_str part, const char *hint, const char *what)
{
	return om_diag_text(parser->sink, status, false, 1,
			    (uint32_t)(part.ptr - parser->text.ptr) + 1, (uint32_t)part.len, hint,
			    "ip=: '%.*s' %s", (int)part.len, part.ptr, what);
}

/* "dhcp,TYPE,VALUE": who we say that we are. */
static enum om_status read_client_id(struct ip_parser *parser, struct om_str word)
{
	struct om_net_config *config = &parser->config;
	struct om_str rest = om_str_skip(word, 5);
	uint32_t type;
	size_t i = 0;

	if (!take_byte(rest, &i, &type) || i + 1 >= rest.len || rest.ptr[i] != ',')
		return complain(parser, OM_SYNTAX, word, "such as dhcp,0,box", "is not dhcp,TYPE,VALUE");
	rest = om_str_skip(rest, i + 1);
	if (rest.len >= OM_CLIENT_ID_MAX)
		return complain(parser, OM_LIMIT, rest, "", "is too long");
	config->method = OM_NET_DHCP;
	config->client_id[0] = (uint8_t)type;
	memcpy(config->client_id + 1, rest.ptr, rest.len);
	config->client_id_len = (uint8_t)(1 + rest.len);
	return OM_OK;
}

static enum om_status read_method(struct ip_parser *parser, struct om_str word)
{
	static const struct {
		const char *word;
		enum om_net_method method;
	} methods[] = {
		{ "", OM_NET_ANY }, { "on", OM_NET_ANY }, { "any", OM_NET_ANY }, { "dhcp", OM_NET_DHCP },
		{ "bootp", OM_NET_BOOTP }, { "both", OM_NET_BOOTP },
		{ "off", OM_NET_OFF }, { "none", OM_NET_OFF },
	};
	size_t i;

	if (om_str_starts(word, "dhcp,"))
		return read_client_id(parser, word);
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!om_str_is(word, methods[i].word))
			continue;
		parser->config.method = methods[i].method;
		return OM_OK;
	}
	if (om_str_is(word, "rarp"))
		return complain(parser, OM_UNSUPPORTED, word, "write ip=dhcp", "is not supported");
	return complain(parser, OM_SYNTAX, word, word.len == parser->text.len ? "or " FORM_HINT : "",
			"is not one of dhcp, bootp, on, any, off and none");
}

static enum om_status read_addresses(struct ip_parser *parser)
{
	struct om_net_config *config = &parser->config;
	uint32_t clock = 0;		/* nobody here asks it */
	const struct {
		int field;
		uint32_t *place;
		const char *wrong;
	} places[] = {
		{ CLIENT, &config->address, "is no IPv4 address for CLIENT" },
		{ SERVER, &config->server, "is no IPv4 address for SERVER" },
		{ GATEWAY, &config->gateway, "is no IPv4 address for GATEWAY" },
		{ NETMASK, &config->netmask, "is no NETMASK" },
		{ DNS0, &config->dns[0], "is no IPv4 address for DNS0" },
		{ DNS1, &config->dns[1], "is no IPv4 address for DNS1" },
		{ NTP0, &clock, "is no IPv4 address for NTP0" },
	};
	struct om_str field;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		field = parser->fields[places[i].field];
		if (field.len && !om_ipv4_parse(field, places[i].place))
			return complain(parser, OM_SYNTAX, field, "expected " FORM_HINT,
					places[i].wrong);
	}
	if (~config->netmask & (~config->netmask + 1))
		return complain(parser, OM_SYNTAX, parser->fields[NETMASK],
				"such as 255.255.255.0", "is no NETMASK");
	return OM_OK;
}

static enum om_status take(struct ip_parser *parser, struct om_str part, char *buf, size_t size)
{
	if (part.len >= size)
		return complain(parser, OM_LIMIT, part, "", "is too long");
	memcpy(buf, part.ptr, part.len);
	buf[part.len] = '\0';
	return OM_OK;
}

/* "name.example.org" is a name and a domain. */
static enum om_status read_names(struct ip_parser *parser)
{
	struct om_net_config *config = &parser->config;
	struct om_str host = parser->fields[HOST], domain = host;
	enum om_status status;
	size_t i;

	for (i = 0; i < host.len && host.ptr[i] != '.'; i++)
		;
	domain = om_str_skip(host, i + 1);
	host.len = i;
	status = take(parser, host, config->host_name, sizeof(config->host_name));
	if (status == OM_OK)
		status = take(parser, domain, config->domain, sizeof(config->domain));
	if (status == OM_OK)
		status = take(parser, parser->fields[DEVICE], config->device, sizeof(config->device));
	return status;
}

static void split(struct ip_parser *parser)
{
	struct om_str rest = parser->text;
	size_t i, len;

	for (i = 0; i < FIELD_COUNT; i++) {
		for (len = 0; len < rest.len && rest.ptr[len] != ':'; len++)
			;
		parser->fields[i] = (struct om_str){ rest.ptr, len };
		rest = om_str_skip(rest, len + 1);
	}
}

/* dracut's "eth0:dhcp"; to Linux the words are addresses that say nothing. */
static bool is_device_and_method(const struct ip_parser *parser)
{
	const struct om_str *device = &parser->fields[CLIENT], *method = &parser->fields[SERVER];
	uint32_t address;

	return device->len && (device->ptr[0] < '0' || device->ptr[0] > '9') && method->len &&
	       method->ptr + method->len == parser->text.ptr + parser->text.len &&
	       !om_ipv4_parse(*method, &address);
}

/* All fields, each of which may be empty. */
static enum om_status read_fields(struct ip_parser *parser)
{
	enum om_status status = read_addresses(parser);

	if (status == OM_OK)
		status = read_names(parser);
	if (status == OM_OK)
		status = read_method(parser, parser->fields[AUTOCONF]);
	/* An address that is given is not asked for. */
	if (parser->config.address)
		parser->config.method = OM_NET_STATIC;
	return status;
}

enum om_status om_ip_parameter_parse(struct om_str text, const struct om_diag_sink *sink,
				     struct om_net_config *ret_config)
{
	struct ip_parser parser = { .text = text, .sink = sink };
	struct om_net_config *config = &parser.config;
	enum om_status status;
	uint32_t address;

	split(&parser);
	if (!text.len) {
		config->method = OM_NET_OFF;
		status = OM_OK;
	} else if (om_str_starts(text, "dhcp,") ||
		   (parser.fields[CLIENT].len == text.len && !om_ipv4_parse(text, &address))) {
		/* One word is the method by itself. */
		status = read_method(&parser, text);
	} else if (is_device_and_method(&parser)) {
		status = take(&parser, parser.fields[CLIENT], config->device, sizeof(config->device));
		if (status == OM_OK)
			status = read_method(&parser, parser.fields[SERVER]);
	} else {
		status = read_fields(&parser);
	}
	if (status != OM_OK)
		return status;
	if (config->address && !config->netmask)
		config->netmask = om_ipv4_class_mask(config->address);
	if (config->address)
		config->broadcast = om_ipv4_broadcast(config->address, config->netmask);
	*ret_config = *config;
	return OM_OK;
}

void om_net_overlay(const struct om_net_config *said, struct om_net_config *lease)
{
	if (said->netmask) {
		lease->netmask = said->netmask;
		lease->broadcast = om_ipv4_broadcast(lease->address, lease->netmask);
	}
	if (said->gateway)
		lease->gateway = said->gateway;
	if (said->server)
		lease->server = said->server;
	if (said->dns[0] || said->dns[1])
		memcpy(lease->dns, said->dns, sizeof(lease->dns));
	if (said->host_name[0])
		memcpy(lease->host_name, said->host_name, sizeof(lease->host_name));
	if (said->domain[0])
		memcpy(lease->domain, said->domain, sizeof(lease->domain));
	memcpy(lease->device, said->device, sizeof(lease->device));
}

/* ------------------------------------------------------------------ the command line */

/* A word, or the value in it, may be in quotes as a whole. */
static struct om_str unquoted(struct om_str text)
{
	if (!om_str_starts(text, "\""))
		return text;
	text = om_str_skip(text, 1);
	if (text.len && text.ptr[text.len - 1] == '"')
		text.len--;
	return text;
}

bool om_command_line_value(struct om_str line, const char *name, struct om_str *ret_value)
{
	size_t name_len = strlen(name), len;
	bool found = false, quoted;
	struct om_str word;

	for (; line.len; line = om_str_skip(line, len ? len : 1)) {
		quoted = false;
		for (len = 0; len < line.len; len++) {
			if (line.ptr[len] == '"')
				quoted = !quoted;
			else if (!quoted && (line.ptr[len] == ' ' || line.ptr[len] == '\t' ||
					     line.ptr[len] == '\n'))
				break;
		}
		word = unquoted((struct om_str){ line.ptr, len });
		/* What follows is init's. */
		if (om_str_is(word, "--"))
			break;
		if (word.len <= name_len || memcmp(word.ptr, name, name_len) != 0 ||
		    word.ptr[name_len] != '=')
			continue;
		*ret_value = unquoted(om_str_skip(word, name_len + 1));
		found = true;
	}
	return found;
}
