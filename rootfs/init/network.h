/* SPDX-License-Identifier: MIT */
#ifndef INIT_NETWORK_H
#define INIT_NETWORK_H
/*
 * A root on another machine: network.c brings an interface up, dhcp_client.c asks for its address,
 * nfs.c mounts.
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

/* 0 or -errno; nothing is sent yet. */
int dhcp_start(struct dhcp_session *session, int index, const uint8_t mac[6], const char *host_name);
/* Send what is due. */
void dhcp_send(struct dhcp_session *session);
/* Take what has come; true: the lease is ours. */
bool dhcp_take(struct dhcp_session *session, struct om_net_config *ret_config);
void dhcp_end(struct dhcp_session *session);

/* -- network.c ------------------------------------------------------------------------------ */

/*
 * As ip= says, once; a second call has the answer of the first.  NULL, and *RET_CONFIG is what
 * holds; else why not.
 */
const char *network_up(const struct om_net_config **ret_config);
/* How long somebody may be waited for, from now. */
uint32_t network_wait_ms(void);

#endif
