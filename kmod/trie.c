// SPDX-License-Identifier: GPL-2.0
/*
 * Prefix tree of topics. The shape is described in trie.h.
 */
#include "trie.h"

static u32 trie_bit(const u8 *s, u32 bit)
{
	return (s[bit / 8] >> (7 - bit % 8)) & 1;
}

static struct kzmq_tnode *tnode_new(u32 len, gfp_t gfp)
{
	struct kzmq_tnode *n;

	/* the length is a peer's choice: failing is no reason to warn */
	n = kmalloc(sizeof(*n) + len, gfp | __GFP_NOWARN);
	if (!n)
		return NULL;
	memset(n, 0, sizeof(*n));
	return n;
}

static u64 tnode_bytes(const struct kzmq_tnode *n)
{
	return sizeof(*n) + (n->held ? kzmq_tnode_len(n) : 0);
}

static void tnode_free(struct kzmq_trie *t, struct kzmq_tnode *n)
{
	t->bytes -= tnode_bytes(n);
	kfree(n);
}

/* Some node at or below n that carries octets; a fork always has both sides. */
static struct kzmq_tnode *tnode_rep(struct kzmq_tnode *n)
{
	while (!n->held)
		n = n->child[0];
	return n;
}

/* Put n, or nothing, where old is. */
static void tnode_replace(struct kzmq_trie *t, struct kzmq_tnode *old,
			  struct kzmq_tnode *n)
{
	struct kzmq_tnode *up = old->parent;

	if (!up)
		t->root = n;
	else
		up->child[up->child[1] == old] = n;
	if (n)
		n->parent = up;
}

static void tnode_link(struct kzmq_tnode *up, u32 side, struct kzmq_tnode *n)
{
	up->child[side] = n;
	if (n)
		n->parent = up;
}

/**
 * kzmq_trie_prealloc() - allocate all that inserting a topic may need
 * @s:     where to keep it; kzmq_trie_spare_free() is due in any case
 * @topic: octets of the topic
 * @len:   how many
 * @gfp:   how to allocate
 *
 * Return: 0, -ENOMEM, or -EMSGSIZE over KZMQ_TOPIC_MAX.
 */
int kzmq_trie_prealloc(struct kzmq_tspare *s, const u8 *topic, u32 len,
		       gfp_t gfp)
{
	s->leaf = NULL;
	s->fork = NULL;
	if (len > KZMQ_TOPIC_MAX)
		return -EMSGSIZE;
	s->leaf = tnode_new(len, gfp);
	s->fork = tnode_new(0, gfp);
	if (!s->leaf || !s->fork) {
		kzmq_trie_spare_free(s);
		return -ENOMEM;
	}
	s->leaf->bits = len * 8;
	s->leaf->real = 1;
	s->leaf->held = 1;
	if (len)
		memcpy(s->leaf->topic, topic, len);
	return 0;
}

/**
 * kzmq_trie_spare_free() - free what an insertion did not need
 * @s: spare nodes
 */
void kzmq_trie_spare_free(struct kzmq_tspare *s)
{
	kfree(s->leaf);
	kfree(s->fork);
	s->leaf = NULL;
	s->fork = NULL;
}

/* The first bit, at most max, in which two topics differ. */
static u32 trie_diff(const u8 *a, const u8 *b, u32 max)
{
	u32 bit = 0;

	while (max - bit >= 64 &&
	       get_unaligned_be64(a + bit / 8) == get_unaligned_be64(b + bit / 8))
		bit += 64;
	while (max - bit >= 8 && a[bit / 8] == b[bit / 8])
		bit += 8;
	while (bit < max && trie_bit(a, bit) == trie_bit(b, bit))
		bit++;
	return bit;
}

/* The deepest node on the path that the bits of a topic choose. */
static struct kzmq_tnode *trie_descend(const struct kzmq_trie *t,
				       const u8 *topic, u32 bits)
{
	struct kzmq_tnode *n = t->root;
	struct kzmq_tnode *child;

	while (n && n->bits < bits) {
		child = n->child[trie_bit(topic, n->bits)];
		if (!child)
			break;
		n = child;
	}
	return n;
}

