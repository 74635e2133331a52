// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/*
 * The security record of libzmq, as far as mechanisms are concerned: nobody comes
 * in, and nobody is told anything, because he is too old to know of them. The
 * other holes of mechanisms need a peer that knows CURVE; see ../SECURITY.md.
 */
#include "kselftest_harness.h"
#include "lib.h"

#define SIG	"\xff\0\0\0\0\0\0\0\1\x7f"

/* What said hello before there were mechanisms, and a message behind it */
static const struct {
	const char *data;
	size_t len;
} old[] = {
	{ RAW_LIT(SIG "\1\x8\0\0\0\4evil") },
	{ RAW_LIT(SIG "\1\7\0\0\0\4evil") },
	{ RAW_LIT(SIG "\0\x8\1\0\5\0evil") },
	{ RAW_LIT("\1\0\5\0evil") },
	{ RAW_LIT("\xff\0\0\0\0\0\0\0\1\0\5\0evil") },
};

/* The options that ask for a mechanism, or for somebody to judge */
static const char key[32] = { 1 };
static const int on = 1;

static const struct ask {
	const char *name;
	int opt;
	const void *val;
	size_t len;
} asks[] = {
	{ "PLAIN, server", ZMQ_PLAIN_SERVER, &on, sizeof(on) },
	{ "PLAIN, client", ZMQ_PLAIN_USERNAME, "secret", 6 },
	{ "a domain", ZMQ_ZAP_DOMAIN, "secret", 6 },
	{ "CURVE, server", ZMQ_CURVE_SERVER, &on, sizeof(on) },
	{ "CURVE, client", ZMQ_CURVE_SERVERKEY, key, sizeof(key) },
};

/* -1: this kernel has no CURVE */
static int socket_with(int type, const struct ask *a)
{
	int fd = xsocket(type);

	if (!setsockopt(fd, SOL_ZMQ, a->opt, a->val, a->len))
		return fd;
	KZ_CHECK(errno == EOPNOTSUPP);
	xclose(fd);
	return -1;
}

/*
 * libzmq up to 4.0.4: who greeted a socket with CURVE or PLAIN as ZMTP 2 or 1 was
 * let in, with whatever stood behind the greeting.
 */
TEST(cve_2014_7202_downgrade)
{
	char ep[EP_LEN];
	size_t i, k;
	int fd, raw;
	long bad;

	own_netns();
	for (k = 0; k < ARRAY_SIZE(asks); k++) {
		fd = socket_with(ZMQ_PULL, &asks[k]);
		if (fd < 0)
			continue;
		xbind_any(fd, ep);
		bad = mib("BadGreeting");
		for (i = 0; i < ARRAY_SIZE(old); i++) {
			raw = raw_connect(ep);
			raw_try_write(raw, old[i].data, old[i].len);
			EXPECT_TRUE(raw_closed(raw)) {
				TH_LOG("%s, greeting %zu", asks[k].name, i);
			}
			xclose(raw);
		}
		EXPECT_EQ(bad + (long)ARRAY_SIZE(old), mib("BadGreeting"));
		EXPECT_QUIET(fd);
		xpeers(fd, 0);
		xclose(fd);
	}
}

/* All that a socket says to a peer until it hangs up */
static ssize_t all_said(int raw, char *buf, size_t size)
{
	struct pollfd p = { .fd = raw, .events = POLLIN };
	size_t got = 0;
	ssize_t n;

	while (got < size && poll(&p, 1, kz_ms(KZ_WAIT_MS)) > 0) {
		n = recv(raw, buf + got, size - got, 0);
		if (n <= 0)
			return got;
		got += n;
	}
	return -1;
}

/*
 * libzmq up to 4.0.5, the other way round too: a socket that has a mechanism took
 * its peer's word for an older version, and told it what it had to say. Here the
 * one that connects hangs up after its greeting, without its messages or a password.
 */
TEST(cve_2014_9721_downgrade)
{
	char ep[EP_LEN], said[512];
	size_t i, k;
	ssize_t n;
	int fd, l, raw;

	own_netns();
	l = raw_listen(ep);
	for (k = 0; k < ARRAY_SIZE(asks); k++) {
		for (i = 0; i < ARRAY_SIZE(old); i++) {
			fd = socket_with(ZMQ_PUSH, &asks[k]);
			if (fd < 0)
				break;
			xset(fd, ZMQ_RECONNECT_IVL, 60000);
			xset(fd, ZMQ_LINGER, 0);
			xconnect(fd, ep);
			raw = raw_accept(l);
			xsends(fd, "secret", MSG_DONTWAIT);
			raw_try_write(raw, old[i].data, old[i].len);
			n = all_said(raw, said, sizeof(said));
			EXPECT_LT(0, n);
			EXPECT_GE(64, n) {
				TH_LOG("%s, greeting %zu", asks[k].name, i);
			}
			EXPECT_EQ(NULL, memmem(said, n < 0 ? 0 : n, "secret", 6));
			xpeers(fd, 0);
			xclose(raw);
			xclose(fd);
		}
	}
	xclose(l);
}

ZMQ_HARNESS_MAIN
