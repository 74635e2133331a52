// SPDX-License-Identifier: GPL-2.0
/*
 * NaCl's boxes from the kernel's Curve25519 and Poly1305 and our Salsa20. A
 * box's stream begins with Poly1305's key, the content follows; the tag is over
 * what was encrypted. No lock; contexts as in box.h.
 */
#include "box.h"

#ifdef __KERNEL__
#include <linux/init.h>
#include <linux/random.h>
#endif

/* At a time: encrypted is what the authenticator then finds in the cache. */
#define CHUNK		4096

static bool box_usable __ro_after_init;

/**
 * kzmq_box_init() - find out whether boxes can be had; once, before all else
 */
void __init kzmq_box_init(void)
{
#ifdef KZMQ_HAVE_BOX
	if (!kzmq_crypto_there()) {
		pr_info("the kernel's Curve25519 and Poly1305 are not loaded: no CURVE\n");
		return;
	}
	box_usable = !kzmq_box_selftest();
	if (!box_usable)
		pr_err("self-test of cryptography failed, there will be no CURVE\n");
#endif
}

/**
 * kzmq_box_usable() - may anything else here be called?
 */
bool kzmq_box_usable(void)
{
	return box_usable;
}

/*
 * Secret keys of other programs are any 32 octets, and not every Curve25519 of
 * the kernel sets the bits which the function fixes.
 */
static void clamped(u8 e[KZMQ_KEY], const u8 sec[KZMQ_KEY])
{
	memcpy(e, sec, KZMQ_KEY);
	e[0] &= 0xf8;
	e[31] = (e[31] & 0x7f) | 0x40;
}

/**
 * kzmq_box_public() - the public key of a secret one
 * @pub: the public key; may be @sec
 * @sec: any 32 octets
 */
void kzmq_box_public(u8 pub[KZMQ_KEY], const u8 sec[KZMQ_KEY])
{
	u8 e[KZMQ_KEY];

	clamped(e, sec);
	/* cannot fail: no clamped number is a multiple of the point's order */
	if (!curve25519_generate_public(pub, e))
		memset(pub, 0, KZMQ_KEY);
	memzero_explicit(e, sizeof(e));
}

/**
 * kzmq_keypair() - new keys
 * @pub: the public key
 * @sec: the secret key
 */
void kzmq_keypair(u8 pub[KZMQ_KEY], u8 sec[KZMQ_KEY])
{
	get_random_bytes_wait(sec, KZMQ_KEY);
	kzmq_box_public(pub, sec);
}

/**
 * kzmq_box_shared() - the key for boxes between two key pairs
 * @k:   the shared key
 * @pub: the other's public key
 * @sec: our secret key
 *
 * Return: 0, or -EKEYREJECTED when @pub is one of the few with which everybody
 * shares the same; @k is zeros then.
 */
int kzmq_box_shared(u8 k[KZMQ_KEY], const u8 pub[KZMQ_KEY],
		    const u8 sec[KZMQ_KEY])
{
	static const u8 zero[16];
	u8 e[KZMQ_KEY], s[KZMQ_KEY];
	int ret = 0;

	clamped(e, sec);
	if (curve25519(s, e, pub)) {
		kzmq_hsalsa20(k, zero, s);
	} else {
		memset(k, 0, KZMQ_KEY);
		ret = -EKEYREJECTED;
	}
	memzero_explicit(e, sizeof(e));
	memzero_explicit(s, sizeof(s));
	return ret;
}

/**
 * kzmq_box_begin() - begin a box to be sealed or opened in pieces
 * @st:    the state, wiped by kzmq_box_end()
 * @nonce: never the same twice for a key
 * @k:     from kzmq_box_shared(), or a secret of 32 octets
 */
void kzmq_box_begin(struct kzmq_box_stream *st, const u8 nonce[KZMQ_NONCE],
		    const u8 k[KZMQ_KEY])
{
	u8 key[KZMQ_KEY] = { 0 };

	kzmq_xsalsa_init(&st->salsa, k, nonce);
	kzmq_xsalsa_xor(&st->salsa, key, key, sizeof(key));
	poly1305_init(&st->poly, key);
	memzero_explicit(key, sizeof(key));
}

/**
 * kzmq_box_ahead() - for many boxes whose nonces begin alike and end in a number
 * @a:     what kzmq_box_begin_ahead() needs; secret
 * @nonce: the first KZMQ_NONCE_HALF octets of their nonces
 * @k:     from kzmq_box_shared(), or a secret of 32 octets
 */
void kzmq_box_ahead(struct kzmq_salsa_ahead *a,
		    const u8 nonce[KZMQ_NONCE_HALF], const u8 k[KZMQ_KEY])
{
	u8 half[KZMQ_KEY];

	kzmq_hsalsa20(half, nonce, k);
	kzmq_salsa_ahead_init(a, half);
	memzero_explicit(half, sizeof(half));
}

/**
 * kzmq_box_begin_ahead() - kzmq_box_begin() for one of many boxes
 * @st:     the state, wiped by kzmq_box_end()
 * @a:      from kzmq_box_ahead(); cheap when each box has the next number
 * @number: the rest of the nonce, in big endian order; never the same twice
 *
 * Context: any; the caller sees to it that nobody else has @a.
 */
void kzmq_box_begin_ahead(struct kzmq_box_stream *st,
			  struct kzmq_salsa_ahead *a, u64 number)
{
	u8 key[KZMQ_SALSA_HEAD];

