// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Every option: length, range, default, who may set and get it. */
#include "kselftest_harness.h"
#include "lib.h"

#define T(x)		(1u << ZMQ_##x)
#define ALL		0xfffu
#define XPUBS		(T(PUB) | T(XPUB))
#define ROUTERS		T(ROUTER)
#define SUBS		(T(SUB) | T(XSUB))

#define G		1	/* may be read */
#define S		2	/* may be written */
#define GS		3

struct int_opt {
	const char *name;
	int opt, rights;
	unsigned int types;	/* on others EINVAL */
	int def;
	int good[3], bad[3];
	int ngood, nbad;
};

#define OPT(o)		.name = #o, .opt = ZMQ_##o
#define GOOD1(a)	.good = { a }, .ngood = 1
#define GOOD2(a, b)	.good = { a, b }, .ngood = 2
#define GOOD3(a, b, c)	.good = { a, b, c }, .ngood = 3
#define BAD2(a, b)	.bad = { a, b }, .nbad = 2
#define BAD3(a, b, c)	.bad = { a, b, c }, .nbad = 3
#define NONE		.ngood = 0
#define BIG		0x7fffffff
#define SMALL		(-BIG - 1)
/* strictly 0 or 1; 0 or more */
#define FLAG		.good = { 1, 0 }, .ngood = 2, BAD2(2, -1)
#define SWITCH		.good = { 1, 0 }, .ngood = 2, BAD2(-1, SMALL)

static const struct int_opt ints[] = {
	{ OPT(SNDBUF), GS, ALL, -1, GOOD3(65536, 0, -1), BAD2(-2, SMALL) },
	{ OPT(RCVBUF), GS, ALL, -1, GOOD3(65536, 0, -1), BAD2(-2, SMALL) },
	{ OPT(LINGER), GS, ALL & ~SUBS, -1, GOOD3(0, 1000, -1),
	  BAD2(-2, SMALL) },
	{ OPT(RECONNECT_IVL), GS, ALL, 100, GOOD3(0, 5000, -1),
	  BAD2(-2, SMALL) },
	{ OPT(RECONNECT_IVL_MAX), GS, ALL, 0, GOOD2(30000, 0),
	  BAD2(-1, SMALL) },
	{ OPT(BACKLOG), GS, ALL, 100, GOOD2(0, 4096), BAD2(-1, SMALL) },
	{ OPT(SNDHWM), GS, ALL, 1000, GOOD3(0, 1, BIG), BAD2(-1, SMALL) },
	{ OPT(RCVHWM), GS, ALL, 1000, GOOD3(0, 1, BIG), BAD2(-1, SMALL) },
	{ OPT(RCVTIMEO), GS, ALL, -1, GOOD3(0, 1000, -1), BAD2(-2, SMALL) },
	{ OPT(SNDTIMEO), GS, ALL, -1, GOOD3(0, 1000, -1), BAD2(-2, SMALL) },
	{ OPT(IMMEDIATE), GS, ALL, 0, FLAG },
	{ OPT(IPV6), GS, ALL, 0, FLAG },
	{ OPT(IPV4ONLY), GS, ALL, 1, FLAG },
	{ OPT(CONFLATE), GS, T(PUSH) | T(PULL) | T(PUB) | T(SUB) | T(DEALER),
	  0, FLAG },
	{ OPT(TOS), GS, ALL, 0, GOOD2(0x10, 0), BAD2(-1, SMALL) },
	{ OPT(HANDSHAKE_IVL), GS, ALL, 30000, GOOD2(0, 100), BAD2(-1, SMALL) },
	{ OPT(RCVBATCH), GS, ALL, 0, GOOD3(1, 1024, 0), BAD3(-1, 1025, BIG) },
	{ OPT(RECVPEER), GS, ALL, 0, FLAG },
	{ OPT(INVERT_MATCHING), GS, XPUBS | T(SUB), 0, GOOD3(1, -1, 0) },
	{ OPT(STREAM_NOTIFY), S, T(STREAM), 1, FLAG },
	{ OPT(ROUTER_NOTIFY), GS, ROUTERS, 0, GOOD3(1, 3, 0),
	  BAD3(-1, 4, BIG) },
	{ OPT(ROUTER_MANDATORY), S, ROUTERS, 0, SWITCH },
	{ OPT(ROUTER_HANDOVER), S, ROUTERS, 0, SWITCH },
	{ OPT(PROBE_ROUTER), S, T(ROUTER) | T(DEALER) | T(REQ), 0, SWITCH },
	{ OPT(REQ_CORRELATE), S, T(REQ), 0, SWITCH },
	{ OPT(REQ_RELAXED), S, T(REQ), 0, SWITCH },
	{ OPT(XPUB_VERBOSE), S, XPUBS, 0, SWITCH },
	{ OPT(XPUB_VERBOSER), S, XPUBS, 0, SWITCH },
	{ OPT(XPUB_NODROP), S, XPUBS, 0, SWITCH },
	{ OPT(XPUB_MANUAL), S, XPUBS, 0, SWITCH },
	{ OPT(XPUB_MANUAL_LAST_VALUE), S, XPUBS, 0, SWITCH },
	{ OPT(ONLY_FIRST_SUBSCRIBE), S, XPUBS | T(XSUB), 0, SWITCH },
	{ OPT(XSUB_VERBOSE_UNSUBSCRIBE), S, T(XSUB), 0, GOOD2(1, 0) },
	{ OPT(TCP_KEEPALIVE), GS, ALL, -1, GOOD3(0, 1, -1), BAD3(-2, 2, BIG) },
	{ OPT(TCP_KEEPALIVE_CNT), GS, ALL, -1, GOOD3(0, 127, -1),
	  BAD3(-2, 128, BIG) },
	{ OPT(TCP_KEEPALIVE_IDLE), GS, ALL, -1, GOOD3(0, 32767, -1),
	  BAD3(-2, 32768, BIG) },
	{ OPT(TCP_KEEPALIVE_INTVL), GS, ALL, -1, GOOD3(0, 32767, -1),
	  BAD3(-2, 32768, BIG) },
	{ OPT(TCP_MAXRT), GS, ALL, 0, GOOD3(1, BIG, 0), BAD2(-1, SMALL) },
	{ OPT(CONNECT_TIMEOUT), GS, ALL, 0, GOOD3(1, BIG, 0), BAD2(-1, SMALL) },
	{ OPT(USE_FD), GS, ALL, -1, GOOD3(0, BIG, -1), BAD2(-2, SMALL) },
	{ OPT(RECONNECT_STOP), GS, ALL, 0, GOOD3(4, 7, 0), BAD3(-1, 8, BIG) },
	{ OPT(PRIORITY), GS, ALL, 0, GOOD3(1, BIG, 0), BAD2(-1, SMALL) },
	{ OPT(BUSY_POLL), GS, ALL, 0, GOOD3(1, BIG, 0), BAD2(-1, SMALL) },
	{ OPT(RCVMORE), G, ALL, 0, NONE },
	{ OPT(MECHANISM), G, ALL, ZMQ_NULL, NONE },
	{ OPT(PLAIN_SERVER), GS, ALL, 0, FLAG },
	{ OPT(ZAP_ENFORCE_DOMAIN), GS, ALL, 0, GOOD2(1, 0) },
	{ OPT(THREAD_SAFE), G, ALL, 0, NONE },
	{ OPT(TOPICS_COUNT), G, XPUBS | SUBS, 0, NONE },
};

