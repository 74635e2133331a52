// SPDX-License-Identifier: GPL-2.0
/*
 * Pipes: two bounded queues between a socket and one peer.
 *
 * The socket's end is called under the pattern lock, the connection's end
 * without it: there "readable" and "writable" are told to the pattern after
 * pipe->lock was dropped. Full and empty are decided under pipe->lock together
 * with the note who waits for the change (in_stop, out_wait), so no wake-up is
 * lost.
 *
 * Locks: pattern lock -> pipe->lock. Nothing is taken below pipe->lock but the
 * workqueue's own.
 * Contexts: any; queue chunks are allocated under a spinlock and so atomically.
 */
#include <linux/slab.h>

#include "conn.h"
#include "inproc.h"
#include "msg.h"
#include "sock.h"

#define PIPE_GFP (GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT)

/**
 * kzmq_pipe_alloc - a pipe that no pattern knows yet
 * @zs:  its socket; a reference is taken
 * @gfp: how to allocate
 *
 * Return: the pipe with one reference, or NULL.
 */
struct kzmq_pipe *kzmq_pipe_alloc(struct kzmq_sock *zs, gfp_t gfp)
{
	u64 bytes = READ_ONCE(zs->zn->lim.pipe_bytes_max);
	struct kzmq_pipe *pipe = kzalloc(sizeof(*pipe), gfp);

	if (!pipe)
		return NULL;
	refcount_set(&pipe->ref, 1);
	spin_lock_init(&pipe->lock);
	INIT_LIST_HEAD(&pipe->node);
	INIT_LIST_HEAD(&pipe->in_node);
	INIT_LIST_HEAD(&pipe->out_node);
	INIT_LIST_HEAD(&pipe->flush_node);
	INIT_LIST_HEAD(&pipe->subs);
	INIT_LIST_HEAD(&pipe->in_next);
	kzmq_queue_init(&pipe->in, READ_ONCE(zs->opts.rcvhwm), bytes);
	kzmq_queue_init(&pipe->out, READ_ONCE(zs->opts.sndhwm), bytes);
	pipe->conflate = READ_ONCE(zs->opts.conflate);
	kzmq_sock_get(zs);
	pipe->zs = zs;
	return pipe;
}

/**
 * kzmq_pipe_set_parting - what is delivered when the peer leaves
 * @pipe: a new pipe, @bound is set
 * @o:    its endpoint's options
 */
void kzmq_pipe_set_parting(struct kzmq_pipe *pipe, const struct kzmq_opts *o)
{
	const struct kzmq_pattern *pat = pipe->zs->pat;

	if (pipe->bound && pat->tells_disconnect)
		pipe->parting = o->disconnect_msg;
	else if (!pipe->bound && pat->tells_hiccup)
		pipe->parting = o->hiccup_msg;
	if (pipe->parting)
		kzmq_msg_get(pipe->parting);
}

static void queue_take(struct kzmq_pipe *pipe, struct kzmq_queue *q,
		       struct kzmq_msg *msg)
{
	kzmq_queue_drop_head(q, msg->len);
	atomic_long_sub(msg->len, &pipe->zs->qbytes);
}

/* The next message of a pack. True when it was the last: the pack is ours. */
static bool pack_take(struct kzmq_pipe *pipe, struct kzmq_msg *pack,
		      struct kzmq_frame **res)
{
	struct kzmq_frame *f = pipe->pack_at ?: pack->first;

	*res = f;
	pipe->pack_at = f->next;
	atomic_long_sub(f->len, &pipe->zs->qbytes);
	if (f->next)
		kzmq_queue_consume(&pipe->in, 1, f->len);
	else
		kzmq_queue_drop_head(&pipe->in, f->len);
	return !f->next;
}

static void queue_purge(struct kzmq_pipe *pipe, struct kzmq_queue *q)
{
	struct kzmq_frame *f;
	struct kzmq_msg *msg;

	while ((msg = kzmq_queue_peek(q))) {
		if (!msg->pack) {
			queue_take(pipe, q, msg);
		} else {
			while (!pack_take(pipe, msg, &f))
				;
		}
		kzmq_msg_put(msg);
	}
}

