// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 */
/* inproc: joining, high-water marks, the end of either side, all types. */
#include <sys/epoll.h>

#include "kselftest_harness.h"
#include "lib.h"

#define NAME "inproc://here"

/* Join two sockets; who comes first is up to the caller. */
static void join(int binder, int connecter, bool bind_first)
{
	if (bind_first)
		xbind(binder, NAME);
	xconnect(connecter, NAME);
	if (!bind_first)
		xbind(binder, NAME);
	xpeers(binder, 1);
	xpeers(connecter, 1);
}

static void joined(int type_bind, int type_connect, int fd[2])
{
	fd[0] = xsocket(type_bind);
	fd[1] = xsocket(type_connect);
	join(fd[0], fd[1], true);
}

/* Send until there is no more room, also none that comes in a moment. */
static int sends_until_full(int fd, int max)
{
	int n = 0;

	while (n < max && send(fd, "x", 1, MSG_DONTWAIT) == 1)
		n++;
	return n;
}

static int drain(int fd)
{
	char buf[64];
	int n = 0;

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

/* So many can be received and no more; some come when others were taken. */
static void takes(struct __test_metadata *_metadata, int fd, int n)
{
	char c;

	while (n--)
		ASSERT_EQ(1, recv(fd, &c, 1, 0));
	EXPECT_ERR(EAGAIN, recv(fd, &c, 1, MSG_DONTWAIT));
}

static void last_endpoint(int fd, char *buf, socklen_t len)
{
	KZ_CHECK(!getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, buf, &len));
}

/* One round of what two types have to say to each other */
static bool talk(int a, int type_a, int b, int type_b)
{
	switch (type_a) {
	case ZMQ_PUSH:
	case ZMQ_PUB:
		xsendv(a, "one", "two", NULL);
		return kz_got(__FILE__, __LINE__, b, "one", "two", NULL);
	case ZMQ_XPUB:
		if (!kz_got(__FILE__, __LINE__, a, "\1", NULL))
			return false;
		xsendv(a, "one", "two", NULL);
		return kz_got(__FILE__, __LINE__, b, "one", "two", NULL);
	case ZMQ_REQ:
		xsends(a, "ask", 0);
		if (type_b == ZMQ_REP) {
			if (!kz_got(__FILE__, __LINE__, b, "ask", NULL))
				return false;
			xsends(b, "tell", 0);
		} else {
			if (!kz_got(__FILE__, __LINE__, b, "a", "", "ask", NULL))
				return false;
			xsendv(b, "a", "", "tell", NULL);
		}
		return kz_got(__FILE__, __LINE__, a, "tell", NULL);
	case ZMQ_DEALER:
		if (type_b == ZMQ_REP) {
			xsendv(a, "env", "", "ask", NULL);
			if (!kz_got(__FILE__, __LINE__, b, "ask", NULL))
				return false;
			xsends(b, "tell", 0);
			return kz_got(__FILE__, __LINE__, a, "env", "", "tell",
				      NULL);
		}
		xsendv(a, "ask", "x", NULL);
		if (type_b == ZMQ_ROUTER) {
			if (!kz_got(__FILE__, __LINE__, b, "a", "ask", "x",
				    NULL))
				return false;
			xsendv(b, "a", "tell", NULL);
		} else {
			if (!kz_got(__FILE__, __LINE__, b, "ask", "x", NULL))
				return false;
			xsends(b, "tell", 0);
		}
		return kz_got(__FILE__, __LINE__, a, "tell", NULL);
	case ZMQ_ROUTER:
		xsendv(a, "b", "hello", NULL);
		if (!kz_got(__FILE__, __LINE__, b, "a", "hello", NULL))
			return false;
		xsendv(b, "a", "hello", NULL);
		return kz_got(__FILE__, __LINE__, a, "b", "hello", NULL);
	default:
		xsends(a, "there", 0);
		if (!kz_got(__FILE__, __LINE__, b, "there", NULL))
			return false;
		xsends(b, "back", 0);
		return kz_got(__FILE__, __LINE__, a, "back", NULL);
	}
}

