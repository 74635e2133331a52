// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 */
/*
 * Raw peers that send what no peer should. Only their connection may end, a
 * counter tells of it, and a good peer of the same socket notices nothing.
 */
#include "kselftest_harness.h"
#include "lib.h"

#define SIG	"\xff\0\0\0\0\0\0\0\1\x7f"

struct target {
	int fd, good;
	char ep[EP_LEN];
	const char *type, *peer;
};

FIXTURE(h) {
	struct target t;
};

FIXTURE_VARIANT(h) {
	int type, good;
	const char *name, *peer;
};

FIXTURE_VARIANT_ADD(h, pull) { ZMQ_PULL, ZMQ_PUSH, "PULL", "PUSH" };
FIXTURE_VARIANT_ADD(h, push) { ZMQ_PUSH, ZMQ_PULL, "PUSH", "PULL" };
FIXTURE_VARIANT_ADD(h, router) { ZMQ_ROUTER, ZMQ_DEALER, "ROUTER", "DEALER" };
FIXTURE_VARIANT_ADD(h, sub) { ZMQ_SUB, ZMQ_PUB, "SUB", "PUB" };
FIXTURE_VARIANT_ADD(h, pub) { ZMQ_PUB, ZMQ_SUB, "PUB", "SUB" };
FIXTURE_VARIANT_ADD(h, xpub) { ZMQ_XPUB, ZMQ_SUB, "XPUB", "SUB" };
FIXTURE_VARIANT_ADD(h, rep) { ZMQ_REP, ZMQ_REQ, "REP", "REQ" };
FIXTURE_VARIANT_ADD(h, req) { ZMQ_REQ, ZMQ_REP, "REQ", "REP" };

FIXTURE_SETUP(h)
{
	self->t.type = variant->name;
	self->t.peer = variant->peer;
	self->t.fd = xsocket(variant->type);
	self->t.good = xsocket(variant->good);
	xbind_any(self->t.fd, self->t.ep);
	if (variant->type == ZMQ_SUB)
		xset_text(self->t.fd, ZMQ_SUBSCRIBE, "");
	xconnect(self->t.good, self->t.ep);
	xpeers(self->t.fd, 1);
	xpeers(self->t.good, 1);
}

FIXTURE_TEARDOWN(h)
{
	xclose(self->t.fd);
	xclose(self->t.good);
}

/* the good peer is still served: it sees a message of ours or we one of its */
static bool pub_reaches(int pub, int sub)
{
	char buf[16];
	int i;

	xset_text(sub, ZMQ_SUBSCRIBE, "ok");
	for (i = 0; i < 1000; i++) {
		xsends(pub, "ok", 0);
		if (poll1(sub, POLLIN, 5))
			return recv(sub, buf, sizeof(buf), 0) == 2;
	}
	return false;
}

/* there may be others in the round */
static bool push_reaches(int fd, int good)
{
	char buf[16];
	int i;

	for (i = 0; i < 500; i++) {
		xsends(fd, "ok", 0);
		if (poll1(good, POLLIN, 5))
			return recv(good, buf, sizeof(buf), 0) == 2;
	}
	return false;
}

static bool good_lives(struct target *t)
{
	int type = zget(t->fd, ZMQ_TYPE);
	char buf[300];

	switch (type) {
	case ZMQ_PUSH:
		return push_reaches(t->fd, t->good);
	case ZMQ_PUB:
	case ZMQ_XPUB:
		return pub_reaches(t->fd, t->good);
	case ZMQ_SUB:
		return pub_reaches(t->good, t->fd);
	case ZMQ_REQ:
		xset(t->fd, ZMQ_REQ_RELAXED, 1);
		return push_reaches(t->fd, t->good);
	case ZMQ_REP:
		xsends(t->good, "ok", 0);
		return recv(t->fd, buf, sizeof(buf), 0) == 2;
	case ZMQ_ROUTER:
		xsends(t->good, "ok", 0);
		return recv(t->fd, buf, sizeof(buf), 0) == 5 &&
		       recv(t->fd, buf, sizeof(buf), 0) == 2;
	default:
		xsends(t->good, "ok", 0);
		return recv(t->fd, buf, sizeof(buf), 0) == 2;
	}
}

