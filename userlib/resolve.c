// SPDX-License-Identifier: MPL-2.0
/*
 * Endpoints: what the kernel does not know is the names of hosts.
 *
 * A text goes to the kernel as it is. Only one that it does not understand and
 * that holds a name is looked up: to bind, the first address; to connect, all
 * of them, which the kernel tries in turn. When all have failed, or there was
 * none, the name is looked up again in one of the program's next calls on the
 * socket.
 *
 * Looking up may take time; no lock is held meanwhile. Any thread.
 */
#include <ctype.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/zmq.h>

#include "zl.h"

#define TCP		"tcp://"
#define TCP_LEN		6
#define HOST_MAX	255
/* An address with its zone, in brackets, and a port */
#define NUMERIC_MAX	(TCP_LEN + NI_MAXHOST + 10)
/* Milliseconds between two looks after names */
#define AGAIN_MS	1000

/**
 * struct where - the parts of a tcp endpoint with a host name
 * @source: "from;" or nothing
 * @source_len: octets of it
 * @host:   the name
 * @port:   what follows the colon
 */
struct where {
	const char	*source;
	int		source_len;
	char		host[HOST_MAX + 1];
	const char	*port;
};

static bool name_like(const char *s, size_t len)
{
	size_t i;

	if (!len || len > HOST_MAX || !isalnum((unsigned char)s[0]))
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-._", s[i]))
			return false;
	return true;
}

/* "name:port", the name copied, the port checked: 1 to 65535, also * to bind */
static bool split(const char *s, struct where *w, bool bind)
{
	const char *colon = strrchr(s, ':');
	char *end;
	long port;

	if (!colon || !name_like(s, colon - s))
		return false;
	memcpy(w->host, s, colon - s);
	w->host[colon - s] = '\0';
	w->port = colon + 1;
	if (bind && !strcmp(w->port, "*"))
		return true;
	if (!isdigit((unsigned char)*w->port))
		return false;
	port = strtol(w->port, &end, 10);
	return !*end && port <= 65535 && (port || bind);
}

static bool parse(const char *text, struct where *w, bool bind)
{
	const char *semi;

	if (strncmp(text, TCP, TCP_LEN) || strlen(text) >= ZMQ_ENDPOINT_OPT_MAX)
		return false;
	text += TCP_LEN;
	semi = strchr(text, ';');
	if (semi && bind)
		return false;
	w->source = text;
	w->source_len = semi ? semi + 1 - text : 0;
	return split(text + w->source_len, w, bind);
}

static bool wants_ipv6(struct zl_sock *s)
{
	size_t len = sizeof(int);
	int v = 0;

	return !zl_kget(s, ZMQ_IPV6, &v, &len) && v;
}

static struct addrinfo *look_up(struct zl_sock *s, const char *host, bool bind)
{
	struct addrinfo hint = {
		.ai_family = wants_ipv6(s) ? AF_UNSPEC : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = bind ? AI_PASSIVE : 0,
	};
	struct addrinfo *res;

	return getaddrinfo(host, NULL, &hint, &res) ? NULL : res;
}

/* An endpoint with a number in place of the name. Its length, 0 for none. */
static size_t numeric(const struct where *w, const struct addrinfo *a, char *buf,
		      size_t room)
{
	bool v6 = a->ai_family == AF_INET6;
	char host[NI_MAXHOST];
	int n;

	if (getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), NULL, 0,
			NI_NUMERICHOST))
		return 0;
	n = snprintf(buf, room, TCP "%.*s%s%s%s:%s", w->source_len, w->source,
		     v6 ? "[" : "", host, v6 ? "]" : "", w->port);
	return n > 0 && (size_t)n < room ? n : 0;
}

