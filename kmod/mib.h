/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of a network namespace, shown in /proc/net/zmq_stat. One line, one
 * meaning; the second column is the name a user sees.
 */
#ifndef KZMQ_MIB_H
#define KZMQ_MIB_H

#define KZMQ_MIB_LIST(M)						\
	M(SOCKETS,		"SocketsOpened")	/* socket() calls */	\
	M(CONNECTS,		"Connects")		/* lower connects begun */ \
	M(CONNECT_FAILED,	"ConnectFailures")	/* refused, unreachable, timed out */ \
	M(PROXY_FAILED,		"ProxyFailures")	/* a SOCKS proxy refused us */ \
	M(RETRIES,		"Reconnects")		/* further tries of one endpoint */ \
	M(GAVE_UP,		"GaveUp")		/* endpoints that stopped trying */ \
	M(ACCEPTS,		"Accepts")		/* connections taken from a listener */ \
	M(ACCEPT_FAILED,	"AcceptFailures")	/* no memory, no lower socket */ \
	M(ACCEPT_FILTERED,	"AcceptsFiltered")	/* peers no filter lets in */ \
	M(HS_OK,		"HandshakesOk")		/* connections that became ready */ \
	M(HS_TIMEOUT,		"HandshakeTimeouts")	/* HANDSHAKE_IVL ran out */ \
	M(HS_EVICTED,		"HandshakesEvicted")	/* oldest dropped: too many unfinished */ \
	M(DISCONNECTS,		"Disconnects")		/* ready connections that ended */ \
	M(BAD_GREETING,		"BadGreeting")		/* signature, length or version */ \
	M(BAD_MECHANISM,	"BadMechanism")		/* the peer wants another mechanism */ \
	M(BAD_FRAME,		"BadFrame")		/* malformed frame header */ \
	M(BAD_COMMAND,		"BadCommand")		/* malformed or not expected */ \
	M(BAD_METADATA,		"BadMetadata")		/* malformed properties of READY */ \
	M(BAD_HELLO,		"BadHello")		/* malformed, as the next three */ \
	M(BAD_WELCOME,		"BadWelcome")					\
	M(BAD_INITIATE,		"BadInitiate")					\
	M(BAD_READY,		"BadReady")					\
	M(BAD_SEALED,		"BadMessageCommand")	/* malformed MESSAGE of CURVE */ \
	M(BAD_SEQUENCE,		"BadSequence")		/* a nonce came twice or too late */ \
	M(BAD_KEYS,		"BadKeyExchange")	/* vouch and keys do not fit */ \
	M(BAD_CRYPTO,		"BadCrypto")		/* a box does not open */ \
	M(ZAP_REQUESTS,		"ZapRequests")		/* questions to a ZAP handler */ \
	M(ZAP_LOST,		"ZapHandlerGone")	/* it left without an answer */ \
	M(ZAP_DENIED,		"ZapDenied")		/* the handler said 300, 400 or 500 */ \
	M(KEY_DENIED,		"KeysNotAllowed")	/* not in ZMQ_CURVE_ALLOW */ \
	M(ZAP_BAD_REPLY,	"ZapBadReplies")	/* answers that are none */ \
	M(ZAP_NO_HANDLER,	"ZapNoHandler")		/* refused as there was nobody to ask */ \
	M(BAD_TYPE,		"BadSocketType")	/* socket types do not fit */ \
	M(BAD_ENVELOPE,		"BadEnvelope")		/* request or reply without delimiter */ \
	M(PEER_ERROR,		"PeerErrors")		/* ERROR commands received */ \
	M(TOO_BIG,		"MsgTooBig")		/* over MAXMSGSIZE or msg_size_max */ \
	M(TOO_MANY_FRAMES,	"TooManyFrames")	/* over frames_max */ \
	M(TOPIC_LIMIT,		"TopicLimit")		/* over topic_max or topics_max */ \
	M(UNKNOWN_CMD,		"UnknownCommands")	/* ignored commands */ \
	M(PONGS,		"PongsSent")		/* PINGs answered */ \
	M(PONGS_DROPPED,	"PongsDropped")		/* answers the peer did not read */ \
	M(PINGS,		"PingsSent")		/* HEARTBEAT_IVL */ \
	M(HB_TIMEOUT,		"HeartbeatTimeouts")	/* silent peers given up */ \
	M(MON_EVENTS,		"MonitorEvents")	/* raised, somebody wants them */ \
	M(MON_LOST,		"MonitorEventsLost")	/* records that found no room */ \
	M(NO_MEMORY,		"NoMemory")		/* failed allocations */ \
	M(MEM_CEILING,		"MemCeiling")		/* refused at mem_max */ \
	M(RX_DEFERRED,		"RxDeferred")		/* receive went on in a work item */ \
	M(RX_PAUSED,		"RxPaused")		/* a full queue stopped reading */ \
	M(DROP_HWM,		"DropsFull")		/* message for a full peer */ \
	M(DROP_UNROUTABLE,	"DropsUnroutable")	/* message for an unknown peer */ \
	M(DROP_PEER_GONE,	"DropsPeerGone")	/* queued for a peer that left */ \
	M(DROP_UNEXPECTED,	"DropsUnexpected")	/* the type takes none */ \
	M(MSGS_IN,		"MsgsReceived")		/* whole messages decoded */ \
	M(MSGS_OUT,		"MsgsSent")		/* whole messages given to a transport */ \
	M(BYTES_IN,		"BytesReceived")	/* octets of payload in these */ \
	M(BYTES_OUT,		"BytesSent")

enum kzmq_mib_id {
#define KZMQ_MIB_ENUM(id, name) KZMQ_MIB_##id,
	KZMQ_MIB_LIST(KZMQ_MIB_ENUM)
#undef KZMQ_MIB_ENUM
	KZMQ_MIB_MAX
};

struct kzmq_mib {
	unsigned long	v[KZMQ_MIB_MAX];
};

extern const char * const kzmq_mib_names[KZMQ_MIB_MAX];

#define KZMQ_ADD(zn, id, n) this_cpu_add((zn)->mib->v[KZMQ_MIB_##id], n)
#define KZMQ_INC(zn, id) KZMQ_ADD(zn, id, 1)

struct kzmq_net;
unsigned long kzmq_mib_read(struct kzmq_net *zn, enum kzmq_mib_id id);

#endif /* KZMQ_MIB_H */
