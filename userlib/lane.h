/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The lane: how octets get between the program and the kernel. Nothing above
 * it knows which system calls there are.
 *
 * What is sent is in the kernel when a call returns. What was received ahead
 * is bounded and can be seen by zl_rx_ahead().
 *
 * All return octets, or a negative errno of the kernel's. They wait as the
 * socket's timeouts say; a signal always ends that. Any thread.
 */
#ifndef ZL_LANE_H
#define ZL_LANE_H

#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "zl.h"

ssize_t zl_lane_send(struct zl_sock *s, const void *buf, size_t len, int flags);
ssize_t zl_lane_sendv(struct zl_sock *s, const struct iovec *iov, size_t n,
		      int flags);
ssize_t zl_lane_recv(struct zl_sock *s, void *buf, size_t len, int flags);
ssize_t zl_lane_recv_msg(struct zl_sock *s, struct zl_msg *m, int flags);

/**
 * struct zl_want - where a frame shall go
 * @m:     a message, NULL for @buf
 * @buf:   the program's memory
 * @len:   octets there is room for in it
 * @spare: memory that @m had, to be used again
 * @s:     the socket, to which the caller has a reference
 * @counted: this receiver is one of zl_sock.rx_state
 */
struct zl_want {
	struct zl_msg		*m;
	void			*buf;
	size_t			len;
	struct zl_content	*spare;
	struct zl_sock		*s;
	bool			counted;
};

void zl_want_msg(struct zl_want *w, struct zl_msg *m);
struct zl_content *zl_want_room(struct zl_want *w, size_t len);
void zl_want_take(struct zl_sock *s, struct zl_want *w, struct zl_content *c,
		  size_t len, bool more, uint64_t from);
int zl_want_give(struct zl_sock *s, struct zl_want *w, const void *data,
		 size_t len, bool more, uint64_t from);

static inline void zl_note_more(struct zl_sock *s, int more)
{
	if (atomic_load_explicit(&s->rcvmore, memory_order_relaxed) != more)
		atomic_store_explicit(&s->rcvmore, more, memory_order_relaxed);
}

/* Receiving ahead (lane_rx.c) */

#define ZL_RX_OVER	-4096	/* not an errno: one frame a call from now on */

void zl_rx_begin(struct zl_sock *s);
ssize_t zl_rx_recv(struct zl_sock *s, struct zl_want *w, bool dontwait);
int zl_rx_topic(struct zl_sock *s, int opt, const void *val, size_t len);
void zl_rx_calm(struct zl_sock *s);
bool zl_rx_watch(struct zl_sock *s);
void zl_rx_unwatch(struct zl_sock *s);
void zl_rx_free(struct zl_sock *s);
void zl_rx_forks(struct zl_sock *s);
void zl_rx_forked(struct zl_sock *s);

/* Can something be received without asking the kernel? */
static inline bool zl_rx_ahead(struct zl_sock *s)
{
	return atomic_load_explicit(&s->ahead, memory_order_acquire);
}

static inline bool zl_rx_is_dense(struct zl_sock *s)
{
	return atomic_load_explicit(&s->rx_state, memory_order_acquire) &
	       ZL_RX_DENSE;
}

#endif /* ZL_LANE_H */
