// SPDX-License-Identifier: GPL-2.0
/* KERNEL: debian */
/* zmq_msg_t by itself: all its functions, small and large, shared and not. */
#include "kselftest_harness.h"
#include "shim.h"

static const size_t sizes[] = {
	0, 1, 8, 28, 29, 30, 31, 32, 33, 34, 40, 63, 64, 65, 255, 256, 4096,
	65536, 1 << 20,
};

static int freed;
static void *freed_data, *freed_hint;

static void count(void *data, void *hint)
{
	freed_data = data;
	freed_hint = hint;
	__atomic_add_fetch(&freed, 1, __ATOMIC_SEQ_CST);
}

static bool was_freed(void *arg)
{
	return __atomic_load_n(&freed, __ATOMIC_SEQ_CST) == *(int *)arg;
}

/* libzmq may free in another thread */
static bool freed_times(int n)
{
	return z_until(Z_WAIT_MS, was_freed, &n);
}

TEST(layout)
{
	zmq_msg_t m[2];

	EXPECT_EQ(64, sizeof(zmq_msg_t));
	EXPECT_EQ(64, (char *)&m[1] - (char *)&m[0]);
	EXPECT_EQ(0, (uintptr_t)&m[0] % sizeof(void *));
	EXPECT_EQ(16, sizeof(zmq_pollitem_t));
	EXPECT_EQ(8, offsetof(zmq_pollitem_t, fd));
	EXPECT_EQ(14, offsetof(zmq_pollitem_t, revents));
	EXPECT_EQ(32, sizeof(zmq_poller_event_t));
}

TEST(empty)
{
	zmq_msg_t m;

	EXPECT_OK(zmq_msg_init(&m));
	EXPECT_EQ(0, zmq_msg_size(&m));
	EXPECT_NE(NULL, zmq_msg_data(&m));
	EXPECT_EQ(0, zmq_msg_more(&m));
	EXPECT_EQ(0, zmq_msg_get(&m, ZMQ_MORE));
	EXPECT_EQ(0, zmq_msg_get(&m, ZMQ_SHARED));
	EXPECT_OK(zmq_msg_close(&m));
	EXPECT_ERR(EFAULT, zmq_msg_close(&m));
}

TEST(sizes_and_contents)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		zmq_msg_t m;
		void *p;

		EXPECT_OK(zmq_msg_init_size(&m, sizes[i]));
		EXPECT_EQ(sizes[i], zmq_msg_size(&m));
		p = zmq_msg_data(&m);
		ASSERT_NE(NULL, p);
		fill(p, sizes[i], i);
		EXPECT_EQ(p, zmq_msg_data(&m));
		EXPECT_TRUE(filled(zmq_msg_data(&m), sizes[i], i));
		EXPECT_EQ(0, zmq_msg_more(&m));
		EXPECT_OK(zmq_msg_close(&m));
	}
}

TEST(too_large)
{
	zmq_msg_t m;

	EXPECT_ERR(ENOMEM, zmq_msg_init_size(&m, SIZE_MAX));
	EXPECT_ERR(ENOMEM, zmq_msg_init_size(&m, SIZE_MAX / 2));
}

TEST(init_buffer)
{
	char buf[100];
	zmq_msg_t m;
	size_t i;

	NEED(zmq_msg_init_buffer);
	fill(buf, sizeof(buf), 1);
	for (i = 0; i <= sizeof(buf); i += 20) {
		EXPECT_OK(FN(zmq_msg_init_buffer)(&m, buf, i));
		EXPECT_EQ(i, zmq_msg_size(&m));
		EXPECT_TRUE(buf != zmq_msg_data(&m));
		EXPECT_TRUE(filled(zmq_msg_data(&m), i, 1));
		EXPECT_OK(zmq_msg_close(&m));
	}
}

TEST(init_data_and_close)
{
	static char data[100];
	zmq_msg_t m;
	size_t i;

	for (i = 0; i <= sizeof(data); i += 50) {
		freed = 0;
		EXPECT_OK(zmq_msg_init_data(&m, data, i, count, &m));
		EXPECT_EQ(i, zmq_msg_size(&m));
		EXPECT_TRUE(data == zmq_msg_data(&m));
		EXPECT_EQ(0, zmq_msg_get(&m, ZMQ_SHARED));
		EXPECT_EQ(0, freed);
		EXPECT_OK(zmq_msg_close(&m));
		EXPECT_EQ(1, freed);
		EXPECT_TRUE(data == freed_data);
		EXPECT_EQ(&m, freed_hint);
	}
}

