// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 */
/*
 * PLAIN, octet by octet: raw peers in either role, as they should be and as they
 * should not. What comes after the ZAP handler's word is in test_plain.c.
 */
#include "kselftest_harness.h"
#include "libmon.h"

#include <endian.h>

#define SIG	"\xff\0\0\0\0\0\0\0\1\x7f"
#define ZMTP(x)	ZMQ_PROTOCOL_ERROR_ZMTP_ ## x
#define PULL_META "\xbSocket-Type\0\0\0\4PULL"
#define PUSH_META "\xbSocket-Type\0\0\0\4PUSH"

/* A connecting socket that has a name and a password */
static int client(const char *user, const char *pass)
{
	int fd = xsocket(ZMQ_PUSH);

	if (user)
		xset_text(fd, ZMQ_PLAIN_USERNAME, user);
	if (pass)
		xset_text(fd, ZMQ_PLAIN_PASSWORD, pass);
	xset(fd, ZMQ_RECONNECT_IVL, 60000);
	return fd;
}

static int server(char ep[EP_LEN])
{
	int fd = xsocket(ZMQ_PULL);

	xset(fd, ZMQ_PLAIN_SERVER, 1);
	xbind_any(fd, ep);
	return fd;
}

/* The greeting of a client, and its first command */
static bool hello_of(int raw, const void *body, size_t len)
{
	struct raw_frame f;

	raw_greeting_of(raw, 1, "PLAIN");
	return raw_read_greeting_of(raw, "PLAIN", false) &&
	       raw_read_frame(raw, &f) && (f.flags & ~2) == 4 &&
	       f.size == len && !memcmp(f.body, body, len);
}

/* ---- as it should be ---- */

TEST(client_step_by_step)
{
	int l, raw, fd = client("admin", "secret");
	struct raw_frame f;
	char ep[EP_LEN];

	l = raw_listen(ep);
	xconnect(fd, ep);
	raw = raw_accept(l);
	ASSERT_TRUE(hello_of(raw, RAW_LIT("\5HELLO\5admin\6secret")));
	EXPECT_TRUE(raw_open(raw));
	raw_command(raw, "WELCOME", NULL, 0);
	ASSERT_TRUE(raw_read_frame(raw, &f));
	EXPECT_EQ(4, f.flags);
	ASSERT_EQ(9 + 20, f.size);
	EXPECT_EQ(0, memcmp(f.body, "\x08INITIATE" PUSH_META, 29));
	/* nothing passes before READY */
	xsends(fd, "early", 0);
	EXPECT_TRUE(raw_open(raw));
	raw_ready(raw, "PULL", NULL, -1);
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\0\5early")));
	xpeers(fd, 1);
	xclose(fd);
	EXPECT_TRUE(raw_closed(raw));
	close(raw);
	close(l);
}

/* All that a peer has to say at once, its end included */
TEST(server_says_all_and_leaves)
{
	int l, raw, fd = xsocket(ZMQ_PULL);
	char ep[EP_LEN];

	xset_text(fd, ZMQ_PLAIN_USERNAME, "u");
	l = raw_listen(ep);
	xconnect(fd, ep);
	raw = raw_accept(l);
	raw_greeting_of(raw, 1, "PLAIN");
	raw_write(raw, RAW_LIT("\4\x8\7WELCOME\4\x1a\5READY" PUSH_META "\0\4last"));
	shutdown(raw, SHUT_WR);
	EXPECT_GOT(fd, "last");
	EXPECT_TRUE(raw_closed(raw));
	close(raw);
	xclose(fd);
	close(l);
}

