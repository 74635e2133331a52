// SPDX-License-Identifier: MPL-2.0
/*
 * zmq_poller_*(): a list of sockets and descriptors that is kept from wait to
 * wait. It waits by zmq_poll(). No locks: one thread at a time may use a poller;
 * the sockets in it may be used by other threads meanwhile.
 *
 * Beside the list is the array for zmq_poll(), which leaves out what no event is
 * wanted of. It is made anew by the first wait after a change.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "zmq.h"

#define POLLER_TAG	0x7a6c706fu
#define POLLER_EVENTS	(ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLERR | ZMQ_POLLPRI)

struct zl_entry {
	void *socket;		/* or NULL, then fd counts */
	zmq_fd_t fd;
	short events;
	void *user_data;
};

struct zl_poller {
	uint32_t tag;
	bool changed;		/* items and of are not of this list */
	int n, room;
	int polled;		/* entries in items */
	struct zl_entry *list;
	zmq_pollitem_t *items;
	int *of;		/* the entry that an item is made of */
};

static struct zl_poller *poller_of(void *handle)
{
	struct zl_poller *p = handle;

	if (p && p->tag == POLLER_TAG)
		return p;
	errno = EFAULT;
	return NULL;
}

static int fail(int err)
{
	errno = err;
	return -1;
}

/* Which entry it is, or -1. */
static int find(const struct zl_poller *p, const void *socket, zmq_fd_t fd)
{
	int i;

	for (i = 0; i < p->n; i++)
		if (socket ? p->list[i].socket == socket :
		    !p->list[i].socket && p->list[i].fd == fd)
			return i;
	return -1;
}

/* A socket whose context ends is one still. */
static bool is_socket(void *socket)
{
	size_t len = sizeof(int);
	int type;

	return socket && (!zmq_getsockopt(socket, ZMQ_TYPE, &type, &len) || errno != ENOTSOCK);
}

void *zmq_poller_new(void)
{
	struct zl_poller *p = calloc(1, sizeof(*p));

	if (p)
		p->tag = POLLER_TAG;
	return p;
}

int zmq_poller_destroy(void **poller)
{
	struct zl_poller *p = poller_of(poller ? *poller : NULL);

	if (!p)
		return -1;
	p->tag = 0;
	free(p->list);
	free(p->items);
	free(p->of);
	free(p);
	*poller = NULL;
	return 0;
}

int zmq_poller_size(void *poller)
{
	struct zl_poller *p = poller_of(poller);

	return p ? p->n : -1;
}

/* All three arrays have the same room; one that grew alone does no harm. */
static int make_room(struct zl_poller *p)
{
	int room = p->room ? 2 * p->room : 8;
	void *grown;

	if (p->n < p->room)
		return 0;
	grown = reallocarray(p->list, room, sizeof(*p->list));
	if (!grown)
		return -1;
	p->list = grown;
	grown = reallocarray(p->items, room, sizeof(*p->items));
	if (!grown)
		return -1;
	p->items = grown;
	grown = reallocarray(p->of, room, sizeof(*p->of));
	if (!grown)
		return -1;
	p->of = grown;
	p->room = room;
	return 0;
}

static int add(struct zl_poller *p, struct zl_entry entry)
{
	if (entry.events & ~POLLER_EVENTS || find(p, entry.socket, entry.fd) >= 0)
		return fail(EINVAL);
	if (make_room(p))
		return fail(ENOMEM);
	p->list[p->n++] = entry;
	p->changed = true;
	return 0;
}

static int modify(struct zl_poller *p, const void *socket, zmq_fd_t fd, short events)
{
	int i = find(p, socket, fd);

	if (events & ~POLLER_EVENTS || i < 0)
		return fail(EINVAL);
	p->list[i].events = events;
	p->changed = true;
	return 0;
}

/* The order of the others stays: events are told in it. */
static int take_out(struct zl_poller *p, int i)
{
	if (i < 0)
		return fail(EINVAL);
	for (p->n--; i < p->n; i++)
		p->list[i] = p->list[i + 1];
	p->changed = true;
	return 0;
}

int zmq_poller_add(void *poller, void *socket, void *user_data, short events)
{
	struct zl_poller *p = poller_of(poller);
	struct zl_entry entry = { socket, -1, events, user_data };

	if (!p)
		return -1;
	return is_socket(socket) ? add(p, entry) : fail(ENOTSOCK);
}