/* Place leaf, which leaves the path to n at bit diff; rep is at or below n. */
static void trie_place(struct kzmq_trie *t, struct kzmq_tnode *n, u32 diff,
		       const struct kzmq_tnode *rep, struct kzmq_tspare *s)
{
	struct kzmq_tnode *leaf = s->leaf;
	struct kzmq_tnode *fork;

	if (n->bits == diff && diff < leaf->bits) {
		tnode_link(n, trie_bit(leaf->topic, diff), leaf);
	} else if (n->bits == diff) {
		tnode_replace(t, n, leaf);
		tnode_link(leaf, 0, n->child[0]);
		tnode_link(leaf, 1, n->child[1]);
		tnode_free(t, n);
	} else if (diff == leaf->bits) {
		tnode_replace(t, n, leaf);
		tnode_link(leaf, trie_bit(rep->topic, diff), n);
	} else {
		fork = s->fork;
		s->fork = NULL;
		fork->bits = diff;
		t->bytes += tnode_bytes(fork);
		tnode_replace(t, n, fork);
		tnode_link(fork, trie_bit(leaf->topic, diff), leaf);
		tnode_link(fork, !trie_bit(leaf->topic, diff), n);
	}
}

/**
 * kzmq_trie_insert() - add the topic in s->leaf
 * @t:       tree
 * @s:       from kzmq_trie_prealloc(); what is used is set to NULL
 * @created: whether the topic is new
 *
 * Cannot fail and does not allocate.
 *
 * Return: the topic's node.
 */
struct kzmq_tnode *kzmq_trie_insert(struct kzmq_trie *t, struct kzmq_tspare *s,
				    bool *created)
{
	struct kzmq_tnode *leaf = s->leaf;
	struct kzmq_tnode *n, *rep;
	u32 diff;

	n = trie_descend(t, leaf->topic, leaf->bits);
	*created = true;
	if (!n) {
		t->root = leaf;
	} else {
		rep = tnode_rep(n);
		diff = trie_diff(leaf->topic, rep->topic,
				 min(leaf->bits, rep->bits));
		while (n->parent && n->parent->bits >= diff)
			n = n->parent;
		if (n->bits == leaf->bits && diff == n->bits && n->real) {
			*created = false;
			return n;
		}
		trie_place(t, n, diff, rep, s);
	}
	s->leaf = NULL;
	t->topics++;
	t->bytes += tnode_bytes(leaf);
	return leaf;
}

/**
 * kzmq_trie_find() - look a topic up
 * @t:     tree
 * @topic: octets of the topic
 * @len:   how many
 *
 * Return: its node or NULL.
 */
struct kzmq_tnode *kzmq_trie_find(const struct kzmq_trie *t, const u8 *topic,
				  u32 len)
{
	struct kzmq_tnode *n;

	if (len > KZMQ_TOPIC_MAX)
		return NULL;
	n = trie_descend(t, topic, len * 8);
	if (!n || !n->real || n->bits != len * 8)
		return NULL;
	if (len && memcmp(n->topic, topic, len))
		return NULL;
	return n;
}

/* Take a node that has at most one child out of the tree. */
static void trie_unlink(struct kzmq_trie *t, struct kzmq_tnode *n)
{
	tnode_replace(t, n, n->child[0] ? n->child[0] : n->child[1]);
	tnode_free(t, n);
}

/**
 * kzmq_trie_remove() - remove a topic
 * @t:    tree
 * @node: its node, not to be used afterwards
 *
 * A topic with longer ones on both sides stays as a fork, octets and all,
 * until one side is gone; so forks never hold more octets than topics do.
 */
void kzmq_trie_remove(struct kzmq_trie *t, struct kzmq_tnode *node)
{
	struct kzmq_tnode *up = node->parent;
	bool leaf = !node->child[0] && !node->child[1];

	t->topics--;
	if (node->child[0] && node->child[1]) {
		node->real = 0;
		node->priv = NULL;
		node->refs = 0;
		return;
	}
	trie_unlink(t, node);
	if (leaf && up && !up->real)
		trie_unlink(t, up);
}

