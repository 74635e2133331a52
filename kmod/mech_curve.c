// SPDX-License-Identifier: GPL-2.0
/*
 * CURVE (RFC 26): each side proves that it has its long-term secret key, and they
 * agree on a key for this connection.
 *
 *	client				server
 *	HELLO, C'		->
 *				<-	WELCOME, S' and a cookie
 *	INITIATE, C, vouch	->
 *				<-	READY
 *
 * Before INITIATE has proved that somebody is there who has C, the server keeps
 * nothing of a client: what it has to know again, C' and the secret half of S',
 * is in the cookie. The key of cookies is drawn anew each minute, and that of the
 * minute before still opens; after two minutes nothing is left with which a
 * recorded handshake could be undone. A cookie is bound to its connection by the
 * number each gets: a recorded INITIATE opens nothing in another one, and in its
 * own there is no second one.
 *
 * Whoever's box does not open is told nothing.
 *
 * Locks: cookie_lock is a leaf. All else: see mech.h.
 * Contexts: process, but curve_check(): any.
 */
#include <linux/random.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "allow.h"
#include "conn.h"
#include "mech.h"
#include "seal.h"
#include "sock.h"

/* Time after which cookies get another key */
#define COOKIE_LIFE	(60 * HZ)

enum curve_state {
	CURVE_HELLO,		/* server: wants HELLO; client: has to say it */
	CURVE_WELCOME,		/* client: wants WELCOME */
	CURVE_INITIATE,		/* server: wants INITIATE */
	CURVE_READY,		/* client: wants READY */
	CURVE_END,		/* wants nothing more */
};

/**
 * struct curve - one handshake
 * @m:      what all have
 * @state:  enum curve_state
 * @serial: server: number of the connection, for its cookies
 * @heard:  short nonce of the peer's last box
 * @pub:    client: C'
 * @sec:    client: its secret half
 * @first:  client: key of the boxes in HELLO and WELCOME
 * @key:    key of all boxes after these
 * @client: server: C
 */
struct curve {
	struct kzmq_mech	m;
	u8			state;
	u64			serial;
	u64			heard;
	u8			pub[KZMQ_KEY];
	u8			sec[KZMQ_KEY];
	u8			first[KZMQ_KEY];
	u8			key[KZMQ_KEY];
	u8			client[KZMQ_KEY];
};

/* Short nonces of ours: one for each box of the handshake, then traffic's */
#define CURVE_SENT_HELLO	1
#define CURVE_SENT_INITIATE	2
#define CURVE_SENT_READY	1

static void cookie_turn(struct work_struct *work);

static DEFINE_SPINLOCK(cookie_lock);	/* protects the next two */
static u8 cookie_keys[2][KZMQ_KEY];	/* of now, of before */
static bool cookie_live[2];
static DECLARE_DELAYED_WORK(cookie_work, cookie_turn);
static atomic64_t cookie_serial;

static void cookie_turn(struct work_struct *work)
{
	bool more;

	spin_lock(&cookie_lock);
	memcpy(cookie_keys[1], cookie_keys[0], KZMQ_KEY);
	memzero_explicit(cookie_keys[0], KZMQ_KEY);
	cookie_live[1] = cookie_live[0];
	cookie_live[0] = false;
	more = cookie_live[1];
	spin_unlock(&cookie_lock);
	if (more)
		queue_delayed_work(kzmq_wq, &cookie_work, COOKIE_LIFE);
}

/**
 * kzmq_curve_exit - forget what cookies were made with
 *
 * Context: module exit; no socket is left.
 */
void kzmq_curve_exit(void)
{
	cancel_delayed_work_sync(&cookie_work);
	memzero_explicit(cookie_keys, sizeof(cookie_keys));
}

