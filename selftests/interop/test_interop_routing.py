#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 60
"""Options of ROUTER, DEALER, REQ and REP as libzmq sees them, and as AF_ZMQ sees
libzmq's."""

from afzmq import (CONNECT_ROUTING_ID, DEALER, PROBE_ROUTER, RCVHWM, REP, REQ,
                   REQ_CORRELATE, REQ_RELAXED, ROUTER, ROUTER_HANDOVER,
                   ROUTER_MANDATORY, ROUTER_NOTIFY, ROUTING_ID, SNDHWM,
                   SNDTIMEO)
from interop import Cases, EAGAIN, EHOSTUNREACH, SMALL, TCP, joined
from matrix import body, send_routed
from ztap import fails, same

tap = Cases()


# ---- routing


@tap.both("ROUTING_ID of DEALER and REQ reaches a ROUTER")
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


@tap.both("PROBE_ROUTER announces DEALER, REQ and ROUTER")
def _probe(cls, peer):
    for kind in DEALER, REQ, ROUTER:
        with cls(kind, {ROUTING_ID: b"prober", PROBE_ROUTER: 1}) as a, \
                peer(ROUTER) as r:
            joined(r, a)
            same(r.recv_multipart(), [b"prober", b""])


@tap.both("CONNECT_ROUTING_ID names the next peer, once")
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


@tap.both("ROUTER_MANDATORY: nobody of that name, and no room")
def _mandatory(cls, peer):
    with cls(ROUTER, {**SMALL, ROUTER_MANDATORY: 1, SNDHWM: 2, SNDTIMEO: 0}) as r, \
            peer(DEALER, {**SMALL, ROUTING_ID: b"slow", RCVHWM: 2}) as d:
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


@tap.both("ROUTER without MANDATORY drops what it cannot route")
def _drops(cls, peer):
    with cls(ROUTER) as r, peer(DEALER, {ROUTING_ID: b"here"}) as d:
        joined(r, d)
        d.send(b"hello")
        r.recv_multipart()
        r.send_multipart([b"nobody", b"lost", b"too"])
        r.send_multipart([b"here", b"found"])
        same(d.recv_multipart(), [b"found"])


@tap.both("ROUTER_HANDOVER gives the name to the newcomer")
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


@tap.both("without ROUTER_HANDOVER the name stays with the first")
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


@tap.kernel_only("ROUTER_NOTIFY tells when peers come and go")
def _notify(cls, peer):
    with cls(ROUTER, {ROUTER_NOTIFY: 3}) as r:
        with peer(DEALER, {ROUTING_ID: b"guest"}) as d:
            joined(r, d)
            same(r.recv_multipart(), [b"guest", b""])
            d.send(b"hello")
            same(r.recv_multipart(), [b"guest", b"hello"])
        same(r.recv_multipart(), [b"guest", b""])


# ---- requests


@tap.both("REQ_CORRELATE with a REP, and what it looks like to a ROUTER")
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


@tap.both("REQ_RELAXED: the late reply to the first request is dropped")
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


@tap.both("REQ is strict, and takes its reply only from the one it asked")
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


tap.run()