static const struct {
	int a, b;
} legal[] = {
	{ ZMQ_PAIR, ZMQ_PAIR }, { ZMQ_PUB, ZMQ_SUB }, { ZMQ_PUB, ZMQ_XSUB },
	{ ZMQ_XPUB, ZMQ_SUB }, { ZMQ_XPUB, ZMQ_XSUB }, { ZMQ_REQ, ZMQ_REP },
	{ ZMQ_REQ, ZMQ_ROUTER }, { ZMQ_DEALER, ZMQ_REP },
	{ ZMQ_DEALER, ZMQ_DEALER }, { ZMQ_DEALER, ZMQ_ROUTER },
	{ ZMQ_ROUTER, ZMQ_ROUTER }, { ZMQ_PUSH, ZMQ_PULL },
};

/* every pair of types, either binds, either comes first */
TEST(types)
{
	size_t i;
	int how;

	for (i = 0; i < ARRAY_SIZE(legal) * 4; i++) {
		int ta = legal[i / 4].a, tb = legal[i / 4].b;
		int a = xsocket(ta), b = xsocket(tb);

		how = i % 4;
		if (ta == ZMQ_REQ || ta == ZMQ_DEALER || ta == ZMQ_ROUTER)
			xset_text(a, ZMQ_ROUTING_ID, "a");
		if (tb == ZMQ_ROUTER)
			xset_text(b, ZMQ_ROUTING_ID, "b");
		if (tb == ZMQ_SUB)
			xset_text(b, ZMQ_SUBSCRIBE, "");
		if (tb == ZMQ_XSUB)
			xsend(b, "\1", 1, 0);
		join(how & 1 ? a : b, how & 1 ? b : a, how & 2);
		ASSERT_TRUE(talk(a, ta, b, tb)) {
			TH_LOG("types %d and %d, way %d", ta, tb, how);
		}
		xclose(a);
		xclose(b);
	}
}

/* any types may be joined, as with libzmq; nothing comes to harm */
TEST(odd_types)
{
	int ta, tb, a, b, i;
	char buf[64];

	for (ta = ZMQ_PAIR; ta <= ZMQ_XSUB; ta++) {
		for (tb = ZMQ_PAIR; tb <= ZMQ_XSUB; tb++) {
			a = xsocket(ta);
			b = xsocket(tb);
			join(a, b, ta & 1);
			if (ta == ZMQ_SUB)
				xset_text(a, ZMQ_SUBSCRIBE, "t");
			for (i = 0; i < 4; i++) {
				int s = i & 1 ? a : b, r = i & 1 ? b : a;

				send(s, "\1x", 2, MSG_DONTWAIT | MSG_MORE);
				send(s, "", 0, MSG_DONTWAIT | MSG_MORE);
				send(s, "\0y", 2, MSG_DONTWAIT);
				poll1(r, POLLIN, 0);
				while (recv(r, buf, sizeof(buf),
					    MSG_DONTWAIT) >= 0)
					;
			}
			xclose(i & 1 ? a : b);
			xclose(i & 1 ? b : a);
		}
	}
}

