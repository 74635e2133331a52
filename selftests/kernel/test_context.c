// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 */
/* Contexts: descriptors of their own, processes that share one, many threads. */
#include <sched.h>

#include "kselftest_harness.h"
#include "lib.h"

#define NAME "inproc://here"

static int context(void)
{
	socklen_t len = sizeof(int);
	int fd = zsocket(ZMQ_PAIR), ctx = -1;

	KZ_CHECK(fd >= 0);
	if (getsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT_NEW, &ctx, &len))
		KZ_DIE("ZMQ_CONTEXT_NEW");
	KZ_CHECK(len == sizeof(int) && ctx >= 0);
	xclose(fd);
	return ctx;
}

static int socket_in(int ctx, int type)
{
	int fd = xsocket(type);

	xset(fd, ZMQ_CONTEXT, ctx);
	return fd;
}

TEST(own_names)
{
	int c1 = context(), c2 = context();
	int a = socket_in(c1, ZMQ_PAIR), b = socket_in(c1, ZMQ_PAIR);
	int c = socket_in(c2, ZMQ_PAIR), d = xsocket(ZMQ_PAIR);

	EXPECT_TRUE(fcntl(c1, F_GETFD) & FD_CLOEXEC);
	xbind(a, NAME);
	xbind(c, NAME);
	xbind(d, NAME);
	EXPECT_ERR(EADDRINUSE, zbind(b, NAME));
	/* the descriptors are not needed once sockets have joined */
	xclose(c1);
	xclose(c2);
	xconnect(b, NAME);
	xsends(b, "to a", 0);
	EXPECT_GOT(a, "to a");
	EXPECT_EQ(0, poll1(c, POLLIN, 0));
	EXPECT_EQ(0, poll1(d, POLLIN, 0));
	/* a context without sockets, made from one that is still open */
	c1 = context();
	xclose(a);
	a = socket_in(c1, ZMQ_PAIR);
	xbind(a, NAME);
}

TEST(bad_calls)
{
	int ctx = context(), fd = xsocket(ZMQ_PAIR), null, v, port;
	socklen_t len;

	null = open("/dev/null", O_RDWR);
	EXPECT_ERR(EBADF, zset(fd, ZMQ_CONTEXT, -1));
	EXPECT_ERR(EBADF, zset(fd, ZMQ_CONTEXT, 12345));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_CONTEXT, null));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_CONTEXT, fd));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT, &ctx, 3));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT, &ctx, 8));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT, BADPTR, 4));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_CONTEXT_NEW, ctx));
	len = sizeof(v);
	EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT, &v, &len));
	len = 3;
	EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT_NEW, &v, &len));
	len = sizeof(v);
	EXPECT_ERR(EFAULT, getsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT_NEW, BADPTR,
				      &len));
	EXPECT_ERR(EFAULT, getsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT_NEW, &v,
				      BADPTR));
	/* what failed left no descriptor behind */
	v = dup(null);
	EXPECT_EQ(null + 1, v);
	EXPECT_ERR(EINVAL, read(ctx, &v, 4));
	/* twice is fine, but not once there is an endpoint */
	xset(fd, ZMQ_CONTEXT, ctx);
	xset(fd, ZMQ_CONTEXT, context());
	xset(fd, ZMQ_CONTEXT, ctx);
	EXPECT_ERR(EINVAL, zbind(fd, "inproc://"));
	xset(fd, ZMQ_CONTEXT, ctx);
	xbind(fd, NAME);
	EXPECT_ERR(EBUSY, zset(fd, ZMQ_CONTEXT, ctx));
	xunbind(fd, NAME);
	EXPECT_ERR(EBUSY, zset(fd, ZMQ_CONTEXT, ctx));
	port = xsocket(ZMQ_PAIR);
	xconnect(port, "tcp://127.0.0.1:9");
	EXPECT_ERR(EBUSY, zset(port, ZMQ_CONTEXT, ctx));
}

/* the names of a context belong to one network namespace */
TEST(other_namespace)
{
	int ctx = context(), a, b, fd[2] = { xsocket(ZMQ_PAIR), -1 };

	a = socket_in(ctx, ZMQ_PAIR);
	xbind(a, NAME);
	xbind(fd[0], "inproc://default");
	own_netns();
	b = xsocket(ZMQ_PAIR);
	EXPECT_ERR(EXDEV, zset(b, ZMQ_CONTEXT, ctx));
	/* nor does the default one cross the border */
	xbind(b, "inproc://default");
}

