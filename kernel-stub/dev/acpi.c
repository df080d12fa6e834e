/* SPDX-License-Identifier: MIT */
/*
 * Power off by ACPI: RSDP, RSDT or XSDT, FADT, and the package _S5_ in the DSDT, which is found by
 * its bytes: an interpreter for two numbers would be out of proportion.
 */
#include <overmount/bytes.h>

#include "device.h"

#define TABLE_HEADER	36u
#define TABLE_LENGTH	4
#define TABLE_MAX	(16u << 20)
#define TABLES_MAX	256u

#define FADT_DSDT	40
#define FADT_SMI_CMD	48
#define FADT_ENABLE	52
#define FADT_PM1A	64
#define FADT_PM1B	68
#define FADT_X_DSDT	140
#define FADT_MIN	76u

#define SCI_EN		0x0001u
#define SLP_TYP_SHIFT	10
#define SLP_TYP_MASK	(7u << SLP_TYP_SHIFT)
#define SLP_EN		(1u << 13)

#define AML_NAME	0x08
#define AML_PACKAGE	0x12
#define AML_ZERO	0x00
#define AML_ONE		0x01
#define AML_BYTE	0x0a

struct sleep {
	uint16_t pm1a, pm1b;
	uint8_t type_a, type_b;
};

static bool sum_is_zero(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	return sum == 0;
}

/* The table at PHYS if it is whole, else NULL. */
static const uint8_t *table_at(uint64_t phys, size_t *ret_len)
{
	const uint8_t *table = phys ? phys_to_virt(phys) : NULL;
	size_t len = table ? om_get_le32(table + TABLE_LENGTH) : 0;

	if (len < TABLE_HEADER || len > TABLE_MAX || !sum_is_zero(table, len))
		return NULL;
	*ret_len = len;
	return table;
}

static const uint8_t *find_table(uint64_t rsdp_phys, const char *signature, size_t *ret_len)
{
	const uint8_t *rsdp = phys_to_virt(rsdp_phys), *root = NULL;
	size_t width = 8, len;

	if (memcmp(rsdp, "RSD PTR ", 8) != 0 || !sum_is_zero(rsdp, 20))
		return NULL;
	if (rsdp[15] >= 2)
		root = table_at(om_get_le64(rsdp + 24), &len);
	if (!root) {
		width = 4;
		root = table_at(om_get_le32(rsdp + 16), &len);
	}
	if (!root)
		return NULL;
	for (size_t i = 0; i < TABLES_MAX && TABLE_HEADER + (i + 1) * width <= len; i++) {
		const uint8_t *entry = root + TABLE_HEADER + i * width, *table;

		table = table_at(width == 8 ? om_get_le64(entry) : om_get_le32(entry), ret_len);
		if (table && memcmp(table, signature, 4) == 0)
			return table;
	}
	return NULL;
}

/* A small integer at *pos; false when it is something else. */
static bool aml_integer(const uint8_t *aml, size_t len, size_t *pos, uint8_t *ret_value)
{
	if (*pos >= len)
		return false;
	switch (aml[(*pos)++]) {
	case AML_ZERO:
		*ret_value = 0;
		return true;
	case AML_ONE:
		*ret_value = 1;
		return true;
	case AML_BYTE:
		if (*pos >= len)
			return false;
		*ret_value = aml[(*pos)++];
		return true;
	}
	return false;
}

/* Name (_S5_, Package () { A, B, ... }) */
static bool find_s5(const uint8_t *aml, size_t len, struct sleep *sleep)
{
	for (size_t i = 1; i + 8 < len; i++) {
		size_t pos = i + 4;

		if (memcmp(aml + i, "_S5_", 4) != 0 || aml[pos++] != AML_PACKAGE)
			continue;
		if (aml[i - 1] != AML_NAME &&
		    !(i >= 2 && aml[i - 1] == '\\' && aml[i - 2] == AML_NAME))
			continue;
		/* The length of the package takes 1 to 4 bytes; then the number of elements. */
		pos += 1u + (aml[pos] >> 6) + 1u;
		if (aml_integer(aml, len, &pos, &sleep->type_a) &&
		    aml_integer(aml, len, &pos, &sleep->type_b))
			return true;
	}
	return false;
}

/* Until the firmware lets go of the power management registers, they do nothing. */
static void enable_acpi(const uint8_t *fadt, uint16_t pm1a)
{
	uint32_t port = om_get_le32(fadt + FADT_SMI_CMD);

	if (!port || !fadt[FADT_ENABLE] || (inw(pm1a) & SCI_EN))
		return;
	outb((uint16_t)port, fadt[FADT_ENABLE]);
	for (unsigned i = 0; i < 1000000 && !(inw(pm1a) & SCI_EN); i++)
		__asm__ volatile("pause");
}

static void enter_sleep(uint16_t port, uint8_t type)
{
	uint16_t value = (uint16_t)((inw(port) & ~(SLP_TYP_MASK | SLP_EN)) | type << SLP_TYP_SHIFT);

	outw(port, value);
	outw(port, (uint16_t)(value | SLP_EN));
}

void acpi_power_off(uint64_t rsdp_phys)
{
	struct sleep sleep = { 0 };
	const uint8_t *fadt, *dsdt = NULL;
	size_t len, dsdt_len;

	fadt = rsdp_phys ? find_table(rsdp_phys, "FACP", &len) : NULL;
	if (!fadt || len < FADT_MIN) {
		klog("power off: no ACPI tables (RSDP at %#llx)", (unsigned long long)rsdp_phys);
		return;
	}
	if (len >= FADT_X_DSDT + 8)
		dsdt = table_at(om_get_le64(fadt + FADT_X_DSDT), &dsdt_len);
	if (!dsdt)
		dsdt = table_at(om_get_le32(fadt + FADT_DSDT), &dsdt_len);
	sleep.pm1a = (uint16_t)om_get_le32(fadt + FADT_PM1A);
	sleep.pm1b = (uint16_t)om_get_le32(fadt + FADT_PM1B);
	if (!dsdt || !sleep.pm1a || !find_s5(dsdt, dsdt_len, &sleep)) {
		klog("power off: ACPI does not say how to enter S5");
		return;
	}
	enable_acpi(fadt, sleep.pm1a);
	enter_sleep(sleep.pm1a, sleep.type_a);
	if (sleep.pm1b)
		enter_sleep(sleep.pm1b, sleep.type_b);
	for (unsigned i = 0; i < 10000000; i++)
		__asm__ volatile("pause");
}

void machine_reset(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) nothing = { 0, 0 };

	/* The reset register of the chipset, the keyboard controller, a fault without handlers. */
	outb(0xcf9, 0x02);
	outb(0xcf9, 0x06);
	for (unsigned i = 0; i < 100000 && (inb(0x64) & 2); i++)
		__asm__ volatile("pause");
	outb(0x64, 0xfe);
	for (unsigned i = 0; i < 1000000; i++)
		__asm__ volatile("pause");
	__asm__ volatile("lidt %0; int3" : : "m"(nothing));
}
