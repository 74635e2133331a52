/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_SUBS_H
#define KZMQ_SUBS_H

#include "trie.h"

struct kzmq_frame;
struct kzmq_pipe;
struct kzmq_sock;

/**
 * struct kzmq_subtree - who subscribed to what, at a publisher
 * @trie:  topics; a node's priv is the root of a tree of subscribers
 * @round: number of the match in progress
 */
struct kzmq_subtree {
	struct kzmq_trie	trie;
	u64			round;
};

typedef void (*kzmq_subs_gone_t)(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
				 const u8 *topic, u32 len);

int kzmq_subs_add(struct kzmq_subtree *st, struct kzmq_pipe *pipe,
		  const u8 *topic, u32 len, gfp_t gfp);
int kzmq_subs_del(struct kzmq_subtree *st, struct kzmq_pipe *pipe,
		  const u8 *topic, u32 len);
bool kzmq_subs_purge(struct kzmq_sock *zs, struct kzmq_subtree *st,
		     struct kzmq_pipe *pipe, u32 budget, bool all,
		     kzmq_subs_gone_t gone);
void kzmq_subs_match(struct kzmq_subtree *st, const struct kzmq_frame *f,
		     struct list_head *out);
bool kzmq_subs_match_all(struct kzmq_subtree *st, struct list_head *out);
bool kzmq_trie_walk_matches(const struct kzmq_trie *t,
			    const struct kzmq_frame *f);

/**
 * kzmq_trie_matches - is some topic a prefix of a frame
 * @t: the topics
 * @f: the frame
 *
 * Context: the lock of @t held.
 */
static inline bool kzmq_trie_matches(const struct kzmq_trie *t,
				     const struct kzmq_frame *f)
{
	/* The empty topic is above all others. */
	if (t->root && t->root->real && !t->root->bits)
		return true;
	return kzmq_trie_walk_matches(t, f);
}

#endif /* KZMQ_SUBS_H */
