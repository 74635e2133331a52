// SPDX-License-Identifier: GPL-2.0
/*
 * prefix_pub DATA SYNC COUNT: publish readings of some places once so many
 * subscribers are ready. A subscriber says so when a "hello" has reached it.
 */
#include "example.h"

static const char * const places[] = {
	"berlin", "bern", "berne", "lisbon", "lima", "oslo", "",
};

static void wait_for(void *pub, void *sync, int count)
{
	zmq_pollitem_t item = { .socket = sync, .events = ZMQ_POLLIN };
	char name[64];
	int len;

	while (count) {
		CHECK(zmq_send(pub, "hello", 5, 0));
		CHECK(zmq_poll(&item, 1, 10));
		if (!(item.revents & ZMQ_POLLIN))
			continue;
		CHECK(len = zmq_recv(sync, name, sizeof(name), 0));
		CHECK(zmq_send(sync, name, len, 0));
		count--;
	}
}

int main(int argc, char **argv)
{
	const unsigned int kinds = sizeof(places) / sizeof(*places);
	unsigned int i;
	void *ctx, *pub, *sync;
	char text[32];
	int hwm = 5000;

	if (argc != 4)
		errx(2, "usage: prefix_pub DATA SYNC COUNT");
	ctx = zmq_ctx_new();
	pub = attach(ctx, ZMQ_PUB, argv[1]);
	CHECK(zmq_setsockopt(pub, ZMQ_SNDHWM, &hwm, sizeof(hwm)));
	sync = attach(ctx, ZMQ_REP, argv[2]);
	wait_for(pub, sync, atoi(argv[3]));
	for (i = 0; i < 700; i++) {
		const char *place = places[i % kinds];
		int len = snprintf(text, sizeof(text), "%u degrees", i);

		CHECK(zmq_send(pub, place, strlen(place), ZMQ_SNDMORE));
		CHECK(zmq_send(pub, text, len, 0));
	}
	CHECK(zmq_send_const(pub, "end", 3, 0));
	printf("%u readings\n", i);
	CHECK(zmq_close(pub));
	CHECK(zmq_close(sync));
	CHECK(zmq_ctx_term(ctx));
	return 0;
}
