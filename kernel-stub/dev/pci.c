/* SPDX-License-Identifier: MIT */
/*
 * PCI by the configuration ports 0xcf8 and 0xcfc.  The firmware has numbered the buses and given
 * out the addresses; every bus is asked, so that no tree of bridges has to be walked.
 */
#include "pci.h"

#define CONFIG_ADDRESS	0xcf8
#define CONFIG_DATA	0xcfc
#define BUSES		256u
#define CAPABILITIES_MAX 48u

static void select(const struct pci_function *pci, unsigned reg)
{
	outl(CONFIG_ADDRESS, 0x80000000u | (uint32_t)pci->bus << 16 | (uint32_t)pci->device << 11 |
				     (uint32_t)pci->function << 8 | (reg & 0xfcu));
}

uint32_t pci_read32(const struct pci_function *pci, unsigned reg)
{
	select(pci, reg);
	return inl(CONFIG_DATA);
}

uint16_t pci_read16(const struct pci_function *pci, unsigned reg)
{
	return (uint16_t)(pci_read32(pci, reg) >> (reg & 2) * 8);
}

uint8_t pci_read8(const struct pci_function *pci, unsigned reg)
{
	return (uint8_t)(pci_read32(pci, reg) >> (reg & 3) * 8);
}

void pci_write16(const struct pci_function *pci, unsigned reg, uint16_t value)
{
	select(pci, reg);
	outw((uint16_t)(CONFIG_DATA + (reg & 2)), value);
}

void pci_write32(const struct pci_function *pci, unsigned reg, uint32_t value)
{
	select(pci, reg);
	outl(CONFIG_DATA, value);
}

uint64_t pci_bar(const struct pci_function *pci, unsigned index, bool *ret_io)
{
	uint32_t low = pci_read32(pci, PCI_BAR0 + index * 4);
	uint64_t addr = low & ~0xfu;

	*ret_io = low & 1;
	if (low & 1)
		return low & ~3u;
	if ((low >> 1 & 3) == 2 && index < 5)
		addr |= (uint64_t)pci_read32(pci, PCI_BAR0 + index * 4 + 4) << 32;
	return addr;
}

unsigned pci_capability(const struct pci_function *pci, uint8_t id, unsigned pos)
{
	if (!(pci_read16(pci, PCI_STATUS) & PCI_STATUS_CAPABILITIES))
		return 0;
	pos = pci_read8(pci, pos ? pos + 1 : PCI_CAPABILITIES) & 0xfcu;
	/* A broken device could close the list to a ring. */
	for (unsigned i = 0; pos >= 0x40 && i < CAPABILITIES_MAX; i++) {
		if (pci_read8(pci, pos) == id)
			return pos;
		pos = pci_read8(pci, pos + 1) & 0xfcu;
	}
	return 0;
}

static bool probe(struct pci_function *pci)
{
	uint32_t ids = pci_read32(pci, PCI_VENDOR);

	pci->vendor = (uint16_t)ids;
	pci->id = (uint16_t)(ids >> 16);
	return pci->vendor != 0xffff;
}

static void scan_device(unsigned bus, unsigned device,
			void (*found)(void *ctx, const struct pci_function *), void *ctx)
{
	struct pci_function pci = { (uint8_t)bus, (uint8_t)device, 0, 0, 0 };
	unsigned functions;

	if (!probe(&pci))
		return;
	functions = pci_read8(&pci, PCI_HEADER) & 0x80 ? 8 : 1;
	for (unsigned i = 0; i < functions; i++) {
		pci.function = (uint8_t)i;
		if (probe(&pci))
			found(ctx, &pci);
	}
}

/* The highest number of a bus that a bridge of BUS leads to; no bridge: BUS itself. */
static unsigned last_bus_behind(unsigned bus)
{
	unsigned last = bus;

	for (unsigned i = 0; i < 256; i++) {
		struct pci_function pci = { (uint8_t)bus, (uint8_t)(i >> 3), (uint8_t)(i & 7), 0, 0 };

		if (probe(&pci) && (pci_read8(&pci, PCI_HEADER) & 0x7f) == 1) {
			unsigned end = pci_read32(&pci, PCI_BUSES) >> 16 & 0xff;

			if (end > last)
				last = end;
		}
	}
	return last;
}

void pci_for_each(void (*found)(void *ctx, const struct pci_function *pci), void *ctx)
{
	unsigned last = last_bus_behind(0);

	for (unsigned bus = 0; bus < BUSES && bus <= last; bus++)
		for (unsigned device = 0; device < 32; device++)
			scan_device(bus, device, found, ctx);
}
