// SPDX-License-Identifier: GPL-2.0
/*
 * PUB and XPUB (RFC 29): to every peer that subscribed to a prefix.
 *
 * Subscriptions are worked in where they arrive, in softirq as a rule, and so
 * hold for the next message whatever the application does meanwhile. XPUB shows
 * them to the user as messages, which go through the subscriber's pipe and so
 * are bounded by RCVHWM.
 *
 * Locks: operations run under the pattern lock; input takes it itself; options
 * under lock_sock().
 */
#include <linux/slab.h>
#include <linux/zmq.h>

#include "msg.h"
#include "sock.h"
#include "subs.h"
#include "trace.h"

#define PUB_GFP	(GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT)
#define PURGE_BUDGET 256
/* Deliveries under one lock, as far as it is not for a single message */
#define MANY_BUDGET 4096

/**
 * struct kzmq_pub - a publisher's state
 * @st:         who gets what
 * @man:        ZMQ_XPUB_MANUAL: what the peers asked for
 * @verbose:    show known subscriptions too
 * @verboser:   show cancellations that are not the last too
 * @manual:     the user decides about subscriptions
 * @last_value: with @manual, the next message goes to @last alone
 * @nodrop:     all or nobody, instead of dropping for full pipes
 * @invert:     send to those that did not subscribe
 * @only_first: later frames of a message are never subscriptions
 * @welcome:    first message for new peers, or NULL
 * @last:       whose subscription the user read last
 */
struct kzmq_pub {
	struct kzmq_subtree	st;
	struct kzmq_subtree	man;
	int			verbose;
	int			verboser;
	int			manual;
	int			last_value;
	int			nodrop;
	int			invert;
	int			only_first;
	struct kzmq_msg		*welcome;
	struct kzmq_pipe	*last;
};

static int pub_init(struct kzmq_sock *zs)
{
	zs->pub = kzalloc(sizeof(*zs->pub), GFP_KERNEL_ACCOUNT);
	return zs->pub ? 0 : -ENOMEM;
}

static void pub_destroy(struct kzmq_sock *zs)
{
	kzmq_msg_put(zs->pub->welcome);
	kfree(zs->pub);
}

static int pub_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (zs->pub->welcome)
		return kzmq_pipe_send(pipe, zs->pub->welcome, true);
	return 0;
}

static void pub_detach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (zs->pub->last != pipe)
		return;
	zs->pub->last = NULL;
	kzmq_pipe_put(pipe);
}

static void pub_close(struct kzmq_sock *zs)
{
	kzmq_pipe_put(zs->pub->last);
	zs->pub->last = NULL;
}

static bool is_xpub(struct kzmq_sock *zs)
{
	return zs->type == ZMQ_XPUB;
}

/* The subscriber left: as if it had cancelled everything. */
static void pub_gone(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		     const u8 *topic, u32 len)
{
	struct kzmq_frame *f;
	struct kzmq_msg *msg;
	int err;

	if (!is_xpub(zs))
		return;
	msg = kzmq_msg_alloc(zs->zn, min_t(u32, len + 1, KZMQ_INLINE_MAX),
			     PUB_GFP);
	if (IS_ERR(msg))
		return;
	f = kzmq_frame_add(msg, len + 1, PUB_GFP);
	err = PTR_ERR_OR_ZERO(f);
	if (!err)
		err = kzmq_frame_copy(msg, f, "", 1, PUB_GFP);
	if (!err)
		err = kzmq_frame_copy(msg, f, topic, len, PUB_GFP);
	msg->kind = KZMQ_MSG_CANCEL;
	if (!err && kzmq_pipe_in_push(pipe, msg) >= 0)
		kzmq_fq_activate(&zs->fq, pipe);
	else
		kzmq_msg_put(msg);
}