TEST(names)
{
	int a = xsocket(ZMQ_PULL), b = xsocket(ZMQ_PULL);
	char long_name[ZMQ_ENDPOINT_OPT_MAX + 2], got[ZMQ_ENDPOINT_OPT_MAX];
	struct sockaddr_zmq sa;
	socklen_t len = sizeof(sa);

	xbind(a, NAME);
	EXPECT_ERR(EADDRINUSE, zbind(b, NAME));
	EXPECT_ERR(EADDRINUSE, zbind(a, NAME));
	last_endpoint(a, got, sizeof(got));
	EXPECT_STREQ(NAME, got);
	EXPECT_OK(getsockname(a, (struct sockaddr *)&sa, &len));
	EXPECT_STREQ(NAME, sa.szmq_endpoint);
	/* whatever is behind the two slashes is the name */
	xbind(b, "inproc://a b://c/../*");
	xbind(b, "inproc://*");
	EXPECT_ERR(EINVAL, zbind(b, "inproc://"));
	EXPECT_ERR(EINVAL, zconnect(b, "inproc://"));
	EXPECT_ERR(ENOENT, zset_text(b, ZMQ_UNBIND, NAME));
	EXPECT_ERR(ENOENT, zset_text(b, ZMQ_DISCONNECT, "inproc://nobody"));
	xunbind(a, NAME);
	EXPECT_ERR(ENOENT, zset_text(a, ZMQ_UNBIND, NAME));
	xbind(b, NAME);
	EXPECT_ERR(EADDRINUSE, zbind(a, NAME));
	xclose(b);
	xbind(a, NAME);
	memset(long_name, 'n', sizeof(long_name));
	memcpy(long_name, "inproc://", 9);
	long_name[ZMQ_ENDPOINT_OPT_MAX] = 0;
	EXPECT_ERR(ENAMETOOLONG, zset_text(a, ZMQ_BIND, long_name));
	long_name[ZMQ_ENDPOINT_OPT_MAX - 1] = 0;
	EXPECT_OK(zset_text(a, ZMQ_BIND, long_name));
	last_endpoint(a, got, sizeof(got));
	EXPECT_STREQ(long_name, got);
	EXPECT_OK(zset_text(a, ZMQ_UNBIND, got));
	/* STREAM speaks with TCP only */
	b = xsocket(ZMQ_STREAM);
	EXPECT_ERR(EPROTOTYPE, zbind(b, "inproc://s"));
	EXPECT_ERR(EPROTOTYPE, zconnect(b, "inproc://s"));
}

/* the two marks add up; 0 on either side is no limit */
TEST(marks)
{
	static const struct {
		int snd, rcv, sum;
	} m[] = {
		{ 3, 5, 8 }, { 1, 1, 2 }, { 1, 100, 101 }, { 70, 1, 71 },
		{ 200, 300, 500 }, { 0, 5, 600 }, { 5, 0, 600 },
		{ 0, 0, 600 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(m) * 4; i++) {
		bool binder_sends = i & 1, bind_first = i & 2;
		int s = xsocket(ZMQ_DEALER), r = xsocket(ZMQ_DEALER);
		int sum = m[i / 4].sum;

		xset(s, ZMQ_SNDHWM, m[i / 4].snd);
		xset(r, ZMQ_RCVHWM, m[i / 4].rcv);
		/* the other way must not matter */
		xset(s, ZMQ_RCVHWM, 2);
		xset(r, ZMQ_SNDHWM, 2);
		join(binder_sends ? s : r, binder_sends ? r : s, bind_first);
		EXPECT_EQ(sum, sends_until_full(s, 600));
		takes(_metadata, r, sum);
		xclose(s);
		xclose(r);
	}
}

/* alone, the connecter has its own mark; with the binder there is more */
TEST(marks_while_pending)
{
	int s = xsocket(ZMQ_PUSH), r = xsocket(ZMQ_PULL), i;
	unsigned char c;

	xset(s, ZMQ_SNDHWM, 3);
	xset(r, ZMQ_RCVHWM, 5);
	xconnect(s, NAME);
	for (c = 0; c < 3; c++)
		xsend(s, &c, 1, MSG_DONTWAIT);
	EXPECT_ERR(EAGAIN, send(s, "x", 1, MSG_DONTWAIT));
	EXPECT_EQ(0, poll1(s, POLLOUT, 0));
	xbind(r, NAME);
	ASSERT_TRUE(wait_ready(s, POLLOUT));
	for (; c < 8; c++)
		xsend(s, &c, 1, MSG_DONTWAIT);
	EXPECT_ERR(EAGAIN, send(s, "x", 1, MSG_DONTWAIT));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(1, recv(r, &c, 1, 0));
		EXPECT_EQ(i, c);
	}
}

