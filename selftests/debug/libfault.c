// SPDX-License-Identifier: GPL-2.0
/* Injected faults and the book of their places. */
#include "libfault.h"
#include "libfaultplace.h"

#include <dirent.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define DEBUGFS		"/sys/kernel/debug"
#define BOOK		"/tmp/zmq-faults"
#define POINTS_MAX	8192
#define FAR		1000000
#define SHARES		12	/* of the time, for a scenario */
#define WHOLE_S		170	/* a run of everything takes about so long */
#define LEAST		3	/* failures each has to have, also of a sample */
#define TRIES		500	/* of a scenario */

/*
 * What all processes of a program write down together. The places are kept for
 * the programs that follow in the same machine.
 */
static struct book {
	long long	start;
	unsigned int	injected;
	unsigned int	possible;
	unsigned int	absorbed;	/* by the checkers */
	unsigned int	silent;
	unsigned int	refused;	/* the call failed */
	unsigned int	nr;
	unsigned int	nr_sites;
	unsigned int	direct;		/* asked for by the module itself */
	unsigned int	before;		/* @nr when the program began */
	unsigned int	sites_before;
	unsigned int	all;		/* injected by all programs */
	char		under[SITE_LEN]; /* the scenario that runs */
	unsigned long long hash[POINTS_MAX];
	char		site[POINTS_MAX][SITE_LEN];
} *book;

static const int errnos[] = {
	ENOMEM, ENOBUFS, EFAULT, ENFILE, EADDRINUSE, EAGAIN,
};

static const char * const attrs[] = {
	"failslab", "fail_page_alloc", "fail_usercopy",
};

static int nth_fd = -1;
static unsigned int stride = 1;
static int limit_s, old_loglevel = 7;

bool fault_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

static void put_num(const char *dir, const char *name, long val)
{
	char path[128], text[24];

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", dir, name);
	snprintf(text, sizeof(text), "%ld", val);
	if (!fault_put(path, text))
		KZ_DIE("%s = %s", path, text);
}

static void put_flag(const char *dir, const char *name, bool on)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", dir, name);
	if (!fault_put(path, on ? "Y" : "N"))
		KZ_DIE("%s", path);
}

static long get_num(const char *path)
{
	FILE *f = fopen(path, "re");
	long val = -1;

	if (!f || fscanf(f, "%ld", &val) != 1)
		KZ_DIE("%s", path);
	fclose(f);
	return val;
}

/* The kernel log gets stacks by the hundred; the console is slow. */
static void console_quiet(bool on)
{
	char text[8];

	if (on)
		old_loglevel = get_num("/proc/sys/kernel/printk");
	snprintf(text, sizeof(text), "%d", on ? 4 : old_loglevel);
	if (!fault_put("/proc/sys/kernel/printk", text))
		KZ_DIE("console log level");
}

static void attrs_set(void)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		put_num(attrs[i], "probability", 0);
		put_num(attrs[i], "interval", 1);
		put_num(attrs[i], "times", -1);
		put_num(attrs[i], "space", 0);
		put_num(attrs[i], "verbose", i ? 2 : 0);
		put_num(attrs[i], "verbose_ratelimit_interval_ms", 0);
		put_flag(attrs[i], "task-filter", false);
	}
	put_flag("failslab", "ignore-gfp-wait", false);
	put_flag("fail_page_alloc", "ignore-gfp-wait", false);
	put_num("fail_page_alloc", "min-order", 0);
}

/* Once for a program, before it forks. */
void fault_init(void)
{
	const char *s = getenv("ZMQ_SECONDS");
	int fd = open(BOOK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*book)))
		KZ_DIE("%s", BOOK);
	book = mmap(NULL, sizeof(*book), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	KZ_CHECK(book != MAP_FAILED);
	xclose(fd);
	book->start = kz_now_ms();
	book->before = book->nr;
	book->sites_before = book->nr_sites;
	book->under[0] = 0;
	book->injected = 0;
	book->possible = 0;
	book->absorbed = 0;
	book->silent = 0;
	book->refused = 0;
	limit_s = s ? atoi(s) : 0;
	if (limit_s > 0 && limit_s < WHOLE_S)
		stride = (WHOLE_S + limit_s - 1) / limit_s;
	attrs_set();
	console_quiet(true);
	place_logs_open();
}

void fault_exit(void)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		put_num(attrs[i], "probability", 0);
		put_num(attrs[i], "verbose", 0);
	}
	place_logs_close();
	console_quiet(false);
}

