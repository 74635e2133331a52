// SPDX-License-Identifier: MPL-2.0
/*
 * Calls about single peers, and those which only types have that are not there.
 *
 * No locks but for zl_sock.lock, since the list of peers is read in steps.
 */
#include <string.h>
#include <sys/socket.h>

#include <linux/zmq.h>

#include "zl.h"

/* An answer of the kernel's holds several records. */
#define PEERS_OCTETS 4096

/**
 * peer_find - look for a routing id among the peers
 * @s:    the socket
 * @rid:  the routing id
 * @len:  octets of it
 * @peer: set to the record
 *
 * Return: 0, EHOSTUNREACH, or an errno.
 */
static int peer_find(struct zl_sock *s, const void *rid, size_t len,
		     struct zmq_peer *peer)
{
	_Alignas(8) char buf[PEERS_OCTETS];
	uint64_t after = 0;
	size_t n, at;
	int err;

	for (;;) {
		err = zl_kset(s, ZMQ_PEERS, &after, sizeof(after));
		n = sizeof(buf);
		if (!err)
			err = zl_kget(s, ZMQ_PEERS, buf, &n);
		if (err)
			return err;
		if (!n)
			return EHOSTUNREACH;
		for (at = 0; at < n; at += peer->size) {
			memcpy(peer, buf + at, sizeof(*peer));
			if (peer->rid_len == len && peer->state == ZMQ_PEER_READY &&
			    !(peer->flags & ZMQ_PEER_MUTE) &&
			    !memcmp(buf + at + peer->head, rid, len))
				return 0;
			after = peer->handle;
		}
	}
}

static int sndhwm(struct zl_sock *s)
{
	size_t n = sizeof(int);
	int v = 0;

	return zl_kget(s, ZMQ_SNDHWM, &v, &n) ? 0 : v;
}

int zmq_socket_get_peer_state(void *handle, const void *rid, size_t len)
{
	struct zl_sock *s = zl_sock_enter(handle);
	struct zmq_peer peer;
	int err, hwm, ret = 0;

	if (!s)
		return -1;
	if (s->type != ZMQ_ROUTER) {
		err = ENOTSUP;
	} else {
		pthread_mutex_lock(&s->lock);
		err = peer_find(s, rid, len, &peer);
		pthread_mutex_unlock(&s->lock);
	}
	if (!err) {
		hwm = sndhwm(s);
		if (!hwm || peer.out_msgs < (uint32_t)hwm)
			ret |= ZMQ_POLLOUT;
		if (peer.in_msgs)
			ret |= ZMQ_POLLIN;
	} else {
		ret = zl_sock_fail(s, err);
	}
	zl_sock_put(s);
	return ret;
}

static int not_for_type(void *handle)
{
	struct zl_sock *s = zl_sock_enter(handle);

	if (!s)
		return -1;
	zl_sock_put(s);
	return zl_fail(ENOTSUP);
}

/* Only SERVER, CLIENT and PEER name a peer by a number. */
uint32_t zmq_connect_peer(void *handle, const char *text)
{
	not_for_type(handle);
	return 0;
}

int zmq_disconnect_peer(void *handle, uint32_t rid)
{
	return not_for_type(handle);
}

/* Only DISH has groups. */
int zmq_join(void *handle, const char *group)
{
	return not_for_type(handle);
}

int zmq_leave(void *handle, const char *group)
{
	return not_for_type(handle);
}
