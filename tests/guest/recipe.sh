# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The recipe of the host root and of the guest image, for provision to source. The names of the
# roots contain a hash of this file and of the lists of packages, without comments, so a change here
# makes new roots.

SUITE=trixie

# Modules the guest can do without; they would be three quarters of its image.
PRUNE=(
	drivers/gpu/drm/{amd,i915,nouveau,radeon,xe,gma500,mgag200,ast,vmwgfx,qxl,hyperv,vboxvideo}
	drivers/{infiniband,media,net,scsi,iio,hwmon,mmc,mtd,nvme,ata,thunderbolt,staging,usb,isdn,edac,md,message,bluetooth,comedi,target,crypto,platform,power,accel}
	fs/{btrfs,xfs,ceph,smb,nfs,nfsd,ocfs2,gfs2,f2fs,jfs,dlm,bcachefs,reiserfs,ubifs,afs,ntfs3,orangefs,udf}
	net sound
)

# The parts of the kernel source that check our text, and make pages of it.
CHECKERS=(
	scripts/checkpatch.pl scripts/spelling.txt scripts/const_structs.checkpatch
	scripts/checker-valid.sh
	'scripts/kernel-doc*' 'tools/docs/kernel-doc*' 'tools/lib/python/*' 'scripts/lib/*'
	Documentation/sphinx/kerneldoc.py
)

packages()
{
	awk -v at="$2" '
		/^#/ || !NF { next }
		/^@/ { if (at) print substr($1, 2); next }
		{ if (!at) print $1 }' "$VGPU_GUEST_DIR/$1.packages" | paste -sd "$3"
}

# bootstrap DIR INCLUDE HOOK: a root made by mmdebstrap; HOOK runs with it as $1.
bootstrap()
{
	local dir=$1 include=$2 hook=$3 uri opt opts=()
	uri=$(mirror)
	# Proxies and date checks are this machine's business: take over what it has.
	while IFS= read -r opt; do
		opts+=(--aptopt="$opt")
	done < <(apt-config dump | grep -E '^Acquire::(https?::|Check-)[^ ]* "[^"]+";')
	rm -rf -- "$dir"
	# shellcheck disable=SC2016
	mmdebstrap --mode=root --format=directory --variant=apt \
		--aptopt='Acquire::Retries "5"' --aptopt='Acquire::Languages "none"' \
		--aptopt='APT::Install-Recommends "false"' "${opts[@]}" \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$include" \
		--setup-hook='mkdir -p "$1/usr/share/man/man1" "$1/usr/share/man/man8"' \
		--customize-hook="$hook" \
		"$SUITE" "$dir" \
		"deb $uri $SUITE main" "deb $uri $SUITE-backports main"
}

