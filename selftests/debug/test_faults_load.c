// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 240 + ZMQ_SECONDS */
/* KERNEL: kasan */
/* MODULE: none */
/* LOG: kernel/trace/trace_events.c */
/*
 * Loading and removing the module with failing allocations: what fails leaves
 * nothing behind, and the next try works. Loading prepares each network
 * namespace there is, and there are two: the test has one of its own. That is
 * how preparing them and taking that back are reached; making one is not tried
 * with failures, since Linux 6.1 itself warns then (fib_unmerge()). It also warns
 * when the fields of a trace event find no memory, and goes on: LOG lets it.
 * ZMQ_SECONDS bounds the time; FAULT_LIST=1 prints the places.
 */
#include "kselftest_harness.h"
#include "libfault.h"

#include <sys/syscall.h>

#define LIMIT	240
#define KO	"/zmq/zmq.ko"
#define LOADED	"/sys/module/zmq"
#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define COARSE	20

static long module_remove(void)
{
	return syscall(SYS_delete_module, "zmq", O_NONBLOCK);
}

static long run_insmod(void *arg)
{
	return syscall(SYS_finit_module, *(int *)arg, "", 0);
}

static void verify_insmod(void *arg, long ret)
{
	int fd = zsocket(ZMQ_PUB);

	KZ_CHECK(fd >= 0);
	xclose(fd);
	if (module_remove())
		KZ_DIE("the module cannot be removed");
	KZ_CHECK(access(LOADED, F_OK));
}

static void lost_insmod(void *arg, int err)
{
	KZ_CHECK(access(LOADED, F_OK));
	CHECK_ERR(EAFNOSUPPORT, zsocket(ZMQ_PUB));
}

static long run_rmmod(void *arg)
{
	return module_remove();
}

static void verify_rmmod(void *arg, long ret)
{
	KZ_CHECK(access(LOADED, F_OK));
	KZ_CHECK(!run_insmod(arg));
}

static bool leak_cmd(const char *word)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC), err;
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, word, strlen(word)) > 0;
	err = errno;
	close(fd);
	errno = err;
	return ok;
}

static int leak_done(const char *report, bool ours)
{
	/* Linux 6.1 forgets a name when a cache finds no place in sysfs. */
	if (!ours || strstr(report, "sysfs_slab_add"))
		return 0;
	printf("# %s\n", report);
	return 1;
}

/* What kmemleak has of ours; the harness looks for a loaded module's only. */
static int leaks(void)
{
	char line[256], report[4096] = "";
	bool ours = false;
	size_t len = 0;
	int n = 0;
	FILE *f;

	/* what is so already; one that is off takes no orders */
	if (!leak_cmd("stack=on") && errno == EPERM) {
		printf("# kmemleak is off in this machine\n");
		return 0;
	}
	/* it tells what is older than 5 s, after two scans; there is no event */
	usleep(5200000);
	KZ_CHECK(leak_cmd("scan") && leak_cmd("scan"));
	f = fopen(KMEMLEAK, "re");
	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "unreferenced ", 13)) {
			n += leak_done(report, ours);
			ours = false;
			len = 0;
		}
		if (!strncmp(line, "  comm ", 7))
			ours = strstr(line, "test_faults_loa");
		if (len + sizeof(line) + 2 < sizeof(report))
			len += snprintf(report + len, sizeof(report) - len,
					"%s#", line);
	}
	fclose(f);
	return n + leak_done(report, ours);
}

KZ_TEST_TIMEOUT(load, LIMIT)
{
	int fd = open(KO, O_RDONLY | O_CLOEXEC);
	struct walk w = {
		.name = "insmod", .run = run_insmod, .verify = verify_insmod,
		.lost = lost_insmod, .arg = &fd, .errs = F_ANY, .coarse = COARSE,
		.skip = 75,	/* module_init() comes late */
	};

	ASSERT_LE(0, fd);
	fault_begin();
	KZ_CHECK(leak_cmd("clear"));
	fault_walk(&w);
	ASSERT_EQ(0, run_insmod(&fd));
	w.name = "rmmod";
	w.coarse = 1;
	w.skip = 0;
	w.run = run_rmmod;
	w.verify = verify_rmmod;
	w.lost = NULL;
	fault_walk(&w);
	ASSERT_EQ(0, module_remove());
	xclose(fd);
	EXPECT_EQ(0, leaks());
	/* What has been judged here need not be found again. */
	KZ_CHECK(leak_cmd("clear"));
}

TEST(summary)
{
	fault_summary(20, 3);
}

FAULT_HARNESS_MAIN
