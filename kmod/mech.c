// SPDX-License-Identifier: GPL-2.0
/*
 * Mechanisms: handshakes in which READY is not enough.
 *
 * A command is received where all are, maybe in softirq. There it gets a cheap
 * look only (ops->check); then reading is held, and a work item does the rest:
 * ops->command may take as long as key agreement takes. These items run on a
 * workqueue that each namespace has, with about as many of them at a time as
 * there are CPUs; so strangers can keep those busy and nothing else. What an
 * operation has come to is KZMQ_EV_MECH for the connection, which acts on it as
 * on all else that happens: in its own work item, by its state.
 *
 *	rx: check, hold -> work: ops -> KZMQ_EV_MECH: send, ask ZAP, read on, end
 *
 * Locks: .busy is set under the lower lock. While it is, the work item owns what
 * the mechanism keeps, then (.done) the connection's work item. Neither holds a
 * lock in operations.
 * Contexts: kzmq_mech_greeted(), kzmq_mech_rx(): any; all else: process.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "conn.h"
#include "endpoint.h"
#include "mech.h"
#include "msg.h"
#include "optval.h"
#include "seal.h"
#include "trace.h"
#include "transport.h"
#include "zap.h"

/* Time to try again when there was no memory for what the peer says of itself */
#define META_RETRY	msecs_to_jiffies(20)

/* By their numbers in the header; one that is not here cannot be chosen. */
static const struct kzmq_mech_ops * const mechs[] = {
	[ZMQ_NULL]	= &kzmq_mech_null,
	[ZMQ_PLAIN]	= &kzmq_mech_plain,
	[ZMQ_CURVE]	= &kzmq_mech_curve,
};

static const struct kzmq_mech_ops *mech_ops(int mechanism)
{
	if (mechanism < 0 || mechanism >= (int)ARRAY_SIZE(mechs))
		return NULL;
	return mechs[mechanism];
}

/**
 * kzmq_mech_usable - may a mechanism be chosen
 * @mechanism: ZMQ_PLAIN and the like
 *
 * Context: process.
 */
bool kzmq_mech_usable(int mechanism)
{
	const struct kzmq_mech_ops *ops = mech_ops(mechanism);

	return ops && (!ops->usable || ops->usable());
}

/**
 * kzmq_mech_name - what the greeting says
 * @sec: options, NULL for defaults
 */
const char *kzmq_mech_name(const struct kzmq_sec *sec)
{
	return mech_ops(kzmq_sec_mechanism(sec))->name;
}

static void mech_drop_in(struct kzmq_mech *m)
{
	kfree_sensitive(m->in);
	m->in = NULL;
	m->in_len = 0;
	m->meta = NULL;
	m->nr_creds = 0;
}

static void mech_drop_out(struct kzmq_mech *m)
{
	kfree_sensitive(m->out);
	m->out = NULL;
	m->out_len = 0;
}

static void mech_destroy(struct kzmq_mech *m)
{
	if (m->ops->destroy)
		m->ops->destroy(m);
	mech_drop_in(m);
	mech_drop_out(m);
	kzmq_seal_free(m->seal);
	kfree_sensitive(m);
}

static enum kzmq_mech_verdict mech_do_command(struct kzmq_mech *m)
{
	struct kzmq_cmd cmd;

	if (kzmq_cmd_parse(m->in, m->in_len, &cmd))
		return kzmq_mech_failed(m, KZMQ_MIB_BAD_COMMAND, 0);
	return m->ops->command(m, &cmd);
}

static void mech_work(struct work_struct *work)
{
	struct kzmq_mech *m = container_of(work, struct kzmq_mech, work);
	struct kzmq_conn *conn = m->conn;
	struct mem_cgroup *old;

	old = set_active_memcg(kzmq_sock_memcg(conn->zs));
	switch (m->todo) {
	case KZMQ_MECH_DO_START:
		m->verdict = m->ops->start(m);
		break;
	case KZMQ_MECH_DO_COMMAND:
		m->verdict = mech_do_command(m);
		break;
	case KZMQ_MECH_DO_AUTHED:
		m->verdict = m->ops->authed(m);
		break;
	}
	set_active_memcg(old);
	/* Pairs with kzmq_mech_step(). From here on @m may go. */
	smp_store_release(&m->done, true);
	kzmq_conn_kick(conn, KZMQ_EV_MECH);
	kzmq_conn_put(conn);
}

