// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 180 */
/* PUB and SUB: prefixes, counting of subscriptions, losses. */
#include "kselftest_harness.h"
#include "lib.h"

/*
 * Wait until a publisher's filter knows all that this subscriber has asked for
 * so far: subscribe to a topic of its own and publish until it comes through.
 * The marks are numbered: behind the last that was sent none is on its way.
 */
static void settle(int pub, int sub)
{
	static int round;
	char topic[32], mark[64], buf[64];
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	int sent = 0, wait = 5;
	bool last = false;
	ssize_t n;

	snprintf(topic, sizeof(topic), "~mark%d~", round++);
	xset_text(sub, ZMQ_SUBSCRIBE, topic);
	while (!last) {
		if (kz_now_ms() > end)
			KZ_DIE("subscription does not arrive");
		snprintf(mark, sizeof(mark), "%s%d", topic, sent++);
		xsends(pub, mark, 0);
		while (!last && poll1(sub, POLLIN, wait)) {
			n = recv(sub, buf, sizeof(buf), 0);
			KZ_CHECK(n > (ssize_t)strlen(topic) &&
				 !memcmp(buf, topic, strlen(topic)));
			last = n == (ssize_t)strlen(mark) &&
			       !memcmp(buf, mark, n);
		}
		/* who is slow gets more time, or there is always one more */
		wait = wait < 250 ? 2 * wait : wait;
	}
	xset_text(sub, ZMQ_UNSUBSCRIBE, topic);
}

FIXTURE(ps) {
	int pub, sub;
};

FIXTURE_VARIANT(ps) {
	bool sub_binds;
};

FIXTURE_VARIANT_ADD(ps, pub_binds) { false };
FIXTURE_VARIANT_ADD(ps, sub_binds) { true };

FIXTURE_SETUP(ps)
{
	int fd[2];

	if (variant->sub_binds)
		xpair(ZMQ_SUB, ZMQ_PUB, fd);
	else
		xpair(ZMQ_PUB, ZMQ_SUB, fd);
	self->sub = fd[!variant->sub_binds];
	self->pub = fd[variant->sub_binds];
}

FIXTURE_TEARDOWN(ps)
{
	xclose(self->pub);
	xclose(self->sub);
}

TEST_F(ps, prefix)
{
	xset_text(self->sub, ZMQ_SUBSCRIBE, "AB");
	settle(self->pub, self->sub);
	xsends(self->pub, "A", 0);
	xsends(self->pub, "B", 0);
	xsends(self->pub, "", 0);
	xsends(self->pub, "aBC", 0);
	xsends(self->pub, "AB", 0);
	xsends(self->pub, "ABC", 0);
	EXPECT_GOT(self->sub, "AB");
	EXPECT_GOT(self->sub, "ABC");
	EXPECT_QUIET(self->sub);
}

/* what is queued already is judged by the topics of when it is received */
TEST_F(ps, topics_change_under_a_batch)
{
	char data[60 * 4 + 1], got[sizeof(data)];
	struct iovec iov = { data, 60 * 4 };
	__u32 len[60], lens[64];
	int i, n, flags, at = 0;
	ssize_t ret;

	xset_text(self->sub, ZMQ_SUBSCRIBE, "");
	settle(self->pub, self->sub);
	for (i = 0; i < 60; i++) {
		len[i] = 4;
		sprintf(data + i * 4, "%c%03d", "aab"[i % 3], i);
	}
	ASSERT_EQ(60 * 4, send_frames(self->pub, &iov, 1, len, 60, 0));
	ASSERT_TRUE(wait_in_msgs(self->sub, 60, KZ_WAIT_MS));
	xset_text(self->sub, ZMQ_SUBSCRIBE, "a");
	xset_text(self->sub, ZMQ_UNSUBSCRIBE, "");
	xset(self->sub, ZMQ_RCVBATCH, 25);
	while (at < 60) {
		n = 64;
		flags = 0;
		ret = recv_frames(self->sub, got, sizeof(got), lens, &n,
				  &flags);
		ASSERT_EQ(n * 4, ret);
		ASSERT_GE(25, n);
		for (i = 0; i < n; i++, at++) {
			at += at % 3 == 2;
			ASSERT_LT(at, 60);
			EXPECT_EQ(4, lens[i]);
			EXPECT_EQ(0, memcmp(got + i * 4, data + at * 4, 4));
		}
		at += at % 3 == 2;
	}
	EXPECT_QUIET(self->sub);
}

