// SPDX-License-Identifier: GPL-2.0
/* Sending and receiving by each function, with each flag, and what fails. */
#include "kselftest_harness.h"
#include "shim.h"

static const char *const transports[] = { "tcp", "ipc", "inproc" };

TEST(send_and_recv)
{
	static const size_t sizes[] = {
		0, 1, 33, 34, 255, 256, 8191, 8192, 8193, 65536, 1 << 20,
	};
	size_t i, k;

	for (k = 0; k < ARRAY_SIZE(transports); k++) {
		void *ctx = xctx(), *s[2];

		xpair(ctx, transports[k], ZMQ_PAIR, ZMQ_PAIR, s);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			xsend_size(s[0], sizes[i], i, 0);
			EXPECT_TRUE(z_recv_size(s[1], sizes[i], i)) {
				TH_LOG("%s, %zu", transports[k], sizes[i]);
			}
			xsend_size(s[1], sizes[i], i + 1, 0);
			EXPECT_TRUE(z_recv_size(s[0], sizes[i], i + 1));
		}
		xclose(s[0]);
		xclose(s[1]);
		xterm(ctx);
	}
}

TEST(send_const)
{
	static const char data[] = "this is never freed, and long enough not to be inline";
	void *ctx = xctx(), *s[2];

	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	EXPECT_EQ(4, zmq_send_const(s[0], data, 4, ZMQ_SNDMORE));
	EXPECT_EQ(sizeof(data) - 1, zmq_send_const(s[0], data, sizeof(data) - 1, 0));
	EXPECT_GOT(s[1], "this", data);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

/* the rest is lost, and the length tells that there was more */
TEST(truncation)
{
	static const size_t sizes[] = { 10, 100, 10000, 1 << 20 };
	void *ctx = xctx(), *s[2];
	char buf[8];
	size_t i;

	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		xsend_size(s[0], sizes[i], i, ZMQ_SNDMORE);
		xsends(s[0], "next", 0);
		memset(buf, 0x55, sizeof(buf));
		EXPECT_EQ(sizes[i], zmq_recv(s[1], buf, 4, 0));
		EXPECT_TRUE(filled(buf, 4, i));
		EXPECT_EQ(0x55, buf[4]);
		EXPECT_EQ(1, zget(s[1], ZMQ_RCVMORE));
		EXPECT_EQ(4, zmq_recv(s[1], NULL, 0, 0));
		EXPECT_EQ(0, zget(s[1], ZMQ_RCVMORE));
	}
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(multipart)
{
	size_t k;
	int i, n;

	for (k = 0; k < ARRAY_SIZE(transports); k++) {
		void *ctx = xctx(), *s[2];

		xpair(ctx, transports[k], ZMQ_PUSH, ZMQ_PULL, s);
		for (n = 1; n < 200; n = n * 2 + 1) {
			for (i = 0; i < n; i++)
				xsend_size(s[0], i * 3, i, i < n - 1 ? ZMQ_SNDMORE : 0);
			for (i = 0; i < n; i++) {
				EXPECT_TRUE(z_recv_size(s[1], i * 3, i));
				EXPECT_EQ(i < n - 1, zget(s[1], ZMQ_RCVMORE));
			}
		}
		xclose(s[0]);
		xclose(s[1]);
		xterm(ctx);
	}
}

TEST(half_a_message_is_invisible)
{
	void *ctx = xctx(), *s[2];

	xpair(ctx, "inproc", ZMQ_PUSH, ZMQ_PULL, s);
	xsends(s[0], "a", ZMQ_SNDMORE);
	xsends(s[0], "b", ZMQ_SNDMORE);
	EXPECT_QUIET(s[1]);
	EXPECT_EQ(0, zget(s[1], ZMQ_EVENTS));
	xsends(s[0], "c", 0);
	EXPECT_GOT(s[1], "a", "b", "c");
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(msg_send_and_recv)
{
	static const size_t sizes[] = { 0, 1, 33, 34, 1000, 1 << 20 };
	void *ctx = xctx(), *s[2];
	zmq_msg_t m, r;
	size_t i, k;

	for (k = 0; k < ARRAY_SIZE(transports); k++) {
		ctx = xctx();
		xpair(ctx, transports[k], ZMQ_PAIR, ZMQ_PAIR, s);
		zmq_msg_init(&r);
		for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
			size_t len = sizes[i / 2];

			zmq_msg_init_size(&m, len);
			fill(zmq_msg_data(&m), len, i);
			EXPECT_EQ(len, i % 2 ? zmq_msg_send(&m, s[0], 0) :
				  zmq_sendmsg(s[0], &m, 0));
			EXPECT_EQ(0, zmq_msg_size(&m));
			EXPECT_OK(zmq_msg_close(&m));
			EXPECT_EQ(len, i % 2 ? zmq_recvmsg(s[1], &r, 0) :
				  zmq_msg_recv(&r, s[1], 0));
			EXPECT_EQ(len, zmq_msg_size(&r));
			EXPECT_TRUE(filled(zmq_msg_data(&r), len, i));
			EXPECT_EQ(0, zmq_msg_more(&r));
		}
		EXPECT_OK(zmq_msg_close(&r));
		xclose(s[0]);
		xclose(s[1]);
		xterm(ctx);
	}
}

TEST(what_is_received_can_be_sent_on)
{
	void *ctx = xctx(), *a[2], *b[2];
	zmq_msg_t m, c;
	int i;

	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, a);
	xpair(ctx, "ipc", ZMQ_PAIR, ZMQ_PAIR, b);
	for (i = 0; i < 20; i++) {
		xsend_size(a[0], i * 1000, i, ZMQ_SNDMORE);
		xsends(a[0], "end", 0);
		zmq_msg_init(&m);
		zmq_msg_init(&c);
		EXPECT_EQ(i * 1000, zmq_msg_recv(&m, a[1], 0));
		EXPECT_OK(zmq_msg_copy(&c, &m));
		EXPECT_EQ(i * 1000, zmq_msg_send(&m, b[0], ZMQ_SNDMORE));
		EXPECT_EQ(i * 1000, zmq_msg_send(&c, b[0], ZMQ_SNDMORE));
		EXPECT_EQ(3, zmq_msg_recv(&m, a[1], 0));
		EXPECT_EQ(3, zmq_msg_send(&m, b[0], 0));
		EXPECT_TRUE(z_recv_size(b[1], i * 1000, i));
		EXPECT_TRUE(z_recv_size(b[1], i * 1000, i));
		EXPECT_GOT(b[1], "end");
		zmq_msg_close(&m);
		zmq_msg_close(&c);
	}
	for (i = 0; i < 2; i++) {
		xclose(a[i]);
		xclose(b[i]);
	}
	xterm(ctx);
}

