// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 150 */
/* tcp connections by way of a SOCKS5 proxy, which this test plays octet by octet. */
#include "kselftest_harness.h"
#include "lib.h"

#define DEST	"tcp://127.0.0.9:4660"		/* nobody needs to be there */
#define REQUEST	"\5\1\0\1\177\0\0\11\22\64"
#define OK	"\5\0\0\1\0\0\0\0\0\0"

FIXTURE(socks) {
	int fd, l;
	char proxy[EP_LEN];
};

FIXTURE_SETUP(socks)
{
	char ep[EP_LEN];

	own_netns();
	self->fd = xsocket(ZMQ_DEALER);
	self->l = raw_listen(ep);
	snprintf(self->proxy, sizeof(self->proxy), "127.0.0.1:%d", ep_port(ep));
	xset_text(self->fd, ZMQ_SOCKS_PROXY, self->proxy);
	xset(self->fd, ZMQ_RECONNECT_IVL, 10);
}

FIXTURE_TEARDOWN(socks)
{
	xclose(self->fd);
	close(self->l);
	EXPECT_EQ(0, mib("GaveUp"));
}

/* As proxy: accept, and go all the way to the destination, which is us, too. */
static int pass_through(int l)
{
	int c = raw_accept(l);

	KZ_CHECK(raw_expect(c, RAW_LIT("\5\1\0")));
	raw_write(c, RAW_LIT("\5\0"));
	KZ_CHECK(raw_expect(c, RAW_LIT(REQUEST)));
	raw_write(c, RAW_LIT(OK));
	return c;
}

static bool talks(int fd, int c)
{
	if (!raw_handshake(c, 1, "DEALER", "DEALER"))
		return false;
	xsends(fd, "out", 0);
	raw_frame(c, 0, "in", 2);
	return raw_expect(c, RAW_LIT("\0\3out")) &&
	       kz_got(__FILE__, __LINE__, fd, "in", (char *)NULL);
}

static bool option_is(int fd, int opt, const char *want)
{
	char buf[300];
	socklen_t len = sizeof(buf);

	return !getsockopt(fd, SOL_ZMQ, opt, buf, &len) &&
	       len == strlen(want) + 1 && !strcmp(buf, want);
}

TEST(options)
{
	static const char * const bad[] = {
		"x", "127.0.0.1", ":1080", "127.0.0.1:", "127.0.0.1:0", "*:1080",
		"127.0.0.1:*", "127.0.0.1:65536", "proxy.example:1080",
		"tcp://127.0.0.1:1080", "::1:x", "[::1:1080", "1.2.3:1",
	};
	static const char * const good[] = {
		"127.0.0.1:1080", "[::1]:1", "10.255.0.1:65535",
	};
	static const int names[] = { ZMQ_SOCKS_USERNAME, ZMQ_SOCKS_PASSWORD };
	int fd = xsocket(ZMQ_PUSH);
	char buf[300], small[4];
	socklen_t len = sizeof(small);
	unsigned int i;

	EXPECT_TRUE(option_is(fd, ZMQ_SOCKS_PROXY, ""));
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_OK(zset_text(fd, ZMQ_SOCKS_PROXY, good[i]));
		EXPECT_TRUE(option_is(fd, ZMQ_SOCKS_PROXY, good[i]));
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		EXPECT_EQ(-1, zset_text(fd, ZMQ_SOCKS_PROXY, bad[i])) {
			TH_LOG("%s", bad[i]);
		}
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_TRUE(option_is(fd, ZMQ_SOCKS_PROXY, good[2]));
	EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, ZMQ_SOCKS_PROXY, small,
				      &len));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_SOCKS_PROXY, BADPTR, 9));
	EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_SOCKS_PROXY, NULL, 0));
	EXPECT_TRUE(option_is(fd, ZMQ_SOCKS_PROXY, ""));
	memset(buf, 'u', sizeof(buf));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(option_is(fd, names[i], ""));
		EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, names[i], buf, 256));
		EXPECT_OK(setsockopt(fd, SOL_ZMQ, names[i], buf, 255));
		EXPECT_OK(zset_text(fd, names[i], "me"));
		EXPECT_TRUE(option_is(fd, names[i], "me"));
		EXPECT_OK(setsockopt(fd, SOL_ZMQ, names[i], NULL, 0));
		EXPECT_TRUE(option_is(fd, names[i], ""));
	}
	xclose(fd);
}

