/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_ALLOW_H
#define KZMQ_ALLOW_H

#include <linux/types.h>

struct kzmq_allow;

void kzmq_allow_get(struct kzmq_allow *a);
void kzmq_allow_put(struct kzmq_allow *a);
int kzmq_allow_set(struct kzmq_allow **pa, const u8 *keys, unsigned int len);
int kzmq_allow_count(const struct kzmq_allow *a);
bool kzmq_allow_has(const struct kzmq_allow *a, const u8 *key);

#endif /* KZMQ_ALLOW_H */
