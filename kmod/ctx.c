// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts: the scopes of inproc names.
 *
 * Every process has one in each network namespace in which it makes sockets;
 * others are made on demand and stand behind a file descriptor. A socket may
 * change its context until its first bind or connect. A context holds neither
 * sockets nor its namespace: messages are counted in the namespace, so all its
 * sockets have to be of the same one.
 *
 * A context counts those of its closed sockets that have something left to send;
 * its descriptor is readable when there are none.
 *
 * Locks: table_lock is a leaf; it protects the table of default contexts. Those
 * who wait on a descriptor are woken with lock_sock() held.
 * Contexts: process.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ctx.h"
#include "netns.h"

static DEFINE_HASHTABLE(table, 6);
static DEFINE_MUTEX(table_lock);

static struct kzmq_ctx *ctx_alloc(struct kzmq_net *zn)
{
	struct kzmq_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	int i;

	if (!ctx)
		return NULL;
	refcount_set(&ctx->ref, 1);
	ctx->cookie = zn->net->net_cookie;
	atomic_set(&ctx->lingering, 0);
	init_waitqueue_head(&ctx->wait);
	mutex_init(&ctx->lock);
	for (i = 0; i < KZMQ_CTX_BUCKETS; i++)
		INIT_LIST_HEAD(&ctx->eps[i]);
	return ctx;
}

static void ctx_free(struct kzmq_ctx *ctx)
{
	put_pid(ctx->tgid);
	mutex_destroy(&ctx->lock);
	kfree(ctx);
}

/**
 * kzmq_ctx_default - the context of the calling process
 * @zn: the namespace's part
 *
 * Context: process.
 * Return: the context with a reference, or NULL for want of memory.
 */
struct kzmq_ctx *kzmq_ctx_default(struct kzmq_net *zn)
{
	struct pid *tgid = task_tgid(current);
	struct kzmq_ctx *ctx;

	mutex_lock(&table_lock);
	hash_for_each_possible(table, ctx, node, (unsigned long)tgid) {
		if (ctx->tgid == tgid && ctx->cookie == zn->net->net_cookie) {
			refcount_inc(&ctx->ref);
			goto out;
		}
	}
	ctx = ctx_alloc(zn);
	if (ctx) {
		ctx->tgid = get_pid(tgid);
		hash_add(table, &ctx->node, (unsigned long)tgid);
	}
out:
	mutex_unlock(&table_lock);
	return ctx;
}

/**
 * kzmq_ctx_put - drop a reference
 * @ctx: the context or NULL
 *
 * Context: process, also with lock_sock() held.
 */
void kzmq_ctx_put(struct kzmq_ctx *ctx)
{
	if (!ctx)
		return;
	if (!ctx->tgid) {
		if (refcount_dec_and_test(&ctx->ref))
			ctx_free(ctx);
		return;
	}
	if (!refcount_dec_and_mutex_lock(&ctx->ref, &table_lock))
		return;
	hash_del(&ctx->node);
	mutex_unlock(&table_lock);
	ctx_free(ctx);
}

/**
 * kzmq_ctx_linger - a socket of the context closes
 * @ctx: the context
 *
 * Context: any.
 */
void kzmq_ctx_linger(struct kzmq_ctx *ctx)
{
	atomic_inc(&ctx->lingering);
}

/**
 * kzmq_ctx_sent - a closed socket has nothing left to send
 * @ctx: its context
 *
 * Context: any.
 */
void kzmq_ctx_sent(struct kzmq_ctx *ctx)
{
	if (atomic_dec_and_test(&ctx->lingering))
		wake_up_poll(&ctx->wait, EPOLLIN | EPOLLRDNORM);
}

/* The file holds the context, and so the queue, longer than anybody waits. */
static __poll_t ctx_poll(struct file *file, poll_table *wait)
{
	struct kzmq_ctx *ctx = file->private_data;

	poll_wait(file, &ctx->wait, wait);
	return atomic_read(&ctx->lingering) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static int ctx_release(struct inode *inode, struct file *file)
{
	kzmq_ctx_put(file->private_data);
	return 0;
}

static const struct file_operations ctx_fops = {
	.owner		= THIS_MODULE,
	.release	= ctx_release,
	.poll		= ctx_poll,
	.llseek		= noop_llseek,
};

/**
 * kzmq_ctx_of_fd - the context behind a file descriptor
 * @zn: the namespace's part of who asks
 * @fd: the descriptor
 *
 * Context: process.
 * Return: the context with a reference; -EBADF, -EINVAL when it is none, -EXDEV
 * when it belongs to another network namespace.
 */
struct kzmq_ctx *kzmq_ctx_of_fd(struct kzmq_net *zn, int fd)
{
	struct kzmq_ctx *ctx = ERR_PTR(-EINVAL);
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &ctx_fops) {
		ctx = file->private_data;
		if (ctx->cookie == zn->net->net_cookie)
			refcount_inc(&ctx->ref);
		else
			ctx = ERR_PTR(-EXDEV);
	}
	fput(file);
	return ctx;
}

/**
 * kzmq_ctx_new_fd - getsockopt(ZMQ_CONTEXT_NEW)
 * @zn:   the namespace's part
 * @val:  where the new descriptor goes
 * @ulen: octets there is room for; set to those used
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int kzmq_ctx_new_fd(struct kzmq_net *zn, char __user *val, int __user *ulen)
{
	struct kzmq_ctx *ctx;
	struct file *file;
	int fd, len, err;

	if (get_user(len, ulen))
		return -EFAULT;
	if (len < (int)sizeof(fd))
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = -ENOMEM;
	ctx = ctx_alloc(zn);
	if (!ctx)
		goto err_fd;
	file = anon_inode_getfile("[zmq-context]", &ctx_fops, ctx, O_RDWR);
	err = PTR_ERR_OR_ZERO(file);
	if (err) {
		kzmq_ctx_put(ctx);
		goto err_fd;
	}
	err = -EFAULT;
	len = sizeof(fd);
	if (copy_to_user(val, &fd, len) || put_user(len, ulen)) {
		fput(file);
		goto err_fd;
	}
	fd_install(fd, file);
	return 0;

err_fd:
	put_unused_fd(fd);
	return err;
}
