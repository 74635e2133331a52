// SPDX-License-Identifier: GPL-2.0
#include "tap.h"
#include "zmtp.h"

#define SIG	"\xff\0\0\0\0\0\0\0\1\x7f"
#define NULLM	"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define PLAINM	"PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define FILL	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define V31	SIG "\3\1" NULLM "\0" FILL

/* All we send and what comes of it, for a peer's octets in pieces of step. */
struct talk {
	struct kzmq_greet g;
	u8 out[256];
	size_t out_len;
	size_t used;
	int err;
};

static void talk(struct talk *t, const void *in, size_t len, size_t step,
		 bool v3_only)
{
	u8 *copy;
	size_t n, o;
	int ret;

	t->err = 0;
	t->used = 0;
	kzmq_greet_init(&t->g, KZMQ_TYPE_DEALER, "NULL", 0, v3_only);
	t->out_len = kzmq_greet_start(&t->g, t->out);
	while (t->used < len && !t->g.done && !t->err) {
		n = min(step, len - t->used);
		copy = tap_dup((const u8 *)in + t->used, n);
		ret = kzmq_greet_feed(&t->g, copy, n, t->out + t->out_len, &o);
		free(copy);
		t->out_len += o;
		if (ret < 0)
			t->err = ret;
		else
			t->used += (size_t)ret;
	}
}

#define TALK(t, in, step) talk(t, in, sizeof(in) - 1, step, false)

static void greet_start__empty_id(void)
{
	struct kzmq_greet g;
	u8 out[10];

	kzmq_greet_init(&g, KZMQ_TYPE_PULL, "NULL", 0, false);
	CHECK_EQ(kzmq_greet_start(&g, out), 10);
	CHECK_MEM(out, 10, SIG);
	CHECK_EQ(g.sent, 10);
}

static void greet_start__id_length_in_pad(void)
{
	struct kzmq_greet g;
	u8 out[10];

	kzmq_greet_init(&g, KZMQ_TYPE_PULL, "NULL", 255, false);
	kzmq_greet_start(&g, out);
	CHECK_MEM(out, 10, "\xff\0\0\0\0\0\0\1\0\x7f");
}

static void greet_feed__v31(void)
{
	struct talk t;

	TALK(&t, V31, 64);
	CHECK_EQ(t.err, 0);
	CHECK_EQ(t.g.done, 1);
	CHECK_EQ(t.g.ver, KZMQ_VER_31);
	CHECK_EQ(t.used, 64);
	CHECK_MEM(t.out, t.out_len, V31);
}

static void greet_feed__stepwise(void)
{
	struct kzmq_greet g;
	u8 out[KZMQ_GREET_OUT];
	size_t o;

	kzmq_greet_init(&g, KZMQ_TYPE_DEALER, "NULL", 0, false);
	kzmq_greet_start(&g, out);
	CHECK_EQ(kzmq_greet_feed(&g, (const u8 *)SIG, 9, out, &o), 9);
	CHECK_EQ(o, 0);
	CHECK_EQ(kzmq_greet_feed(&g, (const u8 *)"\x7f", 1, out, &o), 1);
	CHECK_MEM(out, o, "\3");
	CHECK_EQ(g.sent, 11);
	CHECK_EQ(kzmq_greet_feed(&g, (const u8 *)"\3", 1, out, &o), 1);
	CHECK_MEM(out, o, "\1" NULLM "\0" FILL);
	CHECK_EQ(g.sent, 64);
	CHECK_EQ(g.done, 0);
}

static void greet_feed__versions(void)
{
	static const struct {
		u8 major, minor, ver;
	} row[] = {
		{ 3, 0, KZMQ_VER_30 }, { 3, 1, KZMQ_VER_31 },
		{ 3, 2, KZMQ_VER_31 }, { 3, 255, KZMQ_VER_31 },
		{ 2, 0, KZMQ_VER_31 }, { 4, 0, KZMQ_VER_31 },
		{ 255, 9, KZMQ_VER_31 }, { 0, 8, KZMQ_VER_1 },
		{ 1, 8, KZMQ_VER_2 },
	};
	struct talk t;
	u8 in[64];
	size_t i, n;

	for (i = 0; i < TAP_ROW(row); i++) {
		memcpy(in, V31, 64);
		in[10] = row[i].major;
		in[11] = row[i].minor;
		n = row[i].ver < KZMQ_VER_30 ? 12 : 64;
		talk(&t, in, 64, 64, false);
		CHECK_EQ(t.err, 0);
		CHECK_EQ(t.g.done, 1);
		CHECK_EQ(t.g.ver, row[i].ver);
		CHECK_EQ(t.used, n);
		CHECK_EQ(t.out_len, n);
		CHECK_EQ(t.g.peer_type, n == 12 ? 8 : 0xff);
	}
}

