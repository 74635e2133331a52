// SPDX-License-Identifier: GPL-2.0
/*
 * STREAM: bare TCP peers by routing id, no ZMTP.
 *
 * Locks: operations run under the pattern lock; options under lock_sock().
 */
#include <linux/zmq.h>

#include "msg.h"
#include "sock.h"

static int stream_init(struct kzmq_sock *zs)
{
	zs->router.notify = 1;
	return kzmq_ids_init(zs);
}

/* The name of the newest peer can be asked for by ZMQ_ROUTING_ID. */
static int stream_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	int err = kzmq_ids_take_next(zs, pipe);

	if (!err)
		err = kzmq_ids_add_auto(zs, pipe);
	if (err < 0)
		return err;
	zs->opts.rid_len = pipe->rid->len;
	memcpy(zs->opts.rid, pipe->rid->id, pipe->rid->len);
	return 0;
}

static void stream_notice(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (!zs->router.notify)
		return;
	kzmq_pattern_notice(zs, pipe, NULL, 0);
	kzmq_sock_wake_in(zs);
}

static int stream_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			const struct kzmq_rid *peer, struct list_head *flush)
{
	stream_notice(zs, pipe);
	return 0;
}

static void stream_detach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	kzmq_ids_remove(zs, pipe);
}

static int stream_check(struct kzmq_sock *zs, const struct kzmq_frame *first)
{
	struct kzmq_pipe *pipe = kzmq_ids_find_frame(zs, first);

	if (!pipe)
		return -EHOSTUNREACH;
	return kzmq_pipe_full(pipe) ? -EAGAIN : 0;
}

static int stream_send(struct kzmq_sock *zs, struct kzmq_msg *msg,
		       struct list_head *flush)
{
	struct kzmq_pipe *pipe;
	int err;

	err = stream_check(zs, msg->first);
	if (err)
		return err;
	if (msg->nr == 1) {
		kzmq_msg_put(msg);
		return 0;
	}
	pipe = kzmq_ids_find_frame(zs, msg->first);
	/* Room was checked under the same lock; only memory can fail. */
	err = kzmq_pipe_send_reserve(pipe);
	if (err)
		return err;
	kzmq_msg_drop_first(msg);
	msg->closing = !msg->len;
	kzmq_pipe_send(pipe, msg, true);
	kzmq_pipe_flush_add(pipe, flush);
	kzmq_msg_put(msg);
	return 0;
}

static bool stream_writable(struct kzmq_sock *zs)
{
	return true;
}

static int stream_setopt(struct kzmq_sock *zs, int opt, sockptr_t val,
			 unsigned int len)
{
	switch (opt) {
	case ZMQ_STREAM_NOTIFY:
		return kzmq_opt_int(val, len, 0, 1, &zs->router.notify);
	case ZMQ_CONNECT_ROUTING_ID:
		return kzmq_ids_set_next(zs, val, len);
	}
	return -ENOPROTOOPT;
}

const struct kzmq_pattern kzmq_pat_stream = {
	.name		= "STREAM",
	.raw		= true,
	.init		= stream_init,
	.destroy	= kzmq_ids_destroy,
	.attach		= stream_attach,
	.ready		= stream_ready,
	.lost		= stream_notice,
	.detach		= stream_detach,
	.check		= stream_check,
	.send		= stream_send,
	.recv		= kzmq_ids_in,
	.peek		= kzmq_ids_peek_in,
	.readable	= kzmq_fq_readable,
	.writable	= stream_writable,
	.in_ready	= kzmq_fq_in_ready,
	.setopt		= stream_setopt,
};
