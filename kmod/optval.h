/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_OPTVAL_H
#define KZMQ_OPTVAL_H

#include <linux/refcount.h>
#include <linux/sockptr.h>
#include <linux/types.h>

struct kzmq_opts;
struct kzmq_sock;

/* Octets of all ZMQ_METADATA properties; READY with them fits what peers take. */
#define KZMQ_METADATA_MAX	16384

/**
 * struct kzmq_blob - the value of an option that is a string of octets
 * @ref:  the socket and its endpoints share it
 * @len:  octets
 * @data: the octets, never changed
 */
struct kzmq_blob {
	refcount_t	ref;
	u32		len;
	u8		data[];
};

void kzmq_opts_copy(struct kzmq_opts *to, const struct kzmq_opts *from);
void kzmq_opts_drop(struct kzmq_opts *o);
int kzmq_optval_get(struct kzmq_sock *zs, int opt, void *buf, int *len);
int kzmq_optval_set(struct kzmq_sock *zs, int opt, sockptr_t val,
		    unsigned int len);

#endif /* KZMQ_OPTVAL_H */