static int get_raw(int fd, int opt, void *val, socklen_t *len)
{
	return getsockopt(fd, SOL_ZMQ, opt, val, len);
}

/* a type's socket whose options nobody has touched */
static int fresh(int type)
{
	int fd = zsocket(type);

	KZ_CHECK(fd >= 0);
	return fd;
}

static int first_type(unsigned int types)
{
	return __builtin_ctz(types);
}

static bool same(const struct int_opt *o, long want, long got)
{
	int err = errno;

	if (want != got)
		fprintf(stderr, "# ZMQ_%s: got %ld, wanted %ld\n", o->name,
			got, want);
	errno = err;
	return want == got;
}

#define EXPECT_NOTED(want, got, o)	EXPECT_TRUE(same(o, want, got))

TEST(defaults)
{
	const struct int_opt *o;
	int type, fd, val;
	socklen_t len;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ints); i++) {
		o = &ints[i];
		if (!(o->rights & G))
			continue;
		for (type = 0; type < 12; type++) {
			if (!(o->types & 1u << type))
				continue;
			fd = fresh(type);
			val = 0x5a5a5a5a;
			len = sizeof(val);
			EXPECT_NOTED(0, get_raw(fd, o->opt, &val, &len), o);
			EXPECT_NOTED(o->def, val, o);
			EXPECT_NOTED(4, (int)len, o);
			xclose(fd);
		}
	}
}

/* SUB and XSUB have nothing to linger for */
TEST(linger_default)
{
	int sub = fresh(ZMQ_SUB), xsub = fresh(ZMQ_XSUB);

	EXPECT_EQ(0, zget(sub, ZMQ_LINGER));
	EXPECT_EQ(0, zget(xsub, ZMQ_LINGER));
}

