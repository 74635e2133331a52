// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 300 */
/* VM_MEM: 5G */
/* A message of 1 GiB, in one frame and in many. */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/sysinfo.h>

#define HUGE	0x40000000UL
#define WAIT	200000

struct job {
	int fd, parts;
	char *buf;
};

static void *send_main(void *arg)
{
	struct job *j = arg;
	size_t part = HUGE / j->parts;
	int i;

	for (i = 0; i < j->parts; i++)
		xsend(j->fd, j->buf + i * part, part,
		      i + 1 < j->parts ? MSG_MORE : 0);
	return NULL;
}

static char *area(void)
{
	char *p = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* one word in each page, for the time that more would take */
static void mark(char *p)
{
	size_t i;

	for (i = 0; i < HUGE; i += 4096)
		*(size_t *)(p + i) = i * 2654435761UL + 1;
	p[HUGE - 1] = 'z';
}

static bool marked(const char *p)
{
	size_t i;

	for (i = 0; i < HUGE; i += 4096)
		if (*(const size_t *)(p + i) != i * 2654435761UL + 1)
			return false;
	return p[HUGE - 1] == 'z';
}

static void transfer(struct __test_metadata *_metadata, int parts)
{
	struct job j = { .parts = parts };
	struct zmq_stats st;
	struct sysinfo si;
	size_t at = 0;
	pthread_t t;
	ssize_t n;
	int fd[2];

	sysinfo(&si);
	if (si.totalram * si.mem_unit < 4 * HUGE)
		SKIP(return, "less than 4 GiB of memory");
	own_netns();
	ASSERT_OK(sysctl_set("mem_max", 4 * HUGE));
	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xtimeo(fd[0], kz_ms(WAIT), kz_ms(WAIT));
	xtimeo(fd[1], kz_ms(WAIT), kz_ms(WAIT));
	j.fd = fd[1];
	j.buf = area();
	ASSERT_NE(NULL, j.buf);
	mark(j.buf);
	ASSERT_EQ(0, pthread_create(&t, NULL, send_main, &j));
	ASSERT_TRUE(poll1(fd[0], POLLIN, kz_ms(WAIT)) & POLLIN);
	pthread_join(t, NULL);
	memset(j.buf, 0, HUGE);
	while (at < HUGE) {
		n = recv(fd[0], j.buf + at, HUGE - at, 0);
		ASSERT_EQ((ssize_t)(HUGE / parts), n);
		at += n;
	}
	EXPECT_TRUE(marked(j.buf));
	xstats(fd[0], &st);
	EXPECT_EQ(0, st.mem);
	EXPECT_TRUE(wait_out_msgs(fd[1], 0, KZ_WAIT_MS));
}

KZ_TEST_TIMEOUT(one_frame, 250)
{
	transfer(_metadata, 1);
}

KZ_TEST_TIMEOUT(many_frames, 250)
{
	transfer(_metadata, 64);
}

ZMQ_HARNESS_MAIN
