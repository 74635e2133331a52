// SPDX-License-Identifier: GPL-2.0
/*
 * Where an injected failure was: the allocator's tracepoints and the kernel's log
 * tell the call stack.
 */
#include "libfault.h"
#include "libfaultplace.h"

#include <sys/mount.h>

#define TRACEFS		"/sys/kernel/tracing"

static const char * const events[] = {
	"kmalloc", "kmalloc_node", "kmem_cache_alloc", "kmem_cache_alloc_node",
};

static int trace_fd = -1, kmsg_fd = -1;
static char log_buf[1 << 20];

static void trace_event(const char *name, bool on)
{
	char path[128];

	snprintf(path, sizeof(path), TRACEFS "/events/kmem/%s/filter", name);
	if (access(path, W_OK))
		return;
	if (!fault_put(path, on ? "ptr == 0" : "0"))
		KZ_DIE("%s", path);
	snprintf(path, sizeof(path), TRACEFS "/events/kmem/%s/enable", name);
	if (!fault_put(path, on ? "1" : "0"))
		KZ_DIE("%s", path);
}

/* Once for a program, before it forks. */
void place_logs_open(void)
{
	size_t i;

	if (access(TRACEFS "/trace_pipe", R_OK) &&
	    mount("tracefs", TRACEFS, "tracefs", 0, NULL))
		KZ_DIE("tracefs");
	if (!fault_put(TRACEFS "/options/stacktrace", "1") ||
	    !fault_put(TRACEFS "/options/sym-offset", "1"))
		KZ_DIE("options of tracing");
	for (i = 0; i < NR(events); i++)
		trace_event(events[i], true);
	trace_fd = open(TRACEFS "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (trace_fd < 0 || kmsg_fd < 0)
		KZ_DIE("the kernel's logs");
	lseek(kmsg_fd, 0, SEEK_END);
}

void place_logs_close(void)
{
	size_t i;

	for (i = 0; i < NR(events); i++)
		trace_event(events[i], false);
	fault_put(TRACEFS "/options/stacktrace", "0");
	fault_put(TRACEFS "/options/sym-offset", "0");
}

static bool is_allocator(const char *s)
{
	static const char * const names[] = {
		"trace_", "__traceiter", "kmem_cache_alloc", "__kmem_cache_alloc",
		"kmalloc", "__kmalloc", "__do_kmalloc", "should_fail",
		"__should_fail", "dump_stack", "_copy_from", "_copy_to",
		"__alloc_pages", "alloc_pages", "krealloc", "kvmalloc",
		"kmemdup", "memdup", "fail_dump", "prepare_alloc", "__get_free",
	};
	size_t i;

	for (i = 0; i < NR(names); i++)
		if (starts(s, names[i]))
			return true;
	return false;
}

static bool is_checker(const char *s)
{
	return starts(s, "kmemleak_") || starts(s, "__create_object") ||
	       starts(s, "create_object") || starts(s, "__debug_object") ||
	       starts(s, "debug_object") || starts(s, "fill_pool") ||
	       starts(s, "__stack_depot") || starts(s, "kasan_") ||
	       starts(s, "__kasan");
}

/* One line of a stack: function+0xoffset/0xsize [module] */
static void place_frame(struct place *p, const char *s)
{
	size_t n = strcspn(s, "/\n\\ "), i;
	const char *mod = strstr(s, " [zmq]");
	const char *end = strpbrk(s, "\n");
	char gone[16];

	/* A module that failed to load has left no names, but pages stay pages. */
	if (starts(s, "0xffffffff") && n == 18) {
		snprintf(gone, sizeof(gone), "zmq(gone)+%.3s", s + 15);
		s = gone;
		n = strlen(s);
		mod = s;
		end = NULL;
	}
	if (is_checker(s))
		p->checker = true;
	if (p->whole || (is_allocator(s) && !p->deep))
		return;
	p->whole = starts(s, "__do_softirq") || starts(s, "process_one_work") ||
		   starts(s, "do_syscall_64");
	p->deep++;
	for (i = 0; i < n; i++)
		p->hash = (p->hash ^ (unsigned char)s[i]) * 0x100000001b3ull;
	if (mod && (!end || mod < end) && !p->site[0]) {
		snprintf(p->site, sizeof(p->site), "%.*s", (int)n, s);
		p->direct = p->deep == 1;
	}
}

static void place_new(struct place *p, const char *walk)
{
	memset(p, 0, sizeof(*p));
	p->hash = 0xcbf29ce484222325ull;
	/* those without a stack are told apart by the walk only */
	while (*walk)
		p->hash = (p->hash ^ (unsigned char)*walk++) * 0x100000001b3ull;
}

static void begin_stack(struct place *p)
{
	memset(p, 0, sizeof(*p));
	p->hash = 0xcbf29ce484222325ull;
}

/* Lines of the trace: an event, then " => function+off/size [module]". */
static bool read_trace(struct place *p)
{
	const char *line, *s;
	bool got = false;
	ssize_t n, have = 0;

	while (have < (ssize_t)sizeof(log_buf) - 4096 &&
	       (n = read(trace_fd, log_buf + have, 4096)) > 0)
		have += n;
	log_buf[have] = 0;
	for (line = log_buf; *line; line = s + 1) {
		s = strchr(line, '\n');
		if (!s)
			break;
		n = s - line;
		if (starts(line, " => ")) {
			place_frame(p, line + 4);
		} else if (memmem(line, n, "bytes_req=", 10)) {
			/* the last one counts */
			begin_stack(p);
			got = true;
			p->size = strtoul((char *)memmem(line, n, "bytes_req=", 10) + 10,
					  NULL, 10);
		}
	}
	return got;
}

/* The log says "forcing a failure", then a stack. */
static bool read_kmsg(struct place *p, bool want)
{
	bool got = false;
	char rec[8192], *s;
	ssize_t n;

	for (;;) {
		n = read(kmsg_fd, rec, sizeof(rec) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return got;
		rec[n] = 0;
		s = strchr(rec, ';');
		if (!s || !want)
			continue;
		s++;
		if (starts(s, "FAULT_INJECTION: forcing")) {
			begin_stack(p);
			got = true;
			continue;
		}
		s += strspn(s, " ");
		if (got && !starts(s, "? ") && strstr(s, "+0x") && strchr(s, '/') &&
		    !starts(s, "RIP:") && strcspn(s, " ") > strcspn(s, "/"))
			place_frame(p, s);
	}
}

/* Say what the logs hold. */
void place_logs_show(void)
{
	ssize_t n;
	char *s;

	while ((n = read(trace_fd, log_buf, sizeof(log_buf) - 1)) > 0) {
		log_buf[n] = 0;
		for (s = strtok(log_buf, "\n"); s; s = strtok(NULL, "\n"))
			printf("#   %s\n", s);
	}
}

/* What the logs tell of the last failure; all before it is forgotten. */
void place_read(struct place *p, const char *walk)
{
	bool traced;

	place_new(p, walk);
	traced = read_trace(p);
	read_kmsg(p, !traced);
}
