// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoints and their connections: the tries of a connecting endpoint, and what
 * the end of a connection means.
 *
 * Locks: everything here is under lock_sock() of the socket; the functions that
 * connections call take it themselves. It is dropped while a transport connects,
 * which may have to look for a file's name.
 * Contexts: process. Tries after the first run in a work item, with the
 * credentials of the one who called connect() and in the socket's network
 * namespace.
 * References: a queued work item holds one of the endpoint.
 */
#include <linux/cred.h>
#include <linux/random.h>
#include <linux/sched/mm.h>

#include "conn.h"
#include "endpoint.h"
#include "inproc.h"
#include "monitor.h"
#include "names.h"
#include "trace.h"
#include "transport.h"

static void ep_give_up(struct kzmq_ep *ep)
{
	KZMQ_INC(ep->zs->zn, GAVE_UP);
	trace_kzmq_ep_gave_up(ep);
	ep->failed = true;
	if (ep->pipe)
		kzmq_pattern_detach(ep->zs, ep->pipe, false);
}

/**
 * kzmq_ep_delay - how long to wait before the next try
 * @ep: the endpoint
 *
 * Return: jiffies.
 */
unsigned long kzmq_ep_delay(struct kzmq_ep *ep)
{
	u32 ivl = ep->opts.reconnect_ivl, max = ep->opts.reconnect_ivl_max;
	u64 base = ivl;

	if (max <= ivl)
		return msecs_to_jiffies(ivl + get_random_u32() % ivl);
	base = min_t(u64, base << min(ep->tries, 31u), max);
	/* Peers that lost the same server do not come back in step. */
	return msecs_to_jiffies(base / 2 + get_random_u32() % (base / 2 + 1));
}

/**
 * kzmq_ep_has_rest - is a closing endpoint worth another try?
 * @ep: the endpoint
 *
 * Context: process, lock_sock() held.
 */
bool kzmq_ep_has_rest(struct kzmq_ep *ep)
{
	return !ep->no_more && ep->pipe && !kzmq_pipe_out_empty(ep->pipe) &&
	       time_before(jiffies, ep->deadline);
}

/* Nothing more will be tried. */
static void ep_stop(struct kzmq_ep *ep)
{
	ep_give_up(ep);
	if (ep->closing)
		kzmq_ep_finish(ep);
}

static void ep_retry_in(struct kzmq_ep *ep, unsigned long delay)
{
	kzmq_ep_get(ep);
	if (!queue_delayed_work(ep->wq, &ep->retry, delay))
		kzmq_ep_put(ep);
}

/* The try failed or the connection ended: wait and try again. */
static void ep_retry_later(struct kzmq_ep *ep)
{
	unsigned long delay;

	if (ep->opts.reconnect_ivl <= 0) {
		ep_stop(ep);
		return;
	}
	delay = kzmq_ep_delay(ep);
	if (ep->closing)
		delay = min(delay, ep->deadline - jiffies);
	ep->tries++;
	kzmq_mon_ep(ep->zs, ep, ZMQ_EVENT_CONNECT_RETRIED, 0,
		    jiffies_to_msecs(delay), 0);
	ep_retry_in(ep, delay);
}

/* The try failed at once. */
static void ep_try_failed(struct kzmq_ep *ep, int err)
{
	u64 id = kzmq_sock_peer_id(ep->zs);

	KZMQ_INC(ep->zs->zn, CONNECT_FAILED);
	kzmq_mon_ep(ep->zs, ep, ZMQ_EVENT_CLOSED, id, id, err);
	if (kzmq_names_next(ep))
		ep_retry_in(ep, 0);
	else if (err == -ECONNREFUSED && kzmq_ep_stops_on(ep, CONN_REFUSED))
		ep_stop(ep);
	else
		ep_retry_later(ep);
}

static int ep_open(struct kzmq_ep *ep, struct socket **sock, bool *connected)
{
	struct mem_cgroup *old_memcg;
	const struct cred *old;
	int err;

	old = override_creds(ep->cred);
	old_memcg = set_active_memcg(kzmq_sock_memcg(ep->zs));
	err = ep->tr->connect(ep, sock, connected);
	set_active_memcg(old_memcg);
	revert_creds(old);
	return err;
}

static struct kzmq_conn *ep_carry(struct kzmq_ep *ep, struct socket *sock)
{
	struct mem_cgroup *old_memcg;
	struct kzmq_conn *conn;

	old_memcg = set_active_memcg(kzmq_sock_memcg(ep->zs));
	conn = kzmq_conn_alloc(ep, sock, false);
	set_active_memcg(old_memcg);
	if (!conn)
		kzmq_lower_close(sock);
	return conn;
}

/**
 * kzmq_ep_try - try to connect
 * @ep: the endpoint; the caller holds a reference
 *
 * Context: process, lock_sock() held but for a while.
 */
