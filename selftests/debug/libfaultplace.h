/* SPDX-License-Identifier: GPL-2.0 */
/* Where an injected failure was. */
#ifndef KZMQ_LIBFAULTPLACE_H
#define KZMQ_LIBFAULTPLACE_H

#include <stdbool.h>
#include <string.h>

#define SITE_LEN	64
#define NR(a)		(sizeof(a) / sizeof((a)[0]))

/**
 * struct place - where a failure was
 * @hash:   of the call stack
 * @site:   function+offset of ours next to it
 * @size:   octets asked for, 0 when it is not known
 * @deep:   frames seen
 * @direct: nothing but the allocator between @site and the failure
 * @checker: an allocation of kmemleak and the like
 * @whole:  the rest is what was interrupted
 */
struct place {
	unsigned long long	hash;
	char			site[SITE_LEN];
	unsigned int		size;
	unsigned int		deep;
	bool			direct;
	bool			checker;
	bool			whole;
};

static inline bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

void place_logs_open(void);
void place_logs_close(void);
void place_logs_show(void);
void place_read(struct place *p, const char *walk);

/* of libfault.c: write to a file of the kernel's; false when it refuses */
bool fault_put(const char *path, const char *text);

#endif /* KZMQ_LIBFAULTPLACE_H */
