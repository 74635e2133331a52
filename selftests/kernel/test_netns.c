// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 150 */
/*
 * The end of a network namespace in which sockets linger, try again and listen:
 * the exit of the module's part is awaited itself. Its sysctls go there, and a
 * directory held open shows it without holding the namespace.
 */
#include "kselftest_harness.h"
#include "lib.h"

#include <sched.h>

#define NEAR		"10.9.0.1"
#define FAR		"10.9.0.2"
#define ORPHAN_MS	400

static void enter(int ns)
{
	KZ_CHECK(!setns(ns, CLONE_NEWNET));
}

static int open_ns(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	KZ_CHECK(fd >= 0);
	return fd;
}

/* The module's part of the namespace is there as long as its sysctls are. */
static bool part_is_there(int dir)
{
	int fd = openat(dir, "orphan_ms", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	else
		KZ_CHECK(errno == ENOENT);
	return fd >= 0;
}

static bool part_goes(int dir)
{
	long long end = kz_now_ms() + kz_ms(2 * KZ_WAIT_MS);

	while (part_is_there(dir)) {
		if (kz_now_ms() > end)
			return false;
		poll(NULL, 0, 2);
	}
	return true;
}

/* Wait for the other end of a pipe to be closed: an octet would be wrong. */
static void wait_end(int fd)
{
	char c;

	KZ_CHECK(read(fd, &c, 1) == 0);
}

/*
 * The far side: a process with a namespace of its own. It does as it is told
 * when its link is there, says so, and waits for its end.
 */
struct far {
	pid_t pid;
	int dir;	/* the sysctls of its namespace */
	int ready, go, leave;
};

static void __attribute__((noreturn))
far_process(int hello, int go, int ready, int leave, void (*act)(void))
{
	own_netns();
	close(hello);
	wait_end(go);
	KZ_CHECK(!sysctl_set("orphan_ms", kz_ms(ORPHAN_MS)));
	act();
	close(ready);
	wait_end(leave);
	/* sockets end as in any process that forgets them */
	_exit(0);
}

static struct far far_new(void (*act)(void))
{
	int hello[2], go[2], ready[2], leave[2], home, ns;
	struct far far;

	KZ_CHECK(!pipe2(hello, O_CLOEXEC) && !pipe2(go, O_CLOEXEC) &&
		 !pipe2(ready, O_CLOEXEC) && !pipe2(leave, O_CLOEXEC));
	fflush(stdout);
	far.pid = fork();
	if (!far.pid) {
		close(hello[0]);
		close(go[1]);
		close(ready[0]);
		close(leave[1]);
		far_process(hello[1], go[0], ready[1], leave[0], act);
	}
	close(hello[1]);
	close(go[0]);
	close(ready[1]);
	close(leave[0]);
	wait_end(hello[0]);
	close(hello[0]);
	far.ready = ready[0];
	far.go = go[1];
	far.leave = leave[1];
	home = open_ns(getpid());
	ns = open_ns(far.pid);
	enter(ns);
	far.dir = open("/proc/sys/net/zmq", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enter(home);
	KZ_CHECK(far.dir >= 0);
	close(home);
	close(ns);
	return far;
}

static bool far_link(struct far *far)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		 "ip link add va type veth peer name vb netns %d && ip addr add "
		 NEAR "/24 dev va && ip link set va up && nsenter -n -t %d sh -c '"
		 "ip addr add " FAR "/24 dev vb && ip link set vb up'",
		 far->pid, far->pid);
	return !system(cmd);
}

static void far_act(struct far *far)
{
	close(far->go);
	wait_end(far->ready);
	close(far->ready);
}

static bool far_leaves(struct far *far, bool killed)
{
	int status;

	if (killed)
		kill(far->pid, SIGKILL);
	close(far->leave);
	return wait_exit(far->pid, &status, KZ_WAIT_MS) && !status == !killed;
}

static int far_socket(int type)
{
	int fd = xsocket(type);

	xset(fd, ZMQ_LINGER, -1);
	xset(fd, ZMQ_RECONNECT_IVL, 10);
	xset(fd, ZMQ_SNDHWM, 20);
	xset(fd, ZMQ_SNDBUF, 20000);
	return fd;
}

/* more than goes in where nobody takes it */
static void fill_up(int fd)
{
	static char body[20000];
	int i;

	for (i = 0; i < 100; i++)
		if (send(fd, body, sizeof(body), MSG_DONTWAIT) < 0)
			KZ_CHECK(errno == EAGAIN);
}

