// SPDX-License-Identifier: GPL-2.0
/*
 * A link joins two pipes without a wire (inproc).
 *
 * Each of two sockets keeps a pipe of its own; the link moves messages, by
 * reference, from the out queue of one to the in queue of the other. So the
 * two high-water marks add up, both sockets count what is theirs, and patterns
 * see what they see of any other peer. Who has queued something moves it before
 * his call returns; what found no room is moved by a work item when the reader
 * has made some. One mover at a time works in each direction; others leave him
 * a note.
 *
 * Each side lists the other as a peer, from before the first message until one
 * of them closes. When one side closes, all it has sent goes over at once,
 * whatever the marks say; then the other's pipe ends as with any peer that left.
 *
 * Locks: lock_sock() of one of the two sockets -> kzmq_ctx.lock -> pattern lock
 * of one -> pipe lock of one. The lock of a list of peers comes below
 * kzmq_ctx.lock and is a leaf. Never two sockets' locks of one kind at a time:
 * what the other side has to do under its lock_sock() goes to a work item.
 * Contexts: process, but kzmq_inproc_room().
 * References: the link holds both pipes, both peers and the connecting endpoint;
 * each pipe holds the link until its side has ended, and so do the endpoint,
 * queued work and who lists peers. The last one leaves the freeing to a work
 * item, for with a pipe the last of a socket may go, which takes outer locks.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "conn.h"
#include "endpoint.h"
#include "inproc.h"
#include "msg.h"
#include "sock.h"

#define MOVE_BATCH	16
#define MOVE_BUDGET	1024
/* Pipes looked at before others get the pattern lock */
#define END_STEP	1024

enum half_flag {
	HALF_BUSY,	/* somebody moves, or the link is not complete */
	HALF_WANT,	/* there may be more to move */
	HALF_ENDED,	/* our side has closed */
	HALF_TOLD,	/* and the other has learned of it */
};

/**
 * struct kzmq_half - one side of a link and the way from there to the other
 * @link:  the link
 * @pipe:  the pipe of this side, one reference
 * @peer:  the other side as this one sees it, one reference
 * @flags: bits of enum half_flag
 * @work:  moves
 * @n:     messages in @q
 * @at:    the next of them
 * @q:     taken from the pipe and not yet given; belongs to who is busy
 */
struct kzmq_half {
	struct kzmq_link	*link;
	struct kzmq_pipe	*pipe;
	struct kzmq_peer	*peer;
	unsigned long		flags;
	struct delayed_work	work;
	u32			n;
	u32			at;
	struct kzmq_msg		*q[MOVE_BATCH];
};

/**
 * struct kzmq_link - two joined pipes
 * @ref:  pipes, endpoint, queued work, whoever moves or lists
 * @ep:   the connecting endpoint, one reference
 * @half: the connecting side, the bound side
 * @free: the end
 */
struct kzmq_link {
	refcount_t		ref;
	struct kzmq_ep		*ep;
	struct kzmq_half	half[2];
	struct work_struct	free;
};

static void link_free(struct work_struct *work)
{
	struct kzmq_link *link = container_of(work, struct kzmq_link, free);
	struct kzmq_half *h;

	for (h = link->half; h < link->half + 2; h++) {
		while (h->at < h->n)
			kzmq_msg_put(h->q[h->at++]);
		kzmq_pipe_put(h->pipe);
		kzmq_peer_put(h->peer);
	}
	kzmq_ep_put(link->ep);
	kfree(link);
}

static void link_get(struct kzmq_link *link)
{
	refcount_inc(&link->ref);
}

/**
 * kzmq_link_put - let go of a link
 * @link: the link or NULL
 *
 * Context: any.
 */
void kzmq_link_put(struct kzmq_link *link)
{
	if (link && refcount_dec_and_test(&link->ref))
		queue_work(kzmq_wq, &link->free);
}

static struct kzmq_half *other(struct kzmq_half *h)
{
	return &h->link->half[h == h->link->half];
}

