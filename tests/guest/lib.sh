# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Shared by the scripts of tests/guest: paths, messages, the cache and the host root. To be
# sourced; it defines names and changes nothing else.

set -euo pipefail
export LC_ALL=C.UTF-8

VGPU_GUEST_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck disable=SC2034
VGPU_TOP=$(cd -- "$VGPU_GUEST_DIR/../.." && pwd -P)
VGPU_CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/virtio-gpu
# The kernels we build for and boot, newest first. The first one is the default.
# shellcheck disable=SC2034
VGPU_KERNELS=(7.3 6.12)
# The architecture of the guest, if it is one of machine.sh; then in-host, build, kver() and
# guest_dir() are about that one. For x86-64 with PCI it is empty.
VGPU_MACHINE=${VGPU_MACHINE:-}

log()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	log "error: $*"
	exit 1
}

# Print a short name for the text on stdin.
hash()
{
	sha256sum | cut -c1-16
}

# commit_choice NAME...: print the one that this commit's hash chooses.
commit_choice()
{
	local choices=("$@") hash
	hash=$(git -C "$VGPU_TOP" rev-parse HEAD 2>/dev/null) || hash=0
	echo "${choices[16#${hash:0:8} % $#]}"
}

# retry N CMD...: for downloads only; a test is never retried.
retry()
{
	local n=$1 i
	shift
	for ((i = 1; i <= n; i++)); do
		"$@" && return 0
		log "attempt $i of $n failed: $1"
		((i == n)) || sleep $((i * 5))
	done
	return 1
}

# Print the help text of a script: its leading comment after the SPDX line.
usage()
{
	awk 'NR <= 2 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"
}

need_root()
{
	[ "$(id -u)" -eq 0 ] || die "must run as root, for mounts and chroot: sudo make ..., or a root shell"
}

# The Debian mirror this machine is set up with, as apt knows it.
mirror()
{
	local fmt uri
	# shellcheck disable=SC2016
	fmt='$(REPO_URI) $(ORIGIN) $(LABEL) $(SUITE)'
	uri=$(apt-get indextargets --format "$fmt" 'Created-By: Packages' |
		awk '$2 == "Debian" && $3 == "Debian" && $4 !~ /-/ && !n++ { print $1 }')
	if [ -z "$uri" ]; then
		# No index has been fetched yet: read what is configured.
		uri=$(apt-get update --print-uris 2>/dev/null | tr -d "'" |
			awk '$1 ~ /\/debian\/dists\// && !n++ { sub(/dists\/.*/, "", $1); print $1 }')
	fi
	[ -n "$uri" ] || die "apt names no Debian mirror here: put one into /etc/apt/sources.list.d/, then apt-get update"
	printf '%s\n' "$uri"
}

# Print the lines of recipes that count, without comments and blank lines. Their hash is a part of
# the name of a root, so a change of a recipe makes a new root.
recipe()
{
	local f
	for f in "$@"; do
		grep -vE '^[[:blank:]]*(#|$)' "$VGPU_GUEST_DIR/$f"
	done
}

host_key()
{
	recipe recipe.sh host.packages | hash
}

guest_key()
{
	recipe recipe.sh host.packages guest.packages initramfs | hash
}

host_root()
{
	printf '%s/host-%s\n' "$VGPU_CACHE" "$(host_key)"
}

machine_key()
{
	{
		host_key
		recipe initramfs provision-machine machine.packages
		machine_kernels "$VGPU_MACHINE"
		machine_modules "$VGPU_MACHINE"
		machine_tools "$VGPU_MACHINE"
		machine_packages "$VGPU_MACHINE"
	} | hash
}

# Image, kernels and the kernel's own modules of the guest.
guest_dir()
{
	if [ -n "$VGPU_MACHINE" ]; then
		printf '%s/machine-%s-%s\n' "$VGPU_CACHE" "$VGPU_MACHINE" "$(machine_key)"
	else
		printf '%s/guest-%s\n' "$VGPU_CACHE" "$(guest_key)"
	fi
}

desktop_key()
{
	{ guest_key; recipe desktop.packages desktop/recipe.sh; } | hash
}

# The root image with desktops.
desktop_dir()
{
	printf '%s/desktop-%s\n' "$VGPU_CACHE" "$(desktop_key)"
}

# kver SHORT: "7.3" to the full release string of the provisioned kernel.
kver()
{
	local v list
	list=$(host_root)/etc/vgpu-kernels
	[ -z "$VGPU_MACHINE" ] || list=$(guest_dir)/kernels
	v=$(awk -v s="$1" '$1 == s || $2 == s { print $2 }' "$list" 2>/dev/null) || true
	[ -n "$v" ] || die "kernel $1 is not provisioned${VGPU_MACHINE:+ for $VGPU_MACHINE} (have: $(awk '{ printf "%s ", $1 }' "$list" 2>/dev/null))"
	printf '%s\n' "$v"
}

# in_host CMD...: run CMD in the host root; see in-host.
in_host()
{
	"$VGPU_GUEST_DIR/in-host" "$@"
}

# shellcheck source=tests/guest/machine.sh
. "$VGPU_GUEST_DIR/machine.sh"
