// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Many threads on one socket, sockets that go while they are in use. */
#include "kselftest_harness.h"
#include "lib.h"

#define ROUNDS		200

struct worker {
	pthread_t thread;
	int fd, no, count;
	volatile bool *stop;
	char ep[EP_LEN];
	int bad;
};

static void start(struct worker *w, void *(*fn)(void *))
{
	KZ_CHECK(!pthread_create(&w->thread, NULL, fn, w));
}

static void finish(struct worker *w, int n)
{
	struct timespec ts;
	int i;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += kz_ms(4 * KZ_WAIT_MS) / 1000;
	for (i = 0; i < n; i++)
		if (pthread_timedjoin_np(w[i].thread, NULL, &ts))
			KZ_DIE("thread %d does not end", i);
}

static void *many_sends(void *arg)
{
	struct worker *w = arg;
	__u32 m[2] = { w->no };

	for (m[1] = 0; m[1] < ROUNDS; m[1]++)
		if (send(w->fd, m, sizeof(m), 0) != sizeof(m))
			w->bad = errno;
	return NULL;
}

static void *many_receives(void *arg)
{
	struct worker *w = arg;
	__u32 m[2];

	while (recv(w->fd, m, sizeof(m), 0) == sizeof(m)) {
		if (m[0] == ~0U)
			break;
		w->count++;
	}
	return NULL;
}

TEST(senders_and_receivers)
{
	struct worker s[4] = { 0 }, r[4] = { 0 };
	const __u32 end[2] = { ~0U };
	int fd[2], i, sum = 0;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 4; i++) {
		r[i].fd = fd[0];
		start(&r[i], many_receives);
		s[i].fd = fd[1];
		s[i].no = i;
		start(&s[i], many_sends);
	}
	finish(s, 4);
	for (i = 0; i < 4; i++)
		xsend(fd[1], end, sizeof(end), 0);
	finish(r, 4);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, s[i].bad);
		sum += r[i].count;
	}
	EXPECT_EQ(4 * ROUNDS, sum);
}

/* whatever happens to the socket, calls end with a known result */
static void *any_calls(void *arg)
{
	struct worker *w = arg;
	struct zmq_stats st;
	char buf[64];
	socklen_t len;
	int n;

	while (!*w->stop) {
		switch (w->no % 5) {
		case 0:
			n = send(w->fd, "x", 1, MSG_DONTWAIT);
			break;
		case 1:
			n = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT);
			break;
		case 2:
			n = poll1(w->fd, POLLIN | POLLOUT, 0);
			break;
		case 3:
			len = sizeof(st);
			n = getsockopt(w->fd, SOL_ZMQ, ZMQ_STATS, &st, &len);
			break;
		default:
			n = zset(w->fd, ZMQ_SNDHWM, w->count % 10);
			break;
		}
		w->count++;
		if (n < 0 && errno != EAGAIN && errno != ESHUTDOWN)
			w->bad = errno;
	}
	return NULL;
}

TEST(shutdown_under_load)
{
	volatile bool stop;
	int round, i, fd[2];

	for (round = 0; round < 20; round++) {
		struct worker w[10] = { 0 };

		stop = false;
		xpair(ZMQ_DEALER, ZMQ_DEALER, fd);
		for (i = 0; i < 10; i++) {
			w[i].fd = fd[i % 2];
			w[i].no = i / 2;
			w[i].stop = &stop;
			start(&w[i], any_calls);
		}
		while (w[0].count < 50 || w[1].count < 50)
			sched_yield();
		ASSERT_OK(shutdown(fd[round % 2], SHUT_RDWR));
		stop = true;
		finish(w, 10);
		for (i = 0; i < 10; i++)
			EXPECT_EQ(0, w[i].bad);
		xclose(fd[0]);
		xclose(fd[1]);
	}
}

static void *blocked_receive(void *arg)
{
	struct worker *w = arg;
	char c;

	w->count = gettid();
	w->bad = recv(w->fd, &c, 1, 0) < 0 ? errno : 0;
	return NULL;
}

