// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: octets of the lower socket become messages in the pipe.
 *
 * kzmq_rx_feed() is given octets in order and takes what it can. It stops at a
 * full pipe, at the end of its budget, when memory is refused, and for good
 * when the peer breaks a rule; the rest stays in the lower socket, whose window
 * then closes. Who stops it sees to it that it goes on: the reader of the pipe
 * (KZMQ_EV_RX), the work item, or a timer. What is no message, greeting and
 * commands, goes to conn_cmd.c.
 *
 * Locks: all of struct kzmq_rx is under the lower socket's lock. Pattern and
 * pipe locks are taken below it.
 * Contexts: softirq from data_ready (GFP_ATOMIC, bounded by the budget), the
 * connection's work item (GFP_KERNEL), or, with transports that say so, the
 * process that sends (likewise). Nothing is ever sent from here: a peer that is
 * ours too may be in the midst of sending to us, and would wait for itself.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "conn.h"
#include "endpoint.h"
#include "mech.h"
#include "msg.h"
#include "seal.h"
#include "trace.h"
#include "transport.h"

/* Octets one run in softirq takes before it leaves the rest to the work item */
#define RX_BUDGET		SZ_256K
/* The same where each octet is decrypted */
#define RX_BUDGET_SEALED	SZ_32K
/* Pieces of at least so much, and half their page, are referenced */
#define RX_REF_MIN		1024
/* STREAM: octets of a message at most */
#define RX_RAW_MAX		8192
/* Handshake commands; READY with all its metadata */
#define RX_HANDSHAKE_MAX	SZ_64K
/* Commands in traffic: a topic and its name */
#define RX_CMD_EXTRA		64
/* Frames a message may have before each is checked against the limits */
#define RX_FAST_FRAMES		16
#define RX_HOG_PART		8
#define RX_RETRY		msecs_to_jiffies(20)
#define RX_STARVED		msecs_to_jiffies(10000)

static struct kzmq_net *rx_net(struct kzmq_conn *conn)
{
	return conn->zs->zn;
}

/**
 * kzmq_rx_init - ready to receive a greeting
 * @conn: a new connection
 */
void kzmq_rx_init(struct kzmq_conn *conn)
{
	struct kzmq_opts *o = &conn->ep->opts;

	kzmq_greet_init(&conn->rx.greet, conn->zs->type, kzmq_mech_name(o->sec),
			o->rid_len, kzmq_sec_on(o->sec));
	conn->rx.greet.serve = o->sec && o->sec->mechanism != ZMQ_NULL &&
			       o->sec->server;
	/* Nothing of the peer is looked at before our signature is queued. */
	conn->rx.mode = KZMQ_RX_HOLD;
	conn->rx.done_tail = &conn->rx.done;
}

/**
 * kzmq_rx_destroy - drop what was half received
 * @conn: the connection, unhooked
 */
void kzmq_rx_destroy(struct kzmq_conn *conn)
{
	struct kzmq_msg *msg;

	while ((msg = conn->rx.done)) {
		conn->rx.done = msg->next;
		kzmq_msg_put(msg);
	}
	kzmq_msg_put(conn->rx.msg);
	kzmq_msg_put(conn->rx.cmd);
	if (!conn->peer || !conn->peer->known)
		kfree(conn->rx.peer);
}

/**
 * kzmq_rx_bad - the peer broke a rule
 * @conn: the connection
 * @id:   which: the counter that goes up
 *
 * Context: any; lower lock held.
 * Return: -EPROTO.
 */
int kzmq_rx_bad(struct kzmq_conn *conn, enum kzmq_mib_id id)
{
	this_cpu_inc(rx_net(conn)->mib->v[id]);
	WRITE_ONCE(conn->fault, id);
	trace_kzmq_peer_fault(conn, kzmq_mib_names[id]);
	return -EPROTO;
}

static bool rx_is_cmd(const struct kzmq_rx *rx)
{
	return rx->mode == KZMQ_RX_HANDSHAKE || (rx->fh.flags & KZMQ_F_CMD);
}

/* A mechanism knows what is still to come. */
static int rx_check_mech(struct kzmq_conn *conn)
{
	const struct kzmq_mech *m = conn->mech;

	return conn->rx.fh.size > m->most ? kzmq_rx_bad(conn, m->most_fault) : 0;
}

