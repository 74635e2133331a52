// SPDX-License-Identifier: GPL-2.0
/* Lists of peers, their properties, and who sent a message. */
#include "libpeers.h"

static void take_text(char *out, size_t room, const char **p, int n)
{
	KZ_CHECK((size_t)n < room);
	memcpy(out, *p, n);
	out[n] = 0;
	*p += n;
}

/* Octets of a page behind @after, or -1. */
int peers_page(int fd, __u64 after, char *buf, socklen_t room)
{
	if (setsockopt(fd, SOL_ZMQ, ZMQ_PEERS, &after, sizeof(after)) ||
	    getsockopt(fd, SOL_ZMQ, ZMQ_PEERS, buf, &room))
		return -1;
	return room;
}

/* At most @max peers, with pages of @room octets; how many there are. */
int peers_list(int fd, struct peer *out, int max, socklen_t room)
{
	char buf[PEERS_ROOM] __attribute__((aligned(8)));
	struct zmq_peer *z;
	const char *text;
	__u64 after = 0;
	int n, len, off;

	KZ_CHECK(room <= sizeof(buf));
	for (n = 0; (len = peers_page(fd, after, buf, room)) > 0;)
		for (off = 0; off < len; off += z->size, n++) {
			z = (struct zmq_peer *)(buf + off);
			KZ_CHECK(z->handle > after && z->head == sizeof(*z));
			KZ_CHECK(z->size % 8 == 0 && z->size <= len - off);
			after = z->handle;
			if (n >= max)
				continue;
			out[n].p = *z;
			text = buf + off + z->head;
			take_text(out[n].rid, sizeof(out->rid), &text,
				  z->rid_len);
			take_text(out[n].local, sizeof(out->local), &text,
				  z->local_len);
			take_text(out[n].remote, sizeof(out->remote), &text,
				  z->remote_len);
			KZ_CHECK(text <= buf + off + z->size);
		}
	KZ_CHECK(!len);
	return n;
}

struct peer peers_one(int fd)
{
	struct peer p;
	int n = peers_list(fd, &p, 1, PAGE);

	if (n != 1)
		KZ_DIE("%d peers", n);
	return p;
}

/* Octets of a property or -1. */
int peer_prop(int fd, __u64 handle, const char *name, char *out,
	      socklen_t room)
{
	struct zmq_peer_prop q = { .handle = handle };
	socklen_t len = offsetof(struct zmq_peer_prop, name) + strlen(name);

	strcpy(q.name, name);
	if (setsockopt(fd, SOL_ZMQ, ZMQ_PEER_PROP, &q, len) ||
	    getsockopt(fd, SOL_ZMQ, ZMQ_PEER_PROP, out, &room))
		return -1;
	return room;
}

/* Receive with a control buffer; entries of ZMQ_CMSG_PEER. */
int recv_peer(int fd, char *buf, size_t size, struct zmq_msg_peer *who,
	      int max, int flags)
{
	char control[4096] __attribute__((aligned(8))) = "";
	struct iovec iov = { .iov_base = buf, .iov_len = size - 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t len = recvmsg(fd, &m, flags);
	int n = 0;

	if (len < 0)
		return -1;
	buf[len] = 0;
	KZ_CHECK(!(m.msg_flags & MSG_CTRUNC));
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level != SOL_ZMQ || c->cmsg_type != ZMQ_CMSG_PEER)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(*who);
		KZ_CHECK(n <= max);
		memcpy(who, CMSG_DATA(c), n * sizeof(*who));
	}
	return n;
}
