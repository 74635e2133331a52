/* SPDX-License-Identifier: GPL-2.0 */
/* What the threads of test_stress do, and to which sockets. */
#ifndef KZMQ_SELFTEST_STRESS_H
#define KZMQ_SELFTEST_STRESS_H

#include "fuzz.h"

#define POOL		16		/* descriptors FD0 ... hold the sockets */
#define FD0		500

/* descriptors on their way */
extern int mail[2];

struct op {
	const char *name;
	int (*fn)(struct rng *r);
	int weight;
};

extern const struct op ops[];
extern const int nr_ops;

bool one_in(struct rng *r, unsigned int n);
int slot(struct rng *r);
int new_socket(struct rng *r);
int into_pool(int fd, int to);
int some_op(struct rng *r);
bool expected(int op, int err);

#endif
