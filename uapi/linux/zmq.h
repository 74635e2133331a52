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
#define ZMQ_TCP_KEEPALIVE	34
#define ZMQ_TCP_KEEPALIVE_CNT	35
#define ZMQ_TCP_KEEPALIVE_IDLE	36
#define ZMQ_TCP_KEEPALIVE_INTVL	37
#define ZMQ_TCP_ACCEPT_FILTER	38
#define ZMQ_IMMEDIATE		39
#define ZMQ_XPUB_VERBOSE	40
#define ZMQ_IPV6		42
#define ZMQ_MECHANISM		43
#define ZMQ_PLAIN_SERVER	44
#define ZMQ_PLAIN_USERNAME	45
#define ZMQ_PLAIN_PASSWORD	46
#define ZMQ_CURVE_SERVER	47
#define ZMQ_CURVE_PUBLICKEY	48
#define ZMQ_CURVE_SECRETKEY	49
#define ZMQ_CURVE_SERVERKEY	50
#define ZMQ_PROBE_ROUTER	51
#define ZMQ_REQ_CORRELATE	52
#define ZMQ_REQ_RELAXED		53
#define ZMQ_CONFLATE		54
#define ZMQ_ZAP_DOMAIN		55
#define ZMQ_ROUTER_HANDOVER	56
#define ZMQ_TOS			57
#define ZMQ_IPC_FILTER_PID	58
#define ZMQ_IPC_FILTER_UID	59
#define ZMQ_IPC_FILTER_GID	60
#define ZMQ_CONNECT_ROUTING_ID	61
#define ZMQ_HANDSHAKE_IVL	66
#define ZMQ_SOCKS_PROXY		68
#define ZMQ_XPUB_NODROP		69
#define ZMQ_XPUB_MANUAL		71
#define ZMQ_XPUB_WELCOME_MSG	72
#define ZMQ_STREAM_NOTIFY	73
#define ZMQ_INVERT_MATCHING	74
#define ZMQ_HEARTBEAT_IVL	75
#define ZMQ_HEARTBEAT_TTL	76
#define ZMQ_HEARTBEAT_TIMEOUT	77
#define ZMQ_XPUB_VERBOSER	78
#define ZMQ_CONNECT_TIMEOUT	79
#define ZMQ_TCP_MAXRT		80
#define ZMQ_THREAD_SAFE		81
#define ZMQ_USE_FD		89
#define ZMQ_BINDTODEVICE	92
#define ZMQ_ZAP_ENFORCE_DOMAIN	93
#define ZMQ_METADATA		95
#define ZMQ_ROUTER_NOTIFY	97
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
#define ZMQ_SOCKS_USERNAME	99
#define ZMQ_SOCKS_PASSWORD	100
#define ZMQ_IN_BATCH_SIZE	101
#define ZMQ_OUT_BATCH_SIZE	102
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108
#define ZMQ_RECONNECT_STOP	109
#define ZMQ_HELLO_MSG		110
#define ZMQ_DISCONNECT_MSG	111
#define ZMQ_PRIORITY		112
#define ZMQ_BUSY_POLL		113
#define ZMQ_HICCUP_MSG		114
#define ZMQ_XSUB_VERBOSE_UNSUBSCRIBE 115
#define ZMQ_TOPICS_COUNT	116

/* Options of our own */
#define ZMQ_BIND		1000	/* set: endpoint text; as bind(2) */
#define ZMQ_CONNECT		1001	/* set: endpoint text; as connect(2) */
#define ZMQ_UNBIND		1002	/* set: endpoint text */
#define ZMQ_DISCONNECT		1003	/* set: endpoint text */
#define ZMQ_RCVBATCH		1004	/* int: messages per receive call, 0 = one frame */
#define ZMQ_STATS		1005	/* get: struct zmq_stats */
#define ZMQ_CONNECT_NAME	1006	/* set: a name and its addresses, below */
#define ZMQ_NAME_ADDRS		1007	/* set: the same; get: text, see below */
#define ZMQ_MONITOR_OPEN	1030	/* get: struct zmq_monitor_open, or int */
#define ZMQ_MONITOR		1031	/* set: struct zmq_monitor and a text */

