/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_NETWORK_H
#define OVERMOUNT_NETWORK_H
/*
 * What a root on another machine needs before it can be mounted: the parameter ip=, DHCP
 * messages, and what an NFS root is called in the end.  Nothing here talks to anybody; the
 * kernel stub, which has no network, uses none of it.
 *
 * IPv4 addresses are numbers in host order, 192.0.2.1 = 0xc0000201; 0 = not known.
 */
#include <overmount/bytes.h>
#include <overmount/status.h>

#define OM_HOST_NAME_MAX	64u	/* with NUL; Linux' __NEW_UTS_LEN */
#define OM_NET_DEVICE_MAX	16u	/* with NUL; Linux' IFNAMSIZ */
#define OM_CLIENT_ID_MAX	64u
#define OM_NFS_PATH_MAX		256u	/* with NUL; an option of DHCP has at most 255 bytes */
#define OM_NFS_OPTIONS_MAX	512u	/* with NUL */
#define OM_IPV4_TEXT_MAX	16u	/* with NUL */

enum om_net_method {
	OM_NET_OFF = 1,			/* nothing is configured */
	OM_NET_STATIC,			/* the parameter says all */
	OM_NET_DHCP,
	OM_NET_BOOTP,			/* asked for, or answered, without the options of DHCP */
	OM_NET_ANY,			/* DHCP is asked for; an answer by BOOTP will do */
};

struct om_net_config {
	enum om_net_method method;
	uint32_t address, netmask, broadcast, gateway, dns[2];
	uint32_t server;		/* where the root is, if nothing else says so */
	uint32_t dhcp_server;		/* who gave the lease, or answered by BOOTP */
	uint32_t lease_s;		/* 0 = for ever */
	uint16_t mtu;			/* 0 = the interface's own */
	char device[OM_NET_DEVICE_MAX];	/* "" = any */
	char host_name[OM_HOST_NAME_MAX], domain[OM_HOST_NAME_MAX];
	char root_path[OM_NFS_PATH_MAX];	/* option 17 */
	uint8_t client_id[OM_CLIENT_ID_MAX], client_id_len;	/* type and value, option 61; 0 = none */
};

/* Exactly four numbers from 0 to 255. */
bool om_ipv4_parse(struct om_str text, uint32_t *ret_address);
/* At most OM_IPV4_TEXT_MAX bytes with the NUL. */
size_t om_ipv4_format(uint32_t address, char *buf, size_t size);
/* The mask that ADDRESS had before masks were written down: by class, as Linux fills it in. */
uint32_t om_ipv4_class_mask(uint32_t address);
/* 255.255.255.0 is 24. */
unsigned int om_ipv4_mask_bits(uint32_t netmask);
/* 0 where two addresses or one are all that there is (RFC 3021). */
uint32_t om_ipv4_broadcast(uint32_t address, uint32_t netmask);

/*
 * The value of ip= as Linux' Documentation/admin-guide/nfs/nfsroot.rst has it, or dracut's
 * DEVICE:METHOD; what is not said is 0 or "".  The column of a finding is the place in TEXT.  RARP is refused.
 */
OM_CHECKED enum om_status om_ip_parameter_parse(struct om_str text, const struct om_diag_sink *sink,
						struct om_net_config *ret_config);
/* What the parameter SAID is stronger than the LEASE, which becomes what holds. */
void om_net_overlay(const struct om_net_config *said, struct om_net_config *lease);
/* The value of the last NAME= of a kernel command line; false: there is none. */
bool om_command_line_value(struct om_str line, const char *name, struct om_str *ret_value);

/* -- DHCP, RFC 2131 and 2132, and BOOTP, RFC 951 ------------------------------------------ */

enum om_dhcp_type {
	OM_DHCP_NONE = 0,		/* a message of BOOTP */
	OM_DHCP_DISCOVER = 1, OM_DHCP_OFFER = 2, OM_DHCP_REQUEST = 3, OM_DHCP_ACK = 5, OM_DHCP_NAK = 6,
};

#define OM_DHCP_PACKET_MAX	576u	/* what every host must take, RFC 791 */

struct om_dhcp_client {
	uint8_t mac[6];
	uint32_t xid;
	uint16_t seconds;		/* since it began */
	const char *host_name;		/* "" = none of its own */
	enum om_net_method method;	/* ANY and BOOTP take messages of BOOTP */
	struct om_span id;		/* at most OM_CLIENT_ID_MAX bytes; 0 = none */
};

struct om_dhcp_reply {
	enum om_dhcp_type type;		/* OFFER, ACK, NAK or NONE */
	uint32_t server_id;		/* not of NONE */
	struct om_net_config config;	/* not of a NAK */
};

/*
 * An IP packet from 0.0.0.0 to everybody: NONE, DISCOVER, or a REQUEST for ADDRESS of SERVER_ID.
 * Returns its length.
 */
size_t om_dhcp_write(enum om_dhcp_type type, const struct om_dhcp_client *client, uint32_t address,
		     uint32_t server_id, uint8_t packet[OM_DHCP_PACKET_MAX]);
/*
 * False: PACKET is no reply to CLIENT, or not one that can be believed: cut off, a wrong sum of
 * its header, an option that reaches beyond its field or has not the length that it must have.
 */
OM_CHECKED bool om_dhcp_read(struct om_span packet, const struct om_dhcp_client *client,
			     struct om_dhcp_reply *ret_reply);

/* -- NFS ------------------------------------------------------------------------------------ */

struct om_nfs_root {
	uint32_t server;
	char path[OM_NFS_PATH_MAX];
	char options[OM_NFS_OPTIONS_MAX];	/* comma-separated */
};

/*
 * TEXT is that of a specification: "[SERVER:]DIR[,OPTIONS]", or empty; FLAGS are further options.
 * What it leaves out comes from CONFIG: the root path of DHCP, the server or else who gave the
 * lease, and then /tftpboot/%s, as Linux has it; %s is the host's name, or its address if it has
 * none.  The column of a finding is the place in TEXT.
 */
OM_CHECKED enum om_status om_nfs_root_resolve(struct om_str text, struct om_str flags,
					      const struct om_net_config *config,
					      const struct om_diag_sink *sink,
					      struct om_nfs_root *ret_root);
/* The value of an option ("" for a word without one); the last counts. */
bool om_nfs_option(const struct om_nfs_root *root, const char *name, struct om_str *ret_value);
/*
 * The mount data for attempt AT, from 0: NFS 4.2, 4.1, 4.0 and 3, or the one version that the
 * options name.  OM_MISSING after the last.  RET_VERSION is for the log.
 */
OM_CHECKED enum om_status om_nfs_mount_data(const struct om_nfs_root *root, uint32_t own_address,
					    unsigned int at, char *buf, size_t size,
					    struct om_str *ret_version);

#endif
