/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_SOCK_H
#define KZMQ_SOCK_H

#include <linux/if.h>
#include <linux/list.h>
#include <linux/net.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include <net/sock.h>

#include <linux/zmq.h>

#include "netns.h"
#include "pattern.h"
#include "peer.h"
#include "pipe.h"

struct kzmq_asker;
struct kzmq_blob;
struct kzmq_ctx;
struct kzmq_ep;
struct kzmq_filter;
struct kzmq_sec;

/*
 * Options that an endpoint copies when it is made, named as in af_zmq(7). Times
 * are in milliseconds. Written under lock_sock(), read with READ_ONCE() where
 * the lock is not held. What a pointer leads to does not change (optval.c).
 */
struct kzmq_opts {
	u64	affinity;
	s64	maxmsgsize;
	int	sndhwm;
	int	rcvhwm;
	int	linger;
	int	reconnect_ivl;
	int	reconnect_ivl_max;
	int	backlog;
	int	handshake_ivl;
	int	heartbeat_ivl;
	int	heartbeat_ttl;
	int	heartbeat_timeout;
	int	sndbuf;
	int	rcvbuf;
	int	tos;
	int	immediate;
	int	ipv6;
	int	conflate;
	int	rcvbatch;
	int	recvpeer;
	int	sndtimeo;
	int	rcvtimeo;
	int	tcp_keepalive;
	int	tcp_keepalive_cnt;
	int	tcp_keepalive_idle;
	int	tcp_keepalive_intvl;
	int	tcp_maxrt;
	int	connect_timeout;
	int	reconnect_stop;
	int	priority;
	int	busy_poll;
	int	use_fd;
	char	device[IFNAMSIZ];
	struct kzmq_filter *filter;
	struct kzmq_sec	*sec;
	int	in_batch_size;
	int	out_batch_size;
	struct kzmq_msg		*hello_msg;
	struct kzmq_msg		*disconnect_msg;
	struct kzmq_msg		*hiccup_msg;
	struct kzmq_blob	*metadata;
	struct kzmq_blob	*socks_proxy;
	struct kzmq_blob	*socks_user;
	struct kzmq_blob	*socks_pass;
	u8	rid_len;
	u8	rid[KZMQ_RID_MAX];
};

/**
 * struct kzmq_burst - does a sender send again and again without a pause
 * @task: the last sender, compared only
 * @nvcsw: how often it had gone to sleep then
 * @ran:  nanoseconds it had run then, as of the last tick
 * @nr:   such sends in a row; receiving a message begins anew
 *
 * A guess that decides who transmits, so no lock.
 */
struct kzmq_burst {
	const void	*task;
	unsigned long	nvcsw;
	u64		ran;
	unsigned int	nr;
};

/**
 * struct kzmq_req - REQ's state
 * @id:        request id of the last request
 * @correlate: ZMQ_REQ_CORRELATE
 * @relaxed:   ZMQ_REQ_RELAXED
 * @waiting:   a request was sent and its reply not yet taken
 * @asked:     who got the request, NULL when it has left
 * @reply:     the reply, found and not yet taken
 */
struct kzmq_req {
	u32			id;
	int			correlate;
	int			relaxed;
	bool			waiting;
	struct kzmq_pipe	*asked;
	struct kzmq_in		reply;
};

/**
 * struct kzmq_rep - REP's state
 * @serving: a request was taken and not yet answered
 * @serial:  number of that request
 * @req:     the request, for its envelope
 * @env_nr:  frames of the envelope
 * @asker:   who sent it
 */
struct kzmq_rep {
	bool			serving;
	u32			serial;
	struct kzmq_msg		*req;
	u32			env_nr;
	struct kzmq_pipe	*asker;
};

/**
 * struct kzmq_router - peers by routing id
 * @ids:       the table
 * @next_id:   for the next peer without a name
 * @mandatory: ZMQ_ROUTER_MANDATORY
 * @handover:  ZMQ_ROUTER_HANDOVER
 * @notify:    ZMQ_ROUTER_NOTIFY, ZMQ_STREAM_NOTIFY
 * @next_len:  octets of @next_rid, 0 when not set
 * @next_rid:  ZMQ_CONNECT_ROUTING_ID
 */
