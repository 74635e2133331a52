/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_CONN_H
#define KZMQ_CONN_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "mib.h"
#include "peer.h"
#include "pipe.h"
#include "zmtp.h"

struct kzmq_ep;
struct kzmq_frame;
struct kzmq_mech;
struct kzmq_msg;
struct kzmq_seal;
struct kzmq_sock;
struct kzmq_transport;
struct page;
struct sk_buff;
struct sock;
struct socket;

/**
 * enum kzmq_ev - what can happen to a connection
 * @KZMQ_EV_CLOSE:      unbind, disconnect or close was called
 * @KZMQ_EV_TIMEOUT:    HANDSHAKE_IVL or the time to linger ran out
 * @KZMQ_EV_BEAT:       a heartbeat may be due
 * @KZMQ_EV_CONNECTED:  the lower socket is connected
 * @KZMQ_EV_RX:         there may be something to read
 * @KZMQ_EV_MECH:       the security mechanism has got on, or the ZAP handler answered
 * @KZMQ_EV_PEER_READY: the peer's half of the handshake is complete
 * @KZMQ_EV_TX:         there may be something to send or room to send it
 * @KZMQ_EV_EOF:        the lower socket ended
 * @KZMQ_EV_ERROR:      the peer broke the protocol; conn->err says how
 * @KZMQ_EV_MAX:        how many there are
 *
 * Worked off in this order.
 */
enum kzmq_ev {
	KZMQ_EV_CLOSE,
	KZMQ_EV_TIMEOUT,
	KZMQ_EV_BEAT,
	KZMQ_EV_CONNECTED,
	KZMQ_EV_RX,
	KZMQ_EV_MECH,
	KZMQ_EV_PEER_READY,
	KZMQ_EV_TX,
	KZMQ_EV_EOF,
	KZMQ_EV_ERROR,
	KZMQ_EV_MAX
};

/**
 * enum kzmq_conn_state - life of a connection
 * @KZMQ_CONN_CONNECTING: the lower socket tries
 * @KZMQ_CONN_HANDSHAKE:  greeting, then READY
 * @KZMQ_CONN_READY:      traffic
 * @KZMQ_CONN_CLOSING:    sending what is left, reading nothing
 * @KZMQ_CONN_FIN:        all is sent and shut down, the peer has to confirm
 * @KZMQ_CONN_DEAD:       the lower socket is gone
 * @KZMQ_CONN_STATES:     how many there are
 *
 *	CONNECTING -> HANDSHAKE -> READY -> CLOSING -> FIN -> DEAD
 *	and from each of them straight to DEAD
 */
enum kzmq_conn_state {
	KZMQ_CONN_CONNECTING,
	KZMQ_CONN_HANDSHAKE,
	KZMQ_CONN_READY,
	KZMQ_CONN_CLOSING,
	KZMQ_CONN_FIN,
	KZMQ_CONN_DEAD,
	KZMQ_CONN_STATES
};

/* How received octets are read */
enum kzmq_rx_mode {
	KZMQ_RX_SOCKS,		/* a proxy's answers, before all else */
	KZMQ_RX_GREETING,
	KZMQ_RX_IDENTITY,	/* ZMTP 1.0, 2.0: the first frame */
	KZMQ_RX_HANDSHAKE,	/* ZMTP 3.x: READY or ERROR, or a mechanism's */
	KZMQ_RX_HOLD,		/* not yet: the socket must learn of the peer, or
				 * a mechanism has something to do
				 */
	KZMQ_RX_TRAFFIC,
	KZMQ_RX_RAW,		/* STREAM */
	KZMQ_RX_DISCARD,	/* closing */
	KZMQ_RX_STOP,		/* never more */
};

enum kzmq_rx_step {
	KZMQ_RX_HDR,
	KZMQ_RX_FRAME,
	KZMQ_RX_BODY,
	KZMQ_RX_DELIVER,
};

/* How far a frame of sealed traffic is; see kzmq_seal_open() */
enum kzmq_rx_opened {
	KZMQ_RX_SEALED,
	KZMQ_RX_OPEN,
	KZMQ_RX_JOINED,
};

