/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CURVE's commands as octets (RFC 26): where what stands in them, whether one
 * has its form, and what nonce goes with which box. No cryptography.
 *
 * A command is the body of a frame, its name included. All layouts are of
 * octets only, so a struct may be laid over any address.
 */
#ifndef KZMQ_ZMTP_CURVE_H
#define KZMQ_ZMTP_CURVE_H

#include "zmtp.h"

#define KZMQ_CURVE_KEY		32	/* a public or secret key */
#define KZMQ_CURVE_TAG		16	/* what a box is longer than its content */
#define KZMQ_CURVE_NONCE	24	/* a whole nonce */
#define KZMQ_CURVE_LONG		16	/* octets of a nonce sent, drawn at random */
#define KZMQ_CURVE_SHORT	8	/* octets of a nonce sent, counted */

#define KZMQ_CURVE_BOX(n)	(KZMQ_CURVE_TAG + (n))

/* flags inside a MESSAGE; COMMAND is another bit than in a frame's header */
#define KZMQ_CURVE_F_MORE	0x01
#define KZMQ_CURVE_F_CMD	0x02

/**
 * struct kzmq_curve_hello - HELLO, client to server
 * @name:    "\5HELLO"
 * @version: 1, 0
 * @zero:    so that the answer is not longer than the question
 * @client:  the client's short-term public key
 * @nonce:   short
 * @box:     64 zeros, from the client's short-term to the server's long-term key
 */
struct kzmq_curve_hello {
	u8 name[6];
	u8 version[2];
	u8 zero[72];
	u8 client[KZMQ_CURVE_KEY];
	u8 nonce[KZMQ_CURVE_SHORT];
	u8 box[KZMQ_CURVE_BOX(64)];
};

/**
 * struct kzmq_curve_cookie - what the server gives away instead of keeping it
 * @nonce: long
 * @box:   struct kzmq_curve_cookie_in, by a key of the server's own
 */
struct kzmq_curve_cookie {
	u8 nonce[KZMQ_CURVE_LONG];
	u8 box[KZMQ_CURVE_BOX(2 * KZMQ_CURVE_KEY)];
};

/**
 * struct kzmq_curve_cookie_in - what is in a cookie; secret
 * @client: the client's short-term public key
 * @secret: the server's short-term secret key
 */
struct kzmq_curve_cookie_in {
	u8 client[KZMQ_CURVE_KEY];
	u8 secret[KZMQ_CURVE_KEY];
};

/**
 * struct kzmq_curve_welcome_in - what is in WELCOME's box
 * @server: the server's short-term public key
 * @cookie: comes back in INITIATE
 */
struct kzmq_curve_welcome_in {
	u8 server[KZMQ_CURVE_KEY];
	struct kzmq_curve_cookie cookie;
};

/**
 * struct kzmq_curve_welcome - WELCOME, server to client
 * @name:  "\7WELCOME"
 * @nonce: long
 * @box:   struct kzmq_curve_welcome_in, from the server's long-term to the
 *         client's short-term key
 */
struct kzmq_curve_welcome {
	u8 name[8];
	u8 nonce[KZMQ_CURVE_LONG];
	u8 box[KZMQ_CURVE_BOX(sizeof(struct kzmq_curve_welcome_in))];
};

/**
 * struct kzmq_curve_vouch - the client's long-term key stands up for the other
 * @nonce: long
 * @box:   struct kzmq_curve_vouch_in, from the client's long-term to the
 *         server's short-term key
 */
struct kzmq_curve_vouch {
	u8 nonce[KZMQ_CURVE_LONG];
	u8 box[KZMQ_CURVE_BOX(2 * KZMQ_CURVE_KEY)];
};

/**
 * struct kzmq_curve_vouch_in - what is in a vouch
 * @client: the client's short-term public key
 * @server: the server's long-term public key
 */
struct kzmq_curve_vouch_in {
	u8 client[KZMQ_CURVE_KEY];
	u8 server[KZMQ_CURVE_KEY];
};

/**
 * struct kzmq_curve_initiate_in - what is in INITIATE's box, before metadata
 * @client: the client's long-term public key
 * @vouch:  for its short-term key
 * @meta:   to the end of the box
 */
struct kzmq_curve_initiate_in {
	u8 client[KZMQ_CURVE_KEY];
	struct kzmq_curve_vouch vouch;
	u8 meta[];
};

/**
 * struct kzmq_curve_initiate - INITIATE, client to server
 * @name:   "\10INITIATE"
 * @cookie: as it came in WELCOME
 * @nonce:  short
 * @box:    struct kzmq_curve_initiate_in, between the short-term keys
 */
struct kzmq_curve_initiate {
	u8 name[9];
	struct kzmq_curve_cookie cookie;
	u8 nonce[KZMQ_CURVE_SHORT];
	u8 box[];
};

/**
 * struct kzmq_curve_ready - READY, server to client
 * @name:  "\5READY"
 * @nonce: short
 * @box:   metadata, between the short-term keys
 */
struct kzmq_curve_ready {
	u8 name[6];
	u8 nonce[KZMQ_CURVE_SHORT];
	u8 box[];
};

/**
 * struct kzmq_curve_message - MESSAGE, both ways
 * @name:  "\7MESSAGE"
 * @nonce: short
 * @tag:   of the box, the rest of which follows: flags (KZMQ_CURVE_F_*) and body
 */
struct kzmq_curve_message {
	u8 name[8];
	u8 nonce[KZMQ_CURVE_SHORT];
	u8 tag[KZMQ_CURVE_TAG];
};

#define KZMQ_CURVE_HELLO	200
#define KZMQ_CURVE_COOKIE	96
#define KZMQ_CURVE_WELCOME	168
#define KZMQ_CURVE_VOUCH	96
#define KZMQ_CURVE_INITIATE	257	/* without metadata */
#define KZMQ_CURVE_READY	30	/* without metadata */
#define KZMQ_CURVE_MESSAGE	33	/* without a body: one octet is the flags */

/* Which box a nonce is for; the octets it begins with depend on it. */
enum kzmq_curve_use {
	KZMQ_CURVE_N_HELLO,	/* short */
	KZMQ_CURVE_N_WELCOME,	/* long */
	KZMQ_CURVE_N_COOKIE,	/* long */
	KZMQ_CURVE_N_INITIATE,	/* short */
	KZMQ_CURVE_N_VOUCH,	/* long */
	KZMQ_CURVE_N_READY,	/* short */
	KZMQ_CURVE_N_CLIENT,	/* short: a MESSAGE of the client */
	KZMQ_CURVE_N_SERVER,	/* short: a MESSAGE of the server */
};

void kzmq_curve_nonce(u8 nonce[KZMQ_CURVE_NONCE], enum kzmq_curve_use use,
		      const u8 *sent);
size_t kzmq_curve_begin(u8 *out, enum kzmq_cmd_id id);
int kzmq_curve_check(const u8 *body, size_t len, enum kzmq_cmd_id want);
int kzmq_curve_message(const u8 *body, size_t len, u64 last, u64 *nonce);

/**
 * kzmq_curve_count() - write a short nonce as it is sent
 * @out: where, KZMQ_CURVE_SHORT octets
 * @n:   the number, one more than that of the last box in this direction
 */
static inline void kzmq_curve_count(u8 *out, u64 n)
{
	put_unaligned_be64(n, out);
}

/**
 * kzmq_curve_counted() - read a short nonce
 * @p: KZMQ_CURVE_SHORT octets
 */
static inline u64 kzmq_curve_counted(const u8 *p)
{
	return get_unaligned_be64(p);
}

#endif /* KZMQ_ZMTP_CURVE_H */
