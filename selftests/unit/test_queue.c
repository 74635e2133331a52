// SPDX-License-Identifier: GPL-2.0
#include "tap.h"
#include "queue.h"

static void *item(u64 n)
{
	return (void *)(uintptr_t)(n + 1);
}

static void push(struct kzmq_queue *q, u64 bytes)
{
	CHECK_EQ(kzmq_queue_push(q, item(q->written), bytes, GFP_KERNEL), 0);
}

static void pop(struct kzmq_queue *q, u64 bytes)
{
	CHECK(kzmq_queue_peek(q) == item(q->read));
	kzmq_queue_drop_head(q, bytes);
}

static long chunks(const struct kzmq_queue *q)
{
	struct kzmq_qchunk *c;
	long n = !!q->spare;

	for (c = q->head; c; c = c->next)
		n++;
	return n;
}

static void queue__never_used_holds_nothing(void)
{
	struct kzmq_queue q;

	kzmq_queue_init(&q, 1000, 0);
	CHECK(kzmq_queue_empty(&q));
	CHECK(!kzmq_queue_peek(&q));
	CHECK(!kzmq_queue_full(&q));
	CHECK_EQ(kzmq_queue_len(&q), 0);
	CHECK_EQ(tap_live, 0);
	kzmq_queue_free(&q);
}

static void queue__fifo_all_fillings(void)
{
	struct kzmq_queue q;
	int fill, round, i;

	for (fill = 1; fill < 300; fill++) {
		kzmq_queue_init(&q, 0, 0);
		for (round = 0; round < 4; round++) {
			for (i = 0; i < fill; i++)
				push(&q, 0);
			CHECK_EQ(kzmq_queue_len(&q),
				 fill + round * (fill / 2));
			for (i = 0; i < fill - fill / 2; i++)
				pop(&q, 0);
		}
		while (!kzmq_queue_empty(&q))
			pop(&q, 0);
		CHECK_EQ(chunks(&q), 1);
		kzmq_queue_free(&q);
		CHECK_EQ(tap_live, 0);
	}
}

static void queue__random_against_counters(void)
{
	struct kzmq_queue q;
	u64 model = 0;
	int i;

	kzmq_queue_init(&q, 0, 0);
	for (i = 0; i < 200000; i++) {
		u64 want = (u64)(i / 100) % 200;

		if (model < want || !model || tap_rand() % 8 == 0) {
			push(&q, 3);
			model++;
		} else {
			pop(&q, 3);
			model--;
		}
		CHECK_EQ(kzmq_queue_len(&q), model);
		CHECK_EQ(q.bytes, model * 3);
		CHECK_EQ(chunks(&q), tap_live);
		CHECK(!q.spare || q.spare->size == KZMQ_QCHUNK_NEXT);
		CHECK(tap_live <= (long)model / KZMQ_QCHUNK_NEXT + 3);
	}
	while (!kzmq_queue_empty(&q))
		pop(&q, 3);
	kzmq_queue_free(&q);
}

/* Steady traffic allocates nothing: one in, one out, at any depth. */
static void queue__steady_state_allocates_nothing(void)
{
	struct kzmq_queue q;
	long left;
	int depth, i;

	for (depth = 0; depth < 140; depth += 7) {
		kzmq_queue_init(&q, 0, 0);
		for (i = 0; i < depth; i++)
			push(&q, 0);
		for (i = 0; i < 200; i++) {	/* settle */
			push(&q, 0);
			pop(&q, 0);
		}
		tap_alloc_left = 1000000;
		left = tap_alloc_left;
		for (i = 0; i < 1000; i++) {
			push(&q, 0);
			pop(&q, 0);
		}
		CHECK_EQ(tap_alloc_left, left);
		tap_alloc_left = -1;
		while (!kzmq_queue_empty(&q))
			pop(&q, 0);
		kzmq_queue_free(&q);
	}
}

static void queue__empty_keeps_one_chunk(void)
{
	struct kzmq_queue q;
	int i;

	kzmq_queue_init(&q, 0, 0);
	for (i = 0; i < 10000; i++)
		push(&q, 0);
	CHECK(tap_live > 100);
	while (!kzmq_queue_empty(&q))
		pop(&q, 0);
	CHECK_EQ(tap_live, 1);
	kzmq_queue_free(&q);
	CHECK_EQ(tap_live, 0);
	push(&q, 0);	/* usable again */
	pop(&q, 0);
	kzmq_queue_free(&q);
}

static void queue__no_memory(void)
{
	struct kzmq_queue q;
	int i;

	kzmq_queue_init(&q, 0, 0);
	tap_alloc_left = 0;
	CHECK_EQ(kzmq_queue_push(&q, item(0), 9, GFP_ATOMIC), -ENOMEM);
	CHECK_EQ(q.bytes, 0);
	CHECK_EQ(q.written, 0);
	CHECK(!kzmq_queue_peek(&q));
	tap_alloc_left = 1;
	for (i = 0; i < KZMQ_QCHUNK_FIRST; i++)
		push(&q, 1);
	CHECK_EQ(kzmq_queue_push(&q, item(0), 9, GFP_ATOMIC), -ENOMEM);
	CHECK_EQ(kzmq_queue_len(&q), KZMQ_QCHUNK_FIRST);
	CHECK_EQ(q.bytes, KZMQ_QCHUNK_FIRST);
	for (i = 0; i < KZMQ_QCHUNK_FIRST; i++)
		pop(&q, 1);
	kzmq_queue_free(&q);
}

