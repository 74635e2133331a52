// SPDX-License-Identifier: GPL-2.0
/*
 * zmqperf: what a connection costs that stands idle after one message.
 *
 * Both processes read their memory with one connection up, so what a process
 * or a socket needs once does not count, and again with all of them.
 */
#include <stdlib.h>

#include "zmqperf.h"

#define CHUNK	32	/* connections begun before they are waited for */

static void idle_read(struct zp_run *run, struct zp_sock *s, void *buf)
{
	if (run->impl->recv(s, buf, run->size) != run->size)
		zp_die("%s: short message", run->impl->name);
}

static void idle_server(struct zp_run *run)
{
	const struct zp_impl *impl = run->impl;
	void *buf = zp_alloc(run->size);
	unsigned long i;
	char ep[ZP_EP_MAX];
	struct zp_sock *s = impl->open(run, ZP_PULL);

	zp_endpoint(run, ep, sizeof(ep));
	impl->bind(s, ep, sizeof(ep));
	zp_ctl_send(run, ep);
	impl->ready(s, 1);
	idle_read(run, s, buf);
	zp_snapshot(&run->shared->before[0]);
	zp_ctl_sync(run);	/* the client reads its own */
	zp_ctl_sync(run);

	for (i = 0; i < run->count; i++) {
		impl->ready(s, i + 2);
		idle_read(run, s, buf);
		/* The client connects the next ones */
		if ((i + 1) % CHUNK == 0 || i + 1 == run->count)
			zp_ctl_sync(run);
	}
	for (i = 0; run->one && i <= run->count; i++)
		idle_read(run, s, buf);
	while (zp_tcp_live(zp_port(ep)) != 2 * (run->count + 1))
		zp_relax();
	zp_snapshot(&run->shared->after[0]);
	zp_ctl_sync(run);
	zp_ctl_sync(run);
	impl->close(s);
}

/* Begin the connections @i up to @end, one message on each */
static void idle_connect(struct zp_run *run, struct zp_sock **s, void *buf,
			 const char *ep, unsigned long i, unsigned long end)
{
	const struct zp_impl *impl = run->impl;
	unsigned long first = i;

	for (; i < end; i++) {
		if (!run->one)
			s[i] = impl->open(run, ZP_PUSH);
		impl->connect(s[run->one ? 0 : i], ep);
	}
	if (run->one)
		impl->ready(s[0], end);
	for (i = first; i < end; i++)
		impl->send(s[run->one ? 0 : i], buf, run->size);
}

static void idle_client(struct zp_run *run)
{
	unsigned long i, end, n = run->count + 1;
	struct zp_sock **s = calloc(n, sizeof(*s));
	void *buf = zp_alloc(run->size);
	char ep[ZP_EP_MAX];

	if (!s)
		zp_die("no memory");
	zp_ctl_recv(run, ep, sizeof(ep));
	s[0] = run->impl->open(run, ZP_PUSH);
	run->impl->connect(s[0], ep);
	run->impl->send(s[0], buf, run->size);

	zp_ctl_sync(run);
	zp_snapshot(&run->shared->before[1]);
	zp_ctl_sync(run);

	for (i = 1; i < n; i = end) {
		end = i + CHUNK < n ? i + CHUNK : n;
		idle_connect(run, s, buf, ep, i, end);
		zp_ctl_sync(run);
	}
	/* One socket deals them out in turn: one more for each connection */
	for (i = 0; run->one && i < n; i++)
		run->impl->send(s[0], buf, run->size);
	zp_ctl_sync(run);
	zp_snapshot(&run->shared->after[1]);
	run->shared->units = run->count;
	zp_ctl_sync(run);

	for (i = 0; i < (run->one ? 1 : n); i++)
		run->impl->close(s[i]);
}

const struct zp_test zp_idle = {
	"idle", "connection", idle_server, idle_client
};

/**
 * zp_idle_bytes - octets of memory per idle connection, both ends
 * @sh:    what was measured
 * @alone: nothing else ran on this machine, so whatever it lost counts, also
 *         memory that no single figure shows
 */
double zp_idle_bytes(const struct zp_shared *sh, int alone)
{
	const struct zp_snap *b = &sh->before[1], *a = &sh->after[1];
	long long sum = a->slab - b->slab + a->pages - b->pages;

	/* TCP may also just have given back what stood over from before */
	if (a->skmem > b->skmem)
		sum += a->skmem - b->skmem;
	sum += sh->after[0].rss - sh->before[0].rss + a->rss - b->rss;
	if (alone && a->used - b->used > sum)
		sum = a->used - b->used;
	return (double)sum / sh->units;
}

/** zp_idle_fds - descriptors per idle connection, both ends */
double zp_idle_fds(const struct zp_shared *sh)
{
	long long fds = sh->after[0].fds - sh->before[0].fds +
			sh->after[1].fds - sh->before[1].fds;

	return (double)fds / sh->units;
}
