// SPDX-License-Identifier: GPL-2.0
/*
 * Subscriptions of peers at a publisher: topic -> set of pipes.
 *
 * A pipe stands once below a topic however often it subscribed, as libzmq has
 * it: its subscribers send one CANCEL for n SUBSCRIBEs. Each subscription is
 * in two places: the topic's tree of pipes and the pipe's list.
 *
 * Locks: the caller holds the pattern lock.
 * Contexts: any; memory is taken atomically, since subscriptions arrive in
 * softirq.
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/slab.h>

#include "msg.h"
#include "sock.h"
#include "subs.h"

/**
 * struct kzmq_sub - one pipe below one topic
 * @node:  in the topic's tree, by address of @pipe
 * @mine:  in the pipe's list
 * @topic: the topic
 * @st:    where that is
 * @pipe:  the pipe, borrowed: it drops its list before it goes
 */
struct kzmq_sub {
	struct rb_node		node;
	struct list_head	mine;
	struct kzmq_tnode	*topic;
	struct kzmq_subtree	*st;
	struct kzmq_pipe	*pipe;
};

static struct rb_root *topic_pipes(struct kzmq_tnode *t)
{
	BUILD_BUG_ON(sizeof(struct rb_root) != sizeof(t->priv));
	return (struct rb_root *)&t->priv;
}

static struct kzmq_sub *sub_find(struct kzmq_tnode *t, struct kzmq_pipe *pipe,
				 struct rb_node ***link, struct rb_node **parent)
{
	struct rb_node **p = &topic_pipes(t)->rb_node;
	struct kzmq_sub *s;

	*parent = NULL;
	while (*p) {
		*parent = *p;
		s = rb_entry(*p, struct kzmq_sub, node);
		if (pipe == s->pipe)
			return s;
		p = pipe < s->pipe ? &(*p)->rb_left : &(*p)->rb_right;
	}
	*link = p;
	return NULL;
}

static void subs_charge(struct kzmq_sock *zs, struct kzmq_subtree *st, u64 was,
			long more)
{
	kzmq_mem_uncharge(zs->zn, (long)(was - st->trie.bytes) - more);
}

/**
 * kzmq_subs_add - a pipe subscribes
 * @st:    the publisher's
 * @pipe:  the pipe
 * @topic: the topic
 * @len:   its octets
 * @gfp:   how to allocate
 *
 * Return: 1 when nobody had this topic before, 0 when somebody had, -ENOMEM,
 * -ENOBUFS at the namespace's ceiling.
 */
int kzmq_subs_add(struct kzmq_subtree *st, struct kzmq_pipe *pipe,
		  const u8 *topic, u32 len, gfp_t gfp)
{
	struct kzmq_sock *zs = pipe->zs;
	struct rb_node **link, *parent;
	u64 was = st->trie.bytes;
	struct kzmq_tspare spare;
	struct kzmq_tnode *t;
	struct kzmq_sub *s;
	bool created;

	if (atomic_long_read(&zs->zn->mem) >= READ_ONCE(zs->zn->lim.mem_max) ||
	    atomic_long_read(&kzmq_mem_all) >= kzmq_mem_most) {
		KZMQ_INC(zs->zn, MEM_CEILING);
		return -ENOBUFS;
	}
	s = kmalloc(sizeof(*s), gfp);
	if (!s || kzmq_trie_prealloc(&spare, topic, len, gfp)) {
		kfree(s);
		KZMQ_INC(zs->zn, NO_MEMORY);
		return -ENOMEM;
	}
	t = kzmq_trie_insert(&st->trie, &spare, &created);
	kzmq_trie_spare_free(&spare);
	if (sub_find(t, pipe, &link, &parent)) {
		kfree(s);
		return 0;
	}
	s->pipe = pipe;
	s->topic = t;
	s->st = st;
	rb_link_node(&s->node, parent, link);
	rb_insert_color(&s->node, topic_pipes(t));
	list_add_tail(&s->mine, &pipe->subs);
	pipe->nr_subs++;
	subs_charge(zs, st, was, sizeof(*s));
	return created;
}

static bool sub_remove(struct kzmq_sub *s)
{
	struct kzmq_subtree *st = s->st;
	struct kzmq_sock *zs = s->pipe->zs;
	struct kzmq_tnode *t = s->topic;
	u64 was = st->trie.bytes;
	bool last;

	rb_erase(&s->node, topic_pipes(t));
	list_del(&s->mine);
	s->pipe->nr_subs--;
	kfree(s);
	last = RB_EMPTY_ROOT(topic_pipes(t));
	if (last)
		kzmq_trie_remove(&st->trie, t);
	subs_charge(zs, st, was, -(long)sizeof(*s));
	return last;
}

/**
 * kzmq_subs_del - a pipe unsubscribes
 * @st:    the publisher's
 * @pipe:  the pipe
 * @topic: the topic
 * @len:   its octets
 *
 * Return: 1 when nobody has this topic any more, 0 when somebody has, -ENOENT
 * when the pipe had not subscribed.
 */