TEST(iovecs)
{
	struct iovec out[4] = {
		{ "one", 3 }, { "", 0 }, { "three", 5 }, { "four", 4 },
	};
	struct iovec in[6];
	void *ctx = xctx(), *s[2];
	size_t n = 6, i;

	xpair(ctx, "tcp", ZMQ_PUSH, ZMQ_PULL, s);
	/* without the flag each frame is a message */
	EXPECT_EQ(4, zmq_sendiov(s[0], out, 4, ZMQ_SNDMORE));
	EXPECT_EQ(4, zmq_recviov(s[1], in, &n, 0));
	EXPECT_EQ(4, n);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(out[i].iov_len, in[i].iov_len);
		EXPECT_EQ(0, memcmp(out[i].iov_base, in[i].iov_base, in[i].iov_len));
		free(in[i].iov_base);
	}
	EXPECT_EQ(4, zmq_sendiov(s[0], out, 4, 0));
	EXPECT_GOT(s[1], "one");
	EXPECT_GOT(s[1], "");
	EXPECT_GOT(s[1], "three");
	EXPECT_GOT(s[1], "four");
	/* what is more than asked for is still there */
	EXPECT_EQ(4, zmq_sendiov(s[0], out, 4, ZMQ_SNDMORE));
	n = 2;
	EXPECT_EQ(2, zmq_recviov(s[1], in, &n, 0));
	EXPECT_EQ(2, n);
	free(in[0].iov_base);
	free(in[1].iov_base);
	EXPECT_GOT(s[1], "three", "four");
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(iovecs_wrong)
{
	struct iovec iov = { "x", 1 };
	void *ctx = xctx(), *s[2];
	size_t n = 0;

	xpair(ctx, "inproc", ZMQ_PUSH, ZMQ_PULL, s);
	EXPECT_ERR(EINVAL, zmq_sendiov(s[0], NULL, 1, 0));
	EXPECT_ERR(EINVAL, zmq_sendiov(s[0], &iov, 0, 0));
	EXPECT_ERR(EINVAL, zmq_recviov(s[1], NULL, &n, 0));
	EXPECT_ERR(EINVAL, zmq_recviov(s[1], &iov, &n, 0));
	EXPECT_ERR(EINVAL, zmq_recviov(s[1], &iov, NULL, 0));
	n = 1;
	EXPECT_ERR(EAGAIN, zmq_recviov(s[1], &iov, &n, ZMQ_DONTWAIT));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(directions)
{
	static const struct {
		int type;
		bool recv;
	} t[] = {
		{ ZMQ_PUB, true }, { ZMQ_PUSH, true },
		{ ZMQ_SUB, false }, { ZMQ_PULL, false },
	};
	void *ctx = xctx();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		void *s = xsock(ctx, t[i].type);
		struct iovec iov;
		zmq_msg_t m;
		size_t n = 1;
		char c;

		zmq_msg_init_size(&m, 3);
		if (t[i].recv) {
			EXPECT_ERR(ENOTSUP, zmq_recv(s, &c, 1, 0));
			EXPECT_ERR(ENOTSUP, zmq_recv(s, &c, 1, ZMQ_DONTWAIT));
			EXPECT_ERR(ENOTSUP, zmq_msg_recv(&m, s, 0));
			EXPECT_ERR(ENOTSUP, zmq_recviov(s, &iov, &n, 0));
		} else {
			EXPECT_ERR(ENOTSUP, zmq_send(s, "x", 1, 0));
			EXPECT_ERR(ENOTSUP, zmq_send(s, "x", 1, ZMQ_DONTWAIT));
			EXPECT_ERR(ENOTSUP, zmq_msg_send(&m, s, 0));
			EXPECT_EQ(3, zmq_msg_size(&m));
		}
		zmq_msg_close(&m);
		xclose(s);
	}
	xterm(ctx);
}

