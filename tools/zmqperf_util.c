// SPDX-License-Identifier: GPL-2.0
/* zmqperf: clock, failure, and what /proc tells */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "zmqperf.h"

char zp_reason[256];
static struct zp_shared *die_shared;

/**
 * zp_die_into - from now on zp_die() leaves its text in @shared
 * @shared: memory that the starting process reads
 */
void zp_die_into(struct zp_shared *shared)
{
	die_shared = shared;
}

/* Ends this process for zp_reason; the first one of a measurement is kept */
void zp_end(void)
{
	if (!die_shared)
		fprintf(stderr, "zmqperf: %s\n", zp_reason);
	else if (!die_shared->error[0])
		memcpy(die_shared->error, zp_reason, sizeof(zp_reason));
	_exit(1);
}

/** zp_now - CLOCK_MONOTONIC in ns */
unsigned long long zp_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/*
 * The window's ends are also instructions of their own, no-ops that a QEMU
 * plugin which counts instructions can look for.
 */
void zp_mark_begin(struct zp_run *run)
{
	run->shared->t0 = zp_now();
#ifdef __x86_64__
	asm volatile("nopl 0x5a4d5101(%%rax)" ::: "memory");
#endif
}

void zp_mark_end(struct zp_run *run)
{
#ifdef __x86_64__
	asm volatile("nopl 0x5a4d5102(%%rax)" ::: "memory");
#endif
	run->shared->t1 = zp_now();
	run->shared->units = run->count;
}

/** zp_alloc - memory that is really there, so that no fault is measured */
void *zp_alloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		zp_die("no memory for %zu octets", size);
	memset(p, 'z', size ? size : 1);
	return p;
}

/** zp_relax - let whoever is runnable work, between two looks at a state */
void zp_relax(void)
{
	sched_yield();
}

/**
 * zp_endpoint - what to bind to; where the system chooses, it is left open
 * @run:  the measurement
 * @ep:   filled in
 * @size: octets of it
 */
void zp_endpoint(const struct zp_run *run, char *ep, size_t size)
{
	switch (run->transport) {
	case ZP_IPC:	/* abstract: no file is left behind */
		snprintf(ep, size, "ipc://@zmqperf-%d", getpid());
		break;
	case ZP_INPROC:
		snprintf(ep, size, "inproc://zmqperf");
		break;
	default:
		snprintf(ep, size, "tcp://127.0.0.1:*");
	}
}

/** zp_port - the port at the end of "tcp://host:port" */
unsigned int zp_port(const char *ep)
{
	const char *colon = strrchr(ep, ':');
	unsigned int port = colon ? strtoul(colon + 1, NULL, 10) : 0;

	if (!port || port > 65535)
		zp_die("no port in endpoint '%s'", ep);
	return port;
}

/**
 * zp_tcp_live - sockets of connections from or to a port that still live
 * @port: port, in this network namespace
 *
 * Listeners and TIME_WAIT do not count.
 */
unsigned int zp_tcp_live(unsigned int port)
{
	unsigned int lport, rport, state, live = 0;
	FILE *f = fopen("/proc/net/tcp", "re");
	char line[512];

	if (!f)
		zp_die("/proc/net/tcp: %m");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %*x:%x %*x:%x %x", &lport, &rport,
			   &state) != 3)
			continue;
		if ((lport == port || rport == port) && state != 0x0a &&
		    state != 0x06)
			live++;
	}
	fclose(f);
	return live;
}

/** zp_count_fds - open descriptors of this process */
unsigned int zp_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	if (!dir)
		zp_die("/proc/self/fd: %m");
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 3;	/* ".", ".." and that of the directory */
}

/* The sum of the lines of a "Name: number kB" file that begin with a name */
static long long read_kb(const char *path, const char *const *names)
{
	FILE *f = fopen(path, "re");
	long long sum = 0, kb;
	char line[256];
	int i;

	if (!f)
		zp_die("%s: %m", path);
	while (fgets(line, sizeof(line), f)) {
		for (i = 0; names[i]; i++) {
			size_t len = strlen(names[i]);

			if (!strncmp(line, names[i], len) &&
			    sscanf(line + len, ": %lld", &kb) == 1)
				sum += kb * 1024;
		}
	}
	fclose(f);
	return sum;
}

/* Free pages that wait in per-CPU lists, which MemFree leaves out */
static long long read_pcp_free(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	long long pages = 0, n;
	char line[256];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %lld", &n) == 1)
			pages += n;
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/* Octets that TCP has taken for the queues of all its sockets */
static long long read_skmem(void)
{
	FILE *f = fopen("/proc/net/sockstat", "re");
	long long pages = 0;
	char line[256];
	char *mem;

	if (!f)
		zp_die("/proc/net/sockstat: %m");
	while (fgets(line, sizeof(line), f)) {
		mem = strstr(line, " mem ");
		if (!strncmp(line, "TCP:", 4) && mem)
			pages = strtoll(mem + 5, NULL, 10);
	}
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/* Give free slabs back, so that slab use is what is in use. Needs root. */
static void shrink_slabs(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *de;
	char path[300];
	int fd;

	if (!dir)
		return;
	while ((de = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink",
			 de->d_name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (write(fd, "1", 1) != 1) {
			close(fd);
			break;
		}
		close(fd);
	}
	closedir(dir);
}

/**
 * zp_snapshot - read memory use and descriptors
 * @snap: filled in
 *
 * Waits for an RCU grace period first, so what was freed is really free.
 */
void zp_snapshot(struct zp_snap *snap)
{
	static const char *const rss[] = { "Rss", NULL };
	static const char *const slab[] = { "Slab", NULL };
	static const char *const pages[] = { "PageTables", "KernelStack",
					     "Percpu", NULL };
	static const char *const total[] = { "MemTotal", NULL };
	static const char *const avail[] = { "MemFree", "Buffers", "Cached",
					     NULL };

	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	shrink_slabs();
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);

	snap->fds = zp_count_fds();
	snap->slab = read_kb("/proc/meminfo", slab);
	snap->pages = read_kb("/proc/meminfo", pages);
	snap->used = read_kb("/proc/meminfo", total) -
		     read_kb("/proc/meminfo", avail) - read_pcp_free();
	snap->skmem = read_skmem();
	snap->rss = read_kb("/proc/self/smaps_rollup", rss);
}
