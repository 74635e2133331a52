// SPDX-License-Identifier: GPL-2.0
/* MODULE: none */
/* The module is loaded with parameters, good and bad. */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/syscall.h>

static int load(const char *args)
{
	int fd = open("/zmq/zmq.ko", O_RDONLY | O_CLOEXEC), ret;

	KZ_CHECK(fd >= 0);
	ret = syscall(SYS_finit_module, fd, args, 0);
	close(fd);
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "zmq", O_NONBLOCK);
}

static bool is_loaded(void)
{
	return !access("/sys/module/zmq/parameters/family", F_OK);
}

TEST(families_that_cannot_be)
{
	EXPECT_ERR(EINVAL, load("family=0"));
	EXPECT_ERR(EINVAL, load("family=-1"));
	EXPECT_ERR(EINVAL, load("family=1000"));
	EXPECT_FALSE(is_loaded());
}

/* all that was set up before is taken down again */
TEST(family_in_use)
{
	char arg[32];
	int i;

	snprintf(arg, sizeof(arg), "family=%d", AF_INET);
	for (i = 0; i < 3; i++)
		EXPECT_ERR(EEXIST, load(arg));
	EXPECT_FALSE(is_loaded());
	EXPECT_NE(0, access("/proc/net/zmq", F_OK));
	EXPECT_NE(0, access("/proc/sys/net/zmq", F_OK));
}

TEST(another_family)
{
	int fd;

	ASSERT_OK(load("family=23"));
	ASSERT_TRUE(is_loaded());
	EXPECT_ERR(EAFNOSUPPORT, socket(AF_ZMQ, SOCK_SEQPACKET, ZMQ_PULL));
	fd = socket(23, SOCK_SEQPACKET, ZMQ_PULL);
	EXPECT_LE(0, fd);
	EXPECT_ERR(EWOULDBLOCK, unload());
	close(fd);
	/* the last of a socket goes after close() has returned */
	while (unload())
		ASSERT_EQ(EWOULDBLOCK, errno);
	EXPECT_FALSE(is_loaded());
}

ZMQ_HARNESS_MAIN
