// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 200 */
/* LDLIBS: -luring */
/* A context's descriptor tells when its closed sockets have sent everything. */
#include "kselftest_harness.h"
#include "lib.h"

#include <liburing.h>
#include <sys/epoll.h>

#define NAME "inproc://here"

static int context(void)
{
	socklen_t len = sizeof(int);
	int fd = xsocket(ZMQ_PAIR), ctx = -1;

	if (getsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT_NEW, &ctx, &len))
		KZ_DIE("ZMQ_CONTEXT_NEW");
	xclose(fd);
	return ctx;
}

static int socket_in(int ctx, int type)
{
	int fd = xsocket(type);

	xset(fd, ZMQ_CONTEXT, ctx);
	xset(fd, ZMQ_LINGER, -1);
	xset(fd, ZMQ_RECONNECT_IVL, 1);
	return fd;
}

static bool sent(int ctx)
{
	return poll1(ctx, POLLIN | POLLOUT, 0) == POLLIN;
}

static bool wait_sent(int ctx)
{
	return wait_ready(ctx, POLLIN);
}

/* below those that any free port is taken from, so these stay free */
#define NOBODY		"tcp://127.0.0.1:5555"
#define NOBODY_ELSE	"tcp://127.0.0.1:5556"

FIXTURE(ctx) {
	int ctx;
	char ep[EP_LEN];	/* nobody is there */
};

FIXTURE_SETUP(ctx)
{
	own_netns();
	self->ctx = context();
	strcpy(self->ep, NOBODY);
}

FIXTURE_TEARDOWN(ctx)
{
	sysctl_set("orphan_abort", 1);
}

/* A closed PUSH with a message for whoever comes to @ep. */
static void leave(int ctx, const char *ep, int linger)
{
	int fd = socket_in(ctx, ZMQ_PUSH);

	xset(fd, ZMQ_LINGER, linger);
	xconnect(fd, ep);
	xsends(fd, "left", 0);
	xclose(fd);
}

static void take(int n, const char *ep)
{
	int fd = xsocket(ZMQ_PULL);

	xbind(fd, ep);
	while (n--)
		KZ_CHECK(kz_got(__FILE__, __LINE__, fd, "left", NULL));
	xclose(fd);
}

TEST_F(ctx, open_sockets_do_not_count)
{
	int a = socket_in(self->ctx, ZMQ_PUSH), b;

	EXPECT_TRUE(sent(self->ctx));
	xconnect(a, self->ep);
	xsends(a, "waits", 0);
	EXPECT_TRUE(sent(self->ctx));
	/* nor do those of which only one of two descriptors is closed */
	b = dup(a);
	xclose(a);
	EXPECT_TRUE(sent(self->ctx));
	xclose(b);
	EXPECT_FALSE(sent(self->ctx));
}

TEST_F(ctx, until_it_is_sent)
{
	leave(self->ctx, self->ep, -1);
	EXPECT_EQ(0, poll1(self->ctx, POLLIN, KZ_QUIET_MS));
	take(1, self->ep);
	EXPECT_TRUE(wait_sent(self->ctx));
}

TEST_F(ctx, until_the_last_is_sent)
{
	leave(self->ctx, self->ep, -1);
	leave(self->ctx, NOBODY_ELSE, -1);
	leave(self->ctx, self->ep, -1);
	take(2, self->ep);
	EXPECT_EQ(0, poll1(self->ctx, POLLIN, KZ_QUIET_MS));
	take(1, NOBODY_ELSE);
	EXPECT_TRUE(wait_sent(self->ctx));
}

/* a socket with many endpoints, of which one has something left */
TEST_F(ctx, one_endpoint_of_many)
{
	int fd = socket_in(self->ctx, ZMQ_PUSH), l, c, i;
	char ep[EP_LEN];

	l = raw_listen(ep);
	for (i = 0; i < 8; i++)
		xbind(fd, "tcp://127.0.0.1:*");
	xbind(fd, "ipc://@left");
	xconnect(fd, self->ep);
	xsends(fd, "left", 0);
	xconnect(fd, ep);
	c = raw_accept(l);
	xclose(fd);
	EXPECT_EQ(0, poll1(self->ctx, POLLIN, KZ_QUIET_MS));
	take(1, self->ep);
	EXPECT_TRUE(wait_sent(self->ctx));
	xclose(c);
	xclose(l);
}

TEST_F(ctx, until_time_is_over)
{
	long long start;

	leave(self->ctx, self->ep, 0);
	EXPECT_TRUE(wait_sent(self->ctx));
	start = kz_tick_ms();
	leave(self->ctx, self->ep, 200);
	EXPECT_TRUE(wait_sent(self->ctx));
	EXPECT_LE(200, kz_now_ms() - start);
}

TEST_F(ctx, until_orphans_are_ended)
{
	int i;

	for (i = 0; i < 100; i++)
		leave(self->ctx, self->ep, -1);
	EXPECT_FALSE(sent(self->ctx));
	ASSERT_OK(sysctl_set("orphan_abort", 1));
	EXPECT_TRUE(wait_sent(self->ctx));
}

