// SPDX-License-Identifier: GPL-2.0
/*
 * Connections by way of a SOCKS5 proxy: before the greeting the proxy is told
 * where to connect to. The steps belong to the state HANDSHAKE and its time
 * limit; receiving is in KZMQ_RX_SOCKS meanwhile. A proxy that refuses or
 * talks something else is no fault of the peer: the endpoint tries again.
 *
 * Locks: kzmq_conn.socks is under the lower socket's lock once receiving has
 * begun.
 * Contexts: kzmq_socks_begin() in the work item; kzmq_rx_socks() as receiving.
 */
#include <linux/slab.h>
#include <net/sock.h>

#include "conn.h"
#include "endpoint.h"
#include "optval.h"
#include "socks.h"
#include "trace.h"

/**
 * kzmq_conn_greet - queue the first octets of ZMTP
 * @conn: the connection
 * @gfp:  how to allocate
 *
 * Context: any.
 * Return: 0 or -ENOMEM.
 */
int kzmq_conn_greet(struct kzmq_conn *conn, gfp_t gfp)
{
	u8 out[KZMQ_GREET_OUT];
	size_t n = kzmq_greet_start(&conn->rx.greet, out);

	return kzmq_conn_ctl(conn, out, n, false, gfp);
}

/**
 * kzmq_socks_begin - talk to the proxy first
 * @conn: the connection, connected to the proxy
 *
 * Context: the work item.
 * Return: 0 or -ENOMEM.
 */
int kzmq_socks_begin(struct kzmq_conn *conn)
{
	u8 out[KZMQ_SOCKS_START];
	size_t n;

	conn->socks = kmalloc(sizeof(*conn->socks), GFP_KERNEL_ACCOUNT);
	if (!conn->socks)
		return -ENOMEM;
	n = kzmq_socks_start(conn->socks, conn->ep->opts.socks_user, out);
	return kzmq_conn_ctl(conn, out, n, false, GFP_KERNEL);
}

static int socks_send_auth(struct kzmq_conn *conn)
{
	const struct kzmq_opts *o = &conn->ep->opts;
	const struct kzmq_blob *pass = o->socks_pass;
	u8 *out = kmalloc(KZMQ_SOCKS_OUT_MAX, conn->rx.gfp);
	size_t n;
	int err;

	if (!out)
		return -ENOMEM;
	n = kzmq_socks_auth(out, o->socks_user->data, o->socks_user->len,
			    pass ? pass->data : NULL, pass ? pass->len : 0);
	err = kzmq_conn_ctl(conn, out, n, false, conn->rx.gfp);
	kfree_sensitive(out);
	return err;
}

static int socks_send_request(struct kzmq_conn *conn)
{
	const struct kzmq_addr *dst = &conn->ep->uri.dst;
	u8 out[3 + 1 + 1 + sizeof(dst->name) + 2];

	return kzmq_conn_ctl(conn, out, kzmq_socks_request(out, dst), false,
			     conn->rx.gfp);
}

/* The destination is there: go on as if it had been connected directly. */
static int socks_done(struct kzmq_conn *conn)
{
	int err;

	kfree(conn->socks);
	conn->socks = NULL;
	if (conn->raw) {
		conn->rx.mode = KZMQ_RX_HOLD;
		kzmq_conn_kick(conn, KZMQ_EV_PEER_READY);
		return 0;
	}
	err = kzmq_conn_greet(conn, conn->rx.gfp);
	if (!err)
		conn->rx.mode = KZMQ_RX_GREETING;
	return err;
}

/**
 * kzmq_rx_socks - octets came from the proxy
 * @conn: the connection
 * @p:    the octets
 * @n:    how many
 * @err:  set when the connection has to end
 *
 * Context: any; lower lock held.
 * Return: octets taken.
 */
size_t kzmq_rx_socks(struct kzmq_conn *conn, const u8 *p, size_t n, int *err)
{
	size_t used;
	int ret;

	ret = kzmq_socks_feed(conn->socks, p, n, &used);
	switch (ret) {
	case KZMQ_SOCKS_MORE:
		return used;
	case KZMQ_SOCKS_SEND_AUTH:
		ret = socks_send_auth(conn);
		break;
	case KZMQ_SOCKS_SEND_REQ:
		ret = socks_send_request(conn);
		break;
	case KZMQ_SOCKS_DONE:
		ret = socks_done(conn);
		break;
	default:
		KZMQ_INC(conn->zs->zn, PROXY_FAILED);
		trace_kzmq_peer_fault(conn, kzmq_mib_names[KZMQ_MIB_PROXY_FAILED]);
	}
	/* Not the peer's fault: the endpoint tries again. */
	if (ret)
		*err = -ECONNABORTED;
	return used;
}
