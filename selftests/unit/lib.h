/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of userlib/ here share. Each is built twice: as lib_NAME with
 * our code in it, and as stock_NAME, with STOCK, on libzmq; both expect the same
 * but where OURS says so. What a test needs beside its subject comes
 * from libzmq.
 */
#ifndef LIB_H
#define LIB_H

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "tap.h"
#include "zmq.h"

#ifdef STOCK
#define OURS	false
#else
#define OURS	true
#endif

/* @expr fails with @err */
#define CHECK_ERR(expr, err) do {				\
	errno = 0;						\
	CHECK_EQ((expr), -1);					\
	CHECK_EQ(errno, err);					\
} while (0)

/* what can only hang when something is wrong */
#define PATIENCE	60000	/* ms */

#endif /* LIB_H */
