/* SPDX-License-Identifier: MIT */
/* QEMU with OVMF: started, listened to, and judged by how it ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"

/* The stage's last line when it gives up; the firmware would then look for something else. */
#define TO_FIRMWARE "exit: to the firmware"
/* The menu's last line, and how long it is quiet when nothing counts down: a countdown speaks
 * once in a second. */
#define MENU_END "Esc: firmware"
#define MENU_QUIET_MS 5000
#define TAIL 512

/* isa-debug-exit ends QEMU with (value << 1) | 1; the values are the kernel stub's. */
static const struct verdict {
	int status;
	int result;
	const char *text;
} verdicts[] = {
	{ 33, DONE, "power off" },
	{ 35, REFUSED, "stopped: there was no root to mount, or PID 1 died" },
	{ 37, REFUSED, "panic: the kernel stub failed" },
	{ 39, REFUSED, "reboot: the machine was told to start again" },
	{ 41, REFUSED, "leak: the stub's account did not add up at power off" },
	{ 0, REFUSED, "none: the machine ended without one" },
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static int say_verdict(int result, const char *text)
{
	printf("\novermount boot: verdict: %s\n", text);
	fflush(stdout);
	return result;
}

static int judge(int status)
{
	char text[64];
	size_t i;

	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "none: QEMU was ended by signal %d", WTERMSIG(status));
		return say_verdict(REFUSED, text);
	}
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (verdicts[i].status == WEXITSTATUS(status))
			return say_verdict(verdicts[i].result, verdicts[i].text);
	snprintf(text, sizeof(text), "none: QEMU failed with exit status %d", WEXITSTATUS(status));
	return say_verdict(REFUSED, text);
}

/* ------------------------------------------------------------------ the command line */

static const char *first_there(const char *const *paths)
{
	for (; *paths; paths++)
		if (access(*paths, R_OK) == 0)
			return *paths;
	return NULL;
}

static int find_firmware(const struct boot_options *options, const char **ret_code,
			 const char **ret_variables)
{
	static const char *const codes[] = { "/usr/share/OVMF/OVMF_CODE_4M.fd",
		"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/edk2/x64/OVMF_CODE.4m.fd",
		"/usr/share/edk2/ovmf/OVMF_CODE.fd", NULL };
	static const char *const variables[] = { "/usr/share/OVMF/OVMF_VARS_4M.fd",
		"/usr/share/OVMF/OVMF_VARS.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd",
		"/usr/share/edk2/ovmf/OVMF_VARS.fd", NULL };

	*ret_code = options->firmware ? options->firmware : first_there(codes);
	*ret_variables = options->variables ? options->variables : first_there(variables);
	if (*ret_code && *ret_variables)
		return DONE;
	refuse(NULL, "no OVMF firmware is installed");
	hint("install the package 'ovmf', or give --firmware CODE --vars VARS");
	return REFUSED;
}

/* In QEMU's options a comma is doubled. */
static char *escaped(const char *path)
{
	char *text = xalloc(strlen(path) * 2 + 1), *to = text;

	for (; *path; path++) {
		if (*path == ',')
			*to++ = ',';
		*to++ = *path;
	}
	return text;
}

static void add_drive(struct arguments *args, struct om_arena *arena, const char *path, int number)
{
	char *plain = escaped(path);
	char *drive = xprintf("if=none,id=d%d,format=raw,file=%s", number, plain);
	char *device = xprintf("virtio-blk-pci,drive=d%d%s", number, number ? "" : ",bootindex=1");

	argument_add(args, "-drive");
	argument_add(args, om_arena_str(arena, om_str_from(drive)).ptr);
	argument_add(args, "-device");
	argument_add(args, om_arena_str(arena, om_str_from(device)).ptr);
	free(plain);
	free(drive);
	free(device);
}

static void add_flash(struct arguments *args, struct om_arena *arena, const char *path, int unit)
{
	char *plain = escaped(path);
	char *drive = xprintf("if=pflash,format=raw,unit=%d%s,file=%s", unit,
			      unit ? "" : ",readonly=on", plain);

	argument_add(args, "-drive");
	argument_add(args, om_arena_str(arena, om_str_from(drive)).ptr);
	free(plain);
	free(drive);
}

static void command_line(const struct boot_options *options, const char *disk, const char *code,
			 const char *variables, struct arguments *args, struct om_arena *arena)
{
	static const char *const fixed[] = {
		"qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-smp", "1", "-no-reboot",
		"-nographic", "-vga", "none", "-net", "none",
		"-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
	};
	char number[24], port[40];
	size_t i;
	int j;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		argument_add(args, fixed[i]);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)options->memory_mib);
	argument_add(args, "-m");
	argument_add(args, om_arena_str(arena, om_str_from(number)).ptr);
	argument_add(args, "-serial");
	argument_add(args, options->interactive ? "mon:stdio" : "stdio");
	if (!options->interactive) {
		argument_add(args, "-monitor");
		argument_add(args, "none");
	}
	if (options->gdb_port) {
		snprintf(port, sizeof(port), "tcp:127.0.0.1:%llu",
			 (unsigned long long)options->gdb_port);
		argument_add(args, "-S");
		argument_add(args, "-gdb");
		argument_add(args, om_arena_str(arena, om_str_from(port)).ptr);
	}
	add_flash(args, arena, code, 0);
	add_flash(args, arena, variables, 1);
	add_drive(args, arena, disk, 0);
	for (j = 0; j < options->disk_count; j++)
		add_drive(args, arena, options->disks[j], j + 1);
}

