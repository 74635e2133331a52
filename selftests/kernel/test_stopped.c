// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 200 */
/*
 * A process that is stopped (SIGSTOP) keeps its peers: PINGs are answered and
 * sent, connections come again, queues fill and hold, all without it.
 */
#include "kselftest_harness.h"
#include "lib.h"

#define IVL	50	/* ms */
/*
 * So many ms of silence, times kz_slow(), end a connection. Whoever is to be heard
 * has to speak in time, even when the machine does not let him for a while.
 */
#define SILENCE	800

/* A child that owns a socket, and what it says. */
struct owner {
	pid_t	pid;
	int	in, out;
};

/* Start a child; it goes on in @fn and never comes back. */
static void owner_start(struct owner *o, void (*fn)(int in, int out, char *ep),
			char *ep)
{
	int to[2], from[2];
	char c;

	KZ_CHECK(!pipe(to) && !pipe(from));
	o->pid = fork();
	if (!o->pid) {
		close(to[1]);
		close(from[0]);
		fn(to[0], from[1], ep);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	o->in = from[0];
	o->out = to[1];
	KZ_CHECK(read(o->in, &c, 1) == 1);
	KZ_CHECK(read(o->in, ep, EP_LEN) == EP_LEN);
}

static void owner_says(int out, const char *ep)
{
	KZ_CHECK(write(out, "", 1) == 1);
	KZ_CHECK(write(out, ep, EP_LEN) == EP_LEN);
}

static void owner_stop(struct owner *o)
{
	int status;

	KZ_CHECK(!kill(o->pid, SIGSTOP));
	KZ_CHECK(waitpid(o->pid, &status, WUNTRACED) == o->pid);
	KZ_CHECK(WIFSTOPPED(status));
}

/* It runs again, and ends well when it is told to go on. */
static bool owner_end(struct owner *o)
{
	int status = 0;
	bool ok;

	KZ_CHECK(!kill(o->pid, SIGCONT));
	close(o->out);
	ok = wait_exit(o->pid, &status, 4 * KZ_WAIT_MS) && !status;
	close(o->in);
	return ok;
}

static void wait_told(int in)
{
	char c;

	KZ_CHECK(read(in, &c, 1) == 0);
}

/* Answer PINGs for a while. Returns how many there were, -1 at the end. */
static int answer(int raw, int ms)
{
	long long end = kz_now_ms() + ms;
	struct raw_frame f;
	int n = 0;

	while (kz_now_ms() < end) {
		if (!poll1(raw, POLLIN, end - kz_now_ms()))
			break;
		if (!raw_read_frame(raw, &f))
			return -1;
		if (f.size >= 7 && !memcmp(f.body, "\4PING", 5)) {
			raw_command(raw, "PONG", f.body + 7, f.size - 7);
			n++;
		}
	}
	return n;
}

/* DEALER that binds, asks for signs of life, and then reads n of them */
static void bound_dealer(int in, int out, char *ep)
{
	int fd = xsocket(ZMQ_DEALER), i;
	char want[16];

	xset(fd, ZMQ_HEARTBEAT_IVL, IVL);
	xset(fd, ZMQ_HEARTBEAT_TIMEOUT, SILENCE * kz_slow());
	xbind_any(fd, ep);
	owner_says(out, ep);
	wait_told(in);
	for (i = 0; i < 100; i++) {
		snprintf(want, sizeof(want), "%d", i);
		KZ_CHECK(kz_got(__FILE__, __LINE__, fd, want, (char *)NULL));
	}
	KZ_CHECK(!mib("HeartbeatTimeouts"));
	xsends(fd, "all", 0);
	KZ_CHECK(wait_out_msgs(fd, 0, KZ_WAIT_MS));
}

TEST(below_the_mark)
{
	char ep[EP_LEN], text[16];
	struct raw_frame f;
	struct owner o;
	int raw, i;

	own_netns();
	owner_start(&o, bound_dealer, ep);
	raw = raw_peer(ep, "DEALER", "DEALER");
	owner_stop(&o);
	/* its PINGs come, and our answers count */
	EXPECT_LT(3, answer(raw, 2 * SILENCE * kz_slow()));
	/* and it answers ours */
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		raw_frame(raw, 0, text, strlen(text));
		raw_command(raw, "PING", "\0\0ctx", 5);
		do {
			ASSERT_TRUE(raw_read_frame(raw, &f));
			if (!memcmp(f.body, "\4PING", 5))
				raw_command(raw, "PONG", "", 0);
		} while (memcmp(f.body, "\4PONGctx", 8));
	}
	/* newcomers get in */
	i = raw_peer(ep, "DEALER", "DEALER");
	close(i);
	EXPECT_TRUE(owner_end(&o));
	do {
		ASSERT_TRUE(raw_read_frame(raw, &f));
	} while (f.flags);
	EXPECT_EQ(0, memcmp("all", f.body, 3));
	close(raw);
}

