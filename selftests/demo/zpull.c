// SPDX-License-Identifier: GPL-2.0
/*
 * zpull ENDPOINT COUNT: listen as a PULL and print so many messages.
 */
#include "demo.h"

int main(int argc, char **argv)
{
	char text[1024];
	int fd, left;
	ssize_t len;

	if (argc != 3)
		errx(2, "usage: zpull ENDPOINT COUNT");

	fd = open_socket(ZMQ_PULL);
	bind_to(fd, argv[1]);
	for (left = atoi(argv[2]); left; left--) {
		len = read(fd, text, sizeof(text));
		if (len < 0)
			err(1, "read");
		printf("%.*s\n", (int)len, text);
	}
	close(fd);
	return 0;
}