TEST(marks_changed_later)
{
	int fd[2], s, r, n;

	s = xsocket(ZMQ_PUSH);
	r = xsocket(ZMQ_PULL);
	xset(s, ZMQ_SNDHWM, 3);
	xset(r, ZMQ_RCVHWM, 5);
	xbind(r, NAME);
	/* those that count are the ones at the time of bind */
	xset(r, ZMQ_RCVHWM, 50);
	xconnect(s, NAME);
	EXPECT_EQ(8, sends_until_full(s, 100));
	xset(s, ZMQ_SNDHWM, 10);
	EXPECT_EQ(7, sends_until_full(s, 100));
	xset(r, ZMQ_RCVHWM, 20);
	ASSERT_TRUE(wait_ready(s, POLLOUT));
	ASSERT_TRUE(wait_in_msgs(r, 15, KZ_WAIT_MS));
	/* who moved them may be about to look for more, and moves these, too */
	for (n = 16; n <= 20; n++) {
		xsend(s, "x", 1, MSG_DONTWAIT);
		ASSERT_TRUE(wait_in_msgs(r, n, KZ_WAIT_MS));
	}
	EXPECT_EQ(10, sends_until_full(s, 100));
	xclose(s);
	xclose(r);
	joined(ZMQ_PULL, ZMQ_PUSH, fd);
	xset(fd[1], ZMQ_SNDHWM, 0);
	EXPECT_EQ(4000, sends_until_full(fd[1], 4000));
}

/* the octets are bounded on both sides, too */
TEST(octets)
{
	static char big[100000];
	long long was;
	int fd[2], n = 0;

	own_netns();
	ASSERT_OK(sysctl_get("pipe_bytes_max", &was));
	ASSERT_OK(sysctl_set("pipe_bytes_max", 1000000));
	joined(ZMQ_PULL, ZMQ_PUSH, fd);
	while (send(fd[1], big, sizeof(big), MSG_DONTWAIT) > 0)
		n++;
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(20, n);
}

/* a message exists once, however many get it */
TEST(by_reference)
{
	static char big[1000000], got[1000000];
	int pub, sub[5], i;
	long mem;

	own_netns();
	pub = xsocket(ZMQ_PUB);
	xbind(pub, NAME);
	for (i = 0; i < 5; i++) {
		sub[i] = xsocket(ZMQ_SUB);
		xset_text(sub[i], ZMQ_SUBSCRIBE, "");
		xconnect(sub[i], NAME);
	}
	fill(big, sizeof(big), 3);
	mem = mib("MemBytes");
	xsend(pub, big, sizeof(big), 0);
	mem = mib("MemBytes") - mem;
	EXPECT_GE(mem, 1000000);
	EXPECT_LT(mem, 1200000);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(sizeof(big), recv(sub[i], got, sizeof(got), 0));
		EXPECT_TRUE(filled(got, sizeof(got), 3));
	}
}

/* what was sent before the end can be read after it, whoever closes */
TEST(close_with_unread)
{
	int way, fd[2], i;
	unsigned char c;

	for (way = 0; way < 4; way++) {
		int sender = way & 1, reader = !sender;

		fd[0] = xsocket(ZMQ_DEALER);
		fd[1] = xsocket(ZMQ_DEALER);
		for (i = 0; i < 2; i++) {
			xset(fd[i], ZMQ_SNDHWM, 30);
			xset(fd[i], ZMQ_RCVHWM, 10);
		}
		join(fd[0], fd[1], way & 2);
		for (i = 0; i < 40; i++) {
			c = i;
			xsend(fd[sender], &c, 1, MSG_DONTWAIT);
		}
		EXPECT_ERR(EAGAIN, send(fd[sender], "x", 1, MSG_DONTWAIT));
		/* linger does not matter: they are with the peer already */
		xset(fd[sender], ZMQ_LINGER, 0);
		xclose(fd[sender]);
		EXPECT_TRUE(wait_peers(fd[reader], 0, KZ_WAIT_MS));
		for (i = 0; i < 40; i++) {
			ASSERT_EQ(1, recv(fd[reader], &c, 1, 0));
			EXPECT_EQ(i, c);
		}
		EXPECT_ERR(EAGAIN, recv(fd[reader], &c, 1, MSG_DONTWAIT));
		/* nobody is there any more */
		EXPECT_ERR(EAGAIN, send(fd[reader], "x", 1, MSG_DONTWAIT));
		xclose(fd[reader]);
	}
}