static bool pub_purge(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	struct kzmq_pub *pub = zs->pub;
	bool more;

	more = kzmq_subs_purge(zs, pub->manual ? &pub->man : &pub->st, pipe,
			       PURGE_BUDGET, pub->verboser, pub_gone);
	kzmq_sock_wake_in(zs);
	return more;
}

static bool is_sub_frame(const struct kzmq_frame *f)
{
	u8 b;

	return kzmq_frame_peek(f, &b, 1) == 1 && b <= 1;
}

/* Is the user to be told? */
static bool pub_show(struct kzmq_pub *pub, bool sub, int ret)
{
	if (pub->manual)
		return true;
	if (sub)
		return ret == 1 || pub->verbose;
	return ret == 1 || pub->verboser;
}

static int pub_topic(struct kzmq_sock *zs, struct kzmq_pipe *pipe, bool sub,
		     const u8 *topic, u32 len)
{
	struct kzmq_subtree *st = zs->pub->manual ? &zs->pub->man : &zs->pub->st;

	if (!sub)
		return kzmq_subs_del(st, pipe, topic, len);
	if (len > READ_ONCE(zs->zn->lim.topic_max) ||
	    pipe->nr_subs >= READ_ONCE(zs->zn->lim.topics_max)) {
		KZMQ_INC(zs->zn, TOPIC_LIMIT);
		return -EMSGSIZE;
	}
	return kzmq_subs_add(st, pipe, topic, len, PUB_GFP);
}

/*
 * Work in one subscription frame.
 * Return: 1 the user is to be told, 0 not, or a negative errno.
 */
static int pub_sub_frame(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			 const struct kzmq_frame *f)
{
	const u8 *p = f->data;
	u8 *tmp = NULL;
	bool sub;
	int ret;

	if (!p) {
		if (f->len - 1 > READ_ONCE(zs->zn->lim.topic_max)) {
			KZMQ_INC(zs->zn, TOPIC_LIMIT);
			return -EMSGSIZE;
		}
		tmp = kmalloc(f->len, PUB_GFP);
		if (!tmp)
			return -ENOMEM;
		kzmq_frame_peek(f, tmp, f->len);
		p = tmp;
	}
	sub = p[0];
	ret = pub_topic(zs, pipe, sub, p + 1, f->len - 1);
	kfree(tmp);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	return is_xpub(zs) && pub_show(zs->pub, sub, ret);
}

/*
 * Show a message to the user. What it says was worked in already, so a second
 * try would not show it: for want of memory the peer has to come anew.
 */
static int pub_up(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		  struct kzmq_msg *msg)
{
	if (kzmq_pipe_in_push(pipe, msg) < 0)
		return -ECONNABORTED;
	kzmq_fq_activate(&zs->fq, pipe);
	return 0;
}

/* One frame of a longer message goes up as a message. */
static int pub_up_frame(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			const struct kzmq_frame *f)
{
	struct kzmq_msg *msg = kzmq_msg_alloc(zs->zn, 0, PUB_GFP);
	int err;

	if (IS_ERR(msg))
		return -ECONNABORTED;
	err = kzmq_msg_prepend_clone(msg, f, 1, PUB_GFP);
	msg->kind = KZMQ_MSG_SUBSCRIBE;
	if (!err)
		err = pub_up(zs, pipe, msg);
	if (err)
		kzmq_msg_put(msg);
	return err ? -ECONNABORTED : 0;
}

/*
 * A message whose first frame is a subscription: so may be its others. What is
 * none is the user's.
 */
static int pub_multi(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		     struct kzmq_msg *msg)
{
	const struct kzmq_frame *f = msg->first;
	int ret;

	while (f && is_sub_frame(f)) {
		ret = pub_sub_frame(zs, pipe, f);
		if (ret > 0)
			ret = pub_up_frame(zs, pipe, f);
		if (ret < 0)
			return ret;
		f = f->next;
		kzmq_msg_drop_first(msg);
		if (zs->pub->only_first)
			break;
	}
	if (f && is_xpub(zs))
		return pub_up(zs, pipe, msg);
	kzmq_msg_put(msg);
	return 0;
}

