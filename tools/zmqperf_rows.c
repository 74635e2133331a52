// SPDX-License-Identifier: GPL-2.0
/* zmqperf: the lines of the table */
#include <stdio.h>

#include "zmqperf.h"

/* The same number of units for every implementation */
#define EACH(n)	{ n, n, n, n }

static const struct zp_row fixed[] = {
	{ .title = "REQ/REP 64 B, round trip", .test = &zp_lat, .size = 64,
	  .count = EACH(1000), .batch = 1 },
	{ .title = "PUSH/PULL 64 KiB, message", .test = &zp_thr, .size = 65536,
	  .count = EACH(1000), .batch = 1 },
	{ .title = "connect, round trip, close", .test = &zp_conn, .size = 64,
	  .count = EACH(100), .batch = 1 },
	{ .title = "PUB to 8 SUB 64 B, delivery", .test = &zp_fanout,
	  .size = 64, .count = { 4096, 16384, 16384, 16384 }, .batch = 1 },
	{ .title = "  the same, 64 messages a call", .test = &zp_fanout,
	  .size = 64, .count = { 4096, 16384, 32768, 16384 }, .batch = 64 },
	{ .title = "PUSH/PULL 64 B, message", .test = &zp_thr, .size = 64,
	  .count = { 4096, 16384, 16384, 16384 }, .batch = 1 },
	{ .title = "  the same, 64 messages a call", .test = &zp_thr,
	  .size = 64, .count = { 4096, 16384, 32768, 16384 }, .batch = 64 },
	{ .title = "idle connection, a socket each, B", .test = &zp_idle,
	  .size = 64, .count = EACH(500), .batch = 1 },
	{ .title = "idle connection, of one socket, B", .test = &zp_idle,
	  .size = 64, .count = EACH(500), .batch = 1, .one = 1 },
	/* the other calls of a library */
	{ .title = "REQ/REP tcp 64 B, zmq_msg_t", .test = &zp_lat, .size = 64,
	  .calls = ZP_MSG, .count = EACH(1000), .batch = 1, .rounds = 3 },
	{ .title = "PUSH/PULL tcp 64 KiB, zmq_msg_t", .test = &zp_thr,
	  .size = 65536, .calls = ZP_MSG, .count = EACH(500), .batch = 1,
	  .rounds = 3 },
	{ .title = "PUSH/PULL tcp 64 KiB, zmq_recv", .test = &zp_thr,
	  .size = 65536, .calls = ZP_BUF, .count = EACH(500), .batch = 1,
	  .rounds = 3 },
	/* ciphers; raw is the cipher alone */
	{ .title = "CURVE PUSH/PULL 64 B", .test = &zp_thr, .size = 64,
	  .count = EACH(4096), .batch = 1, .rounds = 3, .curve = 1 },
	{ .title = "CURVE PUSH/PULL 1 KiB", .test = &zp_thr, .size = 1024,
	  .count = EACH(2048), .batch = 1, .rounds = 3, .curve = 1 },
	{ .title = "CURVE PUSH/PULL 64 KiB", .test = &zp_thr, .size = 65536,
	  .count = EACH(200), .batch = 1, .rounds = 3, .curve = 1 },
	{ .title = "CURVE connect, round trip, close", .test = &zp_conn,
	  .size = 64, .count = EACH(50), .batch = 1, .rounds = 3, .curve = 1 },
	{ .title = "  libsodium: seal, open 64 B", .test = &zp_cipher, .size = 64,
	  .count = EACH(1000), .batch = 1, .rounds = 3 },
	{ .title = "  libsodium: seal, open 1 KiB", .test = &zp_cipher,
	  .size = 1024, .count = EACH(500), .batch = 1, .rounds = 3 },
	{ .title = "  libsodium: seal, open 64 KiB", .test = &zp_cipher,
	  .size = 65536, .count = EACH(50), .batch = 1, .rounds = 3 },
	{ .title = "  libsodium: keys of a handshake", .test = &zp_agree,
	  .size = 64, .count = EACH(50), .batch = 1, .rounds = 3 },
	/* what userlib could do otherwise */
	{ .title = "1 of 64 readable, poll", .test = &zp_wait, .size = 64,
	  .count = EACH(1000), .batch = 1, .rounds = 3, .subs = 64 },
	{ .title = "1 of 64 readable, epoll", .test = &zp_wait, .size = 64,
	  .calls = ZP_EPOLL, .count = EACH(1000), .batch = 1, .rounds = 3,
	  .subs = 64 },
	{ .title = "1 of 64 readable, io_uring", .test = &zp_wait, .size = 64,
	  .calls = ZP_URING, .count = EACH(1000), .batch = 1, .rounds = 3,
	  .subs = 64 },
	{ .title = "PUSH/PULL 64 B, 128 a recvmsg", .test = &zp_thr, .size = 64,
	  .count = EACH(32768), .batch = 128, .rounds = 3 },
	{ .title = "  by io_uring, 1 a completion", .test = &zp_ring,
	  .size = 64, .calls = ZP_URING, .count = EACH(32768), .batch = 128,
	  .rounds = 3 },
	{ .title = "  by io_uring, 128 a completion", .test = &zp_ring,
	  .size = 64, .calls = ZP_URING_MANY, .count = EACH(32768),
	  .batch = 128, .rounds = 3 },
};