/* The rule itself: multiples of lwm, and running empty. */
static void queue_full__against_formula(void)
{
	struct kzmq_queue q;
	u64 written, read, acked, lwm, was;
	u32 hwm;
	int i;

	for (hwm = 1; hwm < 40; hwm++) {
		kzmq_queue_init(&q, hwm, 0);
		lwm = (hwm + 1) / 2;
		written = 0;
		read = 0;
		acked = 0;
		for (i = 0; i < 3000; i++) {
			CHECK_EQ(kzmq_queue_full(&q), written - acked >= hwm);
			if (tap_rand() % 2 && written - acked < hwm) {
				push(&q, 0);
				written++;
			} else if (written != read) {
				pop(&q, 0);
				read++;
				was = acked;
				if (read % lwm == 0 || read == written)
					acked = read;
				CHECK_EQ(kzmq_queue_low(&q), acked != was);
			}
			CHECK_EQ(q.acked, acked);
		}
		while (!kzmq_queue_empty(&q))
			pop(&q, 0);
		kzmq_queue_free(&q);
	}
}

static void queue_full__stays_until_half(void)
{
	struct kzmq_queue q;
	int i;

	kzmq_queue_init(&q, 10, 0);
	for (i = 0; i < 10; i++) {
		CHECK(!kzmq_queue_full(&q));
		push(&q, 0);
	}
	CHECK(kzmq_queue_full(&q));
	for (i = 0; i < 4; i++) {
		pop(&q, 0);
		CHECK(kzmq_queue_full(&q));
		CHECK(!kzmq_queue_low(&q));
	}
	pop(&q, 0);
	CHECK(!kzmq_queue_full(&q));
	CHECK(kzmq_queue_low(&q));
	while (!kzmq_queue_empty(&q))
		pop(&q, 0);
	CHECK(kzmq_queue_low(&q));
	kzmq_queue_free(&q);
}

static void queue_full__no_limits(void)
{
	struct kzmq_queue q;
	int i;

	kzmq_queue_init(&q, 0, 0);
	for (i = 0; i < 5000; i++)
		push(&q, 1000000);
	CHECK(!kzmq_queue_full(&q));
	while (!kzmq_queue_empty(&q)) {
		pop(&q, 1000000);
		CHECK(!kzmq_queue_low(&q));
	}
	CHECK_EQ(q.bytes, 0);
	kzmq_queue_free(&q);
}

static void queue_full__bytes(void)
{
	struct kzmq_queue q;

	kzmq_queue_init(&q, 0, 100);
	CHECK(!kzmq_queue_full(&q));
	push(&q, 1000);		/* an empty queue takes any size */
	CHECK(kzmq_queue_full(&q));
	pop(&q, 1000);
	CHECK(kzmq_queue_low(&q));
	CHECK(!kzmq_queue_full(&q));
	push(&q, 60);
	CHECK(!kzmq_queue_full(&q));
	push(&q, 40);
	CHECK(kzmq_queue_full(&q));
	push(&q, 0);
	pop(&q, 60);
	CHECK(kzmq_queue_low(&q));
	CHECK(!kzmq_queue_full(&q));
	pop(&q, 40);
	CHECK(!kzmq_queue_low(&q));
	CHECK(!kzmq_queue_full(&q));
	pop(&q, 0);
	kzmq_queue_free(&q);
}

/* Both limits: who saw "full" is told, whichever limit gives way last. */
static void queue_low__no_lost_wakeup(void)
{
	struct kzmq_queue q;
	u64 size[64];
	bool waiting;
	int round, n;

	for (round = 0; round < 20000; round++) {
		kzmq_queue_init(&q, tap_rand() % 12, tap_rand() % 200);
		n = 0;
		while (!kzmq_queue_full(&q) && n < 64) {
			size[n] = tap_rand() % 100;
			push(&q, size[n++]);
		}
		waiting = kzmq_queue_full(&q);
		while (!kzmq_queue_empty(&q)) {
			pop(&q, size[q.read]);
			if (kzmq_queue_low(&q) && !kzmq_queue_full(&q))
				waiting = false;
		}
		CHECK(!waiting);
		CHECK_EQ(q.bytes, 0);
		kzmq_queue_free(&q);
	}
}

