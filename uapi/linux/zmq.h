/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * AF_ZMQ: ZeroMQ as a socket family. See af_zmq(7).
 *
 * Numbers that libzmq's zmq.h also defines have the same value there, so a
 * program may include both headers.
 */
#ifndef _UAPI_LINUX_ZMQ_H
#define _UAPI_LINUX_ZMQ_H

#include <linux/types.h>
#include <linux/socket.h>

/*
 * The kernel's table of families has no free slot of its own for ZeroMQ, so
 * the module takes one that is in use nowhere. The number really taken (module
 * parameter family=) is in /sys/module/zmq/parameters/family.
 */
#ifndef AF_ZMQ
#define AF_ZMQ			22
#endif
#ifndef PF_ZMQ
#define PF_ZMQ			AF_ZMQ
#endif
#define SOL_ZMQ			300

#define ZMQ_ENDPOINT_MAX	126	/* octets in sockaddr_zmq, NUL included */
#define ZMQ_ENDPOINT_OPT_MAX	1024	/* octets when given by setsockopt() */

/**
 * struct sockaddr_zmq - the text of an endpoint for bind(), connect() and
 *                       getsockname()
 * @szmq_family:   AF_ZMQ
 * @szmq_endpoint: "tcp://127.0.0.1:5555" and the like, NUL terminated unless
 *                 the address length says where it ends
 */
struct sockaddr_zmq {
	__kernel_sa_family_t	szmq_family;
	char			szmq_endpoint[ZMQ_ENDPOINT_MAX];
};

/* Socket types: the third argument of socket(AF_ZMQ, SOCK_SEQPACKET, type) */
#define ZMQ_PAIR		0
#define ZMQ_PUB			1
#define ZMQ_SUB			2
#define ZMQ_REQ			3
#define ZMQ_REP			4
#define ZMQ_DEALER		5
#define ZMQ_ROUTER		6
#define ZMQ_PULL		7
#define ZMQ_PUSH		8
#define ZMQ_XPUB		9
#define ZMQ_XSUB		10
#define ZMQ_STREAM		11

/* Options at level SOL_ZMQ: numbers and meaning of libzmq */
#define ZMQ_AFFINITY		4
#define ZMQ_ROUTING_ID		5
#define ZMQ_SUBSCRIBE		6
#define ZMQ_UNSUBSCRIBE		7
#define ZMQ_SNDBUF		11
#define ZMQ_RCVBUF		12
#define ZMQ_RCVMORE		13
#define ZMQ_EVENTS		15
#define ZMQ_TYPE		16
#define ZMQ_LINGER		17
#define ZMQ_RECONNECT_IVL	18
#define ZMQ_BACKLOG		19
#define ZMQ_RECONNECT_IVL_MAX	21
#define ZMQ_MAXMSGSIZE		22
#define ZMQ_SNDHWM		23
#define ZMQ_RCVHWM		24
#define ZMQ_RCVTIMEO		27
#define ZMQ_SNDTIMEO		28
#define ZMQ_IPV4ONLY		31
#define ZMQ_LAST_ENDPOINT	32
#define ZMQ_ROUTER_MANDATORY	33
#define ZMQ_IMMEDIATE		39
#define ZMQ_XPUB_VERBOSE	40
#define ZMQ_IPV6		42
#define ZMQ_MECHANISM		43
#define ZMQ_PROBE_ROUTER	51
#define ZMQ_REQ_CORRELATE	52
#define ZMQ_REQ_RELAXED		53
#define ZMQ_CONFLATE		54
#define ZMQ_ROUTER_HANDOVER	56
#define ZMQ_TOS			57
#define ZMQ_CONNECT_ROUTING_ID	61
#define ZMQ_HANDSHAKE_IVL	66
#define ZMQ_XPUB_NODROP		69
#define ZMQ_XPUB_MANUAL		71
#define ZMQ_XPUB_WELCOME_MSG	72
#define ZMQ_STREAM_NOTIFY	73
#define ZMQ_INVERT_MATCHING	74
#define ZMQ_XPUB_VERBOSER	78
#define ZMQ_THREAD_SAFE		81
#define ZMQ_ROUTER_NOTIFY	97
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108
#define ZMQ_XSUB_VERBOSE_UNSUBSCRIBE 115
#define ZMQ_TOPICS_COUNT	116

/* Options of our own */
#define ZMQ_BIND		1000	/* set: endpoint text; as bind(2) */
#define ZMQ_CONNECT		1001	/* set: endpoint text; as connect(2) */
#define ZMQ_UNBIND		1002	/* set: endpoint text */
#define ZMQ_DISCONNECT		1003	/* set: endpoint text */
#define ZMQ_RCVBATCH		1004	/* int: messages per receive call, 0 = one frame */
#define ZMQ_STATS		1005	/* get: struct zmq_stats */

/* Values of ZMQ_EVENTS */
#define ZMQ_POLLIN		1
#define ZMQ_POLLOUT		2

/* Values of ZMQ_MECHANISM */
#define ZMQ_NULL		0

/* Bits of ZMQ_ROUTER_NOTIFY */
#define ZMQ_NOTIFY_CONNECT	1
#define ZMQ_NOTIFY_DISCONNECT	2

/*
 * Control message (cmsg_level SOL_ZMQ): the frames of the data in the iovec, an
 * array of __u32, in order. Bits 0-30 are the length of a frame in octets;
 * ZMQ_FRAME_MORE says that the next entry belongs to the same message.
 *
 * sendmsg(): one call hands over one or many whole messages. The lengths must
 * add up to the length of the iovec and the last must not carry MORE. When not
 * all messages find room, the octets of those taken are returned.
 * recvmsg(): sent when ZMQ_RCVBATCH is above 0; a call returns up to so many
 * whole messages. A first message that does not fit stays queued: EMSGSIZE.
 */
#define ZMQ_CMSG_FRAMES		1
#define ZMQ_FRAME_MORE		0x80000000u
#define ZMQ_FRAME_LEN_MASK	0x7fffffffu

/**
 * struct zmq_stats - counters of one socket, ZMQ_STATS
 * @size:         octets filled in by the kernel
 * @peers:        connections that finished the handshake and still live
 * @in_msgs:      messages waiting to be received
 * @in_bytes:     octets of these
 * @out_msgs:     messages waiting to be sent
 * @out_bytes:    octets of these
 * @sent:         messages accepted from the user
 * @received:     messages given to the user
 * @dropped:      messages dropped because a peer's queue was full or the peer
 *                unknown
 * @mem:          octets that count against the sysctl sock_bytes_max
 *
 * The caller may pass a shorter or a longer buffer; what it has room for is
 * filled, what the kernel does not know is zeroed.
 */
struct zmq_stats {
	__u32	size;
	__u32	peers;
	__u64	in_msgs;
	__u64	in_bytes;
	__u64	out_msgs;
	__u64	out_bytes;
	__u64	sent;
	__u64	received;
	__u64	dropped;
	__u64	mem;
};

/*
 * ZeroMQ's own error numbers do not fit the kernel's range. The same conditions
 * are told by:
 *
 *	EFSM		EBADFD		the socket is not in the right state
 *	ETERM		ESHUTDOWN	shutdown(2) ended the socket
 *	ENOCOMPATPROTO	EPROTOTYPE	transport does not fit the socket type
 *	EMTHREAD	(never)
 */

#endif /* _UAPI_LINUX_ZMQ_H */
