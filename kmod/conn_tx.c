// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: messages of the pipe become octets in the lower socket.
 *
 * Who puts a message in the pipe comes here. One owner at a time drains; the
 * others leave a note (TX_WANT) and go. A sparse sender drains by itself, which
 * costs no hand-over; a dense one (sendmsg.c) leaves it to the work item, so
 * that what piles up meanwhile goes out in one piece.
 *
 * Locks: struct kzmq_tx is under tx.lock; below it the lower socket's lock.
 * ctl_lock is a leaf.
 * Contexts: process. Only kzmq_conn_ctl() runs in softirq too; it queues and
 * lets the work item send.
 */
#include <linux/slab.h>
#include <net/sock.h>

#include "conn.h"
#include "endpoint.h"
#include "msg.h"
#include "seal.h"
#include "transport.h"

/* Pieces in one call to the transport */
#define TX_VECS		32
#define TX_HDRS		16
/* A lone message of so many octets on the wire goes out in one piece */
#define TX_SHORT	(SZ_1K + 64)
#define TX_RETRY	msecs_to_jiffies(20)
/* Octets one owner sends before it leaves the rest to the work item */
#define TX_BUDGET	SZ_1M

/**
 * struct tx_batch - what goes out in one call
 * @kv:    pieces
 * @hdr:   where headers are made
 * @nr:    used pieces
 * @nr_hdr: used headers
 * @len:   octets in all
 * @i:     message in tx.q we are at
 * @frame: its frame we are at, NULL behind the last message
 * @off:   octets of this frame that are in the batch or were sent before
 */
struct tx_batch {
	struct kvec		kv[TX_VECS];
	u8			hdr[TX_HDRS][KZMQ_SUB_HDR_MAX];
	unsigned int		nr;
	unsigned int		nr_hdr;
	size_t			len;
	unsigned int		i;
	struct kzmq_frame	*frame;
	u64			off;
};

static struct kmem_cache *stage_cache;

/* A cache with a constructor is not zeroed at each allocation. */
static void stage_ctor(void *p)
{
}

/**
 * kzmq_tx_cache_init - make the cache of stages
 *
 * Return: 0 or -ENOMEM.
 */
int kzmq_tx_cache_init(void)
{
	stage_cache = kmem_cache_create("kzmq_stage", KZMQ_TX_STAGE, 0, 0,
					stage_ctor);
	return stage_cache ? 0 : -ENOMEM;
}

/**
 * kzmq_tx_cache_exit - drop the cache; it must be empty
 */
void kzmq_tx_cache_exit(void)
{
	kmem_cache_destroy(stage_cache);
}

/**
 * kzmq_tx_init - nothing to send yet
 * @conn: a new connection
 */
void kzmq_tx_init(struct kzmq_conn *conn)
{
	mutex_init(&conn->tx.lock);
}

/**
 * kzmq_tx_destroy - drop what was half sent
 * @conn: the connection, dead
 */
void kzmq_tx_destroy(struct kzmq_conn *conn)
{
	unsigned int i;

	for (i = 0; i < conn->tx.n; i++)
		kzmq_msg_put(conn->tx.q[i]);
	if (conn->tx.stage)
		kmem_cache_free(stage_cache, conn->tx.stage);
}

/**
 * kzmq_conn_ctl - queue octets that go before messages
 * @conn: the connection
 * @data: the octets
 * @len:  how many
 * @pong: an answer to PING
 * @gfp:  how to allocate
 *
 * Context: any. The work item sends them.
 * Return: 0 or -ENOMEM.
 */
int kzmq_conn_ctl(struct kzmq_conn *conn, const void *data, size_t len,
		  bool pong, gfp_t gfp)
{
	bool seal = READ_ONCE(conn->seal);
	struct kzmq_ctl *ctl;

	ctl = kmalloc(struct_size(ctl, data, len + (seal ? KZMQ_SEAL_CTL : 0)),
		      gfp);
	if (!ctl)
		return -ENOMEM;
	ctl->len = len;
	ctl->off = 0;
	ctl->pong = pong;
	ctl->seal = seal;
	memcpy(ctl->data, data, len);
	spin_lock_bh(&conn->ctl_lock);
	list_add_tail(&ctl->node, &conn->ctl);
	conn->nr_pongs += pong;
	spin_unlock_bh(&conn->ctl_lock);
	kzmq_conn_kick(conn, KZMQ_EV_TX);
	return 0;
}

static struct kzmq_ctl *ctl_first(struct kzmq_conn *conn)
{
	struct kzmq_ctl *ctl;

