/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Eight blocks of Salsa20 at a time, where the processor has words for it. It
 * was measured to matter: eight cost as much as two one after the other.
 */
#ifndef KZMQ_SALSA20_WIDE_H
#define KZMQ_SALSA20_WIDE_H

#include <linux/types.h>

#define KZMQ_SALSA_BLOCK	64	/* octets */
#define KZMQ_SALSA_WIDE		8	/* blocks */
#define KZMQ_SALSA_EIGHT	(KZMQ_SALSA_WIDE * KZMQ_SALSA_BLOCK)
/* first blocks of a stream that are made ahead, and of how many streams */
#define KZMQ_SALSA_FIRST	2
#define KZMQ_SALSA_STREAMS	(KZMQ_SALSA_WIDE / KZMQ_SALSA_FIRST)
#define KZMQ_SALSA_AHEAD	(KZMQ_SALSA_STREAMS - 1)	/* one is wanted now */

#ifdef __x86_64__
#define KZMQ_SALSA_HAS_WIDE
void kzmq_salsa_eight(__u8 *dst, const __u8 *src, const __u32 in[16]);
void kzmq_salsa_firsts(__u8 ks[KZMQ_SALSA_EIGHT], const __u32 in[16],
		       __u64 number);
#endif

#endif /* KZMQ_SALSA20_WIDE_H */
