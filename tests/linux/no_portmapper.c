/* SPDX-License-Identifier: MIT */
/*
 * Laid over the NFS server of the tests: it wants to tell a port mapper where it listens, which an
 * ordinary user's program must not, and nobody there needs to know.
 */
#include <stdbool.h>

bool rpcb_set(void);
bool rpcb_unset(void);

bool rpcb_set(void)
{
	return true;
}

bool rpcb_unset(void)
{
	return true;
}
