/* SPDX-License-Identifier: MIT */
/* A directory of an NFS server as the root. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>

#include "init.h"
#include "network.h"

#define NFS_PORT	2049u
#define PORTMAP_PORT	111u
#define MOUNT_WAIT_MIN_MS 5000u		/* for an answer, however soon root-wait ends */

struct attempt {
	struct om_nfs_root root;
	uint32_t own_address;
	const char *target;
	bool readonly;
	char source[OM_IPV4_TEXT_MAX + OM_NFS_PATH_MAX];
	char message[NFS_MESSAGE_MAX];	/* what the kernel says itself */
	uint32_t waited_ms;
};

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
	else if (poll(&wait, 1, wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms) == 0)
		err = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	close(fd);
	return -err;
}

static uint32_t left_ms(uint64_t end)
{
	uint64_t now = world_now_ms(NULL);

	return now < end ? (uint32_t)(end - now) : 0;
}

/* A server that is just starting refuses at first: who waits for roots waits for it, too. */
static int knock_until(uint32_t server, uint16_t port, uint64_t end)
{
	int err;

	for (;;) {
		err = knock(server, port, left_ms(end));
		if (!err || !world.root->wait_ms || left_ms(end) <= 500)
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

/* Who is not there yet may come: for who waits for ever. */
static bool may_come(int err)
{
	return err == -ECONNREFUSED || err == -ETIMEDOUT || err == -EHOSTUNREACH || err == -ENETUNREACH ||
	       err == NFS_SILENT;
}

static const char *explain(const struct attempt *attempt, int err)
{
	char text[OM_NFS_PATH_MAX + NFS_MESSAGE_MAX + 64], silent[64];
	const char *words = strerror(-err);

	if (err == NFS_SILENT)
		words = silent;
	else if (err == -ENODEV)
		words = "this kernel has no NFS: is nfsv4 or nfsv3 among the modules?";
	else if (err == -EPROTONOSUPPORT)
		words = "no version of NFS that server and kernel both have";
	else if (err == -ENOENT)
		words = "the server has no such directory";
	else if (err == -EACCES)
		words = "the server does not let this machine have it";
	else if (err == -EINVAL && attempt->message[0])
		words = attempt->message;
	om_format(silent, sizeof(silent), "no answer by NFS in %u s", (attempt->waited_ms + 500) / 1000);
	om_format(text, sizeof(text), "%s: %s", attempt->source, words);
	return keep_text(text);
}

/* Before END, and be that near, for a moment all the same. */
static int mount_versions(struct attempt *attempt, uint64_t end)
{
	char data[OM_NFS_OPTIONS_MAX + 128], message[NFS_MESSAGE_MAX];
	uint64_t start = world_now_ms(NULL);
	int err = -EPROTONOSUPPORT, this_err;
	struct om_str version;
	unsigned int at;

	if (end < start + MOUNT_WAIT_MIN_MS)
		end = start + MOUNT_WAIT_MIN_MS;
	for (at = 0; om_nfs_mount_data(&attempt->root, attempt->own_address, at, data, sizeof(data),
				       &version) == OM_OK; at++) {
		this_err = nfs_mount(attempt->source, data, attempt->target, attempt->readonly,
				     left_ms(end), message);
		if (!this_err) {
			say("network: %s by NFS %.*s", attempt->source, (int)version.len, version.ptr);
			return 0;
		}
		/* What says most about the server is kept. */
		if (at == 0 || err == -EPROTONOSUPPORT || err == -EINVAL) {
			err = this_err;
			memcpy(attempt->message, message, sizeof(message));
		}
		if (!may_differ(this_err))
			break;
	}
	attempt->waited_ms = (uint32_t)(world_now_ms(NULL) - start);
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

static int mount_once(struct attempt *attempt, uint64_t end)
{
	int err = 0;

	if (!by_udp(&attempt->root))
		err = knock_until(attempt->root.server, port_of(&attempt->root), end);
	/* Version 3 may live on a port that only the port mapper knows. */
	return err && err != -ECONNREFUSED ? err : mount_versions(attempt, end);
}

/* Again and again, if there is nothing else to wait for. */
static const char *mount_until(struct attempt *attempt)
{
	bool forever = network_wait_ms() == OM_WAIT_FOREVER, told = false;
	uint32_t wait_ms = forever ? NETWORK_WAIT_MS : network_wait_ms();
	const char *why;
	int err;

	for (;;) {
		err = mount_once(attempt, world_now_ms(NULL) + wait_ms);
		if (!err)
			return NULL;
		why = explain(attempt, err);
		if (!forever || !may_come(err))
			return why;
		if (!told)
			say("network: %s: waiting until it is there", why);
		told = true;
	}
}

static void emit(void *ctx, const struct om_diag *diag)
{
	char text[OM_DIAG_TEXT_MAX + OM_DIAG_HINT_MAX];

	om_format(text, sizeof(text), "%s%s%s", diag->text, diag->hint[0] ? ": " : "", diag->hint);
	*(const char **)ctx = keep_text(text);
}

const char *world_mount_nfs(void *ctx, const struct om_candidate *candidate, const char *target)
{
	struct attempt attempt = { .target = target, .readonly = candidate->mode != OM_MODE_RW };
	const struct om_net_config *config;
	const char *why = network_up(&config);
	const struct om_diag_sink sink = { emit, &why };
	char server[OM_IPV4_TEXT_MAX];

	(void)ctx;
	if (why)
		return why;
	if (om_nfs_root_resolve(candidate->spec.text, candidate->flags, config, &sink,
				&attempt.root) != OM_OK)
		return why ? why : "it cannot be read";
	attempt.own_address = config->address;
	om_ipv4_format(attempt.root.server, server, sizeof(server));
	om_format(attempt.source, sizeof(attempt.source), "%s:%s", server, attempt.root.path);
	return mount_until(&attempt);
}
