// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 180 */
/* Raw-byte peers of every ZMTP version in both roles. */
#include "kselftest_harness.h"
#include "lib.h"

#define SIG	"\xff\0\0\0\0\0\0\0\1\x7f"

/* a raw peer and an AF_ZMQ socket, one of them bound */
static int join(int fd, bool raw_listens)
{
	char ep[EP_LEN];
	int l, c;

	if (!raw_listens) {
		xbind_any(fd, ep);
		return raw_connect(ep);
	}
	l = raw_listen(ep);
	xconnect(fd, ep);
	c = raw_accept(l);
	xclose(l);
	return c;
}

FIXTURE(v) {
	int unused;
};

FIXTURE_VARIANT(v) {
	bool raw_listens;
};

FIXTURE_VARIANT_ADD(v, raw_connects) { false };
FIXTURE_VARIANT_ADD(v, raw_listens) { true };

FIXTURE_SETUP(v) {}

FIXTURE_TEARDOWN(v) {}

/* ours begins: ten octets at once, whoever the other side may be */
TEST_F(v, signature_comes_first)
{
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);
	unsigned char g[10];

	ASSERT_TRUE(raw_read(raw, g, 10));
	EXPECT_EQ(0xff, g[0]);
	EXPECT_EQ(0x7f, g[9]);
	EXPECT_TRUE(raw_open(raw));
}

/* step by step, each side waiting for the other */
TEST_F(v, v31_step_by_step)
{
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);
	char rest[53] = "\1NULL";
	unsigned char g[53];
	struct raw_frame f;

	ASSERT_TRUE(raw_read(raw, g, 10));
	raw_write(raw, SIG, 10);
	ASSERT_TRUE(raw_expect(raw, RAW_LIT("\3")));
	raw_write(raw, RAW_LIT("\3"));
	ASSERT_TRUE(raw_read(raw, g, 53));
	EXPECT_EQ(0, memcmp(g, rest, 21));
	raw_write(raw, rest, 53);
	raw_ready(raw, "PUSH", NULL, -1);
	ASSERT_TRUE(raw_read_frame(raw, &f));
	EXPECT_TRUE(raw_is_ready(&f, "PULL"));
	raw_write(raw, RAW_LIT("\0\5hello"));
	EXPECT_GOT(fd, "hello");
}

TEST_F(v, v31_everything_at_once)
{
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);

	raw_greeting(raw, 1);
	raw_ready(raw, "PUSH", NULL, -1);
	raw_write(raw, RAW_LIT("\1\1a\0\1b\0\0"));
	EXPECT_GOT(fd, "a", "b");
	EXPECT_GOT(fd, "");
}

TEST_F(v, v31_octet_by_octet)
{
	static const char tail[] =
		"\4\x1a\5READY\13Socket-Type\0\0\0\4PUSH"
		"\1\1a\0\1b"
		"\4\7\4PING\0\0"
		"\2\0\0\0\0\0\0\0\3xyz";
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);
	char all[64 + sizeof(tail) - 1] = SIG "\3\1NULL";
	size_t i;

	memcpy(all + 64, tail, sizeof(tail) - 1);
	for (i = 0; i < sizeof(all); i++)
		raw_write(raw, all + i, 1);
	EXPECT_GOT(fd, "a", "b");
	EXPECT_GOT(fd, "xyz");
}

/* metadata: type and identity ours and theirs */
TEST_F(v, ready_has_type_and_identity)
{
	int fd = xsocket(ZMQ_DEALER), raw;
	struct raw_frame f;

	xset_text(fd, ZMQ_ROUTING_ID, "itsme");
	raw = join(fd, variant->raw_listens);
	raw_greeting(raw, 1);
	ASSERT_TRUE(raw_read_greeting(raw));
	raw_ready(raw, "ROUTER", "", 0);
	ASSERT_TRUE(raw_read_frame(raw, &f));
	EXPECT_TRUE(raw_is_ready(&f, "DEALER"));
	EXPECT_NE(NULL, memmem(f.body, f.size,
			       RAW_LIT("\10Identity\0\0\0\5itsme")));
}