TEST(constant_data)
{
	static const char data[] = "constant";
	zmq_msg_t m, c;

	EXPECT_OK(zmq_msg_init_data(&m, (void *)data, 8, NULL, NULL));
	EXPECT_TRUE(data == zmq_msg_data(&m));
	EXPECT_EQ(1, zmq_msg_get(&m, ZMQ_SHARED));
	zmq_msg_init(&c);
	EXPECT_OK(zmq_msg_copy(&c, &m));
	EXPECT_TRUE(data == zmq_msg_data(&c));
	EXPECT_EQ(1, zmq_msg_get(&c, ZMQ_SHARED));
	EXPECT_OK(zmq_msg_close(&m));
	EXPECT_EQ(0, memcmp(zmq_msg_data(&c), "constant", 8));
	EXPECT_OK(zmq_msg_close(&c));
}

TEST(copies_share_what_is_large)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		zmq_msg_t m, c, d;
		bool large = sizes[i] > 33;

		zmq_msg_init_size(&m, sizes[i]);
		fill(zmq_msg_data(&m), sizes[i], i);
		zmq_msg_init_size(&c, 1000);	/* what it held is freed */
		zmq_msg_init(&d);
		EXPECT_OK(zmq_msg_copy(&c, &m));
		EXPECT_OK(zmq_msg_copy(&d, &c));
		EXPECT_EQ(sizes[i], zmq_msg_size(&c));
		EXPECT_EQ(large, zmq_msg_data(&c) == zmq_msg_data(&m));
		EXPECT_EQ(large, zmq_msg_get(&m, ZMQ_SHARED));
		EXPECT_EQ(large, zmq_msg_get(&c, ZMQ_SHARED));
		EXPECT_OK(zmq_msg_close(&m));
		EXPECT_TRUE(filled(zmq_msg_data(&c), sizes[i], i));
		EXPECT_OK(zmq_msg_close(&c));
		EXPECT_TRUE(filled(zmq_msg_data(&d), sizes[i], i));
		EXPECT_OK(zmq_msg_close(&d));
	}
}

TEST(the_last_copy_frees)
{
	static char data[50];
	zmq_msg_t m, c, d;

	zmq_msg_init_data(&m, data, sizeof(data), count, NULL);
	zmq_msg_init(&c);
	zmq_msg_init(&d);
	EXPECT_OK(zmq_msg_copy(&c, &m));
	EXPECT_OK(zmq_msg_move(&d, &m));
	EXPECT_EQ(0, zmq_msg_size(&m));
	EXPECT_OK(zmq_msg_close(&m));
	EXPECT_EQ(0, freed);
	EXPECT_OK(zmq_msg_close(&c));
	EXPECT_EQ(0, freed);
	EXPECT_TRUE(data == zmq_msg_data(&d));
	EXPECT_OK(zmq_msg_close(&d));
	EXPECT_EQ(1, freed);
	EXPECT_TRUE(data == freed_data);
	EXPECT_EQ(NULL, freed_hint);
}

TEST(move)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		static char data[50];
		zmq_msg_t m, d;

		freed = 0;
		zmq_msg_init_size(&m, sizes[i]);
		fill(zmq_msg_data(&m), sizes[i], i);
		zmq_msg_init_data(&d, data, sizeof(data), count, NULL);
		EXPECT_OK(zmq_msg_move(&d, &m));
		EXPECT_EQ(1, freed);
		EXPECT_EQ(0, zmq_msg_size(&m));
		EXPECT_EQ(sizes[i], zmq_msg_size(&d));
		EXPECT_TRUE(filled(zmq_msg_data(&d), sizes[i], i));
		EXPECT_OK(zmq_msg_close(&m));
		EXPECT_OK(zmq_msg_close(&d));
	}
}

TEST(onto_itself)
{
	static char data[50];
	zmq_msg_t m;

	SKIP_STOCK("frees what it copies or moves onto itself");
	zmq_msg_init_data(&m, data, sizeof(data), count, NULL);
	EXPECT_OK(zmq_msg_move(&m, &m));
	EXPECT_TRUE(data == zmq_msg_data(&m));
	EXPECT_OK(zmq_msg_copy(&m, &m));
	EXPECT_TRUE(data == zmq_msg_data(&m));
	EXPECT_EQ(0, freed);
	EXPECT_OK(zmq_msg_close(&m));
	EXPECT_EQ(1, freed);
}

TEST(closed_messages_are_noticed)
{
	zmq_msg_t m, d;

	zmq_msg_init(&m);
	zmq_msg_init(&d);
	EXPECT_OK(zmq_msg_close(&m));
	EXPECT_ERR(EFAULT, zmq_msg_copy(&d, &m));
	EXPECT_ERR(EFAULT, zmq_msg_move(&d, &m));
	EXPECT_ERR(EFAULT, zmq_msg_close(&m));
	EXPECT_OK(zmq_msg_close(&d));
}

