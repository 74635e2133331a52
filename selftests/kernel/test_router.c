// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* ROUTER and DEALER: ids, routing errors, hand-over, notices. */
#include "kselftest_harness.h"
#include "lib.h"

static int dealer_named(const char *ep, const char *id)
{
	int fd = xsocket(ZMQ_DEALER);

	if (id)
		xset_text(fd, ZMQ_ROUTING_ID, id);
	xset(fd, ZMQ_RECONNECT_IVL, 20);
	xconnect(fd, ep);
	return fd;
}

/* The id frame of the next message; its other frames are read and dropped. */
static int next_id(int router, unsigned char id[256])
{
	bool eor;
	int n = zrecv(router, id, 256, 0, &eor);
	char buf[256];

	KZ_CHECK(n >= 0 && !eor);
	while (!eor)
		KZ_CHECK(zrecv(router, buf, sizeof(buf), 0, &eor) >= 0);
	return n;
}

TEST(automatic_ids)
{
	int fd = xsocket(ZMQ_ROUTER), d[3], i, k;
	unsigned char id[3][256];
	char ep[EP_LEN];

	xbind_any(fd, ep);
	for (i = 0; i < 3; i++) {
		d[i] = dealer_named(ep, NULL);
		xsends(d[i], "x", 0);
		ASSERT_EQ(5, next_id(fd, id[i]));
		EXPECT_EQ(0, id[i][0]);
	}
	for (i = 0; i < 3; i++)
		for (k = 0; k < i; k++)
			EXPECT_NE(0, memcmp(id[i], id[k], 5));
	for (i = 0; i < 3; i++) {
		xsend(fd, id[i], 5, MSG_MORE);
		xsend(fd, "y", 1, 0);
		EXPECT_GOT(d[i], "y");
	}
}

TEST(chosen_ids)
{
	int fd = xsocket(ZMQ_ROUTER), d;
	char ep[EP_LEN], id[255], buf[256];
	bool eor;

	xbind_any(fd, ep);
	d = dealer_named(ep, "worker");
	xsendv(d, "a", "b", NULL);
	EXPECT_GOT(fd, "worker", "a", "b");
	xsendv(fd, "worker", "c", "d", NULL);
	EXPECT_GOT(d, "c", "d");

	/* the longest, binary, with zeros inside */
	fill(id, sizeof(id), 1);
	id[7] = 0;
	d = xsocket(ZMQ_DEALER);
	xset_bytes(d, ZMQ_ROUTING_ID, id, sizeof(id));
	xconnect(d, ep);
	xsends(d, "x", 0);
	EXPECT_EQ(255, zrecv(fd, buf, sizeof(buf), 0, &eor));
	EXPECT_EQ(0, memcmp(id, buf, 255));
	EXPECT_GOT(fd, "x");
	xsend(fd, id, 255, MSG_MORE);
	xsends(fd, "y", 0);
	EXPECT_GOT(d, "y");
}

TEST(req_and_router_have_ids_too)
{
	int fd = xsocket(ZMQ_ROUTER), req = xsocket(ZMQ_REQ);
	int other = xsocket(ZMQ_ROUTER);
	char ep[EP_LEN];

	xbind_any(fd, ep);
	xset_text(req, ZMQ_ROUTING_ID, "asker");
	xconnect(req, ep);
	xsends(req, "q", 0);
	EXPECT_GOT(fd, "asker", "", "q");
	xsendv(fd, "asker", "", "a", NULL);
	EXPECT_GOT(req, "a");

	/* router to router: the connecter names the other side itself */
	xset_text(fd, ZMQ_ROUTING_ID, "unused");
	xset_text(other, ZMQ_ROUTING_ID, "second");
	xset_text(other, ZMQ_CONNECT_ROUTING_ID, "first");
	xconnect(other, ep);
	xsendv(other, "first", "hello", NULL);
	EXPECT_GOT(fd, "second", "hello");
	xsendv(fd, "second", "back", NULL);
	EXPECT_GOT(other, "first", "back");
}

