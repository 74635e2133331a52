// SPDX-License-Identifier: GPL-2.0
/*
 * tcp://: in-kernel TCP sockets.
 *
 * Lower sockets are made as a program's own would be (kern = 0), with the
 * opener's credentials: so they hold their network namespace, send on after
 * close, are charged to the opener, and pass the hooks of LSMs and
 * cgroup-BPF.
 *
 * Locks: lock and unlock are lock_sock() of the TCP socket. Nothing here takes
 * another lock of ours.
 * Contexts: process, but for rx, which also runs in softirq.
 */
#include <linux/inetdevice.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat/lower.h"
#include "conn.h"
#include "endpoint.h"
#include "filter.h"
#include "optval.h"
#include "transport.h"

static struct lock_class_key tcp_slock_key[2], tcp_lock_key[2];

/* Our TCP sockets are locked below ours; users' are not. */
static void tcp_reclassify(struct sock *sk)
{
	int v6 = sk->sk_family == AF_INET6;

	if (!sock_allow_reclassification(sk))
		return;
	sock_lock_init_class_and_name(sk, v6 ? "slock-AF_INET6-ZMQ" :
					       "slock-AF_INET-ZMQ",
				      &tcp_slock_key[v6],
				      v6 ? "sk_lock-AF_INET6-ZMQ" :
					   "sk_lock-AF_INET-ZMQ",
				      &tcp_lock_key[v6]);
}

static void tcp_keepalive(struct sock *sk, const struct kzmq_opts *o)
{
	if (o->tcp_keepalive < 0)
		return;
	lock_sock(sk);
	sk->sk_prot->keepalive(sk, o->tcp_keepalive);
	sock_valbool_flag(sk, SOCK_KEEPOPEN, o->tcp_keepalive);
	release_sock(sk);
	if (o->tcp_keepalive_cnt > 0)
		tcp_sock_set_keepcnt(sk, o->tcp_keepalive_cnt);
	if (o->tcp_keepalive_idle > 0)
		tcp_sock_set_keepidle(sk, o->tcp_keepalive_idle);
	if (o->tcp_keepalive_intvl > 0)
		tcp_sock_set_keepintvl(sk, o->tcp_keepalive_intvl);
}

/* ECN's bits belong to TCP, in both versions of IP. */
static void tcp_tos(struct sock *sk, int tos)
{
	if (!tos)
		return;
	ip_sock_set_tos(sk, tos);
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family != AF_INET6)
		return;
	lock_sock(sk);
	inet6_sk(sk)->tclass = (tos & ~INET_ECN_MASK) |
			       (inet6_sk(sk)->tclass & INET_ECN_MASK);
	release_sock(sk);
#endif
}

/* What a socket gets, whether we made it or accepted it; TOS sets a priority. */
static void tcp_tune(struct sock *sk, const struct kzmq_opts *o)
{
	tcp_sock_set_nodelay(sk);
	tcp_tos(sk, o->tos);
	tcp_keepalive(sk, o);
	if (o->tcp_maxrt)
		tcp_sock_set_user_timeout(sk, o->tcp_maxrt);
	kzmq_lower_tune(sk, o);
}

static int tcp_bind_device(struct kzmq_ep *ep, struct sock *sk)
{
	struct net_device *dev;
	int err;

	if (!ep->opts.device[0])
		return 0;
	dev = dev_get_by_name(ep->zs->zn->net, ep->opts.device);
	if (!dev)
		return -ENODEV;
	err = sock_bindtoindex(sk, dev->ifindex, true);
	dev_put(dev);
	return err;
}

static int tcp_make(struct kzmq_ep *ep, int family, struct socket **res)
{
	struct socket *sock;
	struct sock *sk;
	int err;

	err = __sock_create(ep->zs->zn->net, family, SOCK_STREAM, IPPROTO_TCP,
			    &sock, 0);
	if (err)
		return err;
	sk = sock->sk;
	tcp_reclassify(sk);
	err = kzmq_sk_made_like(sk, &ep->zs->sk);
	if (err)
		goto err_release;
	sock_set_reuseaddr(sk);
	lock_sock(sk);
	sk->sk_allocation = GFP_KERNEL;
	if (family == AF_INET6)
		sk->sk_ipv6only = 0;
	release_sock(sk);
	tcp_tune(sk, &ep->opts);
	err = tcp_bind_device(ep, sk);
	if (err)
		goto err_release;
	*res = sock;
	return 0;

err_release:
	sock_release(sock);
	return err;
}

