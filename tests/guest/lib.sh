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
	[ "$(id -u)" -eq 0 ] || die "must run as root (chroot, mounts)"
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
	[ -n "$uri" ] || die "apt on this machine names no Debian mirror"
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

# Image, kernels and the kernel's own modules of the guest.
guest_dir()
{
	printf '%s/guest-%s\n' "$VGPU_CACHE" "$(guest_key)"
}

# kver SHORT: "7.3" to the full release string of the provisioned kernel.
kver()
{
	local v
	v=$(awk -v s="$1" '$1 == s || $2 == s { print $2 }' "$(host_root)/etc/vgpu-kernels" 2>/dev/null) || true
	[ -n "$v" ] || die "kernel $1 is not provisioned (have: ${VGPU_KERNELS[*]})"
	printf '%s\n' "$v"
}

# in_host CMD...: run CMD in the host root; see in-host.
in_host()
{
	"$VGPU_GUEST_DIR/in-host" "$@"
}
