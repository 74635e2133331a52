// SPDX-License-Identifier: GPL-2.0
/*
 * Salsa20 (D. J. Bernstein): sixteen words, mixed by twenty rounds of addition,
 * rotation and exclusive or. No table, no branch on anything secret. Pure; no
 * lock, any context.
 */
#include "salsa20.h"
#include "compat/simd.h"

/* So many runs of eight blocks before others may have the processor */
#define WIDE_RUNS	8
/* So many octets are worth a run, though not all of its blocks are used */
#define WIDE_LEAST	(2 * KZMQ_SALSA_BLOCK + 1)
#define ROUNDS		20

/* one step of a round: b takes in a and d, then c, d and a follow */
#define STEP(x, a, b, c, d) do {			\
	(x)[b] ^= rol32((x)[a] + (x)[d], 7);		\
	(x)[c] ^= rol32((x)[b] + (x)[a], 9);		\
	(x)[d] ^= rol32((x)[c] + (x)[b], 13);		\
	(x)[a] ^= rol32((x)[d] + (x)[c], 18);		\
} while (0)

static inline void salsa_mix(u32 x[16])
{
	int i;

	for (i = 0; i < ROUNDS; i += 2) {
		/* down the columns, each from its diagonal on */
		STEP(x, 0, 4, 8, 12);
		STEP(x, 5, 9, 13, 1);
		STEP(x, 10, 14, 2, 6);
		STEP(x, 15, 3, 7, 11);
		/* along the rows */
		STEP(x, 0, 1, 2, 3);
		STEP(x, 5, 6, 7, 4);
		STEP(x, 10, 11, 8, 9);
		STEP(x, 15, 12, 13, 14);
	}
}

static void salsa_load(u32 x[16], const u8 key[32], const u8 *in, int words)
{
	static const char sigma[] = "expand 32-byte k";
	int i;

	for (i = 0; i < 4; i++) {
		x[5 * i] = get_unaligned_le32(sigma + 4 * i);
		x[1 + i] = get_unaligned_le32(key + 4 * i);
		x[11 + i] = get_unaligned_le32(key + 16 + 4 * i);
		x[6 + i] = i < words ? get_unaligned_le32(in + 4 * i) : 0;
	}
}

/**
 * kzmq_hsalsa20() - a key out of a key and 16 octets
 * @out: the new key, 32 octets; may be @key
 * @in:  16 octets
 * @key: 32 octets
 */
void kzmq_hsalsa20(u8 out[32], const u8 in[16], const u8 key[32])
{
	u32 x[16];
	int i;

	salsa_load(x, key, in, 4);
	salsa_mix(x);
	for (i = 0; i < 4; i++) {
		put_unaligned_le32(x[5 * i], out + 4 * i);
		put_unaligned_le32(x[6 + i], out + 16 + 4 * i);
	}
	memzero_explicit(x, sizeof(x));
}

/**
 * kzmq_xsalsa_init() - begin a stream
 * @st:    the stream; holds secrets until memzero_explicit()
 * @key:   32 octets
 * @nonce: 24 octets, never the same twice for a key
 */
void kzmq_xsalsa_init(struct kzmq_xsalsa *st, const u8 key[32],
		      const u8 nonce[24])
{
	u8 sub[32];

	kzmq_hsalsa20(sub, nonce, key);
	salsa_load(st->in, sub, nonce + 16, 2);
	st->left = 0;
	memzero_explicit(sub, sizeof(sub));
}

/* the next block as words */
static void salsa_block(struct kzmq_xsalsa *st, u32 x[16])
{
	int i;

	memcpy(x, st->in, sizeof(st->in));
	salsa_mix(x);
	for (i = 0; i < 16; i++)
		x[i] += st->in[i];
	if (!++st->in[8])
		st->in[9]++;
}

/* Keep what is left of the stream before @end. */
static void salsa_keep(struct kzmq_xsalsa *st, const u8 *end, u32 left)
{
	memcpy(st->keep + sizeof(st->keep) - left, end - left, left);
	st->left = left;
}

