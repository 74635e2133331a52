// SPDX-License-Identifier: GPL-2.0
#include "tap.h"
#include "trie.h"

static struct kzmq_tnode *add(struct kzmq_trie *t, const void *topic, u32 len,
			      bool *created)
{
	struct kzmq_tspare s;
	struct kzmq_tnode *n;
	long left;

	CHECK_EQ(kzmq_trie_prealloc(&s, topic, len, GFP_KERNEL), 0);
	left = tap_alloc_left;
	tap_alloc_left = 0;	/* insertion must not allocate */
	n = kzmq_trie_insert(t, &s, created);
	tap_alloc_left = left;
	CHECK_EQ(kzmq_tnode_len(n), len);
	CHECK(!memcmp(n->topic, topic, len));
	kzmq_trie_spare_free(&s);
	return n;
}

static struct kzmq_tnode *adds(struct kzmq_trie *t, const char *topic)
{
	bool created;

	return add(t, topic, (u32)strlen(topic), &created);
}

/* All topics found in data, fed in pieces of step, as "/a/ab/abc". */
static const char *match(struct kzmq_trie *t, const char *data, size_t step)
{
	static char out[1024];
	size_t len = strlen(data), n, off = 0;
	struct kzmq_tnode *hit;
	struct kzmq_twalk w;
	char *o = out;
	const u8 *p;
	u8 *copy;

	out[0] = '\0';
	kzmq_twalk_start(&w, t);
	do {
		n = min(step, len - off);
		copy = tap_dup(data + off, n);
		off += n;
		p = copy;
		while ((hit = kzmq_twalk_next(&w, &p, &n)))
			o += sprintf(o, "/%.*s", (int)kzmq_tnode_len(hit),
				     hit->topic);
		CHECK(w.dead || !n);
		free(copy);
	} while (off < len && !w.dead);
	return out;
}

static void check_match(struct kzmq_trie *t, const char *data,
			const char *want)
{
	const char *got;
	size_t step;

	for (step = 1; step <= strlen(data) + 1; step++) {
		got = match(t, data, step);
		if (strcmp(got, want))
			tap_fail(__FILE__, __LINE__,
				 "'%s' by %zu matches '%s', not '%s'", data,
				 step, got, want);
	}
}

/* Whether the nodes hang together as trie.h says. */
static void check_shape(const struct kzmq_trie *t)
{
	const struct kzmq_tnode *n = t->root, *c;
	u64 bytes = 0, held_forks = 0, held_real = 0;
	u32 topics = 0;
	int side;

	CHECK(!n || !n->parent);
	while (n) {
		bytes += sizeof(*n) + (n->held ? kzmq_tnode_len(n) : 0);
		topics += n->real;
		CHECK(n->held || !n->real);
		CHECK(n->real || (n->child[0] && n->child[1]));
		CHECK(!n->held || n->bits % 8 == 0);
		if (n->held && n->real)
			held_real += kzmq_tnode_len(n);
		else if (n->held)
			held_forks += kzmq_tnode_len(n);
		for (side = 0; side < 2; side++) {
			c = n->child[side];
			CHECK(!c || c->parent == n);
			CHECK(!c || c->bits > n->bits);
		}
		if (n->child[0]) {
			n = n->child[0];
		} else if (n->child[1]) {
			n = n->child[1];
		} else {
			while (n->parent && (n == n->parent->child[1] ||
					     !n->parent->child[1]))
				n = n->parent;
			n = n->parent ? n->parent->child[1] : NULL;
		}
	}
	CHECK_EQ(t->topics, topics);
	CHECK_EQ(t->bytes, bytes);
	CHECK(held_forks <= held_real);
}

static void trie_insert__creates_once(void)
{
	struct kzmq_trie t = { 0 };
	struct kzmq_tnode *n;
	bool created;

	n = add(&t, "abc", 3, &created);
	CHECK(created);
	CHECK(!n->priv);
	CHECK_EQ(n->refs, 0);
	CHECK(add(&t, "abc", 3, &created) == n);
	CHECK(!created);
	CHECK_EQ(t.topics, 1);
	check_shape(&t);
	kzmq_trie_free(&t, NULL);
}

