// SPDX-License-Identifier: GPL-2.0
/* What the threads of test_stress do: one call each, at random. */
#include "stress.h"

#include <sys/epoll.h>

#define PORT0		7000
#define BIG		200000
#define TYPES		12
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

int mail[2];

bool one_in(struct rng *r, unsigned int n)
{
	return !rnd(r, n);
}

int slot(struct rng *r)
{
	return FD0 + rnd(r, POOL);
}

static int type_of(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_ZMQ, ZMQ_TYPE, &type, &len))
		return -1;
	return type;
}

/* Types that talk to each other share two ports and names; some go astray. */
static const char *some_endpoint(struct rng *r, int fd, char text[EP_LEN])
{
	static const int group[TYPES] = {
		[ZMQ_PAIR] = 0, [ZMQ_PUB] = 1, [ZMQ_SUB] = 1, [ZMQ_XPUB] = 1,
		[ZMQ_XSUB] = 1, [ZMQ_REQ] = 2, [ZMQ_REP] = 2, [ZMQ_DEALER] = 2,
		[ZMQ_ROUTER] = 2, [ZMQ_PULL] = 3, [ZMQ_PUSH] = 3,
		[ZMQ_STREAM] = 4,
	};
	int type = type_of(fd), g = rnd(r, 5);
	socklen_t len = EP_LEN;

	if (one_in(r, 4) &&
	    !getsockopt(fd, SOL_ZMQ, ZMQ_LAST_ENDPOINT, text, &len) && *text)
		return text;
	if (type >= 0 && type < TYPES && !one_in(r, 10))
		g = group[type];
	if (type != ZMQ_STREAM && one_in(r, 3))
		snprintf(text, EP_LEN, "inproc://%d", g * 2 + rnd(r, 2));
	else
		snprintf(text, EP_LEN, "tcp://127.0.0.1:%d",
			 PORT0 + g * 2 + rnd(r, 2));
	return text;
}

int new_socket(struct rng *r)
{
	int fd = zsocket(rnd(r, TYPES));
	char text[EP_LEN];

	if (fd < 0)
		return fd;
	zset(fd, ZMQ_LINGER, rnd(r, 3) * 20);
	zset(fd, ZMQ_RECONNECT_IVL, 1 + rnd(r, 50));
	zset(fd, ZMQ_RCVTIMEO, rnd(r, 10));
	zset(fd, ZMQ_SNDTIMEO, rnd(r, 10));
	if (one_in(r, 2))
		zset(fd, ZMQ_RCVHWM, 1 + rnd(r, 20));
	if (one_in(r, 2))
		zset(fd, ZMQ_SNDHWM, 1 + rnd(r, 20));
	zset_text(fd, ZMQ_SUBSCRIBE, "");
	/* most find somebody soon */
	if (!one_in(r, 4))
		zbind(fd, some_endpoint(r, fd, text));
	if (!one_in(r, 4))
		zconnect(fd, some_endpoint(r, fd, text));
	return fd;
}

int into_pool(int fd, int to)
{
	int ret;

	if (fd < 0)
		return -1;
	ret = dup3(fd, to, O_CLOEXEC);
	close(fd);
	return ret < 0 ? -1 : 0;
}

static int op_socket(struct rng *r)
{
	return into_pool(new_socket(r), slot(r));
}

static int op_close(struct rng *r)
{
	int fd = slot(r), ret = close(fd);

	return one_in(r, 2) ? ret : into_pool(new_socket(r), fd);
}

static int op_dup(struct rng *r)
{
	int from = slot(r), to = slot(r);

	if (from == to)
		return 0;
	return dup3(from, to, O_CLOEXEC) < 0 ? -1 : 0;
}

static int op_bind(struct rng *r)
{
	char text[EP_LEN];
	int fd = slot(r);

	if (one_in(r, 8))
		return zbind(fd, "tcp://127.0.0.1:*");
	return zbind(fd, some_endpoint(r, fd, text));
}

static int op_connect(struct rng *r)
{
	char text[EP_LEN];
	int fd = slot(r);

	return zconnect(fd, some_endpoint(r, fd, text));
}

static int op_unbind(struct rng *r)
{
	char text[EP_LEN];
	int fd = slot(r);

	return zset_text(fd, ZMQ_UNBIND, some_endpoint(r, fd, text));
}

static int op_disconnect(struct rng *r)
{
	char text[EP_LEN];
	int fd = slot(r);

	return zset_text(fd, ZMQ_DISCONNECT, some_endpoint(r, fd, text));
}

