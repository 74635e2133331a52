// SPDX-License-Identifier: GPL-2.0
/*
 * Monitors: files that tell what happens to a socket's connections.
 *
 * A monitor is a ring of octets, taken when it is opened. Whoever raises an event
 * copies a record into the ring of each monitor that wants it; a record that does
 * not fit is counted as lost. So nothing is allocated, nobody waits for a reader,
 * and nobody looks further than at kzmq_sock.mon_mask while there is no monitor.
 *
 * Life: the file holds one reference of the monitor, the socket's list another. A
 * monitor holds none of the socket, so it does not keep it: the end of the socket
 * (kzmq_mon_stop()) takes it off the list.
 *
 * Locks: kzmq_sock.mon_lock protects the list, kzmq_mon.lock the ring and the way
 * back to the socket; the first is taken outside the second. Readers take
 * kzmq_mon.read_lock, which is taken first of all: what stands in the ring stays
 * where it is until its reader has copied it.
 * Contexts: process.
 */
#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "conn.h"
#include "endpoint.h"
#include "monitor.h"
#include "transport.h"

/* Monitors of a socket */
#define MON_MAX		64

/**
 * struct kzmq_mon - one monitor
 * @ref:       its file and the socket's list
 * @node:      in kzmq_sock.mons while @zs is set
 * @zs:        the socket, NULL when it is gone; no reference
 * @mask:      events it wants
 * @lock:      protects the rest but @read_lock
 * @read_lock: held while a record is copied to the user
 * @wait:      readers
 * @seq:       number of the last event
 * @lost:      events lost since the last record
 * @head:      where the oldest record begins
 * @used:      octets in the ring
 * @size:      octets of the ring
 * @last:      ZMQ_EVENT_MONITOR_STOPPED is still to be told
 * @sink:      what sends the events, NULL for a file; does not change
 * @ring:      the records, one behind the other
 */
struct kzmq_mon {
	refcount_t		ref;
	struct list_head	node;
	struct kzmq_sock	*zs;
	u64			mask;
	spinlock_t		lock;		/* protects what is below */
	struct mutex		read_lock;	/* one reader at a time */
	wait_queue_head_t	wait;
	u64			seq;
	u64			lost;
	u32			head;
	u32			used;
	u32			size;
	bool			last;
	struct kzmq_sink	*sink;
	u8			*ring;
};

/**
 * struct mon_event - an event before it is a record
 * @e:      the fixed part
 * @rid:    routing id
 * @local:  text
 * @remote: text
 */
struct mon_event {
	struct zmq_event	e;
	const void		*rid;
	const char		*local;
	const char		*remote;
};

/**
 * kzmq_mon_put - drop a reference
 * @mon: the monitor
 *
 * Context: process, no lock held.
 */
void kzmq_mon_put(struct kzmq_mon *mon)
{
	if (!refcount_dec_and_test(&mon->ref))
		return;
	kvfree(mon->ring);
	kfree(mon);
}

/* Append to the ring; there is room. */
static void ring_put(struct kzmq_mon *mon, const void *p, u32 n)
{
	u32 at = (mon->head + mon->used) % mon->size;
	u32 first = min(n, mon->size - at);

	memcpy(mon->ring + at, p, first);
	memcpy(mon->ring, p + first, n - first);
	WRITE_ONCE(mon->used, mon->used + n);
}

/* Copy the first octets of the ring. */
static void ring_peek(const struct kzmq_mon *mon, void *p, u32 n)
{
	u32 first = min(n, mon->size - mon->head);

	memcpy(p, mon->ring + mon->head, first);
	memcpy(p + first, mon->ring, n - first);
}

/* Drop the oldest record. */
static void ring_drop(struct kzmq_mon *mon)
{
	u32 size;

	spin_lock(&mon->lock);
	ring_peek(mon, &size, sizeof(size));
	mon->head = (mon->head + size) % mon->size;
	WRITE_ONCE(mon->used, mon->used - size);
	spin_unlock(&mon->lock);
}

static void mon_wake(struct kzmq_mon *mon, __poll_t events)
{
	if (mon->sink)
		kzmq_sink_kick(mon->sink);
	else
		wake_up_interruptible_poll(&mon->wait, events);
}

