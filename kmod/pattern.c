// SPDX-License-Identifier: GPL-2.0
/*
 * What all socket types share: how a pipe comes, gets ready, and goes.
 *
 * Locks: the functions that connections and endpoints call take the pattern
 * lock themselves. Flushing and waking happen after it was dropped.
 * Contexts: in_ready, out_ready and input also in softirq, with the lock of the
 * lower socket held; the rest in process context.
 */
#include <linux/zmq.h>

#include "conn.h"
#include "msg.h"
#include "sock.h"
#include "trace.h"

static const struct kzmq_pattern * const patterns[] = {
	[ZMQ_PAIR]	= &kzmq_pat_pair,
	[ZMQ_PUB]	= &kzmq_pat_pub,
	[ZMQ_SUB]	= &kzmq_pat_sub,
	[ZMQ_REQ]	= &kzmq_pat_req,
	[ZMQ_REP]	= &kzmq_pat_rep,
	[ZMQ_DEALER]	= &kzmq_pat_dealer,
	[ZMQ_ROUTER]	= &kzmq_pat_router,
	[ZMQ_PULL]	= &kzmq_pat_pull,
	[ZMQ_PUSH]	= &kzmq_pat_push,
	[ZMQ_XPUB]	= &kzmq_pat_xpub,
	[ZMQ_XSUB]	= &kzmq_pat_xsub,
	[ZMQ_STREAM]	= &kzmq_pat_stream,
};

/**
 * kzmq_pattern_find - what makes a socket type
 * @type: ZMQ_PAIR ... ZMQ_STREAM
 *
 * Return: the pattern or NULL.
 */
const struct kzmq_pattern *kzmq_pattern_find(int type)
{
	if (type < 0 || type >= ARRAY_SIZE(patterns))
		return NULL;
	return patterns[type];
}

/**
 * kzmq_pattern_attach - make a pipe known to its socket
 * @zs:   the socket
 * @pipe: the pipe; the socket takes a reference
 *
 * Context: process.
 * Return: 0, -ESHUTDOWN, or why the pattern does not want it.
 */
int kzmq_pattern_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	int err = -ESHUTDOWN;

	spin_lock_bh(&zs->plock);
	if (!zs->closed && !zs->down) {
		err = zs->pat->attach(zs, pipe);
		if (!err) {
			kzmq_pipe_get(pipe);
			list_add_tail(&pipe->node, &zs->pipes);
			zs->nr_pipes++;
			pipe->attached = true;
		}
	}
	spin_unlock_bh(&zs->plock);
	if (!err)
		kzmq_sock_wake_out(zs);
	return err;
}

/**
 * kzmq_pattern_ready - the pipe's connection finished its handshake
 * @zs:   the socket
 * @pipe: the pipe, attached
 * @peer: the routing id the peer told, length 0 for none
 *
 * Context: process.
 * Return: 0, or why the peer is not wanted.
 */
int kzmq_pattern_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		       const struct kzmq_rid *peer)
{
	LIST_HEAD(flush);
	int err = 0;

	spin_lock_bh(&zs->plock);
	if (pipe->gone) {
		err = -ESHUTDOWN;
	} else {
		pipe->live = true;
		if (zs->pat->ready)
			err = zs->pat->ready(zs, pipe, peer, &flush);
		if (!err)
			zs->nr_peers++;
		else
			pipe->live = false;
	}
	spin_unlock_bh(&zs->plock);
	kzmq_pipe_flush_all(&flush, false);
	if (!err)
		kzmq_sock_wake_out(zs);
	return err;
}

/*
 * The peer's last message is followed by the one that says so. Pattern lock
 * held; the caller wakes readers.
 */
static void pattern_parting(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	int err;

	if (!pipe->parting || READ_ONCE(pipe->parted) || pipe->gone ||
	    pipe->mute || zs->closed)
		return;
	err = kzmq_pipe_in_notice(pipe, pipe->parting);
	if (!err) {
		zs->pat->in_ready(zs, pipe);
	} else if (err == -EAGAIN) {
		KZMQ_INC(zs->zn, DROP_HWM);
		zs->dropped++;
		trace_kzmq_drop(zs, "full");
	}
}

/* Pattern lock held. Whether the pipe had a peer until now. */
static bool pattern_peer_left(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (!pipe->live)
		return false;
	pipe->live = false;
	if (!pipe->attached)
		return true;
	pattern_parting(zs, pipe);
	if (zs->pat->lost)
		zs->pat->lost(zs, pipe);
	return true;
}

