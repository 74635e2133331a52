// SPDX-License-Identifier: GPL-2.0
/*
 * zpair ENDPOINT COUNT: listen as a PAIR; answer each number by the next one.
 */
#include "demo.h"

int main(int argc, char **argv)
{
	char text[32];
	ssize_t len;
	int fd, left;

	if (argc != 3)
		errx(2, "usage: zpair ENDPOINT COUNT");

	fd = open_socket(ZMQ_PAIR);
	bind_to(fd, argv[1]);
	for (left = atoi(argv[2]); left; left--) {
		len = recv(fd, text, sizeof(text) - 1, 0);
		if (len < 0)
			err(1, "recv");
		text[len] = 0;
		printf("got %s", text);
		len = snprintf(text, sizeof(text), "%ld", atol(text) + 1);
		transmit(fd, text, len, 0);
		printf(", sent %s\n", text);
	}
	close(fd);
	return 0;
}
