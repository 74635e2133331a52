// SPDX-License-Identifier: MPL-2.0
/*
 * Receiving ahead: many messages a system call while there are many.
 *
 * It begins when receives have found something at once for a while, and ends
 * when the kernel has had next to nothing several times, or a message is too
 * long. What was received is given out in order; until then it counts wherever
 * the program looks for something to read. The high-water mark stays what it
 * is: a socket with a small one does not receive ahead.
 *
 * Locks: zl_sock.rx_lock protects zl_sock.rx and the bit ZL_RX_DENSE, which is
 * set only while no receiver is in the kernel. The kernel is asked with the lock
 * held but without waiting. Of several threads that wait, one does so in the
 * kernel and the others on zl_sock.rx_turn; while one waits in zmq_poll(),
 * nothing is received ahead. Any thread.
 */
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/zmq.h>

#include "block.h"
#include "call.h"
#include "lane.h"
#include "zl.h"

#define OCTETS		65536	/* received ahead at most */
#define FRAMES		1024
#define MESSAGES	128
#define FEW		4	/* messages a call that are not worth it */
#define POOR		8	/* times in a row that ends it */
#define PAUSE		16	/* lucky tries until it may begin again after that */
#define TOPICS		32
#define TOPIC_MAX	64

/**
 * struct topic - what a SUB socket wants
 * @nr:   how often it was asked for
 * @len:  octets
 * @data: the octets
 */
struct topic {
	uint32_t	nr;
	uint32_t	len;
	unsigned char	data[TOPIC_MAX];
};

/**
 * struct zl_rx - what was received ahead
 * @on:    the kernel gives many messages a call
 * @poor:  calls in a row that gave few
 * @nr:    frames
 * @at:    the next to give
 * @pos:   where its octets are
 * @msg:   number of its message
 * @lens:  lengths of the frames, with ZMQ_FRAME_MORE
 * @from:  who sent each message
 * @data:  octets of all frames
 */
struct zl_rx {
	bool		on;
	int		poor;
	uint32_t	nr;
	uint32_t	at;
	size_t		pos;
	uint32_t	msg;
	uint32_t	lens[FRAMES];
	uint64_t	from[MESSAGES];
	unsigned char	data[OCTETS];
};

static void set_batch(struct zl_sock *s, int n)
{
	setsockopt(s->fd, SOL_ZMQ, ZMQ_RCVBATCH, &n, sizeof(n));
}

/* The kernel gives one frame a call again. Lock held. */
static void calm(struct zl_sock *s)
{
	if (s->rx->on)
		set_batch(s, 0);
	s->rx->on = false;
}

/* All was given out: the others are told to ask the kernel. Lock held. */
static void leave(struct zl_sock *s, int pause)
{
	calm(s);
	atomic_store(&s->ahead, 0);
	atomic_store(&s->streak, -pause);
	free(s->rx);
	s->rx = NULL;
	atomic_fetch_and(&s->rx_state, ~ZL_RX_DENSE);
}

/* How many messages a call: a part of what may wait in the queue anyhow. */
static int batch_of(struct zl_sock *s)
{
	size_t len = sizeof(int);
	int hwm = 0;

	if (zl_kget(s, ZMQ_RCVHWM, &hwm, &len))
		return 0;
	return !hwm || hwm / 4 > MESSAGES ? MESSAGES : hwm / 4;
}

/**
 * zl_rx_begin - receive ahead from now on, if that is possible
 * @s: the socket
 */
void zl_rx_begin(struct zl_sock *s)
{
	uint32_t none = 0;
	int n, on = 1;

	pthread_mutex_lock(&s->rx_lock);
	if (s->rx || atomic_load(&s->no_dense))
		goto out;
	n = batch_of(s);
	if (n >= FEW)
		s->rx = malloc(sizeof(*s->rx));
	if (!s->rx) {
		atomic_store(&s->streak, -PAUSE);
		goto out;
	}
	s->rx->on = true;
	s->rx->poor = 0;
	s->rx->nr = 0;
	s->rx->at = 0;
	/* a receiver in the kernel would get what it does not understand */
	if (!atomic_compare_exchange_strong(&s->rx_state, &none, ZL_RX_DENSE)) {
		free(s->rx);
		s->rx = NULL;
		goto out;
	}
	/* a receiver that has seen a reason against it is not counted */
	if (atomic_load(&s->no_dense) ||
	    zl_kset(s, ZMQ_RECVPEER, &on, sizeof(on)) ||
	    zl_kset(s, ZMQ_RCVBATCH, &n, sizeof(n)))
		leave(s, PAUSE);
out:
	pthread_mutex_unlock(&s->rx_lock);
}

