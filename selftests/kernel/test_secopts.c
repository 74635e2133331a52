// SPDX-License-Identifier: GPL-2.0
/*
 * Options of security: what they take, which of them decides, and who may read
 * what is secret.
 */
#include "kselftest_harness.h"
#include "lib.h"

#define KEY		32
#define KEY_TEXT	40

static int set(int fd, int opt, const void *val, socklen_t len)
{
	return setsockopt(fd, SOL_ZMQ, opt, val, len);
}

/* The text with its NUL is in @buf; octets without it, or -1 */
static int get_text(int fd, int opt, char *buf, socklen_t room)
{
	socklen_t len = room;

	memset(buf, 'x', room);
	if (getsockopt(fd, SOL_ZMQ, opt, buf, &len))
		return -1;
	if (!len || buf[len - 1])
		KZ_DIE("option %d: no NUL", opt);
	return len - 1;
}

static bool text_is(int fd, int opt, const char *want)
{
	char buf[300];

	return get_text(fd, opt, buf, sizeof(buf)) == (int)strlen(want) &&
	       !strcmp(buf, want);
}

static bool have_curve(void)
{
	int fd = xsocket(ZMQ_PULL), err = zset(fd, ZMQ_CURVE_SERVER, 0);

	if (err && errno != EOPNOTSUPP)
		KZ_DIE("CURVE_SERVER: %s", strerror(errno));
	xclose(fd);
	return !err;
}

#define NEED_CURVE()							\
	do {								\
		if (!have_curve())					\
			SKIP(return, "the module has no CURVE");	\
	} while (0)

/* ---- texts ---- */

static const int texts[] = {
	ZMQ_PLAIN_USERNAME, ZMQ_PLAIN_PASSWORD, ZMQ_ZAP_DOMAIN,
};

TEST(texts_of_all_lengths)
{
	static const socklen_t good[] = { 1, 2, 100, 254, 255 };
	static const socklen_t bad[] = { 256, 257, 1024 };
	char val[1024], got[1024];
	size_t i, k;
	int fd;

	fill(val, sizeof(val), 3);
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		fd = xsocket(ZMQ_DEALER);
		EXPECT_TRUE(text_is(fd, texts[i], ""));
		for (k = 0; k < ARRAY_SIZE(good); k++) {
			EXPECT_OK(set(fd, texts[i], val, good[k]));
			EXPECT_EQ(good[k], get_text(fd, texts[i], got, 256));
			EXPECT_EQ(0, memcmp(val, got, good[k]));
		}
		for (k = 0; k < ARRAY_SIZE(bad); k++)
			EXPECT_ERR(EINVAL, set(fd, texts[i], val, bad[k]));
		EXPECT_ERR(EFAULT, set(fd, texts[i], BADPTR, 3));
		/* what was set last stays; it needs room for the NUL */
		EXPECT_EQ(255, get_text(fd, texts[i], got, 256));
		EXPECT_EQ(-1, get_text(fd, texts[i], got, 255));
		EXPECT_EQ(EINVAL, errno);
		/* a shorter one leaves nothing of a longer one */
		EXPECT_OK(set(fd, texts[i], "ab", 2));
		EXPECT_TRUE(text_is(fd, texts[i], "ab"));
		xclose(fd);
	}
}

TEST(no_domain)
{
	int fd = xsocket(ZMQ_DEALER);

	EXPECT_OK(set(fd, ZMQ_ZAP_DOMAIN, "global", 6));
	EXPECT_EQ(ZMQ_NULL, zget(fd, ZMQ_MECHANISM));
	EXPECT_OK(set(fd, ZMQ_ZAP_DOMAIN, NULL, 0));
	EXPECT_TRUE(text_is(fd, ZMQ_ZAP_DOMAIN, ""));
	xclose(fd);
}

