// SPDX-License-Identifier: GPL-2.0
/* TIMEOUT: 150 */
/* ZMQ_PEERS, ZMQ_RECVPEER, ZMQ_PEER_PROP: who is at the other end. */
#include "kselftest_harness.h"
#include "libpeers.h"

#include <sys/stat.h>

#define UID	1000
#define GID	1001

static void ipc_here(char ep[EP_LEN], const char *name)
{
	char cwd[64];

	KZ_CHECK(getcwd(cwd, sizeof(cwd)));
	KZ_CHECK(snprintf(ep, EP_LEN, "ipc://%s/%s", cwd, name) < EP_LEN);
}

TEST(layout)
{
	EXPECT_EQ(112, sizeof(struct zmq_peer));
	EXPECT_EQ(16, offsetof(struct zmq_peer, handle));
	EXPECT_EQ(64, offsetof(struct zmq_peer, in_msgs));
	EXPECT_EQ(92, offsetof(struct zmq_peer, reserved));
	EXPECT_EQ(24, sizeof(struct zmq_msg_peer));
	EXPECT_EQ(264, sizeof(struct zmq_peer_prop));
}

TEST(both_ends_of_tcp)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH);
	struct peer in, out;
	char ep[EP_LEN];

	EXPECT_EQ(0, peers_list(pull, &in, 1, PAGE));
	xbind_any(pull, ep);
	EXPECT_EQ(0, peers_list(pull, &in, 1, PAGE));
	xconnect(push, ep);
	xpeers(pull, 1);
	xpeers(push, 1);
	in = peers_one(pull);
	out = peers_one(push);
	EXPECT_EQ(ZMQ_PEER_READY, in.p.state);
	EXPECT_EQ(ZMQ_PEER_READY, out.p.state);
	EXPECT_EQ(ZMQ_PEER_BOUND, in.p.flags);
	EXPECT_EQ(0, out.p.flags);
	EXPECT_EQ(ZMQ_PUSH, in.p.type);
	EXPECT_EQ(ZMQ_PULL, out.p.type);
	EXPECT_STREQ(ep, in.local);
	EXPECT_STREQ(ep, out.remote);
	EXPECT_STREQ(in.remote, out.local);
	EXPECT_NE(0, strcmp(ep, in.remote));
	EXPECT_EQ(-1, in.p.pid);
	EXPECT_EQ((__u32)-1, in.p.uid);
	EXPECT_EQ((__u32)-1, in.p.gid);
	EXPECT_EQ(0, in.p.rid_len);
	EXPECT_PROP("127.0.0.1", pull, in.p.handle, "Peer-Address");
	EXPECT_PROP("PUSH", pull, in.p.handle, "Socket-Type");
	xclose(push);
	xpeers(pull, 0);
}

/* who is counted as a peer is listed as ready */
TEST(ready_when_counted)
{
	int pull = xsocket(ZMQ_PULL), push, i;
	struct zmq_stats st;
	struct peer p;
	char ep[EP_LEN];

	xbind_any(pull, ep);
	for (i = 0; i < 100; i++) {
		push = xsocket(ZMQ_PUSH);
		xconnect(push, ep);
		do {
			xstats(pull, &st);
		} while (!st.peers);
		p = peers_one(pull);
		ASSERT_EQ(ZMQ_PEER_READY, p.p.state);
		xpeers(push, 1);
		p = peers_one(push);
		ASSERT_EQ(ZMQ_PEER_READY, p.p.state);
		xclose(push);
		xpeers(pull, 0);
	}
}

