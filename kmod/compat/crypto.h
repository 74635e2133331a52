/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Curve25519 and Poly1305 of the kernel. 6.1 to 7.3 call them the same; x86
 * gives them out by modules of its own up to 6.12 and by libcurve25519 and
 * libpoly1305 later, which is for the loader to know.
 *
 * In a kernel that was built without them nothing does anything: no key agrees
 * with any, kzmq_box_usable() is false and nobody gets as far as sealing.
 */
#ifndef KZMQ_COMPAT_CRYPTO_H
#define KZMQ_COMPAT_CRYPTO_H

#ifdef KZMQ_HAVE_BOX

/* crypto_memneq(): 6.1 has no header for it alone, newer ones include that */
#include <crypto/algapi.h>
#include <crypto/curve25519.h>
#include <crypto/poly1305.h>

/*
 * modprobe brings the modules they are in, insmod does not. With weak symbols
 * the module loads without them, too, and has no CURVE then.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)

#pragma weak curve25519_arch
#pragma weak curve25519_base_arch
#pragma weak curve25519_generic
#pragma weak curve25519_base_point
#pragma weak curve25519_null_point
#pragma weak poly1305_init_arch
#pragma weak poly1305_update_arch
#pragma weak poly1305_final_arch
#pragma weak poly1305_init_generic
#pragma weak poly1305_update_generic
#pragma weak poly1305_final_generic

#define KZMQ_CRYPTO_OF(what, arch, name)	\
	(IS_ENABLED(CONFIG_CRYPTO_ARCH_HAVE_LIB_##what) ? !!(arch) : !!(name))

static inline bool kzmq_crypto_there(void)
{
	return curve25519_null_point &&
	       KZMQ_CRYPTO_OF(CURVE25519, curve25519_arch, curve25519_generic) &&
	       KZMQ_CRYPTO_OF(POLY1305, poly1305_init_arch,
			      poly1305_init_generic);
}

#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)

#pragma weak curve25519
#pragma weak curve25519_generate_public
#pragma weak poly1305_init
#pragma weak poly1305_update
#pragma weak poly1305_final

static inline bool kzmq_crypto_there(void)
{
	return curve25519 && poly1305_init;
}

#else	/* they are asked for in another way there */

static inline bool kzmq_crypto_there(void)
{
	return true;
}

#endif

#else

struct poly1305_desc_ctx {
};

static inline void poly1305_init(struct poly1305_desc_ctx *d, const u8 *key)
{
}

static inline void poly1305_update(struct poly1305_desc_ctx *d, const u8 *src,
				   unsigned int n)
{
}

static inline void poly1305_final(struct poly1305_desc_ctx *d, u8 *tag)
{
	memset(tag, 0, 16);
}

static inline int crypto_memneq(const void *a, const void *b, size_t n)
{
	return 1;
}

static inline bool curve25519(u8 *out, const u8 *secret, const u8 *point)
{
	return false;
}

static inline bool curve25519_generate_public(u8 *out, const u8 *secret)
{
	return false;
}

#endif
#endif /* KZMQ_COMPAT_CRYPTO_H */