#define ZMQ_PEERS		1010	/* get: struct zmq_peer, some; set: __u64 */
#define ZMQ_RECVPEER		1011	/* int: tell who sent a message */
#define ZMQ_PEER_PROP		1012	/* set: struct zmq_peer_prop; get: value */

/*
 * Contexts, the scopes of inproc names. A descriptor of one is readable (poll)
 * while none of its closed sockets has anything left to send.
 */
#define ZMQ_CONTEXT_NEW		1020	/* get, int: descriptor of a new context */
#define ZMQ_CONTEXT		1021	/* set, int: join the context of a descriptor */

/*
 * Keys that no program has seen: 1 gives the socket a new pair, 0 the public key
 * that belongs to the secret one it has.
 */
#define ZMQ_CURVE_KEYPAIR	1040	/* set: int */

/*
 * ZMQ_CURVE_ALLOW: which clients a CURVE server lets in, besides what a ZAP
 * handler says. set: their public keys, 32 octets each, or one in Z85: these too;
 * no octets: anybody. get, int: how many there are.
 */
#define ZMQ_CURVE_ALLOW		1041

/* Values of ZMQ_EVENTS */
#define ZMQ_POLLIN		1
#define ZMQ_POLLOUT		2

/*
 * Names of hosts: user space looks them up. The value of both options is a text,
 * "tcp://host:5555", a NUL, and up to 16 numeric endpoints, each with its NUL.
 *
 * ZMQ_CONNECT_NAME connects as ZMQ_CONNECT does. The text is what the endpoint
 * is known by; the addresses are tried in turn, without a pause but for one at
 * the end of each round. There may be none yet.
 * ZMQ_NAME_ADDRS, set: new addresses for all endpoints with this text, none: the
 * old ones may do. get: the text of an endpoint of whose addresses a whole round
 * has failed since it was given any; "" when there is none such.
 */
#define ZMQ_CONNECT_NAME_MAX	4096	/* octets of such a value */
#define ZMQ_CONNECT_NAME_ADDRS	16	/* addresses in it */

/* Values of ZMQ_MECHANISM */
#define ZMQ_NULL		0
#define ZMQ_PLAIN		1
#define ZMQ_CURVE		2

/* Bits of ZMQ_RECONNECT_STOP */
#define ZMQ_RECONNECT_STOP_CONN_REFUSED		1
#define ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED	2
#define ZMQ_RECONNECT_STOP_AFTER_DISCONNECT	4

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

/*
 * Flags of recv() and its kin, bits that nothing else uses there; without effect
 * when ZMQ_RCVBATCH is above 0.
 * WHOLE: a frame for which there is too little room stays, EMSGSIZE; SIOCINQ
 * tells its length.
 * HEAD: a struct zmq_recv_head comes first, so that recv() tells as much as
 * recvmsg() does. Its octets count in what is returned.
 */
#define ZMQ_RECV_WHOLE		0x200
#define ZMQ_RECV_HEAD		0x400

#define ZMQ_RECV_MORE		1	/* zmq_recv_head.flags */

/**
 * struct zmq_recv_head - what precedes a frame with ZMQ_RECV_HEAD
 * @len:    octets of the frame, also when there was less room
 * @flags:  ZMQ_RECV_MORE: further frames of the message follow
 * @handle: zmq_peer.handle of who sent it, 0 when it is not known
 */
struct zmq_recv_head {
	__u32	len;
	__u32	flags;
	__u64	handle;
};

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

/* Values of zmq_peer.state */
#define ZMQ_PEER_CONNECTING	1	/* the transport is not connected yet */
#define ZMQ_PEER_HANDSHAKE	2	/* greetings and READY */
#define ZMQ_PEER_READY		3	/* messages pass */
#define ZMQ_PEER_CLOSING	4	/* sending what is left */

/* Bits of zmq_peer.flags and zmq_msg_peer.flags */
#define ZMQ_PEER_LOCAL		1	/* pid, uid and gid are known */
#define ZMQ_PEER_BOUND		2	/* it connected to us */
#define ZMQ_PEER_MUTE		4	/* refused by the socket: nothing passes */

