// SPDX-License-Identifier: MPL-2.0
/*
 * What benchmarks use: watches, seconds and threads. No locks. Each watch and
 * each thread belongs to who started it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "zmq.h"

struct zl_thread {
	pthread_t thread;
	zmq_thread_fn *func;
	void *arg;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void *zmq_stopwatch_start(void)
{
	uint64_t *watch = malloc(sizeof(*watch));

	if (watch)
		*watch = now_us();
	return watch;
}

unsigned long zmq_stopwatch_intermediate(void *watch)
{
	return now_us() - *(uint64_t *)watch;
}

unsigned long zmq_stopwatch_stop(void *watch)
{
	unsigned long passed = zmq_stopwatch_intermediate(watch);

	free(watch);
	return passed;
}

/* A signal ends it early, as in libzmq. */
void zmq_sleep(int seconds)
{
	if (seconds > 0)
		sleep(seconds);
}

static void *thread_main(void *arg)
{
	struct zl_thread *t = arg;

	pthread_setname_np(pthread_self(), "ZMQapp");
	t->func(t->arg);
	return NULL;
}

/*
 * Signals are for the other threads: none may interrupt this one. The thread
 * has its mask from the first instruction on, by way of ours.
 */
void *zmq_threadstart(zmq_thread_fn *func, void *arg)
{
	struct zl_thread *t = malloc(sizeof(*t));
	sigset_t all, old;
	int err;

	if (!t)
		return NULL;
	t->func = func;
	t->arg = arg;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = pthread_create(&t->thread, NULL, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		return t;
	free(t);
	errno = err;
	return NULL;
}

void zmq_threadclose(void *thread)
{
	struct zl_thread *t = thread;

	if (!t)
		return;
	pthread_join(t->thread, NULL);
	free(t);
}
