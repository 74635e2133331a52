// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting in send and receive calls.
 *
 * One stands in the wait queue before the last look, so no wake-up is lost.
 * Receivers stand there exclusively: a message wakes one of them; who leaves
 * with more to be had wakes the next.
 *
 * Contexts: process, no lock held.
 */
#include <linux/sched/signal.h>
#include <net/sock.h>

#include "sock.h"
#include "wait.h"

static int wait_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
		     void *key)
{
	struct kzmq_wait *w = container_of(entry, struct kzmq_wait, entry);

	if (key && !(key_to_poll(key) & w->events))
		return 0;
	return woken_wake_function(entry, mode, sync, key);
}

static void wait_init(struct kzmq_wait *w, struct kzmq_sock *zs,
		      __poll_t events)
{
	init_waitqueue_func_entry(&w->entry, wait_wake);
	w->entry.private = current;
	w->events = events | EPOLLERR | EPOLLHUP;
	w->zs = zs;
}

/**
 * kzmq_wait_in - begin to wait for something to receive
 * @w:  the waiter
 * @zs: the socket
 */
void kzmq_wait_in(struct kzmq_wait *w, struct kzmq_sock *zs)
{
	wait_init(w, zs, EPOLLIN);
	add_wait_queue_exclusive(sk_sleep(&zs->sk), &w->entry);
}

/**
 * kzmq_wait_out - begin to wait for room to send
 * @w:  the waiter
 * @zs: the socket
 */
void kzmq_wait_out(struct kzmq_wait *w, struct kzmq_sock *zs)
{
	wait_init(w, zs, EPOLLOUT);
	add_wait_queue(sk_sleep(&zs->sk), &w->entry);
}

/**
 * KZMQ_WAIT_DAYS - who waits so long needs no timer
 *
 * It is a way to wait without a limit and still be told of every signal.
 */
#define KZMQ_WAIT_DAYS	(20L * 86400 * HZ)

/**
 * kzmq_wait - sleep until woken
 * @w:     the waiter; the caller looked and found nothing since it began
 * @timeo: jiffies left; reduced
 *
 * Return: 0 to look again, -EAGAIN when the time is over, -ERESTARTSYS or
 * -EINTR for a signal.
 */
int kzmq_wait(struct kzmq_wait *w, long *timeo)
{
	if (!*timeo)
		return -EAGAIN;
	if (signal_pending(current))
		return sock_intr_errno(*timeo);
	if (*timeo >= KZMQ_WAIT_DAYS)
		wait_woken(&w->entry, TASK_INTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
	else
		*timeo = wait_woken(&w->entry, TASK_INTERRUPTIBLE, *timeo);
	return 0;
}

/**
 * kzmq_wait_end - stop waiting
 * @w: the waiter
 */
void kzmq_wait_end(struct kzmq_wait *w)
{
	remove_wait_queue(sk_sleep(&w->zs->sk), &w->entry);
}
