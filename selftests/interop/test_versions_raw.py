#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 120
"""Raw peers of ZMTP 1.0, 2.0, 3.0 and 3.1, listening and connecting.

Every script runs against libzmq and against AF_ZMQ.  What it expects is
written down octet by octet, and the octets that came from the two must be the
same.  Known differences: an empty Identity property (versions.read_ready()) and
the form of an XSUB's subscriptions (versions.read_subscription()).
"""

import functools

import afzmq
from afzmq import (DEALER, PAIR, PUB, PULL, PUSH, REP, REQ, ROUTER, ROUTING_ID,
                   SUB, SUBSCRIBE, UNSUBSCRIBE, XPUB, XSUB)
from matrix import body
from versions import (ALL, Session, V1, differential, expected_hello,
                      read_subscription)
from ztap import Tap, same, until

K = afzmq.under_test()
tap = Tap()

MESSAGES = ([b"hello"], [b""], [b"a", b"", b"c"], [body(253)], [body(254)],
            [body(255)], [body(256)], [body(300), body(70000)], [b"", b""])


def begin(cls, version, kind, raw_kind, listens, options=(), identity=b""):
    """A session whose two sides have said hello, and were checked."""
    s = Session(cls, kind, listens, options)
    try:
        got = version.shake(s.raw, raw_kind, identity)
        s.note("hello", got)
        same(got, expected_hello(version, afzmq.NAMES[kind].encode(),
                                 dict(options).get(ROUTING_ID, b"")), "hello")
    except BaseException:
        s.close()
        raise
    return s


def script(kind, raw_kind, **options):
    """Decorator: the rest of a session of these two types."""
    def add(fn):
        def play(version, listens, cls):
            with begin(cls, version, kind, raw_kind, listens, **options) as s:
                fn(s, version)
                return s

        for version in ALL:
            for listens in False, True:
                side = "listens" if listens else "connects"
                tap.add(f"{version.name} {fn.__doc__}, the raw peer {side}",
                        functools.partial(differential, K, functools.partial(
                            play, version, listens)))
        return fn
    return add


@script(PULL, b"PUSH")
def push_to_pull(s, v):
    """PUSH to a PULL"""
    for frames in MESSAGES:
        s.raw.send(v.encode(*frames))
        same(s.target.recv_multipart(), frames)
    # many in a segment, one in many segments
    s.raw.send(b"".join(v.encode(*m) for m in MESSAGES))
    for frames in MESSAGES:
        same(s.target.recv_multipart(), frames)
    s.raw.dribble(v.encode(b"drop", b"", b"by drop") + v.encode(body(255)))
    same(s.target.recv_multipart(), [b"drop", b"", b"by drop"])
    same(s.target.recv_multipart(), [body(255)])
    s.quiet()


@script(PUSH, b"PULL")
def push_from(s, v):
    """PULL from a PUSH"""
    for frames in MESSAGES:
        s.target.send_multipart(frames)
        s.expect(v.encode(*frames))
    for frames in MESSAGES:
        s.target.send_multipart(frames)
    s.expect(b"".join(v.encode(*m) for m in MESSAGES))
    s.quiet()


@script(PAIR, b"PAIR")
def pair(s, v):
    """PAIR and PAIR"""
    for frames in MESSAGES:
        s.raw.send(v.encode(*frames))
        same(s.target.recv_multipart(), frames)
        s.target.send_multipart(frames)
        s.expect(v.encode(*frames))
    s.quiet()


@script(SUB, b"PUB", options={SUBSCRIBE: b"A"})
def publisher(s, v):
    """PUB to a SUB, which filters"""
    s.expect(v.subscription(b"A"))
    s.target.set(SUBSCRIBE, b"B" * 200)
    s.expect(v.subscription(b"B" * 200))
    for topic in b"A1", b"C", b"", b"B" * 199, b"B" * 201, b"a", b"A":
        s.raw.send(v.encode(topic, b"content"))
    for topic in b"A1", b"B" * 201, b"A":
        same(s.target.recv_multipart(), [topic, b"content"])
    # a topic of two subscribers goes when both have gone
    s.target.set(SUBSCRIBE, b"A")
    s.expect(v.subscription(b"A"))
    s.target.set(UNSUBSCRIBE, b"A")
    s.target.set(UNSUBSCRIBE, b"B" * 200)
    s.expect(v.subscription(b"B" * 200, False))
    s.target.set(UNSUBSCRIBE, b"A")
    s.expect(v.subscription(b"A", False))
    s.quiet()


@script(XSUB, b"XPUB")
def xpublisher(s, v):
    """XPUB to an XSUB, which passes on what it gets"""
    s.target.send(b"\1A")
    same(s.note("sub", read_subscription(s.raw, v)), (True, b"A"))
    s.raw.send(v.encode(b"A", b"x"), v.encode(b"other"))
    same(s.target.recv_multipart(), [b"A", b"x"])
    same(s.target.recv_multipart(), [b"other"])
    s.target.send(b"\0A")
    same(s.note("unsub", read_subscription(s.raw, v)), (False, b"A"))
    s.target.send_multipart([b"up", b"wards"])
    s.expect(v.encode(b"up", b"wards"))
    s.quiet()


