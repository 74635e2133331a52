// SPDX-License-Identifier: GPL-2.0
/*
 * ZMTP 3.x commands, the metadata in them, and what socket types are called
 * and may talk to.
 */
#include "zmtp.h"

/* A name with its length octet in front, as it stands on the wire. */
#define CMD(len, name)	{ (const u8 *)len name, sizeof(name) }

static const struct {
	const u8 *wire;
	u8 wire_len;
} cmd_table[] = {
	[KZMQ_CMD_READY]	= CMD("\x05", "READY"),
	[KZMQ_CMD_ERROR]	= CMD("\x05", "ERROR"),
	[KZMQ_CMD_SUBSCRIBE]	= CMD("\x09", "SUBSCRIBE"),
	[KZMQ_CMD_CANCEL]	= CMD("\x06", "CANCEL"),
	[KZMQ_CMD_PING]		= CMD("\x04", "PING"),
	[KZMQ_CMD_PONG]		= CMD("\x04", "PONG"),
	[KZMQ_CMD_JOIN]		= CMD("\x04", "JOIN"),
	[KZMQ_CMD_LEAVE]	= CMD("\x05", "LEAVE"),
	[KZMQ_CMD_HELLO]	= CMD("\x05", "HELLO"),
	[KZMQ_CMD_WELCOME]	= CMD("\x07", "WELCOME"),
	[KZMQ_CMD_INITIATE]	= CMD("\x08", "INITIATE"),
	[KZMQ_CMD_MESSAGE]	= CMD("\x07", "MESSAGE"),
};

/* libzmq's PLAIN server writes this where 05 "ERROR" belongs. */
static const u8 cmd_error_typo[] = { '^', 'R', 'R', 'O', 'R' };

/**
 * kzmq_cmd_parse() - split the body of a command frame
 * @body: octets of the body
 * @len:  how many
 * @c:    the command; points into @body
 *
 * Return: 0, or -EPROTO when there is no name or it leaves the body.
 */
int kzmq_cmd_parse(const u8 *body, size_t len, struct kzmq_cmd *c)
{
	size_t wire;
	int i;

	if (!len || !body[0])
		return -EPROTO;
	wire = (size_t)body[0] + 1;
	c->id = KZMQ_CMD_UNKNOWN;
	if (wire > len) {
		wire = sizeof(cmd_error_typo);
		if (len < wire || memcmp(body, cmd_error_typo, wire))
			return -EPROTO;
		c->id = KZMQ_CMD_ERROR;
	}
	c->data = body + wire;
	c->len = len - wire;
	if (c->id != KZMQ_CMD_UNKNOWN)
		return 0;
	for (i = KZMQ_CMD_READY; i < (int)ARRAY_SIZE(cmd_table); i++) {
		if (cmd_table[i].wire_len == wire &&
		    !memcmp(cmd_table[i].wire, body, wire)) {
			c->id = (enum kzmq_cmd_id)i;
			break;
		}
	}
	return 0;
}

/**
 * kzmq_error_parse() - the reason of an ERROR command
 * @data:       what follows the name
 * @len:        octets of @data
 * @reason:     text without NUL, not to be trusted
 * @reason_len: its length
 *
 * Return: 0, or -EPROTO when the reason is missing or leaves @data.
 */
int kzmq_error_parse(const u8 *data, size_t len, const u8 **reason,
		     u8 *reason_len)
{
	if (!len || data[0] > len - 1)
		return -EPROTO;
	*reason = data + 1;
	*reason_len = data[0];
	return 0;
}

/**
 * kzmq_error_status() - the status code an ERROR command hands on
 * @data: what follows the name
 * @len:  octets of @data
 *
 * Return: 300, 400 or 500, 0 when the reason is none of these, or -EPROTO when
 * there is none or it leaves @data.
 */
