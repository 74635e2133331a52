// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/*
 * cgroup-BPF: programs in the control group where a socket was made are asked
 * about what is done for it, by whom and whenever that is.
 */
#include "kselftest_harness.h"
#include "lib.h"
#include "libgroup.h"

#include <linux/bpf.h>

#define GROUP		"opener"
#define UNIX_CONNECT	49	/* since Linux 6.7 */

/* a child ends with status 0 */
static bool good_child(pid_t pid)
{
	int status;

	return wait_exit(pid, &status, KZ_WAIT_MS) && !status;
}

FIXTURE(hook) {
	int pull, prog;
	char ep[EP_LEN], to[2 * EP_LEN];
};

FIXTURE_VARIANT(hook) {
	int type, hook;
	bool ipc, from;
};

FIXTURE_VARIANT_ADD(hook, connect) {
	BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, false, false
};

/* the source address of a connection */
FIXTURE_VARIANT_ADD(hook, bind) {
	BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, false, true
};

FIXTURE_VARIANT_ADD(hook, sock_create) {
	BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, false, false
};

FIXTURE_VARIANT_ADD(hook, unix_connect) {
	BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_CONNECT, true, false
};

FIXTURE_SETUP(hook)
{
	own_netns();
	self->pull = xsocket(ZMQ_PULL);
	self->prog = -1;
	if (variant->ipc) {
		strcpy(self->ep, "ipc://@kzmq-cgroup");
		xbind(self->pull, self->ep);
	} else {
		xbind_any(self->pull, self->ep);
	}
	snprintf(self->to, sizeof(self->to), "%s%s",
		 variant->from ? "tcp://127.0.0.1:*;" : "",
		 self->ep + (variant->from ? strlen("tcp://") : 0));
}

FIXTURE_TEARDOWN(hook)
{
	xclose(self->pull);
	if (self->prog >= 0)
		close(self->prog);
	group_end(GROUP);
}

#define NEW_GROUP							\
	do {								\
		if (!group_new(GROUP))					\
			SKIP(return, "no cgroup2 at /sys/fs/cgroup");	\
		self->prog = group_no(variant->type, variant->hook);	\
		if (self->prog < 0 && errno == EINVAL)			\
			SKIP(return, "this kernel has no such hook");	\
		ASSERT_LE(0, self->prog);				\
	} while (0)

/*
 * From the group: a connection, and a message for each octet there is to read,
 * until the other end is closed.
 */
static pid_t opener(const char *to, int *go, bool stays)
{
	char text[2] = "";
	pid_t pid;
	int push, p[2];

	KZ_CHECK(!pipe2(p, O_CLOEXEC));
	pid = fork();
	if (pid) {
		close(p[0]);
		*go = p[1];
		return pid;
	}
	close(p[1]);
	group_enter(GROUP);
	push = xsocket(ZMQ_PUSH);
	xset(push, ZMQ_RECONNECT_IVL, 10);
	if (!stays)
		group_leave();
	xconnect(push, to);
	while (read(p[0], text, 1) == 1)
		xsends(push, text, 0);
	_exit(0);
}

/* the first try and each later one are refused while the program is there */
TEST_F(hook, every_try)
{
	int go;
	pid_t pid;
	long n;

	NEW_GROUP;
	ASSERT_OK(group_attach(GROUP, self->prog, variant->hook));
	pid = opener(self->to, &go, true);
	KZ_CHECK(write(go, "1", 1) == 1);
	ASSERT_TRUE(wait_mib("ConnectFailures", 6));
	EXPECT_QUIET(self->pull);
	EXPECT_EQ(0, mib("Accepts"));
	ASSERT_OK(group_detach(GROUP, self->prog, variant->hook));
	EXPECT_GOT(self->pull, "1");
	/* and when the connection is lost */
	ASSERT_OK(group_attach(GROUP, self->prog, variant->hook));
	xunbind(self->pull, self->ep);
	xpeers(self->pull, 0);
	xbind(self->pull, self->ep);
	n = mib("ConnectFailures");
	ASSERT_TRUE(wait_mib("ConnectFailures", n + 5));
	/* not before: it could be on its way when the connection ends */
	KZ_CHECK(write(go, "2", 1) == 1);
	EXPECT_QUIET(self->pull);
	ASSERT_OK(group_detach(GROUP, self->prog, variant->hook));
	EXPECT_GOT(self->pull, "2");
	close(go);
	EXPECT_TRUE(good_child(pid));
}

/* where the socket was made counts, as for one of TCP, not where its owner is */
TEST_F(hook, made_in_the_group)
{
	int go;
	pid_t pid;

	NEW_GROUP;
	ASSERT_OK(group_attach(GROUP, self->prog, variant->hook));
	pid = opener(self->to, &go, false);
	KZ_CHECK(write(go, "x", 1) == 1);
	ASSERT_TRUE(wait_mib("ConnectFailures", 3));
	EXPECT_QUIET(self->pull);
	ASSERT_OK(group_detach(GROUP, self->prog, variant->hook));
	EXPECT_GOT(self->pull, "x");
	close(go);
	EXPECT_TRUE(good_child(pid));
}

/* a group's programs have nothing to say about others' sockets */
TEST_F(hook, others)
{
	int push;

	NEW_GROUP;
	ASSERT_OK(group_attach(GROUP, self->prog, variant->hook));
	push = xsocket(ZMQ_PUSH);
	xconnect(push, self->to);
	xsends(push, "free", 0);
	EXPECT_GOT(self->pull, "free");
	EXPECT_EQ(0, mib("ConnectFailures"));
	xclose(push);
}

/* who may not bind, or have the socket, is told so at once */
TEST_F(hook, bind_is_refused)
{
	bool refuses = variant->hook == BPF_CGROUP_INET4_BIND ||
		       variant->hook == BPF_CGROUP_INET_SOCK_CREATE;
	pid_t pid;

	NEW_GROUP;
	ASSERT_OK(group_attach(GROUP, self->prog, variant->hook));
	pid = fork();
	if (!pid) {
		int fd;

		group_enter(GROUP);
		fd = xsocket(ZMQ_PULL);
		if (refuses)
			KZ_CHECK(zbind(fd, "tcp://127.0.0.1:*") == -1 &&
				 errno == EPERM);
		else
			xbind(fd, "tcp://127.0.0.1:*");
		KZ_CHECK(!group_detach(GROUP, self->prog, variant->hook));
		xbind(fd, "tcp://127.0.0.1:*");
		_exit(0);
	}
	EXPECT_TRUE(good_child(pid));
}

/* a group that was removed is still asked about the sockets made in it */
TEST_F(hook, removed_group)
{
	pid_t pid;
	int go;
	long n;

	NEW_GROUP;
	ASSERT_OK(group_attach(GROUP, self->prog, variant->hook));
	pid = opener(self->to, &go, false);
	ASSERT_TRUE(wait_mib("ConnectFailures", 2));
	group_end(GROUP);
	KZ_CHECK(write(go, "x", 1) == 1);
	n = mib("ConnectFailures");
	ASSERT_TRUE(wait_mib("ConnectFailures", n + 5));
	EXPECT_QUIET(self->pull);
	EXPECT_EQ(0, mib("Accepts"));
	close(go);
	EXPECT_TRUE(good_child(pid));
}

ZMQ_HARNESS_MAIN