/* The reader goes with unread messages, then the sender. */
TEST(close_of_reader)
{
	int way, fd[2];

	own_netns();
	for (way = 0; way < 2; way++) {
		joined(ZMQ_DEALER, ZMQ_DEALER, fd);
		EXPECT_EQ(2000, sends_until_full(fd[way], 3000));
		xclose(fd[!way]);
		EXPECT_TRUE(wait_peers(fd[way], 0, KZ_WAIT_MS));
		EXPECT_ERR(EAGAIN, send(fd[way], "x", 1, MSG_DONTWAIT));
		xclose(fd[way]);
	}
	EXPECT_EQ(0, mib("MemBytes"));
}

/* Some socket of the namespace is listed as connecting to the name. */
static bool listed(void)
{
	FILE *f = fopen("/proc/net/zmq", "r");
	bool found = false;
	char line[1024];

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f))
		found |= !!strstr(line, ">" NAME);
	fclose(f);
	return found;
}

/* inproc does not connect again by itself */
TEST(no_reconnect)
{
	int fd[2], b, i;

	own_netns();
	joined(ZMQ_PAIR, ZMQ_PAIR, fd);
	xclose(fd[0]);
	EXPECT_TRUE(wait_peers(fd[1], 0, KZ_WAIT_MS));
	b = xsocket(ZMQ_PAIR);
	xbind(b, NAME);
	EXPECT_EQ(0, poll1(fd[1], POLLOUT, kz_ms(KZ_QUIET_MS)));
	/* a work item takes the endpoint away */
	for (i = 0; i < kz_ms(KZ_WAIT_MS) && listed(); i++)
		usleep(1000);
	EXPECT_ERR(ENOENT, zset_text(fd[1], ZMQ_DISCONNECT, NAME));
	xconnect(fd[1], NAME);
	xsends(fd[1], "again", 0);
	EXPECT_GOT(b, "again");
}

/* unbind gives the name free and leaves the peers */
TEST(unbind_and_disconnect)
{
	int fd[2], b;

	joined(ZMQ_PULL, ZMQ_PUSH, fd);
	xsends(fd[1], "1", 0);
	xunbind(fd[0], NAME);
	xsends(fd[1], "2", 0);
	EXPECT_GOT(fd[0], "1");
	EXPECT_GOT(fd[0], "2");
	b = xsocket(ZMQ_PULL);
	xbind(b, NAME);
	xsends(fd[1], "3", 0);
	EXPECT_GOT(fd[0], "3");
	xsends(fd[1], "4", 0);
	xdisconnect(fd[1], NAME);
	EXPECT_ERR(ENOENT, zset_text(fd[1], ZMQ_DISCONNECT, NAME));
	EXPECT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
	EXPECT_GOT(fd[0], "4");
	EXPECT_EQ(0, poll1(fd[1], POLLOUT, 0));
	/* each connect makes a pipe, one disconnect ends them all */
	xset(fd[1], ZMQ_SNDHWM, 1);
	xclose(b);
	xconnect(fd[1], NAME);
	xconnect(fd[1], NAME);
	EXPECT_EQ(2, sends_until_full(fd[1], 10));
	xdisconnect(fd[1], NAME);
	EXPECT_ERR(ENOENT, zset_text(fd[1], ZMQ_DISCONNECT, NAME));
}

