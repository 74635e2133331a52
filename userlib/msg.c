// SPDX-License-Identifier: MPL-2.0
/*
 * Messages of the program: zmq_msg_t.
 *
 * Short ones are inside, longer ones in memory that copies share. A message
 * belongs to the thread that uses it; what it shares is counted atomically.
 *
 * No locks.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "zl.h"

static inline struct zl_msg *of(zmq_msg_t *msg)
{
	return (struct zl_msg *)msg;
}

/**
 * zl_content_new - memory for the octets of a message
 * @cap: how many
 *
 * Return: the memory with one reference, or NULL.
 */
struct zl_content *zl_content_new(size_t cap)
{
	struct zl_content *c;

	if (cap > PTRDIFF_MAX - sizeof(*c))
		return NULL;
	c = malloc(sizeof(*c) + cap);
	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	c->cap = cap;
	c->ffn = NULL;
	return c;
}

/**
 * zl_content_put - drop a reference
 * @c: the memory, or NULL
 */
void zl_content_put(struct zl_content *c)
{
	if (!c)
		return;
	/* mostly there is nobody else */
	if (atomic_load_explicit(&c->refs, memory_order_acquire) != 1 &&
	    atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (c->ffn)
		c->ffn(c->data, c->hint);
	free(c);
}

static struct zl_content *content_get(struct zl_content *c)
{
	if (c)
		atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

/**
 * zl_msg_clear - let go of all that a message has
 * @m: the message, which is empty then
 */
void zl_msg_clear(struct zl_msg *m)
{
	if (m->kind == ZL_MSG_LARGE)
		zl_content_put(m->c);
	if (ZL_UNLIKELY(m->flags & ZL_MSG_PROPS))
		zl_props_put(m->props);
	if (ZL_UNLIKELY(m->group))
		zl_content_put(m->group);
	zl_msg_init(m);
}

/**
 * zl_msg_take - give an empty message its octets
 * @m:   the message
 * @c:   memory with @len octets, which becomes the message's
 * @len: how many
 */
void zl_msg_take(struct zl_msg *m, struct zl_content *c, size_t len)
{
	m->kind = ZL_MSG_LARGE;
	m->c = c;
	m->data = c->room;
	m->size = len;
}

static int msg_room(struct zl_msg *m, size_t len)
{
	struct zl_content *c;

	zl_msg_init(m);
	if (len <= ZL_INLINE) {
		m->len = len;
		return 0;
	}
	c = zl_content_new(len);
	if (!c)
		return ENOMEM;
	zl_msg_take(m, c, len);
	return 0;
}

/**
 * zl_msg_set - make a message of some octets
 * @m:    no message yet, or an empty one
 * @data: the octets
 * @len:  how many
 *
 * Return: 0 or ENOMEM; the message is empty then.
 */
int zl_msg_set(struct zl_msg *m, const void *data, size_t len)
{
	int err = msg_room(m, len);

	if (!err && len)
		memcpy(zl_msg_data(m), data, len);
	return err;
}

int zmq_msg_init(zmq_msg_t *msg)
{
	zl_msg_init(of(msg));
	return 0;
}

int zmq_msg_init_size(zmq_msg_t *msg, size_t size)
{
	int err = msg_room(of(msg), size);

	return err ? zl_fail(err) : 0;
}

int zmq_msg_init_buffer(zmq_msg_t *msg, const void *buf, size_t size)
{
	int err = zl_msg_set(of(msg), buf, size);

	return err ? zl_fail(err) : 0;
}

int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size,
		      zmq_free_fn *ffn, void *hint)
{
	struct zl_msg *m = of(msg);
	struct zl_content *c = NULL;

	zl_msg_init(m);
	if (ffn) {
		c = zl_content_new(0);
		if (!c)
			return zl_fail(ENOMEM);
		c->ffn = ffn;
		c->data = data;
		c->hint = hint;
	}
	m->kind = ZL_MSG_LARGE;
	m->c = c;
	m->data = data;
	m->size = size;
	return 0;
}

int zmq_msg_close(zmq_msg_t *msg)
{
	struct zl_msg *m = of(msg);

	if (!zl_msg_ok(m))
		return zl_fail(EFAULT);
	zl_msg_clear(m);
	m->kind = 0;
	return 0;
}

int zmq_msg_move(zmq_msg_t *dest, zmq_msg_t *src)
{
	struct zl_msg *d = of(dest), *s = of(src);

	if (!zl_msg_ok(s) || !zl_msg_ok(d))
		return zl_fail(EFAULT);
	if (s == d)
		return 0;
	zl_msg_clear(d);
	*d = *s;
	zl_msg_init(s);
	return 0;
}

int zmq_msg_copy(zmq_msg_t *dest, zmq_msg_t *src)
{
	struct zl_msg *d = of(dest), *s = of(src);

	if (!zl_msg_ok(s) || !zl_msg_ok(d))
		return zl_fail(EFAULT);
	if (s == d)
		return 0;
	zl_msg_clear(d);
	if (s->kind == ZL_MSG_LARGE) {
		content_get(s->c);
		s->flags |= ZL_MSG_SHARED;
	}
	if (s->flags & ZL_MSG_PROPS)
		zl_props_get(s->props);
	content_get(s->group);
	*d = *s;
	return 0;
}

void *zmq_msg_data(zmq_msg_t *msg)
{
	return zl_msg_ok(of(msg)) ? zl_msg_data(of(msg)) : NULL;
}

size_t zmq_msg_size(const zmq_msg_t *msg)
{
	const struct zl_msg *m = (const struct zl_msg *)msg;

	return zl_msg_ok(m) ? zl_msg_size(m) : 0;
}

int zmq_msg_more(const zmq_msg_t *msg)
{
	const struct zl_msg *m = (const struct zl_msg *)msg;

	return m->flags & ZL_MSG_MORE ? 1 : 0;
}

int zmq_msg_get(const zmq_msg_t *msg, int property)
{
	const struct zl_msg *m = (const struct zl_msg *)msg;

	switch (property) {
	case ZMQ_MORE:
		return m->flags & ZL_MSG_MORE ? 1 : 0;
	case ZMQ_SHARED:
		return (m->flags & ZL_MSG_SHARED) ||
		       (m->kind == ZL_MSG_LARGE && !m->c);
	}
	/* ZMQ_SRCFD: connections have no descriptor here */
	return zl_fail(EINVAL);
}

int zmq_msg_set(zmq_msg_t *msg, int property, int val)
{
	return zl_fail(EINVAL);
}

uint32_t zmq_msg_routing_id(zmq_msg_t *msg)
{
	return of(msg)->rid;
}

int zmq_msg_set_routing_id(zmq_msg_t *msg, uint32_t rid)
{
	if (!rid)
		return zl_fail(EINVAL);
	of(msg)->rid = rid;
	return 0;
}

const char *zmq_msg_group(zmq_msg_t *msg)
{
	struct zl_content *g = of(msg)->group;

	return g ? (const char *)g->room : "";
}

int zmq_msg_set_group(zmq_msg_t *msg, const char *group)
{
	size_t len = strnlen(group, ZMQ_GROUP_MAX_LENGTH + 1);
	struct zl_content *g = NULL;

	if (len > ZMQ_GROUP_MAX_LENGTH)
		return zl_fail(EINVAL);
	if (len) {
		g = zl_content_new(len + 1);
		if (!g)
			return zl_fail(ENOMEM);
		memcpy(g->room, group, len + 1);
	}
	zl_content_put(of(msg)->group);
	of(msg)->group = g;
	return 0;
}