/**
 * kzmq_pipe_free - the last reference is gone
 * @pipe: the pipe
 *
 * Context: any.
 */
void kzmq_pipe_free(struct kzmq_pipe *pipe)
{
	queue_purge(pipe, &pipe->in);
	queue_purge(pipe, &pipe->out);
	kzmq_queue_free(&pipe->in);
	kzmq_queue_free(&pipe->out);
	kzmq_peers_forget(pipe);
	kfree(pipe->rid);
	kzmq_msg_put(pipe->parting);
	kzmq_sock_put(pipe->zs);
	kfree(pipe);
}

static bool sock_over(struct kzmq_pipe *pipe)
{
	return atomic_long_read(&pipe->zs->qbytes) >=
	       READ_ONCE(pipe->zs->zn->lim.sock_bytes_max);
}

/* An empty queue takes one message whatever its size. */
static __always_inline bool queue_full(struct kzmq_pipe *pipe,
				       struct kzmq_queue *q)
{
	if (pipe->conflate)
		return false;
	return kzmq_queue_full(q) || (!kzmq_queue_empty(q) && sock_over(pipe));
}

static int queue_add(struct kzmq_pipe *pipe, struct kzmq_queue *q,
		     struct kzmq_msg *msg)
{
	struct kzmq_msg *old;
	int err;

	err = kzmq_queue_push(q, msg, msg->len, PIPE_GFP);
	if (err) {
		KZMQ_INC(pipe->zs->zn, NO_MEMORY);
		return err;
	}
	if (msg->pack)
		kzmq_queue_stands_for(q, msg->nr - 1);
	atomic_long_add(msg->len, &pipe->zs->qbytes);
	if (!pipe->conflate || msg->kind != KZMQ_MSG_DATA)
		return 0;
	while ((old = kzmq_queue_peek(q)) != msg && old->kind == KZMQ_MSG_DATA) {
		queue_take(pipe, q, old);
		kzmq_msg_put(old);
	}
	return 0;
}

/**
 * kzmq_pipe_full - has the queue to the peer no room; if so, be told of room
 * @pipe: the pipe
 *
 * After true, pattern->out_ready() is called when there is room.
 *
 * Context: pattern lock held.
 */
bool kzmq_pipe_full(struct kzmq_pipe *pipe)
{
	bool full;

	spin_lock(&pipe->lock);
	full = queue_full(pipe, &pipe->out);
	if (full)
		pipe->out_wait = true;
	spin_unlock(&pipe->lock);
	return full;
}

/**
 * kzmq_pipe_send_reserve - have the memory for the next kzmq_pipe_send()
 * @pipe: the pipe
 *
 * For those who change the message before and could not undo it.
 *
 * Context: pattern lock held until then.
 * Return: 0 or -ENOMEM.
 */
int kzmq_pipe_send_reserve(struct kzmq_pipe *pipe)
{
	int err;

	spin_lock(&pipe->lock);
	err = kzmq_queue_reserve(&pipe->out, PIPE_GFP);
	spin_unlock(&pipe->lock);
	if (err)
		KZMQ_INC(pipe->zs->zn, NO_MEMORY);
	return err;
}

/**
 * kzmq_pipe_send - queue a message to the peer
 * @pipe:  the pipe
 * @msg:   the message; a reference is taken
 * @force: whatever the limits say
 *
 * Context: pattern lock held.
 * Return: 0, -EAGAIN when full (then out_ready() will be called), -ENOMEM.
 */
int kzmq_pipe_send(struct kzmq_pipe *pipe, struct kzmq_msg *msg, bool force)
{
	int err;

	spin_lock(&pipe->lock);
	if (!force && queue_full(pipe, &pipe->out)) {
		pipe->out_wait = true;
		err = -EAGAIN;
	} else {
		kzmq_msg_get(msg);
		err = queue_add(pipe, &pipe->out, msg);
		if (err)
			kzmq_msg_put(msg);
		else
			pipe->sent++;
	}
	spin_unlock(&pipe->lock);
	return err;
}

