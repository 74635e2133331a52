// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 150 */
/* ipc://: files, directories and readers that change at the wrong moment. */
#include "kselftest_harness.h"
#include "lib.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define LINKS	16
#define PIVOTS	20

static char *here(char ep[EP_LEN], const char *name)
{
	char cwd[64];

	KZ_CHECK(getcwd(cwd, sizeof(cwd)));
	KZ_CHECK(snprintf(ep, EP_LEN, "ipc://%s/%s", cwd, name) < EP_LEN);
	return ep + strlen("ipc://");
}

static int unix_bound(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path, path);
	KZ_CHECK(fd >= 0);
	KZ_CHECK(!bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
	return fd;
}

static int unix_connected(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path, path);
	KZ_CHECK(fd >= 0);
	KZ_CHECK(!connect(fd, (struct sockaddr *)&sun, sizeof(sun)));
	return fd;
}

/* between its bind() and its listen() a name is taken already */
TEST(bound_and_not_yet_listening)
{
	/* the second looks abstract where it stands by itself */
	static const char *const names[] = { "soon", "@soon" };
	int fd = xsocket(ZMQ_PULL), l, i;
	struct stat was, is;
	char ep[EP_LEN];

	for (i = 0; i < 2; i++) {
		const char *path = here(ep, names[i]);

		l = unix_bound(path);
		ASSERT_OK(stat(path, &was));
		EXPECT_ERR(EADDRINUSE, zbind(fd, ep));
		ASSERT_OK(stat(path, &is));
		EXPECT_EQ(was.st_ino, is.st_ino);
		ASSERT_OK(listen(l, 1));
		close(unix_connected(path));
	}
}

/* who listens does not learn that somebody asked */
TEST(listeners_are_left_alone)
{
	int fd = xsocket(ZMQ_PULL), l;
	char ep[EP_LEN], *path = here(ep, "busy");

	l = unix_bound(path);
	ASSERT_OK(listen(l, 1));
	EXPECT_ERR(EADDRINUSE, zbind(fd, ep));
	EXPECT_EQ(0, poll1(l, POLLIN, 0));
}

/* a file that is mounted has its name somewhere else, too */
TEST(stale_file_that_is_mounted)
{
	int fd = xsocket(ZMQ_PULL);
	char ep[EP_LEN], *path = here(ep, "seen");

	close(unix_bound("real"));
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ASSERT_OK(unshare(CLONE_NEWNS));
	ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_OK(mount("real", path, NULL, MS_BIND, NULL));
	EXPECT_ERR(EADDRINUSE, zbind(fd, ep));
	EXPECT_OK(access("real", F_OK));
	ASSERT_OK(umount(path));
	/* not mounted, it stands in nobody's way */
	EXPECT_OK(zbind(fd, here(ep, "real") - strlen("ipc://")));
}

