/* SPDX-License-Identifier: MIT */
#ifndef DEV_VIRTIO_H
#define DEV_VIRTIO_H
/* One virtio device on PCI with one queue, one request at a time, polled. */
#include "pci.h"

#define VIRTIO_BUFFERS_MAX 34u		/* header, BLOCK_PIECES_MAX, status */

struct virtio_buffer {
	uint64_t phys;
	uint32_t len;
	bool device_writes;		/* these come last */
};

struct virtio {
	char name[16];			/* for messages */
	bool modern;
	bool broken;			/* it did not answer once: nothing is sent any more */
	uint16_t io;			/* legacy: BAR 0 */
	volatile uint8_t *common, *notify, *config;
	uint64_t features;		/* both sides want them */

	unsigned queue_size;
	volatile uint8_t *descriptors, *available, *used;
	unsigned order;			/* of the pages at DESCRIPTORS */
	uint16_t submitted;
};

/* Negotiate FEATURES and set up queue 0.  The reason of a failure has been logged. */
int virtio_open(struct virtio *virtio, const struct pci_function *pci, uint64_t features);
uint32_t virtio_config32(const struct virtio *virtio, unsigned offset);
/* It may not be in use; also after virtio_open() failed. */
void virtio_close(struct virtio *virtio);
/* Until the device is done with it: 0, or -EIO when it never was. */
int virtio_request(struct virtio *virtio, const struct virtio_buffer *buffers, unsigned count);

#endif
