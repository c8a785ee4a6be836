// SPDX-License-Identifier: MIT
/* Messages of the vhost-user protocol on a stream socket. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost_user.h"

static int recv_full(int fd, void *buf, size_t len)
{
	u8 *p = buf;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		p += n;
		len -= n;
	}
	return 0;
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

/**
 * vhu_recv - Receive one message
 * @fd: the socket
 * @msg: filled in; its file descriptors are then the caller's
 *
 * Return: 0 or a negative errno; the connection is of no use then.
 */
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
	do {
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -ECONNRESET;
	recv_fds(msg, &mh);
	ret = recv_full(fd, (u8 *)&msg->hdr + n, sizeof(msg->hdr) - n);
	if (ret)
		return ret;
	if (msg->hdr.size > sizeof(msg->payload) ||
	    (msg->hdr.flags & VHU_FLAG_VERSION_MASK) != VHU_VERSION)
		return -EPROTO;
	memset(msg->payload, 0, sizeof(msg->payload));
	return recv_full(fd, msg->payload, msg->hdr.size);
}

/**
 * vhu_send - Send one message
 * @fd: the socket
 * @hdr: its header; @hdr->size bytes follow
 * @payload: those bytes
 * @pass_fd: file descriptor to send along, or -1
 *
 * Return: 0 or a negative errno.
 */
int vhu_send(int fd, const struct vhu_hdr *hdr, const void *payload, int pass_fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov[2] = { { (void *)hdr, sizeof(*hdr) },
				{ (void *)payload, hdr->size } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = hdr->size ? 2 : 1 };
	size_t left = sizeof(*hdr) + hdr->size;

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
	while (left) {
		ssize_t n = sendmsg(fd, &mh, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		left -= n;
		mh.msg_controllen = 0;
		for (unsigned int i = 0; i < 2 && n; i++) {
			size_t k = MIN((size_t)n, iov[i].iov_len);

			iov[i].iov_base = (u8 *)iov[i].iov_base + k;
			iov[i].iov_len -= k;
			n -= k;
		}
	}
	return 0;
}
