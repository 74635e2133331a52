// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 180 */
/* Frames in and out by every call there is for it, flags, sizes, pointers. */
#include "kselftest_harness.h"
#include "lib.h"

#include <linux/sockios.h>
#include <sys/sendfile.h>

FIXTURE(sr) {
	int fd[2];
};

FIXTURE_SETUP(sr)
{
	xpair(ZMQ_PAIR, ZMQ_PAIR, self->fd);
}

FIXTURE_TEARDOWN(sr)
{
	xclose(self->fd[0]);
	xclose(self->fd[1]);
}

TEST_F(sr, one_frame)
{
	char buf[16];
	bool eor;

	EXPECT_EQ(5, send(self->fd[0], "hello", 5, 0));
	EXPECT_EQ(5, zrecv(self->fd[1], buf, sizeof(buf), 0, &eor));
	EXPECT_TRUE(eor);
	EXPECT_EQ(0, memcmp(buf, "hello", 5));
	EXPECT_EQ(0, zget(self->fd[1], ZMQ_RCVMORE));
}

TEST_F(sr, more_and_eor)
{
	char buf[16];
	bool eor;

	EXPECT_EQ(1, send(self->fd[0], "a", 1, MSG_MORE));
	EXPECT_EQ(1, send(self->fd[0], "b", 1, MSG_MORE | MSG_EOR));
	EXPECT_EQ(1, send(self->fd[0], "c", 1, MSG_EOR));
	EXPECT_EQ(1, zrecv(self->fd[1], buf, sizeof(buf), 0, &eor));
	EXPECT_FALSE(eor);
	EXPECT_EQ(1, zget(self->fd[1], ZMQ_RCVMORE));
	EXPECT_EQ(1, zrecv(self->fd[1], buf, sizeof(buf), 0, &eor));
	EXPECT_TRUE(eor);
	EXPECT_EQ('b', buf[0]);
	EXPECT_EQ(0, zget(self->fd[1], ZMQ_RCVMORE));
	EXPECT_GOT(self->fd[1], "c");
}

/* not a frame is seen before the last one is there */
TEST_F(sr, half_message_is_invisible)
{
	char c;

	xsends(self->fd[0], "a", MSG_MORE);
	EXPECT_QUIET(self->fd[1]);
	xsends(self->fd[0], "b", 0);
	EXPECT_GOT(self->fd[1], "a", "b");
	EXPECT_ERR(EAGAIN, recv(self->fd[1], &c, 1, MSG_DONTWAIT));
}

TEST_F(sr, half_message_goes_with_close)
{
	xset(self->fd[1], ZMQ_LINGER, -1);
	xsends(self->fd[1], "whole", 0);
	xsends(self->fd[1], "half", MSG_MORE);
	xclose(self->fd[1]);
	EXPECT_TRUE(wait_peers(self->fd[0], 0, KZ_WAIT_MS));
	EXPECT_GOT(self->fd[0], "whole");
	EXPECT_QUIET(self->fd[0]);
	self->fd[1] = xsocket(ZMQ_PAIR);
}

TEST_F(sr, dontwait_and_nonblock)
{
	char c;

	EXPECT_ERR(EAGAIN, recv(self->fd[0], &c, 1, MSG_DONTWAIT));
	EXPECT_EQ(0, read(self->fd[0], &c, 0));
	ASSERT_OK(fcntl(self->fd[0], F_SETFL, O_NONBLOCK));
	EXPECT_ERR(EAGAIN, recv(self->fd[0], &c, 1, 0));
	EXPECT_ERR(EAGAIN, read(self->fd[0], &c, 1));
}

