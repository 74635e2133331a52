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
#include "peer.h"
#include "sock.h"
#include "wait.h"

/**
 * struct rx_frame - one frame to be given
 * @f:    the frame
 * @msg:  what holds it, one reference; NULL for a routing id
 * @peer: who sent it, one reference: with the first frame, if it is wanted
 * @from: number of who sent it
 * @more: further frames of the same message follow
 * @turned: it is the other side's turn now, senders may go on
 * @own:  a frame of ours that shows @rid
 * @rid:  copy of a routing id
 */
struct rx_frame {
	const struct kzmq_frame	*f;
	struct kzmq_msg		*msg;
	struct kzmq_peer	*peer;
	u64			from;
	bool			more;
	bool			turned;
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
		kzmq_peer_get(in.peer);
	} else {
		err = zs->pat->peek(zs, &in);
		if (err)
			return err;
	}
	r->peer = in.told ? NULL : kzmq_peer_get(in.peer);
	r->from = in.from;
	if (in.rid)
		show_rid(r, in.pipe);
	else
		show_frame(r, &in);
	kzmq_in_put(&in);
	return 0;
}

/* The user gets the beginning of a message, and may ask who sent it. */
static void in_begin(struct kzmq_sock *zs, const struct kzmq_in *in)
{
	if (in->peer == zs->last_peer || !in->peer)
		return;
	kzmq_peer_put(zs->last_peer);
	zs->last_peer = kzmq_peer_get(in->peer);
}

/* The message in progress was given to its end. */
static void in_done(struct kzmq_sock *zs)
{
	kzmq_in_put(&zs->in);
	zs->received++;
}

static u32 in_len(const struct kzmq_in *in)
{
	return in->rid ? in->pipe->rid->len : in->frame->len;
}

/* The next frame, for good, if it has @most octets. Pattern lock held. */
static int take_frame(struct kzmq_sock *zs, struct rx_frame *r, size_t most)
{
	int err;

	if (!zs->in.msg) {
		err = zs->pat->recv(zs, &zs->in);
		if (err)
			return err;
	}
	if (in_len(&zs->in) > most)
		return -EMSGSIZE;
	r->peer = NULL;
	if (!zs->in.told) {
		zs->in.told = true;
		in_begin(zs, &zs->in);
		r->peer = kzmq_peer_get(zs->in.peer);
	}
	r->from = zs->in.from;
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
		return in_len(&zs->in);
	if (zs->pat->peek(zs, &in))
		return 0;
	len = in_len(&in);
	kzmq_in_put(&in);
	return len;
}

static int get_frame(struct kzmq_sock *zs, struct rx_frame *r, bool peek,
		     size_t most)
{
	int err;

	spin_lock_bh(&zs->plock);
	if (zs->down)
		err = -ESHUTDOWN;
	else
		err = peek ? peek_frame(zs, r) : take_frame(zs, r, most);
	r->turned = !err && zs->pat->turns && !zs->in.msg;
	spin_unlock_bh(&zs->plock);
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
		      size_t most, long timeo)
{
	bool waits = false;
	struct kzmq_wait w;
	int err;

	/* Who had to wait last time is likely to wait again, and looks once. */
	if (!timeo || !READ_ONCE(zs->rx_waits)) {
		err = get_frame(zs, r, peek, most);
		if (err != -EAGAIN || !timeo)
			return err;
	}
	kzmq_wait_in(&w, zs);
	do {
		err = get_frame(zs, r, peek, most);
		if (err != -EAGAIN)
			break;
		waits = true;
		err = kzmq_wait(&w, &timeo);
	} while (!err);
	kzmq_wait_end(&w);
	if (READ_ONCE(zs->rx_waits) != waits)
		WRITE_ONCE(zs->rx_waits, waits);
	pass_on(zs);
	return err;
}

/* What a caller with ZMQ_RECV_HEAD gets before the frame */
static int give_head(const struct rx_frame *r, struct msghdr *m)
{
	struct zmq_recv_head head = {
		.len = r->f->len,
		.flags = r->more ? ZMQ_RECV_MORE : 0,
		.handle = r->from,
	};

	return copy_to_iter(&head, sizeof(head), &m->msg_iter) == sizeof(head) ?
	       0 : -EFAULT;
}