TEST(properties)
{
	zmq_msg_t m;

	zmq_msg_init_size(&m, 10);
	EXPECT_ERR(EINVAL, zmq_msg_get(&m, 0));
	EXPECT_ERR(EINVAL, zmq_msg_get(&m, 4711));
	EXPECT_ERR(EINVAL, zmq_msg_set(&m, ZMQ_MORE, 1));
	EXPECT_ERR(EINVAL, zmq_msg_set(&m, 0, 1));
	/* made here, so it came by no connection and has no properties */
	EXPECT_ERR(EINVAL, zmq_msg_get(&m, ZMQ_SRCFD));
	EXPECT_NULL_ERR(EINVAL, zmq_msg_gets(&m, "Socket-Type"));
	EXPECT_NULL_ERR(EINVAL, zmq_msg_gets(&m, "nonsense"));
	EXPECT_OK(zmq_msg_close(&m));
}

TEST(routing_ids_and_groups)
{
	char name[300];
	zmq_msg_t m;

	NEED(zmq_msg_set_routing_id);
	NEED(zmq_msg_routing_id);
	NEED(zmq_msg_set_group);
	NEED(zmq_msg_group);
	zmq_msg_init(&m);
	EXPECT_EQ(0, FN(zmq_msg_routing_id)(&m));
	EXPECT_OK(FN(zmq_msg_set_routing_id)(&m, 0x80000001));
	EXPECT_EQ(0x80000001, FN(zmq_msg_routing_id)(&m));
	EXPECT_ERR(EINVAL, FN(zmq_msg_set_routing_id)(&m, 0));
	EXPECT_STREQ("", FN(zmq_msg_group)(&m));
	memset(name, 'g', sizeof(name));
	name[256] = 0;
	EXPECT_ERR(EINVAL, FN(zmq_msg_set_group)(&m, name));
	name[255] = 0;
	EXPECT_OK(FN(zmq_msg_set_group)(&m, name));
	EXPECT_STREQ(name, FN(zmq_msg_group)(&m));
	EXPECT_OK(FN(zmq_msg_set_group)(&m, "short"));
	EXPECT_STREQ("short", FN(zmq_msg_group)(&m));
	EXPECT_OK(zmq_msg_close(&m));
}

/* data given away is freed once, however the message ends */
static void freed_after(struct __test_metadata *_metadata, const char *transport,
			size_t size)
{
	void *ctx = xctx(), *s[2];
	char *data = malloc(size + 1);
	zmq_msg_t m;

	xpair(ctx, transport, ZMQ_PAIR, ZMQ_PAIR, s);
	fill(data, size, 9);
	freed = 0;
	zmq_msg_init_data(&m, data, size, count, NULL);
	EXPECT_EQ((int)size, zmq_msg_send(&m, s[0], 0));
	EXPECT_EQ(0, zmq_msg_size(&m));
	EXPECT_OK(zmq_msg_close(&m));
	zmq_msg_init(&m);
	EXPECT_EQ((int)size, zmq_msg_recv(&m, s[1], 0));
	EXPECT_TRUE(filled(zmq_msg_data(&m), size, 9));
	EXPECT_OK(zmq_msg_close(&m));
	EXPECT_TRUE(freed_times(1));
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
	EXPECT_EQ(1, freed);
	free(data);
}

TEST(freed_after_send)
{
	static const size_t some[] = { 0, 1, 33, 34, 5000, 1 << 20 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(some); i++) {
		freed_after(_metadata, "tcp", some[i]);
		freed_after(_metadata, "ipc", some[i]);
		freed_after(_metadata, "inproc", some[i]);
	}
}

TEST(a_failed_send_keeps_it)
{
	static char data[100];
	void *ctx = xctx(), *s = xsock(ctx, ZMQ_PUSH), *sub = xsock(ctx, ZMQ_SUB);
	zmq_msg_t m;

	zmq_msg_init_data(&m, data, sizeof(data), count, NULL);
	EXPECT_ERR(EAGAIN, zmq_msg_send(&m, s, ZMQ_DONTWAIT));
	EXPECT_ERR(ENOTSUP, zmq_msg_send(&m, sub, 0));
	EXPECT_ERR(ENOTSOCK, zmq_msg_send(&m, NULL, 0));
	EXPECT_EQ(sizeof(data), zmq_msg_size(&m));
	EXPECT_TRUE(data == zmq_msg_data(&m));
	EXPECT_EQ(0, freed);
	EXPECT_OK(zmq_msg_close(&m));
	EXPECT_EQ(1, freed);
	xclose(s);
	xclose(sub);
	xterm(ctx);
	EXPECT_EQ(1, freed);
}

