// SPDX-License-Identifier: GPL-2.0
/*
 * The sockets under test, what a program does with them meanwhile, and the
 * proof that they still serve a good peer: libzmq where they are bound, another
 * AF_ZMQ socket where they connect.
 */
#include "fuzz_wire.h"

#include <zmq.h>

#define HWM		20
#define TAG_MAX		32
#define FRAME_MAX	4096

const char * const type_names[TYPES] = {
	"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH",
	"XPUB", "XSUB", "STREAM",
};

static const int good_type[TYPES] = {
	[ZMQ_PAIR] = ZMQ_PAIR, [ZMQ_PUB] = ZMQ_SUB, [ZMQ_SUB] = ZMQ_PUB,
	[ZMQ_REQ] = ZMQ_REP, [ZMQ_REP] = ZMQ_REQ, [ZMQ_DEALER] = ZMQ_DEALER,
	[ZMQ_ROUTER] = ZMQ_DEALER, [ZMQ_PULL] = ZMQ_PUSH,
	[ZMQ_PUSH] = ZMQ_PULL, [ZMQ_XPUB] = ZMQ_SUB, [ZMQ_XSUB] = ZMQ_PUB,
};

static void *zctx;

static void good_open(struct target *t)
{
	int type = good_type[t->type], zero = 0, one = 1;

	if (!t->bound) {
		t->gfd = xsocket(type);
		xbind_any(t->gfd, t->gep);
		if (type == ZMQ_SUB)
			xset_text(t->gfd, ZMQ_SUBSCRIBE, "ok");
		if (type == ZMQ_REQ)
			xset(t->gfd, ZMQ_REQ_RELAXED, 1);
		xconnect(t->fd, t->gep);
		return;
	}
	if (!zctx)
		zctx = zmq_ctx_new();
	t->z = zmq_socket(zctx, type);
	KZ_CHECK(t->z);
	zmq_setsockopt(t->z, ZMQ_LINGER, &zero, sizeof(zero));
	if (type == ZMQ_SUB)
		zmq_setsockopt(t->z, ZMQ_SUBSCRIBE, "ok", 2);
	if (type == ZMQ_REQ)
		zmq_setsockopt(t->z, ZMQ_REQ_RELAXED, &one, sizeof(one));
	KZ_CHECK(!zmq_connect(t->z, t->ep));
}

static void good_close(struct target *t)
{
	if (t->z)
		zmq_close(t->z);
	if (t->gfd >= 0) {
		zset_text(t->fd, ZMQ_DISCONNECT, t->gep);
		xclose(t->gfd);
	}
	t->z = NULL;
	t->gfd = -1;
}

static int good_send(struct target *t, const char *tag)
{
	if (t->z)
		return zmq_send(t->z, tag, strlen(tag), ZMQ_DONTWAIT);
	return send(t->gfd, tag, strlen(tag), MSG_DONTWAIT);
}

/* The last frame of the next message is this text. -1: nothing has come */
static int good_next(struct target *t, const char *tag)
{
	char buf[FRAME_MAX];
	int n = -1, more = 1;
	size_t len = sizeof(more);
	bool eor = false;

	if (!t->z) {
		while (!eor) {
			n = zrecv(t->gfd, buf, sizeof(buf), MSG_DONTWAIT, &eor);
			if (n < 0)
				return -1;
		}
	}
	while (t->z && more) {
		n = zmq_recv(t->z, buf, sizeof(buf), ZMQ_DONTWAIT);
		if (n < 0)
			return -1;
		zmq_getsockopt(t->z, ZMQ_RCVMORE, &more, &len);
	}
	return n == (int)strlen(tag) && !memcmp(buf, tag, n);
}

static bool good_got(struct target *t, const char *tag)
{
	int ret;

	while ((ret = good_next(t, tag)) == 0)
		if (good_type[t->type] == ZMQ_REP)
			good_send(t, "x");
	return ret == 1;
}

/* Whole messages are sent at once, so none stays half sent. */
static int own_send(struct target *t, const void *data, size_t len)
{
	struct iovec iov[3] = { { .iov_base = t->id, .iov_len = t->idlen } };
	__u32 lens[2] = { t->idlen | ZMQ_FRAME_MORE, len };

	if (t->type != ZMQ_ROUTER && t->type != ZMQ_STREAM)
		return send(t->fd, data, len, MSG_DONTWAIT);
	iov[1].iov_base = (void *)data;
	iov[1].iov_len = len;
	return send_frames(t->fd, iov, 2, lens, 2, MSG_DONTWAIT);
}

