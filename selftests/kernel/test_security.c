// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 300 */
/*
 * The security record of libzmq: one test for each of its holes that could be
 * here too, named by CVE, issue or commit. selftests/SECURITY.md lists them all;
 * those of mechanisms are in test_security_auth.c, for one, and what else was found
 * in test_security_flaws.c.
 *
 * Every test has a network namespace of its own: where octets of messages are
 * left when that ends, the module warns.
 */
#include "kselftest_harness.h"
#include "libscene.h"

#include <endian.h>
#include <sys/resource.h>

#define SIG	"\xff\0\0\0\0\0\0\0\1\x7f"
#define KIB	1024
#define fallthrough	__attribute__((__fallthrough__))

/* what counts against the bounds of this socket goes down to @most */
static bool wait_mem(int fd, unsigned long long most)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	struct zmq_stats st;

	do {
		xstats(fd, &st);
		if (st.mem <= most)
			return true;
		poll(NULL, 0, 1);
	} while (kz_now_ms() < end);
	fprintf(stderr, "# %llu octets held, not %llu\n",
		(unsigned long long)st.mem, most);
	return false;
}

static bool wait_count(const char *name, long n)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (mib(name) < n)
		if (kz_now_ms() > end || poll(NULL, 0, 1))
			return false;
	return true;
}

static void more_files(void)
{
	struct rlimit lim = { .rlim_cur = 8192, .rlim_max = 8192 };

	KZ_CHECK(!setrlimit(RLIMIT_NOFILE, &lim));
}

/* A frame header of any version and size in front of enough to overwrite. */
static size_t huge_frame(char *out, int version, unsigned long long size)
{
	__u64 be = htobe64(size);
	size_t n = 0;

	if (version == 1) {
		memcpy(out, "\1\0\xff", 3);
		n = 3;
	} else if (version == 2) {
		memcpy(out, SIG "\1\5\0\0\2", 15);
		n = 15;
	} else {
		out[n++] = 2;
	}
	memcpy(out + n, &be, 8);
	memset(out + n + 8, 'A', 8 * KIB);
	return n + 8 + 8 * KIB;
}

/*
 * libzmq 4.2-4.3.0 added the size of a frame to a pointer and compared the sum:
 * it wrapped, and the body was written anywhere. Here such a size ends the
 * connection when the header is read.
 */
KZ_TEST_TIMEOUT(cve_2019_6250_size_overflow, 120)
{
	static const unsigned long long size[] = {
		1ULL << 31, 1ULL << 32, 1ULL << 62, (1ULL << 63) - 1,
		1ULL << 63, (1ULL << 63) + 8, 0ULL - 8192, 0ULL - 256,
		0ULL - 64, 0ULL - 10, 0ULL - 9, 0ULL - 8, 0ULL - 2, 0ULL - 1,
	};
	static char out[9 * KIB];
	struct scene s;
	int raw, ver;
	long before;
	size_t i, n;

	set_scene(&s, ZMQ_PULL, ZMQ_PUSH);
	ASSERT_OK(sysctl_set("msg_size_max", 1 << 30));
	for (ver = 1; ver <= 3; ver++) {
		for (i = 0; i < ARRAY_SIZE(size); i++) {
			raw = ver == 3 ? raw_peer(s.ep, "PUSH", "PULL") :
					 raw_connect(s.ep);
			n = huge_frame(out, ver, size[i]);
			before = mib_faults();
			raw_try_write(raw, out, n);
			EXPECT_TRUE(raw_closed(raw)) {
				TH_LOG("version %d, size %#llx", ver, size[i]);
			}
			EXPECT_TRUE(wait_fault(before, KZ_WAIT_MS));
			xclose(raw);
		}
	}
	EXPECT_TRUE(pull_lives(&s));
	end_scene(&s);
}

static int crowd(const char *ep, int *raw, int n)
{
	char half[64] = SIG "\3\1NULL";
	int i;

	for (i = 0; i < n; i++) {
		raw[i] = raw_connect(ep);
		if (i % 3 == 1)
			raw_try_write(raw[i], half, 10);
		else if (i % 3 == 2)
			raw_try_write(raw[i], half, 64);
	}
	return n;
}

