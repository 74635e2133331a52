#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# KERNEL: debian
# TIMEOUT: 400
"""pyzmq on either library: with itself in one process, and with a process that
runs on the libzmq of the machine."""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading

import zmq
import zmq.asyncio
import zmq.auth
from zmq.auth.asyncio import AsyncioAuthenticator
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

from ztap import Tap, same, until

tap = Tap()
TCP = "tcp://127.0.0.1:*"
TRANSPORTS = (TCP, "ipc://*", "inproc://here")
ZAP = "inproc://zeromq.zap.01"
LONG = 10000        # milliseconds until something is taken for lost
STOCK = "LD_LIBRARY_PATH"


def ours():
    return STOCK in os.environ


class Ctx(zmq.Context):
    """Sockets that do not wait for ever nor linger."""

    def socket(self, *args, **kwargs):
        s = super().socket(*args, **kwargs)
        s.linger = 0
        s.rcvtimeo = s.sndtimeo = LONG
        return s


def pair(ctx, bound, other, where):
    a, b = ctx.socket(bound), ctx.socket(other)
    a.bind(where)
    b.connect(a.last_endpoint.decode())
    return a, b


def each(text):
    """Decorator: fn(ctx, where) for each transport."""
    def add(fn):
        for where in TRANSPORTS:
            def run(where=where):
                with Ctx() as ctx:
                    fn(ctx, where)
                    ctx.destroy()
            tap.add(f"{text} ({where.split(':')[0]})", run)
        return fn
    return add


@each("REQ and REP")
def reqrep(ctx, where):
    rep, req = pair(ctx, zmq.REP, zmq.REQ, where)
    for n in (0, 1, 33, 34, 100, 4129, 4130, 65536, 1 << 20):
        body = os.urandom(n)
        req.send(body)
        same(rep.recv(), body)
        rep.send_multipart([b"re", body])
        same(req.recv_multipart(), [b"re", body])
    try:
        req.recv()
    except zmq.ZMQError as e:
        same(e.errno, zmq.EFSM)
    else:
        raise AssertionError("a reply without a request")


@each("PUB and SUB")
def pubsub(ctx, where):
    pub, sub = pair(ctx, zmq.XPUB, zmq.SUB, where)
    sub.subscribe(b"a")
    same(pub.recv(), b"\1a")
    for topic in b"a", b"b", b"ab":
        pub.send_multipart([topic, b"body"])
    same(sub.recv_multipart(), [b"a", b"body"])
    same(sub.recv_multipart(), [b"ab", b"body"])
    sub.unsubscribe(b"a")
    same(pub.recv(), b"\0a")
    same(sub.poll(0), 0)


@each("PUSH and PULL, many in order")
def pipeline(ctx, where):
    pull, push = pair(ctx, zmq.PULL, zmq.PUSH, where)
    count = 5000

    def send():
        for n in range(count):
            if n % 3:
                push.send(b"%d" % n)
            else:
                push.send_multipart([b"%d" % n, b"", b"x" * (n % 100)])

    t = threading.Thread(target=send)
    t.start()
    for n in range(count):
        want = [b"%d" % n] + ([] if n % 3 else [b"", b"x" * (n % 100)])
        same(pull.recv_multipart(), want)
    t.join()
    same(pull.poll(0), 0)


@each("ROUTER and DEALER")
def routing(ctx, where):
    router, dealer = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
    dealer.routing_id = b"me"
    router.bind(where)
    dealer.connect(router.last_endpoint.decode())
    dealer.send_multipart([b"", b"ask"])
    same(router.recv_multipart(), [b"me", b"", b"ask"])
    router.send_multipart([b"me", b"", b"answer"])
    same(dealer.recv_multipart(), [b"", b"answer"])
    router.router_mandatory = 1
    try:
        router.send_multipart([b"you", b"x"])
    except zmq.ZMQError as e:
        same(e.errno, zmq.EHOSTUNREACH)
    else:
        raise AssertionError("sent to nobody")


@each("not copied, and the end of the octets is told once")
def frames(ctx, where):
    a, b = pair(ctx, zmq.PAIR, zmq.PAIR, where)
    body = os.urandom(100000)
    tracker = a.send(body, copy=False, track=True)
    frame = b.recv(copy=False)
    same(bytes(frame), body)
    same(frame.more, False)
    del frame       # inproc may hand over the octets themselves
    tracker.wait(10)
    again = zmq.Frame(body)
    b.send(again, copy=False)
    same(a.recv(), body)


