// SPDX-License-Identifier: GPL-2.0
/*
 * CURVE's commands: their form; then whole handshakes and messages with libzmq
 * at the other end of a TCP connection, in both roles.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zmq.h>

#include "box.h"
#include "tap.h"
#include "zmtp_curve.h"

#define GREETING	64
#define PATIENCE	60	/* seconds; nothing here waits but for libzmq */

static const enum kzmq_cmd_id ids[] = {
	KZMQ_CMD_HELLO, KZMQ_CMD_WELCOME, KZMQ_CMD_INITIATE, KZMQ_CMD_READY,
	KZMQ_CMD_MESSAGE,
};

static void curve_begin__octets(void)
{
	static const u8 hello[80] = "\5HELLO\1\0";
	u8 out[KZMQ_CURVE_HELLO];

	memset(out, 0xee, sizeof(out));
	CHECK_EQ(kzmq_curve_begin(out, KZMQ_CMD_HELLO), 80);
	CHECK(!memcmp(out, hello, 80));
	CHECK_EQ(out[80], 0xee);
	CHECK_MEM(out, kzmq_curve_begin(out, KZMQ_CMD_WELCOME), "\7WELCOME");
	CHECK_MEM(out, kzmq_curve_begin(out, KZMQ_CMD_INITIATE), "\10INITIATE");
	CHECK_MEM(out, kzmq_curve_begin(out, KZMQ_CMD_READY), "\5READY");
	CHECK_MEM(out, kzmq_curve_begin(out, KZMQ_CMD_MESSAGE), "\7MESSAGE");
	CHECK_EQ(kzmq_curve_begin(out, KZMQ_CMD_PING), 0);
}

static void curve_check__sizes(void)
{
	static const struct {
		size_t least;
		bool more;
	} want[] = { { 200 }, { 168 }, { 257, true }, { 30, true }, { 33, true } };
	size_t i, j, n, name;
	u8 *body;
	bool ok;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		for (n = 0; n < 400; n++) {
			u8 all[400] = { 0 };

			name = kzmq_curve_begin(all, ids[i]);
			if (ids[i] == KZMQ_CMD_HELLO)
				name = 6;
			body = tap_dup(all, n);
			ok = n == want[i].least || (want[i].more && n > want[i].least);
			ret = kzmq_curve_check(body, n, ids[i]);
			CHECK_EQ(ret, n < name ? -ENOMSG : ok ? 0 : -EPROTO);
			for (j = 0; j < ARRAY_SIZE(ids); j++)
				CHECK(i == j || kzmq_curve_check(body, n, ids[j]) == -ENOMSG);
			free(body);
		}
	}
	CHECK_EQ(kzmq_curve_check((const u8 *)"\4PING", 5, KZMQ_CMD_PING), -EPROTO);
}

static void curve_check__version(void)
{
	u8 hello[KZMQ_CURVE_HELLO] = { 0 };
	int i;

	kzmq_curve_begin(hello, KZMQ_CMD_HELLO);
	for (i = 0; i < 256; i++) {
		hello[6] = (u8)i;
		CHECK_EQ(kzmq_curve_check(hello, sizeof(hello), KZMQ_CMD_HELLO),
			 i == 1 ? 0 : -EPROTO);
	}
	hello[6] = 1;
	for (i = 0; i < 256; i++) {
		hello[7] = (u8)i;
		CHECK_EQ(kzmq_curve_check(hello, sizeof(hello), KZMQ_CMD_HELLO),
			 i ? -EPROTO : 0);
	}
}

static void curve_nonce__octets(void)
{
	const u8 *sent = (const u8 *)"0123456789abcdef";
	u8 n[24];

#define NONCE(use, want) do {				\
	kzmq_curve_nonce(n, KZMQ_CURVE_N_##use, sent);	\
	CHECK_MEM(n, 24, want);				\
} while (0)
	NONCE(HELLO, "CurveZMQHELLO---01234567");
	NONCE(WELCOME, "WELCOME-0123456789abcdef");
	NONCE(COOKIE, "COOKIE--0123456789abcdef");
	NONCE(INITIATE, "CurveZMQINITIATE01234567");
	NONCE(VOUCH, "VOUCH---0123456789abcdef");
	NONCE(READY, "CurveZMQREADY---01234567");
	NONCE(CLIENT, "CurveZMQMESSAGEC01234567");
	NONCE(SERVER, "CurveZMQMESSAGES01234567");
	kzmq_curve_count(n, 0x0102030405060708ull);
	CHECK_MEM(n, 8, "\1\2\3\4\5\6\7\10");
	CHECK_EQ(kzmq_curve_counted(n), 0x0102030405060708ll);
}

