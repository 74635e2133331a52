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
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat/lower.h"
#include "conn.h"
#include "endpoint.h"
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

static int tcp_make(struct kzmq_ep *ep, int family, struct socket **res)
{
	struct kzmq_opts *o = &ep->opts;
	struct socket *sock;
	struct sock *sk;
	int err;

	err = __sock_create(ep->zs->zn->net, family, SOCK_STREAM, IPPROTO_TCP,
			    &sock, 0);
	if (err)
		return err;
	sk = sock->sk;
	tcp_reclassify(sk);
	tcp_sock_set_nodelay(sk);
	sock_set_reuseaddr(sk);
	if (o->tos)
		ip_sock_set_tos(sk, o->tos);
	lock_sock(sk);
	sk->sk_allocation = GFP_KERNEL;
	if (family == AF_INET6) {
		sk->sk_ipv6only = 0;
		inet6_sk(sk)->tclass = o->tos;
	}
	if (o->sndbuf >= 0) {
		sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
		WRITE_ONCE(sk->sk_sndbuf,
			   max_t(int, min_t(u32, o->sndbuf,
					    READ_ONCE(sysctl_wmem_max)) * 2,
				 SOCK_MIN_SNDBUF));
	}
	release_sock(sk);
	if (o->rcvbuf >= 0)
		sock_set_rcvbuf(sk, min_t(u32, o->rcvbuf,
					  READ_ONCE(sysctl_rmem_max)));
	*res = sock;
	return 0;
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

/* The first IPv4 address of an interface */
static int iface_addr(struct net *net, const char *name,
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
	if (ifa) {
		sin->sin_family = AF_INET;
		sin->sin_addr.s_addr = ifa->ifa_local;
		err = 0;
	}
	rcu_read_unlock();
	return err;
}

/*
 * @v6: what a wildcard means.
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
		err = iface_addr(net, a->name, ss);
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

static int tcp_tr_name(struct socket *sock, char *out, size_t room)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;
	struct kzmq_addr a = {};
	int ret;

	ret = kernel_getsockname(sock, (struct sockaddr *)&ss);
	if (ret < 0)
		return ret;
	if (ss.ss_family == AF_INET6) {
		a.family = 6;
		memcpy(a.ip, &sin6->sin6_addr, 16);
		a.port = ntohs(sin6->sin6_port);
	} else {
		a.family = 4;
		memcpy(a.ip, &sin->sin_addr, 4);
		a.port = ntohs(sin->sin_port);
	}
	return kzmq_uri_format_tcp(out, room, &a) ? 0 : -ENAMETOOLONG;
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
	struct net *net = ep->zs->zn->net;
	struct sockaddr_storage ss;
	struct socket *sock;
	int len, err;

	len = to_sockaddr(net, &ep->uri.dst, false, &ss);
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

static int tcp_tr_accept(struct socket *listener, struct socket **res)
{
	return kernel_accept(listener, res, O_NONBLOCK);
}

/* One skb without its list of further ones. Return: octets taken. */
static size_t tcp_feed_one(struct kzmq_conn *conn, struct sk_buff *skb,
			   size_t offset, size_t len)
{
	size_t done = 0, n, start = skb_headlen(skb);
	const skb_frag_t *frag;
	int i;

	if (offset < start) {
		n = min(len, start - offset);
		done = kzmq_rx_feed(conn, skb->data + offset, n, NULL, 0);
		if (done < n)
			return done;
	}
	for (i = 0; i < skb_shinfo(skb)->nr_frags && done < len; i++) {
		frag = &skb_shinfo(skb)->frags[i];
		if (offset + done < start + skb_frag_size(frag)) {
			size_t at = offset + done - start;
			size_t took;

			n = min(len - done, skb_frag_size(frag) - at);
			took = kzmq_rx_feed(conn, skb_frag_address(frag) + at, n,
					    skb_frag_page(frag),
					    skb_frag_off(frag) + at);
			done += took;
			if (took < n)
				return done;
		}
		start += skb_frag_size(frag);
	}
	return done;
}

static int tcp_actor(read_descriptor_t *desc, struct sk_buff *skb,
		     unsigned int offset, size_t len)
{
	struct kzmq_conn *conn = desc->arg.data;
	size_t done = 0, own, n;
	struct sk_buff *iter;

	if (!kzmq_skb_readable(skb)) {
		kzmq_conn_fail(conn, -EIO);
		return 0;
	}
	own = skb->len;
	skb_walk_frags(skb, iter)
		own -= iter->len;
	if (offset < own) {
		n = min(len, own - offset);
		done = tcp_feed_one(conn, skb, offset, n);
		if (done < n)
			goto stop;
	}
	skb_walk_frags(skb, iter) {
		if (done == len)
			break;
		if (offset + done < own + iter->len) {
			size_t at = offset + done - own, took;

			n = min_t(size_t, len - done, iter->len - at);
			took = tcp_feed_one(conn, iter, at, n);
			done += took;
			if (took < n)
				goto stop;
		}
		own += iter->len;
	}
	return done;
stop:
	/* A short count alone would bring the rest at once. */
	desc->count = 0;
	return done;
}

static void tcp_tr_rx(struct kzmq_conn *conn)
{
	read_descriptor_t desc = { .arg.data = conn, .count = 1 };

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
	.name		= tcp_tr_name,
	.connect	= tcp_tr_connect,
	.to_self	= tcp_tr_to_self,
	.accept		= tcp_tr_accept,
	.rx		= tcp_tr_rx,
	.rx_empty	= tcp_tr_rx_empty,
	.lock		= tcp_tr_lock,
	.unlock		= tcp_tr_unlock,
	.tx_room	= tcp_tr_tx_room,
	.tx_kvec	= tcp_tr_tx_kvec,
	.tx_page	= tcp_tr_tx_page,
};
