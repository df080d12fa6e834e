/* SPDX-License-Identifier: MIT */
/*
 * The disk that `overmount boot` boots: a copy, so that the words for the verdict can be added
 * to its entries and nothing of the user's is written to.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"

#define ONE_ENTRY_CONFIG "timeout 0\nconsole serial\n"

/* ------------------------------------------------------------------ defaults */

static char *file_beside(const char *directory, const char *between, const char *name)
{
	char *path = xprintf("%s%s%s", directory, between, name);

	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *boot_default_file(const char *name)
{
	const char *slash = strrchr(name, '/');
	char self[PATH_MAX], *path, *cut;
	ssize_t len;

	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len <= 0)
		return NULL;
	self[len] = '\0';
	cut = strrchr(self, '/');
	if (!cut)
		return NULL;
	*cut = '\0';
	/* build/host/overmount and build/efi/overmount.efi; bin/overmount and lib/overmount/ */
	path = file_beside(self, "/../", name);
	if (!path)
		path = file_beside(self, "/../lib/overmount/", slash ? slash + 1 : name);
	return path;
}

static int put_default(const char *given, const char *name, const char *what, const char *to)
{
	char *found = given ? NULL : boot_default_file(name);
	char *directory;
	int result;

	if (!given && !found) {
		refuse(NULL, "there is no %s beside this program", what);
		hint("build it (make efi stub), or give --%s FILE",
		     strcmp(what, "stage") == 0 ? "stage" : "kernel");
		return REFUSED;
	}
	directory = xprintf("%.*s", (int)(strrchr(to, '/') - to), to);
	result = make_directories(directory);
	if (result == DONE)
		result = copy_file(given ? given : found, to);
	free(directory);
	free(found);
	return result;
}

/* ------------------------------------------------------------------ the ESP's copy */

/* OUR words go to the end of the entry; `options` may be said more than once. */
static int add_options(const char *path, const char *words)
{
	struct host_file file;
	char *text;
	int result;

	result = host_file_open(&file, path);
	if (result == DONE && file.source.size > OM_ENTRY_BYTES_MAX)
		result = refuse(path, "is too large for an entry");
	if (result == DONE)
		result = host_file_load(&file);
	if (result == DONE) {
		size_t len = (size_t)file.source.size;
		const char *old = file.loaded;

		text = xprintf("%.*s%soptions %s\n", (int)len, old,
			       len && old[len - 1] != '\n' ? "\n" : "", words);
		result = out_bytes(path, text, strlen(text));
		free(text);
	}
	host_file_close(&file);
	return result;
}

/* A broken entry is left as it is: the stage shall say what is wrong with it. */
static bool parse_quietly(const char *path, struct om_arena *arena, struct om_entry *entry,
			  char **ret_text)
{
	struct host_file file;
	enum om_status status = OM_IO;

	if (host_file_open(&file, path) != DONE)
		return false;
	if (file.source.size <= OM_ENTRY_BYTES_MAX && host_file_load(&file) == DONE) {
		*ret_text = xstrndup(file.loaded, (size_t)file.source.size);
		status = om_entry_parse(om_str_from(*ret_text), OM_STR("entry.conf"), true, arena,
					NULL, entry);
	}
	host_file_close(&file);
	return status == OM_OK;
}

/* The stub goes where the entry wants its kernel, when asked for or when nothing is there. */
static int put_kernel(const struct boot_options *options, const char *esp, const char *path)
{
	struct om_entry *entry = xalloc(sizeof(*entry));
	char *text = NULL, *there, *name, *to;
	struct om_arena arena;
	int result = DONE;

	om_arena_init(&arena, &host_mem);
	if (parse_quietly(path, &arena, entry, &text) && entry->kernel.path.text.len) {
		there = esp_find(esp, entry->kernel.path.text);
		name = esp_name(entry->kernel.path.text);
		if (name && (options->kernel || !there)) {
			char *slash;

			for (slash = name; *slash; slash++)
				if (*slash == '\\')
					*slash = '/';
			to = there ? xprintf("%s", there) : xprintf("%s%s", esp, name);
			result = put_default(options->kernel, "stub/overmount-stub.elf",
					     "kernel stub", to);
			free(to);
		}
		free(there);
		free(name);
	}
	om_arena_release(&arena);
	free(text);
	free(entry);
	return result;
}

static int prepare_entry(const struct boot_options *options, const char *esp, const char *path)
{
	int result = put_kernel(options, esp, path);

	return result == DONE ? add_options(path, options->options) : result;
}