/* The key of this connection's cookies, as of now or of before; false: none */
static bool cookie_key(const struct curve *c, int age, u8 k[KZMQ_KEY])
{
	__le64 in[2] = { cpu_to_le64(c->serial) };
	u8 master[KZMQ_KEY];
	bool live;

	spin_lock(&cookie_lock);
	live = cookie_live[age];
	memcpy(master, cookie_keys[age], KZMQ_KEY);
	spin_unlock(&cookie_lock);
	if (live)
		kzmq_hsalsa20(k, (const u8 *)in, master);
	memzero_explicit(master, sizeof(master));
	return live;
}

static void cookie_seal(const struct curve *c, struct kzmq_curve_cookie *out,
			const struct kzmq_curve_cookie_in *in)
{
	u8 nonce[KZMQ_NONCE], k[KZMQ_KEY];

	do {
		spin_lock(&cookie_lock);
		if (!cookie_live[0]) {
			get_random_bytes(cookie_keys[0], KZMQ_KEY);
			cookie_live[0] = true;
		}
		spin_unlock(&cookie_lock);
		queue_delayed_work(kzmq_wq, &cookie_work, COOKIE_LIFE);
	} while (!cookie_key(c, 0, k));
	get_random_bytes(out->nonce, sizeof(out->nonce));
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_COOKIE, out->nonce);
	kzmq_box_seal(out->box, (const u8 *)in, sizeof(*in), nonce, k);
	memzero_explicit(k, sizeof(k));
}

static int cookie_open(const struct curve *c, struct kzmq_curve_cookie_in *out,
		       const struct kzmq_curve_cookie *in)
{
	u8 nonce[KZMQ_NONCE], k[KZMQ_KEY];
	int age, err = -EBADMSG;

	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_COOKIE, in->nonce);
	for (age = 0; err && age < ARRAY_SIZE(cookie_keys); age++)
		if (cookie_key(c, age, k))
			err = kzmq_box_open((u8 *)out, in->box, sizeof(in->box),
					    nonce, k);
	memzero_explicit(k, sizeof(k));
	return err;
}

static struct curve *curve_of(struct kzmq_mech *m)
{
	return container_of(m, struct curve, m);
}

/* What the peer has to say next, how much of it, and what too much is */
static void curve_expect(struct curve *c, enum curve_state state, u32 most,
			 enum kzmq_mib_id too_much)
{
	c->state = state;
	c->m.most = most;
	c->m.most_fault = too_much;
}

static int curve_init(struct kzmq_mech *m)
{
	struct curve *c = curve_of(m);

	m->starts = !m->server;
	if (m->server)
		c->serial = atomic64_inc_return(&cookie_serial);
	curve_expect(c, CURVE_HELLO, KZMQ_CURVE_HELLO, KZMQ_MIB_BAD_HELLO);
	return 0;
}

/* A frame with a command whose body has @len octets. Return: the body. */
static void *curve_out(struct kzmq_mech *m, enum kzmq_cmd_id id, size_t len)
{
	u8 hdr[KZMQ_HDR_MAX];
	size_t n = kzmq_enc_header(hdr, KZMQ_VER_31, len, KZMQ_F_CMD);
	u8 *out = kzmq_mech_out(m, n + len);

	if (!out)
		return NULL;
	memcpy(out, hdr, n);
	kzmq_curve_begin(out + n, id);
	return out + n;
}

static enum kzmq_mech_verdict bad_box(struct kzmq_mech *m)
{
	return kzmq_mech_failed(m, KZMQ_MIB_BAD_CRYPTO, 0);
}

/* Client: HELLO */
static enum kzmq_mech_verdict curve_start(struct kzmq_mech *m)
{
	static const u8 zeros[64];
	struct curve *c = curve_of(m);
	struct kzmq_curve_hello *out;
	u8 nonce[KZMQ_NONCE];

