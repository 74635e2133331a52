// SPDX-License-Identifier: GPL-2.0
/*
 * relay: a message wanders through threads, which are joined by inproc pairs;
 * each adds a frame.
 */
#include <pthread.h>

#include "example.h"

#define THREADS 8
#define ROUNDS 50

static void *ctx;

/* the frames that there are, and one more */
static void pass(void *from, void *to, int index)
{
	unsigned char mark = index;
	zmq_msg_t msg;
	int more;

	do {
		CHECK(zmq_msg_init(&msg));
		CHECK(zmq_msg_recv(&msg, from, 0));
		more = zmq_msg_more(&msg);
		CHECK(zmq_msg_send(&msg, to, ZMQ_SNDMORE));
	} while (more);
	CHECK(zmq_send(to, &mark, 1, 0));
}

/* connects before the next one binds: inproc allows that */
static void *relay(void *arg)
{
	int index = (intptr_t)arg, i;
	char name[32];
	void *in, *out;

	snprintf(name, sizeof(name), "@inproc://step%d", index);
	in = attach(ctx, ZMQ_PAIR, name);
	snprintf(name, sizeof(name), ">inproc://step%d", index + 1);
	out = attach(ctx, ZMQ_PAIR, name);
	for (i = 0; i < ROUNDS; i++)
		pass(in, out, index);
	CHECK(zmq_close(in));
	CHECK(zmq_close(out));
	return NULL;
}

static void show(void *end)
{
	unsigned char mark;
	int more = 1;
	size_t size = sizeof(more);

	while (more) {
		int len;

		CHECK(len = zmq_recv(end, &mark, 1, 0));
		CHECK(zmq_getsockopt(end, ZMQ_RCVMORE, &more, &size));
		if (len)
			printf("%d ", mark);
	}
	printf("\n");
}

int main(void)
{
	pthread_t threads[THREADS];
	void *begin, *end;
	char name[32];
	int i;

	ctx = zmq_ctx_new();
	begin = attach(ctx, ZMQ_PAIR, ">inproc://step0");
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, relay, (void *)(intptr_t)i);
	snprintf(name, sizeof(name), "@inproc://step%d", THREADS);
	end = attach(ctx, ZMQ_PAIR, name);
	for (i = 0; i < ROUNDS; i++)
		CHECK(zmq_send(begin, "", 0, 0));
	for (i = 0; i < ROUNDS; i++)
		show(end);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(zmq_close(begin));
	CHECK(zmq_close(end));
	CHECK(zmq_ctx_term(ctx));
	return 0;
}