static void greet_feed__v2_type_octet(void)
{
	struct talk t;

	TALK(&t, SIG "\1\6\0\0", 64);
	CHECK_EQ(t.g.done, 1);
	CHECK_EQ(t.g.ver, KZMQ_VER_2);
	CHECK_EQ(t.g.peer_type, KZMQ_TYPE_ROUTER);
	CHECK_MEM(t.out, t.out_len, SIG "\3\5");
}

static void greet_feed__v2_type_sent_before_peers(void)
{
	struct talk t;

	TALK(&t, SIG "\1", 64);
	CHECK_EQ(t.g.done, 0);
	CHECK_MEM(t.out, t.out_len, SIG "\3\5");
}

static void greet_feed__unversioned_short(void)
{
	struct talk t;

	/* what a 1.0 PUSH sends: an empty identity, then "hello" */
	TALK(&t, "\1\0\6\0hello", 64);
	CHECK_EQ(t.err, 0);
	CHECK_EQ(t.g.done, 1);
	CHECK_EQ(t.g.ver, KZMQ_VER_UNVERSIONED);
	CHECK_EQ(t.used, 1);
	CHECK_MEM(t.g.in, t.g.in_len, "\1");
	CHECK_MEM(t.out, t.out_len, SIG);
}

/* The octets taken for the greeting start the identity frame. */
static void greet_feed__unversioned_replay(void)
{
	static const char in[] = "\3\0id\6\0hello";
	struct kzmq_fhdr h;
	struct kzmq_dec d;
	struct talk t;
	bool done;

	TALK(&t, in, 64);
	CHECK_EQ(t.g.ver, KZMQ_VER_UNVERSIONED);
	kzmq_dec_init(&d, t.g.ver);
	CHECK_EQ(kzmq_dec_header(&d, t.g.in, t.g.in_len, &done, &h), 1);
	CHECK(!done);
	CHECK_EQ(kzmq_dec_header(&d, (const u8 *)in + t.used, 9, &done, &h), 1);
	CHECK(done);
	CHECK_EQ(h.size, 2);
	CHECK_EQ(kzmq_dec_header(&d, (const u8 *)in + 4, 7, &done, &h), 2);
	CHECK(done);
	CHECK_EQ(h.size, 5);
}

static void greet_feed__unversioned_long(void)
{
	struct talk t;

	TALK(&t, "\xff\0\0\0\0\0\0\1\0\0abc", 64);
	CHECK_EQ(t.err, 0);
	CHECK_EQ(t.g.ver, KZMQ_VER_UNVERSIONED);
	CHECK_EQ(t.used, 10);
	CHECK_EQ(t.g.in_len, 10);
	CHECK_MEM(t.out, t.out_len, SIG);
}

