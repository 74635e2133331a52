// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 200 */
/* Options that lower sockets get: keepalive, TOS, priority, buffers, device. */
#include "kselftest_harness.h"
#include "lib.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <sys/syscall.h>

/* From now on the socket hears nothing, and so answers nothing. */
static void deafen(int fd)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &drop };

	KZ_CHECK(!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			     sizeof(prog)));
}

/* What ss(8) says of the TCP sockets with this own, or this other, port */
static bool ss_says(const char *side, int port, const char *what)
{
	char cmd[128], line[1024];
	bool found = false;
	FILE *p;

	snprintf(cmd, sizeof(cmd), "ss -HOtanmoe --tos '%s = :%d'", side, port);
	p = popen(cmd, "r");
	KZ_CHECK(p);
	while (fgets(line, sizeof(line), p)) {
		if (strstr(line, "ESTAB") && strstr(line, what))
			found = true;
		else if (!strstr(line, what))
			fprintf(stderr, "# %s", line);
	}
	pclose(p);
	return found;
}

/* The same in a while: what is not acknowledged yet has another timer. */
static bool ss_comes_to(const char *side, int port, const char *what)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (!ss_says(side, port, what)) {
		if (kz_now_ms() > end)
			return false;
		poll(NULL, 0, 10);
	}
	return true;
}

FIXTURE(side) {
	int fd, raw, port;
	const char *which;
};

FIXTURE_VARIANT(side) {
	bool client, v6;
};

FIXTURE_VARIANT_ADD(side, server) { false, false };
FIXTURE_VARIANT_ADD(side, client) { true, false };

FIXTURE_SETUP(side)
{
	self->fd = xsocket(ZMQ_DEALER);
	self->raw = -1;
}

FIXTURE_TEARDOWN(side)
{
	xclose(self->fd);
	if (self->raw >= 0)
		close(self->raw);
}

/* Options are set: meet a peer; @which: how to find our end of it. */
static void meet(int fd, bool client, int *raw, int *port, const char **which)
{
	char ep[EP_LEN];
	int l;

	xset(fd, ZMQ_RECONNECT_IVL, -1);
	if (client) {
		l = raw_listen(ep);
		xconnect(fd, ep);
		*raw = raw_accept(l);
		close(l);
		*which = "dport";
	} else {
		xbind_any(fd, ep);
		*raw = raw_connect(ep);
		*which = "sport";
	}
	*port = ep_port(ep);
	KZ_CHECK(raw_handshake(*raw, 1, "DEALER", "DEALER"));
	xpeers(fd, 1);
}

#define MEET() meet(self->fd, variant->client, &self->raw, &self->port, \
		    &self->which)
#define OURS_SAYS(what) ss_says(self->which, self->port, what)
#define OURS_COMES_TO(what) ss_comes_to(self->which, self->port, what)

/* 1 s of silence, then a probe each second: after the second no answer is one */
TEST_F(side, keepalive)
{
	long long t;

	xset(self->fd, ZMQ_TCP_KEEPALIVE, 1);
	xset(self->fd, ZMQ_TCP_KEEPALIVE_IDLE, 1);
	xset(self->fd, ZMQ_TCP_KEEPALIVE_INTVL, 1);
	xset(self->fd, ZMQ_TCP_KEEPALIVE_CNT, 2);
	MEET();
	EXPECT_TRUE(OURS_COMES_TO("timer:(keepalive"));
	t = kz_now_ms();
	deafen(self->raw);
	EXPECT_TRUE(wait_peers(self->fd, 0, KZ_WAIT_MS));
	/* not before the probes asked for */
	EXPECT_LE(1900, kz_now_ms() - t);
}

TEST_F(side, keepalive_is_off)
{
	xset(self->fd, ZMQ_TCP_KEEPALIVE, 0);
	xset(self->fd, ZMQ_TCP_KEEPALIVE_IDLE, 1);
	MEET();
	EXPECT_FALSE(OURS_SAYS("timer:(keepalive"));
}

/* -1 and 0 leave TCP's own values, without harm */
TEST_F(side, keepalive_defaults)
{
	xset(self->fd, ZMQ_TCP_KEEPALIVE, 1);
	xset(self->fd, ZMQ_TCP_KEEPALIVE_IDLE, 0);
	xset(self->fd, ZMQ_TCP_KEEPALIVE_INTVL, 0);
	xset(self->fd, ZMQ_TCP_KEEPALIVE_CNT, 0);
	MEET();
	EXPECT_TRUE(OURS_COMES_TO("timer:(keepalive,1"));	/* 119 minutes */
}

