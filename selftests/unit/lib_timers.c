// SPDX-License-Identifier: GPL-2.0
/* Timers, on a clock which the test puts forward. */
#include <limits.h>
#include <time.h>
#ifdef STOCK
#include <x86intrin.h>
#endif

#include "lib.h"

#define MANY	200

static long long clock_ms = 1000000;
static int fired[4 * MANY], n_fired;
static void *timers;

/* in place of the C library's, for libzmq too */
int clock_gettime(clockid_t id, struct timespec *t)
{
	t->tv_sec = clock_ms / 1000;
	t->tv_nsec = clock_ms % 1000 * 1000000;
	return 0;
}

static void pass(long ms)
{
	clock_ms += ms;
#ifdef STOCK
	/* libzmq asks for the time again after half a million cycles only */
	for (u64 begun = __rdtsc(); __rdtsc() - begun < 2000000;)
		;
#endif
}

static void fire(int id, void *arg)
{
	fired[n_fired++ % TAP_ROW(fired)] = (int)(intptr_t)arg;
	CHECK(id > 0);
}

static int add(size_t interval, intptr_t arg)
{
	int id = zmq_timers_add(timers, interval, fire, (void *)arg);

	CHECK(id > 0);
	return id;
}

/* Execute; what fires is @list, which 0 ends. */
static void expect(const int *list)
{
	int i;

	n_fired = 0;
	CHECK_EQ(zmq_timers_execute(timers), 0);
	for (i = 0; list[i] && i < n_fired; i++)
		CHECK_EQ(fired[i], list[i]);
	CHECK(!list[i]);
	CHECK_EQ(n_fired, i);
}

#define EXPECT(...)	expect((int[9]) { __VA_ARGS__ })

static void begin(void)
{
	pass(1);
	timers = zmq_timers_new();
	CHECK(timers);
	CHECK_EQ(zmq_timers_timeout(timers), -1);
	EXPECT(0);
}

static void end(void)
{
	CHECK_EQ(zmq_timers_destroy(&timers), 0);
	CHECK(!timers);
}

static void timers__fire_and_fire_again(void)
{
	begin();
	add(10, 1);
	CHECK_EQ(zmq_timers_timeout(timers), 10);
	pass(4);
	CHECK_EQ(zmq_timers_timeout(timers), 6);
	EXPECT(0);
	pass(6);
	CHECK_EQ(zmq_timers_timeout(timers), 0);
	EXPECT(1);
	CHECK_EQ(zmq_timers_timeout(timers), 10);
	/* late ones fire once, and count from when they did */
	pass(35);
	CHECK_EQ(zmq_timers_timeout(timers), 0);
	EXPECT(1);
	CHECK_EQ(zmq_timers_timeout(timers), 10);
	end();
}

static void timers__in_order(void)
{
	begin();
	add(30, 3);
	add(10, 1);
	add(20, 2);
	add(30, 4);
	CHECK_EQ(zmq_timers_timeout(timers), 10);
	pass(25);
	EXPECT(1, 2);
	CHECK_EQ(zmq_timers_timeout(timers), 5);
	pass(30);
	EXPECT(3, 4, 1, 2);
	end();
}

static void timers__cancel(void)
{
	int id;

	begin();
	id = add(10, 1);
	add(20, 2);
	CHECK_EQ(zmq_timers_cancel(timers, id), 0);
	CHECK_EQ(zmq_timers_timeout(timers), 20);
	CHECK_ERR(zmq_timers_cancel(timers, id), EINVAL);
	pass(50);
	EXPECT(2);
	end();
}

static void timers__set_interval_and_reset(void)
{
	int id;

	begin();
	id = add(10, 1);
	pass(5);
	CHECK_EQ(zmq_timers_set_interval(timers, id, 40), 0);
	CHECK_EQ(zmq_timers_timeout(timers), 40);
	pass(15);
	CHECK_EQ(zmq_timers_timeout(timers), 25);
	CHECK_EQ(zmq_timers_reset(timers, id), 0);
	CHECK_EQ(zmq_timers_timeout(timers), 40);
	pass(40);
	EXPECT(1);
	CHECK_EQ(zmq_timers_timeout(timers), 40);
	end();
}

static void timers__errors(void)
{
	void *none = NULL;
	int id;

	begin();
	CHECK_ERR(zmq_timers_add(timers, 1, NULL, NULL), EFAULT);
	id = add(1, 1);
	CHECK_ERR(zmq_timers_cancel(timers, id + 1), EINVAL);
	CHECK_ERR(zmq_timers_set_interval(timers, id + 1, 1), EINVAL);
	CHECK_ERR(zmq_timers_reset(timers, id + 1), EINVAL);
	CHECK_ERR(zmq_timers_add(NULL, 1, fire, NULL), EFAULT);
	CHECK_ERR(zmq_timers_cancel(NULL, 1), EFAULT);
	CHECK_ERR(zmq_timers_set_interval(NULL, 1, 1), EFAULT);
	CHECK_ERR(zmq_timers_reset(NULL, 1), EFAULT);
	CHECK_ERR(zmq_timers_timeout(NULL), EFAULT);
	CHECK_ERR(zmq_timers_execute(NULL), EFAULT);
	CHECK_ERR(zmq_timers_destroy(&none), EFAULT);
	if (OURS)
		CHECK_ERR(zmq_timers_destroy(NULL), EFAULT);
	end();
}

