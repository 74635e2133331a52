// SPDX-License-Identifier: MPL-2.0
/*
 * Memory of handles, and what fork() does to all of them.
 *
 * Memory of a closed handle is kept for the next one of its kind and never
 * given back, so an address that a program kept too long can be looked at.
 *
 * Locks: zl_all.lock for the lists. Any thread.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lane.h"
#include "zl.h"

/* @ctxs: all contexts; @spare: memory of closed handles */
static struct {
	pthread_mutex_t		lock;
	struct zl_ctx		*ctxs;
	struct zl_handle	*spare[2];
} zl_all = { .lock = PTHREAD_MUTEX_INITIALIZER };

_Atomic unsigned int zl_generation;

static struct zl_handle **spare_of(uint32_t tag)
{
	return &zl_all.spare[tag == ZL_TAG_SOCK];
}

/**
 * zl_handle_new - memory for a handle, not open yet
 * @tag:  ZL_TAG_...
 * @size: of the whole structure, the same for all of a kind
 *
 * Return: memory that is zero behind struct zl_handle, NULL when there is none.
 */
struct zl_handle *zl_handle_new(uint32_t tag, size_t size)
{
	struct zl_handle **spare = spare_of(tag), *h;

	pthread_mutex_lock(&zl_all.lock);
	h = *spare;
	if (h)
		*spare = h->next;
	pthread_mutex_unlock(&zl_all.lock);
	if (h) {
		memset(h + 1, 0, size - sizeof(*h));
		return h;
	}
	h = calloc(1, size);
	if (h)
		atomic_store_explicit(&h->tag, tag, memory_order_release);
	return h;
}

/**
 * zl_handle_free - keep the memory of a handle for another
 * @h: the handle, neither open nor in use
 */
void zl_handle_free(struct zl_handle *h)
{
	struct zl_handle **spare = spare_of(atomic_load(&h->tag));

	pthread_mutex_lock(&zl_all.lock);
	h->next = *spare;
	*spare = h;
	pthread_mutex_unlock(&zl_all.lock);
}

/**
 * zl_handle_close - no more calls on a handle
 * @h:      the handle, of which the caller has a reference
 * @others: set to the number of calls on it that go on
 *
 * Return: false when somebody else was first. The reference of the open handle
 * then is the caller's.
 */
bool zl_handle_close(struct zl_handle *h, uint32_t *others)
{
	uint32_t was = atomic_fetch_and(&h->state, ~ZL_OPEN);

	*others = (was & ZL_REFS) - 2;
	return was & ZL_OPEN;
}

/* Everything stands still while the process doubles. */
static void fork_prepare(void)
{
	struct zl_sock *s;
	struct zl_ctx *c;

	pthread_mutex_lock(&zl_all.lock);
	for (c = zl_all.ctxs; c; c = c->next) {
		pthread_mutex_lock(&c->lock);
		for (s = c->socks; s; s = s->next) {
			pthread_mutex_lock(&s->rx_lock);
			zl_rx_forks(s);
			pthread_mutex_lock(&s->lock);
		}
	}
}

static void fork_release(void)
{
	struct zl_sock *s;
	struct zl_ctx *c;

	for (c = zl_all.ctxs; c; c = c->next) {
		for (s = c->socks; s; s = s->next) {
			pthread_mutex_unlock(&s->lock);
			pthread_mutex_unlock(&s->rx_lock);
		}
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&zl_all.lock);
}

/*
 * The calls of other threads do not go on in the child, and who was about to
 * close a handle is not there to do it.
 */
static void forget_calls(struct zl_handle *h)
{
	atomic_store(&h->state, ZL_OPEN | 1);
}

static void fork_child(void)
{
	struct zl_sock *s;
	struct zl_ctx *c;

	atomic_fetch_add(&zl_generation, 1);
	for (c = zl_all.ctxs; c; c = c->next) {
		forget_calls(&c->h);
		for (s = c->socks; s; s = s->next) {
			forget_calls(&s->h);
			zl_rx_forked(s);
		}
	}
	fork_release();
}

static void fork_watch(void)
{
	pthread_atfork(fork_prepare, fork_release, fork_child);
}

/**
 * zl_ctx_list - a new context is there
 * @ctx: the context
 */
void zl_ctx_list(struct zl_ctx *ctx)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fork_watch);
	pthread_mutex_lock(&zl_all.lock);
	ctx->next = zl_all.ctxs;
	zl_all.ctxs = ctx;
	pthread_mutex_unlock(&zl_all.lock);
}

/**
 * zl_ctx_unlist - a context ends
 * @ctx: the context
 */
void zl_ctx_unlist(struct zl_ctx *ctx)
{
	struct zl_ctx **p;

	pthread_mutex_lock(&zl_all.lock);
	for (p = &zl_all.ctxs; *p; p = &(*p)->next) {
		if (*p == ctx) {
			*p = ctx->next;
			break;
		}
	}
	pthread_mutex_unlock(&zl_all.lock);
}

/**
 * zl_sock_by_serial - an open socket by its number
 * @serial: the number
 *
 * Return: the socket with a reference, or NULL when it is closed.
 */
struct zl_sock *zl_sock_by_serial(uint32_t serial)
{
	struct zl_sock *s, *found = NULL;
	struct zl_ctx *c;

	pthread_mutex_lock(&zl_all.lock);
	for (c = zl_all.ctxs; c && !found; c = c->next) {
		pthread_mutex_lock(&c->lock);
		for (s = c->socks; s && !found; s = s->next)
			if (s->serial == serial &&
			    zl_handle_get(&s->h, ZL_TAG_SOCK))
				found = s;
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&zl_all.lock);
	return found;
}
