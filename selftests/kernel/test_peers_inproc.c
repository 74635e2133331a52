// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 150 */
/* ZMQ_PEERS, ZMQ_RECVPEER, ZMQ_PEER_PROP: the peers of inproc. */
#include <sched.h>
#include <stdatomic.h>

#include "kselftest_harness.h"
#include "libpeers.h"

#define NAME	"inproc://here"
#define UID	1000
#define GID	1001
#define BOTH	(ZMQ_PEER_LOCAL | ZMQ_PEER_BOUND)
#define NO_NS	77	/* exit status: the kernel makes no such namespace */

static int context(void)
{
	socklen_t len = sizeof(int);
	int fd = xsocket(ZMQ_PAIR), ctx = -1;

	if (getsockopt(fd, SOL_ZMQ, ZMQ_CONTEXT_NEW, &ctx, &len))
		KZ_DIE("ZMQ_CONTEXT_NEW");
	xclose(fd);
	return ctx;
}

static int socket_in(int ctx, int type)
{
	int fd = xsocket(type);

	xset(fd, ZMQ_CONTEXT, ctx);
	return fd;
}

static void join(int binder, int connecter)
{
	xbind(binder, NAME);
	xconnect(connecter, NAME);
	xpeers(binder, 1);
	xpeers(connecter, 1);
}

/* This one peer is this process. */
static bool is_me(const struct peer *p)
{
	return p->p.flags & ZMQ_PEER_LOCAL && p->p.pid == getpid() &&
	       p->p.uid == getuid() && p->p.gid == getgid();
}

/* either may come first, each is the other's peer */
TEST(both_ends)
{
	struct peer in, out;
	int first;

	for (first = 0; first < 2; first++) {
		int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);

		if (first)
			xbind(pull, NAME);
		else
			xconnect(push, NAME);
		EXPECT_EQ(0, peers_list(pull, &in, 1, PAGE));
		EXPECT_EQ(0, peers_list(push, &out, 1, PAGE));
		if (first)
			xconnect(push, NAME);
		else
			xbind(pull, NAME);
		in = peers_one(pull);
		out = peers_one(push);
		EXPECT_EQ(ZMQ_PEER_READY, in.p.state);
		EXPECT_EQ(ZMQ_PEER_READY, out.p.state);
		EXPECT_EQ(BOTH, in.p.flags);
		EXPECT_EQ(ZMQ_PEER_LOCAL, out.p.flags);
		EXPECT_EQ(ZMQ_PUSH, in.p.type);
		EXPECT_EQ(ZMQ_PULL, out.p.type);
		EXPECT_STREQ(NAME, in.local);
		EXPECT_STREQ("", in.remote);
		EXPECT_STREQ("", out.local);
		EXPECT_STREQ(NAME, out.remote);
		EXPECT_TRUE(is_me(&in));
		EXPECT_TRUE(is_me(&out));
		EXPECT_EQ(0, in.p.rid_len);
		EXPECT_EQ(0, in.p.in_msgs + in.p.out_msgs);
		/* gone at once on the side that parts */
		if (first)
			xdisconnect(push, NAME);
		else
			xclose(pull);
		if (first)
			EXPECT_EQ(0, peers_list(push, &out, 1, PAGE));
		xpeers(first ? pull : push, 0);
		EXPECT_EQ(0, peers_list(first ? pull : push, &in, 1, PAGE));
		xclose(push);
		if (first)
			xclose(pull);
	}
}

TEST(counters)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), i;
	struct peer p;

	xset(pull, ZMQ_RCVHWM, 5);
	join(pull, push);
	for (i = 0; i < 9; i++)
		xsends(push, "12345", 0);
	p = peers_one(pull);
	EXPECT_EQ(5, p.p.in_msgs);
	EXPECT_EQ(25, p.p.in_bytes);
	EXPECT_EQ(0, p.p.received + p.p.sent);
	p = peers_one(push);
	EXPECT_EQ(9, p.p.sent);
	EXPECT_EQ(4, p.p.out_msgs);
	EXPECT_EQ(20, p.p.out_bytes);
	EXPECT_EQ(0, p.p.dropped + p.p.received);
	for (i = 0; i < 9; i++)
		EXPECT_GOT(pull, "12345");
	p = peers_one(pull);
	EXPECT_EQ(9, p.p.received);
	EXPECT_EQ(0, p.p.in_msgs);
	EXPECT_EQ(0, p.p.in_bytes);
}

