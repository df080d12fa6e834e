/* SPDX-License-Identifier: MIT */
#ifndef STUB_ARCH_H
#define STUB_ARCH_H
/* The processor: registers of an interrupted program, segments, traps, clocks. */
#include "port.h"

/* What trap.S pushes; the order is its contract. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint64_t vector;	/* or VECTOR_SYSCALL */
	uint64_t error;		/* error code; for system calls the number that was asked for */
	uint64_t rip, cs, rflags, rsp, ss;
};

#define VECTOR_DIVIDE		0
#define VECTOR_DEBUG		1
#define VECTOR_NMI		2
#define VECTOR_BREAKPOINT	3
#define VECTOR_OVERFLOW		4
#define VECTOR_INVALID_OPCODE	6
#define VECTOR_DOUBLE_FAULT	8
#define VECTOR_STACK_SEGMENT	12
#define VECTOR_PROTECTION	13
#define VECTOR_PAGE_FAULT	14
#define VECTOR_X87		16
#define VECTOR_ALIGNMENT	17
#define VECTOR_SIMD		19
#define VECTOR_TIMER		32
#define VECTOR_SPURIOUS		255
#define VECTOR_SYSCALL		256

#define KERNEL_CS	0x08
#define KERNEL_SS	0x10
#define USER_SS		0x1b
#define USER_CS		0x23
#define TSS_SELECTOR	0x28

#define RFLAGS_FIXED	0x2u
#define RFLAGS_TF	0x100u
#define RFLAGS_IF	0x200u
#define RFLAGS_DF	0x400u
/* What a program may set itself: arithmetic flags, DF, TF, AC, ID. */
#define RFLAGS_USER	0x240dd5u

#define MSR_APIC_BASE	0x1bu
#define MSR_EFER	0xc0000080u
#define MSR_STAR	0xc0000081u
#define MSR_LSTAR	0xc0000082u
#define MSR_SFMASK	0xc0000084u
#define MSR_FS_BASE	0xc0000100u
#define MSR_GS_BASE	0xc0000101u
#define EFER_SCE	1u
#define EFER_NXE	0x800u

static inline bool frame_is_user(const struct trap_frame *frame)
{
	return (frame->cs & 3) == 3;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline uint64_t read_cr2(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

static inline uint64_t read_cr3(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr3, %0" : "=r"(v));
	return v;
}

static inline void write_cr3(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline void invlpg(uintptr_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* Wait for one interrupt, with interrupts on only meanwhile. */
static inline void cpu_idle(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

static inline void __attribute__((noreturn)) cpu_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* -- arch/ -------------------------------------------------------------------------------------- */
void segments_init(void);		/* GDT, TSS, MSRs of system calls */
void traps_init(void);			/* IDT */
void clock_init(uint64_t tsc_hz, uint64_t unix_time);
void timer_init(void);			/* 100 Hz from the local APIC */
void timer_acknowledge(void);
/* The stack that the processor takes when it leaves user mode. */
void set_kernel_stack(uintptr_t top);
void frame_dump(const struct trap_frame *frame);

/* context.S: save callee-saved registers, switch stacks, return there. */
void context_switch(uint64_t *save_sp, uint64_t load_sp);
/* trap.S: load the registers of FRAME, which lies on the current kernel stack, and leave. */
void return_to_frame(struct trap_frame *frame) __attribute__((noreturn));
/* First code of a new task; its frame lies on top of its kernel stack. */
void task_first_return(void);

/* -- task/ takes -------------------------------------------------------------------------------- */
void trap_from_user(struct trap_frame *frame);	/* an exception: a signal or a page */
void timer_tick(struct trap_frame *frame);
/* Right before user mode: signals, another task's turn. */
void leave_kernel(struct trap_frame *frame);
void syscall_enter(struct trap_frame *frame);

#endif
