// SPDX-License-Identifier: GPL-2.0
/*
 * REQ (RFC 28): a request, then its reply.
 *
 * A request carries an empty delimiter frame in front, with ZMQ_REQ_CORRELATE
 * also a request id. A reply counts when it comes from the peer that was asked
 * and bears the same frames; all else is dropped. A reply found to be good is
 * kept in zs->req.reply until the user takes it.
 *
 * Locks: operations run under the pattern lock; options under lock_sock().
 */
#include <linux/zmq.h>

#include "msg.h"
#include "peer.h"
#include "sock.h"

static void req_forget_asked(struct kzmq_sock *zs)
{
	kzmq_pipe_put(zs->req.asked);
	zs->req.asked = NULL;
}

static int req_init(struct kzmq_sock *zs)
{
	zs->req.id = get_random_u32();
	return 0;
}

static void req_close(struct kzmq_sock *zs)
{
	kzmq_in_put(&zs->req.reply);
	req_forget_asked(zs);
	zs->req.waiting = false;
}

/* If the one we asked leaves, anybody's reply will do. */
static void req_detach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (zs->req.asked == pipe)
		req_forget_asked(zs);
}

static bool req_busy(struct kzmq_sock *zs)
{
	if (zs->in.msg)
		return true;
	return zs->req.waiting && !zs->req.relaxed;
}

static int req_check(struct kzmq_sock *zs, const struct kzmq_frame *first)
{
	if (req_busy(zs))
		return -EBADFD;
	return kzmq_lb_pick(zs) ? 0 : -EAGAIN;
}

static int req_prepare(struct kzmq_sock *zs, struct kzmq_msg *msg)
{
	u32 id;
	int err;

	err = kzmq_msg_prepend(msg, NULL, 0, GFP_KERNEL_ACCOUNT);
	if (err || !READ_ONCE(zs->req.correlate))
		return err;
	spin_lock_bh(&zs->plock);
	id = ++zs->req.id;
	spin_unlock_bh(&zs->plock);
	return kzmq_msg_prepend(msg, &id, sizeof(id), GFP_KERNEL_ACCOUNT);
}

/* What came before this request answers an older one. */
static void req_eat(struct kzmq_sock *zs)
{
	do {
		kzmq_in_put(&zs->req.reply);
	} while (!kzmq_fq_in(zs, &zs->req.reply));
}

static int req_send(struct kzmq_sock *zs, struct kzmq_msg *msg,
		    struct list_head *flush)
{
	struct kzmq_pipe *pipe;
	int err;

	if (req_busy(zs))
		return -EBADFD;
	pipe = kzmq_lb_pick(zs);
	if (!pipe)
		return -EAGAIN;
	req_eat(zs);
	err = kzmq_lb_send_to(zs, pipe, msg, flush);
	if (err)
		return err;
	req_forget_asked(zs);
	zs->req.asked = kzmq_pipe_get(pipe);
	zs->req.waiting = true;
	return 0;
}

/* First frame of the body, or NULL when the frames before it are not ours. */
static struct kzmq_frame *req_body(struct kzmq_sock *zs, struct kzmq_msg *msg)
{
	struct kzmq_frame *f = msg->first;
	u32 id;

	if (zs->req.correlate) {
		if (f->len != sizeof(id))
			return NULL;
		kzmq_frame_peek(f, &id, sizeof(id));
		if (id != zs->req.id)
			return NULL;
		f = f->next;
	}
	if (!f || f->len)
		return NULL;
	return f->next;
}

/* Look for the reply; drop what is not. */
static bool req_find(struct kzmq_sock *zs)
{
	struct kzmq_in *in = &zs->req.reply;

	while (!in->msg) {
		if (kzmq_fq_in(zs, in))
			return false;
		in->frame = req_body(zs, in->msg);
		if (in->frame && (!zs->req.asked || zs->req.asked == in->pipe))
			return true;
		KZMQ_INC(zs->zn, DROP_UNEXPECTED);
		kzmq_in_put(in);
	}
	return true;
}

static int req_peek(struct kzmq_sock *zs, struct kzmq_in *in)
{
	if (!zs->req.waiting)
		return -EBADFD;
	if (!req_find(zs))
		return -EAGAIN;
	*in = zs->req.reply;
	kzmq_msg_get(in->msg);
	kzmq_pipe_get(in->pipe);
	kzmq_peer_get(in->peer);
	return 0;
}

static int req_recv(struct kzmq_sock *zs, struct kzmq_in *in)
{
	if (!zs->req.waiting)
		return -EBADFD;
	if (!req_find(zs))
		return -EAGAIN;
	*in = zs->req.reply;
	memset(&zs->req.reply, 0, sizeof(zs->req.reply));
	zs->req.waiting = false;
	req_forget_asked(zs);
	return 0;
}

static bool req_readable(struct kzmq_sock *zs)
{
	return zs->req.waiting && req_find(zs);
}

static bool req_writable(struct kzmq_sock *zs)
{
	return !req_busy(zs) && kzmq_lb_pick(zs);
}

/*
 * A peer that answers without a delimiter does not speak REQ/REP. The id frame
 * is let pass whether it was asked for or not.
 */
static int req_input(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		     struct kzmq_msg *msg)
{
	struct kzmq_frame *f = msg->first;

	if (f->len == sizeof(u32) && f->next)
		f = f->next;
	if (f->len || !f->next) {
		KZMQ_INC(zs->zn, BAD_ENVELOPE);
		return -EPROTO;
	}
	return kzmq_pattern_queue(zs, pipe, msg);
}

static int req_setopt(struct kzmq_sock *zs, int opt, sockptr_t val,
		      unsigned int len)
{
	switch (opt) {
	case ZMQ_REQ_CORRELATE:
		return kzmq_opt_int(val, len, 0, INT_MAX, &zs->req.correlate);
	case ZMQ_REQ_RELAXED:
		return kzmq_opt_int(val, len, 0, INT_MAX, &zs->req.relaxed);
	}
	return kzmq_dealer_setopt(zs, opt, val, len);
}

const struct kzmq_pattern kzmq_pat_req = {
	.name		= "REQ",
	.turns		= true,
	.init		= req_init,
	.close		= req_close,
	.attach		= kzmq_dealer_attach,
	.detach		= req_detach,
	.prepare	= req_prepare,
	.check		= req_check,
	.send		= req_send,
	.recv		= req_recv,
	.peek		= req_peek,
	.input		= req_input,
	.readable	= req_readable,
	.writable	= req_writable,
	.in_ready	= kzmq_fq_in_ready,
	.out_ready	= kzmq_lb_out_ready,
	.setopt		= req_setopt,
};
