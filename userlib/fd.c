// SPDX-License-Identifier: MPL-2.0
/*
 * ZMQ_FD: a descriptor for programs that were written for libzmq's.
 *
 * It gets readable when the socket can newly be read or written, and stays so
 * until the program has looked at ZMQ_EVENTS or a call ended with EAGAIN. An
 * epoll set that watches the kernel's socket edge-triggered does that. The
 * level-triggered truth is the socket itself, ZMQ_FD_LEVEL.
 *
 * Locks: zl_sock.lock to make it. Any thread.
 */
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "zl.h"

/**
 * zl_fd_get - the descriptor, made when it is first asked for
 * @s: the socket
 *
 * Return: the descriptor, or a negative errno.
 */
int zl_fd_get(struct zl_sock *s)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int fd, err = 0;

	zl_no_dense(s, ZL_NODENSE_FD);
	pthread_mutex_lock(&s->lock);
	fd = s->epfd;
	if (fd < 0) {
		fd = epoll_create1(EPOLL_CLOEXEC);
		if (fd >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, s->fd, &ev)) {
			err = errno;
			close(fd);
		} else if (fd < 0) {
			err = errno;
		} else {
			s->epfd = fd;
			atomic_store(&s->has_epfd, true);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return err ? -err : fd;
}

/**
 * zl_fd_drain - the program is about to see what there is
 * @s: the socket
 *
 * To be called before it looks: what comes later makes the descriptor readable
 * again.
 */
void zl_fd_drain(struct zl_sock *s)
{
	struct epoll_event ev;

	/* not a point of cancellation */
	syscall(SYS_epoll_pwait, s->epfd, &ev, 1, 0, NULL, 8);
}

/**
 * zl_fd_close - the socket ends
 * @s: the socket
 */
void zl_fd_close(struct zl_sock *s)
{
	if (s->epfd >= 0)
		close(s->epfd);
}
