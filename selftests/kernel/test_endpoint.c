// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 150 */
/* Binding and connecting: addresses, texts, errors, reconnecting. */
#include "kselftest_harness.h"
#include "lib.h"

#include <limits.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#define FAR_PORT	"tcp://127.0.0.1:9"	/* nobody listens */

static void last_endpoint(int fd, char ep[EP_LEN])
{
	socklen_t len = EP_LEN;

	KZ_CHECK(!getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	KZ_CHECK(len == strlen(ep) + 1);
}

static void carries(struct __test_metadata *_metadata, int push, int pull)
{
	xsends(push, "through", 0);
	EXPECT_GOT(pull, "through");
}

FIXTURE(ways) {
	int pull, push;
};

FIXTURE_VARIANT(ways) {
	bool opt_bind, opt_connect;
};

FIXTURE_VARIANT_ADD(ways, sockaddr) { false, false };
FIXTURE_VARIANT_ADD(ways, sockopt) { true, true };
FIXTURE_VARIANT_ADD(ways, mixed) { true, false };

FIXTURE_SETUP(ways)
{
	self->pull = xsocket(ZMQ_PULL);
	self->push = xsocket(ZMQ_PUSH);
}

FIXTURE_TEARDOWN(ways)
{
	xclose(self->pull);
	xclose(self->push);
}

TEST_F(ways, bind_and_connect)
{
	char ep[EP_LEN];

	if (variant->opt_bind)
		xset_text(self->pull, ZMQ_BIND, "tcp://127.0.0.1:*");
	else
		xbind(self->pull, "tcp://127.0.0.1:*");
	last_endpoint(self->pull, ep);
	EXPECT_LT(1023, ep_port(ep));
	if (variant->opt_connect)
		xset_text(self->push, ZMQ_CONNECT, ep);
	else
		xconnect(self->push, ep);
	carries(_metadata, self->push, self->pull);
}

TEST_F(ways, trailing_nul)
{
	static const char any[] = "tcp://127.0.0.1:*";
	char ep[EP_LEN];

	xset_bytes(self->pull, ZMQ_BIND, any, sizeof(any));
	last_endpoint(self->pull, ep);
	xset_bytes(self->push, ZMQ_CONNECT, ep, strlen(ep) + 1);
	carries(_metadata, self->push, self->pull);
	xset_bytes(self->push, ZMQ_DISCONNECT, ep, strlen(ep) + 1);
	xset_bytes(self->pull, ZMQ_UNBIND, ep, strlen(ep) + 1);
}

TEST(address_length_ends_the_text)
{
	struct sockaddr_zmq sa = { .szmq_family = AF_ZMQ };
	const size_t off = offsetof(struct sockaddr_zmq, szmq_endpoint);
	int fd = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN];

	memset(sa.szmq_endpoint, 'x', sizeof(sa.szmq_endpoint));
	memcpy(sa.szmq_endpoint, "tcp://127.0.0.1:*", 17);
	ASSERT_OK(bind(fd, (struct sockaddr *)&sa, off + 17));
	last_endpoint(fd, ep);
	memset(sa.szmq_endpoint, '7', sizeof(sa.szmq_endpoint));
	memcpy(sa.szmq_endpoint, ep, strlen(ep));
	ASSERT_OK(connect(push, (struct sockaddr *)&sa, off + strlen(ep)));
	carries(_metadata, push, fd);
	/* 126 octets of text without an end to them are legal, if they parse */
	EXPECT_ERR(EINVAL, connect(push, (struct sockaddr *)&sa, sizeof(sa)));
}