/**
 * struct kzmq_rx - receiving; under the lower socket's lock
 * @mode:      enum kzmq_rx_mode
 * @step:      enum kzmq_rx_step of the frame in progress
 * @opened:    enum kzmq_rx_opened of it
 * @now:       this run is in the context of the process that sends
 * @arrived:   messages were queued since readers were woken last
 * @ready_sent: our READY or identity is queued
 * @starved:   jiffies since when memory is refused, 0 when it is not
 * @budget:    octets still to be taken in this run
 * @gfp:       how this run allocates
 * @greet:     the greeting
 * @dec:       frame headers
 * @fh:        header of the frame in progress
 * @left:      octets of its body to come
 * @msg:       the message in progress, or NULL
 * @frame:     the frame in progress
 * @cmd:       a command in progress, or any frame while it is sealed, or NULL
 * @done:      whole messages not yet in the pipe, linked by next
 * @done_tail: where the next is linked
 * @credit:    messages that may come before the pipe is asked for room
 * @peer:      routing id the peer told, or NULL
 */
struct kzmq_rx {
	u8			mode;
	u8			step;
	u8			opened;
	bool			now;
	bool			arrived;
	bool			ready_sent;
	unsigned long		starved;
	size_t			budget;
	gfp_t			gfp;
	struct kzmq_greet	greet;
	struct kzmq_dec		dec;
	struct kzmq_fhdr	fh;
	u64			left;
	struct kzmq_msg		*msg;
	struct kzmq_frame	*frame;
	struct kzmq_msg		*cmd;
	struct kzmq_msg		*done;
	struct kzmq_msg		**done_tail;
	u32			credit;
	struct kzmq_rid		*peer;
};

/**
 * struct kzmq_hb - is the peer still there; see heartbeat.c
 * @timer:     raises KZMQ_EV_BEAT
 * @heard:     jiffies when octets came last
 * @ttl:       jiffies the peer may be silent, by its own word; 0 for ever
 * @next_ping: jiffies
 * @asked_at:  jiffies of the first PING since something was heard, if @asked
 * @asked:     it has not been answered
 */
struct kzmq_hb {
	struct delayed_work	timer;
	unsigned long		heard;
	unsigned long		ttl;
	unsigned long		next_ping;
	unsigned long		asked_at;
	bool			asked;
};

#define KZMQ_TX_QUEUE	16
#define KZMQ_TX_STAGE	8192

/**
 * struct kzmq_tx - sending; under @lock
 * @lock:   who holds it sends
 * @on:     the handshake is done, messages may go out
 * @dead:   the lower socket takes no more
 * @n:      used places of @q
 * @frame:  the frame of @q[0] in progress
 * @off:    octets of it, header included, that were sent
 * @q:      messages taken from the pipe and not yet encoded
 * @stage:  short messages encoded one behind the other, or NULL
 * @stage_len: octets in it
 * @stage_off: octets of it that were sent
 */
struct kzmq_tx {
	struct mutex		lock;	/* who holds it sends */
	bool			on;
	bool			dead;
	u8			n;
	struct kzmq_frame	*frame;
	u64			off;
	struct kzmq_msg		*q[KZMQ_TX_QUEUE];
	u8			*stage;
	u32			stage_len;
	u32			stage_off;
};

/**
 * struct kzmq_ctl - octets of ours that go before messages
 * @node: in kzmq_conn.ctl
 * @len:  octets
 * @off:  octets sent
 * @pong: an answer to PING
 * @seal: to be sealed first; there is room for that
 * @data: the octets
 */
struct kzmq_ctl {
	struct list_head	node;
	u16			len;
	u16			off;
	bool			pong;
	bool			seal;
	u8			data[];
};

enum kzmq_conn_flag {
	KZMQ_CONN_RX_WANT,	/* the peer sent while somebody was reading */
	KZMQ_CONN_TX_WANT,	/* somebody queued something to send */
	KZMQ_CONN_EOF_SEEN,	/* the lower socket ended; unread octets may be left */
	KZMQ_CONN_CLOSE_SEEN,	/* the user closed it */
	KZMQ_CONN_END_LOST,	/* FIN: the peer was not told, for want of memory */
};

