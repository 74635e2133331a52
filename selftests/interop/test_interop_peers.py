#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 60
"""What AF_ZMQ tells of its libzmq peers, and libzmq of the same."""

import ctypes
import errno
import functools
import os

import zmq

import afzmq
from afzmq import (DEALER, LINGER, PAIR, PULL, PUSH, RECVPEER, ROUTER,
                   ROUTING_ID)
from interop import Cases, K, L, TCP
from ztap import fails, same

tap = Cases()
METADATA = 95
READY = 3
LOCAL, BOUND = 1, 2


def ipc(name):
    return f"ipc://{os.getcwd()}/{name}"


def set_metadata(theirs, text):
    """pyzmq does not know the option, libzmq does."""
    lib = ctypes.CDLL("libzmq.so.5", use_errno=True)
    sock = ctypes.c_void_p(theirs.zsock.underlying)
    if lib.zmq_setsockopt(sock, METADATA, text, ctypes.c_size_t(len(text))):
        raise OSError(ctypes.get_errno(), "ZMQ_METADATA")


def from_libzmq(where):
    with K(ROUTER, {RECVPEER: 1}) as ours, \
            L(DEALER, {ROUTING_ID: b"anna"}) as theirs:
        set_metadata(theirs, b"X-Color:blue")
        where = ours.bind(where)
        theirs.connect(where)
        ours.wait_peers(1)
        (peer, rid, local, remote), = ours.peer_list()
        same((peer.state, peer.type), (READY, DEALER))
        same((rid, local), (b"anna", where.encode()))
        same(ours.peer_prop(peer.handle, "Socket-Type"), b"DEALER")
        same(ours.peer_prop(peer.handle, "Identity"), b"anna")
        same(ours.peer_prop(peer.handle, "X-Color"), b"blue")
        fails(errno.ENOENT, ours.peer_prop, peer.handle, "User-Id")
        address = ours.peer_prop(peer.handle, "Peer-Address")
        if where.startswith("ipc"):
            same(peer.flags, LOCAL | BOUND)
            same((peer.pid, peer.uid, peer.gid),
                 (os.getpid(), os.getuid(), os.getgid()))
            same(remote, b"")
            same(address, b"localhost:%d:%d:%d"
                 % (os.getuid(), os.getgid(), os.getpid()))
        else:
            same((peer.flags, peer.pid), (BOUND, -1))
            same(remote[:16], b"tcp://127.0.0.1:")
            same(address, b"127.0.0.1")
        theirs.send(b"one")
        same(ours.recv_multipart(), [b"anna", b"one"])
        ours.send_multipart([b"anna", b"two"])
        same(theirs.recv(), b"two")
        (peer, *_), = ours.peer_list()
        same((peer.sent, peer.received, peer.dropped), (1, 1, 0))
        # the sender of the last message is known when it has left
        theirs.close()
        ours.wait_peers(0)
        same(ours.peer_list(), [])
        same(ours.peer_prop(peer.handle, "X-Color"), b"blue")


def both_say(where):
    """libzmq of a message of ours and we of one of libzmq: the same words."""
    with K(PAIR) as ours, L(PAIR) as theirs:
        theirs.connect(ours.bind(where))
        ours.wait_peers(1)
        ours.send(b"x")
        frame = theirs.zsock.recv(copy=False)
        (peer, *_), = ours.peer_list()
        same(ours.peer_prop(peer.handle, "Peer-Address").decode(),
             frame.get("Peer-Address"))
        same(frame.get("Socket-Type"), "PAIR")
        same(ours.peer_prop(peer.handle, "Socket-Type"), b"PAIR")


for way in TCP, ipc("a"), "ipc://@kzmq-peers":
    tap.add(f"a libzmq peer is listed and described, {way[:4]}",
            functools.partial(from_libzmq, way))
for way in TCP, ipc("b"):
    tap.add(f"Peer-Address as libzmq gives it, {way[:3]}",
            functools.partial(both_say, way))


@tap.case("inproc: no properties, with libzmq and with us; the rest is listed")
def _inproc():
    words = ("Socket-Type", "Identity", "Routing-Id", "Peer-Address",
             "User-Id", "X-Color")
    where = "inproc://peers"
    with L(ROUTER) as a, L(DEALER, {ROUTING_ID: b"anna"}) as b:
        set_metadata(b, b"X-Color:blue")
        a.bind(where)
        b.connect(where)
        b.send(b"one")
        for frame in a.zsock.recv_multipart(copy=False):
            for word in words:
                try:
                    raise AssertionError(f"{word}: {frame.get(word)!r}")
                except zmq.ZMQError as e:
                    same(e.errno, errno.EINVAL)
    with K(ROUTER, {RECVPEER: 1}) as a, \
            K(DEALER, {ROUTING_ID: b"anna"}) as b:
        b.set(METADATA, b"X-Color:blue")
        a.bind(where)
        b.connect(where)
        b.send(b"one")
        same(a.recv_multipart(), [b"anna", b"one"])
        (peer, rid, local, remote), = a.peer_list()
        same((peer.state, peer.type), (READY, DEALER))
        same((rid, local, remote), (b"anna", where.encode(), b""))
        same((peer.flags, peer.pid, peer.uid, peer.gid),
             (LOCAL | BOUND, os.getpid(), os.getuid(), os.getgid()))
        same((peer.sent, peer.received, peer.dropped), (0, 1, 0))
        for word in words:
            fails(errno.ENOENT, a.peer_prop, peer.handle, word)


@tap.case("we connect: the peer's end is the endpoint")
def _connecting():
    for where in TCP, ipc("c"):
        with L(PULL) as theirs, K(PUSH, {LINGER: 0}) as ours:
            where = theirs.bind(where)
            ours.connect(where)
            ours.wait_peers(1)
            (peer, rid, _, remote), = ours.peer_list()
            same((peer.type, peer.flags & BOUND), (PULL, 0))
            same((rid, remote), (b"", where.encode()))


@tap.case("two hundred peers, a page of 1024 octets at a time")
def _pages():
    with K(PULL) as ours:
        where = ours.bind(TCP)
        others = [afzmq.Socket(PUSH) for _ in range(200)]
        for s in others:
            s.connect(where)
        ours.wait_peers(200, 25)
        seen = ours.peer_list()
        same(len({p[0].handle for p in seen}), 200)
        same(len({p[3] for p in seen}), 200, "addresses")
        for s in others:
            s.close()
        ours.wait_peers(0)
        same(ours.peer_list(), [])


tap.run()
