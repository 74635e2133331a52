// SPDX-License-Identifier: GPL-2.0
/*
 * Peers: who is at the other end, and what users may know of it.
 *
 * A peer is made with its connection and has the same number, the handle. The
 * pipe of a connecting endpoint outlives connections; so that each message has
 * the right sender, a pipe keeps the peers whose messages stand in its queue,
 * with the place where those of each begin. A peer that sent nothing is not
 * kept, so there are never more of them than messages.
 *
 * With inproc there is one for each side of a link. It tells what the other
 * endpoint knew when it was bound or connected, so the other socket is never
 * looked at.
 *
 * Locks: kzmq_sock.peers has its own, a leaf of process context: inproc peers
 * come and go with another socket's lock_sock(). Those of connections do so
 * under ours, as .peers_after; the peers of a pipe under its lock;
 * kzmq_sock.last_peer under the pattern lock. kzmq_peer_meta() runs under the
 * lower socket's lock, before anybody looks.
 * Contexts: process, but kzmq_peer_meta(), kzmq_peer_turn() and what drops
 * references also in softirq.
 */
#include <linux/cred.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <net/sock.h>

#include "conn.h"
#include "endpoint.h"
#include "inproc.h"
#include "msg.h"
#include "peer.h"

#define TEXT_MAX	KZMQ_URI_MAX

/**
 * kzmq_props_alloc - room for properties of a peer
 * @zn:  the namespace that is charged
 * @n:   octets
 * @gfp: how to allocate
 *
 * Context: any.
 * Return: the properties, ERR_PTR(-ENOMEM) or ERR_PTR(-ENOBUFS).
 */
struct kzmq_props *kzmq_props_alloc(struct kzmq_net *zn, u32 n, gfp_t gfp)
{
	struct kzmq_props *props;
	int err;

	err = kzmq_mem_charge(zn, struct_size(props, data, n));
	if (err)
		return ERR_PTR(err);
	props = kmalloc(struct_size(props, data, n), gfp | __GFP_NOWARN);
	if (!props) {
		kzmq_mem_uncharge(zn, struct_size(props, data, n));
		return ERR_PTR(-ENOMEM);
	}
	props->len = n;
	return props;
}

/**
 * kzmq_props_free - properties are of no use any more
 * @zn:    the namespace they are charged to
 * @props: the properties, as long as they were made, or NULL
 *
 * Context: any.
 */
void kzmq_props_free(struct kzmq_net *zn, struct kzmq_props *props)
{
	if (!props)
		return;
	kzmq_mem_uncharge(zn, struct_size(props, data, props->len));
	kfree(props);
}

/**
 * kzmq_peer_free - the last reference is gone
 * @peer: the peer
 *
 * Context: any.
 */
void kzmq_peer_free(struct kzmq_peer *peer)
{
	kzmq_props_free(peer->zn, peer->props);
	kzmq_props_free(peer->zn, peer->vouched);
	if (peer->known)
		kfree(peer->rid);
	put_pid(peer->pid);
	kfree(peer);
}

/* A peer that nobody knows yet */
static struct kzmq_peer *peer_alloc(struct kzmq_sock *zs, u64 id)
{
	struct kzmq_peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);

	if (!peer)
		return NULL;
	refcount_set(&peer->ref, 1);
	INIT_LIST_HEAD(&peer->node);
	peer->id = id;
	peer->zn = zs->zn;
	peer->type = KZMQ_READY_NOTYPE;
	peer->uid = INVALID_UID;
	peer->gid = INVALID_GID;
	return peer;
}

static int peer_store(struct kzmq_sock *zs, struct kzmq_peer *peer)
{
	return xa_err(xa_store(&zs->peers, peer->id, peer, GFP_KERNEL_ACCOUNT));
}

static void peer_set_cred(struct kzmq_peer *peer, struct pid *pid,
			  const struct cred *cred)
{
	peer->local = true;
	peer->pid = get_pid(pid);
	peer->uid = cred->euid;
	peer->gid = cred->egid;
}

