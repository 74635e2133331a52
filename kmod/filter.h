/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_FILTER_H
#define KZMQ_FILTER_H

#include <linux/net.h>
#include <linux/sockptr.h>

struct kzmq_filter;

void kzmq_filter_get(struct kzmq_filter *f);
void kzmq_filter_put(struct kzmq_filter *f);
int kzmq_filter_set(struct kzmq_filter **f, int opt, sockptr_t val,
		    unsigned int len);
bool kzmq_filter_tcp(const struct kzmq_filter *f, struct socket *sock);
bool kzmq_filter_unix(const struct kzmq_filter *f, struct sock *sk);

#endif /* KZMQ_FILTER_H */
