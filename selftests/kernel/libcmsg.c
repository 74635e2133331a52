// SPDX-License-Identifier: GPL-2.0
/* Whole messages in one call: the control message of frame lengths. */
#include "lib.h"

/* @nlen may be 0 (a control message without entries), -1 sends none. */
ssize_t send_frames(int fd, const struct iovec *iov, int niov,
		    const __u32 *len, int nlen, int flags)
{
	size_t space = CMSG_SPACE((nlen < 0 ? 0 : nlen) * sizeof(*len));
	char *control = calloc(1, space);
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = niov,
	};
	struct cmsghdr *c;
	ssize_t n;
	int err;

	KZ_CHECK(control);
	if (nlen >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = space;
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_ZMQ;
		c->cmsg_type = ZMQ_CMSG_FRAMES;
		c->cmsg_len = CMSG_LEN(nlen * sizeof(*len));
		if (nlen)
			memcpy(CMSG_DATA(c), len, nlen * sizeof(*len));
		msg.msg_controllen = c->cmsg_len;
	}
	n = sendmsg(fd, &msg, flags);
	err = errno;
	free(control);
	errno = err;
	return n;
}

/*
 * @nlen: in: entries there is room for (-1: no control buffer), out: entries
 * received. @flags: in: of the call, out: msg_flags.
 */
ssize_t recv_frames(int fd, void *buf, size_t size, __u32 *len, int *nlen,
		    int *flags)
{
	int room = *nlen;
	size_t space = CMSG_SPACE((room < 0 ? 0 : room) * sizeof(*len));
	char *control = calloc(1, space);
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;
	int err;

	KZ_CHECK(control);
	if (room >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_LEN(room * sizeof(*len));
	}
	n = recvmsg(fd, &msg, *flags);
	err = errno;
	*flags = msg.msg_flags;
	*nlen = 0;
	for (c = CMSG_FIRSTHDR(&msg); n >= 0 && c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_ZMQ || c->cmsg_type != ZMQ_CMSG_FRAMES)
			continue;
		*nlen = (c->cmsg_len - CMSG_LEN(0)) / sizeof(*len);
		memcpy(len, CMSG_DATA(c), *nlen * sizeof(*len));
	}
	free(control);
	errno = err;
	return n;
}
