// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoint text: what was understood, written and read again, must be the
 * same.
 *
 * Input: octet 0 says bind or connect, the rest is the text.
 */
#include "fuzz.h"
#include "uri.h"

static void check_text(const struct kzmq_addr *a)
{
	char out[KZMQ_URI_TCP_MAX];
	struct kzmq_uri u;
	size_t n;

	MUST(a->port_any == !a->port);
	n = kzmq_uri_format_tcp(out, sizeof(out), a);
	MUST(n && n == strlen(out));
	MUST(!kzmq_uri_parse(out, n, true, &u));
	MUST(!memcmp(&u.dst, a, sizeof(*a)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct kzmq_uri u;
	const char *s;
	bool bind;

	if (!len)
		return 0;
	bind = data[0] & 1;
	s = (const char *)data + 1;
	if (kzmq_uri_parse(s, --len, bind, &u))
		return 0;
	MUST(u.tr < KZMQ_TR_COUNT);
	if (u.tr != KZMQ_TR_TCP) {
		MUST(u.path_len && u.path + u.path_len == s + len);
		return 0;
	}
	check_text(&u.dst);
	if (u.has_src) {
		MUST(!bind);
		check_text(&u.src);
	}
	return 0;
}
