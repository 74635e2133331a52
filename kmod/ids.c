// SPDX-License-Identifier: GPL-2.0
/*
 * Routing ids: the peers of a ROUTER or STREAM socket by name.
 *
 * Locks: the table changes and is read under the pattern lock only, except for
 * init and destroy.
 */
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "msg.h"
#include "sock.h"

#define AUTO_LEN 5

static u32 rid_hash(const void *data, u32 len, u32 seed)
{
	const struct kzmq_rid *rid = data;

	return jhash(rid->id, rid->len, seed);
}

static u32 rid_obj_hash(const void *data, u32 len, u32 seed)
{
	const struct kzmq_pipe *pipe = data;

	return rid_hash(pipe->rid, len, seed);
}

static int rid_obj_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct kzmq_pipe *pipe = obj;
	const struct kzmq_rid *rid = arg->key;

	return rid->len != pipe->rid->len ||
	       memcmp(rid->id, pipe->rid->id, rid->len);
}

static const struct rhashtable_params ids_params = {
	.head_offset		= offsetof(struct kzmq_pipe, rid_node),
	.hashfn			= rid_hash,
	.obj_hashfn		= rid_obj_hash,
	.obj_cmpfn		= rid_obj_cmp,
	.automatic_shrinking	= true,
};

/**
 * kzmq_ids_init - an empty table
 * @zs: the socket
 *
 * Return: 0 or -ENOMEM.
 */
int kzmq_ids_init(struct kzmq_sock *zs)
{
	zs->router.next_id = get_random_u32();
	return rhashtable_init(&zs->router.ids, &ids_params);
}

/**
 * kzmq_ids_destroy - drop the empty table
 * @zs: the socket
 *
 * Context: process; may sleep.
 */
void kzmq_ids_destroy(struct kzmq_sock *zs)
{
	rhashtable_destroy(&zs->router.ids);
}

/**
 * kzmq_ids_find - a peer by its routing id
 * @zs:  the socket
 * @rid: the id
 *
 * Context: pattern lock held.
 * Return: a borrowed pipe or NULL.
 */
struct kzmq_pipe *kzmq_ids_find(struct kzmq_sock *zs,
				const struct kzmq_rid *rid)
{
	return rhashtable_lookup_fast(&zs->router.ids, rid, ids_params);
}

/**
 * kzmq_ids_find_frame - the peer a frame names
 * @zs: the socket
 * @f:  the first frame of a message
 *
 * Context: pattern lock held.
 * Return: a borrowed pipe or NULL.
 */
struct kzmq_pipe *kzmq_ids_find_frame(struct kzmq_sock *zs,
				      const struct kzmq_frame *f)
{
	struct kzmq_rid rid;

	if (!f->len || f->len > KZMQ_RID_MAX)
		return NULL;
	rid.len = kzmq_frame_peek(f, rid.id, KZMQ_RID_MAX);
	return kzmq_ids_find(zs, &rid);
}

/**
 * kzmq_ids_add - give a pipe its routing id
 * @zs:   the socket
 * @pipe: a pipe without
 * @rid:  the id
 *
 * Context: pattern lock held.
 * Return: 0, -EEXIST when another peer has it, -ENOMEM.
 */
int kzmq_ids_add(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		 const struct kzmq_rid *rid)
{
	struct kzmq_rid *own, *old = pipe->rid;
	int err;

	own = kmemdup(rid, offsetof(struct kzmq_rid, id) + rid->len,
		      GFP_ATOMIC | __GFP_NOWARN);
	if (!own)
		return -ENOMEM;
	pipe->rid = own;
	err = rhashtable_lookup_insert_key(&zs->router.ids, rid,
					   &pipe->rid_node, ids_params);
	if (err) {
		pipe->rid = old;
		kfree(own);
		return err;
	}
	kfree(old);
	pipe->rid_hashed = true;
	return 0;
}

/**
 * kzmq_ids_add_auto - give a pipe a routing id of our choice
 * @zs:   the socket
 * @pipe: a pipe without
 *
 * Context: pattern lock held.
 * Return: 0 or -ENOMEM.
 */
int kzmq_ids_add_auto(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	struct kzmq_rid rid = { .len = AUTO_LEN };
	int err;

	do {
		rid.id[0] = 0;
		put_unaligned_be32(zs->router.next_id++, rid.id + 1);
		err = kzmq_ids_add(zs, pipe, &rid);
	} while (err == -EEXIST);
	return err;
}

/**
 * kzmq_ids_take_next - give a connecting pipe the id of CONNECT_ROUTING_ID
 * @zs:   the socket
 * @pipe: the pipe
 *
 * Context: pattern lock held.
 * Return: 1 when done, 0 when the option is not set, -EADDRINUSE when another
 * peer has this id, -ENOMEM.
 */
int kzmq_ids_take_next(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	struct kzmq_rid rid;
	int err;

	if (pipe->bound || !zs->router.next_len)
		return 0;
	rid.len = zs->router.next_len;
	memcpy(rid.id, zs->router.next_rid, rid.len);
	err = kzmq_ids_add(zs, pipe, &rid);
	zs->router.next_len = 0;
	if (err == -EEXIST)
		return -EADDRINUSE;
	return err ?: 1;
}

/**
 * kzmq_ids_remove - a pipe cannot be named any more
 * @zs:   the socket
 * @pipe: the pipe; it keeps its id for what it has sent
 *
 * Context: pattern lock held.
 */
void kzmq_ids_remove(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	if (!pipe->rid_hashed)
		return;
	rhashtable_remove_fast(&zs->router.ids, &pipe->rid_node, ids_params);
	pipe->rid_hashed = false;
}

/**
 * kzmq_ids_set_next - ZMQ_CONNECT_ROUTING_ID
 * @zs:  the socket
 * @val: the id
 * @len: its length
 *
 * Context: process, lock_sock() held.
 * Return: 0, -EINVAL or -EFAULT.
 */
int kzmq_ids_set_next(struct kzmq_sock *zs, sockptr_t val, unsigned int len)
{
	u8 id[KZMQ_RID_MAX];

	if (!len || len > KZMQ_RID_MAX)
		return -EINVAL;
	if (copy_from_sockptr(id, val, len))
		return -EFAULT;
	spin_lock_bh(&zs->plock);
	memcpy(zs->router.next_rid, id, len);
	zs->router.next_len = len;
	spin_unlock_bh(&zs->plock);
	return 0;
}

/* The pattern operations: the id goes first */

int kzmq_ids_in(struct kzmq_sock *zs, struct kzmq_in *in)
{
	int err = kzmq_fq_in(zs, in);

	in->rid = !err;
	return err;
}

int kzmq_ids_peek_in(struct kzmq_sock *zs, struct kzmq_in *in)
{
	int err = kzmq_fq_peek_in(zs, in);

	in->rid = !err;
	return err;
}
