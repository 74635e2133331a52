// SPDX-License-Identifier: GPL-2.0
/* zmqperf over AF_ZMQ: plain system calls */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/zmq.h>

#include "zmqperf.h"

#define MAX_BATCH	1024	/* entries of a control message */

struct zp_sock {
	int fd;
	unsigned int rcvbatch;
};

static int family;

/* The module tells which family it has taken */
static const char *af_probe(void)
{
	FILE *f = fopen("/sys/module/zmq/parameters/family", "re");
	static char why[80];
	int fd;

	family = AF_ZMQ;
	if (f) {
		if (fscanf(f, "%d", &family) != 1)
			family = AF_ZMQ;
		fclose(f);
	}
	fd = socket(family, SOCK_SEQPACKET, ZMQ_PAIR);
	if (fd < 0) {
		snprintf(why, sizeof(why), "socket(%d): %m", family);
		return why;
	}
	close(fd);
	return NULL;
}

static void set_opt(struct zp_sock *s, int option, const void *value,
		    socklen_t len)
{
	if (setsockopt(s->fd, SOL_ZMQ, option, value, len))
		zp_die("afzmq: option %d: %m", option);
}

static void set_int(struct zp_sock *s, int option, int value)
{
	set_opt(s, option, &value, sizeof(value));
}

static void set_curve(struct zp_sock *s, int server)
{
	set_opt(s, ZMQ_CURVE_PUBLICKEY, ZP_CURVE_PUBLIC, 40);
	set_opt(s, ZMQ_CURVE_SECRETKEY, ZP_CURVE_SECRET, 40);
	if (server)
		set_int(s, ZMQ_CURVE_SERVER, 1);
	else
		set_opt(s, ZMQ_CURVE_SERVERKEY, ZP_CURVE_PUBLIC, 40);
}

static struct zp_sock *af_open(const struct zp_run *run, enum zp_type type)
{
	static const int types[] = {
		[ZP_REQ] = ZMQ_REQ, [ZP_REP] = ZMQ_REP,
		[ZP_PUSH] = ZMQ_PUSH, [ZP_PULL] = ZMQ_PULL,
		[ZP_PUB] = ZMQ_PUB, [ZP_SUB] = ZMQ_SUB,
	};
	struct zp_sock *s = calloc(1, sizeof(*s));

	if (!s)
		zp_die("afzmq: no memory");
	s->fd = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC, types[type]);
	if (s->fd < 0)
		zp_die("afzmq: socket: %m");
	set_int(s, ZMQ_LINGER, 0);
	if (run->curve)
		set_curve(s, !run->side);
	if (type == ZP_PUB)
		set_int(s, ZMQ_XPUB_NODROP, 1);
	if (type == ZP_SUB)
		set_opt(s, ZMQ_SUBSCRIBE, "", 0);
	return s;
}

static void af_bind(struct zp_sock *s, char *ep, size_t size)
{
	socklen_t len = size;

	set_int(s, ZMQ_BACKLOG, 4096);
	set_opt(s, ZMQ_BIND, ep, strlen(ep) + 1);
	if (getsockopt(s->fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len))
		zp_die("afzmq: LAST_ENDPOINT: %m");
}

static void af_connect(struct zp_sock *s, const char *ep)
{
	set_opt(s, ZMQ_CONNECT, ep, strlen(ep) + 1);
}

/**
 * zp_af_peers - connections of a socket that finished the handshake
 * @fd: AF_ZMQ socket
 */
unsigned int zp_af_peers(int fd)
{
	struct zmq_stats st = { 0 };
	socklen_t len = sizeof(st);

	if (getsockopt(fd, SOL_ZMQ, ZMQ_STATS, &st, &len))
		zp_die("afzmq: STATS: %m");
	return st.peers;
}

/**
 * zp_af_fd - the descriptor
 * @s: AF_ZMQ socket
 */
int zp_af_fd(const struct zp_sock *s)
{
	return s->fd;
}

static void af_ready(struct zp_sock *s, unsigned int peers)
{
	while (zp_af_peers(s->fd) < peers)
		zp_relax();
}

static void af_idle(struct zp_sock *s)
{
	while (zp_af_peers(s->fd))
		zp_relax();
}

static void af_send(struct zp_sock *s, const void *buf, size_t len)
{
	ssize_t n = send(s->fd, buf, len, MSG_NOSIGNAL);

	if (n < 0)
		zp_die("afzmq: send: %m");
	if ((size_t)n != len)
		zp_die("afzmq: %zd octets sent, not %zu", n, len);
}

static size_t af_recv(struct zp_sock *s, void *buf, size_t len)
{
	ssize_t n = recv(s->fd, buf, len, 0);

	if (n < 0)
		zp_die("afzmq: recv: %m");
	return n;
}

union frames {
	struct cmsghdr align;
	char buf[CMSG_SPACE(MAX_BATCH * sizeof(__u32))];
};

static void af_send_batch(struct zp_sock *s, const void *buf, size_t len,
			  unsigned int n)
{
	union frames cm;
	struct iovec iov = { .iov_base = (void *)buf };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = cm.buf,
	};
	struct cmsghdr *c = &cm.align;
	__u32 *frame = (__u32 *)CMSG_DATA(c);
	unsigned int i;
	ssize_t sent;

	for (i = 0; i < n; i++)
		frame[i] = len;
	c->cmsg_level = SOL_ZMQ;
	c->cmsg_type = ZMQ_CMSG_FRAMES;
	/* The messages are all alike: what was not taken is sent once more */
	while (n) {
		c->cmsg_len = CMSG_LEN(n * sizeof(*frame));
		msg.msg_controllen = CMSG_SPACE(n * sizeof(*frame));
		iov.iov_len = n * len;
		sent = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
		if (sent < 0)
			zp_die("afzmq: sendmsg: %m");
		if (sent % len || (size_t)sent > n * len)
			zp_die("afzmq: %zd octets taken", sent);
		n -= sent / len;
	}
}

static unsigned int af_recv_batch(struct zp_sock *s, void *buf, size_t len,
				  unsigned int n)
{
	union frames cm;
	struct iovec iov = { .iov_base = buf, .iov_len = n * len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = cm.buf,
		.msg_controllen = CMSG_SPACE(n * sizeof(__u32)),
	};
	struct cmsghdr *c;
	unsigned int i, got;
	__u32 *frame;
	ssize_t size;

	if (s->rcvbatch != n) {
		set_int(s, ZMQ_RCVBATCH, n);
		s->rcvbatch = n;
	}
	size = recvmsg(s->fd, &msg, 0);
	if (size < 0)
		zp_die("afzmq: recvmsg: %m");
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_ZMQ || c->cmsg_type != ZMQ_CMSG_FRAMES)
		zp_die("afzmq: no frame lengths");
	frame = (__u32 *)CMSG_DATA(c);
	got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(*frame);
	for (i = 0; i < got; i++)
		if (frame[i] != len)
			zp_die("afzmq: a frame of %u octets", frame[i]);
	if (!got || got > n || got * len != (size_t)size)
		zp_die("afzmq: %u frames, %zd octets", got, size);
	return got;
}

static void af_close(struct zp_sock *s)
{
	close(s->fd);
	free(s);
}

const struct zp_impl zp_afzmq = {
	.name = "afzmq",
	.probe = af_probe,
	.open = af_open,
	.bind = af_bind,
	.connect = af_connect,
	.ready = af_ready,
	.idle = af_idle,
	.send = af_send,
	.recv = af_recv,
	.send_batch = af_send_batch,
	.recv_batch = af_recv_batch,
	.close = af_close,
};
