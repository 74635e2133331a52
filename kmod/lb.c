// SPDX-License-Identifier: GPL-2.0
/*
 * Load balancer: each message to the next peer that has room.
 *
 * Pipes with room stand in zs->lb.active; the one in front is next and goes to
 * the end after it got a message. A full one leaves and comes back when its
 * reader reached the low-water mark.
 *
 * Locks: everything here runs under the pattern lock.
 */
#include "msg.h"
#include "sock.h"

void kzmq_lb_init(struct kzmq_lb *lb)
{
	INIT_LIST_HEAD(&lb->active);
}

/**
 * kzmq_lb_activate - a pipe has room
 * @lb:   the balancer
 * @pipe: the pipe
 */
void kzmq_lb_activate(struct kzmq_lb *lb, struct kzmq_pipe *pipe)
{
	if (pipe->out_active || pipe->gone || pipe->mute)
		return;
	pipe->out_active = true;
	list_add_tail(&pipe->out_node, &lb->active);
}

/**
 * kzmq_lb_remove - a pipe gets no messages for now
 * @lb:   the balancer
 * @pipe: the pipe
 */
void kzmq_lb_remove(struct kzmq_lb *lb, struct kzmq_pipe *pipe)
{
	if (!pipe->out_active)
		return;
	pipe->out_active = false;
	list_del_init(&pipe->out_node);
}

/**
 * kzmq_lb_pick - the peer the next message goes to
 * @zs: the socket
 *
 * Return: a borrowed pipe with room, or NULL.
 */
struct kzmq_pipe *kzmq_lb_pick(struct kzmq_sock *zs)
{
	struct kzmq_pipe *pipe;

	while ((pipe = list_first_entry_or_null(&zs->lb.active,
						struct kzmq_pipe, out_node))) {
		if (!kzmq_pipe_full(pipe))
			return pipe;
		kzmq_lb_remove(&zs->lb, pipe);
	}
	return NULL;
}

/**
 * kzmq_lb_send_to - queue a message to the peer that was picked
 * @zs:    the socket
 * @pipe:  what kzmq_lb_pick() gave, under the same lock
 * @msg:   the message; taken over on success
 * @flush: gets the pipe
 *
 * Return: 0 or -ENOMEM.
 */
int kzmq_lb_send_to(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		    struct kzmq_msg *msg, struct list_head *flush)
{
	int err = kzmq_pipe_send(pipe, msg, true);

	if (err)
		return err;
	if (!list_is_last(&pipe->out_node, &zs->lb.active))
		list_move_tail(&pipe->out_node, &zs->lb.active);
	kzmq_pipe_flush_add(pipe, flush);
	kzmq_msg_put(msg);
	return 0;
}

/* The pattern operations of types that balance */

int kzmq_lb_send(struct kzmq_sock *zs, struct kzmq_msg *msg,
		 struct list_head *flush)
{
	struct kzmq_pipe *pipe = kzmq_lb_pick(zs);

	return pipe ? kzmq_lb_send_to(zs, pipe, msg, flush) : -EAGAIN;
}

bool kzmq_lb_writable(struct kzmq_sock *zs)
{
	return kzmq_lb_pick(zs);
}

void kzmq_lb_out_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	kzmq_lb_activate(&zs->lb, pipe);
}
