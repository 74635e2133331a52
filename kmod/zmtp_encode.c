// SPDX-License-Identifier: GPL-2.0
/*
 * Encoding of frame headers.
 */
#include "zmtp.h"

/* 1.0: the length counts the flags and is short up to 254. */
static size_t enc_v1(u8 *out, u64 size, u8 flags)
{
	u64 len = size + 1;

	flags &= KZMQ_F_MORE;
	if (len < 0xff) {
		out[0] = (u8)len;
		out[1] = flags;
		return 2;
	}
	out[0] = 0xff;
	put_unaligned_be64(len, out + 1);
	out[9] = flags;
	return 10;
}

/**
 * __kzmq_enc_header() - kzmq_enc_header() for any header
 * @out:   room for KZMQ_HDR_MAX octets
 * @ver:   enum kzmq_ver
 * @size:  octets of the body, at most KZMQ_BODY_MAX
 * @flags: KZMQ_F_MORE or KZMQ_F_CMD or 0
 *
 * Return: octets written.
 */
size_t __kzmq_enc_header(u8 *out, u8 ver, u64 size, u8 flags)
{
	if (ver < KZMQ_VER_2)
		return enc_v1(out, size, flags);
	flags &= ver >= KZMQ_VER_30 ? KZMQ_F_MORE | KZMQ_F_CMD : KZMQ_F_MORE;
	if (size <= U8_MAX) {
		out[0] = flags;
		out[1] = (u8)size;
		return 2;
	}
	out[0] = flags | KZMQ_F_LONG;
	put_unaligned_be64(size, out + 1);
	return 9;
}
