// SPDX-License-Identifier: GPL-2.0
/*
 * The corpus: what libzmq sends, written down by a relay between two of its
 * sockets, and greetings of old versions made by hand.
 */
#include "fuzz_wire.h"

#include <endian.h>
#include <zmq.h>

#define CORPUS_MAX	96
#define SIDE_MAX	(192 * 1024)
#define BIG		70000
#define RECORD_MS	20000		/* for libzmq to do what it must */
#define SIG		"\xff\0\0\0\0\0\0\0\1\x7f"

struct session corpus[CORPUS_MAX];
int corpus_len;

/* Both directions of a connection between two sockets of libzmq. */
struct relay {
	pthread_t thread;
	pthread_mutex_t lock;
	int listener, to_port;
	unsigned char *data[2];
	size_t len[2];
};

static bool relay_pass(struct relay *y, int side, int from, int to)
{
	char buf[16384];
	ssize_t n = recv(from, buf, sizeof(buf), 0);

	if (n <= 0 || !raw_try_write(to, buf, n))
		return false;
	pthread_mutex_lock(&y->lock);
	KZ_CHECK(y->len[side] + n <= SIDE_MAX);
	memcpy(y->data[side] + y->len[side], buf, n);
	y->len[side] += n;
	pthread_mutex_unlock(&y->lock);
	return true;
}

/* Side 0 has connected to us, side 1 we have connected to. */
static void *relay_run(void *arg)
{
	struct relay *y = arg;
	char ep[EP_LEN];
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };

	p[0].fd = raw_accept(y->listener);
	snprintf(ep, sizeof(ep), "tcp://127.0.0.1:%d", y->to_port);
	p[1].fd = raw_connect(ep);
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents && !relay_pass(y, 0, p[0].fd, p[1].fd))
			break;
		if (p[1].revents && !relay_pass(y, 1, p[1].fd, p[0].fd))
			break;
	}
	close(p[0].fd);
	close(p[1].fd);
	return NULL;
}

static bool relay_saw(struct relay *y, int side, const char *text)
{
	bool yes;

	pthread_mutex_lock(&y->lock);
	yes = memmem(y->data[side], y->len[side], text, strlen(text));
	pthread_mutex_unlock(&y->lock);
	return yes;
}

static void *zopen(void *ctx, int type)
{
	int ms = kz_ms(RECORD_MS), zero = 0;
	void *z = zmq_socket(ctx, type);

	KZ_CHECK(z);
	zmq_setsockopt(z, ZMQ_RCVTIMEO, &ms, sizeof(ms));
	zmq_setsockopt(z, ZMQ_SNDTIMEO, &ms, sizeof(ms));
	zmq_setsockopt(z, ZMQ_LINGER, &zero, sizeof(zero));
	return z;
}

/* Frames of the next message; the first kept in id. */
static int ztake(void *z, char *id, size_t *idlen)
{
	char buf[BIG + 1];
	int n, more = 1, frames = 0;
	size_t len = sizeof(more);

	while (more) {
		n = zmq_recv(z, buf, sizeof(buf), 0);
		if (n < 0)
			KZ_DIE("libzmq: %s", zmq_strerror(errno));
		if (!frames++ && id) {
			*idlen = n;
			memcpy(id, buf, n);
		}
		KZ_CHECK(!zmq_getsockopt(z, ZMQ_RCVMORE, &more, &len));
	}
	return frames;
}

static void zput(void *z, const void *data, size_t len, int flags)
{
	if (zmq_send(z, data, len, flags) != (int)len)
		KZ_DIE("libzmq: %s", zmq_strerror(errno));
}

/* One message each of: short, several frames, long length; maybe large */
static void talk(void *from, void *to, const char *id, size_t idlen, bool big)
{
	static char body[BIG];
	int i;

	fill(body, sizeof(body), 7);
	for (i = 0; i < 3 + big; i++) {
		if (id)
			zput(from, id, idlen, ZMQ_SNDMORE);
		if (i == 0) {
			zput(from, "Ahello", 6, 0);
		} else if (i == 1) {
			zput(from, "A", 1, ZMQ_SNDMORE);
			zput(from, "", 0, ZMQ_SNDMORE);
			zput(from, "ccc", 3, 0);
		} else {
			body[0] = 'A';
			zput(from, body, i == 2 ? 300 : BIG, 0);
		}
		ztake(to, NULL, NULL);
	}
}

