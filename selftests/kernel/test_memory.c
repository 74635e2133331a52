// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/*
 * What peers make a socket keep: not more than its owner allows, and counted in
 * the owner's memory control group. Bounds of a pipe and of a namespace are in
 * test_hwm.
 */
#include "kselftest_harness.h"
#include "lib.h"
#include "libgroup.h"

#define BOUND	65536	/* the least that sock_bytes_max can be */
#define PEERS	8
#define GROUP	"owner"

static int context_new(void)
{
	int fd = xsocket(ZMQ_PULL), ctx = zget(fd, ZMQ_CONTEXT_NEW);

	KZ_CHECK(ctx >= 0);
	xclose(fd);
	return ctx;
}

FIXTURE(bound) {
	int pull, push[PEERS];
	char ep[EP_LEN];
	unsigned long long peak;
};

FIXTURE_VARIANT(bound) {
	const char *ep;
	size_t len;	/* of a message */
	size_t over;	/* octets which a peer with room may still bring */
};

/* long messages are let in one by one, short ones by the dozen */
FIXTURE_VARIANT_ADD(bound, tcp) { NULL, 5000, 5000 };
FIXTURE_VARIANT_ADD(bound, tcp_short) { NULL, 100, 64 * 100 };
FIXTURE_VARIANT_ADD(bound, ipc) { "ipc://@kzmq-bound", 5000, 5000 };
FIXTURE_VARIANT_ADD(bound, inproc) { "inproc://bound", 5000, 5000 };

FIXTURE_SETUP(bound)
{
	int i, ctx;

	own_netns();
	KZ_CHECK(!sysctl_set("sock_bytes_max", BOUND));
	/* the default context is of the namespace which the process left */
	ctx = context_new();
	self->pull = xsocket(ZMQ_PULL);
	xset(self->pull, ZMQ_CONTEXT, ctx);
	xset(self->pull, ZMQ_RCVHWM, 0);
	if (variant->ep) {
		strcpy(self->ep, variant->ep);
		xbind(self->pull, self->ep);
	} else {
		xbind_any(self->pull, self->ep);
	}
	for (i = 0; i < PEERS; i++) {
		self->push[i] = xsocket(ZMQ_PUSH);
		xset(self->push[i], ZMQ_CONTEXT, ctx);
		xset(self->push[i], ZMQ_SNDHWM, 0);
		xset(self->push[i], ZMQ_SNDBUF, 20000);
		xconnect(self->push[i], self->ep);
		xpeers(self->push[i], 1);
	}
	xclose(ctx);
	xpeers(self->pull, PEERS);
	self->peak = 0;
}

FIXTURE_TEARDOWN(bound)
{
	int i;

	for (i = 0; i < PEERS; i++)
		xclose(self->push[i]);
	xclose(self->pull);
}

/* Send until it has to wait; how many went in. */
static int stuff(int fd, size_t len)
{
	char body[5000];
	int n = 0;

	fill(body, len, 1);
	while (send(fd, body, len, MSG_DONTWAIT) == (ssize_t)len)
		n++;
	KZ_CHECK(errno == EAGAIN);
	return n;
}

static void look(int fd, unsigned long long *peak)
{
	struct zmq_stats st;

	xstats(fd, &st);
	if (st.mem > *peak)
		*peak = st.mem;
}

/* Until so many octets are queued at a time: work items may have to bring them. */
static void wait_peak(int fd, unsigned long long *peak, unsigned long long n)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	for (look(fd, peak); *peak < n && kz_now_ms() < end; look(fd, peak))
		poll(NULL, 0, 1);
}

/* all peers push what goes in; nothing of it is lost */
TEST_F_TIMEOUT(bound, of_a_socket, 60)
{
	char buf[5000];
	struct zmq_stats st;
	int i, k, total = 0, got;
	bool eor;

	do {
		for (k = i = 0; i < PEERS; i++) {
			k += stuff(self->push[i], variant->len);
			look(self->pull, &self->peak);
		}
		total += k;
	} while (k);
	wait_peak(self->pull, &self->peak, BOUND / 2);
	/* each of them keeps as much as the bound itself */
	EXPECT_LE(1ULL * PEERS * BOUND, 1ULL * total * variant->len);
	for (got = 0; got < total; got++) {
		if (!(got % 8))
			look(self->pull, &self->peak);
		ASSERT_EQ((ssize_t)variant->len,
			  zrecv(self->pull, buf, sizeof(buf), 0, &eor));
		ASSERT_TRUE(filled(buf, variant->len, 1));
	}
	TH_LOG("%d messages of %zu octets, at most %llu octets queued", total,
	       variant->len, self->peak);
	EXPECT_GE(BOUND + PEERS * variant->over, self->peak);
	EXPECT_LE(BOUND / 2, self->peak);
	EXPECT_QUIET(self->pull);
	xstats(self->pull, &st);
	EXPECT_EQ(0, st.mem);
}

/* nor can one who does not read */
TEST(subscriber_that_does_not_read)
{
	unsigned long long peak = 0;
	static char body[5000];
	struct zmq_stats st;
	char ep[EP_LEN];
	int pub, raw, i;

	own_netns();
	ASSERT_OK(sysctl_set("sock_bytes_max", BOUND));
	pub = xsocket(ZMQ_PUB);
	xset(pub, ZMQ_SNDHWM, 0);
	xset(pub, ZMQ_SNDBUF, 20000);
	xbind_any(pub, ep);
	raw = raw_peer(ep, "SUB", "PUB");
	raw_frame(raw, 0, "\1", 1);
	xtopics(pub, 1);
	for (i = 0; i < 20000; i++) {
		xsend(pub, body, sizeof(body), 0);
		xstats(pub, &st);
		peak = st.mem > peak ? st.mem : peak;
		if (st.dropped > 100)
			break;
	}
	EXPECT_LT(100, st.dropped);
	EXPECT_GE(BOUND + sizeof(body), peak);
	EXPECT_LE(BOUND / 2, peak);
	xclose(raw);
	xclose(pub);
}

