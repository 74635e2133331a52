// SPDX-License-Identifier: GPL-2.0
/*
 * zmqperf: the measurements of time. Server and client are processes of their
 * own; the window begins when both are connected and warm and ends when the
 * last unit has arrived.
 */
#include <string.h>
#include <unistd.h>

#include "zmqperf.h"

#define RAW_READ	65536	/* what a reader of a raw stream asks for */

static void recv_exact(struct zp_run *run, struct zp_sock *s, void *buf)
{
	size_t n = run->impl->recv(s, buf, run->size);

	if (n != run->size)
		zp_die("%s: %zu octets received, not %zu", run->impl->name, n,
		       run->size);
}

static struct zp_sock *serve(struct zp_run *run, enum zp_type type, char *ep)
{
	struct zp_sock *s = run->impl->open(run, type);

	zp_endpoint(run, ep, ZP_EP_MAX);
	run->impl->bind(s, ep, ZP_EP_MAX);
	zp_ctl_send(run, ep);
	return s;
}

static struct zp_sock *dial(struct zp_run *run, enum zp_type type, char *ep)
{
	struct zp_sock *s = run->impl->open(run, type);

	zp_ctl_recv(run, ep, ZP_EP_MAX);
	run->impl->connect(s, ep);
	return s;
}

/* REQ/REP round trips */

static void echo(struct zp_run *run, struct zp_sock *s, void *buf,
		 unsigned long n)
{
	while (n--) {
		recv_exact(run, s, buf);
		run->impl->send(s, buf, run->size);
	}
}

static void ask(struct zp_run *run, struct zp_sock *s, void *buf,
		unsigned long n)
{
	while (n--) {
		run->impl->send(s, buf, run->size);
		recv_exact(run, s, buf);
	}
}

static void lat_server(struct zp_run *run)
{
	void *buf = zp_alloc(run->size);
	char ep[ZP_EP_MAX];
	struct zp_sock *s = serve(run, ZP_REP, ep);

	run->impl->ready(s, 1);
	echo(run, s, buf, run->warm);
	zp_count_begin(run);
	echo(run, s, buf, run->count);
	zp_count_end(run);
	zp_ctl_sync(run);
	run->impl->close(s);
}

static void lat_client(struct zp_run *run)
{
	void *buf = zp_alloc(run->size);
	char ep[ZP_EP_MAX];
	struct zp_sock *s = dial(run, ZP_REQ, ep);

	run->impl->ready(s, 1);
	ask(run, s, buf, run->warm);
	zp_count_begin(run);
	zp_mark_begin(run);
	ask(run, s, buf, run->count);
	zp_mark_end(run);
	zp_count_end(run);
	zp_ctl_sync(run);
	run->impl->close(s);
}

const struct zp_test zp_lat = { "lat", "round trip", lat_server, lat_client };

/* PUSH/PULL in one direction */

static void push(struct zp_run *run, struct zp_sock *s, const void *buf,
		 unsigned long n)
{
	if (run->batch > 1) {
		for (; n >= run->batch; n -= run->batch)
			run->impl->send_batch(s, buf, run->size, run->batch);
	}
	while (n--)
		run->impl->send(s, buf, run->size);
}

/* One call's worth; tells how many octets came */
static size_t pull_once(struct zp_run *run, struct zp_sock *s, void *buf,
			size_t room)
{
	size_t n;

	if (run->batch > 1)
		return run->size *
		       run->impl->recv_batch(s, buf, run->size, run->batch);

	if (run->impl == &zp_raw)
		return run->impl->recv(s, buf, room);

	n = run->impl->recv(s, buf, run->size);
	if (n != run->size)
		zp_die("%s: %zu octets received, not %zu", run->impl->name, n,
		       run->size);
	return n;
}

static size_t pull_room(struct zp_run *run)
{
	size_t room = run->size * run->batch;

	return room < RAW_READ ? RAW_READ : room;
}

static void pull(struct zp_run *run, struct zp_sock *s, void *buf,
		 unsigned long n)
{
	size_t left = n * run->size;
	size_t room = pull_room(run);

	while (left) {
		size_t got = pull_once(run, s, buf, left < room ? left : room);

		if (got > left)
			zp_die("%s: more octets than were sent",
			       run->impl->name);
		left -= got;
	}
}

static void thr_server(struct zp_run *run)
{
	void *buf = zp_alloc(pull_room(run));
	char ep[ZP_EP_MAX];
	struct zp_sock *s = serve(run, ZP_PULL, ep);

	run->impl->ready(s, 1);
	pull(run, s, buf, run->warm);
	zp_ctl_sync(run);
	zp_count_begin(run);
	pull(run, s, buf, run->count);
	zp_mark_end(run);
	zp_count_end(run);
	zp_ctl_sync(run);
	run->impl->close(s);
}

