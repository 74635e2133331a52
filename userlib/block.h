/* SPDX-License-Identifier: MPL-2.0 */
/* Calls that wait and can be cancelled (block.c). */
#ifndef ZL_BLOCK_H
#define ZL_BLOCK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <features.h>

/* Is this the only thread there is? */
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
#include <sys/single_threaded.h>
#define ZL_ALONE	__libc_single_threaded
#else
#define ZL_ALONE	false
#endif

struct pollfd;
struct timespec;
struct zl_sock;
struct zl_want;

/* Is a call with these flags one that another thread may want to end? */
static inline bool zl_may_block(int flags)
{
	return !(flags & MSG_DONTWAIT) && !ZL_ALONE;
}

void zl_undo_recv(void *arg);
ssize_t zl_block_recv(struct zl_want *w, void *buf, size_t len, int flags);
ssize_t zl_block_recvmsg(struct zl_want *w, struct msghdr *m, int flags);
ssize_t zl_block_send(struct zl_sock *s, const void *buf, size_t len,
		      int flags);
ssize_t zl_block_sendmsg(struct zl_sock *s, const struct msghdr *m, int flags);
int zl_block_poll(struct pollfd *p, int n, const struct timespec *left,
		  const sigset_t *mask, void (*undo)(void *), void *arg);
int zl_block_futex(_Atomic uint32_t *word, uint32_t val,
		   const struct timespec *left, void (*undo)(void *),
		   void *arg);

#endif /* ZL_BLOCK_H */
