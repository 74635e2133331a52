// SPDX-License-Identifier: GPL-2.0
/*
 * zserver ENDPOINT: a CZMQ server: an actor with a ROUTER, which the main
 * thread stops when a client says so; an authenticator runs beside it.
 */
#include <czmq.h>

struct server {
	zsock_t *pipe, *router;
	size_t requests, octets;
	bool stop;
};

/* answer: the frames in reverse order, and their number */
static void answer(struct server *s)
{
	zmsg_t *msg = zmsg_recv(s->router), *reply = zmsg_new();
	zframe_t *client = zmsg_pop(msg), *frame;
	char *first = zmsg_size(msg) ? zframe_strdup(zmsg_first(msg)) : NULL;

	s->requests++;
	s->octets += zmsg_content_size(msg);
	if (first && streq(first, "$STOP"))
		s->stop = true;
	zmsg_addstrf(reply, "%zu", zmsg_size(msg));
	while ((frame = zmsg_last(msg))) {
		zmsg_remove(msg, frame);
		zmsg_append(reply, &frame);
	}
	zmsg_prepend(reply, &client);
	if (zmsg_send(&reply, s->router))
		zsys_error("the reply could not be sent");
	zmsg_destroy(&msg);
	freen(first);
}

static void actor(zsock_t *pipe, void *endpoint)
{
	struct server s = { .pipe = pipe };
	zpoller_t *poller;

	s.router = zsock_new(ZMQ_ROUTER);
	assert(s.router && zsock_is(s.router));
	zsock_set_router_mandatory(s.router, 1);
	/* CZMQ's sockets do not linger, but the last reply has to get out */
	zsock_set_linger(s.router, 10000);
	if (zsock_bind(s.router, "%s", (char *)endpoint) == -1)
		zsys_error("cannot bind %s", (char *)endpoint);
	poller = zpoller_new(pipe, s.router, NULL);
	zsock_signal(pipe, 0);
	while (!s.stop) {
		void *which = zpoller_wait(poller, -1);

		if (which == s.router)
			answer(&s);
		else
			break;
	}
	zsock_send(pipe, "s88", "stopped", (uint64_t)s.requests, (uint64_t)s.octets);
	zpoller_destroy(&poller);
	zsock_destroy(&s.router);
}

int main(int argc, char **argv)
{
	zactor_t *auth, *server;
	uint64_t requests, octets;
	char *word;

	if (argc != 2)
		return 2;
	/* no security: nobody asks it, and that must do no harm */
	auth = zactor_new(zauth, NULL);
	zstr_sendx(auth, "ALLOW", "127.0.0.1", NULL);
	zsock_wait(auth);
	server = zactor_new(actor, argv[1]);
	/* what is a socket, an actor, or neither, is found out by asking libzmq */
	printf("socket %d, actor %d, resolved %d\n", zsock_is(server),
	       zactor_is(server), zsock_resolve(server) != server);
	printf("type %s\n", zsock_type_str(zactor_sock(server)));
	if (zsock_recv(server, "s88", &word, &requests, &octets))
		return 1;
	printf("%s after %" PRIu64 " requests, %" PRIu64 " octets\n", word, requests,
	       octets);
	zstr_free(&word);
	zactor_destroy(&server);
	zactor_destroy(&auth);
	zsys_shutdown();
	return 0;
}