static void pipe_set_link(struct kzmq_pipe *pipe, struct kzmq_link *link)
{
	struct kzmq_link *old;

	if (link)
		link_get(link);
	spin_lock_bh(&pipe->lock);
	old = pipe->link;
	WRITE_ONCE(pipe->link, link);
	spin_unlock_bh(&pipe->lock);
	kzmq_link_put(old);
}

/* This side shows the other one to its users. Nothing has been moved yet. */
static int half_list(struct kzmq_half *h)
{
	int err = kzmq_peer_list(h->peer, h->pipe->zs, h);

	if (err)
		return err;
	spin_lock_bh(&h->pipe->lock);
	kzmq_peer_joins(h->pipe, h->peer);
	spin_unlock_bh(&h->pipe->lock);
	return 0;
}

static void half_unlist(struct kzmq_half *h)
{
	kzmq_peer_unlist(h->peer, h->pipe->zs);
}

static void half_later(struct kzmq_half *h, unsigned long delay)
{
	link_get(h->link);
	if (!queue_delayed_work(kzmq_wq, &h->work, delay))
		kzmq_link_put(h->link);
}

/* PUB and XPUB take the messages apart, and others may hold them, too. */
static struct kzmq_msg *msg_for(struct kzmq_sock *zs, struct kzmq_msg *msg)
{
	struct kzmq_msg *own;
	int err;

