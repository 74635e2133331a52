// SPDX-License-Identifier: GPL-2.0
/*
 * ipc://: in-kernel Unix stream sockets, by path or by abstract name.
 *
 * A path is looked up with the credentials, the root directory and the working
 * directory which the opener had at bind() or connect(), also when a work item
 * tries again. The lookup in net/unix takes them from the task that asks, so
 * the work item wears them for that time.
 *
 * Unix sockets hand over data in the context of the process that sends. It is
 * read there: a message is in the receiver's queue when the sender's call is
 * over, without a work item between the two. What was taken from the queue and
 * cannot be delivered yet is kept, and counts as the sender's until then.
 *
 * Locks: the lower lock is kzmq_conn.rx_lock; a sender, which may hold the tx
 * lock of another connection, only tries it. Below it the locks of net/unix.
 * net/unix needs nothing of ours to send. No lock of ours is held when a name is
 * looked up: its file system may take as long as it likes.
 * Contexts: process.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/net.h>
#include <linux/random.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/un.h>
#include <net/af_unix.h>
#include <net/sock.h>

#include "compat/lower.h"
#include "compat/path.h"
#include "conn.h"
#include "endpoint.h"
#include "filter.h"
#include "transport.h"

#define WILD_TRIES	100
#define WILD_NAME	"/tmp/zmq-XXXXXXXX/socket"

static struct lock_class_key unix_slock_key, unix_lock_key;

/**
 * struct kzmq_unix_ep - what an ipc endpoint keeps
 * @root: the opener's root directory
 * @pwd:  the opener's working directory
 * @file: wildcard: the socket's file, in a directory of its own
 * @path: wildcard: its name
 */
struct kzmq_unix_ep {
	struct path	root;
	struct path	pwd;
	struct path	file;
	char		path[sizeof(WILD_NAME)];
};

/**
 * struct kzmq_unix_rx - octets that were read and not yet taken
 * @skb: where they are, or NULL
 * @off: the next of them
 */
struct kzmq_unix_rx {
	struct sk_buff	*skb;
	u32		off;
};

static bool unix_abstract(const struct kzmq_ep *ep)
{
	return ep->uri.path[0] == '@';
}

static bool unix_wild(const struct kzmq_ep *ep)
{
	return ep->bound && ep->uri.path_len == 1 && ep->uri.path[0] == '*';
}

static int unix_tr_open(struct kzmq_ep *ep)
{
	struct kzmq_unix_ep *ux = kzalloc(sizeof(*ux), GFP_KERNEL_ACCOUNT);

	if (!ux)
		return -ENOMEM;
	ep->tr_data = ux;
	if (unix_abstract(ep))
		return 0;
	get_fs_root(current->fs, &ux->root);
	get_fs_pwd(current->fs, &ux->pwd);
	if (ep->bound)
		return 0;
	ep->wq = kzmq_net_path_wq(ep->zs->zn);
	return ep->wq ? 0 : -ENOMEM;
}

static void unix_tr_release(struct kzmq_ep *ep)
{
	struct kzmq_unix_ep *ux = ep->tr_data;

	if (!ux)
		return;
	path_put(&ux->root);
	path_put(&ux->pwd);
	kfree(ux);
}

/**
 * struct unix_worn - directories a task wears for a while
 * @fs:  they, with references of their own: pivot_root() changes any task's
 * @old: what the task had; NULL when it is past exit_fs()
 * @on:  they are worn
 */
struct unix_worn {
	struct fs_struct	fs;
	struct fs_struct	*old;
	bool			on;
};

static void unix_wear(struct unix_worn *w, const struct path *root,
		      const struct path *pwd)
{
	w->on = root->dentry;
	if (!w->on)
		return;
	kzmq_fs_init(&w->fs, root, pwd);
	task_lock(current);
	w->old = current->fs;
	current->fs = &w->fs;
	task_unlock(current);
}

