/* SPDX-License-Identifier: MIT */
#ifndef DEV_PCI_H
#define DEV_PCI_H
/* PCI functions: configuration space and base addresses, as the firmware left them. */
#include "device.h"

#define PCI_VENDOR	0x00
#define PCI_COMMAND	0x04
#define PCI_STATUS	0x06
#define PCI_CLASS	0x08		/* revision, interface, subclass, class */
#define PCI_HEADER	0x0e
#define PCI_BAR0	0x10
#define PCI_CAPABILITIES 0x34
#define PCI_BUSES	0x18		/* of a bridge: primary, secondary, subordinate */

#define PCI_COMMAND_IO		1u
#define PCI_COMMAND_MEMORY	2u
#define PCI_COMMAND_MASTER	4u
#define PCI_STATUS_CAPABILITIES	0x10u

struct pci_function {
	uint8_t bus, device, function;
	uint16_t vendor, id;
};

uint32_t pci_read32(const struct pci_function *pci, unsigned reg);
uint16_t pci_read16(const struct pci_function *pci, unsigned reg);
uint8_t pci_read8(const struct pci_function *pci, unsigned reg);
void pci_write16(const struct pci_function *pci, unsigned reg, uint16_t value);
void pci_write32(const struct pci_function *pci, unsigned reg, uint32_t value);

/* Address of BAR INDEX; *ret_io tells ports from memory.  0 = not there. */
uint64_t pci_bar(const struct pci_function *pci, unsigned index, bool *ret_io);
/* Next capability with this ID after POS (0 = the first): its offset, 0 = none. */
unsigned pci_capability(const struct pci_function *pci, uint8_t id, unsigned pos);
/* Every function behind every bridge, in order of bus, device, function. */
void pci_for_each(void (*found)(void *ctx, const struct pci_function *pci), void *ctx);

/* -- what the firmware has not seen (pci_hotplug.c) ---------------------------------------------------- */
/* Addresses for PCI from its bridge's window, if it has none; false: there is no room. */
bool pci_place(const struct pci_function *pci);
/* Slots that are off hide what was put into them. */
void pci_power_slots(void);

#endif
