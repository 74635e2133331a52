// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic in boxes (CURVE): what a connection sends after the handshake is
 * sealed, what it receives is opened.
 *
 * Each frame, and each command, becomes one MESSAGE in an outer frame without
 * flags. Its number, the nonce, is given when it is its turn on the wire, and
 * memory for it is there by then: so numbers are in order and none comes twice.
 * A message in a queue may belong to many peers and stays as it is. Short ones
 * are sealed right into the stage (conn_tx.c); a long one is copied and sealed in
 * the copy. That memory is counted but not refused at the ceiling: messages that
 * wait could otherwise keep the one from going whose end makes room.
 *
 * A received frame lies in memory of ours. All of it is authenticated before any
 * of it is decrypted, in place; its first octets are then cut off. Long ones wait
 * for the work item.
 *
 * Locks: what is sent is under kzmq_tx.lock, what is received under the lower
 * socket's lock; the key does not change.
 * Contexts: sealing in process context; opening also in softirq, up to
 * SEAL_SOFT_MAX octets.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "conn.h"
#include "endpoint.h"
#include "msg.h"
#include "seal.h"

/* Frames up to here are opened where they arrive */
#define SEAL_SOFT_MAX	SZ_4K
/* "\11SUBSCRIBE", the longest name of a command of ours in traffic */
#define SEAL_NAME_MAX	10

/**
 * struct seal_head - what stands in a box before a frame's own octets
 * @o:    flags, and the name if it is a command
 * @len:  octets of @o
 * @skip: octets of the frame they stand for
 */
struct seal_head {
	u8	o[1 + SEAL_NAME_MAX];
	u8	len;
	u8	skip;
};

/**
 * struct pieces - a body piece by piece
 * @data: it is inline and was not given yet
 * @len:  octets of @data
 * @bvs:  else where we are
 * @i:    next entry there
 * @p:    the piece
 * @n:    its octets
 */
struct pieces {
	u8			*data;
	u32			len;
	const struct kzmq_bvs	*bvs;
	u32			i;
	u8			*p;
	size_t			n;
};

static void pieces_init(struct pieces *s, const struct kzmq_frame *f)
{
	s->data = f->data;
	s->len = f->len;
	s->bvs = f->bvs;
	s->i = 0;
}

static bool pieces_next(struct pieces *s)
{
	const struct bio_vec *bv;

	if (s->data) {
		s->p = s->data;
		s->n = s->len;
		s->data = NULL;
		return true;
	}
	while (s->bvs && s->i == s->bvs->nr) {
		s->bvs = s->bvs->next;
		s->i = 0;
	}
	if (!s->bvs)
		return false;
	bv = &s->bvs->bv[s->i++];
	s->p = (u8 *)page_address(bv->bv_page) + bv->bv_offset;
	s->n = bv->bv_len;
	return true;
}

/* Leave out the first octets of a body, which are in one piece. */
static void pieces_skip(struct pieces *s, const struct kzmq_frame *f, u32 n)
{
	pieces_init(s, f);
	pieces_next(s);
	s->p += n;
	s->n -= n;
}

/* All nonces of a direction begin alike. */
static void direction(struct kzmq_salsa_ahead *a, enum kzmq_curve_use use,
		      const u8 key[KZMQ_KEY])
{
	static const u8 number[KZMQ_CURVE_SHORT];
	u8 nonce[KZMQ_NONCE];

	BUILD_BUG_ON(KZMQ_NONCE - KZMQ_NONCE_HALF != KZMQ_CURVE_SHORT);
	kzmq_curve_nonce(nonce, use, number);
	kzmq_box_ahead(a, nonce, key);
}

/**
 * kzmq_seal_alloc - from now on in boxes
 * @key:    what both sides have agreed on
 * @server: which of them we are
 * @sent:   nonce of our last box in the handshake
 * @heard:  of the peer's
 * @gfp:    how to allocate
 *
 * Context: any.
 * Return: the state or NULL.
 */
struct kzmq_seal *kzmq_seal_alloc(const u8 key[KZMQ_KEY], bool server,
				  u64 sent, u64 heard, gfp_t gfp)
{
	struct kzmq_seal *seal = kmalloc(sizeof(*seal), gfp);

	if (!seal)
		return NULL;
	BUILD_BUG_ON(sizeof(*seal) > SZ_1K);
	direction(&seal->tx, server ? KZMQ_CURVE_N_SERVER :
				      KZMQ_CURVE_N_CLIENT, key);
	direction(&seal->rx, server ? KZMQ_CURVE_N_CLIENT :
				      KZMQ_CURVE_N_SERVER, key);
	seal->sent = sent;
	seal->heard = heard;
	return seal;
}

/**
 * kzmq_seal_free - the connection is gone
 * @seal: its state or NULL
 *
 * Context: any.
 */
