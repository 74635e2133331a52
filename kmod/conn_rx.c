// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: octets of the lower socket become messages in the pipe.
 *
 * kzmq_rx_feed() is given octets in order and takes what it can. It stops at a
 * full pipe, at the end of its budget, when memory is refused, and for good
 * when the peer breaks a rule; the rest stays in the lower socket, whose window
 * then closes. Who stops it sees to it that it goes on: the reader of the pipe
 * (KZMQ_EV_RX), the work item, or a timer.
 *
 * Locks: all of struct kzmq_rx is under the lower socket's lock. Pattern and
 * pipe locks are taken below it.
 * Contexts: softirq from data_ready (GFP_ATOMIC, bounded by the budget), or the
 * connection's work item (GFP_KERNEL). Nothing is ever sent from here.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "conn.h"
#include "endpoint.h"
#include "msg.h"
#include "trace.h"
#include "transport.h"

/* Octets one run in softirq takes before it leaves the rest to the work item */
#define RX_BUDGET		SZ_256K
/* Pieces of at least so much, and half their page, are referenced */
#define RX_REF_MIN		1024
/* STREAM: octets of a message at most */
#define RX_RAW_MAX		8192
/* Handshake commands; READY with all its metadata */
#define RX_HANDSHAKE_MAX	SZ_64K
/* Commands in traffic: a topic and its name */
#define RX_CMD_EXTRA		64
#define RX_PONGS_MAX		4
/* Longer messages are not covered by a credit given before */
#define RX_CREDIT_LEN		4096
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

	kzmq_greet_init(&conn->rx.greet, conn->zs->type, "NULL", o->rid_len,
			false);
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
	kfree(conn->rx.peer);
}

static int rx_bad(struct kzmq_conn *conn, enum kzmq_mib_id id)
{
	this_cpu_inc(rx_net(conn)->mib->v[id]);
	trace_kzmq_peer_fault(conn, kzmq_mib_names[id]);
	return -EPROTO;
}

/* Our half of the handshake once the peer's version is known */
static int rx_send_ready(struct kzmq_conn *conn)
{
	struct kzmq_opts *o = &conn->ep->opts;
	u8 buf[KZMQ_READY_MAX];
	size_t n = 0;

	if (conn->rx.ready_sent)
		return 0;
	conn->rx.ready_sent = true;
	if (conn->rx.greet.sent == KZMQ_GREET_V3) {
		n = kzmq_enc_ready(buf, sizeof(buf), conn->zs->type, o->rid,
				   o->rid_len);
	} else {
		/* The signature was the header to a peer that knows none. */
		if (conn->ver != KZMQ_VER_UNVERSIONED)
			n = kzmq_enc_header(buf, conn->ver, o->rid_len, 0);
		memcpy(buf + n, o->rid, o->rid_len);
		n += o->rid_len;
	}
	return n ? kzmq_conn_ctl(conn, buf, n, false, conn->rx.gfp) : 0;
}

static int rx_greeting_done(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;

	conn->ver = rx->greet.ver;
	kzmq_dec_init(&rx->dec, conn->ver);
	rx->mode = conn->ver >= KZMQ_VER_30 ? KZMQ_RX_HANDSHAKE :
					      KZMQ_RX_IDENTITY;
	return rx_send_ready(conn);
}

static size_t rx_frames(struct kzmq_conn *conn, const u8 *p, size_t n,
			struct page *page, u32 off, int *err);

