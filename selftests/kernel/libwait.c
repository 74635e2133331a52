// SPDX-License-Identifier: GPL-2.0
/* Waiting for what the kernel does by itself, counters, sysctls, namespaces. */
#include "lib.h"

#include <net/if.h>
#include <sched.h>
#include <time.h>

static void nap(void)
{
	struct timespec ts = { .tv_nsec = 1000000 };

	nanosleep(&ts, NULL);
}

void xstats(int fd, struct zmq_stats *st)
{
	socklen_t len = sizeof(*st);

	memset(st, 0, sizeof(*st));
	if (getsockopt(fd, SOL_ZMQ, ZMQ_STATS, st, &len))
		KZ_DIE("ZMQ_STATS");
}

bool wait_peers(int fd, unsigned int n, int ms)
{
	long long end = kz_now_ms() + kz_ms(ms);
	struct zmq_stats st;

	for (;;) {
		xstats(fd, &st);
		if (st.peers == n)
			return true;
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %u peers, not %u\n", st.peers, n);
			return false;
		}
		nap();
	}
}

void xpeers(int fd, unsigned int n)
{
	errno = 0;
	if (!wait_peers(fd, n, KZ_WAIT_MS))
		KZ_DIE("no %u peers", n);
}

/* A publisher's filter, or a subscriber's, holds so many topics. */
void xtopics(int fd, int n)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	int is;

	while ((is = zget(fd, ZMQ_TOPICS_COUNT)) != n) {
		if (kz_now_ms() > end)
			KZ_DIE("%d topics, not %d", is, n);
		nap();
	}
}

bool wait_in_msgs(int fd, unsigned long long n, int ms)
{
	long long end = kz_now_ms() + kz_ms(ms);
	struct zmq_stats st;

	for (;;) {
		xstats(fd, &st);
		if (st.in_msgs == n)
			return true;
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %llu messages in, not %llu\n",
				(unsigned long long)st.in_msgs, n);
			return false;
		}
		nap();
	}
}

bool wait_out_msgs(int fd, unsigned long long n, int ms)
{
	long long end = kz_now_ms() + kz_ms(ms);
	struct zmq_stats st;

	for (;;) {
		xstats(fd, &st);
		if (st.out_msgs == n)
			return true;
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %llu messages out, not %llu\n",
				(unsigned long long)st.out_msgs, n);
			return false;
		}
		nap();
	}
}

/*
 * A wait that ends with its time limit and yet has something to show was not
 * woken when it should have been.
 */
bool woken_late(long long start, int ms)
{
	return ms >= 1000 && kz_now_ms() - start >= ms - 1;
}

/* poll() of one descriptor: its revents, 0 when nothing came in time */
int poll1(int fd, int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	long long start = kz_now_ms();
	int n = poll(&p, 1, ms);

	if (n < 0)
		KZ_DIE("poll");
	if (n && woken_late(start, ms))
		KZ_DIE("poll found %#x at its time limit only", p.revents);
	return n ? p.revents : 0;
}

bool wait_ready(int fd, int events)
{
	return poll1(fd, events, kz_ms(KZ_WAIT_MS)) & events;
}

/* A child ends in time; it is killed when it does not. */
bool wait_exit(pid_t pid, int *status, int ms)
{
	long long end = kz_now_ms() + kz_ms(ms);

	while (waitpid(pid, status, WNOHANG) == 0) {
		if (kz_now_ms() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, status, 0);
			return false;
		}
		nap();
	}
	return true;
}

/* A thread or child stays in this state, as ps(1) tells it. */
bool wait_state(pid_t tid, char state, int ms)
{
	long long end = kz_now_ms() + kz_ms(ms);
	char path[64], line[256], *p;
	int seen = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	while (kz_now_ms() < end) {
		FILE *f = fopen(path, "r");

		if (!f)
			return false;
		p = fgets(line, sizeof(line), f);
		fclose(f);
		p = p ? strrchr(line, ')') : NULL;
		seen = p && p[2] == state ? seen + 1 : 0;
		if (seen == 5)
			return true;
		nap();
	}
	return false;
}

