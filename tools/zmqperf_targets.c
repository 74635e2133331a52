// SPDX-License-Identifier: GPL-2.0
/* zmqperf: what the figures are held against */
#include <stdio.h>

#include "zmqperf.h"

/*
 * RATIO is to be at most the limit, LESS below it, REPORT is only printed;
 * these divide by the base. The others are figures of one implementation.
 */
enum judged { RATIO, LESS, REPORT, BYTES, FDS, SYSCALLS, SWITCHES };

/*
 * The first row that fits is meant; it has one message a call unless said.
 */
static const struct target {
	const char *title;
	const struct zp_test *test;
	size_t size;
	enum judged judged;
	enum zp_impl_id base;
	double limit;
	enum zp_impl_id impl;
	enum zp_transport transport;
	enum zp_calls calls;
	unsigned int batch;
	int one;
	int curve;
} targets[] = {
	{ "REQ/REP 64 B, a round trip / raw", &zp_lat, 64, RATIO, ZP_RAW, 1.35,
	  ZP_AFZMQ },
	{ "PUSH/PULL 64 KiB, a message / raw stream", &zp_thr, 65536, RATIO,
	  ZP_RAW, 1.3, ZP_AFZMQ },
	{ "connect, round trip, close / raw", &zp_conn, 64, RATIO, ZP_RAW, 3,
	  ZP_AFZMQ },
	{ "PUB to 8 SUB, a delivery, 64 a call / libzmq", &zp_fanout, 64, RATIO,
	  ZP_LIBZMQ, 0.6, ZP_AFZMQ, .batch = 64 },
	{ "idle connection, KiB of both ends", &zp_idle, 64, BYTES, ZP_RAW, 24,
	  ZP_AFZMQ },
	{ "idle connection, descriptors", &zp_idle, 64, FDS, ZP_RAW, 0,
	  ZP_AFZMQ, .one = 1 },
	{ "PUB to 8 SUB, a delivery / libzmq", &zp_fanout, 64, REPORT,
	  ZP_LIBZMQ, 0, ZP_AFZMQ },
	{ "PUSH/PULL 64 B, a message / libzmq", &zp_thr, 64, REPORT, ZP_LIBZMQ,
	  0, ZP_AFZMQ },
	{ "PUSH/PULL 64 B, 64 a call / libzmq", &zp_thr, 64, REPORT, ZP_LIBZMQ,
	  0, ZP_AFZMQ, .batch = 64 },

	{ "CURVE PUSH/PULL 64 B / libzmq", &zp_thr, 64, LESS, ZP_LIBZMQ, 1,
	  ZP_AFZMQ, .curve = 1 },
	{ "CURVE PUSH/PULL 1 KiB / libzmq", &zp_thr, 1024, LESS, ZP_LIBZMQ, 1,
	  ZP_AFZMQ, .curve = 1 },
	{ "CURVE PUSH/PULL 64 KiB / libzmq", &zp_thr, 65536, LESS, ZP_LIBZMQ,
	  1, ZP_AFZMQ, .curve = 1 },
	{ "CURVE connect, round trip, close / libzmq", &zp_conn, 64, LESS,
	  ZP_LIBZMQ, 1, ZP_AFZMQ, .curve = 1 },

	{ "shim: REQ/REP tcp 64 B / raw", &zp_lat, 64, RATIO, ZP_RAW, 1.35,
	  ZP_SHIM, ZP_TCP, ZP_BUF },
	{ "shim: the same, zmq_msg_t / raw", &zp_lat, 64, REPORT, ZP_RAW, 0,
	  ZP_SHIM, ZP_TCP, ZP_MSG },
	{ "shim: REQ/REP ipc 64 B / raw", &zp_lat, 64, RATIO, ZP_RAW, 1.6,
	  ZP_SHIM, ZP_IPC, ZP_BUF },
	{ "shim: REQ/REP inproc 64 B / libzmq", &zp_lat, 64, RATIO, ZP_LIBZMQ,
	  1, ZP_SHIM, ZP_INPROC, ZP_BUF },
	{ "shim: PUSH/PULL tcp 64 KiB / libzmq", &zp_thr, 65536, LESS,
	  ZP_LIBZMQ, 1, ZP_SHIM, ZP_TCP },
	{ "shim: the same, zmq_msg_t / libzmq", &zp_thr, 65536, LESS,
	  ZP_LIBZMQ, 1, ZP_SHIM, ZP_TCP, ZP_MSG },
	{ "shim: the same, zmq_recv / libzmq", &zp_thr, 65536, LESS, ZP_LIBZMQ,
	  1, ZP_SHIM, ZP_TCP, ZP_BUF },
	{ "shim: PUSH/PULL tcp 1 MiB / libzmq", &zp_thr, 1048576, LESS,
	  ZP_LIBZMQ, 1, ZP_SHIM, ZP_TCP },
	{ "shim: PUSH/PULL ipc 64 KiB / libzmq", &zp_thr, 65536, LESS,
	  ZP_LIBZMQ, 1, ZP_SHIM, ZP_IPC },
	{ "shim: PUSH/PULL ipc 1 MiB / libzmq", &zp_thr, 1048576, LESS,
	  ZP_LIBZMQ, 1, ZP_SHIM, ZP_IPC },
	{ "shim: REQ/REP tcp 64 B, system calls", &zp_lat, 64, SYSCALLS, ZP_RAW,
	  6, ZP_SHIM, ZP_TCP, ZP_BUF },
	{ "shim: REQ/REP ipc 64 B, system calls", &zp_lat, 64, SYSCALLS, ZP_RAW,
	  6, ZP_SHIM, ZP_IPC, ZP_BUF },
	{ "shim: REQ/REP inproc 64 B, system calls", &zp_lat, 64, SYSCALLS,
	  ZP_RAW, 6, ZP_SHIM, ZP_INPROC, ZP_BUF },
	{ "shim: REQ/REP tcp 64 B, context switches", &zp_lat, 64, SWITCHES,
	  ZP_RAW, 2.1, ZP_SHIM, ZP_TCP, ZP_BUF },
	{ "shim: REQ/REP ipc 64 B, context switches", &zp_lat, 64, SWITCHES,
	  ZP_RAW, 2.1, ZP_SHIM, ZP_IPC, ZP_BUF },
	{ "shim: REQ/REP inproc 64 B, context switches", &zp_lat, 64, SWITCHES,
	  ZP_RAW, 2.1, ZP_SHIM, ZP_INPROC, ZP_BUF },
	{ "shim: PUSH/PULL tcp 64 B / libzmq", &zp_thr, 64, REPORT, ZP_LIBZMQ,
	  0, ZP_SHIM, ZP_TCP },
	{ "shim: PUSH/PULL ipc 64 B / libzmq", &zp_thr, 64, REPORT, ZP_LIBZMQ,
	  0, ZP_SHIM, ZP_IPC },
	{ "shim: PUSH/PULL inproc 64 B / libzmq", &zp_thr, 64, REPORT,
	  ZP_LIBZMQ, 0, ZP_SHIM, ZP_INPROC },
	{ "shim: PUSH/PULL tcp 1 KiB / libzmq", &zp_thr, 1024, REPORT,
	  ZP_LIBZMQ, 0, ZP_SHIM, ZP_TCP },
	{ "shim: PUSH/PULL ipc 1 KiB / libzmq", &zp_thr, 1024, REPORT,
	  ZP_LIBZMQ, 0, ZP_SHIM, ZP_IPC },
	{ "shim: PUSH/PULL inproc 1 KiB / libzmq", &zp_thr, 1024, REPORT,
	  ZP_LIBZMQ, 0, ZP_SHIM, ZP_INPROC },
	{ "shim: PUSH/PULL inproc 64 KiB / libzmq", &zp_thr, 65536, REPORT,
	  ZP_LIBZMQ, 0, ZP_SHIM, ZP_INPROC },
	{ "shim: PUSH/PULL inproc 1 MiB / libzmq", &zp_thr, 1048576, REPORT,
	  ZP_LIBZMQ, 0, ZP_SHIM, ZP_INPROC },
};

