// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: the user's octets become messages and are routed.
 *
 * A message is built in memory of its own before any lock is taken. Frames
 * sent with MSG_MORE gather in zs->half until the last one comes.
 *
 * Contexts: process. Locks: half_lock while a half message grows, the pattern
 * lock while a message is routed; neither while the call sleeps for room.
 */
#include <linux/net.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "msg.h"
#include "sock.h"
#include "wait.h"

/**
 * struct tx_frames - the frames of a call, from the control message
 * @len: lengths with ZMQ_FRAME_MORE
 * @nr:  entries, 0 when there was no control message
 */
struct tx_frames {
	const u32	*len;
	u32		nr;
};

/* Of a call with many messages, so much is built before any is routed */
#define CHUNK_MSGS	64
#define CHUNK_BYTES	SZ_256K
/* Sends without a pause that are still transmitted at once */
#define BURST_SPARSE	2
/* CPU time that a sender may spend on its own between two of them */
#define BURST_PAUSE	NSEC_PER_MSEC

/*
 * Will the sender be back at once? It was, if it has not slept since its last
 * call nor received an answer. Then the octets are better sent by somebody
 * else, in larger pieces.
 */
static bool sender_dense(struct kzmq_sock *zs)
{
	struct kzmq_burst *b = &zs->burst;
	unsigned int nr = READ_ONCE(b->nr);

	if (b->task != current || b->nvcsw != current->nvcsw ||
	    current->se.sum_exec_runtime - b->ran > BURST_PAUSE)
		nr = 0;
	b->task = current;
	b->nvcsw = current->nvcsw;
	b->ran = current->se.sum_exec_runtime;
	if (nr < BURST_SPARSE)
		nr++;
	else
		return true;
	WRITE_ONCE(b->nr, nr);
	return false;
}

static int route_once(struct kzmq_sock *zs, struct kzmq_msg *msg,
		      struct list_head *flush)
{
	bool wake = false;
	int err;

	spin_lock_bh(&zs->plock);
	err = zs->down ? -ESHUTDOWN : zs->pat->send(zs, msg, flush);
	if (!err) {
		zs->sent++;
		wake = zs->pat->turns && kzmq_readable(zs);
	}
	spin_unlock_bh(&zs->plock);
	if (wake)
		kzmq_sock_wake_in(zs);
	return err;
}

/*
 * Route a whole message, waiting for room. 0 takes it over. Pipes with
 * something to send stay on @flush, unless the call had to wait.
 */
static int route(struct kzmq_sock *zs, struct kzmq_msg *msg, long *timeo,
		 struct list_head *flush)
{
	struct kzmq_wait w;
	u32 nr = msg->nr;
	int err;

	if (zs->pat->prepare && !msg->prepared) {
		err = zs->pat->prepare(zs, msg);
		if (err) {
			/* as it was: it may be sent again */
			while (msg->nr > nr)
				kzmq_msg_drop_first(msg);
			return err;
		}
		msg->prepared = 1;
	}
	err = route_once(zs, msg, flush);
	if (err != -EAGAIN || !*timeo)
		return err;
	kzmq_pipe_flush_all(flush, false);
	kzmq_wait_out(&w, zs);
	do {
		err = route_once(zs, msg, flush);
		if (err != -EAGAIN)
			break;
		err = kzmq_wait(&w, timeo);
	} while (!err);
	kzmq_wait_end(&w);
	return err;
}

/* May a message that begins with this frame be sent? Waits for it. */
static int check_once(struct kzmq_sock *zs, const struct kzmq_frame *f)
{
	int err;

	spin_lock_bh(&zs->plock);
	if (zs->down)
		err = -ESHUTDOWN;
	else if (zs->pat->check)
		err = zs->pat->check(zs, f);
	else
		err = kzmq_writable(zs) ? 0 : -EAGAIN;
	spin_unlock_bh(&zs->plock);
	return err;
}

