// SPDX-License-Identifier: GPL-2.0
/*
 * Whom a CURVE server lets in: ZMQ_CURVE_ALLOW, a set of public keys.
 *
 * A sorted list that never changes once it is made: to add keys makes a new one.
 * The socket holds one reference, each endpoint another. Public keys are no
 * secrets, so they are compared as they come.
 *
 * Locks: setting is under lock_sock() of the socket; looking needs none.
 * Contexts: process, but for kzmq_allow_put() and kzmq_allow_has(): any.
 */
#include <linux/bsearch.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "allow.h"
#include "box.h"

#define KEYS_MAX	65536

/**
 * struct kzmq_allow - keys of clients that may come
 * @ref: the socket and its endpoints
 * @nr:  how many
 * @rcu: frees it, as a long list cannot be where nothing may sleep
 * @key: the keys, in order, each once
 */
struct kzmq_allow {
	refcount_t	ref;
	u32		nr;
	struct rcu_head	rcu;
	u8		key[][KZMQ_KEY];
};

/**
 * kzmq_allow_get - one more endpoint uses it
 * @a: the list or NULL
 */
void kzmq_allow_get(struct kzmq_allow *a)
{
	if (a)
		refcount_inc(&a->ref);
}

/**
 * kzmq_allow_put - one less
 * @a: the list or NULL
 *
 * Context: any.
 */
void kzmq_allow_put(struct kzmq_allow *a)
{
	if (a && refcount_dec_and_test(&a->ref))
		kvfree_rcu(a, rcu);
}

static int key_cmp(const void *a, const void *b)
{
	return memcmp(a, b, KZMQ_KEY);
}

/**
 * kzmq_allow_set - more keys, or none
 * @pa:   the socket's list, NULL for none
 * @keys: keys one behind the other
 * @len:  their octets; none: anybody may come
 *
 * Context: process.
 * Return: 0, -EINVAL, -ENOBUFS when there are too many, -ENOMEM.
 */
int kzmq_allow_set(struct kzmq_allow **pa, const u8 *keys, unsigned int len)
{
	struct kzmq_allow *a = NULL, *old = *pa;
	u32 i, n = len / KZMQ_KEY, had = old ? old->nr : 0;

	if (len % KZMQ_KEY)
		return -EINVAL;
	if (n > KEYS_MAX || had + n > KEYS_MAX)
		return -ENOBUFS;
	if (n) {
		a = kvmalloc(struct_size(a, key, had + n), GFP_KERNEL_ACCOUNT);
		if (!a)
			return -ENOMEM;
		refcount_set(&a->ref, 1);
		if (had)
			memcpy(a->key, old->key, had * KZMQ_KEY);
		memcpy(a->key + had, keys, n * KZMQ_KEY);
		sort(a->key, had + n, KZMQ_KEY, key_cmp, NULL);
		a->nr = 1;
		for (i = 1; i < had + n; i++)
			if (key_cmp(a->key[a->nr - 1], a->key[i]))
				memmove(a->key[a->nr++], a->key[i], KZMQ_KEY);
	}
	*pa = a;
	kzmq_allow_put(old);
	return 0;
}

/**
 * kzmq_allow_count - how many keys there are
 * @a: the list or NULL
 */
int kzmq_allow_count(const struct kzmq_allow *a)
{
	return a ? a->nr : 0;
}

/**
 * kzmq_allow_has - may this client come
 * @a:   the list or NULL
 * @key: its long-term public key
 *
 * Context: any.
 */
bool kzmq_allow_has(const struct kzmq_allow *a, const u8 *key)
{
	return !a || bsearch(key, a->key, a->nr, KZMQ_KEY, key_cmp);
}
