// SPDX-License-Identifier: MIT
/* Unix stream sockets. */
#include <errno.h>
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

/*
 * Listen on a socket; what has its name already is replaced. The name appears when the socket
 * listens, not before, so a client that sees it can connect. Returns the descriptor or a negative
 * errno.
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

/* Connect to a socket. Returns the descriptor or a negative errno. */
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
