// SPDX-License-Identifier: GPL-2.0
/* Pollers of ours over sockets and zmq_poll() of libzmq. */
#include <fcntl.h>

#include "lib.h"

static void *ctx, *poller, *a, *b;
static int fds[2];
static int mark[4];		/* their addresses are the user's data */

static void *sock(int type)
{
	void *s = zmq_socket(ctx, type);
	int zero = 0;

	CHECK(s);
	zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof(zero));
	return s;
}

/* Two PAIRs that are connected, a pipe, a poller with nothing in it */
static void begin(void)
{
	ctx = zmq_ctx_new();
	a = sock(ZMQ_PAIR);
	b = sock(ZMQ_PAIR);
	CHECK_EQ(zmq_bind(a, "inproc://a"), 0);
	CHECK_EQ(zmq_connect(b, "inproc://a"), 0);
	CHECK_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	poller = zmq_poller_new();
	CHECK(poller);
	CHECK_EQ(zmq_poller_size(poller), 0);
}

static void end(void)
{
	CHECK_EQ(zmq_poller_destroy(&poller), 0);
	CHECK(!poller);
	close(fds[0]);
	close(fds[1]);
	zmq_close(a);
	zmq_close(b);
	zmq_ctx_term(ctx);
}

#define IS(ev, sock_, fd_, data, bits) do {			\
	CHECK((ev).socket == (sock_));				\
	CHECK_EQ((ev).fd, fd_);					\
	CHECK((ev).user_data == (data));			\
	CHECK_EQ((ev).events, bits);				\
} while (0)

#define IS_NONE(ev)	IS(ev, NULL, -1, NULL, 0)

static void poller__no_poller(void)
{
	zmq_poller_event_t ev;
	void *none = NULL;
	int fd;

	begin();
	CHECK_ERR(zmq_poller_destroy(NULL), EFAULT);
	CHECK_ERR(zmq_poller_destroy(&none), EFAULT);
	CHECK_ERR(zmq_poller_size(NULL), EFAULT);
	CHECK_ERR(zmq_poller_add(NULL, a, NULL, ZMQ_POLLIN), EFAULT);
	CHECK_ERR(zmq_poller_modify(NULL, a, ZMQ_POLLIN), EFAULT);
	CHECK_ERR(zmq_poller_remove(NULL, a), EFAULT);
	CHECK_ERR(zmq_poller_add_fd(NULL, fds[0], NULL, ZMQ_POLLIN), EFAULT);
	CHECK_ERR(zmq_poller_modify_fd(NULL, fds[0], ZMQ_POLLIN), EFAULT);
	CHECK_ERR(zmq_poller_remove_fd(NULL, fds[0]), EFAULT);
	CHECK_ERR(zmq_poller_fd(NULL, &fd), EFAULT);
	CHECK_ERR(zmq_poller_wait_all(NULL, &ev, 1, 0), EFAULT);
	memset(&ev, 'x', sizeof(ev));
	CHECK_ERR(zmq_poller_wait(NULL, &ev, 0), EFAULT);
	IS_NONE(ev);
	/* no poller, but memory that can be looked at */
	memset(&ev, 'x', sizeof(ev));
	CHECK_ERR(zmq_poller_size(&ev), EFAULT);
	end();
}

static void poller__errors(void)
{
	zmq_poller_event_t ev;
	int fd;

	begin();
	CHECK_ERR(zmq_poller_add(poller, NULL, NULL, ZMQ_POLLIN), ENOTSOCK);
	CHECK_ERR(zmq_poller_modify(poller, NULL, ZMQ_POLLIN), ENOTSOCK);
	CHECK_ERR(zmq_poller_remove(poller, NULL), ENOTSOCK);
	CHECK_ERR(zmq_poller_add(poller, mark, NULL, ZMQ_POLLIN), ENOTSOCK);
	CHECK_ERR(zmq_poller_remove(poller, mark), ENOTSOCK);
	CHECK_ERR(zmq_poller_modify(poller, a, ZMQ_POLLIN), EINVAL);
	CHECK_ERR(zmq_poller_remove(poller, a), EINVAL);
	CHECK_ERR(zmq_poller_add(poller, a, NULL, 16), EINVAL);
	CHECK_ERR(zmq_poller_add(poller, a, NULL, -1), EINVAL);
	CHECK_ERR(zmq_poller_add_fd(poller, -1, NULL, ZMQ_POLLIN), EBADF);
	CHECK_ERR(zmq_poller_modify_fd(poller, -1, ZMQ_POLLIN), EBADF);
	CHECK_ERR(zmq_poller_remove_fd(poller, -1), EBADF);
	CHECK_ERR(zmq_poller_modify_fd(poller, fds[0], ZMQ_POLLIN), EINVAL);
	CHECK_ERR(zmq_poller_remove_fd(poller, fds[0]), EINVAL);
	CHECK_ERR(zmq_poller_add_fd(poller, fds[0], NULL, 16), EINVAL);
	CHECK_EQ(zmq_poller_size(poller), 0);
	CHECK_ERR(zmq_poller_fd(poller, NULL), EFAULT);
	CHECK_ERR(zmq_poller_fd(poller, &fd), EINVAL);
	CHECK_ERR(zmq_poller_wait_all(poller, NULL, 1, 0), EFAULT);
	CHECK_ERR(zmq_poller_wait_all(poller, &ev, -1, 0), EINVAL);
	CHECK_ERR(zmq_poller_wait(poller, NULL, 0), EFAULT);
	end();
}