static void unix_leave(struct unix_worn *w)
{
	if (!w->on)
		return;
	task_lock(current);
	current->fs = w->old;
	task_unlock(current);
	/* Nobody finds them any more. */
	kzmq_fs_put(&w->fs);
}

/* Wear the opener's. */
static void unix_enter(struct kzmq_ep *ep, struct unix_worn *w)
{
	struct kzmq_unix_ep *ux = ep->tr_data;

	unix_wear(w, &ux->root, &ux->pwd);
}

static int unix_make(struct kzmq_ep *ep, struct socket **res)
{
	struct socket *sock;
	struct sock *sk;
	int err;

	err = __sock_create(ep->zs->zn->net, PF_UNIX, SOCK_STREAM, 0, &sock, 0);
	if (err)
		return err;
	sk = sock->sk;
	if (sock_allow_reclassification(sk))
		sock_lock_init_class_and_name(sk, "slock-AF_UNIX-ZMQ",
					      &unix_slock_key,
					      "sk_lock-AF_UNIX-ZMQ",
					      &unix_lock_key);
	err = kzmq_sk_made_like(sk, &ep->zs->sk);
	if (err) {
		sock_release(sock);
		return err;
	}
	kzmq_unix_no_files(sk);
	kzmq_lower_tune(sk, &ep->opts);
	*res = sock;
	return 0;
}

/* Return: octets of the address. */
static int unix_addr(const char *path, size_t n, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, n);
	if (path[0] == '@') {
		sun->sun_path[0] = '\0';
		return offsetof(struct sockaddr_un, sun_path) + n;
	}
	return offsetof(struct sockaddr_un, sun_path) + n + 1;
}

/*
 * Is a socket bound to the file? One that does not listen yet counts too, and
 * one that listens shall not hear of us: a datagram socket asks. It is refused
 * where there is none at all, and has the wrong type for all others.
 *
 * It asks in the very directory, whatever becomes of the links on the way.
 */
static bool unix_in_use(struct kzmq_ep *ep, const struct path *up,
			const char *name)
{
	struct kzmq_unix_ep *ux = ep->tr_data;
	char at[sizeof("./") + UNIX_PATH_MAX];
	struct sockaddr_un sun;
	struct unix_worn worn;
	struct socket *probe;
	int len, err;

	err = __sock_create(ep->zs->zn->net, PF_UNIX, SOCK_DGRAM, 0, &probe, 0);
	if (err)
		return true;
	/* Of a file, even when it looks abstract */
	len = snprintf(at, sizeof(at), "%s%s", *name == '@' ? "./" : "", name);
	len = unix_addr(at, len, &sun);
	unix_wear(&worn, &ux->root, up);
	err = kernel_connect(probe, (struct kzmq_sockaddr *)&sun, len, O_NONBLOCK);
	unix_leave(&worn);
	sock_release(probe);
	return err != -ECONNREFUSED;
}

/*
 * Remove the file of a socket that is no more. It cannot come back to life:
 * whoever binds makes a new file, and has done with it when the directory's
 * lock is free.
 */
static int unix_clear(struct kzmq_ep *ep, const char *text)
{
	struct path path, up;
	int err;

	err = kern_path(text, 0, &path);
	if (err)
		return err;
	err = -EADDRINUSE;
	if (!S_ISSOCK(d_backing_inode(path.dentry)->i_mode) ||
	    kzmq_path_is_mount(&path))
		goto out;
	kzmq_path_up(&path, &up);
	if (!unix_in_use(ep, &up, kbasename(text)))
		err = kzmq_path_unlink(&path);
	path_put(&up);
out:
	path_put(&path);
	return err == -EBUSY || err == -ENOENT ? -EADDRINUSE : err;
}

