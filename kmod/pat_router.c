// SPDX-License-Identifier: GPL-2.0
/*
 * ROUTER (RFC 28): the first frame names the peer, both ways.
 *
 * Locks: operations run under the pattern lock; options under lock_sock().
 */
#include <linux/zmq.h>

#include "msg.h"
#include "sock.h"
#include "trace.h"

static int router_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	int err = kzmq_ids_take_next(zs, pipe);

	if (err < 0)
		return err;
	kzmq_probe_router(zs, pipe);
	return 0;
}

/* The newcomer takes the name over; the old pipe may still be read. */
static int router_handover(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			   const struct kzmq_rid *peer)
{
	struct kzmq_pipe *old = kzmq_ids_find(zs, peer);
	int err;

	old->mute = true;
	kzmq_ids_remove(zs, old);
	err = kzmq_ids_add_auto(zs, old);
	if (err)
		return err;
	kzmq_ids_remove(zs, old);
	return kzmq_ids_add(zs, pipe, peer);
}

static int router_name(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		       const struct kzmq_rid *peer)
{
	int err;

	if (!peer->len)
		return kzmq_ids_add_auto(zs, pipe);
	err = kzmq_ids_add(zs, pipe, peer);
	if (err != -EEXIST)
		return err;
	if (zs->router.handover)
		return router_handover(zs, pipe, peer);
	pipe->mute = true;
	return 0;
}

/* A peer that comes back keeps the name it had. */
static int router_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			const struct kzmq_rid *peer, struct list_head *flush)
{
	int err = 0;

	if (!pipe->rid_hashed)
		err = router_name(zs, pipe, peer);
	if (err || pipe->mute)
		return err;
	if (zs->router.notify & ZMQ_NOTIFY_CONNECT) {
		kzmq_pattern_notice(zs, pipe, NULL, 0);
		kzmq_sock_wake_in(zs);
	}
	return 0;
}

static void router_lost(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (pipe->mute || !(zs->router.notify & ZMQ_NOTIFY_DISCONNECT))
		return;
	kzmq_pattern_notice(zs, pipe, NULL, 0);
	kzmq_sock_wake_in(zs);
}

static void router_detach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	kzmq_ids_remove(zs, pipe);
}

static int router_check(struct kzmq_sock *zs, const struct kzmq_frame *first)
{
	struct kzmq_pipe *pipe;

	if (!zs->router.mandatory)
		return 0;
	pipe = kzmq_ids_find_frame(zs, first);
	if (!pipe || pipe->mute)
		return -EHOSTUNREACH;
	return kzmq_pipe_full(pipe) ? -EAGAIN : 0;
}

/* @full: who has no room for it, NULL when there is nobody */
static int router_drop(struct kzmq_sock *zs, struct kzmq_msg *msg,
		       struct kzmq_pipe *full)
{
	if (full)
		full->dropped++;
	if (full)
		KZMQ_INC(zs->zn, DROP_HWM);
	else
		KZMQ_INC(zs->zn, DROP_UNROUTABLE);
	zs->dropped++;
	trace_kzmq_drop(zs, full ? "full" : "unroutable");
	kzmq_msg_put(msg);
	return 0;
}

static int router_send(struct kzmq_sock *zs, struct kzmq_msg *msg,
		       struct list_head *flush)
{
	struct kzmq_pipe *pipe;
	int err;

	err = router_check(zs, msg->first);
	if (err)
		return err;
	if (msg->nr == 1) {
		kzmq_msg_put(msg);	/* a name and nothing to say */
		return 0;
	}
	pipe = kzmq_ids_find_frame(zs, msg->first);
	if (!pipe || pipe->mute)
		return router_drop(zs, msg, NULL);
	err = kzmq_pipe_send_reserve(pipe);
	if (err)
		return err;
	kzmq_msg_drop_first(msg);
	if (kzmq_pipe_send(pipe, msg, false))
		return router_drop(zs, msg, pipe);
	kzmq_pipe_flush_add(pipe, flush);
	kzmq_msg_put(msg);
	return 0;
}

static bool router_writable(struct kzmq_sock *zs)
{
	struct kzmq_pipe *pipe;

	if (!zs->router.mandatory)
		return true;
	list_for_each_entry(pipe, &zs->pipes, node)
		if (pipe->rid_hashed && !pipe->mute && !kzmq_pipe_full(pipe))
			return true;
	return false;
}

static int router_setopt(struct kzmq_sock *zs, int opt, sockptr_t val,
			 unsigned int len)
{
	switch (opt) {
	case ZMQ_ROUTER_MANDATORY:
		return kzmq_opt_int(val, len, 0, INT_MAX, &zs->router.mandatory);
	case ZMQ_ROUTER_HANDOVER:
		return kzmq_opt_int(val, len, 0, INT_MAX, &zs->router.handover);
	case ZMQ_ROUTER_NOTIFY:
		return kzmq_opt_int(val, len, 0, ZMQ_NOTIFY_CONNECT |
				    ZMQ_NOTIFY_DISCONNECT, &zs->router.notify);
	case ZMQ_CONNECT_ROUTING_ID:
		return kzmq_ids_set_next(zs, val, len);
	}
	return kzmq_dealer_setopt(zs, opt, val, len);
}

static int router_getopt(struct kzmq_sock *zs, int opt, void *buf, int *len)
{
	if (opt == ZMQ_ROUTER_NOTIFY)
		return kzmq_opt_put_int(buf, len, zs->router.notify);
	return -ENOPROTOOPT;
}

const struct kzmq_pattern kzmq_pat_router = {
	.name		= "ROUTER",
	.packs		= true,
	.says_hello	= true,
	.tells_disconnect = true,
	.init		= kzmq_ids_init,
	.destroy	= kzmq_ids_destroy,
	.attach		= router_attach,
	.ready		= router_ready,
	.lost		= router_lost,
	.detach		= router_detach,
	.check		= router_check,
	.send		= router_send,
	.recv		= kzmq_ids_in,
	.peek		= kzmq_ids_peek_in,
	.readable	= kzmq_fq_readable,
	.writable	= router_writable,
	.in_ready	= kzmq_fq_in_ready,
	.setopt		= router_setopt,
	.getopt		= router_getopt,
};
