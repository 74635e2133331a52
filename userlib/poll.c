// SPDX-License-Identifier: MPL-2.0
/*
 * Waiting for several sockets and descriptors: one poll(2).
 *
 * The kernel's socket tells by itself when it can be read or written. Only what
 * was received ahead is not known there.
 *
 * No locks; any thread.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "block.h"
#include "lane.h"
#include "zl.h"

#define ON_STACK 32

/**
 * struct set - items as the kernel has them
 * @p:     for poll(2)
 * @s:     the socket of each, with a reference, or NULL
 * @nr:    how many have been filled in
 * @ahead: for some there is no need to wait
 */
struct set {
	struct pollfd	*p;
	struct zl_sock	**s;
	int		nr;
	bool		ahead;
	struct pollfd	some_p[ON_STACK];
	struct zl_sock	*some_s[ON_STACK];
};

static int set_alloc(struct set *t, int n)
{
	t->nr = 0;
	t->ahead = false;
	t->p = t->some_p;
	t->s = t->some_s;
	if (n <= ON_STACK)
		return 0;
	t->p = calloc(n, sizeof(*t->p));
	t->s = calloc(n, sizeof(*t->s));
	return t->p && t->s ? 0 : ENOMEM;
}

static void set_free(void *arg)
{
	struct set *t = arg;
	int i;

	for (i = 0; i < t->nr; i++) {
		if (!t->s[i])
			continue;
		if (t->p[i].events & POLLIN)
			zl_rx_unwatch(t->s[i]);
		zl_sock_put(t->s[i]);
	}
	if (t->p != t->some_p)
		free(t->p);
	if (t->s != t->some_s)
		free(t->s);
}

static short to_kernel(short ev)
{
	return (ev & ZMQ_POLLIN ? POLLIN : 0) | (ev & ZMQ_POLLOUT ? POLLOUT : 0) |
	       (ev & ZMQ_POLLPRI ? POLLPRI : 0);
}

static int set_add(struct set *t, const zmq_pollitem_t *item)
{
	struct pollfd *p = &t->p[t->nr];
	struct zl_sock *s = NULL;

	p->fd = item->fd;
	p->events = to_kernel(item->events);
	p->revents = 0;
	if (item->socket) {
		s = zl_sock_enter(item->socket);
		if (!s)
			return errno;
		if (atomic_load_explicit(&s->has_names, memory_order_relaxed))
			zl_names_retry(s);
		p->fd = s->fd;
		p->events &= POLLIN | POLLOUT;
		if ((p->events & POLLIN) && zl_rx_watch(s))
			t->ahead = true;
	}
	t->s[t->nr++] = s;
	return 0;
}

static short of_socket(struct zl_sock *s, const struct pollfd *p, short asked)
{
	short ev = 0;

	if ((p->revents & POLLIN) || zl_rx_ahead(s))
		ev |= ZMQ_POLLIN;
	if (p->revents & POLLOUT)
		ev |= ZMQ_POLLOUT;
	return ev & asked;
}

static short of_fd(const struct pollfd *p)
{
	short ev = 0;

	if (p->revents & POLLIN)
		ev |= ZMQ_POLLIN;
	if (p->revents & POLLOUT)
		ev |= ZMQ_POLLOUT;
	if (p->revents & POLLPRI)
		ev |= ZMQ_POLLPRI;
	if (p->revents & ~(POLLIN | POLLOUT | POLLPRI))
		ev |= ZMQ_POLLERR;
	return ev;
}

/* Fill in revents. The number of items that have any, or a negative errno. */
static int set_tell(struct set *t, zmq_pollitem_t *items)
{
	int i, nr = 0;

	for (i = 0; i < t->nr; i++) {
		struct zl_sock *s = t->s[i];

		if (s && (t->p[i].revents & (POLLHUP | POLLNVAL)))
			return atomic_load(&s->h.state) & ZL_OPEN ?
			       -ETERM : -ENOTSOCK;
		items[i].revents = s ? of_socket(s, &t->p[i], items[i].events) :
				       of_fd(&t->p[i]);
		nr += !!items[i].revents;
	}
	return nr;
}

static void end_of(long timeout, struct timespec *end)
{
	clock_gettime(CLOCK_MONOTONIC, end);
	end->tv_sec += timeout / 1000;
	end->tv_nsec += timeout % 1000 * 1000000;
	if (end->tv_nsec >= 1000000000) {
		end->tv_sec++;
		end->tv_nsec -= 1000000000;
	}
}

static void left_of(const struct timespec *end, struct timespec *left)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left->tv_sec = end->tv_sec - now.tv_sec;
	left->tv_nsec = end->tv_nsec - now.tv_nsec;
	if (left->tv_nsec < 0) {
		left->tv_sec--;
		left->tv_nsec += 1000000000;
	}
	if (left->tv_sec < 0) {
		left->tv_sec = 0;
		left->tv_nsec = 0;
	}
}

/* Wait until an item has an event that was asked for. */
static int set_wait(struct set *t, zmq_pollitem_t *items, long timeout,
		    const sigset_t *mask)
{
	const struct timespec now = { 0 };
	struct timespec end, left;
	bool limit = timeout >= 0;
	int ret, nr;

	if (limit)
		end_of(timeout, &end);
	for (;;) {
		if (limit)
			left_of(&end, &left);
		ret = zl_block_poll(t->p, t->nr,
				    t->ahead ? &now : limit ? &left : NULL,
				    mask, set_free, t);
		if (ret < 0)
			return ret;
		nr = set_tell(t, items);
		if (nr || (!ret && !t->ahead))
			return nr;
		/* what was received ahead has gone to another thread */
		t->ahead = false;
	}
}

/**
 * zl_poll - what zmq_poll() does
 * @items:   sockets and descriptors
 * @n:       how many
 * @timeout: milliseconds, below 0 for ever
 * @mask:    signals to block meanwhile, or NULL
 *
 * Return: items with events; a negative errno, those of ZeroMQ included.
 */
int zl_poll(zmq_pollitem_t *items, int n, long timeout, const sigset_t *mask)
{
	struct set t;
	int i, ret;

	ret = -set_alloc(&t, n);
	for (i = 0; i < n && !ret; i++) {
		items[i].revents = 0;
		ret = -set_add(&t, &items[i]);
	}
	if (!ret)
		ret = set_wait(&t, items, timeout, mask);
	set_free(&t);
	return ret;
}

int zmq_ppoll(zmq_pollitem_t *items, int n, long timeout, const sigset_t *mask)
{
	int ret;

	if (n < 0)
		return zl_fail(EINVAL);
	if (n && !items)
		return zl_fail(EFAULT);
	ret = zl_poll(items, n, timeout, mask);
	return ret < 0 ? zl_fail(-ret) : ret;
}

int zmq_poll(zmq_pollitem_t *items, int n, long timeout)
{
	return zmq_ppoll(items, n, timeout, NULL);
}
