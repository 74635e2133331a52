// SPDX-License-Identifier: GPL-2.0
/*
 * ZAP (RFC 27): asking the handler of a context who may connect.
 *
 * A socket whose peers have to be vouched for gets a companion with its first
 * question: an AF_ZMQ socket of our own, the asker, of the same namespace and
 * context. It has an inproc pipe to the handler for each handshake that waits for
 * an answer, as libzmq has. One pipe for all would be less work, but then an
 * answer that is wrong in itself would belong to nobody, and the questions of
 * peers that have gone would pile up before a handler that is slow. With a pipe
 * each, a bad answer ends the handshake it is for; a handler's end is told to
 * those who wait for it, and what it has not read is taken back with the handshake
 * (kzmq_pattern.withdraws). So there are never more questions than handshakes, which
 * are bounded. The asker is a socket since pipes belong to sockets: with a pattern of
 * its own instead of DEALER's, so that answers come to us at once and nobody has to
 * wait on it, and without a file.
 *
 * Life: the asker belongs to its socket and goes with the last reference of that,
 * by a work item, as closing takes outer locks. It holds the namespace and the
 * module no longer than that, and nothing of it holds its socket. Pipes and
 * endpoints of the asker hold the asker, a question holds both until it is
 * answered or forgotten; a handler that closes parts from all of them.
 *
 * Locks: kzmq_zap_ask(), _answer() and _forget() run in the connection's work item,
 * one at a time, with no lock held, and take lock_sock() of the asker. What the
 * handler does comes to zap_input() and zap_detach(), in its calls, under locks of
 * its own: there only the asker's pattern lock is taken, and the connection kicked.
 * Contexts: process.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "conn.h"
#include "ctx.h"
#include "endpoint.h"
#include "inproc.h"
#include "msg.h"
#include "sec.h"
#include "zap.h"

#define ZAP_VERSION	"1.0"
#define ZAP_ID_MAX	24
/* delimiter, version, id, domain, address, identity, mechanism */
#define ZAP_HEAD	7
/* delimiter, version, id, status, text, user id, metadata */
#define ZAP_REPLY	7
#define ZAP_USER_ID	"User-Id"
/* Name and both lengths of a property for the user id */
#define ZAP_USER_HEAD	(1 + sizeof(ZAP_USER_ID) - 1 + 4)

/**
 * struct kzmq_asker - what asks on behalf of a socket
 * @sock: the socket that is connected to the handler
 * @ids:  request ids given
 * @end:  closes it
 */
struct kzmq_asker {
	struct socket		*sock;
	atomic64_t		ids;
	struct work_struct	end;
};

static void asker_end(struct work_struct *work)
{
	struct kzmq_asker *asker = container_of(work, struct kzmq_asker, end);

	sock_release(asker->sock);
	kfree(asker);
}

/**
 * kzmq_zap_end - nobody asks on behalf of a socket any more
 * @zs: the socket, to which nobody refers any more
 *
 * Context: process.
 */
void kzmq_zap_end(struct kzmq_sock *zs)
{
	if (zs->asker)
		queue_work(kzmq_wq, &zs->asker->end);
}

/* Pattern lock held, by whom no lower lock may be taken. */
static int zap_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	return 0;
}

static void zap_detach(struct kzmq_sock *zs, struct kzmq_pipe *pipe)
{
	struct kzmq_zap *zap = pipe->zap;

	if (!zap || zap->reply)
		return;
	zap->lost = true;
	kzmq_conn_kick(zap->conn, KZMQ_EV_MECH);
}

/* The handler answers; what it says beyond that is dropped. */
static int zap_input(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		     struct kzmq_msg *msg)
{
	struct kzmq_zap *zap;
	bool taken = false;

	spin_lock_bh(&zs->plock);
	zap = pipe->zap;
	if (zap && !zap->reply) {
		zap->reply = msg;
		taken = true;
		kzmq_conn_kick(zap->conn, KZMQ_EV_MECH);
	}
	spin_unlock_bh(&zs->plock);
	if (taken)
		return 0;
	KZMQ_INC(zs->zn, DROP_UNEXPECTED);
	kzmq_msg_put(msg);
	return 0;
}

static bool zap_never(struct kzmq_sock *zs)
{
	return false;
}

static const struct kzmq_pattern pat_zap = {
	.name		= "ZAP",
	.withdraws	= true,
	.attach		= zap_attach,
	.detach		= zap_detach,
	.input		= zap_input,
	.readable	= zap_never,
	.writable	= zap_never,
};

