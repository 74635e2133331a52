// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 180 */
/* Monitors: which events come, in which order, and what they say. */
#include "kselftest_harness.h"
#include "libmon.h"

/* ---- good peers ---- */

TEST(bound_side)
{
	int srv = xsocket(ZMQ_PULL), cli = xsocket(ZMQ_PUSH), mon = xmon(srv);
	char ep[EP_LEN];
	struct mon_rec r;
	__u64 listener, peer, time;

	xbind_any(srv, ep);
	ASSERT_EVENT(mon, LISTENING, &r);
	EXPECT_EQ(1, r.e.seq);
	EXPECT_EQ(0, r.e.lost);
	EXPECT_EQ(ZMQ_EVENT_BOUND, r.e.flags);
	EXPECT_STREQ(ep, r.local);
	EXPECT_STREQ("", r.remote);
	EXPECT_EQ(r.e.peer, r.e.value);
	EXPECT_NE(0, r.e.peer);
	listener = r.e.peer;
	time = r.e.time;

	xconnect(cli, ep);
	ASSERT_EVENT(mon, ACCEPTED, &r);
	EXPECT_EQ(2, r.e.seq);
	EXPECT_LE(time, r.e.time);
	EXPECT_EQ(ZMQ_EVENT_BOUND, r.e.flags);
	EXPECT_STREQ(ep, r.local);
	EXPECT_EQ(0, strncmp(r.remote, "tcp://127.0.0.1:", 16));
	EXPECT_STRNE(ep, r.remote);
	EXPECT_EQ(r.e.peer, r.e.value);
	EXPECT_NE(listener, r.e.peer);
	peer = r.e.peer;
	ASSERT_EVENT(mon, HANDSHAKE_SUCCEEDED, &r);
	EXPECT_EQ(peer, r.e.peer);
	EXPECT_EQ(0, r.e.value);
	EXPECT_EQ(0, r.e.error);

	xclose(cli);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_EQ(peer, r.e.peer);
	EXPECT_EQ(peer, r.e.value);
	EXPECT_STREQ(ep, r.local);
	EXPECT_EQ(0, strncmp(r.remote, "tcp://127.0.0.1:", 16));
	EXPECT_TRUE(r.e.error == EPIPE || r.e.error == ECONNRESET);
	EXPECT_EQ(4, r.e.seq);

	xunbind(srv, ep);
	ASSERT_EVENT(mon, CLOSED, &r);
	EXPECT_EQ(listener, r.e.peer);
	EXPECT_STREQ(ep, r.local);
	EXPECT_TRUE(mon_quiet(mon));
	xclose(srv);
	ASSERT_EVENT(mon, MONITOR_STOPPED, &r);
	EXPECT_EQ(6, r.e.seq);
	EXPECT_EQ(0, r.e.value);
	EXPECT_FALSE(mon_next(mon, &r));
	EXPECT_FALSE(mon_next(mon, &r));
	EXPECT_TRUE(poll1(mon, POLLIN, 0) & POLLHUP);
	xclose(mon);
}

