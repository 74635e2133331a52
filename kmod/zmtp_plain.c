// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of PLAIN (RFC 24) that are not metadata and a name.
 *
 *	client				server
 *	HELLO user, password
 *					WELCOME, or ERROR
 *	INITIATE metadata
 *					READY metadata, or ERROR
 */
#include "zmtp.h"

/**
 * kzmq_hello_parse() - what follows the name of a HELLO
 * @data: octets
 * @len:  how many
 * @h:    the result; points into @data
 *
 * Return: 0, or -EPROTO when a text leaves @data or something follows.
 */
int kzmq_hello_parse(const u8 *data, size_t len, struct kzmq_hello *h)
{
	if (!len || data[0] > len - 1)
		return -EPROTO;
	h->user_len = data[0];
	h->user = data + 1;
	data += 1 + (size_t)h->user_len;
	len -= 1 + (size_t)h->user_len;
	if (!len || data[0] != len - 1)
		return -EPROTO;
	h->pass_len = data[0];
	h->pass = data + 1;
	return 0;
}

/**
 * kzmq_hello_size() - octets of a HELLO's frame
 * @h: name and password
 */
size_t kzmq_hello_size(const struct kzmq_hello *h)
{
	size_t body = KZMQ_HELLO_MIN + (size_t)h->user_len + h->pass_len;

	return body + (body > U8_MAX ? 9 : 2);
}

/**
 * kzmq_enc_hello() - a whole HELLO frame
 * @out: room for kzmq_hello_size() octets
 * @h:   name and password
 *
 * Return: octets written.
 */
size_t kzmq_enc_hello(u8 *out, const struct kzmq_hello *h)
{
	u8 *o = out;

	o += kzmq_enc_cmd(o, KZMQ_CMD_HELLO,
			  (size_t)h->user_len + h->pass_len + 2);
	*o++ = h->user_len;
	if (h->user_len)
		memcpy(o, h->user, h->user_len);
	o += h->user_len;
	*o++ = h->pass_len;
	if (h->pass_len)
		memcpy(o, h->pass, h->pass_len);
	o += h->pass_len;
	return (size_t)(o - out);
}
