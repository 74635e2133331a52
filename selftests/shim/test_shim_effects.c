// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* What options do, as far as a program sees it. */
#include "kselftest_harness.h"
#include "shim.h"

/* both ends by tcp, the first bound; options are to be set before */
static void join(void *a, void *b, char ep[EP_LEN])
{
	xbind_any(a, "tcp", ep);
	xconnect(b, ep);
}

static void close3(void *ctx, void *a, void *b)
{
	xclose(a);
	xclose(b);
	xterm(ctx);
}

TEST(maxmsgsize)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PUSH);
	void *mon = xmonitor(ctx, a, ZMQ_EVENT_DISCONNECTED, "inproc://mon");
	long long most = 100;
	char ep[EP_LEN];
	struct event e;

	xset_bytes(a, ZMQ_MAXMSGSIZE, &most, sizeof(most));
	join(a, b, ep);
	xsend_size(b, 100, 1, 0);
	EXPECT_TRUE(z_recv_size(a, 100, 1));
	xsend_size(b, 101, 2, 0);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_DISCONNECTED, &e));
	EXPECT_QUIET(a);
	xclose(mon);
	close3(ctx, a, b);
}

TEST(immediate)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PUSH), *b = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];
	int fd = z_tcp(0, ep);

	xset(a, ZMQ_IMMEDIATE, 1);
	xconnect(a, ep);
	xconnect(b, ep);
	EXPECT_ERR(EAGAIN, zmq_send(a, "x", 1, ZMQ_DONTWAIT));
	EXPECT_EQ(0, zget(a, ZMQ_EVENTS));
	EXPECT_EQ(1, zmq_send(b, "x", 1, ZMQ_DONTWAIT));
	EXPECT_EQ(ZMQ_POLLOUT, zget(b, ZMQ_EVENTS));
	close(fd);
	close3(ctx, a, b);
}

TEST(snd_hwm_without_a_peer)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];
	int fd = z_tcp(0, ep), n = 0;

	xset(a, ZMQ_SNDHWM, 5);
	xconnect(a, ep);
	while (n < 100 && zmq_send(a, "x", 1, ZMQ_DONTWAIT) == 1)
		n++;
	EXPECT_EQ(5, n);
	close(fd);
	xclose(a);
	xterm(ctx);
}

TEST(req_relaxed_and_correlate)
{
	void *ctx = xctx(), *r = xsock(ctx, ZMQ_ROUTER), *q = xsock(ctx, ZMQ_REQ);
	char ep[EP_LEN], id[2][4];
	int i;

	xset_text(q, ZMQ_ROUTING_ID, "me");
	xset(q, ZMQ_REQ_RELAXED, 1);
	xset(q, ZMQ_REQ_CORRELATE, 1);
	join(r, q, ep);
	for (i = 0; i < 2; i++) {
		xsends(q, i ? "second" : "first", 0);
		EXPECT_EQ(2, zmq_recv(r, NULL, 0, 0));
		EXPECT_EQ(4, zmq_recv(r, id[i], 4, 0));
		EXPECT_GOT(r, "", i ? "second" : "first");
	}
	EXPECT_NE(0, memcmp(id[0], id[1], 4));
	for (i = 0; i < 2; i++) {
		xsends(r, "me", ZMQ_SNDMORE);
		EXPECT_EQ(4, zmq_send(r, id[i], 4, ZMQ_SNDMORE));
		xsendv(r, "", i ? "yes" : "too late", NULL);
	}
	EXPECT_GOT(q, "yes");
	close3(ctx, r, q);
}

static void same_name(struct __test_metadata *_metadata, int handover)
{
	void *ctx = xctx(), *r = xsock(ctx, ZMQ_ROUTER), *d[2];
	char ep[EP_LEN];
	int i;

	xset(r, ZMQ_ROUTER_HANDOVER, handover);
	xbind_any(r, "tcp", ep);
	for (i = 0; i < 2; i++) {
		d[i] = xsock(ctx, ZMQ_DEALER);
		xset_text(d[i], ZMQ_ROUTING_ID, "twin");
		xconnect(d[i], ep);
		xsends(d[i], "hello", 0);
		EXPECT_TRUE(!i || handover ?
			    z_got(__FILE__, __LINE__, r, "twin", "hello", NULL) :
			    z_quiet(__FILE__, __LINE__, r));
	}
	xsendv(r, "twin", "for you", NULL);
	EXPECT_GOT(d[handover], "for you");
	xclose(d[0]);
	xclose(d[1]);
	xclose(r);
	xterm(ctx);
}

TEST(router_handover)
{
	same_name(_metadata, 1);
	same_name(_metadata, 0);
}

