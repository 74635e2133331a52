// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: one lower socket from connect or accept to its end.
 *
 * Whatever happens becomes an event bit; the work item takes the bits and looks
 * up what to do in a table of state and event. So a connection's state changes
 * in one place and in process context only. Receiving (conn_rx.c) and sending
 * (conn_tx.c) mostly run elsewhere and report by events.
 *
 * Locks: kzmq_conn_kick() may be called under any of ours. The work item takes
 * lock_sock(zs), the tx lock and the lower socket's lock, never two of them
 * nested except tx lock -> lower lock.
 * References: a queued work item or timer holds one.
 */
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "conn.h"
#include "endpoint.h"
#include "mech.h"
#include "monitor.h"
#include "msg.h"
#include "seal.h"
#include "trace.h"
#include "transport.h"

static void conn_work(struct work_struct *work);
static void conn_timer(struct work_struct *work);
static void conn_again(struct work_struct *work);
static void conn_beat(struct work_struct *work);

/**
 * kzmq_conn_kick - something happened to a connection
 * @conn: the connection
 * @ev:   what
 *
 * Context: any.
 */
void kzmq_conn_kick(struct kzmq_conn *conn, enum kzmq_ev ev)
{
	set_bit(ev, &conn->events);
	/* Before we learn that the work item runs: it must see the bit. */
	smp_mb__after_atomic();
	kzmq_conn_get(conn);
	if (!queue_work(kzmq_wq, &conn->work))
		kzmq_conn_put(conn);
}

/**
 * kzmq_conn_fail - the peer broke a rule, the connection must end
 * @conn: the connection
 * @err:  how, a negative errno
 *
 * Context: any; lower lock held.
 */
void kzmq_conn_fail(struct kzmq_conn *conn, int err)
{
	conn->rx.mode = KZMQ_RX_STOP;
	if (!conn->err)
		WRITE_ONCE(conn->err, err);
	kzmq_conn_kick(conn, KZMQ_EV_ERROR);
}

/**
 * kzmq_conn_arm - let one of a connection's timers run
 * @conn:  the connection
 * @dw:    the timer; it holds a reference while it runs
 * @delay: jiffies
 *
 * Context: any.
 */
void kzmq_conn_arm(struct kzmq_conn *conn, struct delayed_work *dw,
		   unsigned long delay)
{
	kzmq_conn_get(conn);
	if (mod_delayed_work(kzmq_wq, dw, delay))
		kzmq_conn_put(conn);
}

static void conn_disarm(struct kzmq_conn *conn, struct delayed_work *dw)
{
	if (cancel_delayed_work(dw))
		kzmq_conn_put(conn);
}

/**
 * kzmq_conn_alloc - a connection for a lower socket
 * @ep:    the endpoint it belongs to
 * @sock:  the lower socket, taken over on success
 * @bound: the peer connected to us
 *
 * Context: process, lock_sock() held.
 * Return: the connection with one reference, or NULL.
 */
struct kzmq_conn *kzmq_conn_alloc(struct kzmq_ep *ep, struct socket *sock,
				  bool bound)
{
	struct kzmq_conn *conn = kzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);

	if (!conn)
		return NULL;
	refcount_set(&conn->ref, 1);
	kzmq_sock_get(ep->zs);
	conn->zs = ep->zs;
	conn->id = kzmq_sock_peer_id(ep->zs);
	conn->ep = kzmq_ep_get(ep);
	INIT_LIST_HEAD(&conn->node);
	conn->tr = ep->tr;
	conn->sock = sock;
	mutex_init(&conn->rx_lock);
	conn->bound = bound;
	conn->raw = ep->zs->pat->raw;
	INIT_WORK(&conn->work, conn_work);
	INIT_DELAYED_WORK(&conn->timer, conn_timer);
	INIT_DELAYED_WORK(&conn->again, conn_again);
	INIT_DELAYED_WORK(&conn->hb.timer, conn_beat);
	INIT_LIST_HEAD(&conn->ctl);
	spin_lock_init(&conn->ctl_lock);
	kzmq_rx_init(conn);
	kzmq_tx_init(conn);
	if (kzmq_mech_add(conn) || kzmq_peer_add(conn)) {
		kzmq_conn_put(conn);
		return NULL;
	}
	return conn;
}