TEST(connecting_side)
{
	int srv = xsocket(ZMQ_PULL), cli = xsocket(ZMQ_PUSH), mon = xmon(cli);
	char ep[EP_LEN];
	struct mon_rec r;
	__u64 peer;

	xset(cli, ZMQ_RECONNECT_IVL, 50);
	xbind_any(srv, ep);
	xconnect(cli, ep);
	ASSERT_EVENT(mon, CONNECT_DELAYED, &r);
	EXPECT_EQ(EINPROGRESS, r.e.value);
	EXPECT_EQ(0, r.e.flags);
	EXPECT_STREQ("", r.local);
	EXPECT_STREQ(ep, r.remote);
	peer = r.e.peer;
	ASSERT_EVENT(mon, CONNECTED, &r);
	EXPECT_EQ(peer, r.e.peer);
	EXPECT_EQ(peer, r.e.value);
	EXPECT_EQ(0, strncmp(r.local, "tcp://127.0.0.1:", 16));
	EXPECT_STREQ(ep, r.remote);
	ASSERT_EVENT(mon, HANDSHAKE_SUCCEEDED, &r);
	EXPECT_EQ(peer, r.e.peer);

	xclose(srv);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_EQ(peer, r.e.peer);
	EXPECT_STREQ(ep, r.remote);
	ASSERT_EVENT(mon, CONNECT_RETRIED, &r);
	EXPECT_LE(50, r.e.value);
	EXPECT_GE(110, r.e.value);
	EXPECT_STREQ(ep, r.remote);
	/* nobody is there any more */
	ASSERT_EVENT(mon, CONNECT_DELAYED, &r);
	EXPECT_LT(peer, r.e.peer);
	peer = r.e.peer;
	ASSERT_EVENT(mon, CLOSED, &r);
	EXPECT_EQ(peer, r.e.peer);
	EXPECT_EQ(peer, r.e.value);
	EXPECT_EQ(ECONNREFUSED, r.e.error);
	EXPECT_STREQ("", r.local);
	EXPECT_STREQ(ep, r.remote);
	ASSERT_EVENT(mon, CONNECT_RETRIED, &r);

	srv = xsocket(ZMQ_PULL);
	xbind(srv, ep);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &r));
	/* what the user does himself is no news */
	xdisconnect(cli, ep);
	xpeers(srv, 0);
	EXPECT_TRUE(mon_quiet(mon));
	xclose(cli);
	ASSERT_EVENT(mon, MONITOR_STOPPED, &r);
	xclose(mon);
	xclose(srv);
}

TEST(ipc)
{
	int srv = xsocket(ZMQ_PULL), cli = xsocket(ZMQ_PUSH);
	int ms = xmon(srv), mc = xmon(cli), i;
	static const char * const ep[] = { "ipc://sock", "ipc://@mon" };
	struct mon_rec r;

	xset(cli, ZMQ_RECONNECT_IVL, 50);
	for (i = 0; i < 2; i++) {
		xconnect(cli, ep[i]);
		ASSERT_EVENT(mc, CLOSED, &r);
		EXPECT_EQ(i ? ECONNREFUSED : ENOENT, r.e.error);
		EXPECT_STREQ(ep[i], r.remote);
		ASSERT_EVENT(mc, CONNECT_RETRIED, &r);
		xbind(srv, ep[i]);
		ASSERT_EVENT(ms, LISTENING, &r);
		EXPECT_STREQ(ep[i], r.local);
		ASSERT_TRUE(mon_until(mc, ZMQ_EVENT_CONNECTED, &r));
		EXPECT_STREQ("ipc://", r.local);
		EXPECT_STREQ(ep[i], r.remote);
		ASSERT_EVENT(mc, HANDSHAKE_SUCCEEDED, &r);
		ASSERT_EVENT(ms, ACCEPTED, &r);
		EXPECT_STREQ(ep[i], r.local);
		EXPECT_STREQ("ipc://", r.remote);
		ASSERT_EVENT(ms, HANDSHAKE_SUCCEEDED, &r);
		xdisconnect(cli, ep[i]);
		ASSERT_EVENT(ms, DISCONNECTED, &r);
		EXPECT_STREQ(ep[i], r.local);
		xunbind(srv, ep[i]);
		ASSERT_EVENT(ms, CLOSED, &r);
	}
	xclose(srv);
	xclose(cli);
	xclose(ms);
	xclose(mc);
}

TEST(bind_fails)
{
	int a = xsocket(ZMQ_PULL), b = xsocket(ZMQ_PULL), mon = xmon(b);
	char ep[EP_LEN];
	struct mon_rec r;

	xbind_any(a, ep);
	EXPECT_ERR(EADDRINUSE, zbind(b, ep));
	ASSERT_EVENT(mon, CLOSED, &r);
	EXPECT_EQ(EADDRINUSE, r.e.error);
	ASSERT_EVENT(mon, BIND_FAILED, &r);
	EXPECT_EQ(EADDRINUSE, r.e.value);
	EXPECT_EQ(EADDRINUSE, r.e.error);
	EXPECT_STREQ(ep, r.local);
	EXPECT_EQ(ZMQ_EVENT_BOUND, r.e.flags);
	EXPECT_ERR(EADDRNOTAVAIL, zbind(b, "tcp://192.0.2.1:5555"));
	ASSERT_EVENT(mon, CLOSED, &r);
	ASSERT_EVENT(mon, BIND_FAILED, &r);
	EXPECT_EQ(EADDRNOTAVAIL, r.e.value);
	/* there was no lower socket yet */
	EXPECT_ERR(ENODEV, zbind(b, "tcp://nosuchif:5555"));
	ASSERT_EVENT(mon, BIND_FAILED, &r);
	EXPECT_EQ(ENODEV, r.e.value);
	EXPECT_ERR(ENOTDIR, zbind(b, "ipc:///proc/version/x"));
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_BIND_FAILED, &r));
	EXPECT_EQ(ENOTDIR, r.e.value);
	/* no endpoint, no event */
	EXPECT_ERR(EINVAL, zbind(b, "tcp://127.0.0.1"));
	EXPECT_TRUE(mon_quiet(mon));
	xclose(a);
	xclose(b);
	xclose(mon);
}

