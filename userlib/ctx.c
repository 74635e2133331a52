// SPDX-License-Identifier: MPL-2.0
/*
 * Contexts: options, the list of sockets, the end.
 *
 * The kernel's context is a scope of inproc names; it is made with the first
 * socket. That a context ends is told to each socket by shutdown(2).
 *
 * A child shares the sockets which it has inherited: it closes its descriptors
 * and leaves everything else to the parent.
 *
 * Locks: zl_ctx.lock. Any thread.
 */
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/zmq.h>

#include "zl.h"

#define SOCKET_LIMIT	65535
#define MAX_SOCKETS	1023

/* A limited wait is never restarted behind the program's back. */
static const struct timespec hour = { .tv_sec = 3600 };

/**
 * zl_ctx_get - a context for the time of a call
 * @ctx: what the program gave
 *
 * Return: the context with a reference, NULL with EFAULT when it is none.
 */
struct zl_ctx *zl_ctx_get(void *ctx)
{
	if (zl_handle_get(ctx, ZL_TAG_CTX))
		return ctx;
	errno = EFAULT;
	return NULL;
}

/**
 * zl_ctx_put - the call ends
 * @ctx: the context
 */
void zl_ctx_put(struct zl_ctx *ctx)
{
	if (!zl_handle_put(&ctx->h))
		return;
	zl_ctx_unlist(ctx);
	if (ctx->fd >= 0)
		close(ctx->fd);
	pthread_mutex_destroy(&ctx->lock);
	zl_handle_free(&ctx->h);
}

void *zmq_ctx_new(void)
{
	struct zl_ctx *ctx;

	ctx = (void *)zl_handle_new(ZL_TAG_CTX, sizeof(*ctx));
	if (!ctx) {
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&ctx->lock, NULL);
	ctx->fd = -1;
	ctx->gen = atomic_load(&zl_generation);
	ctx->io_threads = ZMQ_IO_THREADS_DFLT;
	ctx->max_sockets = MAX_SOCKETS;
	ctx->max_msgsz = INT_MAX;
	ctx->blocky = 1;
	ctx->zero_copy = 1;
	ctx->sched_policy = ZMQ_THREAD_SCHED_POLICY_DFLT;
	ctx->priority = ZMQ_THREAD_PRIORITY_DFLT;
	atomic_store(&ctx->h.state, ZL_OPEN | 1);
	zl_ctx_list(ctx);
	return ctx;
}

/**
 * zl_ctx_join - put a new socket into the kernel's context
 * @ctx: the context
 * @s:   the socket
 *
 * Return: 0 or an errno.
 */
int zl_ctx_join(struct zl_ctx *ctx, struct zl_sock *s)
{
	socklen_t len = sizeof(int);
	int fd, err = 0;

	pthread_mutex_lock(&ctx->lock);
	if (ctx->fd < 0) {
		if (getsockopt(s->fd, SOL_ZMQ, ZMQ_CONTEXT_NEW, &fd, &len))
			err = errno;
		else
			ctx->fd = fd;
	}
	if (!err && setsockopt(s->fd, SOL_ZMQ, ZMQ_CONTEXT, &ctx->fd,
			       sizeof(ctx->fd)))
		err = errno;
	pthread_mutex_unlock(&ctx->lock);
	/* another network namespace: there is no inproc between the two */
	return err == EXDEV ? 0 : err;
}

/**
 * zl_ctx_add - count a new socket
 * @ctx: the context
 * @s:   the socket
 *
 * Return: 0, ESHUTDOWN, or EMFILE when there are too many.
 */
int zl_ctx_add(struct zl_ctx *ctx, struct zl_sock *s)
{
	int err = 0;

	pthread_mutex_lock(&ctx->lock);
	if (atomic_load(&ctx->shut)) {
		err = ESHUTDOWN;
	} else if (ctx->nr >= ctx->limit) {
		err = EMFILE;
	} else {
		ctx->nr++;
		s->next = ctx->socks;
		s->pprev = &ctx->socks;
		if (s->next)
			s->next->pprev = &s->next;
		ctx->socks = s;
	}
	pthread_mutex_unlock(&ctx->lock);
	return err;
}

/**
 * zl_ctx_unlink - nobody finds a socket any more
 * @s: the socket
 */
void zl_ctx_unlink(struct zl_sock *s)
{
	pthread_mutex_lock(&s->ctx->lock);
	*s->pprev = s->next;
	if (s->next)
		s->next->pprev = s->pprev;
	pthread_mutex_unlock(&s->ctx->lock);
}

static long futex(_Atomic uint32_t *word, int op, uint32_t val,
		  const struct timespec *limit)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, limit,
		       NULL, 0);
}

/**
 * zl_ctx_gone - a socket that was unlinked is closed now
 * @ctx: the context
 */
