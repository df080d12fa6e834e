/* SPDX-License-Identifier: MIT */
/* Which directory of which server is the root, and how the kernel is asked to mount it. */
#include <overmount/fmt.h>
#include <overmount/network.h>

static const char default_path[] = "/tftpboot/%s";	/* as Linux' NFS_ROOT */

/* About TEXT from AT on. */
static enum om_status complain(const struct om_diag_sink *sink, enum om_status status,
			       struct om_str text, size_t at, const char *hint, const char *what)
{
	return om_diag_text(sink, status, false, 1, (uint32_t)at + 1, (uint32_t)(text.len - at), hint,
			    "%s", what);
}

/* "a.b.c.d:" in front is the server. */
static struct om_str take_server(struct om_str text, uint32_t *server)
{
	size_t i;

	for (i = 0; i < text.len && text.ptr[i] != ':' && text.ptr[i] != '/' && text.ptr[i] != ','; i++)
		;
	if (i < text.len && text.ptr[i] == ':' && om_ipv4_parse((struct om_str){ text.ptr, i }, server))
		return om_str_skip(text, i + 1);
	return text;
}

/* Behind what is there already, with a comma. */
static bool add_options(char *options, struct om_str more)
{
	size_t used = strlen(options);

	while (more.len && more.ptr[0] == ',')
		more = om_str_skip(more, 1);
	if (more.len == 0)
		return true;
	return om_format(options + used, OM_NFS_OPTIONS_MAX - used, "%s%.*s", used ? "," : "",
			 (int)more.len, more.ptr) < OM_NFS_OPTIONS_MAX - used;
}

/* A path with each %s replaced. */
static bool fill_in(struct om_str path, const char *name, char *buf)
{
	size_t i, used = 0;

	for (i = 0; i < path.len && used < OM_NFS_PATH_MAX; i++) {
		if (i + 1 < path.len && path.ptr[i] == '%' && path.ptr[i + 1] == 's') {
			used += om_format(buf + used, OM_NFS_PATH_MAX - used, "%s", name);
			i++;
		} else {
			buf[used++] = path.ptr[i];
		}
	}
	if (used >= OM_NFS_PATH_MAX)
		return false;
	buf[used] = '\0';
	return true;
}

/* One description laid over what is known: "[SERVER:][DIR][,OPTIONS]". */
static bool lay_over(struct om_str text, uint32_t *server, struct om_str *path, char *options)
{
	size_t i;

	/* As dracut has it in a root path of DHCP. */
	if (om_str_starts(text, "nfs:"))
		text = om_str_skip(text, 4);
	text = take_server(text, server);
	for (i = 0; i < text.len && text.ptr[i] != ','; i++)
		;
	if (i > 0)
		*path = (struct om_str){ text.ptr, i };
	return add_options(options, om_str_skip(text, i));
}

static bool has_colon(struct om_str text)
{
	size_t i;

	for (i = 0; i < text.len && text.ptr[i] != ':'; i++)
		;
	return i < text.len;
}

/* Not given, or a number that a port can have. */
static bool is_port(const struct om_nfs_root *root, const char *name)
{
	struct om_str value = { "1", 1 };
	uint32_t port = 0;
	size_t i;

	om_nfs_option(root, name, &value);
	for (i = 0; i < value.len && i < 6 && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++)
		port = port * 10 + (uint32_t)(value.ptr[i] - '0');
	return i == value.len && port > 0 && port <= 65535;
}

/* Absolute, and with its %s replaced. */
static bool finish_path(struct om_str path, const struct om_net_config *config, char *buf)
{
	char own[OM_IPV4_TEXT_MAX], below[OM_NFS_PATH_MAX];

	/* A name alone is a directory of the usual place. */
	if (path.ptr[0] != '/') {
		if (om_format(below, sizeof(below), "/tftpboot/%.*s", (int)path.len, path.ptr) >=
		    sizeof(below))
			return false;
		path = om_str_from(below);
	}
	om_ipv4_format(config->address, own, sizeof(own));
	return fill_in(path, config->host_name[0] ? config->host_name : own, buf);
}