TEST(values)
{
	const struct int_opt *o;
	size_t i;
	int k, fd;

	for (i = 0; i < ARRAY_SIZE(ints); i++) {
		o = &ints[i];
		if (!(o->rights & S))
			continue;
		fd = fresh(first_type(o->types));
		for (k = 0; k < o->ngood; k++) {
			EXPECT_NOTED(0, zset(fd, o->opt, o->good[k]), o);
			if (o->rights & G)
				EXPECT_NOTED(o->good[k], zget(fd, o->opt), o);
		}
		for (k = 0; k < o->nbad; k++) {
			errno = 0;
			EXPECT_NOTED(-1, zset(fd, o->opt, o->bad[k]), o);
			EXPECT_NOTED(EINVAL, errno, o);
			if (o->rights & G)
				EXPECT_NOTED(o->good[o->ngood - 1],
					     zget(fd, o->opt), o);
		}
		xclose(fd);
	}
}

TEST(rights)
{
	const struct int_opt *o;
	int fd, val = 0;
	socklen_t len;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ints); i++) {
		o = &ints[i];
		fd = fresh(first_type(o->types));
		if (!(o->rights & G)) {
			len = sizeof(val);
			errno = 0;
			EXPECT_NOTED(-1, get_raw(fd, o->opt, &val, &len), o);
			EXPECT_NOTED(EINVAL, errno, o);
		}
		if (!(o->rights & S)) {
			errno = 0;
			EXPECT_NOTED(-1, zset(fd, o->opt, 0), o);
			EXPECT_NOTED(EINVAL, errno, o);
		}
		xclose(fd);
	}
}

TEST(types)
{
	const struct int_opt *o;
	int type, fd, ret;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ints); i++) {
		o = &ints[i];
		if (!(o->rights & S) || o->types == (ALL & ~SUBS) ||
		    o->opt == ZMQ_CONFLATE)
			continue;
		for (type = 0; type < 12; type++) {
			fd = fresh(type);
			errno = 0;
			ret = zset(fd, o->opt, o->good[o->ngood - 1]);
			if (o->types & 1u << type) {
				EXPECT_EQ(0, ret)
					TH_LOG("ZMQ_%s type %d", o->name, type);
			} else {
				EXPECT_EQ(-1, ret)
					TH_LOG("ZMQ_%s type %d", o->name, type);
				EXPECT_EQ(EINVAL, errno);
			}
			xclose(fd);
		}
	}
}

TEST(lengths_of_integers)
{
	static const socklen_t bad[] = { 0, 1, 2, 3, 5, 8, 16, 4096 };
	const struct int_opt *o;
	char buf[4096] = { 0 };
	socklen_t len;
	size_t i, k;
	int fd;

	for (i = 0; i < ARRAY_SIZE(ints); i++) {
		o = &ints[i];
		fd = fresh(first_type(o->types));
		for (k = 0; o->rights & S && k < ARRAY_SIZE(bad); k++) {
			errno = 0;
			EXPECT_NOTED(-1, setsockopt(fd, SOL_ZMQ, o->opt, buf,
						    bad[k]), o);
			EXPECT_NOTED(EINVAL, errno, o);
		}
		for (len = 0; o->rights & G && len < 4; len++) {
			socklen_t l = len;

			errno = 0;
			EXPECT_NOTED(-1, get_raw(fd, o->opt, buf, &l), o);
			EXPECT_NOTED(EINVAL, errno, o);
		}
		if (o->rights & G) {
			len = sizeof(buf);
			EXPECT_NOTED(0, get_raw(fd, o->opt, buf, &len), o);
			EXPECT_NOTED(4, (int)len, o);
		}
		xclose(fd);
	}
}

TEST(bad_pointers)
{
	const struct int_opt *o;
	int fd, val;
	socklen_t len;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ints); i++) {
		o = &ints[i];
		fd = fresh(first_type(o->types));
		if (o->rights & S) {
			errno = 0;
			EXPECT_NOTED(-1, setsockopt(fd, SOL_ZMQ, o->opt,
						    BADPTR, 4), o);
			EXPECT_NOTED(EFAULT, errno, o);
			errno = 0;
			EXPECT_NOTED(-1, setsockopt(fd, SOL_ZMQ, o->opt,
						    NULL, 4), o);
			EXPECT_NOTED(EFAULT, errno, o);
		}
		if (o->rights & G) {
			len = 4;
			errno = 0;
			EXPECT_NOTED(-1, get_raw(fd, o->opt, BADPTR, &len), o);
			EXPECT_NOTED(EFAULT, errno, o);
			errno = 0;
			EXPECT_NOTED(-1, get_raw(fd, o->opt, &val, BADPTR), o);
			EXPECT_NOTED(EFAULT, errno, o);
		}
		xclose(fd);
	}
}

