// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* After close(): what is still sent, for how long, and what is left over. */
#include "kselftest_harness.h"
#include "lib.h"

#define NOBODY	"tcp://127.0.0.1:9"

/* lines of sockets in /proc/net/zmq */
static int sockets(void)
{
	FILE *f = fopen("/proc/net/zmq", "r");
	int n = -1, c;

	KZ_CHECK(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static bool wait_sockets(int n, int ms)
{
	long long end = kz_now_ms() + kz_ms(ms);

	while (sockets() != n) {
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %d sockets, not %d\n", sockets(), n);
			return false;
		}
		poll(NULL, 0, 1);
	}
	return true;
}

/* no socket and no octet of a message is left in the namespace */
static bool all_gone(void)
{
	long long end;

	if (!wait_sockets(0, KZ_WAIT_MS))
		return false;
	/* what a socket keeps goes when it is listed no more */
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	while (mib("MemBytes")) {
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %ld octets left\n", mib("MemBytes"));
			return false;
		}
		poll(NULL, 0, 1);
	}
	return true;
}

/* a PUSH with so many messages that nobody will ever take */
static int stuck_push(int linger, int messages)
{
	int fd = zsocket(ZMQ_PUSH);

	KZ_CHECK(fd >= 0);
	xset(fd, ZMQ_LINGER, linger);
	xconnect(fd, NOBODY);
	while (messages--)
		xsends(fd, "undeliverable", 0);
	return fd;
}

/* the column linger_ms of the only line, -1 for an open socket */
static long time_left(void)
{
	FILE *f = fopen("/proc/net/zmq", "r");
	char line[4096], *last = NULL;

	KZ_CHECK(f && fgets(line, sizeof(line), f));
	last = strrchr(line, ' ');
	KZ_CHECK(last && !strcmp(last, " linger_ms\n"));
	KZ_CHECK(fgets(line, sizeof(line), f));
	fclose(f);
	last = strrchr(line, ' ');
	KZ_CHECK(last);
	return strcmp(last, " -\n") ? atol(last) : -1;
}

/* A process that has these messages accepted and ends in this way. */
enum way { CLOSED, EXITED, KILLED };

static pid_t last_words(const char *ep, int linger, int messages, size_t len,
			enum way way)
{
	char *text = calloc(1, len), c;
	int said[2], fd, i;
	pid_t pid;

	KZ_CHECK(text && !pipe(said));
	pid = fork();
	if (!pid) {
		fd = zsocket(ZMQ_PUSH);
		xset(fd, ZMQ_LINGER, linger);
		xset(fd, ZMQ_SNDHWM, 0);
		xset(fd, ZMQ_RECONNECT_IVL, 20);
		xconnect(fd, ep);
		for (i = 0; i < messages; i++) {
			snprintf(text, len, "%d", i);
			xsend(fd, text, len, 0);
		}
		if (way == CLOSED)
			xclose(fd);
		if (way == EXITED)
			_exit(0);
		KZ_CHECK(write(said[1], "", 1) == 1);
		pause();
	}
	close(said[1]);
	if (way != EXITED)
		KZ_CHECK(read(said[0], &c, 1) == 1);
	close(said[0]);
	free(text);
	return pid;
}

static void end(pid_t pid, enum way way)
{
	int status;

	if (way != EXITED)
		kill(pid, SIGKILL);
	KZ_CHECK(wait_exit(pid, &status, KZ_WAIT_MS));
}

static bool got_all(int fd, int messages, size_t len)
{
	char *text = malloc(len);
	int i;

	for (i = 0; i < messages; i++) {
		if (recv(fd, text, len, 0) != (ssize_t)len || atoi(text) != i) {
			fprintf(stderr, "# not message %d: %s\n", i, text);
			return false;
		}
	}
	free(text);
	return kz_quiet(__FILE__, __LINE__, fd);
}

FIXTURE(own) {
	char ep[EP_LEN];
};

FIXTURE_SETUP(own)
{
	own_netns();
}

FIXTURE_TEARDOWN(own) {}

TEST_F(own, zero_means_at_once)
{
	xclose(stuck_push(0, 100));
	EXPECT_TRUE(all_gone());
}

