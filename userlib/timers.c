// SPDX-License-Identifier: MPL-2.0
/*
 * Timers which fire in zmq_timers_execute(). One thread at a time may use a set
 * of timers; handlers may call every function but the one that destroys the set.
 *
 * The set is a binary heap, the timer due first on top; of those due at the
 * same time, the one armed first. A timer is looked for by its number from one
 * end to the other: sets are small.
 */
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "zmq.h"

#define TIMERS_TAG	0x7a6c746du

struct zl_timer {
	int64_t due;		/* ms of CLOCK_MONOTONIC */
	uint64_t turn;		/* counts up as timers are armed */
	size_t interval;	/* ms */
	zmq_timer_fn *handler;
	void *arg;
	int id;
};

struct zl_timers {
	uint32_t tag;
	int last_id;
	uint64_t turn;		/* of the timer armed last */
	size_t n, room;
	struct zl_timer *heap;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct zl_timers *timers_of(void *handle)
{
	struct zl_timers *t = handle;

	if (t && t->tag == TIMERS_TAG)
		return t;
	errno = EFAULT;
	return NULL;
}

static int before(const struct zl_timer *a, const struct zl_timer *b)
{
	return a->due != b->due ? a->due < b->due : a->turn < b->turn;
}

/* Put @timer where it belongs in the path from the gap at @i to the top. */
static void sift_up(struct zl_timers *t, size_t i, struct zl_timer timer)
{
	size_t up;

	for (; i; i = up) {
		up = (i - 1) / 2;
		if (!before(&timer, &t->heap[up]))
			break;
		t->heap[i] = t->heap[up];
	}
	t->heap[i] = timer;
}

/* Take the timer at @i out: the last one takes its place, and then its own. */
static void take_out(struct zl_timers *t, size_t i)
{
	struct zl_timer last = t->heap[--t->n];
	size_t down;

	if (i == t->n)
		return;
	for (; (down = 2 * i + 1) < t->n; i = down) {
		if (down + 1 < t->n && before(&t->heap[down + 1], &t->heap[down]))
			down++;
		t->heap[i] = t->heap[down];
	}
	sift_up(t, i, last);
}

/* There is room for one more. */
static void arm(struct zl_timers *t, struct zl_timer timer, int64_t now)
{
	if (timer.interval > (uint64_t)(INT64_MAX - now))
		timer.due = INT64_MAX;
	else
		timer.due = now + (int64_t)timer.interval;
	timer.turn = ++t->turn;
	sift_up(t, t->n++, timer);
}

static struct zl_timer *find(struct zl_timers *t, int id)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->heap[i].id == id)
			return &t->heap[i];
	errno = EINVAL;
	return NULL;
}

void *zmq_timers_new(void)
{
	struct zl_timers *t = calloc(1, sizeof(*t));

	if (t)
		t->tag = TIMERS_TAG;
	return t;
}

int zmq_timers_destroy(void **timers)
{
	struct zl_timers *t = timers_of(timers ? *timers : NULL);

	if (!t)
		return -1;
	t->tag = 0;
	free(t->heap);
	free(t);
	*timers = NULL;
	return 0;
}

static int make_room(struct zl_timers *t)
{
	size_t room = t->room ? 2 * t->room : 8;
	struct zl_timer *heap;

	if (t->n < t->room)
		return 0;
	heap = reallocarray(t->heap, room, sizeof(*heap));
	if (!heap)
		return -1;
	t->heap = heap;
	t->room = room;
	return 0;
}

int zmq_timers_add(void *timers, size_t interval, zmq_timer_fn handler, void *arg)
{
	struct zl_timers *t = timers_of(timers);
	struct zl_timer timer = { .interval = interval, .handler = handler, .arg = arg };

	if (!t)
		return -1;
	if (!handler) {
		errno = EFAULT;
		return -1;
	}
	if (t->last_id == INT_MAX) {
		errno = ENOMEM;
		return -1;
	}
	if (make_room(t))
		return -1;
	timer.id = ++t->last_id;
	arm(t, timer, now_ms());
	return timer.id;
}

int zmq_timers_cancel(void *timers, int timer_id)
{
	struct zl_timers *t = timers_of(timers);
	struct zl_timer *timer = t ? find(t, timer_id) : NULL;

	if (!timer)
		return -1;
	take_out(t, timer - t->heap);
	return 0;
}

static int arm_again(void *timers, int timer_id, const size_t *interval)
{
	struct zl_timers *t = timers_of(timers);
	struct zl_timer *found = t ? find(t, timer_id) : NULL;
	struct zl_timer timer;

	if (!found)
		return -1;
	timer = *found;
	if (interval)
		timer.interval = *interval;
	take_out(t, found - t->heap);
	arm(t, timer, now_ms());
	return 0;
}

int zmq_timers_set_interval(void *timers, int timer_id, size_t interval)
{
	return arm_again(timers, timer_id, &interval);
}

int zmq_timers_reset(void *timers, int timer_id)
{
	return arm_again(timers, timer_id, NULL);
}

/* Milliseconds until the first is due, -1 when there is none. */
long zmq_timers_timeout(void *timers)
{
	struct zl_timers *t = timers_of(timers);
	int64_t left;

	if (!t || !t->n)
		return -1;
	left = t->heap[0].due - now_ms();
	if (left < 0)
		return 0;
	return left < LONG_MAX ? left : LONG_MAX;
}

/*
 * A timer is armed anew before its handler runs, which may thus cancel it or
 * change its interval. What is armed meanwhile waits for the next call, so that
 * this one ends even where an interval is 0.
 */
int zmq_timers_execute(void *timers)
{
	struct zl_timers *t = timers_of(timers);
	struct zl_timer timer;
	uint64_t turn;
	int64_t now;

	if (!t)
		return -1;
	now = now_ms();
	turn = t->turn;
	while (t->n && t->heap[0].due <= now && t->heap[0].turn <= turn) {
		timer = t->heap[0];
		take_out(t, 0);
		arm(t, timer, now);
		timer.handler(timer.id, timer.arg);
	}
	return 0;
}