TEST(bad_addresses)
{
	struct sockaddr_zmq sa = {
		.szmq_family = AF_ZMQ, .szmq_endpoint = "tcp://127.0.0.1:*",
	};
	const size_t off = offsetof(struct sockaddr_zmq, szmq_endpoint);
	struct sockaddr *p = (struct sockaddr *)&sa;
	char big[300] = { 0 };
	int fd = xsocket(ZMQ_PULL);
	socklen_t len;

	for (len = 0; len <= off; len++) {
		EXPECT_ERR(EINVAL, bind(fd, p, len));
		EXPECT_ERR(EINVAL, connect(fd, p, len));
	}
	EXPECT_ERR(EFAULT, bind(fd, (struct sockaddr *)8, sizeof(sa)));
	EXPECT_ERR(EFAULT, connect(fd, (struct sockaddr *)8, sizeof(sa)));
	EXPECT_ERR(EINVAL, bind(fd, p, -1));
	memcpy(big, &sa, sizeof(sa));
	EXPECT_ERR(EINVAL, bind(fd, (struct sockaddr *)big, sizeof(big)));
	sa.szmq_family = AF_INET;
	EXPECT_ERR(EAFNOSUPPORT, bind(fd, p, sizeof(sa)));
	EXPECT_ERR(EAFNOSUPPORT, connect(fd, p, sizeof(sa)));
	sa.szmq_family = AF_UNSPEC;
	EXPECT_ERR(EAFNOSUPPORT, connect(fd, p, sizeof(sa)));
}

struct bad_text {
	const char *text;
	int bind_err, connect_err;	/* 0: not tried */
};

static const struct bad_text bad_texts[] = {
	{ "",				EINVAL, EINVAL },
	{ "tcp",			EINVAL, EINVAL },
	{ "tcp:",			EINVAL, EINVAL },
	{ "tcp:/",			EINVAL, EINVAL },
	{ "tcp://",			EINVAL, EINVAL },
	{ "://127.0.0.1:1",		EINVAL, EINVAL },
	{ "127.0.0.1:5555",		EINVAL, EINVAL },
	{ "tcp:127.0.0.1:5555",		EINVAL, EINVAL },
	{ "tcp://127.0.0.1",		EINVAL, EINVAL },
	{ "tcp://127.0.0.1:",		EINVAL, EINVAL },
	{ "tcp://:5555",		EINVAL, EINVAL },
	{ "tcp://127.0.0.1:65536",	EINVAL, EINVAL },
	{ "tcp://127.0.0.1:4294967297",	EINVAL, EINVAL },
	{ "tcp://127.0.0.1:-1",		EINVAL, EINVAL },
	{ "tcp://127.0.0.1:+1",		EINVAL, EINVAL },
	{ "tcp://127.0.0.1:80x",	EINVAL, EINVAL },
	{ "tcp://127.0.0.1: 80",	EINVAL, EINVAL },
	{ "tcp://127.0.0.1:http",	EINVAL, EINVAL },
	{ "tcp://256.0.0.1:5555",	0,	EINVAL },
	{ "tcp://1.2.3:5555",		0,	EINVAL },
	{ "tcp://1.2.3.4.5:5555",	0,	EINVAL },
	{ "tcp://example.org:5555",	0,	EINVAL },
	{ "tcp://localhost:5555",	0,	EINVAL },
	{ "tcp://nosuchnic0:5555",	ENODEV,	EINVAL },
	{ "tcp://*:5555",		0,	EINVAL },
	{ "tcp://127.0.0.1:*",		0,	EINVAL },
	{ "tcp://[::1:5555",		EINVAL, EINVAL },
	{ "tcp://[::1]5555",		EINVAL, EINVAL },
	{ "tcp://[:::1]:5555",		EINVAL, EINVAL },
	{ "tcp://[]:5555",		EINVAL, EINVAL },
	{ "tcp://127.0.0.1:1;",		EINVAL, EINVAL },
	{ "tcp://;127.0.0.1:1",		EINVAL, EINVAL },
	{ "tcp://127.0.0.1;127.0.0.1:1;2", 0,	EINVAL },
	{ "foo://127.0.0.1:5555",	EPROTONOSUPPORT, EPROTONOSUPPORT },
	{ "TCP://127.0.0.1:5555",	EPROTONOSUPPORT, EPROTONOSUPPORT },
	{ "tcp6://[::1]:5555",		EPROTONOSUPPORT, EPROTONOSUPPORT },
};

