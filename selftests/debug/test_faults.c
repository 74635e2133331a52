// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 + ZMQ_SECONDS */
/* KERNEL: kasan */
/*
 * Every system call of the family with each of its allocations and copies
 * failing in turn. Where it reports the failure, nothing has happened and the
 * repeat works; where it does not, it has done what it should.
 * ZMQ_SECONDS bounds the time; FAULT_LIST=1 prints the places.
 */
#include "kselftest_harness.h"
#include "libfault.h"

#include <sys/epoll.h>

#define LIMIT		240

/* ---- socket(), close() ---- */

static long run_socket(void *arg)
{
	struct link *l = arg;

	l->from = zsocket(l->type);
	return l->from;
}

static void verify_socket(void *arg, long ret)
{
	struct link *l = arg;

	KZ_CHECK(zget(ret, ZMQ_TYPE) == l->type);
	xclose(ret);
}

KZ_TEST_TIMEOUT(sockets, LIMIT)
{
	struct link l = { 0 };
	struct walk w = {
		.run = run_socket, .verify = verify_socket, .arg = &l,
		.errs = F_USUAL | F_NFILE,
	};
	char name[32];

	fault_begin();
	bystander_start(2);
	for (l.type = ZMQ_PAIR; l.type <= ZMQ_STREAM; l.type++) {
		snprintf(name, sizeof(name), "socket, type %d", l.type);
		w.name = name;
		fault_walk(&w);
	}
	bystander_stop();
}

static void close_prepare(struct link *l)
{
	int i;

	link_open(l, ZMQ_PULL, ZMQ_PUSH);
	xset(l->from, ZMQ_LINGER, -1);
	for (i = 0; i < 5; i++) {
		frame_make(l, i);
		xsend(l->from, out, l->len, 0);
	}
}

static long run_close(void *arg)
{
	return close(((struct link *)arg)->from);
}

/* What was sent arrives all the same. */
static void verify_close(void *arg, long ret)
{
	struct link *l = arg;
	int i;

	for (i = 0; i < 5; i++)
		frame_check(l, recv(l->to, in, LINK_BUF, 0), i);
	xclose(l->to);
	l->seq++;
	close_prepare(l);
}

KZ_TEST_TIMEOUT(closing, LIMIT)
{
	struct link l = { .len = 60000 };

	fault_begin();
	bystander_start(2);
	close_prepare(&l);
	walk_link("close with unsent messages", &l, run_close, verify_close);
	link_close(&l);
	bystander_stop();
}

/* ---- bind(), connect() and back ---- */

static long run_bind(void *arg)
{
	struct link *l = arg;

	return l->val ? zset_text(l->from, ZMQ_BIND, l->text) :
			zbind(l->from, l->text);
}

static void verify_bind(void *arg, long ret)
{
	struct link *l = arg;

	last_endpoint(l->from, l->ep);
	xunbind(l->from, l->ep);
}

static long run_unbind(void *arg)
{
	struct link *l = arg;

	return zset_text(l->from, ZMQ_UNBIND, l->ep);
}

static void verify_unbind(void *arg, long ret)
{
	struct link *l = arg;

	CHECK_ERR(ENOENT, zset_text(l->from, ZMQ_UNBIND, l->ep));
	xbind(l->from, l->ep);
}

KZ_TEST_TIMEOUT(binding, LIMIT)
{
	struct link l = { 0 };
	struct walk w = {
		.name = "bind a free port", .run = run_bind,
		.verify = verify_bind, .arg = &l, .errs = F_USUAL | F_INUSE | F_NFILE,
	};

	fault_begin();
	bystander_start(2);
	l.from = xsocket(ZMQ_PULL);
	l.text = "tcp://127.0.0.1:*";
	fault_walk(&w);
	w.name = "bind everywhere";
	l.text = "tcp://*:*";
	fault_walk(&w);
	w.name = "bind one port";
	l.text = "tcp://127.0.0.1:5599";
	fault_walk(&w);
	w.name = "bind one port by option";
	l.val = 1;
	fault_walk(&w);
	xset(l.from, ZMQ_IPV6, 1);
	w.name = "bind IPv6";
	l.text = "tcp://[::1]:*";
	fault_walk(&w);
	xbind_any(l.from, l.ep);
	walk_link("unbind", &l, run_unbind, verify_unbind);
	xclose(l.from);
	bystander_stop();
}