static struct kzmq_asker *asker_make(struct kzmq_sock *zs)
{
	struct kzmq_asker *asker = kzalloc(sizeof(*asker), GFP_KERNEL_ACCOUNT);
	struct kzmq_sock *own;
	int err;

	if (!asker)
		return ERR_PTR(-ENOMEM);
	err = __sock_create(zs->zn->net, kzmq_family, SOCK_SEQPACKET,
			    ZMQ_DEALER, &asker->sock, 0);
	if (err) {
		kfree(asker);
		return ERR_PTR(err);
	}
	INIT_WORK(&asker->end, asker_end);
	own = kzmq_sk(asker->sock->sk);
	WRITE_ONCE(own->pat, &pat_zap);
	own->opts.linger = 0;
	own->opts.sndhwm = 0;
	own->opts.rcvhwm = 0;
	/* It stays as it is since the first bind or connect. */
	refcount_inc(&zs->ctx->ref);
	kzmq_ctx_put(own->ctx);
	own->ctx = zs->ctx;
	return asker;
}

static struct kzmq_asker *asker_of(struct kzmq_sock *zs)
{
	struct kzmq_asker *asker = READ_ONCE(zs->asker), *old;

	if (asker)
		return asker;
	asker = asker_make(zs);
	if (IS_ERR(asker))
		return asker;
	old = cmpxchg(&zs->asker, NULL, asker);
	if (!old)
		return asker;
	asker_end(&asker->end);
	return old;
}

/* What a question is made of, beside credentials */
struct zap_head {
	char	id[ZAP_ID_MAX];
	char	address[KZMQ_PEER_ADDRESS_MAX];
};

static void kv_set(struct kvec *kv, const void *p, size_t n)
{
	kv->iov_base = (void *)p;
	kv->iov_len = n;
}

static int zap_frames(struct kzmq_conn *conn, u64 id, const char *mechanism,
		      struct zap_head *h, struct kvec *kv)
{
	const struct kzmq_opts *o = &conn->ep->opts;
	const struct kzmq_sec *sec = o->sec;
	struct pid_namespace *pns = ns_of_pid(conn->ep->pid);
	int n;

	kv_set(&kv[0], "", 0);
	kv_set(&kv[1], ZAP_VERSION, sizeof(ZAP_VERSION) - 1);
	n = scnprintf(h->id, sizeof(h->id), "%llu", id);
	kv_set(&kv[2], h->id, n);
	kv_set(&kv[3], sec ? (const void *)sec->domain.data : "",
	       sec ? sec->domain.len : 0);
	n = kzmq_peer_address(conn->peer, conn->ep->cred->user_ns, pns,
			      h->address);
	kv_set(&kv[4], h->address, max(n, 0));
	kv_set(&kv[5], o->rid, o->rid_len);
	kv_set(&kv[6], mechanism, strlen(mechanism));
	return ZAP_HEAD;
}

static struct kzmq_msg *zap_msg(struct kzmq_net *zn, const struct kvec *kv,
				int nr)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	struct kzmq_msg *msg;
	struct kzmq_frame *f;
	int i, err = 0;
	u32 room = 0;

	for (i = 0; i < nr; i++)
		room += ALIGN(kv[i].iov_len, sizeof(void *)) + sizeof(*f);
	msg = kzmq_msg_alloc(zn, min_t(u32, room, KZMQ_INLINE_MAX), gfp);
	if (IS_ERR(msg))
		return msg;
	/* Passwords, for one thing */
	msg->secret = 1;
	for (i = 0; !err && i < nr; i++) {
		f = kzmq_frame_add(msg, kv[i].iov_len, gfp);
		err = PTR_ERR_OR_ZERO(f);
		if (!err)
			err = kzmq_frame_copy(msg, f, kv[i].iov_base,
					      kv[i].iov_len, gfp);
	}
	if (!err)
		return msg;
	kzmq_msg_put(msg);
	return ERR_PTR(err);
}