TEST(enforcing_takes_any_number)
{
	int fd = xsocket(ZMQ_DEALER);

	EXPECT_EQ(0, zget(fd, ZMQ_ZAP_ENFORCE_DOMAIN));
	EXPECT_OK(zset(fd, ZMQ_ZAP_ENFORCE_DOMAIN, -5));
	EXPECT_EQ(1, zget(fd, ZMQ_ZAP_ENFORCE_DOMAIN));
	EXPECT_OK(zset(fd, ZMQ_ZAP_ENFORCE_DOMAIN, 0));
	EXPECT_EQ(0, zget(fd, ZMQ_ZAP_ENFORCE_DOMAIN));
	xclose(fd);
}

/* ---- which option decides ---- */

static bool is(int fd, int mechanism, bool server)
{
	int plain = zget(fd, ZMQ_PLAIN_SERVER);
	int curve = zget(fd, ZMQ_CURVE_SERVER);
	int got = zget(fd, ZMQ_MECHANISM);

	if (got == mechanism && plain == (server && mechanism == ZMQ_PLAIN) &&
	    curve == (server && mechanism == ZMQ_CURVE))
		return true;
	fprintf(stderr, "# mechanism %d, servers %d %d\n", got, plain, curve);
	return false;
}

TEST(plain_decides)
{
	int fd = xsocket(ZMQ_DEALER);

	EXPECT_TRUE(is(fd, ZMQ_NULL, false));
	EXPECT_OK(zset(fd, ZMQ_PLAIN_SERVER, 1));
	EXPECT_TRUE(is(fd, ZMQ_PLAIN, true));
	/* who tells a name is no server */
	EXPECT_OK(set(fd, ZMQ_PLAIN_USERNAME, "me", 2));
	EXPECT_TRUE(is(fd, ZMQ_PLAIN, false));
	EXPECT_OK(zset(fd, ZMQ_PLAIN_SERVER, 1));
	EXPECT_OK(set(fd, ZMQ_PLAIN_PASSWORD, "secret", 6));
	EXPECT_TRUE(is(fd, ZMQ_PLAIN, false));
	EXPECT_OK(zset(fd, ZMQ_PLAIN_SERVER, 0));
	EXPECT_TRUE(is(fd, ZMQ_NULL, false));
	/* a password alone will do */
	EXPECT_OK(set(fd, ZMQ_PLAIN_PASSWORD, "secret", 6));
	EXPECT_TRUE(is(fd, ZMQ_PLAIN, false));
	EXPECT_OK(set(fd, ZMQ_PLAIN_USERNAME, NULL, 0));
	EXPECT_TRUE(is(fd, ZMQ_NULL, false));
	EXPECT_OK(set(fd, ZMQ_PLAIN_USERNAME, "you", 3));
	EXPECT_TRUE(is(fd, ZMQ_PLAIN, false));
	EXPECT_OK(set(fd, ZMQ_PLAIN_PASSWORD, "", 0));
	EXPECT_TRUE(is(fd, ZMQ_NULL, false));
	/* a domain names no mechanism */
	EXPECT_OK(zset(fd, ZMQ_PLAIN_SERVER, 1));
	EXPECT_OK(set(fd, ZMQ_ZAP_DOMAIN, "d", 1));
	EXPECT_OK(zset(fd, ZMQ_ZAP_ENFORCE_DOMAIN, 1));
	EXPECT_TRUE(is(fd, ZMQ_PLAIN, true));
	xclose(fd);
}

/* What is refused changes nothing. */
TEST(refused_options_do_not_decide)
{
	int fd = xsocket(ZMQ_DEALER);
	char val[256] = { 0 };

	EXPECT_OK(zset(fd, ZMQ_PLAIN_SERVER, 1));
	EXPECT_ERR(EINVAL, set(fd, ZMQ_PLAIN_USERNAME, val, 256));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_PLAIN_SERVER, 2));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_MECHANISM, ZMQ_NULL));
	EXPECT_EQ(-1, set(fd, ZMQ_CURVE_SECRETKEY, val, 31));
	EXPECT_EQ(-1, set(fd, ZMQ_CURVE_SERVERKEY, val, 42));
	EXPECT_TRUE(is(fd, ZMQ_PLAIN, true));
	xclose(fd);
}

