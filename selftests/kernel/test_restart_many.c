// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 300 */
/*
 * A thousand peers are killed and started again, all at once and under load.
 * Those who stay lose nothing and get nothing twice; those who went are found
 * again, and the delays are printed. And subscriptions: more of them than any
 * queue holds are there again after a reconnect.
 */
#include "kselftest_harness.h"
#include "lib.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define PEERS	1000	/* that are restarted, at most */
#define STAY	16	/* that are not */
#define PORT	10000	/* below those the kernel gives away */
#define IVL	100	/* ZMQ_RECONNECT_IVL */

/* what a restarted peer reports of its first message */
struct first {
	int		peer;
	long long	ms;
};

/* A kernel that checks everything has a thousand only in hours. */
static int nr_peers(void)
{
	return kz_slow() > 3 ? PEERS / 5 : PEERS;
}

static void many_files(void)
{
	struct rlimit rl = { 8192, 8192 };

	KZ_CHECK(!setrlimit(RLIMIT_NOFILE, &rl));
}

static int pull_at(int port)
{
	int fd = xsocket(ZMQ_PULL);
	char ep[EP_LEN];

	snprintf(ep, sizeof(ep), "tcp://127.0.0.1:%d", port);
	xset(fd, ZMQ_RCVHWM, 0);
	xbind(fd, ep);
	return fd;
}

static int poller(int *fd, int n)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0), i;

	KZ_CHECK(ep >= 0);
	for (i = 0; i < n; i++) {
		ev.data.u32 = i;
		KZ_CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev));
	}
	return ep;
}

/*
 * Messages are numbered, and a PUSH takes its peers in turn as long as none is
 * full: message k goes to peer k mod (nr_peers() + STAY), whether it is there or not.
 */
static bool mine(unsigned int k, unsigned int who)
{
	return k % (nr_peers() + STAY) == who;
}

/* The process that is killed: PEERS sockets. Reports each first message. */
static pid_t peers_start(int out)
{
	static unsigned int next[PEERS];
	static int fd[PEERS];
	struct epoll_event ev[64];
	struct first f;
	unsigned int k;
	pid_t pid = fork();
	int ep, i, n;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < nr_peers(); i++)
		fd[i] = pull_at(PORT + i);
	ep = poller(fd, nr_peers());
	f.peer = -1;
	f.ms = kz_now_ms();
	KZ_CHECK(write(out, &f, sizeof(f)) == sizeof(f));
	for (;;) {
		n = epoll_wait(ep, ev, 64, -1);
		KZ_CHECK(n > 0);
		while (n--) {
			i = ev[n].data.u32;
			KZ_CHECK(recv(fd[i], &k, sizeof(k), 0) == sizeof(k));
			/* its own, in order, none twice */
			KZ_CHECK(mine(k, i) && k >= next[i]);
			if (!next[i]) {
				f.peer = i;
				f.ms = kz_now_ms();
				KZ_CHECK(write(out, &f, sizeof(f)) ==
					 sizeof(f));
			}
			next[i] = k + 1;
		}
	}
}

static struct {
	volatile bool	stop;
	int		push;
	unsigned int	sent;
} load;

/* Send on and on, some 2000 messages a second. */
static void *sender(void *arg)
{
	while (!load.stop) {
		if (send(load.push, &load.sent, sizeof(load.sent), 0) < 0)
			KZ_DIE("send %u", load.sent);
		load.sent++;
		if (load.sent % 20 == 0)
			poll(NULL, 0, 10);
	}
	return NULL;
}

/* Reports of all peers, and of their start. Returns how many are missing. */
static int reports(int in, long long *ready, int delay[PEERS])
{
	long long end = kz_now_ms() + kz_ms(12 * KZ_WAIT_MS);
	int left = nr_peers(), i;
	struct first f;

	for (i = 0; i < left; i++)
		delay[i] = -1;
	while (left && kz_now_ms() < end) {
		if (!poll1(in, POLLIN, 100))
			continue;
		KZ_CHECK(read(in, &f, sizeof(f)) == sizeof(f));
		if (f.peer < 0) {
			*ready = f.ms;
		} else {
			KZ_CHECK(delay[f.peer] < 0);
			delay[f.peer] = f.ms - *ready;
			left--;
		}
	}
	return left;
}