/* octets of the stream that were kept */
static size_t salsa_rest(struct kzmq_xsalsa *st, u8 *dst, const u8 *src,
			 size_t n)
{
	const u8 *key = st->keep + sizeof(st->keep) - st->left;
	size_t i = 0;
	u64 x, y;

	n = min_t(size_t, n, st->left);
	for (; n - i >= sizeof(x); i += sizeof(x)) {
		memcpy(&x, src + i, sizeof(x));
		memcpy(&y, key + i, sizeof(y));
		x ^= y;
		memcpy(dst + i, &x, sizeof(x));
	}
	for (; i < n; i++)
		dst[i] = src[i] ^ key[i];
	st->left -= (u32)n;
	return n;
}

#ifdef KZMQ_SALSA_HAS_WIDE
/* The last octets, less than a run makes, of which some may be left then. */
static void salsa_wide_end(struct kzmq_xsalsa *st, u8 *dst, const u8 *src,
			   size_t n)
{
	u32 nr = (u32)(n + KZMQ_SALSA_BLOCK - 1) / KZMQ_SALSA_BLOCK;
	size_t whole = nr * KZMQ_SALSA_BLOCK;
	u8 ks[KZMQ_SALSA_EIGHT];

	memcpy(ks, src, n);
	memset(ks + n, 0, sizeof(ks) - n);
	kzmq_salsa_eight(ks, ks, st->in);
	memcpy(dst, ks, n);
	salsa_keep(st, ks + whole, (u32)(whole - n));
	st->in[8] += nr;
	memzero_explicit(ks, sizeof(ks));
}

/* Eight blocks at a time. Return: octets done; 0: not here, or too few. */
static size_t salsa_wide(struct kzmq_xsalsa *st, u8 *dst, const u8 *src,
			 size_t n)
{
	size_t done = 0;

	if (n < WIDE_LEAST ||
	    st->in[8] > U32_MAX - WIDE_RUNS * KZMQ_SALSA_WIDE ||
	    !kzmq_simd_begin())
		return 0;
	n = min_t(size_t, n, WIDE_RUNS * KZMQ_SALSA_EIGHT);
	for (; n - done >= KZMQ_SALSA_EIGHT; done += KZMQ_SALSA_EIGHT) {
		kzmq_salsa_eight(dst + done, src + done, st->in);
		st->in[8] += KZMQ_SALSA_WIDE;
	}
	if (n - done >= WIDE_LEAST) {
		salsa_wide_end(st, dst + done, src + done, n - done);
		done = n;
	}
	kzmq_simd_end();
	return done;
}

/* A stream begins with what was made before. */
static void salsa_first(struct kzmq_xsalsa *st, u8 head[KZMQ_SALSA_HEAD],
			const u8 ks[KZMQ_SALSA_FIRSTS])
{
	memcpy(head, ks, KZMQ_SALSA_HEAD);
	salsa_keep(st, ks + KZMQ_SALSA_FIRSTS, sizeof(st->keep));
	st->in[8] = KZMQ_SALSA_FIRST;
}

/* Make that of @number and the next ones. Return: false: not here. */
static bool salsa_more(struct kzmq_xsalsa *st, struct kzmq_salsa_ahead *a,
		       u64 number, u8 head[KZMQ_SALSA_HEAD])
{
	u8 ks[KZMQ_SALSA_EIGHT];

	if (number > U64_MAX - KZMQ_SALSA_STREAMS || !kzmq_simd_begin())
		return false;
	kzmq_salsa_firsts(ks, a->in, number);
	kzmq_simd_end();
	salsa_first(st, head, ks);
	memcpy(a->ks, ks + KZMQ_SALSA_FIRSTS, sizeof(a->ks));
	a->next = number + 1;
	a->nr = KZMQ_SALSA_AHEAD;
	memzero_explicit(ks, sizeof(ks));
	return true;
}

