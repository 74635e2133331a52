# SPDX-License-Identifier: GPL-2.0
# AF_ZMQ: build, test and install; "make help" lists the targets.

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
PREFIX  ?= /usr/local

# Kernel to build for: the running one, else Debian's newest installed headers.
running := /lib/modules/$(shell uname -r)/build
newest   = $(shell ls -d /usr/src/linux-headers-$(1)-$(2) 2>/dev/null | sort -V | tail -n 1)
given   := $(KDIR)
KDIR    ?= $(if $(wildcard $(running)/Makefile),$(running),$(call newest,*,*amd64))

# Kernel of the test machine: VM_KERNEL is a series (6.1, 6.12), Debian's newest
# kernel (next), a debug kernel (kasan, kcsan), or a path to headers or to a
# kernel's build directory.
VM_KERNEL ?= $(if $(given),$(given),6.1)
VM_KDIR    = $(if $(findstring /,$(VM_KERNEL)),$(VM_KERNEL),$(or $(vm_kdir_$(VM_KERNEL)),\
	$(shell selftests/vm/mkheaders.sh $(VM_KERNEL))))
vm_kdir_6.1   = $(call newest,6.1*,cloud-amd64)
vm_kdir_kasan = $(shell selftests/vm/mkdebug.sh kasan)
vm_kdir_kcsan = $(shell selftests/vm/mkdebug.sh kcsan)

# Module which the test machine loads: KO=path takes one that is built already.
vm_dir  = build/$(notdir $(VM_KERNEL))
vm_ko   = $(if $(KO),$(KO),$(vm_dir)/zmq.ko)
WERROR ?= -Werror
py      = /usr/bin/python3 -B
vm      = $(py) selftests/vm/vm.py --kdir $(VM_KDIR) --ko $(vm_ko) $(if $(KEEP),--keep $(KEEP))
kfiles  = $(sort $(shell find kmod uapi -name '*.[ch]' ! -name '*.mod.c' ! -path '*/.*'))
ufiles  = $(sort $(wildcard selftests/*/*.[ch] selftests/vm/rig/*.c tools/*.[ch]))
lfiles  = $(sort $(wildcard userlib/*.[ch] selftests/clients/*/*.[ch]))
ksrc    = $(shell selftests/vm/mkksrc.sh)

checkpatch = $(ksrc)/scripts/checkpatch.pl --no-tree --strict --show-types --no-summary --terse -f
# remarks on what user space does not have, and on the macros of the test harness
user_style = PREFER_DEFINED_ATTRIBUTE_MACRO,SPLIT_STRING,CAMELCASE,USE_NEGATIVE_ERRNO,VOLATILE,STRING_FRAGMENTS,CONCATENATED_STRING,MACRO_WITH_FLOW_CONTROL
# the library, and what is written for it, has the types of libzmq's header
lib_style = $(user_style),NEW_TYPEDEFS,PREFER_KERNEL_TYPES

# CMD and TESTS reach their scripts through the environment, unharmed by quoting
export CMD TESTS KO KEEP

.PHONY: all module help deps vm-module sparse clang build-6.12 checkpatch kdoc \
	style unit userlib selftests check check-debug check-kcsan check-6.12 check-next check-clients \
	check-sanitizers check-shim-asan check-shim-tsan check-shim-valgrind \
	coverage check-machine check-all check-rig demo bench vm load unload \
	install install-module install-files uninstall clean

all: module ## build zmq.ko for the running kernel, or for KDIR=; W=1 for more warnings

help: ## show this list
	@sed -n 's/^\([a-z0-9.-]*\):[^#]*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14
	@echo
	@echo 'KDIR=path      kernel headers or build directory to build for'
	@echo 'VM_KERNEL=     kernel of the test machine: 6.1, 6.12, next or a path like KDIR'
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
	$(if $(KO),,$(if $(VM_KDIR),,$(error no headers for VM_KERNEL=$(VM_KERNEL): see above, or run tools/install-deps.sh)))
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
	$(checkpatch) --ignore $(user_style) $(ufiles) || r=1; \
	$(checkpatch) --ignore $(lib_style) $(lfiles) || r=1; exit $$r

kdoc: ## kernel-doc comments are complete
	$(ksrc)/scripts/kernel-doc -none -Werror $(kfiles)

