# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Shared by the scripts of tests/models: the root with the model checkers. To be sourced.

# shellcheck source=tests/guest/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../guest/lib.sh"

# Debian has all of the checkers only in sid.
MODELS_SUITE=sid
MODELS_PACKAGES=(spin cbmc herdtools7 gcc libc6-dev)

models_key()
{
	{ printf '%s\n' "$MODELS_SUITE" "${MODELS_PACKAGES[@]}"; recipe ../models/provision; } | hash
}

models_root()
{
	printf '%s/models-%s\n' "$VGPU_CACHE" "$(models_key)"
}

# in_models CMD...: run CMD in the root of the model checkers, in the top directory, which has the same
# path inside as outside.
in_models()
{
	# shellcheck disable=SC2016
	unshare --mount --propagation private -- bash -c '
		root=$1 top=$2
		shift 2
		mkdir -p "$root$top"
		mount --bind "$top" "$root$top"
		mount --rbind /proc "$root/proc"
		mount --rbind /dev "$root/dev"
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/tmp
		exec chroot "$root" /bin/bash -c '\''cd "$1"; shift; exec "$@"'\'' in-models "$top" "$@"' \
		in-models "$(models_root)" "$VGPU_TOP" "$@"
}
