// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* zmq_poll() and zmq_ppoll() over sockets and descriptors. */
#include "kselftest_harness.h"
#include "shim.h"

TEST(nothing_to_poll)
{
	zmq_pollitem_t p = { .fd = -1 };
	long long start = z_now_ms();

	EXPECT_EQ(0, zmq_poll(NULL, 0, 0));
	EXPECT_EQ(0, zmq_poll(NULL, 0, 50));
	EXPECT_LE(49, z_now_ms() - start);
	EXPECT_EQ(0, zmq_poll(&p, 0, 0));
	EXPECT_ERR(EINVAL, zmq_poll(&p, -1, 0));
	EXPECT_ERR(EFAULT, zmq_poll(NULL, 1, 0));
}

TEST(timeouts)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL);
	zmq_pollitem_t p = { .socket = s, .events = ZMQ_POLLIN, .revents = 77 };
	long long start = z_now_ms();

	EXPECT_EQ(0, zmq_poll(&p, 1, 0));
	EXPECT_EQ(0, p.revents);
	EXPECT_GT(z_ms(Z_WAIT_MS), z_now_ms() - start);
	start = z_now_ms();
	EXPECT_EQ(0, zmq_poll(&p, 1, 70));
	EXPECT_LE(69, z_now_ms() - start);
	xclose(s);
	xterm(ctx);
}