@each("poller over sockets and a pipe")
def poller(ctx, where):
    a, b = pair(ctx, zmq.PAIR, zmq.PAIR, where)
    r, w = os.pipe()
    p = zmq.Poller()
    p.register(a, zmq.POLLIN | zmq.POLLOUT)
    p.register(b, zmq.POLLIN)
    p.register(r, zmq.POLLIN)
    a.send(b"1")
    os.write(w, b"x")
    got = {}
    while len(got) < 3:
        got.update(dict(p.poll(LONG)))
    same(got[b], zmq.POLLIN)
    same(got[r], zmq.POLLIN)
    same(got[a], zmq.POLLOUT)
    b.recv()
    os.read(r, 1)
    p.unregister(a)
    same(p.poll(50), [])
    os.close(r)
    os.close(w)


def asyncio_echo(where):
    async def server(s, count):
        for _ in range(count):
            await s.send_multipart(await s.recv_multipart())

    async def client(ctx, where, count, name):
        s = ctx.socket(zmq.REQ)
        s.connect(where)
        for n in range(count):
            await s.send(b"%s %d" % (name, n))
            same(await s.recv(), b"%s %d" % (name, n))
        s.close(0)

    async def main():
        ctx = zmq.asyncio.Context()
        rep = ctx.socket(zmq.REP)
        rep.bind(where)
        at = rep.last_endpoint.decode()
        await asyncio.wait_for(asyncio.gather(
            server(rep, 90), *(client(ctx, at, 30, b"%d" % i) for i in range(3))), 60)
        rep.close(0)
        ctx.term()

    asyncio.run(main())


def asyncio_blocked(where):
    """A writer that waits for room, a reader that waits for messages."""
    async def main():
        ctx = zmq.asyncio.Context()
        push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
        for s in push, pull:
            s.sndhwm = s.rcvhwm = 10
        pull.bind(where)
        push.connect(pull.last_endpoint.decode())
        count = 500

        async def send():
            for n in range(count):
                await push.send(b"%05d" % n + b"x" * 20000)

        async def recv():
            for n in range(count):
                same((await pull.recv())[:5], b"%05d" % n)
                if n % 50 == 0:
                    await asyncio.sleep(0.01)

        await asyncio.wait_for(asyncio.gather(send(), recv()), 60)
        push.close(0)
        pull.close(0)
        ctx.term()

    asyncio.run(main())


for where_ in TRANSPORTS:
    tap.add(f"asyncio, several clients ({where_.split(':')[0]})",
            lambda where=where_: asyncio_echo(where))
    tap.add(f"asyncio, a full queue ({where_.split(':')[0]})",
            lambda where=where_: asyncio_blocked(where))


@tap.case("a monitor")
def monitor():
    with Ctx() as ctx:
        rep, req = ctx.socket(zmq.REP), ctx.socket(zmq.REQ)
        rep.bind(TCP)
        mon = req.get_monitor_socket()
        mon.rcvtimeo = LONG
        req.connect(rep.last_endpoint.decode())
        seen = set()
        while zmq.EVENT_HANDSHAKE_SUCCEEDED not in seen:
            seen.add(recv_monitor_message(mon)["event"])
        assert zmq.EVENT_CONNECTED in seen, seen
        req.disable_monitor()
        mon.close()
        ctx.destroy()


@tap.case("who sent a message")
def properties():
    with Ctx() as ctx:
        router, dealer = pair(ctx, zmq.ROUTER, zmq.DEALER, TCP)
        for _ in range(2):
            dealer.send(b"x")
            parts = router.recv_multipart(copy=False)
            same(parts[1].get("Socket-Type"), "DEALER")
            same(parts[0].get("Peer-Address"), "127.0.0.1")
        ctx.destroy()


def server(ctx, **options):
    s = ctx.socket(zmq.PULL)
    for name, value in options.items():
        setattr(s, name, value)
    s.bind(TCP)
    return s


def client(ctx, to, text, **options):
    s = ctx.socket(zmq.PUSH)
    for name, value in options.items():
        setattr(s, name, value)
    s.connect(to.last_endpoint.decode())
    s.send(text)
    return s


def refused(mon):
    """Wait for the event of a handler's refusal, as a client sees it."""
    while True:
        event = recv_monitor_message(mon)
        if event["event"] == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return event["value"]


