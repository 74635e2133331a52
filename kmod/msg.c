// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: whole, counted, and paid for.
 *
 * A short frame lies inline, so that a message of one short frame is one slab
 * object; a long one is a list of page references: our own pages when a user
 * wrote them, the network's when a peer did. Every octet is charged to the
 * namespace before it is allocated.
 *
 * Locks: none. A message belongs to its maker until it is queued and is never
 * changed afterwards.
 * Contexts: any; @gfp says what may sleep. Freeing never sleeps.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "msg.h"
#include "netns.h"

/* Place for one more short frame: the delimiter of REQ, as a rule */
#define FRAME_MORE	(sizeof(struct kzmq_frame) + sizeof(void *))

static struct kmem_cache *small_cache, *pack_cache, *mid_cache;

atomic_long_t kzmq_mem_all = ATOMIC_LONG_INIT(0);
unsigned long kzmq_mem_most;

/* A cache with a constructor is not zeroed at each allocation. */
static void cache_ctor(void *p)
{
}

static struct kmem_cache *cache_make(const char *name, size_t size, size_t off)
{
	return kmem_cache_create_usercopy(name, size, 0, SLAB_HWCACHE_ALIGN,
					  off, size - off, cache_ctor);
}

/**
 * kzmq_msg_cache_init - make the caches of messages
 *
 * Return: 0 or -ENOMEM.
 */
int kzmq_msg_cache_init(void)
{
	const size_t off = offsetof(struct kzmq_msg, body);

	BUILD_BUG_ON(sizeof(struct kzmq_frame) > offsetof(struct kzmq_msg, body));
	kzmq_mem_most = totalram_pages() / 4 * 3 << PAGE_SHIFT;
	small_cache = cache_make("kzmq_msg",
				 sizeof(struct kzmq_msg) + KZMQ_MSG_SMALL, off);
	pack_cache = cache_make("kzmq_pack", KZMQ_PACK_SIZE, off);
	mid_cache = cache_make("kzmq_msg_mid", KZMQ_MSG_MID,
			       sizeof(struct kzmq_frame));
	if (small_cache && pack_cache && mid_cache)
		return 0;
	kzmq_msg_cache_exit();
	return -ENOMEM;
}

/**
 * kzmq_msg_cache_exit - drop the caches; they must be empty
 */
void kzmq_msg_cache_exit(void)
{
	kmem_cache_destroy(small_cache);
	kmem_cache_destroy(pack_cache);
	kmem_cache_destroy(mid_cache);
}

/**
 * kzmq_mem_charge - the bound on what peers and users can make us hold
 * @zn: the namespace
 * @n:  octets
 *
 * There is a ceiling for each namespace and one for all together, or many of
 * them would hold what one may not.
 *
 * Context: any.
 * Return: 0 or -ENOBUFS.
 */
int kzmq_mem_charge(struct kzmq_net *zn, unsigned long n)
{
	unsigned long now = atomic_long_add_return(n, &zn->mem);
	unsigned long all = atomic_long_add_return(n, &kzmq_mem_all);

	if (likely(now <= READ_ONCE(zn->lim.mem_max) && all <= kzmq_mem_most))
		return 0;
	kzmq_mem_uncharge(zn, n);
	KZMQ_INC(zn, MEM_CEILING);
	return -ENOBUFS;
}

static void mem_force(struct kzmq_net *zn, unsigned long n)
{
	atomic_long_add(n, &zn->mem);
	atomic_long_add(n, &kzmq_mem_all);
}

/**
 * kzmq_msg_charge - a message is about to grow
 * @msg: the message, still private
 * @n:   octets
 *
 * Context: any.
 * Return: 0 or -ENOBUFS.
 */
int kzmq_msg_charge(struct kzmq_msg *msg, unsigned long n)
{
	int err = 0;

	if (unlikely(msg->sealed))
		mem_force(msg->zn, n);
	else
		err = kzmq_mem_charge(msg->zn, n);
	if (!err)
		msg->mem += n;
	return err;
}

/**
 * kzmq_msg_uncharge - a message has not grown, or is smaller now
 * @msg: the message, still private
 * @n:   octets
 *
 * Context: any.
 */
void kzmq_msg_uncharge(struct kzmq_msg *msg, unsigned long n)
{
	kzmq_mem_uncharge(msg->zn, n);
	msg->mem -= n;
}