/* Do frames come in boxes? */
static bool rx_is_sealed(const struct kzmq_conn *conn)
{
	return conn->seal && conn->rx.mode == KZMQ_RX_TRAFFIC;
}

/* Where a frame grows: what it is, is not known before it is open. */
static struct kzmq_msg **rx_slot(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;

	return rx_is_sealed(conn) || rx_is_cmd(rx) ? &rx->cmd : &rx->msg;
}

/* Octets of a command in traffic */
static u32 rx_cmd_max(struct kzmq_conn *conn)
{
	return READ_ONCE(rx_net(conn)->lim.topic_max) + RX_CMD_EXTRA;
}

/* May a frame of this size come now? */
static int rx_check_frame(struct kzmq_conn *conn)
{
	s64 max = conn->ep->opts.maxmsgsize;
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_limits *lim = &rx_net(conn)->lim;
	u64 size = rx->fh.size;
	u64 most;
	int err;

	if (rx_is_sealed(conn)) {
		err = kzmq_seal_check(conn);
		if (err)
			return err;
		/* The bounds are about what is inside. */
		size -= KZMQ_SEAL_EXTRA;
	}
	if (max >= 0 && size > (u64)max)
		return kzmq_rx_bad(conn, KZMQ_MIB_TOO_BIG);
	if (rx->mode == KZMQ_RX_HANDSHAKE && conn->mech)
		return rx_check_mech(conn);
	if (rx->mode == KZMQ_RX_IDENTITY)
		most = KZMQ_RID_MAX;
	else if (rx->mode == KZMQ_RX_HANDSHAKE)
		most = RX_HANDSHAKE_MAX;
	else if (rx_is_cmd(rx))
		most = rx_cmd_max(conn);
	else
		most = min_t(u64, READ_ONCE(lim->msg_size_max), MAX_RW_COUNT);
	if (size > most)
		return kzmq_rx_bad(conn, KZMQ_MIB_TOO_BIG);
	if (rx_is_cmd(rx) || !rx->msg)
		return 0;
	if (rx->msg->len + size > READ_ONCE(lim->msg_size_max))
		return kzmq_rx_bad(conn, KZMQ_MIB_TOO_BIG);
	if (rx->msg->nr >= READ_ONCE(lim->frames_max))
		return kzmq_rx_bad(conn, KZMQ_MIB_TOO_MANY_FRAMES);
	return 0;
}

static int rx_begin_frame(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_msg **m = rx_slot(conn);
	u32 room = rx->fh.size <= KZMQ_INLINE_MAX ? rx->fh.size : 0;
	struct kzmq_msg *msg = *m;
	struct kzmq_frame *f;

	if (!msg) {
		msg = kzmq_msg_alloc(rx_net(conn), room, rx->gfp);
		if (IS_ERR(msg))
			return PTR_ERR(msg);
		*m = msg;
	}
	f = kzmq_frame_add(msg, rx->fh.size, rx->gfp);
	if (IS_ERR(f))
		return PTR_ERR(f);
	rx->frame = f;
	rx->left = rx->fh.size;
	return 0;
}

/* Take octets of a body. Return: how many, with *err when it is fewer. */
static size_t rx_body(struct kzmq_conn *conn, const u8 *p, size_t n,
		      struct page *page, u32 off, int *err)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_msg *msg = *rx_slot(conn);
	struct kzmq_frame *f = rx->frame;
	u32 had = f->len;

	n = min_t(u64, n, rx->left);
	/* What is opened is written to, so it has to be ours. */
	if (page && !conn->seal && !f->data && n >= RX_REF_MIN &&
	    n >= page_size(compound_head(page)) / 2)
		*err = kzmq_frame_ref(msg, f, page, off, n, rx->gfp);
	else
		*err = kzmq_frame_copy(msg, f, p, n, rx->gfp);
	n = f->len - had;
	rx->left -= n;
	return n;
}

/* A message or pack is whole; the pipe gets it at the end of the run. */
static void rx_done(struct kzmq_conn *conn, struct kzmq_msg *msg)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_net *zn = rx_net(conn);

	KZMQ_ADD(zn, MSGS_IN, msg->pack ? msg->nr : 1);
	KZMQ_ADD(zn, BYTES_IN, msg->len);
	msg->next = NULL;
	*rx->done_tail = msg;
	rx->done_tail = &msg->next;
}

