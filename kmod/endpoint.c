// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoints: one bind() or connect() each.
 *
 * A connecting endpoint tries, and tries again, until the user disconnects or
 * the peer breaks the protocol. It owns the pipe across connections unless
 * ZMQ_IMMEDIATE is set.
 *
 * Locks: everything here is under lock_sock() of the socket; the functions
 * that connections call take it themselves.
 * Contexts: process. Tries after the first run in a work item, with the
 * credentials of the one who called connect() and in the socket's network
 * namespace.
 * References: a queued work item holds one of the endpoint.
 */
#include <linux/cred.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "conn.h"
#include "endpoint.h"
#include "trace.h"
#include "transport.h"

#define FOREVER	(LONG_MAX / 4)	/* jiffies */

static void ep_retry_work(struct work_struct *work);

/**
 * kzmq_linger_end - until when something may linger
 * @linger: milliseconds, -1 for no limit
 * @most:   milliseconds at most, 0 for no limit
 *
 * Return: jiffies.
 */
unsigned long kzmq_linger_end(int linger, unsigned int most)
{
	if (most && (linger < 0 || linger > most))
		linger = most;
	return jiffies + (linger < 0 ? FOREVER : msecs_to_jiffies(linger));
}

static const struct kzmq_transport *ep_transport(u8 tr)
{
	return tr == KZMQ_TR_TCP ? &kzmq_tr_tcp : NULL;
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
	put_cred(ep->cred);
	kzmq_sock_put(ep->zs);
	kfree(ep->asked);
	kfree(ep->text);
	kfree(ep);
}

static struct kzmq_ep *ep_alloc(struct kzmq_sock *zs, const char *text,
				size_t len, bool bound)
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
	ep->opts = zs->opts;
	ep->cred = get_current_cred();
	INIT_LIST_HEAD(&ep->node);
	INIT_LIST_HEAD(&ep->conns);
	INIT_LIST_HEAD(&ep->hs);
	INIT_DELAYED_WORK(&ep->retry, ep_retry_work);
	kzmq_listener_init(ep);
	err = -ENOMEM;
	ep->asked = kmemdup_nul(text, len, GFP_KERNEL_ACCOUNT);
	if (!ep->asked)
		goto err_put;
	err = kzmq_uri_parse(ep->asked, len, bound, &ep->uri);
	if (err)
		goto err_put;
	err = -EPROTONOSUPPORT;
	ep->tr = ep_transport(ep->uri.tr);
	if (!ep->tr)
		goto err_put;
	return ep;

err_put:
	kzmq_ep_put(ep);
	return ERR_PTR(err);
}

static void ep_list(struct kzmq_ep *ep)
{
	struct kzmq_sock *zs = ep->zs;

	list_add_tail(&ep->node, &zs->eps);
	ep->listed = true;
	strscpy(zs->last_ep, ep->text ?: ep->asked, sizeof(zs->last_ep));
}

/* Nothing is left to do for a closing endpoint. */
static void ep_finish(struct kzmq_ep *ep)
{
	if (!ep->listed)
		return;
	if (cancel_delayed_work(&ep->retry))
		kzmq_ep_put(ep);
	if (ep->pipe)
		kzmq_pattern_detach(ep->zs, ep->pipe, false);
	list_del_init(&ep->node);
	ep->listed = false;
	kzmq_ep_put(ep);
}

static int sock_usable(struct kzmq_sock *zs)
{
	return zs->closed || zs->down ? -ESHUTDOWN : 0;
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
	ep = ep_alloc(zs, text, len, true);
	if (IS_ERR(ep)) {
		err = PTR_ERR(ep);
		goto out;
	}
	err = kzmq_listener_start(ep);
	if (err) {
		kzmq_ep_put(ep);
		goto out;
	}
	ep_list(ep);
	kzmq_listener_kick(ep, 0);
out:
	release_sock(&zs->sk);
	return err;
}

static void ep_give_up(struct kzmq_ep *ep)
{
	KZMQ_INC(ep->zs->zn, GAVE_UP);
	trace_kzmq_ep_gave_up(ep);
	ep->failed = true;
	if (ep->pipe)
		kzmq_pattern_detach(ep->zs, ep->pipe, false);
}

