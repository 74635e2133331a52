// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners: connections that come to a bound endpoint.
 *
 * Strangers cost little: at most handshakes_max of them may be unfinished, and
 * then the oldest goes, so that silent ones cannot keep others out.
 *
 * Locks: everything is under lock_sock() of the socket but for the callback,
 * which runs in softirq with the lower socket's lock held and only queues work,
 * and the search for names, which is under none.
 * References: the queued work item holds one of the endpoint.
 */
#include <linux/cred.h>
#include <linux/net.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "conn.h"
#include "endpoint.h"
#include "monitor.h"
#include "transport.h"

#define ACCEPT_BUDGET	64
#define ACCEPT_RETRY	msecs_to_jiffies(100)
#define TEXT_MAX	KZMQ_URI_TCP_MAX

/* Also called for sockets in the accept queue, which have no endpoint yet. */
static void listener_data_ready(struct sock *sk)
{
	struct kzmq_ep *ep;

	rcu_read_lock();
	read_lock_bh(&sk->sk_callback_lock);
	ep = rcu_dereference_sk_user_data(sk);
	if (ep && sk->sk_state == TCP_LISTEN)
		kzmq_listener_kick(ep, 0);
	read_unlock_bh(&sk->sk_callback_lock);
	rcu_read_unlock();
}

/*
 * An adopted listener stays the user's own: its callbacks are not touched, so
 * that connections which the user accepts are like any other. We wait on it as
 * poll() does.
 */
static int listener_wake(struct wait_queue_entry *wait, unsigned int mode,
			 int sync, void *key)
{
	struct kzmq_ep *ep = container_of(wait, struct kzmq_ep, wait);
	__poll_t events = key_to_poll(key);

	if (!events || events & EPOLLIN)
		kzmq_listener_kick(ep, 0);
	return 0;
}

