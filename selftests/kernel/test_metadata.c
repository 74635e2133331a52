// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 90 */
/* ZMQ_METADATA: properties of our own in READY; the sizes of batches. */
#include "kselftest_harness.h"
#include "lib.h"

#include <endian.h>

static int set(int fd, const char *text)
{
	return setsockopt(fd, SOL_ZMQ, ZMQ_METADATA, text, strlen(text));
}

/* READY as it comes from a bound PAIR socket */
static size_t ready_of(int fd, unsigned char *out, size_t room)
{
	unsigned char h[9];
	__u64 size = 0;
	char ep[EP_LEN];
	int raw;

	xbind_any(fd, ep);
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	KZ_CHECK(raw_read_greeting(raw));
	KZ_CHECK(raw_read(raw, h, 2));
	if (h[0] == 4) {
		size = h[1];
	} else {
		KZ_CHECK(h[0] == 6 && raw_read(raw, h + 2, 7));
		memcpy(&size, h + 1, sizeof(size));
		size = be64toh(size);
	}
	KZ_CHECK(size <= room && raw_read(raw, out, size));
	raw_ready(raw, "PAIR", "", 0);
	xpeers(fd, 1);
	close(raw);
	xpeers(fd, 0);
	xunbind(fd, ep);
	return size;
}

#define PAIR_READY "\5READY\13Socket-Type\0\0\0\4PAIR"

TEST(on_the_wire)
{
	static const char none[] = PAIR_READY;
	static const char one[] = PAIR_READY "\3X-a\0\0\0\1b";
	static const char two[] = PAIR_READY "\3X-a\0\0\0\1b"
				  "\6X-Some\0\0\0\5:v:\n\t";
	int fd = xsocket(ZMQ_PAIR);
	unsigned char buf[256];

	EXPECT_EQ(sizeof(none) - 1, ready_of(fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(none, buf, sizeof(none) - 1));
	EXPECT_OK(set(fd, "X-a:b"));
	EXPECT_EQ(sizeof(one) - 1, ready_of(fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(one, buf, sizeof(one) - 1));
	/* of two values of a name the first counts */
	EXPECT_OK(set(fd, "X-a:other"));
	EXPECT_OK(set(fd, "X-Some::v:\n\t"));
	EXPECT_EQ(sizeof(two) - 1, ready_of(fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(two, buf, sizeof(two) - 1));
	xclose(fd);
}

TEST(bad)
{
	static const char * const text[] = {
		"", ":", "X-", "X-a", "X-a:", ":X-a", "a:b", "x-a:b", "X_a:b",
		"X:ab", " X-a:b", "X-:b",
	};
	char name[300] = "X-", buf[64];
	socklen_t len = sizeof(buf);
	int fd = xsocket(ZMQ_PAIR);
	unsigned char got[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(text); i++)
		EXPECT_ERR(EINVAL, set(fd, text[i]));
	/* names of 254 octets and no more */
	memset(name + 2, 'n', 253);
	strcpy(name + 255, ":v");
	EXPECT_ERR(EINVAL, set(fd, name));
	EXPECT_ERR(EFAULT, setsockopt(fd, SOL_ZMQ, ZMQ_METADATA, BADPTR, 10));
	EXPECT_ERR(EINVAL, setsockopt(fd, SOL_ZMQ, ZMQ_METADATA, NULL, 0));
	EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, ZMQ_METADATA, buf, &len));
	/* nothing of it is kept */
	EXPECT_EQ(sizeof(PAIR_READY) - 1, ready_of(fd, got, sizeof(got)));
	strcpy(name + 254, ":v");
	EXPECT_OK(set(fd, name));
	xclose(fd);
}

/* All properties together are bounded, and what fits the bound goes through. */
TEST(as_many_as_there_may_be)
{
	static unsigned char ready[20000];
	static char text[20000];
	int fd = xsocket(ZMQ_PAIR), peer = xsocket(ZMQ_PAIR), i;
	size_t size = sizeof(PAIR_READY) - 1;
	char ep[EP_LEN];

	memset(text, 'v', sizeof(text));
	/* one property: name, value, and five octets */
	memcpy(text, "X-0:", 4);
	EXPECT_ERR(E2BIG, setsockopt(fd, SOL_ZMQ, ZMQ_METADATA, text, 16384));
	for (i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "X-%d:0123456789", i);
		if (set(fd, text))
			break;
		size += strlen(text) + 4;
	}
	EXPECT_EQ(E2BIG, errno);
	EXPECT_LT(16384 - 25, (int)size);
	EXPECT_EQ(size, ready_of(fd, ready, sizeof(ready)));
	/* both ends at once */
	for (i = 0; i < 10000 && !set(peer, text); i++)
		snprintf(text, sizeof(text), "X-%d:0123456789", i);
	xbind_any(fd, ep);
	xconnect(peer, ep);
	xpeers(fd, 1);
	xsends(peer, "through", 0);
	EXPECT_GOT(fd, "through");
	xclose(peer);
	xclose(fd);
}

