// SPDX-License-Identifier: MIT
/* Messages of the vhost-user protocol on a stream socket. */
#include <errno.h>
#include <sys/socket.h>

#include "vhost_user.h"

/* The socket blocks, and signals come through the loop: a short count is the end. */
static int recv_all(int fd, void *buf, size_t len)
{
	ssize_t n = len ? recv(fd, buf, len, MSG_WAITALL) : 0;

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ECONNRESET;
}

static void recv_fds(struct vhu_msg *msg, struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = MIN(n, (size_t)VHU_FDS_MAX);
		memcpy(msg->fd, CMSG_DATA(c), n * sizeof(int));
		msg->nfd = n;
	}
}

/* Receive a message; its descriptors are the caller's. Returns 0 or a negative errno. */
int vhu_recv(int fd, struct vhu_msg *msg)
{
	char control[CMSG_SPACE(VHU_FDS_MAX * sizeof(int))];
	struct iovec iov = { &msg->hdr, sizeof(msg->hdr) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control) };
	ssize_t n;
	int ret;

	msg->nfd = 0;
	n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n ? -errno : -ECONNRESET;
	recv_fds(msg, &mh);
	ret = recv_all(fd, (u8 *)&msg->hdr + n, sizeof(msg->hdr) - n);
	if (ret)
		return ret;
	if (msg->hdr.size > sizeof(msg->payload) ||
	    (msg->hdr.flags & VHU_FLAG_VERSION_MASK) != VHU_VERSION)
		return -EPROTO;
	memset(msg->payload, 0, sizeof(msg->payload));
	return recv_all(fd, msg->payload, msg->hdr.size);
}

/* Send a message of hdr->size bytes, with a descriptor or -1. Returns 0 or a negative errno. */
int vhu_send(int fd, const struct vhu_hdr *hdr, const void *payload, int pass_fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov[2] = { { (void *)hdr, sizeof(*hdr) },
				{ (void *)payload, hdr->size } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = hdr->size ? 2 : 1 };
	ssize_t n;

	if (pass_fd >= 0) {
		struct cmsghdr *c;

		mh.msg_control = control;
		mh.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
	}
	n = sendmsg(fd, &mh, MSG_NOSIGNAL);
	if (n < 0)
		return -errno;
	return (size_t)n == sizeof(*hdr) + hdr->size ? 0 : -EPIPE;
}
