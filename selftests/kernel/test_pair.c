// SPDX-License-Identifier: GPL-2.0
/* PAIR: one peer, both directions, a second peer stays mute. */
#include "kselftest_harness.h"
#include "lib.h"

FIXTURE(pair) {
	int fd[2];
};

FIXTURE_SETUP(pair)
{
	xpair(ZMQ_PAIR, ZMQ_PAIR, self->fd);
}

FIXTURE_TEARDOWN(pair)
{
	xclose(self->fd[0]);
	xclose(self->fd[1]);
}

TEST_F(pair, both_ways)
{
	xsends(self->fd[0], "from the binder", 0);
	xsends(self->fd[1], "from the connecter", 0);
	EXPECT_GOT(self->fd[1], "from the binder");
	EXPECT_GOT(self->fd[0], "from the connecter");
}

TEST_F(pair, multipart)
{
	xsendv(self->fd[0], "a", "", "c", NULL);
	xsendv(self->fd[0], "next", NULL);
	EXPECT_GOT(self->fd[1], "a", "", "c");
	EXPECT_GOT(self->fd[1], "next");
}

TEST_F(pair, order_is_kept)
{
	char text[16];
	int i;

	for (i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "%d", i);
		xsends(self->fd[0], text, 0);
	}
	for (i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "%d", i);
		ASSERT_GOT(self->fd[1], text);
	}
}

TEST_F(pair, blocks_without_peer)
{
	int lone = xsocket(ZMQ_PAIR);

	EXPECT_ERR(EAGAIN, send(lone, "x", 1, MSG_DONTWAIT));
	EXPECT_EQ(0, poll1(lone, POLLOUT, 0));
	xtimeo(lone, 50, 50);
	EXPECT_ERR(EAGAIN, send(lone, "x", 1, 0));
	EXPECT_ERR(EAGAIN, recv(lone, &lone, 1, 0));
	xclose(lone);
}

/* The first peer keeps the pipe, the second connects in vain. */
TEST_F(pair, second_peer_is_mute)
{
	int late = xsocket(ZMQ_PAIR);
	char ep[EP_LEN];
	socklen_t len = sizeof(ep);

	ASSERT_OK(getsockopt(self->fd[0], SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	xconnect(late, ep);
	send(late, "lost", 4, MSG_DONTWAIT);
	xsends(self->fd[0], "first", 0);
	EXPECT_GOT(self->fd[1], "first");
	EXPECT_QUIET(late);
	EXPECT_QUIET(self->fd[0]);
	xsends(self->fd[1], "still here", 0);
	EXPECT_GOT(self->fd[0], "still here");
	xclose(late);
}

/* What was queued for a connecting PAIR survives the peer's restart. */
TEST(restart_of_the_binder)
{
	int a = xsocket(ZMQ_PAIR), b = xsocket(ZMQ_PAIR);
	char ep[EP_LEN];

	xset(b, ZMQ_RECONNECT_IVL, 20);
	xbind_any(a, ep);
	xconnect(b, ep);
	xpeers(b, 1);
	xclose(a);
	ASSERT_TRUE(wait_peers(b, 0, KZ_WAIT_MS));
	xsends(b, "kept", 0);
	a = xsocket(ZMQ_PAIR);
	xbind(a, ep);
	EXPECT_GOT(a, "kept");
	xsends(a, "back", 0);
	EXPECT_GOT(b, "back");
}

/* After the peer has gone for good a new one may take its place. */
TEST(replacement_of_the_connecter)
{
	int a = xsocket(ZMQ_PAIR), b = xsocket(ZMQ_PAIR);
	char ep[EP_LEN];

	xbind_any(a, ep);
	xconnect(b, ep);
	xpeers(a, 1);
	xsends(b, "one", 0);
	EXPECT_GOT(a, "one");
	xclose(b);
	ASSERT_TRUE(wait_peers(a, 0, KZ_WAIT_MS));
	b = xsocket(ZMQ_PAIR);
	xconnect(b, ep);
	xsends(b, "two", 0);
	EXPECT_GOT(a, "two");
}

ZMQ_HARNESS_MAIN
