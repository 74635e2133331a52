// SPDX-License-Identifier: GPL-2.0
/* socket(2) and the calls around it; sharing by fork, dup and SCM_RIGHTS. */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/resource.h>
#include <sys/stat.h>

TEST(every_type)
{
	int type, fd;

	for (type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
		fd = zsocket(type);
		ASSERT_LE(0, fd);
		EXPECT_EQ(type, zget(fd, ZMQ_TYPE));
		xclose(fd);
	}
}

TEST(no_such_type)
{
	static const int bad[] = { -1, 12, 20, 100, 0x7fffffff };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERR(EPROTONOSUPPORT,
			   socket(AF_ZMQ, SOCK_SEQPACKET, bad[i]));
}

TEST(other_socket_kinds)
{
	static const int bad[] = {
		SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERR(ESOCKTNOSUPPORT, socket(AF_ZMQ, bad[i], ZMQ_PUSH));
}

TEST(flags)
{
	int fd = socket(AF_ZMQ, SOCK_SEQPACKET, ZMQ_PULL);
	char c;

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	xclose(fd);

	fd = socket(AF_ZMQ, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    ZMQ_PULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_ERR(EAGAIN, recv(fd, &c, 1, 0));
	xclose(fd);
}

TEST(what_it_is)
{
	int fd = xsocket(ZMQ_DEALER), val = 0;
	socklen_t len = sizeof(val);
	struct stat st;

	ASSERT_OK(fstat(fd, &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_OK(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &val, &len));
	EXPECT_EQ(AF_ZMQ, val);
	EXPECT_OK(getsockopt(fd, SOL_SOCKET, SO_TYPE, &val, &len));
	EXPECT_EQ(SOCK_SEQPACKET, val);
	EXPECT_OK(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &val, &len));
	EXPECT_EQ(ZMQ_DEALER, val);
	EXPECT_OK(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &val, &len));
	EXPECT_EQ(0, val);
	EXPECT_OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &val, &len));
	EXPECT_EQ(0, val);
}

TEST(calls_that_make_no_sense)
{
	struct sockaddr_zmq sa;
	socklen_t len = sizeof(sa);
	int fd = xsocket(ZMQ_REP), sv[2];

	EXPECT_ERR(EOPNOTSUPP, listen(fd, 5));
	EXPECT_ERR(EOPNOTSUPP, accept(fd, NULL, NULL));
	EXPECT_ERR(EOPNOTSUPP, getpeername(fd, (struct sockaddr *)&sa, &len));
	EXPECT_ERR(EOPNOTSUPP, socketpair(AF_ZMQ, SOCK_SEQPACKET, ZMQ_PAIR, sv));
	xbind(fd, "tcp://127.0.0.1:*");
	EXPECT_ERR(EOPNOTSUPP, listen(fd, 5));
	EXPECT_ERR(EOPNOTSUPP, accept(fd, NULL, NULL));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_ERR(ESPIPE, lseek(fd, 0, SEEK_SET));
	EXPECT_ERR(ENOTTY, ioctl(fd, 0x12345678, &len));
}

TEST(getsockname_tells_the_endpoint)
{
	char ep[EP_LEN];
	struct sockaddr_zmq sa;
	socklen_t len = sizeof(sa);
	int fd = xsocket(ZMQ_PULL);

	memset(&sa, 0xaa, sizeof(sa));
	ASSERT_OK(getsockname(fd, (struct sockaddr *)&sa, &len));
	EXPECT_EQ(AF_ZMQ, sa.szmq_family);
	EXPECT_STREQ("", sa.szmq_endpoint);

	xbind_any(fd, ep);
	len = sizeof(sa);
	ASSERT_OK(getsockname(fd, (struct sockaddr *)&sa, &len));
	EXPECT_EQ(AF_ZMQ, sa.szmq_family);
	EXPECT_STREQ(ep, sa.szmq_endpoint);
	EXPECT_LE(offsetof(struct sockaddr_zmq, szmq_endpoint) + strlen(ep),
		  len);
	EXPECT_GE(sizeof(sa), len);
}

