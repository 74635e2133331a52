/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zmqperf: what AF_ZMQ costs beside raw sockets and beside libzmq.
 *
 * A measurement runs in two fresh processes joined by a control socket, over
 * inproc in two threads of one. It is written once, over struct zp_impl; only
 * what is below differs between the implementations.
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

enum zp_impl_id { ZP_RAW, ZP_LIBZMQ, ZP_AFZMQ, ZP_SHIM, ZP_NIMPL };

enum zp_transport { ZP_TCP, ZP_IPC, ZP_INPROC, ZP_NTRANSPORT };

/**
 * enum zp_calls - which of a library's calls move the messages
 * @ZP_CHEAP: the cheapest: zmq_send(), and zmq_msg_recv() without a copy
 * @ZP_BUF:   zmq_send() and zmq_recv()
 * @ZP_MSG:   zmq_msg_init_size(), zmq_msg_send() and zmq_msg_recv()
 * @ZP_EPOLL: of the kernel: epoll_wait(2) instead of poll(2)
 * @ZP_URING: io_uring, a message a completion
 * @ZP_URING_MANY: io_uring, a batch of them a completion
 * @ZP_NCALLS: how many
 */
enum zp_calls { ZP_CHEAP, ZP_BUF, ZP_MSG, ZP_EPOLL, ZP_URING, ZP_URING_MANY,
		ZP_NCALLS };

struct zp_sock;
struct zp_run;
struct zp_lib;

/**
 * struct zp_impl - one implementation of messaging sockets
 * @name:       as given on the command line
 * @probe:      NULL when it can be used here, else the reason why not
 * @open:       makes a socket; a process that cannot go on ends itself
 * @bind:       binds to the endpoint given, of which any name or port is left
 *              open, and tells the one it got
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
 * @lib:        the library behind it, NULL without one
 */
struct zp_impl {
	const char *name;
	const char *(*probe)(void);
	struct zp_sock *(*open)(const struct zp_run *run, enum zp_type type);
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
	struct zp_lib *lib;
};

extern const struct zp_impl zp_raw, zp_libzmq, zp_afzmq, zp_shim;
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
 * @calls:  system calls of server [0] and client [1], where they are counted
 * @csw:    and context switches
 * @error: text of the first failure
 */
struct zp_shared {
	unsigned long long t0;
	unsigned long long t1;
	unsigned long long units;
	struct zp_snap before[2];
	struct zp_snap after[2];
	unsigned long long calls[2];
	unsigned long long csw[2];
	char error[256];
};

/**
 * struct zp_run - one measurement
 * @impl:    the implementation measured
 * @transport: what the messages travel on
 * @calls:   which calls of a library
 * @size:    octets of a message
 * @count:   units in the window
 * @warm:    units before it
 * @batch:   messages per call, 1 for the plain calls
 * @subs:    subscribers of a fan-out, sockets to wait for
 * @one:     all idle connections belong to one client socket
 * @curve:   the connections speak CURVE
 * @timeout: seconds until a process of the measurement is killed
 * @counting: count system calls and context switches, time does not matter
 * @shared:  results
 * @ctl:     control socket of this side
 * @side:    0 the server, 1 the client
 */
struct zp_run {
	const struct zp_impl *impl;
	enum zp_transport transport;
	enum zp_calls calls;
	size_t size;
	unsigned long count;
	unsigned long warm;
	unsigned int batch;
	unsigned int subs;
	int one;
	int curve;
	unsigned int timeout;
	int counting;
	struct zp_shared *shared;
	int ctl;
	int side;
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
extern const struct zp_test zp_wait, zp_ring;
extern const struct zp_test zp_cipher, zp_agree;

/**
 * struct zp_row - a line of the table
 * @title: what is measured
 * @test:  the kind of measurement
 * @transport: over what
 * @calls: which calls of a library
 * @size:  octets of a message
 * @count: units per implementation
 * @batch: messages per call; where above 1 only AF_ZMQ has a number of its
 *         own, the others are shown with their plain calls
 * @rounds: at most so many, 0 for as many as asked for
 * @subs:  see struct zp_run; 0 for as many as asked for
 * @one:   see struct zp_run
 * @curve: likewise
 * @counted: system calls and context switches are counted as well
 * @value: cost of a unit per implementation and round
 * @n:     how many of these there are
 * @idle:  memory of the idle connections, last round
 * @ncalls: system calls a unit, both ends, where counted
 * @ncsw:  and context switches; both -1 when they were not
 */
struct zp_row {
	const char *title;
	const struct zp_test *test;
	enum zp_transport transport;
	enum zp_calls calls;
	size_t size;
	unsigned long count[ZP_NIMPL];
	unsigned int batch;
	unsigned int rounds;
	unsigned int subs;
	int one;
	int curve;
	int counted;
	double value[ZP_NIMPL][ZP_MAX_ROUNDS];
	unsigned int n[ZP_NIMPL];
	struct zp_shared idle[ZP_NIMPL];
	double ncalls[ZP_NIMPL];
	double ncsw[ZP_NIMPL];
};

/* zmqperf_rows.c */
struct zp_row *zp_all_rows(unsigned int *n);
void zp_one_row(struct zp_row *row, const struct zp_test *test);

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
void zp_endpoint(const struct zp_run *run, char *ep, size_t size);
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

/* zmqperf_count.c */
const char *zp_count_probe(void);
void zp_count_open(const struct zp_run *run);
void zp_count_begin(struct zp_run *run);
void zp_count_end(struct zp_run *run);

/* zmqperf_libzmq.c */
extern const char *zp_shim_path;

/* zmqperf_af.c */
unsigned int zp_af_peers(int fd);
int zp_af_fd(const struct zp_sock *s);

/* zmqperf_curve.c */
#define ZP_CURVE_PUBLIC	"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define ZP_CURVE_SECRET	"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
const char *zp_cipher_probe(void);

/* zmqperf_uring.c */
const char *zp_uring_probe(void);

/* zmqperf_table.c */
double zp_median(const double *v, unsigned int n);
double zp_min(const double *v, unsigned int n);
double zp_ratio(const struct zp_row *row, enum zp_impl_id a, enum zp_impl_id b);
void zp_print_row(const struct zp_row *row);
void zp_print_header(int icount, unsigned int rounds);
void zp_print_counts(const struct zp_row *rows, unsigned int n);

/* zmqperf_targets.c */
int zp_print_targets(const struct zp_row *rows, unsigned int n);

/* zmqperf_idle.c */
double zp_idle_bytes(const struct zp_shared *sh, int alone);
double zp_idle_fds(const struct zp_shared *sh);

#endif /* ZMQPERF_H */
