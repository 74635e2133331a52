// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 */
/*
 * Monitors: nobody who reads, many at a time, who closes first, other
 * processes.
 */
#include "kselftest_harness.h"
#include "libmon.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#define MOST	64	/* monitors of a socket */

/* A peer comes and goes: three events of the bound side. */
static void visit(int srv, const char *ep)
{
	int raw = raw_peer(ep, "PUSH", "PULL");

	xpeers(srv, 1);
	close(raw);
	xpeers(srv, 0);
}

TEST(nobody_reads)
{
	int srv = xsocket(ZMQ_PULL), cli = xsocket(ZMQ_PUSH), mon, all, i;
	long lost = mib("MonitorEventsLost"), events = mib("MonitorEvents");
	__u64 seq = 0, missed = 0, had;
	char ep[EP_LEN];
	struct mon_rec r;

	mon = mon_open(srv, ZMQ_EVENT_ALL, ZMQ_MONITOR_BYTES_MIN);
	ASSERT_LE(0, mon);
	xbind_any(srv, ep);
	for (i = 0; i < 20; i++)
		visit(srv, ep);
	ASSERT_LT(lost, mib("MonitorEventsLost"));
	/* another one has not lost anything */
	all = xmon(srv);
	xconnect(cli, ep);
	xpeers(cli, 1);
	for (i = 0; i < 500; i++) {
		xsends(cli, "x", 0);
		EXPECT_EQ(1, recv(srv, &ep, 1, 0));
	}
	ASSERT_EVENT(all, ACCEPTED, &r);
	EXPECT_EQ(1, r.e.seq);
	ASSERT_EVENT(all, HANDSHAKE_SUCCEEDED, &r);
	EXPECT_EQ(0, r.e.lost);

	/* the oldest are there, without a gap; then it is known how many not */
	while (poll1(mon, POLLIN, 0)) {
		ASSERT_TRUE(mon_read(mon, &r));
		EXPECT_EQ(++seq, r.e.seq);
		EXPECT_EQ(0, r.e.lost);
	}
	had = seq;
	EXPECT_LE(20, had);
	EXPECT_GT(ZMQ_MONITOR_BYTES_MIN / sizeof(r.e), had);
	xclose(cli);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_LT(0, r.e.lost);
	EXPECT_EQ(seq + r.e.lost + 1, r.e.seq);
	missed += r.e.lost;
	seq = r.e.seq;
	EXPECT_EQ(lost + (long)missed, mib("MonitorEventsLost"));
	EXPECT_EQ(events + (long)seq, mib("MonitorEvents"));
	/* and all is well again */
	xclose(srv);
	ASSERT_EVENT(mon, CLOSED, &r);
	EXPECT_EQ(0, r.e.lost);
	EXPECT_EQ(++seq, r.e.seq);
	ASSERT_EVENT(mon, MONITOR_STOPPED, &r);
	EXPECT_EQ(++seq, r.e.seq);
	xclose(mon);
	xclose(all);
}

/* The end is told although there is no room for it, with what was lost. */
TEST(nobody_reads_until_the_end)
{
	int srv = xsocket(ZMQ_PULL), mon, i;
	__u64 seq = 0;
	char ep[EP_LEN];
	struct mon_rec r;

	mon = mon_open(srv, ZMQ_EVENT_ALL, ZMQ_MONITOR_BYTES_MIN);
	ASSERT_LE(0, mon);
	for (i = 0; i < 100; i++) {
		xbind_any(srv, ep);
		xunbind(srv, ep);
	}
	xclose(srv);
	do {
		ASSERT_TRUE(mon_next(mon, &r));
		seq += r.e.lost + 1;
		EXPECT_EQ(seq, r.e.seq);
	} while (r.e.event != ZMQ_EVENT_MONITOR_STOPPED);
	EXPECT_LT(0, r.e.lost);
	EXPECT_EQ(201, seq);
	EXPECT_FALSE(mon_next(mon, &r));
	xclose(mon);
}

TEST(many)
{
	int srv = xsocket(ZMQ_PULL), mon[MOST], i;
	char ep[EP_LEN];
	struct mon_rec r;

	for (i = 0; i < MOST; i++) {
		mon[i] = mon_open(srv, ZMQ_EVENT_ALL, ZMQ_MONITOR_BYTES_MIN);
		ASSERT_LE(0, mon[i]);
	}
	EXPECT_ERR(EMFILE, mon_open(srv, ZMQ_EVENT_ALL, 0));
	xclose(mon[7]);
	mon[7] = xmon(srv);
	xbind_any(srv, ep);
	visit(srv, ep);
	for (i = 0; i < MOST; i++) {
		ASSERT_EVENT(mon[i], LISTENING, &r);
		ASSERT_EVENT(mon[i], ACCEPTED, &r);
		ASSERT_EVENT(mon[i], HANDSHAKE_SUCCEEDED, &r);
		ASSERT_EVENT(mon[i], DISCONNECTED, &r);
		if (i & 1)
			xclose(mon[i]);
	}
	xclose(srv);
	for (i = 0; i < MOST; i += 2) {
		ASSERT_EVENT(mon[i], CLOSED, &r);
		ASSERT_EVENT(mon[i], MONITOR_STOPPED, &r);
		xclose(mon[i]);
	}
}

