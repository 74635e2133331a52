// SPDX-License-Identifier: GPL-2.0
/*
 * inproc: endpoints that meet by name in a context.
 *
 * A connecting endpoint and a bound one are joined by a link (link.c). One
 * without a binder waits in its context, and so does what is queued on its pipe.
 * Nothing connects again by itself.
 *
 * Locks: lock_sock() of the endpoint's socket -> kzmq_ctx.lock, which protects
 * the lists of endpoints, kzmq_ep.link and .leaving, and is held while two are
 * joined; see link.c for what is taken then.
 * Contexts: process.
 * References: a context's list holds its endpoints, an endpoint its link.
 */
#include "ctx.h"
#include "endpoint.h"
#include "inproc.h"
#include "pattern.h"
#include "sock.h"

static void ctx_unlist(struct kzmq_ep *ep)
{
	list_del_init(&ep->ctx_node);
	kzmq_ep_put(ep);
}

/* Join a waiting endpoint and a bound one. Context locked. */
static int inproc_join(struct kzmq_ep *ep, struct kzmq_ep *to)
{
	struct kzmq_link *link = kzmq_link_make(ep, to);

	if (IS_ERR(link))
		return PTR_ERR(link);
	ep->link = link;
	ctx_unlist(ep);
	kzmq_link_start(link);
	/* It was closed while it waited, and has said its last words. */
	if (ep->leaving)
		kzmq_link_end(link);
	return 0;
}

static struct list_head *ctx_bucket(struct kzmq_ep *ep)
{
	return &ep->zs->ctx->eps[ep->hash % KZMQ_CTX_BUCKETS];
}

static bool has_name(const struct kzmq_ep *ep, u32 hash, const char *text)
{
	return ep->hash == hash && !strcmp(ep->asked, text);
}

static bool same_name(const struct kzmq_ep *a, const struct kzmq_ep *b)
{
	return has_name(a, b->hash, b->asked);
}

static struct kzmq_ep *ctx_find(struct kzmq_ctx *ctx, u32 hash,
				const char *text)
{
	struct kzmq_ep *e;

	list_for_each_entry(e, &ctx->eps[hash % KZMQ_CTX_BUCKETS], ctx_node)
		if (e->bound && has_name(e, hash, text))
			return e;
	return NULL;
}

static struct kzmq_ep *ctx_find_bound(struct kzmq_ep *ep)
{
	return ctx_find(ep->zs->ctx, ep->hash, ep->asked);
}

static void ep_again(struct kzmq_ep *ep, unsigned long delay)
{
	kzmq_ep_get(ep);
	if (mod_delayed_work(kzmq_wq, &ep->retry, delay))
		kzmq_ep_put(ep);
}

/* A binder that is about to close is as good as none. */
static void inproc_try(struct kzmq_ep *ep, struct kzmq_ep *to)
{
	int err = inproc_join(ep, to);

	if (err && err != -ESHUTDOWN)
		ep_again(ep, KZMQ_INPROC_RETRY);
}

/**
 * kzmq_inproc_bind - take a name, and join those who wait for it
 * @ep: the endpoint
 *
 * Context: process, lock_sock() held.
 * Return: 0 or -EADDRINUSE.
 */
int kzmq_inproc_bind(struct kzmq_ep *ep)
{
	struct kzmq_ctx *ctx = ep->zs->ctx;
	struct kzmq_ep *e, *tmp;
	int err = 0;

	mutex_lock(&ctx->lock);
	if (ctx_find_bound(ep)) {
		err = -EADDRINUSE;
		goto out;
	}
	list_for_each_entry_safe(e, tmp, ctx_bucket(ep), ctx_node) {
		if (!e->bound && same_name(e, ep))
			inproc_try(e, ep);
		cond_resched();
	}
	kzmq_ep_get(ep);
	list_add_tail(&ep->ctx_node, ctx_bucket(ep));
out:
	mutex_unlock(&ctx->lock);
	return err;
}

/**
 * kzmq_inproc_connect - join a bound endpoint, or wait for one
 * @ep: the endpoint, with a pipe, in its socket's list
 *
 * Context: process, lock_sock() held.
 */
void kzmq_inproc_connect(struct kzmq_ep *ep)
{
	struct kzmq_ctx *ctx = ep->zs->ctx;
	struct kzmq_ep *to;

	mutex_lock(&ctx->lock);
	kzmq_ep_get(ep);
	list_add_tail(&ep->ctx_node, ctx_bucket(ep));
	to = ctx_find_bound(ep);
	if (to)
		inproc_try(ep, to);
	mutex_unlock(&ctx->lock);
}

