// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading.
 *
 * A socket holds the module until its last connection is gone, so nothing of
 * ours is left when the module's exit runs, except work items on their last
 * instructions and callbacks under RCU: both are waited for.
 */
#include <linux/module.h>
#include <linux/net.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "box.h"
#include "conn.h"
#include "mech.h"
#include "msg.h"
#include "sock.h"

int kzmq_family = AF_ZMQ;
module_param_named(family, kzmq_family, int, 0444);
MODULE_PARM_DESC(family, "number of the socket family (default 22)");

struct workqueue_struct *kzmq_wq;

static int kzmq_create(struct net *net, struct socket *sock, int protocol,
		       int kern)
{
	if (sock->type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	return kzmq_sock_create(net, sock, protocol, kern);
}

static struct net_proto_family kzmq_proto_family = {
	.create	= kzmq_create,
	.owner	= THIS_MODULE,
};

static int kzmq_register(void)
{
	int err;

	kzmq_proto_family.family = kzmq_family;
	err = sock_register(&kzmq_proto_family);
	if (err)
		pr_err("socket family %d cannot be had (%d); choose another by family=\n",
		       kzmq_family, err);
	return err;
}

static int __init kzmq_init(void)
{
	int err;

	if (kzmq_family <= 0 || kzmq_family >= AF_MAX) {
		pr_err("family=%d is not between 1 and %d\n", kzmq_family,
		       AF_MAX - 1);
		return -EINVAL;
	}
	kzmq_box_init();
	err = kzmq_msg_cache_init();
	if (err)
		return err;
	err = kzmq_tx_cache_init();
	if (err)
		goto err_msg;
	err = -ENOMEM;
	kzmq_wq = alloc_workqueue("kzmq", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!kzmq_wq)
		goto err_cache;
	err = proto_register(&kzmq_proto, 1);
	if (err)
		goto err_wq;
	err = kzmq_netns_init();
	if (err)
		goto err_proto;
	err = kzmq_register();
	if (err)
		goto err_netns;
	return 0;

err_netns:
	kzmq_netns_exit();
err_proto:
	proto_unregister(&kzmq_proto);
err_wq:
	destroy_workqueue(kzmq_wq);
err_cache:
	kzmq_tx_cache_exit();
err_msg:
	kzmq_msg_cache_exit();
	return err;
}

static void __exit kzmq_exit(void)
{
	sock_unregister(kzmq_family);
	kzmq_netns_exit();
	kzmq_curve_exit();
	/* The work item that dropped the last socket may still be returning. */
	destroy_workqueue(kzmq_wq);
	/* Lower sockets may be in a callback of ours for the last time. */
	synchronize_net();
	rcu_barrier();
	proto_unregister(&kzmq_proto);
	kzmq_tx_cache_exit();
	kzmq_msg_cache_exit();
}

module_init(kzmq_init);
module_exit(kzmq_exit);

MODULE_DESCRIPTION("ZeroMQ as a socket family");
MODULE_AUTHOR("The AF_ZMQ authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