void kzmq_seal_free(struct kzmq_seal *seal)
{
	kfree_sensitive(seal);
}

static void head_of(const struct kzmq_conn *conn, const struct kzmq_msg *msg,
		    const struct kzmq_frame *f, struct seal_head *h)
{
	u8 cmd[KZMQ_SUB_HDR_MAX];
	size_t n;

	h->o[0] = f->next ? KZMQ_CURVE_F_MORE : 0;
	h->len = 1;
	h->skip = 0;
	if (msg->kind == KZMQ_MSG_DATA || conn->ver < KZMQ_VER_31)
		return;
	/* Behind the 2 octets of a short header stands the name. */
	n = kzmq_enc_sub(cmd, msg->kind == KZMQ_MSG_CANCEL, 0) - 2;
	h->o[0] = KZMQ_CURVE_F_CMD;
	memcpy(h->o + 1, cmd + 2, n);
	h->len += n;
	h->skip = 1;
}

/* Octets of the MESSAGE that a frame becomes */
static u64 sealed_len(const struct seal_head *h, const struct kzmq_frame *f)
{
	return (u64)sizeof(struct kzmq_curve_message) + h->len + f->len -
	       h->skip;
}

/* The caller has seen that there are numbers left. */
static void seal_begin(struct kzmq_seal *seal, struct kzmq_box_stream *st,
		       struct kzmq_curve_message *m)
{
	kzmq_curve_begin(m->name, KZMQ_CMD_MESSAGE);
	kzmq_curve_count(m->nonce, ++seal->sent);
	kzmq_box_begin_ahead(st, &seal->tx, seal->sent);
}

static bool seal_has(const struct kzmq_seal *seal, u32 nr)
{
	return seal->sent <= U64_MAX - nr;
}

/**
 * kzmq_seal_ctl - seal a command when its turn has come
 * @conn: the connection
 * @ctl:  the command, a whole frame with KZMQ_SEAL_CTL octets of room behind it
 *
 * Context: process, tx.lock held.
 * Return: 0 or -EOVERFLOW when the connection has used up all numbers.
 */
int kzmq_seal_ctl(struct kzmq_conn *conn, struct kzmq_ctl *ctl)
{
	size_t n = ctl->len - 2;	/* ours are short: so is the header */
	struct kzmq_curve_message *m;
	u8 hdr[KZMQ_HDR_MAX], *box;
	struct kzmq_box_stream st;
	size_t len;

	if (!seal_has(conn->seal, 1))
		return -EOVERFLOW;
	len = kzmq_enc_header(hdr, conn->ver, KZMQ_SEAL_EXTRA + n, 0);
	box = ctl->data + len + sizeof(*m);
	memmove(box + 1, ctl->data + 2, n);
	memcpy(ctl->data, hdr, len);
	box[0] = KZMQ_CURVE_F_CMD;
	m = (struct kzmq_curve_message *)(ctl->data + len);
	seal_begin(conn->seal, &st, m);
	kzmq_box_seal_piece(&st, box, box, 1 + n);
	kzmq_box_tag(&st, m->tag);
	kzmq_box_end(&st);
	ctl->len = len + KZMQ_SEAL_EXTRA + n;
	ctl->seal = false;
	return 0;
}

/* A frame to one piece of memory. Return: its end. */
static u8 *seal_flat(struct kzmq_seal *seal, const struct seal_head *h,
		     const struct kzmq_frame *f, u8 *out)
{
	struct kzmq_curve_message *m = (struct kzmq_curve_message *)out;
	u8 *box = out + sizeof(*m);
	struct kzmq_box_stream st;
	struct pieces s;
	u32 skip = h->skip;

	seal_begin(seal, &st, m);
	out = box + h->len;
	kzmq_box_crypt_piece(&st, box, h->o, h->len);
	for (pieces_init(&s, f); pieces_next(&s); skip = 0) {
		kzmq_box_crypt_piece(&st, out, s.p + skip, s.n - skip);
		out += s.n - skip;
	}
	kzmq_box_auth_piece(&st, box, out - box);
	kzmq_box_tag(&st, m->tag);
	kzmq_box_end(&st);
	return out;
}

/**
 * kzmq_seal_into - a whole message, frames and headers, as it goes on the wire
 * @conn: the connection
 * @msg:  the message
 * @out:  where to
 * @room: octets there
 *
 * Context: process, tx.lock held.
 * Return: its end, NULL when there is not enough room.
 */
u8 *kzmq_seal_into(struct kzmq_conn *conn, const struct kzmq_msg *msg,
		   u8 *out, size_t room)
{
	const struct kzmq_frame *f;
	struct seal_head h;

	if (msg->len + (u64)msg->nr * (KZMQ_SEAL_CTL + SEAL_NAME_MAX) > room ||
	    !seal_has(conn->seal, msg->nr))
		return NULL;
	for (f = msg->first; f; f = f->next) {
		head_of(conn, msg, f, &h);
		out += kzmq_enc_header(out, conn->ver, sealed_len(&h, f), 0);
		out = seal_flat(conn->seal, &h, f, out);
	}
	return out;
}