/* what is sent and not acknowledged ends the connection in time */
TEST_F(side, maxrt)
{
	xset(self->fd, ZMQ_TCP_MAXRT, 500);
	MEET();
	deafen(self->raw);
	xsends(self->fd, "nobody hears", 0);
	EXPECT_TRUE(wait_peers(self->fd, 0, KZ_WAIT_MS));
}

TEST_F(side, tos_and_priority)
{
	xset(self->fd, ZMQ_TOS, 0x2b);		/* ECN's bits are not ours */
	xset(self->fd, ZMQ_PRIORITY, 5);
	MEET();
	EXPECT_TRUE(OURS_SAYS("tos:0x28"));
	EXPECT_TRUE(OURS_SAYS("class_id:0x5"));
}

TEST_F(side, buffers)
{
	xset(self->fd, ZMQ_SNDBUF, 20000);
	xset(self->fd, ZMQ_RCVBUF, 30000);
	MEET();
	EXPECT_TRUE(OURS_SAYS("tb40000"));
	EXPECT_TRUE(OURS_SAYS("rb60000"));
}

TEST_F(side, device)
{
	xset_text(self->fd, ZMQ_BINDTODEVICE, "lo");
	MEET();
	EXPECT_TRUE(OURS_SAYS("%lo:"));
	xsends(self->fd, "x", 0);
	EXPECT_TRUE(raw_expect(self->raw, RAW_LIT("\0\1x")));
}

/* what ss(8) calls Send-Q of a listening socket */
static int backlog_of(int port)
{
	int backlog = -1;
	char cmd[64];
	FILE *p;

	snprintf(cmd, sizeof(cmd), "ss -Hltn 'sport = :%d'", port);
	p = popen(cmd, "r");
	KZ_CHECK(p);
	KZ_CHECK(fscanf(p, "LISTEN %*d %d", &backlog) == 1);
	pclose(p);
	return backlog;
}

TEST(backlog)
{
	static const int set[] = { 0, 1, 7, 100 };
	int fd = xsocket(ZMQ_PULL);
	char ep[EP_LEN];
	size_t i;

	xbind_any(fd, ep);
	EXPECT_EQ(100, backlog_of(ep_port(ep)));
	for (i = 0; i < ARRAY_SIZE(set); i++) {
		xset(fd, ZMQ_BACKLOG, set[i]);
		xbind_any(fd, ep);
		EXPECT_EQ(set[i], backlog_of(ep_port(ep)));
	}
}

TEST(traffic_class)
{
	int fd = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN];
	socklen_t len = sizeof(ep);

	xset(fd, ZMQ_IPV6, 1);
	xset(fd, ZMQ_TOS, 0x40);
	xset(push, ZMQ_TOS, 0x61);
	if (zbind(fd, "tcp://[::1]:*"))
		SKIP(return, "no IPv6 here");
	ASSERT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	xconnect(push, ep);
	xpeers(fd, 1);
	EXPECT_TRUE(ss_says("sport", ep_port(ep), "tclass:0x40"));
	EXPECT_TRUE(ss_says("dport", ep_port(ep), "tclass:0x60"));
}

TEST(no_such_device)
{
	int fd = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), l;
	long failed = mib("ConnectFailures");
	char ep[EP_LEN];

	l = raw_listen(ep);
	xset_text(fd, ZMQ_BINDTODEVICE, "nosuch0");
	EXPECT_ERR(ENODEV, zbind(fd, "tcp://127.0.0.1:*"));
	xset_text(push, ZMQ_BINDTODEVICE, "nosuch0");
	xset(push, ZMQ_RECONNECT_IVL, 10);
	/* it may come */
	xconnect(push, ep);
	while (mib("ConnectFailures") < failed + 3)
		poll1(l, 0, 5);
	EXPECT_EQ(0, poll1(l, POLLIN, 0));
}

