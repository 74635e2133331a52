// SPDX-License-Identifier: GPL-2.0
/*
 * Everything a peer's octets reach: greeting, frame headers, commands,
 * metadata. Each input is decoded at once and again in pieces; both must come
 * to the same.
 *
 * Input: octet 0 chooses what the rest is, octet 1 how it is cut to pieces.
 */
#include "fuzz.h"
#include "z85.h"
#include "zmtp.h"

enum {
	WHAT_VER_FIRST = 0,			/* frames of a version */
	WHAT_VER_LAST = KZMQ_VER_31,
	WHAT_GREETING,				/* a connection */
	WHAT_GREETING_V3,			/* the same, no old peers */
	WHAT_COMMAND,				/* body of one command */
	WHAT_COUNT,
};

/* What was understood, folded into one number. */
struct result {
	u64 hash;
	int err;
};

static void note(struct result *r, u64 v)
{
	r->hash = (r->hash ^ v) * 0x100000001b3ull;
}

static void note_octets(struct result *r, const u8 *p, size_t n)
{
	note(r, n);
	while (n--)
		note(r, *p++);
}

static void try_metadata(const u8 *data, size_t len, struct result *r)
{
	struct kzmq_ready ready;
	struct kzmq_meta m;
	int ret;

	kzmq_meta_init(&m, data, len);
	while ((ret = kzmq_meta_next(&m)) > 0) {
		MUST(m.name_len);
		note_octets(r, m.name, m.name_len);
		note_octets(r, m.val, m.val_len);
		note(r, kzmq_meta_is(&m, "Socket-Type"));
	}
	note(r, (u64)ret);
	MUST(ret == 0 || kzmq_ready_parse(data, len, &ready));
	if (kzmq_ready_parse(data, len, &ready))
		return;
	MUST(ready.type >= KZMQ_READY_BADTYPE);
	MUST(ready.type < KZMQ_TYPE_COUNT);
	if (ready.rid)
		note_octets(r, ready.rid, ready.rid_len);
}

/* What we would say is what was said. */
static void try_hello(const u8 *data, size_t len, struct result *r)
{
	u8 out[10 + KZMQ_HELLO_MAX];
	struct kzmq_hello h;
	size_t n;

	if (kzmq_hello_parse(data, len, &h))
		return;
	note_octets(r, h.user, h.user_len);
	note_octets(r, h.pass, h.pass_len);
	n = kzmq_enc_hello(out, &h);
	MUST(n == kzmq_hello_size(&h) && n > len);
	MUST(!memcmp(out + n - len, data, len));
}

/* Not of the wire, but octets of strangers too: a key as a text */
static void try_key(const u8 *data, size_t len, struct result *r)
{
	u8 key[32], text[40];

	if (len < sizeof(text) || kzmq_z85_decode(key, data, sizeof(text)))
		return;
	note_octets(r, key, sizeof(key));
	kzmq_z85_encode(text, key, sizeof(key));
	MUST(!memcmp(text, data, sizeof(text)));
}

static void try_command(const u8 *body, size_t len, struct result *r)
{
	const u8 *text;
	struct kzmq_cmd c;
	u16 ttl;
	u8 n;

	if (kzmq_cmd_parse(body, len, &c))
		return;
	MUST(c.data > body && c.data + c.len == body + len);
	note(r, c.id);
	note_octets(r, c.data, c.len);
	try_metadata(c.data, c.len, r);
	if (!kzmq_ping_parse(c.data, c.len, &ttl, &text, &n)) {
		u8 out[KZMQ_PING_MAX];

		note_octets(r, text, n);
		note_octets(r, out, kzmq_enc_ping(out, ttl, text, n));
		note_octets(r, out, kzmq_enc_pong(out, text, n));
	}
	if (!kzmq_error_parse(c.data, c.len, &text, &n))
		note_octets(r, text, n);
	try_hello(c.data, c.len, r);
	try_key(c.data, c.len, r);
}

