// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* STREAM: plain TCP peers, each with an id. */
#include "kselftest_harness.h"
#include "lib.h"

struct id {
	char b[5];
};

static bool stream_id(int fd, struct id *id)
{
	char buf[300];
	bool eor;
	ssize_t n = zrecv(fd, buf, sizeof(buf), 0, &eor);

	if (n == 5 && !eor) {
		memcpy(id->b, buf, 5);
		return true;
	}
	fprintf(stderr, "# no id frame but %zd octets, %s\n", n,
		n < 0 ? strerror(errno) : "");
	return false;
}

/* the octets of one peer, however they are cut */
static bool stream_data(int fd, const struct id *id, const void *want,
			size_t len)
{
	char buf[65536];
	struct id from;
	size_t at = 0;
	ssize_t n;
	bool eor;

	while (at < len) {
		if (!stream_id(fd, &from) || memcmp(&from, id, 5))
			return false;
		n = zrecv(fd, buf, sizeof(buf), 0, &eor);
		if (n <= 0 || !eor || at + n > len)
			return false;
		if (memcmp(buf, (const char *)want + at, n))
			return false;
		at += n;
	}
	return true;
}

static bool stream_notice(int fd, struct id *id)
{
	char buf[16];
	bool eor;

	return stream_id(fd, id) && zrecv(fd, buf, sizeof(buf), 0, &eor) == 0 &&
	       eor;
}

FIXTURE(st) {
	int fd, raw;
	struct id id;
	char ep[EP_LEN];
};

FIXTURE_VARIANT(st) {
	bool client;
};

FIXTURE_VARIANT_ADD(st, server) { false };
FIXTURE_VARIANT_ADD(st, client) { true };

FIXTURE_SETUP(st)
{
	self->fd = xsocket(ZMQ_STREAM);
	if (variant->client) {
		int l = raw_listen(self->ep);

		xset(self->fd, ZMQ_RECONNECT_IVL, -1);
		xconnect(self->fd, self->ep);
		self->raw = raw_accept(l);
		xclose(l);
	} else {
		xbind_any(self->fd, self->ep);
		self->raw = raw_connect(self->ep);
	}
	ASSERT_TRUE(stream_notice(self->fd, &self->id));
}

FIXTURE_TEARDOWN(st)
{
	xclose(self->fd);
	if (self->raw >= 0)
		xclose(self->raw);
}

TEST_F(st, there_and_back)
{
	raw_write(self->raw, RAW_LIT("GET / HTTP/1.0\r\n\r\n"));
	EXPECT_TRUE(stream_data(self->fd, &self->id,
				RAW_LIT("GET / HTTP/1.0\r\n\r\n")));
	xsend(self->fd, self->id.b, 5, MSG_MORE);
	xsends(self->fd, "HTTP/1.0 200 OK", 0);
	EXPECT_TRUE(raw_expect(self->raw, RAW_LIT("HTTP/1.0 200 OK")));
}

TEST_F(st, no_greeting_is_sent)
{
	EXPECT_TRUE(raw_open(self->raw));
}

TEST_F(st, zmtp_bytes_are_just_bytes)
{
	static const char greeting[] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL";

	raw_write(self->raw, greeting, sizeof(greeting));
	EXPECT_TRUE(stream_data(self->fd, &self->id, greeting,
				sizeof(greeting)));
}

TEST_F(st, peer_closes)
{
	struct id id;

	raw_write(self->raw, RAW_LIT("bye"));
	xclose(self->raw);
	self->raw = -1;
	EXPECT_TRUE(stream_data(self->fd, &self->id, RAW_LIT("bye")));
	ASSERT_TRUE(stream_notice(self->fd, &id));
	EXPECT_EQ(0, memcmp(&id, &self->id, 5));
	EXPECT_ERR(EHOSTUNREACH, send(self->fd, self->id.b, 5, MSG_MORE));
}