TEST(bad_text)
{
	const struct bad_text *t;
	int fd = xsocket(ZMQ_DEALER);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_texts); i++) {
		t = &bad_texts[i];
		if (t->bind_err) {
			errno = 0;
			EXPECT_EQ(-1, zbind(fd, t->text))
				TH_LOG("bind '%s'", t->text);
			EXPECT_EQ(t->bind_err, errno)
				TH_LOG("bind '%s'", t->text);
		}
		errno = 0;
		EXPECT_EQ(-1, zconnect(fd, t->text))
			TH_LOG("connect '%s'", t->text);
		EXPECT_EQ(t->connect_err, errno)
			TH_LOG("connect '%s'", t->text);
		if (!*t->text)
			continue;
		errno = 0;
		EXPECT_EQ(-1, zset_text(fd, ZMQ_CONNECT, t->text));
		EXPECT_EQ(t->connect_err, errno)
			TH_LOG("ZMQ_CONNECT '%s'", t->text);
	}
}

TEST(option_text_length)
{
	char text[1100];
	int fd = xsocket(ZMQ_DEALER);

	memset(text, 'a', sizeof(text));
	memcpy(text, "tcp://", 6);
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_CONNECT, text, 0));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_CONNECT, text, 1024));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_CONNECT, text, 1025));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_CONNECT, "\0", 1));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_CONNECT,
				      "tcp://127.0.0.1:1\0x", 19));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_BIND, text, 1025));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_BIND, (void *)8, 20));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_CONNECT, (void *)8, 20));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_UNBIND, text, 0));
}

TEST(wildcards)
{
	static const char *const any[] = {
		"tcp://*:*", "tcp://*:0", "tcp://0.0.0.0:*", "tcp://0.0.0.0:0",
		"tcp://lo:*",
	};
	int fd = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN], to[EP_LEN];
	const char *want;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(any); i++) {
		ASSERT_OK(zbind(fd, any[i]));
		last_endpoint(fd, ep);
		want = strcmp(any[i], "tcp://lo:*") ? "tcp://0.0.0.0:" :
						      "tcp://127.0.0.1:";
		EXPECT_EQ(0, strncmp(ep, want, strlen(want)));
		EXPECT_LT(1023, ep_port(ep));
		snprintf(to, sizeof(to), "tcp://127.0.0.1:%d", ep_port(ep));
		xconnect(push, to);
		carries(_metadata, push, fd);
		xdisconnect(push, to);
		xunbind(fd, ep);
	}
}

TEST(last_endpoint_of_connect)
{
	int fd = xsocket(ZMQ_DEALER);
	char ep[EP_LEN];

	last_endpoint(fd, ep);
	EXPECT_STREQ("", ep);
	xconnect(fd, FAR_PORT);
	last_endpoint(fd, ep);
	EXPECT_STREQ(FAR_PORT, ep);
	EXPECT_ERR(EINVAL, zconnect(fd, "tcp://nonsense"));
	last_endpoint(fd, ep);
	EXPECT_STREQ(FAR_PORT, ep);
}

