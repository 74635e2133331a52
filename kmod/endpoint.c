// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoints: one bind() or connect() each.
 *
 * A connecting endpoint tries, and tries again, until the user disconnects or
 * the peer breaks the protocol. It owns the pipe across connections unless
 * ZMQ_IMMEDIATE is set.
 *
 * Locks: everything here is under lock_sock() of the socket; the functions
 * that connections call take it themselves. It is dropped while a transport
 * looks for a name: the way to a file may lead through a file system that does
 * not answer, and nobody but its user shall wait for that.
 * Contexts: process. See retry.c for the tries after the first.
 */
#include <linux/cred.h>
#include <linux/jhash.h>
#include <linux/pid.h>
#include <linux/slab.h>

#include "conn.h"
#include "endpoint.h"
#include "inproc.h"
#include "monitor.h"
#include "names.h"
#include "optval.h"
#include "transport.h"
#include "zap.h"

#define FOREVER	(LONG_MAX / 4)	/* jiffies */

/**
 * kzmq_linger_end - until when something may linger
 * @linger: milliseconds, -1 for no limit
 * @most:   milliseconds at most, 0 for no limit
 *
 * Return: jiffies; not early, though some of the present one is over.
 */
unsigned long kzmq_linger_end(int linger, unsigned int most)
{
	if (most && (linger < 0 || linger > most))
		linger = most;
	if (!linger)
		return jiffies;
	return jiffies + (linger < 0 ? FOREVER : msecs_to_jiffies(linger) + 1);
}

static const struct kzmq_transport *ep_transport(u8 tr)
{
	switch (tr) {
	case KZMQ_TR_TCP:
		return &kzmq_tr_tcp;
	case KZMQ_TR_IPC:
		return &kzmq_tr_unix;
	}
	return NULL;
}

static int inproc_check(struct kzmq_sock *zs, size_t len)
{
	if (zs->pat->raw)
		return -EPROTOTYPE;
	/* ZMQ_LAST_ENDPOINT has to give all of it. */
	return len < ZMQ_ENDPOINT_OPT_MAX ? 0 : -ENAMETOOLONG;
}

/**
 * kzmq_ep_free - the last reference is gone
 * @ep: the endpoint
 *
 * Context: process.
 */
void kzmq_ep_free(struct kzmq_ep *ep)
{
	kzmq_pipe_put(ep->pipe);
	if (ep->tr && ep->tr->release)
		ep->tr->release(ep);
	put_cred(ep->cred);
	put_pid(ep->pid);
	kzmq_opts_drop(&ep->opts);
	kzmq_sock_put(ep->zs);
	kfree(ep->names);
	kfree(ep->asked);
	kfree(ep->text);
	kfree(ep);
}

/**
 * kzmq_ep_hash - value of kzmq_ep.hash
 * @text: the endpoint's text
 * @len:  its octets, without NUL
 */
u32 kzmq_ep_hash(const char *text, size_t len)
{
	return jhash(text, len, 0);
}

/* @names: to be taken over, unless a proxy looks up the name itself */
static int ep_parse(struct kzmq_ep *ep, size_t len, struct kzmq_names **names)
{
	int err;

	if (names && *names && !ep->opts.socks_proxy) {
		ep->uri.tr = KZMQ_TR_TCP;
		ep->named = true;
		swap(ep->names, *names);
		return 0;
	}
	err = kzmq_uri_parse(ep->asked, len, ep->bound, &ep->uri);
	/* Names that were not looked up are for a proxy only. */
	if (!err && !ep->bound &&
	    (kzmq_ep_proxy(ep) ? ep->uri.dst.zone[0] : ep->uri.dst.name[0]))
		err = -EINVAL;
	return err;
}

static struct kzmq_ep *ep_alloc(struct kzmq_sock *zs, const char *text,
				size_t len, bool bound,
				struct kzmq_names **names)
{
	struct kzmq_ep *ep;
	int err;