static void curve_message__order(void)
{
	static const u64 at[] = { 0, 1, 2, 255, 256, U32_MAX, S64_MAX,
				  (u64)S64_MAX + 1, U64_MAX };
	u8 m[KZMQ_CURVE_MESSAGE] = "\7MESSAGE";
	size_t i, j;
	u64 nonce;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (j = 0; j < ARRAY_SIZE(at); j++) {
			kzmq_curve_count(m + 8, at[j]);
			CHECK_EQ(kzmq_curve_message(m, sizeof(m), at[i], &nonce),
				 j > i ? 0 : -EILSEQ);
			CHECK(nonce == at[j]);
		}
	}
	CHECK_EQ(kzmq_curve_message(m, sizeof(m) - 1, 0, &nonce), -EPROTO);
	CHECK_EQ(kzmq_curve_message(m, 8, 0, &nonce), -EPROTO);
	CHECK_EQ(kzmq_curve_message(m, 7, 0, &nonce), -ENOMSG);
	m[7]++;
	CHECK_EQ(kzmq_curve_message(m, sizeof(m), 0, &nonce), -ENOMSG);
}

/* ---- a peer of libzmq's ---- */

static const char meta[] = "\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0";
#define META	sizeof(meta)	/* its NUL is the last octet of a length */

struct side {
	int fd;
	u8 buf[1024];		/* body of the last frame received */
	size_t len;
	u8 k[32];		/* of the traffic */
	u64 out, in;		/* last nonces */
	enum kzmq_curve_use mine, theirs;
};

static bool get(struct side *s, void *p, size_t n)
{
	ssize_t r = recv(s->fd, p, n, MSG_WAITALL);

	if (r != (ssize_t)n)
		tap_fail(__FILE__, __LINE__, "%zd octets of %zu came", r, n);
	return r == (ssize_t)n;
}

static void greet(struct side *s, bool server)
{
	u8 g[GREETING] = { 0xff, [9] = 0x7f, [10] = 3, [11] = 1 };
	struct timeval tv = { .tv_sec = PATIENCE };

	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	memcpy(g + 12, "CURVE", 5);
	g[32] = server;
	CHECK_EQ(send(s->fd, g, sizeof(g), MSG_NOSIGNAL), sizeof(g));
	/* libzmq never says that it is the server */
	if (get(s, g, sizeof(g)))
		CHECK(!memcmp(g + 12, "CURVE", 6));
}

static void put(struct side *s, u8 flags, const void *body, size_t n)
{
	u8 h[KZMQ_HDR_MAX];
	size_t hn = kzmq_enc_header(h, KZMQ_VER_31, n, flags);

	CHECK_EQ(send(s->fd, h, hn, MSG_NOSIGNAL | MSG_MORE), hn);
	CHECK_EQ(send(s->fd, body, n, MSG_NOSIGNAL), n);
}

/* the next frame, which has these flags */
static bool take(struct side *s, u8 flags)
{
	struct kzmq_fhdr h;
	struct kzmq_dec d;
	bool done = false;
	u8 c;

	kzmq_dec_init(&d, KZMQ_VER_31);
	while (!done) {
		if (!get(s, &c, 1) || kzmq_dec_header(&d, &c, 1, &done, &h) < 0)
			return false;
	}
	CHECK_EQ(h.flags, flags);
	CHECK(h.size <= sizeof(s->buf));
	s->len = min_t(size_t, h.size, sizeof(s->buf));
	return get(s, s->buf, s->len);
}

static void say(struct side *s, const char *text)
{
	struct kzmq_curve_message *m = (void *)s->buf;
	size_t n = strlen(text);
	u8 nonce[24];

	kzmq_curve_begin(s->buf, KZMQ_CMD_MESSAGE);
	kzmq_curve_count(m->nonce, ++s->out);
	kzmq_curve_nonce(nonce, s->mine, m->nonce);
	s->buf[32] = 0;
	memcpy(s->buf + 33, text, n);
	kzmq_box_seal(m->tag, s->buf + 32, n + 1, nonce, s->k);
	put(s, 0, s->buf, n + 33);
}

