/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events as libzmq's monitors tell them: messages of a few frames.
 */
#ifndef KZMQ_MON_FORMAT_H
#define KZMQ_MON_FORMAT_H

#include "pure.h"

#include <linux/zmq.h>

#define KZMQ_MON_FRAMES	5

/**
 * struct kzmq_mon_msg - an event as a message
 * @nr:     frames
 * @data:   their octets, in the record or in @num
 * @len:    how many
 * @num:    the frames that are numbers
 */
struct kzmq_mon_msg {
	u32 nr;
	const void *data[KZMQ_MON_FRAMES];
	u32 len[KZMQ_MON_FRAMES];
	u64 num[3];
};

int kzmq_mon_format(const struct zmq_event *e, int version,
		    struct kzmq_mon_msg *m);

#endif /* KZMQ_MON_FORMAT_H */
