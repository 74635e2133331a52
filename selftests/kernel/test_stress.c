// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 + ZMQ_SECONDS */
/*
 * Threads and processes that do anything to shared sockets, at random.
 * ZMQ_SEED and ZMQ_SECONDS choose what and how long. Each call has to end, with
 * an error that makes sense, and nothing of ours may be left afterwards.
 */
#include "kselftest_harness.h"
#include "stress.h"

#include <sys/mman.h>

#define THREADS		4
#define KIDS		2
#define ORPHAN_MS	500

struct count {
	unsigned long calls, good;
};

/* what threads of all processes see */
struct board {
	struct count count[64];
	unsigned long err[256];
	unsigned long killed, exited;
	volatile bool stop;
	int unexpected, unexpected_op;
};

static struct board *board;
static __u64 seed;

static void one_op(struct rng *r)
{
	int i = some_op(r), err;

	errno = 0;
	err = ops[i].fn(r) ? errno : 0;
	__atomic_add_fetch(&board->count[i].calls, 1, __ATOMIC_RELAXED);
	if (!err) {
		__atomic_add_fetch(&board->count[i].good, 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_add_fetch(&board->err[err & 255], 1, __ATOMIC_RELAXED);
	if (!expected(i, err)) {
		board->unexpected_op = i;
		board->unexpected = err;
	}
}

struct worker {
	pthread_t thread;
	struct rng r;
	volatile bool done;
};

static void *works(void *arg)
{
	struct worker *w = arg;

	while (!board->stop)
		one_op(&w->r);
	w->done = true;
	return NULL;
}

/* waits for ever where nothing comes, to be killed there */
static void *blocks(void *arg)
{
	struct worker *w = arg;
	struct pollfd p;
	char c;
	int fd;

	while (!board->stop) {
		fd = slot(&w->r);
		p.fd = fd;
		p.events = POLLIN;
		zset(fd, ZMQ_RCVTIMEO, -1);
		zset(fd, ZMQ_SNDTIMEO, -1);
		switch (rnd(&w->r, 3)) {
		case 0:
			recv(fd, &c, 1, 0);
			break;
		case 1:
			send(fd, "x", 1, MSG_NOSIGNAL);
			break;
		default:
			poll(&p, 1, -1);
		}
	}
	w->done = true;
	return NULL;
}

static void begin(struct worker *w, int no, void *(*fn)(void *))
{
	w->r.s = seed << 16 | no;
	w->done = false;
	KZ_CHECK(!pthread_create(&w->thread, NULL, fn, w));
}

static void on_signal(int sig)
{
}

static void __attribute__((noreturn)) kid(int no, int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
			       .tv_nsec = ms % 1000 * 1000000L };
	static struct worker w[3];

	begin(&w[0], no * 100, works);
	begin(&w[1], no * 100 + 1, works);
	begin(&w[2], no * 100 + 2, blocks);
	nanosleep(&ts, NULL);
	_exit(0);
}

struct kid {
	pid_t pid;
	long long end;
};

/* Half of them are killed, the others leave with calls still running. */
static void mind_kid(struct kid *k, struct rng *r, int *no)
{
	int status, ms = kz_ms(50 + rnd(r, 400));
	bool kill_it;

	if (k->pid) {
		if (kz_now_ms() < k->end &&
		    waitpid(k->pid, &status, WNOHANG) == 0)
			return;
		if (kz_now_ms() >= k->end) {
			kill(k->pid, SIGKILL);
			KZ_CHECK(wait_exit(k->pid, &status, KZ_WAIT_MS));
		}
		if (WIFSIGNALED(status)) {
			KZ_CHECK(WTERMSIG(status) == SIGKILL);
			board->killed++;
		} else {
			KZ_CHECK(!WEXITSTATUS(status));
			board->exited++;
		}
		k->pid = 0;
	}
	if (board->stop)
		return;
	kill_it = one_in(r, 2);
	k->end = kz_now_ms() + (kill_it ? ms : 2 * ms + kz_ms(2000));
	++*no;
	fflush(stdout);
	fflush(stderr);
	k->pid = fork();
	KZ_CHECK(k->pid >= 0);
	if (!k->pid)
		kid(*no, kill_it ? 60000 : ms);
}

static int socks_left(void)
{
	FILE *f = fopen("/proc/net/zmq", "r");
	char line[8192];
	int n = -1;

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f))
		n += !!strchr(line, '\n');
	fclose(f);
	return n;
}

static void say_socks(void)
{
	FILE *f = fopen("/proc/net/zmq", "r");
	char line[8192];

	KZ_CHECK(f);
	while (fgets(line, sizeof(line), f))
		fprintf(stderr, "#   %s", line);
	fclose(f);
}

static bool all_did(void)
{
	int i;

	for (i = 0; i < nr_ops; i++)
		if (!board->count[i].good)
			return false;
	return board->killed && board->exited;
}

