// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Calls that wait: time limits, signals, shutdown, and who wakes them. */
#include "kselftest_harness.h"
#include "lib.h"

#include <limits.h>
#include <sys/time.h>

static int signals;	/* of several threads */

static void on_signal(int sig)
{
	(void)sig;
	__atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
}

static void catch(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	KZ_CHECK(!sigaction(SIGUSR1, &sa, NULL));
}

/* A thread inside one blocking call. */
struct waiter {
	pthread_t thread;
	volatile pid_t tid;
	int fd;
	bool sending;
	ssize_t ret;
	int err;
	char buf[64];
};

static void *wait_main(void *arg)
{
	struct waiter *w = arg;

	w->tid = gettid();
	errno = 0;
	if (w->sending)
		w->ret = send(w->fd, "x", 1, 0);
	else
		w->ret = recv(w->fd, w->buf, sizeof(w->buf), 0);
	w->err = errno;
	return NULL;
}

static void waiter_start(struct waiter *w, int fd, bool sending)
{
	memset(w, 0, sizeof(*w));
	w->fd = fd;
	w->sending = sending;
	KZ_CHECK(!pthread_create(&w->thread, NULL, wait_main, w));
	while (!w->tid)
		sched_yield();
	KZ_CHECK(wait_blocked(w->tid, KZ_WAIT_MS));
}

static void waiter_join(struct waiter *w)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += kz_ms(KZ_WAIT_MS) / 1000;
	if (pthread_timedjoin_np(w->thread, NULL, &ts))
		KZ_DIE("the call did not end");
}

/* ticks are coarse */
static long long least(int limit)
{
	return limit * 3 / 4 - 8;
}

static long long time_recv(int fd, int *err)
{
	long long t = kz_tick_ms();
	char c;

	*err = recv(fd, &c, 1, 0) < 0 ? errno : 0;
	return kz_now_ms() - t;
}

static long long time_send(int fd, int *err)
{
	long long t = kz_tick_ms();

	*err = send(fd, "x", 1, 0) < 0 ? errno : 0;
	return kz_now_ms() - t;
}

TEST(receive_time_limit)
{
	static const int limit[] = { 0, 1, 20, 100, 250 };
	int fd = xsocket(ZMQ_PULL), err;
	long long t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limit); i++) {
		xset(fd, ZMQ_RCVTIMEO, limit[i]);
		t = time_recv(fd, &err);
		EXPECT_EQ(EAGAIN, err);
		EXPECT_LE(least(limit[i]), t);
		EXPECT_GE(limit[i] + kz_ms(2000), t);
	}
}

TEST(send_time_limit)
{
	static const int limit[] = { 0, 1, 20, 100, 250 };
	int fd = xsocket(ZMQ_PUSH), err;
	long long t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limit); i++) {
		xset(fd, ZMQ_SNDTIMEO, limit[i]);
		t = time_send(fd, &err);
		EXPECT_EQ(EAGAIN, err);
		EXPECT_LE(least(limit[i]), t);
		EXPECT_GE(limit[i] + kz_ms(2000), t);
	}
}

/* MSG_DONTWAIT and O_NONBLOCK go before the limit */
TEST(no_wait_in_spite_of_limit)
{
	int fd = xsocket(ZMQ_DEALER), err;
	long long t = kz_now_ms();
	char c;

	xtimeo(fd, 60000, 60000);
	EXPECT_ERR(EAGAIN, recv(fd, &c, 1, MSG_DONTWAIT));
	EXPECT_ERR(EAGAIN, send(fd, &c, 1, MSG_DONTWAIT));
	ASSERT_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	time_recv(fd, &err);
	EXPECT_EQ(EAGAIN, err);
	time_send(fd, &err);
	EXPECT_EQ(EAGAIN, err);
	EXPECT_GT(kz_ms(10000), kz_now_ms() - t);
}

