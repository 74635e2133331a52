// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Monitors: the events a program can cause, in both versions. */
#include "kselftest_harness.h"
#include "shim.h"

TEST(bound_side)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL), *c = xsock(ctx, ZMQ_PUSH);
	void *mon = xmonitor(ctx, s, ZMQ_EVENT_ALL, "inproc://mon");
	char ep[EP_LEN];
	struct event e;

	xbind_any(s, "tcp", ep);
	EXPECT_TRUE(z_event(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_LISTENING, e.event);
	EXPECT_STREQ(ep, e.local);
	xconnect(c, ep);
	EXPECT_TRUE(z_event(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_ACCEPTED, e.event);
	EXPECT_STREQ(ep, e.local);
	EXPECT_TRUE(z_event(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, e.event);
	EXPECT_EQ(0, e.value[0]);
	xclose(c);
	EXPECT_TRUE(z_event(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_DISCONNECTED, e.event);
	EXPECT_OK(zmq_unbind(s, ep));
	EXPECT_TRUE(z_event(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_CLOSED, e.event);
	xclose(s);
	EXPECT_TRUE(z_event(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_MONITOR_STOPPED, e.event);
	EXPECT_EQ(0, e.value[0]);
	xclose(mon);
	xterm(ctx);
}

TEST(connecting_side)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL), *c = xsock(ctx, ZMQ_PUSH);
	void *mon = xmonitor(ctx, c, ZMQ_EVENT_ALL, "inproc://mon");
	char ep[EP_LEN];
	struct event e;
	int fd = z_tcp(0, ep);

	xset(c, ZMQ_RECONNECT_IVL, 50);
	xconnect(c, ep);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_CONNECT_DELAYED, &e));
	EXPECT_EQ(EINPROGRESS, e.value[0]);
	EXPECT_STREQ(ep, e.local);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_CLOSED, &e));
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_CONNECT_RETRIED, &e));
	EXPECT_LE(50, e.value[0]);
	close(fd);
	xbind(s, ep);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_CONNECTED, &e));
	EXPECT_STREQ(ep, e.local);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &e));
	xclose(s);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_DISCONNECTED, &e));
	xclose(c);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_MONITOR_STOPPED, &e));
	xclose(mon);
	xterm(ctx);
}

TEST(ipc)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL), *c = xsock(ctx, ZMQ_PUSH);
	void *mon = xmonitor(ctx, s, ZMQ_EVENT_ALL, "inproc://mon");
	char ep[EP_LEN];
	struct event e;

	xbind_any(s, "ipc", ep);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_LISTENING, &e));
	EXPECT_STREQ(ep, e.local);
	xconnect(c, ep);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_ACCEPTED, &e));
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &e));
	xclose(c);
	xclose(s);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_MONITOR_STOPPED, &e));
	xclose(mon);
	xterm(ctx);
}

TEST(bind_fails)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PULL);
	void *mon = xmonitor(ctx, b, ZMQ_EVENT_BIND_FAILED, "inproc://mon");
	char ep[EP_LEN];
	struct event e;

	xbind_any(a, "tcp", ep);
	errno = 0;
	EXPECT_EQ(-1, zmq_bind(b, ep));
	EXPECT_EQ(DIFFERS(EADDRINUSE, errno, "4.3.4's monitor spoils errno"), errno);
	EXPECT_TRUE(z_event(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_BIND_FAILED, e.event);
	EXPECT_EQ(EADDRINUSE, e.value[0]);
	xclose(a);
	xclose(b);
	xclose(mon);
	xterm(ctx);
}

TEST(only_what_was_asked_for)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL), *c = xsock(ctx, ZMQ_PUSH);
	void *mon = xmonitor(ctx, s, ZMQ_EVENT_ACCEPTED, "inproc://mon");
	char ep[EP_LEN];
	struct event e;

	xbind_any(s, "tcp", ep);
	xconnect(c, ep);
	EXPECT_TRUE(z_event(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_ACCEPTED, e.event);
	xsends(c, "x", 0);
	EXPECT_GOT(s, "x");
	xclose(c);
	EXPECT_QUIET(mon);
	xclose(s);
	xclose(mon);
	xterm(ctx);
}

