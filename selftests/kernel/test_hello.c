// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 150 */
/*
 * Messages that the socket sends or delivers by itself when peers come and go:
 * ZMQ_HELLO_MSG, ZMQ_DISCONNECT_MSG, ZMQ_HICCUP_MSG.
 */
#include "kselftest_harness.h"
#include "lib.h"

/* Accept at @l as one that speaks ZMTP 3.1. */
static int meet(int l, const char *type, const char *peer)
{
	int c = raw_accept(l);

	KZ_CHECK(raw_handshake(c, 1, type, peer));
	return c;
}

static void setup_client(int fd)
{
	xset(fd, ZMQ_RECONNECT_IVL, 10);
	xset(fd, ZMQ_LINGER, 0);
}

TEST(options)
{
	static const int opt[] = { ZMQ_HELLO_MSG, ZMQ_DISCONNECT_MSG,
				   ZMQ_HICCUP_MSG };
	static char big[65537];
	char buf[64];
	socklen_t len;
	int type, i, fd;

	/* as in libzmq, all types know them and nobody can read them back */
	for (type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
		fd = xsocket(type);
		for (i = 0; i < 3; i++) {
			xset_bytes(fd, opt[i], "hello", 5);
			xset_bytes(fd, opt[i], big, 65536);
			EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, opt[i], big,
						      sizeof(big)));
			EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, opt[i],
						      BADPTR, 5));
			EXPECT_OK(setsockopt(fd, SOL_ZMQ, opt[i], NULL, 0));
			EXPECT_OK(setsockopt(fd, SOL_ZMQ, opt[i], NULL, 0));
			len = sizeof(buf);
			EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, opt[i], buf,
						      &len));
		}
		xclose(fd);
	}
}

/* what is kept for the options goes with the socket */
TEST(memory_is_counted_and_given_back)
{
	static char big[65536];
	int fd;

	own_netns();
	fd = xsocket(ZMQ_DEALER);
	xset_bytes(fd, ZMQ_HELLO_MSG, big, sizeof(big));
	EXPECT_LE((long)sizeof(big), mib("MemBytes"));
	xset_bytes(fd, ZMQ_HELLO_MSG, "x", 1);
	EXPECT_GT((long)sizeof(big), mib("MemBytes"));
	xset_bytes(fd, ZMQ_HICCUP_MSG, big, sizeof(big));
	ASSERT_OK(sysctl_set("mem_max", mib("MemBytes") + 1000));
	EXPECT_ERR(ENOMEM, setsockopt(fd, SOL_ZMQ, ZMQ_DISCONNECT_MSG, big,
				      sizeof(big)));
	xclose(fd);
	EXPECT_EQ(0, mib("MemBytes"));
}

FIXTURE(hello) {
	char ep[EP_LEN];
};

FIXTURE_VARIANT(hello) {
	int type;
	const char *name;
};

FIXTURE_VARIANT_ADD(hello, dealer) { ZMQ_DEALER, "DEALER" };
FIXTURE_VARIANT_ADD(hello, router) { ZMQ_ROUTER, "ROUTER" };

FIXTURE_SETUP(hello) {}
FIXTURE_TEARDOWN(hello) {}

TEST_F(hello, each_accepted_peer_gets_it_once_and_first)
{
	int fd = xsocket(variant->type), raw[5], i;

	xset_text(fd, ZMQ_HELLO_MSG, "welcome");
	xset(fd, ZMQ_PROBE_ROUTER, 1);
	xbind_any(fd, self->ep);
	for (i = 0; i < 5; i++) {
		raw[i] = raw_peer(self->ep, "DEALER", variant->name);
		EXPECT_TRUE(raw_expect(raw[i], RAW_LIT("\0\7welcome\0\0")));
	}
	xpeers(fd, 5);
	for (i = 0; i < 5; i++) {
		EXPECT_TRUE(raw_open(raw[i]));
		close(raw[i]);
	}
	xclose(fd);
}

