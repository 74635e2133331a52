// SPDX-License-Identifier: MPL-2.0
/*
 * The calls that receive. No locks; any thread.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lane.h"
#include "zl.h"

static struct zl_sock *begin(void *handle)
{
	struct zl_sock *s = zl_sock_get(handle);

	if (s && ZL_UNLIKELY(atomic_load_explicit(&s->has_names,
						  memory_order_relaxed)))
		zl_names_retry(s);
	return s;
}

static int end(struct zl_sock *s, ssize_t n)
{
	if (ZL_UNLIKELY(n < 0))
		n = zl_sock_fail(s, -n);
	zl_sock_put(s);
	return n > INT_MAX ? INT_MAX : n;
}

int zmq_recv(void *handle, void *buf, size_t len, int flags)
{
	struct zl_sock *s = begin(handle);

	return s ? end(s, zl_lane_recv(s, buf, len, flags)) : -1;
}

int zmq_msg_recv(zmq_msg_t *msg, void *handle, int flags)
{
	struct zl_msg *m = (struct zl_msg *)msg;
	struct zl_sock *s;

	if (!zl_msg_ok(m))
		return zl_fail(EFAULT);
	s = begin(handle);
	if (!s)
		return -1;
	return end(s, zl_lane_recv_msg(s, m, flags));
}

int zmq_recvmsg(void *handle, zmq_msg_t *msg, int flags)
{
	return zmq_msg_recv(msg, handle, flags);
}

/* A copy which the program frees */
static int keep(struct iovec *to, struct zl_msg *m)
{
	size_t len = zl_msg_size(m);

	to->iov_base = malloc(len ? len : 1);
	if (!to->iov_base)
		return -ENOMEM;
	memcpy(to->iov_base, zl_msg_data(m), len);
	to->iov_len = len;
	return 0;
}

int zmq_recviov(void *handle, struct iovec *iov, size_t *count, int flags)
{
	struct zl_sock *s = begin(handle);
	size_t room, got = 0;
	struct zl_msg m;
	ssize_t n = 0;
	bool more = true;

	if (!s)
		return -1;
	if (!count || !*count || !iov)
		return end(s, -EINVAL);
	room = *count;
	*count = 0;
	while (more && got < room && n >= 0) {
		zl_msg_init(&m);
		n = zl_lane_recv_msg(s, &m, flags);
		if (n < 0)
			break;
		more = m.flags & ZL_MSG_MORE;
		n = keep(&iov[got], &m);
		zl_msg_clear(&m);
		if (n >= 0)
			*count = ++got;
	}
	return end(s, n < 0 ? n : (ssize_t)got);
}
