/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs share: endpoints on the command line, giving up. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define CHECK(call)							\
	do {								\
		if ((call) == -1)					\
			errx(1, "%s: %s", #call,			\
			     zmq_strerror(zmq_errno()));		\
	} while (0)

/* a socket at "@ENDPOINT", to be bound, or ">ENDPOINT", to be connected */
static inline void *attach(void *ctx, int type, const char *where)
{
	void *s = zmq_socket(ctx, type);

	if (!s)
		errx(1, "socket: %s", zmq_strerror(zmq_errno()));
	if (*where == '@')
		CHECK(zmq_bind(s, where + 1));
	else if (*where == '>')
		CHECK(zmq_connect(s, where + 1));
	else
		errx(2, "%s: @ENDPOINT binds, >ENDPOINT connects", where);
	return s;
}

/* FNV-1a, to compare what was sent with what came back */
static inline uint32_t sum(uint32_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		hash = (hash ^ *p++) * 16777619u;
	return hash;
}

#define SUM_BEGIN 2166136261u

#endif
