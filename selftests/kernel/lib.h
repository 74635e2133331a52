/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the AF_ZMQ selftests share. Functions whose name starts with x end the
 * test with a message when the call fails; the others return what the system
 * call returned. No function waits longer than a multiple of KZMQ_SLOW.
 */
#ifndef KZMQ_SELFTEST_LIB_H
#define KZMQ_SELFTEST_LIB_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/zmq.h>

#define EP_LEN		128
#define KZ_WAIT_MS	5000		/* for things that must happen */
#define KZ_QUIET_MS	150		/* for things that must not happen */

/* an address that no process has mapped, unknown to the compiler */
#define BADPTR		kz_badptr()

/*
 * As TEST_HARNESS_MAIN, but KZMQ_SLOW (an integer) stretches the time each
 * test may take, and what it is told to take comes on top.
 */
#define ZMQ_HARNESS_MAIN						\
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
		for (f = __fixture_list; f; f = f->next)		\
			for (t = f->tests; t; t = t->next)		\
				t->timeout = kz_ms(t->timeout) + kz_seconds(0); \
		return test_harness_run(argc, argv);			\
	}

/* TEST() with a time limit of its own, which the harness of 6.1 lacks */
#define KZ_TEST_TIMEOUT(test_name, tmout)				\
	static struct __test_metadata _##test_name##_object;		\
	static void __attribute__((constructor)) _limit_##test_name(void) \
	{								\
		_##test_name##_object.timeout = tmout;			\
	}								\
	TEST(test_name)

