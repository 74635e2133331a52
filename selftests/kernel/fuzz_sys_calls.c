// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls. What they return counts them as successful, no more; -1
 * also where chance has called nothing.
 */
#include "fuzz_sys.h"

#include <linux/sockios.h>
#include <time.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

static long do_socket(struct rng *r)
{
	int type = SOCK_SEQPACKET, fd;

	if (pct(r, 10))
		type = rnd(r, 12);
	if (!rd.waits || pct(r, 50))
		type |= SOCK_NONBLOCK;
	if (pct(r, 5))
		type |= 1 << rnd(r, 31);
	fd = socket(AF_ZMQ, type, pct(r, 95) ? rnd(r, 12) : (int)rnd64(r));
	if (fd >= 0 && pct(r, 50))
		zset(fd, ZMQ_LINGER, rnd(r, 100));
	keep_fd(r, fd);
	return fd;
}

static long do_pair(struct rng *r)
{
	int fd[2] = { -1, -1 };
	bool other = pct(r, 20);
	long ret = socketpair(other ? AF_UNIX : AF_ZMQ, SOCK_SEQPACKET,
			      other ? 0 : rnd(r, 13),
			      pct(r, 90) ? fd : any_ptr(r));

	keep_fd(r, fd[0]);
	keep_fd(r, fd[1]);
	return ret;
}

static long do_bind(struct rng *r)
{
	socklen_t len;
	void *sa = any_addr(r, &len);

	return bind(any_fd(r), sa, len);
}

static long do_connect(struct rng *r)
{
	socklen_t len;
	void *sa = any_addr(r, &len);

	return connect(any_fd(r), sa, len);
}

static long opt_get(struct rng *r, int lvl, int opt)
{
	socklen_t *len = some_mem(r, 0);

	*len = any_len(r);
	return syscall(SYS_getsockopt, any_fd(r), lvl, opt, any_ptr(r),
		       pct(r, 95) ? (void *)len : any_ptr(r));
}

static long opt_set(struct rng *r, int lvl, int opt)
{
	int *val = some_mem(r, 0);

	val[0] = pct(r, 60) ? (int)rnd(r, 4) - 1 : (int)rnd64(r) >> rnd(r, 31);
	val[1] = pct(r, 80) ? 0 : -1;
	if (pct(r, 70))
		return setsockopt(any_fd(r), lvl, opt, val, pct(r, 80) ? 4 : 8);
	return setsockopt(any_fd(r), lvl, opt, any_ptr(r), any_len(r));
}

static int zmq_opt(struct rng *r)
{
	if (pct(r, 70))
		return rnd(r, 118);
	if (pct(r, 20))
		return 1010 + rnd(r, 4);
	if (pct(r, 10))
		return ZMQ_CONTEXT;
	return pct(r, 80) ? 1000 + rnd(r, 8) : (int)rnd64(r);
}

static long do_getsockopt(struct rng *r)
{
	return opt_get(r, SOL_ZMQ, zmq_opt(r));
}

static long do_setsockopt(struct rng *r)
{
	char ep[EP_LEN];
	int opt = zmq_opt(r);

	if (pct(r, 25)) {
		opt = pct(r, 80) ? ZMQ_BIND + rnd(r, 4) : ZMQ_SUBSCRIBE;
		any_endpoint(r, ep, sizeof(ep));
		return setsockopt(any_fd(r), SOL_ZMQ, opt, ep,
				  strlen(ep) + rnd(r, 2));
	}
	return opt_set(r, SOL_ZMQ, opt);
}

static long do_getopt_any(struct rng *r)
{
	return opt_get(r, any_level(r), rnd(r, 80));
}

/* not the filters: they only keep out what should come in */
static long do_setopt_any(struct rng *r)
{
	int opt = rnd(r, 80), lvl = any_level(r);

	if (lvl == SOL_SOCKET && (opt == SO_DEBUG || opt == SO_RCVBUFFORCE ||
				  opt == SO_SNDBUFFORCE))
		return -1;
	return opt_set(r, lvl, opt);
}

static long do_send(struct rng *r)
{
	socklen_t len;
	void *sa;

	if (pct(r, 80))
		return send(any_fd(r), some_mem(r, 64), small_len(r),
			    any_msg_flags(r));
	sa = any_addr(r, &len);
	return sendto(any_fd(r), any_ptr(r), any_len(r), any_msg_flags(r),
		      pct(r, 50) ? sa : NULL, len);
}

static long do_recv(struct rng *r)
{
	if (pct(r, 80))
		return recv(any_fd(r), some_mem(r, 0), small_len(r),
			    any_msg_flags(r));
	return syscall(SYS_recvfrom, any_fd(r), any_ptr(r), any_len(r),
		       any_msg_flags(r), any_ptr(r), any_ptr(r));
}

