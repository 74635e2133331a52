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
	r->more = kzmq_in_next(in, in->frame);
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
		zs->in.frame = kzmq_in_next(&zs->in, zs->in.frame);
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

	/* We are off the queue already. */
	if (!skwq_has_sleeper(rcu_access_pointer(zs->sk.sk_wq)))
		return;
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

#define BATCH_TAKE	16	/* messages and parts of packs */
#define BATCH_MSGS	64	/* messages taken under one lock */
#define BOUNCE_SIZE	SZ_4K
#define BOUNCE_LEN	512	/* longer frames are copied to the user directly */

/**
 * struct rx_batch - whole messages to be given in one call
 * @in:     messages taken and not yet copied
 * @nr_in:  used entries of @in
 * @taken:  messages in @in
 * @rid:    copy of the routing id of @in[0]'s sender
 * @lens:   lengths for the control message
 * @nr:     entries in @lens
 * @room:   entries @lens has room for
 * @slots:  entries the user has room for beyond those promised
 * @left:   octets the user has room for beyond those promised
 * @bounce: short frames on their way to the user
 * @fill:   octets in @bounce
 * @blind:  no control buffer: one message, lengths unknown to the user
 */
struct rx_batch {
	struct kzmq_in	in[BATCH_TAKE];
	u32		nr_in;
	u32		taken;
	struct kzmq_rid	rid;
	u32		*lens;
	size_t		nr;
	size_t		room;
	size_t		slots;
	size_t		left;
	u8		*bounce;
	size_t		fill;
	bool		blind;
};

/* Promise room for a message. */
static int batch_promise(struct rx_batch *b, const struct kzmq_in *in)
{
	const struct kzmq_frame *f;
	u64 len = 0, nr = 0;

	if (in->rid) {
		len += in->pipe->rid->len;
		nr++;
	}
	for (f = in->frame; f; f = kzmq_in_next(in, f)) {
		len += f->len;
		nr++;
	}
	if (len > b->left || (!b->blind && nr > b->slots))
		return -EMSGSIZE;
	b->left -= len;
	b->slots -= b->blind ? 0 : nr;
	return 0;
}

static void batch_in(struct kzmq_sock *zs, struct rx_batch *b)
{
	struct kzmq_in *in = &b->in[b->nr_in++];

	*in = zs->in;
	memset(&zs->in, 0, sizeof(zs->in));
	if (in->rid) {
		b->rid.len = in->pipe->rid->len;
		memcpy(b->rid.id, in->pipe->rid->id, b->rid.len);
	}
	zs->rcvmore = false;
	zs->received++;
	b->taken++;
}

/* What follows in the same pack, as far as it fits and nobody else is next. */
static void batch_more(struct kzmq_sock *zs, struct rx_batch *b, u32 most)
{
	struct kzmq_in *in = &b->in[b->nr_in - 1];
	const struct kzmq_frame *f = in->frame;
	u64 bytes = 0;
	u32 n = 0;

	if (!in->single || !f->next || !kzmq_fq_alone(&zs->fq))
		return;
	most = min_t(size_t, most - b->taken, b->slots);
	while (n < most && (f = f->next) && bytes + f->len <= b->left &&
	       (!zs->pat->wanted || zs->pat->wanted(zs, f))) {
		bytes += f->len;
		n++;
	}
	if (!n || !kzmq_fq_more(zs, in, n, bytes))
		return;
	b->left -= bytes;
	b->slots -= n;
	b->taken += n;
	zs->received += n;
}

/*
 * Take the next messages that fit, at most @most; the first that does not
 * stays in zs->in. 0 when there is any, else why not.
 */
static int batch_take(struct kzmq_sock *zs, struct rx_batch *b, u32 most)
{
	int err = 0;

	most = min_t(u32, most, BATCH_MSGS);
	b->nr_in = 0;
	b->taken = 0;
	spin_lock_bh(&zs->plock);
	if (zs->down)
		err = -ESHUTDOWN;
	while (!err && b->nr_in < BATCH_TAKE && b->taken < most) {
		if (!zs->in.msg)
			err = zs->pat->recv(zs, &zs->in);
		if (!err)
			err = batch_promise(b, &zs->in);
		if (err)
			break;
		batch_in(zs, b);
		/* There is one place for a routing id. */
		if (b->in[b->nr_in - 1].rid)
			break;
		batch_more(zs, b, most);
	}
	spin_unlock_bh(&zs->plock);
	if (!b->nr_in)
		return err;
	if (zs->pat->turns)
		kzmq_sock_wake_out(zs);
	return 0;
}

/* Room for @n more lengths. */
static int lens_grow(struct rx_batch *b, size_t n)
{
	size_t room = max_t(size_t, 64, b->room);
	u32 *lens;

	if (b->nr + n <= b->room)
		return 0;
	while (room < b->nr + n)
		room *= 2;
	lens = kvmalloc_array(room, sizeof(u32), GFP_KERNEL_ACCOUNT);
	if (!lens)
		return -ENOMEM;
	if (b->nr)
		memcpy(lens, b->lens, b->nr * sizeof(u32));
	kvfree(b->lens);
	b->lens = lens;
	b->room = room;
	return 0;
}

