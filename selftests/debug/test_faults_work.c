// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 + ZMQ_SECONDS */
/* KERNEL: kasan */
/*
 * Allocations which fail where no system call can be told: in work items
 * (connecting, accepting, the handshake, sending) and in softirq (receiving).
 * Everything has to come to its end nevertheless: what was sent arrives, once
 * and in order.
 * ZMQ_SECONDS bounds the time; FAULT_LIST=1 prints the places.
 */
#include "kselftest_harness.h"
#include "libfault.h"
#include "libmon.h"

#define LIMIT		240
#define BIG		(100 * 1024)	/* of what is sent */
#define TOPICS		12
#define BURST		150

static int open_socket(int type)
{
	int fd;

	INSIST(fd = zsocket(type));
	xtimeo(fd, kz_ms(KZ_WAIT_MS), kz_ms(KZ_WAIT_MS));
	xset(fd, ZMQ_LINGER, 0);
	/* Who waits for a handshake that stopped shall not be saved by it. */
	xset(fd, ZMQ_HANDSHAKE_IVL, 0);
	xset(fd, ZMQ_RECONNECT_IVL, 5);
	return fd;
}

static void bind_any(int fd, char ep[EP_LEN])
{
	socklen_t len = EP_LEN;

	INSIST(zbind(fd, "tcp://127.0.0.1:*"));
	INSIST(getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
}

static void take(int fd, const void *want, size_t len)
{
	ssize_t n;

	n = zrecv(fd, in, LINK_BUF, 0, NULL);
	if (n != (ssize_t)len || memcmp(in, want, len))
		KZ_DIE("received %zd octets, not the %zu that were sent", n, len);
}

/* Handshake with ids, both ways, short and long. */
static void run_router(void)
{
	int r = open_socket(ZMQ_ROUTER), d = open_socket(ZMQ_DEALER);
	char ep[EP_LEN];

	xset(r, ZMQ_ROUTER_HANDOVER, 1);
	xset(r, ZMQ_ROUTER_MANDATORY, 1);
	xset_text(d, ZMQ_ROUTING_ID, "client");
	bind_any(r, ep);
	INSIST(zconnect(d, ep));
	INSIST(send(d, "hello", 5, 0));
	take(r, "client", 6);
	take(r, "hello", 5);
	INSIST(send(r, "client", 6, MSG_MORE));
	INSIST(send(r, out, BIG, 0));
	take(d, out, BIG);
	INSIST(send(d, out, 5000, 0));
	take(r, "client", 6);
	take(r, out, 5000);
	xclose(d);
	xclose(r);
}

/*
 * A publisher that cannot show a subscription to its user ends the connection,
 * and the subscriber comes again; what is published meanwhile is not for it.
 */
static void meet(int p, int s)
{
	static const char text[] = "a.early.0 are you there";
	int i;

	for (i = 0; i < 100; i++) {
		INSIST(send(p, text, sizeof(text), 0));
		if (poll1(s, POLLIN, kz_ms(50)))
			break;
	}
	/* all of them but the last one asked in vain */
	INSIST(send(p, "a.early.0 go", 12, 0));
	do {
		KZ_CHECK(zrecv(s, in, LINK_BUF, 0, NULL) > 0);
	} while (memcmp(in, "a.early.0 go", 12));
}

/* Subscriptions go to the publisher by themselves. */
static void run_pubsub(void)
{
	int p = open_socket(ZMQ_XPUB), s = open_socket(ZMQ_SUB), i;
	char ep[EP_LEN], topic[32];

	bind_any(p, ep);
	for (i = 0; i < TOPICS / 2; i++) {
		snprintf(topic, sizeof(topic), "%c.early.%d", 'a' + i, i);
		INSIST(zset_text(s, ZMQ_SUBSCRIBE, topic));
	}
	INSIST(zconnect(s, ep));
	xtopics(p, TOPICS / 2);
	for (; i < TOPICS; i++) {
		snprintf(topic, sizeof(topic), "%c.late.%d", 'a' + i, i);
		INSIST(zset_text(s, ZMQ_SUBSCRIBE, topic));
	}
	xtopics(p, TOPICS);
	meet(p, s);
	for (i = 0; i < 3; i++) {
		snprintf(topic, sizeof(topic), "%c.early.%d and more", 'a' + i, i);
		INSIST(send(p, topic, strlen(topic), 0));
		take(s, topic, strlen(topic));
	}
	xclose(s);
	xclose(p);
}

/* A dense sender leaves the work to the work item. */
static void run_burst(void)
{
	int from = open_socket(ZMQ_PUSH), to = open_socket(ZMQ_PULL), i;
	char ep[EP_LEN], text[200];

	bind_any(to, ep);
	INSIST(zconnect(from, ep));
	xpeers(from, 1);
	for (i = 0; i < BURST; i++) {
		fill(text, 20 + i, i);
		INSIST(send(from, text, 20 + i, 0));
	}
	for (i = 0; i < BURST; i++) {
		fill(text, 20 + i, i);
		take(to, text, 20 + i);
	}
	xclose(from);
	xclose(to);
}

/* The listener comes first, and takes more than one. */
static void run_accept(void)
{
	int to = open_socket(ZMQ_PULL), from[4], i;
	char ep[EP_LEN], text[8];
	unsigned int seen = 0;

	bind_any(to, ep);
	for (i = 0; i < 4; i++) {
		from[i] = open_socket(ZMQ_PUSH);
		INSIST(zconnect(from[i], ep));
		snprintf(text, sizeof(text), "%d", i);
		INSIST(send(from[i], text, 2, 0));
	}
	for (i = 0; i < 4; i++) {
		KZ_CHECK(zrecv(to, in, LINK_BUF, 0, NULL) == 2);
		seen |= 1u << atoi(in);
	}
	KZ_CHECK(seen == 15);
	for (i = 0; i < 4; i++)
		xclose(from[i]);
	xclose(to);
}

/*
 * A question may be taken back when the connection it is about fails; then
 * there is another one. REP leaves out the empty frame.
 */
static bool take_question(int h, char id[32])
{
	bool last = false;
	int i;

	for (i = 0; !last; i++) {
		char buf[256];
		ssize_t n = zrecv(h, buf, sizeof(buf), MSG_DONTWAIT, &last);

		if (n < 0 && !i)
			return false;
		KZ_CHECK(n >= 0 && n < (ssize_t)sizeof(buf));
		buf[n] = '\0';
		if (i == 1)
			snprintf(id, 32, "%.31s", buf);
	}
	return true;
}

/* A password, and a handler that is asked about it */
static void run_zap(void)
{
	int h = open_socket(ZMQ_REP), to = open_socket(ZMQ_PULL), i;
	int from = open_socket(ZMQ_PUSH);
	char ep[EP_LEN], id[32];
	const char * const answer[] = { "1.0", id, "200", "", "joe", "" };
	struct pollfd p[] = {
		{ .fd = h, .events = POLLIN }, { .fd = to, .events = POLLIN },
	};

	INSIST(zbind(h, "inproc://zeromq.zap.01"));
	INSIST(zset(to, ZMQ_PLAIN_SERVER, 1));
	INSIST(zset_text(to, ZMQ_ZAP_DOMAIN, "test"));
	INSIST(zset_text(from, ZMQ_PLAIN_USERNAME, "joe"));
	INSIST(zset_text(from, ZMQ_PLAIN_PASSWORD, "secret"));
	bind_any(to, ep);
	INSIST(zconnect(from, ep));
	INSIST(send(from, "in", 2, 0));
	while (!p[1].revents) {
		KZ_CHECK(poll(p, 2, kz_ms(KZ_WAIT_MS)) > 0);
		if (!p[0].revents || !take_question(h, id))
			continue;
		for (i = 0; i < 6; i++)
			INSIST(send(h, answer[i], strlen(answer[i]),
				    i < 5 ? MSG_MORE : 0));
	}
	take(to, "in", 2);
	xclose(from);
	xclose(to);
	xclose(h);
}

/* Where TCP takes what it sends from, a FIN too */
#define FIN_CACHE	"skbuff_fclone_cache"

/*
 * A FIN that finds no memory is not tried again by TCP. The peer hears of the
 * end all the same, and what was sent before stays.
 */
static void lose_fin(int linger, bool read_first)
{
	int to = open_socket(ZMQ_PULL), from = open_socket(ZMQ_PUSH);
	char ep[EP_LEN];

	xset(from, ZMQ_LINGER, linger);
	bind_any(to, ep);
	INSIST(zconnect(from, ep));
	xpeers(from, 1);
	xpeers(to, 1);
	INSIST(send(from, "last words", 10, 0));
	if (read_first)
		take(to, "last words", 10);
	else
		KZ_CHECK(poll1(to, POLLIN, kz_ms(KZ_WAIT_MS)));
	fault_cache_arm(FAULT_ATOMIC, FIN_CACHE);
	xclose(from);
	xpeers(to, 0);
	KZ_CHECK(fault_cache_disarm(FAULT_ATOMIC));
	if (!read_first)
		take(to, "last words", 10);
	xclose(to);
}

/* Which accept() needs, and in work items nobody else here */
#define ACCEPT_CACHE	"sock_inode_cache"

static void prepare(int pause_ms)
{
	fill(out, BIG, 1);
	fault_begin();
	bystander_start(pause_ms);
}

KZ_TEST_TIMEOUT(work_items, LIMIT)
{
	prepare(2);
	fault_scenario(FAULT_WORK, "work: ROUTER and DEALER", run_router);
	fault_scenario(FAULT_WORK, "work: XPUB and SUB", run_pubsub);
	fault_scenario(FAULT_WORK, "work: many messages", run_burst);
	fault_scenario(FAULT_WORK, "work: accepting", run_accept);
	fault_scenario(FAULT_WORK, "work: PLAIN and ZAP", run_zap);
	bystander_stop();
}

/*
 * Connect somebody, with one allocation to fail; the event that comes of it. A
 * socket of the test before that still tries to connect may have met the failure,
 * or a thread of the kernel's that was not there to be marked has done the work.
 */
static int connect_failing(int mon, const char *ep, struct mon_rec *r)
{
	int from, tries;
	bool met;

	for (tries = 0; tries < 20; tries++) {
		from = open_socket(ZMQ_PUSH);
		fault_cache_arm(FAULT_WORK, ACCEPT_CACHE);
		xconnect(from, ep);
		do
			KZ_CHECK(mon_next(mon, r));
		while (!(r->e.event & (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED)));
		met = fault_cache_disarm(FAULT_WORK);
		if (met && r->e.event == ZMQ_EVENT_ACCEPT_FAILED)
			return from;
		KZ_CHECK(r->e.event == ZMQ_EVENT_ACCEPTED);
		printf("# %s met the failure\n", met ? "somebody else" : "nobody");
		xclose(from);
	}
	KZ_DIE("accept() met none of %d failures", tries);
}

/* ZMQ_EVENT_ACCEPT_FAILED says why, and of which listener. */
KZ_TEST_TIMEOUT(failed_accepts_are_told, LIMIT)
{
	int to = open_socket(ZMQ_PULL), mon = xmon(to), from;
	char ep[EP_LEN];
	struct mon_rec r;

	fault_begin();
	bind_any(to, ep);
	from = connect_failing(mon, ep, &r);
	KZ_CHECK(r.e.value == r.e.error && r.e.peer);
	KZ_CHECK(r.e.error == ENFILE || r.e.error == ENOMEM);
	KZ_CHECK(r.e.flags == ZMQ_EVENT_BOUND && !strcmp(r.local, ep));
	/* and it is tried again */
	xsend(from, "x", 1, 0);
	take(to, "x", 1);
	xclose(mon);
	xclose(from);
	xclose(to);
}

KZ_TEST_TIMEOUT(softirq, LIMIT)
{
	prepare(50);
	fault_scenario(FAULT_ATOMIC, "atomic: ROUTER and DEALER", run_router);
	fault_scenario(FAULT_ATOMIC, "atomic: XPUB and SUB", run_pubsub);
	fault_scenario(FAULT_ATOMIC, "atomic: many messages", run_burst);
	fault_scenario(FAULT_ATOMIC, "atomic: accepting", run_accept);
	bystander_stop();
}

KZ_TEST_TIMEOUT(softirq_pages, LIMIT)
{
	prepare(50);
	fault_scenario(FAULT_ATOMIC_PAGE, "pages: ROUTER and DEALER", run_router);
	fault_scenario(FAULT_ATOMIC_PAGE, "pages: XPUB and SUB", run_pubsub);
	bystander_stop();
}

KZ_TEST_TIMEOUT(no_memory_for_fin, LIMIT)
{
	fault_begin();
	lose_fin(0, true);
	lose_fin(0, false);
	lose_fin(-1, true);
	lose_fin(-1, false);
}

TEST(summary)
{
	fault_begin();
	fault_summary(30, 5);
}

FAULT_HARNESS_MAIN