static void mon_append(struct kzmq_mon *mon, struct mon_event *ev)
{
	struct zmq_event *e = &ev->e;

	spin_lock(&mon->lock);
	e->seq = ++mon->seq;
	e->lost = mon->lost;
	if (e->size > mon->size - mon->used) {
		mon->lost++;
		KZMQ_INC(mon->zs->zn, MON_LOST);
	} else {
		mon->lost = 0;
		ring_put(mon, e, sizeof(*e));
		ring_put(mon, ev->rid, e->rid_len);
		ring_put(mon, ev->local, e->local_len);
		ring_put(mon, ev->remote, e->remote_len);
	}
	spin_unlock(&mon->lock);
	mon_wake(mon, EPOLLIN | EPOLLRDNORM);
}

static void mon_raise(struct kzmq_sock *zs, struct mon_event *ev)
{
	struct zmq_event *e = &ev->e;
	struct kzmq_mon *mon;

	e->local_len = strlen(ev->local);
	e->remote_len = strlen(ev->remote);
	e->hdr = sizeof(*e);
	e->size = sizeof(*e) + e->rid_len + e->local_len + e->remote_len;
	KZMQ_INC(zs->zn, MON_EVENTS);
	spin_lock(&zs->mon_lock);
	e->time = ktime_get_ns();
	list_for_each_entry(mon, &zs->mons, node)
		if (mon->mask & e->event)
			mon_append(mon, ev);
	spin_unlock(&zs->mon_lock);
}

/* The routing id as it stands before messages, else the one the peer told */
static u8 mon_rid(struct kzmq_conn *conn, u8 *out)
{
	const struct kzmq_rid *rid = NULL;
	u8 len = 0;

	spin_lock_bh(&conn->zs->plock);
	if (conn->pipe)
		rid = conn->pipe->rid ?: conn->rx.peer;
	if (rid) {
		len = rid->len;
		memcpy(out, rid->id, len);
	}
	spin_unlock_bh(&conn->zs->plock);
	return len;
}

/**
 * __kzmq_mon_conn - raise an event of a connection
 * @conn:  the connection
 * @event: ZMQ_EVENT_...
 * @value: what goes with it
 * @err:   why, a negative errno or 0
 *
 * Context: process; see kzmq_mon_conn().
 */
noinline void __kzmq_mon_conn(struct kzmq_conn *conn, u32 event, u64 value,
			      int err)
{
	char local[KZMQ_URI_TCP_MAX] = "", remote[KZMQ_URI_TCP_MAX] = "";
	u8 rid[KZMQ_RID_MAX];
	struct mon_event ev = {
		.e.event = event,
		.e.value = value,
		.e.peer = conn->id,
		.e.error = -err,
		.e.flags = conn->bound ? ZMQ_EVENT_BOUND : 0,
		.rid = rid,
		.local = local,
		.remote = conn->bound ? remote : conn->ep->asked,
	};

	ev.e.rid_len = mon_rid(conn, rid);
	/* Of a connection that was never made only the goal is known. */
	if (conn->bound || conn->state != KZMQ_CONN_CONNECTING)
		conn->tr->text(conn->sock, false, local, sizeof(local));
	if (conn->bound)
		conn->tr->text(conn->sock, true, remote, sizeof(remote));
	mon_raise(conn->zs, &ev);
}

/**
 * __kzmq_mon_ep - raise an event of an endpoint
 * @ep:     the endpoint
 * @event:  ZMQ_EVENT_...
 * @handle: of the lower socket, 0 for none
 * @value:  what goes with it
 * @err:    why, a negative errno or 0
 *
 * Context: process; see kzmq_mon_ep().
 */
void __kzmq_mon_ep(struct kzmq_ep *ep, u32 event, u64 handle, u64 value,
		   int err)
{
	const char *text = ep->text && ep->text[0] ? ep->text : ep->asked;
	struct mon_event ev = {
		.e.event = event,
		.e.value = value,
		.e.peer = handle,
		.e.error = -err,
		.e.flags = ep->bound ? ZMQ_EVENT_BOUND : 0,
		.local = ep->bound ? text : "",
		.remote = ep->bound ? "" : text,
	};

	mon_raise(ep->zs, &ev);
}

/* What a peer did wrong in the handshake */
static u32 mon_fault_code(const struct kzmq_conn *conn)
{
	u32 code = READ_ONCE(conn->fault_code);

	if (code)
		return code;
	switch (READ_ONCE(conn->fault)) {
	case KZMQ_MIB_BAD_MECHANISM:
		return ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
	case KZMQ_MIB_BAD_COMMAND:
		return ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND;
	case KZMQ_MIB_BAD_HELLO:
		return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO;
	case KZMQ_MIB_BAD_WELCOME:
		return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME;
	case KZMQ_MIB_BAD_INITIATE:
		return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE;
	case KZMQ_MIB_BAD_READY:
		return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY;
	case KZMQ_MIB_BAD_SEALED:
		return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE;
	case KZMQ_MIB_BAD_SEQUENCE:
		return ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE;
	case KZMQ_MIB_BAD_KEYS:
		return ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE;
	case KZMQ_MIB_BAD_CRYPTO:
		return ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC;
	case KZMQ_MIB_BAD_METADATA:
	case KZMQ_MIB_BAD_TYPE:
		return ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA;
	case KZMQ_MIB_BAD_FRAME:
	case KZMQ_MIB_TOO_BIG:
		return ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED;
	}
	return ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED;
}