/* copied when the endpoint is made; peers without READY do not get them */
TEST(later_endpoints_only)
{
	int fd = xsocket(ZMQ_PAIR), raw;
	struct raw_frame f;
	char ep[EP_LEN];

	xbind_any(fd, ep);
	EXPECT_OK(set(fd, "X-a:b"));
	raw = raw_connect(ep);
	raw_greeting(raw, 1);
	KZ_CHECK(raw_read_greeting(raw));
	ASSERT_TRUE(raw_read_frame(raw, &f));
	EXPECT_EQ(sizeof(PAIR_READY) - 1, f.size);
	close(raw);
	xunbind(fd, ep);
	xbind_any(fd, ep);
	raw = raw_connect(ep);
	raw_write(raw, RAW_LIT("\1\0"));
	EXPECT_TRUE(raw_expect(raw, RAW_LIT("\xff\0\0\0\0\0\0\0\1\x7f")));
	xpeers(fd, 1);
	EXPECT_TRUE(raw_open(raw));
	close(raw);
	xclose(fd);
}

TEST(batch_sizes)
{
	static const int opt[] = { ZMQ_IN_BATCH_SIZE, ZMQ_OUT_BATCH_SIZE };
	int type, fd, i, pair[2];

	for (type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
		fd = xsocket(type);
		for (i = 0; i < 2; i++) {
			EXPECT_EQ(8192, zget(fd, opt[i]));
			EXPECT_ERR(EINVAL, zset(fd, opt[i], 0));
			EXPECT_ERR(EINVAL, zset(fd, opt[i], -1));
			EXPECT_EQ(8192, zget(fd, opt[i]));
			EXPECT_OK(zset(fd, opt[i], 1));
			EXPECT_EQ(1, zget(fd, opt[i]));
			EXPECT_OK(zset(fd, opt[i], 0x7fffffff));
			EXPECT_EQ(0x7fffffff, zget(fd, opt[i]));
		}
		xclose(fd);
	}
	/* hints: whatever they say, messages go through */
	pair[0] = xsocket(ZMQ_PULL);
	pair[1] = xsocket(ZMQ_PUSH);
	for (i = 0; i < 2; i++) {
		char ep[EP_LEN];

		xset(pair[0], ZMQ_IN_BATCH_SIZE, i ? 0x7fffffff : 1);
		xset(pair[1], ZMQ_OUT_BATCH_SIZE, i ? 0x7fffffff : 1);
		xbind_any(pair[0], ep);
		xconnect(pair[1], ep);
		xsendv(pair[1], "a", "b", NULL);
		EXPECT_GOT(pair[0], "a", "b");
		xdisconnect(pair[1], ep);
	}
	xclose(pair[0]);
	xclose(pair[1]);
}

ZMQ_HARNESS_MAIN
