/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_TRANSPORT_H
#define KZMQ_TRANSPORT_H

#include <linux/types.h>

#include "uri.h"

struct kvec;
struct kzmq_conn;
struct kzmq_ep;
struct page;
struct socket;

/**
 * struct kzmq_transport - what carries octets
 * @listen:  make, bind and listen on a lower socket for an endpoint
 * @name:    the text of a listening socket with wildcards filled in
 * @connect: make a lower socket and begin to connect; *connected when it is
 *           done already
 * @to_self: a connection that found no listener but itself
 * @accept:  take the next connection of a listening socket, -EAGAIN for none
 * @rx:      feed what can be read to kzmq_rx_feed(); lower lock held
 * @rx_empty: nothing is left to read; lower lock held
 * @lock:    take the lower lock for @tx_room, @tx_kvec and @tx_page
 * @unlock:  drop it
 * @tx_room: can anything be sent; if not, arrange for write_space
 * @tx_kvec: send from memory; octets taken or -EAGAIN or another errno
 * @tx_page: send a page by reference; likewise
 *
 * @listen, @name and @connect run in process context with the opener's
 * credentials; @rx in softirq too.
 */
struct kzmq_transport {
	int	(*listen)(struct kzmq_ep *ep, struct socket **res);
	int	(*name)(struct socket *sock, char *out, size_t room);
	int	(*connect)(struct kzmq_ep *ep, struct socket **res,
			   bool *connected);
	bool	(*to_self)(struct kzmq_conn *conn);
	int	(*accept)(struct socket *sock, struct socket **res);
	void	(*rx)(struct kzmq_conn *conn);
	bool	(*rx_empty)(struct kzmq_conn *conn);
	void	(*lock)(struct kzmq_conn *conn);
	void	(*unlock)(struct kzmq_conn *conn);
	bool	(*tx_room)(struct kzmq_conn *conn);
	int	(*tx_kvec)(struct kzmq_conn *conn, struct kvec *kv, size_t nr,
			   size_t len, bool more);
	int	(*tx_page)(struct kzmq_conn *conn, struct page *page, u32 off,
			   size_t len, bool more);
};

extern const struct kzmq_transport kzmq_tr_tcp;

#endif /* KZMQ_TRANSPORT_H */
