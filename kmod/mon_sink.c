// SPDX-License-Identifier: GPL-2.0
/*
 * Monitors as libzmq has them: messages from a PAIR, PUB or PUSH socket bound to
 * an inproc endpoint.
 *
 * Such a monitor has a ring like every other; instead of a file it has a socket
 * of our own, and a work item that makes messages of records and sends them.
 * When they find no room they stay in the ring, until the socket has some or the
 * ring is full. The monitored socket is never waited for nor waits.
 *
 * Locks: none of its own; the work item is the only reader of the ring.
 * References: a queued work item holds one; another is dropped by the work item
 * that finds the end and closes the socket.
 * Contexts: process; sink_wake() any.
 */
#include <linux/net.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <net/sock.h>

#include "ctx.h"
#include "endpoint.h"
#include "mon_format.h"
#include "monitor.h"

/**
 * struct kzmq_sink - where the events of a monitor go
 * @ref:     see above
 * @mon:     the monitor, one reference
 * @sock:    the socket that sends; NULL when it is closed
 * @work:    sends
 * @wait:    learns that there is room
 * @version: of the messages
 * @rec:     the record being sent
 */
struct kzmq_sink {
	refcount_t		ref;
	struct kzmq_mon		*mon;
	struct socket		*sock;
	struct work_struct	work;
	wait_queue_entry_t	wait;
	int			version;
	u8			rec[ZMQ_EVENT_MAX] __aligned(8);
};

static void sink_put(struct kzmq_sink *sink)
{
	if (!refcount_dec_and_test(&sink->ref))
		return;
	kzmq_mon_put(sink->mon);
	kfree(sink);
}

/**
 * kzmq_sink_kick - there is something to send, or the end has come
 * @sink: the sink
 *
 * Context: any.
 */
void kzmq_sink_kick(struct kzmq_sink *sink)
{
	refcount_inc(&sink->ref);
	if (!queue_work(kzmq_wq, &sink->work))
		sink_put(sink);
}

static int sink_wake(wait_queue_entry_t *wait, unsigned int mode, int sync,
		     void *key)
{
	if (key_to_poll(key) & EPOLLOUT)
		kzmq_sink_kick(container_of(wait, struct kzmq_sink, wait));
	return 0;
}

static int sink_send(struct kzmq_sink *sink)
{
	union {
		struct cmsghdr	h;
		u8		room[CMSG_SPACE(KZMQ_MON_FRAMES * sizeof(u32))];
	} u = {};
	struct msghdr m = {
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL, .msg_control = &u,
	};
	struct kvec kv[KZMQ_MON_FRAMES];
	struct kzmq_mon_msg msg;
	struct mem_cgroup *old;
	size_t len = 0;
	u32 *sizes, i;
	int err;

	err = kzmq_mon_format((struct zmq_event *)sink->rec, sink->version, &msg);
	if (err)
		return err;
	u.h.cmsg_level = SOL_ZMQ;
	u.h.cmsg_type = ZMQ_CMSG_FRAMES;
	u.h.cmsg_len = CMSG_LEN(msg.nr * sizeof(u32));
	m.msg_controllen = CMSG_SPACE(msg.nr * sizeof(u32));
	sizes = CMSG_DATA(&u.h);
	for (i = 0; i < msg.nr; i++) {
		kv[i].iov_base = (void *)msg.data[i];
		kv[i].iov_len = msg.len[i];
		sizes[i] = msg.len[i] | (i + 1 < msg.nr ? ZMQ_FRAME_MORE : 0);
		len += msg.len[i];
	}
	old = set_active_memcg(kzmq_sock_memcg(kzmq_sk(sink->sock->sk)));
	err = kernel_sendmsg(sink->sock, &m, kv, msg.nr, len);
	set_active_memcg(old);
	return min(err, 0);
}

/* What is queued still goes over to those who are connected. */
static void sink_close(struct kzmq_sink *sink)
{
	struct socket *sock = sink->sock;

	remove_wait_queue(sk_sleep(sock->sk), &sink->wait);
	sink->sock = NULL;
	sock_release(sock);
	sink_put(sink);
}

