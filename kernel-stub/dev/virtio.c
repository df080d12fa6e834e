/* SPDX-License-Identifier: MIT */
/*
 * Virtio on PCI: version 1.0 through the capabilities, and the legacy registers in I/O ports
 * for devices that have nothing else.
 */
#include "virtio.h"

#define STATUS_ACKNOWLEDGE	1u
#define STATUS_DRIVER		2u
#define STATUS_DRIVER_OK	4u
#define STATUS_FEATURES_OK	8u
#define STATUS_FAILED		128u

#define FEATURE_VERSION_1	(UINT64_C(1) << 32)

/* Legacy, offsets in BAR 0 without MSI-X */
#define LEGACY_DEVICE_FEATURES	0x00
#define LEGACY_DRIVER_FEATURES	0x04
#define LEGACY_QUEUE_PAGE	0x08
#define LEGACY_QUEUE_SIZE	0x0c
#define LEGACY_QUEUE_SELECT	0x0e
#define LEGACY_NOTIFY		0x10
#define LEGACY_STATUS		0x12
#define LEGACY_CONFIG		0x14

/* Version 1.0: the capability, and the common structure */
#define PCI_CAP_VENDOR		0x09
#define CAP_TYPE		3
#define CAP_BAR			4
#define CAP_OFFSET		8
#define CAP_LENGTH		12
#define CAP_MULTIPLIER		16
#define TYPE_COMMON		1
#define TYPE_NOTIFY		2
#define TYPE_DEVICE		4

#define COMMON_DEVICE_SELECT	0
#define COMMON_DEVICE_FEATURES	4
#define COMMON_DRIVER_SELECT	8
#define COMMON_DRIVER_FEATURES	12
#define COMMON_STATUS		20
#define COMMON_QUEUE_SELECT	22
#define COMMON_QUEUE_SIZE	24
#define COMMON_QUEUE_ENABLE	28
#define COMMON_QUEUE_NOTIFY	30
#define COMMON_QUEUE_DESC	32
#define COMMON_QUEUE_DRIVER	40
#define COMMON_QUEUE_DEVICE	48

/* The rings */
#define DESC_SIZE		16u
#define DESC_NEXT		1u
#define DESC_WRITE		2u
#define AVAILABLE_NO_INTERRUPT	1u
#define QUEUE_SIZE_WANTED	64u
#define QUEUE_SIZE_MAX		1024u

#define ANSWER_NS	(UINT64_C(30) * 1000000000)

static uint16_t get16(const volatile uint8_t *p)
{
	return *(const volatile uint16_t *)p;
}

static uint32_t get32(const volatile uint8_t *p)
{
	return *(const volatile uint32_t *)p;
}

static void put16(volatile uint8_t *p, uint16_t v)
{
	*(volatile uint16_t *)p = v;
}

static void put32(volatile uint8_t *p, uint32_t v)
{
	*(volatile uint32_t *)p = v;
}