TEST(readable_and_writable)
{
	void *ctx = xctx(), *s[2];

	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	EXPECT_EQ(ZMQ_POLLOUT, z_poll1(s[0], ZMQ_POLLOUT, z_ms(Z_WAIT_MS)));
	EXPECT_EQ(0, z_poll1(s[0], ZMQ_POLLIN, 0));
	xsends(s[1], "x", 0);
	EXPECT_EQ(ZMQ_POLLIN, z_poll1(s[0], ZMQ_POLLIN, z_ms(Z_WAIT_MS)));
	EXPECT_EQ(ZMQ_POLLIN | ZMQ_POLLOUT,
		  z_poll1(s[0], ZMQ_POLLIN | ZMQ_POLLOUT, 0));
	/* only what was asked for; sockets never tell POLLERR or POLLPRI */
	EXPECT_EQ(ZMQ_POLLOUT, z_poll1(s[0], ZMQ_POLLOUT, 0));
	EXPECT_EQ(0, z_poll1(s[0], ZMQ_POLLERR | ZMQ_POLLPRI, 0));
	EXPECT_EQ(0, z_poll1(s[0], 0, 0));
	EXPECT_EQ(ZMQ_POLLIN | ZMQ_POLLOUT, zget(s[0], ZMQ_EVENTS));
	EXPECT_GOT(s[0], "x");
	EXPECT_EQ(0, z_poll1(s[0], ZMQ_POLLIN, 0));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(many_at_once)
{
	enum { N = 40 };
	void *ctx = xctx(), *s[N][2];
	zmq_pollitem_t p[N];
	int i, n;

	for (i = 0; i < N; i++) {
		xpair(ctx, i % 2 ? "inproc" : "tcp", ZMQ_PULL, ZMQ_PUSH, s[i]);
		p[i] = (zmq_pollitem_t){ .socket = s[i][0], .events = ZMQ_POLLIN };
	}
	for (n = 1; n <= N; n *= 2) {
		for (i = 0; i < n; i++)
			xsends(s[N - 1 - i][1], "x", 0);
		/* those which are connected are told one by one */
		for (i = 0; i < n; i++)
			EXPECT_TRUE(z_ready(s[N - 1 - i][0], ZMQ_POLLIN));
		EXPECT_EQ(n, zmq_poll(p, N, -1));
		for (i = 0; i < N; i++)
			EXPECT_EQ(i >= N - n ? ZMQ_POLLIN : 0, p[i].revents);
		for (i = 0; i < n; i++)
			EXPECT_GOT(s[N - 1 - i][0], "x");
		EXPECT_EQ(0, zmq_poll(p, N, 0));
	}
	for (i = 0; i < N; i++) {
		xclose(s[i][0]);
		xclose(s[i][1]);
	}
	xterm(ctx);
}

TEST(one_socket_twice)
{
	void *ctx = xctx(), *s[2];
	zmq_pollitem_t p[3] = { };

	xpair(ctx, "inproc", ZMQ_PAIR, ZMQ_PAIR, s);
	xsends(s[1], "x", 0);
	p[0] = (zmq_pollitem_t){ .socket = s[0], .events = ZMQ_POLLIN };
	p[1] = (zmq_pollitem_t){ .socket = s[0], .events = ZMQ_POLLOUT };
	p[2] = (zmq_pollitem_t){ .socket = s[0],
				 .events = ZMQ_POLLIN | ZMQ_POLLOUT };
	EXPECT_EQ(3, zmq_poll(p, 3, -1));
	EXPECT_EQ(ZMQ_POLLIN, p[0].revents);
	EXPECT_EQ(ZMQ_POLLOUT, p[1].revents);
	EXPECT_EQ(ZMQ_POLLIN | ZMQ_POLLOUT, p[2].revents);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(descriptors)
{
	zmq_pollitem_t p[2] = { };
	int fd[2];
	char c;

	ASSERT_EQ(0, pipe(fd));
	p[0] = (zmq_pollitem_t){ .fd = fd[0], .events = ZMQ_POLLIN };
	p[1] = (zmq_pollitem_t){ .fd = fd[1], .events = ZMQ_POLLOUT };
	EXPECT_EQ(1, zmq_poll(p, 2, 0));
	EXPECT_EQ(0, p[0].revents);
	EXPECT_EQ(ZMQ_POLLOUT, p[1].revents);
	ASSERT_EQ(1, write(fd[1], "x", 1));
	EXPECT_EQ(2, zmq_poll(p, 2, -1));
	EXPECT_EQ(ZMQ_POLLIN, p[0].revents);
	ASSERT_EQ(1, read(fd[0], &c, 1));
	EXPECT_EQ(0, zmq_poll(p, 1, 0));
	close(fd[0]);
	p[1].events = ZMQ_POLLOUT | ZMQ_POLLERR;
	EXPECT_EQ(1, zmq_poll(&p[1], 1, 0));
	EXPECT_TRUE(p[1].revents & ZMQ_POLLERR);
	close(fd[1]);
}

TEST(urgent_data)
{
	char ep[EP_LEN];
	int listening = z_tcp(1, ep), a, b;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	zmq_pollitem_t p = { .events = ZMQ_POLLPRI };

	ASSERT_EQ(0, getsockname(listening, (struct sockaddr *)&sa, &len));
	a = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(a, (struct sockaddr *)&sa, len));
	b = accept(listening, NULL, NULL);
	p.fd = b;
	EXPECT_EQ(0, zmq_poll(&p, 1, 0));
	ASSERT_EQ(1, send(a, "!", 1, MSG_OOB));
	EXPECT_EQ(1, zmq_poll(&p, 1, z_ms(Z_WAIT_MS)));
	EXPECT_EQ(ZMQ_POLLPRI, p.revents);
	close(a);
	close(b);
	close(listening);
}

TEST(sockets_and_descriptors)
{
	void *ctx = xctx(), *s[2];
	zmq_pollitem_t p[2] = { };
	int fd[2], i;
	char c;

	ASSERT_EQ(0, pipe(fd));
	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	p[0] = (zmq_pollitem_t){ .socket = s[0], .fd = fd[0], .events = ZMQ_POLLIN };
	p[1] = (zmq_pollitem_t){ .fd = fd[0], .events = ZMQ_POLLIN };
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(1, write(fd[1], "x", 1));
		EXPECT_EQ(1, zmq_poll(p, 2, -1));
		EXPECT_EQ(0, p[0].revents);	/* the socket counts, not the fd */
		EXPECT_EQ(ZMQ_POLLIN, p[1].revents);
		ASSERT_EQ(1, read(fd[0], &c, 1));
		xsends(s[1], "y", 0);
		EXPECT_EQ(1, zmq_poll(p, 2, -1));
		EXPECT_EQ(ZMQ_POLLIN, p[0].revents);
		EXPECT_EQ(0, p[1].revents);
		EXPECT_GOT(s[0], "y");
	}
	close(fd[0]);
	close(fd[1]);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

static int wait_for_one(void *s)
{
	return z_poll1(s, ZMQ_POLLIN, z_ms(Z_WAIT_MS));
}

TEST(woken_by_a_message)
{
	static const char *const tr[] = { "tcp", "ipc", "inproc" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tr); i++) {
		void *ctx = xctx(), *s[2];
		struct job j;

		xpair(ctx, tr[i], ZMQ_PULL, ZMQ_PUSH, s);
		xjob(&j, wait_for_one, s[0]);
		xjob_asleep(&j);
		xsends(s[1], "x", 0);
		xjob_end(&j);
		EXPECT_EQ(ZMQ_POLLIN, j.rc);
		EXPECT_GOT(s[0], "x");
		xclose(s[0]);
		xclose(s[1]);
		xterm(ctx);
	}
}

static int wait_for_room(void *s)
{
	return z_poll1(s, ZMQ_POLLOUT, z_ms(Z_WAIT_MS));
}

TEST(woken_by_room)
{
	void *ctx = xctx(), *push = xsock(ctx, ZMQ_PUSH), *pull = xsock(ctx, ZMQ_PULL);
	char ep[EP_LEN], c;
	struct job j;
	int n;

	xset(push, ZMQ_SNDHWM, 4);
	xset(pull, ZMQ_RCVHWM, 4);
	xbind_any(pull, "inproc", ep);
	xconnect(push, ep);
	for (n = 0; zmq_send(push, "x", 1, ZMQ_DONTWAIT) == 1; n++)
		;
	EXPECT_EQ(8, n);
	xjob(&j, wait_for_room, push);
	xjob_asleep(&j);
	while (n--)
		EXPECT_EQ(1, zmq_recv(pull, &c, 1, 0));
	xjob_end(&j);
	EXPECT_EQ(ZMQ_POLLOUT, j.rc);
	xclose(push);
	xclose(pull);
	xterm(ctx);
}

