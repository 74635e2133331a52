// SPDX-License-Identifier: GPL-2.0
/* zmqperf: figures and the table */
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
	printf(" %17s", text);
}

/** zp_ratio - the ratio of two medians, or 0 when one is missing */
double zp_ratio(const struct zp_row *row, enum zp_impl_id a, enum zp_impl_id b)
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
	double r = zp_ratio(row, a, b);

	if (r > 0)
		printf(" %8.2f", r);
	else
		printf(" %8s", "-");
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
	printf("%-34s %17s %17s %17s %17s %8s %8s %8s %8s %8s\n", "", "raw",
	       "libzmq", "AF_ZMQ", "shim", "AF/raw", "shim/raw", "lib/raw",
	       "AF/lib", "shim/lib");
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
	enum zp_impl_id id;

	printf("%-34s", row->title);
	for (id = 0; id < ZP_NIMPL; id++)
		print_value(row, id);
	print_ratio(row, ZP_AFZMQ, ZP_RAW);
	print_ratio(row, ZP_SHIM, ZP_RAW);
	print_ratio(row, ZP_LIBZMQ, ZP_RAW);
	print_ratio(row, ZP_AFZMQ, ZP_LIBZMQ);
	print_ratio(row, ZP_SHIM, ZP_LIBZMQ);
	printf("\n");
	if (row->test == &zp_idle)
		print_idle(row);
}

/**
 * zp_print_counts - the table of system calls and context switches
 * @rows: the table
 * @n:    its lines
 */
void zp_print_counts(const struct zp_row *rows, unsigned int n)
{
	enum zp_impl_id id;
	char text[40];
	unsigned int i;

	printf("\nsystem calls / context switches a unit, both ends\n");
	for (i = 0; i < n; i++) {
		if (!rows[i].counted)
			continue;
		printf("%-34s", rows[i].title);
		for (id = 0; id < ZP_NIMPL; id++) {
			snprintf(text, sizeof(text), "%.2f / %.2f",
				 rows[i].ncalls[id], rows[i].ncsw[id]);
			printf(" %17s", rows[i].ncalls[id] < 0 ? "-" : text);
		}
		printf("\n");
	}
}