static int __pub_input(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		       struct kzmq_msg *msg)
{
	int ret;

	if (pipe->gone || pipe->mute) {
		kzmq_msg_put(msg);
		return 0;
	}
	if (msg->kind == KZMQ_MSG_DATA && !is_sub_frame(msg->first)) {
		if (is_xpub(zs))
			return pub_up(zs, pipe, msg);
		KZMQ_INC(zs->zn, DROP_UNEXPECTED);
		kzmq_msg_put(msg);
		return 0;
	}
	if (msg->nr > 1)
		return pub_multi(zs, pipe, msg);
	ret = pub_sub_frame(zs, pipe, msg->first);
	if (ret <= 0) {
		if (!ret)
			kzmq_msg_put(msg);
		return ret;
	}
	msg->kind = KZMQ_MSG_SUBSCRIBE;
	return pub_up(zs, pipe, msg);
}

static int pub_input(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		     struct kzmq_msg *msg)
{
	int ret;

	spin_lock_bh(&zs->plock);
	ret = __pub_input(zs, pipe, msg);
	spin_unlock_bh(&zs->plock);
	/* For want of memory the connection tries again later. */
	return ret == -ENOBUFS ? -ENOMEM : ret;
}

static void pub_match_rest(struct kzmq_sock *zs, struct list_head *to)
{
	struct kzmq_pipe *pipe;

	INIT_LIST_HEAD(to);
	list_for_each_entry(pipe, &zs->pipes, node)
		if (pipe->mark != zs->pub->st.round)
			list_add_tail(&pipe->out_node, to);
}

static void pub_match_last(struct kzmq_sock *zs, struct list_head *to)
{
	struct kzmq_pipe *last = zs->pub->last;

	INIT_LIST_HEAD(to);
	if (last && last->mark == zs->pub->st.round)
		list_add_tail(&last->out_node, to);
	pub_detach(zs, last);
}

static bool pub_any_full(struct list_head *to)
{
	struct kzmq_pipe *pipe;

	list_for_each_entry(pipe, to, out_node)
		if (!pipe->gone && kzmq_pipe_full(pipe))
			return true;
	return false;
}

static void pub_one(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		    struct kzmq_msg *msg, bool force, struct list_head *flush)
{
	if (pipe->gone || pipe->mute)
		return;
	if (!kzmq_pipe_send(pipe, msg, force)) {
		kzmq_pipe_flush_add(pipe, flush);
		return;
	}
	pipe->dropped++;
	zs->dropped++;
	KZMQ_INC(zs->zn, DROP_HWM);
	trace_kzmq_drop(zs, "full");
}

static int pub_send(struct kzmq_sock *zs, struct kzmq_msg *msg,
		    struct list_head *flush)
{
	struct kzmq_pub *pub = zs->pub;
	struct kzmq_pipe *pipe;
	bool force = false;
	LIST_HEAD(to);

	kzmq_subs_match(&pub->st, msg->first, &to);
	if (pub->invert)
		pub_match_rest(zs, &to);
	if (pub->nodrop) {
		if (pub_any_full(&to))
			return -EAGAIN;
		/* All have room, so they need not be asked again. */
		force = true;
	}
	if (pub->last_value && pub->last) {
		pub_match_last(zs, &to);
		force = false;
	}
	list_for_each_entry(pipe, &to, out_node)
		pub_one(zs, pipe, msg, force, flush);
	kzmq_msg_put(msg);
	return 0;
}

/* Count and release what the pipes have got. */
static u32 pub_drop_list(struct kzmq_msg **list, u32 n, size_t *bytes)
{
	struct kzmq_msg *msg;
	u32 i;

	for (i = 0; i < n; i++) {
		msg = *list;
		*list = msg->next;
		*bytes += msg->len;
		kzmq_msg_put(msg);
	}
	return n;
}