static int scope_of(struct net *net, const char *zone)
{
	struct net_device *dev;
	int ifindex;

	if (!zone[0])
		return 0;
	if (!kstrtoint(zone, 10, &ifindex))
		return ifindex;
	dev = dev_get_by_name(net, zone);
	if (!dev)
		return -ENODEV;
	ifindex = dev->ifindex;
	dev_put(dev);
	return ifindex;
}

/* The first IPv6 address of an interface; the kernel has link-local ones last */
static bool iface_addr6(struct net_device *dev, struct sockaddr_in6 *sin6)
{
#if IS_ENABLED(CONFIG_IPV6)
	struct inet6_dev *in6 = __in6_dev_get(dev);
	struct inet6_ifaddr *ifa;

	if (!in6)
		return false;
	read_lock_bh(&in6->lock);
	ifa = list_first_entry_or_null(&in6->addr_list, struct inet6_ifaddr,
				       if_list);
	if (ifa) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_addr = ifa->addr;
		if (ipv6_addr_type(&ifa->addr) & IPV6_ADDR_LINKLOCAL)
			sin6->sin6_scope_id = dev->ifindex;
	}
	read_unlock_bh(&in6->lock);
	return ifa;
#else
	return false;
#endif
}

/* The first IPv4 address of an interface, with @v6 the first IPv6 one before */
static int iface_addr(struct net *net, const char *name, bool v6,
		      struct sockaddr_storage *ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	const struct in_ifaddr *ifa;
	struct net_device *dev;
	struct in_device *in;
	int err = -ENODEV;

	rcu_read_lock();
	dev = dev_get_by_name_rcu(net, name);
	in = dev ? __in_dev_get_rcu(dev) : NULL;
	ifa = in ? rcu_dereference(in->ifa_list) : NULL;
	if (dev && v6 && iface_addr6(dev, (struct sockaddr_in6 *)ss)) {
		err = 0;
	} else if (ifa) {
		sin->sin_family = AF_INET;
		sin->sin_addr.s_addr = ifa->ifa_local;
		err = 0;
	}
	rcu_read_unlock();
	return err;
}

/*
 * @v6: what a wildcard means, and an interface with addresses of both kinds.
 * Return: octets of the address or a negative errno.
 */
static int to_sockaddr(struct net *net, const struct kzmq_addr *a, bool v6,
		       struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	int err;

	memset(ss, 0, sizeof(*ss));
	if (a->name[0]) {
		err = iface_addr(net, a->name, v6, ss);
		if (err)
			return err;
	} else if (a->family == 4 || (!a->family && !v6)) {
		sin->sin_family = AF_INET;
		if (a->family)
			memcpy(&sin->sin_addr, a->ip, 4);
	} else {
		sin6->sin6_family = AF_INET6;
		if (a->family)
			memcpy(&sin6->sin6_addr, a->ip, 16);
		err = scope_of(net, a->zone);
		if (err < 0)
			return err;
		sin6->sin6_scope_id = err;
	}
	if (ss->ss_family == AF_INET6) {
		sin6->sin6_port = htons(a->port);
		return sizeof(*sin6);
	}
	sin->sin_port = htons(a->port);
	return sizeof(*sin);
}

static int tcp_tr_listen(struct kzmq_ep *ep, struct socket **res)
{
	struct net *net = ep->zs->zn->net;
	struct sockaddr_storage ss;
	struct socket *sock;
	int len, err;

	if (ep->uri.dst.family == 6 && !ep->opts.ipv6)
		return -EINVAL;
	len = to_sockaddr(net, &ep->uri.dst, ep->opts.ipv6, &ss);
	if (len < 0)
		return len;
	err = tcp_make(ep, ss.ss_family, &sock);
	if (err)
		return err;
	err = kernel_bind(sock, (struct kzmq_sockaddr *)&ss, len);
	if (!err)
		err = kernel_listen(sock,
				    min_t(u32, ep->opts.backlog,
					  READ_ONCE(net->core.sysctl_somaxconn)));
	if (err) {
		sock_release(sock);
		return err;
	}
	*res = sock;
	return 0;
}