/**
 * kzmq_pipe_out_room - how many messages the queue to the peer takes
 * @pipe:  the pipe
 * @bytes: octets they have together
 * @all:   octets that go to all pipes of the socket with them
 *
 * Context: pattern lock held.
 * Return: how many for certain; 0 may also mean that one has to ask for each.
 */
u32 kzmq_pipe_out_room(struct kzmq_pipe *pipe, u64 bytes, u64 all)
{
	struct kzmq_limits *lim = &pipe->zs->zn->lim;
	struct kzmq_queue *q = &pipe->out;
	u32 room = U32_MAX;

	spin_lock(&pipe->lock);
	if (queue_full(pipe, q) || pipe->conflate ||
	    (q->byte_max && q->bytes + bytes > q->byte_max) ||
	    atomic_long_read(&pipe->zs->qbytes) + all >
	    READ_ONCE(lim->sock_bytes_max))
		room = 0;
	else if (q->hwm)
		room = q->hwm - (q->written - q->acked);
	spin_unlock(&pipe->lock);
	return room;
}

/**
 * kzmq_pipe_send_list - queue messages for which there is room
 * @pipe: the pipe
 * @msg:  the first, linked by next; a reference of each is taken
 * @n:    how many, at most what kzmq_pipe_out_room() gave
 *
 * Context: pattern lock held since.
 * Return: how many; fewer than @n for want of memory.
 */
u32 kzmq_pipe_send_list(struct kzmq_pipe *pipe, struct kzmq_msg *msg, u32 n)
{
	u32 i;

	spin_lock(&pipe->lock);
	for (i = 0; i < n; i++, msg = msg->next) {
		kzmq_msg_get(msg);
		if (queue_add(pipe, &pipe->out, msg)) {
			kzmq_msg_put(msg);
			break;
		}
	}
	pipe->sent += i;
	spin_unlock(&pipe->lock);
	return i;
}

/* The reader of @in took something: may the connection read on? */
static void in_taken(struct kzmq_pipe *pipe)
{
	pipe->in_over = false;
	if (!pipe->in_stop || queue_full(pipe, &pipe->in))
		return;
	pipe->in_stop = false;
	if (pipe->conn)
		kzmq_conn_kick(pipe->conn, KZMQ_EV_RX);
	else if (pipe->link)
		kzmq_inproc_room(pipe);
}

/* Who sent the oldest message; with a reference, if the user wants to know */
static void in_sender(struct kzmq_pipe *pipe, struct kzmq_in *in)
{
	if (!list_empty(&pipe->in_next))
		kzmq_peer_turn(pipe);
	in->from = pipe->in_peer ? pipe->in_peer->id : 0;
	in->peer = READ_ONCE(pipe->zs->opts.recvpeer) ?
		   kzmq_peer_get(pipe->in_peer) : NULL;
}

/**
 * kzmq_pipe_recv - take the oldest message of the peer
 * @pipe: the pipe
 * @in:   gets the message, with a reference, and its first frame
 *
 * Context: pattern lock held.
 * Return: false when there is none.
 */
bool kzmq_pipe_recv(struct kzmq_pipe *pipe, struct kzmq_in *in)
{
	struct kzmq_msg *msg;

	spin_lock(&pipe->lock);
	msg = kzmq_queue_peek(&pipe->in);
	if (msg) {
		in->msg = msg;
		in->single = msg->pack;
		in_sender(pipe, in);
		if (!msg->pack) {
			in->frame = msg->first;
			queue_take(pipe, &pipe->in, msg);
		} else if (!pack_take(pipe, msg, &in->frame)) {
			kzmq_msg_get(msg);
		}
		pipe->received++;
		in_taken(pipe);
	}
	spin_unlock(&pipe->lock);
	return msg;
}

/**
 * kzmq_pipe_recv_more - take further messages of a pack
 * @pipe:  the pipe
 * @in:    what kzmq_pipe_recv() gave; @in->more is set
 * @n:     how many of those behind @in->frame
 * @bytes: octets in them
 *
 * Context: pattern lock held.
 * Return: false when the pack is in the pipe no more; nothing is taken.
 */
