// SPDX-License-Identifier: GPL-2.0
/*
 * PAIR (RFC 31): one peer, both ways. A second peer stays connected but mute.
 *
 * Locks: operations run under the pattern lock.
 */
#include "sock.h"

static int pair_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (zs->pair) {
		pipe->mute = true;
		return 0;
	}
	zs->pair = pipe;
	kzmq_lb_activate(&zs->lb, pipe);
	return 0;
}

static void pair_detach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (zs->pair == pipe)
		zs->pair = NULL;
}

const struct kzmq_pattern kzmq_pat_pair = {
	.name		= "PAIR",
	.packs		= true,
	.attach		= pair_attach,
	.detach		= pair_detach,
	.send		= kzmq_lb_send,
	.recv		= kzmq_fq_in,
	.peek		= kzmq_fq_peek_in,
	.readable	= kzmq_fq_readable,
	.writable	= kzmq_lb_writable,
	.in_ready	= kzmq_fq_in_ready,
	.out_ready	= kzmq_lb_out_ready,
};
