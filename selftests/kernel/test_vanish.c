// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/*
 * Peers that leave in the middle of what they say: at each step of the
 * greeting, the handshake and a message, by FIN, by RST and by saying nothing
 * more, to sockets of every type that bound and that connected.
 */
#include "kselftest_harness.h"
#include "lib.h"

#define RETRY_MS	10

enum step {
	SAYS_NOTHING,
	HALF_SIGNATURE,
	HALF_GREETING,
	HALF_COMMAND_HEADER,
	HALF_COMMAND,
	READY,			/* from here on the handshake is done */
	HALF_HEADER,
	HALF_LONG_HEADER,
	HALF_BODY,
	HALF_LONG_BODY,
	HALF_MULTIPART,
	HALF_SECOND_FRAME,
	STEPS
};

static const char * const step_name[STEPS] = {
	"nothing said", "half a signature", "half a greeting",
	"half a command header", "half a command", "a whole handshake",
	"half a header", "half a long header", "half a body",
	"half a long body", "half a multipart message", "half a second frame",
};

enum way { FIN, RST, WAYS };

static const struct kind {
	int type;
	const char *name, *peer;
} kinds[] = {
	{ ZMQ_PAIR, "PAIR", "PAIR" },
	{ ZMQ_PUB, "PUB", "SUB" },
	{ ZMQ_SUB, "SUB", "PUB" },
	{ ZMQ_REQ, "REQ", "REP" },
	{ ZMQ_REP, "REP", "REQ" },
	{ ZMQ_DEALER, "DEALER", "DEALER" },
	{ ZMQ_ROUTER, "ROUTER", "DEALER" },
	{ ZMQ_PULL, "PULL", "PUSH" },
	{ ZMQ_PUSH, "PUSH", "PULL" },
	{ ZMQ_XPUB, "XPUB", "SUB" },
	{ ZMQ_XSUB, "XSUB", "PUB" },
};

static int new_socket(const struct kind *k)
{
	int fd = xsocket(k->type);

	xset(fd, ZMQ_RECONNECT_IVL, RETRY_MS);
	if (k->type == ZMQ_SUB)
		xset_text(fd, ZMQ_SUBSCRIBE, "");
	return fd;
}

/* What a peer may say before the socket has asked: its envelope, if any. */
static void envelope(int raw, const struct kind *k)
{
	if (k->type == ZMQ_REP || k->type == ZMQ_REQ)
		raw_frame(raw, 1, "", 0);
}

static void say_half_a_message(int raw, const struct kind *k, enum step step)
{
	static const char body[300];

	envelope(raw, k);
	switch (step) {
	case HALF_HEADER:
		raw_write(raw, "\0", 1);
		break;
	case HALF_LONG_HEADER:
		raw_write(raw, "\2\0\0\0", 4);
		break;
	case HALF_BODY:
		raw_write(raw, "\0\12\1abc", 6);
		break;
	case HALF_LONG_BODY:
		raw_frame_long(raw, 2, 100000);
		raw_write(raw, body, sizeof(body));
		break;
	case HALF_MULTIPART:
		raw_frame(raw, 1, "first", 5);
		break;
	case HALF_SECOND_FRAME:
		raw_frame(raw, 1, "first", 5);
		raw_write(raw, "\0\6sec", 5);
		break;
	default:
		break;
	}
}

/*
 * What belongs to the handshake goes in one piece: where there is a time limit the
 * socket may have left when somebody slow comes with the next.
 */
static void say_until(int raw, const struct kind *k, enum step step)
{
	static const int octets[READY] = {
		[HALF_SIGNATURE] = 7, [HALF_GREETING] = 14,
		[HALF_COMMAND_HEADER] = 64 + 1, [HALF_COMMAND] = 64 + 12,
	};
	char all[64 + 12] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL";

	if (step < READY) {
		memcpy(all + 64, "\4\31\5READY\13Soc", 12);
		raw_write(raw, all, octets[step]);
		return;
	}
	KZ_CHECK(raw_handshake(raw, 1, k->peer, k->name));
	if (step > READY)
		say_half_a_message(raw, k, step);
}

static void vanish(int raw, enum way way)
{
	struct linger hard = { .l_onoff = 1 };

	if (way == RST)
		KZ_CHECK(!setsockopt(raw, SOL_SOCKET, SO_LINGER, &hard,
				     sizeof(hard)));
	xclose(raw);
}

/* A message to the peer, whatever the socket sent to it before. */
static bool hears(int raw, const char *body)
{
	struct raw_frame f;

	while (raw_read_frame(raw, &f))
		if (!f.flags && f.size == strlen(body) &&
		    !memcmp(f.body, body, f.size))
			return true;
	return false;
}

