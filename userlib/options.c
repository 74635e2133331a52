// SPDX-License-Identifier: MPL-2.0
/*
 * Options of sockets.
 *
 * Most are the kernel's, with the same numbers, types and rules. The table has
 * those whose length the kernel would be less strict about and those that are
 * kept here without effect.
 *
 * No locks of its own; any thread.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/zmq.h>

#include "lane.h"
#include "zl.h"

/*
 * What a limit of -1 is for the kernel: so long that it needs no timer, and
 * still a limit, so that a signal ends the wait.
 */
#define NO_LIMIT INT_MAX

enum kind {
	KIND_INT,	/* 4 octets, the kernel's */
	KIND_64,	/* 8 octets, the kernel's */
	KIND_BIN,	/* octets, the kernel's */
	KIND_TEXT,	/* text, the kernel's */
	KIND_KEY,	/* 32 octets or 41 of text, the kernel's */
	KIND_KEPT,	/* 4 octets, remembered and of no effect */
	KIND_OFF,	/* 4 octets, can only be 0 */
	KIND_OWN,	/* has a function of its own */
};

/**
 * struct opt - an option
 * @nr:   its number
 * @kind: what its value is
 * @min:  of KIND_KEPT
 * @dflt: of KIND_KEPT
 * @at:   of KIND_KEPT: its place in zl_sock.kept
 */
struct opt {
	int		nr;
	enum kind	kind;
	int		min;
	int		dflt;
	int		at;
};

static const struct opt opts[] = {
	{ ZMQ_AFFINITY, KIND_64 },
	{ ZMQ_MAXMSGSIZE, KIND_64 },
	{ ZMQ_ROUTING_ID, KIND_BIN },
	{ ZMQ_SUBSCRIBE, KIND_OWN },
	{ ZMQ_UNSUBSCRIBE, KIND_OWN },
	{ ZMQ_CONNECT_ROUTING_ID, KIND_BIN },
	{ ZMQ_XPUB_WELCOME_MSG, KIND_BIN },
	{ ZMQ_HELLO_MSG, KIND_BIN },
	{ ZMQ_DISCONNECT_MSG, KIND_BIN },
	{ ZMQ_HICCUP_MSG, KIND_BIN },
	{ ZMQ_METADATA, KIND_TEXT },
	{ ZMQ_TCP_ACCEPT_FILTER, KIND_TEXT },
	{ ZMQ_IPC_FILTER_PID, KIND_BIN },
	{ ZMQ_IPC_FILTER_UID, KIND_BIN },
	{ ZMQ_IPC_FILTER_GID, KIND_BIN },
	{ ZMQ_BINDTODEVICE, KIND_TEXT },
	{ ZMQ_SOCKS_PROXY, KIND_OWN },
	{ ZMQ_SOCKS_USERNAME, KIND_TEXT },
	{ ZMQ_SOCKS_PASSWORD, KIND_TEXT },
	{ ZMQ_LAST_ENDPOINT, KIND_OWN },
	{ ZMQ_FD, KIND_OWN },
	{ ZMQ_FD_LEVEL, KIND_OWN },
	{ ZMQ_EVENTS, KIND_OWN },
	{ ZMQ_RCVMORE, KIND_OWN },
	{ ZMQ_RCVTIMEO, KIND_OWN },
	{ ZMQ_SNDTIMEO, KIND_OWN },
	{ ZMQ_CONFLATE, KIND_OWN },
	{ ZMQ_INVERT_MATCHING, KIND_OWN },
	{ ZMQ_XPUB_MANUAL, KIND_OWN },
	{ ZMQ_XPUB_MANUAL_LAST_VALUE, KIND_OWN },
	{ ZMQ_RATE, KIND_KEPT, 1, 100, 0 },
	{ ZMQ_RECOVERY_IVL, KIND_KEPT, 0, 10000, 1 },
	{ ZMQ_MULTICAST_HOPS, KIND_KEPT, 1, 1, 2 },
	{ ZMQ_MULTICAST_MAXTPDU, KIND_KEPT, 1, 1500, 3 },
	{ ZMQ_MULTICAST_LOOP, KIND_KEPT, 0, 1, 4 },
	{ ZMQ_LOOPBACK_FASTPATH, KIND_KEPT, 0, 0, 5 },
	{ ZMQ_ROUTER_RAW, KIND_OFF },
	{ ZMQ_PLAIN_USERNAME, KIND_TEXT },
	{ ZMQ_PLAIN_PASSWORD, KIND_TEXT },
	{ ZMQ_CURVE_PUBLICKEY, KIND_KEY },
	{ ZMQ_CURVE_SECRETKEY, KIND_KEY },
	{ ZMQ_CURVE_SERVERKEY, KIND_KEY },
	{ ZMQ_ZAP_DOMAIN, KIND_TEXT },
};