TEST(names_of_all_lengths)
{
	/* frames with a short size and a long one, too */
	static const int lens[][2] = {
		{ 0, 1 }, { 1, 0 }, { 255, 255 }, { 255, 0 }, { 1, 246 },
		{ 1, 247 },
	};
	char name[256], body[600];
	int l, raw, fd;
	char ep[EP_LEN];
	size_t i, n;

	fill(name, sizeof(name), 5);
	l = raw_listen(ep);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		fd = client(NULL, NULL);
		if (lens[i][0])
			xset_bytes(fd, ZMQ_PLAIN_USERNAME, name, lens[i][0]);
		if (lens[i][1])
			xset_bytes(fd, ZMQ_PLAIN_PASSWORD, name + 1,
				   lens[i][1]);
		xconnect(fd, ep);
		raw = raw_accept(l);
		memcpy(body, "\5HELLO", 6);
		n = 6;
		body[n++] = lens[i][0];
		memcpy(body + n, name, lens[i][0]);
		n += lens[i][0];
		body[n++] = lens[i][1];
		memcpy(body + n, name + 1, lens[i][1]);
		n += lens[i][1];
		EXPECT_TRUE(hello_of(raw, body, n));
		xclose(fd);
		close(raw);
	}
	close(l);
}

/* Properties of ours go out with INITIATE, however many they are. */
TEST(metadata_goes_out)
{
	static char prop[8000];
	int l, raw, fd = client("u", "p");
	struct raw_frame f;
	char ep[EP_LEN];
	__u32 be;

	memset(prop, 'v', sizeof(prop));
	memcpy(prop, "X-long:", 7);
	xset_bytes(fd, ZMQ_METADATA, prop, 1007);
	l = raw_listen(ep);
	xconnect(fd, ep);
	raw = raw_accept(l);
	ASSERT_TRUE(hello_of(raw, RAW_LIT("\5HELLO\1u\1p")));
	raw_command(raw, "WELCOME", NULL, 0);
	ASSERT_TRUE(raw_read_frame(raw, &f));
	EXPECT_EQ(6, f.flags);
	ASSERT_EQ(9 + 20 + 1 + 6 + 4 + 1000, f.size);
	EXPECT_EQ(0, memcmp(f.body + 29, "\6X-long", 7));
	memcpy(&be, f.body + 36, 4);
	EXPECT_EQ(1000, be32toh(be));
	EXPECT_EQ('v', f.body[40]);
	xclose(fd);
	close(raw);
	close(l);
}

/* ---- nobody to ask ---- */

/* Without a handler a server lets nobody in, and says nothing. */
TEST(no_handler_no_entry)
{
	char ep[EP_LEN];
	int fd = server(ep), raw, mon = xmon(fd);
	long had = mib("ZapNoHandler");
	struct mon_rec r;

	raw = raw_connect(ep);
	raw_greeting_of(raw, 1, "PLAIN");
	ASSERT_TRUE(raw_read_greeting_of(raw, "PLAIN", true));
	raw_write(raw, RAW_LIT("\4\xa\5HELLO\1u\1p"));
	EXPECT_TRUE(raw_closed(raw));
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, &r));
	EXPECT_EQ(EFAULT, r.e.value);
	ASSERT_EVENT(mon, DISCONNECTED, &r);
	EXPECT_EQ(had + 1, mib("ZapNoHandler"));
	close(raw);
	xclose(fd);
	xclose(mon);
}

/* Our own client takes that for a lost connection, and comes again. */
TEST(client_comes_again)
{
	char ep[EP_LEN];
	int srv = server(ep), fd = client("u", "p"), mon;
	long had = mib("ZapNoHandler");
	struct mon_rec r;
	int i;

	xset(fd, ZMQ_RECONNECT_IVL, 20);
	mon = xmon(fd);
	xconnect(fd, ep);
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
				      &r));
		ASSERT_EVENT(mon, DISCONNECTED, &r);
		ASSERT_EVENT(mon, CONNECT_RETRIED, &r);
	}
	EXPECT_LE(had + 3, mib("ZapNoHandler"));
	xclose(fd);
	xclose(srv);
	xclose(mon);
}

