// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 200 */
/* ZAP (RFC 27): what a handler is asked, and what becomes of what it says. */
#include "kselftest_harness.h"
#include "libmon.h"
#include "libpeers.h"
#include "libzap.h"

#define ASSERT_FRAME(q, i, text) ASSERT_TRUE(zap_frame_is(q, i, text))

/* ID stands for the number of the question. */
static const char ID[] = "id";
static char long_text[5000];

#define P(s)	ZAP_PART(s)
#define P_ID	{ ID, 0 }
#define P_LONG(n) { long_text, n }

static void say_parts(int h, const struct zap_q *q, const struct zap_part *f,
		      int n)
{
	struct zap_part own[9];
	int i;

	memcpy(own, f, n * sizeof(*f));
	for (i = 0; i < n; i++)
		if (own[i].data == ID)
			own[i] = (struct zap_part){ q->f[ZAP_ID], q->len[ZAP_ID] };
	zap_send(h, q, own, n);
}

/*
 * Somebody was let in; the peer's handle. One that was not, and whose end was
 * told already, may be listed for a moment more.
 */
static __u64 peer_in(int server)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	struct peer p;

	xpeers(server, 1);
	while (peers_list(server, &p, 1, PAGE) > 1 && kz_now_ms() < end)
		poll(NULL, 0, 1);
	return peers_one(server).p.handle;
}

static void check_question(struct __test_metadata *_metadata, int type)
{
	struct zap_q q, again;
	char ep[EP_LEN];
	int h = zap_handler(type), server, push;
	__u64 who;

	server = xsocket(ZMQ_ROUTER);
	xset_text(server, ZMQ_ZAP_DOMAIN, "some domain");
	xset_text(server, ZMQ_ROUTING_ID, "the server");
	xbind_any(server, ep);
	push = xsocket(ZMQ_DEALER);
	xset_text(push, ZMQ_ROUTING_ID, "the client");
	xconnect(push, ep);
	ASSERT_TRUE(zap_read(h, &q));
	EXPECT_EQ(ZAP_CREDS, q.n);
	ASSERT_FRAME(&q, ZAP_VERSION, "1.0");
	ASSERT_LT(0, q.len[ZAP_ID]);
	ASSERT_FRAME(&q, ZAP_DOMAIN, "some domain");
	ASSERT_FRAME(&q, ZAP_ADDRESS, "127.0.0.1");
	ASSERT_FRAME(&q, ZAP_IDENTITY, "the server");
	ASSERT_FRAME(&q, ZAP_MECHANISM, "NULL");
	/* nobody is in before he is let in, and it is asked once */
	EXPECT_EQ(0, poll1(h, POLLIN, kz_ms(KZ_QUIET_MS)));
	EXPECT_FALSE(wait_peers(server, 1, 0));
	zap_say(h, &q, "200", "joe");
	who = peer_in(server);
	EXPECT_PROP("joe", server, who, "User-Id");
	EXPECT_PROP("the client", server, who, "Routing-Id");
	xsends(push, "in", 0);
	EXPECT_GOT(server, "the client", "in");
	/* the next one has a number of its own */
	xclose(push);
	xpeers(server, 0);
	push = xsocket(ZMQ_DEALER);
	xconnect(push, ep);
	ASSERT_TRUE(zap_read(h, &again));
	EXPECT_NE(0, strcmp(q.f[ZAP_ID], again.f[ZAP_ID]));
	zap_say(h, &again, "200", "");
	who = peer_in(server);
	EXPECT_PROP("", server, who, "User-Id");
	xclose(push);
	xclose(server);
	xclose(h);
}

TEST(question_to_rep)
{
	check_question(_metadata, ZMQ_REP);
}

TEST(question_to_router)
{
	check_question(_metadata, ZMQ_ROUTER);
}

