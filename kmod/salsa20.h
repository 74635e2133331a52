/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Salsa20 family as CURVE needs it: HSalsa20, and XSalsa20 as a stream
 * that is taken in pieces. The kernel has neither.
 *
 * Where the processor makes eight blocks in the time of two, a short stream would
 * leave most of them unused. So the first blocks of several streams are made at
 * once, when their nonces are numbers that follow each other; KZMQ_SALSA_FIRST
 * blocks are what a message of 95 octets needs with its key and flags.
 */
#ifndef KZMQ_SALSA20_H
#define KZMQ_SALSA20_H

#include "pure.h"
#include "salsa20_wide.h"

#define KZMQ_SALSA_HEAD		32	/* octets that are a key for something else */
#define KZMQ_SALSA_FIRSTS	(KZMQ_SALSA_FIRST * KZMQ_SALSA_BLOCK)

/**
 * struct kzmq_xsalsa - a place in an XSalsa20 stream; secret
 * @in:    the next block's input: constants, key, nonce, number of the block
 * @keep:  octets of the stream that come before that block
 * @left:  how many at its end are not used yet
 */
struct kzmq_xsalsa {
	u32 in[16];
	u8 keep[KZMQ_SALSA_FIRSTS - KZMQ_SALSA_HEAD];
	u32 left;
};

/**
 * struct kzmq_salsa_ahead - how streams begin that were not begun yet; secret
 * @next: number of the first of them
 * @nr:   how many
 * @in:   input of a block: constants and key
 * @ks:   their first octets; those that are there are the last @nr
 */
struct kzmq_salsa_ahead {
	u64 next;
	u32 nr;
	u32 in[16];
	u8 ks[KZMQ_SALSA_AHEAD][KZMQ_SALSA_FIRSTS];
};

void kzmq_hsalsa20(u8 out[32], const u8 in[16], const u8 key[32]);
void kzmq_xsalsa_init(struct kzmq_xsalsa *st, const u8 key[32],
		      const u8 nonce[24]);
void kzmq_salsa_ahead_init(struct kzmq_salsa_ahead *a, const u8 sub[32]);
void kzmq_xsalsa_init_ahead(struct kzmq_xsalsa *st, struct kzmq_salsa_ahead *a,
			    u64 number, u8 head[KZMQ_SALSA_HEAD]);
void kzmq_xsalsa_xor(struct kzmq_xsalsa *st, u8 *dst, const u8 *src, size_t n);

#endif /* KZMQ_SALSA20_H */
