/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_PIPE_H
#define KZMQ_PIPE_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>

#include "queue.h"

struct kzmq_conn;
struct kzmq_frame;
struct kzmq_in;
struct kzmq_link;
struct kzmq_msg;
struct kzmq_opts;
struct kzmq_peer;
struct kzmq_sock;
struct kzmq_zap;

#define KZMQ_RID_MAX	255

/**
 * struct kzmq_rid - a routing id as key of a hash table
 * @len: octets, 0 for none
 * @id:  the octets
 */
struct kzmq_rid {
	u8	len;
	u8	id[KZMQ_RID_MAX];
};

/**
 * struct kzmq_pipe - the two queues between a socket and one peer
 * @ref:        both ends, and whoever is about to use it
 * @zs:         the socket; the pipe holds a reference
 * @lock:       protects @in, @out, @in_peer, @in_next, @conn, @link, @in_stop and
 *              @out_wait; BH-safe, below the pattern lock
 * @in:         from the peer
 * @out:        to the peer
 * @pack_at:    first message of the pack at the head of @in that was not taken,
 *              NULL when none was
 * @in_peer:    who sent the oldest message in @in, or NULL
 * @in_next:    those whose messages follow, see kzmq_peer_turn()
 * @conn:       the connection at the other end, NULL between two of them
 * @link:       inproc: what joins it with the pipe of another socket, or NULL
 * @conflate:   keep the last data message only, in both queues
 * @in_stop:    the connection stopped reading because @in was full
 * @out_wait:   the socket found @out full
 * @in_over:    a notice was put in @in beyond its limit and nothing taken since
 *
 * The rest belongs to the socket floor, under the pattern lock:
 * @node:       in kzmq_sock.pipes
 * @in_node:    in the fair queue while @in_active
 * @out_node:   in the load balancer while @out_active
 * @flush_node: in a sender's list while it holds @flushing
 * @attached:   the pattern knows it
 * @gone:       the peer has left; only what stands in @in is still of use
 * @left:       @gone with messages unread, counted in kzmq_sock.nr_left
 * @purging:    @gone was set, and who did it is not done yet
 * @parted:     we closed the connection: no @parting; set once, without lock
 * @in_active:  stands in the fair queue
 * @out_active: stands in the load balancer
 * @live:       a connection finished its handshake
 * @mute:       refused by the pattern: neither gives nor takes messages
 * @bound:      the peer connected to us
 * @flushing:   somebody is about to flush it (atomic bit 0)
 * @rid:        routing id (ROUTER, STREAM); allocated, or NULL
 * @rid_node:   in the pattern's table of routing ids while @rid_hashed
 * @rid_hashed: stands there
 * @subs:       subscriptions of the peer (XPUB) by topic node
 * @nr_subs:    how many
 * @mark:       last message round that matched (XPUB)
 * @sent:       messages put in @out
 * @received:   messages taken from @in
 * @dropped:    messages not put in @out since it was full
 * @zap:        what is asked through it, when it leads to a ZAP handler
 * @parting:    delivered when the peer leaves, or NULL; does not change
 */
struct kzmq_pipe {
	refcount_t		ref;
	struct kzmq_sock	*zs;
	spinlock_t		lock;	/* protects the queues and conn */
	struct kzmq_queue	in;
	struct kzmq_queue	out;
	struct kzmq_frame	*pack_at;
	struct kzmq_peer	*in_peer;
	struct list_head	in_next;
	struct kzmq_conn	*conn;
	struct kzmq_link	*link;
	bool			conflate;
	bool			in_stop;
	bool			out_wait;
	bool			in_over;

	struct list_head	node;
	struct list_head	in_node;
	struct list_head	out_node;
	struct list_head	flush_node;
	bool			attached;
	bool			gone;
	bool			left;
	bool			purging;
	bool			parted;
	bool			in_active;
	bool			out_active;
	bool			live;
	bool			mute;
	bool			bound;
	unsigned long		flushing;
	struct kzmq_rid		*rid;
	struct rhash_head	rid_node;
	bool			rid_hashed;
	struct list_head	subs;
	u32			nr_subs;
	u64			mark;
	u64			sent;
	u64			received;
	u64			dropped;
	struct kzmq_zap		*zap;
	struct kzmq_msg		*parting;
};

struct kzmq_pipe *kzmq_pipe_alloc(struct kzmq_sock *zs, gfp_t gfp);
void kzmq_pipe_free(struct kzmq_pipe *pipe);
void kzmq_pipe_set_parting(struct kzmq_pipe *pipe,
			   const struct kzmq_opts *o);

static inline struct kzmq_pipe *kzmq_pipe_get(struct kzmq_pipe *pipe)
{
	refcount_inc(&pipe->ref);
	return pipe;
}

static inline void kzmq_pipe_put(struct kzmq_pipe *pipe)
{
	if (pipe && refcount_dec_and_test(&pipe->ref))
		kzmq_pipe_free(pipe);
}

/* The socket's end */
bool kzmq_pipe_full(struct kzmq_pipe *pipe);
int kzmq_pipe_send_reserve(struct kzmq_pipe *pipe);
int kzmq_pipe_send(struct kzmq_pipe *pipe, struct kzmq_msg *msg, bool force);
u32 kzmq_pipe_out_room(struct kzmq_pipe *pipe, u64 bytes, u64 all);
u32 kzmq_pipe_send_list(struct kzmq_pipe *pipe, struct kzmq_msg *msg, u32 n);
bool kzmq_pipe_recv(struct kzmq_pipe *pipe, struct kzmq_in *in);
bool kzmq_pipe_recv_more(struct kzmq_pipe *pipe, struct kzmq_in *in, u32 n,
			 u64 bytes);
bool kzmq_pipe_peek(struct kzmq_pipe *pipe, struct kzmq_in *in);
int kzmq_pipe_in_notice(struct kzmq_pipe *pipe, struct kzmq_msg *msg);
void kzmq_pipe_reset(struct kzmq_pipe *pipe);
void kzmq_pipe_set_hwm(struct kzmq_pipe *pipe, u32 in, u32 out);
struct kzmq_msg *kzmq_pipe_out_pop_locked(struct kzmq_pipe *pipe);
void kzmq_pipe_drop_in(struct kzmq_pipe *pipe);
u32 kzmq_pipe_drop_out(struct kzmq_pipe *pipe);
bool kzmq_pipe_in_empty(struct kzmq_pipe *pipe);
void kzmq_pipe_flush_add(struct kzmq_pipe *pipe, struct list_head *flush);
void kzmq_pipe_flush_all(struct list_head *flush, bool dense);

/*
 * The connection's end. Room is found for several messages at a time; those with
 * more octets than this are let in one by one.
 */
#define KZMQ_CREDIT_LEN	4096

u32 kzmq_pipe_in_room(struct kzmq_pipe *pipe);
int kzmq_pipe_in_push(struct kzmq_pipe *pipe, struct kzmq_msg *msg);
int kzmq_pipe_in_push_list(struct kzmq_pipe *pipe, struct kzmq_msg **list);
u32 kzmq_pipe_out_pop(struct kzmq_pipe *pipe, struct kzmq_msg **msgs, u32 most,
		      u64 len);
bool kzmq_pipe_out_empty(struct kzmq_pipe *pipe);
void kzmq_pipe_set_conn(struct kzmq_pipe *pipe, struct kzmq_conn *conn);
struct kzmq_conn *kzmq_pipe_conn_get(struct kzmq_pipe *pipe);

#endif /* KZMQ_PIPE_H */