TEST(counters)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), i;
	struct peer p;
	char ep[EP_LEN];

	xbind_any(pull, ep);
	xconnect(push, ep);
	for (i = 0; i < 7; i++)
		xsends(push, "12345", 0);
	ASSERT_TRUE(wait_in_msgs(pull, 7, KZ_WAIT_MS));
	for (i = 0; i < 3; i++)
		EXPECT_GOT(pull, "12345");
	p = peers_one(pull);
	EXPECT_EQ(4, p.p.in_msgs);
	EXPECT_EQ(20, p.p.in_bytes);
	EXPECT_EQ(3, p.p.received);
	EXPECT_EQ(0, p.p.sent);
	p = peers_one(push);
	EXPECT_EQ(7, p.p.sent);
	EXPECT_EQ(0, p.p.dropped);
	EXPECT_EQ(0, p.p.out_msgs);
	xclose(push);
	xclose(pull);
}

/* messages that a full queue had no room for, counted where they belong */
TEST(drops)
{
	int pub = xsocket(ZMQ_PUB), raw, other = xsocket(ZMQ_SUB), i;
	static char body[10000];
	struct peer p[2];
	char ep[EP_LEN];
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	__u64 sent = 0, since = 0;

	xset(pub, ZMQ_SNDHWM, 5);
	xbind_any(pub, ep);
	raw = raw_peer(ep, "SUB", "PUB");
	raw_command(raw, "SUBSCRIBE", "", 0);
	xtopics(pub, 1);
	xconnect(other, ep);
	xpeers(pub, 2);
	/* nobody reads; TCP takes some, and not always at once */
	for (i = 0; i < 100000; i++) {
		xsend(pub, body, sizeof(body), 0);
		ASSERT_EQ(2, peers_list(pub, p, 2, PAGE));
		if (p[0].p.sent != sent)
			since = p[0].p.dropped;
		sent = p[0].p.sent;
		if (p[0].p.dropped - since >= 20 && p[0].p.out_msgs == 5)
			break;
		if (p[0].p.dropped != since)
			poll(NULL, 0, 1);
		ASSERT_GT(end, kz_now_ms());
	}
	EXPECT_EQ(5, p[0].p.out_msgs);
	EXPECT_EQ(50000, p[0].p.out_bytes);
	EXPECT_EQ(i + 1, p[0].p.sent + p[0].p.dropped);
	EXPECT_EQ(0, p[1].p.sent + p[1].p.dropped);
	xclose(raw);
}

TEST(routing_ids)
{
	int router = xsocket(ZMQ_ROUTER), named = xsocket(ZMQ_DEALER);
	int plain = xsocket(ZMQ_DEALER), twin = xsocket(ZMQ_DEALER);
	struct peer p[3];
	char ep[EP_LEN];

	xbind_any(router, ep);
	xset_text(named, ZMQ_ROUTING_ID, "anna");
	xset_text(twin, ZMQ_ROUTING_ID, "anna");
	xconnect(named, ep);
	xpeers(router, 1);
	xconnect(plain, ep);
	xpeers(router, 2);
	xconnect(twin, ep);
	xpeers(router, 3);
	ASSERT_EQ(3, peers_list(router, p, 3, PAGE));
	EXPECT_STREQ("anna", p[0].rid);
	EXPECT_EQ(5, p[1].p.rid_len);
	EXPECT_EQ(0, p[1].rid[0]);
	EXPECT_EQ(ZMQ_PEER_BOUND, p[1].p.flags);
	EXPECT_EQ(ZMQ_PEER_BOUND | ZMQ_PEER_MUTE, p[2].p.flags);
	EXPECT_STREQ("anna", p[2].rid);
	EXPECT_PROP("anna", router, p[0].p.handle, "Identity");
	EXPECT_PROP("anna", router, p[0].p.handle, "routing-id");
	EXPECT_PROP("", router, p[1].p.handle, "Identity");
	EXPECT_PROP("DEALER", router, p[1].p.handle, "Socket-Type");
}