	if (!zs->pat->edits)
		return kzmq_msg_get(msg);
	own = kzmq_msg_alloc(zs->zn, 0, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (IS_ERR(own))
		return own;
	own->kind = msg->kind;
	err = kzmq_msg_prepend_clone(own, msg->first, msg->nr,
				     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!err)
		return own;
	kzmq_msg_put(own);
	return ERR_PTR(err);
}

/* Give a message to the peer. -ENOMEM: not yet; else it was taken or refused. */
static int half_give(struct kzmq_half *h, struct kzmq_msg *msg)
{
	struct kzmq_pipe *to = other(h)->pipe;
	struct kzmq_sock *zs = to->zs;
	struct kzmq_msg *m;
	int err;

	if (test_bit(HALF_ENDED, &other(h)->flags)) {
		KZMQ_INC(zs->zn, DROP_PEER_GONE);
		return 0;
	}
	m = msg_for(zs, msg);
	if (IS_ERR(m))
		return -ENOMEM;
	err = kzmq_pattern_input(zs, to, m);
	if (err)
		kzmq_msg_put(m);
	return err == -ENOMEM ? err : 0;
}

/* Take messages to move. Return: false when there are none, or no room. */
static bool half_take(struct kzmq_half *h, bool all)
{
	u32 room = MOVE_BATCH;

	if (!all)
		room = min(room, kzmq_pipe_in_room(other(h)->pipe));
	h->at = 0;
	h->n = room ? kzmq_pipe_out_pop(h->pipe, h->q, room,
					all ? U64_MAX : KZMQ_CREDIT_LEN) : 0;
	return h->n;
}

/* Return: 0 when nothing can be moved now, 1 to go on later, or -ENOMEM. */
static int half_run(struct kzmq_half *h, bool all)
{
	struct kzmq_net *zn = h->pipe->zs->zn;
	struct kzmq_msg *msg;
	u32 moved = 0;
	int err = 0;

	while (!err && (h->at < h->n || half_take(h, all))) {
		msg = h->q[h->at];
		err = half_give(h, msg);
		if (err)
			break;
		h->at++;
		KZMQ_INC(zn, MSGS_OUT);
		KZMQ_ADD(zn, BYTES_OUT, msg->len);
		kzmq_msg_put(msg);
		if (!(++moved % MOVE_BUDGET) && !all)
			err = 1;
		if (!(moved % MOVE_BUDGET))
			cond_resched();
	}
	if (moved)
		kzmq_sock_wake_in(other(h)->pipe->zs);
	return err;
}

/* The endpoint's own work item ends it, under the lock of its socket. */
static void ep_lost(struct kzmq_ep *ep)
{
	WRITE_ONCE(ep->lost, true);
	kzmq_ep_get(ep);
	if (mod_delayed_work(kzmq_wq, &ep->retry, 0))
		kzmq_ep_put(ep);
}

/*
 * All that a closed side had sent has gone over: now the other is told. What
 * it has not read is nobody's business any more if that side withdraws it.
 */
static void half_finish(struct kzmq_half *h)
{
	bool withdraws = h->pipe->zs->pat->withdraws;
	struct kzmq_half *o = other(h);

	if (test_and_set_bit(HALF_TOLD, &h->flags))
		return;
	/* Who sees one peer less sees it listed no more. */
	half_unlist(o);
	kzmq_pattern_detach(o->pipe->zs, o->pipe, withdraws);
	if (withdraws)
		kzmq_pattern_lost(o->pipe->zs, o->pipe);
	pipe_set_link(o->pipe, NULL);
	ep_lost(h->link->ep);
}

/* Move what can be moved from this side. The caller holds the link. */
static void half_move(struct kzmq_half *h)
{
	bool ended;
	int ret = 0;

	set_bit(HALF_WANT, &h->flags);
	/* The note is there before we learn that somebody is busy. */
	smp_mb__after_atomic();
	while (!ret && test_bit(HALF_WANT, &h->flags) &&
	       !test_and_set_bit(HALF_BUSY, &h->flags)) {
		clear_bit(HALF_WANT, &h->flags);
		/* The note goes before we look into the queue. */
		smp_mb__after_atomic();
		ended = test_bit(HALF_ENDED, &h->flags);
		ret = half_run(h, ended);
		if (!ret && ended)
			half_finish(h);
		clear_bit_unlock(HALF_BUSY, &h->flags);
		/* We are not busy before we look for a note once more. */
		smp_mb__after_atomic();
	}
	if (ret)
		half_later(h, ret > 0 ? 0 : KZMQ_INPROC_RETRY);
}

static void half_work(struct work_struct *work)
{
	struct kzmq_half *h = container_of(to_delayed_work(work),
					   struct kzmq_half, work);

	half_move(h);
	kzmq_link_put(h->link);
}

/*
 * One side closes: disconnect, or close of a socket. The caller holds the link
 * and lock_sock() of that side.
 */
static void half_end(struct kzmq_half *h)
{
	struct kzmq_pipe *pipe = h->pipe;

	if (test_bit(HALF_ENDED, &h->flags))
		return;
	/* Who parts himself is not told of it. */
	WRITE_ONCE(pipe->parted, true);
	half_unlist(h);
	/* From here on nothing more is sent nor received on this pipe. */
	kzmq_pattern_detach(pipe->zs, pipe, true);
	kzmq_pattern_lost(pipe->zs, pipe);
	pipe_set_link(pipe, NULL);
	set_bit(HALF_ENDED, &h->flags);
	half_move(h);
}

/**
 * kzmq_inproc_flush - something was queued on a pipe
 * @pipe: the pipe, perhaps with a link
 *
 * Context: process, no pattern or pipe lock held.
 */
void kzmq_inproc_flush(struct kzmq_pipe *pipe)
{
	struct kzmq_link *link;

	spin_lock_bh(&pipe->lock);
	link = pipe->link;
	if (link)
		link_get(link);
	spin_unlock_bh(&pipe->lock);
	if (!link)
		return;
	half_move(&link->half[pipe->bound]);
	kzmq_link_put(link);
}

/**
 * kzmq_inproc_room - the in queue of a pipe has room again
 * @pipe: the pipe, with a link
 *
 * Context: any; pipe->lock held.
 */
void kzmq_inproc_room(struct kzmq_pipe *pipe)
{
	half_later(&pipe->link->half[!pipe->bound], 0);
}

/**
 * kzmq_half_get - hold a link
 * @half: one side of it
 *
 * Context: any.
 */
void kzmq_half_get(struct kzmq_half *half)
{
	link_get(half->link);
}

/**
 * kzmq_half_put - let go of a link
 * @half: one side of it
 *
 * Context: any.
 */
void kzmq_half_put(struct kzmq_half *half)
{
	kzmq_link_put(half->link);
}

/**
 * kzmq_half_pipe - the pipe of a side
 * @half: the side
 *
 * Return: the pipe, which stays as long as the link.
 */
struct kzmq_pipe *kzmq_half_pipe(const struct kzmq_half *half)
{
	return half->pipe;
}

/**
 * kzmq_half_name - what was bound and connected to
 * @half: one side of the link
 *
 * Return: the text, which stays as long as the link.
 */
const char *kzmq_half_name(const struct kzmq_half *half)
{
	return half->link->ep->asked;
}

/**
 * kzmq_half_ends - has one of both sides closed
 * @half: one side of the link
 *
 * Context: any.
 */
bool kzmq_half_ends(struct kzmq_half *half)
{
	return test_bit(HALF_ENDED, &half->flags) ||
	       test_bit(HALF_ENDED, &other(half)->flags);
}

/* @far: the endpoint of the other side */
static void half_init(struct kzmq_link *link, struct kzmq_half *h,
		      struct kzmq_pipe *pipe, const struct kzmq_ep *far)
{
	h->link = link;
	h->pipe = pipe;
	h->peer = kzmq_peer_inproc(pipe->zs, far);
	INIT_DELAYED_WORK(&h->work, half_work);
	set_bit(HALF_BUSY, &h->flags);
}

/* ZMQ_HELLO_MSG goes before all else. */
static void half_hello(struct kzmq_half *h, const struct kzmq_ep *ep)
{
	if (!ep->opts.hello_msg || !ep->zs->pat->says_hello)
		return;
	h->q[0] = kzmq_msg_get(ep->opts.hello_msg);
	h->n = 1;
}

/* The connecting endpoint's pipe and a new one for the bound one's socket */
static struct kzmq_link *link_alloc(struct kzmq_ep *ep, struct kzmq_ep *to)
{
	struct kzmq_link *link = kzalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);
	struct kzmq_pipe *pipe;

