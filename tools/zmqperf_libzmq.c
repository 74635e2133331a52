// SPDX-License-Identifier: GPL-2.0
/*
 * zmqperf over libzmq, with its defaults and its cheapest calls: zmq_send()
 * from the user's memory, and received messages are not copied out.
 */
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "zmqperf.h"

#define MANY	100000

struct zp_sock {
	void *zs;
	zmq_msg_t msg;
	unsigned int fds;	/* of the process when nobody was connected */
};

static void *zctx;	/* one a process, made after the fork */

static const char *libzmq_probe(void)
{
	return NULL;
}

static void set_int(struct zp_sock *s, int option, int value)
{
	if (zmq_setsockopt(s->zs, option, &value, sizeof(value)))
		zp_die("libzmq: option %d: %s", option,
		       zmq_strerror(zmq_errno()));
}

static struct zp_sock *libzmq_open(enum zp_type type)
{
	static const int types[] = {
		[ZP_REQ] = ZMQ_REQ, [ZP_REP] = ZMQ_REP,
		[ZP_PUSH] = ZMQ_PUSH, [ZP_PULL] = ZMQ_PULL,
		[ZP_PUB] = ZMQ_PUB, [ZP_SUB] = ZMQ_SUB,
	};
	struct zp_sock *s = malloc(sizeof(*s));

	if (!s)
		zp_die("libzmq: no memory");
	if (!zctx) {
		zctx = zmq_ctx_new();
		if (!zctx || zmq_ctx_set(zctx, ZMQ_MAX_SOCKETS, MANY))
			zp_die("libzmq: no context");
	}
	s->zs = zmq_socket(zctx, types[type]);
	if (!s->zs)
		zp_die("libzmq: socket: %s", zmq_strerror(zmq_errno()));
	set_int(s, ZMQ_LINGER, 0);
	if (type == ZP_PUB)
		set_int(s, ZMQ_XPUB_NODROP, 1);
	if (type == ZP_SUB && zmq_setsockopt(s->zs, ZMQ_SUBSCRIBE, "", 0))
		zp_die("libzmq: subscribe: %s", zmq_strerror(zmq_errno()));
	zmq_msg_init(&s->msg);
	return s;
}

static void libzmq_bind(struct zp_sock *s, char *ep, size_t size)
{
	set_int(s, ZMQ_BACKLOG, 4096);
	if (zmq_bind(s->zs, "tcp://127.0.0.1:*") ||
	    zmq_getsockopt(s->zs, ZMQ_LAST_ENDPOINT, ep, &size))
		zp_die("libzmq: bind: %s", zmq_strerror(zmq_errno()));
	s->fds = zp_count_fds();
}

static void libzmq_connect(struct zp_sock *s, const char *ep)
{
	if (zmq_connect(s->zs, ep))
		zp_die("libzmq: connect: %s", zmq_strerror(zmq_errno()));
}

/* Its connections come up by themselves; what is sent before waits */
static void libzmq_ready(struct zp_sock *s, unsigned int peers)
{
	(void)s;
	(void)peers;
}

/* Each connection has a descriptor, closed when it is torn down */
static void libzmq_idle(struct zp_sock *s)
{
	while (zp_count_fds() > s->fds)
		zp_relax();
}

static void libzmq_send(struct zp_sock *s, const void *buf, size_t len)
{
	if (zmq_send(s->zs, buf, len, 0) < 0)
		zp_die("libzmq: send: %s", zmq_strerror(zmq_errno()));
}

static size_t libzmq_recv(struct zp_sock *s, void *buf, size_t len)
{
	int n = zmq_msg_recv(&s->msg, s->zs, 0);

	if (n < 0)
		zp_die("libzmq: recv: %s", zmq_strerror(zmq_errno()));
	/* So that the caller sees what came, at little cost */
	if (n && len)
		*(char *)buf = *(char *)zmq_msg_data(&s->msg);
	return n;
}

static void libzmq_close(struct zp_sock *s)
{
	zmq_msg_close(&s->msg);
	zmq_close(s->zs);
	free(s);
}

const struct zp_impl zp_libzmq = {
	.name = "libzmq",
	.probe = libzmq_probe,
	.open = libzmq_open,
	.bind = libzmq_bind,
	.connect = libzmq_connect,
	.ready = libzmq_ready,
	.idle = libzmq_idle,
	.send = libzmq_send,
	.recv = libzmq_recv,
	.close = libzmq_close,
};