static struct kzmq_msg *msg_init(struct kzmq_net *zn, struct kzmq_msg *msg,
				 size_t size, enum kzmq_msg_cache cache)
{
	if (unlikely(!msg)) {
		kzmq_mem_uncharge(zn, size);
		KZMQ_INC(zn, NO_MEMORY);
		return ERR_PTR(-ENOMEM);
	}
	memset(msg, 0, sizeof(*msg));
	refcount_set(&msg->ref, 1);
	msg->cache = cache;
	msg->zn = zn;
	msg->mem = size;
	msg->room = size - sizeof(*msg);
	return msg;
}

/* kmalloc() would give so much, and clear it where pages are not. */
static bool size_is_mid(size_t size)
{
	return size > KZMQ_MSG_MID / 2 && size <= KZMQ_MSG_MID;
}

/**
 * kzmq_msg_alloc - an empty message
 * @zn:   who is charged
 * @room: octets the first frame will have when it is short, else 0
 * @gfp:  how to allocate
 *
 * Return: the message with one reference, or ERR_PTR(-ENOMEM, -ENOBUFS).
 */
struct kzmq_msg *kzmq_msg_alloc(struct kzmq_net *zn, u32 room, gfp_t gfp)
{
	bool small = room <= KZMQ_MSG_SMALL;
	size_t size = sizeof(struct kzmq_msg) + (small ? KZMQ_MSG_SMALL : room);
	int err;

	BUILD_BUG_ON(sizeof(struct kzmq_msg) + KZMQ_INLINE_MAX > KZMQ_MSG_MID);
	if (!small)
		size = min_t(size_t, KZMQ_MSG_MID,
			     ALIGN(size, sizeof(void *)) + FRAME_MORE);
	if (size_is_mid(size))
		size = KZMQ_MSG_MID;
	err = kzmq_mem_charge(zn, size);
	if (unlikely(err))
		return ERR_PTR(err);
	if (small)
		return msg_init(zn, kmem_cache_alloc(small_cache, gfp), size,
				KZMQ_FROM_SMALL);
	if (size == KZMQ_MSG_MID)
		return msg_init(zn, kmem_cache_alloc(mid_cache, gfp), size,
				KZMQ_FROM_MID);
	return msg_init(zn, kmalloc(size, gfp), size, KZMQ_FROM_KMALLOC);
}

/**
 * kzmq_msg_alloc_sealed - an empty message for sealed frames
 * @zn:  who is charged
 * @gfp: how to allocate
 *
 * It is counted, but the ceiling does not refuse it: it is on its way out, and
 * a connection has one.
 *
 * Return: the message with one reference, or ERR_PTR(-ENOMEM).
 */
struct kzmq_msg *kzmq_msg_alloc_sealed(struct kzmq_net *zn, gfp_t gfp)
{
	size_t size = sizeof(struct kzmq_msg) + KZMQ_MSG_SMALL;
	struct kzmq_msg *msg;

	mem_force(zn, size);
	msg = msg_init(zn, kmem_cache_alloc(small_cache, gfp), size,
		       KZMQ_FROM_SMALL);
	if (!IS_ERR(msg))
		msg->sealed = 1;
	return msg;
}

/**
 * kzmq_pack_alloc - an empty pack
 * @zn:  who is charged
 * @gfp: how to allocate
 *
 * Return: the pack with one reference, or ERR_PTR(-ENOMEM, -ENOBUFS).
 */
struct kzmq_msg *kzmq_pack_alloc(struct kzmq_net *zn, gfp_t gfp)
{
	struct kzmq_msg *pack;
	int err;

	err = kzmq_mem_charge(zn, KZMQ_PACK_SIZE);
	if (err)
		return ERR_PTR(err);
	pack = msg_init(zn, kmem_cache_alloc(pack_cache, gfp), KZMQ_PACK_SIZE,
			KZMQ_FROM_PACK);
	if (!IS_ERR(pack))
		pack->pack = 1;
	return pack;
}

static bool frame_is_carved(const struct kzmq_msg *msg,
			    const struct kzmq_frame *f)
{
	const u8 *p = (const u8 *)f;

	return f == &msg->f0 || (p >= msg->body && p < msg->body + msg->room);
}

static void frame_free(struct kzmq_frame *f)
{
	if (f->mid)
		kmem_cache_free(mid_cache, f);
	else
		kfree(f);
}

static void frame_free_body(struct kzmq_frame *f)
{
	struct kzmq_bvs *b = f->bvs, *next;
	u32 i;

	for (; b; b = next) {
		next = b->next;
		for (i = 0; i < b->nr; i++)
			put_page(b->bv[i].bv_page);
		kfree(b);
	}
}