/* TCP has it all: that the peer does not close is nobody's concern. */
TEST_F(ctx, peers_need_not_confirm)
{
	int fd = socket_in(self->ctx, ZMQ_PUSH), l, c;
	struct raw_frame f;

	l = raw_listen(self->ep);
	xconnect(fd, self->ep);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	xpeers(fd, 1);
	xsends(fd, "left", 0);
	xclose(fd);
	EXPECT_TRUE(wait_sent(self->ctx));
	ASSERT_TRUE(raw_read_frame(c, &f));
	EXPECT_EQ(0, memcmp(f.body, "left", 4));
	EXPECT_TRUE(sent(self->ctx));
	xclose(c);
	xclose(l);
}

/* but one that does not read keeps the rest waiting, which no buffer takes */
TEST_F(ctx, peer_that_does_not_read)
{
	int fd = socket_in(self->ctx, ZMQ_PUSH), l, c;
	static char big[16 << 20];

	l = raw_listen(self->ep);
	xconnect(fd, self->ep);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	xpeers(fd, 1);
	xsend(fd, big, sizeof(big), 0);
	xclose(fd);
	EXPECT_EQ(0, poll1(self->ctx, POLLIN, KZ_QUIET_MS));
	while (read(c, big, sizeof(big)) > 0)
		;
	EXPECT_TRUE(wait_sent(self->ctx));
	xclose(c);
	xclose(l);
}

/* Whom it was bound for it is with, read or not; or nobody is bound yet. */
TEST_F(ctx, inproc)
{
	int push = socket_in(self->ctx, ZMQ_PUSH), pull;

	pull = socket_in(self->ctx, ZMQ_PULL);
	xbind(pull, NAME);
	xconnect(push, NAME);
	xsends(push, "left", 0);
	xclose(push);
	EXPECT_TRUE(wait_sent(self->ctx));
	EXPECT_GOT(pull, "left");
	xclose(pull);
	leave(self->ctx, NAME, -1);
	EXPECT_EQ(0, poll1(self->ctx, POLLIN, KZ_QUIET_MS));
	pull = socket_in(self->ctx, ZMQ_PULL);
	xbind(pull, NAME);
	EXPECT_TRUE(wait_sent(self->ctx));
	EXPECT_GOT(pull, "left");
	xclose(pull);
	leave(self->ctx, NAME, 50);
	EXPECT_TRUE(wait_sent(self->ctx));
}

/* those of another context, and of the default one */
TEST_F(ctx, others_do_not_count)
{
	int other = context(), fd = xsocket(ZMQ_PUSH);

	xconnect(fd, self->ep);
	xsends(fd, "left", 0);
	xclose(fd);
	leave(other, self->ep, -1);
	EXPECT_TRUE(sent(self->ctx));
	EXPECT_FALSE(sent(other));
	/* the descriptor of a context that lingers may be closed */
	xclose(other);
}

TEST_F(ctx, epoll)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int level = epoll_create1(0), edge = epoll_create1(0);

	leave(self->ctx, self->ep, -1);
	ASSERT_OK(epoll_ctl(level, EPOLL_CTL_ADD, self->ctx, &ev));
	ev.events = EPOLLIN | EPOLLET;
	ASSERT_OK(epoll_ctl(edge, EPOLL_CTL_ADD, self->ctx, &ev));
	EXPECT_EQ(0, epoll_wait(level, &ev, 1, KZ_QUIET_MS));
	EXPECT_EQ(0, epoll_wait(edge, &ev, 1, 0));
	take(1, self->ep);
	EXPECT_EQ(1, epoll_wait(level, &ev, 1, kz_ms(KZ_WAIT_MS)));
	EXPECT_EQ(EPOLLIN, ev.events);
	EXPECT_EQ(1, epoll_wait(level, &ev, 1, 0));
	EXPECT_EQ(1, epoll_wait(edge, &ev, 1, 0));
	EXPECT_EQ(0, epoll_wait(edge, &ev, 1, 0));
	/* once more */
	leave(self->ctx, self->ep, -1);
	EXPECT_EQ(0, epoll_wait(level, &ev, 1, 0));
	ASSERT_OK(sysctl_set("orphan_abort", 1));
	EXPECT_EQ(1, epoll_wait(edge, &ev, 1, kz_ms(KZ_WAIT_MS)));
	/* the descriptor goes while it is watched */
	leave(self->ctx, self->ep, -1);
	xclose(self->ctx);
	EXPECT_EQ(0, epoll_wait(level, &ev, 1, 0));
}

TEST_F(ctx, io_uring)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = {
		.tv_sec = kz_ms(KZ_WAIT_MS) / 1000 + 1,
	};
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	leave(self->ctx, self->ep, -1);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_add(sqe, self->ctx, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_EQ(-EAGAIN, io_uring_peek_cqe(&ring, &cqe));
	take(1, self->ep);
	ASSERT_EQ(0, io_uring_wait_cqe_timeout(&ring, &cqe, &ts));
	EXPECT_EQ(POLLIN, cqe->res);
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
}

static void *wait_thread(void *arg)
{
	return (void *)(long)wait_sent(*(int *)arg);
}

/* a process that has the descriptor hears of another's sockets */
TEST_F(ctx, threads_and_processes)
{
	pthread_t t[4];
	void *heard;
	int i, status;
	pid_t pid;

	leave(self->ctx, self->ep, -1);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, wait_thread,
					    &self->ctx));
	pid = fork();
	if (!pid)
		_exit(!wait_sent(self->ctx));
	take(1, self->ep);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &heard);
		EXPECT_NE(NULL, heard);
	}
	EXPECT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

ZMQ_HARNESS_MAIN