int kzmq_subs_del(struct kzmq_subtree *st, struct kzmq_pipe *pipe,
		  const u8 *topic, u32 len)
{
	struct kzmq_tnode *t = kzmq_trie_find(&st->trie, topic, len);
	struct rb_node **link, *parent;
	struct kzmq_sub *s;

	s = t ? sub_find(t, pipe, &link, &parent) : NULL;
	if (!s)
		return -ENOENT;
	return sub_remove(s);
}

/**
 * kzmq_subs_purge - drop subscriptions of a pipe that goes
 * @zs:     the socket
 * @st:     the tree @gone is to be told about
 * @pipe:   the pipe
 * @budget: at most so many
 * @all:    tell @gone of every topic, not just of those nobody else has
 * @gone:   called for each
 *
 * Return: true when some are left.
 */
bool kzmq_subs_purge(struct kzmq_sock *zs, struct kzmq_subtree *st,
		     struct kzmq_pipe *pipe, u32 budget, bool all,
		     kzmq_subs_gone_t gone)
{
	struct kzmq_sub *s;
	bool last;

	while (budget--) {
		s = list_first_entry_or_null(&pipe->subs, struct kzmq_sub, mine);
		if (!s)
			return false;
		last = rb_first(topic_pipes(s->topic)) == &s->node &&
		       !rb_next(&s->node);
		if (s->st == st && (last || all))
			gone(zs, pipe, s->topic->topic,
			     kzmq_tnode_len(s->topic));
		sub_remove(s);
	}
	return !list_empty(&pipe->subs);
}

static void match_piece(struct kzmq_subtree *st, struct kzmq_twalk *w,
			const u8 *p, size_t n, struct list_head *out)
{
	struct kzmq_tnode *t;
	struct kzmq_sub *s;
	struct rb_node *r;

	while ((t = kzmq_twalk_next(w, &p, &n))) {
		for (r = rb_first(topic_pipes(t)); r; r = rb_next(r)) {
			s = rb_entry(r, struct kzmq_sub, node);
			if (s->pipe->mark == st->round)
				continue;
			s->pipe->mark = st->round;
			list_add_tail(&s->pipe->out_node, out);
		}
	}
}

/**
 * kzmq_subs_match_all - who wants every message, if nobody wants only some
 * @st:  the publisher's
 * @out: gets the pipes as from kzmq_subs_match()
 *
 * Return: false when each message has to be looked at.
 */
bool kzmq_subs_match_all(struct kzmq_subtree *st, struct list_head *out)
{
	struct kzmq_tnode *t = st->trie.root;
	struct kzmq_twalk w;

	if (st->trie.topics != 1 || !t->real || t->bits)
		return false;
	st->round++;
	kzmq_twalk_start(&w, &st->trie);
	match_piece(st, &w, NULL, 0, out);
	return true;
}

/**
 * kzmq_subs_match - who wants a message
 * @st:  the publisher's
 * @f:   the message's first frame
 * @out: gets the pipes, linked by out_node; their mark is @st->round
 */
void kzmq_subs_match(struct kzmq_subtree *st, const struct kzmq_frame *f,
		     struct list_head *out)
{
	const struct kzmq_bvs *b;
	const struct bio_vec *bv;
	struct kzmq_twalk w;
	u32 i;

	st->round++;
	kzmq_twalk_start(&w, &st->trie);
	if (f->data) {
		match_piece(st, &w, f->data, f->len, out);
		return;
	}
	for (b = f->bvs; b && !w.dead; b = b->next) {
		for (i = 0; i < b->nr && !w.dead; i++) {
			bv = &b->bv[i];
			match_piece(st, &w, page_address(bv->bv_page) +
				    bv->bv_offset, bv->bv_len, out);
		}
	}
}

/**
 * kzmq_trie_walk_matches - is some topic a prefix of a frame
 * @t: the topics
 * @f: the frame
 *
 * Context: the lock of @t held.
 */
bool kzmq_trie_walk_matches(const struct kzmq_trie *t,
			    const struct kzmq_frame *f)
{
	const struct kzmq_bvs *b;
	const struct bio_vec *bv;
	struct kzmq_twalk w;
	const u8 *p;
	size_t n;
	u32 i;

	kzmq_twalk_start(&w, t);
	if (f->data) {
		p = f->data;
		n = f->len;
		return kzmq_twalk_next(&w, &p, &n);
	}
	for (b = f->bvs; b && !w.dead; b = b->next) {
		for (i = 0; i < b->nr && !w.dead; i++) {
			bv = &b->bv[i];
			p = page_address(bv->bv_page) + bv->bv_offset;
			n = bv->bv_len;
			if (kzmq_twalk_next(&w, &p, &n))
				return true;
		}
	}
	return false;
}
