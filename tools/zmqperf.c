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
	[ZP_SHIM] = &zp_shim,
};

static const struct zp_test *const tests[] = {
	&zp_lat, &zp_thr, &zp_conn, &zp_fanout, &zp_idle, &zp_wait, &zp_ring,
	&zp_cipher, &zp_agree,
};

static const char *const transports[ZP_NTRANSPORT] = { "tcp", "ipc", "inproc" };
static const char *const callings[ZP_NCALLS] = {
	"cheap", "buf", "msg", "epoll", "uring", "uring-many"
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
	int curve;
	int counting;
	enum zp_transport transport;
	enum zp_calls calls;
	const struct zp_test *test;
} opt = {
	.rounds = 5,
	.use = { 1, 1, 1, 1 },
	.size = 64,
	.batch = 1,
	.subs = 8,
	.timeout = 120,
};

static int failures;
static char left_out[ZP_NIMPL][200];	/* why, of those that are */
static const char *uring_why;		/* not by io_uring */
static const char *cipher_why;		/* not the cipher alone */

static void print_usage(FILE *f)
{
	fprintf(f,
		"zmqperf --all [--gate] [options]\n"
		"zmqperf lat|thr|connect|fanout|idle|wait|ring|cipher|agree [options]\n"
		"options:\n"
		"  --impl LIST   of raw,libzmq,afzmq,shim; default all\n"
		"  --shim PATH   our libzmq.so.5, else the one beside this program\n"
		"  --transport T tcp, ipc or inproc; default tcp\n"
		"  --calls C     of a library: cheap, buf or msg; default cheap\n"
		"                wait, ring: cheap, epoll, uring, uring-many\n"
		"  --syscalls    count system calls and context switches as well\n"
		"  --rounds N    interleaved repeats, default 5\n"
		"  --size N      octets of a message, default 64\n"
		"  --count N     round trips, messages, connections, deliveries\n"
		"  --batch N     messages per call (AF_ZMQ), default 1\n"
		"  --subs N      subscribers of a fan-out, default 8; sockets to wait for\n"
		"  --curve       connections speak CURVE\n"
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

static unsigned int parse_name(const char *text, const char *const *names,
			       unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!strcmp(text, names[i]))
			return i;
	fprintf(stderr, "zmqperf: what is '%s'?\n", text);
	exit(EXIT_USAGE);
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
	{ "curve", no_argument, &opt.curve, 1 },
	{ "syscalls", no_argument, &opt.counting, 1 },
	{ "shim", required_argument, NULL, 'p' },
	{ "transport", required_argument, NULL, 'x' },
	{ "calls", required_argument, NULL, 'k' },
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
	case 'p':
		zp_shim_path = optarg;
		break;
	case 'x':
		opt.transport = parse_name(optarg, transports, ZP_NTRANSPORT);
		break;
	case 'k':
		opt.calls = parse_name(optarg, callings, ZP_NCALLS);
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
	if (opt.transport != ZP_TCP && opt.test != &zp_lat &&
	    opt.test != &zp_thr) {
		fprintf(stderr, "zmqperf: only lat and thr know other transports\n");
		exit(EXIT_USAGE);
	}
	if (opt.test == &zp_ring && opt.calls < ZP_URING)
		opt.calls = ZP_URING;
	if (opt.calls > ZP_MSG && opt.test != &zp_wait && opt.test != &zp_ring) {
		fprintf(stderr, "zmqperf: only wait and ring have such calls\n");
		exit(EXIT_USAGE);
	}
	if (opt.counting && !opt.all && opt.test != &zp_lat &&
	    opt.test != &zp_thr) {
		fprintf(stderr, "zmqperf: only lat and thr count calls\n");
		exit(EXIT_USAGE);
	}
}

/* Drop what cannot be measured here, and say why */
static void probe(void)
{
	unsigned int i, left = 0;
	const char *why;

	for (i = 0; i < ZP_NIMPL; i++) {
		if (!opt.use[i])
			continue;
		why = zp_impls[i]->probe();
		if (!why) {
			left++;
			continue;
		}
		snprintf(left_out[i], sizeof(left_out[i]), "%s", why);
		fprintf(stderr, "zmqperf: %s left out: %s\n",
			zp_impls[i]->name, why);
		opt.use[i] = 0;
	}
	if (!left)
		exit(EXIT_SKIP);
	uring_why = zp_uring_probe();
	if (uring_why && (opt.all || opt.calls >= ZP_URING))
		fprintf(stderr, "zmqperf: no rows by io_uring: %s\n", uring_why);
	cipher_why = zp_cipher_probe();
	if (cipher_why)
		fprintf(stderr, "zmqperf: no rows of the cipher alone: %s\n",
			cipher_why);
	why = zp_count_probe();
	if (why && opt.counting)
		fprintf(stderr, "zmqperf: system calls are not counted: %s\n",
			why);
	if (why)
		opt.counting = 0;
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
	if (row->calls >= ZP_URING && uring_why)
		return 0;
	if (row->test == &zp_wait || row->test == &zp_ring)
		return id == ZP_AFZMQ;
	if (row->test == &zp_cipher || row->test == &zp_agree)
		return id == ZP_RAW && !cipher_why;
	return id != ZP_RAW || (!row->one && !row->curve &&
				row->transport != ZP_INPROC);
}

static int run_pair(const struct zp_row *row, enum zp_impl_id id, int counting,
		    struct zp_shared *shared)
{
	struct zp_run run = {
		.impl = zp_impls[id],
		.transport = row->transport,
		.calls = row->calls,
		.size = row->size,
		.count = opt.count ? opt.count : row->count[id],
		.batch = row->batch,
		.subs = row->subs ? row->subs : opt.subs,
		.one = row->one,
		.curve = row->curve,
		.timeout = opt.timeout,
		.counting = counting,
		.shared = shared,
	};

	if (row->test == &zp_fanout)	/* whole messages to everybody */
		run.count = (run.count + run.subs - 1) / run.subs * run.subs;
	run.warm = run.count / 8 + run.subs;

	if (!opt.quiet)
		fprintf(stderr, "%-38s %-7s", row->title, run.impl->name);
	if (!zp_run_pair(row->test, &run))
		return 0;
	fprintf(stderr, "%szmqperf: %s %s: %s\n", opt.quiet ? "" : "\n",
		run.impl->name, row->test->name, shared->error);
	failures++;
	return -1;
}

static void measure(struct zp_row *row, enum zp_impl_id id,
		    struct zp_shared *shared)
{
	double v;

	if (run_pair(row, id, 0, shared))
		return;
	if (row->test == &zp_idle)
		v = zp_idle_bytes(shared, opt.icount);
	else
		v = (double)(shared->t1 - shared->t0) / shared->units;
	if (!opt.quiet)
		fprintf(stderr, " %12.0f\n", v);
	row->idle[id] = *shared;
	row->value[id][row->n[id]++] = v;
}

/* Counting costs time, so it is not done while that is measured */
static void count_calls(struct zp_row *row, enum zp_impl_id id,
			struct zp_shared *shared)
{
	double units;

	if (run_pair(row, id, 1, shared))
		return;
	units = shared->units;
	row->ncalls[id] = (shared->calls[0] + shared->calls[1]) / units;
	row->ncsw[id] = (shared->csw[0] + shared->csw[1]) / units;
	if (!opt.quiet)
		fprintf(stderr, " %8.2f calls %8.2f switches\n",
			row->ncalls[id], row->ncsw[id]);
}

static void run_round(struct zp_row *rows, unsigned int n, int idle,
		      unsigned int round, struct zp_shared *shared)
{
	enum zp_impl_id id;
	unsigned int i;

	for (i = 0; i < n; i++) {
		int is_idle = rows[i].test == &zp_idle;

		if (is_idle != idle ||
		    (rows[i].rounds && round >= rows[i].rounds))
			continue;
		for (id = 0; id < ZP_NIMPL; id++)
			if (measurable(&rows[i], id))
				measure(&rows[i], id, shared);
	}
}

static void count_round(struct zp_row *rows, unsigned int n,
			struct zp_shared *shared)
{
	enum zp_impl_id id;
	unsigned int i;

	for (i = 0; i < n; i++)
		for (id = 0; id < ZP_NIMPL; id++) {
			rows[i].ncalls[id] = -1;
			rows[i].ncsw[id] = -1;
			if (opt.counting && rows[i].counted &&
			    measurable(&rows[i], id))
				count_calls(&rows[i], id, shared);
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
	run_round(rows, n, 1, 0, shared);
	for (i = 0; i < opt.rounds; i++)
		run_round(rows, n, 0, i, shared);
	fill_batch_rows(rows, n);
	count_round(rows, n, shared);

	zp_print_header(opt.icount, opt.rounds);
	for (i = 0; i < ZP_NIMPL; i++)
		if (left_out[i][0])
			printf("(%s left out: %s)\n", zp_impls[i]->name,
			       left_out[i]);
	for (i = 0; i < n; i++)
		zp_print_row(&rows[i]);
	if (opt.counting)
		zp_print_counts(rows, n);
	if (opt.all && zp_print_targets(rows, n) && opt.gate)
		failures++;
	return failures ? 1 : 0;
}

static int run_one(void)
{
	static struct zp_row row;
	static char title[80];
	enum zp_impl_id id;
	size_t usual;

	zp_one_row(&row, opt.test);
	usual = row.size;
	row.size = opt.size;
	row.batch = opt.test == &zp_thr || opt.test == &zp_fanout ||
		    opt.test == &zp_ring ? opt.batch : 1;
	row.subs = 0;
	row.one = opt.one;
	row.curve = opt.curve;
	row.transport = opt.transport;
	row.calls = opt.calls;
	row.counted = 1;
	/* Bigger messages, fewer of them */
	for (id = 0; id < ZP_NIMPL; id++)
		if (row.size > usual && row.count[id] > 400)
			row.count[id] = 400;
	snprintf(title, sizeof(title), "%s %s %zu B, %s", row.test->name,
		 transports[row.transport], row.size, row.test->unit);
	row.title = title;
	return run_rows(&row, 1);
}

int main(int argc, char **argv)
{
	struct zp_row *rows;
	unsigned int n;
	sigset_t set;

	parse(argc, argv);
	if (opt.all)
		opt.counting = 1;
	raise_limits();
	/* Ends of children are waited for, see zmqperf_pair.c */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	probe();

	if (!opt.all)
		return run_one();
	rows = zp_all_rows(&n);
	return run_rows(rows, n);
}
