// SPDX-License-Identifier: GPL-2.0
/*
 * What lower sockets have in common, whatever carries the octets.
 *
 * Options are set without asking for privileges: that was done when the option was
 * set, of the one who set it.
 *
 * Locks: takes that of the lower socket.
 * Contexts: process.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "sock.h"
#include "transport.h"

static void lower_sndbuf(struct sock *sk, u32 want)
{
	int v = min(want, READ_ONCE(sysctl_wmem_max)) * 2;

	lock_sock(sk);
	sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	WRITE_ONCE(sk->sk_sndbuf, max_t(int, v, SOCK_MIN_SNDBUF));
	release_sock(sk);
}

/**
 * kzmq_lower_tune - ZMQ_SNDBUF, ZMQ_RCVBUF, ZMQ_PRIORITY and ZMQ_BUSY_POLL
 * @sk: a lower socket, made or accepted
 * @o:  the options of its endpoint
 *
 * What was not set stays as the transport has it.
 *
 * Context: process, takes lock_sock() of @sk.
 */
void kzmq_lower_tune(struct sock *sk, const struct kzmq_opts *o)
{
	if (o->sndbuf >= 0)
		lower_sndbuf(sk, o->sndbuf);
	if (o->rcvbuf >= 0)
		sock_set_rcvbuf(sk, min_t(u32, o->rcvbuf,
					  READ_ONCE(sysctl_rmem_max)));
	if (o->priority)
		sock_set_priority(sk, o->priority);
#ifdef CONFIG_NET_RX_BUSY_POLL
	if (o->busy_poll)
		WRITE_ONCE(sk->sk_ll_usec, o->busy_poll);
#endif
}

/* Is the next that this TCP socket has to say that it will say no more? */
static bool lower_owes_fin(const struct sock *sk)
{
	return (1 << READ_ONCE(sk->sk_state)) &
	       (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT);
}

/**
 * kzmq_lower_end - say that nothing more will be sent
 * @sock: the lower socket; nobody sends on it meanwhile
 *
 * TCP does not try again when it finds no memory for a FIN. The peer would wait
 * for ever, and so would an orphan for its answer; closing the socket resets the
 * connection then.
 *
 * Context: process, takes lock_sock() of @sock.
 * Return: false when the peer will not hear of it before the socket is closed.
 */
bool kzmq_lower_end(struct socket *sock)
{
	struct sock *sk = sock->sk;
	bool fin;
	u32 seq;

	if (!sk_is_tcp(sk)) {
		kernel_sock_shutdown(sock, SHUT_WR);
		return true;
	}
	seq = READ_ONCE(tcp_sk(sk)->write_seq);
	fin = lower_owes_fin(sk);
	kernel_sock_shutdown(sock, SHUT_WR);
	/* A FIN has a number of its own; a connection that was reset has none. */
	if (!fin || READ_ONCE(tcp_sk(sk)->write_seq) != seq ||
	    READ_ONCE(sk->sk_state) == TCP_CLOSE)
		return true;
	sock_no_linger(sk);
	return false;
}

/**
 * kzmq_lower_acked - has the peer all that was sent
 * @sock: the lower socket
 *
 * Context: any.
 */
bool kzmq_lower_acked(struct socket *sock)
{
	const struct sock *sk = sock->sk;

	return !sk_is_tcp(sk) || READ_ONCE(tcp_sk(sk)->snd_una) ==
				 READ_ONCE(tcp_sk(sk)->write_seq);
}

/**
 * kzmq_lower_close - close a connected lower socket, in such a way that the peer
 *                    hears of it
 * @sock: the socket
 *
 * Context: process.
 */
void kzmq_lower_close(struct socket *sock)
{
	struct sock *sk = sock->sk;

	/* With octets unread, or no time to linger, it is a reset anyway. */
	if (sk_is_tcp(sk) && lower_owes_fin(sk) &&
	    !sock_flag(sk, SOCK_LINGER) &&
	    skb_queue_empty_lockless(&sk->sk_receive_queue))
		kzmq_lower_end(sock);
	sock_release(sock);
}

/**
 * kzmq_lower_release - no more of a lower socket
 * @sock: the socket; it may have a file, which nobody else knows
 *
 * Its name is free afterwards: the file alone may be let go of later.
 *
 * Context: process.
 */
void kzmq_lower_release(struct socket *sock)
{
	struct file *file = sock->file;

	sock_release(sock);
	if (!file)
		return;
	/* That has forgotten whose the inode is: the file's, until it goes. */
	sock->file = file;
	fput(file);
}