static void trie_insert__prefix_of_existing(void)
{
	struct kzmq_trie t = { 0 };
	bool created;

	add(&t, "abc", 3, &created);
	add(&t, "a", 1, &created);
	CHECK(created);
	add(&t, "", 0, &created);
	CHECK(created);
	add(&t, "ab", 2, &created);
	CHECK(created);
	check_shape(&t);
	check_match(&t, "abcd", "//a/ab/abc");
	check_match(&t, "abx", "//a/ab");
	check_match(&t, "x", "/");
	CHECK_EQ(t.topics, 4);
	CHECK_EQ(t.bytes, 4 * sizeof(struct kzmq_tnode) + 6);
	kzmq_trie_free(&t, NULL);
}

static void trie_insert__topic_where_a_fork_is(void)
{
	struct kzmq_trie t = { 0 };
	bool created;

	add(&t, "p\x01", 2, &created);
	add(&t, "p\x81", 2, &created);	/* fork right behind the "p" */
	check_shape(&t);
	CHECK_EQ(t.topics, 2);
	CHECK(!kzmq_trie_find(&t, (const u8 *)"p", 1));
	add(&t, "p", 1, &created);
	CHECK(created);
	check_shape(&t);
	CHECK_EQ(t.bytes, 3 * sizeof(struct kzmq_tnode) + 5);
	CHECK(kzmq_trie_find(&t, (const u8 *)"p", 1));
	check_match(&t, "p\x01", "/p/p\x01");
	check_match(&t, "p\x81", "/p/p\x81");
	check_match(&t, "p\x41", "/p");
	kzmq_trie_free(&t, NULL);
}

static void trie_insert__no_memory(void)
{
	struct kzmq_tspare s;

	tap_alloc_left = 0;
	CHECK_EQ(kzmq_trie_prealloc(&s, (const u8 *)"a", 1, 0), -ENOMEM);
	CHECK(!s.leaf && !s.fork);
	tap_alloc_left = 1;
	CHECK_EQ(kzmq_trie_prealloc(&s, (const u8 *)"a", 1, 0), -ENOMEM);
	CHECK(!s.leaf && !s.fork);
	tap_alloc_left = -1;
	CHECK_EQ(kzmq_trie_prealloc(&s, (const u8 *)"a", KZMQ_TOPIC_MAX + 1,
				    0), -EMSGSIZE);
	CHECK_EQ(kzmq_trie_prealloc(&s, (const u8 *)"a", U32_MAX, 0),
		 -EMSGSIZE);
}

static void trie_find__exact_only(void)
{
	struct kzmq_trie t = { 0 };
	struct kzmq_tnode *n;

	CHECK(!kzmq_trie_find(&t, (const u8 *)"", 0));
	n = adds(&t, "abc");
	adds(&t, "abd");
	CHECK(kzmq_trie_find(&t, (const u8 *)"abc", 3) == n);
	CHECK(!kzmq_trie_find(&t, (const u8 *)"ab", 2));
	CHECK(!kzmq_trie_find(&t, (const u8 *)"abcd", 4));
	CHECK(!kzmq_trie_find(&t, (const u8 *)"xbc", 3));
	CHECK(!kzmq_trie_find(&t, (const u8 *)"", 0));
	CHECK(!kzmq_trie_find(&t, (const u8 *)"abc", U32_MAX));
	kzmq_trie_free(&t, NULL);
}