static void listener_hook(struct kzmq_ep *ep, struct sock *sk)
{
	if (ep->adopted) {
		init_waitqueue_func_entry(&ep->wait, listener_wake);
		add_wait_queue(sk_sleep(sk), &ep->wait);
		/* Who comes from now on wakes us; who came is looked for. */
		smp_mb();
		return;
	}
	write_lock_bh(&sk->sk_callback_lock);
	ep->saved_data_ready = sk->sk_data_ready;
	__rcu_assign_sk_user_data_with_flags(sk, ep, SK_USER_DATA_NOCOPY);
	WRITE_ONCE(sk->sk_data_ready, listener_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
}

static void listener_unhook(struct kzmq_ep *ep, struct sock *sk)
{
	if (ep->adopted) {
		remove_wait_queue(sk_sleep(sk), &ep->wait);
		return;
	}
	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, NULL);
	WRITE_ONCE(sk->sk_data_ready, ep->saved_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
}

/* Make room among the unfinished: the oldest has had its time. */
static void listener_evict(struct kzmq_ep *ep)
{
	struct kzmq_conn *old;

	old = list_first_entry_or_null(&ep->hs, struct kzmq_conn, node);
	if (!old)
		return;
	old->in_hs = false;
	ep->nr_hs--;
	list_move_tail(&old->node, &ep->conns);
	KZMQ_INC(ep->zs->zn, HS_EVICTED);
	WRITE_ONCE(old->why, -EUSERS);
	kzmq_conn_close(old, jiffies);
}

/* Who left something to be read still counts, or he could come without end. */
static bool listener_full(struct kzmq_ep *ep)
{
	unsigned int most = READ_ONCE(ep->zs->zn->lim.conns_max);

	if (ep->nr_conns >= most)
		return true;	/* one that goes kicks us */
	if (ep->nr_conns + READ_ONCE(ep->zs->nr_left) < most)
		return false;
	/* Reading is not told here. */
	kzmq_listener_kick(ep, ACCEPT_RETRY);
	return true;
}

static int listener_take(struct kzmq_ep *ep)
{
	struct kzmq_limits *lim = &ep->zs->zn->lim;
	struct kzmq_conn *conn;
	struct socket *sock;
	int err;

	if (listener_full(ep))
		return -EAGAIN;
	err = ep->tr->accept(ep, &sock);
	if (err)
		return err;
	if (!ep->tr->allowed(ep, sock)) {
		KZMQ_INC(ep->zs->zn, ACCEPT_FILTERED);
		kzmq_lower_close(sock);
		return 0;
	}
	conn = kzmq_conn_alloc(ep, sock, true);
	if (!conn) {
		kzmq_lower_close(sock);
		return -ENOMEM;
	}
	KZMQ_INC(ep->zs->zn, ACCEPTS);
	kzmq_ep_add_conn(ep, conn);
	kzmq_mon_conn(ep->zs, conn, ZMQ_EVENT_ACCEPTED, conn->id);
	/* Who watches hears first of whom room is made for. */
	if (ep->nr_hs > READ_ONCE(lim->handshakes_max))
		listener_evict(ep);
	kzmq_conn_start(conn, true);
	return 0;
}

static void listener_accept(struct kzmq_ep *ep)
{
	int err = 0, n = ACCEPT_BUDGET;

	while (!err && n--)
		err = listener_take(ep);
	if (!err) {
		kzmq_listener_kick(ep, 0);
	} else if (err == -EINVAL && ep->adopted) {
		/* The user has shut it down; listen() again will wake us. */
		KZMQ_INC(ep->zs->zn, ACCEPT_FAILED);
	} else if (err != -EAGAIN) {
		KZMQ_INC(ep->zs->zn, ACCEPT_FAILED);
		kzmq_mon_ep(ep->zs, ep, ZMQ_EVENT_ACCEPT_FAILED, ep->id, -err,
			    err);
		kzmq_listener_kick(ep, ACCEPT_RETRY);
	}
}

static void listener_work(struct work_struct *work)
{
	struct kzmq_ep *ep = container_of(to_delayed_work(work),
					  struct kzmq_ep, accept);
	struct kzmq_sock *zs = ep->zs;
	struct mem_cgroup *old_memcg;
	const struct cred *old;

	kzmq_sock_get(zs);
	old = override_creds(ep->cred);
	old_memcg = set_active_memcg(kzmq_sock_memcg(zs));
	lock_sock(&zs->sk);
	if (ep->listener)
		listener_accept(ep);
	release_sock(&zs->sk);
	set_active_memcg(old_memcg);
	revert_creds(old);
	kzmq_ep_put(ep);
	kzmq_sock_put(zs);
}

/**
 * kzmq_listener_kick - connections may wait to be taken
 * @ep:    the endpoint
 * @delay: jiffies
 *
 * Context: any.
 */
void kzmq_listener_kick(struct kzmq_ep *ep, unsigned long delay)
{
	kzmq_ep_get(ep);
	if (!queue_delayed_work(kzmq_wq, &ep->accept, delay))
		kzmq_ep_put(ep);
}

/**
 * kzmq_listener_init - set up the part of a new endpoint
 * @ep: the endpoint
 */
void kzmq_listener_init(struct kzmq_ep *ep)
{
	INIT_DELAYED_WORK(&ep->accept, listener_work);
}

/* ZMQ_USE_FD: somebody has bound it and listens already. */
static int listener_adopt(struct kzmq_ep *ep, struct socket **res)
{
	struct socket *sock;
	struct sock *sk;
	int err;

	sock = sockfd_lookup(ep->opts.use_fd, &err);
	if (!sock)
		return err;
	sk = sock->sk;
	if (!kzmq_tr_tcp.adopts(sk) && !kzmq_tr_unix.adopts(sk))
		err = -EOPNOTSUPP;
	else if (!ep->tr->adopts(sk))
		err = -EAFNOSUPPORT;
	else if (READ_ONCE(sk->sk_state) != TCP_LISTEN)
		err = -EINVAL;
	else
		err = 0;
	if (err) {
		sockfd_put(sock);
		return err;
	}
	ep->adopted = true;
	*res = sock;
	return 0;
}

/**
 * kzmq_listener_open - listen
 * @ep:  the endpoint, bound, not yet known to anybody
 * @res: the lower socket, for kzmq_listener_start() or kzmq_listener_drop()
 *
 * Context: process, no locks held: a name may be long in the finding.
 * Return: 0 or a negative errno.
 */
int kzmq_listener_open(struct kzmq_ep *ep, struct socket **res)
{
	struct socket *sock;
	int err;

	ep->id = kzmq_sock_peer_id(ep->zs);
	ep->text = kzalloc(TEXT_MAX, GFP_KERNEL_ACCOUNT);
	if (!ep->text)
		return -ENOMEM;
	err = ep->opts.use_fd < 0 ? ep->tr->listen(ep, &sock) :
				    listener_adopt(ep, &sock);
	if (err)
		return err;
	err = ep->tr->name(ep, sock, ep->text, TEXT_MAX);
	if (err) {
		kzmq_listener_drop(ep, sock);
		return err;
	}
	*res = sock;
	return 0;
}

static void listener_release(struct kzmq_ep *ep, struct socket *sock)
{
	if (ep->adopted)
		sockfd_put(sock);
	else
		kzmq_lower_release(sock);
}

/**
 * kzmq_listener_drop - a listening socket is not wanted after all
 * @ep:   the endpoint
 * @sock: what kzmq_listener_open() gave
 *
 * Context: process, no locks held.
 */
void kzmq_listener_drop(struct kzmq_ep *ep, struct socket *sock)
{
	listener_release(ep, sock);
	if (!ep->adopted && ep->tr->unlisten)
		ep->tr->unlisten(ep);
}

/**
 * kzmq_listener_start - take connections
 * @ep:   the endpoint
 * @sock: what kzmq_listener_open() gave
 *
 * Context: process, lock_sock() held.
 */
void kzmq_listener_start(struct kzmq_ep *ep, struct socket *sock)
{
	listener_hook(ep, sock->sk);
	ep->listener = sock;
}

/**
 * kzmq_listener_stop - do not listen any more
 * @ep: the endpoint
 *
 * Context: process, lock_sock() held; kzmq_ep_sweep() has to follow without it.
 * The work item may still be queued and finds no listener.
 */
void kzmq_listener_stop(struct kzmq_ep *ep)
{
	struct socket *sock = ep->listener;

	if (!sock)
		return;
	ep->listener = NULL;
	listener_unhook(ep, sock->sk);
	listener_release(ep, sock);
	if (!ep->adopted && ep->tr->unlisten) {
		kzmq_ep_get(ep);
		list_add_tail(&ep->swept, &ep->zs->sweep);
	}
	kzmq_mon_ep(ep->zs, ep, ZMQ_EVENT_CLOSED, ep->id, ep->id, 0);
}