/**
 * kzmq_conn_free - the last reference is gone
 * @conn: the connection, DEAD or never started
 *
 * Context: process. What softirq drops is never the last: a connection stays in
 * its endpoint's list until it is unhooked from the lower socket.
 */
void kzmq_conn_free(struct kzmq_conn *conn)
{
	struct kzmq_ctl *ctl, *tmp;

	/* HELLO has a password. */
	list_for_each_entry_safe(ctl, tmp, &conn->ctl, node)
		kfree_sensitive(ctl);
	if (conn->tr->rx_end)
		conn->tr->rx_end(conn);
	kzmq_rx_destroy(conn);
	kzmq_tx_destroy(conn);
	kzmq_peer_put(conn->peer);
	kzmq_mech_free(conn);
	kfree(conn->socks);
	kzmq_seal_free(conn->seal);
	kzmq_pipe_put(conn->pipe);
	kzmq_ep_put(conn->ep);
	kzmq_sock_put(conn->zs);
	kfree(conn);
}

static bool conn_lingers(struct kzmq_conn *conn)
{
	return time_before(jiffies, READ_ONCE(conn->deadline));
}

/* Wake up when the time to get on is over, or the time to linger. */
static void conn_arm_limits(struct kzmq_conn *conn)
{
	bool closing = test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags);
	unsigned long now = jiffies, next = conn->limit;

	if (!closing && !conn->limited)
		return;
	if (closing && (!conn->limited || time_before(conn->deadline, next)))
		next = READ_ONCE(conn->deadline);
	kzmq_conn_arm(conn, &conn->timer, time_after(next, now) ? next - now : 0);
}

/* @ms: from now on, 0 for ever. */
static void conn_set_limit(struct kzmq_conn *conn, int ms)
{
	conn->limited = ms;
	conn->limit = jiffies + msecs_to_jiffies(ms);
	conn_arm_limits(conn);
}

/*
 * Is the lower socket connected, or was it before we looked? A peer that has
 * left already ends the handshake, not the try.
 */
static bool conn_came_up(const struct sock *sk)
{
	switch (sk->sk_state) {
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		return true;
	case TCP_CLOSE:
		return sk->sk_err == ECONNRESET || sk->sk_err == EPIPE;
	}
	return false;
}

/**
 * kzmq_conn_start - let a connection live
 * @conn:      the connection, in its endpoint's list
 * @connected: the lower socket is connected already
 *
 * Its work item may end it at once, but only after the lower socket's lock was
 * dropped here: it has to unhook first.
 *
 * Context: process.
 */
void kzmq_conn_start(struct kzmq_conn *conn, bool connected)
{
	const struct kzmq_opts *o = &conn->ep->opts;
	struct sock *sk = conn->sock->sk;
	int state;

	conn->tr->lock(conn);
	kzmq_conn_hook(conn, sk);
	if (!connected && o->connect_timeout)
		conn_set_limit(conn, o->connect_timeout);
	else if (!conn->raw || kzmq_ep_proxy(conn->ep))
		conn_set_limit(conn, o->handshake_ivl);
	/* What came before the hook was told to nobody. */
	state = sk->sk_state;
	if (connected || conn_came_up(sk))
		kzmq_conn_kick(conn, KZMQ_EV_CONNECTED);
	if ((state != TCP_ESTABLISHED && state != TCP_SYN_SENT) ||
	    READ_ONCE(conn->sock->sk->sk_shutdown) & RCV_SHUTDOWN)
		kzmq_conn_kick(conn, KZMQ_EV_EOF);
	conn->tr->unlock(conn);
}

/**
 * kzmq_conn_close - the user closed the endpoint or the socket
 * @conn:     the connection
 * @deadline: jiffies until which queued messages may still be sent
 *
 * Context: process.
 */
