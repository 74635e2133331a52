// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Whole messages per call: the control message of frame lengths. */
#include "kselftest_harness.h"
#include "lib.h"

#define M	ZMQ_FRAME_MORE

FIXTURE(fr) {
	int fd[2];		/* PULL, PUSH */
};

FIXTURE_SETUP(fr)
{
	xpair(ZMQ_PULL, ZMQ_PUSH, self->fd);
}

FIXTURE_TEARDOWN(fr)
{
	xclose(self->fd[0]);
	xclose(self->fd[1]);
}

static ssize_t put(int fd, const char *data, const __u32 *len, int n)
{
	struct iovec iov = { (char *)data, strlen(data) };

	return send_frames(fd, &iov, 1, len, n, 0);
}

#define PUT(fd, data, ...)						\
	put(fd, data, (const __u32[]){ __VA_ARGS__ },			\
	    sizeof((const __u32[]){ __VA_ARGS__ }) / sizeof(__u32))

#define SHORT 300	/* short messages of one call */

struct batch {
	char data[65536];
	__u32 len[1024];
	int n, flags;
	ssize_t ret;
};

static ssize_t take(int fd, struct batch *b, size_t size, int room, int flags)
{
	b->n = room;
	b->flags = flags;
	b->ret = recv_frames(fd, b->data, size, b->len, &b->n, &b->flags);
	return b->ret;
}

TEST_F(fr, one_message)
{
	EXPECT_EQ(6, PUT(self->fd[1], "abcdef", 1 | M, 2 | M, 3));
	EXPECT_GOT(self->fd[0], "a", "bc", "def");
	EXPECT_EQ(3, PUT(self->fd[1], "one", 3));
	EXPECT_GOT(self->fd[0], "one");
}

TEST_F(fr, many_messages)
{
	EXPECT_EQ(10, PUT(self->fd[1], "0123456789", 1, 2 | M, 1, 0, 3 | M,
			  0 | M, 3));
	EXPECT_GOT(self->fd[0], "0");
	EXPECT_GOT(self->fd[0], "12", "3");
	EXPECT_GOT(self->fd[0], "");
	EXPECT_GOT(self->fd[0], "456", "", "789");
}

/* the cuts of the iovec and of the frames have nothing to do with each other */
TEST_F(fr, scattered)
{
	struct iovec iov[4] = {
		{ "ab", 2 }, { "", 0 }, { "cdefg", 5 }, { "h", 1 },
	};
	const __u32 len[] = { 1 | M, 4 | M, 3 };

	EXPECT_EQ(8, send_frames(self->fd[1], iov, 4, len, 3, 0));
	EXPECT_GOT(self->fd[0], "a", "bcde", "fgh");
}

TEST_F(fr, only_empty_frames)
{
	EXPECT_EQ(0, PUT(self->fd[1], "", 0 | M, 0 | M, 0));
	EXPECT_EQ(0, PUT(self->fd[1], "", 0));
	EXPECT_GOT(self->fd[0], "", "", "");
	EXPECT_GOT(self->fd[0], "");
}

TEST_F(fr, large)
{
	char *buf = malloc(300000);
	struct iovec iov = { buf, 300000 };
	const __u32 len[] = { 5 | M, 199995 | M, 100000 };
	int i;

	fill(buf, 300000, 9);
	EXPECT_EQ(300000, send_frames(self->fd[1], &iov, 1, len, 3, 0));
	memset(buf, 0, 300000);
	for (i = 0; i < 3; i++)
		EXPECT_EQ((len[i] & ~M),
			  (__u32)recv(self->fd[0], buf + (i > 0) * 5 +
				      (i > 1) * 199995, 200000, 0));
	EXPECT_TRUE(filled(buf, 300000, 9));
	free(buf);
}

