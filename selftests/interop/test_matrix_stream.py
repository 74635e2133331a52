#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 90
"""STREAM against raw TCP and against libzmq's STREAM, either end binding."""

import functools
import socket

import afzmq
import lzmq
import rawpeer
from afzmq import (CONNECT_ROUTING_ID, IPV6, STREAM,
                   STREAM_NOTIFY)
from matrix import DATA, HOSTS, SIZES
from ztap import Tap, fails, same, until

K = afzmq.under_test()
tap = Tap()
EHOSTUNREACH = 113


def collect(stream, who, count):
    """Read until a peer has given so many octets."""
    got = b""
    while len(got) < count:
        sender, data = stream.recv_multipart()
        same(sender, who, "peer")
        if not data:
            raise AssertionError(f"the peer left after {len(got)} octets")
        got += data
    return got


def made_id(who):
    if len(who) != 5 or who[0]:
        raise AssertionError(f"strange id {who!r}")


def came(stream):
    """The notice of a new peer; its id."""
    who, data = stream.recv_multipart()
    same(data, b"", "notice")
    return who


def left(stream, who):
    same(stream.recv_multipart(), [who, b""], "notice of the end")


def raw_pair(binds, host, options=()):
    """The stream socket and the TCP socket, connected."""
    stream = K(STREAM, {IPV6: int(host == "ipv6"), **dict(options)})
    if binds:
        raw = rawpeer.connect(stream.bind(HOSTS[host]))
    else:
        family, where = ((socket.AF_INET6, "::1") if host == "ipv6"
                         else (socket.AF_INET, "127.0.0.1"))
        with socket.create_server((where, 0), family=family) as listener:
            listener.settimeout(rawpeer.WAIT)
            port = listener.getsockname()[1]
            stream.connect(HOSTS[host].replace("*", str(port)))
            raw = rawpeer.Raw(listener.accept()[0])
    return stream, raw


def against_tcp(binds, host):
    stream, raw = raw_pair(binds, host)
    with stream, raw:
        who = came(stream)
        made_id(who)
        for size in SIZES[1:]:
            data = DATA[size:2 * size]
            raw.send(data)
            same(collect(stream, who, size), data, "upwards")
            stream.send_multipart([who, data])
            same(raw.read(size), data, "downwards")
        # no frame of ours: no greeting, no length, no flags
        same(raw.rest(), (b"", False), "what else came down")


def unreachable(stream, who):
    """libzmq knows the peer for a moment longer, with no room for it."""
    try:
        stream.send(who, True, stream.DONTWAIT)
    except OSError as e:
        if e.errno == EHOSTUNREACH or stream.kernel:
            return e.errno == EHOSTUNREACH
        stream.poll(timeout=0)
    return False


def tcp_leaves(binds):
    stream, raw = raw_pair(binds, "ipv4")
    with stream, raw:
        who = came(stream)
        raw.send(b"bye")
        raw.close()
        same(collect(stream, who, 3), b"bye")
        left(stream, who)
        if binds:
            until(lambda: unreachable(stream, who), "EHOSTUNREACH")


def we_close(binds):
    stream, raw = raw_pair(binds, "ipv4")
    with stream, raw:
        who = came(stream)
        stream.send_multipart([who, b"last words"])
        same(raw.read(10), b"last words")
        stream.send_multipart([who, b""])
        # libzmq closes it when it is next called
        until(lambda: (stream.poll(timeout=0), raw.rest())[1] == (b"", True),
              "the end of the connection")


for side in True, False:
    words = "binds" if side else "connects"
    for ip in "ipv4", "ipv6":
        tap.add(f"STREAM {words}, raw TCP over {ip}",
                functools.partial(against_tcp, side, ip), 60)
    tap.add(f"STREAM {words}, the TCP peer leaves",
            functools.partial(tcp_leaves, side))
    tap.add(f"STREAM {words} and closes the connection",
            functools.partial(we_close, side))


@tap.case("STREAM without notices")
def _quiet():
    stream, raw = raw_pair(True, "ipv4", {STREAM_NOTIFY: 0})
    with stream, raw:
        raw.send(b"first")
        who, data = stream.recv_multipart()
        data += collect(stream, who, 5 - len(data)) if len(data) < 5 else b""
        same(data, b"first")
        raw.close()
        stream.nothing(300)


@tap.case("STREAM sends to nobody")
def _nobody():
    with K(STREAM) as stream:
        stream.bind(HOSTS["ipv4"])
        fails(EHOSTUNREACH, stream.send, b"\0abcd", True)


@tap.case("STREAM names the peer it connects to")
def _named():
    with K(STREAM) as stream, rawpeer.Listener() as listener:
        stream.set(CONNECT_ROUTING_ID, b"the server")
        stream.connect(listener.endpoint)
        with listener.accept() as raw:
            same(came(stream), b"the server", "id")
            stream.send_multipart([b"the server", b"GET"])
            same(raw.read(3), b"GET")


@tap.case("STREAM with 20 peers keeps them apart")
def _many():
    with K(STREAM) as stream:
        where = stream.bind(HOSTS["ipv4"])
        raws, names = [], []
        for n in range(20):
            raws.append(rawpeer.connect(where))
            names.append(came(stream))
            raws[n].send(b"from %d" % n)
            same(collect(stream, names[n], len(b"from %d" % n)), b"from %d" % n)
        same(len(set(names)), 20, "different ids")
        for n in reversed(range(20)):
            stream.send_multipart([names[n], b"to %02d" % n])
        for n, raw in enumerate(raws):
            same(raw.read(5), b"to %02d" % n)
            raw.close()
        gone = {tuple(stream.recv_multipart()) for _ in raws}
        same(gone, {(name, b"") for name in names}, "notices")


def against_libzmq(kernel_binds):
    ours, theirs = K(STREAM), lzmq.Socket(STREAM)
    with ours, theirs:
        binder, other = (ours, theirs) if kernel_binds else (theirs, ours)
        other.connect(binder.bind(HOSTS["ipv4"]))
        our_peer, their_peer = came(ours), came(theirs)
        for size in SIZES[1:]:
            data = DATA[size:2 * size]
            ours.send_multipart([our_peer, data])
            same(collect(theirs, their_peer, size), data, "to libzmq")
            theirs.send_multipart([their_peer, data])
            same(collect(ours, our_peer, size), data, "from libzmq")
        theirs.send_multipart([their_peer, b""])
        # libzmq closes it when it is next called
        until(lambda: theirs.poll(timeout=0) or ours.poll(timeout=20),
              "the end of the connection")
        left(ours, our_peer)


for side in True, False:
    tap.add(f"STREAM with libzmq's STREAM, {'af_zmq' if side else 'libzmq'} binds",
            functools.partial(against_libzmq, side), 60)

tap.run()
