# SPDX-License-Identifier: MIT
# overmount.efi.  gnu-efi's own linker script drops relocations, so efi/overmount.lds is ours,
# and a link that leaves an undefined symbol or an odd relocation fails (mk/check-efi.sh).

EFI_SRC := $(sort $(wildcard efi/*.c))
GNU_EFI_CRT0 := /usr/lib/crt0-efi-x86_64.o

# What moves no data and runs once an entry, or when somebody presses a key, is built for size.
EFI_SMALL := $(wildcard efi/choose.c efi/menu*.c efi/removable.c loader/entry*.c loader/options.c \
	loader/order.c loader/plan*.c loader/rootspec.c loader/descriptor_text.c)
$(EFI_SMALL:%.c=$(B)/efi/%.o): CFLAGS_efi += -Os
$(EFI_SMALL:%.c=$(B)/efi-faults/%.o): CFLAGS_efi-faults += -Os
$(foreach w,efi efi-faults,$(EFI_SMALL:%.c=$(B)/$(w)/%.o)): mk/efi.mk

define stage
$(B)/$(1)/overmount.so: $(call objs,$(1),$(EFI_SRC)) $(B)/$(1)/libovermount.a efi/overmount.lds
	@echo "  LD    $$@"
	@ld -nostdlib -shared -Bsymbolic -znocombreloc -z noexecstack --gc-sections --build-id=none \
		-T efi/overmount.lds -o $$@ $(GNU_EFI_CRT0) $(call objs,$(1),$(EFI_SRC)) \
		$(B)/$(1)/libovermount.a
	@mk/check-efi.sh $$@

$(B)/$(1)/overmount.efi: $(B)/$(1)/overmount.so
	@objcopy -S -j .text -j .sdata -j .data -j .rodata -j .dynamic -j .dynsym -j .rel -j .rela \
		-j .reloc --target=efi-app-x86_64 $$< $$@
endef
$(foreach w,efi efi-faults,$(eval $(call stage,$(w))))

# Other EFI programs that the tests start, or let the stage start.
EFI_TEST_NAMES := $(basename $(notdir $(wildcard tests/efi-programs/*.c)))
EFI_TEST_OBJS := $(B)/efi/efi/start_efi.o $(B)/efi/libovermount.a
$(B)/efi-programs/%.so: $(B)/efi/tests/efi-programs/%.o $(EFI_TEST_OBJS) efi/overmount.lds
	@mkdir -p $(@D)
	@ld -nostdlib -shared -Bsymbolic -znocombreloc -z noexecstack --gc-sections --build-id=none \
		-T efi/overmount.lds -o $@ $(GNU_EFI_CRT0) $< $(EFI_TEST_OBJS)
	@mk/check-efi.sh $@
$(B)/efi-programs/%.efi: $(B)/efi-programs/%.so
	@objcopy -S -j .text -j .sdata -j .data -j .rodata -j .dynamic -j .dynsym -j .rel -j .rela \
		-j .reloc --target=efi-app-x86_64 $< $@
.PRECIOUS: $(B)/efi-programs/%.so

.PHONY: efi efi-programs
efi-programs: $(addprefix $(B)/efi-programs/,$(addsuffix .efi,$(EFI_TEST_NAMES)))
efi: $(B)/efi/overmount.efi $(B)/efi-faults/overmount.efi