/* Credentials of a Unix peer, as SO_PEERCRED knows them */
static void peer_cred(struct kzmq_peer *peer, struct sock *sk)
{
	if (sk->sk_family != AF_UNIX)
		return;
	spin_lock(&sk->sk_peer_lock);
	if (sk->sk_peer_cred)
		peer_set_cred(peer, sk->sk_peer_pid, sk->sk_peer_cred);
	spin_unlock(&sk->sk_peer_lock);
}

/* @which: 0 for our end, 2 for the far one, whether it has answered or not */
static void peer_addr(union kzmq_peer_addr *out, struct socket *sock, int which)
{
	struct sockaddr_storage ss = {};

	if (sock->ops->getname(sock, (struct sockaddr *)&ss, which) < 0)
		return;
	if (ss.ss_family == AF_INET || ss.ss_family == AF_INET6)
		memcpy(out, &ss, sizeof(*out));
}

/**
 * kzmq_peer_add - a connection begins
 * @conn: the connection, with its number and its lower socket
 *
 * Context: process, lock_sock() held.
 * Return: 0 or -ENOMEM.
 */
int kzmq_peer_add(struct kzmq_conn *conn)
{
	struct kzmq_peer *peer = peer_alloc(conn->zs, conn->id);
	int err;

	if (!peer)
		return -ENOMEM;
	peer->conn = conn;
	peer_cred(peer, conn->sock->sk);
	peer_addr(&peer->near, conn->sock, 0);
	peer_addr(&peer->far, conn->sock, 2);
	err = peer_store(conn->zs, peer);
	if (err) {
		kzmq_peer_put(peer);
		return err;
	}
	conn->peer = peer;
	return 0;
}

/**
 * kzmq_peer_del - a connection is dead
 * @conn: the connection, whose peer is listed no more
 *
 * Context: process, lock_sock() held.
 */
void kzmq_peer_del(struct kzmq_conn *conn)
{
	xa_erase(&conn->zs->peers, conn->id);
	conn->peer->conn = NULL;
	if (kzmq_peer_is_known(conn->peer))
		kzmq_peer_gone(conn->zs, conn->peer);
}

/**
 * kzmq_peer_inproc - somebody is about to be joined with a socket
 * @zs:  the socket
 * @far: the other endpoint
 *
 * Context: process.
 * Return: the peer, not yet listed, with one reference; or NULL.
 */
struct kzmq_peer *kzmq_peer_inproc(struct kzmq_sock *zs,
				   const struct kzmq_ep *far)
{
	struct kzmq_peer *peer = peer_alloc(zs, kzmq_sock_peer_id(zs));
	u8 len = far->opts.rid_len;

	if (!peer)
		return NULL;
	peer->inproc = true;
	peer->known = true;
	peer->type = far->zs->type;
	peer_set_cred(peer, far->pid, far->cred);
	if (!len)
		return peer;
	peer->rid = kmalloc(offsetof(struct kzmq_rid, id) + len,
			    GFP_KERNEL_ACCOUNT);
	if (!peer->rid) {
		kzmq_peer_put(peer);
		return NULL;
	}
	peer->rid->len = len;
	memcpy(peer->rid->id, far->opts.rid, len);
	return peer;
}

/**
 * kzmq_peer_list - an inproc peer is there, for users to see
 * @peer: the peer
 * @zs:   its socket
 * @half: our side of the link, which stays until kzmq_peer_unlist()
 *
 * Context: process, also with another socket's lock_sock() held.
 * Return: 0 or -ENOMEM.
 */
int kzmq_peer_list(struct kzmq_peer *peer, struct kzmq_sock *zs,
		   struct kzmq_half *half)
{
	peer->half = half;
	return peer_store(zs, peer);
}

/**
 * kzmq_peer_unlist - an inproc peer is not there any more
 * @peer: the peer, listed or not
 * @zs:   its socket
 *
 * Context: process, also with another socket's lock_sock() held.
 */
void kzmq_peer_unlist(struct kzmq_peer *peer, struct kzmq_sock *zs)
{
	xa_lock(&zs->peers);
	__xa_erase(&zs->peers, peer->id);
	peer->half = NULL;
	xa_unlock(&zs->peers);
}

/*
 * Those with a place of their own, those no option could give, and who the peer
 * is, which is not for it to say.
 */