/**
 * kzmq_msg_free - the last reference is gone
 * @msg: the message
 *
 * Context: any.
 */
void kzmq_msg_free(struct kzmq_msg *msg)
{
	struct kzmq_frame *f = msg->first, *next;

	for (; f; f = next) {
		next = f->next;
		if (f->bvs)
			frame_free_body(f);
		if (msg->secret && f->data)
			memzero_explicit(f->data, f->len);
		if (!frame_is_carved(msg, f))
			frame_free(f);
	}
	kzmq_mem_uncharge(msg->zn, msg->mem);
	if (msg->cache == KZMQ_FROM_SMALL)
		kmem_cache_free(small_cache, msg);
	else if (msg->cache == KZMQ_FROM_PACK)
		kmem_cache_free(pack_cache, msg);
	else if (msg->cache == KZMQ_FROM_MID)
		kmem_cache_free(mid_cache, msg);
	else
		kfree(msg);
}

/* A frame that no message counts yet; @inl octets of body beside it. */
static struct kzmq_frame *frame_alloc(struct kzmq_msg *msg, u32 inl, gfp_t gfp)
{
	size_t size = sizeof(struct kzmq_frame) + inl;
	bool mid = size_is_mid(size);
	struct kzmq_frame *f;
	int err;

	if (mid)
		size = KZMQ_MSG_MID;
	err = kzmq_msg_charge(msg, size);
	if (err)
		return ERR_PTR(err);
	f = mid ? kmem_cache_alloc(mid_cache, gfp) : kmalloc(size, gfp);
	if (!f) {
		kzmq_msg_uncharge(msg, size);
		KZMQ_INC(msg->zn, NO_MEMORY);
		return ERR_PTR(-ENOMEM);
	}
	memset(f, 0, sizeof(*f));
	f->data = (u8 *)(f + 1);
	f->room = inl;
	f->mid = mid;
	return f;
}

/* A frame inside the message's own memory, if there is place. */
static struct kzmq_frame *frame_carve(struct kzmq_msg *msg, u32 inl)
{
	u32 need = ALIGN(inl, sizeof(void *));
	struct kzmq_frame *f = &msg->f0;
	u32 at = msg->used;

	if (msg->f0_used) {
		f = (struct kzmq_frame *)(msg->body + at);
		at += sizeof(*f);
	}
	if (at + inl > msg->room)
		return NULL;
	msg->used = min_t(u32, at + need, msg->room);
	msg->f0_used = 1;
	memset(f, 0, sizeof(*f));
	f->data = msg->body + at;
	f->room = inl;
	return f;
}

static struct kzmq_frame *frame_new(struct kzmq_msg *msg, u64 size, gfp_t gfp)
{
	u32 inl = size <= KZMQ_INLINE_MAX ? size : 0;
	struct kzmq_frame *f = frame_carve(msg, inl);

	if (!f)
		f = frame_alloc(msg, inl, gfp);
	if (!IS_ERR(f) && size > KZMQ_INLINE_MAX)
		f->data = NULL;
	return f;
}

static void frame_link(struct kzmq_msg *msg, struct kzmq_frame *f)
{
	if (msg->last)
		msg->last->next = f;
	else
		msg->first = f;
	msg->last = f;
	msg->nr++;
}

/**
 * kzmq_pack_add - append a message of one short frame
 * @pack: the pack, still private
 * @p:    the frame's octets
 * @n:    how many
 *
 * Context: any.
 * Return: false when there is no place.
 */
bool kzmq_pack_add(struct kzmq_msg *pack, const u8 *p, u32 n)
{
	struct kzmq_frame *f = frame_carve(pack, n);

	if (!f)
		return false;
	memcpy(f->data, p, n);
	f->len = n;
	pack->len += n;
	frame_link(pack, f);
	return true;
}

/**
 * kzmq_frame_add - append an empty frame
 * @msg:  the message, still private
 * @size: octets the body will have; decides where it lives
 * @gfp:  how to allocate
 *
 * Memory for a long body is not taken here but as octets arrive.
 *
 * Return: the frame, or ERR_PTR(-ENOMEM, -ENOBUFS).
 */
struct kzmq_frame *kzmq_frame_add(struct kzmq_msg *msg, u64 size, gfp_t gfp)
{
	struct kzmq_frame *f = frame_new(msg, size, gfp);

	if (!IS_ERR(f))
		frame_link(msg, f);
	return f;
}

/* What a piece of a body was charged */
static u64 bv_cost(const struct bio_vec *bv)
{
	return page_size(compound_head(bv->bv_page));
}