/* Our own encoder's header must say the same. */
static void try_header(u8 ver, const struct kzmq_fhdr *h)
{
	u8 out[KZMQ_HDR_MAX];
	struct kzmq_fhdr again;
	struct kzmq_dec d;
	bool done;
	size_t n;

	MUST(h->size <= KZMQ_BODY_MAX);
	MUST(!(h->flags & ~(KZMQ_F_MORE | KZMQ_F_CMD)));
	kzmq_dec_init(&d, ver);
	n = kzmq_enc_header(out, ver, h->size, h->flags);
	MUST(kzmq_dec_header(&d, out, n, &done, &again) == (int)n);
	MUST(done && again.size == h->size && again.flags == h->flags);
}

/* How many octets to give next. */
static size_t piece(u8 cut, size_t off, size_t left)
{
	size_t n;

	if (!cut)
		return left;
	n = 1 + (cut + off * (cut >> 4)) % cut;
	return n < left ? n : left;
}

static void run_frames(u8 ver, const u8 *p, size_t len, u8 cut,
		       struct result *r)
{
	struct kzmq_fhdr h;
	struct kzmq_dec d;
	size_t off = 0;
	bool done;
	int n;

	kzmq_dec_init(&d, ver);
	while (off < len) {
		n = kzmq_dec_header(&d, p + off, piece(cut, off, len - off),
				    &done, &h);
		if (n < 0) {
			r->err = n;
			return;
		}
		MUST(n > 0 && (size_t)n <= len - off);
		off += (size_t)n;
		if (!done)
			continue;
		note(r, h.size);
		note(r, h.flags);
		try_header(ver, &h);
		if (h.size > len - off)
			return;
		if (h.flags & KZMQ_F_CMD)
			try_command(p + off, h.size, r);
		off += h.size;
	}
}

static void run_greeting(bool v3_only, const u8 *p, size_t len, u8 cut,
			 struct result *r)
{
	u8 out[KZMQ_GREET_OUT], all[KZMQ_GREET_V3];
	size_t off = 0, n, o, sent;
	struct kzmq_greet g;
	int ret;

	kzmq_greet_init(&g, KZMQ_TYPE_DEALER, "NULL", 5, v3_only);
	sent = kzmq_greet_start(&g, all);
	while (off < len && !g.done) {
		n = piece(cut, off, len - off);
		ret = kzmq_greet_feed(&g, p + off, n, out, &o);
		MUST(sent + o <= sizeof(all));
		memcpy(all + sent, out, o);
		sent += o;
		if (ret < 0) {
			r->err = ret;
			break;
		}
		MUST(g.done ? (size_t)ret <= n : (size_t)ret == n);
		off += (size_t)ret;
	}
	MUST(r->err || sent == g.sent);
	MUST(!g.done || !v3_only || g.ver >= KZMQ_VER_30);
	note_octets(r, all, sent);
	note_octets(r, g.in, g.in_len);
	if (!g.done)
		return;
	note(r, g.ver);
	/* the start of an unversioned peer's identity is replayed */
	if (g.ver == KZMQ_VER_UNVERSIONED)
		off -= g.in_len;
	run_frames(g.ver, p + off, len - off, cut, r);
}

static struct result run(u8 what, const u8 *p, size_t len, u8 cut)
{
	struct result r = { .hash = 0xcbf29ce484222325ull };

	if (what <= WHAT_VER_LAST)
		run_frames(what, p, len, cut, &r);
	else if (what == WHAT_COMMAND)
		try_command(p, len, &r);
	else
		run_greeting(what == WHAT_GREETING_V3, p, len, cut, &r);
	return r;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct result one, many;

	if (len < 2)
		return 0;
	one = run(data[0] % WHAT_COUNT, data + 2, len - 2, 0);
	many = run(data[0] % WHAT_COUNT, data + 2, len - 2, data[1]);
	MUST(one.err == many.err && one.hash == many.hash);
	return 0;
}
