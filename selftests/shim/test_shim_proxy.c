// SPDX-License-Identifier: GPL-2.0
/* KERNEL: debian */
/* TIMEOUT: 120 */
/* Proxies and devices: queue, forwarder, streamer; capture and control. */
#include "kselftest_harness.h"
#include "shim.h"

struct proxy {
	struct job job;
	void *ctx, *front, *back, *capture, *control;
	char front_ep[EP_LEN], back_ep[EP_LEN];
	int device;
	bool steerable;
};

static int run(void *arg)
{
	struct proxy *p = arg;

	if (p->steerable)
		return zmq_proxy_steerable(p->front, p->back, p->capture, p->control);
	if (p->device)
		return zmq_device(p->device, p->front, p->back);
	return zmq_proxy(p->front, p->back, p->capture);
}

static void xproxy(struct proxy *p, const char *transport, int front, int back)
{
	p->ctx = xctx();
	p->front = xsock(p->ctx, front);
	p->back = xsock(p->ctx, back);
	xbind_any(p->front, transport, p->front_ep);
	xbind_any(p->back, transport, p->back_ep);
}

static void xproxy_run(struct proxy *p)
{
	xjob(&p->job, run, p);
}

/* the context ends under it */
static void xproxy_end(struct __test_metadata *_metadata, struct proxy *p)
{
	EXPECT_OK(zmq_ctx_shutdown(p->ctx));
	xjob_end(&p->job);
	EXPECT_EQ(-1, p->job.rc);
	EXPECT_EQ(ETERM, p->job.err);
	xclose(p->front);
	xclose(p->back);
	if (p->capture)
		xclose(p->capture);
	if (p->control)
		xclose(p->control);
	xterm(p->ctx);
}

static void queue(struct __test_metadata *_metadata, struct proxy *p)
{
	void *ctx = p->ctx, *req[3], *rep[2];
	int i, k, n = 0;

	xproxy_run(p);
	for (i = 0; i < 2; i++) {
		rep[i] = xsock(ctx, ZMQ_REP);
		xconnect(rep[i], p->back_ep);
	}
	for (i = 0; i < 3; i++) {
		req[i] = xsock(ctx, ZMQ_REQ);
		xconnect(req[i], p->front_ep);
	}
	for (k = 0; k < 20; k++) {
		zmq_pollitem_t it[2] = {
			{ .socket = rep[0], .events = ZMQ_POLLIN },
			{ .socket = rep[1], .events = ZMQ_POLLIN },
		};

		for (i = 0; i < 3; i++)
			xsendv(req[i], "ask", "it", NULL);
		for (n = 0; n < 3;) {
			ASSERT_LT(0, zmq_poll(it, 2, z_ms(Z_WAIT_MS)));
			for (i = 0; i < 2; i++) {
				if (!it[i].revents)
					continue;
				EXPECT_GOT(rep[i], "ask", "it");
				xsendv(rep[i], "answer", "", "end", NULL);
				n++;
			}
		}
		for (i = 0; i < 3; i++)
			EXPECT_GOT(req[i], "answer", "", "end");
	}
	for (i = 0; i < 3; i++)
		xclose(req[i]);
	for (i = 0; i < 2; i++)
		xclose(rep[i]);
	xproxy_end(_metadata, p);
}

TEST(queue_proxy)
{
	static const char *const tr[] = { "tcp", "ipc", "inproc" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tr); i++) {
		struct proxy p = { };

		xproxy(&p, tr[i], ZMQ_ROUTER, ZMQ_DEALER);
		queue(_metadata, &p);
	}
}

TEST(queue_device)
{
	struct proxy p = { .device = ZMQ_QUEUE };

	xproxy(&p, "tcp", ZMQ_ROUTER, ZMQ_DEALER);
	queue(_metadata, &p);
}

static void forwarder(struct __test_metadata *_metadata, struct proxy *p)
{
	void *pub = xsock(p->ctx, ZMQ_PUB), *sub = xsock(p->ctx, ZMQ_SUB);

	xproxy_run(p);
	xset_text(sub, ZMQ_SUBSCRIBE, "a");
	xset_text(sub, ZMQ_SUBSCRIBE, "join");
	xconnect(pub, p->front_ep);
	xconnect(sub, p->back_ep);
	xjoined(pub, sub);
	xsendv(pub, "b", "no", NULL);
	xsendv(pub, "a", "yes", NULL);
	EXPECT_GOT(sub, "a", "yes");
	xclose(pub);
	xclose(sub);
	xproxy_end(_metadata, p);
}