/* The connecting side asks, the other answers. */
static void talk_reqrep(void *bound, void *conn, bool router)
{
	char id[256];
	size_t idlen;
	int i;

	for (i = 0; i < 2; i++) {
		zput(conn, "question", 8, i ? ZMQ_SNDMORE : 0);
		if (i)
			zput(conn, "", 0, 0);
		ztake(bound, id, &idlen);
		if (router) {
			zput(bound, id, idlen, ZMQ_SNDMORE);
			zput(bound, "", 0, ZMQ_SNDMORE);
		}
		zput(bound, "answer", 6, 0);
		ztake(conn, NULL, NULL);
	}
}

static void talk_pubsub(void *pub, void *sub, int sub_type, bool big)
{
	long long end = kz_now_ms() + kz_ms(RECORD_MS);
	zmq_pollitem_t item = { .socket = sub, .events = ZMQ_POLLIN };

	if (sub_type == ZMQ_SUB) {
		KZ_CHECK(!zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "gone", 4));
		KZ_CHECK(!zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "gone", 4));
		KZ_CHECK(!zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "A", 1));
	} else {
		zput(sub, "\1gone", 5, 0);
		zput(sub, "\0gone", 5, 0);
		zput(sub, "own message", 11, 0);
		zput(sub, "\1A", 2, 0);
	}
	/* frames sent twice are written down once */
	do {
		if (kz_now_ms() > end)
			KZ_DIE("libzmq: nothing is published");
		zput(pub, "A", 1, 0);
	} while (zmq_poll(&item, 1, 5) != 1);
	while (zmq_poll(&item, 1, 0) == 1)
		ztake(sub, NULL, NULL);
	talk(pub, sub, NULL, 0, big);
}

static void talk_ping(struct relay *y)
{
	long long end = kz_now_ms() + kz_ms(RECORD_MS);

	while (!relay_saw(y, 0, "\4PING") || !relay_saw(y, 1, "\4PONG")) {
		KZ_CHECK(kz_now_ms() < end);
		poll(NULL, 0, 1);
	}
}

/* Where the frame at @at ends, 0 when it is cut. */
static __u32 frame_end(const struct session *s, __u32 at)
{
	const unsigned char *p = s->data + at;
	__u32 left = s->len - at, head = 2;
	__u64 size = 0;
	bool wide;

	if (left < 2)
		return 0;
	wide = s->ver == 1 ? p[0] == 0xff : p[0] & 2;
	if (wide) {
		if (left < 9)
			return 0;
		memcpy(&size, p + 1, 8);
		size = be64toh(size);
		head = 9;
	} else {
		size = s->ver == 1 ? p[0] : p[1];
		head = s->ver == 1 ? 1 : 2;
	}
	return size <= left - head ? at + head + size : 0;
}

/* Cut a session into frames; those that come twice in a row, but once. */
static void session_cut(struct session *s, __u32 greeting, int hs_frames)
{
	__u32 at = greeting, end, n;

	s->nseg = 0;
	if (greeting)
		s->seg[s->nseg++] = 0;
	s->seg[s->nseg] = at;
	s->body = s->nseg + hs_frames;
	while (s->nseg < SEGS_MAX && (end = frame_end(s, at))) {
		n = end - at;
		if (s->nseg && s->seg[s->nseg] - s->seg[s->nseg - 1] == n &&
		    !memcmp(s->data + at, s->data + s->seg[s->nseg - 1], n)) {
			memmove(s->data + at, s->data + end, s->len - end);
			s->len -= n;
			continue;
		}
		s->seg[++s->nseg] = end;
		at = end;
	}
	s->len = at;
}

