// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include "tap.h"
#include "uri.h"

static int parse(const char *s, size_t len, bool bind, struct kzmq_uri *u,
		 char *path)
{
	char *copy = (char *)tap_dup(s, len);
	int ret = kzmq_uri_parse(copy, len, bind, u);

	if (!ret && u->path) {
		CHECK(u->path >= copy);
		CHECK(u->path + u->path_len <= copy + len);
		memcpy(path, u->path, u->path_len);
		path[u->path_len] = '\0';
		u->path = path;
	}
	free(copy);
	return ret;
}

static struct kzmq_uri uri;
static char path[KZMQ_URI_MAX + 1];

static int on_bind(const char *s)
{
	return parse(s, strlen(s), true, &uri, path);
}

static int on_connect(const char *s)
{
	return parse(s, strlen(s), false, &uri, path);
}

static const char *text(const struct kzmq_addr *a)
{
	static char out[KZMQ_URI_TCP_MAX];

	if (!kzmq_uri_format_tcp(out, sizeof(out), a))
		return "(no room)";
	return out;
}

#define CHECK_STR(got, want) do {					\
	const char *__g = (got), *__w = (want);				\
									\
	tap_check_mem(__FILE__, __LINE__, __g, strlen(__g), __w,	\
		      strlen(__w));					\
} while (0)

static void uri_parse__tcp_bind(void)
{
	static const struct {
		const char *in, *out;
		u8 family;
		bool any;
	} row[] = {
		{ "tcp://*:5555", "tcp://*:5555", 0, false },
		{ "tcp://*:*", "tcp://*:*", 0, true },
		{ "tcp://*:0", "tcp://*:*", 0, true },
		{ "tcp://0.0.0.0:*", "tcp://0.0.0.0:*", 4, true },
		{ "tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555", 4, false },
		{ "tcp://127.0.0.1:65535", "tcp://127.0.0.1:65535", 4, false },
		{ "tcp://127.0.0.1:00080", "tcp://127.0.0.1:80", 4, false },
		{ "tcp://[::1]:5555", "tcp://[::1]:5555", 6, false },
		{ "tcp://::1:5555", "tcp://[::1]:5555", 6, false },
		{ "tcp://[::]:*", "tcp://[::]:*", 6, true },
		{ "tcp://[FE80:0::1%eth0]:1", "tcp://[fe80::1%eth0]:1", 6,
		  false },
		{ "tcp://[::ffff:1.2.3.4]:1", "tcp://[::ffff:1.2.3.4]:1", 6,
		  false },
		{ "tcp://eth0.100:1", "tcp://eth0.100:1", 0, false },
		{ "tcp://localhost:1", "tcp://localhost:1", 0, false },
	};
	size_t i;

	for (i = 0; i < TAP_ROW(row); i++) {
		CHECK_EQ(on_bind(row[i].in), 0);
		CHECK_EQ(uri.tr, KZMQ_TR_TCP);
		CHECK_EQ(uri.has_src, 0);
		CHECK_EQ(uri.dst.family, row[i].family);
		CHECK_EQ(uri.dst.port_any, row[i].any);
		CHECK_STR(text(&uri.dst), row[i].out);
	}
}

static void uri_parse__tcp_connect(void)
{
	CHECK_EQ(on_connect("tcp://127.0.0.1:5555"), 0);
	CHECK_EQ(uri.dst.port, 5555);
	CHECK_EQ(uri.has_src, 0);
	CHECK_EQ(on_connect("tcp://10.0.0.1:0;[::1]:9"), 0);
	CHECK_EQ(uri.has_src, 1);
	CHECK_STR(text(&uri.src), "tcp://10.0.0.1:*");
	CHECK_STR(text(&uri.dst), "tcp://[::1]:9");
	CHECK_EQ(on_connect("tcp://eth0:*;10.0.0.2:9"), 0);
	CHECK_STR(uri.src.name, "eth0");
	CHECK_EQ(uri.src.port_any, 1);
	CHECK_EQ(on_connect("tcp://*:7;10.0.0.2:9"), 0);
	CHECK_EQ(uri.src.family, 0);
	CHECK_EQ(uri.src.port, 7);
	CHECK_EQ(on_connect("tcp://[fe80::2%wlan0]:9"), 0);
	CHECK_STR(uri.dst.zone, "wlan0");
}

