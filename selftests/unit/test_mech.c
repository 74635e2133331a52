// SPDX-License-Identifier: GPL-2.0
/* What mechanisms are made of: HELLO, our metadata, keys as text. */
#include "tap.h"
#include "z85.h"
#include "zmtp.h"

static int hello(const void *data, size_t len, struct kzmq_hello *h)
{
	static u8 *last;

	free(last);
	last = tap_dup(data, len);
	return kzmq_hello_parse(last, len, h);
}

static void hello_parse__good(void)
{
	struct kzmq_hello h;
	u8 most[512];

	CHECK_EQ(hello("\5admin\6secret", 13, &h), 0);
	CHECK_MEM(h.user, h.user_len, "admin");
	CHECK_MEM(h.pass, h.pass_len, "secret");
	CHECK_EQ(hello("\0\0", 2, &h), 0);
	CHECK_EQ(h.user_len, 0);
	CHECK_EQ(h.pass_len, 0);
	CHECK_EQ(hello("\0\1p", 3, &h), 0);
	CHECK_EQ(hello("\1u\0", 3, &h), 0);
	memset(most, 0xff, sizeof(most));
	CHECK_EQ(hello(most, sizeof(most), &h), 0);
	CHECK_EQ(h.user_len, 255);
	CHECK_EQ(h.pass_len, 255);
}

static void hello_parse__malformed(void)
{
	struct kzmq_hello h;
	u8 most[513];
	size_t i;

	/* all that is cut short, and an octet too many */
	for (i = 0; i < 13; i++)
		CHECK_EQ(hello("\5admin\6secret", i, &h), -EPROTO);
	CHECK_EQ(hello("\5admin\6secretX", 14, &h), -EPROTO);
	memset(most, 0xff, sizeof(most));
	CHECK_EQ(hello(most, 511, &h), -EPROTO);
	CHECK_EQ(hello(most, 513, &h), -EPROTO);
	CHECK_EQ(hello(most, 256, &h), -EPROTO);
	CHECK_EQ(hello(most, 257, &h), -EPROTO);
}

static void enc_hello__bytes(void)
{
	struct kzmq_hello h = { (const u8 *)"admin", (const u8 *)"secret", 5, 6 };
	u8 out[64];

	CHECK_EQ(kzmq_hello_size(&h), 21);
	CHECK_MEM(out, kzmq_enc_hello(out, &h), "\4\x13\5HELLO\5admin\6secret");
	memset(&h, 0, sizeof(h));
	CHECK_EQ(kzmq_hello_size(&h), 10);
	CHECK_MEM(out, kzmq_enc_hello(out, &h), "\4\x8\5HELLO\0\0");
}

/* Every length comes back, with a short header or a long one. */
static void enc_hello__round_trip(void)
{
	struct kzmq_hello h, back;
	struct kzmq_fhdr fh;
	struct kzmq_cmd cmd;
	struct kzmq_dec dec;
	u8 text[255], *out;
	bool done;
	size_t n;
	int u, hdr;

	memset(text, 'x', sizeof(text));
	h.user = text;
	h.pass = text;
	for (u = 0; u < 256 * 256; u += 7) {
		h.user_len = (u8)u;
		h.pass_len = (u8)(u >> 8);
		n = kzmq_hello_size(&h);
		out = malloc(n);
		CHECK_EQ(kzmq_enc_hello(out, &h), n);
		kzmq_dec_init(&dec, KZMQ_VER_31);
		done = false;
		hdr = kzmq_dec_header(&dec, out, n, &done, &fh);
		CHECK(done);
		CHECK_EQ(fh.flags, KZMQ_F_CMD);
		CHECK_EQ(fh.size + (size_t)hdr, n);
		CHECK_EQ(kzmq_cmd_parse(out + hdr, fh.size, &cmd), 0);
		CHECK_EQ(cmd.id, KZMQ_CMD_HELLO);
		CHECK_EQ(kzmq_hello_parse(cmd.data, cmd.len, &back), 0);
		CHECK_EQ(back.user_len, h.user_len);
		CHECK_EQ(back.pass_len, h.pass_len);
		free(out);
	}
}