	spin_lock_bh(&conn->ctl_lock);
	ctl = list_first_entry_or_null(&conn->ctl, struct kzmq_ctl, node);
	spin_unlock_bh(&conn->ctl_lock);
	return ctl;
}

static void ctl_done(struct kzmq_conn *conn, struct kzmq_ctl *ctl)
{
	spin_lock_bh(&conn->ctl_lock);
	list_del(&ctl->node);
	conn->nr_pongs -= ctl->pong;
	spin_unlock_bh(&conn->ctl_lock);
	kfree_sensitive(ctl);
}

static bool ctl_next(struct kzmq_conn *conn, struct kzmq_ctl **ctl)
{
	spin_lock_bh(&conn->ctl_lock);
	if (list_is_last(&(*ctl)->node, &conn->ctl))
		*ctl = NULL;
	else
		*ctl = list_next_entry(*ctl, node);
	spin_unlock_bh(&conn->ctl_lock);
	return *ctl;
}

/* All greeting and commands there are, in one piece. 0 or a negative errno. */
static int tx_ctl(struct kzmq_conn *conn)
{
	struct kvec kv[8];
	struct kzmq_ctl *ctl;
	size_t nr, len;
	int sent, err;

	while (!list_empty_careful(&conn->ctl)) {
		ctl = ctl_first(conn);
		nr = 0;
		len = 0;
		do {
			err = ctl->seal ? kzmq_seal_ctl(conn, ctl) : 0;
			if (err)
				return err;
			kv[nr].iov_base = ctl->data + ctl->off;
			kv[nr].iov_len = ctl->len - ctl->off;
			len += kv[nr++].iov_len;
		} while (nr < ARRAY_SIZE(kv) && ctl_next(conn, &ctl));
		sent = conn->tr->tx_kvec(conn, kv, nr, len, false);
		if (sent < 0)
			return sent;
		while (sent > 0) {
			ctl = ctl_first(conn);
			len = min_t(size_t, sent, ctl->len - ctl->off);
			ctl->off += len;
			sent -= len;
			if (ctl->off == ctl->len)
				ctl_done(conn, ctl);
		}
	}
	return 0;
}

/* The header of a frame, and how much of its body the header stands for. */
static size_t tx_header(struct kzmq_conn *conn, const struct kzmq_msg *msg,
			const struct kzmq_frame *f, u8 *out, u32 *skip)
{
	*skip = 0;
	if (conn->raw)
		return 0;
	if (msg->sealed)
		return kzmq_enc_header(out, conn->ver, f->len, 0);
	if (msg->kind != KZMQ_MSG_DATA && conn->ver >= KZMQ_VER_31) {
		*skip = 1;
		return kzmq_enc_sub(out, msg->kind == KZMQ_MSG_CANCEL,
				    f->len - 1);
	}
	return kzmq_enc_header(out, conn->ver, f->len,
			       f->next ? KZMQ_F_MORE : 0);
}

/* Take messages from the pipe when none is left. */
static void tx_refill(struct kzmq_conn *conn)
{
	struct kzmq_tx *tx = &conn->tx;

	if (tx->n || !tx->on || !conn->pipe)
		return;
	tx->n = kzmq_pipe_out_pop(conn->pipe, tx->q, KZMQ_TX_QUEUE, U64_MAX);
	if (tx->n) {
		tx->frame = tx->q[0]->first;
		tx->off = 0;
	}
}

static void tx_count(struct kzmq_conn *conn, struct kzmq_msg *msg)
{
	struct kzmq_net *zn = conn->zs->zn;

	KZMQ_INC(zn, MSGS_OUT);
	KZMQ_ADD(zn, BYTES_OUT, msg->sealed ?
		 msg->len - (u64)msg->nr * KZMQ_SEAL_EXTRA : msg->len);
	if (msg->closing)
		kzmq_conn_close(conn, jiffies + HZ);
	kzmq_msg_put(msg);
}

/* Encode a whole message. Return: its end, or NULL when it is none for that. */
static u8 *msg_encode(struct kzmq_conn *conn, const struct kzmq_msg *msg, u8 *p,
		      size_t room)
{
	const struct kzmq_frame *f;
	u32 skip;

	if (msg->closing || msg->len + msg->nr * KZMQ_SUB_HDR_MAX > room)
		return NULL;
	for (f = msg->first; f; f = f->next) {
		if (!f->data)
			return NULL;
		p += tx_header(conn, msg, f, p, &skip);
		memcpy(p, f->data + skip, f->len - skip);
		p += f->len - skip;
	}
	return p;
}

