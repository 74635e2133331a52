// SPDX-License-Identifier: GPL-2.0
/*
 * A connection that ends while it is being started: its handshake has but a
 * millisecond, and whoever starts it has to share the CPU with others.
 */
#include "kselftest_harness.h"
#include "lib.h"

#define SOCKETS		40
#define HOGS		6
#define RUN_MS		6000
#define TIMEOUTS	20

static volatile bool stop;

static void *hog(void *arg)
{
	while (!stop)
		;
	return arg;
}

TEST(handshake_time_runs_out_at_once)
{
	long long end = kz_now_ms() + RUN_MS;
	pthread_t t[HOGS];
	char ep[EP_LEN];
	int fd[SOCKETS], i, l;

	own_netns();
	l = raw_listen(ep);
	for (i = 0; i < HOGS; i++)
		KZ_CHECK(!pthread_create(&t[i], NULL, hog, NULL));
	for (i = 0; i < SOCKETS; i++) {
		fd[i] = xsocket(ZMQ_PUSH);
		xset(fd[i], ZMQ_HANDSHAKE_IVL, 1);
		xset(fd[i], ZMQ_RECONNECT_IVL, 1);
		xconnect(fd[i], ep);
	}
	/* accepted or not, nobody answers */
	while (kz_now_ms() < end || mib("HandshakeTimeouts") < TIMEOUTS) {
		KZ_CHECK(kz_now_ms() < end + kz_ms(2 * KZ_WAIT_MS));
		fcntl(l, F_SETFL, O_NONBLOCK);
		i = accept(l, NULL, NULL);
		if (i >= 0)
			close(i);
		else
			poll(NULL, 0, 1);
	}
	stop = true;
	for (i = 0; i < HOGS; i++)
		pthread_join(t[i], NULL);
	printf("# %ld connections begun, %ld ran out of time\n", mib("Connects"),
	       mib("HandshakeTimeouts"));
	for (i = 0; i < SOCKETS; i++)
		xclose(fd[i]);
	xclose(l);
}

ZMQ_HARNESS_MAIN
