// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 150 */
/* Heartbeats: PINGs of ours, peers that do not answer, peers' time to live. */
#include "kselftest_harness.h"
#include "lib.h"

#define IVL	50	/* ms */

static void is_ping(struct __test_metadata *_metadata, int raw, int ttl)
{
	const unsigned char want[] = { 4, 'P', 'I', 'N', 'G', ttl >> 8, ttl };
	struct raw_frame f;

	ASSERT_TRUE(raw_read_frame(raw, &f));
	EXPECT_EQ(4, f.flags);
	ASSERT_EQ(sizeof(want), f.size);
	EXPECT_EQ(0, memcmp(want, f.body, sizeof(want)));
}

FIXTURE(hb) {
	int fd, raw;
};

FIXTURE_VARIANT(hb) {
	bool client;
};

FIXTURE_VARIANT_ADD(hb, server) { false };
FIXTURE_VARIANT_ADD(hb, client) { true };

/* with counters of its own: a test's last connections may end in the next one */
FIXTURE_SETUP(hb)
{
	own_netns();
	self->fd = xsocket(ZMQ_DEALER);
	self->raw = -1;
}

FIXTURE_TEARDOWN(hb)
{
	xclose(self->fd);
	if (self->raw >= 0)
		close(self->raw);
}

/*
 * Options are set: a peer of this version, which says @more in one piece with its
 * READY. What it hears from then on may be that its time is over.
 */
static int come(int fd, bool client, int minor, const char *more, size_t len)
{
	char ready[64] = "\4\34\5READY\13Socket-Type\0\0\0\6DEALER";
	const size_t n = 30;
	struct raw_frame f;
	char ep[EP_LEN];
	int l, raw;

	if (client) {
		l = raw_listen(ep);
		xconnect(fd, ep);
		raw = raw_accept(l);
		close(l);
	} else {
		xbind_any(fd, ep);
		raw = raw_connect(ep);
	}
	raw_greeting(raw, minor);
	KZ_CHECK(raw_read_greeting(raw));
	KZ_CHECK(n + len <= sizeof(ready));
	memcpy(ready + n, more, len);
	raw_write(raw, ready, n + len);
	KZ_CHECK(raw_read_frame(raw, &f) && raw_is_ready(&f, "DEALER"));
	return raw;
}

/* The same, and it is known: for who will be there for a while. */
static int meet(int fd, bool client, int minor)
{
	int raw = come(fd, client, minor, "", 0);

	xpeers(fd, 1);
	return raw;
}

TEST_F(hb, pings_are_sent)
{
	long before = mib("PingsSent");
	int i;

	xset(self->fd, ZMQ_HEARTBEAT_IVL, IVL);
	xset(self->fd, ZMQ_HEARTBEAT_TTL, 3059);
	xset(self->fd, ZMQ_HEARTBEAT_TIMEOUT, KZ_WAIT_MS * kz_slow());
	self->raw = meet(self->fd, variant->client, 1);
	for (i = 0; i < 5; i++) {
		is_ping(_metadata, self->raw, 30);
		raw_command(self->raw, "PONG", "", 0);
	}
	EXPECT_LE(before + 5, mib("PingsSent"));
	/* between messages, never within one */
	xsendv(self->fd, "a", "b", NULL);
	raw_command(self->raw, "PONG", "", 0);
}

TEST_F(hb, older_3_0_peers_get_them_too)
{
	xset(self->fd, ZMQ_HEARTBEAT_IVL, IVL);
	self->raw = come(self->fd, variant->client, 0, "", 0);
	is_ping(_metadata, self->raw, 0);
}

TEST_F(hb, silence_ends_the_connection)
{
	long before = mib("HeartbeatTimeouts"), gave_up = mib("GaveUp");

	xset(self->fd, ZMQ_HEARTBEAT_IVL, IVL);
	xset(self->fd, ZMQ_HEARTBEAT_TIMEOUT, 100);
	xset(self->fd, ZMQ_RECONNECT_IVL, 20);
	self->raw = come(self->fd, variant->client, 1, "", 0);
	is_ping(_metadata, self->raw, 0);
	EXPECT_TRUE(raw_closed(self->raw));
	xpeers(self->fd, 0);
	EXPECT_EQ(before + 1, mib("HeartbeatTimeouts"));
	/* silence is no fault: a connecter tries again */
	EXPECT_EQ(gave_up, mib("GaveUp"));
}

