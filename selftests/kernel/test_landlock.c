// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/*
 * Landlock keeps a process from Unix sockets that others have made (by abstract
 * name since Linux 6.12). It asks whose both ends are: the one who called bind or
 * connect, at that time.
 */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define SYS_CREATE	444	/* landlock_create_ruleset() */
#define SYS_RESTRICT	446	/* landlock_restrict_self() */
/* bits of what is to be forbidden */
#define RESOLVE_UNIX	0x10000
#define SCOPE_ABSTRACT	0x1

/* struct landlock_ruleset_attr, newer than the headers */
struct rules {
	__u64 fs;
	__u64 net;
	__u64 scoped;
};

static int new_rules(const struct rules *rules)
{
	return syscall(SYS_CREATE, rules, sizeof(*rules), 0);
}

static void restrict_self(const struct rules *rules)
{
	int fd = new_rules(rules);

	KZ_CHECK(fd >= 0);
	KZ_CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	KZ_CHECK(!syscall(SYS_RESTRICT, fd, 0));
	close(fd);
}

FIXTURE(scope) {
	int pull;
	char ep[EP_LEN];
};

FIXTURE_VARIANT(scope) {
	const char *name;
	struct rules rules;
};

FIXTURE_VARIANT_ADD(scope, abstract) {
	"@kzmq-landlock", { .scoped = SCOPE_ABSTRACT }
};

FIXTURE_VARIANT_ADD(scope, path) {
	"s", { .fs = RESOLVE_UNIX }
};

FIXTURE_SETUP(scope)
{
	own_netns();
	self->pull = xsocket(ZMQ_PULL);
	snprintf(self->ep, EP_LEN, "ipc://%s", variant->name);
}

FIXTURE_TEARDOWN(scope)
{
	xclose(self->pull);
	if (variant->name[0] != '@')
		unlink(variant->name);
}

#define NEED_LANDLOCK							\
	do {								\
		int _fd = new_rules(&variant->rules);			\
									\
		if (_fd < 0)						\
			SKIP(return, "Landlock cannot forbid that: %s", \
			     strerror(errno));				\
		close(_fd);						\
	} while (0)

/* a Unix socket of the process itself connects */
static int plain_connect(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), n = strlen(name);

	KZ_CHECK(fd >= 0);
	memcpy(sun.sun_path, name, n);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	else
		n++;
	n += offsetof(struct sockaddr_un, sun_path);
	n = connect(fd, (struct sockaddr *)&sun, n);
	close(fd);
	return n;
}

static bool good_child(pid_t pid)
{
	int status;

	return wait_exit(pid, &status, KZ_WAIT_MS) && !status;
}

/* A child that connects, restricted before or after that, and sends */
static pid_t opener(const char *ep, const struct rules *rules, bool first,
		    int *go)
{
	int p[2], push;
	pid_t pid;
	char c;

	KZ_CHECK(!pipe2(p, O_CLOEXEC));
	pid = fork();
	if (pid) {
		close(p[0]);
		*go = p[1];
		return pid;
	}
	close(p[1]);
	if (first)
		restrict_self(rules);
	push = xsocket(ZMQ_PUSH);
	xset(push, ZMQ_RECONNECT_IVL, 10);
	xconnect(push, ep);
	if (!first)
		restrict_self(rules);
	xsends(push, "hello", 0);
	KZ_CHECK(read(p[0], &c, 1) == 0);
	_exit(0);
}

/* no try of a restricted opener reaches others; nor does it harm them */
TEST_F(scope, restricted_opener)
{
	int go, push;
	pid_t pid;

	NEED_LANDLOCK;
	xbind(self->pull, self->ep);
	pid = opener(self->ep, &variant->rules, true, &go);
	ASSERT_TRUE(wait_mib("ConnectFailures", 5));
	EXPECT_EQ(0, mib("Accepts"));
	push = xsocket(ZMQ_PUSH);
	xconnect(push, self->ep);
	xsends(push, "free", 0);
	EXPECT_GOT(self->pull, "free");
	EXPECT_QUIET(self->pull);
	xclose(push);
	close(go);
	EXPECT_TRUE(good_child(pid));
}

/* who restricts himself later was free when he connected */
TEST_F(scope, restricted_later)
{
	pid_t pid;
	int go;

	NEED_LANDLOCK;
	pid = opener(self->ep, &variant->rules, false, &go);
	ASSERT_TRUE(wait_mib("ConnectFailures", 3));
	xbind(self->pull, self->ep);
	EXPECT_GOT(self->pull, "hello");
	close(go);
	EXPECT_TRUE(good_child(pid));
}

/* any restricted process may try to connect to what we bound */
TEST_F(scope, restricted_stranger)
{
	pid_t pid;

	NEED_LANDLOCK;
	xbind(self->pull, self->ep);
	pid = fork();
	if (!pid) {
		restrict_self(&variant->rules);
		KZ_CHECK(plain_connect(variant->name) == -1);
		KZ_CHECK(errno == EPERM || errno == EACCES);
		_exit(0);
	}
	EXPECT_TRUE(good_child(pid));
	EXPECT_EQ(0, mib("Accepts"));
	EXPECT_OK(plain_connect(variant->name));
}

/* what a restricted process has bound is its own: it reaches that */
TEST_F(scope, restricted_binder)
{
	pid_t pid;

	NEED_LANDLOCK;
	pid = fork();
	if (!pid) {
		int push;

		restrict_self(&variant->rules);
		xbind(self->pull, self->ep);
		KZ_CHECK(!plain_connect(variant->name));
		push = xsocket(ZMQ_PUSH);
		xconnect(push, self->ep);
		xsends(push, "own", 0);
		KZ_CHECK(kz_got(__FILE__, __LINE__, self->pull, "own", NULL));
		_exit(0);
	}
	EXPECT_TRUE(good_child(pid));
}

ZMQ_HARNESS_MAIN
