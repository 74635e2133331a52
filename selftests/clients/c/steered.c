// SPDX-License-Identifier: GPL-2.0
/*
 * steered FRONT BACK: a streamer which obeys the words of standard input, one
 * a line: PAUSE, RESUME, STATISTICS, TERMINATE.
 */
#include <inttypes.h>
#include <pthread.h>

#include "example.h"

static const char * const names[] = {
	"front received", "front received octets", "front sent", "front sent octets",
	"back received", "back received octets", "back sent", "back sent octets",
};

static void *ctx;
static char **where;

static void *run(void *arg)
{
	void *front = attach(ctx, ZMQ_PULL, where[1]);
	void *back = attach(ctx, ZMQ_PUSH, where[2]);
	void *control = attach(ctx, ZMQ_PAIR, ">inproc://control");

	CHECK(zmq_proxy_steerable(front, back, NULL, control));
	CHECK(zmq_close(front));
	CHECK(zmq_close(back));
	CHECK(zmq_close(control));
	return NULL;
}

static void statistics(void *control)
{
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint64_t n = 0;

		CHECK(zmq_recv(control, &n, sizeof(n), 0));
		printf("%s: %" PRIu64 "\n", names[i], n);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *control;
	char word[32];

	if (argc != 3)
		errx(2, "usage: steered FRONT BACK");
	where = argv;
	ctx = zmq_ctx_new();
	control = attach(ctx, ZMQ_PAIR, "@inproc://control");
	pthread_create(&thread, NULL, run, NULL);
	while (scanf("%31s", word) == 1) {
		CHECK(zmq_send(control, word, strlen(word), 0));
		printf("%s\n", word);
		fflush(stdout);
		if (!strcmp(word, "STATISTICS"))
			statistics(control);
	}
	pthread_join(thread, NULL);
	CHECK(zmq_close(control));
	CHECK(zmq_ctx_term(ctx));
	return 0;
}
