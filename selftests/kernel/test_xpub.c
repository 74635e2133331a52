// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* XPUB and XSUB: notices, and the options that change them. */
#include "kselftest_harness.h"
#include "lib.h"

static char ep[EP_LEN];

static int xpub_bound(void)
{
	int fd = xsocket(ZMQ_XPUB);

	xbind_any(fd, ep);
	return fd;
}

static int sub_to(const char *topic)
{
	int fd = xsocket(ZMQ_SUB);

	if (topic)
		xset_text(fd, ZMQ_SUBSCRIBE, topic);
	xconnect(fd, ep);
	return fd;
}

/* the next message is one frame of 0 or 1 and a topic */
static bool notice(int fd, int on, const char *topic)
{
	char buf[512];
	bool eor;
	ssize_t n = zrecv(fd, buf, sizeof(buf), 0, &eor);

	if (n == (ssize_t)strlen(topic) + 1 && buf[0] == on && eor &&
	    !memcmp(buf + 1, topic, n - 1))
		return true;
	fprintf(stderr, "# got [%zd] %d '%.*s', wanted %d '%s'\n", n,
		n > 0 ? buf[0] : -1, n > 1 ? (int)n - 1 : 0, buf + 1, on, topic);
	return false;
}

static int raw_sub(void)
{
	return raw_peer(ep, "SUB", "XPUB");
}

static void raw_subscribe(int fd, const char *topic)
{
	raw_command(fd, "SUBSCRIBE", topic, strlen(topic));
}

static void raw_cancel(int fd, const char *topic)
{
	raw_command(fd, "CANCEL", topic, strlen(topic));
}

TEST(first_and_last_are_told)
{
	int pub = xpub_bound(), a, b;

	a = sub_to("T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	b = sub_to("T");
	xset_text(b, ZMQ_SUBSCRIBE, "U");
	EXPECT_TRUE(notice(pub, 1, "U"));
	xset_text(a, ZMQ_UNSUBSCRIBE, "T");
	xset_text(a, ZMQ_SUBSCRIBE, "V");
	EXPECT_TRUE(notice(pub, 1, "V"));
	xset_text(b, ZMQ_UNSUBSCRIBE, "T");
	EXPECT_TRUE(notice(pub, 0, "T"));
}

TEST(empty_topic)
{
	int pub = xpub_bound(), a = sub_to("");

	EXPECT_TRUE(notice(pub, 1, ""));
	xset_text(a, ZMQ_UNSUBSCRIBE, "");
	EXPECT_TRUE(notice(pub, 0, ""));
}

TEST(disconnect_unsubscribes)
{
	int pub = xpub_bound(), a = sub_to("T"), b, i;
	char buf[8];

	EXPECT_TRUE(notice(pub, 1, "T"));
	b = sub_to("T");
	xset_text(b, ZMQ_SUBSCRIBE, "U");
	xset_text(b, ZMQ_SUBSCRIBE, "W");
	EXPECT_TRUE(notice(pub, 1, "U"));
	EXPECT_TRUE(notice(pub, 1, "W"));
	xclose(b);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(2, recv(pub, buf, sizeof(buf), 0));
		EXPECT_EQ(0, buf[0]);
		EXPECT_TRUE(buf[1] == 'U' || buf[1] == 'W');
	}
	xclose(a);
	EXPECT_TRUE(notice(pub, 0, "T"));
}

