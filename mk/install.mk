# SPDX-License-Identifier: MIT
PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR := $(PREFIX)/lib/overmount

install: all ## stage, stub, /init, command and manual pages below PREFIX (/usr/local)
	install -D -m 0755 $(B)/host/overmount $(DESTDIR)$(PREFIX)/bin/overmount
	install -D -m 0644 $(B)/efi/overmount.efi $(DESTDIR)$(LIBDIR)/overmount.efi
	install -D -m 0644 $(B)/stub/overmount-stub.elf $(DESTDIR)$(LIBDIR)/overmount-stub.elf
	install -D -m 0755 $(B)/linux/init $(DESTDIR)$(LIBDIR)/init
	install -D -m 0644 man/overmount.1 $(DESTDIR)$(PREFIX)/share/man/man1/overmount.1
	install -D -m 0644 man/overmount.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/overmount.conf.5

uninstall: ## take away what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/overmount $(DESTDIR)$(LIBDIR)/overmount.efi \
		$(DESTDIR)$(LIBDIR)/overmount-stub.elf $(DESTDIR)$(LIBDIR)/init \
		$(DESTDIR)$(PREFIX)/share/man/man1/overmount.1 \
		$(DESTDIR)$(PREFIX)/share/man/man5/overmount.conf.5
	-rmdir $(DESTDIR)$(LIBDIR)
