// SPDX-License-Identifier: GPL-2.0
/* echo_server ENDPOINT: send every message back, until one says END. */
#include <stdbool.h>

#include "example.h"

#define FRAMES 64

/* one message, however many frames; false when it was the last one */
static bool serve(void *rep, unsigned int *frames, size_t *octets)
{
	zmq_msg_t msgs[FRAMES];
	int i, count = 0;
	bool end;

	/* a REP wants to have all of it before it answers */
	do {
		if (count == FRAMES)
			errx(1, "too many frames");
		CHECK(zmq_msg_init(&msgs[count]));
		CHECK(zmq_msg_recv(&msgs[count], rep, 0));
		*octets += zmq_msg_size(&msgs[count]);
	} while (zmq_msg_more(&msgs[count++]));
	*frames += count;
	end = zmq_msg_size(msgs) == 3 && !memcmp(zmq_msg_data(msgs), "END", 3);
	for (i = 0; i < count; i++)
		CHECK(zmq_msg_send(&msgs[i], rep, i + 1 < count ? ZMQ_SNDMORE : 0));
	return !end;
}

int main(int argc, char **argv)
{
	unsigned int messages = 1, frames = 0;
	size_t octets = 0;
	void *ctx, *rep;

	if (argc != 2)
		errx(2, "usage: echo_server ENDPOINT");
	ctx = zmq_ctx_new();
	rep = attach(ctx, ZMQ_REP, argv[1]);
	while (serve(rep, &frames, &octets))
		messages++;
	printf("%u messages, %u frames, %zu octets\n", messages, frames, octets);
	CHECK(zmq_close(rep));
	CHECK(zmq_ctx_term(ctx));
	return 0;
}
