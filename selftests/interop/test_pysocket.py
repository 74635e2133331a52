#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 60
"""Python's stock socket module does everything: sockets, endpoints, options and
the patterns, AF_ZMQ at both ends. Endpoints go by setsockopt()."""

import errno
import functools
import os
import select
import socket
import struct

import afzmq
from afzmq import (AFFINITY, AF_ZMQ, BACKLOG, BIND, CONFLATE, CONNECT,
                   CONNECT_ROUTING_ID, DEALER, DISCONNECT, EVENTS,
                   HANDSHAKE_IVL, IMMEDIATE, INVERT_MATCHING, IPV6,
                   LAST_ENDPOINT, LINGER, MAXMSGSIZE, MECHANISM, PAIR, PUB,
                   PULL, PUSH, RCVBATCH, RCVBUF, RCVHWM, RCVMORE, RCVTIMEO,
                   RECONNECT_IVL, RECONNECT_IVL_MAX, REP, REQ, ROUTER,
                   ROUTER_MANDATORY, ROUTING_ID, SNDBUF, SNDHWM, SNDTIMEO,
                   SOL_ZMQ, STATS, STREAM, SUB, SUBSCRIBE, THREAD_SAFE, TOS,
                   TYPE, UNBIND, UNSUBSCRIBE, XPUB, XSUB, Couple, Socket)
from ztap import SLOW, Tap, fails, same, until

tap = Tap()
TCP = "tcp://127.0.0.1:*"


def made(kind=PAIR):
    """A socket as the module makes it, without our helper's options."""
    return socket.socket(AF_ZMQ, socket.SOCK_SEQPACKET, kind)


# ---- making sockets


@tap.case("every type can be made and tells what it is")
def _types():
    for kind, name in enumerate(afzmq.NAMES):
        with made(kind) as s:
            same((s.family, s.type, s.proto),
                 (AF_ZMQ, socket.SOCK_SEQPACKET, kind), name)
            same(s.getsockopt(SOL_ZMQ, TYPE), kind, name)
            with socket.socket(fileno=os.dup(s.fileno())) as again:
                same((again.family, again.type, again.proto),
                     (AF_ZMQ, socket.SOCK_SEQPACKET, kind), name)
            with s.dup() as again:
                same(again.getsockopt(SOL_ZMQ, TYPE), kind, name)


@tap.case("flags of socket(): non-blocking, close on exec")
def _flags():
    with socket.socket(AF_ZMQ, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK,
                       PULL) as s:
        same(s.getblocking(), False)
        same(os.get_inheritable(s.fileno()), False)
        fails(errno.EAGAIN, s.recv, 1)


@tap.case("what socket() refuses")
def _refused():
    for style in socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW:
        fails(errno.ESOCKTNOSUPPORT, socket.socket, AF_ZMQ, style, PAIR)
    for kind in 12, 21, 1000, 0x7fffffff:
        fails(errno.EPROTONOSUPPORT, socket.socket, AF_ZMQ,
              socket.SOCK_SEQPACKET, kind)
    fails(errno.EOPNOTSUPP, socket.socketpair, AF_ZMQ, socket.SOCK_SEQPACKET, 0)
    with made() as s:
        fails(errno.EOPNOTSUPP, s.listen)


# ---- endpoints by option


@tap.case("bind: text with and without NUL, wildcards, several at once")
def _bind():
    with made(PULL) as s:
        same(s.getsockopt(SOL_ZMQ, LAST_ENDPOINT, 1024), b"\0", "before")
        seen = set()
        for text in (b"tcp://127.0.0.1:*", b"tcp://127.0.0.1:0\0",
                     b"tcp://*:*", b"tcp://lo:*"):
            s.setsockopt(SOL_ZMQ, BIND, text)
            got = s.getsockopt(SOL_ZMQ, LAST_ENDPOINT, 1024)
            host, _, port = got.rpartition(b":")
            same(host, b"tcp://0.0.0.0" if b"*:" in text
                 else b"tcp://127.0.0.1", "host")
            same(port[-1:], b"\0", "end")
            if not 0 < int(port[:-1]) < 65536:
                raise AssertionError(f"port {port}")
            seen.add(got)
        same(len(seen), 4, "different endpoints")


