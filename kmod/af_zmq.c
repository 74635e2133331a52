// SPDX-License-Identifier: GPL-2.0
/*
 * The socket calls, handed to those who know: endpoints, sending, receiving,
 * options.
 *
 * Contexts: process. Locks: each callee takes its own; poll and ioctl take the
 * pattern lock.
 */
#include <linux/compat.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include <linux/termios.h>
#include <net/sock.h>

#include "endpoint.h"
#include "msg.h"
#include "plant.h"
#include "sock.h"

static int af_zmq_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (!sk)
		return 0;
	kzmq_sock_close(kzmq_sk(sk));
	sock_orphan(sk);
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

/* Octets of the text in an address, or a negative errno. */
static int addr_text(const struct sockaddr_zmq *addr, int len)
{
	int room = len - (int)offsetof(struct sockaddr_zmq, szmq_endpoint);
	int n;

	if (room < 1)
		return -EINVAL;
	if (addr->szmq_family != kzmq_family)
		return -EAFNOSUPPORT;
	n = strnlen(addr->szmq_endpoint, min(room, ZMQ_ENDPOINT_MAX));
	return n ?: -EINVAL;
}

static int af_zmq_bind(struct socket *sock, struct kzmq_sockaddr *uaddr, int len)
{
	struct sockaddr_zmq *addr = (struct sockaddr_zmq *)uaddr;
	int n = addr_text(addr, len);

	if (n < 0)
		return n;
	return kzmq_ep_bind(kzmq_sk(sock->sk), addr->szmq_endpoint, n);
}

static int af_zmq_connect(struct socket *sock, struct kzmq_sockaddr *uaddr,
			  int len, int flags)
{
	struct sockaddr_zmq *addr = (struct sockaddr_zmq *)uaddr;
	int n = addr_text(addr, len);

	if (n < 0)
		return n;
	return kzmq_ep_connect(kzmq_sk(sock->sk), addr->szmq_endpoint, n, NULL);
}

static int af_zmq_getname(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	struct sockaddr_zmq *addr = (struct sockaddr_zmq *)uaddr;
	struct kzmq_sock *zs = kzmq_sk(sock->sk);

	if (peer)
		return -EOPNOTSUPP;
	memset(addr, 0, sizeof(*addr));
	addr->szmq_family = kzmq_family;
	lock_sock(&zs->sk);
	strscpy(addr->szmq_endpoint, zs->last_ep, ZMQ_ENDPOINT_MAX);
	release_sock(&zs->sk);
	return sizeof(*addr);
}

static int af_zmq_shutdown(struct socket *sock, int how)
{
	struct kzmq_sock *zs = kzmq_sk(sock->sk);

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	lock_sock(&zs->sk);
	spin_lock_bh(&zs->plock);
	zs->down = true;
	spin_unlock_bh(&zs->plock);
	release_sock(&zs->sk);
	kzmq_sock_wake_all(zs);
	return 0;
}

static __poll_t af_zmq_poll(struct file *file, struct socket *sock,
			    poll_table *wait)
{
	struct kzmq_sock *zs = kzmq_sk(sock->sk);
	__poll_t mask = 0;

	kzmq_plant();
	sock_poll_wait(file, sock, wait);
	spin_lock_bh(&zs->plock);
	if (zs->down)
		mask = EPOLLHUP | EPOLLRDHUP | EPOLLIN | EPOLLRDNORM |
		       EPOLLOUT | EPOLLWRNORM;
	if (kzmq_readable(zs))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (kzmq_writable(zs))
		mask |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock_bh(&zs->plock);
	return mask;
}

static int af_zmq_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct kzmq_sock *zs = kzmq_sk(sock->sk);
	struct zmq_stats st;
	u64 n;

	switch (cmd) {
	case SIOCINQ:
		spin_lock_bh(&zs->plock);
		n = kzmq_next_len(zs);
		spin_unlock_bh(&zs->plock);
		break;
	case SIOCOUTQ:
		kzmq_sock_fill_stats(zs, &st);
		n = st.out_bytes;
		break;
	default:
		return -ENOIOCTLCMD;
	}
	return put_user((int)min_t(u64, n, INT_MAX), (int __user *)arg);
}

#ifdef CONFIG_COMPAT
static int af_zmq_compat_ioctl(struct socket *sock, unsigned int cmd,
			       unsigned long arg)
{
	return af_zmq_ioctl(sock, cmd, (unsigned long)compat_ptr(arg));
}
#endif

const struct proto_ops kzmq_proto_ops = {
	.family		= PF_ZMQ,
	.owner		= THIS_MODULE,
	.release	= af_zmq_release,
	.bind		= af_zmq_bind,
	.connect	= af_zmq_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= sock_no_accept,
	.getname	= af_zmq_getname,
	.poll		= af_zmq_poll,
	.ioctl		= af_zmq_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl	= af_zmq_compat_ioctl,
#endif
	.gettstamp	= sock_gettstamp,
	.listen		= sock_no_listen,
	.shutdown	= af_zmq_shutdown,
	.setsockopt	= kzmq_setsockopt,
	.getsockopt	= kzmq_getsockopt,
	.sendmsg	= kzmq_sendmsg,
	.recvmsg	= kzmq_recvmsg,
	.mmap		= sock_no_mmap,
};
