/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Endpoint text: "tcp://127.0.0.1:5555", "ipc:///run/x", "inproc://name".
 */
#ifndef KZMQ_URI_H
#define KZMQ_URI_H

#include "pure.h"

#define KZMQ_URI_MAX		1024	/* octets of an endpoint */
#define KZMQ_IPC_PATH_MAX	107	/* sun_path less its NUL */
#define KZMQ_URI_TCP_MAX	128	/* any text of kzmq_uri_format_tcp() */

enum kzmq_tr {
	KZMQ_TR_TCP,
	KZMQ_TR_IPC,
	KZMQ_TR_INPROC,
	KZMQ_TR_COUNT,
};

/**
 * struct kzmq_addr - host and port
 * @family:   4 or 6, or 0: '*' when @name is "", else see @name
 * @port_any: port was '*' or 0: any free one
 * @ip:       network order, 4 or 16 octets
 * @port:     host order, 0 when @port_any
 * @name:     a host or interface name, not looked up here; "" otherwise
 * @zone:     what followed '%' in an IPv6 address, "" otherwise
 */
struct kzmq_addr {
	u8 family;
	bool port_any;
	u8 ip[16];
	u16 port;
	char name[64];
	char zone[16];
};

/**
 * struct kzmq_uri - a parsed endpoint
 * @tr:       enum kzmq_tr
 * @has_src:  tcp connect with "source;": @src is valid
 * @src:      tcp: local address to connect from
 * @dst:      tcp: address to bind or connect to
 * @path:     ipc: path, or '@' and an abstract name; inproc: name. Points into
 *            the parsed text.
 * @path_len: octets of @path, no NUL
 */
struct kzmq_uri {
	u8 tr;
	bool has_src;
	struct kzmq_addr src;
	struct kzmq_addr dst;
	const char *path;
	size_t path_len;
};

int kzmq_uri_parse(const char *s, size_t len, bool bind, struct kzmq_uri *u);
u8 kzmq_uri_ip(const char *s, size_t n, u8 *ip);
int kzmq_uri_host_port(const char *s, size_t len, struct kzmq_addr *a);
size_t kzmq_uri_format_tcp(char *out, size_t room, const struct kzmq_addr *a);

#endif /* KZMQ_URI_H */
