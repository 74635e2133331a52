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
	int sub = xsocket(ZMQ_SUB);
	long long end;
	bool ok;

	xset_text(sub, ZMQ_SUBSCRIBE, text);
	xconnect(sub, ep);
	xpeers(sub, 1);
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	do {
		xsends(pub, text, 0);
		ok = poll1(sub, POLLIN, 5);
	} while (!ok && kz_now_ms() < end);
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

/* Frames of one octet and a topic of one octet, in one call */
static ssize_t send_topics(int fd, const char *first, const char *topics)
{
	int n = strlen(topics), i;
	struct iovec iov[16];
	char data[16][2];
	__u32 len[16];

	for (i = 0; i < n; i++) {
		data[i][0] = first[i] == '1';
		data[i][1] = topics[i];
		iov[i].iov_base = data[i];
		iov[i].iov_len = 2;
		len[i] = 2 | (i + 1 < n ? ZMQ_FRAME_MORE : 0);
	}
	return send_frames(fd, iov, n, len, n, 0);
}

static bool told(int xpub, int first, char topic)
{
	char buf[8] = "";

	return recv(xpub, buf, sizeof(buf), 0) == 2 && buf[0] == first &&
	       buf[1] == topic;
}

/* several topics in a message: all of them or none */
TEST(all_of_a_message_or_none)
{
	static char longer[1002] = { 1 };
	struct iovec iov[2] = { { "\1l", 2 }, { longer, sizeof(longer) } };
	__u32 len[2] = { 2 | ZMQ_FRAME_MORE, sizeof(longer) };
	int fd[2], i;

	own_netns();
	ASSERT_OK(sysctl_set("topics_max", 4));
	ASSERT_OK(sysctl_set("topic_max", 1000));
	xpair(ZMQ_XPUB, ZMQ_XSUB, fd);
	for (i = 0; i < 3; i++) {
		EXPECT_ERR(ENOBUFS, send_topics(fd[1], "11111", "abcde"));
		EXPECT_ERR(EINVAL, send_frames(fd[1], iov, 2, len, 2, 0));
		EXPECT_EQ(0, zget(fd[1], ZMQ_TOPICS_COUNT));
	}
	EXPECT_EQ(6, send_topics(fd[1], "111", "abc"));
	EXPECT_EQ(3, zget(fd[1], ZMQ_TOPICS_COUNT));
	EXPECT_ERR(ENOBUFS, send_topics(fd[1], "011", "ade"));
	EXPECT_EQ(4, send_topics(fd[1], "00", "bc"));
	EXPECT_EQ(4, send_topics(fd[1], "10", "xa"));
	EXPECT_EQ(1, zget(fd[1], ZMQ_TOPICS_COUNT));
	/* frame by frame: what failed is as if it had not been sent */
	xsend(fd[1], "\1y", 2, MSG_MORE);
	EXPECT_ERR(EINVAL, send(fd[1], longer, sizeof(longer), 0));
	EXPECT_EQ(1, zget(fd[1], ZMQ_TOPICS_COUNT));
	xsend(fd[1], "\0x", 2, 0);
	EXPECT_EQ(1, zget(fd[1], ZMQ_TOPICS_COUNT));
	/* nobody was told of anything else */
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(told(fd[0], 1, "abc"[i]));
	EXPECT_TRUE(told(fd[0], 0, 'b'));
	EXPECT_TRUE(told(fd[0], 0, 'c'));
	EXPECT_TRUE(told(fd[0], 1, 'x'));
	EXPECT_TRUE(told(fd[0], 0, 'a'));
	EXPECT_TRUE(told(fd[0], 1, 'y'));
	EXPECT_TRUE(told(fd[0], 0, 'x'));
	EXPECT_EQ(0, poll1(fd[0], POLLIN, KZ_QUIET_MS));
	xclose(fd[0]);
	xclose(fd[1]);
}

ZMQ_HARNESS_MAIN
