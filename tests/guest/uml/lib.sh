# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Shared by the scripts of the User Mode Linux laboratory. To be sourced.

UML_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/guest/lib.sh
. "$UML_DIR/../lib.sh"

# Every laboratory kernel: name, architecture, fragments.
# shellcheck disable=SC2034
UML_KINDS=(fast tt smp x86 kcsan)

uml_arch()
{
	case $1 in
		fast | tt | smp) echo um ;;
		x86 | kcsan) echo x86_64 ;;
		*) die "no laboratory kernel is called $1 (have: ${UML_KINDS[*]})" ;;
	esac
}

uml_frags()
{
	case $1 in
		fast) echo common.frag uml.frag fast.frag ;;
		tt | smp) echo common.frag uml.frag checks.frag memcheck.frag "$1.frag" ;;
		x86) echo common.frag x86.frag checks.frag memcheck.frag ;;
		kcsan) echo common.frag x86.frag checks.frag kcsan.frag ;;
		*) die "no laboratory kernel is called $1 (have: ${UML_KINDS[*]})" ;;
	esac
}

# The version of the kernel source package in the host root.
uml_source()
{
	local v
	# shellcheck disable=SC2016
	v=$(dpkg-query --admindir "$(host_root)/var/lib/dpkg" -W -f '${Version}' \
		"linux-source-${VGPU_KERNELS[0]}") ||
		die "the host root has no kernel source; run tests/guest/provision"
	printf '%s\n' "$v"
}

uml_compiler()
{
	# shellcheck disable=SC2016
	dpkg-query --admindir "$(host_root)/var/lib/dpkg" -W -f '${Version}' gcc
}

uml_source_key()
{
	{ uml_source; cat "$UML_DIR/kernel-source" "$UML_DIR/stackwalk.h"; } | hash
}

uml_key()
{
	local frags
	read -ra frags <<<"$(uml_frags "$1")"
	{
		uml_source_key
		uml_compiler
		(cd "$UML_DIR/kernels" && cat ../kernel-config "${frags[@]}")
	} | hash
}

uml_source_dir()
{
	printf '%s/uml-source-%s\n' "$VGPU_CACHE" "$(uml_source_key)"
}

# Where the kernel of this kind is, or will be:
#   linux or bzImage   the kernel            build/   for modules outside the tree
#   modules/           the kernel's own      config, release
uml_kernel_dir()
{
	printf '%s/uml-%s-%s\n' "$VGPU_CACHE" "$1" "$(uml_key "$1")"
}

build_id_of()
{
	readelf -n "$1" | awk '/Build ID/ { print $NF }'
}

# make_ready KIND DRIVER [MODULE]: what run would make each time, for many runs
# with --ready. A caller that has made it for several scripts sets VGPU_LAB_READY.
make_ready()
{
	[ -z "${VGPU_LAB_READY:-}" ] || return 0
	"$VGPU_GUEST_DIR/provision" host
	"$UML_DIR/build" "$1"
	"$UML_DIR/build-programs"
	[ "$2" != ours ] || [ -n "${3:-}" ] || "$UML_DIR/module" "$1" >/dev/null
}

# lane CMD...: run CMD in the background, as many at a time as there are processors.
# Guests have a time of their own, so they do not notice each other.
lane()
{
	while [ "$(jobs -rp | wc -l)" -ge "${VGPU_LANES:-$(nproc)}" ]; do
		wait -n || true
	done
	"$@" &
}