TEST(routing_ids)
{
	int srv = xsocket(ZMQ_ROUTER), cli = xsocket(ZMQ_DEALER), anon;
	int ms = xmon(srv), mc = xmon(cli);
	char ep[EP_LEN], id[8];
	struct mon_rec r;

	xset_bytes(srv, ZMQ_ROUTING_ID, "server", 6);
	xset_bytes(cli, ZMQ_ROUTING_ID, "client", 6);
	xbind_any(srv, ep);
	xconnect(cli, ep);
	ASSERT_TRUE(mon_until(ms, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &r));
	EXPECT_EQ(6, r.e.rid_len);
	EXPECT_STREQ("client", r.rid);
	ASSERT_TRUE(mon_until(mc, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &r));
	EXPECT_STREQ("server", r.rid);
	xclose(cli);
	ASSERT_EVENT(ms, DISCONNECTED, &r);
	EXPECT_STREQ("client", r.rid);
	/* one without a name has the name that stands before its messages */
	anon = xsocket(ZMQ_DEALER);
	xconnect(anon, ep);
	ASSERT_TRUE(mon_until(ms, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &r));
	xsends(anon, "x", 0);
	EXPECT_EQ(5, recv(srv, id, sizeof(id), 0));
	EXPECT_EQ(5, r.e.rid_len);
	EXPECT_EQ(0, memcmp(id, r.rid, 5));
	xclose(anon);
	xclose(srv);
	xclose(ms);
	xclose(mc);
}

/* ZMTP before 3.0 has no handshake that could succeed, nor has STREAM. */
TEST(old_peers_and_stream)
{
	int srv = xsocket(ZMQ_PULL), raw, mon = xmon(srv);
	char ep[EP_LEN];
	struct mon_rec r;

	xbind_any(srv, ep);
	ASSERT_EVENT(mon, LISTENING, &r);
	raw = raw_connect(ep);
	raw_write(raw, RAW_LIT("\xff\0\0\0\0\0\0\0\1\x7f\1\x8\0\0\0\1x"));
	EXPECT_GOT(srv, "x");
	close(raw);
	ASSERT_EVENT(mon, ACCEPTED, &r);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	xclose(srv);
	xclose(mon);

	srv = xsocket(ZMQ_STREAM);
	mon = xmon(srv);
	xbind_any(srv, ep);
	ASSERT_EVENT(mon, LISTENING, &r);
	raw = raw_connect(ep);
	ASSERT_EVENT(mon, ACCEPTED, &r);
	xpeers(srv, 1);
	close(raw);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_EQ(5, r.e.rid_len);
	xclose(srv);
	xclose(mon);
}

/* inproc is no matter of connections */
TEST(inproc_is_not_told)
{
	int srv = xsocket(ZMQ_PULL), cli = xsocket(ZMQ_PUSH);
	int ms = xmon(srv), mc = xmon(cli);
	static const char ep[] = "inproc://quiet";
	struct mon_rec r;

	xconnect(cli, ep);
	xbind(srv, ep);
	EXPECT_ERR(EADDRINUSE, zbind(srv, ep));
	xsends(cli, "x", 0);
	EXPECT_GOT(srv, "x");
	xdisconnect(cli, ep);
	xpeers(srv, 0);
	xconnect(cli, ep);
	xpeers(srv, 1);
	xunbind(srv, ep);
	xclose(srv);
	ASSERT_EVENT(ms, MONITOR_STOPPED, &r);
	EXPECT_EQ(1, r.e.seq);
	xclose(cli);
	ASSERT_EVENT(mc, MONITOR_STOPPED, &r);
	EXPECT_EQ(1, r.e.seq);
	xclose(ms);
	xclose(mc);
}