/* Options that any type takes, and of these alone they have an effect */
static const struct {
	struct opt	o;
	unsigned int	types;
} some[] = {
	{ { ZMQ_CONFLATE, KIND_KEPT, 0, 0, 6 },
	  1 << ZMQ_PUB | 1 << ZMQ_SUB | 1 << ZMQ_DEALER | 1 << ZMQ_PULL |
	  1 << ZMQ_PUSH },
	{ { ZMQ_INVERT_MATCHING, KIND_KEPT, INT_MIN, 0, 7 },
	  1 << ZMQ_PUB | 1 << ZMQ_SUB | 1 << ZMQ_XPUB },
};

static const struct opt *opt_find(const struct zl_sock *s, int nr)
{
	static const struct opt other = { 0, KIND_INT };
	size_t i;

	for (i = 0; i < ZL_ARRAY_SIZE(some); i++)
		if (some[i].o.nr == nr && !(some[i].types & 1u << s->type))
			return &some[i].o;
	for (i = 0; i < ZL_ARRAY_SIZE(opts); i++)
		if (opts[i].nr == nr)
			return &opts[i];
	/* the numbers of our own are for those who use the kernel directly */
	return nr < ZMQ_BIND ? &other : NULL;
}

/**
 * zl_kset - set an option of the kernel's
 * @s:   the socket
 * @opt: its number
 * @val: the value
 * @len: octets of it
 *
 * Return: 0 or an errno.
 */
int zl_kset(struct zl_sock *s, int opt, const void *val, size_t len)
{
	if (len > INT_MAX)
		return EINVAL;
	return setsockopt(s->fd, SOL_ZMQ, opt, val, len) ? errno : 0;
}

/**
 * zl_kget - get an option of the kernel's
 * @s:   the socket
 * @opt: its number
 * @val: where to
 * @len: octets there is room for, set to those used
 *
 * Return: 0 or an errno.
 */
int zl_kget(struct zl_sock *s, int opt, void *val, size_t *len)
{
	socklen_t n = *len > INT_MAX ? INT_MAX : *len;

	if (getsockopt(s->fd, SOL_ZMQ, opt, val, &n))
		return errno;
	*len = n;
	return 0;
}

/*
 * The kernel counts in ticks and from the last one on, so a limit would end
 * before its time.
 */
static int kernel_ms(int ms)
{
	struct timespec tick;
	int64_t k;

	if (ms <= 0)
		return ms ? NO_LIMIT : 0;
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick))
		return ms;
	k = ms + (tick.tv_nsec + 999999) / 1000000;
	return k < NO_LIMIT ? k : NO_LIMIT;
}

/**
 * zl_set_timeo - ZMQ_RCVTIMEO, ZMQ_SNDTIMEO
 * @s:   the socket
 * @opt: which
 * @ms:  -1 for no limit
 *
 * Return: 0 or an errno.
 */
int zl_set_timeo(struct zl_sock *s, int opt, int ms)
{
	int k = kernel_ms(ms);
	int err = ms < -1 ? EINVAL : zl_kset(s, opt, &k, sizeof(k));

	if (!err)
		atomic_store(opt == ZMQ_RCVTIMEO ? &s->rcvtimeo : &s->sndtimeo,
			     ms);
	return err;
}

/**
 * zl_no_dense - from now on receive nothing ahead
 * @s:   the socket
 * @why: ZL_NODENSE_...
 */
