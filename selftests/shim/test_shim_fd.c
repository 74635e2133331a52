// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 300 */
/*
 * ZMQ_FD, as event loops use it: a descriptor that tells when to look at
 * ZMQ_EVENTS. After any call its news may have been used up, so the loop looks at
 * ZMQ_EVENTS first and sleeps only when there is nothing.
 */
#include "kselftest_harness.h"
#include "shim.h"

#include <sys/epoll.h>

#define MESSAGES	10000

static const char *const transports[] = { "tcp", "ipc", "inproc" };

/* sleep until the descriptor tells something; false when it never does */
static bool fd_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, z_ms(Z_WAIT_MS)) == 1;
}

/* events of the socket, waited for by the rules */
static bool events(void *s, int fd, int want)
{
	while (!(zget(s, ZMQ_EVENTS) & want))
		if (!fd_wait(fd))
			return false;
	return true;
}

struct sender {
	void *s;
	int fd, n;
};

static int send_by_fd(void *arg)
{
	struct sender *w = arg;
	int i;

	for (i = 0; i < w->n; i++) {
		if (!events(w->s, w->fd, ZMQ_POLLOUT))
			return i;
		if (zmq_send(w->s, &i, sizeof(i), ZMQ_DONTWAIT) != sizeof(i)) {
			if (errno != EAGAIN)
				return -errno;
			i--;
		}
	}
	return i;
}

static int send_blocking(void *arg)
{
	struct sender *w = arg;
	int i;

	for (i = 0; i < w->n; i++)
		if (zmq_send(w->s, &i, sizeof(i), 0) != sizeof(i))
			return -errno;
	return i;
}

/* receive all of them: drain until EAGAIN, or one for each look at EVENTS */
static void receive(struct __test_metadata *_metadata, void *s, int fd, int n,
		    bool drain)
{
	int i = 0, got, rc;

	while (i < n) {
		if (!events(s, fd, ZMQ_POLLIN)) {
			TH_LOG("hangs after %d messages", i);
			EXPECT_EQ(n, i);
			return;
		}
		do {
			rc = zmq_recv(s, &got, sizeof(got), ZMQ_DONTWAIT);
			if (rc == sizeof(got)) {
				ASSERT_EQ(i, got);
				i++;
			}
		} while (rc >= 0 && drain && i < n);
	}
}

static void run(struct __test_metadata *_metadata, const char *transport, bool drain,
		int (*sending)(void *), int n, int hwm)
{
	void *ctx = xctx(), *push = xsock(ctx, ZMQ_PUSH), *pull = xsock(ctx, ZMQ_PULL);
	struct sender w = { .s = push, .n = n };
	char ep[EP_LEN];
	struct job j;

	xset(push, ZMQ_SNDHWM, hwm);
	xset(pull, ZMQ_RCVHWM, hwm);
	xbind_any(pull, transport, ep);
	xconnect(push, ep);
	w.fd = zget(push, ZMQ_FD);
	xjob(&j, sending, &w);
	receive(_metadata, pull, zget(pull, ZMQ_FD), n, drain);
	xjob_end(&j);
	EXPECT_EQ(n, j.rc) {
		TH_LOG("%s", transport);
	}
	xclose(push);
	xclose(pull);
	xterm(ctx);
}

TEST(drained_at_each_wake_up)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(transports); i++)
		run(_metadata, transports[i], true, send_blocking,
		    z_less(MESSAGES), 1000);
}

TEST(one_message_for_each_look)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(transports); i++)
		run(_metadata, transports[i], false, send_blocking,
		    z_less(MESSAGES), 1000);
}

TEST(writers_that_are_blocked)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(transports); i++)
		run(_metadata, transports[i], true, send_by_fd,
		    z_less(MESSAGES / 5), 5);
}

TEST(both_ends_by_the_descriptor)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(transports); i++)
		run(_metadata, transports[i], false, send_by_fd,
		    z_less(MESSAGES), 50);
}

/* one message of the peer answered by one: every order of calls in between */
struct echo {
	void *s;
	int n;
};

static int echo(void *arg)
{
	struct echo *e = arg;
	int i, got;

	for (i = 0; i < e->n; i++) {
		if (zmq_recv(e->s, &got, sizeof(got), 0) != sizeof(got))
			return -errno;
		if (zmq_send(e->s, &got, sizeof(got), 0) != sizeof(got))
			return -errno;
	}
	return i;
}

static int look_events(void *s)
{
	return zget(s, ZMQ_EVENTS);
}

static int look_recv(void *s)
{
	return zmq_recv(s, NULL, 0, ZMQ_DONTWAIT) < 0 ? 0 : -1;
}

static int look_poll(void *s)
{
	return z_poll1(s, ZMQ_POLLIN | ZMQ_POLLOUT, 0);
}

static int look_fd(void *s)
{
	struct pollfd p = { .fd = zget(s, ZMQ_FD), .events = POLLIN };

	return poll(&p, 1, 0);
}

static int look_nothing(void *s)
{
	return 0;
}

static int (*const looks[])(void *s) = {
	look_events, look_recv, look_poll, look_fd, look_nothing,
};

