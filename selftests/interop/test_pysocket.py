#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 90
"""Everything by Python's stock socket module: AF_ZMQ at both ends.

Endpoints go by setsockopt(), whole messages by sendmsg(), waiting by select,
poll, epoll, selectors, asyncio, threads and timeouts.
"""

import array
import asyncio
import errno
import functools
import os
import select
import selectors
import signal
import socket
import struct
import threading
import time

import afzmq
from afzmq import (AF_ZMQ, AFFINITY, BACKLOG, BIND, CMSG_FRAMES, CONFLATE,
                   CONNECT, CONNECT_ROUTING_ID, DEALER, DISCONNECT, EVENTS,
                   FRAME_MORE, HANDSHAKE_IVL, IMMEDIATE, INVERT_MATCHING, IPV6,
                   LAST_ENDPOINT, LINGER, MAXMSGSIZE, MECHANISM, PAIR, PUB,
                   PULL, PUSH, RCVBATCH, RCVBUF, RCVHWM, RCVMORE, RCVTIMEO,
                   RECONNECT_IVL, RECONNECT_IVL_MAX, REP, REQ, ROUTER,
                   ROUTER_MANDATORY, ROUTING_ID, SNDBUF, SNDHWM, SNDTIMEO,
                   SOL_ZMQ, STATS, STREAM, SUB, SUBSCRIBE, THREAD_SAFE, TOS,
                   TYPE, UNBIND, UNSUBSCRIBE, XPUB, XSUB, Socket)
from ztap import Tap, fails, same, until

tap = Tap()
TCP = "tcp://127.0.0.1:*"


class Couple:
    """Two connected sockets, a has bound."""

    def __init__(self, a_kind=PAIR, b_kind=PAIR, a_options=(), b_options=()):
        self.a = Socket(a_kind, a_options)
        self.b = Socket(b_kind, b_options)
        self.where = self.a.bind(TCP)
        self.b.connect(self.where)
        self.a.wait_peers(1)
        self.b.wait_peers(1)

    def __enter__(self):
        return self.a, self.b

    def __exit__(self, *_):
        self.a.close()
        self.b.close()


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
        server.settimeout(10)
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
        with socket.create_connection(("127.0.0.1", port), 10) as tcp:
            who, empty = s.recv_multipart()
            same((len(who), empty), (5, b""))
            tcp.sendall(b"GET")
            same(s.recv_multipart(), [who, b"GET"])
            s.send_multipart([who, b"200"])
            same(tcp.recv(10), b"200")
        same(s.recv_multipart(), [who, b""])


# ---- frames


@tap.case("frames: MSG_MORE, RCVMORE, empty ones, recv() == b''")
def _frames():
    with Couple() as (a, b):
        s = b.sock
        same([s.send(b"one", socket.MSG_MORE), s.send(b"", socket.MSG_MORE),
              s.send(b"three")], [3, 0, 5])
        a.poll()
        got = []
        for _ in range(3):
            got.append((a.sock.recv(100), a.more))
        same(got, [(b"one", True), (b"", True), (b"three", False)])
        a.nothing()


@tap.case("nothing is delivered before the last frame")
def _whole():
    with Couple() as (a, b):
        b.send(b"first", True)
        a.nothing(100)
        same(a.waiting(), 0)
        b.send(b"last")
        same(a.recv_multipart(), [b"first", b"last"])


@tap.case("MSG_PEEK leaves the frame, MSG_TRUNC tells its length")
def _peek():
    with Couple() as (a, b):
        b.send_multipart([b"0123456789", b"next"])
        buf = bytearray(4)
        for _ in range(3):
            same(a.sock.recv_into(buf, 4, socket.MSG_PEEK), 4)
            same(bytes(buf), b"0123")
            same(a.sock.recv_into(buf, 4, socket.MSG_PEEK | socket.MSG_TRUNC), 10)
        # a short buffer loses the rest of the frame, not the next one
        same(a.sock.recv(4), b"0123")
        same(a.more, True)
        same(a.sock.recv_into(buf, 2, socket.MSG_TRUNC), 4)
        same(bytes(buf), b"ne23")
        same(a.more, False)


