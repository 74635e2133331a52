// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: the octets of a socket buffer, wherever they are in it.
 *
 * Contexts and locks: those of kzmq_rx_feed().
 */
#include <linux/skbuff.h>

#include "compat/lower.h"
#include "conn.h"

/* One skb without its list of further ones. Return: octets taken. */
static size_t feed_one(struct kzmq_conn *conn, struct sk_buff *skb,
		       size_t offset, size_t len)
{
	size_t done = 0, n, start = skb_headlen(skb);
	const skb_frag_t *frag;
	int i;

	if (offset < start) {
		n = min(len, start - offset);
		done = kzmq_rx_feed(conn, skb->data + offset, n, NULL, 0);
		if (done < n)
			return done;
	}
	for (i = 0; i < skb_shinfo(skb)->nr_frags && done < len; i++) {
		frag = &skb_shinfo(skb)->frags[i];
		if (offset + done < start + skb_frag_size(frag)) {
			size_t at = offset + done - start;
			size_t took;

			n = min(len - done, skb_frag_size(frag) - at);
			took = kzmq_rx_feed(conn, skb_frag_address(frag) + at, n,
					    skb_frag_page(frag),
					    skb_frag_off(frag) + at);
			done += took;
			if (took < n)
				return done;
		}
		start += skb_frag_size(frag);
	}
	return done;
}

/**
 * kzmq_rx_skb - octets from the peer
 * @conn:   the connection
 * @skb:    they are in it
 * @offset: where they begin
 * @len:    how many
 *
 * Context: any; lower lock held.
 * Return: octets taken. Fewer than @len: do not come again before you are asked.
 */
size_t kzmq_rx_skb(struct kzmq_conn *conn, struct sk_buff *skb, size_t offset,
		   size_t len)
{
	size_t done = 0, own = skb->len, n, at, took;
	struct sk_buff *iter;

	if (!kzmq_skb_readable(skb)) {
		kzmq_conn_fail(conn, -EIO);
		return 0;
	}
	skb_walk_frags(skb, iter)
		own -= iter->len;
	if (offset < own) {
		n = min(len, own - offset);
		done = feed_one(conn, skb, offset, n);
		if (done < n)
			return done;
	}
	skb_walk_frags(skb, iter) {
		if (done == len)
			break;
		if (offset + done < own + iter->len) {
			at = offset + done - own;
			n = min_t(size_t, len - done, iter->len - at);
			took = feed_one(conn, iter, at, n);
			done += took;
			if (took < n)
				break;
		}
		own += iter->len;
	}
	return done;
}