/* only the first frame is looked at */
TEST_F(ps, first_frame)
{
	xset_text(self->sub, ZMQ_SUBSCRIBE, "T");
	settle(self->pub, self->sub);
	xsendv(self->pub, "x", "T", NULL);
	xsendv(self->pub, "T", "x", "", NULL);
	EXPECT_GOT(self->sub, "T", "x", "");
}

TEST_F(ps, nothing_without_subscription)
{
	settle(self->pub, self->sub);
	xsends(self->pub, "unasked", 0);
	xset_text(self->sub, ZMQ_SUBSCRIBE, "asked");
	settle(self->pub, self->sub);
	xsends(self->pub, "asked", 0);
	EXPECT_GOT(self->sub, "asked");
}

TEST_F(ps, empty_topic_is_everything)
{
	EXPECT_OK(setsockopt(self->sub, SOL_ZMQ, ZMQ_SUBSCRIBE, NULL, 0));
	settle(self->pub, self->sub);
	xsends(self->pub, "", 0);
	xsends(self->pub, "any", 0);
	EXPECT_GOT(self->sub, "");
	EXPECT_GOT(self->sub, "any");
	EXPECT_OK(setsockopt(self->sub, SOL_ZMQ, ZMQ_UNSUBSCRIBE, "", 0));
	settle(self->pub, self->sub);
	xsends(self->pub, "more", 0);
	EXPECT_QUIET(self->sub);
}

/* as many UNSUBSCRIBEs as SUBSCRIBEs */
TEST_F(ps, counted)
{
	int i;

	for (i = 0; i < 3; i++)
		xset_text(self->sub, ZMQ_SUBSCRIBE, "T");
	for (i = 0; i < 2; i++)
		xset_text(self->sub, ZMQ_UNSUBSCRIBE, "T");
	settle(self->pub, self->sub);
	xsends(self->pub, "T1", 0);
	EXPECT_GOT(self->sub, "T1");
	xset_text(self->sub, ZMQ_UNSUBSCRIBE, "T");
	settle(self->pub, self->sub);
	xsends(self->pub, "T2", 0);
	EXPECT_QUIET(self->sub);
	/* one too many does nothing, nor is it owed */
	xset_text(self->sub, ZMQ_UNSUBSCRIBE, "T");
	xset_text(self->sub, ZMQ_UNSUBSCRIBE, "never");
	xset_text(self->sub, ZMQ_SUBSCRIBE, "T");
	settle(self->pub, self->sub);
	xsends(self->pub, "T3", 0);
	EXPECT_GOT(self->sub, "T3");
}

/* two topics that match give one copy; one of them going keeps the other */
TEST_F(ps, overlapping)
{
	xset_text(self->sub, ZMQ_SUBSCRIBE, "A");
	xset_text(self->sub, ZMQ_SUBSCRIBE, "AB");
	xset_text(self->sub, ZMQ_SUBSCRIBE, "ABC");
	settle(self->pub, self->sub);
	xsends(self->pub, "ABC", 0);
	xsends(self->pub, "A.", 0);
	EXPECT_GOT(self->sub, "ABC");
	EXPECT_GOT(self->sub, "A.");
	xset_text(self->sub, ZMQ_UNSUBSCRIBE, "A");
	settle(self->pub, self->sub);
	xsends(self->pub, "A.", 0);
	xsends(self->pub, "ABC", 0);
	EXPECT_GOT(self->sub, "ABC");
	EXPECT_QUIET(self->sub);
}