/* SO_RCVTIMEO and ZMQ_RCVTIMEO are two names of one thing */
TEST(two_names_of_the_limit)
{
	static const struct {
		int so, zmq;
	} names[] = {
		{ SO_RCVTIMEO, ZMQ_RCVTIMEO }, { SO_SNDTIMEO, ZMQ_SNDTIMEO },
	};
	struct timeval tv;
	int fd = zsocket(ZMQ_DEALER);
	socklen_t len;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(-1, zget(fd, names[i].zmq));
		len = sizeof(tv);
		tv.tv_sec = 77;
		EXPECT_OK(getsockopt(fd, SOL_SOCKET, names[i].so, &tv, &len));
		EXPECT_EQ(0, tv.tv_sec);
		EXPECT_EQ(0, tv.tv_usec);

		xset(fd, names[i].zmq, 1500);
		len = sizeof(tv);
		EXPECT_OK(getsockopt(fd, SOL_SOCKET, names[i].so, &tv, &len));
		EXPECT_EQ(1, tv.tv_sec);
		EXPECT_EQ(500000, tv.tv_usec);
		EXPECT_EQ(1500, zget(fd, names[i].zmq));

		tv = (struct timeval){ .tv_sec = 2, .tv_usec = 40000 };
		EXPECT_OK(setsockopt(fd, SOL_SOCKET, names[i].so, &tv,
				     sizeof(tv)));
		EXPECT_EQ(2040, zget(fd, names[i].zmq));

		tv = (struct timeval){ 0 };	/* which is for ever */
		EXPECT_OK(setsockopt(fd, SOL_SOCKET, names[i].so, &tv,
				     sizeof(tv)));
		EXPECT_EQ(-1, zget(fd, names[i].zmq));

		xset(fd, names[i].zmq, 0);	/* which is at once */
		EXPECT_EQ(0, zget(fd, names[i].zmq));
		xset(fd, names[i].zmq, -1);
	}
}

TEST(so_timeo_works)
{
	struct timeval tv = { .tv_usec = 60000 };
	int fd = xsocket(ZMQ_DEALER), err;
	long long t;

	ASSERT_OK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	ASSERT_OK(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	t = time_recv(fd, &err);
	EXPECT_EQ(EAGAIN, err);
	EXPECT_LE(least(60), t);
	t = time_send(fd, &err);
	EXPECT_EQ(EAGAIN, err);
	EXPECT_LE(least(60), t);
}

TEST(arrival_wakes_receiver)
{
	struct waiter w;
	int fd[2];

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xtimeo(fd[0], -1, -1);
	waiter_start(&w, fd[0], false);
	xsends(fd[1], "wake", 0);
	waiter_join(&w);
	EXPECT_EQ(4, w.ret);
}

TEST(peer_wakes_sender)
{
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL);
	struct waiter w;
	char ep[EP_LEN];

	xbind_any(push, ep);
	xtimeo(push, -1, -1);
	waiter_start(&w, push, true);
	xconnect(pull, ep);
	waiter_join(&w);
	EXPECT_EQ(1, w.ret);
	EXPECT_GOT(pull, "x");
}

TEST(connect_wakes_sender)
{
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL);
	struct waiter w;
	char ep[EP_LEN];

	xbind_any(pull, ep);
	xtimeo(push, -1, -1);
	waiter_start(&w, push, true);
	xconnect(push, ep);
	waiter_join(&w);
	EXPECT_EQ(1, w.ret);
	EXPECT_GOT(pull, "x");
}

TEST(higher_mark_wakes_sender)
{
	int push = xsocket(ZMQ_PUSH);
	struct waiter w;

	xset(push, ZMQ_SNDHWM, 1);
	xconnect(push, "tcp://127.0.0.1:9");
	xsends(push, "first", 0);
	xtimeo(push, -1, -1);
	waiter_start(&w, push, true);
	xset(push, ZMQ_SNDHWM, 10);
	waiter_join(&w);
	EXPECT_EQ(1, w.ret);
}

static void shutdown_wakes(struct __test_metadata *_metadata, bool sending,
			   int limit)
{
	int fd = xsocket(ZMQ_DEALER);
	struct waiter w[3];
	int i;

	xtimeo(fd, limit, limit);
	for (i = 0; i < 3; i++)
		waiter_start(&w[i], fd, sending);
	ASSERT_OK(shutdown(fd, SHUT_RDWR));
	for (i = 0; i < 3; i++) {
		waiter_join(&w[i]);
		EXPECT_EQ(-1, w[i].ret);
		EXPECT_EQ(ESHUTDOWN, w[i].err);
	}
	xclose(fd);
}

TEST(shutdown_wakes_receivers)
{
	shutdown_wakes(_metadata, false, -1);
	shutdown_wakes(_metadata, false, 600000);
}

TEST(shutdown_wakes_senders)
{
	shutdown_wakes(_metadata, true, -1);
	shutdown_wakes(_metadata, true, 600000);
}

