// SPDX-License-Identifier: MIT
/*
 * Usage: x-window ID X Y WIDTH HEIGHT
 *
 * Give a window of the display $DISPLAY a place and a size, as a window manager does for a user who
 * drags it: QEMU then tells the guest the new size of its screen.
 */

#include <X11/Xlib.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	Display *display;

	if (argc != 6) {
		fprintf(stderr, "usage: x-window ID X Y WIDTH HEIGHT\n");
		return 2;
	}
	display = XOpenDisplay(NULL);
	if (!display) {
		fprintf(stderr, "x-window: no display\n");
		return 1;
	}
	XMoveResizeWindow(display, strtoul(argv[1], NULL, 0), atoi(argv[2]), atoi(argv[3]),
			  strtoul(argv[4], NULL, 0), strtoul(argv[5], NULL, 0));
	XCloseDisplay(display);
	return 0;
}
