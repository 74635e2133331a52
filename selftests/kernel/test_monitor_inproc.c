// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 180 */
/* Monitors that send messages to an inproc endpoint, as libzmq's do. */
#include "kselftest_harness.h"
#include "libmon.h"

#define WHERE	"inproc://monitor"

static int mon_set(int fd, int version, int type, __u64 mask, const char *text)
{
	struct zmq_monitor a = {
		.version = version, .type = type, .mask = mask,
	};
	char buf[sizeof(a) + 1100];

	memcpy(buf, &a, sizeof(a));
	memcpy(buf + sizeof(a), text, strlen(text));
	return setsockopt(fd, SOL_ZMQ, ZMQ_MONITOR, buf,
			  sizeof(a) + strlen(text));
}

struct v1 {
	__u16 event;
	__u32 value;
} __attribute__((packed));

static bool is_v1(int fd, int event, __s64 value, const char *text)
{
	char buf[256];
	struct v1 v;
	bool eor;
	ssize_t n;

	n = zrecv(fd, &v, sizeof(v), 0, &eor);
	if (n != sizeof(v) || eor)
		KZ_DIE("event of %zd octets", n);
	n = zrecv(fd, buf, sizeof(buf) - 1, 0, &eor);
	KZ_CHECK(n >= 0 && eor);
	buf[n] = '\0';
	if (v.event == event && (value < 0 || v.value == value) &&
	    !strcmp(buf, text))
		return true;
	fprintf(stderr, "# event %#x value %u of %s, wanted %#x of %s\n",
		v.event, v.value, buf, event, text);
	return false;
}

TEST(version_1)
{
	int srv = xsocket(ZMQ_PULL), pair = xsocket(ZMQ_PAIR), raw;
	char ep[EP_LEN];

	ASSERT_OK(mon_set(srv, 1, ZMQ_PAIR, ZMQ_EVENT_ALL, WHERE));
	/* nobody is connected: they wait */
	xbind_any(srv, ep);
	xconnect(pair, WHERE);
	EXPECT_TRUE(is_v1(pair, ZMQ_EVENT_LISTENING, -1, ep));
	raw = raw_peer(ep, "PUSH", "PULL");
	EXPECT_TRUE(is_v1(pair, ZMQ_EVENT_ACCEPTED, -1, ep));
	EXPECT_TRUE(is_v1(pair, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0, ep));
	close(raw);
	EXPECT_TRUE(is_v1(pair, ZMQ_EVENT_DISCONNECTED, -1, ep));
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	raw_command(raw, "HELLO", "", 0);
	EXPECT_TRUE(is_v1(pair, ZMQ_EVENT_ACCEPTED, -1, ep));
	EXPECT_TRUE(is_v1(pair, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
			  ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND, ep));
	EXPECT_TRUE(is_v1(pair, ZMQ_EVENT_DISCONNECTED, -1, ep));
	close(raw);
	xclose(srv);
	EXPECT_TRUE(is_v1(pair, ZMQ_EVENT_CLOSED, -1, ep));
	EXPECT_TRUE(is_v1(pair, ZMQ_EVENT_MONITOR_STOPPED, 0, ""));
	xpeers(pair, 0);
	xclose(pair);
}

TEST(version_2)
{
	int cli = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL), l;
	__u64 n[3];
	char ep[EP_LEN], buf[256];
	bool eor;
	int i;

	l = raw_listen(ep);
	ASSERT_OK(mon_set(cli, 2, ZMQ_PUSH, ZMQ_EVENT_CONNECT_DELAYED, WHERE));
	xconnect(pull, WHERE);
	xconnect(cli, ep);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(8, zrecv(pull, &n[i], 8, 0, &eor));
		EXPECT_FALSE(eor);
	}
	EXPECT_EQ(ZMQ_EVENT_CONNECT_DELAYED, n[0]);
	EXPECT_EQ(1, n[1]);
	EXPECT_EQ(EINPROGRESS, n[2]);
	EXPECT_EQ(0, zrecv(pull, buf, sizeof(buf), 0, &eor));
	EXPECT_FALSE(eor);
	EXPECT_EQ((long)strlen(ep), zrecv(pull, buf, sizeof(buf), 0, &eor));
	EXPECT_TRUE(eor);
	EXPECT_EQ(0, memcmp(buf, ep, strlen(ep)));
	xclose(cli);
	xpeers(pull, 0);
	EXPECT_QUIET(pull);
	xclose(pull);
	close(l);
}

TEST(publisher)
{
	int srv = xsocket(ZMQ_PULL), sub = xsocket(ZMQ_SUB);
	struct v1 want = { .event = ZMQ_EVENT_LISTENING };
	char ep[EP_LEN];

	xset_bytes(sub, ZMQ_SUBSCRIBE, &want.event, sizeof(want.event));
	ASSERT_OK(mon_set(srv, 1, ZMQ_PUB, ZMQ_EVENT_ALL, WHERE));
	xconnect(sub, WHERE);
	xpeers(sub, 1);
	xbind_any(srv, ep);
	xunbind(srv, ep);
	EXPECT_TRUE(is_v1(sub, ZMQ_EVENT_LISTENING, -1, ep));
	xbind_any(srv, ep);
	EXPECT_TRUE(is_v1(sub, ZMQ_EVENT_LISTENING, -1, ep));
	xclose(srv);
	xclose(sub);
}