/* connecting: anew with each connection, before all that waits */
TEST_F(hello, each_connection_begins_with_it)
{
	int fd = xsocket(variant->type), l = raw_listen(self->ep), c, i;

	setup_client(fd);
	if (variant->type == ZMQ_ROUTER)
		xset_text(fd, ZMQ_CONNECT_ROUTING_ID, "peer");
	xset_text(fd, ZMQ_HELLO_MSG, "hi");
	xconnect(fd, self->ep);
	if (variant->type == ZMQ_ROUTER)
		xsendv(fd, "peer", "first", NULL);
	else
		xsends(fd, "first", 0);
	c = meet(l, "DEALER", variant->name);
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\2hi\0\5first")));
	for (i = 0; i < 3; i++) {
		close(c);
		c = meet(l, "DEALER", variant->name);
		EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\2hi")));
		EXPECT_TRUE(raw_open(c));
	}
	close(c);
	xclose(fd);
	close(l);
}

TEST_F(hello, long_ones)
{
	static unsigned char big[65536], got[9 + 65536];
	static const unsigned char head[9] = { 2, 0, 0, 0, 0, 0, 1, 0, 0 };
	int fd = xsocket(variant->type), raw;

	fill(big, sizeof(big), 3);
	xset_bytes(fd, ZMQ_HELLO_MSG, big, sizeof(big));
	xbind_any(fd, self->ep);
	raw = raw_peer(self->ep, "DEALER", variant->name);
	ASSERT_TRUE(raw_read(raw, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(head, got, 9));
	EXPECT_TRUE(filled(got + 9, sizeof(big), 3));
	close(raw);
	xclose(fd);
}

/* copied when the endpoint is made, like most options; cleared by none */
TEST_F(hello, as_it_was_at_bind)
{
	int fd = xsocket(variant->type), raw;
	char ep[EP_LEN];

	xset_text(fd, ZMQ_HELLO_MSG, "old");
	xbind_any(fd, self->ep);
	xset_text(fd, ZMQ_HELLO_MSG, "new");
	xbind_any(fd, ep);
	xset_bytes(fd, ZMQ_HELLO_MSG, "", 0);
	raw = raw_peer(self->ep, "DEALER", variant->name);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\3old")));
	close(raw);
	raw = raw_peer(ep, "DEALER", variant->name);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\3new")));
	close(raw);
	xbind_any(fd, ep);
	raw = raw_peer(ep, "DEALER", variant->name);
	EXPECT_TRUE(raw_open(raw));
	close(raw);
	xclose(fd);
}

/* also with peers of older versions of the protocol */
TEST_F(hello, version_1)
{
	int fd = xsocket(variant->type), raw;

	xset_text(fd, ZMQ_HELLO_MSG, "hi");
	xbind_any(fd, self->ep);
	raw = raw_connect(self->ep);
	raw_write(raw, RAW_LIT("\1\0"));
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\xff\0\0\0\0\0\0\0\1\x7f")));
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\3\0hi")));
	close(raw);
	xclose(fd);
}

/* who goes with LINGER says it, too, when the peer comes only then */
TEST_F(hello, after_close)
{
	int fd = xsocket(variant->type), l = raw_listen(self->ep), c;

	xset(fd, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	xset_text(fd, ZMQ_HELLO_MSG, "hi");
	if (variant->type == ZMQ_ROUTER)
		xset_text(fd, ZMQ_CONNECT_ROUTING_ID, "peer");
	xconnect(fd, self->ep);
	if (variant->type == ZMQ_ROUTER)
		xsendv(fd, "peer", "last", NULL);
	else
		xsends(fd, "last", 0);
	xclose(fd);
	c = meet(l, "DEALER", variant->name);
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\2hi\0\4last")));
	EXPECT_TRUE(raw_closed(c));
	close(c);
	close(l);
}

/* other types have the option and no use for it */
TEST(no_hello_of_other_types)
{
	static const struct {
		int type;
		const char *own, *peer;
	} t[] = {
		{ ZMQ_PAIR, "PAIR", "PAIR" }, { ZMQ_PUSH, "PUSH", "PULL" },
		{ ZMQ_PULL, "PULL", "PUSH" }, { ZMQ_PUB, "PUB", "SUB" },
		{ ZMQ_REP, "REP", "DEALER" }, { ZMQ_REQ, "REQ", "ROUTER" },
		{ ZMQ_SUB, "SUB", "PUB" },
	};
	char ep[EP_LEN];
	unsigned int i;
	int fd, raw;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		fd = xsocket(t[i].type);
		xset_text(fd, ZMQ_HELLO_MSG, "hi");
		xbind_any(fd, ep);
		raw = raw_peer(ep, t[i].peer, t[i].own);
		xpeers(fd, 1);
		EXPECT_TRUE(raw_open(raw))
			TH_LOG("%s", t[i].own);
		close(raw);
		xclose(fd);
	}
}

/* as with a wire between them; who parts himself hears nothing */
TEST(inproc)
{
	int r = xsocket(ZMQ_ROUTER), d, i;

	xset_text(r, ZMQ_HELLO_MSG, "welcome");
	xset_text(r, ZMQ_DISCONNECT_MSG, "gone");
	for (i = 0; i < 4; i++) {
		if (i == 1)
			xbind(r, "inproc://hello");
		d = xsocket(ZMQ_DEALER);
		xset_text(d, ZMQ_ROUTING_ID, "me");
		xset_text(d, ZMQ_HELLO_MSG, "hi");
		xset_text(d, ZMQ_HICCUP_MSG, "hiccup");
		xconnect(d, "inproc://hello");
		xsends(d, "data", 0);
		if (!i)
			xbind(r, "inproc://hello");
		if (i < 3) {
			EXPECT_GOT(d, "welcome");
			ASSERT_GOT(r, "me", "hi");
			ASSERT_GOT(r, "me", "data");
			xclose(d);
			ASSERT_GOT(r, "me", "gone");
		}
		if (!i)
			xset_text(r, ZMQ_UNBIND, "inproc://hello");
	}
	xclose(r);
	EXPECT_GOT(d, "welcome");
	EXPECT_GOT(d, "hiccup");
	xclose(d);
}

TEST(disconnect_comes_behind_the_last_message)
{
	int fd = xsocket(ZMQ_ROUTER), raw, i, n;
	char ep[EP_LEN], text[16];

	xset_text(fd, ZMQ_DISCONNECT_MSG, "gone");
	xset(fd, ZMQ_RCVHWM, 3);
	xbind_any(fd, ep);
	for (n = 0; n < 12; n++) {
		raw = raw_connect(ep);
		raw_greeting(raw, 1);
		KZ_CHECK(raw_read_greeting(raw));
		raw_ready(raw, "DEALER", "me", 2);
		for (i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "%d", i);
			raw_frame(raw, 0, text, strlen(text));
		}
		/* the rest of what comes is no message */
		if (n)
			raw_write(raw, "\1\1x\0\5no", 7);
		shutdown(raw, SHUT_WR);
		for (i = 0; i < n; i++) {
			snprintf(text, sizeof(text), "%d", i);
			ASSERT_GOT(fd, "me", text);
		}
		ASSERT_GOT(fd, "me", "gone");
		EXPECT_EQ(-1, recv(fd, text, 1, MSG_DONTWAIT));
		close(raw);
	}
	EXPECT_QUIET(fd);
	xclose(fd);
}

