// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Each pair of socket types that talk, by tcp, ipc and inproc. */
#include "kselftest_harness.h"
#include "shim.h"

FIXTURE(by) {
	void *ctx, *a, *b;
	char ep[EP_LEN];
};

FIXTURE_VARIANT(by) {
	const char *transport;
};

FIXTURE_VARIANT_ADD(by, tcp) {
	.transport = "tcp",
};

FIXTURE_VARIANT_ADD(by, ipc) {
	.transport = "ipc",
};

FIXTURE_VARIANT_ADD(by, inproc) {
	.transport = "inproc",
};

FIXTURE_SETUP(by)
{
	self->ctx = xctx();
}

FIXTURE_TEARDOWN(by)
{
	if (self->a)
		xclose(self->a);
	if (self->b)
		xclose(self->b);
	xterm(self->ctx);
}

/* a binds, b connects */
#define JOIN(ta, tb)							\
	do {								\
		void *_s[2];						\
									\
		xpair(self->ctx, variant->transport, ta, tb, _s);	\
		self->a = _s[0];					\
		self->b = _s[1];					\
		xendpoint(self->a, self->ep);				\
	} while (0)

TEST_F(by, pair)
{
	JOIN(ZMQ_PAIR, ZMQ_PAIR);
	xsendv(self->a, "one", "two", NULL);
	EXPECT_GOT(self->b, "one", "two");
	xsends(self->b, "three", 0);
	EXPECT_GOT(self->a, "three");
}

TEST_F(by, push_pull)
{
	JOIN(ZMQ_PULL, ZMQ_PUSH);
	xsendv(self->b, "a", "", "c", NULL);
	EXPECT_GOT(self->a, "a", "", "c");
}

TEST_F(by, pull_push)
{
	JOIN(ZMQ_PUSH, ZMQ_PULL);
	xsends(self->a, "x", 0);
	EXPECT_GOT(self->b, "x");
}

TEST_F(by, workers_take_turns)
{
	void *w[3];
	int i, k;

	self->a = xsock(self->ctx, ZMQ_PUSH);
	xbind_any(self->a, variant->transport, self->ep);
	for (i = 0; i < 3; i++) {
		w[i] = xsock(self->ctx, ZMQ_PULL);
		xconnect(w[i], self->ep);
		/* it is there when it gets something */
		do
			xsends(self->a, "?", 0);
		while (!z_poll1(w[i], ZMQ_POLLIN, 1));
	}
	xsends(self->a, "!", 0);
	for (i = 0; i < 30; i++)
		xsends(self->a, "work", 0);
	for (i = 0; i < 3; i++) {
		char buf[8];
		int n = 0, len;

		for (k = 0; n < 10; k++) {
			len = zmq_recv(w[i], buf, sizeof(buf), 0);
			ASSERT_LT(0, len) {
				TH_LOG("worker %d has got %d", i, n);
			}
			n += len == 4;
		}
		EXPECT_QUIET(w[i]);
		xclose(w[i]);
	}
}

TEST_F(by, req_rep)
{
	int i;

	JOIN(ZMQ_REP, ZMQ_REQ);
	for (i = 0; i < 20; i++) {
		xsendv(self->b, "ask", "more", NULL);
		EXPECT_GOT(self->a, "ask", "more");
		xsendv(self->a, "answer", "", NULL);
		EXPECT_GOT(self->b, "answer", "");
	}
}

TEST_F(by, req_router)
{
	JOIN(ZMQ_ROUTER, ZMQ_REQ);
	xset_text(self->b, ZMQ_ROUTING_ID, "ignored now");
	xsends(self->b, "ask", 0);
	EXPECT_EQ(5, zmq_recv(self->a, NULL, 0, 0));
	EXPECT_GOT(self->a, "", "ask");
}

