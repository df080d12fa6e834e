/* SPDX-License-Identifier: MIT */
/* The kernels of a system, and a boot entry for each of them and for the stub. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install.h"

#define IMAGE_PREFIX	"vmlinuz-"

/* Becomes a part of file names, of which FAT and the record have an opinion. */
static bool name_good(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < 128 && name[0] != '.' && name[len - 1] != '.' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~-") ==
		       len;
}

/* Is there a root for the stub, which has no initrd to look for one? */
static bool names_a_root(const char *options)
{
	return strncmp(options, "root=", 5) == 0 || strstr(options, " root=");
}

/* ------------------------------------------------------------------ entries */

/* Read as the stage will; what it would refuse is not written. */
static int check_entry(const char *path, const char *text)
{
	struct om_entry *entry = xalloc(sizeof(*entry));
	const char *slash = strrchr(path, '/');
	struct diag_printer printer;
	struct om_arena arena;
	enum om_status status;
	int result = DONE;

	diag_printer_init(&printer, path);
	om_arena_init(&arena, &host_mem);
	status = om_entry_parse(om_str_from(text), om_str_from(slash ? slash + 1 : path), false,
				&arena, &printer.sink, entry);
	if (status != OM_OK) {
		result = printer.errors ? REFUSED : refuse_status(path, status);
		hint("the words come from --options, /etc/kernel/cmdline or /proc/cmdline, and "
		     "/etc/os-release");
	}
	om_arena_release(&arena);
	free(entry);
	return result;
}

static int want_entry(struct install *install, char *path, char *text)
{
	int result = check_entry(path, text);

	install_want(install, path, NULL, text);
	return result;
}

static char *options_line(const struct system_facts *facts)
{
	return xprintf("%s%s%s", facts->options[0] ? "options    " : "", facts->options,
		       facts->options[0] ? "\n" : "");
}

/* The two entries that a kernel may have differ in these. */
struct flavour {
	const char *suffix;		/* of the file name */
	const char *title;		/* behind the system's */
	const char *initrd;		/* name beside the kernel; NULL: none */
	const char *root;		/* lines of the entry */
};

/* A version that ends like "+3" must not be taken for counters. */
static char *entry_path(const char *token, const char *version, const char *suffix)
{
	char *path = xprintf(INSTALL_ENTRIES "overmount-%s-%s%s.conf", token, version, suffix);

	if (!install_is_counted(path))
		return path;
	free(path);
	return xprintf(INSTALL_ENTRIES "overmount-%s-%s-linux%s.conf", token, version, suffix);
}

static int want_linux_entry(struct install *install, const struct system_facts *facts,
			    const char *token, const char *version, const struct flavour *flavour)
{
	char *directory = xprintf("/" INSTALL_HOME "/%s/%s", token, version);
	char *options = options_line(facts);
	char *id = facts->machine_id[0] ? xprintf("machine-id %s\n", facts->machine_id) :
					  xprintf("%s", "");
	char *initrd = flavour->initrd ? xprintf("initrd     %s/%s\n", directory, flavour->initrd) :
					 xprintf("%s", "");
	char *text = xprintf("# Written by overmount install.  Once you change it, it is yours.\n"
			     "title      %s%s\n"
			     "version    %s\n"
			     "%s"
			     "sort-key   %s\n"
			     "%s"
			     "linux      %s/linux\n"
			     "%s%s", facts->title, flavour->title, version, id, facts->id, options,
			     directory, initrd, flavour->root);
	int result = want_entry(install, entry_path(token, version, flavour->suffix), text);

	free(initrd);
	free(directory);
	free(options);
	free(id);
	return result;
}

/* Without a sort-key: it comes after the kernels of the system. */
static int want_stub_entry(struct install *install, const struct system_facts *facts,
			   const char *token)
{
	char *options, *text;
	int result;

	if (!names_a_root(facts->options)) {
		install_say("skip", "", "an entry for the stub: the options name no root=");
		return DONE;
	}
	options = options_line(facts);
	text = xprintf("# Written by overmount install.  Once you change it, it is yours.\n"
		       "title      %s, on overmount's stub\n"
		       "%s"
		       "kernel     /" INSTALL_STUB "\n", facts->title, options);
	result = want_entry(install, entry_path(token, "stub", ""), text);
	free(options);
	return result;
}

/* ------------------------------------------------------------------ kernels */