/* The same pipes get all of them: once round the pipes, not for each. */
static u32 pub_send_many(struct kzmq_sock *zs, struct kzmq_msg **list,
			 struct list_head *flush, size_t *bytes)
{
	struct kzmq_pub *pub = zs->pub;
	u32 n = 0, nr_to = 0, got, lost = 0;
	struct kzmq_pipe *pipe;
	struct kzmq_msg *msg;
	LIST_HEAD(to);
	u64 len = 0;

	if (pub->invert || pub->last_value ||
	    !kzmq_subs_match_all(&pub->st, &to))
		return 0;
	for (msg = *list; msg; msg = msg->next) {
		len += msg->len;
		n++;
	}
	list_for_each_entry(pipe, &to, out_node)
		nr_to++;
	n = min(n, 1 + MANY_BUDGET / (nr_to + 1));
	list_for_each_entry(pipe, &to, out_node)
		if (!pipe->gone && !pipe->mute)
			n = min(n, kzmq_pipe_out_room(pipe, len, len * nr_to));
	if (!n)
		return 0;
	list_for_each_entry(pipe, &to, out_node) {
		if (pipe->gone || pipe->mute)
			continue;
		got = kzmq_pipe_send_list(pipe, *list, n);
		kzmq_pipe_flush_add(pipe, flush);
		pipe->dropped += n - got;
		lost += n - got;
	}
	if (unlikely(lost)) {
		zs->dropped += lost;
		KZMQ_ADD(zs->zn, DROP_HWM, lost);
		trace_kzmq_drop(zs, "memory");
	}
	return pub_drop_list(list, n, bytes);
}

static bool pub_writable(struct kzmq_sock *zs)
{
	return true;
}

/* Nothing is known of a message by its first frame alone. */
static int pub_check(struct kzmq_sock *zs, const struct kzmq_frame *first)
{
	return 0;
}

static int xpub_recv(struct kzmq_sock *zs, struct kzmq_in *in)
{
	int err = kzmq_fq_in(zs, in);

	if (err || !zs->pub->manual || in->msg->kind == KZMQ_MSG_DATA)
		return err;
	kzmq_pipe_put(zs->pub->last);
	zs->pub->last = in->pipe->gone ? NULL : kzmq_pipe_get(in->pipe);
	return 0;
}

static int pub_set_welcome(struct kzmq_sock *zs, sockptr_t val,
			   unsigned int len)
{
	struct kzmq_msg *msg = NULL, *old;
	void *buf;

	if (len > READ_ONCE(zs->zn->lim.topic_max))
		return -EINVAL;
	if (len) {
		buf = memdup_sockptr(val, len);
		if (IS_ERR(buf))
			return PTR_ERR(buf);
		msg = kzmq_msg_make(zs->zn, buf, len, GFP_KERNEL_ACCOUNT);
		kfree(buf);
		if (IS_ERR(msg))
			return PTR_ERR(msg);
	}
	spin_lock_bh(&zs->plock);
	old = zs->pub->welcome;
	zs->pub->welcome = msg;
	spin_unlock_bh(&zs->plock);
	kzmq_msg_put(old);
	return 0;
}

/* XPUB in manual mode: answer the subscription read last. */
static int pub_answer(struct kzmq_sock *zs, bool sub, sockptr_t val,
		      unsigned int len)
{
	struct kzmq_pub *pub = zs->pub;
	u8 *topic = NULL;
	int ret = 0;

	if (!pub->manual)
		return -EINVAL;
	if (len > READ_ONCE(zs->zn->lim.topic_max))
		return -EINVAL;
	if (len) {
		topic = memdup_sockptr(val, len);
		if (IS_ERR(topic))
			return PTR_ERR(topic);
	}
	spin_lock_bh(&zs->plock);
	if (pub->last && sub)
		ret = kzmq_subs_add(&pub->st, pub->last, topic, len, PUB_GFP);
	else if (pub->last)
		kzmq_subs_del(&pub->st, pub->last, topic, len);
	spin_unlock_bh(&zs->plock);
	kfree(topic);
	return min(ret, 0);
}

