// SPDX-License-Identifier: GPL-2.0
/*
 * What a peer has told, and what was told of it: properties, by name.
 *
 * A message can be read when its sender has left. So the last peers to leave are
 * remembered by their socket, a few, with the little that is kept of each.
 *
 * Locks: lock_sock() for .prop and .gone; the list of peers has its own, and
 * .last_peer is under the pattern lock.
 * Contexts: process.
 */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "peer.h"
#include "sock.h"
#include "zmtp.h"

/**
 * kzmq_peer_gone - a peer has left; some are remembered for a while
 * @zs:   the socket
 * @peer: the peer, its handshake was done
 *
 * Who receives its last message may ask only now what it had told.
 *
 * Context: process, lock_sock() held.
 */
void kzmq_peer_gone(struct kzmq_sock *zs, struct kzmq_peer *peer)
{
	struct kzmq_peer **at = &zs->gone[zs->nr_gone++ % KZMQ_PEERS_GONE];

	kzmq_peer_put(*at);
	*at = kzmq_peer_get(peer);
}

/**
 * kzmq_peers_end - nobody can ask any more
 * @zs: the socket, to which nobody refers any more
 *
 * Context: any.
 */
void kzmq_peers_end(struct kzmq_sock *zs)
{
	int i;

	for (i = 0; i < KZMQ_PEERS_GONE; i++)
		kzmq_peer_put(zs->gone[i]);
	kzmq_peer_put(zs->last_peer);
	kfree(zs->prop);
}

static struct kzmq_peer *peer_find(struct kzmq_sock *zs, u64 id)
{
	struct kzmq_peer *peer;
	int i;

	if (id > ULONG_MAX)
		return NULL;
	xa_lock(&zs->peers);
	peer = kzmq_peer_get(xa_load(&zs->peers, id));
	xa_unlock(&zs->peers);
	if (peer)
		return peer;
	for (i = 0; i < KZMQ_PEERS_GONE; i++)
		if (zs->gone[i] && zs->gone[i]->id == id)
			return kzmq_peer_get(zs->gone[i]);
	spin_lock_bh(&zs->plock);
	if (zs->last_peer && zs->last_peer->id == id)
		peer = kzmq_peer_get(zs->last_peer);
	spin_unlock_bh(&zs->plock);
	return peer;
}

/**
 * kzmq_peer_address - "Peer-Address", as libzmq writes it
 * @peer: the peer
 * @uns:  whose numbers of users and groups are meant
 * @pns:  whose numbers of processes
 * @out:  where to, KZMQ_PEER_ADDRESS_MAX octets
 *
 * Context: any.
 * Return: octets, or -ENOENT.
 */
int kzmq_peer_address(const struct kzmq_peer *peer, struct user_namespace *uns,
		      struct pid_namespace *pns, char *out)
{
	const size_t room = KZMQ_PEER_ADDRESS_MAX;

	if (peer->far.family == AF_INET)
		return scnprintf(out, room, "%pI4", &peer->far.in.sin_addr);
	if (peer->far.family == AF_INET6)
		return scnprintf(out, room, "%pI6c", &peer->far.in6.sin6_addr);
	if (!peer->local)
		return -ENOENT;
	return scnprintf(out, room, "localhost:%u:%u:%d",
			 from_kuid_munged(uns, peer->uid),
			 from_kgid_munged(uns, peer->gid),
			 pid_nr_ns(peer->pid, pns));
}

static int props_find(const struct kzmq_props *props, const char *name, u8 *out)
{
	struct kzmq_meta m;

	if (!props)
		return -ENOENT;
	kzmq_meta_init(&m, props->data, props->len);
	while (kzmq_meta_next(&m) > 0) {
		if (!kzmq_meta_is(&m, name))
			continue;
		memcpy(out, m.val, m.val_len);
		return m.val_len;
	}
	return -ENOENT;
}

/* Copy a property. Octets, or -ENOENT. */
static int prop_get(const struct kzmq_peer *peer, const char *name, u8 *out)
{
	const char *type;
	struct kzmq_meta m = { .name = (const u8 *)name, .name_len = strlen(name) };
	int n;

	/* No handshake, no properties; libzmq has none there either. */
	if (peer->inproc)
		return -ENOENT;
	if (kzmq_meta_is(&m, "Peer-Address"))
		return kzmq_peer_address(peer, current_user_ns(),
					 task_active_pid_ns(current), out);
	if (!kzmq_peer_is_known(peer))
		return -ENOENT;
	/* Whom we trust has the first word, as with libzmq. */
	n = props_find(peer->vouched, name, out);
	if (n != -ENOENT)
		return n;
	if (kzmq_meta_is(&m, "Socket-Type")) {
		type = kzmq_type_name(peer->type);
		return type ? strscpy(out, type, KZMQ_PROP_MAX) : -ENOENT;
	}
	if (kzmq_meta_is(&m, "Identity") || kzmq_meta_is(&m, "Routing-Id")) {
		if (!peer->rid)
			return peer->type < 0 ? -ENOENT : 0;
		memcpy(out, peer->rid->id, peer->rid->len);
		return peer->rid->len;
	}
	return props_find(peer->props, name, out);
}

/**
 * kzmq_peer_select - ZMQ_PEER_PROP is set: which property of whom
 * @zs:  the socket
 * @val: struct zmq_peer_prop, in kernel memory
 * @len: octets
 *
 * Context: process, lock_sock() held.
 * Return: 0, -EINVAL, -ENOMEM, -ENOENT when there is no such peer or it has no
 * such property.
 */
int kzmq_peer_select(struct kzmq_sock *zs, sockptr_t val, unsigned int len)
{
	const size_t head = offsetof(struct zmq_peer_prop, name);
	struct zmq_peer_prop q = {};
	struct kzmq_props *res;
	struct kzmq_peer *peer;
	int n = -ENOENT;

	if (len <= head || len > sizeof(q))
		return -EINVAL;
	if (copy_from_sockptr(&q, val, len))
		return -EFAULT;
	if (!q.name[0] || strnlen(q.name, sizeof(q.name)) == sizeof(q.name))
		return -EINVAL;
	res = kmalloc(struct_size(res, data, KZMQ_PROP_MAX),
		      GFP_KERNEL_ACCOUNT);
	if (!res)
		return -ENOMEM;
	peer = peer_find(zs, q.handle);
	if (peer)
		n = prop_get(peer, q.name, res->data);
	kzmq_peer_put(peer);
	kfree(zs->prop);
	zs->prop = NULL;
	if (n < 0) {
		kfree(res);
		return n;
	}
	res->len = n;
	zs->prop = res;
	return 0;
}

/**
 * kzmq_peer_prop - ZMQ_PEER_PROP: the value of what was selected
 * @zs:  the socket
 * @buf: where to
 * @len: octets there is room for; set to those used
 *
 * Context: process, lock_sock() held.
 * Return: 0, -ENOENT when nothing is selected, -EINVAL when there is no room.
 */
int kzmq_peer_prop(struct kzmq_sock *zs, void *buf, int *len)
{
	if (!zs->prop)
		return -ENOENT;
	if (*len < (int)zs->prop->len)
		return -EINVAL;
	memcpy(buf, zs->prop->data, zs->prop->len);
	*len = zs->prop->len;
	return 0;
}