static bool prop_skip(const struct kzmq_meta *m)
{
	return kzmq_meta_is(m, "Socket-Type") || kzmq_meta_is(m, "Identity") ||
	       kzmq_meta_is(m, "User-Id") || m->val_len > KZMQ_PROP_MAX;
}

static u32 prop_size(const struct kzmq_meta *m)
{
	return 1 + m->name_len + 4 + m->val_len;
}

/* Octets of the properties to keep, copied to @out if it is not NULL */
static u32 props_copy(const u8 *data, size_t len, u8 *out)
{
	struct kzmq_meta m;
	u32 n = 0;

	kzmq_meta_init(&m, data, len);
	while (kzmq_meta_next(&m) > 0) {
		if (prop_skip(&m) || n + prop_size(&m) > KZMQ_PROPS_MAX)
			continue;
		if (out)
			memcpy(out + n, m.name - 1, prop_size(&m));
		n += prop_size(&m);
	}
	return n;
}

/**
 * kzmq_peer_meta - the peer told of itself
 * @peer: the peer
 * @data: metadata of its READY, well formed
 * @len:  octets
 * @type: its socket type, enum kzmq_type or KZMQ_READY_NOTYPE
 * @gfp:  how to allocate
 *
 * Context: any; the lower socket's lock held.
 * Return: 0, -ENOMEM or -ENOBUFS.
 */
int kzmq_peer_meta(struct kzmq_peer *peer, const u8 *data, size_t len, int type,
		   gfp_t gfp)
{
	u32 n = props_copy(data, len, NULL);
	struct kzmq_props *props;

	peer->type = type;
	if (!n || peer->props)
		return 0;
	props = kzmq_props_alloc(peer->zn, n, gfp);
	if (IS_ERR(props))
		return PTR_ERR(props);
	props_copy(data, len, props->data);
	peer->props = props;
	return 0;
}

/**
 * kzmq_peer_known - the handshake is done
 * @conn: the connection
 *
 * Context: process, nothing is received meanwhile.
 */
void kzmq_peer_known(struct kzmq_conn *conn)
{
	conn->peer->rid = conn->rx.peer;
	/* Pairs with kzmq_peer_is_known(). */
	smp_store_release(&conn->peer->known, true);
}

/**
 * kzmq_peer_joins - what is queued in a pipe from now on is of this peer
 * @pipe: the pipe
 * @peer: the peer
 *
 * Context: the pipe's lock held.
 */
void kzmq_peer_joins(struct kzmq_pipe *pipe, struct kzmq_peer *peer)
{
	struct kzmq_peer *last = NULL;

	kzmq_peer_turn(pipe);
	if (!list_empty(&pipe->in_next))
		last = list_last_entry(&pipe->in_next, struct kzmq_peer, node);
	/* One that never sent a message is of no interest. */
	if (last && last->from == pipe->in.written) {
		list_del(&last->node);
		kzmq_peer_put(last);
	}
	peer->from = pipe->in.written;
	kzmq_peer_get(peer);
	list_add_tail(&peer->node, &pipe->in_next);
	kzmq_peer_turn(pipe);
}

/**
 * kzmq_peer_turn - who sent the oldest message in a pipe
 * @pipe: the pipe; @pipe->in_peer is brought up to date
 *
 * Context: the pipe's lock held.
 */
void kzmq_peer_turn(struct kzmq_pipe *pipe)
{
	struct kzmq_peer *peer, *tmp;

	list_for_each_entry_safe(peer, tmp, &pipe->in_next, node) {
		if (peer->from > pipe->in.read)
			return;
		list_del_init(&peer->node);
		kzmq_peer_put(pipe->in_peer);
		pipe->in_peer = peer;
	}
}

/**
 * kzmq_peers_forget - a pipe ends
 * @pipe: the pipe
 *
 * Context: any, nobody else knows the pipe.
 */
void kzmq_peers_forget(struct kzmq_pipe *pipe)
{
	struct kzmq_peer *peer, *tmp;

	list_for_each_entry_safe(peer, tmp, &pipe->in_next, node)
		kzmq_peer_put(peer);
	kzmq_peer_put(pipe->in_peer);
}

/**
 * kzmq_peer_tell - the entry of a control message
 * @peer: the peer, NULL when nobody knows
 * @out:  the entry
 *
 * Context: process; numbers are those of the caller's namespaces.
 */