bool kzmq_pipe_recv_more(struct kzmq_pipe *pipe, struct kzmq_in *in, u32 n,
			 u64 bytes)
{
	struct kzmq_frame *f = in->frame->next, *last = NULL;
	bool there;
	u32 i;

	spin_lock(&pipe->lock);
	there = f && pipe->pack_at == f;
	if (there) {
		for (i = 0; i < n; i++, f = f->next)
			last = f;
		pipe->pack_at = f;
		/* The last of a pack takes the item off the queue. */
		kzmq_queue_consume(&pipe->in, f ? n : n - 1,
				   f ? bytes : bytes - last->len);
		if (!f) {
			kzmq_queue_drop_head(&pipe->in, last->len);
			kzmq_msg_put(in->msg);
		}
		atomic_long_sub(bytes, &pipe->zs->qbytes);
		pipe->received += n;
		in->more = n;
		in_taken(pipe);
	}
	spin_unlock(&pipe->lock);
	return there;
}

/**
 * kzmq_pipe_peek - the oldest message of the peer, which stays
 * @pipe: the pipe
 * @in:   gets the message, with a reference, and its first frame
 *
 * Context: pattern lock held.
 * Return: false when there is none.
 */
bool kzmq_pipe_peek(struct kzmq_pipe *pipe, struct kzmq_in *in)
{
	struct kzmq_msg *msg;

	spin_lock(&pipe->lock);
	msg = kzmq_queue_peek(&pipe->in);
	if (msg) {
		in->msg = kzmq_msg_get(msg);
		in->single = msg->pack;
		in_sender(pipe, in);
		in->frame = msg->pack && pipe->pack_at ? pipe->pack_at :
							 msg->first;
	}
	spin_unlock(&pipe->lock);
	return msg;
}

/**
 * kzmq_pipe_in_notice - a message of our own making, as if the peer sent it
 * @pipe: the pipe
 * @msg:  the message; a reference is taken
 *
 * A full queue takes one beyond its limit. A peer that comes and goes fills no
 * memory: nobody has read since, so the next one would say nothing new.
 *
 * Context: pattern lock held.
 * Return: 0, -EAGAIN when there is one too many, -ENOMEM.
 */
int kzmq_pipe_in_notice(struct kzmq_pipe *pipe, struct kzmq_msg *msg)
{
	int err = -EAGAIN;
	bool full;

	spin_lock(&pipe->lock);
	full = queue_full(pipe, &pipe->in);
	if (!full || !pipe->in_over) {
		kzmq_msg_get(msg);
		err = queue_add(pipe, &pipe->in, msg);
		if (err)
			kzmq_msg_put(msg);
		else
			pipe->in_over = full;
	}
	spin_unlock(&pipe->lock);
	return err;
}

/**
 * kzmq_pipe_reset - end the connection, a connecting one comes again
 * @pipe: the pipe
 *
 * Context: pattern lock held.
 */
void kzmq_pipe_reset(struct kzmq_pipe *pipe)
{
	spin_lock(&pipe->lock);
	if (pipe->conn)
		kzmq_conn_kick(pipe->conn, KZMQ_EV_ERROR);
	spin_unlock(&pipe->lock);
}

/**
 * kzmq_pipe_in_empty - is there nothing from the peer
 * @pipe: the pipe
 *
 * Context: pattern lock held.
 */
bool kzmq_pipe_in_empty(struct kzmq_pipe *pipe)
{
	bool empty;

	spin_lock(&pipe->lock);
	empty = kzmq_queue_empty(&pipe->in);
	spin_unlock(&pipe->lock);
	return empty;
}

/**
 * kzmq_pipe_set_hwm - new high-water marks
 * @pipe: the pipe
 * @in:   messages from the peer, 0 for no limit
 * @out:  messages to the peer, 0 for no limit
 *
 * Context: pattern lock held. The caller treats the pipe as writable again.
 */
void kzmq_pipe_set_hwm(struct kzmq_pipe *pipe, u32 in, u32 out)
{
	spin_lock(&pipe->lock);
	kzmq_queue_set_hwm(&pipe->in, in);
	kzmq_queue_set_hwm(&pipe->out, out);
	in_taken(pipe);
	pipe->out_wait = false;
	spin_unlock(&pipe->lock);
}