TEST_F(sr, peek)
{
	char buf[8];
	bool eor;
	int i;

	xsendv(self->fd[0], "first", "second", NULL);
	ASSERT_TRUE(wait_ready(self->fd[1], POLLIN));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(5, zrecv(self->fd[1], buf, sizeof(buf), MSG_PEEK,
				   &eor));
		EXPECT_FALSE(eor);
		EXPECT_EQ(0, memcmp(buf, "first", 5));
	}
	EXPECT_EQ(2, recv(self->fd[1], buf, 2, MSG_PEEK));
	EXPECT_EQ(5, recv(self->fd[1], NULL, 0, MSG_PEEK | MSG_TRUNC));
	EXPECT_GOT(self->fd[1], "first", "second");
	EXPECT_ERR(EAGAIN, recv(self->fd[1], buf, 1, MSG_PEEK | MSG_DONTWAIT));
}

TEST_F(sr, truncation)
{
	char buf[4];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	xsends(self->fd[0], "0123456789", 0);
	xsends(self->fd[0], "0123456789", 0);
	xsends(self->fd[0], "0123", 0);
	xsends(self->fd[0], "end", 0);
	EXPECT_EQ(4, recvmsg(self->fd[1], &msg, 0));
	EXPECT_EQ(MSG_TRUNC | MSG_EOR, msg.msg_flags & (MSG_TRUNC | MSG_EOR));
	EXPECT_EQ(0, memcmp(buf, "0123", 4));
	EXPECT_EQ(10, recvmsg(self->fd[1], &msg, MSG_TRUNC));
	EXPECT_EQ(MSG_TRUNC | MSG_EOR, msg.msg_flags & (MSG_TRUNC | MSG_EOR));
	EXPECT_EQ(4, recvmsg(self->fd[1], &msg, 0));
	EXPECT_EQ(MSG_EOR, msg.msg_flags & (MSG_TRUNC | MSG_EOR));
	EXPECT_GOT(self->fd[1], "end");
}

/* nothing is lost, whatever there is room for, also of an empty buffer */
TEST_F(sr, whole_frames_only)
{
	char buf[16];
	int next;

	xsends(self->fd[0], "hello", MSG_MORE);
	xsends(self->fd[0], "you", 0);
	EXPECT_ERR(EMSGSIZE, recv(self->fd[1], buf, 4, ZMQ_RECV_WHOLE));
	EXPECT_ERR(EMSGSIZE, recv(self->fd[1], NULL, 0, ZMQ_RECV_WHOLE));
	EXPECT_EQ(0, ioctl(self->fd[1], SIOCINQ, &next));
	EXPECT_EQ(5, next);
	EXPECT_EQ(ZMQ_POLLIN, zget(self->fd[1], ZMQ_EVENTS) & ZMQ_POLLIN);
	EXPECT_EQ(5, recv(self->fd[1], buf, 5, ZMQ_RECV_WHOLE));
	EXPECT_EQ(1, zget(self->fd[1], ZMQ_RCVMORE));
	EXPECT_ERR(EMSGSIZE, recv(self->fd[1], buf, 2, ZMQ_RECV_WHOLE));
	EXPECT_EQ(3, recv(self->fd[1], buf, 16, ZMQ_RECV_WHOLE));
	EXPECT_EQ(0, zget(self->fd[1], ZMQ_RCVMORE));
	EXPECT_ERR(EAGAIN, recv(self->fd[1], buf, 2,
				ZMQ_RECV_WHOLE | MSG_DONTWAIT));
}