/* between a message out and its answer in: looks before and after */
static void orders(struct __test_metadata *_metadata, const char *transport)
{
	const int each = z_less(20);
	size_t n = ARRAY_SIZE(looks), a, b;
	void *ctx = xctx(), *s[2];
	struct echo e = { .n = each * n * n };
	int fd, i, got, count = 0;
	struct job j;

	xpair(ctx, transport, ZMQ_PAIR, ZMQ_PAIR, s);
	e.s = s[1];
	fd = zget(s[0], ZMQ_FD);
	xjob(&j, echo, &e);
	for (a = 0; a < n; a++) {
		for (b = 0; b < n; b++) {
			for (i = 0; i < each; i++, count++) {
				/* a look at nothing may not eat the answer */
				looks[a](s[0]);
				ASSERT_EQ(4, zmq_send(s[0], &count, 4, 0));
				if (looks[b] != look_recv)
					looks[b](s[0]);
				ASSERT_TRUE(events(s[0], fd, ZMQ_POLLIN)) {
					TH_LOG("%s hangs: %zu, %zu, %d", transport,
					       a, b, i);
				}
				ASSERT_EQ(4, zmq_recv(s[0], &got, 4, ZMQ_DONTWAIT));
				ASSERT_EQ(count, got);
			}
		}
	}
	xjob_end(&j);
	EXPECT_EQ(e.n, j.rc);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(every_order_tcp)
{
	orders(_metadata, "tcp");
}

TEST(every_order_ipc)
{
	orders(_metadata, "ipc");
}

TEST(every_order_inproc)
{
	orders(_metadata, "inproc");
}

/* as libuv, asyncio and libev have it: many sockets in one epoll */
static void loop(struct __test_metadata *_metadata, unsigned int how)
{
	enum { PAIRS = 8, EACH = 250 };
	void *ctx = xctx(), *s[PAIRS][2];
	int ep = epoll_create1(EPOLL_CLOEXEC), left = PAIRS * EACH, i, k, n;
	int sent[PAIRS] = { }, got[PAIRS] = { }, val;
	struct epoll_event ev[PAIRS];

	ASSERT_LE(0, ep);
	for (i = 0; i < PAIRS; i++) {
		xpair(ctx, transports[i % 3], ZMQ_PULL, ZMQ_PUSH, s[i]);
		ev[0] = (struct epoll_event){ .events = how, .data.u32 = i };
		ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, zget(s[i][0], ZMQ_FD),
				       &ev[0]));
	}
	while (left) {
		/* bursts of different lengths, one pair after the other */
		for (i = 0; i < PAIRS; i++) {
			for (k = 0; k <= i && sent[i] < EACH; k++, sent[i]++)
				ASSERT_EQ(4, zmq_send(s[i][1], &sent[i], 4, 0));
		}
		n = epoll_wait(ep, ev, PAIRS, z_ms(Z_WAIT_MS));
		ASSERT_LT(0, n) {
			TH_LOG("%d messages left", left);
		}
		for (k = 0; k < n; k++) {
			i = ev[k].data.u32;
			while (zget(s[i][0], ZMQ_EVENTS) & ZMQ_POLLIN) {
				ASSERT_EQ(4, zmq_recv(s[i][0], &val, 4, ZMQ_DONTWAIT));
				ASSERT_EQ(got[i]++, val);
				left--;
			}
		}
	}
	for (i = 0; i < PAIRS; i++) {
		xclose(s[i][0]);
		xclose(s[i][1]);
	}
	close(ep);
	xterm(ctx);
}

TEST(epoll_level)
{
	loop(_metadata, EPOLLIN);
}

TEST(epoll_edge)
{
	loop(_metadata, EPOLLIN | EPOLLET);
}

/* what is left of a burst needs no further wake-up, and causes no endless one */
TEST(the_rest_of_a_burst)
{
	void *ctx = xctx(), *s[2];
	int fd, i;

	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	fd = zget(s[0], ZMQ_FD);
	for (i = 0; i < 100; i++)
		xsends(s[1], "x", 0);
	for (i = 0; i < 100; i++) {
		ASSERT_TRUE(events(s[0], fd, ZMQ_POLLIN));
		EXPECT_GOT(s[0], "x");
	}
	/* all is read and EVENTS says so: by then the descriptor is quiet */
	EXPECT_EQ(0, zget(s[0], ZMQ_EVENTS));
	EXPECT_EQ(0, look_fd(s[0]));
	xsends(s[1], "y", 0);
	EXPECT_TRUE(fd_wait(fd));
	EXPECT_GOT(s[0], "y");
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

/* asked for first when messages are there already, whatever was read before */
TEST(asked_for_late)
{
	void *ctx = xctx(), *s[2];
	int i, fd;

	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	for (i = 0; i < 300; i++)
		xsends(s[1], "x", 0);
	for (i = 0; i < 150; i++)
		EXPECT_GOT(s[0], "x");
	fd = zget(s[0], ZMQ_FD);
	for (; i < 300; i++) {
		ASSERT_TRUE(events(s[0], fd, ZMQ_POLLIN));
		EXPECT_GOT(s[0], "x");
	}
	EXPECT_EQ(0, zget(s[0], ZMQ_EVENTS));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

/* the end of the context is an event too */
TEST(told_of_the_end)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL);
	int fd = zget(s, ZMQ_FD), val;
	size_t len = sizeof(val);

	EXPECT_EQ(0, zget(s, ZMQ_EVENTS));
	EXPECT_OK(zmq_ctx_shutdown(ctx));
	EXPECT_TRUE(fd_wait(fd));
	EXPECT_ERR(ETERM, zmq_getsockopt(s, ZMQ_EVENTS, &val, &len));
	xclose(s);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