def wait_for_name(ctx):
    """Until another handler may take the name: libzmq frees it after close()."""
    def free():
        s = ctx.socket(zmq.REP)
        try:
            s.bind(ZAP)
            s.unbind(ZAP)
        except zmq.ZMQError as e:
            same(e.errno, zmq.EADDRINUSE)
            return False
        finally:
            s.close()
        return True

    until(free, "a free name")


@tap.case("an authenticator in a thread: addresses")
def auth_addresses():
    with Ctx() as ctx:
        auth = ThreadAuthenticator(ctx)
        auth.start()
        try:
            auth.deny("127.0.0.1")
            # a thread that is just about to wait might see a question first
            until(lambda: auth.blacklist, "the thread to know whom to deny")
            s = server(ctx, zap_domain=b"global")
            mon = s.get_monitor_socket()
            mon.rcvtimeo = LONG
            bad = client(ctx, s, b"bad")
            same(refused(mon), 400)
            same(s.poll(0), 0)
            auth.stop()
            wait_for_name(ctx)
            auth = ThreadAuthenticator(ctx)
            auth.start()
            auth.allow("127.0.0.1")
            good = client(ctx, s, b"good")
            frame = s.recv(copy=False)
            same(frame.bytes, b"good")
            same(frame.get("User-Id"), "anonymous")
            s.disable_monitor()
            del bad, good
        finally:
            auth.stop()
        ctx.destroy()


@tap.case("an authenticator in a thread: passwords")
def auth_passwords():
    with Ctx() as ctx:
        auth = ThreadAuthenticator(ctx)
        auth.start()
        try:
            auth.configure_plain(domain="*", passwords={"ann": "secret"})
            s = server(ctx, plain_server=True)
            mon = s.get_monitor_socket()
            mon.rcvtimeo = LONG
            clients = [client(ctx, s, b"bad", plain_username=user, plain_password=word)
                       for user, word in ((b"ann", b"guess"), (b"joe", b"secret"))]
            same([refused(mon), refused(mon)], [400, 400])
            clients.append(client(ctx, s, b"good", plain_username=b"ann",
                                  plain_password=b"secret"))
            frame = s.recv(copy=False)
            same((frame.bytes, frame.get("User-Id")), (b"good", "ann"))
            same(s.poll(0), 0)
            s.disable_monitor()
        finally:
            auth.stop()
        ctx.destroy()


@tap.case("an authenticator in a thread: keys")
def auth_keys():
    """What pyzmq's examples call ironhouse, then stonehouse."""
    with Ctx() as ctx, tempfile.TemporaryDirectory() as home:
        keys = {name: zmq.curve_keypair() for name in ("server", "ann", "joe")}
        path, _ = zmq.auth.create_certificates(home, "ann")
        keys["ann"] = zmq.auth.load_certificate(path.replace(".key", ".key_secret"))
        auth = ThreadAuthenticator(ctx)
        auth.start()
        try:
            auth.configure_curve(domain="*", location=home)
            s = server(ctx, curve_server=True, curve_secretkey=keys["server"][1])
            mon = s.get_monitor_socket()
            mon.rcvtimeo = LONG

            def joins(name, text):
                return client(ctx, s, text, curve_serverkey=keys["server"][0],
                              curve_publickey=keys[name][0],
                              curve_secretkey=keys[name][1])

            clients = [joins("joe", b"bad")]
            same(refused(mon), 400)
            clients.append(joins("ann", b"good"))
            frame = s.recv(copy=False)
            same((frame.bytes, frame.get("User-Id")),
                 (b"good", keys["ann"][0].decode()))
            same(s.poll(0), 0)
            auth.configure_curve(domain="*", location=zmq.auth.CURVE_ALLOW_ANY)
            until(lambda: auth.allow_any, "the thread to let in everybody")
            clients.append(joins("joe", b"good too"))
            frame = s.recv(copy=False)
            same((frame.bytes, frame.get("User-Id")),
                 (b"good too", keys["joe"][0].decode()))
            s.disable_monitor()
        finally:
            auth.stop()
        ctx.destroy()


@tap.case("an authenticator of asyncio")
def auth_asyncio():
    async def main():
        ctx = zmq.asyncio.Context()
        auth = AsyncioAuthenticator(ctx)
        auth.start()
        auth.configure_plain(domain="*", passwords={"ann": "secret"})
        s = server(ctx, plain_server=True, linger=0)
        push = ctx.socket(zmq.PUSH)
        push.linger = 0
        push.plain_username, push.plain_password = b"ann", b"secret"
        push.connect(s.last_endpoint.decode())
        await push.send(b"good")
        frame = await asyncio.wait_for(s.recv(copy=False), 20)
        same((frame.bytes, frame.get("User-Id")), (b"good", "ann"))
        auth.stop()
        ctx.destroy()

    asyncio.run(main())


