#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 300
"""CURVE servers of AF_ZMQ that ask a ZAP handler, an AF_ZMQ socket too, about
clients of libzmq and of AF_ZMQ. What handlers are asked and what they may answer
with other mechanisms is in test_interop_zap.py and kernel/test_zap.c."""

import functools

import zmq

import rawpeer
from afzmq import (CURVE_ALLOW, DEALER, HANDSHAKE_IVL, RECONNECT_IVL, REP,
                   ROUTER, ROUTING_ID, ZAP_DOMAIN, ZAP_ENFORCE_DOMAIN)
from curvepeer import Client, Keys, keypair, metadata, prop
from matrix import K, L
from monitors import monitor
from ztap import SLOW, Tap, fails, same, until

ENOENT, ETIMEDOUT = 2, 110
ZAP = 0x20000000
HANDLER = "inproc://zeromq.zap.01"
TCP, IPC = "tcp://127.0.0.1:*", "ipc://*"
tap = Tap()


def counter(name):
    with open("/proc/net/zmq_stat", encoding="ascii") as f:
        return int(dict(map(str.split, f))[name])


def each(text, limit=60):
    """Decorator: fn(client), clients of both makes."""
    def add(fn):
        for name, cls in ("libzmq", L), ("af_zmq", K):
            tap.add(f"{text}: {name}", functools.partial(fn, cls), limit)
        return fn
    return add


class Door:
    """A server with keys, of a domain, and a handler beside it."""

    def __init__(self, kind=REP, more=(), where=TCP, handler=True):
        self.keys = Keys()
        self.s = K(ROUTER, {**self.keys.at_server(), ZAP_DOMAIN: b"door",
                            ROUTING_ID: b"porter",
                            HANDSHAKE_IVL: 20000 * SLOW,
                            **dict(more)})
        self.m = monitor(self.s)
        self.h = None
        if handler:
            self.h = K(kind)
            self.h.bind(HANDLER)
        self.where = self.s.bind(where)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.m.close()
        self.s.close()
        if self.h:
            self.h.close()

    def client(self, cls, name, keys=None):
        c = cls(DEALER, {**(keys or self.keys).at_client(), ROUTING_ID: name,
                         RECONNECT_IVL: 50})
        c.connect(self.where)
        return c

    def another(self):
        """Another client's keys for this server."""
        keys = Keys()
        keys.server = self.keys.server
        return keys

    def asked(self):
        """The next question, and how to answer it."""
        frames = self.h.recv_multipart()
        at = frames.index(b"") + 1 if frames[0] != b"1.0" else 0
        question = frames[at:]

        def answer(status, user=b"", more=b""):
            self.h.send_multipart(frames[:at] + [b"1.0", question[1], status,
                                                 b"text", user, more])
        return question, answer

    def user_of(self, name):
        handles = [p.handle for p, rid, *_ in self.s.peer_list()
                   if rid == name]
        same(len(handles), 1, f"peers called {name}")
        return self.s.peer_prop(handles[0], "User-Id")

    def talks(self, c, name):
        c.send_multipart([b"in", name])
        same(self.s.recv_multipart(), [name, b"in", name])
        self.s.send_multipart([name, b"welcome"])
        same(c.recv(), b"welcome")

    def told(self, name, value):
        """The server's monitor goes on with this, then the end."""
        self.m.until(name, self.m.names().count(name) + 1)
        same(self.m.events[-1].value, value, name)
        same(self.m.next().name, "DISCONNECTED")


@each("the key is in the question, the user id at the receiver")
def _who(cls):
    for kind in REP, ROUTER:
        for where, address in (TCP, b"127.0.0.1"), (IPC, None):
            with Door(kind, where=where) as d:
                clients = []
                for name in b"anna", b"bert", b"carl":
                    keys = d.another()
                    c = d.client(cls, name, keys)
                    clients.append((c, name))
                    question, answer = d.asked()
                    same(question[0], b"1.0")
                    same(question[2], b"door")
                    if address:
                        same(question[3], address)
                    same(question[4:], [b"porter", b"CURVE", keys.client])
                    answer(b"200", b"user " + keys.client.hex().encode(),
                           prop(b"X-Name", name))
                    d.s.wait_peers(len(clients))
                    same(d.user_of(name),
                         b"user " + keys.client.hex().encode())
                for c, name in clients:
                    d.talks(c, name)
                    c.close()


