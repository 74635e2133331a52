// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 + ZMQ_SECONDS */
/* KERNEL: kasan */
/* LDLIBS: -luring */
/*
 * Sending and receiving with each allocation and copy failing in turn: what a
 * call took arrives, once and whole; what it refused does not.
 * ZMQ_SECONDS bounds the time; FAULT_LIST=1 prints the places.
 */
#include "kselftest_harness.h"
#include "libfault.h"

#include <liburing.h>

#define LIMIT		240

static void walk_sends(const char *name, struct link *l)
{
	char text[64];

	snprintf(text, sizeof(text), "send %s", name);
	l->len = 20;
	l->nr = 1;
	walk_link(text, l, run_send, verify_send);
	snprintf(text, sizeof(text), "send %s, 200 KiB", name);
	l->len = LINK_BIG;
	walk_link(text, l, run_send, verify_send);
	snprintf(text, sizeof(text), "send %s, 5 frames", name);
	l->len = 1000;
	l->nr = 5;
	walk_link(text, l, run_send, verify_send);
}

/* ---- sending ---- */

KZ_TEST_TIMEOUT(sending, LIMIT)
{
	struct link l = { 0 };

	fault_begin();
	bystander_start(2);
	link_open(&l, ZMQ_PAIR, ZMQ_PAIR);
	walk_sends("PAIR", &l);
	link_close(&l);
	link_open(&l, ZMQ_PULL, ZMQ_PUSH);
	walk_sends("PUSH", &l);
	link_close(&l);
	link_open(&l, ZMQ_ROUTER, ZMQ_DEALER);
	walk_sends("DEALER", &l);
	link_close(&l);
	link_open(&l, ZMQ_SUB, ZMQ_PUB);
	xset_text(l.to, ZMQ_SUBSCRIBE, "");
	xtopics(l.from, 1);
	walk_sends("PUB", &l);
	link_close(&l);
	link_open(&l, ZMQ_SUB, ZMQ_XPUB);
	xset_text(l.to, ZMQ_SUBSCRIBE, "");
	xtopics(l.from, 1);
	walk_sends("XPUB", &l);
	link_close(&l);
	bystander_stop();
}

/* Many messages in one call: those it says it took arrive, the others do not. */
static long run_batch(void *arg)
{
	struct iovec iov = { .iov_base = out };
	struct link *l = arg;
	__u32 len[64];
	int i;

	for (i = 0; i < l->nr; i++) {
		fill(out + i * l->len, l->len, l->seq * 16 + i);
		len[i] = l->len;
	}
	iov.iov_len = l->nr * l->len;
	return send_frames(l->from, &iov, 1, len, l->nr, 0);
}

static void verify_batch(void *arg, long ret)
{
	struct link *l = arg;
	int i;

	KZ_CHECK(ret > 0 && ret % l->len == 0);
	for (i = 0; i < (int)(ret / l->len); i++)
		frame_check(l, recv(l->to, in, LINK_BUF, 0), i);
	CHECK_ERR(EAGAIN, recv(l->to, in, LINK_BUF, MSG_DONTWAIT));
	l->seq++;
}