void kzmq_peer_tell(const struct kzmq_peer *peer, struct zmq_msg_peer *out)
{
	memset(out, 0, sizeof(*out));
	out->pid = -1;
	out->uid = -1;
	out->gid = -1;
	if (!peer)
		return;
	out->handle = peer->id;
	if (!peer->local)
		return;
	out->flags = ZMQ_PEER_LOCAL;
	out->pid = pid_vnr(peer->pid);
	out->uid = from_kuid_munged(current_user_ns(), peer->uid);
	out->gid = from_kgid_munged(current_user_ns(), peer->gid);
}

static size_t addr_text(const union kzmq_peer_addr *addr, char *out)
{
	struct kzmq_addr a = {};

	if (addr->family == AF_INET6) {
		a.family = 6;
		memcpy(a.ip, &addr->in6.sin6_addr, 16);
		a.port = ntohs(addr->in6.sin6_port);
	} else {
		a.family = 4;
		memcpy(a.ip, &addr->in.sin_addr, 4);
		a.port = ntohs(addr->in.sin_port);
	}
	return kzmq_uri_format_tcp(out, TEXT_MAX, &a);
}

/**
 * struct peer_view - a peer while it is being listed
 * @peer:  the peer
 * @half:  inproc: our side of the link, one reference
 * @bound: it came to us
 * @pipe:  its pipe, or NULL
 * @name:  text of the endpoint
 */
struct peer_view {
	struct kzmq_peer	*peer;
	struct kzmq_half	*half;
	bool			bound;
	struct kzmq_pipe	*pipe;
	const char		*name;
};

static void view_set(struct peer_view *v)
{
	const struct kzmq_conn *conn = v->peer->conn;

	if (v->half) {
		v->pipe = kzmq_half_pipe(v->half);
		v->bound = v->pipe->bound;
		v->name = kzmq_half_name(v->half);
		return;
	}
	v->pipe = READ_ONCE(conn->pipe);
	v->bound = conn->bound;
	v->name = conn->ep->text ?: conn->ep->asked;
}

/* Text of one end: an address, or for ipc and inproc the endpoint, one end */
static u16 end_text(const struct peer_view *v, bool far, char *out)
{
	const union kzmq_peer_addr *addr = far ? &v->peer->far : &v->peer->near;

	if (addr->family)
		return addr_text(addr, out);
	if (far == v->bound ||
	    (!v->half && v->peer->conn->ep->uri.tr == KZMQ_TR_TCP))
		return 0;
	return strscpy(out, v->name, TEXT_MAX);
}

static u32 conn_state(const struct kzmq_conn *conn)
{
	switch (READ_ONCE(conn->state)) {
	case KZMQ_CONN_CONNECTING:
		return ZMQ_PEER_CONNECTING;
	case KZMQ_CONN_HANDSHAKE:
		return ZMQ_PEER_HANDSHAKE;
	case KZMQ_CONN_READY:
		return ZMQ_PEER_READY;
	}
	return ZMQ_PEER_CLOSING;
}

/* Pattern lock held when there is a pipe. */
static u32 peer_state(const struct peer_view *v)
{
	u32 state = ZMQ_PEER_HANDSHAKE;

	if (!v->half)
		state = conn_state(v->peer->conn);
	else if (kzmq_half_ends(v->half))
		state = ZMQ_PEER_CLOSING;
	/* It is counted as ready; a connection notes it a moment later. */
	if (state == ZMQ_PEER_HANDSHAKE && v->pipe && v->pipe->live)
		state = ZMQ_PEER_READY;
	return state;
}

/* What the pipe knows. Octets of the routing id copied to @rid. */
static u16 pipe_fill(struct kzmq_sock *zs, const struct peer_view *v,
		     struct zmq_peer *p, u8 *rid)
{
	struct kzmq_pipe *pipe = v->pipe;
	u16 n = 0;

