// SPDX-License-Identifier: GPL-2.0
/* KERNEL: debian */
/* TIMEOUT: 120 */
/* Contexts: options, shutdown, term, limits, fork; what is asked without one. */
#include "kselftest_harness.h"
#include "shim.h"

TEST(version)
{
	int a = -1, b = -1, c = -1;

	zmq_version(&a, &b, &c);
	EXPECT_EQ(4, a);
	EXPECT_EQ(3, b);
	if (z_ours())
		EXPECT_EQ(5, c);
	EXPECT_LE(4, c);
}

TEST(error_numbers_and_texts)
{
	static const int own[] = { EFSM, ENOCOMPATPROTO, ETERM, EMTHREAD };
	const char *text;
	size_t i, k;

	EXPECT_EQ(156384712 + 51, EFSM);
	EXPECT_EQ(156384712 + 53, ETERM);
	for (i = 0; i < ARRAY_SIZE(own); i++) {
		text = zmq_strerror(own[i]);
		ASSERT_NE(NULL, text);
		EXPECT_NE(0, strlen(text));
		EXPECT_STRNE(strerror(own[i]), text);
		for (k = 0; k < i; k++)
			EXPECT_STRNE(zmq_strerror(own[k]), text);
	}
	EXPECT_STREQ(strerror(EINVAL), zmq_strerror(EINVAL));
	EXPECT_STREQ(strerror(ENOENT), zmq_strerror(ENOENT));
	errno = ENOTDIR;
	EXPECT_EQ(ENOTDIR, zmq_errno());
}

static int errno_elsewhere(void *arg)
{
	Z_CHECK(zmq_errno() == 0);
	errno = EPIPE;
	return zmq_errno();
}

TEST(errno_is_of_the_thread)
{
	struct job j;

	errno = EXDEV;
	xjob(&j, errno_elsewhere, NULL);
	xjob_end(&j);
	EXPECT_EQ(EPIPE, j.rc);
	EXPECT_EQ(EXDEV, zmq_errno());
}

TEST(options_have_defaults)
{
	static const struct {
		int opt, want;
	} t[] = {
		{ ZMQ_IO_THREADS, 1 }, { ZMQ_MAX_SOCKETS, 1023 },
		{ ZMQ_SOCKET_LIMIT, 65535 }, { ZMQ_MAX_MSGSZ, 0x7fffffff },
		{ ZMQ_MSG_T_SIZE, 64 }, { ZMQ_THREAD_SCHED_POLICY, -1 },
		{ ZMQ_THREAD_NAME_PREFIX, 0 }, { ZMQ_IPV6, 0 },
		{ ZMQ_BLOCKY, 1 }, { ZMQ_ZERO_COPY_RECV, 1 },
	};
	void *ctx = xctx();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		/* drafts, and 4.3.4 can be asked for neither of the last two */
		if (!z_ours() && (t[i].opt == ZMQ_THREAD_SCHED_POLICY ||
				  t[i].opt == ZMQ_ZERO_COPY_RECV))
			continue;
		EXPECT_EQ(t[i].want, zmq_ctx_get(ctx, t[i].opt)) {
			TH_LOG("option %d", t[i].opt);
		}
	}
	xterm(ctx);
}