TEST(ipv6)
{
	int fd = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN], to[EP_LEN];
	int probe = socket(AF_INET6, SOCK_STREAM, 0);

	if (probe < 0)
		SKIP(return, "no IPv6 here");
	close(probe);
	EXPECT_EQ(0, zget(fd, ZMQ_IPV6));
	xset(fd, ZMQ_IPV6, 1);
	xset(push, ZMQ_IPV6, 1);
	EXPECT_EQ(0, zget(fd, ZMQ_IPV4ONLY));
	ASSERT_OK(zbind(fd, "tcp://[::1]:*"));
	last_endpoint(fd, ep);
	EXPECT_EQ(0, strncmp(ep, "tcp://[::1]:", 12));
	xconnect(push, ep);
	carries(_metadata, push, fd);
	xdisconnect(push, ep);

	/* the wildcard takes both families */
	ASSERT_OK(zbind(fd, "tcp://*:*"));
	last_endpoint(fd, ep);
	EXPECT_EQ(0, strncmp(ep, "tcp://[::]:", 11));
	snprintf(to, sizeof(to), "tcp://127.0.0.1:%d", ep_port(ep));
	xconnect(push, to);
	carries(_metadata, push, fd);
	xdisconnect(push, to);
	snprintf(to, sizeof(to), "tcp://[::1]:%d", ep_port(ep));
	xconnect(push, to);
	carries(_metadata, push, fd);
}

/* an address of a link needs its zone, by name or by number */
TEST(ipv6_zone)
{
	struct {
		struct in6_addr addr;
		__u32 prefix;
		int ifindex;
	} req = { .addr = { { { 0xfe, 0x80, [15] = 1 } } }, .prefix = 64 };
	int fd, push, i, probe = socket(AF_INET6, SOCK_DGRAM, 0);
	static const char *const zone[] = { "lo", "1" };
	char text[EP_LEN], ep[EP_LEN];

	if (probe < 0)
		SKIP(return, "no IPv6 here");
	close(probe);
	own_netns();
	req.ifindex = 1;
	probe = socket(AF_INET6, SOCK_DGRAM, 0);
	ASSERT_OK(ioctl(probe, SIOCSIFADDR, &req));
	close(probe);
	wait_address(&req.addr, req.ifindex);
	fd = xsocket(ZMQ_PULL);
	push = xsocket(ZMQ_PUSH);
	xset(fd, ZMQ_IPV6, 1);
	xset(push, ZMQ_IPV6, 1);
	EXPECT_ERR(ENODEV, zbind(fd, "tcp://[fe80::1%nosuch]:*"));
	for (i = 0; i < 2; i++) {
		snprintf(text, EP_LEN, "tcp://[fe80::1%%%s]:*", zone[i]);
		ASSERT_OK(zbind(fd, text));
		last_endpoint(fd, ep);
		snprintf(text, EP_LEN, "tcp://[fe80::1%%%s]:%d", zone[1 - i],
			 ep_port(ep));
		xconnect(push, text);
		carries(_metadata, push, fd);
		xdisconnect(push, text);
	}
	xclose(fd);
	xclose(push);
}

/* the type of service is that of the lower socket's packets */
TEST(type_of_service)
{
	int push = xsocket(ZMQ_PUSH), l, raw, one = 1;
	char ep[EP_LEN], tos[CMSG_SPACE(sizeof(int))] = "";
	socklen_t len = sizeof(tos);

	l = raw_listen(ep);
	xset(push, ZMQ_TOS, 0x28);
	ASSERT_OK(setsockopt(l, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one)));
	xconnect(push, ep);
	raw = raw_accept(l);
	ASSERT_OK(setsockopt(raw, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one)));
	ASSERT_OK(getsockopt(raw, IPPROTO_IP, IP_PKTOPTIONS, tos, &len));
	EXPECT_LT(0, len);
	EXPECT_EQ(IP_TOS, CMSG_FIRSTHDR((&(struct msghdr){
		.msg_control = tos, .msg_controllen = len }))->cmsg_type);
	EXPECT_EQ(0x28, *(unsigned char *)CMSG_DATA((struct cmsghdr *)tos));
	xclose(raw);
	xclose(push);
	xclose(l);
}

TEST(ipv6_off)
{
	int fd = xsocket(ZMQ_PULL);

	EXPECT_EQ(-1, zbind(fd, "tcp://[::1]:*"));
	EXPECT_TRUE(errno == EINVAL || errno == ENODEV);
}