	ep = kzalloc(sizeof(*ep), GFP_KERNEL_ACCOUNT);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	refcount_set(&ep->ref, 1);
	kzmq_sock_get(zs);
	ep->zs = zs;
	ep->bound = bound;
	kzmq_opts_copy(&ep->opts, &zs->opts);
	ep->cred = get_current_cred();
	ep->pid = get_pid(task_tgid(current));
	ep->wq = kzmq_wq;
	INIT_LIST_HEAD(&ep->node);
	INIT_LIST_HEAD(&ep->swept);
	INIT_LIST_HEAD(&ep->conns);
	INIT_LIST_HEAD(&ep->hs);
	INIT_LIST_HEAD(&ep->ctx_node);
	INIT_DELAYED_WORK(&ep->retry, kzmq_ep_retry_work);
	kzmq_listener_init(ep);
	err = -ENOMEM;
	ep->asked = kmemdup_nul(text, len, GFP_KERNEL_ACCOUNT);
	if (!ep->asked)
		goto err_put;
	ep->hash = kzmq_ep_hash(text, len);
	err = ep_parse(ep, len, names);
	if (err)
		goto err_put;
	if (kzmq_ep_inproc(ep)) {
		err = inproc_check(zs, len);
		if (err)
			goto err_put;
		return ep;
	}
	err = -EPROTONOSUPPORT;
	ep->tr = ep_transport(ep->uri.tr);
	if (!ep->tr)
		goto err_put;
	err = ep->tr->open ? ep->tr->open(ep) : 0;
	if (err)
		goto err_put;
	return ep;

err_put:
	kzmq_ep_put(ep);
	return ERR_PTR(err);
}

/**
 * kzmq_ep_note - an endpoint may have nothing to send any more, or again
 * @ep: the endpoint
 *
 * Once closed it has not while it only waits for its peers.
 *
 * Context: process, lock_sock() held.
 */
void kzmq_ep_note(struct kzmq_ep *ep)
{
	bool sent = ep->closing && ep->nr_conns && ep->nr_fin == ep->nr_conns;
	bool busy = ep->listed && !sent;

	if (busy == ep->busy)
		return;
	ep->busy = busy;
	kzmq_sock_busy(ep->zs, busy);
}

static void ep_list(struct kzmq_ep *ep)
{
	struct kzmq_sock *zs = ep->zs;

	list_add_tail(&ep->node, &zs->eps);
	ep->listed = true;
	kzmq_ep_note(ep);
	zs->ctx_fixed = true;
	strscpy(zs->last_ep, ep->text ?: ep->asked, sizeof(zs->last_ep));
}

/**
 * kzmq_ep_finish - nothing is left to do for a closing endpoint
 * @ep: the endpoint; the list's reference is dropped
 *
 * Context: process, lock_sock() held.
 */
void kzmq_ep_finish(struct kzmq_ep *ep)
{
	if (!ep->listed)
		return;
	if (cancel_delayed_work(&ep->retry))
		kzmq_ep_put(ep);
	if (ep->pipe)
		kzmq_pattern_detach(ep->zs, ep->pipe, false);
	list_del_init(&ep->node);
	ep->listed = false;
	kzmq_ep_note(ep);
	kzmq_ep_put(ep);
}

static int sock_usable(struct kzmq_sock *zs)
{
	return zs->closed || zs->down ? -ESHUTDOWN : 0;
}

static void ep_bind_failed(struct kzmq_ep *ep, int err)
{
	if (kzmq_ep_inproc(ep))
		return;
	switch (err) {
	case -EADDRINUSE:
	case -EADDRNOTAVAIL:
	case -EACCES:
		/* There was a lower socket that did not get the name. */
		kzmq_mon_ep(ep->zs, ep, ZMQ_EVENT_CLOSED, ep->id, ep->id, err);
	}
	kzmq_mon_ep(ep->zs, ep, ZMQ_EVENT_BIND_FAILED, ep->id, -err, err);
}