static size_t rx_greeting(struct kzmq_conn *conn, const u8 *p, size_t n,
			  int *err)
{
	struct kzmq_rx *rx = &conn->rx;
	u8 out[KZMQ_GREET_OUT];
	size_t out_len = 0;
	int ret;

	ret = kzmq_greet_feed(&rx->greet, p, n, out, &out_len);
	if (ret < 0) {
		*err = rx_bad(conn, ret == -EPERM ? KZMQ_MIB_BAD_MECHANISM :
						    KZMQ_MIB_BAD_GREETING);
		return 0;
	}
	if (out_len) {
		*err = kzmq_conn_ctl(conn, out, out_len, false, rx->gfp);
		/* NULL's READY waits for nothing the peer has yet to say. */
		if (!*err && rx->greet.sent == KZMQ_GREET_V3)
			*err = rx_send_ready(conn);
	}
	if (!*err && rx->greet.done)
		*err = rx_greeting_done(conn);
	if (!*err && rx->greet.done && conn->ver == KZMQ_VER_UNVERSIONED)
		rx_frames(conn, rx->greet.in, rx->greet.in_len, NULL, 0, err);
	/* No memory for so little is no reason to keep a stranger. */
	if (*err == -ENOMEM || *err == -ENOBUFS)
		*err = -ENOTCONN;
	return ret;
}

static bool rx_is_cmd(const struct kzmq_rx *rx)
{
	return rx->mode == KZMQ_RX_HANDSHAKE || (rx->fh.flags & KZMQ_F_CMD);
}

/* May a frame of this size come now? */
static int rx_check_frame(struct kzmq_conn *conn)
{
	s64 max = conn->ep->opts.maxmsgsize;
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_limits *lim = &rx_net(conn)->lim;
	u64 size = rx->fh.size;
	u64 most;

	if (max >= 0 && size > (u64)max)
		return rx_bad(conn, KZMQ_MIB_TOO_BIG);
	if (rx->mode == KZMQ_RX_IDENTITY)
		most = KZMQ_RID_MAX;
	else if (rx->mode == KZMQ_RX_HANDSHAKE)
		most = RX_HANDSHAKE_MAX;
	else if (rx_is_cmd(rx))
		most = READ_ONCE(lim->topic_max) + RX_CMD_EXTRA;
	else
		most = min_t(u64, READ_ONCE(lim->msg_size_max), MAX_RW_COUNT);
	if (size > most)
		return rx_bad(conn, KZMQ_MIB_TOO_BIG);
	if (rx_is_cmd(rx) || !rx->msg)
		return 0;
	if (rx->msg->len + size > READ_ONCE(lim->msg_size_max))
		return rx_bad(conn, KZMQ_MIB_TOO_BIG);
	if (rx->msg->nr >= READ_ONCE(lim->frames_max))
		return rx_bad(conn, KZMQ_MIB_TOO_MANY_FRAMES);
	return 0;
}

static int rx_begin_frame(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_msg **m = rx_is_cmd(rx) ? &rx->cmd : &rx->msg;
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
	struct kzmq_msg *msg = rx_is_cmd(rx) ? rx->cmd : rx->msg;
	struct kzmq_frame *f = rx->frame;
	u32 had = f->len;

	n = min_t(u64, n, rx->left);
	if (page && !f->data && n >= RX_REF_MIN &&
	    n >= page_size(compound_head(page)) / 2)
		*err = kzmq_frame_ref(msg, f, page, off, n, rx->gfp);
	else
		*err = kzmq_frame_copy(msg, f, p, n, rx->gfp);
	n = f->len - had;
	rx->left -= n;
	return n;
}

/* Greeting and handshake end here: the socket has to learn of the peer. */
static void rx_peer_ready(struct kzmq_conn *conn)
{
	conn->rx.mode = KZMQ_RX_HOLD;
	kzmq_conn_kick(conn, KZMQ_EV_PEER_READY);
}

static int rx_set_peer(struct kzmq_conn *conn, const u8 *rid, u8 len)
{
	struct kzmq_rid *r;

	if (!len)
		return 0;
	r = kmalloc(offsetof(struct kzmq_rid, id) + len, conn->rx.gfp);
	if (!r)
		return -ENOMEM;
	r->len = len;
	memcpy(r->id, rid, len);
	kfree(conn->rx.peer);
	conn->rx.peer = r;
	return 0;
}

static int rx_identity(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_frame *f = rx->msg->first;
	int err;

	if (rx->fh.flags & KZMQ_F_MORE)
		return rx_bad(conn, KZMQ_MIB_BAD_FRAME);
	err = rx_set_peer(conn, f->data, f->len);
	if (err)
		return err;
	kzmq_msg_put(rx->msg);
	rx->msg = NULL;
	rx_peer_ready(conn);
	return 0;
}

