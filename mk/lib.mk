# SPDX-License-Identifier: MIT
# loader/ + rootfs/: one library, every world.

LIB_SRC := $(sort $(wildcard loader/base/*.c loader/*.c rootfs/*.c))

define library
$(B)/$(1)/libovermount.a: $(call objs,$(1),$(LIB_SRC))
	@rm -f $$@
	@ar rcsD $$@ $$^
endef
$(foreach w,host asan small fuzz efi efi-faults stub vfs linux,$(eval $(call library,$(w))))

.PHONY: lib
lib: $(foreach w,host efi stub,$(B)/$(w)/libovermount.a)
