// SPDX-License-Identifier: GPL-2.0
/*
 * Bodies of frames: how they grow, and how they are read.
 *
 * A body that was announced to be short lies in the memory of its frame. A long
 * one is a list of tables of page references; at its end there may be room in a
 * page of our own.
 *
 * Locks: none, as in msg.c.
 * Contexts: any; @gfp says what may sleep.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "msg.h"
#include "netns.h"

#define BVS_FIRST	4
#define BVS_MOST	254	/* one page */

static int bvs_room(struct kzmq_msg *msg, struct kzmq_frame *f, gfp_t gfp)
{
	struct kzmq_bvs *b = f->tail;
	u32 max = BVS_FIRST;
	size_t size;
	int err;

	if (b && b->nr < b->max)
		return 0;
	if (b)
		max = min_t(u32, b->max * 4, BVS_MOST);
	size = struct_size(b, bv, max);
	err = kzmq_msg_charge(msg, size);
	if (err)
		return err;
	b = kmalloc(size, gfp);
	if (!b) {
		kzmq_msg_uncharge(msg, size);
		KZMQ_INC(msg->zn, NO_MEMORY);
		return -ENOMEM;
	}
	b->next = NULL;
	b->nr = 0;
	b->max = max;
	if (f->tail)
		f->tail->next = b;
	else
		f->bvs = b;
	f->tail = b;
	return 0;
}

static void frame_grew(struct kzmq_msg *msg, struct kzmq_frame *f, u32 n)
{
	f->len += n;
	msg->len += n;
}

/**
 * kzmq_frame_ref - append octets by a reference to their page
 * @msg:  the message, still private
 * @f:    its last frame, with a long body
 * @page: where they are; one reference is taken
 * @off:  offset in @page, may go beyond its first 4 KiB when it is compound
 * @n:    octets
 * @gfp:  how to allocate
 *
 * Return: 0, -ENOMEM or -ENOBUFS.
 */
int kzmq_frame_ref(struct kzmq_msg *msg, struct kzmq_frame *f,
		   struct page *page, u32 off, u32 n, gfp_t gfp)
{
	struct bio_vec *bv;
	int err;

	if (f->tail && f->tail->nr) {
		bv = &f->tail->bv[f->tail->nr - 1];
		if (bv->bv_page == page && bv->bv_offset + bv->bv_len == off) {
			bv->bv_len += n;
			f->room = 0;
			frame_grew(msg, f, n);
			return 0;
		}
	}
	err = bvs_room(msg, f, gfp);
	if (err)
		return err;
	/* All of a compound page is kept, whatever part is of use. */
	err = kzmq_msg_charge(msg, page_size(compound_head(page)));
	if (err)
		return err;
	get_page(page);
	bv = &f->tail->bv[f->tail->nr++];
	bv->bv_page = page;
	bv->bv_offset = off;
	bv->bv_len = n;
	f->room = 0;
	frame_grew(msg, f, n);
	return 0;
}

/* An own page of 2^@order at the end of the body, empty. */
static int frame_add_page(struct kzmq_msg *msg, struct kzmq_frame *f,
			  unsigned int order, gfp_t gfp)
{
	struct bio_vec *bv;
	struct page *page;
	int err;

	err = bvs_room(msg, f, gfp);
	if (err)
		return err;
	gfp |= __GFP_NOWARN;
	if (order)
		gfp |= __GFP_COMP | __GFP_NORETRY;
	page = alloc_pages(gfp, order);
	if (!page && order) {
		order = 0;
		gfp &= ~(__GFP_COMP | __GFP_NORETRY);
		page = alloc_pages(gfp, 0);
	}
	if (!page) {
		KZMQ_INC(msg->zn, NO_MEMORY);
		return -ENOMEM;
	}
	err = kzmq_msg_charge(msg, PAGE_SIZE << order);
	if (err) {
		__free_pages(page, order);
		return err;
	}
	bv = &f->tail->bv[f->tail->nr++];
	bv->bv_page = page;
	bv->bv_offset = 0;
	bv->bv_len = 0;
	f->room = PAGE_SIZE << order;
	return 0;
}

/* Where the next octets of a long body go; at least one octet of room. */
static u8 *frame_tail(struct kzmq_frame *f)
{
	struct bio_vec *bv = &f->tail->bv[f->tail->nr - 1];

	return (u8 *)page_address(bv->bv_page) + bv->bv_offset + bv->bv_len;
}

static void frame_advance(struct kzmq_msg *msg, struct kzmq_frame *f, u32 n)
{
	if (!f->data)
		f->tail->bv[f->tail->nr - 1].bv_len += n;
	f->room -= n;
	frame_grew(msg, f, n);
}

/**
 * kzmq_frame_copy - append octets by copying them
 * @msg: the message, still private
 * @f:   its last frame; a short body must have been announced long enough
 * @p:   the octets
 * @n:   how many
 * @gfp: how to allocate
 *
 * Return: 0, -ENOMEM or -ENOBUFS; what was copied before an error stays, and
 * @f->len tells how far.
 */
