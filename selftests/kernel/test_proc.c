// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 120 */
/* /proc/net/zmq, /proc/net/zmq_stat and the sysctls, per network namespace. */
#include "kselftest_harness.h"
#include "lib.h"

#include <ctype.h>
#include <sys/stat.h>

/* the socket list's line with this inode */
static bool find_socket(unsigned long inode, char *out, size_t size)
{
	char line[1024], want[32], *tok, *save;
	FILE *f = fopen("/proc/net/zmq", "r");
	bool found = false;

	KZ_CHECK(f);
	snprintf(want, sizeof(want), "%lu", inode);
	while (!found && fgets(line, sizeof(line), f)) {
		snprintf(out, size, "%s", line);
		for (tok = strtok_r(line, "\n ", &save); tok;
		     tok = strtok_r(NULL, "\n ", &save))
			if (!strcmp(tok, want))
				found = true;
	}
	fclose(f);
	return found;
}

static unsigned long inode_of(int fd)
{
	struct stat st;

	KZ_CHECK(!fstat(fd, &st));
	return st.st_ino;
}

static int count_lines(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = 0, c;

	KZ_CHECK(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

/* column by name of the header line */
static bool column(const char *line, const char *name, char *out, size_t size)
{
	char head[1024], copy[1024], *h, *t, *sh, *st;
	FILE *f = fopen("/proc/net/zmq", "r");

	KZ_CHECK(f && fgets(head, sizeof(head), f));
	fclose(f);
	snprintf(copy, sizeof(copy), "%s", line);
	h = strtok_r(head, "\n ", &sh);
	t = strtok_r(copy, "\n ", &st);
	while (h && t) {
		if (!strcasecmp(h, name)) {
			snprintf(out, size, "%s", t);
			return true;
		}
		h = strtok_r(NULL, "\n ", &sh);
		t = strtok_r(NULL, "\n ", &st);
	}
	return false;
}

static long number(const char *line, const char *name)
{
	char val[64];

	if (!column(line, name, val, sizeof(val)))
		KZ_DIE("no column %s in: %s", name, line);
	return atol(val);
}

TEST(list_of_sockets)
{
	char line[1024], val[256], ep[EP_LEN];
	socklen_t len = sizeof(ep);
	unsigned long inode;
	int fd[2], i;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	for (i = 0; i < 5; i++)
		xsends(fd[1], "hello", 0);
	ASSERT_TRUE(wait_in_msgs(fd[0], 5, KZ_WAIT_MS));
	ASSERT_OK(getsockopt(fd[0], SOL_ZMQ, ZMQ_LAST_ENDPOINT, ep, &len));
	ASSERT_TRUE(find_socket(inode_of(fd[0]), line, sizeof(line)));
	ASSERT_TRUE(column(line, "type", val, sizeof(val)));
	EXPECT_STREQ("PULL", val);
	EXPECT_EQ(0, number(line, "uid"));
	EXPECT_EQ(1, number(line, "peers"));
	EXPECT_EQ(5, number(line, "in_msgs"));
	EXPECT_EQ(25, number(line, "in_bytes"));
	EXPECT_EQ(0, number(line, "out_msgs"));
	EXPECT_EQ(0, number(line, "drops"));
	EXPECT_NE(NULL, strstr(line, ep));
	ASSERT_TRUE(find_socket(inode_of(fd[1]), line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "PUSH"));
	inode = inode_of(fd[0]);
	xclose(fd[0]);
	EXPECT_FALSE(find_socket(inode, line, sizeof(line)));
}

TEST(owner)
{
	char line[1024];
	pid_t pid = fork();
	int status;

	if (!pid) {
		int fd;

		KZ_CHECK(!setgid(65534) && !setuid(65534));
		fd = xsocket(ZMQ_REP);
		KZ_CHECK(find_socket(inode_of(fd), line, sizeof(line)));
		KZ_CHECK(number(line, "uid") == 65534);
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

/* all types, none hidden; the list holds when sockets come and go */
TEST(all_endpoints_are_listed)
{
	int fd = xsocket(ZMQ_PULL), i;
	char line[1024], want[256] = "", ep[EP_LEN];

	for (i = 0; i < 2; i++) {
		xbind_any(fd, ep);
		strcat(want, i ? ",@" : "@");
		strcat(want, ep);
	}
	xconnect(fd, "tcp://127.0.0.1:9");
	strcat(want, ",>tcp://127.0.0.1:9");
	ASSERT_TRUE(find_socket(inode_of(fd), line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, want)) {
		TH_LOG("%s in %s", want, line);
	}
}

TEST(every_type_is_listed)
{
	static const char *const name[] = {
		"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL",
		"PUSH", "XPUB", "XSUB", "STREAM",
	};
	char line[1024], val[64];
	int fd[12], i;

	for (i = 0; i < 12; i++)
		fd[i] = xsocket(i);
	for (i = 0; i < 12; i++) {
		ASSERT_TRUE(find_socket(inode_of(fd[i]), line, sizeof(line)));
		ASSERT_TRUE(column(line, "type", val, sizeof(val)));
		EXPECT_STREQ(name[i], val);
	}
}

TEST(many_sockets_are_listed)
{
	int base, fd[500], i;

	/* where no socket of another test is still about to go */
	own_netns();
	base = count_lines("/proc/net/zmq");
	for (i = 0; i < 500; i++)
		fd[i] = xsocket(ZMQ_PULL);
	EXPECT_EQ(base + 500, count_lines("/proc/net/zmq"));
	for (i = 0; i < 500; i++)
		xclose(fd[i]);
	EXPECT_EQ(base, count_lines("/proc/net/zmq"));
}

TEST(counters_can_be_parsed)
{
	FILE *f = fopen("/proc/net/zmq_stat", "r");
	char line[256], key[128], rest[8];
	long long val;
	int n = 0, fields;

	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f)) {
		fields = sscanf(line, "%127s %lld %7s", key, &val, rest);
		EXPECT_EQ(2, fields) {
			TH_LOG("%s", line);
		}
		EXPECT_TRUE(isalpha(key[0]));
		EXPECT_LE(0, val);
		n++;
	}
	EXPECT_LT(3, n);
	fclose(f);
}

TEST(per_namespace)
{
	char line[1024];
	int fd[2], fds;
	long here;

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xsends(fd[1], "x", 0);
	EXPECT_GOT(fd[0], "x");
	here = mib_sum();
	EXPECT_LT(0, here);
	own_netns();
	EXPECT_FALSE(find_socket(inode_of(fd[0]), line, sizeof(line)));
	EXPECT_EQ(1, count_lines("/proc/net/zmq"));
	EXPECT_EQ(0, mib_sum());
	fds = xsocket(ZMQ_PULL);
	EXPECT_TRUE(find_socket(inode_of(fds), line, sizeof(line)));
}

static const struct {
	const char *name;
	long long low, high;	/* the default lies between */
} sysctls[] = {
	{ "mem_max", 1 << 20, 1LL << 50 },
	{ "sock_bytes_max", 1 << 16, 1LL << 50 },
	{ "pipe_bytes_max", 1 << 16, 1LL << 50 },
	{ "msg_size_max", 1 << 30, 1LL << 32 },
	{ "frames_max", 100, 1 << 30 },
	{ "topic_max", 255, 1 << 24 },
	{ "topics_max", 1000, 1 << 30 },
	{ "handshakes_max", 10, 1 << 20 },
};

TEST(sysctl_defaults)
{
	long long val;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sysctls); i++) {
		val = -1;
		EXPECT_EQ(0, sysctl_get(sysctls[i].name, &val)) {
			TH_LOG("%s", sysctls[i].name);
		}
		EXPECT_TRUE(val >= sysctls[i].low && val <= sysctls[i].high) {
			TH_LOG("%s = %lld", sysctls[i].name, val);
		}
	}
}

