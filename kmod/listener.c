// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners: connections that come to a bound endpoint.
 *
 * Strangers cost little: at most handshakes_max of them may be unfinished, and
 * then the oldest goes, so that silent ones cannot keep others out.
 *
 * Locks: everything is under lock_sock() of the socket but the callback, which
 * runs in softirq with the lower socket's lock held and only queues work.
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

static void listener_hook(struct kzmq_ep *ep, struct sock *sk)
{
	write_lock_bh(&sk->sk_callback_lock);
	ep->saved_data_ready = sk->sk_data_ready;
	__rcu_assign_sk_user_data_with_flags(sk, ep, SK_USER_DATA_NOCOPY);
	WRITE_ONCE(sk->sk_data_ready, listener_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
}

static void listener_unhook(struct kzmq_ep *ep, struct sock *sk)
{
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
	kzmq_conn_close(old, jiffies);
}

static int listener_take(struct kzmq_ep *ep)
{
	struct kzmq_limits *lim = &ep->zs->zn->lim;
	struct kzmq_conn *conn;
	struct socket *sock;
	int err;

	if (ep->nr_conns >= READ_ONCE(lim->conns_max))
		return -EAGAIN;	/* one that goes kicks us */
	err = ep->tr->accept(ep->listener, &sock);
	if (err)
		return err;
	conn = kzmq_conn_alloc(ep, sock, true);
	if (!conn) {
		sock_release(sock);
		return -ENOMEM;
	}
	KZMQ_INC(ep->zs->zn, ACCEPTS);
	if (ep->nr_hs >= READ_ONCE(lim->handshakes_max))
		listener_evict(ep);
	kzmq_ep_add_conn(ep, conn);
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
	} else if (err != -EAGAIN) {
		KZMQ_INC(ep->zs->zn, ACCEPT_FAILED);
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

/**
 * kzmq_listener_start - listen
 * @ep: the endpoint, bound, not yet known to anybody
 *
 * Context: process, lock_sock() held.
 * Return: 0 or a negative errno.
 */
int kzmq_listener_start(struct kzmq_ep *ep)
{
	struct socket *sock;
	int err;

	ep->text = kzalloc(TEXT_MAX, GFP_KERNEL_ACCOUNT);
	if (!ep->text)
		return -ENOMEM;
	err = ep->tr->listen(ep, &sock);
	if (err)
		return err;
	err = ep->tr->name(sock, ep->text, TEXT_MAX);
	if (err) {
		sock_release(sock);
		return err;
	}
	listener_hook(ep, sock->sk);
	ep->listener = sock;
	return 0;
}

/**
 * kzmq_listener_stop - do not listen any more
 * @ep: the endpoint
 *
 * Context: process, lock_sock() held. The work item may still be queued and
 * finds no listener.
 */
void kzmq_listener_stop(struct kzmq_ep *ep)
{
	struct socket *sock = ep->listener;

	if (!sock)
		return;
	ep->listener = NULL;
	listener_unhook(ep, sock->sk);
	sock_release(sock);
}
