# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What run and profile share: the device that a case is measured on.

# shellcheck source=tests/guest/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../guest/lib.sh"

# case_device CASE: one that has what the case needs.
case_device()
{
	case $1 in
		blob-*) echo virtio-gpu-gl-pci,blob=on,hostmem=512M,venus=on ;;
		signal-* | *-fixed) echo vgpu-host,vq_size=1024 ;;
		*) echo virtio-gpu-gl-pci ;;
	esac
}

# host_options DEVICE: without EVENT_IDX each command is notified; else that depends on how soon the
# device looks.
host_options()
{
	case $1 in
		vgpu-host*) echo --features -event_idx ;;
	esac
}

# sum_up LOG FILES OPERATIONS [all]: lines "INSTRUCTIONS FUNCTION [MODULE]" an operation, the most
# expensive first, of QEMU's LOG of every instruction and FILES/kallsyms. A line of the log has the
# address as the second field in []. Only what vgpu-bench does is counted, which lies low, unlike all
# other programs; what the kernel does counts for whoever was last in user space. With "all", the
# program does not matter.
sum_up()
{
	{
		awk '{ print "S", $1, $3, $4 }' "$2/kallsyms"
		grep -ao '\[[0-9a-f]*/[0-9a-f]*/' "$1" | cut -d/ -f2 | awk -v all="${4:-}" '
			BEGIN { counts = all != "" }
			$1 < "ffff" && !all { counts = $1 < "0000000001000000" }
			counts { sum[$1]++ }
			END { for (pc in sum) print "T", pc, sum[pc] }'
	} | sort -k2,2 -k1,1 | awk -v ops="$3" '
		# Of a function that the compiler has split the parts count together.
		$1 == "S" { name = $3; sub(/\.(part|isra|constprop|cold)\..*/, "", name); name = name " " $4; next }
		$2 < "ffff000000000000" { name = "(user space)" }
		{ sum[name] += $3; total += $3 }
		END {
			printf "%.1f total\n", total / ops
			for (name in sum)
				printf "%.1f %s\n", sum[name] / ops, name
		}' | sort -rn
}