static void mon_conn_ends(struct kzmq_conn *conn, u32 event, u64 value, int err)
{
	if (kzmq_monitored(conn->zs, event))
		__kzmq_mon_conn(conn, event, value, err);
}

static void mon_handshake_failed(struct kzmq_conn *conn, int err)
{
	u32 code = mon_fault_code(conn);

	if (!READ_ONCE(conn->fault))
		mon_conn_ends(conn, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
			      -err, err);
	else if (code < ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED)
		mon_conn_ends(conn, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, code, err);
	else
		mon_conn_ends(conn, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, code,
			      err);
}

/**
 * __kzmq_mon_end - raise what the end of a connection means
 * @conn: the connection
 *
 * Context: see kzmq_mon_end().
 */
void __kzmq_mon_end(struct kzmq_conn *conn)
{
	int err = READ_ONCE(conn->err) ?: READ_ONCE(conn->why);

	if (conn->state == KZMQ_CONN_CONNECTING && !conn->bound) {
		mon_conn_ends(conn, ZMQ_EVENT_CLOSED, conn->id, err);
		return;
	}
	/* Nobody is told what the user did himself. */
	if (!err || conn->state == KZMQ_CONN_FIN)
		return;
	/* As libzmq does, when a box is wrong later too. */
	if ((conn->state < KZMQ_CONN_READY && !conn->raw) ||
	    (conn->seal && READ_ONCE(conn->fault)))
		mon_handshake_failed(conn, err);
	mon_conn_ends(conn, ZMQ_EVENT_DISCONNECTED, conn->id, err);
}

static void mon_set_mask(struct kzmq_sock *zs)
{
	struct kzmq_mon *mon;
	u64 mask = 0;

	list_for_each_entry(mon, &zs->mons, node)
		mask |= mon->mask;
	WRITE_ONCE(zs->mon_mask, mask & ZMQ_EVENT_ALL);
}

/* For these their socket is gone. */
static void mon_end(struct list_head *mons)
{
	struct kzmq_mon *mon, *tmp;

	list_for_each_entry_safe(mon, tmp, mons, node) {
		list_del_init(&mon->node);
		spin_lock(&mon->lock);
		WRITE_ONCE(mon->zs, NULL);
		/* Under the lock: a sink that sees the end may free itself. */
		mon_wake(mon, EPOLLIN | EPOLLRDNORM | EPOLLHUP | EPOLLRDHUP);
		spin_unlock(&mon->lock);
		kzmq_mon_put(mon);
	}
}

/**
 * kzmq_mon_stop - the socket is gone
 * @zs: the socket, to which nobody refers any more; mon_release() sees that
 *
 * Context: process.
 */
void kzmq_mon_stop(struct kzmq_sock *zs)
{
	mon_end(&zs->mons);
}

/**
 * kzmq_mon_end_sinks - end the monitors that send messages
 * @zs: the socket, held by a call
 *
 * Context: process.
 */
void kzmq_mon_end_sinks(struct kzmq_sock *zs)
{
	struct kzmq_mon *mon, *tmp;
	LIST_HEAD(ended);

	spin_lock(&zs->mon_lock);
	list_for_each_entry_safe(mon, tmp, &zs->mons, node) {
		if (!mon->sink)
			continue;
		list_move_tail(&mon->node, &ended);
		zs->nr_mons--;
	}
	mon_set_mask(zs);
	spin_unlock(&zs->mon_lock);
	mon_end(&ended);
}

/* The monitor's file is closed; the socket may be going at the same time. */
static int mon_release(struct inode *inode, struct file *file)
{
	struct kzmq_mon *mon = file->private_data;
	struct kzmq_sock *zs;

	spin_lock(&mon->lock);
	zs = mon->zs;
	if (zs && !refcount_inc_not_zero(&zs->sk.sk_refcnt))
		zs = NULL;
	spin_unlock(&mon->lock);
	if (zs) {
		spin_lock(&zs->mon_lock);
		list_del_init(&mon->node);
		zs->nr_mons--;
		mon_set_mask(zs);
		spin_unlock(&zs->mon_lock);
		kzmq_mon_put(mon);
		kzmq_sock_put(zs);
	}
	kzmq_mon_put(mon);
	return 0;
}

