// SPDX-License-Identifier: GPL-2.0
/* Sockets and endpoints: making, closing, binding, connecting, and undoing it. */
#include "kselftest_harness.h"
#include "shim.h"

#include <net/if.h>
#include <sys/stat.h>
#include <sys/un.h>

TEST(every_type)
{
	void *ctx = xctx(), *s;
	int type;

	for (type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
		s = zmq_socket(ctx, type);
		ASSERT_NE(NULL, s);
		EXPECT_EQ(type, zget(s, ZMQ_TYPE));
		EXPECT_EQ(0, zget(s, ZMQ_THREAD_SAFE));
		EXPECT_OK(zmq_close(s));
	}
	EXPECT_NULL_ERR(EINVAL, zmq_socket(ctx, -1));
	EXPECT_NULL_ERR(EINVAL, zmq_socket(ctx, 21));
	EXPECT_NULL_ERR(EINVAL, zmq_socket(ctx, 4711));
	xterm(ctx);
}

TEST(draft_types)
{
	void *ctx = xctx(), *s;
	int type;

	for (type = 12; type <= 20; type++) {
		errno = 0;
		s = zmq_socket(ctx, type);
		if (DIFFERS(1, !s, "4.3.4 makes some draft types it cannot name")) {
			EXPECT_EQ(NULL, s);
			EXPECT_EQ(EINVAL, errno);
		} else {
			xclose(s);
		}
	}
	xterm(ctx);
}

/* every call that takes a socket */
static void no_socket(struct __test_metadata *_metadata, void *s)
{
	zmq_pollitem_t p = { .socket = s, .events = ZMQ_POLLIN };
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	size_t len = sizeof(int), n = 1;
	zmq_msg_t m;
	char c;
	int val;

	zmq_msg_init(&m);
	EXPECT_ERR(ENOTSOCK, zmq_close(s));
	EXPECT_ERR(ENOTSOCK, zmq_setsockopt(s, ZMQ_LINGER, &val, sizeof(val)));
	EXPECT_ERR(ENOTSOCK, zmq_getsockopt(s, ZMQ_TYPE, &val, &len));
	EXPECT_ERR(ENOTSOCK, zmq_bind(s, "inproc://a"));
	EXPECT_ERR(ENOTSOCK, zmq_connect(s, "inproc://a"));
	EXPECT_ERR(ENOTSOCK, zmq_unbind(s, "inproc://a"));
	EXPECT_ERR(ENOTSOCK, zmq_disconnect(s, "inproc://a"));
	EXPECT_ERR(ENOTSOCK, zmq_send(s, "x", 1, 0));
	EXPECT_ERR(ENOTSOCK, zmq_send_const(s, "x", 1, 0));
	EXPECT_ERR(ENOTSOCK, zmq_recv(s, &c, 1, 0));
	EXPECT_ERR(ENOTSOCK, zmq_msg_send(&m, s, 0));
	EXPECT_ERR(ENOTSOCK, zmq_msg_recv(&m, s, 0));
	EXPECT_ERR(ENOTSOCK, zmq_sendmsg(s, &m, 0));
	EXPECT_ERR(ENOTSOCK, zmq_recvmsg(s, &m, 0));
	EXPECT_ERR(ENOTSOCK, zmq_sendiov(s, &iov, 1, 0));
	EXPECT_ERR(ENOTSOCK, zmq_recviov(s, &iov, &n, 0));
	EXPECT_ERR(ENOTSOCK, zmq_socket_monitor(s, "inproc://m", ZMQ_EVENT_ALL));
	if (s)
		EXPECT_ERR(ENOTSOCK, zmq_poll(&p, 1, 0));
	zmq_msg_close(&m);
}

TEST(null_is_no_socket)
{
	no_socket(_metadata, NULL);
}

TEST(rubbish_is_no_socket)
{
	static char rubbish[4096];
	void *ctx;

	no_socket(_metadata, rubbish);
	memset(rubbish, 0xa5, sizeof(rubbish));
	no_socket(_metadata, rubbish);
	ctx = xctx();
	no_socket(_metadata, ctx);	/* as czmq does when it guesses */
	xterm(ctx);
}

