// SPDX-License-Identifier: MPL-2.0
/*
 * Monitors: the kernel has them, with the messages that libzmq sends.
 *
 * No locks; any thread.
 */
#include <string.h>
#include <sys/socket.h>

#include <linux/zmq.h>

#include "zl.h"

static int monitor_set(struct zl_sock *s, const char *text, uint64_t mask,
		       int version, int type)
{
	struct {
		struct zmq_monitor m;
		char text[ZMQ_ENDPOINT_OPT_MAX];
	} v = { .m = { .version = version, .type = type, .mask = mask } };
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return zl_kset(s, ZMQ_MONITOR, &v.m, sizeof(v.m));
	if (!strstr(text, "://"))
		return EINVAL;
	if (strncmp(text, "inproc://", 9))
		return EPROTONOSUPPORT;
	if (len >= sizeof(v.text))
		return EINVAL;
	memcpy(v.text, text, len);
	return zl_kset(s, ZMQ_MONITOR, &v, sizeof(v.m) + len);
}

static int monitor(void *handle, const char *text, uint64_t mask, int version,
		   int type)
{
	struct zl_sock *s = zl_sock_enter(handle);
	int err;

	if (!s)
		return -1;
	if (text && version != 1 && version != 2)
		err = EINVAL;
	else if (text && version == 1 && mask >> 16)
		err = EINVAL;
	else
		err = monitor_set(s, text, mask, text ? version : 1,
				  text ? type : ZMQ_PAIR);
	if (err)
		zl_sock_fail(s, err);
	zl_sock_put(s);
	return err ? -1 : 0;
}

int zmq_socket_monitor(void *handle, const char *text, int events)
{
	return monitor(handle, text, (unsigned int)events, 1, ZMQ_PAIR);
}

int zmq_socket_monitor_versioned(void *handle, const char *text,
				 uint64_t events, int version, int type)
{
	return monitor(handle, text, events, version, type);
}

int zmq_socket_monitor_pipes_stats(void *handle)
{
	struct zl_sock *s = zl_sock_enter(handle);

	if (!s)
		return -1;
	zl_sock_put(s);
	/* the event cannot be asked for: ZMQ_STATS and ZMQ_PEERS tell it */
	return zl_fail(EINVAL);
}
