/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ZMTP codec: greeting, frame headers, commands, metadata.
 *
 * Nothing here allocates, locks or keeps a pointer past the call that was
 * given it (parsers hand back pointers into the caller's octets). Every
 * function returns or consumes a bounded number of octets.
 */
#ifndef KZMQ_ZMTP_H
#define KZMQ_ZMTP_H

#include "pure.h"

/**
 * enum kzmq_ver - what the peer speaks
 * @KZMQ_VER_UNVERSIONED: ZMTP 1.0, no greeting: 1.0 framing, identity first
 * @KZMQ_VER_1:           1.0 framing announced by revision octet 0
 * @KZMQ_VER_2:           ZMTP 2.0
 * @KZMQ_VER_30:          ZMTP 3.0
 * @KZMQ_VER_31:          ZMTP 3.1 and whatever calls itself newer
 */
enum kzmq_ver {
	KZMQ_VER_UNVERSIONED,
	KZMQ_VER_1,
	KZMQ_VER_2,
	KZMQ_VER_30,
	KZMQ_VER_31,
};

/* Socket types by their libzmq numbers, those we do not offer included. */
enum kzmq_type {
	KZMQ_TYPE_PAIR,
	KZMQ_TYPE_PUB,
	KZMQ_TYPE_SUB,
	KZMQ_TYPE_REQ,
	KZMQ_TYPE_REP,
	KZMQ_TYPE_DEALER,
	KZMQ_TYPE_ROUTER,
	KZMQ_TYPE_PULL,
	KZMQ_TYPE_PUSH,
	KZMQ_TYPE_XPUB,
	KZMQ_TYPE_XSUB,
	KZMQ_TYPE_STREAM,
	KZMQ_TYPE_SERVER,
	KZMQ_TYPE_CLIENT,
	KZMQ_TYPE_RADIO,
	KZMQ_TYPE_DISH,
	KZMQ_TYPE_GATHER,
	KZMQ_TYPE_SCATTER,
	KZMQ_TYPE_DGRAM,
	KZMQ_TYPE_PEER,
	KZMQ_TYPE_CHANNEL,
	KZMQ_TYPE_COUNT,
};

/* ---- greeting (zmtp_greeting.c) ---- */

#define KZMQ_GREET_SIG		10	/* octets of the signature */
#define KZMQ_GREET_V2		12	/* whole greeting of 1.0 and 2.0 */
#define KZMQ_GREET_V3		64	/* whole greeting of 3.x */
#define KZMQ_GREET_OUT		64	/* room needed in an output buffer */
#define KZMQ_MECH_LEN		20

/**
 * struct kzmq_greet - state of one greeting, both directions
 * @in:        the peer's greeting so far
 * @in_len:    octets in @in
 * @sent:      octets of our greeting handed out so far
 * @ver:       enum kzmq_ver, valid once @done
 * @type:      our socket type
 * @rid_len:   length of our routing id, stands in the signature's pad
 * @peer_type: 1.0 with revision and 2.0: the peer's socket type octet, not
 *             checked; 0xff for other versions
 * @as_server: 3.x: the peer's as-server octet, not checked
 * @done:      the version is settled and both greetings are complete
 * @serve:     3.x: what our as-server octet says
 * @v3_only:   refuse peers older than 3.0
 * @mech:      our mechanism, NUL padded
 */
struct kzmq_greet {
	u8 in[KZMQ_GREET_V3];
	u8 in_len;
	u8 sent;
	u8 ver;
	u8 type;
	u8 rid_len;
	u8 peer_type;
	u8 as_server;
	u8 done:1;
	u8 v3_only:1;
	u8 serve:1;
	char mech[KZMQ_MECH_LEN];
};

void kzmq_greet_init(struct kzmq_greet *g, int sock_type, const char *mech,
		     u8 rid_len, bool v3_only);
size_t kzmq_greet_start(struct kzmq_greet *g, u8 *out);
int kzmq_greet_feed(struct kzmq_greet *g, const u8 *p, size_t len, u8 *out,
		    size_t *out_len);

/* ---- frames (zmtp_decode.c, zmtp_encode.c) ---- */

#define KZMQ_F_MORE	0x01	/* another frame of this message follows */
#define KZMQ_F_LONG	0x02	/* wire only: the size has 8 octets */
#define KZMQ_F_CMD	0x04	/* command frame, 3.x only */

#define KZMQ_HDR_MAX	10	/* 1.0 long: ff, 8 of length, flags */
#define KZMQ_BODY_MAX	((u64)S64_MAX)

/**
 * struct kzmq_dec - decoder of frame headers
 * @ver:  enum kzmq_ver
 * @have: octets of an unfinished header in @hdr
 * @hdr:  those octets
 */
struct kzmq_dec {
	u8 ver;
	u8 have;
	u8 hdr[KZMQ_HDR_MAX];
};

/**
 * struct kzmq_fhdr - a decoded frame header
 * @size:  octets of the body
 * @flags: KZMQ_F_MORE or KZMQ_F_CMD or 0, nothing else
 */
struct kzmq_fhdr {
	u64 size;
	u8 flags;
};

static inline void kzmq_dec_init(struct kzmq_dec *d, u8 ver)
{
	d->ver = ver;
	d->have = 0;
}

int __kzmq_dec_header(struct kzmq_dec *d, const u8 *p, size_t len, bool *done,
		      struct kzmq_fhdr *h);

/**
 * kzmq_dec_header() - decode the header of a frame
 * @d:    decoder
 * @p:    octets from the peer
 * @len:  how many, at least 1
 * @done: set when @h is complete, else the header goes on in the next octets
 * @h:    the header
 *
 * The short header of a 2.0 or 3.x message, nearly every header there is, is
 * decoded here.
 *
 * Return: octets consumed (1 to KZMQ_HDR_MAX), or -EPROTO: 1.0 length 0, a
 * body over 2^63-1 octets, or COMMAND together with MORE.
 */
static inline int kzmq_dec_header(struct kzmq_dec *d, const u8 *p, size_t len,
				  bool *done, struct kzmq_fhdr *h)
{
	if (likely(!d->have && len >= 2 && d->ver >= KZMQ_VER_2 &&
		   !(p[0] & ~KZMQ_F_MORE))) {
		h->flags = p[0];
		h->size = p[1];
		*done = true;
		return 2;
	}
	return __kzmq_dec_header(d, p, len, done, h);
}

size_t __kzmq_enc_header(u8 *out, u8 ver, u64 size, u8 flags);

/**
 * kzmq_enc_header() - encode the header of a frame
 * @out:   room for KZMQ_HDR_MAX octets
 * @ver:   enum kzmq_ver
 * @size:  octets of the body, at most KZMQ_BODY_MAX
 * @flags: KZMQ_F_MORE or KZMQ_F_CMD or 0; KZMQ_F_CMD is left out before 3.0
 *
 * Return: octets written, at least 2.
 */
static inline size_t kzmq_enc_header(u8 *out, u8 ver, u64 size, u8 flags)
{
	if (likely(ver >= KZMQ_VER_30 && size <= U8_MAX)) {
		out[0] = flags & (KZMQ_F_MORE | KZMQ_F_CMD);
		out[1] = (u8)size;
		return 2;
	}
	return __kzmq_enc_header(out, ver, size, flags);
}

/* ---- commands (zmtp_command.c) ---- */

enum kzmq_cmd_id {
	KZMQ_CMD_UNKNOWN,
	KZMQ_CMD_READY,
	KZMQ_CMD_ERROR,
	KZMQ_CMD_SUBSCRIBE,
	KZMQ_CMD_CANCEL,
	KZMQ_CMD_PING,
	KZMQ_CMD_PONG,
	KZMQ_CMD_JOIN,
	KZMQ_CMD_LEAVE,
	KZMQ_CMD_HELLO,
	KZMQ_CMD_WELCOME,
	KZMQ_CMD_INITIATE,
	KZMQ_CMD_MESSAGE,
};

/**
 * struct kzmq_cmd - a parsed command
 * @id:   which; KZMQ_CMD_UNKNOWN is well formed but has no meaning to us
 * @data: what follows the name, inside the parsed body
 * @len:  octets of @data
 */
struct kzmq_cmd {
	enum kzmq_cmd_id id;
	const u8 *data;
	size_t len;
};

/**
 * struct kzmq_meta - iterator over metadata properties
 * @p:        octets not looked at yet
 * @left:     how many
 * @name:     name of the current property, no NUL
 * @val:      its value
 * @val_len:  octets of @val
 * @name_len: octets of @name, 1 to 255
 */
struct kzmq_meta {
	const u8 *p;
	size_t left;
	const u8 *name;
	const u8 *val;
	u32 val_len;
	u8 name_len;
};

#define KZMQ_READY_NOTYPE	(-1)	/* no Socket-Type property */
#define KZMQ_READY_BADTYPE	(-2)	/* a Socket-Type we never heard of */

/**
 * struct kzmq_ready - what a READY or INITIATE says about the peer
 * @type:    enum kzmq_type, KZMQ_READY_NOTYPE or KZMQ_READY_BADTYPE
 * @rid:     Identity, NULL when there is none
 * @rid_len: octets of @rid
 */
struct kzmq_ready {
	int type;
	const u8 *rid;
	u8 rid_len;
};

#define KZMQ_READY_MAX		320	/* any READY frame of ours, without METADATA */
#define KZMQ_ERROR_MAX		264	/* any ERROR frame of ours */
#define KZMQ_PING_CTX_MAX	16
#define KZMQ_PING_MAX		(2 + 5 + 2 + KZMQ_PING_CTX_MAX)
#define KZMQ_PONG_MAX		(2 + 5 + KZMQ_PING_CTX_MAX)
#define KZMQ_SUB_HDR_MAX	19	/* long header, 09 SUBSCRIBE */
#define KZMQ_CMD_HDR_MAX	19	/* likewise, any command */

int kzmq_cmd_parse(const u8 *body, size_t len, struct kzmq_cmd *c);
int kzmq_error_parse(const u8 *data, size_t len, const u8 **reason,
		     u8 *reason_len);
int kzmq_error_status(const u8 *data, size_t len);

void kzmq_meta_init(struct kzmq_meta *m, const u8 *data, size_t len);
int kzmq_meta_next(struct kzmq_meta *m);
bool kzmq_meta_is(const struct kzmq_meta *m, const char *name);
int kzmq_ready_parse(const u8 *data, size_t len, struct kzmq_ready *r);

int kzmq_ping_parse(const u8 *data, size_t len, u16 *ttl, const u8 **ctx,
		    u8 *ctx_len);

size_t kzmq_meta_size(int type, u8 rid_len, size_t meta_len);
size_t kzmq_enc_meta(u8 *out, int type, const u8 *rid, u8 rid_len,
		     const u8 *meta, size_t meta_len);
size_t kzmq_enc_cmd(u8 *out, enum kzmq_cmd_id id, size_t len);
size_t kzmq_enc_ready(u8 *out, size_t room, int type, const u8 *rid,
		      u8 rid_len, const u8 *meta, size_t meta_len);
size_t kzmq_enc_error(u8 *out, size_t room, const char *reason);
size_t kzmq_enc_ping(u8 *out, u16 ttl, const u8 *ctx, u8 ctx_len);
size_t kzmq_enc_pong(u8 *out, const u8 *ctx, u8 ctx_len);
size_t kzmq_enc_sub(u8 *out, bool cancel, u64 topic_len);
size_t kzmq_enc_sub_msg(u8 *out, u8 ver, bool cancel, u64 topic_len);

/* ---- PLAIN (zmtp_plain.c) ---- */

/* Octets of commands without the header of their frame */
#define KZMQ_HELLO_MIN		(6 + 1 + 1)
#define KZMQ_HELLO_MAX		(6 + 1 + U8_MAX + 1 + U8_MAX)
#define KZMQ_ERROR_BODY_MAX	(6 + 1 + U8_MAX)
#define KZMQ_WELCOME_FRAME	(2 + 8)

/**
 * struct kzmq_hello - PLAIN's HELLO
 * @user:     user name, inside what was parsed
 * @pass:     password, likewise
 * @user_len: octets of @user
 * @pass_len: octets of @pass
 */
struct kzmq_hello {
	const u8 *user;
	const u8 *pass;
	u8 user_len;
	u8 pass_len;
};

int kzmq_hello_parse(const u8 *data, size_t len, struct kzmq_hello *h);
size_t kzmq_hello_size(const struct kzmq_hello *h);
size_t kzmq_enc_hello(u8 *out, const struct kzmq_hello *h);

const char *kzmq_type_name(int type);
int kzmq_type_from_name(const u8 *s, size_t n);
bool kzmq_type_compatible(int a, int b);

#endif /* KZMQ_ZMTP_H */
