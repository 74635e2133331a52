#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 100
"""The peer's process is killed and started again: who listened, who connected,
AF_ZMQ against libzmq in either place."""

import functools
import signal

import afzmq
import lzmq
from afzmq import (DEALER, LINGER, PUB, PULL, PUSH, RECONNECT_IVL, REP, REQ,
                   REQ_CORRELATE, REQ_RELAXED, ROUTER, ROUTER_MANDATORY,
                   ROUTING_ID, SNDTIMEO, SUB, SUBSCRIBE, TIMEOUT, XPUB)
from child import Child, free_endpoint
from matrix import send_routed
from ztap import Tap, same, until

K = afzmq.under_test()
L = lzmq.Socket
SOON = {RECONNECT_IVL: 30}
tap = Tap()


def both(text):
    """Decorator: the case fn(cls, peer); peer is who gets killed."""
    def add(fn):
        tap.add(f"{text} (libzmq is killed)", functools.partial(fn, K, L), 60)
        tap.add(f"{text} (AF_ZMQ is killed)", functools.partial(fn, L, K), 60)
        return fn
    return add


def publisher(tell, cls, where, text):
    """Publish for ever, and tell of the first subscription."""
    with cls(XPUB) as x:
        x.bind(where)
        tell(x.recv().decode("latin-1"))
        while True:
            x.send(b"T " + text)
            x.send(b"other")
            x.poll(timeout=20)


@both("a publisher comes back: subscriptions are sent again")
def _publisher(cls, peer):
    where = free_endpoint()
    with cls(SUB, SOON) as s:
        s.set(SUBSCRIBE, b"T")
        s.connect(where)
        for life in b"first life", b"second life", b"third life":
            with Child(publisher, peer, where, life) as c:
                # libzmq sends its subscriptions when it is called
                until(lambda life=life: s.poll(timeout=20)
                      and s.recv() == b"T " + life, "the publisher", 20)
                same(c.hear(), "\1T")


def puller(tell, cls, where):
    with cls(PULL) as p:
        p.bind(where)
        while True:
            tell(p.recv().decode())


@both("a listening PULL comes back: what was queued meanwhile arrives")
def _puller(cls, peer):
    where = free_endpoint()
    with cls(PUSH, SOON) as s:
        s.connect(where)
        s.send(b"before")
        with Child(puller, peer, where) as c:
            same(c.hear(), "before")
            s.send(b"during")
            same(c.hear(), "during")
        s.wait_peers(0)
        for n in range(100):
            s.send(b"%d" % n)
        with Child(puller, peer, where) as c:
            same([c.hear() for _ in range(100)], [str(n) for n in range(100)])
        s.wait_peers(0)


def pusher(tell, cls, where, name, count):
    with cls(PUSH, SOON) as p:
        p.connect(where)
        for n in range(count):
            p.send(b"%s %d" % (name, n))
        tell("sent")
        signal.pause()


@both("a connecting PUSH is killed and started again")
def _pusher(cls, peer):
    with cls(PULL) as s:
        where = s.bind("tcp://127.0.0.1:*")
        for name in b"one", b"two", b"three":
            with Child(pusher, peer, where, name, 50) as c:
                same(c.hear(), "sent")
                for n in range(50):
                    same(s.recv(), b"%s %d" % (name, n))
                s.wait_peers(1)
            s.wait_peers(0)
        s.nothing()


def subscriber(tell, cls, where, topic):
    with cls(SUB, {**SOON, SUBSCRIBE: topic}) as s:
        s.connect(where)
        while True:
            tell(s.recv().decode())


@both("a subscriber is killed: its subscriptions go with it")
def _subscriber(cls, peer):
    with cls(XPUB) as x:
        where = x.bind("tcp://127.0.0.1:*")
        for topic in b"one", b"two":
            with Child(subscriber, peer, where, topic) as c:
                same(x.recv(), b"\1" + topic)
                x.send(b"none of it")
                x.send(topic + b" for you")
                same(c.hear(), topic.decode() + " for you")
            same(x.recv(), b"\0" + topic)
            x.wait_peers(0)


