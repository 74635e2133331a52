// SPDX-License-Identifier: GPL-2.0
/* KERNEL: debian */
/* zmq_poller_*: sockets and descriptors, by registration. */
#include "kselftest_harness.h"
#include "shim.h"

#define POLLER()							\
	do {								\
		NEED(zmq_poller_new);					\
		NEED(zmq_poller_destroy);				\
		NEED(zmq_poller_size);					\
		NEED(zmq_poller_add);					\
		NEED(zmq_poller_modify);				\
		NEED(zmq_poller_remove);				\
		NEED(zmq_poller_add_fd);				\
		NEED(zmq_poller_modify_fd);				\
		NEED(zmq_poller_remove_fd);				\
		NEED(zmq_poller_wait);					\
		NEED(zmq_poller_wait_all);				\
		NEED(zmq_poller_fd);					\
	} while (0)

static int wait_one(void *p, zmq_poller_event_t *e, long ms)
{
	memset(e, 0x77, sizeof(*e));
	return FN(zmq_poller_wait)(p, e, ms);
}

TEST(arguments)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL), *p, *none = NULL;
	char rubbish[256] = "";
	zmq_poller_event_t e;
	zmq_fd_t fd;

	POLLER();
	p = FN(zmq_poller_new)();
	ASSERT_NE(NULL, p);
	EXPECT_EQ(0, FN(zmq_poller_size)(p));
	EXPECT_ERR(EFAULT, FN(zmq_poller_size)(NULL));
	EXPECT_ERR(EFAULT, FN(zmq_poller_size)(rubbish));
	EXPECT_ERR(EFAULT, FN(zmq_poller_add)(NULL, s, NULL, ZMQ_POLLIN));
	EXPECT_ERR(ENOTSOCK, FN(zmq_poller_add)(p, NULL, NULL, ZMQ_POLLIN));
	EXPECT_ERR(ENOTSOCK, FN(zmq_poller_add)(p, rubbish, NULL, ZMQ_POLLIN));
	EXPECT_ERR(EINVAL, FN(zmq_poller_add)(p, s, NULL, 0x40));
	EXPECT_OK(FN(zmq_poller_add)(p, s, NULL, ZMQ_POLLIN));
	EXPECT_EQ(1, FN(zmq_poller_size)(p));
	EXPECT_ERR(EINVAL, FN(zmq_poller_add)(p, s, NULL, ZMQ_POLLIN));
	EXPECT_ERR(EFAULT, FN(zmq_poller_modify)(NULL, s, ZMQ_POLLIN));
	EXPECT_ERR(ENOTSOCK, FN(zmq_poller_modify)(p, NULL, ZMQ_POLLIN));
	EXPECT_ERR(EINVAL, FN(zmq_poller_modify)(p, s, 0x40));
	EXPECT_ERR(EFAULT, FN(zmq_poller_remove)(NULL, s));
	EXPECT_ERR(ENOTSOCK, FN(zmq_poller_remove)(p, NULL));
	EXPECT_OK(FN(zmq_poller_remove)(p, s));
	EXPECT_ERR(EINVAL, FN(zmq_poller_remove)(p, s));
	EXPECT_ERR(EINVAL, FN(zmq_poller_modify)(p, s, ZMQ_POLLIN));
	EXPECT_ERR(EBADF, FN(zmq_poller_add_fd)(p, -1, NULL, ZMQ_POLLIN));
	EXPECT_OK(FN(zmq_poller_add_fd)(p, 0, NULL, ZMQ_POLLIN));
	EXPECT_ERR(EINVAL, FN(zmq_poller_add_fd)(p, 0, NULL, ZMQ_POLLIN));
	EXPECT_ERR(EINVAL, FN(zmq_poller_modify_fd)(p, 1, ZMQ_POLLIN));
	EXPECT_OK(FN(zmq_poller_modify_fd)(p, 0, ZMQ_POLLOUT));
	EXPECT_ERR(EINVAL, FN(zmq_poller_remove_fd)(p, 1));
	EXPECT_OK(FN(zmq_poller_remove_fd)(p, 0));
	EXPECT_ERR(EFAULT, FN(zmq_poller_wait)(NULL, &e, 0));
	EXPECT_ERR(EFAULT, FN(zmq_poller_wait)(p, NULL, 0));
	EXPECT_ERR(EFAULT, FN(zmq_poller_wait_all)(NULL, &e, 1, 0));
	EXPECT_ERR(EFAULT, FN(zmq_poller_wait_all)(p, NULL, 1, 0));
	EXPECT_ERR(EINVAL, FN(zmq_poller_wait_all)(p, &e, -1, 0));
	EXPECT_ERR(EINVAL, FN(zmq_poller_fd)(p, &fd));
	EXPECT_ERR(EFAULT, FN(zmq_poller_fd)(NULL, &fd));
	EXPECT_ERR(EFAULT, FN(zmq_poller_destroy)(NULL));
	EXPECT_ERR(EFAULT, FN(zmq_poller_destroy)(&none));
	EXPECT_OK(FN(zmq_poller_destroy)(&p));
	EXPECT_EQ(NULL, p);
	xclose(s);
	xterm(ctx);
}

