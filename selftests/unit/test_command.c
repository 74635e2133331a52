// SPDX-License-Identifier: GPL-2.0
#include "tap.h"
#include "zmtp.h"

static int parse(const void *body, size_t len, enum kzmq_cmd_id *id,
		 size_t *data_len)
{
	u8 *copy = tap_dup(body, len);
	struct kzmq_cmd c;
	int ret = kzmq_cmd_parse(copy, len, &c);

	if (!ret) {
		*id = c.id;
		*data_len = c.len;
		CHECK(c.data + c.len == copy + len);
	}
	free(copy);
	return ret;
}

static void cmd_parse__all_names(void)
{
	static const struct {
		const char *wire;
		enum kzmq_cmd_id id;
	} row[] = {
		{ "\5READY", KZMQ_CMD_READY },
		{ "\5ERROR", KZMQ_CMD_ERROR },
		{ "\x09SUBSCRIBE", KZMQ_CMD_SUBSCRIBE },
		{ "\6CANCEL", KZMQ_CMD_CANCEL },
		{ "\4PING", KZMQ_CMD_PING },
		{ "\4PONG", KZMQ_CMD_PONG },
		{ "\4JOIN", KZMQ_CMD_JOIN },
		{ "\5LEAVE", KZMQ_CMD_LEAVE },
		{ "\5HELLO", KZMQ_CMD_HELLO },
		{ "\7WELCOME", KZMQ_CMD_WELCOME },
		{ "\x08INITIATE", KZMQ_CMD_INITIATE },
		{ "\7MESSAGE", KZMQ_CMD_MESSAGE },
		{ "\5ready", KZMQ_CMD_UNKNOWN },
		{ "\4READ", KZMQ_CMD_UNKNOWN },
		{ "\1X", KZMQ_CMD_UNKNOWN },
	};
	enum kzmq_cmd_id id = KZMQ_CMD_UNKNOWN;
	size_t i, n, data;
	char body[64];

	for (i = 0; i < TAP_ROW(row); i++) {
		n = strlen(row[i].wire);
		CHECK_EQ(parse(row[i].wire, n, &id, &data), 0);
		CHECK_EQ(id, row[i].id);
		CHECK_EQ(data, 0);
		snprintf(body, sizeof(body), "%stail", row[i].wire);
		CHECK_EQ(parse(body, n + 4, &id, &data), 0);
		CHECK_EQ(id, row[i].id);
		CHECK_EQ(data, 4);
		/* every shorter body is malformed */
		while (--n)
			CHECK_EQ(parse(body, n, &id, &data), -EPROTO);
	}
}

static void cmd_parse__malformed(void)
{
	enum kzmq_cmd_id id;
	size_t data;

	CHECK_EQ(parse("", 0, &id, &data), -EPROTO);
	CHECK_EQ(parse("\0", 1, &id, &data), -EPROTO);
	CHECK_EQ(parse("\0READY", 6, &id, &data), -EPROTO);
	CHECK_EQ(parse("\xffREADY", 6, &id, &data), -EPROTO);
	CHECK_EQ(parse("\1", 1, &id, &data), -EPROTO);
}

static void cmd_parse__longest_name(void)
{
	enum kzmq_cmd_id id = KZMQ_CMD_READY;
	u8 body[257];
	size_t data;

	memset(body, 'N', sizeof(body));
	body[0] = 255;
	CHECK_EQ(parse(body, 257, &id, &data), 0);
	CHECK_EQ(id, KZMQ_CMD_UNKNOWN);
	CHECK_EQ(data, 1);
	CHECK_EQ(parse(body, 256, &id, &data), 0);
	CHECK_EQ(parse(body, 255, &id, &data), -EPROTO);
}