TEST(many_of_both)
{
	int bound = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	char ep[8][EP_LEN];
	int i;

	for (i = 0; i < 8; i++) {
		xbind_any(bound, ep[i]);
		xconnect(push, ep[i]);
	}
	xpeers(bound, 8);
	xpeers(push, 8);
	for (i = 0; i < 32; i++)
		xsends(push, "one of eight", 0);
	for (i = 0; i < 32; i++)
		EXPECT_GOT(bound, "one of eight");
	for (i = 0; i < 8; i++) {
		xunbind(bound, ep[i]);
		EXPECT_ERR(ENOENT, zset_text(bound, ZMQ_UNBIND, ep[i]));
	}
}

TEST(bind_and_connect_on_one_socket)
{
	int a = xsocket(ZMQ_DEALER), b = xsocket(ZMQ_DEALER);
	int c = xsocket(ZMQ_DEALER);
	char ea[EP_LEN], ec[EP_LEN];

	xbind_any(a, ea);
	xbind_any(c, ec);
	xconnect(a, ec);
	xconnect(b, ea);
	xpeers(a, 2);
	xsends(a, "1", 0);
	xsends(a, "2", 0);
	EXPECT_TRUE(wait_ready(b, POLLIN));
	EXPECT_TRUE(wait_ready(c, POLLIN));
}

TEST(connect_before_bind)
{
	int fd = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	int probe, port;
	char ep[EP_LEN];

	probe = raw_listen(ep);
	port = ep_port(ep);
	EXPECT_LT(0, port);
	xclose(probe);
	xset(push, ZMQ_RECONNECT_IVL, 20);
	xconnect(push, ep);
	xsends(push, "early", 0);
	xbind(fd, ep);
	EXPECT_GOT(fd, "early");
}

TEST(source_address)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int l, c, push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN], text[EP_LEN * 2];

	l = raw_listen(ep);
	snprintf(text, EP_LEN, "tcp://127.0.0.7:*;127.0.0.1:%d", ep_port(ep));
	xconnect(push, text);
	c = raw_accept(l);
	ASSERT_OK(getpeername(c, (struct sockaddr *)&sin, &len));
	EXPECT_EQ(0x7f000007, ntohl(sin.sin_addr.s_addr));
	xclose(c);
	xclose(push);

	push = xsocket(ZMQ_PUSH);
	snprintf(text, EP_LEN, "tcp://127.0.0.9:0;127.0.0.1:%d", ep_port(ep));
	xset_text(push, ZMQ_CONNECT, text);
	c = raw_accept(l);
	len = sizeof(sin);
	ASSERT_OK(getpeername(c, (struct sockaddr *)&sin, &len));
	EXPECT_EQ(0x7f000009, ntohl(sin.sin_addr.s_addr));
	xdisconnect(push, text);
	EXPECT_TRUE(raw_closed(c));
}

TEST(source_port)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int l, c, push = xsocket(ZMQ_PUSH), tmp;
	char ep[EP_LEN], text[EP_LEN], src[EP_LEN];

	l = raw_listen(ep);
	tmp = raw_listen(src);
	xclose(tmp);
	snprintf(text, EP_LEN, "tcp://127.0.0.1:%d;127.0.0.1:%d", ep_port(src),
		 ep_port(ep));
	xconnect(push, text);
	c = raw_accept(l);
	ASSERT_OK(getpeername(c, (struct sockaddr *)&sin, &len));
	EXPECT_EQ(ep_port(src), ntohs(sin.sin_port));
}

