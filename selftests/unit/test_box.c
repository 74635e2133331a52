// SPDX-License-Identifier: GPL-2.0
/* Salsa20 and boxes: the published numbers, then libsodium at the other end. */
#include "box.h"
#include "tap.h"

#define BIG	20000

/* Run a test with wide registers, if the machine has them, and without. */
#ifdef KZMQ_SALSA_HAS_WIDE
extern bool kzmq_simd_off;
#else
static bool kzmq_simd_off;
#endif

#define RUN_BOTH(test) do {		\
	RUN(test);			\
	kzmq_simd_off = true;		\
	RUN(test);			\
	kzmq_simd_off = false;		\
} while (0)

static void fill(u8 *p, size_t n)
{
	while (n--)
		*p++ = (u8)tap_rand();
}

static void box_init__published_numbers(void)
{
	CHECK(!kzmq_box_usable());
	kzmq_box_init();
	CHECK(kzmq_box_usable());
}

static void box_init__wrong_numbers(void)
{
	int i;

	for (i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
		crypto_fault = i;
		kzmq_box_init();
		CHECK(!kzmq_box_usable());
	}
	crypto_fault = FAULT_NONE;
}

static void hsalsa20__as_libsodium(void)
{
	u8 key[32], in[16], own[32], want[32];
	int i;

	for (i = 0; i < 200; i++) {
		fill(key, sizeof(key));
		fill(in, sizeof(in));
		kzmq_hsalsa20(own, in, key);
		crypto_core_hsalsa20(want, in, key, NULL);
		CHECK(!memcmp(own, want, 32));
		/* its own key may be overwritten */
		kzmq_hsalsa20(key, in, key);
		CHECK(!memcmp(key, want, 32));
	}
}

/* any cuts, any alignment, in place or not */
static void xsalsa_xor__pieces(void)
{
	u8 key[32], nonce[24], *src, *want, *buf;
	struct kzmq_xsalsa st;
	size_t n, at, m, off;
	int i;

	for (i = 0; i < 600; i++) {
		n = tap_rand() % (i % 10 ? 400 : 5000);
		off = tap_rand() % 8;
		src = malloc(n + 8);
		want = malloc(n + 1);
		buf = malloc(n + 8);
		fill(key, sizeof(key));
		fill(nonce, sizeof(nonce));
		fill(src, n + 8);
		crypto_stream_xsalsa20_xor(want, src + off, n, nonce, key);
		if (i & 1)
			memcpy(buf + off, src + off, n);
		kzmq_xsalsa_init(&st, key, nonce);
		for (at = 0; at < n; at += m) {
			m = tap_rand() % 4 ? tap_rand() % 70 : tap_rand() % 700;
			m = m < n - at ? m : n - at;
			kzmq_xsalsa_xor(&st, buf + off + at,
					(i & 1 ? buf : src) + off + at, m);
		}
		CHECK(!memcmp(buf + off, want, n));
		free(src);
		free(want);
		free(buf);
	}
}

/* the number of a block has 64 bits */
static void xsalsa_xor__number_carries(void)
{
	u8 key[32], nonce[24], src[300] = { 0 }, own[300], want[300];
	struct kzmq_xsalsa st;

	fill(key, sizeof(key));
	fill(nonce, sizeof(nonce));
	kzmq_xsalsa_init(&st, key, nonce);
	st.in[8] = 0xfffffffe;
	st.in[9] = 6;
	kzmq_xsalsa_xor(&st, own, src, sizeof(src));
	crypto_stream_xsalsa20_xor_ic(want, src, sizeof(src), nonce,
				      0x6fffffffeull, key);
	CHECK(!memcmp(own, want, sizeof(want)));
}