/* A peer that has got so far as asked. */
enum stage {
	CONNECTED, GREETED, READY
};

static int stage_peer(struct target *t, enum stage at, int minor)
{
	int raw = raw_connect(t->ep);

	if (at == GREETED)
		raw_greeting(raw, minor);
	else if (at == READY)
		KZ_CHECK(raw_handshake(raw, minor, t->peer, t->type));
	return raw;
}

struct attack {
	const char *name;
	enum stage stage;
	const char *data;
	size_t len;
};

#define Z16	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS	"" Z16 Z16 Z16 Z16
#define ATTACK(_name, _stage, _bytes)					\
	.name = _name, .stage = _stage, .data = _bytes,			\
	.len = sizeof(_bytes) - 1

static const struct attack attacks[] = {
	/* greetings */
	{ ATTACK("1.0 length 0", CONNECTED, "\0") },
	{ ATTACK("1.0 long length 0", CONNECTED, "\xff\0\0\0\0\0\0\0\0\0") },
	{ ATTACK("1.0 identity of 2^63", CONNECTED,
	       "\xff\x80\0\0\0\0\0\0\0\0xx") },
	{ ATTACK("1.0 identity of 2^64-1", CONNECTED,
	       "\xff\xff\xff\xff\xff\xff\xff\xff\xff\0xx") },
	{ ATTACK("1.0 identity of 300", CONNECTED, "\xff\0\0\0\0\0\0\1\x2c\0xx") },
	{ ATTACK("1.0 frame of 2^63", CONNECTED,
	       "\1\0\xff\x80\0\0\0\0\0\0\0\0x") },
	{ ATTACK("1.0 frame of 2^64-1", CONNECTED,
	       "\1\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\0x") },
	{ ATTACK("1.0 frame of length 0", CONNECTED, "\1\0\0") },
	{ ATTACK("1.0 long frame of length 0", CONNECTED,
	       "\1\0\xff\0\0\0\0\0\0\0\0\0") },
	{ ATTACK("unknown mechanism", CONNECTED, SIG "\3\1NULX" ZEROS) },
	{ ATTACK("longer mechanism", CONNECTED, SIG "\3\1NULLx" ZEROS) },
	{ ATTACK("lower case mechanism", CONNECTED, SIG "\3\1null" ZEROS) },
	{ ATTACK("no mechanism", CONNECTED, SIG "\3\1" ZEROS) },
	{ ATTACK("PLAIN at a NULL socket", CONNECTED, SIG "\3\1PLAIN" ZEROS) },
	{ ATTACK("2.0 frame of 2^64-1", CONNECTED, SIG "\1\5\0\0\2"
	       "\xff\xff\xff\xff\xff\xff\xff\xff") },
	{ ATTACK("2.0 identity of 256", CONNECTED, SIG "\1\5\2"
	       "\0\0\0\0\0\0\1\0x") },
	{ ATTACK("2.0 identity with MORE", CONNECTED, SIG "\1\5\1\1x\2"
	       "\xff\xff\xff\xff\xff\xff\xff\xff") },
	/* handshakes */
	{ ATTACK("message before READY", GREETED, "\0\5hello") },
	{ ATTACK("command with MORE", GREETED, "\5\6\5READY") },
	{ ATTACK("no command name", GREETED, "\4\0") },
	{ ATTACK("name longer than the command", GREETED, "\4\6\xffREADY") },
	{ ATTACK("unknown command", GREETED, "\4\6\5HELLO") },
	{ ATTACK("PING before READY", GREETED, "\4\7\4PING\0\0") },
	{ ATTACK("ERROR", GREETED, "\4\7\5ERROR\0") },
	{ ATTACK("ERROR with overlong reason", GREETED, "\4\7\5ERROR\xff") },
	{ ATTACK("READY of 2^31", GREETED, "\6\0\0\0\0\x80\0\0\0\5READY") },
	{ ATTACK("READY of 2^63-1", GREETED,
	       "\6\x7f\xff\xff\xff\xff\xff\xff\xff\5READY") },
	{ ATTACK("READY of 2^64-1", GREETED,
	       "\6\xff\xff\xff\xff\xff\xff\xff\xff\5READY") },
	{ ATTACK("READY of 1 MiB", GREETED, "\6\0\0\0\0\0\x10\0\0\5READY") },
	{ ATTACK("property without name", GREETED, "\4\13\5READY\0\0\0\0\0") },
	{ ATTACK("property name cut", GREETED, "\4\14\5READY\xff" "abcde") },
	{ ATTACK("property length cut", GREETED, "\4\12\5READY\1a\0\0") },
	{ ATTACK("property value cut", GREETED, "\4\15\5READY\1a\0\0\0\xff" "b") },
	{ ATTACK("property value of 2^31", GREETED,
	       "\4\15\5READY\1a\x80\0\0\0b") },
	{ ATTACK("property value of 2^32-1", GREETED,
	       "\4\15\5READY\1a\xff\xff\xff\xff" "b") },
	{ ATTACK("one octet behind the properties", GREETED,
	       "\4\x0d\5READY\1a\0\0\0\0\0") },
	{ ATTACK("wrong socket type", GREETED,
	       "\4\x1b\5READY\13Socket-Type\0\0\0\5RADIO") },
	{ ATTACK("no such socket type", GREETED,
	       "\4\x1b\5READY\13Socket-Type\0\0\0\5HAMMR") },
	{ ATTACK("empty socket type", GREETED,
	       "\4\x16\5READY\13Socket-Type\0\0\0\0") },
	{ ATTACK("socket type with NUL", GREETED,
	       "\4\x1b\5READY\13Socket-Type\0\0\0\5PUSH\0") },
	/* traffic */
	{ ATTACK("frame of 2^63", READY, "\2\x80\0\0\0\0\0\0\0x") },
	{ ATTACK("frame of 2^64-1", READY, "\2\xff\xff\xff\xff\xff\xff\xff\xffx") },
	{ ATTACK("frame of 2^64-9", READY, "\2\xff\xff\xff\xff\xff\xff\xff\xf7x") },
	{ ATTACK("frame of 2^63-1", READY, "\2\x7f\xff\xff\xff\xff\xff\xff\xffx") },
	{ ATTACK("sum that wraps", READY,
	       "\1\1a\3\x7f\xff\xff\xff\xff\xff\xff\xff" "b") },
	{ ATTACK("command with MORE after READY", READY, "\5\7\4PING\0\0") },
	{ ATTACK("command of 2^63", READY, "\6\x80\0\0\0\0\0\0\0x") },
	{ ATTACK("command of 2^64-1", READY, "\6\xff\xff\xff\xff\xff\xff\xff\xff") },
	{ ATTACK("empty command", READY, "\4\0") },
	{ ATTACK("command name too long", READY, "\4\5\5PING") },
	{ ATTACK("PING without ttl", READY, "\4\5\4PING") },
	{ ATTACK("PING with half a ttl", READY, "\4\6\4PING\0") },
};