TEST(options_keep_what_they_are_given)
{
	static const struct {
		int opt, val;
	} t[] = {
		{ ZMQ_IO_THREADS, 0 }, { ZMQ_IO_THREADS, 4 },
		{ ZMQ_MAX_SOCKETS, 1 }, { ZMQ_MAX_SOCKETS, 65535 },
		{ ZMQ_MAX_MSGSZ, 0 }, { ZMQ_MAX_MSGSZ, 1000 },
		{ ZMQ_IPV6, 1 }, { ZMQ_IPV6, 0 },
		{ ZMQ_BLOCKY, 0 }, { ZMQ_BLOCKY, 1 },
		{ ZMQ_THREAD_NAME_PREFIX, 17 },
	};
	void *ctx = xctx();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		EXPECT_OK(zmq_ctx_set(ctx, t[i].opt, t[i].val)) {
			TH_LOG("option %d", t[i].opt);
		}
		EXPECT_EQ(t[i].val, zmq_ctx_get(ctx, t[i].opt)) {
			TH_LOG("option %d", t[i].opt);
		}
	}
	/* these can only be set; to what threads do nobody sees here */
	EXPECT_OK(zmq_ctx_set(ctx, ZMQ_THREAD_SCHED_POLICY, 0));
	EXPECT_OK(zmq_ctx_set(ctx, ZMQ_THREAD_PRIORITY, 0));
	EXPECT_OK(zmq_ctx_set(ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
	EXPECT_OK(zmq_ctx_set(ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0));
	xterm(ctx);
}

TEST(options_refuse_wrong_values)
{
	static const struct {
		int opt, val;
	} t[] = {
		{ ZMQ_IO_THREADS, -1 }, { ZMQ_MAX_SOCKETS, 0 },
		{ ZMQ_MAX_SOCKETS, -1 }, { ZMQ_MAX_MSGSZ, -1 },
		{ ZMQ_THREAD_AFFINITY_CPU_ADD, -1 },
		{ ZMQ_THREAD_AFFINITY_CPU_REMOVE, -1 },
		{ ZMQ_THREAD_AFFINITY_CPU_REMOVE, 5 },	/* was not added */
		{ ZMQ_THREAD_SCHED_POLICY, -1 }, { ZMQ_THREAD_PRIORITY, -1 },
		{ ZMQ_MSG_T_SIZE, 64 },
		{ 0, 1 }, { -1, 1 }, { 11, 1 }, { 4711, 1 },
	};
	void *ctx = xctx();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		EXPECT_ERR(EINVAL, zmq_ctx_set(ctx, t[i].opt, t[i].val)) {
			TH_LOG("option %d = %d", t[i].opt, t[i].val);
		}
	}
	EXPECT_EQ(1, zmq_ctx_get(ctx, ZMQ_IO_THREADS));
	EXPECT_EQ(1023, zmq_ctx_get(ctx, ZMQ_MAX_SOCKETS));
	EXPECT_ERR(EINVAL, zmq_ctx_get(ctx, 0));
	EXPECT_ERR(EINVAL, zmq_ctx_get(ctx, 4711));
	EXPECT_ERR(EINVAL, zmq_ctx_get(ctx, ZMQ_THREAD_AFFINITY_CPU_ADD));
	xterm(ctx);
}

TEST(rubbish_is_no_context)
{
	char rubbish[512] = "";

	EXPECT_ERR(EFAULT, zmq_ctx_get(NULL, ZMQ_IO_THREADS));
	EXPECT_ERR(EFAULT, zmq_ctx_get(rubbish, ZMQ_IO_THREADS));
	EXPECT_ERR(EFAULT, zmq_ctx_set(NULL, ZMQ_IO_THREADS, 1));
	EXPECT_ERR(EFAULT, zmq_ctx_set(rubbish, ZMQ_IO_THREADS, 1));
	EXPECT_ERR(EFAULT, zmq_ctx_shutdown(NULL));
	EXPECT_ERR(EFAULT, zmq_ctx_shutdown(rubbish));
	EXPECT_ERR(EFAULT, zmq_ctx_term(NULL));
	EXPECT_ERR(EFAULT, zmq_ctx_term(rubbish));
	EXPECT_ERR(EFAULT, zmq_ctx_destroy(NULL));
	EXPECT_ERR(EFAULT, zmq_term(NULL));
	EXPECT_NULL_ERR(EFAULT, zmq_socket(NULL, ZMQ_PAIR));
	EXPECT_NULL_ERR(EFAULT, zmq_socket(rubbish, ZMQ_PAIR));
}

