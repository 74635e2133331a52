// SPDX-License-Identifier: GPL-2.0
/* MODULE: none */
/* TIMEOUT: 180 */
/*
 * Loading and removing the module while processes open sockets, move messages,
 * read its files and make network namespaces as fast as they can.
 */
#include "kselftest_harness.h"
#include "lib.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define HELPER	"/proc/sys/kernel/modprobe"

enum what { OPENS, TALKS, READS, LIVES, KINDS };

static const char * const what_name[KINDS] = {
	"opened a socket", "moved a message", "read a file",
	"made a namespace",
};

/* what all processes see; @pause lets the module go for certain */
struct board {
	unsigned long done[KINDS], refused[KINDS];
	volatile int stop, pause;
	volatile int resting;
	int bad, bad_kind;
};

static struct board *board;

static int load(void)
{
	const char *path = getenv("ZMQ_KO");
	int fd, ret, err;

	KZ_CHECK(path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		KZ_DIE("%s", path);
	ret = syscall(SYS_finit_module, fd, "", 0);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "zmq", O_NONBLOCK);
}

static bool loaded(void)
{
	struct stat st;

	return !stat("/sys/module/zmq", &st);
}

static void nap_us(int us)
{
	struct timespec ts = { .tv_nsec = us * 1000L };

	nanosleep(&ts, NULL);
}

static void unload_surely(void)
{
	long long end = kz_now_ms() + kz_ms(2 * KZ_WAIT_MS);

	while (unload() && errno != ENOENT) {
		if (errno != EWOULDBLOCK && errno != EBUSY)
			KZ_DIE("delete_module");
		if (kz_now_ms() > end)
			KZ_DIE("the module stays in use");
		nap_us(1000);
	}
}

/* One try of each kind: 1 done, 0 there was no module, -1 an error. */

static int opens(void)
{
	int fd = zsocket(rand() % 12);

	if (fd < 0)
		return errno == EAFNOSUPPORT ? 0 : -1;
	return close(fd) ? -1 : 1;
}

static int talks(void)
{
	int a = zsocket(ZMQ_PULL), b, ret = -1;
	char ep[EP_LEN], buf[8];

	if (a < 0)
		return errno == EAFNOSUPPORT ? 0 : -1;
	/* while there is one, there are others to be had */
	b = zsocket(ZMQ_PUSH);
	if (b >= 0) {
		xtimeo(a, kz_ms(KZ_WAIT_MS), kz_ms(KZ_WAIT_MS));
		xtimeo(b, kz_ms(KZ_WAIT_MS), kz_ms(KZ_WAIT_MS));
		xbind_any(a, ep);
		xconnect(b, ep);
		xset(b, ZMQ_LINGER, rand() % 2 ? 0 : 20);
		if (send(b, "hello", 5, 0) == 5 &&
		    recv(a, buf, sizeof(buf), 0) == 5 &&
		    send(b, "rest", 4, 0) == 4)
			ret = 1;
		close(b);
	}
	close(a);
	return ret;
}

static int reads(void)
{
	static const char * const path[] = {
		"/proc/net/zmq", "/proc/net/zmq_stat",
		"/proc/sys/net/zmq/mem_max", "/sys/module/zmq/refcnt",
	};
	int fd = open(path[rand() % 4], O_RDONLY | O_CLOEXEC), n;
	char buf[256];

	/* sysfs says ENODEV of a file that goes while it is being opened */
	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -1;
	/* the file may outlive what it tells of */
	do
		n = read(fd, buf, sizeof(buf));
	while (n > 0);
	close(fd);
	return 1;
}

static int lives(void)
{
	/* the kernel is slow to take them down, and loading waits for that */
	nap_us(50000);
	if (unshare(CLONE_NEWNET))
		return -1;
	return opens() < 0 ? -1 : 1;
}

static int (* const kinds[KINDS])(void) = { opens, talks, reads, lives };

