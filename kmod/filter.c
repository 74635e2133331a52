// SPDX-License-Identifier: GPL-2.0
/*
 * Whom a bound endpoint lets in: ZMQ_TCP_ACCEPT_FILTER and ZMQ_IPC_FILTER_*.
 *
 * A list of rows that never changes once it is made: to add one makes a new
 * list. The socket holds one reference, each endpoint another.
 *
 * Locks: setting is under lock_sock() of the socket; looking needs none.
 * Contexts: process.
 */
#include <linux/cred.h>
#include <linux/in6.h>
#include <linux/pid_namespace.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include <linux/zmq.h>

#include "filter.h"
#include "uri.h"

#define ROWS_MAX	1024
#define TEXT_MAX	255

/**
 * struct filter_row - who may come
 * @opt:    the option it is from
 * @family: address: 4 or 6
 * @bits:   address: how many of @ip count
 * @ip:     address
 * @pid:    process, as numbered in @ns
 * @ns:     its namespace, one reference
 * @uid:    user
 * @gid:    group
 */
struct filter_row {
	int			opt;
	u8			family;
	u8			bits;
	u8			ip[16];
	pid_t			pid;
	struct pid_namespace	*ns;
	kuid_t			uid;
	kgid_t			gid;
};

struct kzmq_filter {
	refcount_t		ref;
	unsigned int		nr;
	struct filter_row	row[];
};

/**
 * kzmq_filter_get - one more endpoint uses it
 * @f: the filter or NULL
 */
void kzmq_filter_get(struct kzmq_filter *f)
{
	if (f)
		refcount_inc(&f->ref);
}

/**
 * kzmq_filter_put - one less
 * @f: the filter or NULL
 *
 * Context: process.
 */
void kzmq_filter_put(struct kzmq_filter *f)
{
	unsigned int i;

	if (!f || !refcount_dec_and_test(&f->ref))
		return;
	for (i = 0; i < f->nr; i++)
		if (f->row[i].ns)
			put_pid_ns(f->row[i].ns);
	kfree(f);
}

/* "address" or "address/bits" */
static int row_addr(struct filter_row *row, const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	size_t n = slash ? (size_t)(slash - text) : len;
	unsigned int bits;
	char num[4] = {};

	row->family = kzmq_uri_ip(text, n, row->ip);
	if (!row->family)
		return -EINVAL;
	row->bits = row->family == 4 ? 32 : 128;
	if (!slash)
		return 0;
	len -= n + 1;
	if (!len || len >= sizeof(num))
		return -EINVAL;
	memcpy(num, slash + 1, len);
	if (num[0] < '0' || num[0] > '9' || kstrtouint(num, 10, &bits) ||
	    bits > row->bits)
		return -EINVAL;
	row->bits = bits;
	return 0;
}

/* Ids are those of the caller's namespaces. */
static int row_id(struct filter_row *row, u32 id)
{
	switch (row->opt) {
	case ZMQ_IPC_FILTER_PID:
		row->pid = id;
		row->ns = get_pid_ns(task_active_pid_ns(current));
		return 0;
	case ZMQ_IPC_FILTER_UID:
		row->uid = make_kuid(current_user_ns(), id);
		return uid_valid(row->uid) ? 0 : -EINVAL;
	default:
		row->gid = make_kgid(current_user_ns(), id);
		return gid_valid(row->gid) ? 0 : -EINVAL;
	}
}

static int row_parse(struct filter_row *row, sockptr_t val, unsigned int len)
{
	char text[TEXT_MAX];
	u32 id;

	if (row->opt != ZMQ_TCP_ACCEPT_FILTER) {
		if (len != sizeof(id))
			return -EINVAL;
		if (copy_from_sockptr(&id, val, sizeof(id)))
			return -EFAULT;
		return row_id(row, id);
	}
	if (len > sizeof(text))
		return -EINVAL;
	if (copy_from_sockptr(text, val, len))
		return -EFAULT;
	if (!text[len - 1])
		len--;
	return row_addr(row, text, len);
}

/* The rows of @old but those of @drop, and @add */
static struct kzmq_filter *filter_copy(const struct kzmq_filter *old, int drop,
				       const struct filter_row *add)
{
	unsigned int i, nr = old ? old->nr : 0;
	struct kzmq_filter *f;

	f = kzalloc(struct_size(f, row, nr + 1), GFP_KERNEL_ACCOUNT);
	if (!f)
		return NULL;
	refcount_set(&f->ref, 1);
	for (i = 0; i < nr; i++) {
		if (old->row[i].opt == drop)
			continue;
		f->row[f->nr] = old->row[i];
		if (f->row[f->nr].ns)
			get_pid_ns(f->row[f->nr].ns);
		f->nr++;
	}
	if (add)
		f->row[f->nr++] = *add;
	return f;
}

