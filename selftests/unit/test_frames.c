// SPDX-License-Identifier: GPL-2.0
#include "tap.h"
#include "zmtp.h"

/* Decode one header, fed in pieces of step octets. */
static int dec(u8 ver, const void *in, size_t len, size_t step, bool *done,
	       struct kzmq_fhdr *h)
{
	struct kzmq_dec d;
	size_t used = 0, n;
	u8 *copy;
	int ret;

	*done = false;
	memset(h, 0xee, sizeof(*h));
	kzmq_dec_init(&d, ver);
	while (used < len && !*done) {
		n = min(step, len - used);
		copy = tap_dup((const u8 *)in + used, n);
		ret = kzmq_dec_header(&d, copy, n, done, h);
		free(copy);
		if (ret < 0)
			return ret;
		CHECK(ret > 0);
		CHECK((size_t)ret <= n);
		used += (size_t)ret;
	}
	CHECK(!*done || !d.have);
	return (int)used;
}

struct row {
	u8 ver;
	const char *in;
	u8 len;
	int used;	/* or an error */
	u64 size;
	u8 flags;
};

#define R(ver, in, used, size, flags) \
	{ KZMQ_VER_##ver, in, sizeof(in) - 1, used, size, flags }

static const struct row good[] = {
	R(31, "\0\2hi", 2, 2, 0),
	R(31, "\1\1a", 2, 1, KZMQ_F_MORE),
	R(31, "\0\1b", 2, 1, 0),
	R(31, "\0\0", 2, 0, 0),
	R(31, "\0\xff", 2, 255, 0),
	R(31, "\4\x29\5READY", 2, 41, KZMQ_F_CMD),
	R(31, "\4\x0b\x09SUBSCRIBE\x41", 2, 11, KZMQ_F_CMD),
	R(30, "\0\2\1\x41", 2, 2, 0),
	R(31, "\2\0\0\0\0\0\0\1\0", 9, 256, 0),
	R(31, "\3\0\0\0\1\0\0\0\0", 9, 1ull << 32, KZMQ_F_MORE),
	R(31, "\6\0\0\0\0\x80\0\0\0", 9, 1ull << 31, KZMQ_F_CMD),
	R(31, "\2\0\0\0\0\0\0\0\5", 9, 5, 0),
	R(31, "\2\0\0\0\0\0\0\0\0", 9, 0, 0),
	R(31, "\2\x7f\xff\xff\xff\xff\xff\xff\xff", 9, S64_MAX, 0),
	R(31, "\xf8\7", 2, 7, 0),
	R(31, "\xf9\7", 2, 7, KZMQ_F_MORE),
	R(31, "\xfc\7", 2, 7, KZMQ_F_CMD),
	R(2, "\4\7", 2, 7, 0),
	R(2, "\5\7", 2, 7, KZMQ_F_MORE),
	R(2, "\1\7", 2, 7, KZMQ_F_MORE),
	R(2, "\2\0\0\0\0\0\1\0\0", 9, 65536, 0),
	R(1, "\1\0", 2, 0, 0),
	R(1, "\6\0hello", 2, 5, 0),
	R(1, "\6\1hello", 2, 5, KZMQ_F_MORE),
	R(1, "\6\xfehello", 2, 5, 0),
	R(1, "\xfe\0", 2, 253, 0),
	R(1, "\xff\0\0\0\0\0\0\0\xff\1", 10, 254, KZMQ_F_MORE),
	R(1, "\xff\0\0\0\0\0\0\0\1\0", 10, 0, 0),
	R(1, "\xff\x80\0\0\0\0\0\0\0\0", 10, S64_MAX, 0),
	R(UNVERSIONED, "\1\0", 2, 0, 0),
	R(UNVERSIONED, "\4\0abc", 2, 3, 0),
	R(UNVERSIONED, "\xff\0\0\0\0\0\0\1\0\x7f", 10, 255, KZMQ_F_MORE),
};

/* CVE-2019-6250 and its like: sizes that wrap a sum or a sign. */
static const struct row bad[] = {
	R(31, "\2\x80\0\0\0\0\0\0\0", -EPROTO, 0, 0),
	R(31, "\2\xff\xff\xff\xff\xff\xff\xff\xff", -EPROTO, 0, 0),
	R(31, "\6\xff\xff\xff\xff\xff\xff\xff\xf0", -EPROTO, 0, 0),
	R(2, "\3\xff\xff\xff\xff\xff\xff\xff\xff", -EPROTO, 0, 0),
	R(31, "\5\1", -EPROTO, 0, 0),
	R(30, "\7\0\0\0\0\0\0\0\1", -EPROTO, 0, 0),
	R(30, "\xfd\1", -EPROTO, 0, 0),
	R(1, "\0", -EPROTO, 0, 0),
	R(1, "\0\0", -EPROTO, 0, 0),
	R(UNVERSIONED, "\0", -EPROTO, 0, 0),
	R(1, "\xff\0\0\0\0\0\0\0\0\0", -EPROTO, 0, 0),
	R(1, "\xff\x80\0\0\0\0\0\0\1\0", -EPROTO, 0, 0),
	R(1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", -EPROTO, 0, 0),
};

static void check_row(const struct row *r, size_t step)
{
	struct kzmq_fhdr h;
	bool done;

	CHECK_EQ(dec(r->ver, r->in, r->len, step, &done, &h), r->used);
	CHECK_EQ(done, r->used > 0);
	if (r->used > 0) {
		CHECK_EQ(h.size, r->size);
		CHECK_EQ(h.flags, r->flags);
	}
}

static void dec_header__at_once(void)
{
	size_t i;

	for (i = 0; i < TAP_ROW(good); i++)
		check_row(&good[i], good[i].len);
}

static void dec_header__any_split(void)
{
	size_t i, step;

	for (i = 0; i < TAP_ROW(good); i++) {
		for (step = 1; step < good[i].len; step++)
			check_row(&good[i], step);
	}
}

static void dec_header__malformed(void)
{
	size_t i, step;

	for (i = 0; i < TAP_ROW(bad); i++) {
		for (step = 1; step <= bad[i].len; step++)
			check_row(&bad[i], step);
	}
}

static void dec_header__unfinished(void)
{
	struct kzmq_fhdr h;
	size_t i;
	int n;
	bool done;

	for (i = 0; i < TAP_ROW(good); i++) {
		for (n = 1; n < good[i].used; n++) {
			CHECK_EQ(dec(good[i].ver, good[i].in, (size_t)n, 99,
				     &done, &h), n);
			CHECK(!done);
		}
	}
}

static void dec_header__reusable(void)
{
	static const u8 in[] = { 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3, 4, 5 };
	struct kzmq_fhdr h;
	struct kzmq_dec d;
	bool done;

	kzmq_dec_init(&d, KZMQ_VER_31);
	CHECK_EQ(kzmq_dec_header(&d, in, 1, &done, &h), 1);
	CHECK(!done);
	CHECK_EQ(kzmq_dec_header(&d, in + 1, 12, &done, &h), 1);
	CHECK(done);
	CHECK_EQ(kzmq_dec_header(&d, in + 2, 11, &done, &h), 9);
	CHECK(done);
	CHECK_EQ(h.size, 3);
	CHECK_EQ(kzmq_dec_header(&d, in + 11, 2, &done, &h), 2);
	CHECK(done);
	CHECK_EQ(h.size, 5);
	CHECK_EQ(h.flags, KZMQ_F_CMD);
}

static void enc_header__worked_bytes(void)
{
	u8 out[KZMQ_HDR_MAX];
	size_t n;

	n = kzmq_enc_header(out, KZMQ_VER_31, 2, 0);
	CHECK_MEM(out, n, "\0\2");
	n = kzmq_enc_header(out, KZMQ_VER_31, 255, KZMQ_F_MORE);
	CHECK_MEM(out, n, "\1\xff");
	n = kzmq_enc_header(out, KZMQ_VER_31, 256, KZMQ_F_MORE);
	CHECK_MEM(out, n, "\3\0\0\0\0\0\0\1\0");
	n = kzmq_enc_header(out, KZMQ_VER_30, 256, KZMQ_F_CMD);
	CHECK_MEM(out, n, "\6\0\0\0\0\0\0\1\0");
	n = kzmq_enc_header(out, KZMQ_VER_2, 3, KZMQ_F_CMD | KZMQ_F_MORE);
	CHECK_MEM(out, n, "\1\3");
	n = kzmq_enc_header(out, KZMQ_VER_2, 255, 0);
	CHECK_MEM(out, n, "\0\xff");
	n = kzmq_enc_header(out, KZMQ_VER_2, 256, 0);
	CHECK_MEM(out, n, "\2\0\0\0\0\0\0\1\0");
	n = kzmq_enc_header(out, KZMQ_VER_1, 5, 0);
	CHECK_MEM(out, n, "\6\0");
	n = kzmq_enc_header(out, KZMQ_VER_1, 253, KZMQ_F_MORE);
	CHECK_MEM(out, n, "\xfe\1");
	n = kzmq_enc_header(out, KZMQ_VER_UNVERSIONED, 254, 0);
	CHECK_MEM(out, n, "\xff\0\0\0\0\0\0\0\xff\0");
	n = kzmq_enc_header(out, KZMQ_VER_1, S64_MAX, 0);
	CHECK_MEM(out, n, "\xff\x80\0\0\0\0\0\0\0\0");
}

static void enc_header__round_trip(void)
{
	static const u64 sizes[] = {
		0, 1, 2, 252, 253, 254, 255, 256, 257, 65535, 65536,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, S64_MAX - 1,
		S64_MAX,
	};
	static const u8 all_flags[] = { 0, KZMQ_F_MORE, KZMQ_F_CMD };
	struct kzmq_fhdr h;
	u8 out[KZMQ_HDR_MAX];
	bool done;
	size_t i, n;
	u8 ver, flags;

	for (ver = 0; ver <= KZMQ_VER_31; ver++) {
		for (i = 0; i < TAP_ROW(sizes) * 3; i++) {
			flags = all_flags[i % 3];
			n = kzmq_enc_header(out, ver, sizes[i / 3], flags);
			CHECK_EQ(dec(ver, out, n, n, &done, &h), n);
			CHECK(done);
			CHECK_EQ(h.size, sizes[i / 3]);
			if (ver < KZMQ_VER_30)
				flags &= KZMQ_F_MORE;
			CHECK_EQ(h.flags, flags);
		}
	}
}

int main(void)
{
	RUN(dec_header__at_once);
	RUN(dec_header__any_split);
	RUN(dec_header__malformed);
	RUN(dec_header__unfinished);
	RUN(dec_header__reusable);
	RUN(enc_header__worked_bytes);
	RUN(enc_header__round_trip);
	return tap_done();
}
