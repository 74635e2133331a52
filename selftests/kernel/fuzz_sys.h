/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer of system calls: which calls there are, what they work on. The
 * calls of a thread are a function of its seed; their luck is not, as the
 * threads of a round get in each other's way.
 */
#ifndef KZMQ_SELFTEST_FUZZ_SYS_H
#define KZMQ_SELFTEST_FUZZ_SYS_H

#include "fuzz.h"

#define FDS		28
#define AREA		(64 * 1024)

#define KINDS(K)							\
	K(socket) K(pair) K(bind) K(connect) K(getsockopt) K(setsockopt) \
	K(getopt_any) K(setopt_any) K(send) K(recv) K(sendmsg)		\
	K(recvmsg) K(sendmmsg) K(recvmmsg) K(ioctl) K(poll) K(epoll)	\
	K(splice) K(sendfile) K(vmsplice) K(read) K(write) K(readv)	\
	K(writev) K(fcntl) K(mmap) K(accept) K(listen) K(shutdown)	\
	K(getname) K(dup) K(fork) K(close) K(pass_fd) K(uring) K(proc)

enum kind {
#define K_ENUM(name) DO_##name,
	KINDS(K_ENUM)
	KIND_COUNT
};

/* fuzz_sys_calls.c: by kind */
extern long (*const fuzz_calls[KIND_COUNT])(struct rng *r);

/* fuzz_sys_uring.c */
long do_uring(struct rng *r);

/* What the threads of a round share; descriptors change under their feet. */
struct round {
	unsigned char *area;		/* the page behind it is not there */
	unsigned char *ro;
	int fd[FDS];
	int unix_fd[2], pipe_fd[2], ep_fd, file_fd, proc_fd;
	char ep[4][EP_LEN];
	bool waits;			/* calls may wait */
};

/* fuzz_sys_args.c */
extern struct round rd;

int any_fd(struct rng *r);
int *slot_fd(struct rng *r);
void keep_fd(struct rng *r, int fd);
size_t any_len(struct rng *r);
int small_len(struct rng *r);
void *any_ptr(struct rng *r);
void *some_mem(struct rng *r, size_t len);
int any_msg_flags(struct rng *r);
int any_level(struct rng *r);
const char *any_endpoint(struct rng *r, char *buf, size_t size);
void *any_addr(struct rng *r, socklen_t *len);
struct iovec *any_iov(struct rng *r, size_t *n);
struct msghdr *any_msg(struct rng *r);

#endif
