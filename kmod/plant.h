/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bugs on purpose, to see that the debug kernels catch them: "make check-rig"
 * builds the module with ZMQ_PLANT=uaf, leak, inversion, sleep or race. Without
 * that there is nothing here.
 *
 * Context: process, at each poll() of a socket, no lock held.
 */
#ifndef _KZMQ_PLANT_H
#define _KZMQ_PLANT_H

#if defined(KZMQ_PLANT_uaf)
static inline void kzmq_plant(void)
{
	int *p = kmalloc(sizeof(*p), GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	kfree(p);
	if (p)
		READ_ONCE(*p);
}
#elif defined(KZMQ_PLANT_leak)
static inline void kzmq_plant(void)
{
	void *p = kmalloc(200, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}
#elif defined(KZMQ_PLANT_inversion)
static inline void kzmq_plant(void)
{
	static DEFINE_MUTEX(a);
	static DEFINE_MUTEX(b);

	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}
#elif defined(KZMQ_PLANT_sleep)
static inline void kzmq_plant(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	kfree(kmalloc(16, GFP_KERNEL));
	spin_unlock(&lock);
}
#elif defined(KZMQ_PLANT_race)
static inline void kzmq_plant(void)
{
	static unsigned long count;
	int i;

	for (i = 0; i < 1000; i++) {
		count += i;
		barrier();
	}
}
#else
static inline void kzmq_plant(void)
{
}
#endif

#endif
