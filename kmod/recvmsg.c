// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: the next message of the pattern, frame by frame or whole.
 *
 * zs->in is the message being read. What a call is going to give is taken out
 * under the pattern lock, with references, and copied to the user after that.
 *
 * Contexts: process.
 */
#include <linux/compat.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/compat.h>
#include <net/sock.h>

#include "msg.h"
#include "sock.h"
#include "wait.h"

/**
 * struct rx_frame - one frame to be given
 * @f:    the frame
 * @msg:  what holds it, one reference; NULL for a routing id
 * @more: further frames of the same message follow
 * @own:  a frame of ours that shows @rid
 * @rid:  copy of a routing id
 */
struct rx_frame {
	const struct kzmq_frame	*f;
	struct kzmq_msg		*msg;
	bool			more;
	struct kzmq_frame	own;
	struct kzmq_rid		rid;
};

/**
 * kzmq_readable - would a receive call give something
 * @zs: the socket
 *
 * Context: pattern lock held.
 */
bool kzmq_readable(struct kzmq_sock *zs)
{
	return zs->in.msg || (zs->pat->readable && zs->pat->readable(zs));
}

/**
 * kzmq_writable - would a send call be taken
 * @zs: the socket
 *
 * Context: pattern lock held.
 */
bool kzmq_writable(struct kzmq_sock *zs)
{
	return zs->pat->writable && zs->pat->writable(zs);
}

static void show_rid(struct rx_frame *r, const struct kzmq_pipe *pipe)
{
	r->rid.len = pipe->rid->len;
	memcpy(r->rid.id, pipe->rid->id, r->rid.len);
	memset(&r->own, 0, sizeof(r->own));
	r->own.data = r->rid.id;
	r->own.len = r->rid.len;
	r->f = &r->own;
	r->msg = NULL;
	r->more = true;
}

static void show_frame(struct rx_frame *r, const struct kzmq_in *in)
{
	r->f = in->frame;
	r->msg = kzmq_msg_get(in->msg);
	r->more = in->frame->next;
}

/* The next frame, which stays. Pattern lock held. 0 or a negative errno. */
static int peek_frame(struct kzmq_sock *zs, struct rx_frame *r)
{
	struct kzmq_in in = {};
	int err;

	if (zs->in.msg) {
		in = zs->in;
		kzmq_msg_get(in.msg);
		kzmq_pipe_get(in.pipe);
	} else {
		err = zs->pat->peek(zs, &in);
		if (err)
			return err;
	}
	if (in.rid)
		show_rid(r, in.pipe);
	else
		show_frame(r, &in);
	kzmq_in_put(&in);
	return 0;
}

/* The message in progress was given to its end. */
static void in_done(struct kzmq_sock *zs)
{
	kzmq_in_put(&zs->in);
	zs->received++;
}

/* The next frame, for good. Pattern lock held. */
static int take_frame(struct kzmq_sock *zs, struct rx_frame *r)
{
	int err;

	if (!zs->in.msg) {
		err = zs->pat->recv(zs, &zs->in);
		if (err)
			return err;
	}
	if (zs->in.rid) {
		show_rid(r, zs->in.pipe);
		zs->in.rid = false;
	} else {
		show_frame(r, &zs->in);
		zs->in.frame = zs->in.frame->next;
		if (!zs->in.frame)
			in_done(zs);
	}
	zs->rcvmore = r->more;
	return 0;
}

/**
 * kzmq_next_len - octets of the frame a receive call would give
 * @zs: the socket
 *
 * Context: pattern lock held.
 */
u32 kzmq_next_len(struct kzmq_sock *zs)
{
	struct kzmq_in in = {};
	u32 len = 0;

	if (zs->pat->no_recv)
		return 0;
	if (zs->in.msg)
		return zs->in.rid ? zs->in.pipe->rid->len : zs->in.frame->len;
	if (zs->pat->peek(zs, &in))
		return 0;
	len = in.rid ? in.pipe->rid->len : in.frame->len;
	kzmq_in_put(&in);
	return len;
}

static int get_frame(struct kzmq_sock *zs, struct rx_frame *r, bool peek)
{
	bool turned;
	int err;

	spin_lock_bh(&zs->plock);
	if (zs->down)
		err = -ESHUTDOWN;
	else
		err = peek ? peek_frame(zs, r) : take_frame(zs, r);
	turned = !err && zs->pat->turns && !zs->in.msg;
	spin_unlock_bh(&zs->plock);
	if (turned)
		kzmq_sock_wake_out(zs);
	return err;
}