static void hear(struct side *s, u8 flags, const char *text)
{
	struct kzmq_curve_message *m = (void *)s->buf;
	u8 nonce[24];

	if (!take(s, 0))
		return;
	CHECK_EQ(kzmq_curve_message(s->buf, s->len, s->in, &s->in), 0);
	kzmq_curve_nonce(nonce, s->theirs, m->nonce);
	CHECK_EQ(kzmq_box_open(m->tag + 16, m->tag, s->len - 16, nonce, s->k), 0);
	CHECK_EQ(s->buf[32], flags);
	CHECK(s->len == strlen(text) + 33 && !memcmp(s->buf + 33, text, s->len - 33));
}

static void talk(struct side *s, void *zs)
{
	char buf[32];

	say(s, "to libzmq");
	CHECK_EQ(zmq_recv(zs, buf, sizeof(buf), 0), 9);
	CHECK(!memcmp(buf, "to libzmq", 9));
	CHECK_EQ(zmq_send(zs, "first", 5, ZMQ_SNDMORE), 5);
	CHECK_EQ(zmq_send(zs, "", 0, 0), 0);
	hear(s, KZMQ_CURVE_F_MORE, "first");
	hear(s, 0, "");
}

static void *zsocket(void *ctx)
{
	void *zs = zmq_socket(ctx, ZMQ_DEALER);
	int ms = PATIENCE * 1000, none = 0;

	zmq_setsockopt(zs, ZMQ_RCVTIMEO, &ms, sizeof(ms));
	zmq_setsockopt(zs, ZMQ_SNDTIMEO, &ms, sizeof(ms));
	zmq_setsockopt(zs, ZMQ_LINGER, &none, sizeof(none));
	return zs;
}

static void send_hello(struct side *s, u8 k[32], const u8 server[32],
		       const u8 pub[32], const u8 sec[32])
{
	static const u8 zeros[64];
	struct kzmq_curve_hello h;
	u8 nonce[24];

	CHECK_EQ(kzmq_box_shared(k, server, sec), 0);
	kzmq_curve_begin((u8 *)&h, KZMQ_CMD_HELLO);
	memcpy(h.client, pub, 32);
	kzmq_curve_count(h.nonce, ++s->out);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_HELLO, h.nonce);
	kzmq_box_seal(h.box, zeros, sizeof(zeros), nonce, k);
	put(s, KZMQ_F_CMD, &h, sizeof(h));
}

static void send_initiate(struct side *s, const struct kzmq_curve_welcome_in *w,
			  const u8 server[32], const u8 pub[32],
			  const u8 sec[32])
{
	u8 long_pub[32], long_sec[32], k[32], nonce[24];
	u8 in[sizeof(struct kzmq_curve_initiate_in) + META];
	struct kzmq_curve_initiate_in *i = (void *)in;
	u8 out[KZMQ_CURVE_INITIATE + META];
	struct kzmq_curve_initiate *o = (void *)out;
	struct kzmq_curve_vouch_in v;

	kzmq_keypair(long_pub, long_sec);
	memcpy(i->client, long_pub, 32);
	memcpy(v.client, pub, 32);
	memcpy(v.server, server, 32);
	randombytes_buf(i->vouch.nonce, sizeof(i->vouch.nonce));
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_VOUCH, i->vouch.nonce);
	CHECK_EQ(kzmq_box_shared(k, w->server, long_sec), 0);
	kzmq_box_seal(i->vouch.box, (u8 *)&v, sizeof(v), nonce, k);
	memcpy(i->meta, meta, META);

	CHECK_EQ(kzmq_box_shared(s->k, w->server, sec), 0);
	kzmq_curve_begin(out, KZMQ_CMD_INITIATE);
	o->cookie = w->cookie;
	kzmq_curve_count(o->nonce, ++s->out);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_INITIATE, o->nonce);
	kzmq_box_seal(o->box, in, sizeof(in), nonce, s->k);
	put(s, KZMQ_F_CMD, out, sizeof(out));
}

/* the metadata a peer of ours sends of itself */
static void check_meta(const u8 *p, size_t n)
{
	struct kzmq_ready r;

	CHECK_EQ(kzmq_ready_parse(p, n, &r), 0);
	CHECK_EQ(r.type, KZMQ_TYPE_DEALER);
}

