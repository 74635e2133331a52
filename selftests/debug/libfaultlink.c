// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets with something to say to each other, for walks of faults, and others
 * that are not to notice.
 */
#include "libfault.h"

#include <stdatomic.h>

char out[LINK_BUF], in[LINK_BUF];

void link_open(struct link *l, int to, int from)
{
	int fd[2];

	xpair(to, from, fd);
	l->to = fd[0];
	l->from = fd[1];
	l->type = from;
}

void link_close(struct link *l)
{
	xclose(l->from);
	xclose(l->to);
}

/* Frame @i of the message that is due */
void frame_make(const struct link *l, int i)
{
	fill(out, l->len, l->seq * 16 + i);
}

void frame_check(const struct link *l, ssize_t n, int i)
{
	if (n != (ssize_t)l->len)
		KZ_DIE("message %u, frame %d: %zd octets, not %zu", l->seq, i,
		       n, l->len);
	if (!filled(in, n, l->seq * 16 + i))
		KZ_DIE("message %u, frame %d: it is another one", l->seq, i);
}

long run_send(void *arg)
{
	struct link *l = arg;
	long n = 0;
	int i;

	for (i = 0; i < l->nr; i++) {
		frame_make(l, i);
		n = send(l->from, out, l->len, i < l->nr - 1 ? MSG_MORE : 0);
		/* A frame that failed may be given again, the others stay. */
		if (n < 0 && i)
			n = send(l->from, out, l->len,
				 i < l->nr - 1 ? MSG_MORE : 0);
		if (n < 0)
			return n;
	}
	return n;
}

void recv_message(struct link *l, int skip)
{
	bool eor = true;
	ssize_t n;
	int i;

	for (i = 0; i < skip; i++)
		KZ_CHECK(zrecv(l->to, in, LINK_BUF, 0, &eor) >= 0);
	for (i = 0; i < l->nr; i++) {
		n = zrecv(l->to, in, LINK_BUF, 0, &eor);
		frame_check(l, n, i);
		KZ_CHECK(eor == (i == l->nr - 1));
	}
}

void verify_send(void *arg, long ret)
{
	struct link *l = arg;

	KZ_CHECK(ret == (long)l->len);
	recv_message(l, zget(l->to, ZMQ_TYPE) == ZMQ_ROUTER);
	l->seq++;
}

void walk_link(const char *name, struct link *l, long (*run)(void *),
	       void (*verify)(void *, long))
{
	struct walk w = { .name = name, .run = run, .verify = verify, .arg = l };

	fault_walk(&w);
}

void last_endpoint(int fd, char ep[EP_LEN])
{
	socklen_t len = EP_LEN;

	if (getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len))
		KZ_DIE("last endpoint");
}

/* Somebody else: two sockets and a thread with its own traffic. */
static struct {
	pthread_t	thread;
	int		fd[2];
	bool		on;
	int		pause_ms;
	atomic_bool	stop;
	atomic_uint	rounds;
	atomic_int	err;
	unsigned int	seen;
	unsigned int	checks;
} by;

/* One of its own calls may fail when any allocation does. */
static bool by_send(int fd, unsigned int n)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (send(fd, &n, sizeof(n), 0) == sizeof(n))
			return true;
		if (errno != ENOMEM && errno != ENOBUFS)
			break;
	}
	return false;
}

static void *bystander(void *arg)
{
	unsigned int n, got, i;

	for (n = 0; !by.stop; n++) {
		for (i = 0; i < 2; i++) {
			errno = 0;
			if (!by_send(by.fd[i], n) ||
			    recv(by.fd[!i], &got, sizeof(got), 0) != sizeof(got) ||
			    got != n) {
				by.err = errno ?: EPROTO;
				return NULL;
			}
		}
		by.rounds++;
		usleep(by.pause_ms * 1000);
	}
	return NULL;
}

void bystander_start(int pause_ms)
{
	xpair(ZMQ_PAIR, ZMQ_PAIR, by.fd);
	by.pause_ms = pause_ms;
	by.stop = false;
	by.err = 0;
	by.rounds = 0;
	by.seen = 0;
	KZ_CHECK(!pthread_create(&by.thread, NULL, bystander, NULL));
	by.on = true;
}

/* It has no error, and now and then: it goes on. */
void bystander_check(void)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	if (!by.on)
		return;
	if (by.err) {
		errno = by.err;
		KZ_DIE("another pair of sockets was disturbed");
	}
	if (++by.checks % 16)
		return;
	while (by.rounds == by.seen) {
		if (by.err || kz_now_ms() > end)
			KZ_DIE("another pair of sockets does not go on");
		usleep(1000);
	}
	by.seen = by.rounds;
}

void bystander_stop(void)
{
	if (!by.on)
		return;
	by.checks = 15;
	bystander_check();
	by.stop = true;
	pthread_join(by.thread, NULL);
	xclose(by.fd[0]);
	xclose(by.fd[1]);
	by.on = false;
}
