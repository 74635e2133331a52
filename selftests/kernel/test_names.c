// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 200 */
/* Endpoints by name: several addresses that user space found for it. */
#include "kselftest_harness.h"
#include "lib.h"
#include "libmon.h"
#include "libpeers.h"

#include <stdarg.h>

#define ASKED	"tcp://a-name.test:5555"
#define DEAD1	"tcp://127.0.0.2:9"	/* nobody listens */
#define DEAD2	"tcp://127.0.0.3:9"
#define NO_WAY	"tcp://[2001:db8::1]:9"	/* nor is there a route */
#define HOUR	3600000			/* no test waits for that */
#define END	((char *)NULL)

/* The texts with their NULs one behind the other */
static size_t join(char *buf, const char *first, va_list ap)
{
	const char *s;
	size_t n = 0;

	for (s = first; s; s = va_arg(ap, const char *)) {
		memcpy(buf + n, s, strlen(s) + 1);
		n += strlen(s) + 1;
	}
	return n;
}

static int zname(int fd, int opt, const char *first, ...)
{
	char buf[8192];
	va_list ap;
	size_t n;

	va_start(ap, first);
	n = join(buf, first, ap);
	va_end(ap);
	return setsockopt(fd, SOL_ZMQ, opt, buf, n);
}

#define xname(...)							\
	do {								\
		if (zname(__VA_ARGS__, END))				\
			KZ_DIE("name");					\
	} while (0)

/* whose addresses have all failed */
static const char *stale(int fd)
{
	static __thread char text[1024];
	socklen_t len = sizeof(text);

	if (getsockopt(fd, SOL_ZMQ, ZMQ_NAME_ADDRS, text, &len))
		KZ_DIE("ZMQ_NAME_ADDRS");
	KZ_CHECK(len == strlen(text) + 1);
	return text;
}

