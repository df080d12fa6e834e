/* SPDX-License-Identifier: MIT */
/*
 * The network, as ip= of the kernel command line says and as the kernel's own IP_PNP, which
 * distributions leave out, would do it: the first interface that has a link, and an address.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "init.h"
#include "network.h"

static struct om_net_config config;
static struct interface *chosen;

/* ------------------------------------------------------------------ until one has an address */

static int news_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What is said does not matter, only that something is: interfaces_look() sees it. */
static void news_take(int news)
{
	char message[4096];
	ssize_t len;

	do
		len = recv(news, message, sizeof(message), 0);
	while (len > 0 || (len < 0 && errno == ENOBUFS));
}

/* Let MS pass, or less when there is news or an answer. */
static void wait_for_any(int news, uint64_t ms)
{
	struct pollfd waits[INTERFACES_MAX + 1] = { { .fd = news, .events = POLLIN } };
	uint32_t i;

	for (i = 0; i < interface_count; i++)
		waits[i + 1] = (struct pollfd){ .fd = interfaces[i].session.fd, .events = POLLIN };
	poll(waits, interface_count + 1, ms > INT32_MAX ? -1 : (int)ms);
	if (news >= 0)
		news_take(news);
}

/* One step of INTERFACE, which has a link; true: it is done.  When it is due again otherwise. */
static bool step(struct interface *interface, uint64_t *due)
{
	struct dhcp_session *session = &interface->session;
	struct om_net_config lease;

	if (config.method == OM_NET_STATIC)
		return true;
	if (session->fd < 0 && dhcp_start(session, interface->index, interface->mac, &config))
		return false;
	if (dhcp_take(session, &lease)) {
		om_net_overlay(&config, &lease);
		config = lease;
		return true;
	}
	dhcp_send(session);
	if (session->due_ms < *due)
		*due = session->due_ms;
	return false;
}

static void choose(uint32_t wait_ms)
{
	uint64_t start = world_now_ms(NULL), now, due, end;
	int news = news_open();
	uint32_t i;

	end = wait_ms == OM_WAIT_FOREVER ? UINT64_MAX : start + wait_ms;
	while (!chosen) {
		interfaces_look(config.device);
		/* Without news, look again all the same. */
		due = news < 0 ? world_now_ms(NULL) + 100 : UINT64_MAX;
		for (i = 0; i < interface_count && !chosen; i++)
			if (interfaces[i].linked && step(&interfaces[i], &due))
				chosen = &interfaces[i];
		now = world_now_ms(NULL);
		if (chosen || now >= end)
			break;
		if (due > end)
			due = end;
		wait_for_any(news, due > now ? due - now : 0);
	}
	if (news >= 0)
		close(news);
}

/* Others than the one that is used go down again. */
static void leave_others(void)
{
	uint32_t i;

	for (i = 0; i < interface_count; i++) {
		dhcp_end(&interfaces[i].session);
		if (&interfaces[i] != chosen && interfaces[i].opened)
			interface_up(interfaces[i].name, false);
	}
}

/* ------------------------------------------------------------------ what became of it */

const char *keep_text(const char *text)
{
	const char *copy = strdup(text);

	return copy ? copy : "out of memory";
}

static const char *why_not(uint32_t wait_ms)
{
	const struct interface *linked = NULL;
	char text[160];
	uint32_t i;

	for (i = 0; i < interface_count; i++)
		if (interfaces[i].linked)
			linked = &interfaces[i];
	if (interface_count == 0 && interface_other[0])
		om_format(text, sizeof(text), "there is no network interface %s after %u s, only %s: nobody has"
			  " given them other names yet", config.device, wait_ms / 1000, interface_other);
	else if (interface_count == 0)
		om_format(text, sizeof(text), "there is no network interface %s%safter %u s: is its driver"
			  " among the modules?", config.device, config.device[0] ? " " : "",
			  wait_ms / 1000);
	else if (!linked)
		om_format(text, sizeof(text), "%s%s no link after %u s", interface_count == 1 ?
			  interfaces[0].name : "the network interfaces",
			  interface_count == 1 ? " has" : " have", wait_ms / 1000);
	else if (linked->session.fd < 0)
		om_format(text, sizeof(text), "%s cannot ask by DHCP: is af_packet among the modules?",
			  linked->name);
	else if (linked->session.refused)
		om_format(text, sizeof(text), "the DHCP server refuses what it offered on %s",
			  linked->name);
	else
		om_format(text, sizeof(text), "%s has a link, but no %s server answered in %u s",
			  linked->name, config.method == OM_NET_BOOTP ? "BOOTP" : "DHCP",
			  wait_ms / 1000);
	return keep_text(text);
}

