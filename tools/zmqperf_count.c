// SPDX-License-Identifier: GPL-2.0
/*
 * zmqperf: system calls and context switches of a measurement.
 *
 * A perf counter of the tracepoint that every system call passes counts a
 * process with the threads it starts later, without stopping any of them.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "zmqperf.h"

static int counter = -1;

static int tracepoint_id(void)
{
	static const char *const dirs[] = {
		"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
	};
	char path[100];
	unsigned int i;
	int id = -1;
	FILE *f;

	for (i = 0; i < ARRAY_SIZE(dirs) && id < 0; i++) {
		snprintf(path, sizeof(path),
			 "%s/events/raw_syscalls/sys_enter/id", dirs[i]);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fscanf(f, "%d", &id) != 1)
			id = -1;
		fclose(f);
	}
	return id;
}

static int open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.inherit = 1,
	};
	int id = tracepoint_id();

	if (id < 0)
		return -1;
	attr.config = id;
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

/** zp_count_probe - NULL when calls can be counted here, else why not */
const char *zp_count_probe(void)
{
	static char why[80];
	int fd;

	if (tracepoint_id() < 0)
		return "no tracepoint raw_syscalls:sys_enter (tracefs, root?)";
	fd = open_counter();
	if (fd < 0) {
		snprintf(why, sizeof(why), "perf_event_open: %m");
		return why;
	}
	close(fd);
	return NULL;
}

/** zp_count_open - before a process starts its threads */
void zp_count_open(const struct zp_run *run)
{
	if (!run->counting)
		return;
	counter = open_counter();
	if (counter < 0)
		zp_die("perf_event_open: %m");
}

/* What this process has done up to now */
static void read_counts(unsigned long long *calls, unsigned long long *csw)
{
	struct rusage ru;

	if (read(counter, calls, sizeof(*calls)) != sizeof(*calls))
		zp_die("counter: %m");
	getrusage(RUSAGE_SELF, &ru);
	*csw = ru.ru_nvcsw + ru.ru_nivcsw;
}

/* Where both sides are threads of one process the client's count is both's. */
static int counts_here(const struct zp_run *run)
{
	return run->counting && (run->transport != ZP_INPROC || run->side);
}

/**
 * zp_count_begin - the window begins for this side
 * @run: the measurement
 */
void zp_count_begin(struct zp_run *run)
{
	if (counts_here(run))
		read_counts(&run->shared->calls[run->side],
			    &run->shared->csw[run->side]);
}

/**
 * zp_count_end - the window ends for this side
 * @run: the measurement
 */
void zp_count_end(struct zp_run *run)
{
	unsigned long long calls, csw;

	if (!counts_here(run))
		return;
	read_counts(&calls, &csw);
	run->shared->calls[run->side] = calls - run->shared->calls[run->side];
	run->shared->csw[run->side] = csw - run->shared->csw[run->side];
}
