/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_WAIT_H
#define KZMQ_WAIT_H

#include <linux/wait.h>

struct kzmq_sock;

/**
 * struct kzmq_wait - one who waits to send or to receive
 * @entry:  in the socket's wait queue
 * @events: what it waits for; other wake-ups pass by, or a sender's could be
 *          used up by a receiver
 * @zs:     the socket
 */
struct kzmq_wait {
	wait_queue_entry_t	entry;
	__poll_t		events;
	struct kzmq_sock	*zs;
};

void kzmq_wait_in(struct kzmq_wait *w, struct kzmq_sock *zs);
void kzmq_wait_out(struct kzmq_wait *w, struct kzmq_sock *zs);
int kzmq_wait(struct kzmq_wait *w, long *timeo);
void kzmq_wait_end(struct kzmq_wait *w);

#endif /* KZMQ_WAIT_H */
