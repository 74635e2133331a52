// SPDX-License-Identifier: GPL-2.0
/*
 * broker FRONT BACK: requests of clients go to workers in turn, replies find
 * their way back. Ends when it is interrupted (SIGTERM).
 */
#include <errno.h>
#include <signal.h>

#include "example.h"

static volatile sig_atomic_t stop;

static void stopped(int signal)
{
	stop = 1;
}

/* a whole message, whatever it holds */
static void pass(void *from, void *to)
{
	zmq_msg_t msg;
	int more;

	do {
		CHECK(zmq_msg_init(&msg));
		CHECK(zmq_msg_recv(&msg, from, 0));
		more = zmq_msg_more(&msg);
		CHECK(zmq_msg_send(&msg, to, more ? ZMQ_SNDMORE : 0));
	} while (more);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = stopped };
	unsigned int asked = 0, answered = 0;
	void *ctx, *front, *back;

	if (argc != 3)
		errx(2, "usage: broker FRONT BACK");
	sigaction(SIGTERM, &sa, NULL);
	ctx = zmq_ctx_new();
	front = attach(ctx, ZMQ_ROUTER, argv[1]);
	back = attach(ctx, ZMQ_DEALER, argv[2]);
	while (!stop) {
		zmq_pollitem_t items[] = {
			{ .socket = front, .events = ZMQ_POLLIN },
			{ .socket = back, .events = ZMQ_POLLIN },
		};

		if (zmq_poll(items, 2, -1) == -1) {
			if (zmq_errno() != EINTR)
				errx(1, "poll: %s", zmq_strerror(zmq_errno()));
			continue;
		}
		if (items[0].revents & ZMQ_POLLIN) {
			pass(front, back);
			asked++;
		}
		if (items[1].revents & ZMQ_POLLIN) {
			pass(back, front);
			answered++;
		}
	}
	/* whoever sends it once more shall not interrupt the end */
	signal(SIGTERM, SIG_IGN);
	printf("%u requests, %u replies\n", asked, answered);
	CHECK(zmq_close(front));
	CHECK(zmq_close(back));
	CHECK(zmq_ctx_term(ctx));
	return 0;
}