/* what finds both queues full is counted where it was lost */
TEST(drops)
{
	int pub = xsocket(ZMQ_PUB), sub = xsocket(ZMQ_SUB), i;
	struct peer p;

	xset(pub, ZMQ_SNDHWM, 2);
	xset(sub, ZMQ_RCVHWM, 3);
	xset_bytes(sub, ZMQ_SUBSCRIBE, "", 0);
	join(pub, sub);
	xtopics(pub, 1);
	for (i = 0; i < 10; i++)
		xsends(pub, "m", 0);
	p = peers_one(pub);
	EXPECT_EQ(5, p.p.sent);
	EXPECT_EQ(5, p.p.dropped);
	EXPECT_EQ(2, p.p.out_msgs);
	p = peers_one(sub);
	EXPECT_EQ(3, p.p.in_msgs);
	EXPECT_EQ(0, p.p.dropped);
}

TEST(routing_ids)
{
	int router = xsocket(ZMQ_ROUTER), named = xsocket(ZMQ_DEALER);
	int plain = xsocket(ZMQ_DEALER), twin = xsocket(ZMQ_DEALER);
	struct peer p[3];

	xset_text(router, ZMQ_ROUTING_ID, "server");
	xset_text(named, ZMQ_ROUTING_ID, "anna");
	xset_text(twin, ZMQ_ROUTING_ID, "anna");
	xbind(router, NAME);
	xconnect(named, NAME);
	xconnect(plain, NAME);
	xconnect(twin, NAME);
	xpeers(router, 3);
	ASSERT_EQ(3, peers_list(router, p, 3, PAGE));
	EXPECT_STREQ("anna", p[0].rid);
	EXPECT_EQ(BOTH, p[0].p.flags);
	EXPECT_EQ(5, p[1].p.rid_len);
	EXPECT_EQ(0, p[1].rid[0]);
	EXPECT_EQ(BOTH | ZMQ_PEER_MUTE, p[2].p.flags);
	EXPECT_STREQ("anna", p[2].rid);
	EXPECT_EQ(ZMQ_DEALER, p[2].p.type);
	p[0] = peers_one(plain);
	EXPECT_STREQ("server", p[0].rid);
	EXPECT_EQ(ZMQ_ROUTER, p[0].p.type);
}

/* the longest name and routing id there are */
TEST(long_names)
{
	int router = xsocket(ZMQ_ROUTER), dealer = xsocket(ZMQ_DEALER);
	char name[1024] = NAME, rid[256], buf[PEERS_ROOM];
	struct peer p;
	size_t size;

	memset(name + strlen(NAME), 'n', 1023 - strlen(NAME));
	name[1023] = 0;
	memset(rid, 'r', 255);
	rid[255] = 0;
	xset_text(dealer, ZMQ_ROUTING_ID, rid);
	xset_text(router, ZMQ_BIND, name);
	xset_text(dealer, ZMQ_CONNECT, name);
	size = sizeof(p.p) + 255 + 1023;
	size = (size + 7) / 8 * 8;
	ASSERT_EQ(1, peers_list(router, &p, 1, size));
	EXPECT_STREQ(name, p.local);
	EXPECT_STREQ(rid, p.rid);
	EXPECT_EQ(size, p.p.size);
	EXPECT_ERR(EINVAL, peers_page(router, 0, buf, size - 1));
	ASSERT_EQ(1, peers_list(dealer, &p, 1, size));
	EXPECT_STREQ(name, p.remote);
}