struct kzmq_router {
	struct rhashtable	ids;
	u32			next_id;
	int			mandatory;
	int			handover;
	int			notify;
	u8			next_len;
	u8			next_rid[KZMQ_RID_MAX];
};

struct kzmq_pub;
struct kzmq_subs;

/**
 * struct kzmq_sock - one AF_ZMQ socket
 * @sk:        the generic socket, first. lock_sock() serialises bind, connect,
 *             options and close
 * @type:      ZMQ_PAIR ... ZMQ_STREAM
 * @pat:       what makes this type
 * @zn:        the namespace's part
 * @node:      in kzmq_net.socks
 * @closed:    the file is gone; under lock_sock() and plock
 * @down:      shutdown(2) was called; written under plock
 * @aborted:   its lingering was ended, under kzmq_net.mutex
 * @cut:       closed, and for orphans there is less time than ZMQ_LINGER says
 * @deadline:  jiffies when a closed socket gives up what is still unsent
 * @lingers:   closed, and counted by its context; under lock_sock()
 * @nr_busy:   endpoints with something left to send, or still to be closed; under
 *             lock_sock()
 * @opts:      options
 * @eps:       endpoints, under lock_sock()
 * @stale:     one of these may want new addresses for its name, under lock_sock()
 * @sweep:     of these, some that left a file behind, under lock_sock()
 * @ctx:       scope of inproc names, one reference; does not change once
 *             @ctx_fixed is set, under lock_sock()
 * @ctx_fixed: the socket was bound or connected
 * @last_ep:   text of ZMQ_LAST_ENDPOINT, under lock_sock()
 * @peer_ids:  the number the last peer got, see kzmq_sock_peer_id()
 * @peers:     all connections' and links' peers by number; see peer.c
 * @peers_after: value of ZMQ_PEERS: the list begins behind it
 * @prop:      value of ZMQ_PEER_PROP, or NULL; these under lock_sock()
 * @gone:      the last peers that left
 * @nr_gone:   how many have left
 * @mon_lock:  protects the monitors; process context
 * @mons:      the monitors
 * @nr_mons:   how many
 * @mon_mask:  what any of them wants; read without the lock
 * @asker:     what asks the ZAP handler, or NULL; set once (zap.c)
 * @burst:     is the sender dense
 * @half_lock: taken while a frame is appended to @half
 * @half:      frames sent with MSG_MORE so far
 * @plock:     the pattern lock: all that follows. BH-safe; taken in softirq
 *             with a lower socket's lock held, so no lower lock may be taken
 *             below it
 * @pipes:     all pipes; see kzmq_sock_for_pipes()
 * @nr_pipes:  how many
 * @nr_peers:  connections that are ready
 * @nr_left:   pipes of bound endpoints that wait, without one, to be read empty
 * @fq:        pipes with messages to receive
 * @lb:        pipes with room to send
 * @in:        the message the user reads frame by frame
 * @last_peer: who sent the message received last; with ZMQ_RECVPEER only
 * @rcvmore:   more frames follow the one last read
 * @rx_waits:  the last blocking receive of one frame had to wait; a guess
 * @sent:      messages put in queues
 * @received:  messages given to the user
 * @dropped:   messages dropped, full or unroutable
 * @qbytes:    octets in all pipes
 * @probe_router: ZMQ_PROBE_ROUTER
 * @pair:      PAIR: the one peer
 * @req:       REQ's state
 * @rep:       REP's state
 * @router:    ROUTER's, REP's and STREAM's table of peers
 * @pub:       PUB's and XPUB's subscriptions
 * @subs:      SUB's and XSUB's
 */