	kzmq_keypair(c->pub, c->sec);
	/* The user has given a key with which there are no secrets. */
	if (kzmq_box_shared(c->first, m->sec->server_key, c->sec))
		return kzmq_mech_failed(m, KZMQ_MIB_BAD_KEYS, 0);
	out = curve_out(m, KZMQ_CMD_HELLO, sizeof(*out));
	if (!out)
		return KZMQ_MECH_NOMEM;
	memcpy(out->client, c->pub, KZMQ_KEY);
	kzmq_curve_count(out->nonce, CURVE_SENT_HELLO);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_HELLO, out->nonce);
	kzmq_box_seal(out->box, zeros, sizeof(zeros), nonce, c->first);
	curve_expect(c, CURVE_WELCOME,
		     max_t(u32, KZMQ_CURVE_WELCOME, KZMQ_ERROR_BODY_MAX),
		     KZMQ_MIB_BAD_WELCOME);
	return KZMQ_MECH_MORE;
}

/* Which command comes in which state, what is in front of its data, its fault */
static const struct {
	enum kzmq_cmd_id id;
	u8 name;
	enum kzmq_mib_id bad;
} curve_wants[] = {
	[CURVE_HELLO]	 = { KZMQ_CMD_HELLO, 6, KZMQ_MIB_BAD_HELLO },
	[CURVE_WELCOME]	 = { KZMQ_CMD_WELCOME, 8, KZMQ_MIB_BAD_WELCOME },
	[CURVE_INITIATE] = { KZMQ_CMD_INITIATE, 9, KZMQ_MIB_BAD_INITIATE },
	[CURVE_READY]	 = { KZMQ_CMD_READY, 6, KZMQ_MIB_BAD_READY },
};

static enum kzmq_mib_id curve_check(const struct kzmq_mech *m,
				    const struct kzmq_cmd *cmd)
{
	const struct curve *c = container_of(m, const struct curve, m);
	u8 name;

	if (c->state >= CURVE_END || cmd->id != curve_wants[c->state].id)
		return KZMQ_MIB_BAD_COMMAND;
	name = curve_wants[c->state].name;
	if (kzmq_curve_check(cmd->data - name, cmd->len + name, cmd->id))
		return curve_wants[c->state].bad;
	return 0;
}

/* HELLO is good: WELCOME, with all that we know in the cookie */
static enum kzmq_mech_verdict hello_answer(struct curve *c, const u8 *client,
					   const u8 *k)
{
	struct kzmq_curve_welcome_in *in;
	struct kzmq_curve_cookie_in own;
	struct kzmq_curve_welcome *out;
	u8 nonce[KZMQ_NONCE];

	out = curve_out(&c->m, KZMQ_CMD_WELCOME, sizeof(*out));
	if (!out)
		return KZMQ_MECH_NOMEM;
	in = (struct kzmq_curve_welcome_in *)(out->box + KZMQ_TAG);
	memcpy(own.client, client, KZMQ_KEY);
	kzmq_keypair(in->server, own.secret);
	cookie_seal(c, &in->cookie, &own);
	memzero_explicit(&own, sizeof(own));
	get_random_bytes(out->nonce, sizeof(out->nonce));
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_WELCOME, out->nonce);
	kzmq_box_seal(out->box, (const u8 *)in, sizeof(*in), nonce, k);
	curve_expect(c, CURVE_INITIATE, KZMQ_CURVE_INITIATE + KZMQ_MECH_META_MAX,
		     KZMQ_MIB_BAD_INITIATE);
	return KZMQ_MECH_MORE;
}

static enum kzmq_mech_verdict curve_hello(struct curve *c)
{
	const struct kzmq_curve_hello *in = (void *)c->m.in;
	static const u8 zeros[64];
	u8 nonce[KZMQ_NONCE], k[KZMQ_KEY], text[sizeof(zeros)];
	enum kzmq_mech_verdict ret;

	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_HELLO, in->nonce);
	if (kzmq_box_shared(k, in->client, c->m.sec->secret_key) ||
	    kzmq_box_open(text, in->box, sizeof(in->box), nonce, k))
		ret = bad_box(&c->m);
	else if (memcmp(text, zeros, sizeof(zeros)))
		ret = kzmq_mech_failed(&c->m, KZMQ_MIB_BAD_HELLO, 0);
	else
		ret = hello_answer(c, in->client, k);
	memzero_explicit(k, sizeof(k));
	return ret;
}

