// SPDX-License-Identifier: GPL-2.0
/* Names of hosts that come, change, and have several addresses. */
#include "kselftest_harness.h"
#include "shim.h"

#include <sched.h>
#include <sys/mount.h>

#define HOSTS	"hosts-of-the-test"

/* a file of hosts of our own, in a mount namespace of our own */
static void write_hosts(const char *text)
{
	int fd = open(HOSTS, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t len = strlen(text);

	Z_CHECK(fd >= 0);
	Z_CHECK(write(fd, text, len) == len);
	Z_CHECK(!close(fd));
}

static bool own_hosts(const char *text)
{
	write_hosts(text);
	return !unshare(CLONE_NEWNS) &&
		!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		!mount(HOSTS, "/etc/hosts", NULL, MS_BIND, NULL);
}

#define OWN_HOSTS(text)							\
	do {								\
		if (!own_hosts(text))					\
			SKIP(return, "no mounts: %s", strerror(errno));	\
	} while (0)

struct net {
	void *ctx, *pull, *push;
	char ep[EP_LEN];
};

/* someone listens on 127.0.0.1; who is not there is connected to by name */
static void xnet(struct net *n)
{
	char bound[EP_LEN];

	n->ctx = xctx();
	n->pull = xsock(n->ctx, ZMQ_PULL);
	n->push = xsock(n->ctx, ZMQ_PUSH);
	xset(n->push, ZMQ_RECONNECT_IVL, 10);
	xbind_any(n->pull, "tcp", bound);
	snprintf(n->ep, sizeof(n->ep), "tcp://host.test:%s", strrchr(bound, ':') + 1);
}

static void net_end(struct net *n)
{
	xclose(n->push);
	xclose(n->pull);
	xterm(n->ctx);
	unlink(HOSTS);
}

/* something comes; the program goes on with its calls as programs do */
static bool arrives(struct net *n)
{
	long long end = z_now_ms() + z_ms(Z_WAIT_MS);

	while (!z_poll1(n->pull, ZMQ_POLLIN, 20)) {
		if (z_now_ms() > end)
			return false;
		zmq_send(n->push, "x", 1, ZMQ_DONTWAIT);
	}
	return z_got(__FILE__, __LINE__, n->pull, "x", NULL);
}

TEST(known)
{
	struct net n;
	char ep[EP_LEN];

	OWN_HOSTS("127.0.0.1 host.test\n");
	xnet(&n);
	xconnect(n.push, n.ep);
	xendpoint(n.push, ep);
	EXPECT_STREQ(n.ep, ep);
	xsends(n.push, "x", 0);
	EXPECT_TRUE(arrives(&n));
	EXPECT_OK(zmq_disconnect(n.push, n.ep));
	EXPECT_ERR(ENOENT, zmq_disconnect(n.push, n.ep));
	net_end(&n);
}

/* it can be told about after the connect */
TEST(known_later)
{
	struct net n;

	OWN_HOSTS("127.0.0.1 localhost\n");
	xnet(&n);
	xconnect(n.push, n.ep);
	EXPECT_EQ(0, z_poll1(n.pull, ZMQ_POLLIN, 50));
	write_hosts("127.0.0.1 host.test\n");
	EXPECT_TRUE(arrives(&n));
	EXPECT_OK(zmq_disconnect(n.push, n.ep));
	net_end(&n);
}

/* nobody listens at the first of its addresses */
TEST(several_addresses)
{
	struct net n;

	SKIP_STOCK("tries the first address only");
	OWN_HOSTS("127.0.0.9 host.test\n127.0.0.8 host.test\n127.0.0.1 host.test\n");
	xnet(&n);
	xconnect(n.push, n.ep);
	xsends(n.push, "x", 0);
	EXPECT_TRUE(arrives(&n));
	EXPECT_OK(zmq_disconnect(n.push, n.ep));
	net_end(&n);
}

TEST(another_address)
{
	struct net n;

	OWN_HOSTS("127.0.0.9 host.test\n");
	xnet(&n);
	xconnect(n.push, n.ep);
	xsends(n.push, "x", 0);
	EXPECT_EQ(0, z_poll1(n.pull, ZMQ_POLLIN, 50));
	write_hosts("127.0.0.1 host.test\n");
	EXPECT_TRUE(arrives(&n));
	EXPECT_OK(zmq_disconnect(n.push, n.ep));
	net_end(&n);
}

TEST(a_source_address)
{
	struct net n;
	char text[EP_LEN + 32];

	OWN_HOSTS("127.0.0.1 host.test\n");
	xnet(&n);
	snprintf(text, sizeof(text), "tcp://127.0.0.5:0;%s", n.ep + 6);
	xconnect(n.push, text);
	xsends(n.push, "x", 0);
	EXPECT_TRUE(arrives(&n));
	EXPECT_OK(zmq_disconnect(n.push, text));
	net_end(&n);
}

TEST(of_ipv6)
{
	struct net n;
	char bound[EP_LEN];

	OWN_HOSTS("::1 host.test\n127.0.0.1 host.test\n");
	xnet(&n);
	xset(n.pull, ZMQ_IPV6, 1);
	xset(n.push, ZMQ_IPV6, 1);
	if (zmq_bind(n.pull, "tcp://[::1]:*"))
		SKIP(return, "no IPv6 here: %s", zmq_strerror(errno));
	xendpoint(n.pull, bound);
	snprintf(n.ep, sizeof(n.ep), "tcp://host.test:%s", strrchr(bound, ':') + 1);
	xconnect(n.push, n.ep);
	xsends(n.push, "x", 0);
	EXPECT_TRUE(arrives(&n));
	net_end(&n);
}

SHIM_HARNESS_MAIN
