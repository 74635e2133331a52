// SPDX-License-Identifier: GPL-2.0
/*
 * Names and sums of the counters. The counters are per CPU and may be touched
 * from any context; a sum is a snapshot, not an atomic one.
 */
#include <linux/percpu.h>

#include "netns.h"

const char * const kzmq_mib_names[KZMQ_MIB_MAX] = {
#define KZMQ_MIB_NAME(id, name)[KZMQ_MIB_##id] = name,
	KZMQ_MIB_LIST(KZMQ_MIB_NAME)
#undef KZMQ_MIB_NAME
};

/**
 * kzmq_mib_read - sum of a counter over all CPUs
 * @zn: the namespace
 * @id: which counter
 *
 * Context: any.
 */
unsigned long kzmq_mib_read(struct kzmq_net *zn, enum kzmq_mib_id id)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(zn->mib, cpu)->v[id]);
	return sum;
}
