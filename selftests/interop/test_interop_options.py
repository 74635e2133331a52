#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 120
"""Options whose effect shows at the peer, AF_ZMQ against libzmq.

Where it makes sense a case runs twice: the option at AF_ZMQ's side with libzmq
as the peer, and the other way round.
"""

import functools
import select

import zmq

import afzmq
import lzmq
import rawpeer
from afzmq import (CONFLATE, CONNECT_ROUTING_ID, DEALER, HEARTBEAT_IVL,
                   HEARTBEAT_TIMEOUT, IMMEDIATE, INVERT_MATCHING, IPV6, LINGER,
                   MAXMSGSIZE, ONLY_FIRST_SUBSCRIBE, PAIR, PROBE_ROUTER, PUB,
                   PULL, PUSH, RCVHWM, RCVTIMEO, RECONNECT_IVL, REP, REQ,
                   REQ_CORRELATE, REQ_RELAXED, ROUTER, ROUTER_HANDOVER,
                   ROUTER_MANDATORY, ROUTER_NOTIFY, ROUTING_ID, SNDHWM,
                   SNDTIMEO, SUB, SUBSCRIBE, UNSUBSCRIBE, XPUB, XPUB_MANUAL,
                   XPUB_MANUAL_LAST_VALUE, XPUB_NODROP, XPUB_VERBOSE,
                   XPUB_VERBOSER, XPUB_WELCOME_MSG, XSUB)
from child import free_endpoint
from matrix import body, send_routed, settle
from ztap import Skip, Tap, fails, same, until

K = afzmq.under_test()
L = lzmq.Socket
TCP = "tcp://127.0.0.1:*"
EAGAIN, EHOSTUNREACH = 11, 113
tap = Tap()


def both(text, limit=30):
    """Decorator: the case fn(cls, peer), with libzmq in either place."""
    def add(fn):
        tap.add(f"{text} (af_zmq)", functools.partial(fn, K, L), limit)
        tap.add(f"{text} (libzmq, AF_ZMQ is the peer)",
                functools.partial(fn, L, K), limit)
        return fn
    return add


def kernel_only(text):
    """Decorator: libzmq 4.3.4 does not know it or does otherwise."""
    def add(fn):
        def guard():
            if not K.kernel:
                raise Skip("for AF_ZMQ only")
            fn(K, L)
        tap.add(text, guard)
        return fn
    return add


def joined(binder, *others):
    """Let others connect to binder, wait until all know each other."""
    where = binder.bind(TCP)
    for s in others:
        s.connect(where)
    for s in others:
        s.wait_peers(1)
    binder.wait_peers(len(others))
    return where


# ---- routing


@both("ROUTING_ID of DEALER and REQ reaches a ROUTER")
def _routing_id(cls, peer):
    with cls(DEALER, {ROUTING_ID: b"dealer"}) as a, \
            cls(REQ, {ROUTING_ID: b"\xffreq"}) as b, peer(ROUTER) as r:
        joined(r, a, b)
        a.send(b"x")
        same(r.recv_multipart(), [b"dealer", b"x"])
        b.send(b"y")
        same(r.recv_multipart(), [b"\xffreq", b"", b"y"])
        r.send_multipart([b"\xffreq", b"", b"to req"])
        r.send_multipart([b"dealer", b"to dealer"])
        same((a.recv(), b.recv()), (b"to dealer", b"to req"))


@both("PROBE_ROUTER announces DEALER, REQ and ROUTER")
def _probe(cls, peer):
    for kind in DEALER, REQ, ROUTER:
        with cls(kind, {ROUTING_ID: b"prober", PROBE_ROUTER: 1}) as a, \
                peer(ROUTER) as r:
            joined(r, a)
            same(r.recv_multipart(), [b"prober", b""])