void zl_ctx_gone(struct zl_ctx *ctx)
{
	pthread_mutex_lock(&ctx->lock);
	ctx->nr--;
	atomic_fetch_add(&ctx->moved, 1);
	/* with the lock: the waiter may free the context after it */
	futex(&ctx->moved, FUTEX_WAKE, INT_MAX, NULL);
	pthread_mutex_unlock(&ctx->lock);
}

/* Inherited sockets are the parent's; ours end for everybody. */
static void shut_sockets(struct zl_ctx *ctx)
{
	unsigned int gen = atomic_load(&zl_generation);
	struct zl_sock *s;

	pthread_mutex_lock(&ctx->lock);
	atomic_store(&ctx->shut, true);
	for (s = ctx->socks; s; s = s->next) {
		if (atomic_exchange(&s->down, true))
			continue;
		if (s->gen == gen)
			shutdown(s->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&ctx->lock);
}

/* What the parent has opened is not for the child to close one by one. */
static void close_inherited(struct zl_ctx *ctx)
{
	unsigned int gen = atomic_load(&zl_generation);
	struct zl_sock *s;

	if (ctx->gen == gen)
		return;
	do {
		pthread_mutex_lock(&ctx->lock);
		for (s = ctx->socks; s; s = s->next)
			if (s->gen != gen && (atomic_load(&s->h.state) & ZL_OPEN))
				break;
		pthread_mutex_unlock(&ctx->lock);
		if (s)
			zmq_close(s);
	} while (s);
}

/* Until the program has closed all sockets. 0 or EINTR. */
static int wait_closed(struct zl_ctx *ctx)
{
	uint32_t moved;
	int nr;

	for (;;) {
		moved = atomic_load(&ctx->moved);
		pthread_mutex_lock(&ctx->lock);
		nr = ctx->nr;
		pthread_mutex_unlock(&ctx->lock);
		if (!nr)
			return 0;
		if (futex(&ctx->moved, FUTEX_WAIT, moved, &hour) &&
		    errno == EINTR)
			return EINTR;
	}
}

/* Until the kernel has sent what closed sockets left. 0 or EINTR. */
static int wait_linger(struct zl_ctx *ctx)
{
	struct pollfd p = { .fd = ctx->fd, .events = POLLIN };

	if (ctx->fd < 0 || ctx->gen != atomic_load(&zl_generation))
		return 0;
	return poll(&p, 1, -1) < 0 ? errno : 0;
}

int zmq_ctx_shutdown(void *handle)
{
	struct zl_ctx *ctx = zl_ctx_get(handle);

	if (!ctx)
		return -1;
	shut_sockets(ctx);
	zl_ctx_put(ctx);
	return 0;
}

int zmq_ctx_term(void *handle)
{
	struct zl_ctx *ctx = zl_ctx_get(handle);
	uint32_t others;
	int err;

	if (!ctx)
		return -1;
	shut_sockets(ctx);
	close_inherited(ctx);
	err = wait_closed(ctx);
	if (!err)
		err = wait_linger(ctx);
	if (!err && !zl_handle_close(&ctx->h, &others))
		err = EFAULT;
	if (!err)
		zl_ctx_put(ctx);
	zl_ctx_put(ctx);
	return err ? zl_fail(err) : 0;
}

int zmq_ctx_destroy(void *handle)
{
	return zmq_ctx_term(handle);
}

int zmq_term(void *handle)
{
	return zmq_ctx_term(handle);
}

void *zmq_init(int io_threads)
{
	void *ctx;

	if (io_threads < 0) {
		errno = EINVAL;
		return NULL;
	}
	ctx = zmq_ctx_new();
	if (ctx)
		zmq_ctx_set(ctx, ZMQ_IO_THREADS, io_threads);
	return ctx;
}

static int set_int(int *p, int val, int min, int max)
{
	if (val < min || val > max)
		return EINVAL;
	*p = val;
	return 0;
}

/* A set of CPUs, kept for those who ask to remove one. */
static int set_cpu(struct zl_ctx *ctx, int cpu, bool add)
{
	uint8_t *o, bit;

	if (cpu < 0 || cpu >= (int)sizeof(ctx->cpus) * 8)
		return EINVAL;
	o = &ctx->cpus[cpu / 8];
	bit = 1 << cpu % 8;
	if (!add && !(*o & bit))
		return EINVAL;
	*o = add ? *o | bit : *o & ~bit;
	return 0;
}

static int set_opt(struct zl_ctx *ctx, int opt, int v)
{
	switch (opt) {
	case ZMQ_IO_THREADS:
		return set_int(&ctx->io_threads, v, 0, INT_MAX);
	case ZMQ_MAX_SOCKETS:
		return set_int(&ctx->max_sockets, v, 1, INT_MAX);
	case ZMQ_THREAD_PRIORITY:
		return set_int(&ctx->priority, v, 0, INT_MAX);
	case ZMQ_THREAD_SCHED_POLICY:
		return set_int(&ctx->sched_policy, v, 0, INT_MAX);
	case ZMQ_MAX_MSGSZ:
		return set_int(&ctx->max_msgsz, v, 0, INT_MAX);
	case ZMQ_THREAD_AFFINITY_CPU_ADD:
	case ZMQ_THREAD_AFFINITY_CPU_REMOVE:
		return set_cpu(ctx, v, opt == ZMQ_THREAD_AFFINITY_CPU_ADD);
	case ZMQ_ZERO_COPY_RECV:
		v = v < 0 ? v : !!v;
		return set_int(&ctx->zero_copy, v, 0, 1);
	case ZMQ_IPV6:
		v = v < 0 ? v : !!v;
		return set_int(&ctx->ipv6, v, 0, 1);
	case ZMQ_BLOCKY:
		v = v < 0 ? v : !!v;
		return set_int(&ctx->blocky, v, 0, 1);
	}
	return EINVAL;
}

/* No thread of ours has a name, but the option is kept. */
static int set_prefix(struct zl_ctx *ctx, const void *val, size_t len)
{
	if (!val || !len || len > ZL_PREFIX_MAX)
		return EINVAL;
	memcpy(ctx->prefix, val, len);
	ctx->prefix[len] = '\0';
	return 0;
}

int zmq_ctx_set_ext(void *handle, int opt, const void *val, size_t len)
{
	struct zl_ctx *ctx = zl_ctx_get(handle);
	char num[12];
	int v, err = EINVAL;

	if (!ctx)
		return -1;
	pthread_mutex_lock(&ctx->lock);
	if (val && len == sizeof(v)) {
		memcpy(&v, val, sizeof(v));
		if (opt != ZMQ_THREAD_NAME_PREFIX)
			err = set_opt(ctx, opt, v);
		else if (v >= 0)
			err = set_prefix(ctx, num,
					 snprintf(num, sizeof(num), "%d", v));
	} else if (opt == ZMQ_THREAD_NAME_PREFIX) {
		err = set_prefix(ctx, val, len);
	}
	pthread_mutex_unlock(&ctx->lock);
	zl_ctx_put(ctx);
	return err ? zl_fail(err) : 0;
}

int zmq_ctx_set(void *handle, int opt, int val)
{
	return zmq_ctx_set_ext(handle, opt, &val, sizeof(val));
}

static int get_opt(const struct zl_ctx *ctx, int opt, int *v)
{
	switch (opt) {
	case ZMQ_IO_THREADS:
		*v = ctx->io_threads;
		return 0;
	case ZMQ_MAX_SOCKETS:
		*v = ctx->max_sockets;
		return 0;
	case ZMQ_SOCKET_LIMIT:
		*v = SOCKET_LIMIT;
		return 0;
	case ZMQ_THREAD_SCHED_POLICY:
		*v = ctx->sched_policy;
		return 0;
	case ZMQ_MAX_MSGSZ:
		*v = ctx->max_msgsz;
		return 0;
	case ZMQ_MSG_T_SIZE:
		*v = sizeof(zmq_msg_t);
		return 0;
	case ZMQ_THREAD_NAME_PREFIX:
		*v = atoi(ctx->prefix);
		return 0;
	case ZMQ_ZERO_COPY_RECV:
		*v = ctx->zero_copy;
		return 0;
	case ZMQ_IPV6:
		*v = ctx->ipv6;
		return 0;
	case ZMQ_BLOCKY:
		*v = ctx->blocky;
		return 0;
	}
	return EINVAL;
}

static int get_prefix(const struct zl_ctx *ctx, void *val, size_t *len)
{
	size_t n = strlen(ctx->prefix);

	if (*len < n)
		return EINVAL;
	memset(val, 0, *len);
	memcpy(val, ctx->prefix, n);
	*len = n;
	return 0;
}

int zmq_ctx_get_ext(void *handle, int opt, void *val, size_t *len)
{
	struct zl_ctx *ctx = zl_ctx_get(handle);
	int v, err = EINVAL;

	if (!ctx)
		return -1;
	pthread_mutex_lock(&ctx->lock);
	if (val && len && *len == sizeof(v)) {
		err = get_opt(ctx, opt, &v);
		if (!err)
			memcpy(val, &v, sizeof(v));
	} else if (val && len && opt == ZMQ_THREAD_NAME_PREFIX) {
		err = get_prefix(ctx, val, len);
	}
	pthread_mutex_unlock(&ctx->lock);
	zl_ctx_put(ctx);
	return err ? zl_fail(err) : 0;
}

int zmq_ctx_get(void *handle, int opt)
{
	size_t len = sizeof(int);
	int v;

	return zmq_ctx_get_ext(handle, opt, &v, &len) ? -1 : v;
}