/* ---- bad peers ---- */

struct bad {
	const char *name;
	bool greeted;
	const char *data;
	size_t len;
	__u64 event, value;
	__u32 error;
};

#define BAD(_name, _greeted, _bytes, _event, _value, _error)		\
	{ _name, _greeted, "" _bytes, sizeof(_bytes) - 1,		\
	  ZMQ_EVENT_HANDSHAKE_FAILED_ ## _event, _value, _error }
#define ZMTP(x)	ZMQ_PROTOCOL_ERROR_ZMTP_ ## x
#define SIG	"\xff\0\0\0\0\0\0\0\1\x7f"
#define Z16	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static const struct bad bad[] = {
	BAD("neither greeting nor frame", false, Z16, PROTOCOL,
	    ZMTP(UNSPECIFIED), EPROTO),
	BAD("another mechanism", false,
	    SIG "\3\0PLAIN\0\0\0\0\0\0\0" Z16 Z16 Z16, PROTOCOL,
	    ZMTP(MECHANISM_MISMATCH), EPROTO),
	BAD("an unexpected command", true, "\4\6\5HELLO", PROTOCOL,
	    ZMTP(UNEXPECTED_COMMAND), EPROTO),
	BAD("no command", true, "\4\0", PROTOCOL, ZMTP(UNEXPECTED_COMMAND),
	    EPROTO),
	BAD("a command in pieces", true, "\5\6\5READY", PROTOCOL,
	    ZMTP(MALFORMED_COMMAND_UNSPECIFIED), EPROTO),
	BAD("a very long command", true, "\6\0\0\0\0\1\0\0\0", PROTOCOL,
	    ZMTP(MALFORMED_COMMAND_UNSPECIFIED), EPROTO),
	BAD("malformed metadata", true, "\4\7\5READY\5", PROTOCOL,
	    ZMTP(INVALID_METADATA), EPROTO),
	BAD("a type that does not fit", true,
	    "\4\x18\5READY\xbSocket-Type\0\0\0\3PUB", PROTOCOL,
	    ZMTP(INVALID_METADATA), EPROTO),
	BAD("a status of 400", true, "\4\xa\5ERROR\3" "400", AUTH, 400, EPROTO),
	BAD("a status of 500", true, "\4\xa\5ERROR\3" "500", AUTH, 500, EPROTO),
	BAD("an error of its own", true, "\4\x9\5ERROR\2no", PROTOCOL,
	    ZMTP(UNSPECIFIED), EPROTO),
	BAD("an error without a reason", true, "\4\6\5ERROR", PROTOCOL,
	    ZMTP(MALFORMED_COMMAND_ERROR), EPROTO),
	BAD("an error that ends too soon", true, "\4\x9\5ERROR\3no", PROTOCOL,
	    ZMTP(MALFORMED_COMMAND_ERROR), EPROTO),
	/* these end the connection themselves */
	BAD("the end at once", false, "", NO_DETAIL, EPIPE, EPIPE),
	BAD("the end in the greeting", false, SIG, NO_DETAIL, EPIPE, EPIPE),
	BAD("the end after the greeting", true, "", NO_DETAIL, EPIPE, EPIPE),
	BAD("the end in a command", true, "\4\6\5RE", NO_DETAIL, EPIPE, EPIPE),
};

static void send_bad(int raw, const struct bad *b)
{
	if (b->greeted)
		raw_greeting(raw, 1);
	raw_try_write(raw, b->data, b->len);
	if (b->error == EPIPE) {
		/* all is read, so that the end is no reset */
		shutdown(raw, SHUT_WR);
		KZ_CHECK(raw_closed(raw));
	}
}