static long run_connect(void *arg)
{
	struct link *l = arg;

	return l->val ? zset_text(l->from, ZMQ_CONNECT, l->ep) :
			zconnect(l->from, l->ep);
}

static void verify_connect(void *arg, long ret)
{
	struct link *l = arg;

	xpeers(l->from, 1);
	if (l->type == ZMQ_PUSH) {
		l->nr = 1;
		l->len = 100;
		verify_send(l, run_send(l));
	}
	xdisconnect(l->from, l->ep);
	xpeers(l->from, 0);
	xpeers(l->to, 0);
	/* lasts for one connect only */
	if (l->type == ZMQ_ROUTER)
		xset_text(l->from, ZMQ_CONNECT_ROUTING_ID, "peer");
}

static void connects(const char *name, int to, int from, int by_opt)
{
	struct link l = { .type = from, .val = by_opt };

	l.to = xsocket(to);
	l.from = xsocket(from);
	xset(l.from, ZMQ_RECONNECT_IVL, 5);
	if (from == ZMQ_ROUTER)
		xset_text(l.from, ZMQ_CONNECT_ROUTING_ID, "peer");
	if (from == ZMQ_SUB)
		xset_text(l.from, ZMQ_SUBSCRIBE, "topic");
	xbind_any(l.to, l.ep);
	walk_link(name, &l, run_connect, verify_connect);
	link_close(&l);
}

static long run_disconnect(void *arg)
{
	struct link *l = arg;

	return zset_text(l->from, ZMQ_DISCONNECT, l->ep);
}

static void verify_disconnect(void *arg, long ret)
{
	struct link *l = arg;

	xpeers(l->from, 0);
	xpeers(l->to, 0);
	xconnect(l->from, l->ep);
	xpeers(l->from, 1);
	xpeers(l->to, 1);
}

KZ_TEST_TIMEOUT(connecting, LIMIT)
{
	struct link l;

	fault_begin();
	bystander_start(2);
	connects("connect PUSH", ZMQ_PULL, ZMQ_PUSH, 0);
	connects("connect PUSH by option", ZMQ_PULL, ZMQ_PUSH, 1);
	connects("connect ROUTER with an id", ZMQ_DEALER, ZMQ_ROUTER, 0);
	connects("connect SUB", ZMQ_PUB, ZMQ_SUB, 0);
	connects("connect REQ", ZMQ_REP, ZMQ_REQ, 0);
	link_open(&l, ZMQ_DEALER, ZMQ_DEALER);
	last_endpoint(l.from, l.ep);
	walk_link("disconnect", &l, run_disconnect, verify_disconnect);
	link_close(&l);
	bystander_stop();
}

/* ---- options and subscriptions ---- */

static long run_set(void *arg)
{
	struct link *l = arg;

	return zset(l->from, l->type, l->val);
}

static void verify_set(void *arg, long ret)
{
	struct link *l = arg;

	KZ_CHECK(zget(l->from, l->type) == l->val);
	l->val ^= 1;
}

static long run_set_text(void *arg)
{
	struct link *l = arg;

	return zset_text(l->from, l->type, l->text);
}

static void verify_nothing(void *arg, long ret)
{
}

static long run_stats(void *arg)
{
	struct link *l = arg;
	struct zmq_stats st;
	socklen_t len = sizeof(st);

	return getsockopt(l->from, SOL_ZMQ, ZMQ_STATS, &st, &len);
}