/* last words of one who did not live to see the binder */
TEST(pending_closed)
{
	int a = xsocket(ZMQ_PUSH), b = xsocket(ZMQ_PULL), c = xsocket(ZMQ_PUSH);

	xset(a, ZMQ_LINGER, -1);
	xconnect(a, NAME);
	xsends(a, "closed", 0);
	xclose(a);
	xset(c, ZMQ_LINGER, -1);
	xconnect(c, NAME);
	xsends(c, "disconnected", 0);
	xdisconnect(c, NAME);
	EXPECT_EQ(0, poll1(c, POLLOUT, 0));
	a = xsocket(ZMQ_PUSH);
	xconnect(a, NAME);
	xsends(a, "lost", 0);
	xclose(a);
	xbind(b, NAME);
	EXPECT_GOT(b, "closed");
	EXPECT_GOT(b, "disconnected");
	EXPECT_QUIET(b);
	EXPECT_TRUE(wait_peers(b, 0, KZ_WAIT_MS));
}

/* who lingers for a binder that never comes goes in time */
TEST(pending_lingers_in_time)
{
	int a, i;

	own_netns();
	a = xsocket(ZMQ_PUSH);
	xset(a, ZMQ_LINGER, kz_ms(50));
	xconnect(a, NAME);
	xsends(a, "x", 0);
	EXPECT_NE(0, mib("MemBytes"));
	xclose(a);
	for (i = 0; i < kz_ms(KZ_WAIT_MS) && mib("MemBytes"); i++)
		usleep(1000);
	EXPECT_EQ(0, mib("MemBytes"));
}

/* all inproc peers of a socket hear of its end, wherever they are among others */
TEST(closing_beside_many)
{
	enum { WAVES = 44, EACH = 25, HERE = 20 };
	int pull = xsocket(ZMQ_PULL), ipc = xsocket(ZMQ_PUSH), here[2], i, j;

	xset(ipc, ZMQ_LINGER, 0);
	xbind(pull, NAME);
	xbind(pull, "ipc://many");
	for (i = 0; i < 2; i++)
		here[i] = xsocket(ZMQ_PUSH);
	for (i = 0; i < HERE; i++)
		xconnect(here[0], NAME);
	for (i = 1; i <= WAVES; i++) {
		for (j = 0; j < EACH; j++)
			xconnect(ipc, "ipc://many");
		xpeers(pull, HERE + i * EACH);
	}
	for (i = 0; i < HERE; i++)
		xconnect(here[1], NAME);
	xpeers(pull, 2 * HERE + WAVES * EACH);
	xpeers(here[0], HERE);
	xpeers(here[1], HERE);
	xclose(pull);
	xpeers(here[0], 0);
	xpeers(here[1], 0);
}

struct blocked {
	int fd;
	bool send;
	ssize_t ret;
	pid_t tid;
	int ready[2];
};

static void *blocked_call(void *arg)
{
	struct blocked *b = arg;
	char buf[16];

	b->tid = gettid();
	KZ_CHECK(write(b->ready[1], "", 1) == 1);
	b->ret = b->send ? send(b->fd, "last", 4, 0) :
			   recv(b->fd, buf, sizeof(buf), 0);
	return NULL;
}

static pthread_t block(struct blocked *b, int fd, bool send)
{
	pthread_t t;
	char c;

	b->fd = fd;
	b->send = send;
	KZ_CHECK(!pipe(b->ready));
	KZ_CHECK(!pthread_create(&t, NULL, blocked_call, b));
	KZ_CHECK(read(b->ready[0], &c, 1) == 1);
	KZ_CHECK(wait_blocked(b->tid, kz_ms(KZ_WAIT_MS)));
	return t;
}

