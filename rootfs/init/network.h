/* SPDX-License-Identifier: MIT */
#ifndef INIT_NETWORK_H
#define INIT_NETWORK_H
/*
 * A root on another machine: network.c brings one of the interfaces up, dhcp_client.c asks for its
 * address, nfs.c tries servers and versions, nfs_mount.c mounts.
 */
#include <overmount/network.h>

#define NETWORK_WAIT_MS	30000u		/* without root-wait */

/* -- dhcp_client.c -------------------------------------------------------------------------- */

struct dhcp_session {
	int fd;				/* packets of one interface; -1 = none */
	struct om_dhcp_client client;
	struct om_dhcp_reply offer;	/* type 0 = none yet */
	uint64_t began_ms, due_ms;	/* when to send next */
	uint32_t pause_ms;
	unsigned int asked, refused;	/* how often */
};

/* 0 or -errno; nothing is sent yet. Names in SAID stay where they are. */
int dhcp_start(struct dhcp_session *session, int index, const uint8_t mac[6],
	       const struct om_net_config *said);
/* Send what is due. */
void dhcp_send(struct dhcp_session *session);
/* Take what has come; true: the lease is ours. */
bool dhcp_take(struct dhcp_session *session, struct om_net_config *ret_config);
void dhcp_end(struct dhcp_session *session);

/* -- interfaces.c --------------------------------------------------------------------------- */

#define INTERFACES_MAX	16u

struct interface {
	char name[OM_NET_DEVICE_MAX];
	int index;
	uint8_t mac[6];
	bool opened, linked;
	struct dhcp_session session;
};

extern struct interface interfaces[INTERFACES_MAX];	/* as the kernel has found them */
extern uint32_t interface_count;
extern char interface_other[OM_NET_DEVICE_MAX];	/* one that was not asked for; "" = none */

/* 0 or -errno, as all of these. */
int interfaces_start(void);
/* All of Ethernet, or ONLY that one unless "": what is new is switched on, what has a link is seen. */
void interfaces_look(const char *only);
int interface_up(const char *name, bool up);
int interface_configure(const char *name, const struct om_net_config *config);

/* -- network.c ------------------------------------------------------------------------------ */

/*
 * As ip= says, once; a second call has the answer of the first.  NULL, and *RET_CONFIG is what
 * holds; else why not.
 */
const char *network_up(const struct om_net_config **ret_config);
/*
 * How long somebody may be waited for, from now: root-wait, or 30 s.  For ever only if no other
 * candidate waits for its turn.
 */
uint32_t network_wait_ms(void);
/* A reason that stays. */
const char *keep_text(const char *text);

/* -- nfs_mount.c ---------------------------------------------------------------------------- */

#define NFS_MESSAGE_MAX	128u		/* with NUL */
#define NFS_SILENT	(-ETIME)	/* nothing has come of it in time */

/*
 * A file system of type nfs with the options DATA on TARGET.  0, NFS_SILENT or -errno, and then
 * what the kernel says about it; "" = nothing.
 */
int nfs_mount(const char *source, const char *data, const char *target, bool readonly,
	      uint32_t wait_ms, char message[NFS_MESSAGE_MAX]);

#endif