static long run_name(void *arg)
{
	struct sockaddr_zmq sa;
	socklen_t len = sizeof(sa);
	struct link *l = arg;

	return getsockname(l->from, (struct sockaddr *)&sa, &len);
}

KZ_TEST_TIMEOUT(options, LIMIT)
{
	struct link l = { 0 };

	fault_begin();
	bystander_start(2);
	link_open(&l, ZMQ_SUB, ZMQ_XPUB);
	l.type = ZMQ_SNDHWM;
	l.val = 500;
	walk_link("set SNDHWM", &l, run_set, verify_set);
	l.type = ZMQ_SNDTIMEO;
	walk_link("set SNDTIMEO", &l, run_set, verify_set);
	l.type = ZMQ_LINGER;
	walk_link("set LINGER", &l, run_set, verify_set);
	l.type = ZMQ_ROUTING_ID;
	l.text = "some name";
	walk_link("set ROUTING_ID", &l, run_set_text, verify_nothing);
	l.type = ZMQ_XPUB_WELCOME_MSG;
	walk_link("set XPUB_WELCOME_MSG", &l, run_set_text, verify_nothing);
	walk_link("get STATS", &l, run_stats, verify_nothing);
	walk_link("getsockname", &l, run_name, verify_nothing);
	link_close(&l);
	bystander_stop();
}

static void topic_make(struct link *l)
{
	snprintf(l->ep, sizeof(l->ep), "%c%u.%.*s", 'a' + l->seq % 23, l->seq,
		 l->seq % 60, "a long topic that makes nodes of several sizes in the tree");
}

static long run_subscribe(void *arg)
{
	struct link *l = arg;

	topic_make(l);
	return zset_text(l->to, ZMQ_SUBSCRIBE, l->ep);
}

static void verify_subscribe(void *arg, long ret)
{
	struct link *l = arg;

	l->nr++;
	KZ_CHECK(zget(l->to, ZMQ_TOPICS_COUNT) == l->nr);
	xtopics(l->from, l->nr);
	/* it works, and once */
	xsends(l->from, l->ep, 0);
	KZ_CHECK(recv(l->to, in, LINK_BUF, 0) == (ssize_t)strlen(l->ep));
	CHECK_ERR(EAGAIN, recv(l->to, in, LINK_BUF, MSG_DONTWAIT));
	l->seq++;
}

static void lost_subscribe(void *arg, int err)
{
	struct link *l = arg;

	KZ_CHECK(zget(l->to, ZMQ_TOPICS_COUNT) == l->nr);
}

static long run_cancel(void *arg)
{
	struct link *l = arg;

	return zset_text(l->to, ZMQ_UNSUBSCRIBE, l->ep);
}

static void verify_cancel(void *arg, long ret)
{
	struct link *l = arg;

	l->nr--;
	KZ_CHECK(zget(l->to, ZMQ_TOPICS_COUNT) == l->nr);
	xtopics(l->from, l->nr);
	l->seq++;
	KZ_CHECK(!run_subscribe(l));
	l->nr++;
	xtopics(l->from, l->nr);
}

/* Subscriptions as messages of an XSUB */
static long run_xsub(void *arg)
{
	struct link *l = arg;

	topic_make(l);
	memmove(l->ep + 1, l->ep, strlen(l->ep) + 1);
	l->ep[0] = 1;
	return send(l->to, l->ep, strlen(l->ep), 0);
}

static void verify_xsub(void *arg, long ret)
{
	struct link *l = arg;

	l->nr++;
	xtopics(l->from, l->nr);
	l->seq++;
}

static long send_topics(struct link *l, int first)
{
	char text[2][24];
	int len[2], i;
	long n;

	for (i = 0; i < 2; i++)
		len[i] = snprintf(text[i], sizeof(text[i]), "%c%u.%d", first,
				  l->seq, i);
	n = send(l->to, text[0], len[0], MSG_MORE);
	if (n < 0)
		return n;
	n = send(l->to, text[1], len[1], 0);
	return n < 0 ? send(l->to, text[1], len[1], 0) : n;
}