TEST(shutdown_while_blocked)
{
	int round, i;

	for (round = 0; round < 10; round++) {
		struct worker w[4] = { 0 };
		int fd = xsocket(ZMQ_PULL);

		xtimeo(fd, -1, -1);
		for (i = 0; i < 4; i++) {
			w[i].fd = fd;
			start(&w[i], blocked_receive);
		}
		for (i = 0; i < round % 4; i++) {
			while (!*(volatile int *)&w[i].count)
				sched_yield();
			wait_blocked(w[i].count, KZ_WAIT_MS);
		}
		ASSERT_OK(shutdown(fd, SHUT_RDWR));
		finish(w, 4);
		for (i = 0; i < 4; i++)
			EXPECT_EQ(ESHUTDOWN, w[i].bad);
		xclose(fd);
	}
}

static void *connect_storm(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 0; i < w->count; i++) {
		int fd = xsocket(ZMQ_PUSH);

		xconnect(fd, w->ep);
		if (i % 3)
			send(fd, "x", 1, MSG_DONTWAIT);
		if (i % 5 == 0)
			xpeers(fd, 1);
		xclose(fd);
	}
	return NULL;
}

/* connections come and go faster than they can be made */
TEST(storm_of_connects)
{
	struct worker w[4] = { 0 };
	int pull = xsocket(ZMQ_PULL), push, i;
	char ep[EP_LEN], buf[8] = "";
	ssize_t n;

	xbind_any(pull, ep);
	for (i = 0; i < 4; i++) {
		strcpy(w[i].ep, ep);
		w[i].count = 50;
		start(&w[i], connect_storm);
	}
	finish(w, 4);
	EXPECT_TRUE(wait_peers(pull, 0, KZ_WAIT_MS));
	while (recv(pull, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
	push = xsocket(ZMQ_PUSH);
	xconnect(push, ep);
	xsends(push, "still", 0);
	/* one of those who have left may be taken in only now */
	do
		n = recv(pull, buf, sizeof(buf), 0);
	while (n == 1 && buf[0] == 'x');
	EXPECT_EQ(5, n);
	EXPECT_EQ(0, memcmp(buf, "still", 5));
}

static void *endpoint_storm(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 0; i < 60; i++) {
		if (zset_text(w->fd, ZMQ_CONNECT, w->ep))
			w->bad = errno;
		if (zset_text(w->fd, ZMQ_DISCONNECT, w->ep) &&
		    errno != ENOENT)
			w->bad = errno;
	}
	return NULL;
}

/* one socket, several threads that connect and disconnect it */
TEST(storm_on_one_socket)
{
	struct worker w[3] = { 0 };
	int push = xsocket(ZMQ_PUSH), pull[3], i;

	for (i = 0; i < 3; i++) {
		pull[i] = xsocket(ZMQ_PULL);
		xbind_any(pull[i], w[i].ep);
		w[i].fd = push;
		start(&w[i], endpoint_storm);
	}
	finish(w, 3);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, w[i].bad);
		EXPECT_TRUE(wait_peers(pull[i], 0, KZ_WAIT_MS));
	}
	EXPECT_TRUE(wait_peers(push, 0, KZ_WAIT_MS));
	xconnect(push, w[0].ep);
	xsends(push, "still", 0);
	EXPECT_GOT(pull[0], "still");
}

static void *bind_storm(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 0; i < 60; i++) {
		int fd = xsocket(ZMQ_PULL);

		xbind_any(fd, w->ep);
		if (i % 2)
			xunbind(fd, w->ep);
		xclose(fd);
	}
	return NULL;
}

TEST(storm_of_binds)
{
	struct worker w[4] = { 0 };
	int i;

	for (i = 0; i < 4; i++)
		start(&w[i], bind_storm);
	finish(w, 4);
}

/* a subscriber changes its mind while the publisher publishes */
static void *mind_changes(void *arg)
{
	struct worker *w = arg;
	char topic[8];
	int i;

	for (i = 0; i < 300; i++) {
		snprintf(topic, sizeof(topic), "t%d", i % 7);
		if (zset_text(w->fd, ZMQ_SUBSCRIBE, topic) ||
		    zset_text(w->fd, ZMQ_UNSUBSCRIBE, topic))
			w->bad = errno;
	}
	return NULL;
}

