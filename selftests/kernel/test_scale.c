// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 600 */
/* VM_MEM: 4G */
/*
 * Many connections on one socket and many sockets: how much memory an idle one
 * takes, how long it takes to make and to end them all, and that they work.
 * ZMQ_COUNT chooses how many.
 */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/resource.h>

#define CONNS		10000		/* of the ROUTER */
#define SOCKS		1000
#define SOME		2000		/* where all is alike but the pattern */
#define SLOW_CONNS	250		/* likewise in kernels that are slow */
#define SLOW_SOCKS	50
#define BATCH		200		/* handshakes at a time */
#define PER_ADDR	5000		/* connections to one address */

/* octets in a cache that are worth to be asked for */
#define SHRINK_FROM	(64 * 1024)

/* kilobytes that one end of an idle connection may take beyond TCP's */
#define END_KB		8
/* likewise both ends with all TCP has, and a socket of its own for one */
#define CONN_KB		24

/* kilobytes in objects of slab caches, and free memory of the machine */
struct mem {
	double slab, free;
};

static long field(const char *path, const char *name)
{
	FILE *f = fopen(path, "r");
	char line[256];
	long val = -1;

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			val = atol(line + strlen(name));
	fclose(f);
	KZ_CHECK(val >= 0);
	return val;
}

/*
 * How often TCP of this namespace sent something again: the queue of a CPU for
 * what comes over loopback is short, and drops what many threads send at once.
 */
static long resent(void)
{
	FILE *f = fopen("/proc/net/snmp", "r");
	char line[512];
	long val = -1;

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Tcp: %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %ld",
			   &val) == 1)
			break;
	fclose(f);
	KZ_CHECK(val >= 0);
	return val;
}

static int how_many(int most, int slow)
{
	const char *s = getenv("ZMQ_COUNT");

	if (s && atoi(s) > 0)
		return atoi(s);
	return kz_slow() > 1 ? slow : most;
}

/* each end of a connection needs a descriptor here */
static void many_files(int n)
{
	struct rlimit lim = { .rlim_cur = n, .rlim_max = n };

	getrlimit(RLIMIT_NOFILE, &lim);
	if ((int)lim.rlim_cur < n) {
		lim.rlim_cur = n;
		if ((int)lim.rlim_max < n)
			lim.rlim_max = n;
		if (setrlimit(RLIMIT_NOFILE, &lim))
			KZ_DIE("%d files", n);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fprintf(f, "%s\n", text) < 0 || fclose(f))
		KZ_DIE("%s", path);
}

/*
 * Let the caches of slabs give back what they keep: then the kernel's count of
 * objects in use is exact, whatever was there and freed before. That is slow with
 * KASAN, so the small ones, which cannot keep much, are left alone.
 */
static void shrink_slabs(void)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	char line[512], name[64], path[128];
	unsigned long objs, size;
	int fd;

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %*u %lu %lu", name, &objs, &size) != 3 ||
		    objs * size < SHRINK_FROM)
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		/* a cache may go at any time */
		if (fd >= 0 && write(fd, "1", 1) < 0 && errno != ENODEV)
			KZ_DIE("%s", path);
		if (fd >= 0)
			close(fd);
	}
	fclose(f);
}

/* Hundreds of kernel threads come with much work, and stay for minutes. */
static bool of_tasks(const char *cache)
{
	return !strncmp(cache, "task_struct ", 12) ||
	       !strncmp(cache, "signal_cache ", 13) ||
	       !strncmp(cache, "sighand_cache ", 14);
}

static double slab_kb(void)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	unsigned long objs, size;
	char line[512];
	double sum = 0;

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!of_tasks(line) &&
		    sscanf(line, "%*s %lu %*u %lu", &objs, &size) == 2)
			sum += (double)objs * size / 1024;
	fclose(f);
	KZ_CHECK(sum > 0);
	return sum;
}

/* What was freed is there for a while yet: until two readings are alike. */
static struct mem mem_now(void)
{
	struct timespec ts = { .tv_nsec = 50000000 };
	struct mem m = { 0, 0 };
	double last;
	int i;

	write_file("/proc/sys/vm/drop_caches", "3");
	for (i = 0; i < 60; i++) {
		shrink_slabs();
		/* the files it opened wait for RCU */
		nanosleep(&ts, NULL);
		last = m.slab;
		m.slab = slab_kb();
		if (m.slab > last - 64 && m.slab < last + 64)
			break;
	}
	if (i == 60)
		printf("# memory is not at rest\n");
	m.free = field("/proc/meminfo", "MemFree:");
	return m;
}

/*
 * As wait_peers(). To count the peers, the kernel walks over all of them with
 * a lock held that they need to come and go; so look now and then only.
 */