/* Nothing is read until what it comes to was looked at. */
static void mech_queue(struct kzmq_mech *m, enum kzmq_mech_todo todo)
{
	m->todo = todo;
	m->done = false;
	/* Who sees it busy sees that it is not done. */
	smp_store_release(&m->busy, true);
	kzmq_conn_get(m->conn);
	queue_work(m->conn->zs->zn->mech_wq, &m->work);
}

/**
 * kzmq_mech_add - a connection begins
 * @conn: the connection; gets its mechanism if it needs one
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int kzmq_mech_add(struct kzmq_conn *conn)
{
	const struct kzmq_sec *sec = conn->ep->opts.sec;
	const struct kzmq_mech_ops *ops;
	struct kzmq_mech *m;

	if (conn->raw || !kzmq_sec_on(sec))
		return 0;
	if (!kzmq_net_mech_wq(conn->zs->zn))
		return -ENOMEM;
	ops = mech_ops(sec->mechanism);
	m = kzalloc(ops->size, GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;
	m->ops = ops;
	m->conn = conn;
	m->sec = sec;
	m->server = sec->mechanism != ZMQ_NULL && sec->server;
	INIT_WORK(&m->work, mech_work);
	if (ops->init(m)) {
		mech_destroy(m);
		return -ENOMEM;
	}
	conn->mech = m;
	return 0;
}

/**
 * kzmq_mech_free - a connection goes
 * @conn: the connection, no work left
 *
 * Context: any.
 */
void kzmq_mech_free(struct kzmq_conn *conn)
{
	if (conn->mech)
		mech_destroy(conn->mech);
}

/**
 * kzmq_mech_over - the handshake is over
 * @conn: the connection, READY or dying
 *
 * Context: the connection's work item, no lock held; nothing is received.
 */
void kzmq_mech_over(struct kzmq_conn *conn)
{
	struct kzmq_mech *m = conn->mech;

	if (!m)
		return;
	if (m->asked)
		kzmq_zap_forget(&m->zap);
	m->asked = false;
	if (conn->state == KZMQ_CONN_READY && m->seal) {
		WRITE_ONCE(conn->seal, m->seal);
		m->seal = NULL;
	}
	if (m->busy || m->ops->keep)
		return;
	conn->mech = NULL;
	mech_destroy(m);
}

/**
 * kzmq_mech_greeted - the greeting is complete
 * @conn: the connection, with a mechanism
 *
 * Context: any; lower lock held.
 */
void kzmq_mech_greeted(struct kzmq_conn *conn)
{
	if (!conn->mech->starts) {
		conn->rx.mode = KZMQ_RX_HANDSHAKE;
		return;
	}
	conn->rx.mode = KZMQ_RX_HOLD;
	mech_queue(conn->mech, KZMQ_MECH_DO_START);
}

/**
 * kzmq_mech_rx - a handshake command came
 * @conn: the connection, with a mechanism
 * @cmd:  the command
 * @body: its octets, name included
 * @len:  how many
 *
 * Context: any; lower lock held.
 * Return: 0, -EPROTO, -ENOMEM.
 */
int kzmq_mech_rx(struct kzmq_conn *conn, const struct kzmq_cmd *cmd,
		 const u8 *body, size_t len)
{
	struct kzmq_mech *m = conn->mech;
	enum kzmq_mib_id fault = m->ops->check(m, cmd);

	if (fault)
		return kzmq_rx_bad(conn, fault);
	m->in = kmemdup(body, len, conn->rx.gfp);
	if (!m->in)
		return -ENOMEM;
	m->in_len = len;
	conn->rx.mode = KZMQ_RX_HOLD;
	mech_queue(m, KZMQ_MECH_DO_COMMAND);
	return 0;
}

/**
 * kzmq_mech_busy - is a command being worked on
 * @conn: the connection
 *
 * Then the end of the lower socket is not yet the end of the connection: it may
 * have been the peer's last word. Who waits for the ZAP handler is not busy.
 *
 * Context: the connection's work item.
 */
bool kzmq_mech_busy(const struct kzmq_conn *conn)
{
	const struct kzmq_mech *m = conn->mech;

	return m && READ_ONCE(m->busy) && !m->asked;
}

/**
 * kzmq_mech_out - memory for a frame to be sent
 * @m:   the mechanism
 * @len: octets, header included
 *
 * Context: operations of a mechanism.
 * Return: the memory, all of which has to be filled; or NULL.
 */
