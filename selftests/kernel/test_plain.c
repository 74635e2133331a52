// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 */
/*
 * PLAIN with a ZAP handler: AF_ZMQ at both ends, over tcp and ipc; and raw clients
 * that say the wrong thing once they have been let in.
 */
#include "kselftest_harness.h"
#include "libmon.h"
#include "libzap.h"

#define ZMTP(x)	ZMQ_PROTOCOL_ERROR_ZMTP_ ## x
#define PUSH_META "\xbSocket-Type\0\0\0\4PUSH"
#define OK_HELLO "\4\x13\5HELLO\5admin\6secret"

/* A handler in a thread: lets in admin with secret, until it is told to stop */
struct judge {
	int h;
	pthread_t thread;
	int asked;
	bool over;
};

static bool lets_in(const struct zap_q *q)
{
	return zap_frame_is(q, ZAP_MECHANISM, "PLAIN") &&
	       q->n == ZAP_CREDS + 2 && q->len[ZAP_CREDS] == 5 &&
	       !memcmp(q->f[ZAP_CREDS], "admin", 5) &&
	       q->len[ZAP_CREDS + 1] == 6 &&
	       !memcmp(q->f[ZAP_CREDS + 1], "secret", 6);
}

static void *judge_run(void *arg)
{
	struct judge *j = arg;
	struct zap_q q;

	while (!__atomic_load_n(&j->over, __ATOMIC_ACQUIRE)) {
		if (!poll1(j->h, POLLIN, 20))
			continue;
		if (!zap_read(j->h, &q))
			break;
		__atomic_add_fetch(&j->asked, 1, __ATOMIC_ACQ_REL);
		if (lets_in(&q))
			zap_say(j->h, &q, "200", "boss");
		else
			zap_say(j->h, &q, "400", "");
	}
	return NULL;
}

static void judge_start(struct judge *j)
{
	memset(j, 0, sizeof(*j));
	j->h = zap_handler(ZMQ_REP);
	KZ_CHECK(!pthread_create(&j->thread, NULL, judge_run, j));
}

static void judge_stop(struct judge *j)
{
	__atomic_store_n(&j->over, true, __ATOMIC_RELEASE);
	KZ_CHECK(!pthread_join(j->thread, NULL));
	xclose(j->h);
}

static int server_of(int type)
{
	int fd = xsocket(type);

	xset(fd, ZMQ_PLAIN_SERVER, 1);
	xtimeo(fd, kz_ms(KZ_WAIT_MS), kz_ms(KZ_WAIT_MS));
	return fd;
}

static int client_of(int type, const char *pass)
{
	int fd = xsocket(type);

	xset_text(fd, ZMQ_PLAIN_USERNAME, "admin");
	xset_text(fd, ZMQ_PLAIN_PASSWORD, pass);
	xtimeo(fd, kz_ms(KZ_WAIT_MS), kz_ms(KZ_WAIT_MS));
	return fd;
}

FIXTURE(plain) {
	struct judge j;
	char ep[EP_LEN];
};

FIXTURE_VARIANT(plain) {
	const char *where;
};

FIXTURE_VARIANT_ADD(plain, tcp) { NULL };
FIXTURE_VARIANT_ADD(plain, ipc) { "ipc://plain.sock" };
FIXTURE_VARIANT_ADD(plain, abstract) { "ipc://@plain" };

FIXTURE_SETUP(plain)
{
	judge_start(&self->j);
}

FIXTURE_TEARDOWN(plain)
{
	judge_stop(&self->j);
}

static void at(int fd, const char *where, char ep[EP_LEN])
{
	if (where) {
		xbind(fd, where);
		strcpy(ep, where);
	} else {
		xbind_any(fd, ep);
	}
}