/* overmount.conf may be an entry too; as a mere configuration it has no options. */
static int prepare_config(const struct boot_options *options, const char *esp)
{
	struct om_entry *entry = xalloc(sizeof(*entry));
	char *path = esp_config(esp), *text = NULL;
	struct om_arena arena;
	int result = DONE;

	om_arena_init(&arena, &host_mem);
	if (path && parse_quietly(path, &arena, entry, &text) && om_entry_bootable(entry))
		result = prepare_entry(options, esp, path);
	om_arena_release(&arena);
	free(text);
	free(path);
	free(entry);
	return result;
}

static int prepare_entries(const struct boot_options *options, const char *esp)
{
	char **entries = esp_entries(esp);
	int result = prepare_config(options, esp);
	size_t i;

	for (i = 0; result == DONE && entries[i]; i++)
		result = prepare_entry(options, esp, entries[i]);
	esp_entries_free(entries);
	return result;
}

static int put_stage(const struct boot_options *options, const char *esp, bool ours)
{
	char *there = esp_find(esp, OM_STR("EFI/BOOT/BOOTX64.EFI"));
	char *to = there ? xprintf("%s", there) : xprintf("%s/EFI/BOOT/BOOTX64.EFI", esp);
	int result = DONE;

	if (options->stage || ours || !there)
		result = put_default(options->stage, "efi/overmount.efi", "stage", to);
	free(there);
	free(to);
	return result;
}

static char *make_disk(const char *esp, const char *work)
{
	char *image = xprintf("%s/esp.img", work), *disk = xprintf("%s/boot.img", work);
	char *part = xprintf("%s:ef00:esp", image);
	int result = strchr(work, ':') ? refuse(work, "has a colon in its name; set TMPDIR") :
					 disk_esp(image, 0, esp);

	if (result == DONE)
		result = disk_gpt(disk, 1, &part);
	unlink(image);
	free(image);
	free(part);
	if (result == DONE)
		return disk;
	free(disk);
	return NULL;
}

static char *from_esp(const struct boot_options *options, const char *work)
{
	char *esp = xprintf("%s/esp", work), *disk = NULL;

	if (copy_tree(options->what, esp) == DONE && put_stage(options, esp, false) == DONE &&
	    prepare_entries(options, esp) == DONE)
		disk = make_disk(esp, work);
	free(esp);
	return disk;
}

/* Only this entry remains, and it is booted at once. */
static int single_out(const struct boot_options *options, const char *esp)
{
	const char *slash = strrchr(options->what, '/');
	char *entries = esp_find(esp, OM_STR("loader/entries")), *config, *entry;
	int result;

	if (entries)
		remove_tree(entries);
	free(entries);
	config = esp_find(esp, OM_STR("EFI/overmount"));
	if (config)
		remove_tree(config);
	free(config);
	entries = xprintf("%s/loader/entries", esp);
	entry = xprintf("%s/%s", entries, slash ? slash + 1 : options->what);
	config = xprintf("%s/EFI/overmount", esp);
	result = make_directories(entries);
	if (result == DONE)
		result = make_directories(config);
	free(config);
	config = xprintf("%s/EFI/overmount/overmount.conf", esp);
	if (result == DONE)
		result = out_bytes(config, ONE_ENTRY_CONFIG, strlen(ONE_ENTRY_CONFIG));
	if (result == DONE)
		result = copy_file(options->what, entry);
	if (result == DONE)
		result = prepare_entry(options, esp, entry);
	free(entries);
	free(config);
	free(entry);
	return result;
}

static char *from_entry(const struct boot_options *options, const char *work)
{
	char *from = options->esp ? xprintf("%s", options->esp) : esp_of_entry(options->what);
	char *esp = xprintf("%s/esp", work), *disk = NULL;

	if (!from) {
		refuse(options->what, "lies in no ESP");
		hint("say where its files are: --esp DIR");
	} else if (copy_tree(from, esp) == DONE && put_stage(options, esp, true) == DONE &&
		   single_out(options, esp) == DONE) {
		disk = make_disk(esp, work);
	}
	free(from);
	free(esp);
	return disk;
}

/* ------------------------------------------------------------------ a disk's copy */

static const uint8_t esp_type[16] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
				      0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b };

static bool read_exact(int fd, uint8_t *buf, size_t len, uint64_t offset)
{
	return pread(fd, buf, len, (off_t)offset) == (ssize_t)len;
}

