/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_INPROC_H
#define KZMQ_INPROC_H

#include <linux/jiffies.h>
#include <linux/types.h>

struct kzmq_ctx;
struct kzmq_ep;
struct kzmq_half;
struct kzmq_link;
struct kzmq_pipe;
struct kzmq_sock;

/* Time to try again when there was no memory */
#define KZMQ_INPROC_RETRY	msecs_to_jiffies(20)

/* What an endpoint does */
int kzmq_inproc_bind(struct kzmq_ep *ep);
void kzmq_inproc_connect(struct kzmq_ep *ep);
int kzmq_inproc_join(struct kzmq_ep *ep);
bool kzmq_inproc_close(struct kzmq_ep *ep);
bool kzmq_inproc_work(struct kzmq_ep *ep);

int kzmq_inproc_bound(struct kzmq_ctx *ctx, const char *text);

/* Two endpoints joined */
struct kzmq_link *kzmq_link_make(struct kzmq_ep *ep, struct kzmq_ep *to);
void kzmq_link_start(struct kzmq_link *link);
void kzmq_link_end(struct kzmq_link *link);
void kzmq_link_put(struct kzmq_link *link);
void kzmq_inproc_end_all(struct kzmq_sock *zs);

/* What the pipe tells */
void kzmq_inproc_flush(struct kzmq_pipe *pipe);
void kzmq_inproc_room(struct kzmq_pipe *pipe);

/* What is told of a listed peer */
void kzmq_half_get(struct kzmq_half *half);
void kzmq_half_put(struct kzmq_half *half);
struct kzmq_pipe *kzmq_half_pipe(const struct kzmq_half *half);
const char *kzmq_half_name(const struct kzmq_half *half);
bool kzmq_half_ends(struct kzmq_half *half);

#endif /* KZMQ_INPROC_H */