TEST_F(own, finite)
{
	int ms = kz_ms(3000);
	long long t;

	ASSERT_OK(sysctl_set("orphan_ms", 2 * ms));
	t = kz_now_ms();
	xclose(stuck_push(ms, 100));
	EXPECT_GT(ms - kz_ms(500), kz_now_ms() - t);
	EXPECT_EQ(1, sockets());
	EXPECT_TRUE(all_gone());
	EXPECT_LE(ms - 100, kz_now_ms() - t);
}

/* nothing queued: nothing to wait for, whatever the option says */
TEST_F(own, nothing_to_send)
{
	int fd[2], old = zsocket(ZMQ_PUSH);

	xconnect(old, NOBODY);
	xclose(old);
	EXPECT_TRUE(all_gone());
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xset(fd[0], ZMQ_LINGER, -1);
	xset(fd[1], ZMQ_LINGER, -1);
	xsends(fd[1], "x", 0);
	EXPECT_GOT(fd[0], "x");
	xclose(fd[1]);
	EXPECT_TRUE(wait_sockets(1, KZ_WAIT_MS));
	xclose(fd[0]);
	EXPECT_TRUE(all_gone());
}

/* even without a limit of its own an orphan's life has one */
TEST_F(own, orphans_end)
{
	int status;
	long long t;
	pid_t pid;

	ASSERT_OK(sysctl_set("orphan_ms", 200));
	t = kz_tick_ms();
	xclose(stuck_push(-1, 10));
	EXPECT_TRUE(all_gone());
	EXPECT_LE(200, kz_now_ms() - t);
	pid = fork();
	if (!pid) {
		stuck_push(-1, 10);
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_TRUE(all_gone());
}

/* closing with messages nobody has read, in every way they can lie there */
TEST_F(own, unread)
{
	int fd[2], way;
	char c;

	for (way = 0; way < 5; way++) {
		xpair(ZMQ_DEALER, ZMQ_DEALER, fd);
		xsendv(fd[1], "a", "b", "c", NULL);
		xsends(fd[1], "d", 0);
		ASSERT_TRUE(wait_in_msgs(fd[0], 2, KZ_WAIT_MS));
		switch (way) {
		case 1:		/* one frame read */
			EXPECT_EQ(1, recv(fd[0], &c, 1, 0));
			break;
		case 2:		/* the sender has gone before */
			xclose(fd[1]);
			ASSERT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
			break;
		case 3:		/* looked at */
			EXPECT_EQ(1, recv(fd[0], &c, 1, MSG_PEEK));
			break;
		case 4:
			ASSERT_OK(shutdown(fd[0], SHUT_RDWR));
			break;
		}
		xclose(fd[0]);
		if (way != 2)
			xclose(fd[1]);
		EXPECT_TRUE(all_gone())
			TH_LOG("way %d", way);
	}
}

/* between request and reply, on both sides and in each step */
TEST_F(own, request_reply)
{
	int fd[2], step;

	for (step = 0; step < 5; step++) {
		xpair(ZMQ_REP, ZMQ_REQ, fd);
		if (step > 0)
			xsends(fd[1], "q", 0);
		if (step > 1)
			EXPECT_GOT(fd[0], "q");
		if (step > 2) {
			xsends(fd[0], "a", 0);
			EXPECT_TRUE(wait_ready(fd[1], POLLIN));
		}
		if (step > 3)
			EXPECT_GOT(fd[1], "a");
		xclose(fd[step & 1]);
		xclose(fd[!(step & 1)]);
		EXPECT_TRUE(all_gone())
			TH_LOG("step %d", step);
	}
}

TEST_F(own, half_message)
{
	int fd[2];

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsends(fd[1], "never ended", MSG_MORE);
	xclose(fd[0]);
	xclose(fd[1]);
	EXPECT_TRUE(all_gone());
}

TEST_F(own, subscriptions)
{
	int fd[2], man = xsocket(ZMQ_XPUB), sub = xsocket(ZMQ_SUB);
	char topic[16];
	int i;

	xpair(ZMQ_XPUB, ZMQ_SUB, fd);
	for (i = 0; i < 500; i++) {
		snprintf(topic, sizeof(topic), "topic %d", i);
		xset_text(fd[1], ZMQ_SUBSCRIBE, topic);
	}
	ASSERT_TRUE(wait_in_msgs(fd[0], 500, KZ_WAIT_MS));
	xclose(fd[1]);
	ASSERT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
	xclose(fd[0]);

	xset(man, ZMQ_XPUB_MANUAL, 1);
	xset_text(man, ZMQ_XPUB_WELCOME_MSG, "hello");
	xbind_any(man, self->ep);
	xset_text(sub, ZMQ_SUBSCRIBE, "a");
	xconnect(sub, self->ep);
	EXPECT_GOT(man, "\1a");
	xset_text(man, ZMQ_SUBSCRIBE, "b");
	xclose(man);
	xclose(sub);
	EXPECT_TRUE(all_gone());
}

TEST_F(own, routers)
{
	int fd[2], twin = xsocket(ZMQ_DEALER), i;
	socklen_t len = EP_LEN;

	xpair(ZMQ_ROUTER, ZMQ_DEALER, fd);
	ASSERT_OK(getsockopt(fd[0], SOL_ZMQ, ZMQ_LAST_ENDPOINT, self->ep,
			     &len));
	xset(fd[0], ZMQ_ROUTER_HANDOVER, 1);
	xset_text(twin, ZMQ_ROUTING_ID, "twin");
	xconnect(twin, self->ep);
	xsends(twin, "x", 0);
	EXPECT_GOT(fd[0], "twin", "x");
	for (i = 0; i < 3; i++) {
		int more = xsocket(ZMQ_DEALER);

		xset_text(more, ZMQ_ROUTING_ID, "twin");
		xconnect(more, self->ep);
		xsends(more, "y", 0);
		EXPECT_GOT(fd[0], "twin", "y");
		xsendv(fd[0], "twin", "unread", NULL);
		xclose(more);
	}
	xclose(twin);
	xclose(fd[1]);
	xclose(fd[0]);
	EXPECT_TRUE(all_gone());
}

/* a peer that takes nothing: no waiting without end for what was begun */
TEST_F(own, peer_that_does_not_read)
{
	static char big[65536];
	int push = zsocket(ZMQ_PUSH), raw, tries;

	xset(push, ZMQ_LINGER, 300);
	xset(push, ZMQ_SNDHWM, 10);
	xbind_any(push, self->ep);
	raw = raw_peer(self->ep, "PULL", "PUSH");
	xpeers(push, 1);
	for (tries = 0; tries < 5; tries++) {
		while (send(push, big, sizeof(big), MSG_DONTWAIT) > 0)
			tries = 0;
		poll1(push, 0, 5);
	}
	xclose(push);
	EXPECT_TRUE(all_gone());
	EXPECT_TRUE(raw_closed(raw));
}

/* the peer reads slowly after our close: it gets everything, in order */
TEST_F(own, slow_reader_gets_all)
{
	static char big[65536];
	int push = zsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL), i, n = 0;

	xset(push, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	xset(pull, ZMQ_RCVHWM, 1);
	xbind_any(pull, self->ep);
	xconnect(push, self->ep);
	xpeers(push, 1);
	for (n = 0; n < 300; n++) {
		memset(big, n, sizeof(big));
		if (send(push, big, sizeof(big), MSG_DONTWAIT) < 0)
			break;
	}
	xclose(push);
	for (i = 0; i < n; i++) {
		ASSERT_EQ((ssize_t)sizeof(big),
			  recv(pull, big, sizeof(big), 0));
		ASSERT_EQ((char)i, big[0]);
		ASSERT_EQ((char)i, big[65535]);
	}
	xclose(pull);
	EXPECT_TRUE(all_gone());
}

/* connections that never finish their handshake */
TEST_F(own, handshakes)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), raw[30], i, l;
	char ep[EP_LEN];

	xbind_any(pull, self->ep);
	for (i = 0; i < 30; i++) {
		raw[i] = raw_connect(self->ep);
		if (i % 2)
			raw_greeting(raw[i], 1);
	}
	l = raw_listen(ep);
	xconnect(push, ep);
	raw_accept(l);
	xclose(pull);
	xclose(push);
	EXPECT_TRUE(all_gone());
	for (i = 0; i < 30; i++)
		EXPECT_TRUE(raw_closed(raw[i]));
}

