// SPDX-License-Identifier: GPL-2.0
/*
 * zmqperf: would io_uring be better? What a library could do by it on AF_ZMQ,
 * beside the system calls which userlib makes: receiving many messages, and
 * waiting for one of many sockets. The ring is set up in the cheapest way, which
 * a library for several threads could not always do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/zmq.h>

#include "zmqperf.h"

#ifdef HAVE_LIBURING
#include <liburing.h>

#define ENTRIES		4096	/* completions, more than can wait */
#define CONTROL		8192	/* lengths of a batch's frames */

struct ring {
	struct io_uring r;
	struct io_uring_buf_ring *br;
	char *bufs;
	size_t buf_size;
	unsigned int nbufs;
	struct msghdr msg;
	int armed;
};

static void ring_init(struct ring *r, unsigned int entries)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN,
		.cq_entries = ENTRIES,
	};
	int err = io_uring_queue_init_params(entries, &r->r, &p);

	if (err)
		zp_die("afzmq: io_uring: %s", strerror(-err));
}

static struct io_uring_sqe *next_sqe(struct ring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->r);

	if (!sqe)
		zp_die("afzmq: io_uring: no room for a request");
	return sqe;
}

static void ring_wait(struct ring *r)
{
	int n = io_uring_submit_and_wait(&r->r, 1);

	if (n < 0 && n != -EINTR)
		zp_die("afzmq: io_uring: %s", strerror(-n));
}

/* PUSH/PULL: one multishot RECVMSG, into buffers which are given back at once */

static void add_buffer(struct ring *r, unsigned int id, unsigned int at)
{
	io_uring_buf_ring_add(r->br, r->bufs + id * r->buf_size, r->buf_size,
			      id, io_uring_buf_ring_mask(r->nbufs), at);
}

