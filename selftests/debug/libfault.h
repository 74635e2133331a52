/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Injected faults: one failed allocation or copy at a time, at each place in
 * turn, and a book of the places.
 *
 * A place is a call stack; its site is the innermost function of our module in
 * it. Failed slab allocations are seen by the tracepoints of the allocator
 * (which gave NULL), failed pages and copies by what fault injection itself
 * writes to the kernel log. A failure which nobody reported (__GFP_NOWARN) is
 * one place for each walk. Failures of the checkers' own allocations, which do
 * without, are counted apart.
 */
#ifndef KZMQ_LIBFAULT_H
#define KZMQ_LIBFAULT_H

#include "lib.h"

/* errno values that failed memory and copies may end in */
#define F_NOMEM		BIT_OF(0)	/* ENOMEM */
#define F_NOBUFS	BIT_OF(1)	/* ENOBUFS */
#define F_FAULT		BIT_OF(2)	/* EFAULT */
#define F_NFILE		BIT_OF(3)	/* ENFILE: socket() */
#define F_INUSE		BIT_OF(4)	/* EADDRINUSE: TCP has no memory for a port */
#define F_AGAIN		BIT_OF(5)	/* EAGAIN */
#define F_ANY		BIT_OF(6)
#define BIT_OF(n)	(1u << (n))
#define F_USUAL		(F_NOMEM | F_NOBUFS | F_FAULT)

/**
 * struct walk - a call under all failures it can meet
 * @name:   for reports
 * @run:    the call; what it returns is a system call's
 * @verify: whether all is well after it has worked; dies if not
 * @lost:   the call failed and may not have done anything; before the repeat
 * @arg:    theirs
 * @errs:   F_*, F_USUAL when 0
 * @coarse: above 1: only every so-manieth failure, but each where our module is
 *          in the call chain. 1: each, also in a sample
 * @skip:   percent of the failures a sample leaves out at first
 */
struct walk {
	const char	*name;
	long		(*run)(void *arg);
	void		(*verify)(void *arg, long ret);
	void		(*lost)(void *arg, int err);
	void		*arg;
	unsigned int	errs;
	unsigned int	coarse;
	unsigned int	skip;
};

/* which allocations of the whole machine a scenario's failures come from */
enum fault_kind {
	FAULT_WORK,	/* of the kernel's work items */
	FAULT_ATOMIC,	/* those that cannot sleep */
	FAULT_ATOMIC_PAGE,
};

void fault_init(void);
void fault_begin(void);
void fault_exit(void);
void fault_walk(const struct walk *w);
void fault_scenario(enum fault_kind kind, const char *name, void (*run)(void));
void fault_cache_arm(enum fault_kind kind, const char *cache);
bool fault_cache_disarm(enum fault_kind kind);
void fault_summary(unsigned int floor_points, unsigned int floor_sites);
bool fault_late(void);

#define LINK_BUF	(256 * 1024)
#define LINK_BIG	(200 * 1024)

/* Sockets with something to say to each other, and how far they are. */
struct link {
	int		from;
	int		to;
	int		type;		/* of @from */
	unsigned int	seq;
	size_t		len;		/* of a frame */
	int		nr;		/* frames of a message, or messages of a call */
	int		val;
	const char	*text;
	char		ep[EP_LEN];
};

/* what is sent, and what came */
extern char out[LINK_BUF], in[LINK_BUF];

void link_open(struct link *l, int to, int from);
void link_close(struct link *l);
void frame_make(const struct link *l, int i);
void frame_check(const struct link *l, ssize_t n, int i);
long run_send(void *arg);
void recv_message(struct link *l, int skip);
void verify_send(void *arg, long ret);
void last_endpoint(int fd, char ep[EP_LEN]);
void walk_link(const char *name, struct link *l, long (*run)(void *),
	       void (*verify)(void *, long));

/* another pair of sockets in traffic meanwhile */
void bystander_start(int pause_ms);
void bystander_check(void);
void bystander_stop(void);

/* as ZMQ_HARNESS_MAIN, with one book for all tests of the program */
#define FAULT_HARNESS_MAIN						\
	static void __attribute__((constructor))			\
	__constructor_order_last(void)					\
	{								\
		if (!__constructor_order)				\
			__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD; \
	}								\
	int main(int argc, char **argv)					\
	{								\
		struct __fixture_metadata *f;				\
		struct __test_metadata *t;				\
		int ret;						\
									\
		setvbuf(stdout, NULL, _IOLBF, 0);			\
		for (f = __fixture_list; f; f = f->next)		\
			for (t = f->tests; t; t = t->next)		\
				t->timeout = kz_ms(t->timeout);		\
		fault_init();						\
		ret = test_harness_run(argc, argv);			\
		fault_exit();						\
		return ret;						\
	}

/* as EXPECT_ERR, also outside of a test */
#define CHECK_ERR(err, call)						\
	do {								\
		errno = 0;						\
		KZ_CHECK((call) == -1 && errno == (err));		\
	} while (0)

/* Our own calls may be hit as well; none of them has done anything then. */
static inline bool fault_again(int tries)
{
	return tries < 3 && (errno == ENOMEM || errno == ENOBUFS ||
			     errno == EADDRINUSE || errno == ENFILE);
}

#define INSIST(call)							\
	do {								\
		int _tries = 0;						\
									\
		while ((long)(call) < 0)				\
			if (!fault_again(_tries++))				\
				KZ_DIE("%s", #call);			\
	} while (0)

#endif
