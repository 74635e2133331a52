# SPDX-License-Identifier: GPL-2.0
# AF_ZMQ: build, test and install; "make help" lists the targets.

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
PREFIX  ?= /usr/local

# Kernel to build for: the running one, else Debian's newest installed headers.
running := /lib/modules/$(shell uname -r)/build
newest   = $(shell ls -d /usr/src/linux-headers-$(1)-$(2) 2>/dev/null | sort -V | tail -n 1)
given   := $(KDIR)
KDIR    ?= $(if $(wildcard $(running)/Makefile),$(running),$(call newest,*,*amd64))

# Kernel of the test machine: VM_KERNEL is a series (6.1, 6.12) or a path to
# headers or to a kernel's build directory.
VM_KERNEL ?= $(if $(given),$(given),6.1)
VM_KDIR    = $(if $(findstring /,$(VM_KERNEL)),$(VM_KERNEL),$(if $(filter \
	6.1,$(VM_KERNEL)),$(call newest,6.1*,cloud-amd64),$(shell selftests/vm/mkheaders.sh $(VM_KERNEL))))

# Module which the test machine loads: KO=path takes one that is built already.
vm_dir  = build/$(notdir $(VM_KERNEL))
vm_ko   = $(if $(KO),$(KO),$(vm_dir)/zmq.ko)
WERROR ?= -Werror
py      = /usr/bin/python3 -B
vm      = $(py) selftests/vm/vm.py --kdir $(VM_KDIR) --ko $(vm_ko) $(if $(KEEP),--keep $(KEEP))
kfiles  = $(sort $(shell find kmod uapi -name '*.[ch]' ! -name '*.mod.c' ! -path '*/.*'))
ufiles  = $(sort $(wildcard selftests/*/*.[ch] selftests/vm/rig/*.c tools/*.[ch] userlib/*.[ch]))
ksrc    = $(shell selftests/vm/mkksrc.sh)

checkpatch = $(ksrc)/scripts/checkpatch.pl --no-tree --strict --show-types --no-summary --terse -f
# remarks on what user space does not have, and on the macros of the test harness
user_style = PREFER_DEFINED_ATTRIBUTE_MACRO,SPLIT_STRING,CAMELCASE,USE_NEGATIVE_ERRNO,VOLATILE,STRING_FRAGMENTS,CONCATENATED_STRING,MACRO_WITH_FLOW_CONTROL

# CMD and TESTS reach their scripts through the environment, unharmed by quoting
export CMD TESTS KO KEEP

.PHONY: all module help deps vm-module sparse clang build-6.12 checkpatch kdoc \
	style unit selftests check check-rig demo bench vm load unload \
	install install-module install-files uninstall clean

all: module ## build zmq.ko for the running kernel, or for KDIR=; W=1 for more warnings

help: ## show this list
	@sed -n 's/^\([a-z0-9.-]*\):[^#]*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14
	@echo
	@echo 'KDIR=path      kernel headers or build directory to build for'
	@echo 'VM_KERNEL=     kernel of the test machine: 6.1, 6.12 or a path like KDIR'
	@echo 'KO=path        take this module into the test machine instead of building one'
	@echo 'VM_MEM= VM_SMP= VM_ICOUNT=1 VM_KVM=0/1 VM_SLOW=  the machine itself'
	@echo 'KEEP=dir       keep the files and the console logs of a run'

module:
	$(if $(KDIR),,$(error no kernel headers: tools/install-deps.sh build installs them))
	$(if $(given)$(filter $(running),$(KDIR)),,@echo 'no headers of the running kernel, building for $(KDIR)')
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

deps: ## install the packages which building and testing need
	tools/install-deps.sh

# Builds for other kernels and compilers have a directory each under build/.
vm-module:
	$(if $(KO),,$(if $(VM_KDIR),,$(error no headers for VM_KERNEL=$(VM_KERNEL): run tools/install-deps.sh)))
	$(if $(KO),@test -f "$(KO)",@tools/build-variant.sh $(vm_dir) $(VM_KDIR) W=1 KCFLAGS="$(WERROR)")

sparse: ## check with sparse, with byte orders; any remark fails
	tools/build-variant.sh build/sparse $(KDIR) C=2 CF=-D__CHECK_ENDIAN__ 2>&1 | \
		tee build/sparse.log
	@! grep -E ': (warning|error):|Error [0-9]' build/sparse.log >/dev/null

clang: ## compile with clang 14; the result is not for loading
	tools/build-variant.sh build/clang $(KDIR) CC=$(CURDIR)/tools/kcc-clang.sh \
		OBJECT_FILES_NON_STANDARD=y KCFLAGS="$(WERROR)"

build-6.12: ## build for the 6.12 kernel of Debian's backports
	$(MAKE) vm-module VM_KERNEL=6.12 KO=

checkpatch: ## kernel style, strict
	@r=0; $(checkpatch) $(filter-out kmod/trace.h,$(kfiles)) || r=1; \
	$(checkpatch) --ignore PARENTHESIS_ALIGNMENT kmod/trace.h || r=1; \
	$(checkpatch) --ignore $(user_style) $(ufiles) || r=1; exit $$r

kdoc: ## kernel-doc comments are complete
	$(ksrc)/scripts/kernel-doc -none -Werror $(kfiles)

style: checkpatch kdoc ## checkpatch, kernel-doc and the shell scripts
	shellcheck -x tools/*.sh selftests/vm/*.sh selftests/vm/guest/main .ci/run

unit: ## unit tests in user space under ASan and UBSan
	$(MAKE) -C selftests/unit check

selftests: ## build the test programs, the demo's programs and the tools
	@mkdir -p build
	+flock build/selftests.lock $(MAKE) -C selftests $(if $(SELFTESTS),only)

check: ## build, sparse, unit tests, fuzzing, tests in the machine; TESTS= for some of the last
	@tools/install-deps.sh
	@$(py) selftests/check.py $$TESTS

check-rig: ## prove that the test machine notices warnings, panics, hangs, stuck modules
	@tools/install-deps.sh
	@mkdir -p build/rig && cp selftests/vm/rig/Kbuild selftests/vm/rig/zmq.c build/rig
	@$(MAKE) -s -C $(VM_KDIR) M=$(CURDIR)/build/rig modules
	@$(py) selftests/vm/rig/check.py --kdir $(VM_KDIR) --ko build/rig/zmq.ko

demo: ## show real traffic with libzmq peers in the test machine
	@tools/install-deps.sh
	@$(MAKE) -s vm-module selftests
	@$(vm) cmd --timeout 600 --add selftests/demo 'cd /zmq/demo && sh ./run.sh'

bench: ## measure against raw TCP and libzmq, counted in guest instructions
	@tools/install-deps.sh
	@$(MAKE) -s vm-module selftests
	@VM_ICOUNT=1 $(vm) cmd --timeout 1800 'zmqperf --all --icount --gate'

vm: ## a shell in the test machine with the module loaded; CMD='...' runs a command
	@tools/install-deps.sh
	@$(MAKE) -s vm-module
	@-$(MAKE) -s -k selftests
	@if [ "$$CMD" ]; then exec $(vm) cmd "$$CMD"; else exec $(vm) shell; fi

load: module ## load zmq.ko here
	deps=$$(/sbin/modinfo -F depends zmq.ko | tr , ' '); [ -z "$$deps" ] || /sbin/modprobe -a $$deps
	/sbin/insmod zmq.ko

unload: ## unload it
	/sbin/rmmod zmq

krel     = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' $(KDIR)/include/generated/utsrelease.h)
moddir   = $(DESTDIR)/lib/modules/$(krel)/updates
srcdir   = $(DESTDIR)/usr/src/zmq-ko-$(VERSION)
incdir   = $(DESTDIR)$(PREFIX)/include/linux
mandir   = $(DESTDIR)$(PREFIX)/share/man
bindir   = $(DESTDIR)$(PREFIX)/bin
tools    = $(if $(wildcard tools/zmqperf*.c),zmqperf)

install: install-module install-files ## module, headers, manual, tools, sources for dkms; DESTDIR= PREFIX=

install-module: module
	install -D -m 644 -t $(moddir) zmq.ko
	$(if $(DESTDIR),,/sbin/depmod $(krel))

install-files:
	$(if $(tools),$(MAKE) -C selftests tools)
	install -D -m 644 -t $(incdir) uapi/linux/zmq.h
	set -e; for f in $(wildcard uapi/*.7); do install -D -m 644 -t $(mandir)/man7 $$f; done
	set -e; for f in $(tools); do install -D -t $(bindir) build/selftests/tools/$$f; done
	rm -rf $(srcdir)
	set -e; for f in $(kfiles) Kbuild dkms.conf COPYING; do install -D -m 644 $$f $(srcdir)/$$f; done

uninstall: ## undo install
	rm -f $(moddir)/zmq.ko $(incdir)/zmq.h $(addprefix $(bindir)/,$(tools))
	rm -f $(addprefix $(mandir)/man7/,$(notdir $(wildcard uapi/*.7)))
	rm -rf $(srcdir)
	$(if $(DESTDIR),,/sbin/depmod $(krel))

print-%:
	@echo '$($*)'

clean: ## remove what was built; the cache in ~/.cache/zmq-ko stays
	rm -rf build
	$(if $(wildcard $(KDIR)/Makefile),$(MAKE) -C $(KDIR) M=$(CURDIR) clean)
	$(if $(wildcard selftests/unit/Makefile),$(MAKE) -C selftests/unit clean)