TEST(empty)
{
	long long start = z_now_ms();
	zmq_poller_event_t e;
	void *p;

	POLLER();
	p = FN(zmq_poller_new)();
	EXPECT_ERR(EFAULT, wait_one(p, &e, -1));
	EXPECT_ERR(EAGAIN, wait_one(p, &e, 0));
	EXPECT_ERR(EAGAIN, wait_one(p, &e, 50));
	EXPECT_LE(49, z_now_ms() - start);
	EXPECT_OK(FN(zmq_poller_destroy)(&p));
}

TEST(one_socket)
{
	void *ctx = xctx(), *s[2], *p;
	zmq_poller_event_t e;
	int mark;

	POLLER();
	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	p = FN(zmq_poller_new)();
	EXPECT_OK(FN(zmq_poller_add)(p, s[0], &mark, ZMQ_POLLIN));
	EXPECT_ERR(EAGAIN, wait_one(p, &e, 0));
	EXPECT_EQ(NULL, e.socket);
	EXPECT_EQ(NULL, e.user_data);
	EXPECT_EQ(0, e.events);
	EXPECT_EQ(-1, e.fd);
	xsends(s[1], "x", 0);
	EXPECT_OK(wait_one(p, &e, z_ms(Z_WAIT_MS)));
	EXPECT_EQ(s[0], e.socket);
	EXPECT_EQ(&mark, e.user_data);
	EXPECT_EQ(ZMQ_POLLIN, e.events);
	EXPECT_EQ(-1, e.fd);
	EXPECT_OK(FN(zmq_poller_modify)(p, s[0], ZMQ_POLLOUT));
	EXPECT_OK(wait_one(p, &e, z_ms(Z_WAIT_MS)));
	EXPECT_EQ(ZMQ_POLLOUT, e.events);
	EXPECT_OK(FN(zmq_poller_modify)(p, s[0], ZMQ_POLLIN | ZMQ_POLLOUT));
	EXPECT_OK(wait_one(p, &e, -1));
	EXPECT_EQ(ZMQ_POLLIN | ZMQ_POLLOUT, e.events);
	EXPECT_OK(FN(zmq_poller_modify)(p, s[0], 0));
	EXPECT_ERR(EAGAIN, wait_one(p, &e, 0));
	EXPECT_OK(FN(zmq_poller_remove)(p, s[0]));
	EXPECT_OK(FN(zmq_poller_destroy)(&p));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(descriptors)
{
	zmq_poller_event_t e;
	int fd[2], mark;
	char c;
	void *p;

	POLLER();
	ASSERT_EQ(0, pipe(fd));
	p = FN(zmq_poller_new)();
	EXPECT_OK(FN(zmq_poller_add_fd)(p, fd[0], &mark, ZMQ_POLLIN));
	EXPECT_ERR(EAGAIN, wait_one(p, &e, 10));
	ASSERT_EQ(1, write(fd[1], "x", 1));
	EXPECT_OK(wait_one(p, &e, -1));
	EXPECT_EQ(NULL, e.socket);
	EXPECT_EQ(fd[0], e.fd);
	EXPECT_EQ(&mark, e.user_data);
	EXPECT_EQ(ZMQ_POLLIN, e.events);
	ASSERT_EQ(1, read(fd[0], &c, 1));
	EXPECT_ERR(EAGAIN, wait_one(p, &e, 0));
	EXPECT_OK(FN(zmq_poller_add_fd)(p, fd[1], NULL, ZMQ_POLLOUT));
	EXPECT_EQ(2, FN(zmq_poller_size)(p));
	EXPECT_OK(wait_one(p, &e, -1));
	EXPECT_EQ(fd[1], e.fd);
	EXPECT_EQ(ZMQ_POLLOUT, e.events);
	EXPECT_OK(FN(zmq_poller_remove_fd)(p, fd[1]));
	EXPECT_OK(FN(zmq_poller_destroy)(&p));
	close(fd[0]);
	close(fd[1]);
}

TEST(several)
{
	enum { N = 10 };
	void *ctx = xctx(), *s[N][2], *p;
	zmq_poller_event_t e[N];
	int i, k, n;

	POLLER();
	p = FN(zmq_poller_new)();
	for (i = 0; i < N; i++) {
		xpair(ctx, i % 2 ? "inproc" : "tcp", ZMQ_PULL, ZMQ_PUSH, s[i]);
		EXPECT_OK(FN(zmq_poller_add)(p, s[i][0], &s[i], ZMQ_POLLIN));
	}
	EXPECT_EQ(N, FN(zmq_poller_size)(p));
	EXPECT_ERR(EAGAIN, FN(zmq_poller_wait_all)(p, e, N, 0));
	for (n = 1; n <= N; n++) {
		for (i = 0; i < n; i++)
			xsends(s[i][1], "x", 0);
		for (i = 0; i < n; i++)
			EXPECT_TRUE(z_ready(s[i][0], ZMQ_POLLIN));
		EXPECT_EQ(n, FN(zmq_poller_wait_all)(p, e, N, -1));
		for (k = 0; k < n; k++) {
			EXPECT_EQ(ZMQ_POLLIN, e[k].events);
			EXPECT_EQ(((void **)e[k].user_data)[0], e[k].socket);
		}
		/* room for fewer */
		EXPECT_EQ(1, FN(zmq_poller_wait_all)(p, e, 1, -1));
		for (i = 0; i < n; i++)
			EXPECT_GOT(s[i][0], "x");
	}
	for (i = 0; i < N; i += 2)
		EXPECT_OK(FN(zmq_poller_remove)(p, s[i][0]));
	EXPECT_EQ(N / 2, FN(zmq_poller_size)(p));
	xsends(s[0][1], "x", 0);
	EXPECT_TRUE(z_ready(s[0][0], ZMQ_POLLIN));
	EXPECT_ERR(EAGAIN, FN(zmq_poller_wait_all)(p, e, N, 0));
	EXPECT_OK(FN(zmq_poller_destroy)(&p));
	for (i = 0; i < N; i++) {
		xclose(s[i][0]);
		xclose(s[i][1]);
	}
	xterm(ctx);
}

struct waiter {
	void *p;
	zmq_poller_event_t e;
};

static int wait_long(void *arg)
{
	struct waiter *w = arg;

	return wait_one(w->p, &w->e, -1);
}

TEST(woken_interrupted_terminated)
{
	void *ctx = xctx(), *s[2];
	struct waiter w;
	struct job j;

	POLLER();
	xno_restart(SIGUSR1);
	xpair(ctx, "tcp", ZMQ_PULL, ZMQ_PUSH, s);
	w.p = FN(zmq_poller_new)();
	EXPECT_OK(FN(zmq_poller_add)(w.p, s[0], NULL, ZMQ_POLLIN));
	xjob(&j, wait_long, &w);
	xjob_asleep(&j);
	xsends(s[1], "x", 0);
	xjob_end(&j);
	EXPECT_EQ(0, j.rc);
	EXPECT_GOT(s[0], "x");
	xjob(&j, wait_long, &w);
	xjob_asleep(&j);
	Z_CHECK(!pthread_kill(j.thread, SIGUSR1));
	xjob_end(&j);
	EXPECT_EQ(EINTR, j.err);
	xjob(&j, wait_long, &w);
	xjob_asleep(&j);
	EXPECT_OK(zmq_ctx_shutdown(ctx));
	xjob_end(&j);
	EXPECT_EQ(-1, j.rc);
	EXPECT_EQ(ETERM, j.err);
	EXPECT_OK(FN(zmq_poller_destroy)(&w.p));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
