// SPDX-License-Identifier: GPL-2.0
/*
 * Options whose value has no fixed size: messages that the socket sends or
 * delivers by itself, properties for READY, and what a proxy has to know.
 *
 * A value is made when the option is set and does not change any more; setting
 * the option again makes another one. The socket, its endpoints and their pipes
 * share it by reference, so thousands of peers cost its memory once.
 *
 * Locks: the pointers in kzmq_sock.opts are under lock_sock(); those in
 * kzmq_ep.opts do not change.
 * Contexts: process, but for kzmq_opts_drop(): any.
 */
#include <linux/slab.h>
#include <linux/zmq.h>

#include "filter.h"
#include "msg.h"
#include "optval.h"
#include "sec.h"
#include "sock.h"
#include "socks.h"
#include "uri.h"
#include "zmtp.h"

static struct kzmq_blob *blob_get(struct kzmq_blob *b)
{
	if (b)
		refcount_inc(&b->ref);
	return b;
}

static void blob_put(struct kzmq_blob *b)
{
	if (b && refcount_dec_and_test(&b->ref))
		kfree_sensitive(b);
}

static struct kzmq_blob *blob_alloc(u32 len)
{
	struct kzmq_blob *b;

	b = kmalloc(struct_size(b, data, len), GFP_KERNEL_ACCOUNT);
	if (b) {
		refcount_set(&b->ref, 1);
		b->len = len;
	}
	return b;
}

/**
 * kzmq_opts_copy - options for a new endpoint
 * @to:   where to
 * @from: the socket's, under lock_sock()
 */
void kzmq_opts_copy(struct kzmq_opts *to, const struct kzmq_opts *from)
{
	*to = *from;
	if (to->hello_msg)
		kzmq_msg_get(to->hello_msg);
	if (to->disconnect_msg)
		kzmq_msg_get(to->disconnect_msg);
	if (to->hiccup_msg)
		kzmq_msg_get(to->hiccup_msg);
	blob_get(to->metadata);
	kzmq_filter_get(to->filter);
	kzmq_sec_get(to->sec);
	blob_get(to->socks_proxy);
	blob_get(to->socks_user);
	blob_get(to->socks_pass);
}

/**
 * kzmq_opts_drop - the options' owner ends
 * @o: the options
 */
void kzmq_opts_drop(struct kzmq_opts *o)
{
	kzmq_msg_put(o->hello_msg);
	kzmq_msg_put(o->disconnect_msg);
	kzmq_msg_put(o->hiccup_msg);
	blob_put(o->metadata);
	kzmq_filter_put(o->filter);
	kzmq_sec_put(o->sec);
	blob_put(o->socks_proxy);
	blob_put(o->socks_user);
	blob_put(o->socks_pass);
}

/* No octets: no message. */
static int set_msg(struct kzmq_sock *zs, struct kzmq_msg **p, sockptr_t val,
		   unsigned int len)
{
	struct kzmq_msg *msg = NULL;

	if (len) {
		msg = kzmq_msg_make(zs->zn, val.kernel, len,
				    GFP_KERNEL_ACCOUNT);
		if (IS_ERR(msg))
			return -ENOMEM;
	}
	kzmq_msg_put(*p);
	*p = msg;
	return 0;
}

/* Of a name given twice the first value counts. */
static bool metadata_has(const struct kzmq_blob *b, const u8 *name, u8 len)
{
	struct kzmq_meta m;

	if (!b)
		return false;
	kzmq_meta_init(&m, b->data, b->len);
	while (kzmq_meta_next(&m) > 0)
		if (m.name_len == len && !memcmp(m.name, name, len))
			return true;
	return false;
}