/* Is the time over that ZMQ_SECONDS gives? */
bool fault_late(void)
{
	return limit_s > 0 && kz_now_ms() - book->start > limit_s * 1000LL;
}

/* fail-nth of the calling thread */
static void nth_open(void)
{
	static pid_t owner;

	if (owner == gettid())
		return;
	if (nth_fd >= 0)
		close(nth_fd);
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		KZ_DIE("fail-nth");
	owner = gettid();
}

static bool nth_write(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(nth_fd, text, len, 0) == len;
}

static void nth_arm(unsigned int n)
{
	if (!nth_write(n))
		KZ_DIE("fail-nth = %u", n);
}

/* What is left of the count; 0 when a call has failed. */
static unsigned int nth_disarm(void)
{
	unsigned int left = 0;
	char text[16] = "";

	/* The last one left fails this very copy, or that of the next write. */
	if (pread(nth_fd, text, sizeof(text) - 1, 0) < 0)
		left = errno == EFAULT ? 1 : 0;
	else
		left = strtoul(text, NULL, 10);
	if (!nth_write(0))
		nth_arm(0);
	return left;
}

static void place_note(const struct place *p, const char *walk)
{
	unsigned int i, site = 0;

	book->injected++;
	book->all++;
	if (p->checker) {
		book->absorbed++;
		return;
	}
	if (!p->deep)
		book->silent++;
	for (i = 0; i < book->nr; i++) {
		if (book->hash[i] == p->hash)
			return;
		site |= !strcmp(book->site[i], p->site);
	}
	KZ_CHECK(i < POINTS_MAX);
	book->hash[i] = p->hash;
	strcpy(book->site[i], p->site);
	book->nr++;
	if (p->site[0] && !site) {
		book->nr_sites++;
		book->direct += p->direct;
	}
	if (getenv("FAULT_LIST"))
		printf("# %s: %s%s\n", walk, p->site[0] ? p->site : "-",
		       p->direct ? "" : " (below)");
}

/* Once for a test: no failure but by its count. */
void fault_begin(void)
{
	struct place p;

	if (book->under[0]) {
		/* the test before has died in a scenario: what had failed? */
		printf("# %s ended with this failure:\n", book->under);
		book->under[0] = 0;
		place_logs_show();
	}
	attrs_set();
	place_read(&p, "");
}

/* What has just failed. */
static void note_failure(const char *walk, struct place *p)
{
	place_read(p, walk);
	place_note(p, walk);
}

static void check_errno(const struct walk *w, unsigned int n, int err)
{
	unsigned int errs = w->errs ?: F_USUAL;
	size_t i;

	if (errs & F_ANY)
		return;
	for (i = 0; i < NR(errnos); i++)
		if (err == errnos[i] && (errs & BIT_OF(i)))
			return;
	errno = err;
	KZ_DIE("%s, failure %u: an errno that makes no sense", w->name, n);
}

/* How many chances to fail a call has, and that it works without. */
static unsigned int walk_measure(const struct walk *w)
{
	unsigned int left;
	long ret;

	nth_arm(FAR);
	ret = w->run(w->arg);
	left = nth_disarm();
	if (ret < 0)
		KZ_DIE("%s does not work", w->name);
	w->verify(w->arg, ret);
	return FAR - left;
}

/* what has come of a step */
enum step {
	STEP_OVER,	/* the call has no such chance to fail */
	STEP_ELSEWHERE,
	STEP_OURS,
};

static enum step walk_step(const struct walk *w, unsigned int n,
			   unsigned int *fails)
{
	struct place p = {};
	bool hit;
	long ret;
	int err;

	nth_arm(n);
	ret = w->run(w->arg);
	err = errno;
	hit = !nth_disarm();
	if (hit) {
		note_failure(w->name, &p);
	} else if (ret < 0) {
		errno = err;
		KZ_DIE("%s, failure %u: failed of itself", w->name, n);
	}
	if (ret < 0) {
		check_errno(w, n, err);
		++*fails;
		book->refused++;
		if (w->lost)
			w->lost(w->arg, err);
		ret = w->run(w->arg);
		if (ret < 0)
			KZ_DIE("%s, failure %u: the repeat does not work",
			       w->name, n);
	}
	w->verify(w->arg, ret);
	bystander_check();
	return !hit ? STEP_OVER : p.site[0] ? STEP_OURS : STEP_ELSEWHERE;
}