TEST(address_of_ipc)
{
	int h = zap_handler(ZMQ_REP), server, push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN], want[64];
	struct zap_q q;

	server = zap_server(ZMQ_PULL, "ipc:///tmp/zap.ipc", ep);
	xconnect(push, ep);
	ASSERT_TRUE(zap_read(h, &q));
	snprintf(want, sizeof(want), "localhost:%d:%d:%d", getuid(), getgid(),
		 getpid());
	ASSERT_FRAME(&q, ZAP_ADDRESS, want);
	ASSERT_FRAME(&q, ZAP_IDENTITY, "");
	zap_say(h, &q, "200", "");
	xpeers(server, 1);
	xsends(push, "in", 0);
	EXPECT_GOT(server, "in");
}

TEST(plain_credentials)
{
	int h = zap_handler(ZMQ_ROUTER), server = xsocket(ZMQ_PULL);
	int push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN], user[256];
	struct zap_q q;

	/* no domain, none in the question */
	xset(server, ZMQ_PLAIN_SERVER, 1);
	xbind_any(server, ep);
	memset(user, 'u', 255);
	user[255] = '\0';
	xset_text(push, ZMQ_PLAIN_USERNAME, user);
	xset_text(push, ZMQ_PLAIN_PASSWORD, "secret");
	xconnect(push, ep);
	ASSERT_TRUE(zap_read(h, &q));
	EXPECT_EQ(ZAP_CREDS + 2, q.n);
	ASSERT_FRAME(&q, ZAP_DOMAIN, "");
	ASSERT_FRAME(&q, ZAP_MECHANISM, "PLAIN");
	ASSERT_FRAME(&q, ZAP_CREDS, user);
	ASSERT_FRAME(&q, ZAP_CREDS + 1, "secret");
	zap_say(h, &q, "200", user);
	EXPECT_PROP(user, server, peer_in(server), "User-Id");
	xsends(push, "in", 0);
	EXPECT_GOT(server, "in");
}

/* A client may call itself what it likes; who it is says the handler. */
TEST(properties)
{
	static const struct zap_part reply[] = {
		P(""), P("1.0"), P_ID, P("200"), P(""), P("joe"),
		P("\7X-Level\0\0\0\1" "3" "\7user-id\0\0\0\3" "ann"
		  "\6X-None\0\0\0\0" "\6X-Both\0\0\0\3two"),
	};
	int h = zap_handler(ZMQ_ROUTER), raw, server, plain;
	static const char ready[] = "\13Socket-Type\0\0\0\4PUSH"
				    "\7User-Id\0\0\0\4root"
				    "\6X-Both\0\0\0\3one"
				    "\6X-Mine\0\0\0\4mine";
	char ep[EP_LEN];
	struct zap_q q;
	__u64 who;

	server = zap_server(ZMQ_PULL, NULL, ep);
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	raw_command(raw, "READY", ready, sizeof(ready) - 1);
	ASSERT_TRUE(zap_read(h, &q));
	say_parts(h, &q, reply, ARRAY_SIZE(reply));
	who = peer_in(server);
	EXPECT_PROP("joe", server, who, "User-Id");
	EXPECT_PROP("3", server, who, "X-Level");
	EXPECT_PROP("", server, who, "X-None");
	EXPECT_PROP("two", server, who, "X-Both");
	EXPECT_PROP("mine", server, who, "X-Mine");
	EXPECT_PROP("PUSH", server, who, "Socket-Type");
	close(raw);
	/* where nobody is asked there is no user */
	plain = xsocket(ZMQ_PULL);
	xbind_any(plain, ep);
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	raw_command(raw, "READY", ready, sizeof(ready) - 1);
	who = peer_in(plain);
	EXPECT_PROP("mine", plain, who, "X-Mine");
	EXPECT_EQ(-1, peer_prop(plain, who, "User-Id", ep, EP_LEN));
	EXPECT_EQ(ENOENT, errno);
	close(raw);
}

