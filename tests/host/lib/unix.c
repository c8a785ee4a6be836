// SPDX-License-Identifier: MIT
/* Unix stream sockets. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unix.h"

static int unix_socket(const char *path, struct sockaddr_un *sa)
{
	int fd;

	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	strcpy(sa->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/**
 * unix_listen - Make a listening socket
 * @path: its name; what has it already is replaced
 *
 * The name appears when the socket listens, not before: who sees it can
 * connect.
 *
 * Return: file descriptor, or a negative errno.
 */
int unix_listen(const char *path)
{
	char early[256];
	struct sockaddr_un sa;
	int fd, ret;

	if ((size_t)snprintf(early, sizeof(early), "%s~", path) >= sizeof(early))
		return -ENAMETOOLONG;
	fd = unix_socket(early, &sa);
	if (fd < 0)
		return fd;
	unlink(early);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 8) ||
	    rename(early, path)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/**
 * unix_accept - Accept a connection
 * @fd: a listening socket that can be read
 *
 * Where there are no descriptors left, the connection is closed: a socket that stays
 * readable would keep the loop busy.
 *
 * Return: file descriptor, or -1.
 */
int unix_accept(int fd)
{
	static int spare = -1;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0 && (errno == EMFILE || errno == ENFILE) && spare >= 0) {
		close(spare);
		close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
		spare = -1;
	}
	if (spare < 0)
		spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return client;
}

/**
 * unix_connect - Connect to a socket
 * @path: its name
 *
 * Return: file descriptor, or a negative errno.
 */
int unix_connect(const char *path)
{
	struct sockaddr_un sa;
	int fd = unix_socket(path, &sa), ret;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}