/*
 * libzmq up to 4.3.2 gave a raw TCP connection a pipe before its handshake, so
 * messages were routed to it and a full pipe blocked everybody. Here thousands
 * of silent and half-handshaken ones are no peers, get nothing, and keep
 * neither old peers nor new ones from being served.
 */
KZ_TEST_TIMEOUT(cve_2020_15166_silent_pull, 150)
{
	static int raw[2500];
	struct zmq_stats st;
	struct scene s;
	int late, i;

	own_netns();
	s.fd = xsocket(ZMQ_PULL);
	/* they may be silent until there are too many of them, however long it takes */
	xset(s.fd, ZMQ_HANDSHAKE_IVL, 0);
	s.good = xsocket(ZMQ_PUSH);
	xbind_any(s.fd, s.ep);
	xconnect(s.good, s.ep);
	xpeers(s.fd, 1);
	xpeers(s.good, 1);
	more_files();
	crowd(s.ep, raw, ARRAY_SIZE(raw));
	late = xsocket(ZMQ_PUSH);
	xconnect(late, s.ep);
	xsends(late, "here", 0);
	EXPECT_GOT(s.fd, "here");
	EXPECT_TRUE(pull_lives(&s));
	xstats(s.fd, &st);
	EXPECT_EQ(2, st.peers);
	EXPECT_LT(0, mib("HandshakesEvicted"));
	for (i = 0; i < (int)ARRAY_SIZE(raw); i++)
		xclose(raw[i]);
	xclose(late);
	EXPECT_TRUE(wait_peers(s.fd, 1, KZ_WAIT_MS));
	EXPECT_TRUE(pull_lives(&s));
	end_scene(&s);
}

KZ_TEST_TIMEOUT(cve_2020_15166_silent_push, 150)
{
	static int raw[1200];
	struct scene s;
	char text[16];
	int i;

	set_scene(&s, ZMQ_PUSH, ZMQ_PULL);
	more_files();
	crowd(s.ep, raw, ARRAY_SIZE(raw));
	/* every message goes to the one that can read it, none waits */
	for (i = 0; i < kz_less(2000); i++) {
		snprintf(text, sizeof(text), "%d", i);
		xsends(s.fd, text, 0);
		ASSERT_GOT(s.good, text);
	}
	for (i = 0; i < (int)ARRAY_SIZE(raw); i++)
		xclose(raw[i]);
	end_scene(&s);
}

/*
 * libzmq up to 4.3.2 leaked the frames of a message which its peer, a server
 * say, had not finished when the connection ended. Here nothing of it is seen
 * and nothing stays counted, whichever side ends.
 */
KZ_TEST_TIMEOUT(cve_2021_20234_unfinished_message, 120)
{
	static char body[64 * KIB];
	int fd, l, raw, i, k;
	struct zmq_stats st;
	char ep[EP_LEN];

	own_netns();
	l = raw_listen(ep);
	for (i = 0; i < 60; i++) {
		fd = xsocket(i % 2 ? ZMQ_DEALER : ZMQ_SUB);
		xset(fd, ZMQ_RECONNECT_IVL, -1);
		xconnect(fd, ep);
		raw = raw_accept(l);
		ASSERT_TRUE(raw_handshake(raw, 1, i % 2 ? "ROUTER" : "PUB",
					  i % 2 ? "DEALER" : "SUB"));
		for (k = 0; k < 4; k++)
			raw_frame(raw, 1, body, sizeof(body));
		/* a last frame half there */
		raw_frame_long(raw, 2, 100000);
		raw_write(raw, body, 30000);
		if (i % 3 == 0) {
			/* ours closes with all of it in hand */
			xclose(fd);
			xclose(raw);
			continue;
		}
		xclose(raw);
		EXPECT_TRUE(wait_peers(fd, 0, KZ_WAIT_MS));
		EXPECT_TRUE(wait_mem(fd, 0));
		xstats(fd, &st);
		EXPECT_EQ(0, st.in_msgs);
		xclose(fd);
	}
	xclose(l);
}