static long do_sendmsg(struct rng *r)
{
	return sendmsg(any_fd(r), any_msg(r), any_msg_flags(r));
}

static long do_recvmsg(struct rng *r)
{
	return recvmsg(any_fd(r), any_msg(r), any_msg_flags(r));
}

static struct mmsghdr *any_mmsg(struct rng *r, unsigned int *n)
{
	struct mmsghdr *m = some_mem(r, 0);
	unsigned int i;

	*n = 1 + rnd(r, 8);
	for (i = 0; i < *n; i++) {
		struct msghdr *h = any_msg(r);

		if ((unsigned char *)h >= rd.area &&
		    (unsigned char *)h < rd.area + AREA - 4096)
			m[i].msg_hdr = *h;
	}
	if (pct(r, 5))
		*n = any_len(r);
	return pct(r, 95) ? m : any_ptr(r);
}

static long do_sendmmsg(struct rng *r)
{
	unsigned int n;
	struct mmsghdr *m = any_mmsg(r, &n);

	return syscall(SYS_sendmmsg, any_fd(r), m, n, any_msg_flags(r));
}

static long do_recvmmsg(struct rng *r)
{
	struct timespec ts = { .tv_nsec = rnd(r, 2000000) };
	unsigned int n;
	struct mmsghdr *m = any_mmsg(r, &n);

	return recvmmsg(any_fd(r), m, n, any_msg_flags(r),
			pct(r, 70) ? &ts : NULL);
}

static long do_ioctl(struct rng *r)
{
	/* none that looks for a device: that runs modprobe, which is slow */
	static const unsigned int cmds[] = {
		FIONREAD, TIOCOUTQ, FIONBIO, FIOASYNC, SIOCATMARK, SIOCGPGRP,
		SIOCGSTAMP_OLD, SIOCGIFCONF,
	};

	return ioctl(any_fd(r), pct(r, 90) ? cmds[rnd(r, 8)] :
		     0xa000 + rnd(r, 256), any_ptr(r));
}

static long do_poll(struct rng *r)
{
	struct pollfd p[8];
	int i, n = 1 + rnd(r, 7);

	for (i = 0; i < n; i++) {
		p[i].fd = any_fd(r);
		p[i].events = rnd64(r);
	}
	return poll(p, n, rnd(r, 3));
}

static long do_epoll(struct rng *r)
{
	struct epoll_event ev[8] = { { .events = rnd64(r) } };

	if (pct(r, 50))
		return epoll_wait(rd.ep_fd, ev, 8, rnd(r, 3));
	/* exclusive is refused for most */
	if (pct(r, 80))
		ev->events &= ~EPOLLEXCLUSIVE;
	return epoll_ctl(rd.ep_fd, 1 + rnd(r, 3), any_fd(r), ev);
}

static long do_splice(struct rng *r)
{
	int fd = any_fd(r), f = (pct(r, 80) ? SPLICE_F_NONBLOCK : 0) | rnd(r, 16);

	if (pct(r, 10))
		return tee(fd, rd.pipe_fd[1], any_len(r), f);
	if (pct(r, 50))
		return splice(fd, NULL, rd.pipe_fd[1], NULL, small_len(r), f);
	return splice(rd.pipe_fd[0], NULL, fd, NULL, any_len(r), f);
}

static long do_sendfile(struct rng *r)
{
	off_t off = rnd(r, 9000);

	return sendfile(any_fd(r), rd.file_fd, &off, any_len(r) & 0xffff);
}

static long do_vmsplice(struct rng *r)
{
	size_t n;
	struct iovec *iov = any_iov(r, &n);

	return vmsplice(rd.pipe_fd[rnd(r, 2)], iov, n,
			SPLICE_F_NONBLOCK | rnd(r, 16));
}

static long do_read(struct rng *r)
{
	if (pct(r, 80))
		return read(any_fd(r), some_mem(r, 0), small_len(r));
	if (pct(r, 50))
		return pread(any_fd(r), any_ptr(r), any_len(r), rnd(r, 9));
	return read(any_fd(r), any_ptr(r), any_len(r));
}

static long do_write(struct rng *r)
{
	if (pct(r, 80))
		return write(any_fd(r), some_mem(r, 64), small_len(r));
	return write(any_fd(r), any_ptr(r), any_len(r));
}

static long do_readv(struct rng *r)
{
	size_t n;
	struct iovec *iov = any_iov(r, &n);

	if (pct(r, 30))
		return preadv2(any_fd(r), iov, n, -1, rnd(r, 32));
	return readv(any_fd(r), iov, n);
}