TEST_F(ps, binary_topics)
{
	static const char t[] = { 0, 1, 2, 0, (char)0xff };
	char buf[8];

	xset_bytes(self->sub, ZMQ_SUBSCRIBE, t, sizeof(t));
	settle(self->pub, self->sub);
	xsend(self->pub, t, 4, 0);
	xsend(self->pub, "\0\1\2\0\xff!", 6, 0);
	EXPECT_EQ(6, recv(self->sub, buf, sizeof(buf), 0));
}

TEST_F(ps, topic_lengths)
{
	static const int len[] = { 1, 244, 245, 246, 249, 254, 255, 256, 1000 };
	char topic[1024], buf[1100];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		fill(topic, sizeof(topic), i + 1);
		xset_bytes(self->sub, ZMQ_SUBSCRIBE, topic, len[i]);
		settle(self->pub, self->sub);
		xsend(self->pub, topic, len[i] - 1, 0);
		xsend(self->pub, topic, len[i], 0);
		ASSERT_EQ(len[i], recv(self->sub, buf, sizeof(buf), 0));
		EXPECT_EQ(0, memcmp(buf, topic, len[i]));
		xset_bytes(self->sub, ZMQ_UNSUBSCRIBE, topic, len[i]);
		settle(self->pub, self->sub);
		xsend(self->pub, topic, len[i], 0);
		EXPECT_QUIET(self->sub);
	}
}

TEST_F(ps, invert_matching)
{
	xset(self->pub, ZMQ_INVERT_MATCHING, 1);
	xset(self->sub, ZMQ_INVERT_MATCHING, 1);
	xset_text(self->sub, ZMQ_SUBSCRIBE, "no");
	xtopics(self->pub, 1);
	xsends(self->pub, "no", 0);
	xsends(self->pub, "no1", 0);
	xsends(self->pub, "yes", 0);
	xsends(self->pub, "nothing", 0);
	xsends(self->pub, "last", 0);
	EXPECT_GOT(self->sub, "yes");
	EXPECT_GOT(self->sub, "last");
}

/* the publisher alone keeps it back: this peer has no filter */
TEST(invert_matching_on_the_wire)
{
	int pub = xsocket(ZMQ_PUB), raw;
	char ep[EP_LEN];

	xset(pub, ZMQ_INVERT_MATCHING, 1);
	xbind_any(pub, ep);
	raw = raw_peer(ep, "SUB", "PUB");
	raw_command(raw, "SUBSCRIBE", "no", 2);
	xtopics(pub, 1);
	xsends(pub, "no1", 0);
	xsends(pub, "yes", 0);
	xsends(pub, "no2", 0);
	xsends(pub, "last", 0);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\3yes\0\4last")));
}

TEST_F(ps, topics_count)
{
	EXPECT_EQ(0, zget(self->sub, ZMQ_TOPICS_COUNT));
	xset_text(self->sub, ZMQ_SUBSCRIBE, "a");
	xset_text(self->sub, ZMQ_SUBSCRIBE, "a");
	xset_text(self->sub, ZMQ_SUBSCRIBE, "b");
	settle(self->pub, self->sub);
	EXPECT_EQ(2, zget(self->sub, ZMQ_TOPICS_COUNT));
	xset_text(self->sub, ZMQ_UNSUBSCRIBE, "a");
	EXPECT_EQ(2, zget(self->sub, ZMQ_TOPICS_COUNT));
	xset_text(self->sub, ZMQ_UNSUBSCRIBE, "a");
	EXPECT_EQ(1, zget(self->sub, ZMQ_TOPICS_COUNT));
	settle(self->pub, self->sub);
	xtopics(self->pub, 1);
}

TEST(everybody_gets_it)
{
	int pub = xsocket(ZMQ_PUB), sub[5], i;
	char ep[EP_LEN], mine[8];

	xbind_any(pub, ep);
	for (i = 0; i < 5; i++) {
		sub[i] = xsocket(ZMQ_SUB);
		snprintf(mine, sizeof(mine), "s%d", i);
		xset_text(sub[i], ZMQ_SUBSCRIBE, "all");
		xset_text(sub[i], ZMQ_SUBSCRIBE, mine);
		xconnect(sub[i], ep);
		xpeers(sub[i], 1);
		settle(pub, sub[i]);
	}
	xsendv(pub, "all", "for everybody", NULL);
	for (i = 0; i < 5; i++) {
		snprintf(mine, sizeof(mine), "s%d", i);
		xsends(pub, mine, 0);
	}
	for (i = 0; i < 5; i++) {
		snprintf(mine, sizeof(mine), "s%d", i);
		EXPECT_GOT(sub[i], "all", "for everybody");
		EXPECT_GOT(sub[i], mine);
		EXPECT_QUIET(sub[i]);
	}
}