/* a set per peer: subscribing twice and cancelling once leaves nothing */
TEST(set_and_not_count_on_the_wire)
{
	int pub = xpub_bound(), raw = raw_sub();

	raw_subscribe(raw, "T");
	raw_subscribe(raw, "T");
	raw_cancel(raw, "T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	EXPECT_TRUE(notice(pub, 0, "T"));
	xsends(pub, "T", 0);
	raw_subscribe(raw, "end");
	EXPECT_TRUE(notice(pub, 1, "end"));
	xsends(pub, "end", 0);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\3end")));
}

TEST(verbose)
{
	int pub = xpub_bound(), raw;

	xset(pub, ZMQ_XPUB_VERBOSE, 1);
	raw = raw_sub();
	raw_subscribe(raw, "T");
	raw_subscribe(raw, "T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	EXPECT_TRUE(notice(pub, 1, "T"));
	sub_to("T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	raw_cancel(raw, "T");		/* another one still has it */
	raw_subscribe(raw, "end");
	EXPECT_TRUE(notice(pub, 1, "end"));
}

TEST(verboser)
{
	int pub = xpub_bound(), raw;

	xset(pub, ZMQ_XPUB_VERBOSER, 1);
	raw = raw_sub();
	raw_subscribe(raw, "T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	sub_to("T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	raw_cancel(raw, "T");
	EXPECT_TRUE(notice(pub, 0, "T"));
}

/* the lesser of the two takes back what the other has turned on besides */
TEST(verbose_after_verboser)
{
	int pub = xpub_bound(), raw;

	xset(pub, ZMQ_XPUB_VERBOSER, 1);
	xset(pub, ZMQ_XPUB_VERBOSE, 1);
	raw = raw_sub();
	raw_subscribe(raw, "T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	sub_to("T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	raw_cancel(raw, "T");
	raw_subscribe(raw, "end");
	EXPECT_TRUE(notice(pub, 1, "end"));
	xset(pub, ZMQ_XPUB_VERBOSE, 0);
	raw_subscribe(raw, "end");
	raw_subscribe(raw, "U");
	EXPECT_TRUE(notice(pub, 1, "U"));
}

/* old peers subscribe by messages, new ones by commands; both work with both */
TEST(subscription_as_a_message)
{
	int pub = xpub_bound(), raw = raw_sub();

	raw_write(raw, RAW_LIT("\0\2\1A"));
	EXPECT_TRUE(notice(pub, 1, "A"));
	raw_subscribe(raw, "B");
	EXPECT_TRUE(notice(pub, 1, "B"));
	xsends(pub, "A1", 0);
	xsends(pub, "B1", 0);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\2A1\0\2B1")));
	raw_cancel(raw, "A");
	EXPECT_TRUE(notice(pub, 0, "A"));
	raw_write(raw, RAW_LIT("\0\2\0B"));
	EXPECT_TRUE(notice(pub, 0, "B"));
}

TEST(user_messages_go_up)
{
	int fd[2];

	xpair(ZMQ_XPUB, ZMQ_XSUB, fd);
	xsends(fd[1], "hello", 0);
	EXPECT_GOT(fd[0], "hello");
	xsendv(fd[1], "two", "parts", NULL);
	EXPECT_GOT(fd[0], "two", "parts");
	/* to a PUB they are nothing */
	xclose(fd[0]);
	xclose(fd[1]);
	xpair(ZMQ_PUB, ZMQ_XSUB, fd);
	xsends(fd[1], "hello", 0);
	xsends(fd[1], "\1T", 0);
	for (;;) {
		xsends(fd[0], "T", 0);
		if (poll1(fd[1], POLLIN, 5))
			break;
	}
	EXPECT_GOT(fd[1], "T");
}

/* every frame in front may subscribe; what follows is the user's */
TEST(subscriptions_in_one_message)
{
	int pub = xpub_bound(), raw = raw_sub();

	raw_write(raw, RAW_LIT("\1\2\1A\1\2\1B\1\2\0A\1\5hello\0\1x"));
	EXPECT_TRUE(notice(pub, 1, "A"));
	EXPECT_TRUE(notice(pub, 1, "B"));
	EXPECT_TRUE(notice(pub, 0, "A"));
	EXPECT_GOT(pub, "hello", "x");
	EXPECT_EQ(1, zget(pub, ZMQ_TOPICS_COUNT));
	xset(pub, ZMQ_ONLY_FIRST_SUBSCRIBE, 1);
	raw_write(raw, RAW_LIT("\1\2\1C\0\2\1D"));
	EXPECT_TRUE(notice(pub, 1, "C"));
	EXPECT_GOT(pub, "\1D");
	EXPECT_EQ(2, zget(pub, ZMQ_TOPICS_COUNT));
	xclose(pub);
	xclose(raw);
	/* to a PUB the rest is nothing, but the topics count */
	pub = xsocket(ZMQ_PUB);
	xbind_any(pub, ep);
	raw = raw_peer(ep, "SUB", "PUB");
	raw_write(raw, RAW_LIT("\1\2\1A\1\2\1B\0\1x"));
	xtopics(pub, 2);
}

TEST(xsub_subscribes_by_sending)
{
	int fd[2];

	xpair(ZMQ_XPUB, ZMQ_XSUB, fd);
	xsends(fd[1], "\1A", 0);
	EXPECT_TRUE(notice(fd[0], 1, "A"));
	xsends(fd[0], "A1", 0);
	xsends(fd[0], "B1", 0);
	xsend(fd[1], "\0A", 2, 0);
	EXPECT_TRUE(notice(fd[0], 0, "A"));
	xsends(fd[0], "A2", 0);
	xsends(fd[1], "\1", 0);
	EXPECT_TRUE(notice(fd[0], 1, ""));
	xsends(fd[0], "end", 0);
	EXPECT_GOT(fd[1], "A1");
	EXPECT_GOT(fd[1], "end");
}

/* XSUB counts as SUB does: only the last cancellation is told, or each */
TEST(xsub_verbose_unsubscribe)
{
	int sub = xsocket(ZMQ_XSUB), raw, verbose;

	xbind_any(sub, ep);
	raw = raw_peer(ep, "PUB", "XSUB");
	xpeers(sub, 1);
	for (verbose = 0; verbose < 2; verbose++) {
		xset(sub, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, verbose);
		xsends(sub, "\1T", 0);
		xsends(sub, "\1T", 0);
		xsend(sub, "\0T", 2, 0);
		xsends(sub, "\1mark", 0);
		EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\13\11SUBSCRIBET"
						    "\4\13\11SUBSCRIBET")));
		if (verbose)
			EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\10\6CANCELT")));
		EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\16\11SUBSCRIBEmark")));
		xsend(sub, "\0T", 2, 0);
		EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\10\6CANCELT")));
	}
	/* nobody has asked for this one */
	xsend(sub, "\0never", 6, 0);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\14\6CANCELnever")));
	xset(sub, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, 0);
	xsend(sub, "\0never", 6, 0);
	EXPECT_TRUE(raw_open(raw));
	xclose(raw);
}

/* XSUB has no filter of its own and renews its subscriptions by itself */
TEST(xsub_renews)
{
	int pub = xpub_bound(), sub = xsocket(ZMQ_XSUB);

	xset(sub, ZMQ_RECONNECT_IVL, 20);
	xconnect(sub, ep);
	xsends(sub, "\1A", 0);
	EXPECT_TRUE(notice(pub, 1, "A"));
	xclose(pub);
	ASSERT_TRUE(wait_peers(sub, 0, KZ_WAIT_MS));
	pub = xsocket(ZMQ_XPUB);
	xbind(pub, ep);
	EXPECT_TRUE(notice(pub, 1, "A"));
	xsends(pub, "A1", 0);
	EXPECT_GOT(sub, "A1");
}

TEST(only_first_subscribe)
{
	int fd[2];

	/* without the option any frame may be a subscription */
	xpair(ZMQ_XPUB, ZMQ_XSUB, fd);
	xset(fd[0], ZMQ_ONLY_FIRST_SUBSCRIBE, 1);
	xset(fd[1], ZMQ_ONLY_FIRST_SUBSCRIBE, 1);
	xsendv(fd[1], "first", "\1T", NULL);
	EXPECT_GOT(fd[0], "first", "\1T");
	xsends(fd[0], "T1", 0);
	xsends(fd[1], "\1end", 0);
	EXPECT_TRUE(notice(fd[0], 1, "end"));
	xsends(fd[0], "end", 0);
	EXPECT_GOT(fd[1], "end");
}

TEST(manual)
{
	int pub = xpub_bound(), sub;

	EXPECT_ERR(EINVAL, zset_text(pub, ZMQ_SUBSCRIBE, "X"));
	xset(pub, ZMQ_XPUB_MANUAL, 1);
	sub = sub_to("A");
	EXPECT_TRUE(notice(pub, 1, "A"));
	/* the program decides for something else */
	xset_text(pub, ZMQ_SUBSCRIBE, "XA");
	xset_text(sub, ZMQ_SUBSCRIBE, "XA");
	EXPECT_TRUE(notice(pub, 1, "XA"));
	xsends(pub, "A", 0);
	xsends(pub, "XA", 0);
	EXPECT_GOT(sub, "XA");
	EXPECT_QUIET(sub);
	xset_text(sub, ZMQ_UNSUBSCRIBE, "A");
	EXPECT_TRUE(notice(pub, 0, "A"));
	xset_text(pub, ZMQ_UNSUBSCRIBE, "XA");
	xsends(pub, "XA", 0);
	EXPECT_QUIET(sub);
}

/* SUBSCRIBE acts on the peer whose notice was read last */
TEST(manual_two_peers)
{
	int pub = xpub_bound(), a, b;

	xset(pub, ZMQ_XPUB_MANUAL, 1);
	a = sub_to("");
	EXPECT_TRUE(notice(pub, 1, ""));
	xset_text(pub, ZMQ_SUBSCRIBE, "a");
	b = sub_to("");
	EXPECT_TRUE(notice(pub, 1, ""));
	xset_text(pub, ZMQ_SUBSCRIBE, "b");
	xsends(pub, "a1", 0);
	xsends(pub, "b1", 0);
	EXPECT_GOT(a, "a1");
	EXPECT_GOT(b, "b1");
	EXPECT_QUIET(a);
	EXPECT_QUIET(b);
}

/* the first message after a subscription goes to the new peer only */
TEST(manual_last_value)
{
	int pub = xpub_bound(), a, b;

	xset(pub, ZMQ_XPUB_MANUAL_LAST_VALUE, 1);
	a = sub_to("T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	xset_text(pub, ZMQ_SUBSCRIBE, "T");
	xsends(pub, "T cached", 0);
	EXPECT_GOT(a, "T cached");
	b = sub_to("T");
	EXPECT_TRUE(notice(pub, 1, "T"));
	xset_text(pub, ZMQ_SUBSCRIBE, "T");
	xsends(pub, "T cached", 0);
	EXPECT_GOT(b, "T cached");
	xsends(pub, "T to all", 0);
	EXPECT_GOT(a, "T to all");
	EXPECT_GOT(b, "T to all");
}

TEST(nodrop)
{
	static char big[65536];
	int pub = xpub_bound(), raw, sub;

	xset(pub, ZMQ_SNDHWM, 3);
	xset(pub, ZMQ_XPUB_NODROP, 1);
	raw = raw_sub();
	raw_subscribe(raw, "");
	EXPECT_TRUE(notice(pub, 1, ""));
	sub = sub_to("never");
	EXPECT_TRUE(notice(pub, 1, "never"));
	/* until the network's buffers are full too, and stay so */
	xset(pub, ZMQ_SNDTIMEO, kz_ms(500));
	while (send(pub, big, sizeof(big), 0) > 0)
		;
	EXPECT_ERR(EAGAIN, send(pub, big, sizeof(big), MSG_DONTWAIT));
	/* nobody gets what one could not take */
	EXPECT_ERR(EAGAIN, send(pub, "never", 5, MSG_DONTWAIT));
	xtimeo(pub, 30, 30);
	EXPECT_ERR(EAGAIN, send(pub, "never", 5, 0));
	EXPECT_QUIET(sub);
	xclose(raw);
	ASSERT_TRUE(wait_peers(pub, 1, KZ_WAIT_MS));
	EXPECT_EQ(5, send(pub, "never", 5, 0));
	EXPECT_GOT(sub, "never");
}

TEST(welcome_message)
{
	int pub = xsocket(ZMQ_XPUB), a, raw;

	xset_text(pub, ZMQ_XPUB_WELCOME_MSG, "W");
	xbind_any(pub, ep);
	a = sub_to("W");
	EXPECT_GOT(a, "W");
	raw = raw_sub();
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\1W")));
	/* an empty one turns it off */
	EXPECT_OK(setsockopt(pub, SOL_ZMQ, ZMQ_XPUB_WELCOME_MSG, NULL, 0));
	raw = raw_sub();
	EXPECT_TRUE(raw_open(raw));
}

/* a PUB takes the same options */
TEST(options_on_pub)
{
	static const int opt[] = {
		ZMQ_XPUB_VERBOSE, ZMQ_XPUB_VERBOSER, ZMQ_XPUB_NODROP,
		ZMQ_XPUB_MANUAL,
	};
	int pub = xsocket(ZMQ_PUB), push = xsocket(ZMQ_PUSH);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(opt); i++) {
		EXPECT_OK(zset(pub, opt[i], 0));
		EXPECT_ERR(EINVAL, zset(push, opt[i], 0));
	}
}

/* SUB - XPUB|XSUB - PUB */
TEST(forwarder)
{
	int pub = xsocket(ZMQ_PUB), in = xsocket(ZMQ_XSUB);
	int out = xpub_bound(), sub = sub_to("T");
	char pe[EP_LEN], buf[16];
	ssize_t n;

	xbind_any(pub, pe);
	xconnect(in, pe);
	xpeers(pub, 1);
	n = recv(out, buf, sizeof(buf), 0);
	ASSERT_EQ(2, n);
	xsend(in, buf, n, 0);
	for (;;) {
		xsendv(pub, "T", "news", NULL);
		if (poll1(in, POLLIN, 5))
			break;
	}
	ASSERT_EQ(1, recv(in, buf, sizeof(buf), 0));
	xsend(out, buf, 1, MSG_MORE);
	ASSERT_EQ(4, recv(in, buf, sizeof(buf), 0));
	xsend(out, buf, 4, 0);
	EXPECT_GOT(sub, "T", "news");
}

/* many topics of one peer go with it, one notice each */
TEST(thousand_topics_go)
{
	int pub = xpub_bound(), sub = sub_to(NULL), i;
	char topic[16], buf[32];

	for (i = 0; i < 1000; i++) {
		snprintf(topic, sizeof(topic), "t%d", i);
		xset_text(sub, ZMQ_SUBSCRIBE, topic);
	}
	for (i = 0; i < 1000; i++) {
		ASSERT_LT(0, recv(pub, buf, sizeof(buf), 0));
		ASSERT_EQ(1, buf[0]);
	}
	EXPECT_EQ(1000, zget(pub, ZMQ_TOPICS_COUNT));
	xclose(sub);
	for (i = 0; i < 1000; i++) {
		ASSERT_LT(0, recv(pub, buf, sizeof(buf), 0));
		ASSERT_EQ(0, buf[0]);
	}
	xtopics(pub, 0);
}

ZMQ_HARNESS_MAIN
