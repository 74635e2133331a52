// SPDX-License-Identifier: GPL-2.0
/*
 * Names of hosts. User space looks them up and hands down what it found: the
 * text that was asked for, by which the endpoint is known, and addresses, which
 * are tried one after the other without a pause. When a round has failed there
 * is the usual pause, and user space can learn that it may look the name up
 * again.
 *
 * Locks: kzmq_ep.names and kzmq_sock.stale under lock_sock().
 * Contexts: process.
 */
#include <linux/jhash.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "endpoint.h"
#include "names.h"
#include "sock.h"

#define SCHEME		"tcp://"

/* How many texts follow the first one, all with their NULs; -EINVAL if not. */
static int names_count(const char *val, size_t len)
{
	size_t first;
	int n = -1;

	if (!len || len > ZMQ_CONNECT_NAME_MAX || val[len - 1])
		return -EINVAL;
	first = strlen(val);
	if (first >= ZMQ_ENDPOINT_OPT_MAX || first <= sizeof(SCHEME) - 1 ||
	    memcmp(val, SCHEME, sizeof(SCHEME) - 1))
		return -EINVAL;
	for (; len; n++) {
		first = strlen(val) + 1;
		val += first;
		len -= first;
	}
	return n > ZMQ_CONNECT_NAME_ADDRS ? -EINVAL : n;
}

/**
 * kzmq_names_parse - a name's text and its addresses
 * @val: "asked\\0address\\0address\\0"
 * @len: octets, the last NUL too
 *
 * Context: process.
 * Return: the addresses, to be freed with kfree(); or -EINVAL, -ENOMEM.
 */
struct kzmq_names *kzmq_names_parse(const char *val, size_t len)
{
	int nr = names_count(val, len), i;
	struct kzmq_names *names;
	struct kzmq_uri *uri;

	if (nr < 0)
		return ERR_PTR(nr);
	names = kzalloc(struct_size(names, uri, nr), GFP_KERNEL_ACCOUNT);
	if (!names)
		return ERR_PTR(-ENOMEM);
	names->nr = nr;
	for (i = 0; i < nr; i++) {
		val += strlen(val) + 1;
		uri = &names->uri[i];
		if (kzmq_uri_parse(val, strlen(val), false, uri) ||
		    uri->tr != KZMQ_TR_TCP || !uri->dst.family) {
			kfree(names);
			return ERR_PTR(-EINVAL);
		}
	}
	return names;
}

/**
 * kzmq_names_give - new addresses for an endpoint
 * @ep:    the endpoint, made for a name
 * @names: the addresses; none: those it has may do
 *
 * Whoever waits for the next try goes on waiting, unless there was nothing to
 * be tried.
 *
 * Context: process, lock_sock() held.
 * Return: 0 or -ENOMEM.
 */
int kzmq_names_give(struct kzmq_ep *ep, const struct kzmq_names *names)
{
	u32 had = ep->names->nr;
	struct kzmq_names *new;

	if (!names->nr) {
		ep->names->stale = false;
		return 0;
	}
	new = kmemdup(names, struct_size(names, uri, names->nr),
		      GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	kfree(ep->names);
	ep->names = new;
	if (had || ep->failed || ep->nr_conns || ep->trying)
		return 0;
	kzmq_ep_get(ep);
	if (mod_delayed_work(ep->wq, &ep->retry, 0))
		kzmq_ep_put(ep);
	return 0;
}

/**
 * kzmq_names_replace - setsockopt(ZMQ_NAME_ADDRS)
 * @zs:    the socket
 * @text:  what was asked for
 * @names: the addresses
 *
 * Context: process, takes lock_sock().
 * Return: 0, -ENOENT when there is no such endpoint, -ENOMEM, -ESHUTDOWN.
 */
int kzmq_names_replace(struct kzmq_sock *zs, const char *text,
		       const struct kzmq_names *names)
{
	u32 hash = jhash(text, strlen(text), 0);
	struct kzmq_ep *ep;
	int err = -ENOENT;

	lock_sock(&zs->sk);
	if (zs->down)
		err = -ESHUTDOWN;
	list_for_each_entry(ep, &zs->eps, node) {
		if (zs->down || !ep->names || ep->closing || ep->hash != hash ||
		    strcmp(ep->asked, text))
			continue;
		err = kzmq_names_give(ep, names);
		if (err)
			break;
	}
	release_sock(&zs->sk);
	return err;
}

/**
 * kzmq_names_stale - getsockopt(ZMQ_NAME_ADDRS)
 * @zs:  the socket
 * @buf: where the text goes of an endpoint that wants new addresses, or ""
 * @len: room, set to the octets used, NUL included
 *
 * Context: process, lock_sock() held.
 * Return: 0 or -EINVAL when there is no room.
 */
int kzmq_names_stale(struct kzmq_sock *zs, char *buf, int *len)
{
	const char *text = "";
	struct kzmq_ep *ep;
	int n;

	if (zs->stale) {
		list_for_each_entry(ep, &zs->eps, node) {
			if (ep->names && ep->names->stale && !ep->failed &&
			    !ep->closing) {
				text = ep->asked;
				break;
			}
		}
	}
	n = strlen(text) + 1;
	if (*len < n)
		return -EINVAL;
	memcpy(buf, text, n);
	*len = n;
	/* Most who ask are told "" once more, without a look at all endpoints. */
	zs->stale = n > 1;
	return 0;
}

static void names_failed(struct kzmq_ep *ep)
{
	ep->names->failed = 0;
	ep->names->stale = true;
	ep->zs->stale = true;
}

/**
 * kzmq_names_aim - where to does the next try go?
 * @ep: the endpoint, no other try under way
 *
 * Context: process, lock_sock() held.
 * Return: false when it is a name without an address.
 */
bool kzmq_names_aim(struct kzmq_ep *ep)
{
	struct kzmq_names *n = ep->names;
	const struct kzmq_uri *uri;

	if (!n)
		return true;
	if (!n->nr) {
		names_failed(ep);
		return false;
	}
	uri = &n->uri[n->at];
	ep->uri.has_src = uri->has_src;
	ep->uri.src = uri->src;
	ep->uri.dst = uri->dst;
	n->aimed = true;
	return true;
}

/**
 * kzmq_names_next - a try failed: is there another address for one at once?
 * @ep: the endpoint
 *
 * Context: process, lock_sock() held.
 * Return: false when all were tried, or when it has no name.
 */
bool kzmq_names_next(struct kzmq_ep *ep)
{
	struct kzmq_names *n = ep->names;

	if (!n)
		return false;
	/* What failed was an address that has been replaced meanwhile. */
	if (!n->aimed)
		return n->nr;
	n->at = (n->at + 1) % n->nr;
	if (++n->failed < n->nr)
		return true;
	names_failed(ep);
	return false;
}

/**
 * kzmq_names_ready - a connection has become ready
 * @ep: the endpoint
 *
 * The next round begins with this address.
 *
 * Context: process, lock_sock() held.
 */
void kzmq_names_ready(struct kzmq_ep *ep)
{
	if (!ep->names || !ep->names->aimed)
		return;
	ep->names->failed = 0;
	ep->names->stale = false;
}
