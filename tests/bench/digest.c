/* SPDX-License-Identifier: MIT */
/* For `make bench`: MiB a second of SHA-256 in general registers and by the SHA extensions. */
#include <overmount/sha256.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BYTES	(64u << 20)
#define ROUNDS	3

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double best(void (*init)(struct om_sha256 *sha), const void *data)
{
	uint8_t digest[OM_SHA256_SIZE];
	struct om_sha256 sha;
	double begin, took, least = 1e9;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		begin = seconds();
		init(&sha);
		om_sha256_update(&sha, data, BYTES);
		om_sha256_final(&sha, digest);
		took = seconds() - begin;
		least = took < least ? took : least;
	}
	return (BYTES >> 20) / least;
}

int main(void)
{
	void *data = malloc(BYTES);

	if (!data)
		return 1;
	memset(data, 0x5a, BYTES);
	printf("- portable %.0f MiB/s\n", best(om_sha256_init, data));
	if (om_sha256_has_extensions())
		printf("- SHA extensions %.0f MiB/s\n", best(om_sha256_init_fast, data));
	else
		printf("- this processor has no SHA extensions\n");
	free(data);
	return 0;
}
