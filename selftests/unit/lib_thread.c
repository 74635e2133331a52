// SPDX-License-Identifier: GPL-2.0
/* Threads, watches, and the counters that threads share. */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "lib.h"

#define THREADS	4
#define TURNS	100000

static void counter__values(void)
{
	void *c = zmq_atomic_counter_new();

	CHECK(c);
	CHECK_EQ(zmq_atomic_counter_value(c), 0);
	CHECK_EQ(zmq_atomic_counter_inc(c), 0);
	CHECK_EQ(zmq_atomic_counter_inc(c), 1);
	CHECK_EQ(zmq_atomic_counter_value(c), 2);
	CHECK_EQ(zmq_atomic_counter_dec(c), 1);
	CHECK_EQ(zmq_atomic_counter_dec(c), 0);
	CHECK_EQ(zmq_atomic_counter_dec(c), 1);
	CHECK_EQ(zmq_atomic_counter_value(c), -1);
	zmq_atomic_counter_set(c, 3);
	CHECK_EQ(zmq_atomic_counter_value(c), 3);
	zmq_atomic_counter_destroy(&c);
	CHECK(!c);
}

static void count(void *c)
{
	int i;

	for (i = 0; i < TURNS; i++)
		zmq_atomic_counter_inc(c);
	for (i = 0; i < TURNS / 2; i++)
		zmq_atomic_counter_dec(c);
}

static void counter__many_threads(void)
{
	void *c = zmq_atomic_counter_new(), *thread[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		thread[i] = zmq_threadstart(count, c);
		CHECK(thread[i]);
	}
	for (i = 0; i < THREADS; i++)
		zmq_threadclose(thread[i]);
	CHECK_EQ(zmq_atomic_counter_value(c), THREADS * TURNS / 2);
	zmq_atomic_counter_destroy(&c);
}

static pthread_t started_by;

static void look_around(void *arg)
{
	char name[16] = "";
	sigset_t mask;

	CHECK(!pthread_equal(pthread_self(), started_by));
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	CHECK(sigismember(&mask, SIGINT) && sigismember(&mask, SIGUSR1));
	pthread_getname_np(pthread_self(), name, sizeof(name));
	CHECK(!strcmp(name, "ZMQapp"));
	*(int *)arg = 42;
}

static void thread__runs_without_signals(void)
{
	sigset_t before, after;
	void *thread;
	int seen = 0;

	started_by = pthread_self();
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	thread = zmq_threadstart(look_around, &seen);
	CHECK(thread);
	zmq_threadclose(thread);
	CHECK_EQ(seen, 42);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	CHECK_EQ(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}

static u64 now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

static void watch__and_sleep(void)
{
	u64 begun = now_us(), in, out;
	void *watch = zmq_stopwatch_start();
	unsigned long a, b;

	CHECK(watch);
	in = now_us();
	zmq_sleep(0);
	zmq_sleep(1);
	out = now_us();
	CHECK(out - in >= 1000000);
	a = zmq_stopwatch_intermediate(watch);
	b = zmq_stopwatch_stop(watch);
	CHECK(a >= out - in && a <= b);
	CHECK(b <= now_us() - begun);
}

int main(void)
{
	RUN(counter__values);
	RUN(counter__many_threads);
	RUN(thread__runs_without_signals);
	RUN(watch__and_sleep);
	return tap_done();
}