/* Options that come in two kinds: the second turns on what the first does, too */
static int pub_set_two(struct kzmq_sock *zs, sockptr_t val, unsigned int len,
		       int *first, int *second, bool both)
{
	int v, err;

	err = kzmq_opt_int(val, len, 0, INT_MAX, &v);
	if (err)
		return err;
	spin_lock_bh(&zs->plock);
	*first = v;
	*second = both ? v : 0;
	spin_unlock_bh(&zs->plock);
	return 0;
}

static int pub_setopt(struct kzmq_sock *zs, int opt, sockptr_t val,
		      unsigned int len)
{
	struct kzmq_pub *pub = zs->pub;

	switch (opt) {
	case ZMQ_XPUB_VERBOSE:
	case ZMQ_XPUB_VERBOSER:
		return pub_set_two(zs, val, len, &pub->verbose, &pub->verboser,
				   opt == ZMQ_XPUB_VERBOSER);
	case ZMQ_XPUB_MANUAL:
	case ZMQ_XPUB_MANUAL_LAST_VALUE:
		return pub_set_two(zs, val, len, &pub->manual, &pub->last_value,
				   opt == ZMQ_XPUB_MANUAL_LAST_VALUE);
	case ZMQ_XPUB_NODROP:
		return kzmq_opt_int(val, len, 0, INT_MAX, &pub->nodrop);
	case ZMQ_INVERT_MATCHING:
		return kzmq_opt_int(val, len, INT_MIN, INT_MAX, &pub->invert);
	case ZMQ_ONLY_FIRST_SUBSCRIBE:
		return kzmq_opt_int(val, len, 0, INT_MAX, &pub->only_first);
	case ZMQ_XPUB_WELCOME_MSG:
		return pub_set_welcome(zs, val, len);
	case ZMQ_SUBSCRIBE:
	case ZMQ_UNSUBSCRIBE:
		return pub_answer(zs, opt == ZMQ_SUBSCRIBE, val, len);
	}
	return -ENOPROTOOPT;
}

static int pub_getopt(struct kzmq_sock *zs, int opt, void *buf, int *len)
{
	switch (opt) {
	case ZMQ_INVERT_MATCHING:
		return kzmq_opt_put_int(buf, len, zs->pub->invert);
	case ZMQ_TOPICS_COUNT:
		return kzmq_opt_put_int(buf, len, zs->pub->st.trie.topics);
	}
	return -ENOPROTOOPT;
}

const struct kzmq_pattern kzmq_pat_pub = {
	.name		= "PUB",
	.edits		= true,
	.no_recv	= true,
	.init		= pub_init,
	.close		= pub_close,
	.destroy	= pub_destroy,
	.attach		= pub_attach,
	.detach		= pub_detach,
	.purge		= pub_purge,
	.check		= pub_check,
	.send		= pub_send,
	.send_many	= pub_send_many,
	.input		= pub_input,
	.writable	= pub_writable,
	.setopt		= pub_setopt,
	.getopt		= pub_getopt,
};

const struct kzmq_pattern kzmq_pat_xpub = {
	.name		= "XPUB",
	.edits		= true,
	.init		= pub_init,
	.close		= pub_close,
	.destroy	= pub_destroy,
	.attach		= pub_attach,
	.detach		= pub_detach,
	.purge		= pub_purge,
	.check		= pub_check,
	.send		= pub_send,
	.send_many	= pub_send_many,
	.recv		= xpub_recv,
	.peek		= kzmq_fq_peek_in,
	.input		= pub_input,
	.readable	= kzmq_fq_readable,
	.writable	= pub_writable,
	.in_ready	= kzmq_fq_in_ready,
	.setopt		= pub_setopt,
	.getopt		= pub_getopt,
};
