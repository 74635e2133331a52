// SPDX-License-Identifier: GPL-2.0
/*
 * SUB and XSUB (RFC 29): messages whose first frame begins with one of our
 * topics.
 *
 * Topics are counted: as many cancellations as subscriptions are needed. Each
 * topic keeps the message that tells publishers of it; a publisher gets all of
 * them when its connection is ready, whatever SNDHWM says.
 *
 * Locks: operations run under the pattern lock; options under lock_sock() and
 * the pattern lock.
 */
#include <linux/slab.h>
#include <linux/zmq.h>

#include "msg.h"
#include "sock.h"
#include "subs.h"
#include "trace.h"

/**
 * struct kzmq_subs - a subscriber's state
 * @trie:       our topics; refs counts, priv is the SUBSCRIBE message
 * @coming:     topics that are about to be added to it
 * @invert:     take what does not match
 * @only_first: XSUB: later frames are never subscriptions
 * @all_cancel: XSUB: tell publishers of cancellations that are not the last
 */
struct kzmq_subs {
	struct kzmq_trie	trie;
	u32			coming;
	int			invert;
	int			only_first;
	int			all_cancel;
};

/* Topics that are changed before others get the pattern lock */
#define CHANGE_STEP	64

/**
 * struct sub_op - a change of our topics, with all that it takes
 * @next:  of the same message
 * @spare: nodes of the tree, to subscribe
 * @msg:   tells publishers, one reference
 * @len:   octets of the topic
 * @data:  1 to subscribe or 0 to cancel, then the topic
 */
struct sub_op {
	struct sub_op		*next;
	struct kzmq_tspare	spare;
	struct kzmq_msg		*msg;
	u32			len;
	u8			data[];
};

static int sub_init(struct kzmq_sock *zs)
{
	zs->subs = kzalloc(sizeof(*zs->subs), GFP_KERNEL_ACCOUNT);
	return zs->subs ? 0 : -ENOMEM;
}

static void topic_free(struct kzmq_tnode *t)
{
	kzmq_msg_put(t->priv);
}

static void sub_destroy(struct kzmq_sock *zs)
{
	kzmq_mem_uncharge(zs->zn, zs->subs->trie.bytes);
	kzmq_trie_free(&zs->subs->trie, topic_free);
	kfree(zs->subs);
}

static int sub_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	return 0;
}

static void sub_tell(struct kzmq_sock *zs, struct kzmq_msg *msg,
		     struct list_head *flush)
{
	struct kzmq_pipe *pipe;

	list_for_each_entry(pipe, &zs->pipes, node) {
		if (!pipe->live || pipe->gone)
			continue;
		/* One that is lost would be lost until the peer comes anew. */
		if (kzmq_pipe_send(pipe, msg, true))
			kzmq_pipe_reset(pipe);
		else
			kzmq_pipe_flush_add(pipe, flush);
	}
}

/* All topics first; then what the user had queued meanwhile. */
static int sub_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		     const struct kzmq_rid *peer, struct list_head *flush)
{
	struct kzmq_msg *msg;
	struct kzmq_tnode *t;
	u32 n, i;
	int err;

	spin_lock(&pipe->lock);
	n = kzmq_queue_len(&pipe->out);
	spin_unlock(&pipe->lock);
	for (t = kzmq_trie_first(&zs->subs->trie); t; t = kzmq_trie_next(t)) {
		err = kzmq_pipe_send(pipe, t->priv, true);
		if (err)
			return err;
	}
	/* Turn the older ones round behind; subscriptions among them are old. */
	for (i = 0; i < n; i++) {
		msg = kzmq_pipe_out_pop_locked(pipe);
		if (!msg)
			break;
		if (msg->kind == KZMQ_MSG_DATA)
			kzmq_pipe_send(pipe, msg, true);
		kzmq_msg_put(msg);
	}
	kzmq_pipe_flush_add(pipe, flush);
	return 0;
}

static struct kzmq_msg *sub_msg(struct kzmq_sock *zs, const u8 *data, u32 len)
{
	u32 room = len <= KZMQ_INLINE_MAX ? len : 0;
	gfp_t gfp = GFP_KERNEL_ACCOUNT;
	struct kzmq_msg *msg = kzmq_msg_alloc(zs->zn, room, gfp);
	struct kzmq_frame *f;
	int err;

	if (IS_ERR(msg))
		return msg;
	f = kzmq_frame_add(msg, len, gfp);
	err = PTR_ERR_OR_ZERO(f);
	if (!err)
		err = kzmq_frame_copy(msg, f, data, len, gfp);
	if (err) {
		kzmq_msg_put(msg);
		return ERR_PTR(err);
	}
	msg->kind = data[0] ? KZMQ_MSG_SUBSCRIBE : KZMQ_MSG_CANCEL;
	return msg;
}

static struct sub_op *op_alloc(u32 len)
{
	struct sub_op *op;

	op = kmalloc(struct_size(op, data, len + 1),
		     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!op)
		return NULL;
	memset(op, 0, sizeof(*op));
	op->len = len;
	return op;
}