/* a lingering PUSH finds the peer that comes only after its close */
TEST_F(own, late_peer)
{
	int l = raw_listen(self->ep), push = zsocket(ZMQ_PUSH), c;

	xclose(l);
	xset(push, ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	xset(push, ZMQ_RECONNECT_IVL, 20);
	xconnect(push, self->ep);
	xsends(push, "one", 0);
	xsends(push, "two", 0);
	xclose(push);
	l = raw_listen_port(ep_port(self->ep));
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\3one\0\3two")));
	EXPECT_TRUE(raw_closed(c));
	EXPECT_TRUE(all_gone());
}

/* disconnect() has the same patience as close() */
TEST_F(own, disconnect_lingers)
{
	int fd[2], i;
	socklen_t len = EP_LEN;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xset(fd[1], ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	ASSERT_OK(getsockopt(fd[0], SOL_ZMQ, ZMQ_LAST_ENDPOINT, self->ep,
			     &len));
	for (i = 0; i < 100; i++)
		xsends(fd[1], "on its way", 0);
	xdisconnect(fd[1], self->ep);
	for (i = 0; i < 100; i++)
		ASSERT_GOT(fd[0], "on its way");
}

/* what was not read of the peer goes with it; what it sends later is not heard */
TEST_F(own, disconnect_drops_the_unread)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	int other = xsocket(ZMQ_PUSH);
	char ep[EP_LEN];

	xbind_any(push, self->ep);
	xbind_any(other, ep);
	xconnect(pull, self->ep);
	xconnect(pull, ep);
	xpeers(pull, 2);
	xsends(push, "unread", 0);
	xsends(push, "unread", 0);
	ASSERT_TRUE(wait_in_msgs(pull, 2, KZ_WAIT_MS));
	xsends(other, "of another", 0);
	ASSERT_TRUE(wait_in_msgs(pull, 3, KZ_WAIT_MS));
	xdisconnect(pull, self->ep);
	EXPECT_TRUE(wait_in_msgs(pull, 1, 0));
	EXPECT_GOT(pull, "of another");
	EXPECT_QUIET(pull);
	xpeers(push, 0);
	EXPECT_ERR(EAGAIN, send(push, "later", 5, MSG_DONTWAIT));
	xclose(pull);
	xclose(push);
	xclose(other);
}

/* Whatever becomes of the process: the peer that comes later gets it all. */
TEST_F(own, the_process_has_gone)
{
	static const int linger[] = { -1, 0, 100000 };
	enum way way;
	int i, pull, l;
	pid_t pid;

	for (i = 0; i < 3; i++) {
		for (way = CLOSED; way <= KILLED; way++) {
			l = raw_listen(self->ep);
			xclose(l);
			pid = last_words(self->ep, linger[i], 50, 10, way);
			end(pid, way);
			EXPECT_TRUE(wait_sockets(!!linger[i], KZ_WAIT_MS));
			pull = xsocket(ZMQ_PULL);
			xbind(pull, self->ep);
			EXPECT_TRUE(got_all(pull, linger[i] ? 50 : 0, 10)) {
				TH_LOG("linger %d, way %d", linger[i], way);
			}
			xclose(pull);
			EXPECT_TRUE(all_gone());
		}
	}
}

/* the same with a peer that is there, whose buffers and queue are full */
TEST_F(own, the_process_has_gone_from_a_slow_reader)
{
	enum way way;
	pid_t pid;
	int pull;

	for (way = CLOSED; way <= KILLED; way++) {
		pull = xsocket(ZMQ_PULL);
		xset(pull, ZMQ_RCVHWM, 2);
		xbind_any(pull, self->ep);
		pid = last_words(self->ep, -1, 200, 60000, way);
		end(pid, way);
		EXPECT_EQ(2, sockets());
		EXPECT_TRUE(got_all(pull, 200, 60000));
		EXPECT_TRUE(wait_sockets(1, KZ_WAIT_MS));
		xclose(pull);
		EXPECT_TRUE(all_gone());
	}
}

/* the list says how long: the smaller of LINGER and orphan_ms */
/* It is not early, so up to a tick of 10 ms comes on top. */
TEST_F(own, listed_with_the_deadline)
{
	int fd = stuck_push(-1, 5);

	EXPECT_EQ(-1, time_left());
	xclose(fd);
	EXPECT_LT(10000, time_left());
	EXPECT_GE(30010, time_left());
	ASSERT_OK(sysctl_set("orphan_abort", 1));
	EXPECT_TRUE(all_gone());
	xclose(stuck_push(20000, 5));
	EXPECT_LT(0, time_left());
	EXPECT_GE(20010, time_left());
	ASSERT_OK(sysctl_set("orphan_abort", 1));
	EXPECT_TRUE(all_gone());
	ASSERT_OK(sysctl_set("orphan_ms", 1000000));
	xclose(stuck_push(-1, 5));
	EXPECT_LT(900000, time_left());
	EXPECT_GE(1000010, time_left());
	ASSERT_OK(sysctl_set("orphan_abort", 1));
	EXPECT_TRUE(all_gone());
}

/* in whatever state they are; who is open goes on */
TEST_F(own, abort)
{
	static char big[65536];
	int fd, push, i, raw[4], l, pull = xsocket(ZMQ_PULL);
	char ep[EP_LEN];
	long long t;

	ASSERT_OK(sysctl_set("orphan_ms", 1000000));
	/* nobody there */
	for (i = 0; i < 100; i++)
		xclose(stuck_push(-1, 3));
	/* no greeting, and no end of it */
	l = raw_listen(self->ep);
	for (i = 0; i < 2; i++) {
		push = zsocket(ZMQ_PUSH);
		xconnect(push, self->ep);
		xsends(push, "x", 0);
		raw[i] = raw_accept(l);
		if (i)
			raw_greeting(raw[i], 1);
		xclose(push);
	}
	/* one that does not read, on either side */
	for (i = 2; i < 4; i++) {
		push = zsocket(ZMQ_PUSH);
		xset(push, ZMQ_SNDHWM, 3);
		if (i == 2) {
			xbind_any(push, ep);
			raw[i] = raw_peer(ep, "PULL", "PUSH");
		} else {
			xconnect(push, self->ep);
			raw[i] = raw_accept(l);
			KZ_CHECK(raw_handshake(raw[i], 1, "PULL", "PUSH"));
		}
		xpeers(push, 1);
		xtimeo(push, -1, 50);
		while (send(push, big, sizeof(big), 0) > 0)
			;
		xclose(push);
	}
	fd = stuck_push(-1, 7);
	EXPECT_EQ(106, sockets());
	t = kz_now_ms();
	ASSERT_OK(sysctl_set("orphan_abort", 1));
	EXPECT_TRUE(wait_sockets(2, KZ_WAIT_MS));
	EXPECT_GT(kz_ms(KZ_WAIT_MS), kz_now_ms() - t);
	for (i = 0; i < 4; i++) {
		EXPECT_TRUE(raw_closed(raw[i]));
		close(raw[i]);
	}
	EXPECT_TRUE(wait_out_msgs(fd, 7, 0));
	ASSERT_OK(sysctl_set("orphan_abort", 1));
	EXPECT_TRUE(wait_out_msgs(fd, 7, 0));
	/* it is only to be written */
	EXPECT_ERR(EACCES, open("/proc/sys/net/zmq/orphan_abort", O_RDONLY));
	xset(fd, ZMQ_LINGER, 0);
	xclose(fd);
	xclose(pull);
	close(l);
	EXPECT_TRUE(all_gone());
}

/* another namespace's orphans are not ours */
TEST_F(own, abort_in_one_namespace)
{
	int status;
	pid_t pid;

	xclose(stuck_push(-1, 3));
	pid = fork();
	if (!pid) {
		own_netns();
		xclose(stuck_push(-1, 3));
		KZ_CHECK(!sysctl_set("orphan_abort", 1));
		KZ_CHECK(all_gone());
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, sockets());
	ASSERT_OK(sysctl_set("orphan_abort", 1));
	EXPECT_TRUE(all_gone());
}

ZMQ_HARNESS_MAIN
