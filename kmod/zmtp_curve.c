// SPDX-License-Identifier: GPL-2.0
/*
 * CURVE's commands: their form, and the nonces of their boxes. Pure; no lock,
 * any context.
 */
#include "zmtp_curve.h"

/* The sizes and places of RFC 26; the compiler says whether the structs agree. */
#define SIZE(s, n)	static_assert(sizeof(struct kzmq_curve_##s) == (n), #s)
#define PLACE(s, f, n)	static_assert(offsetof(struct kzmq_curve_##s, f) == (n), #s)

SIZE(hello, KZMQ_CURVE_HELLO);
PLACE(hello, version, 6);
PLACE(hello, client, 80);
PLACE(hello, nonce, 112);
PLACE(hello, box, 120);
SIZE(welcome, KZMQ_CURVE_WELCOME);
PLACE(welcome, nonce, 8);
PLACE(welcome, box, 24);
SIZE(welcome_in, 128);
SIZE(cookie, KZMQ_CURVE_COOKIE);
SIZE(cookie_in, 64);
SIZE(vouch, KZMQ_CURVE_VOUCH);
SIZE(vouch_in, 64);
SIZE(initiate, KZMQ_CURVE_INITIATE - KZMQ_CURVE_BOX(128));
PLACE(initiate, cookie, 9);
PLACE(initiate, nonce, 105);
PLACE(initiate, box, 113);
SIZE(initiate_in, 128);
PLACE(initiate_in, vouch, 32);
SIZE(ready, KZMQ_CURVE_READY - KZMQ_CURVE_BOX(0));
PLACE(ready, nonce, 6);
PLACE(ready, box, 14);
SIZE(message, KZMQ_CURVE_MESSAGE - 1);
PLACE(message, nonce, 8);
PLACE(message, tag, 16);

static const struct {
	const char *prefix;
	u8 sent;
} nonces[] = {
	[KZMQ_CURVE_N_HELLO]	= { "CurveZMQHELLO---", KZMQ_CURVE_SHORT },
	[KZMQ_CURVE_N_WELCOME]	= { "WELCOME-", KZMQ_CURVE_LONG },
	[KZMQ_CURVE_N_COOKIE]	= { "COOKIE--", KZMQ_CURVE_LONG },
	[KZMQ_CURVE_N_INITIATE]	= { "CurveZMQINITIATE", KZMQ_CURVE_SHORT },
	[KZMQ_CURVE_N_VOUCH]	= { "VOUCH---", KZMQ_CURVE_LONG },
	[KZMQ_CURVE_N_READY]	= { "CurveZMQREADY---", KZMQ_CURVE_SHORT },
	[KZMQ_CURVE_N_CLIENT]	= { "CurveZMQMESSAGEC", KZMQ_CURVE_SHORT },
	[KZMQ_CURVE_N_SERVER]	= { "CurveZMQMESSAGES", KZMQ_CURVE_SHORT },
};

/**
 * kzmq_curve_nonce() - the whole nonce of a box
 * @nonce: 24 octets
 * @use:   which box
 * @sent:  the part that is sent, KZMQ_CURVE_LONG or KZMQ_CURVE_SHORT octets
 */
void kzmq_curve_nonce(u8 nonce[KZMQ_CURVE_NONCE], enum kzmq_curve_use use,
		      const u8 *sent)
{
	size_t n = KZMQ_CURVE_NONCE - nonces[use].sent;

	memcpy(nonce, nonces[use].prefix, n);
	memcpy(nonce + n, sent, nonces[use].sent);
}

/**
 * kzmq_curve_begin() - write what a command begins with
 * @out: at least what that command has without metadata or body
 * @id:  KZMQ_CMD_HELLO, _WELCOME, _INITIATE, _READY or _MESSAGE
 *
 * That is its name, and HELLO's version and zeros.
 *
 * Return: octets written, 0 for another command.
 */
size_t kzmq_curve_begin(u8 *out, enum kzmq_cmd_id id)
{
	struct kzmq_curve_hello *hello = (void *)out;
	const char *name;

	switch (id) {
	case KZMQ_CMD_HELLO:
		hello->version[0] = 1;
		hello->version[1] = 0;
		memset(hello->zero, 0, sizeof(hello->zero));
		memcpy(hello->name, "\5HELLO", sizeof(hello->name));
		return offsetof(struct kzmq_curve_hello, client);
	case KZMQ_CMD_WELCOME:
		name = "WELCOME";
		break;
	case KZMQ_CMD_INITIATE:
		name = "INITIATE";
		break;
	case KZMQ_CMD_READY:
		name = "READY";
		break;
	case KZMQ_CMD_MESSAGE:
		name = "MESSAGE";
		break;
	default:
		return 0;
	}
	out[0] = (u8)strlen(name);
	memcpy(out + 1, name, out[0]);
	return out[0] + 1;
}

/* libzmq does not look at HELLO's zeros, so neither do we. */
static bool curve_form(enum kzmq_cmd_id id, const u8 *body, size_t len)
{
	const struct kzmq_curve_hello *hello = (const void *)body;

	switch (id) {
	case KZMQ_CMD_HELLO:
		return len == KZMQ_CURVE_HELLO && hello->version[0] == 1 &&
		       !hello->version[1];
	case KZMQ_CMD_WELCOME:
		return len == KZMQ_CURVE_WELCOME;
	case KZMQ_CMD_INITIATE:
		return len >= KZMQ_CURVE_INITIATE;
	case KZMQ_CMD_READY:
		return len >= KZMQ_CURVE_READY;
	case KZMQ_CMD_MESSAGE:
		return len >= KZMQ_CURVE_MESSAGE;
	default:
		return false;
	}
}

/**
 * kzmq_curve_check() - is this the command that comes next, and whole?
 * @body: octets of the frame's body
 * @len:  how many
 * @want: KZMQ_CMD_HELLO, _WELCOME, _INITIATE, _READY or _MESSAGE
 *
 * After 0 the command's struct may be laid over @body, and its box goes to the
 * end of it.
 *
 * Return: 0, -ENOMSG when this is another command or none, or -EPROTO when it
 * has the wrong size or, in HELLO, version.
 */
int kzmq_curve_check(const u8 *body, size_t len, enum kzmq_cmd_id want)
{
	struct kzmq_cmd c;

	if (kzmq_cmd_parse(body, len, &c) || c.id != want)
		return -ENOMSG;
	return curve_form(want, body, len) ? 0 : -EPROTO;
}

/**
 * kzmq_curve_message() - kzmq_curve_check() for a frame of the traffic
 * @body:  octets of the frame's body, KZMQ_CURVE_MESSAGE of them at least if
 *         there are as many
 * @len:   how many the body has
 * @last:  nonce of the last box in this direction
 * @nonce: nonce of this one
 *
 * The nonce may be believed only when the box has been opened.
 *
 * Return: 0, -ENOMSG when this is no MESSAGE, -EPROTO when it is too short, or
 * -EILSEQ when its nonce is not greater than @last.
 */
int kzmq_curve_message(const u8 *body, size_t len, u64 last, u64 *nonce)
{
	const struct kzmq_curve_message *m = (const void *)body;

	if (len < sizeof(m->name) || memcmp(m->name, "\7MESSAGE", sizeof(m->name)))
		return -ENOMSG;
	if (len < KZMQ_CURVE_MESSAGE)
		return -EPROTO;
	*nonce = kzmq_curve_counted(m->nonce);
	return *nonce > last ? 0 : -EILSEQ;
}
