/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_SOCK_H
#define KZMQ_SOCK_H

#include <linux/list.h>
#include <linux/net.h>
#include <linux/spinlock.h>
#include <net/sock.h>

#include <linux/zmq.h>

#include "netns.h"
#include "pattern.h"
#include "pipe.h"

struct kzmq_ep;

/*
 * Options that an endpoint copies when it is made, named as in af_zmq(7). Times
 * are in milliseconds. Written under lock_sock(), read with READ_ONCE() where
 * the lock is not held.
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
	int	sndbuf;
	int	rcvbuf;
	int	tos;
	int	immediate;
	int	ipv6;
	int	conflate;
	int	rcvbatch;
	int	sndtimeo;
	int	rcvtimeo;
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
 * @deadline:  jiffies when a closed socket gives up what is still unsent
 * @opts:      options
 * @eps:       endpoints, under lock_sock()
 * @last_ep:   text of ZMQ_LAST_ENDPOINT, under lock_sock()
 * @burst:     is the sender dense
 * @half_lock: taken while a frame is appended to @half
 * @half:      frames sent with MSG_MORE so far
 * @plock:     the pattern lock: all that follows. BH-safe; taken in softirq
 *             with a lower socket's lock held, so no lower lock may be taken
 *             below it
 * @pipes:     all pipes
 * @nr_peers:  connections that are ready
 * @fq:        pipes with messages to receive
 * @lb:        pipes with room to send
 * @in:        the message the user reads frame by frame
 * @rcvmore:   more frames follow the one last read
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
	unsigned long		deadline;
	struct kzmq_opts	opts;
	struct list_head	eps;
	char			last_ep[ZMQ_ENDPOINT_OPT_MAX];

	struct kzmq_burst	burst;
	struct mutex		half_lock;	/* protects half */
	struct kzmq_msg		*half;

	/* protects the rest */
	spinlock_t		plock ____cacheline_aligned_in_smp;
	struct list_head	pipes;
	u32			nr_peers;
	struct kzmq_fq		fq;
	struct kzmq_lb		lb;
	struct kzmq_in		in;
	bool			rcvmore;
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
void kzmq_sock_wake_in(struct kzmq_sock *zs);
void kzmq_sock_wake_out(struct kzmq_sock *zs);
void kzmq_sock_wake_all(struct kzmq_sock *zs);
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