TEST(routing_ids_of_their_own)
{
	void *ctx = xctx(), *r = xsock(ctx, ZMQ_ROUTER), *d = xsock(ctx, ZMQ_DEALER);
	char ep[EP_LEN], id[8];

	join(r, d, ep);
	xsends(d, "x", 0);
	EXPECT_EQ(5, zmq_recv(r, id, sizeof(id), 0));
	EXPECT_EQ(0, id[0]);
	EXPECT_GOT(r, "x");
	EXPECT_EQ(5, zmq_send(r, id, 5, ZMQ_SNDMORE));
	xsends(r, "back", 0);
	EXPECT_GOT(d, "back");
	close3(ctx, r, d);
}

static void subscribe_twice(struct __test_metadata *_metadata, int opt)
{
	void *ctx = xctx(), *x = xsock(ctx, ZMQ_XPUB), *s[2];
	char ep[EP_LEN];
	int i;

	if (opt)
		xset(x, opt, 1);
	xbind_any(x, "tcp", ep);
	for (i = 0; i < 2; i++) {
		s[i] = xsock(ctx, ZMQ_SUB);
		xset_text(s[i], ZMQ_SUBSCRIBE, "a");
		xconnect(s[i], ep);
		if (!i || opt)
			EXPECT_GOT(x, "\1a");
	}
	/* the second one has been heard, too */
	xset_text(s[1], ZMQ_SUBSCRIBE, "b");
	EXPECT_GOT(x, "\1b");
	EXPECT_OK(zmq_setsockopt(s[0], ZMQ_UNSUBSCRIBE, "a", 1));
	if (opt == ZMQ_XPUB_VERBOSER)
		EXPECT_EQ(2, zmq_recv(x, NULL, 0, 0));
	xset_text(s[0], ZMQ_SUBSCRIBE, "c");
	EXPECT_GOT(x, "\1c");
	EXPECT_OK(zmq_setsockopt(s[1], ZMQ_UNSUBSCRIBE, "a", 1));
	EXPECT_EQ(2, zmq_recv(x, NULL, 0, 0));
	xclose(s[0]);
	xclose(s[1]);
	xclose(x);
	xterm(ctx);
}

TEST(xpub_verbose)
{
	subscribe_twice(_metadata, 0);
	subscribe_twice(_metadata, ZMQ_XPUB_VERBOSE);
	subscribe_twice(_metadata, ZMQ_XPUB_VERBOSER);
}

TEST(xpub_manual)
{
	void *ctx = xctx(), *x = xsock(ctx, ZMQ_XPUB), *s = xsock(ctx, ZMQ_XSUB);
	char ep[EP_LEN];

	xset(x, ZMQ_XPUB_MANUAL, 1);
	join(x, s, ep);
	xsends(s, "\1a", 0);
	EXPECT_GOT(x, "\1a");
	xset_text(x, ZMQ_SUBSCRIBE, "b");
	xsends(x, "a is not what it gets", 0);
	xsends(x, "b", 0);
	EXPECT_GOT(s, "b");
	xsends(s, "\1c", 0);
	EXPECT_GOT(x, "\1c");
	xset_text(x, ZMQ_UNSUBSCRIBE, "b");
	xset_text(x, ZMQ_SUBSCRIBE, "end");
	xsends(x, "b", 0);
	xsends(x, "end", 0);
	EXPECT_GOT(s, "end");
	close3(ctx, x, s);
}

TEST(xpub_manual_last_value)
{
	void *ctx = xctx(), *x = xsock(ctx, ZMQ_XPUB), *s[2];
	char ep[EP_LEN];
	int i;

	xset(x, ZMQ_XPUB_MANUAL_LAST_VALUE, 1);
	xbind_any(x, "tcp", ep);
	for (i = 0; i < 2; i++) {
		s[i] = xsock(ctx, ZMQ_SUB);
		xset_text(s[i], ZMQ_SUBSCRIBE, "a");
		xconnect(s[i], ep);
		EXPECT_GOT(x, "\1a");
		xset_text(x, ZMQ_SUBSCRIBE, "a");
		/* for the one who has just come, alone */
		xsends(x, i ? "a2" : "a1", 0);
		EXPECT_GOT(s[i], i ? "a2" : "a1");
	}
	EXPECT_QUIET(s[0]);
	xsends(x, "all", 0);
	xsends(x, "a", 0);
	EXPECT_GOT(s[0], "all");
	EXPECT_GOT(s[1], "all");
	xclose(s[0]);
	xclose(s[1]);
	xclose(x);
	xterm(ctx);
}

