// SPDX-License-Identifier: GPL-2.0
/*
 * Fair queue: one whole message from each pipe in turn.
 *
 * Pipes with messages stand in zs->fq.active. A pipe leaves when it is found
 * empty and comes back, at the end, when something arrives.
 *
 * Locks: everything here runs under the pattern lock.
 */
#include "msg.h"
#include "sock.h"

void kzmq_fq_init(struct kzmq_fq *fq)
{
	INIT_LIST_HEAD(&fq->active);
}

/**
 * kzmq_fq_activate - a pipe has something to read
 * @fq:   the queue
 * @pipe: the pipe
 */
void kzmq_fq_activate(struct kzmq_fq *fq, struct kzmq_pipe *pipe)
{
	/* What is not attached may be gone at any time. */
	if (pipe->in_active || !pipe->attached)
		return;
	pipe->in_active = true;
	list_add_tail(&pipe->in_node, &fq->active);
}

/**
 * kzmq_fq_remove - a pipe has nothing to read
 * @fq:   the queue
 * @pipe: the pipe
 */
void kzmq_fq_remove(struct kzmq_fq *fq, struct kzmq_pipe *pipe)
{
	if (!pipe->in_active)
		return;
	pipe->in_active = false;
	list_del_init(&pipe->in_node);
}

static struct kzmq_pipe *first_active(struct kzmq_sock *zs)
{
	return list_first_entry_or_null(&zs->fq.active, struct kzmq_pipe,
					in_node);
}

/* Found empty: until something arrives, or for good when the peer left. */
static void found_empty(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	kzmq_fq_remove(&zs->fq, pipe);
	if (pipe->gone && !pipe->purging)
		kzmq_pattern_forget(zs, pipe);
}

/**
 * kzmq_fq_recv - take the next message
 * @zs:   the socket
 * @from: its pipe, with a reference
 *
 * Return: the message with a reference, or NULL.
 */
struct kzmq_msg *kzmq_fq_recv(struct kzmq_sock *zs, struct kzmq_pipe **from)
{
	struct kzmq_pipe *pipe;
	struct kzmq_msg *msg;

	while ((pipe = first_active(zs))) {
		msg = kzmq_pipe_recv(pipe);
		if (msg) {
			*from = kzmq_pipe_get(pipe);
			list_move_tail(&pipe->in_node, &zs->fq.active);
			if (pipe->gone && kzmq_pipe_in_empty(pipe))
				found_empty(zs, pipe);
			return msg;
		}
		found_empty(zs, pipe);
	}
	return NULL;
}

/**
 * kzmq_fq_peek - what kzmq_fq_recv() would give
 * @zs:   the socket
 * @from: its pipe, with a reference
 *
 * Return: the message with a reference, or NULL.
 */
struct kzmq_msg *kzmq_fq_peek(struct kzmq_sock *zs, struct kzmq_pipe **from)
{
	struct kzmq_pipe *pipe;
	struct kzmq_msg *msg;

	while ((pipe = first_active(zs))) {
		msg = kzmq_pipe_peek(pipe);
		if (msg) {
			*from = kzmq_pipe_get(pipe);
			return msg;
		}
		found_empty(zs, pipe);
	}
	return NULL;
}

/* The pattern operations of types that give messages as they come */

int kzmq_fq_in(struct kzmq_sock *zs, struct kzmq_in *in)
{
	in->msg = kzmq_fq_recv(zs, &in->pipe);
	if (!in->msg)
		return -EAGAIN;
	in->frame = in->msg->first;
	in->rid = false;
	return 0;
}

int kzmq_fq_peek_in(struct kzmq_sock *zs, struct kzmq_in *in)
{
	in->msg = kzmq_fq_peek(zs, &in->pipe);
	if (!in->msg)
		return -EAGAIN;
	in->frame = in->msg->first;
	in->rid = false;
	return 0;
}

bool kzmq_fq_readable(struct kzmq_sock *zs)
{
	struct kzmq_pipe *pipe;

	while ((pipe = first_active(zs))) {
		if (!kzmq_pipe_in_empty(pipe))
			return true;
		found_empty(zs, pipe);
	}
	return false;
}

void kzmq_fq_in_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	kzmq_fq_activate(&zs->fq, pipe);
}
