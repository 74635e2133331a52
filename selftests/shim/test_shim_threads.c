// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 180 */
/* Threads: contexts shared by many, sockets handed on, sockets shared. */
#include "kselftest_harness.h"
#include "shim.h"

enum { THREADS = 6, EACH = 2000 };

static int pairs_of_its_own(void *ctx)
{
	void *s[2];
	int i, k;

	for (i = 0; i < 30; i++) {
		xpair(ctx, i % 2 ? "inproc" : "ipc", ZMQ_PAIR, ZMQ_PAIR, s);
		for (k = 0; k < 20; k++) {
			xsends(s[0], "x", 0);
			if (!z_got(__FILE__, __LINE__, s[1], "x", NULL))
				return -1;
		}
		xclose(s[0]);
		xclose(s[1]);
	}
	return 0;
}

TEST(one_context)
{
	void *ctx = xctx();
	struct job j[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		xjob(&j[i], pairs_of_its_own, ctx);
	for (i = 0; i < THREADS; i++) {
		xjob_end(&j[i]);
		EXPECT_EQ(0, j[i].rc);
	}
	xterm(ctx);
}

static int contexts_of_its_own(void *arg)
{
	int i;

	for (i = 0; i < 30; i++) {
		void *ctx = xctx(), *s[2];

		xpair(ctx, "tcp", ZMQ_PUSH, ZMQ_PULL, s);
		xsends(s[0], "x", 0);
		if (!z_got(__FILE__, __LINE__, s[1], "x", NULL))
			return -1;
		xclose(s[0]);
		xclose(s[1]);
		xterm(ctx);
	}
	return 0;
}

TEST(many_contexts)
{
	struct job j[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		xjob(&j[i], contexts_of_its_own, NULL);
	for (i = 0; i < THREADS; i++) {
		xjob_end(&j[i]);
		EXPECT_EQ(0, j[i].rc);
	}
}

static int use(void *s)
{
	xsends(s, "from a thread", 0);
	return 0;
}

/* used by one after the other */
TEST(handed_on)
{
	void *ctx = xctx(), *s[2];
	int i;

	xpair(ctx, "tcp", ZMQ_PUSH, ZMQ_PULL, s);
	for (i = 0; i < 10; i++) {
		struct job j;

		xjob(&j, use, s[0]);
		xjob_end(&j);
		EXPECT_GOT(s[1], "from a thread");
	}
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

struct share {
	void *s;
	int id, n;
	int *count;
	bool polls;
};

static int share_send(void *arg)
{
	struct share *sh = arg;
	int i, val[2] = { sh->id };

	for (i = 0; i < sh->n; i++) {
		val[1] = i;
		if (zmq_send(sh->s, val, sizeof(val), 0) != sizeof(val))
			return -errno;
	}
	return 0;
}

static int share_one(struct share *sh, void *val, size_t len)
{
	int n;

	if (!sh->polls)
		return zmq_recv(sh->s, val, len, 0);
	do {
		z_poll1(sh->s, ZMQ_POLLIN, -1);
		n = zmq_recv(sh->s, val, len, ZMQ_DONTWAIT);
	} while (n < 0 && errno == EAGAIN);
	return n;
}

static int share_recv(void *arg)
{
	struct share *sh = arg;
	int last[THREADS], i, val[2];

	for (i = 0; i < THREADS; i++)
		last[i] = -1;
	while (__atomic_fetch_add(sh->count, 1, __ATOMIC_SEQ_CST) < THREADS * EACH) {
		if (share_one(sh, val, sizeof(val)) != sizeof(val))
			return -errno;
		if (val[0] < 0 || val[0] >= THREADS || val[1] <= last[val[0]])
			return -EBADMSG;
		last[val[0]] = val[1];
		sh->n++;
	}
	return 0;
}

/* one socket, written to and read by many at once: nothing is lost or torn */
static void shared(struct __test_metadata *_metadata, const char *transport,
		   int from, int to, bool polls)
{
	struct share in[THREADS], out[THREADS];
	struct job ji[THREADS], jo[THREADS];
	void *ctx = xctx(), *s[2];
	int i, count = 0, sum = 0;

	xpair(ctx, transport, to, from, s);
	for (i = 0; i < THREADS; i++) {
		in[i] = (struct share){ .s = s[0], .count = &count,
					.polls = polls && i % 2 };
		out[i] = (struct share){ .s = s[1], .id = i, .n = EACH };
		xjob(&ji[i], share_recv, &in[i]);
		xjob(&jo[i], share_send, &out[i]);
	}
	for (i = 0; i < THREADS; i++) {
		xjob_end(&jo[i]);
		EXPECT_EQ(0, jo[i].rc);
		xjob_end(&ji[i]);
		EXPECT_EQ(0, ji[i].rc);
		sum += in[i].n;
	}
	EXPECT_EQ(THREADS * EACH, sum);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

TEST(one_socket_tcp)
{
	SKIP_STOCK("sockets are not to be used by two threads");
	shared(_metadata, "tcp", ZMQ_PUSH, ZMQ_PULL, false);
}

TEST(one_socket_ipc)
{
	SKIP_STOCK("sockets are not to be used by two threads");
	shared(_metadata, "ipc", ZMQ_DEALER, ZMQ_DEALER, false);
}

TEST(one_socket_inproc)
{
	SKIP_STOCK("sockets are not to be used by two threads");
	shared(_metadata, "inproc", ZMQ_PAIR, ZMQ_PAIR, false);
}

/* what one reads does not leave another asleep */
TEST(readers_and_pollers)
{
	SKIP_STOCK("sockets are not to be used by two threads");
	shared(_metadata, "tcp", ZMQ_PUSH, ZMQ_PULL, true);
}

struct both {
	void *s;
	int n;
};

static int read_all(void *arg)
{
	struct both *b = arg;
	int i, val;

	for (i = 0; i < b->n; i++)
		if (zmq_recv(b->s, &val, 4, 0) != 4 || val != i)
			return -1;
	return 0;
}

static int write_all(void *arg)
{
	struct both *b = arg;
	int i;

	for (i = 0; i < b->n; i++)
		if (zmq_send(b->s, &i, 4, 0) != 4)
			return -1;
	return 0;
}

/* one thread reads, another writes, a third looks */
TEST(reader_and_writer)
{
	void *ctx = xctx(), *s[2];
	struct both b[2];
	struct job j[4];
	int i;

	SKIP_STOCK("sockets are not to be used by two threads");
	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	for (i = 0; i < 2; i++) {
		b[i] = (struct both){ .s = s[i], .n = 5000 };
		xjob(&j[2 * i], read_all, &b[i]);
		xjob(&j[2 * i + 1], write_all, &b[i]);
	}
	for (i = 0; i < 2000; i++) {
		zget(s[i % 2], ZMQ_EVENTS);
		z_poll1(s[i % 2], ZMQ_POLLOUT, 0);
		zget(s[i % 2], ZMQ_LINGER);
	}
	for (i = 0; i < 4; i++) {
		xjob_end(&j[i]);
		EXPECT_EQ(0, j[i].rc);
	}
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

/* a blocked reader is no obstacle to a writer */
TEST(blocked_reader)
{
	void *ctx = xctx(), *s[2];
	struct both b;
	struct job j;
	int val = 0, got;

	SKIP_STOCK("sockets are not to be used by two threads");
	xpair(ctx, "tcp", ZMQ_PAIR, ZMQ_PAIR, s);
	b = (struct both){ .s = s[0], .n = 1 };
	xjob(&j, read_all, &b);
	xjob_asleep(&j);
	EXPECT_EQ(4, zmq_send(s[0], &val, 4, 0));
	EXPECT_EQ(4, zmq_recv(s[1], &got, 4, 0));
	EXPECT_EQ(0, zget(s[0], ZMQ_EVENTS) & ZMQ_POLLIN);
	xset(s[0], ZMQ_LINGER, 0);
	EXPECT_EQ(4, zmq_send(s[1], &val, 4, 0));
	xjob_end(&j);
	EXPECT_EQ(0, j.rc);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
