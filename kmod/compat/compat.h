/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernels we build for, named by meaning. This is the
 * only file that looks at LINUX_VERSION_CODE; Kbuild includes it everywhere.
 */
#ifndef KZMQ_COMPAT_H
#define KZMQ_COMPAT_H

#include <linux/kconfig.h>
#include <linux/version.h>

#ifndef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "AF_ZMQ needs Linux 6.1 or newer"
#endif

/* 6.12 moved the unaligned accessors and brought device memory in skbs */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define KZMQ_HAVE_LINUX_UNALIGNED 1
#define KZMQ_HAVE_UNREADABLE_FRAGS 1
#endif

/*
 * 6.5 replaced sendpage by MSG_SPLICE_PAGES. 6.1's stable series defines the
 * flag too but TCP ignores it there, hence the version.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define KZMQ_HAVE_SPLICE_PAGES 1
#endif

/* 6.6: sysctl tables are counted and carry no empty last row */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define KZMQ_SYSCTL_SENTINEL 0
#else
#define KZMQ_SYSCTL_SENTINEL 1
#endif

/* 6.3: mounts map ids by a type of its own */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define KZMQ_HAVE_IDMAP 1
#endif

/* 6.16: a Unix socket may refuse files, and what carries them became private */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define KZMQ_HAVE_PASSRIGHTS 1
#endif

/*
 * 6.19: directories can be delegated, what makes and removes an entry says so;
 * the pair around its making has other names, and the lock of a task's
 * directories is a seqlock. Not seen between 6.12 and 7.3.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define KZMQ_HAVE_DELEGATION 1
#endif

/* 6.10: __assign_str() takes the destination only */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define kzmq_assign_str(dst, src) __assign_str(dst)
#else
#define kzmq_assign_str(dst, src) __assign_str(dst, src)
#endif

/* 6.11: sysctl handlers may not write to their row */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define kzmq_ctl_table const struct ctl_table
#else
#define kzmq_ctl_table struct ctl_table
#endif

/* 6.19: addresses of bind and connect have a type of their own */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define kzmq_sockaddr sockaddr_unsized
#else
#define kzmq_sockaddr sockaddr
#endif

/*
 * CURVE's boxes are made with the kernel's Curve25519 and Poly1305. They are
 * libraries, built where something wants them: a kernel may have neither.
 */
#if IS_REACHABLE(CONFIG_CRYPTO_LIB_CURVE25519) && \
	IS_REACHABLE(CONFIG_CRYPTO_LIB_POLY1305)
#define KZMQ_HAVE_BOX 1
#endif

#endif /* KZMQ_COMPAT_H */
