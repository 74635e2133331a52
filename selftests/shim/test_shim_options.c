// SPDX-License-Identifier: GPL-2.0
/* KERNEL: debian */
/* TIMEOUT: 120 */
/* Every socket option: what it takes, of whom, and what it gives back. */
#include "kselftest_harness.h"
#include "shim.h"
#include "opts.h"

#define DRAFT_ONLY	.stock_lacks = "has no such option without drafts"
#define NO_GSSAPI	.ours_lacks = "no GSSAPI"
#define NOT_REP(types)	.on = (types) | TYPE(REP), .on_ours = types, \
	.why = "a REP has no use for a ROUTER's options"
#define ROUTER_STREAM	NOT_REP(TYPE(ROUTER) | TYPE(STREAM))
#define SET_ONLY	.empty = true, .no_get = true
#define OCTETS		.type = BIN, .max = 1000, SET_ONLY
#define TIME		.good = "0 1 1000 2147483647", .bad = "-1 -2147483648"
#define TIME_OR_NONE	.good = "-1 0 1 1000 2147483647", .bad = "-2 -2147483648"
#define FLAG		.good = "1 0", .bad = "-1 2 2147483647"
#define POSITIVE	.good = "1 2 8192 2147483647", .bad = "0 -1 -2147483648"
#define SWITCH		.good = "0 1 2147483647", .bad = "-1 -2147483648", .no_get = true
#define ANY_INT		.good = "0 1 -1 2147483647"
#define ROUTERS		(TYPE(ROUTER) | TYPE(REP))
#define PUBS		(TYPE(PUB) | TYPE(XPUB))