void zl_no_dense(struct zl_sock *s, uint32_t why)
{
	atomic_fetch_or(&s->no_dense, why);
	zl_rx_calm(s);
}

static int as_int(const void *val, size_t len, int *v)
{
	if (!val || len != sizeof(*v))
		return EINVAL;
	memcpy(v, val, sizeof(*v));
	return 0;
}

static int set_kept(struct zl_sock *s, const struct opt *o, const void *val,
		    size_t len)
{
	int v, err = as_int(val, len, &v);

	if (err || v < o->min || (o->nr == ZMQ_CONFLATE && v > 1))
		return EINVAL;
	atomic_store(&s->kept[o->at], v - o->dflt);
	return 0;
}

static int set_off(const void *val, size_t len)
{
	int v, err = as_int(val, len, &v);

	return err || v ? EINVAL : 0;
}

static int set_timeo(struct zl_sock *s, int opt, const void *val, size_t len)
{
	int v, err = as_int(val, len, &v);

	return err ? err : zl_set_timeo(s, opt, v);
}

/* Options that change what the next receive call gives: nothing ahead of it. */
static int set_not_dense(struct zl_sock *s, int opt, const void *val, size_t len)
{
	int err = zl_kset(s, opt, val, len);

	if (!err)
		zl_no_dense(s, ZL_NODENSE_OPT);
	return err;
}

static int set_own(struct zl_sock *s, int opt, const void *val, size_t len)
{
	switch (opt) {
	case ZMQ_RCVTIMEO:
	case ZMQ_SNDTIMEO:
		return set_timeo(s, opt, val, len);
	case ZMQ_CONFLATE:
	case ZMQ_INVERT_MATCHING:
	case ZMQ_XPUB_MANUAL:
	case ZMQ_XPUB_MANUAL_LAST_VALUE:
		return set_not_dense(s, opt, val, len);
	case ZMQ_SUBSCRIBE:
	case ZMQ_UNSUBSCRIBE:
		return zl_rx_topic(s, opt, val, len);
	case ZMQ_SOCKS_PROXY:
		return zl_set_proxy(s, val, len);
	}
	return EINVAL;
}

static int opt_set(struct zl_sock *s, int nr, const void *val, size_t len)
{
	const struct opt *o = opt_find(s, nr);

	if (!o || (!val && len))
		return EINVAL;
	switch (o->kind) {
	case KIND_INT:
		return len == sizeof(int) ? zl_kset(s, nr, val, len) : EINVAL;
	case KIND_64:
		return len == sizeof(int64_t) ? zl_kset(s, nr, val, len) :
						EINVAL;
	case KIND_BIN:
	case KIND_TEXT:
	case KIND_KEY:
		return zl_kset(s, nr, val, len);
	case KIND_KEPT:
		return set_kept(s, o, val, len);
	case KIND_OFF:
		return set_off(val, len);
	case KIND_OWN:
		return set_own(s, nr, val, len);
	}
	return EINVAL;
}

int zmq_setsockopt(void *handle, int opt, const void *val, size_t len)
{
	struct zl_sock *s = zl_sock_enter(handle);
	int err;

	if (!s)
		return -1;
	err = opt_set(s, opt, val, len);
	if (err)
		zl_sock_fail(s, err);
	zl_sock_put(s);
	return err ? -1 : 0;
}

/* @len octets of room; the rest is zeroed. */
static int put(void *val, size_t *len, const void *p, size_t n)
{
	if (*len < n)
		return EINVAL;
	memcpy(val, p, n);
	memset((char *)val + n, 0, *len - n);
	*len = n;
	return 0;
}

static int put_int(void *val, size_t *len, int v)
{
	return put(val, len, &v, sizeof(v));
}

/* What is in use comes first: a change after that makes ZMQ_FD readable. */
static int get_events(struct zl_sock *s, void *val, size_t *len)
{
	size_t n = sizeof(int);
	int v, err;

	if (atomic_load(&s->has_epfd))
		zl_fd_drain(s);
	err = zl_kget(s, ZMQ_EVENTS, &v, &n);
	if (err)
		return err;
	if (zl_rx_ahead(s))
		v |= ZMQ_POLLIN;
	return put_int(val, len, v);
}

