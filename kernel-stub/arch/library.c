/* SPDX-License-Identifier: MIT */
/*
 * Where a library of the distribution may run in the kernel.  It was compiled for programs: it
 * uses SSE registers, which hold the program's values here; the red zone, which is safe because
 * interrupts are off in the kernel; and a stack protector that reads its canary at %fs:0x28.
 */
#include "arch.h"
#include "decompress.h"
#include "task.h"

/* What %fs points to meanwhile; the canary has one value, known to nobody, per boot. */
static struct {
	uint64_t header[5];
	uint64_t canary;
} thread_block;

_Static_assert(offsetof(__typeof__(thread_block), canary) == 0x28, "the ABI's place of the canary");

void library_enter(struct library_world *world)
{
	if (!thread_block.canary)
		random_bytes(&thread_block.canary, sizeof(thread_block.canary));
	__asm__ volatile("fxsave64 (%0)" : : "r"(world->fpu) : "memory");
	world->fs_base = rdmsr(MSR_FS_BASE);
	/* The scheduler brings it back, should an allocation have to wait for a disk. */
	current->fs_base = (uintptr_t)&thread_block;
	wrmsr(MSR_FS_BASE, (uintptr_t)&thread_block);
}

void library_leave(struct library_world *world)
{
	current->fs_base = world->fs_base;
	wrmsr(MSR_FS_BASE, world->fs_base);
	__asm__ volatile("fxrstor64 (%0)" : : "r"(world->fpu) : "memory");
}
