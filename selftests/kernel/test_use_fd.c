// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* ZMQ_USE_FD: sockets that somebody else has bound and that listen already. */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>

static void last_endpoint(int fd, char ep[EP_LEN])
{
	socklen_t len = EP_LEN;

	KZ_CHECK(!getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
}

/* @name: a path, or "@" and an abstract name */
static socklen_t unix_addr(struct sockaddr_un *sun, const char *name)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	strcpy(sun->sun_path, name);
	if (*name == '@')
		sun->sun_path[0] = '\0';
	return offsetof(struct sockaddr_un, sun_path) + strlen(name);
}

static int unix_listen(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sun;
	socklen_t len = unix_addr(&sun, name);

	KZ_CHECK(fd >= 0);
	KZ_CHECK(!bind(fd, (struct sockaddr *)&sun, len) && !listen(fd, 10));
	return fd;
}

static int unix_connect(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ms = kz_ms(KZ_WAIT_MS);
	struct timeval tv = { .tv_sec = ms / 1000 };
	struct sockaddr_un sun;
	socklen_t len = unix_addr(&sun, name);

	KZ_CHECK(fd >= 0);
	KZ_CHECK(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	KZ_CHECK(!connect(fd, (struct sockaddr *)&sun, len));
	return fd;
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

FIXTURE(adopt) {
	int l, pull, push;
	char text[EP_LEN], ep[EP_LEN];
};

FIXTURE_VARIANT(adopt) {
	const char *name, *text;	/* name NULL: TCP */
};

FIXTURE_VARIANT_ADD(adopt, tcp) { NULL, "tcp://*:*" };
FIXTURE_VARIANT_ADD(adopt, path) { "file", "ipc://whatever" };
FIXTURE_VARIANT_ADD(adopt, abstract) { "@kzmq-adopt", "ipc://*" };

FIXTURE_SETUP(adopt)
{
	self->pull = xsocket(ZMQ_PULL);
	self->push = xsocket(ZMQ_PUSH);
	xset(self->push, ZMQ_RECONNECT_IVL, 10);
	if (variant->name) {
		unlink(variant->name);
		self->l = unix_listen(variant->name);
		snprintf(self->ep, EP_LEN, "ipc://%s", variant->name);
	} else {
		self->l = raw_listen(self->ep);
	}
	EXPECT_EQ(-1, zget(self->pull, ZMQ_USE_FD));
	xset(self->pull, ZMQ_USE_FD, self->l);
	EXPECT_EQ(self->l, zget(self->pull, ZMQ_USE_FD));
	xbind(self->pull, variant->text);
	xset(self->pull, ZMQ_USE_FD, -1);
}

FIXTURE_TEARDOWN(adopt)
{
	xclose(self->push);
	if (self->pull >= 0)
		xclose(self->pull);
	if (self->l >= 0)
		xclose(self->l);
	if (variant->name)
		unlink(variant->name);
}

TEST_F(adopt, messages)
{
	char ep[EP_LEN];

	last_endpoint(self->pull, ep);
	EXPECT_STREQ(self->ep, ep);
	xconnect(self->push, ep);
	xsends(self->push, "through", 0);
	EXPECT_GOT(self->pull, "through");
	xpeers(self->pull, 1);
}

/* systemd's way: the service closes what it was given */
TEST_F(adopt, the_program_closes_its_own)
{
	xclose(self->l);
	self->l = -1;
	xconnect(self->push, self->ep);
	xsends(self->push, "through", 0);
	EXPECT_GOT(self->pull, "through");
	/* now nobody has it any more */
	xunbind(self->pull, self->ep);
	xclose(self->push);
	self->push = xsocket(ZMQ_PUSH);
	xset(self->push, ZMQ_RECONNECT_STOP,
	     ZMQ_RECONNECT_STOP_CONN_REFUSED);
	xconnect(self->push, self->ep);
	EXPECT_EQ(0, poll1(self->push, POLLERR, 0));
	while (!mib("GaveUp"))
		poll1(self->push, 0, 2);
}

/* The program's own goes on: what comes after unbinding is for it. */
TEST_F(adopt, the_program_goes_on)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int c, a, ep = epoll_create1(0);
	char buf[8];

	xunbind(self->pull, self->ep);
	ASSERT_OK(epoll_ctl(ep, EPOLL_CTL_ADD, self->l, &ev));
	c = variant->name ? unix_connect(variant->name) :
			    raw_connect(self->ep);
	EXPECT_EQ(1, epoll_wait(ep, &ev, 1, kz_ms(KZ_WAIT_MS)));
	a = accept(self->l, NULL, NULL);
	ASSERT_LE(0, a);
	/* and is an ordinary one */
	ASSERT_OK(epoll_ctl(ep, EPOLL_CTL_ADD, a, &ev));
	ASSERT_EQ(2, send(c, "hi", 2, 0));
	EXPECT_EQ(1, epoll_wait(ep, &ev, 1, kz_ms(KZ_WAIT_MS)));
	EXPECT_EQ(2, recv(a, buf, sizeof(buf), 0));
	EXPECT_TRUE(!variant->name || *variant->name == '@' ||
		    exists(variant->name));
	xclose(a);
	xclose(c);
	xclose(ep);
}

/* Closing the AF_ZMQ socket closes neither the listener nor its file. */
TEST_F(adopt, close)
{
	int c, a;

	xclose(self->pull);
	self->pull = -1;
	c = variant->name ? unix_connect(variant->name) :
			    raw_connect(self->ep);
	a = accept(self->l, NULL, NULL);
	EXPECT_LE(0, a);
	xclose(a);
	xclose(c);
}

/* Who had connected before is let in. */
TEST(came_before)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), l;
	char ep[EP_LEN];

	l = raw_listen(ep);
	xconnect(push, ep);
	ASSERT_EQ(1, poll1(l, POLLIN, kz_ms(KZ_WAIT_MS)));
	xset(pull, ZMQ_USE_FD, l);
	xbind(pull, ep);
	xsends(push, "early", 0);
	EXPECT_GOT(pull, "early");
}