static void uri_parse__tcp_connect_needs_a_target(void)
{
	CHECK_EQ(on_connect("tcp://*:5555"), -EINVAL);
	CHECK_EQ(on_connect("tcp://127.0.0.1:*"), -EINVAL);
	CHECK_EQ(on_connect("tcp://127.0.0.1:0"), -EINVAL);
	CHECK_EQ(on_connect("tcp://10.0.0.1:1;*:5"), -EINVAL);
	CHECK_EQ(on_connect("tcp://10.0.0.1:1;10.0.0.2:0"), -EINVAL);
	CHECK_EQ(on_connect("tcp://;10.0.0.2:1"), -EINVAL);
	CHECK_EQ(on_connect("tcp://10.0.0.1:1;"), -EINVAL);
	CHECK_EQ(on_connect("tcp://10.0.0.1;10.0.0.2:1"), -EINVAL);
	CHECK_EQ(on_connect("tcp://a:1;b:2;c:3"), -EINVAL);
	CHECK_EQ(on_bind("tcp://10.0.0.1:1;10.0.0.2:1"), -EINVAL);
}

static void uri_parse__tcp_malformed(void)
{
	static const char * const row[] = {
		"tcp://", "tcp://:", "tcp://*", "tcp://:5555", "tcp://a:",
		"tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:x",
		"tcp://127.0.0.1:5555x", "tcp://127.0.0.1:5555 ",
		"tcp://127.0.0.1:65536", "tcp://127.0.0.1:71091",
		"tcp://127.0.0.1:4294972851", "tcp://127.0.0.1:-1",
		"tcp://127.0.0.1:+1", "tcp://127.0.0.1:5555-5560",
		"tcp://127.0.0.1:000080", "tcp://127.0.0.1:**",
		"tcp://127.0.0.1:5555/x", "tcp://256.0.0.1:1",
		"tcp://127.0.0:1", "tcp://127.0.0.1.1:1", "tcp://1:1",
		"tcp://01.2.3.4:1", "tcp://1..2.3:1", "tcp://.:1",
		"tcp://127.0.0.1%lo:1", "tcp://[127.0.0.1]:1", "tcp://[]:1",
		"tcp://[*]:1", "tcp://[::1:1", "tcp://::1]:1", "tcp://[:1",
		"tcp://[:1]:1", "tcp://[1:]:1", "tcp://[:::]:1",
		"tcp://[1::2::3]:1", "tcp://[1:2:3:4:5:6:7]:1",
		"tcp://[1:2:3:4:5:6:7:8:9]:1", "tcp://[1:2:3:4:5:6:7:8::]:1",
		"tcp://[::1:2:3:4:5:6:7:8]:1", "tcp://[12345::]:1",
		"tcp://[::g]:1", "tcp://[::1.2.3]:1", "tcp://[1.2.3.4::]:1",
		"tcp://[1:2:3:4:5:6:7:1.2.3.4]:1", "tcp://[::1%]:1",
		"tcp://[::1%a b]:1", "tcp://[::1%sixteen-octets--]:1",
		"tcp://[::1]x:1", "tcp://a b:1", "tcp://a/b:1", "tcp://**:1",
		"tcp://a%b:1", "tcp:/a:1", "tcp:a:1", "tcp:/", "tcp:", "tcp",
		"", ":", "://", "://a:1",
	};
	size_t i;

	for (i = 0; i < TAP_ROW(row); i++) {
		if (on_bind(row[i]) != -EINVAL)
			tap_fail(__FILE__, __LINE__, "bind %s", row[i]);
		if (on_connect(row[i]) != -EINVAL)
			tap_fail(__FILE__, __LINE__, "connect %s", row[i]);
	}
}

