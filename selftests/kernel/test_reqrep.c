// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* REQ and REP: the strict order, envelopes, what breaks them. */
#include "kselftest_harness.h"
#include "lib.h"

FIXTURE(rr) {
	int rep, req;
};

FIXTURE_SETUP(rr)
{
	int fd[2];

	xpair(ZMQ_REP, ZMQ_REQ, fd);
	self->rep = fd[0];
	self->req = fd[1];
}

FIXTURE_TEARDOWN(rr)
{
	xclose(self->rep);
	xclose(self->req);
}

TEST_F(rr, echo)
{
	int i;

	for (i = 0; i < 50; i++) {
		xsends(self->req, "question", 0);
		ASSERT_GOT(self->rep, "question");
		xsends(self->rep, "answer", 0);
		ASSERT_GOT(self->req, "answer");
	}
}

TEST_F(rr, multipart)
{
	xsendv(self->req, "a", "", "c", NULL);
	EXPECT_GOT(self->rep, "a", "", "c");
	xsendv(self->rep, "", "", NULL);
	EXPECT_GOT(self->req, "", "");
}

TEST_F(rr, empty)
{
	xsends(self->req, "", 0);
	EXPECT_GOT(self->rep, "");
	xsends(self->rep, "", 0);
	EXPECT_GOT(self->req, "");
}

TEST_F(rr, out_of_order)
{
	char c;

	EXPECT_ERR(EBADFD, recv(self->req, &c, 1, 0));
	EXPECT_ERR(EBADFD, recv(self->req, &c, 1, MSG_DONTWAIT));
	EXPECT_ERR(EBADFD, send(self->rep, "x", 1, 0));
	EXPECT_ERR(EBADFD, send(self->rep, "x", 1, MSG_MORE));
	xsends(self->req, "q", 0);
	EXPECT_ERR(EBADFD, send(self->req, "again", 5, 0));
	EXPECT_GOT(self->rep, "q");
	EXPECT_ERR(EBADFD, recv(self->rep, &c, 1, MSG_DONTWAIT));
	xsends(self->rep, "a", 0);
	EXPECT_ERR(EBADFD, send(self->rep, "again", 5, 0));
	EXPECT_GOT(self->req, "a");
	EXPECT_ERR(EBADFD, recv(self->req, &c, 1, 0));
}

/* the state turns with the last frame, not with the first */
TEST_F(rr, order_within_a_message)
{
	char c;

	xsends(self->req, "a", MSG_MORE);
	EXPECT_ERR(EBADFD, recv(self->req, &c, 1, MSG_DONTWAIT));
	xsends(self->req, "b", 0);
	EXPECT_ERR(EBADFD, send(self->req, "c", 1, 0));
	EXPECT_EQ(1, recv(self->rep, &c, 1, 0));
	EXPECT_ERR(EBADFD, send(self->rep, "x", 1, 0));
	EXPECT_EQ(1, recv(self->rep, &c, 1, 0));
	EXPECT_EQ(1, send(self->rep, "x", 1, 0));
	EXPECT_GOT(self->req, "x");
}

TEST(req_without_peer)
{
	int req = xsocket(ZMQ_REQ);

	EXPECT_ERR(EAGAIN, send(req, "x", 1, MSG_DONTWAIT));
	/* and it stays ready to send */
	EXPECT_ERR(EAGAIN, send(req, "x", 1, MSG_DONTWAIT));
}

TEST(req_takes_turns)
{
	int req = xsocket(ZMQ_REQ), rep[2], i;
	char ep[2][EP_LEN];

	for (i = 0; i < 2; i++) {
		rep[i] = xsocket(ZMQ_REP);
		xbind_any(rep[i], ep[i]);
		xconnect(req, ep[i]);
		xpeers(req, i + 1);
	}
	for (i = 0; i < 8; i++) {
		struct pollfd p[2] = {
			{ .fd = rep[0], .events = POLLIN },
			{ .fd = rep[1], .events = POLLIN },
		};

		xsends(req, "q", 0);
		ASSERT_EQ(1, poll(p, 2, kz_ms(KZ_WAIT_MS)));
		ASSERT_TRUE(p[i % 2].revents & POLLIN);
		EXPECT_GOT(rep[i % 2], "q");
		xsends(rep[i % 2], "a", 0);
		EXPECT_GOT(req, "a");
	}
}