/* As good_next(), for the socket under test; answers what REP is asked. */
static int own_next(struct target *t, const char *tag)
{
	char buf[FRAME_MAX];
	bool eor = false, first = true;
	ssize_t n = 0;

	for (; !eor; first = false) {
		n = zrecv(t->fd, buf, sizeof(buf), MSG_DONTWAIT, &eor);
		if (n < 0)
			break;
		if (first && n <= (ssize_t)sizeof(t->id)) {
			memcpy(t->id, buf, n);
			t->idlen = n;
		}
	}
	if (n < 0) {
		if (t->type != ZMQ_REP || errno != EBADFD)
			return -1;
		send(t->fd, "x", 1, MSG_DONTWAIT);
		return 0;
	}
	return tag && n == (ssize_t)strlen(tag) && !memcmp(buf, tag, n);
}

static bool own_got(struct target *t, const char *tag)
{
	int ret;

	while ((ret = own_next(t, tag)) == 0)
		;
	return ret == 1;
}

/* Read what has come. */
void target_drain(struct target *t)
{
	int n;

	if (t->type == ZMQ_STREAM)
		return;
	for (n = 0; n < 10000 && own_next(t, NULL) >= 0; n++)
		;
}

static const int some_opts[] = {
	ZMQ_EVENTS, ZMQ_RCVMORE, ZMQ_LAST_ENDPOINT, ZMQ_TOPICS_COUNT,
	ZMQ_STATS, ZMQ_TYPE, ZMQ_ROUTING_ID,
};

/* What a program might do: one call that does not wait. */
void target_use(struct target *t, struct rng *r)
{
	static char body[20000];
	char topic[2] = { 'A' + rnd(r, 3) };
	socklen_t len = sizeof(body);
	bool eor;

	switch (rnd(r, 8)) {
	case 0:
	case 1:
		zrecv(t->fd, body, rnd(r, 2) ? sizeof(body) : rnd(r, 64),
		      MSG_DONTWAIT | (pct(r, 10) ? MSG_PEEK : 0), &eor);
		break;
	case 2:
		own_next(t, NULL);
		break;
	case 3:
	case 4:
		body[0] = 'A';
		own_send(t, body, pct(r, 90) ? rnd(r, 300) : rnd(r, sizeof(body)));
		break;
	case 5:
		zset_text(t->fd, pct(r, 50) ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE,
			  topic);
		break;
	case 6:
		poll1(t->fd, POLLIN | POLLOUT, 0);
		break;
	default:
		getsockopt(t->fd, SOL_ZMQ, some_opts[rnd(r, 7)], body, &len);
	}
}

static void target_options(struct target *t)
{
	xset(t->fd, ZMQ_HANDSHAKE_IVL, kz_ms(1000));
	xset(t->fd, ZMQ_SNDHWM, HWM);
	xset(t->fd, ZMQ_RCVHWM, HWM);
	xset(t->fd, ZMQ_RECONNECT_IVL, 1);
	if (t->bound) {
		long long most = 128 * 1024;

		xset_bytes(t->fd, ZMQ_MAXMSGSIZE, &most, sizeof(most));
	}
	if (t->type == ZMQ_SUB) {
		xset_text(t->fd, ZMQ_SUBSCRIBE, "ok");
		xset_text(t->fd, ZMQ_SUBSCRIBE, "A");
	} else if (t->type == ZMQ_XSUB) {
		xsend(t->fd, "\1ok", 3, 0);
		xsend(t->fd, "\1", 1, 0);
	} else if (t->type == ZMQ_REQ) {
		xset(t->fd, ZMQ_REQ_RELAXED, 1);
		xset(t->fd, ZMQ_REQ_CORRELATE, t->bound);
	} else if (t->type == ZMQ_ROUTER) {
		xset(t->fd, ZMQ_ROUTER_HANDOVER, t->bound);
	}
}

