// SPDX-License-Identifier: GPL-2.0
/*
 * zmqperf over libzmq, and over the library of the same name on AF_ZMQ: one
 * source, two tables of functions. Both have the same SONAME, so libzmq is
 * loaded by name and first, the other by its path.
 *
 * The libraries run with their defaults.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "zmqperf.h"

#define MANY		65535
#define SHIM_FD		1100	/* option of ours: the AF_ZMQ socket */

/**
 * struct zp_lib - a library: its functions, and
 * @name: of the implementation
 * @handle: from dlopen()
 * @lock: protects @ctx
 * @ctx:  its context in this process, made after the fork
 */
struct zp_lib {
	__typeof__(zmq_bind) *zmq_bind;
	__typeof__(zmq_close) *zmq_close;
	__typeof__(zmq_connect) *zmq_connect;
	__typeof__(zmq_ctx_new) *zmq_ctx_new;
	__typeof__(zmq_ctx_set) *zmq_ctx_set;
	__typeof__(zmq_ctx_term) *zmq_ctx_term;
	__typeof__(zmq_errno) *zmq_errno;
	__typeof__(zmq_getsockopt) *zmq_getsockopt;
	__typeof__(zmq_msg_close) *zmq_msg_close;
	__typeof__(zmq_msg_data) *zmq_msg_data;
	__typeof__(zmq_msg_init) *zmq_msg_init;
	__typeof__(zmq_msg_init_size) *zmq_msg_init_size;
	__typeof__(zmq_msg_recv) *zmq_msg_recv;
	__typeof__(zmq_msg_send) *zmq_msg_send;
	__typeof__(zmq_recv) *zmq_recv;
	__typeof__(zmq_send) *zmq_send;
	__typeof__(zmq_setsockopt) *zmq_setsockopt;
	__typeof__(zmq_socket) *zmq_socket;
	__typeof__(zmq_strerror) *zmq_strerror;
	const char *name;
	void *handle;
	pthread_mutex_t lock;
	void *ctx;
};

#define FUNCTION(name) { #name, offsetof(struct zp_lib, name) }

static const struct {
	const char *name;
	size_t at;
} functions[] = {
	FUNCTION(zmq_bind),
	FUNCTION(zmq_close),
	FUNCTION(zmq_connect),
	FUNCTION(zmq_ctx_new),
	FUNCTION(zmq_ctx_set),
	FUNCTION(zmq_ctx_term),
	FUNCTION(zmq_errno),
	FUNCTION(zmq_getsockopt),
	FUNCTION(zmq_msg_close),
	FUNCTION(zmq_msg_data),
	FUNCTION(zmq_msg_init),
	FUNCTION(zmq_msg_init_size),
	FUNCTION(zmq_msg_recv),
	FUNCTION(zmq_msg_send),
	FUNCTION(zmq_recv),
	FUNCTION(zmq_send),
	FUNCTION(zmq_setsockopt),
	FUNCTION(zmq_socket),
	FUNCTION(zmq_strerror),
};

struct zp_sock {
	const struct zp_lib *lib;
	void *zs;
	enum zp_type type;
	enum zp_calls calls;
	zmq_msg_t msg;
	unsigned int fds;	/* of the process when nobody was connected */
};

static struct zp_lib stock = {
	.name = "libzmq", .lock = PTHREAD_MUTEX_INITIALIZER,
};

static struct zp_lib ours = {
	.name = "shim", .lock = PTHREAD_MUTEX_INITIALIZER,
};

const char *zp_shim_path;

#define lib_die(lib, what) \
	zp_die("%s: %s: %s", (lib)->name, what, \
	       (lib)->zmq_strerror((lib)->zmq_errno()))

static const char *load(struct zp_lib *lib, const char *path)
{
	static char why[200];
	unsigned int i;
	void *f;

	lib->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib->handle) {
		snprintf(why, sizeof(why), "%s", dlerror());
		return why;
	}
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		f = dlsym(lib->handle, functions[i].name);
		if (!f) {
			snprintf(why, sizeof(why), "%s has no %s", path,
				 functions[i].name);
			return why;
		}
		memcpy((char *)lib + functions[i].at, &f, sizeof(f));
	}
	return NULL;
}

/*
 * Where it is beside this program: in the build directory, installed, or in
 * the test machine
 */
