// SPDX-License-Identifier: GPL-2.0
/*
 * Options at level SOL_ZMQ.
 *
 * The pattern sees an option first; then a table of those that are plain
 * integers in struct kzmq_opts; then a few of their own kind.
 *
 * Contexts: process. Locks: lock_sock() but for the endpoint calls, which take
 * it themselves, and for the options that say what can be received or sent.
 */
#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/pkt_sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "ctx.h"
#include "endpoint.h"
#include "filter.h"
#include "monitor.h"
#include "names.h"
#include "optval.h"
#include "sec.h"
#include "sock.h"

#define BATCH_MAX 1024
/* An answer of ZMQ_PEERS; that of all others is ZMQ_ENDPOINT_OPT_MAX */
#define PEERS_MAX 4096
#define STOP_BITS (ZMQ_RECONNECT_STOP_CONN_REFUSED | \
		   ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED | \
		   ZMQ_RECONNECT_STOP_AFTER_DISCONNECT)
/* What 16 bits of tenths of a second hold */
#define HEARTBEAT_TTL_MAX 6553599

/**
 * struct int_opt - an option that is an integer of struct kzmq_opts
 * @opt: its number
 * @off: where it is
 * @min: smallest value
 * @max: largest value
 */
struct int_opt {
	int	opt;
	size_t	off;
	int	min;
	int	max;
};

#define INT_OPT(name, field, lo, hi) \
	{ ZMQ_##name, offsetof(struct kzmq_opts, field), lo, hi }

static const struct int_opt int_opts[] = {
	INT_OPT(SNDBUF,			sndbuf, -1, INT_MAX),
	INT_OPT(RCVBUF,			rcvbuf, -1, INT_MAX),
	INT_OPT(LINGER,			linger, -1, INT_MAX),
	INT_OPT(RECONNECT_IVL,		reconnect_ivl, -1, INT_MAX),
	INT_OPT(RECONNECT_IVL_MAX,	reconnect_ivl_max, 0, INT_MAX),
	INT_OPT(BACKLOG,		backlog, 0, INT_MAX),
	INT_OPT(HANDSHAKE_IVL,		handshake_ivl, 0, INT_MAX),
	INT_OPT(HEARTBEAT_IVL,		heartbeat_ivl, 0, INT_MAX),
	INT_OPT(HEARTBEAT_TIMEOUT,	heartbeat_timeout, 0, INT_MAX),
	INT_OPT(IPV6,			ipv6, 0, 1),
	INT_OPT(IMMEDIATE,		immediate, 0, 1),
	INT_OPT(TOS,			tos, 0, INT_MAX),
	INT_OPT(RCVBATCH,		rcvbatch, 0, BATCH_MAX),
	INT_OPT(RECVPEER,		recvpeer, 0, 1),
	INT_OPT(TCP_KEEPALIVE,		tcp_keepalive, -1, 1),
	INT_OPT(TCP_KEEPALIVE_CNT,	tcp_keepalive_cnt, -1, MAX_TCP_KEEPCNT),
	INT_OPT(TCP_KEEPALIVE_IDLE,	tcp_keepalive_idle, -1, MAX_TCP_KEEPIDLE),
	INT_OPT(TCP_KEEPALIVE_INTVL,	tcp_keepalive_intvl, -1, MAX_TCP_KEEPINTVL),
	INT_OPT(TCP_MAXRT,		tcp_maxrt, 0, INT_MAX),
	INT_OPT(USE_FD,			use_fd, -1, INT_MAX),
	INT_OPT(CONNECT_TIMEOUT,	connect_timeout, 0, INT_MAX),
	INT_OPT(RECONNECT_STOP,		reconnect_stop, 0, STOP_BITS),
	INT_OPT(IN_BATCH_SIZE,		in_batch_size, 1, INT_MAX),
	INT_OPT(OUT_BATCH_SIZE,		out_batch_size, 1, INT_MAX),
};

static const struct int_opt *int_opt_find(int opt)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(int_opts); i++)
		if (int_opts[i].opt == opt)
			return &int_opts[i];
	return NULL;
}

static int *int_opt_ptr(struct kzmq_sock *zs, const struct int_opt *o)
{
	return (int *)((char *)&zs->opts + o->off);
}