/* A wake-up was for one; if there is more, let the next have it. */
static void pass_on(struct kzmq_sock *zs)
{
	bool more;

	spin_lock_bh(&zs->plock);
	more = kzmq_readable(zs);
	spin_unlock_bh(&zs->plock);
	if (more)
		kzmq_sock_wake_in(zs);
}

static int wait_frame(struct kzmq_sock *zs, struct rx_frame *r, bool peek,
		      long timeo)
{
	struct kzmq_wait w;
	int err;

	err = get_frame(zs, r, peek);
	if (err != -EAGAIN || !timeo)
		return err;
	kzmq_wait_in(&w, zs);
	do {
		err = get_frame(zs, r, peek);
		if (err != -EAGAIN)
			break;
		err = kzmq_wait(&w, &timeo);
	} while (!err);
	kzmq_wait_end(&w);
	pass_on(zs);
	return err;
}

static int recv_frame(struct kzmq_sock *zs, struct msghdr *m, size_t len,
		      int flags)
{
	long timeo = sock_rcvtimeo(&zs->sk, flags & MSG_DONTWAIT);
	struct rx_frame r;
	size_t n;
	int err;

	err = wait_frame(zs, &r, flags & MSG_PEEK, timeo);
	if (err)
		return err;
	n = min_t(size_t, len, r.f->len);
	err = kzmq_frame_to_iter(r.f, n, &m->msg_iter);
	if (r.f->len > len) {
		m->msg_flags |= MSG_TRUNC;
		if (flags & MSG_TRUNC)
			n = r.f->len;
	}
	if (!r.more)
		m->msg_flags |= MSG_EOR;
	kzmq_msg_put(r.msg);
	return err ?: n;
}

/**
 * struct rx_batch - whole messages to be given in one call
 * @in:     the message at hand
 * @rid:    copy of its sender's routing id
 * @lens:   lengths for the control message
 * @nr:     entries in @lens
 * @most:   entries the user has room for
 * @room:   entries @lens has room for
 * @left:   octets the user has room for
 * @blind:  no control buffer: one message, lengths unknown to the user
 */
struct rx_batch {
	struct kzmq_in	in;
	struct kzmq_rid	rid;
	u32		*lens;
	size_t		nr;
	size_t		most;
	size_t		room;
	size_t		left;
	bool		blind;
};

static int batch_fits(struct rx_batch *b, const struct kzmq_in *in)
{
	const struct kzmq_frame *f;
	u64 len = 0, nr = 0;

	if (in->rid) {
		len += in->pipe->rid->len;
		nr++;
	}
	for (f = in->frame; f; f = f->next) {
		len += f->len;
		nr++;
	}
	if (len > b->left || (!b->blind && b->nr + nr > b->most))
		return -EMSGSIZE;
	return 0;
}

/* Take the next message if it fits; else it stays in zs->in. */
static int batch_take(struct kzmq_sock *zs, struct rx_batch *b)
{
	int err = 0;

	spin_lock_bh(&zs->plock);
	if (zs->down)
		err = -ESHUTDOWN;
	else if (!zs->in.msg)
		err = zs->pat->recv(zs, &zs->in);
	if (!err)
		err = batch_fits(b, &zs->in);
	if (!err) {
		b->in = zs->in;
		if (b->in.rid) {
			b->rid.len = b->in.pipe->rid->len;
			memcpy(b->rid.id, b->in.pipe->rid->id, b->rid.len);
		}
		memset(&zs->in, 0, sizeof(zs->in));
		zs->rcvmore = false;
		zs->received++;
	}
	spin_unlock_bh(&zs->plock);
	if (!err && zs->pat->turns)
		kzmq_sock_wake_out(zs);
	return err;
}

static int batch_note(struct rx_batch *b, u32 len, bool more)
{
	size_t room;
	u32 *lens;

	if (b->blind)
		return 0;
	if (b->nr == b->room) {
		room = max_t(size_t, 64, b->room * 2);
		lens = kvmalloc_array(room, sizeof(u32), GFP_KERNEL_ACCOUNT);
		if (!lens)
			return -ENOMEM;
		if (b->nr)
			memcpy(lens, b->lens, b->nr * sizeof(u32));
		kvfree(b->lens);
		b->lens = lens;
		b->room = room;
	}
	b->lens[b->nr++] = len | (more ? ZMQ_FRAME_MORE : 0);
	return 0;
}

