// SPDX-License-Identifier: GPL-2.0
/* A case: a recorded session, changed in its frames and in its octets. */
#include "fuzz_wire.h"

#include <endian.h>

struct piece {
	const unsigned char *p;
	__u32 len;
};

struct mix {
	struct piece piece[SEGS_MAX * 2];
	int n, body, ver;
	unsigned char edit[4][16];	/* headers that were made anew */
	int edits;
};

static const __u64 edges[] = {
	0, 1, 2, 127, 128, 254, 255, 256, 1920, 8192, 65535, 65536,
	1u << 20, 0x7fffffff, 0x80000000u, 0xffffffffu,
	0x7fffffffffffffffull, 0x8000000000000000ull, ~0ull,
};

static const __s8 mates[TYPES][4] = {
	[ZMQ_PAIR] = { ZMQ_PAIR, -1 },
	[ZMQ_PUB] = { ZMQ_SUB, ZMQ_XSUB, -1 },
	[ZMQ_SUB] = { ZMQ_PUB, ZMQ_XPUB, -1 },
	[ZMQ_REQ] = { ZMQ_REP, ZMQ_ROUTER, -1 },
	[ZMQ_REP] = { ZMQ_REQ, ZMQ_DEALER, -1 },
	[ZMQ_DEALER] = { ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER, -1 },
	[ZMQ_ROUTER] = { ZMQ_REQ, ZMQ_DEALER, ZMQ_ROUTER, -1 },
	[ZMQ_PULL] = { ZMQ_PUSH, -1 },
	[ZMQ_PUSH] = { ZMQ_PULL, -1 },
	[ZMQ_XPUB] = { ZMQ_SUB, ZMQ_XSUB, -1 },
	[ZMQ_XSUB] = { ZMQ_PUB, ZMQ_XPUB, -1 },
	[ZMQ_STREAM] = { -1 },
};

static bool mate(int type, int peer)
{
	int i;

	for (i = 0; i < 4 && mates[type][i] >= 0; i++)
		if (mates[type][i] == peer)
			return true;
	return type == ZMQ_STREAM;
}

/* mostly one that the socket accepts */
static int session_pick(struct rng *r, int type)
{
	bool any = pct(r, 8);
	int i = rnd(r, corpus_len), n;

	for (n = 0; n < corpus_len && !any; n++, i = (i + 1) % corpus_len) {
		/* long ones cost time */
		if (corpus[i].len > 16384 && !pct(r, 15))
			continue;
		if (mate(type, corpus[i].type))
			break;
	}
	return i;
}

static void mix_start(struct mix *m, const struct session *s)
{
	int i;

	m->n = s->nseg;
	m->body = s->body;
	m->ver = s->ver;
	m->edits = 0;
	for (i = 0; i < s->nseg; i++) {
		m->piece[i].p = s->data + s->seg[i];
		m->piece[i].len = s->seg[i + 1] - s->seg[i];
	}
}

static void mix_insert(struct mix *m, int at, struct piece p)
{
	if (m->n == SEGS_MAX * 2)
		return;
	memmove(m->piece + at + 1, m->piece + at,
		(m->n - at) * sizeof(m->piece[0]));
	m->piece[at] = p;
	m->n++;
}

static void mix_remove(struct mix *m, int at, int n)
{
	memmove(m->piece + at, m->piece + at + n,
		(m->n - at - n) * sizeof(m->piece[0]));
	m->n -= n;
}

static int header_len(const struct mix *m, const struct piece *p)
{
	if (m->ver == 1)
		return p->p[0] == 0xff ? 10 : 2;
	return p->p[0] & 2 ? 9 : 2;
}

/* The frame gets another header before its body. */
static void mix_header(struct mix *m, struct rng *r, int at)
{
	struct piece *p = &m->piece[at], head;
	__u64 size, be;
	int old = header_len(m, p);
	unsigned char *h, flags;
	bool wide = pct(r, 50);

	if (m->edits == 4 || p->len < (__u32)old)
		return;
	h = m->edit[m->edits++];
	head.p = h;
	size = p->len - old;
	flags = m->ver == 1 ? p->p[old - 1] : p->p[0] & ~2;
	if (pct(r, 70))
		size = pct(r, 50) ? edges[rnd(r, sizeof(edges) / 8)] :
		       size + rnd(r, 7) - 3;
	if (pct(r, 50))
		flags ^= 1 << rnd(r, pct(r, 70) ? 3 : 8);
	be = htobe64(size);
	if (m->ver == 1) {
		h[0] = wide ? 0xff : size;
		if (wide)
			memcpy(h + 1, &be, 8);
		h[wide ? 9 : 1] = flags;
		head.len = wide ? 10 : 2;
	} else {
		h[0] = flags | (wide ? 2 : 0);
		if (wide)
			memcpy(h + 1, &be, 8);
		else
			h[1] = size;
		head.len = wide ? 9 : 2;
	}
	p->p += old;
	p->len -= old;
	mix_insert(m, at, head);
}