TEST(relaxed_sends_again)
{
	int req = xsocket(ZMQ_REQ), rep = xsocket(ZMQ_REP);
	char ep[EP_LEN];

	xset(req, ZMQ_REQ_RELAXED, 1);
	xset(req, ZMQ_REQ_CORRELATE, 1);
	xbind_any(rep, ep);
	xconnect(req, ep);
	xpeers(req, 1);
	xsends(req, "first", 0);
	EXPECT_GOT(rep, "first");
	xsends(req, "second", 0);
	/* the answer to the first comes too late and is skipped */
	xsends(rep, "to the first", 0);
	EXPECT_GOT(rep, "second");
	xsends(rep, "to the second", 0);
	EXPECT_GOT(req, "to the second");
}

TEST(relaxed_needs_no_reply)
{
	int req = xsocket(ZMQ_REQ);
	char c;

	xset(req, ZMQ_REQ_RELAXED, 1);
	xconnect(req, "tcp://127.0.0.1:9");
	xsends(req, "1", 0);
	xsends(req, "2", 0);
	EXPECT_ERR(EAGAIN, recv(req, &c, 1, MSG_DONTWAIT));
	xset(req, ZMQ_REQ_RELAXED, 0);
	EXPECT_ERR(EBADFD, send(req, "3", 1, 0));
}

/* on the wire: [id, 4 octets] [empty] body */
TEST(correlate_on_the_wire)
{
	int req = xsocket(ZMQ_REQ), l, c;
	struct raw_frame id, f;
	char ep[EP_LEN];

	l = raw_listen(ep);
	xset(req, ZMQ_REQ_CORRELATE, 1);
	xconnect(req, ep);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "REP", "REQ"));
	xsends(req, "q", 0);
	ASSERT_TRUE(raw_read_frame(c, &id));
	EXPECT_EQ(1, id.flags);
	EXPECT_EQ(4, id.size);
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\1\0\0\1q")));
	/* wrong id, none at all, then the right one */
	raw_write(c, RAW_LIT("\1\4\x55\x55\x55\x55\1\0\0\4bad1"));
	f = id;
	f.body[0] ^= 0x80;
	raw_frame(c, 1, f.body, 4);
	raw_write(c, RAW_LIT("\1\0\0\4bad2"));
	raw_frame(c, 1, id.body, 4);
	raw_write(c, RAW_LIT("\1\0\0\4good"));
	EXPECT_GOT(req, "good");
}

static int raw_rep(int req)
{
	char ep[EP_LEN];
	int l = raw_listen(ep), c;

	xconnect(req, ep);
	c = raw_accept(l);
	KZ_CHECK(raw_handshake(c, 1, "ROUTER", "REQ"));
	xclose(l);
	return c;
}

TEST(plain_request_on_the_wire)
{
	int req = xsocket(ZMQ_REQ), c = raw_rep(req);

	xsendv(req, "a", "b", NULL);
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\1\0\1\1a\0\1b")));
	raw_write(c, RAW_LIT("\1\0\1\1c\0\1d"));
	EXPECT_GOT(req, "c", "d");
}

/* a reply nobody asked for is eaten before the next request */
TEST(early_reply)
{
	int req = xsocket(ZMQ_REQ), c = raw_rep(req);

	raw_write(c, RAW_LIT("\1\0\0\5early"));
	raw_write(c, RAW_LIT("\1\0\0\5early"));
	ASSERT_TRUE(wait_in_msgs(req, 2, KZ_WAIT_MS));
	EXPECT_EQ(0, poll1(req, POLLIN, 0));
	xsends(req, "q", 0);
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\1\0\0\1q")));
	raw_write(c, RAW_LIT("\1\0\0\1a"));
	EXPECT_GOT(req, "a");
}

/* replies of a peer that was not asked do not count */
TEST(reply_from_another_peer)
{
	int req = xsocket(ZMQ_REQ), a = raw_rep(req), b;

	xpeers(req, 1);
	b = raw_rep(req);
	xpeers(req, 2);
	xsends(req, "to a", 0);
	ASSERT_TRUE(raw_expect(a, RAW_LIT("\1\0\0\4to a")));
	raw_write(b, RAW_LIT("\1\0\0\6from b"));
	EXPECT_QUIET(req);
	raw_write(a, RAW_LIT("\1\0\0\6from a"));
	EXPECT_GOT(req, "from a");
}

