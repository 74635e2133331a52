// SPDX-License-Identifier: GPL-2.0
/* ventilator ENDPOINT COUNT: hand out so many tasks. */
#include "example.h"

int main(int argc, char **argv)
{
	void *ctx, *push;
	uint32_t i, count;

	if (argc != 3)
		errx(2, "usage: ventilator ENDPOINT COUNT");
	count = atoi(argv[2]);
	ctx = zmq_ctx_new();
	push = attach(ctx, ZMQ_PUSH, argv[1]);
	for (i = 1; i <= count; i++) {
		zmq_msg_t msg;

		CHECK(zmq_msg_init_size(&msg, sizeof(i)));
		memcpy(zmq_msg_data(&msg), &i, sizeof(i));
		CHECK(zmq_msg_send(&msg, push, 0));
	}
	printf("%u tasks\n", count);
	/* what is not yet taken is still sent */
	CHECK(zmq_close(push));
	CHECK(zmq_ctx_term(ctx));
	return 0;
}
