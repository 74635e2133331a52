// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 300 */
/*
 * ZAP handlers that are not there, not what they should be, slow, or leave; in
 * other processes; and many questions at a time.
 */
#include <sys/resource.h>

#include "kselftest_harness.h"
#include "libmon.h"
#include "libpeers.h"
#include "libzap.h"

/* A connection to SERVER that fails, and why: the event and its value. */
static bool fails_with(int server, int smon, const char *ep, __u64 event,
		       __u64 value)
{
	struct mon_rec r;
	int raw = zap_raw(ep);
	bool ok = mon_until(smon, event, &r) && r.e.value == value;

	if (!ok)
		fprintf(stderr, "# value %#llx, wanted %#llx\n",
			(unsigned long long)r.e.value,
			(unsigned long long)value);
	ok = raw_closed(raw) && ok;
	close(raw);
	return ok;
}

TEST(nobody_there)
{
	int server, smon, raw, plain = xsocket(ZMQ_PULL), push;
	char ep[EP_LEN];
	struct mon_rec r;

	/* whoever comes is let in */
	server = zap_server(ZMQ_PULL, NULL, ep);
	raw = zap_raw(ep);
	xpeers(server, 1);
	EXPECT_EQ(-1, peer_prop(server, peers_one(server).p.handle, "User-Id",
				ep, EP_LEN));
	close(raw);
	xclose(server);
	/* unless the domain is to be enforced */
	server = xsocket(ZMQ_PULL);
	xset_text(server, ZMQ_ZAP_DOMAIN, "test");
	xset(server, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
	smon = xmon(server);
	xbind_any(server, ep);
	EXPECT_TRUE(fails_with(server, smon, ep,
			       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EFAULT));
	xclose(smon);
	/* passwords are good for nothing where nobody knows them */
	xset(plain, ZMQ_PLAIN_SERVER, 1);
	smon = xmon(plain);
	xbind_any(plain, ep);
	push = xsocket(ZMQ_PUSH);
	xset_text(push, ZMQ_PLAIN_USERNAME, "joe");
	xset_text(push, ZMQ_PLAIN_PASSWORD, "secret");
	xconnect(push, ep);
	ASSERT_TRUE(mon_until(smon, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, &r));
	EXPECT_EQ(EFAULT, r.e.value);
}

/* What is bound to the name and could never answer is no handler. */
TEST(no_handler)
{
	int h = xsocket(ZMQ_PULL), server, smon, raw;
	char ep[EP_LEN];

	xbind(h, ZAP_NAME);
	server = zap_server(ZMQ_PULL, NULL, ep);
	smon = xmon(server);
	EXPECT_TRUE(fails_with(server, smon, ep,
			       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPROTOTYPE));
	EXPECT_QUIET(h);
	xunbind(h, ZAP_NAME);
	raw = zap_raw(ep);
	xpeers(server, 1);
	close(raw);
	xpeers(server, 0);
	/* nor is one that has said that it will answer no more */
	h = zap_handler(ZMQ_REP);
	ASSERT_OK(shutdown(h, SHUT_RDWR));
	EXPECT_TRUE(fails_with(server, smon, ep,
			       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ESHUTDOWN));
}

TEST(leaves_without_an_answer)
{
	int h = zap_handler(ZMQ_ROUTER), server, smon, raw[8], i;
	long gone = mib("ZapHandlerGone");
	char ep[EP_LEN];
	struct mon_rec r;
	struct zap_q q;

	server = zap_server(ZMQ_PULL, NULL, ep);
	smon = xmon(server);
	for (i = 0; i < 8; i++) {
		raw[i] = zap_raw(ep);
		ASSERT_TRUE(zap_read(h, &q));
		/* the last word goes before the end */
		if (i == 5)
			zap_say(h, &q, "200", "joe");
	}
	xpeers(server, 1);
	xclose(h);
	for (i = 0; i < 8; i++)
		EXPECT_TRUE(i == 5 || raw_closed(raw[i]));
	xpeers(server, 1);
	for (i = 0; i < 7; i++) {
		ASSERT_TRUE(mon_until(smon, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
				      &r));
		EXPECT_EQ(ENOTCONN, r.e.value);
	}
	EXPECT_EQ(gone + 7, mib("ZapHandlerGone"));
	for (i = 0; i < 8; i++)
		close(raw[i]);
	xpeers(server, 0);
	/* another one is asked; a client that was refused for now comes again */
	h = zap_handler(ZMQ_REP);
	raw[0] = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	zap_say(h, &q, "200", "");
	xpeers(server, 1);
	close(raw[0]);
}

/* Asked under the name are those bound to it now, not those who were. */
TEST(name_changes_hands)
{
	int old = zap_handler(ZMQ_ROUTER), new, server, raw, next;
	struct zap_q q, qn;
	char ep[EP_LEN];

	server = zap_server(ZMQ_PULL, NULL, ep);
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(old, &q));
	xunbind(old, ZAP_NAME);
	new = zap_handler(ZMQ_ROUTER);
	next = zap_raw(ep);
	ASSERT_TRUE(zap_read(new, &qn));
	EXPECT_QUIET(old);
	/* who was asked may still answer */
	zap_say(old, &q, "200", "old");
	xpeers(server, 1);
	zap_say(new, &qn, "200", "new");
	xpeers(server, 2);
	close(raw);
	close(next);
}