TEST(connect_routing_id_is_for_one_connect)
{
	int fd = xsocket(ZMQ_ROUTER), a = xsocket(ZMQ_DEALER);
	int b = xsocket(ZMQ_DEALER);
	unsigned char id[256];
	char ea[EP_LEN], eb[EP_LEN];

	xbind_any(a, ea);
	xbind_any(b, eb);
	xset_text(fd, ZMQ_CONNECT_ROUTING_ID, "alpha");
	xconnect(fd, ea);
	xconnect(fd, eb);
	/* may be used before the handshake is over */
	xsendv(fd, "alpha", "hi", NULL);
	EXPECT_GOT(a, "hi");
	xsends(b, "x", 0);
	EXPECT_EQ(5, next_id(fd, id));
	/* a name in use is refused, without harm */
	xset_text(fd, ZMQ_CONNECT_ROUTING_ID, "alpha");
	EXPECT_EQ(-1, zconnect(fd, ea));
	xsendv(fd, "alpha", "still", NULL);
	EXPECT_GOT(a, "still");
}

TEST(unroutable_is_dropped)
{
	int fd = xsocket(ZMQ_ROUTER), d;
	struct zmq_stats before, after;
	char ep[EP_LEN];

	xbind_any(fd, ep);
	d = dealer_named(ep, "here");
	xpeers(fd, 1);
	xstats(fd, &before);
	EXPECT_EQ(3, send(fd, "not", 3, MSG_MORE));
	EXPECT_EQ(1, send(fd, "x", 1, MSG_MORE));
	EXPECT_EQ(1, send(fd, "y", 1, 0));
	xstats(fd, &after);
	EXPECT_EQ(before.dropped + 1, after.dropped);
	xsendv(fd, "here", "z", NULL);
	EXPECT_GOT(d, "z");
}

/* an id frame alone is swallowed */
TEST(lone_id_frame)
{
	int fd = xsocket(ZMQ_ROUTER), d;
	char ep[EP_LEN];

	xbind_any(fd, ep);
	d = dealer_named(ep, "here");
	xpeers(fd, 1);
	EXPECT_EQ(4, send(fd, "here", 4, 0));
	EXPECT_EQ(4, send(fd, "none", 4, 0));
	xsendv(fd, "here", "next", NULL);
	EXPECT_GOT(d, "next");
}

TEST(mandatory)
{
	int fd = xsocket(ZMQ_ROUTER), d;
	char ep[EP_LEN];

	xset(fd, ZMQ_ROUTER_MANDATORY, 1);
	xbind_any(fd, ep);
	d = dealer_named(ep, "here");
	xpeers(fd, 1);
	/* told on the id frame, and what follows is a new message */
	EXPECT_ERR(EHOSTUNREACH, send(fd, "not", 3, MSG_MORE));
	xsendv(fd, "here", "z", NULL);
	EXPECT_GOT(d, "z");
	xclose(d);
	ASSERT_TRUE(wait_peers(fd, 0, KZ_WAIT_MS));
	EXPECT_ERR(EHOSTUNREACH, send(fd, "here", 4, MSG_MORE));
	/* the option is live */
	xset(fd, ZMQ_ROUTER_MANDATORY, 0);
	EXPECT_EQ(4, send(fd, "here", 4, MSG_MORE));
	EXPECT_EQ(1, send(fd, "x", 1, 0));
}

TEST(mandatory_full_peer)
{
	int fd = xsocket(ZMQ_ROUTER), peer = xsocket(ZMQ_DEALER), i;
	char ep[EP_LEN];
	int l = raw_listen(ep);

	(void)peer;
	xset(fd, ZMQ_ROUTER_MANDATORY, 1);
	xset(fd, ZMQ_SNDHWM, 2);
	xset_text(fd, ZMQ_CONNECT_ROUTING_ID, "slow");
	xconnect(fd, ep);
	for (i = 0; i < 2; i++)
		xsendv(fd, "slow", "x", NULL);
	EXPECT_ERR(EAGAIN, send(fd, "slow", 4, MSG_MORE | MSG_DONTWAIT));
	xtimeo(fd, 30, 30);
	EXPECT_ERR(EAGAIN, send(fd, "slow", 4, MSG_MORE));
	EXPECT_EQ(0, poll1(fd, POLLOUT, 0));
	/* without the option it is a silent drop */
	xset(fd, ZMQ_ROUTER_MANDATORY, 0);
	EXPECT_EQ(4, send(fd, "slow", 4, MSG_MORE));
	EXPECT_EQ(1, send(fd, "x", 1, 0));
	xclose(l);
}

