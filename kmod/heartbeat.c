// SPDX-License-Identifier: GPL-2.0
/*
 * Heartbeats (ZMTP 3.1, PING and PONG): is the peer still there?
 *
 * One timer per connection that wants one of three things: the next PING of
 * ours, the end of the peer's time to answer it, the end of the time to live
 * that the peer's own PING has set. Whatever the peer sends counts as an answer.
 * Octets that wait because the socket's queue is full count too: a PONG may
 * stand behind them.
 *
 * All of it runs in the connection's work item, so it goes on while the program
 * is stopped, and while a closed socket sends what is left.
 *
 * Locks: struct kzmq_hb is the work item's own, but for @heard and @ttl, which
 * receiving writes under the lower socket's lock.
 * Contexts: process; kzmq_hb_heard() and kzmq_hb_ttl() any.
 */
#include <net/sock.h>

#include "conn.h"
#include "endpoint.h"
#include "trace.h"
#include "transport.h"

/* HEARTBEAT_TTL is milliseconds, on the wire it is tenths of a second. */
#define TTL_UNIT	100

/**
 * kzmq_hb_heard - octets came from the peer
 * @conn: the connection
 *
 * Context: any; lower lock held.
 */
void kzmq_hb_heard(struct kzmq_conn *conn)
{
	WRITE_ONCE(conn->hb.heard, jiffies);
}

/**
 * kzmq_hb_ttl - a PING of the peer said how long it lives
 * @conn: the connection
 * @ttl:  tenths of a second, 0 for ever
 *
 * Context: any; lower lock held.
 */
void kzmq_hb_ttl(struct kzmq_conn *conn, u16 ttl)
{
	unsigned long old = READ_ONCE(conn->hb.ttl);
	unsigned long now = msecs_to_jiffies(ttl * TTL_UNIT);

	if (now == old)
		return;
	WRITE_ONCE(conn->hb.ttl, now);
	kzmq_conn_kick(conn, KZMQ_EV_BEAT);
}

static unsigned long hb_timeout(const struct kzmq_opts *o)
{
	int ms = o->heartbeat_timeout < 0 ? o->heartbeat_ivl :
					    o->heartbeat_timeout;

	return msecs_to_jiffies(ms);
}

/* When something was heard last; now, if something can be read. */
static unsigned long hb_heard(struct kzmq_conn *conn)
{
	conn->tr->lock(conn);
	if (conn->rx.done || !conn->tr->rx_empty(conn))
		WRITE_ONCE(conn->hb.heard, jiffies);
	conn->tr->unlock(conn);
	return READ_ONCE(conn->hb.heard);
}

/* Something but answers: a PING, as a rule. They are no question to the peer. */
static bool hb_ping_waits(struct kzmq_conn *conn)
{
	struct kzmq_ctl *ctl;
	bool any = false;

	spin_lock_bh(&conn->ctl_lock);
	list_for_each_entry(ctl, &conn->ctl, node)
		any |= !ctl->pong;
	spin_unlock_bh(&conn->ctl_lock);
	return any;
}

static int hb_ping(struct kzmq_conn *conn)
{
	u8 buf[KZMQ_PING_MAX];
	size_t n;
	int err;

	/* One that has not gone out yet is enough. */
	if (hb_ping_waits(conn))
		return 0;
	n = kzmq_enc_ping(buf, conn->ep->opts.heartbeat_ttl / TTL_UNIT, NULL, 0);
	err = kzmq_conn_ctl(conn, buf, n, false, GFP_KERNEL | __GFP_NOWARN);
	if (!err)
		KZMQ_INC(conn->zs->zn, PINGS);
	return err;
}

/* The earlier of two points in time, of which the first may be none. */
static void hb_sooner(unsigned long *next, bool *any, unsigned long t)
{
	if (!*any || time_before(t, *next))
		*next = t;
	*any = true;
}

/**
 * kzmq_hb_beat - look whether something is due
 * @conn: the connection, ready or closing
 *
 * Context: the connection's work item.
 * Return: false when the peer has been silent for too long.
 */
bool kzmq_hb_beat(struct kzmq_conn *conn)
{
	const struct kzmq_opts *o = &conn->ep->opts;
	unsigned long ivl = msecs_to_jiffies(o->heartbeat_ivl);
	struct kzmq_hb *hb = &conn->hb;
	unsigned long ttl = READ_ONCE(hb->ttl);
	unsigned long heard, now, next = 0;
	bool any = false;

	if ((!ivl && !ttl) || conn->ver < KZMQ_VER_30 || conn->raw)
		return true;
	heard = hb_heard(conn);
	now = jiffies;
	if (hb->asked && time_after_eq(heard, hb->asked_at))
		hb->asked = false;
	if (hb->asked && hb_timeout(o) &&
	    time_after_eq(now, hb->asked_at + hb_timeout(o)))
		return false;
	if (ttl && time_after_eq(now, heard + ttl))
		return false;
	if (ivl && time_after_eq(now, hb->next_ping)) {
		hb->next_ping = now + ivl;
		/* No memory: the next one may do. */
		if (!hb_ping(conn) && !hb->asked) {
			hb->asked = true;
			/* What came in this very tick may have come before. */
			hb->asked_at = now + 1;
		}
	}
	if (ivl)
		hb_sooner(&next, &any, hb->next_ping);
	if (hb->asked && hb_timeout(o))
		hb_sooner(&next, &any, hb->asked_at + hb_timeout(o));
	if (ttl)
		hb_sooner(&next, &any, heard + ttl);
	kzmq_conn_arm(conn, &hb->timer, time_after(next, now) ? next - now : 1);
	return true;
}

/**
 * kzmq_hb_start - the handshake is done
 * @conn: the connection
 *
 * Context: the connection's work item.
 */
void kzmq_hb_start(struct kzmq_conn *conn)
{
	WRITE_ONCE(conn->hb.heard, jiffies);
	conn->hb.next_ping = jiffies +
			     msecs_to_jiffies(conn->ep->opts.heartbeat_ivl);
	kzmq_hb_beat(conn);
}
