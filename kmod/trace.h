/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints for decisions: how connections live and why messages die.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kzmq

#if !defined(KZMQ_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KZMQ_TRACE_H

#include <linux/tracepoint.h>

#include "conn.h"
#include "endpoint.h"
#include "sock.h"

#define kzmq_show_state(s) __print_symbolic(s,			\
	{ KZMQ_CONN_CONNECTING,	"CONNECTING" },			\
	{ KZMQ_CONN_HANDSHAKE,	"HANDSHAKE" },			\
	{ KZMQ_CONN_READY,	"READY" },			\
	{ KZMQ_CONN_CLOSING,	"CLOSING" },			\
	{ KZMQ_CONN_FIN,	"FIN" },			\
	{ KZMQ_CONN_DEAD,	"DEAD" })

TRACE_EVENT(kzmq_conn_state,
	TP_PROTO(const struct kzmq_conn *conn, int from, int to),
	TP_ARGS(conn, from, to),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(const void *, conn)
		__field(int, type)
		__field(int, from)
		__field(int, to)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->sk = conn->zs;
		__entry->conn = conn;
		__entry->type = conn->zs->type;
		__entry->from = from;
		__entry->to = to;
		__entry->err = conn->err;
	),
	TP_printk("sk=%p type=%d conn=%p %s -> %s err=%d", __entry->sk,
		  __entry->type, __entry->conn, kzmq_show_state(__entry->from),
		  kzmq_show_state(__entry->to), __entry->err)
);

TRACE_EVENT(kzmq_peer_fault,
	TP_PROTO(const struct kzmq_conn *conn, const char *what),
	TP_ARGS(conn, what),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(const void *, conn)
		__string(what, what)
	),
	TP_fast_assign(
		__entry->sk = conn->zs;
		__entry->conn = conn;
		kzmq_assign_str(what, what);
	),
	TP_printk("sk=%p conn=%p %s", __entry->sk, __entry->conn,
		  __get_str(what))
);

TRACE_EVENT(kzmq_drop,
	TP_PROTO(const struct kzmq_sock *zs, const char *why),
	TP_ARGS(zs, why),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(int, type)
		__string(why, why)
	),
	TP_fast_assign(
		__entry->sk = zs;
		__entry->type = zs->type;
		kzmq_assign_str(why, why);
	),
	TP_printk("sk=%p type=%d %s", __entry->sk, __entry->type,
		  __get_str(why))
);

TRACE_EVENT(kzmq_ep_gave_up,
	TP_PROTO(const struct kzmq_ep *ep),
	TP_ARGS(ep),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__string(endpoint, ep->asked)
	),
	TP_fast_assign(
		__entry->sk = ep->zs;
		kzmq_assign_str(endpoint, ep->asked);
	),
	TP_printk("sk=%p %s", __entry->sk, __get_str(endpoint))
);

#endif /* KZMQ_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