/* every transport has its peers in the one list */
TEST(all_transports)
{
	int pull = xsocket(ZMQ_PULL), push[3], i;
	char ep[3][EP_LEN] = { "", "ipc://here", NAME };
	struct peer p[3], q[3];

	xset(pull, ZMQ_RECVPEER, 1);
	xbind_any(pull, ep[0]);
	xbind(pull, ep[1]);
	xbind(pull, ep[2]);
	for (i = 0; i < 3; i++) {
		push[i] = xsocket(ZMQ_PUSH);
		xconnect(push[i], ep[i]);
		xpeers(pull, i + 1);
	}
	ASSERT_EQ(3, peers_list(pull, p, 3, PAGE));
	/* a record in each page */
	ASSERT_EQ(3, peers_list(pull, q, 3, p[0].p.size + 16));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(p[i].p.handle, q[i].p.handle);
		EXPECT_STREQ(ep[i], p[i].local);
		EXPECT_EQ(!!i, is_me(&p[i]));
		EXPECT_EQ(ZMQ_PEER_READY, p[i].p.state);
	}
	for (i = 2; i >= 0; i--) {
		struct zmq_msg_peer who;
		char buf[16];

		xsends(push[i], "m", 0);
		ASSERT_EQ(1, recv_peer(pull, buf, sizeof(buf), &who, 1, 0));
		EXPECT_EQ(p[i].p.handle, who.handle);
		EXPECT_EQ(i ? ZMQ_PEER_LOCAL : 0, who.flags);
		xclose(push[i]);
		xpeers(pull, i);
		EXPECT_EQ(i, peers_list(pull, q, 3, PAGE));
	}
}

/* in a child: another user, and what it knows of its parent */
static int child_other_user(int ctx, int go)
{
	int push = socket_in(ctx, ZMQ_PUSH);
	struct peer p;
	char c;

	KZ_CHECK(!setresgid(GID, GID, GID) && !setresuid(UID, UID, UID));
	xconnect(push, NAME);
	xsends(push, "mine", 0);
	p = peers_one(push);
	KZ_CHECK(p.p.flags == ZMQ_PEER_LOCAL && !p.p.uid && !p.p.gid);
	KZ_CHECK(p.p.pid == getppid());
	KZ_CHECK(!strcmp(p.remote, NAME) && !p.p.local_len);
	KZ_CHECK(read(go, &c, 1) == 1);
	return 0;
}

/* two processes that share a context */
TEST(credentials)
{
	int ctx = context(), pull = socket_in(ctx, ZMQ_PULL), status, go[2];
	struct zmq_msg_peer who;
	struct peer p;
	char buf[64];
	pid_t pid;

	xset(pull, ZMQ_RECVPEER, 1);
	xbind(pull, NAME);
	ASSERT_OK(pipe(go));
	pid = fork();
	if (!pid)
		_exit(child_other_user(ctx, go[0]));
	ASSERT_EQ(1, recv_peer(pull, buf, sizeof(buf), &who, 1, 0));
	EXPECT_STREQ("mine", buf);
	EXPECT_EQ(ZMQ_PEER_LOCAL, who.flags);
	EXPECT_EQ(pid, who.pid);
	EXPECT_EQ(UID, who.uid);
	EXPECT_EQ(GID, who.gid);
	p = peers_one(pull);
	EXPECT_EQ(who.handle, p.p.handle);
	EXPECT_EQ(BOTH, p.p.flags);
	EXPECT_EQ(pid, p.p.pid);
	EXPECT_EQ(UID, p.p.uid);
	EXPECT_EQ(GID, p.p.gid);
	KZ_CHECK(write(go[1], "x", 1) == 1);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	xpeers(pull, 0);
	EXPECT_EQ(0, peers_list(pull, &p, 1, PAGE));
}

/* who called bind() and connect() counts, not who made or has the socket */
TEST(who_called)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), status, way;
	struct peer p;
	pid_t pid;

	for (way = 0; way < 2; way++) {
		if (!way)
			xbind(pull, NAME);
		else
			xconnect(push, NAME);
		pid = fork();
		if (!pid) {
			KZ_CHECK(!setresgid(GID, GID, GID));
			KZ_CHECK(!setresuid(-1, UID, 0));
			if (!way)
				xconnect(push, NAME);
			else
				xbind(pull, NAME);
			_exit(0);
		}
		ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
		ASSERT_EQ(0, status);
		/* the effective user and group, as SO_PEERCRED has it */
		p = peers_one(way ? push : pull);
		EXPECT_EQ(pid, p.p.pid);
		EXPECT_EQ(UID, p.p.uid);
		EXPECT_EQ(GID, p.p.gid);
		p = peers_one(way ? pull : push);
		EXPECT_TRUE(is_me(&p));
		xdisconnect(push, NAME);
		xpeers(pull, 0);
		xunbind(pull, NAME);
	}
}