void kzmq_conn_close(struct kzmq_conn *conn, unsigned long deadline)
{
	WRITE_ONCE(conn->deadline, deadline);
	set_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags);
	kzmq_conn_kick(conn, KZMQ_EV_CLOSE);
}

static void conn_set_state(struct kzmq_conn *conn, enum kzmq_conn_state state)
{
	trace_kzmq_conn_state(conn, conn->state, state);
	WRITE_ONCE(conn->state, state);
}

/* What a connection's fault means to its endpoint and its counters */
static void conn_count_end(struct kzmq_conn *conn, bool was_ready)
{
	struct kzmq_net *zn = conn->zs->zn;

	if (was_ready)
		KZMQ_INC(zn, DISCONNECTS);
	else if (conn->state == KZMQ_CONN_CONNECTING)
		KZMQ_INC(zn, CONNECT_FAILED);
}

/*
 * An orphan whose time is over is over for TCP as well, which would try for
 * minutes to be rid of what the peer has not acknowledged, and hold the
 * namespace. A peer that has it all may go on reading.
 */
static void conn_cut(struct kzmq_conn *conn)
{
	struct sock *sk = conn->sock->sk;

	if (READ_ONCE(conn->zs->cut) && !conn_lingers(conn) &&
	    READ_ONCE(sk->sk_state) != TCP_FIN_WAIT2)
		sock_no_linger(sk);
}

/* The end: let go of the lower socket and tell the socket and the endpoint. */
static void conn_die(struct kzmq_conn *conn)
{
	bool was_ready = conn->state >= KZMQ_CONN_READY;
	struct kzmq_pipe *pipe = conn->pipe;
	struct kzmq_sock *zs = conn->zs;

	kzmq_mon_end(zs, conn);
	conn_count_end(conn, was_ready);
	conn->died_in = conn->state;
	kzmq_conn_unhook(conn);
	mutex_lock(&conn->tx.lock);
	conn->tx.dead = true;
	mutex_unlock(&conn->tx.lock);
	/* Who arms them does so with one of the two locks held. */
	conn_disarm(conn, &conn->timer);
	conn_disarm(conn, &conn->again);
	conn_disarm(conn, &conn->hb.timer);
	kzmq_mech_over(conn);
	conn_set_state(conn, KZMQ_CONN_DEAD);
	if (test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags))
		conn_cut(conn);
	kzmq_lower_close(conn->sock);
	conn->sock = NULL;
	if (pipe) {
		kzmq_pipe_set_conn(pipe, NULL);
		/* Who parts himself is not told of it. */
		if (test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags))
			WRITE_ONCE(pipe->parted, true);
		if (pipe != conn->ep->pipe || kzmq_ep_is_last(conn->ep, conn))
			kzmq_pattern_detach(zs, pipe, false);
		else
			kzmq_pattern_lost(zs, pipe);
	}
	kzmq_ep_conn_gone(conn->ep, conn);
}

static void conn_die_for(struct kzmq_conn *conn, int why)
{
	WRITE_ONCE(conn->why, why);
	conn_die(conn);
}

/* The lower socket ended. */
static void conn_lost(struct kzmq_conn *conn)
{
	int err = READ_ONCE(conn->sock->sk->sk_err);

	conn_die_for(conn, err ? -err : -EPIPE);
}

static void conn_arm_deadline(struct kzmq_conn *conn)
{
	unsigned long now = jiffies, end = READ_ONCE(conn->deadline);

	kzmq_conn_arm(conn, &conn->timer, time_after(end, now) ? end - now : 0);
}

/* Time to look again whether a peer that was not told of the end has it all */
#define END_RETRY	msecs_to_jiffies(20)

/* All is sent: end our half, and wait until the peer has it all. */
static void conn_check_sent(struct kzmq_conn *conn)
{
	if (!kzmq_conn_tx_empty(conn))
		return;
	conn_set_state(conn, KZMQ_CONN_FIN);
	if (!kzmq_lower_end(conn->sock)) {
		set_bit(KZMQ_CONN_END_LOST, &conn->flags);
		kzmq_conn_later(conn, END_RETRY);
	}
	kzmq_ep_conn_sent(conn->ep, conn);
}

