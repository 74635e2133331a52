/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_NAMES_H
#define KZMQ_NAMES_H

#include <linux/types.h>

#include "uri.h"

struct kzmq_ep;
struct kzmq_sock;

/**
 * struct kzmq_names - where a connecting endpoint with a name may go
 * @nr:     addresses
 * @at:     that of the next try, or of the one under way
 * @failed: tries of this round that failed
 * @aimed:  a try to one of these was begun
 * @stale:  a round failed, and no new addresses were given since
 * @uri:    the addresses
 */
struct kzmq_names {
	u32		nr;
	u32		at;
	u32		failed;
	bool		aimed;
	bool		stale;
	struct kzmq_uri	uri[];
};

struct kzmq_names *kzmq_names_parse(const char *val, size_t len);
int kzmq_names_replace(struct kzmq_sock *zs, const char *text,
		       const struct kzmq_names *names);
int kzmq_names_give(struct kzmq_ep *ep, const struct kzmq_names *names);
int kzmq_names_stale(struct kzmq_sock *zs, char *buf, int *len);
bool kzmq_names_aim(struct kzmq_ep *ep);
bool kzmq_names_next(struct kzmq_ep *ep);
void kzmq_names_ready(struct kzmq_ep *ep);

#endif /* KZMQ_NAMES_H */
