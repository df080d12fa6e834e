# SPDX-License-Identifier: MIT
# One compiler, several worlds.  A world is a set of flags and a folder below build/.

CC := gcc
CLANG ?= clang
MUSL_CC := musl-gcc

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wpointer-arith -Wwrite-strings
ifeq ($(DEV),1)
WARN += -Werror
endif

COMMON := -std=gnu11 -g -Iinclude $(WARN) -ffile-prefix-map=$(CURDIR)=. -fno-common
FREE := $(COMMON) -O2 -ffreestanding -mno-red-zone -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -ffunction-sections -fdata-sections

CFLAGS_host := $(COMMON) -O2 -D_GNU_SOURCE
# The cases ask for what is wrong, on purpose.
CFLAGS_programs := $(CFLAGS_host) -Wno-unused-result -Wno-nonnull -Wno-shadow -Wno-stringop-overflow \
	-Wno-stringop-overread -Wno-format-truncation
CFLAGS_asan := $(COMMON) -O1 -D_GNU_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
CFLAGS_small := $(CFLAGS_asan) -DOM_SMALL_LIMITS
CFLAGS_fuzz := $(COMMON) -O1 -D_GNU_SOURCE -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
# -fbuiltin: the compiler may open-code memcpy and strlen of what it knows; calls for eight bytes
# were a third of an assembly.  The stub is built for size, where that means slow string instructions.
CFLAGS_efi := $(FREE) -fbuiltin -fpic -fshort-wchar -fvisibility=hidden -maccumulate-outgoing-args -fno-stack-check \
	-DGNU_EFI_USE_MS_ABI -isystem /usr/include/efi -isystem /usr/include/efi/x86_64
CFLAGS_efi-faults := $(CFLAGS_efi) -DOM_STAGE_FAULTS=1
CFLAGS_stub := $(FREE) -Os -fno-pic -fno-pie -mcmodel=kernel -mgeneral-regs-only -Ikernel-stub/include -Icodec
CFLAGS_linux := $(COMMON) -Os -D_GNU_SOURCE -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables \
	-fno-stack-protector -Irootfs/init -Icodec -isystem $(B)/linux/include
CFLAGS_vfs := $(CFLAGS_asan) -DSTUB_HOST -Ikernel-stub/include -Icodec -Itests/stub

# $(call world,NAME,CC): how anything is compiled into build/NAME/.
define world
# Other flags make other bytes, and what is compared with a fresh build must not be left over.
$(B)/$(1)/%.o: %.c mk/flags.mk
	@mkdir -p $$(@D)
	@echo "  CC    $$<  ($(1))"
	@$(2) $$(CFLAGS_$(1)) $$(CFLAGS_file_$$(basename $$(notdir $$<))) -MMD -MP -c -o $$@ $$<
$(B)/$(1)/%.o: %.S mk/flags.mk
	@mkdir -p $$(@D)
	@echo "  AS    $$<  ($(1))"
	@$(2) $$(CFLAGS_$(1)) -MMD -MP -c -o $$@ $$<
endef

$(eval $(call world,host,$(CC)))
$(eval $(call world,programs,$(CC)))
$(eval $(call world,asan,$(CC)))
$(eval $(call world,small,$(CC)))
$(eval $(call world,fuzz,$(CLANG)))
$(eval $(call world,efi,$(CC)))
$(eval $(call world,efi-faults,$(CC)))
$(eval $(call world,stub,$(CC)))
$(eval $(call world,vfs,$(CC)))
$(eval $(call world,linux,$(MUSL_CC)))

# $(call objs,WORLD,SOURCES)
objs = $(patsubst %,$(B)/$(1)/%.o,$(basename $(2)))

-include $(shell [ -d $(B) ] && find $(B) -type f -name '*.d')