/* once for each who had come, not for strangers, not when we part */
TEST(disconnect_only_of_peers)
{
	int fd = xsocket(ZMQ_ROUTER), dealer = xsocket(ZMQ_DEALER), raw;
	char ep[EP_LEN], other[EP_LEN];
	int to = raw_listen(other);

	xset_text(fd, ZMQ_DISCONNECT_MSG, "gone");
	xset_text(fd, ZMQ_HICCUP_MSG, "not for ROUTER");
	setup_client(fd);
	xbind_any(fd, ep);
	/* never through the handshake */
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	KZ_CHECK(raw_read_greeting(raw));
	close(raw);
	/* we connected: it may come back */
	xconnect(fd, other);
	raw = meet(to, "DEALER", "ROUTER");
	xpeers(fd, 1);
	close(raw);
	raw = meet(to, "DEALER", "ROUTER");
	xpeers(fd, 1);
	EXPECT_QUIET(fd);
	xdisconnect(fd, other);
	close(raw);
	close(to);
	xpeers(fd, 0);
	EXPECT_QUIET(fd);
	/* a protocol error is an end as well */
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	KZ_CHECK(raw_read_greeting(raw));
	raw_ready(raw, "DEALER", "bad", 3);
	raw_write(raw, RAW_LIT("\0\2ok\5\1x"));
	EXPECT_GOT(fd, "bad", "ok");
	EXPECT_GOT(fd, "bad", "gone");
	close(raw);
	/* the name is free when it is told, whatever the order of reading */
	xset_text(dealer, ZMQ_ROUTING_ID, "d");
	xset(dealer, ZMQ_LINGER, -1);
	xconnect(dealer, ep);
	xsends(dealer, "bye", 0);
	xclose(dealer);
	EXPECT_GOT(fd, "d", "bye");
	EXPECT_GOT(fd, "d", "gone");
	xset(fd, ZMQ_ROUTER_MANDATORY, 1);
	EXPECT_ERR(EHOSTUNREACH, zsendv(fd, 0, "d", "x", NULL));
	/* unbind: we part */
	dealer = xsocket(ZMQ_DEALER);
	xconnect(dealer, ep);
	xpeers(fd, 1);
	xunbind(fd, ep);
	xpeers(fd, 0);
	EXPECT_QUIET(fd);
	xclose(dealer);
	xclose(fd);
}

