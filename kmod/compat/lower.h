/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kernels offer for lower sockets under different names; the counterpart
 * of compat.h for files that include the networking headers.
 */
#ifndef KZMQ_COMPAT_LOWER_H
#define KZMQ_COMPAT_LOWER_H

#include <linux/bpf-cgroup.h>
#include <linux/bvec.h>
#include <linux/cgroup.h>
#include <linux/memcontrol.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/uio.h>
#include <net/af_unix.h>
#include <net/sock.h>

/* Send from memory with the socket's lock held; newer kernels have no helper */
static inline int kzmq_sendmsg_locked(struct sock *sk, struct msghdr *m,
				      struct kvec *kv, size_t nr, size_t len)
{
	iov_iter_kvec(&m->msg_iter, ITER_SOURCE, kv, nr, len);
	return sk->sk_socket->ops->sendmsg_locked(sk, m, len);
}

/*
 * Send from memory. The user was asked whether he may when he called us; as with
 * TCP, what he sends later is not asked about again.
 */
static inline int kzmq_sendmsg_to(struct socket *sock, struct msghdr *m,
				  struct kvec *kv, size_t nr, size_t len)
{
	iov_iter_kvec(&m->msg_iter, ITER_SOURCE, kv, nr, len);
	return sock->ops->sendmsg(sock, m, len);
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

/*
 * Send a page, by reference if the kernel's Unix sockets have a way to do so
 * without a lock that the peer holds while it copies to its user's memory.
 */
static inline int kzmq_sendpage(struct socket *sock, struct page *page, u32 off,
				size_t len, int flags)
{
#ifdef KZMQ_HAVE_SPLICE_PAGES
	struct bio_vec bv;
	struct msghdr m = { .msg_flags = flags | MSG_SPLICE_PAGES };

	bvec_set_page(&bv, page, len, off);
	iov_iter_bvec(&m.msg_iter, ITER_SOURCE, &bv, 1, len);
	return sock_sendmsg(sock, &m);
#else
	struct msghdr m = { .msg_flags = flags };
	struct kvec kv = {
		.iov_base = (u8 *)page_address(page) + off,
		.iov_len = len,
	};

	return kernel_sendmsg(sock, &m, &kv, 1, len);
#endif
}

/*
 * Let a new socket count as made by the maker of another, by its control groups:
 * a work item has none, and nothing is exported that would lend it one. Programs
 * that watch over the making of sockets are asked again. Nobody else knows the
 * socket yet, and it has had no memory.
 */
static inline int kzmq_sk_made_like(struct sock *sk, struct sock *like)
{
	int err = 0;
#ifdef CONFIG_SOCK_CGROUP_DATA
	struct sock_cgroup_data *to = &sk->sk_cgrp_data;
	struct sock_cgroup_data *from = &like->sk_cgrp_data;
	struct cgroup *old = sock_cgroup_ptr(to), *cgrp = sock_cgroup_ptr(from);

	sock_cgroup_set_classid(to, sock_cgroup_classid(from));
	sock_cgroup_set_prioidx(to, sock_cgroup_prioidx(from));
	if (cgrp != old) {
		cgroup_get(cgrp);
		cgroup_bpf_get(cgrp);
		to->cgroup = cgrp;
		cgroup_bpf_put(old);
		cgroup_put(old);
		if (sk->sk_family != AF_UNIX)
			err = BPF_CGROUP_RUN_PROG_INET_SOCK(sk);
	}
#endif
#ifdef CONFIG_MEMCG
	if (!sk->sk_memcg && like->sk_memcg) {
		css_get(&like->sk_memcg->css);
		sk->sk_memcg = like->sk_memcg;
	}
#endif
	return err;
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

/* Peers of this Unix socket may not pass files, where it can be said */
static inline void kzmq_unix_no_files(struct sock *sk)
{
#ifdef KZMQ_HAVE_PASSRIGHTS
	sk->sk_scm_rights = 0;
#endif
}

/* Do files wait in the queue of a Unix socket */
static inline bool kzmq_unix_has_files(struct sock *sk)
{
	bool found = false;
#ifndef KZMQ_HAVE_PASSRIGHTS
	struct sk_buff *skb;

	spin_lock(&sk->sk_receive_queue.lock);
	skb_queue_walk(&sk->sk_receive_queue, skb) {
		found = UNIXCB(skb).fp;
		if (found)
			break;
	}
	spin_unlock(&sk->sk_receive_queue.lock);
#endif
	return found;
}

/* Did reading leave the files in the buffer, as older kernels do */
static inline bool kzmq_unix_skb_files(const struct sk_buff *skb)
{
#ifdef KZMQ_HAVE_PASSRIGHTS
	return false;
#else
	return UNIXCB(skb).fp;
#endif
}

#endif /* KZMQ_COMPAT_LOWER_H */