/* Drops lock_sock() meanwhile. */
static int ep_listen(struct kzmq_ep *ep)
{
	struct kzmq_sock *zs = ep->zs;
	struct socket *sock;
	int err;

	release_sock(&zs->sk);
	err = kzmq_listener_open(ep, &sock);
	lock_sock(&zs->sk);
	if (err)
		return err;
	err = sock_usable(zs);
	if (!err) {
		kzmq_listener_start(ep, sock);
		return 0;
	}
	release_sock(&zs->sk);
	kzmq_listener_drop(ep, sock);
	lock_sock(&zs->sk);
	return err;
}

/**
 * kzmq_ep_bind - listen at an endpoint
 * @zs:   the socket
 * @text: the endpoint's text
 * @len:  its octets, without NUL
 *
 * Context: process, takes lock_sock().
 * Return: 0 or a negative errno.
 */
int kzmq_ep_bind(struct kzmq_sock *zs, const char *text, size_t len)
{
	struct kzmq_ep *ep;
	int err;

	lock_sock(&zs->sk);
	err = sock_usable(zs);
	if (err)
		goto out;
	ep = ep_alloc(zs, text, len, true, NULL);
	if (IS_ERR(ep)) {
		err = PTR_ERR(ep);
		goto out;
	}
	err = kzmq_ep_inproc(ep) ? kzmq_inproc_bind(ep) : ep_listen(ep);
	if (err) {
		ep_bind_failed(ep, err);
		kzmq_ep_put(ep);
		goto out;
	}
	ep_list(ep);
	if (!kzmq_ep_inproc(ep)) {
		kzmq_mon_ep(zs, ep, ZMQ_EVENT_LISTENING, ep->id, ep->id, 0);
		kzmq_listener_kick(ep, 0);
	}
out:
	release_sock(&zs->sk);
	return err;
}

/* These types connect once to one endpoint, however often they are told. */
static bool ep_once(struct kzmq_sock *zs)
{
	switch (zs->type) {
	case ZMQ_DEALER:
	case ZMQ_SUB:
	case ZMQ_PUB:
	case ZMQ_REQ:
		return true;
	}
	return false;
}

static struct kzmq_ep *ep_find(struct kzmq_sock *zs, const char *text,
			       size_t len)
{
	u32 hash = kzmq_ep_hash(text, len);
	struct kzmq_ep *ep;

	list_for_each_entry(ep, &zs->eps, node) {
		if (!ep->bound && ep->hash != hash)
			continue;
		if (ep->closing)
			continue;
		if (ep->text && strlen(ep->text) == len &&
		    !memcmp(ep->text, text, len))
			return ep;
		/* Of many ephemeral ports "*" names none. */
		if (ep->bound && ep->uri.dst.port_any)
			continue;
		if (strlen(ep->asked) == len && !memcmp(ep->asked, text, len))
			return ep;
	}
	return NULL;
}

/* It is there already; of a name the addresses may be new. */
static int ep_again(struct kzmq_ep *old, const struct kzmq_ep *ep)
{
	return old->names && ep->names ? kzmq_names_give(old, ep->names) : 0;
}

static int ep_make_pipe(struct kzmq_ep *ep)
{
	struct kzmq_pipe *pipe;
	int err;

	/* libzmq knows no IMMEDIATE for inproc. */
	if (ep->opts.immediate && !kzmq_ep_inproc(ep))
		return 0;
	pipe = kzmq_pipe_alloc(ep->zs, GFP_KERNEL_ACCOUNT);
	if (!pipe)
		return -ENOMEM;
	kzmq_pipe_set_parting(pipe, &ep->opts);
	err = kzmq_pattern_attach(ep->zs, pipe);
	if (err) {
		kzmq_pipe_put(pipe);
		return err;
	}
	ep->pipe = pipe;
	return 0;
}