static void mix_other(struct mix *m, struct rng *r, int at)
{
	const struct session *o = &corpus[rnd(r, corpus_len)];
	int i = rnd(r, o->nseg), n = 1 + rnd(r, 3);

	if (o->len > 16384)
		return;
	for (; n && i < o->nseg; n--, i++, at++) {
		struct piece p = {
			o->data + o->seg[i], o->seg[i + 1] - o->seg[i],
		};

		mix_insert(m, at, p);
	}
}

/* One change of whole frames. Most leave the handshake alone. */
static void mix_change(struct mix *m, struct rng *r, int from)
{
	int at = from + rnd(r, m->n - from), to = from + rnd(r, m->n - from);
	struct piece p;

	if (at >= m->n) {
		mix_other(m, r, m->n);
		return;
	}
	switch (rnd(r, 8)) {
	case 0:
		mix_remove(m, at, 1);
		break;
	case 1:
		mix_insert(m, to, m->piece[at]);
		break;
	case 2:
		p = m->piece[at];
		m->piece[at] = m->piece[to];
		m->piece[to] = p;
		break;
	case 3:
		mix_other(m, r, at);
		break;
	case 4:
		/* the tail of another session */
		mix_remove(m, at, m->n - at);
		mix_other(m, r, at);
		break;
	case 5:
		m->piece[at].len = rnd(r, m->piece[at].len + 1);
		break;
	default:
		mix_header(m, r, at);
	}
}

static __u32 mix_write(const struct mix *m, unsigned char *buf, __u32 *body)
{
	__u32 len = 0, n;
	int i;

	*body = 0;
	for (i = 0; i < m->n; i++) {
		if (i == m->body)
			*body = len;
		n = m->piece[i].len;
		if (n > CASE_MAX - len)
			n = CASE_MAX - len;
		memcpy(buf + len, m->piece[i].p, n);
		len += n;
	}
	if (m->body >= m->n)
		*body = len;
	return len;
}

static const unsigned char good_octets[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0x20, 0x40, 0x7f, 0x80, 0xfe, 0xff,
};

/* One change of some octets behind @from. */
static void octets_change(struct fcase *c, struct rng *r, __u32 from)
{
	__u32 at = from + rnd(r, c->len - from), n;
	unsigned char *p = c->buf + at;

	if (at >= c->len)
		return;
	n = 1 + rnd(r, c->len - at < 16 ? c->len - at : 16);
	if (n > c->len - at)
		n = c->len - at;
	switch (rnd(r, 8)) {
	case 0:
	case 1:
		*p ^= 1 << rnd(r, 8);
		break;
	case 2:
		*p = good_octets[rnd(r, sizeof(good_octets))];
		break;
	case 3:
		*p += rnd(r, 7) - 3;
		break;
	case 4:
		c->len = at;
		break;
	case 5:
		memmove(p, p + n, c->len - at - n);
		c->len -= n;
		break;
	case 6:
		if (n > CASE_MAX - c->len)
			n = CASE_MAX - c->len;
		memmove(p + n, p, c->len - at);
		c->len += n;
		break;
	default:
		for (; n; n--)
			*p++ = rnd(r, 256);
	}
}

/* Ascending, the last is the end. */
static void cuts_make(struct fcase *c, struct rng *r)
{
	__u32 at = 0, near = pct(r, 50) ? 80 : c->len;
	int i, n = pct(r, 60) ? 0 : 1 + rnd(r, CUTS_MAX - 1);

	c->ncut = 0;
	for (i = 0; i < n && at < c->len; i++) {
		at += 1 + rnd(r, near < c->len - at ? near : c->len - at);
		if (at < c->len)
			c->cut[c->ncut++] = at;
	}
	c->cut[c->ncut++] = c->len;
	c->slow = n && pct(r, 40) ? 1 + rnd(r, 6) : 0;
}

/* Fill @c; its buffer is there already. */
void case_make(struct fcase *c, __u64 seed, __u64 no, int ntargets,
	       int (*target_type)(int target))
{
	struct rng r = { .s = seed ^ (no * 0xd1342543de82ef95ull) };
	__u32 body;
	struct mix m;
	int n;

	rnd64(&r);
	c->no = no;
	c->target = rnd(&r, ntargets);
	c->base = session_pick(&r, target_type(c->target));
	mix_start(&m, &corpus[c->base]);
	/* of three cases two change nothing before READY */
	bool hs = pct(&r, 30);

	for (n = pct(&r, 60) ? 1 + rnd(&r, 4) : 0; n; n--)
		mix_change(&m, &r, hs || m.body > m.n ? 0 : m.body);
	c->len = mix_write(&m, c->buf, &body);
	for (n = pct(&r, 60) ? 1 + rnd(&r, 6) : 0; n; n--)
		octets_change(c, &r, hs || body > c->len ? 0 : body);
	cuts_make(c, &r);
	c->deaf = pct(&r, 10);
	n = rnd(&r, 100);
	c->end = n < 50 ? END_CLOSE : n < 70 ? END_RESET :
		 n < 85 ? END_SHUT : END_HOLD;
}
