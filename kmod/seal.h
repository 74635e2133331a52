/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_SEAL_H
#define KZMQ_SEAL_H

#include "box.h"
#include "zmtp_curve.h"

struct kzmq_conn;
struct kzmq_ctl;
struct kzmq_msg;

/* Octets of a MESSAGE that are no payload */
#define KZMQ_SEAL_EXTRA		KZMQ_CURVE_MESSAGE
/* What a sealed command is longer than the same command as a frame, at most */
#define KZMQ_SEAL_CTL		(KZMQ_SEAL_EXTRA + KZMQ_HDR_MAX)

/**
 * struct kzmq_seal - traffic of a connection goes in boxes
 * @tx:    for boxes of ours
 * @rx:    for the peer's, whose numbers may have gaps
 * @sent:  short nonce of the last box we sealed; under kzmq_tx.lock, as @tx
 * @heard: that of the last one opened; under the lower socket's lock, as @rx
 *
 * Not quite 1 KiB a connection: the key stream of a few messages to come.
 */
struct kzmq_seal {
	struct kzmq_salsa_ahead	tx;
	struct kzmq_salsa_ahead	rx;
	u64			sent;
	u64			heard;
};

struct kzmq_seal *kzmq_seal_alloc(const u8 key[KZMQ_KEY], bool server,
				  u64 sent, u64 heard, gfp_t gfp);
void kzmq_seal_free(struct kzmq_seal *seal);

/* What goes out; kzmq_tx.lock is held */
int kzmq_seal_ctl(struct kzmq_conn *conn, struct kzmq_ctl *ctl);
u8 *kzmq_seal_into(struct kzmq_conn *conn, const struct kzmq_msg *msg, u8 *out,
		   size_t room);
struct kzmq_msg *kzmq_seal_msg(struct kzmq_conn *conn,
			       const struct kzmq_msg *msg);

/* What comes in; the lower socket's lock is held */
int kzmq_seal_check(struct kzmq_conn *conn);
int kzmq_seal_open(struct kzmq_conn *conn);

#endif /* KZMQ_SEAL_H */