@tap.case("IPv6: wildcard and loopback, messages over each")
def _six():
    for text in "tcp://[::1]:*", "tcp://[::]:*", "tcp://*:*":
        with Socket(PULL, {IPV6: 1}) as a, Socket(PUSH, {IPV6: 1}) as b:
            port = a.bind(text).rpartition(":")[2]
            b.connect(f"tcp://[::1]:{port}")
            b.send(text.encode())
            same(a.recv(), text.encode())
            if text == "tcp://*:*":
                with Socket(PUSH) as four:
                    four.connect(f"tcp://127.0.0.1:{port}")
                    four.send(b"four")
                    same(a.recv(), b"four")


@tap.case("bad endpoints")
def _bad_text():
    with Socket(PULL) as s:
        for text in (b"", b"\0", b"tcp", b"tcp://", b"tcp://127.0.0.1",
                     b"tcp://127.0.0.1:", b"tcp://127.0.0.1:65536",
                     b"tcp://[::1:5555", b"://127.0.0.1:1", b"x" * 1025):
            for option in BIND, CONNECT:
                fails(errno.EINVAL, s.set, option, text)
        for text in b"foo://x", b"udp://127.0.0.1:9999":
            for option in BIND, CONNECT:
                fails(errno.EPROTONOSUPPORT, s.set, option, text)
        fails(errno.ENODEV, s.set, BIND, b"tcp://nonesuch0:*")
        fails(errno.EADDRNOTAVAIL, s.set, BIND, b"tcp://203.0.113.1:*")
        fails(errno.EINVAL, s.set, CONNECT, b"tcp://localhost:5555")
        same(s.stats.peers, 0)


@tap.case("address in use, then free again after unbind")
def _in_use():
    with Socket(PULL) as a, Socket(PULL) as b:
        where = a.bind(TCP)
        fails(errno.EADDRINUSE, b.set, BIND, where)
        a.unbind(where)
        until(lambda: free(b, where), "the address")
        with Socket(PUSH) as c:
            c.connect(where)
            c.send(b"to b")
            same(b.recv(), b"to b")
            a.nothing()


def free(s, where):
    try:
        s.bind(where)
    except OSError as e:
        if e.errno != errno.EADDRINUSE:
            raise
        return False
    return True


@tap.case("unbind and disconnect: what is not there, what is")
def _undo():
    with Socket(PULL) as a, Socket(PUSH) as b:
        for option in UNBIND, DISCONNECT:
            fails(errno.ENOENT, a.set, option, TCP.replace("*", "1"))
        where = a.bind(TCP)
        b.connect(where)
        b.wait_peers(1)
        b.disconnect(where)
        b.wait_peers(0)
        a.wait_peers(0)
        fails(errno.ENOENT, b.set, DISCONNECT, where)
        same(b.poll(select.POLLOUT, 0), 0, "room without a peer")
        b.connect(where)
        b.send(b"again")
        same(a.recv(), b"again")
        # either option takes either kind
        b.unbind(where)
        a.wait_peers(0)
        a.disconnect(where)
        fails(errno.ENOENT, a.set, UNBIND, where)


@tap.case("connect comes before bind")
def _early():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        where = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    with Socket(PUSH, {RECONNECT_IVL: 20}) as b, Socket(PULL) as a:
        b.connect(where)
        same(b.endpoint, where)
        b.send(b"early")
        a.bind(where)
        same(a.recv(), b"early")


@tap.case("a second connect to the same place, by type")
def _twice():
    for kind, peer, count in ((DEALER, ROUTER, 1), (SUB, PUB, 1), (PUB, SUB, 1),
                              (REQ, REP, 1), (PUSH, PULL, 2), (ROUTER, DEALER, 2)):
        with Socket(peer) as a, Socket(kind) as b:
            where = a.bind(TCP)
            b.connect(where)
            b.connect(where)
            b.wait_peers(count)
            a.wait_peers(count)
            with Socket(kind) as c:     # comes after a second one would have
                c.connect(where)
                a.wait_peers(count + 1)
                same(b.peers, count, afzmq.NAMES[kind])


