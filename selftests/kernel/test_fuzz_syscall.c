// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 + ZMQ_SECONDS */
/*
 * System calls at random on sockets of the family and their neighbours: types,
 * addresses, options, messages, control data, rings; pointers to nothing, to
 * what may not be written, across the end of a page, into the kernel; several
 * threads on the same descriptors and the same memory.
 *
 * A round is a process with a seed of its own that makes CALLS calls in each
 * of its threads or is killed in the middle of them. After each round a pair of
 * good sockets still works.
 *
 * ZMQ_SECONDS: how long, 15 by default. ZMQ_SEED: which rounds. ZMQ_CASE=N:
 * only this round, ZMQ_COUNT times over or until ZMQ_SECONDS are over.
 */
#include "kselftest_harness.h"
#include "fuzz_sys.h"

#include <sched.h>
#include <time.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

#define THREADS		3
#define CALLS		1000
#define ENOUGH		5000		/* calls, for chance to be fair */
#define ROUND_MS	4000
#define TICK_MS		2		/* wakes whoever waits */

static const char * const kind_names[] = {
#define K_NAME(name) #name,
	KINDS(K_NAME)
};

struct counts {
	unsigned long calls[KIND_COUNT], ok[KIND_COUNT], us[KIND_COUNT];
	unsigned long done, killed, died;
};

static struct counts *counts;
static int calls;			/* of each thread */

static void no_op(int sig)
{
}

static __u64 now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

static void one_call(struct rng *r)
{
	/* messages are what most of it is about */
	static const enum kind often[] = {
		DO_send, DO_recv, DO_sendmsg, DO_recvmsg, DO_setsockopt,
	};
	int k = pct(r, 35) ? often[rnd(r, 5)] : rnd(r, KIND_COUNT);
	__u64 start = now_us();
	long ret = fuzz_calls[k](r);

	__atomic_add_fetch(&counts->us[k], now_us() - start, __ATOMIC_RELAXED);
	__atomic_add_fetch(&counts->calls[k], 1, __ATOMIC_RELAXED);
	if (ret >= 0)
		__atomic_add_fetch(&counts->ok[k], 1, __ATOMIC_RELAXED);
}

static void *thread(void *arg)
{
	struct rng r = { .s = (uintptr_t)arg };
	int i;

	for (i = 0; i < calls; i++)
		one_call(&r);
	return NULL;
}

static void round_memory(void)
{
	rd.area = mmap(NULL, AREA + 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rd.ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	KZ_CHECK(rd.area != MAP_FAILED && rd.ro != MAP_FAILED);
	KZ_CHECK(!munmap(rd.area + AREA, 4096));
}

static void round_fds(struct rng *r)
{
	static const int types[][2] = {
		{ ZMQ_PULL, ZMQ_PUSH }, { ZMQ_ROUTER, ZMQ_DEALER },
		{ ZMQ_REP, ZMQ_REQ }, { ZMQ_PUB, ZMQ_SUB },
		{ ZMQ_XPUB, ZMQ_XSUB }, { ZMQ_PAIR, ZMQ_PAIR },
		{ ZMQ_DEALER, ZMQ_DEALER }, { ZMQ_STREAM, ZMQ_STREAM },
	};
	int i, k;

	for (i = 0; i < FDS; i++)
		rd.fd[i] = -1;
	/* connected ones, so that calls get far */
	for (i = 0; i < 8; i++) {
		k = rnd(r, 8);
		rd.fd[2 * i] = zsocket(types[k][0]);
		rd.fd[2 * i + 1] = zsocket(types[k][1]);
		if (zbind(rd.fd[2 * i], "tcp://127.0.0.1:*"))
			continue;
		socklen_t len = EP_LEN;

		getsockopt(rd.fd[2 * i], SOL_ZMQ, ZMQ_LAST_ENDPOINT,
			   rd.ep[i % 4], &len);
		zconnect(rd.fd[2 * i + 1], rd.ep[i % 4]);
		if (types[k][1] == ZMQ_SUB)
			zset_text(rd.fd[2 * i + 1], ZMQ_SUBSCRIBE, "");
		if (pct(r, 30))
			zset(rd.fd[2 * i], ZMQ_RCVBATCH, 1 + rnd(r, 70));
		wait_peers(rd.fd[2 * i + 1], 1, 100);
	}
	for (i = 0; i < 16 && !rd.waits; i++)
		fcntl(rd.fd[i], F_SETFL, O_RDWR | O_NONBLOCK);
	KZ_CHECK(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, rd.unix_fd));
	KZ_CHECK(!pipe2(rd.pipe_fd, O_NONBLOCK));
	rd.ep_fd = epoll_create1(0);
	rd.file_fd = open("/proc/self/exe", O_RDONLY);
	rd.proc_fd = open("/proc/net/zmq", O_RDONLY);
}

/* Whoever waits is woken by a signal, if at all. */
static void round_end(const pthread_t *t, bool ticks)
{
	bool gone[THREADS] = { false };
	int i, left = THREADS;

	while (left) {
		poll(NULL, 0, TICK_MS);
		for (i = 0; i < THREADS; i++) {
			if (gone[i])
				continue;
			if (ticks)
				pthread_kill(t[i], SIGALRM);
			gone[i] = !pthread_tryjoin_np(t[i], NULL);
			left -= gone[i];
		}
	}
}

