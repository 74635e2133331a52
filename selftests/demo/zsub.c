// SPDX-License-Identifier: GPL-2.0
/*
 * zsub ENDPOINT PREFIX COUNT: subscribe and print so many messages.
 */
#include "demo.h"

int main(int argc, char **argv)
{
	char text[1024];
	int fd, left;
	ssize_t len;

	if (argc != 4)
		errx(2, "usage: zsub ENDPOINT PREFIX COUNT");

	fd = open_socket(ZMQ_SUB);
	if (setsockopt(fd, SOL_ZMQ, ZMQ_SUBSCRIBE, argv[2], strlen(argv[2])))
		err(1, "setsockopt(ZMQ_SUBSCRIBE)");
	connect_to(fd, argv[1]);

	for (left = atoi(argv[3]); left; left--) {
		len = recv(fd, text, sizeof(text), 0);
		if (len < 0)
			err(1, "recv");
		printf("%.*s\n", (int)len, text);
	}
	close(fd);
	return 0;
}