@tap.case("connect from an address and port of one's own")
def _source():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as server, \
            Socket(STREAM) as s:
        target = server.getsockname()[1]
        server.settimeout(20 * SLOW)
        s.connect(f"tcp://127.0.0.2:{port};127.0.0.1:{target}")
        conn, peer = server.accept()
        conn.close()
        same(peer, ("127.0.0.2", port))


@tap.case("several binds and connects of one socket")
def _several():
    with Socket(PULL) as a, Socket(PULL) as b, Socket(PUSH) as c:
        places = [a.bind(TCP), a.bind(TCP), b.bind(TCP)]
        for where in places:
            c.connect(where)
        c.wait_peers(3)
        for _ in range(9):
            c.send(b"x")
        same([a.recv() for _ in range(6)], [b"x"] * 6)
        same([b.recv() for _ in range(3)], [b"x"] * 3)
        a.nothing()
        b.nothing()


# ---- options


@tap.case("integer options keep what they are given")
def _ints():
    values = {SNDHWM: 5, RCVHWM: 0, LINGER: -1, SNDTIMEO: 1234, RCVTIMEO: -1,
              RECONNECT_IVL: 7, RECONNECT_IVL_MAX: 99, BACKLOG: 3, SNDBUF: 65536,
              RCVBUF: 70000, IMMEDIATE: 1, IPV6: 1, CONFLATE: 1, TOS: 16,
              HANDSHAKE_IVL: 1000, INVERT_MATCHING: 1, MAXMSGSIZE: 1 << 40,
              AFFINITY: 3}
    with Socket(PUB) as s:
        for option, value in values.items():
            s.set(option, value)
        for option, value in values.items():
            same(s.get(option), value, f"option {option}")


@tap.case("integer options: defaults")
def _defaults():
    values = {SNDHWM: 1000, RCVHWM: 1000, LINGER: -1, SNDTIMEO: -1,
              RCVTIMEO: -1, RECONNECT_IVL: 100, RECONNECT_IVL_MAX: 0,
              BACKLOG: 100, SNDBUF: -1, RCVBUF: -1, IMMEDIATE: 0, IPV6: 0,
              CONFLATE: 0, TOS: 0, HANDSHAKE_IVL: 30000, RCVMORE: 0,
              MECHANISM: 0, RCVBATCH: 0, EVENTS: 0, TYPE: PUSH}
    with made(PUSH) as s:
        for option, value in values.items():
            same(s.getsockopt(SOL_ZMQ, option), value, f"option {option}")
        raw = s.getsockopt(SOL_ZMQ, MAXMSGSIZE, 8)
        same(struct.unpack("=q", raw)[0], -1)
        same(s.getsockopt(SOL_ZMQ, ROUTING_ID, 255), b"")


@tap.case("options refuse wrong sizes, values, types and numbers")
def _bad_options():
    with Socket(PULL) as s:
        for size in 1, 3, 5, 8:
            fails(errno.EINVAL, s.set, RCVHWM, bytes(size))
        fails(errno.EINVAL, s.set, MAXMSGSIZE, bytes(4))
        for option, value in ((RCVHWM, -1), (LINGER, -2), (RCVTIMEO, -2),
                              (IPV6, 2), (RCVBATCH, -1), (RCVBATCH, 1025),
                              (BACKLOG, -1), (IMMEDIATE, 2)):
            fails(errno.EINVAL, s.set, option, value)
        for option in 0, 1, 999, 1006, 123456, -1:
            fails(errno.EINVAL, s.set, option, 0)
            fails(errno.EINVAL, s.get, option)
        # another type's, what can only be read, what can only be set
        fails(errno.EINVAL, s.set, SUBSCRIBE, b"x")
        fails(errno.EINVAL, s.set, ROUTER_MANDATORY, 1)
        fails(errno.EINVAL, s.set, TYPE, 1)
        fails(errno.EINVAL, s.set, LAST_ENDPOINT, b"tcp://x:1")
        fails(errno.EINVAL, s.get, BIND)
        fails(errno.EINVAL, s.get_bytes, UNBIND, 100)
        fails(errno.EINVAL, s.get_bytes, RCVHWM, 3)
        fails(errno.ENOPROTOOPT, s.sock.setsockopt, 301, 1, 1)
        fails(errno.ENOPROTOOPT, s.sock.getsockopt, socket.IPPROTO_TCP, 1)
    with Socket(DEALER) as s:
        fails(errno.EINVAL, s.set, ROUTING_ID, b"")
        fails(errno.EINVAL, s.set, ROUTING_ID, b"x" * 256)