/* HANDOVER=0: who comes second under one name stays mute */
TEST(duplicate_is_mute)
{
	int fd = xsocket(ZMQ_ROUTER), a, b;
	char ep[EP_LEN];

	xbind_any(fd, ep);
	a = dealer_named(ep, "twin");
	xsends(a, "from a", 0);
	EXPECT_GOT(fd, "twin", "from a");
	b = dealer_named(ep, "twin");
	xpeers(b, 1);
	xsends(b, "from b", 0);
	EXPECT_QUIET(fd);
	xsendv(fd, "twin", "to a", NULL);
	EXPECT_GOT(a, "to a");
	EXPECT_QUIET(b);
	xsends(a, "again", 0);
	EXPECT_GOT(fd, "twin", "again");
}

TEST(handover)
{
	int fd = xsocket(ZMQ_ROUTER), a, b;
	char ep[EP_LEN];

	xset(fd, ZMQ_ROUTER_HANDOVER, 1);
	xbind_any(fd, ep);
	a = dealer_named(ep, "twin");
	xsends(a, "from a", 0);
	EXPECT_GOT(fd, "twin", "from a");
	xset(a, ZMQ_RECONNECT_IVL, -1);
	b = dealer_named(ep, "twin");
	xsends(b, "from b", 0);
	EXPECT_GOT(fd, "twin", "from b");
	xsendv(fd, "twin", "to b", NULL);
	EXPECT_GOT(b, "to b");
	EXPECT_QUIET(a);
}

/* the name is free again when its owner has gone */
TEST(name_returns)
{
	int fd = xsocket(ZMQ_ROUTER), a, i;
	char ep[EP_LEN];

	xbind_any(fd, ep);
	for (i = 0; i < 5; i++) {
		a = dealer_named(ep, "reborn");
		xsends(a, "x", 0);
		EXPECT_GOT(fd, "reborn", "x");
		xsendv(fd, "reborn", "y", NULL);
		EXPECT_GOT(a, "y");
		xclose(a);
		ASSERT_TRUE(wait_peers(fd, 0, KZ_WAIT_MS));
	}
}

TEST(notify)
{
	int fd = xsocket(ZMQ_ROUTER), a;
	char ep[EP_LEN];

	EXPECT_EQ(0, zget(fd, ZMQ_ROUTER_NOTIFY));
	xset(fd, ZMQ_ROUTER_NOTIFY, ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT);
	EXPECT_EQ(3, zget(fd, ZMQ_ROUTER_NOTIFY));
	xbind_any(fd, ep);
	a = dealer_named(ep, "guest");
	EXPECT_GOT(fd, "guest", "");
	xsends(a, "x", 0);
	EXPECT_GOT(fd, "guest", "x");
	xclose(a);
	EXPECT_GOT(fd, "guest", "");
}

TEST(notify_one_of_both)
{
	int fd = xsocket(ZMQ_ROUTER), a;
	char ep[EP_LEN];

	xset(fd, ZMQ_ROUTER_NOTIFY, ZMQ_NOTIFY_DISCONNECT);
	xbind_any(fd, ep);
	a = dealer_named(ep, "guest");
	xsends(a, "x", 0);
	EXPECT_GOT(fd, "guest", "x");
	xclose(a);
	EXPECT_GOT(fd, "guest", "");
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_ROUTER_NOTIFY, 4));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_ROUTER_NOTIFY, -1));
}

TEST(probe)
{
	int fd = xsocket(ZMQ_ROUTER), a = xsocket(ZMQ_DEALER);
	int b = xsocket(ZMQ_ROUTER);
	char ep[EP_LEN];

	xbind_any(fd, ep);
	xset(a, ZMQ_PROBE_ROUTER, 1);
	xset_text(a, ZMQ_ROUTING_ID, "prober");
	xconnect(a, ep);
	EXPECT_GOT(fd, "prober", "");
	xset(b, ZMQ_PROBE_ROUTER, 1);
	xset_text(b, ZMQ_ROUTING_ID, "router");
	xconnect(b, ep);
	EXPECT_GOT(fd, "router", "");
	xsends(a, "x", 0);
	EXPECT_GOT(fd, "prober", "x");
}