TEST(closed_is_no_socket)
{
	void *ctx = xctx(), *s, *later[50];
	size_t i;

	SKIP_STOCK("hands the memory of closed sockets back");
	s = xsock(ctx, ZMQ_PAIR);
	xclose(s);
	no_socket(_metadata, s);
	xterm(ctx);
	no_socket(_metadata, s);
	ctx = xctx();
	for (i = 0; i < ARRAY_SIZE(later); i++)
		later[i] = xsock(ctx, ZMQ_PAIR);
	for (i = 0; i < ARRAY_SIZE(later); i++)
		xclose(later[i]);
	no_socket(_metadata, s);
	xterm(ctx);
}

TEST(draft_calls_on_no_socket)
{
	static char rubbish[4096];
	unsigned int id;

	NEED(zmq_join);
	NEED(zmq_leave);
	NEED(zmq_connect_peer);
	NEED(zmq_disconnect_peer);
	NEED(zmq_socket_get_peer_state);
	NEED(zmq_socket_monitor_versioned);
	NEED(zmq_socket_monitor_pipes_stats);
	EXPECT_ERR(ENOTSOCK, FN(zmq_join)(rubbish, "g"));
	EXPECT_ERR(ENOTSOCK, FN(zmq_leave)(rubbish, "g"));
	errno = 0;
	id = FN(zmq_connect_peer)(rubbish, "inproc://a");
	EXPECT_EQ(0, id);
	EXPECT_EQ(ENOTSOCK, errno);
	EXPECT_ERR(ENOTSOCK, FN(zmq_disconnect_peer)(rubbish, 1));
	EXPECT_ERR(ENOTSOCK, FN(zmq_socket_get_peer_state)(rubbish, "a", 1));
	EXPECT_ERR(ENOTSOCK, FN(zmq_socket_monitor_versioned)(rubbish, "inproc://a",
							      1, 2, ZMQ_PAIR));
	EXPECT_ERR(ENOTSOCK, FN(zmq_socket_monitor_pipes_stats)(rubbish));
}

/* what only draft types can do is refused by the others */
TEST(draft_calls)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_SUB);
	unsigned int id;

	NEED(zmq_join);
	NEED(zmq_connect_peer);
	EXPECT_ERR(ENOTSUP, FN(zmq_join)(s, "g"));
	EXPECT_ERR(ENOTSUP, FN(zmq_leave)(s, "g"));
	errno = 0;
	id = FN(zmq_connect_peer)(s, "tcp://127.0.0.1:9");
	EXPECT_EQ(0, id);
	EXPECT_EQ(ENOTSUP, errno);
	EXPECT_ERR(ENOTSUP, FN(zmq_disconnect_peer)(s, 1));
	EXPECT_ERR(ENOTSUP, FN(zmq_socket_get_peer_state)(s, "a", 1));
	xclose(s);
	xterm(ctx);
}

TEST(peer_state)
{
	void *ctx = xctx(), *r = xsock(ctx, ZMQ_ROUTER), *d = xsock(ctx, ZMQ_DEALER);
	char ep[EP_LEN];
	int i;

	NEED(zmq_socket_get_peer_state);
	xset_text(d, ZMQ_ROUTING_ID, "me");
	xset(r, ZMQ_SNDHWM, 2);
	xset(d, ZMQ_RCVHWM, 2);
	xset(r, ZMQ_ROUTER_MANDATORY, 1);
	xbind_any(r, "inproc", ep);
	xconnect(d, ep);
	xsends(d, "hello", 0);
	EXPECT_GOT(r, "me", "hello");
	EXPECT_EQ(ZMQ_POLLOUT, FN(zmq_socket_get_peer_state)(r, "me", 2));
	xsends(d, "more", 0);
	EXPECT_EQ(ZMQ_POLLIN, z_poll1(r, ZMQ_POLLIN, z_ms(Z_WAIT_MS)));
	for (i = 0; i < 100; i++)
		if (zmq_send(r, "me", 2, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
		    zmq_send(r, "x", 1, ZMQ_DONTWAIT) < 0)
			break;
	EXPECT_GT(100, i);
	EXPECT_EQ(0, ZMQ_POLLOUT & FN(zmq_socket_get_peer_state)(r, "me", 2));
	EXPECT_ERR(EHOSTUNREACH, FN(zmq_socket_get_peer_state)(r, "you", 3));
	EXPECT_ERR(ENOTSUP, FN(zmq_socket_get_peer_state)(d, "me", 2));
	xclose(r);
	xclose(d);
	xterm(ctx);
}

TEST(texts_that_are_no_endpoints)
{
	static const struct {
		const char *text;
		int bind, connect;
	} t[] = {
		{ "", EINVAL, EINVAL }, { "tcp", EINVAL, EINVAL },
		{ "tcp:", EINVAL, EINVAL }, { "tcp://", EINVAL, EINVAL },
		{ "://127.0.0.1:5", EINVAL, EINVAL },
		{ "tcp://127.0.0.1", EINVAL, EINVAL },
		{ "tcp://127.0.0.1:", EINVAL, EINVAL },
		{ "tcp://127.0.0.1:x", EINVAL, EINVAL },
		{ "tcp://*:5555", 0, EINVAL },
		{ "nonsense://a", EPROTONOSUPPORT, EPROTONOSUPPORT },
		{ "TCP://127.0.0.1:5", EPROTONOSUPPORT, EPROTONOSUPPORT },
		{ "udp://127.0.0.1:5", ENOCOMPATPROTO, ENOCOMPATPROTO },
		{ "inproc://", EINVAL, EINVAL },
		{ "ipc://@", EINVAL, EINVAL },
	};
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_DEALER);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		int udp = !strncmp(t[i].text, "udp", 3);

		if (udp && DIFFERS(1, 0, "no UDP yet"))
			continue;
		if (t[i].bind) {
			EXPECT_ERR(t[i].bind, zmq_bind(s, t[i].text)) {
				TH_LOG("bind '%s'", t[i].text);
			}
		}
		if (t[i].connect) {
			EXPECT_ERR(t[i].connect, zmq_connect(s, t[i].text)) {
				TH_LOG("connect '%s'", t[i].text);
			}
		}
	}
	xclose(s);
	xterm(ctx);
}