TEST_F(plain, there_and_back)
{
	int srv = server_of(ZMQ_REP), cli = client_of(ZMQ_REQ, "secret"), i;
	char big[5000];

	at(srv, variant->where, self->ep);
	xconnect(cli, self->ep);
	for (i = 0; i < 20; i++) {
		xsends(cli, "question", 0);
		EXPECT_GOT(srv, "question");
		xsends(srv, "answer", 0);
		EXPECT_GOT(cli, "answer");
	}
	fill(big, sizeof(big), 1);
	xsend(cli, big, sizeof(big), 0);
	memset(big, 0, sizeof(big));
	EXPECT_EQ((ssize_t)sizeof(big), recv(srv, big, sizeof(big), 0));
	EXPECT_TRUE(filled(big, sizeof(big), 1));
	EXPECT_EQ(1, self->j.asked);
	xclose(srv);
	xclose(cli);
}

/* The role is that of the options, not that of who has bound. */
TEST_F(plain, server_connects)
{
	int srv = server_of(ZMQ_PULL), cli = client_of(ZMQ_PUSH, "secret");

	at(cli, variant->where, self->ep);
	xconnect(srv, self->ep);
	xsends(cli, "x", 0);
	EXPECT_GOT(srv, "x");
	xclose(srv);
	xclose(cli);
}

TEST_F(plain, names_go_along)
{
	int srv = server_of(ZMQ_ROUTER), cli = client_of(ZMQ_DEALER, "secret");

	xset_text(srv, ZMQ_ROUTING_ID, "server");
	xset_text(cli, ZMQ_ROUTING_ID, "client");
	xset_text(cli, ZMQ_METADATA, "X-what:ever");
	at(srv, variant->where, self->ep);
	xconnect(cli, self->ep);
	xsends(cli, "x", 0);
	EXPECT_GOT(srv, "client", "x");
	xsendv(srv, "client", "y", NULL);
	EXPECT_GOT(cli, "y");
	xclose(srv);
	xclose(cli);
}

TEST_F(plain, subscriptions)
{
	int srv = server_of(ZMQ_XPUB), cli = client_of(ZMQ_SUB, "secret");

	xset_text(cli, ZMQ_SUBSCRIBE, "a");
	at(srv, variant->where, self->ep);
	xconnect(cli, self->ep);
	EXPECT_GOT(srv, "\1a");
	xsends(srv, "b", 0);
	xsends(srv, "abc", 0);
	EXPECT_GOT(cli, "abc");
	xclose(srv);
	xclose(cli);
}

TEST_F(plain, wrong_password)
{
	int srv = server_of(ZMQ_PULL), cli = client_of(ZMQ_PUSH, "guess"), good;
	int ms = xmon(srv), mc = xmon(cli);
	long errors = mib("PeerErrors");
	struct mon_rec r;

	xset(cli, ZMQ_RECONNECT_IVL, 20);
	at(srv, variant->where, self->ep);
	xconnect(cli, self->ep);
	ASSERT_TRUE(mon_until(mc, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, &r));
	EXPECT_EQ(400, r.e.value);
	ASSERT_EVENT(mc, DISCONNECTED, &r);
	ASSERT_TRUE(mon_until(ms, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, &r));
	EXPECT_EQ(400, r.e.value);
	EXPECT_EQ(EACCES, r.e.error);
	ASSERT_EVENT(ms, DISCONNECTED, &r);
	EXPECT_EQ(errors + 1, mib("PeerErrors"));
	/* there is no further try, and others come in */
	EXPECT_TRUE(mon_quiet(mc));
	EXPECT_EQ(1, self->j.asked);
	good = client_of(ZMQ_PUSH, "secret");
	xconnect(good, self->ep);
	xsends(good, "good", 0);
	EXPECT_GOT(srv, "good");
	xclose(srv);
	xclose(cli);
	xclose(good);
	xclose(ms);
	xclose(mc);
}

