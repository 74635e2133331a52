// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 + ZMQ_SECONDS */
/* LDLIBS: -lzmq */
/*
 * A peer that says what libzmq says, but not quite: recorded sessions, changed
 * in frames and octets, against bound and connecting sockets of every type,
 * several at once, while a program uses these sockets.
 *
 * Every few hundred cases everything calms down: whoever has not finished the
 * handshake is gone by then, who has is counted, a good peer gets through, and
 * what was received is no longer held in memory.
 *
 * ZMQ_SECONDS: how long, 15 by default. ZMQ_SEED: which cases. ZMQ_CASE=N or
 * N-M: only these, ZMQ_COUNT times over.
 */
#include "kselftest_harness.h"
#include "fuzz_wire.h"

#include <sys/random.h>

#define SLOTS		12
#define ENOUGH		300		/* cases, for chance to be fair */
#define CALM_CASES	500		/* between two calms */
#define STALL_STEPS	300		/* of a peer that does not read */
#define HOLD_STEPS	200
#define MEM_MAX		(64 << 20)
#define MEM_CALM	(2 << 20)	/* what unread queues may hold */
#define STREAM_MAX	20000

enum state {
	FREE, OPENING, NOTICE, WRITING, STREAMING, ECHOED, LEAVING, ENDING, HELD
};

struct slot {
	enum state state;
	struct fcase c;
	struct target *t;
	int fd;
	__u32 at, back;		/* octets written; come out of STREAM */
	int piece, wait, stalled;
	long long since;
};

static struct target targets[2 * TYPES];
static struct slot slots[SLOTS];
static __u64 seed, next_case, last_case = ~0ULL;
static __u64 cases, calms, streams, cut_off;
static long mem_most;
static struct rng rng;

static int type_of(int target)
{
	return targets[target].type;
}

static void say_case(const struct slot *s)
{
	fprintf(stderr, "# ZMQ_SEED=%llu ZMQ_CASE=%llu: %s %s, from '%s', %u octets\n",
		seed, s->c.no,
		s->t->bound ? "bound" : "connecting", type_names[s->t->type],
		corpus[s->c.base].name, s->c.len);
}

static void say_file(const char *path, const char *with)
{
	FILE *f = fopen(path, "r");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, with))
			fprintf(stderr, "#   %s", line);
	if (f)
		fclose(f);
}

static void bad_case(const struct slot *s, const char *what)
{
	const struct slot *o;
	char port[8];

	say_case(s);
	fprintf(stderr, "# all that are under way:\n");
	for (o = slots; o < slots + SLOTS; o++)
		if (o->state != FREE)
			fprintf(stderr, "# %llu, %s %s: state %d, %u/%u out, %u in, %d, %lld ms\n",
				o->c.no,
				o->t->bound ? "bound" : "connecting",
				type_names[o->t->type], o->state, o->at,
				o->c.len, o->back, o->c.end,
				kz_now_ms() - o->since);
	snprintf(port, sizeof(port), ":%04X", ep_port(s->t->ep));
	say_file("/proc/net/zmq", s->t->ep);
	say_file("/proc/net/tcp", port);
	KZ_DIE("%s", what);
}

static void bad_calm(const struct target *t, const char *what)
{
	__u64 first = next_case > CALM_CASES + SLOTS ?
			 next_case - CALM_CASES - SLOTS : 0;

	fprintf(stderr, "# ZMQ_SEED=%llu ZMQ_CASE=%llu-%llu: %s %s\n",
		seed, first,
		next_case,
		t ? t->bound ? "bound" : "connecting" : "",
		t ? type_names[t->type] : "all");
	KZ_DIE("%s", what);
}

static void finish(struct slot *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->t->type == ZMQ_STREAM)
		s->t->busy = false;
	s->state = FREE;
	cases++;
}

static void begin(struct slot *s)
{
	s->fd = -1;
	s->at = 0;
	s->back = 0;
	s->piece = 0;
	s->wait = 0;
	s->stalled = 0;
	s->since = kz_now_ms();
	case_make(&s->c, seed, next_case++, 2 * TYPES, type_of);
	s->t = &targets[s->c.target];
	if (s->t->type == ZMQ_STREAM && s->c.len > STREAM_MAX) {
		s->c.len = STREAM_MAX;
		s->c.cut[0] = STREAM_MAX;
		s->c.ncut = 1;
	}
	s->state = OPENING;
}