/* Two topics in one message; each counts once, whatever failed. */
static long run_xsub_multi(void *arg)
{
	return send_topics(arg, 1);
}

static void verify_xsub_multi(void *arg, long ret)
{
	struct link *l = arg;

	xtopics(l->from, l->nr + 2);
	KZ_CHECK(send_topics(l, 0) > 0);
	xtopics(l->from, l->nr);
	l->seq++;
}

KZ_TEST_TIMEOUT(subscriptions, LIMIT)
{
	struct link l = { 0 };
	struct walk w = {
		.name = "subscribe", .run = run_subscribe,
		.verify = verify_subscribe, .lost = lost_subscribe, .arg = &l,
	};
	int i;

	fault_begin();
	bystander_start(2);
	link_open(&l, ZMQ_SUB, ZMQ_PUB);
	/* several times: each topic grows the tree in another way */
	for (i = 0; i < 3; i++)
		fault_walk(&w);
	w.name = "unsubscribe";
	w.run = run_cancel;
	w.verify = verify_cancel;
	KZ_CHECK(!run_subscribe(&l));
	l.nr++;
	fault_walk(&w);
	link_close(&l);
	l.nr = 0;
	link_open(&l, ZMQ_XSUB, ZMQ_PUB);
	walk_link("subscribe by XSUB", &l, run_xsub, verify_xsub);
	walk_link("subscribe twice by XSUB", &l, run_xsub_multi,
		  verify_xsub_multi);
	link_close(&l);
	bystander_stop();
}

/* ---- what else there is to call ---- */

static long run_poll(void *arg)
{
	struct link *l = arg;
	struct pollfd p[2] = {
		{ .fd = l->from, .events = POLLOUT },
		{ .fd = l->to, .events = POLLIN },
	};

	return poll(p, 2, 0);
}

static void verify_poll(void *arg, long ret)
{
	KZ_CHECK(ret == 1);
}

static long run_epoll(void *arg)
{
	struct epoll_event e = { .events = EPOLLOUT };
	struct link *l = arg;
	int fd = epoll_create1(0), err;
	long n = -1;

	if (fd < 0)
		return -1;
	if (!epoll_ctl(fd, EPOLL_CTL_ADD, l->from, &e))
		n = epoll_wait(fd, &e, 1, 0);
	err = errno;
	close(fd);
	errno = err;
	return n;
}

static long run_read(void *arg)
{
	struct link *l = arg;
	int fd = open(l->text, O_RDONLY), err;
	long n;

	if (fd < 0)
		return -1;
	n = read(fd, in, LINK_BUF);
	err = errno;
	close(fd);
	errno = err;
	return n;
}

static void verify_read(void *arg, long ret)
{
	KZ_CHECK(ret > 0);
}

static long run_sysctl(void *arg)
{
	return sysctl_set("topic_max", 65536);
}

KZ_TEST_TIMEOUT(others, LIMIT)
{
	struct link l = { 0 };
	struct walk w = {
		.name = "epoll", .run = run_epoll, .verify = verify_poll,
		.arg = &l, .errs = F_USUAL | F_NFILE,
	};

	fault_begin();
	bystander_start(2);
	link_open(&l, ZMQ_PULL, ZMQ_PUSH);
	walk_link("poll", &l, run_poll, verify_poll);
	fault_walk(&w);
	w.run = run_read;
	w.verify = verify_read;
	w.name = "read /proc/net/zmq";
	l.text = "/proc/thread-self/net/zmq";
	fault_walk(&w);
	w.name = "read /proc/net/zmq_stat";
	l.text = "/proc/thread-self/net/zmq_stat";
	fault_walk(&w);
	w.name = "write a sysctl";
	w.run = run_sysctl;
	w.verify = verify_nothing;
	fault_walk(&w);
	link_close(&l);
	bystander_stop();
}

TEST(summary)
{
	fault_summary(80, 15);
}

FAULT_HARNESS_MAIN