@each("400 and 500 are told, and the client stays away")
def _refused(cls):
    for status in 400, 500:
        with Door() as d:
            was = counter("ZapDenied")
            c = d.client(cls, b"anna")
            theirs = monitor(c) if c.kernel else None
            d.asked()[1](b"%d" % status, b"anna")
            d.told("HANDSHAKE_FAILED_AUTH", status)
            same(counter("ZapDenied"), was + 1, "counted")
            if theirs:
                theirs.until("HANDSHAKE_FAILED_AUTH")
                same(theirs.events[-1].value, status)
                theirs.close()
            else:
                until(lambda c=c: c.count(zmq.EVENT_HANDSHAKE_FAILED_AUTH),
                      "libzmq's event")
            same(d.h.poll(timeout=300), 0, "questions")
            same(d.s.peers, 0, "peers")
            c.close()
            # who is somebody else is let in
            other = d.client(cls, b"bert", d.another())
            d.asked()[1](b"200", b"bert")
            d.talks(other, b"bert")
            other.close()


@each("300 ends it without a word, and the client comes again")
def _later(cls):
    with Door() as d:
        c = d.client(cls, b"anna")
        d.asked()[1](b"300")
        d.told("HANDSHAKE_FAILED_AUTH", 300)
        d.asked()[1](b"200", b"anna")
        d.talks(c, b"anna")
        c.close()


@each("ZMQ_CURVE_ALLOW and a handler: both have to say yes")
def _both(cls):
    with Door() as d:
        d.s.unbind(d.where)
        named, stranger = d.another(), d.another()
        d.s.set(CURVE_ALLOW, named.client + keypair()[0])
        d.where = d.s.bind(TCP)
        # who is not named: the handler does not hear of it
        was, asked = counter("KeysNotAllowed"), counter("ZapRequests")
        c = d.client(cls, b"stranger", stranger)
        d.told("HANDSHAKE_FAILED_AUTH", 400)
        same(counter("KeysNotAllowed"), was + 1, "counted")
        same(counter("ZapRequests"), asked, "questions")
        same(d.h.poll(timeout=0), 0, "questions")
        c.close()
        # who is named is asked about, and may be refused still
        denied = counter("ZapDenied")
        c = d.client(cls, b"anna", named)
        question, answer = d.asked()
        same(question[6:], [named.client])
        answer(b"400")
        d.told("HANDSHAKE_FAILED_AUTH", 400)
        same(counter("ZapDenied"), denied + 1, "denied")
        c.close()
        c = d.client(cls, b"anna", named)
        d.asked()[1](b"200", b"it is anna")
        d.talks(c, b"anna")
        same(d.user_of(b"anna"), b"it is anna")
        c.close()


@each("without a handler: all may come in, with ENFORCE_DOMAIN nobody")
def _nobody(cls):
    for more, comes in (({}, True), ({ZAP_DOMAIN: b""}, True),
                        ({ZAP_ENFORCE_DOMAIN: 1}, False),
                        ({ZAP_ENFORCE_DOMAIN: 1, ZAP_DOMAIN: b""}, True)):
        with Door(more=more, handler=False) as d:
            was = counter("ZapNoHandler")
            c = d.client(cls, b"anna")
            if comes:
                d.talks(c, b"anna")
                fails(ENOENT, d.user_of, b"anna")
                same(counter("ZapNoHandler"), was)
            else:
                until(lambda: counter("ZapNoHandler") > was, "a refusal")
                same(d.s.peers, 0, "peers")
            c.close()


@each("a handler that says nothing: time runs out, and the next one may ask")
def _silent(cls):
    with Door(ROUTER, more={HANDSHAKE_IVL: 500 * SLOW}) as d:
        was = counter("HandshakeTimeouts")
        c = d.client(cls, b"anna")
        late = d.asked()[1]
        # the time may have been over before it came to a question
        d.m.more(0)
        d.told("HANDSHAKE_FAILED_NO_DETAIL", ETIMEDOUT)
        same(counter("HandshakeTimeouts") > was, True, "counted")
        late(b"200", b"too late")
        same(d.s.peers, 0, "peers")
        # and may be over before an answer is there
        until(lambda: d.s.peers or (d.h.poll(timeout=20)
                                    and d.asked()[1](b"200", b"anna")), "the client")
        d.talks(c, b"anna")
        c.close()


@tap.case("no domain: the handler is asked, but not with ENFORCE_DOMAIN")
def _domain():
    for enforce in 0, 1:
        with Door(more={ZAP_DOMAIN: b"", ZAP_ENFORCE_DOMAIN: enforce}) as d:
            with d.client(K, b"anna") as c:
                if not enforce:
                    question, answer = d.asked()
                    same(question[2], b"")
                    answer(b"200", b"anna")
                d.talks(c, b"anna")
                if enforce:
                    same(d.h.poll(timeout=0), 0, "questions")


