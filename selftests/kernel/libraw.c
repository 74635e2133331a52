// SPDX-License-Identifier: GPL-2.0
/* Peers made of plain TCP sockets and bytes. */
#include "lib.h"

#include <endian.h>

static void raw_addr(struct sockaddr_in *sin, int port)
{
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void raw_timeo(int fd)
{
	int ms = kz_ms(KZ_WAIT_MS), one = 1;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	KZ_CHECK(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	KZ_CHECK(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* A listener on 127.0.0.1; port 0 takes any. */
int raw_listen_port(int port)
{
	struct sockaddr_in sin;
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	KZ_CHECK(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	raw_addr(&sin, port);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 128))
		KZ_DIE("raw listener on port %d", port);
	raw_timeo(fd);
	return fd;
}

int raw_listen(char ep[EP_LEN])
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int fd = raw_listen_port(0);

	KZ_CHECK(!getsockname(fd, (struct sockaddr *)&sin, &len));
	snprintf(ep, EP_LEN, "tcp://127.0.0.1:%d", ntohs(sin.sin_port));
	return fd;
}

int raw_accept(int fd)
{
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (c < 0)
		KZ_DIE("accept");
	raw_timeo(c);
	return c;
}

int raw_connect(const char *ep)
{
	struct sockaddr_in sin;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	KZ_CHECK(fd >= 0);
	raw_timeo(fd);
	raw_addr(&sin, ep_port(ep));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)))
		KZ_DIE("raw connect to %s", ep);
	return fd;
}

/* False when the other side has gone. */
bool raw_try_write(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

void raw_write(int fd, const void *data, size_t len)
{
	if (!raw_try_write(fd, data, len))
		KZ_DIE("raw write of %zu octets", len);
}

bool raw_read(int fd, void *data, size_t len)
{
	ssize_t n = recv(fd, data, len, MSG_WAITALL);

	if (n == (ssize_t)len)
		return true;
	fprintf(stderr, "# raw: got %zd of %zu octets, %s\n", n, len,
		n < 0 ? strerror(errno) : "end");
	return false;
}

bool raw_expect(int fd, const void *data, size_t len)
{
	unsigned char buf[4096];
	size_t i;

	KZ_CHECK(len <= sizeof(buf));
	if (!raw_read(fd, buf, len))
		return false;
	if (!memcmp(buf, data, len))
		return true;
	fprintf(stderr, "# raw: got");
	for (i = 0; i < len && i < 80; i++)
		fprintf(stderr, " %02x", buf[i]);
	fprintf(stderr, "\n# raw: want");
	for (i = 0; i < len && i < 80; i++)
		fprintf(stderr, " %02x", ((const unsigned char *)data)[i]);
	fprintf(stderr, "\n");
	return false;
}

/* The other side ends the connection in time; what it sent before is eaten. */
bool raw_closed(int fd)
{
	char buf[65536];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), 0);
	while (n > 0);
	if (n == 0 || errno == ECONNRESET || errno == EPIPE)
		return true;
	fprintf(stderr, "# raw: not closed: %s\n", strerror(errno));
	return false;
}

/* The connection lives and is silent. */
bool raw_open(int fd)
{
	char c;

	poll1(fd, POLLIN, kz_ms(KZ_QUIET_MS));
	return recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

void raw_greeting_of(int fd, int minor, const char *mechanism)
{
	char g[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3";

	g[11] = minor;
	memcpy(g + 12, mechanism, strlen(mechanism));
	raw_write(fd, g, sizeof(g));
}

void raw_greeting(int fd, int minor)
{
	raw_greeting_of(fd, minor, "NULL");
}

void raw_frame_long(int fd, int flags, unsigned long long size)
{
	unsigned char h[9] = { flags };
	__u64 be = htobe64(size);

	memcpy(h + 1, &be, sizeof(be));
	raw_write(fd, h, sizeof(h));
}

void raw_frame(int fd, int flags, const void *body, size_t len)
{
	unsigned char h[2] = { flags, len };

	if (len > 255)
		raw_frame_long(fd, flags | 2, len);
	else
		raw_write(fd, h, sizeof(h));
	raw_write(fd, body, len);
}

void raw_command(int fd, const char *name, const void *data, size_t len)
{
	char body[4096];
	size_t n = strlen(name);

	KZ_CHECK(1 + n + len <= sizeof(body));
	body[0] = n;
	memcpy(body + 1, name, n);
	if (len)
		memcpy(body + 1 + n, data, len);
	raw_frame(fd, 4, body, 1 + n + len);
}

static size_t put_property(char *p, const char *name, const void *val,
			   size_t len)
{
	__u32 be = htobe32(len);
	size_t n = strlen(name);

	p[0] = n;
	memcpy(p + 1, name, n);
	memcpy(p + 1 + n, &be, sizeof(be));
	if (len)
		memcpy(p + 5 + n, val, len);
	return 5 + n + len;
}

/* READY; id_len -1 leaves Identity out, type NULL leaves Socket-Type out. */
void raw_ready(int fd, const char *type, const void *id, int id_len)
{
	char data[600];
	size_t n = 0;

	if (type)
		n = put_property(data, "Socket-Type", type, strlen(type));
	if (id_len >= 0)
		n += put_property(data + n, "Identity", id, id_len);
	raw_command(fd, "READY", data, n);
}

bool raw_read_greeting_of(int fd, const char *mechanism, bool server)
{
	char g[64], name[20] = { 0 };

	memcpy(name, mechanism, strlen(mechanism));
	if (!raw_read(fd, g, sizeof(g)))
		return false;
	return g[0] == '\xff' && g[9] == 0x7f && g[10] == 3 && g[11] == 1 &&
	       !memcmp(g + 12, name, 20) && g[32] == server;
}

bool raw_read_greeting(int fd)
{
	return raw_read_greeting_of(fd, "NULL", false);
}

bool raw_read_frame(int fd, struct raw_frame *f)
{
	unsigned char size;
	__u64 be;

	memset(f, 0, sizeof(*f));
	if (!raw_read(fd, &f->flags, 1))
		return false;
	if (f->flags & 2) {
		if (!raw_read(fd, &be, sizeof(be)))
			return false;
		f->size = be64toh(be);
	} else {
		if (!raw_read(fd, &size, 1))
			return false;
		f->size = size;
	}
	if (f->size > sizeof(f->body))
		return false;
	return !f->size || raw_read(fd, f->body, f->size);
}

bool raw_is_ready(const struct raw_frame *f, const char *type)
{
	char head[64] = "\5READY\13Socket-Type\0\0\0", *p = head + 21;

	*p++ = strlen(type);
	strcpy(p, type);
	p += strlen(type);
	return f->flags == 4 && f->size >= (size_t)(p - head) &&
	       !memcmp(f->body, head, p - head);
}

/* Both greetings and READYs; @type is ours, @peer what the other side says. */
bool raw_handshake(int fd, int minor, const char *type, const char *peer)
{
	struct raw_frame f;

	raw_greeting(fd, minor);
	if (!raw_read_greeting(fd))
		return false;
	raw_ready(fd, type, "", 0);
	return raw_read_frame(fd, &f) && raw_is_ready(&f, peer);
}

/* A ZMTP 3.1 connection to a bound AF_ZMQ socket, handshake done. */
int raw_peer(const char *ep, const char *type, const char *peer)
{
	int fd = raw_connect(ep);

	if (!raw_handshake(fd, 1, type, peer))
		KZ_DIE("handshake %s with %s", type, peer);
	return fd;
}