@both("CONNECT_ROUTING_ID names the next peer, once")
def _connect_id(cls, peer):
    with cls(ROUTER, {ROUTER_MANDATORY: 1}) as r, peer(DEALER) as a, \
            peer(DEALER) as b:
        r.set(CONNECT_ROUTING_ID, b"first")
        r.connect(a.bind(TCP))
        r.connect(b.bind(TCP))
        r.wait_peers(2)
        send_routed(r, [b"first", b"to a"])
        same(a.recv(), b"to a")
        b.send(b"from b")
        who, text = r.recv_multipart()
        same((text, len(who), who[0]), (b"from b", 5, 0))


@both("ROUTER_MANDATORY: nobody of that name, and no room")
def _mandatory(cls, peer):
    with cls(ROUTER, {ROUTER_MANDATORY: 1, SNDHWM: 2, SNDTIMEO: 0}) as r, \
            peer(DEALER, {ROUTING_ID: b"slow", RCVHWM: 2}) as d:
        fails(EHOSTUNREACH, r.send, b"nobody", True)
        joined(r, d)
        send_routed(r, [b"slow", b"0"])
        sent = 1
        try:
            while sent < 2000:
                r.send_multipart([b"slow", b"%d" % sent + body(30000)])
                sent += 1
        except OSError as e:
            same(e.errno, EAGAIN)
        if sent in (1, 2000):
            raise AssertionError(f"{sent} messages found room")
        for n in range(sent):
            same(d.recv()[:len(b"%d" % n)], b"%d" % n)
        d.nothing(100)


@both("ROUTER without MANDATORY drops what it cannot route")
def _drops(cls, peer):
    with cls(ROUTER) as r, peer(DEALER, {ROUTING_ID: b"here"}) as d:
        joined(r, d)
        d.send(b"hello")
        r.recv_multipart()
        r.send_multipart([b"nobody", b"lost", b"too"])
        r.send_multipart([b"here", b"found"])
        same(d.recv_multipart(), [b"found"])


@both("ROUTER_HANDOVER gives the name to the newcomer")
def _handover(cls, peer):
    with cls(ROUTER, {ROUTER_HANDOVER: 1}) as r, \
            peer(DEALER, {ROUTING_ID: b"name"}) as a, \
            peer(DEALER, {ROUTING_ID: b"name"}) as b:
        where = joined(r, a)
        a.send(b"first")
        same(r.recv_multipart(), [b"name", b"first"])
        b.connect(where)
        b.wait_peers(1)
        b.send(b"second")
        same(r.recv_multipart(), [b"name", b"second"])
        r.send_multipart([b"name", b"for the newcomer"])
        same(b.recv(), b"for the newcomer")
        a.nothing(100)


@both("without ROUTER_HANDOVER the name stays with the first")
def _no_handover(cls, peer):
    with cls(ROUTER) as r, peer(DEALER, {ROUTING_ID: b"name"}) as a, \
            peer(DEALER, {ROUTING_ID: b"name"}) as b:
        where = joined(r, a)
        a.send(b"first")
        same(r.recv_multipart(), [b"name", b"first"])
        b.connect(where)
        b.wait_peers(1)
        b.send(b"second")
        a.send(b"third")
        same(r.recv_multipart(), [b"name", b"third"])
        r.send_multipart([b"name", b"for the first"])
        same(a.recv(), b"for the first")
        r.nothing(100)
        b.nothing()


@kernel_only("ROUTER_NOTIFY tells when peers come and go")
def _notify(cls, peer):
    with cls(ROUTER, {ROUTER_NOTIFY: 3}) as r:
        with peer(DEALER, {ROUTING_ID: b"guest"}) as d:
            joined(r, d)
            same(r.recv_multipart(), [b"guest", b""])
            d.send(b"hello")
            same(r.recv_multipart(), [b"guest", b"hello"])
        same(r.recv_multipart(), [b"guest", b""])


# ---- requests


