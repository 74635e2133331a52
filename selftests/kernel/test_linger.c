// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* After close(): what is still sent, for how long, and what is left over. */
#include "kselftest_harness.h"
#include "lib.h"

#define NOBODY	"tcp://127.0.0.1:9"

/* lines of sockets in /proc/net/zmq */
static int sockets(void)
{
	FILE *f = fopen("/proc/net/zmq", "r");
	int n = -1, c;

	KZ_CHECK(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static bool wait_sockets(int n, int ms)
{
	long long end = kz_now_ms() + kz_ms(ms);

	while (sockets() != n) {
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %d sockets, not %d\n", sockets(), n);
			return false;
		}
		poll(NULL, 0, 1);
	}
	return true;
}

/* no socket and no octet of a message is left in the namespace */
static bool all_gone(void)
{
	return wait_sockets(0, KZ_WAIT_MS) && !mib("MemBytes");
}

/* a PUSH with so many messages that nobody will ever take */
static int stuck_push(int linger, int messages)
{
	int fd = zsocket(ZMQ_PUSH);

	KZ_CHECK(fd >= 0);
	xset(fd, ZMQ_LINGER, linger);
	xconnect(fd, NOBODY);
	while (messages--)
		xsends(fd, "undeliverable", 0);
	return fd;
}

FIXTURE(own) {
	char ep[EP_LEN];
};

FIXTURE_SETUP(own)
{
	own_netns();
}

FIXTURE_TEARDOWN(own) {}

TEST_F(own, zero_means_at_once)
{
	xclose(stuck_push(0, 100));
	EXPECT_TRUE(all_gone());
}

TEST_F(own, finite)
{
	long long t = kz_now_ms();

	xclose(stuck_push(300, 100));
	EXPECT_GT(kz_ms(250), kz_now_ms() - t);
	EXPECT_EQ(1, sockets());
	EXPECT_TRUE(all_gone());
	EXPECT_LE(220, kz_now_ms() - t);
}

/* nothing queued: nothing to wait for, whatever the option says */
TEST_F(own, nothing_to_send)
{
	int fd[2], old = zsocket(ZMQ_PUSH);

	xconnect(old, NOBODY);
	xclose(old);
	EXPECT_TRUE(all_gone());
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xset(fd[0], ZMQ_LINGER, -1);
	xset(fd[1], ZMQ_LINGER, -1);
	xsends(fd[1], "x", 0);
	EXPECT_GOT(fd[0], "x");
	xclose(fd[1]);
	EXPECT_TRUE(wait_sockets(1, KZ_WAIT_MS));
	xclose(fd[0]);
	EXPECT_TRUE(all_gone());
}

/* even without a limit of its own an orphan's life has one */
TEST_F(own, orphans_end)
{
	int status;
	pid_t pid;

	ASSERT_OK(sysctl_set("orphan_ms", 200));
	xclose(stuck_push(-1, 10));
	EXPECT_EQ(1, sockets());
	EXPECT_TRUE(all_gone());
	pid = fork();
	if (!pid) {
		stuck_push(-1, 10);
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_TRUE(all_gone());
}

/* closing with messages nobody has read, in every way they can lie there */
TEST_F(own, unread)
{
	int fd[2], way;
	char c;

	for (way = 0; way < 5; way++) {
		xpair(ZMQ_DEALER, ZMQ_DEALER, fd);
		xsendv(fd[1], "a", "b", "c", NULL);
		xsends(fd[1], "d", 0);
		ASSERT_TRUE(wait_in_msgs(fd[0], 2, KZ_WAIT_MS));
		switch (way) {
		case 1:		/* one frame read */
			EXPECT_EQ(1, recv(fd[0], &c, 1, 0));
			break;
		case 2:		/* the sender has gone before */
			xclose(fd[1]);
			ASSERT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
			break;
		case 3:		/* looked at */
			EXPECT_EQ(1, recv(fd[0], &c, 1, MSG_PEEK));
			break;
		case 4:
			ASSERT_OK(shutdown(fd[0], SHUT_RDWR));
			break;
		}
		xclose(fd[0]);
		if (way != 2)
			xclose(fd[1]);
		EXPECT_TRUE(all_gone())
			TH_LOG("way %d", way);
	}
}

/* between request and reply, on both sides and in each step */
TEST_F(own, request_reply)
{
	int fd[2], step;

	for (step = 0; step < 5; step++) {
		xpair(ZMQ_REP, ZMQ_REQ, fd);
		if (step > 0)
			xsends(fd[1], "q", 0);
		if (step > 1)
			EXPECT_GOT(fd[0], "q");
		if (step > 2) {
			xsends(fd[0], "a", 0);
			EXPECT_TRUE(wait_ready(fd[1], POLLIN));
		}
		if (step > 3)
			EXPECT_GOT(fd[1], "a");
		xclose(fd[step & 1]);
		xclose(fd[!(step & 1)]);
		EXPECT_TRUE(all_gone())
			TH_LOG("step %d", step);
	}
}

TEST_F(own, half_message)
{
	int fd[2];

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsends(fd[1], "never ended", MSG_MORE);
	xclose(fd[0]);
	xclose(fd[1]);
	EXPECT_TRUE(all_gone());
}

TEST_F(own, subscriptions)
{
	int fd[2], man = xsocket(ZMQ_XPUB), sub = xsocket(ZMQ_SUB);
	char topic[16];
	int i;

	xpair(ZMQ_XPUB, ZMQ_SUB, fd);
	for (i = 0; i < 500; i++) {
		snprintf(topic, sizeof(topic), "topic %d", i);
		xset_text(fd[1], ZMQ_SUBSCRIBE, topic);
	}
	ASSERT_TRUE(wait_in_msgs(fd[0], 500, KZ_WAIT_MS));
	xclose(fd[1]);
	ASSERT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
	xclose(fd[0]);

	xset(man, ZMQ_XPUB_MANUAL, 1);
	xset_text(man, ZMQ_XPUB_WELCOME_MSG, "hello");
	xbind_any(man, self->ep);
	xset_text(sub, ZMQ_SUBSCRIBE, "a");
	xconnect(sub, self->ep);
	EXPECT_GOT(man, "\1a");
	xset_text(man, ZMQ_SUBSCRIBE, "b");
	xclose(man);
	xclose(sub);
	EXPECT_TRUE(all_gone());
}

TEST_F(own, routers)
{
	int fd[2], twin = xsocket(ZMQ_DEALER), i;
	socklen_t len = EP_LEN;

	xpair(ZMQ_ROUTER, ZMQ_DEALER, fd);
	ASSERT_OK(getsockopt(fd[0], SOL_ZMQ, ZMQ_LAST_ENDPOINT, self->ep,
			     &len));
	xset(fd[0], ZMQ_ROUTER_HANDOVER, 1);
	xset_text(twin, ZMQ_ROUTING_ID, "twin");
	xconnect(twin, self->ep);
	xsends(twin, "x", 0);
	EXPECT_GOT(fd[0], "twin", "x");
	for (i = 0; i < 3; i++) {
		int more = xsocket(ZMQ_DEALER);

		xset_text(more, ZMQ_ROUTING_ID, "twin");
		xconnect(more, self->ep);
		xsends(more, "y", 0);
		EXPECT_GOT(fd[0], "twin", "y");
		xsendv(fd[0], "twin", "unread", NULL);
		xclose(more);
	}
	xclose(twin);
	xclose(fd[1]);
	xclose(fd[0]);
	EXPECT_TRUE(all_gone());
}

/* a peer that takes nothing: no waiting without end for what was begun */
TEST_F(own, peer_that_does_not_read)
{
	static char big[65536];
	int push = zsocket(ZMQ_PUSH), raw, tries;

	xset(push, ZMQ_LINGER, 300);
	xset(push, ZMQ_SNDHWM, 10);
	xbind_any(push, self->ep);
	raw = raw_peer(self->ep, "PULL", "PUSH");
	xpeers(push, 1);
	for (tries = 0; tries < 5; tries++) {
		while (send(push, big, sizeof(big), MSG_DONTWAIT) > 0)
			tries = 0;
		poll1(push, 0, 5);
	}
	xclose(push);
	EXPECT_TRUE(all_gone());
	EXPECT_TRUE(raw_closed(raw));
}

/* the peer reads slowly after our close: it gets everything, in order */
TEST_F(own, slow_reader_gets_all)
{
	static char big[65536];
	int push = zsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL), i, n = 0;

	xset(push, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	xset(pull, ZMQ_RCVHWM, 1);
	xbind_any(pull, self->ep);
	xconnect(push, self->ep);
	xpeers(push, 1);
	for (n = 0; n < 300; n++) {
		memset(big, n, sizeof(big));
		if (send(push, big, sizeof(big), MSG_DONTWAIT) < 0)
			break;
	}
	xclose(push);
	for (i = 0; i < n; i++) {
		ASSERT_EQ((ssize_t)sizeof(big),
			  recv(pull, big, sizeof(big), 0));
		ASSERT_EQ((char)i, big[0]);
		ASSERT_EQ((char)i, big[65535]);
	}
	xclose(pull);
	EXPECT_TRUE(all_gone());
}

/* connections that never finish their handshake */
TEST_F(own, handshakes)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), raw[30], i, l;
	char ep[EP_LEN];

	xbind_any(pull, self->ep);
	for (i = 0; i < 30; i++) {
		raw[i] = raw_connect(self->ep);
		if (i % 2)
			raw_greeting(raw[i], 1);
	}
	l = raw_listen(ep);
	xconnect(push, ep);
	raw_accept(l);
	xclose(pull);
	xclose(push);
	EXPECT_TRUE(all_gone());
	for (i = 0; i < 30; i++)
		EXPECT_TRUE(raw_closed(raw[i]));
}

/* a lingering PUSH finds the peer that comes only after its close */
TEST_F(own, late_peer)
{
	int l = raw_listen(self->ep), push = zsocket(ZMQ_PUSH), c;

	xclose(l);
	xset(push, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	xset(push, ZMQ_RECONNECT_IVL, 20);
	xconnect(push, self->ep);
	xsends(push, "one", 0);
	xsends(push, "two", 0);
	xclose(push);
	l = raw_listen_port(ep_port(self->ep));
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\3one\0\3two")));
	EXPECT_TRUE(raw_closed(c));
	EXPECT_TRUE(all_gone());
}

/* disconnect() has the same patience as close() */
TEST_F(own, disconnect_lingers)
{
	int fd[2], i;
	socklen_t len = EP_LEN;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xset(fd[1], ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	ASSERT_OK(getsockopt(fd[0], SOL_ZMQ, ZMQ_LAST_ENDPOINT, self->ep,
			     &len));
	for (i = 0; i < 100; i++)
		xsends(fd[1], "on its way", 0);
	xdisconnect(fd[1], self->ep);
	for (i = 0; i < 100; i++)
		ASSERT_GOT(fd[0], "on its way");
}

ZMQ_HARNESS_MAIN
