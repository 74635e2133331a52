/* SPDX-License-Identifier: GPL-2.0 */
/* ZAP handlers, and servers that ask them. */
#ifndef KZMQ_SELFTEST_LIBZAP_H
#define KZMQ_SELFTEST_LIBZAP_H

#include "lib.h"

#define ZAP_NAME	"inproc://zeromq.zap.01"
#define ZAP_FRAMES	10
#define ZAP_ROOM	1024

/* The frames of a question, from the version on */
enum {
	ZAP_VERSION,
	ZAP_ID,
	ZAP_DOMAIN,
	ZAP_ADDRESS,
	ZAP_IDENTITY,
	ZAP_MECHANISM,
	ZAP_CREDS,
};

/* A question; of a ROUTER, with the id of who asks */
struct zap_q {
	char rid[256];
	int rid_len;
	int n;
	char f[ZAP_FRAMES][ZAP_ROOM];
	int len[ZAP_FRAMES];
};

struct zap_part {
	const char *data;
	int len;
};

/* octets and their number, the NUL left out */
#define ZAP_PART(s)	{ "" s, sizeof(s) - 1 }

int zap_context(void);
int zap_socket(int ctx, int type);
int zap_handler_in(int ctx, int type);
int zap_handler(int type);
int zap_server(int type, const char *where, char ep[EP_LEN]);
bool zap_read(int h, struct zap_q *q);
void zap_send(int h, const struct zap_q *q, const struct zap_part *f, int n);
void zap_say(int h, const struct zap_q *q, const char *status, const char *user);
int zap_raw(const char *ep);
bool zap_frame_is(const struct zap_q *q, int i, const char *text);

#endif