/* A walk must not be well because it did nothing. */
static bool walk_enough(const struct walk *w, unsigned int total,
			unsigned int done, unsigned int ours)
{
	if (w->coarse > 1 && ours < LEAST)
		return false;
	/* There are calls with next to nothing to fail; it differs a little. */
	return done >= LEAST || total < LEAST || (done && total <= 4 * LEAST);
}

void fault_walk(const struct walk *w)
{
	unsigned int step = w->coarse ?: stride, fine = 0, ours = 0;
	unsigned int n, total, done = 0, fails = 0, points = book->nr;
	enum step got;

	nth_open();
	/* twice: the first may have filled caches */
	walk_measure(w);
	total = walk_measure(w);
	book->possible += total;
	if ((fault_late() && !w->coarse) || step > total / LEAST)
		step = total / LEAST ?: 1;
	n = 1 + total % step;
	if (stride > 1)
		n += total / 100 * w->skip;
	while (n < total + 100) {
		if (fault_late() && walk_enough(w, total, done, ours))
			break;
		got = walk_step(w, n, &fails);
		/* How often a call asks for memory differs from time to time. */
		if (got == STEP_OVER && n >= total)
			break;
		done += got != STEP_OVER;
		ours += got == STEP_OURS;
		/* Around those that are ours, look closely. */
		if (w->coarse > 1 && got == STEP_OURS) {
			if (n >= fine)
				n = n > step ? n - step : 0;
			fine = n + 2 * step;
		}
		n += n < fine ? stride : step;
	}
	/* Less may have happened than when it was measured: from the start then. */
	for (n = 1; n <= total && !walk_enough(w, total, done, ours); n++) {
		got = walk_step(w, n, &fails);
		done += got != STEP_OVER;
		ours += got == STEP_OURS;
	}
	printf("# %s: %u of %u failures, %u told the caller, %u new places\n",
	       w->name, done, total, fails, book->nr - points);
	if (w->coarse > 1)
		printf("# %s: %u of them in the module\n", w->name, ours);
	if (!walk_enough(w, total, done, ours))
		KZ_DIE("%s: hardly anything was tried", w->name);
}

/* Mark the kernel's threads whose work items are to fail, and their parent. */
static void mark_workers(void)
{
	DIR *d = opendir("/proc");
	char path[300], comm[64];
	struct dirent *e;
	FILE *f;

	KZ_CHECK(d);
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (!fgets(comm, sizeof(comm), f))
			comm[0] = 0;
		fclose(f);
		if (!starts(comm, "kworker/u") && !starts(comm, "kthreadd"))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/make-it-fail", e->d_name);
		fault_put(path, "1");
	}
	closedir(d);
}

static const char *global_attr(enum fault_kind kind)
{
	return kind == FAULT_ATOMIC_PAGE ? "fail_page_alloc" : "failslab";
}

static void global_arm(enum fault_kind kind, unsigned int space)
{
	const char *a = global_attr(kind);

	put_flag(a, "ignore-gfp-wait", kind != FAULT_WORK);
	put_flag(a, "task-filter", kind == FAULT_WORK);
	put_num(a, "space", space);
	put_num(a, "times", 1);
	put_num(a, "probability", 100);
}

/* True when something has failed; *used: octets taken before. */
static bool global_disarm(enum fault_kind kind, unsigned int space,
			  unsigned int *used)
{
	const char *a = global_attr(kind);
	char path[128];
	bool hit;

	put_num(a, "probability", 0);
	snprintf(path, sizeof(path), DEBUGFS "/%s/times", a);
	hit = !get_num(path);
	snprintf(path, sizeof(path), DEBUGFS "/%s/space", a);
	*used = space - get_num(path);
	put_num(a, "times", -1);
	put_num(a, "space", 0);
	put_flag(a, "task-filter", false);
	put_flag(a, "ignore-gfp-wait", false);
	return hit;
}

/*
 * The next allocation of that kind from one cache fails. Which caches can do so
 * the kernel was told when it booted: slub_debug=A,...
 */
void fault_cache_arm(enum fault_kind kind, const char *cache)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/failslab", cache);
	if (get_num(path) != 1)
		KZ_DIE("%s is not 1: slub_debug=A,%s", path, cache);
	if (kind == FAULT_WORK)
		mark_workers();
	put_flag("failslab", "cache-filter", true);
	global_arm(kind, 0);
}