TEST(ext_options)
{
	char name[32] = "";
	size_t len = sizeof(name);
	void *ctx = xctx();
	int val = 3;

	NEED(zmq_ctx_set_ext);
	NEED(zmq_ctx_get_ext);
	EXPECT_OK(FN(zmq_ctx_set_ext)(ctx, ZMQ_IO_THREADS, &val, sizeof(val)));
	EXPECT_EQ(3, zmq_ctx_get(ctx, ZMQ_IO_THREADS));
	val = 0;
	len = sizeof(val);
	EXPECT_OK(FN(zmq_ctx_get_ext)(ctx, ZMQ_IO_THREADS, &val, &len));
	EXPECT_EQ(3, val);
	EXPECT_OK(FN(zmq_ctx_set_ext)(ctx, ZMQ_THREAD_NAME_PREFIX, "worker", 6));
	len = sizeof(name);
	EXPECT_OK(FN(zmq_ctx_get_ext)(ctx, ZMQ_THREAD_NAME_PREFIX, name, &len));
	EXPECT_STREQ("worker", name);
	EXPECT_ERR(EINVAL, FN(zmq_ctx_set_ext)(ctx, ZMQ_THREAD_NAME_PREFIX,
					       "seventeen letters", 17));
	EXPECT_ERR(EINVAL, FN(zmq_ctx_set_ext)(ctx, ZMQ_IO_THREADS, &val, 2));
	EXPECT_ERR(EINVAL, FN(zmq_ctx_set_ext)(ctx, 4711, &val, sizeof(val)));
	EXPECT_ERR(EFAULT, FN(zmq_ctx_set_ext)(NULL, ZMQ_IO_THREADS, &val,
					       sizeof(val)));
	len = sizeof(val);
	EXPECT_ERR(EFAULT, FN(zmq_ctx_get_ext)(NULL, ZMQ_IO_THREADS, &val, &len));
	xterm(ctx);
}

TEST(legacy_names)
{
	void *ctx = zmq_init(2);

	ASSERT_NE(NULL, ctx);
	EXPECT_EQ(2, zmq_ctx_get(ctx, ZMQ_IO_THREADS));
	EXPECT_OK(zmq_term(ctx));
	ctx = zmq_init(0);
	ASSERT_NE(NULL, ctx);
	EXPECT_OK(zmq_ctx_destroy(ctx));
	EXPECT_NULL_ERR(EINVAL, zmq_init(-1));
}

TEST(max_sockets)
{
	void *ctx = xctx(), *s[3];
	int i;

	ASSERT_OK(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, 3));
	for (i = 0; i < 3; i++)
		s[i] = xsock(ctx, ZMQ_PAIR);
	EXPECT_NULL_ERR(EMFILE, zmq_socket(ctx, ZMQ_PAIR));
	/* too late for this one, and the number stands as it is told */
	EXPECT_OK(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, 100));
	EXPECT_EQ(100, zmq_ctx_get(ctx, ZMQ_MAX_SOCKETS));
	EXPECT_NULL_ERR(EMFILE, zmq_socket(ctx, ZMQ_PAIR));
	for (i = 0; i < 3; i++)
		xclose(s[i]);
	xterm(ctx);
}

static bool one_more(void *ctx)
{
	void *s = zmq_socket(ctx, ZMQ_PAIR);

	if (s)
		xclose(s);
	return s;
}

TEST(a_closed_socket_makes_room)
{
	void *ctx = xctx(), *s;
	int i;

	ASSERT_OK(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, 1));
	for (i = 0; i < 20; i++) {
		/* libzmq gives it back a little later */
		EXPECT_TRUE(z_until(Z_WAIT_MS, one_more, ctx));
		if (z_ours()) {
			s = zmq_socket(ctx, ZMQ_PAIR);
			ASSERT_NE(NULL, s);
			xclose(s);
		}
	}
	xterm(ctx);
}

