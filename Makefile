# SPDX-License-Identifier: MIT
# The front door.  `make help` tells the verbs; the rules live in mk/.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

B := build
# Archives, disks and binaries carry this time and no other.
SOURCE_DATE_EPOCH ?= 1700000000
export SOURCE_DATE_EPOCH
PYTHON ?= /usr/bin/python3

include mk/flags.mk
include mk/lib.mk
include mk/efi.mk
include mk/stub.mk
include mk/linux.mk
include mk/tools.mk
include mk/tests.mk
include mk/install.mk

.PHONY: help all run test test-all check boot soak warts bench gdb fuzz lint install uninstall clean deps

help: ## this list
	@echo "overmount: find, assemble and mount a machine's root file system at boot"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile mk/*.mk
	@echo
	@echo "  S=NAME      the scenario for boot, soak and gdb (make boot S=list shows them)"
	@echo "  N=COUNT     how many boots soak makes (500); JOBS=2 runs two beside each other"
	@echo "  DEV=1       warnings are errors"
	@echo "  BENCH=NAMES what bench measures (all of tests/bench: host, stub, stage_linux, loaders, init)"
	@echo "  KERNEL=DIR  a stock Linux of your own for all tests that boot one: vmlinuz and lib/modules (6.1 and 7.3 are fetched)"
	@echo "  T=SECONDS   how long each fuzz target runs (60)"

all: efi stub linux-init tools programs ## build stage, stub, /init, host command and test programs

run: ## install what is missing, build, boot the sample entries in OVMF, end at a shell
	@mk/deps.sh run
	@$(MAKE) --no-print-directory -j2 all
	@$(PYTHON) tests/boot/run.py demo

test: ## install what is missing, then run everything
	@mk/deps.sh test
	@$(MAKE) --no-print-directory DEV=1 test-all

test-all:
	@$(MAKE) --no-print-directory -j2 all check-build handoff-kernel
	@$(MAKE) --no-print-directory check
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/host
	@$(PYTHON) -m pytest -q -p no:cacheprovider -n 2 tests/boot
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/abi
	@$(PYTHON) -m pytest -q -p no:cacheprovider -n 2 tests/linux

check: check-build lint ## unit tests, golden files, corpus replay, lint: a minute and a half
	@mk/check.sh $(B)

boot: all handoff-kernel ## one scenario in OVMF: make boot S=name
	@$(PYTHON) tests/boot/run.py $(or $(S),list)

warts: all ## the three warts of the classic boot: what Linux 6.1 printed beside what the stub prints
	@$(PYTHON) tests/boot/warts.py

soak: all handoff-kernel ## one scenario N times, until a boot does not pass: make soak S=name N=500
	@$(PYTHON) tests/boot/soak.py $(or $(S),gpt-partuuid) --boots $(or $(N),500) --jobs $(or $(JOBS),1)

bench: all bench-build ## figures against peers and limits (not a test)
	@mk/deps.sh bench
	@$(PYTHON) tests/bench/run.py $(BENCH)

gdb: all ## QEMU stopped at reset, gdb attached with the symbols of stage and stub
	@mk/gdb.sh $(or $(S),demo)

fuzz: fuzz-build ## run every fuzz target for T seconds
	@mk/fuzz.sh $(B) $(or $(T),60)

lint: lib ## include edges, headers that compile alone, undefined symbols, house rules
	@$(PYTHON) mk/lint.py $(B)

deps: ## only install what building and testing need
	@mk/deps.sh test

clean: ## remove build/
	rm -rf $(B)