TEST_F(v, identity_is_the_routing_id)
{
	int fd = xsocket(ZMQ_ROUTER), raw = join(fd, variant->raw_listens);

	raw_greeting(raw, 1);
	raw_ready(raw, "DEALER", "rawid", 5);
	raw_write(raw, RAW_LIT("\0\1x"));
	EXPECT_GOT(fd, "rawid", "x");
	ASSERT_TRUE(raw_read_greeting(raw));
	struct raw_frame f;

	ASSERT_TRUE(raw_read_frame(raw, &f));
	xsendv(fd, "rawid", "back", NULL);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\4back")));
}

/* names of properties know no case; unknown ones are let pass */
TEST_F(v, metadata_variants)
{
	static const char data[] =
		"\13sOCKET-tYPE\0\0\0\6DEALER"
		"\7X-Magic\0\0\0\3abc"
		"\10IDENTITY\0\0\0\2ab";
	int fd = xsocket(ZMQ_ROUTER), raw = join(fd, variant->raw_listens);

	raw_greeting(raw, 1);
	raw_command(raw, "READY", data, sizeof(data) - 1);
	raw_write(raw, RAW_LIT("\0\1x"));
	EXPECT_GOT(fd, "ab", "x");
}

TEST_F(v, without_socket_type)
{
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);

	raw_greeting(raw, 1);
	raw_ready(raw, NULL, NULL, -1);
	raw_write(raw, RAW_LIT("\0\1x"));
	EXPECT_GOT(fd, "x");
}

TEST_F(v, ping_is_answered)
{
	static const char ctx[] = "0123456789abcdef";
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens), n;
	struct raw_frame f;
	char data[18] = { 0, 0 };

	ASSERT_TRUE(raw_handshake(raw, 1, "PUSH", "PULL"));
	for (n = 0; n <= 16; n++) {
		memcpy(data + 2, ctx, n);
		raw_command(raw, "PING", data, 2 + n);
		ASSERT_TRUE(raw_read_frame(raw, &f));
		EXPECT_EQ(4, f.flags);
		EXPECT_EQ(5U + n, f.size);
		EXPECT_EQ(0, memcmp(f.body, "\4PONG", 5));
		EXPECT_EQ(0, memcmp(f.body + 5, ctx, n));
	}
	raw_write(raw, RAW_LIT("\0\1x"));
	EXPECT_GOT(fd, "x");
}

/* also between the frames of a message */
TEST_F(v, ping_within_a_message)
{
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);

	ASSERT_TRUE(raw_handshake(raw, 1, "PUSH", "PULL"));
	raw_write(raw, RAW_LIT("\1\1a\4\7\4PING\0\0\0\1b"));
	EXPECT_GOT(fd, "a", "b");
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\5\4PONG")));
}

TEST_F(v, unknown_commands_are_ignored)
{
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);
	char big[1000] = { 0 };

	ASSERT_TRUE(raw_handshake(raw, 1, "PUSH", "PULL"));
	raw_command(raw, "NONSENSE", "abc", 3);
	raw_command(raw, "PONG", "", 0);
	raw_command(raw, "JOIN", "group", 5);
	raw_command(raw, "ping", "\0\0", 2);
	raw_command(raw, "X", big, sizeof(big));
	raw_write(raw, RAW_LIT("\0\1x"));
	EXPECT_GOT(fd, "x");
}

/* reserved flag bits and long sizes where short ones would do */
TEST_F(v, tolerances)
{
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);

	ASSERT_TRUE(raw_handshake(raw, 1, "PUSH", "PULL"));
	raw_write(raw, RAW_LIT("\xf8\1a"));
	raw_write(raw, RAW_LIT("\x81\1b\x40\1c"));
	raw_write(raw, RAW_LIT("\2\0\0\0\0\0\0\0\0"));
	raw_write(raw, RAW_LIT("\6\0\0\0\0\0\0\0\7\4PING\0\0"));
	EXPECT_GOT(fd, "a");
	EXPECT_GOT(fd, "b", "c");
	EXPECT_GOT(fd, "");
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\5\4PONG")));
}

/* majors 2 and above 3 are taken for 3.1 */
TEST_F(v, later_majors)
{
	static const int major[] = { 2, 4, 9, 255 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(major); i++) {
		int fd = xsocket(ZMQ_PULL);
		int raw = join(fd, variant->raw_listens);
		char g[64] = SIG "\3\1NULL";

		g[10] = major[i];
		raw_write(raw, g, 64);
		raw_ready(raw, "PUSH", NULL, -1);
		raw_write(raw, RAW_LIT("\0\1x"));
		EXPECT_GOT(fd, "x");
		xclose(raw);
		xclose(fd);
	}
}

