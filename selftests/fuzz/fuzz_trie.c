// SPDX-License-Identifier: GPL-2.0
/*
 * The prefix tree against a plain list.
 *
 * Input: operations of one octet, two bits of what and six of the topic's
 * length, and the topic.
 */
#include "fuzz.h"
#include "trie.h"

#define LIST_MAX	64
#define TOPIC_MAX	64

static struct {
	const u8 *topic;
	u32 len;
} list[LIST_MAX];
static int listed;

static int list_find(const u8 *topic, u32 len)
{
	int i;

	for (i = 0; i < listed; i++) {
		if (list[i].len == len && !memcmp(list[i].topic, topic, len))
			return i;
	}
	return -1;
}

static void op_insert(struct kzmq_trie *t, const u8 *topic, u32 len)
{
	struct kzmq_tspare s;
	struct kzmq_tnode *n;
	bool created;
	int i = list_find(topic, len);

	if (i < 0 && listed == LIST_MAX)
		return;
	if (kzmq_trie_prealloc(&s, topic, len, GFP_KERNEL))
		return;
	n = kzmq_trie_insert(t, &s, &created);
	kzmq_trie_spare_free(&s);
	MUST(created == (i < 0));
	MUST(n->bits == len * 8 && !memcmp(n->topic, topic, len));
	if (created) {
		list[listed].topic = topic;
		list[listed++].len = len;
	}
}

static void op_remove(struct kzmq_trie *t, const u8 *topic, u32 len)
{
	struct kzmq_tnode *n = kzmq_trie_find(t, topic, len);
	int i = list_find(topic, len);

	MUST(!!n == (i >= 0));
	if (!n)
		return;
	kzmq_trie_remove(t, n);
	MUST(!kzmq_trie_find(t, topic, len));
	list[i] = list[--listed];
}

static void op_match(struct kzmq_trie *t, const u8 *p, u32 len, u32 cut)
{
	struct kzmq_tnode *hit;
	struct kzmq_twalk w;
	u32 expect = 0, off = 0;
	const u8 *q;
	size_t n;

	kzmq_twalk_start(&w, t);
	do {
		n = cut && cut < len - off ? cut : len - off;
		q = p + off;
		off += (u32)n;
		while ((hit = kzmq_twalk_next(&w, &q, &n))) {
			while (list_find(p, expect) < 0)
				MUST(++expect <= len);
			MUST(hit->bits == expect * 8);
			MUST(!memcmp(hit->topic, p, expect));
			expect++;
		}
		MUST(w.dead || !n);
	} while (off < len && !w.dead);
	for (; expect <= len; expect++)
		MUST(list_find(p, expect) < 0);
}

static void check_order(struct kzmq_trie *t)
{
	struct kzmq_tnode *n, *last = NULL;
	int count = 0, cmp;

	for (n = kzmq_trie_first(t); n; n = kzmq_trie_next(n)) {
		MUST(list_find(n->topic, kzmq_tnode_len(n)) >= 0);
		if (last) {
			cmp = memcmp(last->topic, n->topic,
				     min(last->bits, n->bits) / 8);
			MUST(cmp < 0 || (!cmp && last->bits < n->bits));
		}
		last = n;
		count++;
	}
	MUST(count == listed && t->topics == (u32)listed);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct kzmq_trie t = { 0 };
	u32 n;
	u8 op;

	listed = 0;
	while (len) {
		op = *data >> 6;
		n = *data & (TOPIC_MAX - 1);
		data++;
		len--;
		n = n < len ? n : (u32)len;
		if (op <= 1)
			op_insert(&t, data, n);
		else if (op == 2)
			op_remove(&t, data, n);
		else
			op_match(&t, data, n, n ? data[0] % 8 : 0);
		data += n;
		len -= n;
	}
	check_order(&t);
	kzmq_trie_free(&t, NULL);
	return 0;
}
