// SPDX-License-Identifier: GPL-2.0
/*
 * Events as libzmq's monitors tell them.
 *
 * Version 1: a frame of 16 bits of event and 32 of value, packed, in the
 * machine's byte order; a frame with the endpoint that the user knows.
 * Version 2: 64 bits each of event, number of values, and value; local and
 * remote endpoint.
 */
#include "mon_format.h"

static void add(struct kzmq_mon_msg *m, const void *data, u32 len)
{
	m->data[m->nr] = data;
	m->len[m->nr++] = len;
}

/**
 * kzmq_mon_format() - the frames of an event
 * @e:       the record, its texts behind it
 * @version: 1 or 2
 * @m:       to fill; points into itself and into the record
 *
 * Return: 0, or -EINVAL for another version or an event that version 1 has no
 * room for.
 */
int kzmq_mon_format(const struct zmq_event *e, int version,
		    struct kzmq_mon_msg *m)
{
	const char *local = (const char *)e + e->hdr + e->rid_len;
	const char *remote = local + e->local_len;
	u16 event = (u16)e->event;
	u32 value = (u32)e->value;

	m->nr = 0;
	if (version == 2) {
		m->num[0] = e->event;
		m->num[1] = 1;
		m->num[2] = e->value;
		add(m, &m->num[0], sizeof(u64));
		add(m, &m->num[1], sizeof(u64));
		add(m, &m->num[2], sizeof(u64));
		add(m, local, e->local_len);
		add(m, remote, e->remote_len);
		return 0;
	}
	if (version != 1 || e->event > U16_MAX)
		return -EINVAL;
	memcpy(m->num, &event, sizeof(event));
	memcpy((u8 *)m->num + sizeof(event), &value, sizeof(value));
	add(m, m->num, sizeof(event) + sizeof(value));
	if (e->flags & ZMQ_EVENT_BOUND)
		add(m, local, e->local_len);
	else
		add(m, remote, e->remote_len);
	return 0;
}