/**
 * kzmq_pipe_out_pop_locked - take back the oldest message for the peer
 * @pipe: the pipe, without a connection that sends from it
 *
 * Context: pattern lock held.
 * Return: the message with the queue's reference, or NULL.
 */
struct kzmq_msg *kzmq_pipe_out_pop_locked(struct kzmq_pipe *pipe)
{
	struct kzmq_msg *msg;

	spin_lock(&pipe->lock);
	msg = kzmq_queue_peek(&pipe->out);
	if (msg)
		queue_take(pipe, &pipe->out, msg);
	spin_unlock(&pipe->lock);
	return msg;
}

/**
 * kzmq_pipe_drop_in - forget what the peer sent
 * @pipe: the pipe
 *
 * Context: pattern lock held.
 */
void kzmq_pipe_drop_in(struct kzmq_pipe *pipe)
{
	spin_lock(&pipe->lock);
	queue_purge(pipe, &pipe->in);
	spin_unlock(&pipe->lock);
}

/**
 * kzmq_pipe_drop_out - forget what was queued to the peer
 * @pipe: the pipe
 *
 * Context: any; pipe->lock not held.
 * Return: messages dropped.
 */
u32 kzmq_pipe_drop_out(struct kzmq_pipe *pipe)
{
	u32 n;

	spin_lock_bh(&pipe->lock);
	n = kzmq_queue_len(&pipe->out);
	queue_purge(pipe, &pipe->out);
	spin_unlock_bh(&pipe->lock);
	return n;
}

/**
 * kzmq_pipe_flush_add - note that a pipe got something to send
 * @pipe:  the pipe
 * @flush: the caller's list, for kzmq_pipe_flush_all()
 *
 * Context: pattern lock held. A pipe that stands in somebody's list already
 * needs no second place: that list is flushed after this message was queued.
 */
void kzmq_pipe_flush_add(struct kzmq_pipe *pipe, struct list_head *flush)
{
	if (test_and_set_bit(0, &pipe->flushing))
		return;
	kzmq_pipe_get(pipe);
	list_add_tail(&pipe->flush_node, flush);
}

/**
 * kzmq_pipe_flush_all - send what was queued on the pipes of a list
 * @flush: the list; empty afterwards
 * @dense: more is likely to follow at once
 *
 * Context: process, no lock of ours held; may take lower sockets' locks.
 */
void kzmq_pipe_flush_all(struct list_head *flush, bool dense)
{
	struct kzmq_pipe *pipe, *tmp;
	struct kzmq_conn *conn;

	list_for_each_entry_safe(pipe, tmp, flush, flush_node) {
		list_del_init(&pipe->flush_node);
		/* Who queues from here on must flush by himself. */
		clear_bit(0, &pipe->flushing);
		/* The bit goes before we look into the queue. */
		smp_mb__after_atomic();
		conn = READ_ONCE(pipe->link) ? NULL : kzmq_pipe_conn_get(pipe);
		if (conn) {
			kzmq_conn_flush(conn, dense);
			kzmq_conn_put(conn);
		} else {
			kzmq_inproc_flush(pipe);
		}
		kzmq_pipe_put(pipe);
	}
}

/* Messages a connection may bring before it asks for room again */
#define IN_CREDIT 64

/**
 * kzmq_pipe_in_room - how many messages the connection may bring
 * @pipe: the pipe
 *
 * After 0 the connection must stop and gets KZMQ_EV_RX when there is room.
 *
 * Context: any; the pattern lock is not held.
 */
u32 kzmq_pipe_in_room(struct kzmq_pipe *pipe)
{
	struct kzmq_queue *q = &pipe->in;
	u32 room = IN_CREDIT;

	spin_lock_bh(&pipe->lock);
	if (queue_full(pipe, q)) {
		pipe->in_stop = true;
		room = 0;
	} else if (q->hwm && !pipe->conflate) {
		room = min_t(u64, room, q->hwm - (q->written - q->acked));
	}
	spin_unlock_bh(&pipe->lock);
	return room;
}

/**
 * kzmq_pipe_in_push - a message has come from the peer
 * @pipe: the pipe
 * @msg:  the message; its reference goes to the queue on success
 *
 * Context: any; the pattern lock is not held.
 * Return: 1 when the queue was empty before, 0, or -ENOMEM.
 */