@tap.case("octet options: routing id, last endpoint, sizes")
def _octets():
    with Socket(DEALER) as s:
        for value in b"x", b"\xff\0\0", b"n" * 255:
            s.set(ROUTING_ID, value)
            same(s.get_bytes(ROUTING_ID), value)
        fails(errno.EINVAL, s.get_bytes, ROUTING_ID, 10)
        where = s.bind(TCP).encode()
        same(s.get_bytes(LAST_ENDPOINT), where + b"\0")
        same(s.get_bytes(LAST_ENDPOINT, len(where) + 1), where + b"\0")
        fails(errno.EINVAL, s.get_bytes, LAST_ENDPOINT, len(where))


@tap.case("SO_RCVTIMEO and RCVTIMEO are one thing, so are those for sending")
def _timeo():
    with made(PAIR) as s:
        for ours, theirs in ((RCVTIMEO, socket.SO_RCVTIMEO),
                             (SNDTIMEO, socket.SO_SNDTIMEO)):
            s.setsockopt(socket.SOL_SOCKET, theirs, struct.pack("@ll", 1, 500000))
            same(s.getsockopt(SOL_ZMQ, ours), 1500)
            s.setsockopt(SOL_ZMQ, ours, 2500)
            raw = s.getsockopt(socket.SOL_SOCKET, theirs, 16)
            same(struct.unpack("@ll", raw), (2, 500000))


@tap.case("statistics count, and fit buffers of any length")
def _stats():
    with Couple(PULL, PUSH) as (a, b):
        for size in 1, 10, 100:
            b.send(b"x" * size)
        until(lambda: a.stats.in_msgs == 3, "three messages")
        got = a.stats
        same((got.peers, got.in_bytes, got.received), (1, 111, 0))
        if got.mem < 111 or got.size < 72:
            raise AssertionError(got)
        same(b.stats.sent, 3)
        a.recv()
        a.recv()
        same(a.stats[2:4] + (a.stats.received,), (1, 100, 2))
        whole = a.get_bytes(STATS, 72)
        for size in 4, 8, 20:
            same(a.get_bytes(STATS, size)[4:], whole[4:size], f"{size} octets")
        longer = a.get_bytes(STATS, 200)
        same(longer[4:72], whole[4:], "of a long buffer")
        same(longer[72:].strip(b"\0"), b"", "what nobody knows")


@tap.case("thread safe: every type says so")
def _safe():
    for kind in range(12):
        with made(kind) as s:
            if s.getsockopt(SOL_ZMQ, THREAD_SAFE) not in (0, 1):
                raise AssertionError("neither 0 nor 1")


# ---- every type


def talk_one_way(a, b):
    b.send_multipart([b"one", b"two"])
    same(a.recv_multipart(), [b"one", b"two"])
    fails(errno.EOPNOTSUPP, a.send, b"x")
    fails(errno.EOPNOTSUPP, b.recv)


def talk_both(a, b):
    b.send_multipart([b"to a", b""])
    same(a.recv_multipart(), [b"to a", b""])
    a.send(b"to b")
    same(b.recv_multipart(), [b"to b"])