/* Enforcing without a domain: nobody may be asked, so nobody comes in. */
TEST(enforced_without_a_domain)
{
	char ep[EP_LEN];
	int fd = xsocket(ZMQ_PULL), raw;
	long had = mib("ZapNoHandler");

	xset(fd, ZMQ_PLAIN_SERVER, 1);
	xset(fd, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
	xbind_any(fd, ep);
	raw = raw_connect(ep);
	raw_greeting_of(raw, 1, "PLAIN");
	raw_write(raw, RAW_LIT("\4\xa\5HELLO\1u\1p"));
	EXPECT_TRUE(raw_closed(raw));
	EXPECT_EQ(had + 1, mib("ZapNoHandler"));
	close(raw);
	xclose(fd);
}

/* ---- as it should not be ---- */

/**
 * struct bad - what a peer says that it should not
 * @name:    of the case
 * @counter: that goes up
 * @code:    that the monitor tells; below 1000 a status
 * @data:    octets behind the greeting
 * @len:     how many
 */
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
#define HELLO		"BadHello", ZMTP(MALFORMED_COMMAND_HELLO)
#define WELCOME		"BadWelcome", ZMTP(MALFORMED_COMMAND_WELCOME)
#define READY_		"BadReady", ZMTP(MALFORMED_COMMAND_READY)
#define METADATA	"BadMetadata", ZMTP(INVALID_METADATA)

/* Where HELLO has to come */
static const struct bad bad_hellos[] = {
	BAD("no length of a name", HELLO, "\4\6\5HELLO"),
	BAD("a name that is not there", HELLO, "\4\7\5HELLO\1"),
	BAD("a name that ends too soon", HELLO, "\4\x9\5HELLO\5us"),
	BAD("no password", HELLO, "\4\x9\5HELLO\2us"),
	BAD("a password that is not there", HELLO, "\4\xa\5HELLO\2us\1"),
	BAD("a password that ends too soon", HELLO, "\4\xc\5HELLO\2us\3pa"),
	BAD("an octet too many", HELLO, "\4\xd\5HELLO\2us\2paX"),
	BAD("a name of 255 in a short frame", HELLO, "\4\x9\5HELLO\xff" "us"),
	BAD("a HELLO that no names could fill", HELLO,
	    "\6\0\0\0\0\0\0\2\x07"),
	BAD("a HELLO without an end", HELLO, "\6\x7f\xff\xff\xff\xff\xff\xff\xff"),
	BAD("WELCOME", UNEXPECTED, "\4\x8\7WELCOME"),
	BAD("INITIATE first", UNEXPECTED, "\4\x1d\x08INITIATE" PUSH_META),
	BAD("READY", UNEXPECTED, "\4\x1a\5READY" PUSH_META),
	BAD("ERROR of a client", UNEXPECTED, "\4\xa\5ERROR\003400"),
	BAD("libzmq's ERROR of a client", UNEXPECTED, "\4\x9^RROR\003400"),
	BAD("a MESSAGE", UNEXPECTED, "\4\x9\7MESSAGEx"),
	BAD("PING", UNEXPECTED, "\4\7\4PING\0\0"),
	BAD("a subscription", UNEXPECTED, "\4\xb\x09SUBSCRIBEx"),
	BAD("a command nobody knows", UNEXPECTED, "\4\7\5hello\0"),
	BAD("a message", UNEXPECTED, "\0\5early"),
	BAD("nothing at all", UNEXPECTED, "\4\0"),
	BAD("a name of no octets", UNEXPECTED, "\4\1\0"),
	BAD("a command in pieces", "BadFrame",
	    ZMTP(MALFORMED_COMMAND_UNSPECIFIED), "\5\xa\5HELLO\1u\1p"),
};

static void say(int raw, const struct bad *b, const char *before, size_t len)
{
	raw_greeting_of(raw, 1, "PLAIN");
	if (!raw_try_write(raw, before, len))
		return;
	raw_try_write(raw, b->data, b->len);
}

/* The monitor tells what it is, and the counter goes up once. */
static bool blamed(int mon, const struct bad *b, long had)
{
	struct mon_rec r;
	__u64 want = b->code < 1000 ? ZMQ_EVENT_HANDSHAKE_FAILED_AUTH :
				      ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;

	do {
		if (!mon_next(mon, &r))
			return false;
	} while (!(r.e.event & (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
				ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
				ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
				ZMQ_EVENT_HANDSHAKE_SUCCEEDED)));
	if (r.e.event == want && r.e.value == b->code &&
	    mib(b->counter) == had + 1)
		return true;
	fprintf(stderr, "# %s: event %llx, value %llx, %s %ld\n", b->name,
		(unsigned long long)r.e.event, (unsigned long long)r.e.value,
		b->counter, mib(b->counter) - had);
	return false;
}

TEST(what_is_no_hello)
{
	char ep[EP_LEN];
	int fd = server(ep), mon = xmon(fd), raw;
	struct mon_rec r;
	size_t i;
	long had;

	for (i = 0; i < ARRAY_SIZE(bad_hellos); i++) {
		had = mib(bad_hellos[i].counter);
		raw = raw_connect(ep);
		say(raw, &bad_hellos[i], "", 0);
		EXPECT_TRUE(blamed(mon, &bad_hellos[i], had));
		ASSERT_EVENT(mon, DISCONNECTED, &r);
		EXPECT_TRUE(raw_closed(raw));
		close(raw);
	}
	xclose(fd);
	xclose(mon);
}

/* Where WELCOME has to come */
static const struct bad bad_welcomes[] = {
	BAD("a WELCOME with something", WELCOME, "\4\x9\7WELCOMEx"),
	BAD("a long WELCOME", WELCOME, "\6\0\0\0\0\0\0\1\7"),
	BAD("HELLO", UNEXPECTED, "\4\xa\5HELLO\1u\1p"),
	BAD("INITIATE", UNEXPECTED, "\4\x1d\x08INITIATE" PULL_META),
	BAD("READY too soon", UNEXPECTED, "\4\x1a\5READY" PULL_META),
	BAD("a message", UNEXPECTED, "\0\5early"),
	BAD("PING", UNEXPECTED, "\4\7\4PING\0\0"),
	BAD("nothing at all", UNEXPECTED, "\4\0"),
	BAD("ERROR 400", "PeerErrors", 400, "\4\xa\5ERROR\003400"),
	BAD("ERROR 500", "PeerErrors", 500, "\4\xa\5ERROR\003500"),
	BAD("libzmq's ERROR", "PeerErrors", 400, "\4\x9^RROR\003400"),
	BAD("ERROR in words", "PeerErrors", ZMTP(UNSPECIFIED),
	    "\4\x9\5ERROR\2no"),
	BAD("ERROR without a reason", "PeerErrors",
	    ZMTP(MALFORMED_COMMAND_ERROR), "\4\6\5ERROR"),
	BAD("ERROR that ends too soon", "PeerErrors",
	    ZMTP(MALFORMED_COMMAND_ERROR), "\4\x9\5ERROR\3no"),
};

#define OK_WELCOME	"\4\x8\7WELCOME"

/* Where READY has to come */
static const struct bad bad_readys[] = {
	BAD("WELCOME again", UNEXPECTED, "\4\x8\7WELCOME"),
	BAD("HELLO", UNEXPECTED, "\4\xa\5HELLO\1u\1p"),
	BAD("INITIATE", UNEXPECTED, "\4\x1d\x08INITIATE" PULL_META),
	BAD("a message", UNEXPECTED, "\0\5early"),
	BAD("a READY that is too long", READY_, "\6\0\0\0\0\0\1\0\1"),
	BAD("metadata that ends too soon", METADATA, "\4\7\5READY\5"),
	BAD("metadata without a name", METADATA, "\4\xb\5READY\0\0\0\0\0"),
	BAD("a value that leaves", METADATA, "\4\xd\5READY\1X\0\0\0\xffx"),
	BAD("a value of 4 GiB", METADATA, "\4\xd\5READY\1X\xff\xff\xff\xffx"),
	BAD("a type that does not fit", "BadSocketType",
	    ZMTP(INVALID_METADATA),
	    "\4\x19\5READY\xbSocket-Type\0\0\0\3PUB"),
	BAD("ERROR 400", "PeerErrors", 400, "\4\xa\5ERROR\003400"),
	BAD("libzmq's ERROR", "PeerErrors", 500, "\4\x9^RROR\003500"),
};

static void bad_server(struct __test_metadata *_metadata, int l, const char *ep,
		       const struct bad *b, const char *before, size_t len)
{
	int fd = client("u", "p"), mon = xmon(fd), raw;
	long had = mib(b->counter), gave_up = mib("GaveUp");
	struct mon_rec r;

	xset(fd, ZMQ_RECONNECT_IVL, 20);
	xconnect(fd, ep);
	raw = raw_accept(l);
	say(raw, b, before, len);
	EXPECT_TRUE(blamed(mon, b, had));
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_DISCONNECTED, &r));
	/* such a server is not tried again */
	EXPECT_TRUE(mon_quiet(mon));
	/* counted a moment after it was told */
	EXPECT_TRUE(wait_mib("GaveUp", gave_up + 1));
	EXPECT_EQ(gave_up + 1, mib("GaveUp"));
	EXPECT_TRUE(raw_closed(raw));
	close(raw);
	xclose(fd);
	xclose(mon);
}