TEST(freed_when_nobody_gets_it)
{
	static char data[100];
	void *ctx = xctx(), *pub = xsock(ctx, ZMQ_PUB), *push = xsock(ctx, ZMQ_PUSH);
	char ep[EP_LEN];
	int fd = z_tcp(0, ep);
	zmq_msg_t m;

	zmq_msg_init_data(&m, data, sizeof(data), count, NULL);
	EXPECT_EQ(100, zmq_msg_send(&m, pub, 0));
	EXPECT_TRUE(freed_times(1));
	/* queued for one who never comes, then given up */
	xconnect(push, ep);
	zmq_msg_init_data(&m, data, sizeof(data), count, NULL);
	EXPECT_EQ(100, zmq_msg_send(&m, push, ZMQ_SNDMORE));
	zmq_msg_init_data(&m, data, sizeof(data), count, NULL);
	EXPECT_EQ(100, zmq_msg_send(&m, push, 0));
	xclose(pub);
	xclose(push);
	xterm(ctx);
	EXPECT_EQ(3, freed);
	close(fd);
}

TEST(freed_when_half_a_message_is_closed)
{
	static char data[100];
	void *ctx = xctx(), *s[2];
	zmq_msg_t m;

	xpair(ctx, "inproc", ZMQ_PAIR, ZMQ_PAIR, s);
	zmq_msg_init_data(&m, data, sizeof(data), count, NULL);
	EXPECT_EQ(100, zmq_msg_send(&m, s[0], ZMQ_SNDMORE));
	xclose(s[0]);
	EXPECT_QUIET(s[1]);
	xclose(s[1]);
	xterm(ctx);
	EXPECT_EQ(1, freed);
}

TEST(freed_after_the_last_subscriber)
{
	static char data[100];
	void *ctx = xctx(), *pub = xsock(ctx, ZMQ_PUB), *sub[3];
	char ep[EP_LEN];
	zmq_msg_t m;
	int i;

	xbind_any(pub, "inproc", ep);
	for (i = 0; i < 3; i++) {
		sub[i] = xsock(ctx, ZMQ_SUB);
		xset_text(sub[i], ZMQ_SUBSCRIBE, "");
		xconnect(sub[i], ep);
		xjoined(pub, sub[i]);
	}
	fill(data, sizeof(data), 3);
	zmq_msg_init_data(&m, data, sizeof(data), count, NULL);
	EXPECT_EQ(100, zmq_msg_send(&m, pub, 0));
	xsends(pub, "last", 0);
	for (i = 0; i < 3; i++) {
		char buf[200];
		int n;

		do	/* joins of those who came later */
			n = zmq_recv(sub[i], buf, sizeof(buf), 0);
		while (n == 4 || n == 6);
		EXPECT_EQ(100, n);
		EXPECT_TRUE(filled(buf, 100, 3));
		EXPECT_GOT(sub[i], "last");
		xclose(sub[i]);
	}
	EXPECT_TRUE(freed_times(1));
	xclose(pub);
	xterm(ctx);
	EXPECT_EQ(1, freed);
}

TEST(received_messages)
{
	void *ctx = xctx(), *s[2];
	zmq_msg_t m, c;

	xpair(ctx, "tcp", ZMQ_DEALER, ZMQ_DEALER, s);
	xsendv(s[0], "first", "second", NULL);
	zmq_msg_init_size(&m, 1000);	/* what it held is freed */
	EXPECT_EQ(5, zmq_msg_recv(&m, s[1], 0));
	EXPECT_EQ(1, zmq_msg_more(&m));
	EXPECT_EQ(1, zmq_msg_get(&m, ZMQ_MORE));
	zmq_msg_init(&c);
	zmq_msg_copy(&c, &m);
	EXPECT_EQ(1, zmq_msg_more(&c));
	EXPECT_EQ(6, zmq_msg_recv(&m, s[1], 0));
	EXPECT_EQ(0, zmq_msg_more(&m));
	EXPECT_EQ(0, memcmp("second", zmq_msg_data(&m), 6));
	EXPECT_EQ(0, memcmp("first", zmq_msg_data(&c), 5));
	/* sending it decides anew whether more follows */
	EXPECT_EQ(5, zmq_msg_send(&c, s[1], 0));
	EXPECT_GOT(s[0], "first");
	zmq_msg_close(&c);
	zmq_msg_close(&m);
	xclose(s[0]);
	xclose(s[1]);
	xterm(ctx);
}

SHIM_HARNESS_MAIN
