// SPDX-License-Identifier: GPL-2.0
/*
 * Options of security: which mechanism, in which role, with which names and keys.
 *
 * The option set last decides. All of them live in one object that is copied,
 * changed and put in the place of the old one; endpoints keep the one they were
 * made with. What is dropped is wiped.
 *
 * Locks: kzmq_sock.opts.sec is under lock_sock(); that of an endpoint does not
 * change.
 * Contexts: process, but for kzmq_sec_put(): any.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/sock.h>

#include "allow.h"
#include "box.h"
#include "mech.h"
#include "optval.h"
#include "sec.h"
#include "sock.h"
#include "z85.h"

/**
 * kzmq_sec_get - one more who needs it
 * @sec: the options, NULL for defaults
 *
 * Return: @sec.
 */
struct kzmq_sec *kzmq_sec_get(struct kzmq_sec *sec)
{
	if (sec)
		refcount_inc(&sec->ref);
	return sec;
}

/**
 * kzmq_sec_put - one less
 * @sec: the options, NULL for defaults
 *
 * Context: any.
 */
void kzmq_sec_put(struct kzmq_sec *sec)
{
	if (!sec || !refcount_dec_and_test(&sec->ref))
		return;
	kzmq_allow_put(sec->allow);
	kfree_sensitive(sec);
}

static struct kzmq_sec *sec_dup(const struct kzmq_sec *old)
{
	struct kzmq_sec *sec = kzalloc(sizeof(*sec), GFP_KERNEL_ACCOUNT);

	if (!sec)
		return NULL;
	if (old)
		*sec = *old;
	kzmq_allow_get(sec->allow);
	refcount_set(&sec->ref, 1);
	return sec;
}

static int set_bool(const u8 *val, unsigned int len, int min, int max,
		    bool *out)
{
	int v, err;

	err = kzmq_opt_int(KERNEL_SOCKPTR((void *)val), len, min, max, &v);
	if (!err)
		*out = v;
	return err;
}

/* Who lets in has no name to tell; who does not speaks NULL again. */
static int set_server(struct kzmq_sec *sec, int mechanism, const u8 *val,
		      unsigned int len)
{
	int err = set_bool(val, len, 0, 1, &sec->server);

	if (!err)
		sec->mechanism = sec->server ? mechanism : ZMQ_NULL;
	return err;
}

static int set_text(struct kzmq_sec_text *t, const u8 *val, unsigned int len)
{
	if (len > sizeof(t->data))
		return -EINVAL;
	memset(t->data, 0, sizeof(t->data));
	if (len)
		memcpy(t->data, val, len);
	t->len = len;
	return 0;
}

/* No octets: no PLAIN. What was set before is kept, as nobody will tell it. */
static int set_login(struct kzmq_sec *sec, struct kzmq_sec_text *t,
		     const u8 *val, unsigned int len)
{
	int err;

	if (!len) {
		sec->mechanism = ZMQ_NULL;
		return 0;
	}
	err = set_text(t, val, len);
	if (err)
		return err;
	sec->server = false;
	sec->mechanism = ZMQ_PLAIN;
	return 0;
}

static int set_key(struct kzmq_sec *sec, u8 *key, const u8 *val,
		   unsigned int len)
{
	int err = 0;

	switch (len) {
	case KZMQ_SEC_KEY:
		memcpy(key, val, KZMQ_SEC_KEY);
		break;
	case KZMQ_SEC_KEY_TEXT + 1:
		if (val[KZMQ_SEC_KEY_TEXT])
			return -EINVAL;
		fallthrough;
	case KZMQ_SEC_KEY_TEXT:
		err = kzmq_z85_decode(key, val, KZMQ_SEC_KEY_TEXT);
		break;
	default:
		return -EINVAL;
	}
	if (!err)
		sec->mechanism = ZMQ_CURVE;
	return err;
}