TEST(what_is_no_welcome)
{
	char ep[EP_LEN];
	int l = raw_listen(ep);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_welcomes); i++)
		bad_server(_metadata, l, ep, &bad_welcomes[i], "", 0);
	close(l);
}

TEST(what_is_no_ready)
{
	char ep[EP_LEN];
	int l = raw_listen(ep);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_readys); i++)
		bad_server(_metadata, l, ep, &bad_readys[i],
			   OK_WELCOME, sizeof(OK_WELCOME) - 1);
	close(l);
}

/* READY with as much as a command may have, and that less one octet of form */
TEST(metadata_of_64k)
{
	static char body[65536];
	int l, raw, fd, mon;
	char ep[EP_LEN];
	struct mon_rec r;
	__u32 be;
	int bad;

	l = raw_listen(ep);
	for (bad = 0; bad < 2; bad++) {
		fd = client("u", "p");
		mon = xmon(fd);
		xconnect(fd, ep);
		raw = raw_accept(l);
		ASSERT_TRUE(hello_of(raw, RAW_LIT("\5HELLO\1u\1p")));
		raw_command(raw, "WELCOME", NULL, 0);
		memset(body, 'v', sizeof(body));
		memcpy(body, "\5READY" PULL_META "\1X", 28);
		be = htobe32(sizeof(body) - 32 - bad);
		memcpy(body + 28, &be, 4);
		raw_frame(raw, 4, body, sizeof(body));
		ASSERT_TRUE(mon_until(mon, bad ?
				      ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL :
				      ZMQ_EVENT_HANDSHAKE_SUCCEEDED, &r));
		EXPECT_EQ(bad ? ZMTP(INVALID_METADATA) : 0, r.e.value);
		xclose(fd);
		close(raw);
		xclose(mon);
	}
	close(l);
}

