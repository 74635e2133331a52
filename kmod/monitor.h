/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_MONITOR_H
#define KZMQ_MONITOR_H

#include "sock.h"

struct kzmq_conn;
struct kzmq_ep;
struct kzmq_mon;
struct kzmq_sink;

/* monitor.c */
int kzmq_mon_open(struct kzmq_sock *zs, char __user *val, int __user *ulen);
void kzmq_mon_stop(struct kzmq_sock *zs);
struct kzmq_mon *kzmq_mon_alloc(u64 mask, u32 bytes);
void kzmq_mon_put(struct kzmq_mon *mon);
int kzmq_mon_join(struct kzmq_sock *zs, struct kzmq_mon *mon,
		  struct kzmq_sink *sink);
void kzmq_mon_end_sinks(struct kzmq_sock *zs);
int kzmq_mon_peek(struct kzmq_mon *mon, void *rec, bool *end);
void kzmq_mon_consume(struct kzmq_mon *mon, bool lost);
void __kzmq_mon_conn(struct kzmq_conn *conn, u32 event, u64 value, int err);
void __kzmq_mon_ep(struct kzmq_ep *ep, u32 event, u64 handle, u64 value,
		   int err);
void __kzmq_mon_end(struct kzmq_conn *conn);

/* mon_sink.c */
int kzmq_sink_set(struct kzmq_sock *zs, sockptr_t val, unsigned int len);
void kzmq_sink_kick(struct kzmq_sink *sink);

/* Does anybody want such events? All that a socket without a monitor does. */
static inline bool kzmq_monitored(struct kzmq_sock *zs, u32 events)
{
	return unlikely(READ_ONCE(zs->mon_mask) & events);
}

/**
 * kzmq_mon_conn - something happened to a connection
 * @zs:    its socket
 * @conn:  the connection; its lower socket is still there
 * @event: ZMQ_EVENT_...
 * @value: what goes with it
 *
 * Context: process; no lock but lock_sock() of the socket may be held.
 */
static inline void kzmq_mon_conn(struct kzmq_sock *zs, struct kzmq_conn *conn,
				 u32 event, u64 value)
{
	if (kzmq_monitored(zs, event))
		__kzmq_mon_conn(conn, event, value, 0);
}

/**
 * kzmq_mon_ep - something happened to an endpoint
 * @zs:     its socket
 * @ep:     the endpoint
 * @event:  ZMQ_EVENT_...
 * @handle: of the lower socket that this is about, 0 for none
 * @value:  what goes with it
 * @err:    why, a negative errno or 0
 *
 * Context: process; no lock but lock_sock() of the socket may be held.
 */
static inline void kzmq_mon_ep(struct kzmq_sock *zs, struct kzmq_ep *ep,
			       u32 event, u64 handle, u64 value, int err)
{
	if (kzmq_monitored(zs, event))
		__kzmq_mon_ep(ep, event, handle, value, err);
}

/**
 * kzmq_mon_end - a connection is about to end
 * @zs:   its socket
 * @conn: the connection; state and lower socket are those it had
 *
 * Context: the connection's work item, no lock held.
 */
static inline void kzmq_mon_end(struct kzmq_sock *zs, struct kzmq_conn *conn)
{
	if (kzmq_monitored(zs, ZMQ_EVENT_ALL))
		__kzmq_mon_end(conn);
}

#endif /* KZMQ_MONITOR_H */