TEST_F_TIMEOUT(h, ends_that_connection_only, 60)
{
	const struct attack *a;
	long before;
	size_t i;
	int raw;

	for (i = 0; i < ARRAY_SIZE(attacks); i++) {
		a = &attacks[i];
		raw = stage_peer(&self->t, a->stage, 1);
		before = mib_faults();
		raw_try_write(raw, a->data, a->len);
		EXPECT_TRUE(raw_closed(raw)) {
			TH_LOG("%s", a->name);
		}
		EXPECT_TRUE(wait_fault(before, KZ_WAIT_MS)) {
			TH_LOG("%s", a->name);
		}
		xclose(raw);
	}
	EXPECT_TRUE(wait_peers(self->t.fd, 1, KZ_WAIT_MS));
	EXPECT_TRUE(good_lives(&self->t));
}

/*
 * Where all is slow each type has some of the cases; types beside each other have
 * other ones, so that together they have them all.
 */
static size_t first(int fd, size_t step)
{
	return zget(fd, ZMQ_TYPE) % step;
}

/* the same, an octet at a time */
TEST_F_TIMEOUT(h, in_small_pieces, 60)
{
	const size_t step = kz_slow() > 1 ? 4 : 1;
	const struct attack *a;
	size_t i, k;
	int raw;

	for (i = first(self->t.fd, step); i < ARRAY_SIZE(attacks); i += step) {
		a = &attacks[i];
		raw = stage_peer(&self->t, a->stage, 1);
		for (k = 0; k < a->len; k++)
			if (!raw_try_write(raw, a->data + k, 1))
				break;
		EXPECT_TRUE(raw_closed(raw)) {
			TH_LOG("%s", a->name);
		}
		xclose(raw);
	}
	EXPECT_TRUE(good_lives(&self->t));
}

