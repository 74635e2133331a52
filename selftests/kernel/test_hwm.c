// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 */
/* High- and low-water marks, byte limits, the memory ceiling, IMMEDIATE. */
#include "kselftest_harness.h"
#include "lib.h"

#define NOBODY	"tcp://127.0.0.1:9"

static int sends_until_full(int fd, size_t len, int max)
{
	static char buf[100000];
	int n = 0;

	while (n < max && send(fd, buf, len, MSG_DONTWAIT) == (ssize_t)len)
		n++;
	return n;
}

TEST(default_marks)
{
	int fd = xsocket(ZMQ_PUSH);

	EXPECT_EQ(1000, zget(fd, ZMQ_SNDHWM));
	EXPECT_EQ(1000, zget(fd, ZMQ_RCVHWM));
	xconnect(fd, NOBODY);
	EXPECT_EQ(1000, sends_until_full(fd, 1, 5000));
	EXPECT_EQ(EAGAIN, errno);
}

TEST(exact_count)
{
	static const int mark[] = { 1, 2, 3, 7, 64, 500, 1001 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mark); i++) {
		int fd = xsocket(ZMQ_PUSH);

		xset(fd, ZMQ_SNDHWM, mark[i]);
		xconnect(fd, NOBODY);
		EXPECT_EQ(mark[i], sends_until_full(fd, 1, 5000));
		xclose(fd);
	}
}

/* messages are counted, not frames */
TEST(frames_do_not_count)
{
	int fd = xsocket(ZMQ_PUSH), i;

	xset(fd, ZMQ_SNDHWM, 5);
	xconnect(fd, NOBODY);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(1, zsendv(fd, MSG_DONTWAIT, "a", "b", "c", NULL));
	EXPECT_ERR(EAGAIN, send(fd, "x", 1, MSG_DONTWAIT | MSG_MORE));
}

TEST(per_peer)
{
	int fd = xsocket(ZMQ_PUSH);

	xset(fd, ZMQ_SNDHWM, 10);
	xconnect(fd, NOBODY);
	xconnect(fd, "tcp://127.0.0.1:10");
	xconnect(fd, "tcp://127.0.0.1:11");
	EXPECT_EQ(30, sends_until_full(fd, 1, 100));
}

TEST(no_mark)
{
	int fd = xsocket(ZMQ_PUSH);

	xset(fd, ZMQ_SNDHWM, 0);
	xconnect(fd, NOBODY);
	EXPECT_EQ(5000, sends_until_full(fd, 1, 5000));
}

TEST(changed_on_the_way)
{
	int fd = xsocket(ZMQ_PUSH);

	xset(fd, ZMQ_SNDHWM, 3);
	xconnect(fd, NOBODY);
	EXPECT_EQ(3, sends_until_full(fd, 1, 100));
	xset(fd, ZMQ_SNDHWM, 8);
	EXPECT_EQ(5, sends_until_full(fd, 1, 100));
	xset(fd, ZMQ_SNDHWM, 2);
	EXPECT_EQ(0, sends_until_full(fd, 1, 100));
	xset(fd, ZMQ_SNDHWM, 0);
	EXPECT_EQ(50, sends_until_full(fd, 1, 50));
}

/* the reader's side: what it does not take stays in the network */
static int raw_pusher(int pull, int messages)
{
	char ep[EP_LEN], m[3] = { 0, 1, 0 };
	int raw, i;

	xbind_any(pull, ep);
	raw = raw_peer(ep, "PUSH", "PULL");
	for (i = 0; i < messages; i++) {
		m[2] = i;
		raw_write(raw, m, sizeof(m));
	}
	return raw;
}

static void take(struct __test_metadata *_metadata, int fd, int from, int n)
{
	unsigned char c;
	int i;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(1, recv(fd, &c, 1, 0));
		ASSERT_EQ(from + i, c);
	}
}

TEST(reader_stops_at_its_mark)
{
	int pull = xsocket(ZMQ_PULL), raw;

	xset(pull, ZMQ_RCVHWM, 10);
	raw = raw_pusher(pull, 100);
	EXPECT_TRUE(wait_in_msgs(pull, 10, KZ_WAIT_MS));
	/* full until half has been read, then to the mark again */
	take(_metadata, pull, 0, 4);
	poll1(raw, POLLIN, kz_ms(KZ_QUIET_MS));
	EXPECT_TRUE(wait_in_msgs(pull, 6, 0));
	take(_metadata, pull, 4, 1);
	EXPECT_TRUE(wait_in_msgs(pull, 10, KZ_WAIT_MS));
	take(_metadata, pull, 5, 95);
	EXPECT_ERR(EAGAIN, recv(pull, &raw, 1, MSG_DONTWAIT));
}