@both("REQ_CORRELATE with a REP, and what it looks like to a ROUTER")
def _correlate(cls, peer):
    with cls(REQ, {REQ_CORRELATE: 1}) as a, peer(REP) as p:
        joined(p, a)
        for n in range(5):
            a.send_multipart([b"%d" % n, b"part"])
            same(p.recv_multipart(), [b"%d" % n, b"part"])
            p.send(b"re %d" % n)
            same(a.recv_multipart(), [b"re %d" % n])
    with cls(REQ, {REQ_CORRELATE: 1}) as a, peer(ROUTER) as r:
        joined(r, a)
        a.send(b"question")
        who, number, empty, text = r.recv_multipart()
        same((len(number), empty, text), (4, b"", b"question"))
        for wrong in ([b"none", b"", b"x"], [b"", b"x"], [b"none", b"", b""]):
            r.send_multipart([who] + wrong)
        r.send_multipart([who, number, b"", b"right"])
        same(a.recv_multipart(), [b"right"])


@both("REQ_RELAXED: the late reply to the first request is dropped")
def _relaxed(cls, peer):
    with cls(REQ, {REQ_RELAXED: 1, REQ_CORRELATE: 1}) as a, peer(ROUTER) as r:
        joined(r, a)
        a.send(b"one")
        first = r.recv_multipart()
        a.send(b"two")
        second = r.recv_multipart()
        same((first[-1], second[-1]), (b"one", b"two"))
        r.send_multipart(first[:-1] + [b"re one"])
        r.send_multipart(second[:-1] + [b"re two"])
        same(a.recv_multipart(), [b"re two"])


@both("REQ is strict, and takes its reply only from the one it asked")
def _strict(cls, peer):
    with cls(REQ) as a, peer(ROUTER) as one, peer(ROUTER) as two:
        a.connect(one.bind(TCP))
        a.wait_peers(1)
        a.connect(two.bind(TCP))
        a.wait_peers(2)
        for asked, other in ((one, two), (two, one), (one, two)):
            a.send(b"?")
            fails(77, a.send, b"too early")
            who, *rest = asked.recv_multipart()
            same(rest, [b"", b"?"])
            asked.send_multipart([who, b"", b"!"])
            same(a.recv(), b"!")
            other.nothing()


# ---- publishing


def subscribed(publisher, *subscribers):
    """Connect, eat the notices; publisher is an XPUB."""
    joined(publisher, *subscribers)
    for s in subscribers:
        s.poll(timeout=0)


@both("XPUB passes up the first subscription and the last end")
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


@both("XPUB_VERBOSE passes up every subscription")
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


@both("XPUB_VERBOSER passes up every end as well")
def _verboser(cls, peer):
    with cls(XPUB, {XPUB_VERBOSER: 1}) as x, peer(SUB) as a, peer(SUB) as b:
        subscribed(x, a, b)
        for s in a, b:
            s.set(SUBSCRIBE, b"T")
            same(x.recv_multipart(), [b"\1T"])
        for s in a, b:
            s.set(UNSUBSCRIBE, b"T")
            same(x.recv_multipart(), [b"\0T"])


@both("XPUB_MANUAL: the program decides what a subscriber gets")
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


@kernel_only("XPUB_MANUAL_LAST_VALUE: the next message goes to the newcomer only")
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


@both("XPUB_WELCOME_MSG is the first message of a subscriber")
def _welcome(cls, peer):
    with cls(XPUB, {XPUB_WELCOME_MSG: b"Welcome"}) as x, \
            peer(SUB, {SUBSCRIBE: b"W"}) as a, peer(SUB, {SUBSCRIBE: b"x"}) as b:
        subscribed(x, a, b)
        same(a.recv(), b"Welcome")
        b.nothing(100)


@both("XPUB_NODROP: a full subscriber makes the publisher wait")
def _nodrop(cls, peer):
    with cls(XPUB, {XPUB_NODROP: 1, SNDHWM: 3, SNDTIMEO: 0}) as x, \
            peer(SUB, {SUBSCRIBE: b"", RCVHWM: 3}) as a:
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


@both("the end of a subscriber ends its subscriptions")
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


@both("INVERT_MATCHING at both ends")
def _invert(cls, peer):
    with cls(PUB, {INVERT_MATCHING: 1}) as p, \
            peer(SUB, {INVERT_MATCHING: 1, SUBSCRIBE: b"not"}) as s:
        joined(p, s)
        settle(p, s, b"other")
        for text in b"not this", b"but this", b"not", b"and this":
            p.send(text)
        same((s.recv(), s.recv()), (b"but this", b"and this"))
        s.nothing(50)