OPTION(AFFINITY, .type = U64, .good = "1 0 255 18446744073709551615")
OPTION(ROUTING_ID, .type = BIN, .max = 255)
OPTION(SUBSCRIBE, OCTETS, .on = TYPE(SUB))
OPTION(RATE, .def = 100, POSITIVE)
OPTION(RECOVERY_IVL, .def = 10000, TIME)
OPTION(SNDBUF, .def = -1, TIME_OR_NONE)
OPTION(RCVBUF, .def = -1, TIME_OR_NONE)
OPTION(RCVMORE, .no_set = true, .longer = true)
OPTION(LINGER, .def = -1, .subs_zero = true, TIME_OR_NONE)
OPTION(RECONNECT_IVL, .def = 100, TIME_OR_NONE)
OPTION(BACKLOG, .def = 100, TIME)
OPTION(RECONNECT_IVL_MAX, TIME)
OPTION(MAXMSGSIZE, .type = I64, .def = -1, .good = "-1 0 1000 9223372036854775807")
OPTION(SNDHWM, .def = 1000, TIME)
OPTION(RCVHWM, .def = 1000, TIME)
OPTION(MULTICAST_HOPS, .def = 1, POSITIVE)
OPTION(RCVTIMEO, .def = -1, TIME_OR_NONE)
OPTION(SNDTIMEO, .def = -1, TIME_OR_NONE)
OPTION(IPV4ONLY, .def = 1, FLAG)
OPTION(ROUTER_MANDATORY, SWITCH, NOT_REP(TYPE(ROUTER)))
OPTION(TCP_KEEPALIVE, .def = -1, .good = "0 1 -1", .bad = "-2 2")
OPTION(TCP_KEEPALIVE_CNT, .def = -1, .good = "-1 0 1 100", .bad = "-2")
OPTION(TCP_KEEPALIVE_IDLE, .def = -1, .good = "-1 0 1 30000", .bad = "-2")
OPTION(TCP_KEEPALIVE_INTVL, .def = -1, .good = "-1 0 1 30000", .bad = "-2")
OPTION(TCP_ACCEPT_FILTER, .type = STR, .good = "127.0.0.1/8", .bad = "x", .max = 255, SET_ONLY)
OPTION(IMMEDIATE, FLAG)
OPTION(XPUB_VERBOSE, SWITCH, .on = PUBS)
OPTION(ROUTER_RAW, SWITCH, .on = ROUTERS, .ours_lacks = "STREAM took its place")
OPTION(IPV6, FLAG)
OPTION(MECHANISM, .no_set = true)
OPTION(PLAIN_SERVER, FLAG)
OPTION(PLAIN_USERNAME, .type = STR, .max = 255, .good = "user")
OPTION(PLAIN_PASSWORD, .type = STR, .max = 255, .good = "pass")
OPTION(CURVE_SERVER, FLAG)
OPTION(PROBE_ROUTER, SWITCH, NOT_REP(TYPE(ROUTER) | TYPE(DEALER) | TYPE(REQ)))
OPTION(REQ_CORRELATE, SWITCH, .on = TYPE(REQ))
OPTION(REQ_RELAXED, SWITCH, .on = TYPE(REQ))
OPTION(CONFLATE, FLAG)
OPTION(ZAP_DOMAIN, .type = STR, .max = 255, .good = "domain")
OPTION(ROUTER_HANDOVER, SWITCH, NOT_REP(TYPE(ROUTER)))
OPTION(TOS, TIME)
OPTION(IPC_FILTER_PID, .good = "1 1000", .no_get = true)
OPTION(IPC_FILTER_UID, .good = "0 1000", .no_get = true)
OPTION(IPC_FILTER_GID, .good = "0 1000", .no_get = true)
OPTION(CONNECT_ROUTING_ID, .type = BIN, .max = 1000, .no_get = true, ROUTER_STREAM)
OPTION(GSSAPI_SERVER, FLAG, NO_GSSAPI)
OPTION(GSSAPI_PRINCIPAL, .type = STR, .max = 255, .good = "me", NO_GSSAPI)
OPTION(GSSAPI_SERVICE_PRINCIPAL, .type = STR, .max = 255, .good = "it", NO_GSSAPI)
OPTION(GSSAPI_PLAINTEXT, FLAG, NO_GSSAPI)
OPTION(HANDSHAKE_IVL, .def = 30000, TIME)
OPTION(SOCKS_PROXY, .type = STR, .max = 1000, .good = "127.0.0.1:1080", .empty = true)
OPTION(XPUB_NODROP, SWITCH, .on = PUBS)
OPTION(XPUB_MANUAL, SWITCH, .on = PUBS)
OPTION(XPUB_WELCOME_MSG, OCTETS, .on = PUBS)
OPTION(STREAM_NOTIFY, .good = "0 1", .bad = "-1 2", .no_get = true, .on = TYPE(STREAM))
OPTION(INVERT_MATCHING, .good = "1 0")
OPTION(HEARTBEAT_IVL, TIME)
OPTION(HEARTBEAT_TTL, .good = "0 100 6553500", .bad = "-1000 6553600")
OPTION(HEARTBEAT_TIMEOUT, .def = -1, TIME)
OPTION(XPUB_VERBOSER, SWITCH, .on = PUBS)
OPTION(CONNECT_TIMEOUT, TIME)
OPTION(TCP_MAXRT, TIME)
OPTION(THREAD_SAFE, .no_set = true, .longer = true)
OPTION(MULTICAST_MAXTPDU, .def = 1500, POSITIVE)
OPTION(USE_FD, .def = -1, .good = "-1 1000", .bad = "-2")
OPTION(GSSAPI_PRINCIPAL_NAMETYPE, .good = "0 1 2", .bad = "-1 3", NO_GSSAPI)
OPTION(GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, .good = "0 1 2", .bad = "-1 3", NO_GSSAPI)
OPTION(BINDTODEVICE, .type = STR, .max = 16, .good = "lo")
OPTION(ZAP_ENFORCE_DOMAIN, .good = "1 0")
OPTION(LOOPBACK_FASTPATH, .good = "1 0")
OPTION(METADATA, .type = STR, .max = 1000, .good = "X-name:value", .bad = "x", .no_get = true)
OPTION(MULTICAST_LOOP, .def = 1, .good = "0 1")
OPTION(ROUTER_NOTIFY, .good = "1 2 3 0", .bad = "-1 4", .on = TYPE(ROUTER), DRAFT_ONLY)
OPTION(XPUB_MANUAL_LAST_VALUE, SWITCH, .on = PUBS)
OPTION(SOCKS_USERNAME, .type = STR, .max = 255, .good = "user", .empty = true)
OPTION(SOCKS_PASSWORD, .type = STR, .max = 255, .good = "pass", .empty = true)
OPTION(IN_BATCH_SIZE, .def = 8192, POSITIVE, DRAFT_ONLY)
OPTION(OUT_BATCH_SIZE, .def = 8192, POSITIVE, DRAFT_ONLY)
OPTION(ONLY_FIRST_SUBSCRIBE, SWITCH, .on = PUBS | TYPE(XSUB))
OPTION(RECONNECT_STOP, .good = "1 2 4 7 0")
OPTION(HELLO_MSG, OCTETS, DRAFT_ONLY)
OPTION(DISCONNECT_MSG, OCTETS, DRAFT_ONLY)
OPTION(PRIORITY, .good = "0 1 6", .bad = "-1", DRAFT_ONLY)
OPTION(BUSY_POLL, .good = "0", DRAFT_ONLY)
OPTION(HICCUP_MSG, OCTETS, DRAFT_ONLY)
OPTION(XSUB_VERBOSE_UNSUBSCRIBE, .good = "0 1 -1", .no_get = true, .on = TYPE(XSUB), DRAFT_ONLY)

