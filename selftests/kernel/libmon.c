// SPDX-License-Identifier: GPL-2.0
/* Reading monitors. */
#include "libmon.h"

int mon_open(int fd, __u64 mask, __u32 bytes)
{
	struct zmq_monitor_open a = {
		.size = sizeof(a), .mask = mask, .bytes = bytes, .fd = -1,
	};
	socklen_t len = sizeof(a);

	if (getsockopt(fd, SOL_ZMQ, ZMQ_MONITOR_OPEN, &a, &len))
		return -1;
	KZ_CHECK(len == sizeof(a));
	return a.fd;
}

int xmon(int fd)
{
	int mon = mon_open(fd, ZMQ_EVENT_ALL, 0);

	if (mon < 0)
		KZ_DIE("monitor");
	return mon;
}

/* One read(); false at the end. */
bool mon_read(int mon, struct mon_rec *r)
{
	char buf[ZMQ_EVENT_MAX], *p = buf;
	ssize_t n = read(mon, buf, sizeof(buf));

	memset(r, 0, sizeof(*r));
	if (!n)
		return false;
	if (n < (ssize_t)sizeof(r->e))
		KZ_DIE("read of a monitor gave %zd", n);
	memcpy(&r->e, buf, sizeof(r->e));
	KZ_CHECK(r->e.size == n && r->e.hdr == sizeof(r->e));
	KZ_CHECK(r->e.size == r->e.hdr + r->e.rid_len + r->e.local_len +
			      r->e.remote_len);
	KZ_CHECK(r->e.rid_len < sizeof(r->rid) &&
		 r->e.local_len < sizeof(r->local) &&
		 r->e.remote_len < sizeof(r->remote));
	KZ_CHECK(!r->e.reserved[0] && !r->e.reserved[1] && !r->e.reserved[2]);
	p += r->e.hdr;
	memcpy(r->rid, p, r->e.rid_len);
	p += r->e.rid_len;
	memcpy(r->local, p, r->e.local_len);
	p += r->e.local_len;
	memcpy(r->remote, p, r->e.remote_len);
	KZ_CHECK(strlen(r->local) == r->e.local_len &&
		 strlen(r->remote) == r->e.remote_len);
	return true;
}

/* The same within a time limit. */
bool mon_next(int mon, struct mon_rec *r)
{
	if (!poll1(mon, POLLIN, kz_ms(KZ_WAIT_MS)))
		KZ_DIE("no event");
	return mon_read(mon, r);
}

bool mon_is(const char *file, int line, int mon, __u64 event,
	    struct mon_rec *r)
{
	if (!poll1(mon, POLLIN, kz_ms(KZ_WAIT_MS))) {
		fprintf(stderr, "# %s:%d: no event, wanted %#llx\n", file, line,
			(unsigned long long)event);
		return false;
	}
	if (!mon_read(mon, r)) {
		fprintf(stderr, "# %s:%d: the end, wanted %#llx\n", file, line,
			(unsigned long long)event);
		return false;
	}
	if (r->e.event == event)
		return true;
	fprintf(stderr, "# %s:%d: event %#llx value %#llx error %u, wanted %#llx\n",
		file, line, (unsigned long long)r->e.event,
		(unsigned long long)r->e.value, r->e.error,
		(unsigned long long)event);
	return false;
}

/* Read on until this event comes. */
bool mon_until(int mon, __u64 event, struct mon_rec *r)
{
	while (mon_next(mon, r))
		if (r->e.event == event)
			return true;
	return false;
}

/* Nothing is there, and nothing comes for a while. */
bool mon_quiet(int mon)
{
	struct mon_rec r;

	if (!poll1(mon, POLLIN, kz_ms(KZ_QUIET_MS)))
		return true;
	if (mon_read(mon, &r))
		fprintf(stderr, "# event %#llx, wanted none\n",
			(unsigned long long)r.e.event);
	return false;
}
