/* SPDX-License-Identifier: MIT */
#ifndef STAGE_ESRT_H
#define STAGE_ESRT_H
/* EFI_SYSTEM_RESOURCE_TABLE (UEFI 2.10, 23.4): what became of updates of the firmware. */
#include <overmount/bytes.h>

/* Did the last attempt to update the system's firmware fail?  TABLE may be NULL. */
bool esrt_update_failed(const uint8_t *table);

#endif