/**
 * struct zmq_peer - a connection of a socket or an inproc peer, ZMQ_PEERS
 * @size:       octets of this record with the texts, a multiple of 8: where the
 *              next one begins
 * @head:       octets before the texts, 112; a newer kernel may know more
 * @rid_len:    octets of the routing id, the first text
 * @local_len:  octets of the second: the address of our end, "" when it has none;
 *              of ipc and inproc the name is the end that was bound
 * @remote_len: octets of the third: the address of its end
 * @handle:     number of the connection, never used again in this socket
 * @in_msgs:    messages from it that wait to be received
 * @out_msgs:   messages for it that wait to be sent
 * @in_bytes:   octets of the former
 * @out_bytes:  octets of the latter
 * @sent:       messages put in its queue
 * @received:   messages of it given to the user or dropped unread
 * @dropped:    messages not put in its queue since it was full
 * @state:      ZMQ_PEER_CONNECTING ...
 * @flags:      ZMQ_PEER_LOCAL ...
 * @type:       its socket type, -1 when it did not tell
 * @pid:        of a local peer: the process; 0 when it is not visible here. With
 *              inproc the one that called bind() or connect(), as with ipc
 * @uid:        of a local peer: the user
 * @gid:        of a local peer: the group
 * @reserved:   0
 *
 * getsockopt() gives as many records as fit, ordered by handle, beginning behind
 * the handle that was set last (0 at first). 0 octets: there are no more. The
 * texts have no NUL. The queues of a connecting endpoint, and so the counters,
 * go on from one connection to the next; those of a peer that connected to us
 * begin with it. @pid, @uid and @gid are -1 without ZMQ_PEER_LOCAL. An inproc
 * endpoint has a peer once both ends are there; its name may have 1023 octets,
 * so 1392 octets are enough for any record, and an answer has up to 4096.
 */
struct zmq_peer {
	__u32	size;
	__u16	head;
	__u16	rid_len;
	__u16	local_len;
	__u16	remote_len;
	__u32	state;
	__u64	handle;
	__u64	in_bytes;
	__u64	out_bytes;
	__u64	sent;
	__u64	received;
	__u64	dropped;
	__u32	in_msgs;
	__u32	out_msgs;
	__u32	flags;
	__s32	type;
	__s32	pid;
	__u32	uid;
	__u32	gid;
	__u32	reserved[5];
};

/*
 * Control message (cmsg_level SOL_ZMQ), sent by recvmsg() while ZMQ_RECVPEER
 * is 1: an array of struct zmq_msg_peer. It comes with the first frame of a
 * message and has one entry; when ZMQ_RCVBATCH is above 0 it has one for each
 * message of the call and follows ZMQ_CMSG_FRAMES.
 */
#define ZMQ_CMSG_PEER		2

/**
 * struct zmq_msg_peer - who sent a message
 * @handle: zmq_peer.handle, 0 when it is not known
 * @flags:  ZMQ_PEER_LOCAL or 0
 * @pid:    as in struct zmq_peer
 * @uid:    as in struct zmq_peer
 * @gid:    as in struct zmq_peer
 */
struct zmq_msg_peer {
	__u64	handle;
	__u32	flags;
	__s32	pid;
	__u32	uid;
	__u32	gid;
};

#define ZMQ_PROP_NAME_MAX	255

/**
 * struct zmq_peer_prop - a property of a peer, ZMQ_PEER_PROP
 * @handle: the peer: one that is connected, one of the last 16 that have left, or
 *          with ZMQ_RECVPEER the one whose message was received last
 * @name:   "Socket-Type", "Identity", "Peer-Address" or what it told in READY;
 *          case does not matter. The option's length may end where the name does
 *
 * setsockopt() selects a property, ENOENT when there is none; getsockopt() gives
 * the value selected last, without NUL. Kept are values up to 1024 octets, and
 * 4096 octets of a peer. An inproc peer has none: no handshake told them.
 */
struct zmq_peer_prop {
	__u64	handle;
	char	name[ZMQ_PROP_NAME_MAX + 1];
};