static bool salsa_ahead(struct kzmq_xsalsa *st, struct kzmq_salsa_ahead *a,
			u64 number, u8 head[KZMQ_SALSA_HEAD])
{
	/* wraps for a number that has been, which is none of those then */
	u64 skip = number - a->next;
	u32 nr = a->nr;
	u8 *ks;

	if (skip >= nr) {
		if (nr)
			memzero_explicit(a->ks, sizeof(a->ks));
		a->nr = 0;
		return salsa_more(st, a, number, head);
	}
	ks = a->ks[KZMQ_SALSA_AHEAD - nr];
	salsa_first(st, head, ks + skip * KZMQ_SALSA_FIRSTS);
	/* whom they were for has them: not to be used twice, nor found */
	memzero_explicit(ks, (skip + 1) * KZMQ_SALSA_FIRSTS);
	a->nr = nr - (u32)skip - 1;
	a->next = number + 1;
	return true;
}
#else
static size_t salsa_wide(struct kzmq_xsalsa *st, u8 *dst, const u8 *src,
			 size_t n)
{
	return 0;
}

static bool salsa_ahead(struct kzmq_xsalsa *st, struct kzmq_salsa_ahead *a,
			u64 number, u8 head[KZMQ_SALSA_HEAD])
{
	return false;
}
#endif

/**
 * kzmq_salsa_ahead_init() - nothing was made yet
 * @a:   what there is of streams not begun; holds secrets until memzero_explicit()
 * @sub: kzmq_hsalsa20() of the first 16 octets of all nonces and the key
 */
void kzmq_salsa_ahead_init(struct kzmq_salsa_ahead *a, const u8 sub[32])
{
	salsa_load(a->in, sub, NULL, 0);
	a->next = 0;
	a->nr = 0;
}

/**
 * kzmq_xsalsa_init_ahead() - begin a stream, with its first octets
 * @st:     the stream; holds secrets until memzero_explicit()
 * @a:      where it is looked for; what is not there is made, with the next ones
 *          where that costs nothing
 * @number: the nonce's last 8 octets, in big endian order; never the same twice
 * @head:   the stream's first octets
 */
void kzmq_xsalsa_init_ahead(struct kzmq_xsalsa *st, struct kzmq_salsa_ahead *a,
			    u64 number, u8 head[KZMQ_SALSA_HEAD])
{
	u8 rest[8];

	put_unaligned_be64(number, rest);
	memcpy(st->in, a->in, sizeof(st->in));
	st->in[6] = get_unaligned_le32(rest);
	st->in[7] = get_unaligned_le32(rest + 4);
	st->left = 0;
	if (salsa_ahead(st, a, number, head))
		return;
	memset(head, 0, KZMQ_SALSA_HEAD);
	kzmq_xsalsa_xor(st, head, head, KZMQ_SALSA_HEAD);
}

/* block after block */
static void salsa_narrow(struct kzmq_xsalsa *st, u8 *dst, const u8 *src,
			 size_t n)
{
	u8 last[KZMQ_SALSA_BLOCK];
	u32 x[16];
	int i;

	for (; n >= KZMQ_SALSA_BLOCK; n -= KZMQ_SALSA_BLOCK) {
		salsa_block(st, x);
		for (i = 0; i < 16; i++)
			put_unaligned_le32(get_unaligned_le32(src + 4 * i) ^
					   x[i], dst + 4 * i);
		dst += KZMQ_SALSA_BLOCK;
		src += KZMQ_SALSA_BLOCK;
	}
	if (n) {
		salsa_block(st, x);
		for (i = 0; i < 16; i++)
			put_unaligned_le32(x[i], last + 4 * i);
		salsa_keep(st, last + sizeof(last), sizeof(last));
		salsa_rest(st, dst, src, n);
		memzero_explicit(last, sizeof(last));
	}
	memzero_explicit(x, sizeof(x));
}

/**
 * kzmq_xsalsa_xor() - encrypt or decrypt the next octets
 * @st:  the stream, goes on where the last call has left it
 * @dst: where the result goes
 * @src: octets; @dst itself, or memory that does not overlap it
 * @n:   how many
 */
void kzmq_xsalsa_xor(struct kzmq_xsalsa *st, u8 *dst, const u8 *src, size_t n)
{
	size_t done = salsa_rest(st, dst, src, n);

	do {
		dst += done;
		src += done;
		n -= done;
		done = n ? salsa_wide(st, dst, src, n) : 0;
	} while (done);
	if (n)
		salsa_narrow(st, dst, src, n);
}
