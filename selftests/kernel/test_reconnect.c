// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 200 */
/* When a connection is tried again, and after how long; when it is not. */
#include "kselftest_harness.h"
#include "libmon.h"

#include <linux/filter.h>

#define IVL	40	/* ms */
#define MAX	2560	/* IVL doubled six times */

/* From now on the socket hears nothing, or hears again. */
static void deafen(int fd, bool on)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &drop };

	if (on)
		KZ_CHECK(!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
				     sizeof(prog)));
	else
		KZ_CHECK(!setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &prog,
				     sizeof(int)));
}

/* Close it and take the next connection; how many milliseconds between. */
static long long again(int l, int *c)
{
	long long t = kz_now_ms();

	xclose(*c);
	*c = raw_accept(l);
	return kz_now_ms() - t;
}

FIXTURE(conn) {
	int push, l, c;
	char ep[EP_LEN];
	long gave_up;
};

FIXTURE_SETUP(conn)
{
	self->push = xsocket(ZMQ_PUSH);
	self->l = raw_listen(self->ep);
	self->c = -1;
	self->gave_up = mib("GaveUp");
	xset(self->push, ZMQ_RECONNECT_IVL, IVL);
}

FIXTURE_TEARDOWN(conn)
{
	xclose(self->push);
	close(self->l);
	if (self->c >= 0)
		close(self->c);
}

static void no_more(struct __test_metadata *_metadata, int l, long gave_up)
{
	EXPECT_TRUE(wait_mib("GaveUp", gave_up + 1));
	EXPECT_EQ(0, poll1(l, POLLIN, kz_ms(5 * IVL)));
}

/* IVL and up to as much again; not all alike */
TEST_F(conn, constant_with_jitter)
{
	long long gap, least = MAX, most = 0;
	int i;

	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	for (i = 0; i < 16; i++) {
		gap = again(self->l, &self->c);
		EXPECT_LE(IVL - 1, gap);
		least = gap < least ? gap : least;
		most = gap > most ? gap : most;
	}
	EXPECT_GE(2 * IVL + kz_ms(3000), most);
	EXPECT_LT(least, most);
}

/* A listener that never greets does not make the intervals begin anew. */
TEST_F(conn, backoff_survives_failed_handshakes)
{
	long long gap[6];
	int i, full = IVL;

	xset(self->push, ZMQ_RECONNECT_IVL_MAX, MAX / 4);
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	for (i = 0; i < 6; i++) {
		gap[i] = again(self->l, &self->c);
		/* the upper half is random */
		EXPECT_LE(full / 2 - 1, gap[i]);
		EXPECT_GE(full + kz_ms(3000), gap[i]);
		full = full * 2 < MAX / 4 ? full * 2 : MAX / 4;
	}
}

/* A connection that became ready does. */
TEST_F(conn, backoff_ends_with_success)
{
	int mon = mon_open(self->push, ZMQ_EVENT_CONNECT_RETRIED, 0), i;
	struct mon_rec r;

	ASSERT_LE(0, mon);
	xset(self->push, ZMQ_RECONNECT_IVL_MAX, MAX);
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	for (i = 0; i < 6; i++) {
		again(self->l, &self->c);
		ASSERT_EVENT(mon, CONNECT_RETRIED, &r);
	}
	EXPECT_LE(MAX / 4, r.e.value);
	ASSERT_TRUE(raw_handshake(self->c, 1, "PULL", "PUSH"));
	xpeers(self->push, 1);
	/* the seventh would be half of MAX at least */
	EXPECT_GE(IVL + kz_ms(3000), again(self->l, &self->c));
	ASSERT_EVENT(mon, CONNECT_RETRIED, &r);
	EXPECT_GE(IVL, r.e.value);
	xclose(mon);
}

/* a maximum below the interval is none */
TEST_F(conn, small_maximum)
{
	xset(self->push, ZMQ_RECONNECT_IVL_MAX, 1);
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	EXPECT_LE(IVL - 1, again(self->l, &self->c));
	EXPECT_LE(IVL - 1, again(self->l, &self->c));
}

/* Who drops SYNs is tried again after CONNECT_TIMEOUT, not after TCP's own. */
TEST_F(conn, connect_timeout)
{
	long failed = mib("ConnectFailures"), late = mib("HandshakeTimeouts");

	deafen(self->l, true);
	xset(self->push, ZMQ_CONNECT_TIMEOUT, 100);
	xset(self->push, ZMQ_HANDSHAKE_IVL, 0);
	xset(self->push, ZMQ_RECONNECT_IVL, 1);
	xconnect(self->push, self->ep);
	EXPECT_TRUE(wait_mib("ConnectFailures", failed + 3));
	EXPECT_EQ(late, mib("HandshakeTimeouts"));
	deafen(self->l, false);
	self->c = raw_accept(self->l);
	close(self->c);
	self->c = -1;
}

