# SPDX-License-Identifier: MIT
# /init for stock Linux: one static program.  musl, because glibc's start-up and stdio alone are
# 680 KiB; the reasons and the numbers stand in docs/decisions/2-static-init.md.

INIT_SRC := $(sort $(wildcard rootfs/init/*.c)) $(CODEC_SRC)
INIT_LIBS := $(foreach l,blkid uuid z lzma zstd lz4 bz2,$(shell $(CC) -print-file-name=lib$(l).a))

# Headers that are no C library's: the kernel's and the libraries' own.
INIT_HEADERS := $(B)/linux/include/.made
$(INIT_HEADERS): mk/linux.mk
	@mkdir -p $(@D)
	@for name in linux asm-generic blkid uuid zlib.h zconf.h bzlib.h lzma lzma.h lz4.h lz4frame.h zstd.h zstd_errors.h; do ln -sfn /usr/include/$$name $(@D)/$$name; done
	@ln -sfn $(shell $(CC) -print-multiarch | sed 's,^,/usr/include/,')/asm $(@D)/asm
	@touch $@

$(call objs,linux,$(INIT_SRC)): $(INIT_HEADERS)

$(B)/linux/init: $(call objs,linux,$(INIT_SRC)) $(B)/linux/libovermount.a
	@echo "  LD    $@"
	@$(MUSL_CC) -static -Wl,--gc-sections,--build-id=none -s -o $@ $^ $(INIT_LIBS)
	@test $$(stat -c %s $@) -lt 1048576 || { echo "$@ has 1 MiB or more"; rm $@; exit 1; }

.PHONY: linux-init
linux-init: $(B)/linux/init