	spin_lock_bh(&zs->plock);
	spin_lock(&pipe->lock);
	p->in_msgs = kzmq_queue_len(&pipe->in);
	p->in_bytes = pipe->in.bytes;
	p->out_msgs = kzmq_queue_len(&pipe->out);
	p->out_bytes = pipe->out.bytes;
	spin_unlock(&pipe->lock);
	p->state = peer_state(v);
	p->sent = pipe->sent;
	p->received = pipe->received;
	p->dropped = pipe->dropped;
	if (pipe->mute)
		p->flags |= ZMQ_PEER_MUTE;
	if (pipe->rid) {
		n = pipe->rid->len;
		memcpy(rid, pipe->rid->id, n);
	}
	spin_unlock_bh(&zs->plock);
	return n;
}

/* Its connection has ended and is about to be forgotten. */
static bool peer_is_dead(const struct kzmq_peer *peer)
{
	return peer->conn &&
	       READ_ONCE(peer->conn->state) == KZMQ_CONN_DEAD;
}

/* A record at @buf if it fits. Its octets, or 0. */
static u32 peer_record(struct kzmq_sock *zs, const struct peer_view *v,
		       u8 *buf, u32 room, char *text)
{
	const struct kzmq_peer *peer = v->peer;
	char *near = text, *far = text + TEXT_MAX;
	struct zmq_peer p = { .head = sizeof(p) };
	u8 *rid = (u8 *)text + 2 * TEXT_MAX;
	struct zmq_msg_peer who;

	if (v->pipe)
		p.rid_len = pipe_fill(zs, v, &p, rid);
	else
		p.state = peer_state(v);
	p.type = -1;
	if (kzmq_peer_is_known(peer)) {
		p.type = peer->type;
		if (!p.rid_len && peer->rid) {
			p.rid_len = peer->rid->len;
			memcpy(rid, peer->rid->id, p.rid_len);
		}
	}
	p.local_len = end_text(v, false, near);
	p.remote_len = end_text(v, true, far);
	p.size = ALIGN(sizeof(p) + p.rid_len + p.local_len + p.remote_len, 8);
	if (p.size > room)
		return 0;
	kzmq_peer_tell(peer, &who);
	p.handle = who.handle;
	p.flags |= who.flags | (v->bound ? ZMQ_PEER_BOUND : 0);
	p.pid = who.pid;
	p.uid = who.uid;
	p.gid = who.gid;
	memset(buf, 0, p.size);
	memcpy(buf, &p, sizeof(p));
	buf += sizeof(p);
	memcpy(buf, rid, p.rid_len);
	memcpy(buf + p.rid_len, near, p.local_len);
	memcpy(buf + p.rid_len + p.local_len, far, p.remote_len);
	return p.size;
}

/* The first peer behind number @at; references of it and of its link. */
static bool peer_next(struct kzmq_sock *zs, unsigned long at,
		      struct peer_view *v)
{
	do {
		xa_lock(&zs->peers);
		v->peer = xa_find_after(&zs->peers, &at, ULONG_MAX, XA_PRESENT);
		if (v->peer) {
			kzmq_peer_get(v->peer);
			v->half = v->peer->half;
			if (v->half)
				kzmq_half_get(v->half);
		}
		xa_unlock(&zs->peers);
		if (!v->peer)
			return false;
		if (!peer_is_dead(v->peer)) {
			view_set(v);
			return true;
		}
		kzmq_peer_put(v->peer);
	} while (true);
}

static void view_put(struct peer_view *v)
{
	if (v->half)
		kzmq_half_put(v->half);
	kzmq_peer_put(v->peer);
}

/**
 * kzmq_peers_list - ZMQ_PEERS
 * @zs:  the socket
 * @buf: where the records go
 * @len: octets there is room for; set to those used, 0 behind the last peer
 *
 * Context: process, lock_sock() held.
 * Return: 0, -EINVAL when not even one record fits, -ENOMEM.
 */
int kzmq_peers_list(struct kzmq_sock *zs, void *buf, int *len)
{
	unsigned long at = min_t(u64, zs->peers_after, ULONG_MAX);
	int room = *len, n = 1, err = 0;
	struct peer_view v;
	char *text;

	*len = 0;
	text = kmalloc(2 * TEXT_MAX + KZMQ_RID_MAX, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	while (n && peer_next(zs, at, &v)) {
		n = peer_record(zs, &v, buf + *len, room - *len, text);
		*len += n;
		at = v.peer->id;
		view_put(&v);
	}
	if (!n && !*len)
		err = -EINVAL;
	kfree(text);
	return err;
}
