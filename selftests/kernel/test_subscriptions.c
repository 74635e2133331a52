// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Subscriptions as a weapon: too many, too long, too deep. */
#include "kselftest_harness.h"
#include "lib.h"

#include <endian.h>

static char ep[EP_LEN];

static int pub_bound(int type)
{
	int fd = xsocket(type);

	xbind_any(fd, ep);
	return fd;
}

static bool raw_subscribe(int raw, const void *topic, size_t len)
{
	unsigned char h[19] = { 6 };
	__u64 be = htobe64(len + 10);

	memcpy(h + 1, &be, 8);
	memcpy(h + 9, "\11SUBSCRIBE", 10);
	return raw_try_write(raw, h, sizeof(h)) &&
	       raw_try_write(raw, topic, len);
}

static bool serves(int pub, const char *text)
{
	int sub = xsocket(ZMQ_SUB), i;
	bool ok = false;

	xset_text(sub, ZMQ_SUBSCRIBE, text);
	xconnect(sub, ep);
	xpeers(sub, 1);
	for (i = 0; i < 1000 && !ok; i++) {
		xsends(pub, text, 0);
		ok = poll1(sub, POLLIN, 5);
	}
	xclose(sub);
	return ok;
}

/* the filter takes so many topics of one peer and no more */
TEST(topics_are_counted)
{
	struct zmq_stats st;
	int pub, raw, i, count;
	char topic[16];

	own_netns();
	ASSERT_OK(sysctl_set("topics_max", 100));
	pub = pub_bound(ZMQ_PUB);
	raw = raw_peer(ep, "SUB", "PUB");
	for (i = 0; i < 1000; i++) {
		snprintf(topic, sizeof(topic), "topic%d", i);
		if (!raw_subscribe(raw, topic, strlen(topic)))
			break;
	}
	EXPECT_TRUE(serves(pub, "good"));
	count = zget(pub, ZMQ_TOPICS_COUNT);
	EXPECT_GE(101, count);
	xstats(pub, &st);
	EXPECT_GE(1ULL << 20, st.mem);
}

TEST(topics_have_a_length)
{
	char *big = malloc(1 << 20);
	int pub, raw;

	own_netns();
	ASSERT_OK(sysctl_set("topic_max", 1000));
	pub = pub_bound(ZMQ_PUB);
	raw = raw_peer(ep, "SUB", "PUB");
	memset(big, 'x', 1 << 20);
	EXPECT_TRUE(raw_subscribe(raw, big, 1000));
	raw_subscribe(raw, big, 1001);
	raw_subscribe(raw, big, 1 << 20);
	EXPECT_TRUE(serves(pub, "good"));
	EXPECT_GE(2, zget(pub, ZMQ_TOPICS_COUNT));
	free(big);
}

/* one deep topic, one octet longer each time, then all of them go at once */
TEST(deep_tree)
{
	int pub, raw, i;
	char topic[2000];

	pub = pub_bound(ZMQ_XPUB);
	raw = raw_peer(ep, "SUB", "XPUB");
	memset(topic, 'd', sizeof(topic));
	for (i = 1; i < 2000; i += 3)
		if (!raw_subscribe(raw, topic, i))
			break;
	EXPECT_TRUE(wait_ready(pub, POLLIN));
	xclose(raw);
	EXPECT_TRUE(wait_peers(pub, 0, KZ_WAIT_MS));
	xtopics(pub, 0);
	EXPECT_TRUE(serves(pub, "good"));
}

/* the widest tree: every octet on three levels */
TEST(wide_tree)
{
	int pub, raw, a, b;
	unsigned char topic[3] = "";

	pub = pub_bound(ZMQ_PUB);
	raw = raw_peer(ep, "SUB", "PUB");
	for (a = 0; a < 256; a++) {
		for (b = 0; b < 8; b++) {
			topic[0] = a;
			topic[1] = b * 37;
			topic[2] = a ^ b;
			if (!raw_subscribe(raw, topic, 3))
				break;
		}
	}
	EXPECT_TRUE(serves(pub, "good"));
	xclose(raw);
	EXPECT_TRUE(wait_peers(pub, 0, KZ_WAIT_MS));
}

/* cancelling what was never asked for, over and over */
TEST(cancel_flood)
{
	int pub = pub_bound(ZMQ_XPUB), raw = raw_peer(ep, "SUB", "XPUB"), i;
	struct zmq_stats st;
	char buf[8];

	for (i = 0; i < 5000; i++)
		raw_command(raw, "CANCEL", "x", 1);
	raw_command(raw, "SUBSCRIBE", "end", 3);
	xstats(pub, &st);
	EXPECT_GE(1000, st.in_msgs);
	/* told or not told of, but no more often than it was asked for */
	for (i = 0; i <= 5000; i++) {
		ASSERT_LT(0, recv(pub, buf, sizeof(buf), 0));
		if (buf[0] == 1)
			break;
	}
	EXPECT_EQ(0, memcmp(buf, "\1end", 4));
}

/* back and forth: the notices an XPUB does not read are bounded */
TEST(notices_are_bounded)
{
	int pub = xsocket(ZMQ_XPUB), raw, i;
	struct zmq_stats st;

	xset(pub, ZMQ_RCVHWM, 100);
	xbind_any(pub, ep);
	raw = raw_peer(ep, "SUB", "XPUB");
	for (i = 0; i < 20000; i++) {
		static const char both[] = "\4\13\11SUBSCRIBEx\4\10\6CANCELx";

		if (send(raw, both, sizeof(both) - 1,
			 MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		    !poll1(raw, POLLOUT, 20))
			break;
	}
	xstats(pub, &st);
	EXPECT_GE(2ULL << 20, st.mem);
	EXPECT_GE(40100, st.in_msgs);
	EXPECT_TRUE(serves(pub, "good"));
}

/* old-style subscriptions are under the same limits */
TEST(message_form_is_limited_too)
{
	int pub, raw, i;
	char m[16];

	own_netns();
	ASSERT_OK(sysctl_set("topics_max", 100));
	pub = pub_bound(ZMQ_PUB);
	raw = raw_peer(ep, "SUB", "PUB");
	for (i = 0; i < 1000; i++) {
		m[0] = 0;
		m[1] = 5;
		m[2] = 1;
		snprintf(m + 3, 8, "%04d", i);
		if (!raw_try_write(raw, m, 7))
			break;
	}
	EXPECT_TRUE(serves(pub, "good"));
	EXPECT_GE(101, zget(pub, ZMQ_TOPICS_COUNT));
}

/* the limit holds for the program itself, told by an errno */
TEST(own_topics_have_a_length)
{
	static char topic[2000];
	int sub;

	own_netns();
	ASSERT_OK(sysctl_set("topic_max", 1000));
	sub = xsocket(ZMQ_SUB);
	EXPECT_OK(setsockopt(sub, SOL_ZMQ, ZMQ_SUBSCRIBE, topic, 1000));
	EXPECT_EQ(-1, setsockopt(sub, SOL_ZMQ, ZMQ_SUBSCRIBE, topic, 1001));
	EXPECT_TRUE(errno == EINVAL || errno == EMSGSIZE);
}

ZMQ_HARNESS_MAIN
