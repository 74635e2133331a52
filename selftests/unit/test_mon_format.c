// SPDX-License-Identifier: GPL-2.0
#include "tap.h"
#include "mon_format.h"

/* A record in memory of just its size */
static struct zmq_event *record(u64 event, u64 value, u16 flags)
{
	struct zmq_event e = {
		.hdr = sizeof(e), .flags = flags, .event = event, .value = value,
		.rid_len = 2, .local_len = 5, .remote_len = 6,
	};
	struct zmq_event *r = malloc(sizeof(e) + 13);

	if (!r)
		abort();
	e.size = sizeof(e) + 13;
	memcpy(r, &e, sizeof(e));
	memcpy(r + 1, "idlocalremote", 13);
	return r;
}

static void mon_format__version_1(void)
{
	struct zmq_event *e;
	struct kzmq_mon_msg m;
	struct {
		u16 event;
		u32 value;
	} __attribute__((packed)) want;

	e = record(ZMQ_EVENT_ACCEPTED, 0x123456789ull, ZMQ_EVENT_BOUND);
	want.event = ZMQ_EVENT_ACCEPTED;
	want.value = 0x23456789;
	CHECK_EQ(kzmq_mon_format(e, 1, &m), 0);
	CHECK_EQ(m.nr, 2);
	tap_check_mem(__FILE__, __LINE__, m.data[0], m.len[0], &want,
		      sizeof(want));
	CHECK_MEM(m.data[1], m.len[1], "local");
	e->flags = 0;
	CHECK_EQ(kzmq_mon_format(e, 1, &m), 0);
	CHECK_MEM(m.data[1], m.len[1], "remote");
	free(e);
}

static void mon_format__version_2(void)
{
	u64 want[3] = { ZMQ_EVENT_CONNECTED, 1, 0x123456789ull };
	struct kzmq_mon_msg m;
	struct zmq_event *e;
	size_t i;

	e = record(want[0], want[2], 0);
	CHECK_EQ(kzmq_mon_format(e, 2, &m), 0);
	CHECK_EQ(m.nr, 5);
	for (i = 0; i < 3; i++)
		tap_check_mem(__FILE__, __LINE__, m.data[i], m.len[i], &want[i],
			      sizeof(want[i]));
	CHECK_MEM(m.data[3], m.len[3], "local");
	CHECK_MEM(m.data[4], m.len[4], "remote");
	free(e);
}

static void mon_format__refused(void)
{
	struct kzmq_mon_msg m;
	struct zmq_event *e = record(0x10000, 0, 0);

	CHECK_EQ(kzmq_mon_format(e, 0, &m), -EINVAL);
	CHECK_EQ(kzmq_mon_format(e, 3, &m), -EINVAL);
	CHECK_EQ(kzmq_mon_format(e, 1, &m), -EINVAL);
	CHECK_EQ(kzmq_mon_format(e, 2, &m), 0);
	free(e);
}

int main(void)
{
	RUN(mon_format__version_1);
	RUN(mon_format__version_2);
	RUN(mon_format__refused);
	return tap_done();
}
