/* SPDX-License-Identifier: MIT */
/*
 * Parts of the libraries that stay out: with these names defined the linker leaves their
 * objects in the archives, a fifth of the stub and of /init.  Compressors are never called here.  The
 * formats of zstd before 1.0 can be asked for by an image; it is told that they are broken.
 */
#include "codec_world.h"

#define NEVER(symbol) \
	void never_##symbol(void) __asm__(#symbol); \
	void never_##symbol(void) { library_never(#symbol); }

NEVER(BZ2_compressBlock)
NEVER(LZ4_attach_HC_dictionary)
NEVER(LZ4_compress_HC_continue)
NEVER(LZ4_compress_HC_extStateHC_fastReset)
NEVER(LZ4_favorDecompressionSpeed)
NEVER(LZ4_initStreamHC)
NEVER(LZ4_loadDictHC)
NEVER(LZ4_resetStreamHC_fast)
NEVER(LZ4_saveDictHC)
NEVER(LZ4_setCompressionLevel)
NEVER(LZ4_sizeofStateHC)

/* zstd's convention: an error is a size just below zero; this one is "prefix unknown". */
#define PREFIX_UNKNOWN ((size_t)-10)
/* ZSTD_CONTENTSIZE_ERROR of its header */
#define CONTENT_SIZE_ERROR ((unsigned long long)-2)

#define NO_MEMORY(symbol) \
	void *absent_##symbol(void) __asm__(#symbol); \
	void *absent_##symbol(void) { return NULL; }
#define BROKEN(symbol) \
	size_t absent_##symbol(void) __asm__(#symbol); \
	size_t absent_##symbol(void) { return PREFIX_UNKNOWN; }
#define NO_FRAME(symbol) \
	void absent_##symbol(const void *, size_t, size_t *, unsigned long long *) __asm__(#symbol); \
	void absent_##symbol(const void *in, size_t len, size_t *ret_len, \
			     unsigned long long *ret_bound) \
	{ \
		(void)in, (void)len; \
		*ret_len = PREFIX_UNKNOWN; \
		*ret_bound = CONTENT_SIZE_ERROR; \
	}
#define OLD_FORMAT(version) \
	NO_MEMORY(ZBUFF##version##_createDCtx) \
	BROKEN(ZBUFF##version##_freeDCtx) \
	BROKEN(ZBUFF##version##_decompressContinue) \
	BROKEN(ZBUFF##version##_decompressInitDictionary) \
	NO_MEMORY(ZSTD##version##_createDCtx) \
	BROKEN(ZSTD##version##_freeDCtx) \
	BROKEN(ZSTD##version##_decompress_usingDict) \
	BROKEN(ZSTD##version##_getFrameParams) \
	NO_FRAME(ZSTD##version##_findFrameSizeInfoLegacy)

OLD_FORMAT(v05)
OLD_FORMAT(v06)
OLD_FORMAT(v07)
