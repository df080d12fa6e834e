# SPDX-License-Identifier: MIT
# The kernel stub, and the tiny handoff kernel that checks the protocol.

CODEC_SRC := $(sort $(wildcard codec/*.c))
STUB_SRC := $(sort $(wildcard kernel-stub/*/*.c kernel-stub/*/*.S)) $(CODEC_SRC)
STUB_OBJ := $(call objs,stub,$(STUB_SRC) $(B)/font/font.c)
STUB_LINK := ld -nostdlib -static -n -z noexecstack --gc-sections --build-id=none

# Static archives of the distribution; kernel-stub/codec/libc.c is all that they get of a C library.
CODEC_LIBS := -lz -llzma -lzstd -llz4 -lbz2
CODEC_ARCHIVES = $(foreach l,$(patsubst -l%,lib%.a,$(CODEC_LIBS)),$(shell $(CC) -print-file-name=$(l)))

# The letters of the text screen; any 8x16 PSF font with a Unicode table will do.
FONT ?= /usr/share/consolefonts/Uni2-VGA16.psf.gz
CFLAGS_file_font := -Ikernel-stub/dev

$(B)/font/font.c: mk/font.py
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	@$(PYTHON) mk/font.py $(FONT) $@

$(B)/stub/overmount-stub.elf: $(STUB_OBJ) $(B)/stub/libovermount.a kernel-stub/kernel.lds
	@echo "  LD    $@"
	@$(STUB_LINK) -T kernel-stub/kernel.lds -Map=$@.map -o $@.debug $(STUB_OBJ) $(B)/stub/libovermount.a $(CODEC_ARCHIVES)
	@objcopy -S $@.debug $@

HANDOFF_SRC := $(sort $(wildcard tests/handoff-kernel/*.c tests/handoff-kernel/*.S))

$(B)/tests/handoff-kernel.elf: $(call objs,stub,$(HANDOFF_SRC)) $(B)/stub/libovermount.a \
		tests/handoff-kernel/kernel.lds
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(STUB_LINK) -T tests/handoff-kernel/kernel.lds -o $@ $(call objs,stub,$(HANDOFF_SRC)) \
		$(B)/stub/libovermount.a

.PHONY: stub handoff-kernel
stub: $(B)/stub/overmount-stub.elf
handoff-kernel: $(B)/tests/handoff-kernel.elf