@tap.case("nothing is asked about who has not proved to have the key", 60)
def _unproved():
    with Door() as d:
        victim = keypair()[0]
        asked = counter("ZapRequests")
        for wrong in ({"client": victim}, {"cookie": bytes(96)},
                      {"key": bytes(32)}, {"vouch": bytes(96)}):
            with Client(rawpeer.connect(d.where), d.keys) as c:
                c.greet(0)
                c.command(c.hello())
                c.welcome(c.expect(b"WELCOME"))
                c.command(c.initiate(metadata(b"DEALER", b""), **wrong))
                c.raw.ended()
        same(counter("ZapRequests"), asked, "questions")
        same(d.h.poll(timeout=0), 0, "questions")


@tap.case("a client that is gone, or goes on talking, while the handler thinks")
def _impatient():
    with Door() as d:
        for how in "gone", "message", "garbage":
            with Client(rawpeer.connect(d.where), d.keys) as c:
                c.greet(0)
                c.command(c.hello())
                c.welcome(c.expect(b"WELCOME"))
                c.command(c.initiate(metadata(b"DEALER", b"")))
                question, answer = d.asked()
                same(question[6:], [d.keys.client])
                if how == "message":
                    c.send(b"early")
                elif how == "garbage":
                    c.raw.send(rawpeer.frame(b"\7MESSAGE" + bytes(60)))
                else:
                    c.raw.close()
                    d.m.until("DISCONNECTED")
                answer(b"200", b"late")
                if how == "message":
                    c.ready(c.expect(b"READY"))
                    same(d.s.recv_multipart()[1:], [b"early"])
                    d.s.wait_peers(1)
            d.s.wait_peers(0)
        same(d.s.poll(timeout=0), 0, "messages")


@tap.case("what the handler adds comes before what the client says of itself")
def _properties():
    with Door() as d:
        with Client(rawpeer.connect(d.where), d.keys) as c:
            c.greet(0)
            c.command(c.hello())
            c.welcome(c.expect(b"WELCOME"))
            c.command(c.initiate(metadata(b"DEALER", b"anna")
                                 + prop(b"User-Id", b"root")
                                 + prop(b"X-Mine", b"mine")
                                 + prop(b"X-Both", b"one")))
            d.asked()[1](b"200", b"anna", prop(b"X-Both", b"two")
                         + prop(b"X-None", b""))
            c.ready(c.expect(b"READY"))
            d.s.wait_peers(1)
            (peer, *_), = d.s.peer_list()
            for name, value in (("User-Id", b"anna"), ("X-Both", b"two"),
                                ("X-Mine", b"mine"), ("X-None", b"")):
                same(d.s.peer_prop(peer.handle, name), value, name)


@tap.case("answers that are none end the handshake, with their code", 60)
def _nonsense():
    bad = ((ZAP + 1, [b"1.0", None, b"200", b"", b""]),
           (ZAP + 2, [b"1.0", b"?", b"200", b"", b"", b""]),
           (ZAP + 3, [b"1.1", None, b"200", b"", b"", b""]),
           (ZAP + 4, [b"1.0", None, b"2000", b"", b"", b""]),
           (ZAP + 5, [b"1.0", None, b"200", b"", b"", b"\1"]))
    with Door(ROUTER) as d:
        was = counter("ZapBadReplies")
        for n, (code, reply) in enumerate(bad):
            with Client(rawpeer.connect(d.where), d.keys) as c:
                c.greet(0)
                c.command(c.hello())
                c.welcome(c.expect(b"WELCOME"))
                c.command(c.initiate(metadata(b"DEALER", b"")))
                frames = d.h.recv_multipart()
                at = frames.index(b"") + 1
                d.h.send_multipart(frames[:at] + [
                    frames[at + 1] if f is None else f for f in reply])
                c.raw.ended()
                d.m.until("HANDSHAKE_FAILED_PROTOCOL", n + 1)
                same(d.m.events[-1].value, code, f"code of reply {n}")
        same(counter("ZapBadReplies"), was + len(bad), "counted")
        same(d.s.peers, 0, "peers")
        with d.client(K, b"anna") as c:
            d.asked()[1](b"200", b"anna")
            d.talks(c, b"anna")


if __name__ == "__main__":
    tap.run()
