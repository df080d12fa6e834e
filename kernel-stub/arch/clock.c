/* SPDX-License-Identifier: MIT */
/* Time from the time stamp counter, ticks from the local APIC. */
#include "arch.h"
#include "device.h"

#define TICKS_PER_SEC	100u
#define APIC_EOI	0xb0u
#define APIC_SPURIOUS	0xf0u
#define APIC_TIMER	0x320u
#define APIC_INITIAL	0x380u
#define APIC_CURRENT	0x390u
#define APIC_DIVIDE	0x3e0u
#define APIC_MASKED	0x10000u
#define APIC_PERIODIC	0x20000u
#define APIC_DIVIDE_16	3u
#define X2APIC_ENABLED	0x400u
#define X2APIC_MSR	0x800u

static uint64_t tsc_start, tsc_hz, ns_per_tick32;	/* nanoseconds a count, times 2^32 */
static uint64_t unix_start;
static volatile uint32_t *apic;				/* NULL: x2APIC, by MSR */

void clock_init(uint64_t hz, uint64_t unix_time)
{
	tsc_start = rdtsc();
	tsc_hz = hz ? hz : UINT64_C(1000000000);
	ns_per_tick32 = (UINT64_C(1000000000) << 32) / tsc_hz;
	unix_start = unix_time;
}

uint64_t clock_ns(void)
{
	return (uint64_t)(((unsigned __int128)(rdtsc() - tsc_start) * ns_per_tick32) >> 32);
}

uint64_t clock_unix(void)
{
	return unix_start + clock_ns() / 1000000000u;
}

uint64_t clock_tsc_hz(void)
{
	return tsc_hz;
}

static uint32_t apic_read(uint32_t reg)
{
	return apic ? apic[reg / 4] : (uint32_t)rdmsr(X2APIC_MSR + reg / 16);
}

static void apic_write(uint32_t reg, uint32_t value)
{
	if (apic)
		apic[reg / 4] = value;
	else
		wrmsr(X2APIC_MSR + reg / 16, value);
}

void timer_acknowledge(void)
{
	apic_write(APIC_EOI, 0);
}

void timer_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE), until;
	uint32_t count;

	/* The old interrupt controllers stay silent: every device is polled. */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	if (!(base & X2APIC_ENABLED)) {
		apic = mmio_map(base & 0xfffff000, PAGE_SIZE);
		if (!apic)
			panic("no memory to map the local APIC");
	}
	apic_write(APIC_SPURIOUS, 0x100 | VECTOR_SPURIOUS);
	apic_write(APIC_DIVIDE, APIC_DIVIDE_16);
	apic_write(APIC_TIMER, APIC_MASKED);
	apic_write(APIC_INITIAL, UINT32_MAX);
	until = rdtsc() + tsc_hz / TICKS_PER_SEC;
	while (rdtsc() < until)
		__asm__ volatile("pause");
	count = UINT32_MAX - apic_read(APIC_CURRENT);
	apic_write(APIC_TIMER, APIC_PERIODIC | VECTOR_TIMER);
	apic_write(APIC_INITIAL, count ? count : 1);
}
