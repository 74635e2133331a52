// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 150 */
/* ipc://: paths, abstract names, whose rights and whose root count. */
#include "kselftest_harness.h"
#include "lib.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/un.h>

#define UID	1000

static void last_endpoint(int fd, char ep[EP_LEN])
{
	socklen_t len = EP_LEN;

	KZ_CHECK(!getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
}

static bool is_socket(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISSOCK(st.st_mode);
}

/* "ipc://" and a name in the test's own directory */
static char *here(char ep[EP_LEN], const char *name)
{
	char cwd[64];

	KZ_CHECK(getcwd(cwd, sizeof(cwd)));
	KZ_CHECK(snprintf(ep, EP_LEN, "ipc://%s/%s", cwd, name) < EP_LEN);
	return ep + strlen("ipc://");
}

static int unix_listener(const char *path, int type)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	strcpy(sun.sun_path, path);
	KZ_CHECK(fd >= 0);
	KZ_CHECK(!bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
	if (type == SOCK_STREAM)
		KZ_CHECK(!listen(fd, 10));
	return fd;
}

FIXTURE(names) {
	int pull, push;
	char ep[EP_LEN];
};

FIXTURE_VARIANT(names) {
	const char *ep;
};

FIXTURE_VARIANT_ADD(names, path) { "a" };
FIXTURE_VARIANT_ADD(names, abstract) { "ipc://@kzmq-test" };
FIXTURE_VARIANT_ADD(names, relative) { "ipc://b" };
FIXTURE_VARIANT_ADD(names, wildcard) { "ipc://*" };

FIXTURE_SETUP(names)
{
	if (strchr(variant->ep, ':'))
		strcpy(self->ep, variant->ep);
	else
		here(self->ep, variant->ep);
	self->pull = xsocket(ZMQ_PULL);
	self->push = xsocket(ZMQ_PUSH);
	xbind(self->pull, self->ep);
	last_endpoint(self->pull, self->ep);
}

FIXTURE_TEARDOWN(names)
{
	xclose(self->push);
	xclose(self->pull);
	unlink(self->ep + 6);
}

TEST_F(names, carries)
{
	char buf[300000];
	bool eor;

	xconnect(self->push, self->ep);
	xsends(self->push, "through", 0);
	EXPECT_GOT(self->pull, "through");
	xsendv(self->push, "of", "", "three", NULL);
	EXPECT_GOT(self->pull, "of", "", "three");
	fill(buf, sizeof(buf), 7);
	xsend(self->push, buf, sizeof(buf), 0);
	memset(buf, 0, sizeof(buf));
	EXPECT_EQ(sizeof(buf), zrecv(self->pull, buf, sizeof(buf), 0, &eor));
	EXPECT_TRUE(filled(buf, sizeof(buf), 7));
}

TEST_F(names, order_and_pressure)
{
	char want[20];
	int i, n = 0;

	xset(self->pull, ZMQ_RCVHWM, 10);
	xconnect(self->push, self->ep);
	xpeers(self->push, 1);
	/* as many as the way holds, then the sender has to wait */
	for (;;) {
		snprintf(want, sizeof(want), "%d", n);
		if (send(self->push, want, strlen(want), MSG_DONTWAIT) < 0)
			break;
		n++;
		ASSERT_GT(1000000, n);
	}
	EXPECT_EQ(EAGAIN, errno);
	for (i = 0; i < n; i++) {
		snprintf(want, sizeof(want), "%d", i);
		ASSERT_GOT(self->pull, want);
	}
	EXPECT_TRUE(wait_ready(self->push, POLLOUT));
	xsends(self->push, "again", 0);
	EXPECT_GOT(self->pull, "again");
}

TEST_F(names, taken)
{
	int other = xsocket(ZMQ_PULL);

	EXPECT_ERR(EADDRINUSE, zbind(other, self->ep));
	xconnect(self->push, self->ep);
	xsends(self->push, "to the first", 0);
	EXPECT_GOT(self->pull, "to the first");
	EXPECT_QUIET(other);
}

TEST_F(names, unbind_frees_the_name)
{
	int other = xsocket(ZMQ_PULL);

	xunbind(self->pull, self->ep);
	if (!strcmp(variant->ep, "ipc://*")) {
		EXPECT_EQ(-1, access(self->ep + 6, F_OK));
		EXPECT_ERR(ENOENT, zbind(other, self->ep));
		return;
	}
	EXPECT_OK(zbind(other, self->ep));
	xconnect(self->push, self->ep);
	xsends(self->push, "second", 0);
	EXPECT_GOT(other, "second");
}

TEST_F(names, comes_back)
{
	xset(self->push, ZMQ_RECONNECT_IVL, 20);
	xconnect(self->push, self->ep);
	xsends(self->push, "one", 0);
	EXPECT_GOT(self->pull, "one");
	if (!strcmp(variant->ep, "ipc://*"))
		return;
	xclose(self->pull);
	xpeers(self->push, 0);
	xsends(self->push, "two", 0);
	self->pull = xsocket(ZMQ_PULL);
	xbind(self->pull, self->ep);
	EXPECT_GOT(self->pull, "two");
}

TEST(file_stays)
{
	int fd = xsocket(ZMQ_PULL);
	char ep[EP_LEN], *path = here(ep, "stays");

	xbind(fd, ep);
	EXPECT_TRUE(is_socket(path));
	xclose(fd);
	EXPECT_TRUE(is_socket(path));
	/* and stands in nobody's way */
	fd = xsocket(ZMQ_PULL);
	EXPECT_OK(zbind(fd, ep));
}

TEST(wildcard_is_private_and_goes)
{
	int fd = xsocket(ZMQ_PULL), n;
	char ep[EP_LEN], *path = ep + 6;
	struct stat st;

	xbind(fd, "ipc://*");
	last_endpoint(fd, ep);
	EXPECT_TRUE(is_socket(path));
	n = strrchr(path, '/') - path;
	xclose(fd);
	EXPECT_FALSE(is_socket(path));
	path[n] = '\0';
	EXPECT_EQ(-1, stat(path, &st));

	fd = xsocket(ZMQ_PULL);
	xbind(fd, "ipc://*");
	last_endpoint(fd, ep);
	*strrchr(path, '/') = '\0';
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_EQ(0700, st.st_mode & 07777);
}

/* only the file of a socket is removed, and only when nobody listens */
TEST(others_keep_their_files)
{
	int fd = xsocket(ZMQ_PULL), l, i;
	char ep[EP_LEN], *path = here(ep, "theirs");
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	close(open(path, O_CREAT | O_WRONLY, 0600));
	EXPECT_ERR(EADDRINUSE, zbind(fd, ep));
	EXPECT_OK(access(path, F_OK));
	EXPECT_OK(unlink(path));
	ASSERT_OK(mkdir(path, 0700));
	EXPECT_ERR(EADDRINUSE, zbind(fd, ep));
	EXPECT_OK(rmdir(path));
	for (i = 0; i < 3; i++) {
		l = unix_listener(path, types[i]);
		EXPECT_ERR(EADDRINUSE, zbind(fd, ep));
		EXPECT_TRUE(is_socket(path));
		close(l);
		EXPECT_OK(unlink(path));
	}
	EXPECT_ERR(ENOENT, zbind(fd, "ipc:///no/such/dir/x"));
	EXPECT_OK(zbind(fd, ep));
}

TEST(text)
{
	int fd = xsocket(ZMQ_PULL);
	char ep[200] = "ipc:///tmp/", got[EP_LEN];

	memset(ep + 11, 'x', 103);
	EXPECT_ERR(ENAMETOOLONG, zset_text(fd, ZMQ_BIND, ep));
	EXPECT_ERR(ENAMETOOLONG, zset_text(fd, ZMQ_CONNECT, ep));
	ep[6 + 107] = '\0';
	EXPECT_OK(zset_text(fd, ZMQ_BIND, ep));
	last_endpoint(fd, got);
	EXPECT_STREQ(ep, got);
	EXPECT_OK(zset_text(fd, ZMQ_UNBIND, ep));
	unlink(ep + 6);
	EXPECT_ERR(EINVAL, zbind(fd, "ipc://@"));
	EXPECT_ERR(EINVAL, zconnect(fd, "ipc://@"));
	EXPECT_ERR(EINVAL, zbind(fd, "ipc://"));
	/* a name nobody has bound is waited for */
	EXPECT_OK(zconnect(fd, "ipc://@kzmq-nobody"));
	last_endpoint(fd, got);
	EXPECT_STREQ("ipc://@kzmq-nobody", got);
}

/* a Unix socket of any program may speak ZMTP, or not */
TEST(strangers)
{
	char ep[EP_LEN], *path = here(ep, "stranger"), buf[64];
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int pull = xsocket(ZMQ_PULL), raw = socket(AF_UNIX, SOCK_STREAM, 0);
	long before = mib_faults();

	xbind(pull, ep);
	strcpy(sun.sun_path, path);
	ASSERT_OK(connect(raw, (struct sockaddr *)&sun, sizeof(sun)));
	memset(buf, 0, sizeof(buf));
	memcpy(buf, "\xff\0\0\0\0\0\0\0\1\x7f\3\0NONE", 16);
	KZ_CHECK(write(raw, buf, sizeof(buf)) == sizeof(buf));
	EXPECT_TRUE(wait_fault(before, KZ_WAIT_MS));
	EXPECT_TRUE(raw_closed(raw));
	close(raw);
	raw = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(connect(raw, (struct sockaddr *)&sun, sizeof(sun)));
	KZ_CHECK(write(raw, "\1\0\6\0hello", 9) == 9);
	EXPECT_GOT(pull, "hello");
}

static void become(int uid)
{
	KZ_CHECK(!setresgid(uid, uid, uid));
	KZ_CHECK(!setresuid(uid, uid, uid));
}

/* what the path forbids at connect() or later, no work item gets round */
TEST(permission_taken_away)
{
	int pull = xsocket(ZMQ_PULL), status, go[2];
	char ep[EP_LEN], dir[EP_LEN], c;
	pid_t pid;

	strcpy(dir, here(ep, "gate"));
	ASSERT_OK(mkdir(dir, 0755));
	strcat(ep, "/s");
	xbind(pull, ep);
	ASSERT_OK(chmod(ep + 6, 0777));
	ASSERT_OK(pipe(go));
	pid = fork();
	if (!pid) {
		int push = xsocket(ZMQ_PUSH);

		become(UID);
		xset(push, ZMQ_RECONNECT_IVL, 20);
		xconnect(push, ep);
		xsends(push, "first", 0);
		KZ_CHECK(read(go[0], &c, 1) == 1);
		/* nothing more for the connection that has ended */
		xpeers(push, 0);
		xsends(push, "second", 0);
		KZ_CHECK(read(go[0], &c, 1) == 1);
		_exit(0);
	}
	EXPECT_GOT(pull, "first");
	ASSERT_OK(chmod(dir, 0700));
	xunbind(pull, ep);
	xpeers(pull, 0);
	xbind(pull, ep);
	ASSERT_OK(chmod(ep + 6, 0777));
	KZ_CHECK(write(go[1], "x", 1) == 1);
	/* several tries go by */
	EXPECT_QUIET(pull);
	ASSERT_OK(chmod(dir, 0755));
	EXPECT_GOT(pull, "second");
	KZ_CHECK(write(go[1], "x", 1) == 1);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* the binder makes files as itself */
TEST(bind_needs_permission)
{
	char ep[EP_LEN], *path = here(ep, "closed");
	int status;
	pid_t pid;

	ASSERT_OK(mkdir(path, 0700));
	strcat(ep, "/s");
	pid = fork();
	if (!pid) {
		int fd = xsocket(ZMQ_PULL);

		become(UID);
		_exit(zbind(fd, ep) == -1 && errno == EACCES ? 0 : 1);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* nor does it remove a file that it could not remove by itself */
TEST(stale_file_of_another)
{
	char ep[EP_LEN], *path = here(ep, "sticky");
	int status;
	pid_t pid;

	ASSERT_OK(mkdir(path, 0755));
	ASSERT_OK(chmod(path, 01777));
	strcat(ep, "/s");
	close(unix_listener(ep + 6, SOCK_STREAM));
	ASSERT_OK(chmod(ep + 6, 0777));
	pid = fork();
	if (!pid) {
		int fd = xsocket(ZMQ_PULL);

		become(UID);
		_exit(zbind(fd, ep) == -1 && errno == EPERM ? 0 : 1);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(is_socket(ep + 6));
}

/* In a child: connect, say when, and stay until told. */
static pid_t connecter(const char *ep, void (*enter)(const char *),
		       const char *arg, int said, int go)
{
	pid_t pid = fork();
	char c;

	if (!pid) {
		int push = xsocket(ZMQ_PUSH);

		enter(arg);
		xset(push, ZMQ_RECONNECT_IVL, 20);
		xconnect(push, ep);
		xsends(push, "hello", 0);
		KZ_CHECK(write(said, "x", 1) == 1);
		KZ_CHECK(read(go, &c, 1) == 1);
		_exit(0);
	}
	return pid;
}

static void enter_root(const char *dir)
{
	KZ_CHECK(!chroot(dir));
	KZ_CHECK(!chdir("/"));
}

/* later tries look where the opener's root is, not where the kernel's is */
TEST(root_directory)
{
	int decoy = xsocket(ZMQ_PULL), pull = xsocket(ZMQ_PULL);
	int said[2], go[2], status;
	char ep[EP_LEN], c;
	pid_t pid;

	ASSERT_OK(mkdir("jail", 0755));
	ASSERT_OK(pipe(said));
	ASSERT_OK(pipe(go));
	xbind(decoy, "ipc:///kzmq-root-test");
	pid = connecter("ipc:///kzmq-root-test", enter_root, "jail", said[1],
			go[0]);
	KZ_CHECK(read(said[0], &c, 1) == 1);
	EXPECT_QUIET(decoy);
	here(ep, "jail/kzmq-root-test");
	xbind(pull, ep);
	EXPECT_GOT(pull, "hello");
	EXPECT_QUIET(decoy);
	KZ_CHECK(write(go[1], "x", 1) == 1);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	xclose(decoy);
	unlink("/kzmq-root-test");
}

static void enter_mount(const char *dir)
{
	KZ_CHECK(!unshare(CLONE_NEWNS));
	KZ_CHECK(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	KZ_CHECK(!mount("inner", dir, NULL, MS_BIND, NULL));
}

TEST(mount_namespace)
{
	int decoy = xsocket(ZMQ_PULL), pull = xsocket(ZMQ_PULL);
	char ep[EP_LEN], inner[EP_LEN], c;
	int said[2], go[2], status;
	pid_t pid;

	ASSERT_OK(mkdir("outer", 0755));
	ASSERT_OK(mkdir("inner", 0755));
	ASSERT_OK(pipe(said));
	ASSERT_OK(pipe(go));
	here(ep, "outer/s");
	here(inner, "inner/s");
	xbind(decoy, ep);
	pid = connecter(ep, enter_mount, "outer", said[1], go[0]);
	KZ_CHECK(read(said[0], &c, 1) == 1);
	EXPECT_QUIET(decoy);
	xbind(pull, inner);
	EXPECT_GOT(pull, "hello");
	EXPECT_QUIET(decoy);
	KZ_CHECK(write(go[1], "x", 1) == 1);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* abstract names belong to a network namespace */
TEST(network_namespace)
{
	int decoy = xsocket(ZMQ_PULL), pull, push;

	xbind(decoy, "ipc://@kzmq-net");
	own_netns();
	pull = xsocket(ZMQ_PULL);
	push = xsocket(ZMQ_PUSH);
	EXPECT_OK(zbind(pull, "ipc://@kzmq-net"));
	xconnect(push, "ipc://@kzmq-net");
	xsends(push, "inside", 0);
	EXPECT_GOT(pull, "inside");
	EXPECT_QUIET(decoy);
}

/* what was sent is delivered though the process has gone */
TEST(lingers)
{
	int pull = xsocket(ZMQ_PULL), status, i;
	char ep[EP_LEN], want[20];
	pid_t pid;

	here(ep, "linger");
	pid = fork();
	if (!pid) {
		int push = xsocket(ZMQ_PUSH);

		xset(push, ZMQ_LINGER, -1);
		xset(push, ZMQ_RECONNECT_IVL, 20);
		xconnect(push, ep);
		for (i = 0; i < 500; i++) {
			snprintf(want, sizeof(want), "%d", i);
			xsends(push, want, 0);
		}
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	xbind(pull, ep);
	for (i = 0; i < 500; i++) {
		snprintf(want, sizeof(want), "%d", i);
		ASSERT_GOT(pull, want);
	}
}

ZMQ_HARNESS_MAIN
