/* SPDX-License-Identifier: MIT */
/*
 * What is plugged in after the firmware has gone: the slot's power is switched on, and the
 * function gets addresses from the window that its bridge passes on.  The firmware reserves
 * such windows for empty slots; nothing is moved, and what has addresses keeps them.
 */
#include "pci.h"

#define HEADER_BRIDGE		1u
#define BRIDGE_WINDOW		0x20	/* base in the lower half, limit in the upper; MiB */
#define BARS_MAX		6u
#define BRIDGE_BARS		2u	/* the rest of them is something else */

#define CAP_EXPRESS		0x10
#define EXPRESS_FLAGS		2
#define EXPRESS_HAS_SLOT	0x100u
#define EXPRESS_SLOT_CAPS	0x14
#define SLOT_HAS_POWER		2u
#define EXPRESS_SLOT_CONTROL	0x18
#define SLOT_POWER_OFF		0x400u
#define SLOT_POWER_LIGHT	0x300u
#define SLOT_POWER_LIGHT_ON	0x100u

/* A function that wants addresses, and what its bus has. */
struct placing {
	const struct pci_function *pci;
	struct pci_function bridge;
	bool has_bridge;
	uint64_t next, end;		/* what is free of the window */
};

static bool is_bridge(const struct pci_function *pci)
{
	return (pci_read8(pci, PCI_HEADER) & 0x7f) == HEADER_BRIDGE;
}

static unsigned bar_count(const struct pci_function *pci)
{
	return is_bridge(pci) ? BRIDGE_BARS : BARS_MAX;
}

/* The size of BAR INDEX and whether it takes two; 0 = not there, or ports. */
static uint64_t bar_size(const struct pci_function *pci, unsigned index, bool *ret_wide)
{
	unsigned reg = PCI_BAR0 + index * 4;
	uint32_t old = pci_read32(pci, reg), low, high = UINT32_MAX, old_high;

	*ret_wide = false;
	if (old & 1)
		return 0;
	pci_write32(pci, reg, UINT32_MAX);
	low = pci_read32(pci, reg) & ~0xfu;
	pci_write32(pci, reg, old);
	if ((old >> 1 & 3) == 2 && index + 1 < bar_count(pci)) {
		*ret_wide = true;
		old_high = pci_read32(pci, reg + 4);
		pci_write32(pci, reg + 4, UINT32_MAX);
		high = pci_read32(pci, reg + 4);
		pci_write32(pci, reg + 4, old_high);
	}
	return low ? ~((uint64_t)high << 32 | low) + 1 : 0;
}

static void set_decoding(const struct pci_function *pci, bool on)
{
	uint16_t command = pci_read16(pci, PCI_COMMAND) & (uint16_t)~PCI_COMMAND_MEMORY;

	pci_write16(pci, PCI_COMMAND, (uint16_t)(command | (on ? PCI_COMMAND_MEMORY : 0)));
}

static void find_bridge(void *ctx, const struct pci_function *pci)
{
	struct placing *placing = ctx;

	if (is_bridge(pci) && (pci_read32(pci, PCI_BUSES) >> 8 & 0xff) == placing->pci->bus) {
		placing->bridge = *pci;
		placing->has_bridge = true;
	}
}

/* What the other functions of this bus have is not free. */
static void leave_out_taken(void *ctx, const struct pci_function *other)
{
	struct placing *placing = ctx;
	bool wide = false, io;

	if (other->bus != placing->pci->bus || !(pci_read16(other, PCI_COMMAND) & PCI_COMMAND_MEMORY))
		return;
	/* Its size is asked by writing to the register: it must not answer there meanwhile. */
	set_decoding(other, false);
	for (unsigned i = 0; i < bar_count(other); i += wide ? 2 : 1) {
		uint64_t size = bar_size(other, i, &wide), end = pci_bar(other, i, &io) + size;

		if (size && end > placing->next && end <= placing->end)
			placing->next = end;
	}
	set_decoding(other, true);
}

/* False: the window has no room for it. */
static bool place_bar(struct placing *placing, unsigned index, uint64_t size, bool wide)
{
	uint64_t addr = (placing->next + size - 1) & ~(size - 1);

	if (addr < placing->next || addr >= placing->end || size > placing->end - addr)
		return false;
	pci_write32(placing->pci, PCI_BAR0 + index * 4, (uint32_t)addr);
	if (wide)
		pci_write32(placing->pci, PCI_BAR0 + index * 4 + 4, (uint32_t)(addr >> 32));
	placing->next = addr + size;
	return true;
}

static bool has_addresses(const struct pci_function *pci)
{
	bool io;

	for (unsigned i = 0; i < bar_count(pci); i++)
		if (pci_bar(pci, i, &io))
			return true;
	return false;
}

bool pci_place(const struct pci_function *pci)
{
	struct placing placing = { .pci = pci };
	bool wide = false, fits = true;
	uint32_t window;

	if (has_addresses(pci))
		return true;
	pci_for_each(find_bridge, &placing);
	if (!placing.has_bridge)
		return false;
	window = pci_read32(&placing.bridge, BRIDGE_WINDOW);
	placing.next = (uint64_t)(window & 0xfff0) << 16;
	placing.end = ((uint64_t)(window >> 20) + 1) << 20;
	pci_for_each(leave_out_taken, &placing);
	for (unsigned i = 0; i < bar_count(pci) && fits; i += wide ? 2 : 1) {
		uint64_t size = bar_size(pci, i, &wide);

		if (size)
			fits = place_bar(&placing, i, size, wide);
	}
	set_decoding(&placing.bridge, true);
	pci_write16(&placing.bridge, PCI_COMMAND,
		    (uint16_t)(pci_read16(&placing.bridge, PCI_COMMAND) | PCI_COMMAND_MASTER));
	return fits;
}

static void switch_on(void *ctx, const struct pci_function *pci)
{
	unsigned cap = is_bridge(pci) ? pci_capability(pci, CAP_EXPRESS, 0) : 0;
	uint16_t control;

	(void)ctx;
	if (!cap || !(pci_read16(pci, cap + EXPRESS_FLAGS) & EXPRESS_HAS_SLOT) ||
	    !(pci_read32(pci, cap + EXPRESS_SLOT_CAPS) & SLOT_HAS_POWER))
		return;
	control = pci_read16(pci, cap + EXPRESS_SLOT_CONTROL);
	if (!(control & SLOT_POWER_OFF))
		return;
	control = (uint16_t)((control & ~(SLOT_POWER_OFF | SLOT_POWER_LIGHT)) | SLOT_POWER_LIGHT_ON);
	pci_write16(pci, cap + EXPRESS_SLOT_CONTROL, control);
}

void pci_power_slots(void)
{
	pci_for_each(switch_on, NULL);
}
