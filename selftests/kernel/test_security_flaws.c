// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/*
 * Flaws that reading libzmq has shown: each named after what our sockets do
 * instead. The holes that others have found are in test_security.c.
 */
#include "kselftest_harness.h"
#include "libscene.h"

#include <sys/resource.h>

/* a PING without all of its TTL gets no PONG, least one with stale octets */
TEST(short_ping_gets_no_pong)
{
	static const char cut[][8] = { "\4\5\4PING", "\4\6\4PING\0" };
	struct scene s;
	char c;
	int raw, i;

	set_scene(&s, ZMQ_PULL, ZMQ_PUSH);
	for (i = 0; i < 2; i++) {
		raw = raw_peer(s.ep, "PUSH", "PULL");
		raw_write(raw, cut[i], 7 + i);
		EXPECT_GE(0, recv(raw, &c, 1, 0));
		EXPECT_NE(EAGAIN, errno);
		xclose(raw);
	}
	EXPECT_EQ(0, mib("PongsSent"));
	EXPECT_TRUE(pull_lives(&s));
	end_scene(&s);
}

/* a context longer than the protocol's 16 octets is cut, not read beyond */
TEST(long_ping_is_cut)
{
	char data[2 + 200] = { 0 };
	struct raw_frame f;
	struct scene s;
	int raw;

	set_scene(&s, ZMQ_PULL, ZMQ_PUSH);
	raw = raw_peer(s.ep, "PUSH", "PULL");
	fill(data + 2, 200, 1);
	raw_command(raw, "PING", data, sizeof(data));
	ASSERT_TRUE(raw_read_frame(raw, &f));
	EXPECT_EQ(5U + 16, f.size);
	EXPECT_EQ(0, memcmp(f.body, "\4PONG", 5));
	EXPECT_EQ(0, memcmp(f.body + 5, data + 2, 16));
	xclose(raw);
	end_scene(&s);
}

/*
 * TTLs that are tiny when multiplied in 16 bits: 656 tenths become 64 ms there.
 * The connection has to live.
 */
TEST(ping_ttl_does_not_wrap)
{
	static const unsigned int ttl[] = { 656, 1311, 6554, 65535 };
	struct scene s;
	char data[2];
	int raw[4], i;

	set_scene(&s, ZMQ_PULL, ZMQ_PUSH);
	for (i = 0; i < 4; i++) {
		raw[i] = raw_peer(s.ep, "PUSH", "PULL");
		data[0] = ttl[i] >> 8;
		data[1] = ttl[i];
		raw_command(raw[i], "PING", data, 2);
		EXPECT_TRUE(raw_expect(raw[i], RAW_LIT("\4\5\4PONG")));
	}
	EXPECT_EQ(0, poll1(raw[0], POLLIN, kz_ms(400)));
	for (i = 0; i < 4; i++) {
		EXPECT_TRUE(raw_open(raw[i]));
		raw_write(raw[i], RAW_LIT("\0\1x"));
		EXPECT_GOT(s.fd, "x");
		xclose(raw[i]);
	}
	end_scene(&s);
}

/*
 * To a 3.0 peer a topic goes as a message with an octet in front. One of 255
 * makes 256, which a size of one octet cannot tell: what comes next must still
 * be a frame.
 */
TEST(topic_of_255_to_a_3_0_peer)
{
	int sub, l, raw, len;
	char topic[256], ep[EP_LEN];
	struct raw_frame f;

	own_netns();
	memset(topic, 't', sizeof(topic));
	l = raw_listen(ep);
	for (len = 253; len <= 256; len++) {
		sub = xsocket(ZMQ_SUB);
		xset_bytes(sub, ZMQ_SUBSCRIBE, topic, len);
		xconnect(sub, ep);
		raw = raw_accept(l);
		ASSERT_TRUE(raw_handshake(raw, 0, "PUB", "SUB"));
		ASSERT_TRUE(raw_read_frame(raw, &f));
		EXPECT_EQ(1U + len, f.size);
		EXPECT_EQ(len < 255 ? 0 : 2, f.flags);
		EXPECT_EQ(1, f.body[0]);
		EXPECT_EQ(0, memcmp(f.body + 1, topic, len));
		xset_text(sub, ZMQ_SUBSCRIBE, "next");
		EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\5\1next")));
		xclose(raw);
		xclose(sub);
	}
	xclose(l);
}

/*
 * A process at its limit of open files: libzmq's listener asserted when
 * accept() told so. Connections take no descriptor here, they come in.
 */