TEST(xpub_nodrop)
{
	void *ctx = xctx(), *x = xsock(ctx, ZMQ_XPUB), *s = xsock(ctx, ZMQ_SUB);
	char ep[EP_LEN];
	int n = 0, i, val;

	xset(x, ZMQ_XPUB_NODROP, 1);
	xset(x, ZMQ_SNDHWM, 3);
	xset(s, ZMQ_RCVHWM, 3);
	xset_text(s, ZMQ_SUBSCRIBE, "");
	xbind_any(x, "inproc", ep);
	xconnect(s, ep);
	EXPECT_EQ(1, zmq_recv(x, NULL, 0, 0));
	while (n < 100 && zmq_send(x, &n, sizeof(n), ZMQ_DONTWAIT) == sizeof(n))
		n++;
	EXPECT_EQ(EAGAIN, zmq_errno());
	EXPECT_GT(100, n);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(4, zmq_recv(s, &val, 4, 0));
		EXPECT_EQ(i, val);
	}
	EXPECT_EQ(-1, zmq_recv(s, &val, 4, ZMQ_DONTWAIT));
	close3(ctx, x, s);
}

TEST(xpub_welcome_msg)
{
	void *ctx = xctx(), *x = xsock(ctx, ZMQ_XPUB), *s = xsock(ctx, ZMQ_SUB);
	char ep[EP_LEN];

	xset_text(x, ZMQ_XPUB_WELCOME_MSG, "welcome");
	xset_text(s, ZMQ_SUBSCRIBE, "wel");
	join(x, s, ep);
	EXPECT_GOT(x, "\1wel");
	EXPECT_GOT(s, "welcome");
	close3(ctx, x, s);
}

TEST(invert_matching)
{
	void *ctx = xctx(), *p = xsock(ctx, ZMQ_PUB), *s = xsock(ctx, ZMQ_SUB);
	char ep[EP_LEN];

	xset(p, ZMQ_INVERT_MATCHING, 1);
	xset(s, ZMQ_INVERT_MATCHING, 1);
	xset_text(s, ZMQ_SUBSCRIBE, "a");
	join(p, s, ep);
	xjoined(p, s);
	xsends(p, "abc", 0);
	xsends(p, "bcd", 0);
	EXPECT_GOT(s, "bcd");
	close3(ctx, p, s);
}

TEST(stream_notify)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_STREAM), *b = xsock(ctx, ZMQ_STREAM);
	char ep[EP_LEN], id[8], other[8];

	xset(a, ZMQ_STREAM_NOTIFY, 0);
	join(a, b, ep);
	EXPECT_EQ(5, zmq_recv(b, id, sizeof(id), 0));
	EXPECT_EQ(0, zmq_recv(b, other, sizeof(other), 0));
	EXPECT_EQ(5, zmq_send(b, id, 5, ZMQ_SNDMORE));
	xsends(b, "octets", 0);
	EXPECT_EQ(5, zmq_recv(a, id, sizeof(id), 0));
	EXPECT_GOT(a, "octets");
	close3(ctx, a, b);
}

TEST(metadata)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];
	zmq_msg_t m;

	xset_text(b, ZMQ_METADATA, "X-name:some value");
	join(a, b, ep);
	xsends(b, "x", 0);
	zmq_msg_init(&m);
	EXPECT_EQ(1, zmq_msg_recv(&m, a, 0));
	EXPECT_STREQ("some value", zmq_msg_gets(&m, "X-name") ?: "none");
	zmq_msg_close(&m);
	close3(ctx, a, b);
}

static void filtered(struct __test_metadata *_metadata, const char *transport, int opt,
		     const void *val, size_t len, bool in)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];

	xset_bytes(a, opt, val, len);
	xbind_any(a, transport, ep);
	xconnect(b, ep);
	xsends(b, "x", 0);
	EXPECT_TRUE(in ? z_got(__FILE__, __LINE__, a, "x", NULL) :
		    z_quiet(__FILE__, __LINE__, a));
	close3(ctx, a, b);
}

TEST(accept_filters)
{
	int me = getuid(), group = getgid(), pid = getpid(), other = 65533;
	int opts[] = { ZMQ_IPC_FILTER_UID, ZMQ_IPC_FILTER_GID, ZMQ_IPC_FILTER_PID };
	int mine[] = { me, group, pid }, i;

	filtered(_metadata, "tcp", ZMQ_TCP_ACCEPT_FILTER, "127.0.0.0/8", 11, true);
	filtered(_metadata, "tcp", ZMQ_TCP_ACCEPT_FILTER, "192.0.2.0/24", 12, false);
	for (i = 0; i < 3; i++) {
		filtered(_metadata, "ipc", opts[i], &mine[i], sizeof(int), true);
		filtered(_metadata, "ipc", opts[i], &other, sizeof(int), false);
	}
}