/* sockets as different as can be, which nobody closes */
static void all_kinds(void)
{
	int fd = far_socket(ZMQ_PUSH), to;

	/* somebody is there, and has all of it or not */
	xconnect(fd, "tcp://" NEAR ":7801");
	xpeers(fd, 1);
	fill_up(fd);
	/* nobody is: refused, no route, no file */
	fd = far_socket(ZMQ_PUSH);
	xconnect(fd, "tcp://" NEAR ":7802");
	xconnect(fd, "tcp://10.250.0.1:7803");
	xconnect(fd, "ipc:///nowhere/at/all");
	fill_up(fd);
	/* nothing to say */
	fd = far_socket(ZMQ_PUSH);
	xconnect(fd, "tcp://" NEAR ":7801");
	xpeers(fd, 1);
	xconnect(far_socket(ZMQ_DEALER), "tcp://" NEAR ":7802");
	xbind(far_socket(ZMQ_REP), "tcp://*:*");
	/* half a message */
	fd = far_socket(ZMQ_DEALER);
	xconnect(fd, "tcp://" NEAR ":7802");
	xsends(fd, "begun", MSG_MORE);
	/* among themselves, unread */
	fd = far_socket(ZMQ_PULL);
	to = far_socket(ZMQ_PUSH);
	xbind(fd, "ipc://@kzmq-far");
	xbind(fd, "inproc://far");
	xconnect(to, "ipc://@kzmq-far");
	xconnect(to, "inproc://far");
	xpeers(to, 2);
	xsends(to, "unread", 0);
	xsends(to, "unread", 0);
	KZ_CHECK(wait_in_msgs(fd, 2, KZ_WAIT_MS));
	xconnect(far_socket(ZMQ_PUSH), "inproc://nobody");
}

FIXTURE(ends) {
	int near;
};

FIXTURE_VARIANT(ends) {
	bool unlink;	/* the link is deleted before the sockets go */
	bool killed;	/* they are not closed by exit() */
	int hwm;	/* of the near peer, who reads nothing */
};

FIXTURE_VARIANT_ADD(ends, exit) { false, false, 0 };
FIXTURE_VARIANT_ADD(ends, exit_without_link) { true, false, 0 };
FIXTURE_VARIANT_ADD(ends, killed) { false, true, 0 };
FIXTURE_VARIANT_ADD(ends, killed_without_link) { true, true, 0 };
/* TCP has octets that nobody takes */
FIXTURE_VARIANT_ADD(ends, stuck) { false, true, 1 };
FIXTURE_VARIANT_ADD(ends, stuck_without_link) { true, false, 1 };

FIXTURE_SETUP(ends)
{
	own_netns();
	self->near = xsocket(ZMQ_PULL);
}

FIXTURE_TEARDOWN(ends)
{
	xclose(self->near);
}

/* not before the time for orphans is over: messages are left; and then at once */
TEST_F(ends, with_everything_open)
{
	struct far far = far_new(all_kinds);
	long long start;

	if (!far_link(&far)) {
		far_leaves(&far, true);
		SKIP(return, "no veth devices");
	}
	xset(self->near, ZMQ_RCVHWM, variant->hwm);
	xset(self->near, ZMQ_RCVBUF, 20000);
	xbind(self->near, "tcp://" NEAR ":7801");
	far_act(&far);
	if (variant->unlink)
		ASSERT_EQ(0, system("ip link del va"));
	EXPECT_TRUE(part_is_there(far.dir));
	start = kz_now_ms();
	ASSERT_TRUE(far_leaves(&far, variant->killed));
	EXPECT_TRUE(part_goes(far.dir));
	EXPECT_LE(kz_ms(ORPHAN_MS) - 20, kz_now_ms() - start);
	close(far.dir);
}

/* only those who may not linger: nothing to wait for */
static void impatient(void)
{
	int fd = far_socket(ZMQ_PUSH);

	KZ_CHECK(!sysctl_set("orphan_ms", 1000000));
	xset(fd, ZMQ_LINGER, 0);
	xconnect(fd, "tcp://127.0.0.1:7802");
	xconnect(fd, "ipc:///nowhere/at/all");
	fill_up(fd);
	xconnect(far_socket(ZMQ_SUB), "tcp://127.0.0.1:7802");
}

TEST(nobody_lingers)
{
	struct far far;

	own_netns();
	far = far_new(impatient);
	far_act(&far);
	ASSERT_TRUE(far_leaves(&far, true));
	EXPECT_TRUE(part_goes(far.dir));
	close(far.dir);
}

/* the time is long, and ended from outside */
static void patient(void)
{
	int fd = far_socket(ZMQ_PUSH);

	KZ_CHECK(!sysctl_set("orphan_ms", 1000000));
	xconnect(fd, "tcp://127.0.0.1:7802");
	xsends(fd, "x", 0);
}

TEST(held_until_told)
{
	struct far far;
	int fd;

	own_netns();
	far = far_new(patient);
	far_act(&far);
	ASSERT_TRUE(far_leaves(&far, false));
	poll(NULL, 0, KZ_QUIET_MS);
	EXPECT_TRUE(part_is_there(far.dir));
	fd = openat(far.dir, "orphan_abort", O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2, write(fd, "1\n", 2));
	close(fd);
	EXPECT_TRUE(part_goes(far.dir));
	close(far.dir);
}

ZMQ_HARNESS_MAIN