TEST(getsockname_short_buffer)
{
	struct sockaddr_zmq sa;
	socklen_t len = 6;
	char ep[EP_LEN];
	int fd = xsocket(ZMQ_PULL);

	xbind_any(fd, ep);
	memset(&sa, 0x55, sizeof(sa));
	ASSERT_OK(getsockname(fd, (struct sockaddr *)&sa, &len));
	EXPECT_LT(6, len);
	EXPECT_EQ(0, memcmp(sa.szmq_endpoint, "tcp:", 4));
	EXPECT_EQ(0x55, sa.szmq_endpoint[4]);
	EXPECT_ERR(EFAULT, getsockname(fd, (struct sockaddr *)8, &len));
	len = -1;
	EXPECT_ERR(EINVAL, getsockname(fd, (struct sockaddr *)&sa, &len));
}

/* Workers forked from one process take turns at one PULL. */
TEST(shared_by_fork)
{
	int fd[2], i, status, taken = 0;
	pid_t pid[3];
	char c;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i]) {
			int n = 0;

			while (recv(fd[0], &c, 1, 0) == 1 && c == 'x')
				n++;
			_exit(n);
		}
	}
	for (i = 0; i < 30; i++)
		xsends(fd[1], "x", 0);
	for (i = 0; i < 3; i++)
		xsends(fd[1], ".", 0);
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(wait_exit(pid[i], &status, KZ_WAIT_MS));
		ASSERT_TRUE(WIFEXITED(status));
		taken += WEXITSTATUS(status);
	}
	EXPECT_EQ(30, taken);
}

/* The child's exit does not end the parent's socket. */
TEST(survives_the_child)
{
	int fd[2], status;
	pid_t pid;

	xpair(ZMQ_PAIR, ZMQ_PAIR, fd);
	pid = fork();
	if (!pid) {
		xsends(fd[0], "from the child", 0);
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	EXPECT_GOT(fd[1], "from the child");
	xsends(fd[1], "to the parent", 0);
	EXPECT_GOT(fd[0], "to the parent");
}

static void pass_fd(int via, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, c = 'f';
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	KZ_CHECK(sendmsg(via, &msg, 0) == 1);
}

static int take_fd(int via)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	KZ_CHECK(recvmsg(via, &msg, 0) == 1);
	KZ_CHECK(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST(passed_by_scm_rights)
{
	int fd[2], via[2], status;
	pid_t pid;

	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, via));
	pid = fork();
	if (!pid) {
		int got = take_fd(via[1]);

		xsends(got, "by another process", 0);
		_exit(0);
	}
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	/* its last user exits as soon as it has sent */
	xset(fd[1], ZMQ_LINGER, kz_ms(KZ_WAIT_MS));
	pass_fd(via[0], fd[1]);
	xclose(fd[1]);
	EXPECT_GOT(fd[0], "by another process");
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* An AF_ZMQ descriptor that nobody took out of the stream goes with it. */
TEST(lost_in_flight)
{
	int fd[2], via[2];

	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, via));
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	pass_fd(via[0], fd[1]);
	xclose(fd[1]);
	EXPECT_TRUE(wait_peers(fd[0], 1, KZ_WAIT_MS));
	xclose(via[0]);
	xclose(via[1]);
	EXPECT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
}

/* AF_ZMQ itself carries no descriptors; as TCP it takes no notice of them. */
TEST(carries_no_rights)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, c = 'f';
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
	int fd[2];

	xpair(ZMQ_PAIR, ZMQ_PAIR, fd);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	EXPECT_EQ(1, sendmsg(fd[0], &msg, 0));
	memset(control, 0, sizeof(control));
	msg.msg_controllen = sizeof(control);
	EXPECT_EQ(1, recvmsg(fd[1], &msg, 0));
	EXPECT_EQ(0, msg.msg_controllen);
}

TEST(duplicated)
{
	int fd[2], copy;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	copy = dup(fd[1]);
	ASSERT_LE(0, copy);
	xclose(fd[1]);
	xsends(copy, "through the copy", 0);
	EXPECT_GOT(fd[0], "through the copy");
	xclose(copy);
	EXPECT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
}

