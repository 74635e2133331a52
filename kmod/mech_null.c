// SPDX-License-Identifier: GPL-2.0
/*
 * NULL with a ZAP domain: READY waits until the ZAP handler has said yes. Both
 * sides may have one, and neither is the server.
 *
 * NULL without a domain has no struct kzmq_mech at all.
 *
 * Locks, contexts: see mech.h; nothing here is heavy.
 */
#include "mech.h"

static int null_init(struct kzmq_mech *m)
{
	m->starts = true;
	m->most = KZMQ_MECH_META_MAX;
	m->most_fault = KZMQ_MIB_BAD_READY;
	return 0;
}

/* There is nothing to know of the peer but its address. */
static enum kzmq_mech_verdict null_start(struct kzmq_mech *m)
{
	m->nr_creds = 0;
	return KZMQ_MECH_AUTH;
}

static enum kzmq_mech_verdict null_authed(struct kzmq_mech *m)
{
	return kzmq_mech_tell(m, KZMQ_CMD_READY, KZMQ_MECH_MORE);
}

static enum kzmq_mib_id null_check(const struct kzmq_mech *m,
				   const struct kzmq_cmd *cmd)
{
	return cmd->id == KZMQ_CMD_READY ? 0 : KZMQ_MIB_BAD_COMMAND;
}

static enum kzmq_mech_verdict null_command(struct kzmq_mech *m,
					   const struct kzmq_cmd *cmd)
{
	m->meta = cmd->data;
	m->meta_len = cmd->len;
	return KZMQ_MECH_DONE;
}

const struct kzmq_mech_ops kzmq_mech_null = {
	.name		= "NULL",
	.size		= sizeof(struct kzmq_mech),
	.open		= true,
	.init		= null_init,
	.start		= null_start,
	.check		= null_check,
	.command	= null_command,
	.authed		= null_authed,
};
