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
 *	kzmq_ctx.lock		inproc names
 *	kzmq_sock.half_lock	the message being sent frame by frame
 *	kzmq_sock.mon_lock	the monitors; see monitor.c
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
#include "ctx.h"
#include "endpoint.h"
#include "inproc.h"
#include "monitor.h"
#include "msg.h"
#include "optval.h"
#include "sock.h"
#include "zap.h"

struct proto kzmq_proto = {
	.name		= "ZMQ",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct kzmq_sock),
};

static void sock_destruct(struct sock *sk)
{
	struct kzmq_sock *zs = kzmq_sk(sk);

	kzmq_mon_stop(zs);
	kzmq_zap_end(zs);
	mutex_lock(&zs->zn->mutex);
	list_del(&zs->node);
	mutex_unlock(&zs->zn->mutex);
	kzmq_peers_end(zs);
	kzmq_opts_drop(&zs->opts);
	if (zs->pat->destroy)
		zs->pat->destroy(zs);
	if (zs->lingers)
		kzmq_ctx_sent(zs->ctx);
	kzmq_ctx_put(zs->ctx);
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
	o->heartbeat_timeout = -1;
	o->sndbuf = -1;
	o->rcvbuf = -1;
	o->sndtimeo = -1;
	o->rcvtimeo = -1;
	o->use_fd = -1;
	o->tcp_keepalive = -1;
	o->tcp_keepalive_cnt = -1;
	o->tcp_keepalive_idle = -1;
	o->tcp_keepalive_intvl = -1;
	o->in_batch_size = 8192;
	o->out_batch_size = 8192;
}

