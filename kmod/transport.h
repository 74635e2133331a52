/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_TRANSPORT_H
#define KZMQ_TRANSPORT_H

#include <linux/types.h>

#include "uri.h"

struct kvec;
struct kzmq_conn;
struct kzmq_ep;
struct kzmq_opts;
struct page;
struct sock;
struct socket;

/**
 * struct kzmq_transport - what carries octets
 * @open:    a new endpoint; may be NULL
 * @release: its end; may be NULL
 * @listen:  make, bind and listen on a lower socket for an endpoint
 * @adopts:  is it one of those that @listen makes
 * @unlisten: the endpoint stops listening; may be NULL
 * @name:    the text of a listening socket with wildcards filled in
 * @text:    the text of a connected socket's own or its peer's address; also when
 *           the peer has gone. Takes the lower lock.
 * @connect: make a lower socket and begin to connect; *connected when it is
 *           done already
 * @to_self: a connection that found no listener but itself; may be NULL
 * @accept:  take the next connection of an endpoint's listening socket, -EAGAIN
 *           for none
 * @allowed: may the peer of an accepted socket come in
 * @rx_now:  data_ready comes in the peer's process context: read by
 *           kzmq_conn_rx_now(); the lower lock is kzmq_conn.rx_lock
 * @rx_foul: what waits to be read must not wait; may be NULL
 * @rx_end:  drop what was read and not taken; may be NULL
 * @rx:      feed what can be read to kzmq_rx_feed(); lower lock held
 * @rx_empty: nothing is left to read; lower lock held
 * @lock:    take the lower lock
 * @unlock:  drop it
 * @tx_lock: take what @tx_room, @tx_kvec and @tx_page need; may be NULL
 * @tx_unlock: drop it
 * @writeable: is there so much room that write_space is worth an event
 * @tx_room: can anything be sent; if not, arrange for write_space
 * @tx_kvec: send from memory; octets taken or -EAGAIN or another errno
 * @tx_page: send a page by reference; likewise
 *
 * @open, @listen, @name, @connect and @accept run in process context with the opener's
 * credentials; @rx in softirq too, unless @rx_now.
 */
struct kzmq_transport {
	int	(*open)(struct kzmq_ep *ep);
	void	(*release)(struct kzmq_ep *ep);
	int	(*listen)(struct kzmq_ep *ep, struct socket **res);
	bool	(*adopts)(const struct sock *sk);
	void	(*unlisten)(struct kzmq_ep *ep);
	int	(*name)(struct kzmq_ep *ep, struct socket *sock, char *out,
			size_t room);
	int	(*text)(struct socket *sock, bool peer, char *out, size_t room);
	int	(*connect)(struct kzmq_ep *ep, struct socket **res,
			   bool *connected);
	bool	(*to_self)(struct kzmq_conn *conn);
	int	(*accept)(struct kzmq_ep *ep, struct socket **res);
	bool	(*allowed)(struct kzmq_ep *ep, struct socket *sock);
	bool	rx_now;
	void	(*rx)(struct kzmq_conn *conn);
	bool	(*rx_foul)(struct kzmq_conn *conn);
	void	(*rx_end)(struct kzmq_conn *conn);
	bool	(*rx_empty)(struct kzmq_conn *conn);
	void	(*lock)(struct kzmq_conn *conn);
	void	(*unlock)(struct kzmq_conn *conn);
	void	(*tx_lock)(struct kzmq_conn *conn);
	void	(*tx_unlock)(struct kzmq_conn *conn);
	bool	(*writeable)(const struct sock *sk);
	bool	(*tx_room)(struct kzmq_conn *conn);
	int	(*tx_kvec)(struct kzmq_conn *conn, struct kvec *kv, size_t nr,
			   size_t len, bool more);
	int	(*tx_page)(struct kzmq_conn *conn, struct page *page, u32 off,
			   size_t len, bool more);
};

/* lower.c */
void kzmq_lower_tune(struct sock *sk, const struct kzmq_opts *o);
bool kzmq_lower_end(struct socket *sock);
bool kzmq_lower_acked(struct socket *sock);
void kzmq_lower_close(struct socket *sock);
void kzmq_lower_release(struct socket *sock);

extern const struct kzmq_transport kzmq_tr_tcp;
extern const struct kzmq_transport kzmq_tr_unix;

#endif /* KZMQ_TRANSPORT_H */
