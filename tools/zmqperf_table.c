// SPDX-License-Identifier: GPL-2.0
/* zmqperf: figures, the table, and the targets */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zmqperf.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/** zp_median - the middle of @n figures; the mean of the middle two */
double zp_median(const double *v, unsigned int n)
{
	double sorted[ZP_MAX_ROUNDS];

	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*sorted), compare);
	return (sorted[n / 2] + sorted[(n - 1) / 2]) / 2;
}

/** zp_min - the smallest of @n figures */
double zp_min(const double *v, unsigned int n)
{
	double min = v[0];

	while (n--)
		if (v[n] < min)
			min = v[n];
	return min;
}

static void print_value(const struct zp_row *row, enum zp_impl_id id)
{
	char text[40] = "-";

	if (row->n[id] > 1)
		snprintf(text, sizeof(text), "%.0f (%.0f)",
			 zp_median(row->value[id], row->n[id]),
			 zp_min(row->value[id], row->n[id]));
	else if (row->n[id])
		snprintf(text, sizeof(text), "%.0f", row->value[id][0]);
	printf(" %19s", text);
}

/* The ratio of two medians, or 0 when one is missing */
static double ratio(const struct zp_row *row, enum zp_impl_id a,
		    enum zp_impl_id b)
{
	double below;

	if (!row->n[a] || !row->n[b])
		return 0;
	below = zp_median(row->value[b], row->n[b]);
	return below > 0 ? zp_median(row->value[a], row->n[a]) / below : 0;
}

static void print_ratio(const struct zp_row *row, enum zp_impl_id a,
			enum zp_impl_id b)
{
	double r = ratio(row, a, b);

	if (r > 0)
		printf(" %10.2f", r);
	else
		printf(" %10s", "-");
}

static const char *time_unit(int icount)
{
	return icount ? "guest instructions" : "ns";
}

/** zp_print_header - the line above the rows */
void zp_print_header(int icount, unsigned int rounds)
{
	printf("zmqperf: %s per unit, median (minimum) of %u interleaved rounds\n",
	       time_unit(icount), rounds);
	printf("%-36s %19s %19s %19s %10s %10s %10s\n", "", "raw", "libzmq",
	       "AF_ZMQ", "AF/raw", "libzmq/raw", "AF/libzmq");
}

static void print_idle(const struct zp_row *row)
{
	enum zp_impl_id id;

	for (id = 0; id < ZP_NIMPL; id++) {
		const struct zp_shared *sh = &row->idle[id];
		const struct zp_snap *b = &sh->before[1], *a = &sh->after[1];
		double n = sh->units * 1024.0;

		if (!row->n[id])
			continue;
		printf("  %-7s RSS %.2f + %.2f, slab %.2f, page tables etc. %.2f, ",
		       zp_impls[id]->name,
		       (sh->after[0].rss - sh->before[0].rss) / n,
		       (a->rss - b->rss) / n, (a->slab - b->slab) / n,
		       (a->pages - b->pages) / n);
		printf("TCP queues %.2f KiB; whole machine %.2f KiB; %.2f fds\n",
		       (a->skmem - b->skmem) / n, (a->used - b->used) / n,
		       zp_idle_fds(sh));
	}
}

/** zp_print_row - a line of the table, and where idle memory goes */
void zp_print_row(const struct zp_row *row)
{
	printf("%-36s", row->title);
	print_value(row, ZP_RAW);
	print_value(row, ZP_LIBZMQ);
	print_value(row, ZP_AFZMQ);
	print_ratio(row, ZP_AFZMQ, ZP_RAW);
	print_ratio(row, ZP_LIBZMQ, ZP_RAW);
	print_ratio(row, ZP_AFZMQ, ZP_LIBZMQ);
	printf("\n");
	if (row->test == &zp_idle)
		print_idle(row);
}

enum judged { RATIO, BYTES, FDS, REPORT };

/* What the targets are held against: the first row that fits */
static const struct target {
	const char *title;
	const struct zp_test *test;
	size_t size;
	int one;
	unsigned int batch;
	enum judged judged;
	enum zp_impl_id base;
	double limit;
} targets[] = {
	{ "REQ/REP 64 B, a round trip / raw", &zp_lat, 64, 0, 1, RATIO,
	  ZP_RAW, 1.35 },
	{ "PUSH/PULL 64 KiB, a message / raw stream", &zp_thr, 65536, 0, 1,
	  RATIO, ZP_RAW, 1.3 },
	{ "connect, round trip, close / raw", &zp_conn, 64, 0, 1, RATIO,
	  ZP_RAW, 3 },
	{ "PUB to 8 SUB, a delivery, 64 a call / libzmq", &zp_fanout, 64, 0,
	  64, RATIO, ZP_LIBZMQ, 0.6 },
	{ "idle connection, KiB of both ends", &zp_idle, 64, 0, 1, BYTES,
	  ZP_RAW, 24 },
	{ "idle connection, descriptors", &zp_idle, 64, 1, 1, FDS, ZP_RAW, 0 },
	{ "PUB to 8 SUB, a delivery / libzmq", &zp_fanout, 64, 0, 1, REPORT,
	  ZP_LIBZMQ, 0 },
	{ "PUSH/PULL 64 B, a message / libzmq", &zp_thr, 64, 0, 1, REPORT,
	  ZP_LIBZMQ, 0 },
	{ "PUSH/PULL 64 B, 64 a call / libzmq", &zp_thr, 64, 0, 64, REPORT,
	  ZP_LIBZMQ, 0 },
};

static const struct zp_row *find_row(const struct zp_row *rows, unsigned int n,
				     const struct target *t)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (rows[i].test == t->test && rows[i].size == t->size &&
		    rows[i].one == t->one && rows[i].batch == t->batch)
			return &rows[i];
	return NULL;
}

/* The figure to hold against the limit; negative when it was not measured */
static double measured(const struct zp_row *row, const struct target *t)
{
	double r;

	if (!row || !row->n[ZP_AFZMQ])
		return -1;
	switch (t->judged) {
	case BYTES:
		return row->value[ZP_AFZMQ][0] / 1024;
	case FDS:
		return zp_idle_fds(&row->idle[ZP_AFZMQ]);
	default:
		r = ratio(row, ZP_AFZMQ, t->base);
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
			snprintf(limit, sizeof(limit), "%.2f", t->limit);
		if (v >= 0)
			snprintf(value, sizeof(value), "%.2f", v);
		if (t->judged == REPORT)
			verdict = "reported";
		else if (v < 0)
			verdict = "FAIL (not measured)";
		else
			verdict = v <= t->limit ? "PASS" : "FAIL";
		missed += verdict[0] == 'F';
		printf("%-46s %8s %8s  %s\n", t->title, limit, value, verdict);
	}
	return missed;
}