static int check(struct kzmq_sock *zs, const struct kzmq_frame *f, long *timeo)
{
	struct kzmq_wait w;
	int err;

	err = check_once(zs, f);
	if (err != -EAGAIN || !*timeo)
		return err;
	kzmq_wait_out(&w, zs);
	do {
		err = check_once(zs, f);
		if (err != -EAGAIN)
			break;
		err = kzmq_wait(&w, timeo);
	} while (!err);
	kzmq_wait_end(&w);
	return err;
}

static struct kzmq_msg *msg_new(struct kzmq_sock *zs, size_t first)
{
	return kzmq_msg_alloc(zs->zn, first <= KZMQ_INLINE_MAX ? first : 0,
			      GFP_KERNEL_ACCOUNT);
}

static int msg_append(struct kzmq_msg *msg, size_t len, struct iov_iter *from)
{
	struct kzmq_frame *f;

	if (msg->len + len > READ_ONCE(msg->zn->lim.msg_size_max) ||
	    msg->nr >= READ_ONCE(msg->zn->lim.frames_max))
		return -EMSGSIZE;
	f = kzmq_frame_add(msg, len, GFP_KERNEL_ACCOUNT);
	if (IS_ERR(f))
		return PTR_ERR(f);
	return kzmq_frame_from_iter(msg, f, len, from);
}

static bool conflate_refuses(struct kzmq_sock *zs, bool more)
{
	return more && READ_ONCE(zs->opts.conflate);
}

/* A message of one frame, the common case */
static int send_single(struct kzmq_sock *zs, struct msghdr *m, size_t len,
		       long timeo)
{
	struct kzmq_msg *msg = msg_new(zs, len);
	LIST_HEAD(flush);
	int err;

	if (IS_ERR(msg))
		return PTR_ERR(msg);
	err = msg_append(msg, len, &m->msg_iter);
	if (!err)
		err = route(zs, msg, &timeo, &flush);
	kzmq_pipe_flush_all(&flush, sender_dense(zs));
	if (err) {
		kzmq_msg_put(msg);
		return err;
	}
	return len;
}

/* The first of several frames: the errors of the whole message come now. */
static int half_begin(struct kzmq_sock *zs, struct msghdr *m, size_t len,
		      long timeo)
{
	struct kzmq_msg *msg = msg_new(zs, len);
	int err;

	if (IS_ERR(msg))
		return PTR_ERR(msg);
	err = msg_append(msg, len, &m->msg_iter);
	if (!err)
		err = check(zs, msg->first, &timeo);
	if (err) {
		kzmq_msg_put(msg);
		return err;
	}
	mutex_lock(&zs->half_lock);
	if (zs->half) {
		/* Two threads began at once; one of them was late. */
		kzmq_msg_put(msg);
		err = -EBUSY;
	} else {
		zs->half = msg;
	}
	mutex_unlock(&zs->half_lock);
	return err ?: len;
}

/* The last frame could not be sent: it never was, the others wait on. */
static void half_restore(struct kzmq_sock *zs, struct kzmq_msg *msg)
{
	mutex_lock(&zs->half_lock);
	if (zs->half || zs->closed) {
		kzmq_msg_put(msg);
	} else {
		kzmq_msg_drop_last(msg);
		zs->half = msg;
	}
	mutex_unlock(&zs->half_lock);
}