/* Give whole messages to the pipe. 0 or -ENOMEM when some are left. */
static int rx_flush(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	int err;

	if (!rx->done)
		return 0;
	err = kzmq_pattern_input_list(conn->zs, conn->pipe, &rx->done);
	if (!rx->done) {
		rx->done_tail = &rx->done;
		/* What is refused from here on is refused anew. */
		rx->starved = 0;
	}
	rx->arrived = true;
	return err;
}

static int rx_deliver(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	int err;

	if (rx_is_sealed(conn) && rx->opened != KZMQ_RX_JOINED) {
		err = kzmq_seal_open(conn);
		if (err)
			return err;
		if (rx_is_cmd(rx) && rx->cmd->len > rx_cmd_max(conn))
			return kzmq_rx_bad(conn, KZMQ_MIB_TOO_BIG);
	}
	if (rx_is_cmd(rx)) {
		/* An answer to PING says that all before it has arrived. */
		err = rx_flush(conn);
		return err ?: kzmq_rx_command(conn);
	}
	if (rx->mode == KZMQ_RX_IDENTITY)
		return kzmq_rx_identity(conn);
	if (rx->fh.flags & KZMQ_F_MORE)
		return 0;
	if (rx->credit)
		rx->credit--;
	/* Room is counted in messages; long ones are looked at singly. */
	if (rx->msg->len > KZMQ_CREDIT_LEN)
		rx->credit = 0;
	if (!conn->zs->pat->input) {
		rx_done(conn, rx->msg);
		rx->msg = NULL;
		return 0;
	}
	err = kzmq_pattern_input(conn->zs, conn->pipe, rx->msg);
	if (!err || err == -ENOMEM)
		rx->arrived = true;
	if (!err)
		rx->msg = NULL;
	return err;
}

/*
 * A new message needs room in the pipe, before its first octet is taken.
 * *err is -ENOMEM when the pipe cannot even take those that are whole.
 */
static bool rx_must_wait(struct kzmq_conn *conn, int *err)
{
	struct kzmq_rx *rx = &conn->rx;

	if (rx->credit || rx->mode != KZMQ_RX_TRAFFIC || rx->msg ||
	    rx->dec.have)
		return false;
	*err = rx_flush(conn);
	if (*err)
		return true;
	rx->credit = kzmq_pipe_in_room(conn->pipe);
	if (rx->credit)
		return false;
	KZMQ_INC(rx_net(conn), RX_PAUSED);
	return true;
}

/* Is there a whole short frame that is all of a message? */
static bool rx_is_single(const u8 *p, size_t n)
{
	return n >= 2 && !p[0] && n >= 2u + p[1];
}

/*
 * Messages of one short frame, of which there are two or more: one piece of
 * memory and one place in the queue for many. Return: octets taken.
 */
static size_t rx_pack(struct kzmq_conn *conn, const u8 *p, size_t n, s64 max)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_msg *pack;
	size_t done = 0;

	pack = kzmq_pack_alloc(rx_net(conn), rx->gfp);
	if (IS_ERR(pack))
		return 0;	/* one by one, then */
	while (rx->credit && rx_is_single(p + done, n - done) &&
	       (max < 0 || p[done + 1] <= max) &&
	       kzmq_pack_add(pack, p + done + 2, p[done + 1])) {
		done += 2 + p[done + 1];
		rx->credit--;
	}
	if (pack->nr)
		rx_done(conn, pack);
	else
		kzmq_msg_put(pack);
	return done;
}

/*
 * Short frames that are there as a whole, nearly all there are. Return: octets
 * taken; what is left needs a closer look.
 */