static void queue_set_hwm__with_items(void)
{
	struct kzmq_queue q;
	int i;

	kzmq_queue_init(&q, 0, 0);
	for (i = 0; i < 100; i++)
		push(&q, 0);
	for (i = 0; i < 31; i++)
		pop(&q, 0);
	kzmq_queue_set_hwm(&q, 100);
	CHECK(!kzmq_queue_full(&q));
	kzmq_queue_set_hwm(&q, 10);
	CHECK(kzmq_queue_full(&q));
	for (i = 0; i < 4; i++) {
		CHECK(!kzmq_queue_low(&q));
		pop(&q, 0);
	}
	CHECK(kzmq_queue_low(&q));	/* 35 is a multiple of 5 */
	CHECK_EQ(q.acked, 35);
	CHECK(kzmq_queue_full(&q));
	while (!kzmq_queue_empty(&q))
		pop(&q, 0);
	CHECK(!kzmq_queue_full(&q));
	kzmq_queue_set_hwm(&q, 0);
	push(&q, 0);
	CHECK(!kzmq_queue_full(&q));
	pop(&q, 0);
	kzmq_queue_free(&q);
}

static void queue_set_hwm__largest(void)
{
	struct kzmq_queue q;

	kzmq_queue_init(&q, U32_MAX, U64_MAX);
	CHECK_EQ(q.lwm, 1u << 31);
	push(&q, 1);
	CHECK(!kzmq_queue_full(&q));
	pop(&q, 1);
	kzmq_queue_free(&q);
}

/* An item that stands for many: taken in pieces or one by one, all the same. */
static void queue_consume__many_as_one_by_one(void)
{
	struct kzmq_queue a, b;
	u32 hwm, left, n, i;

	for (hwm = 0; hwm < 40; hwm++) {
		kzmq_queue_init(&a, hwm, 300);
		kzmq_queue_init(&b, hwm, 300);
		for (i = 0; i < 50; i++) {
			left = 1 + tap_rand() % 100;
			push(&a, left * 5);
			kzmq_queue_stands_for(&a, left - 1);
			push(&b, left * 5);
			kzmq_queue_stands_for(&b, left - 1);
			while (left > 1) {
				n = 1 + tap_rand() % (left - 1);
				left -= n;
				kzmq_queue_consume(&a, n, n * 5);
				while (n--)
					kzmq_queue_consume(&b, 1, 5);
				CHECK_EQ(a.acked, b.acked);
				CHECK_EQ(a.to_ack, b.to_ack);
				CHECK_EQ(a.bytes, b.bytes);
				CHECK_EQ(kzmq_queue_full(&a),
					 kzmq_queue_full(&b));
			}
			kzmq_queue_drop_head(&a, 5);
			kzmq_queue_drop_head(&b, 5);
			CHECK(kzmq_queue_empty(&a));
			CHECK_EQ(a.acked, b.acked);
		}
		kzmq_queue_free(&a);
		kzmq_queue_free(&b);
	}
}

static void queue_reserve__then_push_cannot_fail(void)
{
	struct kzmq_queue q;
	int fill, take;

	for (fill = 0; fill < 300; fill++) {
		for (take = 0; take <= fill; take += 1 + fill / 7) {
			kzmq_queue_init(&q, 0, 0);
			while (q.written < (u64)fill)
				push(&q, 0);
			CHECK_EQ(kzmq_queue_reserve(&q, GFP_ATOMIC), 0);
			/* the reader comes in between */
			while (q.read < (u64)take)
				pop(&q, 0);
			tap_alloc_left = 0;
			push(&q, 0);
			tap_alloc_left = -1;
			while (!kzmq_queue_empty(&q))
				pop(&q, 0);
			kzmq_queue_free(&q);
			CHECK_EQ(tap_live, 0);
		}
	}
}

static void queue_reserve__no_memory(void)
{
	struct kzmq_queue q;

	kzmq_queue_init(&q, 0, 0);
	tap_alloc_left = 0;
	CHECK_EQ(kzmq_queue_reserve(&q, GFP_ATOMIC), -ENOMEM);
	tap_alloc_left = -1;
	CHECK_EQ(tap_live, 0);
	while (!q.tail || q.wpos < q.tail->size)
		push(&q, 0);
	tap_alloc_left = 0;
	CHECK_EQ(kzmq_queue_reserve(&q, GFP_ATOMIC), -ENOMEM);
	tap_alloc_left = -1;
	push(&q, 0);
	kzmq_queue_free(&q);
	CHECK_EQ(tap_live, 0);
}

int main(void)
{
	RUN(queue__never_used_holds_nothing);
	RUN(queue__fifo_all_fillings);
	RUN(queue__random_against_counters);
	RUN(queue__steady_state_allocates_nothing);
	RUN(queue__empty_keeps_one_chunk);
	RUN(queue__no_memory);
	RUN(queue_reserve__then_push_cannot_fail);
	RUN(queue_reserve__no_memory);
	RUN(queue_full__against_formula);
	RUN(queue_full__stays_until_half);
	RUN(queue_full__no_limits);
	RUN(queue_full__bytes);
	RUN(queue_low__no_lost_wakeup);
	RUN(queue_set_hwm__with_items);
	RUN(queue_set_hwm__largest);
	RUN(queue_consume__many_as_one_by_one);
	return tap_done();
}