enum om_status om_nfs_root_resolve(struct om_str text, struct om_str flags,
				   const struct om_net_config *config,
				   const struct om_diag_sink *sink, struct om_nfs_root *ret_root)
{
	struct om_nfs_root root = { .server = config->server, .options = "" };
	struct om_str path = om_str_from(default_path);
	const char *of_dhcp;
	size_t at = 0;
	bool fits;

	/* Linux, too, takes who gave the lease for the server when nobody is named. */
	if (!root.server)
		root.server = config->dhcp_server;
	fits = lay_over(om_str_from(config->root_path), &root.server, &path, root.options);
	of_dhcp = path.ptr;
	fits = fits && lay_over(text, &root.server, &path, root.options);
	if (path.ptr != of_dhcp)
		at = (size_t)(path.ptr - text.ptr);
	if (!fits || !add_options(root.options, flags))
		return complain(sink, OM_LIMIT, text, at, "", "the options are too long");
	if (!is_port(&root, "port") || !is_port(&root, "mountport"))
		return complain(sink, OM_SYNTAX, text, at, "such as port=2049",
				"a port is a number from 1 to 65535");
	if (path.ptr[0] != '/' && has_colon(path))
		return complain(sink, OM_UNSUPPORTED, text, at, "write its IPv4 address",
				"the server cannot be looked up by name");
	if (!root.server)
		return complain(sink, OM_MISSING, text, at, "write nfs:SERVER:DIR",
				"neither the specification nor ip= nor DHCP names a server");
	if (!finish_path(path, config, root.path))
		return complain(sink, OM_LIMIT, text, at, "", "the directory is too long");
	*ret_root = root;
	return OM_OK;
}

/* ------------------------------------------------------------------ mounting */

bool om_nfs_option(const struct om_nfs_root *root, const char *name, struct om_str *ret_value)
{
	struct om_str rest = om_str_from(root->options), word;
	bool found = false;
	size_t i;

	while (rest.len) {
		for (i = 0; i < rest.len && rest.ptr[i] != ','; i++)
			;
		word = (struct om_str){ rest.ptr, i };
		rest = om_str_skip(rest, i + 1);
		for (i = 0; i < word.len && word.ptr[i] != '='; i++)
			;
		if (!om_str_is((struct om_str){ word.ptr, i }, name))
			continue;
		*ret_value = om_str_skip(word, i + 1);
		found = true;
	}
	return found;
}

/* "" = the options leave it open. */
static struct om_str version_of(const struct om_nfs_root *root)
{
	static const char *const words[] = { "v2", "v3", "v4", "v4.0", "v4.1", "v4.2" };
	struct om_str value = { "", 0 }, nothing;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (om_nfs_option(root, words[i], &nothing))
			value = om_str_from(words[i] + 1);
	om_nfs_option(root, "nfsvers", &value);
	om_nfs_option(root, "vers", &value);
	return value;
}

enum om_status om_nfs_mount_data(const struct om_nfs_root *root, uint32_t own_address,
				 unsigned int at, char *buf, size_t size,
				 struct om_str *ret_version)
{
	static const char *const versions[] = { "4.2", "4.1", "4.0", "3" };
	char server[OM_IPV4_TEXT_MAX], own[OM_IPV4_TEXT_MAX];
	struct om_str given = version_of(root), nothing;
	const char *version;
	bool v4, lock;
	size_t used;

	if (at >= (given.len ? 1 : sizeof(versions) / sizeof(versions[0])))
		return OM_MISSING;
	version = given.len ? "" : versions[at];
	v4 = given.len ? given.ptr[0] == '4' : version[0] == '4';
	lock = om_nfs_option(root, "lock", &nothing);
	om_ipv4_format(root->server, server, sizeof(server));
	om_ipv4_format(own_address, own, sizeof(own));
	used = om_format(buf, size, "%s%s", given.len ? "" : "vers=", version);
	/* Nobody runs here who could keep the locks of version 3. */
	if (used < size)
		used += om_format(buf + used, size - used, "%s%saddr=%s%s%s", used ? "," : "",
				  v4 || lock ? "" : "nolock,", server, v4 ? ",clientaddr=" : "",
				  v4 ? own : "");
	if (used < size && root->options[0])
		used += om_format(buf + used, size - used, ",%s", root->options);
	if (used >= size)
		return OM_LIMIT;
	*ret_version = given.len ? given : om_str_from(version);
	return OM_OK;
}
