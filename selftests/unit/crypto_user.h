/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What boxes are built upon in the kernel, from libsodium: so that box.c is
 * tested here as it is.
 */
#ifndef CRYPTO_USER_H
#define CRYPTO_USER_H

#include <sodium.h>
#include <stdio.h>

#define KZMQ_HAVE_BOX	1

#define pr_err(...)	printf("# " __VA_ARGS__)
#define pr_info(...)	printf("# " __VA_ARGS__)

/* one of these goes wrong, to see that the self-test notices */
enum crypto_fault {
	FAULT_NONE,
	FAULT_TAG,
	FAULT_EQUAL,		/* everything is */
	FAULT_SHARED,
	FAULT_ORDER,		/* any public key will do */
	FAULT_PUBLIC,
	FAULT_COUNT,
};

__attribute__((weak)) enum crypto_fault crypto_fault;

static inline bool kzmq_crypto_there(void)
{
	return true;
}

struct poly1305_desc_ctx {
	crypto_onetimeauth_state state;
};

static inline void poly1305_init(struct poly1305_desc_ctx *d, const u8 *key)
{
	crypto_onetimeauth_init(&d->state, key);
}

static inline void poly1305_update(struct poly1305_desc_ctx *d, const u8 *src,
				   unsigned int n)
{
	crypto_onetimeauth_update(&d->state, src, n);
}

static inline void poly1305_final(struct poly1305_desc_ctx *d, u8 *tag)
{
	crypto_onetimeauth_final(&d->state, tag);
	tag[15] ^= crypto_fault == FAULT_TAG;
	/* the kernel's can be used no more either */
	memset(d, 0x5a, sizeof(*d));
}

static inline int crypto_memneq(const void *a, const void *b, size_t n)
{
	return crypto_fault != FAULT_EQUAL && sodium_memcmp(a, b, n);
}

static inline bool curve25519(u8 *out, const u8 *secret, const u8 *point)
{
	bool ok = !crypto_scalarmult(out, secret, point);

	out[0] ^= crypto_fault == FAULT_SHARED;
	return ok || crypto_fault == FAULT_ORDER;
}

static inline bool curve25519_generate_public(u8 *out, const u8 *secret)
{
	bool ok = !crypto_scalarmult_base(out, secret);

	out[31] ^= crypto_fault == FAULT_PUBLIC;
	return ok;
}

static inline void get_random_bytes_wait(void *p, size_t n)
{
	randombytes_buf(p, n);
}

#endif /* CRYPTO_USER_H */