TEST_F(socks, ipv4)
{
	int c;

	xconnect(self->fd, DEST);
	c = pass_through(self->l);
	EXPECT_TRUE(talks(self->fd, c));
	/* and again, when it is lost */
	close(c);
	c = pass_through(self->l);
	EXPECT_TRUE(talks(self->fd, c));
	close(c);
	EXPECT_EQ(0, mib("ProxyFailures"));
}

TEST_F(socks, ipv6)
{
	int c;

	xconnect(self->fd, "tcp://[2001:db8::5]:4660");
	c = raw_accept(self->l);
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0")));
	raw_write(c, RAW_LIT("\5\0"));
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\5\22\64")));
	raw_write(c, RAW_LIT("\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\1"));
	EXPECT_TRUE(talks(self->fd, c));
	close(c);
	EXPECT_ERR(EINVAL, zconnect(self->fd, "tcp://[fe80::1%lo]:4660"));
}

/* a name is for the proxy to look up */
TEST_F(socks, names)
{
	char name[80] = "tcp://";
	int c, other = xsocket(ZMQ_DEALER);

	EXPECT_ERR(EINVAL, zconnect(other, "tcp://some.host:4660"));
	xconnect(self->fd, "tcp://some.host:4660");
	c = raw_accept(self->l);
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0")));
	raw_write(c, RAW_LIT("\5\0"));
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0\3\11some.host\22\64")));
	raw_write(c, RAW_LIT("\5\0\0\3\4addr\1\1"));
	EXPECT_TRUE(talks(self->fd, c));
	close(c);
	/* as long as an endpoint can carry them */
	memset(name + 6, 'n', 64);
	strcpy(name + 70, ":1");
	EXPECT_ERR(EINVAL, zconnect(self->fd, name));
	xclose(other);
}

