/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the files of the library share.
 *
 * A handle of the program is the address of a struct zl_ctx or zl_sock. Their
 * memory is never given back, so an old handle is noticed and does no harm.
 * Every call on a handle holds a reference; who drops the last one after
 * zmq_close() closes the descriptor, so no call ever uses a number that the
 * system has given to somebody else.
 *
 * Locks, outer to inner:
 *	zl_all.lock	list of contexts, free memory of handles
 *	zl_ctx.lock	its sockets and options
 *	zl_sock.rx_lock	what was received ahead
 *	zl_sock.lock	what is rarely needed: ZMQ_FD, names, properties, monitor
 * None is held while a call waits in the kernel.
 */
#ifndef ZL_H
#define ZL_H

#ifndef ZMQ_BUILD_DRAFT_API
#define ZMQ_BUILD_DRAFT_API
#endif
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "zmq.h"

#define ZL_LIKELY(x)	__builtin_expect(!!(x), 1)
#define ZL_UNLIKELY(x)	__builtin_expect(!!(x), 0)
#define ZL_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Handles
 */

#define ZL_TAG_CTX	0x7a6c6378u
#define ZL_TAG_SOCK	0x7a6c736bu
#define ZL_OPEN		0x80000000u	/* in zl_handle.state */
#define ZL_REFS		0x7fffffffu

/**
 * struct zl_handle - the beginning of what a program has the address of
 * @tag:   ZL_TAG_...; never changes once the memory is used so
 * @state: ZL_OPEN, and references: one of the open handle, one of each call
 * @next:  free ones, under zl_all.lock
 */
struct zl_handle {
	_Atomic uint32_t	tag;
	_Atomic uint32_t	state;
	struct zl_handle	*next;
};

/* A reference to an open handle; false when it is none. */
static inline bool zl_handle_get(struct zl_handle *h, uint32_t tag)
{
	uint32_t v;

	if (!h || atomic_load_explicit(&h->tag, memory_order_acquire) != tag)
		return false;
	v = atomic_load_explicit(&h->state, memory_order_relaxed);
	do {
		if (!(v & ZL_OPEN))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&h->state, &v, v + 1,
							memory_order_acquire,
							memory_order_relaxed));
	return true;
}

/* True when it was the last one. */
static inline bool zl_handle_put(struct zl_handle *h)
{
	return atomic_fetch_sub_explicit(&h->state, 1,
					 memory_order_acq_rel) == 1;
}

struct zl_handle *zl_handle_new(uint32_t tag, size_t size);
void zl_handle_free(struct zl_handle *h);
bool zl_handle_close(struct zl_handle *h, uint32_t *others);

/*
 * Contexts (ctx.c)
 */

#define ZL_PREFIX_MAX	16

/**
 * struct zl_ctx - a context
 * @h:       handle
 * @next:    all contexts, under zl_all.lock
 * @lock:    protects what follows
 * @fd:      the kernel's context, -1 before the first socket
 * @gen:     zl_generation when it was made; another one in a child
 * @shut:    shut down: calls give ETERM
 * @socks:   its sockets
 * @nr:      how many, those being closed included
 * @moved:   futex: changes when a socket has gone
 * @io_threads, @max_sockets, @max_msgsz, @ipv6, @blocky, @zero_copy,
 * @sched_policy, @priority, @cpus, @prefix: options, most of them only kept
 * @limit:   @max_sockets when the first socket was made
 */
struct zl_ctx {
	struct zl_handle	h;
	struct zl_ctx		*next;
	pthread_mutex_t		lock;
	int			fd;
	unsigned int		gen;
	_Atomic bool		shut;
	struct zl_sock		*socks;
	int			nr;
	_Atomic uint32_t	moved;

	int			io_threads;
	int			max_sockets;
	int			limit;
	int			max_msgsz;
	int			ipv6;
	int			blocky;
	int			zero_copy;
	int			sched_policy;
	int			priority;
	uint8_t			cpus[128];
	char			prefix[ZL_PREFIX_MAX + 1];
};

/* Grows with each fork(), in the child. */
extern _Atomic unsigned int zl_generation;

struct zl_ctx *zl_ctx_get(void *ctx);
void zl_ctx_put(struct zl_ctx *ctx);
int zl_ctx_join(struct zl_ctx *ctx, struct zl_sock *s);
int zl_ctx_add(struct zl_ctx *ctx, struct zl_sock *s);
void zl_ctx_unlink(struct zl_sock *s);
void zl_ctx_gone(struct zl_ctx *ctx);
struct zl_sock *zl_sock_by_serial(uint32_t serial);
void zl_ctx_list(struct zl_ctx *ctx);
void zl_ctx_unlist(struct zl_ctx *ctx);