/* The newest: the socket may have ended older ones, of which none cared. */
static int accept_last(const struct target *t)
{
	int fd = -1, next;

	if (t->type == ZMQ_STREAM)
		return accept4(t->lfd, NULL, NULL, SOCK_CLOEXEC);
	while ((next = accept4(t->lfd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (fd >= 0)
			close(fd);
		fd = next;
	}
	return fd;
}

static bool opening(struct slot *s)
{
	if (s->t->type == ZMQ_STREAM && s->t->busy)
		return false;
	if (s->t->bound)
		s->fd = raw_connect(s->t->ep);
	else
		s->fd = accept_last(s->t);
	if (s->fd < 0) {
		target_again(s->t);
		if (kz_now_ms() - s->since > kz_ms(4 * KZ_WAIT_MS))
			bad_case(s, "the socket does not connect again");
		return false;
	}
	s->since = kz_now_ms();
	s->t->again = 0;
	s->state = WRITING;
	if (s->t->type == ZMQ_STREAM) {
		s->t->busy = true;
		s->state = NOTICE;
	}
	return true;
}

/* false: the other side has ended the connection */
static bool take(struct slot *s)
{
	char buf[32768];
	ssize_t n;

	if (s->c.deaf && s->state == WRITING)
		return true;
	n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool writing(struct slot *s)
{
	__u32 to = s->c.cut[s->piece];
	ssize_t n;

	if (s->wait) {
		s->wait--;
		return false;
	}
	n = send(s->fd, s->c.buf + s->at, to - s->at,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN) {
		cut_off++;
		finish(s);
		return true;
	}
	if (n > 0)
		s->at += n;
	if (s->at == to) {
		s->piece++;
		s->wait = s->c.slow;
	} else if (n <= 0 && ++s->stalled > STALL_STEPS) {
		s->piece = s->c.ncut;
	}
	if (!take(s)) {
		cut_off++;
		finish(s);
	} else if (s->piece == s->c.ncut) {
		s->state = ENDING;
		if (s->c.end == END_SHUT)
			shutdown(s->fd, SHUT_WR);
		s->wait = s->c.end == END_HOLD ? HOLD_STEPS : s->c.slow;
	}
	return n > 0;
}

static bool ending(struct slot *s)
{
	struct linger hard = { .l_onoff = 1 };

	if (!take(s)) {
		cut_off++;
		finish(s);
		return true;
	}
	if (s->wait) {
		s->wait--;
		return false;
	}
	if (s->c.end == END_RESET)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	finish(s);
	return true;
}

/* The next message of STREAM: the id, then octets. -1: nothing has come */
static ssize_t stream_next(struct slot *s, char *buf, size_t size)
{
	bool eor;
	ssize_t n = zrecv(s->t->fd, s->t->id, sizeof(s->t->id), MSG_DONTWAIT,
			  &eor);

	if (n < 0)
		return -1;
	if (n != 5 || eor)
		bad_case(s, "STREAM gave no id");
	s->t->idlen = n;
	n = zrecv(s->t->fd, buf, size, MSG_DONTWAIT, &eor);
	if (n < 0 || !eor)
		bad_case(s, "STREAM gave no octets");
	return n;
}

/* What goes in comes out, and back again, with a notice before and after. */
static bool streaming(struct slot *s)
{
	static char buf[STREAM_MAX * 4];
	ssize_t n = -1;

	if (kz_now_ms() - s->since > kz_ms(2 * KZ_WAIT_MS))
		bad_case(s, s->state == NOTICE ? "no notice of a new peer" :
			 s->state == LEAVING ? "no notice of its end" :
			 "octets are missing");
	if (s->state == STREAMING && s->at < s->c.len) {
		n = send(s->fd, s->c.buf + s->at, s->c.cut[s->piece] - s->at,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			bad_case(s, "STREAM has ended the connection");
		if (n > 0)
			s->at += n;
		if (s->at == s->c.cut[s->piece])
			s->piece++;
	}
	if (s->state == ECHOED) {
		n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0 && (s->back + n > s->c.len ||
			      memcmp(buf, s->c.buf + s->back, n)))
			bad_case(s, "other octets came back");
		s->back += n > 0 ? n : 0;
	} else {
		n = stream_next(s, buf, sizeof(buf));
		if (n > 0 && (s->state != STREAMING || s->back + n > s->c.len ||
			      memcmp(buf, s->c.buf + s->back, n)))
			bad_case(s, "STREAM gave other octets");
		if (n == 0 && s->state == STREAMING)
			bad_case(s, "STREAM gave a message without octets");
		s->back += n > 0 ? n : 0;
	}
	if (s->state == NOTICE && n == 0) {
		s->state = STREAMING;
	} else if (s->state == STREAMING && s->back == s->c.len) {
		struct iovec iov[2] = {
			{ s->t->id, s->t->idlen }, { s->c.buf, s->c.len },
		};
		__u32 len[2] = { s->t->idlen | ZMQ_FRAME_MORE, s->c.len };

		s->back = 0;
		s->state = ECHOED;
		if (s->c.len &&
		    send_frames(s->t->fd, iov, 2, len, 2, MSG_DONTWAIT) < 0)
			bad_case(s, "STREAM takes nothing");
	} else if (s->state == ECHOED && s->back == s->c.len) {
		close(s->fd);
		s->fd = -1;
		s->state = LEAVING;
	} else if (s->state == LEAVING && n == 0) {
		streams++;
		finish(s);
	}
	return n >= 0;
}

/* One step of one case; false when there was nothing to do. */
static bool step(struct slot *s)
{
	switch (s->state) {
	case OPENING:
		return opening(s);
	case WRITING:
		return writing(s);
	case ENDING:
		return ending(s);
	case NOTICE:
	case STREAMING:
	case ECHOED:
	case LEAVING:
		return streaming(s);
	default:
		return false;
	}
}

static void use_some(void)
{
	struct target *t = &targets[rnd(&rng, 2 * TYPES)];

	if (t->type != ZMQ_STREAM)
		target_use(t, &rng);
}

/* Strangers that are still there though we ended none of them */
static unsigned int held(const struct target *t)
{
	unsigned int n = 0;
	struct slot *s;

	for (s = slots; s < slots + SLOTS; s++) {
		if (s->state != HELD || s->t != t)
			continue;
		if (take(s))
			n++;
		else
			finish(s);
	}
	return n;
}

/* All peers have finished their handshake or are gone. */
static void calm_peers(struct target *t)
{
	long long end = kz_now_ms() + kz_ms(2 * KZ_WAIT_MS);
	struct zmq_stats st;
	unsigned int n;
	char what[80];

	for (;;) {
		target_drain(t);
		n = held(t) + target_good_peers(t);
		xstats(t->fd, &st);
		if (st.peers == n)
			return;
		if (kz_now_ms() > end) {
			snprintf(what, sizeof(what), "%u peers, not %u",
				 st.peers, n);
			bad_calm(t, what);
		}
		poll(NULL, 0, 1);
	}
}

static void calm_memory(void)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	long mem;
	int i;

	while ((mem = mib("MemBytes")) > MEM_CALM) {
		if (kz_now_ms() > end)
			bad_calm(NULL, "memory is held for nothing");
		for (i = 0; i < 2 * TYPES; i++)
			target_drain(&targets[i]);
		poll(NULL, 0, 1);
	}
}

/* Another case waits until this one lets go of the only connection. */
static bool wanted(const struct slot *s)
{
	const struct slot *o;

	for (o = slots; o < slots + SLOTS; o++)
		if (o->state == OPENING && o->t == s->t)
			return true;
	return false;
}

/* All cases come to their end; whoever would hold on goes on holding. */
static void calm_cases(void)
{
	struct slot *s;
	int left = 1;

	while (left) {
		left = 0;
		for (s = slots; s < slots + SLOTS; s++) {
			if (s->state == ENDING && s->c.end == END_HOLD &&
			    !wanted(s))
				s->state = HELD;
			step(s);
			left += s->state != FREE && s->state != HELD;
		}
	}
}

static void calm(void)
{
	struct slot *s;
	int i;

	calm_cases();
	for (i = 0; i < 2 * TYPES; i++)
		if (targets[i].type != ZMQ_STREAM)
			calm_peers(&targets[i]);
	for (s = slots; s < slots + SLOTS; s++)
		if (s->state == HELD)
			finish(s);
	for (i = 0; i < 2 * TYPES; i++) {
		if (targets[i].type != ZMQ_STREAM)
			calm_peers(&targets[i]);
		if (!target_good(&targets[i]))
			bad_calm(&targets[i], "the good peer is not served");
	}
	calm_memory();
	calms++;
}

static void run_until(long long end)
{
	__u64 pause = next_case + CALM_CASES;
	struct slot *s;
	bool busy;
	long mem;

	while ((kz_now_ms() < end || next_case < ENOUGH) &&
	       next_case <= last_case) {
		busy = false;
		for (s = slots; s < slots + SLOTS; s++) {
			if (s->state == FREE && next_case <= last_case &&
			    next_case < pause)
				begin(s);
			busy |= step(s);
		}
		use_some();
		if (next_case == pause) {
			mem = mib("MemBytes");
			mem_most = mem > mem_most ? mem : mem_most;
			calm();
			pause += CALM_CASES;
			printf("# %llu cases, next is %llu\n",
			       cases,
			       next_case);
		} else if (!busy) {
			sched_yield();
		}
	}
	calm();
}

static void replay(const char *which)
{
	__u64 first, times = env_num("ZMQ_COUNT", 1);
	char *end;

	first = strtoull(which, &end, 0);
	last_case = *end == '-' ? strtoull(end + 1, NULL, 0) : first;
	for (; times; times--) {
		next_case = first;
		run_until(INT64_MAX);
	}
}

/* What has ended the cases, as the module counts it */
static void table(void)
{
	FILE *f = fopen("/proc/net/zmq_stat", "r");
	char key[128];
	long val;

	KZ_CHECK(f);
	while (fscanf(f, "%127s %ld", key, &val) == 2)
		if (val)
			printf("#   %-18s %ld\n", key, val);
	fclose(f);
}

static void limits(void)
{
	KZ_CHECK(!sysctl_set("mem_max", MEM_MAX));
	KZ_CHECK(!sysctl_set("pipe_bytes_max", 4 << 20));
	KZ_CHECK(!sysctl_set("sock_bytes_max", 16 << 20));
	KZ_CHECK(!sysctl_set("topics_max", 1000));
	KZ_CHECK(!sysctl_set("orphan_ms", 1000));
}

static void setup(void)
{
	int i;

	own_netns();
	limits();
	seed = env_num("ZMQ_SEED", 0);
	if (!seed)
		KZ_CHECK(getrandom(&seed, 4, 0) == 4);
	seed &= 0xffffffff;
	rng.s = seed;
	for (i = 0; i < SLOTS; i++)
		KZ_CHECK((slots[i].c.buf = malloc(CASE_MAX)));
	corpus_make();
	printf("# ZMQ_SEED=%llu, %d recorded sessions, corpus %016llx\n",
	       seed, corpus_len,
	       corpus_hash());
	for (i = 0; i < 2 * TYPES; i++)
		target_open(&targets[i], i / 2, i & 1);
}

static void none_left(void)
{
	long long end = kz_now_ms() + kz_ms(2 * KZ_WAIT_MS);
	int i, lines;
	char line[512];
	FILE *f;

	for (i = 0; i < 2 * TYPES; i++)
		target_close(&targets[i]);
	targets_end();
	do {
		KZ_CHECK(kz_now_ms() < end);
		poll(NULL, 0, 5);
		f = fopen("/proc/net/zmq", "r");
		KZ_CHECK(f);
		for (lines = 0; fgets(line, sizeof(line), f); lines++)
			;
		fclose(f);
	} while (lines > 1 || mib("MemBytes"));
}

KZ_TEST_TIMEOUT(every_type, 100)
{
	const char *which = getenv("ZMQ_CASE");
	long long start, ms;
	long ready, bad;

	setup();
	start = kz_now_ms();
	ready = mib("HandshakesOk");
	bad = mib_faults();
	if (which && *which)
		replay(which);
	else
		run_until(start + kz_seconds(15) * 1000LL);
	ms = kz_now_ms() - start;
	ready = mib("HandshakesOk") - ready;
	bad = mib_faults() - bad;
	printf("# %llu cases in %lld ms, %lld/s; %ld%% reached READY, %ld%% counted as faults\n",
	       cases, ms, cases * 1000 / (ms | 1),
	       (long)(ready * 100 / (cases | 1)), (long)(bad * 100 / (cases | 1)));
	printf("# %llu ended by the socket, %llu through STREAM, %llu calms, most memory %ld\n",
	       cut_off, streams,
	       calms, mem_most);
	table();
	EXPECT_LE(mem_most, MEM_MAX);
	none_left();
	if (which && *which)
		return;
	/* it gets far, and does harm */
	EXPECT_LT(100 / kz_slow(), cases);
	EXPECT_LT(cases / 4, ready);
	EXPECT_LT(cases / 20, bad);
	EXPECT_LT(cases / 50, streams);
}

ZMQ_HARNESS_MAIN