TEST(no_endpoint)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_DEALER);

	EXPECT_ERR(EINVAL, zmq_unbind(s, NULL));
	EXPECT_ERR(EINVAL, zmq_disconnect(s, NULL));
	SKIP_STOCK("aborts when NULL is to be bound or connected");
	EXPECT_ERR(EINVAL, zmq_bind(s, NULL));
	EXPECT_ERR(EINVAL, zmq_connect(s, NULL));
	xclose(s);
	xterm(ctx);
}

TEST(bind_fails)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PULL);
	char ep[EP_LEN], text[300];

	xbind_any(a, "tcp", ep);
	EXPECT_ERR(EADDRINUSE, zmq_bind(b, ep));
	EXPECT_ERR(EADDRINUSE, zmq_bind(a, ep));
	EXPECT_ERR(EADDRNOTAVAIL, zmq_bind(b, "tcp://192.0.2.1:*"));
	EXPECT_ERR(ENODEV, zmq_bind(b, "tcp://no-such-device0:*"));
	xbind_any(a, "inproc", ep);
	EXPECT_ERR(EADDRINUSE, zmq_bind(b, ep));
	memset(text, 'x', sizeof(text));
	memcpy(text, "ipc:///tmp/", 11);
	text[200] = 0;
	EXPECT_ERR(ENAMETOOLONG, zmq_bind(b, text));
	EXPECT_ERR(ENAMETOOLONG, zmq_connect(b, text));
	EXPECT_ERR(ENOENT, zmq_bind(b, "ipc:///no/such/directory"));
	xclose(a);
	xclose(b);
	xterm(ctx);
}

TEST(last_endpoint)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PULL);
	char ep[EP_LEN], small[8], again[EP_LEN];
	size_t len = sizeof(ep);

	EXPECT_OK(zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, ep, &len));
	EXPECT_STREQ("", ep);
	EXPECT_EQ(1, len);
	xbind(s, "tcp://127.0.0.1:*");
	xendpoint(s, ep);
	EXPECT_EQ(0, strncmp(ep, "tcp://127.0.0.1:", 16));
	EXPECT_LT(0, atoi(ep + 16));
	len = sizeof(small);
	EXPECT_ERR(EINVAL, zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, small, &len));
	len = strlen(ep);	/* no room for the NUL */
	EXPECT_ERR(EINVAL, zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, again, &len));
	len = strlen(ep) + 1;
	EXPECT_OK(zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, again, &len));
	EXPECT_STREQ(ep, again);
	EXPECT_EQ(strlen(ep) + 1, len);
	xbind(s, "tcp://*:0");
	xendpoint(s, ep);
	EXPECT_EQ(0, strncmp(ep, "tcp://0.0.0.0:", 14));
	EXPECT_LT(0, atoi(ep + 14));
	xconnect(s, "tcp://localhost:7");
	xendpoint(s, ep);
	EXPECT_STREQ("tcp://localhost:7", ep);
	xbind(s, "inproc://here");
	xendpoint(s, ep);
	EXPECT_STREQ("inproc://here", ep);
	xclose(s);
	xterm(ctx);
}

