#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 300
"""PLAIN: AF_ZMQ and libzmq as client and server of each other. libzmq's servers ask
pyzmq's authenticator, those of AF_ZMQ a handler that is an AF_ZMQ socket."""

import contextlib
import errno
import itertools
import threading

import zmq
from zmq.auth.thread import ThreadAuthenticator

import afzmq
import lzmq
from afzmq import (DEALER, HANDSHAKE_IVL, HEARTBEAT_IVL, HEARTBEAT_TIMEOUT,
                   MECHANISM, PAIR, PLAIN_PASSWORD, PLAIN_SERVER, PLAIN_USERNAME, PUB,
                   PULL, PUSH, RECONNECT_IVL, REP, REQ, ROUTER, ROUTING_ID, SUB,
                   SUBSCRIBE, XPUB, XSUB, ZAP_DOMAIN)
from interop import Cases, TCP
from monitors import monitor
from ztap import SLOW, same, until

tap = Cases()
HANDLER = "inproc://zeromq.zap.01"
LOGIN = {PLAIN_USERNAME: "admin", PLAIN_PASSWORD: "secret"}
SERVER = {PLAIN_SERVER: 1}
SOON = {RECONNECT_IVL: 30, HANDSHAKE_IVL: 20000 * SLOW}
USERS = {b"admin": b"secret", b"u" * 255: b"p" * 255, b"": b"only a password"}
UNEXPECTED, REFUSED = 0x10000001, 400

# of the bound side and of the other
FAMILIES = ((ROUTER, DEALER), (DEALER, ROUTER), (REP, REQ), (PULL, PUSH),
            (PUSH, PULL), (PUB, SUB), (SUB, PUB), (XPUB, XSUB), (PAIR, PAIR))


class Handler(threading.Thread):
    """A ZAP handler: an AF_ZMQ socket, or libzmq's. It keeps what it was asked."""

    def __init__(self, cls=afzmq.Socket):
        super().__init__(daemon=True)
        self.sock = cls(REP, timeout=100)
        until(lambda: bound(self.sock, HANDLER), "the handler's name")
        self.asked = []
        self.over = False
        self.start()

    def run(self):
        while not self.over:
            if self.sock.poll(timeout=100):
                try:
                    question = self.sock.recv_multipart()
                except BlockingIOError:     # withdrawn: who asked has gone
                    continue
                self.asked.append(question)
                self.sock.send_multipart(self.answer(question))

    @staticmethod
    def answer(question):
        version, number, _, _, _, mechanism, *what = question
        good = mechanism == b"PLAIN" and USERS.get(what[0]) == what[1]
        return [version, number, b"200" if good else b"400",
                b"OK" if good else b"no", what[0] if good else b"", b""]

    def stop(self):
        self.over = True
        self.join()
        self.sock.close()


@contextlib.contextmanager
def judge(cls):
    """Somebody whom servers of this class ask."""
    if cls.kernel:
        handler = Handler()
        try:
            yield handler
        finally:
            handler.stop()
        return
    with lzmq.Socket(REP) as probe:
        until(lambda: bound(probe, HANDLER), "the handler's name")
        probe.unbind(HANDLER)
    auth = ThreadAuthenticator(lzmq.context())
    auth.start()
    try:
        auth.configure_plain(domain="*", passwords={
            k.decode(): v.decode() for k, v in USERS.items()})
        yield auth
    finally:
        auth.stop()


@contextlib.contextmanager
def watched(*socks):
    """Their monitors; read to the end, or a socket of libzmq never closes."""
    found = [monitor(s) for s in socks]
    yield found[0] if len(found) == 1 else found
    for s, m in zip(socks, found):
        if s.kernel:
            s.close()
        else:
            s.zsock.close(0)
        m.until("MONITOR_STOPPED")
        m.close()


names = itertools.count()


def places():
    return TCP, f"ipc:///tmp/plain-{next(names)}"