static void histogram(const int delay[PEERS])
{
	int width = 2 * IVL * kz_slow(), bin[20] = { 0 }, i, b, max = 0;

	for (i = 0; i < nr_peers(); i++) {
		b = delay[i] < 0 ? 0 : delay[i] / width;
		bin[b > 19 ? 19 : b]++;
		max = delay[i] > max ? delay[i] : max;
	}
	printf("# from all peers listening again to a message at each, %d peers, longest %d ms\n",
	       nr_peers(), max);
	for (b = 0; b < 20; b++)
		if (bin[b])
			printf("# %5d ms%s %4d %.*s\n", b * width,
			       b == 19 ? "+" : " ", bin[b], bin[b] / 10 + 1,
			       "##################################################################################################################");
}

/* Has one of the survivors yet to get a message? */
static bool behind(const unsigned int want[STAY], unsigned int sent)
{
	int i;

	for (i = 0; i < STAY; i++)
		if (want[i] < sent)
			return true;
	return false;
}

/* The survivors have each of their messages, once and in order. */
static bool survivors(int fd[STAY], unsigned int sent)
{
	unsigned int k, n = 0, want[STAY];
	int i, ep = poller(fd, STAY);
	struct epoll_event ev;

	for (i = 0; i < STAY; i++)
		want[i] = nr_peers() + i;
	/* what was sent last may still be on its way */
	while (epoll_wait(ep, &ev, 1, kz_ms(behind(want, sent) ?
					    KZ_WAIT_MS : KZ_QUIET_MS)) == 1) {
		i = ev.data.u32;
		KZ_CHECK(recv(fd[i], &k, sizeof(k), 0) == sizeof(k));
		if (k != want[i]) {
			fprintf(stderr, "# peer %d: message %u, not %u\n", i, k,
				want[i]);
			return false;
		}
		want[i] += nr_peers() + STAY;
		n++;
	}
	for (i = 0; i < STAY; i++) {
		if (want[i] < sent) {
			fprintf(stderr, "# peer %d: no message %u of %u\n", i,
				want[i], sent);
			return false;
		}
	}
	printf("# %u messages sent, %u of them to those who stayed\n", sent, n);
	close(ep);
	return true;
}

KZ_TEST_TIMEOUT(peers_restarted_at_once, 150)
{
	static int delay[PEERS];
	int stay[STAY], out[2], i, round, status;
	long long ready;
	char ep[EP_LEN];
	pthread_t t;
	pid_t pid;

	own_netns();
	many_files();
	load.push = xsocket(ZMQ_PUSH);
	xset(load.push, ZMQ_SNDHWM, 0);
	xset(load.push, ZMQ_RECONNECT_IVL, IVL);
	ASSERT_EQ(0, pipe(out));
	for (i = 0; i < STAY; i++)
		stay[i] = pull_at(PORT + nr_peers() + i);
	pid = peers_start(out[1]);
	for (i = 0; i < nr_peers() + STAY; i++) {
		snprintf(ep, sizeof(ep), "tcp://127.0.0.1:%d", PORT + i);
		xconnect(load.push, ep);
	}
	ASSERT_TRUE(wait_peers(load.push, nr_peers() + STAY, 12 * KZ_WAIT_MS));
	ASSERT_EQ(0, pthread_create(&t, NULL, sender, NULL));
	ASSERT_EQ(0, reports(out[0], &ready, delay));
	for (round = 0; round < 2; round++) {
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(wait_peers(load.push, STAY, 4 * KZ_WAIT_MS));
		pid = peers_start(out[1]);
		ASSERT_EQ(0, reports(out[0], &ready, delay));
		histogram(delay);
	}
	load.stop = true;
	pthread_join(t, NULL);
	EXPECT_TRUE(wait_peers(load.push, nr_peers() + STAY, 4 * KZ_WAIT_MS));
	EXPECT_TRUE(wait_out_msgs(load.push, 0, 4 * KZ_WAIT_MS));
	EXPECT_TRUE(survivors(stay, load.sent));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	/* strangers' faults were none of it */
	EXPECT_EQ(0, mib_faults());
	EXPECT_EQ(0, mib("GaveUp"));
	for (i = 0; i < STAY; i++)
		xclose(stay[i]);
	xclose(load.push);
}