def notice(s, frames):
    """What an XPUB tells its program."""
    same(s.note("notice", s.target.recv_multipart()), frames, "notice")


@script(XPUB, b"XSUB")
def xsubscriber(s, v):
    """XSUB to an XPUB"""
    if v is V1:
        # such a peer may not be able to subscribe: it gets everything
        notice(s, [b"\1"])
        s.target.send_multipart([b"any", b"thing"])
        s.expect(v.encode(b"any", b"thing"))
        s.quiet()
        return
    s.raw.send(v.subscription(b"A"), v.subscription(b"AB"))
    notice(s, [b"\1A"])
    notice(s, [b"\1AB"])
    for topic in b"A", b"B", b"", b"AB", b"BA", b"A" * 300:
        s.target.send_multipart([topic, b"content"])
    for topic in b"A", b"AB", b"A" * 300:
        s.expect(v.encode(topic, b"content"))
    s.raw.send(v.subscription(b"A", False))
    notice(s, [b"\0A"])
    s.target.send(b"A")
    s.target.send(b"ABC")
    s.expect(v.encode(b"ABC"))
    s.raw.send(v.encode(b"up", b"wards"))
    notice(s, [b"up", b"wards"])
    s.quiet()


@script(PUB, b"SUB")
def subscriber(s, v):
    """SUB to a PUB"""
    if v.subscribes:
        s.raw.send(v.subscription(b"A"))
    until(lambda: s.target.send(b"A") or s.raw.waits(0.02), "the subscription")
    s.target.send(b"B")
    s.target.send_multipart([b"A", b"last"])
    got = v.read(s.raw)
    while got == [b"A"]:
        got = v.read(s.raw)
    if not v.subscribes:
        same(s.note("all", got), [b"B"])
        got = v.read(s.raw)
    same(s.note("last", got), [b"A", b"last"])
    s.quiet()


@script(REP, b"REQ")
def request(s, v):
    """REQ to a REP"""
    for frames in MESSAGES:
        s.raw.send(v.encode(b"", *frames))
        same(s.target.recv_multipart(), frames)
        s.target.send_multipart(frames)
        s.expect(v.encode(b"", *frames))
    # an envelope comes back, a message without its end is dropped
    s.raw.send(v.encode(b"no end"), v.encode(b"one", b"two", b"", b"body"))
    same(s.target.recv_multipart(), [b"body"])
    s.target.send(b"reply")
    s.expect(v.encode(b"one", b"two", b"", b"reply"))
    s.quiet()


@script(REQ, b"REP")
def reply(s, v):
    """REP to a REQ"""
    for frames in MESSAGES:
        s.target.send_multipart(frames)
        s.expect(v.encode(b"", *frames))
        s.raw.send(v.encode(b"", *frames))
        same(s.target.recv_multipart(), frames)
    s.quiet()


@script(ROUTER, b"DEALER", identity=b"raw peer")
def dealer(s, v):
    """DEALER with an identity to a ROUTER"""
    for frames in MESSAGES:
        s.raw.send(v.encode(*frames))
        same(s.target.recv_multipart(), [b"raw peer"] + frames)
        s.target.send_multipart([b"raw peer"] + frames)
        s.expect(v.encode(*frames))
    s.quiet()


@script(ROUTER, b"DEALER")
def nameless(s, v):
    """DEALER without an identity to a ROUTER"""
    s.raw.send(v.encode(b"hello"))
    who, text = s.target.recv_multipart()
    same((len(who), who[0], text), (5, 0, b"hello"))
    s.target.send_multipart([who, b"", b"answer"])
    s.expect(v.encode(b"", b"answer"))
    s.quiet()


@script(ROUTER, b"REQ", identity=b"\xff" * 255)
def longname(s, v):
    """REQ with the longest identity to a ROUTER"""
    s.raw.send(v.encode(b"", b"hello"))
    same(s.target.recv_multipart(), [b"\xff" * 255, b"", b"hello"])
    s.target.send_multipart([b"\xff" * 255, b"", b"answer"])
    s.expect(v.encode(b"", b"answer"))
    s.quiet()


@script(DEALER, b"ROUTER", options={ROUTING_ID: b"our name"})
def router(s, v):
    """ROUTER to a DEALER with an identity"""
    for frames in MESSAGES:
        s.target.send_multipart(frames)
        s.expect(v.encode(*frames))
        s.raw.send(v.encode(*frames))
        same(s.target.recv_multipart(), frames)
    s.quiet()


@script(ROUTER, b"ROUTER", options={ROUTING_ID: b"n" * 255}, identity=b"raw")
def routers(s, v):
    """ROUTER to a ROUTER with the longest identity"""
    s.raw.send(v.encode(b"hello"))
    same(s.target.recv_multipart(), [b"raw", b"hello"])
    s.target.send_multipart([b"raw", b"answer"])
    s.expect(v.encode(b"answer"))
    s.quiet()


@script(REQ, b"ROUTER", options={ROUTING_ID: b"asker"})
def asked_router(s, v):
    """ROUTER to a REQ with an identity"""
    s.target.send(b"question")
    s.expect(v.encode(b"", b"question"))
    s.raw.send(v.encode(b"", b"answer", b"more"))
    same(s.target.recv_multipart(), [b"answer", b"more"])
    s.quiet()


tap.run()