void target_open(struct target *t, int type, bool bound)
{
	memset(t, 0, sizeof(*t));
	t->type = type;
	t->bound = bound;
	t->lfd = -1;
	t->gfd = -1;
	t->fd = xsocket(type);
	target_options(t);
	if (bound) {
		xbind_any(t->fd, t->ep);
	} else {
		t->lfd = raw_listen(t->ep);
		fcntl(t->lfd, F_SETFL, O_NONBLOCK);
		xconnect(t->fd, t->ep);
	}
	if (!target_good_peers(t))
		return;
	good_open(t);
	if (!wait_peers(t->fd, 1, 2 * KZ_WAIT_MS))
		KZ_DIE("%s %s does not meet its good peer",
		       bound ? "bound" : "connecting", type_names[type]);
}

void target_close(struct target *t)
{
	good_close(t);
	xclose(t->fd);
	if (t->lfd >= 0)
		xclose(t->lfd);
}

/*
 * An endpoint whose peer broke the rules does not try again by itself. Called
 * again and again while somebody waits for a connection. STREAM knows no rules.
 */
void target_again(struct target *t)
{
	long long now = kz_now_ms();

	if (t->bound || t->type == ZMQ_STREAM || now < t->again)
		return;
	if (t->again) {
		zset_text(t->fd, ZMQ_DISCONNECT, t->ep);
		xconnect(t->fd, t->ep);
		t->again = now + kz_ms(100);
	} else {
		t->again = now + kz_ms(5);
	}
}

/* How many peers there are when no strange one is. */
unsigned int target_good_peers(const struct target *t)
{
	return t->type != ZMQ_PAIR && t->type != ZMQ_STREAM;
}

/* @tag from the good peer to the socket, or the other way */
static bool reaches(struct target *t, const char *tag, bool in)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS), next = 0;

	/* strangers may get one, a queue may be full of what they left */
	while (kz_now_ms() < end) {
		if (kz_now_ms() >= next) {
			if (in)
				good_send(t, tag);
			else
				own_send(t, tag, strlen(tag));
			next = kz_now_ms() + kz_ms(20);
		}
		if (in ? own_got(t, tag) : good_got(t, tag))
			return true;
		poll(NULL, 0, 1);
	}
	fprintf(stderr, "# %s %s: %s does not %s the good peer\n",
		type_names[t->type], t->bound ? "bound" : "connecting", tag,
		in ? "come from" : "reach");
	return false;
}

/* REQ forgets what it has asked before; the good peer answers all it gets. */
static bool answered(struct target *t, const char *tag)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS), next = 0;

	while (kz_now_ms() < end) {
		if (kz_now_ms() >= next) {
			own_send(t, tag, strlen(tag));
			next = kz_now_ms() + kz_ms(50);
		}
		while (good_next(t, tag) >= 0)
			good_send(t, tag);
		if (own_got(t, tag))
			return true;
		poll(NULL, 0, 1);
	}
	fprintf(stderr, "# REQ %s: no reply to %s\n",
		t->bound ? "bound" : "connecting", tag);
	return false;
}

static bool good_talks(struct target *t, const char *tag)
{
	switch (t->type) {
	case ZMQ_PUB:
	case ZMQ_XPUB:
	case ZMQ_PUSH:
		return reaches(t, tag, false);
	case ZMQ_SUB:
	case ZMQ_XSUB:
	case ZMQ_PULL:
		return reaches(t, tag, true);
	case ZMQ_REQ:
		return answered(t, tag);
	default:
		return reaches(t, tag, true) && reaches(t, tag, false);
	}
}

/* The good peer gets its message, or ours gets one of its. */
bool target_good(struct target *t)
{
	static unsigned int count;
	char tag[TAG_MAX];
	bool ok;

	snprintf(tag, sizeof(tag), "ok%u", ++count);
	if (t->type == ZMQ_STREAM)
		return true;
	if (t->type != ZMQ_PAIR)
		return good_talks(t, tag);
	/* it has but one peer */
	if (!t->bound)
		zset_text(t->fd, ZMQ_DISCONNECT, t->ep);
	good_open(t);
	ok = wait_peers(t->fd, 1, KZ_WAIT_MS) && good_talks(t, tag);
	good_close(t);
	if (!t->bound)
		xconnect(t->fd, t->ep);
	return ok && wait_peers(t->fd, 0, KZ_WAIT_MS);
}

void targets_end(void)
{
	if (zctx)
		zmq_ctx_term(zctx);
}
