// SPDX-License-Identifier: GPL-2.0
/* zmqperf: options, and the rounds of measurements. See zmqperf(1). */
#define _GNU_SOURCE
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "zmqperf.h"

#define EXIT_USAGE	2
#define EXIT_SKIP	4

const struct zp_impl *const zp_impls[ZP_NIMPL] = {
	[ZP_RAW] = &zp_raw,
	[ZP_LIBZMQ] = &zp_libzmq,
	[ZP_AFZMQ] = &zp_afzmq,
};

static const struct zp_test *const tests[] = {
	&zp_lat, &zp_thr, &zp_conn, &zp_fanout, &zp_idle,
};

static struct zp_row table[] = {
	{ .title = "REQ/REP 64 B, round trip", .test = &zp_lat, .size = 64,
	  .count = { 1000, 1000, 1000 }, .batch = 1 },
	{ .title = "PUSH/PULL 64 KiB, message", .test = &zp_thr, .size = 65536,
	  .count = { 1000, 1000, 1000 }, .batch = 1 },
	{ .title = "connect, round trip, close", .test = &zp_conn, .size = 64,
	  .count = { 100, 100, 100 }, .batch = 1 },
	{ .title = "PUB to 8 SUB 64 B, delivery", .test = &zp_fanout,
	  .size = 64, .count = { 4096, 16384, 16384 }, .batch = 1 },
	{ .title = "  the same, 64 messages a call", .test = &zp_fanout,
	  .size = 64, .count = { 4096, 16384, 32768 }, .batch = 64 },
	{ .title = "PUSH/PULL 64 B, message", .test = &zp_thr, .size = 64,
	  .count = { 4096, 16384, 16384 }, .batch = 1 },
	{ .title = "  the same, 64 messages a call", .test = &zp_thr,
	  .size = 64, .count = { 4096, 16384, 32768 }, .batch = 64 },
	{ .title = "idle connection, a socket each, B", .test = &zp_idle,
	  .size = 64, .count = { 500, 500, 500 }, .batch = 1 },
	{ .title = "idle connection, of one socket, B", .test = &zp_idle,
	  .size = 64, .count = { 500, 500, 500 }, .batch = 1, .one = 1 },
};

static struct {
	int all;
	int gate;
	int icount;
	int quiet;
	unsigned int rounds;
	unsigned int use[ZP_NIMPL];
	unsigned long size;
	unsigned long count;
	unsigned long batch;
	unsigned long subs;
	unsigned long timeout;
	int one;
	const struct zp_test *test;
} opt = {
	.rounds = 5,
	.use = { 1, 1, 1 },
	.size = 64,
	.batch = 1,
	.subs = 8,
	.timeout = 120,
};

static int failures;

static void print_usage(FILE *f)
{
	fprintf(f,
		"zmqperf --all [--gate] [options]\n"
		"zmqperf lat|thr|connect|fanout|idle [options]\n"
		"options:\n"
		"  --impl LIST   of raw,libzmq,afzmq; default all\n"
		"  --rounds N    interleaved repeats, default 5\n"
		"  --size N      octets of a message, default 64\n"
		"  --count N     round trips, messages, connections, deliveries\n"
		"  --batch N     messages per call (AF_ZMQ), default 1\n"
		"  --subs N      subscribers of a fan-out, default 8\n"
		"  --one         idle connections all belong to one client socket\n"
		"  --icount      the clock counts guest instructions, say so\n"
		"  --gate        exit 1 when a target is missed\n"
		"  --timeout N   seconds one measurement may take, default 120\n"
		"  --quiet       no progress on standard error\n");
}

static unsigned long parse_number(const char *text, unsigned long min,
				  unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (!*text || *end || n < min || n > max) {
		fprintf(stderr, "zmqperf: '%s' is not a number from %lu to %lu\n",
			text, min, max);
		exit(EXIT_USAGE);
	}
	return n;
}

static void choose_impls(char *list)
{
	unsigned int i;
	char *name;

	memset(opt.use, 0, sizeof(opt.use));
	for (name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		for (i = 0; i < ZP_NIMPL; i++)
			if (!strcmp(name, zp_impls[i]->name))
				break;
		if (i == ZP_NIMPL) {
			fprintf(stderr, "zmqperf: no implementation '%s'\n",
				name);
			exit(EXIT_USAGE);
		}
		opt.use[i] = 1;
	}
}

