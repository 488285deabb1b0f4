# SPDX-License-Identifier: GPL-2.0
#
# The project's commands; each calls a script that has a --help of its own. Kbuild is
# what a kernel build reads, and it never comes here.
#
# Everything fetched or built lives in LUOSDK_CACHE (by default luosdk in the user's
# cache folder). KERNEL_SRC= takes the kernel tree it names instead of the
# distribution's source.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export LUOSDK_CACHE KERNEL_SRC KERNEL_SERIES

# Variables given on the command line, turned into options of the scripts.
kunit-args := $(if $(HANDLER),--handler $(HANDLER)) $(if $(DEBUG),--debug) \
	$(if $(DAMAGED),--damaged $(DAMAGED)) $(if $(SEED),--seed $(SEED))
vmtest-args := $(SCENARIO)

need-kdir = @test -n "$(KDIR)" || { \
	echo "make $@: KDIR is missing; say for instance 'make $@ KDIR=../linux'" >&2; exit 2; }

.PHONY: help demo test kunit coverage mutants vmtest check coccicheck docs bench modules modules_install modules_clean new graft ungraft mkpatch get-kernel show-state preflight clean

help: ## this list
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "variables: LUOSDK_CACHE=DIR  KERNEL_SRC=TREE  KERNEL_SERIES=X.Y"

demo: ## from nothing to a real live update, told as a story
	@scripts/ensure-packages
	@tests/vm/vmtest --demo

test: ## everything CI runs; ends with 'N passed, N failed'
	@scripts/ensure-packages --docs
	@scripts/test-all

kunit: ## KUnit without a reboot [HANDLER=eventfd] [DEBUG=1: KASAN, lockdep, kmemleak] [DAMAGED=n SEED=n]
	@tests/kit/run-kunit $(kunit-args)

coverage: ## lines and branches that the suites execute: a table, and HTML in the cache
	@scripts/ensure-packages --coverage
	@tests/kit/run-kunit --coverage

mutants: ## prove that the conformance kit finds each class of defects [MUTANT=23]
	@tests/mutants/run-mutants $(if $(MUTANT),--mutant $(MUTANT))

vmtest: ## live updates in a VM, over a real kexec [SCENARIO=name]
	@tests/vm/vmtest $(vmtest-args)

check: ## static rules: checkpatch, sparse, W=1, kernel-doc, SPDX, shellcheck, coccinelle
	@scripts/check

coccicheck: ## mistakes in handlers that a compiler cannot see [KDIR=tree, folder or source] [MODE=patch]
	$(need-kdir)
	@scripts/coccicheck $(if $(MODE),--mode $(MODE)) "$(KDIR)"

docs: ## the documentation as HTML, with a reference of the headers; prints where
	@scripts/ensure-packages --docs
	@scripts/build-docs

bench: ## what it costs: a table, and bench.json in the cache
	@tests/bench/run-bench

modules: ## build handlers and templates out of tree [KDIR=tree or build directory]
	@scripts/build-modules $(KDIR)

modules_install: ## build and install them [KDIR=...] [INSTALL_MOD_PATH=root of the target] [EARLY=eventfd_luo]
	@scripts/build-modules --install$(if $(INSTALL_MOD_PATH),=$(INSTALL_MOD_PATH)) \
		$(EARLY:%=--early %) $(KDIR)

modules_clean: ## remove what 'make modules' built [KDIR=only for this kernel]
	@scripts/build-modules --clean $(KDIR)

new: ## make a driver from a template: NAME=foo TEMPLATE=anon-fd DEST=path [HOOK=1: name it in a tree]
	@scripts/new-handler $(if $(HOOK),--hook) --template "$(TEMPLATE)" -- "$(NAME)" "$(DEST)"

graft: ## put the project into a kernel tree, by links [KDIR=tree]
	$(need-kdir)
	@scripts/graft "$(KDIR)"

ungraft: ## take it out again, byte for byte [KDIR=tree]
	$(need-kdir)
	@scripts/graft --undo "$(KDIR)"

mkpatch: ## the project as one patch for git am, on standard output [KDIR=tree]
	@scripts/mkpatch $(KDIR)

get-kernel: ## fetch and build the kernels that the tests run on
	@scripts/get-kernel all

show-state: ## print the saved states in a dump of memory [DUMP=file]
	@test -n "$(DUMP)" || { \
		echo "make $@: DUMP is missing; say for instance 'make $@ DUMP=memory.bin'" >&2; exit 2; }
	@scripts/show-state "$(DUMP)"

preflight: ## will the preserved files come back? [IMAGE=kernel] [MODULES=dir] [INITRD=file]
	@test -n "$(IMAGE)" || { \
		echo "make $@: IMAGE is missing; say for instance 'make $@ IMAGE=/boot/vmlinuz'" >&2; exit 2; }
	@scripts/preflight $(if $(MODULES),--modules "$(MODULES)") \
		$(if $(INITRD),--initrd "$(INITRD)") "$(IMAGE)"

clean: ## remove what was built for this checkout; the fetched source stays
	@scripts/get-kernel --clean
	@scripts/build-modules --clean