TEST(no_descriptors_left)
{
	int fd = xsocket(ZMQ_PULL), mon;
	struct rlimit was, low;

	mon = xmon(fd);
	KZ_CHECK(!getrlimit(RLIMIT_NOFILE, &was));
	low = was;
	low.rlim_cur = mon + 1;
	KZ_CHECK(!setrlimit(RLIMIT_NOFILE, &low));
	EXPECT_ERR(EMFILE, mon_open(fd, ZMQ_EVENT_ALL, 0));
	KZ_CHECK(!setrlimit(RLIMIT_NOFILE, &was));
	xclose(mon);
	xclose(fd);
}

static void *reader(void *arg)
{
	int mon = *(int *)arg;
	struct mon_rec r;
	long n = 0;

	while (mon_read(mon, &r))
		n++;
	return (void *)n;
}

/* Who waits in read() or epoll is woken by an event and by the end. */
TEST(waiting)
{
	struct epoll_event want = { .events = EPOLLIN | EPOLLET }, got;
	int fd = xsocket(ZMQ_PULL), a = xmon(fd), b = xmon(fd), ep;
	char text[EP_LEN];
	pthread_t t;
	void *n;

	ep = epoll_create1(EPOLL_CLOEXEC);
	KZ_CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, b, &want));
	EXPECT_EQ(0, epoll_wait(ep, &got, 1, 0));
	KZ_CHECK(!pthread_create(&t, NULL, reader, &a));
	xbind_any(fd, text);
	EXPECT_EQ(1, epoll_wait(ep, &got, 1, kz_ms(KZ_WAIT_MS)));
	EXPECT_EQ(EPOLLIN, got.events);
	/* edge-triggered: each arrival counts, read or not */
	EXPECT_EQ(0, epoll_wait(ep, &got, 1, 0));
	xunbind(fd, text);
	EXPECT_EQ(1, epoll_wait(ep, &got, 1, kz_ms(KZ_WAIT_MS)));
	xclose(fd);
	EXPECT_EQ(1, epoll_wait(ep, &got, 1, kz_ms(KZ_WAIT_MS)));
	EXPECT_TRUE(got.events & EPOLLHUP);
	KZ_CHECK(!pthread_join(t, &n));
	EXPECT_EQ(3, (long)n);
	close(ep);
	xclose(a);
	xclose(b);
}

/* Threads that read one monitor share its events: each comes once. */
TEST(readers_share)
{
	int fd = xsocket(ZMQ_PULL), mon = xmon(fd), i;
	long sum = -mib("MonitorEventsLost");
	char text[EP_LEN];
	pthread_t t[4];
	void *n;

	for (i = 0; i < 4; i++)
		KZ_CHECK(!pthread_create(&t[i], NULL, reader, &mon));
	for (i = 0; i < 100; i++) {
		xbind_any(fd, text);
		xunbind(fd, text);
	}
	xclose(fd);
	for (i = 0; i < 4; i++) {
		KZ_CHECK(!pthread_join(t[i], &n));
		sum += (long)n;
	}
	EXPECT_EQ(201, sum + mib("MonitorEventsLost"));
	xclose(mon);
}

/* While a closed socket lingers its monitor goes on. */
TEST(lingering)
{
	int cli = xsocket(ZMQ_PUSH), srv, l, mon = xmon(cli);
	char ep[EP_LEN];
	struct mon_rec r;

	l = raw_listen(ep);
	close(l);
	xset(cli, ZMQ_LINGER, 20000 * kz_slow());
	xset(cli, ZMQ_RECONNECT_IVL, 30);
	xconnect(cli, ep);
	xsends(cli, "late", 0);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_CONNECT_RETRIED, &r));
	xclose(cli);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_CONNECT_RETRIED, &r));
	srv = xsocket(ZMQ_PULL);
	xbind(srv, ep);
	EXPECT_GOT(srv, "late");
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &r));
	ASSERT_EVENT(mon, MONITOR_STOPPED, &r);
	xclose(srv);
	xclose(mon);
}

/* shutdown() ends the calls, not the socket. */
TEST(shut_down)
{
	int srv = xsocket(ZMQ_PULL), raw, mon = xmon(srv);
	char ep[EP_LEN];
	struct mon_rec r;

	xbind_any(srv, ep);
	raw = raw_peer(ep, "PUSH", "PULL");
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &r));
	EXPECT_OK(shutdown(srv, SHUT_RDWR));
	close(raw);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	xclose(srv);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_MONITOR_STOPPED, &r));
	xclose(mon);
}

