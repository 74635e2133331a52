// SPDX-License-Identifier: MPL-2.0
/*
 * The lane by plain system calls, one frame each.
 *
 * No locks: the kernel has its own, and what is kept about the last frame is
 * only a guess for the next one. Receivers are counted in zl_sock.rx_state, so
 * that none of them is in the kernel when receiving ahead begins.
 */
#include <limits.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/zmq.h>

#include "block.h"
#include "call.h"
#include "lane.h"
#include "zl.h"

/* The kernel cuts a longer buffer without a word. */
#define FRAME_MAX	2147479552u
/* Frames up to so many octets take one copy more, and need no guess. */
#define SHORT		4096
/* Frames of a call; beyond, control data does not fit everywhere. */
#define FRAMES_MAX	1000
/* So many receives in a row that found something at once: more will follow. */
#define STREAK		16
/* One receive of so many asks without waiting to find that out. */
#define PROBE_EACH	32

/*
 * After EAGAIN: shall the call be made again? Without a limit of time it is
 * only the kernel's that is over. A program that waits on ZMQ_FD has seen
 * what was there, and what comes from now on makes it readable again.
 */
static bool again(struct zl_sock *s, int *kflags, int timeo, bool *drained)
{
	if (!*drained && atomic_load_explicit(&s->has_epfd,
					      memory_order_relaxed)) {
		zl_fd_drain(s);
		*drained = true;
		if (timeo >= 0)
			*kflags |= MSG_DONTWAIT;
		return true;
	}
	return !(*kflags & MSG_DONTWAIT) && timeo < 0;
}

/**
 * zl_lane_send - send a frame
 * @s:     the socket
 * @buf:   the octets
 * @len:   how many
 * @flags: ZMQ_DONTWAIT, ZMQ_SNDMORE
 */
ssize_t zl_lane_send(struct zl_sock *s, const void *buf, size_t len, int flags)
{
	int kflags = (flags & ZMQ_DONTWAIT ? MSG_DONTWAIT : 0) |
		     (flags & ZMQ_SNDMORE ? MSG_MORE : 0);
	bool more = flags & ZMQ_SNDMORE, drained = false;
	ssize_t n;

	if (ZL_UNLIKELY(len > FRAME_MAX))
		return -EMSGSIZE;
	do {
		n = zl_may_block(kflags) ?
		    zl_block_send(s, buf, len, kflags) :
		    zl_call_send(s->fd, buf, len, kflags);
	} while (ZL_UNLIKELY(n == -EAGAIN) &&
		 again(s, &kflags, atomic_load(&s->sndtimeo), &drained));
	if (n < 0)
		return n;
	if (atomic_load_explicit(&s->halfsent, memory_order_relaxed) != more)
		atomic_store_explicit(&s->halfsent, more, memory_order_relaxed);
	return n;
}

static ssize_t send_frames(struct zl_sock *s, const struct iovec *iov, size_t n,
			   int flags)
{
	ssize_t ret = 0;
	size_t i;

	for (i = 0; i < n && ret >= 0; i++) {
		if (i == n - 1)
			flags &= ~ZMQ_SNDMORE;
		ret = zl_lane_send(s, iov[i].iov_base, iov[i].iov_len, flags);
	}
	return ret;
}

/**
 * zl_lane_sendv - send a message of several frames
 * @s:     the socket
 * @iov:   a frame each
 * @n:     how many, at least 1
 * @flags: ZMQ_DONTWAIT; without ZMQ_SNDMORE each is a message of its own
 *
 * Return: octets of the last frame or a negative errno.
 */