TEST(unknown_numbers)
{
	static const int bad[] = {
		0, 1, 2, 3, 10, 20, 26, 29, 30, 67, 82, 83, 125, 300, 999,
		1006, 2000, BIG, -1, SMALL,
	};
	int fd = fresh(ZMQ_DEALER), val = 0;
	socklen_t len = 4;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERR(EINVAL, zset(fd, bad[i], 0));
		EXPECT_ERR(EINVAL, get_raw(fd, bad[i], &val, &len));
	}
}

TEST(other_levels)
{
	static const int level[] = { 0, 6, 17, 41, 299, 301, -1 };
	int fd = fresh(ZMQ_DEALER), val = 0;
	socklen_t len = 4;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(level); i++) {
		EXPECT_ERR(ENOPROTOOPT, setsockopt(fd, level[i], ZMQ_LINGER,
						   &val, 4));
		EXPECT_ERR(ENOPROTOOPT, getsockopt(fd, level[i], ZMQ_LINGER,
						   &val, &len));
	}
}

TEST(negative_lengths)
{
	int fd = fresh(ZMQ_DEALER), val = 0;
	socklen_t len = -1;

	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_SNDHWM, &val, -1));
	EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, ZMQ_SNDHWM, &val, &len));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_ROUTING_ID, &val, -1));
}

TEST(type_and_events)
{
	int fd = fresh(ZMQ_XPUB), val;
	socklen_t len = 4;

	EXPECT_EQ(ZMQ_XPUB, zget(fd, ZMQ_TYPE));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_TYPE, ZMQ_PUB));
	EXPECT_EQ(ZMQ_POLLOUT, zget(fd, ZMQ_EVENTS));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_EVENTS, 0));
	len = 3;
	EXPECT_ERR(EINVAL, get_raw(fd, ZMQ_TYPE, &val, &len));
}

TEST(maxmsgsize)
{
	static const long long good[] = { 0, 1, 100, 1LL << 40, -1,
					  0x7fffffffffffffffLL };
	static const long long bad[] = { -2, -0x7fffffffffffffffLL - 1 };
	int fd = fresh(ZMQ_PULL), small = 5;
	long long val = 0;
	socklen_t len = 8;
	size_t i;

	EXPECT_OK(get_raw(fd, ZMQ_MAXMSGSIZE, &val, &len));
	EXPECT_EQ(-1, val);
	EXPECT_EQ(8, len);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_MAXMSGSIZE, &good[i], 8));
		EXPECT_OK(get_raw(fd, ZMQ_MAXMSGSIZE, &val, &len));
		EXPECT_EQ(good[i], val);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_MAXMSGSIZE,
					      &bad[i], 8));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_MAXMSGSIZE, &small, 4));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_MAXMSGSIZE, BADPTR, 8));
	len = 7;
	EXPECT_ERR(EINVAL, get_raw(fd, ZMQ_MAXMSGSIZE, &val, &len));
}

TEST(affinity)
{
	unsigned long long val = 5;
	int fd = fresh(ZMQ_PULL);
	socklen_t len = 8;

	EXPECT_OK(get_raw(fd, ZMQ_AFFINITY, &val, &len));
	EXPECT_EQ(0, val);
	val = ~0ULL;
	EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_AFFINITY, &val, 8));
	val = 0;
	EXPECT_OK(get_raw(fd, ZMQ_AFFINITY, &val, &len));
	EXPECT_EQ(~0ULL, val);
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_AFFINITY, &val, 4));
}

TEST(routing_id)
{
	int fd = fresh(ZMQ_DEALER);
	char id[256], got[256];
	socklen_t len;
	size_t i;

	len = sizeof(got);
	EXPECT_OK(get_raw(fd, ZMQ_ROUTING_ID, got, &len));
	EXPECT_EQ(0, len);
	fill(id, sizeof(id), 7);
	for (i = 1; i < 256; i += 127) {
		EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_ROUTING_ID, id, i));
		len = sizeof(got);
		EXPECT_OK(get_raw(fd, ZMQ_ROUTING_ID, got, &len));
		EXPECT_EQ(i, len);
		EXPECT_EQ(0, memcmp(id, got, i));
	}
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_ROUTING_ID, id, 0));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_ROUTING_ID, id, 256));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_ROUTING_ID, BADPTR, 9));
	len = 254;
	EXPECT_ERR(EINVAL, get_raw(fd, ZMQ_ROUTING_ID, got, &len));
	len = 255;
	EXPECT_OK(get_raw(fd, ZMQ_ROUTING_ID, got, &len));
	EXPECT_ERR(EFAULT, get_raw(fd, ZMQ_ROUTING_ID, BADPTR, &len));
}