/* PID 1 of a namespace: those outside have no number there */
static int child_pid_ns(int ctx)
{
	int out = socket_in(ctx, ZMQ_PAIR), a = xsocket(ZMQ_PAIR);
	int b = xsocket(ZMQ_PAIR);
	struct zmq_msg_peer who;
	char buf[16];
	struct peer p;

	KZ_CHECK(getpid() == 1);
	xset(out, ZMQ_RECVPEER, 1);
	xconnect(out, NAME);
	xsends(out, "in", 0);
	KZ_CHECK(recv_peer(out, buf, sizeof(buf), &who, 1, 0) == 1);
	KZ_CHECK(who.flags == ZMQ_PEER_LOCAL && !who.pid && !who.uid);
	p = peers_one(out);
	KZ_CHECK(p.p.flags == ZMQ_PEER_LOCAL && !p.p.pid && !p.p.uid);
	join(a, b);
	p = peers_one(a);
	KZ_CHECK(p.p.pid == 1 && is_me(&p));
	return 0;
}

TEST(pid_namespace)
{
	int ctx = context(), in = socket_in(ctx, ZMQ_PAIR), status, num[2];
	struct zmq_msg_peer who;
	char buf[16];
	pid_t pid, kid;

	xset(in, ZMQ_RECVPEER, 1);
	xbind(in, NAME);
	ASSERT_OK(pipe(num));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(NO_NS);
		kid = fork();
		if (!kid)
			_exit(child_pid_ns(ctx));
		KZ_CHECK(write(num[1], &kid, sizeof(kid)) == sizeof(kid));
		KZ_CHECK(waitpid(kid, &status, 0) == kid);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	xclose(num[1]);
	if (read(num[0], &kid, sizeof(kid)) != sizeof(kid)) {
		ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
		ASSERT_EQ(NO_NS, WEXITSTATUS(status));
		SKIP(return, "no pid namespaces");
	}
	/* the one inside has a number here */
	ASSERT_EQ(1, recv_peer(in, buf, sizeof(buf), &who, 1, 0));
	EXPECT_EQ(kid, who.pid);
	EXPECT_EQ(kid, peers_one(in).p.pid);
	xsends(in, "out", 0);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
}

static bool put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (int)strlen(text);
}

/* in a child: users have other numbers once some are known, and none before */
static int child_user_ns(int ctx)
{
	int push = socket_in(ctx, ZMQ_PUSH);
	struct peer p;

	xconnect(push, NAME);
	if (unshare(CLONE_NEWUSER))
		return NO_NS;
	p = peers_one(push);
	KZ_CHECK(p.p.uid == 65534 && p.p.gid == 65534);
	KZ_CHECK(p.p.pid == getppid());
	KZ_CHECK(put_file("/proc/self/setgroups", "deny"));
	KZ_CHECK(put_file("/proc/self/uid_map", "7 0 1"));
	KZ_CHECK(put_file("/proc/self/gid_map", "8 0 1"));
	p = peers_one(push);
	KZ_CHECK(p.p.uid == 7 && p.p.gid == 8);
	xsends(push, "done", 0);
	return 0;
}

TEST(user_namespace)
{
	int ctx = context(), pull = socket_in(ctx, ZMQ_PULL), status;
	struct zmq_msg_peer who;
	char buf[16];
	pid_t pid;

	xset(pull, ZMQ_RECVPEER, 1);
	xbind(pull, NAME);
	pid = fork();
	if (!pid)
		_exit(child_user_ns(ctx));
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NS)
		SKIP(return, "no user namespaces");
	ASSERT_EQ(0, status);
	ASSERT_EQ(1, recv_peer(pull, buf, sizeof(buf), &who, 1, 0));
	EXPECT_EQ(pid, who.pid);
	EXPECT_EQ(0, who.uid);
	EXPECT_EQ(0, who.gid);
}