static int child(int (*fn)(int arg), int arg)
{
	pid_t pid = fork();
	int status;

	KZ_CHECK(pid >= 0);
	if (!pid)
		_exit(fn(arg));
	if (!wait_exit(pid, &status, KZ_WAIT_MS))
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int child_default(int fd)
{
	int own = xsocket(ZMQ_PUSH);

	/* a name of the parent's is free here, and nobody hears */
	xconnect(own, NAME);
	xsends(own, "not heard", 0);
	/* a socket of the parent's stays where it is */
	xconnect(fd, NAME);
	xsends(fd, "heard", 0);
	own = xsocket(ZMQ_PULL);
	xbind(own, NAME);
	return !kz_got(__FILE__, __LINE__, own, "not heard", NULL);
}

TEST(fork_default)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);

	xbind(pull, NAME);
	EXPECT_EQ(0, child(child_default, push));
	EXPECT_GOT(pull, "heard");
	EXPECT_QUIET(pull);
}

static int child_context(int ctx)
{
	int fd = socket_in(ctx, ZMQ_REQ);

	xconnect(fd, NAME);
	xsends(fd, "ask", 0);
	return !kz_got(__FILE__, __LINE__, fd, "tell", NULL);
}

TEST(fork_shared)
{
	int ctx = context(), rep = socket_in(ctx, ZMQ_REP), status;
	pid_t pid;

	/* the child connects before we bind, or after it */
	pid = fork();
	if (!pid)
		_exit(child_context(ctx));
	xbind(rep, NAME);
	EXPECT_GOT(rep, "ask");
	xsends(rep, "tell", 0);
	EXPECT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(wait_peers(rep, 0, KZ_WAIT_MS));
}

static void pass_fd(int sock, int fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} u = {};
	char c = 0;
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &u,
			    .msg_controllen = sizeof(u) };

	u.h.cmsg_level = SOL_SOCKET;
	u.h.cmsg_type = SCM_RIGHTS;
	u.h.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&u.h), &fd, sizeof(int));
	KZ_CHECK(sendmsg(sock, &m, 0) == 1);
}

static int take_fd(int sock)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} u = {};
	char c;
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &u,
			    .msg_controllen = sizeof(u) };
	int fd;

	KZ_CHECK(recvmsg(sock, &m, 0) == 1);
	KZ_CHECK(u.h.cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&u.h), sizeof(int));
	return fd;
}

static int child_passed(int sock)
{
	return child_context(take_fd(sock));
}