static size_t rx_fast(struct kzmq_conn *conn, const u8 *p, size_t n)
{
	struct kzmq_limits *lim = &rx_net(conn)->lim;
	s64 max = conn->ep->opts.maxmsgsize;
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_frame *f;
	struct kzmq_msg *msg;
	size_t done = 0, len;
	bool packs;

	if (rx->mode != KZMQ_RX_TRAFFIC || conn->seal || rx->dec.have ||
	    rx->dec.ver < KZMQ_VER_2 || conn->zs->pat->input)
		return 0;
	/* Limits so low that they bind here are left to the long way. */
	if (READ_ONCE(lim->frames_max) < RX_FAST_FRAMES ||
	    READ_ONCE(lim->msg_size_max) < RX_FAST_FRAMES * U8_MAX)
		return 0;
	packs = conn->zs->pat->packs && !conn->pipe->conflate;
	while (n - done >= 2 && !(p[done] & ~KZMQ_F_MORE)) {
		len = p[done + 1];
		msg = rx->msg;
		if (n - done < len + 2 || (max >= 0 && len > (u64)max) ||
		    (!msg && !rx->credit) || (msg && msg->nr >= RX_FAST_FRAMES))
			break;
		if (!msg && packs && rx->credit > 1 && !p[done] &&
		    rx_is_single(p + done + 2 + len, n - done - 2 - len)) {
			len = rx_pack(conn, p + done, n - done, max);
			done += len;
			if (len)
				continue;
			break;
		}
		if (!msg) {
			msg = kzmq_msg_alloc(rx_net(conn), len, rx->gfp);
			if (IS_ERR(msg))
				break;
			rx->msg = msg;
		}
		f = kzmq_frame_add(msg, len, rx->gfp);
		if (IS_ERR(f))
			break;
		kzmq_frame_copy(msg, f, p + done + 2, len, rx->gfp);
		if (!(p[done] & KZMQ_F_MORE)) {
			if (rx->credit)
				rx->credit--;
			rx_done(conn, msg);
			rx->msg = NULL;
		}
		done += len + 2;
	}
	return done;
}

static size_t rx_header(struct kzmq_conn *conn, const u8 *p, size_t n, int *err)
{
	struct kzmq_rx *rx = &conn->rx;
	bool done = false;
	int ret;

	ret = kzmq_dec_header(&rx->dec, p, n, &done, &rx->fh);
	if (ret < 0) {
		*err = kzmq_rx_bad(conn, KZMQ_MIB_BAD_FRAME);
		return 0;
	}
	if (done) {
		rx->step = KZMQ_RX_FRAME;
		*err = rx_check_frame(conn);
	}
	return ret;
}

/**
 * kzmq_rx_frames - octets of frames, whatever they mean
 * @conn: the connection
 * @p:    the octets
 * @n:    how many
 * @page: the page they are in if it may be referenced, else NULL
 * @off:  their offset there
 * @err:  0, or why it goes no further
 *
 * Context: any; lower lock held.
 * Return: octets taken.
 */
size_t kzmq_rx_frames(struct kzmq_conn *conn, const u8 *p, size_t n,
		      struct page *page, u32 off, int *err)
{
	struct kzmq_rx *rx = &conn->rx;
	size_t done = 0;

	while (!*err && rx->mode != KZMQ_RX_HOLD && rx->mode != KZMQ_RX_STOP) {
		switch (rx->step) {
		case KZMQ_RX_HDR:
			if (done == n || rx_must_wait(conn, err))
				return done;
			done += rx_fast(conn, p + done, n - done);
			if (done == n || rx_must_wait(conn, err))
				return done;
			done += rx_header(conn, p + done, n - done, err);
			break;
		case KZMQ_RX_FRAME:
			*err = rx_begin_frame(conn);
			if (!*err)
				rx->step = KZMQ_RX_BODY;
			break;
		case KZMQ_RX_BODY:
			if (rx->left && done == n)
				return done;
			if (rx->left)
				done += rx_body(conn, p + done, n - done, page,
						off + done, err);
			if (!rx->left)
				rx->step = KZMQ_RX_DELIVER;
			break;
		case KZMQ_RX_DELIVER:
			*err = rx_deliver(conn);
			if (*err)
				break;
			rx->step = KZMQ_RX_HDR;
			rx->opened = KZMQ_RX_SEALED;
			break;
		}
	}
	return done;
}