TEST_F(plain, many_clients)
{
	int srv = server_of(ZMQ_PULL), cli[30], i, sum = 0;
	char c;

	at(srv, variant->where, self->ep);
	for (i = 0; i < 30; i++) {
		cli[i] = client_of(ZMQ_PUSH, "secret");
		xconnect(cli[i], self->ep);
	}
	for (i = 0; i < 30; i++) {
		c = i;
		xsend(cli[i], &c, 1, 0);
	}
	for (i = 0; i < 30; i++) {
		ASSERT_EQ(1, recv(srv, &c, 1, 0));
		sum += c;
	}
	EXPECT_EQ(30 * 29 / 2, sum);
	EXPECT_EQ(30, self->j.asked);
	for (i = 0; i < 30; i++)
		xclose(cli[i]);
	xclose(srv);
}

/* ---- raw clients behind HELLO ---- */

static int admitted(const char *ep)
{
	int raw = raw_connect(ep);

	raw_greeting_of(raw, 1, "PLAIN");
	if (!raw_read_greeting_of(raw, "PLAIN", true))
		KZ_DIE("no greeting of a server");
	raw_write(raw, RAW_LIT(OK_HELLO));
	if (!raw_expect(raw, RAW_LIT("\4\x8\7WELCOME")))
		KZ_DIE("no WELCOME");
	return raw;
}

TEST(server_step_by_step)
{
	int srv = server_of(ZMQ_PULL), raw;
	struct raw_frame f;
	char ep[EP_LEN];
	struct judge j;

	judge_start(&j);
	xbind_any(srv, ep);
	raw = admitted(ep);
	EXPECT_TRUE(raw_open(raw));
	raw_write(raw, RAW_LIT("\4\x1d\x08INITIATE" PUSH_META));
	ASSERT_TRUE(raw_read_frame(raw, &f));
	EXPECT_TRUE(raw_is_ready(&f, "PULL"));
	raw_frame(raw, 0, "x", 1);
	EXPECT_GOT(srv, "x");
	close(raw);
	xclose(srv);
	judge_stop(&j);
}

/* All at once: what is behind a command waits for what becomes of it. */
TEST(client_says_all_and_leaves)
{
	int srv = server_of(ZMQ_PULL), raw;
	char ep[EP_LEN];
	struct judge j;

	judge_start(&j);
	xbind_any(srv, ep);
	raw = raw_connect(ep);
	raw_greeting_of(raw, 1, "PLAIN");
	raw_write(raw, RAW_LIT(OK_HELLO "\4\x1d\x08INITIATE" PUSH_META "\0\1x"));
	EXPECT_GOT(srv, "x");
	close(raw);
	xclose(srv);
	judge_stop(&j);
}

struct bad {
	const char *name, *counter;
	__u64 code;
	const char *data;
	size_t len;
};

/* what stands for two arguments counts as two */
#define BAD(...)	BAD_4(__VA_ARGS__)
#define BAD_4(_name, _counter, _code, _bytes)				\
	{ _name, _counter, _code, "" _bytes, sizeof(_bytes) - 1 }
#define UNEXPECTED	"BadCommand", ZMTP(UNEXPECTED_COMMAND)
#define METADATA	"BadMetadata", ZMTP(INVALID_METADATA)

static const struct bad bad_initiates[] = {
	BAD("HELLO again", UNEXPECTED, OK_HELLO),
	BAD("WELCOME", UNEXPECTED, "\4\x8\7WELCOME"),
	BAD("READY", UNEXPECTED, "\4\x1a\5READY" PUSH_META),
	BAD("ERROR of a client", UNEXPECTED, "\4\xa\5ERROR\003400"),
	BAD("a message", UNEXPECTED, "\0\5early"),
	BAD("nothing at all", UNEXPECTED, "\4\0"),
	BAD("an INITIATE that is too long", "BadInitiate",
	    ZMTP(MALFORMED_COMMAND_INITIATE), "\6\0\0\0\0\0\1\0\1"),
	BAD("metadata that ends too soon", METADATA, "\4\xa\x08INITIATE\5"),
	BAD("metadata without a name", METADATA,
	    "\4\xe\x08INITIATE\0\0\0\0\0"),
	BAD("a value of 4 GiB", METADATA,
	    "\4\x10\x08INITIATE\1X\xff\xff\xff\xffx"),
	BAD("a type that does not fit", "BadSocketType", ZMTP(INVALID_METADATA),
	    "\4\x1c\x08INITIATE\xbSocket-Type\0\0\0\3SUB"),
};