static int op_shutdown(struct rng *r)
{
	if (!one_in(r, 4))
		return 0;
	return shutdown(slot(r), rnd(r, 3));
}

static const int all_opts[] = {
	ZMQ_AFFINITY, ZMQ_ROUTING_ID, ZMQ_SUBSCRIBE, ZMQ_UNSUBSCRIBE,
	ZMQ_SNDBUF, ZMQ_RCVBUF, ZMQ_RCVMORE, ZMQ_EVENTS, ZMQ_TYPE, ZMQ_LINGER,
	ZMQ_RECONNECT_IVL, ZMQ_BACKLOG, ZMQ_RECONNECT_IVL_MAX, ZMQ_MAXMSGSIZE,
	ZMQ_SNDHWM, ZMQ_RCVHWM, ZMQ_RCVTIMEO, ZMQ_SNDTIMEO, ZMQ_IPV4ONLY,
	ZMQ_LAST_ENDPOINT, ZMQ_ROUTER_MANDATORY, ZMQ_IMMEDIATE,
	ZMQ_XPUB_VERBOSE, ZMQ_IPV6, ZMQ_MECHANISM, ZMQ_PROBE_ROUTER,
	ZMQ_REQ_CORRELATE, ZMQ_REQ_RELAXED, ZMQ_CONFLATE, ZMQ_ROUTER_HANDOVER,
	ZMQ_TOS, ZMQ_CONNECT_ROUTING_ID, ZMQ_HANDSHAKE_IVL, ZMQ_XPUB_NODROP,
	ZMQ_XPUB_MANUAL, ZMQ_XPUB_WELCOME_MSG, ZMQ_STREAM_NOTIFY,
	ZMQ_INVERT_MATCHING, ZMQ_XPUB_VERBOSER, ZMQ_THREAD_SAFE,
	ZMQ_ROUTER_NOTIFY, ZMQ_XPUB_MANUAL_LAST_VALUE,
	ZMQ_ONLY_FIRST_SUBSCRIBE, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE,
	ZMQ_TOPICS_COUNT, ZMQ_RCVBATCH, ZMQ_STATS,
};

#define NOPTS	ARRAY_SIZE(all_opts)

static int op_setopt(struct rng *r)
{
	static const int val[] = { -1, 0, 1, 2, 5, 20, 100, 3000 };
	int opt = all_opts[rnd(r, NOPTS)], fd = slot(r);
	char text[8];
	__u64 big;

	switch (opt) {
	case ZMQ_SUBSCRIBE:
	case ZMQ_UNSUBSCRIBE:
	case ZMQ_ROUTING_ID:
	case ZMQ_CONNECT_ROUTING_ID:
	case ZMQ_XPUB_WELCOME_MSG:
		snprintf(text, sizeof(text), "%c", 'a' + rnd(r, 8));
		return zset_text(fd, opt, text);
	case ZMQ_AFFINITY:
	case ZMQ_MAXMSGSIZE:
		big = one_in(r, 2) ? ~0ULL : BIG / 2;
		return setsockopt(fd, SOL_ZMQ, opt, &big, sizeof(big));
	}
	return zset(fd, opt, val[rnd(r, 8)]);
}

static int op_getopt(struct rng *r)
{
	char buf[ZMQ_ENDPOINT_OPT_MAX];
	socklen_t len = sizeof(buf);

	return getsockopt(slot(r), SOL_ZMQ, all_opts[rnd(r, NOPTS)], buf, &len);
}

static int op_stats(struct rng *r)
{
	struct zmq_stats st;
	socklen_t len = sizeof(st);

	return getsockopt(slot(r), SOL_ZMQ, ZMQ_STATS, &st, &len);
}

static size_t some_size(struct rng *r)
{
	static const size_t size[] = { 0, 1, 20, 120, 200, 1900, 4000, 20000 };

	return one_in(r, 60) ? BIG : size[rnd(r, 8)];
}

static char *some_data(struct rng *r)
{
	static char data[4][BIG] = { "a", "b", "\1a", "" };

	return data[rnd(r, 4)];
}

static int some_flags(struct rng *r)
{
	return MSG_NOSIGNAL | (one_in(r, 2) ? MSG_DONTWAIT : 0);
}

static int op_send(struct rng *r)
{
	return send(slot(r), some_data(r), some_size(r), some_flags(r)) < 0 ?
	       -1 : 0;
}

static int op_send_more(struct rng *r)
{
	int fd = slot(r), n = rnd(r, 4), flags = some_flags(r);

	while (n--)
		if (send(fd, some_data(r), rnd(r, 3000), flags | MSG_MORE) < 0)
			return -1;
	return send(fd, some_data(r), some_size(r), flags) < 0 ? -1 : 0;
}

