// SPDX-License-Identifier: MPL-2.0
/*
 * Where a frame goes that the kernel has given: the program's buffer or a
 * message. The memory a message had is used again when it fits, so a loop that
 * receives into the same message does not allocate.
 *
 * No locks; the message is the calling thread's.
 */
#include <string.h>

#include "lane.h"
#include "zl.h"

/* Memory that is much too large is better given back. */
#define FITS(cap, len)	((cap) >= (len) && (cap) <= 2 * (len) + 4096)

/**
 * zl_want_msg - a frame is wanted in a message
 * @w: to be filled in
 * @m: the message, which is empty then
 */
void zl_want_msg(struct zl_want *w, struct zl_msg *m)
{
	struct zl_content *c = NULL;

	if (m->kind == ZL_MSG_LARGE && m->c && !m->c->ffn &&
	    atomic_load_explicit(&m->c->refs, memory_order_acquire) == 1) {
		c = m->c;
		m->kind = ZL_MSG_INLINE;
	}
	zl_msg_clear(m);
	w->m = m;
	w->buf = NULL;
	w->len = 0;
	w->spare = c;
	w->s = NULL;
	w->counted = false;
}

/**
 * zl_want_room - memory for a frame
 * @w:   what is wanted
 * @len: octets
 *
 * Return: memory of @len octets at least, or NULL.
 */
struct zl_content *zl_want_room(struct zl_want *w, size_t len)
{
	struct zl_content *c = w->spare;

	if (c && FITS(c->cap, len)) {
		w->spare = NULL;
		return c;
	}
	return zl_content_new(len);
}

static void told(struct zl_sock *s, struct zl_msg *m, bool more, uint64_t from)
{
	if (more)
		m->flags |= ZL_MSG_MORE;
	m->handle = from;
	m->serial = s->serial;
	zl_note_more(s, more);
}

/**
 * zl_want_take - memory with a frame in it becomes the message's
 * @s:    the socket
 * @w:    what is wanted: a message
 * @c:    the memory
 * @len:  octets of the frame
 * @more: others of its message follow
 * @from: who sent it
 */
void zl_want_take(struct zl_sock *s, struct zl_want *w, struct zl_content *c,
		  size_t len, bool more, uint64_t from)
{
	struct zl_msg *m = w->m;
	struct zl_content *less;

	if (len <= ZL_INLINE) {
		memcpy(m->in, c->room, len);
		m->len = len;
		zl_content_put(c);
	} else {
		if (!FITS(c->cap, len)) {
			less = zl_content_new(len);
			if (less) {
				memcpy(less->room, c->room, len);
				zl_content_put(c);
				c = less;
			}
		}
		zl_msg_take(m, c, len);
	}
	told(s, m, more, from);
}

/**
 * zl_want_give - copy a frame to where it is wanted
 * @s:    the socket
 * @w:    what is wanted
 * @data: the frame
 * @len:  octets of it
 * @more: others of its message follow
 * @from: who sent it
 *
 * Return: 0 or -ENOMEM.
 */
int zl_want_give(struct zl_sock *s, struct zl_want *w, const void *data,
		 size_t len, bool more, uint64_t from)
{
	struct zl_content *c;

	if (!w->m) {
		if (len && w->len)
			memcpy(w->buf, data, len < w->len ? len : w->len);
		zl_note_more(s, more);
		return 0;
	}
	if (len <= ZL_INLINE) {
		memcpy(w->m->in, data, len);
		w->m->len = len;
	} else {
		c = zl_want_room(w, len);
		if (!c)
			return -ENOMEM;
		memcpy(c->room, data, len);
		zl_msg_take(w->m, c, len);
	}
	told(s, w->m, more, from);
	return 0;
}