/* a peer that goes in the middle of anything leaves nothing behind */
TEST_F_TIMEOUT(h, cut_at_every_octet, 60)
{
	char all[200] = SIG "\3\1NULL";
	const size_t step = kz_slow() > 1 ? 4 : 1;
	size_t n = 64, i;
	int raw;

	n += sprintf(all + n, "\4%c\5READY%cSocket-Type", (int)(22 +
		     strlen(self->t.peer)), 11);
	memcpy(all + n, (char[]){ 0, 0, 0, strlen(self->t.peer) }, 4);
	n += 4;
	n += sprintf(all + n, "%s", self->t.peer);
	memcpy(all + n, "\1\3abc\1\2de\2\0\0\0\0\0\0\0\4x", 19);
	n += 19;
	for (i = first(self->t.fd, step); i <= n; i += step) {
		raw = raw_connect(self->t.ep);
		raw_try_write(raw, all, i);
		xclose(raw);
	}
	EXPECT_TRUE(wait_peers(self->t.fd, 1, KZ_WAIT_MS));
	EXPECT_TRUE(good_lives(&self->t));
}

/* nothing of a message that never ended is seen */
TEST_F(h, gone_in_mid_message)
{
	int raw = stage_peer(&self->t, READY, 1), i;

	for (i = 0; i < 100; i++)
		raw_try_write(raw, RAW_LIT("\1\5hello"));
	xclose(raw);
	EXPECT_TRUE(wait_peers(self->t.fd, 1, KZ_WAIT_MS));
	EXPECT_TRUE(good_lives(&self->t));
	if (zget(self->t.fd, ZMQ_TYPE) == ZMQ_PULL)
		EXPECT_EQ(0, poll1(self->t.fd, POLLIN, 0));
}

/* a frame may be promised large; memory is taken as it comes */
TEST_F(h, promises_cost_nothing)
{
	struct zmq_stats st;
	int raw[20], i;

	for (i = 0; i < 20; i++) {
		raw[i] = stage_peer(&self->t, READY, 1);
		raw_frame_long(raw[i], 2, 1ULL << 30);
		raw_try_write(raw[i], "x", 1);
	}
	EXPECT_TRUE(good_lives(&self->t));
	xstats(self->t.fd, &st);
	EXPECT_GE(8ULL << 20, st.mem);
	for (i = 0; i < 20; i++)
		xclose(raw[i]);
	EXPECT_TRUE(wait_peers(self->t.fd, 1, KZ_WAIT_MS));
}

/* every kind of peer that this type does not talk to */
TEST_F(h, types_that_do_not_fit)
{
	static const char *const type[] = {
		"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL",
		"PUSH", "XPUB", "XSUB", "STREAM", "SERVER", "CLIENT", "RADIO",
		"DISH", "GATHER", "SCATTER", "DGRAM", "PEER", "CHANNEL",
		"push", "PUSHPUSH", "",
	};
	static const char fits[][32] = {
		[ZMQ_PULL] = " PUSH ", [ZMQ_PUSH] = " PULL ",
		[ZMQ_ROUTER] = " REQ DEALER ROUTER ",
		[ZMQ_SUB] = " PUB XPUB ", [ZMQ_PUB] = " SUB XSUB ",
		[ZMQ_XPUB] = " SUB XSUB ", [ZMQ_REP] = " REQ DEALER ",
		[ZMQ_REQ] = " REP ROUTER ",
	};
	char name[32];
	size_t i;
	int raw;

	for (i = 0; i < ARRAY_SIZE(type); i++) {
		snprintf(name, sizeof(name), " %s ", type[i]);
		raw = stage_peer(&self->t, GREETED, 1);
		raw_ready(raw, type[i], NULL, -1);
		if (strstr(fits[zget(self->t.fd, ZMQ_TYPE)], name)) {
			EXPECT_TRUE(wait_peers(self->t.fd, 2, KZ_WAIT_MS)) {
				TH_LOG("%s", type[i]);
			}
		} else {
			EXPECT_TRUE(raw_closed(raw)) {
				TH_LOG("%s", type[i]);
			}
		}
		xclose(raw);
		ASSERT_TRUE(wait_peers(self->t.fd, 1, KZ_WAIT_MS));
	}
	EXPECT_TRUE(good_lives(&self->t));
}

