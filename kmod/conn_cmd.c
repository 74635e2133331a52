// SPDX-License-Identifier: GPL-2.0
/*
 * What a peer says that is no message: its greeting, its identity or READY, and
 * commands; and what we answer.
 *
 * conn_rx.c takes the octets and knows when something is whole; here it gets a
 * meaning. An error says that the peer broke a rule (-EPROTO), or that there was
 * no memory: then the same comes again.
 *
 * Locks: struct kzmq_rx is under the lower socket's lock, which is held
 * throughout. Pattern and pipe locks are taken below it.
 * Contexts: softirq or the connection's work item; memory is taken with rx.gfp.
 * Answers are queued (kzmq_conn_ctl()), nothing is sent from here.
 */
#include <linux/slab.h>

#include "conn.h"
#include "endpoint.h"
#include "mech.h"
#include "msg.h"
#include "optval.h"

/* Answers to PING that wait to be sent */
#define RX_PONGS_MAX		4

/* READY with the properties of ZMQ_METADATA, which are too long for the stack */
static int rx_send_ready_meta(struct kzmq_conn *conn)
{
	struct kzmq_opts *o = &conn->ep->opts;
	size_t n = KZMQ_READY_MAX + o->metadata->len;
	u8 *buf = kmalloc(n, conn->rx.gfp);
	int err;

	if (!buf)
		return -ENOMEM;
	n = kzmq_enc_ready(buf, n, conn->zs->type, o->rid, o->rid_len,
			   o->metadata->data, o->metadata->len);
	err = kzmq_conn_ctl(conn, buf, n, false, conn->rx.gfp);
	kfree(buf);
	return err;
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
		if (o->metadata)
			return rx_send_ready_meta(conn);
		n = kzmq_enc_ready(buf, sizeof(buf), conn->zs->type, o->rid,
				   o->rid_len, NULL, 0);
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
	if (conn->mech) {
		kzmq_mech_greeted(conn);
		return 0;
	}
	rx->mode = conn->ver >= KZMQ_VER_30 ? KZMQ_RX_HANDSHAKE :
					      KZMQ_RX_IDENTITY;
	return rx_send_ready(conn);
}

/**
 * kzmq_rx_greeting - octets of the greeting
 * @conn: the connection
 * @p:    the octets
 * @n:    how many
 * @err:  0, or why it goes no further
 *
 * Context: any; lower lock held.
 * Return: octets taken.
 */
