# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Functions for jobs, to be sourced; in the guest at /vgpu/lib.sh. It defines functions and
# changes nothing else.

. /vgpu/ppm.sh

say()
{
	printf '%s\n' "$*"
}

fail()
{
	printf 'FAIL: %s\n' "$*"
	exit 1
}

# wait_for SECONDS WHAT CMD...: until CMD succeeds. The bound is for hangs only.
wait_for()
{
	local n=$(($1 * 5)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || fail "waited too long for $what"
		sleep 0.2
	done
}

# The build id of the loaded module, or nothing.
driver_id()
{
	local note=/sys/module/virtio_gpu/notes/.note.gnu.build-id
	[ ! -e "$note" ] || od -An -v -tx1 -j16 "$note" | tr -d ' \n'
}

# Load the driver under test by its path: nothing else can come in its place.
driver_load()
{
	local m params
	read -ra params <<<"${VGPU_MODULE_PARAMS:-}"
	for m in $(modinfo -F depends /vgpu/module/virtio-gpu.ko | tr ',' ' '); do
		modprobe "$m" || return
	done
	insmod /vgpu/module/virtio-gpu.ko "${params[@]}" "$@" || return
	udevadm settle --timeout=120
	[ "$(driver_id)" = "$VGPU_BUILD_ID" ] || {
		say "loaded module has build id $(driver_id), asked for $VGPU_BUILD_ID"
		return 1
	}
}

# fbcon holds the driver: let go of it first.
driver_unload()
{
	local vt
	for vt in /sys/class/vtconsole/vtcon*; do
		if grep -q 'frame buffer' "$vt/name"; then
			echo 0 >"$vt/bind"
		fi
	done
	rmmod virtio_gpu
}

# The DRM node of our device: card or render.
drm_node()
{
	local n
	for n in /sys/class/drm/"$1"*; do
		case $(readlink -f "$n/device/driver") in
			*/virtio_gpu) ;;
			*) [ -e "$n/device/drm" ] || continue ;;
		esac
		case ${n##*/} in
			*-*) ;;
			*) printf '/dev/dri/%s\n' "${n##*/}"; return ;;
		esac
	done
	return 1
}

XORG_PID=
# More lines for the device in Xorg's configuration.
XORG_DEVICE=
xorg_start()
{
	mkdir -p /tmp/xorg
	cat >/tmp/xorg/xorg.conf <<-END
		Section "ServerFlags"
			Option "AutoAddDevices" "false"
			Option "BlankTime" "0"
			Option "StandbyTime" "0"
			Option "OffTime" "0"
		EndSection
		Section "Device"
			Identifier "gpu"
			Driver "modesetting"
			$XORG_DEVICE
		EndSection
	END
	export DISPLAY=:0
	/usr/lib/xorg/Xorg :0 vt2 -config /tmp/xorg/xorg.conf -logfile /out/Xorg.log -noreset -ac \
		-nolisten tcp "$@" >/out/Xorg.out 2>&1 &
	XORG_PID=$!
	wait_for 120 Xorg xorg_up
}

xorg_up()
{
	kill -0 "$XORG_PID" 2>/dev/null || { tail -n 20 /out/Xorg.log /out/Xorg.out; fail "Xorg died"; }
	xdpyinfo
}

xorg_stop()
{
	kill "$XORG_PID"
	wait "$XORG_PID" || true
	XORG_PID=
}

gears=
# glxgears, not held back by the display's refresh: the way of a frame is what counts.
gears_start()
{
	vblank_mode=0 stdbuf -oL glxgears -geometry 600x600+100+50 >/out/glxgears.txt 2>&1 &
	gears=$!
}

# gears_reported N: has it said so often how many frames it draws?
gears_reported()
{
	kill -0 "$gears" || { cat /out/glxgears.txt; fail "glxgears died"; }
	[ "$(grep -c FPS /out/glxgears.txt)" -ge "$1" ]
}

gears_stop()
{
	kill "$gears"
	wait "$gears" || true
	gears=
}

# heads_start NODE: the program "heads" beside the job (--put heads).
heads_start()
{
	coproc HEADS { exec heads "$1"; }
}

heads_tell()
{
	printf '%s\n' "$1" >&"${HEADS[1]}"
}

# heads_wait LAST: print what it says until a line begins with LAST. Not in a subshell, which
# would not have the other end.
heads_wait()
{
	local line
	while IFS= read -r -t 120 line <&"${HEADS[0]}"; do
		printf '%s\n' "$line"
		case $line in
			"$1"*) return ;;
		esac
	done
	fail "heads does not say \"$1\""
}

# heads_frames N: until every head has shown N more.
heads_frames()
{
	heads_tell "frames $1"
	heads_wait frames >/dev/null
}

# heads_compare NAME [DEVICE]: stand still; what every head shows must be what the host's screen has.
heads_compare()
{
	local word n size frames at _
	heads_tell "show /out/$1"
	heads_wait end >"/out/$1.txt"
	while read -r word n size frames at _; do
		[ "$word" = head ] || continue
		wait_for 60 "the picture of head $n of ${2:-gpu0}" heads_same "$1" "$n" "${2:-}"
		say "${2:-gpu0} head $n: $size at $at, $frames flips, the screen shows the last"
	done <"/out/$1.txt"
}

heads_same()
{
	# Without a device there is no third word.
	# shellcheck disable=SC2086
	[ "$(screendump "$1-$2-seen" "$2" $3)" = "$(ppm_id "/out/$1-$2.ppm")" ]
}

heads_stop()
{
	local pid=$HEADS_PID
	eval "exec ${HEADS[1]}>&-"
	wait "$pid" || fail "heads ended with status $?"
}

# ppm_close A B: the same but for rounding, which is 2 steps of 255; more in 1 pixel of 10000
# at most (edges).
ppm_close()
{
	local total far w h
	pamarith -difference "$1" "$2" >/out/difference.ppm
	total=$(ppm_count /out/difference.ppm 0)
	far=$(ppm_count /out/difference.ppm 2)
	say "different $total pixels, by more than 2: $far"
	read -r w h _ < <(ppm_id "$1")
	[ "$((far * 10000))" -le "$((w * h))" ]
}

# ppm_count FILE N: pixels with a component above N.
ppm_count()
{
	ppm_rgb "$1" | od -An -v -tu1 -w3 | awk -v n="$2" '$1 > n || $2 > n || $3 > n { c++ } END { print c + 0 }'
}

# gl_frame_shown CARD: what virgl draws (--put gl-frame) is what the host's screen has, to the pixel.
gl_frame_shown()
{
	cat >/tmp/gl-compare <<-'END'
		#!/bin/bash
		. /vgpu/lib.sh
		same()
		{
			[ "$(screendump shown)" = "$(ppm_id /out/expected.ppm)" ]
		}
		wait_for 60 "the picture on the screen" same
	END
	chmod +x /tmp/gl-compare
	gl-frame --node "$1" --show /tmp/gl-compare /out/expected.ppm || fail "what the screen shows is not what was drawn"
	say "shown     $(ppm_id /out/expected.ppm)"
}
