/* SPDX-License-Identifier: MIT */
/* overmount install: the options. */
#include <getopt.h>
#include <signal.h>
#include <string.h>

#include "install.h"

static int run_install(int argc, char **argv);

const struct command cmd_install = {
	"install", "put stage, stub and entries for the kernels found on an ESP; update, remove",
	"Usage: overmount install --esp DIR [OPTION]...\n"
	"       overmount install --esp DIR --remove [--efi-variables]\n"
	"\n"
	"      --esp DIR          the EFI system partition, mounted or a directory to make one of\n"
	"      --from DIR         where overmount.efi, overmount-stub.elf and init are (default:\n"
	"                         what was installed with this program, or built beside it)\n"
	"      --root DIR         the system that the entries boot (default: /)\n"
	"      --kernels DIR      where its vmlinuz-VERSION are (repeatable; default: ROOT/boot)\n"
	"      --options TEXT     the kernels' command line (default: ROOT/etc/kernel/cmdline,\n"
	"                         ROOT/usr/lib/kernel/cmdline, or that of the running system\n"
	"                         if ROOT is that)\n"
	"      --module NAME      for each kernel an entry without an initramfs, too: overmount's\n"
	"                         /init with this module (or alias) and all that it needs;\n"
	"                         repeatable; auto: what the disk mounted on ROOT needs\n"
	"      --modules-dir DIR  where VERSION is a folder (default: ROOT/lib/modules)\n"
	"      --init FILE        another /init than the one beside the stage\n"
	"      --default-loader   replace a foreign \\EFI\\BOOT\\BOOTX64.EFI\n"
	"      --efi-variables    register the stage with the firmware: Boot####, BootOrder\n"
	"      --efivars DIR      where its variables are (default: /sys/firmware/efi/efivars)\n"
	"      --partition DISK:N the partition that the ESP is (default: that of its file system)\n"
	"      --prune            remove kernels and entries that are not found any more\n"
	"      --remove           remove what was installed and is unchanged\n"
	"      --dry-run          say what would be done, and touch nothing\n"
	"      --help\n"
	"\n"
	"\\EFI\\overmount\\installed records what was written.  Nothing else is ever removed, or replaced\n"
	"without --default-loader, and neither is a file that was changed since: those are named and\n"
	"kept.  An entry with boot counters in its name keeps them.\n",
	run_install,
};

static int take_option(struct install *install, int c, char **argv)
{
	switch (c) {
	case 'E': install->esp = optarg; break;
	case 'f': install->from = optarg; break;
	case 'r': install->root = optarg; break;
	case 'k':
		if (install->kernel_count == INSTALL_KERNEL_DIRS_MAX)
			return usage_error(&cmd_install, "more than %d --kernels",
					   INSTALL_KERNEL_DIRS_MAX);
		install->kernels[install->kernel_count++] = optarg;
		break;
	case 'o': install->options = optarg; break;
	case 'd': install->default_loader = true; break;
	case 'v': install->use_variables = true; break;
	case 'V': install->efivars = optarg; break;
	case 'p': install->partition = optarg; break;
	case 'P': install->prune = true; break;
	case 'R': install->remove = true; break;
	case 'n': install->dry_run = true; break;
	case LINUX_OPTION_MODULE:
		if (strcmp(optarg, "auto") == 0) {
			install->modules_of_root = true;
			break;
		}
		/* fall through */
	case LINUX_OPTION_DIRECTORY:
	case LINUX_OPTION_INIT:
		if (!linux_layer_option(&install->init, c, optarg))
			return usage_error(&cmd_install, "'%s': too many of them", optarg);
		break;
	default: return usage_option(&cmd_install, argv, c);
	}
	return DONE;
}

static int run_install(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "esp", required_argument, NULL, 'E' }, { "from", required_argument, NULL, 'f' },
		{ "root", required_argument, NULL, 'r' }, { "kernels", required_argument, NULL, 'k' },
		{ "options", required_argument, NULL, 'o' },
		{ "default-loader", no_argument, NULL, 'd' },
		{ "efi-variables", no_argument, NULL, 'v' },
		{ "efivars", required_argument, NULL, 'V' },
		{ "partition", required_argument, NULL, 'p' }, { "prune", no_argument, NULL, 'P' },
		LINUX_LAYER_OPTIONS,
		{ "remove", no_argument, NULL, 'R' }, { "dry-run", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct install install = { .root = "/", .efivars = INSTALL_EFIVARS };
	int c, result = DONE;

	while (result == DONE && (c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == 'h')
			return command_help(&cmd_install);
		result = take_option(&install, c, argv);
	}
	if (result != DONE)
		return result;
	if (optind < argc)
		return usage_error(&cmd_install, "'%s': there is nothing but options", argv[optind]);
	if (!install.esp)
		return usage_error(&cmd_install, "expected --esp DIR");
	if ((install.init.directory || install.init.init) && !install_init_wanted(&install))
		return usage_error(&cmd_install, "--modules-dir and --init belong to --module");
	/* Whoever reads what is said may leave; what was begun is done all the same. */
	signal(SIGPIPE, SIG_IGN);
	return install_run(&install);
}