TEST(forwarder_proxy)
{
	struct proxy p = { };

	xproxy(&p, "tcp", ZMQ_XSUB, ZMQ_XPUB);
	forwarder(_metadata, &p);
}

TEST(forwarder_device)
{
	struct proxy p = { .device = ZMQ_FORWARDER };

	xproxy(&p, "ipc", ZMQ_XSUB, ZMQ_XPUB);
	forwarder(_metadata, &p);
}

static void streamer(struct __test_metadata *_metadata, struct proxy *p)
{
	void *push = xsock(p->ctx, ZMQ_PUSH), *pull = xsock(p->ctx, ZMQ_PULL);
	int i;

	xproxy_run(p);
	xconnect(push, p->front_ep);
	xconnect(pull, p->back_ep);
	for (i = 0; i < 2000; i++)
		xsend_size(push, i % 300, i, 0);
	xsend_size(push, 1 << 20, 1, ZMQ_SNDMORE);
	xsends(push, "end", 0);
	for (i = 0; i < 2000; i++)
		ASSERT_TRUE(z_recv_size(pull, i % 300, i));
	EXPECT_TRUE(z_recv_size(pull, 1 << 20, 1));
	EXPECT_GOT(pull, "end");
	xclose(push);
	xclose(pull);
	xproxy_end(_metadata, p);
}

TEST(streamer_proxy)
{
	struct proxy p = { };

	xproxy(&p, "tcp", ZMQ_PULL, ZMQ_PUSH);
	streamer(_metadata, &p);
}

TEST(streamer_device)
{
	struct proxy p = { .device = ZMQ_STREAMER };

	xproxy(&p, "inproc", ZMQ_PULL, ZMQ_PUSH);
	streamer(_metadata, &p);
}

TEST(one_socket_as_both)
{
	zmq_pollitem_t it[2] = { };
	struct proxy p = { };
	void *d[2];
	int i;

	p.ctx = xctx();
	p.front = xsock(p.ctx, ZMQ_DEALER);
	p.back = p.front;
	xbind_any(p.front, "tcp", p.front_ep);
	xproxy_run(&p);
	for (i = 0; i < 2; i++) {
		d[i] = xsock(p.ctx, ZMQ_DEALER);
		xconnect(d[i], p.front_ep);
		it[i] = (zmq_pollitem_t){ .socket = d[i], .events = ZMQ_POLLIN };
	}
	xsends(d[0], "x", 0);
	/* it comes back to one of both */
	EXPECT_EQ(1, zmq_poll(it, 2, z_ms(Z_WAIT_MS)));
	EXPECT_OK(zmq_ctx_shutdown(p.ctx));
	xjob_end(&p.job);
	EXPECT_EQ(ETERM, p.job.err);
	xclose(d[0]);
	xclose(d[1]);
	xclose(p.front);
	xterm(p.ctx);
}

TEST(capture)
{
	struct proxy p = { };
	void *req, *rep, *seen;

	xproxy(&p, "tcp", ZMQ_ROUTER, ZMQ_DEALER);
	p.capture = xsock(p.ctx, ZMQ_PAIR);
	seen = xsock(p.ctx, ZMQ_PAIR);
	xbind(p.capture, "inproc://capture");
	xconnect(seen, "inproc://capture");
	xproxy_run(&p);
	req = xsock(p.ctx, ZMQ_REQ);
	rep = xsock(p.ctx, ZMQ_REP);
	xset_text(req, ZMQ_ROUTING_ID, "me");
	xconnect(req, p.front_ep);
	xconnect(rep, p.back_ep);
	xsends(req, "ask", 0);
	EXPECT_GOT(rep, "ask");
	xsends(rep, "answer", 0);
	EXPECT_GOT(req, "answer");
	EXPECT_GOT(seen, "me", "", "ask");
	EXPECT_GOT(seen, "me", "", "answer");
	xclose(req);
	xclose(rep);
	xclose(seen);
	xproxy_end(_metadata, &p);
}

