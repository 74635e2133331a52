// SPDX-License-Identifier: GPL-2.0
/* SOCKS5: what goes to a proxy, and every way its answers can be wrong. */
#include "../../kmod/socks.h"
#include "tap.h"

static int feed(struct kzmq_socks *s, const char *p, size_t n, size_t *used)
{
	/* a copy without an octet to spare, so that reading on is noticed */
	u8 *copy = malloc(n ? n : 1);
	int ret;

	memcpy(copy, p, n);
	ret = kzmq_socks_feed(s, copy, n, used);
	free(copy);
	return ret;
}

#define FEED(s, lit, used) feed(s, lit, sizeof(lit) - 1, used)

static void start(struct kzmq_socks *s, bool auth)
{
	u8 out[KZMQ_SOCKS_START];

	CHECK_EQ(kzmq_socks_start(s, auth, out), KZMQ_SOCKS_START);
	if (auth)
		CHECK_MEM(out, sizeof(out), "\5\1\2");
	else
		CHECK_MEM(out, sizeof(out), "\5\1\0");
}

static void socks_feed__all_steps(void)
{
	struct kzmq_socks s;
	size_t used;

	start(&s, false);
	CHECK_EQ(FEED(&s, "\5\0", &used), KZMQ_SOCKS_SEND_REQ);
	CHECK_EQ(used, 2);
	CHECK_EQ(FEED(&s, "\5\0\0\1\1\2\3\4\5\6more", &used), KZMQ_SOCKS_DONE);
	CHECK_EQ(used, 10);
	CHECK_EQ(FEED(&s, "x", &used), -EPROTO);

	start(&s, true);
	CHECK_EQ(FEED(&s, "\5\2", &used), KZMQ_SOCKS_SEND_AUTH);
	CHECK_EQ(FEED(&s, "\1\0", &used), KZMQ_SOCKS_SEND_REQ);
	CHECK_EQ(FEED(&s, "\5\0\0\3\2ab\0\1", &used), KZMQ_SOCKS_DONE);
	CHECK_EQ(used, 9);
}

static void socks_feed__octet_by_octet(void)
{
	static const char all[] = "\5\2\1\0\5\0\0\4................\0\1";
	struct kzmq_socks s;
	size_t used, i;
	int ret;

	start(&s, true);
	for (i = 0; i < sizeof(all) - 1; i++) {
		ret = feed(&s, all + i, 1, &used);
		CHECK_EQ(used, 1);
		CHECK_EQ(ret, i == 1 ? KZMQ_SOCKS_SEND_AUTH :
			      i == 3 ? KZMQ_SOCKS_SEND_REQ :
			      i == sizeof(all) - 2 ? KZMQ_SOCKS_DONE :
						     KZMQ_SOCKS_MORE);
	}
	CHECK_EQ(feed(&s, "", 0, &used), KZMQ_SOCKS_MORE);
	CHECK_EQ(used, 0);
}

/* the longest name there can be */
static void socks_feed__bound(void)
{
	char reply[4 + 1 + 255 + 2] = "\5\0\0\3\xff";
	struct kzmq_socks s;
	size_t used;

	start(&s, false);
	CHECK_EQ(FEED(&s, "\5\0", &used), KZMQ_SOCKS_SEND_REQ);
	CHECK_EQ(feed(&s, reply, sizeof(reply) - 1, &used), KZMQ_SOCKS_MORE);
	CHECK_EQ(feed(&s, "\0\0", 2, &used), KZMQ_SOCKS_DONE);
	CHECK_EQ(used, 1);
}

/* any octet that is wrong ends it, and at once */
static void socks_feed__wrong(void)
{
	struct kzmq_socks s;
	size_t used;
	int auth, i;
	char c[4];

	for (auth = 0; auth < 2; auth++) {
		for (i = 0; i < 256; i++) {
			c[0] = (char)i;
			start(&s, auth);
			CHECK_EQ(feed(&s, c, 1, &used),
				 i == 5 ? KZMQ_SOCKS_MORE : -EPROTO);
			start(&s, auth);
			FEED(&s, "\5", &used);
			CHECK_EQ(feed(&s, c, 1, &used), i != 2 * auth ? -EPROTO :
				 auth ? KZMQ_SOCKS_SEND_AUTH :
					KZMQ_SOCKS_SEND_REQ);
		}
	}
	for (i = 0; i < 256; i++) {
		c[0] = (char)i;
		start(&s, true);
		FEED(&s, "\5\2", &used);
		CHECK_EQ(feed(&s, c, 1, &used),
			 i == 1 ? KZMQ_SOCKS_MORE : -EPROTO);
		start(&s, true);
		FEED(&s, "\5\2", &used);
		FEED(&s, "\1", &used);
		CHECK_EQ(feed(&s, c, 1, &used),
			 i ? -EPROTO : KZMQ_SOCKS_SEND_REQ);
		start(&s, false);
		FEED(&s, "\5\0", &used);
		FEED(&s, "\5\0\0", &used);
		CHECK_EQ(feed(&s, c, 1, &used), i == 1 || i == 3 || i == 4 ?
			 KZMQ_SOCKS_MORE : -EPROTO);
	}
}

static void socks_auth__bytes(void)
{
	u8 out[KZMQ_SOCKS_OUT_MAX], user[255];
	size_t n;

	n = kzmq_socks_auth(out, "me", 2, "word", 4);
	CHECK_MEM(out, n, "\1\2me\4word");
	n = kzmq_socks_auth(out, "me", 2, NULL, 0);
	CHECK_MEM(out, n, "\1\2me\0");
	memset(user, 'u', sizeof(user));
	CHECK_EQ(kzmq_socks_auth(out, user, 255, user, 255), sizeof(out));
}

static void socks_request__bytes(void)
{
	struct kzmq_addr a = { .family = 4, .ip = { 1, 2, 3, 4 }, .port = 258 };
	u8 out[KZMQ_SOCKS_OUT_MAX];
	size_t n;

	n = kzmq_socks_request(out, &a);
	CHECK_MEM(out, n, "\5\1\0\1\1\2\3\4\1\2");
	a.family = 6;
	n = kzmq_socks_request(out, &a);
	CHECK_MEM(out, n, "\5\1\0\4\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0\0\1\2");
	a.family = 0;
	strcpy(a.name, "host");
	n = kzmq_socks_request(out, &a);
	CHECK_MEM(out, n, "\5\1\0\3\4host\1\2");
}

int main(void)
{
	RUN(socks_feed__all_steps);
	RUN(socks_feed__octet_by_octet);
	RUN(socks_feed__bound);
	RUN(socks_feed__wrong);
	RUN(socks_auth__bytes);
	RUN(socks_request__bytes);
	return tap_done();
}
