// SPDX-License-Identifier: GPL-2.0
/*
 * Salsa20 with the words of eight blocks side by side in a register.
 *
 * This file alone is compiled for AVX2, so nothing of the kernel's headers that
 * could be shared with other files is in it. Pure; no lock. Context: only between
 * kzmq_simd_begin() and kzmq_simd_end().
 */
#include "salsa20_wide.h"

typedef __u32 v8 __attribute__((vector_size(32)));

#define ROUNDS	20
#define ROL(x, n)	((x) << (n) | (x) >> (32 - (n)))

/* as in salsa20.c */
#define STEP(x, a, b, c, d) do {			\
	(x)[b] ^= ROL((x)[a] + (x)[d], 7);		\
	(x)[c] ^= ROL((x)[b] + (x)[a], 9);		\
	(x)[d] ^= ROL((x)[c] + (x)[b], 13);		\
	(x)[a] ^= ROL((x)[d] + (x)[c], 18);		\
} while (0)

/* words of @a (0 to 7) and of @b (8 to 15) */
#ifdef __clang__
#define PICK(a, b, ...)	__builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...)	__builtin_shuffle(a, b, (v8) { __VA_ARGS__ })
#endif

static inline v8 all(__u32 word)
{
	return (v8){} + word;
}

static inline void mix(v8 x[16])
{
	int i;

	for (i = 0; i < ROUNDS; i += 2) {
		STEP(x, 0, 4, 8, 12);
		STEP(x, 5, 9, 13, 1);
		STEP(x, 10, 14, 2, 6);
		STEP(x, 15, 3, 7, 11);
		STEP(x, 0, 1, 2, 3);
		STEP(x, 5, 6, 7, 4);
		STEP(x, 10, 11, 8, 9);
		STEP(x, 15, 12, 13, 14);
	}
}

/* of each half of @a, with the same of @b: 32 or 64 bits at a time */
#define LOW32(a, b)	PICK(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH32(a, b)	PICK(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW64(a, b)	PICK(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH64(a, b)	PICK(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
/* halves */
#define LOW128(a, b)	PICK(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH128(a, b)	PICK(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

static inline v8 load(const __u8 *p)
{
	v8 x;

	__builtin_memcpy(&x, p, sizeof(x));
	return x;
}

static inline void store(__u8 *p, v8 x)
{
	__builtin_memcpy(p, &x, sizeof(x));
}

/*
 * Four words of eight blocks become four words of two blocks in each: blocks b and
 * b + 4 in @x[b].
 */
static inline void turn(v8 x[4])
{
	v8 a = LOW32(x[0], x[1]), b = HIGH32(x[0], x[1]);
	v8 c = LOW32(x[2], x[3]), d = HIGH32(x[2], x[3]);

	x[0] = LOW64(a, c);
	x[1] = HIGH64(a, c);
	x[2] = LOW64(b, d);
	x[3] = HIGH64(b, d);
}

/* eight words of blocks b and b + 4, each half from one of @x and @y */
static inline void put(__u8 *dst, const __u8 *src, v8 x, v8 y)
{
	const int far = 4 * KZMQ_SALSA_BLOCK;
	v8 low = LOW128(x, y), high = HIGH128(x, y);

	if (src) {
		low ^= load(src);
		high ^= load(src + far);
	}
	store(dst, low);
	store(dst + far, high);
}

/* The eight blocks of @x, alone or with @src. */
static inline void finish(__u8 *dst, const __u8 *src, v8 x[16])
{
	turn(x);
	turn(x + 4);
	turn(x + 8);
	turn(x + 12);
#define PUT(b, w)	put(dst + KZMQ_SALSA_BLOCK * (b) + 4 * (w),		\
			    src ? src + KZMQ_SALSA_BLOCK * (b) + 4 * (w) : src,	\
			    x[(w) + (b)], x[(w) + 4 + (b)])
	PUT(0, 0);
	PUT(1, 0);
	PUT(2, 0);
	PUT(3, 0);
	PUT(0, 8);
	PUT(1, 8);
	PUT(2, 8);
	PUT(3, 8);
#undef PUT
}

/* Leave no key where others have their stack next. */
static inline void wipe(v8 x[16])
{
	int i;

	for (i = 0; i < 16; i++)
		x[i] = all(0);
	asm volatile("" : : "r" (x) : "memory");
}

/* The blocks whose inputs are @in, which is wiped. */
static inline void blocks(__u8 *dst, const __u8 *src, v8 in[16])
{
	v8 x[16];
	int i;

	for (i = 0; i < 16; i++)
		x[i] = in[i];
	mix(x);
	for (i = 0; i < 16; i++)
		x[i] += in[i];
	finish(dst, src, x);
	wipe(x);
	wipe(in);
}

/**
 * kzmq_salsa_eight() - encrypt or decrypt with the next eight blocks of a stream
 * @dst: KZMQ_SALSA_EIGHT octets
 * @src: as many; @dst itself, or memory that does not overlap it
 * @in:  the first block's input, whose number is so low that the low word of the
 *       others' does not wrap
 */
void kzmq_salsa_eight(__u8 *dst, const __u8 *src, const __u32 in[16])
{
	v8 x[16];
	int i;

	for (i = 0; i < 16; i++)
		x[i] = all(in[i]);
	x[8] += (v8){ 0, 1, 2, 3, 4, 5, 6, 7 };
	blocks(dst, src, x);
}

/**
 * kzmq_salsa_firsts() - the first blocks of streams whose nonces are counted
 * @ks:     KZMQ_SALSA_FIRST blocks of each of KZMQ_SALSA_STREAMS streams
 * @in:     input of a block, but for what tells these apart
 * @number: the first stream's nonce in big endian order, so low that the last
 *          stream's does not wrap
 */
void kzmq_salsa_firsts(__u8 ks[KZMQ_SALSA_EIGHT], const __u32 in[16],
		       __u64 number)
{
	const __u64 a = __builtin_bswap64(number);
	const __u64 b = __builtin_bswap64(number + 1);
	const __u64 c = __builtin_bswap64(number + 2);
	const __u64 d = __builtin_bswap64(number + 3);
	v8 x[16];
	int i;

	for (i = 0; i < 16; i++)
		x[i] = all(in[i]);
#define FORE(n)		((__u32)(n))
#define REAR(n)		((__u32)((n) >> 32))
#define TWICE(f)	((v8){ f(a), f(a), f(b), f(b), f(c), f(c), f(d), f(d) })
	x[6] = TWICE(FORE);
	x[7] = TWICE(REAR);
	x[8] = (v8){ 0, 1, 0, 1, 0, 1, 0, 1 };
	x[9] = all(0);
#undef TWICE
#undef FORE
#undef REAR
	blocks(ks, (void *)0, x);
}
