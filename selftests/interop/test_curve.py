#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 400
"""CURVE between AF_ZMQ and libzmq, and between two of AF_ZMQ: what is particular
to sealed traffic, and keys. The patterns are in test_curve_matrix.py."""

import contextlib
import functools
import os
import signal

import zmq
from zmq.utils import z85

from afzmq import (CURVE_ALLOW, CURVE_SECRETKEY, CURVE_SERVER, CURVE_SERVERKEY,
                   DEALER, HEARTBEAT_IVL, HEARTBEAT_TIMEOUT, MECHANISM, PAIR,
                   PUB, PULL, PUSH, RCVHWM, RECONNECT_IVL, REP, REQ, ROUTER,
                   ROUTING_ID, SNDHWM, SUB, SUBSCRIBE, UNSUBSCRIBE, XPUB)
from child import Child
from curvepeer import Keys, keypair
from interop import SMALL
from matrix import K, L, body, settle
from monitors import monitor
from ztap import SLOW, Tap, fails, same, until

TCP, IPC = "tcp://127.0.0.1:*", "ipc://*"
WORDS = {K: "af_zmq", L: "libzmq"}
EINVAL = 22
tap = Tap()


def counter(name):
    with open("/proc/net/zmq_stat", encoding="ascii") as f:
        return int(dict(map(str.split, f))[name])


def sysctl(name, value):
    path = f"/proc/sys/net/zmq/{name}"
    with open(path, encoding="ascii") as f:
        was = f.read()
    with open(path, "w", encoding="ascii") as f:
        f.write(str(value))
    return was


class Two:
    """A server that has bound and a client, of any classes and types."""

    def __init__(self, server, client, kinds, where=TCP, more=({}, {})):
        self.keys = Keys()
        self.s = server(kinds[0], {**self.keys.at_server(), **more[0]})
        self.c = client(kinds[1], {**self.keys.at_client(), **more[1]})
        self.where = self.s.bind(where)
        self.c.connect(self.where)

    def __enter__(self):
        self.s.wait_peers(1)
        self.c.wait_peers(1)
        return self.s, self.c

    def __exit__(self, *_):
        self.c.close()
        self.s.close()


def each(text, limit=30):
    """Decorator: fn(server, client), AF_ZMQ at one end and at both."""
    def add(fn):
        for one, two in (K, L), (L, K), (K, K):
            tap.add(f"{text}, {WORDS[one]} serves {WORDS[two]}",
                    functools.partial(fn, one, two), limit)
        return fn
    return add


