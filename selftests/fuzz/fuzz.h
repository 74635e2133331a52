/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzers share.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "pure.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

/* A finding: the sanitizers see what the code does, this what it answers. */
#define MUST(cond) do {							\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: not true: %s\n", __FILE__,	\
			__LINE__, #cond);				\
		abort();						\
	}								\
} while (0)

#endif /* FUZZ_H */