TEST(sysctl_ranges)
{
	long long val, before;
	size_t i;

	own_netns();
	for (i = 0; i < ARRAY_SIZE(sysctls); i++) {
		ASSERT_EQ(0, sysctl_get(sysctls[i].name, &before));
		EXPECT_EQ(-1, sysctl_set(sysctls[i].name, -1)) {
			TH_LOG("%s", sysctls[i].name);
		}
		ASSERT_EQ(0, sysctl_get(sysctls[i].name, &val));
		EXPECT_EQ(before, val);
		EXPECT_EQ(0, sysctl_set(sysctls[i].name, before));
		ASSERT_EQ(0, sysctl_get(sysctls[i].name, &val));
		EXPECT_EQ(before, val);
	}
}

/* set in one namespace, unchanged in another, back to default in a new one */
TEST(sysctl_per_namespace)
{
	long long before, val;
	int status;
	pid_t pid;

	ASSERT_EQ(0, sysctl_get("frames_max", &before));
	pid = fork();
	if (!pid) {
		own_netns();
		KZ_CHECK(!sysctl_set("frames_max", before / 2));
		KZ_CHECK(!sysctl_get("frames_max", &val) && val == before / 2);
		_exit(0);
	}
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, sysctl_get("frames_max", &val));
	EXPECT_EQ(before, val);
}

TEST(family_is_published)
{
	FILE *f = fopen("/sys/module/zmq/parameters/family", "r");
	int n = 0;

	ASSERT_NE(NULL, f);
	EXPECT_EQ(1, fscanf(f, "%d", &n));
	EXPECT_EQ(AF_ZMQ, n);
	fclose(f);
}

/* a namespace that goes takes its sockets' endpoints along */
TEST(namespace_goes)
{
	int i, status;

	for (i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (!pid) {
			int fd[2];

			own_netns();
			xpair(ZMQ_DEALER, ZMQ_DEALER, fd);
			xsends(fd[0], "x", 0);
			xconnect(fd[1], "tcp://127.0.0.1:9");
			xsends(fd[1], "y", 0);
			_exit(0);
		}
		ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
		EXPECT_EQ(0, status);
	}
}

/* a socket works in the namespace it was made in, wherever its user goes */
TEST(socket_keeps_its_namespace)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	int other;
	char ep[EP_LEN];

	xbind_any(pull, ep);
	other = xsocket(ZMQ_PUSH);
	own_netns();
	xconnect(push, ep);
	xsends(push, "at home", 0);
	EXPECT_GOT(pull, "at home");
	xclose(other);
	/* one made here does not get there */
	other = xsocket(ZMQ_PUSH);
	xconnect(other, ep);
	xsends(other, "stranger", 0);
	EXPECT_QUIET(pull);
}

ZMQ_HARNESS_MAIN
