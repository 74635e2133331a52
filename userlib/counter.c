// SPDX-License-Identifier: MPL-2.0
/*
 * Counters which threads share: zmq_atomic_counter_*(). No locks; any thread
 * may call them, destroying is for the last that knows the counter.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "zmq.h"

void *zmq_atomic_counter_new(void)
{
	atomic_int *counter = malloc(sizeof(*counter));

	if (counter)
		atomic_init(counter, 0);
	return counter;
}

void zmq_atomic_counter_set(void *counter, int value)
{
	atomic_store((atomic_int *)counter, value);
}

/* Tells the value before; past INT_MAX it goes on at INT_MIN. */
int zmq_atomic_counter_inc(void *counter)
{
	return atomic_fetch_add((atomic_int *)counter, 1);
}

/* Tells 0 when the counter has come to zero, 1 while it has not. */
int zmq_atomic_counter_dec(void *counter)
{
	return atomic_fetch_sub((atomic_int *)counter, 1) != 1;
}

int zmq_atomic_counter_value(void *counter)
{
	return atomic_load((atomic_int *)counter);
}

void zmq_atomic_counter_destroy(void **counter)
{
	if (!counter)
		return;
	free(*counter);
	*counter = NULL;
}