static void ev_connected(struct kzmq_conn *conn)
{
	bool proxy = kzmq_ep_proxy(conn->ep);

	/* As good as refused: nobody else is there. */
	if (!conn->bound && conn->tr->to_self && conn->tr->to_self(conn)) {
		conn_die_for(conn, -ECONNREFUSED);
		return;
	}
	conn_set_state(conn, KZMQ_CONN_HANDSHAKE);
	if (!conn->bound)
		kzmq_mon_conn(conn->zs, conn, ZMQ_EVENT_CONNECTED, conn->id);
	/* What it took to connect does not count. */
	if (!conn->bound)
		conn_set_limit(conn, conn->raw && !proxy ? 0 :
				     conn->ep->opts.handshake_ivl);
	if (conn->raw && !proxy) {
		kzmq_conn_kick(conn, KZMQ_EV_PEER_READY);
		return;
	}
	if (proxy ? kzmq_socks_begin(conn) : kzmq_conn_greet(conn, GFP_KERNEL)) {
		conn_die_for(conn, -ENOMEM);
		return;
	}
	kzmq_rx_go(conn, proxy ? KZMQ_RX_SOCKS : KZMQ_RX_GREETING);
	kzmq_conn_tx(conn);
	kzmq_conn_rx(conn);
}

/* What is left unread is left for a while. */
static void conn_check_foul(struct kzmq_conn *conn)
{
	if (!conn->tr->rx_foul)
		return;
	conn->tr->lock(conn);
	if (conn->tr->rx_foul(conn))
		kzmq_conn_fail(conn, -EPROTO);
	conn->tr->unlock(conn);
}

static void ev_rx(struct kzmq_conn *conn)
{
	kzmq_conn_rx(conn);
	conn_check_foul(conn);
	if (test_bit(KZMQ_CONN_EOF_SEEN, &conn->flags))
		kzmq_conn_kick(conn, KZMQ_EV_EOF);
}

static void ev_beat(struct kzmq_conn *conn)
{
	if (kzmq_hb_beat(conn))
		return;
	KZMQ_INC(conn->zs->zn, HB_TIMEOUT);
	conn_die_for(conn, -ETIMEDOUT);
}

static void ev_tx(struct kzmq_conn *conn)
{
	kzmq_conn_tx(conn);
}

static void ev_tx_closing(struct kzmq_conn *conn)
{
	kzmq_conn_tx(conn);
	conn_check_sent(conn);
}

/* A peer that has it all and waits for our end learns of it by a reset. */
static void ev_tx_fin(struct kzmq_conn *conn)
{
	if (!test_bit(KZMQ_CONN_END_LOST, &conn->flags))
		return;
	if (kzmq_lower_acked(conn->sock))
		conn_die(conn);
	else
		kzmq_conn_later(conn, END_RETRY);
}

/* A peer that never forwards subscriptions wants everything. */
static int conn_subscribe_all(struct kzmq_conn *conn)
{
	struct kzmq_msg *msg;
	int err;

	if (conn->ver != KZMQ_VER_UNVERSIONED ||
	    (conn->zs->type != ZMQ_PUB && conn->zs->type != ZMQ_XPUB))
		return 0;
	msg = kzmq_msg_make(conn->zs->zn, "\1", 1, GFP_KERNEL_ACCOUNT);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	msg->kind = KZMQ_MSG_SUBSCRIBE;
	err = kzmq_pattern_input(conn->zs, conn->pipe, msg);
	if (err)
		kzmq_msg_put(msg);
	else
		kzmq_sock_wake_in(conn->zs);
	return err;
}

/* Time to try again when there was no memory for what the socket keeps */
#define JOIN_RETRY	msecs_to_jiffies(20)