/* Encode a message into the stage. Return: false when it does not go there. */
static bool stage_add(struct kzmq_conn *conn, const struct kzmq_msg *msg)
{
	struct kzmq_tx *tx = &conn->tx;
	size_t room = KZMQ_TX_STAGE - tx->stage_len;
	u8 *p = tx->stage + tx->stage_len, *end;

	if (conn->seal)
		end = kzmq_seal_into(conn, msg, p, room);
	else
		end = msg_encode(conn, msg, p, room);
	if (end)
		tx->stage_len = end - tx->stage;
	return end;
}

/* How many messages of the queue may go out as they are */
static u8 tx_ripe(const struct kzmq_conn *conn)
{
	return conn->seal ? min_t(u8, conn->tx.n, 1) : conn->tx.n;
}

/* Encode what fits of many short messages. */
static void stage_fill(struct kzmq_conn *conn)
{
	struct kzmq_tx *tx = &conn->tx;
	unsigned int i = 0;

	if (!tx->stage)
		tx->stage = kmem_cache_alloc(stage_cache, GFP_KERNEL);
	if (!tx->stage)
		return;
	while (i < tx->n && stage_add(conn, tx->q[i])) {
		tx_count(conn, tx->q[i++]);
		if (i < tx->n)
			continue;
		i = 0;
		tx->n = 0;
		tx_refill(conn);
	}
	if (i) {
		tx->n -= i;
		memmove(tx->q, tx->q + i, tx->n * sizeof(tx->q[0]));
		tx->frame = tx->q[0]->first;
	}
}

static int stage_send(struct kzmq_conn *conn)
{
	struct kzmq_tx *tx = &conn->tx;
	struct kvec kv = {
		.iov_base = tx->stage + tx->stage_off,
		.iov_len = tx->stage_len - tx->stage_off,
	};
	int ret;

	ret = conn->tr->tx_kvec(conn, &kv, 1, kv.iov_len, tx->n);
	if (ret < 0)
		return ret;
	tx->stage_off += ret;
	if (tx->stage_off == tx->stage_len) {
		tx->stage_off = 0;
		tx->stage_len = 0;
	}
	return ret;
}

static void batch_start(struct kzmq_conn *conn, struct tx_batch *b)
{
	struct kzmq_tx *tx = &conn->tx;

	b->nr = 0;
	b->nr_hdr = 0;
	b->len = 0;
	b->i = 0;
	b->frame = tx->frame;
	b->off = tx->off;
}

static void batch_add(struct tx_batch *b, void *p, size_t n)
{
	b->kv[b->nr].iov_base = p;
	b->kv[b->nr++].iov_len = n;
	b->len += n;
	b->off += n;
}

static void batch_next(struct kzmq_conn *conn, struct tx_batch *b)
{
	struct kzmq_tx *tx = &conn->tx;

	b->off = 0;
	b->frame = b->frame->next;
	if (b->frame)
		return;
	if (++b->i < tx_ripe(conn))
		b->frame = tx->q[b->i]->first;
}

/*
 * Collect headers and short bodies until a long body, the end, or no place.
 * Return: more is to come behind them.
 */
static bool batch_fill(struct kzmq_conn *conn, struct tx_batch *b)
{
	struct kzmq_frame *f;
	size_t hdr, from;
	u32 skip;

	while ((f = b->frame)) {
		if (b->nr + 2 > TX_VECS || b->nr_hdr == TX_HDRS)
			return true;
		hdr = tx_header(conn, conn->tx.q[b->i], f, b->hdr[b->nr_hdr],
				&skip);
		if (b->off < hdr)
			batch_add(b, b->hdr[b->nr_hdr++] + b->off,
				  hdr - b->off);
		if (!f->data)
			return true;
		from = b->off - hdr + skip;
		if (from < f->len)
			batch_add(b, f->data + from, f->len - from);
		batch_next(conn, b);
	}
	return false;
}

/* What was sent is not ours any more. */
static void tx_sent(struct kzmq_conn *conn, size_t n)
{
	struct kzmq_tx *tx = &conn->tx;
	u8 hdr[KZMQ_SUB_HDR_MAX];
	unsigned int done = 0;
	struct kzmq_msg *msg;
	u64 total;
	u32 skip;

	while (tx->frame) {
		msg = tx->q[done];
		total = tx_header(conn, msg, tx->frame, hdr, &skip);
		total += tx->frame->len - skip;
		if (n < total - tx->off) {
			tx->off += n;
			break;
		}
		n -= total - tx->off;
		tx->off = 0;
		tx->frame = tx->frame->next;
		if (tx->frame)
			continue;
		tx_count(conn, msg);
		if (++done < tx->n)
			tx->frame = tx->q[done]->first;
	}
	tx->n -= done;
	memmove(tx->q, tx->q + done, tx->n * sizeof(tx->q[0]));
}

