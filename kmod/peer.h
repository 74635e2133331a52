/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_PEER_H
#define KZMQ_PEER_H

#include <linux/in6.h>
#include <linux/in.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/sockptr.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct kzmq_conn;
struct pid_namespace;
struct user_namespace;
struct kzmq_ep;
struct kzmq_half;
struct kzmq_net;
struct kzmq_pipe;
struct kzmq_rid;
struct kzmq_sock;
struct pid;
struct zmq_msg_peer;

/* Octets of metadata kept of one peer, and of one value: what an option gives */
#define KZMQ_PROPS_MAX	4096
#define KZMQ_PROP_MAX	1024
/* Peers that have left and can still be asked about */
#define KZMQ_PEERS_GONE	16
/* "localhost" and three numbers, or an address */
#define KZMQ_PEER_ADDRESS_MAX 64

/**
 * struct kzmq_props - metadata of a peer, without what stands elsewhere
 * @len:  octets
 * @data: properties as in READY, well formed
 */
struct kzmq_props {
	u32	len;
	u8	data[];
};

/**
 * union kzmq_peer_addr - one end of a TCP connection
 * @family: AF_INET, AF_INET6 or AF_UNSPEC
 * @in:     the former
 * @in6:    the latter
 */
union kzmq_peer_addr {
	sa_family_t		family;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

/**
 * struct kzmq_peer - who is at the other end of a connection
 * @ref:    its connection or link, its pipe, messages that tell of it
 * @id:     number in its socket: kzmq_conn.id
 * @zn:     the namespace @props is charged to
 * @conn:   the connection while it stands in kzmq_sock.peers; NULL with inproc
 * @half:   inproc: our side of the link while it stands there, under its lock
 * @inproc: joined, not connected
 * @node:   in kzmq_pipe.in_next, under the pipe's lock
 * @from:   there: the first message in the pipe's queue that it sent
 * @known:  the handshake is done: @type, @rid, @props and @vouched do not change
 *          any more
 * @local:  @pid, @uid and @gid are true
 * @type:   enum kzmq_type, negative when it has not told
 * @pid:    process, one reference, or NULL
 * @uid:    its user
 * @gid:    its group
 * @near:   our end
 * @far:    its end
 * @rid:    routing id it told, or NULL; the connection's until @known
 * @props:  what else it told, or NULL
 * @vouched: what the ZAP handler told of it, or NULL
 *
 * Outlives the connection while messages of it wait to be read.
 */
struct kzmq_peer {
	refcount_t		ref;
	u64			id;
	struct kzmq_net		*zn;
	struct kzmq_conn	*conn;
	struct kzmq_half	*half;
	bool			inproc;
	struct list_head	node;
	u64			from;
	bool			known;
	bool			local;
	s8			type;
	struct pid		*pid;
	kuid_t			uid;
	kgid_t			gid;
	union kzmq_peer_addr	near;
	union kzmq_peer_addr	far;
	struct kzmq_rid		*rid;
	struct kzmq_props	*props;
	struct kzmq_props	*vouched;
};

void kzmq_peer_free(struct kzmq_peer *peer);

static inline struct kzmq_peer *kzmq_peer_get(struct kzmq_peer *peer)
{
	if (peer)
		refcount_inc(&peer->ref);
	return peer;
}

static inline void kzmq_peer_put(struct kzmq_peer *peer)
{
	if (peer && refcount_dec_and_test(&peer->ref))
		kzmq_peer_free(peer);
}

static inline bool kzmq_peer_is_known(const struct kzmq_peer *peer)
{
	/* What was written before it was set can be read. */
	return smp_load_acquire(&peer->known);
}

/* What connections tell */
int kzmq_peer_add(struct kzmq_conn *conn);
void kzmq_peer_del(struct kzmq_conn *conn);
int kzmq_peer_meta(struct kzmq_peer *peer, const u8 *data, size_t len, int type,
		   gfp_t gfp);
struct kzmq_props *kzmq_props_alloc(struct kzmq_net *zn, u32 n, gfp_t gfp);
void kzmq_props_free(struct kzmq_net *zn, struct kzmq_props *props);
void kzmq_peer_known(struct kzmq_conn *conn);
int kzmq_peer_address(const struct kzmq_peer *peer, struct user_namespace *uns,
		      struct pid_namespace *pns, char *out);

/* What inproc tells */
struct kzmq_peer *kzmq_peer_inproc(struct kzmq_sock *zs,
				   const struct kzmq_ep *far);
int kzmq_peer_list(struct kzmq_peer *peer, struct kzmq_sock *zs,
		   struct kzmq_half *half);
void kzmq_peer_unlist(struct kzmq_peer *peer, struct kzmq_sock *zs);

/* Whose messages stand in a pipe; the pipe's lock is held */
void kzmq_peer_joins(struct kzmq_pipe *pipe, struct kzmq_peer *peer);
void kzmq_peer_turn(struct kzmq_pipe *pipe);
void kzmq_peers_forget(struct kzmq_pipe *pipe);

void kzmq_peer_gone(struct kzmq_sock *zs, struct kzmq_peer *peer);
void kzmq_peers_end(struct kzmq_sock *zs);

/* What users ask */
void kzmq_peer_tell(const struct kzmq_peer *peer, struct zmq_msg_peer *out);
int kzmq_peers_list(struct kzmq_sock *zs, void *buf, int *len);
int kzmq_peer_select(struct kzmq_sock *zs, sockptr_t val, unsigned int len);
int kzmq_peer_prop(struct kzmq_sock *zs, void *buf, int *len);

#endif /* KZMQ_PEER_H */
