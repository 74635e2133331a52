// SPDX-License-Identifier: GPL-2.0
/*
 * Decoding of frame headers.
 */
#include "zmtp.h"

/* Length of the header whose first octet is h[0]. */
static int dec_need(u8 ver, const u8 *h)
{
	if (ver < KZMQ_VER_2) {
		if (!h[0])
			return -EPROTO;
		return h[0] == 0xff ? 10 : 2;
	}
	if (ver >= KZMQ_VER_30 && (h[0] & KZMQ_F_CMD) && (h[0] & KZMQ_F_MORE))
		return -EPROTO;
	return h[0] & KZMQ_F_LONG ? 9 : 2;
}

/* 1.0: the length counts the flags, which come last. */
static int dec_v1(const u8 *b, struct kzmq_fhdr *h)
{
	u64 len;

	if (b[0] == 0xff) {
		len = get_unaligned_be64(b + 1);
		h->flags = b[9] & KZMQ_F_MORE;
	} else {
		len = b[0];
		h->flags = b[1] & KZMQ_F_MORE;
	}
	if (!len || len - 1 > KZMQ_BODY_MAX)
		return -EPROTO;
	h->size = len - 1;
	return 0;
}

/* 2.0 and 3.x; flag bits without a meaning are not looked at. */
static int dec_v2(u8 ver, const u8 *b, struct kzmq_fhdr *h)
{
	h->flags = b[0] & KZMQ_F_MORE;
	if (ver >= KZMQ_VER_30)
		h->flags |= b[0] & KZMQ_F_CMD;
	h->size = b[0] & KZMQ_F_LONG ? get_unaligned_be64(b + 1) : b[1];
	return h->size > KZMQ_BODY_MAX ? -EPROTO : 0;
}

static int dec_parse(u8 ver, const u8 *b, struct kzmq_fhdr *h)
{
	return ver < KZMQ_VER_2 ? dec_v1(b, h) : dec_v2(ver, b, h);
}

/**
 * __kzmq_dec_header() - kzmq_dec_header() for any header
 * @d:    decoder
 * @p:    octets from the peer
 * @len:  how many
 * @done: set when @h is complete
 * @h:    the header
 *
 * Return: octets consumed or -EPROTO.
 */
int __kzmq_dec_header(struct kzmq_dec *d, const u8 *p, size_t len, bool *done,
		      struct kzmq_fhdr *h)
{
	size_t take;
	int need;
	int err;

	*done = false;
	if (!len)
		return 0;
	need = dec_need(d->ver, d->have ? d->hdr : p);
	if (need < 0)
		return need;
	if (!d->have && len >= (size_t)need) {
		err = dec_parse(d->ver, p, h);
		if (err)
			return err;
		*done = true;
		return need;
	}
	take = min_t(size_t, len, (size_t)need - d->have);
	memcpy(d->hdr + d->have, p, take);
	d->have += (u8)take;
	/* A long 1.0 length is judged before the flags behind it come. */
	if (d->have == need - 1 && need == KZMQ_HDR_MAX && dec_v1(d->hdr, h))
		return -EPROTO;
	if (d->have < need)
		return (int)take;
	err = dec_parse(d->ver, d->hdr, h);
	if (err)
		return err;
	d->have = 0;
	*done = true;
	return (int)take;
}
