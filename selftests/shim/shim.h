/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of libzmq's interface share. Each program runs twice, with
 * libzmq and with userlib's libzmq.so.5, and expects the same of both; where it
 * cannot, DIFFERS() or SKIP_STOCK() print why.
 *
 * Functions whose name starts with x end the test with a message when the call
 * fails. No function waits longer than a multiple of KZMQ_SLOW.
 */
#ifndef KZMQ_SELFTEST_SHIM_H
#define KZMQ_SELFTEST_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ZMQ_BUILD_DRAFT_API
#include <zmq.h>

#define EP_LEN		256
#define Z_WAIT_MS	10000		/* for things that must happen; libzmq takes longer */
#define Z_QUIET_MS	150		/* for things that must not happen */
#define Z_WORK_MS	25000		/* for a thread that has much to do */

/* what the header of 4.3.4 lacks or has otherwise */
#ifndef ZMQ_BUSY_POLL
#define ZMQ_BUSY_POLL			113
#define ZMQ_HICCUP_MSG			114
#define ZMQ_XSUB_VERBOSE_UNSUBSCRIBE	115
#define ZMQ_TOPICS_COUNT		116
#endif
#ifndef ZMQ_FD_LEVEL
#define ZMQ_FD_LEVEL			1100
#endif
int zmq_ppoll(zmq_pollitem_t *items, int n, long timeout, const sigset_t *mask);
int zmq_disconnect_peer(void *s, unsigned int id);

/* As TEST_HARNESS_MAIN, but KZMQ_SLOW stretches the time a test may take. */
#define SHIM_HARNESS_MAIN						\
	static void __attribute__((constructor))			\
	__constructor_order_last(void)					\
	{								\
		if (!__constructor_order)				\
			__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD; \
	}								\
	int main(int argc, char **argv)					\
	{								\
		struct __fixture_metadata *f;				\
		struct __test_metadata *t;				\
									\
		setvbuf(stdout, NULL, _IOLBF, 0);			\
		z_which();						\
		for (f = __fixture_list; f; f = f->next)		\
			for (t = f->tests; t; t = t->next)		\
				t->timeout = z_ms(2 * t->timeout);	\
		return test_harness_run(argc, argv);			\
	}

#define Z_DIE(...)	z_die(__FILE__, __LINE__, __VA_ARGS__)
#define Z_CHECK(cond)							\
	do {								\
		if (!(cond))						\
			Z_DIE("%s", #cond);				\
	} while (0)

/* what to expect: of ours, of libzmq, and why not the same of both */
#define DIFFERS(ours, stock, reason)					\
	(z_differs(__LINE__, reason) ? (ours) : (stock))

#define SKIP_STOCK(reason)						\
	do {								\
		if (!z_ours())						\
			SKIP(return, "stock %s %s", z_version(), reason); \
	} while (0)

/* a function which libzmq has only when it is built with drafts */
#define FN(name)	((__typeof__(name) *)z_sym(#name))
#define NEED(name)							\
	do {								\
		if (!z_ours() && !z_sym(#name))				\
			SKIP(return, "stock %s has no %s", z_version(), #name); \
		ASSERT_NE(NULL, z_sym(#name));				\
	} while (0)

/*
 * The call fails with this errno; EXPECT_OK: it returns 0. A block may follow,
 * as with the harness's own, and what is printed is the errno.
 */
#define EXPECT_ERR(err, call)		EXPECT_EQ(err, (errno = 0, z_err(call)))
#define EXPECT_NULL_ERR(err, call)	\
	EXPECT_EQ(err, (errno = 0, z_err((call) ? 0 : -1)))
#define EXPECT_OK(call)			EXPECT_ERR(0, call)
#define ASSERT_OK(call)			ASSERT_EQ(0, (errno = 0, z_err(call)))

/* the next message has these frames */
#define EXPECT_GOT(s, ...)						\
	EXPECT_TRUE(z_got(__FILE__, __LINE__, s, __VA_ARGS__, (char *)NULL))
#define ASSERT_GOT(s, ...)						\
	ASSERT_TRUE(z_got(__FILE__, __LINE__, s, __VA_ARGS__, (char *)NULL))
#define EXPECT_QUIET(s)							\
	EXPECT_TRUE(z_quiet(__FILE__, __LINE__, s))

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

/* libshim.c */
void __attribute__((noreturn, format(printf, 3, 4)))
z_die(const char *file, int line, const char *fmt, ...);
void z_which(void);
int z_err(long rc);
bool z_ours(void);
const char *z_version(void);
bool z_differs(int line, const char *reason);
void *z_sym(const char *name);
int z_slow(void);
int z_ms(int ms);
int z_less(int n);
long long z_now_ms(void);
long long z_tick_ms(void);

void *xctx(void);
void xterm(void *ctx);
void *xsock(void *ctx, int type);
void xclose(void *s);
void xbind(void *s, const char *ep);
void xconnect(void *s, const char *ep);
void xendpoint(void *s, char ep[EP_LEN]);
void xbind_any(void *s, const char *transport, char ep[EP_LEN]);
void xpair(void *ctx, const char *transport, int type_bind, int type_connect,
	   void *s[2]);

int zset(void *s, int opt, int val);
int zget(void *s, int opt);
void xset(void *s, int opt, int val);
void xset_bytes(void *s, int opt, const void *data, size_t len);
void xset_text(void *s, int opt, const char *text);
void xtimeo(void *s, int rcv_ms, int snd_ms);

void xsends(void *s, const char *text, int flags);
void xsendv(void *s, ...) __attribute__((sentinel));
void xsend_size(void *s, size_t len, unsigned int seed, int flags);
bool z_recv_size(void *s, size_t len, unsigned int seed);
bool z_got(const char *file, int line, void *s, ...) __attribute__((sentinel));
bool z_quiet(const char *file, int line, void *s);
void fill(void *buf, size_t len, unsigned int seed);
bool filled(const void *buf, size_t len, unsigned int seed);

/* libwait.c */
int z_poll1(void *s, int events, int ms);
bool z_ready(void *s, int events);
void xjoined(void *pub, void *sub);
bool z_until(int ms, bool (*fn)(void *), void *arg);
bool z_asleep(pid_t tid, int ms);
bool z_exits(pid_t pid, int *status, int ms);

struct job {
	pthread_t thread;
	pid_t tid;		/* 0 until it runs */
	int (*fn)(void *arg);
	void *arg;
	int rc, err;
	bool done;
};

void xjob(struct job *j, int (*fn)(void *arg), void *arg);
void xjob_asleep(struct job *j);
void xjob_end(struct job *j);
void xno_restart(int sig);

/* libmon.c */
struct event {
	unsigned long long event, value[2], n;
	char local[EP_LEN], remote[EP_LEN];
};

int z_tcp(int listening, char ep[EP_LEN]);
void *xmonitor(void *ctx, void *s, int events, const char *name);
bool z_event(void *mon, struct event *e);
bool z_event_is(void *mon, unsigned long long want, struct event *e);

#endif