/* source and destination are one: TCP connects, to nobody but itself */
TEST(connected_to_itself)
{
	long gave_up = mib("GaveUp"), faults = mib_faults(), end;
	int l, push = xsocket(ZMQ_PUSH);
	char ep[EP_LEN], text[EP_LEN];

	l = raw_listen(ep);
	xclose(l);
	snprintf(text, EP_LEN, "tcp://127.0.0.1:%d;127.0.0.1:%d", ep_port(ep),
		 ep_port(ep));
	xset(push, ZMQ_RECONNECT_IVL, 10);
	xconnect(push, text);
	end = mib("Reconnects") + 3;
	while (mib("Reconnects") < end && !poll1(push, POLLERR, 10))
		;
	EXPECT_LE(end, mib("Reconnects"));
	EXPECT_EQ(gave_up, mib("GaveUp"));
	EXPECT_EQ(faults, mib_faults());
}

TEST(address_in_use)
{
	int a = xsocket(ZMQ_PULL), b = xsocket(ZMQ_PULL), l;
	char ep[EP_LEN];

	xbind_any(a, ep);
	EXPECT_ERR(EADDRINUSE, zbind(b, ep));
	EXPECT_ERR(EADDRINUSE, zset_text(b, ZMQ_BIND, ep));
	EXPECT_ERR(EADDRINUSE, zbind(a, ep));
	xunbind(a, ep);
	EXPECT_OK(zbind(b, ep));
	l = raw_listen(ep);
	EXPECT_ERR(EADDRINUSE, zbind(a, ep));
	xclose(l);
	EXPECT_OK(zbind(a, ep));
}

TEST(address_not_available)
{
	int fd = xsocket(ZMQ_PULL);

	EXPECT_ERR(EADDRNOTAVAIL, zbind(fd, "tcp://192.0.2.1:5555"));
}

