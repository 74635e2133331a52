// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* PUSH and PULL: who gets a message, whose message is next. */
#include "kselftest_harness.h"
#include "lib.h"

#define WORKERS	3

static void three_pulls(int push, int pull[WORKERS])
{
	char ep[EP_LEN];
	int i;

	xbind_any(push, ep);
	for (i = 0; i < WORKERS; i++) {
		pull[i] = xsocket(ZMQ_PULL);
		xconnect(pull[i], ep);
		xpeers(push, i + 1);
	}
}

TEST(round_robin)
{
	int push = xsocket(ZMQ_PUSH), pull[WORKERS], i;

	three_pulls(push, pull);
	for (i = 0; i < 30; i++)
		xsends(push, "x", 0);
	for (i = 0; i < WORKERS; i++)
		EXPECT_TRUE(wait_in_msgs(pull[i], 10, KZ_WAIT_MS));
}

/* a message of several frames counts once and goes to one */
TEST(round_robin_of_messages)
{
	int push = xsocket(ZMQ_PUSH), pull[WORKERS], i, n;

	three_pulls(push, pull);
	for (i = 0; i < 6; i++)
		xsendv(push, "a", "b", "c", NULL);
	for (i = 0; i < WORKERS; i++) {
		for (n = 0; n < 2; n++)
			EXPECT_GOT(pull[i], "a", "b", "c");
		EXPECT_QUIET(pull[i]);
	}
}

/* a peer that never reads takes what the buffers hold, the other the rest */
TEST(full_worker_is_skipped)
{
	static char big[65536];
	int push = xsocket(ZMQ_PUSH), quick = xsocket(ZMQ_PULL), i;
	char ep[EP_LEN], es[EP_LEN];
	int l = raw_listen(es), c;
	ssize_t n;

	xset(push, ZMQ_SNDHWM, 2);
	xconnect(push, es);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	xbind_any(quick, ep);
	xconnect(push, ep);
	xpeers(push, 2);
	for (i = 0; i < 600; i++) {
		ASSERT_EQ((ssize_t)sizeof(big), send(push, big, sizeof(big), 0));
		while (recv(quick, big, sizeof(big), MSG_DONTWAIT) > 0)
			;
	}
	ASSERT_TRUE(wait_out_msgs(push, 2, KZ_WAIT_MS));
	for (i = 0; i < 20; i++) {
		xsends(push, "to the quick one", 0);
		do
			n = recv(quick, big, sizeof(big), 0);
		while (n == (ssize_t)sizeof(big));
		ASSERT_EQ(16, n);
	}
	xclose(c);
}

TEST(no_peer)
{
	int push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN];

	xbind_any(push, ep);
	EXPECT_ERR(EAGAIN, send(push, "x", 1, MSG_DONTWAIT));
	xtimeo(push, 40, 40);
	EXPECT_ERR(EAGAIN, send(push, "x", 1, 0));
}

TEST(fair_queue)
{
	int pull = xsocket(ZMQ_PULL), push[WORKERS], i, n;
	int seen[WORKERS] = { 0 };
	char ep[EP_LEN], c;

	xbind_any(pull, ep);
	for (i = 0; i < WORKERS; i++) {
		push[i] = xsocket(ZMQ_PUSH);
		xconnect(push[i], ep);
	}
	xpeers(pull, WORKERS);
	for (i = 0; i < WORKERS; i++)
		for (n = 0; n < 20; n++)
			xsend(push[i], (char[]){ '0' + i }, 1, 0);
	ASSERT_TRUE(wait_in_msgs(pull, 20 * WORKERS, KZ_WAIT_MS));
	/* in any stretch of the first 30 nobody is far ahead */
	for (n = 0; n < 30; n++) {
		ASSERT_EQ(1, recv(pull, &c, 1, 0));
		seen[c - '0']++;
		for (i = 0; i < WORKERS; i++)
			EXPECT_GE((n + 1) / WORKERS + 2, seen[i]);
	}
}

TEST(order_of_one_sender)
{
	int fd[2], i, got;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 2000; i++) {
		xsend(fd[1], &i, sizeof(i), 0);
		if (i % 100 < 99)
			continue;
		for (int k = i - 99; k <= i; k++) {
			ASSERT_EQ(4, recv(fd[0], &got, 4, 0));
			ASSERT_EQ(k, got);
		}
	}
}