/*
 * libzmq 4.2-4.3.2: malformed ZMTP 1.0 frames made a decoder shrink the buffer
 * it shared with messages, and two messages over 8 KiB wrote behind it. Here
 * they come in whole, in whatever pieces, and a malformed one ends it.
 */
KZ_TEST_TIMEOUT(cve_2021_20235_large_v1_frames, 60)
{
	static const int size[] = { 8191, 8192, 8193, 8194, 16384, 20000 };
	static char got[20000], all[2 * 20010];
	char head[10] = "\xff";
	size_t i, cut, n, at;
	struct scene s;
	__u64 be;
	int raw;

	set_scene(&s, ZMQ_PULL, ZMQ_PUSH);
	for (i = 0; i < ARRAY_SIZE(size); i++) {
		raw = raw_connect(s.ep);
		raw_write(raw, RAW_LIT("\1\0"));
		be = htobe64(size[i] + 1);
		memcpy(head + 1, &be, 8);
		n = 10 + size[i];
		memcpy(all, head, 10);
		fill(all + 10, size[i], i);
		memcpy(all + n, all, n);
		for (at = 0; at < 2 * n; at += cut) {
			cut = 4096 + i * 7;
			if (cut > 2 * n - at)
				cut = 2 * n - at;
			raw_write(raw, all + at, cut);
		}
		for (cut = 0; cut < 2; cut++) {
			ASSERT_EQ(size[i], recv(s.fd, got, sizeof(got), 0));
			EXPECT_TRUE(filled(got, size[i], i));
		}
		raw_try_write(raw, "\0\0\xff\0\0\0\0\0\0\0\0\0", 12);
		EXPECT_TRUE(raw_closed(raw));
		xclose(raw);
	}
	EXPECT_TRUE(pull_lives(&s));
	end_scene(&s);
}

static bool raw_topic(int raw, bool cancel, const char *topic, size_t len)
{
	const char *name = cancel ? "\6CANCEL" : "\11SUBSCRIBE";
	unsigned char h[9] = { 6 };
	__u64 be = htobe64(len + strlen(name));

	memcpy(h + 1, &be, 8);
	return raw_try_write(raw, h, 9) &&
	       raw_try_write(raw, name, strlen(name)) &&
	       raw_try_write(raw, topic, len);
}

/*
 * libzmq up to 4.3.2 went down its tree of topics by recursion, an octet a
 * level, when a peer left: a long topic ran over the stack. Here a topic of
 * 1 MiB, shorter ones on its way, and forks all along it come and go, one by
 * one or all with their peer.
 */
KZ_TEST_TIMEOUT(cve_2021_20236_long_topics, 120)
{
	size_t len = 1 << 20, i, n = kz_less(1500);
	char *topic = malloc(len), was;
	int raw, round;
	struct scene s;

	memset(topic, 't', len);
	set_scene(&s, ZMQ_PUB, ZMQ_SUB);
	ASSERT_OK(sysctl_set("topic_max", 2 << 20));
	for (round = 0; round < 2; round++) {
		raw = raw_peer(s.ep, "SUB", "PUB");
		EXPECT_TRUE(raw_topic(raw, false, topic, len));
		for (i = 1; i < n; i++)
			EXPECT_TRUE(raw_topic(raw, false, topic, i));
		for (i = n; i < 2 * n; i++) {
			was = topic[i - 1];
			topic[i - 1] = 'x';
			EXPECT_TRUE(raw_topic(raw, false, topic, i));
			topic[i - 1] = was;
		}
		xtopics(s.fd, 2 * n);
		if (!round) {
			EXPECT_TRUE(raw_topic(raw, true, topic, len));
			for (i = 1; i < n; i++)
				EXPECT_TRUE(raw_topic(raw, true, topic, i));
			xtopics(s.fd, n);
		}
		xclose(raw);
		EXPECT_TRUE(wait_peers(s.fd, 1, KZ_WAIT_MS));
		xtopics(s.fd, 0);
	}
	/* and by the program's own calls */
	EXPECT_OK(setsockopt(s.good, SOL_ZMQ, ZMQ_SUBSCRIBE, topic, len));
	xtopics(s.fd, 1);
	EXPECT_OK(setsockopt(s.good, SOL_ZMQ, ZMQ_UNSUBSCRIBE, topic, len));
	xtopics(s.fd, 0);
	free(topic);
	end_scene(&s);
}