/*
 * Sockets (socket.c)
 */

struct topic;
struct zl_rx;
struct zl_props;

#define ZL_KEPT		8
#define ZL_MORE_ASK	-1		/* zl_sock.rcvmore */
#define ZL_RX_DENSE	0x80000000u	/* zl_sock.rx_state: receive from rx */

/**
 * struct zl_sock - a socket
 * @h:        handle
 * @ctx:      its context, which outlives it
 * @next:     others of the context, under its lock
 * @pprev:    likewise
 * @fd:       the kernel's socket
 * @type:     ZMQ_PAIR ...
 * @serial:   number never used again in this process
 * @gen:      zl_generation when it was made
 * @down:     the context was shut down
 * @no_dense: reasons not to receive ahead, ZL_NODENSE_...
 * @kept:     options without effect, their difference to the default
 * @rcvtimeo: ZMQ_RCVTIMEO as the program knows it
 * @sndtimeo: ZMQ_SNDTIMEO likewise
 * @rcvmore:  ZMQ_RCVMORE, ZL_MORE_ASK when only the kernel knows
 * @asks:     the program asks for ZMQ_RCVMORE
 * @halfsent: the last frame sent was not the last of its message
 * @size:     what the next frame may need that is received as a zmq_msg_t
 * @rx_state: receivers in the kernel one frame a call, ZL_RX_DENSE
 * @rx_lock:  protects @rx, @rx_leads, @rx_waiters and @topics
 * @rx:       what was received ahead, NULL before the first time
 * @topics:   what a SUB socket wants, as long as it is little
 * @rx_leads: a thread waits in the kernel for all that wait for @rx
 * @rx_waiters: how many do
 * @rx_turn:  futex of the others: changes when one of them shall look
 * @pollers:  threads that wait for it in zmq_poll(); nothing is received ahead
 * @ahead:    frames in @rx, to look at without the lock
 * @streak:   receives in a row that found something at once
 * @probe:    receives until the next that asks without waiting
 * @lock:     protects what follows
 * @epfd:     ZMQ_FD, -1 before it was asked for
 * @has_epfd: the same, to look at without the lock
 * @props:    properties of peers, newest first
 * @has_names: it is connected to names of hosts, without the lock
 * @names_at: when to look after them, milliseconds, likewise
 */
struct zl_sock {
	struct zl_handle	h;
	struct zl_ctx		*ctx;
	struct zl_sock		*next;
	struct zl_sock		**pprev;
	int			fd;
	int			type;
	uint32_t		serial;
	unsigned int		gen;
	_Atomic bool		down;
	_Atomic uint32_t	no_dense;
	_Atomic int		kept[ZL_KEPT];
	_Atomic int		rcvtimeo;
	_Atomic int		sndtimeo;

	_Atomic int		rcvmore;
	_Atomic bool		asks;
	_Atomic bool		halfsent;
	_Atomic uint32_t	size;
	_Atomic uint32_t	rx_state;
	pthread_mutex_t		rx_lock;
	struct zl_rx		*rx;
	struct topic		*topics;
	bool			rx_leads;
	int			rx_waiters;
	_Atomic uint32_t	rx_turn;
	_Atomic int		pollers;
	_Atomic uint32_t	ahead;
	_Atomic int		streak;
	_Atomic int		probe;

	pthread_mutex_t		lock;
	int			epfd;
	_Atomic bool		has_epfd;
	struct zl_props		*props;
	_Atomic bool		has_names;
	_Atomic uint64_t	names_at;
};

/* zl_sock.no_dense */
#define ZL_NODENSE_TYPE	0x01	/* the socket type does not allow it */
#define ZL_NODENSE_OPT	0x02	/* an option does not */
#define ZL_NODENSE_FD	0x04	/* the program waits for the kernel's socket */
#define ZL_NODENSE_FORK	0x08	/* other processes have the socket too */
#define ZL_NODENSE_GETS	0x10	/* it asks who sent a message */

void zl_sock_put_last(struct zl_sock *s);

static inline void zl_sock_put(struct zl_sock *s)
{
	if (ZL_UNLIKELY(zl_handle_put(&s->h)))
		zl_sock_put_last(s);
}

/* A reference, or NULL with ENOTSOCK. */
static inline struct zl_sock *zl_sock_get(void *handle)
{
	if (ZL_LIKELY(zl_handle_get(handle, ZL_TAG_SOCK)))
		return handle;
	errno = ENOTSOCK;
	return NULL;
}

struct zl_sock *zl_sock_enter(void *handle);
int zl_family(void);
bool zl_has_curve(void);