static void pipe_set_hwm(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			 void *arg)
{
	if (!pipe)
		return;
	kzmq_pipe_set_hwm(pipe, zs->opts.rcvhwm, zs->opts.sndhwm);
	if (!pipe->gone && zs->pat->out_ready)
		zs->pat->out_ready(zs, pipe);
}

static int set_hwm(struct kzmq_sock *zs, int opt, sockptr_t val,
		   unsigned int len)
{
	int err, *p = opt == ZMQ_SNDHWM ? &zs->opts.sndhwm : &zs->opts.rcvhwm;

	err = kzmq_opt_int(val, len, 0, INT_MAX, p);
	if (err)
		return err;
	kzmq_sock_for_pipes(zs, pipe_set_hwm, NULL);
	kzmq_sock_wake_out(zs);
	return 0;
}

static long ms_to_timeo(int ms)
{
	return ms < 0 ? MAX_SCHEDULE_TIMEOUT : (long)msecs_to_jiffies(ms);
}

/* One field with SO_SNDTIMEO and SO_RCVTIMEO; the milliseconds are a memory. */
static int set_timeo(sockptr_t val, unsigned int len, int *ms, long *timeo)
{
	int err = kzmq_opt_int(val, len, -1, INT_MAX, ms);

	if (!err)
		WRITE_ONCE(*timeo, ms_to_timeo(*ms));
	return err;
}

static int get_timeo(int ms, long timeo)
{
	if (timeo == ms_to_timeo(ms))
		return ms;
	if (timeo == MAX_SCHEDULE_TIMEOUT)
		return -1;
	return min_t(unsigned long, jiffies_to_msecs(timeo), INT_MAX);
}

static int set_rid(struct kzmq_sock *zs, sockptr_t val, unsigned int len)
{
	u8 rid[KZMQ_RID_MAX];

	if (!len || len > KZMQ_RID_MAX)
		return -EINVAL;
	if (copy_from_sockptr(rid, val, len))
		return -EFAULT;
	spin_lock_bh(&zs->plock);
	memcpy(zs->opts.rid, rid, len);
	zs->opts.rid_len = len;
	spin_unlock_bh(&zs->plock);
	return 0;
}

static int set_u64(sockptr_t val, unsigned int len, u64 *out)
{
	u64 v;

	if (len != sizeof(v))
		return -EINVAL;
	if (copy_from_sockptr(&v, val, sizeof(v)))
		return -EFAULT;
	*out = v;
	return 0;
}

static int set_conflate(struct kzmq_sock *zs, sockptr_t val, unsigned int len)
{
	switch (zs->type) {
	case ZMQ_PULL:
	case ZMQ_PUSH:
	case ZMQ_SUB:
	case ZMQ_PUB:
	case ZMQ_DEALER:
		return kzmq_opt_int(val, len, 0, 1, &zs->opts.conflate);
	}
	return -EINVAL;
}

