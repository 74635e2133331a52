// SPDX-License-Identifier: GPL-2.0
/*
 * CURVE's commands, judged again by name and size as RFC 26 has them; and the
 * stream of a box, which must not depend on how it is cut.
 *
 * Input: octet 0 chooses, octet 1 is a parameter of that, the rest is the body
 * of a frame or what is to be encrypted.
 */
#include "fuzz.h"
#include "salsa20.h"
#include "zmtp_curve.h"

static const struct {
	const char *name;
	size_t least, most;
	enum kzmq_cmd_id id;
} forms[] = {
	{ "\5HELLO", 200, 200, KZMQ_CMD_HELLO },
	{ "\7WELCOME", 168, 168, KZMQ_CMD_WELCOME },
	{ "\10INITIATE", 257, SIZE_MAX, KZMQ_CMD_INITIATE },
	{ "\5READY", 30, SIZE_MAX, KZMQ_CMD_READY },
	{ "\7MESSAGE", 33, SIZE_MAX, KZMQ_CMD_MESSAGE },
};

static volatile u8 seen;

static int judge(size_t i, const u8 *body, size_t len)
{
	size_t n = strlen(forms[i].name);

	if (len < n || memcmp(body, forms[i].name, n))
		return -ENOMSG;
	if (len < forms[i].least || len > forms[i].most)
		return -EPROTO;
	if (forms[i].id == KZMQ_CMD_HELLO && (body[6] != 1 || body[7] != 0))
		return -EPROTO;
	return 0;
}

/* what would be read of a command that is right is there */
static void touch(enum kzmq_cmd_id id, const u8 *body, size_t len)
{
	const struct kzmq_curve_initiate *init = (const void *)body;
	const struct kzmq_curve_welcome *welcome = (const void *)body;
	const struct kzmq_curve_hello *hello = (const void *)body;
	const struct kzmq_curve_ready *ready = (const void *)body;

	switch (id) {
	case KZMQ_CMD_HELLO:
		MUST(hello->box + sizeof(hello->box) == body + len);
		break;
	case KZMQ_CMD_WELCOME:
		MUST(welcome->box + sizeof(welcome->box) == body + len);
		break;
	case KZMQ_CMD_INITIATE:
		MUST(init->box + KZMQ_CURVE_BOX(128) <= body + len);
		break;
	case KZMQ_CMD_READY:
		MUST(ready->box + KZMQ_CURVE_BOX(0) <= body + len);
		break;
	default:
		MUST(sizeof(struct kzmq_curve_message) < len);
	}
	seen = body[len - 1];
}

static void try_body(const u8 *body, size_t len)
{
	u8 again[KZMQ_CURVE_HELLO];
	size_t i, n;
	int ret;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		ret = kzmq_curve_check(body, len, forms[i].id);
		MUST(ret == judge(i, body, len));
		if (ret)
			continue;
		touch(forms[i].id, body, len);
		n = kzmq_curve_begin(again, forms[i].id);
		MUST(n && n < len && n < forms[i].least);
		/* the zeros of HELLO are not looked at */
		if (n > 9)
			n = 8;
		MUST(!memcmp(again, body, n));
	}
	MUST(kzmq_curve_check(body, len, KZMQ_CMD_PING) == -ENOMSG ||
	     (len >= 5 && !memcmp(body, "\4PING", 5)));
}

static void try_message(u8 shift, const u8 *body, size_t len)
{
	u64 last = (1ull << shift % 64) - 1, nonce = 0;
	u8 whole[KZMQ_CURVE_NONCE];
	int ret;

	ret = kzmq_curve_message(body, len, last, &nonce);
	if (judge(4, body, len)) {
		MUST(ret == judge(4, body, len));
		return;
	}
	MUST(nonce == get_unaligned_be64(body + 8));
	MUST(ret == (nonce > last ? 0 : -EILSEQ));
	kzmq_curve_nonce(whole, KZMQ_CURVE_N_CLIENT, body + 8);
	MUST(kzmq_curve_counted(whole + 16) == nonce);
	MUST(!memcmp(whole, "CurveZMQMESSAGEC", 16));
}

static void try_stream(u8 cut, const u8 *p, size_t len)
{
	static const u8 nonce[24] = "a nonce of 24 octets ...";
	u8 key[32] = { cut }, *whole, *cuts;
	struct kzmq_xsalsa a, b;
	size_t at = 0, n;

	whole = malloc(len + 1);
	cuts = malloc(len + 1);
	memcpy(cuts, p, len);
	kzmq_xsalsa_init(&a, key, nonce);
	kzmq_xsalsa_init(&b, key, nonce);
	kzmq_xsalsa_xor(&a, whole, p, len);
	while (at < len) {
		/* what is encrypted says where it is cut */
		n = p[at] % (cut ? cut : 1);
		n = min_t(size_t, n + 1, len - at);
		kzmq_xsalsa_xor(&b, cuts + at, cuts + at, n);
		at += n;
	}
	MUST(!memcmp(whole, cuts, len));
	MUST(a.left == b.left && !memcmp(a.in, b.in, sizeof(a.in)));
	free(whole);
	free(cuts);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	if (len < 2)
		return 0;
	switch (data[0] % 3) {
	case 0:
		try_body(data + 2, len - 2);
		break;
	case 1:
		try_message(data[1], data + 2, len - 2);
		break;
	default:
		try_stream(data[1], data + 2, len - 2);
	}
	return 0;
}
