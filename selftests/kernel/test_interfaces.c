// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Names of interfaces in endpoints, and the zones of link-local addresses. */
#include "kselftest_harness.h"
#include "lib.h"

#include <stdlib.h>

#define V4	"10.77.0.1"
#define MORE	"10.77.0.2"
#define V6	"2001:db8:77::1"
#define LINK	"fe80::77"

static void run(const char *cmd)
{
	if (system(cmd))
		KZ_DIE("%s", cmd);
}

static bool have_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* A namespace with two interfaces, joined, which have no addresses yet. */
static void two_interfaces(void)
{
	own_netns();
	run("ip link add va type veth peer name vb");
	run("ip link set va addrgenmode none");
	run("ip link set vb addrgenmode none");
	run("ip link set va up && ip link set vb up");
}

/*
 * A work item of the kernel's makes the route to an address of our own. Until
 * then somebody on the link is asked, who may have the same address.
 */
static void own_address(const char *text, const char *dev)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	char cmd[128], want[40], line[256], *p = want;
	unsigned char a[16];
	bool there = false;
	FILE *f;
	int i;

	snprintf(cmd, sizeof(cmd), "ip addr add %s/64 dev %s nodad", text, dev);
	run(cmd);
	KZ_CHECK(inet_pton(AF_INET6, text, a) == 1);
	for (i = 0; i < 16; i++)
		p += sprintf(p, "%02x", a[i]);
	strcpy(p, " 80 ");
	while (!there) {
		f = fopen("/proc/net/ipv6_route", "r");
		KZ_CHECK(f && kz_now_ms() < end);
		while (fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = 0;
			p = strrchr(line, ' ');
			there |= !strncmp(line, want, strlen(want)) && p &&
				 !strcmp(p + 1, dev);
		}
		fclose(f);
		poll(NULL, 0, 1);
	}
}