def dealer(tell, cls, where, text):
    with cls(DEALER, {**SOON, ROUTING_ID: b"worker"}) as d:
        d.connect(where)
        d.send(text)
        tell(d.recv().decode())
        signal.pause()


def lost(router):
    try:
        router.send_multipart([b"worker", b"lost"])
    except OSError as e:
        same(e.errno, 113)
        return True
    return False


@both("a DEALER of the same name comes back to its ROUTER")
def _dealer(cls, peer):
    with cls(ROUTER, {ROUTER_MANDATORY: 1}) as r:
        where = r.bind("tcp://127.0.0.1:*")
        for text in b"one", b"two", b"three":
            with Child(dealer, peer, where, text) as c:
                same(r.recv_multipart(), [b"worker", text])
                send_routed(r, [b"worker", b"to " + text])
                same(c.hear(), "to " + text.decode())
            r.wait_peers(0)
            if r.kernel:
                same(lost(r), True, "the dead worker is out of reach")
            else:   # it notices in its own time, and takes no second one before
                until(lambda: lost(r), "the end of the worker")


def replier(tell, cls, where, answers):
    """Answers so many requests, then takes one more and says nothing."""
    with cls(REP) as p:
        p.bind(where)
        for _ in range(answers):
            p.send(b"re " + p.recv())
        tell(p.recv().decode())
        signal.pause()


@both("a relaxed REQ goes on when its REP has died")
def _replier(cls, peer):
    where = free_endpoint()
    with cls(REQ, {**SOON, REQ_RELAXED: 1, REQ_CORRELATE: 1}) as q:
        q.connect(where)
        for _ in range(2):
            with Child(replier, peer, where, 2) as c:
                for n in range(2):
                    q.send(b"%d" % n)
                    same(q.recv(), b"re %d" % n)
                q.send(b"last")
                same(c.hear(), "last")
            q.wait_peers(0)


def stopped_puller(tell, cls, where):
    with cls(PULL) as p:
        p.bind(where)
        tell("ready")
        signal.pause()


@both("a peer that stops reading and dies does not block others for good")
def _stopped(cls, peer):
    where = free_endpoint()
    data = b"x" * 50000
    with cls(PUSH, {**SOON, SNDTIMEO: 0, LINGER: 0}) as s:
        with Child(stopped_puller, peer, where) as c:
            same(c.hear(), "ready")
            s.connect(where)
            s.wait_peers(1)
            sent = 0
            try:
                while sent < 5000:
                    s.send(data)
                    sent += 1
            except OSError as e:
                same(e.errno, 11)
            if sent == 5000:
                raise AssertionError("there is no end to it")
        with peer(PULL) as p:
            s.set(SNDTIMEO, TIMEOUT)
            p.bind(where)
            same(p.recv(), data)
            s.send(b"goes on")
            while True:
                got = p.recv()
                if got == b"goes on":
                    break
                same(got, data)


@both("a listener comes and goes ten times")
def _flapping(cls, peer):
    where = free_endpoint()
    with cls(DEALER, SOON) as d:
        d.connect(where)
        for n in range(10):
            with peer(DEALER) as p:
                until(lambda p=p: bound(p, where), "the address")
                d.send(b"%d" % n)
                same(p.recv(), b"%d" % n)
                p.send(b"back")
                same(d.recv(), b"back")
            d.wait_peers(0)


def bound(s, where):
    try:
        s.bind(where)
    except OSError as e:
        same(e.errno, 98)
        return False
    return True


@both("a publisher in this process comes back to a SUB in another")
def _reborn(cls, peer):
    where = free_endpoint()
    with Child(subscriber, peer, where, b"T") as c:
        for life in b"1", b"2":
            with cls(PUB) as p:
                until(lambda p=p: bound(p, where), "the address")
                # what it tells first may be left of the life before
                until(lambda p=p, life=life: p.send(b"T" + life) or
                      (c.told(0.02) and c.hear() == "T" + life.decode()),
                      "the subscriber")


tap.run()