TEST(accept_without_descriptors)
{
	struct rlimit lim, tight;
	int fd, push, extra[3], i;
	char ep[EP_LEN];
	pid_t pid;

	own_netns();
	fd = xsocket(ZMQ_PULL);
	xbind_any(fd, ep);
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &lim));
	pid = fork();
	if (!pid) {
		/* wait until the parent has none left */
		raise(SIGSTOP);
		for (i = 0; i < 3; i++)
			extra[i] = raw_peer(ep, "PUSH", "PULL");
		push = xsocket(ZMQ_PUSH);
		xset(push, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
		xconnect(push, ep);
		for (i = 0; i < 3; i++)
			raw_write(extra[i], RAW_LIT("\0\2in"));
		xsends(push, "in", 0);
		xclose(push);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &i, WUNTRACED));
	tight = lim;
	tight.rlim_cur = 3;
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &tight));
	EXPECT_ERR(EMFILE, dup(fd));
	kill(pid, SIGCONT);
	for (i = 0; i < 4; i++)
		EXPECT_GOT(fd, "in");
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &lim));
	EXPECT_EQ(0, mib("AcceptFailures"));
	ASSERT_TRUE(wait_exit(pid, &i, KZ_WAIT_MS));
	EXPECT_EQ(0, i);
	xclose(fd);
}

/*
 * libzmq takes whatever is as long as an int for an int, so some options of
 * text or octets refused values of four. Here the length of none matters.
 */
TEST(values_of_four_octets)
{
	char ep[EP_LEN], got[8];
	socklen_t len = sizeof(got);
	int fd, raw, sub;

	own_netns();
	fd = xsocket(ZMQ_XPUB);
	EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_XPUB_WELCOME_MSG, "four", 4));
	xbind_any(fd, ep);
	raw = raw_peer(ep, "SUB", "XPUB");
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\4four")));
	sub = xsocket(ZMQ_SUB);
	EXPECT_OK(setsockopt(sub, SOL_ZMQ, ZMQ_SUBSCRIBE, "four", 4));
	EXPECT_OK(setsockopt(sub, SOL_ZMQ, ZMQ_UNSUBSCRIBE, "four", 4));
	xclose(sub);
	xclose(raw);
	xclose(fd);
	fd = xsocket(ZMQ_ROUTER);
	EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_ROUTING_ID, "four", 4));
	EXPECT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_ROUTING_ID, got, &len));
	EXPECT_EQ(4, len);
	EXPECT_EQ(0, memcmp(got, "four", 4));
	EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_CONNECT_ROUTING_ID, "four", 4));
	xclose(fd);
	/* four octets of properties in a READY: one without name or value */
	fd = xsocket(ZMQ_PULL);
	xbind_any(fd, ep);
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	raw_command(raw, "READY", "\0\0\0\0", 4);
	EXPECT_TRUE(raw_closed(raw));
	EXPECT_EQ(1, mib("BadMetadata"));
	xclose(raw);
	xclose(fd);
}

static bool write_only(int opt)
{
	switch (opt) {
	case ZMQ_IPC_FILTER_PID:
	case ZMQ_IPC_FILTER_UID:
	case ZMQ_IPC_FILTER_GID:
	case ZMQ_HELLO_MSG:
	case ZMQ_DISCONNECT_MSG:
	case ZMQ_HICCUP_MSG:
		return true;
	}
	return false;
}

/*
 * libzmq's BUSY_POLL can be set but not be read. What is an option of every
 * socket can be both here, unless libzmq too lets nobody read it, and what is
 * none can be neither.
 */
TEST(what_can_be_set_can_be_read)
{
	static const int none[] = { 63, 95, 299 };
	int fd, opt, n = 0;
	char val[300];
	socklen_t len;

	own_netns();
	fd = xsocket(ZMQ_PULL);
	for (opt = 0; opt < 300; opt++) {
		if (zset(fd, opt, 1))
			continue;
		len = sizeof(val);
		EXPECT_EQ(write_only(opt) ? -1 : 0,
			  getsockopt(fd, SOL_ZMQ, opt, val, &len)) {
			TH_LOG("option %d", opt);
		}
		n++;
	}
	EXPECT_LE(15, n);
	for (n = 0; n < 3; n++) {
		EXPECT_ERR(EINVAL, zset(fd, none[n], 1));
		len = sizeof(val);
		EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, none[n], val, &len));
	}
	xclose(fd);
}

ZMQ_HARNESS_MAIN
