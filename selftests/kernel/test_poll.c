// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Readiness: poll, select, and epoll in all its manners. */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/epoll.h>
#include <sys/select.h>

#define ALL	(POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)
#define IN	(POLLIN | POLLRDNORM)
#define OUT	(POLLOUT | POLLWRNORM)

static int ready(int fd)
{
	return poll1(fd, ALL, 0);
}

static int epoll_with(int fd, unsigned int events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	KZ_CHECK(ep >= 0);
	KZ_CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	return ep;
}

/* the events of the one descriptor in it, 0 when none came */
static unsigned int epoll1(int ep, int ms)
{
	struct epoll_event ev;
	int n = epoll_wait(ep, &ev, 1, ms);

	KZ_CHECK(n >= 0);
	return n ? ev.events : 0;
}

static unsigned int epoll_soon(int ep)
{
	return epoll1(ep, kz_ms(KZ_WAIT_MS));
}

TEST(idle_without_peer)
{
	static const struct {
		int type, want;
	} t[] = {
		{ ZMQ_PAIR, 0 }, { ZMQ_PUB, OUT }, { ZMQ_SUB, 0 },
		{ ZMQ_REQ, 0 }, { ZMQ_REP, 0 }, { ZMQ_DEALER, 0 },
		{ ZMQ_ROUTER, OUT }, { ZMQ_PULL, 0 }, { ZMQ_PUSH, 0 },
		{ ZMQ_XPUB, OUT }, { ZMQ_XSUB, OUT }, { ZMQ_STREAM, OUT },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		int fd = xsocket(t[i].type);

		EXPECT_EQ(t[i].want, ready(fd))
			TH_LOG("type %d", t[i].type);
		EXPECT_EQ(t[i].want ? ZMQ_POLLOUT : 0, zget(fd, ZMQ_EVENTS));
		xclose(fd);
	}
}

TEST(idle_with_peer)
{
	static const struct {
		int a, b, want_a, want_b;
	} t[] = {
		{ ZMQ_PAIR, ZMQ_PAIR, OUT, OUT },
		{ ZMQ_PUB, ZMQ_SUB, OUT, 0 },
		{ ZMQ_XPUB, ZMQ_XSUB, OUT, OUT },
		{ ZMQ_REP, ZMQ_REQ, 0, OUT },
		{ ZMQ_ROUTER, ZMQ_DEALER, OUT, OUT },
		{ ZMQ_DEALER, ZMQ_DEALER, OUT, OUT },
		{ ZMQ_PULL, ZMQ_PUSH, 0, OUT },
	};
	int fd[2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		xpair(t[i].a, t[i].b, fd);
		EXPECT_EQ(t[i].want_a, ready(fd[0]))
			TH_LOG("type %d", t[i].a);
		EXPECT_EQ(t[i].want_b, ready(fd[1]))
			TH_LOG("type %d", t[i].b);
		xclose(fd[0]);
		xclose(fd[1]);
	}
}

TEST(mandatory_router_tells_the_truth)
{
	int fd = xsocket(ZMQ_ROUTER), dealer = xsocket(ZMQ_DEALER);
	char ep[EP_LEN];

	xset(fd, ZMQ_ROUTER_MANDATORY, 1);
	EXPECT_EQ(0, ready(fd));
	xbind_any(fd, ep);
	xconnect(dealer, ep);
	EXPECT_TRUE(wait_ready(fd, POLLOUT));
	xclose(dealer);
	EXPECT_TRUE(wait_peers(fd, 0, KZ_WAIT_MS));
	EXPECT_EQ(0, ready(fd));
}

TEST(request_and_reply)
{
	int fd[2];
	char c;

	xpair(ZMQ_REP, ZMQ_REQ, fd);
	EXPECT_EQ(0, ready(fd[0]));
	EXPECT_EQ(OUT, ready(fd[1]));
	xsends(fd[1], "q", 0);
	EXPECT_EQ(0, ready(fd[1]));
	EXPECT_EQ(IN, poll1(fd[0], ALL, kz_ms(KZ_WAIT_MS)));
	EXPECT_EQ(1, recv(fd[0], &c, 1, 0));
	EXPECT_EQ(OUT, ready(fd[0]));
	xsends(fd[0], "a", 0);
	EXPECT_EQ(0, ready(fd[0]));
	EXPECT_EQ(IN, poll1(fd[1], ALL, kz_ms(KZ_WAIT_MS)));
	EXPECT_EQ(ZMQ_POLLIN, zget(fd[1], ZMQ_EVENTS));
	EXPECT_EQ(1, recv(fd[1], &c, 1, 0));
	EXPECT_EQ(OUT, ready(fd[1]));
}