struct kzmq_sock {
	struct sock		sk;
	int			type;
	const struct kzmq_pattern *pat;
	struct kzmq_net		*zn;
	struct list_head	node;
	bool			closed;
	bool			down;
	bool			aborted;
	bool			cut;
	unsigned long		deadline;
	bool			lingers;
	u32			nr_busy;
	struct kzmq_opts	opts;
	struct list_head	eps;
	bool			stale;
	struct list_head	sweep;
	struct kzmq_ctx		*ctx;
	bool			ctx_fixed;
	char			last_ep[ZMQ_ENDPOINT_OPT_MAX];
	atomic_long_t		peer_ids;
	struct xarray		peers;
	u64			peers_after;
	struct kzmq_props	*prop;
	struct kzmq_peer	*gone[KZMQ_PEERS_GONE];
	u32			nr_gone;

	spinlock_t		mon_lock;	/* protects mons, nr_mons, mon_mask */
	struct list_head	mons;
	u32			nr_mons;
	u32			mon_mask;
	struct kzmq_asker	*asker;

	struct kzmq_burst	burst;
	struct mutex		half_lock;	/* protects half */
	struct kzmq_msg		*half;

	/* protects the rest */
	spinlock_t		plock ____cacheline_aligned_in_smp;
	struct list_head	pipes;
	u32			nr_pipes;
	u32			nr_peers;
	u32			nr_left;
	struct kzmq_fq		fq;
	struct kzmq_lb		lb;
	struct kzmq_in		in;
	struct kzmq_peer	*last_peer;
	bool			rcvmore;
	bool			rx_waits;
	u64			sent;
	u64			received;
	u64			dropped;
	atomic_long_t		qbytes;
	int			probe_router;
	struct kzmq_pipe	*pair;
	struct kzmq_req		req;
	struct kzmq_rep		rep;
	struct kzmq_router	router;
	struct kzmq_pub		*pub;
	struct kzmq_subs	*subs;
};

static inline struct kzmq_sock *kzmq_sk(const struct sock *sk)
{
	return (struct kzmq_sock *)sk;
}

static inline void kzmq_sock_get(struct kzmq_sock *zs)
{
	sock_hold(&zs->sk);
}

static inline void kzmq_sock_put(struct kzmq_sock *zs)
{
	sock_put(&zs->sk);
}

/* A number for a new peer; the socket's first is 1 */
static inline u64 kzmq_sock_peer_id(struct kzmq_sock *zs)
{
	return (unsigned long)atomic_long_inc_return(&zs->peer_ids);
}

/* Whom the memory of received messages is charged to */
static inline struct mem_cgroup *kzmq_sock_memcg(struct kzmq_sock *zs)
{
#ifdef CONFIG_MEMCG
	return zs->sk.sk_memcg;
#else
	return NULL;
#endif
}

extern struct proto kzmq_proto;
extern const struct proto_ops kzmq_proto_ops;
extern struct workqueue_struct *kzmq_wq;
extern int kzmq_family;

int kzmq_sock_create(struct net *net, struct socket *sock, int type, int kern);
void kzmq_sock_close(struct kzmq_sock *zs);
void kzmq_sock_busy(struct kzmq_sock *zs, bool busy);
void kzmq_sock_abort_orphans(struct kzmq_net *zn);
void kzmq_sock_wake_in(struct kzmq_sock *zs);
void kzmq_sock_wake_out(struct kzmq_sock *zs);
void kzmq_sock_wake_all(struct kzmq_sock *zs);
void kzmq_sock_for_pipes(struct kzmq_sock *zs,
			 void (*fn)(struct kzmq_sock *zs,
				    struct kzmq_pipe *pipe, void *arg),
			 void *arg);
void kzmq_sock_fill_stats(struct kzmq_sock *zs, struct zmq_stats *st);

int kzmq_sendmsg(struct socket *sock, struct msghdr *m, size_t len);
int kzmq_recvmsg(struct socket *sock, struct msghdr *m, size_t len, int flags);
bool kzmq_readable(struct kzmq_sock *zs);
bool kzmq_writable(struct kzmq_sock *zs);
u32 kzmq_next_len(struct kzmq_sock *zs);
int kzmq_setsockopt(struct socket *sock, int level, int opt, sockptr_t val,
		    unsigned int len);
int kzmq_getsockopt(struct socket *sock, int level, int opt,
		    char __user *val, int __user *len);

#endif /* KZMQ_SOCK_H */