/* peers that are no ZeroMQ: silent too long, or with another mechanism */
TEST(handshakes_that_are_too_slow)
{
	void *ctx = xctx(), *c = xsock(ctx, ZMQ_PUSH), *mon;
	char ep[EP_LEN];
	int listening = z_tcp(1, ep);
	struct event e;

	mon = xmonitor(ctx, c, ZMQ_EVENT_ALL, "inproc://mon");
	xset(c, ZMQ_HANDSHAKE_IVL, 100);
	xconnect(c, ep);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, &e));
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_DISCONNECTED, &e));
	close(listening);
	xclose(c);
	xclose(mon);
	xterm(ctx);
}

TEST(handshakes_that_fail)
{
	static const char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NONSENSE";
	void *ctx = xctx(), *c = xsock(ctx, ZMQ_PUSH), *mon;
	char ep[EP_LEN];
	int listening = z_tcp(1, ep), fd;
	struct event e;

	mon = xmonitor(ctx, c, ZMQ_EVENT_ALL, "inproc://mon");
	xconnect(c, ep);
	fd = accept(listening, NULL, NULL);
	ASSERT_EQ(64, write(fd, greeting, sizeof(greeting)));
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, &e));
	EXPECT_EQ(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH, e.value[0]);
	close(fd);
	close(listening);
	xclose(c);
	xclose(mon);
	xterm(ctx);
}

static bool monitor_again(void *s)
{
	return !zmq_socket_monitor(s, "inproc://one", ZMQ_EVENT_ALL);
}

TEST(a_new_one_ends_the_old)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL), *one, *two;
	char ep[EP_LEN];
	struct event e;

	one = xmonitor(ctx, s, ZMQ_EVENT_ALL, "inproc://one");
	two = xmonitor(ctx, s, ZMQ_EVENT_ALL, "inproc://two");
	EXPECT_TRUE(z_event(one, &e));
	EXPECT_EQ(ZMQ_EVENT_MONITOR_STOPPED, e.event);
	xbind_any(s, "tcp", ep);
	EXPECT_TRUE(z_event(two, &e));
	EXPECT_EQ(ZMQ_EVENT_LISTENING, e.event);
	EXPECT_OK(zmq_socket_monitor(s, NULL, 0));
	EXPECT_TRUE(z_event(two, &e));
	EXPECT_EQ(ZMQ_EVENT_MONITOR_STOPPED, e.event);
	EXPECT_OK(zmq_unbind(s, ep));
	EXPECT_QUIET(two);
	EXPECT_OK(zmq_socket_monitor(s, NULL, 0));
	xclose(one);
	xclose(two);
	/* its name is free when it has ended */
	EXPECT_TRUE(z_until(Z_WAIT_MS, monitor_again, s));
	xclose(s);
	xterm(ctx);
}

TEST(arguments)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL), *other = xsock(ctx, ZMQ_PAIR);

	EXPECT_ERR(EPROTONOSUPPORT,
		   zmq_socket_monitor(s, "tcp://127.0.0.1:*", ZMQ_EVENT_ALL));
	EXPECT_ERR(EINVAL, zmq_socket_monitor(s, "nonsense", ZMQ_EVENT_ALL));
	xbind(other, "inproc://taken");
	EXPECT_ERR(EADDRINUSE, zmq_socket_monitor(s, "inproc://taken", ZMQ_EVENT_ALL));
	xclose(other);
	xclose(s);
	xterm(ctx);
}

/* its end of the context needs no help of the program that watches */
TEST(the_context_ends)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL), *mon;
	char ep[EP_LEN];

	mon = xmonitor(ctx, s, ZMQ_EVENT_ALL, "inproc://mon");
	xbind_any(s, "tcp", ep);
	EXPECT_OK(zmq_ctx_shutdown(ctx));
	xclose(mon);
	xclose(s);
	xterm(ctx);
}

