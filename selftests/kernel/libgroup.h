/* SPDX-License-Identifier: GPL-2.0 */
/* Control groups (version 2) of a test's own, and programs that say no in them. */
#ifndef KZMQ_SELFTEST_LIBGROUP_H
#define KZMQ_SELFTEST_LIBGROUP_H

#include "lib.h"

bool group_new(const char *name);
void group_enter(const char *name);
void group_leave(void);
void group_end(const char *name);
bool group_has_memory(void);
long group_memory(const char *name, const char *key);

int group_no(int prog_type, int hook);
int group_attach(const char *name, int prog, int hook);
int group_detach(const char *name, int prog, int hook);

#endif