/**
 * struct kzmq_conn - one lower socket and what is spoken over it
 * @ref:      its pipe, its endpoint, queued work, and whoever looks
 * @id:       its number in the socket, never 0 and never used again: what users
 *            call the handle of the peer
 * @peer:     what users may know of the other end, one reference
 * @zs:       the socket, one reference
 * @ep:       the endpoint, one reference
 * @node:     in kzmq_ep.conns or .hs, under lock_sock()
 * @in_hs:    in the latter, under lock_sock()
 * @fin:      counted in kzmq_ep.nr_fin, under lock_sock()
 * @tr:       the transport
 * @tr_rx:    what it has read and not given on, under the lower lock
 * @rx_lock:  the lower lock of a transport that has none to be tried
 * @sock:     the lower socket; gone when DEAD
 * @pipe:     the pipe, one reference, or NULL until the handshake is done
 * @state:    enum kzmq_conn_state, changed by @work only
 * @ver:      enum kzmq_ver, written before @tx.on
 * @bound:    the peer connected to us
 * @raw:      no ZMTP
 * @events:   bits of enum kzmq_ev
 * @flags:    bits of enum kzmq_conn_flag
 * @err:      why the connection must end, 0 for no fault of the peer
 * @why:      why it ended otherwise, a negative errno; 0 when the user wants it
 * @fault:    what the peer did wrong: enum kzmq_mib_id
 * @fault_code: the same as ZMQ_PROTOCOL_ERROR_..., or the status of its ERROR;
 *            0 when @fault says it all
 * @deadline: jiffies when lingering ends
 * @limited:  it has to get on by @limit: be connected, be greeted
 * @limit:    jiffies
 * @died_in:  DEAD: the state before
 * @work:     works off @events
 * @timer:    raises KZMQ_EV_TIMEOUT
 * @again:    raises KZMQ_EV_RX and _TX after memory was refused
 * @ctl:      greeting, READY, PONG..., under @ctl_lock
 * @nr_pongs: PONGs among them
 * @ctl_lock: BH-safe leaf
 * @hb:       heartbeats
 * @mech:     the mechanism's part of it, NULL for NULL without ZAP
 * @socks:    the proxy's part of the handshake, or NULL
 * @seal:     traffic goes in boxes, NULL when it does not; set once, before
 *            there is any
 * @rx:       receiving
 * @tx:       sending
 * @saved_data_ready:   callbacks of the lower socket before they were ours
 * @saved_write_space:  likewise
 * @saved_state_change: likewise
 * @saved_error_report: likewise
 */
struct kzmq_conn {
	refcount_t		ref;
	u64			id;
	struct kzmq_peer	*peer;
	struct kzmq_sock	*zs;
	struct kzmq_ep		*ep;
	struct list_head	node;
	const struct kzmq_transport *tr;
	unsigned long		tr_rx[2];
	struct mutex		rx_lock;	/* instead of a lower lock */
	struct socket		*sock;
	struct kzmq_pipe	*pipe;
	u8			state;
	u8			ver;
	bool			bound;
	bool			raw;
	bool			in_hs;
	bool			fin;
	bool			limited;
	u8			died_in;
	unsigned long		events;
	unsigned long		flags;
	int			err;
	int			why;
	u32			fault;
	u32			fault_code;
	unsigned long		deadline;
	unsigned long		limit;
	struct work_struct	work;
	struct delayed_work	timer;
	struct delayed_work	again;
	struct list_head	ctl;
	u32			nr_pongs;
	spinlock_t		ctl_lock;	/* protects ctl, nr_pongs */
	struct kzmq_hb		hb;
	struct kzmq_mech	*mech;
	struct kzmq_socks	*socks;
	struct kzmq_seal	*seal;
	struct kzmq_rx		rx;
	struct kzmq_tx		tx;
	void	(*saved_data_ready)(struct sock *sk);
	void	(*saved_write_space)(struct sock *sk);
	void	(*saved_state_change)(struct sock *sk);
	void	(*saved_error_report)(struct sock *sk);
};

