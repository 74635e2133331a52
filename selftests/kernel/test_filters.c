// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* ZMQ_TCP_ACCEPT_FILTER and ZMQ_IPC_FILTER_*: whom a bound endpoint lets in. */
#include "kselftest_harness.h"
#include "lib.h"

#include <grp.h>
#include <sched.h>
#include <sys/un.h>

#define NAME	"kzmq-filter"
#define IPC	"ipc://@" NAME
#define UID	1234
#define GID	2345
#define OTHER	3456

FIXTURE(f) {
	int fd;
};

FIXTURE_SETUP(f)
{
	self->fd = xsocket(ZMQ_PULL);
}

FIXTURE_TEARDOWN(f)
{
	xclose(self->fd);
}

/* A plain TCP connection from an address of lo; may it come in? */
static bool tcp_comes_in(const char *ep, const char *from)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval tv = { .tv_sec = kz_ms(KZ_WAIT_MS) / 1000 };
	unsigned char c = 0;
	ssize_t n;

	KZ_CHECK(fd >= 0);
	KZ_CHECK(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	sin.sin_addr.s_addr = inet_addr(from);
	KZ_CHECK(!bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(ep_port(ep));
	KZ_CHECK(!connect(fd, (struct sockaddr *)&sin, sizeof(sin)));
	/* the greeting, or the end */
	n = recv(fd, &c, 1, 0);
	KZ_CHECK(n >= 0 || errno == ECONNRESET);
	xclose(fd);
	return n == 1 && c == 0xff;
}

static void any_port(int fd, const char *ip, char ep[EP_LEN])
{
	socklen_t len = EP_LEN;

	snprintf(ep, EP_LEN, "tcp://%s:*", ip);
	xbind(fd, ep);
	KZ_CHECK(!getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
}

TEST_F(f, tcp)
{
	char ep[EP_LEN], open[EP_LEN], again[EP_LEN];
	long before = mib("AcceptsFiltered");

	any_port(self->fd, "127.0.0.1", open);
	xset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.2");
	xset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "127.1.0.0/16");
	xset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "127.2.128.0/17");
	any_port(self->fd, "127.0.0.1", ep);
	EXPECT_TRUE(tcp_comes_in(ep, "127.0.0.2"));
	EXPECT_FALSE(tcp_comes_in(ep, "127.0.0.3"));
	EXPECT_TRUE(tcp_comes_in(ep, "127.1.255.3"));
	EXPECT_FALSE(tcp_comes_in(ep, "127.0.1.0"));
	EXPECT_TRUE(tcp_comes_in(ep, "127.2.128.1"));
	EXPECT_TRUE(tcp_comes_in(ep, "127.2.255.1"));
	EXPECT_FALSE(tcp_comes_in(ep, "127.2.127.1"));
	EXPECT_EQ(before + 3, mib("AcceptsFiltered"));
	/* what was bound before is as it was; so is what is bound after */
	EXPECT_TRUE(tcp_comes_in(open, "127.0.0.3"));
	EXPECT_OK(setsockopt(self->fd, SOL_ZMQ, ZMQ_TCP_ACCEPT_FILTER, NULL, 0));
	any_port(self->fd, "127.0.0.1", again);
	EXPECT_TRUE(tcp_comes_in(again, "127.0.0.3"));
	EXPECT_FALSE(tcp_comes_in(ep, "127.0.0.3"));
}

TEST_F(f, tcp_everybody_of_a_family)
{
	char ep[EP_LEN];

	xset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "::/0");
	any_port(self->fd, "127.0.0.1", ep);
	EXPECT_FALSE(tcp_comes_in(ep, "127.0.0.1"));
	xset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "0.0.0.0/0");
	any_port(self->fd, "127.0.0.1", ep);
	EXPECT_TRUE(tcp_comes_in(ep, "127.0.0.1"));
}