TEST(curve_decides)
{
	int fd = xsocket(ZMQ_DEALER);
	char key[KEY] = { 1 };

	NEED_CURVE();
	EXPECT_OK(zset(fd, ZMQ_CURVE_SERVER, 1));
	EXPECT_TRUE(is(fd, ZMQ_CURVE, true));
	/* keys of one's own belong to either side */
	EXPECT_OK(set(fd, ZMQ_CURVE_PUBLICKEY, key, KEY));
	EXPECT_OK(set(fd, ZMQ_CURVE_SECRETKEY, key, KEY));
	EXPECT_TRUE(is(fd, ZMQ_CURVE, true));
	/* that of the server to a client */
	EXPECT_OK(set(fd, ZMQ_CURVE_SERVERKEY, key, KEY));
	EXPECT_TRUE(is(fd, ZMQ_CURVE, false));
	EXPECT_OK(zset(fd, ZMQ_PLAIN_SERVER, 1));
	EXPECT_TRUE(is(fd, ZMQ_PLAIN, true));
	/* the role stays, the mechanism is that of the key */
	EXPECT_OK(set(fd, ZMQ_CURVE_SECRETKEY, key, KEY));
	EXPECT_TRUE(is(fd, ZMQ_CURVE, true));
	EXPECT_OK(zset(fd, ZMQ_CURVE_SERVER, 0));
	EXPECT_TRUE(is(fd, ZMQ_NULL, false));
	xclose(fd);
}

/* ---- keys ---- */

/* A key in both forms */
static const unsigned char some_key[KEY] = {
	0x8e, 0x0b, 0xdd, 0x69, 0x76, 0x28, 0xb9, 0x1d,
	0x8f, 0x24, 0x55, 0x87, 0xee, 0x95, 0xc5, 0xb0,
	0x4d, 0x48, 0x96, 0x3f, 0x79, 0x25, 0x98, 0x77,
	0xb4, 0x9c, 0xd9, 0x06, 0x3a, 0xea, 0xd3, 0xb7,
};

static const char some_text[] = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

static const int keys[] = {
	ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY, ZMQ_CURVE_SERVERKEY,
};

static bool key_is(int fd, int opt, const void *key, const char *text)
{
	char buf[KEY_TEXT + 2];
	socklen_t len = KEY;

	memset(buf, 'x', sizeof(buf));
	if (getsockopt(fd, SOL_ZMQ, opt, buf, &len) || len != KEY ||
	    memcmp(buf, key, KEY) || buf[KEY] != 'x')
		return false;
	len = KEY_TEXT + 1;
	return !getsockopt(fd, SOL_ZMQ, opt, buf, &len) &&
	       len == KEY_TEXT + 1 && !strcmp(buf, text);
}

TEST(keys_in_each_form)
{
	static const char zeros[KEY];
	static const char ones[] = "%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0";
	unsigned char all[KEY];
	char text[KEY_TEXT + 1];
	size_t i;
	int fd;

	NEED_CURVE();
	memset(all, 0xff, sizeof(all));
	memset(text, '0', KEY_TEXT);
	text[KEY_TEXT] = '\0';
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		fd = xsocket(ZMQ_DEALER);
		EXPECT_TRUE(key_is(fd, keys[i], zeros, text));
		EXPECT_OK(set(fd, keys[i], some_key, KEY));
		EXPECT_TRUE(key_is(fd, keys[i], some_key, some_text));
		EXPECT_OK(set(fd, keys[i], text, KEY_TEXT));
		EXPECT_TRUE(key_is(fd, keys[i], zeros, text));
		EXPECT_OK(set(fd, keys[i], some_text, KEY_TEXT + 1));
		EXPECT_TRUE(key_is(fd, keys[i], some_key, some_text));
		EXPECT_OK(set(fd, keys[i], ones, KEY_TEXT));
		EXPECT_TRUE(key_is(fd, keys[i], all, ones));
		xclose(fd);
	}
}