/**
 * kzmq_ep_connect - connect to an endpoint, now or later
 * @zs:   the socket
 * @text: the endpoint's text
 * @len:  its octets, without NUL
 * @names: of a name, the addresses, which are taken over; or NULL
 *
 * Context: process, takes lock_sock().
 * Return: 0 for any text that is right, whether or not anybody is there; or a
 * negative errno.
 */
int kzmq_ep_connect(struct kzmq_sock *zs, const char *text, size_t len,
		    struct kzmq_names *names)
{
	struct kzmq_ep *ep, *old;
	int err;

	lock_sock(&zs->sk);
	err = sock_usable(zs);
	if (err)
		goto out;
	ep = ep_alloc(zs, text, len, false, &names);
	err = PTR_ERR_OR_ZERO(ep);
	if (err)
		goto out;
	old = ep_once(zs) && !kzmq_ep_inproc(ep) ? ep_find(zs, text, len) : NULL;
	if (old && old->failed) {
		kzmq_ep_close(old, jiffies);
		old = NULL;
	}
	if (old && !old->bound)
		err = ep_again(old, ep) ?: 1;
	else
		err = ep_make_pipe(ep);
	if (err) {
		kzmq_ep_put(ep);
		err = min(err, 0);
		goto out;
	}
	ep_list(ep);
	if (kzmq_ep_inproc(ep)) {
		kzmq_inproc_connect(ep);
		goto out;
	}
	kzmq_ep_get(ep);
	kzmq_ep_try(ep);
	release_sock(&zs->sk);
	kzmq_ep_put(ep);
	kfree(names);
	return 0;
out:
	release_sock(&zs->sk);
	kfree(names);
	return err;
}

/**
 * kzmq_ep_ask - connect a socket of our own to an inproc endpoint, with a question
 * @zs:   the socket
 * @text: the endpoint's text
 * @as:   whose process the other side shall see
 * @zap:  the question; gets the endpoint and its pipe, which it keeps also when
 *        the way is not there
 * @msg:  what is asked, the first and only message
 *
 * Context: process, takes lock_sock().
 * Return: 0, -ENOENT when nobody is bound, or another negative errno.
 */
int kzmq_ep_ask(struct kzmq_sock *zs, const char *text, const struct kzmq_ep *as,
		struct kzmq_zap *zap, struct kzmq_msg *msg)
{
	struct kzmq_ep *ep;
	int err;

	lock_sock(&zs->sk);
	ep = ep_alloc(zs, text, strlen(text), false, NULL);
	err = PTR_ERR_OR_ZERO(ep);
	if (err)
		goto out;
	put_pid(ep->pid);
	ep->pid = get_pid(as->pid);
	err = ep_make_pipe(ep);
	if (err) {
		kzmq_ep_put(ep);
		goto out;
	}
	ep_list(ep);
	zap->ep = kzmq_ep_get(ep);
	zap->pipe = kzmq_pipe_get(ep->pipe);
	spin_lock_bh(&zs->plock);
	ep->pipe->zap = zap;
	err = kzmq_pipe_send(ep->pipe, msg, true);
	spin_unlock_bh(&zs->plock);
	if (!err)
		err = kzmq_inproc_join(ep);
out:
	release_sock(&zs->sk);
	return err;
}

/**
 * kzmq_ep_close - no more of this endpoint
 * @ep:       the endpoint
 * @deadline: jiffies until which queued messages may still be sent
 *
 * Context: process, lock_sock() held.
 */
