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
 * kzmq_fq_in - take the next message; the pattern's recv as it is
 * @zs: the socket
 * @in: the message
 *
 * Return: 0 or -EAGAIN.
 */
int kzmq_fq_in(struct kzmq_sock *zs, struct kzmq_in *in)
{
	struct kzmq_pipe *pipe;

	while ((pipe = first_active(zs))) {
		if (!kzmq_pipe_recv(pipe, in)) {
			found_empty(zs, pipe);
			continue;
		}
		in->pipe = kzmq_pipe_get(pipe);
		in->rid = false;
		if (!list_is_last(&pipe->in_node, &zs->fq.active))
			list_move_tail(&pipe->in_node, &zs->fq.active);
		if (pipe->gone && kzmq_pipe_in_empty(pipe))
			found_empty(zs, pipe);
		return 0;
	}
	return -EAGAIN;
}

/**
 * kzmq_fq_more - take messages that follow the one taken last in its pack
 * @zs:    the socket; no other pipe has a turn
 * @in:    the message; @in->more is set
 * @n:     how many
 * @bytes: octets in them
 *
 * Return: false when they are not there any more.
 */
bool kzmq_fq_more(struct kzmq_sock *zs, struct kzmq_in *in, u32 n, u64 bytes)
{
	struct kzmq_pipe *pipe = in->pipe;

	if (!kzmq_pipe_recv_more(pipe, in, n, bytes))
		return false;
	if (pipe->gone && kzmq_pipe_in_empty(pipe))
		found_empty(zs, pipe);
	return true;
}

/**
 * kzmq_fq_peek_in - what kzmq_fq_in() would give
 * @zs: the socket
 * @in: the message
 *
 * Return: 0 or -EAGAIN.
 */
int kzmq_fq_peek_in(struct kzmq_sock *zs, struct kzmq_in *in)
{
	struct kzmq_pipe *pipe;

	while ((pipe = first_active(zs))) {
		if (kzmq_pipe_peek(pipe, in)) {
			in->pipe = kzmq_pipe_get(pipe);
			in->rid = false;
			return 0;
		}
		found_empty(zs, pipe);
	}
	return -EAGAIN;
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