TEST_F(by, router_by_name)
{
	self->a = xsock(self->ctx, ZMQ_ROUTER);
	self->b = xsock(self->ctx, ZMQ_REQ);
	xset_text(self->b, ZMQ_ROUTING_ID, "asker");
	xbind_any(self->a, variant->transport, self->ep);
	xconnect(self->b, self->ep);
	xsends(self->b, "ask", 0);
	EXPECT_GOT(self->a, "asker", "", "ask");
	xsendv(self->a, "asker", "", "answer", NULL);
	EXPECT_GOT(self->b, "answer");
}

TEST_F(by, dealer_rep)
{
	JOIN(ZMQ_REP, ZMQ_DEALER);
	xsendv(self->b, "way", "back", "", "ask", NULL);
	EXPECT_GOT(self->a, "ask");
	xsends(self->a, "answer", 0);
	EXPECT_GOT(self->b, "way", "back", "", "answer");
}

TEST_F(by, dealer_dealer)
{
	JOIN(ZMQ_DEALER, ZMQ_DEALER);
	xsends(self->a, "x", 0);
	EXPECT_GOT(self->b, "x");
	xsends(self->b, "y", 0);
	EXPECT_GOT(self->a, "y");
}

TEST_F(by, router_router)
{
	self->a = xsock(self->ctx, ZMQ_ROUTER);
	self->b = xsock(self->ctx, ZMQ_ROUTER);
	xset_text(self->a, ZMQ_ROUTING_ID, "A");
	xset_text(self->b, ZMQ_ROUTING_ID, "B");
	xset(self->b, ZMQ_ROUTER_MANDATORY, 1);
	xset(self->b, ZMQ_PROBE_ROUTER, 1);
	xbind_any(self->a, variant->transport, self->ep);
	xconnect(self->b, self->ep);
	EXPECT_GOT(self->a, "B", "");
	xsendv(self->a, "B", "hello", NULL);
	EXPECT_GOT(self->b, "A", "hello");
	xsendv(self->b, "A", "world", NULL);
	EXPECT_GOT(self->a, "B", "world");
}

TEST_F(by, router_names_the_next)
{
	self->a = xsock(self->ctx, ZMQ_DEALER);
	self->b = xsock(self->ctx, ZMQ_ROUTER);
	xbind_any(self->a, variant->transport, self->ep);
	xset_text(self->b, ZMQ_CONNECT_ROUTING_ID, "it");
	xconnect(self->b, self->ep);
	xsendv(self->b, "it", "hello", NULL);
	EXPECT_GOT(self->a, "hello");
	xsends(self->a, "back", 0);
	EXPECT_GOT(self->b, "it", "back");
}

TEST_F(by, pub_sub)
{
	self->a = xsock(self->ctx, ZMQ_PUB);
	self->b = xsock(self->ctx, ZMQ_SUB);
	xbind_any(self->a, variant->transport, self->ep);
	xset_text(self->b, ZMQ_SUBSCRIBE, "a");
	xset_text(self->b, ZMQ_SUBSCRIBE, "join");
	xconnect(self->b, self->ep);
	xjoined(self->a, self->b);
	xsends(self->a, "b1", 0);
	xsendv(self->a, "abc", "second", NULL);
	xsends(self->a, "", 0);
	xsends(self->a, "a", 0);
	EXPECT_GOT(self->b, "abc", "second");
	EXPECT_GOT(self->b, "a");
	EXPECT_QUIET(self->b);
}

TEST_F(by, sub_binds)
{
	self->a = xsock(self->ctx, ZMQ_SUB);
	self->b = xsock(self->ctx, ZMQ_PUB);
	xset_text(self->a, ZMQ_SUBSCRIBE, "");
	xbind_any(self->a, variant->transport, self->ep);
	xconnect(self->b, self->ep);
	xjoined(self->b, self->a);
	xsends(self->b, "news", 0);
	EXPECT_GOT(self->a, "news");
}