static void cancel_itself(int id, void *arg)
{
	fire(id, arg);
	CHECK_EQ(zmq_timers_cancel(timers, id), 0);
}

static void cancel_arg(int id, void *arg)
{
	fire(id, (void *)7);
	zmq_timers_cancel(timers, (int)(intptr_t)arg);
}

static void add_one(int id, void *arg)
{
	fire(id, arg);
	add(100, 9);
}

static void timers__handlers_cancel_and_add(void)
{
	int id;

	begin();
	CHECK(zmq_timers_add(timers, 10, cancel_itself, (void *)5) > 0);
	pass(10);
	EXPECT(5);
	CHECK_EQ(zmq_timers_timeout(timers), -1);
	id = add(20, 2);
	CHECK(zmq_timers_add(timers, 10, cancel_arg, (void *)(intptr_t)id) > 0);
	pass(20);
	EXPECT(7);
	end();
	begin();
	CHECK(zmq_timers_add(timers, 10, add_one, (void *)6) > 0);
	pass(10);
	EXPECT(6);
	pass(5);
	CHECK_EQ(zmq_timers_timeout(timers), 5);
	pass(95);
	EXPECT(6, 9);
	end();
}

#ifndef STOCK	/* where these are not defined, or do not end */
static void slow_down(int id, void *arg)
{
	fire(id, arg);
	CHECK_EQ(zmq_timers_set_interval(timers, id, 1000), 0);
}

static void timers__handlers_change_themselves(void)
{
	begin();
	CHECK(zmq_timers_add(timers, 10, slow_down, (void *)5) > 0);
	pass(10);
	EXPECT(5);
	CHECK_EQ(zmq_timers_timeout(timers), 1000);
	end();
}

static void timers__interval_of_zero(void)
{
	begin();
	add(0, 1);
	add(0, 2);
	CHECK_EQ(zmq_timers_timeout(timers), 0);
	EXPECT(1, 2);
	EXPECT(1, 2);
	pass(1);
	EXPECT(1, 2);
	end();
}

static void timers__longest_interval(void)
{
	begin();
	add(SIZE_MAX, 1);
	CHECK(zmq_timers_timeout(timers) > 1ll << 60);
	add(10, 2);
	pass(10);
	EXPECT(2);
	end();
}
#endif

/* The timers again, found by looking through all of them. */
static struct model {
	int id;
	long long due;
	size_t interval;
	u64 turn;
} model[MANY];

static u64 model_turn;

static int first_due(long long until)
{
	int i, best = -1;

	for (i = 0; i < MANY; i++)
		if (model[i].id && model[i].due <= until &&
		    (best < 0 || model[i].due < model[best].due ||
		     (model[i].due == model[best].due && model[i].turn < model[best].turn)))
			best = i;
	return best;
}

static void arm(int i)
{
	model[i].due = clock_ms + (long long)model[i].interval;
	model[i].turn = ++model_turn;
}

static void execute(void)
{
	int list[4 * MANY], n = 0, i;

	while ((i = first_due(clock_ms)) >= 0) {
		list[n++] = i + 1;
		arm(i);
	}
	list[n] = 0;
	expect(list);
}

static void change(int i)
{
	size_t interval = 1 + tap_rand() % 50;

	if (!model[i].id) {
		model[i].interval = interval;
		model[i].id = add(interval, i + 1);
		arm(i);
	} else if (tap_rand() % 3 == 0) {
		CHECK_EQ(zmq_timers_cancel(timers, model[i].id), 0);
		model[i].id = 0;
	} else if (tap_rand() % 2) {
		CHECK_EQ(zmq_timers_reset(timers, model[i].id), 0);
		arm(i);
	} else {
		model[i].interval = interval;
		CHECK_EQ(zmq_timers_set_interval(timers, model[i].id, interval), 0);
		arm(i);
	}
}

static void timers__random_against_a_list(void)
{
	int round, i;

	begin();
	memset(model, 0, sizeof(model));
	for (round = 0; round < 3000; round++) {
		change(tap_rand() % MANY);
		i = first_due(LLONG_MAX);
		CHECK_EQ(zmq_timers_timeout(timers), i < 0 ? -1 :
			 model[i].due > clock_ms ? model[i].due - clock_ms : 0);
		if (tap_rand() % 4)
			continue;
		pass(tap_rand() % 8);
		execute();
	}
	end();
}

int main(void)
{
	RUN(timers__fire_and_fire_again);
	RUN(timers__in_order);
	RUN(timers__cancel);
	RUN(timers__set_interval_and_reset);
	RUN(timers__errors);
	RUN(timers__handlers_cancel_and_add);
#ifndef STOCK
	RUN(timers__handlers_change_themselves);
	RUN(timers__interval_of_zero);
	RUN(timers__longest_interval);
#endif
	RUN(timers__random_against_a_list);
	return tap_done();
}