/* the number's low word is near its end: runs of eight must stop before it */
static void xsalsa_xor__number_carries_wide(void)
{
	static const u32 from[] = { U32_MAX, U32_MAX - 7, U32_MAX - 8,
				    U32_MAX - 64, U32_MAX - 65, U32_MAX - 80 };
	static u8 src[6000], own[6000], want[6000];
	u8 key[32], nonce[24];
	struct kzmq_xsalsa st;
	size_t i;

	fill(key, sizeof(key));
	fill(nonce, sizeof(nonce));
	fill(src, sizeof(src));
	for (i = 0; i < ARRAY_SIZE(from); i++) {
		kzmq_xsalsa_init(&st, key, nonce);
		st.in[8] = from[i];
		st.in[9] = 1;
		kzmq_xsalsa_xor(&st, own, src, sizeof(src));
		crypto_stream_xsalsa20_xor_ic(want, src, sizeof(src), nonce,
					      0x100000000ull | from[i], key);
		CHECK(!memcmp(own, want, sizeof(want)));
	}
}

/* every size in one call, then some more: nothing is lost of a stream */
static void xsalsa_xor__every_size(void)
{
	u8 key[32], nonce[24], src[1400], own[1400], want[1400];
	struct kzmq_xsalsa st;
	size_t n;

	fill(key, sizeof(key));
	fill(nonce, sizeof(nonce));
	fill(src, sizeof(src));
	crypto_stream_xsalsa20_xor(want, src, sizeof(src), nonce, key);
	for (n = 0; n <= sizeof(src); n++) {
		kzmq_xsalsa_init(&st, key, nonce);
		kzmq_xsalsa_xor(&st, own, src, n);
		kzmq_xsalsa_xor(&st, own + n, src + n, sizeof(src) - n);
		CHECK(!memcmp(own, want, sizeof(want)));
	}
}

static void keypair__agree_with_libsodium(void)
{
	u8 pub[32], sec[32], their_pub[32], their_sec[32], k[32], want[32];
	int i;

	for (i = 0; i < 20; i++) {
		kzmq_keypair(pub, sec);
		crypto_box_keypair(their_pub, their_sec);
		CHECK_EQ(kzmq_box_shared(k, their_pub, sec), 0);
		CHECK_EQ(crypto_box_beforenm(want, pub, their_sec), 0);
		CHECK(!memcmp(k, want, 32));
		kzmq_box_public(k, their_sec);
		CHECK(!memcmp(k, their_pub, 32));
		/* a secret key lies where its public one goes */
		kzmq_box_public(sec, sec);
		CHECK(!memcmp(pub, sec, 32));
	}
}

/* with some keys everybody shares the same: zero */
static void box_shared__small_order(void)
{
	static const u8 few[][32] = {
		{ 0 },
		{ 1 },
		{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56,
		  0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb,
		  0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
		  0xb8, 0x00 },
	};
	u8 pub[32], sec[32], k[32];
	size_t i;

	kzmq_keypair(pub, sec);
	for (i = 0; i < ARRAY_SIZE(few); i++) {
		memset(k, 7, sizeof(k));
		CHECK_EQ(kzmq_box_shared(k, few[i], sec), -EKEYREJECTED);
		CHECK(sodium_is_zero(k, 32));
	}
	/* p - 1 and p, which are other ways to write -1 and 0 */
	memset(pub, 0xff, sizeof(pub));
	pub[31] = 0x7f;
	for (i = 0; i < 2; i++) {
		pub[0] = (u8)(0xec + i);
		CHECK_EQ(kzmq_box_shared(k, pub, sec), -EKEYREJECTED);
	}
}

static void one_size(size_t n)
{
	u8 *m = malloc(n + 1), *own = malloc(n + 16), *want = malloc(n + 16);
	u8 key[32], nonce[24];

	fill(key, sizeof(key));
	fill(nonce, sizeof(nonce));
	fill(m, n);
	crypto_secretbox_easy(want, m, n, nonce, key);
	kzmq_box_seal(own, m, n, nonce, key);
	CHECK(!memcmp(own, want, n + 16));
	memcpy(own + 16, m, n);
	kzmq_box_seal(own, own + 16, n, nonce, key);
	CHECK(!memcmp(own, want, n + 16));

	memset(m, 0, n);
	CHECK_EQ(kzmq_box_open(m, own, n + 16, nonce, key), 0);
	CHECK_EQ(kzmq_box_open(own + 16, own, n + 16, nonce, key), 0);
	CHECK(!memcmp(m, own + 16, n));
	CHECK_EQ(crypto_secretbox_open_easy(own, want, n + 16, nonce, key), 0);
	CHECK(!memcmp(m, own, n));
	free(m);
	free(own);
	free(want);
}

