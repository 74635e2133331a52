// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 + ZMQ_SECONDS */
/* KERNEL: kasan */
/*
 * Allocations which fail under CURVE: in each step of the handshake, where
 * commands and messages are sealed and where they are opened. Connections may
 * end and come again before they are ready; what was sent arrives, once and in
 * order: a nonce that came twice, or was lost together with its message, would
 * end the connection or leave a gap.
 * ZMQ_SECONDS bounds the time; FAULT_LIST=1 prints the places.
 */
#include "kselftest_harness.h"
#include "libfault.h"

#define LIMIT		240
#define BIG		(100 * 1024)
#define BURST		100
#define TOPICS		8

static void set_key(int fd, int opt, const void *key)
{
	INSIST(setsockopt(fd, SOL_ZMQ, opt, key, 32));
}

static void new_keys(int fd, void *public)
{
	socklen_t len = 32;

	INSIST(zset(fd, ZMQ_CURVE_KEYPAIR, 1));
	INSIST(getsockopt(fd, SOL_ZMQ, ZMQ_CURVE_PUBLICKEY, public, &len));
}

static int open_socket(int type)
{
	int fd;

	INSIST(fd = zsocket(type));
	xtimeo(fd, kz_ms(KZ_WAIT_MS), kz_ms(KZ_WAIT_MS));
	INSIST(zset(fd, ZMQ_LINGER, 0));
	/* Who waits for a handshake that stopped shall not be saved by it. */
	INSIST(zset(fd, ZMQ_HANDSHAKE_IVL, 0));
	INSIST(zset(fd, ZMQ_RECONNECT_IVL, 5));
	return fd;
}

/* A server that lets in who connects, and only that. */
static void join(int server, int client)
{
	char ep[EP_LEN], public[32], peer[32];
	socklen_t len = EP_LEN;

	new_keys(server, public);
	new_keys(client, peer);
	INSIST(zset(server, ZMQ_CURVE_SERVER, 1));
	set_key(server, ZMQ_CURVE_ALLOW, peer);
	set_key(client, ZMQ_CURVE_SERVERKEY, public);
	INSIST(zbind(server, "tcp://127.0.0.1:*"));
	INSIST(getsockopt(server, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	INSIST(zconnect(client, ep));
}

static void take(int fd, const void *want, size_t len)
{
	ssize_t n;

	n = zrecv(fd, in, LINK_BUF, 0, NULL);
	if (n != (ssize_t)len || memcmp(in, want, len))
		KZ_DIE("received %zd octets, not the %zu that were sent", n, len);
}

/* Handshake and both ways, short frames and long ones in one message. */
static void run_router(void)
{
	int r = open_socket(ZMQ_ROUTER), d = open_socket(ZMQ_DEALER);

	INSIST(zset(r, ZMQ_ROUTER_HANDOVER, 1));
	INSIST(zset(r, ZMQ_ROUTER_MANDATORY, 1));
	xset_text(d, ZMQ_ROUTING_ID, "client");
	join(r, d);
	INSIST(send(d, "hello", 5, 0));
	take(r, "client", 6);
	take(r, "hello", 5);
	INSIST(send(r, "client", 6, MSG_MORE));
	INSIST(send(r, "head", 4, MSG_MORE));
	INSIST(send(r, out, BIG, 0));
	take(d, "head", 4);
	take(d, out, BIG);
	INSIST(send(d, out, 5000, MSG_MORE));
	INSIST(send(d, out, 9000, 0));
	take(r, "client", 6);
	take(r, out, 5000);
	take(r, out, 9000);
	xclose(d);
	xclose(r);
}

/* Commands in boxes; the subscriber is the server. */
static void run_pubsub(void)
{
	int p = open_socket(ZMQ_XPUB), s = open_socket(ZMQ_SUB), i;
	char topic[32];

	join(s, p);
	for (i = 0; i < TOPICS; i++) {
		snprintf(topic, sizeof(topic), "topic %d", i);
		INSIST(zset_text(s, ZMQ_SUBSCRIBE, topic));
	}
	xtopics(p, TOPICS);
	xclose(s);
	xclose(p);
}

/* A dense sender leaves the work to the work item. */
static void run_burst(void)
{
	int from = open_socket(ZMQ_PUSH), to = open_socket(ZMQ_PULL), i;
	char text[200];

	join(to, from);
	xpeers(from, 1);
	for (i = 0; i < BURST; i++) {
		fill(text, 20 + i, i);
		INSIST(send(from, text, 20 + i, 0));
		if (i % 20 == 19)
			INSIST(send(from, out, BIG / 4, 0));
	}
	for (i = 0; i < BURST; i++) {
		fill(text, 20 + i, i);
		take(to, text, 20 + i);
		if (i % 20 == 19)
			take(to, out, BIG / 4);
	}
	xclose(from);
	xclose(to);
}

static void prepare(int pause_ms)
{
	fill(out, BIG, 1);
	fault_begin();
	bystander_start(pause_ms);
}

KZ_TEST_TIMEOUT(work_items, LIMIT)
{
	prepare(2);
	fault_scenario(FAULT_WORK, "curve, work: ROUTER and DEALER", run_router);
	fault_scenario(FAULT_WORK, "curve, work: XPUB and SUB", run_pubsub);
	fault_scenario(FAULT_WORK, "curve, work: many messages", run_burst);
	bystander_stop();
}

KZ_TEST_TIMEOUT(softirq, LIMIT)
{
	prepare(50);
	fault_scenario(FAULT_ATOMIC, "curve, atomic: ROUTER and DEALER",
		       run_router);
	fault_scenario(FAULT_ATOMIC, "curve, atomic: XPUB and SUB", run_pubsub);
	fault_scenario(FAULT_ATOMIC, "curve, atomic: many messages", run_burst);
	bystander_stop();
}

KZ_TEST_TIMEOUT(softirq_pages, LIMIT)
{
	prepare(50);
	fault_scenario(FAULT_ATOMIC_PAGE, "curve, pages: ROUTER and DEALER",
		       run_router);
	bystander_stop();
}

static long run_keys(void *arg)
{
	return zset(*(int *)arg, ZMQ_CURVE_KEYPAIR, 1);
}

static long run_allow(void *arg)
{
	return setsockopt(*(int *)arg, SOL_ZMQ, ZMQ_CURVE_ALLOW, out, 64);
}

static void verify_keys(void *arg, long ret)
{
	static char none[32];
	char key[32];
	socklen_t len = 32;

	KZ_CHECK(!ret);
	KZ_CHECK(!getsockopt(*(int *)arg, SOL_ZMQ, ZMQ_CURVE_PUBLICKEY, key, &len));
	KZ_CHECK(memcmp(key, none, 32));
}

static void verify_allow(void *arg, long ret)
{
	KZ_CHECK(!ret && zget(*(int *)arg, ZMQ_CURVE_ALLOW) == 2);
}

KZ_TEST_TIMEOUT(options, LIMIT)
{
	int fd = xsocket(ZMQ_PAIR);
	const struct walk keys = {
		.name = "ZMQ_CURVE_KEYPAIR", .run = run_keys,
		.verify = verify_keys, .arg = &fd,
	}, allow = {
		.name = "ZMQ_CURVE_ALLOW", .run = run_allow,
		.verify = verify_allow, .arg = &fd,
	};

	fill(out, BIG, 1);
	fault_begin();
	fault_walk(&keys);
	fault_walk(&allow);
	xclose(fd);
}

TEST(summary)
{
	fault_begin();
	fault_summary(20, 5);
}

FAULT_HARNESS_MAIN