/* a name that is taken: the newcomer is mute, and so is its end */
TEST(disconnect_of_a_mute_peer)
{
	int fd = xsocket(ZMQ_ROUTER), a = xsocket(ZMQ_DEALER), raw;
	char ep[EP_LEN];

	xset_text(fd, ZMQ_DISCONNECT_MSG, "gone");
	xbind_any(fd, ep);
	xset_text(a, ZMQ_ROUTING_ID, "a");
	xconnect(a, ep);
	xpeers(fd, 1);
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	KZ_CHECK(raw_read_greeting(raw));
	raw_ready(raw, "DEALER", "a", 1);
	xpeers(fd, 2);
	close(raw);
	xpeers(fd, 1);
	EXPECT_QUIET(fd);
	xclose(a);
	EXPECT_GOT(fd, "a", "gone");
	xclose(fd);
}

/* with ZMQ_ROUTER_NOTIFY: what the peer's end says comes first */
TEST(disconnect_and_notify)
{
	int fd = xsocket(ZMQ_ROUTER), raw;
	char ep[EP_LEN];

	xset_text(fd, ZMQ_DISCONNECT_MSG, "gone");
	xset(fd, ZMQ_ROUTER_NOTIFY, ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT);
	xbind_any(fd, ep);
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	KZ_CHECK(raw_read_greeting(raw));
	raw_ready(raw, "DEALER", "me", 2);
	EXPECT_GOT(fd, "me", "");
	close(raw);
	EXPECT_GOT(fd, "me", "gone");
	EXPECT_GOT(fd, "me", "");
	EXPECT_QUIET(fd);
	xclose(fd);
}

/* every reader is woken, whatever it waits in */
TEST(disconnect_wakes)
{
	int fd = xsocket(ZMQ_ROUTER), raw;
	char ep[EP_LEN];
	pid_t pid;
	int status;

	xset_text(fd, ZMQ_DISCONNECT_MSG, "gone");
	xbind_any(fd, ep);
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	KZ_CHECK(raw_read_greeting(raw));
	raw_ready(raw, "DEALER", "me", 2);
	xpeers(fd, 1);
	pid = fork();
	if (!pid) {
		close(raw);
		_exit(!kz_got(__FILE__, __LINE__, fd, "me", "gone",
			      (char *)NULL));
	}
	ASSERT_TRUE(wait_blocked(pid, KZ_WAIT_MS));
	close(raw);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	xclose(fd);
}

FIXTURE(hiccup) {
	int fd, l;
	char ep[EP_LEN];
};

FIXTURE_VARIANT(hiccup) {
	bool immediate;
};

FIXTURE_VARIANT_ADD(hiccup, pipe_stays) { false };
FIXTURE_VARIANT_ADD(hiccup, immediate) { true };

FIXTURE_SETUP(hiccup)
{
	self->fd = xsocket(ZMQ_DEALER);
	self->l = raw_listen(self->ep);
	setup_client(self->fd);
	xset(self->fd, ZMQ_IMMEDIATE, variant->immediate);
	xset_text(self->fd, ZMQ_HICCUP_MSG, "hiccup");
	xset_text(self->fd, ZMQ_DISCONNECT_MSG, "not for DEALER");
}

FIXTURE_TEARDOWN(hiccup)
{
	xclose(self->fd);
	close(self->l);
}

TEST_F(hiccup, one_for_each_connection_lost)
{
	int c, i;

	xconnect(self->fd, self->ep);
	for (i = 0; i < 5; i++) {
		c = meet(self->l, "DEALER", "DEALER");
		raw_write(c, RAW_LIT("\0\1a\1\1b\0\1c\1\4half"));
		close(c);
		EXPECT_GOT(self->fd, "a");
		EXPECT_GOT(self->fd, "b", "c");
		EXPECT_GOT(self->fd, "hiccup");
	}
	/* tries that fail before the end of the handshake are none */
	for (i = 0; i < 3; i++)
		close(raw_accept(self->l));
	c = meet(self->l, "DEALER", "DEALER");
	raw_frame(c, 0, "d", 1);
	EXPECT_GOT(self->fd, "d");
	/* nor is it one when we go */
	xdisconnect(self->fd, self->ep);
	EXPECT_TRUE(raw_closed(c));
	xpeers(self->fd, 0);
	EXPECT_QUIET(self->fd);
	close(c);
}

