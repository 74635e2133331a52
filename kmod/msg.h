/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_MSG_H
#define KZMQ_MSG_H

#include <linux/bvec.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "netns.h"

struct iov_iter;
struct kzmq_sock;

/* Bodies up to here live beside the frame; beyond, in pages. */
#define KZMQ_INLINE_MAX		1920
/*
 * Messages with so much room, packs, and what kmalloc() would round up to
 * KZMQ_MSG_MID come from caches of their own.
 */
#define KZMQ_MSG_SMALL		128
#define KZMQ_PACK_SIZE		4096	/* octets of memory */

#define KZMQ_MSG_MID		2048	/* octets of memory */

enum kzmq_msg_cache {
	KZMQ_FROM_KMALLOC,
	KZMQ_FROM_SMALL,
	KZMQ_FROM_PACK,
	KZMQ_FROM_MID,
};

/**
 * struct kzmq_bvs - a piece of the list of pages that hold a body
 * @next: further pieces
 * @nr:   used entries
 * @max:  entries there is room for
 * @bv:   pages, each with a reference of ours
 */
struct kzmq_bvs {
	struct kzmq_bvs		*next;
	u32			nr;
	u32			max;
	struct bio_vec		bv[];
};

/**
 * struct kzmq_frame - one frame of a message
 * @next: following frame, NULL for the last
 * @data: the body when it is inline, else NULL
 * @bvs:  the body when it is in pages, else NULL
 * @tail: last piece of @bvs
 * @len:  octets of the body so far
 * @room: octets @data has room for; with @bvs: octets free in a last page
 *        which is ours to fill
 * @mid:  the frame's own memory is of KZMQ_MSG_MID octets
 */
struct kzmq_frame {
	struct kzmq_frame	*next;
	u8			*data;
	struct kzmq_bvs		*bvs;
	struct kzmq_bvs		*tail;
	u32			len;
	u32			room:31;
	u32			mid:1;
};

/* What a message is, for those who encode or count it */
enum kzmq_msg_kind {
	KZMQ_MSG_DATA,
	KZMQ_MSG_SUBSCRIBE,	/* body: 1, topic */
	KZMQ_MSG_CANCEL,	/* body: 0, topic */
};

/**
 * struct kzmq_msg - a whole message, the unit of queueing
 * @ref:     shared by all queues it stands in and by readers
 * @kind:    enum kzmq_msg_kind
 * @cache:   enum kzmq_msg_cache
 * @pack:    each frame is a message of its own: what a peer sent in one piece
 *           is queued in one piece
 * @closing: STREAM only: close the connection behind this message
 * @prepared: the pattern has added its frames
 * @secret:  nothing of its short bodies is left behind in freed memory
 * @sealed:  each frame is a MESSAGE of CURVE, ready for one peer's wire
 * @cookie:  REP: of which request
 * @nr:      frames
 * @len:     octets of all bodies
 * @mem:     octets of memory, counted in @zn
 * @zn:      namespace that is charged; outlives the message because the
 *           sockets whose queues hold it do
 * @first:   frames in order
 * @last:    where the next is appended
 * @next:    in a list of its maker's, before it is queued
 * @f0:      place of the first frame made
 * @f0_used: @f0 is taken
 * @room:    octets of @body
 * @used:    octets of @body in use
 * @body:    short bodies, and further frames while there is place
 *
 * Written by its maker alone; from the moment it stands in a queue it does not
 * change any more.
 */
struct kzmq_msg {
	refcount_t		ref;
	u8			kind;
	u8			cache:2;
	u8			pack:1;
	u8			closing:1;
	u8			f0_used:1;
	u8			prepared:1;
	u8			secret:1;
	u8			sealed:1;
	u16			room;
	u16			used;
	u32			cookie;
	u32			nr;
	u64			len;
	u64			mem;
	struct kzmq_net		*zn;
	struct kzmq_frame	*first;
	struct kzmq_frame	*last;
	struct kzmq_msg		*next;
	struct kzmq_frame	f0;
	u8			body[];
};

/* Memory of all namespaces, and the most it may be */
extern atomic_long_t kzmq_mem_all;
extern unsigned long kzmq_mem_most;

int kzmq_mem_charge(struct kzmq_net *zn, unsigned long n);

/**
 * kzmq_mem_uncharge - memory was given back
 * @zn: the namespace
 * @n:  octets
 *
 * Context: any.
 */
static inline void kzmq_mem_uncharge(struct kzmq_net *zn, long n)
{
	atomic_long_sub(n, &zn->mem);
	atomic_long_sub(n, &kzmq_mem_all);
}

int kzmq_msg_cache_init(void);
void kzmq_msg_cache_exit(void);

struct kzmq_msg *kzmq_pack_alloc(struct kzmq_net *zn, gfp_t gfp);
bool kzmq_pack_add(struct kzmq_msg *pack, const u8 *p, u32 n);
struct kzmq_msg *kzmq_msg_alloc(struct kzmq_net *zn, u32 room, gfp_t gfp);
struct kzmq_msg *kzmq_msg_alloc_sealed(struct kzmq_net *zn, gfp_t gfp);
void kzmq_msg_free(struct kzmq_msg *msg);

static inline struct kzmq_msg *kzmq_msg_get(struct kzmq_msg *msg)
{
	refcount_inc(&msg->ref);
	return msg;
}

static inline void kzmq_msg_put(struct kzmq_msg *msg)
{
	if (msg && refcount_dec_and_test(&msg->ref))
		kzmq_msg_free(msg);
}

int kzmq_msg_charge(struct kzmq_msg *msg, unsigned long n);
void kzmq_msg_uncharge(struct kzmq_msg *msg, unsigned long n);
struct kzmq_frame *kzmq_frame_add(struct kzmq_msg *msg, u64 size, gfp_t gfp);
int kzmq_frame_copy(struct kzmq_msg *msg, struct kzmq_frame *f, const u8 *p,
		    size_t n, gfp_t gfp);
int kzmq_frame_ref(struct kzmq_msg *msg, struct kzmq_frame *f,
		   struct page *page, u32 off, u32 n, gfp_t gfp);
int kzmq_frame_clone(struct kzmq_msg *msg, struct kzmq_frame *f,
		     const struct kzmq_frame *from, gfp_t gfp);
struct kzmq_msg *kzmq_msg_make(struct kzmq_net *zn, const void *body, size_t n,
			       gfp_t gfp);
int kzmq_msg_prepend(struct kzmq_msg *msg, const void *body, u32 n, gfp_t gfp);
void kzmq_msg_drop_first(struct kzmq_msg *msg);
void kzmq_msg_drop_last(struct kzmq_msg *msg);
int kzmq_msg_prepend_clone(struct kzmq_msg *msg, const struct kzmq_frame *from,
			   u32 nr, gfp_t gfp);
size_t kzmq_frame_peek(const struct kzmq_frame *f, void *out, size_t n);

int kzmq_frame_from_iter(struct kzmq_msg *msg, struct kzmq_frame *f, u64 n,
			 struct iov_iter *from);
int kzmq_frame_to_iter(const struct kzmq_frame *f, u64 n, struct iov_iter *to);

#endif /* KZMQ_MSG_H */