/**
 * kzmq_inproc_bound - is somebody bound to this name
 * @ctx:  the context
 * @text: the endpoint's text
 *
 * Context: process.
 * Return: the type of the socket, ZMQ_PAIR ..., or -ENOENT.
 */
int kzmq_inproc_bound(struct kzmq_ctx *ctx, const char *text)
{
	u32 hash = kzmq_ep_hash(text, strlen(text));
	struct kzmq_ep *to;
	int type = -ENOENT;

	mutex_lock(&ctx->lock);
	to = ctx_find(ctx, hash, text);
	if (to)
		type = to->zs->type;
	mutex_unlock(&ctx->lock);
	return type;
}

/**
 * kzmq_inproc_join - join a bound endpoint now or never
 * @ep: the endpoint, with a pipe, in its socket's list
 *
 * Context: process, lock_sock() held.
 * Return: 0, -ENOENT when nobody is bound, -ESHUTDOWN when who is bound is about to
 * close, or another negative errno.
 */
int kzmq_inproc_join(struct kzmq_ep *ep)
{
	struct kzmq_ctx *ctx = ep->zs->ctx;
	int err = -ENOENT;
	struct kzmq_ep *to;

	mutex_lock(&ctx->lock);
	to = ctx_find_bound(ep);
	if (to) {
		kzmq_ep_get(ep);
		list_add_tail(&ep->ctx_node, ctx_bucket(ep));
		err = inproc_join(ep, to);
		if (err)
			ctx_unlist(ep);
	}
	mutex_unlock(&ctx->lock);
	return err;
}

/* Does a closed one still wait for somebody to hear its last words? */
static bool inproc_lingers(struct kzmq_ep *ep)
{
	return !list_empty(&ep->ctx_node) && !ep->bound &&
	       !kzmq_pipe_out_empty(ep->pipe) &&
	       time_before(jiffies, ep->deadline);
}

/**
 * kzmq_inproc_close - no more of this endpoint
 * @ep: the endpoint, its deadline set
 *
 * Peers of a bound endpoint stay; they belong to the socket.
 *
 * Context: process, lock_sock() held.
 * Return: true when it is done with, false when it lingers.
 */
bool kzmq_inproc_close(struct kzmq_ep *ep)
{
	struct kzmq_ctx *ctx = ep->zs->ctx;
	struct kzmq_link *link;
	bool lingers;

	mutex_lock(&ctx->lock);
	ep->leaving = true;
	link = ep->link;
	ep->link = NULL;
	if (ep->pipe && !link)
		kzmq_pattern_detach(ep->zs, ep->pipe, true);
	lingers = inproc_lingers(ep);
	if (lingers)
		ep_again(ep, ep->deadline - jiffies);
	else if (!list_empty(&ep->ctx_node))
		ctx_unlist(ep);
	mutex_unlock(&ctx->lock);
	if (link) {
		kzmq_link_end(link);
		kzmq_link_put(link);
		/* What is left in it goes its way. */
		kzmq_pipe_put(ep->pipe);
		ep->pipe = NULL;
	}
	return !lingers;
}

/**
 * kzmq_inproc_work - an endpoint's work item
 * @ep: the endpoint, in its socket's list
 *
 * The peer has left, there was no memory for joining it, or the time to linger
 * is over.
 *
 * Context: process, lock_sock() held.
 * Return: true when it is done with.
 */
bool kzmq_inproc_work(struct kzmq_ep *ep)
{
	struct kzmq_ctx *ctx = ep->zs->ctx;
	struct kzmq_link *link = NULL;
	struct kzmq_ep *to;
	bool done = false;

	mutex_lock(&ctx->lock);
	if (READ_ONCE(ep->lost)) {
		link = ep->link;
		ep->link = NULL;
		done = true;
	} else if (!list_empty(&ep->ctx_node) && !ep->bound) {
		done = ep->leaving && !inproc_lingers(ep);
		to = done ? NULL : ctx_find_bound(ep);
		if (done)
			ctx_unlist(ep);
		else if (to)
			inproc_try(ep, to);
		else if (ep->leaving)
			ep_again(ep, ep->deadline - jiffies);
	}
	mutex_unlock(&ctx->lock);
	kzmq_link_put(link);
	return done;
}
