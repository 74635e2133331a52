// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 180 */
/*
 * Networks that lose, delay, reorder and end: two network namespaces and a
 * veth pair between them, all in one process. This side is 10.9.0.1, the far
 * side 10.9.0.2.
 */
#include "kselftest_harness.h"
#include "lib.h"

#include <net/if.h>
#include <sched.h>
#include <stdarg.h>

#define NEAR	"10.9.0.1"
#define FAR	"10.9.0.2"
#define IVL	1000		/* ms for a handshake, where it shall not succeed */
#define RETRY	10
#define HELLO	"\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL"

static int ns_near, ns_far;

static void nap(int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
			       .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static int vrun(bool must, const char *fmt, va_list ap)
{
	char cmd[512];
	int ret;

	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	ret = system(cmd);
	if (must && ret)
		KZ_DIE("%s: status %#x", cmd, ret);
	return ret;
}

static void __attribute__((format(printf, 1, 2))) run(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vrun(true, fmt, ap);
	va_end(ap);
}

static int __attribute__((format(printf, 1, 2))) try_run(const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vrun(false, fmt, ap);
	va_end(ap);
	return ret;
}

static void enter(int ns)
{
	if (setns(ns, CLONE_NEWNET))
		KZ_DIE("setns");
}

static int this_ns(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	KZ_CHECK(fd >= 0);
	return fd;
}

static void set_ipv4(const char *name, int val)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%d\n", val) < 0 || fclose(f))
		KZ_DIE("%s", path);
}

/* A new far side, linked to this one; false when there is no veth. */
static bool new_far(void)
{
	pid_t pid;
	int ret;

	fflush(stdout);
	pid = fork();
	KZ_CHECK(pid >= 0);
	if (!pid) {
		pause();
		_exit(0);
	}
	own_netns();
	ns_far = this_ns();
	ret = try_run("ip link add vb type veth peer name va netns %d", pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (ret)
		return false;
	run("ip addr add " FAR "/24 dev vb && ip link set vb up");
	set_ipv4("tcp_max_tw_buckets", 0);
	enter(ns_near);
	run("ip addr add " NEAR "/24 dev va && ip link set va up");
	return true;
}

static bool new_net(void)
{
	own_netns();
	ns_near = this_ns();
	set_ipv4("tcp_max_tw_buckets", 0);
	return new_far();
}

#define NEW_NET								\
	do {								\
		if (!new_net())						\
			SKIP(return, "no veth devices");		\
	} while (0)

static void link_state(const char *state)
{
	enter(ns_near);
	run("ip link set va %s", state);
}

/* The far namespace is gone once its end of the link is. */
static bool far_gone(void)
{
	long long end = kz_now_ms() + kz_ms(2 * KZ_WAIT_MS);

	while (if_nametoindex("va")) {
		if (kz_now_ms() > end) {
			fprintf(stderr, "# the far namespace is still there\n");
			try_run("cat /proc/modules | grep zmq >&2");
			return false;
		}
		nap(5);
	}
	return true;
}

static int new_socket(int ns, int type)
{
	int fd;

	enter(ns);
	fd = xsocket(type);
	enter(ns_near);
	xset(fd, ZMQ_RECONNECT_IVL, RETRY);
	return fd;
}

static void bind_any(int fd, const char *ip, char ep[EP_LEN])
{
	socklen_t len = EP_LEN;

	snprintf(ep, EP_LEN, "tcp://%s:*", ip);
	xbind(fd, ep);
	KZ_CHECK(!getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
}

static bool no_memory_left(int ns)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	long left;

	enter(ns);
	while ((left = mib("MemBytes")) && kz_now_ms() < end)
		nap(2);
	enter(ns_near);
	if (left)
		fprintf(stderr, "# %ld octets left\n", left);
	return !left;
}

/*
 * Messages with a number; sizes from an octet to some kilobytes.
 */

struct flow {
	pthread_t thread;
	int fd, first, n, err;
};

static size_t flow_size(int no)
{
	return sizeof(no) + (no % 7 ? no * 37 % 500 : no * 331 % 9000);
}

static void *sends_flow(void *arg)
{
	struct flow *f = arg;
	char buf[10000];
	int i;

	for (i = f->first; i < f->first + f->n; i++) {
		fill(buf, flow_size(i), i);
		memcpy(buf, &i, sizeof(i));
		if (send(f->fd, buf, flow_size(i), 0) < 0) {
			f->err = errno;
			break;
		}
	}
	return NULL;
}

static bool got_number(int fd, int want)
{
	static char buf[10000], should[10000];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	int no = -1;

	if (n < 0) {
		fprintf(stderr, "# message %d: %s\n", want, strerror(errno));
		return false;
	}
	memcpy(&no, buf, sizeof(no));
	fill(should, flow_size(want), want);
	memcpy(should, &want, sizeof(want));
	if (n == (ssize_t)flow_size(want) && !memcmp(buf, should, n))
		return true;
	fprintf(stderr, "# message %d instead of %d, %zd octets\n", no, want, n);
	return false;
}

static bool got_flow(const struct flow *f, int fd)
{
	int i;

	for (i = f->first; i < f->first + f->n; i++)
		if (!got_number(fd, i))
			return false;
	return true;
}

static void begin(struct flow *f)
{
	f->err = 0;
	KZ_CHECK(!pthread_create(&f->thread, NULL, sends_flow, f));
}

static bool finish(struct flow *f)
{
	pthread_join(f->thread, NULL);
	if (f->err)
		fprintf(stderr, "# send: %s\n", strerror(f->err));
	return !f->err;
}

/* Both ends get the queue; false when the kernel has no netem. */
static bool spoil(const char *what)
{
	enter(ns_far);
	if (try_run("tc qdisc replace dev vb root netem %s", what)) {
		enter(ns_near);
		return false;
	}
	enter(ns_near);
	run("tc qdisc replace dev va root netem %s", what);
	return true;
}

static long dropped_by(const char *dev)
{
	char line[256], *p;
	long n = 0;
	FILE *f;

	snprintf(line, sizeof(line), "tc -s qdisc show dev %s", dev);
	f = popen(line, "r");

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		p = strstr(line, "(dropped ");
		if (p)
			n = atol(p + 9);
	}
	pclose(f);
	return n;
}