int kzmq_pipe_in_push(struct kzmq_pipe *pipe, struct kzmq_msg *msg)
{
	bool was_empty;
	int err;

	spin_lock_bh(&pipe->lock);
	was_empty = kzmq_queue_empty(&pipe->in);
	err = queue_add(pipe, &pipe->in, msg);
	spin_unlock_bh(&pipe->lock);
	return err ?: was_empty;
}

/**
 * kzmq_pipe_in_push_list - messages have come from the peer
 * @pipe: the pipe
 * @list: linked by next; what was queued is taken off it
 *
 * Context: any; the pattern lock is not held.
 * Return: 1 when the queue was empty before, 0, or -ENOMEM when some are left.
 */
int kzmq_pipe_in_push_list(struct kzmq_pipe *pipe, struct kzmq_msg **list)
{
	struct kzmq_msg *msg;
	bool was_empty;
	int err = 0;

	spin_lock_bh(&pipe->lock);
	was_empty = kzmq_queue_empty(&pipe->in);
	while ((msg = *list)) {
		err = queue_add(pipe, &pipe->in, msg);
		if (err)
			break;
		*list = msg->next;
	}
	spin_unlock_bh(&pipe->lock);
	return err ?: was_empty;
}

/**
 * kzmq_pipe_out_pop - the next messages for the transport
 * @pipe: the pipe
 * @msgs: the messages, with the queue's references
 * @most: room in @msgs
 * @len:  nothing follows a message of more octets than this
 *
 * Context: process; the pattern lock is not held.
 * Return: how many.
 */
u32 kzmq_pipe_out_pop(struct kzmq_pipe *pipe, struct kzmq_msg **msgs, u32 most,
		      u64 len)
{
	struct kzmq_msg *msg;
	bool wake = false;
	u32 n = 0;

	spin_lock_bh(&pipe->lock);
	while (n < most && (msg = kzmq_queue_peek(&pipe->out))) {
		queue_take(pipe, &pipe->out, msg);
		msgs[n++] = msg;
		if (msg->len > len)
			break;
	}
	if (n && pipe->out_wait && !queue_full(pipe, &pipe->out)) {
		pipe->out_wait = false;
		wake = true;
	}
	spin_unlock_bh(&pipe->lock);
	if (wake)
		kzmq_pattern_out_ready(pipe->zs, pipe);
	return n;
}

/**
 * kzmq_pipe_out_empty - is nothing left for the transport
 * @pipe: the pipe
 *
 * Context: any.
 */
bool kzmq_pipe_out_empty(struct kzmq_pipe *pipe)
{
	bool empty;

	spin_lock_bh(&pipe->lock);
	empty = kzmq_queue_empty(&pipe->out);
	spin_unlock_bh(&pipe->lock);
	return empty;
}

/**
 * kzmq_pipe_set_conn - connect the far end
 * @pipe: the pipe
 * @conn: the connection, of which the pipe takes a reference, or NULL
 *
 * Context: process.
 */
void kzmq_pipe_set_conn(struct kzmq_pipe *pipe, struct kzmq_conn *conn)
{
	struct kzmq_conn *old;

	if (conn)
		kzmq_conn_get(conn);
	spin_lock_bh(&pipe->lock);
	old = pipe->conn;
	pipe->conn = conn;
	pipe->in_stop = false;
	if (conn)
		kzmq_peer_joins(pipe, conn->peer);
	spin_unlock_bh(&pipe->lock);
	if (old)
		kzmq_conn_put(old);
}

/**
 * kzmq_pipe_conn_get - the connection at the far end
 * @pipe: the pipe
 *
 * Context: any.
 * Return: the connection with a reference, or NULL.
 */
struct kzmq_conn *kzmq_pipe_conn_get(struct kzmq_pipe *pipe)
{
	struct kzmq_conn *conn;

	spin_lock_bh(&pipe->lock);
	conn = pipe->conn;
	if (conn)
		kzmq_conn_get(conn);
	spin_unlock_bh(&pipe->lock);
	return conn;
}
