/* SPDX-License-Identifier: MIT */
/* Network interfaces: which there are, which have a link; up and down, address and route. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>

#include "init.h"
#include "network.h"

struct interface interfaces[INTERFACES_MAX];
uint32_t interface_count;
char interface_other[OM_NET_DEVICE_MAX];
static int control = -1;		/* for ioctl() */

/* ------------------------------------------------------------------ one interface */

static struct ifreq request_for(const char *name)
{
	struct ifreq request = { 0 };

	om_format(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return request;
}

int interface_up(const char *name, bool up)
{
	struct ifreq request = request_for(name);

	if (ioctl(control, SIOCGIFFLAGS, &request))
		return -errno;
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	return result_of(ioctl(control, SIOCSIFFLAGS, &request));
}

static int set_address(const char *name, unsigned long what, uint32_t address)
{
	struct ifreq request = request_for(name);
	const struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(address) } };

	memcpy(&request.ifr_addr, &in, sizeof(in));
	return result_of(ioctl(control, (int)what, &request));
}

/* 0.0.0.0 for TO is everything. */
static int add_route(const char *name, uint32_t to, uint32_t gateway)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct rtentry route = { .rt_flags = RTF_UP };
	char device[IFNAMSIZ];

	om_format(device, sizeof(device), "%s", name);
	in.sin_addr.s_addr = htonl(to);
	memcpy(&route.rt_dst, &in, sizeof(in));
	in.sin_addr.s_addr = to ? INADDR_NONE : 0;
	memcpy(&route.rt_genmask, &in, sizeof(in));
	in.sin_addr.s_addr = htonl(gateway);
	memcpy(&route.rt_gateway, &in, sizeof(in));
	if (gateway)
		route.rt_flags |= RTF_GATEWAY;
	if (to)
		route.rt_flags |= RTF_HOST;
	route.rt_dev = device;
	return result_of(ioctl(control, SIOCADDRT, &route));
}

int interface_configure(const char *name, const struct om_net_config *config)
{
	struct ifreq request = request_for(name);
	int err;

	request.ifr_mtu = config->mtu;
	if (config->mtu && ioctl(control, SIOCSIFMTU, &request))
		say("network: %s cannot have an MTU of %u: %s", name, config->mtu, om_errno_text(-errno));
	err = set_address(name, SIOCSIFADDR, config->address);
	if (!err)
		err = set_address(name, SIOCSIFNETMASK, config->netmask);
	if (!err)
		err = set_address(name, SIOCSIFBRDADDR, config->broadcast);
	if (err || !config->gateway)
		return err;
	/* With an address of its own only, the gateway is found on the link all the same. */
	if ((config->gateway ^ config->address) & config->netmask)
		add_route(name, config->gateway, 0);
	err = add_route(name, 0, config->gateway);
	/* A kernel that has IP_PNP after all was here before. */
	return err == -EEXIST ? 0 : err;
}

int interfaces_start(void)
{
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control < 0)
		return -errno;
	return interface_up("lo", true);
}

/* ------------------------------------------------------------------ which there are */

static int read_word(int class, const char *name, const char *file, char *buf, size_t size)
{
	char path[64];

	om_format(path, sizeof(path), "%s/%s", name, file);
	return read_text_at(class, path, buf, size);
}

/* -1: there is no such file. */
static long read_number(int class, const char *name, const char *file)
{
	char text[16];

	return read_word(class, name, file, text, sizeof(text)) ? -1 : strtol(text, NULL, 10);
}

static bool read_mac(const char *text, uint8_t mac[6])
{
	int i;

	for (i = 0; i < 6; i++, text += 3)
		mac[i] = (uint8_t)strtoul(text, NULL, 16);
	return text[-1] == '\0';
}

static struct interface *known(const char *name)
{
	uint32_t i;

	for (i = 0; i < interface_count; i++)
		if (strcmp(interfaces[i].name, name) == 0)
			return &interfaces[i];
	return NULL;
}

/* In the order of their numbers: the first one counts where nothing else chooses. */
static void insert(const struct interface *interface)
{
	uint32_t at = interface_count++;

	for (; at > 0 && interfaces[at - 1].index > interface->index; at--)
		interfaces[at] = interfaces[at - 1];
	interfaces[at] = *interface;
}

/* Ethernet, and what passes for it; loopback and tunnels are no way to a server. */
static void add(int class, const char *name, const char *only)
{
	struct interface interface = { .session = { .fd = -1 } };
	long index = read_number(class, name, "ifindex");
	char mac[64];

	if (interface_count == INTERFACES_MAX || strlen(name) >= IFNAMSIZ || index < 0 ||
	    read_number(class, name, "type") != ARPHRD_ETHER ||
	    read_word(class, name, "address", mac, sizeof(mac)) || strlen(mac) != 17 ||
	    !read_mac(mac, interface.mac))
		return;
	interface.index = (int)index;
	om_format(interface.name, sizeof(interface.name), "%s", name);
	if (only[0] && strcmp(only, name) != 0)
		memcpy(interface_other, interface.name, sizeof(interface_other));
	else
		insert(&interface);
}

void interfaces_look(const char *only)
{
	int class = openat(world.sysfs, "class/net", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = class < 0 ? NULL : fdopendir(dup(class));
	struct dirent *found;
	char carrier[8];
	uint32_t i;

	while (dir && (found = readdir(dir)))
		if (found->d_name[0] != '.' && !known(found->d_name))
			add(class, found->d_name, only);
	if (dir)
		closedir(dir);
	for (i = 0; i < interface_count; i++) {
		struct interface *interface = &interfaces[i];

		if (!interface->opened)
			interface->opened = interface_up(interface->name, true) == 0;
		interface->linked = read_word(class, interface->name, "carrier", carrier,
					      sizeof(carrier)) == 0 && carrier[0] == '1';
	}
	if (class >= 0)
		close(class);
}
