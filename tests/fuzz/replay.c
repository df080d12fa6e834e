/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over the files of a corpus folder, without a fuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;
	int ret = 1;

	if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
		perror(path);
		goto out;
	}
	rewind(file);
	/* exactly as large as the input, so that a read past its end is seen */
	data = malloc(size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) {
		perror(path);
		goto out;
	}
	fprintf(stderr, "replay %s\n", path);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	ret = 0;
out:
	free(data);
	if (file)
		fclose(file);
	return ret;
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *entry;
		char path[4096];

		if (!dir) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(dir))) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			if (replay(path) != 0)
				return 1;
			count++;
		}
		closedir(dir);
	}
	if (count == 0) {
		fprintf(stderr, "no input to replay\n");
		return 1;
	}
	return 0;
}