TEST(numbers_of_nothing)
{
	static const int none[] = {
		-1, 0, 1, 2, 3, 10, 20, 26, 29, 30, 67, 70, 82, 83,
		85, 86, 87, 88,				/* VMCI */
		103, 104, 105, 106, 107,		/* WSS */
		117, 118, 119, 120, 121, 122, 123, 124,	/* NORM */
		125, 126, 200, 999, 4711, 0x7fffffff,
	};
	void *ctx = xctx();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		opt_refused(_metadata, ctx, none[i]);
	xterm(ctx);
}

/* the kernel's own numbers are not to be reached */
TEST(numbers_of_the_kernel)
{
	static const int none[] = {
		1000, 1001, 1002, 1003, 1004, 1020, 1021, 1030, 1031, 1040,
	};
	void *ctx = xctx();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		opt_refused(_metadata, ctx, none[i]);
	xterm(ctx);
}

TEST(CURVE_KEYS)
{
	static const int keys[] = {
		ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY, ZMQ_CURVE_SERVERKEY,
	};
	static const char z85[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PAIR);
	char buf[64];
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		EXPECT_OK(zmq_setsockopt(s, keys[i], z85, 41));
		len = 41;
		EXPECT_OK(zmq_getsockopt(s, keys[i], buf, &len));
		EXPECT_STREQ(z85, buf);
		len = 40;
		EXPECT_ERR(EINVAL, zmq_getsockopt(s, keys[i], buf, &len));
		EXPECT_OK(zmq_setsockopt(s, keys[i], buf, 32));
		EXPECT_ERR(EINVAL, zmq_setsockopt(s, keys[i], buf, 33));
	}
	xclose(s);
	xterm(ctx);
}

/* the last one set decides what is spoken */
TEST(MECHANISM_IN_TURN)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PAIR);

	EXPECT_EQ(ZMQ_NULL, zget(s, ZMQ_MECHANISM));
	xset_text(s, ZMQ_ZAP_DOMAIN, "domain");
	EXPECT_EQ(ZMQ_NULL, zget(s, ZMQ_MECHANISM));
	xset_text(s, ZMQ_PLAIN_USERNAME, "user");
	EXPECT_EQ(ZMQ_PLAIN, zget(s, ZMQ_MECHANISM));
	EXPECT_OK(zmq_setsockopt(s, ZMQ_PLAIN_PASSWORD, NULL, 0));
	EXPECT_EQ(ZMQ_NULL, zget(s, ZMQ_MECHANISM));
	EXPECT_OK(zset(s, ZMQ_PLAIN_SERVER, 1));
	EXPECT_EQ(ZMQ_PLAIN, zget(s, ZMQ_MECHANISM));
	EXPECT_EQ(1, zget(s, ZMQ_PLAIN_SERVER));
	EXPECT_OK(zset(s, ZMQ_PLAIN_SERVER, 0));
	EXPECT_EQ(ZMQ_NULL, zget(s, ZMQ_MECHANISM));
	xclose(s);
	xterm(ctx);
}

