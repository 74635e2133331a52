// SPDX-License-Identifier: MPL-2.0
/*
 * Calls that wait are points of cancellation: a thread that is cancelled in one
 * gives back what it holds, and the socket is as good as before for others.
 *
 * A process with one thread has nobody who could do that, and what does not wait
 * need not be cancelled: both have the system calls of call.h. The others take
 * the C library's, which can be left in the middle.
 *
 * No locks are held; any thread.
 */
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "block.h"
#include "call.h"
#include "lane.h"
#include "zl.h"

/**
 * zl_undo_recv - the thread does not come back from a receiving call
 * @arg: its struct zl_want
 */
void zl_undo_recv(void *arg)
{
	struct zl_want *w = arg;

	if (w->counted)
		atomic_fetch_sub(&w->s->rx_state, 1);
	if (w->spare)
		zl_content_put(w->spare);
	zl_sock_put(w->s);
}

static void undo_send(void *s)
{
	zl_sock_put(s);
}

/**
 * zl_block_recv - recv(2) that may wait
 * @w:     what is wanted, and held meanwhile
 * @buf:   where to
 * @len:   octets there is room for
 * @flags: as recv(2)
 *
 * Return: octets or a negative errno, as all of these.
 */
ssize_t zl_block_recv(struct zl_want *w, void *buf, size_t len, int flags)
{
	ssize_t n;

	pthread_cleanup_push(zl_undo_recv, w);
	n = recv(w->s->fd, buf, len, flags);
	if (n < 0)
		n = -errno;
	pthread_cleanup_pop(0);
	return n;
}

/**
 * zl_block_recvmsg - recvmsg(2) that may wait
 * @w:     what is wanted, and held meanwhile
 * @m:     as recvmsg(2)
 * @flags: as recvmsg(2)
 */
ssize_t zl_block_recvmsg(struct zl_want *w, struct msghdr *m, int flags)
{
	ssize_t n;

	pthread_cleanup_push(zl_undo_recv, w);
	n = recvmsg(w->s->fd, m, flags);
	if (n < 0)
		n = -errno;
	pthread_cleanup_pop(0);
	return n;
}

/**
 * zl_block_send - send(2) that may wait
 * @s:     the socket, to which the caller has a reference
 * @buf:   the octets
 * @len:   how many
 * @flags: as send(2)
 */
ssize_t zl_block_send(struct zl_sock *s, const void *buf, size_t len, int flags)
{
	ssize_t n;

	pthread_cleanup_push(undo_send, s);
	n = send(s->fd, buf, len, flags);
	if (n < 0)
		n = -errno;
	pthread_cleanup_pop(0);
	return n;
}

/**
 * zl_block_sendmsg - sendmsg(2) that may wait
 * @s:     the socket, to which the caller has a reference
 * @m:     as sendmsg(2)
 * @flags: as sendmsg(2)
 */
ssize_t zl_block_sendmsg(struct zl_sock *s, const struct msghdr *m, int flags)
{
	ssize_t n;

	pthread_cleanup_push(undo_send, s);
	n = sendmsg(s->fd, m, flags);
	if (n < 0)
		n = -errno;
	pthread_cleanup_pop(0);
	return n;
}

/**
 * zl_block_poll - ppoll(2)
 * @p:    as ppoll(2)
 * @n:    likewise
 * @left: likewise
 * @mask: likewise
 * @undo: what to do with @arg when the thread is cancelled
 * @arg:  for @undo
 */
int zl_block_poll(struct pollfd *p, int n, const struct timespec *left,
		  const sigset_t *mask, void (*undo)(void *), void *arg)
{
	int ret;

	if (ZL_ALONE) {
		ret = ppoll(p, n, left, mask);
		return ret < 0 ? -errno : ret;
	}
	pthread_cleanup_push(undo, arg);
	ret = ppoll(p, n, left, mask);
	if (ret < 0)
		ret = -errno;
	pthread_cleanup_pop(0);
	return ret;
}

/**
 * zl_block_futex - wait until a word changes
 * @word: the word
 * @val:  what it was
 * @left: for so long, NULL for ever
 * @undo: what to do with @arg when the thread is cancelled
 * @arg:  for @undo
 *
 * Return: 0, or a negative errno when it did not wait until it was called.
 */
int zl_block_futex(_Atomic uint32_t *word, uint32_t val,
		   const struct timespec *left, void (*undo)(void *), void *arg)
{
	int type, ret;

	pthread_cleanup_push(undo, arg);
	/* the C library has no such call that can be cancelled */
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = zl_call6(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, val,
		       (long)left);
	pthread_setcanceltype(type, NULL);
	pthread_cleanup_pop(0);
	return ret;
}
