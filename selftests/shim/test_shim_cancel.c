// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Threads that are cancelled while they wait in a call: nothing of theirs stays. */
#include "kselftest_harness.h"
#include "shim.h"

#include <time.h>

static int receive(void *s)
{
	char buf[16];

	return zmq_recv(s, buf, sizeof(buf), 0);
}

static int receive_more(void *s)
{
	/* ours takes another way once it was asked for */
	zget(s, ZMQ_RCVMORE);
	return receive(s);
}

static int receive_msg(void *s)
{
	zmq_msg_t m;

	zmq_msg_init(&m);
	return zmq_msg_recv(&m, s, 0);
}

static int send_buf(void *s)
{
	return zmq_send(s, "x", 1, 0);
}

static int send_iov(void *s)
{
	struct iovec iov[2] = { { "a", 1 }, { "b", 1 } };

	return zmq_sendiov(s, iov, 2, ZMQ_SNDMORE);
}

static int wait_readable(void *s)
{
	zmq_pollitem_t p = { .socket = s, .events = ZMQ_POLLIN };

	return zmq_poll(&p, 1, -1);
}

/* more items than the library keeps on the stack */
static int wait_many(void *s)
{
	zmq_pollitem_t p[40];
	int i;

	for (i = 0; i < 40; i++)
		p[i] = (zmq_pollitem_t){ .socket = s, .events = ZMQ_POLLIN };
	return zmq_poll(p, 40, -1);
}

/* A cancelled thread ends, and by that. */
static bool ends(struct job *j)
{
	int ms = z_ms(Z_WAIT_MS);
	struct timespec end;
	void *how;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 1 + ms / 1000;
	if (pthread_timedjoin_np(j->thread, &how, &end)) {
		fprintf(stderr, "# the thread goes on\n");
		return false;
	}
	return how == PTHREAD_CANCELED;
}

static bool cancelled(void *s, int (*fn)(void *s))
{
	struct job j;

	xjob(&j, fn, s);
	xjob_asleep(&j);
	Z_CHECK(!pthread_cancel(j.thread));
	return ends(&j);
}

/* After each way of waiting the next receive gets what comes next. */
static void receivers(struct __test_metadata *_metadata, const char *transport)
{
	static int (*const fns[])(void *s) = {
		receive, receive_more, receive_msg, wait_readable, wait_many,
	};
	void *ctx = xctx(), *s[2];
	size_t i;

	xpair(ctx, transport, ZMQ_PULL, ZMQ_PUSH, s);
	xtimeo(s[0], -1, -1);
	for (i = 0; i < ARRAY_SIZE(fns); i++) {
		EXPECT_TRUE(cancelled(s[0], fns[i])) {
			TH_LOG("way %zu", i);
		}
		xsends(s[1], "next", 0);
		EXPECT_GOT(s[0], "next");
	}
	/* a reference that was left behind would keep the context */
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(receivers_tcp)
{
	receivers(_metadata, "tcp");
}

TEST(receivers_inproc)
{
	receivers(_metadata, "inproc");
}

/* Nobody is there to send to; then somebody is. */
TEST(senders)
{
	static int (*const fns[])(void *s) = { send_buf, send_iov };
	void *ctx = xctx(), *s, *peer;
	char ep[EP_LEN];
	size_t i;

	s = xsock(ctx, ZMQ_PUSH);
	xtimeo(s, -1, -1);
	xbind_any(s, "tcp", ep);
	for (i = 0; i < ARRAY_SIZE(fns); i++)
		EXPECT_TRUE(cancelled(s, fns[i])) {
			TH_LOG("way %zu", i);
		}
	peer = xsock(ctx, ZMQ_PULL);
	xconnect(peer, ep);
	xsends(s, "next", 0);
	EXPECT_GOT(peer, "next");
	xclose(s);
	xclose(peer);
	xterm(ctx);
}

/* The message is the program's still. */
static int send_msg(void *arg)
{
	void **a = arg;

	return zmq_msg_send(a[1], a[0], 0);
}

TEST(message_stays)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PUSH), *a[2];
	struct job j;
	zmq_msg_t m;

	xtimeo(s, -1, -1);
	xbind(s, "tcp://127.0.0.1:*");
	ASSERT_OK(zmq_msg_init_size(&m, 1000));
	fill(zmq_msg_data(&m), 1000, 5);
	a[0] = s;
	a[1] = &m;
	xjob(&j, send_msg, a);
	xjob_asleep(&j);
	ASSERT_EQ(0, pthread_cancel(j.thread));
	ASSERT_TRUE(ends(&j));
	EXPECT_EQ(1000, zmq_msg_size(&m));
	EXPECT_TRUE(filled(zmq_msg_data(&m), 1000, 5));
	EXPECT_OK(zmq_msg_close(&m));
	xclose(s);
	xterm(ctx);
}

/* So many at once that ours receives ahead; the thread waits for more then. */
static void burst(void *to, void *from, int n)
{
	int i;

	for (i = 0; i < n; i++)
		xsends(from, "burst", 0);
	for (i = 0; i < n; i++)
		Z_CHECK(z_got(__FILE__, __LINE__, to, "burst", NULL));
}

TEST(amid_dense_traffic)
{
	void *ctx = xctx(), *s[2];
	int i;

	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	for (i = 0; i < 3; i++) {
		xtimeo(s[0], z_ms(Z_WAIT_MS), -1);
		burst(s[0], s[1], 500);
		xtimeo(s[0], -1, -1);
		EXPECT_TRUE(cancelled(s[0], i == 1 ? receive_msg : receive));
		xsends(s[1], "next", 0);
		EXPECT_GOT(s[0], "next");
	}
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

/* Of several that wait one is cancelled, the first or the last. */
static void one_of_three(struct __test_metadata *_metadata, int victim)
{
	void *ctx = xctx(), *s[2];
	struct job j[3];
	int i, left = 2;

	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	burst(s[0], s[1], 500);
	xtimeo(s[0], -1, -1);
	for (i = 0; i < 3; i++) {
		xjob(&j[i], receive, s[0]);
		xjob_asleep(&j[i]);
	}
	ASSERT_EQ(0, pthread_cancel(j[victim].thread));
	ASSERT_TRUE(ends(&j[victim]));
	while (left--)
		xsends(s[1], "one", 0);
	for (i = 0; i < 3; i++) {
		if (i == victim)
			continue;
		xjob_end(&j[i]);
		EXPECT_EQ(3, j[i].rc);
	}
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(one_of_several)
{
	SKIP_STOCK("has sockets for one thread");
	one_of_three(_metadata, 0);
	one_of_three(_metadata, 2);
}

static int uncancellable(void *s)
{
	int state, n;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	n = receive(s);
	pthread_setcancelstate(state, NULL);
	return n;
}

TEST(only_where_it_is_allowed)
{
	void *ctx = xctx(), *s[2];
	struct job j;

	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	xtimeo(s[0], -1, -1);
	xjob(&j, uncancellable, s[0]);
	xjob_asleep(&j);
	ASSERT_EQ(0, pthread_cancel(j.thread));
	xsends(s[1], "last", 0);
	xjob_end(&j);
	EXPECT_EQ(4, j.rc);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