static void say_config(void)
{
	char address[OM_IPV4_TEXT_MAX], gateway[OM_IPV4_TEXT_MAX], server[OM_IPV4_TEXT_MAX];

	om_ipv4_format(config.address, address, sizeof(address));
	om_ipv4_format(config.gateway, gateway, sizeof(gateway));
	om_ipv4_format(config.dhcp_server, server, sizeof(server));
	say("network: %s is %s/%u%s%s, by %s%s", chosen->name, address, om_ipv4_mask_bits(config.netmask),
	    config.gateway ? ", gateway " : "", config.gateway ? gateway : "",
	    config.method == OM_NET_STATIC ? "ip=" :
	    config.method == OM_NET_BOOTP ? "BOOTP of " : "DHCP of ",
	    config.method == OM_NET_STATIC ? "" : server);
}

static void emit(void *ctx, const struct om_diag *diag)
{
	*(const char **)ctx = keep_text(diag->text);
}

/* ip= of the command line; without one, DHCP. */
static const char *parameter_read(void)
{
	const char *why = NULL;
	const struct om_diag_sink sink = { emit, &why };
	struct om_str value = OM_STR("dhcp");
	char line[4096];

	if (read_text_at(world.proc, "cmdline", line, sizeof(line)) == 0)
		om_command_line_value(om_str_from(line), "ip", &value);
	if (om_ip_parameter_parse(value, &sink, &config) != OM_OK)
		return why ? why : "ip= cannot be read";
	return config.method == OM_NET_OFF ? "ip= says that no network is configured" : NULL;
}

/* ------------------------------------------------------------------ for those who come after */

/* NAME='TEXT', unless a shell that reads it would find more than one word. */
static void put_line(int fd, const char *name, const char *text)
{
	char line[OM_NFS_PATH_MAX + 64];

	if (text[0] && !strchr(text, '\'') &&
	    write(fd, line, om_format(line, sizeof(line), "%s='%s'\n", name, text)) < 0)
		return;		/* a file in memory; there is nobody to tell */
}

static void put_address(int fd, const char *name, uint32_t address)
{
	char text[OM_IPV4_TEXT_MAX];

	om_ipv4_format(address, text, sizeof(text));
	put_line(fd, name, text);
}

/* In the words of klibc's ipconfig, which scripts have read from /run for long. */
static void put_config(int fd)
{
	char lease[16];

	om_format(lease, sizeof(lease), "%u", config.lease_s);
	put_line(fd, "DEVICE", chosen->name);
	put_line(fd, "PROTO", config.method == OM_NET_STATIC ? "none" :
		 config.method == OM_NET_BOOTP ? "bootp" : "dhcp");
	put_address(fd, "IPV4ADDR", config.address);
	put_address(fd, "IPV4BROADCAST", config.broadcast);
	put_address(fd, "IPV4NETMASK", config.netmask);
	put_address(fd, "IPV4GATEWAY", config.gateway);
	put_address(fd, "IPV4DNS0", config.dns[0]);
	put_address(fd, "IPV4DNS1", config.dns[1]);
	put_line(fd, "HOSTNAME", config.host_name);
	put_line(fd, "DNSDOMAIN", config.domain);
	put_address(fd, "ROOTSERVER", config.server);
	put_line(fd, "ROOTPATH", config.root_path);
	put_line(fd, "DHCPLEASETIME", config.method == OM_NET_DHCP ? lease : "");
}

void network_leave(void)
{
	char path[64];
	int fd;

	if (!chosen || mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"))
		return;
	om_format(path, sizeof(path), "/run/net-%s.conf", chosen->name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	put_config(fd);
	close(fd);
}

uint32_t network_wait_ms(void)
{
	uint32_t wait_ms = world.root->wait_ms;

	if (!wait_ms || (wait_ms == OM_WAIT_FOREVER && world.root->candidate_count > 1))
		wait_ms = NETWORK_WAIT_MS;
	return wait_ms;
}

/*
 * The address is the name of who has none, as Linux has it. That is no ornament: to a server of
 * NFS 4.1 two clients of one name are one client that has started anew.
 */
static void name_host(void)
{
	char address[OM_IPV4_TEXT_MAX];
	const char *name = config.host_name;

	om_ipv4_format(config.address, address, sizeof(address));
	if (!name[0])
		name = address;
	sethostname(name, strlen(name));
}

static const char *bring_up(void)
{
	const char *why = parameter_read();
	uint32_t wait_ms = network_wait_ms();
	int err;

	if (why)
		return why;
	if (interfaces_start())
		return "this kernel has no IPv4";
	choose(wait_ms == OM_WAIT_FOREVER ? NETWORK_WAIT_MS : wait_ms);
	if (!chosen && wait_ms == OM_WAIT_FOREVER) {
		say("network: %s: waiting until that changes", why_not(NETWORK_WAIT_MS));
		choose(wait_ms);
	}
	if (!chosen)
		why = why_not(wait_ms);
	leave_others();
	if (!chosen)
		return why;
	err = interface_configure(chosen->name, &config);
	if (err)
		say("network: %s cannot be configured: %s", chosen->name, om_errno_text(err));
	else
		say_config();
	name_host();
	return err ? "the interface takes no address" : NULL;
}

const char *network_up(const struct om_net_config **ret_config)
{
	static const char *why;
	static bool tried;

	if (!tried)
		why = bring_up();
	tried = true;
	if (!why)
		*ret_config = &config;
	return why;
}