static int batch_note(struct rx_batch *b, u32 len, bool more)
{
	int err;

	if (b->blind)
		return 0;
	err = lens_grow(b, 1);
	if (err)
		return err;
	b->lens[b->nr++] = len | (more ? ZMQ_FRAME_MORE : 0);
	return 0;
}

static int bounce_flush(struct rx_batch *b, struct msghdr *m)
{
	size_t n = b->fill;

	b->fill = 0;
	return copy_to_iter(b->bounce, n, &m->msg_iter) == n ? 0 : -EFAULT;
}

static int batch_frame(struct rx_batch *b, const struct kzmq_frame *f,
		       bool more, struct msghdr *m)
{
	int err;

	err = batch_note(b, f->len, more);
	if (err)
		return err;
	if (b->bounce && f->data && f->len <= BOUNCE_LEN) {
		if (b->fill + f->len > BOUNCE_SIZE) {
			err = bounce_flush(b, m);
			if (err)
				return err;
		}
		memcpy(b->bounce + b->fill, f->data, f->len);
		b->fill += f->len;
		return 0;
	}
	if (b->fill) {
		err = bounce_flush(b, m);
		if (err)
			return err;
	}
	return kzmq_frame_to_iter(f, f->len, &m->msg_iter);
}

/* Give a run of messages of a pack. Octets or a negative errno. */
static ssize_t batch_run(struct rx_batch *b, const struct kzmq_in *in,
			 struct msghdr *m)
{
	const struct kzmq_frame *f = in->frame;
	u32 i, n = in->more + 1;
	ssize_t done = 0;
	int err;

	err = lens_grow(b, n);
	for (i = 0; i < n && !err; i++, f = f->next) {
		if (b->bounce && b->fill + f->len <= BOUNCE_SIZE) {
			memcpy(b->bounce + b->fill, f->data, f->len);
			b->fill += f->len;
			b->lens[b->nr++] = f->len;
		} else {
			err = batch_frame(b, f, false, m);
		}
		done += f->len;
	}
	return err ?: done;
}

/* Give one message that was taken. Octets or a negative errno. */
static ssize_t batch_copy(struct rx_batch *b, const struct kzmq_in *in,
			  struct msghdr *m)
{
	struct kzmq_frame own = { .data = b->rid.id, .len = b->rid.len };
	const struct kzmq_frame *f;
	ssize_t done = 0;
	int err;

	if (in->rid) {
		err = batch_frame(b, &own, true, m);
		if (err)
			return err;
		done += own.len;
	}
	for (f = in->frame; f; f = kzmq_in_next(in, f)) {
		err = batch_frame(b, f, kzmq_in_next(in, f), m);
		if (err)
			return err;
		done += f->len;
	}
	return done;
}

static int batch_wait(struct kzmq_sock *zs, struct rx_batch *b, u32 most,
		      long timeo)
{
	struct kzmq_wait w;
	int err;

	err = batch_take(zs, b, most);
	if (err != -EAGAIN || !timeo)
		return err;
	kzmq_wait_in(&w, zs);
	do {
		err = batch_take(zs, b, most);
		if (err != -EAGAIN)
			break;
		err = kzmq_wait(&w, &timeo);
	} while (!err);
	kzmq_wait_end(&w);
	pass_on(zs);
	return err;
}

/* Copy all that were taken; references go in any case. */
static ssize_t batch_give(struct rx_batch *b, struct msghdr *m)
{
	ssize_t n = 0, done = 0;
	u32 i;

	if (b->taken > 1 && !b->bounce)
		b->bounce = kmalloc(BOUNCE_SIZE, GFP_KERNEL | __GFP_NOWARN);
	for (i = 0; i < b->nr_in; i++) {
		if (n >= 0)
			n = b->in[i].more ? batch_run(b, &b->in[i], m) :
					    batch_copy(b, &b->in[i], m);
		if (n >= 0)
			done += n;
		kzmq_in_put(&b->in[i]);
	}
	b->nr_in = 0;
	return n < 0 ? n : done;
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
			  int flags, u32 most)
{
	long timeo = sock_rcvtimeo(&zs->sk, flags & MSG_DONTWAIT);
	struct rx_batch *b;
	ssize_t n, done = 0;
	u32 got;
	int err;

	if (flags & MSG_PEEK)
		return -EINVAL;
	b = kmalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	memset(b, 0, sizeof(*b));
	b->left = len;
	b->slots = control_room(m);
	b->blind = !m->msg_controllen;
	if (b->blind)
		most = 1;
	err = batch_wait(zs, b, most, timeo);
	while (!err) {
		got = b->taken;
		n = batch_give(b, m);
		if (n < 0) {
			err = n;
			break;
		}
		done += n;
		most -= got;
		if (!most || batch_take(zs, b, most))
			break;
	}
	/* What was taken and cannot be given is lost, as with any socket. */
	if (!err && b->fill)
		err = bounce_flush(b, m);
	if (!err) {
		m->msg_flags |= MSG_EOR;
		if (b->blind)
			m->msg_flags |= MSG_CTRUNC;
		else
			put_cmsg(m, SOL_ZMQ, ZMQ_CMSG_FRAMES,
				 b->nr * sizeof(u32), b->lens);
	}
	kvfree(b->lens);
	kfree(b->bounce);
	kfree(b);
	return err ?: done;
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