static const char *find_shim(void)
{
	static const char *const places[] = {
		"../../userlib", "../lib/zmq-ko", "../lib",
	};
	static char path[PATH_MAX + 64];
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *dir;
	unsigned int i;

	if (n < 0)
		return NULL;
	self[n] = '\0';
	dir = dirname(self);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s/%s/libzmq.so.5", dir,
			 places[i]);
		if (!access(path, R_OK))
			return path;
	}
	return NULL;
}

static const char *shim_file(void)
{
	return zp_shim_path ? zp_shim_path : find_shim();
}

/* The name may lead to our own, by LD_LIBRARY_PATH for one */
static const char *libzmq_probe(void)
{
	const char *path = shim_file(), *why = load(&stock, "libzmq.so.5");
	struct stat a, b;
	struct link_map *map;

	if (why || !path || dlinfo(stock.handle, RTLD_DI_LINKMAP, &map))
		return why;
	if (!stat(map->l_name, &a) && !stat(path, &b) &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return "libzmq.so.5 is our library here (LD_LIBRARY_PATH?)";
	return NULL;
}

/* A socket tells whether this is our library and whether the module is there */
static const char *try_shim(const struct zp_lib *lib)
{
	void *ctx = lib->zmq_ctx_new();
	void *zs = lib->zmq_socket(ctx, ZMQ_PAIR);
	const char *why = NULL;
	size_t size = sizeof(int);
	int fd;

	if (!zs)
		why = lib->zmq_strerror(lib->zmq_errno());
	else if (lib->zmq_getsockopt(zs, SHIM_FD, &fd, &size))
		why = "this library is not the one on AF_ZMQ";
	if (zs)
		lib->zmq_close(zs);
	lib->zmq_ctx_term(ctx);
	return why;
}

static const char *shim_probe(void)
{
	const char *path = shim_file(), *why;

	if (!path)
		return "no libzmq.so.5 of ours beside this program";
	/* Only a path, never a name, keeps it apart from the other one */
	if (!strchr(path, '/'))
		return "its path needs a slash";
	why = load(&ours, path);
	return why ? why : try_shim(&ours);
}

static void set_int(struct zp_sock *s, int option, int value)
{
	if (s->lib->zmq_setsockopt(s->zs, option, &value, sizeof(value)))
		lib_die(s->lib, "setsockopt");
}

static void set_key(struct zp_sock *s, int option, const char *key)
{
	if (s->lib->zmq_setsockopt(s->zs, option, key, 41))
		lib_die(s->lib, "CURVE");
}

static void set_curve(struct zp_sock *s, int server)
{
	set_key(s, ZMQ_CURVE_PUBLICKEY, ZP_CURVE_PUBLIC);
	set_key(s, ZMQ_CURVE_SECRETKEY, ZP_CURVE_SECRET);
	if (server)
		set_int(s, ZMQ_CURVE_SERVER, 1);
	else
		set_key(s, ZMQ_CURVE_SERVERKEY, ZP_CURVE_PUBLIC);
}

/* The context of this process, and of both sides when they are threads */
static void *context(struct zp_lib *lib)
{
	pthread_mutex_lock(&lib->lock);
	if (!lib->ctx) {
		lib->ctx = lib->zmq_ctx_new();
		if (!lib->ctx ||
		    lib->zmq_ctx_set(lib->ctx, ZMQ_MAX_SOCKETS, MANY))
			lib_die(lib, "context");
	}
	pthread_mutex_unlock(&lib->lock);
	return lib->ctx;
}

static struct zp_sock *lib_open(const struct zp_run *run, enum zp_type type)
{
	static const int types[] = {
		[ZP_REQ] = ZMQ_REQ, [ZP_REP] = ZMQ_REP,
		[ZP_PUSH] = ZMQ_PUSH, [ZP_PULL] = ZMQ_PULL,
		[ZP_PUB] = ZMQ_PUB, [ZP_SUB] = ZMQ_SUB,
	};
	struct zp_lib *lib = run->impl->lib;
	struct zp_sock *s = malloc(sizeof(*s));

	if (!s)
		zp_die("%s: no memory", lib->name);
	s->lib = lib;
	s->type = type;
	s->calls = run->calls;
	s->zs = lib->zmq_socket(context(lib), types[type]);
	if (!s->zs)
		lib_die(lib, "socket");
	set_int(s, ZMQ_LINGER, 0);
	if (run->curve)
		set_curve(s, !run->side);
	if (type == ZP_PUB)
		set_int(s, ZMQ_XPUB_NODROP, 1);
	if (type == ZP_SUB &&
	    lib->zmq_setsockopt(s->zs, ZMQ_SUBSCRIBE, "", 0))
		lib_die(lib, "subscribe");
	lib->zmq_msg_init(&s->msg);
	return s;
}

static void lib_bind(struct zp_sock *s, char *ep, size_t size)
{
	set_int(s, ZMQ_BACKLOG, 4096);
	if (s->lib->zmq_bind(s->zs, ep) ||
	    s->lib->zmq_getsockopt(s->zs, ZMQ_LAST_ENDPOINT, ep, &size))
		lib_die(s->lib, "bind");
	s->fds = zp_count_fds();
}

static void lib_connect(struct zp_sock *s, const char *ep)
{
	if (s->lib->zmq_connect(s->zs, ep))
		lib_die(s->lib, "connect");
}

/* Its connections come up by themselves; what is sent before waits */
static void libzmq_ready(struct zp_sock *s, unsigned int peers)
{
	(void)s;
	(void)peers;
}

/* Each connection has a descriptor, closed when it is torn down */
static void libzmq_idle(struct zp_sock *s)
{
	while (zp_count_fds() > s->fds)
		zp_relax();
}

static unsigned int shim_peers(struct zp_sock *s)
{
	size_t size = sizeof(int);
	int fd;

	if (s->lib->zmq_getsockopt(s->zs, SHIM_FD, &fd, &size))
		lib_die(s->lib, "descriptor");
	return zp_af_peers(fd);
}

/* Who asks for the descriptor does not receive ahead any more */
static void shim_ready(struct zp_sock *s, unsigned int peers)
{
	if (s->type == ZP_PULL || s->type == ZP_SUB)
		return;
	while (shim_peers(s) < peers)
		zp_relax();
}

static void shim_idle(struct zp_sock *s)
{
	while (shim_peers(s))
		zp_relax();
}

static void lib_send(struct zp_sock *s, const void *buf, size_t len)
{
	const struct zp_lib *lib = s->lib;
	zmq_msg_t msg;

	if (s->calls != ZP_MSG) {
		if (lib->zmq_send(s->zs, buf, len, 0) < 0)
			lib_die(lib, "send");
		return;
	}
	if (lib->zmq_msg_init_size(&msg, len))
		lib_die(lib, "message");
	memcpy(lib->zmq_msg_data(&msg), buf, len);
	if (lib->zmq_msg_send(&msg, s->zs, 0) < 0)
		lib_die(lib, "send");
}

static size_t lib_recv(struct zp_sock *s, void *buf, size_t len)
{
	const struct zp_lib *lib = s->lib;
	int n;

	if (s->calls == ZP_BUF)
		n = lib->zmq_recv(s->zs, buf, len, 0);
	else
		n = lib->zmq_msg_recv(&s->msg, s->zs, 0);
	if (n < 0)
		lib_die(lib, "recv");
	/* So that the caller sees what came, at little cost */
	if (n && len && s->calls != ZP_BUF)
		*(char *)buf = *(char *)lib->zmq_msg_data(&s->msg);
	return n;
}

static void lib_close(struct zp_sock *s)
{
	s->lib->zmq_msg_close(&s->msg);
	s->lib->zmq_close(s->zs);
	free(s);
}

const struct zp_impl zp_libzmq = {
	.name = "libzmq",
	.probe = libzmq_probe,
	.open = lib_open,
	.bind = lib_bind,
	.connect = lib_connect,
	.ready = libzmq_ready,
	.idle = libzmq_idle,
	.send = lib_send,
	.recv = lib_recv,
	.close = lib_close,
	.lib = &stock,
};

const struct zp_impl zp_shim = {
	.name = "shim",
	.probe = shim_probe,
	.open = lib_open,
	.bind = lib_bind,
	.connect = lib_connect,
	.ready = shim_ready,
	.idle = shim_idle,
	.send = lib_send,
	.recv = lib_recv,
	.close = lib_close,
	.lib = &ours,
};