TEST_F(by, xpub_sub)
{
	JOIN(ZMQ_XPUB, ZMQ_SUB);
	xset_text(self->b, ZMQ_SUBSCRIBE, "a");
	EXPECT_GOT(self->a, "\1a");
	xsends(self->a, "b", 0);
	xsends(self->a, "abc", 0);
	EXPECT_GOT(self->b, "abc");
	EXPECT_OK(zmq_setsockopt(self->b, ZMQ_UNSUBSCRIBE, "a", 1));
	EXPECT_EQ(2, zmq_recv(self->a, NULL, 0, 0));
}

TEST_F(by, xpub_xsub)
{
	JOIN(ZMQ_XPUB, ZMQ_XSUB);
	xsends(self->b, "\1t", 0);
	EXPECT_GOT(self->a, "\1t");
	xsends(self->b, "upwards", 0);
	EXPECT_GOT(self->a, "upwards");
	xsends(self->a, "topic", 0);
	EXPECT_GOT(self->b, "topic");
}

TEST_F(by, pub_xsub)
{
	self->a = xsock(self->ctx, ZMQ_PUB);
	self->b = xsock(self->ctx, ZMQ_XSUB);
	xbind_any(self->a, variant->transport, self->ep);
	xconnect(self->b, self->ep);
	xsends(self->b, "\1", 0);
	xjoined(self->a, self->b);
	xsends(self->a, "x", 0);
	EXPECT_GOT(self->b, "x");
}

TEST_F(by, no_subscriber_hears_twice)
{
	self->a = xsock(self->ctx, ZMQ_XPUB);
	self->b = xsock(self->ctx, ZMQ_SUB);
	xset_text(self->b, ZMQ_SUBSCRIBE, "a");
	xset_text(self->b, ZMQ_SUBSCRIBE, "ab");
	xset_text(self->b, ZMQ_SUBSCRIBE, "");
	xbind_any(self->a, variant->transport, self->ep);
	xconnect(self->b, self->ep);
	/* three subscriptions, in whatever order */
	EXPECT_LT(0, zmq_recv(self->a, NULL, 0, 0));
	EXPECT_LT(0, zmq_recv(self->a, NULL, 0, 0));
	EXPECT_LT(0, zmq_recv(self->a, NULL, 0, 0));
	xsends(self->a, "abc", 0);
	xsends(self->a, "end", 0);
	EXPECT_GOT(self->b, "abc");
	EXPECT_GOT(self->b, "end");
}

TEST_F(by, conflate)
{
	char buf[16] = "";
	int n = 0;

	self->a = xsock(self->ctx, ZMQ_PULL);
	self->b = xsock(self->ctx, ZMQ_PUSH);
	xset(self->a, ZMQ_CONFLATE, 1);
	xset(self->b, ZMQ_CONFLATE, 1);
	xbind_any(self->a, variant->transport, self->ep);
	xconnect(self->b, self->ep);
	do {
		snprintf(buf, sizeof(buf), "%d", n);
		xsends(self->b, buf, 0);
	} while (++n < 1000);
	xsends(self->b, "last", 0);
	/* fewer than were sent, and the last of them comes */
	for (n = 0; n < 500; n++) {
		memset(buf, 0, sizeof(buf));
		ASSERT_LT(0, zmq_recv(self->a, buf, sizeof(buf) - 1, 0));
		if (!strcmp(buf, "last"))
			break;
	}
	EXPECT_GT(500, n);
	EXPECT_EQ(0, z_poll1(self->a, ZMQ_POLLIN, 0));
}

static void read_all(int fd, char *buf, int n)
{
	int got = 0, rc;

	while (got < n) {
		rc = read(fd, buf + got, n - got);
		Z_CHECK(rc > 0);
		got += rc;
	}
	buf[n] = 0;
}