static unsigned long ep_delay(struct kzmq_ep *ep)
{
	u32 ivl = ep->opts.reconnect_ivl, max = ep->opts.reconnect_ivl_max;
	u64 base = ivl;

	if (max <= ivl)
		return msecs_to_jiffies(ivl + get_random_u32() % ivl);
	base = min_t(u64, base << min(ep->tries, 31u), max);
	/* Peers that lost the same server do not come back in step. */
	return msecs_to_jiffies(base / 2 + get_random_u32() % (base / 2 + 1));
}

static bool ep_has_rest(struct kzmq_ep *ep)
{
	return ep->pipe && !kzmq_pipe_out_empty(ep->pipe) &&
	       time_before(jiffies, ep->deadline);
}

/* The try failed or the connection ended: wait and try again. */
static void ep_retry_later(struct kzmq_ep *ep)
{
	unsigned long delay;

	if (ep->opts.reconnect_ivl <= 0) {
		ep_give_up(ep);
		if (ep->closing)
			ep_finish(ep);
		return;
	}
	delay = ep_delay(ep);
	if (ep->closing)
		delay = min(delay, ep->deadline - jiffies);
	ep->tries++;
	kzmq_ep_get(ep);
	if (!queue_delayed_work(kzmq_wq, &ep->retry, delay))
		kzmq_ep_put(ep);
}

static void ep_try(struct kzmq_ep *ep)
{
	struct mem_cgroup *old_memcg;
	const struct cred *old;
	struct kzmq_conn *conn;
	struct socket *sock;
	bool connected;
	int err;

	KZMQ_INC(ep->zs->zn, CONNECTS);
	old = override_creds(ep->cred);
	old_memcg = set_active_memcg(kzmq_sock_memcg(ep->zs));
	err = ep->tr->connect(ep, &sock, &connected);
	conn = err ? NULL : kzmq_conn_alloc(ep, sock, false);
	if (!err && !conn)
		sock_release(sock);
	set_active_memcg(old_memcg);
	revert_creds(old);
	if (!conn) {
		KZMQ_INC(ep->zs->zn, CONNECT_FAILED);
		ep_retry_later(ep);
		return;
	}
	if (ep->closing) {
		conn->deadline = ep->deadline;
		set_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags);
	}
	kzmq_ep_add_conn(ep, conn);
	kzmq_conn_start(conn, connected);
	if (ep->closing)
		kzmq_conn_kick(conn, KZMQ_EV_CLOSE);
}