static int unix_bind_path(struct kzmq_ep *ep, struct socket *sock)
{
	struct sockaddr_un sun;
	int len, err;

	len = unix_addr(ep->uri.path, ep->uri.path_len, &sun);
	err = kernel_bind(sock, (struct kzmq_sockaddr *)&sun, len);
	if (err != -EADDRINUSE || unix_abstract(ep))
		return err;
	err = unix_clear(ep, sun.sun_path);
	if (err)
		return err;
	return kernel_bind(sock, (struct kzmq_sockaddr *)&sun, len);
}

/* A directory that only the opener enters, and the socket in it */
static int unix_bind_wild(struct kzmq_ep *ep, struct socket *sock)
{
	struct kzmq_unix_ep *ux = ep->tr_data;
	struct sockaddr_un sun;
	char *slash;
	int len, err, i;

	for (i = 0; i < WILD_TRIES; i++) {
		len = snprintf(ux->path, sizeof(ux->path), "/tmp/zmq-%08x",
			       get_random_u32());
		err = kzmq_path_mkdir(ux->path, 0700);
		if (err == -EEXIST)
			continue;
		if (err)
			return err;
		slash = ux->path + len;
		strscpy(slash, "/socket", sizeof(ux->path) - len);
		len = unix_addr(ux->path, strlen(ux->path), &sun);
		err = kernel_bind(sock, (struct kzmq_sockaddr *)&sun, len);
		if (!err)
			err = kern_path(ux->path, 0, &ux->file);
		if (err) {
			*slash = '\0';
			kzmq_path_rmdir(ux->path);
		}
		return err;
	}
	return -EADDRINUSE;
}

static void unix_tr_unlisten(struct kzmq_ep *ep)
{
	struct kzmq_unix_ep *ux = ep->tr_data;
	const struct cred *old;
	struct unix_worn worn;

	if (!ux->file.dentry)
		return;
	old = override_creds(ep->cred);
	unix_enter(ep, &worn);
	kzmq_path_unlink(&ux->file);
	path_put(&ux->file);
	ux->file.dentry = NULL;
	*strrchr(ux->path, '/') = '\0';
	kzmq_path_rmdir(ux->path);
	unix_leave(&worn);
	revert_creds(old);
}

/*
 * Security modules look at the file of the socket that somebody connects to, to
 * see whose it is; they have never seen one without.
 */
static int unix_make_file(struct socket *sock)
{
	/* It takes the socket along when it fails. */
	return PTR_ERR_OR_ZERO(sock_alloc_file(sock, 0, NULL));
}

static int unix_tr_listen(struct kzmq_ep *ep, struct socket **res)
{
	struct socket *sock;
	int err;

	err = unix_make(ep, &sock);
	if (!err)
		err = unix_make_file(sock);
	if (err)
		return err;
	err = unix_wild(ep) ? unix_bind_wild(ep, sock) : unix_bind_path(ep, sock);
	if (!err)
		err = kernel_listen(sock, ep->opts.backlog);
	if (err) {
		unix_tr_unlisten(ep);
		kzmq_lower_release(sock);
		return err;
	}
	*res = sock;
	return 0;
}

static bool unix_tr_adopts(const struct sock *sk)
{
	return sk->sk_family == AF_UNIX && sk->sk_type == SOCK_STREAM;
}

/* The name of a socket that somebody else has bound */
static int unix_name_of(struct socket *sock, char *out, size_t room)
{
	const size_t off = offsetof(struct sockaddr_un, sun_path);
	struct sockaddr_storage ss = {};
	struct sockaddr_un *sun = (struct sockaddr_un *)&ss;
	int n = kernel_getsockname(sock, (struct sockaddr *)&ss);

	if (n < 0)
		return n;
	n = max_t(int, n - off, 0);
	if (n && !sun->sun_path[0])
		sun->sun_path[0] = '@';
	return snprintf(out, room, "ipc://%.*s", n, sun->sun_path);
}