static int conn_make_pipe(struct kzmq_conn *conn)
{
	struct kzmq_pipe *pipe;
	int err;

	if (conn->ep->pipe) {
		WRITE_ONCE(conn->pipe, kzmq_pipe_get(conn->ep->pipe));
		return 0;
	}
	pipe = kzmq_pipe_alloc(conn->zs, GFP_KERNEL_ACCOUNT);
	if (!pipe)
		return -ENOMEM;
	pipe->bound = conn->bound;
	kzmq_pipe_set_parting(pipe, &conn->ep->opts);
	err = kzmq_pattern_attach(conn->zs, pipe);
	if (err) {
		kzmq_pipe_put(pipe);
		return err;
	}
	WRITE_ONCE(conn->pipe, pipe);
	return 0;
}

/* The socket gets to know the peer. After -ENOMEM it may be tried again. */
static int conn_join(struct kzmq_conn *conn)
{
	static const struct kzmq_rid no_rid;
	int err = conn->pipe ? 0 : conn_make_pipe(conn);

	if (err)
		return err;
	kzmq_ep_conn_ready(conn->ep, conn);
	kzmq_peer_known(conn);
	kzmq_pipe_set_conn(conn->pipe, conn);
	/* On the way out nothing new is begun, only the rest is sent. */
	if (test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags))
		return 0;
	return kzmq_pattern_ready(conn->zs, conn->pipe,
				  conn->rx.peer ?: &no_rid);
}

/* ZMQ_HELLO_MSG goes before whatever waits in the pipe. Under tx.lock. */
static void conn_hello(struct kzmq_conn *conn)
{
	struct kzmq_msg *msg = conn->ep->opts.hello_msg;
	struct kzmq_tx *tx = &conn->tx;

	if (!msg || !conn->zs->pat->says_hello)
		return;
	tx->q[0] = kzmq_msg_get(msg);
	tx->n = 1;
	tx->frame = msg->first;
	tx->off = 0;
}

static void ev_peer_ready(struct kzmq_conn *conn)
{
	int err;

	err = conn_join(conn);
	if (err == -ENOMEM) {
		/*
		 * The peer thinks that all is well and sends already; what it
		 * sent would be lost. The handshake's time limit is still on.
		 */
		set_bit(KZMQ_EV_PEER_READY, &conn->events);
		kzmq_conn_later(conn, JOIN_RETRY);
		return;
	}
	if (!conn->pipe) {
		WRITE_ONCE(conn->err, conn->bound ? err : 0);
		conn_die_for(conn, err);
		return;
	}
	conn_disarm(conn, &conn->timer);
	if (!err)
		err = conn_subscribe_all(conn);
	conn_set_state(conn, KZMQ_CONN_READY);
	if (err) {
		conn_die_for(conn, err);
		return;
	}
	KZMQ_INC(conn->zs->zn, HS_OK);
	kzmq_mech_over(conn);
	if (conn->ver >= KZMQ_VER_30 && !conn->raw)
		kzmq_mon_conn(conn->zs, conn, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
	kzmq_hb_start(conn);
	mutex_lock(&conn->tx.lock);
	conn_hello(conn);
	conn->tx.on = true;
	mutex_unlock(&conn->tx.lock);
	kzmq_rx_go(conn, conn->raw ? KZMQ_RX_RAW : KZMQ_RX_TRAFFIC);
	kzmq_conn_tx(conn);
	ev_rx(conn);
	if (test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags))
		kzmq_conn_kick(conn, KZMQ_EV_CLOSE);
}

/* ERROR is on its way, as far as it ever will be, when we end. */
static void ev_mech(struct kzmq_conn *conn)
{
	int err = kzmq_mech_step(conn);

	kzmq_conn_tx(conn);
	if (err)
		conn_die_for(conn, err);
	else
		ev_rx(conn);
}

/* Messages for the peer wait: go on with the handshake to deliver them. */
static void ev_close_early(struct kzmq_conn *conn)
{
	struct kzmq_pipe *pipe = conn->ep->pipe;

	if (!pipe || kzmq_pipe_out_empty(pipe) || !conn_lingers(conn))
		conn_die(conn);
	else
		conn_arm_limits(conn);
}

/* close() after disconnect(): the deadline may have come nearer. */
static void ev_close_again(struct kzmq_conn *conn)
{
	if (conn_lingers(conn))
		conn_arm_deadline(conn);
	else
		conn_die(conn);
}