/* one that never speaks is listed as what it is */
TEST(strangers)
{
	int pull = xsocket(ZMQ_PULL), push = xsocket(ZMQ_PUSH), raw, lst;
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	char ep[EP_LEN], buf[64];
	struct peer p;

	xbind_any(pull, ep);
	raw = raw_connect(ep);
	while (peers_list(pull, &p, 1, PAGE) != 1 ||
	       p.p.state != ZMQ_PEER_HANDSHAKE)
		ASSERT_GT(end, kz_now_ms());
	EXPECT_EQ(-1, p.p.type);
	EXPECT_ERR(ENOENT, peer_prop(pull, p.p.handle, "Socket-Type", buf, 64));
	EXPECT_ERR(ENOENT, peer_prop(pull, p.p.handle, "Identity", buf, 64));
	EXPECT_PROP("127.0.0.1", pull, p.p.handle, "Peer-Address");
	xclose(raw);
	while (peers_list(pull, &p, 1, PAGE))
		ASSERT_GT(end, kz_now_ms());
	/* and the connecting side */
	lst = raw_listen(ep);
	xconnect(push, ep);
	while (peers_list(push, &p, 1, PAGE) != 1 ||
	       p.p.state != ZMQ_PEER_HANDSHAKE)
		ASSERT_GT(end, kz_now_ms());
	EXPECT_STREQ(ep, p.remote);
	xclose(lst);
}

TEST(pages)
{
	enum { N = 60 };
	int pull = xsocket(ZMQ_PULL), push[N], i, n;
	static struct peer a[N + 1], b[N + 1];
	char ep[EP_LEN], buf[PAGE];
	socklen_t len;

	xbind_any(pull, ep);
	for (i = 0; i < N; i++) {
		push[i] = xsocket(ZMQ_PUSH);
		xconnect(push[i], ep);
		/* they are accepted in this order */
		xpeers(pull, i + 1);
	}
	ASSERT_EQ(N, peers_list(pull, a, N + 1, PAGE));
	/* a page of one record lists the same */
	ASSERT_EQ(N, peers_list(pull, b, N + 1, a[0].p.size + 16));
	for (i = 0; i < N; i++)
		EXPECT_EQ(a[i].p.handle, b[i].p.handle);
	/* peers that leave and come while somebody turns pages */
	for (i = 0; i < N; i += 2)
		xclose(push[i]);
	xpeers(pull, N / 2);
	n = peers_page(pull, a[1].p.handle, buf, sizeof(buf));
	ASSERT_LT(0, n);
	EXPECT_EQ(a[3].p.handle, ((struct zmq_peer *)buf)->handle);
	push[0] = xsocket(ZMQ_PUSH);
	xconnect(push[0], ep);
	xpeers(pull, N / 2 + 1);
	ASSERT_EQ(N / 2 + 1, peers_list(pull, b, N + 1, PAGE));
	EXPECT_LT(a[N - 1].p.handle, b[N / 2].p.handle);
	/* no room */
	EXPECT_EQ(0, peers_page(pull, -1ull, buf, sizeof(buf)));
	EXPECT_EQ(0, peers_page(pull, b[N / 2].p.handle, buf, 0));
	EXPECT_ERR(EINVAL, peers_page(pull, 0, buf, sizeof(struct zmq_peer)));
	EXPECT_ERR(EINVAL, setsockopt(pull, SOL_ZMQ, ZMQ_PEERS, &n, 4));
	len = sizeof(buf);
	EXPECT_ERR(EFAULT, getsockopt(pull, SOL_ZMQ, ZMQ_PEERS, BADPTR, &len));
}