static void report(void)
{
	int i;

	for (i = 0; i < nr_ops; i++)
		printf("# %-14s %8lu calls, %8lu succeeded%s\n", ops[i].name,
		       board->count[i].calls, board->count[i].good,
		       board->count[i].good ? "" : ": NONE");
	for (i = 1; i < 256; i++)
		if (board->err[i])
			printf("# %8lu times %s\n", board->err[i], strerror(i));
	printf("# processes: %lu killed, %lu left by themselves\n",
	       board->killed, board->exited);
	printf("# %ld handshakes, %ld messages sent, %ld received, %ld faults\n",
	       mib("HandshakesOk"), mib("MsgsSent"), mib("MsgsReceived"),
	       mib_faults());
}

static void prepare(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct rng r;
	int i;

	own_netns();
	KZ_CHECK(!sysctl_set("orphan_ms", ORPHAN_MS));
	KZ_CHECK(!sysctl_set("mem_max", 64 << 20));
	KZ_CHECK(!sysctl_set("sock_bytes_max", 16 << 20));
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	KZ_CHECK(board != MAP_FAILED);
	KZ_CHECK(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, mail));
	/* no SA_RESTART: who waits for ever is woken by it */
	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	r.s = seed << 16 | 1 << 15;
	for (i = 0; i < POOL; i++)
		KZ_CHECK(!into_pool(new_socket(&r), FD0 + i));
}

static void end_workers(struct worker *w, int n)
{
	long long end = kz_now_ms() + kz_ms(4 * KZ_WAIT_MS);
	struct timespec ts = { .tv_nsec = 2000000 };
	int i;

	for (i = 0; i < n; i++) {
		while (!w[i].done) {
			pthread_kill(w[i].thread, SIGUSR1);
			if (kz_now_ms() > end)
				KZ_DIE("thread %d does not end", i);
			nanosleep(&ts, NULL);
		}
		pthread_join(w[i].thread, NULL);
	}
}

static int seconds(void)
{
	return kz_seconds(kz_slow() > 1 ? 16 : 8);
}

static void choose_seed(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	seed = env_num("ZMQ_SEED", (ts.tv_nsec / 1000) & 0xffffff);
	printf("# ZMQ_SEED=%llu ZMQ_SECONDS=%d\n", (unsigned long long)seed,
	       seconds());
}

static bool all_gone(void)
{
	long long end = kz_now_ms() + kz_ms(ORPHAN_MS + KZ_WAIT_MS);
	struct timespec ts = { .tv_nsec = 5000000 };

	while (socks_left() || mib("MemBytes")) {
		if (kz_now_ms() > end) {
			fprintf(stderr, "# left: %d sockets, %ld octets\n",
				socks_left(), mib("MemBytes"));
			say_socks();
			return false;
		}
		nanosleep(&ts, NULL);
	}
	return true;
}

/* fds in flight are let go by the end of the pair that carries them */
static void close_all(void)
{
	int i;

	for (i = 0; i < POOL; i++)
		close(FD0 + i);
	close(mail[0]);
	close(mail[1]);
}

KZ_TEST_TIMEOUT(anything_at_once, 100)
{
	struct worker w[THREADS + 1] = { 0 };
	struct kid kids[KIDS] = { 0 };
	long long start, end;
	struct rng r;
	int i, no = 1, fd[2];

	choose_seed();
	prepare();
	r.s = seed << 16 | 3 << 14;
	for (i = 0; i < THREADS; i++)
		begin(&w[i], i, works);
	begin(&w[i], i, blocks);
	start = kz_now_ms();
	end = start + seconds() * 1000;
	/* by the clock, and until each thing has succeeded */
	while (kz_now_ms() < end ||
	       (!all_did() && kz_now_ms() < start + 5 * (end - start))) {
		struct timespec ts = { .tv_nsec = 20000000 };

		nanosleep(&ts, NULL);
		for (i = 0; i < KIDS; i++)
			mind_kid(&kids[i], &r, &no);
		pthread_kill(w[rnd(&r, THREADS + 1)].thread, SIGUSR1);
	}
	board->stop = true;
	end_workers(w, THREADS + 1);
	for (i = 0; i < KIDS; i++) {
		kids[i].end = 0;
		mind_kid(&kids[i], &r, &no);
	}
	report();
	EXPECT_TRUE(all_did());
	EXPECT_EQ(0, board->unexpected) {
		TH_LOG("%s: %s", ops[board->unexpected_op].name,
		       strerror(board->unexpected));
	}
	EXPECT_NE(0, board->killed);
	EXPECT_NE(0, mib("HandshakesOk"));
	close_all();
	EXPECT_TRUE(all_gone());
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsends(fd[1], "still", 0);
	EXPECT_GOT(fd[0], "still");
}

ZMQ_HARNESS_MAIN