TEST(waking)
{
	int fd[2], ep = epoll_create1(EPOLL_CLOEXEC), i;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	struct blocked b;
	pthread_t t;

	joined(ZMQ_PULL, ZMQ_PUSH, fd);
	/* receiver by sender */
	t = block(&b, fd[0], false);
	xsends(fd[1], "x", 0);
	pthread_join(t, NULL);
	EXPECT_EQ(1, b.ret);
	/* sender by receiver */
	EXPECT_EQ(2000, sends_until_full(fd[1], 3000));
	t = block(&b, fd[1], true);
	for (i = 0; i < 1001; i++)
		recv(fd[0], &ev.data, 1, 0);
	pthread_join(t, NULL);
	EXPECT_EQ(4, b.ret);
	while (drain(fd[0]) || poll1(fd[0], POLLIN, 0))
		;
	/* epoll, each arrival */
	EXPECT_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev));
	for (i = 0; i < 10; i++) {
		xsends(fd[1], "x", 0);
		EXPECT_EQ(1, epoll_wait(ep, &ev, 1, kz_ms(KZ_WAIT_MS)));
	}
	xclose(fd[0]);
	/* sender by one who binds */
	EXPECT_TRUE(wait_peers(fd[1], 0, KZ_WAIT_MS));
	xset(fd[1], ZMQ_SNDHWM, 1);
	xconnect(fd[1], NAME);
	xsends(fd[1], "x", 0);
	t = block(&b, fd[1], true);
	fd[0] = xsocket(ZMQ_PULL);
	xbind(fd[0], NAME);
	pthread_join(t, NULL);
	EXPECT_EQ(4, b.ret);
	EXPECT_GOT(fd[0], "x");
	EXPECT_GOT(fd[0], "last");
}

TEST(with_itself)
{
	int fd = xsocket(ZMQ_DEALER), pair = xsocket(ZMQ_PAIR), i;

	xconnect(fd, NAME);
	xbind(fd, NAME);
	xpeers(fd, 2);
	for (i = 0; i < 4; i++) {
		xsends(fd, "me", 0);
		EXPECT_GOT(fd, "me");
	}
	/* two places for one message each: the third waits */
	xset(fd, ZMQ_SNDHWM, 1);
	xset(fd, ZMQ_RCVHWM, 1);
	EXPECT_EQ(4, sends_until_full(fd, 100));
	/* the name goes first, then the connection */
	xdisconnect(fd, NAME);
	xbind(pair, NAME);
	xpeers(fd, 2);
	xdisconnect(fd, NAME);
	EXPECT_TRUE(wait_peers(fd, 0, KZ_WAIT_MS));
	xclose(fd);
	/* one peer is all a PAIR has, and that is its own other end */
	xconnect(pair, NAME);
	send(pair, "x", 1, MSG_DONTWAIT);
	xclose(pair);
}

TEST(routing_ids)
{
	int r = xsocket(ZMQ_ROUTER), d = xsocket(ZMQ_DEALER), q;
	int r2 = xsocket(ZMQ_ROUTER);

	xset_text(d, ZMQ_ROUTING_ID, "dee");
	xset(d, ZMQ_PROBE_ROUTER, 1);
	xset(r, ZMQ_ROUTER_MANDATORY, 1);
	xset_text(r, ZMQ_ROUTING_ID, "router");
	xconnect(d, NAME);
	xbind(r, NAME);
	EXPECT_GOT(r, "dee", "");
	xsendv(r, "dee", "hello", NULL);
	EXPECT_GOT(d, "hello");
	EXPECT_ERR(EHOSTUNREACH, zsendv(r, 0, "nobody", "x", NULL));
	/* the same name again: mute */
	q = xsocket(ZMQ_DEALER);
	xset_text(q, ZMQ_ROUTING_ID, "dee");
	xconnect(q, NAME);
	xsends(q, "not heard", 0);
	xsends(d, "heard", 0);
	EXPECT_GOT(r, "dee", "heard");
	EXPECT_QUIET(r);
	/* a name of our own choice for the one we connect to */
	xset_text(r2, ZMQ_CONNECT_ROUTING_ID, "mine");
	xconnect(r2, NAME);
	xsendv(r2, "mine", "hi", NULL);
	xset_text(r2, ZMQ_CONNECT_ROUTING_ID, "mine");
	EXPECT_ERR(EADDRINUSE, zconnect(r2, NAME));
	xclose(d);
	EXPECT_TRUE(wait_peers(r, 2, KZ_WAIT_MS));
	EXPECT_ERR(EHOSTUNREACH, zsendv(r, 0, "dee", "x", NULL));
}