static void ev_close(struct kzmq_conn *conn)
{
	if (!conn_lingers(conn)) {
		conn_die(conn);
		return;
	}
	kzmq_rx_go(conn, KZMQ_RX_DISCARD);
	kzmq_pattern_detach(conn->zs, conn->pipe, true);
	conn_set_state(conn, KZMQ_CONN_CLOSING);
	conn_arm_deadline(conn);
	ev_tx_closing(conn);
	kzmq_conn_rx(conn);
}

static void ev_timeout_linger(struct kzmq_conn *conn)
{
	if (!conn_lingers(conn))
		conn_die(conn);
}

/* Not connected, or not greeted, in time? The timer may be about old news. */
static void ev_timeout_hs(struct kzmq_conn *conn)
{
	bool late = conn->limited && time_after_eq(jiffies, conn->limit);

	if (!late && (!test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags) ||
		      conn_lingers(conn))) {
		conn_arm_limits(conn);
		return;
	}
	if (late && (conn->state == KZMQ_CONN_HANDSHAKE ||
		     !conn->ep->opts.connect_timeout))
		KZMQ_INC(conn->zs->zn, HS_TIMEOUT);
	conn_die_for(conn, test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags) ?
			   READ_ONCE(conn->why) : -ETIMEDOUT);
}

/* Octets that came before the end are still good. */
static void ev_eof(struct kzmq_conn *conn)
{
	bool empty;

	set_bit(KZMQ_CONN_EOF_SEEN, &conn->flags);
	kzmq_conn_rx(conn);
	conn->tr->lock(conn);
	empty = conn->rx.mode == KZMQ_RX_STOP ||
		(!conn->rx.done && !kzmq_rx_pending(conn) &&
		 conn->tr->rx_empty(conn));
	conn->tr->unlock(conn);
	if (empty)
		conn_lost(conn);
}

/*
 * A peer may say all it has to say and leave. Once the socket knows it, ev_rx()
 * comes back to its end; while there is no memory for that, no sooner than the
 * next try.
 */
static void ev_eof_hs(struct kzmq_conn *conn)
{
	set_bit(KZMQ_CONN_EOF_SEEN, &conn->flags);
	kzmq_conn_rx(conn);
	if (!kzmq_mech_busy(conn) &&
	    !test_bit(KZMQ_EV_PEER_READY, &conn->events))
		conn_lost(conn);
}

static void ev_ignore(struct kzmq_conn *conn)
{
}

typedef void conn_fn(struct kzmq_conn *conn);

