// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 180 */
/* The end of contexts: ETERM in every call, blocked or not; signals; fork. */
#include "kselftest_harness.h"
#include "shim.h"

static int term(void *ctx)
{
	return zmq_ctx_term(ctx);
}

/* calls that block on a socket which has nobody to talk to */
static int recv_some(void *s)
{
	char c;

	return zmq_recv(s, &c, 1, 0);
}

static int recv_msg(void *s)
{
	zmq_msg_t m;
	int rc, err;

	zmq_msg_init(&m);
	rc = zmq_msg_recv(&m, s, 0);
	err = errno;
	zmq_msg_close(&m);
	errno = err;
	return rc;
}

static int recv_iov(void *s)
{
	struct iovec iov;
	size_t n = 1;

	return zmq_recviov(s, &iov, &n, 0);
}

static int send_some(void *s)
{
	return zmq_send(s, "x", 1, 0);
}

static int send_msg(void *s)
{
	zmq_msg_t m;
	int rc, err;

	zmq_msg_init_size(&m, 100);
	rc = zmq_msg_send(&m, s, 0);
	err = errno;
	zmq_msg_close(&m);
	errno = err;
	return rc;
}

static int send_iov(void *s)
{
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };

	return zmq_sendiov(s, &iov, 1, 0);
}

static int poll_in(void *s)
{
	zmq_pollitem_t p = { .socket = s, .events = ZMQ_POLLIN };

	return zmq_poll(&p, 1, -1);
}

static int poll_out_and_fd(void *s)
{
	zmq_pollitem_t p[2] = {
		{ .socket = s, .events = ZMQ_POLLOUT },
		{ .fd = -1, .events = ZMQ_POLLIN },
	};
	int fd[2], rc, err;

	Z_CHECK(!pipe(fd));
	p[1].fd = fd[0];
	rc = zmq_poll(p, 2, -1);
	err = errno;
	close(fd[0]);
	close(fd[1]);
	errno = err;
	return rc;
}

static int proxy(void *s)
{
	return zmq_proxy(s, s, NULL);
}

static const struct {
	const char *name;
	int (*fn)(void *s);
} blocking[] = {
	{ "zmq_recv", recv_some }, { "zmq_msg_recv", recv_msg },
	{ "zmq_recviov", recv_iov }, { "zmq_send", send_some },
	{ "zmq_msg_send", send_msg }, { "zmq_sendiov", send_iov },
	{ "zmq_poll", poll_in }, { "zmq_poll with fd", poll_out_and_fd },
	{ "zmq_proxy", proxy },
};

/* blocked calls give ETERM when the context ends; how it is told */
static void blocked_calls(struct __test_metadata *_metadata, int endless,
			  int (*end)(void *ctx))
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(blocking); i++) {
		void *ctx = xctx(), *s = xsock(ctx, ZMQ_DEALER);
		struct job call, ending;

		if (endless)
			xtimeo(s, -1, -1);
		xjob(&call, blocking[i].fn, s);
		xjob_asleep(&call);
		xjob(&ending, end, ctx);
		xjob_end(&call);
		EXPECT_EQ(-1, call.rc) {
			TH_LOG("%s", blocking[i].name);
		}
		EXPECT_EQ(ETERM, call.err) {
			TH_LOG("%s: %s", blocking[i].name, zmq_strerror(call.err));
		}
		xclose(s);
		xjob_end(&ending);
		EXPECT_EQ(0, ending.rc);
		if (end == zmq_ctx_shutdown)
			xterm(ctx);
	}
}

TEST(term_wakes_blocked_calls)
{
	blocked_calls(_metadata, 1, term);
}

TEST(term_wakes_calls_with_a_limit)
{
	blocked_calls(_metadata, 0, term);
}

TEST(shutdown_wakes_blocked_calls)
{
	blocked_calls(_metadata, 1, zmq_ctx_shutdown);
}