static void box_seal__every_size(void)
{
	size_t n;

	for (n = 0; n < 300; n++)
		one_size(n);
	for (n = 0; n < 30; n++)
		one_size(tap_rand() % BIG);
	/* around what is done at a time */
	for (n = 4096 - 40; n < 4096 + 40; n++)
		one_size(n);
}

static size_t cut(size_t left)
{
	size_t m = tap_rand() % 4 ? tap_rand() % 100 : tap_rand() % 6000;

	return m < left ? m : left;
}

static void box_stream__pieces(void)
{
	static u8 m[BIG], own[BIG + 16], want[BIG + 16];
	struct kzmq_salsa_ahead ahead;
	struct kzmq_box_stream st;
	u8 key[32], nonce[24];
	size_t n, at, p;
	int i;

	for (i = 0; i < 200; i++) {
		n = tap_rand() % (i % 8 ? 900 : BIG);
		fill(key, sizeof(key));
		fill(nonce, sizeof(nonce));
		fill(m, n);
		crypto_secretbox_easy(want, m, n, nonce, key);
		kzmq_box_begin(&st, nonce, key);
		for (at = 0; at < n; at += p) {
			p = cut(n - at);
			kzmq_box_seal_piece(&st, own + 16 + at, m + at, p);
		}
		kzmq_box_tag(&st, own);
		kzmq_box_end(&st);
		CHECK(!memcmp(own, want, n + 16));
		CHECK(sodium_is_zero((u8 *)&st, sizeof(st)));

		kzmq_box_ahead(&ahead, nonce, key);
		kzmq_box_begin_ahead(&st, &ahead, get_unaligned_be64(nonce + 16));
		for (at = 0; at < n; at += p) {
			p = cut(n - at);
			kzmq_box_auth_piece(&st, own + 16 + at, p);
		}
		CHECK_EQ(kzmq_box_verify(&st, own), 0);
		for (at = 0; at < n; at += p) {
			p = cut(n - at);
			kzmq_box_crypt_piece(&st, own + 16 + at, own + 16 + at, p);
		}
		kzmq_box_end(&st);
		CHECK(!memcmp(own + 16, m, n));
	}
}

/* how numbers go on: mostly by one */
static u64 after(u64 number)
{
	u64 gap = tap_rand() % 4 ? 0 : tap_rand() % 9;

	return number + 1 + (gap < U64_MAX - number ? gap : 0);
}

/* Seal in any pieces what begins ahead; in both ways there are. */
static void seal_ahead(u8 *own, const u8 *m, size_t n,
		       struct kzmq_salsa_ahead *ahead, u64 number)
{
	struct kzmq_box_stream st;
	bool apart = tap_rand() & 1;
	size_t at, p;

	kzmq_box_begin_ahead(&st, ahead, number);
	for (at = 0; at < n; at += p) {
		p = cut(n - at);
		if (apart)
			kzmq_box_crypt_piece(&st, own + 16 + at, m + at, p);
		else
			kzmq_box_seal_piece(&st, own + 16 + at, m + at, p);
	}
	if (apart)
		kzmq_box_auth_piece(&st, own + 16, n);
	kzmq_box_tag(&st, own);
	kzmq_box_end(&st);
}

static int open_ahead(u8 *box, size_t n, struct kzmq_salsa_ahead *ahead,
		      u64 number)
{
	struct kzmq_box_stream st;
	size_t at, p;
	int ret;

	kzmq_box_begin_ahead(&st, ahead, number);
	kzmq_box_auth_piece(&st, box + 16, n);
	ret = kzmq_box_verify(&st, box);
	for (at = 0; !ret && at < n; at += p) {
		p = cut(n - at);
		kzmq_box_crypt_piece(&st, box + 16 + at, box + 16 + at, p);
	}
	kzmq_box_end(&st);
	return ret;
}

