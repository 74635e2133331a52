/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_CTX_H
#define KZMQ_CTX_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/wait.h>

struct kzmq_net;
struct pid;

#define KZMQ_CTX_BUCKETS	64

/**
 * struct kzmq_ctx - a scope of inproc names
 * @ref:    sockets and files
 * @node:   in the table of default contexts
 * @tgid:   the process whose default it is, one reference; NULL for a context
 *          that was made by ZMQ_CONTEXT_NEW
 * @cookie: of the network namespace it belongs to
 * @lingering: closed sockets of it that have something left to send
 * @wait:   who waits for their end; woken when the last one goes
 * @lock:   protects @eps, and what endpoints keep for inproc; below
 *          lock_sock(), above the pattern lock
 * @eps:    bound endpoints and those that wait for one, by hash of the text,
 *          oldest first
 */
struct kzmq_ctx {
	refcount_t		ref;
	struct hlist_node	node;
	struct pid		*tgid;
	u64			cookie;
	atomic_t		lingering;
	wait_queue_head_t	wait;
	struct mutex		lock;	/* protects eps */
	struct list_head	eps[KZMQ_CTX_BUCKETS];
};

struct kzmq_ctx *kzmq_ctx_default(struct kzmq_net *zn);
struct kzmq_ctx *kzmq_ctx_of_fd(struct kzmq_net *zn, int fd);
int kzmq_ctx_new_fd(struct kzmq_net *zn, char __user *val, int __user *ulen);
void kzmq_ctx_put(struct kzmq_ctx *ctx);
void kzmq_ctx_linger(struct kzmq_ctx *ctx);
void kzmq_ctx_sent(struct kzmq_ctx *ctx);

#endif /* KZMQ_CTX_H */