/*
 * Every transport and size. Large messages cost so much more than what differs
 * from run to run that few of them, and fewer rounds, tell as much.
 */
static const struct {
	size_t size;
	const char *text;
	unsigned long lat;
	unsigned long thr;
	unsigned int rounds;
} sizes[] = {
	{ 64, "64 B", 1000, 8192, 0 },
	{ 1024, "1 KiB", 500, 4096, 0 },
	{ 65536, "64 KiB", 100, 400, 0 },
	{ 1048576, "1 MiB", 20, 40, 3 },
};

static const char *const transports[ZP_NTRANSPORT] = { "tcp", "ipc", "inproc" };

#define NFIXED	ARRAY_SIZE(fixed)
#define NGRID	(2 * ZP_NTRANSPORT * ARRAY_SIZE(sizes))

static struct zp_row all[NFIXED + NGRID];
static char titles[NGRID][40];

static void fill(struct zp_row *row, char *title, unsigned int size, int thr)
{
	unsigned int i;

	snprintf(title, sizeof(titles[0]), "%s %s %s",
		 thr ? "PUSH/PULL" : "REQ/REP", transports[row->transport],
		 sizes[size].text);
	row->title = title;
	row->test = thr ? &zp_thr : &zp_lat;
	/* as small programs receive, and as cheap as libzmq can be */
	row->calls = thr ? ZP_CHEAP : ZP_BUF;
	row->size = sizes[size].size;
	row->batch = 1;
	row->rounds = sizes[size].rounds;
	row->counted = sizes[size].size == 64 || sizes[size].size == 65536;
	for (i = 0; i < ZP_NIMPL; i++)
		row->count[i] = thr ? sizes[size].thr : sizes[size].lat;
}

/**
 * zp_all_rows - the whole table
 * @n: how many lines it has
 */
struct zp_row *zp_all_rows(unsigned int *n)
{
	unsigned int i, thr, size;
	enum zp_transport t;

	for (i = 0; i < NFIXED; i++)
		all[i] = fixed[i];
	for (thr = 0; thr < 2; thr++)
		for (t = 0; t < ZP_NTRANSPORT; t++)
			for (size = 0; size < ARRAY_SIZE(sizes); size++) {
				all[i].transport = t;
				fill(&all[i], titles[i - NFIXED], size, thr);
				i++;
			}
	*n = i;
	return all;
}

/**
 * zp_one_row - a line for one kind of measurement
 * @row:  filled in as the first such line of the table
 * @test: the kind
 */
void zp_one_row(struct zp_row *row, const struct zp_test *test)
{
	unsigned int i;

	for (i = 0; i < NFIXED; i++)
		if (fixed[i].test == test)
			break;
	*row = fixed[i];
}
