// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/zmq: a line a socket. /proc/net/zmq_stat: a line a counter.
 *
 * Contexts: process. Locks: kzmq_net.mutex over the whole listing, below it
 * lock_sock() of one socket at a time.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/sock.h>

#include "endpoint.h"
#include "sock.h"

static struct kzmq_net *seq_zn(struct seq_file *seq)
{
	return kzmq_pernet(seq_file_net(seq));
}

static void *socks_start(struct seq_file *seq, loff_t *pos)
{
	struct kzmq_net *zn = seq_zn(seq);

	mutex_lock(&zn->mutex);
	return seq_list_start_head(&zn->socks, *pos);
}

static void *socks_next(struct seq_file *seq, void *v, loff_t *pos)
{
	return seq_list_next(v, &seq_zn(seq)->socks, pos);
}

static void socks_stop(struct seq_file *seq, void *v)
{
	mutex_unlock(&seq_zn(seq)->mutex);
}

static void show_endpoints(struct seq_file *seq, struct kzmq_sock *zs)
{
	struct kzmq_ep *ep;
	bool any = false;

	list_for_each_entry(ep, &zs->eps, node) {
		if (any)
			seq_putc(seq, ',');
		seq_puts(seq, ep->bound ? "@" : ">");
		seq_escape(seq, ep->text ?: ep->asked, " ,\t\n\\");
		any = true;
	}
	if (!any)
		seq_putc(seq, '-');
}

static int socks_show(struct seq_file *seq, void *v)
{
	struct kzmq_net *zn = seq_zn(seq);
	struct zmq_stats st;
	struct kzmq_sock *zs;
	bool lingers;
	long left;

	if (v == &zn->socks) {
		seq_puts(seq, "sk type uid inode endpoints peers in_msgs in_bytes out_msgs out_bytes drops linger_ms\n");
		return 0;
	}
	zs = list_entry(v, struct kzmq_sock, node);
	kzmq_sock_fill_stats(zs, &st);
	seq_printf(seq, "%pK %s %u %llu ", zs, zs->pat->name,
		   from_kuid_munged(seq_user_ns(seq), READ_ONCE(zs->sk.sk_uid)),
		   (u64)sock_i_ino(&zs->sk));
	lock_sock(&zs->sk);
	show_endpoints(seq, zs);
	lingers = zs->closed;
	left = zs->deadline - jiffies;
	release_sock(&zs->sk);
	seq_printf(seq, " %u %llu %llu %llu %llu %llu", st.peers, st.in_msgs,
		   st.in_bytes, st.out_msgs, st.out_bytes, st.dropped);
	if (lingers)
		seq_printf(seq, " %u\n", jiffies_to_msecs(max(left, 0L)));
	else
		seq_puts(seq, " -\n");
	return 0;
}

static const struct seq_operations socks_ops = {
	.start	= socks_start,
	.next	= socks_next,
	.stop	= socks_stop,
	.show	= socks_show,
};

static int stat_show(struct seq_file *seq, void *v)
{
	struct kzmq_net *zn = kzmq_pernet(seq_file_single_net(seq));
	int i;

	for (i = 0; i < KZMQ_MIB_MAX; i++)
		seq_printf(seq, "%s %lu\n", kzmq_mib_names[i],
			   kzmq_mib_read(zn, i));
	seq_printf(seq, "MemBytes %ld\n", atomic_long_read(&zn->mem));
	return 0;
}

/**
 * kzmq_proc_register - make the files of a namespace
 * @zn: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int kzmq_proc_register(struct kzmq_net *zn)
{
	struct proc_dir_entry *dir = zn->net->proc_net;

	if (!proc_create_net("zmq", 0444, dir, &socks_ops,
			     sizeof(struct seq_net_private)))
		return -ENOMEM;
	if (!proc_create_net_single("zmq_stat", 0444, dir, stat_show, NULL)) {
		remove_proc_entry("zmq", dir);
		return -ENOMEM;
	}
	return 0;
}

/**
 * kzmq_proc_unregister - remove the files of a namespace
 * @zn: the namespace
 */
void kzmq_proc_unregister(struct kzmq_net *zn)
{
	remove_proc_entry("zmq_stat", zn->net->proc_net);
	remove_proc_entry("zmq", zn->net->proc_net);
}