/* The copy of a frame, with room before it, not sealed yet */
static int copy_frame(struct kzmq_msg *out, const struct seal_head *h,
		      const struct kzmq_frame *f)
{
	u8 head[sizeof(struct kzmq_curve_message) + sizeof(h->o)] = {};
	u64 left = f->len - h->skip;
	u32 skip = h->skip;
	struct iov_iter from;
	struct kzmq_frame *g;
	struct pieces s;
	struct kvec kv;
	int err;

	g = kzmq_frame_add(out, sealed_len(h, f), GFP_KERNEL);
	if (IS_ERR(g))
		return PTR_ERR(g);
	memcpy(head + sizeof(struct kzmq_curve_message), h->o, h->len);
	err = kzmq_frame_copy(out, g, head,
			      sizeof(struct kzmq_curve_message) + h->len,
			      GFP_KERNEL);
	for (pieces_init(&s, f); !err && left && pieces_next(&s); skip = 0) {
		kv.iov_base = s.p + skip;
		kv.iov_len = s.n - skip;
		iov_iter_kvec(&from, ITER_SOURCE, &kv, 1, kv.iov_len);
		err = kzmq_frame_from_iter(out, g, kv.iov_len, &from);
		left -= kv.iov_len;
	}
	return err;
}

/* Seal a copy where it lies. */
static void seal_in_place(struct kzmq_seal *seal, struct kzmq_frame *g)
{
	struct kzmq_curve_message *m;
	struct kzmq_box_stream st;
	struct pieces s;

	pieces_init(&s, g);
	pieces_next(&s);
	m = (struct kzmq_curve_message *)s.p;
	seal_begin(seal, &st, m);
	pieces_skip(&s, g, sizeof(*m));
	do {
		kzmq_box_seal_piece(&st, s.p, s.p, s.n);
		cond_resched();
	} while (pieces_next(&s));
	kzmq_box_tag(&st, m->tag);
	kzmq_box_end(&st);
}

/**
 * kzmq_seal_msg - a sealed copy of a message
 * @conn: the connection
 * @msg:  the message
 *
 * Its frames have no flags outside. All memory is taken before the first number
 * is: who is refused may come again.
 *
 * Context: process, tx.lock held; takes long.
 * Return: the copy, ERR_PTR(-EAGAIN) without memory, ERR_PTR(-EOVERFLOW) when the
 * connection has used up all numbers.
 */
struct kzmq_msg *kzmq_seal_msg(struct kzmq_conn *conn,
			       const struct kzmq_msg *msg)
{
	const struct kzmq_frame *f;
	struct kzmq_frame *g;
	struct kzmq_msg *out;
	struct seal_head h;
	int err = 0;

	if (!seal_has(conn->seal, msg->nr))
		return ERR_PTR(-EOVERFLOW);
	out = kzmq_msg_alloc_sealed(msg->zn, GFP_KERNEL);
	if (IS_ERR(out))
		return ERR_PTR(-EAGAIN);
	for (f = msg->first; f && !err; f = f->next) {
		head_of(conn, msg, f, &h);
		err = copy_frame(out, &h, f);
	}
	/* Whatever it was, -EINTR too: the next to come here may do better. */
	if (err) {
		kzmq_msg_put(out);
		return ERR_PTR(-EAGAIN);
	}
	for (g = out->first; g; g = g->next)
		seal_in_place(conn->seal, g);
	return out;
}

/**
 * kzmq_seal_check - may a frame with this header be a MESSAGE
 * @conn: the connection, @conn->rx.fh is the header
 *
 * Context: any; lower lock held.
 * Return: 0 or -EPROTO.
 */
int kzmq_seal_check(struct kzmq_conn *conn)
{
	const struct kzmq_fhdr *fh = &conn->rx.fh;

	if (fh->flags & KZMQ_F_CMD)
		return kzmq_rx_bad(conn, KZMQ_MIB_BAD_COMMAND);
	if ((fh->flags & KZMQ_F_MORE) || fh->size < KZMQ_SEAL_EXTRA)
		return kzmq_rx_bad(conn, KZMQ_MIB_BAD_SEALED);
	return 0;
}