/* True when there was one. */
bool fault_cache_disarm(enum fault_kind kind)
{
	unsigned int used;
	bool hit;

	hit = global_disarm(kind, 0, &used);
	put_flag("failslab", "cache-filter", false);
	return hit;
}

static unsigned int slab_size(unsigned int n)
{
	unsigned int s = 8;

	if (n > 8192)
		return n;
	while (s < n)
		s *= 2;
	return s;
}

/* For a sample: 0, 1/2, 1/4, 3/4, 1/8... of all, as far as the time goes */
static unsigned int spread(unsigned int i, unsigned int total)
{
	unsigned long long sum = 0, part = total;

	for (; i; i /= 2) {
		part /= 2;
		if (i % 2)
			sum += part;
	}
	return sum;
}

/* Octets the next failure is to be behind, after one behind @used */
static unsigned int next_space(enum fault_kind kind, const struct place *p,
			       unsigned int used)
{
	static unsigned int leak;
	unsigned int step;

	if (kind == FAULT_ATOMIC_PAGE)
		return used + 2;
	step = p->size ? slab_size(p->size) : 64;
	if (p->checker)
		leak = p->size;
	else if (p->size)
		step += leak;	/* kmemleak's own comes after each */
	return used + step + 1;
}

/* One run; whether something has failed, and what it was. */
static bool scenario_step(enum fault_kind kind, const char *name,
			  void (*run)(void), unsigned int space,
			  struct place *p, unsigned int *used)
{
	if (kind == FAULT_WORK)
		mark_workers();
	snprintf(book->under, SITE_LEN, "%s, behind %u", name, space);
	global_arm(kind, space);
	run();
	book->under[0] = 0;
	if (!global_disarm(kind, space, used))
		return false;
	note_failure(name, p);
	bystander_check();
	return true;
}

/*
 * The same for what the kernel does by itself: the budget of octets grows past
 * one allocation after the other. How many there are is different each time.
 */
void fault_scenario(enum fault_kind kind, const char *name, void (*run)(void))
{
	unsigned int used, total, space = 0, done = 0, tries, points = book->nr;
	long long start = kz_now_ms();
	struct place p;

	mark_workers();
	global_arm(kind, INT_MAX);
	run();
	global_disarm(kind, INT_MAX, &total);
	for (tries = 0; tries < TRIES; tries++) {
		/* a share of the time for each, so that none goes short */
		if (limit_s > 0 && done >= LEAST &&
		    kz_now_ms() - start > limit_s * 1000LL / SHARES)
			break;
		if (limit_s > 0)
			space = spread(tries, total);
		if (scenario_step(kind, name, run, space, &p, &used)) {
			done++;
			space = next_space(kind, &p, used);
		} else if (done < LEAST) {
			space = 0;
		} else if (limit_s <= 0) {
			break;
		}
	}
	book->possible += stride > 1 ? done * stride : done;
	printf("# %s: %u failures in %u octets, %u new places\n", name, done,
	       total, book->nr - points);
	if (done < LEAST)
		KZ_DIE("%s: hardly anything was tried", name);
}

/* The totals; the numbers are what the run has to have reached at least. */
void fault_summary(unsigned int floor_points, unsigned int floor_sites)
{
	/* what a call asks for differs a little from time to time */
	unsigned int percent = 100ull * book->injected / (book->possible ?: 1);

	printf("# %u injections (of %u, %u%%), %u of them taken by checkers, %u without a stack\n",
	       book->injected, book->possible,
	       percent > 100 ? 100 : percent,
	       book->absorbed, book->silent);
	printf("# %u calls failed and were repeated\n", book->refused);
	printf("# new ones: %u distinct failure points, at %u places in functions of the module\n",
	       book->nr - book->before, book->nr_sites - book->sites_before);
	printf("# so far: %u injections, %u distinct failure points, ",
	       book->all, book->nr);
	printf("at %u places in functions of the module (%u allocate themselves)\n",
	       book->nr_sites, book->direct);
	if (limit_s > 0)
		printf("# ZMQ_SECONDS=%d: every %u. failure was tried\n",
		       limit_s, stride);
	if (limit_s > 0) {
		floor_points /= 4 * stride;
		floor_sites /= 4 * stride;
	}
	if (book->nr - book->before < floor_points ||
	    book->nr_sites - book->sites_before < floor_sites)
		KZ_DIE("too few: at least %u points at %u sites are expected",
		       floor_points, floor_sites);
}
