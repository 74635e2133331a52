// SPDX-License-Identifier: GPL-2.0
/* zmqperf: the two sides of a measurement, how they start, end and talk */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "zmqperf.h"

#define EXIT_ALONE	2	/* the other process has the reason */

/* Tell the other process a text (an endpoint, or "" to go on) */
void zp_ctl_send(struct zp_run *run, const char *text)
{
	if (send(run->ctl, text, strlen(text) + 1, MSG_NOSIGNAL) < 0)
		_exit(EXIT_ALONE);
}

/* Wait for the other process's text; alarm() is the guard */
void zp_ctl_recv(struct zp_run *run, char *text, size_t size)
{
	ssize_t n = recv(run->ctl, text, size, 0);

	if (n <= 0)
		_exit(EXIT_ALONE);
	text[n - 1] = '\0';
}

/* Both processes stand here before either goes on */
void zp_ctl_sync(struct zp_run *run)
{
	char text[ZP_EP_MAX];

	zp_ctl_send(run, "");
	zp_ctl_recv(run, text, sizeof(text));
}

/* Is there a text to receive? Waits up to @timeout_ms for one. */
int zp_ctl_pending(struct zp_run *run, int timeout_ms)
{
	struct pollfd pfd = { .fd = run->ctl, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) > 0;
}

struct side {
	void (*run)(struct zp_run *run);
	struct zp_run copy;
};

static void *run_side(void *arg)
{
	struct side *side = arg;

	side->run(&side->copy);
	return NULL;
}

static void begin_child(const struct zp_run *run)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	alarm(run->timeout);
	zp_die_into(run->shared);
	zp_count_open(run);
}

/* A process for one side */
static pid_t start(const struct zp_test *test, const struct zp_run *run,
		   const int ctl[2], int nr)
{
	struct side side = { nr ? test->client : test->server, *run };
	pid_t pid = fork();

	if (pid)
		return pid;

	begin_child(run);
	close(ctl[!nr]);
	side.copy.ctl = ctl[nr];
	side.copy.side = nr;
	run_side(&side);
	_exit(0);
}

/* A process with a thread for each side, as inproc needs it */
static pid_t start_threads(const struct zp_test *test, const struct zp_run *run,
			   const int ctl[2])
{
	struct side side[2] = { { test->server, *run }, { test->client, *run } };
	pid_t pid = fork();
	pthread_t thread;
	int i;

	if (pid)
		return pid;

	begin_child(run);
	for (i = 0; i < 2; i++) {
		side[i].copy.ctl = ctl[i];
		side[i].copy.side = i;
	}
	if (pthread_create(&thread, NULL, run_side, &side[0]))
		zp_die("no thread");
	run_side(&side[1]);
	pthread_join(thread, NULL);
	_exit(0);
}

/* Wait until a child ended or the time is over; 0 when it ended */
static int await_child(const struct timespec *limit)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (sigtimedwait(&set, NULL, limit) < 0) {
		if (errno == EAGAIN)
			return -1;
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

static void note_status(struct zp_shared *shared, const char *side, int status)
{
	if (!status || shared->error[0] ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_ALONE))
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(shared->error, sizeof(shared->error),
			 "the %s did not finish in time", side);
	else if (WIFSIGNALED(status))
		snprintf(shared->error, sizeof(shared->error),
			 "the %s died of signal %d", side, WTERMSIG(status));
	else
		snprintf(shared->error, sizeof(shared->error),
			 "the %s ended with status %d", side,
			 WEXITSTATUS(status));
}

static void reap(struct zp_run *run, const pid_t pid[2])
{
	static const char *const side[2] = { "server", "client" };
	/* The children's own alarm comes first */
	struct timespec limit = { .tv_sec = run->timeout + 10 };
	int left = pid[1] ? 2 : 1, failed = 0, done[2] = { 0, !pid[1] };
	int i, status;

	while (left) {
		for (i = 0; i < 2; i++) {
			if (done[i] || waitpid(pid[i], &status, WNOHANG) <= 0)
				continue;
			done[i] = 1;
			left--;
			failed |= status;
			note_status(run->shared, side[i], status);
		}
		if (left && await_child(&limit)) {
			snprintf(run->shared->error,
				 sizeof(run->shared->error),
				 "the %s cannot be killed",
				 side[done[0] ? 1 : 0]);
			return;
		}
	}
	if (failed && !run->shared->error[0])
		snprintf(run->shared->error, sizeof(run->shared->error),
			 "a process ended early");
}

/**
 * zp_run_pair - run one measurement
 * @test: what to measure
 * @run:  with which parameters
 *
 * Return: 0, or -1 with the reason in @run->shared->error.
 */
int zp_run_pair(const struct zp_test *test, struct zp_run *run)
{
	pid_t pid[2];
	int ctl[2];

	memset(run->shared, 0, sizeof(*run->shared));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ctl)) {
		snprintf(run->shared->error, sizeof(run->shared->error),
			 "socketpair: %m");
		return -1;
	}

	fflush(NULL);
	if (run->transport == ZP_INPROC) {
		pid[0] = start_threads(test, run, ctl);
		pid[1] = 0;
	} else {
		pid[0] = start(test, run, ctl, 0);
		pid[1] = start(test, run, ctl, 1);
	}
	close(ctl[0]);
	close(ctl[1]);
	if (pid[0] < 0 || pid[1] < 0) {
		snprintf(run->shared->error, sizeof(run->shared->error),
			 "fork: %m");
		if (pid[0] > 0)
			waitpid(pid[0], NULL, 0);
		if (pid[1] > 0)
			waitpid(pid[1], NULL, 0);
		return -1;
	}
	reap(run, pid);
	return run->shared->error[0] ? -1 : 0;
}