/* a socket for both versions: IPv4 peers are IPv4 peers */
TEST_F(f, tcp_dual)
{
	char ep[EP_LEN];
	socklen_t len = EP_LEN;

	xset(self->fd, ZMQ_IPV6, 1);
	xset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.0/30");
	if (zbind(self->fd, "tcp://*:*"))
		SKIP(return, "no IPv6 here");
	ASSERT_OK(getsockopt(self->fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	EXPECT_TRUE(tcp_comes_in(ep, "127.0.0.3"));
	EXPECT_FALSE(tcp_comes_in(ep, "127.0.0.4"));
	xset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "::ffff:127.0.0.4");
	ASSERT_OK(zbind(self->fd, "tcp://*:*"));
	len = EP_LEN;
	ASSERT_OK(getsockopt(self->fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	EXPECT_TRUE(tcp_comes_in(ep, "127.0.0.4"));
	EXPECT_FALSE(tcp_comes_in(ep, "127.0.0.5"));
}

TEST_F(f, tcp_ipv6)
{
	int in = xsocket(ZMQ_PUSH), out = xsocket(ZMQ_PULL);
	long before = mib("AcceptsFiltered");
	long long end;
	char ep[EP_LEN];
	socklen_t len = EP_LEN;

	xset(self->fd, ZMQ_IPV6, 1);
	xset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "::/127");
	if (zbind(self->fd, "tcp://[::1]:*"))
		SKIP(return, "no IPv6 here");
	ASSERT_OK(getsockopt(self->fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	xconnect(in, ep);
	xpeers(self->fd, 1);
	xset(out, ZMQ_IPV6, 1);
	xset_text(out, ZMQ_TCP_ACCEPT_FILTER, "::2/127");
	ASSERT_OK(zbind(out, "tcp://[::1]:*"));
	len = EP_LEN;
	ASSERT_OK(getsockopt(out, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	xset(in, ZMQ_RECONNECT_IVL, 10);
	xconnect(in, ep);
	/* refused again and again, and tried again: not a fault of anybody */
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	while (mib("AcceptsFiltered") < before + 3 && kz_now_ms() < end)
		poll1(out, POLLIN, 5);
	EXPECT_LE(before + 3, mib("AcceptsFiltered"));
	EXPECT_TRUE(wait_peers(out, 0, 0));
}

TEST_F(f, bad_texts)
{
	static const char *const bad[] = {
		"/", "/8", "127.0.0.1/", "127.0.0.1/33", "127.0.0.1/-1",
		"127.0.0.1/+1", "127.0.0.1/8x", "127.0.0.1/ 8", "127.0.0.1/0008",
		"127.0.0.1/4294967304", "::1/129", "[::1]", "[::1]/8", "lo", "*",
		"localhost", "127.0.0", "127.0.0.1:5555", "::1%lo", "x",
	};
	char big[300];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		EXPECT_EQ(-1, zset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, bad[i]))
			TH_LOG("'%s'", bad[i]);
		EXPECT_EQ(EINVAL, errno);
	}
	memset(big, '1', sizeof(big));
	EXPECT_ERR(EINVAL, setsockopt(self->fd, SOL_ZMQ, ZMQ_TCP_ACCEPT_FILTER,
				      big, sizeof(big)));
	EXPECT_ERR(EINVAL, setsockopt(self->fd, SOL_ZMQ, ZMQ_TCP_ACCEPT_FILTER,
				      "\0", 1));
	EXPECT_ERR(EFAULT, setsockopt(self->fd, SOL_ZMQ, ZMQ_TCP_ACCEPT_FILTER,
				      BADPTR, 9));
	EXPECT_OK(setsockopt(self->fd, SOL_ZMQ, ZMQ_TCP_ACCEPT_FILTER, "::1", 4));
}

TEST_F(f, lengths)
{
	static const int opt[] = {
		ZMQ_IPC_FILTER_PID, ZMQ_IPC_FILTER_UID, ZMQ_IPC_FILTER_GID,
	};
	int val[2] = { 1, 1 };
	socklen_t len;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(opt); i++) {
		for (len = 1; len <= sizeof(val); len++) {
			if (len == sizeof(int))
				continue;
			EXPECT_ERR(EINVAL, setsockopt(self->fd, SOL_ZMQ, opt[i],
						      val, len));
		}
		EXPECT_OK(setsockopt(self->fd, SOL_ZMQ, opt[i], val, 4));
		EXPECT_ERR(EFAULT, setsockopt(self->fd, SOL_ZMQ, opt[i], BADPTR,
					      4));
		len = sizeof(val);
		EXPECT_ERR(EINVAL, getsockopt(self->fd, SOL_ZMQ, opt[i], val,
					      &len));
	}
	/* no such user, no such group */
	EXPECT_ERR(EINVAL, zset(self->fd, ZMQ_IPC_FILTER_UID, -1));
	EXPECT_ERR(EINVAL, zset(self->fd, ZMQ_IPC_FILTER_GID, -1));
}

/* a list has an end */
TEST_F(f, many)
{
	char text[32];
	int i;

	for (i = 0; i < 1024; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
		ASSERT_OK(zset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, text));
	}
	EXPECT_ERR(ENOBUFS, zset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER,
				      "127.0.0.1"));
	EXPECT_OK(setsockopt(self->fd, SOL_ZMQ, ZMQ_TCP_ACCEPT_FILTER, NULL, 0));
	EXPECT_OK(zset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.1"));
}

/* In a process of its own, as this user and group, with a further group. */
static bool unix_comes_in(int uid, int gid, int group)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	gid_t extra = group;
	unsigned char c = 0;
	int status, fd;
	pid_t pid = fork();

	if (pid) {
		KZ_CHECK(wait_exit(pid, &status, 2 * KZ_WAIT_MS));
		KZ_CHECK(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		return WEXITSTATUS(status);
	}
	if (setgroups(group ? 1 : 0, &extra) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid))
		_exit(2);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(sun.sun_path + 1, NAME, strlen(NAME));
	if (connect(fd, (struct sockaddr *)&sun,
		    offsetof(struct sockaddr_un, sun_path) + 1 + strlen(NAME)))
		_exit(3);
	if (recv(fd, &c, 1, 0) < 0 && errno != ECONNRESET)
		_exit(4);
	_exit(c == 0xff);
}

TEST_F(f, uid)
{
	long before = mib("AcceptsFiltered");

	xset(self->fd, ZMQ_IPC_FILTER_UID, UID);
	xbind(self->fd, IPC);
	EXPECT_TRUE(unix_comes_in(UID, GID, 0));
	EXPECT_FALSE(unix_comes_in(OTHER, GID, 0));
	EXPECT_FALSE(unix_comes_in(0, 0, 0));
	EXPECT_TRUE(unix_comes_in(UID, OTHER, 0));
	EXPECT_EQ(before + 2, mib("AcceptsFiltered"));
}

TEST_F(f, gid)
{
	xset(self->fd, ZMQ_IPC_FILTER_GID, GID);
	xbind(self->fd, IPC);
	EXPECT_TRUE(unix_comes_in(UID, GID, 0));
	EXPECT_FALSE(unix_comes_in(UID, OTHER, 0));
	/* one of the further groups will do */
	EXPECT_TRUE(unix_comes_in(UID, OTHER, GID));
	EXPECT_FALSE(unix_comes_in(UID, OTHER, GID + 1));
}

TEST_F(f, pid)
{
	int push = xsocket(ZMQ_PUSH);

	xset(self->fd, ZMQ_IPC_FILTER_PID, getpid());
	xbind(self->fd, IPC);
	EXPECT_FALSE(unix_comes_in(0, 0, 0));
	xconnect(push, IPC);
	xpeers(self->fd, 1);
}

/* process numbers are those of who set the option */
TEST_F(f, pid_namespace)
{
	int status;
	pid_t pid, kid;

	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(2);
		kid = fork();
		if (!kid) {
			int fd = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);

			if (getpid() != 1)
				_exit(3);
			xset(fd, ZMQ_IPC_FILTER_PID, 1);
			xbind(fd, IPC);
			xconnect(push, IPC);
			_exit(!wait_peers(fd, 1, KZ_WAIT_MS));
		}
		if (waitpid(kid, &status, 0) != kid)
			_exit(4);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 5);
	}
	ASSERT_TRUE(wait_exit(pid, &status, 2 * KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* either of the three will do; TCP's filter is not asked */
TEST_F(f, any_of_them)
{
	xset(self->fd, ZMQ_IPC_FILTER_UID, UID);
	xset(self->fd, ZMQ_IPC_FILTER_UID, UID + 1);
	xset(self->fd, ZMQ_IPC_FILTER_GID, GID);
	xset(self->fd, ZMQ_IPC_FILTER_PID, 1);
	xset_text(self->fd, ZMQ_TCP_ACCEPT_FILTER, "192.0.2.1");
	xbind(self->fd, IPC);
	EXPECT_TRUE(unix_comes_in(UID, OTHER, 0));
	EXPECT_TRUE(unix_comes_in(UID + 1, OTHER, 0));
	EXPECT_TRUE(unix_comes_in(OTHER, GID, 0));
	EXPECT_FALSE(unix_comes_in(OTHER, OTHER, 0));
}

/* each list is emptied for itself */
TEST_F(f, clear)
{
	xset(self->fd, ZMQ_IPC_FILTER_UID, UID);
	xset(self->fd, ZMQ_IPC_FILTER_GID, GID);
	EXPECT_OK(setsockopt(self->fd, SOL_ZMQ, ZMQ_IPC_FILTER_UID, NULL, 0));
	xbind(self->fd, IPC);
	EXPECT_FALSE(unix_comes_in(UID, OTHER, 0));
	EXPECT_TRUE(unix_comes_in(OTHER, GID, 0));
	xunbind(self->fd, IPC);
	EXPECT_OK(setsockopt(self->fd, SOL_ZMQ, ZMQ_IPC_FILTER_GID, NULL, 0));
	EXPECT_OK(setsockopt(self->fd, SOL_ZMQ, ZMQ_IPC_FILTER_PID, NULL, 0));
	xbind(self->fd, IPC);
	EXPECT_TRUE(unix_comes_in(OTHER, OTHER, 0));
}

ZMQ_HARNESS_MAIN