/* the peer's name in the middle of its messages to others */
TEST(interleaved_peers)
{
	int fd = xsocket(ZMQ_ROUTER), d[4], i, n;
	char ep[EP_LEN], name[4] = "d0";

	xbind_any(fd, ep);
	for (i = 0; i < 4; i++) {
		name[1] = '0' + i;
		d[i] = dealer_named(ep, name);
	}
	xpeers(fd, 4);
	for (n = 0; n < 10; n++)
		for (i = 0; i < 4; i++)
			xsendv(d[i], "a", "b", NULL);
	for (n = 0; n < 40; n++) {
		char id[8] = "", buf[8];
		bool eor;

		ASSERT_EQ(2, zrecv(fd, id, 8, 0, &eor));
		ASSERT_EQ(1, zrecv(fd, buf, 8, 0, &eor));
		ASSERT_EQ(1, zrecv(fd, buf, 8, 0, &eor));
		ASSERT_TRUE(eor);
		xsendv(fd, id, id, NULL);
	}
	for (i = 0; i < 4; i++) {
		name[1] = '0' + i;
		for (n = 0; n < 10; n++)
			EXPECT_GOT(d[i], name);
	}
}

/* what a dead peer had sent can be read, under its name */
TEST(id_outlives_the_peer)
{
	int fd = xsocket(ZMQ_ROUTER), d;
	char ep[EP_LEN];

	xbind_any(fd, ep);
	d = dealer_named(ep, "late");
	xsendv(d, "a", "b", NULL);
	ASSERT_TRUE(wait_in_msgs(fd, 1, KZ_WAIT_MS));
	xclose(d);
	ASSERT_TRUE(wait_peers(fd, 0, KZ_WAIT_MS));
	EXPECT_GOT(fd, "late", "a", "b");
}

TEST(dealers_to_dealers)
{
	int fd[2];

	xpair(ZMQ_DEALER, ZMQ_DEALER, fd);
	xsendv(fd[0], "", "a", NULL);
	EXPECT_GOT(fd[1], "", "a");
	xsends(fd[1], "b", 0);
	EXPECT_GOT(fd[0], "b");
}

/* a peer we connected to keeps its name, whatever it says when it is back */
TEST(another_name_is_not_noticed)
{
	static const char *const says[] = { "one", "two", "" };
	int fd = xsocket(ZMQ_ROUTER), l, raw, i;
	struct raw_frame f;
	char ep[EP_LEN];

	l = raw_listen(ep);
	xset(fd, ZMQ_RECONNECT_IVL, 10);
	xset(fd, ZMQ_ROUTER_MANDATORY, 1);
	xconnect(fd, ep);
	for (i = 0; i < 3; i++) {
		raw = raw_accept(l);
		raw_greeting(raw, 1);
		ASSERT_TRUE(raw_read_greeting(raw));
		raw_ready(raw, "DEALER", says[i], strlen(says[i]));
		ASSERT_TRUE(raw_read_frame(raw, &f));
		raw_write(raw, RAW_LIT("\0\1x"));
		EXPECT_GOT(fd, "one", "x");
		xsendv(fd, "one", "y", NULL);
		EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\1y")));
		EXPECT_ERR(EHOSTUNREACH, send(fd, "two", 3, MSG_MORE));
		xclose(raw);
	}
	xclose(l);
}

/* a router addresses a dealer that reconnects under the same name */
TEST(reconnect_keeps_the_name)
{
	int fd = xsocket(ZMQ_ROUTER), d;
	char ep[EP_LEN];

	xbind_any(fd, ep);
	d = dealer_named(ep, "steady");
	xsends(d, "1", 0);
	EXPECT_GOT(fd, "steady", "1");
	xclose(fd);
	ASSERT_TRUE(wait_peers(d, 0, KZ_WAIT_MS));
	fd = xsocket(ZMQ_ROUTER);
	xbind(fd, ep);
	xsends(d, "2", 0);
	EXPECT_GOT(fd, "steady", "2");
	xsendv(fd, "steady", "3", NULL);
	EXPECT_GOT(d, "3");
}

ZMQ_HARNESS_MAIN