/* A further frame. -ENOENT when there is no half message. */
static int half_go_on(struct kzmq_sock *zs, struct msghdr *m, size_t len,
		      bool more, long timeo)
{
	struct kzmq_msg *msg;
	LIST_HEAD(flush);
	u32 had;
	int err;

	mutex_lock(&zs->half_lock);
	msg = zs->half;
	if (!msg) {
		mutex_unlock(&zs->half_lock);
		return -ENOENT;
	}
	had = msg->nr;
	err = zs->down ? -ESHUTDOWN : msg_append(msg, len, &m->msg_iter);
	if (err == -EMSGSIZE) {
		zs->half = NULL;
		kzmq_msg_put(msg);
	} else if (err && msg->nr > had) {
		kzmq_msg_drop_last(msg);
	} else if (!err && !more) {
		zs->half = NULL;
	}
	mutex_unlock(&zs->half_lock);
	if (err || more)
		return err ?: len;
	err = route(zs, msg, &timeo, &flush);
	kzmq_pipe_flush_all(&flush, sender_dense(zs));
	if (err)
		half_restore(zs, msg);
	return err ?: len;
}

static int send_frame(struct kzmq_sock *zs, struct msghdr *m, size_t len)
{
	bool more = (m->msg_flags & (MSG_MORE | MSG_EOR)) == MSG_MORE;
	long timeo = sock_sndtimeo(&zs->sk, m->msg_flags & MSG_DONTWAIT);
	int ret;

	if (conflate_refuses(zs, more))
		return -EINVAL;
	if (READ_ONCE(zs->half)) {
		ret = half_go_on(zs, m, len, more, timeo);
		if (ret != -ENOENT)
			return ret;
	}
	return more ? half_begin(zs, m, len, timeo) :
		      send_single(zs, m, len, timeo);
}

/* Build the next message of a call. Return: frames used or a negative errno. */
static int batch_build(struct kzmq_sock *zs, const struct tx_frames *fr, u32 at,
		       struct iov_iter *from, struct kzmq_msg **res)
{
	struct kzmq_msg *msg = msg_new(zs, fr->len[at] & ZMQ_FRAME_LEN_MASK);
	u32 i = at;
	int err;

	if (IS_ERR(msg))
		return PTR_ERR(msg);
	do {
		err = msg_append(msg, fr->len[i] & ZMQ_FRAME_LEN_MASK, from);
		if (err) {
			kzmq_msg_put(msg);
			return err;
		}
	} while (fr->len[i++] & ZMQ_FRAME_MORE);
	*res = msg;
	return i - at;
}

/**
 * struct tx_chunk - messages of a call that are built and not yet routed
 * @first: linked by next
 * @nr:    how many
 * @bytes: octets in them
 */
struct tx_chunk {
	struct kzmq_msg	*first;
	u32		nr;
	size_t		bytes;
};

/*
 * Build some messages from frame *at on. What is routed is flushed before the
 * user's memory is touched again: that may take for ever, and others count on
 * the flush.
 */
static int chunk_build(struct kzmq_sock *zs, const struct tx_frames *fr,
		       u32 *at, struct iov_iter *from, struct tx_chunk *c)
{
	struct kzmq_msg **tail = &c->first, *msg;
	int ret;

	memset(c, 0, sizeof(*c));
	while (*at < fr->nr && c->nr < CHUNK_MSGS && c->bytes < CHUNK_BYTES) {
		ret = batch_build(zs, fr, *at, from, &msg);
		if (ret < 0)
			return ret;
		*at += ret;
		c->bytes += msg->len;
		c->nr++;
		*tail = msg;
		tail = &msg->next;
	}
	return 0;
}

/* What can be routed without a question, for all pipes in one go. */
static void chunk_route_many(struct kzmq_sock *zs, struct tx_chunk *c,
			     struct list_head *flush, size_t *done, bool *taken)
{
	u32 n;

	do {
		n = 0;
		spin_lock_bh(&zs->plock);
		if (!zs->down)
			n = zs->pat->send_many(zs, &c->first, flush, done);
		zs->sent += n;
		spin_unlock_bh(&zs->plock);
		*taken |= !!n;
	} while (n && c->first);
}

/* Route them in order. Octets taken are added to *done. */
static int chunk_route(struct kzmq_sock *zs, struct tx_chunk *c, long *timeo,
		       struct list_head *flush, size_t *done, bool *taken)
{
	struct kzmq_msg *msg;
	int err = 0;
	u64 len;

