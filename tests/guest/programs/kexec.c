// SPDX-License-Identifier: MIT
/*
 * kexec: start another kernel from this one. See help.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char help[] =
	"usage: kexec KERNEL INITRD COMMAND-LINE\n"
	"Shuts the devices down as a reboot does and starts KERNEL, without the firmware.\n";

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs(help, argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
		return 2;
	}
	if (syscall(SYS_kexec_file_load, open_file(argv[1]), open_file(argv[2]), strlen(argv[3]) + 1, argv[3], 0L))
		err(1, "the kernel is not loaded");
	reboot(LINUX_REBOOT_CMD_KEXEC);
	err(1, "the kernel does not start");
}