@both("800 topics of one subscriber")
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


@both("many topics, set before the connection")
def _early_topics(cls, peer):
    with cls(XPUB) as x, peer(SUB) as s:
        for n in range(800):
            s.set(SUBSCRIBE, b"%04d" % n)
        joined(x, s)
        until(lambda: s.poll(timeout=0) or x.poll(timeout=20), "a notice")
        same({x.recv() for _ in range(800)}, {b"\1%04d" % n for n in range(800)})


@kernel_only("ONLY_FIRST_SUBSCRIBE: later frames are no subscriptions")
def _only_first(cls, peer):
    with cls(XPUB, {ONLY_FIRST_SUBSCRIBE: 1}) as x, peer(XSUB) as s:
        subscribed(x, s)
        s.send_multipart([b"up", b"\1not a topic"])
        same(x.recv_multipart(), [b"up", b"\1not a topic"])
        s.send(b"\1T")
        same(x.recv_multipart(), [b"\1T"])


@both("a late subscriber gets an unbroken tail")
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


# ---- queues


@both("a full PUSH waits and loses nothing")
def _hwm_push(cls, peer):
    with cls(PUSH, {SNDHWM: 2, SNDTIMEO: 0}) as a, \
            peer(PULL, {RCVHWM: 2}) as b:
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
            a.poll(select.POLLOUT, 100)
        a.set(SNDTIMEO, 20000)
        a.send(b"end")
        got = 3
        while True:
            frames = b.recv_multipart()
            if frames == [b"end"]:
                break
            same(frames[0], b"%d" % got)
            got += 1
        same(got, sent)


@both("a publisher drops for the slow, not for the quick")
def _hwm_pub(cls, peer):
    with cls(XPUB, {SNDHWM: 10, XPUB_VERBOSE: 1}) as p, \
            peer(SUB, {SUBSCRIBE: b"", RCVHWM: 10}) as slow, \
            peer(SUB, {SUBSCRIBE: b"", RCVHWM: 10}) as quick:
        subscribed(p, slow, quick)
        for _ in range(2):
            until(lambda: slow.poll(timeout=0) or quick.poll(timeout=0)
                  or p.poll(timeout=20), "a notice")
            same(p.recv(), b"\1")
        data = body(20000)
        for n in range(1500):
            p.send(b"%d." % n + data)
            # the quick one is never behind; libzmq sees that when called
            p.poll(timeout=0)
            same(quick.recv().partition(b".")[0], b"%d" % n)
        last, count = -1, 0
        while slow.poll(timeout=300):
            n = int(slow.recv().partition(b".")[0])
            if n <= last:
                raise AssertionError(f"{n} after {last}")
            last, count = n, count + 1
        if not 0 < count < 1500:
            raise AssertionError(f"the slow one got {count} of 1500")
        if p.kernel:
            if p.stats.dropped < 1500 - count:
                raise AssertionError(f"{count} arrived, {p.stats}")
        # and has a place again
        settle(p, slow)


@both("CONFLATE at the sender: a late peer gets the last message only")
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
            for round_ in b"first", b"second":
                raw.send(*(rawpeer.message(first + round_ + b" %d" % n)
                           for n in range(100)))
                raw.send(rawpeer.command(b"PING", b"\0\0" + round_))
                same(raw.frame(), (4, b"\4PONG" + round_))
                same(s.recv(), first + round_ + b" 99")
                s.nothing()


tap.add("CONFLATE at the receiver (af_zmq)", functools.partial(conflated, K))
tap.add("CONFLATE at the receiver (libzmq)", functools.partial(conflated, L))


@kernel_only("CONFLATE refuses messages of many frames")
def _conflate_multi(cls, peer):
    with cls(PUSH, {CONFLATE: 1}) as a, peer(PULL) as b:
        joined(b, a)
        fails(22, a.send, b"part", True)
        a.send(b"whole")
        same(b.recv_multipart(), [b"whole"])