/* STREAM: what came together is a message. */
static size_t rx_raw(struct kzmq_conn *conn, const u8 *p, size_t n, int *err)
{
	struct kzmq_msg *msg;

	if (!kzmq_pipe_in_room(conn->pipe)) {
		KZMQ_INC(rx_net(conn), RX_PAUSED);
		return 0;
	}
	n = min_t(size_t, n, RX_RAW_MAX);
	msg = kzmq_msg_make(rx_net(conn), p, n, conn->rx.gfp);
	if (IS_ERR(msg)) {
		*err = PTR_ERR(msg);
		return 0;
	}
	*err = kzmq_pattern_input(conn->zs, conn->pipe, msg);
	if (*err) {
		kzmq_msg_put(msg);
		return 0;
	}
	conn->rx.arrived = true;
	return n;
}

static size_t rx_some(struct kzmq_conn *conn, const u8 *p, size_t n,
		      struct page *page, u32 off, int *err)
{
	switch (conn->rx.mode) {
	case KZMQ_RX_SOCKS:
		return kzmq_rx_socks(conn, p, n, err);
	case KZMQ_RX_GREETING:
		return kzmq_rx_greeting(conn, p, n, err);
	case KZMQ_RX_IDENTITY:
	case KZMQ_RX_HANDSHAKE:
	case KZMQ_RX_TRAFFIC:
		return kzmq_rx_frames(conn, p, n, page, off, err);
	case KZMQ_RX_RAW:
		return rx_raw(conn, p, n, err);
	case KZMQ_RX_DISCARD:
		return n;
	default:
		return 0;
	}
}

/* Octets of memory that what is half received takes */
static u64 rx_holds(const struct kzmq_rx *rx)
{
	return (rx->msg ? rx->msg->mem : 0) + (rx->cmd ? rx->cmd->mem : 0);
}

/* Memory was refused: later, or never. */
static void rx_starved(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;

	if (!rx->starved)
		rx->starved = jiffies | 1;
	/* Who holds a good part of all there is makes room for the others. */
	if (time_after(jiffies, rx->starved + RX_STARVED) ||
	    rx_holds(rx) > READ_ONCE(rx_net(conn)->lim.mem_max) / RX_HOG_PART) {
		kzmq_conn_fail(conn, -ENOBUFS);
		return;
	}
	KZMQ_INC(rx_net(conn), RX_DEFERRED);
	kzmq_conn_later(conn, gfpflags_allow_blocking(rx->gfp) ?
			   RX_RETRY : 0);
}

static void rx_stopped(struct kzmq_conn *conn, int err)
{
	if (err == -ENOMEM || err == -ENOBUFS) {
		rx_starved(conn);
	} else if (err == -EINPROGRESS) {
		KZMQ_INC(rx_net(conn), RX_DEFERRED);
		kzmq_conn_kick(conn, KZMQ_EV_RX);
	} else if (err) {
		kzmq_conn_fail(conn, err);
	}
}

/**
 * kzmq_rx_pending - is there a step to be done that needs no more octets
 * @conn: the connection
 *
 * Memory was refused for it; nobody else would come back for the last command
 * a peer has sent.
 *
 * Context: any; lower lock held.
 */
bool kzmq_rx_pending(const struct kzmq_conn *conn)
{
	const struct kzmq_rx *rx = &conn->rx;

	switch (rx->mode) {
	case KZMQ_RX_IDENTITY:
	case KZMQ_RX_HANDSHAKE:
	case KZMQ_RX_TRAFFIC:
		return rx->step == KZMQ_RX_FRAME || rx->step == KZMQ_RX_DELIVER;
	}
	return false;
}

/* Do it. Return: the rest may be read. */
static bool rx_go_on(struct kzmq_conn *conn)
{
	int err = 0;

	if (!kzmq_rx_pending(conn))
		return true;
	kzmq_rx_frames(conn, NULL, 0, NULL, 0, &err);
	rx_stopped(conn, err);
	if (!err)
		conn->rx.starved = 0;
	return !err;
}

/**
 * kzmq_rx_feed - octets from the peer
 * @conn: the connection
 * @p:    the octets
 * @n:    how many
 * @page: the page they are in if it may be referenced, else NULL
 * @off:  their offset there
 *
 * Context: any; lower lock held.
 * Return: octets taken. Fewer than @n: do not come again before you are asked.
 */
size_t kzmq_rx_feed(struct kzmq_conn *conn, const u8 *p, size_t n,
		    struct page *page, u32 off)
{
	struct kzmq_rx *rx = &conn->rx;
	size_t done = 0, m;
	int err = 0;