/* Boxes made ahead are those made one by one, whatever the numbers do. */
static void ahead_from(u64 number, u64 last, size_t size)
{
	struct kzmq_salsa_ahead out, in;
	u8 m[2000], own[2016], want[2016], key[32], nonce[24];
	size_t n;

	fill(key, sizeof(key));
	fill(nonce, sizeof(nonce));
	kzmq_box_ahead(&out, nonce, key);
	kzmq_box_ahead(&in, nonce, key);
	for (;; number = after(number)) {
		n = size < sizeof(m) ? size++ : tap_rand() % sizeof(m);
		fill(m, n);
		put_unaligned_be64(number, nonce + 16);
		crypto_secretbox_easy(want, m, n, nonce, key);
		kzmq_box_seal(own, m, n, nonce, key);
		CHECK(!memcmp(own, want, n + 16));
		memset(own, 0, n + 16);
		seal_ahead(own, m, n, &out, number);
		CHECK(!memcmp(own, want, n + 16));
		/* a box now and then does not arrive */
		if (tap_rand() % 16) {
			CHECK_EQ(open_ahead(own, n, &in, number), 0);
			CHECK(!memcmp(own + 16, m, n));
		}
		if (number >= last)
			break;
	}
}

static void box_ahead__same_boxes(void)
{
	int i;

	ahead_from(3, 4500, 0);
	/* octets and words of the number carry */
	for (i = 8; i < 64; i += 8)
		ahead_from((1ull << i) - 12, (1ull << i) + 5, 2000);
	/* no number comes after the last */
	ahead_from(U64_MAX - 40, U64_MAX, 60);
	ahead_from(U64_MAX, U64_MAX, 60);
}

/* What is kept is never of a number that was used or left out. */
static void box_ahead__nothing_twice(void)
{
	struct kzmq_salsa_ahead a;
	struct kzmq_box_stream st;
	u8 key[32], nonce[24];
	const u8 *end = (u8 *)(&a.ks + 1);
	u64 number = 1;
	int i;

	fill(key, sizeof(key));
	fill(nonce, sizeof(nonce));
	kzmq_box_ahead(&a, nonce, key);
	for (i = 0; i < 300; i++, number = after(number)) {
		kzmq_box_begin_ahead(&st, &a, number);
		if (kzmq_simd_off)
			CHECK_EQ(a.nr, 0);
		CHECK(a.nr < KZMQ_SALSA_STREAMS);
		CHECK(!a.nr || a.next == number + 1);
		if (a.next == number + 1)
			CHECK(sodium_is_zero((u8 *)a.ks, (size_t)(end -
				(u8 *)a.ks) - a.nr * KZMQ_SALSA_FIRSTS));
		kzmq_box_end(&st);
	}
}

#ifdef KZMQ_SALSA_HAS_WIDE
/* The registers are not there any more: what waits is used or wiped. */
static void box_ahead__registers_gone(void)
{
	struct kzmq_salsa_ahead a;
	struct kzmq_box_stream st;
	u8 key[32], nonce[24], m[100] = { 0 }, own[116], want[116];
	u64 number;

	fill(key, sizeof(key));
	fill(nonce, sizeof(nonce));
	kzmq_box_ahead(&a, nonce, key);
	kzmq_box_begin_ahead(&st, &a, 1);
	kzmq_simd_off = true;
	for (number = 2; number < 9; number += 1 + number / 3) {
		put_unaligned_be64(number, nonce + 16);
		kzmq_box_seal(want, m, sizeof(m), nonce, key);
		seal_ahead(own, m, sizeof(m), &a, number);
		CHECK(!memcmp(own, want, sizeof(want)));
	}
	kzmq_simd_off = false;
	CHECK_EQ(a.nr, 0);
	CHECK(sodium_is_zero((u8 *)a.ks, sizeof(a.ks)) || a.next == 0);
	kzmq_box_end(&st);
}
#endif

