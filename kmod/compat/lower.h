/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kernels offer for lower sockets under different names; the counterpart
 * of compat.h for files that include the networking headers.
 */
#ifndef KZMQ_COMPAT_LOWER_H
#define KZMQ_COMPAT_LOWER_H

#include <linux/bvec.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/uio.h>
#include <net/sock.h>

/* Send from memory with the socket's lock held */
static inline int kzmq_sendmsg_locked(struct sock *sk, struct msghdr *m,
				      struct kvec *kv, size_t nr, size_t len)
{
	return kernel_sendmsg_locked(sk, m, kv, nr, len);
}

/* Send a page by reference with the socket's lock held */
static inline int kzmq_sendpage_locked(struct sock *sk, struct page *page,
				       u32 off, size_t len, int flags)
{
#ifdef KZMQ_HAVE_SPLICE_PAGES
	struct bio_vec bv;
	struct msghdr m = { .msg_flags = flags | MSG_SPLICE_PAGES };

	bvec_set_page(&bv, page, len, off);
	iov_iter_bvec(&m.msg_iter, ITER_SOURCE, &bv, 1, len);
	return sk->sk_socket->ops->sendmsg_locked(sk, &m, len);
#else
	return kernel_sendpage_locked(sk, page, off, len, flags);
#endif
}

/* 6.12: fragments may be device memory that no CPU reads */
static inline bool kzmq_skb_readable(const struct sk_buff *skb)
{
#ifdef KZMQ_HAVE_UNREADABLE_FRAGS
	return skb_frags_readable(skb);
#else
	return true;
#endif
}

#endif /* KZMQ_COMPAT_LOWER_H */
