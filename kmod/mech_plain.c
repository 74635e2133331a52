// SPDX-License-Identifier: GPL-2.0
/*
 * PLAIN (RFC 24): a name and a password, in the clear, judged by the ZAP handler.
 * Nobody there to judge: nobody comes in.
 *
 * Locks, contexts: see mech.h; nothing here is heavy.
 */
#include "mech.h"

enum plain_state {
	PLAIN_HELLO,		/* server: wants HELLO; client: has to say it */
	PLAIN_WELCOME,		/* client: wants WELCOME */
	PLAIN_INITIATE,		/* server: wants INITIATE */
	PLAIN_READY,		/* client: wants READY */
	PLAIN_END,		/* wants nothing more */
};

/**
 * struct plain - one handshake
 * @m:     what all have
 * @state: enum plain_state
 */
struct plain {
	struct kzmq_mech	m;
	u8			state;
};

static struct plain *plain_of(struct kzmq_mech *m)
{
	return container_of(m, struct plain, m);
}

/* What the peer has to say next, how much of it, and what too much is */
static void plain_expect(struct plain *p, enum plain_state state, u32 most,
			 enum kzmq_mib_id too_much)
{
	p->state = state;
	p->m.most = most;
	p->m.most_fault = too_much;
}

static int plain_init(struct kzmq_mech *m)
{
	struct plain *p = plain_of(m);

	m->starts = !m->server;
	plain_expect(p, PLAIN_HELLO, KZMQ_HELLO_MAX, KZMQ_MIB_BAD_HELLO);
	return 0;
}

static enum kzmq_mech_verdict plain_start(struct kzmq_mech *m)
{
	const struct kzmq_sec *sec = m->sec;
	struct kzmq_hello h = {
		.user = sec->user.data,
		.user_len = sec->user.len,
		.pass = sec->pass.data,
		.pass_len = sec->pass.len,
	};
	u8 *out = kzmq_mech_out(m, kzmq_hello_size(&h));

	if (!out)
		return KZMQ_MECH_NOMEM;
	kzmq_enc_hello(out, &h);
	plain_expect(plain_of(m), PLAIN_WELCOME, KZMQ_ERROR_BODY_MAX,
		     KZMQ_MIB_BAD_WELCOME);
	return KZMQ_MECH_MORE;
}

static enum kzmq_mib_id plain_check(const struct kzmq_mech *m,
				    const struct kzmq_cmd *cmd)
{
	const struct plain *p = container_of(m, const struct plain, m);
	struct kzmq_hello h;

	switch (p->state) {
	case PLAIN_HELLO:
		if (cmd->id != KZMQ_CMD_HELLO)
			return KZMQ_MIB_BAD_COMMAND;
		return kzmq_hello_parse(cmd->data, cmd->len, &h) ?
		       KZMQ_MIB_BAD_HELLO : 0;
	case PLAIN_WELCOME:
		if (cmd->id != KZMQ_CMD_WELCOME)
			return KZMQ_MIB_BAD_COMMAND;
		return cmd->len ? KZMQ_MIB_BAD_WELCOME : 0;
	case PLAIN_INITIATE:
		return cmd->id == KZMQ_CMD_INITIATE ? 0 : KZMQ_MIB_BAD_COMMAND;
	case PLAIN_READY:
		return cmd->id == KZMQ_CMD_READY ? 0 : KZMQ_MIB_BAD_COMMAND;
	}
	return KZMQ_MIB_BAD_COMMAND;
}

/* Name and password stay in .in until they are judged. */
static enum kzmq_mech_verdict plain_hello(struct kzmq_mech *m,
					  const struct kzmq_cmd *cmd)
{
	struct kzmq_hello h;

	if (kzmq_hello_parse(cmd->data, cmd->len, &h))
		return kzmq_mech_failed(m, KZMQ_MIB_BAD_HELLO, 0);
	m->creds[0].iov_base = (void *)h.user;
	m->creds[0].iov_len = h.user_len;
	m->creds[1].iov_base = (void *)h.pass;
	m->creds[1].iov_len = h.pass_len;
	m->nr_creds = 2;
	return KZMQ_MECH_AUTH;
}

static enum kzmq_mech_verdict plain_command(struct kzmq_mech *m,
					    const struct kzmq_cmd *cmd)
{
	struct plain *p = plain_of(m);

	switch (p->state) {
	case PLAIN_HELLO:
		return plain_hello(m, cmd);
	case PLAIN_WELCOME:
		plain_expect(p, PLAIN_READY, KZMQ_MECH_META_MAX,
			     KZMQ_MIB_BAD_READY);
		return kzmq_mech_tell(m, KZMQ_CMD_INITIATE, KZMQ_MECH_MORE);
	case PLAIN_INITIATE:
		p->state = PLAIN_END;
		m->meta = cmd->data;
		m->meta_len = cmd->len;
		return kzmq_mech_tell(m, KZMQ_CMD_READY, KZMQ_MECH_DONE);
	case PLAIN_READY:
		p->state = PLAIN_END;
		m->meta = cmd->data;
		m->meta_len = cmd->len;
		return KZMQ_MECH_DONE;
	}
	return kzmq_mech_failed(m, KZMQ_MIB_BAD_COMMAND, 0);
}

static enum kzmq_mech_verdict plain_authed(struct kzmq_mech *m)
{
	u8 *out = kzmq_mech_out(m, KZMQ_WELCOME_FRAME);

	if (!out)
		return KZMQ_MECH_NOMEM;
	kzmq_enc_cmd(out, KZMQ_CMD_WELCOME, 0);
	plain_expect(plain_of(m), PLAIN_INITIATE, KZMQ_MECH_META_MAX,
		     KZMQ_MIB_BAD_INITIATE);
	return KZMQ_MECH_MORE;
}

const struct kzmq_mech_ops kzmq_mech_plain = {
	.name		= "PLAIN",
	.size		= sizeof(struct plain),
	.init		= plain_init,
	.start		= plain_start,
	.check		= plain_check,
	.command	= plain_command,
	.authed		= plain_authed,
};