void kzmq_ep_try(struct kzmq_ep *ep)
{
	struct kzmq_sock *zs = ep->zs;
	struct kzmq_conn *conn;
	struct socket *sock;
	bool connected;
	int err;

	if (!kzmq_names_aim(ep)) {
		ep_retry_later(ep);
		return;
	}
	KZMQ_INC(zs->zn, CONNECTS);
	ep->trying = true;
	release_sock(&zs->sk);
	err = ep_open(ep, &sock, &connected);
	lock_sock(&zs->sk);
	ep->trying = false;
	if (!ep->listed || (ep->closing && !kzmq_ep_has_rest(ep))) {
		if (!err)
			kzmq_lower_close(sock);
		kzmq_ep_finish(ep);
		return;
	}
	conn = err ? NULL : ep_carry(ep, sock);
	if (!conn) {
		ep_try_failed(ep, err ?: -ENOMEM);
		return;
	}
	if (ep->closing) {
		conn->deadline = ep->deadline;
		set_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags);
	}
	kzmq_ep_add_conn(ep, conn);
	if (!connected)
		kzmq_mon_conn(zs, conn, ZMQ_EVENT_CONNECT_DELAYED, EINPROGRESS);
	kzmq_conn_start(conn, connected);
	if (ep->closing)
		kzmq_conn_kick(conn, KZMQ_EV_CLOSE);
}

/* Another task looks for the name; the end is not put off by that. */
static void ep_watch(struct kzmq_ep *ep)
{
	unsigned long now = jiffies, end = ep->deadline;

	if (!ep->closing)
		return;
	kzmq_ep_get(ep);
	if (!queue_delayed_work(ep->wq, &ep->retry,
				time_after(end, now) ? end - now : 0))
		kzmq_ep_put(ep);
}

/**
 * kzmq_ep_retry_work - the next try is due
 * @work: kzmq_ep.retry
 */
void kzmq_ep_retry_work(struct work_struct *work)
{
	struct kzmq_ep *ep = container_of(to_delayed_work(work),
					  struct kzmq_ep, retry);
	struct kzmq_sock *zs = ep->zs;

	kzmq_sock_get(zs);
	lock_sock(&zs->sk);
	if (ep->listed && kzmq_ep_inproc(ep)) {
		if (kzmq_inproc_work(ep))
			kzmq_ep_finish(ep);
	} else if (ep->listed && !ep->failed && !ep->nr_conns) {
		if (ep->closing && !kzmq_ep_has_rest(ep)) {
			kzmq_ep_finish(ep);
		} else if (ep->trying) {
			ep_watch(ep);
		} else {
			KZMQ_INC(zs->zn, RETRIES);
			kzmq_ep_try(ep);
		}
	}
	release_sock(&zs->sk);
	kzmq_ep_put(ep);
	kzmq_sock_put(zs);
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
	kzmq_ep_note(ep);
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
	kzmq_names_ready(ep);
	release_sock(&ep->zs->sk);
}

/**
 * kzmq_ep_conn_sent - all that a closing connection had to send is sent
 * @ep:   the endpoint
 * @conn: the connection
 *
 * Context: process, takes lock_sock().
 */
void kzmq_ep_conn_sent(struct kzmq_ep *ep, struct kzmq_conn *conn)
{
	lock_sock(&ep->zs->sk);
	conn->fin = true;
	ep->nr_fin++;
	kzmq_ep_note(ep);
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

/* Does ZMQ_RECONNECT_STOP name this end? */
static bool conn_stops(const struct kzmq_ep *ep, const struct kzmq_conn *conn)
{
	switch (conn->died_in) {
	case KZMQ_CONN_CONNECTING:
		return conn->why == -ECONNREFUSED &&
		       kzmq_ep_stops_on(ep, CONN_REFUSED);
	case KZMQ_CONN_HANDSHAKE:
		return kzmq_ep_stops_on(ep, HANDSHAKE_FAILED);
	}
	return false;
}

/* Is another address of its name left for a try that has failed? */
static bool conn_has_next(struct kzmq_ep *ep, const struct kzmq_conn *conn)
{
	return conn->died_in < KZMQ_CONN_READY && kzmq_names_next(ep);
}

/**
 * kzmq_ep_is_last - will no try follow the end of this connection?
 * @ep:   the endpoint, not bound
 * @conn: its connection, dying
 *
 * Context: any.
 * Return: true when it surely was the last one.
 */
bool kzmq_ep_is_last(const struct kzmq_ep *ep, const struct kzmq_conn *conn)
{
	if (conn_at_fault(conn))
		return true;
	/* Another address of the name may be left. */
	if (ep->named && conn->died_in < KZMQ_CONN_READY)
		return false;
	return ep->opts.reconnect_ivl <= 0 || conn_stops(ep, conn);
}

/* The end of a connecting endpoint's only connection */
static void ep_lost(struct kzmq_ep *ep, struct kzmq_conn *conn)
{
	bool last = conn_at_fault(conn);

	if (ep->closing && !kzmq_ep_has_rest(ep))
		last = true;
	else if (!ep->closing && test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags))
		last = true;
	if (!last && conn_has_next(ep, conn)) {
		ep_retry_in(ep, 0);
		return;
	}
	if (!last && !conn_stops(ep, conn))
		ep_retry_later(ep);
	else if (ep->closing)
		kzmq_ep_finish(ep);
	else
		ep_give_up(ep);
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
	lock_sock(&ep->zs->sk);
	kzmq_peer_del(conn);
	ep_leave_hs(ep, conn);
	list_del_init(&conn->node);
	ep->nr_conns--;
	ep->nr_fin -= conn->fin;
	if (!ep->bound)
		ep_lost(ep, conn);
	else if (!ep->closing)
		kzmq_listener_kick(ep, 0);
	else if (!ep->nr_conns)
		kzmq_ep_finish(ep);
	kzmq_ep_note(ep);
	release_sock(&ep->zs->sk);
	kzmq_conn_put(conn);
}