static int unix_tr_name(struct kzmq_ep *ep, struct socket *sock, char *out,
			size_t room)
{
	struct kzmq_unix_ep *ux = ep->tr_data;
	int n;

	if (ep->adopted)
		n = unix_name_of(sock, out, room);
	else if (unix_wild(ep))
		n = snprintf(out, room, "ipc://%s", ux->path);
	else
		n = snprintf(out, room, "ipc://%.*s", (int)ep->uri.path_len,
			     ep->uri.path);
	if (n < 0)
		return n;
	return n < room ? 0 : -ENAMETOOLONG;
}

/* Who connects has no name as a rule. */
static int unix_tr_text(struct socket *sock, bool peer, char *out, size_t room)
{
	struct sockaddr_storage ss;
	struct sockaddr_un *sun = (struct sockaddr_un *)&ss;
	int n;

	BUILD_BUG_ON(sizeof(*sun) > sizeof(ss));
	n = sock->ops->getname(sock, (struct sockaddr *)&ss, peer);
	if (n < 0)
		return n;
	n -= offsetof(struct sockaddr_un, sun_path);
	if (n > 0 && !sun->sun_path[0])
		sun->sun_path[0] = '@';
	else
		n = strnlen(sun->sun_path, max(n, 0));
	n = snprintf(out, room, "ipc://%.*s", n, sun->sun_path);
	return n < room ? 0 : -ENAMETOOLONG;
}

static int unix_tr_connect(struct kzmq_ep *ep, struct socket **res,
			   bool *connected)
{
	struct sockaddr_un sun;
	struct unix_worn worn;
	struct socket *sock;
	int len, err;

	err = unix_make(ep, &sock);
	if (err)
		return err;
	len = unix_addr(ep->uri.path, ep->uri.path_len, &sun);
	unix_enter(ep, &worn);
	err = kernel_connect(sock, (struct kzmq_sockaddr *)&sun, len, O_NONBLOCK);
	unix_leave(&worn);
	if (err) {
		sock_release(sock);
		return err;
	}
	*connected = true;
	*res = sock;
	return 0;
}

/* It was made by the peer's connect() and has nothing from the listener. */
static int unix_tr_accept(struct kzmq_ep *ep, struct socket **res)
{
	int err = kernel_accept(ep->listener, res, O_NONBLOCK);

	if (err)
		return err;
	kzmq_unix_no_files((*res)->sk);
	kzmq_lower_tune((*res)->sk, &ep->opts);
	return 0;
}

static bool unix_tr_allowed(struct kzmq_ep *ep, struct socket *sock)
{
	return kzmq_filter_unix(ep->opts.filter, sock->sk);
}

static struct kzmq_unix_rx *unix_rx(struct kzmq_conn *conn)
{
	BUILD_BUG_ON(sizeof(struct kzmq_unix_rx) > sizeof(conn->tr_rx));
	return (struct kzmq_unix_rx *)conn->tr_rx;
}

static int unix_actor(struct sock *sk, struct sk_buff *skb)
{
	struct kzmq_unix_rx *rx = unix_rx(sk->sk_user_data);

	rx->skb = skb;
	rx->off = 0;
	return 0;
}

/*
 * Take the next. An error is told before what came ahead of it, and once; who
 * looks for it at the end shall find it.
 */
static bool unix_read(struct kzmq_conn *conn, struct kzmq_unix_rx *rx)
{
	struct sock *sk = conn->sock->sk;
	int err, told = 0;

	while (!rx->skb && !skb_queue_empty_lockless(&sk->sk_receive_queue)) {
		err = conn->sock->ops->read_skb(sk, unix_actor);
		if (!err || err == -EAGAIN)
			continue;
		if (told)
			break;
		told = err;
	}
	if (told)
		WRITE_ONCE(sk->sk_err, -told);
	/* The buffer may be kept for a while, and they must not. */
	if (rx->skb && kzmq_unix_skb_files(rx->skb))
		kzmq_conn_fail(conn, -EPROTO);
	return rx->skb;
}