/* *RET_REASON: why it is not taken, or NULL.  One that cannot be read may be a kernel: that is refused. */
static int look_at_kernel(const char *path, const char *version, const char **ret_reason)
{
	enum om_kernel_kind kind = OM_KERNEL_UNKNOWN;
	struct host_file file;
	struct stat st;
	int result;

	*ret_reason = NULL;
	if (!name_good(version))
		*ret_reason = "such a version cannot be a name on FAT";
	else if (stat(path, &st) || !S_ISREG(st.st_mode))
		*ret_reason = "is no file, and no link to one";
	if (*ret_reason)
		return DONE;
	result = host_file_open(&file, path);
	if (result != DONE)
		return result;
	result = host_file_load(&file);
	if (result == DONE &&
	    (om_kernel_probe((struct om_span){ file.loaded, (size_t)file.source.size }, NULL, &kind) !=
	     OM_OK || kind != OM_KERNEL_LINUX_PE))
		*ret_reason = "is no Linux kernel with the EFI stub";
	host_file_close(&file);
	return result;
}

/* As initramfs-tools name it, dracut, or SUSE's dracut. */
static char *initrd_beside(const char *directory, const char *version)
{
	static const char *const names[][2] = {
		{ "initrd.img-", "" }, { "initramfs-", ".img" }, { "initrd-", "" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = xprintf("%s/%s%s%s", directory, names[i][0], version, names[i][1]);

		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* The initrd beside it, the archive with our /init, and an entry for each; or one without any. */
static int want_starts(struct install *install, const struct system_facts *facts,
		       const char *token, const char *directory, const char *version,
		       const char *root)
{
	struct flavour with = { "", "", "initrd", "" };
	struct flavour without = { "-init", ", without an initramfs", "linux.cpio", root };
	char *home = xprintf(INSTALL_HOME "/%s/%s", token, version);
	char *initrd = initrd_beside(directory, version);
	bool init = false;
	int result = DONE;

	if (initrd)
		install_want(install, xprintf("%s/initrd", home), initrd, NULL);
	else
		with.initrd = NULL;
	if (root)
		result = install_init_want(install, xprintf("%s/linux.cpio", home), version, &init);
	else if (!initrd)
		install_say("skip", "", "an initrd for %s: there is none; --module makes one", version);
	if (result == DONE && (initrd || !init))
		result = want_linux_entry(install, facts, token, version, &with);
	if (result == DONE && init)
		result = want_linux_entry(install, facts, token, version, &without);
	free(home);
	return result;
}

/* ROOT: lines for entries with our /init, or NULL. */
static int want_kernel(struct install *install, const struct system_facts *facts,
		       const char *token, const char *directory, const char *version,
		       const char *root)
{
	char *image = xprintf("%s/" IMAGE_PREFIX "%s", directory, version);
	char *path = xprintf(INSTALL_HOME "/%s/%s/linux", token, version);
	const char *reason;
	int result = look_at_kernel(image, version, &reason);

	if (result == DONE && !reason && install_wants(install, path))
		reason = "the same version was found before";
	if (result != DONE || reason) {
		if (result == DONE)
			install_say("skip", "", "%s: %s", image, reason);
		free(image);
		free(path);
		return result;
	}
	install->found_kernel = true;
	install_want(install, path, image, NULL);
	return want_starts(install, facts, token, directory, version, root);
}

static int is_image(const struct dirent *entry)
{
	return strncmp(entry->d_name, IMAGE_PREFIX, strlen(IMAGE_PREFIX)) == 0;
}

static int want_kernels_of(struct install *install, const struct system_facts *facts,
			   const char *token, const char *directory, const char *root)
{
	struct dirent **found = NULL;
	int count, i, result = DONE;

	count = scandir(directory, &found, is_image, alphasort);
	if (count < 0)
		return refuse_errno(directory, "read");
	for (i = 0; i < count; i++) {
		if (result == DONE)
			result = want_kernel(install, facts, token, directory,
					     found[i]->d_name + strlen(IMAGE_PREFIX), root);
		free(found[i]);
	}
	free(found);
	return result;
}

int install_want_entries(struct install *install)
{
	char *boot = xprintf("%s/boot", strcmp(install->root, "/") ? install->root : "");
	struct system_facts facts;
	char *root = NULL;		/* lines for entries with our /init */
	const char *token;
	unsigned i;
	int result = DONE;

	system_facts_read(&facts, install);
	token = facts.machine_id[0] ? facts.machine_id : facts.id;
	if (!name_good(token))
		token = "linux";
	if (install_init_wanted(install))
		result = install_init_begin(install, facts.options, &root);
	for (i = 0; result == DONE && i < install->kernel_count; i++)
		result = want_kernels_of(install, &facts, token, install->kernels[i], root);
	if (result == DONE && install->kernel_count == 0 && access(boot, F_OK) == 0)
		result = want_kernels_of(install, &facts, token, boot, root);
	if (result == DONE)
		result = want_stub_entry(install, &facts, token);
	system_facts_release(&facts);
	free(root);
	free(boot);
	return result;
}