static void __attribute__((noreturn)) worker(int kind, int no)
{
	int ret;

	srand(no);
	if (kind != LIVES)
		own_netns();
	while (!board->stop) {
		if (board->pause) {
			__atomic_add_fetch(&board->resting, 1, __ATOMIC_SEQ_CST);
			while (board->pause && !board->stop)
				nap_us(200);
			__atomic_sub_fetch(&board->resting, 1, __ATOMIC_SEQ_CST);
		}
		ret = kinds[kind]();
		if (ret > 0) {
			__atomic_add_fetch(&board->done[kind], 1,
					   __ATOMIC_RELAXED);
		} else if (!ret) {
			__atomic_add_fetch(&board->refused[kind], 1,
					   __ATOMIC_RELAXED);
		} else {
			board->bad_kind = kind;
			board->bad = errno ?: -1;
		}
		nap_us(rand() % 1000);
	}
	_exit(0);
}

static unsigned long count_of(const unsigned long *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

static void begin(pid_t *pid, int n)
{
	int i;

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	KZ_CHECK(board != MAP_FAILED);
	fflush(stdout);
	for (i = 0; i < n; i++) {
		pid[i] = fork();
		KZ_CHECK(pid[i] >= 0);
		if (!pid[i])
			worker(i % KINDS, i);
	}
}

static bool finish(pid_t *pid, int n)
{
	bool ok = true;
	int i, status;

	board->stop = 1;
	for (i = 0; i < n; i++)
		if (!wait_exit(pid[i], &status, 4 * KZ_WAIT_MS) || status) {
			fprintf(stderr, "# process %d: status %#x\n", i, status);
			ok = false;
		}
	for (i = 0; i < KINDS; i++)
		printf("# %8lu times %s, %lu times found no module\n",
		       board->done[i], what_name[i], board->refused[i]);
	if (board->bad) {
		fprintf(stderr, "# one that %s: %s\n", what_name[board->bad_kind],
			strerror(board->bad));
		ok = false;
	}
	return ok;
}

/* Everybody stands still for as long as it takes. */
static void unload_in_peace(int n)
{
	long long end = kz_now_ms() + kz_ms(4 * KZ_WAIT_MS);

	board->pause = 1;
	while (__atomic_load_n(&board->resting, __ATOMIC_SEQ_CST) < n) {
		if (kz_now_ms() > end)
			KZ_DIE("%d of %d processes rest", board->resting, n);
		nap_us(500);
	}
	unload_surely();
	board->pause = 0;
}

static void set_helper(const char *path)
{
	FILE *f = fopen(HELPER, "w");

	if (!f || fprintf(f, "%s\n", path) < 0 || fclose(f))
		KZ_DIE(HELPER);
}

static void get_helper(char *path, int size)
{
	FILE *f = fopen(HELPER, "r");

	KZ_CHECK(f && fgets(path, size, f));
	path[strcspn(path, "\n")] = 0;
	fclose(f);
}

static int cycles(void)
{
	const char *s = getenv("ZMQ_COUNT");

	if (s && atoi(s) > 0)
		return atoi(s);
	return kz_slow() > 1 ? 10 : 25;
}

/* In a slow machine somebody holds a socket all the time. */
static bool all_seen(unsigned long busy, unsigned long quick)
{
	return busy && (quick || kz_slow() > 1) && count_of(&board->done[TALKS]) &&
	       count_of(&board->refused[OPENS]);
}

/* So long it goes on for what has not happened yet */
#define LONGER_MS	60000

KZ_TEST_TIMEOUT(remove_against_use, 150)
{
	enum { N = 2 * KINDS - 1 };
	unsigned long busy = 0, quick = 0, slow = 0;
	long long end = kz_now_ms() + LONGER_MS;
	char old[128];
	pid_t pid[N];
	int i, try, n = cycles();

	unload_surely();
	/* a program started for each socket would leave no time for anything else */
	get_helper(old, sizeof(old));
	set_helper("");
	begin(pid, N);
	for (i = 0; i < n || (!all_seen(busy, quick) && kz_now_ms() < end); i++) {
		ASSERT_OK(load());
		if (i % 5 == 0)
			EXPECT_ERR(EEXIST, load());
		nap_us(rand() % 20000);
		for (try = 0; try < 30; try++) {
			if (!unload())
				break;
			ASSERT_TRUE(errno == EWOULDBLOCK || errno == EBUSY) {
				TH_LOG("delete_module: %s", strerror(errno));
			}
			busy++;
			nap_us(rand() % 2000);
		}
		if (try < 30) {
			quick++;
		} else {
			unload_in_peace(N);
			slow++;
		}
		EXPECT_FALSE(loaded());
	}
	EXPECT_TRUE(finish(pid, N));
	set_helper(old);
	printf("# loaded and removed %d times: %lu under fire, %lu in peace\n",
	       i, quick, slow);
	printf("# it was in use %lu times\n", busy);
	EXPECT_NE(0, busy);
	/* in a slow machine somebody holds a socket all the time */
	if (kz_slow() == 1)
		EXPECT_NE(0, quick);
	EXPECT_NE(0, quick + slow);
	EXPECT_NE(0, board->done[TALKS]);
	EXPECT_NE(0, board->refused[OPENS]);
}

/* In use is in use: for as long as somebody holds a socket. */
TEST(held)
{
	int fd, i;

	unload_surely();
	ASSERT_OK(load());
	fd = xsocket(ZMQ_PULL);
	for (i = 0; i < 100; i++)
		EXPECT_ERR(EWOULDBLOCK, unload());
	/* a name that a socket goes by is not the module's to forget */
	xbind(fd, "tcp://127.0.0.1:*");
	EXPECT_ERR(EWOULDBLOCK, unload());
	xclose(fd);
	unload_surely();
	EXPECT_ERR(EAFNOSUPPORT, zsocket(ZMQ_PULL));
}

/* The program the kernel calls for a family that is not there. */
static void make_helper(char path[128])
{
	char dir[64];
	FILE *f;

	KZ_CHECK(getcwd(dir, sizeof(dir)));
	snprintf(path, 128, "%s/helper", dir);
	f = fopen(path, "w");
	KZ_CHECK(f);
	fprintf(f, "#!/bin/sh\ncase \"$*\" in\n"
		"*net-pf-%d*) exec /sbin/insmod %s ;;\nesac\nexit 1\n", AF_ZMQ,
		getenv("ZMQ_KO"));
	KZ_CHECK(!fclose(f));
	KZ_CHECK(!chmod(path, 0755));
	set_helper(path);
}

/* The first socket brings the module, whoever removes it meanwhile. */
KZ_TEST_TIMEOUT(loaded_by_the_first_socket, 100)
{
	enum { N = KINDS };
	unsigned long removed = 0;
	char old[128], path[128];
	long long end;
	pid_t pid[N];
	int fd, i, n = cycles() / 2;

	unload_surely();
	get_helper(old, sizeof(old));
	make_helper(path);
	fd = xsocket(ZMQ_PULL);
	EXPECT_TRUE(loaded());
	xclose(fd);
	begin(pid, N);
	for (i = 0; i < n; i++) {
		end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
		while (!loaded() && kz_now_ms() < end)
			nap_us(500);
		ASSERT_TRUE(loaded());
		nap_us(rand() % 20000);
		if (!unload())
			removed++;
		else
			ASSERT_TRUE(errno == EWOULDBLOCK || errno == EBUSY ||
				    errno == ENOENT);
	}
	/* by the last of them some may have barely begun */
	end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	while (!count_of(&board->done[TALKS]) && kz_now_ms() < end)
		nap_us(1000);
	EXPECT_TRUE(finish(pid, N));
	set_helper(old);
	unload_surely();
	printf("# removed %lu times in %d tries, brought back by the next socket\n",
	       removed, n);
	EXPECT_NE(0, board->done[TALKS]);
}

ZMQ_HARNESS_MAIN
