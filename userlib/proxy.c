// SPDX-License-Identifier: MPL-2.0
/*
 * Passing messages on: zmq_proxy(), zmq_proxy_steerable(), zmq_device(). Only
 * the public API is used, by the thread that called; nothing here is shared.
 *
 * A message is taken from one side when the other can have it. Should that turn
 * out to be full in the middle of many messages, the frame taken last is kept
 * until there is room, and the proxy goes on with the other direction and its
 * commands; so it can be steered at all times and nothing is lost.
 */
#include <stdbool.h>
#include <string.h>

#include "zmq.h"

/* messages that may pass one way before the other has its turn */
#define BURST	1000

struct zl_tally {
	uint64_t frames;
	uint64_t octets;
};

/* One direction */
struct zl_way {
	void *from, *to;
	struct zl_tally *taken, *given;	/* of from, of to */
	bool ready;		/* there is a message to take */
	bool kept;		/* frame is the first of a message not yet given */
	bool refused;		/* it was, though there had been room */
	zmq_msg_t frame;
};

enum zl_state { ACTIVE, PAUSED, TERMINATED };

struct zl_proxy {
	void *frontend, *backend, *capture, *control;
	/* frontend taken, given; backend taken, given: as STATISTICS has them */
	struct zl_tally tally[4];
	struct zl_way way[2];
	int ways;		/* 1 when both ends are the same socket */
	enum zl_state state;
};

static int capture(struct zl_proxy *p, zmq_msg_t *frame)
{
	zmq_msg_t copy;

	if (!p->capture)
		return 0;
	zmq_msg_init(&copy);
	if (!zmq_msg_copy(&copy, frame) &&
	    zmq_msg_send(&copy, p->capture, zmq_msg_more(frame) ? ZMQ_SNDMORE : 0) >= 0)
		return 0;
	zmq_msg_close(&copy);
	return -1;
}

/*
 * Receive a frame into @w->frame and let it be captured. Returns 1 when there is
 * none, or when it is the other's turn, as with REQ and REP after a message.
 */
static int take(struct zl_proxy *p, struct zl_way *w, int flags)
{
	if (zmq_msg_recv(&w->frame, w->from, flags) < 0)
		return errno == EAGAIN || errno == EFSM ? 1 : -1;
	w->taken->frames++;
	w->taken->octets += zmq_msg_size(&w->frame);
	return capture(p, &w->frame);
}

static int give(struct zl_way *w, int flags)
{
	size_t size = zmq_msg_size(&w->frame);

	if (zmq_msg_more(&w->frame))
		flags |= ZMQ_SNDMORE;
	if (zmq_msg_send(&w->frame, w->to, flags) < 0)
		return -1;
	w->given->frames++;
	w->given->octets += size;
	return 0;
}

/*
 * Give the first frame, and with it the rest of its message. Returns 1 when
 * there was no room, which the caller is told of by polling: a type that finds
 * none though polling says so, XPUB with NODROP, is then waited for in sending.
 */
static int give_message(struct zl_proxy *p, struct zl_way *w)
{
	bool more = zmq_msg_more(&w->frame);

	if (give(w, w->refused ? 0 : ZMQ_DONTWAIT)) {
		if (errno != EAGAIN || w->refused)
			return -1;
		w->refused = w->kept;
		w->kept = true;
		return 1;
	}
	w->kept = false;
	w->refused = false;
	while (more) {
		if (take(p, w, 0))
			return -1;
		more = zmq_msg_more(&w->frame);
		if (give(w, 0))
			return -1;
	}
	return 0;
}

/*
 * There is a message or a kept frame, and there is room: pass on what there is,
 * but only the latter while the proxy rests.
 */
static int pass(struct zl_proxy *p, struct zl_way *w)
{
	int i, rc;

	for (i = 0; i < BURST && (w->kept || p->state == ACTIVE); i++) {
		rc = w->kept ? 0 : take(p, w, ZMQ_DONTWAIT);
		if (rc) {
			w->ready = false;
			return rc < 0 ? -1 : 0;
		}
		rc = give_message(p, w);
		if (rc)
			return rc < 0 ? -1 : 0;
	}
	return 0;
}

static int send_statistics(struct zl_proxy *p)
{
	uint64_t value[8];
	int i;

	for (i = 0; i < 4; i++) {
		value[2 * i] = p->tally[i].frames;
		value[2 * i + 1] = p->tally[i].octets;
	}
	for (i = 0; i < 8; i++)
		if (zmq_send(p->control, &value[i], sizeof(value[i]),
			     i < 7 ? ZMQ_SNDMORE : 0) < 0)
			return -1;
	return 0;
}

static bool is(zmq_msg_t *frame, const char *text)
{
	return zmq_msg_size(frame) == strlen(text) &&
	       !memcmp(zmq_msg_data(frame), text, strlen(text));
}

