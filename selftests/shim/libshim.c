// SPDX-License-Identifier: GPL-2.0
/* Which library this is; contexts, sockets, options, messages. */
#include "shim.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <time.h>

void z_die(const char *file, int line, const char *fmt, ...)
{
	int err = zmq_errno();
	va_list ap;

	fprintf(stderr, "# %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (errno %d %s)\n", err, zmq_strerror(err));
	_exit(254);
}

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#include <sys/syscall.h>

/* The harness ends a test this way, and nothing asks for leaks then. */
void _exit(int status)
{
	if (!status && __lsan_do_recoverable_leak_check())
		status = 1;
	for (;;)
		syscall(SYS_exit_group, status);
}
#endif

#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);

/*
 * For TSan a thread that is cancelled stays in the call that it waited in, and
 * no locks are seen which it takes in its handlers.
 */
const char *__tsan_default_suppressions(void)
{
	return "race:undo_wait\nrace:zl_undo_recv\n";
}
#endif

/* 0, or the errno of -1; nothing else is expected */
int z_err(long rc)
{
	if (rc == -1)
		return zmq_errno();
	return rc ? -1000 - rc : 0;
}

static const char *library(void)
{
	Dl_info info;

	if (!dladdr(dlsym(RTLD_DEFAULT, "zmq_version"), &info))
		Z_DIE("where is zmq_version()?");
	return info.dli_fname;
}

/* SHIM_LIB is the directory of ours; what really is loaded has to agree. */
void z_which(void)
{
	const char *dir = getenv("SHIM_LIB"), *lib = library();

	printf("# %s: %s, version %s\n", z_ours() ? "ours" : "stock", lib,
	       z_version());
	if (dir && strncmp(lib, dir, strlen(dir)))
		Z_DIE("the library should come from %s", dir);
}

bool z_ours(void)
{
	return getenv("SHIM_LIB");
}

const char *z_version(void)
{
	static char text[32];
	int a, b, c;

	zmq_version(&a, &b, &c);
	snprintf(text, sizeof(text), "%d.%d.%d", a, b, c);
	return text;
}

bool z_differs(int line, const char *reason)
{
	static const char *told[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(told) && told[i]; i++)
		if (told[i] == reason)
			return z_ours();
	if (i < ARRAY_SIZE(told))
		told[i] = reason;
	fprintf(stderr, "# line %d differs: %s\n", line, reason);
	return z_ours();
}

void *z_sym(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

int z_slow(void)
{
	const char *s = getenv("KZMQ_SLOW");
	int n = s ? atoi(s) : 1;

	return n < 1 ? 1 : n;
}

int z_ms(int ms)
{
	return ms * z_slow();
}

/* Of many alike, fewer where all is slow: a quarter, and with TSan less still. */
int z_less(int n)
{
	int by = z_slow() > 4 ? 4 : z_slow();

#ifdef __SANITIZE_THREAD__
	by *= 4;
#endif
	return n / by;
}

long long z_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* What the kernel's timers count from: the tick that has begun. */
long long z_tick_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void *xctx(void)
{
	void *ctx = zmq_ctx_new();

	if (!ctx)
		Z_DIE("no context");
	return ctx;
}

void xterm(void *ctx)
{
	if (zmq_ctx_term(ctx))
		Z_DIE("zmq_ctx_term");
}

/* No call on a socket made here waits for ever, nor does its close linger. */
void *xsock(void *ctx, int type)
{
	void *s = zmq_socket(ctx, type);

	if (!s)
		Z_DIE("socket type %d", type);
	xtimeo(s, z_ms(Z_WAIT_MS), z_ms(Z_WAIT_MS));
	xset(s, ZMQ_LINGER, 0);
	return s;
}

void xclose(void *s)
{
	if (zmq_close(s))
		Z_DIE("zmq_close");
}

void xbind(void *s, const char *ep)
{
	if (zmq_bind(s, ep))
		Z_DIE("bind %s", ep);
}

void xconnect(void *s, const char *ep)
{
	if (zmq_connect(s, ep))
		Z_DIE("connect %s", ep);
}

void xendpoint(void *s, char ep[EP_LEN])
{
	size_t len = EP_LEN;

	if (zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, ep, &len))
		Z_DIE("last endpoint");
}

/* "tcp", "ipc" or "inproc" */
void xbind_any(void *s, const char *transport, char ep[EP_LEN])
{
	static int count;

	if (!strcmp(transport, "inproc")) {
		snprintf(ep, EP_LEN, "inproc://%d-%d", getpid(),
			 __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST));
		xbind(s, ep);
		return;
	}
	xbind(s, !strcmp(transport, "ipc") ? "ipc://*" : "tcp://127.0.0.1:*");
	xendpoint(s, ep);
}

/* The first binds, the second connects. */
void xpair(void *ctx, const char *transport, int type_bind, int type_connect,
	   void *s[2])
{
	char ep[EP_LEN];

	s[0] = xsock(ctx, type_bind);
	s[1] = xsock(ctx, type_connect);
	xbind_any(s[0], transport, ep);
	xconnect(s[1], ep);
}

