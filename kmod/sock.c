// SPDX-License-Identifier: GPL-2.0
/*
 * The socket object: making it, closing it, waking those who wait on it.
 *
 * Life: the file holds one reference; each endpoint, connection and pipe holds
 * one. After close the socket stays until what it accepted is sent or its time
 * to linger is over.
 *
 * Locks, outer to inner:
 *	kzmq_net.mutex		list of sockets
 *	lock_sock(zs)		endpoints, options, close
 *	kzmq_sock.half_lock	the message being sent frame by frame
 *	kzmq_conn.tx.lock	sending on one connection
 *	lock_sock(lower)	receiving on one connection
 *	lower->sk_callback_lock
 *	kzmq_sock.plock		pattern: which pipe, which message
 *	kzmq_pipe.lock		queues of one pipe
 *	kzmq_conn.ctl_lock	leaf
 * The last five are taken in softirq too. On the way of a message the first
 * two are never taken.
 */
#include <linux/module.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "conn.h"
#include "endpoint.h"
#include "msg.h"
#include "sock.h"

struct proto kzmq_proto = {
	.name		= "ZMQ",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct kzmq_sock),
};

static void sock_destruct(struct sock *sk)
{
	struct kzmq_sock *zs = kzmq_sk(sk);

	mutex_lock(&zs->zn->mutex);
	list_del(&zs->node);
	mutex_unlock(&zs->zn->mutex);
	if (zs->pat->destroy)
		zs->pat->destroy(zs);
}

static void opts_default(struct kzmq_opts *o)
{
	o->maxmsgsize = -1;
	o->sndhwm = 1000;
	o->rcvhwm = 1000;
	o->linger = -1;
	o->reconnect_ivl = 100;
	o->backlog = 100;
	o->handshake_ivl = 30000;
	o->sndbuf = -1;
	o->rcvbuf = -1;
	o->sndtimeo = -1;
	o->rcvtimeo = -1;
}

static void sock_init_own(struct kzmq_sock *zs, int type,
			  const struct kzmq_pattern *pat)
{
	zs->type = type;
	zs->pat = pat;
	INIT_LIST_HEAD(&zs->node);
	INIT_LIST_HEAD(&zs->eps);
	INIT_LIST_HEAD(&zs->pipes);
	spin_lock_init(&zs->plock);
	mutex_init(&zs->half_lock);
	kzmq_fq_init(&zs->fq);
	kzmq_lb_init(&zs->lb);
	opts_default(&zs->opts);
	/* Unsent subscriptions are of no use to anybody. */
	if (type == ZMQ_SUB || type == ZMQ_XSUB)
		zs->opts.linger = 0;
}

/**
 * kzmq_sock_create - socket(AF_ZMQ, SOCK_SEQPACKET, type)
 * @net:  network namespace
 * @sock: the socket to fill in
 * @type: ZMQ_PAIR ... ZMQ_STREAM
 * @kern: made by the kernel for itself
 *
 * Context: process.
 * Return: 0, -EPROTONOSUPPORT, -ENOMEM.
 */
int kzmq_sock_create(struct net *net, struct socket *sock, int type, int kern)
{
	const struct kzmq_pattern *pat = kzmq_pattern_find(type);
	struct kzmq_sock *zs;
	struct sock *sk;
	int err;

	if (!pat)
		return -EPROTONOSUPPORT;
	sk = sk_alloc(net, kzmq_family, GFP_KERNEL, &kzmq_proto, kern);
	if (!sk)
		return -ENOMEM;
	sock->ops = &kzmq_proto_ops;
	sock_init_data(sock, sk);
	sk->sk_protocol = type;
	zs = kzmq_sk(sk);
	zs->zn = kzmq_pernet(net);
	sock_init_own(zs, type, pat);
	if (pat->init) {
		err = pat->init(zs);
		if (err) {
			sock->sk = NULL;
			sk_free(sk);
			return err;
		}
	}
	sk->sk_destruct = sock_destruct;
	mutex_lock(&zs->zn->mutex);
	list_add_tail(&zs->node, &zs->zn->socks);
	mutex_unlock(&zs->zn->mutex);
	KZMQ_INC(zs->zn, SOCKETS);
	return 0;
}