static void ep_retry_work(struct work_struct *work)
{
	struct kzmq_ep *ep = container_of(to_delayed_work(work),
					  struct kzmq_ep, retry);
	struct kzmq_sock *zs = ep->zs;

	kzmq_sock_get(zs);
	lock_sock(&zs->sk);
	if (ep->listed && !ep->failed && !ep->nr_conns) {
		if (ep->closing && !ep_has_rest(ep)) {
			ep_finish(ep);
		} else {
			KZMQ_INC(zs->zn, RETRIES);
			ep_try(ep);
		}
	}
	release_sock(&zs->sk);
	kzmq_ep_put(ep);
	kzmq_sock_put(zs);
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
	struct kzmq_ep *ep;

	list_for_each_entry(ep, &zs->eps, node) {
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

static int ep_make_pipe(struct kzmq_ep *ep)
{
	struct kzmq_pipe *pipe;
	int err;

	if (ep->opts.immediate)
		return 0;
	pipe = kzmq_pipe_alloc(ep->zs, GFP_KERNEL_ACCOUNT);
	if (!pipe)
		return -ENOMEM;
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
 *
 * Context: process, takes lock_sock().
 * Return: 0 for any text that is right, whether or not anybody is there; or a
 * negative errno.
 */
int kzmq_ep_connect(struct kzmq_sock *zs, const char *text, size_t len)
{
	struct kzmq_ep *ep, *old;
	int err;

	lock_sock(&zs->sk);
	err = sock_usable(zs);
	if (err)
		goto out;
	ep = ep_alloc(zs, text, len, false);
	err = PTR_ERR_OR_ZERO(ep);
	if (err)
		goto out;
	old = ep_once(zs) ? ep_find(zs, text, len) : NULL;
	if (old && old->failed) {
		kzmq_ep_close(old, jiffies);
		old = NULL;
	}
	if (ep->uri.dst.name[0])
		err = -EINVAL;	/* names are resolved in user space */
	else if (old && !old->bound)
		err = 1;
	else
		err = ep_make_pipe(ep);
	if (err) {
		kzmq_ep_put(ep);
		err = min(err, 0);
		goto out;
	}
	ep_list(ep);
	ep_try(ep);
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
	if (ep->bound)
		kzmq_listener_stop(ep);
	else if (ep->pipe)
		kzmq_pattern_detach(ep->zs, ep->pipe, true);
	list_for_each_entry(conn, &ep->conns, node)
		kzmq_conn_close(conn, deadline);
	list_for_each_entry(conn, &ep->hs, node)
		kzmq_conn_close(conn, deadline);
	if (ep->nr_conns)
		return;
	if (ep->bound || ep->failed || !ep_has_rest(ep)) {
		ep_finish(ep);
		return;
	}
	/* A try is pending; it must not sleep past the deadline. */
	kzmq_ep_get(ep);
	if (mod_delayed_work(kzmq_wq, &ep->retry,
			     min(ep_delay(ep), deadline - jiffies)))
		kzmq_ep_put(ep);
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
	if (!ep) {
		err = kzmq_uri_parse(text, len, true, &uri);
		if (err)
			err = kzmq_uri_parse(text, len, false, &uri);
		err = err ?: -ENOENT;
		goto out;
	}
	kzmq_ep_close(ep, kzmq_linger_end(zs->opts.linger, 0));
out:
	release_sock(&zs->sk);
	return err;
}

/**
 * kzmq_ep_add_conn - an endpoint got a connection
 * @ep:   the endpoint
 * @conn: the connection, whose first reference goes to the list
 *
 * Context: process, lock_sock() held.
 */
void kzmq_ep_add_conn(struct kzmq_ep *ep, struct kzmq_conn *conn)
{
	list_add_tail(&conn->node, &ep->hs);
	conn->in_hs = true;
	ep->nr_hs++;
	ep->nr_conns++;
}

static void ep_leave_hs(struct kzmq_ep *ep, struct kzmq_conn *conn)
{
	if (!conn->in_hs)
		return;
	conn->in_hs = false;
	ep->nr_hs--;
	list_move_tail(&conn->node, &ep->conns);
}

/**
 * kzmq_ep_conn_ready - a connection finished its handshake
 * @ep:   the endpoint
 * @conn: the connection
 *
 * Context: process, takes lock_sock().
 */
void kzmq_ep_conn_ready(struct kzmq_ep *ep, struct kzmq_conn *conn)
{
	lock_sock(&ep->zs->sk);
	ep_leave_hs(ep, conn);
	ep->tries = 0;
	release_sock(&ep->zs->sk);
}

/* Did the peer break a rule, rather than we run out of something? */
static bool conn_at_fault(const struct kzmq_conn *conn)
{
	switch (conn->err) {
	case 0:
	case -ENOMEM:
	case -ENOBUFS:
	case -ENOTCONN:
	case -ECONNABORTED:
		return false;
	}
	return true;
}

/**
 * kzmq_ep_conn_gone - a connection is dead
 * @ep:   the endpoint
 * @conn: the connection; the list's reference is dropped
 *
 * Context: process, takes lock_sock().
 */
void kzmq_ep_conn_gone(struct kzmq_ep *ep, struct kzmq_conn *conn)
{
	bool fault = conn_at_fault(conn);

	lock_sock(&ep->zs->sk);
	ep_leave_hs(ep, conn);
	list_del_init(&conn->node);
	ep->nr_conns--;
	if (ep->bound) {
		if (ep->closing && !ep->nr_conns)
			ep_finish(ep);
		else if (!ep->closing)
			kzmq_listener_kick(ep, 0);
	} else if (ep->closing && (fault || !ep_has_rest(ep))) {
		ep_finish(ep);
	} else if (fault ||
		   (!ep->closing &&
		    test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags))) {
		ep_give_up(ep);
	} else {
		ep_retry_later(ep);
	}
	release_sock(&ep->zs->sk);
	kzmq_conn_put(conn);
}