/* A new monitor ends the one before it, no text ends both. */
TEST(replaced)
{
	int fd = xsocket(ZMQ_PULL), a = xsocket(ZMQ_PAIR), b = xsocket(ZMQ_PAIR);
	char ep[EP_LEN];

	ASSERT_OK(mon_set(fd, 1, ZMQ_PAIR, ZMQ_EVENT_ALL, "inproc://a"));
	xconnect(a, "inproc://a");
	ASSERT_OK(mon_set(fd, 1, ZMQ_PAIR, ZMQ_EVENT_ALL, "inproc://b"));
	xconnect(b, "inproc://b");
	EXPECT_TRUE(is_v1(a, ZMQ_EVENT_MONITOR_STOPPED, 0, ""));
	xbind_any(fd, ep);
	EXPECT_TRUE(is_v1(b, ZMQ_EVENT_LISTENING, -1, ep));
	ASSERT_OK(mon_set(fd, 0, 0, 0, ""));
	EXPECT_TRUE(is_v1(b, ZMQ_EVENT_MONITOR_STOPPED, 0, ""));
	ASSERT_OK(mon_set(fd, 0, 0, 0, ""));
	xunbind(fd, ep);
	xpeers(b, 0);
	EXPECT_QUIET(a);
	EXPECT_QUIET(b);
	xclose(fd);
	xclose(a);
	xclose(b);
}

/* Nobody reads: the socket goes on; what finds room is told. */
TEST(nobody_reads)
{
	int fd = xsocket(ZMQ_PULL), pair = xsocket(ZMQ_PAIR), i;
	long lost = mib("MonitorEventsLost");
	char ep[EP_LEN];

	ASSERT_OK(mon_set(fd, 1, ZMQ_PAIR, ZMQ_EVENT_ALL, WHERE));
	xconnect(pair, WHERE);
	for (i = 1; i <= 2000; i++) {
		xbind(fd, "ipc://@x");
		xunbind(fd, "ipc://@x");
		/* the ring would be full before who empties it gets to run */
		if (i <= 500 && i % 100 == 0)
			ASSERT_TRUE(wait_in_msgs(pair, 2 * i, KZ_WAIT_MS));
	}
	EXPECT_LT(lost, mib("MonitorEventsLost"));
	for (i = 0; i < 500; i++) {
		ASSERT_TRUE(is_v1(pair, ZMQ_EVENT_LISTENING, -1, "ipc://@x"));
		ASSERT_TRUE(is_v1(pair, ZMQ_EVENT_CLOSED, -1, "ipc://@x"));
	}
	xclose(pair);
	/* nor does one that has left matter */
	xbind_any(fd, ep);
	xclose(fd);
}

TEST(arguments)
{
	int fd = xsocket(ZMQ_PULL), other = xsocket(ZMQ_PAIR);
	struct zmq_monitor a = { .version = 1, .mask = ZMQ_EVENT_ALL };
	char buf[sizeof(a) + 20];

	EXPECT_ERR(EINVAL, mon_set(fd, 0, ZMQ_PAIR, 1, WHERE));
	EXPECT_ERR(EINVAL, mon_set(fd, 3, ZMQ_PAIR, 1, WHERE));
	EXPECT_ERR(EINVAL, mon_set(fd, 1, ZMQ_DEALER, 1, WHERE));
	EXPECT_ERR(EINVAL, mon_set(fd, 1, ZMQ_PAIR, 0x10000, WHERE));
	EXPECT_ERR(EPROTONOSUPPORT, mon_set(fd, 1, ZMQ_PAIR, 1, "tcp://*:1"));
	EXPECT_ERR(EPROTONOSUPPORT, mon_set(fd, 1, ZMQ_PAIR, 1, "nonsense"));
	EXPECT_ERR(EINVAL, mon_set(fd, 1, ZMQ_PAIR, 1, "inproc://"));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_MONITOR, &a, 0));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_MONITOR, &a,
				      sizeof(a) - 1));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_MONITOR, BADPTR,
				      sizeof(a)));
	memcpy(buf, &a, sizeof(a));
	memcpy(buf + sizeof(a), "inproc://a\0b", 12);
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_MONITOR, buf,
				      sizeof(a) + 12));
	a.reserved = 1;
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_MONITOR, &a, sizeof(a)));
	/* the name is taken */
	xbind(other, WHERE);
	EXPECT_ERR(EADDRINUSE, mon_set(fd, 1, ZMQ_PAIR, 1, WHERE));
	xclose(other);
	xclose(fd);
}

struct race {
	int fd, pair;
	pthread_barrier_t start;
};

static void *close_fd(void *arg)
{
	struct race *x = arg;

	pthread_barrier_wait(&x->start);
	close(x->fd);
	return NULL;
}

static void *close_pair(void *arg)
{
	struct race *x = arg;

	pthread_barrier_wait(&x->start);
	close(x->pair);
	return NULL;
}

static void *replace(void *arg)
{
	struct race *x = arg;

	pthread_barrier_wait(&x->start);
	mon_set(x->fd, 1, ZMQ_PAIR, ZMQ_EVENT_ALL, "inproc://next");
	zbind(x->fd, "ipc://@race");
	mon_set(x->fd, 0, 0, 0, "");
	return NULL;
}

TEST(closing_races)
{
	void *(*fn[])(void *) = { close_fd, close_pair, replace };
	struct race x;
	pthread_t t[3];
	int round, i;

	pthread_barrier_init(&x.start, NULL, 3);
	for (round = 0; round < 100; round++) {
		x.fd = xsocket(ZMQ_PULL);
		x.pair = xsocket(ZMQ_PAIR);
		mon_set(x.fd, 1, ZMQ_PAIR, ZMQ_EVENT_ALL, WHERE);
		xconnect(x.pair, WHERE);
		zbind(x.fd, "ipc://@first");
		for (i = 0; i < 3; i++)
			KZ_CHECK(!pthread_create(&t[i], NULL, fn[i], &x));
		for (i = 0; i < 3; i++)
			KZ_CHECK(!pthread_join(t[i], NULL));
	}
	pthread_barrier_destroy(&x.start);
}

ZMQ_HARNESS_MAIN