/* What a call told about its frames */
static void note(struct zl_rx *rx, struct msghdr *m)
{
	const struct zmq_msg_peer *who;
	struct cmsghdr *c;
	size_t len, i;

	rx->nr = 0;
	rx->at = 0;
	rx->pos = 0;
	rx->msg = 0;
	memset(rx->from, 0, sizeof(rx->from));
	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		len = c->cmsg_len - CMSG_LEN(0);
		if (c->cmsg_level != SOL_ZMQ)
			continue;
		if (c->cmsg_type == ZMQ_CMSG_FRAMES &&
		    len <= sizeof(rx->lens)) {
			memcpy(rx->lens, CMSG_DATA(c), len);
			rx->nr = len / sizeof(rx->lens[0]);
		} else if (c->cmsg_type == ZMQ_CMSG_PEER) {
			who = (const void *)CMSG_DATA(c);
			for (i = 0; i < len / sizeof(*who) && i < MESSAGES; i++)
				rx->from[i] = who[i].handle;
		}
	}
}

static int messages(const struct zl_rx *rx)
{
	uint32_t i;
	int n = 0;

	for (i = 0; i < rx->nr; i++)
		n += !(rx->lens[i] & ZMQ_FRAME_MORE);
	return n;
}

/* Ask the kernel. Lock held. 0 or a negative errno. */
static int fill(struct zl_sock *s)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(uint32_t) * FRAMES) +
			   CMSG_SPACE(sizeof(struct zmq_msg_peer) * MESSAGES)];
	} u;
	struct zl_rx *rx = s->rx;
	struct iovec iov = { rx->data, sizeof(rx->data) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	int ret;

	ret = zl_call_recvmsg(s->fd, &m, MSG_DONTWAIT);
	if (ret < 0) {
		if (ret == -EAGAIN)
			rx->poor++;
		return ret;
	}
	note(rx, &m);
	if (messages(rx) < FEW)
		rx->poor++;
	else
		rx->poor = 0;
	atomic_store_explicit(&s->ahead, rx->nr, memory_order_release);
	return 0;
}

/* The next frame of those that are there. Lock held. Octets or -ENOMEM. */
static ssize_t give(struct zl_sock *s, struct zl_want *w)
{
	struct zl_rx *rx = s->rx;
	uint32_t l = rx->lens[rx->at];
	size_t len = l & ZMQ_FRAME_LEN_MASK;
	bool more = l & ZMQ_FRAME_MORE;
	int err;

	err = zl_want_give(s, w, rx->data + rx->pos, len, more,
			   rx->msg < MESSAGES ? rx->from[rx->msg] : 0);
	if (err)
		return err;
	rx->pos += len;
	rx->at++;
	rx->msg += !more;
	atomic_store_explicit(&s->ahead, rx->nr - rx->at, memory_order_release);
	if (rx->at == rx->nr && !rx->on)
		leave(s, PAUSE);
	return len;
}

/*
 * A frame without waiting. Lock held. -EAGAIN: there is none; ZL_RX_OVER: it is
 * over, and nothing is left.
 */
