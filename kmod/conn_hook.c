// SPDX-License-Identifier: GPL-2.0
/*
 * What the lower socket calls. TCP does so with its lock held, in softirq or in
 * process context; a Unix socket does so in the peer's process context, with what
 * locks of ours the peer holds. Whatever it tells becomes an event of the
 * connection, but for octets, which are taken at once.
 *
 * Locks: sk_callback_lock protects the pointer to the connection.
 */
#include <net/sock.h>
#include <net/tcp_states.h>

#include "conn.h"
#include "endpoint.h"
#include "transport.h"

static void conn_data_ready(struct sock *sk)
{
	struct kzmq_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn && conn->tr->rx_now) {
		kzmq_conn_get(conn);
	} else if (conn) {
		kzmq_rx_run(conn, GFP_ATOMIC);
		conn = NULL;
	}
	read_unlock_bh(&sk->sk_callback_lock);
	if (conn) {
		kzmq_conn_rx_now(conn);
		kzmq_conn_put(conn);
	}
}

static void conn_write_space(struct sock *sk)
{
	struct kzmq_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags) &&
	    conn->tr->writeable(sk)) {
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
			/* A Unix socket whose peer has left stays connected. */
			kzmq_conn_kick(conn, sk->sk_shutdown & RCV_SHUTDOWN ?
					     KZMQ_EV_EOF : KZMQ_EV_CONNECTED);
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

/**
 * kzmq_conn_hook - let the lower socket call us
 * @conn: its connection
 * @sk:   the lower socket; with the lower lock held, so that nothing is read yet
 *
 * Context: process.
 */
void kzmq_conn_hook(struct kzmq_conn *conn, struct sock *sk)
{
	write_lock_bh(&sk->sk_callback_lock);
	/* An accepted socket has the listener's callback, which is ours. */
	conn->saved_data_ready = conn->bound && !conn->ep->adopted ?
				 conn->ep->saved_data_ready : sk->sk_data_ready;
	conn->saved_write_space = sk->sk_write_space;
	conn->saved_state_change = sk->sk_state_change;
	conn->saved_error_report = sk->sk_error_report;
	sk->sk_user_data = conn;
	WRITE_ONCE(sk->sk_data_ready, conn_data_ready);
	WRITE_ONCE(sk->sk_write_space, conn_write_space);
	WRITE_ONCE(sk->sk_state_change, conn_state_change);
	WRITE_ONCE(sk->sk_error_report, conn_error_report);
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * kzmq_conn_unhook - no more of its calls, and nothing more is read
 * @conn: the connection
 *
 * Context: process, takes the lower lock.
 */
void kzmq_conn_unhook(struct kzmq_conn *conn)
{
	struct sock *sk = conn->sock->sk;

	conn->tr->lock(conn);
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	WRITE_ONCE(sk->sk_data_ready, conn->saved_data_ready);
	WRITE_ONCE(sk->sk_write_space, conn->saved_write_space);
	WRITE_ONCE(sk->sk_state_change, conn->saved_state_change);
	WRITE_ONCE(sk->sk_error_report, conn->saved_error_report);
	write_unlock_bh(&sk->sk_callback_lock);
	conn->rx.mode = KZMQ_RX_STOP;
	conn->tr->unlock(conn);
}