/* ... unless the one that was asked has left for good */
TEST(reply_when_the_asked_has_left)
{
	int req = xsocket(ZMQ_REQ), raw[2], i, asked;
	struct pollfd p[2] = { 0 };
	char ep[EP_LEN];

	xbind_any(req, ep);
	for (i = 0; i < 2; i++) {
		raw[i] = raw_peer(ep, "ROUTER", "REQ");
		xpeers(req, i + 1);
		p[i].fd = raw[i];
		p[i].events = POLLIN;
	}
	xsends(req, "q", 0);
	ASSERT_EQ(1, poll(p, 2, kz_ms(KZ_WAIT_MS)));
	asked = p[0].revents ? 0 : 1;
	ASSERT_TRUE(raw_expect(raw[asked], RAW_LIT("\1\0\0\1q")));
	raw_write(raw[!asked], RAW_LIT("\1\0\0\5early"));
	EXPECT_QUIET(req);
	xclose(raw[asked]);
	xpeers(req, 1);
	raw_write(raw[!asked], RAW_LIT("\1\0\0\4late"));
	EXPECT_GOT(req, "late");
	xclose(raw[!asked]);
}

/* replies without the empty frame end the connection */
TEST(malformed_reply)
{
	int req = xsocket(ZMQ_REQ), a = raw_rep(req), b;
	long before = mib_faults();

	xsends(req, "q", 0);
	ASSERT_TRUE(raw_expect(a, RAW_LIT("\1\0\0\1q")));
	raw_try_write(a, RAW_LIT("\0\3bad"));
	raw_try_write(a, RAW_LIT("\1\3bad\0\1x"));
	EXPECT_TRUE(wait_fault(before, KZ_WAIT_MS));
	EXPECT_QUIET(req);
	EXPECT_TRUE(raw_closed(a));
	xpeers(req, 0);
	/* the asked peer has gone for good, so any reply will do */
	b = raw_rep(req);
	raw_write(b, RAW_LIT("\1\0\0\4good"));
	EXPECT_GOT(req, "good");
	xclose(b);
}

/* REP gives the reply to the envelope it came with */
static void ask(int dealer, const char *text)
{
	xsends(dealer, "hop1", MSG_MORE);
	xsends(dealer, "hop2", MSG_MORE);
	xsends(dealer, "", MSG_MORE);
	xsends(dealer, text, 0);
}

TEST(envelope_is_echoed)
{
	int fd[2];

	xpair(ZMQ_REP, ZMQ_DEALER, fd);
	ask(fd[1], "q");
	EXPECT_GOT(fd[0], "q");
	xsendv(fd[0], "a", "b", NULL);
	EXPECT_GOT(fd[1], "hop1", "hop2", "", "a", "b");
	/* only the first empty frame ends the envelope */
	xsendv(fd[1], "", "", "q", NULL);
	EXPECT_GOT(fd[0], "", "q");
	xsends(fd[0], "a", 0);
	EXPECT_GOT(fd[1], "", "a");
	/* an empty body */
	xsendv(fd[1], "h", "", "", NULL);
	EXPECT_GOT(fd[0], "");
	xsends(fd[0], "", 0);
	EXPECT_GOT(fd[1], "h", "", "");
}

TEST(requests_without_delimiter_are_discarded)
{
	int fd[2];

	xpair(ZMQ_REP, ZMQ_DEALER, fd);
	xsends(fd[1], "bare", 0);
	xsendv(fd[1], "a", "b", NULL);
	xsendv(fd[1], "", "good", NULL);
	EXPECT_GOT(fd[0], "good");
}

TEST(two_clients_each_get_their_own)
{
	int rep = xsocket(ZMQ_REP), req[2], i;
	char ep[EP_LEN], q[4] = "q0";

	xbind_any(rep, ep);
	for (i = 0; i < 2; i++) {
		req[i] = xsocket(ZMQ_REQ);
		xconnect(req[i], ep);
	}
	xpeers(rep, 2);
	for (i = 0; i < 2; i++) {
		q[1] = '0' + i;
		xsends(req[i], q, 0);
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(2, recv(rep, q, 4, 0));
		xsend(rep, q, 2, 0);
	}
	EXPECT_GOT(req[0], "q0");
	EXPECT_GOT(req[1], "q1");
}