@both("IMMEDIATE: nothing is queued for a peer that is not there")
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


@both("PUSH takes turns, PULL too")
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


@both("LINGER: close() lets everything reach the peer", 60)
def _linger(cls, peer):
    with peer(PULL, {RCVHWM: 5}) as b:
        a = cls(PUSH)
        a.set(LINGER, 20000)
        joined(b, a)
        for n in range(300):
            a.send(b"%d." % n + body(5000))
        if a.kernel:
            a.close()
        else:
            a.zsock.disable_monitor()
            a.zsock.close(20000)
        for n in range(300):
            same(b.recv().partition(b".")[0], b"%d" % n)


# ---- connections


def quiet_heartbeat(binds):
    """libzmq asks every 50 ms, and goes when no answer comes."""
    with L(DEALER, {HEARTBEAT_IVL: 50, HEARTBEAT_TIMEOUT: 500}) as theirs, \
            K(DEALER) as ours:
        if binds:
            theirs.connect(ours.bind(TCP))
        else:
            ours.connect(theirs.bind(TCP))
        theirs.wait_peers(1)
        theirs.monitor.poll(1500)
        same(theirs.count(zmq.EVENT_DISCONNECTED), 0, "disconnections")
        same(theirs.peers, 1)
        ours.wait_peers(1)
        ours.send(b"still there")
        same(theirs.recv(), b"still there")


for side in True, False:
    tap.add(f"libzmq's heartbeat is answered, {'we bind' if side else 'we connect'}",
            functools.partial(quiet_heartbeat, side))


@tap.case("libzmq's heartbeat is answered while nobody reads")
def _busy_heartbeat():
    with L(PUSH, {HEARTBEAT_IVL: 50, HEARTBEAT_TIMEOUT: 500}) as theirs, \
            K(PULL) as ours:
        joined(ours, theirs)
        for _ in range(100):
            theirs.send(body(1000))
        theirs.monitor.poll(1500)
        same(theirs.count(zmq.EVENT_DISCONNECTED), 0, "disconnections")
        for _ in range(100):
            same(ours.recv(), body(1000))


@tap.case("libzmq's monitor: the handshake succeeds, the connection stays")
def _monitor():
    for binds in True, False:
        with L(PAIR) as theirs, K(PAIR) as ours:
            if binds:
                theirs.connect(ours.bind(TCP))
            else:
                ours.connect(theirs.bind(TCP))
            theirs.wait_event(zmq.EVENT_HANDSHAKE_SUCCEEDED)
            for n in range(100):
                theirs.send(b"%d" % n)
                same(ours.recv(), b"%d" % n)
            for event in (zmq.EVENT_DISCONNECTED,
                          zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                          zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
                          zmq.EVENT_HANDSHAKE_FAILED_AUTH):
                same(theirs.count(event), 0, str(event))
            ours.close()
            theirs.wait_event(zmq.EVENT_DISCONNECTED)


@both("MAXMSGSIZE ends the connection of who sends more")
def _maxmsgsize(cls, peer):
    with cls(PULL, {MAXMSGSIZE: 1000}) as a, \
            peer(PUSH, {RECONNECT_IVL: 50}) as bad, peer(PUSH) as good:
        joined(a, bad, good)
        bad.send(b"x" * 1000)
        same(a.recv(), b"x" * 1000)
        bad.send_multipart([b"first", b"x" * 1001])
        if peer is L:
            bad.wait_event(zmq.EVENT_DISCONNECTED)
        good.send(b"not disturbed")
        same(a.recv(), b"not disturbed")
        # it connects anew, its message is gone
        bad.send(b"small again")
        same(a.recv(), b"small again")
        a.nothing()


FIT = {PAIR: {PAIR}, PUB: {SUB, XSUB}, SUB: {PUB, XPUB}, REQ: {REP, ROUTER},
       REP: {REQ, DEALER}, DEALER: {REP, DEALER, ROUTER},
       ROUTER: {REQ, DEALER, ROUTER}, PULL: {PUSH}, PUSH: {PULL},
       XPUB: {SUB, XSUB}, XSUB: {PUB, XPUB}}


