/* SPDX-License-Identifier: MIT */
/* overmount boot: an entry, an ESP or a disk in QEMU, with a verdict. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"

static int run_boot(int argc, char **argv);

const struct command cmd_boot = {
	"boot", "boot an entry, an ESP or a disk in QEMU; the exit status is the verdict",
	"Usage: overmount boot [OPTION]... ENTRY|ESP-DIR|DISK-IMAGE\n"
	"\n"
	"      --disk FILE     one more virtio disk (repeatable); the machine may write to it\n"
	"      --kernel FILE   the kernel stub, put where the entry's `kernel` points\n"
	"      --stage FILE    overmount.efi, put at \\EFI\\BOOT\\BOOTX64.EFI\n"
	"      --esp DIR       the ESP with the files of ENTRY (default: the one it lies in)\n"
	"      --memory MIB    of the machine (512)\n"
	"      --timeout S     seconds until it is given up; 0 = never (120)\n"
	"      --option TEXT   words for the entry's options (repeatable)\n"
	"      --interactive   this terminal is the machine's, for as long as it takes;\n"
	"                      Ctrl-A x ends it\n"
	"      --gdb PORT      start stopped and wait for gdb; implies --timeout 0\n"
	"      --firmware CODE --vars VARS\n"
	"                      of OVMF (default: where distributions put it)\n"
	"      --help\n"
	"\n"
	"The machine boots from a copy, in which the words `verdict=debug-exit leak-check` are added\n"
	"to the options; a DISK-IMAGE with --interactive is booted, and written to, as it is.\n"
	"The last line is the verdict.  Exit status: 0 power off; 1 stopped, panic, reboot, leak,\n"
	"waiting in the menu, back to the firmware, or timeout; 2 wrong usage.\n",
	run_boot,
};

enum { OPT_DISK = 256, OPT_KERNEL, OPT_STAGE, OPT_ESP, OPT_MEMORY, OPT_TIMEOUT, OPT_OPTION,
       OPT_INTERACTIVE, OPT_GDB, OPT_FIRMWARE, OPT_VARS, OPT_HELP };

static const struct option longs[] = {
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "stage", required_argument, NULL, OPT_STAGE },
	{ "esp", required_argument, NULL, OPT_ESP },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "option", required_argument, NULL, OPT_OPTION },
	{ "interactive", no_argument, NULL, OPT_INTERACTIVE },
	{ "gdb", required_argument, NULL, OPT_GDB },
	{ "firmware", required_argument, NULL, OPT_FIRMWARE },
	{ "vars", required_argument, NULL, OPT_VARS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int take_number(const char *name, uint64_t min, uint64_t max, uint64_t *value)
{
	if (number_parse(optarg, min, max, value))
		return DONE;
	return usage_error(&cmd_boot, "%s '%s': expected a number from %llu to %llu", name, optarg,
			   (unsigned long long)min, (unsigned long long)max);
}

static int take_words(struct boot_options *options)
{
	char *more;

	if (strpbrk(optarg, "\r\n"))
		return usage_error(&cmd_boot, "--option: expected one line");
	more = xprintf("%s %s", options->options, optarg);
	free(options->options);
	options->options = more;
	return DONE;
}

static int take(struct boot_options *options, int c, char **argv)
{
	switch (c) {
	case OPT_DISK:
		if (options->disk_count == BOOT_DISKS_MAX)
			return usage_error(&cmd_boot, "more than %d disks", BOOT_DISKS_MAX);
		options->disks[options->disk_count++] = optarg;
		return DONE;
	case OPT_KERNEL:
		options->kernel = optarg;
		return DONE;
	case OPT_STAGE:
		options->stage = optarg;
		return DONE;
	case OPT_ESP:
		options->esp = optarg;
		return DONE;
	case OPT_MEMORY:
		return take_number("--memory", 32, 1u << 20, &options->memory_mib);
	case OPT_TIMEOUT:
		return take_number("--timeout", 0, 1u << 24, &options->timeout_s);
	case OPT_OPTION:
		return take_words(options);
	case OPT_INTERACTIVE:
		options->interactive = true;
		return DONE;
	case OPT_GDB:
		return take_number("--gdb", 1, 65535, &options->gdb_port);
	case OPT_FIRMWARE:
		options->firmware = optarg;
		return DONE;
	case OPT_VARS:
		options->variables = optarg;
		return DONE;
	default:
		return usage_option(&cmd_boot, argv, c);
	}
}

static int boot(const struct boot_options *options)
{
	char *work = temporary_directory(), *disk;
	int result = REFUSED;

	if (!work)
		return REFUSED;
	disk = boot_disk_make(options, work);
	if (disk)
		result = boot_machine(options, disk, work);
	remove_tree(work);
	free(disk);
	free(work);
	return result;
}

static int run_boot(int argc, char **argv)
{
	struct boot_options options = { .memory_mib = 512, .timeout_s = 120 };
	int c, result = DONE;

	options.options = xprintf("verdict=debug-exit leak-check");
	while (result == DONE && (c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == OPT_HELP) {
			free(options.options);
			return command_help(&cmd_boot);
		}
		result = take(&options, c, argv);
	}
	if (result == DONE && argc - optind != 1)
		result = usage_error(&cmd_boot, "expected one ENTRY, ESP-DIR or DISK-IMAGE");
	if (result == DONE && !options.firmware != !options.variables)
		result = usage_error(&cmd_boot, "--firmware and --vars go together");
	if (result == DONE) {
		options.what = argv[optind];
		result = boot(&options);
	}
	free(options.options);
	return result;
}