/* "X-name:value" is kept as it stands on the wire. */
static int set_metadata(struct kzmq_blob **p, const u8 *s, unsigned int len)
{
	const u8 *colon = len ? memchr(s, ':', len) : NULL;
	u32 had = *p ? (*p)->len : 0;
	u32 name_len, val_len;
	struct kzmq_blob *b;
	u8 *o;

	/* Four octets look like an integer to libzmq, which refuses them. */
	if (!colon || len == sizeof(int))
		return -EINVAL;
	name_len = colon - s;
	val_len = len - name_len - 1;
	if (name_len < 2 || name_len >= U8_MAX || memcmp(s, "X-", 2) ||
	    !val_len)
		return -EINVAL;
	if (metadata_has(*p, s, name_len))
		return 0;
	if (had + 1 + name_len + 4 + val_len > KZMQ_METADATA_MAX)
		return -E2BIG;
	b = blob_alloc(had + 1 + name_len + 4 + val_len);
	if (!b)
		return -ENOMEM;
	if (had)
		memcpy(b->data, (*p)->data, had);
	o = b->data + had;
	*o++ = name_len;
	memcpy(o, s, name_len);
	put_unaligned_be32(val_len, o + name_len);
	memcpy(o + name_len + 4, colon + 1, val_len);
	blob_put(*p);
	*p = b;
	return 0;
}

/* No octets: none. */
static int set_text(struct kzmq_blob **p, const void *s, unsigned int len)
{
	struct kzmq_blob *b = NULL;

	if (len > KZMQ_SOCKS_STR_MAX)
		return -EINVAL;
	if (len) {
		b = blob_alloc(len);
		if (!b)
			return -ENOMEM;
		memcpy(b->data, s, len);
	}
	blob_put(*p);
	*p = b;
	return 0;
}

static int set_proxy(struct kzmq_blob **p, const char *s, unsigned int len)
{
	struct kzmq_addr a;

	if (len && !s[len - 1])
		len--;
	if (len && kzmq_uri_host_port(s, len, &a))
		return -EINVAL;
	return set_text(p, s, len);
}

static int get_text(const struct kzmq_blob *b, void *buf, int *len)
{
	u32 n = b ? b->len : 0;

	if (*len < (int)n + 1)
		return -EINVAL;
	if (n)
		memcpy(buf, b->data, n);
	((char *)buf)[n] = '\0';
	*len = n + 1;
	return 0;
}

/**
 * kzmq_optval_get - read an option of these
 * @zs:  the socket
 * @opt: the option
 * @buf: where to
 * @len: room, set to the length
 *
 * Context: process, lock_sock() held.
 * Return: 0, -ENOPROTOOPT when it is none that can be read, -EINVAL when there
 * is no room.
 */
int kzmq_optval_get(struct kzmq_sock *zs, int opt, void *buf, int *len)
{
	switch (opt) {
	case ZMQ_SOCKS_PROXY:
		return get_text(zs->opts.socks_proxy, buf, len);
	case ZMQ_SOCKS_USERNAME:
		return get_text(zs->opts.socks_user, buf, len);
	case ZMQ_SOCKS_PASSWORD:
		return get_text(zs->opts.socks_pass, buf, len);
	}
	return -ENOPROTOOPT;
}

/**
 * kzmq_optval_set - set an option of these
 * @zs:  the socket
 * @opt: the option
 * @val: its value, in kernel memory
 * @len: octets of @val
 *
 * Context: process, lock_sock() held.
 * Return: 0, -ENOPROTOOPT when it is none of these, -EINVAL, -ENOMEM, -E2BIG.
 */
int kzmq_optval_set(struct kzmq_sock *zs, int opt, sockptr_t val,
		    unsigned int len)
{
	struct kzmq_opts *o = &zs->opts;

	switch (opt) {
	case ZMQ_HELLO_MSG:
		return set_msg(zs, &o->hello_msg, val, len);
	case ZMQ_DISCONNECT_MSG:
		return set_msg(zs, &o->disconnect_msg, val, len);
	case ZMQ_HICCUP_MSG:
		return set_msg(zs, &o->hiccup_msg, val, len);
	case ZMQ_METADATA:
		return set_metadata(&o->metadata, val.kernel, len);
	case ZMQ_SOCKS_PROXY:
		return set_proxy(&o->socks_proxy, val.kernel, len);
	case ZMQ_SOCKS_USERNAME:
		return set_text(&o->socks_user, val.kernel, len);
	case ZMQ_SOCKS_PASSWORD:
		return set_text(&o->socks_pass, val.kernel, len);
	}
	return -ENOPROTOOPT;
}
