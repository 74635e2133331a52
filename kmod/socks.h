/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SOCKS5, the client's half (RFC 1928, RFC 1929): to a destination by way of a
 * proxy.
 */
#ifndef KZMQ_SOCKS_H
#define KZMQ_SOCKS_H

#include "pure.h"
#include "uri.h"

#define KZMQ_SOCKS_START	3		/* octets of the first message */
#define KZMQ_SOCKS_STR_MAX	255		/* user name, password */
#define KZMQ_SOCKS_OUT_MAX	(3 + 2 * KZMQ_SOCKS_STR_MAX)
#define KZMQ_SOCKS_IN_MAX	(4 + 1 + 255 + 2)

/* What kzmq_socks_feed() asks for */
enum kzmq_socks_next {
	KZMQ_SOCKS_MORE,	/* further octets of the proxy */
	KZMQ_SOCKS_SEND_AUTH,	/* send kzmq_socks_auth() */
	KZMQ_SOCKS_SEND_REQ,	/* send kzmq_socks_request() */
	KZMQ_SOCKS_DONE,	/* what follows comes from the destination */
};

/**
 * struct kzmq_socks - what has come from the proxy
 * @step:   which answer is awaited
 * @method: the method we have offered
 * @have:   octets of the answer in @buf
 * @buf:    those octets
 */
struct kzmq_socks {
	u8 step;
	u8 method;
	u16 have;
	u8 buf[KZMQ_SOCKS_IN_MAX];
};

size_t kzmq_socks_start(struct kzmq_socks *s, bool auth, u8 *out);
int kzmq_socks_feed(struct kzmq_socks *s, const u8 *p, size_t n, size_t *used);
size_t kzmq_socks_auth(u8 *out, const void *user, u8 user_len,
		       const void *pass, u8 pass_len);
size_t kzmq_socks_request(u8 *out, const struct kzmq_addr *dst);

#endif /* KZMQ_SOCKS_H */