static void enc_cmd__bytes(void)
{
	u8 out[KZMQ_CMD_HDR_MAX];

	CHECK_MEM(out, kzmq_enc_cmd(out, KZMQ_CMD_WELCOME, 0),
		  "\4\x8\7WELCOME");
	CHECK_MEM(out, kzmq_enc_cmd(out, KZMQ_CMD_INITIATE, 246),
		  "\4\xff\x08INITIATE");
	CHECK_MEM(out, kzmq_enc_cmd(out, KZMQ_CMD_INITIATE, 247),
		  "\6\0\0\0\0\0\0\1\0\x08INITIATE");
}

static void enc_meta__bytes(void)
{
	u8 out[64];
	size_t n;

	n = kzmq_meta_size(KZMQ_TYPE_PULL, 9, 0);
	CHECK_EQ(n, 20);
	CHECK_EQ(kzmq_enc_meta(out, KZMQ_TYPE_PULL, NULL, 0, NULL, 0), n);
	CHECK_MEM(out, n, "\xbSocket-Type\0\0\0\4PULL");
	n = kzmq_meta_size(KZMQ_TYPE_REQ, 2, 7);
	CHECK_EQ(kzmq_enc_meta(out, KZMQ_TYPE_REQ, (const u8 *)"me", 2,
			       (const u8 *)"\1X\0\0\0\1v", 7), n);
	CHECK_MEM(out, n, "\xbSocket-Type\0\0\0\3REQ" "\x8Identity\0\0\0\2me"
		  "\1X\0\0\0\1v");
	CHECK_EQ(kzmq_meta_size(KZMQ_TYPE_COUNT, 0, 0), 0);
	CHECK_EQ(kzmq_meta_size(-1, 0, 0), 0);
}

/* The octets and the text of RFC 32 */
static void z85__test_case(void)
{
	static const u8 data[] = { 0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b };
	u8 text[10], back[8];

	kzmq_z85_encode(text, data, sizeof(data));
	CHECK_MEM(text, sizeof(text), "HelloWorld");
	CHECK_EQ(kzmq_z85_decode(back, text, sizeof(text)), 0);
	CHECK_EQ(memcmp(back, data, sizeof(data)), 0);
}

static void z85__round_trip(void)
{
	u8 data[32], text[40], back[32];
	unsigned int seed = 1;
	int i, k;

	for (i = 0; i < 10000; i++) {
		for (k = 0; k < 32; k++) {
			seed = seed * 1103515245 + 12345;
			data[k] = i ? (u8)(seed >> 16) : 0xff;
		}
		kzmq_z85_encode(text, data, 32);
		memset(back, 0, sizeof(back));
		CHECK_EQ(kzmq_z85_decode(back, text, 40), 0);
		CHECK_EQ(memcmp(back, data, 32), 0);
	}
}

static void z85__each_octet_as_a_digit(void)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		".-:+=^!/*?&<>()[]{}@%$#";
	u8 text[5], out[4];
	int i, place;
	bool is;

	for (i = 0; i < 256; i++) {
		is = i && strchr(digits, i);
		for (place = 0; place < 5; place++) {
			memset(text, '0', sizeof(text));
			text[place] = (u8)i;
			/* some are too much in the first place */
			CHECK_EQ(kzmq_z85_decode(out, text, 5),
				 is && (place || strchr(digits, i) - digits <= 82) ?
				 0 : -EINVAL);
			if (is && place == 4)
				CHECK_EQ(out[3], strchr(digits, i) - digits);
		}
	}
}

static void z85__bounds(void)
{
	u8 out[4];

	CHECK_EQ(kzmq_z85_decode(out, (const u8 *)"%nSc0", 5), 0);
	CHECK_EQ(out[0] & out[1] & out[2] & out[3], 0xff);
	CHECK_EQ(kzmq_z85_decode(out, (const u8 *)"%nSc1", 5), -EINVAL);
	CHECK_EQ(kzmq_z85_decode(out, (const u8 *)"#####", 5), -EINVAL);
	CHECK_EQ(kzmq_z85_decode(out, (const u8 *)"0000", 4), -EINVAL);
	CHECK_EQ(kzmq_z85_decode(out, (const u8 *)"", 0), 0);
}

int main(void)
{
	RUN(hello_parse__good);
	RUN(hello_parse__malformed);
	RUN(enc_hello__bytes);
	RUN(enc_hello__round_trip);
	RUN(enc_cmd__bytes);
	RUN(enc_meta__bytes);
	RUN(z85__test_case);
	RUN(z85__round_trip);
	RUN(z85__each_octet_as_a_digit);
	RUN(z85__bounds);
	return tap_done();
}
