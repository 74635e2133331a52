// SPDX-License-Identifier: GPL-2.0
/*
 * zmqperf over plain TCP, and over a Unix stream for ipc: the least that any
 * messaging over these can cost. TCP_NODELAY, blocking calls, no framing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "zmqperf.h"

/*
 * A listener and the connections it accepted, or the connections made. What
 * is received comes from the newest one.
 */
struct zp_sock {
	enum zp_type type;
	enum zp_transport transport;
	int listener;
	unsigned int n;
	int fd[];
};

static const char *raw_probe(void)
{
	return NULL;
}

static struct zp_sock *raw_open(const struct zp_run *run, enum zp_type type)
{
	/* Only a server that fans out or stands idle has many */
	unsigned int max = type == ZP_PULL || type == ZP_PUB ? ZP_MAX_FDS : 1;
	struct zp_sock *s = malloc(sizeof(*s) + max * sizeof(s->fd[0]));

	if (!s)
		zp_die("raw: no memory");
	s->type = type;
	s->transport = run->transport;
	s->listener = -1;
	s->n = 0;
	return s;
}

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_un un;
};

/* The address of an endpoint's text, of port * too; tells its length */
static socklen_t address(const struct zp_sock *s, const char *ep,
			 union address *a)
{
	const char *name = strchr(ep, '@');
	size_t len;

	memset(a, 0, sizeof(*a));
	if (s->transport == ZP_TCP) {
		a->in.sin_family = AF_INET;
		a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (!strchr(ep, '*'))
			a->in.sin_port = htons(zp_port(ep));
		return sizeof(a->in);
	}
	if (!name || strlen(name) > sizeof(a->un.sun_path))
		zp_die("raw: no abstract name in endpoint '%s'", ep);
	len = strlen(name);
	a->un.sun_family = AF_UNIX;
	memcpy(a->un.sun_path + 1, name + 1, len - 1);
	return offsetof(struct sockaddr_un, sun_path) + len;
}

static int new_socket(const struct zp_sock *s)
{
	int fd = socket(s->transport == ZP_TCP ? AF_INET : AF_UNIX,
			SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		zp_die("raw: socket: %m");
	return fd;
}

static void no_delay(const struct zp_sock *s, int fd)
{
	int one = 1;

	if (s->transport == ZP_TCP &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		zp_die("raw: TCP_NODELAY: %m");
}

static void raw_bind(struct zp_sock *s, char *ep, size_t size)
{
	union address a;
	socklen_t len = address(s, ep, &a);

	s->listener = new_socket(s);
	if (bind(s->listener, &a.sa, len) || listen(s->listener, SOMAXCONN) ||
	    getsockname(s->listener, &a.sa, &len))
		zp_die("raw: bind: %m");
	if (s->transport == ZP_TCP)
		snprintf(ep, size, "tcp://127.0.0.1:%u", ntohs(a.in.sin_port));
}

static void raw_connect(struct zp_sock *s, const char *ep)
{
	union address a;
	socklen_t len = address(s, ep, &a);
	int fd = new_socket(s);

	if (connect(fd, &a.sa, len))
		zp_die("raw: connect: %m");
	no_delay(s, fd);
	s->fd[s->n++] = fd;
}

static void accept_one(struct zp_sock *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		zp_die("raw: accept: %m");
	no_delay(s, fd);
	s->fd[s->n++] = fd;
}

static void raw_ready(struct zp_sock *s, unsigned int peers)
{
	if (s->listener < 0)
		return;
	if (peers > ZP_MAX_FDS)
		zp_die("raw: more than %u connections", ZP_MAX_FDS);
	while (s->n < peers)
		accept_one(s);
}

static void raw_idle(struct zp_sock *s)
{
	char c;

	while (s->n) {
		if (recv(s->fd[s->n - 1], &c, 1, 0) > 0)
			zp_die("raw: more octets than were sent");
		close(s->fd[--s->n]);
	}
}

static void send_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0)
			zp_die("raw: send: %m");
		buf += n;
		len -= n;
	}
}

static void raw_send(struct zp_sock *s, const void *buf, size_t len)
{
	unsigned int i;

	if (s->type != ZP_PUB) {
		send_all(s->fd[s->n - 1], buf, len);
		return;
	}
	for (i = 0; i < s->n; i++)
		send_all(s->fd[i], buf, len);
}

/*
 * A server that answers serves one connection after the other, as each is
 * closed by its client.
 */
static size_t recv_some(struct zp_sock *s, void *buf, size_t len)
{
	ssize_t n;

	for (;;) {
		if (!s->n)
			accept_one(s);
		n = recv(s->fd[s->n - 1], buf, len, 0);
		if (n > 0)
			return n;
		if (n < 0)
			zp_die("raw: recv: %m");
		if (s->type != ZP_REP)
			zp_die("raw: connection closed");
		close(s->fd[--s->n]);
	}
}

static size_t raw_recv(struct zp_sock *s, void *buf, size_t len)
{
	size_t got = recv_some(s, buf, len);

	if (s->type == ZP_PULL || s->type == ZP_SUB)
		return got;
	while (got < len)
		got += recv_some(s, (char *)buf + got, len - got);
	return got;
}

static void raw_close(struct zp_sock *s)
{
	while (s->n)
		close(s->fd[--s->n]);
	if (s->listener >= 0)
		close(s->listener);
	free(s);
}

const struct zp_impl zp_raw = {
	.name = "raw",
	.probe = raw_probe,
	.open = raw_open,
	.bind = raw_bind,
	.connect = raw_connect,
	.ready = raw_ready,
	.idle = raw_idle,
	.send = raw_send,
	.recv = raw_recv,
	.close = raw_close,
};