/* whatever is called after it */
static void every_call(struct __test_metadata *_metadata, void *s)
{
	char buf[64];
	size_t len;
	struct iovec iov = { .iov_base = buf, .iov_len = 1 };
	int val = 0;

	EXPECT_ERR(ETERM, zmq_send(s, "x", 1, 0));
	EXPECT_ERR(ETERM, zmq_send(s, "x", 1, ZMQ_DONTWAIT));
	EXPECT_ERR(ETERM, zmq_send_const(s, "x", 1, 0));
	EXPECT_ERR(ETERM, send_msg(s));
	EXPECT_ERR(ETERM, zmq_sendiov(s, &iov, 1, 0));
	EXPECT_ERR(ETERM, zmq_recv(s, buf, sizeof(buf), 0));
	EXPECT_ERR(ETERM, zmq_recv(s, buf, sizeof(buf), ZMQ_DONTWAIT));
	EXPECT_ERR(ETERM, recv_msg(s));
	EXPECT_ERR(ETERM, recv_iov(s));
	EXPECT_ERR(ETERM, zmq_bind(s, "tcp://127.0.0.1:*"));
	EXPECT_ERR(ETERM, zmq_connect(s, "tcp://127.0.0.1:9"));
	EXPECT_ERR(ETERM, zmq_unbind(s, "tcp://127.0.0.1:9"));
	EXPECT_ERR(ETERM, zmq_disconnect(s, "tcp://127.0.0.1:9"));
	EXPECT_ERR(ETERM, zmq_setsockopt(s, ZMQ_LINGER, &val, sizeof(val)));
	len = sizeof(val);
	EXPECT_ERR(ETERM, zmq_getsockopt(s, ZMQ_LINGER, &val, &len));
	len = sizeof(val);
	EXPECT_ERR(ETERM, zmq_getsockopt(s, ZMQ_EVENTS, &val, &len));
	EXPECT_ERR(ETERM, zmq_socket_monitor(s, "inproc://m", ZMQ_EVENT_ALL));
	EXPECT_ERR(ETERM, poll_in(s));
	EXPECT_ERR(ETERM, proxy(s));
}

static bool told(void *s)
{
	char c;

	return zmq_recv(s, &c, 1, ZMQ_DONTWAIT) == -1 && zmq_errno() == ETERM;
}

TEST(calls_after_shutdown)
{
	void *ctx = xctx(), *s[2];

	xpair(ctx, "inproc", ZMQ_PAIR, ZMQ_PAIR, s);
	xsends(s[0], "unread", 0);
	EXPECT_OK(zmq_ctx_shutdown(ctx));
	/* a socket of libzmq looks for such news now and then */
	EXPECT_TRUE(z_ours() ? told(s[0]) : z_until(Z_WAIT_MS, told, s[0]));
	EXPECT_TRUE(z_ours() ? told(s[1]) : z_until(Z_WAIT_MS, told, s[1]));
	every_call(_metadata, s[0]);
	every_call(_metadata, s[1]);
	EXPECT_NULL_ERR(ETERM, zmq_socket(ctx, ZMQ_PAIR));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(term_waits_until_all_are_closed)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_DEALER), *b = xsock(ctx, ZMQ_DEALER);
	struct job j;

	xjob(&j, term, ctx);
	EXPECT_TRUE(z_until(Z_WAIT_MS, told, a));
	EXPECT_TRUE(z_until(Z_WAIT_MS, told, b));
	every_call(_metadata, a);
	xjob_asleep(&j);
	xclose(a);
	xjob_asleep(&j);
	xclose(b);
	xjob_end(&j);
	EXPECT_EQ(0, j.rc);
}

TEST(term_is_interrupted_and_resumed)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_DEALER);
	struct job j;
	int i;

	xno_restart(SIGUSR1);
	for (i = 0; i < 3; i++) {
		xjob(&j, term, ctx);
		xjob_asleep(&j);
		Z_CHECK(!pthread_kill(j.thread, SIGUSR1));
		xjob_end(&j);
		EXPECT_EQ(-1, j.rc);
		EXPECT_EQ(EINTR, j.err);
		EXPECT_ERR(ETERM, zmq_send(s, "x", 1, 0));
	}
	xjob(&j, term, ctx);
	xclose(s);
	xjob_end(&j);
	EXPECT_EQ(0, j.rc);
}

TEST(blocked_calls_are_interrupted)
{
	size_t i;

	xno_restart(SIGUSR1);
	for (i = 0; i < ARRAY_SIZE(blocking); i++) {
		void *ctx = xctx(), *s = xsock(ctx, ZMQ_DEALER);
		struct job j;

		xtimeo(s, -1, -1);
		xjob(&j, blocking[i].fn, s);
		xjob_asleep(&j);
		Z_CHECK(!pthread_kill(j.thread, SIGUSR1));
		xjob_end(&j);
		EXPECT_EQ(-1, j.rc) {
			TH_LOG("%s", blocking[i].name);
		}
		EXPECT_EQ(EINTR, j.err) {
			TH_LOG("%s: %s", blocking[i].name, zmq_strerror(j.err));
		}
		xclose(s);
		xterm(ctx);
	}
}

static void quietly(int sig)
{
}

/* libzmq's waits end by any handled signal, whatever its flags say */
TEST(interrupted_in_spite_of_sa_restart)
{
	struct sigaction sa = { .sa_handler = quietly, .sa_flags = SA_RESTART };
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_DEALER);
	struct job j;

	Z_CHECK(!sigaction(SIGUSR1, &sa, NULL));
	xtimeo(s, -1, -1);
	xjob(&j, recv_some, s);
	xjob_asleep(&j);
	Z_CHECK(!pthread_kill(j.thread, SIGUSR1));
	xjob_end(&j);
	EXPECT_EQ(-1, j.rc);
	EXPECT_EQ(EINTR, j.err);
	xclose(s);
	xterm(ctx);
}