static bool got_next(int fd, const char *want, bool *eor)
{
	char buf[64];
	ssize_t n = zrecv(fd, buf, sizeof(buf), 0, eor);

	return n == (ssize_t)strlen(want) && !memcmp(buf, want, n);
}

/* The socket and a good peer understand each other. */
static bool talks(int fd, int raw, const struct kind *k)
{
	bool eor;
	char id[64];

	switch (k->type) {
	case ZMQ_PUB:
		raw_frame(raw, 0, "\1", 1);
		xtopics(fd, 1);
		xsends(fd, "hello", 0);
		return hears(raw, "hello");
	case ZMQ_PUSH:
		xsends(fd, "hello", 0);
		return hears(raw, "hello");
	case ZMQ_REQ:
		xsends(fd, "hello", 0);
		if (!hears(raw, "hello"))
			return false;
		break;
	case ZMQ_XPUB:
		raw_frame(raw, 0, "\1a", 2);
		return got_next(fd, "\1a", &eor) && eor;
	}
	envelope(raw, k);
	raw_frame(raw, 1, "good", 4);
	raw_frame(raw, 0, "peer", 4);
	if (k->type == ZMQ_ROUTER && zrecv(fd, id, sizeof(id), 0, &eor) != 5)
		return false;
	return got_next(fd, "good", &eor) && !eor &&
	       got_next(fd, "peer", &eor) && eor;
}

/* Nothing of what was left unfinished can be read. */
static bool heard_nothing(int fd)
{
	struct zmq_stats st;
	char c;

	xstats(fd, &st);
	if (st.in_msgs || st.peers)
		return false;
	return recv(fd, &c, 1, MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EOPNOTSUPP || errno == EBADFD);
}

static bool no_memory_left(void)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (mib("MemBytes")) {
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %ld octets left\n", mib("MemBytes"));
			return false;
		}
		sched_yield();
	}
	return true;
}

static int peer_of(bool bound, const char *ep, int listener)
{
	return bound ? raw_connect(ep) : raw_accept(listener);
}

/* One vanishes, and the socket has noticed that. */
static void one_vanishes(int fd, int raw, const struct kind *k, int step,
			 enum way way)
{
	say_until(raw, k, step);
	if (step >= READY)
		xpeers(fd, 1);
	vanish(raw, way);
	xpeers(fd, 0);
}

static bool all_steps(const struct kind *k, bool bound)
{
	int fd = new_socket(k), listener = -1, raw, step, way;
	char ep[EP_LEN];
	bool ok = true;

	if (bound) {
		xbind_any(fd, ep);
	} else {
		listener = raw_listen(ep);
		xconnect(fd, ep);
	}
	for (step = 0; step < STEPS; step++)
		for (way = 0; way < WAYS; way++) {
			raw = peer_of(bound, ep, listener);
			one_vanishes(fd, raw, k, step, way);
			if (heard_nothing(fd))
				continue;
			ok = false;
			fprintf(stderr, "# %s: a message after %s\n", k->name,
				step_name[step]);
		}
	raw = peer_of(bound, ep, listener);
	KZ_CHECK(raw_handshake(raw, 1, k->peer, k->name));
	xpeers(fd, 1);
	if (!talks(fd, raw, k)) {
		fprintf(stderr, "# %s, %s, does not go on\n", k->name,
			bound ? "bound" : "connected");
		ok = false;
	}
	xclose(fd);
	xclose(raw);
	if (listener >= 0)
		xclose(listener);
	return ok && no_memory_left();
}

KZ_TEST_TIMEOUT(mid_way_from_bound, 60)
{
	size_t i;

	own_netns();
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		EXPECT_TRUE(all_steps(&kinds[i], true));
	EXPECT_EQ(0, mib_faults());
	printf("# %zu types, %d steps, %d ways\n", i, STEPS, WAYS);
}

KZ_TEST_TIMEOUT(mid_way_from_connected, 60)
{
	size_t i;

	own_netns();
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		EXPECT_TRUE(all_steps(&kinds[i], false));
	EXPECT_EQ(0, mib_faults());
	EXPECT_EQ(0, mib("GaveUp"));
	printf("# %zu types, %d steps, %d ways\n", i, STEPS, WAYS);
}

/* STREAM has no steps: what came is there, then the end is told. */
TEST(stream)
{
	char ep[EP_LEN], id[8];
	int way;

	own_netns();
	for (way = 0; way < WAYS; way++) {
		int fd = xsocket(ZMQ_STREAM), raw;

		xbind_any(fd, ep);
		raw = raw_connect(ep);
		raw_write(raw, "half a wor", 10);
		ASSERT_EQ(5, recv(fd, id, sizeof(id), 0));
		EXPECT_GOT(fd, "");
		ASSERT_EQ(5, recv(fd, id, sizeof(id), 0));
		EXPECT_GOT(fd, "half a wor");
		vanish(raw, way);
		ASSERT_EQ(5, recv(fd, id, sizeof(id), 0));
		EXPECT_GOT(fd, "");
		xpeers(fd, 0);
		xclose(fd);
	}
	EXPECT_TRUE(no_memory_left());
}