/* as SO_PEERCRED: who made the call, at both ends */
TEST(credentials)
{
	int pull = xsocket(ZMQ_PULL), status, go[2];
	char ep[EP_LEN], want[64], buf[64], c;
	struct zmq_msg_peer who;
	struct peer p;
	pid_t pid;

	ipc_here(ep, "cred");
	xset(pull, ZMQ_RECVPEER, 1);
	xbind(pull, ep);
	ASSERT_OK(chmod(ep + 6, 0777));
	ASSERT_OK(pipe(go));
	pid = fork();
	if (!pid) {
		int push = xsocket(ZMQ_PUSH);

		KZ_CHECK(!setresgid(GID, GID, GID) && !setresuid(UID, UID, UID));
		xconnect(push, ep);
		xsends(push, "mine", 0);
		p = peers_one(push);
		KZ_CHECK(p.p.flags == ZMQ_PEER_LOCAL && !p.p.uid && !p.p.gid);
		KZ_CHECK(p.p.pid == getppid());
		KZ_CHECK(!strcmp(p.remote, ep) && !p.p.local_len);
		KZ_CHECK(read(go[0], &c, 1) == 1);
		_exit(0);
	}
	ASSERT_EQ(1, recv_peer(pull, buf, sizeof(buf), &who, 1, 0));
	EXPECT_STREQ("mine", buf);
	EXPECT_EQ(ZMQ_PEER_LOCAL, who.flags);
	EXPECT_EQ(pid, who.pid);
	EXPECT_EQ(UID, who.uid);
	EXPECT_EQ(GID, who.gid);
	p = peers_one(pull);
	EXPECT_EQ(who.handle, p.p.handle);
	EXPECT_EQ(ZMQ_PEER_LOCAL | ZMQ_PEER_BOUND, p.p.flags);
	EXPECT_EQ(pid, p.p.pid);
	EXPECT_EQ(UID, p.p.uid);
	EXPECT_EQ(GID, p.p.gid);
	EXPECT_STREQ(ep, p.local);
	EXPECT_EQ(0, p.p.remote_len);
	snprintf(want, sizeof(want), "localhost:%d:%d:%d", UID, GID, pid);
	EXPECT_PROP(want, pull, who.handle, "Peer-Address");
	KZ_CHECK(write(go[1], "x", 1) == 1);
	ASSERT_TRUE(wait_exit(pid, &status, KZ_WAIT_MS));
	EXPECT_EQ(0, status);
	/* it has left: the one heard last is still known */
	xpeers(pull, 0);
	EXPECT_PROP("PUSH", pull, who.handle, "Socket-Type");
}

/* told with the first frame, and only then */
TEST(frames)
{
	int router = xsocket(ZMQ_ROUTER), dealer = xsocket(ZMQ_DEALER);
	struct zmq_msg_peer who, again;
	char ep[EP_LEN], buf[64];

	xbind_any(router, ep);
	xset_text(dealer, ZMQ_ROUTING_ID, "d");
	xconnect(dealer, ep);
	xsendv(dealer, "one", "two", NULL);
	xsendv(dealer, "three", NULL);
	xsendv(dealer, "four", NULL);
	ASSERT_TRUE(wait_in_msgs(router, 3, KZ_WAIT_MS));
	EXPECT_EQ(0, zget(router, ZMQ_RECVPEER));
	xset(router, ZMQ_RECVPEER, 1);
	ASSERT_EQ(1, recv_peer(router, buf, sizeof(buf), &who, 1, MSG_PEEK));
	EXPECT_STREQ("d", buf);
	EXPECT_EQ(peers_one(router).p.handle, who.handle);
	ASSERT_EQ(1, recv_peer(router, buf, sizeof(buf), &again, 1, 0));
	EXPECT_STREQ("d", buf);
	EXPECT_EQ(who.handle, again.handle);
	EXPECT_EQ(0, again.flags);
	ASSERT_EQ(0, recv_peer(router, buf, sizeof(buf), &who, 1, MSG_PEEK));
	ASSERT_EQ(0, recv_peer(router, buf, sizeof(buf), &who, 1, 0));
	EXPECT_STREQ("one", buf);
	ASSERT_EQ(0, recv_peer(router, buf, sizeof(buf), &who, 1, 0));
	EXPECT_STREQ("two", buf);
	ASSERT_EQ(1, recv_peer(router, buf, sizeof(buf), &who, 1, 0));
	EXPECT_GOT(router, "three");
	xset(router, ZMQ_RECVPEER, 0);
	ASSERT_EQ(0, recv_peer(router, buf, sizeof(buf), &who, 1, 0));
	EXPECT_GOT(router, "four");
	EXPECT_ERR(EINVAL, zset(router, ZMQ_RECVPEER, 2));
	EXPECT_ERR(EINVAL, zset(router, ZMQ_RECVPEER, -1));
}

