#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 60
"""Options and subscriptions of publishers and subscribers, AF_ZMQ and libzmq."""

from afzmq import (INVERT_MATCHING, ONLY_FIRST_SUBSCRIBE, PUB, RCVHWM, SNDHWM,
                   SNDTIMEO, SUB, SUBSCRIBE, UNSUBSCRIBE, XPUB, XPUB_MANUAL,
                   XPUB_MANUAL_LAST_VALUE, XPUB_NODROP, XPUB_VERBOSE,
                   XPUB_VERBOSER, XPUB_WELCOME_MSG, XSUB)
from interop import Cases, EAGAIN, SMALL, TCP, joined
from matrix import body, settle
from ztap import same, until

tap = Cases()


def subscribed(publisher, *subscribers):
    """Connect, eat the notices; publisher is an XPUB."""
    joined(publisher, *subscribers)
    for s in subscribers:
        s.poll(timeout=0)


@tap.both("XPUB passes up the first subscription and the last end")
def _xpub(cls, peer):
    with cls(XPUB) as x, peer(SUB) as a, peer(SUB) as b:
        subscribed(x, a, b)
        a.set(SUBSCRIBE, b"T")
        same(x.recv_multipart(), [b"\1T"])
        b.set(SUBSCRIBE, b"T")
        b.set(SUBSCRIBE, b"U")
        same(x.recv_multipart(), [b"\1U"])
        a.set(UNSUBSCRIBE, b"T")
        a.set(SUBSCRIBE, b"V")
        same(x.recv_multipart(), [b"\1V"])
        b.set(UNSUBSCRIBE, b"T")
        same(x.recv_multipart(), [b"\0T"])


@tap.both("XPUB_VERBOSE passes up every subscription")
def _verbose(cls, peer):
    with cls(XPUB, {XPUB_VERBOSE: 1}) as x, peer(SUB) as a, peer(SUB) as b:
        subscribed(x, a, b)
        for s in a, b:
            s.set(SUBSCRIBE, b"T")
            same(x.recv_multipart(), [b"\1T"])
        a.set(UNSUBSCRIBE, b"T")
        a.set(SUBSCRIBE, b"U")
        same(x.recv_multipart(), [b"\1U"])
        b.set(UNSUBSCRIBE, b"T")
        same(x.recv_multipart(), [b"\0T"])


@tap.both("XPUB_VERBOSER passes up every end as well")
def _verboser(cls, peer):
    with cls(XPUB, {XPUB_VERBOSER: 1}) as x, peer(SUB) as a, peer(SUB) as b:
        subscribed(x, a, b)
        for s in a, b:
            s.set(SUBSCRIBE, b"T")
            same(x.recv_multipart(), [b"\1T"])
        for s in a, b:
            s.set(UNSUBSCRIBE, b"T")
            same(x.recv_multipart(), [b"\0T"])


@tap.both("XPUB_MANUAL: the program decides what a subscriber gets")
def _manual(cls, peer):
    with cls(XPUB, {XPUB_MANUAL: 1}) as x, peer(SUB) as a:
        subscribed(x, a)
        a.set(SUBSCRIBE, b"asked")
        a.set(SUBSCRIBE, b"given")
        same(x.recv_multipart(), [b"\1asked"])
        x.set(SUBSCRIBE, b"given")
        same(x.recv_multipart(), [b"\1given"])
        x.send(b"asked")
        x.send(b"given 1")
        same(a.recv(), b"given 1")
        a.set(UNSUBSCRIBE, b"asked")
        same(x.recv_multipart(), [b"\0asked"])
        x.set(UNSUBSCRIBE, b"given")
        x.set(SUBSCRIBE, b"g")
        x.send(b"given 2")
        same(a.recv(), b"given 2")
        a.nothing(100)


@tap.kernel_only("XPUB_MANUAL_LAST_VALUE: the next message goes to the newcomer only")
def _last_value(cls, peer):
    with cls(XPUB, {XPUB_MANUAL_LAST_VALUE: 1}) as x, peer(SUB) as a, \
            peer(SUB) as b:
        subscribed(x, a, b)
        a.set(SUBSCRIBE, b"T")
        same(x.recv_multipart(), [b"\1T"])
        x.set(SUBSCRIBE, b"T")
        x.send(b"T for a")
        same(a.recv(), b"T for a")
        b.set(SUBSCRIBE, b"T")
        same(x.recv_multipart(), [b"\1T"])
        x.set(SUBSCRIBE, b"T")
        x.send(b"T for b")
        same(b.recv(), b"T for b")
        x.send(b"T for all")
        same((a.recv(), b.recv()), (b"T for all", b"T for all"))


