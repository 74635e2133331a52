// SPDX-License-Identifier: GPL-2.0
/*
 * Z85 (RFC 32) for keys: five digits to base 85 are four octets, the highest
 * first. No state, no locks, any context.
 *
 * Texts of secret keys pass here: time and addresses touched depend on no digit.
 */
#include "z85.h"

static const char digits[] =
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

#define BASE	85

/* The value of a digit, BASE when it is none; always looks at all of them. */
static u32 digit_value(u8 c)
{
	u32 v = BASE, i, same;

	for (i = 0; i < BASE; i++) {
		/* ones where the octets are equal, else 0 */
		same = ((u32)(c ^ (u8)digits[i]) - 1) >> 8;
		v ^= (v ^ i) & same;
	}
	return v;
}

static u8 value_digit(u32 v)
{
	u32 c = 0, i, same;

	for (i = 0; i < BASE; i++) {
		same = ((v ^ i) - 1) >> 8;
		c |= (u8)digits[i] & same;
	}
	return (u8)c;
}

/**
 * kzmq_z85_decode() - a text to octets
 * @out:  room for four fifths of @len
 * @text: the digits
 * @len:  how many, a multiple of 5
 *
 * Return: 0, or -EINVAL when there is something else than digits, or five of
 * them are more than four octets hold; then @out is not to be used.
 */
int kzmq_z85_decode(u8 *out, const u8 *text, size_t len)
{
	u32 v, bad = 0;
	size_t i, j;
	u64 sum;

	if (len % 5)
		return -EINVAL;
	for (i = 0; i < len; i += 5, out += 4) {
		sum = 0;
		for (j = 0; j < 5; j++) {
			v = digit_value(text[i + j]);
			bad |= v == BASE;
			sum = sum * BASE + v;
		}
		bad |= (u32)(sum >> 32);
		put_unaligned_be32((u32)sum, out);
	}
	return bad ? -EINVAL : 0;
}

/**
 * kzmq_z85_encode() - octets to a text
 * @out:  room for five quarters of @len; there will be no NUL
 * @data: the octets
 * @len:  how many, a multiple of 4
 */
void kzmq_z85_encode(u8 *out, const u8 *data, size_t len)
{
	size_t i;
	u32 v;
	int j;

	for (i = 0; i + 4 <= len; i += 4, out += 5) {
		v = get_unaligned_be32(data + i);
		for (j = 4; j >= 0; j--, v /= BASE)
			out[j] = value_digit(v % BASE);
	}
}
