// SPDX-License-Identifier: GPL-2.0
/*
 * ZMTP greeting and detection of the peer's version.
 *
 * Both sides wait for each other, so ours goes out in steps: the signature at
 * once, the major version after the peer's signature, the rest after the
 * peer's major version. What cannot be a versioned greeting is the start of a
 * 1.0 peer's identity frame.
 */
#include "zmtp.h"

enum {
	GREET_FIRST = 0,	/* ff, else a 1.0 short length */
	GREET_LAST = 9,		/* bit 0 set, else the flags of a 1.0 frame */
	GREET_MAJOR = 10,
	GREET_MINOR = 11,	/* before 3.0: socket type */
	GREET_MECH = 12,
	GREET_AS_SERVER = 32,
};

/**
 * kzmq_greet_init() - prepare a greeting
 * @g:         to fill
 * @sock_type: our socket type
 * @mech:      our mechanism, at most 20 octets
 * @rid_len:   length of our routing id
 * @v3_only:   refuse older peers; set it with any mechanism but NULL and with
 *             a ZAP domain
 */
void kzmq_greet_init(struct kzmq_greet *g, int sock_type, const char *mech,
		     u8 rid_len, bool v3_only)
{
	memset(g, 0, sizeof(*g));
	g->type = (u8)sock_type;
	g->rid_len = rid_len;
	g->peer_type = 0xff;
	g->v3_only = v3_only;
	memcpy(g->mech, mech, strnlen(mech, sizeof(g->mech)));
}

/**
 * kzmq_greet_start() - the signature, to be sent at once
 * @g:   greeting
 * @out: room for KZMQ_GREET_SIG octets
 *
 * The pad holds the length of a 1.0 identity frame, so that an unversioned
 * peer takes the signature for the head of one.
 *
 * Return: octets written.
 */
size_t kzmq_greet_start(struct kzmq_greet *g, u8 *out)
{
	out[0] = 0xff;
	put_unaligned_be64((u64)g->rid_len + 1, out + 1);
	out[9] = 0x7f;
	g->sent = KZMQ_GREET_SIG;
	return KZMQ_GREET_SIG;
}

/* An identity is 0 to 255 octets; the length of its frame counts the flags. */
static int greet_unversioned(struct kzmq_greet *g)
{
	u64 len = g->in[0];

	if (len == 0xff)
		len = get_unaligned_be64(g->in + 1);
	if (!len || len > 256)
		return -EPROTO;
	if (g->v3_only)
		return -EPROTONOSUPPORT;
	g->ver = KZMQ_VER_UNVERSIONED;
	g->done = 1;
	return 0;
}

/* The peer's major version is in: send the rest of our greeting. */
static int greet_major(struct kzmq_greet *g, u8 *out, size_t *out_len)
{
	u8 *o = out + *out_len;

	if (g->in[GREET_MAJOR] <= 1) {
		if (g->v3_only)
			return -EPROTONOSUPPORT;
		g->ver = g->in[GREET_MAJOR] ? KZMQ_VER_2 : KZMQ_VER_1;
		o[0] = g->type;
		*out_len += 1;
		g->sent = KZMQ_GREET_V2;
		return 0;
	}
	g->ver = KZMQ_VER_31;
	memset(o, 0, KZMQ_GREET_V3 - GREET_MINOR);
	o[0] = 1;
	memcpy(o + GREET_MECH - GREET_MINOR, g->mech, KZMQ_MECH_LEN);
	o[GREET_AS_SERVER - GREET_MINOR] = g->serve;
	*out_len += KZMQ_GREET_V3 - GREET_MINOR;
	g->sent = KZMQ_GREET_V3;
	return 0;
}

static int greet_v3_complete(struct kzmq_greet *g)
{
	if (g->in[GREET_MAJOR] == 3 && !g->in[GREET_MINOR])
		g->ver = KZMQ_VER_30;
	if (memcmp(g->in + GREET_MECH, g->mech, KZMQ_MECH_LEN))
		return -EPERM;
	g->as_server = g->in[GREET_AS_SERVER];
	g->done = 1;
	return 0;
}

/* Look at the octet just stored in g->in. */
static int greet_octet(struct kzmq_greet *g, u8 *out, size_t *out_len)
{
	switch (g->in_len - 1) {
	case GREET_FIRST:
		return g->in[GREET_FIRST] == 0xff ? 0 : greet_unversioned(g);
	case GREET_LAST:
		if (!(g->in[GREET_LAST] & 1))
			return greet_unversioned(g);
		out[(*out_len)++] = 3;
		g->sent = GREET_MINOR;
		return 0;
	case GREET_MAJOR:
		return greet_major(g, out, out_len);
	case GREET_MINOR:
		if (g->ver < KZMQ_VER_30) {
			g->peer_type = g->in[GREET_MINOR];
			g->done = 1;
		}
		return 0;
	case KZMQ_GREET_V3 - 1:
		return greet_v3_complete(g);
	}
	return 0;
}

/**
 * kzmq_greet_feed() - take octets of the peer's greeting
 * @g:       greeting, kzmq_greet_start() was called
 * @p:       octets from the peer
 * @len:     how many
 * @out:     octets to be sent now, room for KZMQ_GREET_OUT
 * @out_len: how many, set in any case; on -EPERM what is there may be sent to
 *           tell the peer why, on other errors it is to be dropped
 *
 * For KZMQ_VER_UNVERSIONED g->in[0..in_len) is the start of the peer's
 * identity frame, to be replayed to a 1.0 decoder, and the signature we sent
 * was the header of ours: g->rid_len octets of body have to follow. An octet
 * beyond the greeting is never consumed. After an error or once g->done there
 * is nothing to feed.
 *
 * Return: octets consumed, or
 * -EPROTO:          neither a greeting nor a 1.0 identity frame
 * -EPROTONOSUPPORT: a peer older than 3.0, and those are refused
 * -EPERM:           another mechanism than ours
 */
int kzmq_greet_feed(struct kzmq_greet *g, const u8 *p, size_t len, u8 *out,
		    size_t *out_len)
{
	int used = 0;
	int err;

	*out_len = 0;
	while (!g->done && (size_t)used < len && g->in_len < sizeof(g->in)) {
		g->in[g->in_len++] = p[used++];
		err = greet_octet(g, out, out_len);
		if (err)
			return err;
	}
	return used;
}