/* Those who send are restarted: what they were told is sent, is there once. */
KZ_TEST_TIMEOUT(senders_restarted_at_once, 150)
{
	enum { EACH = 7, LIVES = 3 };
	static bool seen[PEERS * EACH * LIVES];
	const int all = nr_peers() * EACH * LIVES;
	int pull, fd[PEERS], i, j, life, n;
	unsigned int k;
	char ep[EP_LEN];

	own_netns();
	many_files();
	/* they are given as long as it takes */
	ASSERT_OK(sysctl_set("orphan_ms", kz_ms(60000)));
	/* who is dropped in his handshake may think it is over, and have sent */
	ASSERT_OK(sysctl_set("handshakes_max", PEERS * LIVES));
	pull = xsocket(ZMQ_PULL);
	xset(pull, ZMQ_BACKLOG, 4096);
	xbind_any(pull, ep);
	for (life = 0; life < LIVES; life++) {
		for (i = 0; i < nr_peers(); i++) {
			fd[i] = zsocket(ZMQ_PUSH);
			KZ_CHECK(fd[i] >= 0);
			xset(fd[i], ZMQ_RECONNECT_IVL, IVL);
			xconnect(fd[i], ep);
			for (j = 0; j < EACH; j++) {
				k = (life * nr_peers() + i) * EACH + j;
				xsend(fd[i], &k, sizeof(k), 0);
			}
		}
		/* ready or not: they go and are there again */
		for (i = 0; i < nr_peers(); i++)
			xclose(fd[i]);
	}
	for (n = 0; n < all; n++) {
		if (recv(pull, &k, sizeof(k), 0) != sizeof(k))
			break;
		ASSERT_GT(all, (int)k);
		ASSERT_FALSE(seen[k]);
		seen[k] = true;
	}
	EXPECT_EQ(all, n);
	EXPECT_QUIET(pull);
	EXPECT_EQ(0, mib("DropsPeerGone"));
	xclose(pull);
}

/* More topics than the marks allow: the publisher that comes back has all. */
TEST(subscriptions_whatever_the_mark)
{
	static const int marks[] = { 1, 10, 1000 };
	int sub, pub, i, m, life;
	char ep[EP_LEN], topic[16];

	for (m = 0; m < 3; m++) {
		sub = xsocket(ZMQ_SUB);
		pub = xsocket(ZMQ_PUB);
		xset(sub, ZMQ_SNDHWM, marks[m]);
		xset(sub, ZMQ_RCVHWM, marks[m]);
		xset(sub, ZMQ_RECONNECT_IVL, 10);
		xset(pub, ZMQ_RCVHWM, marks[m]);
		xset(pub, ZMQ_SNDHWM, 0);
		for (i = 0; i < 3000; i++) {
			snprintf(topic, sizeof(topic), "topic %d.", i);
			xset_text(sub, ZMQ_SUBSCRIBE, topic);
		}
		xbind_any(pub, ep);
		xconnect(sub, ep);
		for (life = 0; life < 4; life++) {
			xtopics(pub, 3000);
			xsends(pub, "topic 0.", 0);
			xsends(pub, "topic 2999.", 0);
			xsends(pub, "topic", 0);
			xsends(pub, "topic 1500.x", 0);
			EXPECT_GOT(sub, "topic 0.");
			EXPECT_GOT(sub, "topic 2999.");
			EXPECT_GOT(sub, "topic 1500.x");
			xclose(pub);
			pub = xsocket(ZMQ_PUB);
			xset(pub, ZMQ_RCVHWM, marks[m]);
			xset(pub, ZMQ_SNDHWM, 0);
			xbind(pub, ep);
		}
		xclose(sub);
		xclose(pub);
	}
}

ZMQ_HARNESS_MAIN
