/* SPDX-License-Identifier: MIT */
/*
 * Everything a program can do wrong to a processor.  Each fault happens in a child, which must
 * end with the signal that Linux gives it, or must not notice at all; the lines are TAP.
 *
 *	crash		all of them
 *	crash NAME	one of them
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define KERNEL_ADDRESS	0xffffffff80000000ul
#define NO_ADDRESS	0x8000000000000000ul	/* not even a valid number */

/* What the compiler shall not see through. */
static volatile uintptr_t opaque;
static uint8_t return_instruction[16] = { 0xc3 };

static volatile char *at(uintptr_t address)
{
	opaque = address;
	return (volatile char *)opaque;
}

static void jump_to(uintptr_t address)
{
	opaque = address;
	((void (*)(void))opaque)();
}

static void null_read(void)
{
	(void)*at(0);
}

static void null_write(void)
{
	*at(0) = 1;
}

static void null_call(void)
{
	jump_to(0);
}

static void stack_overflow(void)
{
	/* By hand, as a compiler may turn a recursion into a loop. */
	__asm__ volatile("1: push %rax; jmp 1b");
}

static void divide(void)
{
	__asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idivl %%ecx"
			 : : : "rax", "rcx", "rdx");
}

static void divide_overflow(void)
{
	__asm__ volatile("mov $0x80000000, %%eax; cltd; mov $-1, %%ecx; idivl %%ecx"
			 : : : "rax", "rcx", "rdx");
}

static void illegal(void)
{
	__asm__ volatile("ud2");
}

static void breakpoint(void)
{
	__asm__ volatile("int3");
}

static void single_step(void)
{
	__asm__ volatile("pushfq; orq $0x100, (%rsp); popfq; nop; nop");
}

static void write_text(void)
{
	*at((uintptr_t)write_text) = 1;
}

static void kernel_read(void)
{
	(void)*at(KERNEL_ADDRESS);
}

static void kernel_write(void)
{
	*at(KERNEL_ADDRESS) = 1;
}

static void kernel_jump(void)
{
	jump_to(KERNEL_ADDRESS);
}

static void no_address(void)
{
	(void)*at(NO_ADDRESS);
}

static void execute_stack(void)
{
	volatile uint8_t code[16] = { 0xc3 };

	jump_to((uintptr_t)code);
}

static void execute_data(void)
{
	jump_to((uintptr_t)return_instruction);
}

static void halt(void)
{
	__asm__ volatile("hlt");
}

static void interrupts_off(void)
{
	__asm__ volatile("cli");
}

static void port(void)
{
	__asm__ volatile("outb %%al, $0x80" : : "a"(0));
}

static void control_register(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	opaque = value;
}

static void kernel_interrupt(void)
{
	/* A gate that programs may not use. */
	__asm__ volatile("int $0x0e");
}

static void no_stack(void)
{
	__asm__ volatile("xor %esp, %esp; push %rax");
}

static void abort_itself(void)
{
	abort();
}

/* -- what must not end it -------------------------------------------------------------------------- */

static void call_without_stack(void)
{
	long pid;

	/* A system call needs no stack of the program's. */
	__asm__ volatile("mov %%rsp, %%rbx; mov $8, %%esp; mov $39, %%eax; syscall; mov %%rbx, %%rsp"
			 : "=a"(pid) : : "rbx", "rcx", "r11", "memory");
	if (pid != getpid())
		_exit(1);
}

static void call_backwards(void)
{
	long pid;

	/* The direction flag is the program's business. */
	__asm__ volatile("std; mov $39, %%eax; syscall; cld"
			 : "=a"(pid) : : "rcx", "r11", "memory");
	if (pid != getpid())
		_exit(1);
}

static void bad_buffers(void)
{
	static const uintptr_t addresses[] = { 8, KERNEL_ADDRESS, NO_ADDRESS, ~0ul - 4095 };
	int ends[2];

	if (pipe(ends) < 0)
		_exit(1);
	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		errno = 0;
		if (write(ends[1], (const void *)addresses[i], 100) != -1 || errno != EFAULT)
			_exit(2);
		errno = 0;
		if (chdir((const char *)addresses[i]) != -1 || errno != EFAULT)
			_exit(3);
	}
	/* And the other way: nothing of it was taken from the pipe or put into the kernel. */
	if (write(ends[1], "x", 1) != 1 || read(ends[0], (void *)KERNEL_ADDRESS, 1) != -1 ||
	    errno != EFAULT)
		_exit(4);
}

