/* SPDX-License-Identifier: MIT */
/*
 * A kernel that does nothing but hold the stage to docs/handoff.md: TAP on the first serial
 * port, the verdict on QEMU's isa-debug-exit (exit status 33 = pass, 35 = fail).
 */
#include "checks.h"
#include "tap.h"

#include <overmount/fmt.h>

#define DEBUG_EXIT	0xf4
#define VERDICT_PASS	0x10
#define VERDICT_FAIL	0x11
#define FLAG_IF		(1u << 9)
#define FLAG_DF		(1u << 10)
#define STACK_MIN	16384u

void handoff_main(const struct om_handoff *handoff, uint64_t rsp, uint64_t flags, uint64_t cr3,
		  uint64_t code);

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void check_block(const struct om_handoff *handoff)
{
	struct om_handoff copy = *handoff;

	ok_found(handoff->magic == OM_HANDOFF_MAGIC, "magic", handoff->magic);
	ok(memcmp(handoff, "OVHNDOFF", 8) == 0, "magic reads OVHNDOFF");
	ok_found(handoff->major == 1, "major version 1", handoff->major);
	ok_found(handoff->size >= sizeof(*handoff), "the block is at least 256 bytes",
		 handoff->size);
	copy.crc32 = 0;
	ok_found(crc32_of(0, &copy, sizeof(copy)) == handoff->crc32, "CRC-32", handoff->crc32);
	ok(handoff->reserved == 0, "the reserved field is zero");
}

static void check_registers(const struct om_handoff *handoff, uint64_t rsp, uint64_t flags)
{
	ok(!(flags & FLAG_IF), "interrupts are off");
	ok(!(flags & FLAG_DF), "the direction flag is clear");
	ok_found(rsp % 16 == 8, "the stack is aligned as at a function's entry", rsp);
	ok_found(rsp + 8 == handoff->stack.addr + handoff->stack.len &&
		 handoff->stack.len >= STACK_MIN, "rsp is the top of a 16 KiB stack", rsp);
	ok(*(const uint64_t *)rsp == 0, "the return address is 0");
	/* Faults, and so resets the machine, when SSE is not enabled. */
	__asm__ volatile("xorps %%xmm0, %%xmm0" : : : "memory");
	ok(true, "SSE works");
}

static void check_time(const struct om_handoff *handoff)
{
	ok(handoff->tsc_entry < handoff->tsc_selected &&
	   handoff->tsc_selected < handoff->tsc_jump && handoff->tsc_jump < rdtsc(),
	   "the time stamps are in order");
	ok_found(handoff->tsc_hz > 50000000 && handoff->tsc_hz < UINT64_C(20000000000),
		 "the TSC's frequency is plausible", handoff->tsc_hz);
	/* 2020-01-01; the machine of the test has a clock. */
	ok_found(handoff->unix_time > 1577836800, "the time of day is known", handoff->unix_time);
}

static void check_firmware(const struct om_handoff *handoff)
{
	const uint8_t *rsdp = (const uint8_t *)handoff->acpi_rsdp;
	const struct om_handoff_framebuffer *fb = &handoff->framebuffer;
	uint8_t sum = 0;
	int i;

	for (i = 0; rsdp && i < 20; i++)
		sum = (uint8_t)(sum + rsdp[i]);
	ok(rsdp && memcmp(rsdp, "RSD PTR ", 8) == 0 && sum == 0, "the ACPI RSDP is one");
	ok(handoff->smbios && memcmp((const void *)handoff->smbios, "_SM", 3) == 0,
	   "the SMBIOS entry point is one");
	ok(memcmp((const void *)handoff->efi_system_table, "IBI SYST", 8) == 0,
	   "the EFI system table is one");
	ok(fb->addr == 0 ? fb->width == 0 : fb->width <= fb->stride && fb->format <= 1 &&
	   (uint64_t)fb->stride * fb->height * 4 <= fb->len,
	   "the framebuffer is absent or fits in its memory");
}

void handoff_main(const struct om_handoff *handoff, uint64_t rsp, uint64_t flags, uint64_t cr3,
		  uint64_t code)
{
	char line[120];
	uint32_t sum;

	put("# handoff-kernel\r\n");
	check_registers(handoff, rsp, flags);
	check_block(handoff);
	check_paging(handoff, cr3, code);
	check_memory(handoff);
	check_content(handoff);
	check_time(handoff);
	check_firmware(handoff);
	sum = content_sum(handoff);
	scribble(handoff);
	ok(content_sum(handoff) == sum, "writing to all free memory changes nothing handed over");
	om_format(line, sizeof(line), "# stage: %llu us from entry chosen to jump\r\n",
		  (unsigned long long)((handoff->tsc_jump - handoff->tsc_selected) /
				       (handoff->tsc_hz / 1000000)));
	put(line);
	tap_plan();
	outb(DEBUG_EXIT, tap_passed() ? VERDICT_PASS : VERDICT_FAIL);
}