def talk_request(a, b):
    fails(errno.EBADFD, b.recv)
    b.send_multipart([b"question", b"part"])
    fails(errno.EBADFD, b.send, b"another")
    fails(errno.EBADFD, a.send, b"unasked")
    same(a.recv_multipart(), [b"question", b"part"])
    fails(errno.EBADFD, a.recv, socket.MSG_DONTWAIT)
    a.send(b"answer")
    same(b.recv_multipart(), [b"answer"])


def talk_router(a, b):
    b.send_multipart([b"", b"body"])
    who, *rest = a.recv_multipart()
    same(rest[-1], b"body")
    a.send_multipart([who] + rest[:-1] + [b"back"])
    same(b.recv_multipart()[-1], b"back")


def talk_rep_dealer(a, b):
    b.send_multipart([b"id", b"", b"body"])
    same(a.recv_multipart(), [b"body"])
    a.send(b"back")
    same(b.recv_multipart(), [b"id", b"", b"back"])


def talk_publish(a, b):
    """a publishes to b"""
    if b.kind == SUB:
        b.set(SUBSCRIBE, b"A")
    else:
        b.send(b"\1A")
    if a.kind == XPUB:
        same(a.recv_multipart(), [b"\1A"])
    else:
        until(lambda: a.get(afzmq.TOPICS_COUNT) == 1, "the subscription")
        fails(errno.EOPNOTSUPP, a.recv)
    if b.kind == SUB:
        fails(errno.EOPNOTSUPP, b.send, b"x")
    for topic in b"B", b"A", b"", b"Ab":
        a.send_multipart([topic, b"data"])
    same(b.recv_multipart(), [b"A", b"data"])
    same(b.recv_multipart(), [b"Ab", b"data"])
    if b.kind == SUB:
        b.set(UNSUBSCRIBE, b"A")
    else:
        b.send(b"\0A")
    if a.kind == XPUB:
        same(a.recv_multipart(), [b"\0A"])
    else:
        until(lambda: a.get(afzmq.TOPICS_COUNT) == 0, "its end")
    a.send(b"A")
    b.nothing()


TALKS = {(PAIR, PAIR): talk_both, (PULL, PUSH): talk_one_way,
         (REP, REQ): talk_request, (REP, DEALER): talk_rep_dealer,
         (ROUTER, REQ): talk_router, (ROUTER, DEALER): talk_router,
         (DEALER, DEALER): talk_both, (PUB, SUB): talk_publish,
         (PUB, XSUB): talk_publish, (XPUB, SUB): talk_publish,
         (XPUB, XSUB): talk_publish}


def talk(first, second, fn):
    with Couple(first, second) as (a, b):
        fn(a, b)


for (one, two), way in TALKS.items():
    tap.add(f"{afzmq.NAMES[one]} and {afzmq.NAMES[two]} talk",
            functools.partial(talk, one, two, way))


@tap.case("ROUTER and ROUTER talk, one names the other")
def _routers():
    with Socket(ROUTER, {ROUTING_ID: b"b"}) as b, \
            Socket(ROUTER, {ROUTER_MANDATORY: 1}) as a:
        fails(errno.EHOSTUNREACH, a.send, b"named", True)
        a.set(CONNECT_ROUTING_ID, b"named")
        a.connect(b.bind(TCP))
        a.wait_peers(1)
        a.send_multipart([b"named", b"hello"])
        who, text = b.recv_multipart()
        same(text, b"hello")
        b.send_multipart([who, b"answer"])
        same(a.recv_multipart(), [b"named", b"answer"])


@tap.case("STREAM speaks to a plain TCP socket")
def _stream():
    with Socket(STREAM) as s:
        port = int(s.bind(TCP).rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port),
                                      20 * SLOW) as tcp:
            who, empty = s.recv_multipart()
            same((len(who), empty), (5, b""))
            tcp.sendall(b"GET")
            same(s.recv_multipart(), [who, b"GET"])
            s.send_multipart([who, b"200"])
            same(tcp.recv(10), b"200")
        same(s.recv_multipart(), [who, b""])


tap.run()
