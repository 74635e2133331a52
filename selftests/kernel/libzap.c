// SPDX-License-Identifier: GPL-2.0
/* ZAP handlers, and servers that ask them. */
#include "libzap.h"

int zap_context(void)
{
	socklen_t len = sizeof(int);
	int fd = xsocket(ZMQ_PAIR), ctx = -1;

	if (getsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT_NEW, &ctx, &len))
		KZ_DIE("ZMQ_CONTEXT_NEW");
	xclose(fd);
	return ctx;
}

/* In a context, or where every socket of the process is */
int zap_socket(int ctx, int type)
{
	int fd = xsocket(type);

	if (ctx >= 0)
		xset(fd, ZMQ_CONTEXT, ctx);
	return fd;
}

int zap_handler_in(int ctx, int type)
{
	int h = zap_socket(ctx, type);

	xtimeo(h, kz_ms(KZ_WAIT_MS), kz_ms(KZ_WAIT_MS));
	xbind(h, ZAP_NAME);
	return h;
}

int zap_handler(int type)
{
	return zap_handler_in(-1, type);
}

/* Of the domain "test"; WHERE may be NULL for any port of tcp. */
int zap_server(int type, const char *where, char ep[EP_LEN])
{
	int fd = xsocket(type);

	xset_text(fd, ZMQ_ZAP_DOMAIN, "test");
	if (where) {
		xbind(fd, where);
		strcpy(ep, where);
	} else {
		xbind_any(fd, ep);
	}
	return fd;
}

/* One frame. Octets, or -1. */
static int read_frame(int h, char *out, bool *last)
{
	ssize_t n = zrecv(h, out, ZAP_ROOM - 1, 0, last);

	if (n < 0)
		fprintf(stderr, "# no question: %s\n", strerror(errno));
	else
		out[n] = '\0';
	return n;
}

/* The next question, whole. */
bool zap_read(int h, struct zap_q *q)
{
	bool last = false, router = zget(h, ZMQ_TYPE) == ZMQ_ROUTER;
	char buf[ZAP_ROOM];

	memset(q, 0, sizeof(*q));
	if (router) {
		q->rid_len = read_frame(h, buf, &last);
		if (q->rid_len < 1 || last)
			return false;
		memcpy(q->rid, buf, q->rid_len);
		if (read_frame(h, buf, &last) || last)
			return false;
	}
	while (!last && q->n < ZAP_FRAMES) {
		q->len[q->n] = read_frame(h, q->f[q->n], &last);
		if (q->len[q->n] < 0)
			return false;
		q->n++;
	}
	return last;
}

/* As it is, behind the id of who has asked if @h is a ROUTER */
void zap_send(int h, const struct zap_q *q, const struct zap_part *f, int n)
{
	int i;

	if (q->rid_len)
		xsend(h, q->rid, q->rid_len, MSG_MORE);
	for (i = 0; i < n; i++)
		xsend(h, f[i].data, f[i].len, i + 1 < n ? MSG_MORE : 0);
}

/* A reply as it should be */
void zap_say(int h, const struct zap_q *q, const char *status, const char *user)
{
	struct zap_part f[] = {
		ZAP_PART(""), ZAP_PART("1.0"), { q->f[ZAP_ID], q->len[ZAP_ID] },
		{ status, strlen(status) }, ZAP_PART("why"),
		{ user, strlen(user) }, ZAP_PART(""),
	};
	int skip = q->rid_len ? 0 : 1;

	zap_send(h, q, f + skip, 7 - skip);
}

/*
 * A client that has said all of its handshake with NULL, in one piece: who is
 * refused may be so before READY has been looked at.
 */
int zap_raw(const char *ep)
{
	char all[64 + 41] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL";
	int raw = raw_connect(ep);

	memcpy(all + 64, "\4\47\5READY\13Socket-Type\0\0\0\4PUSH"
			 "\10Identity\0\0\0", 41);
	raw_write(raw, all, sizeof(all));
	return raw;
}

bool zap_frame_is(const struct zap_q *q, int i, const char *text)
{
	if (i < q->n && q->len[i] == (int)strlen(text) &&
	    !memcmp(q->f[i], text, q->len[i]))
		return true;
	fprintf(stderr, "# frame %d of %d: \"%s\", wanted \"%s\"\n", i, q->n,
		i < q->n ? q->f[i] : "", text);
	return false;
}