/* What a monitor tells; see af_zmq(7) for the values that go with each */
#define ZMQ_EVENT_CONNECTED			0x0001
#define ZMQ_EVENT_CONNECT_DELAYED		0x0002
#define ZMQ_EVENT_CONNECT_RETRIED		0x0004
#define ZMQ_EVENT_LISTENING			0x0008
#define ZMQ_EVENT_BIND_FAILED			0x0010
#define ZMQ_EVENT_ACCEPTED			0x0020
#define ZMQ_EVENT_ACCEPT_FAILED			0x0040
#define ZMQ_EVENT_CLOSED			0x0080
#define ZMQ_EVENT_CLOSE_FAILED			0x0100	/* never raised */
#define ZMQ_EVENT_DISCONNECTED			0x0200
#define ZMQ_EVENT_MONITOR_STOPPED		0x0400
#define ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL	0x0800
#define ZMQ_EVENT_HANDSHAKE_SUCCEEDED		0x1000
#define ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL	0x2000
#define ZMQ_EVENT_HANDSHAKE_FAILED_AUTH		0x4000
#define ZMQ_EVENT_ALL				0xFFFF

/* Values of ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, those that occur */
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED			0x10000000
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND		0x10000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE		0x10000002
#define ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE			0x10000003
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED	0x10000011
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE	0x10000012
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO		0x10000013
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE	0x10000014
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR		0x10000015
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY		0x10000016
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME	0x10000017
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA		0x10000018
#define ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC			0x11000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH		0x11000002
#define ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED			0x20000000
#define ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY			0x20000001
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID			0x20000002
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION			0x20000003
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE		0x20000004
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA			0x20000005

#define ZMQ_MONITOR_BYTES	65536	/* of a monitor's queue by default */
#define ZMQ_MONITOR_BYTES_MIN	4096
#define ZMQ_MONITOR_BYTES_MAX	1048576

/**
 * struct zmq_monitor_open - getsockopt(ZMQ_MONITOR_OPEN)
 * @size:     in: octets of this structure
 * @fd:       out: the monitor, to be read from; close-on-exec
 * @mask:     in: ZMQ_EVENT_... wanted
 * @bytes:    in: octets of the queue, 0 for ZMQ_MONITOR_BYTES
 * @reserved: in: 0
 *
 * An int alone, 4 octets, gets the descriptor of a monitor of all events.
 */
struct zmq_monitor_open {
	__u32	size;
	__s32	fd;
	__aligned_u64 mask;
	__u32	bytes;
	__u32	reserved;
};

/**
 * struct zmq_monitor - setsockopt(ZMQ_MONITOR), as zmq_socket_monitor_versioned()
 * @version:  of the messages, 1 or 2
 * @type:     of the socket that sends them: ZMQ_PAIR, ZMQ_PUB or ZMQ_PUSH
 * @reserved: 0
 * @mask:     ZMQ_EVENT_... wanted
 *
 * The text of an inproc endpoint follows, which is bound in the socket's
 * context. No text ends the monitor, and a new one the one before it.
 */
struct zmq_monitor {
	__u16	version;
	__u16	type;
	__u32	reserved;
	__aligned_u64 mask;
};

#define ZMQ_EVENT_BOUND		1	/* flag: of a bound endpoint */
#define ZMQ_EVENT_MAX		2560	/* room enough for any record */

/**
 * struct zmq_event - what one read() of a monitor gives
 * @size:       octets of the record, texts included
 * @hdr:        octets before the texts: the size of this structure, which may
 *              grow
 * @flags:      ZMQ_EVENT_BOUND: @local is what was bound, else @remote is what
 *              was connected to
 * @seq:        number of the event among those the monitor wants, from 1; those
 *              that were lost have numbers too
 * @lost:       events lost between the record before and this one
 * @time:       CLOCK_MONOTONIC, in nanoseconds
 * @event:      ZMQ_EVENT_...
 * @value:      what goes with the event
 * @peer:       handle of the connection or listener, 0 for none; never used
 *              again in this socket
 * @error:      errno that says why, 0 for none
 * @rid_len:    octets of the routing id
 * @local_len:  octets of the local endpoint's text
 * @remote_len: octets of the remote endpoint's text
 * @reserved:   0
 *
 * Behind @hdr octets follow routing id, local and remote text, without NULs.
 */
struct zmq_event {
	__u32	size;
	__u16	hdr;
	__u16	flags;
	__aligned_u64 seq;
	__aligned_u64 lost;
	__aligned_u64 time;
	__aligned_u64 event;
	__aligned_u64 value;
	__aligned_u64 peer;
	__u32	error;
	__u16	rid_len;
	__u16	local_len;
	__u16	remote_len;
	__u16	reserved[3];
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