/* PINGs without end whose PONGs nobody reads */
TEST_F(h, ping_flood)
{
	static char ping[9 * 1000];
	struct zmq_stats st;
	int raw = stage_peer(&self->t, READY, 1), i;

	for (i = 0; i < 1000; i++)
		memcpy(ping + i * 9, "\4\7\4PING\0\0", 9);
	for (i = 0; i < 400; i++)
		if (send(raw, ping, sizeof(ping), MSG_DONTWAIT | MSG_NOSIGNAL)
		    < 0 && !poll1(raw, POLLOUT, 10))
			break;
	xstats(self->t.fd, &st);
	EXPECT_GE(4ULL << 20, st.mem);
	EXPECT_TRUE(good_lives(&self->t));
	xclose(raw);
}

/* messages from a peer that is not asked for any */
TEST_F(h, unwanted_messages)
{
	int raw = stage_peer(&self->t, READY, 1), i, type;
	struct zmq_stats st;

	type = zget(self->t.fd, ZMQ_TYPE);
	if (type != ZMQ_PUB && type != ZMQ_PUSH)
		return;
	for (i = 0; i < kz_less(20000); i++)
		if (!raw_try_write(raw, RAW_LIT("\0\5hello")))
			break;
	xstats(self->t.fd, &st);
	EXPECT_GE(1ULL << 20, st.mem);
	EXPECT_TRUE(good_lives(&self->t));
	xclose(raw);
}

TEST(maxmsgsize_ends_the_connection)
{
	long long max = 100, before;
	int fd = xsocket(ZMQ_PULL), raw;
	char ep[EP_LEN], body[101] = "";

	xset_bytes(fd, ZMQ_MAXMSGSIZE, &max, sizeof(max));
	xbind_any(fd, ep);
	raw = raw_peer(ep, "PUSH", "PULL");
	raw_frame(raw, 0, body, 100);
	EXPECT_EQ(100, recv(fd, body, sizeof(body), 0));
	before = mib_faults();
	raw_try_write(raw, RAW_LIT("\0\x65"));
	EXPECT_TRUE(raw_closed(raw));
	EXPECT_TRUE(wait_fault(before, KZ_WAIT_MS));
	/* and that of another one too, already by its size */
	raw = raw_peer(ep, "PUSH", "PULL");
	raw_frame_long(raw, 2, 1ULL << 40);
	EXPECT_TRUE(raw_closed(raw));
}

/* commands count: where READY is too long only peers without one get in */
TEST(maxmsgsize_counts_the_handshake)
{
	static const char ready[] = "\5READY\13Socket-Type\0\0\0\4PUSH";
	long long max = sizeof(ready) - 2;
	int fd = xsocket(ZMQ_PULL), raw, i;
	char ep[EP_LEN];

	for (i = 0; i < 2; i++, max++) {
		xset_bytes(fd, ZMQ_MAXMSGSIZE, &max, sizeof(max));
		xbind_any(fd, ep);
		raw = raw_connect(ep);
		raw_greeting(raw, 1);
		raw_frame(raw, 4, ready, sizeof(ready) - 1);
		raw_try_write(raw, RAW_LIT("\0\1x"));
		if (i) {
			EXPECT_GOT(fd, "x");
		} else {
			EXPECT_TRUE(raw_closed(raw));
			EXPECT_QUIET(fd);
		}
		xclose(raw);
		raw = raw_connect(ep);
		raw_write(raw, RAW_LIT("\1\0\6\0hello"));
		EXPECT_GOT(fd, "hello");
		xclose(raw);
	}
}