/* The end of the socket is the last record; it needs no room in the ring. */
static void mon_last(struct kzmq_mon *mon, struct zmq_event *e)
{
	memset(e, 0, sizeof(*e));
	e->size = sizeof(*e);
	e->hdr = sizeof(*e);
	e->event = ZMQ_EVENT_MONITOR_STOPPED;
	spin_lock(&mon->lock);
	e->seq = mon->seq + 1;
	e->lost = mon->lost;
	spin_unlock(&mon->lock);
	e->time = ktime_get_ns();
}

/**
 * kzmq_mon_peek - the next record, for a monitor without a file
 * @mon: the monitor
 * @rec: where to, ZMQ_EVENT_MAX octets
 * @end: set when the socket is gone
 *
 * Context: process; one at a time.
 * Return: octets, 0 when there is none.
 */
int kzmq_mon_peek(struct kzmq_mon *mon, void *rec, bool *end)
{
	struct zmq_event *e = rec;
	u32 used;

	spin_lock(&mon->lock);
	used = mon->used;
	*end = !mon->zs;
	if (used) {
		ring_peek(mon, e, sizeof(*e));
		ring_peek(mon, rec, e->size);
	}
	spin_unlock(&mon->lock);
	if (used)
		return e->size;
	if (!*end || !mon->last)
		return 0;
	mon_last(mon, e);
	return e->size;
}

/**
 * kzmq_mon_consume - done with the record that kzmq_mon_peek() gave
 * @mon:  the monitor
 * @lost: it could not be told
 *
 * Context: process; one at a time.
 */
void kzmq_mon_consume(struct kzmq_mon *mon, bool lost)
{
	spin_lock(&mon->lock);
	if (lost && mon->zs)
		KZMQ_INC(mon->zs->zn, MON_LOST);
	spin_unlock(&mon->lock);
	if (READ_ONCE(mon->used))
		ring_drop(mon);
	else
		mon->last = false;
}

static int mon_read_last(struct kzmq_mon *mon, struct iov_iter *to)
{
	struct zmq_event e;

	if (iov_iter_count(to) < sizeof(e))
		return -EMSGSIZE;
	mon_last(mon, &e);
	if (copy_to_iter(&e, sizeof(e), to) != sizeof(e))
		return -EFAULT;
	mon->last = false;
	return sizeof(e);
}

/* Return: octets of a record, 0 at the end, or a negative errno. */
static int mon_read_one(struct kzmq_mon *mon, struct iov_iter *to)
{
	struct zmq_event e;
	u32 used, first;
	bool end;

	spin_lock(&mon->lock);
	used = mon->used;
	end = !mon->zs;
	if (used)
		ring_peek(mon, &e, sizeof(e));
	spin_unlock(&mon->lock);
	if (!used && !end)
		return -EAGAIN;
	if (!used)
		return mon->last ? mon_read_last(mon, to) : 0;
	if (iov_iter_count(to) < e.size)
		return -EMSGSIZE;
	first = min(e.size, mon->size - mon->head);
	if (copy_to_iter(mon->ring + mon->head, first, to) != first ||
	    copy_to_iter(mon->ring, e.size - first, to) != e.size - first)
		return -EFAULT;
	ring_drop(mon);
	return e.size;
}

static bool mon_readable(struct kzmq_mon *mon)
{
	return READ_ONCE(mon->used) || !READ_ONCE(mon->zs);
}

static ssize_t mon_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct kzmq_mon *mon = file->private_data;
	int ret;

	for (;;) {
		if (mutex_lock_interruptible(&mon->read_lock))
			return -ERESTARTSYS;
		ret = mon_read_one(mon, to);
		mutex_unlock(&mon->read_lock);
		if (ret != -EAGAIN || file->f_flags & O_NONBLOCK ||
		    iocb->ki_flags & IOCB_NOWAIT)
			return ret;
		ret = wait_event_interruptible(mon->wait, mon_readable(mon));
		if (ret)
			return ret;
	}
}

static __poll_t mon_poll(struct file *file, poll_table *wait)
{
	struct kzmq_mon *mon = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &mon->wait, wait);
	if (mon_readable(mon))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (!READ_ONCE(mon->zs))
		mask |= EPOLLHUP | EPOLLRDHUP;
	return mask;
}