/* one that was used is made anew, as another key's is not */
static void box_ahead__forged(void)
{
	struct kzmq_salsa_ahead a, b;
	u8 m[100] = { 0 }, box[116], nonce[24], key[32];

	fill(key, sizeof(key));
	fill(nonce, sizeof(nonce));
	kzmq_box_ahead(&a, nonce, key);
	key[5] ^= 1;
	kzmq_box_ahead(&b, nonce, key);
	seal_ahead(box, m, sizeof(m), &a, 7);
	CHECK_EQ(open_ahead(box, sizeof(m), &b, 7), -EBADMSG);
	CHECK_EQ(open_ahead(box, sizeof(m), &a, 8), -EBADMSG);
	box[50] ^= 1;
	CHECK_EQ(open_ahead(box, sizeof(m), &a, 7), -EBADMSG);
	box[50] ^= 1;
	CHECK_EQ(open_ahead(box, sizeof(m), &a, 7), 0);
	CHECK(sodium_is_zero(box + 16, sizeof(m)));
}

/* every bit counts, and what is refused leaves no trace */
static void box_open__forged(void)
{
	u8 m[50], box[66], out[66], same[66], key[32], nonce[24];
	size_t i;

	fill(key, sizeof(key));
	fill(nonce, sizeof(nonce));
	fill(m, sizeof(m));
	kzmq_box_seal(box, m, sizeof(m), nonce, key);
	memset(same, 0xee, sizeof(same));
	memset(out, 0xee, sizeof(out));
	for (i = 0; i < 8 * sizeof(box); i++) {
		box[i / 8] ^= (u8)(1 << i % 8);
		CHECK_EQ(kzmq_box_open(out, box, sizeof(box), nonce, key),
			 -EBADMSG);
		box[i / 8] ^= (u8)(1 << i % 8);
	}
	for (i = 0; i < sizeof(box); i++)
		CHECK_EQ(kzmq_box_open(out, box, i, nonce, key), -EBADMSG);
	for (i = 0; i < 8 * sizeof(nonce); i++) {
		nonce[i / 8] ^= (u8)(1 << i % 8);
		CHECK_EQ(kzmq_box_open(out, box, sizeof(box), nonce, key),
			 -EBADMSG);
		nonce[i / 8] ^= (u8)(1 << i % 8);
	}
	CHECK(!memcmp(out, same, sizeof(out)));
	CHECK_EQ(kzmq_box_open(out, box, sizeof(box), nonce, key), 0);
}

static void box_same__differences(void)
{
	u8 a[64], b[64];
	size_t i;

	fill(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	CHECK(kzmq_box_same(a, b, sizeof(a)));
	CHECK(kzmq_box_same(a, b, 0));
	for (i = 0; i < sizeof(a); i++) {
		b[i] ^= 1;
		CHECK(!kzmq_box_same(a, b, sizeof(a)));
		b[i] ^= 1;
	}
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	RUN(box_init__wrong_numbers);
	RUN(box_init__published_numbers);
	RUN(hsalsa20__as_libsodium);
	RUN_BOTH(xsalsa_xor__pieces);
	RUN_BOTH(xsalsa_xor__every_size);
	RUN(xsalsa_xor__number_carries);
	RUN_BOTH(xsalsa_xor__number_carries_wide);
	RUN(keypair__agree_with_libsodium);
	RUN(box_shared__small_order);
	RUN_BOTH(box_seal__every_size);
	RUN_BOTH(box_stream__pieces);
	RUN_BOTH(box_ahead__same_boxes);
	RUN_BOTH(box_ahead__nothing_twice);
#ifdef KZMQ_SALSA_HAS_WIDE
	RUN(box_ahead__registers_gone);
#endif
	RUN(box_ahead__forged);
	RUN(box_open__forged);
	RUN(box_same__differences);
	return tap_done();
}