#define BIG	(16 << 20)	/* more than TCP takes */

/* A closed PUSH that heard nothing for long sends to another what is left. */
TEST(after_close)
{
	unsigned char head[2] = { 4 }, skip[255];
	static char big[BIG];
	int fd, l, c, c2, i;
	char ep[EP_LEN];

	own_netns();
	/* it has to outlive the silence */
	ASSERT_OK(sysctl_set("orphan_ms", 30000 * kz_slow()));
	fd = xsocket(ZMQ_PUSH);
	xset(fd, ZMQ_LINGER, -1);
	xset(fd, ZMQ_HEARTBEAT_IVL, IVL);
	/* no machine sleeps that long between the next few calls */
	xset(fd, ZMQ_HEARTBEAT_TIMEOUT, 2000 * kz_slow());
	xset(fd, ZMQ_RECONNECT_IVL, 1);
	l = raw_listen(ep);
	xconnect(fd, ep);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	/* from here on it is silent */
	xpeers(fd, 1);
	xsend(fd, big, sizeof(big), 0);
	/* more than a connection takes out of the queue at a time */
	for (i = 0; i < 64; i++)
		xsends(fd, "left", 0);
	xclose(fd);
	c2 = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c2, 1, "PULL", "PUSH"));
	/* a message, behind a PING or two; the first one if all was that slow */
	while (raw_read(c2, head, 1) && head[0] & 4)
		ASSERT_TRUE(raw_read(c2, head + 1, 1) &&
			    raw_read(c2, skip, head[1]));
	EXPECT_EQ(0, head[0] & 4);
	xclose(c2);
	xclose(c);
	xclose(l);
	ASSERT_OK(sysctl_set("orphan_abort", 1));
}

/* whatever the peer sends is a sign of life */
TEST_F(hb, any_traffic_counts)
{
	long long end;
	long before = mib("HeartbeatTimeouts");
	struct raw_frame f;

	xset(self->fd, ZMQ_HEARTBEAT_IVL, IVL);
	xset(self->fd, ZMQ_HEARTBEAT_TIMEOUT, 1000 * kz_slow());
	self->raw = meet(self->fd, variant->client, 1);
	end = kz_now_ms() + 2500 * kz_slow();
	while (kz_now_ms() < end) {
		ASSERT_TRUE(raw_read_frame(self->raw, &f));
		raw_frame(self->raw, 0, "x", 1);
		EXPECT_GOT(self->fd, "x");
	}
	EXPECT_EQ(before, mib("HeartbeatTimeouts"));
}

/* half a frame is one, too */
TEST_F(hb, octets_of_a_long_frame_count)
{
	long long end;
	int n = 0;

	xset(self->fd, ZMQ_HEARTBEAT_IVL, IVL);
	xset(self->fd, ZMQ_HEARTBEAT_TIMEOUT, 1000 * kz_slow());
	self->raw = meet(self->fd, variant->client, 1);
	raw_frame_long(self->raw, 2, 1000000);
	end = kz_now_ms() + 2500 * kz_slow();
	while (kz_now_ms() < end) {
		raw_write(self->raw, "x", 1);
		n++;
		poll1(self->raw, 0, IVL);
	}
	EXPECT_LT(2, n);
	EXPECT_TRUE(wait_peers(self->fd, 1, 0));
}

/* a full queue may hide the answer: then silence proves nothing */
TEST_F(hb, not_while_the_program_does_not_read)
{
	long before = mib("HeartbeatTimeouts");
	int i;

	xset(self->fd, ZMQ_RCVHWM, 2);
	xset(self->fd, ZMQ_RCVBUF, 4096);
	xset(self->fd, ZMQ_HEARTBEAT_IVL, IVL);
	xset(self->fd, ZMQ_HEARTBEAT_TIMEOUT, 100);
	self->raw = come(self->fd, variant->client, 1,
			 RAW_LIT("\0\1x\0\1x\0\1x\0\1x"));
	xpeers(self->fd, 1);
	/* far longer than the limit */
	poll1(self->raw, 0, 600);
	EXPECT_TRUE(wait_peers(self->fd, 1, 0));
	EXPECT_EQ(before, mib("HeartbeatTimeouts"));
	for (i = 0; i < 4; i++)
		EXPECT_GOT(self->fd, "x");
	/* now it is heard that there was no answer */
	EXPECT_TRUE(raw_closed(self->raw));
}