TEST_F(fr, wrong_lengths)
{
	int fd = self->fd[1];

	EXPECT_ERR(EINVAL, PUT(fd, "abc", 2));
	EXPECT_ERR(EINVAL, PUT(fd, "abc", 4));
	EXPECT_ERR(EINVAL, PUT(fd, "abc", 1 | M, 1));
	EXPECT_ERR(EINVAL, PUT(fd, "abc", 1, 3));
	EXPECT_ERR(EINVAL, PUT(fd, "abc", 0));
	EXPECT_ERR(EINVAL, PUT(fd, "", 1));
	EXPECT_ERR(EINVAL, PUT(fd, "abc", 3 | M));
	EXPECT_ERR(EINVAL, PUT(fd, "abc", 1, 2 | M));
	EXPECT_ERR(EINVAL, PUT(fd, "abc", 0x7fffffff));
	EXPECT_ERR(EINVAL, PUT(fd, "abc", 0x7fffffff, 0x7fffffff, 5));
	EXPECT_ERR(EINVAL, PUT(fd, "abc", 0x7fffffff | M, 4));
	EXPECT_ERR(EINVAL, put(fd, "abc", NULL, 0));
	EXPECT_ERR(EINVAL, put(fd, "", NULL, 0));
	/* none was sent */
	xsends(fd, "clean", 0);
	EXPECT_GOT(self->fd[0], "clean");
}

static ssize_t odd_cmsg(int fd, int level, int type, size_t len, size_t room)
{
	char control[128] = { 0 };
	struct iovec iov = { "abc", 3 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = room,
	};
	struct cmsghdr *c = (struct cmsghdr *)control;

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = len;
	*(__u32 *)CMSG_DATA(c) = 3;
	return sendmsg(fd, &msg, 0);
}

TEST_F(fr, odd_control_messages)
{
	int fd = self->fd[1];
	size_t i;

	for (i = 1; i < 4; i++)
		EXPECT_ERR(EINVAL, odd_cmsg(fd, SOL_ZMQ, ZMQ_CMSG_FRAMES,
					    CMSG_LEN(i), CMSG_SPACE(8)));
	EXPECT_ERR(EINVAL, odd_cmsg(fd, SOL_ZMQ, ZMQ_CMSG_FRAMES, CMSG_LEN(7),
				    CMSG_SPACE(8)));
	EXPECT_ERR(EINVAL, odd_cmsg(fd, SOL_ZMQ, 2, CMSG_LEN(4), CMSG_SPACE(4)));
	EXPECT_ERR(EINVAL, odd_cmsg(fd, SOL_ZMQ, 0, CMSG_LEN(4), CMSG_SPACE(4)));
	/* longer than its buffer, shorter than its header */
	EXPECT_ERR(EINVAL, odd_cmsg(fd, SOL_ZMQ, ZMQ_CMSG_FRAMES, CMSG_LEN(64),
				    CMSG_SPACE(4)));
	EXPECT_ERR(EINVAL, odd_cmsg(fd, SOL_ZMQ, ZMQ_CMSG_FRAMES, 3,
				    CMSG_SPACE(4)));
	EXPECT_ERR(EINVAL, odd_cmsg(fd, SOL_ZMQ, ZMQ_CMSG_FRAMES, -1UL,
				    CMSG_SPACE(4)));
	EXPECT_EQ(3, odd_cmsg(fd, SOL_ZMQ, ZMQ_CMSG_FRAMES, CMSG_LEN(4),
			      CMSG_LEN(4)));
	EXPECT_GOT(self->fd[0], "abc");
}

TEST_F(fr, twice_in_one_call)
{
	char control[2 * CMSG_SPACE(4)] = { 0 };
	struct iovec iov = { "abc", 3 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		c->cmsg_level = SOL_ZMQ;
		c->cmsg_type = ZMQ_CMSG_FRAMES;
		c->cmsg_len = CMSG_LEN(4);
		*(__u32 *)CMSG_DATA(c) = 3;
	}
	EXPECT_ERR(EINVAL, sendmsg(self->fd[1], &msg, 0));
}

TEST_F(fr, not_with_msg_more)
{
	struct iovec iov = { "abc", 3 };
	const __u32 len[] = { 3 };
	int fd = self->fd[1];

	EXPECT_ERR(EINVAL, send_frames(fd, &iov, 1, len, 1, MSG_MORE));
	xsends(fd, "half", MSG_MORE);
	EXPECT_ERR(EINVAL, send_frames(fd, &iov, 1, len, 1, 0));
	xsends(fd, "done", 0);
	EXPECT_GOT(self->fd[0], "half", "done");
	EXPECT_EQ(3, send_frames(fd, &iov, 1, len, 1, 0));
	EXPECT_GOT(self->fd[0], "abc");
}

