// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoint text. Addresses are numeric; names are recognised, never resolved.
 *
 * Reading and writing of addresses is done here and not by the kernel's
 * helpers, so that what the fuzzer runs is what the module runs.
 */
#include "uri.h"

static bool uri_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int uri_hex(char c)
{
	if (uri_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four decimal numbers without leading zeros, which some read as octal. */
static bool uri_ip4(const char *s, size_t n, u8 *ip)
{
	size_t i = 0;
	int part;

	for (part = 0; part < 4; part++) {
		unsigned int v = 0;
		size_t from;

		if (part && (i == n || s[i++] != '.'))
			return false;
		for (from = i; i < n && i - from < 3 && uri_digit(s[i]); i++)
			v = v * 10 + (unsigned int)(s[i] - '0');
		if (i == from || v > 255 || (s[from] == '0' && i - from > 1))
			return false;
		ip[part] = (u8)v;
	}
	return i == n;
}

/* Up to four hexadecimal digits; returns how many. */
static size_t uri_ip6_group(const char *s, size_t n, u16 *v)
{
	size_t i;

	*v = 0;
	for (i = 0; i < n && i < 4 && uri_hex(s[i]) >= 0; i++)
		*v = (u16)(*v << 4 | uri_hex(s[i]));
	return i;
}

/* Spread the octets behind "::" to the end of the address. */
static bool uri_ip6_spread(u8 *ip, size_t at, size_t gap)
{
	size_t tail = at - gap;

	if (at > 14)
		return false;
	memmove(ip + 16 - tail, ip + gap, tail);
	memset(ip + gap, 0, 16 - at);
	return true;
}

static bool uri_ip6(const char *s, size_t n, u8 *ip)
{
	size_t i = 0, at = 0, gap = 0, d;
	bool has_gap = false;
	u16 v;

	if (n >= 2 && s[0] == ':' && s[1] == ':') {
		has_gap = true;
		i = 2;
	}
	while (i < n) {
		d = uri_ip6_group(s + i, n - i, &v);
		if (!d)
			return false;
		if (i + d < n && s[i + d] == '.') {
			if (at > 12 || !uri_ip4(s + i, n - i, ip + at))
				return false;
			at += 4;
			break;
		}
		if (at > 14)
			return false;
		put_unaligned_be16(v, ip + at);
		at += 2;
		i += d;
		if (i == n)
			break;
		if (s[i++] != ':' || i == n)
			return false;
		if (s[i] == ':') {
			if (has_gap)
				return false;
			has_gap = true;
			gap = at;
			i++;
		}
	}
	return has_gap ? uri_ip6_spread(ip, at, gap) : at == 16;
}

static bool uri_name_char(char c)
{
	return uri_digit(c) || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' ||
	       c == '@' || c == '+';
}

/* Copy a name into room octets, NUL included. */
static bool uri_name(const char *s, size_t n, char *out, size_t room)
{
	size_t i;

	if (!n || n >= room)
		return false;
	for (i = 0; i < n; i++) {
		if (!uri_name_char(s[i]))
			return false;
	}
	memcpy(out, s, n);
	out[n] = '\0';
	return true;
}

/* Nothing but digits and dots is a broken address, not a name. */
static bool uri_numeric(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!uri_digit(s[i]) && s[i] != '.')
			return false;
	}
	return true;
}

static int uri_port(const char *s, size_t n, struct kzmq_addr *a)
{
	u32 v = 0;
	size_t i;

	if (n == 1 && s[0] == '*') {
		a->port_any = true;
		return 0;
	}
	if (!n || n > 5)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (!uri_digit(s[i]))
			return -EINVAL;
		v = v * 10 + (u32)(s[i] - '0');
	}
	if (v > U16_MAX)
		return -EINVAL;
	a->port = (u16)v;
	a->port_any = !v;
	return 0;
}

static int uri_host6(const char *s, size_t n, struct kzmq_addr *a)
{
	const char *zone = memchr(s, '%', n);
	size_t len = zone ? (size_t)(zone - s) : n;

	if (!uri_ip6(s, len, a->ip))
		return -EINVAL;
	if (zone && !uri_name(zone + 1, n - len - 1, a->zone, sizeof(a->zone)))
		return -EINVAL;
	a->family = 6;
	return 0;
}