TEST(what_is_no_initiate)
{
	int srv = server_of(ZMQ_PULL), raw, mon = xmon(srv);
	const struct bad *b;
	char ep[EP_LEN];
	struct mon_rec r;
	struct judge j;
	size_t i;
	long had;

	judge_start(&j);
	xbind_any(srv, ep);
	for (i = 0; i < ARRAY_SIZE(bad_initiates); i++) {
		b = &bad_initiates[i];
		TH_LOG("%s", b->name);
		had = mib(b->counter);
		raw = admitted(ep);
		raw_write(raw, b->data, b->len);
		ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
				      &r));
		EXPECT_EQ(b->code, r.e.value);
		EXPECT_EQ(had + 1, mib(b->counter));
		EXPECT_TRUE(raw_closed(raw));
		close(raw);
	}
	xpeers(srv, 0);
	xclose(srv);
	xclose(mon);
	judge_stop(&j);
}

/* Waiting for INITIATE, or for the handler: both end with HANDSHAKE_IVL. */
TEST(time_runs_out)
{
	int srv = server_of(ZMQ_PULL), raw, h, slow;
	long had = mib("HandshakeTimeouts");
	char ep[EP_LEN];
	struct judge j;
	struct zap_q q;

	judge_start(&j);
	/* enough for what has to be said and judged before */
	xset(srv, ZMQ_HANDSHAKE_IVL, kz_ms(1000));
	xbind_any(srv, ep);
	raw = admitted(ep);
	EXPECT_TRUE(raw_closed(raw));
	close(raw);
	judge_stop(&j);
	EXPECT_EQ(had + 1, mib("HandshakeTimeouts"));

	h = zap_handler(ZMQ_REP);
	slow = raw_connect(ep);
	raw_greeting_of(slow, 1, "PLAIN");
	raw_write(slow, RAW_LIT(OK_HELLO));
	ASSERT_TRUE(zap_read(h, &q));
	EXPECT_TRUE(raw_closed(slow));
	EXPECT_EQ(had + 2, mib("HandshakeTimeouts"));
	/* too late, for nobody */
	zap_say(h, &q, "200", "boss");
	xpeers(srv, 0);
	close(slow);
	xclose(srv);
	xclose(h);
}

/* Both ends, the handler and the socket go while the handler thinks. */
TEST(gone_while_it_thinks)
{
	int srv, raw, h, who;
	char ep[EP_LEN];
	struct zap_q q;

	for (who = 0; who < 3; who++) {
		h = zap_handler(ZMQ_REP);
		srv = server_of(ZMQ_PULL);
		xbind_any(srv, ep);
		raw = raw_connect(ep);
		raw_greeting_of(raw, 1, "PLAIN");
		raw_write(raw, RAW_LIT(OK_HELLO));
		ASSERT_TRUE(zap_read(h, &q));
		if (who == 0) {
			close(raw);
			zap_say(h, &q, "200", "boss");
		} else if (who == 1) {
			xclose(srv);
			EXPECT_TRUE(raw_closed(raw));
			zap_say(h, &q, "200", "boss");
		} else {
			xclose(h);
			EXPECT_TRUE(raw_closed(raw));
		}
		if (who)
			close(raw);
		if (who != 1)
			xclose(srv);
		if (who != 2)
			xclose(h);
	}
}

ZMQ_HARNESS_MAIN