/* MAXMSGSIZE counts for commands too. */
TEST(commands_over_maxmsgsize)
{
	char ep[EP_LEN];
	int fd = xsocket(ZMQ_PULL), raw, mon = xmon(fd);
	long had = mib("MsgTooBig");
	long long max = 9;
	struct mon_rec r;

	xset(fd, ZMQ_PLAIN_SERVER, 1);
	xset_bytes(fd, ZMQ_MAXMSGSIZE, &max, sizeof(max));
	xbind_any(fd, ep);
	raw = raw_connect(ep);
	raw_greeting_of(raw, 1, "PLAIN");
	raw_write(raw, RAW_LIT("\4\xa\5HELLO\1u\1p"));
	EXPECT_TRUE(raw_closed(raw));
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, &r));
	EXPECT_EQ(had + 1, mib("MsgTooBig"));
	close(raw);
	xclose(fd);
	xclose(mon);
}

/* ---- the greeting ---- */

struct greeting {
	const char *name;
	const char *data;
	size_t len;
	__u64 code;
};

#define GREETING(_name, _code, _bytes)					\
	{ _name, "" _bytes, sizeof(_bytes) - 1, ZMTP(_code) }
#define Z16	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static const struct greeting greetings[] = {
	GREETING("ZMTP 2.0", UNSPECIFIED, SIG "\1\x8\0\0"),
	GREETING("ZMTP 1.0 with a version", UNSPECIFIED, SIG "\0\x8\1\0"),
	GREETING("ZMTP 1.0 without", UNSPECIFIED, "\1\0\2\0x"),
	GREETING("ZMTP 1.0, a long length", UNSPECIFIED,
		 "\xff\0\0\0\0\0\0\0\1\0"),
	GREETING("NULL", MECHANISM_MISMATCH, SIG "\3\1NULL" Z16 Z16 Z16),
	GREETING("CURVE", MECHANISM_MISMATCH, SIG "\3\1CURVE" Z16 Z16 Z16),
	GREETING("PLAIN and more", MECHANISM_MISMATCH,
		 SIG "\3\1PLAINER" Z16 Z16 Z16),
	GREETING("PLAIN, then rubbish", MECHANISM_MISMATCH,
		 SIG "\3\1PLAIN\0x" Z16 Z16 Z16),
	GREETING("plain", MECHANISM_MISMATCH, SIG "\3\1plain" Z16 Z16 Z16),
	GREETING("nothing", MECHANISM_MISMATCH, SIG "\3\1" Z16 Z16 Z16 Z16),
};