u8 *kzmq_mech_out(struct kzmq_mech *m, size_t len)
{
	mech_drop_out(m);
	m->out = kmalloc(len, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (m->out)
		m->out_len = len;
	return m->out;
}

/**
 * kzmq_mech_failed - the peer broke a rule
 * @m:     the mechanism
 * @fault: which: the counter that goes up
 * @code:  the same as ZMQ_PROTOCOL_ERROR_..., 0 when @fault says it all
 *
 * Context: operations of a mechanism.
 * Return: KZMQ_MECH_FAIL.
 */
enum kzmq_mech_verdict kzmq_mech_failed(struct kzmq_mech *m,
					enum kzmq_mib_id fault, u32 code)
{
	m->fault = fault;
	m->fault_code = code;
	return KZMQ_MECH_FAIL;
}

/**
 * kzmq_mech_meta_len - octets of what we say of ourselves
 * @m: the mechanism
 */
size_t kzmq_mech_meta_len(const struct kzmq_mech *m)
{
	const struct kzmq_opts *o = &m->conn->ep->opts;

	return kzmq_meta_size(m->conn->zs->type, o->rid_len,
			      o->metadata ? o->metadata->len : 0);
}

/**
 * kzmq_mech_meta - what we say of ourselves
 * @m:   the mechanism
 * @out: room for kzmq_mech_meta_len() octets
 */
void kzmq_mech_meta(const struct kzmq_mech *m, u8 *out)
{
	const struct kzmq_opts *o = &m->conn->ep->opts;
	const struct kzmq_blob *meta = o->metadata;

	kzmq_enc_meta(out, m->conn->zs->type, o->rid, o->rid_len,
		      meta ? meta->data : NULL, meta ? meta->len : 0);
}

/**
 * kzmq_mech_tell - make .out a command that says what we are
 * @m:       the mechanism
 * @id:      READY or INITIATE
 * @verdict: what to do with it
 *
 * Context: operations of a mechanism.
 * Return: @verdict, or KZMQ_MECH_NOMEM.
 */
enum kzmq_mech_verdict kzmq_mech_tell(struct kzmq_mech *m,
				      enum kzmq_cmd_id id,
				      enum kzmq_mech_verdict verdict)
{
	size_t len = kzmq_mech_meta_len(m), hdr;
	u8 head[KZMQ_CMD_HDR_MAX];
	u8 *out;

	hdr = kzmq_enc_cmd(head, id, len);
	out = kzmq_mech_out(m, hdr + len);
	if (!out)
		return KZMQ_MECH_NOMEM;
	memcpy(out, head, hdr);
	kzmq_mech_meta(m, out + hdr);
	return verdict;
}

static int mech_send(struct kzmq_conn *conn)
{
	struct kzmq_mech *m = conn->mech;
	int err = 0;

	if (m->out)
		err = kzmq_conn_ctl(conn, m->out, m->out_len, false,
				    GFP_KERNEL_ACCOUNT);
	mech_drop_out(m);
	return err;
}

/* The next command, please. */
static int mech_more(struct kzmq_conn *conn)
{
	struct kzmq_mech *m = conn->mech;
	int err = mech_send(conn);

	if (err)
		return err;
	mech_drop_in(m);
	WRITE_ONCE(m->busy, false);
	kzmq_rx_go(conn, KZMQ_RX_HANDSHAKE);
	return 0;
}

/* The peer is wrong; KZMQ_EV_ERROR ends the connection. */
static int mech_fail(struct kzmq_conn *conn)
{
	struct kzmq_mech *m = conn->mech;
	int err;

	conn->tr->lock(conn);
	WRITE_ONCE(conn->fault_code, m->fault_code);
	err = kzmq_rx_bad(conn, m->fault);
	kzmq_conn_fail(conn, err);
	conn->tr->unlock(conn);
	return 0;
}

/* The peer has told all; may it stay? Then it learns of us, and we of it. */
static int mech_ready(struct kzmq_conn *conn)
{
	struct kzmq_mech *m = conn->mech;
	struct mem_cgroup *old;
	int err = -EPROTO;

	old = set_active_memcg(kzmq_sock_memcg(conn->zs));
	conn->tr->lock(conn);
	conn->rx.gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	/* Stopped: it is at fault already. */
	if (conn->rx.mode != KZMQ_RX_STOP)
		err = kzmq_rx_ready(conn, m->meta, m->meta_len);
	if (err == -EPROTO)
		kzmq_conn_fail(conn, err);
	conn->tr->unlock(conn);
	set_active_memcg(old);
	if (err == -EPROTO)
		return 0;
	if (err) {
		/* The handshake's time limit is still on. */
		set_bit(KZMQ_EV_MECH, &conn->events);
		kzmq_conn_later(conn, META_RETRY);
		return 0;
	}
	WRITE_ONCE(m->busy, false);
	mech_drop_in(m);
	return mech_send(conn);
}

static int mech_authed(struct kzmq_conn *conn)
{
	mech_queue(conn->mech, KZMQ_MECH_DO_AUTHED);
	return 0;
}

/* Nobody was asked. */
static int mech_unasked(struct kzmq_conn *conn, bool may)
{
	if (may)
		return mech_authed(conn);
	KZMQ_INC(conn->zs->zn, ZAP_NO_HANDLER);
	trace_kzmq_peer_fault(conn, kzmq_mib_names[KZMQ_MIB_ZAP_NO_HANDLER]);
	return -EFAULT;
}

static int mech_ask(struct kzmq_conn *conn)
{
	struct kzmq_mech *m = conn->mech;
	int err;

	/* A strict reading of RFC 27 asks nobody where there is no domain. */
	if (m->sec->enforce && !m->sec->domain.len)
		return mech_unasked(conn, m->ops->open);
	err = kzmq_zap_ask(conn, &m->zap, m->ops->name, m->creds, m->nr_creds);
	m->asked = !err;
	if (err == -ENOENT)
		return mech_unasked(conn, m->ops->open && !m->sec->enforce);
	return err;
}

/*
 * The ZAP handler said no. 300 is for the moment only, and an answer that is
 * none is no fault of the peer: these are not told anything, so they come again.
 */
static int mech_refuse(struct kzmq_conn *conn, enum kzmq_mib_id fault, u32 code)
{
	char text[12];
	u8 *out;

	WRITE_ONCE(conn->fault, fault);
	WRITE_ONCE(conn->fault_code, code);
	trace_kzmq_peer_fault(conn, kzmq_mib_names[fault]);
	if (fault == KZMQ_MIB_ZAP_BAD_REPLY || code == 300)
		return -EACCES;
	WRITE_ONCE(conn->err, -EACCES);
	out = kzmq_mech_out(conn->mech, KZMQ_ERROR_MAX);
	if (!out)
		return -EACCES;
	snprintf(text, sizeof(text), "%u", code);
	conn->mech->out_len = kzmq_enc_error(out, KZMQ_ERROR_MAX, text);
	mech_send(conn);
	return -EACCES;
}

/* As the handler's 400, but it is ZMQ_CURVE_ALLOW that says so. */
static int mech_deny(struct kzmq_conn *conn)
{
	KZMQ_INC(conn->zs->zn, KEY_DENIED);
	return mech_refuse(conn, KZMQ_MIB_KEY_DENIED, 400);
}

static int mech_judged(struct kzmq_conn *conn)
{
	struct kzmq_mech *m = conn->mech;
	int err = kzmq_zap_answer(conn, &m->zap);

	if (err == -EAGAIN)
		return 0;
	m->asked = false;
	if (err == -EPROTO)
		return mech_refuse(conn, KZMQ_MIB_ZAP_BAD_REPLY, m->zap.fault);
	if (err)
		return err;
	if (m->zap.status == 200)
		return mech_authed(conn);
	return mech_refuse(conn, KZMQ_MIB_ZAP_DENIED, m->zap.status);
}

/**
 * kzmq_mech_step - act on what an operation has come to
 * @conn: the connection, in HANDSHAKE
 *
 * Context: the connection's work item, no lock held.
 * Return: 0: send what is queued and read on; or why it ends, when that is
 * queued: -ENOMEM, -EACCES, -EFAULT for no ZAP handler.
 */
int kzmq_mech_step(struct kzmq_conn *conn)
{
	struct kzmq_mech *m = conn->mech;

	/* Pairs with mech_queue(). */
	if (!m || !smp_load_acquire(&m->busy))
		return 0;
	if (m->asked)
		return mech_judged(conn);
	/* What was found out was stored before it was told. */
	if (!smp_load_acquire(&m->done))
		return 0;
	switch (m->verdict) {
	case KZMQ_MECH_MORE:
		return mech_more(conn);
	case KZMQ_MECH_AUTH:
		return mech_ask(conn);
	case KZMQ_MECH_DONE:
		return mech_ready(conn);
	case KZMQ_MECH_DENY:
		return mech_deny(conn);
	case KZMQ_MECH_FAIL:
		return mech_fail(conn);
	}
	return -ENOMEM;
}
