// SPDX-License-Identifier: GPL-2.0
/* Monitors of sockets, and TCP sockets that are no ZeroMQ ones. */
#include "shim.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* a listening TCP socket, or just a free port, as "tcp://127.0.0.1:PORT" */
int z_tcp(int listening, char ep[EP_LEN])
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	Z_CHECK(fd >= 0);
	Z_CHECK(!bind(fd, (struct sockaddr *)&sa, len));
	Z_CHECK(!getsockname(fd, (struct sockaddr *)&sa, &len));
	snprintf(ep, EP_LEN, "tcp://127.0.0.1:%d", ntohs(sa.sin_port));
	if (listening)
		Z_CHECK(!listen(fd, 8));
	return fd;
}

/* a PAIR that gets version 1 events of the socket */
void *xmonitor(void *ctx, void *s, int events, const char *name)
{
	void *mon = xsock(ctx, ZMQ_PAIR);

	if (zmq_socket_monitor(s, name, events))
		Z_DIE("zmq_socket_monitor %s", name);
	xconnect(mon, name);
	return mon;
}

/* the next event of version 1; it has two frames of the right sizes */
bool z_event(void *mon, struct event *e)
{
	unsigned char head[8];
	unsigned short event;
	unsigned int value;
	int n = zmq_recv(mon, head, sizeof(head), 0);

	memset(e, 0, sizeof(*e));
	if (n != 6 || !zget(mon, ZMQ_RCVMORE))
		return false;
	memcpy(&event, head, 2);
	memcpy(&value, head + 2, 4);
	e->event = event;
	e->value[0] = value;
	e->n = 1;
	n = zmq_recv(mon, e->local, sizeof(e->local) - 1, 0);
	return n >= 0 && n < (int)sizeof(e->local) && !zget(mon, ZMQ_RCVMORE);
}

/* events up to this one; false when it does not come */
bool z_event_is(void *mon, unsigned long long want, struct event *e)
{
	while (z_event(mon, e)) {
		if (e->event == want)
			return true;
		fprintf(stderr, "# event %#x, value %d, %s\n", (int)e->event,
			(int)e->value[0], e->local);
	}
	fprintf(stderr, "# no event %#x\n", (int)want);
	return false;
}