static int set_ctx(struct kzmq_sock *zs, sockptr_t val, unsigned int len)
{
	struct kzmq_ctx *ctx;
	int err, fd;

	err = kzmq_opt_int(val, len, INT_MIN, INT_MAX, &fd);
	if (err)
		return err;
	ctx = kzmq_ctx_of_fd(zs->zn, fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	if (zs->ctx_fixed) {
		kzmq_ctx_put(ctx);
		return -EBUSY;
	}
	kzmq_ctx_put(zs->ctx);
	zs->ctx = ctx;
	return 0;
}

/* As SO_PRIORITY asks; the lower sockets do not ask again. */
static int set_priority(struct kzmq_sock *zs, sockptr_t val, unsigned int len)
{
	struct user_namespace *ns = zs->zn->net->user_ns;
	int v, err = kzmq_opt_int(val, len, 0, INT_MAX, &v);

	if (err)
		return err;
	if (v > TC_PRIO_INTERACTIVE && !ns_capable(ns, CAP_NET_RAW) &&
	    !ns_capable(ns, CAP_NET_ADMIN))
		return -EPERM;
	zs->opts.priority = v;
	return 0;
}

/* As SO_BUSY_POLL asks. */
static int set_busy_poll(struct kzmq_sock *zs, sockptr_t val, unsigned int len)
{
	int v, err = kzmq_opt_int(val, len, 0, INT_MAX, &v);

	if (err)
		return err;
	if (v > zs->opts.busy_poll && !capable(CAP_NET_ADMIN))
		return -EPERM;
	zs->opts.busy_poll = v;
	return 0;
}

/* As SO_BINDTODEVICE: to leave a device for another takes a privilege. */
static int set_device(struct kzmq_sock *zs, sockptr_t val, unsigned int len)
{
	char name[IFNAMSIZ + 1] = {};

	if (len > IFNAMSIZ)
		return -EINVAL;
	if (copy_from_sockptr(name, val, len))
		return -EFAULT;
	if (len && strlen(name) < len - 1)
		return -EINVAL;
	if (name[0] && !dev_valid_name(name))
		return -EINVAL;
	if (zs->opts.device[0] &&
	    !ns_capable(zs->zn->net->user_ns, CAP_NET_RAW))
		return -EPERM;
	strscpy(zs->opts.device, name, sizeof(zs->opts.device));
	return 0;
}

static int set_own(struct kzmq_sock *zs, int opt, sockptr_t val,
		   unsigned int len)
{
	s64 max;
	int err, v;

	switch (opt) {
	case ZMQ_SNDHWM:
	case ZMQ_RCVHWM:
		return set_hwm(zs, opt, val, len);
	case ZMQ_SNDTIMEO:
		return set_timeo(val, len, &zs->opts.sndtimeo,
				 &zs->sk.sk_sndtimeo);
	case ZMQ_RCVTIMEO:
		return set_timeo(val, len, &zs->opts.rcvtimeo,
				 &zs->sk.sk_rcvtimeo);
	case ZMQ_ROUTING_ID:
		return set_rid(zs, val, len);
	case ZMQ_AFFINITY:
		return set_u64(val, len, &zs->opts.affinity);
	case ZMQ_MAXMSGSIZE:
		err = set_u64(val, len, (u64 *)&max);
		if (err)
			return err;
		if (max < -1)
			return -EINVAL;
		zs->opts.maxmsgsize = max;
		return 0;
	case ZMQ_IPV4ONLY:
		err = kzmq_opt_int(val, len, 0, 1, &v);
		if (!err)
			zs->opts.ipv6 = !v;
		return err;
	case ZMQ_HEARTBEAT_TTL:
		/* Tenths of a second are what can be told. */
		err = kzmq_opt_int(val, len, 0, HEARTBEAT_TTL_MAX, &v);
		if (!err)
			zs->opts.heartbeat_ttl = v - v % 100;
		return err;
	case ZMQ_CONFLATE:
		return set_conflate(zs, val, len);
	case ZMQ_CONTEXT:
		return set_ctx(zs, val, len);
	case ZMQ_PEERS:
		return set_u64(val, len, &zs->peers_after);
	case ZMQ_PEER_PROP:
		return kzmq_peer_select(zs, val, len);
	case ZMQ_PRIORITY:
		return set_priority(zs, val, len);
	case ZMQ_BUSY_POLL:
		return set_busy_poll(zs, val, len);
	case ZMQ_BINDTODEVICE:
		return set_device(zs, val, len);
	case ZMQ_TCP_ACCEPT_FILTER:
	case ZMQ_IPC_FILTER_PID:
	case ZMQ_IPC_FILTER_UID:
	case ZMQ_IPC_FILTER_GID:
		return kzmq_filter_set(&zs->opts.filter, opt, val, len);
	}
	return -EINVAL;
}

static int opt_set(struct kzmq_sock *zs, int opt, sockptr_t val,
		   unsigned int len)
{
	u32 most = max_t(u32, ZMQ_ENDPOINT_OPT_MAX,
			 READ_ONCE(zs->zn->lim.topic_max));
	const struct int_opt *o;
	int err = -ENOPROTOOPT;
	void *buf = NULL;

	/* A user's memory may take for ever; work items wait for this lock. */
	if (len > most)
		return -EINVAL;
	if (len) {
		buf = memdup_sockptr(val, len);
		if (IS_ERR(buf))
			return PTR_ERR(buf);
	}
	val = KERNEL_SOCKPTR(buf);
	lock_sock(&zs->sk);
	if (zs->pat->setopt)
		err = zs->pat->setopt(zs, opt, val, len);
	if (err == -ENOPROTOOPT)
		err = kzmq_optval_set(zs, opt, val, len);
	if (err == -ENOPROTOOPT)
		err = kzmq_sec_setopt(zs, opt, buf, len);
	if (err == -ENOPROTOOPT) {
		o = int_opt_find(opt);
		err = o ? kzmq_opt_int(val, len, o->min, o->max,
				       int_opt_ptr(zs, o)) :
			  set_own(zs, opt, val, len);
	}
	release_sock(&zs->sk);
	/* It may have been a key. */
	kfree_sensitive(buf);
	return err;
}

static int set_endpoint(struct kzmq_sock *zs, int opt, sockptr_t val,
			unsigned int len)
{
	char *text;
	int err;

	if (!len || len > ZMQ_ENDPOINT_OPT_MAX)
		return -EINVAL;
	text = memdup_sockptr(val, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	if (!text[len - 1])
		len--;
	if (!len || memchr(text, 0, len))
		err = -EINVAL;
	else if (opt == ZMQ_BIND)
		err = kzmq_ep_bind(zs, text, len);
	else if (opt == ZMQ_CONNECT)
		err = kzmq_ep_connect(zs, text, len, NULL);
	else
		err = kzmq_ep_term(zs, text, len);
	kfree(text);
	return err;
}

static int set_name(struct kzmq_sock *zs, int opt, sockptr_t val,
		    unsigned int len)
{
	struct kzmq_names *names;
	char *text;
	int err;

	if (!len || len > ZMQ_CONNECT_NAME_MAX)
		return -EINVAL;
	text = memdup_sockptr(val, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	names = kzmq_names_parse(text, len);
	err = PTR_ERR_OR_ZERO(names);
	if (err) {
		kfree(text);
		return err;
	}
	if (opt == ZMQ_CONNECT_NAME) {
		err = kzmq_ep_connect(zs, text, strlen(text), names);
	} else {
		err = kzmq_names_replace(zs, text, names);
		kfree(names);
	}
	kfree(text);
	return err;
}

/**
 * kzmq_setsockopt - setsockopt(2)
 * @sock:  the socket
 * @level: SOL_ZMQ; the kernel handles SOL_SOCKET itself
 * @opt:   the option
 * @val:   its value
 * @len:   octets of @val
 *
 * Context: process.
 * Return: 0 or a negative errno; -EINVAL for an option that does not exist or
 * does not fit the socket type.
 */
int kzmq_setsockopt(struct socket *sock, int level, int opt, sockptr_t val,
		    unsigned int len)
{
	struct kzmq_sock *zs = kzmq_sk(sock->sk);

	if (level != SOL_ZMQ)
		return -ENOPROTOOPT;
	if ((int)len < 0)
		return -EINVAL;
	switch (opt) {
	case ZMQ_BIND:
	case ZMQ_CONNECT:
	case ZMQ_UNBIND:
	case ZMQ_DISCONNECT:
		return set_endpoint(zs, opt, val, len);
	case ZMQ_CONNECT_NAME:
	case ZMQ_NAME_ADDRS:
		return set_name(zs, opt, val, len);
	case ZMQ_MONITOR:
		return kzmq_sink_set(zs, val, len);
	}
	return opt_set(zs, opt, val, len);
}

static int get_events(struct kzmq_sock *zs)
{
	int events = 0;

	spin_lock_bh(&zs->plock);
	if (kzmq_readable(zs))
		events |= ZMQ_POLLIN;
	if (kzmq_writable(zs))
		events |= ZMQ_POLLOUT;
	spin_unlock_bh(&zs->plock);
	return events;
}

static int put_bytes(void *buf, int *len, const void *p, int n)
{
	if (*len < n)
		return -EINVAL;
	memcpy(buf, p, n);
	*len = n;
	return 0;
}

static int get_stats(struct kzmq_sock *zs, void *buf, int *len)
{
	struct zmq_stats st;
	int n = min_t(int, *len, sizeof(st));

	kzmq_sock_fill_stats(zs, &st);
	st.size = n;
	memset(buf, 0, *len);
	memcpy(buf, &st, n);
	return 0;
}

/* @buf has room for *len octets. */
static int get_own(struct kzmq_sock *zs, int opt, void *buf, int *len)
{
	struct kzmq_opts *o = &zs->opts;

	switch (opt) {
	case ZMQ_SNDHWM:
		return kzmq_opt_put_int(buf, len, o->sndhwm);
	case ZMQ_RCVHWM:
		return kzmq_opt_put_int(buf, len, o->rcvhwm);
	case ZMQ_SNDTIMEO:
		return kzmq_opt_put_int(buf, len,
					get_timeo(o->sndtimeo,
						  zs->sk.sk_sndtimeo));
	case ZMQ_RCVTIMEO:
		return kzmq_opt_put_int(buf, len,
					get_timeo(o->rcvtimeo,
						  zs->sk.sk_rcvtimeo));
	case ZMQ_IPV4ONLY:
		return kzmq_opt_put_int(buf, len, !o->ipv6);
	case ZMQ_HEARTBEAT_TTL:
		return kzmq_opt_put_int(buf, len, o->heartbeat_ttl);
	case ZMQ_CONFLATE:
		return kzmq_opt_put_int(buf, len, o->conflate);
	case ZMQ_TYPE:
		return kzmq_opt_put_int(buf, len, zs->type);
	case ZMQ_RCVMORE:
		return kzmq_opt_put_int(buf, len, READ_ONCE(zs->rcvmore));
	case ZMQ_EVENTS:
		return kzmq_opt_put_int(buf, len, get_events(zs));
	case ZMQ_THREAD_SAFE:
		/* libzmq's word for "no multipart", which is not so here */
		return kzmq_opt_put_int(buf, len, 0);
	case ZMQ_AFFINITY:
		return put_bytes(buf, len, &o->affinity, sizeof(o->affinity));
	case ZMQ_MAXMSGSIZE:
		return put_bytes(buf, len, &o->maxmsgsize,
				 sizeof(o->maxmsgsize));
	case ZMQ_ROUTING_ID:
		return put_bytes(buf, len, o->rid, o->rid_len);
	case ZMQ_PRIORITY:
		return kzmq_opt_put_int(buf, len, o->priority);
	case ZMQ_BUSY_POLL:
		return kzmq_opt_put_int(buf, len, o->busy_poll);
	case ZMQ_BINDTODEVICE:
		return put_bytes(buf, len, o->device, strlen(o->device) + 1);
	case ZMQ_LAST_ENDPOINT:
		return put_bytes(buf, len, zs->last_ep,
				 strlen(zs->last_ep) + 1);
	case ZMQ_NAME_ADDRS:
		return kzmq_names_stale(zs, buf, len);
	case ZMQ_STATS:
		return get_stats(zs, buf, len);
	case ZMQ_PEERS:
		return kzmq_peers_list(zs, buf, len);
	case ZMQ_PEER_PROP:
		return kzmq_peer_prop(zs, buf, len);
	}
	return -EINVAL;
}

static int opt_get(struct kzmq_sock *zs, int opt, void *buf, int *len)
{
	const struct int_opt *o;
	int err = -ENOPROTOOPT;

	lock_sock(&zs->sk);
	if (zs->pat->getopt)
		err = zs->pat->getopt(zs, opt, buf, len);
	if (err == -ENOPROTOOPT)
		err = kzmq_optval_get(zs, opt, buf, len);
	if (err == -ENOPROTOOPT)
		err = kzmq_sec_getopt(zs, opt, buf, len);
	if (err == -ENOPROTOOPT) {
		o = int_opt_find(opt);
		err = o ? kzmq_opt_put_int(buf, len, *int_opt_ptr(zs, o)) :
			  get_own(zs, opt, buf, len);
	}
	release_sock(&zs->sk);
	return err;
}

/**
 * kzmq_getsockopt - getsockopt(2)
 * @sock:  the socket
 * @level: SOL_ZMQ
 * @opt:   the option
 * @val:   where the value goes
 * @ulen:  octets there is room for; set to those used
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int kzmq_getsockopt(struct socket *sock, int level, int opt,
		    char __user *val, int __user *ulen)
{
	struct kzmq_sock *zs = kzmq_sk(sock->sk);
	int most = opt == ZMQ_PEERS ? PEERS_MAX : ZMQ_ENDPOINT_OPT_MAX;
	int len, err;
	void *buf;

	if (level != SOL_ZMQ)
		return -ENOPROTOOPT;
	if (opt == ZMQ_CONTEXT_NEW)
		return kzmq_ctx_new_fd(zs->zn, val, ulen);
	if (opt == ZMQ_MONITOR_OPEN)
		return kzmq_mon_open(zs, val, ulen);
	if (get_user(len, ulen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min(len, most);
	buf = kmalloc(most, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	err = opt_get(zs, opt, buf, &len);
	if (!err && (copy_to_user(val, buf, len) || put_user(len, ulen)))
		err = -EFAULT;
	kfree_sensitive(buf);
	return err;
}