static void sock_drop_user_state(struct kzmq_sock *zs)
{
	struct kzmq_pipe *pipe, *tmp;
	struct kzmq_in in;

	spin_lock_bh(&zs->plock);
	zs->closed = true;
	in = zs->in;
	memset(&zs->in, 0, sizeof(zs->in));
	if (zs->pat->close)
		zs->pat->close(zs);
	/* Peers that left wait for their last words to be read: by nobody. */
	list_for_each_entry_safe(pipe, tmp, &zs->pipes, node) {
		if (pipe->gone && !pipe->purging) {
			kzmq_pipe_drop_in(pipe);
			kzmq_pattern_forget(zs, pipe);
		}
	}
	spin_unlock_bh(&zs->plock);
	kzmq_in_put(&in);
	mutex_lock(&zs->half_lock);
	kzmq_msg_put(zs->half);
	zs->half = NULL;
	mutex_unlock(&zs->half_lock);
}

/* LINGER 0: nothing waits for connections to learn of the end. */
static void sock_drop_unsent(struct kzmq_sock *zs)
{
	struct kzmq_pipe *pipe;
	u32 n = 0;

	spin_lock_bh(&zs->plock);
	list_for_each_entry(pipe, &zs->pipes, node)
		n += kzmq_pipe_drop_out(pipe);
	spin_unlock_bh(&zs->plock);
	if (n)
		KZMQ_ADD(zs->zn, DROP_PEER_GONE, n);
}

/**
 * kzmq_sock_close - the file is gone
 * @zs: the socket; the file's reference is still held
 *
 * Context: process, takes lock_sock().
 */
void kzmq_sock_close(struct kzmq_sock *zs)
{
	unsigned int most = READ_ONCE(zs->zn->lim.orphan_ms);
	struct kzmq_ep *ep, *tmp;

	lock_sock(&zs->sk);
	sock_drop_user_state(zs);
	zs->deadline = kzmq_linger_end(zs->opts.linger, most);
	if (!zs->opts.linger)
		sock_drop_unsent(zs);
	list_for_each_entry_safe(ep, tmp, &zs->eps, node)
		kzmq_ep_close(ep, zs->deadline);
	release_sock(&zs->sk);
}

static void sock_wake(struct kzmq_sock *zs, int band, int how, __poll_t events)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(zs->sk.sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_sync_poll(&wq->wait, events);
	if (sock_flag(&zs->sk, SOCK_FASYNC))
		sk_wake_async(&zs->sk, how, band);
	rcu_read_unlock();
}

/**
 * kzmq_sock_wake_in - there may be something to receive
 * @zs: the socket
 *
 * Context: any.
 */
void kzmq_sock_wake_in(struct kzmq_sock *zs)
{
	sock_wake(zs, POLL_IN, SOCK_WAKE_WAITD, EPOLLIN | EPOLLRDNORM);
}

/**
 * kzmq_sock_wake_out - there may be room to send
 * @zs: the socket
 *
 * Context: any.
 */
void kzmq_sock_wake_out(struct kzmq_sock *zs)
{
	sock_wake(zs, POLL_OUT, SOCK_WAKE_SPACE, EPOLLOUT | EPOLLWRNORM);
}

/**
 * kzmq_sock_wake_all - the socket ends
 * @zs: the socket
 *
 * Context: any.
 */
void kzmq_sock_wake_all(struct kzmq_sock *zs)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(zs->sk.sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_all(&wq->wait);
	if (sock_flag(&zs->sk, SOCK_FASYNC))
		sk_wake_async(&zs->sk, SOCK_WAKE_WAITD, POLL_HUP);
	rcu_read_unlock();
}

/**
 * kzmq_sock_fill_stats - ZMQ_STATS
 * @zs: the socket
 * @st: where to
 *
 * Context: process.
 */
void kzmq_sock_fill_stats(struct kzmq_sock *zs, struct zmq_stats *st)
{
	struct kzmq_pipe *pipe;

	memset(st, 0, sizeof(*st));
	st->size = sizeof(*st);
	spin_lock_bh(&zs->plock);
	list_for_each_entry(pipe, &zs->pipes, node) {
		spin_lock(&pipe->lock);
		st->in_msgs += kzmq_queue_len(&pipe->in);
		st->in_bytes += pipe->in.bytes;
		st->out_msgs += kzmq_queue_len(&pipe->out);
		st->out_bytes += pipe->out.bytes;
		spin_unlock(&pipe->lock);
	}
	st->peers = zs->nr_peers;
	st->sent = zs->sent;
	st->received = zs->received;
	st->dropped = zs->dropped;
	spin_unlock_bh(&zs->plock);
	st->mem = atomic_long_read(&zs->qbytes);
}