TEST_F(fr, bad_pointers)
{
	struct iovec iov[2] = { { "abc", 3 }, { BADPTR, 3 } };
	const __u32 len[] = { 3, 3 };
	const __u32 two[] = { 3 | M, 3 };
	ssize_t n;

	EXPECT_ERR(EFAULT, send_frames(self->fd[1], iov, 2, two, 2, 0));
	/* the first message may have gone before the second failed */
	n = send_frames(self->fd[1], iov, 2, len, 2, 0);
	if (n < 0) {
		EXPECT_EQ(EFAULT, errno);
	} else {
		EXPECT_EQ(3, n);
		EXPECT_GOT(self->fd[0], "abc");
	}
	xsends(self->fd[1], "clean", 0);
	EXPECT_GOT(self->fd[0], "clean");
}

/* what finds no room is not taken, and the count says so */
TEST(partial_at_high_water)
{
	int fd = xsocket(ZMQ_PUSH);

	xset(fd, ZMQ_SNDHWM, 3);
	xconnect(fd, "tcp://127.0.0.1:9");
	EXPECT_EQ(4, PUT(fd, "abcdef", 1, 1 | M, 1, 1, 1, 1));
	xtimeo(fd, 30, 30);
	EXPECT_ERR(EAGAIN, PUT(fd, "xyz", 1, 2));
}

TEST(nothing_fits)
{
	int fd = xsocket(ZMQ_PUSH);
	struct iovec iov = { "abc", 3 };
	const __u32 len[] = { 1, 2 };

	EXPECT_ERR(EAGAIN, send_frames(fd, &iov, 1, len, 2, MSG_DONTWAIT));
	xtimeo(fd, 30, 30);
	EXPECT_ERR(EAGAIN, send_frames(fd, &iov, 1, len, 2, 0));
}

TEST(state_errors_come_first)
{
	int rep = xsocket(ZMQ_REP), pull = xsocket(ZMQ_PULL);

	EXPECT_ERR(EBADFD, PUT(rep, "abc", 3));
	EXPECT_ERR(EOPNOTSUPP, PUT(pull, "abc", 3));
}

TEST_F(fr, batch_range)
{
	int fd = self->fd[0];

	EXPECT_EQ(0, zget(fd, ZMQ_RCVBATCH));
	EXPECT_OK(zset(fd, ZMQ_RCVBATCH, 1024));
	EXPECT_EQ(1024, zget(fd, ZMQ_RCVBATCH));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_RCVBATCH, 1025));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_RCVBATCH, -1));
	EXPECT_EQ(1024, zget(fd, ZMQ_RCVBATCH));
	EXPECT_OK(zset(fd, ZMQ_RCVBATCH, 0));
}

TEST_F(fr, batch)
{
	static struct batch b;

	xset(self->fd[0], ZMQ_RCVBATCH, 4);
	xsends(self->fd[1], "1", 0);
	xsendv(self->fd[1], "22", "", "333", NULL);
	xsends(self->fd[1], "", 0);
	xsends(self->fd[1], "4", 0);
	xsends(self->fd[1], "5", 0);
	ASSERT_TRUE(wait_in_msgs(self->fd[0], 5, KZ_WAIT_MS));
	EXPECT_EQ(7, take(self->fd[0], &b, sizeof(b.data), 64, 0));
	EXPECT_EQ(0, memcmp(b.data, "1223334", 7));
	ASSERT_EQ(6, b.n);
	EXPECT_EQ(1, b.len[0]);
	EXPECT_EQ((2 | M), b.len[1]);
	EXPECT_EQ((0 | M), b.len[2]);
	EXPECT_EQ(3, b.len[3]);
	EXPECT_EQ(0, b.len[4]);
	EXPECT_EQ(1, b.len[5]);
	EXPECT_EQ(MSG_EOR, b.flags & (MSG_EOR | MSG_TRUNC | MSG_CTRUNC));
	EXPECT_EQ(1, take(self->fd[0], &b, sizeof(b.data), 64, 0));
	ASSERT_EQ(1, b.n);
	EXPECT_EQ('5', b.data[0]);
	EXPECT_ERR(EAGAIN, take(self->fd[0], &b, sizeof(b.data), 64,
				MSG_DONTWAIT));
}

/* blocks for the first message only */
TEST_F(fr, batch_does_not_wait_for_more)
{
	static struct batch b;

	xset(self->fd[0], ZMQ_RCVBATCH, 100);
	xsends(self->fd[1], "one", 0);
	EXPECT_EQ(3, take(self->fd[0], &b, sizeof(b.data), 64, 0));
	EXPECT_EQ(1, b.n);
	xtimeo(self->fd[0], 30, 30);
	EXPECT_ERR(EAGAIN, take(self->fd[0], &b, sizeof(b.data), 64, 0));
}