TEST(device_texts)
{
	int fd = xsocket(ZMQ_PULL);
	char buf[32];
	socklen_t len = sizeof(buf);

	ASSERT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_BINDTODEVICE, buf, &len));
	EXPECT_EQ(1, len);
	EXPECT_STREQ("", buf);
	xset_bytes(fd, ZMQ_BINDTODEVICE, "lo", 3);
	len = 3;
	ASSERT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_BINDTODEVICE, buf, &len));
	EXPECT_EQ(3, len);
	EXPECT_STREQ("lo", buf);
	len = 2;
	EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, ZMQ_BINDTODEVICE, buf, &len));
	EXPECT_ERR(EINVAL, zset_text(fd, ZMQ_BINDTODEVICE, "a/b"));
	EXPECT_ERR(EINVAL, zset_text(fd, ZMQ_BINDTODEVICE, "a b"));
	EXPECT_ERR(EINVAL, zset_text(fd, ZMQ_BINDTODEVICE, ".."));
	EXPECT_ERR(EINVAL, zset_text(fd, ZMQ_BINDTODEVICE, "sixteen-letters-"));
	EXPECT_ERR(EINVAL, zset_text(fd, ZMQ_BINDTODEVICE, "seventeen-letters"));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_BINDTODEVICE, "l\0o", 3));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_BINDTODEVICE, BADPTR, 2));
	EXPECT_OK(setsockopt(fd, SOL_ZMQ, ZMQ_BINDTODEVICE, NULL, 0));
	len = sizeof(buf);
	ASSERT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_BINDTODEVICE, buf, &len));
	EXPECT_EQ(1, len);
}

static void drop_caps(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2];

	memset(d, 0, sizeof(d));
	if (syscall(SYS_capset, &h, d))
		KZ_DIE("capset");
}

/* as with SO_PRIORITY, SO_BUSY_POLL and SO_BINDTODEVICE, when they are set */
static int try_without(void)
{
	int fd = xsocket(ZMQ_DEALER), high = xsocket(ZMQ_DEALER);

	xset(high, ZMQ_PRIORITY, 7);
	xset(high, ZMQ_BUSY_POLL, 50);
	drop_caps();
	if (zset(fd, ZMQ_PRIORITY, 6) || zget(fd, ZMQ_PRIORITY) != 6)
		return 1;
	if (!zset(fd, ZMQ_PRIORITY, 7) || errno != EPERM)
		return 2;
	if (!zset(fd, ZMQ_BUSY_POLL, 1) || errno != EPERM)
		return 3;
	if (zset(fd, ZMQ_BUSY_POLL, 0))
		return 4;
	if (!zset(high, ZMQ_BUSY_POLL, 51) || errno != EPERM)
		return 5;
	if (zset(high, ZMQ_BUSY_POLL, 49) || zget(high, ZMQ_BUSY_POLL) != 49)
		return 6;
	if (zset_text(fd, ZMQ_BINDTODEVICE, "lo"))
		return 7;
	if (!zset_text(fd, ZMQ_BINDTODEVICE, "eth0") || errno != EPERM)
		return 8;
	if (!setsockopt(fd, SOL_ZMQ, ZMQ_BINDTODEVICE, "", 0) || errno != EPERM)
		return 9;
	/* what was set before stays good */
	return zbind(high, "tcp://127.0.0.1:*") ? 10 : 0;
}

TEST(capabilities)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(try_without());
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(0, WTERMSIG(status));
}

/* libzmq without these transports and mechanisms knows most of them no more */
TEST(options_of_what_is_not_here)
{
	static const int opt[] = {
		14, 41, 70,		/* FD, ROUTER_RAW, BLOCKY of contexts */
		94,					/* Windows */
		8, 9, 25, 84, 96,			/* pgm, udp */
		62, 63, 64, 65, 90, 91,			/* GSSAPI */
		85, 86, 87, 88,				/* vmci */
		103, 104, 105, 106, 107,		/* wss */
		117, 118, 119, 120, 121, 122, 123, 124,	/* norm */
	};
	int type, val = 1;
	socklen_t len;
	size_t i;

	for (type = 0; type < 12; type++) {
		int fd = xsocket(type);

		for (i = 0; i < ARRAY_SIZE(opt); i++) {
			EXPECT_ERR(EINVAL, zset(fd, opt[i], 1));
			EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, opt[i],
						      "text", 4));
			len = sizeof(val);
			EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, opt[i], &val,
						      &len));
		}
		xclose(fd);
	}
}

ZMQ_HARNESS_MAIN
