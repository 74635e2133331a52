#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 90
"""Heartbeats, libzmq's monitor, limits, types that do not fit, addresses, and
how connections end: AF_ZMQ with libzmq."""

import functools

import zmq

import afzmq
from afzmq import (DEALER, HEARTBEAT_IVL, HEARTBEAT_TIMEOUT, IPV6, MAXMSGSIZE,
                   PAIR, PUB, PULL, PUSH, RCVTIMEO, RECONNECT_IVL, REP, REQ,
                   ROUTER, ROUTING_ID, SUB, XPUB, XSUB)
from interop import Cases, K, L, TCP, joined
from matrix import body
from ztap import SLOW, same, until

tap = Cases()


# what libzmq waits for an answer: more than the two of us may be kept from running
BEATS = {HEARTBEAT_IVL: 50, HEARTBEAT_TIMEOUT: 2000 * SLOW}
LATE = 2500 * SLOW      # when it would have gone


def quiet_heartbeat(binds):
    """libzmq asks every 50 ms, and goes when no answer comes."""
    with L(DEALER, BEATS) as theirs, K(DEALER) as ours:
        if binds:
            theirs.connect(ours.bind(TCP))
        else:
            ours.connect(theirs.bind(TCP))
        theirs.wait_peers(1)
        theirs.monitor.poll(LATE)
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
    with L(PUSH, BEATS) as theirs, K(PULL) as ours:
        joined(ours, theirs)
        for _ in range(100):
            theirs.send(body(1000))
        theirs.monitor.poll(LATE)
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


@tap.both("MAXMSGSIZE ends the connection of who sends more")
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
        # it connects anew; what it sends before it knows is lost
        until(lambda: bad.send(b"small again") or a.poll(timeout=100),
              "the new connection")
        same(a.recv_multipart(), [b"small again"])


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


@tap.both("IPV6 with a wildcard takes peers of both families")
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


@tap.both("unbind: the port closes, connections end or stay as in libzmq")
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


@tap.both("disconnect: the peer sees it go, and come again")
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