static struct session *session_new(const void *data, size_t len, int type,
				   int ver)
{
	struct session *s = &corpus[corpus_len++];

	KZ_CHECK(corpus_len <= CORPUS_MAX);
	s->data = malloc(len + 1);
	KZ_CHECK(s->data);
	memcpy(s->data, data, len);
	s->len = len;
	s->type = type;
	s->ver = ver;
	return s;
}

/* What was recorded of one side */
static void session_keep(const void *data, size_t len, int type, int peer,
			 const char *what)
{
	struct session *s = session_new(data, len, type, 3);
	char *ping = memmem(data, len, "\4PING", 5);

	if (!ping)
		ping = memmem(data, len, "\4PONG", 5);
	/* how many came is a matter of time */
	if (ping)
		s->len = ping - (char *)data + ((unsigned char *)ping)[-1];
	snprintf(s->name, sizeof(s->name), "%s to %s%s", type_names[type],
		 type_names[peer], what);
	session_cut(s, 64, 1);
	KZ_CHECK(s->len > 64 && s->nseg >= 2 && s->data[10] == 3);
}

enum {
	WHAT_PLAIN, WHAT_BIG, WHAT_PING, WHAT_ID
};

static void record(void *ctx, int bound, int conn, int what)
{
	static const char * const names[] = { "", ", large", ", ping", ", id" };
	struct relay y = { .lock = PTHREAD_MUTEX_INITIALIZER };
	void *a = zopen(ctx, bound), *b = zopen(ctx, conn);
	char ep[EP_LEN], id[256];
	size_t len = sizeof(ep);
	int ivl = 10, never = 60000, i;

	for (i = 0; i < 2; i++)
		KZ_CHECK((y.data[i] = malloc(SIDE_MAX)));
	if (what == WHAT_PING) {
		zmq_setsockopt(b, ZMQ_HEARTBEAT_IVL, &ivl, sizeof(ivl));
		zmq_setsockopt(b, ZMQ_HEARTBEAT_TIMEOUT, &never, sizeof(never));
	}
	if (what == WHAT_ID)
		zmq_setsockopt(b, ZMQ_ROUTING_ID, "myself", 6);
	KZ_CHECK(!zmq_bind(a, "tcp://127.0.0.1:*"));
	KZ_CHECK(!zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, ep, &len));
	y.to_port = ep_port(ep);
	y.listener = raw_listen(ep);
	KZ_CHECK(!pthread_create(&y.thread, NULL, relay_run, &y));
	KZ_CHECK(!zmq_connect(b, ep));
	if (what == WHAT_PING) {
		talk_ping(&y);
	} else if (conn == ZMQ_SUB || conn == ZMQ_XSUB) {
		talk_pubsub(a, b, conn, what == WHAT_BIG);
	} else if (conn == ZMQ_REQ) {
		talk_reqrep(a, b, bound == ZMQ_ROUTER);
	} else if (bound == ZMQ_ROUTER) {
		zput(b, "hello", 5, 0);
		ztake(a, id, &len);
		talk(b, a, NULL, 0, what == WHAT_BIG);
		talk(a, b, id, len, what == WHAT_BIG);
	} else {
		talk(b, a, NULL, 0, what == WHAT_BIG);
		if (bound != ZMQ_PULL)
			talk(a, b, NULL, 0, what == WHAT_BIG);
	}
	zmq_close(b);
	zmq_close(a);
	pthread_join(y.thread, NULL);
	close(y.listener);
	session_keep(y.data[0], y.len[0], conn, bound, names[what]);
	session_keep(y.data[1], y.len[1], bound, conn, names[what]);
	free(y.data[0]);
	free(y.data[1]);
}

static void by_hand(const char *name, int type, int ver, __u32 greeting,
		    int hs_frames, const void *data, size_t len)
{
	struct session *s = session_new(data, len, type, ver);

	snprintf(s->name, sizeof(s->name), "%s %s", type_names[type], name);
	session_cut(s, greeting, hs_frames);
	if (s->len != len)
		KZ_DIE("session '%s' has frames up to %u of %zu", s->name,
		       s->len, len);
}