static bool wait_many(int fd, unsigned int n, int ms)
{
	struct timespec ts = { .tv_nsec = 50000000 };
	long long end = kz_now_ms() + kz_ms(ms);
	struct zmq_stats st;

	for (;;) {
		xstats(fd, &st);
		if (st.peers == n)
			return true;
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %u peers, not %u\n", st.peers, n);
			return false;
		}
		nanosleep(&ts, NULL);
	}
}

static void prepare(int files)
{
	own_netns();
	many_files(files + 200);
	write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0");
	write_file("/proc/sys/net/core/somaxconn", "4096");
}

static void resolve(struct sockaddr_in *sin, int port, int no)
{
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK + no / PER_ADDR);
}

static int tcp_listen(int *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(sin);

	KZ_CHECK(fd >= 0);
	KZ_CHECK(!bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	KZ_CHECK(!listen(fd, 4096));
	KZ_CHECK(!getsockname(fd, (struct sockaddr *)&sin, &len));
	*port = ntohs(sin.sin_port);
	return fd;
}

static int tcp_connect(int port, int no)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in sin;

	KZ_CHECK(fd >= 0);
	resolve(&sin, port, no);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)))
		KZ_DIE("connection %d", no);
	return fd;
}

static void end_all(int *fd, int n)
{
	int i;

	for (i = 0; i < n; i++)
		xclose(fd[i]);
}

/* Kilobytes each. */
static double say(const char *what, int n, const struct mem *before,
		  const struct mem *after, long long ms)
{
	double each = (after->slab - before->slab) / n;

	printf("# %s: %d in %lld ms; each %.2f KiB of slabs; free memory %.2f less\n",
	       what, n, ms, each, (before->free - after->free) / n);
	return each;
}

/* All is gone again. False when much is kept. */
static bool given_back(const char *what, const struct mem *before,
		       const struct mem *full)
{
	long long end = kz_now_ms() + kz_ms(2 * KZ_WAIT_MS);
	double taken = full->slab - before->slab, kept;

	do
		kept = mem_now().slab - before->slab;
	while (kept > taken / 20 + 128 && kz_now_ms() < end);
	printf("# %s: %.0f of %.0f KiB are kept\n", what, kept, taken);
	return kept < taken / 10 + 512;
}

