// SPDX-License-Identifier: GPL-2.0
/*
 * zrep bind|connect ENDPOINT echo|invert NAME: answer every request with its
 * own frames, as they are or with all bits turned over, and then NAME. Runs
 * until it is killed, or nobody asks for a while.
 */
#include <stdbool.h>
#include "demo.h"

#define FRAMES	16

static char data[1 << 20];

static void answer(int fd, bool invert, const char *name)
{
	size_t used = 0, count = 0, i, sizes[FRAMES];
	int more;

	/* the whole request has to be read before the answer begins */
	do {
		if (count == FRAMES)
			errx(1, "more than %d frames", FRAMES);
		sizes[count] = receive(fd, data + used, sizeof(data) - used, &more);
		used += sizes[count++];
	} while (more);

	for (i = 0; invert && i < used; i++)
		data[i] = ~data[i];

	for (i = 0, used = 0; i < count; used += sizes[i++])
		transmit(fd, data + used, sizes[i], MSG_MORE);
	transmit(fd, name, strlen(name), 0);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 5)
		errx(2, "usage: zrep bind|connect ENDPOINT echo|invert NAME");

	fd = open_socket(ZMQ_REP);
	if (!strcmp(argv[1], "bind"))
		bind_to(fd, argv[2]);
	else
		connect_to(fd, argv[2]);
	for (;;)
		answer(fd, !strcmp(argv[3], "invert"), argv[4]);
}
