/* SPDX-License-Identifier: MIT */
/* GDT, TSS and the registers that make `syscall` arrive in syscall_entry. */
#include "arch.h"

#define DOUBLE_FAULT_STACK 4096

struct tss {
	uint32_t reserved;
	uint64_t rsp[3];
	uint64_t reserved2;
	uint64_t ist[7];
	uint64_t reserved3;
	uint16_t reserved4, iomap;
} __attribute__((packed));

/* null, kernel code, kernel data, user data, user code, TSS in two halves */
static uint64_t gdt[7] = {
	0,
	UINT64_C(0x00af9a000000ffff),
	UINT64_C(0x00cf92000000ffff),
	UINT64_C(0x00cff2000000ffff),
	UINT64_C(0x00affa000000ffff),
};

static struct tss tss;
static uint8_t double_fault_stack[DOUBLE_FAULT_STACK] __attribute__((aligned(16)));

extern uint64_t kernel_stack_top;	/* trap.S */
extern const char syscall_entry[];

void set_kernel_stack(uintptr_t top)
{
	tss.rsp[0] = top;
	kernel_stack_top = top;
}

static void load_segments(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = { sizeof(gdt) - 1, (uint64_t)(uintptr_t)gdt };

	__asm__ volatile("lgdt %0\n\t"
			 "mov %1, %%ds\n\t"
			 "mov %1, %%es\n\t"
			 "mov %1, %%ss\n\t"
			 "mov %2, %%fs\n\t"
			 "mov %2, %%gs\n\t"
			 "pushq %3\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "ltr %4"
			 : : "m"(pointer), "r"((uint32_t)KERNEL_SS), "r"(0), "i"(KERNEL_CS),
			     "r"((uint16_t)TSS_SELECTOR) : "rax", "memory");
}

void segments_init(void)
{
	uint64_t base = (uint64_t)(uintptr_t)&tss, cr0, cr4;

	tss.iomap = sizeof(tss);
	tss.ist[0] = (uint64_t)(uintptr_t)(double_fault_stack + sizeof(double_fault_stack));
	gdt[5] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
		 (base >> 24 & 0xff) << 56;
	gdt[6] = base >> 32;
	load_segments();

	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	/* sysret is never used; its half only has to be harmless. */
	wrmsr(MSR_STAR, (uint64_t)KERNEL_CS << 32 | (uint64_t)(USER_SS - 8) << 48);
	wrmsr(MSR_LSTAR, (uint64_t)(uintptr_t)syscall_entry);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | 0x40000u);

	/* Write protection also for the kernel; SSE for programs; no FSGSBASE, so both bases are ours. */
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	cr0 = (cr0 & ~UINT64_C(0xc)) | 0x10022;		/* not EM, TS; WP, NE, MP */
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 = (cr4 | 0x600) & ~UINT64_C(0x50080);	/* OSFXSR, OSXMMEXCPT; not PGE, FSGSBASE, OSXSAVE */
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
}
