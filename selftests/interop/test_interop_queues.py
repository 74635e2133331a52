#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 90
"""High-water marks, CONFLATE, IMMEDIATE, turns and LINGER, with libzmq."""

import functools
import select

import rawpeer
from afzmq import (CONFLATE, DEALER, IMMEDIATE, LINGER, PULL, PUSH, RCVHWM,
                   RECONNECT_IVL, SNDHWM, SNDTIMEO, SUB, SUBSCRIBE, TIMEOUT, XPUB,
                   XPUB_VERBOSE)
from child import free_endpoint
from interop import Cases, EAGAIN, K, L, SMALL, TCP, joined
from matrix import body, settle
from ztap import fails, same, until

tap = Cases()


@tap.both("a full PUSH waits and loses nothing")
def _hwm_push(cls, peer):
    with cls(PUSH, {**SMALL, SNDHWM: 2, SNDTIMEO: 0}) as a, \
            peer(PULL, {**SMALL, RCVHWM: 2}) as b:
        joined(b, a)
        sent = 0
        for _ in range(3):
            try:
                while sent < 5000:
                    a.send_multipart([b"%d" % sent, body(30000)])
                    sent += 1
            except OSError as e:
                same(e.errno, EAGAIN)
            if sent == 5000:
                raise AssertionError("there is no end to it")
            same(b.recv_multipart()[1], body(30000))
            # b is to get a third: there is room when the first two have gone over
            a.poll(select.POLLOUT, 100 if sent > 2 else TIMEOUT)
        for n in range(3, sent):
            same(b.recv_multipart()[0], b"%d" % n)
        a.set(SNDTIMEO, TIMEOUT)
        a.send(b"end")
        same(b.recv_multipart(), [b"end"])


@tap.both("a publisher drops for the slow, not for the quick")
def _hwm_pub(cls, peer):
    with cls(XPUB, {**SMALL, SNDHWM: 10, XPUB_VERBOSE: 1}) as p, \
            peer(SUB, {**SMALL, SUBSCRIBE: b"", RCVHWM: 10}) as slow, \
            peer(SUB, {**SMALL, SUBSCRIBE: b"", RCVHWM: 10}) as quick:
        joined(p, slow, quick)
        for _ in range(2):
            until(lambda: slow.poll(timeout=0) or quick.poll(timeout=0)
                  or p.poll(timeout=20), "a notice")
            same(p.recv(), b"\1")
        data = body(20000)
        for n in range(400):
            p.send(b"%d." % n + data)
            # the quick one is never behind; libzmq sees that when called
            p.poll(timeout=0)
            same(quick.recv().partition(b".")[0], b"%d" % n)
        last, count = -1, 0
        # AF_ZMQ tells how many were dropped: the others come, be it later
        while slow.poll(timeout=300) or (
                p.kernel and count < 400 - p.stats.dropped):
            n = int(slow.recv().partition(b".")[0])
            if n <= last:
                raise AssertionError(f"{n} after {last}")
            last, count = n, count + 1
        if not 0 < count < 400:
            raise AssertionError(f"the slow one got {count} of 400")
        if p.kernel:
            if p.stats.dropped < 400 - count:
                raise AssertionError(f"{count} arrived, {p.stats}")
        # and has a place again
        settle(p, slow)


@tap.both("CONFLATE at the sender: a late peer gets the last message only")
def _conflate_send(cls, peer):
    where = free_endpoint()
    with cls(PUSH, {CONFLATE: 1, RECONNECT_IVL: 20}) as a, peer(PULL) as b:
        a.connect(where)
        for n in range(100):
            a.send(b"%d" % n)
        b.bind(where)
        same(b.recv(), b"99")
        b.nothing(100)


def conflated(cls):
    """A raw peer, whose PING tells when all has arrived."""
    for kind, name, first in ((PULL, b"PUSH", b""), (SUB, b"PUB", b"A"),
                              (DEALER, b"DEALER", b"")):
        options = {CONFLATE: 1}
        if kind == SUB:
            options[SUBSCRIBE] = b"A"
        with cls(kind, options) as s, \
                rawpeer.connect(s.bind(TCP), lambda s=s: s.poll(timeout=0)) as raw:
            raw.send(rawpeer.greeting3(), rawpeer.ready(name))
            raw.read(64)
            raw.frame()
            if kind == SUB:
                raw.frame()
            # a look at a SUB of libzmq takes out a message
            raw.idle = lambda: None
            for round_ in b"first", b"second":
                raw.send(*(rawpeer.message(first + round_ + b" %d" % n)
                           for n in range(100)))
                raw.send(rawpeer.command(b"PING", b"\0\0" + round_))
                same(raw.frame(), (4, b"\4PONG" + round_))
                same(s.recv(), first + round_ + b" 99")
                s.nothing()


tap.add("CONFLATE at the receiver (af_zmq)", functools.partial(conflated, K))
tap.add("CONFLATE at the receiver (libzmq)", functools.partial(conflated, L))


@tap.kernel_only("CONFLATE refuses messages of many frames")
def _conflate_multi(cls, peer):
    with cls(PUSH, {CONFLATE: 1}) as a, peer(PULL) as b:
        joined(b, a)
        fails(22, a.send, b"part", True)
        a.send(b"whole")
        same(b.recv_multipart(), [b"whole"])


@tap.both("IMMEDIATE: nothing is queued for a peer that is not there")
def _immediate(cls, peer):
    dead = free_endpoint()
    with cls(PUSH, {IMMEDIATE: 1}) as a, peer(PULL) as b:
        a.connect(dead)
        fails(EAGAIN, a.send, b"x", flags=a.DONTWAIT)
        joined(b, a)
        for n in range(20):
            a.send(b"%d" % n)
        for n in range(20):
            same(b.recv(), b"%d" % n)
    with cls(PUSH) as a, peer(PULL) as b:
        a.connect(dead)
        joined(b, a)
        for n in range(20):
            a.send(b"%d" % n)
        same(len([b.recv() for _ in range(10)]), 10)
        b.nothing(100)


@tap.both("PUSH takes turns, PULL too")
def _turns(cls, peer):
    with cls(PUSH) as a, peer(PULL) as b, peer(PULL) as c, peer(PULL) as d:
        joined(a, b, c, d)
        for n in range(12):
            a.send(b"%d" % n)
        parts = [sorted(int(s.recv()) for _ in range(4)) for s in (b, c, d)]
        same(sorted(x[0] for x in parts), [0, 1, 2])
        for x in parts:
            same(x, list(range(x[0], 12, 3)))
    with cls(PULL) as a, peer(PUSH) as b, peer(PUSH) as c:
        joined(a, b, c)
        # one of them has sent all its messages first
        for n in range(100):
            b.send(b"b")
        if a.kernel:
            until(lambda: a.stats.in_msgs == 100, "the first 100")
        for n in range(100):
            c.send(b"c")
        if a.kernel:
            until(lambda: a.stats.in_msgs == 200, "the others")
            same(sorted(a.recv() for _ in range(20)), [b"b"] * 10 + [b"c"] * 10)


@tap.both("LINGER: close() lets everything reach the peer", 60)
def _linger(cls, peer):
    with peer(PULL, {RCVHWM: 5}) as b:
        a = cls(PUSH)
        a.set(LINGER, TIMEOUT)
        joined(b, a)
        for n in range(300):
            a.send(b"%d." % n + body(5000))
        if a.kernel:
            a.close()
        else:
            a.zsock.disable_monitor()
            a.zsock.close(TIMEOUT)
        for n in range(300):
            same(b.recv().partition(b".")[0], b"%d" % n)


tap.run()