TEST(readable_until_read)
{
	int fd[2];
	char c;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsendv(fd[1], "a", "b", NULL);
	ASSERT_EQ(IN, poll1(fd[0], ALL, kz_ms(KZ_WAIT_MS)));
	EXPECT_EQ(IN, ready(fd[0]));
	EXPECT_EQ(ZMQ_POLLIN, zget(fd[0], ZMQ_EVENTS));
	EXPECT_EQ(1, recv(fd[0], &c, 1, MSG_PEEK));
	EXPECT_EQ(IN, ready(fd[0]));
	EXPECT_EQ(1, recv(fd[0], &c, 1, 0));
	EXPECT_EQ(IN, ready(fd[0]));
	EXPECT_EQ(1, recv(fd[0], &c, 1, 0));
	EXPECT_EQ(0, ready(fd[0]));
	EXPECT_EQ(0, zget(fd[0], ZMQ_EVENTS));
}

/* an empty message is a message */
TEST(readable_when_empty)
{
	int fd[2];
	char c;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsends(fd[1], "", 0);
	EXPECT_EQ(IN, poll1(fd[0], ALL, kz_ms(KZ_WAIT_MS)));
	EXPECT_EQ(0, recv(fd[0], &c, 1, 0));
	EXPECT_EQ(0, ready(fd[0]));
}

TEST(select_works)
{
	struct timeval tv = { 0 };
	int fd[2];
	fd_set r, w;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(fd[0], &r);
	FD_SET(fd[1], &w);
	EXPECT_EQ(1, select(FD_SETSIZE, &r, &w, NULL, &tv));
	EXPECT_FALSE(FD_ISSET(fd[0], &r));
	EXPECT_TRUE(FD_ISSET(fd[1], &w));
	xsends(fd[1], "x", 0);
	FD_SET(fd[0], &r);
	tv.tv_sec = kz_ms(KZ_WAIT_MS) / 1000;
	EXPECT_EQ(1, select(FD_SETSIZE, &r, NULL, NULL, &tv));
	EXPECT_TRUE(FD_ISSET(fd[0], &r));
}

/* at the mark no POLLOUT; it comes back when half has been read, not before */
TEST(writable_again_at_low_water)
{
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL);
	static char big[65536];
	char ep[EP_LEN];
	int n = 0;

	xset(push, ZMQ_SNDHWM, 4);
	xset(pull, ZMQ_RCVHWM, 4);
	xbind_any(pull, ep);
	xconnect(push, ep);
	xpeers(push, 1);
	/* full for good when the TCP buffers take no more either */
	do {
		while (send(push, big, sizeof(big), MSG_DONTWAIT) > 0)
			n++;
	} while (poll1(push, POLLOUT, kz_ms(300)));
	EXPECT_LE(8, n);
	EXPECT_EQ(0, ready(push));
	EXPECT_ERR(EAGAIN, send(push, big, 1, MSG_DONTWAIT));
	while (!(ready(push) & POLLOUT))
		ASSERT_EQ((ssize_t)sizeof(big),
			  recv(pull, big, sizeof(big), 0));
	EXPECT_EQ(1, send(push, big, 1, MSG_DONTWAIT));
}

TEST(writable_by_the_mark_alone)
{
	int fd = xsocket(ZMQ_PUSH), i;

	xset(fd, ZMQ_SNDHWM, 3);
	EXPECT_EQ(0, ready(fd));
	xconnect(fd, "tcp://127.0.0.1:9");
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(OUT, ready(fd));
		xsends(fd, "x", 0);
	}
	EXPECT_EQ(0, ready(fd));
	EXPECT_ERR(EAGAIN, send(fd, "x", 1, MSG_DONTWAIT));
}

/* in the middle of a message its next frame is always welcome */
TEST(writable_within_a_message)
{
	int fd = xsocket(ZMQ_PUSH);

	xset(fd, ZMQ_SNDHWM, 1);
	xconnect(fd, "tcp://127.0.0.1:9");
	xsends(fd, "a", MSG_MORE);
	EXPECT_EQ(OUT, ready(fd));
	xsends(fd, "b", 0);
	EXPECT_EQ(0, ready(fd));
}

TEST(hang_up_after_shutdown)
{
	int fd[2], want = POLLHUP | POLLIN | POLLOUT | POLLRDHUP;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	EXPECT_EQ(0, poll1(fd[0], POLLIN | POLLRDHUP, 0));
	ASSERT_OK(shutdown(fd[0], SHUT_RDWR));
	EXPECT_EQ(want, poll1(fd[0], POLLIN | POLLOUT | POLLRDHUP, 0));
	EXPECT_EQ(POLLHUP, poll1(fd[0], 0, 0));
	/* that is nothing the other side need know */
	EXPECT_EQ(0, poll1(fd[1], 0, 0));
}

