/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_ENDPOINT_H
#define KZMQ_ENDPOINT_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "sock.h"
#include "uri.h"

struct cred;
struct kzmq_conn;
struct kzmq_link;
struct kzmq_names;
struct kzmq_transport;
struct kzmq_zap;
struct pid;

/**
 * struct kzmq_ep - one bind() or connect()
 * @ref:      its socket's list, its connections, queued work
 * @id:       bound: number of the listening socket, see kzmq_sock_peer_id()
 * @zs:       the socket, one reference
 * @node:     in kzmq_sock.eps while @listed
 * @hash:     of @asked: a socket may have thousands
 * @listed:   the socket knows it
 * @tr:       the transport
 * @tr_data:  what it keeps
 * @bound:    bind(), not connect()
 * @closing:  unbind, disconnect or close was called
 * @failed:   gave up; stays listed until the user disconnects
 * @trying:   a task looks for the name, without lock_sock()
 * @no_more:  disconnected, and what is unsent then is not worth another try
 * @deadline: jiffies when a closing endpoint stops lingering
 * @opts:     the socket's options at the time of the call
 * @cred:     who made the call
 * @pid:      the process that made it, one reference
 * @uri:      the parsed text; of a name, the address tried last
 * @named:    connecting: to a name
 * @names:    the addresses of the name, else NULL
 * @conns:    connections that are ready, or thrown out
 * @hs:       connections in the handshake, oldest first
 * @nr_conns: how many in both
 * @nr_hs:    how many in @hs
 * @nr_fin:   how many have sent everything and only wait for the peer
 * @busy:     counted in kzmq_sock.nr_busy
 * @listener: bound: the lower socket that listens
 * @saved_data_ready: its callback before it was ours
 * @adopted:  @listener belongs to the user as well; we hold its file
 * @wait:     adopted: tells of connections
 * @accept:   bound: takes connections
 * @pipe:     connecting, IMMEDIATE=0: the pipe that outlives connections
 * @retry:    connecting: the next try
 * @wq:       where @retry runs
 * @swept:    bound: in kzmq_sock.sweep, with one reference
 * @tries:    connecting: tries since the last success
 * @ctx_node: inproc: in kzmq_ctx.eps, bound or waiting for a binder
 * @link:     inproc: what joins a connecting one with its peer, one reference
 * @leaving:  inproc: closed
 * @lost:     inproc: parted from its peer; its work item has to end it
 * @asked:    what the user's call said
 * @text:     the same with wildcards filled in
 *
 * All but @ref, @accept and @retry under lock_sock() of the socket; @tr, @opts,
 * @cred, @pid, @wq, @named, @uri but for a name's, @asked and @text do not change; nor
 * does a name's @uri while @trying. @ctx_node, @link
 * and @leaving are also under kzmq_ctx.lock.
 */
struct kzmq_ep {
	refcount_t		ref;
	u64			id;
	struct kzmq_sock	*zs;
	struct list_head	node;
	u32			hash;
	bool			listed;
	const struct kzmq_transport *tr;
	void			*tr_data;
	bool			bound;
	bool			closing;
	bool			failed;
	bool			trying;
	bool			no_more;
	unsigned long		deadline;
	struct kzmq_opts	opts;
	const struct cred	*cred;
	struct pid		*pid;
	struct kzmq_uri		uri;
	bool			named;
	struct kzmq_names	*names;
	struct list_head	conns;
	struct list_head	hs;
	u32			nr_conns;
	u32			nr_hs;
	u32			nr_fin;
	bool			busy;
	struct socket		*listener;
	void	(*saved_data_ready)(struct sock *sk);
	bool			adopted;
	struct wait_queue_entry	wait;
	struct delayed_work	accept;
	struct kzmq_pipe	*pipe;
	struct delayed_work	retry;
	struct workqueue_struct	*wq;
	struct list_head	swept;
	u32			tries;
	struct list_head	ctx_node;
	struct kzmq_link	*link;
	bool			leaving;
	bool			lost;
	char			*asked;
	char			*text;
};

void kzmq_ep_free(struct kzmq_ep *ep);
u32 kzmq_ep_hash(const char *text, size_t len);

static inline struct kzmq_ep *kzmq_ep_get(struct kzmq_ep *ep)
{
	refcount_inc(&ep->ref);
	return ep;
}

static inline void kzmq_ep_put(struct kzmq_ep *ep)
{
	if (refcount_dec_and_test(&ep->ref))
		kzmq_ep_free(ep);
}

/* inproc has no transport: sockets are joined, nothing is carried. */
static inline bool kzmq_ep_inproc(const struct kzmq_ep *ep)
{
	return ep->uri.tr == KZMQ_TR_INPROC;
}

#define kzmq_ep_stops_on(ep, bit) \
	((ep)->opts.reconnect_stop & ZMQ_RECONNECT_STOP_##bit)

/* Does it connect by way of a SOCKS proxy? */
static inline bool kzmq_ep_proxy(const struct kzmq_ep *ep)
{
	return !ep->bound && ep->uri.tr == KZMQ_TR_TCP && ep->opts.socks_proxy;
}

int kzmq_ep_bind(struct kzmq_sock *zs, const char *text, size_t len);
int kzmq_ep_connect(struct kzmq_sock *zs, const char *text, size_t len,
		    struct kzmq_names *names);
int kzmq_ep_term(struct kzmq_sock *zs, const char *text, size_t len);
int kzmq_ep_ask(struct kzmq_sock *zs, const char *text, const struct kzmq_ep *as,
		struct kzmq_zap *zap, struct kzmq_msg *msg);
void kzmq_ep_close(struct kzmq_ep *ep, unsigned long deadline);
void kzmq_ep_sweep(struct kzmq_sock *zs);
unsigned long kzmq_linger_end(int linger, unsigned int most);

void kzmq_ep_note(struct kzmq_ep *ep);
void kzmq_ep_finish(struct kzmq_ep *ep);

/* retry.c: tries, and what connections tell their endpoint */
unsigned long kzmq_ep_delay(struct kzmq_ep *ep);
bool kzmq_ep_has_rest(struct kzmq_ep *ep);
void kzmq_ep_try(struct kzmq_ep *ep);
void kzmq_ep_retry_work(struct work_struct *work);
void kzmq_ep_add_conn(struct kzmq_ep *ep, struct kzmq_conn *conn);
void kzmq_ep_conn_ready(struct kzmq_ep *ep, struct kzmq_conn *conn);
void kzmq_ep_conn_sent(struct kzmq_ep *ep, struct kzmq_conn *conn);
bool kzmq_ep_is_last(const struct kzmq_ep *ep, const struct kzmq_conn *conn);
void kzmq_ep_conn_gone(struct kzmq_ep *ep, struct kzmq_conn *conn);

/* listener.c */
void kzmq_listener_init(struct kzmq_ep *ep);
int kzmq_listener_open(struct kzmq_ep *ep, struct socket **res);
void kzmq_listener_drop(struct kzmq_ep *ep, struct socket *sock);
void kzmq_listener_start(struct kzmq_ep *ep, struct socket *sock);
void kzmq_listener_stop(struct kzmq_ep *ep);
void kzmq_listener_kick(struct kzmq_ep *ep, unsigned long delay);

#endif /* KZMQ_ENDPOINT_H */