/* Groups without end must not leave the address. */
static void uri_parse__endless_ip6(void)
{
	char s[KZMQ_URI_MAX + 1] = "tcp://[";
	size_t n;

	for (n = 7; n + 8 < sizeof(s); n += 2)
		memcpy(s + n, "f:", 2);
	strcpy(s + n, "f]:1");
	CHECK_EQ(on_bind(s), -EINVAL);
	memcpy(s + 7, "::", 2);
	CHECK_EQ(on_bind(s), -EINVAL);
}

static void uri_parse__name_lengths(void)
{
	char s[128] = "tcp://";

	memset(s + 6, 'n', 64);
	strcpy(s + 6 + 63, ":1");
	CHECK_EQ(on_connect(s), 0);
	CHECK_EQ(strlen(uri.dst.name), 63);
	memset(s + 6, 'n', 64);
	strcpy(s + 6 + 64, ":1");
	CHECK_EQ(on_connect(s), -EINVAL);
	CHECK_EQ(on_bind("tcp://[::1%fifteen-octets-]:1"), 0);
	CHECK_EQ(strlen(uri.dst.zone), 15);
}

static void uri_parse__ipc(void)
{
	char s[256] = "ipc://";

	CHECK_EQ(on_bind("ipc:///run/x"), 0);
	CHECK_EQ(uri.tr, KZMQ_TR_IPC);
	CHECK_STR(uri.path, "/run/x");
	CHECK_EQ(on_connect("ipc://@abstract:1;2"), 0);
	CHECK_STR(uri.path, "@abstract:1;2");
	CHECK_EQ(on_bind("ipc://*"), 0);
	CHECK_STR(uri.path, "*");
	CHECK_EQ(on_bind("ipc://"), -EINVAL);
	CHECK_EQ(on_connect("ipc://@"), -EINVAL);
	memset(s + 6, 'p', 108);
	s[6 + 107] = '\0';
	CHECK_EQ(on_bind(s), 0);
	CHECK_EQ(uri.path_len, 107);
	s[6 + 107] = 'p';
	CHECK_EQ(on_bind(s), -ENAMETOOLONG);
}

static void uri_parse__inproc(void)
{
	CHECK_EQ(on_bind("inproc://a b://c"), 0);
	CHECK_EQ(uri.tr, KZMQ_TR_INPROC);
	CHECK_STR(uri.path, "a b://c");
	CHECK_EQ(on_connect("inproc://"), -EINVAL);
}

static void uri_parse__other_transports(void)
{
	static const char * const row[] = {
		"udp://127.0.0.1:1", "pgm://a;b:1", "ws://a:1", "TCP://a:1",
		"tcpx://a:1", "tc://a:1", "tipc://{1,2,3}", "vsock://1:1",
	};
	size_t i;

	for (i = 0; i < TAP_ROW(row); i++)
		CHECK_EQ(on_bind(row[i]), -EPROTONOSUPPORT);
}

static void uri_parse__lengths(void)
{
	char s[KZMQ_URI_MAX + 2] = "inproc://";

	memset(s + 9, 'i', sizeof(s) - 9);
	CHECK_EQ(parse(s, KZMQ_URI_MAX, true, &uri, path), 0);
	CHECK_EQ(uri.path_len, KZMQ_URI_MAX - 9);
	CHECK_EQ(parse(s, KZMQ_URI_MAX + 1, true, &uri, path), -EINVAL);
	CHECK_EQ(parse("tcp://a\0b:1", 11, true, &uri, path), -EINVAL);
	CHECK_EQ(parse("ipc://a\0", 8, true, &uri, path), -EINVAL);
}