style: checkpatch kdoc ## checkpatch, kernel-doc and the shell scripts
	shellcheck -x tools/*.sh tools/zmqrun selftests/vm/*.sh selftests/vm/guest/main .ci/run

unit: ## unit tests in user space under ASan and UBSan
	$(MAKE) -C selftests/unit check

userlib: ## build libzmq.so.5 on AF_ZMQ in build/userlib; ASAN=1, TSAN=1 beside it
	$(MAKE) -C userlib

selftests: userlib ## build the test programs, the demo's programs and the tools
	@mkdir -p build
	+flock build/selftests.lock $(MAKE) -C selftests $(if $(SELFTESTS),only)

check: ## build, sparse, unit tests, fuzzing, tests in the machine; TESTS= for some of the last
	@tools/install-deps.sh
	@$(py) selftests/check.py $$TESTS

# A debug kernel is several times slower than Debian's; of two machines one
# mostly waits.
jobs = $(shell n=$$(nproc); echo $$((n > 4 ? 4 : n)))

check-debug: ## all tests in a kernel with KASAN, lockdep, kmemleak, fault injection
	@tools/install-deps.sh
	@$(MAKE) -s check-machine VM_KERNEL=kasan VM_SLOW=$(or $(VM_SLOW),6) \
		VM_JOBS=$(or $(VM_JOBS),$(jobs))

races = test_threads test_block test_poll test_linger test_reqrep test_pubsub \
	test_pipeline test_router test_endpoint test_hwm test_stream test_uring \
	test_zap_life test_curve

check-kcsan: ## the concurrency tests in a kernel with KCSAN
	@tools/install-deps.sh
	@$(MAKE) -s check-machine VM_KERNEL=kcsan VM_SLOW=$(or $(VM_SLOW),6) \
		TESTS="$(or $(TESTS),$(races))"

coverage: ## which lines of kmod/ the tests reach: build/coverage/html; 90 % or it fails
	@tools/install-deps.sh coverage
	@$(py) selftests/coverage.py --kdir=$(vm_kdir_kasan) $$TESTS

# Newer kernels are slower under emulation.
check-6.12: ## all tests in the 6.12 kernel of Debian's backports
	@tools/install-deps.sh
	@$(MAKE) -s check-machine VM_KERNEL=6.12 VM_SLOW=$(or $(VM_SLOW),2) KO=

# the newest kernel has to build, load and do the main things
smoke = test_socket test_pair test_pipeline test_reqrep test_router test_pubsub test_stream \
	test_sendrecv test_sockopt test_poll test_uring test_linger test_endpoint test_large \
	test_proc test_trace test_ipc test_inproc test_monitor test_peers test_matrix_reqrep test_matrix_pubsub test_unload

check-next: ## build for the newest kernel Debian offers, main tests in it
	@tools/install-deps.sh
	@$(MAKE) -s check-machine VM_KERNEL=next VM_SLOW=$(or $(VM_SLOW),2) KO= \
		TESTS="$(or $(TESTS),$(smoke))"

check-machine:
	@$(py) selftests/check.py --machine $$TESTS

clients = $(basename $(notdir $(wildcard selftests/clients/test_*.py)))

check-clients: ## unchanged ZeroMQ programs in many languages on our library
	@tools/install-deps.sh clients
	@$(MAKE) -s userlib
	@$(MAKE) -s -C selftests clients
	@VM_IMAGE=clients $(MAKE) -s check-machine TESTS="$(or $(TESTS),$(clients))"

# The programs of shim/ once more: name@asan, name@tsan, name@valgrind.
shims = $(basename $(notdir $(wildcard selftests/shim/test_*.c)))

check-sanitizers: check-shim-asan check-shim-tsan check-shim-valgrind ## all three

check-shim-asan: ## our library's tests with ASan, LSan and UBSan
	@tools/install-deps.sh
	@$(MAKE) -s -C userlib ASAN=1
	@$(MAKE) -s -C selftests asan SELFTESTS="$(TESTS)"
	@$(MAKE) -s check-machine VM_SLOW=$(or $(VM_SLOW),3) \
		TESTS="$(addsuffix @asan,$(or $(TESTS),$(shims)))"

check-shim-tsan: ## the same with TSan
	@tools/install-deps.sh
	@$(MAKE) -s -C userlib TSAN=1
	@$(MAKE) -s -C selftests tsan SELFTESTS="$(TESTS)"
	@$(MAKE) -s check-machine VM_SLOW=$(or $(VM_SLOW),6) \
		TESTS="$(addsuffix @tsan,$(or $(TESTS),$(shims)))"

check-shim-valgrind: ## the same under valgrind, which takes long
	@tools/install-deps.sh
	@VM_IMAGE=valgrind $(MAKE) -s check-machine VM_SLOW=$(or $(VM_SLOW),12) \
		TESTS="$(addsuffix @valgrind,$(or $(TESTS),$(shims)))"

check-all: ## all that a release needs: every kernel, long runs, coverage, costs
	@selftests/all.sh all

check-rig: ## prove that machine and debug kernels notice what goes wrong
	@tools/install-deps.sh
	@mkdir -p build/rig && cp selftests/vm/rig/Kbuild selftests/vm/rig/zmq.c build/rig
	@$(MAKE) -s -C $(VM_KDIR) M=$(CURDIR)/build/rig modules
	@$(py) selftests/vm/rig/check.py --kdir $(VM_KDIR) --ko build/rig/zmq.ko

demo: ## show real traffic with libzmq peers in the test machine
	@tools/install-deps.sh
	@$(MAKE) -s vm-module selftests
	@$(vm) cmd --timeout 600 --add selftests/demo 'cd /zmq/demo && sh ./run.sh'

bench: ## measure against raw sockets and libzmq, counted in guest instructions
	@tools/install-deps.sh
	@$(MAKE) -s vm-module userlib selftests
	@VM_ICOUNT=1 $(vm) cmd --timeout 3600 'zmqperf --all --icount --gate'

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
man1     = $(wildcard tools/*.1)
man7     = $(wildcard uapi/*.7 userlib/*.7)
tools    = $(if $(wildcard tools/zmqperf*.c),zmqperf)
# Apart from where the loader looks: a system may have libzmq's own as well.
libdir   = $(PREFIX)/lib/zmq-ko
userlib  = $(MAKE) -C userlib LIBDIR=$(libdir) INCDIR=$(PREFIX)/include/zmq-ko

install: install-module install-files ## module, headers, library, manual, tools, sources for dkms; DESTDIR= PREFIX=

install-module: module
	install -D -m 644 -t $(moddir) zmq.ko
	$(if $(DESTDIR),,/sbin/depmod $(krel))

install-files:
	$(if $(tools),$(MAKE) -C selftests tools)
	install -D -m 644 -t $(incdir) uapi/linux/zmq.h
	set -e; for f in $(man7); do install -D -m 644 -t $(mandir)/man7 $$f; done
	set -e; for f in $(man1); do install -D -m 644 -t $(mandir)/man1 $$f; done
	set -e; for f in $(tools); do install -D -t $(bindir) build/selftests/tools/$$f; done
	$(userlib) install-lib
	install -d $(bindir)
	sed 's,@libdir@,$(libdir),' tools/zmqrun > $(bindir)/zmqrun
	chmod 755 $(bindir)/zmqrun
	rm -rf $(srcdir)
	set -e; for f in $(kfiles) Kbuild dkms.conf COPYING; do install -D -m 644 $$f $(srcdir)/$$f; done

uninstall: ## undo install
	rm -f $(moddir)/zmq.ko $(incdir)/zmq.h $(addprefix $(bindir)/,$(tools) zmqrun)
	rm -f $(addprefix $(mandir)/man7/,$(notdir $(man7)))
	rm -f $(addprefix $(mandir)/man1/,$(notdir $(man1)))
	$(userlib) uninstall-lib
	rm -rf $(srcdir)
	$(if $(DESTDIR),,/sbin/depmod $(krel))

print-%:
	@echo '$($*)'

clean: ## remove what was built; the cache in ~/.cache/zmq-ko stays
	rm -rf build
	$(if $(wildcard $(KDIR)/Makefile),$(MAKE) -C $(KDIR) M=$(CURDIR) clean)
	$(if $(wildcard selftests/unit/Makefile),$(MAKE) -C selftests/unit clean)
