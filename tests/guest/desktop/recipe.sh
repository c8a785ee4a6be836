# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The recipe of the image with desktops, for provision to source after recipe.sh. Kernels, initramfs
# and the kernel's own driver are the guest image's.

# Runs inside mmdebstrap for the root with desktops, with the root as $1.
desktop_hook()
{
	local root=$1 v short
	mkdir -p "$root/vgpu" "$root/usr/lib/modules"
	for short in "${VGPU_KERNELS[@]}"; do
		v=$(kver "$short")
		in_host debugfs -R "rdump /usr/lib/modules/$v $root/usr/lib/modules" "$(guest_dir)/root.img" 2>/dev/null
		[ -e "$root/usr/lib/modules/$v/modules.dep" ] || die "the guest image has no modules of $v"
	done
	ln -sfn /vgpu/out "$root/out"
	echo guest >"$root/etc/hostname"
	echo "127.0.0.1 localhost guest" >"$root/etc/hosts"
	: >"$root/etc/fstab"
	# A machine that has started before, and a user without a password.
	echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
	chroot "$root" useradd --create-home --shell /bin/bash --groups video,render,input,tty user
	chroot "$root" passwd --quiet --delete user
	# None of these has anything to do here.
	chroot "$root" systemctl --quiet mask systemd-networkd.service systemd-timesyncd.service apt-daily.timer \
		apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer \
		systemd-tmpfiles-clean.timer serial-getty@ttyS0.service
	chroot "$root" apt-get clean
	rm -rf -- "$root/var/lib/apt/lists/"*
}