/* Two halves: the specification allows no wider access to the common structure. */
static void put64(volatile uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static void set_status(struct virtio *virtio, uint8_t status)
{
	if (virtio->modern)
		virtio->common[COMMON_STATUS] = status;
	else
		outb((uint16_t)(virtio->io + LEGACY_STATUS), status);
}

static uint8_t get_status(const struct virtio *virtio)
{
	return virtio->modern ? virtio->common[COMMON_STATUS]
			      : inb((uint16_t)(virtio->io + LEGACY_STATUS));
}

/* Stops all transfers.  Version 1.0: it is done when 0 is read back. */
static void reset(struct virtio *virtio)
{
	set_status(virtio, 0);
	for (unsigned i = 0; i < 1000000 && get_status(virtio) != 0; i++)
		__asm__ volatile("pause");
}

uint32_t virtio_config32(const struct virtio *virtio, unsigned offset)
{
	if (virtio->modern)
		return get32(virtio->config + offset);
	return inl((uint16_t)(virtio->io + LEGACY_CONFIG + offset));
}

/* -- finding the registers ------------------------------------------------------------------------- */

static volatile uint8_t *map_capability(const struct pci_function *pci, unsigned cap)
{
	unsigned bar = pci_read8(pci, cap + CAP_BAR);
	uint64_t offset = pci_read32(pci, cap + CAP_OFFSET), addr;
	uint32_t len = pci_read32(pci, cap + CAP_LENGTH);
	bool io;

	if (bar > 5 || len == 0)
		return NULL;
	addr = pci_bar(pci, bar, &io);
	if (!addr || io)
		return NULL;
	/* The notification area of many queues is large; only the first one is used. */
	return mmio_map(addr + offset, len > PAGE_SIZE ? PAGE_SIZE : len);
}

static bool find_modern(struct virtio *virtio, const struct pci_function *pci,
			uint32_t *ret_multiplier)
{
	unsigned cap = 0;

	/* The first of each type is the one that the device prefers. */
	while ((cap = pci_capability(pci, PCI_CAP_VENDOR, cap)) != 0) {
		switch (pci_read8(pci, cap + CAP_TYPE)) {
		case TYPE_COMMON:
			if (!virtio->common)
				virtio->common = map_capability(pci, cap);
			break;
		case TYPE_NOTIFY:
			if (!virtio->notify) {
				virtio->notify = map_capability(pci, cap);
				*ret_multiplier = pci_read32(pci, cap + CAP_MULTIPLIER);
			}
			break;
		case TYPE_DEVICE:
			if (!virtio->config)
				virtio->config = map_capability(pci, cap);
			break;
		}
	}
	return virtio->common && virtio->notify && virtio->config;
}

static bool find_legacy(struct virtio *virtio, const struct pci_function *pci)
{
	bool io;
	uint64_t addr = pci_bar(pci, 0, &io);

	if (!addr || !io)
		return false;
	virtio->io = (uint16_t)addr;
	return true;
}

/* -- features ----------------------------------------------------------------------------------------- */

static bool negotiate(struct virtio *virtio, uint64_t features)
{
	uint64_t offered;

	if (!virtio->modern) {
		virtio->features = inl((uint16_t)(virtio->io + LEGACY_DEVICE_FEATURES)) & features;
		outl((uint16_t)(virtio->io + LEGACY_DRIVER_FEATURES), (uint32_t)virtio->features);
		return true;
	}
	put32(virtio->common + COMMON_DEVICE_SELECT, 0);
	offered = get32(virtio->common + COMMON_DEVICE_FEATURES);
	put32(virtio->common + COMMON_DEVICE_SELECT, 1);
	offered |= (uint64_t)get32(virtio->common + COMMON_DEVICE_FEATURES) << 32;
	virtio->features = offered & (features | FEATURE_VERSION_1);
	for (unsigned i = 0; i < 2; i++) {
		put32(virtio->common + COMMON_DRIVER_SELECT, i);
		put32(virtio->common + COMMON_DRIVER_FEATURES,
		      (uint32_t)(virtio->features >> i * 32));
	}
	set_status(virtio, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
	return (virtio->features & FEATURE_VERSION_1) && (get_status(virtio) & STATUS_FEATURES_OK);
}

/* -- the queue ------------------------------------------------------------------------------------------ */

static size_t page_up(size_t len)
{
	return (len + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
}

/* The layout of legacy devices serves the others as well: the used ring begins a page. */
static bool make_rings(struct virtio *virtio)
{
	size_t first = page_up(virtio->queue_size * (DESC_SIZE + 2) + 6);
	size_t size = first + page_up(virtio->queue_size * 8 + 6);
	unsigned order = 0;
	uint8_t *memory;

	while ((size_t)PAGE_SIZE << order < size)
		order++;
	memory = pages_alloc(order);
	if (!memory)
		return false;
	memset(memory, 0, size);
	virtio->descriptors = memory;
	virtio->available = memory + virtio->queue_size * DESC_SIZE;
	virtio->used = memory + first;
	virtio->order = order;
	put16(virtio->available, AVAILABLE_NO_INTERRUPT);
	return true;
}

static bool legacy_queue(struct virtio *virtio)
{
	outw((uint16_t)(virtio->io + LEGACY_QUEUE_SELECT), 0);
	virtio->queue_size = inw((uint16_t)(virtio->io + LEGACY_QUEUE_SIZE));
	if (virtio->queue_size < VIRTIO_BUFFERS_MAX || virtio->queue_size > QUEUE_SIZE_MAX)
		return false;
	if (!make_rings(virtio))
		return false;
	outl((uint16_t)(virtio->io + LEGACY_QUEUE_PAGE),
	     (uint32_t)(page_phys((const void *)virtio->descriptors) >> PAGE_SHIFT));
	return true;
}

static bool modern_queue(struct virtio *virtio, uint32_t multiplier)
{
	uint64_t phys;

	put16(virtio->common + COMMON_QUEUE_SELECT, 0);
	virtio->queue_size = get16(virtio->common + COMMON_QUEUE_SIZE);
	if (virtio->queue_size > QUEUE_SIZE_WANTED)
		virtio->queue_size = QUEUE_SIZE_WANTED;
	if (virtio->queue_size < VIRTIO_BUFFERS_MAX || !make_rings(virtio))
		return false;
	put16(virtio->common + COMMON_QUEUE_SIZE, (uint16_t)virtio->queue_size);
	phys = page_phys((const void *)virtio->descriptors);
	put64(virtio->common + COMMON_QUEUE_DESC, phys);
	put64(virtio->common + COMMON_QUEUE_DRIVER,
	      phys + (uint64_t)(virtio->available - virtio->descriptors));
	put64(virtio->common + COMMON_QUEUE_DEVICE,
	      phys + (uint64_t)(virtio->used - virtio->descriptors));
	virtio->notify += get16(virtio->common + COMMON_QUEUE_NOTIFY) * multiplier % PAGE_SIZE;
	put16(virtio->common + COMMON_QUEUE_ENABLE, 1);
	return true;
}

int virtio_open(struct virtio *virtio, const struct pci_function *pci, uint64_t features)
{
	uint32_t multiplier = 0;
	bool ready;

	/* Interrupts off, the rest on. */
	pci_write16(pci, PCI_COMMAND, (uint16_t)(pci_read16(pci, PCI_COMMAND) | PCI_COMMAND_IO |
				      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | 0x400u));
	virtio->modern = find_modern(virtio, pci, &multiplier);
	if (!virtio->modern && !find_legacy(virtio, pci)) {
		klog("%s: pci %02x:%02x.%u has neither virtio 1.0 capabilities nor legacy ports",
		     virtio->name, pci->bus, pci->device, pci->function);
		return -ENODEV;
	}
	reset(virtio);
	set_status(virtio, STATUS_ACKNOWLEDGE);
	set_status(virtio, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	if (!negotiate(virtio, features)) {
		klog("%s: the device refuses the features of virtio 1.0", virtio->name);
		goto failed;
	}
	ready = virtio->modern ? modern_queue(virtio, multiplier) : legacy_queue(virtio);
	if (!ready) {
		klog("%s: no queue: its size is %u, expected %u to %u, or memory is short",
		     virtio->name, virtio->queue_size, VIRTIO_BUFFERS_MAX, QUEUE_SIZE_MAX);
		goto failed;
	}
	set_status(virtio, get_status(virtio) | STATUS_DRIVER_OK);
	return 0;
failed:
	set_status(virtio, STATUS_FAILED);
	return -ENODEV;
}

void virtio_close(struct virtio *virtio)
{
	if (!virtio->descriptors)
		return;
	reset(virtio);
	pages_free((void *)(uintptr_t)virtio->descriptors, virtio->order);
	virtio->descriptors = NULL;
}

/* -- requests -------------------------------------------------------------------------------------------- */

static void put_descriptor(struct virtio *virtio, unsigned index,
			   const struct virtio_buffer *buffer, bool last)
{
	volatile uint8_t *desc = virtio->descriptors + index * DESC_SIZE;

	put64(desc, buffer->phys);
	put32(desc + 8, buffer->len);
	put16(desc + 12, (uint16_t)((last ? 0 : DESC_NEXT) |
				    (buffer->device_writes ? DESC_WRITE : 0)));
	put16(desc + 14, (uint16_t)(index + 1));
}

static void notify(struct virtio *virtio)
{
	if (virtio->modern)
		put16(virtio->notify, 0);
	else
		outw((uint16_t)(virtio->io + LEGACY_NOTIFY), 0);
}

int virtio_request(struct virtio *virtio, const struct virtio_buffer *buffers, unsigned count)
{
	uint64_t deadline;

	if (virtio->broken)
		return -EIO;
	for (unsigned i = 0; i < count; i++)
		put_descriptor(virtio, i, &buffers[i], i + 1 == count);
	put16(virtio->available + 4 + virtio->submitted % virtio->queue_size * 2, 0);
	virtio->submitted++;
	/* The device must not see the index before the rest, nor we its answer before asking. */
	__sync_synchronize();
	put16(virtio->available + 2, virtio->submitted);
	__sync_synchronize();
	notify(virtio);
	deadline = clock_ns() + ANSWER_NS;
	while (get16(virtio->used + 2) != virtio->submitted) {
		if (clock_ns() > deadline) {
			klog("%s: no answer within 30 seconds, it is not used any more",
			     virtio->name);
			/* Afterwards it cannot write to memory that is somebody else's. */
			reset(virtio);
			virtio->broken = true;
			return -EIO;
		}
		__asm__ volatile("pause");
	}
	__sync_synchronize();
	return 0;
}