static long do_writev(struct rng *r)
{
	size_t n;
	struct iovec *iov = any_iov(r, &n);

	if (pct(r, 30))
		return pwritev2(any_fd(r), iov, n, -1, rnd(r, 32));
	return writev(any_fd(r), iov, n);
}

static long do_fcntl(struct rng *r)
{
	static const int cmds[] = {
		F_GETFL, F_SETFL, F_SETFL, F_GETFD, F_GETOWN, F_SETOWN,
		F_SETSIG, F_SETLEASE, F_GETLK,
	};
	int cmd = cmds[rnd(r, 9)];
	long arg = pct(r, 70) ? O_RDWR | (rnd(r, 2) ? O_NONBLOCK : 0) : rnd(r, 99);

	/* a signal that nobody handles would end the round */
	if (cmd == F_SETSIG)
		arg = SIGALRM;
	if (cmd == F_SETOWN)
		arg = getpid();
	if (cmd == F_SETFL)
		arg &= ~O_ASYNC;
	return fcntl(any_fd(r), cmd, arg);
}

static long do_mmap(struct rng *r)
{
	void *p = mmap(NULL, 4096, rnd(r, 8), rnd(r, 2) ? MAP_SHARED : MAP_PRIVATE,
		       any_fd(r), 4096 * rnd(r, 3));

	if (p == MAP_FAILED)
		return -1;
	return munmap(p, 4096);
}

static long do_accept(struct rng *r)
{
	int fd = syscall(SYS_accept4, any_fd(r), any_ptr(r), any_ptr(r),
			 SOCK_NONBLOCK);

	keep_fd(r, fd);
	return fd;
}

static long do_listen(struct rng *r)
{
	return listen(any_fd(r), rnd(r, 200));
}

/* seldom: it ends a socket for good */
static long do_shutdown(struct rng *r)
{
	return pct(r, 15) ? shutdown(any_fd(r), rnd(r, 4)) : -1;
}

static long do_getname(struct rng *r)
{
	socklen_t *len = some_mem(r, 0);
	void *p = any_ptr(r);

	*len = any_len(r);
	return syscall(rnd(r, 2) ? SYS_getsockname : SYS_getpeername, any_fd(r),
		       p, pct(r, 95) ? (void *)len : any_ptr(r));
}

static long do_dup(struct rng *r)
{
	int to = *slot_fd(r);

	if (pct(r, 30) && to >= 0)
		return dup2(any_fd(r), to);
	to = dup(any_fd(r));
	keep_fd(r, to);
	return to;
}

static long do_fork(struct rng *r)
{
	pid_t pid;
	char c;

	if (!pct(r, 10))
		return -1;
	pid = fork();
	if (pid == 0) {
		send(any_fd(r), &pid, sizeof(pid), MSG_DONTWAIT | MSG_NOSIGNAL);
		recv(any_fd(r), &c, 1, MSG_DONTWAIT);
		close(any_fd(r));
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid;
}

static long do_close(struct rng *r)
{
	int fd = __atomic_exchange_n(slot_fd(r), -1, __ATOMIC_RELAXED);

	return fd >= 0 ? close(fd) : -1;
}

/* Descriptors in flight, the carrying sockets among them: cycles */
static long do_pass_fd(struct rng *r)
{
	union {
		struct cmsghdr c;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} u = { .c = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	int i, n = 1 + rnd(r, 4), *fd = (int *)CMSG_DATA(&u.c);
	struct iovec iov = { .iov_base = &n, .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	struct cmsghdr *c;
	ssize_t ret;

	u.c.cmsg_len = CMSG_LEN(n * sizeof(int));
	for (i = 0; i < n; i++)
		fd[i] = any_fd(r);
	if (pct(r, 60))
		return sendmsg(pct(r, 90) ? rd.unix_fd[rnd(r, 2)] : any_fd(r), &m,
			       MSG_DONTWAIT | MSG_NOSIGNAL);
	m.msg_controllen = sizeof(u);
	ret = recvmsg(rd.unix_fd[rnd(r, 2)], &m, MSG_DONTWAIT);
	c = ret >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return ret;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (i = 0; i < n; i++)
		keep_fd(r, ((int *)CMSG_DATA(c))[i]);
	return ret;
}

static long do_proc(struct rng *r)
{
	char buf[4096];

	return pread(rd.proc_fd, buf, 1 + rnd(r, sizeof(buf)), rnd(r, 2) * 50);
}

long (*const fuzz_calls[KIND_COUNT])(struct rng *r) = {
#define K_CALL(name) do_##name,
	KINDS(K_CALL)
};
