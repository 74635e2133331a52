// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* Connections that end while they are being let in, or made. */
#include "kselftest_harness.h"
#include "lib.h"

#define ROUNDS	kz_less(300)
#define THREADS	3

static void reset(int raw)
{
	struct linger lin = { .l_onoff = 1 };

	setsockopt(raw, SOL_SOCKET, SO_LINGER, &lin, sizeof(lin));
	close(raw);
}

static void *come_and_go(void *ep)
{
	int i, raw;

	for (i = 0; i < ROUNDS; i++) {
		raw = raw_connect(ep);
		if (i % 2)
			reset(raw);
		else
			close(raw);
	}
	return NULL;
}

static void churn(struct __test_metadata *_metadata, int ivl)
{
	pthread_t thread[THREADS];
	int fd, good, i;
	char ep[EP_LEN];

	own_netns();
	fd = xsocket(ZMQ_PULL);
	good = xsocket(ZMQ_PUSH);
	xbind_any(fd, ep);
	xconnect(good, ep);
	xpeers(fd, 1);
	/* for endpoints yet to come */
	xset(fd, ZMQ_HANDSHAKE_IVL, ivl);
	xbind_any(fd, ep);
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, come_and_go, ep));
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
	EXPECT_TRUE(wait_mib("Accepts", ROUNDS + 1));
	EXPECT_TRUE(wait_peers(fd, 1, KZ_WAIT_MS));
	xsends(good, "undisturbed", 0);
	EXPECT_GOT(fd, "undisturbed");
	xclose(good);
	xclose(fd);
}

/* found by test_hostile: the end came before the start was through */
KZ_TEST_TIMEOUT(gone_as_soon_as_there, 60)
{
	churn(_metadata, 0);
}

/* the time limit is over at any moment of the start */
KZ_TEST_TIMEOUT(late_as_soon_as_there, 60)
{
	churn(_metadata, 1);
}

/* A greeting and READY, for who may leave at any moment; false: he did. */
static bool greet(int raw)
{
	static const char all[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL";

	return raw_try_write(raw, all, sizeof(all)) && raw_read_greeting(raw) &&
	       raw_try_write(raw, RAW_LIT("\4\32\5READY\13Socket-Type"
					  "\0\0\0\4PULL"));
}

/* the same to one who connects */
KZ_TEST_TIMEOUT(refused_as_soon_as_connected, 60)
{
	int l, i, push, raw;
	char ep[EP_LEN];

	own_netns();
	l = raw_listen(ep);
	push = xsocket(ZMQ_PUSH);
	xset(push, ZMQ_RECONNECT_IVL, 1);
	xset(push, ZMQ_HANDSHAKE_IVL, 1);
	xconnect(push, ep);
	for (i = 0; i < ROUNDS; i++)
		reset(raw_accept(l));
	xset(push, ZMQ_HANDSHAKE_IVL, 0);
	xconnect(push, ep);
	/* of the old and the new endpoint one has patience */
	for (;;) {
		raw = raw_accept(l);
		if (greet(raw) && wait_peers(push, 1, 200))
			break;
		close(raw);
	}
	EXPECT_LE(ROUNDS, mib("Connects"));
	xclose(raw);
	xclose(push);
	xclose(l);
}

ZMQ_HARNESS_MAIN