void kzmq_ep_close(struct kzmq_ep *ep, unsigned long deadline)
{
	struct kzmq_conn *conn;

	if (ep->closing && time_before(ep->deadline, deadline))
		deadline = ep->deadline;
	ep->closing = true;
	ep->deadline = deadline;
	if (kzmq_ep_inproc(ep)) {
		if (kzmq_inproc_close(ep))
			kzmq_ep_finish(ep);
		return;
	}
	if (ep->bound)
		kzmq_listener_stop(ep);
	else if (ep->pipe)
		kzmq_pattern_detach(ep->zs, ep->pipe, true);
	list_for_each_entry(conn, &ep->conns, node)
		kzmq_conn_close(conn, deadline);
	list_for_each_entry(conn, &ep->hs, node)
		kzmq_conn_close(conn, deadline);
	kzmq_ep_note(ep);
	if (ep->nr_conns)
		return;
	if (ep->bound || ep->failed || !kzmq_ep_has_rest(ep)) {
		kzmq_ep_finish(ep);
		return;
	}
	/* A try is pending; it must not sleep past the deadline. */
	kzmq_ep_get(ep);
	if (mod_delayed_work(ep->wq, &ep->retry,
			     min(kzmq_ep_delay(ep), deadline - jiffies)))
		kzmq_ep_put(ep);
}

static bool inproc_is(const struct kzmq_ep *ep, bool bound, const char *text,
		      size_t len)
{
	return kzmq_ep_inproc(ep) && ep->bound == bound && !ep->closing &&
	       strlen(ep->asked) == len && !memcmp(ep->asked, text, len);
}

/* The name goes first; of connections, all go that were made to it. */
static int inproc_term(struct kzmq_sock *zs, const char *text, size_t len)
{
	unsigned long deadline = kzmq_linger_end(zs->opts.linger, 0);
	struct kzmq_ep *ep, *tmp;
	int err = -ENOENT;

	list_for_each_entry(ep, &zs->eps, node) {
		if (inproc_is(ep, true, text, len)) {
			kzmq_ep_close(ep, deadline);
			return 0;
		}
	}
	list_for_each_entry_safe(ep, tmp, &zs->eps, node) {
		if (!inproc_is(ep, false, text, len))
			continue;
		kzmq_ep_close(ep, deadline);
		err = 0;
	}
	return err;
}

/**
 * kzmq_ep_term - unbind or disconnect
 * @zs:   the socket
 * @text: the endpoint's text, as bound or connected
 * @len:  its octets, without NUL
 *
 * Context: process, takes lock_sock().
 * Return: 0, -ENOENT or another negative errno.
 */
int kzmq_ep_term(struct kzmq_sock *zs, const char *text, size_t len)
{
	struct kzmq_uri uri;
	struct kzmq_ep *ep;
	int err;

	lock_sock(&zs->sk);
	err = sock_usable(zs);
	if (err)
		goto out;
	ep = ep_find(zs, text, len);
	if (ep && kzmq_ep_inproc(ep)) {
		err = inproc_term(zs, text, len);
		goto out;
	}
	if (!ep) {
		err = kzmq_uri_parse(text, len, true, &uri);
		if (err)
			err = kzmq_uri_parse(text, len, false, &uri);
		err = err ?: -ENOENT;
		goto out;
	}
	ep->no_more = kzmq_ep_stops_on(ep, AFTER_DISCONNECT);
	kzmq_ep_close(ep, kzmq_linger_end(zs->opts.linger, 0));
out:
	release_sock(&zs->sk);
	kzmq_ep_sweep(zs);
	return err;
}

/**
 * kzmq_ep_sweep - remove what endpoints that listen no longer left behind
 * @zs: the socket
 *
 * Context: process, takes lock_sock() but not while it looks for names.
 */
void kzmq_ep_sweep(struct kzmq_sock *zs)
{
	struct kzmq_ep *ep;

	for (;;) {
		lock_sock(&zs->sk);
		ep = list_first_entry_or_null(&zs->sweep, struct kzmq_ep, swept);
		if (ep)
			list_del_init(&ep->swept);
		release_sock(&zs->sk);
		if (!ep)
			return;
		ep->tr->unlisten(ep);
		kzmq_ep_put(ep);
	}
}
