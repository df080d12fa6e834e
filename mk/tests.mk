# SPDX-License-Identifier: MIT
# Host tests: each tests/unit/test_*.c and tests/stub/test_*.c is one cmocka program.

UNIT_SUPPORT := $(sort $(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c)))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
# The stage's logic that needs no firmware.
EFI_PURE_SRC := $(sort $(filter-out /dev/null,$(shell grep -L '<efi\|"stage\.h"\|"efi_' $(wildcard efi/*.c) /dev/null)))

define unit_program
$(B)/$(1)/tests/$(2): $(call objs,$(1),tests/unit/$(2).c $(UNIT_SUPPORT) $(EFI_PURE_SRC)) \
		$(B)/$(1)/libovermount.a
	@mkdir -p $$(@D)
	@$(CC) -fsanitize=address,undefined -o $$@ $$^ -lcmocka
endef
UNIT_NAMES := $(basename $(notdir $(UNIT_SRC)))
$(foreach t,$(UNIT_NAMES),$(foreach w,asan small,$(eval $(call unit_program,$(w),$(t)))))

STUB_TEST_SUPPORT := $(sort $(filter-out tests/stub/test_%.c,$(wildcard tests/stub/*.c)))
STUB_HOST_SRC := $(sort $(wildcard kernel-stub/vfs/*.c kernel-stub/fs/*.c) \
	$(filter-out %/libc.c %/absent.c,$(wildcard kernel-stub/codec/*.c) $(CODEC_SRC)) \
	$(wildcard $(addprefix kernel-stub/dev/,block.c block_cache.c partition.c partition_mbr.c partition_gpt.c ramdisk.c tty.c tty_input.c \
		tty_output.c tty_ioctl.c)))

# So that exactly one call fails, and not what comes after it.
LDFLAGS_test_ext2_faults := -Wl,--wrap=block_read,--wrap=block_write

define stub_program
$(B)/vfs/tests/$(1): $(call objs,vfs,tests/stub/$(1).c $(STUB_TEST_SUPPORT) $(STUB_HOST_SRC)) \
		$(B)/vfs/libovermount.a
	@mkdir -p $$(@D)
	@$(CC) -fsanitize=address,undefined $(LDFLAGS_$(1)) -o $$@ $$^ -lcmocka $(CODEC_LIBS)
endef
STUB_TEST_NAMES := $(basename $(notdir $(wildcard tests/stub/test_*.c)))
$(foreach t,$(STUB_TEST_NAMES),$(eval $(call stub_program,$(t))))

FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
define fuzz_program
$(B)/fuzz/fuzz_$(1): $(call objs,fuzz,tests/fuzz/fuzz_$(1).c) $(B)/fuzz/libovermount.a
	@$(CLANG) -fsanitize=fuzzer,address,undefined -o $$@ $$^
$(B)/asan/replay_$(1): $(call objs,asan,tests/fuzz/fuzz_$(1).c tests/fuzz/replay.c) \
		$(B)/asan/libovermount.a
	@$(CC) -fsanitize=address,undefined -o $$@ $$^
endef
$(foreach f,$(FUZZ_NAMES),$(eval $(call fuzz_program,$(f))))

.PHONY: check-build fuzz-build bench-build unit
unit: $(addprefix $(B)/asan/tests/,$(UNIT_NAMES)) $(addprefix $(B)/small/tests/,$(UNIT_NAMES))
check-build: unit $(addprefix $(B)/vfs/tests/,$(STUB_TEST_NAMES)) \
	$(addprefix $(B)/asan/replay_,$(FUZZ_NAMES)) $(B)/asan/overmount tools efi-programs
fuzz-build: $(addprefix $(B)/fuzz/fuzz_,$(FUZZ_NAMES))
bench-build: $(B)/bench/digest $(B)/bench/tsc_init $(B)/bench/arrived

$(B)/bench/digest: tests/bench/digest.c $(B)/host/libovermount.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_host) -o $@ $^

# /init of the initrds that are measured; static and small, as it is unpacked like all the rest.
$(B)/bench/tsc_init: tests/bench/tsc_init.c
	@mkdir -p $(@D)
	@musl-gcc -static -Os -Wall -Wextra -o $@ $<

# The final init of a bench; its entry point reads the counter before the C library starts.
$(B)/bench/arrived: tests/bench/arrived.c
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_host) -static -s -Wl,-e,arrive -o $@ $<