/* a batch has an entry for each message, of whichever peer */
TEST(batches)
{
	int pull = xsocket(ZMQ_PULL), push[3], i, j, n, had[3] = {};
	struct zmq_msg_peer who[40];
	struct peer p[3];
	char ep[EP_LEN], buf[256], text[2] = "";

	xbind_any(pull, ep);
	for (i = 0; i < 3; i++) {
		push[i] = xsocket(ZMQ_PUSH);
		xconnect(push[i], ep);
		xpeers(pull, i + 1);
	}
	ASSERT_EQ(3, peers_list(pull, p, 3, PAGE));
	for (i = 0; i < 3; i++)
		for (j = 0; j < 10; j++) {
			text[0] = '0' + i;
			xsends(push[i], text, 0);
		}
	ASSERT_TRUE(wait_in_msgs(pull, 30, KZ_WAIT_MS));
	xset(pull, ZMQ_RECVPEER, 1);
	xset(pull, ZMQ_RCVBATCH, 40);
	for (j = 0; j < 30; j += n) {
		n = recv_peer(pull, buf, sizeof(buf), who, 40, MSG_DONTWAIT);
		ASSERT_LT(0, n);
		EXPECT_EQ(n, (int)strlen(buf));
		for (i = 0; i < n; i++) {
			ASSERT_TRUE(buf[i] >= '0' && buf[i] <= '2');
			EXPECT_EQ(p[buf[i] - '0'].p.handle, who[i].handle);
			had[buf[i] - '0']++;
		}
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(10, had[i]);
}

/* the control space bounds a batch: 4 octets a frame, 24 a message, 16 a head */
TEST(batch_space)
{
	int fd[2], flags = MSG_DONTWAIT, n, i;
	__u32 len[20];
	char buf[64];

	xpair(ZMQ_PULL, ZMQ_PUSH, fd);
	xset(fd[0], ZMQ_RECVPEER, 1);
	xset(fd[0], ZMQ_RCVBATCH, 20);
	for (i = 0; i < 5; i++)
		xsends(fd[1], "m", 0);
	ASSERT_TRUE(wait_in_msgs(fd[0], 5, KZ_WAIT_MS));
	n = 12;
	EXPECT_ERR(EMSGSIZE, recv_frames(fd[0], buf, 64, len, &n, &flags));
	flags = MSG_DONTWAIT;
	n = 6 + 2 * 7;
	EXPECT_EQ(2, recv_frames(fd[0], buf, 64, len, &n, &flags));
	EXPECT_EQ(2, n);
	EXPECT_EQ(0, flags & MSG_CTRUNC);
	/* without a control buffer one message, and no word of its sender */
	flags = MSG_DONTWAIT;
	n = -1;
	EXPECT_EQ(1, recv_frames(fd[0], buf, 64, len, &n, &flags));
}

/* one queue, three connections: each message is told by its own sender */
TEST(senders_of_one_queue)
{
	int lst, pull = xsocket(ZMQ_PULL), raw, i;
	struct zmq_msg_peer who[4];
	struct raw_frame f;
	char ep[EP_LEN], buf[64];
	__u64 handle[4];

	xset(pull, ZMQ_RECONNECT_IVL, 10);
	xset(pull, ZMQ_RECVPEER, 1);
	lst = raw_listen(ep);
	xconnect(pull, ep);
	for (i = 0; i < 4; i++) {
		raw = raw_accept(lst);
		raw_greeting(raw, 1);
		ASSERT_TRUE(raw_read_greeting(raw));
		raw_ready(raw, "PUSH", i & 1 ? "odd" : "even",
			  i & 1 ? 3 : 4);
		ASSERT_TRUE(raw_read_frame(raw, &f));
		xpeers(pull, 1);
		handle[i] = peers_one(pull).p.handle;
		/* the third has nothing to say */
		if (i != 2) {
			snprintf(buf, sizeof(buf), "%da", i);
			raw_frame(raw, 0, buf, 2);
			snprintf(buf, sizeof(buf), "%db", i);
			raw_frame(raw, 0, buf, 2);
			ASSERT_TRUE(wait_in_msgs(pull, i == 3 ? 6 : 2 * i + 2,
						 KZ_WAIT_MS));
		}
		if (i != 3) {
			xclose(raw);
			xpeers(pull, 0);
		}
	}
	for (i = 0; i < 4; i++) {
		if (i == 2)
			continue;
		ASSERT_EQ(1, recv_peer(pull, buf, sizeof(buf), who, 1, 0));
		EXPECT_EQ('0' + i, buf[0]);
		EXPECT_EQ(handle[i], who[0].handle);
		EXPECT_PROP(i & 1 ? "odd" : "even", pull, handle[i], "Identity");
		ASSERT_EQ(1, recv_peer(pull, buf, sizeof(buf), who, 1, 0));
		EXPECT_EQ('0' + i, buf[0]);
		EXPECT_EQ('b', buf[1]);
		EXPECT_EQ(handle[i], who[0].handle);
	}
	xclose(raw);
	xclose(lst);
}

static size_t put(char *p, const char *name, const void *val, size_t len)
{
	__u32 be = htonl(len);
	size_t n = strlen(name);

	p[0] = n;
	memcpy(p + 1, name, n);
	memcpy(p + 1 + n, &be, sizeof(be));
	memcpy(p + 5 + n, val, len);
	return 5 + n + len;
}

/* A PUSH with metadata of its own. */
static int peer_with(const char *ep, const char *data, size_t len)
{
	int fd = raw_connect(ep);
	static char body[20000];
	struct raw_frame f;

	raw_greeting(fd, 1);
	KZ_CHECK(raw_read_greeting(fd));
	memcpy(body, "\5READY", 6);
	memcpy(body + 6, data, len);
	raw_frame(fd, 4, body, len + 6);
	KZ_CHECK(raw_read_frame(fd, &f));
	return fd;
}

static long mem_now(void)
{
	return mib("MemBytes");
}

TEST(properties)
{
	int pull, raw;
	static char data[20000], val[3000], buf[PAGE];
	char ep[EP_LEN], name[16];
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	struct zmq_peer_prop q = {};
	size_t n, i;
	__u64 h;

	own_netns();
	pull = xsocket(ZMQ_PULL);
	xbind_any(pull, ep);
	n = put(data, "socket-type", "PUSH", 4);
	n += put(data + n, "X-Color", "blue", 4);
	n += put(data + n, "X-Empty", "", 0);
	n += put(data + n, "x-color", "second", 6);
	n += put(data + n, "Peer-Address", "a lie", 5);
	n += put(data + n, "X-Nul", "a\0b", 3);
	memset(val, 'v', sizeof(val));
	n += put(data + n, "X-Most", val, 1024);
	n += put(data + n, "X-Over", val, 1025);
	/* as many as are kept, and more */
	for (i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "X-%zu", i);
		n += put(data + n, name, val, 100);
	}
	raw = peer_with(ep, data, n);
	xpeers(pull, 1);
	h = peers_one(pull).p.handle;
	EXPECT_PROP("PUSH", pull, h, "Socket-Type");
	EXPECT_PROP("blue", pull, h, "X-Color");
	EXPECT_PROP("blue", pull, h, "X-COLOR");
	EXPECT_PROP("", pull, h, "X-Empty");
	EXPECT_PROP("127.0.0.1", pull, h, "Peer-Address");
	EXPECT_EQ(3, peer_prop(pull, h, "X-Nul", buf, PAGE));
	EXPECT_EQ(0, memcmp(buf, "a\0b", 3));
	EXPECT_EQ(1024, peer_prop(pull, h, "X-Most", buf, PAGE));
	EXPECT_ERR(ENOENT, peer_prop(pull, h, "X-Over", buf, PAGE));
	EXPECT_EQ(100, peer_prop(pull, h, "X-0", buf, PAGE));
	EXPECT_ERR(ENOENT, peer_prop(pull, h, "X-59", buf, PAGE));
	EXPECT_ERR(ENOENT, peer_prop(pull, h, "User-Id", buf, PAGE));
	EXPECT_ERR(ENOENT, peer_prop(pull, h + 1, "X-Color", buf, PAGE));
	EXPECT_ERR(ENOENT, peer_prop(pull, 0, "X-Color", buf, PAGE));
	/* counted, and within bounds as soon as the command itself is gone */
	while (mem_now() >= 4096 + 64)
		ASSERT_GT(end, kz_now_ms());
	EXPECT_LT(1024, mem_now());
	/* bad calls; the value chosen before is gone after one that fails */
	EXPECT_EQ(4, peer_prop(pull, h, "X-Color", buf, 4));
	EXPECT_ERR(EINVAL, peer_prop(pull, h, "X-Color", buf, 3));
	EXPECT_ERR(EINVAL, peer_prop(pull, h, "", buf, PAGE));
	q.handle = h;
	memset(q.name, 'x', sizeof(q.name));
	EXPECT_ERR(EINVAL, setsockopt(pull, SOL_ZMQ, ZMQ_PEER_PROP, &q,
				      sizeof(q)));
	EXPECT_ERR(EINVAL, setsockopt(pull, SOL_ZMQ, ZMQ_PEER_PROP, &q, 8));
	EXPECT_ERR(EINVAL, setsockopt(pull, SOL_ZMQ, ZMQ_PEER_PROP, &q,
				      sizeof(q) + 1));
	EXPECT_ERR(EFAULT, setsockopt(pull, SOL_ZMQ, ZMQ_PEER_PROP, BADPTR, 20));
	EXPECT_ERR(ENOENT, setsockopt(pull, SOL_ZMQ, ZMQ_PEER_PROP, &q, 20));
	EXPECT_ERR(ENOENT, getsockopt(pull, SOL_ZMQ, ZMQ_PEER_PROP, buf,
				      &(socklen_t){ PAGE }));
	/* kept for who asks late, not beyond the socket */
	xclose(raw);
	xpeers(pull, 0);
	EXPECT_PROP("blue", pull, h, "X-Color");
	xclose(pull);
	while (mem_now())
		ASSERT_GT(end, kz_now_ms());
}