TEST(scm_rights)
{
	int sv[2], status, ctx, rep;
	pid_t pid;

	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	pid = fork();
	if (!pid)
		_exit(child_passed(sv[1]));
	/* made after the fork: the child has it from us alone */
	ctx = context();
	rep = socket_in(ctx, ZMQ_REP);
	pass_fd(sv[0], ctx);
	xclose(ctx);
	xbind(rep, NAME);
	EXPECT_GOT(rep, "ask");
	xsends(rep, "tell", 0);
	EXPECT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* a peer that is killed is a peer that left */
TEST(killed_peer)
{
	int ctx = context(), pull = socket_in(ctx, ZMQ_PULL), status, p[2];
	pid_t pid;
	char c;

	xbind(pull, NAME);
	ASSERT_OK(pipe(p));
	pid = fork();
	if (!pid) {
		int push = socket_in(ctx, ZMQ_PUSH);

		xconnect(push, NAME);
		xsends(push, "last words", 0);
		KZ_CHECK(write(p[1], "", 1) == 1);
		pause();
	}
	ASSERT_EQ(1, read(p[0], &c, 1));
	kill(pid, SIGKILL);
	EXPECT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_TRUE(wait_peers(pull, 0, KZ_WAIT_MS));
	EXPECT_GOT(pull, "last words");
}

/* Threads that bind, connect, send, receive and close at random */
#define THREADS	4
#define SHARED	6

struct hammer {
	int ctx;
	int shared[SHARED];
	unsigned int seed;
	int rounds;
};

static void hammer_one(struct hammer *h, unsigned int *seed, int fd)
{
	char name[] = "inproc://?", buf[300];
	int n = rand_r(seed) % 300;

	name[9] = 'a' + rand_r(seed) % 3;
	switch (rand_r(seed) % 8) {
	case 0:
		zbind(fd, name);
		break;
	case 1:
	case 2:
		zconnect(fd, name);
		break;
	case 3:
		zset_text(fd, ZMQ_DISCONNECT, name);
		break;
	case 4:
		memset(buf, n & 1, sizeof(buf));
		send(fd, buf, n, MSG_DONTWAIT);
		break;
	case 5:
		send(fd, "0", 1, MSG_DONTWAIT | MSG_MORE);
		send(fd, "", 0, MSG_DONTWAIT | MSG_MORE);
		send(fd, "1", 1, MSG_DONTWAIT);
		break;
	case 6:
		zset(fd, n & 1 ? ZMQ_SNDHWM : ZMQ_RCVHWM, n & 7);
		break;
	default:
		while (n-- && recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
			;
	}
}

static void *hammer_thread(void *arg)
{
	struct hammer *h = arg;
	unsigned int seed = __sync_fetch_and_add(&h->seed, 1);
	int own = -1, i;

	for (i = 0; i < h->rounds; i++) {
		if (own < 0) {
			own = socket_in(h->ctx, rand_r(&seed) % ZMQ_STREAM);
			zset_text(own, ZMQ_SUBSCRIBE, "");
			zset(own, ZMQ_LINGER, rand_r(&seed) % 3);
		}
		hammer_one(h, &seed, rand_r(&seed) % 3 ? own :
			   h->shared[rand_r(&seed) % SHARED]);
		if (!(rand_r(&seed) % 12)) {
			xclose(own);
			own = -1;
		}
	}
	if (own >= 0)
		xclose(own);
	return NULL;
}

TEST(hammer)
{
	static const int types[SHARED] = { ZMQ_PAIR, ZMQ_XPUB, ZMQ_XSUB,
					   ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL };
	struct hammer h = { .seed = 1 };
	pthread_t t[THREADS];
	char *seed = getenv("ZMQ_SEED");
	int i;

	own_netns();
	h.ctx = context();
	h.rounds = kz_slow() > 1 ? 600 : 10000;
	if (seed)
		h.seed = atoi(seed);
	TH_LOG("seed %u", h.seed);
	for (i = 0; i < SHARED; i++)
		h.shared[i] = socket_in(h.ctx, types[i]);
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, hammer_thread, &h));
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (i = 0; i < SHARED; i++)
		xclose(h.shared[i]);
	EXPECT_TRUE(wait_mib_down("MemBytes", 0));
}

/* Streams through peers that come and go: each message once */
struct flow {
	int fd;
	int from;
};

static void *flow_thread(void *arg)
{
	struct flow *f = arg;
	unsigned int m[2] = { f->from, 0 };
	int i;

	for (i = 0; i < 20; i++) {
		int fd = xsocket(ZMQ_PUSH), n;

		xset(fd, ZMQ_SNDHWM, 7);
		xset(fd, ZMQ_LINGER, -1);
		xconnect(fd, NAME);
		for (n = 0; n < 50; n++, m[1]++)
			xsend(fd, m, sizeof(m), 0);
		xclose(fd);
	}
	return NULL;
}

TEST(flow)
{
	struct flow f[THREADS];
	unsigned int next[THREADS] = { 0 }, m[2];
	pthread_t t[THREADS];
	int pull = xsocket(ZMQ_PULL), i;

	xset(pull, ZMQ_RCVHWM, 5);
	for (i = 0; i < THREADS; i++) {
		f[i].from = i;
		ASSERT_EQ(0, pthread_create(&t[i], NULL, flow_thread, &f[i]));
	}
	xbind(pull, NAME);
	for (i = 0; i < THREADS * 1000; i++) {
		ASSERT_EQ(sizeof(m), recv(pull, m, sizeof(m), 0));
		ASSERT_LT(m[0], THREADS);
		next[m[0]]++;
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		EXPECT_EQ(1000, next[i]);
	}
	EXPECT_TRUE(wait_peers(pull, 0, KZ_WAIT_MS));
	EXPECT_ERR(EAGAIN, recv(pull, m, sizeof(m), MSG_DONTWAIT));
}

ZMQ_HARNESS_MAIN
