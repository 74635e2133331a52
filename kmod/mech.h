/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_MECH_H
#define KZMQ_MECH_H

#include <linux/sizes.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "mib.h"
#include "sec.h"
#include "zap.h"
#include "zmtp.h"

struct kzmq_conn;
struct kzmq_mech;
struct kzmq_seal;

/**
 * enum kzmq_mech_verdict - what an operation of a mechanism has come to
 * @KZMQ_MECH_MORE:  send .out if there is any, then wait for a command
 * @KZMQ_MECH_AUTH:  ask the ZAP handler about .creds, then go on with @authed
 * @KZMQ_MECH_DONE:  .meta is what the peer says of itself; if it will do, send
 *                   .out and let messages pass
 * @KZMQ_MECH_DENY:  the peer is who it says, and may not come in
 * @KZMQ_MECH_FAIL:  .fault, .fault_code: the peer broke a rule
 * @KZMQ_MECH_NOMEM: there was no memory; the connection ends, without a fault
 */
enum kzmq_mech_verdict {
	KZMQ_MECH_MORE,
	KZMQ_MECH_AUTH,
	KZMQ_MECH_DONE,
	KZMQ_MECH_DENY,
	KZMQ_MECH_FAIL,
	KZMQ_MECH_NOMEM,
};

/* What the work item of a handshake has to do */
enum kzmq_mech_todo {
	KZMQ_MECH_DO_START,
	KZMQ_MECH_DO_COMMAND,
	KZMQ_MECH_DO_AUTHED,
};

/**
 * struct kzmq_mech_ops - a mechanism
 * @name:    in the greeting and in requests to the ZAP handler
 * @size:    of its state, which begins with struct kzmq_mech
 * @usable:  may it be chosen, NULL for always
 * @keep:    its state is needed for the traffic, until the connection goes
 * @open:    the handler need not be there: who is not asked about comes in,
 *           unless ZMQ_ZAP_ENFORCE_DOMAIN forbids
 * @init:    a connection begins: sets .starts, .most and .most_fault. Process
 *           context, may fail with -ENOMEM
 * @start:   the greeting is complete and .starts is set: what do we say first?
 *           Process context, only the mechanism's own state is touched
 * @check:   a command came: may it, and does it have the right size? Any
 *           context, cheap, allocates nothing. 0 or the fault, a KZMQ_MIB_...
 * @command: the heavy part. As @start; @cmd lies in .in
 * @authed:  the ZAP handler said yes, or need not be asked. As @start; .in is
 *           the command that led there
 * @destroy: wipe what is secret, NULL when there is nothing. Any context
 */
struct kzmq_mech_ops {
	const char	*name;
	size_t		size;
	bool		(*usable)(void);
	bool		keep;
	bool		open;
	int		(*init)(struct kzmq_mech *m);
	enum kzmq_mech_verdict (*start)(struct kzmq_mech *m);
	enum kzmq_mib_id (*check)(const struct kzmq_mech *m,
				  const struct kzmq_cmd *cmd);
	enum kzmq_mech_verdict (*command)(struct kzmq_mech *m,
					  const struct kzmq_cmd *cmd);
	enum kzmq_mech_verdict (*authed)(struct kzmq_mech *m);
	void		(*destroy)(struct kzmq_mech *m);
};

/* Octets of a command with metadata at most */
#define KZMQ_MECH_META_MAX	SZ_64K

/**
 * struct kzmq_mech - the handshake of one connection, where READY is not enough
 * @ops:    the mechanism
 * @conn:   the connection
 * @sec:    its endpoint's options; the endpoint holds them
 * @server: we let in
 * @starts: we speak first
 * @work:   does the heavy part; holds a reference of @conn while it is queued
 * @busy:   @work was queued and what it came to was not looked at; set under the
 *          lower lock, nothing is read meanwhile
 * @done:   @work is through; stored with release
 * @todo:   enum kzmq_mech_todo
 * @verdict: enum kzmq_mech_verdict
 * @in:     the command being worked on, name included; wiped when dropped
 * @in_len: its octets
 * @out:    a whole frame to be sent, or NULL; see kzmq_mech_out()
 * @out_len: its octets
 * @meta:   DONE: metadata of the peer, in @in or the mechanism's state
 * @meta_len: its octets
 * @most:   octets the next command may have; under the lower lock or while @busy
 * @most_fault: the fault of one that has more
 * @fault:  FAIL: the counter, KZMQ_MIB_...
 * @fault_code: FAIL: ZMQ_PROTOCOL_ERROR_..., 0 when @fault says it all
 * @seal:   DONE: what the traffic is sealed with, or NULL; goes to the connection
 * @creds:  AUTH: the credentials; they stay until @authed is called
 * @nr_creds: how many
 * @asked:  the ZAP handler has the word; under the connection's work item
 * @zap:    the question to it
 *
 * While @busy is set, @work alone may touch what the mechanism keeps; else the
 * connection's work item. Only @check looks from elsewhere, and only when not
 * @busy. Once READY it goes, unless @ops says that it is kept.
 */
struct kzmq_mech {
	const struct kzmq_mech_ops *ops;
	struct kzmq_conn	*conn;
	const struct kzmq_sec	*sec;
	bool			server;
	bool			starts;
	struct work_struct	work;
	bool			busy;
	bool			done;
	u8			todo;
	u8			verdict;
	u8			*in;
	size_t			in_len;
	u8			*out;
	size_t			out_len;
	const u8		*meta;
	size_t			meta_len;
	u32			most;
	enum kzmq_mib_id	most_fault;
	enum kzmq_mib_id	fault;
	u32			fault_code;
	struct kzmq_seal	*seal;
	struct kvec		creds[KZMQ_ZAP_CREDS];
	u8			nr_creds;
	bool			asked;
	struct kzmq_zap		zap;
};

/* The rows of the table in mech.c */
extern const struct kzmq_mech_ops kzmq_mech_null;
extern const struct kzmq_mech_ops kzmq_mech_plain;
extern const struct kzmq_mech_ops kzmq_mech_curve;

void kzmq_curve_exit(void);

/* For mechanisms */
u8 *kzmq_mech_out(struct kzmq_mech *m, size_t len);
enum kzmq_mech_verdict kzmq_mech_failed(struct kzmq_mech *m,
					enum kzmq_mib_id fault, u32 code);
size_t kzmq_mech_meta_len(const struct kzmq_mech *m);
void kzmq_mech_meta(const struct kzmq_mech *m, u8 *out);
enum kzmq_mech_verdict kzmq_mech_tell(struct kzmq_mech *m,
				      enum kzmq_cmd_id id,
				      enum kzmq_mech_verdict verdict);

/* For the connection */
bool kzmq_mech_usable(int mechanism);
const char *kzmq_mech_name(const struct kzmq_sec *sec);
int kzmq_mech_add(struct kzmq_conn *conn);
void kzmq_mech_free(struct kzmq_conn *conn);
void kzmq_mech_over(struct kzmq_conn *conn);
void kzmq_mech_greeted(struct kzmq_conn *conn);
int kzmq_mech_rx(struct kzmq_conn *conn, const struct kzmq_cmd *cmd,
		 const u8 *body, size_t len);
bool kzmq_mech_busy(const struct kzmq_conn *conn);
int kzmq_mech_step(struct kzmq_conn *conn);

#endif /* KZMQ_MECH_H */