static void greet_feed__unversioned_bad(void)
{
	struct talk t;

	TALK(&t, "\0", 64);
	CHECK_EQ(t.err, -EPROTO);
	TALK(&t, "\xff\0\0\0\0\0\0\0\0\0", 64);
	CHECK_EQ(t.err, -EPROTO);
	TALK(&t, "\xff\0\0\0\0\0\0\1\1\0", 64);
	CHECK_EQ(t.err, -EPROTO);
	TALK(&t, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", 64);
	CHECK_EQ(t.err, -EPROTO);
}

/* CVE-2014-7202, CVE-2014-9721: no way around the mechanism. */
static void greet_feed__downgrade_refused(void)
{
	struct talk t;

	talk(&t, SIG "\0\1", 12, 64, true);
	CHECK_EQ(t.err, -EPROTONOSUPPORT);
	talk(&t, SIG "\1\1", 12, 64, true);
	CHECK_EQ(t.err, -EPROTONOSUPPORT);
	talk(&t, "\1\0", 2, 64, true);
	CHECK_EQ(t.err, -EPROTONOSUPPORT);
	talk(&t, "\xff\0\0\0\0\0\0\0\1\0", 10, 64, true);
	CHECK_EQ(t.err, -EPROTONOSUPPORT);
	talk(&t, V31, 64, 64, true);
	CHECK_EQ(t.err, 0);
	CHECK_EQ(t.g.done, 1);
}

static void greet_feed__mechanism_mismatch(void)
{
	struct talk t;
	u8 in[64];

	TALK(&t, SIG "\3\1" PLAINM "\0" FILL, 64);
	CHECK_EQ(t.err, -EPERM);
	CHECK_EQ(t.g.done, 0);
	CHECK_MEM(t.out, t.out_len, V31);
	/* all twenty octets count */
	memcpy(in, V31, 64);
	in[31] = 'x';
	talk(&t, in, 64, 64, false);
	CHECK_EQ(t.err, -EPERM);
}

static void greet_feed__as_server_and_filler_ignored(void)
{
	struct talk t;
	u8 in[64];

	memcpy(in, V31, 64);
	memset(in + 32, 0xaa, 32);
	talk(&t, in, 64, 64, false);
	CHECK_EQ(t.err, 0);
	CHECK_EQ(t.g.as_server, 0xaa);
}

static void greet_feed__a_server_says_so(void)
{
	struct talk t;
	size_t n;
	u8 out[KZMQ_GREET_OUT];

	kzmq_greet_init(&t.g, KZMQ_TYPE_PULL, "PLAIN", 0, true);
	t.g.serve = true;
	kzmq_greet_start(&t.g, out);
	CHECK_EQ(kzmq_greet_feed(&t.g, (const u8 *)SIG "\3\1" PLAINM "\0" FILL,
				 64, out, &n), 64);
	CHECK_EQ(n, KZMQ_GREET_V3 - KZMQ_GREET_SIG);
	CHECK_EQ(out[32 - KZMQ_GREET_SIG], 1);
	CHECK_EQ(out[33 - KZMQ_GREET_SIG], 0);
}

static void greet_feed__not_beyond_greeting(void)
{
	struct talk t;
	size_t o;

	TALK(&t, V31 "\4\x29\5READY", 1000);
	CHECK_EQ(t.g.done, 1);
	CHECK_EQ(t.used, 64);
	CHECK_EQ(kzmq_greet_feed(&t.g, (const u8 *)"x", 1, t.out, &o), 0);
	CHECK_EQ(o, 0);
}

static void greet_feed__after_mismatch_takes_nothing(void)
{
	struct talk t;
	size_t o;

	TALK(&t, SIG "\3\1" PLAINM "\0" FILL, 64);
	CHECK_EQ(t.err, -EPERM);
	CHECK_EQ(kzmq_greet_feed(&t.g, (const u8 *)"x", 1, t.out, &o), 0);
}

static void greet_init__mechanism_of_20(void)
{
	struct kzmq_greet g;

	kzmq_greet_init(&g, 0, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 0, false);
	CHECK_MEM(g.mech, sizeof(g.mech), "ABCDEFGHIJKLMNOPQRST");
}

static void greet_feed__any_split(void)
{
	static const struct {
		const char *in;
		size_t len;
	} row[] = {
		{ V31 "\0\2hi", 68 },
		{ SIG "\3\0" NULLM "\0" FILL, 64 },
		{ SIG "\3\1" PLAINM "\0" FILL, 64 },
		{ SIG "\1\2\0\0", 14 },
		{ SIG "\0\2\1\0", 14 },
		{ "\5\0abcd", 6 },
		{ "\xff\0\0\0\0\0\0\1\0\0ab", 12 },
		{ "\xff\0\0\0\0\0\0\2\0\0ab", 12 },
		{ "\0", 1 },
	};
	struct talk one, many;
	size_t i, step;

	for (i = 0; i < TAP_ROW(row); i++) {
		talk(&one, row[i].in, row[i].len, row[i].len, false);
		for (step = 1; step < row[i].len; step++) {
			talk(&many, row[i].in, row[i].len, step, false);
			CHECK_EQ(many.err, one.err);
			CHECK_EQ(many.g.ver, one.g.ver);
			CHECK_EQ(many.g.done, one.g.done);
			CHECK_EQ(many.g.in_len, one.g.in_len);
			CHECK(one.err || many.used == one.used);
			tap_check_mem(__FILE__, __LINE__, many.out,
				      many.out_len, one.out, one.out_len);
		}
	}
}

int main(void)
{
	RUN(greet_start__empty_id);
	RUN(greet_start__id_length_in_pad);
	RUN(greet_feed__v31);
	RUN(greet_feed__stepwise);
	RUN(greet_feed__versions);
	RUN(greet_feed__v2_type_octet);
	RUN(greet_feed__v2_type_sent_before_peers);
	RUN(greet_feed__unversioned_short);
	RUN(greet_feed__unversioned_replay);
	RUN(greet_feed__unversioned_long);
	RUN(greet_feed__unversioned_bad);
	RUN(greet_feed__downgrade_refused);
	RUN(greet_feed__mechanism_mismatch);
	RUN(greet_feed__as_server_and_filler_ignored);
	RUN(greet_feed__a_server_says_so);
	RUN(greet_feed__not_beyond_greeting);
	RUN(greet_feed__after_mismatch_takes_nothing);
	RUN(greet_init__mechanism_of_20);
	RUN(greet_feed__any_split);
	return tap_done();
}
