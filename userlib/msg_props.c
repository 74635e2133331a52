// SPDX-License-Identifier: MPL-2.0
/*
 * Who sent a message: zmq_msg_gets().
 *
 * A received message knows its socket and the number of the connection. What
 * the program asks about that is fetched from the kernel once, and kept by the
 * message and by the socket, which remembers the last few connections.
 *
 * Locks: zl_props.lock for the values; zl_sock.lock for the socket's list. The
 * texts do not change and live as long as some message has them.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <linux/zmq.h>

#include "zl.h"

#define PROPS_MAX	64	/* connections a socket remembers */
#define VALUES_MAX	64	/* different names asked of one */

/* A name and its value, each with a NUL, one behind the other in @text */
struct value {
	struct value	*next;
	const char	*value;
	char		text[];
};

/**
 * struct zl_props - what is known of a connection
 * @refs:   messages, and the socket's list
 * @handle: its number
 * @next:   the socket's others, under zl_sock.lock
 * @lock:   protects @values
 * @values: newest first
 * @nr:     how many
 */
struct zl_props {
	_Atomic uint32_t	refs;
	uint64_t		handle;
	struct zl_props		*next;
	pthread_mutex_t		lock;
	struct value		*values;
	int			nr;
};

/**
 * zl_props_get - one more message has it
 * @p: the properties
 */
void zl_props_get(struct zl_props *p)
{
	atomic_fetch_add(&p->refs, 1);
}

/**
 * zl_props_put - a message or a socket lets go
 * @p: the properties
 */
void zl_props_put(struct zl_props *p)
{
	struct value *v;

	if (atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	while ((v = p->values)) {
		p->values = v->next;
		free(v);
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/**
 * zl_props_free_all - the socket ends
 * @s: the socket
 */
void zl_props_free_all(struct zl_sock *s)
{
	struct zl_props *p;

	while ((p = s->props)) {
		s->props = p->next;
		zl_props_put(p);
	}
}

static struct zl_props *props_new(uint64_t handle)
{
	struct zl_props *p = calloc(1, sizeof(*p));

	if (p) {
		atomic_init(&p->refs, 1);
		p->handle = handle;
		pthread_mutex_init(&p->lock, NULL);
	}
	return p;
}

/* The properties of a connection with a reference, made at need */
static struct zl_props *props_find(struct zl_sock *s, uint64_t handle)
{
	struct zl_props **at, *p, *old = NULL;
	int n = 0;

	pthread_mutex_lock(&s->lock);
	for (at = &s->props; (p = *at); at = &p->next) {
		if (p->handle == handle)
			break;
		if (++n == PROPS_MAX && p->next) {
			old = p->next;
			p->next = old->next;
		}
	}
	if (p)
		*at = p->next;
	else
		p = props_new(handle);
	if (p) {
		p->next = s->props;
		s->props = p;
		zl_props_get(p);
	}
	pthread_mutex_unlock(&s->lock);
	if (old)
		zl_props_put(old);
	return p;
}

static const char *value_find(struct zl_props *p, const char *name)
{
	const struct value *v;

	for (v = p->values; v; v = v->next)
		if (!strcasecmp(v->text, name))
			return v->value;
	return NULL;
}

static const char *value_add(struct zl_props *p, const char *name,
			     const char *val, size_t len)
{
	size_t n = strlen(name) + 1;
	struct value *v;

	if (p->nr == VALUES_MAX)
		return NULL;
	v = malloc(sizeof(*v) + n + len + 1);
	if (!v)
		return NULL;
	memcpy(v->text, name, n);
	memcpy(v->text + n, val, len);
	v->text[n + len] = '\0';
	v->value = v->text + n;
	v->next = p->values;
	p->values = v;
	p->nr++;
	return v->value;
}

/* The kernel is asked in two steps, with zl_sock.lock: one question at a time. */
static const char *value_fetch(struct zl_sock *s, struct zl_props *p,
			       const char *name)
{
	struct zmq_peer_prop ask = { .handle = p->handle };
	char buf[ZMQ_ENDPOINT_OPT_MAX];
	size_t len = sizeof(buf);
	int err;

	if (strlen(name) > ZMQ_PROP_NAME_MAX)
		return NULL;
	strcpy(ask.name, name);
	pthread_mutex_lock(&s->lock);
	err = zl_kset(s, ZMQ_PEER_PROP, &ask, sizeof(ask));
	if (!err)
		err = zl_kget(s, ZMQ_PEER_PROP, buf, &len);
	pthread_mutex_unlock(&s->lock);
	return err ? NULL : value_add(p, name, buf, len);
}

/* From now on the message has the properties instead of the number. */
static struct zl_props *msg_props(struct zl_sock *s, struct zl_msg *m)
{
	struct zl_props *p;

	if (m->flags & ZL_MSG_PROPS)
		return m->props;
	if (!m->handle || !s)
		return NULL;
	p = props_find(s, m->handle);
	if (!p)
		return NULL;
	m->props = p;
	m->flags |= ZL_MSG_PROPS;
	return p;
}

/* Who asks once asks again; the kernel then keeps the sender of the last one. */
static void want_peers(struct zl_sock *s)
{
	int on = 1;

	if (atomic_load(&s->no_dense) & ZL_NODENSE_GETS)
		return;
	zl_kset(s, ZMQ_RECVPEER, &on, sizeof(on));
	zl_no_dense(s, ZL_NODENSE_GETS);
}

const char *zmq_msg_gets(const zmq_msg_t *msg, const char *name)
{
	struct zl_msg *m = (struct zl_msg *)msg;
	const char *val = NULL;
	struct zl_props *p;
	struct zl_sock *s;

	if (!zl_msg_ok(m) || !name) {
		errno = EINVAL;
		return NULL;
	}
	s = m->serial ? zl_sock_by_serial(m->serial) : NULL;
	if (s)
		want_peers(s);
	p = msg_props(s, m);
	if (p) {
		pthread_mutex_lock(&p->lock);
		val = value_find(p, name);
		if (!val && s)
			val = value_fetch(s, p, name);
		pthread_mutex_unlock(&p->lock);
	}
	if (s)
		zl_sock_put(s);
	if (!val)
		errno = EINVAL;
	return val;
}