/*
 * Errors (errno.c)
 */

int zl_errno(int err);
int zl_fail(int err);
int zl_sock_fail(struct zl_sock *s, int err);

/*
 * Options (options.c), ZMQ_FD (fd.c), names (resolve.c)
 */

int zl_kset(struct zl_sock *s, int opt, const void *val, size_t len);
int zl_kget(struct zl_sock *s, int opt, void *val, size_t *len);
int zl_set_timeo(struct zl_sock *s, int opt, int ms);
void zl_no_dense(struct zl_sock *s, uint32_t why);

int zl_fd_get(struct zl_sock *s);
void zl_fd_drain(struct zl_sock *s);
void zl_fd_close(struct zl_sock *s);

int zl_bind(struct zl_sock *s, const char *text);
int zl_connect(struct zl_sock *s, const char *text);
int zl_end(struct zl_sock *s, const char *text);
int zl_set_proxy(struct zl_sock *s, const void *val, size_t len);
void zl_names_retry(struct zl_sock *s);

/*
 * Messages (msg.c, msg_props.c)
 */

#define ZL_INLINE	33

#define ZL_MSG_INLINE	0xa5	/* zl_msg.kind; anything else is no message */
#define ZL_MSG_LARGE	0xa6

#define ZL_MSG_MORE	0x01	/* zl_msg.flags */
#define ZL_MSG_SHARED	0x02
#define ZL_MSG_PROPS	0x04	/* @who is a struct zl_props */

/**
 * struct zl_content - octets that several messages may share
 * @refs: how many do
 * @cap:  octets in @room
 * @ffn:  ends octets of the program's; NULL for those in @room
 * @data: the program's
 * @hint: for @ffn
 * @room: our own octets
 */
struct zl_content {
	_Atomic uint32_t	refs;
	size_t			cap;
	zmq_free_fn		*ffn;
	void			*data;
	void			*hint;
	unsigned char		room[] __attribute__((aligned(16)));
};

/**
 * struct zl_msg - what is inside a zmq_msg_t
 * @in:     up to ZL_INLINE octets
 * @c:      longer ones; NULL for constant data
 * @data:   where they are
 * @size:   how many
 * @kind:   ZL_MSG_INLINE, ZL_MSG_LARGE
 * @flags:  ZL_MSG_MORE ...
 * @len:    octets in @in
 * @rid:    zmq_msg_routing_id()
 * @handle: who sent it, 0 when that is not known
 * @props:  what is known of the sender, with ZL_MSG_PROPS
 * @group:  zmq_msg_group(), NULL for ""
 * @serial: the socket it came from
 */
struct zl_msg {
	union {
		unsigned char in[ZL_INLINE];
		struct {
			struct zl_content *c;
			void		*data;
			size_t		size;
		};
	} __attribute__((packed));
	uint8_t			kind;
	uint8_t			flags;
	uint8_t			len;
	uint32_t		rid;
	union {
		uint64_t	handle;
		struct zl_props	*props;
	};
	struct zl_content	*group;
	uint32_t		serial;
	uint32_t		unused;
};

_Static_assert(sizeof(struct zl_msg) == sizeof(zmq_msg_t), "size of zmq_msg_t");
_Static_assert(_Alignof(struct zl_msg) == _Alignof(void *), "its alignment");

static inline bool zl_msg_ok(const struct zl_msg *m)
{
	return m && (m->kind == ZL_MSG_INLINE || m->kind == ZL_MSG_LARGE);
}

static inline void zl_msg_init(struct zl_msg *m)
{
	m->kind = ZL_MSG_INLINE;
	m->flags = 0;
	m->len = 0;
	m->rid = 0;
	m->handle = 0;
	m->group = NULL;
	m->serial = 0;
}

static inline size_t zl_msg_size(const struct zl_msg *m)
{
	return m->kind == ZL_MSG_INLINE ? m->len : m->size;
}

static inline void *zl_msg_data(struct zl_msg *m)
{
	return m->kind == ZL_MSG_INLINE ? m->in : m->data;
}

struct zl_content *zl_content_new(size_t cap);
void zl_content_put(struct zl_content *c);
void zl_msg_clear(struct zl_msg *m);
int zl_msg_set(struct zl_msg *m, const void *data, size_t len);
void zl_msg_take(struct zl_msg *m, struct zl_content *c, size_t len);

void zl_props_get(struct zl_props *p);
void zl_props_put(struct zl_props *p);
void zl_props_free_all(struct zl_sock *s);

/*
 * Waiting (poll.c)
 */

int zl_poll(zmq_pollitem_t *items, int n, long timeout, const sigset_t *mask);

#endif /* ZL_H */