static void check_refusal(struct __test_metadata *_metadata, int type,
			  const char *status)
{
	int h = zap_handler(type), server, push = xsocket(ZMQ_PUSH);
	int smon, cmon = xmon(push), mark = atoi(status);
	long denied = mib("ZapDenied"), gave_up = mib("GaveUp");
	char ep[EP_LEN];
	struct mon_rec r;
	struct zap_q q;

	server = zap_server(ZMQ_PULL, NULL, ep);
	smon = xmon(server);
	xconnect(push, ep);
	ASSERT_TRUE(zap_read(h, &q));
	zap_say(h, &q, status, "joe");
	ASSERT_TRUE(mon_until(smon, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, &r));
	EXPECT_EQ(mark, r.e.value);
	ASSERT_EVENT(smon, DISCONNECTED, &r);
	EXPECT_EQ(denied + 1, mib("ZapDenied"));
	if (mark == 300) {
		/* it comes again, and may have more luck */
		ASSERT_TRUE(zap_read(h, &q));
		zap_say(h, &q, "200", "");
		xpeers(server, 1);
		EXPECT_EQ(gave_up, mib("GaveUp"));
	} else {
		/* it is told, and gives up */
		ASSERT_TRUE(mon_until(cmon, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, &r));
		EXPECT_EQ(mark, r.e.value);
		/* the event comes first */
		EXPECT_TRUE(wait_mib("GaveUp", gave_up + 1));
		EXPECT_QUIET(h);
		EXPECT_EQ(gave_up + 1, mib("GaveUp"));
	}
	xclose(push);
	xclose(server);
	xclose(h);
	xclose(smon);
	xclose(cmon);
}

TEST(refused_for_the_moment)
{
	check_refusal(_metadata, ZMQ_REP, "300");
	check_refusal(_metadata, ZMQ_ROUTER, "300");
}

TEST(refused)
{
	check_refusal(_metadata, ZMQ_REP, "400");
	check_refusal(_metadata, ZMQ_ROUTER, "400");
}

TEST(refused_by_an_error)
{
	check_refusal(_metadata, ZMQ_REP, "500");
	check_refusal(_metadata, ZMQ_ROUTER, "500");
}

#define GOOD	P(""), P("1.0"), P_ID, P("200")

static const struct bad_reply {
	unsigned int code;
	int n;
	struct zap_part f[9];
} bad_replies[] = {
#define BAD(code, ...)							\
	{ ZMQ_PROTOCOL_ERROR_ZAP_ ## code,				\
	  sizeof((struct zap_part[]){ __VA_ARGS__ }) / sizeof(struct zap_part), \
	  { __VA_ARGS__ } }
	BAD(MALFORMED_REPLY, P("")),
	BAD(MALFORMED_REPLY, GOOD, P(""), P("")),
	BAD(MALFORMED_REPLY, GOOD, P(""), P(""), P(""), P("")),
	BAD(MALFORMED_REPLY, P("1.0"), P_ID, P("200"), P(""), P(""), P("")),
	BAD(UNSPECIFIED, P("x"), P("1.0"), P_ID, P("200"), P(""), P(""), P("")),
	BAD(BAD_VERSION, P(""), P(""), P_ID, P("200"), P(""), P(""), P("")),
	BAD(BAD_VERSION, P(""), P("1.1"), P_ID, P("200"), P(""), P(""), P("")),
	BAD(BAD_VERSION, P(""), P("1.0\0"), P_ID, P("200"), P(""), P(""), P("")),
	BAD(BAD_REQUEST_ID, P(""), P("1.0"), P(""), P("200"), P(""), P(""), P("")),
	BAD(BAD_REQUEST_ID, P(""), P("1.0"), P("0"), P("200"), P(""), P(""), P("")),
	BAD(BAD_REQUEST_ID, P(""), P("1.0"), P_LONG(300), P("200"), P(""), P(""),
	    P("")),
	BAD(INVALID_STATUS_CODE, P(""), P("1.0"), P_ID, P(""), P(""), P(""), P("")),
	BAD(INVALID_STATUS_CODE, P(""), P("1.0"), P_ID, P("100"), P(""), P(""),
	    P("")),
	BAD(INVALID_STATUS_CODE, P(""), P("1.0"), P_ID, P("201"), P(""), P(""),
	    P("")),
	BAD(INVALID_STATUS_CODE, P(""), P("1.0"), P_ID, P("600"), P(""), P(""),
	    P("")),
	BAD(INVALID_STATUS_CODE, P(""), P("1.0"), P_ID, P("2000"), P(""), P(""),
	    P("")),
	BAD(INVALID_STATUS_CODE, P(""), P("1.0"), P_ID, P("20"), P(""), P(""),
	    P("")),
	BAD(MALFORMED_REPLY, GOOD, P_LONG(256), P(""), P("")),
	BAD(MALFORMED_REPLY, GOOD, P(""), P_LONG(256), P("")),
	BAD(INVALID_METADATA, GOOD, P(""), P(""), P("\1")),
	BAD(INVALID_METADATA, GOOD, P(""), P(""), P("\0\0\0\0\1x")),
	BAD(INVALID_METADATA, GOOD, P(""), P(""), P("\1a\0\0\0\2x")),
	BAD(INVALID_METADATA, GOOD, P(""), P(""), P("\1a\0\0\0\1xy")),
	BAD(INVALID_METADATA, GOOD, P(""), P(""), P("\1a\x80\0\0\1x")),
	BAD(INVALID_METADATA, GOOD, P(""), P(""), P_LONG(4097)),
	/* also when it is a refusal */
	BAD(INVALID_METADATA, P(""), P("1.0"), P_ID, P("400"), P(""), P(""),
	    P("\1")),
};