TEST(last_endpoint)
{
	int fd = fresh(ZMQ_PULL);
	char ep[EP_LEN], got[EP_LEN];
	socklen_t len = sizeof(got);

	memset(got, 'x', sizeof(got));
	EXPECT_OK(get_raw(fd, ZMQ_LAST_ENDPOINT, got, &len));
	EXPECT_EQ(1, len);
	EXPECT_EQ(0, got[0]);
	xbind_any(fd, ep);
	len = strlen(ep);
	EXPECT_ERR(EINVAL, get_raw(fd, ZMQ_LAST_ENDPOINT, got, &len));
	len = strlen(ep) + 1;
	EXPECT_OK(get_raw(fd, ZMQ_LAST_ENDPOINT, got, &len));
	EXPECT_STREQ(ep, got);
	EXPECT_ERR(EINVAL, zset_text(fd, ZMQ_LAST_ENDPOINT, ep));
}

TEST(write_only_texts)
{
	static const int opt[] = {
		ZMQ_BIND, ZMQ_CONNECT, ZMQ_UNBIND, ZMQ_DISCONNECT,
		ZMQ_SUBSCRIBE, ZMQ_UNSUBSCRIBE, ZMQ_CONNECT_ROUTING_ID,
		ZMQ_XPUB_WELCOME_MSG,
	};
	char buf[64];
	socklen_t len = sizeof(buf);
	size_t i;
	int type;

	for (type = 0; type < 12; type++)
		for (i = 0; i < ARRAY_SIZE(opt); i++) {
			int fd = fresh(type);

			EXPECT_ERR(EINVAL, get_raw(fd, opt[i], buf, &len));
			xclose(fd);
		}
}

TEST(subscribe_where_it_belongs)
{
	int type;

	for (type = 0; type < 12; type++) {
		int fd = fresh(type);

		if (type == ZMQ_SUB) {
			EXPECT_OK(zset_text(fd, ZMQ_SUBSCRIBE, "a"));
			EXPECT_OK(zset_text(fd, ZMQ_UNSUBSCRIBE, "a"));
			EXPECT_OK(zset_text(fd, ZMQ_UNSUBSCRIBE, "b"));
			EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ,
						      ZMQ_SUBSCRIBE, BADPTR, 3));
			EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_SUBSCRIBE,
					     NULL, 0));
		} else {
			EXPECT_ERR(EINVAL, zset_text(fd, ZMQ_SUBSCRIBE, "a"));
			EXPECT_ERR(EINVAL, zset_text(fd, ZMQ_UNSUBSCRIBE, "a"));
		}
		xclose(fd);
	}
}

TEST(connect_routing_id)
{
	char id[256];
	int type;

	fill(id, sizeof(id), 1);
	for (type = 0; type < 12; type++) {
		int fd = fresh(type);

		if (type == ZMQ_ROUTER || type == ZMQ_STREAM) {
			EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_CONNECT_ROUTING_ID,
					     id, 255));
			EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ,
						      ZMQ_CONNECT_ROUTING_ID,
						      id, 256));
		} else {
			EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ,
						      ZMQ_CONNECT_ROUTING_ID,
						      id, 5));
		}
		xclose(fd);
	}
}

/* the generic options of every socket */
TEST(socket_level)
{
	int fd = fresh(ZMQ_PULL), val;
	socklen_t len = sizeof(val);

	val = 100000;
	EXPECT_OK(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &val, len));
	EXPECT_OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &val, len));
	EXPECT_OK(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &val, &len));
	EXPECT_ERR(ENOPROTOOPT, setsockopt(fd, SOL_SOCKET, 9999, &val, len));
}

/* what the manual and the header say about the size of things */
TEST(structures)
{
	EXPECT_EQ(128, sizeof(struct sockaddr_zmq));
	EXPECT_EQ(2, offsetof(struct sockaddr_zmq, szmq_endpoint));
	EXPECT_EQ(72, sizeof(struct zmq_stats));
	EXPECT_EQ(8, offsetof(struct zmq_stats, in_msgs));
}

ZMQ_HARNESS_MAIN