	if (!link)
		return NULL;
	pipe = kzmq_pipe_alloc(to->zs, GFP_KERNEL_ACCOUNT);
	if (!pipe) {
		kfree(link);
		return NULL;
	}
	pipe->bound = true;
	pipe->conflate = ep->opts.conflate;
	/* As they were when it was bound: its lock is not ours. */
	kzmq_queue_set_hwm(&pipe->in, to->opts.rcvhwm);
	kzmq_queue_set_hwm(&pipe->out, to->opts.sndhwm);
	refcount_set(&link->ref, 1);
	link->ep = kzmq_ep_get(ep);
	half_init(link, &link->half[0], kzmq_pipe_get(ep->pipe), to);
	half_hello(&link->half[0], ep);
	half_init(link, &link->half[1], pipe, ep);
	half_hello(&link->half[1], to);
	kzmq_pipe_set_parting(pipe, &to->opts);
	INIT_WORK(&link->free, link_free);
	if (!link->half[0].peer || !link->half[1].peer) {
		kzmq_link_put(link);
		return NULL;
	}
	return link;
}

static void rid_of(const struct kzmq_ep *ep, struct kzmq_rid *rid)
{
	rid->len = ep->opts.rid_len;
	memcpy(rid->id, ep->opts.rid, rid->len);
}

/* Make both patterns know each other. */
static int link_ready(struct kzmq_link *link, struct kzmq_ep *ep,
		      struct kzmq_ep *to)
{
	struct kzmq_pipe *pipe = link->half[1].pipe;
	struct kzmq_rid rid;
	int err;

	err = kzmq_pattern_attach(to->zs, pipe);
	if (err)
		return err;
	rid_of(ep, &rid);
	err = kzmq_pattern_ready(to->zs, pipe, &rid);
	if (!err && !ep->leaving) {
		rid_of(to, &rid);
		err = kzmq_pattern_ready(ep->zs, ep->pipe, &rid);
	}
	if (err) {
		kzmq_pattern_detach(to->zs, pipe, true);
		kzmq_pattern_lost(to->zs, pipe);
	}
	return err;
}