/* only so many as fit, whole */
TEST_F(fr, batch_stops_at_the_buffers_end)
{
	static struct batch b;

	xset(self->fd[0], ZMQ_RCVBATCH, 100);
	xsends(self->fd[1], "aaaa", 0);
	xsendv(self->fd[1], "bb", "cc", NULL);
	xsends(self->fd[1], "d", 0);
	ASSERT_TRUE(wait_in_msgs(self->fd[0], 3, KZ_WAIT_MS));
	EXPECT_EQ(4, take(self->fd[0], &b, 7, 64, 0));
	EXPECT_EQ(1, b.n);
	/* nor more than the control buffer has entries for */
	EXPECT_EQ(4, take(self->fd[0], &b, 100, 2, 0));
	EXPECT_EQ(2, b.n);
	EXPECT_EQ(1, take(self->fd[0], &b, 100, 1, 0));
	EXPECT_EQ(1, b.n);
}

/* What came in one piece is given in any pieces: nothing lost, all in order. */
TEST_F(fr, batch_cuts_a_piece_anywhere)
{
	char data[SHORT * 20], *p = data, *want = data;
	static struct batch b;
	__u32 len[SHORT];
	int i, at = 0;

	for (i = 0; i < SHORT; i++) {
		len[i] = i % 20;
		memset(p, 'a' + i % 26, len[i]);
		p += len[i];
	}
	*p = 0;
	ASSERT_EQ(p - data, put(self->fd[1], data, len, SHORT));
	ASSERT_TRUE(wait_in_msgs(self->fd[0], SHORT, KZ_WAIT_MS));
	for (i = 0; at < SHORT; i++) {
		/* whole ones by octets, by entries, by messages, one */
		xset(self->fd[0], ZMQ_RCVBATCH, i % 4 == 3 ? 0 :
		     i % 4 == 2 ? 5 : 1024);
		if (i % 4 == 3) {
			EXPECT_EQ(len[at], recv(self->fd[0], b.data, 64, 0));
			EXPECT_EQ(0, memcmp(b.data, want, len[at]));
			want += len[at++];
			continue;
		}
		ASSERT_LE(0, take(self->fd[0], &b, i % 4 ? 4096 : 100,
				  i % 4 == 1 ? 3 : 64, 0));
		ASSERT_LT(0, b.n);
		ASSERT_GE(SHORT - at, b.n);
		if (i % 4 == 1)
			EXPECT_GE(3, b.n);
		if (i % 4 == 2)
			EXPECT_GE(5, b.n);
		EXPECT_EQ(0, memcmp(b.len, len + at, b.n * sizeof(len[0])));
		EXPECT_EQ(0, memcmp(b.data, want, b.ret));
		want += b.ret;
		at += b.n;
	}
	EXPECT_EQ(p, want);
	EXPECT_QUIET(self->fd[0]);
}

TEST_F(fr, batch_too_small_keeps_the_message)
{
	static struct batch b;

	xset(self->fd[0], ZMQ_RCVBATCH, 10);
	xsendv(self->fd[1], "aaaa", "bbbb", NULL);
	ASSERT_TRUE(wait_in_msgs(self->fd[0], 1, KZ_WAIT_MS));
	EXPECT_ERR(EMSGSIZE, take(self->fd[0], &b, 7, 64, 0));
	EXPECT_ERR(EMSGSIZE, take(self->fd[0], &b, 7, 64, MSG_DONTWAIT));
	EXPECT_ERR(EMSGSIZE, take(self->fd[0], &b, 64, 1, 0));
	EXPECT_ERR(EMSGSIZE, take(self->fd[0], &b, 64, 0, 0));
	EXPECT_EQ(8, take(self->fd[0], &b, 8, 2, 0));
	EXPECT_EQ(2, b.n);
}

/* a message of several pages that does not fit must not be touched either */
TEST_F(fr, batch_large)
{
	static struct batch b;
	static char out[60000];

	fill(out, sizeof(out), 3);
	xset(self->fd[0], ZMQ_RCVBATCH, 10);
	xsend(self->fd[1], out, sizeof(out), 0);
	xsend(self->fd[1], out, 5000, 0);
	ASSERT_TRUE(wait_in_msgs(self->fd[0], 2, KZ_WAIT_MS));
	EXPECT_ERR(EMSGSIZE, take(self->fd[0], &b, 59999, 8, 0));
	EXPECT_EQ(65000, take(self->fd[0], &b, 65536, 8, 0));
	EXPECT_EQ(2, b.n);
	EXPECT_TRUE(filled(b.data, 60000, 3));
	EXPECT_TRUE(filled(b.data + 60000, 5000, 3));
}

