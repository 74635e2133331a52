// SPDX-License-Identifier: GPL-2.0
/*
 * echo_client ENDPOINT [keep]: ask an echo server with messages of many sizes,
 * compare what comes back. Tells it to end, but for "keep".
 */
#include "example.h"

static const size_t sizes[] = {
	0, 1, 29, 30, 33, 34, 64, 255, 256, 1000, 8191, 8192, 65536, 300000, 1 << 20,
};

static unsigned char *body(size_t len)
{
	unsigned char *p = malloc(len + 1);
	size_t i;

	if (!p)
		err(1, "malloc");
	for (i = 0; i < len; i++)
		p[i] = i * 31 + len;
	return p;
}

static void single(void *req, size_t len)
{
	unsigned char *out = body(len), *in = malloc(len + 1);
	int got;

	CHECK(zmq_send(req, out, len, 0));
	CHECK(got = zmq_recv(req, in, len + 1, 0));
	printf("%zu octets: %d came back, %s, %08x\n", len, got,
	       (size_t)got == len && !memcmp(in, out, len) ? "the same" : "others",
	       sum(SUM_BEGIN, in, got));
	free(out);
	free(in);
}

static void release(void *data, void *hint)
{
	++*(unsigned int *)hint;
	free(data);
}

/* frames that libzmq takes without copying, and tells when it is done */
static void several(void *req, unsigned int count, unsigned int *released)
{
	uint32_t hash = SUM_BEGIN;
	unsigned int i, frames = 0;
	zmq_msg_t msg;
	int more;

	for (i = 0; i < count; i++) {
		size_t len = i * 500;

		CHECK(zmq_msg_init_data(&msg, body(len), len, release, released));
		CHECK(zmq_msg_send(&msg, req, i + 1 < count ? ZMQ_SNDMORE : 0));
	}
	do {
		CHECK(zmq_msg_init(&msg));
		CHECK(zmq_msg_recv(&msg, req, 0));
		hash = sum(hash, zmq_msg_data(&msg), zmq_msg_size(&msg));
		frames++;
		more = zmq_msg_more(&msg);
		CHECK(zmq_msg_close(&msg));
	} while (more);
	printf("%u frames: %u came back, %08x\n", count, frames, hash);
}

int main(int argc, char **argv)
{
	unsigned int i, released = 0;
	void *ctx, *req;
	char end[3];

	if (argc < 2)
		errx(2, "usage: echo_client ENDPOINT [keep]");
	ctx = zmq_ctx_new();
	req = attach(ctx, ZMQ_REQ, argv[1]);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		single(req, sizes[i]);
	for (i = 1; i <= 40; i *= 3)
		several(req, i, &released);
	if (argc == 2) {
		CHECK(zmq_send(req, "END", 3, 0));
		CHECK(zmq_recv(req, end, sizeof(end), 0));
	}
	CHECK(zmq_close(req));
	CHECK(zmq_ctx_term(ctx));
	printf("%u frames released\n", released);
	return 0;
}