static void poller__each_once(void)
{
	begin();
	CHECK_EQ(zmq_poller_add(poller, a, NULL, ZMQ_POLLIN), 0);
	CHECK_ERR(zmq_poller_add(poller, a, NULL, ZMQ_POLLOUT), EINVAL);
	CHECK_EQ(zmq_poller_add_fd(poller, fds[0], NULL, ZMQ_POLLIN), 0);
	CHECK_ERR(zmq_poller_add_fd(poller, fds[0], NULL, ZMQ_POLLIN), EINVAL);
	CHECK_EQ(zmq_poller_size(poller), 2);
	CHECK_ERR(zmq_poller_modify(poller, a, 16), EINVAL);
	CHECK_ERR(zmq_poller_modify_fd(poller, fds[0], 16), EINVAL);
	CHECK_EQ(zmq_poller_remove(poller, a), 0);
	CHECK_ERR(zmq_poller_remove(poller, a), EINVAL);
	CHECK_EQ(zmq_poller_size(poller), 1);
	CHECK_EQ(zmq_poller_remove_fd(poller, fds[0]), 0);
	CHECK_ERR(zmq_poller_remove_fd(poller, fds[0]), EINVAL);
	CHECK_EQ(zmq_poller_size(poller), 0);
	CHECK_EQ(zmq_poller_add(poller, a, NULL, ZMQ_POLLIN), 0);
	end();
}

static void poller__nothing_to_wait_for(void)
{
	zmq_poller_event_t ev;

	begin();
	CHECK_ERR(zmq_poller_wait(poller, &ev, -1), EFAULT);
	IS_NONE(ev);
	CHECK_ERR(zmq_poller_wait(poller, &ev, 0), EAGAIN);
	CHECK_ERR(zmq_poller_wait(poller, &ev, 1), EAGAIN);
	/* something, but no event of it is wanted */
	CHECK_EQ(zmq_poller_add(poller, a, NULL, 0), 0);
	CHECK_ERR(zmq_poller_wait(poller, &ev, -1), EFAULT);
	CHECK_ERR(zmq_poller_wait(poller, &ev, 1), EAGAIN);
	/* no room to tell it in */
	CHECK_EQ(zmq_poller_modify(poller, a, ZMQ_POLLOUT), 0);
	CHECK_ERR(zmq_poller_wait_all(poller, &ev, 0, 1), EAGAIN);
	CHECK_ERR(zmq_poller_wait_all(poller, &ev, 0, -1), EFAULT);
	end();
}

static void poller__socket_events(void)
{
	zmq_poller_event_t ev;
	char c;

	begin();
	CHECK_EQ(zmq_poller_add(poller, a, &mark[1], ZMQ_POLLIN), 0);
	memset(&ev, 'x', sizeof(ev));
	CHECK_ERR(zmq_poller_wait(poller, &ev, 0), EAGAIN);
	IS_NONE(ev);
	CHECK_EQ(zmq_send(b, "m", 1, 0), 1);
	CHECK_EQ(zmq_poller_wait(poller, &ev, PATIENCE), 0);
	IS(ev, a, -1, &mark[1], ZMQ_POLLIN);
	CHECK_EQ(zmq_poller_wait(poller, &ev, -1), 0);
	IS(ev, a, -1, &mark[1], ZMQ_POLLIN);
	CHECK_EQ(zmq_poller_modify(poller, a, ZMQ_POLLIN | ZMQ_POLLOUT), 0);
	CHECK_EQ(zmq_poller_wait(poller, &ev, 0), 0);
	IS(ev, a, -1, &mark[1], ZMQ_POLLIN | ZMQ_POLLOUT);
	CHECK_EQ(zmq_recv(a, &c, 1, 0), 1);
	CHECK_EQ(zmq_poller_wait(poller, &ev, 0), 0);
	IS(ev, a, -1, &mark[1], ZMQ_POLLOUT);
	CHECK_EQ(zmq_poller_remove(poller, a), 0);
	CHECK_ERR(zmq_poller_wait(poller, &ev, -1), EFAULT);
	end();
}