/* Kilobytes of two bare TCP sockets with a file each, connected. */
static double tcp_pair_kb(int n)
{
	int *fd = calloc(2 * n, sizeof(*fd)), port, listener, i;
	struct mem before, after;
	long long start;
	double each;

	KZ_CHECK(fd);
	listener = tcp_listen(&port);
	before = mem_now();
	start = kz_now_ms();
	for (i = 0; i < n; i++) {
		fd[2 * i] = tcp_connect(port, i);
		fd[2 * i + 1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		KZ_CHECK(fd[2 * i + 1] >= 0);
	}
	start = kz_now_ms() - start;
	after = mem_now();
	each = say("pairs of TCP sockets", n, &before, &after, start);
	start = kz_now_ms();
	for (i = 0; i < n; i++)
		xclose(fd[2 * i + 1]);
	for (i = 0; i < n; i++)
		KZ_CHECK(raw_closed(fd[2 * i]));
	printf("# close() of one end of each, all peers knew: %lld ms\n",
	       kz_now_ms() - start);
	for (i = 0; i < n; i++)
		xclose(fd[2 * i]);
	xclose(listener);
	free(fd);
	KZ_CHECK(given_back("pairs of TCP sockets", &before, &after));
	return each;
}

/* A socket bound to all addresses, so that ports suffice. */
static int bound_socket(int type, int *port)
{
	int fd = xsocket(type);
	char ep[EP_LEN];
	socklen_t len = EP_LEN;

	xset(fd, ZMQ_BACKLOG, 4096);
	xset(fd, ZMQ_HANDSHAKE_IVL, 0);
	xbind(fd, "tcp://0.0.0.0:*");
	KZ_CHECK(!getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	*port = ep_port(ep);
	return fd;
}

static void raw_hello(int fd, const char *type, int no)
{
	char id[16];

	snprintf(id, sizeof(id), "%06d", no);
	raw_greeting(fd, 1);
	raw_ready(fd, type, id, 6);
}

static void raw_welcome(int fd)
{
	char buf[64];
	struct raw_frame f;

	KZ_CHECK(recv(fd, buf, 64, MSG_WAITALL) == 64);
	KZ_CHECK(raw_read_frame(fd, &f) && f.flags == 4);
}

/* Raw peers of one socket; their ids are their numbers. */
static void raw_peers(int *fd, int n, int port, const char *type)
{
	int i, j;

	for (i = 0; i < n; i = j) {
		for (j = i; j < n && j < i + BATCH; j++) {
			fd[j] = tcp_connect(port, j);
			raw_hello(fd[j], type, j);
		}
		for (j = i; j < n && j < i + BATCH; j++)
			raw_welcome(fd[j]);
	}
}

static bool raw_got(int fd, const char *text)
{
	struct raw_frame f;

	return raw_read_frame(fd, &f) && !f.flags && f.size == strlen(text) &&
	       !memcmp(f.body, text, f.size);
}

/* A message to each and one from each. */
static void talk_to_all(struct __test_metadata *_metadata, int router, int *fd,
			int n)
{
	unsigned char *seen = calloc(n, 1);
	long long start = kz_now_ms();
	int i, no, dealt = 0;
	char id[16];

	for (i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%06d", i);
		xsendv(router, id, "hello", NULL);
	}
	for (i = 0; i < n; i++)
		ASSERT_TRUE(raw_got(fd[i], "hello"));
	for (i = 0; i < n; i++)
		raw_write(fd[i], "\0\4here", 6);
	for (i = 0; i < n; i++) {
		memset(id, 0, sizeof(id));
		ASSERT_EQ(6, recv(router, id, 6, 0));
		no = atoi(id);
		ASSERT_TRUE(no >= 0 && no < n);
		dealt += !seen[no];
		seen[no] = 1;
		EXPECT_GOT(router, "here");
	}
	EXPECT_EQ(n, dealt);
	printf("# a message to each and from each: %lld ms\n",
	       kz_now_ms() - start);
	free(seen);
}

KZ_TEST_TIMEOUT(connections_of_a_router, 250)
{
	int n = how_many(CONNS, SLOW_CONNS), *fd = calloc(n, sizeof(*fd));
	int router, port, i;
	struct mem before, after;
	long long start, took;
	long again;
	double tcp, each;

	prepare(2 * n);
	tcp = tcp_pair_kb(n < SOME ? n : SOME);
	router = bound_socket(ZMQ_ROUTER, &port);
	before = mem_now();
	start = kz_now_ms();
	raw_peers(fd, n, port, "DEALER");
	ASSERT_TRUE(wait_many(router, n, 4 * KZ_WAIT_MS));
	took = kz_now_ms() - start;
	after = mem_now();
	each = say("connections of one ROUTER, with raw peers", n, &before,
		   &after, took);
	printf("# an idle connection: %.2f KiB, of which TCP %.2f, our end %.2f\n",
	       each, tcp, each - tcp);
	if (kz_slow() == 1)
		EXPECT_LT(each - tcp, END_KB);
	/* less than our own structures take is no measurement */
	EXPECT_GT(tcp, 2);
	EXPECT_GT(each - tcp, 0.5);
	talk_to_all(_metadata, router, fd, n);
	again = resent();
	start = kz_now_ms();
	xclose(router);
	took = kz_now_ms() - start;
	for (i = 0; i < n; i++)
		ASSERT_TRUE(raw_closed(fd[i]));
	printf("# close() of all: %lld ms, all peers knew after %lld ms\n", took,
	       kz_now_ms() - start);
	printf("# %ld segments were sent again\n", resent() - again);
	end_all(fd, n);
	free(fd);
	EXPECT_TRUE(given_back("connections", &before, &after));
	EXPECT_EQ(0, mib("MemBytes"));
}

KZ_TEST_TIMEOUT(subscribers, 250)
{
	int n = how_many(SOME, SLOW_CONNS), *fd = calloc(n, sizeof(*fd));
	int pub, port, i;
	long long start;

	prepare(n);
	pub = bound_socket(ZMQ_PUB, &port);
	raw_peers(fd, n, port, "SUB");
	start = kz_now_ms();
	for (i = 0; i < n; i++)
		raw_write(fd[i], "\0\2\1t", 4);
	/* a topic of its own tells when all before have been read */
	ASSERT_TRUE(wait_many(pub, n, 4 * KZ_WAIT_MS));
	xtopics(pub, 1);
	for (i = 0; i < n; i++)
		raw_write(fd[i], "\4\11\4PING\0\0ab", 11);
	for (i = 0; i < n; i++) {
		struct raw_frame f;

		ASSERT_TRUE(raw_read_frame(fd[i], &f) && f.flags == 4);
	}
	printf("# %d subscriptions and PINGs: %lld ms\n", n,
	       kz_now_ms() - start);
	start = kz_now_ms();
	for (i = 0; i < 3; i++)
		xsends(pub, "topic", 0);
	printf("# 3 messages sent to %d: %lld ms", n, kz_now_ms() - start);
	for (i = 0; i < 3 * n; i++)
		ASSERT_TRUE(raw_got(fd[i % n], "topic"));
	printf(", received %lld ms\n", kz_now_ms() - start);
	start = kz_now_ms();
	end_all(fd, n);
	ASSERT_TRUE(wait_many(pub, 0, 6 * KZ_WAIT_MS));
	EXPECT_EQ(0, zget(pub, ZMQ_TOPICS_COUNT));
	printf("# all peers left: %lld ms\n", kz_now_ms() - start);
	xclose(pub);
	free(fd);
}

/* One socket that made all of its connections itself. */
KZ_TEST_TIMEOUT(connects_of_a_dealer, 250)
{
	int n = how_many(SOME, SLOW_CONNS), router, dealer, port, i;
	long long start, half = 0;
	struct mem before, after;
	char ep[EP_LEN], buf[8];
	double each;
	long again;

	prepare(0);
	router = bound_socket(ZMQ_ROUTER, &port);
	dealer = xsocket(ZMQ_DEALER);
	xset(dealer, ZMQ_HANDSHAKE_IVL, 0);
	xset(router, ZMQ_RCVHWM, 0);
	before = mem_now();
	start = kz_now_ms();
	for (i = 0; i < n; i++) {
		if (i == n / 2)
			half = kz_now_ms() - start;
		snprintf(ep, sizeof(ep), "tcp://127.%d.%d.%d:%d", 1 + i / 60000,
			 i / 250 % 250, 1 + i % 250, port);
		xconnect(dealer, ep);
	}
	printf("# connect() %d times: %lld ms, the first half of them %lld ms\n",
	       n, kz_now_ms() - start, half);
	ASSERT_TRUE(wait_many(dealer, n, 8 * KZ_WAIT_MS));
	ASSERT_TRUE(wait_many(router, n, 8 * KZ_WAIT_MS));
	start = kz_now_ms() - start;
	after = mem_now();
	each = say("connections of one DEALER to one ROUTER", n, &before,
		   &after, start);
	if (kz_slow() == 1)
		EXPECT_LT(each, CONN_KB);
	start = kz_now_ms();
	for (i = 0; i < n; i++)
		xsends(dealer, "x", 0);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(5, recv(router, buf, 5, 0));
		ASSERT_EQ(1, recv(router, buf, 1, 0));
	}
	printf("# a message over each: %lld ms\n", kz_now_ms() - start);
	again = resent();
	start = kz_now_ms();
	xclose(dealer);
	printf("# close(): %lld ms", kz_now_ms() - start);
	ASSERT_TRUE(wait_many(router, 0, 6 * KZ_WAIT_MS));
	printf(", noticed after %lld ms, %ld segments sent again\n",
	       kz_now_ms() - start, resent() - again);
	xclose(router);
	EXPECT_TRUE(given_back("connections", &before, &after));
}

KZ_TEST_TIMEOUT(many_sockets, 250)
{
	int n = how_many(SOCKS, SLOW_SOCKS), *fd = calloc(n, sizeof(*fd));
	int router, port, i;
	struct mem before, after;
	long long start;
	char ep[EP_LEN], id[16];
	double each;

	prepare(n);
	router = bound_socket(ZMQ_ROUTER, &port);
	snprintf(ep, sizeof(ep), "tcp://127.0.0.1:%d", port);
	before = mem_now();
	start = kz_now_ms();
	for (i = 0; i < n; i++) {
		fd[i] = xsocket(ZMQ_DEALER);
		snprintf(id, sizeof(id), "%06d", i);
		xset_text(fd[i], ZMQ_ROUTING_ID, id);
		xconnect(fd[i], ep);
	}
	ASSERT_TRUE(wait_many(router, n, 4 * KZ_WAIT_MS));
	start = kz_now_ms() - start;
	after = mem_now();
	each = say("DEALER sockets connected to one ROUTER", n, &before, &after,
		   start);
	if (kz_slow() == 1)
		EXPECT_LT(each, CONN_KB);
	EXPECT_GT(each, 4);
	start = kz_now_ms();
	for (i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%06d", i);
		xsendv(router, id, "hello", NULL);
	}
	for (i = 0; i < n; i++) {
		EXPECT_GOT(fd[i], "hello");
		xsends(fd[i], "here", 0);
	}
	for (i = 0; i < n; i++) {
		ASSERT_EQ(6, recv(router, id, 6, 0));
		EXPECT_GOT(router, "here");
	}
	printf("# a message to each and from each: %lld ms\n",
	       kz_now_ms() - start);
	start = kz_now_ms();
	end_all(fd, n);
	printf("# close() of all: %lld ms", kz_now_ms() - start);
	ASSERT_TRUE(wait_many(router, 0, 4 * KZ_WAIT_MS));
	printf(", noticed after %lld ms\n", kz_now_ms() - start);
	xclose(router);
	free(fd);
	EXPECT_TRUE(given_back("sockets", &before, &after));
	EXPECT_EQ(0, mib("MemBytes"));
}

ZMQ_HARNESS_MAIN