/**
 * kzmq_filter_set - one of the options
 * @pf:  the socket's filter, NULL for none
 * @opt: the option
 * @val: who else may come
 * @len: its octets; none: anybody may come
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int kzmq_filter_set(struct kzmq_filter **pf, int opt, sockptr_t val,
		    unsigned int len)
{
	struct filter_row row = { .opt = opt };
	struct kzmq_filter *f, *old = *pf;
	int err;

	if (!len) {
		if (!old)
			return 0;
		f = filter_copy(old, opt, NULL);
		if (!f)
			return -ENOMEM;
	} else {
		if (old && old->nr >= ROWS_MAX)
			return -ENOBUFS;
		err = row_parse(&row, val, len);
		if (err)
			return err;
		f = filter_copy(old, 0, &row);
		if (!f) {
			if (row.ns)
				put_pid_ns(row.ns);
			return -ENOMEM;
		}
	}
	*pf = f;
	kzmq_filter_put(old);
	return 0;
}

static bool same_bits(const u8 *a, const u8 *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;

	return !memcmp(a, b, whole) &&
	       (!rest || !((a[whole] ^ b[whole]) >> (8 - rest)));
}

static bool row_has_addr(const struct filter_row *row,
			 const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	const u8 *ip;

	if (row->family == 6)
		return ss->ss_family == AF_INET6 &&
		       same_bits(row->ip, sin6->sin6_addr.s6_addr, row->bits);
	if (ss->ss_family == AF_INET)
		ip = (const u8 *)&sin->sin_addr;
	else if (ipv6_addr_v4mapped(&sin6->sin6_addr))
		ip = sin6->sin6_addr.s6_addr + 12;
	else
		return false;
	return same_bits(row->ip, ip, row->bits);
}

/**
 * kzmq_filter_tcp - may the peer of an accepted TCP socket come in
 * @f:    the filter or NULL
 * @sock: the socket
 *
 * An IPv4 filter also fits such peers of a socket for both versions.
 *
 * Context: process.
 */
bool kzmq_filter_tcp(const struct kzmq_filter *f, struct socket *sock)
{
	struct sockaddr_storage ss = {};
	bool any = false;
	unsigned int i;

	for (i = 0; f && i < f->nr; i++) {
		if (f->row[i].opt != ZMQ_TCP_ACCEPT_FILTER)
			continue;
		if (!any && kernel_getpeername(sock, (struct sockaddr *)&ss) < 0)
			return false;
		any = true;
		if (row_has_addr(&f->row[i], &ss))
			return true;
	}
	return !any;
}

static bool cred_in_group(const struct cred *cred, kgid_t gid)
{
	const struct group_info *gi = cred->group_info;
	int i;

	if (gid_eq(cred->egid, gid))
		return true;
	for (i = 0; i < gi->ngroups; i++)
		if (gid_eq(gi->gid[i], gid))
			return true;
	return false;
}

static bool row_has_peer(const struct filter_row *row, const struct cred *cred,
			 struct pid *pid)
{
	switch (row->opt) {
	case ZMQ_IPC_FILTER_PID:
		return pid && row->pid && pid_nr_ns(pid, row->ns) == row->pid;
	case ZMQ_IPC_FILTER_UID:
		return uid_eq(cred->euid, row->uid);
	case ZMQ_IPC_FILTER_GID:
		return cred_in_group(cred, row->gid);
	}
	return false;
}

/**
 * kzmq_filter_unix - may the peer of an accepted Unix socket come in
 * @f:  the filter or NULL
 * @sk: the socket
 *
 * The peer is who it was when it connected.
 *
 * Context: process.
 */
bool kzmq_filter_unix(const struct kzmq_filter *f, struct sock *sk)
{
	const struct cred *cred;
	bool any = false, ok = false;
	struct pid *pid;
	unsigned int i;

	if (!f)
		return true;
	spin_lock(&sk->sk_peer_lock);
	cred = get_cred(sk->sk_peer_cred);
	pid = get_pid(sk->sk_peer_pid);
	spin_unlock(&sk->sk_peer_lock);
	for (i = 0; i < f->nr && !ok; i++) {
		if (f->row[i].opt == ZMQ_TCP_ACCEPT_FILTER)
			continue;
		any = true;
		ok = cred && row_has_peer(&f->row[i], cred, pid);
	}
	put_pid(pid);
	put_cred(cred);
	return ok || !any;
}