/* without that sysctl a topic has a sane length, or costs its connection */
TEST(cve_2021_20236_length_limit)
{
	size_t len = 1 << 20;
	char *topic = calloc(1, len);
	struct scene s;
	int raw;

	set_scene(&s, ZMQ_XPUB, ZMQ_SUB);
	raw = raw_peer(s.ep, "SUB", "XPUB");
	raw_topic(raw, false, topic, len);
	EXPECT_TRUE(raw_closed(raw));
	EXPECT_LT(0, mib("TopicLimit") + mib("MsgTooBig"));
	EXPECT_EQ(0, zget(s.fd, ZMQ_TOPICS_COUNT));
	xclose(raw);
	free(topic);
	end_scene(&s);
}

/*
 * libzmq up to 4.3.2: what a subscriber sent a PUB besides subscriptions was
 * dropped without the properties hanging on it: a leak by flood. Here it is
 * dropped whole, an XPUB that does not read keeps no more than its mark, and
 * the peers stay.
 */
KZ_TEST_TIMEOUT(cve_2021_20237_messages_to_a_publisher, 60)
{
	static const int type[] = { ZMQ_PUB, ZMQ_XPUB };
	static char flood[1000 * 12];
	struct zmq_stats st;
	struct scene s;
	int raw, i, t;

	for (i = 0; i < 1000; i++)
		memcpy(flood + i * 12, "\0\12user msg..", 12);
	for (t = 0; t < 2; t++) {
		set_scene(&s, type[t], ZMQ_XSUB);
		raw = raw_peer(s.ep, "SUB", type[t] == ZMQ_PUB ? "PUB" : "XPUB");
		if (type[t] == ZMQ_PUB) {
			for (i = 0; i < 50; i++)
				raw_write(raw, flood, sizeof(flood));
			EXPECT_TRUE(wait_count("DropsUnexpected", 50000));
			EXPECT_TRUE(wait_mem(s.fd, 0));
		} else {
			for (i = 0; i < 50; i++)
				if (send(raw, flood, sizeof(flood),
					 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
					poll1(raw, POLLOUT, 50);
			EXPECT_TRUE(wait_in_msgs(s.fd, 1000, KZ_WAIT_MS));
		}
		xstats(s.fd, &st);
		EXPECT_EQ(2, st.peers);
		EXPECT_GE(8ULL << 20, st.mem);
		xclose(raw);
		end_scene(&s);
	}
}

static unsigned int rnd(unsigned int *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 8;
}

/* A session with some octets changed, sent in pieces of any length. */
static void garbled(const char *ep, unsigned int *state)
{
	static const char tail[] =
		"\4\x1a\5READY\13Socket-Type\0\0\0\4PUSH"
		"\1\1a\0\1b\4\7\4PING\0\0\2\0\0\0\0\0\0\1\0";
	char all[64 + sizeof(tail) - 1 + 256] = SIG "\3\1NULL";
	size_t n = sizeof(all), at, cut;
	int raw = raw_connect(ep), k;

	memcpy(all + 64, tail, sizeof(tail) - 1);
	for (k = rnd(state) % 4; k >= 0; k--)
		all[rnd(state) % n] = rnd(state);
	if (rnd(state) % 4 == 0)
		all[0] = rnd(state) % 2;
	for (at = 0; at < n; at += cut) {
		cut = 1 + rnd(state) % (rnd(state) % 2 ? 4 : n);
		if (cut > n - at)
			cut = n - at;
		if (!raw_try_write(raw, all + at, cut))
			break;
	}
	xclose(raw);
}

/* Are the TCP sockets of one connection the only ones in this namespace? */
static bool one_connection(void)
{
	enum { TIME_WAIT = 6, LISTEN = 10 };
	FILE *f = fopen("/proc/net/tcp", "r");
	unsigned int state;
	char line[256];
	int n = 0;

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %*d: %*s %*s %x", &state) == 1 &&
		    state != LISTEN && state != TIME_WAIT)
			n++;
	fclose(f);
	return n == 2;
}

/* Read all that came, until those who left have been served to their end. */
static bool drain_all(int fd)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	char buf[512];
	bool last;

	do {
		last = one_connection();
		while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
			;
		if (last)
			return true;
	} while (kz_now_ms() < end && !poll(NULL, 0, 1));
	fprintf(stderr, "# connections are left\n");
	return false;
}