static void thr_client(struct zp_run *run)
{
	void *buf = zp_alloc(run->size * run->batch);
	char ep[ZP_EP_MAX];
	struct zp_sock *s = dial(run, ZP_PUSH, ep);

	run->impl->ready(s, 1);
	push(run, s, buf, run->warm);
	zp_ctl_sync(run);
	zp_count_begin(run);
	zp_mark_begin(run);
	push(run, s, buf, run->count);
	zp_ctl_sync(run);
	zp_count_end(run);
	run->impl->close(s);
}

const struct zp_test zp_thr = { "thr", "message", thr_server, thr_client };

/* Connect, handshake, one round trip, close; nothing is left of any of them */

static void conn_server(struct zp_run *run)
{
	void *buf = zp_alloc(run->size);
	char ep[ZP_EP_MAX];
	struct zp_sock *s = serve(run, ZP_REP, ep);

	echo(run, s, buf, run->warm);
	run->impl->idle(s);
	zp_ctl_sync(run);
	echo(run, s, buf, run->count);
	run->impl->idle(s);
	zp_mark_end(run);

	while (zp_tcp_live(zp_port(ep)))
		zp_relax();
	zp_ctl_sync(run);
	run->impl->close(s);
}

static void conn_client(struct zp_run *run)
{
	void *buf = zp_alloc(run->size);
	unsigned long i, n = run->warm + run->count;
	char ep[ZP_EP_MAX];
	struct zp_sock *s;

	zp_ctl_recv(run, ep, sizeof(ep));
	for (i = 0; i < n; i++) {
		if (i == run->warm) {
			zp_ctl_sync(run);
			zp_mark_begin(run);
		}
		s = run->impl->open(run, ZP_REQ);
		run->impl->connect(s, ep);
		ask(run, s, buf, 1);
		run->impl->close(s);
	}
	zp_ctl_sync(run);
}

const struct zp_test zp_conn = {
	"connect", "connection", conn_server, conn_client
};

/*
 * PUB to several SUB of one process. The publisher blocks where it would drop
 * (XPUB_NODROP), so each message is one delivery to each subscriber.
 */

#define PROBE	'p'
#define MARK	'm'

/* Publish until every subscriber has seen one: all subscriptions are in */
static void fanout_join(struct zp_run *run, struct zp_sock *s)
{
	char c = PROBE;

	do {
		run->impl->send(s, &c, 1);
	} while (!zp_ctl_pending(run, 1));
	zp_ctl_sync(run);
	c = MARK;
	run->impl->send(s, &c, 1);
}

static void fanout_server(struct zp_run *run)
{
	void *buf = zp_alloc(run->size * run->batch);
	char ep[ZP_EP_MAX];
	struct zp_sock *s = serve(run, ZP_PUB, ep);

	run->impl->ready(s, run->subs);
	fanout_join(run, s);
	push(run, s, buf, run->warm / run->subs);
	zp_ctl_sync(run);
	zp_mark_begin(run);
	push(run, s, buf, run->count / run->subs);
	zp_ctl_sync(run);
	run->impl->close(s);
}

/* Read what fanout_join() sent */
static void fanout_joined(struct zp_run *run, struct zp_sock **s)
{
	unsigned int i;
	char c;

	for (i = 0; i < run->subs; i++)
		if (run->impl->recv(s[i], &c, 1) != 1 || c != PROBE)
			zp_die("%s: a probe is missing", run->impl->name);
	zp_ctl_sync(run);
	for (i = 0; i < run->subs; i++)
		do {
			if (run->impl->recv(s[i], &c, 1) != 1)
				zp_die("%s: the mark is missing",
				       run->impl->name);
		} while (c != MARK);
}

static void fanout_read(struct zp_run *run, struct zp_sock **s, void *buf,
			unsigned long n)
{
	size_t left[run->subs], room = pull_room(run);
	unsigned int i, busy = run->subs;

	for (i = 0; i < run->subs; i++)
		left[i] = n * run->size;
	while (n && busy) {
		for (i = 0; i < run->subs; i++) {
			if (!left[i])
				continue;
			left[i] -= pull_once(run, s[i], buf,
					     left[i] < room ? left[i] : room);
			busy -= !left[i];
		}
	}
}

static void fanout_client(struct zp_run *run)
{
	void *buf = zp_alloc(pull_room(run));
	struct zp_sock *s[run->subs];
	char ep[ZP_EP_MAX];
	unsigned int i;

	zp_ctl_recv(run, ep, sizeof(ep));
	for (i = 0; i < run->subs; i++) {
		s[i] = run->impl->open(run, ZP_SUB);
		run->impl->connect(s[i], ep);
	}
	for (i = 0; i < run->subs; i++)
		run->impl->ready(s[i], 1);
	fanout_joined(run, s);
	fanout_read(run, s, buf, run->warm / run->subs);
	zp_ctl_sync(run);
	fanout_read(run, s, buf, run->count / run->subs);
	zp_mark_end(run);
	zp_ctl_sync(run);
	for (i = 0; i < run->subs; i++)
		run->impl->close(s[i]);
}

const struct zp_test zp_fanout = {
	"fanout", "delivery", fanout_server, fanout_client
};