static void as_client(struct side *s, const u8 server[32])
{
	struct kzmq_curve_welcome *w = (void *)s->buf;
	struct kzmq_curve_ready *r = (void *)s->buf;
	struct kzmq_curve_welcome_in in;
	u8 pub[32], sec[32], k[32], nonce[24];

	s->mine = KZMQ_CURVE_N_CLIENT;
	s->theirs = KZMQ_CURVE_N_SERVER;
	greet(s, false);
	kzmq_keypair(pub, sec);
	send_hello(s, k, server, pub, sec);
	if (!take(s, KZMQ_F_CMD))
		return;
	CHECK_EQ(kzmq_curve_check(s->buf, s->len, KZMQ_CMD_WELCOME), 0);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_WELCOME, w->nonce);
	CHECK_EQ(kzmq_box_open((u8 *)&in, w->box, sizeof(w->box), nonce, k), 0);
	send_initiate(s, &in, server, pub, sec);
	if (!take(s, KZMQ_F_CMD))
		return;
	CHECK_EQ(kzmq_curve_check(s->buf, s->len, KZMQ_CMD_READY), 0);
	s->in = kzmq_curve_counted(r->nonce);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_READY, r->nonce);
	CHECK_EQ(kzmq_box_open(r->box + 16, r->box, s->len - sizeof(*r), nonce,
			       s->k), 0);
	check_meta(r->box + 16, s->len - sizeof(*r) - 16);
}

static void handshake__libzmq_is_server(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct side s = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	void *ctx = zmq_ctx_new(), *zs = zsocket(ctx);
	u8 pub[32], sec[32];
	char ep[64];
	size_t n = sizeof(ep);
	int on = 1;

	kzmq_keypair(pub, sec);
	CHECK_EQ(zmq_setsockopt(zs, ZMQ_CURVE_SERVER, &on, sizeof(on)), 0);
	CHECK_EQ(zmq_setsockopt(zs, ZMQ_CURVE_SECRETKEY, sec, 32), 0);
	CHECK_EQ(zmq_bind(zs, "tcp://127.0.0.1:*"), 0);
	CHECK_EQ(zmq_getsockopt(zs, ZMQ_LAST_ENDPOINT, ep, &n), 0);
	a.sin_port = htons((u16)atoi(strrchr(ep, ':') + 1));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(connect(s.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	as_client(&s, pub);
	if (!tap_bad)
		talk(&s, zs);
	close(s.fd);
	zmq_close(zs);
	zmq_ctx_term(ctx);
}

/* answers HELLO; the cookie holds what is needed later */
static void welcome(struct side *s, const u8 cookie_key[32], const u8 sec[32])
{
	const struct kzmq_curve_hello *h = (void *)s->buf;
	struct kzmq_curve_welcome_in in;
	struct kzmq_curve_cookie_in c;
	struct kzmq_curve_welcome w;
	u8 k[32], nonce[24], zeros[64];

	CHECK_EQ(kzmq_curve_check(s->buf, s->len, KZMQ_CMD_HELLO), 0);
	CHECK_EQ(kzmq_box_shared(k, h->client, sec), 0);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_HELLO, h->nonce);
	CHECK_EQ(kzmq_box_open(zeros, h->box, sizeof(h->box), nonce, k), 0);
	CHECK(sodium_is_zero(zeros, sizeof(zeros)));
	kzmq_keypair(in.server, c.secret);
	memcpy(c.client, h->client, 32);
	randombytes_buf(in.cookie.nonce, 16);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_COOKIE, in.cookie.nonce);
	kzmq_box_seal(in.cookie.box, (u8 *)&c, sizeof(c), nonce, cookie_key);

	kzmq_curve_begin((u8 *)&w, KZMQ_CMD_WELCOME);
	randombytes_buf(w.nonce, 16);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_WELCOME, w.nonce);
	kzmq_box_seal(w.box, (u8 *)&in, sizeof(in), nonce, k);
	put(s, KZMQ_F_CMD, &w, sizeof(w));
}

static void ready(struct side *s)
{
	u8 out[KZMQ_CURVE_READY + META], nonce[24];
	struct kzmq_curve_ready *r = (void *)out;

	kzmq_curve_begin(out, KZMQ_CMD_READY);
	kzmq_curve_count(r->nonce, ++s->out);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_READY, r->nonce);
	kzmq_box_seal(r->box, (const u8 *)meta, META, nonce, s->k);
	put(s, KZMQ_F_CMD, out, sizeof(out));
}

