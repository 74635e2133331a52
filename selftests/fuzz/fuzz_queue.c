// SPDX-License-Identifier: GPL-2.0
/*
 * The queue against a plain array and the rules in queue.h, applied to one item
 * after the other.
 *
 * Input: octets 0 and 1 are the high-water mark and the limit of octets, then
 * operations: three bits of what, five of how many.
 */
#include "fuzz.h"
#include "queue.h"

#define ITEMS_MAX	4096

static struct {
	u32 n, bytes;			/* it stands for n, each of so many octets */
} item[ITEMS_MAX];

static struct {
	u32 first, end;			/* in item[] */
	u64 written, read, acked, bytes;
	u32 hwm;
	u64 byte_max;
	bool low;
} is;

static void *pointer(u32 i)
{
	return &item[i];
}

static void op_push(struct kzmq_queue *q, u32 n, u32 bytes)
{
	if (is.end == ITEMS_MAX)
		return;
	item[is.end].n = n;
	item[is.end].bytes = bytes;
	MUST(!kzmq_queue_push(q, pointer(is.end), (u64)n * bytes, GFP_KERNEL));
	if (n > 1)
		kzmq_queue_stands_for(q, n - 1);
	is.end++;
	is.written += n;
	is.bytes += (u64)n * bytes;
}

static void read_some(u32 n, u64 bytes)
{
	u32 lwm = is.hwm / 2 + (is.hwm & 1);
	u64 was = is.acked, half = is.byte_max / 2;

	is.low = is.byte_max && is.bytes > half && is.bytes - bytes <= half;
	is.bytes -= bytes;
	while (n--)
		if (++is.read && (!is.hwm || is.read % lwm == 0))
			is.acked = is.read;
	if (is.read == is.written)
		is.acked = is.read;
	if (is.hwm && is.acked != was)
		is.low = true;
}

/* Read @n of what the oldest item stands for, at most all. */
static void op_read(struct kzmq_queue *q, u32 n)
{
	u32 i = is.first, left;
	u64 bytes;

	if (i == is.end || !n)
		return;
	left = item[i].n;
	n = n < left ? n : left - 1;
	bytes = (u64)n * item[i].bytes;
	if (n) {
		kzmq_queue_consume(q, n, bytes);
		item[i].n -= n;
		read_some(n, bytes);
	}
	if (item[i].n > 1)
		return;
	kzmq_queue_drop_head(q, item[i].bytes);
	is.first++;
	read_some(1, item[i].bytes);
}

static void compare(const struct kzmq_queue *q)
{
	bool empty = is.first == is.end;
	bool full = is.hwm && is.written - is.acked >= is.hwm;

	full |= is.byte_max && is.bytes >= is.byte_max && !empty;
	MUST(kzmq_queue_empty(q) == empty);
	MUST(kzmq_queue_peek(q) == (empty ? NULL : pointer(is.first)));
	MUST(kzmq_queue_len(q) == is.written - is.read);
	MUST(kzmq_queue_full(q) == full);
	MUST(q->bytes == is.bytes);
	MUST(q->acked == is.acked);
	MUST(kzmq_queue_low(q) == is.low);
}

static void operation(struct kzmq_queue *q, u8 op, u32 n)
{
	switch (op) {
	case 0:
	case 1:
		while (n--)
			op_push(q, 1, op ? n : 0);
		break;
	case 2:
		op_push(q, n + 1, 3);
		break;
	case 3:
	case 4:
		while (n--)
			op_read(q, 1);
		break;
	case 5:
		op_read(q, n);
		break;
	case 6:
		is.hwm = n;
		kzmq_queue_set_hwm(q, n);
		break;
	default:
		while (is.first != is.end)
			op_read(q, n + 1);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct kzmq_queue q;
	size_t i;

	if (len < 2)
		return 0;
	memset(&is, 0, sizeof(is));
	is.hwm = data[0];
	is.byte_max = data[1];
	kzmq_queue_init(&q, data[0], data[1]);
	for (i = 2; i < len; i++) {
		operation(&q, data[i] >> 5, data[i] & 31);
		compare(&q);
	}
	while (is.first != is.end)
		op_read(&q, 32);
	compare(&q);
	MUST(!q.spare);
	kzmq_queue_free(&q);
	return 0;
}