/* Packets lost at both ends: one of them may have few to send. */
static long spoiled(void)
{
	long n;

	enter(ns_far);
	n = dropped_by("vb");
	enter(ns_near);
	return n + dropped_by("va");
}

static bool requests(int req, int rep, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		struct flow f = { .fd = req, .first = i, .n = 1 };

		sends_flow(&f);
		if (f.err || !got_number(rep, i))
			return false;
		f.fd = rep;
		sends_flow(&f);
		if (f.err || !got_number(req, i))
			return false;
	}
	return true;
}

KZ_TEST_TIMEOUT(bad_networks, 120)
{
	static const struct {
		const char *what;
		bool loses;
	} t[] = {
		{ "delay 4ms 3ms", false },
		{ "delay 5ms reorder 30% 50%", false },
		{ "loss 7%", true },
		{ "delay 2ms duplicate 30%", false },
		{ "delay 3ms 2ms loss 4% duplicate 10% corrupt 2%", true },
	};
	const int count = kz_slow() > 1 ? 150 : 400;
	const int rounds = kz_slow() > 1 ? 10 : 20;
	long lost = 0;
	size_t i;

	NEW_NET;
	if (!spoil(t[0].what))
		SKIP(return, "no netem queue");
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		int pull = new_socket(ns_near, ZMQ_PULL);
		int push = new_socket(ns_far, ZMQ_PUSH);
		int rep = new_socket(ns_far, ZMQ_REP);
		int req = new_socket(ns_near, ZMQ_REQ);
		struct flow f = { .fd = push, .n = count };
		long long start = kz_now_ms();
		long before = spoiled();
		char ep[EP_LEN];

		ASSERT_TRUE(spoil(t[i].what));
		xtimeo(pull, kz_ms(20000), kz_ms(20000));
		xtimeo(push, kz_ms(20000), kz_ms(20000));
		xtimeo(rep, kz_ms(20000), kz_ms(20000));
		xtimeo(req, kz_ms(20000), kz_ms(20000));
		/* a lost SYN costs a second */
		xset(push, ZMQ_HANDSHAKE_IVL, 0);
		xset(req, ZMQ_HANDSHAKE_IVL, 0);
		xset(pull, ZMQ_HANDSHAKE_IVL, 0);
		xset(rep, ZMQ_HANDSHAKE_IVL, 0);
		bind_any(pull, NEAR, ep);
		xconnect(push, ep);
		begin(&f);
		EXPECT_TRUE(got_flow(&f, pull));
		EXPECT_TRUE(finish(&f));
		bind_any(rep, FAR, ep);
		xconnect(req, ep);
		EXPECT_TRUE(requests(req, rep, rounds));
		EXPECT_EQ(0, poll1(pull, POLLIN, 20));
		before = spoiled() - before;
		printf("# %s: %d messages, %d requests, %ld lost, %lld ms\n",
		       t[i].what, count, rounds, before, kz_now_ms() - start);
		if (t[i].loses)
			lost += before;
		xclose(pull);
		xclose(push);
		xclose(rep);
		xclose(req);
	}
	EXPECT_LT(0, lost);
	EXPECT_EQ(0, mib_faults());
	EXPECT_TRUE(no_memory_left(ns_near));
	EXPECT_TRUE(no_memory_left(ns_far));
}