TEST(term_waits_for_what_lingers)
{
	void *ctx = xctx(), *far = xctx(), *push = xsock(ctx, ZMQ_PUSH);
	void *pull = xsock(far, ZMQ_PULL);
	char ep[EP_LEN];
	struct job j;
	int fd = z_tcp(0, ep), i;

	xset(push, ZMQ_LINGER, z_ms(Z_WAIT_MS));
	xset(push, ZMQ_RECONNECT_IVL, 10);
	xconnect(push, ep);
	for (i = 0; i < 10; i++)
		xsends(push, "late", 0);
	xclose(push);
	xjob(&j, term, ctx);
	xjob_asleep(&j);
	close(fd);
	xbind(pull, ep);
	for (i = 0; i < 10; i++)
		EXPECT_GOT(pull, "late");
	xjob_end(&j);
	EXPECT_EQ(0, j.rc);
	xclose(pull);
	xterm(far);
}

TEST(linger_ends)
{
	void *ctx = xctx(), *push = xsock(ctx, ZMQ_PUSH);
	long long start = z_tick_ms();
	char ep[EP_LEN];
	int fd = z_tcp(0, ep);

	xset(push, ZMQ_LINGER, 200);
	xconnect(push, ep);
	xsends(push, "never", 0);
	xclose(push);
	xterm(ctx);
	EXPECT_LE(DIFFERS(200, 199, "its clock is a millisecond old at times"),
		  z_now_ms() - start);
	EXPECT_GT(z_ms(Z_WAIT_MS), z_now_ms() - start);
	close(fd);
}

TEST(linger_zero_is_no_wait)
{
	void *ctx = xctx(), *push = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];
	int fd = z_tcp(0, ep);

	xconnect(push, ep);
	xsends(push, "never", 0);
	xclose(push);
	xterm(ctx);
	close(fd);
}

static void in_child(void *ctx, void *s, int result)
{
	void *mine;

	/* sockets of its own in a context of its own */
	ctx = xctx();
	mine = xsock(ctx, ZMQ_PAIR);
	xbind(mine, "inproc://child");
	xclose(mine);
	xterm(ctx);
	_exit(result);
}

TEST(fork_and_go_on_in_both)
{
	void *ctx = xctx(), *s[2];
	int status = -1;
	pid_t pid;

	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	xsends(s[0], "before", 0);
	EXPECT_GOT(s[1], "before");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		in_child(ctx, s[0], 7);
	xsends(s[0], "after", 0);
	EXPECT_GOT(s[1], "after");
	EXPECT_TRUE(z_exits(pid, &status, Z_WAIT_MS));
	EXPECT_EQ(7, WEXITSTATUS(status));
	xsends(s[1], "back", 0);
	EXPECT_GOT(s[0], "back");
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(the_child_may_close_and_term)
{
	void *ctx = xctx(), *s[2];
	int status = -1;
	pid_t pid;

	SKIP_STOCK("does not survive close and term of both in a child");
	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		xclose(s[0]);
		xclose(s[1]);
		_exit(zmq_ctx_term(ctx) ? 1 : 0);
	}
	EXPECT_TRUE(z_exits(pid, &status, Z_WAIT_MS));
	EXPECT_EQ(0, status);
	xsends(s[0], "still", 0);
	EXPECT_GOT(s[1], "still");
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(the_child_may_use_the_socket)
{
	void *ctx = xctx(), *s[2];
	int status = -1;
	pid_t pid;

	SKIP_STOCK("cannot use a parent's socket");
	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		xsends(s[0], "child", 0);
		_exit(!z_got(__FILE__, __LINE__, s[0], "for the child", NULL));
	}
	EXPECT_GOT(s[1], "child");
	xsends(s[1], "for the child", 0);
	EXPECT_TRUE(z_exits(pid, &status, Z_WAIT_MS));
	EXPECT_EQ(0, status);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(close_while_another_thread_waits)
{
	void *ctx = xctx(), *s;
	struct job j;
	int i;

	SKIP_STOCK("sockets are not to be used by two threads");
	for (i = 0; i < 20; i++) {
		s = xsock(ctx, ZMQ_DEALER);
		xtimeo(s, -1, -1);
		xjob(&j, i % 2 ? recv_some : poll_in, s);
		xjob_asleep(&j);
		xclose(s);
		xjob_end(&j);
		EXPECT_EQ(-1, j.rc);
		EXPECT_TRUE(j.err == ETERM || j.err == ENOTSOCK) {
			TH_LOG("errno %d", j.err);
		}
	}
	xterm(ctx);
}

SHIM_HARNESS_MAIN
