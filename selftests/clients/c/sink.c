// SPDX-License-Identifier: GPL-2.0
/* sink ENDPOINT COUNT: add up so many results. */
#include <inttypes.h>

#include "example.h"

int main(int argc, char **argv)
{
	uint64_t total = 0, n;
	void *ctx, *pull;
	int i, count;

	if (argc != 3)
		errx(2, "usage: sink ENDPOINT COUNT");
	count = atoi(argv[2]);
	ctx = zmq_ctx_new();
	pull = attach(ctx, ZMQ_PULL, argv[1]);
	for (i = 0; i < count; i++) {
		int len;

		n = 0;
		CHECK(len = zmq_recv(pull, &n, sizeof(n), 0));
		if (len > (int)sizeof(n))
			errx(1, "%d octets", len);
		total += n;
	}
	printf("%d results, %" PRIu64 "\n", count, total);
	CHECK(zmq_close(pull));
	CHECK(zmq_ctx_term(ctx));
	return 0;
}
