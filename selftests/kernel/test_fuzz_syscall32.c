// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 + ZMQ_SECONDS */
/* CFLAGS: -m32 */
/* The same from a 32-bit program: other layouts of messages and options. */
#include "test_fuzz_syscall.c"