static bool wait_stale(int fd)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (strcmp(stale(fd), ASKED)) {
		if (kz_now_ms() > end)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

FIXTURE(names) {
	int push, pull, l;
	char ep[EP_LEN];	/* PULL */
	char raw[EP_LEN];	/* a listener without a peer */
};

FIXTURE_SETUP(names)
{
	own_netns();
	self->push = xsocket(ZMQ_PUSH);
	self->pull = xsocket(ZMQ_PULL);
	xbind_any(self->pull, self->ep);
	self->l = raw_listen(self->raw);
	xset(self->push, ZMQ_RECONNECT_IVL, HOUR);
}

FIXTURE_TEARDOWN(names)
{
	xclose(self->push);
	xclose(self->pull);
	close(self->l);
}

TEST_F(names, bad_lists)
{
	static const struct {
		int len;
		const char *s;
	} bad[] = {
		{ 1, "" },
		{ 5, "tcp:" },
		{ 7, "tcp://" },
		{ 7, "tcp://h" },			/* no NUL */
		{ 9, "ipc://@x" },
		{ 11, "inproc://x" },
		{ 23, "xcp://h\0tcp://127.0.0.1" },
		{ 24, "tcp://h\0tcp://127.0.0.1" },	/* no port */
		{ 25, "tcp://h\0tcp://127.0.0.1:1" },	/* no NUL */
		{ 27, "tcp://h\0tcp://127.0.0.1:1\0" },	/* an empty one */
		{ 27, "tcp://h\0\0tcp://127.0.0.1:1" },
		{ 26, "tcp://h\0tcp://127.0.0.1:*" },
		{ 26, "tcp://h\0tcp://127.0.0.1:0" },
		{ 18, "tcp://h\0tcp://h:1" },
		{ 18, "tcp://h\0tcp://*:1" },
		{ 19, "tcp://h\0tcp://lo:1" },
		{ 17, "tcp://h\0ipc://@x" },
		{ 19, "tcp://h\0inproc://x" },
		{ 26, "tcp://h\0udp://127.0.0.1:1" },
		{ 20, "tcp://h\0" "127.0.0.1:1" },
	};
	int opts[2] = { ZMQ_CONNECT_NAME, ZMQ_NAME_ADDRS }, i, o;
	char buf[8192];
	socklen_t len;

	for (o = 0; o < 2; o++) {
		for (i = 0; i < (int)ARRAY_SIZE(bad); i++) {
			errno = 0;
			EXPECT_EQ(-1, setsockopt(self->push, SOL_ZMQ, opts[o],
						 bad[i].s, bad[i].len)) {
				TH_LOG("%d", i);
			}
			EXPECT_EQ(EINVAL, errno) {
				TH_LOG("%d", i);
			}
		}
		EXPECT_ERR(EINVAL, setsockopt(self->push, SOL_ZMQ, opts[o],
					      NULL, 0));
		EXPECT_ERR(EFAULT, setsockopt(self->push, SOL_ZMQ, opts[o],
					      BADPTR, 10));
		/* a name of 1024 octets, a value of 4097 */
		memset(buf, 'x', sizeof(buf));
		memcpy(buf, "tcp://", 6);
		buf[1024] = 0;
		EXPECT_ERR(EINVAL, setsockopt(self->push, SOL_ZMQ, opts[o],
					      buf, 1025));
		memset(buf + 100, 0, 4097);
		EXPECT_ERR(EINVAL, setsockopt(self->push, SOL_ZMQ, opts[o],
					      buf, 4097));
	}
	EXPECT_STREQ("", stale(self->push));
	EXPECT_ERR(ENOENT, zname(self->push, ZMQ_NAME_ADDRS, ASKED, DEAD1, END));
	len = sizeof(buf);
	EXPECT_ERR(EINVAL, getsockopt(self->push, SOL_ZMQ, ZMQ_CONNECT_NAME,
				      buf, &len));
	len = 0;
	EXPECT_ERR(EINVAL, getsockopt(self->push, SOL_ZMQ, ZMQ_NAME_ADDRS, buf,
				      &len));
	/* an address has no addresses */
	xconnect(self->push, DEAD1);
	EXPECT_ERR(ENOENT, zname(self->push, ZMQ_NAME_ADDRS, DEAD1, DEAD2, END));
	shutdown(self->push, SHUT_RDWR);
	EXPECT_ERR(ESHUTDOWN, zname(self->push, ZMQ_CONNECT_NAME, ASKED, END));
	EXPECT_ERR(ESHUTDOWN, zname(self->push, ZMQ_NAME_ADDRS, ASKED, END));
}

TEST_F(names, as_many_as_there_may_be)
{
	char buf[8192];
	int i, n = sizeof(ASKED);

	memcpy(buf, ASKED, sizeof(ASKED));
	for (i = 0; i < 15; i++)
		n += snprintf(buf + n, 100, "tcp://127.0.1.%d:9", i) + 1;
	n += snprintf(buf + n, 100, "%s", self->ep) + 1;
	memcpy(buf + n, DEAD1, sizeof(DEAD1));
	EXPECT_ERR(EINVAL, setsockopt(self->push, SOL_ZMQ, ZMQ_CONNECT_NAME,
				      buf, n + sizeof(DEAD1)));
	EXPECT_OK(setsockopt(self->push, SOL_ZMQ, ZMQ_CONNECT_NAME, buf, n));
	xpeers(self->pull, 1);
}

/* The name is what the endpoint is known by, the address where the peer is. */
TEST_F(names, dead_addresses_cost_no_time)
{
	char last[EP_LEN];
	socklen_t len = sizeof(last);
	struct peer p;

	xname(self->push, ZMQ_CONNECT_NAME, ASKED, DEAD1, NO_WAY, DEAD2,
	      self->ep);
	xpeers(self->push, 1);
	EXPECT_STREQ("", stale(self->push));
	ASSERT_OK(getsockopt(self->push, SOL_ZMQ, ZMQ_LAST_ENDPOINT, last, &len));
	EXPECT_STREQ(ASKED, last);
	p = peers_one(self->push);
	EXPECT_STREQ(self->ep, p.remote);
	xsends(self->push, "through", 0);
	EXPECT_GOT(self->pull, "through");
	EXPECT_ERR(ENOENT, zset_text(self->push, ZMQ_DISCONNECT, self->ep));
	xset_text(self->push, ZMQ_DISCONNECT, ASKED);
	xpeers(self->pull, 0);
	EXPECT_ERR(ENOENT, zset_text(self->push, ZMQ_DISCONNECT, ASKED));
}

/* After a loss it begins with the address that was good. */
TEST_F(names, order)
{
	char ep[EP_LEN];
	int l = raw_listen(ep), c;

	xset(self->push, ZMQ_RECONNECT_IVL, 1);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED, DEAD1, ep, self->raw);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	xpeers(self->push, 1);
	xclose(c);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	EXPECT_EQ(0, poll1(self->l, POLLIN, 0));
	/* it goes, and so does its turn */
	xclose(l);
	xclose(c);
	c = raw_accept(self->l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	xpeers(self->push, 1);
	xclose(c);
}

/* A peer that accepts and leaves again is no better than a dead one. */
TEST_F(names, handshakes_fail_too)
{
	int c;

	xname(self->push, ZMQ_CONNECT_NAME, ASKED, self->raw, self->ep);
	c = raw_accept(self->l);
	xclose(c);
	xpeers(self->pull, 1);
	EXPECT_STREQ("", stale(self->push));
}

TEST_F(names, a_round_fails)
{
	int mon = xmon(self->push), round, i;
	struct mon_rec r;

	xset(self->push, ZMQ_RECONNECT_IVL, 1);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED, DEAD1, DEAD2, NO_WAY);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 2; i++) {
			/* lo refuses within the call, or later */
			ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_CLOSED, &r));
			EXPECT_EQ(ECONNREFUSED, r.e.error);
			EXPECT_STREQ(ASKED, r.remote);
		}
		ASSERT_EVENT(mon, CLOSED, &r);
		EXPECT_EQ(ENETUNREACH, r.e.error);
		ASSERT_EVENT(mon, CONNECT_RETRIED, &r);
		EXPECT_STREQ(ASKED, r.remote);
	}
	EXPECT_TRUE(wait_stale(self->push));
	/* the old ones may do: until they have failed again */
	xname(self->push, ZMQ_NAME_ADDRS, ASKED);
	EXPECT_TRUE(wait_stale(self->push));
	xname(self->push, ZMQ_NAME_ADDRS, ASKED, DEAD1, self->ep);
	xpeers(self->pull, 1);
	EXPECT_STREQ("", stale(self->push));
}