/* ev_ignore stands where an event is late news; there is no other cell. */
static conn_fn * const fsm[KZMQ_CONN_STATES][KZMQ_EV_MAX] = {
	[KZMQ_CONN_CONNECTING] = {
		[KZMQ_EV_CLOSE]		= ev_close_early,
		[KZMQ_EV_TIMEOUT]	= ev_timeout_hs,
		[KZMQ_EV_BEAT]		= ev_ignore,
		[KZMQ_EV_CONNECTED]	= ev_connected,
		[KZMQ_EV_RX]		= ev_ignore,
		[KZMQ_EV_MECH]		= ev_ignore,
		[KZMQ_EV_PEER_READY]	= ev_ignore,
		[KZMQ_EV_TX]		= ev_ignore,
		[KZMQ_EV_EOF]		= conn_lost,
		[KZMQ_EV_ERROR]		= conn_die,
	},
	[KZMQ_CONN_HANDSHAKE] = {
		[KZMQ_EV_CLOSE]		= ev_close_early,
		[KZMQ_EV_TIMEOUT]	= ev_timeout_hs,
		[KZMQ_EV_BEAT]		= ev_ignore,
		[KZMQ_EV_CONNECTED]	= ev_ignore,
		[KZMQ_EV_RX]		= ev_rx,
		[KZMQ_EV_MECH]		= ev_mech,
		[KZMQ_EV_PEER_READY]	= ev_peer_ready,
		[KZMQ_EV_TX]		= ev_tx,
		[KZMQ_EV_EOF]		= ev_eof_hs,
		[KZMQ_EV_ERROR]		= conn_die,
	},
	[KZMQ_CONN_READY] = {
		[KZMQ_EV_CLOSE]		= ev_close,
		[KZMQ_EV_TIMEOUT]	= ev_ignore,
		[KZMQ_EV_BEAT]		= ev_beat,
		[KZMQ_EV_CONNECTED]	= ev_ignore,
		[KZMQ_EV_RX]		= ev_rx,
		[KZMQ_EV_MECH]		= ev_ignore,
		[KZMQ_EV_PEER_READY]	= ev_ignore,
		[KZMQ_EV_TX]		= ev_tx,
		[KZMQ_EV_EOF]		= ev_eof,
		[KZMQ_EV_ERROR]		= conn_die,
	},
	[KZMQ_CONN_CLOSING] = {
		[KZMQ_EV_CLOSE]		= ev_close_again,
		[KZMQ_EV_TIMEOUT]	= ev_timeout_linger,
		[KZMQ_EV_BEAT]		= ev_beat,
		[KZMQ_EV_CONNECTED]	= ev_ignore,
		[KZMQ_EV_RX]		= ev_rx,
		[KZMQ_EV_MECH]		= ev_ignore,
		[KZMQ_EV_PEER_READY]	= ev_ignore,
		[KZMQ_EV_TX]		= ev_tx_closing,
		[KZMQ_EV_EOF]		= conn_lost,
		[KZMQ_EV_ERROR]		= conn_die,
	},
	[KZMQ_CONN_FIN] = {
		[KZMQ_EV_CLOSE]		= ev_close_again,
		[KZMQ_EV_TIMEOUT]	= ev_timeout_linger,
		[KZMQ_EV_BEAT]		= ev_ignore,
		[KZMQ_EV_CONNECTED]	= ev_ignore,
		[KZMQ_EV_RX]		= ev_rx,
		[KZMQ_EV_MECH]		= ev_ignore,
		[KZMQ_EV_PEER_READY]	= ev_ignore,
		[KZMQ_EV_TX]		= ev_tx_fin,
		[KZMQ_EV_EOF]		= conn_lost,
		[KZMQ_EV_ERROR]		= conn_die,
	},
	[KZMQ_CONN_DEAD] = {
		[0 ... KZMQ_EV_MAX - 1]	= ev_ignore,
	},
};

static void conn_work(struct work_struct *work)
{
	struct kzmq_conn *conn = container_of(work, struct kzmq_conn, work);
	unsigned long events = xchg(&conn->events, 0);
	int ev;

	for_each_set_bit(ev, &events, KZMQ_EV_MAX)
		fsm[conn->state][ev](conn);
	kzmq_conn_put(conn);
}

static void conn_timer(struct work_struct *work)
{
	struct kzmq_conn *conn = container_of(to_delayed_work(work),
					      struct kzmq_conn, timer);

	kzmq_conn_kick(conn, KZMQ_EV_TIMEOUT);
	kzmq_conn_put(conn);
}

static void conn_again(struct work_struct *work)
{
	struct kzmq_conn *conn = container_of(to_delayed_work(work),
					      struct kzmq_conn, again);

	kzmq_conn_kick(conn, KZMQ_EV_RX);
	kzmq_conn_kick(conn, KZMQ_EV_TX);
	kzmq_conn_put(conn);
}

static void conn_beat(struct work_struct *work)
{
	struct kzmq_conn *conn = container_of(to_delayed_work(work),
					      struct kzmq_conn, hb.timer);

	kzmq_conn_kick(conn, KZMQ_EV_BEAT);
	kzmq_conn_put(conn);
}

/**
 * kzmq_conn_later - memory is short, go on in a while
 * @conn:  the connection
 * @delay: jiffies
 *
 * Context: any.
 */
void kzmq_conn_later(struct kzmq_conn *conn, unsigned long delay)
{
	kzmq_conn_arm(conn, &conn->again, delay);
}