static void sink_work(struct work_struct *work)
{
	struct kzmq_sink *sink = container_of(work, struct kzmq_sink, work);
	bool end;
	int err, n;

	while (sink->sock) {
		n = kzmq_mon_peek(sink->mon, sink->rec, &end);
		if (!n && !end)
			break;
		err = n ? sink_send(sink) : -ENODATA;
		if (err == -EAGAIN && !end)
			break;
		/* At the end nobody waits for room. */
		if (err && end)
			sink_close(sink);
		else
			kzmq_mon_consume(sink->mon, err);
		cond_resched();
	}
	sink_put(sink);
}

/* A socket in the context of the monitored one */
static int sink_socket(struct kzmq_sock *zs, int type, const char *text,
		       size_t len, struct socket **res)
{
	struct kzmq_sock *own;
	struct kzmq_ctx *ctx;
	int err;

	err = __sock_create(zs->zn->net, kzmq_family, SOCK_SEQPACKET, type, res,
			    0);
	if (err)
		return err;
	own = kzmq_sk((*res)->sk);
	lock_sock(&zs->sk);
	ctx = zs->ctx;
	refcount_inc(&ctx->ref);
	release_sock(&zs->sk);
	swap(own->ctx, ctx);
	kzmq_ctx_put(ctx);
	err = kzmq_ep_bind(own, text, len);
	if (err)
		sock_release(*res);
	return err;
}

static int sink_start(struct kzmq_sock *zs, const struct zmq_monitor *a,
		      const char *text, size_t len)
{
	struct kzmq_sink *sink = kzalloc(sizeof(*sink), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!sink)
		return err;
	refcount_set(&sink->ref, 1);
	INIT_WORK(&sink->work, sink_work);
	init_waitqueue_func_entry(&sink->wait, sink_wake);
	sink->version = a->version;
	sink->mon = kzmq_mon_alloc(a->mask, ZMQ_MONITOR_BYTES);
	if (!sink->mon)
		goto err_free;
	err = sink_socket(zs, a->type, text, len, &sink->sock);
	if (err)
		goto err_mon;
	add_wait_queue(sk_sleep(sink->sock->sk), &sink->wait);
	err = kzmq_mon_join(zs, sink->mon, sink);
	if (err)
		sink_close(sink);
	return err;

err_mon:
	kzmq_mon_put(sink->mon);
err_free:
	kfree(sink);
	return err;
}

/**
 * kzmq_sink_set - setsockopt(ZMQ_MONITOR)
 * @zs:  the socket
 * @val: struct zmq_monitor and the text of an endpoint
 * @len: octets of both
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int kzmq_sink_set(struct kzmq_sock *zs, sockptr_t val, unsigned int len)
{
	static const char inproc[] = "inproc://";
	const struct zmq_monitor *a;
	const char *text;
	size_t n;
	int err;

	if (len < sizeof(*a) || len > sizeof(*a) + ZMQ_ENDPOINT_OPT_MAX)
		return -EINVAL;
	a = memdup_sockptr(val, len);
	if (IS_ERR(a))
		return PTR_ERR(a);
	text = (const char *)(a + 1);
	n = len - sizeof(*a);
	if (n && !text[n - 1])
		n--;
	err = -EINVAL;
	if (memchr(text, 0, n) || a->reserved || a->mask & ~(u64)ZMQ_EVENT_ALL)
		goto out;
	if (n) {
		if (a->version != 1 && a->version != 2)
			goto out;
		if (a->type != ZMQ_PAIR && a->type != ZMQ_PUB &&
		    a->type != ZMQ_PUSH)
			goto out;
		err = -EPROTONOSUPPORT;
		if (n < sizeof(inproc) - 1 ||
		    memcmp(text, inproc, sizeof(inproc) - 1))
			goto out;
	}
	kzmq_mon_end_sinks(zs);
	err = n ? sink_start(zs, a, text, n) : 0;
out:
	kfree(a);
	return err;
}