/* version 2: 64 bits each, then both addresses */
static bool event2(void *mon, struct event *e)
{
	unsigned long long val;
	int n;

	memset(e, 0, sizeof(*e));
	if (zmq_recv(mon, &e->event, 8, 0) != 8 || !zget(mon, ZMQ_RCVMORE) ||
	    zmq_recv(mon, &e->n, 8, 0) != 8 || e->n > 2)
		return false;
	for (n = 0; n < (int)e->n; n++) {
		if (!zget(mon, ZMQ_RCVMORE) || zmq_recv(mon, &val, 8, 0) != 8)
			return false;
		e->value[n] = val;
	}
	n = zmq_recv(mon, e->local, EP_LEN - 1, 0);
	if (n < 0 || !zget(mon, ZMQ_RCVMORE))
		return false;
	n = zmq_recv(mon, e->remote, EP_LEN - 1, 0);
	return n >= 0 && !zget(mon, ZMQ_RCVMORE);
}

TEST(version_2)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL), *c = xsock(ctx, ZMQ_PUSH), *mon;
	char ep[EP_LEN];
	struct event e;

	NEED(zmq_socket_monitor_versioned);
	EXPECT_OK(FN(zmq_socket_monitor_versioned)(s, "inproc://mon", ZMQ_EVENT_ALL, 2,
						   ZMQ_PAIR));
	mon = xsock(ctx, ZMQ_PAIR);
	xconnect(mon, "inproc://mon");
	xbind_any(s, "tcp", ep);
	EXPECT_TRUE(event2(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_LISTENING, e.event);
	EXPECT_EQ(1, e.n);
	EXPECT_STREQ(ep, e.local);
	xconnect(c, ep);
	EXPECT_TRUE(event2(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_ACCEPTED, e.event);
	EXPECT_STREQ(ep, e.local);
	EXPECT_EQ(0, strncmp(e.remote, "tcp://127.0.0.1:", 16));
	xclose(c);
	xclose(s);
	xclose(mon);
	xterm(ctx);
}

TEST(versions_and_types)
{
	static const int good[] = { ZMQ_PAIR, ZMQ_PUB, ZMQ_PUSH };
	static const int bad[] = { ZMQ_SUB, ZMQ_DEALER, ZMQ_ROUTER, -1, 99 };
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL);
	size_t i;

	NEED(zmq_socket_monitor_versioned);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		char name[32];

		snprintf(name, sizeof(name), "inproc://m%zu", i);
		EXPECT_OK(FN(zmq_socket_monitor_versioned)(s, name, ZMQ_EVENT_ALL, 1,
							   good[i]));
		EXPECT_OK(FN(zmq_socket_monitor_versioned)(s, NULL, 0, 1, good[i]));
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERR(EINVAL, FN(zmq_socket_monitor_versioned)
			   (s, "inproc://n", ZMQ_EVENT_ALL, 1, bad[i]));
	}
	EXPECT_ERR(EINVAL, FN(zmq_socket_monitor_versioned)
		   (s, "inproc://n", ZMQ_EVENT_ALL, 0, ZMQ_PAIR));
	EXPECT_ERR(EINVAL, FN(zmq_socket_monitor_versioned)
		   (s, "inproc://n", ZMQ_EVENT_ALL, 3, ZMQ_PAIR));
	/* more than 16 bits of events need version 2 */
	EXPECT_ERR(EINVAL, FN(zmq_socket_monitor_versioned)
		   (s, "inproc://n", ZMQ_EVENT_ALL | ZMQ_EVENT_PIPES_STATS, 1, ZMQ_PAIR));
	xclose(s);
	xterm(ctx);
}

/* ours has no such event: the numbers are to be had at any time from the kernel */
TEST(pipes_stats)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL);

	NEED(zmq_socket_monitor_versioned);
	NEED(zmq_socket_monitor_pipes_stats);
	EXPECT_ERR(EINVAL, FN(zmq_socket_monitor_versioned)
		   (s, "inproc://mon", ZMQ_EVENT_PIPES_STATS, 2, ZMQ_PAIR));
	EXPECT_ERR(EINVAL, FN(zmq_socket_monitor_pipes_stats)(s));
	xclose(s);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