static void poller__fd_events(void)
{
	zmq_poller_event_t ev;

	begin();
	CHECK_EQ(zmq_poller_add_fd(poller, fds[0], &mark[2], ZMQ_POLLIN), 0);
	CHECK_ERR(zmq_poller_wait(poller, &ev, 0), EAGAIN);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(zmq_poller_wait(poller, &ev, PATIENCE), 0);
	IS(ev, NULL, fds[0], &mark[2], ZMQ_POLLIN);
	CHECK_EQ(zmq_poller_modify_fd(poller, fds[0], 0), 0);
	CHECK_ERR(zmq_poller_wait(poller, &ev, 0), EAGAIN);
	CHECK_EQ(zmq_poller_remove_fd(poller, fds[0]), 0);
	CHECK_EQ(zmq_poller_add_fd(poller, fds[1], &mark[3], ZMQ_POLLOUT), 0);
	CHECK_EQ(zmq_poller_wait(poller, &ev, 0), 0);
	IS(ev, NULL, fds[1], &mark[3], ZMQ_POLLOUT);
	end();
}

/* Events come in the order of adding, as many as fit, the rest is emptied. */
static void poller__many_events(void)
{
	zmq_poller_event_t ev[5];

	begin();
	CHECK_EQ(zmq_poller_add_fd(poller, fds[1], &mark[0], ZMQ_POLLOUT), 0);
	CHECK_EQ(zmq_poller_add(poller, a, &mark[1], ZMQ_POLLIN), 0);
	CHECK_EQ(zmq_poller_add(poller, b, &mark[2], ZMQ_POLLOUT), 0);
	memset(ev, 'x', sizeof(ev));
	CHECK_EQ(zmq_poller_wait_all(poller, ev, 5, PATIENCE), 2);
	IS(ev[0], NULL, fds[1], &mark[0], ZMQ_POLLOUT);
	IS(ev[1], b, -1, &mark[2], ZMQ_POLLOUT);
	IS_NONE(ev[2]);
	IS_NONE(ev[4]);
	CHECK_EQ(zmq_send(b, "m", 1, 0), 1);
	CHECK_EQ(zmq_poller_wait_all(poller, ev, 5, PATIENCE), 3);
	IS(ev[1], a, -1, &mark[1], ZMQ_POLLIN);
	memset(ev, 'x', sizeof(ev));
	CHECK_EQ(zmq_poller_wait_all(poller, ev, 2, PATIENCE), 2);
	IS(ev[1], a, -1, &mark[1], ZMQ_POLLIN);
	CHECK_EQ(ev[2].fd, 0x78787878);
	CHECK_EQ(zmq_poller_remove_fd(poller, fds[1]), 0);
	CHECK_EQ(zmq_poller_wait_all(poller, ev, 5, PATIENCE), 2);
	IS(ev[0], a, -1, &mark[1], ZMQ_POLLIN);
	IS(ev[1], b, -1, &mark[2], ZMQ_POLLOUT);
	end();
}

static void poller__grows(void)
{
	zmq_poller_event_t ev[40];
	int fd[40], i;

	begin();
	for (i = 0; i < 40; i++) {
		fd[i] = dup(fds[1]);
		CHECK_EQ(zmq_poller_add_fd(poller, fd[i], NULL, i % 2 ? ZMQ_POLLOUT : 0), 0);
	}
	CHECK_EQ(zmq_poller_size(poller), 40);
	CHECK_EQ(zmq_poller_wait_all(poller, ev, 40, 0), 20);
	for (i = 0; i < 20; i++)
		CHECK_EQ(ev[i].fd, fd[2 * i + 1]);
	for (i = 0; i < 40; i++)
		close(fd[i]);
	end();
}

static void poller__context_ends(void)
{
	zmq_poller_event_t ev;

	begin();
	CHECK_EQ(zmq_poller_add(poller, a, NULL, ZMQ_POLLIN), 0);
	CHECK_EQ(zmq_ctx_shutdown(ctx), 0);
	CHECK_ERR(zmq_poller_wait(poller, &ev, PATIENCE), ETERM);
	IS_NONE(ev);
	CHECK_EQ(zmq_poller_modify(poller, a, ZMQ_POLLOUT), 0);
	CHECK_EQ(zmq_poller_remove(poller, a), 0);
	end();
}

int main(void)
{
	RUN(poller__no_poller);
	RUN(poller__errors);
	RUN(poller__each_once);
	RUN(poller__nothing_to_wait_for);
	RUN(poller__socket_events);
	RUN(poller__fd_events);
	RUN(poller__many_events);
	RUN(poller__grows);
	RUN(poller__context_ends);
	return tap_done();
}
