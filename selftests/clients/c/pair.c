// SPDX-License-Identifier: GPL-2.0
/* pair serve|return ENDPOINT: two programs count to 200 in turns. */
#include "example.h"

int main(int argc, char **argv)
{
	unsigned int n = 0, heard = 0;
	void *ctx, *pair;

	if (argc != 3)
		errx(2, "usage: pair serve|return ENDPOINT");
	ctx = zmq_ctx_new();
	pair = attach(ctx, ZMQ_PAIR, argv[2]);
	if (!strcmp(argv[1], "serve"))
		CHECK(zmq_send(pair, &n, sizeof(n), 0));
	while (n < 200) {
		CHECK(zmq_recv(pair, &n, sizeof(n), 0));
		heard += n++;
		/* whoever has heard the last number may be alone by then */
		if (n <= 200)
			CHECK(zmq_send(pair, &n, sizeof(n), 0));
	}
	printf("%u at the end, %u heard\n", n, heard);
	CHECK(zmq_close(pair));
	CHECK(zmq_ctx_term(ctx));
	return 0;
}