/* A pair made here, and the other half of one that was not */
TEST(keypairs)
{
	char pub[2][KEY], sec[2][KEY], zeros[KEY] = { 0 };
	int fd = xsocket(ZMQ_DEALER), i, val;
	socklen_t len;

	NEED_CURVE();
	for (i = 0; i < 2; i++) {
		EXPECT_OK(zset(fd, ZMQ_CURVE_KEYPAIR, 1));
		len = KEY;
		EXPECT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_CURVE_PUBLICKEY, pub[i],
				     &len));
		EXPECT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_CURVE_SECRETKEY, sec[i],
				     &len));
		EXPECT_NE(0, memcmp(sec[i], zeros, KEY));
	}
	EXPECT_NE(0, memcmp(sec[0], sec[1], KEY));
	EXPECT_NE(0, memcmp(pub[0], pub[1], KEY));
	EXPECT_EQ(ZMQ_CURVE, zget(fd, ZMQ_MECHANISM));
	EXPECT_OK(set(fd, ZMQ_CURVE_SECRETKEY, sec[0], KEY));
	EXPECT_OK(set(fd, ZMQ_CURVE_PUBLICKEY, zeros, KEY));
	EXPECT_OK(zset(fd, ZMQ_CURVE_KEYPAIR, 0));
	len = KEY;
	EXPECT_OK(getsockopt(fd, SOL_ZMQ, ZMQ_CURVE_PUBLICKEY, pub[1], &len));
	EXPECT_EQ(0, memcmp(pub[0], pub[1], KEY));
	EXPECT_ERR(EINVAL, zset(fd, ZMQ_CURVE_KEYPAIR, 2));
	len = sizeof(val);
	EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, ZMQ_CURVE_KEYPAIR, &val,
				      &len));
	xclose(fd);
}

TEST(keys_that_are_none)
{
	static const char * const bad[] = {
		/* too much for four octets, and digits that are none */
		"%nSc1%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0",
		"00000000000000000000000000000000000#####",
		"000000000000000000000000000000000000000\"",
		" 000000000000000000000000000000000000000",
		"0000000000000000000~00000000000000000000",
		"0000000000000000000\xff" "00000000000000000000",
	};
	static const socklen_t lengths[] = { 0, 1, 31, 33, 39, 42, 64, 1024 };
	char buf[1024];
	socklen_t len;
	size_t i, k;
	int fd;

	NEED_CURVE();
	memset(buf, '0', sizeof(buf));
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		fd = xsocket(ZMQ_DEALER);
		EXPECT_OK(set(fd, keys[i], some_key, KEY));
		for (k = 0; k < ARRAY_SIZE(bad); k++)
			EXPECT_ERR(EINVAL, set(fd, keys[i], bad[k], KEY_TEXT));
		/* the 41st octet has to be a NUL */
		EXPECT_ERR(EINVAL, set(fd, keys[i], buf, KEY_TEXT + 1));
		for (k = 0; k < ARRAY_SIZE(lengths); k++)
			EXPECT_ERR(EINVAL, set(fd, keys[i], buf, lengths[k]));
		EXPECT_ERR(EFAULT, set(fd, keys[i], BADPTR, KEY));
		EXPECT_TRUE(key_is(fd, keys[i], some_key, some_text));
		for (k = 0; k < ARRAY_SIZE(lengths); k++) {
			len = lengths[k];
			EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, keys[i],
						      buf, &len));
		}
		len = KEY_TEXT;
		EXPECT_ERR(EINVAL, getsockopt(fd, SOL_ZMQ, keys[i], buf, &len));
		xclose(fd);
	}
}

/* ---- who may read ---- */