static int get_rcvmore(struct zl_sock *s, void *val, size_t *len)
{
	int v = atomic_load(&s->rcvmore), err;
	size_t n = sizeof(v);

	if (v == ZL_MORE_ASK) {
		/* it will ask again: have the answer next time */
		atomic_store(&s->asks, true);
		err = zl_kget(s, ZMQ_RCVMORE, &v, &n);
		if (err)
			return err;
	}
	return put_int(val, len, v);
}

static int get_fd(struct zl_sock *s, int opt, void *val, size_t *len)
{
	int fd;

	if (*len < sizeof(fd))
		return EINVAL;
	if (opt == ZMQ_FD) {
		fd = zl_fd_get(s);
	} else {
		zl_no_dense(s, ZL_NODENSE_FD);
		fd = s->fd;
	}
	return fd < 0 ? -fd : put_int(val, len, fd);
}

/* Text and octets: the kernel's answer, and zeroes behind it */
static int get_octets(struct zl_sock *s, int opt, void *val, size_t *len)
{
	char buf[ZMQ_ENDPOINT_OPT_MAX];
	size_t n = sizeof(buf);
	int err = zl_kget(s, opt, buf, &n);

	if (!err)
		err = put(val, len, buf, n);
	/* it may be a password */
	explicit_bzero(buf, sizeof(buf));
	return err;
}

static int get_own(struct zl_sock *s, int opt, void *val, size_t *len)
{
	switch (opt) {
	case ZMQ_FD:
	case ZMQ_FD_LEVEL:
		return get_fd(s, opt, val, len);
	case ZMQ_EVENTS:
		return get_events(s, val, len);
	case ZMQ_RCVMORE:
		return get_rcvmore(s, val, len);
	case ZMQ_LAST_ENDPOINT:
		return get_octets(s, opt, val, len);
	case ZMQ_SOCKS_PROXY:
		return get_octets(s, opt, val, len);
	}
	if (*len != sizeof(int))
		return EINVAL;
	switch (opt) {
	case ZMQ_RCVTIMEO:
		return put_int(val, len, atomic_load(&s->rcvtimeo));
	case ZMQ_SNDTIMEO:
		return put_int(val, len, atomic_load(&s->sndtimeo));
	case ZMQ_CONFLATE:
	case ZMQ_INVERT_MATCHING:
		return zl_kget(s, opt, val, len);
	}
	return EINVAL;
}

static int get_exact(struct zl_sock *s, int opt, void *val, size_t *len,
		     size_t want)
{
	return *len == want ? zl_kget(s, opt, val, len) : EINVAL;
}

static int opt_get(struct zl_sock *s, int nr, void *val, size_t *len)
{
	const struct opt *o = opt_find(s, nr);

	if (!o || !val || !len)
		return EINVAL;
	switch (o->kind) {
	case KIND_INT:
		if (nr == ZMQ_THREAD_SAFE)
			return get_octets(s, nr, val, len);
		return get_exact(s, nr, val, len, sizeof(int));
	case KIND_64:
		return get_exact(s, nr, val, len, sizeof(int64_t));
	case KIND_BIN:
	case KIND_TEXT:
		return get_octets(s, nr, val, len);
	case KIND_KEY:
		return zl_kget(s, nr, val, len);
	case KIND_KEPT:
		return *len != sizeof(int) ? EINVAL :
		       put_int(val, len, atomic_load(&s->kept[o->at]) + o->dflt);
	case KIND_OFF:
		return *len != sizeof(int) || nr == ZMQ_ROUTER_RAW ? EINVAL :
		       put_int(val, len, 0);
	case KIND_OWN:
		return get_own(s, nr, val, len);
	}
	return EINVAL;
}

int zmq_getsockopt(void *handle, int opt, void *val, size_t *len)
{
	struct zl_sock *s = zl_sock_enter(handle);
	int err;

	if (!s)
		return -1;
	err = opt_get(s, opt, val, len);
	if (err)
		zl_sock_fail(s, err);
	zl_sock_put(s);
	return err ? -1 : 0;
}