/* The name cannot be looked up yet: all is there but somewhere to go. */
TEST_F(names, no_address_yet)
{
	xname(self->push, ZMQ_CONNECT_NAME, ASKED);
	EXPECT_STREQ(ASKED, stale(self->push));
	EXPECT_STREQ(ASKED, stale(self->push));
	xsends(self->push, "waits", 0);
	xname(self->push, ZMQ_NAME_ADDRS, ASKED);
	EXPECT_STREQ("", stale(self->push));
	/* what has come is tried at once */
	xname(self->push, ZMQ_NAME_ADDRS, ASKED, DEAD1, self->ep);
	EXPECT_GOT(self->pull, "waits");
	EXPECT_STREQ("", stale(self->push));
}

TEST_F(names, no_address_again_and_again)
{
	long failed = mib("ConnectFailures");

	xset(self->push, ZMQ_RECONNECT_IVL, 1);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED);
	EXPECT_STREQ(ASKED, stale(self->push));
	xname(self->push, ZMQ_NAME_ADDRS, ASKED);
	EXPECT_TRUE(wait_stale(self->push));
	EXPECT_EQ(failed, mib("ConnectFailures"));
	EXPECT_EQ(0, mib("Connects"));
}

TEST_F(names, replaced_while_connected)
{
	char ep[EP_LEN];
	int l = raw_listen(ep), c, c2;

	xset(self->push, ZMQ_RECONNECT_IVL, 1);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED, ep);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	xpeers(self->push, 1);
	xname(self->push, ZMQ_NAME_ADDRS, ASKED, DEAD1, self->raw);
	EXPECT_TRUE(raw_open(c));
	xclose(c);
	c2 = raw_accept(self->l);
	ASSERT_TRUE(raw_handshake(c2, 1, "PULL", "PUSH"));
	EXPECT_EQ(0, poll1(l, POLLIN, 0));
	xclose(c2);
	xclose(l);
}

/* What fails then is an address of old. */
TEST_F(names, replaced_while_trying)
{
	int c;

	xname(self->push, ZMQ_CONNECT_NAME, ASKED, self->raw);
	c = raw_accept(self->l);
	xname(self->push, ZMQ_NAME_ADDRS, ASKED, self->ep);
	xclose(c);
	xpeers(self->pull, 1);
	EXPECT_STREQ("", stale(self->push));
}

/* PUSH connects twice, and both get new addresses; DEALER once. */
TEST_F(names, twice)
{
	int dealer = xsocket(ZMQ_DEALER), router = xsocket(ZMQ_ROUTER);
	char ep[EP_LEN];

	xname(self->push, ZMQ_CONNECT_NAME, "tcp://other", DEAD1);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED, self->ep);
	xpeers(self->pull, 1);
	xname(self->push, ZMQ_NAME_ADDRS, ASKED, self->ep);
	xpeers(self->pull, 3);
	xbind_any(router, ep);
	xset(dealer, ZMQ_RECONNECT_IVL, HOUR);
	xname(dealer, ZMQ_CONNECT_NAME, ASKED);
	xname(dealer, ZMQ_CONNECT_NAME, ASKED, ep);
	xpeers(router, 1);
	xname(dealer, ZMQ_CONNECT_NAME, ASKED, self->raw);
	EXPECT_EQ(0, poll1(self->l, POLLIN, KZ_QUIET_MS));
	xclose(dealer);
	xclose(router);
}

/* Without reconnecting there is one round. */
TEST_F(names, one_round_only)
{
	long gave_up = mib("GaveUp");

	xset(self->push, ZMQ_RECONNECT_IVL, -1);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED, DEAD1, self->ep);
	xpeers(self->pull, 1);
	EXPECT_EQ(gave_up, mib("GaveUp"));
	xset_text(self->push, ZMQ_DISCONNECT, ASKED);
	xpeers(self->pull, 0);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED, DEAD1, DEAD2);
	EXPECT_TRUE(wait_mib("GaveUp", gave_up + 1));
	EXPECT_EQ(3, mib("ConnectFailures"));
	EXPECT_STREQ("", stale(self->push));
}