TEST(reader_without_mark)
{
	int pull = xsocket(ZMQ_PULL);

	xset(pull, ZMQ_RCVHWM, 0);
	raw_pusher(pull, 200);
	EXPECT_TRUE(wait_in_msgs(pull, 200, KZ_WAIT_MS));
	take(_metadata, pull, 0, 200);
}

/* every mark and every stride comes to the end; nothing is stuck */
KZ_TEST_TIMEOUT(reader_restarts_always, 60)
{
	static const int mark[] = { 1, 2, 3, 4, 5, 16, 50 };
	int pull, push, n;
	char ep[EP_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mark); i++) {
		unsigned int out = 0, in = 0, got;

		pull = xsocket(ZMQ_PULL);
		push = xsocket(ZMQ_PUSH);
		xset(pull, ZMQ_RCVHWM, mark[i]);
		xset(push, ZMQ_SNDHWM, mark[i]);
		xbind_any(pull, ep);
		xconnect(push, ep);
		while (in < 1000) {
			while (out < 1000 &&
			       send(push, &out, 4, MSG_DONTWAIT) == 4)
				out++;
			for (n = 0; n < mark[i] && in < out; n++) {
				ASSERT_EQ(4, recv(pull, &got, 4, 0));
				ASSERT_EQ(in, got);
				in++;
			}
		}
		xclose(push);
		xclose(pull);
	}
}

/* large messages, so that the TCP window closes, with several sizes */
KZ_TEST_TIMEOUT(reader_restarts_large, 120)
{
	static const int size[] = { 5000, 65536, 300000, 1500000 };
	char ep[EP_LEN], *buf = malloc(1500000), *got = malloc(1500000);
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(size); i++) {
		int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
		int count = size[i] > 1000000 ? 12 : 40, out = 0;

		xset(pull, ZMQ_RCVHWM, 2);
		xset(push, ZMQ_SNDHWM, 2);
		xbind_any(pull, ep);
		xconnect(push, ep);
		xpeers(push, 1);
		for (n = 0; n < count; n++) {
			while (out < count) {
				fill(buf, size[i], out);
				if (send(push, buf, size[i], MSG_DONTWAIT) < 0)
					break;
				out++;
			}
			ASSERT_EQ(size[i], recv(pull, got, size[i], 0));
			ASSERT_TRUE(filled(got, size[i], n));
		}
		xclose(pull);
		xclose(push);
	}
	free(buf);
	free(got);
}

/* A counter of TCP, of this namespace */
static long tcp_counter(const char *name)
{
	FILE *f = fopen("/proc/net/netstat", "r");
	char *key, *val, *k, *v, keys[8192], vals[8192];
	long n = -1;

	KZ_CHECK(f);
	while (n < 0 && fgets(keys, sizeof(keys), f) &&
	       fgets(vals, sizeof(vals), f)) {
		key = strtok_r(keys, "\n ", &k);
		val = strtok_r(vals, "\n ", &v);
		while (key && val && strcmp(key, name)) {
			key = strtok_r(NULL, "\n ", &k);
			val = strtok_r(NULL, "\n ", &v);
		}
		if (key && val)
			n = atol(val);
	}
	fclose(f);
	if (n < 0)
		KZ_DIE("no counter %s", name);
	return n;
}

#define MIXED	4000

static void *send_mixed(void *arg)
{
	static const size_t size[] = { 0, 10, 255, 300, 2000, 9000, 40000 };
	static char buf[40000];
	int *fd = arg, i;

	for (i = 0; i < MIXED; i++)
		xsend(*fd, buf, size[i % ARRAY_SIZE(size)], 0);
	return NULL;
}

/*
 * With small buffers and a low mark the window closes again and again. It opens
 * when there is room: the sender need not ask by the probes of its timer, but for
 * a reader that the machine kept from running.
 */
