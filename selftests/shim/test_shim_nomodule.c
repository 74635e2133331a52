// SPDX-License-Identifier: GPL-2.0
/* MODULE: none */
/* Without the module there are no sockets, and the message says what to do. */
#include "kselftest_harness.h"
#include "shim.h"

TEST(no_sockets)
{
	void *ctx = xctx();
	int i;

	SKIP_STOCK("needs no module");
	for (i = 0; i < 3; i++)
		EXPECT_NULL_ERR(EAFNOSUPPORT, zmq_socket(ctx, ZMQ_PAIR));
	EXPECT_NE(NULL, strstr(zmq_strerror(EAFNOSUPPORT), "zmq"));
	/* the context is as good as ever */
	EXPECT_EQ(1, zmq_ctx_get(ctx, ZMQ_IO_THREADS));
	EXPECT_NULL_ERR(EINVAL, zmq_socket(ctx, 4711));
	xterm(ctx);
}

TEST(what_needs_none)
{
	void *ctx = xctx(), *timers = zmq_timers_new();
	int fd[2];
	zmq_pollitem_t p = { .events = ZMQ_POLLIN };
	zmq_msg_t m;

	EXPECT_OK(zmq_msg_init_size(&m, 1000));
	EXPECT_OK(zmq_msg_close(&m));
	EXPECT_OK(zmq_timers_destroy(&timers));
	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(1, write(fd[1], "x", 1));
	p.fd = fd[0];
	EXPECT_EQ(1, zmq_poll(&p, 1, -1));
	EXPECT_OK(zmq_ctx_shutdown(ctx));
	xterm(ctx);
}

TEST(no_curve)
{
	char pub[41] = "", sec[41] = "";

	SKIP_STOCK("has CURVE without a module");
	EXPECT_EQ(0, zmq_has("curve"));
	EXPECT_ERR(ENOTSUP, zmq_curve_keypair(pub, sec));
	EXPECT_ERR(ENOTSUP, zmq_curve_public(pub, sec));
	EXPECT_EQ('\0', *pub);
	EXPECT_EQ('\0', *sec);
}

SHIM_HARNESS_MAIN
