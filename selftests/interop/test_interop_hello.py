#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 120
"""What a socket says by itself, with libzmq at the other end: HELLO_MSG,
DISCONNECT_MSG, HICCUP_MSG, METADATA."""

from afzmq import (DEALER, DISCONNECT_MSG, HELLO_MSG, HICCUP_MSG, METADATA, PAIR,
                   PULL, PUSH, RECONNECT_IVL, REP, ROUTER, ROUTING_ID)
from interop import Cases, K, L, TCP
from ztap import Skip, brief, fails, same

EINVAL = 22
tap = Cases()


def kernel():
    """libzmq 4.3.4 knows HELLO_MSG and its kin in a draft build only."""
    if not K.kernel:
        raise Skip("for AF_ZMQ only")


@tap.case("HELLO_MSG is the first message libzmq gets, bound and connecting")
def _hello():
    kernel()
    for kind, peer in (DEALER, DEALER), (DEALER, ROUTER), (ROUTER, DEALER):
        for binds in True, False:
            with K(kind, {HELLO_MSG: b"hello", ROUTING_ID: b"us"}) as ours, \
                    L(peer, {RECONNECT_IVL: 50, ROUTING_ID: b"them"}) as theirs:
                if binds:
                    theirs.connect(ours.bind(TCP))
                else:
                    ours.connect(theirs.bind(TCP))
                front = [b"us"] if peer == ROUTER else []
                same(theirs.recv_multipart(), front + [b"hello"])
                theirs.send_multipart(front + [b"thanks"])
                front = [b"them"] if kind == ROUTER else []
                same(ours.recv_multipart(), front + [b"thanks"])
                ours.send_multipart(front + [b"second"])
                same(theirs.recv_multipart()[-1], b"second")
                same(theirs.poll(timeout=50), 0, "messages left")


@tap.case("HELLO_MSG of DEALER is no request to libzmq's REP")
def _hello_rep():
    kernel()
    with K(DEALER, {HELLO_MSG: b"no envelope"}) as ours, L(REP) as theirs:
        ours.connect(theirs.bind(TCP))
        ours.send_multipart([b"", b"question"])
        same(theirs.recv(), b"question")
        theirs.send(b"answer")
        same(ours.recv_multipart(), [b"", b"answer"])


@tap.case("DISCONNECT_MSG: behind the last message of each libzmq peer that goes")
def _disconnect():
    kernel()
    with K(ROUTER, {DISCONNECT_MSG: b"gone"}) as ours:
        where = ours.bind(TCP)
        peers = []
        for n in range(5):
            peers.append(L(DEALER, {ROUTING_ID: b"peer %d" % n}))
            peers[n].connect(where)
            peers[n].send(b"hello")
            same(ours.recv_multipart(), [b"peer %d" % n, b"hello"])
        for n, peer in enumerate(peers):
            for m in range(20):
                peer.send(b"%d" % m)
            peer.zsock.close(-1)
            for m in range(20):
                same(ours.recv_multipart(), [b"peer %d" % n, b"%d" % m])
            same(ours.recv_multipart(), [b"peer %d" % n, b"gone"])
        same(ours.poll(timeout=100), 0, "messages left")


@tap.case("HICCUP_MSG: libzmq goes and comes again")
def _hiccup():
    kernel()
    with K(DEALER, {HICCUP_MSG: b"hiccup", RECONNECT_IVL: 20}) as ours:
        where = None
        for _ in range(5):
            with L(DEALER) as theirs:
                # libzmq lets go of the address some time after close()
                where = again(theirs, where) if where else theirs.bind(TCP)
                ours.connect(where)
                theirs.send(b"here")
                same(ours.recv(), b"here")
                ours.send(b"and here")
                same(theirs.recv(), b"and here")
            same(ours.recv(), b"hiccup")
        same(ours.poll(timeout=100), 0, "messages left")


def again(sock, where):
    """Bind once the address is free."""
    while True:
        try:
            return sock.bind(where)
        except OSError as e:
            if e.errno != 98:
                raise
        sock.monitor.poll(10)


@tap.both("METADATA: what may be set")
def _metadata_set(cls, _peer):
    with cls(PAIR) as s:
        for bad in (b"", b":", b"X-a", b"X-a:", b":X-a", b"a:b", b"x-a:b",
                    b"X-:b"):
            try:
                fails(EINVAL, s.set, METADATA, bad)
            except AssertionError as e:
                raise AssertionError(f"{brief(bad)}: {e}") from e
        for good in (b"X-a:b", b"X-a:c", b"X-:bc", b"X-b::", b"X-c:d:e",
                     b"X-" + b"n" * 252 + b":v"):
            s.set(METADATA, good)


@tap.case("METADATA: libzmq's messages carry the properties we tell")
def _metadata_to_libzmq():
    props = {"X-one": "1", "X-two": "a:b", "X-long": "v" * 300, "X-": "xx"}
    for binds in True, False:
        with K(PUSH) as ours, L(PULL) as theirs:
            for name, value in props.items():
                ours.set(METADATA, f"{name}:{value}")
            ours.set(METADATA, "X-one:second")
            if binds:
                theirs.connect(ours.bind(TCP))
            else:
                ours.connect(theirs.bind(TCP))
            ours.send(b"x")
            frame = theirs.zsock.recv(copy=False)
            same({name: frame.get(name) for name in props}, props)
            same(frame.get("Socket-Type"), "PUSH")


@tap.case("METADATA: libzmq's many properties do us no harm")
def _metadata_from_libzmq():
    for binds in True, False:
        with K(PULL) as ours, L(PUSH) as theirs:
            for n in range(100):
                theirs.zsock.set(METADATA, b"X-%d:" % n + b"v" * 500)
            if binds:
                theirs.connect(ours.bind(TCP))
            else:
                ours.connect(theirs.bind(TCP))
            theirs.send(b"through")
            same(ours.recv(), b"through")


tap.run()