/* ZMQ_RECONNECT_STOP waits for the last of them. */
TEST_F(names, stop_when_refused)
{
	long gave_up = mib("GaveUp");

	xset(self->push, ZMQ_RECONNECT_STOP,
	     ZMQ_RECONNECT_STOP_CONN_REFUSED);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED, DEAD1, self->ep);
	xpeers(self->pull, 1);
	EXPECT_EQ(gave_up, mib("GaveUp"));
	xname(self->push, ZMQ_CONNECT_NAME, "tcp://other", DEAD1, DEAD2);
	EXPECT_TRUE(wait_mib("GaveUp", gave_up + 1));
	EXPECT_EQ(3, mib("ConnectFailures"));
}

/* A peer that is there and breaks a rule is the end, as ever. */
TEST_F(names, fault_is_final)
{
	long gave_up = mib("GaveUp");
	int c;

	xname(self->push, ZMQ_CONNECT_NAME, ASKED, self->raw, self->ep);
	c = raw_accept(self->l);
	raw_handshake(c, 1, "PUB", "PUSH");
	EXPECT_TRUE(wait_mib("GaveUp", gave_up + 1));
	xclose(c);
	EXPECT_FALSE(wait_peers(self->pull, 1, KZ_QUIET_MS));
	EXPECT_STREQ("", stale(self->push));
}

TEST_F(names, lingers)
{
	int fd = xsocket(ZMQ_PUSH), c;

	xset(fd, ZMQ_LINGER, -1);
	xset(fd, ZMQ_RECONNECT_IVL, HOUR);
	xname(fd, ZMQ_CONNECT_NAME, ASKED, self->raw, DEAD1, self->ep);
	c = raw_accept(self->l);
	xsends(fd, "last words", 0);
	xclose(fd);
	xclose(c);
	EXPECT_GOT(self->pull, "last words");
}

TEST_F(names, source)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char text[300];
	int c;

	snprintf(text, sizeof(text), "tcp://127.0.0.7:0;%s", self->raw + 6);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED, DEAD1, text);
	c = raw_accept(self->l);
	ASSERT_OK(getpeername(c, (struct sockaddr *)&sin, &len));
	EXPECT_EQ(0x7f000007, ntohl(sin.sin_addr.s_addr));
	xclose(c);
}

/* A proxy looks names up itself. */
TEST_F(names, proxy)
{
	int c;

	xset_text(self->push, ZMQ_SOCKS_PROXY, self->raw + 6);
	xname(self->push, ZMQ_CONNECT_NAME, "tcp://host:4660", self->ep);
	c = raw_accept(self->l);
	ASSERT_TRUE(raw_expect(c, RAW_LIT("\5\1\0")));
	raw_write(c, RAW_LIT("\5\0"));
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\5\1\0\3\4host\x12\x34")));
	EXPECT_ERR(ENOENT, zname(self->push, ZMQ_NAME_ADDRS, "tcp://host:4660",
				 self->ep, END));
	xclose(c);
	EXPECT_EQ(0, poll1(self->pull, POLLIN, 0));
}

static bool hammer_on;

static void *replace_thread(void *arg)
{
	int fd = *(int *)arg, i = 0;

	while (__atomic_load_n(&hammer_on, __ATOMIC_RELAXED)) {
		zname(fd, ZMQ_NAME_ADDRS, ASKED, i & 1 ? DEAD1 : DEAD2,
		      i & 2 ? NO_WAY : DEAD1, i & 4 ? END : DEAD1, END);
		stale(fd);
		i++;
	}
	return NULL;
}

/* new addresses while connections are tried, made and lost */
TEST_F_TIMEOUT(names, hammer, 60)
{
	pthread_t t[2];
	int i, c;

	xset(self->push, ZMQ_RECONNECT_IVL, 1);
	xname(self->push, ZMQ_CONNECT_NAME, ASKED, DEAD1);
	hammer_on = true;
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, replace_thread,
					    &self->push));
	/* they take the socket's lock from each other, and from the tries */
	for (i = 30; i <= 300; i += 30)
		ASSERT_TRUE(wait_mib("Connects", i));
	__atomic_store_n(&hammer_on, false, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	for (i = 0; i < 10; i++) {
		xname(self->push, ZMQ_NAME_ADDRS, ASKED, DEAD1, self->raw);
		c = raw_accept(self->l);
		/* it is with us: what is new now is for the next try */
		if (i == 9)
			xname(self->push, ZMQ_NAME_ADDRS, ASKED, self->ep);
		xclose(c);
	}
	xpeers(self->pull, 1);
}

ZMQ_HARNESS_MAIN
