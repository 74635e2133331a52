// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* CONFLATE: one slot per peer, the last message wins. */
#include "kselftest_harness.h"
#include "lib.h"

static void conflated_pair(int a, int b, bool on_a, bool on_b, int fd[2])
{
	char ep[EP_LEN];

	fd[0] = xsocket(a);
	fd[1] = xsocket(b);
	xset(fd[0], ZMQ_CONFLATE, on_a);
	xset(fd[1], ZMQ_CONFLATE, on_b);
	xbind_any(fd[0], ep);
	xconnect(fd[1], ep);
	xpeers(fd[0], 1);
	xpeers(fd[1], 1);
}

/* read until this one comes */
static bool last_is(int fd, const char *want)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	char buf[32] = "";
	ssize_t n;

	while (kz_now_ms() < end) {
		n = recv(fd, buf, sizeof(buf) - 1, 0);
		if (n < 0)
			return false;
		buf[n] = 0;
		if (!strcmp(buf, want))
			return true;
	}
	return false;
}

TEST(pull_keeps_the_last)
{
	int fd[2], i;
	char text[8], c[8];

	conflated_pair(ZMQ_PULL, ZMQ_PUSH, true, false, fd);
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		xsends(fd[1], text, 0);
	}
	ASSERT_TRUE(wait_out_msgs(fd[1], 0, KZ_WAIT_MS));
	EXPECT_TRUE(last_is(fd[0], "99"));
	EXPECT_ERR(EAGAIN, recv(fd[0], c, sizeof(c), MSG_DONTWAIT));
}

TEST(push_keeps_the_last)
{
	int push = xsocket(ZMQ_PUSH), l, c, i;
	char ep[EP_LEN], text[8];

	l = raw_listen(ep);
	xset(push, ZMQ_CONFLATE, 1);
	xconnect(push, ep);
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%02d", i);
		ASSERT_EQ(2, send(push, text, 2, MSG_DONTWAIT));
	}
	EXPECT_EQ(POLLOUT, poll1(push, POLLOUT, 0));
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\2" "99")));
	EXPECT_TRUE(raw_open(c));
}

TEST(high_water_marks_do_not_count)
{
	int push = xsocket(ZMQ_PUSH), i;

	xset(push, ZMQ_CONFLATE, 1);
	xset(push, ZMQ_SNDHWM, 1);
	xconnect(push, "tcp://127.0.0.1:9");
	for (i = 0; i < 10; i++)
		EXPECT_EQ(1, send(push, "x", 1, MSG_DONTWAIT));
}

/* a slot per peer */
TEST(slot_per_peer)
{
	int pull = xsocket(ZMQ_PULL), push[3], i, seen = 0;
	char ep[EP_LEN], c;

	xset(pull, ZMQ_CONFLATE, 1);
	xbind_any(pull, ep);
	for (i = 0; i < 3; i++) {
		push[i] = xsocket(ZMQ_PUSH);
		xconnect(push[i], ep);
		xpeers(pull, i + 1);
	}
	for (i = 0; i < 3; i++)
		xsend(push[i], (char[]){ '0' + i }, 1, 0);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, recv(pull, &c, 1, 0));
		seen |= 1 << (c - '0');
	}
	EXPECT_EQ(7, seen);
}

/* subscriptions are not conflated */
TEST(subscriptions_are_all_there)
{
	int pub = xsocket(ZMQ_XPUB), sub = xsocket(ZMQ_SUB), i;
	char ep[EP_LEN], buf[8];

	xset(sub, ZMQ_CONFLATE, 1);
	xset_text(sub, ZMQ_SUBSCRIBE, "A");
	xset_text(sub, ZMQ_SUBSCRIBE, "B");
	xset_text(sub, ZMQ_SUBSCRIBE, "C");
	xbind_any(pub, ep);
	xconnect(sub, ep);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(2, recv(pub, buf, sizeof(buf), 0));
	for (i = 0; i < 3; i++) {
		buf[0] = 'A' + i;
		xsend(pub, buf, 1, 0);
		EXPECT_EQ(1, recv(sub, buf, sizeof(buf), 0));
		EXPECT_EQ('A' + i, buf[0]);
	}
}

TEST(no_multipart)
{
	int fd[2];

	conflated_pair(ZMQ_PULL, ZMQ_PUSH, false, true, fd);
	EXPECT_ERR(EINVAL, send(fd[1], "a", 1, MSG_MORE));
	xsends(fd[1], "b", 0);
	EXPECT_GOT(fd[0], "b");
}

/* multipart from a peer is kept whole or not at all */
TEST(multipart_from_the_peer)
{
	int fd[2];
	char c[8];
	bool eor;

	conflated_pair(ZMQ_PULL, ZMQ_PUSH, true, false, fd);
	xsendv(fd[1], "a", "b", NULL);
	xsends(fd[1], "end", 0);
	ASSERT_TRUE(wait_out_msgs(fd[1], 0, KZ_WAIT_MS));
	do {
		ASSERT_LT(0, zrecv(fd[0], c, sizeof(c), 0, &eor));
		if (c[0] == 'a') {
			ASSERT_FALSE(eor);
			ASSERT_EQ(1, zrecv(fd[0], c, sizeof(c), 0, &eor));
			ASSERT_EQ('b', c[0]);
			ASSERT_TRUE(eor);
		}
	} while (c[0] != 'e');
}

TEST(which_types)
{
	int type, fd;

	for (type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
		fd = xsocket(type);
		EXPECT_EQ(0, zget(fd, ZMQ_CONFLATE));
		EXPECT_ERR(EINVAL, zset(fd, ZMQ_CONFLATE, 2));
		EXPECT_ERR(EINVAL, zset(fd, ZMQ_CONFLATE, -1));
		xclose(fd);
	}
}

/* a message read in part is not replaced under the reader */
TEST(not_replaced_while_read)
{
	int fd[2];
	char c[8];

	conflated_pair(ZMQ_PULL, ZMQ_PUSH, true, false, fd);
	xsendv(fd[1], "a", "b", NULL);
	ASSERT_EQ(1, recv(fd[0], c, sizeof(c), 0));
	xsends(fd[1], "next", 0);
	ASSERT_TRUE(wait_out_msgs(fd[1], 0, KZ_WAIT_MS));
	EXPECT_GOT(fd[0], "b");
	EXPECT_GOT(fd[0], "next");
}

ZMQ_HARNESS_MAIN
