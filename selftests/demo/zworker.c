// SPDX-License-Identifier: GPL-2.0
/*
 * zworker SOURCE SINK NAME: take numbers from the source (PULL), hand their
 * squares to the sink (PUSH), until the word "end" comes.
 */
#include "demo.h"

int main(int argc, char **argv)
{
	char text[64], result[128];
	int source, sink, done = 0;
	unsigned long number;
	ssize_t len;

	if (argc != 4)
		errx(2, "usage: zworker SOURCE SINK NAME");

	source = open_socket(ZMQ_PULL);
	sink = open_socket(ZMQ_PUSH);
	connect_to(sink, argv[2]);
	connect_to(source, argv[1]);
	for (;;) {
		len = recv(source, text, sizeof(text) - 1, 0);
		if (len < 0)
			err(1, "recv");
		text[len] = 0;
		if (!strcmp(text, "end"))
			break;
		number = strtoul(text, NULL, 10);
		len = snprintf(result, sizeof(result), "%s %lu %lu", argv[3],
			       number, number * number);
		transmit(sink, result, len, 0);
		done++;
	}
	printf("%s: %d numbers squared\n", argv[3], done);
	close(source);
	close(sink);
	return 0;
}