int zmq_poller_modify(void *poller, void *socket, short events)
{
	struct zl_poller *p = poller_of(poller);

	if (!p)
		return -1;
	return is_socket(socket) ? modify(p, socket, -1, events) : fail(ENOTSOCK);
}

/* A socket which was closed too early may still be taken out. */
int zmq_poller_remove(void *poller, void *socket)
{
	struct zl_poller *p = poller_of(poller);
	int i;

	if (!p)
		return -1;
	i = socket ? find(p, socket, -1) : -1;
	if (i < 0 && !is_socket(socket))
		return fail(ENOTSOCK);
	return take_out(p, i);
}

int zmq_poller_add_fd(void *poller, zmq_fd_t fd, void *user_data, short events)
{
	struct zl_poller *p = poller_of(poller);
	struct zl_entry entry = { NULL, fd, events, user_data };

	if (!p)
		return -1;
	return fd == -1 ? fail(EBADF) : add(p, entry);
}

int zmq_poller_modify_fd(void *poller, zmq_fd_t fd, short events)
{
	struct zl_poller *p = poller_of(poller);

	if (!p)
		return -1;
	return fd == -1 ? fail(EBADF) : modify(p, NULL, fd, events);
}

int zmq_poller_remove_fd(void *poller, zmq_fd_t fd)
{
	struct zl_poller *p = poller_of(poller);

	if (!p)
		return -1;
	return fd == -1 ? fail(EBADF) : take_out(p, find(p, NULL, fd));
}

/* Only pollers that hold a thread-safe socket have one, and there is none. */
int zmq_poller_fd(void *poller, zmq_fd_t *fd)
{
	struct zl_poller *p = poller_of(poller);

	if (!p)
		return -1;
	return fail(fd ? EINVAL : EFAULT);
}

static void update(struct zl_poller *p)
{
	int i;

	if (!p->changed)
		return;
	p->polled = 0;
	for (i = 0; i < p->n; i++) {
		if (!p->list[i].events)
			continue;
		p->items[p->polled] = (zmq_pollitem_t){
			p->list[i].socket, p->list[i].fd, p->list[i].events, 0
		};
		p->of[p->polled++] = i;
	}
	p->changed = false;
}

static int collect(const struct zl_poller *p, zmq_poller_event_t *events, int n_events)
{
	const struct zl_entry *entry;
	int i, found = 0;

	for (i = 0; i < p->polled && found < n_events; i++) {
		if (!p->items[i].revents)
			continue;
		entry = &p->list[p->of[i]];
		events[found++] = (zmq_poller_event_t){
			entry->socket, entry->fd, entry->user_data, p->items[i].revents
		};
	}
	return found;
}

/* How many events there are; none within the time is a failure, EAGAIN. */
static int wait_all(struct zl_poller *p, zmq_poller_event_t *events, int n_events,
		    long timeout)
{
	int rc;

	update(p);
	/* what can never end is refused, what can end only by time is not */
	if ((!p->polled || !n_events) && timeout < 0)
		return fail(EFAULT);
	rc = zmq_poll(p->items, n_events ? p->polled : 0, timeout);
	if (rc < 0)
		return -1;
	rc = rc ? collect(p, events, n_events) : 0;
	return rc ? rc : fail(EAGAIN);
}

int zmq_poller_wait_all(void *poller, zmq_poller_event_t *events, int n_events,
			long timeout)
{
	struct zl_poller *p = poller_of(poller);
	int i, rc;

	if (!p)
		return -1;
	if (!events)
		return fail(EFAULT);
	if (n_events < 0)
		return fail(EINVAL);
	rc = wait_all(p, events, n_events, timeout);
	for (i = rc > 0 ? rc : 0; i < n_events; i++)
		events[i] = (zmq_poller_event_t){ NULL, -1, NULL, 0 };
	return rc;
}

int zmq_poller_wait(void *poller, zmq_poller_event_t *event, long timeout)
{
	int rc = zmq_poller_wait_all(poller, event, 1, timeout);

	if (rc < 0 && event)
		*event = (zmq_poller_event_t){ NULL, -1, NULL, 0 };
	return rc < 0 ? rc : 0;
}