/**
 * kzmq_msg_make - a message of one frame with a given body
 * @zn:   who is charged
 * @body: the octets
 * @n:    how many
 * @gfp:  how to allocate
 *
 * Return: the message or ERR_PTR(-ENOMEM, -ENOBUFS).
 */
struct kzmq_msg *kzmq_msg_make(struct kzmq_net *zn, const void *body, size_t n,
			       gfp_t gfp)
{
	u32 room = n <= KZMQ_INLINE_MAX ? n : 0;
	struct kzmq_msg *msg = kzmq_msg_alloc(zn, room, gfp);
	struct kzmq_frame *f;
	int err;

	if (IS_ERR(msg))
		return msg;
	f = kzmq_frame_add(msg, n, gfp);
	err = IS_ERR(f) ? PTR_ERR(f) : kzmq_frame_copy(msg, f, body, n, gfp);
	if (err) {
		kzmq_msg_put(msg);
		return ERR_PTR(err);
	}
	return msg;
}

static void msg_push_front(struct kzmq_msg *msg, struct kzmq_frame *f)
{
	f->next = msg->first;
	msg->first = f;
	if (!msg->last)
		msg->last = f;
	msg->nr++;
}

/**
 * kzmq_msg_prepend - put a short frame before all others
 * @msg:  the message, still private
 * @body: the octets
 * @n:    how many, at most KZMQ_INLINE_MAX
 * @gfp:  how to allocate
 *
 * Return: 0, -ENOMEM or -ENOBUFS.
 */
int kzmq_msg_prepend(struct kzmq_msg *msg, const void *body, u32 n, gfp_t gfp)
{
	struct kzmq_frame *f = frame_new(msg, n, gfp);

	if (IS_ERR(f))
		return PTR_ERR(f);
	/* It was made for so many octets. */
	kzmq_frame_copy(msg, f, body, n, gfp);
	msg_push_front(msg, f);
	return 0;
}

/**
 * kzmq_msg_prepend_clone - put copies of another message's frames in front
 * @msg:  the message, still private
 * @from: first of the frames
 * @nr:   how many
 * @gfp:  how to allocate
 *
 * Long bodies are shared by page references.
 *
 * Return: 0, -ENOMEM or -ENOBUFS.
 */
int kzmq_msg_prepend_clone(struct kzmq_msg *msg, const struct kzmq_frame *from,
			   u32 nr, gfp_t gfp)
{
	struct kzmq_frame *rest = msg->first, *rest_last = msg->last, *f;
	int err = 0;
	u32 i;

	msg->first = NULL;
	msg->last = NULL;
	for (i = 0; i < nr && from && !err; i++, from = from->next) {
		f = kzmq_frame_add(msg, from->len, gfp);
		err = IS_ERR(f) ? PTR_ERR(f) :
				  kzmq_frame_clone(msg, f, from, gfp);
	}
	if (!msg->last) {
		msg->first = rest;
		msg->last = rest_last;
	} else if (rest) {
		msg->last->next = rest;
		msg->last = rest_last;
	}
	return err;
}

static void frame_drop(struct kzmq_msg *msg, struct kzmq_frame *f)
{
	const struct kzmq_bvs *b;
	u64 mem = 0;
	u32 i;

	msg->nr--;
	msg->len -= f->len;
	/* The small rest of what it was charged goes with the message. */
	for (b = f->bvs; b; b = b->next)
		for (i = 0; i < b->nr; i++)
			mem += bv_cost(&b->bv[i]);
	kzmq_msg_uncharge(msg, mem);
	if (f->bvs)
		frame_free_body(f);
	if (!frame_is_carved(msg, f))
		frame_free(f);
}

/**
 * kzmq_msg_drop_first - take away the first frame
 * @msg: the message, still private, not empty
 *
 * Context: any.
 */
void kzmq_msg_drop_first(struct kzmq_msg *msg)
{
	struct kzmq_frame *f = msg->first;

	msg->first = f->next;
	if (!msg->first)
		msg->last = NULL;
	frame_drop(msg, f);
}

/**
 * kzmq_msg_drop_last - take away the last frame
 * @msg: the message, still private, of two frames or more
 *
 * Context: any.
 */
void kzmq_msg_drop_last(struct kzmq_msg *msg)
{
	struct kzmq_frame *f = msg->last, *prev = msg->first;

	while (prev->next != f)
		prev = prev->next;
	prev->next = NULL;
	msg->last = prev;
	frame_drop(msg, f);
}
