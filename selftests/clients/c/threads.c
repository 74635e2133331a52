// SPDX-License-Identifier: GPL-2.0
/*
 * threads ENDPOINT: an echo server with four threads behind an inproc socket,
 * until it is interrupted (SIGTERM).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "example.h"

#define THREADS 4

static void stopped(int signal)
{
}

/* a DEALER may send a frame back before it has seen the next one */
static void *work(void *ctx)
{
	void *dealer = attach(ctx, ZMQ_DEALER, ">inproc://workers");
	zmq_msg_t msg;

	CHECK(zmq_msg_init(&msg));
	while (zmq_msg_recv(&msg, dealer, 0) != -1)
		CHECK(zmq_msg_send(&msg, dealer, zmq_msg_more(&msg) ? ZMQ_SNDMORE : 0));
	if (zmq_errno() != ETERM)
		errx(1, "recv: %s", zmq_strerror(zmq_errno()));
	CHECK(zmq_msg_close(&msg));
	CHECK(zmq_close(dealer));
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = stopped };
	pthread_t threads[THREADS];
	void *ctx, *front, *back;
	sigset_t term;
	int i;

	if (argc != 2)
		errx(2, "usage: threads ENDPOINT");
	sigaction(SIGTERM, &sa, NULL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	ctx = zmq_ctx_new();
	CHECK(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 2));
	front = attach(ctx, ZMQ_ROUTER, argv[1]);
	back = attach(ctx, ZMQ_DEALER, "@inproc://workers");
	/* the signal is for this thread */
	pthread_sigmask(SIG_BLOCK, &term, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, ctx);
	pthread_sigmask(SIG_UNBLOCK, &term, NULL);

	if (zmq_proxy(front, back, NULL) != -1 || zmq_errno() != EINTR)
		errx(1, "proxy: %s", zmq_strerror(zmq_errno()));
	/* whoever sends it once more shall not interrupt the end */
	signal(SIGTERM, SIG_IGN);
	CHECK(zmq_close(front));
	CHECK(zmq_close(back));
	CHECK(zmq_ctx_shutdown(ctx));
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(zmq_ctx_term(ctx));
	printf("interrupted\n");
	return 0;
}