TEST(idle_sockets)
{
	static const struct {
		int a, b, want_a, want_b;
	} t[] = {
		{ ZMQ_PAIR, ZMQ_PAIR, 2, 2 }, { ZMQ_XPUB, ZMQ_XSUB, 2, 2 },
		{ ZMQ_PUB, ZMQ_SUB, 2, 0 }, { ZMQ_REP, ZMQ_REQ, 0, 2 },
		{ ZMQ_ROUTER, ZMQ_DEALER, 2, 2 }, { ZMQ_PULL, ZMQ_PUSH, 0, 2 },
	};
	void *ctx = xctx();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		void *s[2];

		xpair(ctx, "inproc", t[i].a, t[i].b, s);
		if (t[i].want_a)
			EXPECT_TRUE(z_ready(s[0], ZMQ_POLLOUT));
		EXPECT_EQ(t[i].want_a, z_poll1(s[0], 3, 0)) {
			TH_LOG("types %d %d", t[i].a, t[i].b);
		}
		EXPECT_EQ(t[i].want_b, z_poll1(s[1], 3, 0)) {
			TH_LOG("types %d %d", t[i].a, t[i].b);
		}
		xclose(s[0]);
		xclose(s[1]);
	}
	xterm(ctx);
}

static int poll_at_a_signal(void *s)
{
	zmq_pollitem_t p = { .socket = s, .events = ZMQ_POLLIN };

	return zmq_poll(&p, 1, -1);
}

static int poll_nothing(void *s)
{
	return zmq_poll(NULL, 0, z_ms(Z_WAIT_MS));
}

TEST(interrupted)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL);
	struct job j;
	int i;

	xno_restart(SIGUSR1);
	for (i = 0; i < 2; i++) {
		xjob(&j, i ? poll_nothing : poll_at_a_signal, s);
		xjob_asleep(&j);
		Z_CHECK(!pthread_kill(j.thread, SIGUSR1));
		xjob_end(&j);
		if (!i || DIFFERS(1, 0, "4.3.4 sleeps in spite of the signal")) {
			EXPECT_EQ(-1, j.rc);
			EXPECT_EQ(EINTR, j.err);
		}
	}
	xclose(s);
	xterm(ctx);
}

static int ppoll_unmasked(void *s)
{
	zmq_pollitem_t p = { .socket = s, .events = ZMQ_POLLIN };
	sigset_t none;

	sigemptyset(&none);
	return FN(zmq_ppoll)(&p, 1, -1, &none);
}

TEST(with_a_signal_mask)
{
	void *ctx = xctx(), *s[2];
	zmq_pollitem_t p = { .events = ZMQ_POLLIN };
	sigset_t usr1;
	struct job j;

	NEED(zmq_ppoll);
	xno_restart(SIGUSR1);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	Z_CHECK(!pthread_sigmask(SIG_BLOCK, &usr1, NULL));
	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	p.socket = s[0];
	EXPECT_EQ(0, FN(zmq_ppoll)(&p, 1, 0, NULL));
	EXPECT_EQ(0, FN(zmq_ppoll)(&p, 1, 10, &usr1));
	/* the thread has it masked, and takes it only as it waits */
	xjob(&j, ppoll_unmasked, s[0]);
	Z_CHECK(!pthread_kill(j.thread, SIGUSR1));
	xjob_end(&j);
	EXPECT_EQ(-1, j.rc);
	EXPECT_EQ(EINTR, j.err);
	xsends(s[1], "x", 0);
	EXPECT_EQ(1, FN(zmq_ppoll)(&p, 1, z_ms(Z_WAIT_MS), &usr1));
	EXPECT_ERR(EINVAL, FN(zmq_ppoll)(&p, -1, 0, NULL));
	EXPECT_ERR(EFAULT, FN(zmq_ppoll)(NULL, 1, 0, NULL));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(terminated)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL);
	struct job j;

	xjob(&j, poll_at_a_signal, s);
	xjob_asleep(&j);
	EXPECT_OK(zmq_ctx_shutdown(ctx));
	xjob_end(&j);
	EXPECT_EQ(-1, j.rc);
	EXPECT_EQ(ETERM, j.err);
	EXPECT_ERR(ETERM, poll_at_a_signal(s));
	xclose(s);
	xterm(ctx);
}

/* a poll that looks at once is not told of nothing for ever */
TEST(zero_timeout_sees_what_comes)
{
	void *ctx = xctx(), *s[2];
	int i;

	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	for (i = 0; i < 200; i++) {
		long long end = z_now_ms() + z_ms(Z_WAIT_MS);

		xsends(s[1], "x", 0);
		while (!z_poll1(s[0], ZMQ_POLLIN, 0))
			Z_CHECK(z_now_ms() < end);
		EXPECT_GOT(s[0], "x");
	}
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
