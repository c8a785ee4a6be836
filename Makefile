# SPDX-License-Identifier: MIT
# Kbuild has the list of objects, the scripts do the work; see "make help".

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
DESTDIR ?=
DEMO ?= glxgears

export DEMO

.PHONY: bench bench-quick desktops help modules install uninstall clean run shell check check-kcsan check-long check-machines check-quick in-tree mutants provision rows series soak suites

help:
	@sed -n 's/^## //p' Makefile

## make run [DEMO=glxgears|kmscube|weston|console|desktop] build, boot a guest with each driver, show them; as root
run:
	tests/guest/demo $(DEMO)

## make shell               a shell in a guest with our module; as root
shell:
	tests/guest/run --interactive

## make check               every kind of test; the last line counts the results; as root
check:
	scripts/ci/check

## make check-quick         the tests for every edit; as root
check-quick:
	scripts/ci/check --quick

## make check-long          all tests, for hours; an interrupted run goes on where it stopped; as root
check-long:
	scripts/ci/check --long

## make desktops            desktops in guests with systemd; goes on where it stopped; as root
desktops:
	scripts/ci/check --long 'desktop-*'

## make suites              piglit and x11perf on both drivers; goes on where it stopped; as root
suites:
	scripts/ci/check --long 'suite*'

## make check-kcsan         races under the data race detector; first builds a kernel for half an hour; as root
check-kcsan:
	tests/guest/uml/kcsan

## make check-machines      other machines, kernels and hosts, for hours; goes on where it stopped; as root
check-machines:
	scripts/ci/check --long 'machine-*'

## make soak                the fuzzers, for hours; as root
soak:
	tests/guest/uml/ioctl-fuzz --seeds 1001..1010 --calls 100000
	tests/guest/uml/ioctl-fuzz --seeds 2001..2010 --calls 60000 --host-rate 200
	tests/guest/uml/faults --fuzz 3001..3100

## make rows                test both drivers for each known fault of the kernel's own; as root
rows:
	tests/guest/uml/rows

## make mutants             put an error into each place of the driver in turn; a test must fail; for hours, as root
mutants:
	tests/mutants/run

## make bench               measure the cost of each operation on both drivers; as root
bench:
	tests/bench/run --frames --flat

## make bench-quick         measure the most important ones, and compare with the limits; as root
bench-quick:
	tests/bench/run --limits tests/bench/limits.txt --quick

## make provision           only make the Debian root and the guest image of the tests; as root
provision:
	tests/guest/provision

## make modules [KVER=...]  build virtio-gpu.ko for this machine's kernel, or for KVER
modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

## make install [KVER=...] [DESTDIR=...]   to /lib/modules/KVER/updates, where modprobe looks first
install: modules
	install -D -m 644 virtio-gpu.ko $(DESTDIR)/lib/modules/$(KVER)/updates/virtio-gpu.ko
	depmod $(if $(DESTDIR),-b $(DESTDIR)) $(KVER)

## make uninstall           undo make install
uninstall:
	rm -f $(DESTDIR)/lib/modules/$(KVER)/updates/virtio-gpu.ko
	depmod $(if $(DESTDIR),-b $(DESTDIR)) $(KVER)

## make in-tree KERNEL=DIR  lay the driver into the source of the newest kernel, in DIR
in-tree:
	scripts/in-tree "$(KERNEL)"

## make series KERNEL=DIR   write it as patches for that source, in build/series/
series:
	scripts/series "$(KERNEL)"

## make clean               remove the files of a build; the cache stays
clean:
	find drivers include tests/kunit \( -name '*.o' -o -name '.*.cmd' \) -delete 2>/dev/null || true
	rm -rf build *.o *.ko *.mod *.mod.c .*.cmd Module.symvers modules.order