/* a reply to a peer that has gone is no error, and the next request is served */
TEST(reply_to_a_vanished_peer)
{
	int fd[2], req = xsocket(ZMQ_REQ);
	char ep[EP_LEN];
	socklen_t len = sizeof(ep);

	xpair(ZMQ_REP, ZMQ_REQ, fd);
	ASSERT_OK(getsockopt(fd[0], SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	xsends(fd[1], "q", 0);
	EXPECT_GOT(fd[0], "q");
	xclose(fd[1]);
	ASSERT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
	EXPECT_EQ(2, send(fd[0], "to", 2, MSG_MORE));
	EXPECT_EQ(6, send(fd[0], "nobody", 6, 0));
	xconnect(req, ep);
	xsends(req, "next", 0);
	EXPECT_GOT(fd[0], "next");
	xsends(fd[0], "fine", 0);
	EXPECT_GOT(req, "fine");
}

/* a strict REQ whose peer died waits; it does not fall back to sending */
TEST(lost_peer_does_not_unlock)
{
	int fd[2];
	char c;

	xpair(ZMQ_REP, ZMQ_REQ, fd);
	xsends(fd[1], "q", 0);
	EXPECT_GOT(fd[0], "q");
	xclose(fd[0]);
	ASSERT_TRUE(wait_peers(fd[1], 0, KZ_WAIT_MS));
	EXPECT_ERR(EAGAIN, recv(fd[1], &c, 1, MSG_DONTWAIT));
	EXPECT_ERR(EBADFD, send(fd[1], "q", 1, MSG_DONTWAIT));
}

static void forward(int from, int to)
{
	char buf[256];
	ssize_t n;
	bool eor;

	do {
		n = zrecv(from, buf, sizeof(buf), 0, &eor);
		KZ_CHECK(n >= 0);
		xsend(to, buf, n, eor ? 0 : MSG_MORE);
	} while (!eor);
}

/* REQ - ROUTER|DEALER - ROUTER|DEALER - REP */
TEST(chain_of_brokers)
{
	int req = xsocket(ZMQ_REQ), rep = xsocket(ZMQ_REP);
	int front[2], back[2], i;
	char ep[EP_LEN];

	for (i = 0; i < 2; i++) {
		front[i] = xsocket(ZMQ_ROUTER);
		back[i] = xsocket(ZMQ_DEALER);
	}
	xbind_any(front[0], ep);
	xconnect(req, ep);
	xbind_any(front[1], ep);
	xconnect(back[0], ep);
	xbind_any(back[1], ep);
	xconnect(rep, ep);
	for (i = 0; i < 3; i++) {
		xsendv(req, "question", "two", NULL);
		forward(front[0], back[0]);
		forward(front[1], back[1]);
		EXPECT_GOT(rep, "question", "two");
		xsends(rep, "answer", 0);
		forward(back[1], front[1]);
		forward(back[0], front[0]);
		EXPECT_GOT(req, "answer");
	}
}

/* rep may be connected, req bound */
TEST(the_other_way_round)
{
	int fd[2];

	xpair(ZMQ_REQ, ZMQ_REP, fd);
	xsends(fd[0], "q", 0);
	EXPECT_GOT(fd[1], "q");
	xsends(fd[1], "a", 0);
	EXPECT_GOT(fd[0], "a");
}

/* taking a request by MSG_PEEK is not reading it */
TEST_F(rr, peek_keeps_the_state)
{
	char c;

	xsends(self->req, "q", 0);
	EXPECT_EQ(1, recv(self->rep, &c, 1, MSG_PEEK));
	EXPECT_ERR(EBADFD, send(self->rep, "x", 1, 0));
	EXPECT_GOT(self->rep, "q");
	xsends(self->rep, "a", 0);
	EXPECT_EQ(1, recv(self->req, &c, 1, MSG_PEEK));
	EXPECT_ERR(EBADFD, send(self->req, "q", 1, 0));
	EXPECT_GOT(self->req, "a");
}

ZMQ_HARNESS_MAIN
