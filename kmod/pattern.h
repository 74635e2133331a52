/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_PATTERN_H
#define KZMQ_PATTERN_H

#include <linux/list.h>
#include <linux/sockptr.h>
#include <linux/types.h>

struct kzmq_frame;
struct kzmq_msg;
struct kzmq_peer;
struct kzmq_pipe;
struct kzmq_rid;
struct kzmq_sock;
struct list_head;

/**
 * struct kzmq_in - a message on its way to the user
 * @msg:   the message, one reference, or NULL
 * @frame: next frame to give, NULL behind the last
 * @pipe:  who sent it, one reference, or NULL
 * @peer:  what sent it, one reference, or NULL; with ZMQ_RECVPEER only
 * @from:  number of what sent it, 0 when it is not known
 * @told:  the user was told of it, the message was begun
 * @rid:   the routing id of @pipe goes first
 * @single: @frame is all there is of it, @msg is a pack
 * @more:  messages of the same pack behind this one that were taken with it
 */
struct kzmq_in {
	struct kzmq_msg		*msg;
	struct kzmq_frame	*frame;
	struct kzmq_pipe	*pipe;
	struct kzmq_peer	*peer;
	u64			from;
	bool			told;
	bool			rid;
	bool			single;
	u32			more;
};

/**
 * struct kzmq_pattern - what makes a socket type
 * @name:     in /proc
 * @no_send:  the type never sends
 * @no_recv:  the type never receives
 * @raw:      the wire carries bare octets, no ZMTP
 * @packs:    takes messages of one short frame in packs, which lie in the fair
 *            queue
 * @edits:    @input changes the message, which has to be private
 * @turns:    sending makes readable, receiving makes writable
 * @withdraws: what a peer has not read of it is taken back when it parts
 * @says_hello: sends ZMQ_HELLO_MSG
 * @tells_disconnect: delivers ZMQ_DISCONNECT_MSG
 * @tells_hiccup: delivers ZMQ_HICCUP_MSG
 * @init:     make private state; process context
 * @close:    the file is gone: drop references to pipes, which hold the socket
 * @destroy:  free it; no pipe is left
 * @attach:   a peer is there. May set pipe->mute. Returns 0, or a negative
 *            errno to refuse the peer
 * @ready:    a connection at the pipe's other end finished its handshake; for
 *            a pipe that outlives connections this comes again and again
 * @lost:     that connection ended, the pipe stays
 * @detach:   the peer has left or the endpoint is closed
 * @purge:    called after @detach until it returns false: drop a bounded part
 *            of what is kept for the pipe
 * @forget:   the last message of a gone peer was read
 * @prepare:  may add frames to a whole message before it is routed; process
 *            context, no lock held
 * @check:    may a message that begins with this frame be sent now? The error
 *            that @send would give, nothing changes. NULL: @writable decides
 * @send:     route a whole message. 0 takes the message over; else it stays
 *            the caller's. Pipes to be flushed go on the list
 * @send_many: route messages, linked by next, as long as @send would do it for
 *            each without an error or a drop. Those are taken off the list and
 *            their octets added. Returns how many
 * @recv:     the next message. 0, -EAGAIN when there is none, -EBADFD when the
 *            socket is not in the state to receive
 * @wanted:   would @recv give a message of this one frame, which a peer sent, or
 *            drop it? NULL: give all
 * @peek:     what @recv would give, with references of its own; it stays
 * @input:    a whole message came from a peer; softirq or process, pattern lock
 *            not held. 0 takes it over. NULL: goes to the pipe's queue
 * @readable: would @recv give one
 * @writable: could @send take one
 * @in_ready: a pipe's queue was empty and is not any more
 * @out_ready: a pipe's queue was full and has room again
 * @setopt:   options of this type; -ENOPROTOOPT for those it does not know
 * @getopt:   likewise
 *
 * All but @init, @destroy, @prepare, @input, @setopt and @getopt run under the
 * pattern lock (kzmq_sock.plock) with BH disabled.
 */