/* Text and addresses, each with its NUL, as the kernel wants them */
static size_t list(const char *text, const struct where *w,
		   const struct addrinfo *a, char *buf, bool *any)
{
	size_t at = strlen(text) + 1, len;
	int n = 0;

	memcpy(buf, text, at);
	for (; a && n < ZMQ_CONNECT_NAME_ADDRS; a = a->ai_next) {
		len = numeric(w, a, buf + at, ZMQ_CONNECT_NAME_MAX - at);
		if (!len)
			continue;
		at += len + 1;
		n++;
	}
	*any = n;
	return at;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

/* Hand what is known of a name to the kernel, as @opt. 0 or an errno. */
static int tell_name(struct zl_sock *s, int opt, const char *text,
		     const struct where *w)
{
	struct addrinfo *a = look_up(s, w->host, false);
	char buf[ZMQ_CONNECT_NAME_MAX];
	bool any;
	size_t len = list(text, w, a, buf, &any);
	int err;

	if (a)
		freeaddrinfo(a);
	err = zl_kset(s, opt, buf, len);
	if (!err) {
		atomic_store(&s->names_at, now_ms() + AGAIN_MS);
		atomic_store(&s->has_names, true);
	}
	return err;
}

/**
 * zl_connect - zmq_connect()
 * @s:    the socket
 * @text: the endpoint
 *
 * Return: 0 or an errno. A name that nobody knows is no error.
 */
int zl_connect(struct zl_sock *s, const char *text)
{
	int err = zl_kset(s, ZMQ_CONNECT, text, strlen(text));
	struct where w;

	if (err != EINVAL || !parse(text, &w, false))
		return err;
	return tell_name(s, ZMQ_CONNECT_NAME, text, &w);
}

/**
 * zl_names_retry - is it time to look names up again?
 * @s: the socket
 */
void zl_names_retry(struct zl_sock *s)
{
	uint64_t at = atomic_load(&s->names_at), now = now_ms();
	char text[ZMQ_ENDPOINT_OPT_MAX];
	size_t len = sizeof(text);
	struct where w;
	int state;

	/* one thread of several */
	if (now < at ||
	    !atomic_compare_exchange_strong(&s->names_at, &at, now + AGAIN_MS))
		return;
	/* the caller's reference must not be lost in the resolver */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	if (!zl_kget(s, ZMQ_NAME_ADDRS, text, &len) && len && text[0] &&
	    parse(text, &w, false))
		tell_name(s, ZMQ_NAME_ADDRS, text, &w);
	pthread_setcancelstate(state, NULL);
}

/* Do @opt with each address of a name until one goes. 0 or the last errno. */
static int by_address(struct zl_sock *s, int opt, const struct where *w, int err)
{
	struct addrinfo *all = look_up(s, w->host, true), *a;
	char buf[NUMERIC_MAX];
	size_t len;

	for (a = all; a; a = a->ai_next) {
		len = numeric(w, a, buf, sizeof(buf));
		if (len)
			err = zl_kset(s, opt, buf, len);
		if (len && !err)
			break;
	}
	if (all)
		freeaddrinfo(all);
	return err;
}

/**
 * zl_bind - zmq_bind()
 * @s:    the socket
 * @text: the endpoint
 *
 * Return: 0 or an errno.
 */
int zl_bind(struct zl_sock *s, const char *text)
{
	int err = zl_kset(s, ZMQ_BIND, text, strlen(text));
	struct where w;

	if ((err != EINVAL && err != ENODEV) || !parse(text, &w, true))
		return err;
	/* no such interface; a host perhaps */
	return by_address(s, ZMQ_BIND, &w, ENODEV);
}

/**
 * zl_end - zmq_unbind(), zmq_disconnect()
 * @s:    the socket
 * @text: the endpoint; all that have it end
 *
 * Return: 0 or an errno.
 */
int zl_end(struct zl_sock *s, const char *text)
{
	size_t len = strlen(text);
	struct where w;
	int err;

	err = zl_kset(s, ZMQ_DISCONNECT, text, len);
	if (err == ENOENT && parse(text, &w, true))
		return by_address(s, ZMQ_UNBIND, &w, ENOENT);
	if (err)
		return err;
	while (!zl_kset(s, ZMQ_DISCONNECT, text, len))
		;
	return 0;
}

/**
 * zl_set_proxy - ZMQ_SOCKS_PROXY
 * @s:   the socket
 * @val: "host:port"
 * @len: octets of it
 *
 * Return: 0 or an errno.
 */
int zl_set_proxy(struct zl_sock *s, const void *val, size_t len)
{
	int err = zl_kset(s, ZMQ_SOCKS_PROXY, val, len);
	struct addrinfo *a;
	char buf[NUMERIC_MAX];
	struct where w = { .source = "" };

	if (err != EINVAL || len >= sizeof(buf))
		return err;
	memcpy(buf, val, len);
	buf[len] = '\0';
	if (!split(buf, &w, false))
		return err;
	a = look_up(s, w.host, false);
	if (!a)
		return err;
	len = numeric(&w, a, buf, sizeof(buf));
	freeaddrinfo(a);
	return len ? zl_kset(s, ZMQ_SOCKS_PROXY, buf + TCP_LEN, len - TCP_LEN) :
		     EINVAL;
}