ssize_t zl_lane_sendv(struct zl_sock *s, const struct iovec *iov, size_t n,
		      int flags)
{
	int kflags = flags & ZMQ_DONTWAIT ? MSG_DONTWAIT : 0;
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(uint32_t) * FRAMES_MAX)];
	} u;
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	bool drained = false;
	uint32_t *lens;
	ssize_t ret;
	size_t i, sum = 0;

	if (n < 2 || n > FRAMES_MAX || !(flags & ZMQ_SNDMORE) ||
	    atomic_load(&s->halfsent))
		return send_frames(s, iov, n, flags);
	m.msg_control = &u;
	m.msg_controllen = CMSG_SPACE(sizeof(*lens) * n);
	u.h.cmsg_len = CMSG_LEN(sizeof(*lens) * n);
	u.h.cmsg_level = SOL_ZMQ;
	u.h.cmsg_type = ZMQ_CMSG_FRAMES;
	lens = (uint32_t *)CMSG_DATA(&u.h);
	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > FRAME_MAX - sum)
			return send_frames(s, iov, n, flags);
		sum += iov[i].iov_len;
		lens[i] = iov[i].iov_len | (i < n - 1 ? ZMQ_FRAME_MORE : 0);
	}
	do {
		ret = zl_may_block(kflags) ?
		      zl_block_sendmsg(s, &m, kflags) :
		      zl_call_sendmsg(s->fd, &m, kflags);
	} while (ret == -EAGAIN &&
		 again(s, &kflags, atomic_load(&s->sndtimeo), &drained));
	return ret < 0 ? ret : (ssize_t)iov[n - 1].iov_len;
}

/*
 * Begin to receive. A blocking call that expects to find something asks without
 * waiting first: that is how it is known when to receive ahead. Every now and
 * then one does so without reason.
 */
static bool probes(struct zl_sock *s, int kflags)
{
	int n;

	if (kflags & MSG_DONTWAIT)
		return false;
	if (atomic_load_explicit(&s->streak, memory_order_relaxed) > 0)
		return true;
	n = atomic_load_explicit(&s->probe, memory_order_relaxed) + 1;
	atomic_store_explicit(&s->probe, n == PROBE_EACH ? 0 : n,
			      memory_order_relaxed);
	return n == PROBE_EACH;
}

/* A try without waiting has had this result: an octet count or an errno. */
static void tried(struct zl_sock *s, ssize_t n)
{
	int streak = atomic_load_explicit(&s->streak, memory_order_relaxed);

	if (n < 0 || n > SHORT)
		streak = streak < 0 ? streak : 0;
	else
		streak++;
	atomic_store_explicit(&s->streak, streak, memory_order_relaxed);
}

/* One frame into @buf, or as @once does it; the waiting is the same. */
static ssize_t receive(struct zl_sock *s, struct zl_want *w, int kflags,
		       ssize_t (*once)(struct zl_sock *s, struct zl_want *w,
				       int kflags))
{
	bool drained = false, dense = false;
	ssize_t n;

	w->s = s;
	for (;;) {
		if (!atomic_load_explicit(&s->no_dense, memory_order_relaxed)) {
			if (atomic_fetch_add(&s->rx_state, 1) & ZL_RX_DENSE) {
				atomic_fetch_sub(&s->rx_state, 1);
				n = zl_rx_recv(s, w, kflags & MSG_DONTWAIT);
				if (n != ZL_RX_OVER)
					return n;
				continue;
			}
			w->counted = true;
			if (probes(s, kflags)) {
				n = once(s, w, kflags | MSG_DONTWAIT);
				tried(s, n);
				if (n == -EAGAIN)
					n = once(s, w, kflags);
			} else {
				n = once(s, w, kflags);
				if (kflags & MSG_DONTWAIT)
					tried(s, n);
			}
			dense = atomic_load_explicit(&s->streak,
						     memory_order_relaxed) >= STREAK;
			w->counted = false;
			atomic_fetch_sub(&s->rx_state, 1);
		} else if (ZL_UNLIKELY(zl_rx_is_dense(s))) {
			n = zl_rx_recv(s, w, kflags & MSG_DONTWAIT);
			if (n != ZL_RX_OVER)
				return n;
			continue;
		} else {
			n = once(s, w, kflags);
		}
		if (ZL_LIKELY(n != -EAGAIN) ||
		    !again(s, &kflags, atomic_load(&s->rcvtimeo), &drained))
			break;
	}
	if (dense)
		zl_rx_begin(s);
	return n;
}

static inline ssize_t recv_in(struct zl_want *w, void *buf, size_t len,
			      int kflags)
{
	return zl_may_block(kflags) ? zl_block_recv(w, buf, len, kflags) :
				      zl_call_recv(w->s->fd, buf, len, kflags);
}

