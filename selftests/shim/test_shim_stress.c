// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 */
/*
 * Dense traffic: order, sizes and frames survive it, and what a library may have
 * fetched ahead is seen by everything that can see messages.
 */
#include "kselftest_harness.h"
#include "shim.h"

static const char *const transports[] = { "tcp", "ipc", "inproc" };

struct flow {
	void *s;
	int n;
	unsigned int seed;
};

static unsigned int next(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

/* mostly small, sometimes none at all, now and then up to 1 MiB */
static size_t a_size(unsigned int *seed)
{
	unsigned int r = next(seed) % 1000;

	if (r < 100)
		return 0;
	if (r < 700)
		return next(seed) % 64;
	if (r < 950)
		return next(seed) % 2000;
	if (r < 995)
		return next(seed) % 70000;
	return next(seed) % ((1 << 20) + 1);
}

static int frames(unsigned int *seed)
{
	return next(seed) % 4 ? 1 : 1 + next(seed) % 7;
}

static int send_flow(void *arg)
{
	struct flow *f = arg;
	unsigned int seed = f->seed;
	int i, k, n;

	for (i = 0; i < f->n; i++) {
		n = frames(&seed);
		for (k = 0; k < n; k++)
			xsend_size(f->s, a_size(&seed), i + k,
				   k < n - 1 ? ZMQ_SNDMORE : 0);
	}
	return f->n;
}

/* one frame by one of the ways there are */
static bool take(void *s, int how, size_t len, unsigned int seed, bool more)
{
	static char buf[(1 << 20) + 64];
	struct iovec iov = { };
	size_t n = 1, got;
	zmq_msg_t m;
	bool ok;

	switch (how % 4) {
	case 0:
		got = zmq_recv(s, buf, sizeof(buf), 0);
		ok = got == len && filled(buf, len, seed);
		break;
	case 1:
		zmq_msg_init(&m);
		got = zmq_msg_recv(&m, s, 0);
		ok = got == len && filled(zmq_msg_data(&m), len, seed) &&
			zmq_msg_more(&m) == more;
		zmq_msg_close(&m);
		break;
	case 2:
		got = zmq_recviov(s, &iov, &n, 0) == 1 ? iov.iov_len : -1;
		ok = got == len && filled(iov.iov_base, len, seed);
		free(iov.iov_base);
		break;
	default:	/* truncated */
		got = zmq_recv(s, buf, len / 2, 0);
		ok = got == len && filled(buf, len / 2, seed);
		break;
	}
	ok = ok && zget(s, ZMQ_RCVMORE) == more;
	if (!ok)
		fprintf(stderr, "# way %d: %zd octets, not %zu; more %d, not %d\n",
			how % 4, (ssize_t)got, len, zget(s, ZMQ_RCVMORE), more);
	return ok;
}

static void check_flow(struct __test_metadata *_metadata, void *s, struct flow *f)
{
	unsigned int seed = f->seed;
	int i, k, n, how = 0;

	for (i = 0; i < f->n; i++) {
		n = frames(&seed);
		for (k = 0; k < n; k++) {
			ASSERT_TRUE(take(s, how++, a_size(&seed), i + k, k < n - 1)) {
				TH_LOG("message %d, frame %d of %d", i, k, n);
			}
		}
	}
}

static void mixed(struct __test_metadata *_metadata, const char *transport,
		  int from, int to)
{
	struct flow f = { .n = z_less(3000), .seed = 17 };
	void *ctx = xctx(), *s[2];
	struct job j;

	xpair(ctx, transport, to, from, s);
	f.s = s[1];
	xjob(&j, send_flow, &f);
	check_flow(_metadata, s[0], &f);
	xjob_end(&j);
	EXPECT_EQ(f.n, j.rc);
	EXPECT_EQ(0, zget(s[0], ZMQ_EVENTS) & ZMQ_POLLIN);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(mixed_sizes_tcp)
{
	mixed(_metadata, "tcp", ZMQ_PUSH, ZMQ_PULL);
}

TEST(mixed_sizes_ipc)
{
	mixed(_metadata, "ipc", ZMQ_PAIR, ZMQ_PAIR);
}

TEST(mixed_sizes_inproc)
{
	mixed(_metadata, "inproc", ZMQ_DEALER, ZMQ_DEALER);
}

static int send_small(void *arg)
{
	struct flow *f = arg;
	int i;

	for (i = 0; i < f->n; i++)
		if (zmq_send(f->s, &i, sizeof(i), 0) != sizeof(i))
			return -errno;
	return f->n;
}

/* poll and receive in turn; who polls with messages at hand is told at once */
static void polled(struct __test_metadata *_metadata, const char *transport)
{
	struct flow f = { .n = z_less(20000) };
	void *ctx = xctx(), *s[2];
	int i, val, in = 0;
	struct job j;

	xpair(ctx, transport, ZMQ_PULL, ZMQ_PUSH, s);
	f.s = s[1];
	xjob(&j, send_small, &f);
	for (i = 0; i < f.n; i++) {
		if (i % 5 == 0)
			ASSERT_TRUE(z_ready(s[0], ZMQ_POLLIN));
		if (i % 7 == 0)
			in += zget(s[0], ZMQ_EVENTS) & ZMQ_POLLIN;
		ASSERT_EQ(4, zmq_recv(s[0], &val, 4, 0)) {
			TH_LOG("%d %s", i, zmq_strerror(errno));
		}
		ASSERT_EQ(i, val);
		/* nothing is read twice, and nothing stays behind unseen */
		if (i % 11 == 0)
			EXPECT_EQ(0, zget(s[0], ZMQ_RCVMORE));
	}
	EXPECT_LT(0, in);
	EXPECT_EQ(0, z_poll1(s[0], ZMQ_POLLIN, 0));
	xjob_end(&j);
	EXPECT_EQ(f.n, j.rc);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(polled_between)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(transports); i++)
		polled(_metadata, transports[i]);
}

/*
 * A burst, half of it read at once, so that the rest may have been fetched; then
 * all that can tell of messages has to.
 */
TEST(the_rest_is_seen)
{
	size_t t;
	int i, val, n;

	for (t = 0; t < ARRAY_SIZE(transports); t++) {
		void *ctx = xctx(), *s[2];

		xpair(ctx, transports[t], ZMQ_PULL, ZMQ_PUSH, s);
		for (n = 1; n < 600; n = n * 2 + 1) {
			for (i = 0; i < n; i++)
				ASSERT_EQ(4, zmq_send(s[1], &i, 4, 0));
			for (i = 0; i < n; i++) {
				ASSERT_EQ(ZMQ_POLLIN, z_poll1(s[0], ZMQ_POLLIN,
							      z_ms(Z_WAIT_MS)));
				ASSERT_EQ(ZMQ_POLLIN, zget(s[0], ZMQ_EVENTS));
				ASSERT_EQ(4, zmq_recv(s[0], &val, 4, ZMQ_DONTWAIT));
				ASSERT_EQ(i, val);
			}
			EXPECT_EQ(0, zget(s[0], ZMQ_EVENTS));
			EXPECT_ERR(EAGAIN, zmq_recv(s[0], &val, 4, ZMQ_DONTWAIT));
		}
		xclose(s[0]);
		xclose(s[1]);
		xterm(ctx);
	}
}

/* options that are set in the middle of a burst count from then on */
TEST(options_in_the_middle)
{
	void *ctx = xctx(), *s[2];
	int i, val;

	xpair(ctx, "tcp", ZMQ_DEALER, ZMQ_DEALER, s);
	for (i = 0; i < 200; i++)
		ASSERT_EQ(4, zmq_send(s[1], &i, 4, 0));
	for (i = 0; i < 200; i++) {
		if (i % 20 == 0)
			xset(s[0], ZMQ_RCVTIMEO, z_ms(Z_WAIT_MS) + i);
		if (i == 50)
			xset(s[0], ZMQ_RCVHWM, 10);
		ASSERT_EQ(4, zmq_recv(s[0], &val, 4, 0));
		ASSERT_EQ(i, val);
		/* the other direction goes on */
		ASSERT_EQ(4, zmq_send(s[0], &i, 4, 0));
	}
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(4, zmq_recv(s[1], &val, 4, 0));
		ASSERT_EQ(i, val);
	}
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

/* what peers of one socket send keeps its order, each for itself */
TEST(many_senders)
{
	enum { PEERS = 6 };
	const int each = z_less(1500);
	void *ctx = xctx(), *router = xsock(ctx, ZMQ_ROUTER), *d[PEERS];
	struct flow f[PEERS];
	struct job j[PEERS];
	int last[PEERS], i, k, val;
	char ep[EP_LEN], id[8];

	xbind_any(router, "tcp", ep);
	for (i = 0; i < PEERS; i++) {
		char name[2] = { 'a' + i };

		last[i] = -1;
		d[i] = xsock(ctx, ZMQ_DEALER);
		xset_text(d[i], ZMQ_ROUTING_ID, name);
		xconnect(d[i], ep);
		f[i] = (struct flow){ .s = d[i], .n = each };
		xjob(&j[i], send_small, &f[i]);
	}
	for (k = 0; k < PEERS * each; k++) {
		ASSERT_EQ(1, zmq_recv(router, id, sizeof(id), 0));
		ASSERT_EQ(1, zget(router, ZMQ_RCVMORE));
		ASSERT_EQ(4, zmq_recv(router, &val, 4, 0));
		ASSERT_EQ(0, zget(router, ZMQ_RCVMORE));
		i = id[0] - 'a';
		ASSERT_TRUE(i >= 0 && i < PEERS);
		ASSERT_EQ(last[i] + 1, val);
		last[i] = val;
	}
	for (i = 0; i < PEERS; i++) {
		xjob_end(&j[i]);
		EXPECT_EQ(each, j[i].rc);
		xclose(d[i]);
	}
	xclose(router);
	xterm(ctx);
}

/* requests in turn, which nothing may fetch ahead */
TEST(round_trips)
{
	size_t t;
	int i;

	for (t = 0; t < ARRAY_SIZE(transports); t++) {
		void *ctx = xctx(), *s[2];

		xpair(ctx, transports[t], ZMQ_REP, ZMQ_REQ, s);
		for (i = 0; i < 1000; i++) {
			xsend_size(s[1], i % 100, i, 0);
			ASSERT_TRUE(z_recv_size(s[0], i % 100, i));
			xsend_size(s[0], i % 50, i + 1, 0);
			ASSERT_TRUE(z_recv_size(s[1], i % 50, i + 1));
		}
		xclose(s[0]);
		xclose(s[1]);
		xterm(ctx);
	}
}

/* the subscriber unsubscribes in a burst; the rest of it may still come, then none */
TEST(unsubscribed_in_a_burst)
{
	void *ctx = xctx(), *s[2];
	int i, n = 0;
	char buf[8];

	xpair(ctx, "tcp", ZMQ_XPUB, ZMQ_SUB, s);
	xset_text(s[1], ZMQ_SUBSCRIBE, "a");
	xset_text(s[1], ZMQ_SUBSCRIBE, "end");
	EXPECT_GOT(s[0], "\1a");
	EXPECT_GOT(s[0], "\1end");
	for (i = 0; i < 500; i++)
		xsends(s[0], "a", 0);
	for (i = 0; i < 100; i++)
		EXPECT_GOT(s[1], "a");
	EXPECT_OK(zmq_setsockopt(s[1], ZMQ_UNSUBSCRIBE, "a", 1));
	EXPECT_EQ(2, zmq_recv(s[0], NULL, 0, 0));
	xsends(s[0], "a", 0);
	xsends(s[0], "end", 0);
	do {
		i = zmq_recv(s[1], buf, sizeof(buf), 0);
		ASSERT_LT(0, i);
	} while (i == 1 && ++n < 500);
	EXPECT_EQ(3, i);
	EXPECT_GE(400, n);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

/* closing and ending with a burst half read */
TEST(closed_in_a_burst)
{
	size_t t;
	int i, k;

	for (t = 0; t < ARRAY_SIZE(transports); t++) {
		for (k = 1; k < 200; k += 40) {
			void *ctx = xctx(), *s[2];

			xpair(ctx, transports[t], ZMQ_PULL, ZMQ_PUSH, s);
			for (i = 0; i < 300; i++)
				xsendv(s[1], "two", "frames", NULL);
			for (i = 0; i < k; i++)
				EXPECT_EQ(3 + i % 2 * 3, zmq_recv(s[0], NULL, 0, 0));
			xclose(s[0]);
			xclose(s[1]);
			xterm(ctx);
		}
	}
}

/* each message knows who sent it, however many came at once */
TEST(properties_in_a_burst)
{
	enum { PEERS = 3, EACH = 400 };
	void *ctx = xctx(), *all = xsock(ctx, ZMQ_DEALER), *one[PEERS];
	const char *name;
	char ep[EP_LEN];
	zmq_msg_t m;
	int i, k;

	xbind_any(all, "tcp", ep);
	for (i = 0; i < PEERS; i++) {
		char id[2] = { 'a' + i };

		one[i] = xsock(ctx, ZMQ_DEALER);
		xset_text(one[i], ZMQ_ROUTING_ID, id);
		xconnect(one[i], ep);
	}
	for (k = 0; k < EACH; k++)
		for (i = 0; i < PEERS; i++)
			xsend_size(one[i], k % 100 + 1, 'a' + i, 0);
	zmq_msg_init(&m);
	for (k = 0; k < PEERS * EACH; k++) {
		ASSERT_LT(0, zmq_msg_recv(&m, all, 0));
		if (k % 3 == 1)
			continue;
		name = zmq_msg_gets(&m, "Identity");
		ASSERT_NE(NULL, name);
		ASSERT_EQ(*(char *)zmq_msg_data(&m), name[0]) {
			TH_LOG("message %d", k);
		}
		ASSERT_STREQ("DEALER", zmq_msg_gets(&m, "Socket-Type"));
	}
	zmq_msg_close(&m);
	for (i = 0; i < PEERS; i++)
		xclose(one[i]);
	xclose(all);
	xterm(ctx);
}

TEST(many_sockets)
{
	enum { N = 200 };
	static void *s[N][2];
	static zmq_pollitem_t p[N];
	void *ctx = xctx();
	int i, k, n;

	for (i = 0; i < N; i++) {
		xpair(ctx, "inproc", ZMQ_PAIR, ZMQ_PAIR, s[i]);
		p[i] = (zmq_pollitem_t){ .socket = s[i][0], .events = ZMQ_POLLIN };
	}
	for (k = 0; k < 5; k++) {
		EXPECT_EQ(0, zmq_poll(p, N, 0));
		for (i = k; i < N; i += k + 1)
			xsends(s[i][1], "x", 0);
		for (i = k, n = 0; i < N; i += k + 1, n++)
			ASSERT_TRUE(z_ready(s[i][0], ZMQ_POLLIN));
		EXPECT_EQ(n, zmq_poll(p, N, -1));
		for (i = 0; i < N; i++)
			if (p[i].revents)
				EXPECT_GOT(s[i][0], "x");
	}
	for (i = 0; i < N; i++) {
		xclose(s[i][0]);
		xclose(s[i][1]);
	}
	xterm(ctx);
}

static bool at_end(void *s)
{
	char c;

	while (zmq_recv(s, &c, 1, ZMQ_DONTWAIT) >= 0)
		;
	return zmq_errno() == ETERM;
}

TEST(ended_in_a_burst)
{
	void *ctx = xctx(), *s[2];
	int i;
	char c;

	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	for (i = 0; i < 300; i++)
		xsends(s[1], "x", 0);
	for (i = 0; i < 100; i++)
		EXPECT_GOT(s[0], "x");
	EXPECT_OK(zmq_ctx_shutdown(ctx));
	if (z_ours())
		EXPECT_ERR(ETERM, zmq_recv(s[0], &c, 1, 0));
	EXPECT_TRUE(z_until(Z_WAIT_MS, at_end, s[0]));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
