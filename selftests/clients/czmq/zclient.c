// SPDX-License-Identifier: GPL-2.0
/* zclient ENDPOINT: CZMQ dealers, pictures, monitors and an inproc proxy. */
#include <czmq.h>

static void pictures(zsock_t *dealer)
{
	zchunk_t *chunk = zchunk_new("chunk", 5);
	zframe_t *frame = zframe_new("frame", 5);
	char *count, *text;
	uint64_t big;
	int number;

	zsock_send(dealer, "si8cf", "text", -7, (uint64_t)1 << 40, chunk, frame);
	zchunk_destroy(&chunk);
	zframe_destroy(&frame);
	zsock_recv(dealer, "sfc8is", &count, &frame, &chunk, &big, &number, &text);
	printf("%s frames: %s %d %" PRIu64 " %.5s %.5s\n", count, text, number, big,
	       zchunk_data(chunk), zframe_data(frame));
	zstr_free(&count);
	zstr_free(&text);
	zchunk_destroy(&chunk);
	zframe_destroy(&frame);
}

static void all_lengths(zsock_t *dealer)
{
	size_t size, good = 0, n = 0;

	for (size = 1; size < 300000; size *= 3, n++) {
		zmsg_t *msg = zmsg_new(), *reply;
		zframe_t *body = zframe_new(NULL, size), *back;

		memset(zframe_data(body), (int)size, size);
		zmsg_addstr(msg, "body");
		back = zframe_dup(body);
		zmsg_append(msg, &body);
		zmsg_send(&msg, dealer);
		reply = zmsg_recv(dealer);
		zmsg_first(reply);
		if (zmsg_size(reply) == 3 && zframe_eq(zmsg_next(reply), back))
			good++;
		zframe_destroy(&back);
		zmsg_destroy(&reply);
	}
	printf("%zu of %zu sizes came back\n", good, n);
}

/* a dealer that is watched while it connects */
static void connect_watched(const char *endpoint)
{
	zsock_t *dealer = zsock_new(ZMQ_DEALER);
	zactor_t *monitor = zactor_new(zmonitor, dealer);
	char *event, *number, *where, *count;

	zstr_sendx(monitor, "LISTEN", "HANDSHAKE_SUCCEEDED", NULL);
	zstr_send(monitor, "START");
	zsock_wait(monitor);
	zsock_connect(dealer, "%s", endpoint);
	zstr_recvx(monitor, &event, &number, &where, NULL);
	printf("%s at our endpoint %d\n", event, streq(where, endpoint));
	zstr_free(&event);
	zstr_free(&number);
	zstr_free(&where);
	zstr_send(dealer, "from the watched one");
	count = zstr_recv(dealer);
	printf("%s frame\n", count);
	zstr_free(&count);
	zsock_flush(dealer);
	zactor_destroy(&monitor);
	zsock_destroy(&dealer);
}

/* CZMQ's proxy between two inproc sockets */
static void through_proxy(void)
{
	zactor_t *proxy = zactor_new(zproxy, NULL);
	zsock_t *push, *pull;
	int i, n, total = 0;

	zstr_sendx(proxy, "FRONTEND", "PULL", "inproc://front", NULL);
	zsock_wait(proxy);
	zstr_sendx(proxy, "BACKEND", "PUSH", "inproc://back", NULL);
	zsock_wait(proxy);
	push = zsock_new_push("inproc://front");
	pull = zsock_new_pull(">inproc://back");
	for (i = 1; i <= 100; i++)
		zsock_send(push, "i", i);
	for (i = 1; i <= 100; i++) {
		zsock_recv(pull, "i", &n);
		total += n;
	}
	printf("by way of a proxy: %d\n", total);
	zsock_destroy(&push);
	zsock_destroy(&pull);
	zactor_destroy(&proxy);
}

int main(int argc, char **argv)
{
	zsock_t *dealer;
	char *count, *word;

	if (argc != 2)
		return 2;
	dealer = zsock_new_dealer(argv[1]);
	printf("no socket: %d %d\n", zsock_is(argv), zsock_resolve(argv) == argv);
	zsock_set_rcvtimeo(dealer, 20000);
	pictures(dealer);
	all_lengths(dealer);
	connect_watched(argv[1]);
	through_proxy();
	zstr_send(dealer, "$STOP");
	zstr_recvx(dealer, &count, &word, NULL);
	printf("%s frame: %s\n", count, word);
	zstr_free(&count);
	zstr_free(&word);
	zsock_destroy(&dealer);
	zsys_shutdown();
	return 0;
}