static void trie_remove__every_shape(void)
{
	static const char * const row[] = {
		"", "a", "ab", "abc", "abd", "b", "p\x01", "p\x81", "p",
	};
	struct kzmq_trie t;
	size_t first, i, k;

	for (first = 0; first < TAP_ROW(row); first++) {
		memset(&t, 0, sizeof(t));
		for (i = 0; i < TAP_ROW(row); i++)
			adds(&t, row[i]);
		for (i = 0; i < TAP_ROW(row); i++) {
			k = (first + i * 2) % TAP_ROW(row);
			kzmq_trie_remove(&t,
					 kzmq_trie_find(&t, (const u8 *)row[k],
							(u32)strlen(row[k])));
			CHECK(!kzmq_trie_find(&t, (const u8 *)row[k],
					      (u32)strlen(row[k])));
			CHECK_EQ(t.topics, TAP_ROW(row) - i - 1);
			check_shape(&t);
		}
		CHECK(!t.root);
		CHECK_EQ(t.bytes, 0);
		CHECK_EQ(tap_live, 0);
	}
}

static void trie_remove__between_two_sides(void)
{
	struct kzmq_trie t = { 0 };
	struct kzmq_tnode *n;

	adds(&t, "p\x01");
	adds(&t, "p\x81");
	n = adds(&t, "p");
	n->priv = &t;
	n->refs = 3;
	kzmq_trie_remove(&t, n);
	check_shape(&t);
	check_match(&t, "p\x01z", "/p\x01");
	check_match(&t, "px", "");
	CHECK(kzmq_trie_first(&t)->topic[1] == 1);
	n = adds(&t, "p");	/* comes back as new */
	CHECK(!n->priv);
	CHECK_EQ(n->refs, 0);
	check_shape(&t);
	kzmq_trie_remove(&t, n);
	kzmq_trie_remove(&t, kzmq_trie_find(&t, (const u8 *)"p\x01", 2));
	check_shape(&t);
	CHECK_EQ(t.bytes, sizeof(struct kzmq_tnode) + 2);
	kzmq_trie_free(&t, NULL);
}

static void twalk__empty_topic_needs_no_octets(void)
{
	struct kzmq_trie t = { 0 };

	check_match(&t, "abc", "");
	adds(&t, "");
	adds(&t, "a");
	check_match(&t, "", "/");
	check_match(&t, "ab", "//a");
	/* told apart from no match at all */
	{
		struct kzmq_tnode *n = kzmq_trie_first(&t);
		struct kzmq_twalk w;
		const u8 *p = NULL;
		size_t len = 0;

		kzmq_twalk_start(&w, &t);
		CHECK(kzmq_twalk_next(&w, &p, &len) == n);
		CHECK(!kzmq_twalk_next(&w, &p, &len));
		CHECK(!w.dead);
		p = (const u8 *)"a";
		len = 1;
		CHECK(kzmq_twalk_next(&w, &p, &len) == kzmq_trie_next(n));
		CHECK(!kzmq_twalk_next(&w, &p, &len));
		CHECK(w.dead);
	}
	kzmq_trie_free(&t, NULL);
}

static void twalk__dead_when_nothing_can_follow(void)
{
	struct kzmq_trie t = { 0 };
	struct kzmq_twalk w;
	const u8 *p;
	size_t len;

	kzmq_twalk_start(&w, &t);
	CHECK(w.dead);
	adds(&t, "abcd");
	kzmq_twalk_start(&w, &t);
	p = (const u8 *)"ax";
	len = 2;
	CHECK(!kzmq_twalk_next(&w, &p, &len));
	CHECK(w.dead);
	CHECK(!kzmq_twalk_next(&w, &p, &len));
	kzmq_twalk_start(&w, &t);
	p = (const u8 *)"ab";
	len = 2;
	CHECK(!kzmq_twalk_next(&w, &p, &len));
	CHECK(!w.dead);
	CHECK_EQ(len, 0);
	kzmq_trie_free(&t, NULL);
}

static void trie_next__in_order(void)
{
	static const char * const row[] = { "b", "", "abc", "a", "ab", "p\x81",
					    "p\x01", "abd", "aa" };
	static const char * const want[] = { "", "a", "aa", "ab", "abc", "abd",
					     "b", "p\x01", "p\x81" };
	struct kzmq_trie t = { 0 };
	struct kzmq_tnode *n;
	size_t i;

	CHECK(!kzmq_trie_first(&t));
	for (i = 0; i < TAP_ROW(row); i++)
		adds(&t, row[i]);
	i = 0;
	for (n = kzmq_trie_first(&t); n; n = kzmq_trie_next(n)) {
		CHECK(i < TAP_ROW(want));
		CHECK_EQ(kzmq_tnode_len(n), strlen(want[i]));
		CHECK(!memcmp(n->topic, want[i], strlen(want[i])));
		i++;
	}
	CHECK_EQ(i, TAP_ROW(want));
	kzmq_trie_free(&t, NULL);
}

