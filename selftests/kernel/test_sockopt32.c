// SPDX-License-Identifier: GPL-2.0
/* CFLAGS: -m32 */
/* A 32-bit program on a 64-bit kernel: layouts, time limits, control data. */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/time.h>

TEST(is_32_bit)
{
	EXPECT_EQ(4, sizeof(long));
	EXPECT_EQ(128, sizeof(struct sockaddr_zmq));
	EXPECT_EQ(72, sizeof(struct zmq_stats));
}

TEST(traffic)
{
	char buf[100];
	int fd[2];

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsendv(fd[1], "a", "bb", NULL);
	EXPECT_GOT(fd[0], "a", "bb");
	EXPECT_EQ(3, write(fd[1], "abc", 3));
	EXPECT_EQ(3, read(fd[0], buf, sizeof(buf)));
}

TEST(names)
{
	struct sockaddr_zmq sa;
	socklen_t len = sizeof(sa);
	char ep[EP_LEN];
	int fd = xsocket(ZMQ_PULL);

	xbind_any(fd, ep);
	ASSERT_OK(getsockname(fd, (struct sockaddr *)&sa, &len));
	EXPECT_STREQ(ep, sa.szmq_endpoint);
}

TEST(integers)
{
	int fd = xsocket(ZMQ_DEALER), val;
	socklen_t len = 8;
	char big[8];

	xset(fd, ZMQ_SNDHWM, 77);
	EXPECT_EQ(77, zget(fd, ZMQ_SNDHWM));
	EXPECT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_SNDHWM, big, &len));
	EXPECT_EQ(4, len);
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_SNDHWM, big, 8));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_SNDHWM, BADPTR, 4));
	len = 4;
	EXPECT_ERR(EFAULT, getsockopt(fd, SOL_ZMQ, ZMQ_SNDHWM, BADPTR, &len));
	EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, 999, &val, &len));
}

TEST(wide_integers)
{
	long long val = 1LL << 33;
	int fd = xsocket(ZMQ_PULL);
	socklen_t len = sizeof(val);

	EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_MAXMSGSIZE, &val, 8));
	val = 0;
	EXPECT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_MAXMSGSIZE, &val, &len));
	EXPECT_EQ(1LL << 33, val);
	val = -1;
	EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_AFFINITY, &val, 8));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_AFFINITY, &val, 4));
}

TEST(time_limits)
{
	struct timeval tv = { .tv_sec = 3, .tv_usec = 500000 };
	int fd = xsocket(ZMQ_PULL);
	socklen_t len = sizeof(tv);
	long long t;
	char c;

	ASSERT_OK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	EXPECT_EQ(3500, zget(fd, ZMQ_RCVTIMEO));
	xset(fd, ZMQ_SNDTIMEO, 2240);
	tv.tv_sec = 0;
	ASSERT_OK(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len));
	EXPECT_EQ(2, tv.tv_sec);
	EXPECT_EQ(240000, tv.tv_usec);
	xset(fd, ZMQ_RCVTIMEO, 40);
	t = kz_now_ms();
	EXPECT_ERR(EAGAIN, recv(fd, &c, 1, 0));
	EXPECT_LE(20, kz_now_ms() - t);
}

TEST(frames)
{
	const __u32 len[] = { 1 | ZMQ_FRAME_MORE, 2, 3 };
	struct iovec iov[2] = { { "ab", 2 }, { "cdef", 4 } };
	char buf[64];
	__u32 got[8];
	int fd[2], n = 8, flags = 0;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	EXPECT_EQ(6, send_frames(fd[1], iov, 2, len, 3, 0));
	xset(fd[0], ZMQ_RCVBATCH, 8);
	ASSERT_TRUE(wait_in_msgs(fd[0], 2, KZ_WAIT_MS));
	EXPECT_EQ(6, recv_frames(fd[0], buf, sizeof(buf), got, &n, &flags));
	ASSERT_EQ(3, n);
	EXPECT_EQ(0, memcmp(got, len, sizeof(len)));
	EXPECT_EQ(0, memcmp(buf, "abcdef", 6));
	EXPECT_TRUE(flags & MSG_EOR);
	EXPECT_ERR(EINVAL, send_frames(fd[1], iov, 2, len, 2, 0));
}

TEST(frames_too_small)
{
	char buf[64];
	__u32 got[8];
	int fd[2], n = 1, flags = 0;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xset(fd[0], ZMQ_RCVBATCH, 8);
	xsendv(fd[1], "a", "b", NULL);
	EXPECT_ERR(EMSGSIZE, recv_frames(fd[0], buf, 64, got, &n, &flags));
	n = 2;
	flags = 0;
	EXPECT_EQ(2, recv_frames(fd[0], buf, 64, got, &n, &flags));
	EXPECT_EQ(2, n);
}

TEST(many_messages_per_call)
{
	struct iovec iov[3] = { { "1", 1 }, { "2", 1 }, { "3", 1 } };
	struct mmsghdr m[3] = { 0 };
	int fd[2], i;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 3; i++) {
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	EXPECT_EQ(3, sendmmsg(fd[1], m, 3, 0));
	EXPECT_GOT(fd[0], "1");
	EXPECT_GOT(fd[0], "2");
	EXPECT_GOT(fd[0], "3");
}

TEST(queue_sizes)
{
	int fd[2], n = -1;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsends(fd[1], "12345", 0);
	ASSERT_TRUE(wait_ready(fd[0], POLLIN));
	EXPECT_OK(ioctl(fd[0], FIONREAD, &n));
	EXPECT_EQ(5, n);
	EXPECT_OK(ioctl(fd[1], TIOCOUTQ, &n));
	EXPECT_EQ(0, n);
}

TEST(stats)
{
	struct zmq_stats st;
	int fd[2];

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsends(fd[1], "12345", 0);
	ASSERT_TRUE(wait_in_msgs(fd[0], 1, KZ_WAIT_MS));
	xstats(fd[0], &st);
	EXPECT_EQ(72, st.size);
	EXPECT_EQ(5, st.in_bytes);
	EXPECT_EQ(1, st.peers);
}

ZMQ_HARNESS_MAIN