/* Client: WELCOME has told S' and the cookie. */
static enum kzmq_mech_verdict welcome_answer(struct curve *c,
					     const struct kzmq_curve_welcome_in *w)
{
	size_t meta = kzmq_mech_meta_len(&c->m);
	const struct kzmq_sec *sec = c->m.sec;
	struct kzmq_curve_initiate_in *in;
	struct kzmq_curve_initiate *out;
	struct kzmq_curve_vouch_in vouch;
	u8 nonce[KZMQ_NONCE], k[KZMQ_KEY];

	if (kzmq_box_shared(c->key, w->server, c->sec) ||
	    kzmq_box_shared(k, w->server, sec->secret_key))
		return bad_box(&c->m);
	out = curve_out(&c->m, KZMQ_CMD_INITIATE, KZMQ_CURVE_INITIATE + meta);
	if (!out)
		return KZMQ_MECH_NOMEM;
	out->cookie = w->cookie;
	in = (struct kzmq_curve_initiate_in *)(out->box + KZMQ_TAG);
	memcpy(in->client, sec->public_key, KZMQ_KEY);
	memcpy(vouch.client, c->pub, KZMQ_KEY);
	memcpy(vouch.server, sec->server_key, KZMQ_KEY);
	get_random_bytes(in->vouch.nonce, sizeof(in->vouch.nonce));
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_VOUCH, in->vouch.nonce);
	kzmq_box_seal(in->vouch.box, (const u8 *)&vouch, sizeof(vouch), nonce,
		      k);
	memzero_explicit(k, sizeof(k));
	kzmq_mech_meta(&c->m, in->meta);
	kzmq_curve_count(out->nonce, CURVE_SENT_INITIATE);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_INITIATE, out->nonce);
	kzmq_box_seal(out->box, (const u8 *)in, sizeof(*in) + meta, nonce,
		      c->key);
	curve_expect(c, CURVE_READY, KZMQ_CURVE_READY + KZMQ_MECH_META_MAX,
		     KZMQ_MIB_BAD_READY);
	return KZMQ_MECH_MORE;
}

static enum kzmq_mech_verdict curve_welcome(struct curve *c)
{
	struct kzmq_curve_welcome *in = (void *)c->m.in;
	u8 *text = in->box + KZMQ_TAG;
	u8 nonce[KZMQ_NONCE];

	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_WELCOME, in->nonce);
	if (kzmq_box_open(text, in->box, sizeof(in->box), nonce, c->first))
		return bad_box(&c->m);
	return welcome_answer(c, (struct kzmq_curve_welcome_in *)text);
}

/* Does the owner of C stand up for C', and to us? */
static enum kzmq_mech_verdict check_vouch(struct curve *c,
					  const struct kzmq_curve_cookie_in *own,
					  const struct kzmq_curve_initiate_in *in)
{
	const struct kzmq_sec *sec = c->m.sec;
	struct kzmq_curve_vouch_in vouch;
	u8 nonce[KZMQ_NONCE], k[KZMQ_KEY];
	int err;

	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_VOUCH, in->vouch.nonce);
	err = kzmq_box_shared(k, in->client, own->secret);
	if (!err)
		err = kzmq_box_open((u8 *)&vouch, in->vouch.box,
				    sizeof(in->vouch.box), nonce, k);
	memzero_explicit(k, sizeof(k));
	if (err)
		return bad_box(&c->m);
	if (!kzmq_box_same(vouch.client, own->client, KZMQ_KEY) ||
	    !kzmq_box_same(vouch.server, sec->own_key, KZMQ_KEY))
		return kzmq_mech_failed(&c->m, KZMQ_MIB_BAD_KEYS, 0);
	if (!kzmq_allow_has(sec->allow, in->client))
		return KZMQ_MECH_DENY;
	memcpy(c->client, in->client, KZMQ_KEY);
	c->m.creds[0].iov_base = c->client;
	c->m.creds[0].iov_len = KZMQ_KEY;
	c->m.nr_creds = 1;
	return KZMQ_MECH_AUTH;
}