/* one call tells all there is to know about a frame */
TEST_F(sr, head_before_the_frame)
{
	struct {
		struct zmq_recv_head h;
		char text[8];
	} b;
	__u64 from;

	xsends(self->fd[0], "hello", MSG_MORE);
	xsends(self->fd[0], "you", 0);
	xsends(self->fd[0], "again", 0);
	EXPECT_ERR(EINVAL, recv(self->fd[1], &b, sizeof(b.h) - 1, ZMQ_RECV_HEAD));
	EXPECT_ERR(EMSGSIZE, recv(self->fd[1], &b, sizeof(b.h) + 4,
				  ZMQ_RECV_HEAD | ZMQ_RECV_WHOLE));
	ASSERT_EQ(sizeof(b.h) + 5, recv(self->fd[1], &b, sizeof(b),
					ZMQ_RECV_HEAD | ZMQ_RECV_WHOLE));
	EXPECT_EQ(5, b.h.len);
	EXPECT_EQ(ZMQ_RECV_MORE, b.h.flags);
	EXPECT_NE(0, b.h.handle);
	EXPECT_EQ(0, memcmp(b.text, "hello", 5));
	from = b.h.handle;
	ASSERT_EQ(sizeof(b.h) + 3, recv(self->fd[1], &b, sizeof(b),
					ZMQ_RECV_HEAD));
	EXPECT_EQ(3, b.h.len);
	EXPECT_EQ(0, b.h.flags);
	EXPECT_EQ(from, b.h.handle);
	/* cut, but the length is told */
	ASSERT_EQ(sizeof(b.h) + 2, recv(self->fd[1], &b, sizeof(b.h) + 2,
					ZMQ_RECV_HEAD));
	EXPECT_EQ(5, b.h.len);
	EXPECT_EQ(0, memcmp(b.text, "ag", 2));
}

TEST_F(sr, truncated_to_nothing)
{
	char buf[4];

	xsendv(self->fd[0], "abc", "def", NULL);
	EXPECT_EQ(0, recv(self->fd[1], buf, 0, 0));
	EXPECT_GOT(self->fd[1], "def");
}

TEST_F(sr, empty_frames)
{
	char buf[4];
	bool eor;

	EXPECT_EQ(0, send(self->fd[0], "", 0, 0));
	EXPECT_EQ(0, send(self->fd[0], NULL, 0, MSG_MORE));
	EXPECT_EQ(0, send(self->fd[0], NULL, 0, 0));
	EXPECT_EQ(0, zrecv(self->fd[1], buf, sizeof(buf), 0, &eor));
	EXPECT_TRUE(eor);
	EXPECT_EQ(0, zrecv(self->fd[1], buf, sizeof(buf), 0, &eor));
	EXPECT_FALSE(eor);
	EXPECT_EQ(0, zrecv(self->fd[1], buf, sizeof(buf), 0, &eor));
	EXPECT_TRUE(eor);
	EXPECT_ERR(EAGAIN, recv(self->fd[1], buf, 1, MSG_DONTWAIT));
}

TEST_F(sr, read_and_write)
{
	struct iovec out[3] = {
		{ .iov_base = "gather", .iov_len = 6 },
		{ .iov_base = NULL, .iov_len = 0 },
		{ .iov_base = "ed", .iov_len = 2 },
	};
	char a[3], b[32];
	struct iovec in[2] = {
		{ .iov_base = a, .iov_len = sizeof(a) },
		{ .iov_base = b, .iov_len = sizeof(b) },
	};

	EXPECT_EQ(5, write(self->fd[0], "plain", 5));
	EXPECT_EQ(5, read(self->fd[1], b, sizeof(b)));
	EXPECT_EQ(8, writev(self->fd[0], out, 3));
	EXPECT_EQ(8, readv(self->fd[1], in, 2));
	EXPECT_EQ(0, memcmp(a, "gat", 3));
	EXPECT_EQ(0, memcmp(b, "hered", 5));
	/* a write is a last frame, so it ends what was begun */
	xsends(self->fd[0], "begun", MSG_MORE);
	EXPECT_EQ(3, write(self->fd[0], "end", 3));
	EXPECT_GOT(self->fd[1], "begun", "end");
	EXPECT_ERR(ESPIPE, pwrite(self->fd[0], "x", 1, 0));
}