/* Two sockets may share one, as two processes may. */
TEST(shared)
{
	int pull[2] = { xsocket(ZMQ_PULL), xsocket(ZMQ_PULL) }, push[8], l, i;
	struct zmq_stats a, b;
	char ep[EP_LEN];
	long long end;

	l = raw_listen(ep);
	for (i = 0; i < 2; i++) {
		xset(pull[i], ZMQ_USE_FD, l);
		xbind(pull[i], "tcp://*:*");
	}
	for (i = 0; i < 8; i++) {
		push[i] = xsocket(ZMQ_PUSH);
		xconnect(push[i], ep);
		xpeers(push[i], 1);
	}
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	do {
		xstats(pull[0], &a);
		xstats(pull[1], &b);
	} while (a.peers + b.peers < 8 && kz_now_ms() < end);
	EXPECT_EQ(8, a.peers + b.peers);
}

/* The program shuts it down under our hands. */
TEST(shut_down)
{
	int pull = xsocket(ZMQ_PULL), l, l2;
	char ep[EP_LEN];

	l = unix_listen("@kzmq-shut");
	xset(pull, ZMQ_USE_FD, l);
	xbind(pull, "ipc://*");
	xset(pull, ZMQ_USE_FD, -1);
	shutdown(l, SHUT_RDWR);
	l2 = raw_listen(ep);
	xset(pull, ZMQ_USE_FD, l2);
	xbind(pull, "tcp://*:*");
	shutdown(l2, SHUT_RDWR);
	/* nothing is left to do with either; other endpoints are as good */
	xset(pull, ZMQ_USE_FD, -1);
	xbind_any(pull, ep);
	xset(pull, ZMQ_USE_FD, l2);
	EXPECT_ERR(EINVAL, zbind(pull, "tcp://*:*"));
}

TEST(wrong_kind)
{
	int fd = xsocket(ZMQ_PULL), l, s, two[2], p[2];
	char ep[EP_LEN];
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

#define REFUSED(err, n, text) do {					\
		xset(fd, ZMQ_USE_FD, n);				\
		EXPECT_ERR(err, zbind(fd, text));			\
		EXPECT_ERR(err, zset_text(fd, ZMQ_BIND, text));		\
	} while (0)

	l = raw_listen(ep);
	/* no descriptor, no socket */
	REFUSED(EBADF, 1000, "tcp://*:*");
	REFUSED(EBADF, 0x7fffffff, "ipc://*");
	REFUSED(ENOTSOCK, STDIN_FILENO, "tcp://*:*");
	KZ_CHECK(!pipe(p));
	REFUSED(ENOTSOCK, p[0], "ipc://*");
	/* no stream */
	s = socket(AF_INET, SOCK_DGRAM, 0);
	REFUSED(EOPNOTSUPP, s, "tcp://*:*");
	s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	REFUSED(EOPNOTSUPP, s, "ipc://*");
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	REFUSED(EOPNOTSUPP, s, "ipc://*");
	/* itself, another one */
	REFUSED(EOPNOTSUPP, fd, "tcp://*:*");
	REFUSED(EOPNOTSUPP, xsocket(ZMQ_PULL), "ipc://*");
	/* of the other transport */
	REFUSED(EAFNOSUPPORT, l, "ipc://*");
	s = unix_listen("@kzmq-other");
	REFUSED(EAFNOSUPPORT, s, "tcp://*:*");
	/* does not listen: bound only, connected */
	s = socket(AF_INET, SOCK_STREAM, 0);
	REFUSED(EINVAL, s, "tcp://*:*");
	KZ_CHECK(!bind(s, (struct sockaddr *)&sin, sizeof(sin)));
	REFUSED(EINVAL, s, "tcp://*:*");
	s = raw_connect(ep);
	REFUSED(EINVAL, s, "tcp://*:*");
	KZ_CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, two));
	REFUSED(EINVAL, two[0], "ipc://*");
	/* bad texts are still bad */
	REFUSED(EINVAL, l, "tcp://nonsense");
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_USE_FD, -2));
	/* connecting does not care */
	xconnect(fd, ep);
	xset(fd, ZMQ_USE_FD, l);
	EXPECT_OK(zbind(fd, ep));
}