/* the last close of a task that ends comes when it has no directories left */
TEST(exit_without_close)
{
	char link[64], got[EP_LEN], ep[EP_LEN];
	socklen_t len = sizeof(ep);
	int said[2], status;
	siginfo_t si;
	pid_t pid;

	ASSERT_OK(pipe(said));
	pid = fork();
	if (!pid) {
		int fd = xsocket(ZMQ_PULL);

		xbind(fd, "ipc://*");
		KZ_CHECK(!getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
		KZ_CHECK(write(said[1], ep, sizeof(ep)) == sizeof(ep));
		_exit(0);
	}
	ASSERT_EQ(sizeof(ep), read(said[0], ep, sizeof(ep)));
	/* it is dead and can still be looked at */
	ASSERT_OK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	EXPECT_EQ(-1, access(ep + 6, F_OK));
	snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
	EXPECT_ERR(ENOENT, readlink(link, got, sizeof(got)));
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* Links that take long to follow and end nowhere */
static void slow_path(void)
{
	char name[20], to[4096];
	int i, n;

	for (i = 0; i < LINKS; i++) {
		for (n = 0; n < 4000; n += 2)
			memcpy(to + n, "./", 2);
		snprintf(to + n, sizeof(to) - n, "l%d", i + 1);
		snprintf(name, sizeof(name), "/l%d", i);
		KZ_CHECK(!symlink(to, name));
	}
}

/* A root of its own, and another one mounted there */
static void two_roots(void)
{
	KZ_CHECK(!unshare(CLONE_NEWNS));
	KZ_CHECK(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	KZ_CHECK(!mkdir("root", 0755));
	KZ_CHECK(!mount("none", "root", "tmpfs", 0, NULL));
	KZ_CHECK(!chdir("root"));
	KZ_CHECK(!chroot("."));
	KZ_CHECK(!mkdir("/new", 0755));
	KZ_CHECK(!mount("none", "/new", "tmpfs", 0, NULL));
	KZ_CHECK(!mkdir("/new/old", 0755));
	KZ_CHECK(!mkdir("/proc", 0755));
	KZ_CHECK(!mount("none", "/proc", "proc", 0, NULL));
	KZ_CHECK(!mkdir("/new/proc", 0755));
	KZ_CHECK(!mount("none", "/new/proc", "proc", 0, NULL));
}

/* Tries that were under way are over. */
static void tries_go_by(void)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	long tries = mib("Reconnects");

	while (mib("Reconnects") < tries + 6) {
		KZ_CHECK(kz_now_ms() < end);
		poll(NULL, 0, 1);
	}
}

/* pivot_root() changes the directories of whoever has them at that moment */
KZ_TEST_TIMEOUT(root_changes_during_a_try, 100)
{
	long long end;
	int fd[2], i;

	two_roots();
	slow_path();
	for (i = 0; i < 2; i++) {
		fd[i] = xsocket(ZMQ_PUSH);
		xset(fd[i], ZMQ_RECONNECT_IVL, 1);
		xconnect(fd[i], "ipc:///l0");
	}
	for (i = 0; i < PIVOTS; i++) {
		ASSERT_OK(syscall(SYS_pivot_root, "/new", "/new/old"));
		tries_go_by();
		ASSERT_OK(syscall(SYS_pivot_root, "/old", "/old/new"));
	}
	xclose(fd[0]);
	xclose(fd[1]);
	ASSERT_OK(umount("/new/proc"));
	/* nobody uses the other one any more */
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	while (umount("/new")) {
		ASSERT_EQ(EBUSY, errno);
		ASSERT_GT(end, kz_now_ms());
		poll(NULL, 0, 1);
	}
}

struct reader {
	int fd;
	struct stuck stuck;
};

static void *stuck_reader(void *arg)
{
	struct reader *r = arg;

	if (recv(r->fd, r->stuck.page, 100, 0) <= 0)
		KZ_DIE("recv");
	return NULL;
}

/* a peer that hangs while it reads does not hang the sender */
TEST(reader_without_memory)
{
	static char big[100000];
	char ep[EP_LEN], *path = here(ep, "stuck");
	int push = xsocket(ZMQ_PUSH), status, i;
	struct reader r;
	pthread_t tid;
	pid_t pid;

	if (!stuck_page(&r.stuck))
		SKIP(return, "this kernel has no userfaultfd");
	xset(push, ZMQ_SNDHWM, 5);
	xbind(push, ep);
	r.fd = unix_connected(path);
	KZ_CHECK(raw_handshake(r.fd, 1, "PULL", "PUSH"));
	xpeers(push, 1);
	KZ_CHECK(!pthread_create(&tid, NULL, stuck_reader, &r));
	xsends(push, "x", 0);
	stuck_met(&r.stuck);
	pid = fork();
	if (!pid) {
		for (i = 0; i < 100; i++)
			if (send(push, big, sizeof(big), MSG_DONTWAIT) < 0)
				_exit(errno);
		_exit(0);
	}
	EXPECT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(EAGAIN, WEXITSTATUS(status));
	kill(pid, SIGKILL);
	stuck_end(&r.stuck);
	pthread_join(tid, NULL);
}

ZMQ_HARNESS_MAIN
