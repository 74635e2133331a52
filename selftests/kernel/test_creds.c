// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/*
 * What is done for a socket later is done as the one who asked for it, as he was
 * then: whatever the process has become since. Permission of a path that is
 * taken away, and roots and mounts of the opener, are in test_ipc; control
 * groups in test_cgroup.
 */
#include "kselftest_harness.h"
#include "lib.h"

#include <sched.h>
#include <sys/stat.h>

#define UID	1000
#define LOW	81	/* a port that takes a capability */

static void become(int uid)
{
	KZ_CHECK(!setresgid(uid, uid, uid));
	KZ_CHECK(!setresuid(uid, uid, uid));
}

static void set_low_ports(int first)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w");

	KZ_CHECK(f && fprintf(f, "%d\n", first) > 0 && !fclose(f));
}

/* "ipc://" and a name in the test's own directory */
static char *here(char ep[EP_LEN], const char *name)
{
	char cwd[64];

	KZ_CHECK(getcwd(cwd, sizeof(cwd)));
	KZ_CHECK(snprintf(ep, EP_LEN, "ipc://%s/%s", cwd, name) < EP_LEN);
	return ep + strlen("ipc://");
}

/*
 * A child that connects, before or after it changes, and says "hello" to who is
 * there. It stays until told, and ends with status 0.
 */
struct child {
	pid_t pid;
	int go;
};

static struct child connecter(const char *ep, void (*change)(const char *),
			      const char *arg, bool first)
{
	struct child kid;
	int p[2], push;
	char c;

	KZ_CHECK(!pipe2(p, O_CLOEXEC));
	fflush(stdout);
	kid.pid = fork();
	kid.go = p[1];
	if (kid.pid) {
		close(p[0]);
		return kid;
	}
	close(p[1]);
	push = xsocket(ZMQ_PUSH);
	xset(push, ZMQ_RECONNECT_IVL, 10);
	if (first)
		change(arg);
	xconnect(push, ep);
	if (!first)
		change(arg);
	xsends(push, "hello", 0);
	KZ_CHECK(read(p[0], &c, 1) == 0);
	_exit(0);
}

static bool good_end(struct child kid)
{
	int status;

	close(kid.go);
	return wait_exit(kid.pid, &status, KZ_WAIT_MS) && !status;
}

static void become_user(const char *arg)
{
	become(UID);
}

static void low_port_to(char text[2 * EP_LEN], const char *ep)
{
	snprintf(text, 2 * EP_LEN, "tcp://127.0.0.1:%d;%s", LOW,
		 ep + strlen("tcp://"));
}

/* no try of his gets a port that he may not have, and nothing else is wrong */
TEST(low_port_for_nobody)
{
	char ep[EP_LEN], text[2 * EP_LEN];
	struct child kid;
	int pull;

	own_netns();
	pull = xsocket(ZMQ_PULL);
	xbind_any(pull, ep);
	low_port_to(text, ep);
	kid = connecter(text, become_user, NULL, true);
	ASSERT_TRUE(wait_mib("ConnectFailures", 6));
	EXPECT_QUIET(pull);
	EXPECT_EQ(0, mib("Accepts"));
	set_low_ports(0);
	EXPECT_GOT(pull, "hello");
	EXPECT_TRUE(good_end(kid));
}

/* what he could do when he connected, later tries can, though he gave it up */
TEST(low_port_of_the_opener)
{
	char ep[EP_LEN], text[2 * EP_LEN];
	struct child kid;
	int pull, l;

	own_netns();
	l = raw_listen(ep);
	close(l);
	low_port_to(text, ep);
	kid = connecter(text, become_user, NULL, false);
	ASSERT_TRUE(wait_mib("ConnectFailures", 3));
	pull = xsocket(ZMQ_PULL);
	xbind(pull, ep);
	EXPECT_GOT(pull, "hello");
	EXPECT_TRUE(good_end(kid));
}

/* a directory that only the opener could enter */
TEST(rights_given_up_later)
{
	char ep[EP_LEN], *path = here(ep, "closed");
	struct child kid;
	int pull;

	own_netns();
	ASSERT_OK(mkdir(path, 0700));
	strcat(ep, "/s");
	kid = connecter(ep, become_user, NULL, false);
	ASSERT_TRUE(wait_mib("ConnectFailures", 3));
	pull = xsocket(ZMQ_PULL);
	xbind(pull, ep);
	EXPECT_GOT(pull, "hello");
	EXPECT_TRUE(good_end(kid));
}

