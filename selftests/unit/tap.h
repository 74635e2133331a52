/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every unit test here needs: a TAP printer, checks, and allocators that
 * count and can be told to fail.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pure.h"

#define TAP_ROW(a)	(sizeof(a) / sizeof((a)[0]))

static int tap_tests;		/* run so far */
static int tap_failed;		/* of these */
static int tap_bad;		/* failed checks of the running one */
static long tap_live;		/* allocations not freed */
static long tap_alloc_left = -1;	/* that will succeed, -1 for all */

void *kmalloc(size_t size, gfp_t gfp)
{
	(void)gfp;
	if (!tap_alloc_left)
		return NULL;
	if (tap_alloc_left > 0)
		tap_alloc_left--;
	tap_live++;
	return malloc(size);
}

void kfree(const void *p)
{
	tap_live -= !!p;
	free((void *)p);
}

static inline __printf(3, 4)
void tap_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (tap_bad++ > 20)
		return;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

#define CHECK(cond) do {						\
	if (!(cond))							\
		tap_fail(__FILE__, __LINE__, "not true: %s", #cond);	\
} while (0)

#define CHECK_EQ(got, want) do {					\
	long long __g = (long long)(got), __w = (long long)(want);	\
									\
	if (__g != __w)							\
		tap_fail(__FILE__, __LINE__, "%s is %lld, not %lld",	\
			 #got, __g, __w);				\
} while (0)

static inline void tap_check_mem(const char *file, int line, const void *got,
				 size_t got_len, const void *want,
				 size_t want_len)
{
	const u8 *g = got;
	size_t i;

	if (got_len == want_len && !memcmp(got, want, want_len))
		return;
	tap_fail(file, line, "%zu octets differ from the %zu wanted:", got_len,
		 want_len);
	printf("#  ");
	for (i = 0; i < got_len && i < 96; i++)
		printf(" %02x", g[i]);
	putchar('\n');
}

/* Compare with a string constant, its NUL left out. */
#define CHECK_MEM(got, got_len, want)					\
	tap_check_mem(__FILE__, __LINE__, got, got_len, want, sizeof(want) - 1)

/* A copy that ends where its octets end, so that reading on is caught. */
static inline u8 *tap_dup(const void *p, size_t n)
{
	u8 *d = malloc(n ? n : 1);

	if (!d)
		abort();
	memcpy(d, p, n);
	return d;
}

/* Random numbers that are the same in each run. */
static inline u32 tap_rand(void)
{
	static u64 x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (u32)(x >> 16);
}

static inline void tap_run(const char *name, void (*fn)(void))
{
	tap_bad = 0;
	tap_alloc_left = -1;
	fn();
	if (tap_live) {
		tap_fail(__FILE__, __LINE__, "%ld allocations left", tap_live);
		tap_live = 0;
	}
	tap_failed += !!tap_bad;
	printf("%sok %d - %s\n", tap_bad ? "not " : "", ++tap_tests, name);
	fflush(stdout);
}

#define RUN(fn)	tap_run(#fn, fn)

static inline int tap_done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failed ? 1 : 0;
}

#endif /* TAP_H */
