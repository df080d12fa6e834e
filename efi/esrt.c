/* SPDX-License-Identifier: MIT */
#include "esrt.h"

#define VERSION_1	1u
#define COUNT_MAX	256u		/* more resources than a machine has */
#define HEAD_LEN	16u		/* count, room for how many, 64-bit version */
#define ENTRY_LEN	40u
#define TYPE_AT		16u
#define TYPE_SYSTEM	1u
#define STATUS_AT	36u		/* of the last attempt; 0 = success */

bool esrt_update_failed(const uint8_t *table)
{
	uint32_t count, i;

	if (!table || om_get_le64(table + 8) != VERSION_1)
		return false;
	count = om_get_le32(table);
	for (i = 0; i < count && count <= COUNT_MAX; i++) {
		const uint8_t *entry = table + HEAD_LEN + i * ENTRY_LEN;

		if (om_get_le32(entry + TYPE_AT) == TYPE_SYSTEM)
			return om_get_le32(entry + STATUS_AT) != 0;
	}
	return false;
}