TEST(nothing_there)
{
	static const int types[] = {
		ZMQ_PAIR, ZMQ_SUB, ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL, ZMQ_REP,
		ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM,
	};
	void *ctx = xctx();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		void *s = xsock(ctx, types[i]);
		long long start = z_now_ms();
		char c;

		EXPECT_ERR(EAGAIN, zmq_recv(s, &c, 1, ZMQ_DONTWAIT));
		xset(s, ZMQ_RCVTIMEO, 0);
		EXPECT_ERR(EAGAIN, zmq_recv(s, &c, 1, 0));
		EXPECT_EQ(0, zget(s, ZMQ_RCVMORE));
		start = z_now_ms();
		xset(s, ZMQ_RCVTIMEO, 60);
		EXPECT_ERR(EAGAIN, zmq_recv(s, &c, 1, 0));
		EXPECT_LE(59, z_now_ms() - start);
		EXPECT_GT(z_ms(Z_WAIT_MS), z_now_ms() - start);
		xclose(s);
	}
	xterm(ctx);
}

TEST(no_room)
{
	static const int types[] = { ZMQ_PAIR, ZMQ_DEALER, ZMQ_PUSH, ZMQ_REQ };
	void *ctx = xctx();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		void *s = xsock(ctx, types[i]);
		long long start;

		EXPECT_ERR(EAGAIN, zmq_send(s, "x", 1, ZMQ_DONTWAIT));
		xset(s, ZMQ_SNDTIMEO, 0);
		EXPECT_ERR(EAGAIN, zmq_send(s, "x", 1, 0));
		start = z_now_ms();
		xset(s, ZMQ_SNDTIMEO, 60);
		EXPECT_ERR(EAGAIN, zmq_send(s, "x", 1, 0));
		EXPECT_LE(59, z_now_ms() - start);
		xclose(s);
	}
	xterm(ctx);
}