TEST(bad_peers_that_connect)
{
	int srv = xsocket(ZMQ_PULL), raw, mon = xmon(srv);
	char ep[EP_LEN];
	struct mon_rec r;
	__u64 peer;
	size_t i;

	xbind_any(srv, ep);
	ASSERT_EVENT(mon, LISTENING, &r);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		TH_LOG("%s", bad[i].name);
		raw = raw_connect(ep);
		ASSERT_EVENT(mon, ACCEPTED, &r);
		peer = r.e.peer;
		send_bad(raw, &bad[i]);
		ASSERT_TRUE(mon_is(__FILE__, __LINE__, mon, bad[i].event, &r));
		EXPECT_EQ(bad[i].value, r.e.value);
		EXPECT_EQ(bad[i].error, r.e.error);
		EXPECT_EQ(peer, r.e.peer);
		EXPECT_STREQ(ep, r.local);
		ASSERT_EVENT(mon, DISCONNECTED, &r);
		EXPECT_EQ(peer, r.e.value);
		EXPECT_EQ(bad[i].error, r.e.error);
		close(raw);
	}
	EXPECT_TRUE(mon_quiet(mon));
	xclose(srv);
	xclose(mon);
}

TEST(bad_peers_that_listen)
{
	int cli, l, raw, mon;
	char ep[EP_LEN];
	struct mon_rec r;
	size_t i;

	l = raw_listen(ep);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		TH_LOG("%s", bad[i].name);
		cli = xsocket(ZMQ_PULL);
		mon = xmon(cli);
		xset(cli, ZMQ_RECONNECT_IVL, 60000);
		xconnect(cli, ep);
		raw = raw_accept(l);
		ASSERT_EVENT(mon, CONNECT_DELAYED, &r);
		ASSERT_EVENT(mon, CONNECTED, &r);
		send_bad(raw, &bad[i]);
		ASSERT_TRUE(mon_is(__FILE__, __LINE__, mon, bad[i].event, &r));
		EXPECT_EQ(bad[i].value, r.e.value);
		EXPECT_STREQ(ep, r.remote);
		ASSERT_EVENT(mon, DISCONNECTED, &r);
		EXPECT_EQ(bad[i].error, r.e.error);
		/* whose fault it is decides whether there is another try */
		if (bad[i].error == EPIPE)
			ASSERT_EVENT(mon, CONNECT_RETRIED, &r);
		close(raw);
		xclose(cli);
		ASSERT_EVENT(mon, MONITOR_STOPPED, &r);
		xclose(mon);
	}
	close(l);
}

TEST(a_reset_in_the_handshake)
{
	struct linger hard = { .l_onoff = 1 };
	int srv = xsocket(ZMQ_PULL), raw, mon = xmon(srv);
	char ep[EP_LEN];
	struct mon_rec r;

	xbind_any(srv, ep);
	raw = raw_connect(ep);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_ACCEPTED, &r));
	KZ_CHECK(raw_expect(raw, SIG, 10));
	setsockopt(raw, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(raw);
	ASSERT_EVENT(mon, HANDSHAKE_FAILED_NO_DETAIL, &r);
	EXPECT_EQ(ECONNRESET, r.e.value);
	/* whom it was connected to is known to the end */
	EXPECT_EQ(0, strncmp(r.remote, "tcp://127.0.0.1:", 16));
	EXPECT_STRNE("tcp://127.0.0.1:0", r.remote);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_EQ(ECONNRESET, r.e.error);
	xclose(srv);
	xclose(mon);
}

TEST(handshakes_that_take_too_long)
{
	int srv = xsocket(ZMQ_PULL), raw, raw2, mon = xmon(srv);
	char ep[EP_LEN];
	long long most;
	struct mon_rec r;
	__u64 first;

	own_netns();
	xclose(srv);
	xclose(mon);
	srv = xsocket(ZMQ_PULL);
	mon = xmon(srv);
	xset(srv, ZMQ_HANDSHAKE_IVL, 100);
	xbind_any(srv, ep);
	raw = raw_connect(ep);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_ACCEPTED, &r));
	ASSERT_EVENT(mon, HANDSHAKE_FAILED_NO_DETAIL, &r);
	EXPECT_EQ(ETIMEDOUT, r.e.value);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_EQ(ETIMEDOUT, r.e.error);
	close(raw);
	xunbind(srv, ep);
	ASSERT_EVENT(mon, CLOSED, &r);

	/* the oldest makes room for the next */
	KZ_CHECK(!sysctl_get("handshakes_max", &most));
	KZ_CHECK(!sysctl_set("handshakes_max", 1));
	xset(srv, ZMQ_HANDSHAKE_IVL, 0);
	xbind_any(srv, ep);
	raw = raw_connect(ep);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_ACCEPTED, &r));
	first = r.e.peer;
	raw2 = raw_connect(ep);
	ASSERT_EVENT(mon, ACCEPTED, &r);
	ASSERT_EVENT(mon, HANDSHAKE_FAILED_NO_DETAIL, &r);
	EXPECT_EQ(first, r.e.peer);
	EXPECT_EQ(EUSERS, r.e.value);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_EQ(first, r.e.peer);
	KZ_CHECK(!sysctl_set("handshakes_max", most));
	close(raw);
	close(raw2);
	xclose(srv);
	xclose(mon);
}