TEST(subscriptions)
{
	int xpub = xsocket(ZMQ_XPUB), far = xsocket(ZMQ_XPUB);
	int sub = xsocket(ZMQ_SUB), sub2 = xsocket(ZMQ_SUB);
	char ep[EP_LEN];

	/* one publisher here, one behind TCP: they get the same messages */
	xbind_any(far, ep);
	xset_text(sub, ZMQ_SUBSCRIBE, "early");
	xconnect(sub, NAME);
	xconnect(sub, ep);
	xbind(xpub, NAME);
	xpeers(sub, 2);
	EXPECT_GOT(xpub, "\1early");
	EXPECT_GOT(far, "\1early");
	xset_text(sub, ZMQ_SUBSCRIBE, "late");
	EXPECT_GOT(xpub, "\1late");
	EXPECT_GOT(far, "\1late");
	xset_text(sub, ZMQ_UNSUBSCRIBE, "early");
	xtopics(xpub, 1);
	xtopics(far, 1);
	xsends(xpub, "early", 0);
	xsends(xpub, "later", 0);
	EXPECT_GOT(sub, "later");
	xset_text(sub2, ZMQ_SUBSCRIBE, "late");
	xconnect(sub2, NAME);
	xset(xpub, ZMQ_XPUB_VERBOSER, 1);
	xclose(sub2);
	/* 0, "early" is the first of the two that are waiting */
	EXPECT_TRUE(wait_peers(xpub, 1, KZ_WAIT_MS));
	xclose(sub);
	EXPECT_TRUE(wait_peers(xpub, 0, KZ_WAIT_MS));
	xtopics(xpub, 0);
	EXPECT_TRUE(wait_in_msgs(xpub, 3, KZ_WAIT_MS));
}

TEST(conflate)
{
	int way, fd[2], i;
	char c;

	for (way = 0; way < 4; way++) {
		fd[0] = xsocket(ZMQ_PULL);
		fd[1] = xsocket(ZMQ_PUSH);
		xset(fd[way & 1], ZMQ_CONFLATE, 1);
		join(fd[0], fd[1], way & 2);
		for (i = 0; i < 5; i++) {
			c = '0' + i;
			xsend(fd[1], &c, 1, 0);
		}
		/* the connecter decides */
		for (i = way & 1 ? 4 : 0; i < 5; i++) {
			ASSERT_EQ(1, recv(fd[0], &c, 1, 0));
			EXPECT_EQ('0' + i, c);
		}
		EXPECT_ERR(EAGAIN, recv(fd[0], &c, 1, MSG_DONTWAIT));
		xclose(fd[0]);
		xclose(fd[1]);
	}
}

TEST(many_pending)
{
	int n = kz_slow() > 1 ? 500 : 3000, i, b = xsocket(ZMQ_PULL);
	int a = xsocket(ZMQ_PUSH);

	for (i = 0; i < n; i++)
		xconnect(a, NAME);
	for (i = 0; i < n; i++)
		xsends(a, "x", MSG_DONTWAIT);
	xbind(b, NAME);
	xpeers(b, n);
	EXPECT_EQ(n, drain(b));
	xclose(a);
	EXPECT_TRUE(wait_peers(b, 0, KZ_WAIT_MS));
}

/* IMMEDIATE is nothing to inproc; shutdown ends calls and leaves the peer */
TEST(immediate_and_shutdown)
{
	int fd[2] = { xsocket(ZMQ_PULL), xsocket(ZMQ_PUSH) };

	xset(fd[1], ZMQ_IMMEDIATE, 1);
	xconnect(fd[1], NAME);
	xsends(fd[1], "x", MSG_DONTWAIT);
	xbind(fd[0], NAME);
	EXPECT_GOT(fd[0], "x");
	EXPECT_OK(shutdown(fd[0], SHUT_RDWR));
	xsends(fd[1], "y", MSG_DONTWAIT);
	EXPECT_ERR(ESHUTDOWN, zset_text(fd[0], ZMQ_UNBIND, NAME));
}

ZMQ_HARNESS_MAIN
