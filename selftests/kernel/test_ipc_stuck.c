// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/*
 * ipc:// by way of a directory that does not answer: whoever asks for a name
 * there waits, and nobody else.
 */
#include "kselftest_harness.h"
#include "lib.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define DIR_STUCK	"stuck"
/* as many tries of a namespace as run at a time */
#define TRIES		256
#define SOCKETS		(TRIES + 44)

FIXTURE(dir)
{
	struct stuck_dir dir;
	char ep[EP_LEN];
};

FIXTURE_SETUP(dir)
{
	char cwd[64];

	KZ_CHECK(getcwd(cwd, sizeof(cwd)));
	KZ_CHECK(snprintf(self->ep, EP_LEN, "ipc://%s/" DIR_STUCK "/x", cwd) <
		 EP_LEN);
	KZ_CHECK(!mkdir(DIR_STUCK, 0700) || errno == EEXIST);
	KZ_CHECK(!mount("none", DIR_STUCK, "tmpfs", 0, NULL));
}

FIXTURE_TEARDOWN(dir)
{
	umount2(DIR_STUCK, MNT_DETACH);
	rmdir(DIR_STUCK);
}

struct binder {
	int fd, err;
	const char *ep;
	pid_t tid;
};

static void *bind_it(void *arg)
{
	struct binder *b = arg;

	__atomic_store_n(&b->tid, gettid(), __ATOMIC_RELEASE);
	b->err = zbind(b->fd, b->ep) ? errno : 0;
	return NULL;
}

/* What others do with the socket meanwhile; its exit status is 0. */
static void use(int pull, const char *tcp)
{
	int push = xsocket(ZMQ_PUSH);

	xset(pull, ZMQ_LINGER, 5);
	if (zget(pull, ZMQ_LINGER) != 5)
		_exit(1);
	xconnect(push, tcp);
	xsends(push, "past it", 0);
	if (!kz_got(__FILE__, __LINE__, pull, "past it", (char *)NULL))
		_exit(2);
	xclose(push);
	if (!wait_peers(pull, 0, KZ_WAIT_MS))
		_exit(3);
	_exit(0);
}

/* a bind that hangs leaves the socket to all others */
TEST_F_TIMEOUT(dir, bind, 60)
{
	struct binder b = { .ep = self->ep };
	int push = xsocket(ZMQ_PUSH), status = -1;
	long long end;
	char tcp[EP_LEN];
	pthread_t thread;
	pid_t pid;

	b.fd = xsocket(ZMQ_PULL);
	xbind_any(b.fd, tcp);
	if (!stuck_dir(&self->dir, DIR_STUCK))
		SKIP(return, "this kernel has no userfaultfd");
	KZ_CHECK(!pthread_create(&thread, NULL, bind_it, &b));
	while (!__atomic_load_n(&b.tid, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	EXPECT_TRUE(wait_state(b.tid, 'D', KZ_WAIT_MS));
	pid = fork();
	if (!pid)
		use(b.fd, tcp);
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	while (!waitpid(pid, &status, WNOHANG) && kz_now_ms() < end)
		poll(NULL, 0, 1);
	EXPECT_EQ(0, status);
	stuck_dir_end(&self->dir);
	kill(pid, SIGKILL);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, b.err);
	xconnect(push, self->ep);
	xsends(push, "found", 0);
	EXPECT_GOT(b.fd, "found");
	xclose(push);
	xclose(b.fd);
}

/* Work items of ours that wait for what cannot be interrupted */
static int hung_items(void)
{
	char path[300], line[256], *p;
	struct dirent *e;
	DIR *d = opendir("/proc");
	int n = 0;
	FILE *f;

	KZ_CHECK(d);
	while ((e = readdir(d))) {
		if (!isdigit(e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
		n += p && p[2] == 'D' && strstr(line, "+kzmq");
		fclose(f);
	}
	closedir(d);
	return n;
}

/* So many hang; it takes as long as their number grows. */
static bool wait_hung(int n)
{
	long long end = 0;
	int most = -1, is;

	do {
		is = hung_items();
		if (is >= n)
			return true;
		if (is > most) {
			most = is;
			end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
		}
	} while (kz_now_ms() < end && !poll(NULL, 0, 100));
	fprintf(stderr, "# %d items hang, not %d\n", most, n);
	return false;
}

static void roundtrip(const char *ep)
{
	int push = xsocket(ZMQ_PUSH), pull = xsocket(ZMQ_PULL);
	char tcp[EP_LEN];

	if (ep) {
		/* found by a later try */
		xset(push, ZMQ_RECONNECT_IVL, 1);
		xconnect(push, ep);
		xbind(pull, ep);
	} else {
		xbind_any(pull, tcp);
		xconnect(push, tcp);
	}
	xsends(push, "free", 0);
	KZ_CHECK(kz_got(__FILE__, __LINE__, pull, "free", (char *)NULL));
	xclose(push);
	xclose(pull);
}

/* tries that hang, as many as run at a time, leave all else to go on */
TEST_F_TIMEOUT(dir, tries, 100)
{
	int fd[SOCKETS], i;

	for (i = 0; i < SOCKETS; i++) {
		fd[i] = xsocket(ZMQ_PUSH);
		xset(fd[i], ZMQ_RECONNECT_IVL, 100);
		xset(fd[i], ZMQ_LINGER, 0);
		xconnect(fd[i], self->ep);
	}
	if (!stuck_dir(&self->dir, DIR_STUCK))
		SKIP(return, "this kernel has no userfaultfd");
	EXPECT_TRUE(wait_hung(TRIES));
	roundtrip(NULL);
	/* who hangs can be closed */
	for (i = 0; i < SOCKETS; i++)
		xclose(fd[i]);
	/* nor do other namespaces look for files there */
	own_netns();
	roundtrip("ipc://elsewhere");
	unlink("elsewhere");
	stuck_dir_end(&self->dir);
}

ZMQ_HARNESS_MAIN