static void ops_free(struct sub_op *op)
{
	struct sub_op *next;

	for (; op; op = next) {
		next = op->next;
		kzmq_trie_spare_free(&op->spare);
		kzmq_msg_put(op->msg);
		kfree(op);
	}
}

/* The octets are there; get what can fail. */
static int op_prepare(struct kzmq_sock *zs, struct sub_op *op)
{
	struct kzmq_msg *msg = sub_msg(zs, op->data, op->len + 1);

	if (IS_ERR(msg))
		return PTR_ERR(msg);
	op->msg = msg;
	if (op->data[0] && kzmq_trie_prealloc(&op->spare, op->data + 1, op->len,
					      GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	return 0;
}

static void sub_add(struct kzmq_sock *zs, struct sub_op *op,
		    struct list_head *flush)
{
	struct kzmq_trie *trie = &zs->subs->trie;
	u64 was = trie->bytes;
	struct kzmq_tnode *t;
	bool created;

	t = kzmq_trie_insert(trie, &op->spare, &created);
	kzmq_mem_uncharge(zs->zn, was - trie->bytes);
	sub_tell(zs, op->msg, flush);
	t->refs++;
	if (created)
		t->priv = kzmq_msg_get(op->msg);
	zs->subs->coming--;
}

static void sub_del(struct kzmq_sock *zs, struct sub_op *op,
		    struct list_head *flush)
{
	struct kzmq_trie *trie = &zs->subs->trie;
	struct kzmq_tnode *t = kzmq_trie_find(trie, op->data + 1, op->len);
	u64 was = trie->bytes;
	bool last = false;

	if (t && !--t->refs) {
		topic_free(t);
		t->priv = NULL;
		kzmq_trie_remove(trie, t);
		kzmq_mem_uncharge(zs->zn, was - trie->bytes);
		last = true;
	}
	if (last || zs->subs->all_cancel)
		sub_tell(zs, op->msg, flush);
}

/* Is there room for as many topics as these changes may add? */
static int sub_reserve(struct kzmq_sock *zs, const struct sub_op *op)
{
	struct kzmq_subs *subs = zs->subs;
	int err = 0;
	u32 n = 0;

	for (; op; op = op->next)
		n += op->data[0];
	spin_lock_bh(&zs->plock);
	if (n && subs->trie.topics + subs->coming + n >
		 READ_ONCE(zs->zn->lim.topics_max))
		err = -ENOBUFS;
	else
		subs->coming += n;
	spin_unlock_bh(&zs->plock);
	return err;
}

/* All of them or, if there are too many topics, none. */
static int sub_change(struct kzmq_sock *zs, struct sub_op *op)
{
	int err = sub_reserve(zs, op), step;
	LIST_HEAD(flush);

	while (!err && op) {
		spin_lock_bh(&zs->plock);
		for (step = 0; op && step < CHANGE_STEP; op = op->next, step++) {
			if (op->data[0])
				sub_add(zs, op, &flush);
			else
				sub_del(zs, op, &flush);
		}
		spin_unlock_bh(&zs->plock);
		kzmq_pipe_flush_all(&flush, false);
		cond_resched();
	}
	return err;
}

static int sub_setopt(struct kzmq_sock *zs, int opt, sockptr_t val,
		      unsigned int len)
{
	struct sub_op *op;
	int err;

	if (opt == ZMQ_INVERT_MATCHING)
		return kzmq_opt_int(val, len, INT_MIN, INT_MAX,
				    &zs->subs->invert);
	if (opt != ZMQ_SUBSCRIBE && opt != ZMQ_UNSUBSCRIBE)
		return -ENOPROTOOPT;
	if (len > READ_ONCE(zs->zn->lim.topic_max))
		return -EINVAL;
	op = op_alloc(len);
	if (!op)
		return -ENOMEM;
	op->data[0] = opt == ZMQ_SUBSCRIBE;
	err = copy_from_sockptr(op->data + 1, val, len) ? -EFAULT :
	      op_prepare(zs, op);
	if (!err)
		err = sub_change(zs, op);
	ops_free(op);
	return err;
}

static int sub_getopt(struct kzmq_sock *zs, int opt, void *buf, int *len)
{
	switch (opt) {
	case ZMQ_INVERT_MATCHING:
		return kzmq_opt_put_int(buf, len, zs->subs->invert);
	case ZMQ_TOPICS_COUNT:
		return kzmq_opt_put_int(buf, len, zs->subs->trie.topics);
	}
	return -ENOPROTOOPT;
}

static bool sub_wanted(struct kzmq_sock *zs, const struct kzmq_frame *f)
{
	return kzmq_trie_matches(&zs->subs->trie, f) != !!zs->subs->invert;
}

/* What does not match any more is dropped. */
static int sub_recv(struct kzmq_sock *zs, struct kzmq_in *in)
{
	int err;

	for (;;) {
		err = kzmq_fq_in(zs, in);
		if (err)
			return err;
		if (sub_wanted(zs, in->frame))
			return 0;
		KZMQ_INC(zs->zn, DROP_UNEXPECTED);
		kzmq_in_put(in);
	}
}

/*
 * Readable must mean readable: the message that matches is taken out at once,
 * and kept where one is that was read in part.
 */
static int sub_peek(struct kzmq_sock *zs, struct kzmq_in *in)
{
	int err = sub_recv(zs, &zs->in);

	if (err)
		return err;
	*in = zs->in;
	kzmq_msg_get(in->msg);
	kzmq_pipe_get(in->pipe);
	return 0;
}

static bool sub_readable(struct kzmq_sock *zs)
{
	return !sub_recv(zs, &zs->in);
}

/* XSUB: the user's messages; those that begin with 0 or 1 are subscriptions */

static void xsub_to_all(struct kzmq_sock *zs, struct kzmq_msg *msg,
			struct list_head *flush)
{
	struct kzmq_pipe *pipe;

	list_for_each_entry(pipe, &zs->pipes, node) {
		if (pipe->gone || pipe->mute)
			continue;
		if (!kzmq_pipe_send(pipe, msg, false)) {
			kzmq_pipe_flush_add(pipe, flush);
			continue;
		}
		pipe->dropped++;
		zs->dropped++;
		KZMQ_INC(zs->zn, DROP_HWM);
		trace_kzmq_drop(zs, "full");
	}
}

/* A frame that begins with 0 or 1 and is no topic too long; or NULL */
static struct sub_op *xsub_op(struct kzmq_sock *zs, const struct kzmq_frame *f)
{
	struct sub_op *op;
	u8 first;

	if (kzmq_frame_peek(f, &first, 1) != 1 || first > 1)
		return NULL;
	if (f->len - 1 > READ_ONCE(zs->zn->lim.topic_max))
		return ERR_PTR(-EINVAL);
	op = op_alloc(f->len - 1);
	if (!op)
		return ERR_PTR(-ENOMEM);
	kzmq_frame_peek(f, op->data, f->len);
	return op;
}

/*
 * The topics of a message are worked in before it is routed, where memory may
 * be waited for; all or, when that fails, none. Return: 1 when the message said
 * nothing else.
 */
static int xsub_topics(struct kzmq_sock *zs, struct kzmq_msg *msg)
{
	struct sub_op *ops = NULL, **tail = &ops, *op;
	const struct kzmq_frame *f;
	int err = 0;

	for (f = msg->first; f; f = f->next) {
		op = xsub_op(zs, f);
		err = PTR_ERR_OR_ZERO(op);
		if (err || !op)
			break;
		*tail = op;
		tail = &op->next;
		err = op_prepare(zs, op);
		if (err)
			break;
		if (zs->subs->only_first && msg->nr > 1)
			break;
	}
	if (!err && ops)
		err = sub_change(zs, ops);
	ops_free(ops);
	return err ?: !f;
}

static int xsub_prepare(struct kzmq_sock *zs, struct kzmq_msg *msg)
{
	int ret = xsub_topics(zs, msg);

	if (ret == 1)
		msg->kind = KZMQ_MSG_SUBSCRIBE;
	return min(ret, 0);
}

static int xsub_send(struct kzmq_sock *zs, struct kzmq_msg *msg,
		     struct list_head *flush)
{
	if (msg->kind == KZMQ_MSG_DATA)
		xsub_to_all(zs, msg, flush);
	kzmq_msg_put(msg);
	return 0;
}

static bool xsub_writable(struct kzmq_sock *zs)
{
	return true;
}

static int xsub_setopt(struct kzmq_sock *zs, int opt, sockptr_t val,
		       unsigned int len)
{
	switch (opt) {
	case ZMQ_ONLY_FIRST_SUBSCRIBE:
		return kzmq_opt_int(val, len, 0, INT_MAX, &zs->subs->only_first);
	case ZMQ_XSUB_VERBOSE_UNSUBSCRIBE:
		return kzmq_opt_int(val, len, INT_MIN, INT_MAX,
				    &zs->subs->all_cancel);
	}
	return -ENOPROTOOPT;
}

const struct kzmq_pattern kzmq_pat_sub = {
	.name		= "SUB",
	.packs		= true,
	.no_send	= true,
	.init		= sub_init,
	.destroy	= sub_destroy,
	.attach		= sub_attach,
	.ready		= sub_ready,
	.recv		= sub_recv,
	.wanted		= sub_wanted,
	.peek		= sub_peek,
	.readable	= sub_readable,
	.in_ready	= kzmq_fq_in_ready,
	.setopt		= sub_setopt,
	.getopt		= sub_getopt,
};

const struct kzmq_pattern kzmq_pat_xsub = {
	.name		= "XSUB",
	.packs		= true,
	.init		= sub_init,
	.destroy	= sub_destroy,
	.attach		= sub_attach,
	.ready		= sub_ready,
	.prepare	= xsub_prepare,
	.send		= xsub_send,
	.recv		= kzmq_fq_in,
	.peek		= kzmq_fq_peek_in,
	.readable	= kzmq_fq_readable,
	.writable	= xsub_writable,
	.in_ready	= kzmq_fq_in_ready,
	.setopt		= xsub_setopt,
	.getopt		= sub_getopt,
};
