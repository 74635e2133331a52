// SPDX-License-Identifier: GPL-2.0
/*
 * Bounded queue of pointers. The rules are described in queue.h.
 */
#include "queue.h"

/**
 * kzmq_queue_init() - make an empty queue
 * @q:        queue
 * @hwm:      high-water mark in items, 0 for none
 * @byte_max: limit of octets inside, 0 for none
 */
void kzmq_queue_init(struct kzmq_queue *q, u32 hwm, u64 byte_max)
{
	memset(q, 0, sizeof(*q));
	q->byte_max = byte_max;
	kzmq_queue_set_hwm(q, hwm);
}

static u32 queue_mod(u64 n, u32 by)
{
	u32 rem;

	div_u64_rem(n, by, &rem);
	return rem;
}

/**
 * kzmq_queue_set_hwm() - change the high-water mark
 * @q:   queue
 * @hwm: high-water mark in items, 0 for none
 *
 * Items inside stay. Whether there is room now is for the caller to look at.
 */
void kzmq_queue_set_hwm(struct kzmq_queue *q, u32 hwm)
{
	q->hwm = hwm;
	q->lwm = hwm / 2 + (hwm & 1);
	q->to_ack = hwm ? q->lwm - queue_mod(q->read, q->lwm) : 0;
}

static struct kzmq_qchunk *qchunk_new(u32 size, gfp_t gfp)
{
	struct kzmq_qchunk *c;

	c = kmalloc(sizeof(*c) + size * sizeof(c->item[0]), gfp);
	if (!c)
		return NULL;
	c->next = NULL;
	c->size = size;
	return c;
}

/* Make room for one pointer at the tail. */
static int queue_grow(struct kzmq_queue *q, gfp_t gfp)
{
	struct kzmq_qchunk *c = q->spare;

	if (c)
		q->spare = NULL;
	else if (q->tail)
		c = qchunk_new(KZMQ_QCHUNK_NEXT, gfp);
	else
		c = qchunk_new(KZMQ_QCHUNK_FIRST, gfp);
	if (!c)
		return -ENOMEM;
	if (q->tail)
		q->tail->next = c;
	else
		q->head = c;
	q->tail = c;
	q->wpos = 0;
	return 0;
}

/**
 * kzmq_queue_push() - add an item
 * @q:     queue
 * @item:  not NULL
 * @bytes: its octets; kzmq_queue_drop_head() has to be told the same
 * @gfp:   how to allocate
 *
 * Takes the item even if the queue is full.
 *
 * Return: 0 or -ENOMEM.
 */
int kzmq_queue_push(struct kzmq_queue *q, void *item, u64 bytes, gfp_t gfp)
{
	int err;

	if (unlikely(!q->tail || q->wpos == q->tail->size)) {
		err = queue_grow(q, gfp);
		if (err)
			return err;
	}
	q->tail->item[q->wpos++] = item;
	q->written++;
	q->bytes += bytes;
	return 0;
}

/**
 * kzmq_queue_reserve() - have the memory for the next kzmq_queue_push()
 * @q:   queue
 * @gfp: how to allocate
 *
 * Taking items meanwhile does no harm.
 *
 * Return: 0 or -ENOMEM.
 */
int kzmq_queue_reserve(struct kzmq_queue *q, gfp_t gfp)
{
	if (!q->tail)
		return queue_grow(q, gfp);
	if (q->wpos == q->tail->size && !q->spare) {
		q->spare = qchunk_new(KZMQ_QCHUNK_NEXT, gfp);
		if (!q->spare)
			return -ENOMEM;
	}
	return 0;
}

/* The head chunk was read to its end and is not the only one. */
static void queue_shift(struct kzmq_queue *q)
{
	struct kzmq_qchunk *c = q->head;

	q->head = c->next;
	q->rpos = 0;
	c->next = NULL;
	if (!q->spare && c->size == KZMQ_QCHUNK_NEXT)
		q->spare = c;
	else
		kfree(c);
}

/* Nothing is left: start over in the one chunk and keep no other. */
static void queue_ran_empty(struct kzmq_queue *q)
{
	q->rpos = 0;
	q->wpos = 0;
	kfree(q->spare);
	q->spare = NULL;
}

/* Acknowledge the @n read last if it is time to; says if that can make room. */
static bool queue_ack(struct kzmq_queue *q, u32 n)
{
	u64 was = q->acked;

	if (!q->hwm) {
		q->acked = q->read;
		return false;
	}
	while (n >= q->to_ack) {
		n -= q->to_ack;
		q->to_ack = q->lwm;
		q->acked = q->read - n;
	}
	q->to_ack -= n;
	if (kzmq_queue_empty(q))
		q->acked = q->read;
	return q->acked != was;
}

/**
 * kzmq_queue_drop_head() - remove the oldest item
 * @q:     queue, not empty
 * @bytes: what kzmq_queue_push() was told about it
 */
void kzmq_queue_drop_head(struct kzmq_queue *q, u64 bytes)
{
	q->rpos++;
	if (q->read + 1 == q->written)
		queue_ran_empty(q);
	else if (q->rpos == q->head->size)
		queue_shift(q);
	kzmq_queue_consume(q, 1, bytes);
}

/**
 * kzmq_queue_consume() - some that the oldest item stands for were read
 * @q:     queue, not empty
 * @n:     how many
 * @bytes: their octets
 */
void kzmq_queue_consume(struct kzmq_queue *q, u32 n, u64 bytes)
{
	u64 half = q->byte_max / 2;
	bool was_over = q->bytes > half;

	q->read += n;
	q->bytes -= min(bytes, q->bytes);
	q->low = queue_ack(q, n);
	if (q->byte_max && was_over && q->bytes <= half)
		q->low = true;
}

/**
 * kzmq_queue_free() - free the memory of a queue
 * @q: queue, empty; usable afterwards
 */
void kzmq_queue_free(struct kzmq_queue *q)
{
	struct kzmq_qchunk *c;

	while ((c = q->head)) {
		q->head = c->next;
		kfree(c);
	}
	kfree(q->spare);
	q->spare = NULL;
	q->tail = NULL;
	q->rpos = 0;
	q->wpos = 0;
}