def talk(a, b):
    """Messages the way the types allow; b is connected to a."""
    sender = (PUSH, PUB, XPUB, DEALER, REQ, PAIR)
    if b.kind in (SUB, XSUB) or b.kind in (PULL, ROUTER, REP):
        a, b = b, a
    # now b sends to a, at least
    if a.kind == SUB:
        a.set(SUBSCRIBE, b"t")
    if a.kind == XSUB:
        a.send(b"\1t")
    same(b.kind in sender, True)
    frames = [b"t", b"", b"x" * 255, b"y" * 256, b"z" * 100000]
    if a.kind in (SUB, XSUB):
        until(lambda: b.send(b"t first") or a.poll(timeout=20), "the subscription")
        b.send_multipart(frames)
        until(lambda: a.recv_multipart() == frames, "the message behind the first")
        return
    b.send_multipart(frames)
    got = a.recv_multipart()
    same(got[-len(frames):], frames)
    if a.kind in (ROUTER, REP, PAIR):
        a.send_multipart(got)
        same(b.recv_multipart(), frames)


def pair(cls, peer, kinds, where, swap=False):
    """A client of cls, a server of peer; the server binds, or with swap connects."""
    server = peer(kinds[0], {**SOON, **SERVER})
    client = cls(kinds[1], {**SOON, **LOGIN})
    a, b = (client, server) if swap else (server, client)
    b.connect(a.bind(where))
    return server, client


@tap.both("each pattern family, tcp and ipc", 120)
def _families(cls, peer):
    with judge(peer):
        for kinds in FAMILIES:
            for where in places():
                server, client = pair(cls, peer, kinds, where)
                with server, client:
                    talk(server, client)


@tap.both("the server connects, the client binds", 60)
def _swapped(cls, peer):
    with judge(peer):
        for where in places():
            server, client = pair(cls, peer, (DEALER, ROUTER), where, True)
            with server, client:
                talk(client, server)


@tap.both("names and passwords of all lengths")
def _lengths(cls, peer):
    with judge(peer):
        for name, word in USERS.items():
            with peer(PULL, SERVER) as server, cls(PUSH, SOON) as client:
                if name:
                    client.set(PLAIN_USERNAME, name)
                client.set(PLAIN_PASSWORD, word)
                same(client.get(MECHANISM), zmq.PLAIN)
                client.connect(server.bind(TCP))
                client.send(b"in")
                same(server.recv(), b"in")


@tap.both("the last option decides: NULL again")
def _null(cls, peer):
    with peer(PULL, SERVER) as server, cls(PUSH, LOGIN) as client:
        server.set(PLAIN_SERVER, 0)
        client.set(PLAIN_SERVER, 1)
        client.set(PLAIN_SERVER, 0)
        client.connect(server.bind(TCP))
        client.send(b"in the open")
        same(server.recv(), b"in the open")


@tap.both("the wrong password: an error, and no further try", 60)
def _wrong(cls, peer):
    with judge(peer), peer(PULL, SERVER) as server, cls(PUSH, SOON) as client, \
            watched(server, client) as (theirs, ours):
        client.set(PLAIN_USERNAME, "admin")
        client.set(PLAIN_PASSWORD, "guess")
        where = server.bind(TCP)
        client.connect(where)
        ours.until("DISCONNECTED")
        ours.more(500)
        same(ours.names().count("CONNECTED"), 1, "tries")
        # libzmq's client knows the word ERROR only as its own server writes it
        if not cls.kernel:
            same([e.value for e in ours.events if "FAILED" in e.name],
                 [UNEXPECTED])
        else:
            same([(e.name, e.value) for e in ours.events if "FAILED" in e.name],
                 [("HANDSHAKE_FAILED_AUTH", REFUSED)])
        theirs.until("HANDSHAKE_FAILED_AUTH")
        same(theirs.events[-1].value, REFUSED)
        # others come in meanwhile
        with cls(PUSH, {**SOON, **LOGIN}) as good:
            good.connect(where)
            good.send(b"good")
            same(server.recv(), b"good")


@tap.both("nobody to ask: nobody comes in, and all try again", 60)
def _nobody(cls, peer):
    """A server of libzmq keeps silent; the client's time limit ends the try."""
    tries = {**SOON, HANDSHAKE_IVL: 1000 * SLOW, **LOGIN}
    with peer(PULL, SERVER) as server, cls(PUSH, tries) as client, \
            watched(client) as ours:
        client.connect(server.bind(TCP))
        client.send(b"one day")
        ours.until("CONNECTED", 3)
        same("HANDSHAKE_SUCCEEDED" in ours.names(), False)
        # a handler that comes at last is asked; pyzmq's would not know the users yet
        handler = Handler(peer)
        try:
            same(server.recv(), b"one day")
        finally:
            handler.stop()