static int uri_host(const char *s, size_t n, struct kzmq_addr *a)
{
	if (!n)
		return -EINVAL;
	if (s[0] == '[') {
		if (n < 2 || s[n - 1] != ']')
			return -EINVAL;
		return uri_host6(s + 1, n - 2, a);
	}
	if (memchr(s, ':', n))
		return uri_host6(s, n, a);
	if (n == 1 && s[0] == '*')
		return 0;
	if (uri_ip4(s, n, a->ip)) {
		a->family = 4;
		return 0;
	}
	if (uri_numeric(s, n) || !uri_name(s, n, a->name, sizeof(a->name)))
		return -EINVAL;
	return 0;
}

/* host:port; the port follows the last colon. */
static int uri_addr(const char *s, size_t n, struct kzmq_addr *a)
{
	size_t colon = n;
	int err;

	while (colon && s[colon - 1] != ':')
		colon--;
	if (!colon)
		return -EINVAL;
	err = uri_port(s + colon, n - colon, a);
	return err ? err : uri_host(s, colon - 1, a);
}

static int uri_tcp(const char *s, size_t n, bool bind, struct kzmq_uri *u)
{
	const char *semi = memchr(s, ';', n);
	int err;

	if (semi) {
		size_t len = (size_t)(semi - s);

		if (bind)
			return -EINVAL;
		err = uri_addr(s, len, &u->src);
		if (err)
			return err;
		u->has_src = true;
		s += len + 1;
		n -= len + 1;
	}
	err = uri_addr(s, n, &u->dst);
	if (err || bind)
		return err;
	if (u->dst.port_any || (!u->dst.family && !u->dst.name[0]))
		return -EINVAL;
	return 0;
}

static int uri_path(const char *s, size_t n, struct kzmq_uri *u)
{
	if (!n)
		return -EINVAL;
	if (u->tr == KZMQ_TR_IPC) {
		if (n == 1 && s[0] == '@')
			return -EINVAL;
		if (n > KZMQ_IPC_PATH_MAX)
			return -ENAMETOOLONG;
	}
	u->path = s;
	u->path_len = n;
	return 0;
}

/* The transport at the start of the text, and how long its "x://" is. */
static int uri_scheme(const char *s, size_t len, size_t *skip)
{
	static const char * const name[KZMQ_TR_COUNT] = {
		[KZMQ_TR_TCP]		= "tcp",
		[KZMQ_TR_IPC]		= "ipc",
		[KZMQ_TR_INPROC]	= "inproc",
	};
	size_t n = 0;
	int i;

	while (n < len && s[n] != ':')
		n++;
	if (!n || len - n < 3 || memcmp(s + n, "://", 3))
		return -EINVAL;
	*skip = n + 3;
	for (i = 0; i < KZMQ_TR_COUNT; i++) {
		if (strlen(name[i]) == n && !memcmp(name[i], s, n))
			return i;
	}
	return -EPROTONOSUPPORT;
}

/**
 * kzmq_uri_parse() - parse the text of an endpoint
 * @s:    text
 * @len:  its length, without a NUL
 * @bind: for bind, else for connect
 * @u:    the result; points into @s
 *
 * Return: 0,
 * -EINVAL:          not an endpoint, or one that can not be bound or connected
 * -EPROTONOSUPPORT: a transport we do not know
 * -ENAMETOOLONG:    an ipc path over KZMQ_IPC_PATH_MAX octets
 */
int kzmq_uri_parse(const char *s, size_t len, bool bind, struct kzmq_uri *u)
{
	size_t skip;
	int tr;

	memset(u, 0, sizeof(*u));
	if (!len || len > KZMQ_URI_MAX || memchr(s, '\0', len))
		return -EINVAL;
	tr = uri_scheme(s, len, &skip);
	if (tr < 0)
		return tr;
	u->tr = (u8)tr;
	if (tr == KZMQ_TR_TCP)
		return uri_tcp(s + skip, len - skip, bind, u);
	return uri_path(s + skip, len - skip, u);
}

/**
 * kzmq_uri_ip() - read a numeric address
 * @s:  text
 * @n:  its length
 * @ip: 16 octets; the address, in network order
 *
 * Return: 4 or 6, 0 when it is no address.
 */