static void unix_tr_rx(struct kzmq_conn *conn)
{
	struct kzmq_unix_rx *rx = unix_rx(conn);

	while (conn->rx.budget && (rx->skb || unix_read(conn, rx))) {
		rx->off += kzmq_rx_skb(conn, rx->skb, rx->off,
				       rx->skb->len - rx->off);
		if (rx->off < rx->skb->len)
			return;
		consume_skb(rx->skb);
		rx->skb = NULL;
	}
}

/*
 * Files that a peer passes go when the octets are read. They must not wait: one
 * of them may be our own socket, which would then hold itself for ever.
 */
static bool unix_tr_rx_foul(struct kzmq_conn *conn)
{
	struct sock *sk = conn->sock->sk;

	return !skb_queue_empty_lockless(&sk->sk_receive_queue) &&
	       kzmq_unix_has_files(sk);
}

static void unix_tr_rx_end(struct kzmq_conn *conn)
{
	kfree_skb(unix_rx(conn)->skb);
}

static bool unix_tr_rx_empty(struct kzmq_conn *conn)
{
	return !unix_rx(conn)->skb &&
	       skb_queue_empty_lockless(&conn->sock->sk->sk_receive_queue);
}

static void unix_tr_lock(struct kzmq_conn *conn)
{
	mutex_lock(&conn->rx_lock);
}

static void unix_tr_unlock(struct kzmq_conn *conn)
{
	mutex_unlock(&conn->rx_lock);
	/* Let go, then look: somebody may have left a note because of us. */
	smp_mb();
	if (test_bit(KZMQ_CONN_RX_WANT, &conn->flags))
		kzmq_conn_kick(conn, KZMQ_EV_RX);
}

static bool unix_tr_writeable(const struct sock *sk)
{
	return (refcount_read(&sk->sk_wmem_alloc) << 2) <=
	       READ_ONCE(sk->sk_sndbuf);
}

static bool unix_tr_tx_room(struct kzmq_conn *conn)
{
	struct socket *sock = conn->sock;

	if (unix_tr_writeable(sock->sk))
		return true;
	set_bit(SOCK_NOSPACE, &sock->flags);
	/* The peer may have read it all before it could see the bit. */
	smp_mb__after_atomic();
	return unix_tr_writeable(sock->sk);
}

/* Refused memory does not end the connection: it is tried again. */
static int unix_sent(int ret)
{
	return ret == -ENOBUFS || ret == -ENOMEM ? -EAGAIN : ret;
}

static int unix_tr_tx_kvec(struct kzmq_conn *conn, struct kvec *kv, size_t nr,
			   size_t len, bool more)
{
	struct msghdr m = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };

	return unix_sent(kzmq_sendmsg_to(conn->sock, &m, kv, nr, len));
}

static int unix_tr_tx_page(struct kzmq_conn *conn, struct page *page, u32 off,
			   size_t len, bool more)
{
	return unix_sent(kzmq_sendpage(conn->sock, page, off, len,
				       MSG_DONTWAIT | MSG_NOSIGNAL));
}

const struct kzmq_transport kzmq_tr_unix = {
	.open		= unix_tr_open,
	.release	= unix_tr_release,
	.listen		= unix_tr_listen,
	.adopts		= unix_tr_adopts,
	.unlisten	= unix_tr_unlisten,
	.name		= unix_tr_name,
	.text		= unix_tr_text,
	.connect	= unix_tr_connect,
	.accept		= unix_tr_accept,
	.allowed	= unix_tr_allowed,
	.rx_now		= true,
	.rx		= unix_tr_rx,
	.rx_foul	= unix_tr_rx_foul,
	.rx_end		= unix_tr_rx_end,
	.rx_empty	= unix_tr_rx_empty,
	.lock		= unix_tr_lock,
	.unlock		= unix_tr_unlock,
	.writeable	= unix_tr_writeable,
	.tx_room	= unix_tr_tx_room,
	.tx_kvec	= unix_tr_tx_kvec,
	.tx_page	= unix_tr_tx_page,
};