TEST(silent)
{
	int h = zap_handler(ZMQ_REP), server, open, smon, push, late, raw;
	char ep[EP_LEN], open_ep[EP_LEN];
	struct mon_rec r;
	struct zap_q q;
	int i;

	server = xsocket(ZMQ_PULL);
	xset_text(server, ZMQ_ZAP_DOMAIN, "test");
	/* time enough for those whom it answers */
	xset(server, ZMQ_HANDSHAKE_IVL, kz_ms(2000));
	smon = xmon(server);
	xbind_any(server, ep);
	open = xsocket(ZMQ_PULL);
	xbind_any(open, open_ep);
	push = xsocket(ZMQ_PUSH);
	xconnect(push, ep);
	ASSERT_TRUE(zap_read(h, &q));
	zap_say(h, &q, "200", "");
	xpeers(server, 1);
	/* from now on it says nothing */
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	for (i = 0; i < 20; i++) {
		xsends(push, "in already", 0);
		EXPECT_GOT(server, "in already");
		late = xsocket(ZMQ_PUSH);
		xconnect(late, open_ep);
		xsends(late, "by the open door", 0);
		EXPECT_GOT(open, "by the open door");
		xclose(late);
	}
	ASSERT_TRUE(mon_until(smon, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, &r));
	EXPECT_EQ(ETIMEDOUT, r.e.value);
	EXPECT_TRUE(raw_closed(raw));
	close(raw);
	/* its answer comes too late, and the next question is heard */
	zap_say(h, &q, "200", "");
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	zap_say(h, &q, "200", "");
	xpeers(server, 2);
	close(raw);
}

/* A handler may have a door of its own, and ask itself who may come in. */
TEST(asks_itself)
{
	int h = xsocket(ZMQ_REP), req = xsocket(ZMQ_REQ);
	char ep[EP_LEN];
	struct zap_q q;

	xset_text(h, ZMQ_ZAP_DOMAIN, "itself");
	xbind(h, ZAP_NAME);
	xbind_any(h, ep);
	xconnect(req, ep);
	ASSERT_TRUE(zap_read(h, &q));
	zap_say(h, &q, "200", "");
	xsends(req, "may I", 0);
	EXPECT_GOT(h, "may I");
	xsends(h, "yes", 0);
	EXPECT_GOT(req, "yes");
	/* and it may go while it asks */
	xclose(req);
	req = xsocket(ZMQ_REQ);
	xconnect(req, ep);
	ASSERT_TRUE(zap_read(h, &q));
	xclose(h);
}

#define MANY	1000

static void many_files(void)
{
	struct rlimit lim = { .rlim_cur = 4 * MANY, .rlim_max = 4 * MANY };

	KZ_CHECK(!setrlimit(RLIMIT_NOFILE, &lim));
}

static struct zap_q many_q[MANY];

KZ_TEST_TIMEOUT(many, 100)
{
	int h = xsocket(ZMQ_ROUTER), server, i;
	static int raw[MANY];
	char ep[EP_LEN];

	many_files();
	xset(h, ZMQ_RCVHWM, 10);
	xset(h, ZMQ_SNDHWM, 10);
	xbind(h, ZAP_NAME);
	server = xsocket(ZMQ_PULL);
	xset_text(server, ZMQ_ZAP_DOMAIN, "test");
	xset(server, ZMQ_HANDSHAKE_IVL, 0);
	xset(server, ZMQ_BACKLOG, MANY);
	xbind_any(server, ep);
	for (i = 0; i < MANY; i++)
		raw[i] = zap_raw(ep);
	ASSERT_TRUE(wait_in_msgs(h, MANY, 4 * KZ_WAIT_MS));
	EXPECT_FALSE(wait_peers(server, 1, 0));
	for (i = 0; i < MANY; i++)
		ASSERT_TRUE(zap_read(h, &many_q[i]));
	/* half of them, the last first; the others lose their handler */
	for (i = MANY - 1; i >= MANY / 2; i--)
		zap_say(h, &many_q[i], "200", "joe");
	ASSERT_TRUE(wait_peers(server, MANY / 2, 4 * KZ_WAIT_MS));
	xclose(h);
	for (i = 0; i < MANY; i++)
		close(raw[i]);
	ASSERT_TRUE(wait_peers(server, 0, 4 * KZ_WAIT_MS));
}