TEST(ipv6_and_blocky_are_for_new_sockets)
{
	void *ctx = xctx(), *a = zmq_socket(ctx, ZMQ_PAIR), *b;

	EXPECT_EQ(0, zget(a, ZMQ_IPV6));
	EXPECT_EQ(-1, zget(a, ZMQ_LINGER));
	EXPECT_OK(zmq_ctx_set(ctx, ZMQ_IPV6, 1));
	EXPECT_OK(zmq_ctx_set(ctx, ZMQ_BLOCKY, 0));
	b = zmq_socket(ctx, ZMQ_PAIR);
	EXPECT_EQ(1, zget(b, ZMQ_IPV6));
	EXPECT_EQ(0, zget(b, ZMQ_IPV4ONLY));
	EXPECT_EQ(0, zget(b, ZMQ_LINGER));
	EXPECT_EQ(0, zget(a, ZMQ_IPV6));
	EXPECT_EQ(-1, zget(a, ZMQ_LINGER));
	xclose(a);
	xclose(b);
	xterm(ctx);
}

TEST(io_threads_none)
{
	void *ctx = xctx(), *s;

	ASSERT_OK(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0));
	s = xsock(ctx, ZMQ_PAIR);
	EXPECT_OK(zmq_bind(s, "inproc://here"));
	EXPECT_ERR(DIFFERS(0, EMTHREAD, "the kernel needs no thread for it"),
		   zmq_bind(s, "tcp://127.0.0.1:*"));
	xclose(s);
	xterm(ctx);
}

TEST(term_at_once)
{
	void *ctx = xctx();

	EXPECT_OK(zmq_ctx_term(ctx));
	ctx = xctx();
	xclose(xsock(ctx, ZMQ_PAIR));
	EXPECT_OK(zmq_ctx_term(ctx));
	ctx = xctx();
	EXPECT_OK(zmq_ctx_shutdown(ctx));
	EXPECT_OK(zmq_ctx_shutdown(ctx));
	EXPECT_NULL_ERR(ETERM, zmq_socket(ctx, ZMQ_PAIR));
	EXPECT_OK(zmq_ctx_term(ctx));
}

TEST(many_contexts)
{
	void *ctx[64], *s[64][2];
	int i;

	for (i = 0; i < 64; i++) {
		ctx[i] = xctx();
		s[i][0] = xsock(ctx[i], ZMQ_PAIR);
		s[i][1] = xsock(ctx[i], ZMQ_PAIR);
		/* names are of a context */
		xbind(s[i][0], "inproc://same");
		xconnect(s[i][1], "inproc://same");
	}
	for (i = 0; i < 64; i++) {
		char text[16];

		snprintf(text, sizeof(text), "to %d", i);
		xsends(s[i][1], text, 0);
		EXPECT_GOT(s[i][0], text);
	}
	for (i = 63; i >= 0; i--) {
		xclose(s[i][0]);
		xclose(s[i][1]);
		xterm(ctx[i]);
	}
}

TEST(has)
{
	static const char *const no[] = {
		"", "tcp", "inproc", "udp", "plain", "IPC", "ws", "vmci", "nonsense",
	};
	size_t i;

	EXPECT_EQ(1, zmq_has("ipc"));
	for (i = 0; i < ARRAY_SIZE(no); i++) {
		EXPECT_EQ(0, zmq_has(no[i])) {
			TH_LOG("%s", no[i]);
		}
	}
	EXPECT_EQ(0, zmq_has("draft"));
	EXPECT_EQ(DIFFERS(0, 1, "no WebSocket yet"), zmq_has("WS"));
	EXPECT_EQ(0, zmq_has("WSS"));
	EXPECT_EQ(1, zmq_has("curve"));
	EXPECT_EQ(DIFFERS(0, 1, "no GSSAPI"), zmq_has("gssapi"));
	EXPECT_EQ(DIFFERS(0, 1, "no multicast"), zmq_has("pgm"));
	EXPECT_EQ(DIFFERS(0, 1, "no multicast"), zmq_has("norm"));
	EXPECT_EQ(DIFFERS(0, 1, "no TIPC"), zmq_has("tipc"));
}

SHIM_HARNESS_MAIN
