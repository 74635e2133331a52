// SPDX-License-Identifier: GPL-2.0
/* Sockets, options, messages. */
#include "lib.h"

#include <stdarg.h>

#include <time.h>

void kz_die(const char *file, int line, const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "# %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (errno %d %s)\n", err, strerror(err));
	_exit(254);
}

int kz_slow(void)
{
	const char *s = getenv("KZMQ_SLOW");
	int n = s ? atoi(s) : 1;

	return n < 1 ? 1 : n;
}

int kz_ms(int ms)
{
	return ms * kz_slow();
}

/* Of many alike, a quarter where all is slow. */
int kz_less(int n)
{
	return kz_slow() > 1 ? n / 4 : n;
}

/* how long a test goes on that has no end of its own */
int kz_seconds(int otherwise)
{
	const char *s = getenv("ZMQ_SECONDS");
	int n = s ? atoi(s) : 0;

	return n > 0 ? n : otherwise;
}

long long kz_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/*
 * The same as of the last tick that the kernel has counted. Its timers go by
 * these, and where a machine was kept from running they lag behind the clock:
 * what has to last for some time is measured from here to kz_now_ms().
 */
long long kz_tick_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void *kz_badptr(void)
{
	return (void *)8;
}

int zsocket(int type)
{
	return socket(AF_ZMQ, SOCK_SEQPACKET | SOCK_CLOEXEC, type);
}

static socklen_t ep_addr(struct sockaddr_zmq *sa, const char *text)
{
	memset(sa, 0, sizeof(*sa));
	sa->szmq_family = AF_ZMQ;
	KZ_CHECK(strlen(text) < sizeof(sa->szmq_endpoint));
	strcpy(sa->szmq_endpoint, text);
	return sizeof(*sa);
}

int zbind(int fd, const char *text)
{
	struct sockaddr_zmq sa;
	socklen_t len = ep_addr(&sa, text);

	return bind(fd, (struct sockaddr *)&sa, len);
}

int zconnect(int fd, const char *text)
{
	struct sockaddr_zmq sa;
	socklen_t len = ep_addr(&sa, text);

	return connect(fd, (struct sockaddr *)&sa, len);
}

/* No call on a socket made here waits for ever, nor does its close linger. */
int xsocket(int type)
{
	int fd = zsocket(type);

	if (fd < 0)
		KZ_DIE("socket type %d", type);
	xtimeo(fd, kz_ms(KZ_WAIT_MS), kz_ms(KZ_WAIT_MS));
	xset(fd, ZMQ_LINGER, 0);
	return fd;
}

void xbind(int fd, const char *text)
{
	if (zbind(fd, text))
		KZ_DIE("bind %s", text);
}

void xbind_any(int fd, char ep[EP_LEN])
{
	socklen_t len = EP_LEN;

	xbind(fd, "tcp://127.0.0.1:*");
	if (getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len))
		KZ_DIE("last endpoint");
}

void xconnect(int fd, const char *text)
{
	if (zconnect(fd, text))
		KZ_DIE("connect %s", text);
}

void xunbind(int fd, const char *text)
{
	if (zset_text(fd, ZMQ_UNBIND, text))
		KZ_DIE("unbind %s", text);
}

void xdisconnect(int fd, const char *text)
{
	if (zset_text(fd, ZMQ_DISCONNECT, text))
		KZ_DIE("disconnect %s", text);
}

/* The first binds, the second connects; both have finished the handshake. */
void xpair(int type_bind, int type_connect, int fd[2])
{
	char ep[EP_LEN];

	fd[0] = xsocket(type_bind);
	fd[1] = xsocket(type_connect);
	xbind_any(fd[0], ep);
	xconnect(fd[1], ep);
	if (type_bind != ZMQ_STREAM)
		xpeers(fd[0], 1);
	xpeers(fd[1], 1);
}

void xclose(int fd)
{
	if (close(fd))
		KZ_DIE("close %d", fd);
}

int ep_port(const char *ep)
{
	const char *p = strrchr(ep, ':');

	KZ_CHECK(p);
	return atoi(p + 1);
}

int zset(int fd, int opt, int val)
{
	return setsockopt(fd, SOL_ZMQ, opt, &val, sizeof(val));
}

int zget(int fd, int opt)
{
	int val = -12345;
	socklen_t len = sizeof(val);

	if (getsockopt(fd, SOL_ZMQ, opt, &val, &len))
		KZ_DIE("getsockopt %d", opt);
	KZ_CHECK(len == sizeof(val));
	return val;
}

int zset_text(int fd, int opt, const char *text)
{
	return setsockopt(fd, SOL_ZMQ, opt, text, strlen(text));
}

