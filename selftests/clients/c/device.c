// SPDX-License-Identifier: GPL-2.0
/*
 * device queue|forwarder|streamer FRONT BACK: one of the three by zmq_device(),
 * in a thread, until standard input ends.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "example.h"

static const struct {
	const char *name;
	int device, front, back;
} kinds[] = {
	{ "queue", ZMQ_QUEUE, ZMQ_ROUTER, ZMQ_DEALER },
	{ "forwarder", ZMQ_FORWARDER, ZMQ_XSUB, ZMQ_XPUB },
	{ "streamer", ZMQ_STREAMER, ZMQ_PULL, ZMQ_PUSH },
};

static void *front, *back;

static void *run(void *arg)
{
	int device = (intptr_t)arg;

	if (zmq_device(device, front, back) != -1 || zmq_errno() != ETERM)
		errx(1, "device: %s", zmq_strerror(zmq_errno()));
	CHECK(zmq_close(front));
	CHECK(zmq_close(back));
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int i;
	pthread_t thread;
	void *ctx;
	char c;

	if (argc != 4)
		errx(2, "usage: device queue|forwarder|streamer FRONT BACK");
	for (i = 0; strcmp(argv[1], kinds[i].name); i++)
		if (i == 2)
			errx(2, "%s?", argv[1]);
	ctx = zmq_ctx_new();
	front = attach(ctx, kinds[i].front, argv[2]);
	back = attach(ctx, kinds[i].back, argv[3]);
	pthread_create(&thread, NULL, run, (void *)(intptr_t)kinds[i].device);
	while (read(0, &c, 1) > 0)
		;
	CHECK(zmq_ctx_shutdown(ctx));
	pthread_join(thread, NULL);
	CHECK(zmq_ctx_term(ctx));
	printf("%s done\n", argv[1]);
	return 0;
}