#define KZ_DIE(...)	kz_die(__FILE__, __LINE__, __VA_ARGS__)
#define KZ_CHECK(cond)							\
	do {								\
		if (!(cond))						\
			KZ_DIE("%s", #cond);				\
	} while (0)

/* the call fails with this errno */
#define EXPECT_ERR(err, call)						\
	do {								\
		errno = 0;						\
		EXPECT_EQ(-1, (long)(call));				\
		EXPECT_EQ(err, errno);					\
	} while (0)

/* the call returns 0 */
#define EXPECT_OK(call)							\
	do {								\
		errno = 0;						\
		EXPECT_EQ(0, (long)(call)) {				\
			TH_LOG("errno %d (%s)", errno, strerror(errno)); \
		}							\
	} while (0)

/* as EXPECT_OK, but ends the test */
#define ASSERT_OK(call)							\
	do {								\
		errno = 0;						\
		ASSERT_EQ(0, (long)(call)) {				\
			TH_LOG("errno %d (%s)", errno, strerror(errno)); \
		}							\
	} while (0)

#define EXPECT_GOT(fd, ...)						\
	EXPECT_TRUE(kz_got(__FILE__, __LINE__, fd, __VA_ARGS__, (char *)NULL))
#define ASSERT_GOT(fd, ...)						\
	ASSERT_TRUE(kz_got(__FILE__, __LINE__, fd, __VA_ARGS__, (char *)NULL))
#define EXPECT_QUIET(fd)						\
	EXPECT_TRUE(kz_quiet(__FILE__, __LINE__, fd))

/* lib.c */
void __attribute__((noreturn, format(printf, 3, 4)))
kz_die(const char *file, int line, const char *fmt, ...);
int kz_slow(void);
int kz_ms(int ms);
int kz_less(int n);
int kz_seconds(int otherwise);
long long kz_now_ms(void);
long long kz_tick_ms(void);
void *kz_badptr(void);

int zsocket(int type);
int zbind(int fd, const char *text);
int zconnect(int fd, const char *text);
int xsocket(int type);
void xbind(int fd, const char *text);
void xbind_any(int fd, char ep[EP_LEN]);
void xconnect(int fd, const char *text);
void xunbind(int fd, const char *text);
void xdisconnect(int fd, const char *text);
void xpair(int type_bind, int type_connect, int fd[2]);
void xclose(int fd);
int ep_port(const char *ep);

int zset(int fd, int opt, int val);
int zget(int fd, int opt);
int zset_text(int fd, int opt, const char *text);
void xset(int fd, int opt, int val);
void xset_bytes(int fd, int opt, const void *data, size_t len);
void xset_text(int fd, int opt, const char *text);
void xtimeo(int fd, int rcv_ms, int snd_ms);

void xsend(int fd, const void *data, size_t len, int flags);
void xsends(int fd, const char *text, int flags);
void xsendv(int fd, ...) __attribute__((sentinel));
ssize_t zsendv(int fd, int flags, ...) __attribute__((sentinel));
ssize_t zrecv(int fd, void *buf, size_t len, int flags, bool *eor);
bool kz_got(const char *file, int line, int fd, ...) __attribute__((sentinel));
bool kz_quiet(const char *file, int line, int fd);
void fill(void *buf, size_t len, unsigned int seed);
bool filled(const void *buf, size_t len, unsigned int seed);

/* libwait.c */
void xstats(int fd, struct zmq_stats *st);
bool wait_peers(int fd, unsigned int n, int ms);
void xpeers(int fd, unsigned int n);
void xtopics(int fd, int n);
bool wait_in_msgs(int fd, unsigned long long n, int ms);
bool wait_out_msgs(int fd, unsigned long long n, int ms);
bool woken_late(long long start, int ms);
int poll1(int fd, int events, int ms);
bool wait_ready(int fd, int events);
bool wait_exit(pid_t pid, int *status, int ms);
bool wait_blocked(pid_t tid, int ms);
bool wait_state(pid_t tid, char state, int ms);
long mib_sum(void);
long mib(const char *name);
bool wait_mib(const char *name, long n);
bool wait_mib_down(const char *name, long n);
void wait_address(const struct in6_addr *addr, int ifindex);
long mib_faults(void);
bool wait_fault(long before, int ms);
int sysctl_get(const char *name, long long *val);
int sysctl_set(const char *name, long long val);
void own_netns(void);

/* libcmsg.c */
ssize_t send_frames(int fd, const struct iovec *iov, int niov,
		    const __u32 *len, int nlen, int flags);
ssize_t recv_frames(int fd, void *buf, size_t size, __u32 *len, int *nlen,
		    int *flags);

/* libstuck.c */
struct stuck {
	int uffd;
	void *page;
};

struct stuck_dir {
	struct stuck s;
	const char *path;
	pthread_t lister, changer;
	pid_t tid;
};

bool stuck_page(struct stuck *s);
void stuck_met(struct stuck *s);
void stuck_end(struct stuck *s);
bool stuck_dir(struct stuck_dir *d, const char *path);
void stuck_dir_end(struct stuck_dir *d);

/* libraw.c: what is not AF_ZMQ */
struct raw_frame {
	unsigned char flags;
	unsigned long long size;
	unsigned char body[4096];
};

int raw_listen(char ep[EP_LEN]);
int raw_listen_port(int port);
int raw_accept(int fd);
int raw_connect(const char *ep);
void raw_write(int fd, const void *data, size_t len);
bool raw_try_write(int fd, const void *data, size_t len);
bool raw_read(int fd, void *data, size_t len);
bool raw_expect(int fd, const void *data, size_t len);
bool raw_closed(int fd);
bool raw_open(int fd);
void raw_greeting_of(int fd, int minor, const char *mechanism);
void raw_greeting(int fd, int minor);
void raw_command(int fd, const char *name, const void *data, size_t len);
void raw_ready(int fd, const char *type, const void *id, int id_len);
void raw_frame(int fd, int flags, const void *body, size_t len);
void raw_frame_long(int fd, int flags, unsigned long long size);
bool raw_read_greeting_of(int fd, const char *mechanism, bool server);
bool raw_read_greeting(int fd);
bool raw_read_frame(int fd, struct raw_frame *f);
bool raw_is_ready(const struct raw_frame *f, const char *type);
bool raw_handshake(int fd, int minor, const char *type, const char *peer);
int raw_peer(const char *ep, const char *type, const char *peer);

/* two arguments: octets and their number, the NUL left out */
#define RAW_LIT(s)	"" s, sizeof(s) - 1

#endif
