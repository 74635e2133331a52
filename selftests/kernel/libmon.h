/* SPDX-License-Identifier: GPL-2.0 */
/* Reading monitors. */
#ifndef KZMQ_SELFTEST_LIBMON_H
#define KZMQ_SELFTEST_LIBMON_H

#include "lib.h"

/* A record, its texts with NULs */
struct mon_rec {
	struct zmq_event e;
	char rid[256];
	char local[1100];
	char remote[1100];
};

int mon_open(int fd, __u64 mask, __u32 bytes);
int xmon(int fd);
bool mon_read(int mon, struct mon_rec *r);
bool mon_next(int mon, struct mon_rec *r);
bool mon_is(const char *file, int line, int mon, __u64 event,
	    struct mon_rec *r);
bool mon_until(int mon, __u64 event, struct mon_rec *r);
bool mon_quiet(int mon);

/* the next event is this one; its record is in R */
#define ASSERT_EVENT(mon, event, r)					\
	ASSERT_TRUE(mon_is(__FILE__, __LINE__, mon, ZMQ_EVENT_ ## event, r))

#endif
