// SPDX-License-Identifier: MPL-2.0
/*
 * Sockets: opening, closing, endpoints.
 *
 * Locks: see zl.h. Any thread may use a socket, also several at once.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/zmq.h>

#include "lane.h"
#include "zl.h"

/**
 * zl_family - the number of the address family
 *
 * Return: what the module says, AF_ZMQ when it is not there.
 */
int zl_family(void)
{
	static _Atomic int family;
	int v = atomic_load_explicit(&family, memory_order_relaxed);
	FILE *f;

	if (v)
		return v;
	f = fopen("/sys/module/zmq/parameters/family", "re");
	if (!f)
		return AF_ZMQ;
	if (fscanf(f, "%d", &v) != 1 || v <= 0)
		v = AF_ZMQ;
	else
		atomic_store(&family, v);
	fclose(f);
	return v;
}

/**
 * zl_sock_enter - a socket for the time of a call
 * @handle: what the program gave
 *
 * Return: the socket with a reference, NULL with ENOTSOCK or ETERM.
 */
struct zl_sock *zl_sock_enter(void *handle)
{
	struct zl_sock *s = zl_sock_get(handle);

	if (s && atomic_load_explicit(&s->down, memory_order_relaxed)) {
		zl_sock_put(s);
		errno = ETERM;
		return NULL;
	}
	return s;
}

/**
 * zl_sock_put_last - the end of a closed socket
 * @s: the socket, which nobody uses any more
 */
void zl_sock_put_last(struct zl_sock *s)
{
	struct zl_ctx *ctx = s->ctx;

	zl_ctx_unlink(s);
	zl_fd_close(s);
	zl_rx_free(s);
	zl_props_free_all(s);
	close(s->fd);
	pthread_mutex_destroy(&s->rx_lock);
	pthread_mutex_destroy(&s->lock);
	zl_handle_free(&s->h);
	zl_ctx_gone(ctx);
}

/* Without a limit of time the kernel would go on waiting after a signal. */
static int set_defaults(struct zl_sock *s, const struct zl_ctx *ctx)
{
	int zero = 0, one = 1, err;

	atomic_store(&s->rcvtimeo, -1);
	atomic_store(&s->sndtimeo, -1);
	err = zl_set_timeo(s, ZMQ_RCVTIMEO, -1);
	if (!err)
		err = zl_set_timeo(s, ZMQ_SNDTIMEO, -1);
	if (!err && !ctx->blocky)
		err = zl_kset(s, ZMQ_LINGER, &zero, sizeof(zero));
	if (!err && ctx->ipv6)
		err = zl_kset(s, ZMQ_IPV6, &one, sizeof(one));
	return err;
}

static bool never_dense(int type)
{
	switch (type) {
	case ZMQ_PAIR:
	case ZMQ_DEALER:
	case ZMQ_ROUTER:
	case ZMQ_PULL:
	case ZMQ_SUB:
	case ZMQ_XSUB:
	case ZMQ_XPUB:
		return false;
	}
	return true;
}

static int sock_open(struct zl_sock *s, struct zl_ctx *ctx, int type)
{
	static _Atomic uint32_t serials;
	int err;

	s->fd = socket(zl_family(), SOCK_SEQPACKET | SOCK_CLOEXEC, type);
	if (s->fd < 0)
		return errno == EPROTONOSUPPORT ? EINVAL : errno;
	s->ctx = ctx;
	s->type = type;
	s->epfd = -1;
	s->gen = atomic_load(&zl_generation);
	s->serial = atomic_fetch_add(&serials, 1) + 1;
	atomic_store(&s->no_dense, never_dense(type) ? ZL_NODENSE_TYPE : 0);
	err = zl_ctx_join(ctx, s);
	if (!err)
		err = set_defaults(s, ctx);
	if (!err) {
		pthread_mutex_init(&s->rx_lock, NULL);
		pthread_mutex_init(&s->lock, NULL);
		err = zl_ctx_add(ctx, s);
		if (err) {
			pthread_mutex_destroy(&s->rx_lock);
			pthread_mutex_destroy(&s->lock);
		}
	}
	if (err)
		close(s->fd);
	return err;
}

/* Before the kernel is asked, so that this comes first whatever else is wrong. */
static int ctx_allows(struct zl_ctx *ctx, int type)
{
	int err = 0;

	if (atomic_load(&ctx->shut))
		return ESHUTDOWN;
	pthread_mutex_lock(&ctx->lock);
	if (!ctx->limit)
		ctx->limit = ctx->max_sockets;
	if (ctx->nr >= ctx->limit)
		err = EMFILE;
	pthread_mutex_unlock(&ctx->lock);
	if (!err && (type < ZMQ_PAIR || type > ZMQ_STREAM))
		err = EINVAL;
	return err;
}

void *zmq_socket(void *handle, int type)
{
	struct zl_ctx *ctx = zl_ctx_get(handle);
	struct zl_sock *s = NULL;
	int err;

	if (!ctx)
		return NULL;
	err = ctx_allows(ctx, type);
	if (!err) {
		s = (void *)zl_handle_new(ZL_TAG_SOCK, sizeof(*s));
		err = s ? sock_open(s, ctx, type) : ENOMEM;
	}
	if (!err) {
		atomic_store_explicit(&s->h.state, ZL_OPEN | 1,
				      memory_order_release);
	} else if (s) {
		zl_handle_free(&s->h);
		s = NULL;
	}
	zl_ctx_put(ctx);
	if (err)
		zl_fail(err);
	return s;
}

int zmq_close(void *handle)
{
	struct zl_sock *s = zl_sock_get(handle);
	uint32_t others;

	if (!s)
		return -1;
	if (!zl_handle_close(&s->h, &others)) {
		zl_sock_put(s);
		return zl_fail(ENOTSOCK);
	}
	/* Calls of other threads end; an inherited socket is not only ours. */
	if (others && s->gen == atomic_load(&zl_generation))
		shutdown(s->fd, SHUT_RDWR);
	zl_sock_put(s);
	zl_sock_put(s);
	return 0;
}

static int endpoint_call(void *handle, const char *text,
			 int (*call)(struct zl_sock *s, const char *text))
{
	struct zl_sock *s = zl_sock_enter(handle);
	int err;

	if (!s)
		return -1;
	err = text ? call(s, text) : EINVAL;
	if (err)
		zl_sock_fail(s, err);
	zl_sock_put(s);
	return err ? -1 : 0;
}

int zmq_bind(void *handle, const char *text)
{
	return endpoint_call(handle, text, zl_bind);
}

int zmq_connect(void *handle, const char *text)
{
	return endpoint_call(handle, text, zl_connect);
}

/* There is one way for both; a program may use either. */
int zmq_unbind(void *handle, const char *text)
{
	return endpoint_call(handle, text, zl_end);
}

int zmq_disconnect(void *handle, const char *text)
{
	return endpoint_call(handle, text, zl_end);
}