@tap.case("a proxy with a client and a worker")
def proxy():
    with Ctx() as ctx:
        front, back = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
        front.bind(TCP)
        back.bind(TCP)
        control, inside = pair(ctx, zmq.PAIR, zmq.PAIR, "inproc://control")
        t = threading.Thread(target=zmq.proxy_steerable, args=(front, back, None, inside))
        t.start()
        req, rep = ctx.socket(zmq.REQ), ctx.socket(zmq.REP)
        req.connect(front.last_endpoint.decode())
        rep.connect(back.last_endpoint.decode())
        for n in range(20):
            req.send(b"%d" % n)
            rep.send(rep.recv() + b"!")
            same(req.recv(), b"%d!" % n)
        control.send(b"TERMINATE")
        t.join(20)
        same(t.is_alive(), False)
        ctx.destroy()


@tap.case("the context ends under a thread that receives")
def terminated():
    ctx = Ctx()
    s = ctx.socket(zmq.PULL)
    s.rcvtimeo = -1
    got = []

    def wait():
        try:
            s.recv()
        except zmq.ContextTerminated:
            got.append("ended")
        s.close()

    t = threading.Thread(target=wait)
    t.start()
    ctx.term()
    t.join(20)
    same(got, ["ended"])


PEER = """
import sys, zmq
kind, where, subscribe = getattr(zmq, sys.argv[1]), sys.argv[2], sys.argv[3]
ctx = zmq.Context()
s = ctx.socket(kind)
if kind == zmq.SUB:
    s.subscribe(subscribe)
s.connect(where)
print(zmq.zmq_version(), flush=True)
for line in sys.stdin:
    for what in line.split():
        if what == "r":
            print(b" ".join(s.recv_multipart()).decode(), flush=True)
        else:
            s.send_multipart([w.encode() for w in what.split(",")])
s.close()
ctx.term()
"""


class Peer:
    """A process on the machine's own libzmq."""

    def __init__(self, kind, where, topic=""):
        env = {k: v for k, v in os.environ.items() if k != STOCK}
        self.p = subprocess.Popen([sys.executable, "-c", PEER, kind, where, topic],
                                  env=env, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        assert self.hear().startswith("4.3.4"), "the peer runs on another library"

    def do(self, what):
        self.p.stdin.write(what + "\n")
        self.p.stdin.flush()

    def hear(self):
        return self.p.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()
        self.p.stdin.close()
        self.p.stdout.close()


def with_peer(kind, other, where, talk, topic=""):
    with Ctx() as ctx:
        s = ctx.socket(kind)
        s.bind(where)
        with Peer(other, s.last_endpoint.decode(), topic) as peer:
            talk(s, peer)
        ctx.destroy()


def talk_rep(s, peer):
    peer.do("hello r")
    same(s.recv(), b"hello")
    s.send_multipart([b"and", b"you"])
    same(peer.hear(), "and you")


def talk_pull(s, peer):
    peer.do("1 2,3 " + "x" * 100000)
    same(s.recv_multipart(), [b"1"])
    same(s.recv_multipart(), [b"2", b"3"])
    same(len(s.recv()), 100000)


def talk_pub(s, peer):
    same(s.recv(), b"\1news")
    s.send_multipart([b"other", b"1"])
    s.send_multipart([b"news", b"2"])
    peer.do("r")
    same(peer.hear(), "news 2")


def talk_router(s, peer):
    peer.do("ask,this r")
    who, *rest = s.recv_multipart()
    same(rest, [b"ask", b"this"])
    s.send_multipart([who, b"that"])
    same(peer.hear(), "that")


for where_ in (TCP, "ipc://*"):
    for kind_, other_, talk_, topic_ in ((zmq.REP, "REQ", talk_rep, ""),
                                         (zmq.PULL, "PUSH", talk_pull, ""),
                                         (zmq.XPUB, "SUB", talk_pub, "news"),
                                         (zmq.ROUTER, "DEALER", talk_router, "")):
        tap.add(f"libzmq's {other_} ({where_.split(':')[0]})",
                lambda a=(kind_, other_, where_, talk_, topic_): with_peer(*a))

if __name__ == "__main__":
    print(f"# libzmq {zmq.zmq_version()}, pyzmq {zmq.pyzmq_version()}")
    if ours():
        same(zmq.zmq_version(), "4.3.5")
    tap.run()