static void *shutter(void *arg)
{
	KZ_CHECK(wait_blocked(getpid(), KZ_WAIT_MS));
	shutdown(*(int *)arg, SHUT_RDWR);
	return NULL;
}

TEST(shutdown_wakes_poll)
{
	int fd = xsocket(ZMQ_PULL);
	pthread_t t;

	ASSERT_EQ(0, pthread_create(&t, NULL, shutter, &fd));
	EXPECT_TRUE(poll1(fd, POLLIN, kz_ms(2 * KZ_WAIT_MS)) & POLLHUP);
	pthread_join(t, NULL);
}

TEST(shutdown_wakes_epoll)
{
	const int want = EPOLLHUP | EPOLLRDHUP | EPOLLIN;
	int fd, ep, edge;
	pthread_t t;

	for (edge = 0; edge < 2; edge++) {
		fd = xsocket(ZMQ_PULL);
		ep = epoll_with(fd, EPOLLIN | EPOLLRDHUP |
				    (edge ? EPOLLET : 0));
		EXPECT_EQ(0, epoll1(ep, 0));
		ASSERT_EQ(0, pthread_create(&t, NULL, shutter, &fd));
		EXPECT_EQ(want, epoll1(ep, kz_ms(2 * KZ_WAIT_MS)));
		pthread_join(t, NULL);
		EXPECT_EQ(edge ? 0 : want, epoll1(ep, 0));
		close(ep);
		xclose(fd);
	}
}

TEST(peers_going_is_no_event)
{
	int fd[2];

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xclose(fd[1]);
	EXPECT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
	EXPECT_EQ(0, poll1(fd[0], ALL | POLLRDHUP, 0));
	/* and a sender without a peer cannot send */
	xpair(ZMQ_PUSH, ZMQ_PULL, fd);
	EXPECT_EQ(OUT, ready(fd[0]));
	xclose(fd[1]);
	EXPECT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
	EXPECT_EQ(0, ready(fd[0]));
}

TEST(epoll_level)
{
	int fd[2], ep;
	char c;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	ep = epoll_with(fd[0], EPOLLIN);
	EXPECT_EQ(0, epoll1(ep, 0));
	xsends(fd[1], "1", 0);
	xsends(fd[1], "2", 0);
	ASSERT_TRUE(wait_in_msgs(fd[0], 2, KZ_WAIT_MS));
	/* told a moment after they are counted */
	EXPECT_EQ(EPOLLIN, epoll_soon(ep));
	EXPECT_EQ(1, recv(fd[0], &c, 1, 0));
	EXPECT_EQ(EPOLLIN, epoll1(ep, 0));
	EXPECT_EQ(1, recv(fd[0], &c, 1, 0));
	EXPECT_EQ(0, epoll1(ep, 0));
}

/* every arrival wakes, also when the one before was not read */
TEST(epoll_edge)
{
	int fd[2], ep, i;
	char c;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	ep = epoll_with(fd[0], EPOLLIN | EPOLLET);
	for (i = 0; i < 5; i++) {
		xsends(fd[1], "x", 0);
		EXPECT_EQ(EPOLLIN, epoll_soon(ep));
		EXPECT_EQ(0, epoll1(ep, 0));
	}
	for (i = 0; i < 5; i++)
		EXPECT_EQ(1, recv(fd[0], &c, 1, MSG_DONTWAIT));
	EXPECT_EQ(0, epoll1(ep, 0));
	xsends(fd[1], "x", 0);
	EXPECT_EQ(EPOLLIN, epoll_soon(ep));
}

TEST(epoll_edge_out)
{
	int fd = xsocket(ZMQ_PUSH), ep;

	xset(fd, ZMQ_SNDHWM, 1);
	xconnect(fd, "tcp://127.0.0.1:9");
	ep = epoll_with(fd, EPOLLOUT | EPOLLET);
	EXPECT_EQ(EPOLLOUT, epoll1(ep, 0));
	EXPECT_EQ(0, epoll1(ep, 0));
	xsends(fd, "x", 0);
	EXPECT_ERR(EAGAIN, send(fd, "x", 1, MSG_DONTWAIT));
	EXPECT_EQ(0, epoll1(ep, 0));
	xset(fd, ZMQ_SNDHWM, 2);
	EXPECT_EQ(EPOLLOUT, epoll_soon(ep));
	EXPECT_EQ(1, send(fd, "x", 1, MSG_DONTWAIT));
}

