// SPDX-License-Identifier: MPL-2.0
/*
 * Keys of CURVE. The kernel makes them: it has the cryptography already. A
 * socket that nobody else sees is asked.
 *
 * No state; any thread may call these.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/zmq.h>

#include "zl.h"

#define TEXT	41	/* a key in Z85 and its NUL */

/* A socket whose keys are made as @how says, of @secret if there is any. */
static int keys_open(int how, const char *secret)
{
	int fd = socket(zl_family(), SOCK_SEQPACKET | SOCK_CLOEXEC, ZMQ_PAIR);

	if (fd < 0) {
		/* No module, no cryptography */
		if (errno == EAFNOSUPPORT)
			errno = ENOTSUP;
		return -1;
	}
	if ((!secret || !setsockopt(fd, SOL_ZMQ, ZMQ_CURVE_SECRETKEY, secret,
				    strnlen(secret, TEXT))) &&
	    !setsockopt(fd, SOL_ZMQ, ZMQ_CURVE_KEYPAIR, &how, sizeof(how)))
		return fd;
	close(fd);
	return -1;
}

static int keys_get(int fd, int opt, char *text)
{
	socklen_t len = TEXT;

	return getsockopt(fd, SOL_ZMQ, opt, text, &len);
}

int zmq_curve_keypair(char *z85_public_key, char *z85_secret_key)
{
	int fd = keys_open(1, NULL), ret;

	if (fd < 0)
		return -1;
	ret = keys_get(fd, ZMQ_CURVE_PUBLICKEY, z85_public_key);
	if (!ret)
		ret = keys_get(fd, ZMQ_CURVE_SECRETKEY, z85_secret_key);
	close(fd);
	return ret;
}

int zmq_curve_public(char *z85_public_key, const char *z85_secret_key)
{
	int fd = keys_open(0, z85_secret_key), ret;

	if (fd < 0)
		return -1;
	ret = keys_get(fd, ZMQ_CURVE_PUBLICKEY, z85_public_key);
	close(fd);
	return ret;
}

/**
 * zl_has_curve - can the kernel below speak CURVE
 */
bool zl_has_curve(void)
{
	int fd = keys_open(1, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