/*
 * Control groups.
 */

#define COUNT	4000
#define LEN	1800
#define ALL	(COUNT * LEN)

FIXTURE(group) {
	int fd, peer;
	char ep[EP_LEN];
};

FIXTURE_VARIANT(group) {
	const char *ep;
};

FIXTURE_VARIANT_ADD(group, tcp) { NULL };
FIXTURE_VARIANT_ADD(group, ipc) { "ipc://@kzmq-group" };

FIXTURE_SETUP(group)
{
	own_netns();
	self->fd = -1;
	self->peer = -1;
}

FIXTURE_TEARDOWN(group)
{
	if (self->fd >= 0)
		xclose(self->fd);
	if (self->peer >= 0)
		xclose(self->peer);
	group_end(GROUP);
}

#define NEW_GROUP							\
	do {								\
		if (access("/sys/fs/cgroup/cgroup.procs", W_OK))	\
			SKIP(return, "no cgroup2 at /sys/fs/cgroup");	\
		if (!group_has_memory())				\
			SKIP(return, "no memory controller");		\
		ASSERT_TRUE(group_new(GROUP));				\
	} while (0)

/* A socket made in the group, by a process that leaves then */
static int made_inside(int type)
{
	int fd;

	group_enter(GROUP);
	fd = xsocket(type);
	group_leave();
	return fd;
}

static void send_all(int fd)
{
	char body[LEN];
	int i;

	for (i = 0; i < COUNT; i++) {
		fill(body, LEN, i);
		xsend(fd, body, LEN, 0);
	}
}

/* What nobody needs any more is nobody's. */
static bool memory_falls(long below)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (group_memory(GROUP, NULL) >= below) {
		if (kz_now_ms() > end)
			return false;
		poll(NULL, 0, 5);
	}
	return true;
}

/* what peers send is the owner's, whoever's context brings it */
TEST_F(group, what_is_received)
{
	long before, full;
	char buf[LEN];
	bool eor;
	int i;

	NEW_GROUP;
	self->fd = made_inside(ZMQ_PULL);
	xset(self->fd, ZMQ_RCVHWM, 0);
	if (variant->ep) {
		strcpy(self->ep, variant->ep);
		xbind(self->fd, self->ep);
	} else {
		xbind_any(self->fd, self->ep);
	}
	self->peer = xsocket(ZMQ_PUSH);
	xset(self->peer, ZMQ_SNDHWM, 0);
	xconnect(self->peer, self->ep);
	xpeers(self->fd, 1);
	before = group_memory(GROUP, NULL);
	send_all(self->peer);
	ASSERT_TRUE(wait_in_msgs(self->fd, COUNT, KZ_WAIT_MS));
	full = group_memory(GROUP, NULL);
	TH_LOG("%ld octets before, %ld with %d queued", before, full, ALL);
	EXPECT_LT(before + ALL / 8 * 7, full);
	for (i = 0; i < COUNT; i++)
		ASSERT_EQ(LEN, zrecv(self->fd, buf, LEN, 0, &eor));
	EXPECT_TRUE(memory_falls(before + ALL / 4));
}

/* what nobody has taken yet is the sender's */
TEST_F(group, what_is_sent)
{
	long before, full;

	NEW_GROUP;
	self->fd = made_inside(ZMQ_PUSH);
	xset(self->fd, ZMQ_SNDHWM, 0);
	xconnect(self->fd, variant->ep ?: "tcp://127.0.0.1:9");
	group_enter(GROUP);
	before = group_memory(GROUP, NULL);
	send_all(self->fd);
	full = group_memory(GROUP, NULL);
	group_leave();
	TH_LOG("%ld octets before, %ld with %d queued", before, full, ALL);
	EXPECT_LT(before + ALL / 8 * 7, full);
	xclose(self->fd);
	self->fd = -1;
	EXPECT_TRUE(memory_falls(before + ALL / 4));
}

static bool has_buffers(void)
{
	long long end = kz_now_ms() + kz_ms(2 * KZ_WAIT_MS);

	while (group_memory(GROUP, "sock") < 50000) {
		if (kz_now_ms() > end)
			return false;
		poll(NULL, 0, 20);
	}
	return true;
}

/* TCP's buffers, too, when a work item has made the socket */
TEST(buffers_of_a_later_try)
{
	int push, l, raw;
	char ep[EP_LEN];

	own_netns();
	NEW_GROUP;
	l = raw_listen(ep);
	close(l);
	push = made_inside(ZMQ_PUSH);
	xset(push, ZMQ_SNDBUF, 200000);
	xset(push, ZMQ_RECONNECT_IVL, 10);
	xconnect(push, ep);
	while (mib("ConnectFailures") < 2)
		poll(NULL, 0, 2);
	l = raw_listen_port(ep_port(ep));
	raw = raw_accept(l);
	ASSERT_TRUE(raw_handshake(raw, 1, "PULL", "PUSH"));
	xpeers(push, 1);
	stuff(push, 5000);
	EXPECT_TRUE(has_buffers())
		TH_LOG("%ld octets", group_memory(GROUP, "sock"));
	xclose(push);
	xclose(raw);
	xclose(l);
	group_end(GROUP);
}

ZMQ_HARNESS_MAIN