/* a batch has an entry for each message, of whichever peer */
TEST(batches)
{
	int pull = xsocket(ZMQ_PULL), push[3], i, j, n, had[3] = {};
	struct zmq_msg_peer who[40];
	char buf[256], text[2] = "";
	struct peer p[3];

	xbind(pull, NAME);
	for (i = 0; i < 3; i++) {
		push[i] = xsocket(ZMQ_PUSH);
		xconnect(push[i], NAME);
	}
	ASSERT_EQ(3, peers_list(pull, p, 3, PAGE));
	for (i = 0; i < 3; i++)
		for (j = 0; j < 10; j++) {
			text[0] = '0' + i;
			xsends(push[i], text, 0);
		}
	xset(pull, ZMQ_RECVPEER, 1);
	xset(pull, ZMQ_RCVBATCH, 40);
	for (j = 0; j < 30; j += n) {
		n = recv_peer(pull, buf, sizeof(buf), who, 40, MSG_DONTWAIT);
		ASSERT_LT(0, n);
		EXPECT_EQ(n, (int)strlen(buf));
		for (i = 0; i < n; i++) {
			ASSERT_TRUE(buf[i] >= '0' && buf[i] <= '2');
			EXPECT_EQ(p[buf[i] - '0'].p.handle, who[i].handle);
			EXPECT_EQ(getpid(), who[i].pid);
			had[buf[i] - '0']++;
		}
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(10, had[i]);
}

/* what was sent before anybody was there has a sender like all else */
TEST(sent_before_the_bind)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), i;
	struct zmq_msg_peer who;
	struct peer p;
	char buf[16];

	xset(pull, ZMQ_RECVPEER, 1);
	xconnect(push, NAME);
	for (i = 0; i < 3; i++)
		xsends(push, "early", 0);
	EXPECT_EQ(0, peers_list(push, &p, 1, PAGE));
	xbind(pull, NAME);
	p = peers_one(push);
	EXPECT_EQ(3, p.p.sent);
	p = peers_one(pull);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, recv_peer(pull, buf, sizeof(buf), &who, 1, 0));
		EXPECT_STREQ("early", buf);
		EXPECT_EQ(p.p.handle, who.handle);
	}
}

/* frames, and words that the socket says for a peer: of the same sender */
TEST(first_and_last_words)
{
	int router = xsocket(ZMQ_ROUTER), dealer = xsocket(ZMQ_DEALER);
	struct zmq_msg_peer who;
	char buf[64];
	__u64 h;

	xset(router, ZMQ_RECVPEER, 1);
	xset_text(router, ZMQ_DISCONNECT_MSG, "gone");
	xset_text(dealer, ZMQ_HELLO_MSG, "hello");
	xset_text(dealer, ZMQ_ROUTING_ID, "d");
	join(router, dealer);
	h = peers_one(router).p.handle;
	xsendv(dealer, "one", "two", NULL);
	xclose(dealer);
	xpeers(router, 0);
	ASSERT_EQ(1, recv_peer(router, buf, sizeof(buf), &who, 1, 0));
	EXPECT_STREQ("d", buf);
	EXPECT_EQ(h, who.handle);
	ASSERT_EQ(0, recv_peer(router, buf, sizeof(buf), &who, 1, 0));
	EXPECT_STREQ("hello", buf);
	ASSERT_EQ(1, recv_peer(router, buf, sizeof(buf), &who, 1, 0));
	EXPECT_EQ(h, who.handle);
	EXPECT_GOT(router, "one", "two");
	ASSERT_EQ(1, recv_peer(router, buf, sizeof(buf), &who, 1, 0));
	EXPECT_STREQ("d", buf);
	EXPECT_EQ(h, who.handle);
	EXPECT_EQ(getpid(), who.pid);
	EXPECT_GOT(router, "gone");
}