/* Last of all, so that who sees one peer less sees all that comes with it. */
static void pattern_uncount(struct kzmq_sock *zs)
{
	spin_lock_bh(&zs->plock);
	zs->nr_peers--;
	spin_unlock_bh(&zs->plock);
}

/**
 * kzmq_pattern_lost - the pipe's connection ended, another may come
 * @zs:   the socket
 * @pipe: the pipe
 *
 * Context: process.
 */
void kzmq_pattern_lost(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	bool was_live;

	spin_lock_bh(&zs->plock);
	was_live = pattern_peer_left(zs, pipe);
	spin_unlock_bh(&zs->plock);
	if (was_live)
		pattern_uncount(zs);
	if (was_live && pipe->parting)
		kzmq_sock_wake_in(zs);
}

/**
 * kzmq_pattern_forget - nothing of a gone pipe is of use any more
 * @zs:   the socket
 * @pipe: the pipe; the socket's reference is dropped
 *
 * Context: pattern lock held.
 */
void kzmq_pattern_forget(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (!pipe->attached)
		return;
	pipe->attached = false;
	if (pipe->left)
		WRITE_ONCE(zs->nr_left, zs->nr_left - 1);
	kzmq_fq_remove(&zs->fq, pipe);
	if (zs->pat->forget)
		zs->pat->forget(zs, pipe);
	list_del_init(&pipe->node);
	zs->nr_pipes--;
	kzmq_pipe_put(pipe);
}

/**
 * kzmq_pattern_detach - the socket and the peer part
 * @zs:      the socket
 * @pipe:    the pipe
 * @closing: we close; else the peer has left
 *
 * When the peer has left, what it sent stays to be received and what was queued
 * for it is dropped. When we close, it is the other way round. Who is told that
 * the peer left finds its routing id gone: both happen in one section.
 *
 * Context: process.
 */
void kzmq_pattern_detach(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			 bool closing)
{
	bool was_live, more = false;
	u32 n;

	spin_lock_bh(&zs->plock);
	was_live = !closing && pattern_peer_left(zs, pipe);
	if (pipe->attached && !pipe->gone) {
		pipe->gone = true;
		pipe->purging = true;
		kzmq_lb_remove(&zs->lb, pipe);
		if (zs->pat->detach)
			zs->pat->detach(zs, pipe);
		if (zs->pat->purge)
			more = zs->pat->purge(zs, pipe);
		while (more) {
			spin_unlock_bh(&zs->plock);
			cond_resched();
			spin_lock_bh(&zs->plock);
			more = zs->pat->purge(zs, pipe);
		}
		pipe->purging = false;
		if (closing || zs->closed)
			kzmq_pipe_drop_in(pipe);
		if (closing || zs->closed || kzmq_pipe_in_empty(pipe)) {
			kzmq_pattern_forget(zs, pipe);
		} else if (pipe->bound) {
			pipe->left = true;
			WRITE_ONCE(zs->nr_left, zs->nr_left + 1);
		}
	}
	spin_unlock_bh(&zs->plock);
	if (!closing) {
		n = kzmq_pipe_drop_out(pipe);
		if (n)
			KZMQ_ADD(zs->zn, DROP_PEER_GONE, n);
	}
	if (was_live)
		pattern_uncount(zs);
	kzmq_sock_wake_in(zs);
	/* Those who waited for this peer's room hear that it will not come. */
	kzmq_sock_wake_out(zs);
}

/**
 * kzmq_pattern_queue - put a received message in the pipe's queue
 * @zs:   the socket
 * @pipe: the pipe
 * @msg:  the message; taken over on success
 *
 * Context: any, no lock of ours held but the lower socket's.
 * Return: 0 or -ENOMEM.
 */
int kzmq_pattern_queue(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		       struct kzmq_msg *msg)
{
	int ret = kzmq_pipe_in_push(pipe, msg);

	if (ret < 0)
		return ret;
	if (ret)
		kzmq_pattern_in_ready(zs, pipe);
	return 0;
}

/**
 * kzmq_pattern_input - a whole message came from a peer
 * @zs:   the socket
 * @pipe: the pipe
 * @msg:  the message; taken over on success
 *
 * Context: any, no lock of ours held but the lower socket's.
 * Return: 0, -ENOMEM (try again), or another errno: the peer broke a rule.
 */
int kzmq_pattern_input(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		       struct kzmq_msg *msg)
{
	KZMQ_INC(zs->zn, MSGS_IN);
	KZMQ_ADD(zs->zn, BYTES_IN, msg->len);
	if (pipe->mute) {
		KZMQ_INC(zs->zn, DROP_UNEXPECTED);
		kzmq_msg_put(msg);
		return 0;
	}
	if (zs->pat->input)
		return zs->pat->input(zs, pipe, msg);
	return kzmq_pattern_queue(zs, pipe, msg);
}