KZ_TEST_TIMEOUT(closed_windows_open, 120)
{
	static char buf[65536];
	char ep[EP_LEN];
	int fd[2], i;
	pthread_t t;

	own_netns();
	for (i = 0; i < 2; i++) {
		fd[i] = xsocket(i ? ZMQ_PUSH : ZMQ_PULL);
		xset(fd[i], ZMQ_SNDBUF, 32768);
		xset(fd[i], ZMQ_RCVBUF, 32768);
		xset(fd[i], i ? ZMQ_SNDHWM : ZMQ_RCVHWM, i ? 2000 : 10);
	}
	xbind_any(fd[0], ep);
	xconnect(fd[1], ep);
	ASSERT_EQ(0, pthread_create(&t, NULL, send_mixed, &fd[1]));
	for (i = 0; i < MIXED; i++)
		ASSERT_LE(0, recv(fd[0], buf, sizeof(buf), 0));
	pthread_join(t, NULL);
	TH_LOG("%ld times closed, %ld probes", tcp_counter("TCPToZeroWindowAdv"),
	       tcp_counter("TCPWinProbe"));
	EXPECT_GT(4 * kz_ms(1), tcp_counter("TCPWinProbe"));
	xclose(fd[0]);
	xclose(fd[1]);
}

TEST(byte_limit_of_a_pipe)
{
	int fd, n;

	own_netns();
	ASSERT_OK(sysctl_set("pipe_bytes_max", 65536));
	fd = xsocket(ZMQ_PUSH);
	xset(fd, ZMQ_SNDHWM, 0);
	xconnect(fd, NOBODY);
	n = sends_until_full(fd, 10000, 100);
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_LE(4, n);
	EXPECT_GE(8, n);
	EXPECT_EQ(0, poll1(fd, POLLOUT, 0));
	xclose(fd);

	/* an empty pipe takes one message of any size */
	fd = xsocket(ZMQ_PUSH);
	xconnect(fd, NOBODY);
	EXPECT_EQ(1, sends_until_full(fd, 100000, 10));
}

TEST(byte_limit_of_the_reader)
{
	static char buf[10000];
	struct zmq_stats st;
	int fd[2], i;

	own_netns();
	ASSERT_OK(sysctl_set("pipe_bytes_max", 65536));
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 60; i++)
		xsend(fd[1], buf, sizeof(buf), 0);
	ASSERT_TRUE(wait_ready(fd[0], POLLIN));
	for (i = 0; i < 60; i++) {
		xstats(fd[0], &st);
		EXPECT_GE(65536 + 10000, st.in_bytes);
		ASSERT_EQ((ssize_t)sizeof(buf),
			  recv(fd[0], buf, sizeof(buf), 0));
	}
}

TEST(memory_ceiling)
{
	struct zmq_stats st;
	int fd, n, again;

	own_netns();
	ASSERT_OK(sysctl_set("mem_max", 1 << 20));
	fd = xsocket(ZMQ_PUSH);
	xset(fd, ZMQ_SNDHWM, 0);
	xconnect(fd, NOBODY);
	n = sends_until_full(fd, 50000, 1000);
	EXPECT_EQ(ENOBUFS, errno);
	EXPECT_LE(10, n);
	EXPECT_GE(21, n);
	xstats(fd, &st);
	EXPECT_LE(50000ULL * n, st.mem);
	EXPECT_GE(1ULL << 20, st.mem);
	/* what is freed can be used again */
	xclose(fd);
	fd = xsocket(ZMQ_PUSH);
	xset(fd, ZMQ_SNDHWM, 0);
	xconnect(fd, NOBODY);
	again = sends_until_full(fd, 50000, 1000);
	EXPECT_EQ(n, again);
}

