# SPDX-License-Identifier: MIT
# Thin: Kbuild has the list of objects, the scripts do the work. "make help".

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
DESTDIR ?=
DEMO ?= glxgears

export DEMO

.PHONY: bench bench-quick help modules install uninstall clean run shell check check-kcsan check-long check-quick mutants provision rows soak

help:
	@sed -n 's/^## //p' Makefile

## make run [DEMO=glxgears|kmscube|weston|console]   build, boot a guest, show it; as root
run:
	tests/guest/demo $(DEMO)

## make shell               a shell in a guest with our module; as root
shell:
	tests/guest/run --interactive

## make check               every test; the last line counts them; as root
check:
	scripts/ci/check

## make check-quick         what to run at every edit
check-quick:
	scripts/ci/check --quick

## make check-long          every case there is, for hours; goes on where it was interrupted; as root
check-long:
	scripts/ci/check --long

## make check-kcsan         races under the data race detector; builds a kernel first, half an hour; as root
check-kcsan:
	tests/guest/uml/kcsan

## make soak                the fuzzers for hours: a million calls, 100,000 answers of a hostile host; as root
soak:
	tests/guest/uml/ioctl-fuzz --seeds 1001..1010 --calls 100000
	tests/guest/uml/ioctl-fuzz --seeds 2001..2010 --calls 60000 --host-rate 200
	tests/guest/uml/faults --fuzz 3001..3100

## make rows                what is wrong with the kernel's own driver, row by row, and with ours; as root
rows:
	tests/guest/uml/rows

## make mutants             take away each check of the driver, and see a test fail; hours, as root
mutants:
	tests/guest/uml/mutants

## make bench               what each operation costs on both drivers; as root
bench:
	tests/bench/run --frames

## make bench-quick         the most important of them, held against what was reached before
bench-quick:
	tests/bench/run --limits tests/bench/limits.txt --quick

## make provision           only make the roots and the guest image both of them use
provision:
	tests/guest/provision

## make modules [KVER=...]  virtio-gpu.ko for this machine's kernel, or that one
modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

## make install [KVER=...] [DESTDIR=...]   to /lib/modules/KVER/updates, where it goes first
install: modules
	install -D -m 644 virtio-gpu.ko $(DESTDIR)/lib/modules/$(KVER)/updates/virtio-gpu.ko
	depmod $(if $(DESTDIR),-b $(DESTDIR)) $(KVER)

## make uninstall
uninstall:
	rm -f $(DESTDIR)/lib/modules/$(KVER)/updates/virtio-gpu.ko
	depmod $(if $(DESTDIR),-b $(DESTDIR)) $(KVER)

## make clean               what a build leaves; the cache stays
clean:
	find drivers include tests/kunit \( -name '*.o' -o -name '.*.cmd' \) -delete 2>/dev/null || true
	rm -rf build *.o *.ko *.mod *.mod.c .*.cmd Module.symvers modules.order