TEST_F(v, v30)
{
	int fd = xsocket(ZMQ_PAIR), raw = join(fd, variant->raw_listens);

	ASSERT_TRUE(raw_handshake(raw, 0, "PAIR", "PAIR"));
	raw_write(raw, RAW_LIT("\1\1a\0\1b"));
	EXPECT_GOT(fd, "a", "b");
	xsendv(fd, "c", "", NULL);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\1\1c\0\0")));
}

/* to 3.0 a subscription is a message, to 3.1 a command */
TEST_F(v, subscription_forms)
{
	int sub, raw, minor;

	for (minor = 0; minor < 2; minor++) {
		sub = xsocket(ZMQ_SUB);
		xset_text(sub, ZMQ_SUBSCRIBE, "A");
		raw = join(sub, variant->raw_listens);
		ASSERT_TRUE(raw_handshake(raw, minor, "PUB", "SUB"));
		if (minor) {
			EXPECT_TRUE(raw_expect(raw,
					       RAW_LIT("\4\13\11SUBSCRIBEA")));
		} else {
			EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\2\1A")));
		}
		xset_text(sub, ZMQ_UNSUBSCRIBE, "A");
		if (minor) {
			EXPECT_TRUE(raw_expect(raw,
					       RAW_LIT("\4\10\6CANCELA")));
		} else {
			EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\2\0A")));
		}
		xclose(raw);
		xclose(sub);
	}
}

/* the boundary where a topic with its octet or name needs a long size */
TEST_F(v, long_topics)
{
	static const int len[] = { 244, 245, 246, 248, 254, 255, 256 };
	char topic[256];
	struct raw_frame f;
	int minor, sub, raw;
	size_t i;

	memset(topic, 't', sizeof(topic));
	for (minor = 0; minor < 2; minor++) {
		for (i = 0; i < ARRAY_SIZE(len); i++) {
			size_t head = minor ? 10 : 1;

			sub = xsocket(ZMQ_SUB);
			raw = join(sub, variant->raw_listens);
			ASSERT_TRUE(raw_handshake(raw, minor, "PUB", "SUB"));
			xset_bytes(sub, ZMQ_SUBSCRIBE, topic, len[i]);
			ASSERT_TRUE(raw_read_frame(raw, &f));
			EXPECT_EQ(head + len[i], f.size);
			EXPECT_EQ((minor ? 4 : 0) | (f.size > 255 ? 2 : 0),
				  f.flags);
			EXPECT_EQ(0, memcmp(f.body + head, topic, len[i]));
			xclose(raw);
			xclose(sub);
		}
	}
}

/* both forms are taken at both versions */
TEST_F(v, subscriptions_from_the_peer)
{
	int pub, raw, minor;

	for (minor = 0; minor < 2; minor++) {
		pub = xsocket(ZMQ_XPUB);
		raw = join(pub, variant->raw_listens);
		ASSERT_TRUE(raw_handshake(raw, minor, "SUB", "XPUB"));
		raw_write(raw, RAW_LIT("\0\2\1A"));
		EXPECT_GOT(pub, "\1A");
		raw_command(raw, "SUBSCRIBE", "B", 1);
		EXPECT_GOT(pub, "\1B");
		xsends(pub, "A1", 0);
		xsends(pub, "B1", 0);
		EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\2A1\0\2B1")));
		xclose(raw);
		xclose(pub);
	}
}

/*
 * ZMTP 2.0: signature, revision 1, socket type; then an identity frame each way
 */
static bool v2_greets(int raw, int type, const char *id)
{
	unsigned char g[12], n = strlen(id);

	if (!raw_read(raw, g, 10))
		return false;
	raw_write(raw, SIG "\1", 11);
	if (!raw_read(raw, g + 10, 2) || g[10] != 3)
		return false;
	raw_write(raw, &(char){ type }, 1);
	raw_frame(raw, 0, id, n);
	return true;
}

