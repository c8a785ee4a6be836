# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Functions for the job in a guest with desktops, to be sourced after /vgpu/lib.sh. A file of
# session/ knows one desktop, by functions of these names:
#
#   session_script         print the script that the user's session runs
#   session_up             has the desktop come up?
#   session_renderer       print by what it draws (if not by what its clients draw by)
#   session_bare W H       print the boxes of a screen without windows (optional), as session_boxes
#   session_show           show the reference: a window of colour WINDOW on a screen of colour SCREEN
#   session_boxes W H      print where these are, as lines "X Y WIDTH HEIGHT RRGGBB PERCENT"
#   session_capture FILE   take a picture of the screen by the desktop's own way, as PPM
#   session_power on|off   the outputs
#   session_fit W H        have the desktop use the size of the host's window (if it does not by itself)
#   session_animate        start a client that draws each frame (if not weston-simple-egl)

RUNTIME=/run/user/1000
WINDOW=30c060 SCREEN=2266aa
# A program that leaves its terminal empty, without a cursor.
BLANK=(sh -c "printf '\033[?25l'; exec sleep infinity")
export WINDOW SCREEN

# await SECONDS WHAT CMD...: as wait_for, but by the clock: what is awaited here takes its time to look at.
await()
{
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "waited too long for $what"
		sleep 0.2
	done
}

# user_exec CMD...: become a program of the session's user, with the session's environment.
user_exec()
{
	local env=(HOME=/home/user USER=user XDG_RUNTIME_DIR="$RUNTIME" DBUS_SESSION_BUS_ADDRESS="unix:path=$RUNTIME/bus")
	env+=(WAYLAND_DISPLAY="$(wayland_display)" DISPLAY=:0 SWAYSOCK="$(find "$RUNTIME" -maxdepth 1 -name 'sway-ipc.*' 2>/dev/null | head -n 1)")
	exec setpriv --reuid=user --regid=user --init-groups env "${env[@]}" "$@"
}

as_user()
{
	(user_exec "$@")
}

wayland_display()
{
	find "$RUNTIME" -maxdepth 1 -name 'wayland-*' -type s -printf '%f\n' 2>/dev/null | head -n 1
}

# client NAME CMD...: a program of the user's, which goes on until client_stop NAME.
client()
{
	local name=$1
	shift
	user_exec "$@" >"/out/client-$name.log" 2>&1 &
	echo $! >"/run/client-$name"
}

client_runs()
{
	kill -0 "$(cat "/run/client-$1")" 2>/dev/null
}

client_stop()
{
	local pid
	pid=$(cat "/run/client-$1")
	kill "$pid" 2>/dev/null || true
	await 60 "the end of $1" client_gone "$pid"
}

client_gone()
{
	! kill -0 "$1" 2>/dev/null
}

# reference OPTIONS: the reference is a terminal without text.
reference()
{
	client reference foot --app-id=reference "$@" -o colors.background=$WINDOW -o resize-by-cells=no "${BLANK[@]}"
}

# What most desktops have in common; a file of session/ may have its own. Compositors draw by what their
# clients draw by.
session_renderer()
{
	as_user eglinfo -B -p wayland | sed -n 's/^OpenGL ES profile renderer: //p' | tail -n 1
}

session_animate()
{
	client animation weston-simple-egl
}

# A session as from a display manager: logind gives it the seat, and a VT that has no login of its own.
session_start()
{
	session_script >/run/session.sh
	chvt 7
	systemd-run --quiet --collect --unit=session --property=PAMName=login --property=User=user \
		--property=TTYPath=/dev/tty7 --property=StandardInput=tty --property=TTYReset=yes \
		--property=StandardOutput=append:/out/session.log --property=StandardError=append:/out/session.log \
		--property=UtmpIdentifier=tty7 --property=UtmpMode=user --property=WorkingDirectory=/home/user \
		--property=KillMode=mixed --property=TimeoutStopSec=60 \
		-E XDG_SESSION_TYPE="${SESSION_TYPE:-wayland}" -E XDG_SESSION_CLASS=user -E XDG_CURRENT_DESKTOP="$DESKTOP" \
		-E PATH="$PATH" -E LC_ALL=C.UTF-8 bash /run/session.sh
	(await 400 "$DESKTOP" session_lives) || { session_report; exit 1; }
}