/* Who falls silent before the handshake is done is dropped in time. */
TEST(silence)
{
	const int ivl = 100;
	size_t i;
	int step;

	own_netns();
	for (i = 0; i < ARRAY_SIZE(kinds); i += 3)
		for (step = 0; step < READY; step++) {
			const struct kind *k = &kinds[i];
			int fd = new_socket(k), listener, raw;
			long late = mib("HandshakeTimeouts");
			char ep[EP_LEN];

			xset(fd, ZMQ_HANDSHAKE_IVL, kz_ms(ivl));
			xbind_any(fd, ep);
			raw = raw_connect(ep);
			say_until(raw, k, step);
			EXPECT_TRUE(raw_closed(raw));
			EXPECT_EQ(late + 1, mib("HandshakeTimeouts"));
			xclose(raw);
			xclose(fd);

			fd = new_socket(k);
			xset(fd, ZMQ_HANDSHAKE_IVL, kz_ms(ivl));
			listener = raw_listen(ep);
			xconnect(fd, ep);
			raw = raw_accept(listener);
			say_until(raw, k, step);
			EXPECT_TRUE(raw_closed(raw));
			xclose(raw);
			/* and it tries again */
			xclose(raw_accept(listener));
			EXPECT_LE(late + 2, mib("HandshakeTimeouts"));
			xclose(fd);
			xclose(listener);
		}
	EXPECT_TRUE(no_memory_left());
}

/* The reply is half there when the one who was asked goes. */
TEST(half_a_reply)
{
	char ep[EP_LEN], ep2[EP_LEN];
	int way, fd, listener, raw, rep;

	own_netns();
	for (way = 0; way < WAYS; way++) {
		fd = xsocket(ZMQ_REQ);
		xset(fd, ZMQ_RECONNECT_IVL, RETRY_MS);
		xset(fd, ZMQ_REQ_RELAXED, 1);
		xset(fd, ZMQ_REQ_CORRELATE, 1);
		listener = raw_listen(ep);
		xconnect(fd, ep);
		raw = raw_accept(listener);
		ASSERT_TRUE(raw_handshake(raw, 1, "REP", "REQ"));
		xsends(fd, "request", 0);
		ASSERT_TRUE(hears(raw, "request"));
		raw_write(raw, "\1\4\0\0\0\1\1\0\0\11half", 12);
		vanish(raw, way);
		xpeers(fd, 0);
		EXPECT_EQ(0, poll1(fd, POLLIN, 0));
		xclose(listener);
		/* somebody else answers the next one */
		rep = xsocket(ZMQ_REP);
		xbind_any(rep, ep2);
		xdisconnect(fd, ep);
		xconnect(fd, ep2);
		xsends(fd, "again", 0);
		EXPECT_GOT(rep, "again");
		xsends(rep, "whole", 0);
		EXPECT_GOT(fd, "whole");
		xclose(rep);
		xclose(fd);
	}
	EXPECT_TRUE(no_memory_left());
}

/* A sender whose peer does not read and then goes; its messages go with it. */
TEST(full_pipe)
{
	static const char body[10000];
	int way, i;

	own_netns();
	for (way = 0; way < WAYS; way++) {
		int fd = xsocket(ZMQ_PUSH), raw, good;
		char ep[EP_LEN];
		long dropped = mib("DropsPeerGone");

		xset(fd, ZMQ_SNDHWM, 20);
		xset(fd, ZMQ_SNDBUF, 20000);
		xbind_any(fd, ep);
		raw = raw_peer(ep, "PULL", "PUSH");
		xpeers(fd, 1);
		/* full for good, not just for as long as nobody sends */
		xset(fd, ZMQ_SNDTIMEO, kz_ms(300));
		for (i = 0; send(fd, body, sizeof(body), 0) > 0; i++)
			;
		EXPECT_EQ(EAGAIN, errno);
		vanish(raw, way);
		xpeers(fd, 0);
		EXPECT_LT(dropped, mib("DropsPeerGone"));
		good = raw_peer(ep, "PULL", "PUSH");
		xpeers(fd, 1);
		xsends(fd, "hello", 0);
		EXPECT_TRUE(hears(good, "hello"));
		xclose(good);
		xclose(fd);
		printf("# %d messages, then gone\n", i);
	}
	EXPECT_TRUE(no_memory_left());
}

ZMQ_HARNESS_MAIN