static enum kzmq_mech_verdict curve_initiate(struct curve *c)
{
	struct kzmq_curve_initiate *in = (void *)c->m.in;
	size_t n = c->m.in_len - sizeof(*in);
	struct kzmq_curve_cookie_in own;
	u8 nonce[KZMQ_NONCE], *text = in->box + KZMQ_TAG;
	enum kzmq_mech_verdict ret;

	/* Whatever comes of it, there is no second try. */
	c->state = CURVE_END;
	if (cookie_open(c, &own, &in->cookie))
		return bad_box(&c->m);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_INITIATE, in->nonce);
	if (kzmq_box_shared(c->key, own.client, own.secret) ||
	    kzmq_box_open(text, in->box, n, nonce, c->key))
		ret = bad_box(&c->m);
	else
		ret = check_vouch(c, &own,
				  (struct kzmq_curve_initiate_in *)text);
	memzero_explicit(&own, sizeof(own));
	c->heard = kzmq_curve_counted(in->nonce);
	c->m.meta = text + sizeof(struct kzmq_curve_initiate_in);
	c->m.meta_len = c->m.in_len - KZMQ_CURVE_INITIATE;
	return ret;
}

/* Both have the key: from here on all goes in boxes. */
static enum kzmq_mech_verdict curve_done(struct curve *c, u64 sent)
{
	c->m.seal = kzmq_seal_alloc(c->key, c->m.server, sent, c->heard,
				    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return c->m.seal ? KZMQ_MECH_DONE : KZMQ_MECH_NOMEM;
}

/* Server: the client may come in. */
static enum kzmq_mech_verdict curve_authed(struct kzmq_mech *m)
{
	size_t meta = kzmq_mech_meta_len(m);
	struct curve *c = curve_of(m);
	struct kzmq_curve_ready *out;
	u8 nonce[KZMQ_NONCE];

	out = curve_out(m, KZMQ_CMD_READY, KZMQ_CURVE_READY + meta);
	if (!out)
		return KZMQ_MECH_NOMEM;
	kzmq_curve_count(out->nonce, CURVE_SENT_READY);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_READY, out->nonce);
	kzmq_mech_meta(m, out->box + KZMQ_TAG);
	kzmq_box_seal(out->box, out->box + KZMQ_TAG, meta, nonce, c->key);
	return curve_done(c, CURVE_SENT_READY);
}

static enum kzmq_mech_verdict curve_ready(struct curve *c)
{
	struct kzmq_curve_ready *in = (void *)c->m.in;
	u8 nonce[KZMQ_NONCE], *text = in->box + KZMQ_TAG;

	c->state = CURVE_END;
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_READY, in->nonce);
	if (kzmq_box_open(text, in->box, c->m.in_len - sizeof(*in), nonce,
			  c->key))
		return bad_box(&c->m);
	c->heard = kzmq_curve_counted(in->nonce);
	c->m.meta = text;
	c->m.meta_len = c->m.in_len - KZMQ_CURVE_READY;
	return curve_done(c, CURVE_SENT_INITIATE);
}

static enum kzmq_mech_verdict curve_command(struct kzmq_mech *m,
					    const struct kzmq_cmd *cmd)
{
	struct curve *c = curve_of(m);

	switch (c->state) {
	case CURVE_HELLO:
		return curve_hello(c);
	case CURVE_WELCOME:
		return curve_welcome(c);
	case CURVE_INITIATE:
		return curve_initiate(c);
	case CURVE_READY:
		return curve_ready(c);
	}
	return kzmq_mech_failed(m, KZMQ_MIB_BAD_COMMAND, 0);
}

const struct kzmq_mech_ops kzmq_mech_curve = {
	.name		= "CURVE",
	.size		= sizeof(struct curve),
	.usable		= kzmq_box_usable,
	.open		= true,
	.init		= curve_init,
	.start		= curve_start,
	.check		= curve_check,
	.command	= curve_command,
	.authed		= curve_authed,
};
