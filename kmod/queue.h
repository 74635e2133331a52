/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bounded queue of pointers with libzmq's water marks.
 *
 * A queue that counts @hwm unacknowledged items is full, and items are
 * acknowledged only in steps of @lwm = (hwm + 1) / 2: a full queue stays full
 * until about half of it was read. Running empty acknowledges all.
 *
 * Items stand in chunks, so a queue without a limit needs no memory up front.
 * No locks: the caller holds one.
 */
#ifndef KZMQ_QUEUE_H
#define KZMQ_QUEUE_H

#include "pure.h"

#define KZMQ_QCHUNK_FIRST	10	/* pointers: a 96 octet object */
#define KZMQ_QCHUNK_NEXT	62	/* pointers: a 512 octet object */

/**
 * struct kzmq_qchunk - part of a queue
 * @next: the following one
 * @size: pointers in @item
 * @item: the pointers
 */
struct kzmq_qchunk {
	struct kzmq_qchunk *next;
	u32 size;
	void *item[];
};

/**
 * struct kzmq_queue - the queue; all zero is an empty one without limits
 * @head:     chunk read from, NULL in a queue never used
 * @tail:     chunk written to
 * @spare:    one empty chunk kept while the queue is in use, or NULL
 * @rpos:     next to read in @head
 * @wpos:     next to write in @tail
 * @low:      the last kzmq_queue_drop_head() made room, see kzmq_queue_low()
 * @written:  items ever pushed
 * @read:     items ever dropped
 * @acked:    value of @read at the last acknowledgment
 * @hwm:      high-water mark in items, 0 for none
 * @lwm:      step of acknowledgment, (hwm + 1) / 2
 * @to_ack:   items to read until @read is a multiple of @lwm
 * @bytes:    octets of the items inside, as their owners told
 * @byte_max: limit of @bytes, 0 for none; an empty queue takes one item of
 *            any size
 */
struct kzmq_queue {
	struct kzmq_qchunk *head;
	struct kzmq_qchunk *tail;
	struct kzmq_qchunk *spare;
	u32 rpos;
	u32 wpos;
	bool low;
	u64 written;
	u64 read;
	u64 acked;
	u32 hwm;
	u32 lwm;
	u32 to_ack;
	u64 bytes;
	u64 byte_max;
};

void kzmq_queue_init(struct kzmq_queue *q, u32 hwm, u64 byte_max);
void kzmq_queue_set_hwm(struct kzmq_queue *q, u32 hwm);
int kzmq_queue_reserve(struct kzmq_queue *q, gfp_t gfp);
int kzmq_queue_push(struct kzmq_queue *q, void *item, u64 bytes, gfp_t gfp);
void kzmq_queue_consume(struct kzmq_queue *q, u32 n, u64 bytes);
void kzmq_queue_drop_head(struct kzmq_queue *q, u64 bytes);
void kzmq_queue_free(struct kzmq_queue *q);

/**
 * kzmq_queue_empty() - is there nothing to read?
 * @q: queue
 */
static inline bool kzmq_queue_empty(const struct kzmq_queue *q)
{
	return q->read == q->written;
}

/**
 * kzmq_queue_len() - items inside
 * @q: queue
 */
static inline u32 kzmq_queue_len(const struct kzmq_queue *q)
{
	return (u32)min_t(u64, q->written - q->read, U32_MAX);
}

/**
 * kzmq_queue_stands_for() - the item pushed last stands for several
 * @q: queue
 * @n: how many more than one; all but one of them are taken by
 *     kzmq_queue_consume(), the last by kzmq_queue_drop_head()
 */
static inline void kzmq_queue_stands_for(struct kzmq_queue *q, u32 n)
{
	q->written += n;
}

/**
 * kzmq_queue_peek() - the oldest item
 * @q: queue
 *
 * Return: the item, still inside, or NULL when empty.
 */
static inline void *kzmq_queue_peek(const struct kzmq_queue *q)
{
	return kzmq_queue_empty(q) ? NULL : q->head->item[q->rpos];
}

/**
 * kzmq_queue_full() - would a well-behaved writer wait?
 * @q: queue
 */
static inline bool kzmq_queue_full(const struct kzmq_queue *q)
{
	if (q->hwm && q->written - q->acked >= q->hwm)
		return true;
	return q->byte_max && q->bytes >= q->byte_max && !kzmq_queue_empty(q);
}

/**
 * kzmq_queue_low() - should a waiting writer be woken?
 * @q: queue
 *
 * True between the kzmq_queue_drop_head() that acknowledged items, or brought
 * the octets down to half their limit, and the next one. A writer that saw
 * kzmq_queue_full() is certain to get this while the reader goes on.
 */
static inline bool kzmq_queue_low(const struct kzmq_queue *q)
{
	return q->low;
}

#endif /* KZMQ_QUEUE_H */