/* conn.c */
struct kzmq_conn *kzmq_conn_alloc(struct kzmq_ep *ep, struct socket *sock,
				  bool bound);
void kzmq_conn_free(struct kzmq_conn *conn);
void kzmq_conn_start(struct kzmq_conn *conn, bool connected);
void kzmq_conn_kick(struct kzmq_conn *conn, enum kzmq_ev ev);
void kzmq_conn_fail(struct kzmq_conn *conn, int err);
void kzmq_conn_arm(struct kzmq_conn *conn, struct delayed_work *dw,
		   unsigned long delay);
void kzmq_conn_later(struct kzmq_conn *conn, unsigned long delay);
void kzmq_conn_close(struct kzmq_conn *conn, unsigned long deadline);

static inline void kzmq_conn_get(struct kzmq_conn *conn)
{
	refcount_inc(&conn->ref);
}

static inline void kzmq_conn_put(struct kzmq_conn *conn)
{
	if (refcount_dec_and_test(&conn->ref))
		kzmq_conn_free(conn);
}

/* conn_hook.c */
void kzmq_conn_hook(struct kzmq_conn *conn, struct sock *sk);
void kzmq_conn_unhook(struct kzmq_conn *conn);

/* conn_socks.c */
int kzmq_conn_greet(struct kzmq_conn *conn, gfp_t gfp);
int kzmq_socks_begin(struct kzmq_conn *conn);
size_t kzmq_rx_socks(struct kzmq_conn *conn, const u8 *p, size_t n, int *err);

/* heartbeat.c */
void kzmq_hb_heard(struct kzmq_conn *conn);
void kzmq_hb_ttl(struct kzmq_conn *conn, u16 ttl);
bool kzmq_hb_beat(struct kzmq_conn *conn);
void kzmq_hb_start(struct kzmq_conn *conn);

/* conn_cmd.c: what a peer says that is no message */
size_t kzmq_rx_greeting(struct kzmq_conn *conn, const u8 *p, size_t n,
			int *err);
int kzmq_rx_identity(struct kzmq_conn *conn);
int kzmq_rx_command(struct kzmq_conn *conn);
int kzmq_rx_ready(struct kzmq_conn *conn, const u8 *meta, size_t len);

/* conn_rx.c */
int kzmq_rx_bad(struct kzmq_conn *conn, enum kzmq_mib_id id);
size_t kzmq_rx_frames(struct kzmq_conn *conn, const u8 *p, size_t n,
		      struct page *page, u32 off, int *err);
void kzmq_rx_init(struct kzmq_conn *conn);
void kzmq_rx_destroy(struct kzmq_conn *conn);
size_t kzmq_rx_feed(struct kzmq_conn *conn, const u8 *p, size_t n,
		    struct page *page, u32 off);
bool kzmq_rx_pending(const struct kzmq_conn *conn);
void kzmq_rx_run(struct kzmq_conn *conn, gfp_t gfp);
void kzmq_conn_rx(struct kzmq_conn *conn);
void kzmq_conn_rx_now(struct kzmq_conn *conn);
void kzmq_rx_go(struct kzmq_conn *conn, enum kzmq_rx_mode mode);

/* conn_skb.c */
size_t kzmq_rx_skb(struct kzmq_conn *conn, struct sk_buff *skb, size_t offset,
		   size_t len);

/* conn_tx.c */
int kzmq_tx_cache_init(void);
void kzmq_tx_cache_exit(void);
void kzmq_tx_init(struct kzmq_conn *conn);
void kzmq_tx_destroy(struct kzmq_conn *conn);
int kzmq_conn_ctl(struct kzmq_conn *conn, const void *data, size_t len,
		  bool pong, gfp_t gfp);
void kzmq_conn_flush(struct kzmq_conn *conn, bool dense);
void kzmq_conn_tx(struct kzmq_conn *conn);
bool kzmq_conn_tx_empty(struct kzmq_conn *conn);

#endif /* KZMQ_CONN_H */
