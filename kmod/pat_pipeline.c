// SPDX-License-Identifier: GPL-2.0
/*
 * PUSH and PULL (RFC 30): load-balanced out, fair-queued in.
 *
 * Locks: operations run under the pattern lock.
 */
#include "sock.h"

static int push_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	kzmq_lb_activate(&zs->lb, pipe);
	return 0;
}

static int pull_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	return 0;
}

const struct kzmq_pattern kzmq_pat_push = {
	.name		= "PUSH",
	.no_recv	= true,
	.attach		= push_attach,
	.send		= kzmq_lb_send,
	.input		= kzmq_pattern_refuse,
	.writable	= kzmq_lb_writable,
	.out_ready	= kzmq_lb_out_ready,
};

const struct kzmq_pattern kzmq_pat_pull = {
	.name		= "PULL",
	.packs		= true,
	.no_send	= true,
	.attach		= pull_attach,
	.recv		= kzmq_fq_in,
	.peek		= kzmq_fq_peek_in,
	.readable	= kzmq_fq_readable,
	.in_ready	= kzmq_fq_in_ready,
};
