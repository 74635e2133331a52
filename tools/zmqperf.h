/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zmqperf: what AF_ZMQ costs beside raw sockets and beside libzmq.
 *
 * A measurement runs in two fresh processes joined by a control socket. It is
 * written once, over struct zp_impl; only what is below differs between the
 * implementations.
 */
#ifndef ZMQPERF_H
#define ZMQPERF_H

#include <stddef.h>
#include <stdio.h>
#include <stdnoreturn.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(x)	(sizeof(x) / sizeof((x)[0]))
#endif

#define ZP_EP_MAX	126	/* octets of an endpoint's text */
#define ZP_MAX_ROUNDS	101
#define ZP_MAX_FDS	8192	/* connections of one raw socket */

enum zp_type { ZP_REQ, ZP_REP, ZP_PUSH, ZP_PULL, ZP_PUB, ZP_SUB };

enum zp_impl_id { ZP_RAW, ZP_LIBZMQ, ZP_AFZMQ, ZP_NIMPL };

struct zp_sock;

/**
 * struct zp_impl - one implementation of messaging sockets
 * @name:       as given on the command line
 * @probe:      NULL when it can be used here, else the reason why not
 * @open:       makes a socket; a process that cannot go on ends itself
 * @bind:       listens on a free loopback port and tells the endpoint
 * @connect:    connects to @ep; may return before the connection stands
 * @ready:      waits until so many peers finished the handshake, where the
 *              implementation can tell (raw sockets accept them here)
 * @idle:       waits until every connection of this socket is torn down
 * @send:       sends one message, to every peer when the type is ZP_PUB
 * @recv:       receives one message; a raw stream gives what there is. Returns
 *              the octets received
 * @send_batch: sends @n messages of @len octets each, which stand one after
 *              the other in @buf; NULL when there is no such call
 * @recv_batch: receives 1 to @n messages, returns how many
 * @close:      closes, dropping what was not sent
 */
struct zp_impl {
	const char *name;
	const char *(*probe)(void);
	struct zp_sock *(*open)(enum zp_type type);
	void (*bind)(struct zp_sock *s, char *ep, size_t size);
	void (*connect)(struct zp_sock *s, const char *ep);
	void (*ready)(struct zp_sock *s, unsigned int peers);
	void (*idle)(struct zp_sock *s);
	void (*send)(struct zp_sock *s, const void *buf, size_t len);
	size_t (*recv)(struct zp_sock *s, void *buf, size_t len);
	void (*send_batch)(struct zp_sock *s, const void *buf, size_t len,
			   unsigned int n);
	unsigned int (*recv_batch)(struct zp_sock *s, void *buf, size_t len,
				   unsigned int n);
	void (*close)(struct zp_sock *s);
};

extern const struct zp_impl zp_raw, zp_libzmq, zp_afzmq;
extern const struct zp_impl *const zp_impls[ZP_NIMPL];

/**
 * struct zp_snap - memory and descriptors at one moment
 * @rss:   octets resident in the process
 * @fds:   open descriptors of the process
 * @slab:  octets of slab memory of the machine
 * @pages: octets of page tables, kernel stacks and per-CPU memory
 * @skmem: octets TCP holds for its queues
 * @used:  octets of the machine that are neither free nor page cache
 */
struct zp_snap {
	long long rss;
	long long fds;
	long long slab;
	long long pages;
	long long skmem;
	long long used;
};

/**
 * struct zp_shared - what the two processes of a measurement leave behind
 * @t0:    start of the window, CLOCK_MONOTONIC
 * @t1:    end of the window
 * @units: round trips, messages, connections or deliveries in the window
 * @before: memory of server [0] and client [1] before the connections
 * @after:  and with them
 * @error: text of the first failure
 */
struct zp_shared {
	unsigned long long t0;
	unsigned long long t1;
	unsigned long long units;
	struct zp_snap before[2];
	struct zp_snap after[2];
	char error[256];
};

/**
 * struct zp_run - one measurement
 * @impl:    the implementation measured
 * @size:    octets of a message
 * @count:   units in the window
 * @warm:    units before it
 * @batch:   messages per call, 1 for the plain calls
 * @subs:    subscribers of a fan-out
 * @one:     all idle connections belong to one client socket
 * @timeout: seconds until a process of the measurement is killed
 * @shared:  results
 * @ctl:     control socket of this process
 */
struct zp_run {
	const struct zp_impl *impl;
	size_t size;
	unsigned long count;
	unsigned long warm;
	unsigned int batch;
	unsigned int subs;
	int one;
	unsigned int timeout;
	struct zp_shared *shared;
	int ctl;
};

/**
 * struct zp_test - a kind of measurement
 * @name:    as given on the command line
 * @unit:    what is counted
 * @server:  the side that binds
 * @client:  the side that connects
 */
struct zp_test {
	const char *name;
	const char *unit;
	void (*server)(struct zp_run *run);
	void (*client)(struct zp_run *run);
};

extern const struct zp_test zp_lat, zp_thr, zp_conn, zp_fanout, zp_idle;

/**
 * struct zp_row - a line of the table
 * @title: what is measured
 * @test:  the kind of measurement
 * @size:  octets of a message
 * @count: units per implementation
 * @batch: messages per call; where above 1 only AF_ZMQ has a number of its
 *         own, the others are shown with their plain calls
 * @one:   see struct zp_run
 * @value: cost of a unit per implementation and round
 * @n:     how many of these there are
 * @idle:  memory of the idle connections, last round
 */
struct zp_row {
	const char *title;
	const struct zp_test *test;
	size_t size;
	unsigned long count[ZP_NIMPL];
	unsigned int batch;
	int one;
	double value[ZP_NIMPL][ZP_MAX_ROUNDS];
	unsigned int n[ZP_NIMPL];
	struct zp_shared idle[ZP_NIMPL];
};

/* zmqperf_util.c */
#define zp_die(...) \
	(snprintf(zp_reason, sizeof(zp_reason), __VA_ARGS__), zp_end())

extern char zp_reason[256];
noreturn void zp_end(void);
void zp_die_into(struct zp_shared *shared);
unsigned long long zp_now(void);
void zp_mark_begin(struct zp_run *run);
void zp_mark_end(struct zp_run *run);
void *zp_alloc(size_t size);
void zp_relax(void);
unsigned int zp_port(const char *ep);
unsigned int zp_tcp_live(unsigned int port);
unsigned int zp_count_fds(void);
void zp_snapshot(struct zp_snap *snap);

/* zmqperf_pair.c */
int zp_run_pair(const struct zp_test *test, struct zp_run *run);
void zp_ctl_send(struct zp_run *run, const char *text);
void zp_ctl_recv(struct zp_run *run, char *text, size_t size);
void zp_ctl_sync(struct zp_run *run);
int zp_ctl_pending(struct zp_run *run, int timeout_ms);

/* zmqperf_table.c */
double zp_median(const double *v, unsigned int n);
double zp_min(const double *v, unsigned int n);
void zp_print_row(const struct zp_row *row);
void zp_print_header(int icount, unsigned int rounds);
int zp_print_targets(const struct zp_row *rows, unsigned int n);

/* zmqperf_idle.c */
double zp_idle_bytes(const struct zp_shared *sh, int alone);
double zp_idle_fds(const struct zp_shared *sh);

#endif /* ZMQPERF_H */