/* exec closes what asked for it and keeps the rest */
TEST(kept_over_exec)
{
	char arg[64], ep[EP_LEN];
	int pull = xsocket(ZMQ_PULL), push, status;
	pid_t pid;

	xbind_any(pull, ep);
	push = socket(AF_ZMQ, SOCK_SEQPACKET, ZMQ_PUSH);
	ASSERT_LE(0, push);
	xconnect(push, ep);
	xpeers(push, 1);
	pid = fork();
	if (!pid) {
		snprintf(arg, sizeof(arg), "printf shell >&%d", push);
		execl("/bin/sh", "sh", "-c", arg, NULL);
		_exit(127);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	EXPECT_GOT(pull, "shell");
}

TEST(a_thousand_at_once)
{
	struct rlimit lim = { .rlim_cur = 4096, .rlim_max = 4096 };
	static int fd[1000];
	int i;

	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &lim));
	for (i = 0; i < 1000; i++) {
		fd[i] = zsocket(i % 12);
		ASSERT_LE(0, fd[i]);
	}
	for (i = 0; i < 1000; i++)
		xclose(fd[i]);
	for (i = 0; i < 1000; i++) {
		fd[0] = zsocket(i % 12);
		ASSERT_LE(0, fd[0]);
		xclose(fd[0]);
	}
}

TEST(out_of_descriptors)
{
	struct rlimit lim = { .rlim_cur = 16, .rlim_max = 4096 };
	int fd, last = -1;

	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &lim));
	while ((fd = zsocket(ZMQ_PUB)) >= 0)
		last = fd;
	EXPECT_EQ(EMFILE, errno);
	xclose(last);
	EXPECT_LE(0, zsocket(ZMQ_PUB));
}

TEST(shutdown_ends_it)
{
	static const int how[] = { SHUT_RD, SHUT_WR, SHUT_RDWR };
	char ep[EP_LEN], c;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(how); i++) {
		fd = xsocket(ZMQ_DEALER);
		xbind_any(fd, ep);
		ASSERT_OK(shutdown(fd, how[i]));
		EXPECT_OK(shutdown(fd, how[i]));
		EXPECT_ERR(ESHUTDOWN, send(fd, "x", 1, 0));
		EXPECT_ERR(ESHUTDOWN, recv(fd, &c, 1, 0));
		EXPECT_ERR(ESHUTDOWN, recv(fd, &c, 1, MSG_DONTWAIT));
		EXPECT_ERR(ESHUTDOWN, zbind(fd, "tcp://127.0.0.1:*"));
		EXPECT_ERR(ESHUTDOWN, zconnect(fd, "tcp://127.0.0.1:9"));
		EXPECT_EQ(ZMQ_DEALER, zget(fd, ZMQ_TYPE));
		EXPECT_OK(zset(fd, ZMQ_LINGER, 0));
		xclose(fd);
	}
	fd = xsocket(ZMQ_DEALER);
	EXPECT_ERR(EINVAL, shutdown(fd, 3));
	EXPECT_ERR(EINVAL, shutdown(fd, -1));
}

/* the port of a closed socket can be had again at once */
TEST(close_frees_the_port)
{
	int a = xsocket(ZMQ_PULL), b = xsocket(ZMQ_PULL), i;
	char ep[EP_LEN];

	xbind_any(a, ep);
	EXPECT_ERR(EADDRINUSE, zbind(b, ep));
	for (i = 0; i < 20; i++) {
		xclose(a);
		a = xsocket(ZMQ_PULL);
		EXPECT_OK(zbind(a, ep));
	}
	ASSERT_OK(shutdown(a, SHUT_RDWR));
	xclose(a);
	EXPECT_OK(zbind(b, ep));
}

/* An unprivileged user may open sockets as he may open TCP sockets. */
TEST(unprivileged)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		char ep[EP_LEN];
		int fd;

		KZ_CHECK(!setgid(65534) && !setuid(65534));
		fd = xsocket(ZMQ_REP);
		xbind_any(fd, ep);
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

ZMQ_HARNESS_MAIN