/* A PING with a time to live of @ms, in which some calls come through */
static void ping_ttl(int raw, int ms)
{
	const unsigned char ttl[2] = { ms / 100 >> 8, ms / 100 };

	raw_command(raw, "PING", ttl, 2);
}

/* the peer's PING says how long it may be silent */
TEST_F(hb, time_to_live_of_the_peer)
{
	long before = mib("HeartbeatTimeouts");
	struct raw_frame f;

	self->raw = meet(self->fd, variant->client, 1);
	ping_ttl(self->raw, kz_ms(400));
	ASSERT_TRUE(raw_read_frame(self->raw, &f));
	EXPECT_EQ(0, memcmp(f.body, "\4PONG", 5));
	EXPECT_TRUE(raw_closed(self->raw));
	EXPECT_EQ(before + 1, mib("HeartbeatTimeouts"));
}

TEST_F(hb, time_to_live_can_end)
{
	struct raw_frame f;

	self->raw = meet(self->fd, variant->client, 1);
	ping_ttl(self->raw, kz_ms(600));
	ASSERT_TRUE(raw_read_frame(self->raw, &f));
	ping_ttl(self->raw, 0);
	ASSERT_TRUE(raw_read_frame(self->raw, &f));
	poll1(self->raw, 0, kz_ms(900));
	EXPECT_TRUE(raw_open(self->raw));
	EXPECT_TRUE(wait_peers(self->fd, 1, 0));
}