int kzmq_frame_copy(struct kzmq_msg *msg, struct kzmq_frame *f, const u8 *p,
		    size_t n, gfp_t gfp)
{
	size_t m;
	int err;

	if (f->data) {
		if (n > f->room)
			return -ENOBUFS;
		memcpy(f->data + f->len, p, n);
		frame_advance(msg, f, n);
		return 0;
	}
	while (n) {
		if (!f->room) {
			err = frame_add_page(msg, f, 0, gfp);
			if (err)
				return err;
		}
		m = min_t(size_t, n, f->room);
		memcpy(frame_tail(f), p, m);
		frame_advance(msg, f, m);
		p += m;
		n -= m;
	}
	return 0;
}

/**
 * kzmq_frame_from_iter - append octets from a user's buffers
 * @msg:  the message, still private
 * @f:    its last frame
 * @n:    octets; the frame was added for this size
 * @from: where they come from
 *
 * Context: process, may sleep.
 * Return: 0, -EFAULT, -ENOMEM or -ENOBUFS.
 */
int kzmq_frame_from_iter(struct kzmq_msg *msg, struct kzmq_frame *f, u64 n,
			 struct iov_iter *from)
{
	unsigned int order;
	size_t m;
	int err;

	if (f->data) {
		if (!copy_from_iter_full(f->data + f->len, n, from))
			return -EFAULT;
		frame_advance(msg, f, n);
		return 0;
	}
	while (n) {
		if (!f->room) {
			order = min_t(int, get_order(n), PAGE_ALLOC_COSTLY_ORDER);
			err = frame_add_page(msg, f, order, GFP_KERNEL_ACCOUNT);
			if (err)
				return err;
		}
		m = min_t(u64, n, f->room);
		if (!copy_from_iter_full(frame_tail(f), m, from))
			return -EFAULT;
		frame_advance(msg, f, m);
		n -= m;
		if (n && fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/**
 * kzmq_frame_to_iter - give the head of a frame to a user's buffers
 * @f:  the frame
 * @n:  octets, at most its length
 * @to: where they go
 *
 * Context: process, may sleep.
 * Return: 0 or -EFAULT.
 */
int kzmq_frame_to_iter(const struct kzmq_frame *f, u64 n, struct iov_iter *to)
{
	const struct kzmq_bvs *b;
	const struct bio_vec *bv;
	size_t m;
	u32 i;

	if (f->data)
		return copy_to_iter(f->data, n, to) == n ? 0 : -EFAULT;
	for (b = f->bvs; b && n; b = b->next) {
		for (i = 0; i < b->nr && n; i++) {
			bv = &b->bv[i];
			m = min_t(u64, n, bv->bv_len);
			/* In one go where copy_page_to_iter() cuts at pages */
			if (copy_to_iter((u8 *)page_address(bv->bv_page) +
					 bv->bv_offset, m, to) != m)
				return -EFAULT;
			n -= m;
		}
		cond_resched();
	}
	return 0;
}

/**
 * kzmq_frame_peek - copy the first octets of a frame
 * @f:   the frame
 * @out: where to
 * @n:   at most so many
 *
 * Context: any.
 * Return: octets copied.
 */
size_t kzmq_frame_peek(const struct kzmq_frame *f, void *out, size_t n)
{
	const struct kzmq_bvs *b;
	const struct bio_vec *bv;
	size_t done = 0, m;
	u32 i;

	n = min_t(size_t, n, f->len);
	if (f->data) {
		memcpy(out, f->data, n);
		return n;
	}
	for (b = f->bvs; b && done < n; b = b->next) {
		for (i = 0; i < b->nr && done < n; i++) {
			bv = &b->bv[i];
			m = min_t(size_t, n - done, bv->bv_len);
			memcpy(out + done,
			       page_address(bv->bv_page) + bv->bv_offset, m);
			done += m;
		}
	}
	return done;
}

/**
 * kzmq_frame_clone - append the body of another message's frame
 * @msg:  the message, still private
 * @f:    its last frame, added for this length
 * @from: the other frame; a long body is shared by page references
 * @gfp:  how to allocate
 *
 * Return: 0, -ENOMEM or -ENOBUFS.
 */
int kzmq_frame_clone(struct kzmq_msg *msg, struct kzmq_frame *f,
		     const struct kzmq_frame *from, gfp_t gfp)
{
	const struct kzmq_bvs *b;
	const struct bio_vec *bv;
	int err;
	u32 i;

	if (from->data)
		return kzmq_frame_copy(msg, f, from->data, from->len, gfp);
	for (b = from->bvs; b; b = b->next) {
		for (i = 0; i < b->nr; i++) {
			bv = &b->bv[i];
			err = kzmq_frame_ref(msg, f, bv->bv_page, bv->bv_offset,
					     bv->bv_len, gfp);
			if (err)
				return err;
		}
	}
	return 0;
}