/* who has read the notice finds the id gone, every time */
TEST_F(st, notice_comes_with_the_end)
{
	struct id id;
	int i, l, raw;
	char ep[EP_LEN];

	l = raw_listen(ep);
	for (i = 0; i < 100; i++) {
		if (variant->client) {
			xconnect(self->fd, ep);
			raw = raw_accept(l);
		} else {
			raw = raw_connect(self->ep);
		}
		ASSERT_TRUE(stream_notice(self->fd, &id));
		xclose(raw);
		ASSERT_TRUE(stream_notice(self->fd, &id));
		EXPECT_ERR(EHOSTUNREACH,
			   send(self->fd, id.b, 5, MSG_MORE));
	}
	xclose(l);
}

/* an empty frame ends the connection, after what was sent before it */
TEST_F(st, close_by_empty_frame)
{
	xsend(self->fd, self->id.b, 5, MSG_MORE);
	xsends(self->fd, "last words", 0);
	xsend(self->fd, self->id.b, 5, MSG_MORE);
	xsends(self->fd, "", 0);
	EXPECT_TRUE(raw_expect(self->raw, RAW_LIT("last words")));
	EXPECT_TRUE(raw_closed(self->raw));
}

TEST_F(st, unknown_id)
{
	static const char bad[5] = "\0\xff\xff\xff\xff";

	EXPECT_ERR(EHOSTUNREACH, send(self->fd, bad, 5, MSG_MORE));
	EXPECT_ERR(EHOSTUNREACH, send(self->fd, "", 0, MSG_MORE));
	EXPECT_ERR(EHOSTUNREACH, send(self->fd, "abcdefgh", 8, MSG_MORE));
	xsend(self->fd, self->id.b, 5, MSG_MORE);
	xsends(self->fd, "fine", 0);
	EXPECT_TRUE(raw_expect(self->raw, RAW_LIT("fine")));
}

TEST_F(st, much)
{
	char *buf = malloc(1000000);
	size_t at;

	fill(buf, 1000000, 4);
	for (at = 0; at < 1000000; at += 50000) {
		raw_write(self->raw, buf + at, 50000);
		EXPECT_TRUE(stream_data(self->fd, &self->id, buf + at, 50000));
	}
	for (at = 0; at < 1000000; at += 50000) {
		xsend(self->fd, self->id.b, 5, MSG_MORE);
		xsend(self->fd, buf + at, 50000, 0);
	}
	for (at = 0; at < 1000000; at += 2000)
		ASSERT_TRUE(raw_expect(self->raw, buf + at, 2000));
	free(buf);
}

TEST(several_peers)
{
	int fd = xsocket(ZMQ_STREAM), raw[3], i;
	struct id id[3];
	char ep[EP_LEN], c;

	xbind_any(fd, ep);
	for (i = 0; i < 3; i++) {
		raw[i] = raw_connect(ep);
		ASSERT_TRUE(stream_notice(fd, &id[i]));
		EXPECT_EQ(0, id[i].b[0]);
	}
	for (i = 0; i < 3; i++) {
		c = '0' + i;
		raw_write(raw[i], &c, 1);
		EXPECT_TRUE(stream_data(fd, &id[i], &c, 1));
	}
	for (i = 2; i >= 0; i--) {
		c = 'a' + i;
		xsend(fd, id[i].b, 5, MSG_MORE);
		xsend(fd, &c, 1, 0);
	}
	for (i = 0; i < 3; i++) {
		c = 'a' + i;
		EXPECT_TRUE(raw_expect(raw[i], &c, 1));
	}
}

TEST(without_notices)
{
	int fd = xsocket(ZMQ_STREAM), raw;
	char ep[EP_LEN];
	struct id id;

	xset(fd, ZMQ_STREAM_NOTIFY, 0);
	xbind_any(fd, ep);
	raw = raw_connect(ep);
	raw_write(raw, RAW_LIT("x"));
	ASSERT_TRUE(stream_id(fd, &id));
	EXPECT_GOT(fd, "x");
	xclose(raw);
	EXPECT_QUIET(fd);
}

