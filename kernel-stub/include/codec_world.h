/* SPDX-License-Identifier: MIT */
#ifndef STUB_CODEC_WORLD_H
#define STUB_CODEC_WORLD_H
/* What codec/ asks of the kernel. */
#include "decompress.h"

/* A function that was left out of a library has been called all the same. */
#define library_never(name)	panic("a library called %s()", name)

#endif