/* A thread or child sleeps in the kernel. */
bool wait_blocked(pid_t tid, int ms)
{
	return wait_state(tid, 'S', ms);
}

static long mib_walk(bool (*wanted)(const char *key, const char *name),
		     const char *name, bool *found)
{
	FILE *f = fopen("/proc/net/zmq_stat", "r");
	char key[128];
	long val, sum = 0;

	if (!f)
		KZ_DIE("/proc/net/zmq_stat");
	while (fscanf(f, "%127s %ld", key, &val) == 2) {
		if (!wanted(key, name))
			continue;
		sum += val;
		*found = true;
	}
	fclose(f);
	return sum;
}

static bool is_any(const char *key, const char *name)
{
	return key || name;
}

static bool is_named(const char *key, const char *name)
{
	return !strcmp(key, name);
}

static bool is_fault(const char *key, const char *name)
{
	return !strncmp(key, "Bad", 3) || !strcmp(key, "PeerErrors") ||
	       !strcmp(key, "MsgTooBig") || !strcmp(key, "TooManyFrames") ||
	       !strcmp(key, "TopicLimit") || !strcmp(key, name);
}

/* All counters of this namespace together. */
long mib_sum(void)
{
	bool found;

	return mib_walk(is_any, NULL, &found);
}

long mib(const char *name)
{
	bool found = false;
	long val = mib_walk(is_named, name, &found);

	if (!found)
		KZ_DIE("no counter %s", name);
	return val;
}

/* A counter of this namespace reaches @n */
bool wait_mib(const char *name, long n)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (mib(name) < n) {
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %s is %ld, not %ld\n", name,
				mib(name), n);
			return false;
		}
		poll(NULL, 0, 1);
	}
	return true;
}

/* One that goes down as well comes down to @n */
bool wait_mib_down(const char *name, long n)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (mib(name) > n) {
		if (kz_now_ms() > end) {
			fprintf(stderr, "# %s is %ld, not %ld\n", name,
				mib(name), n);
			return false;
		}
		nap();
	}
	return true;
}

/* Counters of what peers did wrong. */
long mib_faults(void)
{
	bool found;

	return mib_walk(is_fault, "", &found);
}

bool wait_fault(long before, int ms)
{
	long long end = kz_now_ms() + kz_ms(ms);

	while (mib_faults() == before) {
		if (kz_now_ms() > end)
			return false;
		nap();
	}
	return true;
}

static void sysctl_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, "/proc/sys/net/zmq/%s", name);
}

int sysctl_get(const char *name, long long *val)
{
	char path[128];
	FILE *f;
	int n;

	sysctl_path(name, path, sizeof(path));
	f = fopen(path, "r");
	if (!f)
		return -1;
	n = fscanf(f, "%lld", val);
	fclose(f);
	return n == 1 ? 0 : -1;
}

int sysctl_set(const char *name, long long val)
{
	char path[128], text[32];
	ssize_t n;
	int fd;

	sysctl_path(name, path, sizeof(path));
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	n = snprintf(text, sizeof(text), "%lld\n", val);
	n = write(fd, text, n) == n ? 0 : -1;
	close(fd);
	return n;
}

/*
 * A network namespace of its own with the loopback device up, so that counters
 * start at 0 and sysctls may be changed. /proc/net follows the thread.
 */
void own_netns(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd;

	if (unshare(CLONE_NEWNET))
		KZ_DIE("unshare");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	KZ_CHECK(fd >= 0);
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		KZ_DIE("lo up");
	xclose(fd);
}

/* An address is nobody's until the kernel is done with looking for others. */
void wait_address(const struct in6_addr *addr, int ifindex)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6, .sin6_addr = *addr,
		.sin6_scope_id = ifindex,
	};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (bind(fd, (struct sockaddr *)&sin6, sizeof(sin6))) {
		if (errno != EADDRNOTAVAIL || kz_now_ms() > end)
			KZ_DIE("the new address cannot be used");
		poll(NULL, 0, 1);
	}
	xclose(fd);
}