static void unknown_calls(void)
{
	static const long numbers[] = { -1, 100000, INT32_MAX, INT32_MIN };

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		long result;

		__asm__ volatile("syscall" : "=a"(result) : "a"(numbers[i]), "D"(0), "S"(0), "d"(0)
				 : "rcx", "r11", "memory");
		if (result != -ENOSYS)
			_exit(1);
	}
}

static void handler_without_stack(int signo)
{
	(void)signo;
	_exit(1);
}

/* A handler that cannot be called: the signal ends the program after all. */
static void handled_without_stack(void)
{
	signal(SIGSEGV, handler_without_stack);
	__asm__ volatile("xor %esp, %esp; push %rax");
}

static const struct {
	const char *name;
	void (*run)(void);
	int signo;		/* 0: it goes on */
} faults[] = {
	{ "null-read", null_read, SIGSEGV },
	{ "null-write", null_write, SIGSEGV },
	{ "null-call", null_call, SIGSEGV },
	{ "stack-overflow", stack_overflow, SIGSEGV },
	{ "divide", divide, SIGFPE },
	{ "divide-overflow", divide_overflow, SIGFPE },
	{ "illegal", illegal, SIGILL },
	{ "breakpoint", breakpoint, SIGTRAP },
	{ "single-step", single_step, SIGTRAP },
	{ "write-text", write_text, SIGSEGV },
	{ "kernel-read", kernel_read, SIGSEGV },
	{ "kernel-write", kernel_write, SIGSEGV },
	{ "kernel-jump", kernel_jump, SIGSEGV },
	{ "no-address", no_address, SIGSEGV },
	{ "execute-stack", execute_stack, SIGSEGV },
	{ "execute-data", execute_data, SIGSEGV },
	{ "halt", halt, SIGSEGV },
	{ "interrupts-off", interrupts_off, SIGSEGV },
	{ "port", port, SIGSEGV },
	{ "control-register", control_register, SIGSEGV },
	{ "kernel-interrupt", kernel_interrupt, SIGSEGV },
	{ "no-stack", no_stack, SIGSEGV },
	{ "handler-without-stack", handled_without_stack, SIGSEGV },
	{ "abort", abort_itself, SIGABRT },
	{ "call-without-stack", call_without_stack, 0 },
	{ "call-backwards", call_backwards, 0 },
	{ "bad-buffers", bad_buffers, 0 },
	{ "unknown-calls", unknown_calls, 0 },
};

#define COUNT (sizeof(faults) / sizeof(faults[0]))

/* Did it end as it should? */
static int try_one(unsigned i, unsigned number)
{
	const struct rlimit none = { 0, 0 };
	int status = 0, good;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		faults[i].run();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		printf("not ok %u - %s: %s\n", number, faults[i].name, strerror(errno));
		return 0;
	}
	if (faults[i].signo)
		good = WIFSIGNALED(status) && WTERMSIG(status) == faults[i].signo;
	else
		good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("%sok %u - %s", good ? "" : "not ", number, faults[i].name);
	if (!good)
		printf(": wait status %#x instead of %#x", (unsigned)status, (unsigned)faults[i].signo);
	printf("\n");
	return good;
}

int main(int argc, char **argv)
{
	unsigned failed = 0;

	if (argc > 2) {
		fprintf(stderr, "usage: crash [NAME]\n");
		return 2;
	}
	if (argc == 2) {
		for (unsigned i = 0; i < COUNT; i++) {
			if (strcmp(argv[1], faults[i].name) == 0) {
				printf("1..1\n");
				return !try_one(i, 1);
			}
		}
		fprintf(stderr, "crash: %s: not one of", argv[1]);
		for (unsigned i = 0; i < COUNT; i++)
			fprintf(stderr, " %s", faults[i].name);
		fprintf(stderr, "\n");
		return 2;
	}
	printf("1..%u\n", (unsigned)COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		failed += !try_one(i, i + 1);
	return failed != 0;
}