@tap.case("sendall, os.write, os.read, recv_into, a memoryview and an array")
def _calls():
    with Couple() as (a, b):
        b.sock.sendall(b"all")
        os.write(b.fileno(), b"written")
        b.sock.send(memoryview(b"xviewx")[1:5])
        b.sock.send(array.array("I", [1, 2, 3]))
        same(os.read(a.fileno(), 100), b"all")
        same(a.sock.recv(100), b"written")
        buf = bytearray(10)
        same(a.sock.recv_into(memoryview(buf)[2:]), 4)
        same(bytes(buf), b"\0\0view" + bytes(4))
        numbers = array.array("I", [0] * 3)
        same(a.sock.recv_into(numbers), 12)
        same(list(numbers), [1, 2, 3])


@tap.case("gathering: one frame of many buffers")
def _gather():
    with Couple() as (a, b):
        same(b.sock.sendmsg([b"a" * 1000, b"", b"b" * 1000, b"c"]), 2001)
        same(a.recv_multipart(), [b"a" * 1000 + b"b" * 1000 + b"c"])
        same(b.sock.sendmsg([b"1", b"2"], [], socket.MSG_MORE), 2)
        same(b.sock.sendmsg([b"3"], [], socket.MSG_MORE | socket.MSG_EOR), 1)
        same(a.recv_multipart(), [b"12", b"3"])


@tap.case("whole messages in one sendmsg()")
def _messages():
    many = [[b"one"], [b"two", b"", b"x" * 70000], [b""], [b"", b""]]
    with Couple() as (a, b):
        same(b.send_messages(many), 70006)
        for frames in many:
            same(a.recv_multipart(), frames)
        # the buffers need not be cut where the frames are
        control = struct.pack("=3I", 2 | FRAME_MORE, 3, 1)
        same(b.sock.sendmsg([b"abcd", b"ef"], [(SOL_ZMQ, CMSG_FRAMES, control)]), 6)
        same(a.recv_multipart(), [b"ab", b"cde"])
        same(a.recv_multipart(), [b"f"])


@tap.case("frame lengths which are refused, and nothing is sent")
def _bad_lengths():
    with Couple() as (a, b):
        for sizes in ((), (3,), (5,), (4 | FRAME_MORE,), (2, 1), (2, 3),
                      (2 | FRAME_MORE, 1), (0x7fffffff,), (4, 0 | FRAME_MORE),
                      (0x7fffffff, 0x7fffffff, 6)):
            control = struct.pack(f"={len(sizes)}I", *sizes)
            fails(errno.EINVAL, b.sock.sendmsg, [b"data"],
                  [(SOL_ZMQ, CMSG_FRAMES, control)])
        for size in 1, 3, 5, 7:
            fails(errno.EINVAL, b.sock.sendmsg, [b"data"],
                  [(SOL_ZMQ, CMSG_FRAMES, bytes(size))])
        good = struct.pack("=I", 4)
        fails(errno.EINVAL, b.sock.sendmsg, [b"data"],
              [(SOL_ZMQ, CMSG_FRAMES, good)], socket.MSG_MORE)
        b.send(b"half", True)
        fails(errno.EINVAL, b.sock.sendmsg, [b"data"],
              [(SOL_ZMQ, CMSG_FRAMES, good)])
        b.send(b"whole")
        same(a.recv_multipart(), [b"half", b"whole"])
        a.nothing()


@tap.case("RCVBATCH: recv() gives one whole message")
def _batch():
    with Couple() as (a, b):
        a.set(RCVBATCH, 8)
        b.send_multipart([b"one", b"two"])
        b.send(b"three")
        a.poll()
        same(a.sock.recv(100), b"onetwo")
        b.send(b"x" * 50)
        same(a.sock.recv(100), b"three")
        fails(errno.EMSGSIZE, a.sock.recv, 49)
        same(a.sock.recv(50), b"x" * 50)
        a.set(RCVBATCH, 0)
        b.send_multipart([b"1", b"2"])
        same(a.recv_multipart(), [b"1", b"2"])


