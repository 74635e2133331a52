/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prefix tree of topics.
 *
 * A binary, path-compressed tree over the bits of the topics, most
 * significant bit first. A node stands for the first @bits bits which all
 * topics below it share. Nodes that are topics carry their octets; forks
 * carry none and only say which bit tells their two sides apart, so matching
 * touches the octets of a message once, at the topics on the way.
 *
 * No function recurses; the deepest loop is bounded by the bits of the longest
 * topic. No locks: the caller holds one, also while walking.
 */
#ifndef KZMQ_TRIE_H
#define KZMQ_TRIE_H

#include "pure.h"

#define KZMQ_TOPIC_MAX	0x10000000	/* so that bits fit 32 */

/**
 * struct kzmq_tnode - node of a tree
 * @child:  nodes whose next bit is 0 or 1
 * @parent: NULL at the root
 * @bits:   length of the prefix in bits
 * @real:   is a topic, else only a fork
 * @held:   carries its octets; a fork that was a topic once still does
 * @refs:   the owner's, 0 when made
 * @priv:   the owner's, NULL when made
 * @topic:  octets of a topic, @bits / 8 of them
 */
struct kzmq_tnode {
	struct kzmq_tnode *child[2];
	struct kzmq_tnode *parent;
	u32 bits;
	u32 real:1;
	u32 held:1;
	void *priv;
	u32 refs;
	u8 topic[];
};

/**
 * struct kzmq_trie - a tree; all zero is an empty one
 * @root:   top node
 * @topics: how many topics
 * @bytes:  memory in all nodes, with what the owner may not see: forks
 */
struct kzmq_trie {
	struct kzmq_tnode *root;
	u32 topics;
	u64 bytes;
};

/**
 * struct kzmq_tspare - the nodes an insertion may need
 * @leaf: node with the topic
 * @fork: node without
 */
struct kzmq_tspare {
	struct kzmq_tnode *leaf;
	struct kzmq_tnode *fork;
};

/**
 * struct kzmq_twalk - a search for all topics that are a prefix of some octets
 * @node: where we are
 * @seen: octets verified and consumed
 * @down: @node is dealt with, its child is next
 * @dead: no (further) topic can match, whatever octets follow
 */
struct kzmq_twalk {
	struct kzmq_tnode *node;
	u32 seen;
	bool down;
	bool dead;
};

static inline u32 kzmq_tnode_len(const struct kzmq_tnode *n)
{
	return n->bits / 8;
}

int kzmq_trie_prealloc(struct kzmq_tspare *s, const u8 *topic, u32 len,
		       gfp_t gfp);
void kzmq_trie_spare_free(struct kzmq_tspare *s);
struct kzmq_tnode *kzmq_trie_insert(struct kzmq_trie *t, struct kzmq_tspare *s,
				    bool *created);
struct kzmq_tnode *kzmq_trie_find(const struct kzmq_trie *t, const u8 *topic,
				  u32 len);
void kzmq_trie_remove(struct kzmq_trie *t, struct kzmq_tnode *node);
void kzmq_trie_free(struct kzmq_trie *t, void (*dtor)(struct kzmq_tnode *));
struct kzmq_tnode *kzmq_trie_first(const struct kzmq_trie *t);
struct kzmq_tnode *kzmq_trie_next(const struct kzmq_tnode *node);

static inline void kzmq_twalk_start(struct kzmq_twalk *w,
				    const struct kzmq_trie *t)
{
	w->node = t->root;
	w->seen = 0;
	w->down = false;
	w->dead = !t->root;
}

struct kzmq_tnode *kzmq_twalk_next(struct kzmq_twalk *w, const u8 **p,
				   size_t *len);

#endif /* KZMQ_TRIE_H */