/**
 * kzmq_pattern_input_list - whole messages came from a peer
 * @zs:   the socket, whose pattern has no input operation
 * @pipe: the pipe
 * @list: linked by next; what was taken over is taken off it
 *
 * Context: any, no lock of ours held but the lower socket's.
 * Return: 0 or -ENOMEM when some are left.
 */
int kzmq_pattern_input_list(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			    struct kzmq_msg **list)
{
	struct kzmq_msg *msg;
	int ret;

	if (pipe->mute) {
		while ((msg = *list)) {
			*list = msg->next;
			KZMQ_INC(zs->zn, DROP_UNEXPECTED);
			kzmq_msg_put(msg);
		}
		return 0;
	}
	ret = kzmq_pipe_in_push_list(pipe, list);
	/* Some may have gone in before memory was short. */
	if (ret)
		kzmq_pattern_in_ready(zs, pipe);
	return min(ret, 0);
}

/**
 * kzmq_pattern_in_ready - a pipe's queue was empty and is not any more
 * @zs:   the socket
 * @pipe: the pipe
 *
 * The caller wakes readers, once for all it has brought.
 *
 * Context: any.
 */
void kzmq_pattern_in_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	spin_lock_bh(&zs->plock);
	if (pipe->attached && zs->pat->in_ready)
		zs->pat->in_ready(zs, pipe);
	spin_unlock_bh(&zs->plock);
}

/**
 * kzmq_pattern_out_ready - a pipe's queue was full and has room again
 * @zs:   the socket
 * @pipe: the pipe
 *
 * Context: any.
 */
void kzmq_pattern_out_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	spin_lock_bh(&zs->plock);
	if (pipe->attached && !pipe->gone && zs->pat->out_ready)
		zs->pat->out_ready(zs, pipe);
	spin_unlock_bh(&zs->plock);
	kzmq_sock_wake_out(zs);
}

/**
 * kzmq_pattern_notice - a message of our own making, as if the peer sent it
 * @zs:   the socket
 * @pipe: the pipe
 * @body: octets of its one frame
 * @n:    how many
 *
 * Context: pattern lock held. The caller wakes readers.
 * Return: 0, -ENOMEM or -ENOBUFS.
 */
int kzmq_pattern_notice(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			const void *body, u32 n)
{
	struct kzmq_msg *msg;
	int ret;

	msg = kzmq_msg_make(zs->zn, body, n, GFP_ATOMIC | __GFP_NOWARN);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ret = kzmq_pipe_in_push(pipe, msg);
	if (ret < 0) {
		kzmq_msg_put(msg);
		return ret;
	}
	kzmq_fq_activate(&zs->fq, pipe);
	return 0;
}

/**
 * kzmq_pattern_refuse - the socket type takes nothing from its peers
 * @zs:   the socket
 * @pipe: the pipe
 * @msg:  the message, dropped and counted
 *
 * Context: any.
 */
int kzmq_pattern_refuse(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			struct kzmq_msg *msg)
{
	KZMQ_INC(zs->zn, DROP_UNEXPECTED);
	kzmq_msg_put(msg);
	return 0;
}

/**
 * kzmq_in_put - drop the references of a message on its way to the user
 * @in: cleared
 *
 * Context: any.
 */
void kzmq_in_put(struct kzmq_in *in)
{
	kzmq_msg_put(in->msg);
	kzmq_pipe_put(in->pipe);
	kzmq_peer_put(in->peer);
	memset(in, 0, sizeof(*in));
}

/**
 * kzmq_opt_int - read an integer option
 * @val: the user's value
 * @len: its length, must be 4
 * @min: smallest allowed
 * @max: largest allowed
 * @out: the value
 *
 * Context: process.
 * Return: 0, -EINVAL or -EFAULT.
 */
int kzmq_opt_int(sockptr_t val, unsigned int len, int min, int max, int *out)
{
	int v;

	if (len != sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&v, val, sizeof(v)))
		return -EFAULT;
	if (v < min || v > max)
		return -EINVAL;
	WRITE_ONCE(*out, v);
	return 0;
}

/**
 * kzmq_opt_put_int - give an integer option
 * @buf: where to
 * @len: room, set to the length
 * @val: the value
 *
 * Return: 0 or -EINVAL when there is no room.
 */
int kzmq_opt_put_int(void *buf, int *len, int val)
{
	if (*len < (int)sizeof(int))
		return -EINVAL;
	memcpy(buf, &val, sizeof(val));
	*len = sizeof(val);
	return 0;
}