static void as_server(struct side *s, const u8 pub[32], const u8 sec[32],
		      const u8 client[32])
{
	const struct kzmq_curve_initiate *i = (void *)s->buf;
	u8 cookie_key[32], k[32], nonce[24], in[sizeof(s->buf)];
	const struct kzmq_curve_initiate_in *ii = (void *)in;
	struct kzmq_curve_cookie_in c;
	struct kzmq_curve_vouch_in v;

	s->mine = KZMQ_CURVE_N_SERVER;
	s->theirs = KZMQ_CURVE_N_CLIENT;
	randombytes_buf(cookie_key, sizeof(cookie_key));
	greet(s, true);
	if (!take(s, KZMQ_F_CMD))
		return;
	welcome(s, cookie_key, sec);
	if (!take(s, KZMQ_F_CMD))
		return;
	CHECK_EQ(kzmq_curve_check(s->buf, s->len, KZMQ_CMD_INITIATE), 0);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_COOKIE, i->cookie.nonce);
	CHECK_EQ(kzmq_box_open((u8 *)&c, i->cookie.box, sizeof(i->cookie.box),
			       nonce, cookie_key), 0);
	CHECK_EQ(kzmq_box_shared(s->k, c.client, c.secret), 0);
	s->in = kzmq_curve_counted(i->nonce);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_INITIATE, i->nonce);
	CHECK_EQ(kzmq_box_open(in, i->box, s->len - sizeof(*i), nonce, s->k), 0);
	CHECK(!memcmp(ii->client, client, 32));
	CHECK_EQ(kzmq_box_shared(k, ii->client, c.secret), 0);
	kzmq_curve_nonce(nonce, KZMQ_CURVE_N_VOUCH, ii->vouch.nonce);
	CHECK_EQ(kzmq_box_open((u8 *)&v, ii->vouch.box, sizeof(ii->vouch.box),
			       nonce, k), 0);
	CHECK(kzmq_box_same(v.client, c.client, 32));
	CHECK(kzmq_box_same(v.server, pub, 32));
	check_meta(ii->meta, s->len - KZMQ_CURVE_INITIATE);
	ready(s);
}

static void handshake__libzmq_is_client(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int l = socket(AF_INET, SOCK_STREAM, 0);
	u8 pub[32], sec[32], client[32], client_sec[32];
	void *ctx = zmq_ctx_new(), *zs = zsocket(ctx);
	socklen_t n = sizeof(a);
	struct side s = { 0 };
	char ep[64];

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(!bind(l, (struct sockaddr *)&a, sizeof(a)) && !listen(l, 1));
	CHECK(!getsockname(l, (struct sockaddr *)&a, &n));
	kzmq_keypair(pub, sec);
	kzmq_keypair(client, client_sec);
	CHECK_EQ(zmq_setsockopt(zs, ZMQ_CURVE_SERVERKEY, pub, 32), 0);
	CHECK_EQ(zmq_setsockopt(zs, ZMQ_CURVE_PUBLICKEY, client, 32), 0);
	CHECK_EQ(zmq_setsockopt(zs, ZMQ_CURVE_SECRETKEY, client_sec, 32), 0);
	snprintf(ep, sizeof(ep), "tcp://127.0.0.1:%d", ntohs(a.sin_port));
	CHECK_EQ(zmq_connect(zs, ep), 0);
	s.fd = accept(l, NULL, NULL);
	CHECK(s.fd >= 0);
	as_server(&s, pub, sec, client);
	if (!tap_bad)
		talk(&s, zs);
	close(s.fd);
	close(l);
	zmq_close(zs);
	zmq_ctx_term(ctx);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	RUN(curve_begin__octets);
	RUN(curve_check__sizes);
	RUN(curve_check__version);
	RUN(curve_nonce__octets);
	RUN(curve_message__order);
	if (!zmq_has("curve")) {
		printf("ok %d - handshakes # SKIP this libzmq has no CURVE\n",
		       ++tap_tests);
		return tap_done();
	}
	RUN(handshake__libzmq_is_server);
	RUN(handshake__libzmq_is_client);
	return tap_done();
}