/* other namespaces do not suffer */
TEST(ceiling_is_per_namespace)
{
	int fd, pid, status;

	own_netns();
	ASSERT_OK(sysctl_set("mem_max", 1 << 20));
	fd = xsocket(ZMQ_PUSH);
	xset(fd, ZMQ_SNDHWM, 0);
	xconnect(fd, NOBODY);
	sends_until_full(fd, 50000, 1000);
	pid = fork();
	if (!pid) {
		own_netns();
		fd = xsocket(ZMQ_PUSH);
		xset(fd, ZMQ_SNDHWM, 0);
		xconnect(fd, NOBODY);
		_exit(sends_until_full(fd, 50000, 50) == 50 ? 0 : 1);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* a receiver at the ceiling stops reading and goes on later, losing nothing */
TEST(ceiling_while_receiving)
{
	static char buf[50000];
	int pull, push, i, n = 0;
	char ep[EP_LEN];
	pid_t pid;
	int status;

	own_netns();
	ASSERT_OK(sysctl_set("mem_max", 1 << 20));
	pull = xsocket(ZMQ_PULL);
	xset(pull, ZMQ_RCVHWM, 0);
	xbind_any(pull, ep);
	pid = fork();
	if (!pid) {
		push = xsocket(ZMQ_PUSH);
		xset(push, ZMQ_SNDHWM, 2);
		xset(push, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
		xconnect(push, ep);
		for (i = 0; i < 100; i++) {
			memset(buf, i, sizeof(buf));
			while (send(push, buf, sizeof(buf), 0) < 0)
				if (errno != ENOBUFS || n++ > 10000)
					_exit(1);
				else
					poll(NULL, 0, 1);
		}
		_exit(0);
	}
	for (i = 0; i < 100; i++) {
		ASSERT_EQ((ssize_t)sizeof(buf),
			  recv(pull, buf, sizeof(buf), 0));
		ASSERT_EQ(i, buf[49999]);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* what a stranger sends meets the ceiling: read later, or never if he hogs */
KZ_TEST_TIMEOUT(ceiling_and_a_stranger, 60)
{
	static char buf[50000], big[1 << 20];
	int pull, raw, hog, i, status;
	char ep[EP_LEN];
	pid_t pid;

	own_netns();
	ASSERT_OK(sysctl_set("mem_max", 1 << 20));
	pull = xsocket(ZMQ_PULL);
	xset(pull, ZMQ_RCVHWM, 0);
	xbind_any(pull, ep);
	pid = fork();
	if (!pid) {
		close(pull);
		raw = raw_peer(ep, "PUSH", "PULL");
		for (i = 0; i < 60; i++) {
			memset(buf, i, sizeof(buf));
			raw_frame(raw, 0, buf, sizeof(buf));
		}
		/* read the rest before the end, which may be a reset */
		raw_read(raw, buf, 1);
		_exit(0);
	}
	while (!mib("MemCeiling"))
		poll(NULL, 0, 1);
	/* one message that is more than all there is */
	hog = raw_peer(ep, "PUSH", "PULL");
	raw_frame_long(hog, 2, 8 << 20);
	send(hog, big, sizeof(big), MSG_DONTWAIT | MSG_NOSIGNAL);
	for (i = 0; i < 60; i++) {
		ASSERT_EQ((ssize_t)sizeof(buf),
			  recv(pull, buf, sizeof(buf), 0));
		ASSERT_EQ(i, buf[49999]);
	}
	EXPECT_LT(0, mib("RxDeferred"));
	for (i = 0; i < 8; i++)
		if (!raw_try_write(hog, big, sizeof(big)))
			break;
	EXPECT_TRUE(raw_closed(hog));
	xclose(pull);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	xclose(hog);
}

TEST(immediate)
{
	int push = xsocket(ZMQ_PUSH), l, c;
	char ep[EP_LEN];

	l = raw_listen(ep);
	EXPECT_EQ(0, zget(push, ZMQ_IMMEDIATE));
	xset(push, ZMQ_IMMEDIATE, 1);
	xset(push, ZMQ_RECONNECT_IVL, 20);
	xconnect(push, ep);
	EXPECT_ERR(EAGAIN, send(push, "x", 1, MSG_DONTWAIT));
	c = raw_accept(l);
	EXPECT_EQ(0, poll1(push, POLLOUT, kz_ms(50)));
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	EXPECT_TRUE(wait_ready(push, POLLOUT));
	xsends(push, "x", 0);
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\1x")));
	/* and the pipe goes with the connection */
	xclose(c);
	ASSERT_TRUE(wait_peers(push, 0, KZ_WAIT_MS));
	EXPECT_ERR(EAGAIN, send(push, "x", 1, MSG_DONTWAIT));
}

/* with IMMEDIATE messages go only where somebody is */
TEST(immediate_avoids_the_dead)
{
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL), i;
	char ep[EP_LEN];

	xset(push, ZMQ_IMMEDIATE, 1);
	xbind_any(pull, ep);
	xconnect(push, NOBODY);
	xconnect(push, ep);
	for (i = 0; i < 20; i++)
		xsends(push, "x", 0);
	for (i = 0; i < 20; i++)
		EXPECT_GOT(pull, "x");
}

/* a bound socket's queue dies with the connection */
TEST(bound_queue_dies)
{
	static char big[100000];
	int push = xsocket(ZMQ_PUSH), raw, pull = xsocket(ZMQ_PULL);
	struct zmq_stats st;
	char ep[EP_LEN];

	xset(push, ZMQ_SNDHWM, 5);
	xbind_any(push, ep);
	raw = raw_peer(ep, "PULL", "PUSH");
	xpeers(push, 1);
	/* full for good when the transport takes no more either */
	do {
		while (send(push, big, sizeof(big), MSG_DONTWAIT) > 0)
			;
	} while (poll1(push, POLLOUT, kz_ms(300)));
	xstats(push, &st);
	EXPECT_LE(3, st.out_msgs);
	xclose(raw);
	ASSERT_TRUE(wait_peers(push, 0, KZ_WAIT_MS));
	EXPECT_TRUE(wait_out_msgs(push, 0, KZ_WAIT_MS));
	xconnect(pull, ep);
	xsends(push, "new", 0);
	EXPECT_GOT(pull, "new");
}

TEST(stats)
{
	struct zmq_stats st;
	char small[12], large[256];
	socklen_t len;
	int fd[2], i;
	char c;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 10; i++)
		xsendv(fd[1], "abc", "de", NULL);
	ASSERT_TRUE(wait_in_msgs(fd[0], 10, KZ_WAIT_MS));
	xstats(fd[1], &st);
	EXPECT_EQ(sizeof(st), st.size);
	EXPECT_EQ(1, st.peers);
	EXPECT_EQ(10, st.sent);
	xstats(fd[0], &st);
	EXPECT_EQ(10, st.in_msgs);
	EXPECT_EQ(50, st.in_bytes);
	EXPECT_LE(50, st.mem);
	EXPECT_EQ(0, st.received);
	for (i = 0; i < 20; i++)
		EXPECT_EQ(i % 2 ? 2 : 3, recv(fd[0], large, 256, 0));
	xstats(fd[0], &st);
	EXPECT_EQ(10, st.received);
	EXPECT_EQ(0, st.in_bytes);
	EXPECT_EQ(0, st.mem);

	/* shorter and longer buffers */
	len = 8;
	memset(small, 0x77, sizeof(small));
	EXPECT_OK(getsockopt(fd[0], SOL_ZMQ, ZMQ_STATS, small, &len));
	EXPECT_EQ(8, len);
	EXPECT_EQ(0x77, small[8]);
	len = sizeof(large);
	memset(large, 0x77, sizeof(large));
	EXPECT_OK(getsockopt(fd[0], SOL_ZMQ, ZMQ_STATS, large, &len));
	EXPECT_EQ(sizeof(large), len);
	EXPECT_EQ(0, large[sizeof(st)]);
	EXPECT_EQ(0, large[255]);
	EXPECT_ERR(EINVAL, setsockopt(fd[0], SOL_ZMQ, ZMQ_STATS, &c, 1));
}

#define MANY		2040	/* with those that come and go, around 2048 */
#define MANY_NAME	"inproc://many"

static bool churn_on;

/* Peers at the end of the list come and go. */
static void *churn_thread(void *arg)
{
	int fd[16], i;

	while (__atomic_load_n(&churn_on, __ATOMIC_RELAXED)) {
		for (i = 0; i < 16; i++) {
			fd[i] = xsocket(ZMQ_PUSH);
			xconnect(fd[i], MANY_NAME);
		}
		for (i = 0; i < 16; i++)
			xclose(fd[i]);
	}
	return arg;
}

/* Of many pipes none is left out, nor counted twice. */
TEST(many_pipes)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), i;
	struct zmq_stats st;
	pthread_t t;

	xset(pull, ZMQ_RCVHWM, 1);
	xset(push, ZMQ_SNDHWM, 1);
	xbind(pull, MANY_NAME);
	for (i = 0; i < MANY; i++)
		xconnect(push, MANY_NAME);
	EXPECT_EQ(2 * MANY, sends_until_full(push, 5, 10 * MANY));
	EXPECT_EQ(EAGAIN, errno);
	xstats(push, &st);
	EXPECT_EQ(MANY, st.peers);
	EXPECT_EQ(MANY, st.out_msgs);
	EXPECT_EQ(5 * MANY, st.out_bytes);
	xset(push, ZMQ_SNDHWM, 3);
	EXPECT_EQ(2 * MANY, sends_until_full(push, 5, 10 * MANY));
	churn_on = true;
	ASSERT_EQ(0, pthread_create(&t, NULL, churn_thread, NULL));
	for (i = 0; i < 200; i++) {
		xstats(pull, &st);
		ASSERT_EQ(MANY, st.in_msgs);
		ASSERT_EQ(5 * MANY, st.in_bytes);
		xset(pull, ZMQ_RCVHWM, 1);
	}
	__atomic_store_n(&churn_on, false, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	xstats(push, &st);
	EXPECT_EQ(3 * MANY, st.out_msgs);
	xclose(push);
	xclose(pull);
}

ZMQ_HARNESS_MAIN