KZ_TEST_TIMEOUT(many_unheard, 100)
{
	int h = zap_handler(ZMQ_REP), server, i;
	static int raw[MANY];
	struct zmq_stats st;
	char ep[EP_LEN];

	many_files();
	server = xsocket(ZMQ_PULL);
	xset_text(server, ZMQ_ZAP_DOMAIN, "test");
	/* the first ones wait for the last */
	xset(server, ZMQ_HANDSHAKE_IVL, 0);
	xset(server, ZMQ_BACKLOG, MANY);
	xbind_any(server, ep);
	for (i = 0; i < MANY; i++)
		raw[i] = zap_raw(ep);
	ASSERT_TRUE(wait_in_msgs(h, MANY, 4 * KZ_WAIT_MS));
	for (i = 0; i < MANY; i++)
		close(raw[i]);
	ASSERT_TRUE(wait_in_msgs(h, 0, 4 * KZ_WAIT_MS));
	ASSERT_TRUE(wait_peers(h, 0, 4 * KZ_WAIT_MS));
	xstats(h, &st);
	EXPECT_EQ(0, st.mem);
	EXPECT_QUIET(h);
}

/* A process that has the context's descriptor and tells when it listens */
static pid_t other_handler(int ctx, bool answers, int tell[2])
{
	struct zap_q q;
	pid_t pid;
	int h;

	KZ_CHECK(!pipe(tell));
	pid = fork();
	KZ_CHECK(pid >= 0);
	if (pid)
		return pid;
	h = zap_handler_in(ctx, answers ? ZMQ_REP : ZMQ_ROUTER);
	KZ_CHECK(write(tell[1], "b", 1) == 1);
	for (;;) {
		if (!zap_read(h, &q))
			_exit(1);
		KZ_CHECK(write(tell[1], "q", 1) == 1);
		if (answers)
			zap_say(h, &q, "200", "elsewhere");
	}
}

static bool told(int fd, char what)
{
	char c = 0;

	return poll1(fd, POLLIN, kz_ms(KZ_WAIT_MS)) && read(fd, &c, 1) == 1 &&
	       c == what;
}

TEST(other_process)
{
	int ctx = zap_context(), tell[2], server, raw, smon, status;
	char ep[EP_LEN];
	struct mon_rec r;
	pid_t pid;

	pid = other_handler(ctx, true, tell);
	ASSERT_TRUE(told(tell[0], 'b'));
	server = zap_socket(ctx, ZMQ_PULL);
	xset_text(server, ZMQ_ZAP_DOMAIN, "test");
	smon = xmon(server);
	xbind_any(server, ep);
	raw = zap_raw(ep);
	xpeers(server, 1);
	EXPECT_PROP("elsewhere", server, peers_one(server).p.handle, "User-Id");
	close(raw);
	kill(pid, SIGKILL);
	EXPECT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	/* one that is killed while it thinks */
	pid = other_handler(ctx, false, tell);
	ASSERT_TRUE(told(tell[0], 'b'));
	raw = zap_raw(ep);
	ASSERT_TRUE(told(tell[0], 'q'));
	kill(pid, SIGKILL);
	ASSERT_TRUE(mon_until(smon, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, &r));
	EXPECT_EQ(ENOTCONN, r.e.value);
	EXPECT_TRUE(raw_closed(raw));
	EXPECT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	close(raw);
}

/* A handler here is none for sockets of another context. */
TEST(other_context)
{
	int h = zap_handler(ZMQ_REP), ctx = zap_context(), server, raw;
	char ep[EP_LEN];

	server = zap_socket(ctx, ZMQ_PULL);
	xset_text(server, ZMQ_ZAP_DOMAIN, "test");
	xclose(ctx);
	xbind_any(server, ep);
	raw = zap_raw(ep);
	xpeers(server, 1);
	EXPECT_QUIET(h);
	close(raw);
}

static unsigned int nr_askers(void)
{
	FILE *f = fopen("/proc/self/net/zmq", "r");
	char line[4096];
	unsigned int n = 0;

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, " ZAP "))
			n++;
	fclose(f);
	return n;
}

static bool wait_askers(unsigned int n)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (nr_askers() != n && kz_now_ms() < end)
		poll(NULL, 0, 1);
	return nr_askers() == n;
}

/* What asks goes with its socket, in whatever way that goes. */
TEST(gone_with_the_socket)
{
	int h = zap_handler(ZMQ_ROUTER), server, raw, tell[2], status;
	char ep[EP_LEN];
	struct zap_q q;
	pid_t pid;

	server = zap_server(ZMQ_PULL, NULL, ep);
	/* those of the tests before may still be on their way out */
	EXPECT_TRUE(wait_askers(0));
	raw = zap_raw(ep);
	ASSERT_TRUE(zap_read(h, &q));
	EXPECT_EQ(1, nr_askers());
	xclose(server);
	EXPECT_TRUE(raw_closed(raw));
	EXPECT_TRUE(wait_askers(0));
	xpeers(h, 0);
	close(raw);
	/* a process that is killed, with a namespace of its own */
	KZ_CHECK(!pipe(tell));
	pid = fork();
	KZ_CHECK(pid >= 0);
	if (!pid) {
		own_netns();
		h = zap_handler(ZMQ_ROUTER);
		server = zap_server(ZMQ_PULL, NULL, ep);
		raw = zap_raw(ep);
		if (zap_read(h, &q) && nr_askers() == 1)
			KZ_CHECK(write(tell[1], "q", 1) == 1);
		pause();
	}
	EXPECT_TRUE(told(tell[0], 'q'));
	kill(pid, SIGKILL);
	EXPECT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
}

ZMQ_HARNESS_MAIN
