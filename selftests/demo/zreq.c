// SPDX-License-Identifier: GPL-2.0
/*
 * zreq ENDPOINT COUNT echo|invert: ask with two frames of random octets each
 * time, check what comes back, count who has answered.
 */
#include <sys/random.h>
#include "demo.h"

#define BODY	40000
#define NAMES	8

static unsigned char head[16], body[BODY], reply[BODY + 1];

static char names[NAMES][32];
static int answers[NAMES];

static void fill(unsigned char *data, size_t size)
{
	ssize_t got;

	for (; size; data += got, size -= got) {
		got = getrandom(data, size, 0);
		if (got < 0)
			err(1, "getrandom");
	}
}

/* the next frame of the reply has to be this one */
static void expect(int fd, const unsigned char *data, size_t size, int mask)
{
	ssize_t len, i;
	int more;

	len = receive(fd, reply, sizeof(reply), &more);
	if (len != size || !more)
		errx(1, "a frame of %zd octets%s came back, %zu were sent", len,
		     more ? "" : " without any after it", size);
	for (i = 0; i < len; i++)
		if (reply[i] != (data[i] ^ mask))
			errx(1, "octet %zd of %zd is wrong", i, len);
}

static void count_name(int fd)
{
	char name[32];
	ssize_t len;
	int more, i;

	len = receive(fd, name, sizeof(name) - 1, &more);
	if (more)
		errx(1, "more frames than there should be");
	name[len] = 0;
	for (i = 0; i < NAMES; i++) {
		if (!names[i][0])
			strcpy(names[i], name);
		if (!strcmp(names[i], name)) {
			answers[i]++;
			return;
		}
	}
	errx(1, "too many names");
}

int main(int argc, char **argv)
{
	int fd, n, i, count, mask;
	size_t size;

	if (argc != 4)
		errx(2, "usage: zreq ENDPOINT COUNT echo|invert");
	count = atoi(argv[2]);
	mask = strcmp(argv[3], "invert") ? 0 : 0xff;

	fd = open_socket(ZMQ_REQ);
	connect_to(fd, argv[1]);
	for (n = 0; n < count; n++) {
		/* from nothing up to the whole body */
		size = (size_t)BODY * n / (count > 1 ? count - 1 : 1);
		fill(head, sizeof(head));
		fill(body, size);
		transmit(fd, head, sizeof(head), MSG_MORE);
		transmit(fd, body, size, 0);
		expect(fd, head, sizeof(head), mask);
		expect(fd, body, size, mask);
		count_name(fd);
	}
	printf("%d requests of 16 + 0..%d random octets, all answered right, by",
	       count, BODY);
	for (i = 0; i < NAMES && names[i][0]; i++)
		printf(" %s (%d)", names[i], answers[i]);
	printf("\n");
	close(fd);
	return 0;
}