TEST_F(socks, user_and_password)
{
	static char user[255], pass[255];
	unsigned char got[513];
	int c;

	xset_text(self->fd, ZMQ_SOCKS_USERNAME, "me");
	xset_text(self->fd, ZMQ_SOCKS_PASSWORD, "secret");
	xconnect(self->fd, DEST);
	c = raw_accept(self->l);
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\2")));
	raw_write(c, RAW_LIT("\5\2"));
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\1\2me\6secret")));
	/* not yet the request */
	EXPECT_TRUE(raw_open(c));
	raw_write(c, RAW_LIT("\1\0"));
	ASSERT_TRUE(raw_expect(c, RAW_LIT(REQUEST)));
	raw_write(c, RAW_LIT(OK));
	EXPECT_TRUE(talks(self->fd, c));
	xdisconnect(self->fd, DEST);
	EXPECT_TRUE(raw_closed(c));
	close(c);
	/* as long as they may be */
	memset(user, 'u', sizeof(user));
	memset(pass, 'p', sizeof(pass));
	xset_bytes(self->fd, ZMQ_SOCKS_USERNAME, user, sizeof(user));
	xset_bytes(self->fd, ZMQ_SOCKS_PASSWORD, pass, sizeof(pass));
	xconnect(self->fd, DEST);
	c = raw_accept(self->l);
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\2")));
	raw_write(c, RAW_LIT("\5\2"));
	ASSERT_TRUE(raw_read(c, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(got, "\1\xff", 2));
	EXPECT_EQ(0, memcmp(got + 2, user, 255));
	EXPECT_EQ(0xff, got[257]);
	EXPECT_EQ(0, memcmp(got + 258, pass, 255));
	raw_write(c, RAW_LIT("\1\0"));
	EXPECT_TRUE(raw_expect(c, RAW_LIT(REQUEST)));
	close(c);
}

TEST_F(socks, no_password)
{
	int c;

	xset_text(self->fd, ZMQ_SOCKS_USERNAME, "me");
	xconnect(self->fd, DEST);
	c = raw_accept(self->l);
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\2")));
	raw_write(c, RAW_LIT("\5\2"));
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\1\2me\0")));
	/* refused: it tries again */
	raw_write(c, RAW_LIT("\1\1"));
	EXPECT_TRUE(raw_closed(c));
	close(c);
	c = raw_accept(self->l);
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\5\1\2")));
	close(c);
	EXPECT_LE(1, mib("ProxyFailures"));
}

/* a password alone is nothing */
TEST_F(socks, no_user)
{
	int c;

	xset_text(self->fd, ZMQ_SOCKS_PASSWORD, "secret");
	xconnect(self->fd, DEST);
	c = pass_through(self->l);
	EXPECT_TRUE(talks(self->fd, c));
	close(c);
}

static void slowly(int c, const char *p, size_t n)
{
	while (n--) {
		raw_write(c, p++, 1);
		poll1(-1, 0, 2);
	}
}

TEST_F(socks, octet_by_octet)
{
	int c;

	xconnect(self->fd, DEST);
	c = raw_accept(self->l);
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0")));
	slowly(c, RAW_LIT("\5\0"));
	ASSERT_TRUE(raw_expect(c, RAW_LIT(REQUEST)));
	slowly(c, RAW_LIT("\5\0\0\3\7address\1\1"));
	EXPECT_TRUE(talks(self->fd, c));
	close(c);
}

/* the destination's greeting right behind the proxy's last octet */
TEST_F(socks, all_at_once)
{
	char last[10 + 64] = OK "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL";
	struct raw_frame f;
	int c;

	memcpy(last, OK, 10);
	xconnect(self->fd, DEST);
	c = raw_accept(self->l);
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0")));
	raw_write(c, RAW_LIT("\5\0"));
	ASSERT_TRUE(raw_expect(c, RAW_LIT(REQUEST)));
	raw_write(c, last, sizeof(last));
	ASSERT_TRUE(raw_read_greeting(c));
	raw_ready(c, "DEALER", "", 0);
	ASSERT_TRUE(raw_read_frame(c, &f));
	EXPECT_TRUE(raw_is_ready(&f, "DEALER"));
	raw_frame(c, 0, "in", 2);
	EXPECT_GOT(self->fd, "in");
	close(c);
}

#define ANSWER(s)	{ s, sizeof(s) - 1 }

/* Wrong in every octet: the connection ends at once, and there is another try. */
TEST_F(socks, nonsense)
{
	static const struct {
		const char *p;
		size_t n;
	} method[] = {
		ANSWER("\4"), ANSWER("\0\0"), ANSWER("\5\1"), ANSWER("\5\2"),
		ANSWER("\5\377"), ANSWER("HTTP/1.0 400 Bad Request\r\n\r\n"),
		ANSWER("\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL"),
	}, reply[] = {
		ANSWER("\4"), ANSWER("\0\0\0\1\0\0\0\0\0\0"), ANSWER("\5\1"),
		ANSWER("\5\2\0\1\0\0\0\0\0\0"), ANSWER("\5\10"),
		ANSWER("\5\377"), ANSWER("\5\0\1"), ANSWER("\5\0\0\0"),
		ANSWER("\5\0\0\2"), ANSWER("\5\0\0\5"), ANSWER("\5\0\0\377"),
		ANSWER("\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL"),
	};
	size_t i;
	int c;

	xconnect(self->fd, DEST);
	for (i = 0; i < ARRAY_SIZE(method); i++) {
		c = raw_accept(self->l);
		ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0")));
		raw_write(c, method[i].p, method[i].n);
		EXPECT_TRUE(raw_closed(c)) {
			TH_LOG("method %zu", i);
		}
		close(c);
	}
	for (i = 0; i < ARRAY_SIZE(reply); i++) {
		c = raw_accept(self->l);
		ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0")));
		raw_write(c, RAW_LIT("\5\0"));
		ASSERT_TRUE(raw_expect(c, RAW_LIT(REQUEST)));
		raw_write(c, reply[i].p, reply[i].n);
		EXPECT_TRUE(raw_closed(c)) {
			TH_LOG("reply %zu", i);
		}
		close(c);
	}
	EXPECT_EQ((long)(ARRAY_SIZE(method) + ARRAY_SIZE(reply)),
		  mib("ProxyFailures"));
	c = pass_through(self->l);
	EXPECT_TRUE(talks(self->fd, c));
	close(c);
}

/* it goes in the middle: another try, whatever was said before */
TEST_F(socks, the_proxy_goes)
{
	static const char answers[] = "\5\0" OK;
	size_t i;
	int c;

	xconnect(self->fd, DEST);
	for (i = 0; i < 12; i++) {
		c = raw_accept(self->l);
		ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0")));
		raw_write(c, answers, i < 2 ? i : 2);
		if (i >= 2) {
			ASSERT_TRUE(raw_expect(c, RAW_LIT(REQUEST)));
			raw_write(c, answers + 2, i - 2);
		}
		close(c);
	}
	c = pass_through(self->l);
	EXPECT_TRUE(talks(self->fd, c));
	close(c);
}

/*
 * it says nothing more: HANDSHAKE_IVL ends that, now and then before a slow
 * machine has sent even the first octets
 */
TEST_F(socks, silence)
{
	static const char answers[] = "\5\0" OK;
	long before = mib("HandshakeTimeouts");
	char hello[3];
	size_t i = 0;
	int c;

	xset(self->fd, ZMQ_HANDSHAKE_IVL, kz_ms(200));
	xconnect(self->fd, DEST);
	while (i < 4) {
		c = raw_accept(self->l);
		if (!raw_read(c, hello, 3)) {
			close(c);
			continue;
		}
		ASSERT_EQ(0, memcmp(hello, "\5\1\0", 3));
		raw_try_write(c, answers, i < 2 ? i : 2);
		if (i >= 2)
			raw_try_write(c, answers + 2, i - 2);
		EXPECT_TRUE(raw_closed(c));
		close(c);
		i++;
	}
	EXPECT_LE(before + 4, mib("HandshakeTimeouts"));
}

/* disconnect and close in each step */
TEST_F(socks, we_go)
{
	int step, how, c, fd;

	for (how = 0; how < 2; how++) {
		for (step = 0; step < 4; step++) {
			fd = xsocket(ZMQ_DEALER);
			xset_text(fd, ZMQ_SOCKS_PROXY, self->proxy);
			xconnect(fd, DEST);
			c = raw_accept(self->l);
			KZ_CHECK(raw_expect(c, RAW_LIT("\5\1\0")));
			if (step > 0)
				raw_write(c, RAW_LIT("\5"));
			if (step > 1) {
				raw_write(c, RAW_LIT("\0"));
				KZ_CHECK(raw_expect(c, RAW_LIT(REQUEST)));
			}
			if (step > 2)
				raw_write(c, RAW_LIT("\5\0\0\1\0"));
			if (how)
				xdisconnect(fd, DEST);
			else
				xclose(fd);
			EXPECT_TRUE(raw_closed(c));
			close(c);
			if (how)
				xclose(fd);
		}
	}
}

/* what was sent before goes through when it is there at last, even after close */
TEST_F(socks, late_proxy)
{
	int c, fd = zsocket(ZMQ_DEALER), port = atoi(strrchr(self->proxy, ':') + 1);

	close(self->l);
	xset_text(fd, ZMQ_SOCKS_PROXY, self->proxy);
	xset(fd, ZMQ_RECONNECT_IVL, 20);
	xset(fd, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	xconnect(fd, DEST);
	xsends(fd, "last words", 0);
	xclose(fd);
	self->l = raw_listen_port(port);
	c = pass_through(self->l);
	ASSERT_TRUE(raw_handshake(c, 1, "DEALER", "DEALER"));
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\012last words")));
	EXPECT_TRUE(raw_closed(c));
	close(c);
}

TEST_F(socks, stream)
{
	int fd = xsocket(ZMQ_STREAM), c;
	char id[8];

	xset_text(fd, ZMQ_SOCKS_PROXY, self->proxy);
	xset(fd, ZMQ_STREAM_NOTIFY, 0);
	xconnect(fd, DEST);
	c = pass_through(self->l);
	raw_write(c, "bare octets", 11);
	EXPECT_EQ(5, recv(fd, id, sizeof(id), 0));
	EXPECT_GOT(fd, "bare octets");
	close(c);
	xclose(fd);
}

/* binding and other transports have no use for it */
TEST_F(socks, tcp_connect_only)
{
	int peer = xsocket(ZMQ_DEALER);
	char ep[EP_LEN];

	xbind_any(self->fd, ep);
	xconnect(peer, ep);
	xsends(peer, "tcp", 0);
	EXPECT_GOT(self->fd, "tcp");
	xbind(peer, "ipc://@socks");
	xconnect(self->fd, "ipc://@socks");
	xsends(peer, "tcp or ipc", 0);
	EXPECT_GOT(self->fd, "tcp or ipc");
	xclose(peer);
}

ZMQ_HARNESS_MAIN
