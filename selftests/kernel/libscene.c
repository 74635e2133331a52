// SPDX-License-Identifier: GPL-2.0
/* A socket under attack, in a network namespace of its own. */
#include "libscene.h"

void set_scene(struct scene *s, int type, int good)
{
	own_netns();
	s->fd = xsocket(type);
	s->good = xsocket(good);
	xbind_any(s->fd, s->ep);
	xconnect(s->good, s->ep);
	xpeers(s->fd, 1);
	xpeers(s->good, 1);
}

bool pull_lives(struct scene *s)
{
	xsends(s->good, "good", 0);
	return kz_got(__FILE__, __LINE__, s->fd, "good", (char *)NULL);
}

void end_scene(struct scene *s)
{
	xclose(s->fd);
	xclose(s->good);
}