/* After the handshake there is one event for every end. */
TEST(bad_peers_in_traffic)
{
	int srv = xsocket(ZMQ_DEALER), raw, mon = xmon(srv);
	char ep[EP_LEN];
	struct mon_rec r;

	xbind_any(srv, ep);
	raw = raw_peer(ep, "DEALER", "DEALER");
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &r));
	raw_write(raw, "\5\0", 2);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_EQ(EPROTO, r.e.error);
	close(raw);
	/* one that says nothing */
	xset(srv, ZMQ_HEARTBEAT_IVL, 50);
	xset(srv, ZMQ_HEARTBEAT_TIMEOUT, 100);
	xbind_any(srv, ep);
	ASSERT_EVENT(mon, LISTENING, &r);
	raw = raw_peer(ep, "DEALER", "DEALER");
	ASSERT_EVENT(mon, ACCEPTED, &r);
	ASSERT_EVENT(mon, HANDSHAKE_SUCCEEDED, &r);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_EQ(ETIMEDOUT, r.e.error);
	close(raw);
	xclose(srv);
	xclose(mon);
}

/* ---- the call ---- */

TEST(arguments)
{
	struct zmq_monitor_open ok = {
		.size = sizeof(ok), .mask = ZMQ_EVENT_ALL,
	}, a;
	int fd = xsocket(ZMQ_PULL), mon = -1;
	char room[sizeof(a) + 8];
	socklen_t len;

#define OPEN(p, n)	(len = (n),					\
			 getsockopt(fd, SOL_ZMQ, ZMQ_MONITOR_OPEN, p, &len))
#define WITH(what)	(a = ok, a.what, OPEN(&a, sizeof(a)))
	EXPECT_ERR(EINVAL, WITH(size = 0));
	EXPECT_ERR(EINVAL, WITH(size = sizeof(a) + 8));
	EXPECT_ERR(EINVAL, WITH(mask = 0));
	EXPECT_ERR(EINVAL, WITH(mask = 0x10000));
	EXPECT_ERR(EINVAL, WITH(mask = 1ull << 63));
	EXPECT_ERR(EINVAL, WITH(bytes = ZMQ_MONITOR_BYTES_MIN - 1));
	EXPECT_ERR(EINVAL, WITH(bytes = ZMQ_MONITOR_BYTES_MAX + 1));
	EXPECT_ERR(EINVAL, WITH(reserved = 1));
	a = ok;
	EXPECT_ERR(EINVAL, OPEN(&a, 0));
	EXPECT_ERR(EINVAL, OPEN(&a, 8));
	EXPECT_ERR(EINVAL, OPEN(&a, sizeof(a) - 1));
	EXPECT_ERR(EINVAL, OPEN(&a, -1));
	EXPECT_ERR(EFAULT, OPEN(BADPTR, sizeof(a)));
	EXPECT_ERR(EFAULT, OPEN(BADPTR, sizeof(int)));
	EXPECT_ERR(EFAULT, getsockopt(fd, SOL_ZMQ, ZMQ_MONITOR_OPEN, &a, BADPTR));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_MONITOR_OPEN, &a,
				      sizeof(a)));
	/* a longer buffer is as good */
	memset(room, 0xff, sizeof(room));
	memcpy(room, &ok, sizeof(ok));
	EXPECT_OK(OPEN(room, sizeof(room)));
	EXPECT_EQ(sizeof(a), len);
	memcpy(&a, room, sizeof(a));
	EXPECT_EQ(FD_CLOEXEC, fcntl(a.fd, F_GETFD));
	xclose(a.fd);
	/* nor does a failed call leave a descriptor behind */
	EXPECT_OK(OPEN(&mon, sizeof(mon)));
	EXPECT_EQ(a.fd, mon);
	EXPECT_EQ(O_RDONLY, fcntl(mon, F_GETFL) & O_ACCMODE);
	EXPECT_ERR(EBADF, write(mon, "x", 1));
	EXPECT_ERR(ESPIPE, lseek(mon, 0, SEEK_SET));
	xclose(mon);
	xclose(fd);
}

