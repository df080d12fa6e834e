/* SPDX-License-Identifier: MIT */
/* A directory of an NFS server as the root. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>

#include "init.h"
#include "network.h"

#define NFS_PORT	2049u
#define PORTMAP_PORT	111u

/* 0: somebody listens there; the kernel's own mount() would try for minutes and not say why. */
static int knock(uint32_t server, uint16_t port, uint32_t wait_ms)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
					.sin_addr = { htonl(server) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(err);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
		err = errno;
	else if (poll(&wait, 1, wait_ms > INT32_MAX ? -1 : (int)wait_ms) == 0)
		err = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	close(fd);
	return -err;
}

/* A server that is just starting refuses at first: who waits for roots waits for it, too. */
static int knock_until(uint32_t server, uint16_t port)
{
	uint64_t start = world_now_ms(NULL), gone;
	uint32_t wait_ms = network_wait_ms();
	int err;

	for (;;) {
		err = knock(server, port, wait_ms);
		gone = world_now_ms(NULL) - start;
		if (!err || !world.root->wait_ms ||
		    (wait_ms != OM_WAIT_FOREVER && gone + 500 >= wait_ms))
			return err;
		poll(NULL, 0, 500);
	}
}

/* -- whether to try the next version ---------------------------------------------------------- */

/* Not this version; or not this path, which each version may see in its own way. */
static bool may_differ(int err)
{
	return err == -EPROTONOSUPPORT || err == -EINVAL || err == -ENOENT || err == -ENODEV ||
	       err == -ECONNREFUSED || err == -EOPNOTSUPP;
}

static const char *explain(const char *source, int err)
{
	char text[OM_NFS_PATH_MAX + 128];
	const char *words = strerror(-err);

	if (err == -ENODEV)
		words = "this kernel has no NFS: is nfsv4 or nfsv3 among the modules?";
	else if (err == -EPROTONOSUPPORT)
		words = "no version of NFS that server and kernel both have";
	else if (err == -ENOENT)
		words = "the server has no such directory";
	else if (err == -EACCES)
		words = "the server does not let this machine have it";
	om_format(text, sizeof(text), "%s: %s", source, words);
	words = strdup(text);
	return words ? words : "out of memory";
}

static int mount_versions(const struct om_nfs_root *root, uint32_t own_address, const char *source,
			  const char *target, bool readonly)
{
	char data[OM_NFS_OPTIONS_MAX + 128];
	int err = -EPROTONOSUPPORT, this_err;
	struct om_str version;
	unsigned int at;

	for (at = 0; om_nfs_mount_data(root, own_address, at, data, sizeof(data), &version) == OM_OK; at++) {
		this_err = result_of(mount(source, target, "nfs", readonly ? MS_RDONLY : 0, data));
		if (!this_err) {
			say("network: %s by NFS %.*s", source, (int)version.len, version.ptr);
			return 0;
		}
		/* What says most about the server is kept. */
		if (at == 0 || err == -EPROTONOSUPPORT || err == -EINVAL)
			err = this_err;
		if (!may_differ(this_err))
			break;
	}
	return err;
}

static uint16_t port_of(const struct om_nfs_root *root)
{
	struct om_str value;

	if (om_nfs_option(root, "port", &value))
		return (uint16_t)strtoul(value.ptr, NULL, 10);
	if ((om_nfs_option(root, "vers", &value) || om_nfs_option(root, "nfsvers", &value)) &&
	    om_str_is(value, "3"))
		return PORTMAP_PORT;
	return om_nfs_option(root, "v3", &value) ? PORTMAP_PORT : NFS_PORT;
}

static bool by_udp(const struct om_nfs_root *root)
{
	struct om_str value;

	return om_nfs_option(root, "udp", &value) ||
	       (om_nfs_option(root, "proto", &value) && om_str_is(value, "udp"));
}

static void emit(void *ctx, const struct om_diag *diag)
{
	char text[OM_DIAG_TEXT_MAX + OM_DIAG_HINT_MAX];

	om_format(text, sizeof(text), "%s%s%s", diag->text, diag->hint[0] ? ": " : "", diag->hint);
	*(const char **)ctx = strdup(text);
}

const char *world_mount_nfs(void *ctx, const struct om_candidate *candidate, const char *target)
{
	char server[OM_IPV4_TEXT_MAX], source[OM_IPV4_TEXT_MAX + OM_NFS_PATH_MAX];
	const struct om_net_config *config;
	const char *why = network_up(&config);
	const struct om_diag_sink sink = { emit, &why };
	struct om_nfs_root root;
	int err = 0;

	(void)ctx;
	if (why)
		return why;
	if (om_nfs_root_resolve(candidate->spec.text, candidate->flags, config, &sink, &root) != OM_OK)
		return why ? why : "it cannot be read";
	om_ipv4_format(root.server, server, sizeof(server));
	om_format(source, sizeof(source), "%s:%s", server, root.path);
	if (!by_udp(&root))
		err = knock_until(root.server, port_of(&root));
	/* Version 3 may live on a port that only the port mapper knows. */
	if (err != -ECONNREFUSED && err)
		return explain(source, err);
	err = mount_versions(&root, config->address, source, target, candidate->mode != OM_MODE_RW);
	return err ? explain(source, err) : NULL;
}