/*
 * The good peer's message comes, maybe behind what others left: a connection
 * that was reset is in no list any more while its octets are yet to be read.
 */
static bool good_comes(struct scene *s)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	char buf[512];
	ssize_t n;

	xsends(s->good, "good", 0);
	while (kz_now_ms() < end) {
		if (poll(&p, 1, kz_ms(KZ_WAIT_MS)) <= 0)
			break;
		n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 4 && !memcmp(buf, "good", 4))
			return true;
	}
	fprintf(stderr, "# nothing came from the good peer\n");
	return false;
}

/*
 * libzmq before 4.1.4: a decoder wrote behind its buffer when sizes and pieces
 * came just so. Here a few hundred garbled sessions in odd pieces end or are
 * served, and a good peer notices nothing.
 */
KZ_TEST_TIMEOUT(issue_1488_garbled_frames, 120)
{
	const char *env = getenv("ZMQ_SEED");
	unsigned int seed = env ? atoi(env) : 1488, state = seed;
	char buf[512];
	struct scene s;
	int i, n = kz_less(400);

	TH_LOG("seed %u, %d sessions", seed, n);
	set_scene(&s, ZMQ_PULL, ZMQ_PUSH);
	for (i = 0; i < n; i++) {
		garbled(s.ep, &state);
		while (recv(s.fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
			;
	}
	EXPECT_TRUE(drain_all(s.fd));
	EXPECT_TRUE(wait_peers(s.fd, 1, KZ_WAIT_MS));
	EXPECT_TRUE(good_comes(&s));
	/* some were let in, some were not */
	EXPECT_LT(0, mib_faults());
	EXPECT_LT(n / 20, mib("HandshakesOk"));
	end_scene(&s);
}

struct racer {
	pthread_t thread;
	pthread_barrier_t *start;
	int fd, how;
	char ep[EP_LEN];
};

enum { BY_CLOSE, BY_UNBIND, BY_SHUTDOWN, BY_RESET, BY_HWM };

static void *ends_it(void *arg)
{
	struct racer *r = arg;
	struct linger reset = { .l_onoff = 1 };

	pthread_barrier_wait(r->start);
	switch (r->how) {
	case BY_RESET:
		setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		fallthrough;
	case BY_CLOSE:
		close(r->fd);
		break;
	case BY_UNBIND:
		zset_text(r->fd, ZMQ_UNBIND, r->ep);
		break;
	case BY_SHUTDOWN:
		shutdown(r->fd, SHUT_RDWR);
		break;
	case BY_HWM:
		zset(r->fd, ZMQ_SNDHWM, 1);
		zset(r->fd, ZMQ_RCVHWM, 1);
		break;
	}
	return NULL;
}

static void race(struct racer *r, int n)
{
	pthread_barrier_t start;
	int i;

	KZ_CHECK(!pthread_barrier_init(&start, NULL, n));
	for (i = 0; i < n; i++) {
		r[i].start = &start;
		KZ_CHECK(!pthread_create(&r[i].thread, NULL, ends_it, &r[i]));
	}
	for (i = 0; i < n; i++)
		pthread_join(r[i].thread, NULL);
	pthread_barrier_destroy(&start);
}

/*
 * libzmq up to 2026: when both ends of a pipe terminated at once, the
 * answer to the end came twice and the pipe was freed twice. Here the same
 * connection is ended from all sides at once, with messages on their way.
 */
KZ_TEST_TIMEOUT(commit_acef50b8_ended_from_all_sides, 120)
{
	struct racer r[4];
	char ep[EP_LEN];
	int fd, i, k;

	own_netns();
	for (i = 0; i < kz_less(240); i++) {
		memset(r, 0, sizeof(r));
		fd = xsocket(ZMQ_DEALER);
		xset(fd, ZMQ_LINGER, i % 2 ? 0 : 10);
		xbind_any(fd, ep);
		r[0].fd = dup(fd);
		r[0].how = BY_UNBIND;
		strcpy(r[0].ep, ep);
		r[1].fd = fd;
		r[1].how = i % 3 ? BY_CLOSE : BY_SHUTDOWN;
		r[2].fd = xsocket(ZMQ_DEALER);
		r[2].how = BY_CLOSE;
		xset(r[2].fd, ZMQ_LINGER, i % 5 ? 0 : 10);
		xconnect(r[2].fd, ep);
		r[3].fd = raw_peer(ep, "DEALER", "DEALER");
		r[3].how = BY_RESET;
		xpeers(fd, 2);
		for (k = 0; k < 10; k++) {
			xsends(fd, "on its way", 0);
			xsends(r[2].fd, "on its way", 0);
		}
		race(r, 4);
		xclose(r[0].fd);
		if (r[1].how == BY_SHUTDOWN)
			xclose(fd);
	}
}

struct sender {
	pthread_t thread;
	volatile bool stop;
	int fd;
	long sent;
};

static void *sends_on(void *arg)
{
	struct sender *s = arg;

	while (!s->stop)
		s->sent += send(s->fd, "m", 1, MSG_DONTWAIT) == 1;
	return NULL;
}

/*
 * libzmq up to 4.3.5 crashed when it sent to a pipe that had been taken out of
 * the round while a changed high-water mark put it back. Here marks change
 * while a thread sends and peers come and go; the one who stays is served.
 */
KZ_TEST_TIMEOUT(issue_4524_marks_change_while_sending, 120)
{
	struct sender t = { .stop = false };
	char ep[EP_LEN], buf[8];
	int fd, peer, stays, i, got = 0;
	struct racer r[2];

	own_netns();
	fd = xsocket(ZMQ_PUSH);
	xbind_any(fd, ep);
	stays = xsocket(ZMQ_PULL);
	xset(stays, ZMQ_RCVHWM, 2);
	xconnect(stays, ep);
	xpeers(fd, 1);
	t.fd = fd;
	ASSERT_EQ(0, pthread_create(&t.thread, NULL, sends_on, &t));
	for (i = 0; i < kz_less(160); i++) {
		peer = xsocket(ZMQ_PULL);
		xset(peer, ZMQ_RCVHWM, 1);
		xconnect(peer, ep);
		xset(fd, ZMQ_SNDHWM, 1 + i % 3 * 1000);
		if (i % 2)
			xpeers(fd, 2);
		memset(r, 0, sizeof(r));
		r[0].fd = fd;
		r[0].how = BY_HWM;
		r[1].fd = peer;
		r[1].how = BY_CLOSE;
		race(r, 2);
		while (recv(stays, buf, sizeof(buf), MSG_DONTWAIT) == 1)
			got++;
	}
	t.stop = true;
	pthread_join(t.thread, NULL);
	EXPECT_LT(0, t.sent);
	EXPECT_TRUE(wait_peers(fd, 1, KZ_WAIT_MS));
	while (got == 0 || zget(stays, ZMQ_EVENTS) & ZMQ_POLLIN) {
		ASSERT_EQ(1, recv(stays, buf, sizeof(buf), 0));
		got++;
	}
	TH_LOG("%ld sent, %d read by the one who stayed", t.sent, got);
	xclose(fd);
	xclose(stays);
}

ZMQ_HARNESS_MAIN