TEST(one_sub_many_pubs)
{
	int sub = xsocket(ZMQ_SUB), pub[3], i;
	char ep[3][EP_LEN];

	xset_text(sub, ZMQ_SUBSCRIBE, "");
	for (i = 0; i < 3; i++) {
		pub[i] = xsocket(ZMQ_PUB);
		xbind_any(pub[i], ep[i]);
		xconnect(sub, ep[i]);
	}
	xpeers(sub, 3);
	for (i = 0; i < 3; i++)
		settle(pub[i], sub);
	for (i = 0; i < 3; i++)
		xsends(pub[i], "x", 0);
	for (i = 0; i < 3; i++)
		EXPECT_GOT(sub, "x");
}

/* without a subscriber messages vanish, and are no loss */
TEST(pub_never_blocks)
{
	int pub = xsocket(ZMQ_PUB), i;
	char ep[EP_LEN];

	xset(pub, ZMQ_SNDHWM, 1);
	xtimeo(pub, -1, -1);
	xbind_any(pub, ep);
	for (i = 0; i < 100; i++)
		xsends(pub, "x", 0);
	EXPECT_EQ(POLLOUT, poll1(pub, POLLOUT, 0));
}

/* a slow subscriber loses, a quick one does not, and the loss is counted */
TEST(slow_subscriber)
{
	static char big[65536] = "big";
	int pub = xsocket(ZMQ_PUB), sub = xsocket(ZMQ_SUB), slow, i;
	struct zmq_stats st;
	char ep[EP_LEN];

	xset(pub, ZMQ_SNDHWM, 5);
	xbind_any(pub, ep);
	slow = raw_peer(ep, "SUB", "PUB");
	raw_command(slow, "SUBSCRIBE", "", 0);
	xset_text(sub, ZMQ_SUBSCRIBE, "");
	xconnect(sub, ep);
	xpeers(pub, 2);
	settle(pub, sub);
	for (i = 0; i < 500; i++) {
		xsend(pub, big, sizeof(big), 0);
		ASSERT_EQ((ssize_t)sizeof(big),
			  recv(sub, big, sizeof(big), 0));
	}
	xstats(pub, &st);
	EXPECT_LT(0, st.dropped);
	EXPECT_TRUE(wait_peers(pub, 2, KZ_WAIT_MS));
	xclose(slow);
}

/* more topics than the high-water mark, also the set sent on reconnection */
TEST_F_TIMEOUT(ps, thousand_topics, 60)
{
	int pub = xsocket(ZMQ_PUB), sub = xsocket(ZMQ_SUB), i, round;
	char ep[EP_LEN], topic[16];

	xset(sub, ZMQ_SNDHWM, 10);
	xset(sub, ZMQ_RECONNECT_IVL, 20);
	for (i = 0; i < 1000; i++) {
		snprintf(topic, sizeof(topic), "topic%04d", i);
		xset_text(sub, ZMQ_SUBSCRIBE, topic);
	}
	xbind_any(pub, ep);
	xconnect(sub, ep);
	for (round = 0; round < 2; round++) {
		xpeers(sub, 1);
		settle(pub, sub);
		for (i = 0; i < 1000; i++) {
			snprintf(topic, sizeof(topic), "topic%04d", i);
			xsends(pub, topic, 0);
			ASSERT_GOT(sub, topic);
		}
		if (round)
			break;
		xclose(pub);
		ASSERT_TRUE(wait_peers(sub, 0, KZ_WAIT_MS));
		pub = xsocket(ZMQ_PUB);
		xbind(pub, ep);
	}
	EXPECT_EQ(1000, zget(sub, ZMQ_TOPICS_COUNT));
}

