// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 */
/* Large messages; the largest is in test_huge.c. */
#include "kselftest_harness.h"
#include "lib.h"

struct job {
	int fd;
	size_t len;
	char *buf;
};

static void *send_main(void *arg)
{
	struct job *j = arg;

	xsend(j->fd, j->buf, j->len, 0);
	return NULL;
}

static char *area(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* one octet in each KiB, for the time that checking all would take */
static void sparse_fill(char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += 1024)
		p[i] = (i >> 10) * 31 + (i >> 18);
	p[len - 1] = 'z';
}

static bool sparse_filled(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len - 1; i += 1024)
		if (p[i] != (char)((i >> 10) * 31 + (i >> 18)))
			return false;
	return p[len - 1] == 'z';
}

/* sent by a thread, since it need not fit into any queue at once */
static void transfer(struct __test_metadata *_metadata, size_t len, int ms)
{
	struct zmq_stats st;
	struct job j = { .len = len };
	pthread_t t;
	int fd[2];
	char *got;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xtimeo(fd[0], kz_ms(ms), kz_ms(ms));
	xtimeo(fd[1], kz_ms(ms), kz_ms(ms));
	j.fd = fd[1];
	j.buf = area(len);
	ASSERT_NE(NULL, j.buf);
	sparse_fill(j.buf, len);
	ASSERT_EQ(0, pthread_create(&t, NULL, send_main, &j));
	ASSERT_TRUE(poll1(fd[0], POLLIN, kz_ms(ms)) & POLLIN);
	pthread_join(t, NULL);
	munmap(j.buf, len);
	got = area(len);
	ASSERT_NE(NULL, got);
	ASSERT_EQ((ssize_t)len, recv(fd[0], got, len, 0));
	EXPECT_TRUE(sparse_filled(got, len));
	xstats(fd[0], &st);
	EXPECT_EQ(0, st.mem);
	EXPECT_TRUE(wait_out_msgs(fd[1], 0, KZ_WAIT_MS));
	munmap(got, len);
}

KZ_TEST_TIMEOUT(hundred_mebibytes, 100)
{
	transfer(_metadata, 100 << 20, 60000);
}

/* nothing is left behind when the receiver goes in the middle */
KZ_TEST_TIMEOUT(receiver_goes, 60)
{
	size_t len = 64 << 20;
	struct zmq_stats st;
	char ep[EP_LEN], *buf = area(len);
	int push = xsocket(ZMQ_PUSH), raw;

	xset(push, ZMQ_SNDHWM, 1);
	xbind_any(push, ep);
	raw = raw_peer(ep, "PULL", "PUSH");
	xpeers(push, 1);
	xsend(push, buf, len, 0);
	ASSERT_TRUE(raw_read(raw, buf, 100000));
	xclose(raw);
	ASSERT_TRUE(wait_peers(push, 0, KZ_WAIT_MS));
	EXPECT_TRUE(wait_out_msgs(push, 0, KZ_WAIT_MS));
	xstats(push, &st);
	EXPECT_EQ(0, st.mem);
}

KZ_TEST_TIMEOUT(sender_goes, 60)
{
	size_t len = 8 << 20;
	char ep[EP_LEN], *buf = area(len);
	int pull = xsocket(ZMQ_PULL), raw;
	struct zmq_stats st;

	xbind_any(pull, ep);
	raw = raw_peer(ep, "PUSH", "PULL");
	xpeers(pull, 1);
	raw_frame_long(raw, 2, len);
	raw_write(raw, buf, len - 1);
	xclose(raw);
	ASSERT_TRUE(wait_peers(pull, 0, KZ_WAIT_MS));
	EXPECT_EQ(0, poll1(pull, POLLIN, 0));
	xstats(pull, &st);
	EXPECT_EQ(0, st.mem);
}

/* a small message does not wait for a large one of another peer */
KZ_TEST_TIMEOUT(small_beside_large, 60)
{
	size_t len = 4 << 20;
	char ep[EP_LEN], *buf = area(len);
	int pull = xsocket(ZMQ_PULL), raw, push = xsocket(ZMQ_PUSH);

	xbind_any(pull, ep);
	raw = raw_peer(ep, "PUSH", "PULL");
	raw_frame_long(raw, 2, len);
	raw_write(raw, buf, len / 2);
	xconnect(push, ep);
	xsends(push, "small", 0);
	EXPECT_GOT(pull, "small");
	raw_write(raw, buf, len / 2);
	EXPECT_EQ((ssize_t)len, recv(pull, buf, len, 0));
}

/* many frames of many sizes in one message */
KZ_TEST_TIMEOUT(large_multipart, 60)
{
	int fd[2], i;
	size_t len = 1 << 20;
	char *buf = area(len + 1);
	bool eor;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 16; i++) {
		memset(buf, i, len);
		xsend(fd[1], buf, len - i * 1000, i < 15 ? MSG_MORE : 0);
	}
	for (i = 0; i < 16; i++) {
		ASSERT_EQ((ssize_t)(len - i * 1000),
			  zrecv(fd[0], buf, len, 0, &eor));
		EXPECT_EQ(i, buf[0]);
		EXPECT_EQ(i, buf[len - i * 1000 - 1]);
		EXPECT_EQ(i == 15, eor);
	}
}

ZMQ_HARNESS_MAIN