/* A REP gets an answer to each command, an empty one where there is no other. */
static int obey(struct zl_proxy *p, zmq_msg_t *command)
{
	size_t len = sizeof(int);
	int type;

	if (is(command, "STATISTICS"))
		return send_statistics(p);
	if (is(command, "PAUSE"))
		p->state = PAUSED;
	else if (is(command, "RESUME"))
		p->state = ACTIVE;
	else if (is(command, "TERMINATE"))
		p->state = TERMINATED;
	if (zmq_getsockopt(p->control, ZMQ_TYPE, &type, &len))
		return -1;
	return type == ZMQ_REP && zmq_send(p->control, NULL, 0, 0) < 0 ? -1 : 0;
}

/* A command is one frame: a message of several is none, and passed over. */
static int take_command(struct zl_proxy *p)
{
	zmq_msg_t frame;
	bool alone;
	int rc;

	zmq_msg_init(&frame);
	rc = zmq_msg_recv(&frame, p->control, ZMQ_DONTWAIT);
	if (rc < 0) {
		zmq_msg_close(&frame);
		return errno == EAGAIN ? 0 : -1;
	}
	alone = !zmq_msg_more(&frame);
	while (rc >= 0 && zmq_msg_more(&frame))
		rc = zmq_msg_recv(&frame, p->control, 0);
	if (rc >= 0 && !alone) {
		zmq_msg_close(&frame);
		zmq_msg_init(&frame);
	}
	if (rc >= 0)
		rc = obey(p, &frame);
	zmq_msg_close(&frame);
	return rc;
}

static bool keeps_any(const struct zl_proxy *p)
{
	return p->way[0].kept || p->way[1].kept;
}

/*
 * What to wait for: for each direction a message and then room for it, so that
 * waiting ends only when something can be done. When the proxy rests, it is
 * commands, and room for a frame that was taken already.
 */
static void want(struct zl_proxy *p, zmq_pollitem_t *items)
{
	struct zl_way *w;
	int i;

	items[0] = (zmq_pollitem_t){ .socket = p->frontend };
	items[1] = (zmq_pollitem_t){ .socket = p->backend };
	items[2] = (zmq_pollitem_t){ .socket = p->control, .events = ZMQ_POLLIN };
	for (i = 0; i < p->ways; i++) {
		w = &p->way[i];
		if (p->state != ACTIVE && !w->kept)
			continue;
		if (w->kept || w->ready)
			items[w->to == p->backend].events |= ZMQ_POLLOUT;
		else
			items[w->from == p->backend].events |= ZMQ_POLLIN;
	}
}

static int turn(struct zl_proxy *p)
{
	zmq_pollitem_t items[3];
	struct zl_way *w;
	int i;

	want(p, items);
	if (zmq_poll(items, p->control ? 3 : 2, -1) < 0)
		return -1;
	if (p->control && items[2].revents && take_command(p))
		return -1;
	for (i = 0; i < p->ways; i++) {
		w = &p->way[i];
		if (p->state != ACTIVE && !w->kept)
			continue;
		if (items[w->from == p->backend].revents & ZMQ_POLLIN)
			w->ready = true;
		if ((w->kept || w->ready) && items[w->to == p->backend].revents & ZMQ_POLLOUT &&
		    pass(p, w))
			return -1;
	}
	return 0;
}

static int run(struct zl_proxy *p)
{
	int rc = 0, i, err;

	for (i = 0; i < 2; i++)
		zmq_msg_init(&p->way[i].frame);
	while (!rc && (p->state != TERMINATED || keeps_any(p)))
		rc = turn(p);
	err = errno;
	for (i = 0; i < 2; i++)
		zmq_msg_close(&p->way[i].frame);
	errno = err;
	return rc;
}

/* Returns 0 after TERMINATE, else -1 when a call failed, as all do in the end. */
int zmq_proxy_steerable(void *frontend, void *backend, void *capture_to, void *control)
{
	struct zl_proxy p = {
		.frontend = frontend, .backend = backend,
		.capture = capture_to, .control = control,
		.ways = frontend == backend ? 1 : 2,
	};

	if (!frontend || !backend) {
		errno = EFAULT;
		return -1;
	}
	p.way[0] = (struct zl_way){
		.from = frontend, .to = backend,
		.taken = &p.tally[0], .given = &p.tally[3],
	};
	p.way[1] = (struct zl_way){
		.from = backend, .to = frontend,
		.taken = &p.tally[2], .given = &p.tally[1],
	};
	return run(&p);
}

int zmq_proxy(void *frontend, void *backend, void *capture_to)
{
	return zmq_proxy_steerable(frontend, backend, capture_to, NULL);
}

/* The types of device do the same: it is the sockets that differ. */
int zmq_device(int type, void *frontend, void *backend)
{
	return zmq_proxy(frontend, backend, NULL);
}