int zset(void *s, int opt, int val)
{
	return zmq_setsockopt(s, opt, &val, sizeof(val));
}

int zget(void *s, int opt)
{
	size_t len = sizeof(int);
	int val = -12345;

	if (zmq_getsockopt(s, opt, &val, &len))
		Z_DIE("getsockopt %d", opt);
	Z_CHECK(len == sizeof(val));
	return val;
}

void xset(void *s, int opt, int val)
{
	if (zset(s, opt, val))
		Z_DIE("setsockopt %d = %d", opt, val);
}

void xset_bytes(void *s, int opt, const void *data, size_t len)
{
	if (zmq_setsockopt(s, opt, data, len))
		Z_DIE("setsockopt %d, %zu octets", opt, len);
}

void xset_text(void *s, int opt, const char *text)
{
	xset_bytes(s, opt, text, strlen(text));
}

void xtimeo(void *s, int rcv_ms, int snd_ms)
{
	xset(s, ZMQ_RCVTIMEO, rcv_ms);
	xset(s, ZMQ_SNDTIMEO, snd_ms);
}

void xsends(void *s, const char *text, int flags)
{
	int len = strlen(text), n = zmq_send(s, text, len, flags);

	if (n != len)
		Z_DIE("send of %d octets gave %d", len, n);
}

/* One message of these frames, the list ends with NULL. */
void xsendv(void *s, ...)
{
	const char *text, *next;
	va_list ap;

	va_start(ap, s);
	for (text = va_arg(ap, const char *); text; text = next) {
		next = va_arg(ap, const char *);
		xsends(s, text, next ? ZMQ_SNDMORE : 0);
	}
	va_end(ap);
}

void xsend_size(void *s, size_t len, unsigned int seed, int flags)
{
	char *buf = malloc(len + 1);
	int n;

	Z_CHECK(buf);
	fill(buf, len, seed);
	n = zmq_send(s, buf, len, flags);
	if (n != (int)len)
		Z_DIE("send of %zu octets gave %d", len, n);
	free(buf);
}

/* the next frame is the one of xsend_size() */
bool z_recv_size(void *s, size_t len, unsigned int seed)
{
	char *buf = malloc(len + 64);
	int n;
	bool ok;

	Z_CHECK(buf);
	n = zmq_recv(s, buf, len + 64, 0);
	ok = n == (int)len && filled(buf, len, seed);
	if (n != (int)len)
		fprintf(stderr, "# %d octets, not %zu (%s)\n", n, len,
			n < 0 ? zmq_strerror(zmq_errno()) : "");
	free(buf);
	return ok;
}

static void show(const char *what, const char *s, int n, bool more)
{
	int i;

	fprintf(stderr, "#   %s [%d]%s ", what, n, more ? "+" : "");
	for (i = 0; i < n && i < 48; i++)
		fprintf(stderr, s[i] < 32 || s[i] > 126 ? "\\x%02x" : "%c",
			(unsigned char)s[i]);
	fprintf(stderr, "\n");
}

bool z_got(const char *file, int line, void *s, ...)
{
	const char *want, *next;
	char buf[4096];
	va_list ap;
	int n;

	va_start(ap, s);
	for (want = va_arg(ap, const char *); want; want = next) {
		next = va_arg(ap, const char *);
		n = zmq_recv(s, buf, sizeof(buf), 0);
		if (n < 0) {
			fprintf(stderr, "# %s:%d: recv: %s, wanted '%s'\n",
				file, line, zmq_strerror(zmq_errno()), want);
			break;
		}
		if (n == (int)strlen(want) && !memcmp(buf, want, n) &&
		    zget(s, ZMQ_RCVMORE) == !!next)
			continue;
		fprintf(stderr, "# %s:%d: wrong frame\n", file, line);
		show("got ", buf, n, zget(s, ZMQ_RCVMORE));
		show("want", want, strlen(want), next);
		break;
	}
	va_end(ap);
	return !want;
}

/* Nothing comes for a while. Prefer a marker message where one can be sent. */
bool z_quiet(const char *file, int line, void *s)
{
	zmq_pollitem_t p = { .socket = s, .events = ZMQ_POLLIN };
	char buf[256];
	int n;

	zmq_poll(&p, 1, z_ms(Z_QUIET_MS));
	n = zmq_recv(s, buf, sizeof(buf), ZMQ_DONTWAIT);
	if (n < 0 && zmq_errno() == EAGAIN)
		return true;
	fprintf(stderr, "# %s:%d: not quiet\n", file, line);
	if (n >= 0)
		show("got ", buf, n > 256 ? 256 : n, false);
	return false;
}

/* octets that no other thread has: TSan need not look at each */
__attribute__((no_sanitize("thread")))
void fill(void *buf, size_t len, unsigned int seed)
{
	unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (i * 7 + (i >> 8) * 13 + (i >> 16) * 31 + seed) & 0xff;
}

__attribute__((no_sanitize("thread")))
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