@tap.case("SIOCINQ is the next frame's length, SIOCOUTQ what has not left")
def _ioctls():
    with Couple() as (a, b):
        same((a.waiting(), b.unsent()), (0, 0))
        b.send_multipart([b"12345", b"678"])
        a.poll()
        same(a.waiting(), 5)
        a.recv()
        same(a.waiting(), 3)
        a.recv()
        same(a.waiting(), 0)
        until(lambda: b.unsent() == 0, "an empty queue")
    with Socket(PUSH) as s:
        s.connect(TCP.replace("*", "1"))
        s.send(b"x" * 1000)
        same(s.unsent(), 1000)


@tap.case("10 MiB in one frame and in 1000 frames")
def _big():
    data = os.urandom(1 << 20) * 10
    with Couple() as (a, b):
        b.send(data)
        same(a.recv(), data)
        frames = [data[n * 10000:(n + 1) * 10000] for n in range(1000)]
        b.send_multipart(frames)
        same(a.recv_multipart(), frames)
        b.send_whole(frames)
        same(a.recv_multipart(), frames)


# ---- waiting


@tap.case("Python's timeout and the kernel's")
def _timeouts():
    with Couple() as (a, _):
        began = time.monotonic()
        a.sock.settimeout(0.2)
        try:
            a.sock.recv(1)
            raise AssertionError("something came")
        except TimeoutError:
            pass
        a.sock.settimeout(None)
        a.sock.setblocking(True)
        a.set(RCVTIMEO, 200)
        fails(errno.EAGAIN, a.sock.recv, 1)
        spent = time.monotonic() - began
        if not 0.39 < spent < 5:
            raise AssertionError(f"{spent} s instead of 0.4")
        a.set(RCVTIMEO, 0)
        fails(errno.EAGAIN, a.sock.recv, 1)


@tap.case("no room: EAGAIN, a timeout, room again after reading")
def _hwm():
    with Socket(PUSH, {SNDHWM: 3, SNDTIMEO: 100}) as b, Socket(PULL) as a:
        fails(errno.EAGAIN, b.send, b"no peer")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            where = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        b.connect(where)
        for n in range(3):
            same(b.poll(select.POLLOUT, 0), select.POLLOUT)
            b.send(b"%d" % n, flags=socket.MSG_DONTWAIT)
        same(b.poll(select.POLLOUT, 0), 0)
        fails(errno.EAGAIN, b.send, b"x", flags=socket.MSG_DONTWAIT)
        fails(errno.EAGAIN, b.send, b"x")
        b.sock.settimeout(0.1)
        try:
            b.sock.send(b"x")
            raise AssertionError("sent")
        except TimeoutError:
            pass
        a.bind(where)
        same([a.recv() for _ in range(3)], [b"0", b"1", b"2"])
        same(b.poll(select.POLLOUT), select.POLLOUT)
        b.send(b"3")
        same(a.recv(), b"3")


@tap.case("poll and ZMQ_EVENTS agree, type by type")
def _idle():
    always_out = {PUB, XPUB, XSUB, ROUTER, STREAM}
    for kind, name in enumerate(afzmq.NAMES):
        with Socket(kind) as s:
            want = select.POLLOUT if kind in always_out else 0
            same(s.poll(select.POLLIN | select.POLLOUT, 0), want, name)
            same(s.get(EVENTS), 2 if want else 0, name)
    with Couple(REP, REQ) as (a, b):
        same(b.get(EVENTS), 2)
        b.send(b"?")
        same(b.get(EVENTS), 0)
        a.poll()
        same(a.get(EVENTS), 1)
        a.recv()
        same(a.get(EVENTS), 2)
        a.send(b"!")
        b.poll()
        same((a.get(EVENTS), b.get(EVENTS)), (0, 1))


@tap.case("select() with several sockets")
def _select():
    with Couple() as (a, b), Couple() as (c, d):
        same(select.select([a, c], [], [], 0), ([], [], []))
        d.send(b"x")
        same(select.select([a, c], [], [], 10), ([c], [], []))
        b.send(b"y")
        until(lambda: len(select.select([a, c], [], [], 1)[0]) == 2, "both")
        same(set(select.select([], [b, d], [], 10)[1]), {b, d})


