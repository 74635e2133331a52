// SPDX-License-Identifier: GPL-2.0
/*
 * DEALER (RFC 28): load-balanced out, fair-queued in, nothing added or removed.
 *
 * Locks: operations run under the pattern lock; options under lock_sock().
 */
#include <linux/zmq.h>

#include "msg.h"
#include "sock.h"

/**
 * kzmq_probe_router - queue the empty message of ZMQ_PROBE_ROUTER
 * @zs:   the socket
 * @pipe: a new pipe
 *
 * Context: pattern lock held.
 */
void kzmq_probe_router(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	struct kzmq_msg *msg;

	if (!zs->probe_router)
		return;
	msg = kzmq_msg_make(zs->zn, NULL, 0, GFP_ATOMIC | __GFP_NOWARN);
	if (IS_ERR(msg))
		return;
	/* No room for it is as bad as a peer that never came. */
	kzmq_pipe_send(pipe, msg, true);
	kzmq_msg_put(msg);
}

/**
 * kzmq_dealer_attach - a peer to balance to
 * @zs:   the socket
 * @pipe: its pipe
 *
 * Context: pattern lock held.
 */
int kzmq_dealer_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	kzmq_probe_router(zs, pipe);
	kzmq_lb_activate(&zs->lb, pipe);
	return 0;
}

/**
 * kzmq_dealer_setopt - options that DEALER, REQ and ROUTER share
 * @zs:  the socket
 * @opt: the option
 * @val: the value
 * @len: its length
 *
 * Context: process, lock_sock() held.
 */
int kzmq_dealer_setopt(struct kzmq_sock *zs, int opt, sockptr_t val,
		       unsigned int len)
{
	if (opt == ZMQ_PROBE_ROUTER)
		return kzmq_opt_int(val, len, 0, INT_MAX, &zs->probe_router);
	return -ENOPROTOOPT;
}

const struct kzmq_pattern kzmq_pat_dealer = {
	.name		= "DEALER",
	.packs		= true,
	.says_hello	= true,
	.tells_hiccup	= true,
	.attach		= kzmq_dealer_attach,
	.send		= kzmq_lb_send,
	.recv		= kzmq_fq_in,
	.peek		= kzmq_fq_peek_in,
	.readable	= kzmq_fq_readable,
	.writable	= kzmq_lb_writable,
	.in_ready	= kzmq_fq_in_ready,
	.out_ready	= kzmq_lb_out_ready,
	.setopt		= kzmq_dealer_setopt,
};
