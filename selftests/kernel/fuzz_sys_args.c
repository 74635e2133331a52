// SPDX-License-Identifier: GPL-2.0
/*
 * What system calls are called with: mostly good, now and then a pointer to
 * nothing, a length of anything, a descriptor of something else.
 */
#include "fuzz_sys.h"

struct round rd;

int any_fd(struct rng *r)
{
	int n = rnd(r, 100);

	if (n < 3)
		return rnd(r, 2) ? -1 : 1000;
	if (n < 6)
		return rd.unix_fd[rnd(r, 2)];
	if (n < 8)
		return rd.pipe_fd[rnd(r, 2)];
	if (n < 9)
		return rd.ep_fd;
	return __atomic_load_n(&rd.fd[rnd(r, FDS)], __ATOMIC_RELAXED);
}

int *slot_fd(struct rng *r)
{
	return &rd.fd[rnd(r, FDS)];
}

/* A new descriptor takes the place of an old one. */
void keep_fd(struct rng *r, int fd)
{
	int old;

	if (fd < 0)
		return;
	old = __atomic_exchange_n(slot_fd(r), fd, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
}

size_t any_len(struct rng *r)
{
	static const size_t lens[29] = {
		0, 1, 2, 3, 4, 7, 8, 12, 16, 72, 126, 127, 128, 129, 255, 256,
		1023, 1024, 1025, 1920, 4095, 4096, 4097, 65535, 0x7fffffff,
		0x80000000u, 0xffffffffu, (size_t)-1, (size_t)-4096,
	};

	if (pct(r, 60))
		return rnd(r, pct(r, 80) ? 200 : 20000);
	return lens[rnd(r, 29)];
}

int small_len(struct rng *r)
{
	return rnd(r, pct(r, 90) ? 300 : 9000);
}

/* Mostly good memory, which other threads write to as well */
void *any_ptr(struct rng *r)
{
	switch (rnd(r, 24)) {
	case 0:
		return NULL;
	case 1:
		return BADPTR;
	case 2:
		return rd.ro + rnd(r, 100);
	case 3:
	case 4:
		return rd.area + AREA - rnd(r, 300);
	case 5:
		return (void *)(uintptr_t)0xffffffff81000000ull;
	case 6:
		return (void *)(uintptr_t)(rnd64(r) >> rnd(r, 40));
	case 7:
		return (void *)-(uintptr_t)rnd(r, 5000);
	default:
		return rd.area + rnd(r, AREA - 8192);
	}
}

/* Good memory of this many octets, not shared on purpose but by accident */
void *some_mem(struct rng *r, size_t len)
{
	unsigned char *p = rd.area + (rnd(r, AREA - 16384) & ~15);
	size_t i;

	for (i = 0; i < len && i < 64; i += 8)
		if (pct(r, 40))
			p[i] = rnd(r, 256);
	return p;
}

int any_msg_flags(struct rng *r)
{
	int f = !rd.waits || pct(r, 60) ? MSG_DONTWAIT : 0;

	if (pct(r, 20))
		f |= MSG_MORE;
	if (pct(r, 15))
		f |= 1 << rnd(r, 31);
	if (pct(r, 3))
		f = rnd64(r);
	return f | MSG_NOSIGNAL;
}

int any_level(struct rng *r)
{
	static const int levels[] = {
		SOL_SOCKET, SOL_SOCKET, SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, 0,
	};

	return pct(r, 95) ? levels[rnd(r, 6)] : (int)rnd64(r);
}

const char *any_endpoint(struct rng *r, char *buf, size_t size)
{
	static const char * const texts[] = {
		"tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://*:*",
		"tcp://lo:*", "tcp://[::1]:*", "tcp://[::]:0",
		"tcp://127.0.0.1:1", "tcp://127.0.0.1:65535",
		"tcp://127.0.0.1:99999", "tcp://127.0.0.1:*;127.0.0.1:7",
		"tcp://localhost:7777", "ipc:///tmp/x", "inproc://x",
		"udp://127.0.0.1:1", "tcp://", "tcp", "", "*",
		"tcp://240.0.0.1:9", "tcp://[fe80::1%lo]:*",
	};
	size_t n;

	if (pct(r, 60))
		snprintf(buf, size, "%s", rd.ep[rnd(r, 4)]);
	else
		snprintf(buf, size, "%s", texts[rnd(r, 20)]);
	n = strlen(buf);
	while (n && pct(r, 10))
		buf[rnd(r, n)] = rnd(r, 256);
	return buf;
}

void *any_addr(struct rng *r, socklen_t *len)
{
	struct sockaddr_zmq *sa = some_mem(r, sizeof(*sa));

	*len = sizeof(*sa);
	if (pct(r, 8))
		return any_ptr(r);
	sa->szmq_family = pct(r, 95) ? AF_ZMQ : rnd(r, 50);
	any_endpoint(r, sa->szmq_endpoint, sizeof(sa->szmq_endpoint));
	if (pct(r, 20))
		*len = pct(r, 60) ? 2 + strlen(sa->szmq_endpoint) : any_len(r);
	return sa;
}

struct iovec *any_iov(struct rng *r, size_t *n)
{
	struct iovec *iov = some_mem(r, 0);
	size_t i;

	*n = pct(r, 90) ? rnd(r, 6) : rnd(r, 64);
	for (i = 0; i < *n; i++) {
		bool good = pct(r, 85);

		iov[i].iov_len = good ? small_len(r) : any_len(r);
		iov[i].iov_base = good ? some_mem(r, iov[i].iov_len) : any_ptr(r);
	}
	if (pct(r, 5))
		*n = any_len(r);
	return pct(r, 95) ? iov : any_ptr(r);
}

/* Frame lengths that add up to what the iovec holds, or nearly */
static size_t put_frames(struct rng *r, __u32 *len, const struct iovec *iov,
			 size_t niov)
{
	size_t total = 0, i, n = 1 + rnd(r, 8), part;

	for (i = 0; i < niov && niov < 64; i++)
		total += iov[i].iov_len;
	for (i = 0; i < n; i++) {
		part = i == n - 1 ? total : rnd(r, total + 1);
		total -= part;
		len[i] = part;
		if (i < n - 1 && pct(r, 50))
			len[i] |= ZMQ_FRAME_MORE;
		if (pct(r, 4))
			len[i] = any_len(r);
	}
	return n;
}

static void any_control(struct rng *r, struct msghdr *m)
{
	unsigned char *p = some_mem(r, 512);
	int i, n = 1 + (pct(r, 20) ? rnd(r, 4) : 0);
	bool iov_ok = m->msg_iov && m->msg_iovlen < 64 &&
		      (unsigned char *)m->msg_iov >= rd.area &&
		      (unsigned char *)m->msg_iov < rd.area + AREA - 4096;
	size_t at = 0, len;
	struct cmsghdr *c;

	for (i = 0; i < n; i++) {
		c = (struct cmsghdr *)(p + at);
		c->cmsg_level = pct(r, 92) ? SOL_ZMQ : any_level(r);
		c->cmsg_type = pct(r, 92) ? ZMQ_CMSG_FRAMES : rnd(r, 5);
		len = 4 * (iov_ok ? put_frames(r, (__u32 *)CMSG_DATA(c),
					       m->msg_iov, m->msg_iovlen) :
				    rnd(r, 20));
		c->cmsg_len = CMSG_LEN(len);
		at += CMSG_SPACE(len);
		if (pct(r, 8))
			c->cmsg_len = any_len(r);
	}
	m->msg_control = pct(r, 95) ? p : any_ptr(r);
	m->msg_controllen = pct(r, 90) ? at : any_len(r);
}

struct msghdr *any_msg(struct rng *r)
{
	struct msghdr *m = some_mem(r, 0);
	size_t n;

	memset(m, 0, sizeof(*m));
	m->msg_iov = any_iov(r, &n);
	m->msg_iovlen = n;
	if (pct(r, 40))
		any_control(r, m);
	if (pct(r, 10)) {
		socklen_t len;

		m->msg_name = any_addr(r, &len);
		m->msg_namelen = len;
	}
	if (pct(r, 3))
		m->msg_flags = rnd64(r);
	return pct(r, 97) ? m : any_ptr(r);
}
