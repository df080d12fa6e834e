/* SPDX-License-Identifier: MIT */
#ifndef STAGE_DEVICE_PATH_H
#define STAGE_DEVICE_PATH_H
/* The firmware's device paths (UEFI 2.10, chapter 10): nodes of type, subtype, 16-bit length. */
#include <overmount/bytes.h>

/* Longer than any firmware's; what has no end within it is malformed. */
#define DEVICE_PATH_MAX 4096u

/* Bytes in front of the node that ends the whole PATH; 0 when there is no end within MAX. */
size_t device_path_len(const uint8_t *path, size_t max);
/* Does one of the paths, up to the end of the whole, go through a serial port (UART node)? */
bool device_path_has_uart(const uint8_t *path, size_t max);

/* The partition that PATH ends in, by its GUID in small letters; false: no GPT partition. */
bool device_path_partition(const uint8_t *path, size_t max, char ret_uuid[37]);
/* The file that PATH names, in UTF-8; false: none. */
bool device_path_file(const uint8_t *path, size_t max, char *buf, size_t size);

#endif
