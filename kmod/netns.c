// SPDX-License-Identifier: GPL-2.0
/*
 * What exists once per network namespace.
 *
 * Contexts: init and exit run in process context under the pernet rwsem. A
 * socket holds its namespace, so none is left when exit runs.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/workqueue.h>
#include <net/netns/generic.h>

#include "netns.h"

static unsigned int kzmq_net_id;

/**
 * kzmq_pernet - our part of a network namespace
 * @net: the namespace
 *
 * Context: any, while the caller holds @net.
 */
struct kzmq_net *kzmq_pernet(const struct net *net)
{
	return net_generic(net, kzmq_net_id);
}

/* A workqueue that most namespaces never need. @most items at a time, 0: many */
static struct workqueue_struct *net_wq(struct workqueue_struct **p,
				       const char *name, int most)
{
	struct workqueue_struct *wq = READ_ONCE(*p), *old;

	if (wq)
		return wq;
	wq = alloc_workqueue("%s", WQ_UNBOUND, most, name);
	if (!wq)
		return NULL;
	old = cmpxchg(p, NULL, wq);
	if (!old)
		return wq;
	destroy_workqueue(wq);
	return old;
}

/**
 * kzmq_net_path_wq - where work items look for files
 * @zn: the namespace
 *
 * A file system may let them wait for ever. There is room for some hundred, in
 * each namespace, and none of them keeps anything else from running.
 *
 * Context: process.
 * Return: the workqueue or NULL.
 */
struct workqueue_struct *kzmq_net_path_wq(struct kzmq_net *zn)
{
	return net_wq(&zn->path_wq, "kzmq_path", 0);
}

/**
 * kzmq_net_mech_wq - where the heavy part of handshakes is done
 * @zn: the namespace
 *
 * It is bounded, so that strangers cannot have all of the machine.
 *
 * Context: process.
 * Return: the workqueue or NULL.
 */
struct workqueue_struct *kzmq_net_mech_wq(struct kzmq_net *zn)
{
	return net_wq(&zn->mech_wq, "kzmq_mech", max(num_online_cpus(), 2u));
}

static void limits_default(struct kzmq_limits *lim)
{
	unsigned long ram = totalram_pages() << PAGE_SHIFT;

	lim->mem_max = ram / 2;
	lim->sock_bytes_max = ram / 4;
	lim->pipe_bytes_max = clamp_t(unsigned long, ram / 16, SZ_16M, SZ_1G);
	lim->msg_size_max = SZ_2G;
	lim->frames_max = 65536;
	lim->topic_max = 65536;
	lim->topics_max = 1 << 18;
	lim->handshakes_max = 1024;
	lim->conns_max = 65536;
	lim->orphan_ms = 30000;
}

static int __net_init kzmq_net_init(struct net *net)
{
	struct kzmq_net *zn = kzmq_pernet(net);
	int err;

	zn->net = net;
	INIT_LIST_HEAD(&zn->socks);
	mutex_init(&zn->mutex);
	limits_default(&zn->lim);
	zn->mib = alloc_percpu(struct kzmq_mib);
	if (!zn->mib)
		return -ENOMEM;
	err = kzmq_sysctl_register(zn);
	if (err)
		goto err_mib;
	err = kzmq_proc_register(zn);
	if (err)
		goto err_sysctl;
	return 0;

err_sysctl:
	kzmq_sysctl_unregister(zn);
err_mib:
	free_percpu(zn->mib);
	return err;
}

static void __net_exit kzmq_net_exit(struct net *net)
{
	struct kzmq_net *zn = kzmq_pernet(net);
	long mem = atomic_long_read(&zn->mem);

	/* Our own book-keeping: no socket, so no message either. */
	WARN_ONCE(mem, "kzmq: %ld octets of messages left\n", mem);
	/* The item that dropped the last socket may still be returning. */
	if (zn->path_wq)
		destroy_workqueue(zn->path_wq);
	if (zn->mech_wq)
		destroy_workqueue(zn->mech_wq);
	kzmq_proc_unregister(zn);
	kzmq_sysctl_unregister(zn);
	free_percpu(zn->mib);
}

static struct pernet_operations kzmq_net_ops = {
	.init	= kzmq_net_init,
	.exit	= kzmq_net_exit,
	.id	= &kzmq_net_id,
	.size	= sizeof(struct kzmq_net),
};

/**
 * kzmq_netns_init - begin to follow network namespaces
 *
 * Context: module init.
 * Return: 0 or a negative errno.
 */
int kzmq_netns_init(void)
{
	return register_pernet_subsys(&kzmq_net_ops);
}

/**
 * kzmq_netns_exit - forget all network namespaces
 *
 * Context: module exit; no socket is left.
 */
void kzmq_netns_exit(void)
{
	unregister_pernet_subsys(&kzmq_net_ops);
}