struct kzmq_pattern {
	const char	*name;
	bool		no_send;
	bool		no_recv;
	bool		raw;
	bool		packs;
	bool		edits;
	bool		turns;
	bool		withdraws;
	bool		says_hello;
	bool		tells_disconnect;
	bool		tells_hiccup;
	int	(*init)(struct kzmq_sock *zs);
	void	(*close)(struct kzmq_sock *zs);
	void	(*destroy)(struct kzmq_sock *zs);
	int	(*attach)(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
	int	(*ready)(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			 const struct kzmq_rid *peer, struct list_head *flush);
	void	(*lost)(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
	void	(*detach)(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
	bool	(*purge)(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
	void	(*forget)(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
	int	(*prepare)(struct kzmq_sock *zs, struct kzmq_msg *msg);
	int	(*check)(struct kzmq_sock *zs, const struct kzmq_frame *first);
	int	(*send)(struct kzmq_sock *zs, struct kzmq_msg *msg,
			struct list_head *flush);
	u32	(*send_many)(struct kzmq_sock *zs, struct kzmq_msg **list,
			     struct list_head *flush, size_t *bytes);
	int	(*recv)(struct kzmq_sock *zs, struct kzmq_in *in);
	bool	(*wanted)(struct kzmq_sock *zs, const struct kzmq_frame *f);
	int	(*peek)(struct kzmq_sock *zs, struct kzmq_in *in);
	int	(*input)(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			 struct kzmq_msg *msg);
	bool	(*readable)(struct kzmq_sock *zs);
	bool	(*writable)(struct kzmq_sock *zs);
	void	(*in_ready)(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
	void	(*out_ready)(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
	int	(*setopt)(struct kzmq_sock *zs, int opt, sockptr_t val,
			  unsigned int len);
	int	(*getopt)(struct kzmq_sock *zs, int opt, void *buf, int *len);
};

extern const struct kzmq_pattern kzmq_pat_pair;
extern const struct kzmq_pattern kzmq_pat_pub;
extern const struct kzmq_pattern kzmq_pat_sub;
extern const struct kzmq_pattern kzmq_pat_req;
extern const struct kzmq_pattern kzmq_pat_rep;
extern const struct kzmq_pattern kzmq_pat_dealer;
extern const struct kzmq_pattern kzmq_pat_router;
extern const struct kzmq_pattern kzmq_pat_pull;
extern const struct kzmq_pattern kzmq_pat_push;
extern const struct kzmq_pattern kzmq_pat_xpub;
extern const struct kzmq_pattern kzmq_pat_xsub;
extern const struct kzmq_pattern kzmq_pat_stream;

const struct kzmq_pattern *kzmq_pattern_find(int type);

/* Between the pipe and the pattern; called without any lock of ours */
int kzmq_pattern_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
void kzmq_pattern_detach(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			 bool closing);
int kzmq_pattern_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		       const struct kzmq_rid *peer);
void kzmq_pattern_lost(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
void kzmq_pattern_forget(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
int kzmq_pattern_input(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		       struct kzmq_msg *msg);
int kzmq_pattern_input_list(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			    struct kzmq_msg **list);
void kzmq_pattern_in_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
void kzmq_pattern_out_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe);

/* For patterns that take the pipe's queue as it is */
int kzmq_pattern_queue(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		       struct kzmq_msg *msg);

/* A message of our own making, as if the peer had sent it; pattern lock held */
int kzmq_pattern_notice(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			const void *body, u32 n);
/* For types that take nothing from their peers */
int kzmq_pattern_refuse(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
			struct kzmq_msg *msg);
void kzmq_in_put(struct kzmq_in *in);

/* Options that are plain integers of a pattern */
int kzmq_opt_int(sockptr_t val, unsigned int len, int min, int max, int *out);
int kzmq_opt_put_int(void *buf, int *len, int val);

/* What REQ, DEALER and ROUTER share */
void kzmq_probe_router(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
int kzmq_dealer_attach(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
int kzmq_dealer_setopt(struct kzmq_sock *zs, int opt, sockptr_t val,
		       unsigned int len);

/* ids.c: peers by routing id, for ROUTER and STREAM */
int kzmq_ids_init(struct kzmq_sock *zs);
void kzmq_ids_destroy(struct kzmq_sock *zs);
int kzmq_ids_take_next(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
int kzmq_ids_add(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		 const struct kzmq_rid *rid);
int kzmq_ids_add_auto(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
void kzmq_ids_remove(struct kzmq_sock *zs, struct kzmq_pipe *pipe);
struct kzmq_pipe *kzmq_ids_find(struct kzmq_sock *zs,
				const struct kzmq_rid *rid);
struct kzmq_pipe *kzmq_ids_find_frame(struct kzmq_sock *zs,
				      const struct kzmq_frame *f);
int kzmq_ids_set_next(struct kzmq_sock *zs, sockptr_t val, unsigned int len);
int kzmq_ids_in(struct kzmq_sock *zs, struct kzmq_in *in);
int kzmq_ids_peek_in(struct kzmq_sock *zs, struct kzmq_in *in);

/* The frame behind one of a message on its way to the user */
#define kzmq_in_next(in, f) ((in)->single ? NULL : (f)->next)

/* fq.c: whose message is next */
struct kzmq_fq {
	struct list_head	active;
};

void kzmq_fq_init(struct kzmq_fq *fq);
void kzmq_fq_activate(struct kzmq_fq *fq, struct kzmq_pipe *pipe);
void kzmq_fq_remove(struct kzmq_fq *fq, struct kzmq_pipe *pipe);
int kzmq_fq_in(struct kzmq_sock *zs, struct kzmq_in *in);
bool kzmq_fq_more(struct kzmq_sock *zs, struct kzmq_in *in, u32 n, u64 bytes);
int kzmq_fq_peek_in(struct kzmq_sock *zs, struct kzmq_in *in);
bool kzmq_fq_readable(struct kzmq_sock *zs);
void kzmq_fq_in_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe);

/* Nobody else has a turn, so @in may be followed by more of the same pack. */
static inline bool kzmq_fq_alone(const struct kzmq_fq *fq)
{
	return list_is_singular(&fq->active);
}

/* lb.c: who gets the next message */
struct kzmq_lb {
	struct list_head	active;
};

void kzmq_lb_init(struct kzmq_lb *lb);
void kzmq_lb_activate(struct kzmq_lb *lb, struct kzmq_pipe *pipe);
void kzmq_lb_remove(struct kzmq_lb *lb, struct kzmq_pipe *pipe);
struct kzmq_pipe *kzmq_lb_pick(struct kzmq_sock *zs);
int kzmq_lb_send_to(struct kzmq_sock *zs, struct kzmq_pipe *pipe,
		    struct kzmq_msg *msg, struct list_head *flush);
int kzmq_lb_send(struct kzmq_sock *zs, struct kzmq_msg *msg,
		 struct list_head *flush);
bool kzmq_lb_writable(struct kzmq_sock *zs);
void kzmq_lb_out_ready(struct kzmq_sock *zs, struct kzmq_pipe *pipe);

#endif /* KZMQ_PATTERN_H */