TEST(use_fd)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];
	int fd = z_tcp(1, ep);

	xset(a, ZMQ_USE_FD, fd);
	xbind(a, ep);
	xconnect(b, ep);
	xsends(b, "adopted", 0);
	EXPECT_GOT(a, "adopted");
	close3(ctx, a, b);
}

/* refused, and that was it */
static void never_again(struct __test_metadata *_metadata, int opt, int val)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PUSH), *mon;
	char ep[EP_LEN];
	struct event e;
	int fd = z_tcp(0, ep);

	mon = xmonitor(ctx, a, ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED,
		       "inproc://mon");
	xset(a, ZMQ_RECONNECT_IVL, 10);
	xset(a, opt, val);
	xconnect(a, ep);
	EXPECT_TRUE(z_event(mon, &e));
	EXPECT_EQ(ZMQ_EVENT_CLOSED, e.event);
	EXPECT_QUIET(mon);
	close(fd);
	close3(ctx, a, mon);
}

TEST(no_reconnect)
{
	never_again(_metadata, ZMQ_RECONNECT_IVL, -1);
	never_again(_metadata, ZMQ_RECONNECT_STOP, 1);
}

static bool bind_again(void *arg)
{
	void **a = arg;

	return !zmq_bind(a[0], a[1]);
}

TEST(the_binder_comes_back)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];
	int i;

	xset(b, ZMQ_RECONNECT_IVL, 10);
	join(a, b, ep);
	xsends(b, "first", 0);
	EXPECT_GOT(a, "first");
	for (i = 0; i < 3; i++) {
		xclose(a);
		a = xsock(ctx, ZMQ_PULL);
		EXPECT_TRUE(z_until(Z_WAIT_MS, bind_again, (void *[]){ a, ep }));
		/* what was on its way to the old one may be lost */
		do
			xsends(b, "again", 0);
		while (!z_poll1(a, ZMQ_POLLIN, 20));
		EXPECT_GOT(a, "again");
	}
	close3(ctx, a, b);
}

TEST(heartbeats_keep_it)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PUSH), *mon;
	char ep[EP_LEN];

	mon = xmonitor(ctx, a, ZMQ_EVENT_DISCONNECTED, "inproc://mon");
	xset(a, ZMQ_HEARTBEAT_IVL, 20);
	xset(a, ZMQ_HEARTBEAT_TIMEOUT, z_ms(Z_WAIT_MS));
	xset(b, ZMQ_HEARTBEAT_IVL, 20);
	xset(b, ZMQ_HEARTBEAT_TIMEOUT, z_ms(Z_WAIT_MS));
	xset(b, ZMQ_HEARTBEAT_TTL, z_ms(Z_WAIT_MS));
	join(a, b, ep);
	xsends(b, "x", 0);
	EXPECT_GOT(a, "x");
	EXPECT_QUIET(mon);
	EXPECT_QUIET(a);	/* of PING and PONG nothing is seen */
	xsends(b, "y", 0);
	EXPECT_GOT(a, "y");
	xclose(mon);
	close3(ctx, a, b);
}

TEST(router_notify)
{
	void *ctx = xctx(), *r = xsock(ctx, ZMQ_ROUTER), *d = xsock(ctx, ZMQ_DEALER);
	char ep[EP_LEN];

	SKIP_STOCK("has no ROUTER_NOTIFY without drafts");
	xset(r, ZMQ_ROUTER_NOTIFY, ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT);
	xset_text(d, ZMQ_ROUTING_ID, "me");
	join(r, d, ep);
	EXPECT_GOT(r, "me", "");
	xclose(d);
	EXPECT_GOT(r, "me", "");
	xclose(r);
	xterm(ctx);
}

TEST(hello_disconnect_hiccup)
{
	void *ctx = xctx(), *r = xsock(ctx, ZMQ_ROUTER), *d = xsock(ctx, ZMQ_DEALER);
	char ep[EP_LEN];

	SKIP_STOCK("has none of these messages without drafts");
	xset_text(r, ZMQ_HELLO_MSG, "hello");
	xset_text(r, ZMQ_DISCONNECT_MSG, "gone");
	xset_text(d, ZMQ_HICCUP_MSG, "hiccup");
	xset_text(d, ZMQ_ROUTING_ID, "me");
	join(r, d, ep);
	EXPECT_GOT(d, "hello");
	EXPECT_OK(zmq_disconnect(d, ep));
	EXPECT_GOT(r, "me", "gone");
	xconnect(d, ep);
	EXPECT_GOT(d, "hello");
	xclose(r);
	EXPECT_GOT(d, "hiccup");
	xclose(d);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