static int recv_frame(struct kzmq_sock *zs, struct msghdr *m, size_t len,
		      int flags)
{
	long timeo = sock_rcvtimeo(&zs->sk, flags & MSG_DONTWAIT);
	size_t head = flags & ZMQ_RECV_HEAD ? sizeof(struct zmq_recv_head) : 0;
	struct zmq_msg_peer who;
	struct rx_frame r;
	size_t most, n;
	int err;

	if (len < head)
		return -EINVAL;
	len -= head;
	most = flags & ZMQ_RECV_WHOLE ? len : SIZE_MAX;
	err = wait_frame(zs, &r, flags & MSG_PEEK, most, timeo);
	if (err)
		return err;
	/* Not before: we stood in the queue ourselves. */
	if (r.turned)
		kzmq_sock_wake_out(zs);
	n = min_t(size_t, len, r.f->len);
	err = head ? give_head(&r, m) : 0;
	if (!err)
		err = kzmq_frame_to_iter(r.f, n, &m->msg_iter);
	if (r.f->len > len) {
		m->msg_flags |= MSG_TRUNC;
		if (flags & MSG_TRUNC)
			n = r.f->len;
	}
	if (!r.more)
		m->msg_flags |= MSG_EOR;
	if (r.peer && !err) {
		kzmq_peer_tell(r.peer, &who);
		put_cmsg(m, SOL_ZMQ, ZMQ_CMSG_PEER, sizeof(who), &who);
	}
	kzmq_peer_put(r.peer);
	kzmq_msg_put(r.msg);
	return err ?: head + n;
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
 * @noted:  of these, promised to messages taken
 * @need:   entries the message wants that found too little room
 * @slots:  entries the user has room for beyond those promised
 * @left:   octets the user has room for beyond those promised
 * @bounce: short frames on their way to the user
 * @fill:   octets in @bounce
 * @who:    who sent each message, or NULL when that is not wanted
 * @nr_who: entries in @who
 * @each:   entries of @lens that take as much control space as one of @who
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
	size_t		noted;
	size_t		need;
	size_t		slots;
	size_t		left;
	u8		*bounce;
	size_t		fill;
	struct zmq_msg_peer *who;
	u32		nr_who;
	u32		each;
	bool		blind;
};

/*
 * Promise room for a message. The lengths have their memory before it is taken,
 * as it would be lost without; -E2BIG asks for @need more.
 */
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
	if (len > b->left || (!b->blind && nr + b->each > b->slots))
		return -EMSGSIZE;
	b->need = nr;
	if (!b->blind && nr > b->room - b->noted)
		return -E2BIG;
	b->left -= len;
	if (b->blind)
		return 0;
	b->slots -= nr + b->each;
	b->noted += nr;
	return 0;
}

static void batch_in(struct kzmq_sock *zs, struct rx_batch *b)
{
	struct kzmq_in *in = &b->in[b->nr_in++];

	in_begin(zs, &zs->in);
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

	/* The id of a message that was begun is gone; the next has one as well. */
	if (in->told || !in->single || !f->next || !kzmq_fq_alone(&zs->fq))
		return;
	most = min3((size_t)most - b->taken, b->slots / (1 + b->each),
		    b->room - b->noted);
	while (n < most && (f = f->next) && bytes + f->len <= b->left &&
	       (!zs->pat->wanted || zs->pat->wanted(zs, f))) {
		bytes += f->len;
		n++;
	}
	if (!n || !kzmq_fq_more(zs, in, n, bytes))
		return;
	b->left -= bytes;
	b->slots -= n * (1 + b->each);
	b->noted += n;
	b->taken += n;
	zs->received += n;
}

/*
 * Take the next messages that fit, at most @most; the first that does not
 * stays in zs->in. 0 when there is any, else why not.
 */
static int batch_try(struct kzmq_sock *zs, struct rx_batch *b, u32 most)
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

	while (room < b->noted + n)
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

static int batch_take(struct kzmq_sock *zs, struct rx_batch *b, u32 most)
{
	int err;

	do {
		err = batch_try(zs, b, most);
		if (err == -E2BIG)
			err = lens_grow(b, b->need) ?: -E2BIG;
	} while (err == -E2BIG);
	return err;
}

static void batch_note(struct rx_batch *b, u32 len, bool more)
{
	if (!b->blind)
		b->lens[b->nr++] = len | (more ? ZMQ_FRAME_MORE : 0);
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

	batch_note(b, f->len, more);
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
	int err = 0;

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

/* Who sent the messages of one place in the queue */
static void batch_who(struct rx_batch *b, const struct kzmq_in *in)
{
	struct zmq_msg_peer who;
	u32 i;

	kzmq_peer_tell(in->peer, &who);
	for (i = 0; i <= in->more; i++)
		b->who[b->nr_who++] = who;
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
		if (b->who)
			batch_who(b, &b->in[i]);
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

/* Room for as many senders; what that takes of the control space is set aside. */
static int who_begin(struct rx_batch *b, u32 most)
{
	size_t head = (CMSG_SPACE(0) + sizeof(u64)) / sizeof(u32);

	b->each = sizeof(struct zmq_msg_peer) / sizeof(u32);
	b->slots -= min(b->slots, head);
	most = min_t(size_t, most, b->slots / b->each);
	b->who = kvmalloc_array(most, sizeof(*b->who), GFP_KERNEL_ACCOUNT);
	return b->who ? 0 : -ENOMEM;
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
	err = b->blind ? 0 : lens_grow(b, 1);
	if (!err && !b->blind && READ_ONCE(zs->opts.recvpeer))
		err = who_begin(b, most);
	if (!err)
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
		if (b->who)
			put_cmsg(m, SOL_ZMQ, ZMQ_CMSG_PEER,
				 b->nr_who * sizeof(*b->who), b->who);
	}
	kvfree(b->lens);
	kvfree(b->who);
	kfree(b->bounce);
	kfree(b);
	return err ?: done;
}

/**
 * kzmq_recvmsg - recv(2), recvfrom(2), recvmsg(2), read(2)
 * @sock:  the socket
 * @m:     the message header
 * @len:   octets there is room for
 * @flags: MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, ZMQ_RECV_WHOLE, ZMQ_RECV_HEAD
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