static void change_root(const char *dir)
{
	KZ_CHECK(!chroot(dir));
	KZ_CHECK(!chdir("/"));
}

/* the root directory of connect(), not that of now */
TEST(root_changed_later)
{
	int pull = -1, decoy;
	char ep[EP_LEN], there[EP_LEN];
	struct child kid;

	own_netns();
	ASSERT_OK(mkdir("jail", 0755));
	kid = connecter("ipc:///kzmq-later-root", change_root, "jail", false);
	ASSERT_TRUE(wait_mib("ConnectFailures", 3));
	decoy = xsocket(ZMQ_PULL);
	here(there, "jail/kzmq-later-root");
	xbind(decoy, there);
	EXPECT_QUIET(decoy);
	strcpy(ep, "ipc:///kzmq-later-root");
	pull = xsocket(ZMQ_PULL);
	xbind(pull, ep);
	EXPECT_GOT(pull, "hello");
	EXPECT_QUIET(decoy);
	EXPECT_TRUE(good_end(kid));
	unlink("/kzmq-later-root");
}

static void change_directory(const char *dir)
{
	KZ_CHECK(!chdir(dir));
}

/* a relative name is of the directory in which connect() was called */
TEST(directory_changed_later)
{
	int pull, decoy;
	struct child kid;

	own_netns();
	ASSERT_OK(mkdir("away", 0755));
	kid = connecter("ipc://name", change_directory, "away", false);
	ASSERT_TRUE(wait_mib("ConnectFailures", 3));
	decoy = xsocket(ZMQ_PULL);
	xbind(decoy, "ipc://away/name");
	EXPECT_QUIET(decoy);
	pull = xsocket(ZMQ_PULL);
	xbind(pull, "ipc://name");
	EXPECT_GOT(pull, "hello");
	EXPECT_QUIET(decoy);
	EXPECT_TRUE(good_end(kid));
}

/* the namespace of the socket, wherever its process has gone */
TEST(network_left_later)
{
	int pull, decoy, push, home, away;
	char ep[EP_LEN];

	own_netns();
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	push = xsocket(ZMQ_PUSH);
	xset(push, ZMQ_RECONNECT_IVL, 10);
	pull = xsocket(ZMQ_PULL);
	xbind_any(pull, ep);
	own_netns();
	away = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, home);
	ASSERT_LE(0, away);
	decoy = xsocket(ZMQ_PULL);
	xbind(decoy, ep);
	/* the first try, and one after the connection was lost */
	xconnect(push, ep);
	xsends(push, "first", 0);
	EXPECT_GOT(pull, "first");
	xunbind(pull, ep);
	xpeers(push, 0);
	xsends(push, "second", 0);
	ASSERT_OK(setns(home, CLONE_NEWNET));
	ASSERT_TRUE(wait_mib("ConnectFailures", 3));
	ASSERT_OK(setns(away, CLONE_NEWNET));
	EXPECT_EQ(0, mib("Accepts"));
	/* a socket bound from elsewhere listens at home, too */
	xbind(pull, ep);
	EXPECT_GOT(pull, "second");
	EXPECT_QUIET(decoy);
	EXPECT_EQ(0, mib("Accepts"));
}

/* who connects again is the opener for those at the other end, too */
TEST(user_of_a_later_try)
{
	char ep[EP_LEN], *path = here(ep, "peer"), buf[64];
	char space[256] __attribute__((aligned(8)));
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	struct zmq_msg_peer who = {};
	struct child kid;
	int pull;

	own_netns();
	pull = xsocket(ZMQ_PULL);
	xset(pull, ZMQ_RECVPEER, 1);
	kid = connecter(ep, become_user, NULL, true);
	ASSERT_TRUE(wait_mib("ConnectFailures", 3));
	umask(0);	/* anybody may connect */
	xbind(pull, ep);
	ASSERT_EQ(5, recvmsg(pull, &m, 0));
	ASSERT_NE(NULL, CMSG_FIRSTHDR(&m));
	memcpy(&who, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(who));
	EXPECT_EQ(ZMQ_PEER_LOCAL, who.flags);
	EXPECT_EQ(UID, who.uid);
	EXPECT_EQ(UID, who.gid);
	EXPECT_TRUE(good_end(kid));
	unlink(path);
}

ZMQ_HARNESS_MAIN