static void bound(int fd, const char *text, char ep[EP_LEN])
{
	socklen_t len = EP_LEN;

	xbind(fd, text);
	KZ_CHECK(!getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
}

static bool starts(const char *text, const char *with)
{
	if (!strncmp(text, with, strlen(with)))
		return true;
	fprintf(stderr, "# '%s', wanted '%s...'\n", text, with);
	return false;
}

/* The text that was told leads there. */
static void leads_there(struct __test_metadata *_metadata, const char *ep,
			int pull)
{
	int push = xsocket(ZMQ_PUSH);

	xconnect(push, ep);
	xsends(push, "through", 0);
	EXPECT_GOT(pull, "through");
	xclose(push);
}

/* the first IPv4 address of the interface, as it is when bind is called */
TEST(ipv4)
{
	char ep[EP_LEN];
	int fd, i;

	two_interfaces();
	fd = xsocket(ZMQ_PULL);
	EXPECT_ERR(ENODEV, zbind(fd, "tcp://va:*"));
	EXPECT_ERR(ENODEV, zset_text(fd, ZMQ_BIND, "tcp://va:5555"));
	run("ip addr add " V4 "/24 dev va && ip addr add " MORE "/24 dev va");
	for (i = 0; i < 2; i++) {
		xset(fd, ZMQ_IPV6, i);
		bound(fd, "tcp://va:*", ep);
		EXPECT_TRUE(starts(ep, "tcp://" V4 ":"));
		leads_there(_metadata, ep, fd);
	}
	bound(fd, "tcp://va:5577", ep);
	EXPECT_STREQ("tcp://" V4 ":5577", ep);
	/* both the text that was given and the one that was told end it */
	EXPECT_OK(zset_text(fd, ZMQ_UNBIND, "tcp://va:5577"));
	bound(fd, "tcp://va:5577", ep);
	EXPECT_OK(zset_text(fd, ZMQ_UNBIND, ep));
	EXPECT_ERR(ENOENT, zset_text(fd, ZMQ_UNBIND, "tcp://va:5577"));
	EXPECT_ERR(ENODEV, zbind(fd, "tcp://vb:*"));
	EXPECT_ERR(ENODEV, zbind(fd, "tcp://vc:*"));
	xclose(fd);
}

/* with ZMQ_IPV6 the first IPv6 address, a link's own only for want of others */
TEST(ipv6)
{
	char ep[EP_LEN];
	int fd;

	if (!have_ipv6())
		SKIP(return, "no IPv6 here");
	two_interfaces();
	fd = xsocket(ZMQ_PULL);
	xset(fd, ZMQ_IPV6, 1);
	EXPECT_ERR(ENODEV, zbind(fd, "tcp://va:*"));
	run("ip addr add " V4 "/24 dev va");
	own_address(LINK, "va");
	bound(fd, "tcp://va:*", ep);
	EXPECT_TRUE(starts(ep, "tcp://[" LINK "%va]:"));
	leads_there(_metadata, ep, fd);
	own_address(V6, "va");
	bound(fd, "tcp://va:*", ep);
	EXPECT_TRUE(starts(ep, "tcp://[" V6 "]:"));
	leads_there(_metadata, ep, fd);
	xset(fd, ZMQ_IPV6, 0);
	bound(fd, "tcp://va:*", ep);
	EXPECT_TRUE(starts(ep, "tcp://" V4 ":"));
	leads_there(_metadata, ep, fd);
	xclose(fd);
}

/* one link-local address on two links: the zone tells which is meant */
TEST(zones)
{
	int a, b, lo, push, i;
	static const char *const via[] = { "va", "vb" };
	char ea[EP_LEN], eb[EP_LEN], text[2 * EP_LEN];

	if (!have_ipv6())
		SKIP(return, "no IPv6 here");
	two_interfaces();
	own_address(LINK, "va");
	own_address(LINK, "vb");
	a = xsocket(ZMQ_PULL);
	b = xsocket(ZMQ_PULL);
	lo = xsocket(ZMQ_PULL);
	xset(a, ZMQ_IPV6, 1);
	xset(b, ZMQ_IPV6, 1);
	xset(lo, ZMQ_IPV6, 1);
	EXPECT_ERR(EINVAL, zbind(a, "tcp://[" LINK "]:5577"));
	EXPECT_ERR(EADDRNOTAVAIL, zbind(lo, "tcp://[" LINK "%lo]:5577"));
	EXPECT_ERR(ENODEV, zbind(a, "tcp://[" LINK "%vc]:5577"));
	bound(a, "tcp://[" LINK "%va]:5577", ea);
	EXPECT_STREQ("tcp://[" LINK "%va]:5577", ea);
	/* the same address and port, of another link */
	bound(b, "tcp://[" LINK "%vb]:5577", eb);
	EXPECT_STREQ("tcp://[" LINK "%vb]:5577", eb);
	EXPECT_ERR(EADDRINUSE, zbind(b, ea));
	for (i = 0; i < 2; i++) {
		push = xsocket(ZMQ_PUSH);
		snprintf(text, sizeof(text), "tcp://[" LINK "%%%s]:5577", via[i]);
		xconnect(push, text);
		xsends(push, via[i], 0);
		EXPECT_GOT(i ? b : a, via[i]);
		xclose(push);
	}
	EXPECT_EQ(0, poll1(a, POLLIN, 0));
	EXPECT_EQ(0, poll1(b, POLLIN, 0));
	xclose(a);
	xclose(b);
	xclose(lo);
}

/* also where a connection comes from can be told by the interface's name */
TEST(source)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int l, c, push;
	char ep[EP_LEN], text[2 * EP_LEN];

	two_interfaces();
	run("ip addr add " V4 "/24 dev va");
	l = raw_listen(ep);
	push = xsocket(ZMQ_PUSH);
	snprintf(text, sizeof(text), "tcp://va:*;127.0.0.1:%d", ep_port(ep));
	xconnect(push, text);
	c = raw_accept(l);
	ASSERT_OK(getpeername(c, (struct sockaddr *)&sin, &len));
	EXPECT_EQ(0x0a4d0001, ntohl(sin.sin_addr.s_addr));
	xclose(c);
	xclose(push);
	xclose(l);
}

/* an interface that is not there is waited for, as anybody is */
TEST(source_comes_later)
{
	int l, c, push;
	char ep[EP_LEN], text[2 * EP_LEN];
	long failed;

	two_interfaces();
	l = raw_listen(ep);
	push = xsocket(ZMQ_PUSH);
	xset(push, ZMQ_RECONNECT_IVL, 10);
	snprintf(text, sizeof(text), "tcp://va:*;127.0.0.1:%d", ep_port(ep));
	failed = mib("ConnectFailures");
	xconnect(push, text);
	while (mib("ConnectFailures") < failed + 3)
		poll1(l, 0, 5);
	EXPECT_EQ(0, poll1(l, POLLIN, 0));
	run("ip addr add " V4 "/24 dev va");
	c = raw_accept(l);
	xclose(c);
	xclose(push);
	xclose(l);
}

ZMQ_HARNESS_MAIN
