// SPDX-License-Identifier: GPL-2.0
/*
 * The bounds of a namespace as files below /proc/sys/net/zmq/.
 *
 * Contexts: process. Readers of a bound use READ_ONCE(), so no lock.
 * orphan_abort takes kzmq_net.mutex, then lock_sock() of one socket at a time.
 */
#include <linux/slab.h>
#include <linux/sizes.h>
#include <linux/sysctl.h>

#include "netns.h"
#include "sock.h"

static unsigned long ul_min = 4096, ul_max = LONG_MAX;
static unsigned long msg_min = 1, msg_max = SZ_2G;

#define ROW_UL(field, lo, hi) {						\
	.procname	= #field,					\
	.data		= (void *)offsetof(struct kzmq_limits, field),	\
	.maxlen		= sizeof(unsigned long),			\
	.mode		= 0644,						\
	.proc_handler	= proc_doulongvec_minmax,			\
	.extra1		= lo,						\
	.extra2		= hi,						\
}

#define ROW_UINT(field) {						\
	.procname	= #field,					\
	.data		= (void *)offsetof(struct kzmq_limits, field),	\
	.maxlen		= sizeof(unsigned int),				\
	.mode		= 0644,						\
	.proc_handler	= proc_dointvec_minmax,				\
	.extra1		= SYSCTL_ONE,					\
	.extra2		= SYSCTL_INT_MAX,				\
}

/* Whatever is written ends all that lingers. */
static int orphan_abort(kzmq_ctl_table *t, int write, void *buf, size_t *len,
			loff_t *pos)
{
	if (!write)
		return -EPERM;
	kzmq_sock_abort_orphans(container_of(t->data, struct kzmq_net, lim));
	*pos += *len;
	return 0;
}

static const struct ctl_table template[] = {
	ROW_UL(mem_max, &ul_min, &ul_max),
	ROW_UL(sock_bytes_max, &ul_min, &ul_max),
	ROW_UL(pipe_bytes_max, &ul_min, &ul_max),
	ROW_UL(msg_size_max, &msg_min, &msg_max),
	ROW_UINT(frames_max),
	ROW_UINT(topic_max),
	ROW_UINT(topics_max),
	ROW_UINT(handshakes_max),
	ROW_UINT(conns_max),
	ROW_UINT(orphan_ms),
	{
		.procname	= "orphan_abort",
		.mode		= 0200,
		.proc_handler	= orphan_abort,
	},
};

/**
 * kzmq_sysctl_register - make the files of a namespace
 * @zn: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int kzmq_sysctl_register(struct kzmq_net *zn)
{
	size_t i, n = ARRAY_SIZE(template);
	struct ctl_table *t;

	t = kcalloc(n + KZMQ_SYSCTL_SENTINEL, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	memcpy(t, template, sizeof(template));
	for (i = 0; i < n; i++) {
		/* Who may only pretend to be root does not lift the bounds. */
		if (t[i].mode == 0644 && zn->net->user_ns != &init_user_ns)
			t[i].mode = 0444;
		t[i].data = (char *)&zn->lim + (unsigned long)t[i].data;
	}
	zn->table = t;
#if KZMQ_SYSCTL_SENTINEL
	zn->sysctls = register_net_sysctl(zn->net, "net/zmq", t);
#else
	zn->sysctls = register_net_sysctl_sz(zn->net, "net/zmq", t, n);
#endif
	if (zn->sysctls)
		return 0;
	kfree(t);
	return -ENOMEM;
}

/**
 * kzmq_sysctl_unregister - remove the files of a namespace
 * @zn: the namespace
 */
void kzmq_sysctl_unregister(struct kzmq_net *zn)
{
	unregister_net_sysctl_table(zn->sysctls);
	kfree(zn->table);
}