TEST_F(v, v20)
{
	int fd = xsocket(ZMQ_DEALER), raw = join(fd, variant->raw_listens);

	ASSERT_TRUE(v2_greets(raw, ZMQ_ROUTER, ""));
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\0")));	/* our identity */
	raw_write(raw, RAW_LIT("\1\1a\0\1b\2\0\0\0\0\0\0\0\1c"));
	EXPECT_GOT(fd, "a", "b");
	EXPECT_GOT(fd, "c");
	xsendv(fd, "d", "e", NULL);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\1\1d\0\1e")));
}

TEST_F(v, v20_tells_its_type)
{
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);
	unsigned char g[10];

	ASSERT_TRUE(raw_read(raw, g, 10));
	raw_write(raw, SIG "\1\10", 12);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\3\7")));
	raw_write(raw, RAW_LIT("\0\0"));
	raw_write(raw, RAW_LIT("\0\1x"));
	EXPECT_GOT(fd, "x");
}

TEST_F(v, v20_identity)
{
	int fd = xsocket(ZMQ_ROUTER), raw = join(fd, variant->raw_listens);

	ASSERT_TRUE(v2_greets(raw, ZMQ_DEALER, "old"));
	raw_write(raw, RAW_LIT("\0\1x"));
	EXPECT_GOT(fd, "old", "x");
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\0")));
	xsendv(fd, "old", "y", NULL);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\1y")));
}

TEST_F(v, v20_publishes)
{
	int pub = xsocket(ZMQ_PUB), raw = join(pub, variant->raw_listens);

	ASSERT_TRUE(v2_greets(raw, ZMQ_SUB, ""));
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\0")));
	raw_write(raw, RAW_LIT("\0\2\1A"));
	for (;;) {
		xsends(pub, "B", 0);
		xsends(pub, "A", 0);
		if (poll1(raw, POLLIN, 5))
			break;
	}
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\1A")));
}

TEST_F(v, v20_subscribes)
{
	int sub = xsocket(ZMQ_SUB), raw;

	xset_text(sub, ZMQ_SUBSCRIBE, "A");
	raw = join(sub, variant->raw_listens);
	ASSERT_TRUE(v2_greets(raw, ZMQ_PUB, ""));
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\0\0\2\1A")));
	raw_write(raw, RAW_LIT("\0\2A1"));
	EXPECT_GOT(sub, "A1");
}

/* revision 0: the greeting of 2.0 and the frames of 1.0 */
TEST_F(v, v10_versioned)
{
	int fd = xsocket(ZMQ_DEALER), raw = join(fd, variant->raw_listens);
	unsigned char g[10];

	ASSERT_TRUE(raw_read(raw, g, 10));
	raw_write(raw, SIG "\0\6", 12);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\3\5\1\0")));
	raw_write(raw, RAW_LIT("\1\0\2\1a\2\0b"));
	EXPECT_GOT(fd, "a", "b");
	xsendv(fd, "c", "", NULL);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\2\1c\1\0")));
}

/* ZMTP 1.0, unversioned: length (of flags and body), flags, body */
TEST_F(v, v10_push)
{
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);

	raw_write(raw, RAW_LIT("\1\0"));
	raw_write(raw, RAW_LIT("\6\0hello"));
	raw_write(raw, RAW_LIT("\2\1a\2\0b"));
	raw_write(raw, RAW_LIT("\xff\0\0\0\0\0\0\0\2\0c"));
	raw_write(raw, RAW_LIT("\1\0"));
	EXPECT_GOT(fd, "hello");
	EXPECT_GOT(fd, "a", "b");
	EXPECT_GOT(fd, "c");
	EXPECT_GOT(fd, "");
	EXPECT_TRUE(raw_expect(raw, SIG, 10));
}

/* the ten octets are the head of our identity, long form */
TEST_F(v, v10_is_answered)
{
	int fd = xsocket(ZMQ_DEALER), raw;

	xset_text(fd, ZMQ_ROUTING_ID, "abc");
	raw = join(fd, variant->raw_listens);
	raw_write(raw, RAW_LIT("\1\0"));
	EXPECT_TRUE(raw_expect(raw,
			       RAW_LIT("\xff\0\0\0\0\0\0\0\4\x7f" "abc")));
	xsendv(fd, "x", "yz", NULL);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\2\1x\3\0yz")));
}