void xset(int fd, int opt, int val)
{
	if (zset(fd, opt, val))
		KZ_DIE("setsockopt %d = %d", opt, val);
}

void xset_bytes(int fd, int opt, const void *data, size_t len)
{
	if (setsockopt(fd, SOL_ZMQ, opt, data, len))
		KZ_DIE("setsockopt %d, %zu octets", opt, len);
}

void xset_text(int fd, int opt, const char *text)
{
	xset_bytes(fd, opt, text, strlen(text));
}

void xtimeo(int fd, int rcv_ms, int snd_ms)
{
	xset(fd, ZMQ_RCVTIMEO, rcv_ms);
	xset(fd, ZMQ_SNDTIMEO, snd_ms);
}

void xsend(int fd, const void *data, size_t len, int flags)
{
	ssize_t n = send(fd, data, len, flags);

	if (n != (ssize_t)len)
		KZ_DIE("send of %zu octets gave %zd", len, n);
}

void xsends(int fd, const char *text, int flags)
{
	xsend(fd, text, strlen(text), flags);
}

static ssize_t vsendv(int fd, int flags, va_list ap)
{
	const char *s = va_arg(ap, const char *), *next;
	ssize_t n = 0;

	for (; s; s = next) {
		next = va_arg(ap, const char *);
		n = send(fd, s, strlen(s), flags | (next ? MSG_MORE : 0));
		if (n < 0)
			return n;
		KZ_CHECK(n == (ssize_t)strlen(s));
	}
	return n;
}

/* One message of these frames, the list ends with NULL. */
void xsendv(int fd, ...)
{
	va_list ap;

	va_start(ap, fd);
	if (vsendv(fd, 0, ap) < 0)
		KZ_DIE("send");
	va_end(ap);
}

ssize_t zsendv(int fd, int flags, ...)
{
	va_list ap;
	ssize_t n;

	va_start(ap, flags);
	n = vsendv(fd, flags, ap);
	va_end(ap);
	return n;
}

/* recv() that also tells whether the frame was the message's last. */
ssize_t zrecv(int fd, void *buf, size_t len, int flags, bool *eor)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long long start = kz_now_ms();
	ssize_t n = recvmsg(fd, &msg, flags);

	if (n >= 0 && woken_late(start, kz_ms(KZ_WAIT_MS)))
		KZ_DIE("received %zd octets at the time limit only", n);
	if (eor)
		*eor = n >= 0 && (msg.msg_flags & MSG_EOR);
	return n;
}

static void show(const char *what, const char *s, ssize_t n, bool more)
{
	ssize_t i;

	fprintf(stderr, "#   %s [%zd]%s ", what, n, more ? "+" : "");
	for (i = 0; i < n && i < 48; i++)
		fprintf(stderr, s[i] < 32 || s[i] > 126 ? "\\x%02x" : "%c",
			(unsigned char)s[i]);
	fprintf(stderr, "\n");
}

/* The next message has exactly these frames. */
bool kz_got(const char *file, int line, int fd, ...)
{
	const char *want, *next;
	char buf[4096];
	va_list ap;
	ssize_t n;
	bool eor;

	va_start(ap, fd);
	for (want = va_arg(ap, const char *); want; want = next) {
		next = va_arg(ap, const char *);
		n = zrecv(fd, buf, sizeof(buf), 0, &eor);
		if (n < 0) {
			fprintf(stderr, "# %s:%d: recv: %s, wanted '%s'\n",
				file, line, strerror(errno), want);
			break;
		}
		if (n == (ssize_t)strlen(want) && !memcmp(buf, want, n) &&
		    eor == !next)
			continue;
		fprintf(stderr, "# %s:%d: wrong frame\n", file, line);
		show("got ", buf, n, !eor);
		show("want", want, strlen(want), next);
		break;
	}
	va_end(ap);
	return !want;
}

/* Nothing comes for a while. Prefer a marker message where one can be sent. */
bool kz_quiet(const char *file, int line, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[256];
	ssize_t n;

	poll(&p, 1, kz_ms(KZ_QUIET_MS));
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return true;
	fprintf(stderr, "# %s:%d: not quiet\n", file, line);
	if (n >= 0)
		show("got ", buf, n, false);
	return false;
}

void fill(void *buf, size_t len, unsigned int seed)
{
	unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (i * 7 + (i >> 8) * 13 + (i >> 16) * 31 + seed) & 0xff;
}

bool filled(const void *buf, size_t len, unsigned int seed)
{
	const unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char want = (i * 7 + (i >> 8) * 13 + (i >> 16) * 31 +
				      seed) & 0xff;

		if (p[i] != want) {
			fprintf(stderr, "# octet %zu of %zu is %#x, not %#x\n",
				i, len, p[i], want);
			return false;
		}
	}
	return true;
}
