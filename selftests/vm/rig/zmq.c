// SPDX-License-Identifier: GPL-2.0
/*
 * A module with bugs to order, which "make check-rig" loads in place of the
 * real one to see that the test machine notices each of them: write a name to
 * /sys/module/zmq/parameters/bug.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/smp.h>

static void spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int bug_set(const char *val, const struct kernel_param *kp)
{
	if (sysfs_streq(val, "warn"))
		WARN(1, "planted warning\n");
	else if (sysfs_streq(val, "panic"))
		panic("planted panic");
	else if (sysfs_streq(val, "oops"))
		WRITE_ONCE(*(int *)8, 1);
	else if (sysfs_streq(val, "hang"))
		on_each_cpu(spin, NULL, 0);
	else if (sysfs_streq(val, "sleep"))
		wait_event(*(wait_queue_head_t *)kp->arg, false);
	else if (sysfs_streq(val, "stuck"))
		__module_get(THIS_MODULE);
	else
		return -EINVAL;
	return 0;
}

static const struct kernel_param_ops bug_ops = {
	.set = bug_set,
};

static DECLARE_WAIT_QUEUE_HEAD(never);
module_param_cb(bug, &bug_ops, &never, 0200);
MODULE_PARM_DESC(bug, "the bug to have");

static int __init rig_init(void)
{
	return 0;
}

static void __exit rig_exit(void)
{
}

module_init(rig_init);
module_exit(rig_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Planted bugs for the test machine");