static bool tcp_tr_adopts(const struct sock *sk)
{
	return (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	       sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP;
}

static void zone_of(struct net *net, int ifindex, char *zone, size_t room)
{
	struct net_device *dev;

	BUILD_BUG_ON(sizeof_field(struct kzmq_addr, zone) < IFNAMSIZ);
	if (!ifindex)
		return;
	rcu_read_lock();
	dev = dev_get_by_index_rcu(net, ifindex);
	if (dev)
		strscpy(zone, dev->name, room);
	else
		snprintf(zone, room, "%d", ifindex);
	rcu_read_unlock();
}

static int tcp_tr_text(struct socket *sock, bool peer, char *out, size_t room)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;
	struct kzmq_addr a = {};
	int ret;

	/* 2: whom it was connected to is told after a reset too. */
	ret = sock->ops->getname(sock, (struct sockaddr *)&ss, peer ? 2 : 0);
	if (ret < 0)
		return ret;
	if (ss.ss_family == AF_INET6) {
		a.family = 6;
		memcpy(a.ip, &sin6->sin6_addr, 16);
		zone_of(sock_net(sock->sk), sin6->sin6_scope_id, a.zone,
			sizeof(a.zone));
		a.port = ntohs(sin6->sin6_port);
	} else {
		a.family = 4;
		memcpy(a.ip, &sin->sin_addr, 4);
		a.port = ntohs(sin->sin_port);
	}
	return kzmq_uri_format_tcp(out, room, &a) ? 0 : -ENAMETOOLONG;
}

static int tcp_tr_name(struct kzmq_ep *ep, struct socket *sock, char *out,
		       size_t room)
{
	return tcp_tr_text(sock, false, out, room);
}

static int tcp_bind_src(struct kzmq_ep *ep, struct socket *sock, int family)
{
	struct sockaddr_storage ss;
	int len;

	if (!ep->uri.has_src)
		return 0;
	len = to_sockaddr(ep->zs->zn->net, &ep->uri.src, family == AF_INET6,
			  &ss);
	if (len < 0)
		return len;
	if (ss.ss_family != family)
		return -EINVAL;
	return kernel_bind(sock, (struct kzmq_sockaddr *)&ss, len);
}

static int tcp_tr_connect(struct kzmq_ep *ep, struct socket **res,
			  bool *connected)
{
	const struct kzmq_blob *proxy = ep->opts.socks_proxy;
	const struct kzmq_addr *dst = &ep->uri.dst;
	struct net *net = ep->zs->zn->net;
	struct kzmq_addr via;
	struct sockaddr_storage ss;
	struct socket *sock;
	int len, err;

	if (kzmq_ep_proxy(ep)) {
		err = kzmq_uri_host_port(proxy->data, proxy->len, &via);
		if (err)
			return err;
		dst = &via;
	}
	len = to_sockaddr(net, dst, false, &ss);
	if (len < 0)
		return len;
	err = tcp_make(ep, ss.ss_family, &sock);
	if (err)
		return err;
	err = tcp_bind_src(ep, sock, ss.ss_family);
	if (!err)
		err = kernel_connect(sock, (struct kzmq_sockaddr *)&ss, len,
				     O_NONBLOCK);
	*connected = !err;
	if (err && err != -EINPROGRESS) {
		sock_release(sock);
		return err;
	}
	*res = sock;
	return 0;
}

/*
 * Trying a free port of the local range again and again, TCP one day picks the
 * same one as the source, and the SYN answers itself.
 */
static bool tcp_tr_to_self(struct kzmq_conn *conn)
{
	struct sockaddr_storage own = {}, peer = {};
	struct socket *sock = conn->sock;

	return kernel_getsockname(sock, (struct sockaddr *)&own) > 0 &&
	       kernel_getpeername(sock, (struct sockaddr *)&peer) > 0 &&
	       !memcmp(&own, &peer, sizeof(own));
}