/* REQ and REP look for their messages; the sender is told all the same */
TEST(request_and_reply)
{
	int rep = xsocket(ZMQ_REP), req = xsocket(ZMQ_REQ);
	struct zmq_msg_peer who;
	char buf[64];

	xset(rep, ZMQ_RECVPEER, 1);
	xset(req, ZMQ_RECVPEER, 1);
	join(rep, req);
	xsends(req, "ask", 0);
	ASSERT_EQ(1, recv_peer(rep, buf, sizeof(buf), &who, 1, 0));
	EXPECT_EQ(peers_one(rep).p.handle, who.handle);
	xsends(rep, "say", 0);
	ASSERT_EQ(1, recv_peer(req, buf, sizeof(buf), &who, 1, 0));
	EXPECT_STREQ("say", buf);
	EXPECT_EQ(peers_one(req).p.handle, who.handle);
}

/* nothing is told of a peer in words, as nobody shakes hands */
TEST(no_properties)
{
	static const char * const names[] = {
		"Socket-Type", "Identity", "Routing-Id", "Peer-Address",
		"User-Id", "X-Color",
	};
	int router = xsocket(ZMQ_ROUTER), dealer = xsocket(ZMQ_DEALER), left;
	struct zmq_msg_peer who;
	char buf[PAGE];
	size_t i;
	__u64 h;

	xset(router, ZMQ_RECVPEER, 1);
	xset_text(dealer, ZMQ_ROUTING_ID, "d");
	xset_text(dealer, ZMQ_METADATA, "X-Color:blue");
	join(router, dealer);
	h = peers_one(router).p.handle;
	xsendv(dealer, "one", NULL);
	ASSERT_EQ(1, recv_peer(router, buf, sizeof(buf), &who, 1, 0));
	EXPECT_EQ(h, who.handle);
	for (left = 0; left < 2; left++) {
		for (i = 0; i < sizeof(names) / sizeof(*names); i++)
			EXPECT_ERR(ENOENT, peer_prop(router, h, names[i], buf,
						     PAGE));
		EXPECT_ERR(EINVAL, peer_prop(router, h, "", buf, PAGE));
		if (!left)
			xclose(dealer);
		xpeers(router, 0);
	}
}

/* the socket of a monitor was opened by who asked for the monitor */
TEST(monitor)
{
	struct {
		struct zmq_monitor m;
		char text[sizeof(NAME)];
	} a = {
		.m = { .version = 1, .type = ZMQ_PAIR, .mask = ZMQ_EVENT_ALL },
		.text = NAME,
	};
	int fd = xsocket(ZMQ_PUSH), pair = xsocket(ZMQ_PAIR);
	struct peer p;

	xset_bytes(fd, ZMQ_MONITOR, &a,
		   offsetof(typeof(a), text) + sizeof(NAME) - 1);
	xconnect(pair, NAME);
	p = peers_one(pair);
	EXPECT_EQ(ZMQ_PAIR, p.p.type);
	EXPECT_EQ(ZMQ_PEER_LOCAL, p.p.flags);
	EXPECT_TRUE(is_me(&p));
	EXPECT_STREQ(NAME, p.remote);
	xclose(fd);
	xpeers(pair, 0);
	EXPECT_EQ(0, peers_list(pair, &p, 1, PAGE));
}

#define ROUNDS	150
#define MAKERS	3

static atomic_int running;

/* Peers that come, say a word and leave, one way or the other */
static void *make_peers(void *arg)
{
	int i, fd;

	for (i = 0; i < ROUNDS; i++) {
		fd = xsocket(ZMQ_PUSH);
		xconnect(fd, NAME);
		xsends(fd, "m", 0);
		if (i % 2)
			xdisconnect(fd, NAME);
		xclose(fd);
	}
	running--;
	return NULL;
}

static bool list_all(int fd, const char *local)
{
	struct peer p[MAKERS];
	char buf[64];
	int n, i;

	n = peers_list(fd, p, MAKERS, sizeof(p->p) + 64);
	for (i = 0; i < n && i < MAKERS; i++) {
		if (p[i].p.state < ZMQ_PEER_HANDSHAKE ||
		    p[i].p.state > ZMQ_PEER_CLOSING || !is_me(&p[i]) ||
		    strcmp(p[i].local, local))
			return false;
		if (peer_prop(fd, p[i].p.handle, "Identity", buf, 64) >= 0 ||
		    errno != ENOENT)
			return false;
	}
	return true;
}