/* with inproc the mark is exact: that of both ends together */
TEST(high_water_marks)
{
	void *ctx = xctx(), *push = xsock(ctx, ZMQ_PUSH), *pull = xsock(ctx, ZMQ_PULL);
	char ep[EP_LEN], c;
	int n = 0, i;

	xset(push, ZMQ_SNDHWM, 3);
	xset(pull, ZMQ_RCVHWM, 4);
	xbind_any(pull, "inproc", ep);
	xconnect(push, ep);
	while (n < 100 && zmq_send(push, "x", 1, ZMQ_DONTWAIT) == 1)
		n++;
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(7, n);
	EXPECT_EQ(0, zget(push, ZMQ_EVENTS));
	for (i = 0; i < n; i++)
		EXPECT_EQ(1, zmq_recv(pull, &c, 1, 0));
	EXPECT_ERR(EAGAIN, zmq_recv(pull, &c, 1, ZMQ_DONTWAIT));
	EXPECT_EQ(ZMQ_POLLOUT, z_ready(push, ZMQ_POLLOUT) * ZMQ_POLLOUT);
	xsends(push, "y", 0);
	EXPECT_GOT(pull, "y");
	xclose(push);
	xclose(pull);
	xterm(ctx);
}

TEST(state_of_req_and_rep)
{
	void *ctx = xctx(), *s[2];
	char c;

	xpair(ctx, "tcp", ZMQ_REP, ZMQ_REQ, s);
	EXPECT_ERR(EFSM, zmq_recv(s[1], &c, 1, 0));
	EXPECT_ERR(EFSM, zmq_send(s[0], "x", 1, 0));
	xsends(s[1], "ask", 0);
	EXPECT_ERR(EFSM, zmq_send(s[1], "x", 1, ZMQ_DONTWAIT));
	EXPECT_GOT(s[0], "ask");
	EXPECT_ERR(EFSM, zmq_recv(s[0], &c, 1, ZMQ_DONTWAIT));
	xsendv(s[0], "an", "swer", NULL);
	EXPECT_ERR(EFSM, zmq_send(s[0], "x", 1, 0));
	EXPECT_EQ(2, zmq_recv(s[1], &c, 1, 0));
	EXPECT_ERR(EFSM, zmq_send(s[1], "x", 1, 0));
	EXPECT_GOT(s[1], "swer");
	EXPECT_ERR(EFSM, zmq_recv(s[1], &c, 1, 0));
	xsends(s[1], "again", 0);
	EXPECT_GOT(s[0], "again");
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(no_such_peer)
{
	void *ctx = xctx(), *r = xsock(ctx, ZMQ_ROUTER), *st = xsock(ctx, ZMQ_STREAM);

	EXPECT_EQ(2, zmq_send(r, "no", 2, ZMQ_SNDMORE));
	EXPECT_EQ(1, zmq_send(r, "x", 1, 0));
	xset(r, ZMQ_ROUTER_MANDATORY, 1);
	EXPECT_ERR(EHOSTUNREACH, zmq_send(r, "no", 2, ZMQ_SNDMORE));
	/* the first frame of a message again */
	EXPECT_ERR(EHOSTUNREACH, zmq_send(r, "no", 2, ZMQ_SNDMORE | ZMQ_DONTWAIT));
	EXPECT_ERR(EHOSTUNREACH, zmq_send(st, "nobod", 5, ZMQ_SNDMORE));
	xclose(r);
	xclose(st);
	xterm(ctx);
}

TEST(null_messages_and_buffers)
{
	void *ctx = xctx(), *s[2];

	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	EXPECT_EQ(0, zmq_send(s[0], NULL, 0, 0));
	EXPECT_EQ(0, zmq_recv(s[1], NULL, 0, 0));
	EXPECT_EQ(0, zmq_send_const(s[0], NULL, 0, 0));
	EXPECT_GOT(s[1], "");
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(properties_of_received_messages)
{
	static const struct {
		const char *transport, *address;
	} t[] = { { "tcp", "127.0.0.1" }, { "ipc", NULL } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		void *ctx = xctx(), *r = xsock(ctx, ZMQ_ROUTER);
		void *d = xsock(ctx, ZMQ_DEALER);
		const char *text;
		char ep[EP_LEN];
		zmq_msg_t m, c;

		xset_text(d, ZMQ_ROUTING_ID, "named");
		xbind_any(r, t[i].transport, ep);
		xconnect(d, ep);
		xsends(d, "hello", 0);
		zmq_msg_init(&m);
		zmq_msg_init(&c);
		EXPECT_EQ(5, zmq_msg_recv(&m, r, 0));
		EXPECT_EQ(5, zmq_msg_recv(&m, r, 0));
		EXPECT_STREQ("DEALER", zmq_msg_gets(&m, "Socket-Type") ?: "none");
		EXPECT_STREQ("named", zmq_msg_gets(&m, "Identity") ?: "none");
		text = zmq_msg_gets(&m, "Peer-Address");
		ASSERT_NE(NULL, text);
		if (t[i].address)
			EXPECT_STREQ(t[i].address, text);
		EXPECT_EQ(text, zmq_msg_gets(&m, "Peer-Address"));
		EXPECT_EQ(DIFFERS(-1, zmq_msg_get(&m, ZMQ_SRCFD),
				  "no descriptor of the connection"),
			  zmq_msg_get(&m, ZMQ_SRCFD));
		EXPECT_NULL_ERR(EINVAL, zmq_msg_gets(&m, "User-Id"));
		EXPECT_NULL_ERR(EINVAL, zmq_msg_gets(&m, "X-Nothing"));
		EXPECT_OK(zmq_msg_copy(&c, &m));
		xclose(d);
		xclose(r);
		xterm(ctx);
		/* they stay with the message */
		EXPECT_STREQ("DEALER", zmq_msg_gets(&c, "Socket-Type") ?: "none");
		zmq_msg_close(&m);
		EXPECT_STREQ("named", zmq_msg_gets(&c, "Identity") ?: "none");
		zmq_msg_close(&c);
	}
}

/* asked for the first time when the sender has left */
TEST(properties_of_who_has_left)
{
	void *ctx = xctx(), *own = xctx(), *s = xsock(ctx, ZMQ_PULL), *mon;
	void *gone = xsock(own, ZMQ_PUSH);
	char ep[EP_LEN];
	struct event e;
	zmq_msg_t m;

	xset(gone, ZMQ_LINGER, -1);
	xbind_any(s, "tcp", ep);
	mon = xmonitor(ctx, s, ZMQ_EVENT_DISCONNECTED, "inproc://mon");
	xconnect(gone, ep);
	xsends(gone, "last words", 0);
	xclose(gone);
	xterm(own);
	EXPECT_TRUE(z_event_is(mon, ZMQ_EVENT_DISCONNECTED, &e));
	zmq_msg_init(&m);
	EXPECT_EQ(10, zmq_msg_recv(&m, s, 0));
	EXPECT_STREQ("PUSH", zmq_msg_gets(&m, "Socket-Type") ?: "none");
	EXPECT_STREQ("127.0.0.1", zmq_msg_gets(&m, "Peer-Address") ?: "none");
	zmq_msg_close(&m);
	xclose(mon);
	xclose(s);
	xterm(ctx);
}

/* inproc has no handshake that would tell any */
TEST(no_properties_by_inproc)
{
	void *ctx = xctx(), *s[2];
	zmq_msg_t m;

	xpair(ctx, "inproc", ZMQ_PAIR, ZMQ_PAIR, s);
	xsends(s[0], "x", 0);
	zmq_msg_init(&m);
	EXPECT_EQ(1, zmq_msg_recv(&m, s[1], 0));
	EXPECT_NULL_ERR(EINVAL, zmq_msg_gets(&m, "Socket-Type"));
	EXPECT_NULL_ERR(EINVAL, zmq_msg_gets(&m, "Peer-Address"));
	zmq_msg_close(&m);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
