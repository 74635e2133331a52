// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* LDLIBS: -luring */
/* AF_ZMQ by io_uring. */
#include "kselftest_harness.h"
#include "lib.h"

#include <liburing.h>

#define BUFS		16
#define BUF_SIZE	256
#define GROUP		7

FIXTURE(uring) {
	struct io_uring ring;
	int fd[2];
	struct io_uring_buf_ring *br;
	char *bufs;
	bool on;
};

FIXTURE_SETUP(uring)
{
	ASSERT_EQ(0, io_uring_queue_init(64, &self->ring, 0));
	self->on = true;
	xpair(ZMQ_PAIR, ZMQ_PAIR, self->fd);
}

FIXTURE_TEARDOWN(uring)
{
	if (self->on)
		io_uring_queue_exit(&self->ring);
	xclose(self->fd[0]);
	xclose(self->fd[1]);
}

static struct io_uring_sqe *sqe_get(struct io_uring *ring, __u64 tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	KZ_CHECK(sqe);
	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = tag;
	return sqe;
}

/* prep functions clear user_data in newer versions, so tag afterwards */
#define PREP(ring, tag, fn, ...)					\
	do {								\
		__u64 _tag = tag;					\
		struct io_uring_sqe *_sqe = sqe_get(ring, _tag);	\
									\
		fn(_sqe, __VA_ARGS__);					\
		_sqe->user_data = _tag;					\
	} while (0)

static bool cqe_next(struct io_uring *ring, struct io_uring_cqe *out)
{
	int ms = kz_ms(KZ_WAIT_MS), ret;
	struct __kernel_timespec ts = {
		.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000,
	};
	struct io_uring_cqe *cqe;

	ret = io_uring_wait_cqe_timeout(ring, &cqe, &ts);
	if (ret) {
		fprintf(stderr, "# no completion: %s\n", strerror(-ret));
		return false;
	}
	*out = *cqe;
	io_uring_cqe_seen(ring, cqe);
	return true;
}

