// SPDX-License-Identifier: GPL-2.0
/* io_uring, which does the calls at another time and in another context. */
#include "fuzz_sys.h"

#if defined(__x86_64__)

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* A ring of the thread's own, by plain system calls */
struct ring {
	int fd;
	bool mapped;
	struct io_uring_params p;
	unsigned char *sq, *cq;
	struct io_uring_sqe *sqe;
};

static __thread struct ring ring = { .fd = -1 };

static bool ring_open(void)
{
	struct io_uring_params *p = &ring.p;

	if (ring.fd >= 0)
		return ring.mapped;
	ring.fd = syscall(SYS_io_uring_setup, 32, p);
	if (ring.fd < 0)
		return false;
	ring.sq = mmap(NULL, p->sq_off.array + 4 * p->sq_entries,
		       PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
		       IORING_OFF_SQ_RING);
	ring.cq = mmap(NULL, p->cq_off.cqes + 16 * p->cq_entries,
		       PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
		       IORING_OFF_CQ_RING);
	ring.sqe = mmap(NULL, p->sq_entries * sizeof(*ring.sqe),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
			IORING_OFF_SQES);
	ring.mapped = ring.sq != MAP_FAILED && ring.cq != MAP_FAILED &&
		      ring.sqe != MAP_FAILED;
	return ring.mapped;
}

static void any_sqe(struct rng *r, struct io_uring_sqe *s)
{
	static const __u8 ops[] = {
		IORING_OP_SENDMSG, IORING_OP_RECVMSG, IORING_OP_SEND,
		IORING_OP_RECV, IORING_OP_READ, IORING_OP_WRITE,
		IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_POLL_ADD,
		IORING_OP_CONNECT, IORING_OP_ACCEPT, IORING_OP_SHUTDOWN,
		IORING_OP_ASYNC_CANCEL, IORING_OP_POLL_REMOVE,
		IORING_OP_SEND_ZC, IORING_OP_SPLICE, IORING_OP_NOP,
	};
	socklen_t len;
	size_t n;

	memset(s, 0, sizeof(*s));
	s->opcode = ops[rnd(r, sizeof(ops))];
	s->fd = any_fd(r);
	s->user_data = rnd(r, 8);
	s->flags = pct(r, 30) ? 1 << rnd(r, 7) : 0;
	s->addr = (uintptr_t)some_mem(r, 64);
	s->len = small_len(r);
	switch (s->opcode) {
	case IORING_OP_SENDMSG:
	case IORING_OP_RECVMSG:
		s->addr = (uintptr_t)any_msg(r);
		s->len = 1;
		break;
	case IORING_OP_READV:
	case IORING_OP_WRITEV:
		s->addr = (uintptr_t)any_iov(r, &n);
		s->len = n;
		break;
	case IORING_OP_CONNECT:
		s->addr = (uintptr_t)any_addr(r, &len);
		s->off = len;
		s->len = 0;
		break;
	case IORING_OP_POLL_ADD:
		s->len = pct(r, 20);
		s->poll32_events = rnd64(r);
		s->addr = 0;
		break;
	case IORING_OP_ASYNC_CANCEL:
	case IORING_OP_POLL_REMOVE:
		s->addr = rnd(r, 8);
		s->len = 0;
		break;
	case IORING_OP_SHUTDOWN:
		s->opcode = IORING_OP_NOP;
		s->addr = 0;
		s->len = 0;
		break;
	default:
		s->msg_flags = any_msg_flags(r);
		s->ioprio = pct(r, 15) ? 1 << rnd(r, 4) : 0;
		if (pct(r, 15))
			s->addr = (uintptr_t)any_ptr(r);
	}
}

long do_uring(struct rng *r)
{
	unsigned int i, n = 1 + rnd(r, 6), tail, mask;
	unsigned int *array;

	if (!ring_open())
		return -1;
	mask = ring.p.sq_entries - 1;
	array = (void *)(ring.sq + ring.p.sq_off.array);
	tail = *(unsigned int *)(ring.sq + ring.p.sq_off.tail);
	for (i = 0; i < n; i++, tail++) {
		any_sqe(r, &ring.sqe[tail & mask]);
		array[tail & mask] = tail & mask;
	}
	__atomic_store_n((unsigned int *)(ring.sq + ring.p.sq_off.tail), tail,
			 __ATOMIC_RELEASE);
	/* completions are thrown away */
	__atomic_store_n((unsigned int *)(ring.cq + ring.p.cq_off.head),
			 __atomic_load_n((unsigned int *)(ring.cq +
							  ring.p.cq_off.tail),
					 __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring.fd, n, 0, 0, NULL, 0);
}

#else

/* the ring's memory is laid out for 64 bits */
long do_uring(struct rng *r)
{
	return -1;
}

#endif