	kzmq_hb_heard(conn);
	while (done < n && rx->budget) {
		m = rx_some(conn, p + done, min(n - done, rx->budget), page,
			    off + done, &err);
		done += m;
		rx->budget -= min(m, rx->budget);
		if (err || !m)
			break;
		rx->starved = 0;
	}
	rx_stopped(conn, err);
	return done;
}

/**
 * kzmq_rx_run - take what the lower socket has
 * @conn: the connection
 * @gfp:  GFP_ATOMIC in softirq, GFP_KERNEL in the work item
 *
 * Context: lower lock held.
 */
void kzmq_rx_run(struct kzmq_conn *conn, gfp_t gfp)
{
	struct mem_cgroup *old;
	struct kzmq_rx *rx = &conn->rx;

	if (rx->mode == KZMQ_RX_HOLD || rx->mode == KZMQ_RX_STOP)
		return;
	rx->gfp = gfp | __GFP_ACCOUNT | __GFP_NOWARN;
	rx->budget = RX_BUDGET;
	if (conn->seal && !gfpflags_allow_blocking(gfp))
		rx->budget = RX_BUDGET_SEALED;
	old = set_active_memcg(kzmq_sock_memcg(conn->zs));
	/* What could not be delivered last time comes first. */
	if (!rx_flush(conn) && rx_go_on(conn))
		conn->tr->rx(conn);
	if (rx_flush(conn))
		rx_starved(conn);
	rx->credit = 0;
	set_active_memcg(old);
	if (!rx->budget) {
		KZMQ_INC(rx_net(conn), RX_DEFERRED);
		kzmq_conn_kick(conn, KZMQ_EV_RX);
	}
	if (rx->arrived) {
		rx->arrived = false;
		WRITE_ONCE(conn->zs->burst.nr, 0);
		kzmq_sock_wake_in(conn->zs);
	}
}

/**
 * kzmq_conn_rx - take what the lower socket has, from the work item
 * @conn: the connection
 *
 * Context: process, no lock of ours held.
 */
void kzmq_conn_rx(struct kzmq_conn *conn)
{
	conn->tr->lock(conn);
	clear_bit(KZMQ_CONN_RX_WANT, &conn->flags);
	/* Who sends after this look leaves a new note. */
	smp_mb__after_atomic();
	kzmq_rx_run(conn, GFP_KERNEL);
	conn->tr->unlock(conn);
}

/**
 * kzmq_conn_rx_now - take what the lower socket has, in the sender's context
 * @conn: the connection, of a transport with @rx_now
 *
 * Two sockets may send to each other at a time, each with locks of its own held:
 * so nobody waits for a lock here. Who has it looks for the note when he lets go.
 *
 * Context: process, locks of the sender's may be held.
 */
void kzmq_conn_rx_now(struct kzmq_conn *conn)
{
	set_bit(KZMQ_CONN_RX_WANT, &conn->flags);
	/* The note is there before the owner is found to be at work. */
	smp_mb__after_atomic();
	if (!mutex_trylock(&conn->rx_lock))
		return;
	clear_bit(KZMQ_CONN_RX_WANT, &conn->flags);
	/* Who sends after this look leaves a new note. */
	smp_mb__after_atomic();
	if (conn->rx.mode != KZMQ_RX_STOP) {
		conn->rx.now = true;
		kzmq_rx_run(conn, GFP_KERNEL);
		conn->rx.now = false;
		if (conn->tr->rx_foul && conn->tr->rx_foul(conn))
			kzmq_conn_fail(conn, -EPROTO);
	}
	/* Notes of others are the work item's: one does not serve them for ever. */
	conn->tr->unlock(conn);
}

/**
 * kzmq_rx_go - read on in another mode
 * @conn: the connection
 * @mode: how
 *
 * A connection at fault stays stopped.
 *
 * Context: process, no lock of ours held.
 */
void kzmq_rx_go(struct kzmq_conn *conn, enum kzmq_rx_mode mode)
{
	conn->tr->lock(conn);
	if (conn->rx.mode != KZMQ_RX_STOP)
		conn->rx.mode = mode;
	conn->tr->unlock(conn);
}