def misfits(kind, we_bind):
    """libzmq sockets of all types that do not fit, and one that does."""
    wrong = sorted(set(FIT) - FIT[kind])
    right = min(FIT[kind])
    with K(kind) as ours, L(right) as good:
        theirs = [L(k, {RECONNECT_IVL: 50}) for k in wrong]
        try:
            if we_bind:
                where = ours.bind(TCP)
                for t in theirs:
                    t.connect(where)
            else:
                for t in theirs:
                    ours.connect(t.bind(TCP))
            for t in theirs:
                t.wait_event(zmq.EVENT_DISCONNECTED)
                same(t.count(zmq.EVENT_HANDSHAKE_SUCCEEDED), 0,
                     f"handshakes with {afzmq.NAMES[t.kind]}")
            if we_bind:
                good.connect(where)
            else:
                ours.connect(good.bind(TCP))
            good.wait_peers(1)
            if ours.kernel:     # libzmq cannot tell which of them has gone
                ours.wait_peers(1)
        finally:
            for t in theirs:
                t.close()


for one in FIT:
    for side in True, False:
        tap.add(f"{afzmq.NAMES[one]} {'binds' if side else 'connects'}: types that "
                "do not fit are refused, at both ends",
                functools.partial(misfits, one, side))


@tap.case("what libzmq knows of us: Socket-Type, Peer-Address, Identity")
def _properties():
    with K(DEALER, {ROUTING_ID: b"it is me"}) as ours, L(ROUTER) as theirs:
        port = theirs.bind("tcp://0.0.0.0:*").rpartition(":")[2]
        ours.connect(f"tcp://127.0.0.9:*;127.0.0.1:{port}")
        ours.send(b"hello")
        frames = theirs.zsock.recv_multipart(copy=False)
        got = {key: frames[1].get(key)
               for key in ("Socket-Type", "Peer-Address", "Identity")}
        same(got, {"Socket-Type": "DEALER", "Peer-Address": "127.0.0.9",
                   "Identity": "it is me"})


@both("IPV6 with a wildcard takes peers of both families")
def _dual(cls, peer):
    with cls(PULL, {IPV6: 1}) as a, peer(PUSH) as four, \
            peer(PUSH, {IPV6: 1}) as six:
        where = a.bind("tcp://*:*")
        port = where.rpartition(":")[2]
        same(where, f"tcp://[::]:{port}")
        four.connect(f"tcp://127.0.0.1:{port}")
        six.connect(f"tcp://[::1]:{port}")
        four.send(b"4")
        same(a.recv(), b"4")
        six.send(b"6")
        same(a.recv(), b"6")


@both("unbind: the port closes, connections end or stay as in libzmq")
def _unbind(cls, peer):
    with cls(PULL) as a, peer(PUSH, {RECONNECT_IVL: 50}) as b, \
            peer(PUSH, {RECONNECT_IVL: 50, RCVTIMEO: 1000}) as late:
        where = a.bind(TCP)
        second = a.bind(TCP)
        b.connect(where)
        b.connect(second)
        b.wait_peers(2)
        a.unbind(second)
        late.connect(second)
        for _ in range(4):
            b.send(b"x")
        same(a.recv(), b"x")
        same(late.peers, 0)
        late.connect(where)
        late.wait_peers(1)


@both("disconnect: the peer sees it go, and come again")
def _disconnect(cls, peer):
    with cls(DEALER) as a, peer(DEALER) as b:
        where = joined(b, a)
        for n in range(3):
            a.disconnect(where)
            # libzmq does it when it is next called
            until(lambda: (a.poll(timeout=0), b.peers == 0)[1], "the end")
            if a.kernel:    # libzmq's monitor does not tell of its own doing
                a.wait_peers(0)
            a.connect(where)
            b.wait_peers(1)
            a.send(b"%d" % n)
            same(b.recv(), b"%d" % n)


tap.run()