/* the connection has ended, for which libzmq wants to be called */
static bool ended(void *arg)
{
	void **a = arg;
	char c;

	zget(a[0], ZMQ_EVENTS);
	return recv(*(int *)a[1], &c, 1, MSG_DONTWAIT) == 0;
}

TEST(stream)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_STREAM);
	char ep[EP_LEN], buf[16], id[5], last[5];
	struct sockaddr_storage sa;
	socklen_t sa_len = sizeof(sa);
	int listening = z_tcp(1, ep), fd;
	size_t len = sizeof(last);

	ASSERT_EQ(0, getsockname(listening, (struct sockaddr *)&sa, &sa_len));
	xconnect(s, ep);
	fd = accept(listening, NULL, NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, zmq_recv(s, id, sizeof(id), 0));
	EXPECT_EQ(1, zget(s, ZMQ_RCVMORE));
	EXPECT_EQ(0, zmq_recv(s, buf, sizeof(buf), 0));
	EXPECT_OK(zmq_getsockopt(s, ZMQ_ROUTING_ID, last, &len));
	EXPECT_EQ(5, len);
	EXPECT_EQ(0, memcmp(id, last, 5));
	EXPECT_EQ(5, zmq_send(s, id, 5, ZMQ_SNDMORE));
	xsends(s, "GET /", 0);
	read_all(fd, buf, 5);
	EXPECT_STREQ("GET /", buf);
	ASSERT_EQ(3, write(fd, "200", 3));
	EXPECT_EQ(5, zmq_recv(s, id, sizeof(id), 0));
	EXPECT_EQ(3, zmq_recv(s, buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "200", 3));
	/* an empty message ends the connection */
	EXPECT_EQ(5, zmq_send(s, id, 5, ZMQ_SNDMORE));
	EXPECT_EQ(0, zmq_send(s, "", 0, 0));
	EXPECT_TRUE(z_until(Z_WAIT_MS, ended, (void *[]){ s, &fd }));
	close(fd);
	close(listening);
	xclose(s);
	xterm(ctx);
}

TEST(stream_binds)
{
	void *ctx = xctx(), *s[2];
	char id[2][5], buf[16];
	int n;

	xpair(ctx, "tcp", ZMQ_STREAM, ZMQ_STREAM, s);
	for (n = 0; n < 2; n++) {
		EXPECT_EQ(5, zmq_recv(s[n], id[n], 5, 0));
		EXPECT_EQ(0, zmq_recv(s[n], buf, sizeof(buf), 0));
	}
	EXPECT_EQ(5, zmq_send(s[1], id[1], 5, ZMQ_SNDMORE));
	xsends(s[1], "octets", 0);
	EXPECT_EQ(5, zmq_recv(s[0], id[0], 5, 0));
	EXPECT_EQ(6, zmq_recv(s[0], buf, sizeof(buf), 0));
	xclose(s[1]);
	EXPECT_EQ(5, zmq_recv(s[0], id[0], 5, 0));
	EXPECT_EQ(0, zmq_recv(s[0], buf, sizeof(buf), 0));
	xclose(s[0]);
	xterm(ctx);
}

/* each listed pair passes what the table of types says; others do not */
TEST(types_that_do_not_fit)
{
	static const struct {
		int a, b;
	} t[] = {
		{ ZMQ_PUSH, ZMQ_PAIR }, { ZMQ_PUB, ZMQ_PULL }, { ZMQ_PUSH, ZMQ_SUB },
		{ ZMQ_REQ, ZMQ_DEALER }, { ZMQ_REQ, ZMQ_PULL },
	};
	void *ctx = xctx(), *s[2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		xpair(ctx, "tcp", t[i].a, t[i].b, s);
		xset(s[0], ZMQ_SNDTIMEO, 30);
		zmq_send(s[0], "x", 1, 0);
		EXPECT_QUIET(s[1]);
		xclose(s[0]);
		xclose(s[1]);
	}
	xterm(ctx);
}

SHIM_HARNESS_MAIN
