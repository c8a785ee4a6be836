# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the jobs share, in the guest at /vgpu/lib.sh. Sourced, it defines functions
# and nothing else.

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
xorg_start()
{
	mkdir -p /tmp/xorg
	cat >/tmp/xorg/xorg.conf <<-'END'
		Section "ServerFlags"
			Option "AutoAddDevices" "false"
			Option "BlankTime" "0"
			Option "StandbyTime" "0"
			Option "OffTime" "0"
		EndSection
		Section "Device"
			Identifier "gpu"
			Driver "modesetting"
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