/* Whoever connects to a server, or to NULL with a domain, in an older version */
TEST(downgrades)
{
	char ep[EP_LEN];
	struct mon_rec r;
	int fd, mon, raw, domain;
	size_t i;

	for (domain = 0; domain < 2; domain++) {
		fd = xsocket(ZMQ_PULL);
		mon = xmon(fd);
		if (domain)
			xset_text(fd, ZMQ_ZAP_DOMAIN, "d");
		else
			xset(fd, ZMQ_PLAIN_SERVER, 1);
		xbind_any(fd, ep);
		for (i = 0; i < ARRAY_SIZE(greetings); i++) {
			if (domain && !strcmp(greetings[i].name, "NULL"))
				continue;
			raw = raw_connect(ep);
			raw_try_write(raw, greetings[i].data, greetings[i].len);
			ASSERT_TRUE(mon_until(mon,
					      ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
					      &r));
			EXPECT_EQ(greetings[i].code, r.e.value)
				TH_LOG("%s", greetings[i].name);
			EXPECT_TRUE(raw_closed(raw));
			close(raw);
		}
		xpeers(fd, 0);
		xclose(fd);
		xclose(mon);
	}
}

/* A password is not told to a server of another mechanism or version. */
TEST(no_password_for_the_wrong_server)
{
	char ep[EP_LEN], buf[256];
	int l = raw_listen(ep), fd, raw, got;
	ssize_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(greetings); i++) {
		fd = client("admin", "secret");
		xconnect(fd, ep);
		raw = raw_accept(l);
		raw_try_write(raw, greetings[i].data, greetings[i].len);
		for (got = 0; got < (int)sizeof(buf); got += n) {
			n = recv(raw, buf + got, sizeof(buf) - got, 0);
			if (n <= 0)
				break;
		}
		EXPECT_LE(got, 64);
		EXPECT_EQ(NULL, memmem(buf, got, "secret", 6));
		close(raw);
		xclose(fd);
	}
	close(l);
}

/* ---- silence ---- */