static int read_secret(int fd, int opt)
{
	char buf[256];
	socklen_t len = opt == ZMQ_CURVE_SECRETKEY ? KEY : sizeof(buf);

	return getsockopt(fd, SOL_ZMQ, opt, buf, &len) ? errno : 0;
}

/* As somebody else, without capabilities. 0 or what is not as it should be */
static int read_as(int fd, uid_t uid, int want, bool curve)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			_exit(1);
		if (read_secret(fd, ZMQ_PLAIN_PASSWORD) != want)
			_exit(2);
		if (curve && read_secret(fd, ZMQ_CURVE_SECRETKEY) != want)
			_exit(3);
		/* that is no secret */
		if (!text_is(fd, ZMQ_PLAIN_USERNAME, "me"))
			_exit(4);
		_exit(0);
	}
	KZ_CHECK(wait_exit(pid, &status, KZ_WAIT_MS));
	return status;
}

TEST(secrets_are_their_makers)
{
	int fd = xsocket(ZMQ_DEALER);
	bool curve = have_curve();

	xset_text(fd, ZMQ_PLAIN_USERNAME, "me");
	xset_text(fd, ZMQ_PLAIN_PASSWORD, "secret");
	if (curve)
		EXPECT_OK(set(fd, ZMQ_CURVE_SECRETKEY, some_key, KEY));
	EXPECT_EQ(0, read_secret(fd, ZMQ_PLAIN_PASSWORD));
	EXPECT_EQ(0, read_as(fd, 1000, EPERM, curve));
	EXPECT_EQ(0, read_as(fd, 0, 0, curve));
	/* root lets go of all: the socket it made is not its any more */
	EXPECT_EQ(0, read_as(fd, 65534, EPERM, curve));
	xclose(fd);
}

/* One's own socket without a capability, and root's look at it with one */
TEST(capability_reads_secrets)
{
	int pair[2], fd, status;
	char data[CMSG_SPACE(sizeof(int))] = { 0 }, c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = data, .msg_controllen = sizeof(data),
	};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	pid_t pid;

	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (!pid) {
		if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
			_exit(1);
		fd = xsocket(ZMQ_DEALER);
		xset_text(fd, ZMQ_PLAIN_PASSWORD, "secret");
		if (read_secret(fd, ZMQ_PLAIN_PASSWORD))
			_exit(2);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
		_exit(sendmsg(pair[1], &m, 0) == 1 ? 0 : 3);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	ASSERT_EQ(0, status);
	ASSERT_EQ(1, recvmsg(pair[0], &m, 0));
	memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	EXPECT_TRUE(text_is(fd, ZMQ_PLAIN_PASSWORD, "secret"));
	xclose(fd);
}

/* ---- endpoints ---- */

/* An endpoint keeps what was set when it was made. */
TEST(endpoints_keep_their_options)
{
	int fd = xsocket(ZMQ_PULL), raw;
	char plain[EP_LEN], null[EP_LEN];

	xset(fd, ZMQ_PLAIN_SERVER, 1);
	xbind_any(fd, plain);
	xset(fd, ZMQ_PLAIN_SERVER, 0);
	xbind_any(fd, null);
	raw = raw_connect(plain);
	raw_greeting_of(raw, 1, "PLAIN");
	EXPECT_TRUE(raw_read_greeting_of(raw, "PLAIN", true));
	close(raw);
	raw = raw_connect(null);
	EXPECT_TRUE(raw_handshake(raw, 1, "PUSH", "PULL"));
	close(raw);
	xclose(fd);
}

TEST(inproc_has_no_mechanism)
{
	int a = xsocket(ZMQ_PULL), b = xsocket(ZMQ_PUSH);

	xset(a, ZMQ_PLAIN_SERVER, 1);
	xset_text(b, ZMQ_ZAP_DOMAIN, "d");
	xbind(a, "inproc://x");
	xconnect(b, "inproc://x");
	xsends(b, "through", 0);
	EXPECT_GOT(a, "through");
	xclose(a);
	xclose(b);
}

ZMQ_HARNESS_MAIN
