# SPDX-License-Identifier: MIT
# overmount(1), and the static Linux programs that run on the stub in tests.

TOOL_SRC := $(sort $(wildcard tools/*.c))
TOOL_LIBS := -larchive -ljansson -lext2fs -lcom_err -lkmod

$(B)/host/overmount: $(call objs,host,$(TOOL_SRC)) $(B)/host/libovermount.a
	@echo "  LD    $@"
	@$(CC) -o $@ $^ $(TOOL_LIBS)

$(B)/asan/overmount: $(call objs,asan,$(TOOL_SRC)) $(B)/asan/libovermount.a
	@echo "  LD    $@"
	@$(CC) -fsanitize=address,undefined -o $@ $^ $(TOOL_LIBS)

PROGRAMS := $(patsubst tests/programs/%.c,$(B)/programs/%,$(wildcard tests/programs/*.c))

$(B)/programs/%: tests/programs/%.c
	@mkdir -p $(@D)
	@echo "  CC    $<  (static)"
	@$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARN) $(PROGRAM_FLAGS) -static -Wl,--build-id=none -s \
		-ffile-prefix-map=$(CURDIR)=. -o $@ $<

# Elsewhere in memory than the program whose calls it answers.
$(B)/programs/each_call_fails: PROGRAM_FLAGS := -Wl,-Ttext-segment=0x10000000

# The cases that are compared with Linux, in one program.
ABI_SRC := $(sort $(wildcard tests/abi/programs/*.c))
ABI_OBJ := $(call objs,programs,$(ABI_SRC))

$(B)/programs/abi: $(ABI_OBJ)
	@echo "  LD    $@"
	@$(CC) -static -Wl,--build-id=none -s -o $@ $(ABI_OBJ)

.PHONY: tools programs
tools: $(B)/host/overmount
programs: $(PROGRAMS) $(B)/programs/abi