/* Send until nothing goes out any more: the peer does not read. */
static void choke(int fd, int raw)
{
	static char big[20000];
	int small = 4096;

	KZ_CHECK(!setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	do {
		while (send(fd, big, sizeof(big), MSG_DONTWAIT) >= 0)
			;
		KZ_CHECK(errno == EAGAIN);
	} while (poll1(fd, POLLOUT, kz_ms(KZ_QUIET_MS)));
}

/* one that does not read gets one PING, not a heap of them */
TEST_F(hb, unread_pings_do_not_pile_up)
{
	long before;

	xset(self->fd, ZMQ_HEARTBEAT_IVL, 1);
	xset(self->fd, ZMQ_HEARTBEAT_TIMEOUT, 0);
	xset(self->fd, ZMQ_SNDHWM, 2);
	xset(self->fd, ZMQ_SNDBUF, 4096);
	self->raw = meet(self->fd, variant->client, 1);
	choke(self->fd, self->raw);
	before = mib("PingsSent");
	poll1(self->raw, 0, 300);
	/* some, should TCP find room yet, of the hundreds that were due */
	EXPECT_GE(before + 10, mib("PingsSent"));
	EXPECT_TRUE(wait_peers(self->fd, 1, 0));
}

/* an answer that waits to be sent is no question to the peer */
TEST_F(hb, an_unsent_pong_is_no_ping)
{
	long before;
	long long end;

	xset(self->fd, ZMQ_HEARTBEAT_IVL, 2000 * kz_slow());
	xset(self->fd, ZMQ_HEARTBEAT_TIMEOUT, 0);
	xset(self->fd, ZMQ_SNDHWM, 2);
	xset(self->fd, ZMQ_SNDBUF, 4096);
	self->raw = meet(self->fd, variant->client, 1);
	before = mib("PingsSent");
	choke(self->fd, self->raw);
	raw_command(self->raw, "PING", "\0\0", 2);
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	while (mib("PingsSent") == before) {
		ASSERT_GT(end, kz_now_ms());
		poll(NULL, 0, 10);
	}
	EXPECT_TRUE(wait_peers(self->fd, 1, 0));
}

/* both ends ours, over either transport: nothing ends by itself */
TEST(quiet_peers_stay)
{
	static const char *const where[] = { "tcp://127.0.0.1:*", "ipc://*" };
	socklen_t len;
	char ep[EP_LEN];
	int i, a, b;
	long before;

	own_netns();
	for (i = 0; i < 2; i++) {
		a = xsocket(ZMQ_DEALER);
		b = xsocket(ZMQ_DEALER);
		xset(a, ZMQ_HEARTBEAT_IVL, IVL);
		xset(a, ZMQ_HEARTBEAT_TIMEOUT, 600 * kz_slow());
		xset(a, ZMQ_HEARTBEAT_TTL, 600 * kz_slow());
		xset(b, ZMQ_HEARTBEAT_IVL, IVL);
		xset(b, ZMQ_HEARTBEAT_TIMEOUT, 600 * kz_slow());
		before = mib("PongsSent");
		xbind(a, where[i]);
		len = sizeof(ep);
		ASSERT_OK(getsockopt(a, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
		xconnect(b, ep);
		xpeers(a, 1);
		poll1(a, POLLIN, 1500 * kz_slow());
		EXPECT_TRUE(wait_peers(a, 1, 0));
		EXPECT_TRUE(wait_peers(b, 1, 0));
		EXPECT_LT(before + 4, mib("PongsSent"));
		xclose(a);
		xclose(b);
	}
	EXPECT_EQ(0, mib("HeartbeatTimeouts"));
}

/* a stopped program keeps its peers: PONGs are the kernel's */
TEST(stopped_program)
{
	int a, said[2], status;
	char ep[EP_LEN], c;
	pid_t pid;

	own_netns();
	a = xsocket(ZMQ_DEALER);
	xset(a, ZMQ_HEARTBEAT_IVL, IVL);
	xset(a, ZMQ_HEARTBEAT_TIMEOUT, 600 * kz_slow());
	xbind_any(a, ep);
	ASSERT_OK(pipe(said));
	pid = fork();
	if (!pid) {
		int b = xsocket(ZMQ_DEALER);

		xset(b, ZMQ_HEARTBEAT_IVL, IVL);
		xset(b, ZMQ_HEARTBEAT_TIMEOUT, 600 * kz_slow());
		xset(b, ZMQ_HEARTBEAT_TTL, 600 * kz_slow());
		xconnect(b, ep);
		xpeers(b, 1);
		KZ_CHECK(write(said[1], "x", 1) == 1);
		for (;;) {
			/* SIGCONT interrupts waits of finite length */
			if (recv(b, &c, 1, 0) == 1)
				xsend(b, &c, 1, 0);
		}
	}
	KZ_CHECK(read(said[0], &c, 1) == 1);
	ASSERT_OK(kill(pid, SIGSTOP));
	poll1(a, POLLIN, 1500 * kz_slow());
	EXPECT_TRUE(wait_peers(a, 1, 0));
	EXPECT_EQ(0, mib("HeartbeatTimeouts"));
	EXPECT_EQ(0, mib("Disconnects"));
	ASSERT_OK(kill(pid, SIGCONT));
	xsends(a, "y", 0);
	EXPECT_GOT(a, "y");
	kill(pid, SIGKILL);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
}

TEST(values)
{
	int fd = xsocket(ZMQ_PULL);

	EXPECT_EQ(0, zget(fd, ZMQ_HEARTBEAT_IVL));
	EXPECT_EQ(0, zget(fd, ZMQ_HEARTBEAT_TTL));
	EXPECT_EQ(-1, zget(fd, ZMQ_HEARTBEAT_TIMEOUT));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_HEARTBEAT_IVL, -1));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_HEARTBEAT_TTL, 6553600));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_HEARTBEAT_TTL, -1));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_HEARTBEAT_TIMEOUT, -1));
	EXPECT_OK(zset(fd, ZMQ_HEARTBEAT_TTL, 6553599));
	/* tenths of a second are what can be told */
	EXPECT_EQ(6553500, zget(fd, ZMQ_HEARTBEAT_TTL));
}

ZMQ_HARNESS_MAIN
