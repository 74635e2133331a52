// SPDX-License-Identifier: GPL-2.0
/*
 * SOCKS5 as octets: what is sent to a proxy, and whether its answers are right.
 * An answer is looked at octet by octet, so one that is wrong is refused as
 * soon as that can be known and nothing of it is kept beyond its bound.
 */
#include "socks.h"

enum {
	VERSION		= 5,
	AUTH_VERSION	= 1,
	METHOD_NONE	= 0,
	METHOD_AUTH	= 2,
	CMD_CONNECT	= 1,
	ADDR_IP4	= 1,
	ADDR_NAME	= 3,
	ADDR_IP6	= 4,
};

enum {
	STEP_METHOD,
	STEP_AUTH,
	STEP_REPLY,
	STEP_END,
};

/**
 * kzmq_socks_start() - begin
 * @s:    the state
 * @auth: there are a user name and a password
 * @out:  room for KZMQ_SOCKS_START octets, to be sent to the proxy
 *
 * One method only is offered.
 *
 * Return: octets written.
 */
size_t kzmq_socks_start(struct kzmq_socks *s, bool auth, u8 *out)
{
	s->step = STEP_METHOD;
	s->have = 0;
	s->method = auth ? METHOD_AUTH : METHOD_NONE;
	out[0] = VERSION;
	out[1] = 1;
	out[2] = s->method;
	return KZMQ_SOCKS_START;
}

static int socks_method(const struct kzmq_socks *s)
{
	if (s->buf[0] != VERSION)
		return -EPROTO;
	if (s->have < 2)
		return KZMQ_SOCKS_MORE;
	if (s->buf[1] != s->method)
		return -EPROTO;
	return s->method == METHOD_AUTH ? KZMQ_SOCKS_SEND_AUTH :
					  KZMQ_SOCKS_SEND_REQ;
}

static int socks_auth(const struct kzmq_socks *s)
{
	if (s->buf[0] != AUTH_VERSION)
		return -EPROTO;
	if (s->have < 2)
		return KZMQ_SOCKS_MORE;
	return s->buf[1] ? -EPROTO : KZMQ_SOCKS_SEND_REQ;
}

/* Version, result, zero, address and port, of which only the end matters. */
static int socks_reply(const struct kzmq_socks *s)
{
	size_t addr;

	if (s->buf[0] != VERSION || (s->have > 1 && s->buf[1]) ||
	    (s->have > 2 && s->buf[2]))
		return -EPROTO;
	if (s->have < 4)
		return KZMQ_SOCKS_MORE;
	switch (s->buf[3]) {
	case ADDR_IP4:
		addr = 4;
		break;
	case ADDR_IP6:
		addr = 16;
		break;
	case ADDR_NAME:
		if (s->have < 5)
			return KZMQ_SOCKS_MORE;
		addr = 1 + (size_t)s->buf[4];
		break;
	default:
		return -EPROTO;
	}
	return s->have < 4 + addr + 2 ? KZMQ_SOCKS_MORE : KZMQ_SOCKS_DONE;
}

static int socks_look(const struct kzmq_socks *s)
{
	switch (s->step) {
	case STEP_METHOD:
		return socks_method(s);
	case STEP_AUTH:
		return socks_auth(s);
	case STEP_REPLY:
		return socks_reply(s);
	}
	return -EPROTO;
}

/**
 * kzmq_socks_feed() - octets came from the proxy
 * @s:    the state
 * @p:    the octets
 * @n:    how many
 * @used: how many of them belonged to the proxy's answer
 *
 * Return: enum kzmq_socks_next, or -EPROTO when the proxy refuses or talks
 * something else.
 */
int kzmq_socks_feed(struct kzmq_socks *s, const u8 *p, size_t n, size_t *used)
{
	int ret = KZMQ_SOCKS_MORE;
	size_t i = 0;

	while (i < n && ret == KZMQ_SOCKS_MORE) {
		s->buf[s->have++] = p[i++];
		ret = socks_look(s);
	}
	*used = i;
	if (ret == KZMQ_SOCKS_MORE)
		return ret;
	s->have = 0;
	if (ret == KZMQ_SOCKS_SEND_AUTH)
		s->step = STEP_AUTH;
	else if (ret == KZMQ_SOCKS_SEND_REQ)
		s->step = STEP_REPLY;
	else
		s->step = STEP_END;
	return ret;
}

static u8 *socks_str(u8 *o, const void *s, u8 len)
{
	*o++ = len;
	if (len)
		memcpy(o, s, len);
	return o + len;
}

/**
 * kzmq_socks_auth() - user name and password
 * @out:      room for KZMQ_SOCKS_OUT_MAX octets
 * @user:     user name
 * @user_len: its length
 * @pass:     password
 * @pass_len: its length
 *
 * Return: octets written.
 */
size_t kzmq_socks_auth(u8 *out, const void *user, u8 user_len,
		       const void *pass, u8 pass_len)
{
	u8 *o = out;

	*o++ = AUTH_VERSION;
	o = socks_str(o, user, user_len);
	o = socks_str(o, pass, pass_len);
	return (size_t)(o - out);
}

/**
 * kzmq_socks_request() - where the proxy shall connect to
 * @out: room for KZMQ_SOCKS_OUT_MAX octets
 * @dst: an address with a port, or a name, which the proxy looks up
 *
 * Return: octets written.
 */
size_t kzmq_socks_request(u8 *out, const struct kzmq_addr *dst)
{
	size_t len = dst->family == 6 ? 16 : 4;
	u8 *o = out;

	*o++ = VERSION;
	*o++ = CMD_CONNECT;
	*o++ = 0;
	if (dst->family) {
		*o++ = dst->family == 6 ? ADDR_IP6 : ADDR_IP4;
		memcpy(o, dst->ip, len);
		o += len;
	} else {
		*o++ = ADDR_NAME;
		o = socks_str(o, dst->name, (u8)strlen(dst->name));
	}
	put_unaligned_be16(dst->port, o);
	return (size_t)(o + 2 - out);
}
