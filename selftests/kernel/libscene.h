/* SPDX-License-Identifier: GPL-2.0 */
/* A socket under attack, in a network namespace of its own. */
#ifndef KZMQ_SELFTEST_LIBSCENE_H
#define KZMQ_SELFTEST_LIBSCENE_H

#include "lib.h"

/* a bound socket under attack and a connected one that must not notice */
struct scene {
	int fd, good;
	char ep[EP_LEN];
};

void set_scene(struct scene *s, int type, int good);
bool pull_lives(struct scene *s);
void end_scene(struct scene *s);

#endif