int kzmq_error_status(const u8 *data, size_t len)
{
	const u8 *reason;
	u8 n;

	if (kzmq_error_parse(data, len, &reason, &n))
		return -EPROTO;
	if (n != 3 || reason[0] < '3' || reason[0] > '5' || reason[1] != '0' ||
	    reason[2] != '0')
		return 0;
	return (reason[0] - '0') * 100;
}

/**
 * kzmq_meta_init() - start going over metadata
 * @m:    iterator
 * @data: octets of the metadata
 * @len:  how many
 */
void kzmq_meta_init(struct kzmq_meta *m, const u8 *data, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->p = data;
	m->left = len;
}

/**
 * kzmq_meta_next() - go to the next property
 * @m: iterator
 *
 * Return: 1 with the property in @m, 0 at the end, -EPROTO when what is left
 * is no property.
 */
int kzmq_meta_next(struct kzmq_meta *m)
{
	size_t left = m->left;
	const u8 *p = m->p;

	if (!left)
		return 0;
	m->name_len = p[0];
	left--;
	if (!m->name_len || left < (size_t)m->name_len + 4)
		return -EPROTO;
	m->name = p + 1;
	p += 1 + m->name_len;
	m->val_len = get_unaligned_be32(p);
	left -= (size_t)m->name_len + 4;
	if (m->val_len > 0x7fffffff || m->val_len > left)
		return -EPROTO;
	m->val = p + 4;
	m->p = m->val + m->val_len;
	m->left = left - m->val_len;
	return 1;
}