@tap.both("XPUB_WELCOME_MSG is the first message of a subscriber")
def _welcome(cls, peer):
    with cls(XPUB, {XPUB_WELCOME_MSG: b"Welcome"}) as x, \
            peer(SUB, {SUBSCRIBE: b"W"}) as a, peer(SUB, {SUBSCRIBE: b"x"}) as b:
        subscribed(x, a, b)
        same(a.recv(), b"Welcome")
        b.nothing(100)


@tap.both("XPUB_NODROP: a full subscriber makes the publisher wait")
def _nodrop(cls, peer):
    with cls(XPUB, {**SMALL, XPUB_NODROP: 1, SNDHWM: 3, SNDTIMEO: 0}) as x, \
            peer(SUB, {**SMALL, SUBSCRIBE: b"", RCVHWM: 3}) as a:
        subscribed(x, a)
        until(lambda: a.poll(timeout=0) or x.poll(timeout=20), "the notice")
        same(x.recv_multipart(), [b"\1"])
        sent = 0
        try:
            while sent < 3000:
                x.send(b"%d." % sent + body(30000))
                sent += 1
        except OSError as e:
            same(e.errno, EAGAIN)
        if sent in (0, 3000):
            raise AssertionError(f"{sent} messages sent")
        for n in range(sent):
            same(a.recv().partition(b".")[0], b"%d" % n)
        a.nothing(100)


@tap.both("the end of a subscriber ends its subscriptions")
def _gone(cls, peer):
    with cls(XPUB) as x:
        with peer(SUB, {SUBSCRIBE: b"one"}) as a:
            a.set(SUBSCRIBE, b"two")
            subscribed(x, a)
            until(lambda: a.poll(timeout=0) or x.poll(timeout=20), "a notice")
            got = {x.recv(), x.recv()}
            same(got, {b"\1one", b"\1two"})
        got = {x.recv(), x.recv()}
        same(got, {b"\0one", b"\0two"})


@tap.both("INVERT_MATCHING at both ends")
def _invert(cls, peer):
    with cls(PUB, {INVERT_MATCHING: 1}) as p, \
            peer(SUB, {INVERT_MATCHING: 1, SUBSCRIBE: b"not"}) as s:
        joined(p, s)
        settle(p, s, b"other")
        for text in b"not this", b"but this", b"not", b"and this":
            p.send(text)
        same((s.recv(), s.recv()), (b"but this", b"and this"))
        s.nothing(50)


@tap.both("800 topics of one subscriber")
def _topics(cls, peer):
    with cls(XPUB) as x, peer(SUB) as s:
        subscribed(x, s)
        want = set()
        for n in range(800):
            s.set(SUBSCRIBE, b"topic %d." % n)
            want.add(b"\1topic %d." % n)
        same({x.recv() for _ in range(800)}, want)
        for n in 0, 7, 799, 800, 80:
            x.send(b"topic %d. text" % n)
        same([s.recv() for _ in range(4)],
             [b"topic %d. text" % n for n in (0, 7, 799, 80)])


@tap.both("many topics, set before the connection")
def _early_topics(cls, peer):
    with cls(XPUB) as x, peer(SUB) as s:
        for n in range(800):
            s.set(SUBSCRIBE, b"%04d" % n)
        joined(x, s)
        until(lambda: s.poll(timeout=0) or x.poll(timeout=20), "a notice")
        same({x.recv() for _ in range(800)}, {b"\1%04d" % n for n in range(800)})


@tap.kernel_only("ONLY_FIRST_SUBSCRIBE: later frames are no subscriptions")
def _only_first(cls, peer):
    with cls(XPUB, {ONLY_FIRST_SUBSCRIBE: 1}) as x, peer(XSUB) as s:
        subscribed(x, s)
        s.send_multipart([b"up", b"\1not a topic"])
        same(x.recv_multipart(), [b"up", b"\1not a topic"])
        s.send(b"\1T")
        same(x.recv_multipart(), [b"\1T"])


@tap.both("a late subscriber gets an unbroken tail")
def _slow_joiner(cls, peer):
    with cls(PUB) as p, peer(SUB, {SUBSCRIBE: b"", RCVHWM: 0}) as s:
        p.set(SNDHWM, 0)
        where = p.bind(TCP)
        for n in range(50):
            p.send(b"%d" % n)
        s.connect(where)
        n = 50

        def published():
            nonlocal n
            p.send(b"%d" % n)
            n += 1
            return s.poll(timeout=2)

        until(published, "a message")
        for n in range(n, n + 100):
            p.send(b"%d" % n)
        first = int(s.recv())
        if first < 50:
            raise AssertionError(f"{first} was sent before the connection")
        for k in range(first + 1, n + 1):
            same(s.recv(), b"%d" % k)


tap.run()
