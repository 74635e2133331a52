/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_NETNS_H
#define KZMQ_NETNS_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <net/net_namespace.h>

#include "mib.h"

struct ctl_table_header;
struct ctl_table;

/**
 * struct kzmq_limits - bounds of a namespace, /proc/sys/net/zmq/
 * @mem_max:        octets of message memory in the namespace
 * @sock_bytes_max: octets queued in all pipes of a socket
 * @pipe_bytes_max: octets queued in one direction of a pipe
 * @msg_size_max:   octets of a message
 * @frames_max:     frames of a message
 * @topic_max:      octets of a topic
 * @topics_max:     topics one peer, or one socket, may subscribe to
 * @handshakes_max: unfinished handshakes of a listener
 * @conns_max:      connections of a listener
 * @orphan_ms:      longest life of a socket after close, in milliseconds
 *
 * Each is read with READ_ONCE() where it is applied.
 */
struct kzmq_limits {
	unsigned long	mem_max;
	unsigned long	sock_bytes_max;
	unsigned long	pipe_bytes_max;
	unsigned long	msg_size_max;
	unsigned int	frames_max;
	unsigned int	topic_max;
	unsigned int	topics_max;
	unsigned int	handshakes_max;
	unsigned int	conns_max;
	unsigned int	orphan_ms;
};

/**
 * struct kzmq_net - what AF_ZMQ keeps for a network namespace
 * @net:     the namespace; sockets hold it, we do not
 * @mem:     octets held by messages now
 * @lim:     the bounds
 * @mib:     per-CPU counters
 * @socks:   all sockets, under @mutex
 * @mutex:   outermost of ours
 * @path_wq: where endpoints look for files, made for the first of them
 * @mech_wq: where mechanisms do what is heavy, made for the first that needs it
 * @sysctls: registration
 * @table:   copy of the sysctl table whose rows point into @lim
 */
struct kzmq_net {
	struct net		*net;
	atomic_long_t		mem;
	struct kzmq_limits	lim;
	struct kzmq_mib __percpu *mib;
	struct list_head	socks;
	struct mutex		mutex;	/* protects socks */
	struct workqueue_struct	*path_wq;
	struct workqueue_struct	*mech_wq;
	struct ctl_table_header	*sysctls;
	struct ctl_table	*table;
};

struct workqueue_struct *kzmq_net_path_wq(struct kzmq_net *zn);
struct workqueue_struct *kzmq_net_mech_wq(struct kzmq_net *zn);
struct kzmq_net *kzmq_pernet(const struct net *net);
int kzmq_netns_init(void);
void kzmq_netns_exit(void);

int kzmq_sysctl_register(struct kzmq_net *zn);
void kzmq_sysctl_unregister(struct kzmq_net *zn);
int kzmq_proc_register(struct kzmq_net *zn);
void kzmq_proc_unregister(struct kzmq_net *zn);

#endif /* KZMQ_NETNS_H */
