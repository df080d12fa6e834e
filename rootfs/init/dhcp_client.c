/* SPDX-License-Identifier: MIT */
/*
 * One interface asks for an address.  By packets and not by datagrams: before there is an
 * address, the kernel gives a datagram to nobody.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "init.h"
#include "network.h"

#define FIRST_PAUSE_MS	1000u
#define PAUSE_MAX_MS	16000u
#define PACKETS_AT_ONCE	64u

/* Different for each boot and interface; no secret. */
static uint32_t new_xid(const uint8_t mac[6])
{
	uint32_t xid;

	/* GRND_INSECURE = 4: whatever there is, at once */
	if (syscall(SYS_getrandom, &xid, sizeof(xid), 4) == sizeof(xid))
		return xid;
	return om_get_be32(mac + 2) ^ (uint32_t)world_now_ms(NULL);
}

int dhcp_start(struct dhcp_session *session, int index, const uint8_t mac[6],
	       const struct om_net_config *said)
{
	const struct sockaddr_ll place = {
		.sll_family = AF_PACKET, .sll_protocol = __builtin_bswap16(ETH_P_IP), .sll_ifindex = index,
	};
	int err;

	*session = (struct dhcp_session){ .pause_ms = FIRST_PAUSE_MS, .began_ms = world_now_ms(NULL) };
	memcpy(session->client.mac, mac, sizeof(session->client.mac));
	session->client.xid = new_xid(mac);
	session->client.host_name = said->host_name;
	session->client.method = said->method;
	session->client.id = (struct om_span){ said->client_id, said->client_id_len };
	session->due_ms = session->began_ms;
	session->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (session->fd < 0)
		return -errno;
	if (bind(session->fd, (const struct sockaddr *)&place, sizeof(place)) == 0)
		return 0;
	err = -errno;
	dhcp_end(session);
	return err;
}

void dhcp_end(struct dhcp_session *session)
{
	if (session->fd >= 0)
		close(session->fd);
	session->fd = -1;
}

/* From the beginning, with another number: what comes late is not taken for an answer. */
static void start_over(struct dhcp_session *session)
{
	session->offer.type = 0;
	session->client.xid++;
}

static void put_packet(struct dhcp_session *session)
{
	struct sockaddr_ll everybody = { .sll_family = AF_PACKET, .sll_halen = ETH_ALEN,
					 .sll_protocol = __builtin_bswap16(ETH_P_IP) };
	struct sockaddr_ll place;
	socklen_t len = sizeof(place);
	enum om_dhcp_type type = OM_DHCP_DISCOVER;
	uint8_t packet[OM_DHCP_PACKET_MAX];
	size_t size;

	if (getsockname(session->fd, (struct sockaddr *)&place, &len))
		return;
	everybody.sll_ifindex = place.sll_ifindex;
	memset(everybody.sll_addr, 0xff, ETH_ALEN);
	if (session->offer.type)
		type = OM_DHCP_REQUEST;
	else if (session->client.method == OM_NET_BOOTP)
		type = OM_DHCP_NONE;
	size = om_dhcp_write(type, &session->client, session->offer.config.address,
			     session->offer.server_id, packet);
	/* What cannot be sent now is sent when it is due again. */
	if (sendto(session->fd, packet, size, 0, (struct sockaddr *)&everybody, sizeof(everybody)) < 0)
		return;
	session->asked++;
}

void dhcp_send(struct dhcp_session *session)
{
	uint64_t now = world_now_ms(NULL);

	if (now < session->due_ms)
		return;
	/* A server that does not answer twice has another's turn. */
	if (session->offer.type && session->pause_ms > 2 * FIRST_PAUSE_MS)
		start_over(session);
	session->client.seconds = (uint16_t)((now - session->began_ms) / 1000);
	put_packet(session);
	session->due_ms = now + session->pause_ms;
	if (session->pause_ms < PAUSE_MAX_MS)
		session->pause_ms *= 2;
}

bool dhcp_take(struct dhcp_session *session, struct om_net_config *ret_config)
{
	struct om_dhcp_reply reply;
	uint8_t packet[2048];
	unsigned int count;
	ssize_t len;

	/* Whoever sends more than that does not keep us from looking at the clock. */
	for (count = 0; count < PACKETS_AT_ONCE; count++) {
		len = recv(session->fd, packet, sizeof(packet), 0);
		if (len <= 0)
			break;
		if (!om_dhcp_read((struct om_span){ packet, (size_t)len }, &session->client, &reply))
			continue;
		if (!session->offer.type && reply.type == OM_DHCP_NONE) {
			*ret_config = reply.config;
			return true;
		}
		if (!session->offer.type && reply.type == OM_DHCP_OFFER) {
			session->offer = reply;
			session->pause_ms = FIRST_PAUSE_MS;
			session->due_ms = 0;
			dhcp_send(session);
		} else if (session->offer.type && reply.server_id == session->offer.server_id) {
			if (reply.type == OM_DHCP_ACK) {
				*ret_config = reply.config;
				return true;
			}
			if (reply.type == OM_DHCP_NAK) {
				session->refused++;
				start_over(session);
			}
		}
	}
	return false;
}
