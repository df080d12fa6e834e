/* SPDX-License-Identifier: MIT */
/* The IDT, and what each vector means. */
#include "arch.h"
#include "task.h"

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, reserved;
};

#define GATE_INTERRUPT	0x8e
#define GATE_USER	0xee		/* int3 and into may be called by programs */
#define STUB_SIZE	16

static struct gate idt[256];

extern const char trap_stubs[];		/* trap.S */
void trap_enter(struct trap_frame *frame);

static const char *const names[] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound", "invalid opcode",
	"no FPU", "double fault", "vector 9", "invalid TSS", "segment not present",
	"stack segment", "general protection", "page fault", "vector 15", "x87", "alignment",
	"machine check", "SIMD",
};

void traps_init(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = { sizeof(idt) - 1, (uint64_t)(uintptr_t)idt };
	unsigned i;

	for (i = 0; i < 256; i++) {
		uint64_t address = (uint64_t)(uintptr_t)trap_stubs + i * STUB_SIZE;

		idt[i] = (struct gate){
			.offset_low = (uint16_t)address,
			.selector = KERNEL_CS,
			.ist = i == VECTOR_DOUBLE_FAULT,
			.type = i == VECTOR_BREAKPOINT || i == VECTOR_OVERFLOW ? GATE_USER :
										 GATE_INTERRUPT,
			.offset_mid = (uint16_t)(address >> 16),
			.offset_high = (uint32_t)(address >> 32),
		};
	}
	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void frame_dump(const struct trap_frame *frame)
{
	klog("registers: rip %016llx rsp %016llx rflags %08llx cs %llx cr2 %016llx cr3 %llx",
	     (unsigned long long)frame->rip, (unsigned long long)frame->rsp,
	     (unsigned long long)frame->rflags, (unsigned long long)frame->cs,
	     (unsigned long long)read_cr2(), (unsigned long long)read_cr3());
	klog("registers: rax %016llx rbx %016llx rcx %016llx rdx %016llx",
	     (unsigned long long)frame->rax, (unsigned long long)frame->rbx,
	     (unsigned long long)frame->rcx, (unsigned long long)frame->rdx);
	klog("registers: rsi %016llx rdi %016llx rbp %016llx r8  %016llx",
	     (unsigned long long)frame->rsi, (unsigned long long)frame->rdi,
	     (unsigned long long)frame->rbp, (unsigned long long)frame->r8);
	klog("registers: r9  %016llx r10 %016llx r11 %016llx r12 %016llx",
	     (unsigned long long)frame->r9, (unsigned long long)frame->r10,
	     (unsigned long long)frame->r11, (unsigned long long)frame->r12);
	klog("registers: r13 %016llx r14 %016llx r15 %016llx error %llx",
	     (unsigned long long)frame->r13, (unsigned long long)frame->r14,
	     (unsigned long long)frame->r15, (unsigned long long)frame->error);
}

static void __attribute__((noreturn)) kernel_trap(const struct trap_frame *frame)
{
	const char *name = frame->vector < sizeof(names) / sizeof(names[0]) ?
			   names[frame->vector] : "unexpected interrupt";

	frame_dump(frame);
	panic("%s in the kernel, task %d (%s)", name, current ? current->pid : 0,
	      current ? current->comm : "none");
}

void trap_enter(struct trap_frame *frame)
{
	switch (frame->vector) {
	case VECTOR_TIMER:
		timer_acknowledge();
		timer_tick(frame);
		return;
	case VECTOR_SPURIOUS:
		return;
	}
	if (!frame_is_user(frame))
		kernel_trap(frame);
	trap_from_user(frame);
}
