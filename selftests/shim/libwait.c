// SPDX-License-Identifier: GPL-2.0
/* Waiting for what happens in other threads, processes and peers. */
#include "shim.h"

#include <sys/syscall.h>
#include <time.h>

/* events of a socket by zmq_poll(), 0 when none came in time */
int z_poll1(void *s, int events, int ms)
{
	zmq_pollitem_t p = { .socket = s, .events = events };
	int n = zmq_poll(&p, 1, ms);

	Z_CHECK(n >= 0);
	return n ? p.revents : 0;
}

bool z_ready(void *s, int events)
{
	return z_poll1(s, events, z_ms(Z_WAIT_MS));
}

static void pause_ms(int ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000L };

	nanosleep(&ts, NULL);
}

/* the condition becomes true; for what raises no event */
bool z_until(int ms, bool (*fn)(void *), void *arg)
{
	long long end = z_now_ms() + z_ms(ms);

	for (;;) {
		if (fn(arg))
			return true;
		if (z_now_ms() > end)
			return false;
		pause_ms(2);
	}
}

/*
 * What is published from now on arrives: a subscriber to everything has seen
 * one of the messages sent for this purpose, and the last of them.
 */
void xjoined(void *pub, void *sub)
{
	long long end = z_now_ms() + z_ms(Z_WAIT_MS);
	char buf[16];
	int n;

	do {
		Z_CHECK(z_now_ms() < end);
		xsends(pub, "join", 0);
	} while (!z_poll1(sub, ZMQ_POLLIN, 5));
	xsends(pub, "joined", 0);
	do
		n = zmq_recv(sub, buf, sizeof(buf), 0);
	while (n == 4);
	Z_CHECK(n == 6 && !memcmp(buf, "joined", 6));
}

struct sleeper {
	pid_t tid;
};

static bool asleep(void *arg)
{
	struct sleeper *s = arg;
	char path[64], buf[512], *p;
	int fd, n;

	snprintf(path, sizeof(path), "/proc/%d/stat", s->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = 0;
	p = strrchr(buf, ')');
	return p && p[1] && p[2] == 'S';
}

/* a thread or process waits for something */
bool z_asleep(pid_t tid, int ms)
{
	struct sleeper s = { .tid = tid };

	return z_until(ms, asleep, &s);
}

struct child {
	pid_t pid;
	int *status;
};

static bool reaped(void *arg)
{
	struct child *c = arg;

	return waitpid(c->pid, c->status, WNOHANG) == c->pid;
}

bool z_exits(pid_t pid, int *status, int ms)
{
	struct child c = { .pid = pid, .status = status };

	return z_until(ms, reaped, &c);
}

static void *job_thread(void *arg)
{
	struct job *j = arg;

	__atomic_store_n(&j->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	errno = 0;
	j->rc = j->fn(j->arg);
	j->err = zmq_errno();
	__atomic_store_n(&j->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* A function in a thread of its own; its result and its errno are kept. */
void xjob(struct job *j, int (*fn)(void *arg), void *arg)
{
	memset(j, 0, sizeof(*j));
	j->fn = fn;
	j->arg = arg;
	Z_CHECK(!pthread_create(&j->thread, NULL, job_thread, j));
}

static bool job_asleep(void *arg)
{
	struct sleeper s = {
		.tid = __atomic_load_n(&((struct job *)arg)->tid, __ATOMIC_ACQUIRE),
	};

	return s.tid && asleep(&s);
}

/* It waits, and still does a moment later: not for a lock in passing. */
void xjob_asleep(struct job *j)
{
	int i;

	for (i = 0; i < 5; i++) {
		Z_CHECK(z_until(Z_WAIT_MS, job_asleep, j));
		Z_CHECK(!__atomic_load_n(&j->done, __ATOMIC_ACQUIRE));
		pause_ms(2);
	}
}

static bool job_done(void *arg)
{
	return __atomic_load_n(&((struct job *)arg)->done, __ATOMIC_ACQUIRE);
}

/* What it does may be work, not one wait: thousands of messages by many threads. */
void xjob_end(struct job *j)
{
	if (!z_until(Z_WORK_MS, job_done, j))
		Z_DIE("a thread goes on for too long");
	Z_CHECK(!pthread_join(j->thread, NULL));
}

static void nothing(int sig)
{
}

/* The signal does nothing but interrupt, also what could be restarted. */
void xno_restart(int sig)
{
	struct sigaction sa = { .sa_handler = nothing };

	Z_CHECK(!sigaction(sig, &sa, NULL));
}