u8 kzmq_uri_ip(const char *s, size_t n, u8 *ip)
{
	if (uri_ip4(s, n, ip))
		return 4;
	return uri_ip6(s, n, ip) ? 6 : 0;
}

/**
 * kzmq_uri_host_port() - parse a numeric address and a port
 * @s:   text, "127.0.0.1:1080" or "[::1]:1080"
 * @len: its length, without a NUL
 * @a:   the result
 *
 * Return: 0, or -EINVAL: names and wildcards are none.
 */
int kzmq_uri_host_port(const char *s, size_t len, struct kzmq_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (!len || len > KZMQ_URI_MAX || uri_addr(s, len, a))
		return -EINVAL;
	return a->family && !a->port_any ? 0 : -EINVAL;
}

/* Text being written; n goes on counting when there is no room. */
struct uri_out {
	char *p;
	size_t room;
	size_t n;
};

static void uri_putc(struct uri_out *o, char c)
{
	if (o->n < o->room)
		o->p[o->n] = c;
	o->n++;
}

static void uri_puts(struct uri_out *o, const char *s)
{
	while (*s)
		uri_putc(o, *s++);
}

static void uri_putn(struct uri_out *o, unsigned int v, unsigned int base)
{
	char digits[8];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n)
		uri_putc(o, digits[--n]);
}

static void uri_put_ip4(struct uri_out *o, const u8 *ip)
{
	int i;

	for (i = 0; i < 4; i++) {
		if (i)
			uri_putc(o, '.');
		uri_putn(o, ip[i], 10);
	}
}

/* The longest run of at least two zero groups, the first of equals. */
static int uri_ip6_zeros(const u8 *ip, int *first)
{
	int best = 1, run = 0;
	int i;

	*first = -1;
	for (i = 0; i < 8; i++) {
		run = get_unaligned_be16(ip + 2 * i) ? 0 : run + 1;
		if (run > best) {
			best = run;
			*first = i - run + 1;
		}
	}
	return *first < 0 ? 0 : best;
}

/* RFC 5952, with a dotted tail for embedded IPv4 as inet_ntop() has it. */
static void uri_put_ip6(struct uri_out *o, const u8 *ip)
{
	int first, zeros = uri_ip6_zeros(ip, &first);
	bool dotted = !first && (zeros == 6 ||
		      (zeros == 5 && get_unaligned_be16(ip + 10) == 0xffff));
	int groups = dotted ? 6 : 8;
	int i;

	for (i = 0; i < groups; i++) {
		if (i == first) {
			uri_puts(o, i ? ":" : "::");
			i += zeros - 1;
			continue;
		}
		uri_putn(o, get_unaligned_be16(ip + 2 * i), 16);
		if (i < 7)
			uri_putc(o, ':');
	}
	if (dotted)
		uri_put_ip4(o, ip + 12);
}

static void uri_put_host(struct uri_out *o, const struct kzmq_addr *a)
{
	if (a->family == 4) {
		uri_put_ip4(o, a->ip);
	} else if (a->family == 6) {
		uri_putc(o, '[');
		uri_put_ip6(o, a->ip);
		if (a->zone[0]) {
			uri_putc(o, '%');
			uri_puts(o, a->zone);
		}
		uri_putc(o, ']');
	} else {
		uri_puts(o, a->name[0] ? a->name : "*");
	}
}

/**
 * kzmq_uri_format_tcp() - text of a tcp endpoint
 * @out:  where to, NUL terminated
 * @room: octets there, KZMQ_URI_TCP_MAX is always enough
 * @a:    address
 *
 * Return: length of the text without its NUL, 0 when there is no room.
 */
size_t kzmq_uri_format_tcp(char *out, size_t room, const struct kzmq_addr *a)
{
	struct uri_out o = { .p = out, .room = room };

	uri_puts(&o, "tcp://");
	uri_put_host(&o, a);
	uri_putc(&o, ':');
	if (a->port_any && !a->port)
		uri_putc(&o, '*');
	else
		uri_putn(&o, a->port, 10);
	if (o.n >= room)
		return 0;
	out[o.n] = '\0';
	return o.n;
}