static const struct option long_options[] = {
	{ "all", no_argument, &opt.all, 1 },
	{ "gate", no_argument, &opt.gate, 1 },
	{ "icount", no_argument, &opt.icount, 1 },
	{ "quiet", no_argument, &opt.quiet, 1 },
	{ "one", no_argument, &opt.one, 1 },
	{ "impl", required_argument, NULL, 'i' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "size", required_argument, NULL, 's' },
	{ "count", required_argument, NULL, 'c' },
	{ "batch", required_argument, NULL, 'b' },
	{ "subs", required_argument, NULL, 'n' },
	{ "timeout", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void take_option(int c)
{
	switch (c) {
	case 'i':
		choose_impls(optarg);
		break;
	case 'r':
		opt.rounds = parse_number(optarg, 1, ZP_MAX_ROUNDS);
		break;
	case 's':
		opt.size = parse_number(optarg, 1, 1ul << 30);
		break;
	case 'c':
		opt.count = parse_number(optarg, 1, 1ul << 32);
		break;
	case 'b':
		opt.batch = parse_number(optarg, 1, 1024);
		break;
	case 'n':
		opt.subs = parse_number(optarg, 1, 1024);
		break;
	case 't':
		opt.timeout = parse_number(optarg, 1, 86400);
		break;
	case 'h':
		print_usage(stdout);
		exit(0);
	case 0:
		break;
	default:
		print_usage(stderr);
		exit(EXIT_USAGE);
	}
}

static void parse(int argc, char **argv)
{
	unsigned int i;
	int c;

	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		take_option(c);

	if (optind + 1 == argc)
		for (i = 0; i < ARRAY_SIZE(tests); i++)
			if (!strcmp(argv[optind], tests[i]->name))
				opt.test = tests[i];
	if (opt.all ? optind != argc : !opt.test) {
		print_usage(stderr);
		exit(EXIT_USAGE);
	}
	if (opt.gate && !opt.all) {
		fprintf(stderr, "zmqperf: --gate needs --all\n");
		exit(EXIT_USAGE);
	}
}

/* Drop what cannot be measured here, and say why */
static void probe(void)
{
	unsigned int i;
	const char *why;

	for (i = 0; i < ZP_NIMPL; i++) {
		if (!opt.use[i])
			continue;
		why = zp_impls[i]->probe();
		if (!why)
			continue;
		fprintf(stderr, "zmqperf: %s left out: %s\n",
			zp_impls[i]->name, why);
		opt.use[i] = 0;
	}
	if (!opt.use[ZP_RAW] && !opt.use[ZP_LIBZMQ] && !opt.use[ZP_AFZMQ])
		exit(EXIT_SKIP);
}

/* As many descriptors as this process may have, for the idle connections */
static void raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

/* Has this implementation a figure of its own in this row? */
static int measurable(const struct zp_row *row, enum zp_impl_id id)
{
	if (!opt.use[id])
		return 0;
	if (row->batch > 1 && !zp_impls[id]->send_batch)
		return 0;
	return !(row->one && id == ZP_RAW);
}

static void measure(struct zp_row *row, enum zp_impl_id id,
		    struct zp_shared *shared)
{
	struct zp_run run = {
		.impl = zp_impls[id],
		.size = row->size,
		.count = opt.count ? opt.count : row->count[id],
		.batch = row->batch,
		.subs = opt.subs,
		.one = row->one,
		.timeout = opt.timeout,
		.shared = shared,
	};
	double v;

	if (row->test == &zp_fanout)	/* whole messages to everybody */
		run.count = (run.count + run.subs - 1) / run.subs * run.subs;
	run.warm = run.count / 8 + run.subs;

	if (!opt.quiet)
		fprintf(stderr, "%-38s %-7s", row->title, run.impl->name);
	if (zp_run_pair(row->test, &run)) {
		fprintf(stderr, "%szmqperf: %s %s: %s\n",
			opt.quiet ? "" : "\n", run.impl->name, row->test->name,
			shared->error);
		failures++;
		return;
	}

	if (row->test == &zp_idle)
		v = zp_idle_bytes(shared, opt.icount);
	else
		v = (double)(shared->t1 - shared->t0) / shared->units;
	if (!opt.quiet)
		fprintf(stderr, " %12.0f\n", v);
	row->idle[id] = *shared;
	row->value[id][row->n[id]++] = v;
}

static void run_round(struct zp_row *rows, unsigned int n, int idle,
		      struct zp_shared *shared)
{
	enum zp_impl_id id;
	unsigned int i;

	for (i = 0; i < n; i++) {
		int is_idle = rows[i].test == &zp_idle;

		for (id = 0; id < ZP_NIMPL; id++)
			if (is_idle == idle && measurable(&rows[i], id))
				measure(&rows[i], id, shared);
	}
}

/* Who has no call for many messages is shown with his plain calls */
static void fill_batch_rows(struct zp_row *rows, unsigned int n)
{
	enum zp_impl_id id;
	unsigned int i;

	for (i = 1; i < n; i++)
		for (id = 0; id < ZP_NIMPL; id++)
			if (rows[i].batch > 1 && !rows[i].n[id] &&
			    rows[i - 1].test == rows[i].test &&
			    !zp_impls[id]->send_batch) {
				memcpy(rows[i].value[id],
				       rows[i - 1].value[id],
				       sizeof(rows[i].value[id]));
				rows[i].n[id] = rows[i - 1].n[id];
			}
}

static int run_rows(struct zp_row *rows, unsigned int n)
{
	struct zp_shared *shared;
	unsigned int i;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		zp_die("mmap: %m");

	/* Memory first, and once: it does not depend on the scheduler */
	run_round(rows, n, 1, shared);
	for (i = 0; i < opt.rounds; i++)
		run_round(rows, n, 0, shared);
	fill_batch_rows(rows, n);

	zp_print_header(opt.icount, opt.rounds);
	for (i = 0; i < n; i++)
		zp_print_row(&rows[i]);
	if (opt.all && zp_print_targets(rows, n) && opt.gate)
		failures++;
	return failures ? 1 : 0;
}

static int run_one(void)
{
	static struct zp_row row;
	static char title[80];
	enum zp_impl_id id;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].test == opt.test)
			break;
	row = table[i];
	row.size = opt.size;
	row.batch = opt.test == &zp_thr || opt.test == &zp_fanout ?
		    opt.batch : 1;
	row.one = opt.one;
	/* Bigger messages, fewer of them */
	for (id = 0; id < ZP_NIMPL; id++)
		if (row.size > table[i].size && row.count[id] > 400)
			row.count[id] = 400;
	snprintf(title, sizeof(title), "%s %zu B, %s", row.test->name,
		 row.size, row.test->unit);
	row.title = title;
	return run_rows(&row, 1);
}

int main(int argc, char **argv)
{
	sigset_t set;

	parse(argc, argv);
	raise_limits();
	/* Ends of children are waited for, see zmqperf_pair.c */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	probe();

	return opt.all ? run_rows(table, ARRAY_SIZE(table)) : run_one();
}
