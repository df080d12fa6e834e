/* SPDX-License-Identifier: MIT */
/* A /linuxrc that crashes: a write to address 0. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	volatile int *volatile nowhere = NULL;

	printf("T linuxrc pid=%d crashes\n", (int)getpid());
	fflush(stdout);
	*nowhere = 1;
	printf("T linuxrc survived\n");
	return 0;
}