/* The process of a round; @ticks: no call waits for long */
static void run_round(__u64 seed, bool ticks)
{
	struct sigaction sa = { .sa_handler = no_op };
	struct rlimit files = { 256, 256 }, none = { 0, 0 };
	struct rng r = { .s = seed };
	pthread_t t[THREADS];
	int i, null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < 3; i++)
		dup2(null, i);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &none);
	sigaction(SIGALRM, &sa, NULL);
	sigaction(SIGIO, &sa, NULL);
	sigaction(SIGURG, &sa, NULL);
	sigaction(SIGPIPE, &sa, NULL);
	/* some get through where everything is slow, too */
	calls = ticks ? CALLS / kz_slow() : CALLS;
	rd.waits = pct(&r, 25);
	round_memory();
	round_fds(&r);
	for (i = 0; i < THREADS; i++)
		KZ_CHECK(!pthread_create(&t[i], NULL, thread,
					 (void *)(uintptr_t)rnd64(&r)));
	round_end(t, ticks);
	_exit(0);
}

/* One round, ended by us when it is not done in time, at @last at the latest */
static void do_round(__u64 seed, __u64 no, long long last)
{
	struct rng r = { .s = seed ^ (no * 0xd1342543de82ef95ull) };
	bool ticks = no & 1;
	int limit = kz_ms(ticks ? ROUND_MS : 20 + rnd(&r, 300)), status = 0;
	__u64 sub = rnd64(&r);
	long long end;
	pid_t pid;

	pid = fork();
	KZ_CHECK(pid >= 0);
	if (!pid)
		run_round(sub, ticks);
	end = kz_now_ms() + limit;
	if (end > last)
		end = last;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (kz_now_ms() < end) {
			poll(NULL, 0, 1);
			continue;
		}
		kill(pid, SIGKILL);
		if (!wait_exit(pid, &status, 4 * KZ_WAIT_MS))
			KZ_DIE("ZMQ_SEED=%llu ZMQ_CASE=%llu: cannot be killed",
			       seed, no);
		counts->killed++;
		return;
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		counts->done++;
	else
		counts->died++;
}

static unsigned long say_counts(__u64 rounds, long long ms)
{
	unsigned long all = 0, ok = 0;
	int k;

	for (k = 0; k < KIND_COUNT; k++) {
		all += counts->calls[k];
		ok += counts->ok[k];
		printf("#   %-10s %8lu, %3lu%% succeeded, %6lu us each\n",
		       kind_names[k], counts->calls[k],
		       counts->ok[k] * 100 / (counts->calls[k] | 1),
		       counts->us[k] / (counts->calls[k] | 1));
	}
	printf("# %llu rounds, %lu to the end, %lu killed, %lu died\n", rounds,
	       counts->done, counts->killed, counts->died);
	printf("# %lu calls in %lld ms, %lu%% succeeded\n", all, ms,
	       ok * 100 / (all | 1));
	return all;
}

static void limits(void)
{
	KZ_CHECK(!sysctl_set("mem_max", 64 << 20));
	KZ_CHECK(!sysctl_set("sock_bytes_max", 8 << 20));
	KZ_CHECK(!sysctl_set("pipe_bytes_max", 4 << 20));
	KZ_CHECK(!sysctl_set("conns_max", 1000));
	KZ_CHECK(!sysctl_set("orphan_ms", 500));
}

KZ_TEST_TIMEOUT(random_calls, 100)
{
	__u64 no = env_num("ZMQ_CASE", 0), seed = env_num("ZMQ_SEED", 0), rounds = 0;
	__u64 most = getenv("ZMQ_CASE") ? env_num("ZMQ_COUNT", 1) : ~0ULL;
	long long start, end;
	unsigned long all;
	int fd[2], k;

	own_netns();
	limits();
	if (!seed)
		KZ_CHECK(getrandom(&seed, 4, 0) == 4);
	seed &= 0xffffffff;
	printf("# ZMQ_SEED=%llu\n", seed);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(counts != MAP_FAILED);
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	start = kz_now_ms();
	end = start + kz_seconds(15) * 1000LL;
	for (; kz_now_ms() < end && rounds < most; rounds++) {
		do_round(seed, no, end);
		xsends(fd[1], "good", 0);
		ASSERT_GOT(fd[0], "good") {
			TH_LOG("ZMQ_SEED=%llu ZMQ_CASE=%llu",
			       seed, no);
		}
		if (most == ~0ULL && ++no % 50 == 0)
			printf("# round %llu\n", no);
	}
	all = say_counts(rounds, kz_now_ms() - start);
	if (most != ~0ULL)
		return;
	EXPECT_LT(100, all);
	EXPECT_LT(0, counts->done + counts->killed);
	if (all < ENOUGH) {
		printf("# too few calls for each to have had its turn\n");
		return;
	}
	/* it has made every call, and some got through */
	EXPECT_LT(0, counts->done);
	EXPECT_LT(0, counts->killed);
	for (k = 0; k < KIND_COUNT; k++)
		EXPECT_LT(0, counts->calls[k]);
	EXPECT_LT(0, counts->ok[DO_sendmsg]);
	EXPECT_LT(0, counts->ok[DO_recvmsg]);
	EXPECT_LT(0, counts->ok[DO_connect]);
}

ZMQ_HARNESS_MAIN