/* Once connected it is over: what follows is the handshake's time. */
TEST_F(conn, connect_timeout_is_for_connecting)
{
	long late = mib("HandshakeTimeouts");

	xset(self->push, ZMQ_CONNECT_TIMEOUT, kz_ms(1000));
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	EXPECT_EQ(0, poll1(self->l, POLLIN, kz_ms(1500)));
	EXPECT_EQ(late, mib("HandshakeTimeouts"));
	EXPECT_TRUE(raw_handshake(self->c, 1, "PULL", "PUSH"));
	xpeers(self->push, 1);
}

/* HANDSHAKE_IVL counts from then on. */
TEST_F(conn, both_timeouts)
{
	long late = mib("HandshakeTimeouts");

	xset(self->push, ZMQ_CONNECT_TIMEOUT, kz_ms(KZ_WAIT_MS));
	xset(self->push, ZMQ_HANDSHAKE_IVL, 100);
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	EXPECT_TRUE(raw_closed(self->c));
	EXPECT_TRUE(wait_mib("HandshakeTimeouts", late + 1));
	again(self->l, &self->c);
}

/* Also without CONNECT_TIMEOUT: TCP's first segment is lost, the next comes later. */
TEST_F(conn, handshake_time_begins_when_connected)
{
	const int ivl = 2000;
	struct mon_rec r;
	__u64 since;
	int mon;

	mon = xmon(self->push);
	xset(self->push, ZMQ_HANDSHAKE_IVL, ivl);
	deafen(self->l, true);
	xconnect(self->push, self->ep);
	poll(NULL, 0, ivl / 10);
	deafen(self->l, false);
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_CONNECTED, &r));
	since = r.e.time;
	ASSERT_TRUE(mon_until(mon, ZMQ_EVENT_DISCONNECTED, &r));
	EXPECT_EQ(ETIMEDOUT, r.e.error);
	/* timers count ticks, events nanoseconds */
	EXPECT_LE(ivl - 10, (r.e.time - since) / 1000000);
	xclose(mon);
}