static void add_buffers(struct ring *r, unsigned int n, size_t payload)
{
	struct io_uring_buf_reg reg = { .ring_entries = n };
	unsigned int i;
	int err;

	r->nbufs = n;
	r->buf_size = sizeof(struct io_uring_recvmsg_out) +
		      r->msg.msg_controllen + payload;
	r->bufs = zp_alloc(n * r->buf_size);
	r->br = mmap(NULL, n * sizeof(struct io_uring_buf),
		     PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	if (r->br == MAP_FAILED)
		zp_die("mmap: %m");
	reg.ring_addr = (unsigned long)r->br;
	err = io_uring_register_buf_ring(&r->r, &reg, 0);
	if (err)
		zp_die("afzmq: provided buffers: %s", strerror(-err));
	io_uring_buf_ring_init(r->br);
	for (i = 0; i < n; i++)
		add_buffer(r, i, i);
	io_uring_buf_ring_advance(r->br, n);
}

static void arm_recv(struct ring *r, int fd)
{
	struct io_uring_sqe *sqe = next_sqe(r);

	io_uring_prep_recvmsg_multishot(sqe, fd, &r->msg, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 0;
	r->armed = 1;
}

/* Octets of the messages of one completion */
static size_t received(struct zp_run *run, struct ring *r,
		       const struct io_uring_cqe *cqe)
{
	unsigned int id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	struct io_uring_recvmsg_out *o;
	size_t n;

	if (!(cqe->flags & IORING_CQE_F_MORE))
		r->armed = 0;
	if (cqe->res == -ENOBUFS)
		return 0;
	if (cqe->res < 0)
		zp_die("afzmq: RECVMSG: %s", strerror(-cqe->res));
	o = io_uring_recvmsg_validate(r->bufs + id * r->buf_size, cqe->res,
				      &r->msg);
	if (!o)
		zp_die("afzmq: RECVMSG: %d octets", cqe->res);
	n = io_uring_recvmsg_payload_length(o, cqe->res, &r->msg);
	if (!n || n % run->size || (run->calls == ZP_URING && n != run->size))
		zp_die("afzmq: RECVMSG: a payload of %zu octets", n);
	add_buffer(r, id, 0);
	io_uring_buf_ring_advance(r->br, 1);
	return n;
}

static void ring_pull(struct zp_run *run, struct ring *r, int fd,
		      unsigned long count)
{
	size_t left = count * run->size, n;
	struct io_uring_cqe *cqe;
	unsigned int head, seen;

	while (left) {
		if (!r->armed)
			arm_recv(r, fd);
		ring_wait(r);
		seen = 0;
		io_uring_for_each_cqe(&r->r, head, cqe) {
			n = received(run, r, cqe);
			if (n > left)
				zp_die("afzmq: more octets than were sent");
			left -= n;
			seen++;
		}
		io_uring_cq_advance(&r->r, seen);
	}
}

static void ring_server(struct zp_run *run)
{
	int n = run->batch, many = run->calls == ZP_URING_MANY;
	struct ring r = { .msg.msg_controllen = many ? CONTROL : 0 };
	char ep[ZP_EP_MAX];
	struct zp_sock *s = run->impl->open(run, ZP_PULL);
	int fd = zp_af_fd(s);

	zp_endpoint(run, ep, sizeof(ep));
	run->impl->bind(s, ep, sizeof(ep));
	zp_ctl_send(run, ep);
	if (many && setsockopt(fd, SOL_ZMQ, ZMQ_RCVBATCH, &n, sizeof(n)))
		zp_die("afzmq: RCVBATCH: %m");
	ring_init(&r, 8);
	add_buffers(&r, many ? 32 : 1024, many ? n * run->size : run->size);
	run->impl->ready(s, 1);
	ring_pull(run, &r, fd, run->warm);
	zp_ctl_sync(run);
	ring_pull(run, &r, fd, run->count);
	zp_mark_end(run);
	zp_ctl_sync(run);
	io_uring_queue_exit(&r.r);
	run->impl->close(s);
}

/* Waiting by multishot POLL_ADD: one request for each socket, for good */

static void arm_poll(struct ring *r, int fd, unsigned int i)
{
	struct io_uring_sqe *sqe = next_sqe(r);

	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	sqe->user_data = i;
}

static unsigned int ring_ready(struct ring *r, const struct pollfd *p)
{
	struct io_uring_cqe *cqe;
	unsigned int i;

	while (io_uring_peek_cqe(&r->r, &cqe))
		ring_wait(r);
	i = cqe->user_data;
	if (cqe->res < 0)
		zp_die("afzmq: POLL_ADD: %s", strerror(-cqe->res));
	if (!(cqe->flags & IORING_CQE_F_MORE))
		arm_poll(r, p[i].fd, i);
	io_uring_cqe_seen(&r->r, cqe);
	return i;
}

const char *zp_uring_probe(void)
{
	static char why[80];
	struct io_uring r;
	int err = io_uring_queue_init(8, &r, 0);

	if (err) {
		snprintf(why, sizeof(why), "io_uring: %s", strerror(-err));
		return why;
	}
	io_uring_queue_exit(&r);
	return NULL;
}
#else
struct ring {
	int none;
};

static void ring_init(struct ring *r, unsigned int entries) { }
static void arm_poll(struct ring *r, int fd, unsigned int i) { }
static void ring_server(struct zp_run *run) { }

static unsigned int ring_ready(struct ring *r, const struct pollfd *p)
{
	return 0;
}

const char *zp_uring_probe(void)
{
	return "built without liburing";
}
#endif

static unsigned int poll_ready(struct pollfd *p, unsigned int n)
{
	unsigned int i;

	if (poll(p, n, -1) < 0)
		zp_die("poll: %m");
	for (i = 0; i < n; i++)
		if (p[i].revents)
			return i;
	zp_die("poll: nothing is ready");
}

static unsigned int epoll_ready(int ep)
{
	struct epoll_event e;

	if (epoll_wait(ep, &e, 1, -1) != 1)
		zp_die("epoll_wait: %m");
	return e.data.u32;
}

struct waiter {
	struct pollfd *p;
	struct ring ring;
	int ep;
};

static void wait_open(struct zp_run *run, struct waiter *w)
{
	unsigned int i;

	if (run->calls == ZP_URING)
		ring_init(&w->ring, 2 * run->subs);
	w->ep = epoll_create1(EPOLL_CLOEXEC);
	if (w->ep < 0)
		zp_die("epoll_create1: %m");
	for (i = 0; i < run->subs; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };

		if (run->calls == ZP_URING)
			arm_poll(&w->ring, w->p[i].fd, i);
		else if (run->calls == ZP_EPOLL &&
			 epoll_ctl(w->ep, EPOLL_CTL_ADD, w->p[i].fd, &e))
			zp_die("epoll_ctl: %m");
	}
}

/* Answer so many requests, each when its socket is found to be readable */
static void wait_answer(struct zp_run *run, struct waiter *w, unsigned long n)
{
	unsigned int i;
	char buf[run->size];
	ssize_t len;

	while (n) {
		i = run->calls == ZP_URING ? ring_ready(&w->ring, w->p) :
		    run->calls == ZP_EPOLL ? epoll_ready(w->ep) :
		    poll_ready(w->p, run->subs);
		len = recv(w->p[i].fd, buf, run->size, MSG_DONTWAIT);
		if (len < 0 && errno == EAGAIN)
			continue;
		if (len != (ssize_t)run->size ||
		    send(w->p[i].fd, buf, run->size, MSG_NOSIGNAL) != len)
			zp_die("afzmq: recv or send: %m");
		n--;
	}
}

static void wait_server(struct zp_run *run)
{
	struct zp_sock *s[run->subs];
	struct pollfd p[run->subs];
	struct waiter w = { .p = p };
	char ep[ZP_EP_MAX];
	unsigned int i;

	for (i = 0; i < run->subs; i++) {
		s[i] = run->impl->open(run, ZP_REP);
		zp_endpoint(run, ep, sizeof(ep));
		run->impl->bind(s[i], ep, sizeof(ep));
		zp_ctl_send(run, ep);
		p[i] = (struct pollfd){ .fd = zp_af_fd(s[i]), .events = POLLIN };
	}
	wait_open(run, &w);
	wait_answer(run, &w, run->warm);
	wait_answer(run, &w, run->count);
	zp_ctl_sync(run);
	for (i = 0; i < run->subs; i++)
		run->impl->close(s[i]);
}

static void wait_ask(struct zp_run *run, struct zp_sock **s, unsigned long n)
{
	char buf[run->size];
	unsigned int i = 0;

	memset(buf, 0, run->size);
	while (n--) {
		i = (i + 37) % run->subs;
		run->impl->send(s[i], buf, run->size);
		run->impl->recv(s[i], buf, run->size);
	}
}

static void wait_client(struct zp_run *run)
{
	struct zp_sock *s[run->subs];
	char ep[ZP_EP_MAX];
	unsigned int i;

	for (i = 0; i < run->subs; i++) {
		s[i] = run->impl->open(run, ZP_REQ);
		zp_ctl_recv(run, ep, sizeof(ep));
		run->impl->connect(s[i], ep);
	}
	wait_ask(run, s, run->warm);
	zp_mark_begin(run);
	wait_ask(run, s, run->count);
	zp_mark_end(run);
	zp_ctl_sync(run);
	for (i = 0; i < run->subs; i++)
		run->impl->close(s[i]);
}

static void ring_client(struct zp_run *run)
{
	zp_thr.client(run);
}

const struct zp_test zp_ring = {
	"ring", "message", ring_server, ring_client
};

const struct zp_test zp_wait = {
	"wait", "round trip", wait_server, wait_client
};
