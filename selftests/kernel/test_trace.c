// SPDX-License-Identifier: GPL-2.0
/* VM_SMP: 1 */
/* Tracepoints: states of connections, faults of peers, drops, giving up. */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/mount.h>

#define DIR	"/sys/kernel/tracing/"
#define EVENTS	DIR "events/kzmq/"

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) ==
		  (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* a line of the trace holds both texts */
static bool seen(const char *event, const char *text)
{
	FILE *f = fopen(DIR "trace", "r");
	char line[1024];
	bool found = false;

	KZ_CHECK(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, event) && strstr(line, text);
	fclose(f);
	return found;
}

static bool wait_seen(const char *event, const char *text)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);

	while (!seen(event, text)) {
		if (kz_now_ms() > end) {
			fprintf(stderr, "# no %s: %s\n", event, text);
			return false;
		}
		poll(NULL, 0, 1);
	}
	return true;
}

FIXTURE(trace) {
	char ep[EP_LEN];
	bool on;
};

FIXTURE_SETUP(trace)
{
	if (access(DIR "trace", F_OK))
		mount("tracefs", DIR, "tracefs", 0, NULL);
	self->on = !access(DIR "trace", F_OK);
	if (!self->on)
		return;
	ASSERT_TRUE(put(DIR "trace", ""));
	ASSERT_TRUE(put(EVENTS "enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	if (self->on)
		put(EVENTS "enable", "0");
}

#define NEEDS_TRACEFS()							\
	do {								\
		if (!self->on)						\
			SKIP(return, "no tracefs in this kernel");	\
	} while (0)

TEST_F(trace, connection_states)
{
	int fd[2];

	NEEDS_TRACEFS();
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xclose(fd[1]);
	xpeers(fd[0], 0);
	xclose(fd[0]);
	EXPECT_TRUE(wait_seen("kzmq_conn_state", "type=7 "));
	EXPECT_TRUE(wait_seen("kzmq_conn_state", "type=8 "));
}

TEST_F(trace, drops)
{
	int fd = xsocket(ZMQ_ROUTER);

	NEEDS_TRACEFS();
	xsendv(fd, "nobody", "x", NULL);
	EXPECT_TRUE(wait_seen("kzmq_drop", "type=6 unroutable"));
}

TEST_F(trace, faults)
{
	int fd = xsocket(ZMQ_PULL), raw;

	NEEDS_TRACEFS();
	xbind_any(fd, self->ep);
	raw = raw_connect(self->ep);
	raw_greeting(raw, 1);
	raw_ready(raw, "PUB", NULL, -1);
	EXPECT_TRUE(raw_closed(raw));
	EXPECT_TRUE(wait_seen("kzmq_peer_fault", "BadSocketType"));
}

TEST_F(trace, giving_up)
{
	int l = raw_listen(self->ep), push = xsocket(ZMQ_PUSH), c;

	NEEDS_TRACEFS();
	xconnect(push, self->ep);
	c = raw_accept(l);
	raw_greeting(c, 1);
	raw_ready(c, "PUB", NULL, -1);
	EXPECT_TRUE(raw_closed(c));
	EXPECT_TRUE(wait_seen("kzmq_ep_gave_up", self->ep));
}

/* peers' faults are counted, not told to the kernel log */
TEST(nothing_in_the_log)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), fd, raw, i;
	char ep[EP_LEN], line[8192];
	ssize_t n;

	ASSERT_LE(0, kmsg);
	ASSERT_LE(0, lseek(kmsg, 0, SEEK_END));
	fd = xsocket(ZMQ_PULL);
	xbind_any(fd, ep);
	for (i = 0; i < 50; i++) {
		raw = raw_connect(ep);
		raw_try_write(raw, "\0\0\0\0", 4);
		EXPECT_TRUE(raw_closed(raw));
		xclose(raw);
	}
	while ((n = read(kmsg, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		EXPECT_EQ(NULL, strstr(line, "zmq"));
	}
	xclose(kmsg);
}

ZMQ_HARNESS_MAIN