/**
 * kzmq_link_make - join two endpoints' sockets
 * @ep: the connecting endpoint, with a pipe
 * @to: the bound one
 *
 * Nothing moves before kzmq_link_start().
 *
 * Context: process, lock_sock() of one of them and kzmq_ctx.lock held.
 * Return: a reference of the link, or ERR_PTR(): -ENOMEM, -ESHUTDOWN when a socket
 * is about to close.
 */
struct kzmq_link *kzmq_link_make(struct kzmq_ep *ep, struct kzmq_ep *to)
{
	struct kzmq_link *link = link_alloc(ep, to);
	int err;

	if (!link)
		return ERR_PTR(-ENOMEM);
	pipe_set_link(link->half[1].pipe, link);
	err = half_list(&link->half[0]) ?: half_list(&link->half[1]);
	if (!err)
		err = link_ready(link, ep, to);
	if (err) {
		half_unlist(&link->half[0]);
		half_unlist(&link->half[1]);
		pipe_set_link(link->half[1].pipe, NULL);
		kzmq_link_put(link);
		return ERR_PTR(err);
	}
	pipe_set_link(ep->pipe, link);
	return link;
}

/**
 * kzmq_link_start - move what has waited for the link
 * @link: the link
 *
 * Context: as kzmq_link_make().
 */
void kzmq_link_start(struct kzmq_link *link)
{
	struct kzmq_half *h;

	for (h = link->half; h < link->half + 2; h++) {
		clear_bit_unlock(HALF_BUSY, &h->flags);
		half_move(h);
	}
}

/**
 * kzmq_link_end - the connecting side closes
 * @link: the link
 *
 * Context: process, lock_sock() of that side held.
 */
void kzmq_link_end(struct kzmq_link *link)
{
	half_end(&link->half[0]);
}

/* Our side of what a pipe is joined by, with a reference of it, or NULL */
static struct kzmq_half *pipe_half(struct kzmq_pipe *pipe)
{
	struct kzmq_half *h = NULL;

	if (!READ_ONCE(pipe->link))
		return NULL;
	spin_lock(&pipe->lock);
	if (pipe->link) {
		link_get(pipe->link);
		h = &pipe->link->half[pipe->bound];
	}
	spin_unlock(&pipe->lock);
	return h;
}

static u32 sock_nr_pipes(struct kzmq_sock *zs)
{
	u32 n;

	spin_lock_bh(&zs->plock);
	n = zs->nr_pipes;
	spin_unlock_bh(&zs->plock);
	return n;
}

/*
 * The first that is joined of the next @left pipes. Those looked at go to the
 * end of the list, so that nobody else misses one; some may leave meanwhile.
 */
static struct kzmq_half *sock_next_half(struct kzmq_sock *zs, u32 *left)
{
	struct kzmq_half *h = NULL;
	struct kzmq_pipe *pipe;
	u32 step = END_STEP;

	spin_lock_bh(&zs->plock);
	if (list_empty(&zs->pipes))
		*left = 0;
	while (*left && step && !h) {
		pipe = list_first_entry(&zs->pipes, struct kzmq_pipe, node);
		list_move_tail(&pipe->node, &zs->pipes);
		h = pipe_half(pipe);
		--*left;
		step--;
	}
	spin_unlock_bh(&zs->plock);
	return h;
}

/**
 * kzmq_inproc_end_all - a socket closes: part from all peers
 * @zs: the socket, its endpoints are closed
 *
 * Nobody joins any more, so once round the pipes is enough.
 *
 * Context: process, lock_sock() held.
 */
void kzmq_inproc_end_all(struct kzmq_sock *zs)
{
	u32 left = sock_nr_pipes(zs);
	struct kzmq_half *h;

	while (left) {
		h = sock_next_half(zs, &left);
		if (h) {
			half_end(h);
			kzmq_link_put(h->link);
		}
		cond_resched();
	}
}