/* The link is away for a while; the connection lives. */
KZ_TEST_TIMEOUT(link_down_and_up, 60)
{
	int pull, push, i;
	char ep[EP_LEN];

	NEW_NET;
	pull = new_socket(ns_near, ZMQ_PULL);
	push = new_socket(ns_far, ZMQ_PUSH);
	bind_any(pull, NEAR, ep);
	xconnect(push, ep);
	for (i = 0; i < 3; i++) {
		struct flow f = { .fd = push, .first = i * 60, .n = 60 };

		begin(&f);
		ASSERT_TRUE(got_number(pull, f.first));
		link_state("down");
		EXPECT_TRUE(finish(&f));
		nap(100);
		link_state("up");
		f.first++;
		f.n--;
		EXPECT_TRUE(got_flow(&f, pull));
	}
	EXPECT_EQ(0, mib("Disconnects"));
	xclose(pull);
	xclose(push);
	EXPECT_TRUE(no_memory_left(ns_near));
	EXPECT_TRUE(no_memory_left(ns_far));
}

/* TCP itself gives up: the socket hears of it and tries again. */
KZ_TEST_TIMEOUT(link_down_for_long, 60)
{
	int pull, push, i;
	char ep[EP_LEN], buf[16];

	NEW_NET;
	/* it has time for whom the machine lets wait for a while */
	set_ipv4("tcp_retries2", 2);
	pull = new_socket(ns_far, ZMQ_PULL);
	push = new_socket(ns_near, ZMQ_PUSH);
	bind_any(pull, FAR, ep);
	xconnect(push, ep);
	xsends(push, "before", 0);
	EXPECT_GOT(pull, "before");
	for (i = 0; i < 2; i++) {
		link_state("down");
		xsends(push, "lost in TCP", 0);
		ASSERT_TRUE(wait_peers(push, 0, 2 * KZ_WAIT_MS));
		/* what nobody took yet waits for the next connection */
		xsends(push, "kept", 0);
		link_state("up");
		xpeers(push, 1);
		EXPECT_GOT(pull, "kept");
	}
	EXPECT_EQ(-1, recv(pull, buf, sizeof(buf), MSG_DONTWAIT));
	xclose(push);
	xclose(pull);
	EXPECT_TRUE(no_memory_left(ns_near));
	EXPECT_TRUE(no_memory_left(ns_far));
}

/* Somebody in the far namespace, who can be made to say no more. */
static int far_raw(const char *ep)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd;

	enter(ns_far);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	enter(ns_near);
	KZ_CHECK(fd >= 0);
	sin.sin_port = htons(ep_port(ep));
	inet_pton(AF_INET, NEAR, &sin.sin_addr);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)))
		KZ_DIE("connect to %s", ep);
	return fd;
}