static const struct zp_row *find_row(const struct zp_row *rows, unsigned int n,
				     const struct target *t)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (rows[i].test == t->test && rows[i].size == t->size &&
		    rows[i].one == t->one && rows[i].calls == t->calls &&
		    rows[i].transport == t->transport &&
		    rows[i].curve == t->curve &&
		    rows[i].batch == (t->batch ? t->batch : 1))
			return &rows[i];
	return NULL;
}

/* The figure to hold against the limit; negative when it was not measured */
static double measured(const struct zp_row *row, const struct target *t)
{
	double r;

	if (!row || !row->n[t->impl])
		return -1;
	switch (t->judged) {
	case BYTES:
		return row->value[t->impl][0] / 1024;
	case FDS:
		return zp_idle_fds(&row->idle[t->impl]);
	case SYSCALLS:
		return row->ncalls[t->impl];
	case SWITCHES:
		return row->ncsw[t->impl];
	default:
		r = zp_ratio(row, t->impl, t->base);
		return r > 0 ? r : -1;
	}
}

/**
 * zp_print_targets - hold the figures against the targets
 * @rows: the table
 * @n:    its lines
 *
 * Return: how many targets were missed or not measured.
 */
int zp_print_targets(const struct zp_row *rows, unsigned int n)
{
	const char *verdict;
	unsigned int i;
	int missed = 0;

	printf("\n%-46s %8s %8s\n", "target", "limit", "measured");
	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		const struct target *t = &targets[i];
		double v = measured(find_row(rows, n, t), t);
		char limit[16] = "-", value[16] = "-";

		if (t->judged != REPORT)
			snprintf(limit, sizeof(limit), "%s%.2f",
				 t->judged == LESS ? "<" : "", t->limit);
		if (v >= 0)
			snprintf(value, sizeof(value), "%.2f", v);
		if (t->judged == REPORT)
			verdict = "reported";
		else if (v < 0)
			verdict = "FAIL (not measured)";
		else if (t->judged == LESS)
			verdict = v < t->limit ? "PASS" : "FAIL";
		else
			verdict = v <= t->limit ? "PASS" : "FAIL";
		missed += verdict[0] == 'F';
		printf("%-46s %8s %8s  %s\n", t->title, limit, value, verdict);
	}
	return missed;
}