static u8 meta_lower(u8 c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/**
 * kzmq_meta_is() - is this the name of the current property?
 * @m:    iterator
 * @name: ASCII, its case does not matter
 */
bool kzmq_meta_is(const struct kzmq_meta *m, const char *name)
{
	size_t i;

	if (strlen(name) != m->name_len)
		return false;
	for (i = 0; i < m->name_len; i++) {
		if (meta_lower(m->name[i]) != meta_lower((u8)name[i]))
			return false;
	}
	return true;
}

/**
 * kzmq_ready_parse() - what metadata says about the peer
 * @data: octets of the metadata
 * @len:  how many
 * @r:    the result; points into @data
 *
 * Of a property given more than once the first counts, others are checked for
 * form only.
 *
 * Return: 0, or -EPROTO when malformed or an Identity exceeds 255 octets.
 */
int kzmq_ready_parse(const u8 *data, size_t len, struct kzmq_ready *r)
{
	struct kzmq_meta m;
	int ret;

	r->type = KZMQ_READY_NOTYPE;
	r->rid = NULL;
	r->rid_len = 0;
	kzmq_meta_init(&m, data, len);
	while ((ret = kzmq_meta_next(&m)) > 0) {
		if (kzmq_meta_is(&m, "Socket-Type")) {
			if (r->type != KZMQ_READY_NOTYPE)
				continue;
			r->type = kzmq_type_from_name(m.val, m.val_len);
			if (r->type < 0)
				r->type = KZMQ_READY_BADTYPE;
		} else if (kzmq_meta_is(&m, "Identity")) {
			if (m.val_len > U8_MAX)
				return -EPROTO;
			if (r->rid)
				continue;
			r->rid = m.val;
			r->rid_len = (u8)m.val_len;
		}
	}
	return ret;
}

/**
 * kzmq_ping_parse() - parse what follows the name of a PING
 * @data:    octets
 * @len:     how many
 * @ttl:     tenths of a second
 * @ctx:     context to be echoed, inside @data
 * @ctx_len: its length, cut to KZMQ_PING_CTX_MAX
 *
 * Return: 0, or -EPROTO when the TTL is not all there.
 */
int kzmq_ping_parse(const u8 *data, size_t len, u16 *ttl, const u8 **ctx,
		    u8 *ctx_len)
{
	if (len < 2)
		return -EPROTO;
	*ttl = get_unaligned_be16(data);
	*ctx = data + 2;
	*ctx_len = (u8)min_t(size_t, len - 2, KZMQ_PING_CTX_MAX);
	return 0;
}

static u8 *put_cmd_name(u8 *o, enum kzmq_cmd_id id)
{
	memcpy(o, cmd_table[id].wire, cmd_table[id].wire_len);
	return o + cmd_table[id].wire_len;
}

static u8 *put_octets(u8 *o, const void *p, size_t n)
{
	if (n)
		memcpy(o, p, n);
	return o + n;
}

static u8 *put_property(u8 *o, const char *name, const void *val, u32 len)
{
	size_t n = strlen(name);

	*o++ = (u8)n;
	o = put_octets(o, name, n);
	put_unaligned_be32(len, o);
	return put_octets(o + 4, val, len);
}

static size_t property_size(const char *name, size_t len)
{
	return 1 + strlen(name) + 4 + len;
}

static bool type_has_identity(int type)
{
	return type == KZMQ_TYPE_REQ || type == KZMQ_TYPE_DEALER ||
	       type == KZMQ_TYPE_ROUTER;
}

/**
 * kzmq_meta_size() - octets of our metadata
 * @type:     our socket type
 * @rid_len:  length of our routing id
 * @meta_len: octets of further properties
 *
 * Return: the octets, 0 when there is no such type.
 */
size_t kzmq_meta_size(int type, u8 rid_len, size_t meta_len)
{
	const char *name = kzmq_type_name(type);
	size_t size;

	if (!name)
		return 0;
	size = property_size("Socket-Type", strlen(name)) + meta_len;
	if (type_has_identity(type))
		size += property_size("Identity", rid_len);
	return size;
}

/**
 * kzmq_enc_meta() - our metadata
 * @out:      room for kzmq_meta_size() octets
 * @type:     our socket type, one that there is
 * @rid:      our routing id, told by REQ, DEALER and ROUTER only
 * @rid_len:  its length; an empty one is told as well
 * @meta:     further properties as they stand on the wire
 * @meta_len: octets of @meta
 *
 * Return: octets written.
 */
size_t kzmq_enc_meta(u8 *out, int type, const u8 *rid, u8 rid_len,
		     const u8 *meta, size_t meta_len)
{
	const char *name = kzmq_type_name(type);
	u8 *o;

	o = put_property(out, "Socket-Type", name, (u32)strlen(name));
	if (type_has_identity(type))
		o = put_property(o, "Identity", rid, rid_len);
	o = put_octets(o, meta, meta_len);
	return (size_t)(o - out);
}

/**
 * kzmq_enc_cmd() - head of a command's frame
 * @out: room for KZMQ_CMD_HDR_MAX octets
 * @id:  the command
 * @len: octets of what follows the name
 *
 * Return: octets written.
 */
size_t kzmq_enc_cmd(u8 *out, enum kzmq_cmd_id id, size_t len)
{
	size_t hdr = kzmq_enc_header(out, KZMQ_VER_31,
				     len + cmd_table[id].wire_len, KZMQ_F_CMD);

	return (size_t)(put_cmd_name(out + hdr, id) - out);
}

/**
 * kzmq_enc_ready() - a whole READY frame for the NULL mechanism
 * @out:     where to
 * @room:    octets there, KZMQ_READY_MAX and @meta_len are always enough
 * @type:    our socket type
 * @rid:     our routing id, sent by REQ, DEALER and ROUTER only
 * @rid_len: its length; an empty one is sent as well
 * @meta:    further properties as they stand on the wire
 * @meta_len: octets of @meta
 *
 * Return: octets written, 0 when there is no room or no such type.
 */
size_t kzmq_enc_ready(u8 *out, size_t room, int type, const u8 *rid,
		      u8 rid_len, const u8 *meta, size_t meta_len)
{
	size_t size = kzmq_meta_size(type, rid_len, meta_len);
	size_t body = size + cmd_table[KZMQ_CMD_READY].wire_len;
	size_t hdr;

	if (!size || room < body + (body > U8_MAX ? 9 : 2))
		return 0;
	hdr = kzmq_enc_cmd(out, KZMQ_CMD_READY, size);
	return hdr + kzmq_enc_meta(out + hdr, type, rid, rid_len, meta,
				   meta_len);
}

/**
 * kzmq_enc_error() - a whole ERROR frame
 * @out:    where to
 * @room:   octets there, KZMQ_ERROR_MAX is always enough
 * @reason: text, cut to what fits a frame with a short header
 *
 * Return: octets written, 0 when there is no room.
 */
size_t kzmq_enc_error(u8 *out, size_t room, const char *reason)
{
	size_t name = cmd_table[KZMQ_CMD_ERROR].wire_len;
	size_t n = strnlen(reason, U8_MAX - name - 1);
	u8 *o;

	if (room < 2 + name + 1 + n)
		return 0;
	kzmq_enc_header(out, KZMQ_VER_31, name + 1 + n, KZMQ_F_CMD);
	o = put_cmd_name(out + 2, KZMQ_CMD_ERROR);
	*o++ = (u8)n;
	o = put_octets(o, reason, n);
	return (size_t)(o - out);
}

/**
 * kzmq_enc_ping() - a whole PING frame
 * @out:     room for KZMQ_PING_MAX octets
 * @ttl:     tenths of a second
 * @ctx:     context the peer has to echo
 * @ctx_len: its length, cut to KZMQ_PING_CTX_MAX
 *
 * Return: octets written.
 */
size_t kzmq_enc_ping(u8 *out, u16 ttl, const u8 *ctx, u8 ctx_len)
{
	u8 *o = put_cmd_name(out + 2, KZMQ_CMD_PING);

	put_unaligned_be16(ttl, o);
	o = put_octets(o + 2, ctx, min_t(u8, ctx_len, KZMQ_PING_CTX_MAX));
	kzmq_enc_header(out, KZMQ_VER_31, (u64)(o - out - 2), KZMQ_F_CMD);
	return (size_t)(o - out);
}

/**
 * kzmq_enc_pong() - a whole PONG frame
 * @out:     room for KZMQ_PONG_MAX octets
 * @ctx:     context of the PING
 * @ctx_len: its length, cut to KZMQ_PING_CTX_MAX
 *
 * Return: octets written.
 */
size_t kzmq_enc_pong(u8 *out, const u8 *ctx, u8 ctx_len)
{
	u8 *o = put_cmd_name(out + 2, KZMQ_CMD_PONG);

	o = put_octets(o, ctx, min_t(u8, ctx_len, KZMQ_PING_CTX_MAX));
	kzmq_enc_header(out, KZMQ_VER_31, (u64)(o - out - 2), KZMQ_F_CMD);
	return (size_t)(o - out);
}

/**
 * kzmq_enc_sub() - head of a SUBSCRIBE or CANCEL frame, for 3.1 peers
 * @out:       room for KZMQ_SUB_HDR_MAX octets
 * @cancel:    CANCEL, else SUBSCRIBE
 * @topic_len: octets of the topic, which has to follow
 *
 * Return: octets written, 0 when no frame can hold such a topic.
 */
size_t kzmq_enc_sub(u8 *out, bool cancel, u64 topic_len)
{
	enum kzmq_cmd_id id = cancel ? KZMQ_CMD_CANCEL : KZMQ_CMD_SUBSCRIBE;
	u8 name = cmd_table[id].wire_len;
	size_t hdr;

	if (topic_len > KZMQ_BODY_MAX - name)
		return 0;
	hdr = kzmq_enc_header(out, KZMQ_VER_31, topic_len + name, KZMQ_F_CMD);
	put_cmd_name(out + hdr, id);
	return hdr + name;
}

/**
 * kzmq_enc_sub_msg() - head of a subscription message, for peers before 3.1
 * @out:       room for KZMQ_SUB_HDR_MAX octets
 * @ver:       enum kzmq_ver
 * @cancel:    unsubscribe, else subscribe
 * @topic_len: octets of the topic, which has to follow
 *
 * Return: octets written, 0 when no frame can hold such a topic.
 */
size_t kzmq_enc_sub_msg(u8 *out, u8 ver, bool cancel, u64 topic_len)
{
	size_t hdr;

	if (topic_len > KZMQ_BODY_MAX - 1)
		return 0;
	hdr = kzmq_enc_header(out, ver, topic_len + 1, 0);
	out[hdr] = !cancel;
	return hdr + 1;
}

#define T(x)	BIT(KZMQ_TYPE_##x)

static const struct {
	const char *name;
	u32 peers;
} type_table[KZMQ_TYPE_COUNT] = {
	[KZMQ_TYPE_PAIR]	= { "PAIR", T(PAIR) },
	[KZMQ_TYPE_PUB]		= { "PUB", T(SUB) | T(XSUB) },
	[KZMQ_TYPE_SUB]		= { "SUB", T(PUB) | T(XPUB) },
	[KZMQ_TYPE_REQ]		= { "REQ", T(REP) | T(ROUTER) },
	[KZMQ_TYPE_REP]		= { "REP", T(REQ) | T(DEALER) },
	[KZMQ_TYPE_DEALER]	= { "DEALER", T(REP) | T(DEALER) | T(ROUTER) },
	[KZMQ_TYPE_ROUTER]	= { "ROUTER", T(REQ) | T(DEALER) | T(ROUTER) },
	[KZMQ_TYPE_PULL]	= { "PULL", T(PUSH) },
	[KZMQ_TYPE_PUSH]	= { "PUSH", T(PULL) },
	[KZMQ_TYPE_XPUB]	= { "XPUB", T(SUB) | T(XSUB) },
	[KZMQ_TYPE_XSUB]	= { "XSUB", T(PUB) | T(XPUB) },
	[KZMQ_TYPE_STREAM]	= { "STREAM", 0 },
	[KZMQ_TYPE_SERVER]	= { "SERVER", T(CLIENT) },
	[KZMQ_TYPE_CLIENT]	= { "CLIENT", T(SERVER) },
	[KZMQ_TYPE_RADIO]	= { "RADIO", T(DISH) },
	[KZMQ_TYPE_DISH]	= { "DISH", T(RADIO) },
	[KZMQ_TYPE_GATHER]	= { "GATHER", T(SCATTER) },
	[KZMQ_TYPE_SCATTER]	= { "SCATTER", T(GATHER) },
	[KZMQ_TYPE_DGRAM]	= { "DGRAM", 0 },
	[KZMQ_TYPE_PEER]	= { "PEER", T(PEER) },
	[KZMQ_TYPE_CHANNEL]	= { "CHANNEL", T(CHANNEL) },
};

#undef T

/**
 * kzmq_type_name() - name of a socket type as in Socket-Type
 * @type: enum kzmq_type
 *
 * Return: the name, NULL when there is no such type.
 */
const char *kzmq_type_name(int type)
{
	if (type < 0 || type >= KZMQ_TYPE_COUNT)
		return NULL;
	return type_table[type].name;
}

/**
 * kzmq_type_from_name() - socket type of a name
 * @s: name, no NUL, case matters
 * @n: its length
 *
 * Return: enum kzmq_type, or -1 when there is no such name.
 */
int kzmq_type_from_name(const u8 *s, size_t n)
{
	int i;

	for (i = 0; i < KZMQ_TYPE_COUNT; i++) {
		if (strlen(type_table[i].name) == n &&
		    !memcmp(type_table[i].name, s, n))
			return i;
	}
	return -1;
}

/**
 * kzmq_type_compatible() - may two socket types talk to each other?
 * @a: enum kzmq_type or anything
 * @b: enum kzmq_type or anything
 */
bool kzmq_type_compatible(int a, int b)
{
	if (!kzmq_type_name(a) || !kzmq_type_name(b))
		return false;
	return type_table[a].peers & BIT(b);
}