# from_forky ROOT DIR PACKAGE...: unpack packages of the next Debian into DIR below ROOT,
# without what they depend on. Its index may be past its date here; signatures count.
from_forky()
{
	local root=$1 dir=$2 list deb
	shift 2
	list=$root/etc/apt/sources.list.d/forky.list
	echo "deb [check-valid-until=no] $(mirror) forky main" >"$list"
	mkdir -p "$root/var/tmp/forky" "$root$dir"
	retry 3 chroot "$root" apt-get update -qq
	# shellcheck disable=SC2016
	retry 3 chroot "$root" sh -c 'cd /var/tmp/forky && apt-get download -qq -o APT::Sandbox::User=root "$@"' sh "${@/%//forky}"
	for deb in "$root"/var/tmp/forky/*.deb; do
		chroot "$root" dpkg-deb --extract "${deb#"$root"}" "$dir"
	done
	rm -rf -- "$list" "$root/var/tmp/forky"
	chroot "$root" apt-get update -qq
}

# Runs inside mmdebstrap for the host root, with the root as $1.
host_hook()
{
	local root=$1 short pkg headers=() at src dir
	for short in "${VGPU_KERNELS[@]}"; do
		pkg=$(chroot "$root" apt-cache pkgnames "linux-headers-$short." |
			grep -E "^linux-headers-${short//./\\.}\.[0-9]+\+deb13-amd64$" | sort -V | tail -n 1) ||
			die "no headers of kernel $short in $SUITE or its backports"
		headers+=("$pkg")
		echo "$short ${pkg#linux-headers-}" >>"$root/etc/vgpu-kernels.new"
	done
	src=linux-source-${VGPU_KERNELS[0]}
	mapfile -t at < <(packages host 1 '\n')
	log "host: ${headers[*]} $src ${at[*]}"
	chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		-o Dpkg::Use-Pty=0 -t "$SUITE-backports" "${at[@]}" "${headers[@]}" "$src"
	log "host: unpacking the checkers of $src"
	mkdir -p "$root/opt/checkers"
	tar -C "$root/opt/checkers" --strip-components=1 --wildcards -xJf "$root/usr/src/$src.tar.xz" \
		"${CHECKERS[@]/#/$src/}" 2>/dev/null || true
	[ -x "$root/opt/checkers/scripts/checkpatch.pl" ] || die "no checkpatch.pl in $src"
	# The headers come without it, and sparse would be left out in silence.
	for dir in "$root"/usr/src/linux-headers-*-common/scripts; do
		[ -e "$dir/checker-valid.sh" ] || install -m 755 "$root/opt/checkers/scripts/checker-valid.sh" "$dir/"
	done
	# trixie's sparse is older than the 7.3 headers want.
	from_forky "$root" /var/tmp/sparse sparse
	install -m 755 "$root/var/tmp/sparse/usr/bin/sparse" "$root/usr/local/bin/sparse"
	rm -rf -- "$root/var/tmp/sparse"
	chroot "$root" apt-get clean
	mv "$root/etc/vgpu-kernels.new" "$root/etc/vgpu-kernels"
}

# Runs inside mmdebstrap for the guest root, with the root as $1.
guest_hook()
{
	local root=$1 short v pkgs dir m
	for short in "${VGPU_KERNELS[@]}"; do
		v=$(kver "$short")
		pkgs=("linux-image-$v")
		if chroot "$root" apt-cache show "linux-modules-$v" >/dev/null 2>&1; then
			pkgs=("linux-binary-$v" "linux-modules-$v" "linux-base-$v")
		fi
		log "guest: ${pkgs[*]}"
		mkdir -p "$root/var/tmp/kernel"
		# Unpacked, not installed: nothing here needs an initramfs of Debian's.
		# shellcheck disable=SC2016
		retry 3 chroot "$root" sh -c 'cd /var/tmp/kernel && apt-get download -qq -o APT::Sandbox::User=root "$@"' sh "${pkgs[@]}"
		for m in "$root"/var/tmp/kernel/*.deb; do
			chroot "$root" dpkg-deb --extract "${m#"$root"}" /var/tmp/kernel/x
		done
		dir=$(find "$root/var/tmp/kernel/x" -type d -path "*/lib/modules/$v")
		for m in "${PRUNE[@]}"; do
			rm -rf -- "$dir/kernel/$m"
		done
		mkdir -p "$root/opt/peer/$v" "$root/usr/lib/modules"
		find "$dir/kernel/drivers/gpu/drm/virtio" -name 'virtio-gpu.ko*' -exec mv -t "$root/opt/peer/$v" {} +
		unxz -q "$root/opt/peer/$v/"*.xz 2>/dev/null || true
		[ -e "$root/opt/peer/$v/virtio-gpu.ko" ] || die "kernel $v has no virtio-gpu.ko"
		mv "$dir" "$root/usr/lib/modules/$v"
		m=$(find "$root/var/tmp/kernel/x" -name "vmlinuz-$v" -o -path "*/modules/$v/vmlinuz" | head -n 1)
		[ -n "$m" ] || m=$root/usr/lib/modules/$v/vmlinuz
		mkdir -p "$root/boot"
		cp "$m" "$root/boot/vmlinuz-$v"
		# The guest has the slower processor: unpack them here.
		find "$root/usr/lib/modules/$v" -name '*.ko.xz' -print0 | xargs -0 -r -n 64 -P 2 unxz -q
		chroot "$root" depmod "$v"
		rm -rf -- "$root/var/tmp/kernel"
	done
	# IGT is not in trixie. One library of its own suite goes with it, beside the guest's.
	from_forky "$root" / igt-gpu-tools igt-gpu-tools-tests
	from_forky "$root" /opt/igt libdrm-amdgpu1
	# shellcheck disable=SC2016
	chroot "$root" sh -c 'LD_LIBRARY_PATH=$(dirname /opt/igt/usr/lib/*/libdrm_amdgpu.so.1) /usr/libexec/igt-gpu-tools/core_auth --list-subtests' >/dev/null ||
		die "IGT does not run in the guest root"
	mkdir -p "$root/vgpu"
	ln -sfn /vgpu/out "$root/out"
	echo guest >"$root/etc/hostname"
	: >"$root/etc/fstab"
	chroot "$root" apt-get clean
	rm -rf -- "$root/var/lib/apt/lists/"*
}

# initramfs ROOT KVER FILE: busybox and the modules that reach the root disk.
initramfs()
{
	local root=$1 v=$2 out=$3 d m mod
	d=$(mktemp -d)
	mkdir -p "$d"/{bin,dev,proc,sys,newroot,modules}
	cp "$(host_root)/usr/bin/busybox" "$d/bin/busybox"
	install -m 755 "$VGPU_GUEST_DIR/initramfs" "$d/init"
	: >"$d/modules.list"
	for m in virtio_pci virtio_blk ext4; do
		chroot "$root" modprobe --set-version "$v" --show-depends "$m" |
			awk '$1 == "insmod" { print $2 }' >>"$d/modules.list"
	done
	awk '!seen[$0]++' "$d/modules.list" >"$d/list"
	: >"$d/modules.list"
	while IFS= read -r mod; do
		m=$(basename "${mod%.xz}")
		case $mod in
			*.xz) xz -dc "$root$mod" >"$d/modules/$m" ;;
			*) cp "$root$mod" "$d/modules/$m" ;;
		esac
		echo "$m" >>"$d/modules.list"
	done <"$d/list"
	rm "$d/list"
	(cd "$d" && find . | in_host sh -c "cd '$d' && cpio --quiet -o -H newc -R 0:0 | zstd -q -6 -c") >"$out"
	rm -rf -- "$d"
}