@tap.case("epoll: level, edge, one shot")
def _epoll():
    with Couple() as (a, b), select.epoll() as level, select.epoll() as edge, \
            select.epoll() as once:
        level.register(a, select.EPOLLIN)
        edge.register(a, select.EPOLLIN | select.EPOLLET)
        once.register(a, select.EPOLLIN | select.EPOLLONESHOT)
        same(level.poll(0) + edge.poll(0) + once.poll(0), [])
        b.send(b"1")
        for _ in range(2):
            same(level.poll(10), [(a.fileno(), select.EPOLLIN)])
        same(edge.poll(10), [(a.fileno(), select.EPOLLIN)])
        same(edge.poll(0), [], "edge again")
        same(once.poll(10), [(a.fileno(), select.EPOLLIN)])
        b.send(b"2")
        same(edge.poll(10), [(a.fileno(), select.EPOLLIN)], "every arrival")
        same(once.poll(0), [], "one shot again")
        once.modify(a, select.EPOLLIN | select.EPOLLONESHOT)
        same(once.poll(10), [(a.fileno(), select.EPOLLIN)])
        same([a.recv(), a.recv()], [b"1", b"2"])
        same(level.poll(0) + edge.poll(0), [])


@tap.case("selectors: a server for twenty clients")
def _selectors():
    with Socket(ROUTER) as server, selectors.DefaultSelector() as sel:
        where = server.bind(TCP)
        clients = []
        for n in range(20):
            c = Socket(DEALER)
            c.connect(where)
            c.sock.setblocking(False)
            sel.register(c.sock, selectors.EVENT_READ, (c, n))
            clients.append(c)
        sel.register(server.sock, selectors.EVENT_READ, None)
        for n, c in enumerate(clients):
            c.send(b"%d" % n)
        answers = {}
        while len(answers) < 20:
            ready = sel.select(10)
            if not ready:
                raise AssertionError(f"only {len(answers)} answers")
            for key, _ in ready:
                if key.data is None:
                    who, text = server.recv_multipart()
                    server.send_multipart([who, b"answer " + text])
                else:
                    c, n = key.data
                    answers[n] = c.recv()
        same(answers, {n: b"answer %d" % n for n in range(20)})
        for c in clients:
            c.close()


@tap.case("asyncio: add_reader, add_writer, sock_recv, sock_sendall")
def _asyncio():
    async def main(a, b):
        loop = asyncio.get_running_loop()
        readable, writable = asyncio.Event(), asyncio.Event()
        loop.add_reader(a, readable.set)
        loop.add_writer(b, writable.set)
        await asyncio.wait_for(writable.wait(), 10)
        same(readable.is_set(), False)
        b.send(b"event")
        await asyncio.wait_for(readable.wait(), 10)
        loop.remove_reader(a)
        loop.remove_writer(b)
        same(a.recv(), b"event")
        reader = asyncio.create_task(loop.sock_recv(a.sock, 100))
        await asyncio.sleep(0)
        await loop.sock_sendall(b.sock, b"awaited")
        same(await asyncio.wait_for(reader, 10), b"awaited")

    with Couple() as (a, b):
        a.sock.setblocking(False)
        b.sock.setblocking(False)
        asyncio.run(main(a, b))


@tap.case("a thread blocked in recv() is woken by a message, by shutdown()")
def _threads():
    with Couple() as (a, b):
        got = []

        def reader():
            got.append(a.sock.recv(100))
            try:
                a.sock.recv(100)
            except OSError as e:
                got.append(e.errno)

        t = threading.Thread(target=reader, daemon=True)
        t.start()
        b.send(b"wake up")
        until(lambda: got == [b"wake up"], "the message")
        a.sock.shutdown(socket.SHUT_RDWR)
        t.join(10)
        same(got, [b"wake up", errno.ESHUTDOWN])
        fails(errno.ESHUTDOWN, a.sock.send, b"x")
        fails(errno.ESHUTDOWN, a.sock.recv, 1)
        fails(errno.ESHUTDOWN, a.set, BIND, TCP)
        if not a.poll(select.POLLIN, 0) & select.POLLHUP:
            raise AssertionError("no POLLHUP")
        a.sock.shutdown(socket.SHUT_WR)
        same(a.get(TYPE), PAIR)
        b.wait_peers(0)