TEST_F(fr, batch_without_control_buffer)
{
	static struct batch b;

	xset(self->fd[0], ZMQ_RCVBATCH, 10);
	xsends(self->fd[1], "one", 0);
	xsendv(self->fd[1], "two", "three", NULL);
	ASSERT_TRUE(wait_in_msgs(self->fd[0], 2, KZ_WAIT_MS));
	EXPECT_EQ(3, take(self->fd[0], &b, 100, -1, 0));
	EXPECT_TRUE(b.flags & MSG_CTRUNC);
	EXPECT_TRUE(b.flags & MSG_EOR);
	EXPECT_EQ(8, take(self->fd[0], &b, 100, -1, 0));
	EXPECT_EQ(0, memcmp(b.data, "twothree", 8));
}

/* the two do not go together */
TEST_F(fr, batch_peek)
{
	static struct batch b;

	xset(self->fd[0], ZMQ_RCVBATCH, 10);
	xsends(self->fd[1], "one", 0);
	ASSERT_TRUE(wait_in_msgs(self->fd[0], 1, KZ_WAIT_MS));
	EXPECT_ERR(EINVAL, take(self->fd[0], &b, 100, 8, MSG_PEEK));
	EXPECT_EQ(3, take(self->fd[0], &b, 100, 8, 0));
	EXPECT_EQ(1, b.n);
}

/* turned on between two frames, the rest of the message comes as one */
TEST_F(fr, batch_turned_on_in_a_message)
{
	static struct batch b;
	char c[8];

	xsendv(self->fd[1], "a", "b", "c", NULL);
	xsends(self->fd[1], "next", 0);
	EXPECT_EQ(1, recv(self->fd[0], c, sizeof(c), 0));
	xset(self->fd[0], ZMQ_RCVBATCH, 1);
	EXPECT_EQ(2, take(self->fd[0], &b, 100, 8, 0));
	ASSERT_EQ(2, b.n);
	EXPECT_EQ((1 | M), b.len[0]);
	EXPECT_EQ(1, b.len[1]);
	EXPECT_EQ(0, memcmp(b.data, "bc", 2));
	xset(self->fd[0], ZMQ_RCVBATCH, 0);
	EXPECT_GOT(self->fd[0], "next");
}

TEST_F(fr, without_batch_no_control_message)
{
	static struct batch b;

	xsends(self->fd[1], "one", 0);
	EXPECT_EQ(3, take(self->fd[0], &b, 100, 8, 0));
	EXPECT_EQ(0, b.n);
	EXPECT_EQ(0, b.flags & MSG_CTRUNC);
}

TEST(router_batch_has_ids)
{
	static struct batch b;
	int fd[2];

	fd[0] = xsocket(ZMQ_ROUTER);
	fd[1] = xsocket(ZMQ_DEALER);
	xset_text(fd[1], ZMQ_ROUTING_ID, "me");
	char ep[EP_LEN];

	xbind_any(fd[0], ep);
	xconnect(fd[1], ep);
	xset(fd[0], ZMQ_RCVBATCH, 8);
	xsendv(fd[1], "a", "b", NULL);
	EXPECT_EQ(4, take(fd[0], &b, 100, 8, 0));
	ASSERT_EQ(3, b.n);
	EXPECT_EQ((2 | M), b.len[0]);
	EXPECT_EQ(0, memcmp(b.data, "meab", 4));
	/* and back: the id is the first frame */
	EXPECT_EQ(7, PUT(fd[0], "mereply", 2 | M, 5));
	EXPECT_GOT(fd[1], "reply");
}

/*
 * turned on between an id and its message: those after it in the same piece have
 * ids as well
 */