TEST(ipc_endpoints)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN], name[64];
	struct stat st;

	xbind(a, "ipc://*");
	xendpoint(a, ep);
	EXPECT_EQ(0, strncmp(ep, "ipc://", 6));
	EXPECT_EQ(0, stat(ep + 6, &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_OK(zmq_unbind(a, ep));
	snprintf(name, sizeof(name), "ipc://@shim-test-%d", getpid());
	xbind(a, name);
	xendpoint(a, ep);
	EXPECT_STREQ(name, ep);
	xconnect(b, name);
	xsends(b, "abstract", 0);
	EXPECT_GOT(a, "abstract");
	snprintf(name, sizeof(name), "ipc:///tmp/shim-test-%d", getpid());
	xbind(a, name);
	EXPECT_EQ(0, stat(name + 6, &st));
	xconnect(b, name);
	EXPECT_OK(zmq_unbind(a, name));
	unlink(name + 6);
	xclose(a);
	xclose(b);
	xterm(ctx);
}

/* the address of what was unbound; libzmq frees it a little later */
static bool bind_again(void *arg)
{
	void **a = arg;

	return !zmq_bind(a[0], a[1]);
}

static void bind_freed(void *s, char *ep)
{
	void *arg[] = { s, ep };

	if (z_ours())
		xbind(s, ep);
	else
		Z_CHECK(z_until(Z_WAIT_MS, bind_again, arg));
}

TEST(unbind)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PULL);
	char ep[EP_LEN];

	xbind_any(a, "tcp", ep);
	EXPECT_ERR(ENOENT, zmq_unbind(a, "tcp://127.0.0.1:1"));
	EXPECT_ERR(ENOENT, zmq_unbind(b, ep));
	EXPECT_OK(zmq_unbind(a, ep));
	EXPECT_ERR(ENOENT, zmq_unbind(a, ep));
	bind_freed(b, ep);
	xbind_any(a, "inproc", ep);
	EXPECT_OK(zmq_unbind(a, ep));
	EXPECT_ERR(ENOENT, zmq_unbind(a, ep));
	xbind(b, ep);
	EXPECT_ERR(EINVAL, zmq_unbind(a, "nonsense"));
	xclose(a);
	xclose(b);
	xterm(ctx);
}

static void disconnects(struct __test_metadata *_metadata, const char *transport)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];

	xbind_any(a, transport, ep);
	xset(b, ZMQ_LINGER, z_ms(Z_WAIT_MS));
	xconnect(b, ep);
	xsends(b, "one", 0);
	EXPECT_OK(zmq_disconnect(b, ep));
	EXPECT_GOT(a, "one");
	EXPECT_ERR(EAGAIN, zmq_send(b, "two", 3, ZMQ_DONTWAIT));
	EXPECT_ERR(ENOENT, zmq_disconnect(b, ep));
	EXPECT_ERR(ENOENT, zmq_disconnect(b, "tcp://127.0.0.1:1"));
	xconnect(b, ep);
	xsends(b, "three", 0);
	EXPECT_GOT(a, "three");
	xclose(a);
	xclose(b);
	xterm(ctx);
}

TEST(disconnect)
{
	disconnects(_metadata, "tcp");
	disconnects(_metadata, "ipc");
	disconnects(_metadata, "inproc");
}

/* host names, interface names, wildcards: bind to one, connect to the other */
TEST(forms_of_tcp)
{
	static const struct {
		const char *bind, *connect;
	} t[] = {
		{ "tcp://127.0.0.1:*", "tcp://localhost:%d" },
		{ "tcp://lo:*", "tcp://127.0.0.1:%d" },
		{ "tcp://*:*", "tcp://localhost:%d" },
		{ "tcp://*:0", "tcp://127.0.0.1:%d" },
		{ "tcp://0.0.0.0:*", "tcp://127.0.0.2:%d" },
		{ "tcp://127.0.0.1:*", "tcp://127.0.0.1:0;127.0.0.1:%d" },
		{ "tcp://127.0.0.1:*", "tcp://lo:0;127.0.0.1:%d" },
		{ "tcp://127.0.0.1:*", "tcp://127.0.0.3:*;localhost:%d" },
		{ "tcp://localhost:*", "tcp://127.0.0.1:%d" },
	};
	size_t i, n = ARRAY_SIZE(t);

	n -= DIFFERS(0, 1, "4.3.4 looks names up to connect only");
	for (i = 0; i < n; i++) {
		void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL);
		void *b = xsock(ctx, ZMQ_PUSH);
		char ep[EP_LEN], text[EP_LEN];

		EXPECT_OK(zmq_bind(a, t[i].bind)) {
			TH_LOG("%s", t[i].bind);
		}
		xendpoint(a, ep);
		snprintf(text, sizeof(text), t[i].connect, atoi(strrchr(ep, ':') + 1));
		EXPECT_OK(zmq_connect(b, text)) {
			TH_LOG("%s", text);
		}
		xsends(b, text, 0);
		EXPECT_GOT(a, text) {
			TH_LOG("%s to %s", text, ep);
		}
		EXPECT_OK(zmq_disconnect(b, text));
		EXPECT_OK(zmq_unbind(a, ep));
		xclose(a);
		xclose(b);
		xterm(ctx);
	}
}