TEST(unbind_and_disconnect)
{
	int fd[2], late;
	char ep[EP_LEN];

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	last_endpoint(fd[0], ep);
	EXPECT_ERR(ENOENT, zset_text(fd[0], ZMQ_UNBIND, FAR_PORT));
	EXPECT_ERR(ENOENT, zset_text(fd[1], ZMQ_DISCONNECT, FAR_PORT));
	EXPECT_ERR(EINVAL, zset_text(fd[1], ZMQ_DISCONNECT, "nonsense"));
	EXPECT_ERR(ENOENT, zset_text(fd[0], ZMQ_UNBIND, "tcp://127.0.0.1:*"));
	EXPECT_ERR(ENOENT, zset_text(fd[1], ZMQ_DISCONNECT,
				     "tcp://127.0.0.1:1;127.0.0.1:2"));

	xdisconnect(fd[1], ep);
	EXPECT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
	EXPECT_TRUE(wait_peers(fd[1], 0, KZ_WAIT_MS));
	EXPECT_ERR(ENOENT, zset_text(fd[1], ZMQ_DISCONNECT, ep));
	EXPECT_EQ(0, poll1(fd[1], POLLOUT, 0));
	EXPECT_ERR(EAGAIN, send(fd[1], "x", 1, MSG_DONTWAIT));

	xunbind(fd[0], ep);
	EXPECT_ERR(ENOENT, zset_text(fd[0], ZMQ_UNBIND, ep));
	late = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(ep_port(ep)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	EXPECT_ERR(ECONNREFUSED, connect(late, (struct sockaddr *)&sin,
					 sizeof(sin)));
}

/* either option ends either kind */
TEST(unbind_takes_both_kinds)
{
	int fd[2];
	char ep[EP_LEN];

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	last_endpoint(fd[0], ep);
	EXPECT_OK(zset_text(fd[1], ZMQ_UNBIND, ep));
	EXPECT_TRUE(wait_peers(fd[0], 0, KZ_WAIT_MS));
	EXPECT_OK(zset_text(fd[0], ZMQ_DISCONNECT, ep));
	EXPECT_ERR(ENOENT, zset_text(fd[0], ZMQ_UNBIND, ep));
}

TEST(unbind_ends_its_connections)
{
	int fd = xsocket(ZMQ_PULL), one = xsocket(ZMQ_PUSH);
	int two = xsocket(ZMQ_PUSH);
	char a[EP_LEN], b[EP_LEN];

	xbind_any(fd, a);
	xbind_any(fd, b);
	xconnect(one, a);
	xconnect(two, b);
	xpeers(fd, 2);
	xunbind(fd, a);
	EXPECT_TRUE(wait_peers(fd, 1, KZ_WAIT_MS));
	EXPECT_TRUE(wait_peers(one, 0, KZ_WAIT_MS));
	carries(_metadata, two, fd);
}

/* DEALER SUB PUB REQ ignore a second connect to one text, others take it */
TEST(second_connect)
{
	static const struct {
		int type, peer;
		unsigned int peers;
	} t[] = {
		{ ZMQ_DEALER, ZMQ_ROUTER, 1 }, { ZMQ_SUB, ZMQ_PUB, 1 },
		{ ZMQ_PUB, ZMQ_SUB, 1 }, { ZMQ_REQ, ZMQ_REP, 1 },
		{ ZMQ_PUSH, ZMQ_PULL, 2 }, { ZMQ_PULL, ZMQ_PUSH, 2 },
		{ ZMQ_ROUTER, ZMQ_DEALER, 2 }, { ZMQ_XSUB, ZMQ_XPUB, 2 },
	};
	char ep[EP_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		int a = xsocket(t[i].peer), b = xsocket(t[i].type);
		int marker = xsocket(t[i].type);

		xbind_any(a, ep);
		xconnect(b, ep);
		xconnect(b, ep);
		xpeers(b, t[i].peers);
		/* one more arrives later, and by then all others are in */
		xconnect(marker, ep);
		EXPECT_TRUE(wait_peers(a, t[i].peers + 1, KZ_WAIT_MS))
			TH_LOG("type %d", t[i].type);
		xclose(marker);
		xclose(b);
		xclose(a);
	}
}

TEST(binder_restarts)
{
	int push = xsocket(ZMQ_PUSH), fd;
	char ep[EP_LEN];
	int i;

	fd = xsocket(ZMQ_PULL);
	xbind_any(fd, ep);
	xset(push, ZMQ_RECONNECT_IVL, 10);
	xconnect(push, ep);
	for (i = 0; i < 3; i++) {
		xpeers(push, 1);
		carries(_metadata, push, fd);
		xclose(fd);
		ASSERT_TRUE(wait_peers(push, 0, KZ_WAIT_MS));
		fd = xsocket(ZMQ_PULL);
		xbind(fd, ep);
	}
	carries(_metadata, push, fd);
}

/* the connection is tried again, no sooner than the interval asks */
TEST(reconnect_interval)
{
	int push = xsocket(ZMQ_PUSH), l, c;
	long long t;
	char ep[EP_LEN];

	l = raw_listen(ep);
	xset(push, ZMQ_RECONNECT_IVL, 300);
	xconnect(push, ep);
	c = raw_accept(l);
	t = kz_tick_ms();
	xclose(c);
	c = raw_accept(l);
	t = kz_now_ms() - t;
	EXPECT_LE(220, t);
	EXPECT_GE(700 + kz_ms(2500), t);
	xclose(c);
}

TEST(reconnect_backs_off)
{
	int push = xsocket(ZMQ_PUSH), l, c, i;
	long long t, gap, least = LLONG_MAX;
	char ep[EP_LEN];

	l = raw_listen(ep);
	xset(push, ZMQ_RECONNECT_IVL, 50);
	xset(push, ZMQ_RECONNECT_IVL_MAX, 400);
	xconnect(push, ep);
	c = raw_accept(l);
	for (i = 0; i < 9; i++) {
		t = kz_now_ms();
		xclose(c);
		c = raw_accept(l);
		gap = kz_now_ms() - t;
		/* without the maximum the last three would be 1600 or more */
		if (i >= 6 && gap < least)
			least = gap;
	}
	EXPECT_GE(1500, least);
	EXPECT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	xsends(push, "at last", 0);
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\7at last")));
}

TEST(reconnect_off)
{
	int push, l, c, off;
	char ep[EP_LEN];

	for (off = -1; off <= 0; off++) {
		push = xsocket(ZMQ_PUSH);
		l = raw_listen(ep);
		xset(push, ZMQ_RECONNECT_IVL, off);
		xconnect(push, ep);
		c = raw_accept(l);
		xclose(c);
		EXPECT_EQ(0, poll1(l, POLLIN, kz_ms(400)));
		xclose(push);
		xclose(l);
	}
}

/* a server process that is killed and comes back */
TEST(raw_server_restarts)
{
	int push = xsocket(ZMQ_PUSH), l, c;
	char ep[EP_LEN];

	l = raw_listen(ep);
	xset(push, ZMQ_RECONNECT_IVL, 20);
	xconnect(push, ep);
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	xpeers(push, 1);
	xclose(c);
	xclose(l);
	ASSERT_TRUE(wait_peers(push, 0, KZ_WAIT_MS));
	xsends(push, "later", 0);
	l = raw_listen_port(ep_port(ep));
	c = raw_accept(l);
	ASSERT_TRUE(raw_handshake(c, 1, "PULL", "PUSH"));
	EXPECT_TRUE(raw_expect(c, RAW_LIT("\0\5later")));
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

TEST(privileged_port)
{
	int status, fd = xsocket(ZMQ_PULL);
	pid_t pid = fork();

	if (!pid) {
		drop_caps();
		if (zbind(fd, "tcp://127.0.0.1:77") != -1 || errno != EACCES)
			_exit(1);
		if (zset_text(fd, ZMQ_BIND, "tcp://127.0.0.1:77") != -1 ||
		    errno != EACCES)
			_exit(2);
		if (zbind(fd, "tcp://127.0.0.1:*"))
			_exit(3);
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	EXPECT_OK(zbind(fd, "tcp://127.0.0.1:77"));
}

/* a source port below 1024 needs the same, and does not get it later as root */
TEST(privileged_source_port)
{
	int status, l;
	char ep[EP_LEN], text[EP_LEN * 2];
	pid_t pid;

	l = raw_listen(ep);
	snprintf(text, EP_LEN, "tcp://127.0.0.1:78;127.0.0.1:%d", ep_port(ep));
	pid = fork();
	if (!pid) {
		int fd = xsocket(ZMQ_PUSH);

		drop_caps();
		xset(fd, ZMQ_RECONNECT_IVL, 20);
		if (zconnect(fd, text))
			_exit(errno == EACCES ? 0 : 1);
		_exit(poll1(l, POLLIN, kz_ms(400)) ? 2 : 0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

TEST(many_endpoints)
{
	int fd = xsocket(ZMQ_PULL), i;
	static char ep[300][EP_LEN];

	for (i = 0; i < 300; i++)
		xbind_any(fd, ep[i]);
	for (i = 0; i < 300; i += 2)
		xunbind(fd, ep[i]);
	for (i = 0; i < 300; i += 2)
		EXPECT_ERR(ENOENT, zset_text(fd, ZMQ_UNBIND, ep[i]));
	for (i = 1; i < 300; i += 2)
		EXPECT_OK(zset_text(fd, ZMQ_UNBIND, ep[i]));
}

TEST(not_yet_built_transports)
{
	static const char *const text[] = {
		"udp://127.0.0.1:5555", "ws://127.0.0.1:5555",
	};
	int fd = xsocket(ZMQ_PULL);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(text); i++) {
		EXPECT_ERR(EPROTONOSUPPORT, zbind(fd, text[i]));
		EXPECT_ERR(EPROTONOSUPPORT, zconnect(fd, text[i]));
	}
}

ZMQ_HARNESS_MAIN