/* up to eight frames; some end a message */
static int op_send_frames(struct rng *r)
{
	int n = 1 + rnd(r, 8), i;
	struct iovec iov = { .iov_base = some_data(r) };
	__u32 len[8];

	for (i = 0; i < n; i++) {
		len[i] = rnd(r, 400);
		iov.iov_len += len[i];
		if (i < n - 1 && one_in(r, 3))
			len[i] |= ZMQ_FRAME_MORE;
	}
	return send_frames(slot(r), &iov, 1, len, n, some_flags(r)) < 0 ? -1 : 0;
}

static int op_sendmmsg(struct rng *r)
{
	struct iovec iov = { .iov_base = some_data(r), .iov_len = rnd(r, 900) };
	struct mmsghdr m[6] = { 0 };
	int i;

	for (i = 0; i < 6; i++) {
		m[i].msg_hdr.msg_iov = &iov;
		m[i].msg_hdr.msg_iovlen = 1;
	}
	return sendmmsg(slot(r), m, 6, some_flags(r)) < 0 ? -1 : 0;
}

static int recv_flags(struct rng *r)
{
	return (one_in(r, 4) ? 0 : MSG_DONTWAIT) | (one_in(r, 5) ? MSG_TRUNC : 0);
}

static int op_recv(struct rng *r)
{
	char buf[5000];

	return recv(slot(r), buf, rnd(r, sizeof(buf)), recv_flags(r)) < 0 ?
	       -1 : 0;
}

static int op_peek(struct rng *r)
{
	char buf[5000];

	return recv(slot(r), buf, rnd(r, sizeof(buf)),
		    recv_flags(r) | MSG_PEEK) < 0 ? -1 : 0;
}

static int op_recv_frames(struct rng *r)
{
	int n = rnd(r, 33), flags = recv_flags(r), fd = slot(r);
	char buf[20000];
	__u32 len[32];

	zset(fd, ZMQ_RCVBATCH, rnd(r, 20));
	return recv_frames(fd, buf, sizeof(buf), len, &n, &flags) < 0 ? -1 : 0;
}

static int op_recvmmsg(struct rng *r)
{
	struct timespec ts = { .tv_nsec = rnd(r, 5) * 1000000 };
	struct mmsghdr m[6] = { 0 };
	struct iovec iov[6];
	char buf[6][300];
	int i;

	for (i = 0; i < 6; i++) {
		iov[i].iov_base = buf[i];
		iov[i].iov_len = sizeof(buf[i]);
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	return recvmmsg(slot(r), m, 6, recv_flags(r) |
			(one_in(r, 2) ? MSG_WAITFORONE : 0),
			one_in(r, 2) ? &ts : NULL) < 0 ? -1 : 0;
}

static int op_poll(struct rng *r)
{
	struct pollfd p[4];
	int i;

	for (i = 0; i < 4; i++) {
		p[i].fd = slot(r);
		p[i].events = 1 + rnd(r, 7);
	}
	return poll(p, 4, rnd(r, 5)) < 0 ? -1 : 0;
}

/* the sockets may go while they are watched */
static int op_epoll(struct rng *r)
{
	struct epoll_event ev[8];
	int ep = epoll_create1(EPOLL_CLOEXEC), i, n = -1;

	if (ep < 0)
		return -1;
	for (i = 0; i < 4; i++) {
		ev[0].events = EPOLLIN | EPOLLOUT |
			       (one_in(r, 2) ? EPOLLET : 0) |
			       (one_in(r, 4) ? EPOLLONESHOT : 0);
		ev[0].data.u64 = i;
		if (!epoll_ctl(ep, EPOLL_CTL_ADD, slot(r), &ev[0]))
			n = 0;
	}
	if (!n && epoll_wait(ep, ev, 8, rnd(r, 5)) < 0)
		n = -1;
	i = errno;
	close(ep);
	errno = i;
	return n;
}

static int op_ioctl(struct rng *r)
{
	int n;

	return ioctl(slot(r), one_in(r, 2) ? FIONREAD : TIOCOUTQ, &n);
}

static int op_getsockname(struct rng *r)
{
	struct sockaddr_zmq sa;
	socklen_t len = sizeof(sa);

	return getsockname(slot(r), (struct sockaddr *)&sa, &len);
}

static int op_fcntl(struct rng *r)
{
	int fd = slot(r);

	if (one_in(r, 2))
		return fcntl(fd, F_SETOWN, getpid());
	return fcntl(fd, F_SETFL, (one_in(r, 2) ? O_ASYNC : 0) |
		     (one_in(r, 4) ? O_NONBLOCK : 0));
}

static int read_all(const char *path, struct rng *r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), n, ret = 0;
	char buf[4096];

	if (fd < 0)
		return -1;
	do
		n = read(fd, buf, 1 + rnd(r, sizeof(buf)));
	while (n > 0);
	if (n < 0)
		ret = -1;
	close(fd);
	return ret;
}