static const struct file_operations mon_fops = {
	.owner		= THIS_MODULE,
	.release	= mon_release,
	.read_iter	= mon_read_iter,
	.poll		= mon_poll,
};

/**
 * kzmq_mon_alloc - a monitor that hears nothing yet
 * @mask:  events it wants
 * @bytes: octets of its ring
 *
 * Context: process.
 * Return: the monitor with one reference, or NULL.
 */
struct kzmq_mon *kzmq_mon_alloc(u64 mask, u32 bytes)
{
	struct kzmq_mon *mon = kzalloc(sizeof(*mon), GFP_KERNEL_ACCOUNT);

	if (!mon)
		return NULL;
	mon->ring = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!mon->ring) {
		kfree(mon);
		return NULL;
	}
	refcount_set(&mon->ref, 1);
	INIT_LIST_HEAD(&mon->node);
	spin_lock_init(&mon->lock);
	mutex_init(&mon->read_lock);
	init_waitqueue_head(&mon->wait);
	mon->mask = mask;
	mon->size = bytes;
	mon->last = mask & ZMQ_EVENT_MONITOR_STOPPED;
	return mon;
}

/**
 * kzmq_mon_join - let a monitor hear of a socket
 * @zs:   the socket
 * @mon:  the monitor
 * @sink: what sends its events, or NULL
 *
 * Context: process.
 * Return: 0, or -EMFILE when there are too many.
 */
int kzmq_mon_join(struct kzmq_sock *zs, struct kzmq_mon *mon,
		  struct kzmq_sink *sink)
{
	int err = 0;

	spin_lock(&zs->mon_lock);
	if (zs->nr_mons == MON_MAX) {
		err = -EMFILE;
	} else {
		zs->nr_mons++;
		refcount_inc(&mon->ref);
		mon->zs = zs;
		mon->sink = sink;
		list_add_tail(&mon->node, &zs->mons);
		mon_set_mask(zs);
	}
	spin_unlock(&zs->mon_lock);
	return err;
}

/* What the user asked for; an int alone asks for everything. */
static int mon_get_args(struct zmq_monitor_open *a, char __user *val, int len)
{
	memset(a, 0, sizeof(*a));
	a->mask = ZMQ_EVENT_ALL;
	if (len == sizeof(int))
		return 0;
	if (len < (int)sizeof(*a))
		return -EINVAL;
	if (copy_from_user(a, val, sizeof(*a)))
		return -EFAULT;
	if (a->size != sizeof(*a) || a->reserved || !a->mask ||
	    a->mask & ~(u64)ZMQ_EVENT_ALL)
		return -EINVAL;
	if (a->bytes && (a->bytes < ZMQ_MONITOR_BYTES_MIN ||
			 a->bytes > ZMQ_MONITOR_BYTES_MAX))
		return -EINVAL;
	return 0;
}

static int mon_put_fd(const struct zmq_monitor_open *a, char __user *val,
		      int len, int __user *ulen)
{
	if (len == sizeof(int))
		return put_user(a->fd, (int __user *)val);
	if (copy_to_user(val, a, sizeof(*a)) || put_user(sizeof(*a), ulen))
		return -EFAULT;
	return 0;
}

/**
 * kzmq_mon_open - getsockopt(ZMQ_MONITOR_OPEN)
 * @zs:   the socket
 * @val:  a struct zmq_monitor_open, or an int
 * @ulen: its size
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int kzmq_mon_open(struct kzmq_sock *zs, char __user *val, int __user *ulen)
{
	struct zmq_monitor_open a;
	struct kzmq_mon *mon;
	struct file *file;
	int len, err;

	if (get_user(len, ulen))
		return -EFAULT;
	err = mon_get_args(&a, val, len);
	if (err)
		return err;
	mon = kzmq_mon_alloc(a.mask, a.bytes ?: ZMQ_MONITOR_BYTES);
	if (!mon)
		return -ENOMEM;
	err = get_unused_fd_flags(O_CLOEXEC);
	if (err < 0) {
		kzmq_mon_put(mon);
		return err;
	}
	a.fd = err;
	file = anon_inode_getfile("[zmq-monitor]", &mon_fops, mon,
				  O_RDONLY | O_CLOEXEC);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		kzmq_mon_put(mon);
		goto err_fd;
	}
	stream_open(file_inode(file), file);
	err = kzmq_mon_join(zs, mon, NULL);
	if (!err)
		err = mon_put_fd(&a, val, len, ulen);
	if (err) {
		fput(file);
		goto err_fd;
	}
	fd_install(a.fd, file);
	return 0;

err_fd:
	put_unused_fd(a.fd);
	return err;
}