static int rx_ready(struct kzmq_conn *conn, const struct kzmq_cmd *cmd)
{
	struct kzmq_ready ready;
	int err;

	if (kzmq_ready_parse(cmd->data, cmd->len, &ready))
		return rx_bad(conn, KZMQ_MIB_BAD_METADATA);
	if (ready.type != KZMQ_READY_NOTYPE &&
	    !kzmq_type_compatible(conn->zs->type, ready.type))
		return rx_bad(conn, KZMQ_MIB_BAD_TYPE);
	err = rx_set_peer(conn, ready.rid, ready.rid_len);
	if (!err)
		rx_peer_ready(conn);
	return err;
}

static int rx_handshake_cmd(struct kzmq_conn *conn, const struct kzmq_cmd *cmd)
{
	switch (cmd->id) {
	case KZMQ_CMD_READY:
		return rx_ready(conn, cmd);
	case KZMQ_CMD_ERROR:
		return rx_bad(conn, KZMQ_MIB_PEER_ERROR);
	default:
		return rx_bad(conn, KZMQ_MIB_BAD_COMMAND);
	}
}

static int rx_ping(struct kzmq_conn *conn, const struct kzmq_cmd *cmd)
{
	u8 buf[KZMQ_PONG_MAX], ctx_len;
	const u8 *ctx;
	u16 ttl;
	int err;

	if (kzmq_ping_parse(cmd->data, cmd->len, &ttl, &ctx, &ctx_len))
		return rx_bad(conn, KZMQ_MIB_BAD_COMMAND);
	if (READ_ONCE(conn->nr_pongs) >= RX_PONGS_MAX) {
		KZMQ_INC(rx_net(conn), PONGS_DROPPED);
		return 0;
	}
	err = kzmq_conn_ctl(conn, buf, kzmq_enc_pong(buf, ctx, ctx_len), true,
			    conn->rx.gfp);
	if (!err)
		KZMQ_INC(rx_net(conn), PONGS);
	return err;
}

/* SUBSCRIBE and CANCEL become what they were before 3.1: an octet and a topic */
static int rx_subscription(struct kzmq_conn *conn, const struct kzmq_cmd *cmd)
{
	bool sub = cmd->id == KZMQ_CMD_SUBSCRIBE;
	u8 first = sub;
	struct kzmq_frame *f;
	struct kzmq_msg *msg;
	size_t n = cmd->len + 1;
	gfp_t gfp = conn->rx.gfp;
	int err;

	if (conn->zs->type != ZMQ_PUB && conn->zs->type != ZMQ_XPUB) {
		KZMQ_INC(rx_net(conn), UNKNOWN_CMD);
		return 0;
	}
	msg = kzmq_msg_alloc(rx_net(conn), n <= KZMQ_INLINE_MAX ? n : 0, gfp);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	msg->kind = sub ? KZMQ_MSG_SUBSCRIBE : KZMQ_MSG_CANCEL;
	f = kzmq_frame_add(msg, n, gfp);
	err = PTR_ERR_OR_ZERO(f);
	if (!err)
		err = kzmq_frame_copy(msg, f, &first, 1, gfp);
	if (!err)
		err = kzmq_frame_copy(msg, f, cmd->data, cmd->len, gfp);
	if (!err)
		err = kzmq_pattern_input(conn->zs, conn->pipe, msg);
	if (err)
		kzmq_msg_put(msg);
	else
		conn->rx.arrived = true;
	return err;
}

static int rx_traffic_cmd(struct kzmq_conn *conn, const struct kzmq_cmd *cmd)
{
	switch (cmd->id) {
	case KZMQ_CMD_PING:
		return rx_ping(conn, cmd);
	case KZMQ_CMD_SUBSCRIBE:
	case KZMQ_CMD_CANCEL:
		return rx_subscription(conn, cmd);
	case KZMQ_CMD_ERROR:
		return rx_bad(conn, KZMQ_MIB_PEER_ERROR);
	case KZMQ_CMD_PONG:
		return 0;
	default:
		KZMQ_INC(rx_net(conn), UNKNOWN_CMD);
		return 0;
	}
}