/* However far they have got, they are gone when HANDSHAKE_IVL is over. */
TEST(silent_clients)
{
	static const char all[] = SIG "\3\1PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		Z16 Z16 "\4\xa\5HELLO\1u";
	static const size_t len[] = { 0, 9, 11, 63, 64, 65, 66, 70, 74 };
	long had = mib("HandshakeTimeouts");
	char ep[EP_LEN];
	int fd = xsocket(ZMQ_PULL), raw[ARRAY_SIZE(len)];
	size_t i;

	xset(fd, ZMQ_PLAIN_SERVER, 1);
	xset(fd, ZMQ_HANDSHAKE_IVL, 200);
	xbind_any(fd, ep);
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		raw[i] = raw_connect(ep);
		raw_write(raw[i], all, len[i]);
	}
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		EXPECT_TRUE(raw_closed(raw[i]));
		close(raw[i]);
	}
	EXPECT_EQ(had + (long)ARRAY_SIZE(len), mib("HandshakeTimeouts"));
	xclose(fd);
}

TEST(silent_servers)
{
	static const char * const said[] = { "", "\4\x8\7WELCOME", "\4\x20\7WEL" };
	char ep[EP_LEN];
	int l = raw_listen(ep), fd, raw, mon;
	struct mon_rec r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(said); i++) {
		fd = client("u", "p");
		mon = xmon(fd);
		/* connected, and all of it said, before it is over */
		xset(fd, ZMQ_HANDSHAKE_IVL, kz_ms(1000));
		xconnect(fd, ep);
		raw = raw_accept(l);
		raw_greeting_of(raw, 1, "PLAIN");
		raw_write(raw, said[i], strlen(said[i]));
		EXPECT_TRUE(raw_closed(raw));
		ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
				      &r));
		EXPECT_EQ(ETIMEDOUT, r.e.value);
		/* silence is no fault: there will be another try */
		ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_CONNECT_RETRIED, &r));
		close(raw);
		xclose(fd);
		xclose(mon);
	}
	close(l);
}

/* Two clients, and two servers, have nothing to say to each other. */
TEST(the_same_role_twice)
{
	char ep[EP_LEN];
	int a = xsocket(ZMQ_PULL), b, mon;
	struct mon_rec r;

	xset_text(a, ZMQ_PLAIN_USERNAME, "a");
	xbind_any(a, ep);
	b = client("b", "b");
	mon = xmon(b);
	xconnect(b, ep);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_DISCONNECTED, &r));
	xclose(b);
	xclose(mon);

	xunbind(a, ep);
	xset(a, ZMQ_PLAIN_SERVER, 1);
	xbind_any(a, ep);
	b = xsocket(ZMQ_PUSH);
	mon = xmon(b);
	xset(b, ZMQ_PLAIN_SERVER, 1);
	/* the time to connect is not part of it */
	xset(b, ZMQ_CONNECT_TIMEOUT, kz_ms(KZ_WAIT_MS));
	xset(b, ZMQ_HANDSHAKE_IVL, 200);
	xset(b, ZMQ_RECONNECT_IVL, 60000);
	xconnect(b, ep);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, &r));
	EXPECT_EQ(ETIMEDOUT, r.e.value);
	xclose(a);
	xclose(b);
	xclose(mon);
}

/* Closed while it is being worked on, in every step */
TEST(closed_in_the_handshake)
{
	static const char all[] = "\4\x8\7WELCOME\4\x1a\5READY" PULL_META;
	char ep[EP_LEN];
	int l = raw_listen(ep), fd, raw;
	size_t i;

	for (i = 0; i < sizeof(all); i += 3) {
		fd = client("u", "p");
		xconnect(fd, ep);
		raw = raw_accept(l);
		raw_greeting_of(raw, 1, "PLAIN");
		raw_write(raw, all, i);
		if (i & 1)
			xclose(fd);
		close(raw);
		if (!(i & 1))
			xclose(fd);
	}
	close(l);
}

ZMQ_HARNESS_MAIN