static int mark;

/* DEALER that binds, with a mark of 5 messages, and then reads them */
static void full_dealer(int in, int out, char *ep)
{
	int fd = xsocket(ZMQ_DEALER), i;
	char want[16];

	xset(fd, ZMQ_HEARTBEAT_IVL, IVL);
	xset(fd, ZMQ_HEARTBEAT_TIMEOUT, SILENCE * kz_slow());
	xset(fd, ZMQ_RCVHWM, 5);
	xbind_any(fd, ep);
	owner_says(out, ep);
	wait_told(in);
	KZ_CHECK(!mib("HeartbeatTimeouts"));
	for (i = 0; i < mark; i++) {
		snprintf(want, sizeof(want), "%d", i);
		KZ_CHECK(kz_got(__FILE__, __LINE__, fd, want, (char *)NULL));
	}
}

/* A PONG may stand unread behind messages: that is no silence. */
TEST(at_the_mark)
{
	static const int n[] = { 5, 6, 200 };
	struct owner o;
	char ep[EP_LEN], text[16];
	long long end;
	size_t k;
	int raw, i;

	for (k = 0; k < ARRAY_SIZE(n); k++) {
		own_netns();
		mark = n[k];
		owner_start(&o, full_dealer, ep);
		raw = raw_peer(ep, "DEALER", "DEALER");
		owner_stop(&o);
		for (i = 0; i < n[k]; i++) {
			snprintf(text, sizeof(text), "%d", i);
			raw_frame(raw, 0, text, strlen(text));
		}
		/* this nobody reads while the queue is full */
		raw_command(raw, "PONG", "", 0);
		end = kz_now_ms() + 2 * SILENCE * kz_slow();
		while (kz_now_ms() < end && poll1(raw, POLLIN, IVL) >= 0) {
			char c[256];
			ssize_t got = recv(raw, c, sizeof(c), MSG_DONTWAIT);

			ASSERT_FALSE(got == 0 || (got < 0 && errno != EAGAIN));
		}
		EXPECT_EQ(0, mib("HeartbeatTimeouts"));
		EXPECT_EQ(0, mib("Disconnects"));
		EXPECT_TRUE(owner_end(&o));
		close(raw);
	}
}

/* once it reads again, silence is silence again */
TEST(the_mark_was_passed)
{
	int fd, raw, i;
	char ep[EP_LEN];

	own_netns();
	fd = xsocket(ZMQ_DEALER);
	xset(fd, ZMQ_HEARTBEAT_IVL, IVL);
	xset(fd, ZMQ_HEARTBEAT_TIMEOUT, SILENCE * kz_slow());
	xset(fd, ZMQ_RCVHWM, 5);
	xbind_any(fd, ep);
	raw = raw_peer(ep, "DEALER", "DEALER");
	for (i = 0; i < 50; i++)
		raw_frame(raw, 0, "x", 1);
	poll1(raw, 0, 2 * SILENCE * kz_slow());
	EXPECT_EQ(0, mib("HeartbeatTimeouts"));
	for (i = 0; i < 50; i++)
		ASSERT_GOT(fd, "x");
	EXPECT_TRUE(raw_closed(raw));
	EXPECT_EQ(1, mib("HeartbeatTimeouts"));
	close(raw);
	xclose(fd);
}

