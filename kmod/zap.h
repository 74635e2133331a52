/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_ZAP_H
#define KZMQ_ZAP_H

#include <linux/types.h>

struct kvec;
struct kzmq_conn;
struct kzmq_ep;
struct kzmq_msg;
struct kzmq_pattern;
struct kzmq_pipe;
struct kzmq_props;
struct kzmq_sock;

/* Where the handler of a context is bound */
#define KZMQ_ZAP_NAME	"inproc://zeromq.zap.01"

/* Credentials a mechanism gives: frames and octets of each at most */
#define KZMQ_ZAP_CREDS	2
#define KZMQ_ZAP_TEXT	255

/**
 * struct kzmq_zap - one question to the handler, part of struct kzmq_mech
 * @conn:   who asks
 * @ep:     our end of the way to the handler, one reference; NULL when nothing
 *          is asked
 * @pipe:   its pipe, held by @ep
 * @id:     the request id
 * @reply:  what the handler said, or NULL
 * @lost:   the handler has left without a word
 * @status: of its answer: 200, 300, 400 or 500; 0 when there is none
 * @fault:  what is wrong with its answer: ZMQ_PROTOCOL_ERROR_ZAP_..., or 0
 *
 * @reply and @lost are written under the pattern lock of our end; all else by
 * the connection's work item.
 */
struct kzmq_zap {
	struct kzmq_conn	*conn;
	struct kzmq_ep		*ep;
	struct kzmq_pipe	*pipe;
	u64			id;
	struct kzmq_msg		*reply;
	bool			lost;
	u16			status;
	u32			fault;
};

int kzmq_zap_ask(struct kzmq_conn *conn, struct kzmq_zap *zap,
		 const char *mechanism, const struct kvec *creds, int nr);
int kzmq_zap_answer(struct kzmq_conn *conn, struct kzmq_zap *zap);
void kzmq_zap_forget(struct kzmq_zap *zap);

/* The socket that asks for all connections of another */
void kzmq_zap_end(struct kzmq_sock *zs);

#endif /* KZMQ_ZAP_H */
