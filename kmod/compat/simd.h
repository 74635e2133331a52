/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processor's wide registers, for a short while.
 *
 * kzmq_simd_begin() forbids preemption and answers whether they may be used here:
 * not in an interrupt that came upon somebody who uses them.
 */
#ifndef KZMQ_COMPAT_SIMD_H
#define KZMQ_COMPAT_SIMD_H

#if defined(__KERNEL__) && defined(__x86_64__)

#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>

static inline bool kzmq_simd_begin(void)
{
	if (!boot_cpu_has(X86_FEATURE_AVX2) || !boot_cpu_has(X86_FEATURE_OSXSAVE) ||
	    !cpu_has_xfeatures(XFEATURE_MASK_SSE | XFEATURE_MASK_YMM, NULL) ||
	    !irq_fpu_usable())
		return false;
	kernel_fpu_begin();
	return true;
}

static inline void kzmq_simd_end(void)
{
	kernel_fpu_end();
}

#elif defined(__x86_64__)

/* a test has us do without; here, as only salsa20.c includes this */
bool kzmq_simd_off;

static inline bool kzmq_simd_begin(void)
{
	return !kzmq_simd_off && __builtin_cpu_supports("avx2");
}

static inline void kzmq_simd_end(void)
{
}

#endif
#endif /* KZMQ_COMPAT_SIMD_H */