@tap.case("threads share a socket: whole messages stay whole")
def _shared():
    with Couple(PULL, PUSH) as (a, b):
        def writer(n):
            for k in range(50):
                b.send_whole([b"%d" % n, b"%d" % k, b"x" * n])

        threads = [threading.Thread(target=writer, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        seen = [0] * 4
        for _ in range(200):
            n, k, rest = a.recv_multipart()
            n = int(n)
            same((int(k), rest), (seen[n], b"x" * n), "order and content")
            seen[n] += 1
        for t in threads:
            t.join(10)
        same(seen, [50] * 4)


@tap.case("a signal's handler ends an endless wait")
def _signal():
    class Wake(Exception):
        pass

    def handler(*_):
        raise Wake

    with Couple() as (a, b):
        a.set(RCVTIMEO, -1)
        old = signal.signal(signal.SIGUSR1, handler)
        try:
            me = threading.get_ident()
            timer = threading.Timer(0.2, signal.pthread_kill,
                                    (me, signal.SIGUSR1))
            timer.start()
            try:
                a.recv()
                raise AssertionError("a message")
            except Wake:
                pass
        finally:
            signal.signal(signal.SIGUSR1, old)
        b.send(b"still works")
        same(a.recv(), b"still works")


# ---- the file descriptor


@tap.case("a socket passed over a Unix socket goes on in another process")
def _passed():
    ours, theirs = socket.socketpair()
    with Couple() as (a, b), ours, theirs:
        pid = os.fork()
        if not pid:
            try:
                b.close()
                _, fds, _, _ = socket.recv_fds(theirs, 1, 1)
                with socket.socket(fileno=fds[0]) as s:
                    s.settimeout(10)
                    s.send(b"child got " + s.recv(100))
                os._exit(0)
            finally:
                os._exit(1)
        socket.send_fds(ours, [b"x"], [b.fileno()])
        a.send(b"this")
        same(a.recv(), b"child got this")
        same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)


@tap.case("a socket shared over fork lives until the last one closes it")
def _forked():
    with Couple() as (a, b):
        pid = os.fork()
        if not pid:
            try:
                b.send(b"from the child")
                os._exit(0)
            finally:
                os._exit(1)
        same(a.recv(), b"from the child")
        same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        same(a.peers, 1)
        b.send(b"from the parent")
        same(a.recv(), b"from the parent")
        b.close()
        a.wait_peers(0)


@tap.case("what was sent outlives close() for LINGER")
def _linger():
    for size, count in ((10, 500), (1 << 20, 5)):
        with Socket(PULL, {RCVHWM: 2}) as a:
            where = a.bind(TCP)
            with Socket(PUSH, {LINGER: 10000}) as b:
                b.connect(where)
                for n in range(count):
                    b.send(b"%d" % n + b"." * size)
            for n in range(count):
                same(a.recv(), b"%d" % n + b"." * size)


@tap.case("a process that is killed is gone for its peers")
def _killed():
    with Socket(PULL) as a:
        where = a.bind(TCP)
        pid = os.fork()
        if not pid:
            with Socket(PUSH, {LINGER: -1}) as b:
                b.connect(where)
                b.send(b"last words")
                while True:
                    signal.pause()
        same(a.recv(), b"last words")
        same(a.peers, 1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        a.wait_peers(0)


@tap.case("/proc/net/zmq lists the socket")
def _proc():
    with Couple(PULL, PUSH) as (a, b):
        port = a.endpoint.rpartition(":")[2]
        inode = str(os.fstat(a.fileno()).st_ino)
        with open("/proc/net/zmq", encoding="ascii") as f:
            lines = f.read().splitlines()
        mine = [x.split() for x in lines[1:] if inode in x.split()]
        same(len(mine), 1, "lines with our inode")
        if "PULL" not in mine[0] or not any(port in x for x in mine[0]):
            raise AssertionError(f"{mine[0]}")
        same(b.peers, 1)


@tap.case("thread safe: every type says so")
def _safe():
    for kind in range(12):
        with made(kind) as s:
            if s.getsockopt(SOL_ZMQ, THREAD_SAFE) not in (0, 1):
                raise AssertionError("neither 0 nor 1")


tap.run()