/* The end of a question, one way or another */
static void zap_done(struct kzmq_zap *zap)
{
	struct kzmq_ep *ep = zap->ep;
	struct kzmq_sock *own;

	if (!ep)
		return;
	own = ep->zs;
	spin_lock_bh(&own->plock);
	zap->pipe->zap = NULL;
	spin_unlock_bh(&own->plock);
	lock_sock(&own->sk);
	kzmq_ep_close(ep, jiffies);
	release_sock(&own->sk);
	kzmq_msg_put(zap->reply);
	zap->reply = NULL;
	kzmq_pipe_put(zap->pipe);
	zap->pipe = NULL;
	zap->ep = NULL;
	kzmq_ep_put(ep);
}

static int zap_send(struct kzmq_conn *conn, struct kzmq_zap *zap,
		    const char *mechanism, const struct kvec *creds, int nr)
{
	struct kzmq_asker *asker = asker_of(conn->zs);
	struct kvec kv[ZAP_HEAD + KZMQ_ZAP_CREDS];
	struct zap_head head;
	struct kzmq_msg *msg;
	int i, n, err;

	if (IS_ERR(asker))
		return PTR_ERR(asker);
	zap->id = atomic64_inc_return(&asker->ids);
	n = zap_frames(conn, zap->id, mechanism, &head, kv);
	for (i = 0; i < nr; i++)
		kv[n++] = creds[i];
	msg = zap_msg(conn->zs->zn, kv, n);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	err = kzmq_ep_ask(kzmq_sk(asker->sock->sk), KZMQ_ZAP_NAME, conn->ep,
			  zap, msg);
	kzmq_msg_put(msg);
	return err;
}

/**
 * kzmq_zap_ask - ask the handler about a peer
 * @conn:      the connection, in its handshake
 * @zap:       the question, not in use
 * @mechanism: "NULL", "PLAIN", "CURVE"
 * @creds:     what the mechanism knows of the peer
 * @nr:        frames of that, at most KZMQ_ZAP_CREDS
 *
 * After 0 KZMQ_EV_MECH comes when kzmq_zap_answer() has something to tell; and
 * kzmq_zap_forget() has to be called in the end.
 *
 * Context: the connection's work item.
 * Return: 0, -ENOENT when no handler is bound, -EPROTOTYPE when what is bound is
 * none, -ESHUTDOWN when it is about to close, -ENOMEM and the like.
 */
int kzmq_zap_ask(struct kzmq_conn *conn, struct kzmq_zap *zap,
		 const char *mechanism, const struct kvec *creds, int nr)
{
	struct mem_cgroup *old_memcg;
	struct kzmq_sock *zs = conn->zs;
	const struct cred *old;
	int err;

	err = kzmq_inproc_bound(zs->ctx, KZMQ_ZAP_NAME);
	if (err < 0)
		return err;
	if (err != ZMQ_REP && err != ZMQ_ROUTER)
		return -EPROTOTYPE;
	if (nr > KZMQ_ZAP_CREDS)
		return -EINVAL;
	memset(zap, 0, sizeof(*zap));
	zap->conn = conn;
	old = override_creds(conn->ep->cred);
	old_memcg = set_active_memcg(kzmq_sock_memcg(zs));
	err = zap_send(conn, zap, mechanism, creds, nr);
	set_active_memcg(old_memcg);
	revert_creds(old);
	if (err)
		zap_done(zap);
	else
		KZMQ_INC(zs->zn, ZAP_REQUESTS);
	return err;
}

static bool frame_is(const struct kzmq_frame *f, const char *text)
{
	char buf[ZAP_ID_MAX];
	size_t n = strlen(text);

	return f->len == n && kzmq_frame_peek(f, buf, n) == n &&
	       !memcmp(buf, text, n);
}

/* 200, 300, 400 or 500, else 0 */
static u16 reply_status(const struct kzmq_frame *f)
{
	char s[4] = "";

	if (f->len != 3)
		return 0;
	kzmq_frame_peek(f, s, 3);
	if (s[0] < '2' || s[0] > '5' || s[1] != '0' || s[2] != '0')
		return 0;
	return (s[0] - '0') * 100;
}

/* All but the metadata. ZMQ_PROTOCOL_ERROR_ZAP_..., or 0 and the user id. */
static u32 reply_check(struct kzmq_zap *zap, const struct kzmq_msg *msg,
		       const struct kzmq_frame **user)
{
	const struct kzmq_frame *f = msg->first;
	char id[ZAP_ID_MAX];

	if (msg->nr != ZAP_REPLY || msg->pack)
		return ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY;
	if (f->len)
		return ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED;
	f = f->next;
	if (!frame_is(f, ZAP_VERSION))
		return ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION;
	f = f->next;
	scnprintf(id, sizeof(id), "%llu", zap->id);
	if (!frame_is(f, id))
		return ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID;
	f = f->next;
	zap->status = reply_status(f);
	if (!zap->status)
		return ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE;
	f = f->next;
	/* A name cut short would be another one. */
	if (f->len > KZMQ_ZAP_TEXT || f->next->len > KZMQ_ZAP_TEXT)
		return ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY;
	*user = f->next;
	return 0;
}

