// SPDX-License-Identifier: GPL-2.0
/* prefix_sub DATA SYNC PREFIX...: show what is published with these prefixes. */
#include "example.h"

static void subscribe(void *sub, const char *prefix)
{
	CHECK(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, prefix, strlen(prefix)));
}

/* the topic of the next message, and its text when it has one */
static void next(void *sub, char *topic, char *text, size_t room)
{
	size_t size = sizeof(int);
	int len, more;

	*text = 0;
	CHECK(len = zmq_recv(sub, topic, room - 1, 0));
	topic[len] = 0;
	CHECK(zmq_getsockopt(sub, ZMQ_RCVMORE, &more, &size));
	if (!more)
		return;
	CHECK(len = zmq_recv(sub, text, room - 1, 0));
	text[len] = 0;
}

int main(int argc, char **argv)
{
	char topic[64], text[64];
	void *ctx, *sub, *sync;
	unsigned int n = 0;
	int i;

	if (argc < 4)
		errx(2, "usage: prefix_sub DATA SYNC PREFIX...");
	ctx = zmq_ctx_new();
	sub = attach(ctx, ZMQ_SUB, argv[1]);
	for (i = 3; i < argc; i++)
		subscribe(sub, argv[i]);
	subscribe(sub, "end");
	subscribe(sub, "hello");
	do
		next(sub, topic, text, sizeof(text));
	while (strcmp(topic, "hello"));
	CHECK(zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "hello", 5));

	sync = attach(ctx, ZMQ_REQ, argv[2]);
	CHECK(zmq_send(sync, "ready", 5, 0));
	CHECK(zmq_recv(sync, text, sizeof(text), 0));
	for (;;) {
		next(sub, topic, text, sizeof(text));
		if (!strcmp(topic, "end"))
			break;
		if (!strcmp(topic, "hello"))
			continue;
		printf("%s: %s\n", topic, text);
		n++;
	}
	printf("%u readings\n", n);
	CHECK(zmq_close(sub));
	CHECK(zmq_close(sync));
	CHECK(zmq_ctx_term(ctx));
	return 0;
}