TEST(chosen_id)
{
	int fd = xsocket(ZMQ_STREAM), l, c;
	char ep[EP_LEN];

	l = raw_listen(ep);
	xset_text(fd, ZMQ_CONNECT_ROUTING_ID, "web");
	xconnect(fd, ep);
	c = raw_accept(l);
	EXPECT_GOT(fd, "web", "");
	xsendv(fd, "web", "hello", NULL);
	EXPECT_TRUE(raw_expect(c, RAW_LIT("hello")));
}

/* all that stands behind the id is sent, and no more than that */
TEST_F(st, frames_behind_the_id)
{
	xsend(self->fd, self->id.b, 5, MSG_MORE);
	xsendv(self->fd, "a", "", "bc", "", NULL);
	xsend(self->fd, self->id.b, 5, MSG_MORE);
	xsendv(self->fd, "", "d", NULL);
	EXPECT_TRUE(raw_expect(self->raw, RAW_LIT("abcd")));
	EXPECT_TRUE(raw_open(self->raw));
	/* an id alone is nothing */
	xsend(self->fd, self->id.b, 5, 0);
	xsend(self->fd, self->id.b, 5, MSG_MORE);
	xsends(self->fd, "e", 0);
	EXPECT_TRUE(raw_expect(self->raw, RAW_LIT("e")));
	/* nor are many empty frames more than one */
	xsend(self->fd, self->id.b, 5, MSG_MORE);
	xsendv(self->fd, "", "", NULL);
	EXPECT_TRUE(raw_closed(self->raw));
}

/* ZMQ_ROUTING_ID of the socket is that of who has come last */
TEST(newest_peer)
{
	int fd = xsocket(ZMQ_STREAM), raw[3], i;
	char ep[EP_LEN], id[256];
	struct id came;
	socklen_t len;

	xset_text(fd, ZMQ_ROUTING_ID, "whatever");
	xbind_any(fd, ep);
	for (i = 0; i < 3; i++) {
		raw[i] = raw_connect(ep);
		ASSERT_TRUE(stream_notice(fd, &came));
		len = sizeof(id);
		ASSERT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_ROUTING_ID, id, &len));
		EXPECT_EQ(5, len);
		EXPECT_EQ(0, memcmp(id, came.b, 5));
	}
	for (i = 0; i < 3; i++)
		xclose(raw[i]);
}

/* STREAM talks to STREAM as to anybody */
TEST(stream_to_stream)
{
	int a = xsocket(ZMQ_STREAM), b = xsocket(ZMQ_STREAM);
	struct id ia, ib;
	char ep[EP_LEN];

	xbind_any(a, ep);
	xconnect(b, ep);
	ASSERT_TRUE(stream_notice(a, &ia));
	ASSERT_TRUE(stream_notice(b, &ib));
	xsend(a, ia.b, 5, MSG_MORE);
	xsends(a, "ping", 0);
	EXPECT_TRUE(stream_data(b, &ib, RAW_LIT("ping")));
}

/* a hand-made ZMTP handshake through STREAM with a PULL socket */
TEST(speaks_zmtp_by_hand)
{
	static const char old_push[] = "\1\0\6\0hello";
	int pull = xsocket(ZMQ_PULL), fd = xsocket(ZMQ_STREAM);
	struct id id;
	char ep[EP_LEN];

	xbind_any(pull, ep);
	xconnect(fd, ep);
	ASSERT_TRUE(stream_notice(fd, &id));
	xsend(fd, id.b, 5, MSG_MORE);
	xsend(fd, old_push, sizeof(old_push) - 1, 0);
	EXPECT_GOT(pull, "hello");
}

ZMQ_HARNESS_MAIN