/* ---- who closes first ---- */

struct race {
	int fd, mon[3];
	pthread_barrier_t start;
};

static void *close_socket(void *arg)
{
	struct race *x = arg;

	pthread_barrier_wait(&x->start);
	close(x->fd);
	return NULL;
}

static void *close_monitors(void *arg)
{
	struct race *x = arg;
	int i;

	pthread_barrier_wait(&x->start);
	for (i = 0; i < 3; i++)
		close(x->mon[i]);
	return NULL;
}

static void *open_monitors(void *arg)
{
	struct race *x = arg;
	int i, mon;

	pthread_barrier_wait(&x->start);
	for (i = 0; i < 3; i++) {
		mon = mon_open(x->fd, ZMQ_EVENT_ALL, 0);
		if (mon >= 0)
			close(mon);
	}
	return NULL;
}

static void *come_and_go(void *arg)
{
	struct race *x = arg;

	pthread_barrier_wait(&x->start);
	zbind(x->fd, "ipc://@race");
	zset_text(x->fd, ZMQ_UNBIND, "ipc://@race");
	return NULL;
}

TEST(closing_races)
{
	void *(*fn[])(void *) = {
		close_socket, close_monitors, open_monitors, come_and_go,
	};
	int cli = xsocket(ZMQ_PUSH), round, i;
	struct race x;
	pthread_t t[4];

	xset(cli, ZMQ_RECONNECT_IVL, 1);
	xconnect(cli, "ipc://@race");
	pthread_barrier_init(&x.start, NULL, 4);
	for (round = 0; round < 300; round++) {
		x.fd = xsocket(ZMQ_PULL);
		for (i = 0; i < 3; i++)
			x.mon[i] = mon_open(x.fd, ZMQ_EVENT_ALL,
					    ZMQ_MONITOR_BYTES_MIN << (4 * i));
		for (i = 0; i < 4; i++)
			KZ_CHECK(!pthread_create(&t[i], NULL, fn[i], &x));
		for (i = 0; i < 4; i++)
			KZ_CHECK(!pthread_join(t[i], NULL));
	}
	pthread_barrier_destroy(&x.start);
	xclose(cli);
}

/* ---- other processes ---- */

TEST(fork_keeps_reading)
{
	int fd = xsocket(ZMQ_PULL), mon = xmon(fd), status;
	char text[EP_LEN];
	struct mon_rec r;
	pid_t pid;

	pid = fork();
	KZ_CHECK(pid >= 0);
	if (!pid) {
		/* the monitor does not keep the socket, nor the other way */
		close(fd);
		_exit(mon_until(mon, ZMQ_EVENT_LISTENING, &r) &&
		      mon_until(mon, ZMQ_EVENT_MONITOR_STOPPED, &r) &&
		      !mon_next(mon, &r) ? 0 : 1);
	}
	xclose(mon);
	xbind_any(fd, text);
	xclose(fd);
	ASSERT_TRUE(wait_exit(pid, &status, kz_ms(KZ_WAIT_MS)));
	EXPECT_EQ(0, status);
}

static bool send_fd(int via, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} u = { .h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &u, .msg_controllen = sizeof(u) };

	memcpy(CMSG_DATA(&u.h), &fd, sizeof(fd));
	return sendmsg(via, &m, 0) == 1;
}

static int recv_fd(int via)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} u;
	char c;
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &u, .msg_controllen = sizeof(u) };
	int fd;

	KZ_CHECK(recvmsg(via, &m, 0) == 1);
	memcpy(&fd, CMSG_DATA(&u.h), sizeof(fd));
	return fd;
}

TEST(passed_on)
{
	int fd = xsocket(ZMQ_PULL), mon = xmon(fd), pair[2], got;
	char text[EP_LEN];
	struct mon_rec r;

	KZ_CHECK(!socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	ASSERT_TRUE(send_fd(pair[0], mon));
	xclose(mon);
	/* on its way it still hears */
	xbind_any(fd, text);
	got = recv_fd(pair[1]);
	ASSERT_EVENT(got, LISTENING, &r);
	/* left on the way, together with the socket and the way itself */
	ASSERT_TRUE(send_fd(pair[0], got));
	ASSERT_TRUE(send_fd(pair[0], fd));
	ASSERT_TRUE(send_fd(pair[0], pair[1]));
	xclose(got);
	xclose(fd);
	close(pair[1]);
	/* this one is really gone, which makes the kernel look for cycles */
	close(pair[0]);
	/* that nothing is left of it shows when the module is removed */
}

ZMQ_HARNESS_MAIN