/* libzmq's PLAIN server misspells ERROR. */
static void cmd_parse__misspelt_error(void)
{
	enum kzmq_cmd_id id = KZMQ_CMD_UNKNOWN;
	u8 long_name[96];
	size_t data;

	CHECK_EQ(parse("^RROR\003400", 9, &id, &data), 0);
	CHECK_EQ(id, KZMQ_CMD_ERROR);
	CHECK_EQ(data, 4);
	CHECK_EQ(parse("^RROR", 5, &id, &data), 0);
	CHECK_EQ(data, 0);
	CHECK_EQ(parse("^RRO", 4, &id, &data), -EPROTO);
	CHECK_EQ(parse("^RROX\003400", 9, &id, &data), -EPROTO);
	/* a name that is really that long */
	memset(long_name, 'x', sizeof(long_name));
	memcpy(long_name, "^RROR", 5);
	CHECK_EQ(parse(long_name, 96, &id, &data), 0);
	CHECK_EQ(id, KZMQ_CMD_UNKNOWN);
	CHECK_EQ(data, 1);
}

static void error_parse__lengths(void)
{
	const u8 *reason;
	u8 n;

	CHECK_EQ(kzmq_error_parse((const u8 *)"\003400", 4, &reason, &n), 0);
	CHECK_MEM(reason, n, "400");
	CHECK_EQ(kzmq_error_parse((const u8 *)"\0", 1, &reason, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(kzmq_error_parse((const u8 *)"", 0, &reason, &n), -EPROTO);
	CHECK_EQ(kzmq_error_parse((const u8 *)"\004400", 4, &reason, &n),
		 -EPROTO);
}

static void error_status__codes(void)
{
	static const struct {
		const char *in;
		int len, want;
	} row[] = {
		{ "\003300", 4, 300 }, { "\003400", 4, 400 },
		{ "\003500", 4, 500 }, { "\003500 and more", 13, 500 },
		{ "\003200", 4, 0 }, { "\003600", 4, 0 }, { "\003410", 4, 0 },
		{ "\003401", 4, 0 }, { "\0024000", 5, 0 }, { "\0044000", 5, 0 },
		{ "\0", 1, 0 }, { "\002no", 3, 0 },
		{ "", 0, -EPROTO }, { "\00340", 3, -EPROTO },
	};
	size_t i;
	u8 *copy;

	for (i = 0; i < TAP_ROW(row); i++) {
		copy = tap_dup(row[i].in, row[i].len);
		CHECK_EQ(kzmq_error_status(copy, row[i].len), row[i].want);
		free(copy);
	}
}

#define SUBTYPE		"\x0bSocket-Type\0\0\0\3SUB"
#define DEALERTYPE	"\x0bSocket-Type\0\0\0\6DEALER"
#define ID(len, text)	"\x08Identity\0\0\0" len text

static int ready(const void *p, size_t n, struct kzmq_ready *r, char *rid)
{
	u8 *copy = tap_dup(p, n);
	int ret = kzmq_ready_parse(copy, n, r);

	if (!ret && r->rid)
		memcpy(rid, r->rid, r->rid_len);
	free(copy);
	return ret;
}

#define READY(s)	ready(s, sizeof(s) - 1, &r, rid)

static void ready_parse__plain(void)
{
	struct kzmq_ready r;
	char rid[255];

	CHECK_EQ(READY(DEALERTYPE ID("\3", "abc")), 0);
	CHECK_EQ(r.type, KZMQ_TYPE_DEALER);
	CHECK_MEM(rid, r.rid_len, "abc");
	CHECK_EQ(READY(DEALERTYPE ID("\0", "")), 0);
	CHECK(r.rid);
	CHECK_EQ(r.rid_len, 0);
	CHECK_EQ(READY(SUBTYPE), 0);
	CHECK_EQ(r.type, KZMQ_TYPE_SUB);
	CHECK(!r.rid);
}

static void ready_parse__names_ignore_case(void)
{
	struct kzmq_ready r;
	char rid[255];

	CHECK_EQ(READY("\x0bsOCKET-tYPE\0\0\0\3SUB"), 0);
	CHECK_EQ(r.type, KZMQ_TYPE_SUB);
	CHECK_EQ(READY("\x08identity\0\0\0\1x"), 0);
	CHECK_MEM(rid, r.rid_len, "x");
	/* values do not */
	CHECK_EQ(READY("\x0bSocket-Type\0\0\0\3sub"), 0);
	CHECK_EQ(r.type, KZMQ_READY_BADTYPE);
}

static void ready_parse__type_missing_or_unknown(void)
{
	struct kzmq_ready r;
	char rid[255];

	CHECK_EQ(READY(""), 0);
	CHECK_EQ(r.type, KZMQ_READY_NOTYPE);
	CHECK_EQ(READY("\3X-a\0\0\0\1b"), 0);
	CHECK_EQ(r.type, KZMQ_READY_NOTYPE);
	CHECK_EQ(READY("\x0bSocket-Type\0\0\0\0"), 0);
	CHECK_EQ(r.type, KZMQ_READY_BADTYPE);
	CHECK_EQ(READY("\x0bSocket-Type\0\0\0\4SUBX"), 0);
	CHECK_EQ(r.type, KZMQ_READY_BADTYPE);
	CHECK_EQ(READY("\x0bSocket-Type\0\0\0\2SU"), 0);
	CHECK_EQ(r.type, KZMQ_READY_BADTYPE);
}

static void ready_parse__first_of_duplicates(void)
{
	struct kzmq_ready r;
	char rid[255];

	CHECK_EQ(READY(SUBTYPE DEALERTYPE ID("\1", "a") ID("\1", "b")), 0);
	CHECK_EQ(r.type, KZMQ_TYPE_SUB);
	CHECK_MEM(rid, r.rid_len, "a");
	CHECK_EQ(READY(ID("\0", "") ID("\1", "b")), 0);
	CHECK_EQ(r.rid_len, 0);
	CHECK_EQ(READY("\x0bSocket-Type\0\0\0\1x" SUBTYPE), 0);
	CHECK_EQ(r.type, KZMQ_READY_BADTYPE);
}

static void ready_parse__identity_bounds(void)
{
	u8 in[9 + 4 + 256] = "\x08Identity";
	struct kzmq_ready r;
	char rid[255];

	in[12] = 255;
	CHECK_EQ(ready(in, 13 + 255, &r, rid), 0);
	CHECK_EQ(r.rid_len, 255);
	in[11] = 1;
	in[12] = 0;
	CHECK_EQ(ready(in, 13 + 256, &r, rid), -EPROTO);
}

static void ready_parse__malformed(void)
{
	static const char whole[] = DEALERTYPE ID("\3", "abc");
	const size_t first = sizeof(DEALERTYPE) - 1;
	struct kzmq_ready r;
	char rid[255];
	size_t n;

	/* cut anywhere but between the properties */
	for (n = 1; n < sizeof(whole) - 1; n++)
		CHECK_EQ(ready(whole, n, &r, rid), n == first ? 0 : -EPROTO);
	CHECK_EQ(READY("\0\0\0\0\0"), -EPROTO);
	CHECK_EQ(READY(SUBTYPE "\0"), -EPROTO);
	CHECK_EQ(READY("\1A\0\0\0\2b"), -EPROTO);
	CHECK_EQ(READY("\1A\177\377\377\377b"), -EPROTO);
	CHECK_EQ(READY("\1A\x80\0\0\0b"), -EPROTO);
	CHECK_EQ(READY("\1A\377\377\377\377b"), -EPROTO);
	CHECK_EQ(READY("\377A"), -EPROTO);
}

static void meta_next__walk(void)
{
	static const char in[] = "\1a\0\0\0\0\2bc\0\0\0\3xyz";
	struct kzmq_meta m;

	kzmq_meta_init(&m, (const u8 *)in, sizeof(in) - 1);
	CHECK_EQ(kzmq_meta_next(&m), 1);
	CHECK(kzmq_meta_is(&m, "A"));
	CHECK(!kzmq_meta_is(&m, "AA"));
	CHECK(!kzmq_meta_is(&m, ""));
	CHECK_EQ(m.val_len, 0);
	CHECK_EQ(kzmq_meta_next(&m), 1);
	CHECK(kzmq_meta_is(&m, "Bc"));
	CHECK(!kzmq_meta_is(&m, "Bd"));
	CHECK_MEM(m.val, m.val_len, "xyz");
	CHECK_EQ(kzmq_meta_next(&m), 0);
	CHECK_EQ(kzmq_meta_next(&m), 0);
}

static void meta_next__error_stays(void)
{
	struct kzmq_meta m;

	kzmq_meta_init(&m, (const u8 *)"\5ab", 3);
	CHECK_EQ(kzmq_meta_next(&m), -EPROTO);
	CHECK_EQ(kzmq_meta_next(&m), -EPROTO);
}

/* a property as it stands on the wire */
#define XVAL	"\3X-a\0\0\0\1b"

static void enc_ready__worked_bytes(void)
{
	u8 out[KZMQ_READY_MAX];
	size_t n;

	n = kzmq_enc_ready(out, sizeof(out), KZMQ_TYPE_DEALER, NULL, 0,
			   NULL, 0);
	CHECK_MEM(out, n, "\4\x29\5READY" DEALERTYPE ID("\0", ""));
	n = kzmq_enc_ready(out, sizeof(out), KZMQ_TYPE_ROUTER, NULL, 0,
			   NULL, 0);
	CHECK_MEM(out, n,
		  "\4\x29\5READY\x0bSocket-Type\0\0\0\6ROUTER" ID("\0", ""));
	n = kzmq_enc_ready(out, sizeof(out), KZMQ_TYPE_REQ, (const u8 *)"me",
			   2, NULL, 0);
	CHECK_MEM(out, n,
		  "\4\x28\5READY\x0bSocket-Type\0\0\0\3REQ" ID("\2", "me"));
	n = kzmq_enc_ready(out, sizeof(out), KZMQ_TYPE_SUB, (const u8 *)"me",
			   2, NULL, 0);
	CHECK_MEM(out, n, "\4\x19\5READY" SUBTYPE);
	n = kzmq_enc_ready(out, sizeof(out), KZMQ_TYPE_SUB, NULL, 0,
			   (const u8 *)XVAL, sizeof(XVAL) - 1);
	CHECK_MEM(out, n, "\4\x22\5READY" SUBTYPE XVAL);
	CHECK_EQ(kzmq_enc_ready(out, n - 1, KZMQ_TYPE_SUB, NULL, 0,
				(const u8 *)XVAL, sizeof(XVAL) - 1), 0);
}

static void enc_ready__round_trip(void)
{
	u8 rid[255], out[KZMQ_READY_MAX], *exact;
	struct kzmq_fhdr h;
	struct kzmq_ready r;
	struct kzmq_dec d;
	struct kzmq_cmd c;
	int type, len, hdr;
	bool done;
	size_t n;

	memset(rid, 0x5a, sizeof(rid));
	kzmq_dec_init(&d, KZMQ_VER_31);
	for (type = 0; type < KZMQ_TYPE_COUNT; type++) {
		for (len = 0; len < 256; len++) {
			n = kzmq_enc_ready(out, sizeof(out), type, rid,
					   (u8)len, NULL, 0);
			exact = malloc(n);
			CHECK_EQ(kzmq_enc_ready(exact, n - 1, type, rid,
						(u8)len, NULL, 0), 0);
			CHECK_EQ(kzmq_enc_ready(exact, n, type, rid, (u8)len,
						NULL, 0), n);
			hdr = kzmq_dec_header(&d, exact, n, &done, &h);
			CHECK(done);
			CHECK_EQ(h.flags, KZMQ_F_CMD);
			CHECK_EQ(h.size + (u64)hdr, n);
			CHECK_EQ(kzmq_cmd_parse(exact + hdr, h.size, &c), 0);
			CHECK_EQ(c.id, KZMQ_CMD_READY);
			CHECK_EQ(kzmq_ready_parse(c.data, c.len, &r), 0);
			CHECK_EQ(r.type, type);
			CHECK_EQ(!!r.rid, type == KZMQ_TYPE_REQ ||
				 type == KZMQ_TYPE_DEALER ||
				 type == KZMQ_TYPE_ROUTER);
			CHECK(!r.rid || r.rid_len == len);
			free(exact);
		}
	}
}

static void enc_ready__no_such_type(void)
{
	u8 out[KZMQ_READY_MAX];

	CHECK_EQ(kzmq_enc_ready(out, sizeof(out), -1, NULL, 0, NULL, 0),
		 0);
	CHECK_EQ(kzmq_enc_ready(out, sizeof(out), KZMQ_TYPE_COUNT, NULL, 0,
				NULL, 0), 0);
	CHECK_EQ(kzmq_enc_ready(out, 0, KZMQ_TYPE_PAIR, NULL, 0, NULL, 0),
		 0);
}

static void enc_error__bytes(void)
{
	u8 out[KZMQ_ERROR_MAX];
	char longer[400];
	size_t n;

	n = kzmq_enc_error(out, sizeof(out), "400");
	CHECK_MEM(out, n, "\4\x0a\5ERROR\003400");
	CHECK_EQ(kzmq_enc_error(out, n - 1, "400"), 0);
	CHECK_EQ(kzmq_enc_error(out, n, "400"), n);
	n = kzmq_enc_error(out, sizeof(out), "");
	CHECK_MEM(out, n, "\4\7\5ERROR\0");
	memset(longer, 'e', sizeof(longer));
	longer[399] = '\0';
	n = kzmq_enc_error(out, sizeof(out), longer);
	CHECK_EQ(n, 257);
	CHECK_EQ(out[1], 255);
	CHECK_EQ(out[8], 248);
}

static void ping__bytes(void)
{
	u8 out[KZMQ_PING_MAX], ctx[255];
	size_t n;

	n = kzmq_enc_ping(out, 10, NULL, 0);
	CHECK_MEM(out, n, "\4\7\4PING\0\x0a");
	n = kzmq_enc_ping(out, 0xffff, (const u8 *)"ab", 2);
	CHECK_MEM(out, n, "\4\x09\4PING\377\377ab");
	n = kzmq_enc_pong(out, NULL, 0);
	CHECK_MEM(out, n, "\4\5\4PONG");
	n = kzmq_enc_pong(out, (const u8 *)"ab", 2);
	CHECK_MEM(out, n, "\4\7\4PONGab");
	memset(ctx, 'c', sizeof(ctx));
	CHECK_EQ(kzmq_enc_ping(out, 0, ctx, 255), KZMQ_PING_MAX);
	CHECK_EQ(out[1], 23);
	CHECK_EQ(kzmq_enc_pong(out, ctx, 17), KZMQ_PONG_MAX);
	CHECK_EQ(out[1], 21);
}

/* libzmq answers a short PING with octets that were not in it. */
static void ping_parse__context_bounds(void)
{
	const u8 *ctx;
	u8 *in, n;
	size_t len;
	u16 ttl;

	for (len = 0; len < 40; len++) {
		in = malloc(len ? len : 1);
		memset(in, 0xff, len);
		if (len < 2) {
			CHECK_EQ(kzmq_ping_parse(in, len, &ttl, &ctx, &n),
				 -EPROTO);
		} else {
			CHECK_EQ(kzmq_ping_parse(in, len, &ttl, &ctx, &n), 0);
			CHECK_EQ(ttl, 0xffff);
			CHECK(ctx == in + 2);
			CHECK_EQ(n, len - 2 > 16 ? 16 : len - 2);
		}
		free(in);
	}
}

static void enc_sub__bytes(void)
{
	u8 out[KZMQ_SUB_HDR_MAX];
	size_t n;

	n = kzmq_enc_sub(out, false, 1);
	CHECK_MEM(out, n, "\4\x0b\x09SUBSCRIBE");
	n = kzmq_enc_sub(out, true, 0);
	CHECK_MEM(out, n, "\4\7\6CANCEL");
	n = kzmq_enc_sub_msg(out, KZMQ_VER_30, false, 1);
	CHECK_MEM(out, n, "\0\2\1");
	n = kzmq_enc_sub_msg(out, KZMQ_VER_2, true, 1);
	CHECK_MEM(out, n, "\0\2\0");
	n = kzmq_enc_sub_msg(out, KZMQ_VER_1, false, 0);
	CHECK_MEM(out, n, "\2\0\1");
}

/* libzmq breaks the framing where the name takes the body past 255 octets. */
static void enc_sub__long_bit_counts_the_name(void)
{
	u8 out[KZMQ_SUB_HDR_MAX];
	size_t n;

	n = kzmq_enc_sub(out, false, 245);
	CHECK_MEM(out, n, "\4\xff\x09SUBSCRIBE");
	n = kzmq_enc_sub(out, false, 246);
	CHECK_MEM(out, n, "\6\0\0\0\0\0\0\1\0\x09SUBSCRIBE");
	n = kzmq_enc_sub(out, false, 255);
	CHECK_MEM(out, n, "\6\0\0\0\0\0\0\1\x09\x09SUBSCRIBE");
	n = kzmq_enc_sub(out, true, 248);
	CHECK_MEM(out, n, "\4\xff\6CANCEL");
	n = kzmq_enc_sub(out, true, 249);
	CHECK_MEM(out, n, "\6\0\0\0\0\0\0\1\0\6CANCEL");
	n = kzmq_enc_sub_msg(out, KZMQ_VER_30, false, 254);
	CHECK_MEM(out, n, "\0\xff\1");
	n = kzmq_enc_sub_msg(out, KZMQ_VER_30, false, 255);
	CHECK_MEM(out, n, "\2\0\0\0\0\0\0\1\0\1");
}

static void enc_sub__every_size_decodes(void)
{
	u8 out[KZMQ_SUB_HDR_MAX + 2];
	struct kzmq_fhdr h;
	struct kzmq_dec d;
	bool done;
	size_t n;
	u64 len;
	int hdr;

	for (len = 0; len < 600; len++) {
		kzmq_dec_init(&d, KZMQ_VER_31);
		n = kzmq_enc_sub(out, len & 1, len);
		hdr = kzmq_dec_header(&d, out, n, &done, &h);
		CHECK(done);
		CHECK_EQ(h.size, len + n - (size_t)hdr);
		kzmq_dec_init(&d, KZMQ_VER_1);
		n = kzmq_enc_sub_msg(out, KZMQ_VER_1, len & 1, len);
		hdr = kzmq_dec_header(&d, out, n, &done, &h);
		CHECK(done);
		CHECK_EQ(h.size, len + n - (size_t)hdr);
	}
}

static void enc_sub__too_long(void)
{
	u8 out[KZMQ_SUB_HDR_MAX];

	CHECK_EQ(kzmq_enc_sub(out, false, S64_MAX - 10), 19);
	CHECK_EQ(kzmq_enc_sub(out, false, S64_MAX - 9), 0);
	CHECK_EQ(kzmq_enc_sub(out, true, S64_MAX - 6), 0);
	CHECK_EQ(kzmq_enc_sub(out, true, U64_MAX), 0);
	CHECK_EQ(kzmq_enc_sub_msg(out, KZMQ_VER_2, true, S64_MAX), 0);
	CHECK_EQ(kzmq_enc_sub_msg(out, KZMQ_VER_1, true, U64_MAX), 0);
	CHECK_EQ(kzmq_enc_sub_msg(out, KZMQ_VER_1, true, S64_MAX - 1), 11);
}

static void type_name__round_trip(void)
{
	static const char * const want[] = {
		"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL",
		"PUSH", "XPUB", "XSUB", "STREAM", "SERVER", "CLIENT", "RADIO",
		"DISH", "GATHER", "SCATTER", "DGRAM", "PEER", "CHANNEL",
	};
	const u8 *name;
	int i;

	CHECK_EQ(TAP_ROW(want), KZMQ_TYPE_COUNT);
	for (i = 0; i < KZMQ_TYPE_COUNT; i++) {
		CHECK(!strcmp(kzmq_type_name(i), want[i]));
		name = (const u8 *)want[i];
		CHECK_EQ(kzmq_type_from_name(name, strlen(want[i])), i);
		CHECK(kzmq_type_from_name(name, strlen(want[i]) - 1) != i);
	}
	CHECK(!kzmq_type_name(-1));
	CHECK(!kzmq_type_name(KZMQ_TYPE_COUNT));
	CHECK_EQ(kzmq_type_from_name((const u8 *)"", 0), -1);
}

static void type_compatible__table(void)
{
	static const char * const pairs[] = {
		"PAIR-PAIR", "PUB-SUB", "PUB-XSUB", "XPUB-SUB", "XPUB-XSUB",
		"REQ-REP", "REQ-ROUTER", "REP-DEALER", "DEALER-DEALER",
		"DEALER-ROUTER", "ROUTER-ROUTER", "PUSH-PULL", "CLIENT-SERVER",
		"RADIO-DISH", "SCATTER-GATHER", "PEER-PEER", "CHANNEL-CHANNEL",
	};
	char one[32], two[32];
	bool want;
	size_t i;
	int a, b;

	for (a = 0; a < KZMQ_TYPE_COUNT; a++) {
		for (b = 0; b < KZMQ_TYPE_COUNT; b++) {
			snprintf(one, sizeof(one), "%s-%s", kzmq_type_name(a),
				 kzmq_type_name(b));
			snprintf(two, sizeof(two), "%s-%s", kzmq_type_name(b),
				 kzmq_type_name(a));
			want = false;
			for (i = 0; i < TAP_ROW(pairs); i++)
				want |= !strcmp(pairs[i], one) ||
					!strcmp(pairs[i], two);
			if (kzmq_type_compatible(a, b) != want)
				tap_fail(__FILE__, __LINE__, "%s", one);
		}
	}
	CHECK(!kzmq_type_compatible(KZMQ_READY_NOTYPE, 0));
	CHECK(!kzmq_type_compatible(0, KZMQ_READY_BADTYPE));
	CHECK(!kzmq_type_compatible(0, 1000));
}

int main(void)
{
	RUN(cmd_parse__all_names);
	RUN(cmd_parse__malformed);
	RUN(cmd_parse__longest_name);
	RUN(cmd_parse__misspelt_error);
	RUN(error_parse__lengths);
	RUN(error_status__codes);
	RUN(ready_parse__plain);
	RUN(ready_parse__names_ignore_case);
	RUN(ready_parse__type_missing_or_unknown);
	RUN(ready_parse__first_of_duplicates);
	RUN(ready_parse__identity_bounds);
	RUN(ready_parse__malformed);
	RUN(meta_next__walk);
	RUN(meta_next__error_stays);
	RUN(enc_ready__worked_bytes);
	RUN(enc_ready__round_trip);
	RUN(enc_ready__no_such_type);
	RUN(enc_error__bytes);
	RUN(ping__bytes);
	RUN(ping_parse__context_bounds);
	RUN(enc_sub__bytes);
	RUN(enc_sub__long_bit_counts_the_name);
	RUN(enc_sub__every_size_decodes);
	RUN(enc_sub__too_long);
	RUN(type_name__round_trip);
	RUN(type_compatible__table);
	return tap_done();
}