/* The rest of a long body by reference. Octets sent or a negative errno. */
static int tx_pages(struct kzmq_conn *conn, struct kzmq_frame *f, u64 from,
		    bool more)
{
	const struct kzmq_bvs *bvs;
	const struct bio_vec *bv;
	size_t n;
	int ret;
	u32 i;

	for (bvs = f->bvs; bvs; bvs = bvs->next) {
		for (i = 0; i < bvs->nr; i++) {
			bv = &bvs->bv[i];
			if (from >= bv->bv_len) {
				from -= bv->bv_len;
				continue;
			}
			n = bv->bv_len - from;
			more |= bvs->next || i + 1 < bvs->nr;
			ret = conn->tr->tx_page(conn, bv->bv_page,
						bv->bv_offset + from, n, more);
			return ret;
		}
	}
	return 0;
}

static int tx_body(struct kzmq_conn *conn)
{
	struct kzmq_tx *tx = &conn->tx;
	u8 hdr[KZMQ_SUB_HDR_MAX];
	struct kzmq_frame *f = tx->frame;
	u32 skip;
	size_t n;
	int ret;

	n = tx_header(conn, tx->q[0], f, hdr, &skip);
	/* What follows in the queue follows on the wire. */
	ret = tx_pages(conn, f, tx->off - n + skip, f->next || tx->n > 1);
	if (ret > 0)
		tx_sent(conn, ret);
	return ret;
}

/* Is the owner between two messages? Commands go there only. */
static bool tx_between(const struct kzmq_tx *tx)
{
	if (tx->stage_len)
		return false;
	/* One that is sealed has its number, and others come after it. */
	return !tx->n || (!tx->off && tx->frame == tx->q[0]->first &&
			  !tx->q[0]->sealed);
}

/* Seal the next message that is too long for the stage. */
static int tx_seal(struct kzmq_conn *conn)
{
	struct kzmq_tx *tx = &conn->tx;
	struct kzmq_msg *msg;

	/* It takes long; receiving goes on meanwhile. */
	if (conn->tr->tx_unlock)
		conn->tr->tx_unlock(conn);
	msg = kzmq_seal_msg(conn, tx->q[0]);
	if (conn->tr->tx_lock)
		conn->tr->tx_lock(conn);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	kzmq_msg_put(tx->q[0]);
	tx->q[0] = msg;
	tx->frame = msg->first;
	tx->off = 0;
	return 0;
}

/*
 * A short message and nothing behind it: the copy is cheaper than its pieces.
 * Octets sent, a negative errno, or 0 when it is none of these.
 */
static noinline_for_stack int tx_short(struct kzmq_conn *conn)
{
	struct kzmq_tx *tx = &conn->tx;
	u8 buf[TX_SHORT], *end;
	struct kvec kv;
	int ret;

	end = msg_encode(conn, tx->q[0], buf, sizeof(buf));
	if (!end || end == buf)
		return 0;
	kv.iov_base = buf;
	kv.iov_len = end - buf;
	ret = conn->tr->tx_kvec(conn, &kv, 1, kv.iov_len, false);
	if (ret == end - buf) {
		tx_count(conn, tx->q[0]);
		tx->n = 0;
		tx->frame = NULL;
	} else if (ret > 0) {
		tx_sent(conn, ret);
	}
	return ret;
}

/* Messages in pieces. Octets sent, 0 when nothing is left, or errno. */
static noinline_for_stack int tx_pieces(struct kzmq_conn *conn)
{
	struct tx_batch b;
	bool more;
	int ret;

	batch_start(conn, &b);
	more = batch_fill(conn, &b);
	if (!b.len) {
		tx_sent(conn, 0);	/* raw frames of no octets */
		return b.frame ? tx_body(conn) : 0;
	}
	ret = conn->tr->tx_kvec(conn, b.kv, b.nr, b.len, more);
	if (ret > 0)
		tx_sent(conn, ret);
	return ret;
}