static int tcp_tr_accept(struct kzmq_ep *ep, struct socket **res)
{
	int err = kernel_accept(ep->listener, res, O_NONBLOCK);

	if (!err)
		tcp_tune((*res)->sk, &ep->opts);
	return err;
}

static bool tcp_tr_allowed(struct kzmq_ep *ep, struct socket *sock)
{
	return kzmq_filter_tcp(ep->opts.filter, sock);
}

static int tcp_actor(read_descriptor_t *desc, struct sk_buff *skb,
		     unsigned int offset, size_t len)
{
	size_t done = kzmq_rx_skb(desc->arg.data, skb, offset, len);

	/* A short count alone would bring the rest at once. */
	if (done < len)
		desc->count = 0;
	return done;
}

/*
 * Segments that came while somebody had the lock are served when he lets go, and
 * count as used room until the last of them is. Who reads one of them on the way
 * may tell the peer that there is no room, and would have nothing left to read by
 * which to take that back: the peer would wait for its probe timer.
 */
static bool room_is_unclear(const struct kzmq_conn *conn)
{
	const struct sock *sk = conn->sock->sk;
	const struct tcp_sock *tp = tcp_sk(sk);

	return !gfpflags_allow_blocking(conn->rx.gfp) &&
	       sock_owned_by_user_nocheck(sk) &&
	       READ_ONCE(sk->sk_backlog.len) > sk->sk_rcvbuf / 2 &&
	       2 * tcp_receive_window(tp) <= tp->window_clamp;
}

static void tcp_tr_rx(struct kzmq_conn *conn)
{
	read_descriptor_t desc = { .arg.data = conn, .count = 1 };

	if (room_is_unclear(conn))
		conn->rx.budget = 0;	/* the rest is the work item's */
	else
		tcp_read_sock(conn->sock->sk, &desc, tcp_actor);
}

static bool tcp_tr_rx_empty(struct kzmq_conn *conn)
{
	return !tcp_inq(conn->sock->sk);
}

static void tcp_tr_lock(struct kzmq_conn *conn)
{
	lock_sock(conn->sock->sk);
}

static void tcp_tr_unlock(struct kzmq_conn *conn)
{
	release_sock(conn->sock->sk);
}

static bool tcp_tr_writeable(const struct sock *sk)
{
	return sk_stream_is_writeable(sk);
}

static bool tcp_tr_tx_room(struct kzmq_conn *conn)
{
	struct socket *sock = conn->sock;

	if (sk_stream_is_writeable(sock->sk))
		return true;
	set_bit(SOCK_NOSPACE, &sock->flags);
	return false;
}

static int tcp_tr_tx_kvec(struct kzmq_conn *conn, struct kvec *kv, size_t nr,
			  size_t len, bool more)
{
	struct msghdr m = {
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0),
	};

	return kzmq_sendmsg_locked(conn->sock->sk, &m, kv, nr, len);
}

static int tcp_tr_tx_page(struct kzmq_conn *conn, struct page *page, u32 off,
			  size_t len, bool more)
{
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);

	return kzmq_sendpage_locked(conn->sock->sk, page, off, len, flags);
}

const struct kzmq_transport kzmq_tr_tcp = {
	.listen		= tcp_tr_listen,
	.adopts		= tcp_tr_adopts,
	.name		= tcp_tr_name,
	.text		= tcp_tr_text,
	.connect	= tcp_tr_connect,
	.to_self	= tcp_tr_to_self,
	.accept		= tcp_tr_accept,
	.allowed	= tcp_tr_allowed,
	.rx		= tcp_tr_rx,
	.rx_empty	= tcp_tr_rx_empty,
	.lock		= tcp_tr_lock,
	.unlock		= tcp_tr_unlock,
	.tx_lock	= tcp_tr_lock,
	.tx_unlock	= tcp_tr_unlock,
	.writeable	= tcp_tr_writeable,
	.tx_room	= tcp_tr_tx_room,
	.tx_kvec	= tcp_tr_tx_kvec,
	.tx_page	= tcp_tr_tx_page,
};
