#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 120
"""inproc: AF_ZMQ and libzmq cannot meet there, so the same is done with either,
and has to come out the same."""

import functools
import itertools
import select

from afzmq import (CONFLATE, DEALER, LINGER, NAMES, PAIR, PROBE_ROUTER, PUB,
                   PULL, PUSH, RCVHWM, REP, REQ, ROUTER, ROUTING_ID, SNDHWM,
                   SUB, SUBSCRIBE, XPUB)
from interop import EAGAIN, Cases, K, L
from ztap import SLOW, fails, same, until

ENOENT, EADDRINUSE = 2, 98
LOTS = 3000 if SLOW == 1 else 1100     # more than any mark is by default
QUIET = 300     # milliseconds for what must not happen

tap = Cases()
numbers = itertools.count()


def alike(text):
    """Decorator: fn(cls, name) runs with AF_ZMQ and with libzmq."""
    def add(fn):
        for cls, who in (K, "af_zmq"), (L, "libzmq"):
            tap.add(f"{text} ({who})",
                    functools.partial(run, fn, cls))
        return fn
    return add


def run(fn, cls):
    fn(cls, f"inproc://{next(numbers)}")


def fill(sock, most=LOTS):
    """Send without waiting until there is no more room."""
    for n in range(most):
        try:
            sock.send(b"%d" % n, flags=sock.DONTWAIT)
        except OSError as e:
            same(e.errno, EAGAIN)
            return n
    return most


def drain(sock, count):
    """So many messages in order, and no more."""
    for n in range(count):
        same(sock.recv(), b"%d" % n)
    sock.nothing(QUIET)


def marks(snd, rcv, want, order, cls, name):
    with cls(DEALER, {SNDHWM: snd, RCVHWM: 1}) as a, \
            cls(DEALER, {RCVHWM: rcv, SNDHWM: 1}) as b:
        first, second = (a.bind, b.connect) if order & 1 \
            else (b.bind, a.connect)
        if order & 2:
            first, second = second, first
        first(name)
        second(name)
        # libzmq looks after what was put off
        b.poll(timeout=0)
        a.poll(timeout=0)
        same(fill(a), want)
        drain(b, want)


for _snd, _rcv, _want in (3, 5, 8), (1, 1, 2), (1, 40, 41), (0, 5, LOTS), \
        (5, 0, LOTS):
    for _order in range(4):
        alike(f"marks {_snd} and {_rcv}, order {_order}")(
            functools.partial(marks, _snd, _rcv, _want, _order))


@alike("alone, the connecter has its own mark")
def _pending(cls, name):
    with cls(PUSH, {SNDHWM: 3}) as a, cls(PULL, {RCVHWM: 5}) as b:
        a.connect(name)
        a.send(b"0")
        b.bind(name)
        a.poll(select.POLLOUT)
        same(fill(a), 7)
    with cls(PUSH, {SNDHWM: 3}) as a:
        a.connect(name + "-nobody")
        same(fill(a), 3)


@alike("the mark at the time of bind counts")
def _mark_at_bind(cls, name):
    with cls(PUSH, {SNDHWM: 3}) as a, cls(PULL, {RCVHWM: 5}) as b:
        b.bind(name)
        b.set(RCVHWM, 50)
        a.connect(name)
        same(fill(a), 8)


@alike("unbind leaves the peers and gives the name free")
def _unbind(cls, name):
    with cls(PUSH) as a, cls(PULL) as b, cls(PULL) as c:
        b.bind(name)
        fails(EADDRINUSE, c.bind, name)
        a.connect(name)
        b.unbind(name)
        c.bind(name)
        a.send(b"1")
        same(b.recv(), b"1")
        a.disconnect(name)
        fails(ENOENT, a.disconnect, name)
        fails(ENOENT, b.unbind, name)


@alike("what was sent can be read after the sender's end")
def _sender_gone(cls, name):
    for how in "close", "disconnect":
        with cls(PULL, {RCVHWM: 2}) as b:
            b.bind(name)
            with cls(PUSH, {SNDHWM: 5}) as a:
                a.connect(name)
                same(fill(a), 7)
                if how == "disconnect":
                    a.disconnect(name)
                    same(a.poll(select.POLLOUT, 0), 0)
            drain(b, 7)
            b.unbind(name)


def connecting(name):
    """Whether a socket of AF_ZMQ has this endpoint, and no other one."""
    with open("/proc/net/zmq", encoding="ascii") as f:
        return f" >{name} " in f.read()