/* Giving up is counted a moment before the queue goes. */
static bool wait_no_queue(int fd)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (poll1(fd, POLLOUT, 0)) {
		if (kz_now_ms() > end)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

TEST_F(conn, stop_when_refused)
{
	char ep[EP_LEN];
	int l = raw_listen(ep);

	xclose(l);
	xset(self->push, ZMQ_RECONNECT_STOP,
	     ZMQ_RECONNECT_STOP_CONN_REFUSED);
	xconnect(self->push, ep);
	EXPECT_TRUE(wait_mib("GaveUp", self->gave_up + 1));
	/* nobody is there: no queue either */
	EXPECT_TRUE(wait_no_queue(self->push));
	/* a peer that is there and leaves is another matter */
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	again(self->l, &self->c);
	EXPECT_EQ(self->gave_up + 1, mib("GaveUp"));
	EXPECT_OK(zset_text(self->push, ZMQ_DISCONNECT, ep));
}

/* refused later, after it had been connected */
TEST_F(conn, stop_when_refused_later)
{
	xset(self->push, ZMQ_RECONNECT_STOP,
	     ZMQ_RECONNECT_STOP_CONN_REFUSED);
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	xclose(self->l);
	xclose(self->c);
	self->c = -1;
	EXPECT_TRUE(wait_mib("GaveUp", self->gave_up + 1));
	self->l = raw_listen_port(ep_port(self->ep));
	no_more(_metadata, self->l, self->gave_up);
}

TEST_F(conn, stop_when_refused_ipc)
{
	xset(self->push, ZMQ_RECONNECT_STOP,
	     ZMQ_RECONNECT_STOP_CONN_REFUSED);
	xconnect(self->push, "ipc://@kzmq-nobody");
	EXPECT_TRUE(wait_mib("GaveUp", self->gave_up + 1));
}

TEST_F(conn, stop_when_the_handshake_failed)
{
	xset(self->push, ZMQ_RECONNECT_STOP,
	     ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED);
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	ASSERT_TRUE(raw_handshake(self->c, 1, "PULL", "PUSH"));
	xpeers(self->push, 1);
	/* the end of a ready connection is none */
	again(self->l, &self->c);
	EXPECT_EQ(self->gave_up, mib("GaveUp"));
	xclose(self->c);
	self->c = -1;
	no_more(_metadata, self->l, self->gave_up);
}

TEST_F(conn, stop_when_the_handshake_took_too_long)
{
	xset(self->push, ZMQ_RECONNECT_STOP,
	     ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED);
	/* too long to connect would be another end, and tried again */
	xset(self->push, ZMQ_CONNECT_TIMEOUT, kz_ms(KZ_WAIT_MS));
	xset(self->push, ZMQ_HANDSHAKE_IVL, 50);
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	EXPECT_TRUE(raw_closed(self->c));
	no_more(_metadata, self->l, self->gave_up);
}

/* what is unsent when the user disconnects is worth no new connection */
TEST_F(conn, stop_after_disconnect)
{
	xset(self->push, ZMQ_LINGER, -1);
	xset(self->push, ZMQ_RECONNECT_STOP,
	     ZMQ_RECONNECT_STOP_AFTER_DISCONNECT);
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	xsends(self->push, "unsent", 0);
	again(self->l, &self->c);
	xdisconnect(self->push, self->ep);
	xclose(self->c);
	self->c = -1;
	EXPECT_EQ(0, poll1(self->l, POLLIN, kz_ms(5 * IVL)));
}

TEST_F(conn, no_stop_after_disconnect)
{
	xset(self->push, ZMQ_LINGER, -1);
	xconnect(self->push, self->ep);
	self->c = raw_accept(self->l);
	xsends(self->push, "unsent", 0);
	xdisconnect(self->push, self->ep);
	again(self->l, &self->c);
	ASSERT_TRUE(raw_handshake(self->c, 1, "PULL", "PUSH"));
	EXPECT_TRUE(raw_expect(self->c, RAW_LIT("\0\6unsent")));
}

struct end {
	const char *name;
	bool ready, fault;	/* after the handshake; the peer is at fault */
	const char *text;
	size_t len;
};

#define END(n, r, f, s) { n, r, f, s, sizeof(s) - 1 }

static const struct end ends[] = {
	END("says nothing", false, false, ""),
	END("half a greeting", false, false, "\xff\0\0\0\0\0\0\0\1\x7f\3"),
	END("ready and leaves", true, false, ""),
	END("half a frame", true, false, "\0\7half"),
	END("a frame of more than 2^63 octets", true, true,
	    "\2\xff\xff\xff\xff\xff\xff\xff\xff"),
	END("a frame over the limit", true, true, "\2\0\0\0\0\0\0\4\1"),
	END("a command with more to follow", true, true, "\5\5\4PING"),
};

/* I/O errors are tried again, who breaks the protocol is not. */
TEST(classes_of_ends)
{
	const long long limit = 1024;
	const struct end *e;
	char ep[EP_LEN];
	int l, c, push;
	long gave_up;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		e = &ends[i];
		push = xsocket(ZMQ_DEALER);
		l = raw_listen(ep);
		gave_up = mib("GaveUp");
		xset(push, ZMQ_RECONNECT_IVL, 10);
		xset_bytes(push, ZMQ_MAXMSGSIZE, &limit, sizeof(limit));
		xconnect(push, ep);
		c = raw_accept(l);
		EXPECT_TRUE(!e->ready ||
			    raw_handshake(c, 1, "DEALER", "DEALER"));
		raw_write(c, e->text, e->len);
		if (e->fault) {
			EXPECT_TRUE(wait_mib("GaveUp", gave_up + 1))
				TH_LOG("%s", e->name);
			EXPECT_EQ(0, poll1(l, POLLIN, kz_ms(60)))
				TH_LOG("%s", e->name);
		} else {
			xclose(c);
			c = raw_accept(l);
			EXPECT_EQ(gave_up, mib("GaveUp"))
				TH_LOG("%s", e->name);
		}
		xclose(c);
		xclose(l);
		xclose(push);
	}
}

/* what peers say in READY and ERROR */
TEST(classes_of_handshakes)
{
	static const char *const types[] = { "PUB", "NONE" };
	char ep[EP_LEN];
	int l, c, push, i;
	long gave_up;

	for (i = 0; i < 4; i++) {
		push = xsocket(ZMQ_PUSH);
		l = raw_listen(ep);
		gave_up = mib("GaveUp");
		xset(push, ZMQ_RECONNECT_IVL, 10);
		xconnect(push, ep);
		c = raw_accept(l);
		raw_greeting(c, 1);
		if (i < 2)
			raw_ready(c, types[i], "", -1);
		else if (i == 2)
			raw_command(c, "ERROR", "\003no!", 4);
		else
			raw_frame(c, 0, "no command", 10);
		EXPECT_TRUE(wait_mib("GaveUp", gave_up + 1))
			TH_LOG("case %d", i);
		EXPECT_EQ(0, poll1(l, POLLIN, kz_ms(60)));
		xclose(c);
		xclose(l);
		xclose(push);
	}
}

ZMQ_HARNESS_MAIN