/* Give the message at hand. Octets or a negative errno. */
static ssize_t batch_copy(struct rx_batch *b, struct msghdr *m)
{
	const struct kzmq_frame *f;
	ssize_t done = 0;
	int err;

	if (b->in.rid) {
		err = batch_note(b, b->rid.len, true);
		if (!err && copy_to_iter(b->rid.id, b->rid.len, &m->msg_iter) !=
			    b->rid.len)
			err = -EFAULT;
		if (err)
			return err;
		done += b->rid.len;
	}
	for (f = b->in.frame; f; f = f->next) {
		err = batch_note(b, f->len, f->next);
		if (!err)
			err = kzmq_frame_to_iter(f, f->len, &m->msg_iter);
		if (err)
			return err;
		done += f->len;
	}
	b->left -= done;
	return done;
}

static int batch_wait(struct kzmq_sock *zs, struct rx_batch *b, long timeo)
{
	struct kzmq_wait w;
	int err;

	err = batch_take(zs, b);
	if (err != -EAGAIN || !timeo)
		return err;
	kzmq_wait_in(&w, zs);
	do {
		err = batch_take(zs, b);
		if (err != -EAGAIN)
			break;
		err = kzmq_wait(&w, &timeo);
	} while (!err);
	kzmq_wait_end(&w);
	pass_on(zs);
	return err;
}

static size_t control_room(const struct msghdr *m)
{
	size_t hdr = CMSG_LEN(0);

#ifdef CONFIG_COMPAT
	if (m->msg_flags & MSG_CMSG_COMPAT)
		hdr = sizeof(struct compat_cmsghdr);
#endif

	return m->msg_controllen <= hdr ? 0 :
	       (m->msg_controllen - hdr) / sizeof(u32);
}

static ssize_t recv_batch(struct kzmq_sock *zs, struct msghdr *m, size_t len,
			  int flags, int most)
{
	long timeo = sock_rcvtimeo(&zs->sk, flags & MSG_DONTWAIT);
	struct rx_batch b = { .left = len, .most = control_room(m) };
	ssize_t n, done = 0;
	bool given = false;
	int err;

	if (flags & MSG_PEEK)
		return -EINVAL;
	b.blind = !m->msg_controllen;
	if (b.blind)
		most = 1;
	err = batch_wait(zs, &b, timeo);
	while (!err) {
		n = batch_copy(&b, m);
		kzmq_in_put(&b.in);
		if (n < 0) {
			err = n;
			break;
		}
		given = true;
		done += n;
		if (!--most)
			break;
		err = batch_take(zs, &b);
	}
	if (given) {
		m->msg_flags |= MSG_EOR;
		if (b.blind)
			m->msg_flags |= MSG_CTRUNC;
		else
			put_cmsg(m, SOL_ZMQ, ZMQ_CMSG_FRAMES,
				 b.nr * sizeof(u32), b.lens);
	}
	kvfree(b.lens);
	return given ? done : err;
}

/**
 * kzmq_recvmsg - recv(2), recvfrom(2), recvmsg(2), read(2)
 * @sock:  the socket
 * @m:     the message header
 * @len:   octets there is room for
 * @flags: MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC
 *
 * Context: process.
 * Return: octets or a negative errno.
 */
int kzmq_recvmsg(struct socket *sock, struct msghdr *m, size_t len, int flags)
{
	struct kzmq_sock *zs = kzmq_sk(sock->sk);
	int batch = READ_ONCE(zs->opts.rcvbatch);
	ssize_t ret;

	if (zs->pat->no_recv || (flags & MSG_OOB))
		return -EOPNOTSUPP;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	m->msg_namelen = 0;
	ret = batch ? recv_batch(zs, m, len, flags, batch) :
		      recv_frame(zs, m, len, flags);
	if (m->msg_get_inq && ret >= 0) {
		spin_lock_bh(&zs->plock);
		m->msg_inq = kzmq_readable(zs);
		spin_unlock_bh(&zs->plock);
	}
	return ret;
}