/* One call to the transport. Octets sent, 0 when nothing is left, or errno. */
static int tx_step(struct kzmq_conn *conn)
{
	struct kzmq_tx *tx = &conn->tx;
	int ret;

	tx_refill(conn);
	if ((tx->n > 1 || (tx->n && conn->seal)) && tx_between(tx))
		stage_fill(conn);
	if (tx->stage_len)
		return stage_send(conn);
	if (!tx->n)
		return 0;
	if (conn->seal && !tx->q[0]->sealed) {
		ret = tx->stage ? tx_seal(conn) : -EAGAIN;
		if (ret)
			return ret;
	}
	if (tx->n == 1 && tx_between(tx)) {
		ret = tx_short(conn);
		if (ret)
			return ret;
	}
	return tx_pieces(conn);
}

/* What is queued while we look leaves TX_WANT, so a glance will do. */
static bool tx_more(struct kzmq_conn *conn)
{
	struct kzmq_tx *tx = &conn->tx;

	if (tx->n || tx->stage_len || !list_empty_careful(&conn->ctl))
		return true;
	if (!tx->on || !conn->pipe)
		return false;
	/* data_race: as said above, a glance */
	return !data_race(kzmq_queue_empty(&conn->pipe->out));
}

static int tx_drain(struct kzmq_conn *conn)
{
	struct kzmq_tx *tx = &conn->tx;
	long budget = TX_BUDGET;
	int ret = 0;

	while (tx_more(conn)) {
		if (budget <= 0) {
			kzmq_conn_kick(conn, KZMQ_EV_TX);
			break;
		}
		ret = -EAGAIN;
		if (!conn->tr->tx_room(conn))
			break;
		ret = 0;
		if (!list_empty_careful(&conn->ctl) && tx_between(tx))
			ret = tx_ctl(conn);
		if (!ret)
			ret = tx_step(conn);
		if (ret < 0)
			break;
		budget -= ret;
	}
	if (tx->stage && !tx->stage_len) {
		kmem_cache_free(stage_cache, tx->stage);
		tx->stage = NULL;
	}
	return ret;
}

/**
 * kzmq_conn_tx - send what is queued
 * @conn: the connection
 *
 * Context: process, no lock of ours held.
 */
void kzmq_conn_tx(struct kzmq_conn *conn)
{
	int ret = 0;

	set_bit(KZMQ_CONN_TX_WANT, &conn->flags);
	/* The note is there before the owner is found to be at work. */
	smp_mb__after_atomic();
	while (test_bit(KZMQ_CONN_TX_WANT, &conn->flags)) {
		/* The owner looks for the note after it has let go. */
		if (!mutex_trylock(&conn->tx.lock))
			return;
		clear_bit(KZMQ_CONN_TX_WANT, &conn->flags);
		/* Who queues after this look leaves a new note. */
		smp_mb__after_atomic();
		if (!conn->tx.dead) {
			if (conn->tr->tx_lock)
				conn->tr->tx_lock(conn);
			ret = tx_drain(conn);
			/* Out of memory, not of room: nobody would call us. */
			if (ret == -EAGAIN && conn->tr->tx_room(conn))
				kzmq_conn_later(conn, TX_RETRY);
			if (conn->tr->tx_unlock)
				conn->tr->tx_unlock(conn);
			if (ret < 0 && ret != -EAGAIN) {
				conn->tx.dead = true;
				kzmq_conn_kick(conn, KZMQ_EV_EOF);
			}
		}
		mutex_unlock(&conn->tx.lock);
		/* Pairs with the one above: let go, then look for notes. */
		smp_mb();
	}
}

/**
 * kzmq_conn_flush - something was queued in the pipe
 * @conn:  the connection
 * @dense: more is likely to follow at once
 *
 * Context: process, no lock of ours held.
 */
void kzmq_conn_flush(struct kzmq_conn *conn, bool dense)
{
	if (!READ_ONCE(conn->tx.on))
		return;
	if (!dense)
		kzmq_conn_tx(conn);
	else if (!test_bit(KZMQ_EV_TX, &conn->events))
		kzmq_conn_kick(conn, KZMQ_EV_TX);
}

/**
 * kzmq_conn_tx_empty - is nothing left to send
 * @conn: the connection
 *
 * Context: process.
 */
bool kzmq_conn_tx_empty(struct kzmq_conn *conn)
{
	bool empty;

	mutex_lock(&conn->tx.lock);
	empty = conn->tx.dead ||
		(!conn->tx.n && !conn->tx.stage_len && !ctl_first(conn) &&
		 (!conn->pipe || kzmq_pipe_out_empty(conn->pipe)));
	mutex_unlock(&conn->tx.lock);
	/* Let go, then look: somebody may have left a note because of us. */
	smp_mb();
	if (!empty && test_bit(KZMQ_CONN_TX_WANT, &conn->flags))
		kzmq_conn_kick(conn, KZMQ_EV_TX);
	return empty;
}
