/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NaCl's boxes: X25519, XSalsa20 and Poly1305. A box is a tag of 16 octets and
 * as many octets as were put in.
 *
 * Whoever has the shared key of two key pairs, or any other secret key of 32
 * octets, seals and opens with it; NaCl calls the latter a secretbox.
 *
 * Nothing here locks or allocates. kzmq_keypair(), kzmq_box_public() and
 * kzmq_box_shared() are heavy, the first may sleep: process context. The rest
 * runs in any context but hard interrupts; how much is done at a time is the
 * caller's choice.
 *
 * In a kernel without the libraries for Curve25519 and Poly1305, and where the
 * self-test has failed, kzmq_box_usable() is false: then CURVE is refused where
 * it is asked for, and nothing else here is called.
 */
#ifndef KZMQ_BOX_H
#define KZMQ_BOX_H

#include "pure.h"
#include "salsa20.h"

#ifdef __KERNEL__
#include "compat/crypto.h"
#else
#include "crypto_user.h"	/* the unit tests have it */
#endif

#define KZMQ_KEY	32
#define KZMQ_NONCE	24
#define KZMQ_TAG	16
#define KZMQ_NONCE_HALF	16	/* what kzmq_box_ahead() takes of a nonce */

/**
 * struct kzmq_box_stream - a box being sealed or opened in pieces; secret
 * @salsa: the stream, past what became @poly's key
 * @poly:  the authenticator
 *
 * Sealing: kzmq_box_begin(), kzmq_box_seal_piece() for each piece,
 * kzmq_box_tag(), kzmq_box_end(). When the box lies together it is cheaper to
 * encrypt small pieces with kzmq_box_crypt_piece() and then to authenticate all of
 * it with one kzmq_box_auth_piece().
 *
 * Opening: kzmq_box_begin(), kzmq_box_auth_piece() for each piece,
 * kzmq_box_verify(); only when it says 0 kzmq_box_crypt_piece() for each, from
 * the first on; kzmq_box_end().
 *
 * Where nonces begin with the same 16 octets and the rest is counted,
 * kzmq_box_ahead() once and kzmq_box_begin_ahead() for each box save most of what
 * a short one costs. The boxes are the same.
 */
struct kzmq_box_stream {
	struct kzmq_xsalsa salsa;
	struct poly1305_desc_ctx poly;
};

void kzmq_box_init(void);
bool kzmq_box_usable(void);
int kzmq_box_selftest(void);

void kzmq_keypair(u8 pub[KZMQ_KEY], u8 sec[KZMQ_KEY]);
void kzmq_box_public(u8 pub[KZMQ_KEY], const u8 sec[KZMQ_KEY]);
int kzmq_box_shared(u8 k[KZMQ_KEY], const u8 pub[KZMQ_KEY],
		    const u8 sec[KZMQ_KEY]);

void kzmq_box_seal(u8 *dst, const u8 *src, size_t n,
		   const u8 nonce[KZMQ_NONCE], const u8 k[KZMQ_KEY]);
int kzmq_box_open(u8 *dst, const u8 *src, size_t n,
		  const u8 nonce[KZMQ_NONCE], const u8 k[KZMQ_KEY]);

void kzmq_box_begin(struct kzmq_box_stream *st, const u8 nonce[KZMQ_NONCE],
		    const u8 k[KZMQ_KEY]);
void kzmq_box_ahead(struct kzmq_salsa_ahead *a,
		    const u8 nonce[KZMQ_NONCE_HALF], const u8 k[KZMQ_KEY]);
void kzmq_box_begin_ahead(struct kzmq_box_stream *st,
			  struct kzmq_salsa_ahead *a, u64 number);
void kzmq_box_seal_piece(struct kzmq_box_stream *st, u8 *dst, const u8 *src,
			 size_t n);
void kzmq_box_tag(struct kzmq_box_stream *st, u8 tag[KZMQ_TAG]);
void kzmq_box_auth_piece(struct kzmq_box_stream *st, const u8 *p, size_t n);
int kzmq_box_verify(struct kzmq_box_stream *st, const u8 tag[KZMQ_TAG]);
void kzmq_box_crypt_piece(struct kzmq_box_stream *st, u8 *dst, const u8 *src,
			  size_t n);
void kzmq_box_end(struct kzmq_box_stream *st);
bool kzmq_box_same(const void *a, const void *b, size_t n);

#endif /* KZMQ_BOX_H */