# What there is to know of a session that does not come up.
session_report()
{
	loginctl list-sessions
	systemctl --no-pager status session user@1000 | tail -n 40
	ps -u user -o pid,stat,wchan:20,args
	tail -n 30 /out/session.log
	journalctl -b --no-pager | tail -n 40
	cat /sys/kernel/debug/dri/0/state
}

session_lives()
{
	systemctl --quiet is-active session || { tail -n 30 /out/session.log; fail "the session ended"; }
	session_up
}

session_stop()
{
	systemctl stop session
	await 120 "the end of the session" session_gone
}

session_gone()
{
	! systemctl --quiet is-active session && [ ! -e "$RUNTIME" ]
}

# screen_shows NAME BOXES: are the boxes on the host's screen that the function BOXES prints?
screen_shows()
{
	local w h x y bw bh colour want have
	read -r w h _ < <(screendump "$1")
	while read -r x y bw bh colour want; do
		have=$(share "$1" "$x" "$y" "$bw" "$bh" "$colour")
		echo "$1: ${w}x$h: $colour in $have % of $x,$y ${bw}x$bh, wanted $want" >>/out/shares.txt
		[ "$have" -ge "$want" ] || return 1
	done < <("$2" "$w" "$h")
}

# await_screen NAME [BOXES]
await_screen()
{
	await 150 "the reference on the screen ($1)" screen_shows "$1" "${2:-session_boxes}"
	tail -n 2 /out/shares.txt
}

# The desktop's own picture is the host's to the pixel.
capture_same()
{
	session_capture /out/capture.ppm && [ "$(screendump "$1")" = "$(ppm_id /out/capture.ppm)" ]
}

TRACING=/sys/kernel/tracing/events/drm/drm_vblank_event_delivered
PROBE=/sys/kernel/debug/vgpu_probe

flips()
{
	awk '/Hits:/ { print $2 }' "$TRACING/hist"
}

flips_reached()
{
	[ "$(flips)" -ge "$1" ]
}

# count_frames N: let at least N frames be flipped to, and print what each costs.
count_frames()
{
	local before after start end
	echo 'hist:keys=crtc' >"$TRACING/trigger"
	start=$(date +%s%N)
	echo 1 >"$PROBE"
	before=$(flips)
	await 300 "$1 frames" flips_reached $((before + $1))
	echo 0 >"$PROBE"
	after=$(flips)
	end=$(date +%s%N)
	echo '!hist:keys=crtc' >"$TRACING/trigger"
	awk -v frames=$((after - before)) -v ns=$((end - start)) '
		{ printf "%s %.3f\n", $1, $2 / frames }
		END { printf "frames %d\nframes-per-second %.1f\n", frames, frames / ns * 1e9 }' "$PROBE" >/out/frames.counts
	cat /out/frames.counts
}

tests=0 failed=''

# check NAME CMD...: one test, as a line of TAP.
check()
{
	local name=$1 rc=0 start=$SECONDS
	shift
	tests=$((tests + 1))
	# Not in a condition, where "set -e" does not count.
	(set -e; "$@") &
	wait $! || rc=$?
	if [ $rc -eq 0 ]; then
		echo "ok $tests $DESKTOP@$name ($((SECONDS - start)) s)"
	else
		echo "not ok $tests $DESKTOP@$name"
		failed+=" $name"
		screendump "failed-$name" >/dev/null || true
		session_report >"/out/failed-$name.txt" 2>&1 || true
	fi
}