/* no SIGPIPE: the default action would end the test */
TEST(no_sigpipe)
{
	int fd = xsocket(ZMQ_DEALER);

	ASSERT_OK(shutdown(fd, SHUT_RDWR));
	signal(SIGPIPE, SIG_DFL);
	EXPECT_ERR(ESHUTDOWN, send(fd, "x", 1, 0));
	EXPECT_ERR(ESHUTDOWN, write(fd, "x", 1));
}

static void signal_ends(struct __test_metadata *_metadata, bool sending,
			int limit, int flags)
{
	int fd = xsocket(ZMQ_DEALER);
	struct waiter w;

	catch(flags);
	xtimeo(fd, limit, limit);
	waiter_start(&w, fd, sending);
	signals = 0;
	ASSERT_EQ(0, pthread_kill(w.thread, SIGUSR1));
	waiter_join(&w);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(-1, w.ret);
	EXPECT_EQ(EINTR, w.err);
	xclose(fd);
}

TEST(signal_without_restart)
{
	signal_ends(_metadata, false, -1, 0);
	signal_ends(_metadata, true, -1, 0);
	signal_ends(_metadata, false, 600000, 0);
	signal_ends(_metadata, true, 600000, 0);
}

/* a wait with a limit is not started again, as its limit would be too */
TEST(signal_with_restart_and_limit)
{
	signal_ends(_metadata, false, 600000, SA_RESTART);
	signal_ends(_metadata, true, 600000, SA_RESTART);
}

/* nor is one whose limit is as good as none */
TEST(signal_with_restart_and_endless_limit)
{
	signal_ends(_metadata, false, INT_MAX, SA_RESTART);
	signal_ends(_metadata, true, INT_MAX, SA_RESTART);
}

TEST(signal_with_restart)
{
	struct waiter r, s;
	int fd[2], push;
	char ep[EP_LEN];

	catch(SA_RESTART);
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	push = xsocket(ZMQ_PUSH);
	xbind_any(push, ep);
	xtimeo(fd[0], -1, -1);
	xtimeo(push, -1, -1);
	waiter_start(&r, fd[0], false);
	waiter_start(&s, push, true);
	signals = 0;
	ASSERT_EQ(0, pthread_kill(r.thread, SIGUSR1));
	ASSERT_EQ(0, pthread_kill(s.thread, SIGUSR1));
	while (__atomic_load_n(&signals, __ATOMIC_RELAXED) < 2)
		sched_yield();
	EXPECT_TRUE(wait_blocked(r.tid, KZ_WAIT_MS));
	EXPECT_TRUE(wait_blocked(s.tid, KZ_WAIT_MS));
	xsends(fd[1], "after", 0);
	waiter_join(&r);
	EXPECT_EQ(5, r.ret);
	xconnect(fd[0], ep);
	waiter_join(&s);
	EXPECT_EQ(1, s.ret);
}

/* SIGKILL ends a process that waits */
TEST(kill_ends_the_wait)
{
	int status, fd = xsocket(ZMQ_PULL);
	pid_t pid;

	xtimeo(fd, -1, -1);
	pid = fork();
	if (!pid) {
		char c;

		recv(fd, &c, 1, 0);
		_exit(0);
	}
	ASSERT_TRUE(wait_blocked(pid, KZ_WAIT_MS));
	kill(pid, SIGKILL);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_TRUE(WIFSIGNALED(status));
}

/* each of several receivers gets one of several messages */
TEST(one_message_per_receiver)
{
	struct waiter w[4];
	int fd[2], i;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xtimeo(fd[0], -1, -1);
	for (i = 0; i < 4; i++)
		waiter_start(&w[i], fd[0], false);
	for (i = 0; i < 4; i++)
		xsends(fd[1], "m", 0);
	for (i = 0; i < 4; i++) {
		waiter_join(&w[i]);
		EXPECT_EQ(1, w[i].ret);
	}
}

/* closing the descriptor in one thread does not free what another waits on */
TEST(close_while_waiting)
{
	struct waiter w;
	int fd[2], copy;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xtimeo(fd[0], -1, -1);
	copy = dup(fd[0]);
	waiter_start(&w, fd[0], false);
	xclose(fd[0]);
	xclose(copy);
	xsends(fd[1], "late", 0);
	waiter_join(&w);
	EXPECT_EQ(4, w.ret);
	EXPECT_TRUE(wait_peers(fd[1], 0, KZ_WAIT_MS));
}

ZMQ_HARNESS_MAIN