static int rx_command(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_frame *f = rx->cmd->first;
	struct kzmq_cmd cmd;
	u8 *tmp = NULL;
	int err;

	if (!f->data) {
		tmp = kmalloc(f->len, rx->gfp | __GFP_NOWARN);
		if (!tmp)
			return -ENOMEM;
		kzmq_frame_peek(f, tmp, f->len);
	}
	if (kzmq_cmd_parse(tmp ?: f->data, f->len, &cmd))
		err = rx_bad(conn, KZMQ_MIB_BAD_COMMAND);
	else if (rx->mode == KZMQ_RX_HANDSHAKE)
		err = rx_handshake_cmd(conn, &cmd);
	else
		err = rx_traffic_cmd(conn, &cmd);
	kfree(tmp);
	if (err == -ENOMEM || err == -ENOBUFS)
		return err;
	kzmq_msg_put(rx->cmd);
	rx->cmd = NULL;
	return err;
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
	if (!rx->done)
		rx->done_tail = &rx->done;
	rx->arrived = true;
	return err;
}

static int rx_deliver(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	int err;

	if (rx_is_cmd(rx))
		return rx_command(conn);
	if (rx->mode == KZMQ_RX_IDENTITY)
		return rx_identity(conn);
	if (rx->fh.flags & KZMQ_F_MORE)
		return 0;
	if (rx->credit)
		rx->credit--;
	/* Room is counted in messages; long ones are looked at singly. */
	if (rx->msg->len > RX_CREDIT_LEN)
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

	if (rx->mode != KZMQ_RX_TRAFFIC || rx->dec.have ||
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
		*err = rx_bad(conn, KZMQ_MIB_BAD_FRAME);
		return 0;
	}
	if (done) {
		rx->step = KZMQ_RX_FRAME;
		*err = rx_check_frame(conn);
	}
	return ret;
}

/* Frames, whatever they mean. Return: octets taken. */
static size_t rx_frames(struct kzmq_conn *conn, const u8 *p, size_t n,
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
			if (!*err)
				rx->step = KZMQ_RX_HDR;
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
	case KZMQ_RX_GREETING:
		return rx_greeting(conn, p, n, err);
	case KZMQ_RX_IDENTITY:
	case KZMQ_RX_HANDSHAKE:
	case KZMQ_RX_TRAFFIC:
		return rx_frames(conn, p, n, page, off, err);
	case KZMQ_RX_RAW:
		return rx_raw(conn, p, n, err);
	case KZMQ_RX_DISCARD:
		return n;
	default:
		return 0;
	}
}

/* Memory was refused: later, or never. */
static void rx_starved(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;

	if (!rx->starved)
		rx->starved = jiffies | 1;
	/* Who holds a good part of all there is makes room for the others. */
	if (time_after(jiffies, rx->starved + RX_STARVED) ||
	    (rx->msg && rx->msg->mem > READ_ONCE(rx_net(conn)->lim.mem_max) /
				       RX_HOG_PART)) {
		kzmq_conn_fail(conn, -ENOBUFS);
		return;
	}
	KZMQ_INC(rx_net(conn), RX_DEFERRED);
	kzmq_conn_later(conn, gfpflags_allow_blocking(rx->gfp) ?
			   RX_RETRY : 0);
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

	while (done < n && rx->budget) {
		m = rx_some(conn, p + done, min(n - done, rx->budget), page,
			    off + done, &err);
		done += m;
		rx->budget -= min(m, rx->budget);
		if (err || !m)
			break;
		rx->starved = 0;
	}
	if (err == -ENOMEM || err == -ENOBUFS)
		rx_starved(conn);
	else if (err)
		kzmq_conn_fail(conn, err);
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
	old = set_active_memcg(kzmq_sock_memcg(conn->zs));
	/* What could not be delivered last time comes first. */
	if (!rx_flush(conn))
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
	kzmq_rx_run(conn, GFP_KERNEL);
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