	kzmq_xsalsa_init_ahead(&st->salsa, a, number, key);
	poly1305_init(&st->poly, key);
	memzero_explicit(key, sizeof(key));
}

/**
 * kzmq_box_seal_piece() - encrypt the next octets and authenticate them
 * @st:  begun, nothing opened with it
 * @dst: where they go
 * @src: @dst itself, or memory that does not overlap it
 * @n:   how many, any number
 */
void kzmq_box_seal_piece(struct kzmq_box_stream *st, u8 *dst, const u8 *src,
			 size_t n)
{
	size_t m;

	for (; n; n -= m) {
		m = min_t(size_t, n, CHUNK);
		kzmq_xsalsa_xor(&st->salsa, dst, src, m);
		poly1305_update(&st->poly, dst, (unsigned int)m);
		dst += m;
		src += m;
	}
}

/**
 * kzmq_box_tag() - the tag of the pieces so far; the last piece was sealed
 * @st:  only kzmq_box_end() is left for it
 * @tag: KZMQ_TAG octets, go in front of the pieces
 */
void kzmq_box_tag(struct kzmq_box_stream *st, u8 tag[KZMQ_TAG])
{
	poly1305_final(&st->poly, tag);
}

/**
 * kzmq_box_auth_piece() - look at the next octets of a box
 * @st: begun, nothing sealed with it but by kzmq_box_crypt_piece()
 * @p:  encrypted octets
 * @n:  how many, any number
 */
void kzmq_box_auth_piece(struct kzmq_box_stream *st, const u8 *p, size_t n)
{
	size_t m;

	for (; n; n -= m) {
		m = min_t(size_t, n, CHUNK);
		poly1305_update(&st->poly, p, (unsigned int)m);
		p += m;
	}
}

/**
 * kzmq_box_verify() - were these the octets that were sealed?
 * @st:  has seen all pieces
 * @tag: what came in front of them
 *
 * Return: 0, or -EBADMSG: nothing of the box may be believed or decrypted.
 */
int kzmq_box_verify(struct kzmq_box_stream *st, const u8 tag[KZMQ_TAG])
{
	u8 own[KZMQ_TAG];
	int ret;

	poly1305_final(&st->poly, own);
	ret = crypto_memneq(own, tag, KZMQ_TAG) ? -EBADMSG : 0;
	/* of a forged box it would tell what is missing */
	memzero_explicit(own, sizeof(own));
	return ret;
}

/**
 * kzmq_box_crypt_piece() - decrypt or encrypt the next octets, from the first on
 * @st:  to decrypt: kzmq_box_verify() has said 0; to encrypt: begun
 * @dst: where they go
 * @src: @dst itself, or memory that does not overlap it
 * @n:   how many, any number
 */
void kzmq_box_crypt_piece(struct kzmq_box_stream *st, u8 *dst, const u8 *src,
			  size_t n)
{
	kzmq_xsalsa_xor(&st->salsa, dst, src, n);
}

/**
 * kzmq_box_end() - wipe what a box has left
 * @st: begun
 */
void kzmq_box_end(struct kzmq_box_stream *st)
{
	memzero_explicit(st, sizeof(*st));
}

/**
 * kzmq_box_seal() - seal octets that lie together
 * @dst:   the box, KZMQ_TAG + @n octets
 * @src:   the content: @dst + KZMQ_TAG, or memory that does not overlap @dst
 * @n:     how many octets of content
 * @nonce: never the same twice for a key
 * @k:     from kzmq_box_shared(), or a secret of 32 octets
 */
void kzmq_box_seal(u8 *dst, const u8 *src, size_t n,
		   const u8 nonce[KZMQ_NONCE], const u8 k[KZMQ_KEY])
{
	struct kzmq_box_stream st;

	kzmq_box_begin(&st, nonce, k);
	kzmq_box_seal_piece(&st, dst + KZMQ_TAG, src, n);
	kzmq_box_tag(&st, dst);
	kzmq_box_end(&st);
}

/**
 * kzmq_box_open() - open a box that lies together
 * @dst:   the content, @n - KZMQ_TAG octets; not written to when that fails
 * @src:   the box: @dst - KZMQ_TAG, or memory that does not overlap @dst
 * @n:     how many octets of box, the tag included
 * @nonce: what it was sealed with
 * @k:     from kzmq_box_shared(), or a secret of 32 octets
 *
 * Return: 0, or -EBADMSG: too short, or not what was sealed.
 */
int kzmq_box_open(u8 *dst, const u8 *src, size_t n,
		  const u8 nonce[KZMQ_NONCE], const u8 k[KZMQ_KEY])
{
	struct kzmq_box_stream st;
	int ret;

	if (n < KZMQ_TAG)
		return -EBADMSG;
	n -= KZMQ_TAG;
	kzmq_box_begin(&st, nonce, k);
	kzmq_box_auth_piece(&st, src + KZMQ_TAG, n);
	ret = kzmq_box_verify(&st, src);
	if (!ret)
		kzmq_box_crypt_piece(&st, dst, src + KZMQ_TAG, n);
	kzmq_box_end(&st);
	return ret;
}

/**
 * kzmq_box_same() - compare secrets, in a time that tells nothing of them
 * @a: octets
 * @b: octets
 * @n: how many of each
 */
bool kzmq_box_same(const void *a, const void *b, size_t n)
{
	return !crypto_memneq(a, b, n);
}