static void *publishes(void *arg)
{
	struct worker *w = arg;
	char topic[8];

	while (!*w->stop) {
		snprintf(topic, sizeof(topic), "t%d", w->count++ % 7);
		if (send(w->fd, topic, 2, 0) != 2)
			w->bad = errno;
	}
	return NULL;
}

TEST(subscriptions_under_load)
{
	struct worker s[3] = { 0 }, p = { 0 };
	int pub = xsocket(ZMQ_PUB), i;
	volatile bool stop = false;
	char ep[EP_LEN];

	xbind_any(pub, ep);
	for (i = 0; i < 3; i++) {
		s[i].fd = xsocket(ZMQ_SUB);
		xconnect(s[i].fd, ep);
		start(&s[i], mind_changes);
	}
	p.fd = pub;
	p.stop = &stop;
	start(&p, publishes);
	finish(s, 3);
	stop = true;
	finish(&p, 1);
	EXPECT_EQ(0, p.bad);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, s[i].bad);
		EXPECT_EQ(0, zget(s[i].fd, ZMQ_TOPICS_COUNT));
	}
}

static void *keeps_sending(void *arg)
{
	struct worker *w = arg;

	while (!*w->stop)
		if (send(w->fd, "x", 1, MSG_DONTWAIT) < 0) {
			if (errno != EAGAIN)
				w->bad = errno;
			poll1(w->fd, POLLOUT, 10);
		}
	return NULL;
}

/* the server dies and returns under clients that go on sending */
TEST(restarts_under_load)
{
	struct worker w[3] = { 0 };
	volatile bool stop = false;
	char ep[EP_LEN];
	int i, pull, round;

	pull = xsocket(ZMQ_PULL);
	xbind_any(pull, ep);
	for (i = 0; i < 3; i++) {
		w[i].fd = xsocket(ZMQ_PUSH);
		xset(w[i].fd, ZMQ_RECONNECT_IVL, 5);
		xconnect(w[i].fd, ep);
		w[i].stop = &stop;
		start(&w[i], keeps_sending);
	}
	for (round = 0; round < 10; round++) {
		EXPECT_TRUE(wait_ready(pull, POLLIN));
		xclose(pull);
		pull = xsocket(ZMQ_PULL);
		xbind(pull, ep);
	}
	EXPECT_TRUE(wait_ready(pull, POLLIN));
	stop = true;
	finish(w, 3);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, w[i].bad);
}

/* messages in flight in both directions when one side closes */
TEST(close_under_load)
{
	int round, fd[2], i;

	for (round = 0; round < 50; round++) {
		xpair(ZMQ_DEALER, ZMQ_DEALER, fd);
		for (i = 0; i < round % 20; i++) {
			xsendv(fd[0], "a", "b", NULL);
			xsends(fd[1], "c", 0);
		}
		xclose(fd[round % 2]);
		xclose(fd[!(round % 2)]);
	}
}

/* a process that dies with sockets in every state */
TEST(killed_under_load)
{
	int round, status;

	for (round = 0; round < 5; round++) {
		int go[2];
		pid_t pid;
		char c;

		ASSERT_OK(pipe(go));
		pid = fork();
		if (!pid) {
			struct worker w[4] = { 0 };
			volatile bool stop = false;
			int fd[2], i;

			xpair(ZMQ_DEALER, ZMQ_DEALER, fd);
			xconnect(fd[0], "tcp://127.0.0.1:9");
			for (i = 0; i < 4; i++) {
				w[i].fd = fd[i % 2];
				w[i].no = i / 2;
				w[i].stop = &stop;
				start(&w[i], any_calls);
			}
			if (write(go[1], "g", 1) != 1)
				_exit(1);
			pause();
		}
		ASSERT_EQ(1, read(go[0], &c, 1));
		kill(pid, SIGKILL);
		ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
		EXPECT_TRUE(WIFSIGNALED(status));
		xclose(go[0]);
		xclose(go[1]);
	}
}

ZMQ_HARNESS_MAIN