/* a connecting socket whose peer breaks the protocol gives up for good */
TEST(protocol_errors_are_final)
{
	int push = xsocket(ZMQ_PUSH), l, c;
	char ep[EP_LEN];

	l = raw_listen(ep);
	xset(push, ZMQ_RECONNECT_IVL, 10);
	xconnect(push, ep);
	c = raw_accept(l);
	raw_greeting(c, 1);
	raw_ready(c, "PUB", NULL, -1);
	EXPECT_TRUE(raw_closed(c));
	xclose(c);
	EXPECT_EQ(0, poll1(l, POLLIN, kz_ms(300)));
}

TEST(handshake_time_limit)
{
	int fd = xsocket(ZMQ_PULL), raw[3], i;
	char ep[EP_LEN];

	xset(fd, ZMQ_HANDSHAKE_IVL, 200);
	xbind_any(fd, ep);
	raw[0] = raw_connect(ep);
	raw[1] = raw_connect(ep);
	raw_write(raw[1], SIG, 10);
	raw[2] = raw_connect(ep);
	raw_greeting(raw[2], 1);
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(raw_closed(raw[i]));
}

/* who has been silent longest makes room; nobody who is ready does */
TEST(oldest_handshake_goes)
{
	int fd, good, raw[30], i;
	char ep[EP_LEN], sig[10];

	own_netns();
	fd = xsocket(ZMQ_PULL);
	good = xsocket(ZMQ_PUSH);
	xbind_any(fd, ep);
	xconnect(good, ep);
	xpeers(fd, 1);
	ASSERT_OK(sysctl_set("handshakes_max", 10));
	for (i = 0; i < 30; i++)
		raw[i] = raw_connect(ep);
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(raw_closed(raw[i]));
	/* only our signature, and they live */
	for (i = 20; i < 30; i++)
		EXPECT_TRUE(raw_read(raw[i], sig, 10));
	EXPECT_LE(20, mib("HandshakesEvicted"));
	xsends(good, "undisturbed", 0);
	EXPECT_GOT(fd, "undisturbed");
}

/* connections over the limit wait until one goes */
TEST(connections_are_limited)
{
	struct zmq_stats st[8];
	int fd, push[8], i, n;
	char ep[EP_LEN];
	long long end;

	own_netns();
	ASSERT_OK(sysctl_set("conns_max", 5));
	fd = xsocket(ZMQ_PULL);
	xbind_any(fd, ep);
	for (i = 0; i < 8; i++) {
		push[i] = xsocket(ZMQ_PUSH);
		xconnect(push[i], ep);
	}
	xpeers(fd, 5);
	poll1(fd, 0, kz_ms(KZ_QUIET_MS));
	xpeers(fd, 5);
	/* who was let in knows it soon */
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	do {
		poll(NULL, 0, 1);
		for (i = n = 0; i < 8; i++) {
			xstats(push[i], &st[i]);
			n += st[i].peers;
		}
	} while (n < 5 && kz_now_ms() < end);
	ASSERT_EQ(5, n);
	/* as soon as these go, others are */
	for (i = 0; i < 8; i++)
		if (st[i].peers)
			xclose(push[i]);
	xpeers(fd, 3);
}

/* so are those who come, say a word that is not heard yet, and leave */
TEST(those_who_left_are_limited)
{
	int fd, push, i;
	char ep[EP_LEN];

	own_netns();
	ASSERT_OK(sysctl_set("conns_max", 5));
	fd = xsocket(ZMQ_PULL);
	xbind_any(fd, ep);
	for (i = 0; i < 5; i++) {
		push = xsocket(ZMQ_PUSH);
		xset(push, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
		xconnect(push, ep);
		xsends(push, "and away", 0);
		xclose(push);
		ASSERT_TRUE(wait_in_msgs(fd, i + 1, KZ_WAIT_MS));
		xpeers(fd, 0);
	}
	push = xsocket(ZMQ_PUSH);
	xconnect(push, ep);
	EXPECT_FALSE(wait_peers(push, 1, KZ_QUIET_MS));
	EXPECT_GOT(fd, "and away");
	xpeers(push, 1);
	for (i = 0; i < 4; i++)
		EXPECT_GOT(fd, "and away");
	xsends(push, "and stay", 0);
	EXPECT_GOT(fd, "and stay");
}

ZMQ_HARNESS_MAIN