TEST(UNSUBSCRIBE)
{
	void *ctx = xctx(), *s[2], *other;

	xpair(ctx, "inproc", ZMQ_XPUB, ZMQ_SUB, s);
	xset_text(s[1], ZMQ_SUBSCRIBE, "a");
	xset_text(s[1], ZMQ_SUBSCRIBE, "a");
	EXPECT_GOT(s[0], "\1a");
	EXPECT_OK(zmq_setsockopt(s[1], ZMQ_UNSUBSCRIBE, "a", 1));
	xsends(s[0], "abc", 0);
	EXPECT_GOT(s[1], "abc");
	EXPECT_OK(zmq_setsockopt(s[1], ZMQ_UNSUBSCRIBE, "a", 1));
	EXPECT_EQ(2, zmq_recv(s[0], NULL, 0, 0));
	EXPECT_OK(zmq_setsockopt(s[1], ZMQ_UNSUBSCRIBE, "a", 1));
	other = xsock(ctx, ZMQ_PULL);
	EXPECT_ERR(EINVAL, zmq_setsockopt(other, ZMQ_UNSUBSCRIBE, "a", 1));
	EXPECT_ERR(EINVAL, zmq_setsockopt(s[0], ZMQ_UNSUBSCRIBE, "a", 1));
	xclose(other);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(TYPE_EVENTS_AND_FD)
{
	static const int wrong[] = { ZMQ_TYPE, ZMQ_EVENTS, ZMQ_FD, ZMQ_LAST_ENDPOINT };
	static const char out[12] = { [ZMQ_PUB] = 1, [ZMQ_ROUTER] = 1, [ZMQ_XPUB] = 1,
		[ZMQ_XSUB] = 1, [ZMQ_STREAM] = 1 };
	void *ctx = xctx();
	int type, val = 0;
	size_t i, len;

	for (type = 0; type < 12; type++) {
		void *s = zmq_socket(ctx, type);

		EXPECT_EQ(type, zget(s, ZMQ_TYPE));
		EXPECT_EQ(out[type] ? ZMQ_POLLOUT : 0, zget(s, ZMQ_EVENTS));
		EXPECT_LE(0, zget(s, ZMQ_FD));
		EXPECT_EQ(zget(s, ZMQ_FD), zget(s, ZMQ_FD));
		for (i = 0; i < ARRAY_SIZE(wrong); i++) {
			EXPECT_ERR(EINVAL, zmq_setsockopt(s, wrong[i], &val, 4));
			len = 1;
			if (wrong[i] != ZMQ_LAST_ENDPOINT)
				EXPECT_ERR(EINVAL, zmq_getsockopt(s, wrong[i], &val,
								  &len));
		}
		xclose(s);
	}
	xterm(ctx);
}

TEST(TOPICS_COUNT)
{
	void *ctx = xctx(), *s[2], *pull;
	int val;
	size_t len = sizeof(val);

	SKIP_STOCK("has no such option");
	xpair(ctx, "inproc", ZMQ_XPUB, ZMQ_SUB, s);
	EXPECT_EQ(0, zget(s[1], ZMQ_TOPICS_COUNT));
	xset_text(s[1], ZMQ_SUBSCRIBE, "a");
	xset_text(s[1], ZMQ_SUBSCRIBE, "b");
	xset_text(s[1], ZMQ_SUBSCRIBE, "b");
	EXPECT_EQ(2, zget(s[1], ZMQ_TOPICS_COUNT));
	EXPECT_GOT(s[0], "\1a");
	EXPECT_GOT(s[0], "\1b");
	EXPECT_EQ(2, zget(s[0], ZMQ_TOPICS_COUNT));
	EXPECT_ERR(EINVAL, zset(s[0], ZMQ_TOPICS_COUNT, 1));
	pull = xsock(ctx, ZMQ_PULL);
	EXPECT_ERR(EINVAL, zmq_getsockopt(pull, ZMQ_TOPICS_COUNT, &val, &len));
	xclose(pull);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

/* the level-triggered descriptor of ours */
TEST(FD_LEVEL)
{
	void *ctx = xctx(), *s[2];
	struct pollfd p = { .events = POLLIN };
	int i;

	SKIP_STOCK("has no such option");
	xpair(ctx, "tcp", ZMQ_PUSH, ZMQ_PULL, s);
	p.fd = zget(s[1], ZMQ_FD_LEVEL);
	EXPECT_LE(0, p.fd);
	EXPECT_EQ(p.fd, zget(s[1], ZMQ_FD_LEVEL));
	EXPECT_ERR(EINVAL, zset(s[1], ZMQ_FD_LEVEL, 1));
	EXPECT_EQ(0, poll(&p, 1, 0));
	for (i = 0; i < 100; i++)
		xsends(s[0], "x", 0);
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(1, poll(&p, 1, z_ms(Z_WAIT_MS)));
		EXPECT_EQ(1, poll(&p, 1, 0));
		EXPECT_GOT(s[1], "x");
	}
	EXPECT_EQ(0, poll(&p, 1, 0));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

/* IDENTITY and the like are the same numbers, IPV4ONLY is IPV6 turned round */
TEST(aliases)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_ROUTER);

	EXPECT_EQ(ZMQ_ROUTING_ID, ZMQ_IDENTITY);
	EXPECT_EQ(ZMQ_CONNECT_ROUTING_ID, ZMQ_CONNECT_RID);
	EXPECT_EQ(ZMQ_IMMEDIATE, ZMQ_DELAY_ATTACH_ON_CONNECT);
	EXPECT_EQ(ZMQ_ROUTER_MANDATORY, ZMQ_FAIL_UNROUTABLE);
	EXPECT_EQ(ZMQ_ROUTER_MANDATORY, ZMQ_ROUTER_BEHAVIOR);
	EXPECT_EQ(ZMQ_DONTWAIT, ZMQ_NOBLOCK);
	xset(s, ZMQ_IPV4ONLY, 0);
	EXPECT_EQ(1, zget(s, ZMQ_IPV6));
	xset(s, ZMQ_IPV6, 0);
	EXPECT_EQ(1, zget(s, ZMQ_IPV4ONLY));
	xclose(s);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