static __u64 comes_and_goes(int pull, const char *ep)
{
	int push = xsocket(ZMQ_PUSH);
	__u64 handle;

	xconnect(push, ep);
	xpeers(pull, 1);
	handle = peers_one(pull).p.handle;
	xclose(push);
	xpeers(pull, 0);
	return handle;
}

/* Nobody is listed any more, also none whose handshake is not done. */
static bool wait_unlisted(int fd)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	struct peer p;

	while (peers_list(fd, &p, 1, PAGE)) {
		if (kz_now_ms() > end)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

/* The socket has forgotten this property, or is about to. */
static bool wait_forgotten(int fd, __u64 handle, const char *name)
{
	long long end = kz_now_ms() + kz_ms(KZ_WAIT_MS);
	char buf[64];

	while (peer_prop(fd, handle, name, buf, sizeof(buf)) >= 0) {
		if (kz_now_ms() > end)
			return false;
		poll(NULL, 0, 1);
	}
	return errno == ENOENT;
}

/* the last 16 to leave can be asked about, and whoever did not get in is none */
TEST(properties_of_who_has_left)
{
	int pull = xsocket(ZMQ_PULL), raw, i;
	char ep[EP_LEN], buf[64];
	__u64 h[18];

	xbind_any(pull, ep);
	for (i = 0; i < 18; i++) {
		h[i] = comes_and_goes(pull, ep);
		raw = raw_connect(ep);
		raw_greeting(raw, 1);
		EXPECT_TRUE(raw_read_greeting(raw));
		xclose(raw);
		ASSERT_TRUE(wait_unlisted(pull));
	}
	for (i = 0; i < 2; i++)
		EXPECT_TRUE(wait_forgotten(pull, h[i], "Socket-Type"));
	for (; i < 18; i++) {
		EXPECT_PROP("PUSH", pull, h[i], "Socket-Type");
		EXPECT_PROP("127.0.0.1", pull, h[i], "Peer-Address");
	}
	EXPECT_ERR(ENOENT, peer_prop(pull, h[17] + 5, "Socket-Type", buf, 64));
	xclose(pull);
}

/* what the last sender told is there until another is heard, who else may leave */
TEST(properties_after_the_end)
{
	int pull = xsocket(ZMQ_PULL), raw[2], i;
	struct zmq_msg_peer who[2];
	char data[200], ep[EP_LEN], buf[64];
	size_t n;

	xset(pull, ZMQ_RECVPEER, 1);
	xbind_any(pull, ep);
	for (i = 0; i < 2; i++) {
		n = put(data, "Socket-Type", "PUSH", 4);
		n += put(data + n, "X-Name", i ? "b" : "a", 1);
		raw[i] = peer_with(ep, data, n);
		xpeers(pull, i + 1);
		raw_frame(raw[i], 0, i ? "b" : "a", 1);
		ASSERT_TRUE(wait_in_msgs(pull, i + 1, KZ_WAIT_MS));
	}
	for (i = 0; i < 2; i++)
		xclose(raw[i]);
	xpeers(pull, 0);
	ASSERT_EQ(1, recv_peer(pull, buf, sizeof(buf), &who[0], 1, 0));
	EXPECT_PROP(buf, pull, who[0].handle, "X-Name");
	ASSERT_EQ(1, recv_peer(pull, buf, sizeof(buf), &who[1], 1, 0));
	for (i = 0; i < 16; i++)
		comes_and_goes(pull, ep);
	EXPECT_PROP(buf, pull, who[1].handle, "X-Name");
	EXPECT_TRUE(wait_forgotten(pull, who[0].handle, "X-Name"));
}

/* REQ and REP look for their messages; the sender is told all the same */
TEST(request_and_reply)
{
	int rep = xsocket(ZMQ_REP), req = xsocket(ZMQ_REQ);
	struct zmq_msg_peer who;
	char ep[EP_LEN], buf[64];

	xset(rep, ZMQ_RECVPEER, 1);
	xset(req, ZMQ_RECVPEER, 1);
	xbind_any(rep, ep);
	xconnect(req, ep);
	xsends(req, "ask", 0);
	ASSERT_EQ(1, recv_peer(rep, buf, sizeof(buf), &who, 1, 0));
	EXPECT_EQ(peers_one(rep).p.handle, who.handle);
	xsends(rep, "say", 0);
	ASSERT_TRUE(wait_ready(req, POLLIN));
	ASSERT_EQ(1, recv_peer(req, buf, sizeof(buf), &who, 1, MSG_PEEK));
	EXPECT_EQ(peers_one(req).p.handle, who.handle);
	ASSERT_EQ(1, recv_peer(req, buf, sizeof(buf), &who, 1, 0));
	EXPECT_STREQ("say", buf);
	EXPECT_EQ(peers_one(req).p.handle, who.handle);
}

ZMQ_HARNESS_MAIN