@alike("what the binder sent can be read after its end; nobody comes back")
def _binder_gone(cls, name):
    with cls(DEALER) as a:
        with cls(DEALER) as b:
            b.bind(name)
            a.connect(name)
            b.send(b"last")
        same(a.recv(), b"last")
        a.nothing(QUIET)
        # libzmq gives up name and peers in a thread of its own
        until(lambda: not a.poll(select.POLLOUT, 0), "the binder's end")
        with cls(DEALER) as b:
            b.bind(name)
            same(a.poll(select.POLLOUT, QUIET), 0)
            if a.kernel:    # its work item ends the endpoint
                until(lambda: not connecting(name), "the end of the endpoint")
            fails(ENOENT, a.disconnect, name)
            a.connect(name)
            a.send(b"again")
            same(b.recv(), b"again")


@alike("one who leaves before the binder comes is heard")
def _pending_gone(cls, name):
    with cls(PULL) as b, cls(PUSH, {LINGER: -1}) as a:
        a.connect(name)
        a.send(b"disconnected")
        a.disconnect(name)
        b.bind(name)
        same(b.recv(), b"disconnected")


@alike("each connect makes a pipe, one disconnect ends them all")
def _twice(cls, name):
    with cls(DEALER, {SNDHWM: 1}) as a, cls(DEALER, {RCVHWM: 1}) as b:
        b.bind(name)
        a.connect(name)
        a.connect(name)
        same(fill(a), 4)
        a.disconnect(name)
        fails(ENOENT, a.disconnect, name)


@alike("CONFLATE of the connecter counts")
def _conflate(cls, name):
    for who in 0, 1:
        with cls(PULL, {CONFLATE: who}) as b, \
                cls(PUSH, {CONFLATE: 1 - who}) as a:
            b.bind(name)
            a.connect(name)
            for n in range(5):
                a.send(b"%d" % n)
            for n in range(4 if not who else 0, 5):
                same(b.recv(), b"%d" % n)
            b.nothing(QUIET)
            b.unbind(name)


@alike("a socket may meet itself; the name goes before the connection")
def _self(cls, name):
    with cls(DEALER) as a, cls(DEALER) as b:
        a.bind(name)
        a.connect(name)
        a.send(b"me")
        same(a.recv(), b"me")
        a.disconnect(name)
        b.bind(name)
        a.send(b"still me")
        same(a.recv(), b"still me")
        a.disconnect(name)
        fails(ENOENT, a.disconnect, name)


@alike("routing ids and PROBE_ROUTER, in either order")
def _ids(cls, name):
    for first in 0, 1:
        with cls(ROUTER) as r, cls(DEALER, {ROUTING_ID: b"dee",
                                            PROBE_ROUTER: 1}) as d:
            if first:
                d.connect(name)
            r.bind(name)
            if not first:
                d.connect(name)
            same(r.recv_multipart(), [b"dee", b""])
            r.send_multipart([b"dee", b"hello"])
            same(d.recv(), b"hello")
            r.unbind(name)


@alike("subscriptions, also before the publisher")
def _subscriptions(cls, name):
    with cls(XPUB) as p, cls(SUB, {SUBSCRIBE: b"a"}) as s:
        s.connect(name)
        p.bind(name)
        same(p.recv(), b"\1a")
        s.set(SUBSCRIBE, b"b")
        same(p.recv(), b"\1b")
        for text in b"x", b"b1", b"a1":
            p.send(text)
        same(s.recv(), b"b1")
        same(s.recv(), b"a1")
        s.close()
        same(sorted([p.recv(), p.recv()]), [b"\0a", b"\0b"])


def odd(kind_a, kind_b, cls, name):
    with cls(kind_a) as a, cls(kind_b) as b:
        a.bind(name)
        b.connect(name)
        b.send(b"hello")
        same(a.recv(), b"hello")


for _a, _b in (PULL, DEALER), (PULL, PAIR), (PAIR, PUSH), (DEALER, PUSH):
    alike(f"types are not compared: {NAMES[_b]} to {NAMES[_a]}")(
        functools.partial(odd, _a, _b))


@alike("a request and its reply")
def _request(cls, name):
    with cls(REQ) as a, cls(REP) as b:
        a.connect(name)
        a.send(b"ask")
        b.bind(name)
        same(b.recv(), b"ask")
        b.send(b"tell")
        same(a.recv(), b"tell")


@alike("PUB drops for a full reader")
def _pub(cls, name):
    with cls(PUB, {SNDHWM: 3}) as p, cls(SUB, {RCVHWM: 4,
                                               SUBSCRIBE: b""}) as s:
        p.bind(name)
        s.connect(name)
        p.poll(select.POLLOUT, 0)
        for n in range(20):
            p.send(b"%d" % n)
        drain(s, 7)


if __name__ == "__main__":
    tap.run()