static ssize_t take(struct zl_sock *s, struct zl_want *w)
{
	struct zl_rx *rx = s->rx;
	int err;

	if (!rx)
		return ZL_RX_OVER;
	if (atomic_load(&s->down) || !(atomic_load(&s->h.state) & ZL_OPEN))
		return -ESHUTDOWN;
	if (rx->at < rx->nr)
		return give(s, w);
	if (!rx->on || rx->poor >= POOR || atomic_load(&s->no_dense) ||
	    atomic_load(&s->pollers)) {
		leave(s, rx->poor >= POOR ? 0 : PAUSE);
		return ZL_RX_OVER;
	}
	err = fill(s);
	if (err == -EMSGSIZE) {
		leave(s, PAUSE);
		return ZL_RX_OVER;
	}
	return err ? err : give(s, w);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/*
 * Who leaves calls another: there may be something left, or nobody who asks the
 * kernel, or nothing to wait for. Lock held.
 */
static void call_next(struct zl_sock *s)
{
	if (ZL_LIKELY(!s->rx_waiters))
		return;
	atomic_fetch_add(&s->rx_turn, 1);
	syscall(SYS_futex, &s->rx_turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/**
 * struct waiter - a thread that waits for what is received ahead
 * @w:    what it wants
 * @lead: it is the one in the kernel
 */
struct waiter {
	struct zl_want	*w;
	bool		lead;
};

/* It waits no longer. Lock held. */
static void waited(struct zl_sock *s, bool lead)
{
	s->rx_waiters--;
	if (lead)
		s->rx_leads = false;
}

/* It is cancelled: another one has to lead. */
static void undo_wait(void *arg)
{
	struct waiter *t = arg;
	struct zl_sock *s = t->w->s;

	pthread_mutex_lock(&s->rx_lock);
	waited(s, t->lead);
	call_next(s);
	pthread_mutex_unlock(&s->rx_lock);
	zl_undo_recv(t->w);
}

/* Until there is something, or @end. 0 or a negative errno. */
static int wait_in(struct waiter *t, int64_t end)
{
	struct pollfd p = { .fd = t->w->s->fd, .events = POLLIN };
	int64_t left = end < 0 ? -1 : end - now_ms();
	struct timespec ts = { left / 1000, left % 1000 * 1000000 };
	int ret;

	if (end >= 0 && left <= 0)
		return -EAGAIN;
	ret = zl_block_poll(&p, 1, end < 0 ? NULL : &ts, NULL, undo_wait, t);
	return ret < 0 ? ret : 0;
}

/* The same for one that does not ask the kernel: until it is called. */
static int wait_turn(struct waiter *t, uint32_t turn, int64_t end)
{
	int64_t left = end < 0 ? -1 : end - now_ms();
	struct timespec ts = { left / 1000, left % 1000 * 1000000 };

	if (end >= 0 && left <= 0)
		return -EAGAIN;
	/* else it has changed, or the time is over, which is found out next */
	return zl_block_futex(&t->w->s->rx_turn, turn, end < 0 ? NULL : &ts,
			      undo_wait, t) == -EINTR ? -EINTR : 0;
}

/*
 * Wait for something, one thread in the kernel and the others for that one: it
 * may receive more than it takes. Lock held, but not meanwhile. 0 or a negative
 * errno.
 */
static int wait_ahead(struct zl_sock *s, struct zl_want *w, int64_t end)
{
	uint32_t turn = atomic_load(&s->rx_turn);
	struct waiter t = { .w = w, .lead = !s->rx_leads };
	int err;

	s->rx_leads = true;
	s->rx_waiters++;
	pthread_mutex_unlock(&s->rx_lock);
	err = t.lead ? wait_in(&t, end) : wait_turn(&t, turn, end);
	pthread_mutex_lock(&s->rx_lock);
	waited(s, t.lead);
	return err;
}

/**
 * zl_rx_recv - receive while it may be that there is something ahead
 * @s:        the socket
 * @w:        what is wanted
 * @dontwait: do not wait
 *
 * Return: octets, a negative errno, or ZL_RX_OVER when the kernel is to be asked
 * for one frame.
 */
ssize_t zl_rx_recv(struct zl_sock *s, struct zl_want *w, bool dontwait)
{
	int timeo = atomic_load(&s->rcvtimeo);
	int64_t end = -1;
	ssize_t n;
	int err = 0;

	if (!timeo)
		dontwait = true;
	pthread_mutex_lock(&s->rx_lock);
	do {
		n = take(s, w);
		if (n != -EAGAIN || dontwait)
			break;
		if (timeo > 0 && end < 0)
			end = now_ms() + timeo;
		err = wait_ahead(s, w, end);
	} while (!err);
	call_next(s);
	pthread_mutex_unlock(&s->rx_lock);
	return err ? err : n;
}

/**
 * zl_rx_watch - this thread is about to wait in the kernel for something to read
 * @s: the socket; zl_rx_unwatch() is due
 *
 * What another thread received ahead from now on would not wake it.
 *
 * Return: whether something is there already.
 */
bool zl_rx_watch(struct zl_sock *s)
{
	atomic_fetch_add(&s->pollers, 1);
	if (atomic_load(&s->rx_state) & ZL_RX_DENSE) {
		/* who receives right now is done first; the next one sees us */
		pthread_mutex_lock(&s->rx_lock);
		pthread_mutex_unlock(&s->rx_lock);
	}
	return zl_rx_ahead(s);
}

/**
 * zl_rx_unwatch - it has waited
 * @s: the socket
 */
void zl_rx_unwatch(struct zl_sock *s)
{
	atomic_fetch_sub(&s->pollers, 1);
}

/**
 * zl_rx_calm - there is a reason not to receive ahead any more
 * @s: the socket
 */
void zl_rx_calm(struct zl_sock *s)
{
	pthread_mutex_lock(&s->rx_lock);
	if (s->rx && s->rx->at < s->rx->nr)
		calm(s);
	else if (s->rx)
		leave(s, 0);
	pthread_mutex_unlock(&s->rx_lock);
}

/**
 * zl_rx_free - the socket ends
 * @s: the socket
 */
void zl_rx_free(struct zl_sock *s)
{
	free(s->rx);
	s->rx = NULL;
	free(s->topics);
	s->topics = NULL;
}

/**
 * zl_rx_forks - another process is going to have the socket too
 * @s: the socket
 *
 * Each process asks for one frame a call: neither knows what the other does.
 * Context: the lock is held.
 */
void zl_rx_forks(struct zl_sock *s)
{
	atomic_fetch_or(&s->no_dense, ZL_NODENSE_FORK);
	if (s->rx)
		calm(s);
}

/**
 * zl_rx_forked - in the child: what was received ahead is the parent's
 * @s: the socket
 *
 * Context: the lock is held, there are no other threads.
 */
void zl_rx_forked(struct zl_sock *s)
{
	free(s->rx);
	s->rx = NULL;
	s->rx_leads = false;
	s->rx_waiters = 0;
	atomic_store(&s->pollers, 0);
	atomic_store(&s->ahead, 0);
	atomic_store(&s->rx_state, 0);
}

static struct topic *topic_find(struct zl_sock *s, const void *val, size_t len)
{
	struct topic *t = s->topics;
	int i;

	for (i = 0; t && i < TOPICS; i++, t++)
		if (t->nr && t->len == len && !memcmp(t->data, val, len))
			return t;
	return NULL;
}

/* false: these are more than are worth remembering */
static bool topic_add(struct zl_sock *s, const void *val, size_t len)
{
	struct topic *t;
	int i;

	if (!s->topics)
		s->topics = calloc(TOPICS, sizeof(*t));
	if (!s->topics || len > TOPIC_MAX)
		return false;
	t = topic_find(s, val, len);
	for (i = 0; !t && i < TOPICS; i++)
		if (!s->topics[i].nr)
			t = &s->topics[i];
	if (!t)
		return false;
	t->nr++;
	t->len = len;
	if (len)
		memcpy(t->data, val, len);
	return true;
}

static bool wanted(struct zl_sock *s, const void *data, size_t len)
{
	const struct topic *t = s->topics;
	int i;

	for (i = 0; i < TOPICS; i++, t++)
		if (t->nr && t->len <= len && !memcmp(t->data, data, t->len))
			return true;
	return false;
}

/* What was received ahead and is not wanted any more goes. Lock held. */
static void sift(struct zl_sock *s)
{
	struct zl_rx *rx = s->rx;
	size_t from = rx->pos, to = rx->pos, len;
	uint32_t i, frames = rx->at, msgs = rx->msg, msg = rx->msg;
	bool begun = rx->at && (rx->lens[rx->at - 1] & ZMQ_FRAME_MORE);
	bool keep = begun, first = !begun;

	/* the rest of a message that was begun is the program's */
	for (i = rx->at; i < rx->nr; i++) {
		len = rx->lens[i] & ZMQ_FRAME_LEN_MASK;
		if (first)
			keep = wanted(s, rx->data + from, len);
		first = !(rx->lens[i] & ZMQ_FRAME_MORE);
		if (keep) {
			memmove(rx->data + to, rx->data + from, len);
			to += len;
			rx->lens[frames++] = rx->lens[i];
			if (msgs < MESSAGES && msg < MESSAGES)
				rx->from[msgs] = rx->from[msg];
			msgs += first;
		}
		msg += first;
		from += len;
	}
	rx->nr = frames;
	atomic_store(&s->ahead, rx->nr - rx->at);
}

/* The last time this topic was asked for? Then messages may go. Lock held. */
static void topic_del(struct zl_sock *s, const void *val, size_t len)
{
	struct topic *t = topic_find(s, val, len);

	if (t && !--t->nr && s->rx)
		sift(s);
}

/**
 * zl_rx_topic - ZMQ_SUBSCRIBE, ZMQ_UNSUBSCRIBE
 * @s:   the socket
 * @opt: which
 * @val: the topic
 * @len: octets of it
 *
 * The kernel gives nothing that is not wanted any more, and neither do we.
 *
 * Return: 0 or an errno.
 */
int zl_rx_topic(struct zl_sock *s, int opt, const void *val, size_t len)
{
	bool many = false;
	int err;

	if (s->type != ZMQ_SUB)
		return zl_kset(s, opt, val, len);
	pthread_mutex_lock(&s->rx_lock);
	err = zl_kset(s, opt, val, len);
	if (!err && opt == ZMQ_SUBSCRIBE)
		many = !topic_add(s, val, len);
	else if (!err)
		topic_del(s, val, len);
	pthread_mutex_unlock(&s->rx_lock);
	if (many)
		zl_no_dense(s, ZL_NODENSE_OPT);
	return err;
}