@tap.both("one side only has a mechanism")
def _mismatch(cls, peer):
    """A client of libzmq may leave before it has told its mechanism; who has
    given up takes no more messages."""
    why = {("HANDSHAKE_FAILED_PROTOCOL", 0x11000002)}
    if cls != afzmq.Socket:
        why |= {("HANDSHAKE_FAILED_NO_DETAIL", e)
                for e in (errno.EPIPE, errno.ECONNRESET)}
    for mine, its in (LOGIN, {}), ({}, SERVER):
        with peer(PULL, its) as server, cls(PUSH, {**SOON, **mine}) as client, \
                watched(server) as theirs:
            client.connect(server.bind(TCP))
            theirs.until("DISCONNECTED")
            failed = {(e.name, e.value) for e in theirs.events}
            same(bool(why & failed), True, f"{sorted(map(str, failed))}")
            with contextlib.suppress(BlockingIOError, zmq.Again):
                client.send(b"never", flags=client.DONTWAIT)
            same(server.poll(timeout=200), 0, "messages")


@tap.both("two clients, which is an error; two servers, which is silence")
def _roles(cls, peer):
    # a try may be over before it is connected
    short = {RECONNECT_IVL: 30, HANDSHAKE_IVL: 300 * SLOW}
    for its, mine in (LOGIN, {**SOON, **LOGIN}), (SERVER, {**short, **SERVER}):
        with peer(PULL, its) as a, cls(PUSH, mine) as b, watched(b) as m:
            b.connect(a.bind(TCP))
            m.until("DISCONNECTED")
            same("HANDSHAKE_SUCCEEDED" in m.names(), False)


@tap.both("many clients at once, heartbeats among them", 60)
def _many(cls, peer):
    beats = {HEARTBEAT_IVL: 50, HEARTBEAT_TIMEOUT: 20000 * SLOW}
    with judge(peer), peer(ROUTER, {**SERVER, **beats}) as server, \
            contextlib.ExitStack() as stack:
        where = server.bind(TCP)
        clients = []
        for n in range(20):
            c = stack.enter_context(cls(DEALER, {**SOON, **LOGIN, **beats,
                                                 ROUTING_ID: f"c{n}"}))
            c.connect(where)
            clients.append(c)
        for n, c in enumerate(clients):
            c.send(b"%d" % n)
        got = sorted(server.recv_multipart() for _ in clients)
        same(got, sorted([b"c%d" % n, b"%d" % n] for n in range(20)))
        for n in range(20):
            server.send_multipart([b"c%d" % n, b"back"])
        for c in clients:
            same(c.recv(), b"back")


@tap.both("the server goes and comes back")
def _restart(cls, peer):
    with judge(peer), cls(PUSH, {**SOON, **LOGIN}) as client, watched(client) as ours:
        where = None
        for n in range(3):
            with peer(PULL, SERVER) as server:
                if where is None:
                    where = server.bind(TCP)
                    client.connect(where)
                else:
                    until(lambda s=server: bound(s, where), "the port")
                ours.until("HANDSHAKE_SUCCEEDED", n + 1)
                client.send(b"%d" % n)
                same(server.recv(), b"%d" % n)


def bound(sock, where):
    """libzmq lets go of ports and names some time after close()."""
    try:
        sock.bind(where)
    except OSError:
        return False
    return True


@tap.kernel_only("what the handler is asked, and what becomes of its answer")
def _asked(cls, peer):
    with judge(cls) as handler, cls(PULL, {**SERVER, ZAP_DOMAIN: "here"}) as server, \
            peer(PUSH, {**SOON, **LOGIN}) as client:
        client.connect(server.bind(TCP))
        client.send(b"hello")
        same(server.recv(), b"hello")
        version, _, domain, address, identity, mechanism, *what = handler.asked[0]
        same([version, domain, address, identity, mechanism, what],
             [b"1.0", b"here", b"127.0.0.1", b"", b"PLAIN", [b"admin", b"secret"]])
        handle = server.peer_list()[0][0].handle
        same(server.peer_prop(handle, "User-Id"), b"admin")
        same(server.peer_prop(handle, "Socket-Type"), b"PUSH")


tap.run()