size_t kzmq_rx_greeting(struct kzmq_conn *conn, const u8 *p, size_t n,
			int *err)
{
	struct kzmq_rx *rx = &conn->rx;
	u8 out[KZMQ_GREET_OUT];
	size_t out_len = 0;
	int ret;

	ret = kzmq_greet_feed(&rx->greet, p, n, out, &out_len);
	if (ret < 0) {
		/* A peer with another mechanism shall learn of ours. */
		if (ret == -EPERM && out_len)
			kzmq_conn_ctl(conn, out, out_len, false, rx->gfp);
		*err = kzmq_rx_bad(conn, ret == -EPERM ?
					 KZMQ_MIB_BAD_MECHANISM :
					 KZMQ_MIB_BAD_GREETING);
		return 0;
	}
	if (out_len) {
		*err = kzmq_conn_ctl(conn, out, out_len, false, rx->gfp);
		/* NULL's READY waits for nothing the peer has yet to say. */
		if (!*err && !conn->mech && rx->greet.sent == KZMQ_GREET_V3)
			*err = rx_send_ready(conn);
	}
	if (!*err && rx->greet.done)
		*err = rx_greeting_done(conn);
	if (!*err && rx->greet.done && conn->ver == KZMQ_VER_UNVERSIONED)
		kzmq_rx_frames(conn, rx->greet.in, rx->greet.in_len, NULL, 0, err);
	/* No memory for so little is no reason to keep a stranger. */
	if (*err == -ENOMEM || *err == -ENOBUFS)
		*err = -ENOTCONN;
	return ret;
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

/**
 * kzmq_rx_identity - ZMTP 1.0, 2.0: the first frame is there
 * @conn: the connection, @conn->rx.msg is the frame
 *
 * Context: any; lower lock held.
 * Return: 0 or a negative errno.
 */
int kzmq_rx_identity(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_frame *f = rx->msg->first;
	int err;

	if (rx->fh.flags & KZMQ_F_MORE)
		return kzmq_rx_bad(conn, KZMQ_MIB_BAD_FRAME);
	err = rx_set_peer(conn, f->data, f->len);
	if (err)
		return err;
	kzmq_msg_put(rx->msg);
	rx->msg = NULL;
	rx_peer_ready(conn);
	return 0;
}

/**
 * kzmq_rx_ready - the peer told of itself, the handshake is done
 * @conn: the connection
 * @meta: its metadata
 * @len:  octets
 *
 * Context: any; lower lock held.
 * Return: 0 or a negative errno; after -ENOMEM and -ENOBUFS it may come again.
 */
int kzmq_rx_ready(struct kzmq_conn *conn, const u8 *meta, size_t len)
{
	struct kzmq_ready ready;
	int err;

	if (kzmq_ready_parse(meta, len, &ready))
		return kzmq_rx_bad(conn, KZMQ_MIB_BAD_METADATA);
	if (ready.type != KZMQ_READY_NOTYPE &&
	    !kzmq_type_compatible(conn->zs->type, ready.type))
		return kzmq_rx_bad(conn, KZMQ_MIB_BAD_TYPE);
	err = rx_set_peer(conn, ready.rid, ready.rid_len);
	if (!err)
		err = kzmq_peer_meta(conn->peer, meta, len, ready.type,
				     conn->rx.gfp);
	if (!err)
		rx_peer_ready(conn);
	return err;
}

/* What the peer does not like about us */
static int rx_error(struct kzmq_conn *conn, const struct kzmq_cmd *cmd)
{
	int status = kzmq_error_status(cmd->data, cmd->len);

	if (status < 0)
		status = ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR;
	WRITE_ONCE(conn->fault_code, status);
	return kzmq_rx_bad(conn, KZMQ_MIB_PEER_ERROR);
}

static int rx_handshake_cmd(struct kzmq_conn *conn, const struct kzmq_cmd *cmd,
			    const u8 *body, size_t len)
{
	/* ERROR is what a server says. */
	if (conn->mech &&
	    (conn->mech->server || cmd->id != KZMQ_CMD_ERROR))
		return kzmq_mech_rx(conn, cmd, body, len);
	switch (cmd->id) {
	case KZMQ_CMD_READY:
		return kzmq_rx_ready(conn, cmd->data, cmd->len);
	case KZMQ_CMD_ERROR:
		return rx_error(conn, cmd);
	default:
		return kzmq_rx_bad(conn, KZMQ_MIB_BAD_COMMAND);
	}
}

static int rx_ping(struct kzmq_conn *conn, const struct kzmq_cmd *cmd)
{
	u8 buf[KZMQ_PONG_MAX], ctx_len;
	const u8 *ctx;
	u16 ttl;
	int err;

	if (kzmq_ping_parse(cmd->data, cmd->len, &ttl, &ctx, &ctx_len))
		return kzmq_rx_bad(conn, KZMQ_MIB_BAD_COMMAND);
	kzmq_hb_ttl(conn, ttl);
	if (READ_ONCE(conn->nr_pongs) >= RX_PONGS_MAX) {
		KZMQ_INC(conn->zs->zn, PONGS_DROPPED);
		return 0;
	}
	err = kzmq_conn_ctl(conn, buf, kzmq_enc_pong(buf, ctx, ctx_len), true,
			    conn->rx.gfp);
	if (!err)
		KZMQ_INC(conn->zs->zn, PONGS);
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
		KZMQ_INC(conn->zs->zn, UNKNOWN_CMD);
		return 0;
	}
	msg = kzmq_msg_alloc(conn->zs->zn, n <= KZMQ_INLINE_MAX ? n : 0, gfp);
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
		return kzmq_rx_bad(conn, KZMQ_MIB_PEER_ERROR);
	case KZMQ_CMD_PONG:
		return 0;
	default:
		KZMQ_INC(conn->zs->zn, UNKNOWN_CMD);
		return 0;
	}
}

/**
 * kzmq_rx_command - a command is there
 * @conn: the connection, @conn->rx.cmd is the command
 *
 * Context: any; lower lock held.
 * Return: 0 or a negative errno; after -ENOMEM and -ENOBUFS it is kept.
 */
int kzmq_rx_command(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_frame *f = rx->cmd->first;
	bool handshake = rx->mode == KZMQ_RX_HANDSHAKE;
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
		err = kzmq_rx_bad(conn, KZMQ_MIB_BAD_COMMAND);
	else if (handshake)
		err = rx_handshake_cmd(conn, &cmd, tmp ?: f->data, f->len);
	else
		err = rx_traffic_cmd(conn, &cmd);
	kfree(tmp);
	if (err == -ENOMEM || err == -ENOBUFS)
		return err;
	/* A password may have come in a short one. */
	if (handshake && f->data)
		memzero_explicit(f->data, f->len);
	kzmq_msg_put(rx->cmd);
	rx->cmd = NULL;
	return err;
}