TEST_F(sr, sendmmsg_of_messages)
{
	char text[10][8], got[10][8];
	struct iovec out[10], in[10];
	struct mmsghdr mo[10] = { 0 }, mi[10] = { 0 };
	int i, n, done;

	for (i = 0; i < 10; i++) {
		snprintf(text[i], 8, "m%d", i);
		out[i] = (struct iovec){ text[i], strlen(text[i]) };
		in[i] = (struct iovec){ got[i], 8 };
		mo[i].msg_hdr.msg_iov = &out[i];
		mo[i].msg_hdr.msg_iovlen = 1;
		mi[i].msg_hdr.msg_iov = &in[i];
		mi[i].msg_hdr.msg_iovlen = 1;
	}
	EXPECT_EQ(10, sendmmsg(self->fd[0], mo, 10, 0));
	ASSERT_TRUE(wait_in_msgs(self->fd[1], 10, KZ_WAIT_MS));
	for (done = 0; done < 10; done += n) {
		n = recvmmsg(self->fd[1], mi + done, 10 - done,
			     MSG_WAITFORONE, NULL);
		ASSERT_LT(0, n);
	}
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(2, mi[i].msg_len);
		EXPECT_EQ(0, memcmp(text[i], got[i], 2));
		EXPECT_EQ(MSG_EOR, mi[i].msg_hdr.msg_flags & MSG_EOR);
	}
}

/* sendmmsg(MSG_MORE) whose last entry says MSG_EOR is one message */
TEST_F(sr, sendmmsg_of_frames)
{
	struct iovec iov[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } };
	struct mmsghdr m[3] = { 0 };
	int i;

	for (i = 0; i < 3; i++) {
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	EXPECT_EQ(2, sendmmsg(self->fd[0], m, 2, MSG_MORE));
	EXPECT_EQ(1, sendmmsg(self->fd[0], m + 2, 1, MSG_MORE | MSG_EOR));
	EXPECT_GOT(self->fd[1], "a", "bb", "ccc");
	m[2].msg_hdr.msg_flags = MSG_EOR;
	EXPECT_EQ(3, sendmmsg(self->fd[0], m, 3, MSG_MORE));
	EXPECT_GOT(self->fd[1], "a", "bb", "ccc");
}

static const size_t sizes[] = {
	0, 1, 2, 29, 30, 33, 34, 63, 64, 127, 128, 253, 254, 255, 256, 257,
	511, 512, 1000, 1024, 1400, 2048, 4000, 4095, 4096, 4097, 8190, 8191,
	8192, 8193, 16384, 32767, 32768, 65535, 65536, 65537, 131072, 262143,
	1048576, 1048577, 4194304, 10485760,
};

static void round_trip(struct __test_metadata *_metadata, const int *fd,
		       size_t len, char *buf)
{
	ssize_t n;

	fill(buf, len, len);
	xsend(fd[0], buf, len, 0);
	memset(buf, 0, len + 1);
	n = recv(fd[1], buf, len + 1, 0);
	ASSERT_EQ((ssize_t)len, n)
		TH_LOG("size %zu: %s", len, strerror(errno));
	ASSERT_TRUE(filled(buf, len, len))
		TH_LOG("size %zu", len);
}

TEST_F_TIMEOUT(sr, every_size, 120)
{
	char *buf = malloc(10485760 + 1);
	size_t i;

	ASSERT_NE(NULL, buf);
	xtimeo(self->fd[0], kz_ms(20000), kz_ms(20000));
	xtimeo(self->fd[1], kz_ms(20000), kz_ms(20000));
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		round_trip(_metadata, self->fd, sizes[i], buf);
	for (i = ARRAY_SIZE(sizes); i--;)
		round_trip(_metadata, self->fd, sizes[i], buf);
	free(buf);
}

/* small after large, in one message and all queued before the first read */
TEST_F(sr, sizes_mixed_in_one_message)
{
	static const size_t len[] = { 3, 100000, 0, 256, 255, 70000, 1 };
	char *buf = malloc(100001);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		fill(buf, len[i], i);
		xsend(self->fd[0], buf, len[i],
		      i + 1 < ARRAY_SIZE(len) ? MSG_MORE : 0);
	}
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		bool eor;

		ASSERT_EQ((ssize_t)len[i],
			  zrecv(self->fd[1], buf, 100001, 0, &eor));
		EXPECT_TRUE(filled(buf, len[i], i));
		EXPECT_EQ(i + 1 == ARRAY_SIZE(len), eor);
	}
	free(buf);
}

