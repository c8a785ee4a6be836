# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Functions with which host and guest identify a picture. To be sourced.

# The width and height of a raw PPM.
ppm_size()
{
	head -c 64 "$1" | awk 'NR == 1 && $1 != "P6" { exit } NR > 1 && !/^#/ { print; exit }'
}

# The RGB bytes of a raw PPM.
ppm_rgb()
{
	local w h
	read -r w h < <(ppm_size "$1")
	tail -c $((w * h * 3)) "$1"
}

# ppm_id FILE: "WIDTH HEIGHT SHA256", the hash being that of its RGB bytes.
ppm_id()
{
	printf '%s %s\n' "$(ppm_size "$1")" "$(ppm_rgb "$1" | sha256sum | cut -d' ' -f1)"
}