static u32 dtor_sum;

static void dtor(struct kzmq_tnode *n)
{
	dtor_sum += n->refs;
}

static void trie_free__calls_back_for_topics_only(void)
{
	struct kzmq_trie t = { 0 };
	struct kzmq_tnode *n;
	u32 sum = 0;
	char text[16];
	int i;

	for (i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "t%d", i * 37 % 500);
		n = adds(&t, text);
		n->refs = (u32)i + 1;
		sum += n->refs;
	}
	n = kzmq_trie_find(&t, (const u8 *)"t4", 2);
	sum -= n->refs;
	kzmq_trie_remove(&t, n);
	check_shape(&t);
	dtor_sum = 0;
	kzmq_trie_free(&t, dtor);
	CHECK_EQ(dtor_sum, sum);
	CHECK(!t.root);
	CHECK_EQ(t.topics, 0);
	CHECK_EQ(t.bytes, 0);
}

/* CVE-2021-20236: long topics, and a tree as deep as they are long. */
static void trie__long_and_deep(void)
{
	const u32 len = 1u << 20, deep = 20000;
	struct kzmq_trie t = { 0 };
	struct kzmq_twalk w;
	struct kzmq_tnode *n;
	u8 *topic = malloc(len);
	bool created;
	const u8 *p;
	size_t left;
	u32 i;

	memset(topic, 'x', len);
	add(&t, topic, len, &created);
	topic[len - 1] = 'y';
	add(&t, topic, len, &created);
	topic[0] = 'y';
	add(&t, topic, len, &created);
	topic[0] = 'x';
	/* as many nodes above each other as fit a test's time */
	for (i = deep; i; i--)
		add(&t, topic, i, &created);
	CHECK_EQ(t.topics, deep + 3);
	kzmq_twalk_start(&w, &t);
	p = topic;
	left = len;
	for (i = 1; i <= deep; i++) {
		n = kzmq_twalk_next(&w, &p, &left);
		CHECK_EQ(kzmq_tnode_len(n), i);
	}
	CHECK_EQ(kzmq_tnode_len(kzmq_twalk_next(&w, &p, &left)), len);
	CHECK(!kzmq_twalk_next(&w, &p, &left));
	for (i = 1; i <= deep; i += 2)
		kzmq_trie_remove(&t, kzmq_trie_find(&t, topic, i));
	check_shape(&t);
	kzmq_trie_free(&t, NULL);
	free(topic);
}

/* ---- against a list of topics ---- */

#define MODEL_MAX	200

struct model {
	u8 topic[MODEL_MAX][8];
	u8 len[MODEL_MAX];
	int n;
};

static int model_find(const struct model *m, const u8 *topic, u8 len)
{
	int i;

	for (i = 0; i < m->n; i++) {
		if (m->len[i] == len && !memcmp(m->topic[i], topic, len))
			return i;
	}
	return -1;
}

static u8 random_topic(u8 *topic)
{
	static const u8 octets[] = { 0, 1, 0x7f, 0x80, 0xff, 'a', 'b', 'q' };
	u8 i, len = (u8)(tap_rand() % 8);

	for (i = 0; i < len; i++)
		topic[i] = octets[tap_rand() % (tap_rand() % 8 + 1)];
	return len;
}

