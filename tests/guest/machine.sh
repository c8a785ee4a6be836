# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The machines that guests run on beside x86-64 with PCI (tests/guest/run --machine), and what
# is needed for their architectures, whose names are Debian's. To be sourced.

# machine_arch MACHINE: its architecture.
machine_arch()
{
	case $1 in
		amd64 | arm64 | riscv64) echo "$1" ;;
		microvm) echo amd64 ;;
		*) die "no machine is called $1; see machine.sh" ;;
	esac
}

machine_triplet()
{
	case $1 in
		amd64 | headers) echo x86_64-linux-gnu ;;
		arm64) echo aarch64-linux-gnu ;;
		armhf) echo arm-linux-gnueabihf ;;
		i386) echo i686-linux-gnu ;;
		ppc64el) echo powerpc64le-linux-gnu ;;
		riscv64) echo riscv64-linux-gnu ;;
		s390x) echo s390x-linux-gnu ;;
		*) die "no machine has the architecture $1; see machine.sh" ;;
	esac
}

# machine_has_guest ARCH: whether guests are booted, or programs and modules only built: "headers" has
# the headers of all kernels for amd64, and "i386" no kernel, since Debian has none any more, but its
# programs run on the 64-bit one.
machine_has_guest()
{
	case $1 in
		amd64 | arm64 | riscv64) ;;
		*) return 1 ;;
	esac
}

# The directory of libraries. All but i386 have the compiler's name for it.
machine_libdir()
{
	case $1 in
		i386) echo i386-linux-gnu ;;
		*) machine_triplet "$1" ;;
	esac
}

# What the kernel's makefiles call it.
machine_kbuild_arch()
{
	case $1 in
		amd64 | headers | i386) echo x86 ;;
		arm64) echo arm64 ;;
		armhf) echo arm ;;
		ppc64el) echo powerpc ;;
		riscv64) echo riscv ;;
		s390x) echo s390 ;;
	esac
}

# Lines "SHORT FLAVOUR [SUITE]"; SHORT is what the option --kernel takes.
machine_kernels()
{
	case $1 in
		amd64) printf '%s\n' "7.3 amd64" "7.3-rt rt-amd64" "6.12-rt rt-amd64" ;;
		arm64) printf '%s\n' "7.3 arm64" "7.3-16k arm64-16k" "6.12 arm64" ;;
		armhf) printf '%s\n' "7.3 armmp" "6.12 armmp" ;;
		headers)
			printf '%s\n' "7.3 amd64" "7.3-rt rt-amd64" "7.2 amd64" "7.2-rt rt-amd64" "6.12 amd64" "6.12-rt rt-amd64" \
				"7.2-sid amd64 deb14" "7.2-sid-rt rt-amd64 deb14"
			;;
		ppc64el) printf '%s\n' "7.3-64k powerpc64le-64k" "6.12-64k powerpc64le-64k" ;;
		riscv64) printf '%s\n' "7.3 riscv64" "6.12 riscv64" ;;
		s390x) printf '%s\n' "7.3 s390x" "6.12 s390x" ;;
	esac
}

# More packages for the tools: QEMU, where it is not in the host root; for amd64 the SPICE server, and
# what clients of displays are built with, and what signs kernels. "@" marks what comes from the backports.
machine_tools()
{
	case $1 in
		amd64) echo @qemu-system-modules-spice libspice-client-glib-2.0-dev sbsigntool ;;
		riscv64) echo @qemu-system-riscv ;;
	esac
}

# More packages for the guest: for amd64, whose kernels are the real-time ones, an X client and cyclictest.
machine_packages()
{
	case $1 in
		amd64) echo xserver-xorg-core x11-utils mesa-utils mesa-utils-bin libgl1-mesa-dri rt-tests ;;
	esac
}

# The modules that reach the disks and the serial lines.
machine_modules()
{
	echo virtio_blk ext4 virtio_console virtio_pci virtio_mmio
}

# machine_qemu MACHINE: set "machine" to QEMU and its arguments for the machine, "transport" to the end
# of the names of its virtio devices, "console" to its first serial line, "lines" to the two others, and add
# to "append".
# shellcheck disable=SC2034
machine_qemu()
{
	lines=(hvc0 hvc1) transport=pci
	case $1 in
		amd64) machine=(qemu-system-x86_64 -M "q35,memory-backend=m" -cpu max) console=ttyS0 ;;
		arm64)
			machine=(qemu-system-aarch64 -M "virt,memory-backend=m" -cpu "max,pauth-impdef=on")
			machine+=(-global virtio-mmio.force-legacy=false)
			console=ttyAMA0
			;;
		microvm)
			# The other firmware reserves the end of memory, where QEMU has put the initramfs.
			machine=(qemu-system-x86_64 -M "microvm,memory-backend=m" -bios qboot.rom -cpu max -global virtio-mmio.force-legacy=false)
			# Emulated, it has nothing to measure the frequency of the time stamp counter by, and the counter is the host's.
			append+=" tsc_early_khz=$(awk '/^cpu MHz/ { printf "%d", $4 * 1000; exit }' /proc/cpuinfo)"
			console=ttyS0 transport=device
			;;
		riscv64) machine=(qemu-system-riscv64 -M "virt,memory-backend=m") console=ttyS0 ;;
	esac
}
