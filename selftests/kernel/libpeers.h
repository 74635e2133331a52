/* SPDX-License-Identifier: GPL-2.0 */
/* Lists of peers, their properties, and who sent a message. */
#ifndef KZMQ_SELFTEST_LIBPEERS_H
#define KZMQ_SELFTEST_LIBPEERS_H

#include "lib.h"

#define PAGE		1024
#define PEERS_ROOM	4096	/* the longest answer */
#define PEER_TEXT	1024	/* more than any endpoint has */

/* One record, with its texts as strings. */
struct peer {
	struct zmq_peer p;
	char rid[256], local[PEER_TEXT], remote[PEER_TEXT];
};

int peers_page(int fd, __u64 after, char *buf, socklen_t room);
int peers_list(int fd, struct peer *out, int max, socklen_t room);
struct peer peers_one(int fd);
int peer_prop(int fd, __u64 handle, const char *name, char *out,
	      socklen_t room);
int recv_peer(int fd, char *buf, size_t size, struct zmq_msg_peer *who,
	      int max, int flags);

#define EXPECT_PROP(want, fd, handle, name)				\
	do {								\
		char _v[PAGE + 1] = "";					\
		int _n = peer_prop(fd, handle, name, _v, PAGE);		\
									\
		EXPECT_EQ(strlen(want), (size_t)_n);			\
		EXPECT_STREQ(want, _v);					\
	} while (0)

#endif