TEST(router_batch_after_an_id)
{
	static const __u32 want[] = { 1, 2 | M, 2, 2 | M, 3 };
	static struct batch b;
	char ep[EP_LEN], id[8];
	int fd[2], i, n = 0;

	fd[0] = xsocket(ZMQ_ROUTER);
	fd[1] = xsocket(ZMQ_DEALER);
	xset_text(fd[1], ZMQ_ROUTING_ID, "me");
	xbind_any(fd[0], ep);
	xconnect(fd[1], ep);
	EXPECT_EQ(6, PUT(fd[1], "122333", 1, 2, 3));
	ASSERT_TRUE(wait_in_msgs(fd[0], 3, KZ_WAIT_MS));
	ASSERT_EQ(2, recv(fd[0], id, sizeof(id), 0));
	xset(fd[0], ZMQ_RCVBATCH, 8);
	while (n < (int)ARRAY_SIZE(want)) {
		ASSERT_LT(0, take(fd[0], &b, 100, 16, 0));
		for (i = 0; i < b.n; i++, n++)
			ASSERT_EQ(want[n], b.len[i]);
	}
	EXPECT_QUIET(fd[0]);
}

#define SENDERS		4
#define PER_SENDER	60

struct sender {
	pthread_t thread;
	int fd, no, err;
};

static void *send_main(void *arg)
{
	struct sender *s = arg;
	char text[64];
	int i;

	for (i = 0; i < PER_SENDER; i++) {
		const __u32 len[] = { 2 | M, 4 | M, 2 };

		snprintf(text, sizeof(text), "%02d%04d%02d", s->no, i, s->no);
		if (put(s->fd, text, len, 3) != 8) {
			s->err = errno;
			break;
		}
	}
	return NULL;
}

static void check_message(struct __test_metadata *_metadata, int fd, int *seen)
{
	char f[3][8] = { "", "", "" };
	bool eor[3];
	int i, no;

	for (i = 0; i < 3; i++)
		ASSERT_LE(2, zrecv(fd, f[i], 7, 0, &eor[i]));
	ASSERT_FALSE(eor[0] || eor[1] || !eor[2]);
	ASSERT_STREQ(f[0], f[2]);
	no = atoi(f[0]);
	ASSERT_TRUE(no >= 0 && no < SENDERS);
	ASSERT_EQ(seen[no], atoi(f[1]));
	seen[no]++;
}

/* threads on one socket: no message is torn, each thread's order is kept */
static void atomicity(struct __test_metadata *_metadata, int type, int peer)
{
	struct sender s[SENDERS] = { 0 };
	int fd[2], i, seen[SENDERS] = { 0 };

	xpair(peer, type, fd);
	for (i = 0; i < SENDERS; i++) {
		s[i].fd = fd[1];
		s[i].no = i;
		ASSERT_EQ(0, pthread_create(&s[i].thread, NULL, send_main,
					    &s[i]));
	}
	for (i = 0; i < SENDERS * PER_SENDER; i++)
		check_message(_metadata, fd[0], seen);
	for (i = 0; i < SENDERS; i++) {
		pthread_join(s[i].thread, NULL);
		EXPECT_EQ(0, s[i].err);
		EXPECT_EQ(PER_SENDER, seen[i]);
	}
}

TEST(atomic_push)
{
	atomicity(_metadata, ZMQ_PUSH, ZMQ_PULL);
}

TEST(atomic_dealer)
{
	atomicity(_metadata, ZMQ_DEALER, ZMQ_DEALER);
}

/* net.core.optmem_max bounds the control buffer, as of any socket */
TEST_F(fr, too_much_control)
{
	size_t n = 100000;
	__u32 *len = calloc(n, sizeof(*len));
	struct iovec iov = { "", 0 };

	ASSERT_NE(NULL, len);
	EXPECT_ERR(ENOBUFS, send_frames(self->fd[1], &iov, 1, len, n, 0));
	xsends(self->fd[1], "fine", 0);
	EXPECT_GOT(self->fd[0], "fine");
	free(len);
}

/* a call of many frames, up to what the control buffer may hold */
TEST_F(fr, many_frames)
{
	static __u32 len[4096];
	static char data[4096], c[8];
	struct iovec iov = { data, sizeof(data) };
	int i;
	bool eor;

	for (i = 0; i < 4096; i++)
		len[i] = 1 | M;
	len[4095] = 1;
	fill(data, sizeof(data), 0);
	ASSERT_EQ(4096, send_frames(self->fd[1], &iov, 1, len, 4096, 0));
	for (i = 0; i < 4096; i++) {
		ASSERT_EQ(1, zrecv(self->fd[0], c, 8, 0, &eor));
		ASSERT_EQ(data[i], c[0]);
		ASSERT_EQ(i == 4095, eor);
	}
}

ZMQ_HARNESS_MAIN