static void model_step(struct kzmq_trie *t, struct model *m)
{
	u8 topic[8], len = random_topic(topic);
	int i = model_find(m, topic, len);
	struct kzmq_tnode *n;
	bool created;

	n = kzmq_trie_find(t, topic, len);
	CHECK_EQ(!!n, i >= 0);
	if (tap_rand() % 5 < 3 && (i >= 0 || m->n < MODEL_MAX)) {
		CHECK(add(t, topic, len, &created) == n || !n);
		CHECK_EQ(created, i < 0);
		if (i < 0) {
			memcpy(m->topic[m->n], topic, len);
			m->len[m->n++] = len;
		}
		return;
	}
	/* remove one that is there more often than one that is not */
	if (i < 0 && m->n)
		i = (int)(tap_rand() % (u32)m->n);
	if (i < 0)
		return;
	kzmq_trie_remove(t, kzmq_trie_find(t, m->topic[i], m->len[i]));
	m->n--;
	memcpy(m->topic[i], m->topic[m->n], 8);
	m->len[i] = m->len[m->n];
}

/* Every prefix of random data that is a topic must come, shortest first. */
static void model_match(struct kzmq_trie *t, const struct model *m)
{
	u8 data[16], want[16], got[64], *copy;
	size_t len, off, n, wants = 0, gots = 0;
	struct kzmq_twalk w;
	struct kzmq_tnode *hit;
	const u8 *p;
	u8 k;

	len = random_topic(data);
	len += random_topic(data + len);
	for (k = 0; k <= len && k < 8; k++) {
		if (model_find(m, data, k) >= 0)
			want[wants++] = k;
	}
	kzmq_twalk_start(&w, t);
	off = 0;
	do {
		n = tap_rand() % (len - off + 1);
		if (tap_rand() % 4 == 0)
			n = len - off;
		copy = tap_dup(data + off, n);
		off += n;
		p = copy;
		while ((hit = kzmq_twalk_next(&w, &p, &n)) && gots < 60) {
			got[gots++] = (u8)kzmq_tnode_len(hit);
			CHECK(!memcmp(hit->topic, data, kzmq_tnode_len(hit)));
		}
		free(copy);
	} while (off < len && !w.dead);
	tap_check_mem(__FILE__, __LINE__, got, gots, want, wants);
}

static void model_order(const struct kzmq_trie *t, const struct model *m)
{
	const struct kzmq_tnode *n, *last = NULL;
	int count = 0, cmp;
	u32 len;

	for (n = kzmq_trie_first(t); n; n = kzmq_trie_next(n)) {
		count++;
		CHECK(model_find(m, n->topic, (u8)kzmq_tnode_len(n)) >= 0);
		if (last) {
			len = min(kzmq_tnode_len(last), kzmq_tnode_len(n));
			cmp = memcmp(last->topic, n->topic, len);
			CHECK(cmp < 0 ||
			      (!cmp && last->bits < n->bits));
		}
		last = n;
	}
	CHECK_EQ(count, m->n);
}

static void trie__random_against_list(void)
{
	struct kzmq_trie t = { 0 };
	static struct model m;
	int i;

	for (i = 0; i < 60000; i++) {
		model_step(&t, &m);
		model_match(&t, &m);
		if (i % 64 == 0) {
			check_shape(&t);
			model_order(&t, &m);
		}
		if (i % 9000 == 8999) {	/* down to nothing and up again */
			while (m.n) {
				m.n--;
				kzmq_trie_remove(&t,
						 kzmq_trie_find(&t,
								m.topic[m.n],
								m.len[m.n]));
				check_shape(&t);
			}
			CHECK(!t.root);
		}
	}
	kzmq_trie_free(&t, NULL);
}

int main(void)
{
	RUN(trie_insert__creates_once);
	RUN(trie_insert__prefix_of_existing);
	RUN(trie_insert__topic_where_a_fork_is);
	RUN(trie_insert__no_memory);
	RUN(trie_find__exact_only);
	RUN(trie_remove__every_shape);
	RUN(trie_remove__between_two_sides);
	RUN(twalk__empty_topic_needs_no_octets);
	RUN(twalk__dead_when_nothing_can_follow);
	RUN(trie_next__in_order);
	RUN(trie_free__calls_back_for_topics_only);
	RUN(trie__long_and_deep);
	RUN(trie__random_against_list);
	return tap_done();
}