static int set_keypair(struct kzmq_sec *sec, const u8 *val, unsigned int len)
{
	bool anew;
	int err;

	err = set_bool(val, len, 0, 1, &anew);
	if (err)
		return err;
	if (anew)
		kzmq_keypair(sec->public_key, sec->secret_key);
	else
		kzmq_box_public(sec->public_key, sec->secret_key);
	memcpy(sec->own_key, sec->public_key, KZMQ_SEC_KEY);
	sec->mechanism = ZMQ_CURVE;
	return 0;
}

/* A key in Z85, or any number of them as they are; none: everybody */
static int set_allow(struct kzmq_sec *sec, const u8 *val, unsigned int len)
{
	u8 key[KZMQ_SEC_KEY];
	int err;

	if (len != KZMQ_SEC_KEY_TEXT && len != KZMQ_SEC_KEY_TEXT + 1)
		return kzmq_allow_set(&sec->allow, val, len);
	if (val[len - 1] && len > KZMQ_SEC_KEY_TEXT)
		return -EINVAL;
	err = kzmq_z85_decode(key, val, KZMQ_SEC_KEY_TEXT);
	return err ?: kzmq_allow_set(&sec->allow, key, sizeof(key));
}

static int sec_set(struct kzmq_sec *sec, int opt, const u8 *val,
		   unsigned int len)
{
	int err;

	switch (opt) {
	case ZMQ_PLAIN_SERVER:
		return set_server(sec, ZMQ_PLAIN, val, len);
	case ZMQ_PLAIN_USERNAME:
		return set_login(sec, &sec->user, val, len);
	case ZMQ_PLAIN_PASSWORD:
		return set_login(sec, &sec->pass, val, len);
	case ZMQ_CURVE_SERVER:
		return set_server(sec, ZMQ_CURVE, val, len);
	case ZMQ_CURVE_PUBLICKEY:
		return set_key(sec, sec->public_key, val, len);
	case ZMQ_CURVE_SECRETKEY:
		err = set_key(sec, sec->secret_key, val, len);
		if (!err)
			kzmq_box_public(sec->own_key, sec->secret_key);
		return err;
	case ZMQ_CURVE_SERVERKEY:
		err = set_key(sec, sec->server_key, val, len);
		if (!err)
			sec->server = false;
		return err;
	case ZMQ_CURVE_KEYPAIR:
		return set_keypair(sec, val, len);
	case ZMQ_CURVE_ALLOW:
		return set_allow(sec, val, len);
	case ZMQ_ZAP_DOMAIN:
		return set_text(&sec->domain, val, len);
	case ZMQ_ZAP_ENFORCE_DOMAIN:
		return set_bool(val, len, INT_MIN, INT_MAX, &sec->enforce);
	}
	return -ENOPROTOOPT;
}

static bool opt_is_curve(int opt)
{
	switch (opt) {
	case ZMQ_CURVE_SERVER:
	case ZMQ_CURVE_PUBLICKEY:
	case ZMQ_CURVE_SECRETKEY:
	case ZMQ_CURVE_SERVERKEY:
	case ZMQ_CURVE_KEYPAIR:
	case ZMQ_CURVE_ALLOW:
		return true;
	}
	return false;
}

static bool opt_is_ours(int opt)
{
	switch (opt) {
	case ZMQ_PLAIN_SERVER:
	case ZMQ_PLAIN_USERNAME:
	case ZMQ_PLAIN_PASSWORD:
	case ZMQ_ZAP_DOMAIN:
	case ZMQ_ZAP_ENFORCE_DOMAIN:
		return true;
	}
	return opt_is_curve(opt);
}

/**
 * kzmq_sec_setopt - set an option of security
 * @zs:  the socket
 * @opt: the option
 * @val: its value, in kernel memory that the caller wipes
 * @len: octets of @val
 *
 * Context: process, lock_sock() held.
 * Return: 0, -ENOPROTOOPT when it is none of these, -EINVAL, -ENOMEM,
 * -EOPNOTSUPP when this kernel does not have the mechanism.
 */