/* The C library's opinion on random addresses and near misses. */
static void uri_parse__ip_against_libc(void)
{
	static const char chars[] = "0123456789abcdefF::::...";
	char s[64], in[96];
	u8 want[16];
	bool ok4, ok6;
	int i, n, k;

	for (i = 0; i < 400000; i++) {
		n = (int)(tap_rand() % 18) + 1;
		for (k = 0; k < n; k++)
			s[k] = chars[tap_rand() % (i & 1 ? 5 : 24)];
		if (i & 1) {	/* thin out into 1.2.3.4 and x::y */
			for (k = 1; k < n; k += 1 + (int)(tap_rand() % 3))
				s[k] = i & 2 ? '.' : ':';
		}
		s[n] = '\0';
		ok4 = inet_pton(AF_INET, s, want) == 1;
		snprintf(in, sizeof(in), "tcp://%s:1", s);
		if (ok4) {
			CHECK_EQ(on_bind(in), 0);
			CHECK_EQ(uri.dst.family, 4);
			CHECK(!memcmp(uri.dst.ip, want, 4));
		} else if (!on_bind(in)) {
			CHECK(uri.dst.family != 4);
		}
		ok6 = inet_pton(AF_INET6, s, want) == 1;
		snprintf(in, sizeof(in), "tcp://[%s]:1", s);
		if (on_bind(in) != (ok6 ? 0 : -EINVAL))
			tap_fail(__FILE__, __LINE__, "%s", in);
		CHECK(!ok6 || !memcmp(uri.dst.ip, want, 16));
	}
}

static void uri_format__ip_against_libc(void)
{
	struct kzmq_addr a = { .family = 6, .port = 1 };
	char want[128], ip[INET6_ADDRSTRLEN];
	int i, k;

	for (i = 0; i < 200000; i++) {
		for (k = 0; k < 16; k++) {
			a.ip[k] = tap_rand() % 3 ? 0 : (u8)tap_rand();
			if (k < 12 && tap_rand() % 2)
				a.ip[k] = 0;
		}
		if (i % 16 == 0) {
			memset(a.ip, 0, 10);
			memset(a.ip + 10, i & 16 ? 0xff : 0, 2);
		}
		snprintf(want, sizeof(want), "tcp://[%s]:1",
			 inet_ntop(AF_INET6, a.ip, ip, sizeof(ip)));
		CHECK_STR(text(&a), want);
	}
}

static void uri_format__room(void)
{
	char want[] = "tcp://[fe80::1%eth0]:65535", *out;
	size_t room;

	CHECK_EQ(on_bind(want), 0);
	for (room = 0; room <= sizeof(want) + 1; room++) {
		out = malloc(room ? room : 1);
		CHECK_EQ(kzmq_uri_format_tcp(out, room, &uri.dst),
			 room < sizeof(want) ? 0 : sizeof(want) - 1);
		free(out);
	}
}

static void uri_format__longest_fits(void)
{
	struct kzmq_addr a = { .family = 6, .port = 65535 };

	memset(a.ip, 0xff, 16);
	memset(a.zone, 'z', sizeof(a.zone) - 1);
	CHECK_STR(text(&a),
		  "tcp://[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%zzzzzzzzzzzzzzz]:65535");
	memset(&a, 0, sizeof(a));
	memset(a.name, 'n', sizeof(a.name) - 1);
	a.port = 65535;
	CHECK_EQ(strlen(text(&a)), 6 + 63 + 6);
}

int main(void)
{
	RUN(uri_parse__tcp_bind);
	RUN(uri_parse__tcp_connect);
	RUN(uri_parse__tcp_connect_needs_a_target);
	RUN(uri_parse__tcp_malformed);
	RUN(uri_parse__endless_ip6);
	RUN(uri_parse__name_lengths);
	RUN(uri_parse__ipc);
	RUN(uri_parse__inproc);
	RUN(uri_parse__other_transports);
	RUN(uri_parse__lengths);
	RUN(uri_parse__ip_against_libc);
	RUN(uri_format__ip_against_libc);
	RUN(uri_format__room);
	RUN(uri_format__longest_fits);
	return tap_done();
}
