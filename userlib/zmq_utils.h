/* SPDX-License-Identifier: MPL-2.0 */
/* The place of the watches, threads and Z85 of old; zmq.h has all of them. */
#include "zmq.h"