TEST_F(sr, bad_pointers_to_send)
{
	struct iovec iov[3] = { { "a", 1 }, { "b", 1 }, { "c", 1 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	EXPECT_ERR(EFAULT, send(self->fd[0], BADPTR, 1, 0));
	EXPECT_ERR(EFAULT, send(self->fd[0], BADPTR, 100000, 0));
	EXPECT_ERR(EFAULT, write(self->fd[0], BADPTR, 5));
	EXPECT_ERR(EFAULT, sendmsg(self->fd[0], BADPTR, 0));
	for (i = 0; i < 3; i++) {
		void *ok = iov[i].iov_base;

		iov[i].iov_base = BADPTR;
		EXPECT_ERR(EFAULT, sendmsg(self->fd[0], &msg, 0));
		iov[i].iov_base = ok;
	}
	msg.msg_iov = BADPTR;
	EXPECT_ERR(EFAULT, sendmsg(self->fd[0], &msg, 0));
	msg.msg_iov = iov;
	msg.msg_control = BADPTR;
	msg.msg_controllen = 64;
	EXPECT_ERR(EFAULT, sendmsg(self->fd[0], &msg, 0));
	msg.msg_control = NULL;
	msg.msg_controllen = 0;
	msg.msg_iovlen = UIO_MAXIOV + 1;
	EXPECT_ERR(EMSGSIZE, sendmsg(self->fd[0], &msg, 0));
	/* readable at first, then not */
	ASSERT_NE(MAP_FAILED, edge);
	ASSERT_OK(munmap(edge + 4096, 4096));
	EXPECT_ERR(EFAULT, send(self->fd[0], edge + 4090, 20, 0));
	EXPECT_ERR(EFAULT, send(self->fd[0], edge, 8000, 0));
	/* none of it arrived and the socket works */
	xsends(self->fd[0], "fine", 0);
	EXPECT_GOT(self->fd[1], "fine");
}

/* a frame that faults leaves the message that was begun as it was */
TEST_F(sr, fault_in_the_middle)
{
	xsends(self->fd[0], "a", MSG_MORE);
	EXPECT_ERR(EFAULT, send(self->fd[0], BADPTR, 10, MSG_MORE));
	xsends(self->fd[0], "b", 0);
	EXPECT_GOT(self->fd[1], "a", "b");
}

TEST_F(sr, bad_pointers_to_receive)
{
	char c;

	xsends(self->fd[0], "one", 0);
	xsends(self->fd[0], "two", 0);
	ASSERT_TRUE(wait_in_msgs(self->fd[1], 2, KZ_WAIT_MS));
	EXPECT_ERR(EFAULT, recv(self->fd[1], BADPTR, 10, MSG_PEEK));
	EXPECT_ERR(EFAULT, recvmsg(self->fd[1], BADPTR, 0));
	EXPECT_ERR(EFAULT, recv(self->fd[1], BADPTR, 10, 0));
	/* lost or kept, but the next whole message is whole */
	EXPECT_EQ(1, recv(self->fd[1], &c, 1, 0));
	EXPECT_TRUE(c == 't' || c == 'o');
}

TEST_F(sr, out_of_band)
{
	char c;

	EXPECT_ERR(EOPNOTSUPP, send(self->fd[0], "x", 1, MSG_OOB));
	EXPECT_ERR(EOPNOTSUPP, recv(self->fd[0], &c, 1, MSG_OOB));
	EXPECT_ERR(EAGAIN, recv(self->fd[0], &c, 1, MSG_ERRQUEUE));
}

TEST_F(sr, destination_address)
{
	struct sockaddr_zmq sa = {
		.szmq_family = AF_ZMQ, .szmq_endpoint = "tcp://127.0.0.1:1",
	};

	EXPECT_ERR(EISCONN, sendto(self->fd[0], "x", 1, 0,
				   (struct sockaddr *)&sa, sizeof(sa)));
	xsends(self->fd[0], "y", 0);
	EXPECT_GOT(self->fd[1], "y");
}

TEST_F(sr, no_source_address)
{
	struct sockaddr_zmq sa;
	socklen_t len = sizeof(sa);
	char c;

	xsends(self->fd[0], "y", 0);
	EXPECT_EQ(1, recvfrom(self->fd[1], &c, 1, 0, (struct sockaddr *)&sa,
			      &len));
	EXPECT_EQ(0, len);
}

TEST(directions)
{
	static const int no_send[] = { ZMQ_SUB, ZMQ_PULL };
	static const int no_recv[] = { ZMQ_PUB, ZMQ_PUSH };
	char c;
	int i, fd;

	for (i = 0; i < 2; i++) {
		fd = xsocket(no_send[i]);
		EXPECT_ERR(EOPNOTSUPP, send(fd, "x", 1, 0));
		EXPECT_ERR(EOPNOTSUPP, send(fd, "x", 1, MSG_DONTWAIT));
		EXPECT_ERR(EOPNOTSUPP, send(fd, "x", 1, MSG_MORE));
		EXPECT_ERR(EOPNOTSUPP, write(fd, "x", 1));
		fd = xsocket(no_recv[i]);
		EXPECT_ERR(EOPNOTSUPP, recv(fd, &c, 1, 0));
		EXPECT_ERR(EOPNOTSUPP, recv(fd, &c, 1, MSG_DONTWAIT));
		EXPECT_ERR(EOPNOTSUPP, recv(fd, &c, 1, MSG_PEEK));
		EXPECT_ERR(EOPNOTSUPP, read(fd, &c, 1));
	}
}

TEST_F(sr, inq_and_outq)
{
	char buf[64];
	int n = -1;

	EXPECT_OK(ioctl(self->fd[1], SIOCINQ, &n));
	EXPECT_EQ(0, n);
	EXPECT_OK(ioctl(self->fd[0], SIOCOUTQ, &n));
	EXPECT_EQ(0, n);
	xsendv(self->fd[0], "12345", "678", NULL);
	xsends(self->fd[0], "9", 0);
	ASSERT_TRUE(wait_in_msgs(self->fd[1], 2, KZ_WAIT_MS));
	/* they can be read a moment after they are counted */
	ASSERT_TRUE(wait_ready(self->fd[1], POLLIN));
	EXPECT_OK(ioctl(self->fd[1], SIOCINQ, &n));
	EXPECT_EQ(5, n);
	EXPECT_EQ(5, recv(self->fd[1], buf, sizeof(buf), 0));
	EXPECT_OK(ioctl(self->fd[1], FIONREAD, &n));
	EXPECT_EQ(3, n);
	EXPECT_EQ(3, recv(self->fd[1], buf, sizeof(buf), 0));
	EXPECT_OK(ioctl(self->fd[1], SIOCINQ, &n));
	EXPECT_EQ(1, n);
	EXPECT_EQ(1, recv(self->fd[1], buf, sizeof(buf), 0));
	EXPECT_OK(ioctl(self->fd[1], SIOCINQ, &n));
	EXPECT_EQ(0, n);
	EXPECT_ERR(EFAULT, ioctl(self->fd[1], SIOCINQ, BADPTR));
	EXPECT_ERR(EFAULT, ioctl(self->fd[1], SIOCOUTQ, BADPTR));
}

TEST(outq_counts_what_waits)
{
	int fd = xsocket(ZMQ_PUSH), n = -1;
	char buf[1000] = { 0 };

	xconnect(fd, "tcp://127.0.0.1:9");
	xsend(fd, buf, sizeof(buf), 0);
	xsend(fd, buf, sizeof(buf), 0);
	EXPECT_OK(ioctl(fd, SIOCOUTQ, &n));
	EXPECT_LE(2000, n);
	EXPECT_GE(2200, n);
}

/* the file's content becomes frames, in order */
TEST_F(sr, sendfile)
{
	static char data[20000], got[20000];
	char name[] = "/tmp/kzmqXXXXXX";
	int f = mkstemp(name), fl;
	ssize_t n, at = 0;
	off_t off = 0;

	ASSERT_LE(0, f);
	unlink(name);
	fill(data, sizeof(data), 1);
	ASSERT_EQ((ssize_t)sizeof(data), write(f, data, sizeof(data)));
	n = sendfile(self->fd[0], f, &off, sizeof(data));
	if (n < 0 && (errno == EINVAL || errno == EOPNOTSUPP))
		SKIP(return, "no sendfile to AF_ZMQ");
	ASSERT_EQ((ssize_t)sizeof(data), n);
	fl = MSG_TRUNC;
	while (at < n) {
		ssize_t k = recv(self->fd[1], got + at, sizeof(got) - at, fl);

		ASSERT_LT(0, k);
		at += k;
	}
	EXPECT_EQ(n, at);
	EXPECT_TRUE(filled(got, at, 1));
}

TEST_F(sr, splice)
{
	int p[2];
	ssize_t n;
	char buf[64];

	ASSERT_OK(pipe(p));
	ASSERT_EQ(7, write(p[1], "spliced", 7));
	n = splice(p[0], NULL, self->fd[0], NULL, 7, 0);
	if (n < 0 && (errno == EINVAL || errno == EOPNOTSUPP))
		SKIP(return, "no splice to AF_ZMQ");
	EXPECT_EQ(7, n);
	EXPECT_EQ(7, recv(self->fd[1], buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "spliced", 7));
}

/* the last frame finds nobody: it was not sent, the ones before wait on */
TEST(last_frame_without_peer)
{
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL);
	char ep[EP_LEN];

	xbind_any(push, ep);
	xconnect(pull, ep);
	xpeers(push, 1);
	xsends(push, "a", MSG_MORE);
	xclose(pull);
	xpeers(push, 0);
	EXPECT_ERR(EAGAIN, send(push, "b", 1, MSG_DONTWAIT));
	EXPECT_ERR(EAGAIN, send(push, "c", 1, MSG_DONTWAIT));
	pull = xsocket(ZMQ_PULL);
	xconnect(pull, ep);
	xpeers(push, 1);
	xsends(push, "b", 0);
	EXPECT_GOT(pull, "a", "b");
	EXPECT_QUIET(pull);
}

/* bytes of a message that has only begun are bounded */
TEST(half_message_is_bounded)
{
	static char buf[65536];
	int fd[2], i;

	own_netns();
	ASSERT_OK(sysctl_set("msg_size_max", 1 << 20));
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 64; i++)
		if (send(fd[1], buf, sizeof(buf), MSG_MORE) < 0)
			break;
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_GE(17, i);
	EXPECT_LE(14, i);
	/* dropped as a whole: what follows is a new message */
	xsends(fd[1], "new", 0);
	EXPECT_GOT(fd[0], "new");
}

/* also when one frame alone is too much */
TEST(half_message_goes_with_a_large_frame)
{
	static char buf[8192];
	int fd[2];

	own_netns();
	ASSERT_OK(sysctl_set("msg_size_max", 4096));
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsend(fd[1], buf, 100, MSG_MORE);
	EXPECT_ERR(EMSGSIZE, send(fd[1], buf, 5000, 0));
	xsends(fd[1], "new", 0);
	EXPECT_GOT(fd[0], "new");
	EXPECT_ERR(EMSGSIZE, send(fd[1], buf, 4097, 0));
	xsend(fd[1], buf, 4096, 0);
	EXPECT_EQ(4096, recv(fd[0], buf, sizeof(buf), 0));
}

TEST(frames_are_bounded)
{
	int fd[2], i;

	own_netns();
	ASSERT_OK(sysctl_set("frames_max", 100));
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	errno = 0;
	for (i = 0; i < 200; i++)
		if (send(fd[1], "x", 1, MSG_MORE) < 0)
			break;
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_GE(100, i);
	xsends(fd[1], "new", 0);
	EXPECT_GOT(fd[0], "new");
}

ZMQ_HARNESS_MAIN
