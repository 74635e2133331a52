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
#include "msg.h"
#include "trace.h"
#include "transport.h"

static void conn_work(struct work_struct *work);
static void conn_timer(struct work_struct *work);
static void conn_again(struct work_struct *work);

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

static void conn_arm(struct kzmq_conn *conn, struct delayed_work *dw,
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

/*
 * Callbacks of the lower socket. TCP calls them with its lock held, in softirq
 * or in process context.
 */

static void conn_data_ready(struct sock *sk)
{
	struct kzmq_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn)
		kzmq_rx_run(conn, GFP_ATOMIC);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void conn_write_space(struct sock *sk)
{
	struct kzmq_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn && sk_stream_is_writeable(sk)) {
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		kzmq_conn_kick(conn, KZMQ_EV_TX);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void conn_state_change(struct sock *sk)
{
	struct kzmq_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn) {
		switch (sk->sk_state) {
		case TCP_ESTABLISHED:
			kzmq_conn_kick(conn, KZMQ_EV_CONNECTED);
			break;
		case TCP_SYN_SENT:
		case TCP_SYN_RECV:
		case TCP_FIN_WAIT1:
			break;
		default:
			kzmq_conn_kick(conn, KZMQ_EV_EOF);
		}
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void conn_error_report(struct sock *sk)
{
	struct kzmq_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn)
		kzmq_conn_kick(conn, KZMQ_EV_EOF);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void conn_hook(struct kzmq_conn *conn)
{
	struct sock *sk = conn->sock->sk;

	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	/* An accepted socket has the listener's callback, which is ours. */
	conn->saved_data_ready = conn->bound ? conn->ep->saved_data_ready :
					       sk->sk_data_ready;
	conn->saved_write_space = sk->sk_write_space;
	conn->saved_state_change = sk->sk_state_change;
	conn->saved_error_report = sk->sk_error_report;
	sk->sk_user_data = conn;
	WRITE_ONCE(sk->sk_data_ready, conn_data_ready);
	WRITE_ONCE(sk->sk_write_space, conn_write_space);
	WRITE_ONCE(sk->sk_state_change, conn_state_change);
	WRITE_ONCE(sk->sk_error_report, conn_error_report);
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
}

static void conn_unhook(struct kzmq_conn *conn)
{
	struct sock *sk = conn->sock->sk;

	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	WRITE_ONCE(sk->sk_data_ready, conn->saved_data_ready);
	WRITE_ONCE(sk->sk_write_space, conn->saved_write_space);
	WRITE_ONCE(sk->sk_state_change, conn->saved_state_change);
	WRITE_ONCE(sk->sk_error_report, conn->saved_error_report);
	write_unlock_bh(&sk->sk_callback_lock);
	conn->rx.mode = KZMQ_RX_STOP;
	release_sock(sk);
}

/**
 * kzmq_conn_alloc - a connection for a lower socket
 * @ep:    the endpoint it belongs to
 * @sock:  the lower socket, taken over on success
 * @bound: the peer connected to us
 *
 * Context: process.
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
	conn->ep = kzmq_ep_get(ep);
	INIT_LIST_HEAD(&conn->node);
	conn->tr = ep->tr;
	conn->sock = sock;
	conn->bound = bound;
	conn->raw = ep->zs->pat->raw;
	conn->born = jiffies;
	INIT_WORK(&conn->work, conn_work);
	INIT_DELAYED_WORK(&conn->timer, conn_timer);
	INIT_DELAYED_WORK(&conn->again, conn_again);
	INIT_LIST_HEAD(&conn->ctl);
	spin_lock_init(&conn->ctl_lock);
	kzmq_rx_init(conn);
	kzmq_tx_init(conn);
	return conn;
}

/**
 * kzmq_conn_free - the last reference is gone
 * @conn: the connection, DEAD or never started
 *
 * Context: any.
 */
void kzmq_conn_free(struct kzmq_conn *conn)
{
	struct kzmq_ctl *ctl, *tmp;

	list_for_each_entry_safe(ctl, tmp, &conn->ctl, node)
		kfree(ctl);
	kzmq_rx_destroy(conn);
	kzmq_tx_destroy(conn);
	kzmq_pipe_put(conn->pipe);
	kzmq_ep_put(conn->ep);
	kzmq_sock_put(conn->zs);
	kfree(conn);
}

/**
 * kzmq_conn_start - let a connection live
 * @conn:      the connection, in its endpoint's list
 * @connected: the lower socket is connected already
 *
 * Context: process.
 */
void kzmq_conn_start(struct kzmq_conn *conn, bool connected)
{
	int ivl = conn->ep->opts.handshake_ivl;
	int state;

	if (ivl && !conn->raw)
		conn_arm(conn, &conn->timer, msecs_to_jiffies(ivl));
	conn_hook(conn);
	/* What came before the hook was told to nobody. */
	state = READ_ONCE(conn->sock->sk->sk_state);
	if (connected || state == TCP_ESTABLISHED)
		kzmq_conn_kick(conn, KZMQ_EV_CONNECTED);
	if (state != TCP_ESTABLISHED && state != TCP_SYN_SENT)
		kzmq_conn_kick(conn, KZMQ_EV_EOF);
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

/* The end: let go of the lower socket and tell the socket and the endpoint. */
static void conn_die(struct kzmq_conn *conn)
{
	bool was_ready = conn->state >= KZMQ_CONN_READY;
	struct kzmq_pipe *pipe = conn->pipe;
	struct kzmq_sock *zs = conn->zs;
	bool was_live;

	conn_count_end(conn, was_ready);
	conn_disarm(conn, &conn->timer);
	conn_disarm(conn, &conn->again);
	conn_unhook(conn);
	mutex_lock(&conn->tx.lock);
	conn->tx.dead = true;
	mutex_unlock(&conn->tx.lock);
	conn_set_state(conn, KZMQ_CONN_DEAD);
	sock_release(conn->sock);
	conn->sock = NULL;
	if (pipe) {
		was_live = kzmq_pattern_lost(zs, pipe);
		kzmq_pipe_set_conn(pipe, NULL);
		if (pipe != conn->ep->pipe)
			kzmq_pattern_detach(zs, pipe, false);
		if (was_live)
			kzmq_pattern_uncount(zs);
	}
	kzmq_ep_conn_gone(conn->ep, conn);
}

static bool conn_lingers(struct kzmq_conn *conn)
{
	return time_before(jiffies, READ_ONCE(conn->deadline));
}

static void conn_arm_deadline(struct kzmq_conn *conn)
{
	unsigned long now = jiffies, end = READ_ONCE(conn->deadline);

	conn_arm(conn, &conn->timer, time_after(end, now) ? end - now : 0);
}

/* All is sent: end our half, and wait until the peer has it all. */
static void conn_check_sent(struct kzmq_conn *conn)
{
	if (!kzmq_conn_tx_empty(conn))
		return;
	conn_set_state(conn, KZMQ_CONN_FIN);
	kernel_sock_shutdown(conn->sock, SHUT_WR);
}

static void ev_connected(struct kzmq_conn *conn)
{
	u8 out[KZMQ_GREET_OUT];
	size_t n;

	/* As good as refused: nobody else is there. */
	if (!conn->bound && conn->tr->to_self(conn)) {
		conn_die(conn);
		return;
	}
	conn_set_state(conn, KZMQ_CONN_HANDSHAKE);
	if (conn->raw) {
		kzmq_conn_kick(conn, KZMQ_EV_PEER_READY);
		return;
	}
	n = kzmq_greet_start(&conn->rx.greet, out);
	if (kzmq_conn_ctl(conn, out, n, false, GFP_KERNEL)) {
		conn_die(conn);
		return;
	}
	kzmq_rx_go(conn, KZMQ_RX_GREETING);
	kzmq_conn_tx(conn);
	kzmq_conn_rx(conn);
}

static void ev_rx(struct kzmq_conn *conn)
{
	kzmq_conn_rx(conn);
	if (test_bit(KZMQ_CONN_EOF_SEEN, &conn->flags))
		kzmq_conn_kick(conn, KZMQ_EV_EOF);
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

static int conn_make_pipe(struct kzmq_conn *conn)
{
	struct kzmq_pipe *pipe;
	int err;

	if (conn->ep->pipe) {
		conn->pipe = kzmq_pipe_get(conn->ep->pipe);
		return 0;
	}
	pipe = kzmq_pipe_alloc(conn->zs, GFP_KERNEL_ACCOUNT);
	if (!pipe)
		return -ENOMEM;
	pipe->bound = conn->bound;
	err = kzmq_pattern_attach(conn->zs, pipe);
	if (err) {
		kzmq_pipe_put(pipe);
		return err;
	}
	conn->pipe = pipe;
	return 0;
}

static void ev_peer_ready(struct kzmq_conn *conn)
{
	static const struct kzmq_rid no_rid;
	int err;

	err = conn_make_pipe(conn);
	if (err) {
		WRITE_ONCE(conn->err, conn->bound ? err : 0);
		conn_die(conn);
		return;
	}
	conn_disarm(conn, &conn->timer);
	kzmq_ep_conn_ready(conn->ep, conn);
	kzmq_pipe_set_conn(conn->pipe, conn);
	/* On the way out nothing new is begun, only the rest is sent. */
	if (!test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags))
		err = kzmq_pattern_ready(conn->zs, conn->pipe,
					 conn->rx.peer ?: &no_rid);
	if (!err)
		err = conn_subscribe_all(conn);
	conn_set_state(conn, KZMQ_CONN_READY);
	if (err) {
		conn_die(conn);
		return;
	}
	KZMQ_INC(conn->zs->zn, HS_OK);
	mutex_lock(&conn->tx.lock);
	conn->tx.on = true;
	mutex_unlock(&conn->tx.lock);
	kzmq_rx_go(conn, conn->raw ? KZMQ_RX_RAW : KZMQ_RX_TRAFFIC);
	kzmq_conn_tx(conn);
	ev_rx(conn);
	if (test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags))
		kzmq_conn_kick(conn, KZMQ_EV_CLOSE);
}

/* Messages for the peer wait: go on with the handshake to deliver them. */
static void ev_close_early(struct kzmq_conn *conn)
{
	struct kzmq_pipe *pipe = conn->ep->pipe;

	if (!pipe || kzmq_pipe_out_empty(pipe) || !conn_lingers(conn))
		conn_die(conn);
	else
		conn_arm_deadline(conn);
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

static void ev_timeout_hs(struct kzmq_conn *conn)
{
	int ivl = conn->ep->opts.handshake_ivl;

	/* A deadline for closing may have come later than that for this. */
	if (test_bit(KZMQ_CONN_CLOSE_SEEN, &conn->flags) && conn_lingers(conn) &&
	    (!ivl || conn->raw ||
	     time_before(jiffies, conn->born + msecs_to_jiffies(ivl)))) {
		conn_arm_deadline(conn);
		return;
	}
	KZMQ_INC(conn->zs->zn, HS_TIMEOUT);
	conn_die(conn);
}

/* Octets that came before the end are still good. */
static void ev_eof(struct kzmq_conn *conn)
{
	bool empty;

	set_bit(KZMQ_CONN_EOF_SEEN, &conn->flags);
	kzmq_conn_rx(conn);
	conn->tr->lock(conn);
	empty = conn->rx.mode == KZMQ_RX_STOP ||
		(!conn->rx.done && conn->tr->rx_empty(conn));
	conn->tr->unlock(conn);
	if (empty)
		conn_die(conn);
}

/* A peer may say all it has to say and leave. */
static void ev_eof_hs(struct kzmq_conn *conn)
{
	set_bit(KZMQ_CONN_EOF_SEEN, &conn->flags);
	kzmq_conn_rx(conn);
	if (test_bit(KZMQ_EV_PEER_READY, &conn->events))
		kzmq_conn_kick(conn, KZMQ_EV_EOF);
	else
		conn_die(conn);
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
		[KZMQ_EV_CONNECTED]	= ev_connected,
		[KZMQ_EV_RX]		= ev_ignore,
		[KZMQ_EV_PEER_READY]	= ev_ignore,
		[KZMQ_EV_TX]		= ev_ignore,
		[KZMQ_EV_EOF]		= conn_die,
		[KZMQ_EV_ERROR]		= conn_die,
	},
	[KZMQ_CONN_HANDSHAKE] = {
		[KZMQ_EV_CLOSE]		= ev_close_early,
		[KZMQ_EV_TIMEOUT]	= ev_timeout_hs,
		[KZMQ_EV_CONNECTED]	= ev_ignore,
		[KZMQ_EV_RX]		= ev_rx,
		[KZMQ_EV_PEER_READY]	= ev_peer_ready,
		[KZMQ_EV_TX]		= ev_tx,
		[KZMQ_EV_EOF]		= ev_eof_hs,
		[KZMQ_EV_ERROR]		= conn_die,
	},
	[KZMQ_CONN_READY] = {
		[KZMQ_EV_CLOSE]		= ev_close,
		[KZMQ_EV_TIMEOUT]	= ev_ignore,
		[KZMQ_EV_CONNECTED]	= ev_ignore,
		[KZMQ_EV_RX]		= ev_rx,
		[KZMQ_EV_PEER_READY]	= ev_ignore,
		[KZMQ_EV_TX]		= ev_tx,
		[KZMQ_EV_EOF]		= ev_eof,
		[KZMQ_EV_ERROR]		= conn_die,
	},
	[KZMQ_CONN_CLOSING] = {
		[KZMQ_EV_CLOSE]		= ev_close_again,
		[KZMQ_EV_TIMEOUT]	= ev_timeout_linger,
		[KZMQ_EV_CONNECTED]	= ev_ignore,
		[KZMQ_EV_RX]		= ev_rx,
		[KZMQ_EV_PEER_READY]	= ev_ignore,
		[KZMQ_EV_TX]		= ev_tx_closing,
		[KZMQ_EV_EOF]		= conn_die,
		[KZMQ_EV_ERROR]		= conn_die,
	},
	[KZMQ_CONN_FIN] = {
		[KZMQ_EV_CLOSE]		= ev_close_again,
		[KZMQ_EV_TIMEOUT]	= ev_timeout_linger,
		[KZMQ_EV_CONNECTED]	= ev_ignore,
		[KZMQ_EV_RX]		= ev_rx,
		[KZMQ_EV_PEER_READY]	= ev_ignore,
		[KZMQ_EV_TX]		= ev_ignore,
		[KZMQ_EV_EOF]		= conn_die,
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

/**
 * kzmq_conn_later - memory is short, go on in a while
 * @conn:  the connection
 * @delay: jiffies
 *
 * Context: any.
 */
void kzmq_conn_later(struct kzmq_conn *conn, unsigned long delay)
{
	conn_arm(conn, &conn->again, delay);
}