TEST(replies_that_are_none)
{
	static const struct zap_part longest[] = {
		GOOD, P_LONG(255), P_LONG(255), P(""),
	};
	int h = zap_handler(ZMQ_ROUTER), server, smon, raw;
	long bad = mib("ZapBadReplies");
	char ep[EP_LEN];
	struct mon_rec r;
	struct zap_q q;
	unsigned int i;

	memset(long_text, 'x', sizeof(long_text));
	server = zap_server(ZMQ_PULL, NULL, ep);
	smon = xmon(server);
	for (i = 0; i < ARRAY_SIZE(bad_replies); i++) {
		const struct bad_reply *b = &bad_replies[i];

		raw = zap_raw(ep);
		ASSERT_TRUE(zap_read(h, &q));
		say_parts(h, &q, b->f, b->n);
		ASSERT_TRUE(mon_until(smon, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
				      &r));
		EXPECT_EQ(b->code, r.e.value) {
			TH_LOG("reply %u", i);
		}
		EXPECT_TRUE(raw_closed(raw));
		close(raw);
		EXPECT_EQ(bad + i + 1, mib("ZapBadReplies"));
	}
	/* the longest that will do */
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	say_parts(h, &q, longest, ARRAY_SIZE(longest));
	xpeers(server, 1);
	close(raw);
}

TEST(property_too_long)
{
	static char meta[7 + 1025] = "\2X-\0\0\4\1";
	int h = zap_handler(ZMQ_ROUTER), server, smon, raw;
	struct zap_part f[] = { GOOD, P(""), P(""), { meta, sizeof(meta) } };
	char ep[EP_LEN];
	struct mon_rec r;
	struct zap_q q;

	memset(meta + 7, 'v', 1025);
	server = zap_server(ZMQ_PULL, NULL, ep);
	smon = xmon(server);
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	say_parts(h, &q, f, 7);
	ASSERT_TRUE(mon_until(smon, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, &r));
	EXPECT_EQ(ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA, r.e.value);
	close(raw);
	/* one octet less */
	meta[6] = 0;
	f[6].len--;
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	say_parts(h, &q, f, 7);
	xpeers(server, 1);
	close(raw);
}

/*
 * A good reply, and something done to it: a frame less, twice, or another one; an
 * octet of the last one.
 */
static int mutate(struct zap_part *f, int n, char room[2][5000])
{
	int at = rand() % n, i;

	switch (rand() % 4) {
	case 0:
		n--;
		memmove(f + at, f + at + 1, (n - at) * sizeof(*f));
		break;
	case 1:
		memmove(f + at + 1, f + at, (n - at) * sizeof(*f));
		n++;
		break;
	case 2:
		f[at].data = room[0];
		f[at].len = rand() % (rand() % 2 ? 12 : 5000);
		for (i = 0; i < f[at].len; i++)
			room[0][i] = rand() % 2 ? 0 : rand();
		break;
	}
	at = n - 1;
	if (rand() % 2 && f[at].len > 0 && f[at].data != ID) {
		memcpy(room[1], f[at].data, f[at].len);
		f[at].data = room[1];
		room[1][rand() % f[at].len] = rand();
	}
	return n;
}