/* handles are never used again, whoever comes and goes while they are listed */
TEST(leave_while_listed)
{
	enum { MOST = 4 * MAKERS * ROUNDS };
	static bool seen[MOST];
	int pull = xsocket(ZMQ_PULL), got = 0, i;
	struct zmq_msg_peer who;
	pthread_t t[MAKERS];
	struct peer p;
	char buf[16];

	xset(pull, ZMQ_RECVPEER, 1);
	xbind(pull, NAME);
	running = MAKERS;
	for (i = 0; i < MAKERS; i++)
		KZ_CHECK(!pthread_create(&t[i], NULL, make_peers, NULL));
	do {
		i = running;
		/* who has left has said all */
		if (!i)
			xpeers(pull, 0);
		ASSERT_TRUE(list_all(pull, NAME));
		while (recv_peer(pull, buf, sizeof(buf), &who, 1,
				 MSG_DONTWAIT) == 1) {
			ASSERT_TRUE(who.handle && who.handle < MOST);
			ASSERT_FALSE(seen[who.handle]);
			seen[who.handle] = true;
			got++;
		}
	} while (i);
	EXPECT_EQ(MAKERS * ROUNDS, got);
	EXPECT_EQ(0, peers_list(pull, &p, 1, PAGE));
	for (i = 0; i < MAKERS; i++)
		pthread_join(t[i], NULL);
}

/* The same from the other side: the binder comes, says a word and leaves. */
static void *make_binders(void *arg)
{
	int i, fd;

	for (i = 0; i < ROUNDS; i++) {
		fd = xsocket(ZMQ_PAIR);
		xbind(fd, NAME);
		xpeers(fd, 1);
		xsends(fd, "bye", 0);
		xclose(fd);
	}
	return NULL;
}

TEST(binder_leaves_while_listed)
{
	struct zmq_msg_peer who;
	struct peer p;
	char buf[16];
	pthread_t t;
	int fd, i;

	KZ_CHECK(!pthread_create(&t, NULL, make_binders, NULL));
	for (i = 0; i < ROUNDS; i++) {
		fd = xsocket(ZMQ_PAIR);
		xset(fd, ZMQ_RECVPEER, 1);
		xconnect(fd, NAME);
		do {
			ASSERT_TRUE(list_all(fd, ""));
		} while (recv_peer(fd, buf, sizeof(buf), &who, 1,
				   MSG_DONTWAIT) < 0);
		EXPECT_STREQ("bye", buf);
		EXPECT_NE(0, who.handle);
		EXPECT_EQ(getpid(), who.pid);
		xpeers(fd, 0);
		EXPECT_EQ(0, peers_list(fd, &p, 1, PAGE));
		xclose(fd);
	}
	pthread_join(t, NULL);
}

struct meeting {
	int fd;
	pthread_barrier_t start;
};

static void *leave(void *arg)
{
	struct meeting *m = arg;

	pthread_barrier_wait(&m->start);
	/* unless the other side was first */
	if (zset_text(m->fd, ZMQ_DISCONNECT, NAME))
		KZ_CHECK(errno == ENOENT);
	return NULL;
}

/* both sides part at a time while a third looks */
TEST(both_leave_while_listed)
{
	struct meeting m;
	struct peer p;
	pthread_t t;
	int fd, i;

	for (i = 0; i < ROUNDS; i++) {
		KZ_CHECK(!pthread_barrier_init(&m.start, NULL, 2));
		fd = xsocket(ZMQ_DEALER);
		m.fd = xsocket(ZMQ_DEALER);
		xbind(fd, NAME);
		xconnect(m.fd, NAME);
		KZ_CHECK(!pthread_create(&t, NULL, leave, &m));
		pthread_barrier_wait(&m.start);
		if (i % 2)
			xclose(fd);
		do {
			ASSERT_TRUE(list_all(m.fd, ""));
		} while (peers_list(m.fd, &p, 1, PAGE));
		if (!(i % 2))
			xclose(fd);
		pthread_join(t, NULL);
		xpeers(m.fd, 0);
		xclose(m.fd);
		pthread_barrier_destroy(&m.start);
	}
}

ZMQ_HARNESS_MAIN