static int op_proc(struct rng *r)
{
	return read_all("/proc/net/zmq", r);
}

static int op_proc_stat(struct rng *r)
{
	return read_all("/proc/net/zmq_stat", r);
}

static int op_pass(struct rng *r)
{
	char c = 'x', control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
	int fd = slot(r);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	return sendmsg(mail[0], &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int op_take(struct rng *r)
{
	char c, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm;
	int fd;

	if (recvmsg(mail[1], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -1;
	cm = CMSG_FIRSTHDR(&msg);
	if (!cm)
		return 0;
	memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
	return into_pool(fd, slot(r));
}

/* somebody who connects, perhaps says half a greeting, and goes */
static int op_stranger(struct rng *r)
{
	static const char hello[] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL";
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT0 + rnd(r, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct linger hard = { .l_onoff = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret, err;

	if (fd < 0)
		return -1;
	ret = connect(fd, (struct sockaddr *)&sin, sizeof(sin));
	err = errno;
	if (!ret)
		send(fd, hello, rnd(r, sizeof(hello)), MSG_NOSIGNAL);
	if (one_in(r, 2))
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	errno = err;
	return ret;
}

const struct op ops[] = {
	{ "socket", op_socket, 6 },
	{ "close", op_close, 1 },
	{ "dup", op_dup, 1 },
	{ "bind", op_bind, 6 },
	{ "connect", op_connect, 10 },
	{ "unbind", op_unbind, 2 },
	{ "disconnect", op_disconnect, 3 },
	{ "shutdown", op_shutdown, 1 },
	{ "setsockopt", op_setopt, 12 },
	{ "getsockopt", op_getopt, 6 },
	{ "stats", op_stats, 3 },
	{ "send", op_send, 30 },
	{ "send-more", op_send_more, 12 },
	{ "send-frames", op_send_frames, 10 },
	{ "sendmmsg", op_sendmmsg, 6 },
	{ "recv", op_recv, 24 },
	{ "recv-peek", op_peek, 6 },
	{ "recv-frames", op_recv_frames, 10 },
	{ "recvmmsg", op_recvmmsg, 6 },
	{ "poll", op_poll, 6 },
	{ "epoll", op_epoll, 4 },
	{ "ioctl", op_ioctl, 2 },
	{ "getsockname", op_getsockname, 2 },
	{ "fcntl", op_fcntl, 2 },
	{ "proc-zmq", op_proc, 2 },
	{ "proc-zmq-stat", op_proc_stat, 1 },
	{ "pass-fd", op_pass, 2 },
	{ "take-fd", op_take, 2 },
	{ "stranger", op_stranger, 3 },
};

const int nr_ops = ARRAY_SIZE(ops);

#define ERESTARTSYS	512	/* no errno of user space */

/* Does an error make sense? */
bool expected(int op, int err)
{
	switch (err) {
	/*
	 * What ended a recvmmsg() that had received something is told by the
	 * next one, and Linux tells it as it was inside: "restart me".
	 */
	case ERESTARTSYS:
		return ops[op].fn == op_recvmmsg;
	case EAGAIN:
	case EINTR:
	case EBADF:		/* nothing in this place of the pool */
	case EINVAL:
	case EBADFD:
	case ESHUTDOWN:
	case EADDRINUSE:
	case EADDRNOTAVAIL:
	case ENOENT:
	case EOPNOTSUPP:
	case EPROTOTYPE:
	case EHOSTUNREACH:
	case EMSGSIZE:
	case ENOBUFS:
	case ENOMEM:
	case EPERM:		/* the same file twice in one epoll */
	case EEXIST:
	case EBUSY:		/* dup3() and open() at once */
	case ECONNREFUSED:	/* the stranger's */
	case ECONNRESET:
	case ETOOMANYREFS:
		return true;
	}
	return false;
}

/* One of them by its weight */
int some_op(struct rng *r)
{
	int i, at, sum = 0;

	for (i = 0; i < nr_ops; i++)
		sum += ops[i].weight;
	at = rnd(r, sum);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return i;
}
