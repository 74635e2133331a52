// SPDX-License-Identifier: MPL-2.0
/*
 * The calls that send.
 *
 * What a call has taken is in the kernel when it returns. No locks; any thread.
 */
#include <limits.h>

#include "lane.h"
#include "zl.h"

static int sent(ssize_t n)
{
	return n > INT_MAX ? INT_MAX : n;
}

static int send_buf(void *handle, const void *buf, size_t len, int flags)
{
	struct zl_sock *s = zl_sock_get(handle);
	ssize_t n;

	if (ZL_UNLIKELY(!s))
		return -1;
	if (ZL_UNLIKELY(atomic_load_explicit(&s->has_names,
					     memory_order_relaxed)))
		zl_names_retry(s);
	n = zl_lane_send(s, buf, len, flags);
	if (ZL_UNLIKELY(n < 0))
		n = zl_sock_fail(s, -n);
	zl_sock_put(s);
	return sent(n);
}

int zmq_send(void *handle, const void *buf, size_t len, int flags)
{
	return send_buf(handle, buf, len, flags);
}

int zmq_send_const(void *handle, const void *buf, size_t len, int flags)
{
	return send_buf(handle, buf, len, flags);
}

int zmq_msg_send(zmq_msg_t *msg, void *handle, int flags)
{
	struct zl_msg *m = (struct zl_msg *)msg;
	int n;

	if (!zl_msg_ok(m))
		return zl_fail(EFAULT);
	n = send_buf(handle, zl_msg_data(m), zl_msg_size(m), flags);
	if (n >= 0)
		zl_msg_clear(m);
	return n;
}

int zmq_sendmsg(void *handle, zmq_msg_t *msg, int flags)
{
	return zmq_msg_send(msg, handle, flags);
}

int zmq_sendiov(void *handle, struct iovec *iov, size_t count, int flags)
{
	struct zl_sock *s = zl_sock_get(handle);
	ssize_t n;

	if (!s)
		return -1;
	if (count && iov)
		n = zl_lane_sendv(s, iov, count, flags);
	else
		n = -EINVAL;
	if (n < 0)
		n = zl_sock_fail(s, -n);
	zl_sock_put(s);
	return sent(n);
}
