/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The system calls of the fast way, without what the C library adds: a thread
 * cannot be cancelled inside of them, and errno is left alone. Where it has to
 * be possible there is block.h.
 *
 * All return what the kernel does: octets or a negative errno.
 */
#ifndef ZL_CALL_H
#define ZL_CALL_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__) && !defined(__ILP32__)
static inline long zl_call6(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = 0;
	register long r9 __asm__("r9") = 0;
	long ret;

	__asm__ volatile("syscall"
			 : "=a" (ret)
			 : "0" (nr), "D" (a), "S" (b), "d" (c), "r" (r10),
			   "r" (r8), "r" (r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#else
static inline long zl_call6(long nr, long a, long b, long c, long d)
{
	long ret = syscall(nr, a, b, c, d, 0l, 0l);

	return ret < 0 ? -errno : ret;
}
#endif

static inline ssize_t zl_call_send(int fd, const void *buf, size_t len,
				   int flags)
{
	return zl_call6(SYS_sendto, fd, (long)buf, len, flags);
}

static inline ssize_t zl_call_recv(int fd, void *buf, size_t len, int flags)
{
	return zl_call6(SYS_recvfrom, fd, (long)buf, len, flags);
}

static inline ssize_t zl_call_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return zl_call6(SYS_sendmsg, fd, (long)m, flags, 0);
}

static inline ssize_t zl_call_recvmsg(int fd, struct msghdr *m, int flags)
{
	return zl_call6(SYS_recvmsg, fd, (long)m, flags, 0);
}

#endif /* ZL_CALL_H */