TEST(reading)
{
	int fd = xsocket(ZMQ_PULL), mon = xmon(fd);
	struct zmq_event e;
	char ep[EP_LEN], buf[ZMQ_EVENT_MAX];
	struct mon_rec r;
	struct iovec iov[3] = {
		{ &e, 7 }, { (char *)&e + 7, sizeof(e) - 7 },
		{ buf, sizeof(buf) },
	};

	EXPECT_OK(fcntl(mon, F_SETFL, O_NONBLOCK));
	EXPECT_ERR(EAGAIN, read(mon, buf, sizeof(buf)));
	EXPECT_EQ(0, poll1(mon, POLLIN | POLLOUT, 0));
	xbind_any(fd, ep);
	/* one record a call; what does not fit stays */
	EXPECT_ERR(EMSGSIZE, read(mon, &e, sizeof(e)));
	EXPECT_ERR(EFAULT, read(mon, BADPTR, sizeof(buf)));
	EXPECT_EQ((long)(sizeof(e) + strlen(ep)), readv(mon, iov, 3));
	EXPECT_EQ(ZMQ_EVENT_LISTENING, e.event);
	EXPECT_EQ(0, memcmp(buf, ep, strlen(ep)));
	EXPECT_ERR(EAGAIN, read(mon, buf, sizeof(buf)));
	xclose(fd);
	ASSERT_EVENT(mon, CLOSED, &r);
	EXPECT_TRUE(poll1(mon, POLLIN, kz_ms(KZ_WAIT_MS)) & POLLIN);
	EXPECT_ERR(EMSGSIZE, read(mon, &e, sizeof(e) - 1));
	EXPECT_EQ((long)sizeof(e), read(mon, &e, sizeof(e)));
	EXPECT_EQ(ZMQ_EVENT_MONITOR_STOPPED, e.event);
	EXPECT_EQ(0, read(mon, &e, sizeof(e)));
	xclose(mon);
}

TEST(masks)
{
	int srv = xsocket(ZMQ_PULL), cli = xsocket(ZMQ_PUSH), none, some;
	long before = mib("MonitorEvents");
	char ep[EP_LEN];
	struct mon_rec r;

	some = mon_open(srv, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED, 0);
	none = mon_open(srv, ZMQ_EVENT_CLOSE_FAILED, 0);
	ASSERT_LE(0, some);
	ASSERT_LE(0, none);
	xbind_any(srv, ep);
	xconnect(cli, ep);
	xpeers(cli, 1);
	xclose(cli);
	ASSERT_EVENT(some, ACCEPTED, &r);
	EXPECT_EQ(1, r.e.seq);
	ASSERT_EVENT(some, DISCONNECTED, &r);
	EXPECT_EQ(2, r.e.seq);
	/* nobody wanted the others, so they were not even made */
	EXPECT_EQ(before + 2, mib("MonitorEvents"));
	xclose(srv);
	/* MONITOR_STOPPED was not asked for */
	EXPECT_FALSE(mon_next(some, &r));
	EXPECT_FALSE(mon_next(none, &r));
	xclose(some);
	xclose(none);
}

/* Nor are those of an end. */
TEST(masks_of_ends)
{
	int srv = xsocket(ZMQ_PULL), mon, raw, i;
	long before = mib("MonitorEvents");
	char ep[EP_LEN];
	struct mon_rec r;

	mon = mon_open(srv, ZMQ_EVENT_ACCEPTED, 0);
	ASSERT_LE(0, mon);
	xbind_any(srv, ep);
	for (i = 0; i < 10; i++) {
		raw = raw_connect(ep);
		ASSERT_EVENT(mon, ACCEPTED, &r);
		raw_greeting(raw, 1);
		raw_ready(raw, "PULL", "", 0);
		EXPECT_TRUE(raw_closed(raw));
		xclose(raw);
	}
	EXPECT_EQ(before + 10, mib("MonitorEvents"));
	xclose(srv);
	xclose(mon);
}

ZMQ_HARNESS_MAIN