/* ------------------------------------------------------------------ listening */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The last TAIL bytes of the console, as a string: a NUL byte from the machine is a space. */
struct tail {
	char text[TAIL + 1];
	size_t used;
};

static void tail_add(struct tail *tail, const char *bytes, size_t len)
{
	size_t i, keep;

	if (len > TAIL) {
		bytes += len - TAIL;
		len = TAIL;
	}
	keep = tail->used < TAIL - len ? tail->used : TAIL - len;
	memmove(tail->text, tail->text + tail->used - keep, keep);
	for (i = 0; i < len; i++)
		tail->text[keep + i] = bytes[i] ? bytes[i] : ' ';
	tail->used = keep + len;
	tail->text[tail->used] = '\0';
}

static bool gave_up(const struct tail *tail)
{
	const char *at = strstr(tail->text, TO_FIRMWARE);

	return at && strchr(at, '\n');
}

/* The menu is drawn and nothing, not even its countdown, came after it. */
static bool at_menu(const struct tail *tail)
{
	const char *at = strstr(tail->text, MENU_END);

	return at && strspn(at + strlen(MENU_END), "\r\n") == strlen(at + strlen(MENU_END));
}

enum ending { ENDED, TIMED_OUT, GAVE_UP, AT_MENU, INTERRUPTED };

static enum ending listen_to(int fd, uint64_t timeout_s)
{
	int64_t end = timeout_s ? now_ms() + (int64_t)timeout_s * 1000 : INT64_MAX;
	int64_t heard = now_ms();
	struct tail tail = { .used = 0 };
	char buf[TAIL];

	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t now = now_ms();
		ssize_t got;

		if (interrupted)
			return INTERRUPTED;
		if (now >= end)
			return TIMED_OUT;
		if (timeout_s && now - heard > MENU_QUIET_MS && at_menu(&tail))
			return AT_MENU;
		if (poll(&ready, 1, end - now > 1000 ? 1000 : (int)(end - now)) <= 0)
			continue;
		got = read(fd, buf, sizeof(buf));
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return ENDED;
		fwrite(buf, 1, (size_t)got, stdout);
		fflush(stdout);
		heard = now_ms();
		tail_add(&tail, buf, (size_t)got);
		if (gave_up(&tail))
			return GAVE_UP;
	}
}

static int wait_end(pid_t pid, bool stop)
{
	int status = 0;

	if (stop)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		if (interrupted)
			kill(pid, SIGKILL);
	return status;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int run_watched(const struct boot_options *options, const char *const *argv)
{
	int ends[2], nothing, status, result;
	enum ending ending;
	char text[64];
	pid_t pid;

	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0 || pipe2(ends, O_CLOEXEC))
		return refuse_errno("qemu-system-x86_64", "make a pipe");
	result = start_program(argv, nothing, ends[1], &pid);
	close(nothing);
	close(ends[1]);
	if (result != DONE) {
		close(ends[0]);
		return result;
	}
	ending = listen_to(ends[0], options->gdb_port ? 0 : options->timeout_s);
	status = wait_end(pid, ending != ENDED);
	close(ends[0]);
	switch (ending) {
	case TIMED_OUT:
		snprintf(text, sizeof(text), "timeout: still running after %llu seconds",
			 (unsigned long long)options->timeout_s);
		return say_verdict(REFUSED, text);
	case GAVE_UP:
		return say_verdict(REFUSED, "firmware: the stage started nothing and went back");
	case AT_MENU:
		return say_verdict(REFUSED, "menu: the stage waits for a key and nobody is there");
	case INTERRUPTED:
		return say_verdict(REFUSED, "none: interrupted");
	default:
		return judge(status);
	}
}

static int run_attended(const char *const *argv)
{
	int result;
	pid_t pid;

	fflush(stdout);
	result = start_program(argv, -1, -1, &pid);
	return result == DONE ? judge(wait_end(pid, false)) : result;
}

int boot_machine(const struct boot_options *options, const char *disk, const char *work)
{
	struct arguments args = { NULL, 0 };
	const char *code, *variables;
	struct om_arena arena;
	char *copy;
	int result;

	result = find_firmware(options, &code, &variables);
	if (result != DONE)
		return result;
	copy = xprintf("%s/variables.fd", work);
	result = copy_file(variables, copy);
	if (result == DONE) {
		om_arena_init(&arena, &host_mem);
		command_line(options, disk, code, copy, &args, &arena);
		catch_signals();
		if (options->gdb_port)
			printf("overmount boot: waiting for gdb: target remote 127.0.0.1:%llu\n",
			       (unsigned long long)options->gdb_port);
		fflush(stdout);
		result = options->interactive ? run_attended(args.words) :
						run_watched(options, args.words);
		om_arena_release(&arena);
		free(args.words);
	}
	free(copy);
	return result;
}