/* Into the program's memory. Who never asks for ZMQ_RCVMORE has a cheaper call. */
static ssize_t recv_once(struct zl_sock *s, struct zl_want *w, int kflags)
{
	struct iovec iov = { w->buf, w->len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (!atomic_load_explicit(&s->asks, memory_order_relaxed)) {
		n = recv_in(w, w->buf, w->len, kflags);
		if (n >= 0)
			zl_note_more(s, ZL_MORE_ASK);
		return n;
	}
	n = zl_may_block(kflags) ? zl_block_recvmsg(w, &m, kflags) :
				   zl_call_recvmsg(s->fd, &m, kflags);
	if (n < 0)
		return n;
	zl_note_more(s, !(m.msg_flags & MSG_EOR));
	return n;
}

/**
 * zl_lane_recv - receive a frame into the program's memory
 * @s:     the socket
 * @buf:   where to
 * @len:   octets there is room for; the rest of a longer frame is lost
 * @flags: ZMQ_DONTWAIT
 *
 * Return: octets of the frame, even if there was not so much room.
 */
ssize_t zl_lane_recv(struct zl_sock *s, void *buf, size_t len, int flags)
{
	int kflags = MSG_TRUNC | (flags & ZMQ_DONTWAIT ? MSG_DONTWAIT : 0);
	struct zl_want w = { .buf = buf, .len = len };

	return receive(s, &w, kflags, recv_once);
}

/* What the kernel says of a frame stands before its octets. */
struct small {
	struct zmq_recv_head	head;
	unsigned char		data[SHORT];
};

_Static_assert(offsetof(struct zl_content, room) >=
	       offsetof(struct zl_content, ffn) + sizeof(void *) +
	       sizeof(struct zmq_recv_head), "the head hides what is in use");

/* Short ones come by way of the stack, as their length is not known before. */
static ssize_t recv_short(struct zl_sock *s, struct zl_want *w, int kflags)
{
	struct small f;
	ssize_t n = recv_in(w, &f, sizeof(f), kflags);
	int err;

	if (n < 0)
		return n;
	n -= sizeof(f.head);
	err = zl_want_give(s, w, f.data, n, f.head.flags & ZMQ_RECV_MORE,
			   f.head.handle);
	return err ? err : n;
}

/* Long ones go where they shall stay. */
static ssize_t recv_long(struct zl_sock *s, struct zl_want *w, size_t guess,
			 int kflags)
{
	struct zl_content *c = zl_want_room(w, guess);
	struct zmq_recv_head head;
	unsigned char *at;
	ssize_t n;

	if (!c)
		return -ENOMEM;
	if (w->spare)
		zl_content_put(w->spare);
	/* it is still spare when there is no frame */
	w->spare = c;
	at = c->room - sizeof(head);
	n = recv_in(w, at, sizeof(head) + c->cap, kflags);
	if (n < 0)
		return n;
	w->spare = NULL;
	memcpy(&head, at, sizeof(head));
	n -= sizeof(head);
	zl_want_take(s, w, c, n, head.flags & ZMQ_RECV_MORE, head.handle);
	return n;
}

static ssize_t recv_msg_once(struct zl_sock *s, struct zl_want *w, int kflags)
{
	size_t guess = atomic_load_explicit(&s->size, memory_order_relaxed);
	ssize_t n;
	int next;

	for (;;) {
		n = guess <= SHORT ? recv_short(s, w, kflags) :
				     recv_long(s, w, guess, kflags);
		if (ZL_LIKELY(n != -EMSGSIZE))
			break;
		/* It stays until there is room; the next may be another's. */
		if (ioctl(s->fd, SIOCINQ, &next))
			return -errno;
		guess = next;
	}
	/* expect long ones again, until some short ones have come in a row */
	if (n > (ssize_t)guess || (guess > SHORT && n >= 0))
		atomic_store_explicit(&s->size, n > SHORT ? n : guess - guess / 4,
				      memory_order_relaxed);
	return n;
}

/**
 * zl_lane_recv_msg - receive a frame as a message
 * @s:     the socket
 * @m:     a message, whose octets go
 * @flags: ZMQ_DONTWAIT
 */
ssize_t zl_lane_recv_msg(struct zl_sock *s, struct zl_msg *m, int flags)
{
	int kflags = ZMQ_RECV_WHOLE | ZMQ_RECV_HEAD |
		     (flags & ZMQ_DONTWAIT ? MSG_DONTWAIT : 0);
	struct zl_want w;
	ssize_t n;

	zl_want_msg(&w, m);
	n = receive(s, &w, kflags, recv_msg_once);
	if (w.spare)
		zl_content_put(w.spare);
	return n;
}