/* eight counters: frames and octets, received and sent, of either side */
static void statistics(struct __test_metadata *_metadata, void *control,
		       const unsigned long long *want)
{
	unsigned long long val;
	int i;

	xsends(control, "STATISTICS", 0);
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(8, zmq_recv(control, &val, 8, 0));
		EXPECT_EQ(i < 7, zget(control, ZMQ_RCVMORE));
		EXPECT_EQ(want[i], val) {
			TH_LOG("counter %d", i);
		}
	}
}

TEST(steerable)
{
	static const unsigned long long none[8];
	unsigned long long n = DIFFERS(2, 1, "4.3.4 counts messages, not frames");
	unsigned long long some[] = { n, 8, 0, 0, 0, 0, n, 8 };
	struct proxy p = { .steerable = true };
	void *push, *pull, *control;

	xproxy(&p, "tcp", ZMQ_PULL, ZMQ_PUSH);
	p.control = xsock(p.ctx, ZMQ_PAIR);
	control = xsock(p.ctx, ZMQ_PAIR);
	xbind(p.control, "inproc://control");
	xconnect(control, "inproc://control");
	xproxy_run(&p);
	push = xsock(p.ctx, ZMQ_PUSH);
	pull = xsock(p.ctx, ZMQ_PULL);
	xconnect(push, p.front_ep);
	xconnect(pull, p.back_ep);
	statistics(_metadata, control, none);
	xsendv(push, "two", "parts", NULL);
	EXPECT_GOT(pull, "two", "parts");
	statistics(_metadata, control, some);
	xsends(control, "PAUSE", 0);
	statistics(_metadata, control, some);	/* answered while it stands */
	xsends(push, "held", 0);
	EXPECT_QUIET(pull);
	xsends(control, "RESUME", 0);
	EXPECT_GOT(pull, "held");
	xsends(control, "TERMINATE", 0);
	xjob_end(&p.job);
	EXPECT_EQ(0, p.job.rc);
	xclose(push);
	xclose(pull);
	xclose(control);
	xclose(p.control);
	xclose(p.front);
	xclose(p.back);
	xterm(p.ctx);
}

/* a REP has to be answered, whatever it was asked */
TEST(control_is_rep)
{
	struct proxy p = { .steerable = true };
	static const unsigned long long none[8];
	void *control;

	SKIP_STOCK("does not answer a REP");
	xproxy(&p, "tcp", ZMQ_PULL, ZMQ_PUSH);
	p.control = xsock(p.ctx, ZMQ_REP);
	control = xsock(p.ctx, ZMQ_REQ);
	xbind(p.control, "inproc://control");
	xconnect(control, "inproc://control");
	xproxy_run(&p);
	xsends(control, "PAUSE", 0);
	EXPECT_GOT(control, "");
	statistics(_metadata, control, none);
	xsends(control, "RESUME", 0);
	EXPECT_GOT(control, "");
	xsends(control, "TERMINATE", 0);
	EXPECT_GOT(control, "");
	xjob_end(&p.job);
	EXPECT_EQ(0, p.job.rc);
	xclose(control);
	xclose(p.control);
	xclose(p.front);
	xclose(p.back);
	xterm(p.ctx);
}

TEST(steerable_without_control)
{
	struct proxy p = { .steerable = true };

	xproxy(&p, "tcp", ZMQ_PULL, ZMQ_PUSH);
	streamer(_metadata, &p);
}

TEST(arguments)
{
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_DEALER);

	EXPECT_ERR(EFAULT, zmq_proxy(NULL, NULL, NULL));
	EXPECT_ERR(EFAULT, zmq_proxy(s, NULL, NULL));
	EXPECT_ERR(EFAULT, zmq_proxy(NULL, s, NULL));
	EXPECT_ERR(EFAULT, zmq_proxy_steerable(NULL, s, NULL, NULL));
	xclose(s);
	xterm(ctx);
	SKIP_STOCK("crashes in zmq_device() without sockets");
	EXPECT_ERR(EFAULT, zmq_device(ZMQ_QUEUE, NULL, NULL));
}

SHIM_HARNESS_MAIN