TEST(epoll_oneshot)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };
	int fd[2], ep;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	ep = epoll_with(fd[0], EPOLLIN | EPOLLONESHOT);
	xsends(fd[1], "1", 0);
	EXPECT_EQ(EPOLLIN, epoll_soon(ep));
	xsends(fd[1], "2", 0);
	ASSERT_TRUE(wait_in_msgs(fd[0], 2, KZ_WAIT_MS));
	EXPECT_EQ(0, epoll1(ep, 0));
	ASSERT_OK(epoll_ctl(ep, EPOLL_CTL_MOD, fd[0], &ev));
	EXPECT_EQ(EPOLLIN, epoll1(ep, 0));
	EXPECT_EQ(0, epoll1(ep, 0));
}

struct ep_waiter {
	pthread_t thread;
	volatile pid_t tid;
	int ep, fd;
	unsigned int events;
	volatile int got;
};

static void *ep_main(void *arg)
{
	struct ep_waiter *w = arg;
	char c;

	w->tid = gettid();
	w->events = epoll_soon(w->ep);
	while (w->events & EPOLLIN && recv(w->fd, &c, 1, MSG_DONTWAIT) == 1) {
		w->got++;
		if (c == '.')
			break;
		w->events = epoll_soon(w->ep);
	}
	return NULL;
}

/* Both waiters together have read so many. */
static bool wait_got(const struct ep_waiter w[2], int n)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (w[0].got + w[1].got < n) {
		if (kz_now_ms() > end)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

/* one message wakes one of two exclusive waiters; two messages end both */
TEST(epoll_exclusive)
{
	struct ep_waiter w[2] = { 0 };
	int fd[2], i, asleep = 0;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 2; i++) {
		w[i].fd = fd[0];
		w[i].ep = epoll_with(fd[0], EPOLLIN | EPOLLEXCLUSIVE);
		pthread_create(&w[i].thread, NULL, ep_main, &w[i]);
		while (!w[i].tid)
			sched_yield();
		ASSERT_TRUE(wait_blocked(w[i].tid, KZ_WAIT_MS));
	}
	xsends(fd[1], "x", 0);
	ASSERT_TRUE(wait_got(w, 1));
	for (i = 0; i < 2; i++)
		asleep += wait_blocked(w[i].tid, KZ_WAIT_MS);
	EXPECT_EQ(2, asleep);
	xsends(fd[1], ".", 0);
	ASSERT_TRUE(wait_got(w, 2));
	xsends(fd[1], ".", 0);
	for (i = 0; i < 2; i++)
		pthread_join(w[i].thread, NULL);
	EXPECT_EQ(3, w[0].got + w[1].got);
}

/* an AF_ZMQ socket in an epoll in an epoll */
TEST(epoll_nested)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd[2], inner, outer;
	char c;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	inner = epoll_with(fd[0], EPOLLIN);
	outer = epoll_create1(0);
	ASSERT_OK(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &ev));
	EXPECT_EQ(0, epoll1(outer, 0));
	xsends(fd[1], "x", 0);
	EXPECT_EQ(EPOLLIN, epoll_soon(outer));
	EXPECT_EQ(1, recv(fd[0], &c, 1, 0));
	EXPECT_EQ(0, epoll1(outer, 0));
	xclose(fd[0]);
	EXPECT_EQ(0, epoll1(outer, 0));
}

/* a notice from a subscriber makes an XPUB readable, a request no PUB */
TEST(xpub_notice_is_readable)
{
	int fd[2];

	xpair(ZMQ_XPUB, ZMQ_SUB, fd);
	xset_text(fd[1], ZMQ_SUBSCRIBE, "A");
	EXPECT_TRUE(wait_ready(fd[0], POLLIN));
	EXPECT_GOT(fd[0], "\1A");
	xclose(fd[0]);
	xclose(fd[1]);
	xpair(ZMQ_PUB, ZMQ_SUB, fd);
	xset_text(fd[1], ZMQ_SUBSCRIBE, "A");
	EXPECT_EQ(0, poll1(fd[0], POLLIN, kz_ms(KZ_QUIET_MS)));
}

/* SIGIO as of any socket */
TEST(sigio)
{
	struct timespec ts = { .tv_sec = kz_ms(KZ_WAIT_MS) / 1000 };
	sigset_t set;
	int fd[2];

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	ASSERT_OK(fcntl(fd[0], F_SETOWN, getpid()));
	ASSERT_OK(fcntl(fd[0], F_SETFL, O_ASYNC));
	xsends(fd[1], "x", 0);
	EXPECT_EQ(SIGIO, sigtimedwait(&set, NULL, &ts));
}

ZMQ_HARNESS_MAIN