static void sock_init_own(struct kzmq_sock *zs, int type,
			  const struct kzmq_pattern *pat)
{
	zs->type = type;
	zs->pat = pat;
	INIT_LIST_HEAD(&zs->node);
	INIT_LIST_HEAD(&zs->eps);
	INIT_LIST_HEAD(&zs->sweep);
	INIT_LIST_HEAD(&zs->pipes);
	xa_init_flags(&zs->peers, XA_FLAGS_ACCOUNT);
	spin_lock_init(&zs->mon_lock);
	INIT_LIST_HEAD(&zs->mons);
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
	zs->ctx = kzmq_ctx_default(zs->zn);
	err = zs->ctx ? 0 : -ENOMEM;
	if (!err && pat->init)
		err = pat->init(zs);
	if (err) {
		kzmq_ctx_put(zs->ctx);
		sock->sk = NULL;
		sk_free(sk);
		return err;
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
	WRITE_ONCE(zs->closed, true);
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

/* Messages and pipes after which others get the pattern lock */
#define DROP_STEP 1024

/*
 * LINGER 0: nothing waits for connections to learn of the end. Those looked at
 * go to the end of the list; no new ones come, and once round is enough.
 */
static void sock_drop_unsent(struct kzmq_sock *zs)
{
	struct kzmq_pipe *pipe;
	u32 n = 0, step = 0, left, m;

	spin_lock_bh(&zs->plock);
	for (left = zs->nr_pipes; left && !list_empty(&zs->pipes); left--) {
		pipe = list_first_entry(&zs->pipes, struct kzmq_pipe, node);
		list_move_tail(&pipe->node, &zs->pipes);
		/* An inproc peer has got it already, were it not for its marks. */
		m = READ_ONCE(pipe->link) ? 0 : kzmq_pipe_drop_out(pipe);
		n += m;
		step += m + 1;
		if (step < DROP_STEP)
			continue;
		step = 0;
		spin_unlock_bh(&zs->plock);
		cond_resched();
		spin_lock_bh(&zs->plock);
	}
	spin_unlock_bh(&zs->plock);
	if (n)
		KZMQ_ADD(zs->zn, DROP_PEER_GONE, n);
}

/**
 * kzmq_sock_busy - there is more, or less, that may have something to send
 * @zs:   the socket
 * @busy: more
 *
 * The last of a closed socket: what is left are peers that have not confirmed.
 *
 * Context: process, lock_sock() held.
 */
void kzmq_sock_busy(struct kzmq_sock *zs, bool busy)
{
	if (busy) {
		zs->nr_busy++;
		return;
	}
	if (--zs->nr_busy || !zs->lingers)
		return;
	zs->lingers = false;
	kzmq_ctx_sent(zs->ctx);
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
	zs->lingers = true;
	kzmq_ctx_linger(zs->ctx);
	kzmq_sock_busy(zs, true);
	sock_drop_user_state(zs);
	zs->deadline = kzmq_linger_end(zs->opts.linger, most);
	WRITE_ONCE(zs->cut, zs->opts.linger < 0 || zs->opts.linger > most);
	if (!zs->opts.linger)
		sock_drop_unsent(zs);
	list_for_each_entry_safe(ep, tmp, &zs->eps, node)
		kzmq_ep_close(ep, zs->deadline);
	kzmq_inproc_end_all(zs);
	release_sock(&zs->sk);
	kzmq_ep_sweep(zs);
	lock_sock(&zs->sk);
	kzmq_sock_busy(zs, false);
	release_sock(&zs->sk);
}

/* It lingers no longer. */
static void sock_abort(struct kzmq_sock *zs)
{
	struct kzmq_ep *ep, *tmp;

	lock_sock(&zs->sk);
	zs->deadline = jiffies;
	WRITE_ONCE(zs->cut, true);
	sock_drop_unsent(zs);
	list_for_each_entry_safe(ep, tmp, &zs->eps, node)
		kzmq_ep_close(ep, zs->deadline);
	release_sock(&zs->sk);
}

#define ABORT_BATCH 64

/* Up to ABORT_BATCH closed sockets not seen before, with a reference each. */
static unsigned int next_orphans(struct kzmq_net *zn, struct kzmq_sock **found)
{
	struct kzmq_sock *zs;
	unsigned int n = 0;

	mutex_lock(&zn->mutex);
	list_for_each_entry(zs, &zn->socks, node) {
		/* The last reference may be gone: then it waits for the mutex. */
		if (!READ_ONCE(zs->closed) || zs->aborted ||
		    !refcount_inc_not_zero(&zs->sk.sk_refcnt))
			continue;
		zs->aborted = true;
		found[n++] = zs;
		if (n == ABORT_BATCH)
			break;
	}
	mutex_unlock(&zn->mutex);
	return n;
}

/**
 * kzmq_sock_abort_orphans - end all sockets that linger after close
 * @zn: the namespace
 *
 * Context: process.
 */
void kzmq_sock_abort_orphans(struct kzmq_net *zn)
{
	struct kzmq_sock *found[ABORT_BATCH];
	unsigned int i, n;

	do {
		n = next_orphans(zn, found);
		for (i = 0; i < n; i++) {
			sock_abort(found[i]);
			kzmq_sock_put(found[i]);
		}
	} while (n);
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

/* Pipes after which others get the pattern lock, and how often for nothing */
#define WALK_STEP	256
#define WALK_ANEW	3

/**
 * kzmq_sock_for_pipes - go over all pipes, but not all at once
 * @zs:  the socket
 * @fn:  called for each, and with NULL when it begins, which it may do again
 * @arg: for @fn
 *
 * Context: process; @fn under the pattern lock.
 */
void kzmq_sock_for_pipes(struct kzmq_sock *zs,
			 void (*fn)(struct kzmq_sock *zs,
				    struct kzmq_pipe *pipe, void *arg),
			 void *arg)
{
	struct kzmq_pipe *pipe, *held = NULL;
	u32 n = 0, anew = 0;

	spin_lock_bh(&zs->plock);
again:
	fn(zs, NULL, arg);
	list_for_each_entry(pipe, &zs->pipes, node) {
		fn(zs, pipe, arg);
		if (++n % WALK_STEP || anew == WALK_ANEW)
			continue;
		kzmq_pipe_get(pipe);
		spin_unlock_bh(&zs->plock);
		kzmq_pipe_put(held);
		held = pipe;
		cond_resched();
		spin_lock_bh(&zs->plock);
		/* It left meanwhile, and the way on with it. */
		if (list_empty(&pipe->node)) {
			anew++;
			goto again;
		}
	}
	spin_unlock_bh(&zs->plock);
	kzmq_pipe_put(held);
}

static void add_stats(struct kzmq_sock *zs, struct kzmq_pipe *pipe, void *arg)
{
	struct zmq_stats *st = arg;

	if (!pipe) {
		memset(st, 0, sizeof(*st));
		return;
	}
	spin_lock(&pipe->lock);
	st->in_msgs += kzmq_queue_len(&pipe->in);
	st->in_bytes += pipe->in.bytes;
	st->out_msgs += kzmq_queue_len(&pipe->out);
	st->out_bytes += pipe->out.bytes;
	spin_unlock(&pipe->lock);
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
	kzmq_sock_for_pipes(zs, add_stats, st);
	st->size = sizeof(*st);
	spin_lock_bh(&zs->plock);
	st->peers = zs->nr_peers;
	st->sent = zs->sent;
	st->received = zs->received;
	st->dropped = zs->dropped;
	spin_unlock_bh(&zs->plock);
	st->mem = atomic_long_read(&zs->qbytes);
}