/* Old versions, and commands which libzmq sends on no such occasion. */
static void make_old(int type)
{
	static const char cmds[] =
		"\4\16\5ERROR\7no such"
		"\4\13\4PING\0\12abcd"
		"\4\11\4PONGabcd"
		"\4\12\11SUBSCRIBE"
		"\4\13\11SUBSCRIBEA"
		"\4\14\6CANCELA\0\0\0\0"
		"\4\6\5HELLO"
		"\0\2\1A";
	char buf[1024] = SIG "\1", *p;

	buf[11] = type;
	memcpy(buf + 12, RAW_LIT("\0\2id\0\2\1A\1\1A\0\1b\2\0\0\0\0\0\0\0\3Ayz"));
	by_hand("2.0", type, 2, 12, 1, buf, 12 + 4 + 4 + 3 + 3 + 12);
	by_hand("1.0", type, 1, 0, 1,
		RAW_LIT("\3\0id\3\0\1A\2\1A\2\0b\377\0\0\0\0\0\0\0\4\0Ayz"));
	memset(buf, 0, sizeof(buf));
	memcpy(buf, SIG "\3\0NULL", 16);
	p = buf + 64;
	*p++ = 4;
	p++;
	p += sprintf(p, "\5READY\13Socket-Type") + 3;
	*p++ = strlen(type_names[type]);
	p += sprintf(p, "%s\10Identity", type_names[type]) + 3;
	*p++ = 2;
	p += sprintf(p, "id\10Resource") + 3;
	*p++ = 4;
	p += sprintf(p, "/a/b");
	buf[65] = p - buf - 66;
	memcpy(p, cmds, sizeof(cmds) - 1);
	by_hand("commands", type, 3, 64, 1, buf, p - buf + sizeof(cmds) - 1);
	buf[11] = 1;
	by_hand("3.1 commands", type, 3, 64, 1, buf, p - buf + sizeof(cmds) - 1);
}

void corpus_make(void)
{
	void *ctx = zmq_ctx_new();
	int type;

	KZ_CHECK(ctx);
	record(ctx, ZMQ_REP, ZMQ_REQ, WHAT_PLAIN);
	record(ctx, ZMQ_ROUTER, ZMQ_REQ, WHAT_PLAIN);
	record(ctx, ZMQ_ROUTER, ZMQ_DEALER, WHAT_PLAIN);
	record(ctx, ZMQ_ROUTER, ZMQ_DEALER, WHAT_ID);
	record(ctx, ZMQ_ROUTER, ZMQ_DEALER, WHAT_BIG);
	record(ctx, ZMQ_ROUTER, ZMQ_DEALER, WHAT_PING);
	record(ctx, ZMQ_DEALER, ZMQ_DEALER, WHAT_PLAIN);
	record(ctx, ZMQ_PUB, ZMQ_SUB, WHAT_PLAIN);
	record(ctx, ZMQ_PUB, ZMQ_SUB, WHAT_BIG);
	record(ctx, ZMQ_XPUB, ZMQ_SUB, WHAT_PLAIN);
	record(ctx, ZMQ_XPUB, ZMQ_XSUB, WHAT_PLAIN);
	record(ctx, ZMQ_PUB, ZMQ_XSUB, WHAT_PLAIN);
	record(ctx, ZMQ_PULL, ZMQ_PUSH, WHAT_PLAIN);
	record(ctx, ZMQ_PULL, ZMQ_PUSH, WHAT_BIG);
	record(ctx, ZMQ_PULL, ZMQ_PUSH, WHAT_PING);
	record(ctx, ZMQ_PAIR, ZMQ_PAIR, WHAT_PLAIN);
	record(ctx, ZMQ_PAIR, ZMQ_PAIR, WHAT_PING);
	zmq_ctx_term(ctx);
	for (type = ZMQ_PAIR; type <= ZMQ_XSUB; type++)
		make_old(type);
}

/* Two runs with the same number have the same cases for the same seed. */
__u64 corpus_hash(void)
{
	__u64 h = 0xcbf29ce484222325ull;
	__u32 i;
	int n;

	for (n = 0; n < corpus_len; n++)
		for (i = 0; i < corpus[n].len; i++)
			h = (h ^ corpus[n].data[i]) * 0x100000001b3ull;
	return h;
}