/* Authenticate all of it, then decrypt. */
static int unbox_pieces(struct kzmq_conn *conn, struct kzmq_frame *f,
			const struct kzmq_curve_message *m, u64 nonce)
{
	bool may_sleep = gfpflags_allow_blocking(conn->rx.gfp);
	struct kzmq_box_stream st;
	struct pieces s;
	int err;

	kzmq_box_begin_ahead(&st, &conn->seal->rx, nonce);
	pieces_skip(&s, f, sizeof(*m));
	do {
		kzmq_box_auth_piece(&st, s.p, s.n);
		if (may_sleep)
			cond_resched();
	} while (pieces_next(&s));
	err = kzmq_box_verify(&st, m->tag);
	if (!err) {
		pieces_skip(&s, f, sizeof(*m));
		do {
			kzmq_box_crypt_piece(&st, s.p, s.p, s.n);
			if (may_sleep)
				cond_resched();
		} while (pieces_next(&s));
	}
	kzmq_box_end(&st);
	return err;
}

/* Cut off the first octets of a message's only frame. */
static void cut_head(struct kzmq_msg *msg, u32 n)
{
	struct kzmq_frame *f = msg->first;

	if (f->data) {
		f->data += n;
	} else {
		f->bvs->bv[0].bv_offset += n;
		f->bvs->bv[0].bv_len -= n;
	}
	f->len -= n;
	msg->len -= n;
}

static int unbox(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	struct kzmq_frame *f = rx->cmd->first;
	struct pieces s;
	u64 nonce;
	u8 flags;
	int err;

	if (f->len > SEAL_SOFT_MAX &&
	    (rx->now || !gfpflags_allow_blocking(rx->gfp)))
		return -EINPROGRESS;
	pieces_init(&s, f);
	pieces_next(&s);
	err = kzmq_curve_message(s.p, f->len, conn->seal->heard, &nonce);
	if (err)
		return kzmq_rx_bad(conn, err == -EILSEQ ?
					 KZMQ_MIB_BAD_SEQUENCE :
					 KZMQ_MIB_BAD_COMMAND);
	if (unbox_pieces(conn, f, (struct kzmq_curve_message *)s.p, nonce))
		return kzmq_rx_bad(conn, KZMQ_MIB_BAD_CRYPTO);
	conn->seal->heard = nonce;
	flags = s.p[sizeof(struct kzmq_curve_message)];
	if ((flags & KZMQ_CURVE_F_CMD) && (flags & KZMQ_CURVE_F_MORE))
		return kzmq_rx_bad(conn, KZMQ_MIB_BAD_SEALED);
	rx->fh.flags = 0;
	if (flags & KZMQ_CURVE_F_CMD)
		rx->fh.flags = KZMQ_F_CMD;
	else if (flags & KZMQ_CURVE_F_MORE)
		rx->fh.flags = KZMQ_F_MORE;
	cut_head(rx->cmd, KZMQ_SEAL_EXTRA);
	return 0;
}

/* Move the body of @part's only frame to the end of a message. */
static int append(struct kzmq_msg *msg, struct kzmq_msg *part, gfp_t gfp)
{
	struct kzmq_frame *from = part->first, *f;
	u64 pages;

	f = kzmq_frame_add(msg, from->len, gfp);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (f->data) {
		kzmq_frame_peek(from, f->data, from->len);
	} else {
		f->bvs = from->bvs;
		f->tail = from->tail;
		from->bvs = NULL;
		from->tail = NULL;
		/* The rest of what it was charged is its own memory. */
		pages = part->mem - sizeof(*part) - part->room;
		part->mem -= pages;
		msg->mem += pages;
	}
	f->len = from->len;
	f->room = 0;
	msg->len += from->len;
	return 0;
}

/* A frame is open: a command stays where it is, a message grows by it. */
static int join(struct kzmq_rx *rx)
{
	int err;

	if (rx->fh.flags & KZMQ_F_CMD)
		return 0;
	if (!rx->msg) {
		rx->msg = rx->cmd;
		rx->cmd = NULL;
		return 0;
	}
	err = append(rx->msg, rx->cmd, rx->gfp);
	if (err)
		return err;
	kzmq_msg_put(rx->cmd);
	rx->cmd = NULL;
	return 0;
}

/**
 * kzmq_seal_open - a frame of traffic is whole
 * @conn: the connection, @conn->rx.cmd is the frame
 *
 * @conn->rx.fh.flags are those from inside then, and a frame of a message is in
 * @conn->rx.msg.
 *
 * Context: any; lower lock held.
 * Return: 0 or a negative errno: -EINPROGRESS when it is too long for this
 * context; after that and -ENOMEM and -ENOBUFS the same comes again.
 */
int kzmq_seal_open(struct kzmq_conn *conn)
{
	struct kzmq_rx *rx = &conn->rx;
	int err;

	if (rx->opened == KZMQ_RX_SEALED) {
		err = unbox(conn);
		if (err)
			return err;
		rx->opened = KZMQ_RX_OPEN;
	}
	if (rx->opened == KZMQ_RX_OPEN) {
		err = join(rx);
		if (err)
			return err;
		rx->opened = KZMQ_RX_JOINED;
	}
	return 0;
}
