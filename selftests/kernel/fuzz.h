/* SPDX-License-Identifier: GPL-2.0 */
/* What fuzzers have in common: chance that can be repeated, their limits. */
#ifndef KZMQ_SELFTEST_FUZZ_H
#define KZMQ_SELFTEST_FUZZ_H

#include "lib.h"

/* splitmix64: any state is a good one */
struct rng {
	__u64 s;
};

static inline __u64 rnd64(struct rng *r)
{
	__u64 z = (r->s += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* below n; 0 for n 0 */
static inline __u32 rnd(struct rng *r, __u32 n)
{
	return n ? (rnd64(r) >> 32) * n >> 32 : 0;
}

static inline bool pct(struct rng *r, __u32 percent)
{
	return rnd(r, 100) < percent;
}

/* a number of the environment */
static inline __u64 env_num(const char *name, __u64 otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 0) : otherwise;
}

#endif
