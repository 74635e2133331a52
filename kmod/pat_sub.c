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
 * @invert:     take what does not match
 * @only_first: XSUB: later frames are never subscriptions
 * @all_cancel: XSUB: tell publishers of cancellations that are not the last
 */
struct kzmq_subs {
	struct kzmq_trie	trie;
	int			invert;
	int			only_first;
	int			all_cancel;
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

static struct kzmq_msg *sub_msg(struct kzmq_sock *zs, bool sub, const u8 *topic,
				u32 len, gfp_t gfp)
{
	u32 room = len < KZMQ_INLINE_MAX ? len + 1 : 0;
	struct kzmq_msg *msg = kzmq_msg_alloc(zs->zn, room, gfp);
	u8 first = sub;
	struct kzmq_frame *f;
	int err;

	if (IS_ERR(msg))
		return msg;
	f = kzmq_frame_add(msg, len + 1, gfp);
	err = PTR_ERR_OR_ZERO(f);
	if (!err)
		err = kzmq_frame_copy(msg, f, &first, 1, gfp);
	if (!err)
		err = kzmq_frame_copy(msg, f, topic, len, gfp);
	if (err) {
		kzmq_msg_put(msg);
		return ERR_PTR(err);
	}
	msg->kind = sub ? KZMQ_MSG_SUBSCRIBE : KZMQ_MSG_CANCEL;
	return msg;
}

/* Consumes @spare and a reference of @msg. */
static int sub_add(struct kzmq_sock *zs, struct kzmq_tspare *spare,
		   struct kzmq_msg *msg, struct list_head *flush)
{
	struct kzmq_trie *trie = &zs->subs->trie;
	u64 was = trie->bytes;
	struct kzmq_tnode *t;
	bool created;

	if (trie->topics >= READ_ONCE(zs->zn->lim.topics_max)) {
		kzmq_msg_put(msg);
		return -ENOBUFS;
	}
	t = kzmq_trie_insert(trie, spare, &created);
	kzmq_mem_uncharge(zs->zn, was - trie->bytes);
	sub_tell(zs, msg, flush);
	t->refs++;
	if (created)
		t->priv = msg;
	else
		kzmq_msg_put(msg);
	return 0;
}

/* Borrows @msg. */
static void sub_del(struct kzmq_sock *zs, const u8 *topic, u32 len,
		    struct kzmq_msg *msg, struct list_head *flush)
{
	struct kzmq_trie *trie = &zs->subs->trie;
	struct kzmq_tnode *t = kzmq_trie_find(trie, topic, len);
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
		sub_tell(zs, msg, flush);
}

static int sub_change(struct kzmq_sock *zs, bool sub, const u8 *topic, u32 len,
		      gfp_t gfp)
{
	struct kzmq_tspare spare = {};
	struct kzmq_msg *msg;
	LIST_HEAD(flush);
	int err = 0;

	msg = sub_msg(zs, sub, topic, len, gfp);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	if (sub && kzmq_trie_prealloc(&spare, topic, len, gfp)) {
		kzmq_msg_put(msg);
		return -ENOMEM;
	}
	spin_lock_bh(&zs->plock);
	if (sub)
		err = sub_add(zs, &spare, msg, &flush);
	else
		sub_del(zs, topic, len, msg, &flush);
	spin_unlock_bh(&zs->plock);
	if (!sub)
		kzmq_msg_put(msg);
	kzmq_trie_spare_free(&spare);
	kzmq_pipe_flush_all(&flush, false);
	return err;
}

static int sub_setopt(struct kzmq_sock *zs, int opt, sockptr_t val,
		      unsigned int len)
{
	u8 *topic = NULL;
	int err;

	if (opt == ZMQ_INVERT_MATCHING)
		return kzmq_opt_int(val, len, INT_MIN, INT_MAX,
				    &zs->subs->invert);
	if (opt != ZMQ_SUBSCRIBE && opt != ZMQ_UNSUBSCRIBE)
		return -ENOPROTOOPT;
	if (len > READ_ONCE(zs->zn->lim.topic_max))
		return -EINVAL;
	if (len) {
		topic = memdup_sockptr(val, len);
		if (IS_ERR(topic))
			return PTR_ERR(topic);
	}
	err = sub_change(zs, opt == ZMQ_SUBSCRIBE, topic, len,
			 GFP_KERNEL_ACCOUNT);
	kfree(topic);
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

/*
 * The topics of a message are worked in before it is routed, where memory may
 * be waited for. Return: 1 when the message said nothing else.
 */
static int xsub_topics(struct kzmq_sock *zs, struct kzmq_msg *msg)
{
	u32 max = READ_ONCE(zs->zn->lim.topic_max);
	const struct kzmq_frame *f;
	u8 *buf, first;
	int err;

	for (f = msg->first; f; f = f->next) {
		if (kzmq_frame_peek(f, &first, 1) != 1 || first > 1)
			return 0;
		if (f->len - 1 > max)
			return -EINVAL;
		buf = kmalloc(f->len, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!buf)
			return -ENOMEM;
		kzmq_frame_peek(f, buf, f->len);
		err = sub_change(zs, first, buf + 1, f->len - 1,
				 GFP_KERNEL_ACCOUNT);
		kfree(buf);
		if (err)
			return err;
		if (zs->subs->only_first && msg->nr > 1)
			return 0;
	}
	return 1;
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