TEST_F(v, v10_identity)
{
	int fd = xsocket(ZMQ_ROUTER), raw = join(fd, variant->raw_listens);

	raw_write(raw, RAW_LIT("\4\0old\2\0x"));
	EXPECT_GOT(fd, "old", "x");
	EXPECT_TRUE(raw_expect(raw, SIG, 10));
	xsendv(fd, "old", "y", NULL);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\2\0y")));
}

/* an identity in the long form: the last octet of ten is even */
TEST_F(v, v10_long_identity)
{
	int fd = xsocket(ZMQ_ROUTER), raw = join(fd, variant->raw_listens);

	raw_write(raw, RAW_LIT("\xff\0\0\0\0\0\0\0\3\0id\2\0x"));
	EXPECT_GOT(fd, "id", "x");
}

TEST_F(v, v10_octet_by_octet)
{
	static const char all[] = "\1\0\2\1a\2\0b\6\0hello";
	int fd = xsocket(ZMQ_PULL), raw = join(fd, variant->raw_listens);
	size_t i;

	for (i = 0; i < sizeof(all) - 1; i++)
		raw_write(raw, all + i, 1);
	EXPECT_GOT(fd, "a", "b");
	EXPECT_GOT(fd, "hello");
}

/* who cannot subscribe gets everything */
TEST_F(v, v10_subscriber_gets_all)
{
	int pub = xsocket(ZMQ_PUB), raw = join(pub, variant->raw_listens);

	raw_write(raw, RAW_LIT("\1\0"));
	ASSERT_TRUE(raw_expect(raw, SIG, 10));
	for (;;) {
		xsends(pub, "any", 0);
		if (poll1(raw, POLLIN, 5))
			break;
	}
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\0any")));
}

/* it is shown to an XPUB, and wakes one that waits */
TEST_F(v, v10_subscriber_is_shown)
{
	int pub = xsocket(ZMQ_XPUB), raw = join(pub, variant->raw_listens);

	raw_write(raw, RAW_LIT("\1\0"));
	EXPECT_TRUE(wait_ready(pub, POLLIN));
	EXPECT_GOT(pub, "\1");
	xsends(pub, "any", 0);
	EXPECT_TRUE(raw_expect(raw, SIG, 10));
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\4\0any")));
}

/* the longest short frame and the shortest long one */
TEST_F(v, v10_lengths)
{
	static const int len[] = { 252, 253, 254, 255, 256, 300 };
	int fd = xsocket(ZMQ_PAIR), raw = join(fd, variant->raw_listens);
	unsigned char buf[400], got[400];
	size_t i, n;

	raw_write(raw, RAW_LIT("\1\0"));
	ASSERT_TRUE(raw_expect(raw, SIG, 10));
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		fill(buf, len[i], i);
		xsend(fd, buf, len[i], 0);
		ASSERT_TRUE(raw_read(raw, got, 1));
		n = got[0];
		EXPECT_EQ(len[i] + 1 > 254, n == 0xff);
		if (n == 0xff) {
			ASSERT_TRUE(raw_read(raw, got, 8));
			n = got[6] << 8 | got[7];
		}
		EXPECT_EQ((size_t)len[i] + 1, n);
		ASSERT_TRUE(raw_read(raw, got, n));
		EXPECT_EQ(0, got[0]);
		EXPECT_TRUE(filled(got + 1, len[i], i));
	}
}

/* several at once on one port, each in its own version */
TEST(all_versions_together)
{
	int fd = xsocket(ZMQ_PULL), raw[4], i;
	char ep[EP_LEN];

	xbind_any(fd, ep);
	for (i = 0; i < 4; i++)
		raw[i] = raw_connect(ep);
	raw_write(raw[0], RAW_LIT("\1\0\2\0x"));
	ASSERT_TRUE(v2_greets(raw[1], ZMQ_PUSH, ""));
	raw_write(raw[1], RAW_LIT("\0\1x"));
	ASSERT_TRUE(raw_handshake(raw[2], 0, "PUSH", "PULL"));
	raw_write(raw[2], RAW_LIT("\0\1x"));
	ASSERT_TRUE(raw_handshake(raw[3], 1, "PUSH", "PULL"));
	raw_write(raw[3], RAW_LIT("\0\1x"));
	for (i = 0; i < 4; i++)
		EXPECT_GOT(fd, "x");
}

ZMQ_HARNESS_MAIN