/* the last connection of an endpoint that gives up */
TEST_F(hiccup, the_last_one)
{
	int c;

	xset(self->fd, ZMQ_RECONNECT_IVL, -1);
	xconnect(self->fd, self->ep);
	c = meet(self->l, "DEALER", "DEALER");
	raw_frame(c, 0, "a", 1);
	close(c);
	EXPECT_GOT(self->fd, "a");
	EXPECT_GOT(self->fd, "hiccup");
	EXPECT_QUIET(self->fd);
}

TEST_F(hiccup, none_of_an_accepted_peer)
{
	int raw;

	xbind_any(self->fd, self->ep);
	raw = raw_peer(self->ep, "DEALER", "DEALER");
	xpeers(self->fd, 1);
	close(raw);
	xpeers(self->fd, 0);
	EXPECT_QUIET(self->fd);
}

/* a peer that comes and goes while nobody reads fills no memory */
TEST(hiccups_are_bounded)
{
	int fd = xsocket(ZMQ_DEALER), c, i;
	char ep[EP_LEN];
	int l = raw_listen(ep);
	struct zmq_stats st;

	setup_client(fd);
	xset(fd, ZMQ_RCVHWM, 3);
	xset_text(fd, ZMQ_HICCUP_MSG, "hiccup");
	xconnect(fd, ep);
	for (i = 0; i < 10; i++) {
		c = meet(l, "DEALER", "DEALER");
		close(c);
	}
	c = meet(l, "DEALER", "DEALER");
	xpeers(fd, 1);
	xstats(fd, &st);
	/* one more than the mark allows, the others are counted */
	EXPECT_EQ(4, st.in_msgs);
	EXPECT_EQ(6, st.dropped);
	raw_frame(c, 0, "x", 1);
	for (i = 0; i < 4; i++)
		EXPECT_GOT(fd, "hiccup");
	EXPECT_GOT(fd, "x");
	close(c);
	EXPECT_GOT(fd, "hiccup");
	EXPECT_QUIET(fd);
	close(l);
	xclose(fd);
}

/* the message is one for all peers, and none of them spoils it */
TEST(many_peers)
{
	enum { PEERS = 200 };
	static char big[30000], got[30000];
	int fd, i, d[PEERS];
	char ep[EP_LEN], id[16];

	own_netns();
	fd = xsocket(ZMQ_ROUTER);
	fill(big, sizeof(big), 7);
	xset_bytes(fd, ZMQ_DISCONNECT_MSG, big, sizeof(big));
	xset_bytes(fd, ZMQ_HELLO_MSG, big, sizeof(big));
	xbind_any(fd, ep);
	for (i = 0; i < PEERS; i++) {
		d[i] = xsocket(ZMQ_DEALER);
		snprintf(id, sizeof(id), "%d", i);
		xset_text(d[i], ZMQ_ROUTING_ID, id);
		xconnect(d[i], ep);
	}
	for (i = 0; i < PEERS; i++) {
		ASSERT_EQ((ssize_t)sizeof(got),
			  recv(d[i], got, sizeof(got), 0));
		ASSERT_TRUE(filled(got, sizeof(got), 7));
	}
	xpeers(fd, PEERS);
	for (i = 0; i < PEERS; i++)
		xclose(d[i]);
	xpeers(fd, 0);
	EXPECT_GT(10 * (long)sizeof(big), mib("MemBytes"));
	for (i = 0; i < PEERS; i++) {
		ASSERT_LT(0, recv(fd, id, sizeof(id), 0));
		ASSERT_EQ((ssize_t)sizeof(got), recv(fd, got, sizeof(got), 0));
		ASSERT_TRUE(filled(got, sizeof(got), 7));
	}
	EXPECT_QUIET(fd);
	xclose(fd);
	/* work items may hold the endpoint, and it the message */
	EXPECT_TRUE(wait_mib_down("MemBytes", 0));
}

ZMQ_HARNESS_MAIN
