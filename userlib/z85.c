// SPDX-License-Identifier: MPL-2.0
/*
 * Z85 (RFC 32): four octets, a big-endian number, are five digits to base 85.
 * No state; any thread may call these.
 */
#include <stdbool.h>
#include <string.h>

#include "zmq.h"

#define BASE	85

static const char digits[] =
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

char *zmq_z85_encode(char *dest, const uint8_t *data, size_t size)
{
	char *to = dest;
	uint32_t value;
	int i;

	if (size % 4) {
		errno = EINVAL;
		return NULL;
	}
	for (; size; size -= 4, data += 4, to += 5) {
		value = (uint32_t)data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
		for (i = 4; i >= 0; i--, value /= BASE)
			to[i] = digits[value % BASE];
	}
	*to = '\0';
	return dest;
}

/* Five digits to a number; false where they are none, or one too large. */
static bool five_digits(const char *text, uint32_t *value)
{
	uint64_t sum = 0;
	const char *digit;
	int i;

	for (i = 0; i < 5; i++) {
		digit = memchr(digits, text[i], BASE);
		if (!digit)
			return false;
		sum = sum * BASE + (digit - digits);
	}
	*value = sum;
	return sum <= UINT32_MAX;
}

uint8_t *zmq_z85_decode(uint8_t *dest, const char *text)
{
	size_t len = strlen(text);
	uint8_t *to = dest;
	uint32_t value;

	if (!len || len % 5) {
		errno = EINVAL;
		return NULL;
	}
	for (; *text; text += 5) {
		if (!five_digits(text, &value)) {
			errno = EINVAL;
			return NULL;
		}
		*to++ = value >> 24;
		*to++ = value >> 16;
		*to++ = value >> 8;
		*to++ = value;
	}
	return dest;
}
