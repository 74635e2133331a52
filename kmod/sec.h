/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_SEC_H
#define KZMQ_SEC_H

#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/zmq.h>

struct kzmq_allow;
struct kzmq_sock;

#define KZMQ_SEC_KEY		32	/* octets of a CURVE key */
#define KZMQ_SEC_KEY_TEXT	40	/* the same in Z85, without a NUL */

/**
 * struct kzmq_sec_text - a user name, a password, a domain
 * @len:  octets
 * @data: the octets
 */
struct kzmq_sec_text {
	u8	len;
	u8	data[U8_MAX];
};

/**
 * struct kzmq_sec - the security options of a socket
 * @ref:        the socket and its endpoints share it
 * @mechanism:  ZMQ_NULL, ZMQ_PLAIN or ZMQ_CURVE: what the last of the options
 *              said that name one
 * @server:     the side that lets in, whoever connects
 * @enforce:    ZMQ_ZAP_ENFORCE_DOMAIN
 * @user:       ZMQ_PLAIN_USERNAME
 * @pass:       ZMQ_PLAIN_PASSWORD
 * @domain:     ZMQ_ZAP_DOMAIN
 * @public_key: ZMQ_CURVE_PUBLICKEY, zeros while it is not set
 * @secret_key: ZMQ_CURVE_SECRETKEY, likewise
 * @server_key: ZMQ_CURVE_SERVERKEY, likewise
 * @own_key:    the public half of @secret_key
 * @allow:      ZMQ_CURVE_ALLOW, NULL for everybody
 *
 * Does not change: to set an option is to make another one. NULL stands for all
 * defaults.
 */
struct kzmq_sec {
	refcount_t		ref;
	u8			mechanism;
	bool			server;
	bool			enforce;
	struct kzmq_sec_text	user;
	struct kzmq_sec_text	pass;
	struct kzmq_sec_text	domain;
	u8			public_key[KZMQ_SEC_KEY];
	u8			secret_key[KZMQ_SEC_KEY];
	u8			server_key[KZMQ_SEC_KEY];
	u8			own_key[KZMQ_SEC_KEY];
	struct kzmq_allow	*allow;
};

static inline int kzmq_sec_mechanism(const struct kzmq_sec *sec)
{
	return sec ? sec->mechanism : ZMQ_NULL;
}

/* Is there more to a handshake than READY? Then ZMTP 1 and 2 are refused. */
static inline bool kzmq_sec_on(const struct kzmq_sec *sec)
{
	return sec && (sec->mechanism != ZMQ_NULL || sec->domain.len);
}

struct kzmq_sec *kzmq_sec_get(struct kzmq_sec *sec);
void kzmq_sec_put(struct kzmq_sec *sec);
int kzmq_sec_setopt(struct kzmq_sock *zs, int opt, const u8 *val,
		    unsigned int len);
int kzmq_sec_getopt(struct kzmq_sock *zs, int opt, void *buf, int *len);

#endif /* KZMQ_SEC_H */