@each("all small sizes, and those where something ends", 60)
def _sizes(server, client):
    step = 1 if SLOW == 1 else 4
    sizes = [*range(0, 16), *range(16, 270, step), *range(1880, 1925, step),
             *range(4055, 4100, step), *range(8120, 8200, 3 * step), 65535, 65536,
             (10 << 20) // step]
    with Two(server, client, (PAIR, PAIR)) as (s, c):
        for one, two in (s, c), (c, s):
            for n in sizes:
                one.send(body(n), more=n % 3 == 1)
            one.send(b"last")
            for n in sizes:
                if two.recv() != body(n):
                    raise AssertionError(f"{n} octets differ")
                same(two.more, n % 3 == 1, f"more after {n} octets")
            same(two.recv(), b"last")


@each("many topics come and go", 60)
def _topics(server, client):
    """Commands in boxes; the publisher is the server, then the client."""
    for kinds in (XPUB, SUB), (SUB, XPUB):
        more = [{}, {}]
        for o in more:
            o.update({SNDHWM: 0, RCVHWM: 0})
        with Two(server, client, kinds, more=more) as ends:
            pub, sub = ends if kinds[0] == XPUB else ends[::-1]
            topics = {b"topic %d" % n for n in range(1000 if SLOW == 1 else 250)}
            topics |= {b"", b"t" * 255, b"t" * 1000, b"t" * 5000}
            for t in topics:
                sub.set(SUBSCRIBE, t)
            same({pub.recv() for _ in topics}, {b"\1" + t for t in topics})
            for t in topics - {b"topic 7"}:
                sub.set(UNSUBSCRIBE, t)
            same({pub.recv() for _ in range(len(topics) - 1)},
                 {b"\0" + t for t in topics - {b"topic 7"}})
            pub.send(b"topic 8 is wanted no more")
            pub.send(b"topic 7 is")
            same(sub.recv(), b"topic 7 is")


@each("heartbeats in boxes", 60)
def _beats(server, client):
    beat = {HEARTBEAT_IVL: 20, HEARTBEAT_TIMEOUT: 15000 * SLOW}
    for more in (beat, {}), ({}, beat):
        with Two(server, client, (PAIR, PAIR), more=more) as (s, c):
            name = "PingsSent" if (s if more[0] else c).kernel else "PongsSent"
            was = counter(name)
            until(lambda w=was, n=name: counter(n) > w + 5, name)
            s.send(b"there")
            same(c.recv(), b"there")
            c.send(b"back")
            same(s.recv(), b"back")
            same((s.peers, c.peers), (1, 1), "peers")


@each("a stopped reader misses nothing", 60)
def _stopped(server, client):
    """Socket buffers and queues fill with sealed messages, of all sizes."""
    keys = Keys()
    count = 1500 if SLOW == 1 else 500
    sizes = [0, 10, 255, 300, 2000, 9000, 40000]
    with server(PUSH, {**keys.at_server(), **SMALL, SNDHWM: 2000}) as s:
        where = s.bind(TCP)

        def reader(tell):
            with client(PULL, {**keys.at_client(), **SMALL, RCVHWM: 10}) as c:
                c.connect(where)
                same(c.recv(), b"first")
                tell("stop me")
                for n in range(count):
                    got = c.recv_multipart()
                    want = [b"%d" % n, body(sizes[n % len(sizes)])]
                    if got != want:
                        raise AssertionError(f"message {n}")
                tell("all")

        with Child(reader) as child:
            s.wait_peers(1)
            s.send(b"first")
            child.hear()
            os.kill(child.pid, signal.SIGSTOP)
            for n in range(count):
                s.send_multipart([b"%d" % n, body(sizes[n % len(sizes)])])
            os.kill(child.pid, signal.SIGCONT)
            same(child.hear(), "all")


@tap.case("messages that fill all memory there is still go out", 60)
def _ceiling():
    """What is sealed needs memory too, which only sending would give back."""
    keys = Keys()
    was = sysctl("mem_max", 8 << 20)
    try:
        with K(PUSH, {**keys.at_server(), **SMALL}) as s, \
                K(PULL, {**keys.at_client(), **SMALL, RCVHWM: 1}) as c:
            c.connect(s.bind(TCP))
            s.wait_peers(1)
            c.wait_peers(1)
            # half a message would wait for memory that nobody gives back
            s.send(body(300000))
            until(lambda: c.stats.in_msgs == 1, "the first message")
            sent = 1
            try:
                while sent < 1000:
                    s.send(body(300000 + sent), flags=s.DONTWAIT)
                    sent += 1
            except OSError as e:
                same(e.errno in (11, 12, 105), True, f"errno {e.errno}")
            print(f"# {sent} messages fill {8 << 20} octets")
            for n in range(sent):
                same(c.recv(), body(300000 + n), f"message {n}")
            s.send(b"last")
            same(c.recv(), b"last")
    finally:
        sysctl("mem_max", was)


@each("clients at once, each with keys of its own", 60)
def _many(server, client):
    keys, many = Keys(), 50 if SLOW == 1 else 15
    with server(ROUTER, keys.at_server()) as s:
        where = s.bind(TCP)
        clients = []
        for n in range(many):
            keys.client, keys.client_secret = keypair()
            c = client(DEALER, {**keys.at_client(), ROUTING_ID: b"%d" % n})
            c.connect(where)
            c.send(b"hello")
            clients.append(c)
        for _ in clients:
            who, what = s.recv_multipart()
            same(what, b"hello")
            s.send_multipart([who, b"hello " + who])
        for n, c in enumerate(clients):
            same(c.recv(), b"hello %d" % n)
            c.close()


@each("a server comes back, and so does the client")
def _again(server, client):
    keys = Keys()
    with client(PAIR, {**keys.at_client(), RECONNECT_IVL: 50}) as c:
        where = None
        for n in range(3):
            with server(PAIR, keys.at_server()) as s:
                where = rebind(s, where)
                if not n:
                    c.connect(where)
                s.send(b"%d" % n)
                same(c.recv(), b"%d" % n)
                c.send(b"back")
                same(s.recv(), b"back")
            c.wait_peers(0)


def rebind(s, where):
    """libzmq lets go of an address some time after close()."""
    if not where:
        return s.bind(TCP)

    def done():
        try:
            s.bind(where)
        except OSError as e:
            if e.errno != 98:
                raise
            return False
        return True
    until(done, "the address")
    return where


def event_of(sock, name):
    """Has the monitor of a libzmq socket told it?"""
    return sock.count(getattr(zmq, "EVENT_" + name))


@tap.case("wrong server key, AF_ZMQ serves libzmq")
def _wrong_at_us():
    keys, other = Keys(), Keys()
    with K(PAIR, keys.at_server()) as s, L(PAIR, {
            **keys.at_client(), CURVE_SERVERKEY: other.server}) as c:
        m = monitor(s)
        was = counter("BadCrypto")
        c.connect(s.bind(TCP))
        m.until("HANDSHAKE_FAILED_PROTOCOL")
        same(m.events[-1].value, 0x11000001, "code")
        same(m.next().name, "DISCONNECTED")
        same(counter("BadCrypto") > was, True, "counted")
        m.close()


@tap.case("wrong server key, libzmq serves AF_ZMQ, which goes on trying")
def _wrong_at_them():
    keys, other = Keys(), Keys()
    with L(PAIR, keys.at_server()) as s, K(PAIR, {
            **keys.at_client(), CURVE_SERVERKEY: other.server,
            RECONNECT_IVL: 20}) as c:
        m = monitor(c)
        c.connect(s.bind(TCP))
        m.until("HANDSHAKE_FAILED_NO_DETAIL", 3)
        until(lambda: event_of(s, "HANDSHAKE_FAILED_PROTOCOL"), "libzmq's event")
        m.close()


@each("who has no keys stays out")
def _no_keys(server, client):
    """A client of ours tells its mechanism before it leaves; one of libzmq may."""
    why = {"HANDSHAKE_FAILED_PROTOCOL"}
    if client == L:
        why.add("HANDSHAKE_FAILED_NO_DETAIL")
    keys = Keys()
    with server(PAIR, keys.at_server()) as s:
        m = monitor(s) if server == K else None
        where = s.bind(TCP)
        with client(PAIR) as c:
            c.connect(where)
            # who has given up takes no more
            with contextlib.suppress(BlockingIOError, zmq.Again):
                c.send(b"in the clear", flags=c.DONTWAIT)
            if m:
                m.until("DISCONNECTED")
                same(bool(why & set(m.names())), True, f"why: {m.names()}")
                m.close()
            else:
                until(lambda: monitored(s), "a refusal")
            same(s.poll(timeout=100), 0, "messages")


def monitored(s):
    return s.count(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)


@tap.case("ZMQ_CURVE_ALLOW: who is named comes in, others are told 400")
def _allow():
    keys = Keys()
    for client in L, K:
        for named in (b"keys", b"text"):
            with K(REP, keys.at_server()) as s:
                same(s.get(CURVE_ALLOW), 0)
                s.set(CURVE_ALLOW, b"".join(keypair()[0] for _ in range(100)))
                same(s.get(CURVE_ALLOW), 100)
                m = monitor(s)
                where = s.bind(TCP)
                was = counter("KeysNotAllowed")
                with client(REQ, keys.at_client()) as c:
                    theirs = monitor(c) if c.kernel else None
                    c.connect(where)
                    m.until("HANDSHAKE_FAILED_AUTH")
                    same(m.events[-1].value, 400, "status")
                    same(counter("KeysNotAllowed") > was, True, "counted")
                    if theirs:
                        theirs.until("HANDSHAKE_FAILED_AUTH")
                        same(theirs.events[-1].value, 400, "status")
                        theirs.close()
                    else:
                        until(lambda c=c: event_of(c, "HANDSHAKE_FAILED_AUTH"),
                              "libzmq's event")
                s.unbind(where)
                key = keys.client
                s.set(CURVE_ALLOW, z85.encode(key)
                      if named == b"text" else key)
                same(s.get(CURVE_ALLOW), 101)
                with client(REQ, keys.at_client()) as c:
                    c.connect(s.bind(TCP))
                    c.send(b"hello")
                    same(s.recv(), b"hello")
                    s.send(b"fine")
                    same(c.recv(), b"fine")
                s.set(CURVE_ALLOW, b"")
                same(s.get(CURVE_ALLOW), 0)
                m.close()


@tap.case("ZMQ_CURVE_ALLOW: what is no key")
def _allow_bad():
    with K(REP) as s:
        for bad in (b"x", b"x" * 31, b"x" * 33, b"x" * 42, b'"' * 40,
                    b"0" * 40 + b"x"):
            fails(EINVAL, s.set, CURVE_ALLOW, bad)
        for good in (b"x" * 32, b"x" * 32 + b"y" * 32, b"0" * 40,
                     b"1" * 40 + b"\0"):
            s.set(CURVE_ALLOW, good)
        same(s.get(CURVE_ALLOW), 4, "keys, each once")


@tap.case("keys as octets and in Z85; the mechanism is CURVE")
def _keys():
    keys = Keys()
    for text in False, True:
        as_set = z85.encode if text else bytes
        with K(PAIR) as s, K(PAIR) as c:
            s.set(CURVE_SERVER, 1)
            s.set(CURVE_SECRETKEY, as_set(keys.server_secret))
            for option, key in keys.at_client().items():
                c.set(option, as_set(key))
                same(c.get_bytes(option, 32), key)
                same(c.get_bytes(option, 41),
                     z85.encode(key) + b"\0")
            same((s.get(MECHANISM), c.get(MECHANISM)), (2, 2), "mechanism")
            same((s.get(CURVE_SERVER), c.get(CURVE_SERVER)), (1, 0))
            c.connect(s.bind(IPC))
            c.send(b"hello")
            same(s.recv(), b"hello")


@tap.case("PUB with many sealed peers: each gets its own, in order", 60)
def _fan():
    keys, count = Keys(), 300 if SLOW == 1 else 100
    with K(PUB, {**keys.at_server(), SNDHWM: 0}) as pub:
        where = pub.bind(TCP)
        subs = [cls(SUB, {**keys.at_client(), RCVHWM: 0, SUBSCRIBE: b""})
                for cls in (L, K) * 4]
        try:
            for s in subs:
                s.connect(where)
            for s in subs:
                settle(pub, s)
            for n in range(count):
                pub.send_multipart([b"%d" % n, body(n * 40)])
            for s in subs:
                n = 0
                while n < count:
                    got = s.recv_multipart()
                    if got[0].startswith(b"settle"):
                        continue
                    same(got, [b"%d" % n, body(n * 40)])
                    n += 1
        finally:
            for s in subs:
                s.close()


tap.run()