	if (zs->pat->send_many && c->nr > 1)
		chunk_route_many(zs, c, flush, done, taken);
	while ((msg = c->first)) {
		c->first = msg->next;
		len = msg->len;
		if (!err)
			err = route(zs, msg, timeo, flush);
		if (err) {
			kzmq_msg_put(msg);
			continue;
		}
		*done += len;
		*taken = true;
	}
	return err;
}

static int send_batch(struct kzmq_sock *zs, struct msghdr *m,
		      const struct tx_frames *fr)
{
	long timeo = sock_sndtimeo(&zs->sk, m->msg_flags & MSG_DONTWAIT);
	bool taken = false, dense = sender_dense(zs);
	struct tx_chunk c;
	LIST_HEAD(flush);
	size_t done = 0;
	int built, err;
	u32 at = 0;

	do {
		built = chunk_build(zs, fr, &at, &m->msg_iter, &c);
		err = chunk_route(zs, &c, &timeo, &flush, &done, &taken);
		kzmq_pipe_flush_all(&flush, dense);
	} while (!err && !built && at < fr->nr);
	/* A first message of no octets counts as taken all the same. */
	return taken ? done : err ?: built;
}

static int parse_frames(struct kzmq_sock *zs, struct cmsghdr *c, size_t len,
			struct tx_frames *fr)
{
	size_t n = c->cmsg_len - sizeof(*c);
	bool multi = false;
	u64 sum = 0;
	u32 i;

	if (!n || n % sizeof(u32) || fr->nr)
		return -EINVAL;
	fr->len = CMSG_DATA(c);
	fr->nr = n / sizeof(u32);
	for (i = 0; i < fr->nr; i++) {
		sum += fr->len[i] & ZMQ_FRAME_LEN_MASK;
		multi |= !!(fr->len[i] & ZMQ_FRAME_MORE);
	}
	if (sum != len || (fr->len[fr->nr - 1] & ZMQ_FRAME_MORE))
		return -EINVAL;
	return conflate_refuses(zs, multi) ? -EINVAL : 0;
}

static int parse_control(struct kzmq_sock *zs, struct msghdr *m, size_t len,
			 struct tx_frames *fr)
{
	struct cmsghdr *c;
	int err;

	fr->nr = 0;
	for_each_cmsghdr(c, m) {
		if (!CMSG_OK(m, c))
			return -EINVAL;
		if (c->cmsg_level != SOL_ZMQ)
			continue;
		if (c->cmsg_type != ZMQ_CMSG_FRAMES)
			return -EINVAL;
		err = parse_frames(zs, c, len, fr);
		if (err)
			return err;
	}
	if (fr->nr && ((m->msg_flags & MSG_MORE) || READ_ONCE(zs->half)))
		return -EINVAL;
	return 0;
}

/**
 * kzmq_sendmsg - send(2), sendto(2), sendmsg(2), write(2)
 * @sock: the socket
 * @m:    the message header
 * @len:  octets
 *
 * Context: process.
 * Return: octets taken or a negative errno.
 */
int kzmq_sendmsg(struct socket *sock, struct msghdr *m, size_t len)
{
	struct kzmq_sock *zs = kzmq_sk(sock->sk);
	struct iov_iter was = m->msg_iter;
	struct tx_frames fr;
	int err;

	if (zs->pat->no_send || (m->msg_flags & MSG_OOB))
		return -EOPNOTSUPP;
	if (m->msg_namelen)
		return -EISCONN;
	if (READ_ONCE(zs->down))
		return -ESHUTDOWN;
	err = parse_control(zs, m, len, &fr);
	if (err)
		return err;
	err = fr.nr ? send_batch(zs, m, &fr) : send_frame(zs, m, len);
	/* io_uring tries again with what we have read already. */
	if (err < 0)
		m->msg_iter = was;
	return err;
}
