// SPDX-License-Identifier: GPL-2.0
/*
 * ipc://: octets are taken in the context of the process that sends them, which
 * may hold locks of its own, and may have gone when there is room for them.
 */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/un.h>

#define MESSAGES	300
/* so many short ones find room on their way */
#define UNREAD		100

static int unix_peer(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path + 1, name);
	KZ_CHECK(fd >= 0);
	KZ_CHECK(!connect(fd, (struct sockaddr *)&sun,
			  offsetof(struct sockaddr_un, sun_path) + 1 +
			  strlen(name)));
	return fd;
}

struct flow {
	int fd;
	const char *text;
	pthread_t thread;
};

static void *flow_send(void *arg)
{
	struct flow *f = arg;
	int i;

	for (i = 0; i < MESSAGES; i++)
		if (send(f->fd, f->text, strlen(f->text), 0) < 0)
			KZ_DIE("send");
	return NULL;
}

static void *flow_recv(void *arg)
{
	struct flow *f = arg;
	char buf[16];
	int i;

	for (i = 0; i < MESSAGES; i++)
		if (recv(f->fd, buf, sizeof(buf), 0) != (ssize_t)strlen(f->text))
			KZ_DIE("recv");
	return NULL;
}

/* both ends send at a time, and each reads for the other */
TEST(both_send_at_once)
{
	struct flow f[4];
	int fd[2], i;

	fd[0] = xsocket(ZMQ_DEALER);
	fd[1] = xsocket(ZMQ_DEALER);
	xbind(fd[0], "ipc://@kzmq-both");
	xconnect(fd[1], "ipc://@kzmq-both");
	for (i = 0; i < 4; i++) {
		/* one sends "a" to the other, who answers with "bb" at will */
		f[i].fd = fd[i % 2];
		f[i].text = i == 0 || i == 3 ? "a" : "bb";
		KZ_CHECK(!pthread_create(&f[i].thread, NULL,
					 i < 2 ? flow_send : flow_recv, &f[i]));
	}
	for (i = 0; i < 4; i++)
		KZ_CHECK(!pthread_join(f[i].thread, NULL));
	EXPECT_QUIET(fd[0]);
	EXPECT_QUIET(fd[1]);
}

/*
 * A peer that leaves with something unread resets the connection. What it had
 * said before counts, though there was no room for it then.
 */
TEST(all_that_came_before_a_reset)
{
	int dealer = xsocket(ZMQ_DEALER), raw, i;
	char buf[8];

	xset(dealer, ZMQ_RCVHWM, 1);
	xbind(dealer, "ipc://@kzmq-reset");
	raw = unix_peer("kzmq-reset");
	ASSERT_TRUE(raw_handshake(raw, 1, "DEALER", "DEALER"));
	xpeers(dealer, 1);
	xsends(dealer, "nobody reads this", 0);
	for (i = 0; i < UNREAD; i++)
		raw_frame(raw, 0, &i, sizeof(i));
	close(raw);
	for (i = 0; i < UNREAD; i++) {
		ASSERT_EQ(4, recv(dealer, buf, sizeof(buf), 0));
		EXPECT_EQ(0, memcmp(buf, &i, 4));
	}
	xpeers(dealer, 0);
	EXPECT_QUIET(dealer);
}

/* what was taken from the queue and has no place yet counts as the sender's */
TEST(sender_is_held_back)
{
	static const char part[60000];
	int pull = xsocket(ZMQ_PULL), raw, i, sent = 0;
	static char buf[sizeof(part)];

	xset(pull, ZMQ_RCVHWM, 1);
	xbind(pull, "ipc://@kzmq-held");
	raw = unix_peer("kzmq-held");
	ASSERT_TRUE(raw_handshake(raw, 1, "PUSH", "PULL"));
	xpeers(pull, 1);
	/* a frame that is longer than all the queues can hold, and the next */
	raw_frame_long(raw, 2, sizeof(part) * 20ull);
	for (i = 0; i < 20; i++)
		raw_write(raw, part, sizeof(part));
	raw_frame_long(raw, 2, sizeof(part) * 20ull);
	for (i = 0; i < 20 && sent >= 0; i++) {
		sent = send(raw, part, sizeof(part), MSG_DONTWAIT);
		if (sent > 0 && sent < (int)sizeof(part))
			break;
	}
	EXPECT_GT(20, i);
	ASSERT_EQ(sizeof(part) * 20,
		  recv(pull, buf, sizeof(buf), MSG_TRUNC));
	close(raw);
	xpeers(pull, 0);
	EXPECT_QUIET(pull);
}

ZMQ_HARNESS_MAIN
