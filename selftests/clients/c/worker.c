// SPDX-License-Identifier: GPL-2.0
/* worker FROM TO: square numbers until somebody interrupts it (SIGTERM). */
#include <errno.h>
#include <signal.h>

#include "example.h"

static volatile sig_atomic_t stop;

static void stopped(int signal)
{
	stop = 1;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = stopped };
	void *ctx, *pull, *push;

	if (argc != 3)
		errx(2, "usage: worker FROM TO");
	sigaction(SIGTERM, &sa, NULL);
	ctx = zmq_ctx_new();
	pull = attach(ctx, ZMQ_PULL, argv[1]);
	push = attach(ctx, ZMQ_PUSH, argv[2]);
	while (!stop) {
		uint32_t n;
		uint64_t square;

		if (zmq_recv(pull, &n, sizeof(n), 0) == -1) {
			if (zmq_errno() != EINTR)
				errx(1, "recv: %s", zmq_strerror(zmq_errno()));
			continue;
		}
		square = (uint64_t)n * n;
		CHECK(zmq_send(push, &square, sizeof(square), 0));
	}
	/* whoever sends it once more shall not interrupt the end */
	signal(SIGTERM, SIG_IGN);
	CHECK(zmq_close(pull));
	CHECK(zmq_close(push));
	CHECK(zmq_ctx_term(ctx));
	printf("interrupted\n");
	return 0;
}