/* what a connecting PUSH has queued is there after the peer's restart */
TEST(queue_survives_reconnect)
{
	int push = xsocket(ZMQ_PUSH), pull;
	char ep[EP_LEN], text[16];
	int i;

	pull = xsocket(ZMQ_PULL);
	xbind_any(pull, ep);
	xset(push, ZMQ_RECONNECT_IVL, 20);
	xconnect(push, ep);
	xpeers(push, 1);
	xclose(pull);
	ASSERT_TRUE(wait_peers(push, 0, KZ_WAIT_MS));
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		xsends(push, text, 0);
	}
	pull = xsocket(ZMQ_PULL);
	xbind(pull, ep);
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		ASSERT_GOT(pull, text);
	}
}

/* what arrived from a peer that has gone can still be read */
TEST(received_outlives_the_sender)
{
	int fd[2], i;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 10; i++)
		xsends(fd[1], "left behind", 0);
	ASSERT_TRUE(wait_in_msgs(fd[0], 10, KZ_WAIT_MS));
	xclose(fd[1]);
	ASSERT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
	EXPECT_TRUE(wait_ready(fd[0], POLLIN));
	for (i = 0; i < 10; i++)
		EXPECT_GOT(fd[0], "left behind");
	EXPECT_EQ(0, poll1(fd[0], POLLIN, 0));
}

/* close() returns at once, the messages go out nevertheless */
TEST(linger_sends_the_rest)
{
	int push = zsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL), i;
	char ep[EP_LEN];
	long long t;

	xset(push, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	xbind_any(pull, ep);
	xconnect(push, ep);
	for (i = 0; i < 200; i++)
		xsends(push, "on its way", 0);
	t = kz_now_ms();
	xclose(push);
	EXPECT_GT(kz_ms(KZ_WAIT_MS / 2), kz_now_ms() - t);
	for (i = 0; i < 200; i++)
		ASSERT_GOT(pull, "on its way");
}

/* also when the process has gone, and when the peer comes later */
TEST(linger_after_exit)
{
	int probe, pull, status;
	char ep[EP_LEN];
	pid_t pid;

	probe = raw_listen(ep);
	xclose(probe);
	pid = fork();
	if (!pid) {
		int push = zsocket(ZMQ_PUSH);

		xset(push, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
		xset(push, ZMQ_RECONNECT_IVL, 20);
		xconnect(push, ep);
		xsends(push, "legacy", 0);
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	pull = xsocket(ZMQ_PULL);
	xbind(pull, ep);
	EXPECT_GOT(pull, "legacy");
}

TEST(no_linger)
{
	int push, pull, probe;
	char ep[EP_LEN];

	probe = raw_listen(ep);
	xclose(probe);
	push = xsocket(ZMQ_PUSH);
	xset(push, ZMQ_RECONNECT_IVL, 20);
	xconnect(push, ep);
	xsends(push, "lost", 0);
	xclose(push);
	pull = xsocket(ZMQ_PULL);
	xbind(pull, ep);
	EXPECT_QUIET(pull);
}

/* a PULL takes no message from a peer whose type does not fit */
TEST(types_that_do_not_fit)
{
	static const int wrong[] = {
		ZMQ_PAIR, ZMQ_PUB, ZMQ_SUB, ZMQ_REQ, ZMQ_REP, ZMQ_DEALER,
		ZMQ_ROUTER, ZMQ_PULL, ZMQ_XPUB, ZMQ_XSUB,
	};
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN];
	size_t i;

	xbind_any(pull, ep);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		long before = mib_faults();
		int fd = xsocket(wrong[i]);

		xconnect(fd, ep);
		EXPECT_TRUE(wait_fault(before, KZ_WAIT_MS));
		send(fd, "x", 1, MSG_DONTWAIT);
		xclose(fd);
	}
	xconnect(push, ep);
	xsends(push, "good", 0);
	EXPECT_GOT(pull, "good");
	EXPECT_TRUE(wait_peers(pull, 1, KZ_WAIT_MS));
}

ZMQ_HARNESS_MAIN