/* Whatever the handler says, a peer comes in or does not, and the next may. */
KZ_TEST_TIMEOUT(nonsense, 60)
{
	static const struct zap_part good[] = {
		GOOD, P("text"), P("joe"),
		P("\1a\0\0\0\3abc" "\2bc\0\0\0\0" "\3def\0\0\0\1g"),
	};
	const char *env = getenv("ZMQ_SEED");
	unsigned int seed = env ? atoi(env) : 27;
	int h = zap_handler(ZMQ_ROUTER), server, raw, i, in = 0, n;
	int rounds = kz_less(120);
	static char room[2][5000];
	struct zap_part f[9];
	char ep[EP_LEN], c;
	struct zap_q q;

	TH_LOG("seed %u, %d replies", seed, rounds);
	srand(seed);
	server = zap_server(ZMQ_PULL, NULL, ep);
	for (i = 0; i < rounds; i++) {
		raw = zap_raw(ep);
		ASSERT_TRUE(raw_read_greeting(raw));
		ASSERT_TRUE(zap_read(h, &q)) {
			TH_LOG("reply %d", i);
		}
		memcpy(f, good, sizeof(good));
		n = mutate(f, ARRAY_SIZE(good), room);
		say_parts(h, &q, f, n);
		if (raw_read(raw, &c, 1))
			in++;
		else
			EXPECT_TRUE(raw_closed(raw));
		close(raw);
	}
	EXPECT_LT(0, in);
	EXPECT_GT(rounds, in);
	xpeers(server, 0);
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	say_parts(h, &q, good, ARRAY_SIZE(good));
	xpeers(server, 1);
	close(raw);
}

/* What the handler says when nobody waits for it any more hurts nobody. */
TEST(late_and_again)
{
	int h = zap_handler(ZMQ_ROUTER), server, smon, raw, next;
	struct zap_q q, second;
	char ep[EP_LEN];
	struct mon_rec r;

	server = zap_server(ZMQ_PULL, NULL, ep);
	smon = xmon(server);
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	close(raw);
	ASSERT_TRUE(mon_until(smon, ZMQ_EVENT_DISCONNECTED, &r));
	next = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &second));
	zap_say(h, &q, "200", "late");
	zap_say(h, &q, "400", "late again");
	EXPECT_FALSE(wait_peers(server, 1, KZ_QUIET_MS));
	zap_say(h, &second, "200", "second");
	EXPECT_PROP("second", server, peer_in(server), "User-Id");
	/* two answers to one question: the first counts */
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	zap_say(h, &q, "200", "first");
	zap_say(h, &q, "400", "not heard");
	xpeers(server, 2);
	zap_say(h, &q, "400", "not heard either");
	EXPECT_FALSE(wait_peers(server, 1, KZ_QUIET_MS));
	close(raw);
	close(next);
}

/* Questions of those who have gone do not pile up before a handler. */
TEST(withdrawn)
{
	int h = zap_handler(ZMQ_REP), server, raw, i;
	struct zmq_stats st;
	char ep[EP_LEN];
	struct zap_q q;

	server = zap_server(ZMQ_PULL, NULL, ep);
	for (i = 0; i < 20; i++) {
		raw = zap_raw(ep);
		ASSERT_TRUE(wait_in_msgs(h, 1, KZ_WAIT_MS));
		close(raw);
		ASSERT_TRUE(wait_in_msgs(h, 0, KZ_WAIT_MS));
		/* who asks goes after his question */
		xpeers(h, 0);
	}
	xstats(h, &st);
	EXPECT_EQ(0, st.in_msgs);
	/* one who left while it was being served */
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	close(raw);
	xpeers(h, 0);
	zap_say(h, &q, "200", "");
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	zap_say(h, &q, "200", "");
	xpeers(server, 1);
	close(raw);
}

ZMQ_HARNESS_MAIN