static long run_mmsg(void *arg)
{
	struct mmsghdr mm[4] = { 0 };
	struct iovec iov[4];
	struct link *l = arg;
	long n;
	int i;

	for (i = 0; i < 4; i++) {
		fill(out + i * l->len, l->len, l->seq * 16 + i);
		iov[i].iov_base = out + i * l->len;
		iov[i].iov_len = l->len;
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	n = sendmmsg(l->from, mm, 4, 0);
	return n < 0 ? n : n * (long)l->len;
}

static __u64 mmsg_taken;	/* of all that this socket has sent */

/* What was sent comes, however long it takes. Return: how many messages */
static int mmsg_take(struct link *l)
{
	struct zmq_stats st;
	int i, n;

	xstats(l->from, &st);
	n = st.sent - mmsg_taken;
	for (i = 0; i < n; i++)
		frame_check(l, recv(l->to, in, LINK_BUF, 0), i);
	mmsg_taken = st.sent;
	return n;
}

/*
 * sendmmsg() copies its count of octets back to the user after the message was
 * sent; when that fails, one more was sent than it tells.
 */
static void verify_mmsg(void *arg, long ret)
{
	struct link *l = arg;
	int told = ret / l->len, n = mmsg_take(l);

	KZ_CHECK(n == told || (told < 4 && n == told + 1));
	l->seq++;
}

static void lost_mmsg(void *arg, int err)
{
	int n = mmsg_take(arg);

	KZ_CHECK(!n || (err == EFAULT && n == 1));
}

static long run_writev(void *arg)
{
	struct link *l = arg;
	struct iovec iov[20];
	int i;

	frame_make(l, 0);
	for (i = 0; i < 20; i++) {
		iov[i].iov_base = out + i * (l->len / 20);
		iov[i].iov_len = l->len / 20;
	}
	return writev(l->from, iov, 20);
}

KZ_TEST_TIMEOUT(batches, LIMIT)
{
	struct link l = { 0 };
	struct walk w = {
		.name = "sendmmsg", .run = run_mmsg, .verify = verify_mmsg,
		.lost = lost_mmsg, .arg = &l,
	};
	struct zmq_stats st;

	fault_begin();
	bystander_start(2);
	link_open(&l, ZMQ_PULL, ZMQ_PUSH);
	l.nr = 40;
	l.len = 100;
	walk_link("send 40 messages at once, PUSH", &l, run_batch, verify_batch);
	l.nr = 3;
	l.len = 70000;
	walk_link("send 3 long messages at once", &l, run_batch, verify_batch);
	l.nr = 1;
	l.len = 4000;
	walk_link("writev", &l, run_writev, verify_send);
	l.len = 300;
	xstats(l.from, &st);
	mmsg_taken = st.sent;
	fault_walk(&w);
	link_close(&l);
	link_open(&l, ZMQ_SUB, ZMQ_PUB);
	xset_text(l.to, ZMQ_SUBSCRIBE, "");
	xtopics(l.from, 1);
	l.nr = 40;
	l.len = 100;
	walk_link("send 40 messages at once, PUB", &l, run_batch, verify_batch);
	link_close(&l);
	bystander_stop();
}

/* ---- the types that take turns, and those with addresses ---- */

static void verify_req(void *arg, long ret)
{
	struct link *l = arg;

	recv_message(l, 0);
	xsends(l->to, "answer", 0);
	KZ_CHECK(recv(l->from, in, LINK_BUF, 0) == 6);
	l->seq++;
}

static void ask(struct link *l)
{
	int n = l->nr;

	xsends(l->to, "ask", 0);
	KZ_CHECK(recv(l->from, in, LINK_BUF, 0) == 3);
	l->nr = n;
}

static void verify_rep(void *arg, long ret)
{
	struct link *l = arg;

	recv_message(l, 0);
	l->seq++;
	ask(l);
}

static long run_router(void *arg)
{
	struct link *l = arg;

	frame_make(l, 0);
	if (send(l->from, "name", 4, MSG_MORE) != 4)
		return -1;
	if (send(l->from, out, l->len, 0) == (ssize_t)l->len)
		return l->len;
	/* The last frame failed and can be given again. */
	return send(l->from, out, l->len, 0);
}

static void verify_stream(void *arg, long ret)
{
	struct link *l = arg;

	if (!raw_read(l->to, in, l->len))
		KZ_DIE("the octets did not come");
	frame_check(l, l->len, 0);
	l->seq++;
}

static void router_open(struct link *l)
{
	l->from = xsocket(ZMQ_ROUTER);
	l->to = xsocket(ZMQ_DEALER);
	xset(l->from, ZMQ_ROUTER_MANDATORY, 1);
	xset_text(l->to, ZMQ_ROUTING_ID, "name");
	xbind_any(l->from, l->ep);
	xconnect(l->to, l->ep);
	xpeers(l->from, 1);
	l->nr = 1;
	l->len = 3000;
}

static void stream_open(struct link *l, int *lfd)
{
	*lfd = raw_listen(l->ep);
	l->from = xsocket(ZMQ_STREAM);
	xset_text(l->from, ZMQ_CONNECT_ROUTING_ID, "name");
	xconnect(l->from, l->ep);
	l->to = raw_accept(*lfd);
	xpeers(l->from, 1);
	l->nr = 1;
	l->len = 3000;
}

/* The next one is the first of a connection again: its queue has no memory. */
static void verify_first(void *arg, long ret)
{
	struct link *l = arg;

	verify_send(l, ret);
	link_close(l);
	router_open(l);
}

KZ_TEST_TIMEOUT(addressed, LIMIT)
{
	struct link l = { .nr = 2, .len = 500 };
	int lfd;

	fault_begin();
	bystander_start(2);
	link_open(&l, ZMQ_REP, ZMQ_REQ);
	walk_link("send REQ", &l, run_send, verify_req);
	link_close(&l);
	link_open(&l, ZMQ_REQ, ZMQ_REP);
	ask(&l);
	walk_link("send REP", &l, run_send, verify_rep);
	link_close(&l);
	router_open(&l);
	walk_link("send ROUTER", &l, run_router, verify_send);
	walk_link("send ROUTER, the first", &l, run_router, verify_first);
	link_close(&l);
	stream_open(&l, &lfd);
	walk_link("send STREAM", &l, run_router, verify_stream);
	link_close(&l);
	xclose(lfd);
	bystander_stop();
}

/* ---- receiving ---- */

static void next_in(struct link *l)
{
	int i;

	for (i = 0; i < l->nr; i++) {
		frame_make(l, i);
		xsend(l->from, out, l->len, 0);
	}
	KZ_CHECK(wait_in_msgs(l->to, l->nr, KZ_WAIT_MS));
}

static long run_recv(void *arg)
{
	struct link *l = arg;

	return recv(l->to, in, LINK_BUF, l->val);
}

static void verify_recv(void *arg, long ret)
{
	struct link *l = arg;

	frame_check(l, ret, 0);
	if (l->val & MSG_PEEK)
		frame_check(l, recv(l->to, in, LINK_BUF, 0), 0);
	l->seq++;
	next_in(l);
}

static long run_recv_batch(void *arg)
{
	struct link *l = arg;
	int nlen = 64, flags = 0;
	__u32 len[64];
	long n;

	n = recv_frames(l->to, in, LINK_BUF, len, &nlen, &flags);
	l->val = nlen;
	return n;
}

/* What a call gave is right, and the others are still there. */
static void verify_recv_batch(void *arg, long ret)
{
	struct link *l = arg;
	int i, n = ret / l->len;

	KZ_CHECK(ret % l->len == 0 && n <= l->nr);
	for (i = 0; i < n; i++)
		if (!filled(in + i * l->len, l->len, l->seq * 16 + i))
			KZ_DIE("message %d of a batch", i);
	xset(l->to, ZMQ_RCVBATCH, 0);
	for (; i < l->nr; i++)
		frame_check(l, recv(l->to, in, LINK_BUF, 0), i);
	xset(l->to, ZMQ_RCVBATCH, 64);
	l->seq++;
	next_in(l);
}

/*
 * What could not be copied to the user is lost, as the manual says; what there
 * was no memory for is not.
 */
static void lost_recv(void *arg, int err)
{
	struct link *l = arg;

	if (err != EFAULT)
		return;
	while (recv(l->to, in, LINK_BUF, MSG_DONTWAIT) >= 0)
		;
	next_in(l);
}

static void walk_recv(const char *name, struct link *l, long (*run)(void *),
		      void (*verify)(void *, long))
{
	struct walk w = {
		.name = name, .run = run, .verify = verify, .lost = lost_recv,
		.arg = l,
	};

	next_in(l);
	fault_walk(&w);
	xset(l->to, ZMQ_RCVBATCH, 0);
	while (recv(l->to, in, LINK_BUF, MSG_DONTWAIT) >= 0)
		;
}

KZ_TEST_TIMEOUT(receiving, LIMIT)
{
	struct link l = { .nr = 1, .len = 20 };

	fault_begin();
	bystander_start(2);
	link_open(&l, ZMQ_PULL, ZMQ_PUSH);
	walk_recv("recv", &l, run_recv, verify_recv);
	l.val = MSG_PEEK;
	walk_recv("recv, peek", &l, run_recv, verify_recv);
	l.val = 0;
	l.len = LINK_BIG;
	walk_recv("recv 200 KiB", &l, run_recv, verify_recv);
	l.nr = 30;
	l.len = 30;
	xset(l.to, ZMQ_RCVBATCH, 64);
	walk_recv("recv 30 messages", &l, run_recv_batch, verify_recv_batch);
	l.nr = 10;
	l.len = 5000;
	xset(l.to, ZMQ_RCVBATCH, 64);
	walk_recv("recv 10 long messages", &l, run_recv_batch, verify_recv_batch);
	link_close(&l);
	bystander_stop();
}

/* io_uring: a request that was not taken waits in the ring. */
static struct {
	struct io_uring	ring;
	bool		pending;
} u;

static long uring_result(void)
{
	struct io_uring_cqe *cqe;
	int i, ret;

	for (i = 0; i < 3; i++) {
		ret = io_uring_wait_cqe(&u.ring, &cqe);
		if (!ret)
			break;
	}
	if (!ret) {
		ret = cqe->res;
		io_uring_cqe_seen(&u.ring, cqe);
	}
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

static long uring_submit(void)
{
	int ret = io_uring_submit(&u.ring);

	u.pending = ret < 0;
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return uring_result();
}

static long run_uring_send(void *arg)
{
	struct link *l = arg;

	frame_make(l, 0);
	if (!u.pending)
		io_uring_prep_send(io_uring_get_sqe(&u.ring), l->from, out,
				   l->len, 0);
	return uring_submit();
}

static long run_uring_recv(void *arg)
{
	struct link *l = arg;

	if (!u.pending)
		io_uring_prep_recv(io_uring_get_sqe(&u.ring), l->to, in,
				   LINK_BUF, 0);
	return uring_submit();
}

KZ_TEST_TIMEOUT(uring, LIMIT)
{
	struct link l = { .nr = 1, .len = 5000 };
	struct walk w = {
		.name = "io_uring send", .run = run_uring_send,
		.verify = verify_send, .arg = &l, .errs = F_USUAL | F_AGAIN,
	};

	fault_begin();
	bystander_start(2);
	KZ_CHECK(!io_uring_queue_init(8, &u.ring, 0));
	link_open(&l, ZMQ_PULL, ZMQ_PUSH);
	fault_walk(&w);
	w.name = "io_uring recv";
	w.run = run_uring_recv;
	w.verify = verify_recv;
	w.lost = lost_recv;
	next_in(&l);
	fault_walk(&w);
	link_close(&l);
	io_uring_queue_exit(&u.ring);
	bystander_stop();
}

TEST(summary)
{
	fault_summary(30, 8);
}

FAULT_HARNESS_MAIN
