/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the demo's programs share: a socket with limits in time, an endpoint,
 * and a way to end. Everything else is plain system calls.
 */
#ifndef ZMQ_DEMO_H
#define ZMQ_DEMO_H

#include <err.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/zmq.h>

/* no call of the demo waits longer than this */
#define DEMO_SECONDS	20

static inline int open_socket(int type)
{
	struct timeval limit = { .tv_sec = DEMO_SECONDS };
	int fd;

	fd = socket(AF_ZMQ, SOCK_SEQPACKET, type);
	if (fd < 0)
		err(1, "socket(AF_ZMQ)");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		err(1, "setsockopt(timeout)");
	setvbuf(stdout, NULL, _IOLBF, 0);
	return fd;
}

static inline socklen_t endpoint(struct sockaddr_zmq *addr, const char *text)
{
	if (strlen(text) >= sizeof(addr->szmq_endpoint))
		errx(1, "%s: too long", text);
	addr->szmq_family = AF_ZMQ;
	strcpy(addr->szmq_endpoint, text);
	return sizeof(*addr);
}

static inline void bind_to(int fd, const char *text)
{
	struct sockaddr_zmq addr;
	socklen_t len = endpoint(&addr, text);

	if (bind(fd, (struct sockaddr *)&addr, len))
		err(1, "bind(%s)", text);
	/* tells whoever started us that we listen */
	printf("listening at %s\n", text);
}

static inline void connect_to(int fd, const char *text)
{
	struct sockaddr_zmq addr;
	socklen_t len = endpoint(&addr, text);

	if (connect(fd, (struct sockaddr *)&addr, len))
		err(1, "connect(%s)", text);
}

/* one frame; tells whether more frames of the message follow */
static inline ssize_t receive(int fd, void *data, size_t room, int *more)
{
	struct iovec iov = { .iov_base = data, .iov_len = room };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t len;

	len = recvmsg(fd, &msg, 0);
	if (len < 0)
		err(1, "recvmsg");
	if (msg.msg_flags & MSG_TRUNC)
		errx(1, "a frame of more than %zu octets", room);
	if (more)
		*more = !(msg.msg_flags & MSG_EOR);
	return len;
}

static inline void transmit(int fd, const void *data, size_t len, int flags)
{
	ssize_t sent = send(fd, data, len, flags);

	if (sent < 0)
		err(1, "send");
	if (sent != len)
		errx(1, "send() took %zd of %zu octets", sent, len);
}

#endif