/* subscriptions made and dropped while there is no connection */
TEST(changed_while_away)
{
	int pub = xsocket(ZMQ_PUB), sub = xsocket(ZMQ_SUB);
	char ep[EP_LEN];

	xset(sub, ZMQ_RECONNECT_IVL, 20);
	xset_text(sub, ZMQ_SUBSCRIBE, "old");
	xbind_any(pub, ep);
	xconnect(sub, ep);
	xpeers(sub, 1);
	settle(pub, sub);
	xclose(pub);
	ASSERT_TRUE(wait_peers(sub, 0, KZ_WAIT_MS));
	xset_text(sub, ZMQ_UNSUBSCRIBE, "old");
	xset_text(sub, ZMQ_SUBSCRIBE, "new");
	pub = xsocket(ZMQ_PUB);
	xbind(pub, ep);
	xpeers(sub, 1);
	settle(pub, sub);
	xsends(pub, "old", 0);
	xsends(pub, "new", 0);
	EXPECT_GOT(sub, "new");
	EXPECT_QUIET(sub);
}

/* what was subscribed counts at once, though the publisher makes no call */
TEST(heard_without_a_call)
{
	int pub = xsocket(ZMQ_PUB), raw, i;
	char ep[EP_LEN], topic = 'A';

	xbind_any(pub, ep);
	raw = raw_peer(ep, "SUB", "PUB");
	for (i = 0; i < 20; i++, topic++) {
		raw_command(raw, "SUBSCRIBE", &topic, 1);
		raw_command(raw, "PING", "\0\0", 2);
		/* the answer comes behind what it has done before */
		ASSERT_TRUE(raw_expect(raw, RAW_LIT("\4\5\4PONG")));
		xsend(pub, &topic, 1, 0);
		ASSERT_TRUE(raw_expect(raw, (char[]){ 0, 1, topic }, 3));
	}
	xclose(raw);
}

/* SUBSCRIBE is told each time, CANCEL when the last one goes */
TEST(every_subscribe_and_the_last_cancel)
{
	int sub = xsocket(ZMQ_SUB), raw;
	char ep[EP_LEN];

	xbind_any(sub, ep);
	raw = raw_peer(ep, "PUB", "SUB");
	xpeers(sub, 1);
	xset_text(sub, ZMQ_SUBSCRIBE, "T");
	xset_text(sub, ZMQ_SUBSCRIBE, "T");
	xset_text(sub, ZMQ_UNSUBSCRIBE, "T");
	xset_text(sub, ZMQ_UNSUBSCRIBE, "never");
	xset_text(sub, ZMQ_SUBSCRIBE, "U");
	xset_text(sub, ZMQ_UNSUBSCRIBE, "T");
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\13\11SUBSCRIBET"
					    "\4\13\11SUBSCRIBET"
					    "\4\13\11SUBSCRIBEU"
					    "\4\10\6CANCELT")));
	xclose(raw);
}

/* each delivery is its own: one reader does not take from another */
TEST(shared_content)
{
	int pub = xsocket(ZMQ_PUB), sub[3], i;
	char ep[EP_LEN], *big = malloc(300000), *got = malloc(300000);

	xbind_any(pub, ep);
	for (i = 0; i < 3; i++) {
		sub[i] = xsocket(ZMQ_SUB);
		xset_text(sub[i], ZMQ_SUBSCRIBE, "");
		xconnect(sub[i], ep);
		xpeers(sub[i], 1);
		settle(pub, sub[i]);
	}
	/* marks for the later ones came to the earlier ones, too */
	xsends(pub, "now", 0);
	for (i = 0; i < 3; i++) {
		do {
			ASSERT_LT(0, recv(sub[i], got, 100, 0));
		} while (memcmp(got, "now", 3));
	}
	fill(big, 300000, 5);
	xsend(pub, big, 300000, 0);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(300000, recv(sub[i], got, 300000, 0));
		EXPECT_TRUE(filled(got, 300000, 5));
		memset(got, 0, 300000);
	}
	free(big);
	free(got);
}

ZMQ_HARNESS_MAIN