/* whom the next one connects to; not to be kept open by it */
static int listener;

/* DEALER that connects, and says which connection it has in the end */
static void connecting_dealer(int in, int out, char *ep)
{
	int fd = xsocket(ZMQ_DEALER);

	close(listener);
	xset(fd, ZMQ_RECONNECT_IVL, 20);
	xconnect(fd, ep);
	xsends(fd, "first", 0);
	owner_says(out, ep);
	wait_told(in);
	KZ_CHECK(kz_got(__FILE__, __LINE__, fd, "hello again", (char *)NULL));
	xsends(fd, "last", 0);
	KZ_CHECK(wait_out_msgs(fd, 0, KZ_WAIT_MS));
}

TEST(reconnects_go_on)
{
	char ep[EP_LEN];
	struct owner o;
	int l, c, i;

	own_netns();
	l = raw_listen(ep);
	listener = l;
	owner_start(&o, connecting_dealer, ep);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "DEALER", "DEALER"));
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\5first")));
	owner_stop(&o);
	for (i = 0; i < 5; i++) {
		close(c);
		c = raw_accept(l);
		ASSERT_TRUE(raw_handshake(c, 1, "DEALER", "DEALER"));
	}
	/* also to one that is away for a while */
	close(c);
	close(l);
	i = ep_port(ep);
	poll1(-1, 0, 200);
	l = raw_listen_port(i);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "DEALER", "DEALER"));
	raw_frame(c, 0, "hello again", 11);
	EXPECT_TRUE(owner_end(&o));
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\4last")));
	close(c);
	close(l);
}

/* PULL that binds and then reads all there is */
static void slow_pull(int in, int out, char *ep)
{
	int fd = xsocket(ZMQ_PULL), i, n;

	xset(fd, ZMQ_HEARTBEAT_IVL, IVL);
	xset(fd, ZMQ_HEARTBEAT_TIMEOUT, SILENCE * kz_slow());
	xset(fd, ZMQ_RCVHWM, 10);
	xset(fd, ZMQ_RCVBUF, 8192);
	xbind_any(fd, ep);
	owner_says(out, ep);
	wait_told(in);
	for (i = 0; ; i++) {
		KZ_CHECK(recv(fd, &n, sizeof(n), MSG_TRUNC) == 10000);
		if (n < 0)
			break;
		KZ_CHECK(n == i);
	}
	xclose(fd);
}

/* Back-pressure holds: the sender waits and loses nothing. */
TEST(back_pressure)
{
	static int body[2500];
	char ep[EP_LEN];
	struct owner o;
	int fd, i, n = 0;

	own_netns();
	owner_start(&o, slow_pull, ep);
	fd = xsocket(ZMQ_PUSH);
	xset(fd, ZMQ_LINGER, -1);
	xset(fd, ZMQ_SNDHWM, 10);
	xset(fd, ZMQ_SNDBUF, 8192);
	xconnect(fd, ep);
	xpeers(fd, 1);
	owner_stop(&o);
	xtimeo(fd, -1, 1000 * kz_slow());
	for (;;) {
		body[0] = n;
		if (send(fd, body, sizeof(body), 0) < 0)
			break;
		n++;
	}
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_LE(20, n);
	/* nobody is missed meanwhile */
	poll1(-1, 0, 2 * SILENCE * kz_slow());
	EXPECT_EQ(0, mib("Disconnects"));
	EXPECT_EQ(0, mib("HeartbeatTimeouts"));
	xtimeo(fd, -1, kz_ms(KZ_WAIT_MS));
	KZ_CHECK(!kill(o.pid, SIGCONT));
	close(o.out);
	o.out = dup(o.in);
	for (i = 0; i < 100; i++) {
		body[0] = n++;
		xsend(fd, body, sizeof(body), 0);
	}
	body[0] = -1;
	xsend(fd, body, sizeof(body), 0);
	EXPECT_TRUE(owner_end(&o));
	xclose(fd);
}

ZMQ_HARNESS_MAIN