/* Byte offset of the FAT file system with \EFI: in the GPT, the MBR, or the whole disk. */
static bool find_fat(int fd, uint64_t *ret_offset)
{
	uint8_t sector[512], entry[128];
	uint32_t count, size, i;
	uint64_t table;

	if (read_exact(fd, sector, 512, 512) && memcmp(sector, "EFI PART", 8) == 0) {
		table = om_get_le64(sector + 72);
		count = om_get_le32(sector + 80);
		size = om_get_le32(sector + 84);
		if (size < 128 || count > 4096 || table > UINT64_MAX / 1024)
			return false;
		for (i = 0; i < count; i++) {
			if (!read_exact(fd, entry, 128, table * 512 + (uint64_t)i * size))
				return false;
			if (memcmp(entry, esp_type, 16) == 0) {
				*ret_offset = om_get_le64(entry + 32) * 512;
				return true;
			}
		}
		return false;
	}
	if (!read_exact(fd, sector, 512, 0) || sector[510] != 0x55 || sector[511] != 0xaa)
		return false;
	for (i = 0; i < 4; i++) {
		if (sector[446 + 16 * i + 4] == 0xef) {
			*ret_offset = (uint64_t)om_get_le32(sector + 446 + 16 * i + 8) * 512;
			return true;
		}
	}
	*ret_offset = 0;
	return true;
}

static int copy_disk(const char *from, const char *to)
{
	/* cp keeps holes, and uses reflinks where the file system has them. */
	const char *argv[] = { "cp", "--sparse=always", "--reflink=auto", "--", from, to, NULL };

	return run_program(argv, NULL, NULL);
}

/* Out of the image, changed, and back in: entries and, when they are given, stage and stub. */
static int edit_disk(const struct boot_options *options, const char *work, const char *image)
{
	static const char *const environment[] = { "TZ=UTC0", "MTOOLSRC=/dev/null", NULL };
	char *esp = xprintf("%s/esp", work), *entries = xprintf("%s/loader/entries", esp);
	const char *get[] = { "mcopy", "-s", "-n", "-i", image, "::/", esp, NULL };
	const char *put[] = { "mcopy", "-s", "-o", "-D", "o", "-i", image, NULL, NULL, "::/", NULL };
	char *efi = NULL, *loader = NULL;
	int result;

	result = make_directories(esp);
	if (result == DONE)
		result = run_program(get, environment, NULL);
	if (result == DONE && (options->stage || options->kernel))
		result = put_stage(options, esp, false);
	if (result == DONE)
		result = prepare_entries(options, esp);
	if (result == DONE) {
		efi = esp_find(esp, OM_STR("EFI"));
		loader = esp_find(esp, OM_STR("loader"));
		put[7] = efi ? efi : loader;
		put[8] = efi && loader ? loader : "::/";
		if (!(efi && loader))
			put[9] = NULL;
		if (put[7])
			result = run_program(put, environment, NULL);
	}
	free(efi);
	free(loader);
	free(esp);
	free(entries);
	return result;
}

static char *from_disk(const struct boot_options *options, const char *work)
{
	char *disk = xprintf("%s/boot.img", work), *image;
	uint64_t offset = 0;
	int fd, result;

	/* An attended machine keeps what is done in it. */
	if (options->interactive) {
		free(disk);
		return xprintf("%s", options->what);
	}
	fd = open(options->what, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		refuse_errno(options->what, "open");
		goto fail;
	}
	if (!find_fat(fd, &offset)) {
		close(fd);
		refuse(options->what, "is neither a boot entry nor a disk with an EFI system partition");
		goto fail;
	}
	close(fd);
	image = xprintf("%s@@%llu", disk, (unsigned long long)offset);
	result = copy_disk(options->what, disk);
	if (result == DONE)
		result = edit_disk(options, work, image);
	free(image);
	if (result == DONE)
		return disk;
fail:
	free(disk);
	return NULL;
}

char *boot_disk_make(const struct boot_options *options, const char *work)
{
	struct host_file file;
	char head[512];
	struct stat st;
	bool text;

	if (stat(options->what, &st)) {
		refuse_errno(options->what, "open");
		return NULL;
	}
	if (S_ISDIR(st.st_mode))
		return from_esp(options, work);
	/* A text has no NUL; a disk begins with a table or a FAT, which both have some. */
	if (host_file_open(&file, options->what) != DONE)
		return NULL;
	text = file.source.size <= OM_ENTRY_BYTES_MAX;
	if (text && file.source.size) {
		size_t len = file.source.size < sizeof(head) ? (size_t)file.source.size :
							       sizeof(head);

		text = file.source.read_at(&file, 0, head, len) == OM_OK && !memchr(head, 0, len);
	}
	host_file_close(&file);
	return text ? from_entry(options, work) : from_disk(options, work);
}