TEST(ipv6)
{
	void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL), *b = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN], text[EP_LEN];

	EXPECT_NE(0, zmq_bind(a, "tcp://[::1]:*"));
	xset(a, ZMQ_IPV6, 1);
	xset(b, ZMQ_IPV6, 1);
	if (zmq_bind(a, "tcp://[::1]:*"))
		SKIP(return, "no IPv6 here: %s", zmq_strerror(errno));
	xendpoint(a, ep);
	EXPECT_EQ(0, strncmp(ep, "tcp://[::1]:", 12));
	xconnect(b, ep);
	xsends(b, "six", 0);
	EXPECT_GOT(a, "six");
	xbind(a, "tcp://*:*");
	xendpoint(a, ep);
	EXPECT_EQ(0, strncmp(ep, "tcp://[::]:", 11));
	snprintf(text, sizeof(text), "tcp://127.0.0.1:%s", strrchr(ep, ':') + 1);
	xconnect(b, text);
	xclose(a);
	xclose(b);
	xterm(ctx);
}

/* the name is not known now; connect does not fail for it */
TEST(unknown_host)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];

	EXPECT_OK(zmq_connect(s, "tcp://no-such-host.invalid:5555"));
	xendpoint(s, ep);
	EXPECT_STREQ("tcp://no-such-host.invalid:5555", ep);
	EXPECT_OK(zmq_disconnect(s, "tcp://no-such-host.invalid:5555"));
	EXPECT_NE(0, zmq_bind(s, "tcp://no-such-host.invalid:*"));
	xclose(s);
	xterm(ctx);
}

TEST(connect_before_bind)
{
	static const char *const tr[] = { "tcp", "ipc", "inproc" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tr); i++) {
		void *ctx = xctx(), *a = xsock(ctx, ZMQ_PULL);
		void *b = xsock(ctx, ZMQ_PUSH);
		char ep[EP_LEN];

		/* a name that is free */
		xbind_any(a, tr[i], ep);
		EXPECT_OK(zmq_unbind(a, ep));
		if (!strcmp(tr[i], "ipc"))
			snprintf(ep, sizeof(ep), "ipc://@shim-later-%d", getpid());
		xset(b, ZMQ_RECONNECT_IVL, 10);
		xconnect(b, ep);
		xsends(b, "early", 0);
		bind_freed(a, ep);
		EXPECT_GOT(a, "early");
		xclose(a);
		xclose(b);
		xterm(ctx);
	}
}

/* one text a second time: one connection or two, which end together */
TEST(connect_twice)
{
	static const struct {
		int type, peer;
	} t[] = {
		{ ZMQ_DEALER, ZMQ_ROUTER }, { ZMQ_PUSH, ZMQ_PULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		void *ctx = xctx(), *a = xsock(ctx, t[i].peer);
		void *b = xsock(ctx, t[i].type);
		char ep[EP_LEN];

		xbind_any(a, "tcp", ep);
		xconnect(b, ep);
		EXPECT_OK(zmq_connect(b, ep));
		EXPECT_OK(zmq_disconnect(b, ep));
		EXPECT_ERR(ENOENT, zmq_disconnect(b, ep)) {
			TH_LOG("type %d", t[i].type);
		}
		xclose(a);
		xclose(b);
		xterm(ctx);
	}
}

TEST(inproc_is_not_for_streams)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_STREAM);

	EXPECT_ERR(DIFFERS(ENOCOMPATPROTO, 0, "4.3.4 takes it and nothing passes"),
		   zmq_bind(s, "inproc://stream"));
	xclose(s);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