/* nothing; parts of the handshake; parts of messages */
static const struct {
	const char *text;
	int len;
	bool ready;
} part[] = {
	{ "", 0, false },
	{ RAW_LIT("\xff\0\0\0"), false },
	{ HELLO, 16, false },
	{ RAW_LIT(HELLO "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		  "\0\0\0\0\0\0\0\0\4\31\5REA"), false },
	{ RAW_LIT("\0"), true },
	{ RAW_LIT("\2\0\0\0\0\0\1\0\0some octets"), true },
	{ RAW_LIT("\1\5first"), true },
	{ RAW_LIT("\1\5first\0\6sec"), true },
};

static int far_part(int fd, const char *ep, size_t i)
{
	int raw = far_raw(ep);

	if (part[i].ready) {
		KZ_CHECK(raw_handshake(raw, 1, "PUSH", "PULL"));
		xpeers(fd, 1);
	}
	raw_write(raw, part[i].text, part[i].len);
	return raw;
}

static void die_unheard(int raw)
{
	struct linger hard = { .l_onoff = 1 };

	KZ_CHECK(!setsockopt(raw, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
	xclose(raw);
}

static bool wait_timeouts(long n)
{
	long long end = kz_now_ms() + kz_ms(IVL + KZ_WAIT_MS);

	while (mib("HandshakeTimeouts") < n) {
		if (kz_now_ms() > end)
			return false;
		nap(2);
	}
	return mib("HandshakeTimeouts") == n;
}

/* A peer with its whole namespace goes, and no packet tells of it. */
KZ_TEST_TIMEOUT(namespace_deleted, 100)
{
	struct zmq_stats st;
	size_t i;

	NEW_NET;
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		int fd = new_socket(ns_near, ZMQ_PULL), raw, push;
		long late = mib("HandshakeTimeouts");
		char ep[EP_LEN], c;

		xset(fd, ZMQ_HANDSHAKE_IVL, kz_ms(IVL));
		snprintf(ep, sizeof(ep), "tcp://0.0.0.0:%zu", 7100 + i);
		xbind(fd, ep);
		raw = far_part(fd, ep, i);
		link_state("down");
		die_unheard(raw);
		xclose(ns_far);
		ASSERT_TRUE(far_gone());
		if (!part[i].ready)
			EXPECT_TRUE(wait_timeouts(late + 1));
		EXPECT_ERR(EAGAIN, recv(fd, &c, 1, MSG_DONTWAIT));
		xstats(fd, &st);
		EXPECT_EQ(0, st.in_msgs);
		EXPECT_EQ(part[i].ready, st.peers);
		/* another namespace at the same address */
		ASSERT_TRUE(new_far());
		push = new_socket(ns_far, ZMQ_PUSH);
		snprintf(ep, sizeof(ep), "tcp://" NEAR ":%zu", 7100 + i);
		xconnect(push, ep);
		xsends(push, "good", 0);
		EXPECT_GOT(fd, "good");
		xclose(push);
		/* before the link is down again: the namespace has to go */
		xpeers(fd, part[i].ready);
		xclose(fd);
	}
	xclose(ns_far);
	EXPECT_TRUE(far_gone());
	EXPECT_TRUE(no_memory_left(ns_near));
	printf("# %zu namespaces deleted under their peers\n", i);
}

/* Nothing comes through: neither link down nor anybody who says so. */
KZ_TEST_TIMEOUT(all_lost, 60)
{
	int fd, push, pull, raw;
	char ep[EP_LEN];
	size_t i;

	NEW_NET;
	fd = new_socket(ns_near, ZMQ_PULL);
	xset(fd, ZMQ_HANDSHAKE_IVL, kz_ms(IVL));
	bind_any(fd, NEAR, ep);
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		long late = mib("HandshakeTimeouts");

		if (part[i].ready)
			continue;
		raw = far_part(fd, ep, i);
		if (!spoil("loss 100%"))
			SKIP(return, "no netem queue");
		EXPECT_TRUE(wait_timeouts(late + 1));
		die_unheard(raw);
		spoil("loss 0%");
	}
	/* connecting into the void, too, until it is one no more */
	pull = new_socket(ns_far, ZMQ_PULL);
	push = new_socket(ns_near, ZMQ_PUSH);
	xset(push, ZMQ_HANDSHAKE_IVL, kz_ms(IVL));
	bind_any(pull, FAR, ep);
	spoil("loss 100%");
	i = mib("HandshakeTimeouts");
	xconnect(push, ep);
	xsends(push, "patience", 0);
	EXPECT_TRUE(wait_mib("HandshakeTimeouts", i + 1));
	spoil("loss 0%");
	EXPECT_GOT(pull, "patience");
	xclose(push);
	xclose(pull);
	xclose(fd);
	EXPECT_TRUE(no_memory_left(ns_near));
	EXPECT_TRUE(no_memory_left(ns_far));
}

/* Sockets outlive every process of their namespace and take it along. */
TEST(only_sockets_hold_it)
{
	int pull, push, near, bound;
	char ep[EP_LEN], ep2[EP_LEN];

	NEW_NET;
	near = new_socket(ns_near, ZMQ_PULL);
	bind_any(near, NEAR, ep);
	push = new_socket(ns_far, ZMQ_PUSH);
	pull = new_socket(ns_far, ZMQ_PULL);
	bound = new_socket(ns_far, ZMQ_REP);
	bind_any(bound, FAR, ep2);
	xclose(ns_far);
	xconnect(push, ep);
	xsends(push, "still there", 0);
	EXPECT_GOT(near, "still there");
	bind_any(pull, FAR, ep);
	xclose(push);
	push = new_socket(ns_near, ZMQ_PUSH);
	xconnect(push, ep);
	xsends(push, "and here", 0);
	EXPECT_GOT(pull, "and here");
	EXPECT_NE(0, if_nametoindex("va"));
	/* its own going, not its peers', must be enough */
	xclose(pull);
	xclose(bound);
	EXPECT_TRUE(far_gone());
	xclose(push);
	xclose(near);
	EXPECT_TRUE(no_memory_left(ns_near));
}

/* Sends what nobody will ever read, and waits for its end. */
static void __attribute__((noreturn)) lingerer(const char *ep, int ready)
{
	static char body[30000];
	int fd = xsocket(ZMQ_PUSH);

	xset(fd, ZMQ_LINGER, -1);
	xset(fd, ZMQ_RECONNECT_IVL, RETRY);
	xconnect(fd, ep);
	while (send(fd, body, sizeof(body), MSG_DONTWAIT) > 0)
		;
	KZ_CHECK(errno == EAGAIN);
	KZ_CHECK(write(ready, "r", 1) == 1);
	for (;;)
		pause();
}

/* Killed with messages queued: until the bound for orphans, no longer. */
static bool killed_lingering(const char *ep, int orphan_ms)
{
	int p[2], status;
	pid_t pid;
	char c;

	enter(ns_far);
	KZ_CHECK(!sysctl_set("orphan_ms", kz_ms(orphan_ms)));
	KZ_CHECK(!pipe(p));
	fflush(stdout);
	pid = fork();
	KZ_CHECK(pid >= 0);
	if (!pid) {
		/* nothing but the socket holds the namespace */
		close(ns_far);
		close(ns_near);
		lingerer(ep, p[1]);
	}
	enter(ns_near);
	xclose(ns_far);
	KZ_CHECK(read(p[0], &c, 1) == 1);
	xclose(p[0]);
	xclose(p[1]);
	kill(pid, SIGKILL);
	return wait_exit(pid, &status, KZ_WAIT_MS) && WIFSIGNALED(status);
}

TEST(killed_with_nobody_there)
{
	NEW_NET;
	ASSERT_TRUE(killed_lingering("tcp://" NEAR ":7999", 300));
	EXPECT_TRUE(far_gone());
}

TEST(killed_before_who_does_not_read)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	struct raw_frame f;
	char ep[EP_LEN];
	int fd, raw;

	NEW_NET;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	inet_pton(AF_INET, NEAR, &sin.sin_addr);
	ASSERT_OK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	ASSERT_OK(listen(fd, 5));
	ASSERT_OK(getsockname(fd, (struct sockaddr *)&sin, &len));
	snprintf(ep, sizeof(ep), "tcp://" NEAR ":%d", ntohs(sin.sin_port));
	/* its handshake is still to come */
	ASSERT_TRUE(killed_lingering(ep, 3000));
	raw = raw_accept(fd);
	raw_greeting(raw, 1);
	ASSERT_TRUE(raw_read_greeting(raw));
	ASSERT_TRUE(raw_read_frame(raw, &f));
	EXPECT_TRUE(raw_is_ready(&f, "PUSH"));
	raw_ready(raw, "PULL", "", 0);
	/* TCP has octets for us that we never take; then it gets a RST */
	EXPECT_TRUE(wait_ready(raw, POLLIN));
	nap(kz_ms(300) / 2);
	xclose(raw);
	xclose(fd);
	EXPECT_TRUE(far_gone());
}

ZMQ_HARNESS_MAIN
