/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_ENDPOINT_H
#define KZMQ_ENDPOINT_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>

#include "sock.h"
#include "uri.h"

struct cred;
struct kzmq_conn;
struct kzmq_transport;

/**
 * struct kzmq_ep - one bind() or connect()
 * @ref:      its socket's list, its connections, queued work
 * @zs:       the socket, one reference
 * @node:     in kzmq_sock.eps while @listed
 * @listed:   the socket knows it
 * @tr:       the transport
 * @bound:    bind(), not connect()
 * @closing:  unbind, disconnect or close was called
 * @failed:   gave up; stays listed until the user disconnects
 * @deadline: jiffies when a closing endpoint stops lingering
 * @opts:     the socket's options at the time of the call
 * @cred:     who made the call
 * @uri:      the parsed text
 * @conns:    connections that are ready, or thrown out
 * @hs:       connections in the handshake, oldest first
 * @nr_conns: how many in both
 * @nr_hs:    how many in @hs
 * @listener: bound: the lower socket that listens
 * @saved_data_ready: its callback before it was ours
 * @accept:   bound: takes connections
 * @pipe:     connecting, IMMEDIATE=0: the pipe that outlives connections
 * @retry:    connecting: the next try
 * @tries:    connecting: tries since the last success
 * @asked:    what the user's call said
 * @text:     the same with wildcards filled in
 *
 * All but @ref, @accept and @retry under lock_sock() of the socket; @tr, @opts,
 * @cred, @uri, @asked and @text do not change.
 */
struct kzmq_ep {
	refcount_t		ref;
	struct kzmq_sock	*zs;
	struct list_head	node;
	bool			listed;
	const struct kzmq_transport *tr;
	bool			bound;
	bool			closing;
	bool			failed;
	unsigned long		deadline;
	struct kzmq_opts	opts;
	const struct cred	*cred;
	struct kzmq_uri		uri;
	struct list_head	conns;
	struct list_head	hs;
	u32			nr_conns;
	u32			nr_hs;
	struct socket		*listener;
	void	(*saved_data_ready)(struct sock *sk);
	struct delayed_work	accept;
	struct kzmq_pipe	*pipe;
	struct delayed_work	retry;
	u32			tries;
	char			*asked;
	char			*text;
};

void kzmq_ep_free(struct kzmq_ep *ep);

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

int kzmq_ep_bind(struct kzmq_sock *zs, const char *text, size_t len);
int kzmq_ep_connect(struct kzmq_sock *zs, const char *text, size_t len);
int kzmq_ep_term(struct kzmq_sock *zs, const char *text, size_t len);
void kzmq_ep_close(struct kzmq_ep *ep, unsigned long deadline);
unsigned long kzmq_linger_end(int linger, unsigned int most);

/* What connections tell their endpoint */
void kzmq_ep_add_conn(struct kzmq_ep *ep, struct kzmq_conn *conn);
void kzmq_ep_conn_ready(struct kzmq_ep *ep, struct kzmq_conn *conn);
void kzmq_ep_conn_gone(struct kzmq_ep *ep, struct kzmq_conn *conn);

/* listener.c */
void kzmq_listener_init(struct kzmq_ep *ep);
int kzmq_listener_start(struct kzmq_ep *ep);
void kzmq_listener_stop(struct kzmq_ep *ep);
void kzmq_listener_kick(struct kzmq_ep *ep, unsigned long delay);

#endif /* KZMQ_ENDPOINT_H */
