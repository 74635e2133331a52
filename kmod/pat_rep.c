// SPDX-License-Identifier: GPL-2.0
/*
 * REP (RFC 28): take a request, answer it to the one who asked.
 *
 * The envelope is all frames up to and with the first empty one. The request
 * is kept until it is answered; the reply gets copies of those frames.
 *
 * Locks: operations run under the pattern lock; prepare takes it itself.
 */
#include "msg.h"
#include "sock.h"
#include "trace.h"

static void rep_clear(struct kzmq_sock *zs)
{
	kzmq_msg_put(zs->rep.req);
	kzmq_pipe_put(zs->rep.asker);
	zs->rep.req = NULL;
	zs->rep.asker = NULL;
	zs->rep.serving = false;
}

static int rep_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	return 0;
}

/* First frame of the body behind the envelope, NULL when there is none. */
static struct kzmq_frame *rep_body(struct kzmq_msg *msg, u32 *env_nr)
{
	struct kzmq_frame *f;
	u32 n = 0;

	for (f = msg->first; f; f = f->next) {
		n++;
		if (!f->len)
			break;
	}
	*env_nr = n;
	return f ? f->next : NULL;
}

static int rep_recv(struct kzmq_sock *zs, struct kzmq_in *in)
{
	u32 nr;

	if (zs->rep.serving)
		return -EBADFD;
	for (;;) {
		if (kzmq_fq_in(zs, in))
			return -EAGAIN;
		in->frame = rep_body(in->msg, &nr);
		if (in->frame)
			break;
		KZMQ_INC(zs->zn, BAD_ENVELOPE);
		kzmq_in_put(in);
	}
	in->rid = false;
	zs->rep.req = kzmq_msg_get(in->msg);
	zs->rep.env_nr = nr;
	zs->rep.asker = kzmq_pipe_get(in->pipe);
	zs->rep.serving = true;
	zs->rep.serial++;
	return 0;
}

/* Drop requests that have no body, so that readable means readable. */
static int rep_peek(struct kzmq_sock *zs, struct kzmq_in *in)
{
	struct kzmq_in bad = {};
	u32 nr;

	if (zs->rep.serving)
		return -EBADFD;
	for (;;) {
		if (kzmq_fq_peek_in(zs, in))
			return -EAGAIN;
		in->frame = rep_body(in->msg, &nr);
		if (in->frame)
			return 0;
		KZMQ_INC(zs->zn, BAD_ENVELOPE);
		kzmq_in_put(in);
		kzmq_fq_in(zs, &bad);
		kzmq_in_put(&bad);
	}
}

static bool rep_readable(struct kzmq_sock *zs)
{
	struct kzmq_in in = {};

	if (rep_peek(zs, &in))
		return false;
	kzmq_in_put(&in);
	return true;
}

static bool rep_writable(struct kzmq_sock *zs)
{
	return zs->rep.serving && !zs->in.msg;
}

static int rep_check(struct kzmq_sock *zs, const struct kzmq_frame *first)
{
	return rep_writable(zs) ? 0 : -EBADFD;
}

static int rep_prepare(struct kzmq_sock *zs, struct kzmq_msg *msg)
{
	struct kzmq_msg *req = NULL;
	u32 nr = 0;
	int err;

	spin_lock_bh(&zs->plock);
	if (rep_writable(zs)) {
		req = kzmq_msg_get(zs->rep.req);
		nr = zs->rep.env_nr;
		msg->cookie = zs->rep.serial;
	}
	spin_unlock_bh(&zs->plock);
	if (!req)
		return -EBADFD;
	err = kzmq_msg_prepend_clone(msg, req->first, nr, GFP_KERNEL_ACCOUNT);
	kzmq_msg_put(req);
	return err;
}

static int rep_send(struct kzmq_sock *zs, struct kzmq_msg *msg,
		    struct list_head *flush)
{
	struct kzmq_pipe *pipe = zs->rep.asker;
	int err = 0;

	/* Another thread may have answered since the envelope was taken. */
	if (!rep_writable(zs) || msg->cookie != zs->rep.serial)
		return -EBADFD;
	if (pipe->gone) {
		KZMQ_INC(zs->zn, DROP_PEER_GONE);
		zs->dropped++;
		trace_kzmq_drop(zs, "peer gone");
	} else {
		err = kzmq_pipe_send(pipe, msg, false);
		if (err == -EAGAIN) {
			KZMQ_INC(zs->zn, DROP_HWM);
			pipe->dropped++;
			zs->dropped++;
			trace_kzmq_drop(zs, "full");
			err = 0;
		} else if (!err) {
			kzmq_pipe_flush_add(pipe, flush);
		}
	}
	if (err)
		return err;
	kzmq_msg_put(msg);
	rep_clear(zs);
	return 0;
}

const struct kzmq_pattern kzmq_pat_rep = {
	.name		= "REP",
	.turns		= true,
	.close		= rep_clear,
	.attach		= rep_attach,
	.prepare	= rep_prepare,
	.check		= rep_check,
	.send		= rep_send,
	.recv		= rep_recv,
	.peek		= rep_peek,
	.readable	= rep_readable,
	.writable	= rep_writable,
	.in_ready	= kzmq_fq_in_ready,
};