static bool cqe_none(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

static int one_result(struct io_uring *ring)
{
	struct io_uring_cqe cqe;

	KZ_CHECK(io_uring_submit(ring) >= 1);
	KZ_CHECK(cqe_next(ring, &cqe));
	return cqe.res;
}

static void provide(struct io_uring *ring, struct io_uring_buf_ring **br,
		    char **bufs)
{
	struct io_uring_buf_reg reg = { 0 };
	int i;

	*br = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	*bufs = malloc(BUFS * BUF_SIZE);
	KZ_CHECK(*br != MAP_FAILED && *bufs);
	reg.ring_addr = (unsigned long)*br;
	reg.ring_entries = BUFS;
	reg.bgid = GROUP;
	errno = -io_uring_register_buf_ring(ring, &reg, 0);
	KZ_CHECK(!errno);
	io_uring_buf_ring_init(*br);
	for (i = 0; i < BUFS; i++)
		io_uring_buf_ring_add(*br, *bufs + i * BUF_SIZE, BUF_SIZE, i,
				      io_uring_buf_ring_mask(BUFS), i);
	io_uring_buf_ring_advance(*br, BUFS);
}

TEST_F(uring, send_and_recv)
{
	char buf[32];

	PREP(&self->ring, 1, io_uring_prep_send, self->fd[0], "hello", 5, 0);
	EXPECT_EQ(5, one_result(&self->ring));
	PREP(&self->ring, 2, io_uring_prep_recv, self->fd[1], buf,
	     sizeof(buf), 0);
	EXPECT_EQ(5, one_result(&self->ring));
	EXPECT_EQ(0, memcmp(buf, "hello", 5));
}

TEST_F(uring, recv_waits)
{
	struct io_uring_cqe cqe;
	char buf[32];

	PREP(&self->ring, 2, io_uring_prep_recv, self->fd[1], buf,
	     sizeof(buf), 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(cqe_none(&self->ring));
	xsends(self->fd[0], "late", 0);
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(4, cqe.res);
}

TEST_F(uring, send_waits)
{
	struct io_uring_cqe cqe;
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL);
	char ep[EP_LEN];

	xbind_any(push, ep);
	PREP(&self->ring, 1, io_uring_prep_send, push, "later", 5, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(cqe_none(&self->ring));
	xconnect(pull, ep);
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(5, cqe.res);
	EXPECT_GOT(pull, "later");
}

/* the octets of a send that had to wait are read again, all of them */
TEST_F(uring, sendmsg_waits)
{
	struct iovec iov = { "later", 5 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct io_uring_cqe cqe;
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL);
	char ep[EP_LEN];

	xbind_any(push, ep);
	PREP(&self->ring, 1, io_uring_prep_sendmsg, push, &m, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(cqe_none(&self->ring));
	xconnect(pull, ep);
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(5, cqe.res);
	EXPECT_GOT(pull, "later");
}

/* the same with two messages of two frames in one call */
TEST_F(uring, frames_wait)
{
	const __u32 len[4] = { 1 | ZMQ_FRAME_MORE, 2, 3 | ZMQ_FRAME_MORE, 0 };
	char control[CMSG_SPACE(sizeof(len))] = { 0 }, ep[EP_LEN];
	struct iovec iov[2] = { { "abb", 3 }, { "ccc", 3 } };
	struct msghdr m = {
		.msg_iov = iov, .msg_iovlen = 2,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL);
	struct io_uring_cqe cqe;

	c->cmsg_level = SOL_ZMQ;
	c->cmsg_type = ZMQ_CMSG_FRAMES;
	c->cmsg_len = CMSG_LEN(sizeof(len));
	memcpy(CMSG_DATA(c), len, sizeof(len));
	xbind_any(push, ep);
	PREP(&self->ring, 1, io_uring_prep_sendmsg, push, &m, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(cqe_none(&self->ring));
	xconnect(pull, ep);
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(6, cqe.res);
	EXPECT_GOT(pull, "a", "bb");
	EXPECT_GOT(pull, "ccc", "");
}

/* a message larger than a page, vectors that end inside it */
TEST_F(uring, large_waits)
{
	static char out[50000], in[50000];
	struct iovec iov[3] = {
		{ out, 1 }, { out + 1, 40000 }, { out + 40001, 9999 },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 3 };
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL);
	struct io_uring_cqe cqe;
	char ep[EP_LEN];

	fill(out, sizeof(out), 2);
	xbind_any(push, ep);
	PREP(&self->ring, 1, io_uring_prep_sendmsg, push, &m, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	xconnect(pull, ep);
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(50000, cqe.res);
	EXPECT_EQ(50000, recv(pull, in, sizeof(in), 0));
	EXPECT_TRUE(filled(in, sizeof(in), 2));
}

TEST_F(uring, dontwait)
{
	char c;

	PREP(&self->ring, 2, io_uring_prep_recv, self->fd[1], &c, 1,
	     MSG_DONTWAIT);
	EXPECT_EQ(-EAGAIN, one_result(&self->ring));
}

TEST_F(uring, errors)
{
	int pull = xsocket(ZMQ_PULL);

	PREP(&self->ring, 1, io_uring_prep_send, pull, "x", 1, 0);
	EXPECT_EQ(-EOPNOTSUPP, one_result(&self->ring));
	PREP(&self->ring, 1, io_uring_prep_send, self->fd[0], BADPTR, 1, 0);
	EXPECT_EQ(-EFAULT, one_result(&self->ring));
	ASSERT_OK(shutdown(pull, SHUT_RDWR));
	PREP(&self->ring, 1, io_uring_prep_recv, pull, &pull, 1, 0);
	EXPECT_EQ(-ESHUTDOWN, one_result(&self->ring));
}

TEST_F(uring, read_and_write)
{
	char buf[32];

	PREP(&self->ring, 1, io_uring_prep_write, self->fd[0], "w", 1, 0);
	EXPECT_EQ(1, one_result(&self->ring));
	PREP(&self->ring, 2, io_uring_prep_read, self->fd[1], buf, 32, 0);
	EXPECT_EQ(1, one_result(&self->ring));
}

TEST_F(uring, multipart_by_more)
{
	PREP(&self->ring, 1, io_uring_prep_send, self->fd[0], "a", 1, MSG_MORE);
	EXPECT_EQ(1, one_result(&self->ring));
	PREP(&self->ring, 1, io_uring_prep_send, self->fd[0], "b", 1, 0);
	EXPECT_EQ(1, one_result(&self->ring));
	EXPECT_GOT(self->fd[1], "a", "b");
}

/* linked sends go in order, one after the other */
TEST_F(uring, linked_sends)
{
	static const char *const part[] = { "1", "2", "3", "4" };
	struct io_uring_cqe cqe;
	int i;

	for (i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = sqe_get(&self->ring, i);

		io_uring_prep_send(sqe, self->fd[0], part[i], 1,
				   i < 3 ? MSG_MORE : 0);
		sqe->user_data = i;
		sqe->flags = i < 3 ? IOSQE_IO_LINK : 0;
	}
	ASSERT_EQ(4, io_uring_submit(&self->ring));
	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(cqe_next(&self->ring, &cqe));
		EXPECT_EQ(i, (int)cqe.user_data);
		EXPECT_EQ(1, cqe.res);
	}
	EXPECT_GOT(self->fd[1], "1", "2", "3", "4");
}

/* what follows a failed link is cancelled */
TEST_F(uring, broken_link)
{
	struct io_uring_cqe cqe;
	struct io_uring_sqe *sqe;
	int pull = xsocket(ZMQ_PULL);

	sqe = sqe_get(&self->ring, 1);
	io_uring_prep_send(sqe, pull, "x", 1, 0);
	sqe->user_data = 1;
	sqe->flags = IOSQE_IO_LINK;
	PREP(&self->ring, 2, io_uring_prep_send, self->fd[0], "y", 1, 0);
	ASSERT_EQ(2, io_uring_submit(&self->ring));
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(-EOPNOTSUPP, cqe.res);
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(-ECANCELED, cqe.res);
}

TEST_F(uring, sendmsg_and_recvmsg)
{
	struct iovec out[2] = { { "ab", 2 }, { "cd", 2 } };
	struct msghdr mo = { .msg_iov = out, .msg_iovlen = 2 };
	char buf[32];
	struct iovec in = { buf, sizeof(buf) };
	struct msghdr mi = { .msg_iov = &in, .msg_iovlen = 1 };

	PREP(&self->ring, 1, io_uring_prep_sendmsg, self->fd[0], &mo, MSG_MORE);
	EXPECT_EQ(4, one_result(&self->ring));
	PREP(&self->ring, 1, io_uring_prep_sendmsg, self->fd[0], &mo, 0);
	EXPECT_EQ(4, one_result(&self->ring));
	PREP(&self->ring, 2, io_uring_prep_recvmsg, self->fd[1], &mi, 0);
	EXPECT_EQ(4, one_result(&self->ring));
	EXPECT_EQ(0, mi.msg_flags & MSG_EOR);
	PREP(&self->ring, 2, io_uring_prep_recvmsg, self->fd[1], &mi, 0);
	EXPECT_EQ(4, one_result(&self->ring));
	EXPECT_EQ(MSG_EOR, mi.msg_flags & MSG_EOR);
}

TEST_F(uring, frames_both_ways)
{
	char control[CMSG_SPACE(64)] = { 0 }, buf[32];
	struct iovec out = { "abc", 3 }, in = { buf, sizeof(buf) };
	struct msghdr m = {
		.msg_iov = &out, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = CMSG_LEN(8),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	const __u32 len[2] = { 1 | ZMQ_FRAME_MORE, 2 };

	c->cmsg_level = SOL_ZMQ;
	c->cmsg_type = ZMQ_CMSG_FRAMES;
	c->cmsg_len = CMSG_LEN(8);
	memcpy(CMSG_DATA(c), len, 8);
	PREP(&self->ring, 1, io_uring_prep_sendmsg, self->fd[0], &m, 0);
	EXPECT_EQ(3, one_result(&self->ring));
	xset(self->fd[1], ZMQ_RCVBATCH, 4);
	memset(control, 0, sizeof(control));
	m.msg_iov = &in;
	m.msg_controllen = sizeof(control);
	PREP(&self->ring, 2, io_uring_prep_recvmsg, self->fd[1], &m, 0);
	EXPECT_EQ(3, one_result(&self->ring));
	c = CMSG_FIRSTHDR(&m);
	ASSERT_NE(NULL, c);
	EXPECT_EQ(ZMQ_CMSG_FRAMES, c->cmsg_type);
	EXPECT_EQ(CMSG_LEN(8), c->cmsg_len);
	EXPECT_EQ(0, memcmp(CMSG_DATA(c), len, 8));
}

TEST_F(uring, poll_once)
{
	struct io_uring_cqe cqe;

	PREP(&self->ring, 3, io_uring_prep_poll_add, self->fd[1], POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(cqe_none(&self->ring));
	xsends(self->fd[0], "x", 0);
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_TRUE(cqe.res & POLLIN);
}

/* each arrival is an event, also when the one before was not read */
TEST_F(uring, poll_multishot)
{
	struct io_uring_cqe cqe;
	int i;

	PREP(&self->ring, 3, io_uring_prep_poll_multishot, self->fd[1], POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 4; i++) {
		xsends(self->fd[0], "x", 0);
		ASSERT_TRUE(cqe_next(&self->ring, &cqe));
		EXPECT_TRUE(cqe.res & POLLIN);
		EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
	}
	for (i = 0; i < 4; i++)
		EXPECT_GOT(self->fd[1], "x");
}

TEST_F(uring, sock_nonempty)
{
	struct io_uring_cqe cqe;
	char buf[8];
	int i;

	for (i = 0; i < 2; i++)
		xsends(self->fd[0], "abc", 0);
	ASSERT_TRUE(wait_in_msgs(self->fd[1], 2, KZ_WAIT_MS));
	for (i = 0; i < 2; i++) {
		PREP(&self->ring, 2, io_uring_prep_recv, self->fd[1], buf,
		     sizeof(buf), 0);
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		ASSERT_TRUE(cqe_next(&self->ring, &cqe));
		EXPECT_EQ(3, cqe.res);
		EXPECT_EQ(i ? 0 : IORING_CQE_F_SOCK_NONEMPTY,
			  cqe.flags & IORING_CQE_F_SOCK_NONEMPTY);
	}
}

static void start_multishot(struct io_uring *ring, int fd)
{
	struct io_uring_sqe *sqe = sqe_get(ring, 5);

	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->user_data = 5;
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	KZ_CHECK(io_uring_submit(ring) == 1);
}

TEST_F(uring, recv_multishot)
{
	struct io_uring_cqe cqe;
	char text[8];
	int i, id;

	provide(&self->ring, &self->br, &self->bufs);
	start_multishot(&self->ring, self->fd[1]);
	for (i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		xsends(self->fd[0], text, 0);
	}
	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(cqe_next(&self->ring, &cqe));
		ASSERT_EQ(2, cqe.res);
		ASSERT_TRUE(cqe.flags & IORING_CQE_F_BUFFER);
		EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
		id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
		snprintf(text, sizeof(text), "m%d", i);
		EXPECT_EQ(0, memcmp(self->bufs + id * BUF_SIZE, text, 2));
	}
}

/* as documented: an empty frame ends a multishot receive */
TEST_F(uring, recv_multishot_and_empty_frame)
{
	struct io_uring_cqe cqe;

	provide(&self->ring, &self->br, &self->bufs);
	start_multishot(&self->ring, self->fd[1]);
	xsends(self->fd[0], "", 0);
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(0, cqe.res);
	EXPECT_EQ(0, cqe.flags & IORING_CQE_F_MORE);
	xsends(self->fd[0], "on", 0);
	start_multishot(&self->ring, self->fd[1]);
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(2, cqe.res);
}

/* no buffer left: the receive ends, the message stays */
TEST_F(uring, recv_multishot_out_of_buffers)
{
	struct io_uring_cqe cqe;
	int i;

	provide(&self->ring, &self->br, &self->bufs);
	start_multishot(&self->ring, self->fd[1]);
	for (i = 0; i < BUFS + 1; i++)
		xsends(self->fd[0], "x", 0);
	for (i = 0; i < BUFS; i++) {
		ASSERT_TRUE(cqe_next(&self->ring, &cqe));
		EXPECT_EQ(1, cqe.res);
	}
	ASSERT_TRUE(cqe_next(&self->ring, &cqe));
	EXPECT_EQ(-ENOBUFS, cqe.res);
	EXPECT_GOT(self->fd[1], "x");
}

TEST_F(uring, recvmsg_multishot_with_frames)
{
	struct msghdr m = { .msg_controllen = CMSG_SPACE(32) };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int i;

	provide(&self->ring, &self->br, &self->bufs);
	xset(self->fd[1], ZMQ_RCVBATCH, 1);
	sqe = sqe_get(&self->ring, 6);
	io_uring_prep_recvmsg_multishot(sqe, self->fd[1], &m, 0);
	sqe->user_data = 6;
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 3; i++)
		xsendv(self->fd[0], "ab", "c", NULL);
	for (i = 0; i < 3; i++) {
		const __u32 want[2] = { 2 | ZMQ_FRAME_MORE, 1 };
		struct io_uring_recvmsg_out *o;
		struct cmsghdr *c;
		char *buf;

		ASSERT_TRUE(cqe_next(&self->ring, &cqe));
		ASSERT_LT(0, cqe.res);
		buf = self->bufs + (cqe.flags >> IORING_CQE_BUFFER_SHIFT) *
		      BUF_SIZE;
		o = io_uring_recvmsg_validate(buf, cqe.res, &m);
		ASSERT_NE(NULL, o);
		EXPECT_EQ(3, o->payloadlen);
		EXPECT_TRUE(o->flags & MSG_EOR);
		EXPECT_EQ(0, memcmp(io_uring_recvmsg_payload(o, &m), "abc", 3));
		c = io_uring_recvmsg_cmsg_firsthdr(o, &m);
		ASSERT_NE(NULL, c);
		EXPECT_EQ(SOL_ZMQ, c->cmsg_level);
		EXPECT_EQ(CMSG_LEN(8), c->cmsg_len);
		EXPECT_EQ(0, memcmp(CMSG_DATA(c), want, 8));
	}
}

TEST_F(uring, cancel)
{
	struct io_uring_cqe cqe;
	bool seen_recv = false, seen_cancel = false;
	char buf[8];
	int i;

	PREP(&self->ring, 8, io_uring_prep_recv, self->fd[1], buf, 8, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	PREP(&self->ring, 9, io_uring_prep_cancel64, 8, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(cqe_next(&self->ring, &cqe));
		if (cqe.user_data == 8) {
			EXPECT_EQ(-ECANCELED, cqe.res);
			seen_recv = true;
		} else {
			EXPECT_EQ(0, cqe.res);
			seen_cancel = true;
		}
	}
	EXPECT_TRUE(seen_recv && seen_cancel);
	/* nothing was swallowed */
	xsends(self->fd[0], "kept", 0);
	EXPECT_GOT(self->fd[1], "kept");
}

TEST_F(uring, link_timeout)
{
	struct __kernel_timespec ts = { .tv_nsec = 30000000 };
	struct io_uring_sqe *sqe;
	struct io_uring_cqe cqe;
	int i, res[2] = { 0 };
	char buf[8];

	sqe = sqe_get(&self->ring, 0);
	io_uring_prep_recv(sqe, self->fd[1], buf, 8, 0);
	sqe->user_data = 0;
	sqe->flags |= IOSQE_IO_LINK;
	PREP(&self->ring, 1, io_uring_prep_link_timeout, &ts, 0);
	ASSERT_EQ(2, io_uring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(cqe_next(&self->ring, &cqe));
		res[cqe.user_data] = cqe.res;
	}
	EXPECT_EQ(-ECANCELED, res[0]);
	EXPECT_EQ(-ETIME, res[1]);
}

/* the descriptor may go while a receive hangs on it; the ring's end frees it */
TEST_F(uring, exit_with_receive_in_flight)
{
	char buf[8];

	PREP(&self->ring, 8, io_uring_prep_recv, self->fd[1], buf, 8, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	xclose(self->fd[1]);
	self->fd[1] = xsocket(ZMQ_PAIR);
	io_uring_queue_exit(&self->ring);
	self->on = false;
	EXPECT_TRUE(wait_peers(self->fd[0], 0, KZ_WAIT_MS));
}

/* not supported, which may be said or ignored; it must not hang */
TEST_F(uring, waitall)
{
	char buf[8];
	int res;

	xsends(self->fd[0], "abc", 0);
	xsends(self->fd[0], "def", 0);
	ASSERT_TRUE(wait_in_msgs(self->fd[1], 2, KZ_WAIT_MS));
	PREP(&self->ring, 2, io_uring_prep_recv, self->fd[1], buf, 6,
	     MSG_WAITALL);
	res = one_result(&self->ring);
	EXPECT_TRUE(res == 3 || res == 6 || res == -EINVAL ||
		    res == -EOPNOTSUPP);
	if (res == 3) {
		EXPECT_EQ(0, memcmp(buf, "abc", 3));
		EXPECT_GOT(self->fd[1], "def");
	}
}

/* requests of one batch on one socket are all answered */
TEST_F(uring, many_at_once)
{
	struct io_uring_cqe cqe;
	char buf[16][4];
	int i, sent = 0, got = 0;

	for (i = 0; i < 16; i++)
		PREP(&self->ring, 100 + i, io_uring_prep_recv, self->fd[1],
		     buf[i], 4, 0);
	for (i = 0; i < 16; i++)
		PREP(&self->ring, 200 + i, io_uring_prep_send, self->fd[0],
		     "abc", 3, 0);
	ASSERT_EQ(32, io_uring_submit(&self->ring));
	for (i = 0; i < 32; i++) {
		ASSERT_TRUE(cqe_next(&self->ring, &cqe));
		EXPECT_EQ(3, cqe.res);
		if (cqe.user_data >= 200)
			sent++;
		else
			got++;
	}
	EXPECT_EQ(16, sent);
	EXPECT_EQ(16, got);
}

ZMQ_HARNESS_MAIN