int kzmq_sec_setopt(struct kzmq_sock *zs, int opt, const u8 *val,
		    unsigned int len)
{
	struct kzmq_sec *sec;
	int err;

	if (!opt_is_ours(opt))
		return -ENOPROTOOPT;
	if (opt_is_curve(opt) && !kzmq_mech_usable(ZMQ_CURVE))
		return -EOPNOTSUPP;
	sec = sec_dup(zs->opts.sec);
	if (!sec)
		return -ENOMEM;
	err = sec_set(sec, opt, val, len);
	if (err) {
		kzmq_sec_put(sec);
		return err;
	}
	kzmq_sec_put(zs->opts.sec);
	zs->opts.sec = sec;
	return 0;
}

/* Whoever made the socket, and whoever may do anything to it */
static bool sec_may_read(struct kzmq_sock *zs)
{
	return uid_eq(current_euid(), READ_ONCE(zs->sk.sk_uid)) ||
	       ns_capable(zs->zn->net->user_ns, CAP_NET_ADMIN);
}

static int get_text(const struct kzmq_sec_text *t, u8 *buf, int *len)
{
	int n = t ? t->len : 0;

	if (*len < n + 1)
		return -EINVAL;
	if (n)
		memcpy(buf, t->data, n);
	buf[n] = '\0';
	*len = n + 1;
	return 0;
}

/* The length asked for says in which form. */
static int get_key(const u8 *key, u8 *buf, int *len)
{
	static const u8 none[KZMQ_SEC_KEY];

	if (!key)
		key = none;
	switch (*len) {
	case KZMQ_SEC_KEY:
		memcpy(buf, key, KZMQ_SEC_KEY);
		return 0;
	case KZMQ_SEC_KEY_TEXT + 1:
		kzmq_z85_encode(buf, key, KZMQ_SEC_KEY);
		buf[KZMQ_SEC_KEY_TEXT] = '\0';
		return 0;
	}
	return -EINVAL;
}

/**
 * kzmq_sec_getopt - read an option of security
 * @zs:  the socket
 * @opt: the option
 * @buf: where to; the caller wipes it
 * @len: room, set to the length
 *
 * Context: process, lock_sock() held.
 * Return: 0, -ENOPROTOOPT when it is none of these, -EINVAL when the room does
 * not fit, -EPERM when the caller may not know.
 */
int kzmq_sec_getopt(struct kzmq_sock *zs, int opt, void *buf, int *len)
{
	const struct kzmq_sec *sec = zs->opts.sec;
	int mechanism = kzmq_sec_mechanism(sec);
	bool server = sec && sec->server;

	switch (opt) {
	case ZMQ_MECHANISM:
		return kzmq_opt_put_int(buf, len, mechanism);
	case ZMQ_PLAIN_SERVER:
		return kzmq_opt_put_int(buf, len,
					server && mechanism == ZMQ_PLAIN);
	case ZMQ_CURVE_SERVER:
		return kzmq_opt_put_int(buf, len,
					server && mechanism == ZMQ_CURVE);
	case ZMQ_ZAP_ENFORCE_DOMAIN:
		return kzmq_opt_put_int(buf, len, sec && sec->enforce);
	case ZMQ_ZAP_DOMAIN:
		return get_text(sec ? &sec->domain : NULL, buf, len);
	case ZMQ_PLAIN_USERNAME:
		return get_text(sec ? &sec->user : NULL, buf, len);
	case ZMQ_PLAIN_PASSWORD:
		if (!sec_may_read(zs))
			return -EPERM;
		return get_text(sec ? &sec->pass : NULL, buf, len);
	case ZMQ_CURVE_PUBLICKEY:
		return get_key(sec ? sec->public_key : NULL, buf, len);
	case ZMQ_CURVE_SECRETKEY:
		if (!sec_may_read(zs))
			return -EPERM;
		return get_key(sec ? sec->secret_key : NULL, buf, len);
	case ZMQ_CURVE_SERVERKEY:
		return get_key(sec ? sec->server_key : NULL, buf, len);
	case ZMQ_CURVE_ALLOW:
		return kzmq_opt_put_int(buf, len,
					sec ? kzmq_allow_count(sec->allow) : 0);
	}
	return -ENOPROTOOPT;
}