static void pass(int to, int fd, const void *data, size_t len)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} u = { .h = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	} };
	struct iovec iov = { (void *)data, len };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	ssize_t n;

	memcpy(CMSG_DATA(&u.h), &fd, sizeof(fd));
	n = sendmsg(to, &m, MSG_NOSIGNAL);
	/* newer kernels refuse, as they are told to */
	KZ_CHECK(n == (ssize_t)len || (n < 0 && errno == EPERM));
}

/*
 * The AF_ZMQ socket is in flight to itself, and nobody else has it: it has to
 * end all the same. If it did not, the module could not be removed either.
 */
FIXTURE(cycle) {
	int pull;
};

/* a name each: the file of an adopted one goes some time after its socket */
FIXTURE_VARIANT(cycle) {
	const char *ep;
	bool adopted, full;
};

FIXTURE_VARIANT_ADD(cycle, adopted) { "ipc://@kzmq-cycle-1", true, false };
FIXTURE_VARIANT_ADD(cycle, adopted_full) { "ipc://@kzmq-cycle-2", true, true };
FIXTURE_VARIANT_ADD(cycle, own) { "ipc://@kzmq-cycle-3", false, false };
FIXTURE_VARIANT_ADD(cycle, own_full) { "ipc://@kzmq-cycle-4", false, true };

FIXTURE_SETUP(cycle)
{
	int l;

	self->pull = xsocket(ZMQ_PULL);
	xset(self->pull, ZMQ_RCVHWM, 1);
	if (!variant->adopted) {
		xbind(self->pull, variant->ep);
		return;
	}
	l = unix_listen(variant->ep + strlen("ipc://"));
	xset(self->pull, ZMQ_USE_FD, l);
	xbind(self->pull, "ipc://*");
	xclose(l);
}

FIXTURE_TEARDOWN(cycle)
{
}

TEST_F(cycle, ends)
{
	int c = unix_connect(variant->ep + strlen("ipc://"));
	static const char msg[] = "\0\1x";
	long long end;
	int i;

	ASSERT_TRUE(raw_handshake(c, 1, "PUSH", "PULL"));
	xpeers(self->pull, 1);
	if (variant->full) {
		/* one is queued, one waits in front of it, the rest behind */
		for (i = 0; i < 20; i++)
			raw_write(c, msg, 3);
		ASSERT_TRUE(wait_ready(self->pull, POLLIN));
	}
	pass(c, self->pull, msg, 3);
	xclose(self->pull);
	EXPECT_TRUE(raw_closed(c));
	xclose(c);
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	for (;;) {
		char line[256];
		int socks = -1;		/* the header */
		FILE *f = fopen("/proc/net/zmq", "r");

		KZ_CHECK(f);
		while (fgets(line, sizeof(line), f))
			socks++;
		fclose(f);
		if (!socks)
			break;
		if (kz_now_ms() > end) {
			EXPECT_EQ(0, socks);
			break;
		}
		poll(NULL, 0, 2);
	}
}

/* in flight before it was accepted, to a listener that is adopted later */
TEST(cycle_in_the_queue)
{
	int l = unix_listen("@kzmq-cycle"), pull = xsocket(ZMQ_PULL), c;

	c = unix_connect("@kzmq-cycle");
	pass(c, pull, "\xff", 1);
	xset(pull, ZMQ_USE_FD, l);
	xbind(pull, "ipc://*");
	xclose(l);
	xclose(pull);
	EXPECT_TRUE(raw_closed(c));
}

ZMQ_HARNESS_MAIN