/**
 * kzmq_trie_free() - empty a tree
 * @t:    tree
 * @dtor: called for each topic before its node is freed, may be NULL
 */
void kzmq_trie_free(struct kzmq_trie *t, void (*dtor)(struct kzmq_tnode *))
{
	struct kzmq_tnode *n = t->root;
	struct kzmq_tnode *up;

	while (n) {
		if (n->child[0]) {
			n = n->child[0];
			continue;
		}
		if (n->child[1]) {
			n = n->child[1];
			continue;
		}
		up = n->parent;
		if (up)
			up->child[up->child[1] == n] = NULL;
		if (n->real && dtor)
			dtor(n);
		kfree(n);
		n = up;
	}
	memset(t, 0, sizeof(*t));
}

/* The node after n in order, forks included. */
static struct kzmq_tnode *trie_step(const struct kzmq_tnode *n)
{
	if (n->child[0])
		return n->child[0];
	if (n->child[1])
		return n->child[1];
	while (n->parent) {
		if (n == n->parent->child[0] && n->parent->child[1])
			return n->parent->child[1];
		n = n->parent;
	}
	return NULL;
}

/**
 * kzmq_trie_next() - the topic after another, in the order of their octets
 * @node: a topic
 *
 * Return: the next one, NULL after the last.
 */
struct kzmq_tnode *kzmq_trie_next(const struct kzmq_tnode *node)
{
	struct kzmq_tnode *n = trie_step(node);

	while (n && !n->real)
		n = trie_step(n);
	return n;
}

/**
 * kzmq_trie_first() - the first topic
 * @t: tree
 *
 * Return: it, or NULL when there is none.
 */
struct kzmq_tnode *kzmq_trie_first(const struct kzmq_trie *t)
{
	if (!t->root || t->root->real)
		return t->root;
	return kzmq_trie_next(t->root);
}

/* Verify and consume n octets that all topics below w->node share. */
static bool twalk_eat(struct kzmq_twalk *w, const struct kzmq_tnode *rep,
		      const u8 **p, size_t *len, size_t n)
{
	if (n && memcmp(*p, rep->topic + w->seen, n)) {
		w->dead = true;
		return false;
	}
	*p += n;
	*len -= n;
	w->seen += (u32)n;
	return true;
}

/* Go from w->node to the child chosen by the octets; false when stuck. */
static bool twalk_down(struct kzmq_twalk *w, const u8 **p, size_t *len)
{
	struct kzmq_tnode *n = w->node;
	u32 ahead = n->bits / 8 - w->seen;
	u8 octet;

	if (!n->child[0] && !n->child[1]) {
		w->dead = true;
		return false;
	}
	if (ahead >= *len) {
		/* this piece will be gone when a topic is reached */
		if (*len)
			twalk_eat(w, tnode_rep(n), p, len, *len);
		return false;
	}
	octet = (*p)[ahead];
	w->node = n->child[(octet >> (7 - n->bits % 8)) & 1];
	w->down = false;
	w->dead = !w->node;
	return !w->dead;
}

/**
 * kzmq_twalk_next() - the next topic that is a prefix of the octets fed so far
 * @w:   search
 * @p:   octets that follow those of earlier calls, moved past what was used
 * @len: how many, lessened likewise
 *
 * To be called until it returns NULL; then, unless w->dead, again with the
 * octets after these. Each topic comes once, shorter ones first. The tree must
 * not change from kzmq_twalk_start() on.
 *
 * Return: a topic, or NULL when @p is used up or nothing else can match.
 */
struct kzmq_tnode *kzmq_twalk_next(struct kzmq_twalk *w, const u8 **p,
				   size_t *len)
{
	struct kzmq_tnode *n;
	size_t need;

	if (w->dead)
		return NULL;
	for (;;) {
		n = w->node;
		if (!w->down && n->real) {
			need = n->bits / 8 - w->seen;
			if (need > *len) {
				twalk_eat(w, n, p, len, *len);
				return NULL;
			}
			if (!twalk_eat(w, n, p, len, need))
				return NULL;
			w->down = true;
			return n;
		}
		w->down = true;
		if (!twalk_down(w, p, len))
			return NULL;
	}
}