/* The user id and what follows it, as properties like those of READY */
static struct kzmq_props *reply_props(struct kzmq_net *zn,
				      const struct kzmq_frame *user)
{
	const struct kzmq_frame *meta = user->next;
	struct kzmq_props *props;
	u8 *p;

	props = kzmq_props_alloc(zn, ZAP_USER_HEAD + user->len + meta->len,
				 GFP_KERNEL_ACCOUNT);
	if (IS_ERR(props))
		return props;
	p = props->data;
	*p++ = sizeof(ZAP_USER_ID) - 1;
	memcpy(p, ZAP_USER_ID, sizeof(ZAP_USER_ID) - 1);
	p += sizeof(ZAP_USER_ID) - 1;
	put_unaligned_be32(user->len, p);
	p += 4;
	kzmq_frame_peek(user, p, user->len);
	p += user->len;
	kzmq_frame_peek(meta, p, meta->len);
	return props;
}

static bool props_good(const struct kzmq_props *props)
{
	struct kzmq_meta m;
	int ret;

	kzmq_meta_init(&m, props->data, props->len);
	while ((ret = kzmq_meta_next(&m)) > 0)
		if (m.val_len > KZMQ_PROP_MAX)
			return false;
	return !ret;
}

/* What a reply says of the peer. 0, -EPROTO with zap->fault, or another errno. */
static int reply_read(struct kzmq_conn *conn, struct kzmq_zap *zap)
{
	struct kzmq_net *zn = conn->zs->zn;
	const struct kzmq_frame *user;
	struct kzmq_props *props;

	zap->fault = reply_check(zap, zap->reply, &user);
	if (zap->fault)
		return -EPROTO;
	zap->fault = ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA;
	if (user->next->len > KZMQ_PROPS_MAX)
		return -EPROTO;
	props = reply_props(zn, user);
	if (IS_ERR(props)) {
		zap->fault = 0;
		return PTR_ERR(props);
	}
	if (!props_good(props)) {
		kzmq_props_free(zn, props);
		return -EPROTO;
	}
	zap->fault = 0;
	if (zap->status == 200 && !conn->peer->vouched)
		conn->peer->vouched = props;
	else
		kzmq_props_free(zn, props);
	return 0;
}

/**
 * kzmq_zap_answer - what did the handler say
 * @conn: the connection, in its handshake
 * @zap:  its question
 *
 * The user id and the metadata of an answer that lets the peer in become its
 * properties. Any return but -EAGAIN ends the question.
 *
 * Context: the connection's work item.
 * Return: 0 with zap->status, -EAGAIN when it has not said anything yet, -EPROTO
 * with zap->fault when it talks nonsense, -ENOTCONN when it has left, -ENOMEM and
 * the like.
 */
int kzmq_zap_answer(struct kzmq_conn *conn, struct kzmq_zap *zap)
{
	struct kzmq_net *zn = conn->zs->zn;
	struct kzmq_sock *own;
	bool lost, answered;
	int err;

	if (!zap->ep)
		return -EAGAIN;
	own = zap->ep->zs;
	spin_lock_bh(&own->plock);
	answered = zap->reply;
	lost = zap->lost;
	spin_unlock_bh(&own->plock);
	if (!answered && !lost)
		return -EAGAIN;
	if (answered) {
		err = reply_read(conn, zap);
		if (err == -EPROTO)
			KZMQ_INC(zn, ZAP_BAD_REPLY);
		else if (!err && zap->status != 200)
			KZMQ_INC(zn, ZAP_DENIED);
	} else {
		KZMQ_INC(zn, ZAP_LOST);
		err = -ENOTCONN;
	}
	zap_done(zap);
	return err;
}

/**
 * kzmq_zap_forget - the answer is of no interest any more
 * @zap: the question, asked or not
 *
 * Context: the connection's work item.
 */
void kzmq_zap_forget(struct kzmq_zap *zap)
{
	zap_done(zap);
}
